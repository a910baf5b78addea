/* files: directories, sockets, the log, and what is remembered over a life. */
#include "gate/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "gate/files.h"

enum { SMALL_FILE = 256, BACKLOG = 64 };

/* Creates `path` and what is missing above it. An existing folder is taken
 * whatever its mode, unless others may write to it. */
static int folder(const char *path, mode_t mode, struct err *e)
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
		return err_set(e, "%s: not a folder", path);
	if (status.st_uid != geteuid())
		return err_set(e, "%s: belongs to user %u; instead: chown root", path,
			       (unsigned)status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH) && !(status.st_mode & S_ISVTX))
		return err_set(e, "%s: others may write to it; instead: chmod go-w", path);
	return 0;
}

static int folder_of(const char *file, mode_t mode, struct err *e)
{
	char copy[PATH_MAX];

	text_copy(copy, sizeof copy, file);
	return folder(dirname(copy), mode, e);
}

/* A listening socket at `path`, replacing what an earlier life left. */
static int listener(const char *path, mode_t mode, uint32_t uid, int64_t gid, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t old;
	int fd;

	if (text_copy(address.sun_path, sizeof address.sun_path, path) == -1)
		return err_set(e, "%s: longer than the %zu bytes of a socket's path", path,
			       sizeof address.sun_path - 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return err_errno(e, "socket");
	unlink(path);
	old = umask(0777 & ~mode);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    (gid != -1 && chown(path, uid, (gid_t)gid) == -1) || listen(fd, BACKLOG) == -1) {
		umask(old);
		err_errno(e, "%s", path);
		close(fd);
		return -1;
	}
	umask(old);
	return fd;
}

static int log_file(struct gate *gate, struct err *e)
{
	const char *path = gate->config.log_file;
	int fd;

	if (folder_of(path, 0755, e) == -1)
		return -1;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return err_errno(e, "%s", path);
	close(gate->log_fd);
	gate->log_fd = fd;
	return 0;
}

static const char *runtime_path(const struct gate *gate, const char *name, char *to)
{
	snprintf(to, PATH_MAX, "%.*s/%s", PATH_MAX - 32, gate->config.runtime_dir, name);
	return to;
}

static int sockets(struct gate *gate, struct err *e)
{
	const struct config *config = &gate->config;
	char path[PATH_MAX], copy[PATH_MAX];

	if (folder_of(config->control_socket, 0755, e) == -1)
		return -1;
	gate->control_fd = listener(config->control_socket, config->control_gid == -1 ? 0600 : 0660, 0,
				    config->control_gid, e);
	text_copy(copy, sizeof copy, config->control_socket);
	snprintf(path, sizeof path, "%.*s/gate.sock", PATH_MAX - 16, dirname(copy));
	if (gate->control_fd == -1 || (gate->door_fd = listener(path, 0600, 0, -1, e)) == -1)
		return -1;
	gate->management_fd = listener(runtime_path(gate, "openvpn.sock", path), 0600,
				       config->openvpn_user.number, config->openvpn_group.number, e);
	return gate->management_fd == -1 ? -1 : 0;
}

