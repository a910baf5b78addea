/* The management connection: who is listened to, what is read and written, and when it has ended; against
 * tests/golden/management. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/management.h"
#include "driver/management_session.h"
#include "freed.h"
#include "golden.h"
#include "leaks.h"
#include "log_journal.h"
#include "no_memory.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/peer.h"
#include "ways.h"

enum { LISTENER = 50, FIRST = 100, ACCEPTABLE = 0, READABLE, WRITABLE, LOOK, KINDS };

static struct management *m;
static char base_here, events[KINDS], parser_here;
static event_callback_fn callbacks[KINDS];
static const struct management_session *session;
static struct login login;
static int next_fd, to_read, read_result, feeds; /* to_read: so many reads have bytes; then read_result */
static int32_t pid;
static size_t pending;

/* --- what it asks others ---------------------------------------------------------------- */

int64_t clock_steady_ms(void)
{
	return 1000;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

bool openvpn_log_may(struct openvpn_log *log, uint64_t now, enum log_level level)
{
	assert_true((session == NULL || log == &session->log) && now == 1000 && level == LOG_WARN);
	return !is("flooded");
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	char word[32];
	int kind = fd == LISTENER ? ACCEPTABLE : fd == -1 ? LOOK : what == EV_WRITE ? WRITABLE : READABLE;

	assert_true(base == (struct event_base *)&base_here && argument != NULL);
	assert_int_equal(what, kind == WRITABLE ? EV_WRITE
			       : kind == LOOK   ? EV_PERSIST
						: EV_READ | EV_PERSIST);
	callbacks[kind] = cb;
	snprintf(word, sizeof word, "event_new-%d", kind);
	return fails(word) ? NULL : (struct event *)&events[kind];
}

static const char *name_of(const struct event *event)
{
	static const char *const names[KINDS] = {"acceptable", "readable", "writable", "look"};

	return names[(const char *)event - events];
}

int event_add(struct event *event, const struct timeval *timeout)
{
	say("event_add %s", name_of(event));
	if (timeout != NULL)
		say("for %ld ms", (long)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000));
	return fails("event_add") ? -1 : 0;
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

int close(int fd)
{
	say("close %d", fd);
	return 0;
}

ssize_t read(int fd, void *to, size_t size)
{
	errno = is("!read-again") ? EAGAIN : is("!read-interrupted") ? EINTR : ECONNRESET;
	assert_true(fd >= FIRST && size == 16 * 1024);
	if (to_read == 0)
		return read_result;
	to_read--;
	memset(to, 'x', 9);
	return 9;
}

ssize_t write(int fd, const void *from, size_t size)
{
	say("write %d %.*s", fd, (int)size, (const char *)from);
	errno = is("!write-again") ? EAGAIN : is("!write-interrupted-once") ? EINTR : EPIPE;
	return fails("write-again") || fails("write-interrupted") || fails("write-broken") ? -1
	       : is("half") && size > 1                                                    ? 1
											   : (ssize_t)size;
}

int descriptor_accept(int listener)
{
	assert_int_equal(listener, LISTENER);
	return fails("accept") ? -1 : next_fd++;
}

int peer_of(int descriptor, struct peer *peer)
{
	assert_true(descriptor >= FIRST);
	memset(peer, 0, sizeof *peer);
	peer->pid = pid;
	return fails("peer_of") ? -1 : 0;
}

struct ovm_session *ovm_new(ovm_event_fn *event, void *argument)
{
	assert_true(event == management_session_event && argument == session);
	say("ovm_new");
	return fails("ovm_new") ? NULL : (struct ovm_session *)&parser_here;
}

void ovm_free(struct ovm_session *parser)
{
	assert_ptr_equal(parser, &parser_here);
	say("ovm_free");
}

int ovm_feed(struct ovm_session *parser, const void *bytes, size_t length)
{
	assert_true(parser == (struct ovm_session *)&parser_here && length == 9 &&
		    *(const char *)bytes == 'x');
	assert_int_equal(session->now, 1000);
	feeds++;
	if (is("it-ends-the-attempt"))
		management_end(m);
	return fails("ovm_feed") ? -1 : 0;
}

int ovm_command(struct ovm_session *parser, const char *const *words)
{
	assert_ptr_equal(parser, &parser_here);
	say("ovm_command %s %d", words[0], words[1] == NULL);
	pending = 3;
	return fails("ovm_command") ? -1 : 0;
}

const void *ovm_pending(struct ovm_session *parser, size_t *length)
{
	assert_ptr_equal(parser, &parser_here);
	*length = pending;
	return is("nothing-pending") ? NULL : "abc";
}

void ovm_sent(struct ovm_session *parser, size_t length)
{
	assert_ptr_equal(parser, &parser_here);
	pending -= length;
}

void management_session_begin(struct management_session *s, const struct management_attempt *attempt,
			      uint64_t now)
{
	session = s;
	assert_true(s->events.argument == &base_here && s->login == &login);
	say("session_begin %s %d", attempt->interface, now == 1000);
}

void management_session_greet(struct management_session *s)
{
	assert_true(s->parser == (struct ovm_session *)&parser_here);
	say("session_greet");
	pending = 3;
}

void management_session_look(struct management_session *s)
{
	assert_ptr_equal(s, session);
	say("session_look %d", s->now == 1000);
	dead_peer_look(&s->peer);
	pending = 3;
	if (is("it-ends-at-a-look"))
		management_end(m);
}

void management_session_hurry(struct management_session *s)
{
	assert_ptr_equal(s, session);
	say("session_hurry");
	dead_peer_hurry(&s->peer);
	pending = 3;
}

void management_session_lost(struct management_session *s)
{
	assert_null(s->parser);
	say("session_lost");
}

void management_session_signed(struct management_session *s, const struct key_answer *answer)
{
	assert_true(s == session && s->now == 1000);
	say("session_signed %s", answer->text);
	pending = 3;
}

bool management_session_reply(struct management_session *s)
{
	assert_true(s == session && s->now == 1000);
	say("session_reply");
	if (fails("session_reply"))
		return false;
	pending = 3;
	return true;
}

void login_settle(struct login *which)
{
	assert_ptr_equal(which, &login);
	say("login_settle");
}

void management_session_event(const struct ovm_event *event, void *argument)
{
	(void)event, (void)argument;
}

/* --- the tests --------------------------------------------------------------------------------- */

static void make(const char *words)
{
	const struct management_events from = {.argument = &base_here};

	so = words;
	failed[0] = '\0';
	next_fd = FIRST;
	pid = 4711;
	to_read = feeds = 0;
	read_result = -1;
	pending = 0;
	m = management_new((struct event_base *)&base_here, LISTENER, &login, &from);
}

static void comes(int32_t who)
{
	pid = who;
	callbacks[ACCEPTABLE](LISTENER, EV_READ, m);
}

static void happens(const char *what)
{
	static const struct management_attempt attempt = {.interface = "tun7"};

	say("-- %s", what);
	if (strcmp(what, "begin") == 0)
		management_begin(m, &attempt);
	else if (strcmp(what, "expect") == 0)
		management_expect(m, 4711);
	else if (strcmp(what, "end") == 0)
		management_end(m);
	else if (strcmp(what, "ours") == 0)
		comes(4711);
	else if (strcmp(what, "another") == 0)
		comes(4712);
	else if (strcmp(what, "nobody") == 0)
		comes(0);
	else if (strcmp(what, "reply") == 0)
		say("reply %d", management_reply(m));
	else if (strcmp(what, "signed") == 0)
		management_signed(m, &(struct key_answer){.text = "well"});
	else if (strcmp(what, "count") == 0)
		say("count %d", management_ask_count(m));
	else if (strcmp(what, "writable") == 0)
		callbacks[WRITABLE](FIRST, EV_WRITE, m);
	else if (strcmp(what, "eof") == 0)
		read_result = 0, callbacks[READABLE](FIRST, EV_READ, m);
	else if (strncmp(what, "limit ", 6) == 0)
		dead_peer_begin(&((struct management_session *)(uintptr_t)session)->peer,
				(uint32_t)atoi(what + 6));
	else if (strcmp(what, "hurry") == 0)
		management_hurry(m);
	else if (strcmp(what, "away") == 0 || strcmp(what, "back") == 0)
		management_away(m, what[0] == 'a');
	else if (strcmp(what, "unanswered") == 0)
		say("unanswered %u", management_unanswered(m));
	else if (strcmp(what, "look") == 0)
		callbacks[LOOK](-1, EV_TIMEOUT, m);
	else if (strcmp(what, "healed") == 0)
		so = "";
	else if (strcmp(what, "mild") == 0)
		so = "!read-again";
	else
		to_read = atoi(what), callbacks[READABLE](FIRST, EV_READ, m), say("fed %d", feeds), feeds = 0;
}

#define CONNECTED "begin", "expect", "ours"
enum { STEPS = 9 };

static void test_each_story(void **state)
{
	static const struct {
		const char *so, *steps[STEPS];
	} ways[] = {
	    {"", {"ours", "count", "end"}},
	    {"", {"begin", "ours", "another", "nobody", "ours", "another", "expect", "another"}},
	    {"", {"begin", "another", "end", "ours", "begin", "ours", "begin", "expect"}},
	    {"", {CONNECTED, "ours", "count", "end", "count", "ours"}},
	    {"", {"reply", CONNECTED, "reply", "end", "reply"}},
	    {"", {CONNECTED, "signed", "end", "signed"}},
	    {"!session_reply", {CONNECTED, "reply", "end"}},
	    {"!read-again", {CONNECTED, "0", "3", "8", "20", "begin"}},
	    {"!read-interrupted", {CONNECTED, "1"}},
	    {"", {CONNECTED, "2"}},
	    {"!read-again", {CONNECTED, "1", "eof"}},
	    {"!ovm_feed !read-again", {CONNECTED, "3"}},
	    {"it-ends-the-attempt !read-again", {CONNECTED, "3", "ours"}},
	    {"it-ends-the-attempt !read-again", {CONNECTED, "3", "mild", "begin", "expect", "ours", "2"}},
	    {"", {CONNECTED, "20"}},
	    {"", {"begin", "another"}},
	    {"!read-again", {CONNECTED, "limit 25", "1", "1", "look", "limit 0", "1"}},
	    {"!read-again", {CONNECTED, "limit 25", "1", "limit 10", "1", "look", "end"}},
	    {"!read-again", {CONNECTED, "hurry", "limit 60", "hurry", "away", "unanswered"}},
	    {"!read-again", {CONNECTED, "limit 0", "away", "hurry", "back", "end", "hurry"}},
	    {"!read-again it-ends-at-a-look", {CONNECTED, "limit 10", "1", "look", "begin"}},
	    {"it-ends-the-attempt !read-again", {CONNECTED, "limit 10", "1"}},
	    {"half !read-again", {CONNECTED, "count", "1"}},
	    {"!write-again !read-again", {CONNECTED, "writable", "1", "healed", "writable"}},
	    {"!write-interrupted-once", {CONNECTED, "writable"}},
	    {"!write-broken", {CONNECTED, "writable"}},
	    {"!ovm_command", {CONNECTED, "count"}},
	    {"nothing-pending", {CONNECTED, "count"}},
	    {"!accept", {"begin", "expect", "ours"}},
	    {"!peer_of", {"begin", "expect", "ours"}},
	    {"flooded", {"begin", "expect", "another"}},
	};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		size_t used;

		say("\n# %s", ways[i].so);
		used = strlen(journal);
		session = NULL;
		make(ways[i].so);
		journal[used] = '\0';
		for (size_t k = 0; k < STEPS && ways[i].steps[k] != NULL; k++)
			happens(ways[i].steps[k]);
		say("-- free");
		management_free(m);
	}
	assert_golden("tests/golden/management", journal);
}

