/* The notify port on Linux against a socket that stands for the service manager's; written from sd_notify(3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/service/notify_linux.c"

static int manager = -1;

/* Two runs at a time must not meet. */
static const char *abstract_name(void)
{
	static char name[48];

	snprintf(name, sizeof name, "@portcullis-test-notify-%d", (int)getpid());
	return name;
}

/* A manager that listens at `name`, found by our environment. */
static void listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	size_t length = strlen(name);

	memcpy(at.sun_path, name, length);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setenv("NOTIFY_SOCKET", name, 1);
}

static void assert_told(const char *want)
{
	char have[1024];
	ssize_t length = recv(manager, have, sizeof have - 1, 0);

	assert_true(length >= 0);
	have[length] = '\0';
	assert_string_equal(have, want);
}

static void assert_told_nothing(void)
{
	char have[8];

	assert_int_equal(recv(manager, have, sizeof have, MSG_DONTWAIT), -1);
}

static int leave(void **state)
{
	(void)state;
	if (manager != -1)
		close(manager);
	if (channel != -1)
		close(channel);
	manager = channel = -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static void test_ready_and_status(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	listen_at(abstract_name());
	notify_begin(base);
	notify_state(false, "unprotected", "the lock can't be verified");
	assert_told("STATUS=unprotected: the lock can't be verified");
	notify_state(true, "open", "the tunnel tun0 is up");
	assert_told("READY=1\nSTATUS=open: the tunnel tun0 is up");
	event_base_free(base);
}

static void test_socket_of_a_path(void **state)
{
	struct event_base *base = event_base_new();
	char name[64];

	(void)state;
	snprintf(name, sizeof name, "/tmp/portcullis-test-notify-%d", (int)getpid());
	listen_at(name);
	notify_begin(base);
	notify_state(true, "locked", "start");
	unlink(name);
	assert_told("READY=1\nSTATUS=locked: start");
	event_base_free(base);
}

/* A reason holds what a server said: it must not begin an assignment of its own. */
static void test_reason_is_one_line(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	listen_at(abstract_name());
	notify_begin(base);
	notify_state(true, "locked", "a\nMAINPID=1");
	assert_told("READY=1\nSTATUS=locked: a MAINPID=1");
	event_base_free(base);
}

static void test_signs_of_life(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	listen_at(abstract_name());
	setenv("WATCHDOG_USEC", "20000", 1);
	notify_begin(base);
	event_base_loop(base, EVLOOP_ONCE);
	assert_told("WATCHDOG=1");
	event_base_loop(base, EVLOOP_ONCE);
	assert_told("WATCHDOG=1");
	event_base_free(base);
}

static void test_watchdog_of_another(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	listen_at(abstract_name());
	setenv("WATCHDOG_USEC", "20000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_begin(base);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1); /* nothing to wait for */
	assert_told_nothing();
	event_base_free(base);
}

static void test_nobody_listens(void **state)
{
	static const char *const names[] = {"", "relative", "@portcullis-nobody", "/nowhere/notify"};
	struct event_base *base = event_base_new();
	char longest[200];

	(void)state;
	notify_begin(base);
	notify_state(true, "locked", "start");
	assert_int_equal(channel, -1);
	memset(longest, 'a', sizeof longest - 1);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
		setenv("NOTIFY_SOCKET", i < sizeof names / sizeof *names ? names[i] : longest, 1);
		notify_begin(base);
		assert_int_equal(channel, -1);
		notify_state(true, "locked", "start");
	}
	event_base_free(base);
}

/* More than it has room for, and it does not read: we go on. */
static void test_manager_does_not_read(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	listen_at(abstract_name());
	notify_begin(base);
	for (int i = 0; i < 10000; i++)
		notify_state(true, "locked", "again");
	assert_told("READY=1\nSTATUS=locked: again");
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_ready_and_status, leave),
	    cmocka_unit_test_teardown(test_socket_of_a_path, leave),
	    cmocka_unit_test_teardown(test_reason_is_one_line, leave),
	    cmocka_unit_test_teardown(test_signs_of_life, leave),
	    cmocka_unit_test_teardown(test_watchdog_of_another, leave),
	    cmocka_unit_test_teardown(test_nobody_listens, leave),
	    cmocka_unit_test_teardown(test_manager_does_not_read, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
