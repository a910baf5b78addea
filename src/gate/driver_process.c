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
#include "config/config_token.h"
#include "gate/become.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/keychain.h"
#include "os/host/loop.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"

/* A life shorter than this counts as a failed start. The longest pause is 8 s. */
enum { SHORT_LIFE_MS = 10000, RESTART_FIRST_MS = 250 };

/* Only a file that belongs to root and that nobody else can read; any other is left unread, and `lacks` says
 * what there is not. -1: none. */
static int open_secret(const char *path, const char *lacks)
{
	struct err e = {""};
	int fd = path[0] == '\0' ? -1 : file_open_owned(path, S_IRWXG | S_IRWXO, &e);

	if (e.text[0] != '\0')
		log_error("gate", "no %s: %s", lacks, e.text);
	return fd;
}

static int open_keychain(const struct config *config)
{
	struct err e = {""};
	int fd = keychain_open(config->keychain, config->username, &e);

	if (e.text[0] != '\0')
		log_error("gate", "no password: %s", e.text);
	return fd;
}

/* What the driver writes down for the next one; /dev/null if it is not `wanted`, or can't be opened. */
static int open_note(const struct config *config, const char *name, bool wanted)
{
	char path[PATH_MAX];
	int fd = -1;

	snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 16, config->state_dir, name);
	if (wanted)
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	return fd != -1 ? fd : open("/dev/null", O_RDWR);
}

/* The place of a descriptor of base/wire.h. */
#define AT(name) [WIRE_FD_##name - WIRE_FD_CHANNEL]

static void or_nothing(int *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (from[i] == -1)
			from[i] = open("/dev/null", O_RDONLY);
}

/* The file, or the name of the key on a token, which is no secret. */
static int open_key(const char *key)
{
	return config_is_token(key) ? child_sealed("portcullis-token", key, strlen(key), NULL)
				    : open_secret(key, "private key");
}

/* In the child. Never returns. */
static void become_signer(const struct gate *gate, int socket)
{
	const struct config *config = &gate->config;
	int from[] = {socket, open_key(config->key_file), open_secret(config->passphrase_file, "passphrase"),
		      gate->profile.body, open_note(config, "pin-given", config_is_token(config->key_file))};

	or_nothing(from, sizeof from / sizeof *from);
	become_program(config, "--sign", NULL, from, sizeof from / sizeof *from, WIRE_FD_CHANNEL);
}

/* Starts the process that holds the private key. The driver's end of its socket; -1: there is no such key. */
static int start_signer(struct gate *gate)
{
	int pair[2] = {-1, -1};
	pid_t pid = -1;

	gate->driver.signer = 0;
	if (gate->config.key_file[0] == '\0')
		return -1;
	if (descriptor_pair(pair) == 0 && (pid = child_fork()) == 0)
		become_signer(gate, pair[1]);
	if (pid == -1)
		log_error("gate", "the process that holds the private key can't be started: %s",
			  strerror(errno));
	else
		gate->driver.signer = pid;
	if (pair[1] != -1)
		close(pair[1]);
	return pair[0]; /* if nobody is at the other end, the driver says so */
}

/* If it has been reaped already, another process may have its number. */
static void kill_child(pid_t *pid)
{
	if (*pid != 0 && waitpid(*pid, NULL, WNOHANG) == 0)
		kill(*pid, SIGKILL);
	*pid = 0;
}

/* In the child. Never returns. */
static void become_driver(const struct gate *gate, int channel, int signer)
{
	const struct config *config = &gate->config;
	int from[] = {
	    AT(CHANNEL) = channel,  AT(CONTROL) = gate->control_fd,   AT(MANAGEMENT) = gate->management_fd,
	    AT(LOG) = gate->log_fd, AT(PROFILE) = gate->profile.head, AT(CAPTIVE_DNS) = gate->captive_dns_fd,
	    AT(SIGNER) = signer};

	from AT(PASSWORD) = config->keychain[0] != '\0' ? open_keychain(config)
							: open_secret(config->password_file, "password");
	from AT(TOTP) = open_secret(config->totp_file, "one-time passwords");
	from AT(TOTP_USED) = open_note(config, "totp-used", config->totp_file[0] != '\0');
	/* Only one process is to know it. */
	from AT(PASSPHRASE) =
	    config->key_file[0] == '\0' ? open_secret(config->passphrase_file, "passphrase") : -1;
	from AT(REFUSED) = open_note(config, "refused", true);
	from AT(SERVERS) = open_note(config, "servers", true);
	or_nothing(from, sizeof from / sizeof *from);
	become_program(config, NULL, NULL, from, sizeof from / sizeof *from, WIRE_FD_CHANNEL);
}

static void schedule_restart(struct gate *gate);

void driver_start(struct gate *gate)
{
	struct driver_process *driver = &gate->driver;
	int pair[2], signer;
	pid_t pid = -1;
	bool made;

	if (driver->pid != 0)
		return;
	signer = start_signer(gate);
	driver->stale = false;
	driver->started_ms = clock_steady_ms();
	made = descriptor_pair(pair) == 0;
	if (made && (pid = child_fork()) == 0)
		become_driver(gate, pair[1], signer);
	if (made)
		close(pair[1]);
	if (signer != -1)
		close(signer);
	if (pid == -1) {
		log_error("gate", "the driver can't be started: %s", strerror(errno));
		if (made)
			close(pair[0]);
		kill_child(&driver->signer);
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

	if (driver->pid == 0)
		return;
	event_free(driver->readable);
	close(driver->channel);
	kill_child(&driver->pid);
	kill_child(&driver->signer);
	attempt_kill(gate, "the driver has ended");
}

void driver_restart(struct gate *gate)
{
	if (gate->driver.pid == 0)
		return;
	driver_end(gate);
	schedule_restart(gate);
}

void driver_lost_signer(struct gate *gate)
{
	log_error("gate", "the process that holds the private key has ended");
	driver_restart(gate);
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

	driver->failures = clock_steady_ms() - driver->started_ms < SHORT_LIFE_MS ? driver->failures + 1 : 0;
	if (driver->failures > 1)
		ms = (long)RESTART_FIRST_MS << (driver->failures < 7 ? driver->failures - 2 : 5);
	log_error("gate", "the driver has ended; started again in %ld ms", ms);
	loop_arm(gate->base, &driver->restart, restart_cb, gate, ms);
}