static void live(const char *words)
{
	journal[0] = '\0';
	make(words);
	if (m != NULL)
		management_free(m);
}

static void test_the_making(void **state)
{
	static const char *const ways[] = {"!event_new-0", "!event_new-3", "!event_add"};

	(void)state;
	management_free(NULL);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		journal[0] = '\0';
		make(ways[i]);
		assert_null(m);
		assert_int_equal(strstr(journal, "event_free acceptable") != NULL, i > 0);
		assert_int_equal(strstr(journal, "event_free look") != NULL, i != 1);
		assert_no_leak(ways[i], live(ways[i]));
	}
	assert_no_leak("made", live(""));
	memory_fails_at = MEMORY_CAN_FAIL ? 1 : 0;
	make(MEMORY_CAN_FAIL ? "" : ways[0]);
	memory_fails_at = 0;
	assert_null(m);
}

/* Without memory for it the driver ends: the gate locks, and starts another. */
static void test_no_memory(void **state)
{
	static const char *const ways[] = {"!ovm_new", "!event_new-1", "!event_new-2"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		int status;
		pid_t child;

		make(ways[i]);
		happens("begin");
		happens("expect");
		if ((child = fork()) == 0) {
			setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
			signal(SIGABRT, SIG_DFL);
			happens("ours");
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		management_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_story),
					   cmocka_unit_test(test_the_making),
					   cmocka_unit_test(test_no_memory)};

	return cmocka_run_group_tests_name("management", tests, NULL, NULL);
}
