/* files: directories, sockets, the log, and what is remembered across restarts. */
#include "gate/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "gate/files.h"
#include "gate/small_file.h"
#include "os/dns/captive_dns_socket.h"
#include "os/host/file.h"
#include "os/host/lockfile.h"
#include "os/host/log_file.h"

enum { SMALL_FILE = 256, NAMES_FILE = 32 * 1024 };

int files_open_log(struct gate *gate, struct err *e)
{
	const struct config *config = &gate->config;
	int fd;

	if (file_folder_of(config->log_file, 0755, e) == -1 ||
	    (fd = log_file_open(config->log_file, config->log_size, config->log_keep, e)) == -1)
		return -1;
	close(gate->log_fd);
	gate->log_fd = fd;
	return 0;
}

/* openvpn's own folder, with the one socket that it uses: it may enter, and can remove nothing. openvpn
 * insists on write access to its directory for temporary files, though it makes none. */
static int make_openvpn_folder(struct gate *gate, struct err *e)
{
	gid_t gid = gate->config.openvpn_group.number;
	char path[PATH_MAX], socket[PATH_MAX];

	small_file_path(gate->config.runtime_dir, FILES_OPENVPN_FOLDER, path);
	if (file_folder(path, 0700, e) == -1)
		return -1;
	if (chown(path, 0, gid) == -1 || chmod(path, S_ISVTX | S_IRWXU | S_IRWXG) == -1)
		return err_errno(e, "%s", path);
	small_file_path(path, FILES_OPENVPN_SOCKET, socket);
	gate->management_fd = file_listener(socket, 0660, gid, e);
	return gate->management_fd == -1 ? -1 : 0;
}

static int open_sockets(struct gate *gate, struct err *e)
{
	const struct config *config = &gate->config;
	char path[PATH_MAX], copy[PATH_MAX];
	struct err none = {""};

	if (file_folder_of(config->control_socket, 0755, e) == -1)
		return -1;
	gate->control_fd = file_listener(config->control_socket, config->control_gid == -1 ? 0600 : 0660,
					 config->control_gid, e);
	text_copy(copy, sizeof copy, config->control_socket);
	small_file_path(dirname(copy), "gate.sock", path);
	if (gate->control_fd == -1 || (gate->admin_fd = file_listener(path, 0600, -1, e)) == -1)
		return -1;
	if (make_openvpn_folder(gate, e) == -1)
		return -1;
	if ((gate->captive_dns_fd = captive_dns_socket_open(&gate->dns.port, &none)) == -1)
		return err_errno(e, "/dev/null");
	if (none.text[0] != '\0')
		log_warn("dns", "%s", none.text);
	return 0;
}

void files_save_intent(struct gate *gate)
{
	char path[PATH_MAX];

	if (file_save(small_file_path(gate->config.state_dir, "intent", path),
		      gate->state.desired == DESIRED_UP ? "up\n" : "down\n", true) == -1)
		log_error("gate", "%s: %s; it is forgotten at the next start", path, strerror(errno));
}

/* If the file is missing: up, because the VPN is to come up by itself. If it can't be read: down, and the
 * gate stays shut. */
static void load_intent(struct gate *gate)
{
	char path[PATH_MAX], text[SMALL_FILE];
	bool off = gate->state.actual == ACTUAL_OFF, up;

	if (file_load(small_file_path(gate->config.state_dir, "intent", path), text, sizeof text) == -1)
		up = errno == ENOENT;
	else
		up = strcmp(text, "up\n") == 0;
	if (off)
		gate->state.desired = up ? DESIRED_OFF_UP : DESIRED_OFF_DOWN;
	else
		gate->state.desired = up ? DESIRED_UP : DESIRED_DOWN;
	if (!up)
		log_info("gate", "the tunnel stays down, as remembered; `portcullis up` starts it");
}

/* When the gate was first locked since boot; our restarts do not change it. */
static void load_locked_at(struct gate *gate)
{
	char path[PATH_MAX], text[SMALL_FILE];
	uint64_t seconds;

	small_file_path(gate->config.runtime_dir, "locked-at", path);
	if (small_file_number(path, INT64_MAX, &seconds) == 0) {
		gate->boot_locked_at = (int64_t)seconds;
		return;
	}
	gate->boot_locked_at = time(NULL);
	snprintf(text, sizeof text, "%" PRId64 "\n", gate->boot_locked_at);
	file_save(path, text, false);
}

