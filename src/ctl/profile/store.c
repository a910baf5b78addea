/* Root's profiles, as portcullis import writes them. */
#include "ctl/profile/store.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/shown.h"
#include "base/text.h"
#include "ctl/profile/check.h"

enum { PATH_SIZE = 4096 };

int profile_store_name(const char *name, char *to, struct err *e)
{
	if (strlen(name) > PROFILE_NAME_MAX)
		return err_set(e, "the name is longer than %d bytes; instead: import FILE NAME",
			       PROFILE_NAME_MAX);
	if (!text_is_name(name, PROFILE_NAME_MAX) || name[0] == '.')
		return err_set(
		    e, "a name has only letters, digits, '.', '_' and '-'; instead: import FILE NAME");
	snprintf(to, PROFILE_FILE_SIZE, "%s.ovpn", name);
	return 0;
}

/* Creates each missing part of the path, for root only. */
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

/* Opens a directory that only root can change, so that nobody exchanges its entries. */
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

/* Writes it completely or not at all, even if the power fails. */
static int store_text(int directory, const char *name, const char *text, size_t length, struct err *e)
{
	char fresh[PROFILE_FILE_SIZE + 16];
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
		result = store_text(place, name, text, length, e);
		close(place);
	}
	free(text);
	return result;
}

int profile_store(const char *label, const char *bytes, size_t length, const char *directory,
		  const char *file, struct err *e)
{
	struct profile_source source = {.name = label, .bytes = bytes, .length = length};
	struct profile *profile = profile_parse(&source, e);
	int result = profile != NULL ? keep(profile, directory, file, e) : -1;

	if (result == 0) {
		profile_file_describe(profile);
		puts("imported; in portcullis.conf:");
		shown_print(stdout, "profile = \"%s/%s\"", directory, file);
	}
	profile_free(profile);
	return result;
}
