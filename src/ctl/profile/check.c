/* `portcullis check FILE`: a profile judged without a daemon. */
#include "ctl/profile/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shown.h"
#include "ctl/profile/folder.h"
#include "ctl/profile/owner.h"
#include "ctl/profile/regular.h"

enum {
	PATH_SIZE = PLACE_PATH_SIZE,
	SHOWN_SIZE = 512,
	DEADLINE_S = 120,
	REFERRED_MAX = 1024 * 1024,
	REMOTES_SHOWN = 10
};

/* The file that is read, for messages, and where the files that it refers to are. */
struct reading {
	const char *file; /* as the user named it */
	const char *base; /* its real path: the files that it refers to lie beside it */
	bool notes;
};

/* The folder that a file lies in, to `to` of PATH_SIZE bytes. */
static int folder_of(const char *file, char *to, struct err *e)
{
	const char *slash = strrchr(file, '/');
	int length = slash == NULL ? 1 : slash == file ? 1 : (int)(slash - file);

	return snprintf(to, PATH_SIZE, "%.*s", length, slash == NULL ? "." : file) < PATH_SIZE
		   ? 0
		   : err_set(e, "the path is too long; instead: a shorter one");
}

/* A regular file of at most `max` bytes; the caller frees. 0, or -1 and `e`. */
static int read_file(const char *path, size_t max, char **bytes, size_t *length, struct err *e)
{
	/* Not blocking: it may be a pipe without a writer. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), result;
	char name[SHOWN_SIZE];

	*bytes = NULL;
	shown(name, sizeof name, path);
	if (descriptor == -1)
		return err_errno(e, "%s", name);
	result = regular_read(descriptor, name, max, bytes, length, e);
	close(descriptor);
	return result;
}

/* With root's rights: only what lies in the profile's own folder, is not a link,
 * and can be changed by root alone. */
static int read_inside(const struct reading *reading, const char *path, char **bytes, size_t *length,
		       struct err *e)
{
	char place[PATH_SIZE], name[SHOWN_SIZE];
	struct folder folder;
	size_t inside;
	int result;

	if (folder_of(reading->base, place, e) == -1 || folder_open(&folder, place, e) == -1)
		return -1;
	inside = strlen(place);
	if (path[0] == '/' && strncmp(path, place, inside) == 0 && path[inside] == '/')
		path += inside + 1;
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (path[0] == '/')
		result = err_set(e,
				 "%s: outside the profile's directory, and root would read it; instead: copy "
				 "it to the profile's directory",
				 shown(name, sizeof name, path));
	else
		result = folder_read(&folder, path, REFERRED_MAX, bytes, length, e);
	folder_close(&folder);
	return result == 0 ? 0 : -1;
}

static int read_beside(const struct reading *reading, const char *path, char **bytes, size_t *length,
		       struct err *e)
{
	char folder[PATH_SIZE], place[PATH_SIZE];

	if (path[0] == '/')
		return read_file(path, REFERRED_MAX, bytes, length, e);
	if (folder_of(reading->base, folder, e) == -1)
		return -1;
	if (snprintf(place, sizeof place, "%s/%s", folder, path) >= (int)sizeof place)
		return err_set(e, "the path is too long; instead: a shorter one");
	return read_file(place, REFERRED_MAX, bytes, length, e);
}

/* profile_file_fn; `argument` is a struct reading. */
static int read_referred(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	const struct reading *reading = argument;
	bool placed = reading->base != reading->file;
	int result;

	*bytes = NULL;
	result = placed && geteuid() == 0 ? read_inside(reading, path, bytes, length, e)
					  : read_beside(reading, path, bytes, length, e);
	if (result == -1)
		return -1;
	if (reading->notes)
		shown_print(stderr, "%s: note: portcullis import includes %s; the daemon reads no other file",
			    reading->file, path);
	return 0;
}

/* profile_notice_fn */
static void print_notice(int line, const char *option, const char *reason, void *argument)
{
	const struct reading *reading = argument;

	if (reading->notes)
		shown_print(stderr, "%s:%d: note: %s: %s", reading->file, line, option, reason);
}

static struct profile *parse(const struct reading *reading, const char *bytes, size_t length, struct err *e)
{
	struct reading its = *reading;
	char name[SHOWN_SIZE];
	struct profile_source source = {.name = shown(name, sizeof name, reading->file),
					.bytes = bytes,
					.length = length,
					.file = read_referred,
					.notice = print_notice,
					.argument = &its};

	return profile_parse(&source, e);
}

struct profile *profile_file_parse(const char *file, bool quiet, struct err *e)
{
	const struct reading reading = {.file = file, .base = file, .notes = !quiet};
	struct profile *profile = NULL;
	size_t length = 0;
	char *bytes;

	if (read_file(file, PROFILE_SIZE_MAX, &bytes, &length, e) == 0)
		profile = parse(&reading, bytes, length, e);
	free(bytes);
	return profile;
}

struct profile *profile_place_parse(const char *file, const struct place *place, struct err *e)
{
	const struct reading reading = {.file = file, .base = place->path, .notes = true};
	struct profile *profile = NULL;
	char name[SHOWN_SIZE], *bytes = NULL;
	size_t length = 0;
	int descriptor = place_open(place, e);

	if (descriptor == -1)
		return NULL;
	if (regular_read(descriptor, shown(name, sizeof name, file), PROFILE_SIZE_MAX, &bytes, &length, e) ==
	    0)
		profile = parse(&reading, bytes, length, e);
	close(descriptor);
	free(bytes);
	return profile;
}

static void describe_remote(const struct profile_remote *remote)
{
	char address[NET_ADDRESS_TEXT];

	printf("remote %s port %u/%s:", remote->host, remote->port, net_proto_text(remote->proto));
	for (size_t i = 0; i < remote->address_count; i++)
		printf(" %s", net_address_text(&remote->addresses[i], address));
	puts(remote->address_count == 0 ? " never resolved; instead: portcullis import" : "");
}

void profile_file_describe(const struct profile *profile)
{
	size_t count = profile_remote_count(profile);
	int needs = profile_needs(profile);

	for (size_t i = 0; i < count && i < REMOTES_SHOWN; i++)
		describe_remote(profile_remote(profile, i));
	if (count > REMOTES_SHOWN)
		printf("and %zu more\n", count - REMOTES_SHOWN);
	if (needs & PROFILE_NEEDS_USER_PASSWORD)
		puts("needs a user name and a password; instead: set credentials { } in portcullis.conf");
	if (needs & PROFILE_NEEDS_KEY_PASSPHRASE)
		puts("needs the passphrase of its encrypted private key, and nobody can type it; instead: "
		     "set credentials { key-passphrase-file } in portcullis.conf");
	if (profile_route_nopull(profile))
		puts("accepts no routes from the server (route-nopull)");
}

static int check_own(const char *file, struct err *e)
{
	struct profile *profile = profile_file_parse(file, false, e);

	if (profile == NULL)
		return -1;
	profile_file_describe(profile);
	profile_free(profile);
	return 0;
}

struct wanted {
	const char *file;
	struct place place;
};

/* In the child, which has only the rights of the user who could have changed the file. */
static int check_work(int output, void *argument, struct err *e)
{
	const struct wanted *wanted = argument;
	struct profile *profile = profile_place_parse(wanted->file, &wanted->place, e);

	(void)output;
	if (profile == NULL)
		return -1;
	profile_file_describe(profile);
	profile_free(profile);
	return 0;
}

/* As root: here, too, the target of a user's link is not read with root's rights. */
static int check_as_root(const char *file, struct err *e)
{
	struct wanted wanted = {.file = file};
	size_t length;
	char *none;

	if (place_find(file, &wanted.place, e) == -1)
		return -1;
	none = owner_run(wanted.place.owner, DEADLINE_S, check_work, &wanted, 1, &length, e);
	free(none);
	return none != NULL ? 0 : -1;
}

int check_profile(const char *file)
{
	struct err e = {""};
	int result = geteuid() == 0 ? check_as_root(file, &e) : check_own(file, &e);

	if (e.text[0] != '\0')
		shown_print(stderr, "%s", e.text);
	return result == 0 ? 0 : 1;
}
