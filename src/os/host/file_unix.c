/* The file port: folders, listening sockets and small files, made safely. */
#include "os/host/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "os/process/descriptor.h"

enum { BACKLOG = 64 };

int file_folder(const char *path, mode_t mode, struct err *e)
{
	char partial[PATH_MAX];
	struct stat status;

	if (text_copy(partial, sizeof partial, path) == -1)
		return err_set(e, "%s: the path is too long", path);
	for (char *at = partial + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
		*at = '\0';
		if (mkdir(partial, 0755) == -1 && errno != EEXIST)
			return err_errno(e, "%s", partial);
	}
	if (mkdir(path, mode) == -1 && errno != EEXIST)
		return err_errno(e, "%s", path);
	if (stat(path, &status) == -1 || !S_ISDIR(status.st_mode))
		return err_set(e, "%s: not a directory", path);
	if (status.st_uid != geteuid())
		return err_set(e, "%s: belongs to user %u; instead: chown root", path,
			       (unsigned)status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH) && !(status.st_mode & S_ISVTX))
		return err_set(e, "%s: others may write to it; instead: chmod go-w", path);
	return 0;
}

int file_folder_of(const char *file, mode_t mode, struct err *e)
{
	char copy[PATH_MAX];

	text_copy(copy, sizeof copy, file);
	return file_folder(dirname(copy), mode, e);
}

int file_open_owned(const char *path, mode_t never, struct err *e)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return err_errno(e, "%s", path);
	if (fstat(fd, &status) == -1 || !S_ISREG(status.st_mode))
		err_set(e, "%s: not a regular file", path);
	else if (status.st_uid != 0 && status.st_uid != geteuid())
		err_set(e, "%s: belongs to user %u; instead: chown root", path, (unsigned)status.st_uid);
	else if (status.st_mode & never)
		err_set(e, "%s: others may %s it; instead: chmod %s", path,
			never & S_IROTH ? "read" : "write to", never & S_IROTH ? "600" : "go-w");
	else
		return fd;
	close(fd);
	return -1;
}

static int is_trusted(const char *path, struct err *e)
{
	struct stat status;

	if (stat(path, &status) == -1)
		return err_errno(e, "%s", path);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return err_set(e,
			       "%s belongs to user %u, who could put anything there; instead: chown root %s",
			       path, (unsigned)status.st_uid, path);
	if (status.st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(status.st_mode) && status.st_mode & S_ISVTX))
		return err_set(e, "%s: others may write to it; instead: chmod go-w %s", path, path);
	return 0;
}

static int are_trusted(const char *from, const char *path, struct err *e)
{
	char part[PATH_MAX];

	if (text_copy(part, sizeof part, path) == -1)
		return err_set(e, "%s: the path is too long", path);
	for (char *at = part + strlen(from) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
		*at = '\0';
		if (is_trusted(part, e) == -1)
			return -1;
	}
	return is_trusted(part, e);
}

int file_is_trusted(const char *from, const char *path, struct err *e)
{
	char target[PATH_MAX];

	if (are_trusted(from, path, e) == -1)
		return -1;
	if (realpath(path, target) == NULL)
		return err_errno(e, "%s", path);
	return strcmp(target, path) == 0 ? 0 : are_trusted("", target, e);
}

int file_remove_folder(const char *path, struct err *e)
{
	int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = descriptor == -1 ? NULL : fdopendir(descriptor);
	const struct dirent *entry;

	if (folder == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "%s", path);
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(descriptor, entry->d_name, 0);
	}
	closedir(folder);
	return rmdir(path) == 0 ? 0 : err_errno(e, "%s", path);
}

int file_listener(const char *path, mode_t mode, int64_t gid, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t old;
	int fd;

	if (text_copy(address.sun_path, sizeof address.sun_path, path) == -1)
		return err_set(e, "%s: longer than the %zu bytes of a socket's path", path,
			       sizeof address.sun_path - 1);
	if ((fd = descriptor_socket(AF_UNIX, SOCK_STREAM, true)) == -1)
		return err_errno(e, "socket");
	unlink(path);
	old = umask(0777 & ~mode);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    (gid != -1 && chown(path, 0, (gid_t)gid) == -1) || listen(fd, BACKLOG) == -1) {
		umask(old);
		err_errno(e, "%s", path);
		close(fd);
		return -1;
	}
	umask(old);
	return fd;
}

static bool device_of(const char *path, dev_t *device)
{
	struct stat status;

	if (stat(path, &status) == -1)
		return false;
	*device = status.st_dev;
	return true;
}

bool file_is_early(const char *root, const char *path)
{
	char folder[PATH_MAX], first[PATH_MAX], second[PATH_MAX];
	dev_t here, with;

	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	snprintf(first, sizeof first, "%s/", root);
	snprintf(second, sizeof second, "%s/usr", root);
	return !device_of(folder, &here) || (device_of(first, &with) && here == with) ||
	       (device_of(second, &with) && here == with);
}

int file_save(const char *path, const char *text, bool durable)
{
	char fresh[PATH_MAX];
	size_t length = strlen(text);
	int fd, result;

	snprintf(fresh, sizeof fresh, "%.*s.new", PATH_MAX - 8, path);
	if ((fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		return -1;
	result = write(fd, text, length) == (ssize_t)length && (!durable || fsync(fd) == 0) ? 0 : -1;
	close(fd);
	if (result == -1 || rename(fresh, path) == -1) {
		unlink(fresh);
		return -1;
	}
	return 0;
}

int file_load(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got;

	if (fd == -1)
		return -1;
	got = read(fd, to, size - 1);
	close(fd);
	to[got > 0 ? got : 0] = '\0';
	return 0;
}
