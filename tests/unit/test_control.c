/* The control socket: requests, limits, slow and hostile clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/control.h"
#include "driver/control_request.h"
#include "driver/log_tail.h"

enum { DEADLINE = 5, TEXT = 512 * 1024 };

static struct {
	struct event_base *base;
	struct control *control;
	struct sockaddr_un address;
	socklen_t length;
	int listener, log;
	bool later;      /* refresh says that the answer comes later */
	int asked, told; /* times */
	size_t padding;  /* makes a status long */
} it;

static bool refresh(void *argument)
{
	(void)argument;
	it.asked++;
	return it.later;
}

static char *status(void *argument)
{
	char *text = calloc(1, it.padding + 64);

	(void)argument;
	assert_non_null(text);
	snprintf(text, 64, "{\"told\":%d,\"x\":\"", ++it.told);
	memset(text + strlen(text), 'x', it.padding);
	return text;
}

static int set_up(void **state)
{
	const struct control_events events = {refresh, status, NULL};

	(void)state;
	memset(&it, 0, sizeof it);
	it.base = event_base_new();
	it.log = memfd_create("log", MFD_CLOEXEC);
	it.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	it.address.sun_family = AF_UNIX;
	assert_int_equal(bind(it.listener, (struct sockaddr *)&it.address, sizeof(sa_family_t)), 0);
	it.length = sizeof it.address;
	assert_int_equal(getsockname(it.listener, (struct sockaddr *)&it.address, &it.length), 0);
	assert_int_equal(listen(it.listener, 128), 0);
	it.control = control_new(it.base, it.listener, it.log, &events);
	assert_non_null(it.control);
	control_start(it.control, -1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	control_free(it.control);
	event_base_free(it.base);
	close(it.listener);
	close(it.log);
	return 0;
}

static int join(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&it.address, it.length), 0);
	return fd;
}

static void ask(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Runs the loop until `fd` has given a line or its end, or time is up. */
static const char *hear(int fd)
{
	static char line[TEXT];
	time_t end = time(NULL) + DEADLINE;
	size_t used = 0;

	while (time(NULL) <= end && used < sizeof line - 1) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t got;

		event_base_loop(it.base, EVLOOP_NONBLOCK);
		poll(&wait, 1, 1);
		got = recv(fd, line + used, 1, MSG_DONTWAIT);
		if (got == 1 && line[used++] == '\n') {
			line[used - 1] = '\0';
			return line;
		}
		if (got == 0 || (got == -1 && errno == ECONNRESET))
			return "END";
	}
	return "SILENCE";
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "x",
	    "[]",
	    "null",
	    "{}",
	    "{\"command\":1}",
	    "{\"command\":\"off\"}",
	    "{\"command\":\"status\",\"command\":\"log\"}",
	    "{\"command\":\"log\",\"lines\":-1}",
	    "{\"command\":\"log\",\"lines\":10001}",
	    "{\"command\":\"log\",\"lines\":\"5\"}",
	    "{\"command\":\"log\",\"follow\":1}",
	    "{\"command\":\"status\"} x",
	    "\xff\xfe",
	};
	static const char right[] = "{\"command\":\"log\",\"lines\":7,\"follow\":true}";
	struct control_request request;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(control_request_parse(wrong[i], strlen(wrong[i]), &request, &e), -1);
	assert_int_equal(control_request_parse(right, strlen(right), &request, &e), 0);
	assert_int_equal(request.command, CONTROL_LOG);
	assert_true(request.lines == 7 && request.follow);
}

