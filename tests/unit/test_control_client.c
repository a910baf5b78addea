/* One client of the control socket: what it is sent, what is waited for, and when it has gone, in every way
 * that its socket and its requests can go; against tests/golden/control_client/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/control_client.h"
#include "driver/log_tail.h"
#include "freed.h"
#include "golden.h"
#include "leaks.h"
#include "no_memory.h"
#include "ways.h"

enum { LOG = 60 };

static struct control control;
static int peer;
static event_callback_fn callbacks[2]; /* of readable, and of writable */
static char events[3];                 /* readable, writable, the poll of the log */
static bool polls;
static const char *log_text = ""; /* what the log has more of */

/* --- what it asks others ---------------------------------------------------------------- */

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == control.base && fd > 0 && argument != NULL);
	assert_true(what == (EV_READ | EV_PERSIST) || what == EV_WRITE);
	if (fails(what == EV_WRITE ? "event_new-writable" : "event_new-readable"))
		return NULL;
	callbacks[what == EV_WRITE] = cb;
	return (struct event *)&events[what == EV_WRITE];
}

static const char *name_of(const struct event *event)
{
	static const char *const names[] = {"readable", "writable", "poll"};
	size_t i = (size_t)((const char *)event - events);

	assert_true(i < 3);
	return names[i];
}

int event_add(struct event *event, const struct timeval *timeout)
{
	if (timeout == NULL)
		say("event_add %s", name_of(event));
	else
		say("event_add %s %ld.%03ld s", name_of(event), (long)timeout->tv_sec,
		    (long)timeout->tv_usec / 1000);
	polls = polls || event == control.poll_log;
	return fails("event_add") ? -1 : 0;
}

int event_del(struct event *event)
{
	say("event_del %s", name_of(event));
	return 0;
}

int event_remove_timer(struct event *event)
{
	say("event_remove_timer %s", name_of(event));
	return 0;
}

int event_pending(const struct event *event, short what, struct timeval *timeout)
{
	assert_true(event == control.poll_log && what == EV_TIMEOUT && timeout == NULL);
	return polls;
}

void event_free(struct event *event)
{
	say("event_free %s", name_of(event));
}

struct evbuffer *evbuffer_new(void)
{
	struct evbuffer *(*real)(void);

	*(void **)&real = dlsym(RTLD_NEXT, "evbuffer_new");
	return fails("evbuffer_new") ? NULL : real();
}

void evbuffer_free(struct evbuffer *buffer)
{
	void (*real)(struct evbuffer *);

	*(void **)&real = dlsym(RTLD_NEXT, "evbuffer_free");
	say("evbuffer_free");
	real(buffer);
}

int evbuffer_write(struct evbuffer *buffer, evutil_socket_t fd)
{
	int (*real)(struct evbuffer *, evutil_socket_t);

	errno = is("!write-again") ? EAGAIN : is("!write-interrupted-once") ? EINTR : EPIPE;
	if (fails("write-again") || fails("write-interrupted") || fails("write-broken"))
		return -1;
	*(void **)&real = dlsym(RTLD_NEXT, "evbuffer_write");
	return real(buffer, fd);
}

ssize_t read(int fd, void *to, size_t size)
{
	errno = is("!read-again-once") ? EAGAIN : is("!read-interrupted-once") ? EINTR : ECONNRESET;
	if (fails("read-again") || fails("read-interrupted") || fails("read-broken"))
		return -1;
	return syscall(SYS_read, fd, to, size);
}

int close(int fd)
{
	say("close");
	assert_int_equal(syscall(SYS_close, fd), 0);
	return 0;
}

off_t log_tail_find(int descriptor, unsigned lines)
{
	assert_int_equal(descriptor, LOG);
	say("log_tail_find %u", lines);
	return fails("log_tail_find") ? -1 : 1000;
}

ssize_t log_tail_read(int descriptor, off_t *at, char *to, size_t size)
{
	size_t length = strlen(log_text);

	assert_int_equal(descriptor, LOG);
	say("log_tail_read %d %zu", (int)*at, size);
	if (fails("log_tail_read"))
		return -1;
	if (is("endless")) {
		memset(to, 'x', size);
		to[size - 1] = '\n';
		length = size;
	} else {
		memcpy(to, log_text, length);
		log_text = "";
	}
	*at += (off_t)length;
	return (ssize_t)length;
}

static bool refresh(void *argument)
{
	assert_ptr_equal(argument, &control);
	say("refresh");
	return is("stale");
}

static char *status(void *argument)
{
	assert_ptr_equal(argument, &control);
	return fails("status") ? NULL : strdup("{its status}");
}

/* --- the client ---------------------------------------------------------------------------------- */