/* One small file written whole: temporary name, fsync, rename. */
static int save(const char *path, const char *text)
{
	char fresh[PATH_MAX];
	size_t length = strlen(text);
	int fd, result;

	snprintf(fresh, sizeof fresh, "%.*s.new", PATH_MAX - 8, path);
	if ((fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		return -1;
	result = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0 ? 0 : -1;
	close(fd);
	if (result == -1 || rename(fresh, path) == -1) {
		unlink(fresh);
		return -1;
	}
	return 0;
}

static int load(const char *path, char *to, size_t size)
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

static const char *wish_path(const struct gate *gate, char *to)
{
	snprintf(to, PATH_MAX, "%.*s/intent", PATH_MAX - 16, gate->config.state_dir);
	return to;
}

void files_save_wish(struct gate *gate)
{
	char path[PATH_MAX];

	if (save(wish_path(gate, path), gate->wish == WISH_UP ? "up\n" : "down\n") == -1)
		log_error("gate", "%s: %s; the wish is forgotten at the next start", path, strerror(errno));
}

/* Missing: up, for the VPN shall come by itself. Unreadable: down, and shut. */
static void load_wish(struct gate *gate)
{
	char path[PATH_MAX], text[SMALL_FILE];

	gate->wish = WISH_UP;
	if (load(wish_path(gate, path), text, sizeof text) == -1) {
		if (errno != ENOENT)
			gate->wish = WISH_DOWN;
	} else if (strcmp(text, "up\n") != 0) {
		gate->wish = WISH_DOWN;
	}
	if (gate->wish == WISH_DOWN)
		log_info("gate", "the tunnel stays down, as remembered; `portcullis up` starts it");
}

/* The first lock since the machine started, kept over our restarts. */
static void load_locked_at(struct gate *gate)
{
	char path[PATH_MAX], text[SMALL_FILE];
	uint64_t seconds;

	runtime_path(gate, "locked-at", path);
	if (load(path, text, sizeof text) == 0) {
		text[strcspn(text, "\n")] = '\0';
		if (text_number(text, 1, INT64_MAX, &seconds) == 0) {
			gate->boot_locked_at = (int64_t)seconds;
			return;
		}
	}
	gate->boot_locked_at = time(NULL);
	snprintf(text, sizeof text, "%" PRId64 "\n", gate->boot_locked_at);
	save(path, text);
}

int files_lock_instance(struct gate *gate, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	if (folder(gate->config.runtime_dir, 0755, e) == -1)
		return -1;
	runtime_path(gate, "portcullisd.lock", path);
	/* Kept open for our life: the kernel lets go of it when we are gone. */
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		return err_errno(e, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		int held = errno == EWOULDBLOCK;

		close(fd);
		err_set(e, "%s: portcullisd runs already", path);
		return held ? 1 : -1;
	}
	return 0;
}

int files_prepare(struct gate *gate, struct err *e)
{
	struct err full = {""};

	/* A full disk must not keep the gate from its work: these two can wait. */
	if (log_file(gate, &full) == -1 || folder(gate->config.state_dir, 0700, &full) == -1)
		log_error("gate", "%s; going on without", full.text);
	log_open(gate->log_fd, gate->config.log_level);
	if (folder(gate->config.runtime_dir, 0755, e) == -1 || sockets(gate, e) == -1)
		return -1;
	load_locked_at(gate);
	load_wish(gate);
	return 0;
}

void files_save_attempt(struct gate *gate, pid_t pid, uint64_t started)
{
	char path[PATH_MAX], text[SMALL_FILE], endpoint[NET_ENDPOINT_TEXT];

	runtime_path(gate, "attempt", path);
	if (pid == 0) {
		unlink(path);
		return;
	}
	snprintf(text, sizeof text, "%d %" PRIu64 " %s\n", (int)pid, started,
		 net_endpoint_text(&gate->attempt.endpoint, endpoint));
	if (save(path, text) == -1)
		log_warn("gate", "%s: %s", path, strerror(errno));
}

bool files_read_attempt(struct gate *gate, pid_t *pid, uint64_t *started, struct net_endpoint *endpoint)
{
	char path[PATH_MAX], text[SMALL_FILE], *word, *rest = text;
	uint64_t number;

	if (load(runtime_path(gate, "attempt", path), text, sizeof text) == -1)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if ((word = strsep(&rest, " ")) == NULL || text_number(word, 2, INT32_MAX, &number) == -1)
		return false;
	*pid = (pid_t)number;
	if ((word = strsep(&rest, " ")) == NULL || text_number(word, 0, UINT64_MAX, started) == -1)
		return false;
	return rest != NULL && net_endpoint_parse(rest, endpoint) == 0;
}