static void test_status(void **state)
{
	int fd = join();

	(void)state;
	/* In pieces, then two at once, then one that must wait, then the end of sending. */
	ask(fd, "{\"command\":");
	event_base_loop(it.base, EVLOOP_NONBLOCK);
	ask(fd, "\"status\"}\n");
	assert_string_equal(hear(fd), "{\"told\":1,\"x\":\"");
	ask(fd, "{\"command\":\"status\"}\n{\"command\":\"status\"}\n");
	assert_string_equal(hear(fd), "{\"told\":2,\"x\":\"");
	assert_string_equal(hear(fd), "{\"told\":3,\"x\":\"");
	it.later = true;
	/* More than fits while it waits: it is taken in later. */
	ask(fd, "{\"command\":\"status\"}\n");
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 100 && it.asked < 4; i++)
		event_base_loop(it.base, EVLOOP_NONBLOCK);
	assert_int_equal(it.asked, 4);
	assert_int_equal(it.told, 3);
	event_base_loop(it.base, EVLOOP_NONBLOCK);
	control_refreshed(it.control);
	assert_string_equal(hear(fd), "{\"told\":4,\"x\":\"");
	assert_string_equal(hear(fd), "END");
	close(fd);
}

static void test_watch(void **state)
{
	int fd = join();

	(void)state;
	ask(fd, "{\"command\":\"watch\"}\n");
	assert_string_equal(hear(fd), "{\"told\":1,\"x\":\"");
	control_changed(it.control);
	assert_string_equal(hear(fd), "{\"told\":2,\"x\":\"");
	close(fd);
}

static void test_bad_requests(void **state)
{
	char big[2048];
	int fd = join();

	(void)state;
	ask(fd, "nonsense\n");
	assert_non_null(strstr(hear(fd), "\"error\""));
	assert_string_equal(hear(fd), "END");
	close(fd);
	fd = join();
	memset(big, 'x', sizeof big);
	assert_int_equal(send(fd, big, sizeof big, MSG_NOSIGNAL), sizeof big);
	assert_non_null(strstr(hear(fd), "longer than 1 KiB"));
	assert_string_equal(hear(fd), "END");
	close(fd);
}

static void test_log(void **state)
{
	static const char text[] = "one\ntwo\n\\x1b three\nfour \xff\n";
	int fd = join(), follower = join();

	(void)state;
	assert_int_equal(write(it.log, text, sizeof text - 1), sizeof text - 1);
	ask(fd, "{\"command\":\"log\",\"lines\":3}\n");
	assert_string_equal(hear(fd), "{\"line\":\"two\"}");
	assert_string_equal(hear(fd), "{\"line\":\"\\\\x1b three\"}");
	assert_string_equal(hear(fd), "{\"line\":\"four \\\\xff\"}");
	assert_string_equal(hear(fd), "{\"end\":true}");
	assert_string_equal(hear(fd), "END");
	close(fd);
	ask(follower, "{\"command\":\"log\",\"lines\":0,\"follow\":true}\n");
	assert_string_equal(hear(follower), "{\"end\":true}");
	assert_int_equal(write(it.log, "five\nhalf", 9), 9);
	assert_string_equal(hear(follower), "{\"line\":\"five\"}");
	assert_int_equal(write(it.log, " line\n", 6), 6);
	assert_string_equal(hear(follower), "{\"line\":\"half line\"}");
	close(follower);
}

/* A long log comes whole, however little the client's socket takes at a time. */
static void test_long_log(void **state)
{
	char line[128];
	int fd = join();

	(void)state;
	for (int i = 0; i < 9000; i++) {
		snprintf(line, sizeof line,
			 "line %05d .........................................................\n", i);
		assert_int_equal(write(it.log, line, strlen(line)), strlen(line));
	}
	ask(fd, "{\"command\":\"log\",\"lines\":8000}\n");
	for (int i = 1000; i < 9000; i++) {
		snprintf(line, sizeof line, "{\"line\":\"line %05d ", i);
		assert_memory_equal(hear(fd), line, strlen(line));
	}
	assert_string_equal(hear(fd), "{\"end\":true}");
	close(fd);
}

