/* The gate's two children: the vetting one, and the driver: what each is executed with, what is believed of
 * it, how long it is waited for, and what follows from its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The real one has another name here; ours stands in its place. */
#define child_exec real_child_exec
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "between.h"
#include "os/process/child_unix.c" /* NOLINT(bugprone-suspicious-include) */
#pragma GCC diagnostic pop
#undef child_exec

#include "gate/gate.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "timer_standin.h"

_Noreturn void child_exec(const char *path, char *const arguments[], const int *from, size_t count,
			  int first);

enum { TEXT = 4096, WAIT_MS = 3000 };
enum vetter { PRINTS, REFUSES, FAILS, DIES, HANGS, LIES, HAS_NO_REMOTE };

static enum vetter vetter;
static struct gate gate;
static struct gate_profile profile;
static struct err e;
static unsigned kills; /* attempts that were ended */
static bool lives_long, no_file;

#define HEAD                                                                                                 \
	"remote a.example 1194 udp 192.0.2.1 2001:db8::1\nremote b.example 443 tcp 192.0.2.2\nneeds 1\n\n"
#define BODY "client\nroute-nopull\n"

static void be_vetter(char *const arguments[], const int *from, size_t count, int first)
{
	bool right = count == 3 && first == 0 && strcmp(arguments[0], "portcullis-driver") == 0 &&
		     strcmp(arguments[1], "--vet") == 0 && strcmp(arguments[2], "901") == 0 &&
		     strcmp(arguments[3], "902") == 0 && strcmp(arguments[4], "/etc/a.ovpn") == 0 &&
		     arguments[5] == NULL;

	if (vetter == REFUSES || !right) {
		dprintf(from[2], right ? "a.ovpn:1: up: not taken\nmore\n" : "wrong arguments\n");
		_exit(1);
	}
	if (vetter == PRINTS)
		dprintf(from[1], HEAD BODY);
	else if (vetter == LIES)
		dprintf(from[1], HEAD "script-security \"2\"\n");
	else if (vetter == HAS_NO_REMOTE)
		dprintf(from[1], "needs 1\n\n" BODY);
	if (vetter == HANGS)
		for (;;)
			pause();
	if (vetter == DIES)
		raise(SIGKILL);
	if (vetter == FAILS)
		dprintf(from[1], HEAD BODY);
	_exit(vetter == FAILS ? 1 : 0);
}

/* It tells by its channel what it was executed with. */
static void be_driver(char *const arguments[], const int *from, size_t count, int first)
{
	char text[TEXT], password[32] = "";
	ssize_t got = read(from[5], password, sizeof password - 1);

	password[got > 0 ? got : 0] = '\0';
	snprintf(text, sizeof text, "%s %s %s %s|%zu from %d|%d %d %d %d %d|%s", arguments[0], arguments[1],
		 arguments[2], arguments[3] == NULL ? "end" : "more", count, first, from[1], from[2], from[3],
		 from[4], from[6], password);
	(void)!send(from[0], text, strlen(text), 0);
	if (lives_long)
		for (;;)
			pause();
	_exit(0);
}

void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	if (strstr(path, "portcullis-driver") == NULL)
		_exit(9);
	if (arguments[1][0] == '-')
		be_vetter(arguments, from, count, first);
	be_driver(arguments, from, count, first);
	_exit(0);
}

int file_open_owned(const char *path, mode_t never, struct err *error)
{
	int fd;

	if (no_file)
		return err_set(error, "others may write to it");
	assert_int_equal(never, strstr(path, "password") != NULL ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH);
	fd = memfd_create("file", MFD_CLOEXEC);
	(void)!write(fd, "secret\n", 7);
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* What ends with the driver. */
void attempt_kill(struct gate *it, const char *why)
{
	assert_ptr_equal(it, &gate);
	assert_true(why[0] != '\0');
	kills++;
}

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	memset(&profile, 0, sizeof profile);
	profile.head = profile.body = -1;
	gate.profile = profile;
	gate.config.user.number = 901;
	gate.config.user_gid = 902;
	strcpy(gate.config.profile, "/etc/a.ovpn");
	gate.base = event_base_new();
	gate.control_fd = 100, gate.management_fd = 101, gate.log_fd = 102, gate.profile.head = 103;
	gate.captive_dns_fd = 104;
	vetter = PRINTS;
	kills = 0;
	lives_long = true;
	no_file = false;
	e.text[0] = '\0';
	log_open(-1, LOG_ERROR);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	driver_end(&gate);
	if (gate.driver.restart != NULL)
		event_free(gate.driver.restart);
	event_base_free(gate.base);
	if (profile.head != -1)
		close(profile.head);
	if (profile.body != -1)
		close(profile.body);
	free(profile.remotes);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return 0;
}

/* --- the vetting child -------------------------------------------------------------- */

static bool holds(int fd, const char *text)
{
	char found[TEXT];
	ssize_t got = pread(fd, found, sizeof found - 1, 0);

	found[got > 0 ? got : 0] = '\0';
	return strcmp(found, text) == 0;
}

