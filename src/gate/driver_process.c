/* driver_process: starts portcullis-driver by exec, with its descriptors in
 * fixed places, and starts it again when it ends, the first time at once. */
#include "gate/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/keychain.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"

/* A life shorter than this counts as a failed start. The longest pause is 8 s. */
enum { SHORT_LIFE_MS = 10000, RESTART_FIRST_MS = 250 };

/* Only a file that belongs to root and that nobody else can read; any other is left unread. -1: none, or `e`.
 */
static int open_secret(const char *path, struct err *e)
{
	return path[0] == '\0' ? -1 : file_open_owned(path, S_IRWXG | S_IRWXO, e);
}

/* What the driver writes down for the next one. -1: it can't be opened. */
static int open_note(const struct config *config, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 16, config->state_dir, name);
	return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/* In the child. Never returns. */
static void become_driver(const struct gate *gate, int channel)
{
	int from[] = {channel,
		      gate->control_fd,
		      gate->management_fd,
		      gate->log_fd,
		      gate->profile.head,
		      -1,
		      gate->captive_dns_fd,
		      -1,
		      -1,
		      -1,
		      -1};
	char path[PATH_MAX], uid[16], gid[16], name[] = "portcullis-driver";
	char *list[] = {name, uid, gid, NULL};
	const struct config *config = &gate->config;
	struct err e = {""}, none = {""}, key = {""};

	child_sibling(name, PORTCULLIS_LIBEXECDIR, path, sizeof path);
	snprintf(uid, sizeof uid, "%u", gate->config.user.number);
	snprintf(gid, sizeof gid, "%u", gate->config.user_gid);
	if (config->keychain[0] != '\0')
		from[5] = keychain_open(config->keychain, config->username, &e);
	else
		from[5] = open_secret(config->password_file, &e);
	if (e.text[0] != '\0')
		log_error("gate", "no password: %s", e.text);
	from[7] = open_secret(config->totp_file, &none);
	if (none.text[0] != '\0')
		log_error("gate", "no one-time passwords: %s", none.text);
	if (config->totp_file[0] != '\0')
		from[8] = open_note(config, "totp-used");
	from[9] = open_secret(config->passphrase_file, &key);
	if (key.text[0] != '\0')
		log_error("gate", "no passphrase: %s", key.text);
	from[10] = open_note(config, "refused");
	for (size_t i = 0; i < sizeof from / sizeof *from; i++)
		if (from[i] == -1)
			from[i] = open("/dev/null", i == 8 || i == 10 ? O_RDWR : O_RDONLY);
	child_exec(path, list, from, sizeof from / sizeof *from, WIRE_FD_CHANNEL);
}

static void schedule_restart(struct gate *gate);

void driver_start(struct gate *gate)
{
	struct driver_process *driver = &gate->driver;
	int pair[2];
	pid_t pid = -1;
	bool made;

	if (driver->pid != 0)
		return;
	driver->stale = false;
	driver->started_ms = clock_steady_ms();
	made = descriptor_pair(pair) == 0;
	if (made && (pid = child_fork()) == 0)
		become_driver(gate, pair[1]);
	if (made)
		close(pair[1]);
	if (pid == -1) {
		log_error("gate", "the driver can't be started: %s", strerror(errno));
		if (made)
			close(pair[0]);
		schedule_restart(gate);
		return;
	}
	driver->channel = pair[0];
	driver->filled = 0;
	driver->pid = pid;
	driver->readable = event_new(gate->base, driver->channel, EV_READ | EV_PERSIST, driver->read, gate);
	event_add(driver->readable, NULL);
	log_info("gate", "portcullis-driver started");
	fault_point("driver-started");
}

static void restart_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	driver_start(argument);
}

/* The driver's end alone locks the gate, and openvpn ends with it. */
void driver_end(struct gate *gate)
{
	struct driver_process *driver = &gate->driver;
	pid_t pid = driver->pid;

	if (pid == 0)
		return;
	driver->pid = 0;
	event_free(driver->readable);
	close(driver->channel);
	/* If it has been reaped already, another process may have its number. */
	if (waitpid(pid, NULL, WNOHANG) == 0)
		kill(pid, SIGKILL);
	attempt_kill(gate, "the driver has ended");
}

void driver_restart(struct gate *gate)
{
	if (gate->driver.pid == 0)
		return;
	driver_end(gate);
	schedule_restart(gate);
}

void driver_renew(struct gate *gate)
{
	gate->driver.stale = true;
	if (gate->driver.pid == 0 || gate->attempt.pid != 0)
		return;
	log_info("gate", "portcullis-driver is started again, with what was read again");
	driver_end(gate);
	driver_start(gate);
}

static void schedule_restart(struct gate *gate)
{
	struct driver_process *driver = &gate->driver;
	long ms = 0;
	struct timeval delay;

	driver->failures = clock_steady_ms() - driver->started_ms < SHORT_LIFE_MS ? driver->failures + 1 : 0;
	if (driver->failures > 1)
		ms = (long)RESTART_FIRST_MS << (driver->failures < 7 ? driver->failures - 2 : 5);
	log_error("gate", "the driver has ended; started again in %ld ms", ms);
	delay = clock_timeval(ms);
	if (driver->restart == NULL)
		driver->restart = evtimer_new(gate->base, restart_cb, gate);
	evtimer_add(driver->restart, &delay);
}