static void begin(const char *words)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	peer = pair[0];
	memset(&control, 0, sizeof control);
	control.base = (struct event_base *)&control;
	control.events = (struct control_events){refresh, status, &control};
	control.log = LOG;
	control.poll_log = (struct event *)&events[2];
	polls = false;
	log_text = "";
	so = words;
	failed[0] = '\0';
	control.clients[5] = client_new(&control, pair[1], 901);
}

static void show(void)
{
	static const char *const modes[] = {"ready", "waits", "watches", "log", "leaves", "gone"};
	const struct client *client = control.clients[5];
	static char got[64 * 1024];
	ssize_t size = recv(peer, got, sizeof got - 1, MSG_DONTWAIT);
	size_t whole = size > 0 ? (size_t)size : 0;

	got[whole] = '\0';
	if (whole > 400)
		say("> %zu bytes", whole);
	else if (whole > 0)
		say("> %s", got);
	if (client == NULL)
		say("= no more");
	else
		say("= %s%s%s%s, %zu read, %zu queued", modes[client->mode], client->ended ? ", ended" : "",
		    client->follow ? ", follows" : "", client->caught_up ? ", caught up" : "", client->filled,
		    evbuffer_get_length(client->queue));
}

static void end(void)
{
	so = "";
	if (control.clients[5] != NULL)
		client_free(control.clients[5]);
	control.clients[5] = NULL;
	syscall(SYS_close, peer);
}

static void happens(const char *what)
{
	static const char filler[CONTROL_LINE_MAX] = "x";
	struct client *client = control.clients[5];

	if (client == NULL)
		return;
	say("-- %.60s", what);
	if (strcmp(what, "END") == 0)
		shutdown(peer, SHUT_WR);
	else if (strcmp(what, "LONG") == 0)
		(void)!write(peer, filler, sizeof filler);
	else if (what[0] != '*')
		(void)!write(peer, what, strlen(what));
	if (strcmp(what, "*silent") == 0)
		callbacks[0](client->descriptor, EV_TIMEOUT, client);
	else if (strcmp(what, "*takes nothing") == 0)
		callbacks[1](client->descriptor, EV_TIMEOUT, client);
	else if (strcmp(what, "*writable") == 0)
		callbacks[1](client->descriptor, EV_WRITE, client);
	else if (strcmp(what, "*polled") == 0)
		polls = false, client_poll_log_cb(-1, EV_TIMEOUT, &control);
	else if (strcmp(what, "*more") == 0)
		log_text = "three\n", polls = false, client_poll_log_cb(-1, EV_TIMEOUT, &control);
	else if (strcmp(what, "*sent") == 0)
		client_send(client, "{a change}"), client_sweep(&control);
	else if (strcmp(what, "*status") == 0)
		client_send_status(client), client_sweep(&control);
	else if (strcmp(what, "*goes on") == 0)
		client->mode = CLIENT_READY, client_handle_requests(client), client_sweep(&control);
	else if (strcmp(what, "*broken") == 0)
		so = "!write-broken", log_text = "three\n", client_poll_log_cb(-1, EV_TIMEOUT, &control);
	else if (strcmp(what, "*read") == 0)
		client_read(client);
	else if (strcmp(what, "*gone") == 0)
		client->mode = CLIENT_GONE, (void)!write(peer, "x", 1), client_read(client);
	else if (strcmp(what, "*healed") == 0)
		so = "";
	else
		callbacks[0](client->descriptor, EV_READ, client);
	show();
}

#define STATUS "{\"command\":\"status\"}\n"
#define WATCH "{\"command\":\"watch\"}\n"
#define TAIL "{\"command\":\"log\",\"lines\":3}\n"
#define FOLLOW "{\"command\":\"log\",\"lines\":3,\"follow\":true}\n"
enum { STEPS = 6 };

struct way {
	const char *so, *log, *steps[STEPS];
};

static void tell(const struct way *way)
{
	size_t used;

	say("\n# %s", way->so);
	used = strlen(journal);
	begin(way->so);
	journal[used] = '\0'; /* that is another test's */
	log_text = way->log;
	for (size_t k = 0; k < STEPS && way->steps[k] != NULL; k++)
		happens(way->steps[k]);
	used = strlen(journal);
	end();
	journal[used] = '\0';
}

static void test_no_leak(void **state)
{
	static const struct way ways[] = {{"", "", {STATUS, "rubbish\n"}},
					  {"", "one\n\xff\n", {TAIL}},
					  {"!write-again", "", {STATUS}},
					  {"stale", "", {STATUS}}};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		assert_no_leak(ways[i].so, (journal[0] = '\0', tell(&ways[i])));
}