int32_t files_find_instance(const struct gate *gate)
{
	char path[PATH_MAX];
	int32_t pid = 0;

	(void)lockfile_owner_at(small_file_path(gate->config.runtime_dir, "portcullisd.lock", path), &pid);
	return pid;
}

/* The file stays open as long as this process lives. */
int files_lock_instance(const struct gate *gate, struct err *e)
{
	char path[PATH_MAX];
	int fd = lockfile_open(small_file_path(gate->config.runtime_dir, "portcullisd.lock", path), e), held;
	int32_t pid;

	if (fd == -1)
		return -1;
	if ((held = lockfile_lock(fd, &pid)) == -1)
		return err_errno(e, "%s", path);
	if (held == 1)
		err_set(e, "%s: portcullisd is already running, as process %d", path, (int)pid);
	return held;
}

int files_prepare(struct gate *gate, struct err *e)
{
	struct err full = {""};

	/* A full disk must not keep the gate from its work: these two can wait. */
	if (files_open_log(gate, &full) == -1 || file_folder(gate->config.state_dir, 0700, &full) == -1)
		log_error("gate", "the log or the state directory can't be used, continuing without it: %s",
			  full.text);
	log_open(gate->log_fd, gate->config.log_level);
	if (open_sockets(gate, e) == -1)
		return -1;
	load_locked_at(gate);
	load_intent(gate);
	return 0;
}

void files_save_attempt(struct gate *gate, pid_t pid, uint64_t started)
{
	char path[PATH_MAX], text[SMALL_FILE], endpoint[NET_ENDPOINT_TEXT];

	small_file_path(gate->config.runtime_dir, "attempt", path);
	if (pid == 0) {
		unlink(path);
		return;
	}
	snprintf(text, sizeof text, "%d %" PRIu64 " %s\n", (int)pid, started,
		 net_endpoint_text(&gate->attempt.endpoint, endpoint));
	if (file_save(path, text, false) == -1)
		log_warn("gate", "%s: %s", path, strerror(errno));
}

bool files_read_attempt(struct gate *gate, pid_t *pid, uint64_t *started, struct net_endpoint *endpoint)
{
	char path[PATH_MAX], text[SMALL_FILE], *word, *rest = text;
	uint64_t number;

	if (file_load(small_file_path(gate->config.runtime_dir, "attempt", path), text, sizeof text) == -1)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if ((word = strsep(&rest, " ")) == NULL || text_number(word, 2, INT32_MAX, &number) == -1)
		return false;
	*pid = (pid_t)number;
	if ((word = strsep(&rest, " ")) == NULL || text_number(word, 0, UINT64_MAX, started) == -1)
		return false;
	return rest != NULL && net_endpoint_parse(rest, endpoint) == 0;
}

void files_save_names(const struct gate *gate)
{
	static char text[NAMES_FILE];
	const struct names *names = &gate->names;
	char path[PATH_MAX], address[NET_ADDRESS_TEXT];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < names->count; i++) {
		for (size_t j = WIRE_GOOD; j-- > 0;) {
			if (names->list[i].good[j].family != NET_NONE)
				text_append(
				    text, sizeof text, &used, "%s %s %" PRId64 "\n", names->list[i].host,
				    net_address_text(&names->list[i].good[j], address), names->proven[i][j]);
		}
	}
	if (file_save(small_file_path(gate->config.state_dir, "addresses", path), text, true) == -1)
		log_warn("gate", "%s: %s; the server's address is not kept", path, strerror(errno));
}

void files_load_names(struct gate *gate)
{
	static char text[NAMES_FILE];
	char path[PATH_MAX], *line, *rest = text;
	struct net_address address;
	uint64_t when;

	if (file_load(small_file_path(gate->config.state_dir, "addresses", path), text, sizeof text) == -1)
		return;
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *host = strsep(&line, " "), *word = strsep(&line, " ");

		if (word != NULL && line != NULL && net_address_parse(word, &address) == 0 &&
		    text_number(line, 0, INT64_MAX, &when) == 0)
			names_load(&gate->names, host, &address, (int64_t)when);
	}
}
