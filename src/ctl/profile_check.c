/* `portcullis check FILE`: a profile judged without a daemon. */
#include "ctl/profile_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/regular.h"

enum { PATH_SIZE = 4096, REFERRED_MAX = 1024 * 1024, REMOTES_SHOWN = 10 };

/* A regular file of at most `max` bytes; the caller frees. 0, or -1 and `e`. */
static int read_file(const char *path, uid_t owner, size_t max, char **bytes, size_t *length, struct err *e)
{
	/* Not blocking: it may be a pipe, and nobody at its other end. */
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), result;
	struct stat status;

	*bytes = NULL;
	if (descriptor == -1)
		return err_errno(e, "%s", path);
	if (owner != PROFILE_ANY_OWNER && (fstat(descriptor, &status) == -1 || status.st_uid != owner))
		result = err_set(e, "%s: another file since it was looked at", path);
	else
		result = regular_read(descriptor, path, max, bytes, length, e);
	close(descriptor);
	return result;
}

/* profile_file_fn; `argument` is the profile's own path. */
static int read_beside(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	const char *profile = argument, *slash = strrchr(profile, '/');
	char place[PATH_SIZE];

	if (path[0] == '/' || slash == NULL)
		return read_file(path, PROFILE_ANY_OWNER, REFERRED_MAX, bytes, length, e);
	if (snprintf(place, sizeof place, "%.*s/%s", (int)(slash - profile), profile, path) >=
	    (int)sizeof place)
		return err_set(e, "%s: the path is too long", path);
	return read_file(place, PROFILE_ANY_OWNER, REFERRED_MAX, bytes, length, e);
}

/* The same, and says so. */
static int read_referred(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	if (read_beside(path, bytes, length, argument, e) == -1)
		return -1;
	fprintf(stderr, "%s: note: %s is taken in by portcullis import; the daemon reads no other file\n",
		(const char *)argument, path);
	return 0;
}

static void print_notice(int line, const char *option, const char *reason, void *argument)
{
	fprintf(stderr, "%s:%d: note: %s: %s\n", (const char *)argument, line, option, reason);
}

struct profile *profile_file_parse(const char *file, uid_t owner, bool quiet, struct err *e)
{
	char *own = strdup(file);
	struct profile_source source = {.name = file,
					.file = quiet ? read_beside : read_referred,
					.notice = quiet ? NULL : print_notice,
					.argument = own};
	struct profile *profile = NULL;
	char *bytes = NULL;

	if (own == NULL)
		err_set(e, "no memory");
	else if (read_file(file, owner, PROFILE_SIZE_MAX, &bytes, &source.length, e) == 0) {
		source.bytes = bytes;
		profile = profile_parse(&source, e);
	}
	free(bytes);
	free(own);
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
		puts("needs a user name and a password: credentials { } in portcullis.conf");
	if (needs & PROFILE_NEEDS_KEY_PASSPHRASE)
		puts("needs the passphrase of its private key, which is encrypted, and nobody is there to "
		     "type it; "
		     "instead: credentials { password-file } in portcullis.conf");
	if (profile_route_nopull(profile))
		puts("takes no routes from the server (route-nopull)");
}

int check_profile(const char *file)
{
	struct err e = {""};
	struct profile *profile = profile_file_parse(file, PROFILE_ANY_OWNER, false, &e);

	if (profile == NULL) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	profile_file_describe(profile);
	profile_free(profile);
	return 0;
}
