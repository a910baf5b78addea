/* Whom the control socket takes in, how many, and what is sent to whom; against
 * tests/golden/control_admission/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/control.h"
#include "driver/control_client.h"
#include "freed.h"
#include "golden.h"
#include "leaks.h"
#include "no_memory.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"
#include "ways.h"

enum { LISTENER = 50, LOG, RESERVE, CLIENT = 100, GROUP = 905 };

static struct control *control;
static char base_here, events[3];
static event_callback_fn callbacks[3];
static size_t event_count;
static int waiting;  /* so many are to be accepted */
static uint32_t who; /* they are */
static int next_client, hung_up;
static const char *status_now;

/* --- what it asks others ---------------------------------------------------------------- */

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)room;
	say("log %d %s", (int)level, format);
}

int64_t clock_steady_ms(void)
{
	return 1000000;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	char word[32];

	assert_true(base == (struct event_base *)&base_here && argument != NULL);
	assert_true(event_count == 0 ? fd == LISTENER && what == (EV_READ | EV_PERSIST)
				     : fd == -1 && what == 0);
	snprintf(word, sizeof word, "event_new-%zu", event_count);
	callbacks[event_count] = cb;
	event_count++;
	return fails(word) ? NULL : (struct event *)&events[event_count - 1];
}

static const char *name_of(const struct event *event)
{
	static const char *const names[] = {"acceptable", "resume", "poll"};
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
	return 0;
}

int event_del(struct event *event)
{
	say("event_del %s", name_of(event));
	return 0;
}

void event_free(struct event *event)
{
	say("event_free %s", name_of(event));
}

int dup(int fd)
{
	say("dup %d", fd);
	return fails("dup") ? -1 : RESERVE;
}

int close(int fd)
{
	say("close %d", fd);
	return 0;
}

ssize_t write(int fd, const void *text, size_t size)
{
	say("write %d %.*s", fd, (int)strcspn(text, "\n"), (const char *)text);
	assert_int_equal(((const char *)text)[size - 1], '\n');
	errno = EPIPE;
	return fails("write") ? -1 : (ssize_t)size;
}

int descriptor_accept(int listener)
{
	assert_int_equal(listener, LISTENER);
	errno = is("too-many-files") ? EMFILE : is("too-many-everywhere") ? ENFILE : EAGAIN;
	if (fails("accept") || waiting == 0)
		return -1;
	waiting--;
	return next_client++;
}

int peer_of(int descriptor, struct peer *peer)
{
	assert_true(descriptor >= CLIENT);
	memset(peer, 0, sizeof *peer);
	peer->uid = who;
	return fails("peer_of") ? -1 : 0;
}

bool peer_is_allowed(const struct peer *peer, int64_t gid)
{
	assert_true(peer->uid == who && gid == GROUP);
	return !is("not-allowed");
}

struct client *client_new(struct control *it, int descriptor, uint32_t uid)
{
	struct client *client = calloc(1, sizeof *client);

	assert_true(it == control && it->base == (struct event_base *)&base_here);
	client->descriptor = descriptor;
	client->uid = uid;
	return client;
}

void client_free(struct client *client)
{
	say("client_free %d", client->descriptor);
	free(client);
}

void client_read(struct client *client)
{
	if (hung_up > 0 && hung_up-- > 0)
		client->mode = CLIENT_GONE;
}

void client_sweep(struct control *it)
{
	say("client_sweep");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (it->clients[i] != NULL && it->clients[i]->mode == CLIENT_GONE) {
			client_free(it->clients[i]);
			it->clients[i] = NULL;
		}
	}
}

void client_send(struct client *client, const char *json)
{
	say("client_send %d %s", client->descriptor, json);
}

void client_send_status(struct client *client)
{
	say("client_send_status %d %d", client->descriptor, client->mode == CLIENT_READY);
}

void client_handle_requests(struct client *client)
{
	say("client_handle_requests %d", client->descriptor);
}

void client_poll_log_cb(int fd, short what, void *it)
{
	(void)fd, (void)what, (void)it;
}

static char *status(void *argument)
{
	assert_ptr_equal(argument, &base_here);
	say("status");
	return fails("status") ? NULL : strdup(status_now);
}

/* --- the tests --------------------------------------------------------------------------------- */

static void begin(const char *words)
{
	const struct control_events from_control = {NULL, status, &base_here};

	so = words;
	failed[0] = '\0';
	event_count = 0;
	waiting = hung_up = 0;
	next_client = CLIENT;
	who = 901;
	status_now = "{1}";
	control = control_new((struct event_base *)&base_here, LISTENER, LOG, &from_control);
}

static void accept_all(int count, uint32_t uid)
{
	waiting = count;
	who = uid;
	callbacks[0](LISTENER, EV_READ, control);
}

static size_t taken(void)
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		count += control->clients[i] != NULL;
	return count;
}

static void fill(size_t count, uint32_t first_uid)
{
	for (size_t i = 0; i < count; i++)
		accept_all(1, first_uid + (uint32_t)i / CONTROL_PER_USER);
}

static void test_the_making(void **state)
{
	static const char *const ways[] = {"", "!dup", "!event_new-0", "!event_new-1", "!event_new-2"};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		say("\n# %s", ways[i]);
		begin(ways[i]);
		say("= %s", control == NULL ? "none" : "made");
		if (control == NULL)
			continue;
		assert_true(control->log == LOG && callbacks[2] == client_poll_log_cb);
		control_start(control, GROUP);
		accept_all(2, 901);
		control_free(control);
	}
	assert_golden("tests/golden/control_admission/made", journal);
	memory_fails_at = MEMORY_CAN_FAIL ? 1 : 0;
	begin(MEMORY_CAN_FAIL ? "" : ways[2]);
	memory_fails_at = 0;
	assert_null(control);
}

