/* `portcullis import`: a user's profile becomes one of root's. */
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "ctl/profile_check.h"
#include "os/descriptor.h"

enum {
	NAME_MAX_BYTES = 64,
	FILE_NAME_SIZE = 96,
	PATH_SIZE = 4096,
	STORED_MAX = 4 * PROFILE_SIZE_MAX,
	ADDRESSES_MAX = 64, /* of one name */
	NOBODY = 65534
};

/* --- the child: it has the rights of the file's owner, and no others */

static int become_owner(uid_t owner, struct err *e)
{
	const struct passwd *entry = getpwuid(owner);
	/* Not the file's group: its owner need not be in it. */
	gid_t group = entry != NULL ? entry->pw_gid : owner == 0 ? 0 : NOBODY;

	if (setgroups(1, &group) == -1 || setgid(group) == -1 || setuid(owner) == -1)
		return err_errno(e, "can't take the rights of user %u", (unsigned)owner);
	return 0;
}

static int take_address(const struct addrinfo *found, struct net_address *address)
{
	char text[NI_MAXHOST];

	return getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0
		   ? net_address_parse(text, address)
		   : -1;
}

/* Both families, while the machine is open, in the resolver's order but by turns:
 * a machine whose IPv6 leads nowhere waits for one attempt, not for all of them. */
static void resolve(struct profile *profile, const char *host)
{
	struct addrinfo wish = {.ai_socktype = SOCK_DGRAM}, *all = NULL;
	struct net_address list[ADDRESSES_MAX];
	size_t count = 0;
	int code = getaddrinfo(host, NULL, &wish, &all);

	if (code != 0)
		fprintf(stderr, "note: %s: %s\n", host, gai_strerror(code));
	for (const struct addrinfo *found = code == 0 ? all : NULL; found != NULL && count < ADDRESSES_MAX;
	     found = found->ai_next)
		count += take_address(found, &list[count]) == 0;
	if (code == 0)
		freeaddrinfo(all);
	net_alternate(list, count);
	for (size_t i = 0; i < count; i++)
		profile_keep_address(profile, host, &list[i]);
}

static bool asked_before(const struct profile *profile, size_t i)
{
	const char *host = profile_remote(profile, i)->host;

	for (size_t j = 0; j < i; j++) {
		if (strcmp(profile_remote(profile, j)->host, host) == 0)
			return true;
	}
	return false;
}

static int resolve_all(struct profile *profile, struct err *e)
{
	size_t count = profile_remote_count(profile), reachable = 0;
	struct net_address literal;

	for (size_t i = 0; i < count; i++) {
		const struct profile_remote *remote = profile_remote(profile, i);

		if (net_address_parse(remote->host, &literal) == -1 && !asked_before(profile, i))
			resolve(profile, remote->host);
		reachable += remote->address_count > 0;
	}
	return reachable > 0
		   ? 0
		   : err_set(e, "no name of a remote could be resolved; instead: import while the machine "
				"is open (portcullis pause)");
}

/* Never returns. The new profile, or "" and the refusal on stderr. */
static void child(const char *file, uid_t owner, int output)
{
	struct err e = {""};
	struct profile *profile = NULL;
	char *text = NULL;
	size_t length = 0;

	if (become_owner(owner, &e) == 0 && (profile = profile_file_parse(file, owner, &e)) != NULL &&
	    resolve_all(profile, &e) == 0 && (text = profile_print(profile, &length)) == NULL)
		err_set(&e, "no memory");
	if (text == NULL || io_write_all(output, text, length) == -1) {
		fprintf(stderr, "%s\n", e.text[0] == '\0' ? "the profile can't be handed on" : e.text);
		fflush(stderr);
		_exit(1);
	}
	fflush(stderr);
	_exit(0);
}

/* --- the parent */

/* The file as a child with its owner's rights reads it, vetted once more here.
 * NULL: the child has said why, or `e` does. */
static struct profile *fetch(const char *file, struct err *e)
{
	struct profile_source source = {.name = file};
	struct profile *profile = NULL;
	struct stat status;
	char *bytes;
	int ends[2], code = 0;
	pid_t pid;

	if (stat(file, &status) == -1 || descriptor_pipe(ends, false) == -1) {
		err_errno(e, "%s", file);
		return NULL;
	}
	fflush(NULL);
	if ((pid = fork()) == 0)
		child(file, status.st_uid, ends[1]);
	close(ends[1]);
	bytes = io_read_all(ends[0], STORED_MAX, &source.length);
	close(ends[0]);
	source.bytes = bytes;
	if (pid == -1 || bytes == NULL)
		err_set(e, "%s: no child to read it", file);
	else if (waitpid(pid, &code, 0) == pid && WIFEXITED(code) && WEXITSTATUS(code) == 0)
		profile = profile_parse(&source, e);
	else if (WIFSIGNALED(code))
		err_set(e, "%s: the reading child has died (signal %d)", file, WTERMSIG(code));
	free(bytes);
	return profile;
}