static void test_each_story(void **state)
{
	static const struct way ways[] = {
	    {"", "", {STATUS, STATUS STATUS, "{\"command\":", "\"status\"}\n{", "END"}},
	    {"", "", {STATUS "END"}},
	    {"", "", {"END"}},
	    {"", "", {"{\"command\":\"status\"}", "END"}},
	    {"stale", "", {STATUS STATUS, STATUS, "END", "*healed", "*goes on"}},
	    {"stale", "", {STATUS, "LONG", "more", "*healed", "*goes on", "*takes nothing"}},
	    {"!status", "", {STATUS}},
	    {"", "", {WATCH, "*sent", STATUS, "*status", "END"}},
	    {"", "", {WATCH, "LONG", "more"}},
	    {"", "", {"rubbish\n", "*writable"}},
	    {"", "", {"LONG"}},
	    {"", "", {"x", "LONG"}},
	    {"", "", {WATCH, "LONG", "END"}},
	    {"", "", {WATCH, "*polled"}},
	    {"", "", {STATUS "rubbish\n"}},
	    {"", "", {"{\"command\":\"other\"}\n"}},
	    {"stale", "", {STATUS, "END", "*read"}},
	    {"", "", {"x", "*gone"}},
	    {"", "\xc3\xa9\n", {TAIL}},
	    {"!write-again endless", "", {TAIL, "END"}},
	    {"", "one\n", {FOLLOW, "*broken"}},
	    {"", "", {"*silent"}},
	    {"!read-again-once", "", {STATUS, STATUS}},
	    {"!read-interrupted-once", "", {STATUS, STATUS}},
	    {"!read-broken-once", "", {STATUS, STATUS}},
	    {"!write-broken", "", {STATUS}},
	    {"!write-broken", "", {"rubbish\n"}},
	    {"!write-interrupted-once", "", {STATUS, "*writable", STATUS}},
	    {"!write-again", "", {STATUS, "*sent", "*healed", "*writable", STATUS}},
	    {"!write-again", "", {"rubbish\n", STATUS, "*healed", "*writable"}},
	    {"!write-again", "", {"rubbish\n", "*sent", "END", "*takes nothing"}},
	    {"!write-again", "", {WATCH, "*takes nothing"}},
	    {"", "one\ntwo\n", {TAIL}},
	    {"", "one\n\xff\nt\"o", {TAIL}},
	    {"", "", {TAIL}},
	    {"!log_tail_find", "", {TAIL}},
	    {"!log_tail_read", "", {TAIL}},
	    {"", "one\n", {FOLLOW, "*polled", "*more", "more", "*writable", "END"}},
	    {"!write-again", "one\n", {TAIL, "END", "*healed", "*writable"}},
	    {"!write-again endless", "", {FOLLOW, "*polled", "*healed", "*writable", "*more"}},
	    {"!write-broken", "one\ntwo\n", {FOLLOW}},
	};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		tell(&ways[i]);
	assert_golden("tests/golden/control_client/stories", journal);
}

static void test_its_making_and_its_end(void **state)
{
	static const char *const ways[] = {"", "!evbuffer_new", "!event_new-readable", "!event_new-writable",
					   "!event_add"};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		say("\n# %s", ways[i]);
		begin(ways[i]);
		say("= %s", control.clients[5] == NULL ? "none" : "made");
		if (control.clients[5] != NULL)
			assert_int_equal(control.clients[5]->uid, 901);
		end();
	}
	assert_golden("tests/golden/control_client/made", journal);
}

static void test_no_memory(void **state)
{
	int pair[2];

	(void)state;
	if (!MEMORY_CAN_FAIL)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	journal[0] = '\0';
	memory_fails_at = 1;
	assert_null(client_new(&control, pair[1], 901));
	memory_fails_at = 0;
	assert_string_equal(journal, "close\n");
	assert_int_equal(syscall(SYS_close, pair[0]), 0);
}

/* Who takes nothing has gone when so much is queued. */
static void test_a_full_queue(void **state)
{
	static char line[1024];
	size_t sent = 0;

	(void)state;
	memset(line, 'x', sizeof line - 1);
	begin("!write-again");
	while (control.clients[5]->mode != CLIENT_GONE && sent < 1000 * sizeof line) {
		client_send(control.clients[5], line);
		sent += sizeof line;
	}
	assert_int_equal(sent, CONTROL_QUEUE_MAX + sizeof line);
	client_send(control.clients[5], line); /* nothing more */
	assert_int_equal(evbuffer_get_length(control.clients[5]->queue), sent);
	client_sweep(&control);
	assert_null(control.clients[5]);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_story), cmocka_unit_test(test_no_leak),
					   cmocka_unit_test(test_its_making_and_its_end),
					   cmocka_unit_test(test_no_memory),
					   cmocka_unit_test(test_a_full_queue)};

	return cmocka_run_group_tests_name("control client", tests, NULL, NULL);
}