static void test_limits(void **state)
{
	int fd[CONTROL_PER_USER + 1];

	(void)state;
	for (int i = 0; i < CONTROL_PER_USER; i++) {
		fd[i] = join();
		ask(fd[i], "{\"command\":\"watch\"}\n");
		assert_non_null(strstr(hear(fd[i]), "told"));
	}
	fd[CONTROL_PER_USER] = join();
	assert_non_null(strstr(hear(fd[CONTROL_PER_USER]), "too many"));
	assert_string_equal(hear(fd[CONTROL_PER_USER]), "END");
	close(fd[CONTROL_PER_USER]);
	/* One leaves: there is room at once, whoever's turn comes first in the loop. */
	close(fd[0]);
	fd[0] = join();
	ask(fd[0], "{\"command\":\"status\"}\n");
	assert_non_null(strstr(hear(fd[0]), "told"));
	for (int i = 0; i < CONTROL_PER_USER; i++)
		close(fd[i]);
}

/* A watcher that reads nothing is dropped once its queue is full; others are not. */
static void test_slow_watcher(void **state)
{
	int slow = join(), quick = join();
	int heard = 0;

	(void)state;
	it.padding = 32 * 1024;
	ask(slow, "{\"command\":\"watch\"}\n");
	ask(quick, "{\"command\":\"watch\"}\n");
	assert_non_null(strstr(hear(quick), "told"));
	for (int i = 0; i < 64; i++) {
		control_changed(it.control);
		heard += strstr(hear(quick), "told") != NULL;
	}
	assert_int_equal(heard, 64);
	/* What the socket had taken comes, then the end; not all 65. */
	for (heard = 0; strstr(hear(slow), "told") != NULL;)
		heard++;
	assert_true(heard < 64);
	assert_string_equal(hear(slow), "END");
	close(slow);
	close(quick);
}

static void test_no_descriptor_left(void **state)
{
	struct rlimit old, none;
	int fd = join(), other;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	other = dup(0);
	close(other);
	none.rlim_cur = (rlim_t)other;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_non_null(strstr(hear(fd), "no descriptor"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* And it goes on by itself. */
	other = join();
	ask(other, "{\"command\":\"status\"}\n");
	assert_non_null(strstr(hear(other), "told"));
	close(fd);
	close(other);
}

/* 100 short connections a second are the promise; here as many as go. */
static void test_many_short_ones(void **state)
{
	struct timespec begin, end;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 300; i++) {
		int fd = join();

		ask(fd, "{\"command\":\"status\"}\n");
		assert_non_null(strstr(hear(fd), "told"));
		close(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 20); /* none of them waits for a time limit */
}

static void test_log_tail(void **state)
{
	char text[64];
	off_t at;

	(void)state;
	assert_int_equal(write(it.log, "a\nbb\nccc", 8), 8);
	/* A line that is not finished is none yet. */
	assert_int_equal(log_tail_find(it.log, 1), 2);
	assert_int_equal(log_tail_find(it.log, 2), 0);
	assert_int_equal(log_tail_find(it.log, 100), 0);
	at = 2;
	assert_int_equal(log_tail_read(it.log, &at, text, sizeof text), 3);
	assert_int_equal(log_tail_read(it.log, &at, text, sizeof text), 0);
	assert_int_equal(log_tail_find(it.listener, 1), -1);
	/* Cut short: from its beginning. */
	assert_int_equal(ftruncate(it.log, 2), 0);
	assert_int_equal(log_tail_read(it.log, &at, text, sizeof text), 2);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    WITH(test_status),
	    WITH(test_watch),
	    WITH(test_bad_requests),
	    WITH(test_log),
	    WITH(test_long_log),
	    WITH(test_limits),
	    WITH(test_slow_watcher),
	    WITH(test_no_descriptor_left),
	    WITH(test_many_short_ones),
	    WITH(test_log_tail),
	};

	if (geteuid() != 0) {
		puts("skipped: status is for root");
		return 0;
	}
	log_open(-1, LOG_INFO);
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