static void test_what_is_taken(void **state)
{
	char text[NET_ENDPOINT_TEXT];

	(void)state;
	if (vet_profile(&gate.config, &profile, &e) == -1)
		fail_msg("%s", e.text);
	assert_int_equal(profile.remote_count, 3);
	assert_string_equal(net_endpoint_text(&profile.remotes[0], text), "192.0.2.1:1194/udp");
	assert_string_equal(net_endpoint_text(&profile.remotes[1], text), "[2001:db8::1]:1194/udp");
	assert_string_equal(net_endpoint_text(&profile.remotes[2], text), "192.0.2.2:443/tcp");
	assert_true(profile.route_nopull);
	assert_true(holds(profile.body, BODY));
	assert_true(holds(profile.head, HEAD "route-nopull\n"));
	assert_int_equal(write(profile.body, "x", 1), -1); /* sealed */
	assert_int_equal(write(profile.head, "x", 1), -1);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		enum vetter how;
		const char *why;
	} ways[] = {{REFUSES, "a.ovpn:1: up: not taken"},
		    {FAILS, "has failed"},
		    {DIES, "has failed"},
		    {LIES, "not an allowed option"},
		    {HAS_NO_REMOTE, ""}};

	(void)state;
	assert_int_equal(vet_profile(&gate.config, &profile, &e), 0);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		int body = profile.body;

		vetter = ways[i].how;
		e.text[0] = '\0';
		assert_int_equal(vet_profile(&gate.config, &profile, &e), -1);
		if (strstr(e.text, ways[i].why) == NULL || e.text[0] == '\0' || strchr(e.text, '\n') != NULL)
			fail_msg("\"%s\" is not in \"%s\"", ways[i].why, e.text);
		assert_int_equal(profile.body, body); /* the old one stays */
		assert_int_equal(profile.remote_count, 3);
	}
	no_file = true;
	vetter = PRINTS;
	assert_int_equal(vet_profile(&gate.config, &profile, &e), -1);
	assert_string_equal(e.text, "others may write to it");
	gate.config.profile[0] = '\0';
	assert_int_equal(vet_profile(&gate.config, &profile, &e), -1);
	assert_non_null(strstr(e.text, "no profile is configured; instead: "));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void test_one_that_hangs(void **state)
{
	int64_t begun = clock_steady_ms();

	(void)state;
	vetter = HANGS;
	assert_int_equal(vet_profile(&gate.config, &profile, &e), -1);
	assert_between(clock_steady_ms() - begun, 4900, 9500);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* --- the driver ------------------------------------------------------------------------- */

static char said[TEXT];

static void hear(evutil_socket_t fd, short what, void *argument)
{
	ssize_t got = recv(fd, said, sizeof said - 1, MSG_DONTWAIT);

	(void)what;
	if (got > 0)
		said[got] = '\0';
	else if (got == 0)
		driver_restart(argument);
}

/* Until it has spoken, so many milliseconds at least and at most. */
static void speaks(int64_t least, int64_t most)
{
	int64_t begun = clock_steady_ms();

	said[0] = '\0';
	while (said[0] == '\0' && clock_steady_ms() < begun + WAIT_MS)
		event_base_loop(gate.base, EVLOOP_ONCE);
	assert_true(said[0] != '\0');
	assert_between(clock_steady_ms() - begun, least, most);
}

static void test_what_the_driver_is_given(void **state)
{
	(void)state;
	gate.driver.read = hear;
	strcpy(gate.config.password_file, "/etc/password");
	driver_start(&gate);
	assert_true(gate.driver.pid > 0);
	speaks(0, 1000);
	assert_string_equal(said, "portcullis-driver 901 902 end|13 from 3|100 101 102 103 104|secret\n");
	assert_true(fcntl(gate.driver.channel, F_GETFD) & FD_CLOEXEC);
	no_file = true; /* what others may read stays unread, and it starts all the same */
	driver_restart(&gate);
	assert_int_equal(kills, 1);
	speaks(0, 1000);
	assert_string_equal(said, "portcullis-driver 901 902 end|13 from 3|100 101 102 103 104|");
}

static void test_one_at_a_time(void **state)
{
	pid_t pid;

	(void)state;
	gate.driver.read = hear;
	driver_start(&gate);
	pid = gate.driver.pid;
	assert_true(pid > 0);
	driver_start(&gate);
	assert_int_equal(gate.driver.pid, pid);
	driver_end(&gate);
	assert_int_equal(gate.driver.pid, 0);
	assert_null(gate.driver.restart);             /* it stays ended */
	assert_int_equal(waitpid(pid, NULL, 0), pid); /* killed */
}

/* The first time at once, then with pauses that grow, and not without end. */
static void test_it_is_started_again(void **state)
{
	(void)state;
	gate.driver.read = hear;
	lives_long = false;
	driver_start(&gate);
	speaks(0, WAIT_MS);
	speaks(0, WAIT_MS);
	speaks(200, WAIT_MS);
	speaks(450, WAIT_MS);
	assert_true(kills >= 3); /* each end ends the attempt */
	for (gate.driver.failures = 2; gate.driver.failures < 40; gate.driver.failures += 7) {
		unsigned before = gate.driver.failures;
		long wanted = 250L << (before < 6 ? before - 1 : 5);

		lives_long = true;
		if (gate.driver.pid == 0)
			driver_start(&gate);
		driver_restart(&gate);
		assert_int_equal(gate.driver.failures, before + 1);
		assert_true(evtimer_pending(gate.driver.restart, NULL));
		assert_between(timer_ms, wanted / 2, wanted + 5);
	}
	/* One that lived for long is started again at once. */
	driver_start(&gate);
	gate.driver.started_ms -= 11000;
	driver_restart(&gate);
	assert_int_equal(gate.driver.failures, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_is_taken),  TEST(test_what_is_refused),
	    TEST(test_one_that_hangs), TEST(test_what_the_driver_is_given),
	    TEST(test_one_at_a_time),  TEST(test_it_is_started_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