static void test_who_comes_in(void **state)
{
	static const char *const ways[] = {
	    "",        "!peer_of",       "not-allowed",         "not-allowed !write",
	    "!accept", "too-many-files", "too-many-everywhere", "too-many-files !dup"};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {

		begin(ways[i]);
		control_start(control, GROUP);
		say("\n# %s", ways[i]);
		if (strstr(ways[i], "too-many") != NULL) { /* once; then one is there that is sent away */
			static char with[64];

			snprintf(with, sizeof with, "%s !accept-once", ways[i]);
			so = with;
		}
		accept_all(1, 901);
		say("= %zu, reserve %d", taken(), control->reserve);
		callbacks[1](-1, EV_TIMEOUT, control);
		so = "";
		control_free(control);
	}
	assert_golden("tests/golden/control_admission/comes", journal);
}

static void test_how_many(void **state)
{
	(void)state;
	begin("");
	control_start(control, GROUP);
	accept_all(40, 0); /* so many in one turn */
	assert_int_equal(waiting, 40 - 16);
	control_free(control);
	begin("");
	control_start(control, GROUP);
	fill(CONTROL_PER_USER, 901);
	assert_int_equal(taken(), CONTROL_PER_USER);
	journal[0] = '\0';
	accept_all(1, 901); /* one too many of one user */
	assert_int_equal(taken(), CONTROL_PER_USER);
	assert_non_null(strstr(journal, "too many connections to the control socket are open"));
	accept_all(1, 902); /* but not of another */
	assert_int_equal(taken(), CONTROL_PER_USER + 1);
	hung_up = 2; /* the last of each: they make place */
	journal[0] = '\0';
	accept_all(1, 901);
	assert_null(strstr(journal, "too many"));
	assert_int_equal(taken(), CONTROL_PER_USER);
	fill(CONTROL_CLIENTS, 910);
	assert_int_equal(taken(), CONTROL_CLIENTS - CONTROL_FOR_ROOT); /* the last ones are root's */
	for (int i = 0; i < CONTROL_FOR_ROOT; i++)
		accept_all(1, 0);
	assert_int_equal(taken(), CONTROL_CLIENTS);
	journal[0] = '\0';
	accept_all(1, 0);
	assert_non_null(strstr(journal, "too many connections"));
	assert_int_equal(taken(), CONTROL_CLIENTS);
	control_free(control);
}

/* A socket whose clients can't be taken in is said to be so, not without end. */
static void test_one_warning_at_a_time(void **state)
{
	size_t lines = 0;

	(void)state;
	begin("");
	control_start(control, GROUP);
	so = "!accept too-many-files";
	journal[0] = '\0';
	for (int i = 0; i < 2 * LIMIT_BURST; i++)
		callbacks[0](LISTENER, EV_READ, control);
	for (const char *at = journal; (at = strstr(at, "log 1")) != NULL; at++)
		lines++;
	assert_int_equal(lines, LIMIT_BURST);
	so = "";
	control_free(control);
}

static void test_what_is_sent(void **state)
{
	static const enum client_mode modes[] = {CLIENT_READY, CLIENT_WAITS,  CLIENT_WATCHES, CLIENT_WATCHES,
						 CLIENT_LOG,   CLIENT_LEAVES, CLIENT_WAITS};
	size_t k = 0;

	(void)state;
	begin("");
	control_start(control, GROUP);
	accept_all((int)(sizeof modes / sizeof modes[0]), 0);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i] != NULL)
			control->clients[i]->mode = modes[k++];
	journal[0] = '\0';
	control_changed(control);
	say("-- the same");
	control_changed(control);
	say("-- another");
	status_now = "{2}";
	control_changed(control);
	say("-- none");
	so = "!status";
	control_changed(control);
	so = "";
	say("-- refreshed");
	control_refreshed(control);
	say("-- nobody watches");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i] != NULL)
			control->clients[i]->mode = CLIENT_READY;
	status_now = "{3}";
	control_changed(control);
	say("-- somebody watches again, and it becomes what the one before was told last");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i] != NULL)
			control->clients[i]->mode = CLIENT_WATCHES;
	status_now = "{2}";
	control_changed(control);
	assert_golden("tests/golden/control_admission/sent", journal);
	control_free(control);
}

static void live(void)
{
	journal[0] = '\0';
	begin("");
	control_start(control, GROUP);
	accept_all(2, 0);
	control->clients[0]->mode = CLIENT_WATCHES;
	for (int i = 0; i < 4; i++) {
		status_now = i / 2 == 0 ? "{a status}" : "{another}";
		control_changed(control);
	}
	control_free(control);
}

static void test_no_leak(void **state)
{
	(void)state;
	assert_no_leak("a life", live());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_making),   cmocka_unit_test(test_who_comes_in),
	    cmocka_unit_test(test_how_many),     cmocka_unit_test(test_one_warning_at_a_time),
	    cmocka_unit_test(test_what_is_sent), cmocka_unit_test(test_no_leak)};

	return cmocka_run_group_tests_name("control admission", tests, NULL, NULL);
}