/* NAME.ovpn, after the file's own name if none is given. */
static int choose_name(const char *file, const char *name, char *to, size_t size, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char base[NAME_MAX_BYTES + 1];
	char *dot;

	if (text_copy(base, sizeof base, name != NULL ? name : slash != NULL ? slash + 1 : file) == -1)
		return err_set(e, "the name is longer than %d bytes; instead: import FILE NAME",
			       NAME_MAX_BYTES);
	if (name == NULL && (dot = strrchr(base, '.')) != NULL && dot != base)
		*dot = '\0';
	if (!text_is_name(base, NAME_MAX_BYTES) || base[0] == '.')
		return err_set(e, "a name is letters, digits, '.', '_' and '-'; instead: import FILE NAME");
	snprintf(to, size, "%s.ovpn", base);
	return 0;
}

/* Each missing part of the path, root's only. */
static void make_directories(const char *path)
{
	char part[PATH_SIZE];

	if (text_copy(part, sizeof part, path) == -1)
		return;
	for (char *at = part + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		mkdir(part, 0755);
		*at = '/';
	}
	mkdir(part, 0700);
}

/* A directory that only root can change, so that nobody plays with its names. */
static int open_directory(const char *path, struct err *e)
{
	struct stat status;
	int descriptor;

	make_directories(path);
	descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (descriptor == -1)
		return err_errno(e, "%s", path);
	if (fstat(descriptor, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 022) == 0)
		return descriptor;
	close(descriptor);
	return err_set(e, "%s: others may write to it; instead: chown root, chmod go-w", path);
}

/* Whole or not at all, also over a power cut. */
static int store(int directory, const char *name, const char *text, size_t length, struct err *e)
{
	char fresh[FILE_NAME_SIZE + 16];
	int descriptor, result;

	snprintf(fresh, sizeof fresh, ".%s.%ld", name, (long)getpid());
	unlinkat(directory, fresh, 0);
	descriptor = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (descriptor == -1)
		return err_errno(e, "%s", name);
	result = io_write_all(descriptor, text, length) == -1 || fsync(descriptor) == -1 ||
			 renameat(directory, fresh, directory, name) == -1 || fsync(directory) == -1
		     ? err_errno(e, "%s", name)
		     : 0;
	close(descriptor);
	if (result == -1)
		unlinkat(directory, fresh, 0);
	return result;
}

static int keep(const struct profile *profile, const char *directory, const char *name, struct err *e)
{
	size_t length = 0;
	char *text = profile_print(profile, &length);
	int place = text == NULL ? err_set(e, "no memory") : open_directory(directory, e), result = -1;

	if (place != -1) {
		result = store(place, name, text, length, e);
		close(place);
	}
	free(text);
	return result;
}

static bool is_bundle(const char *file)
{
	size_t length = strlen(file);
	struct stat status;

	while (length > 0 && file[length - 1] == '/')
		length--;
	return (length > 5 && strncmp(file + length - 5, ".tblk", 5) == 0) ||
	       (stat(file, &status) == 0 && S_ISDIR(status.st_mode));
}

int import_profile_to(const char *file, const char *name, const char *directory)
{
	struct err e = {""};
	struct profile *profile = NULL;
	char stored[FILE_NAME_SIZE];
	int result = -1;

	if (geteuid() != 0)
		err_set(&e, "import writes what root runs; instead: sudo portcullis import %s", file);
	else if (is_bundle(file))
		err_set(&e, "%s: a folder; instead: import the .ovpn inside it", file);
	else if (choose_name(file, name, stored, sizeof stored, &e) == 0 &&
		 (profile = fetch(file, &e)) != NULL)
		result = keep(profile, directory, stored, &e);
	if (e.text[0] != '\0')
		fprintf(stderr, "%s\n", e.text);
	if (result == 0) {
		profile_file_describe(profile);
		printf("imported; in portcullis.conf:\nprofile = \"%s/%s\"\n", directory, stored);
	}
	profile_free(profile);
	return result == 0 ? 0 : 1;
}

int import_profile(const char *file, const char *name)
{
	return import_profile_to(file, name, PORTCULLIS_SYSCONFDIR "/portcullis/profiles");
}
