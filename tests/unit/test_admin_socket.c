/* gate.sock: what comes of each request, of whom it is taken, and what is answered; against
 * tests/golden/admin_socket/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wire_admin.h"
#include "gate/admin_socket.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/portal/hole.h"
#include "gate/reload.h"
#include "golden.h"
#include "os/host/off_marker.h"
#include "os/process/peer.h"
#include "tests/arch/gate_states.h"
#include "ways.h"

enum { OPENVPN = 4711, OPENVPN_GROUP = 902 };

static struct gate gate;
static struct sockaddr_un at;
static socklen_t length;

/* --- what it asks others ------------------------------------------------------------- */

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *e)
{
	assert_true(it == &gate && e == NULL);
	say("gate_dispatch %s: %s", gate_event_names[event], why);
	if (!is("forgotten"))
		gate.state.desired = gate_desired_cell(gate.state.desired, event)->next;
	gate.state.actual = is("unprotected")    ? ACTUAL_UNPROTECTED
			    : event == EVENT_OFF ? ACTUAL_OFF
						 : gate.state.actual;
	strcpy(gate.reason, why);
	return fails("gate_dispatch") ? -1 : 0;
}

enum wire_gate gate_shown(const struct gate *it)
{
	return it->state.actual == ACTUAL_OFF           ? GATE_OFF
	       : it->state.actual == ACTUAL_UNPROTECTED ? GATE_UNPROTECTED
							: GATE_LOCKED;
}

void files_save_intent(struct gate *it)
{
	say("files_save_intent %s", desired_names[it->state.desired]);
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	(void)it;
	say("channel_notify %d %s", (int)note, text);
}

void channel_reconnect(struct gate *it, const char *why)
{
	(void)it;
	say("channel_reconnect %s", why);
}

void channel_answer(struct gate *it, const char *answer)
{
	assert_ptr_equal(it, &gate);
	say("channel_answer %.12s", answer);
}

int off_marker_clear(struct err *e)
{
	say("off_marker_clear");
	return FAILS("off_marker_clear") ? -1 : 0;
}

int portal_request(struct gate *it, const struct wire_admin_request *request, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("portal_request %u %u %u", request->seconds, request->user, request->any);
	return FAILS("portal_request") ? -1 : 0;
}

int reload(struct gate *it, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("reload");
	return FAILS("reload") ? -1 : (err_set(e, "lan taken"), 0);
}

int peer_of(int descriptor, struct peer *peer)
{
	assert_true(descriptor > 0);
	*peer = (struct peer){.uid = 0, .gid = is("openvpns-group") ? OPENVPN_GROUP : 0, .pid = OPENVPN};
	return fails("peer_of") ? -1 : 0;
}

bool peer_is_allowed(const struct peer *peer, int64_t gid)
{
	assert_true(peer->pid == OPENVPN && gid == -1);
	return !is("not-root");
}

/* --- the kernel's and the loop's --------------------------------------------------------- */

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	struct event *(*real)(struct event_base *, evutil_socket_t, short, event_callback_fn, void *);

	*(void **)&real = dlsym(RTLD_NEXT, "event_new");
	return fails("event_new") ? NULL : real(base, fd, what, cb, argument);
}

int event_add(struct event *event, const struct timeval *timeout)
{
	int (*real)(struct event *, const struct timeval *);

	*(void **)&real = dlsym(RTLD_NEXT, "event_add");
	return fails("event_add") ? -1 : real(event, timeout);
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	int code = fails("recv-again")         ? EAGAIN
		   : fails("recv-interrupted") ? EINTR
		   : fails("recv-broken")      ? ECONNRESET
					       : 0;

	assert_int_equal(flags, MSG_DONTWAIT);
	if (code != 0) {
		errno = code;
		return -1;
	}
	return syscall(SYS_recvfrom, fd, to, size, flags, NULL, NULL);
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	say("send %zu%s%s", size, flags & MSG_DONTWAIT ? " and not wait" : "",
	    flags & MSG_NOSIGNAL ? " and no signal" : "");
	return syscall(SYS_sendto, fd, from, size, flags, NULL, 0);
}

/* --- root ----------------------------------------------------------------------------------- */

static void pump(void)
{
	for (int i = 0; i < 6; i++)
		event_base_loop(gate.base, EVLOOP_NONBLOCK);
}

static int join(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, length), 0);
	return fd;
}

static int setup(void **state)
{
	struct err e = {""};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = '\0';
	so = "";
	log_open(-1, LOG_ERROR);
	at = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = sizeof at;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(listen(fd, 16), 0);
	gate.base = event_base_new();
	gate.admin_fd = fd;
	gate.config.openvpn_group.number = OPENVPN_GROUP;
	assert_int_equal(admin_socket_open(&gate, &e), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pump();
	event_free(gate.admin_event);
	close(gate.admin_fd);
	event_base_free(gate.base);
	return 0;
}

struct request {
	const char *so;
	uint32_t verb, seconds, persist;
	enum gate_desired desired;
	enum gate_actual actual;
};

/* Sent in pieces of so many bytes. */
static void ask(const struct request *it, uint32_t version, size_t piece)
{
	struct wire_admin_request request = {
	    .version = version, .verb = it->verb, .seconds = it->seconds, .persist = it->persist};
	struct wire_admin_answer answer = {.version = 0};
	int fd = join();
	ssize_t got;

	say("\n# %u %u %u, %s, %s; %s", it->verb, it->seconds, it->persist, desired_names[it->desired],
	    actual_names[it->actual], it->so);
	so = it->so;
	failed[0] = '\0';
	gate.state = (struct gate_state){it->desired, it->actual};
	gate.pause_seconds = 0;
	gate.off_persist = false;
	strcpy(gate.reason, "as it was");
	for (size_t i = 0; i < sizeof request; i += piece) {
		(void)!write(fd, (char *)&request + i, piece);
		pump();
	}
	got = syscall(SYS_recvfrom, fd, &answer, sizeof answer, MSG_DONTWAIT, NULL, NULL);
	if (got == 0 || (got == -1 && errno == ECONNRESET))
		say("closed");
	else if (got == (ssize_t)sizeof answer)
		say("%s %s: %s", answer.refused ? "refused" : "done", wire_gate_word(answer.gate),
		    answer.text);
	else
		say("nothing");
	if (gate.pause_seconds != 0 || gate.off_persist)
		say("pause %u off for good %d", gate.pause_seconds, gate.off_persist);
	close(fd);
	pump();
}

static void test_each_request(void **state)
{
	static const struct request requests[] = {
	    {"", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"!off_marker_clear", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"", ADMIN_UP, 0, 0, DESIRED_STOP, ACTUAL_LOCKED},
	    {"", ADMIN_DOWN, 0, 0, DESIRED_UP, ACTUAL_OPEN},
	    {"", ADMIN_DOWN, 0, 0, DESIRED_STOP, ACTUAL_LOCKED},
	    {"", ADMIN_RECONNECT, 0, 0, DESIRED_UP, ACTUAL_OPEN},
	    {"", ADMIN_RECONNECT, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"", ADMIN_PAUSE, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PAUSE, 1, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PAUSE, 31 * 86400, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PAUSE, 31 * 86400 + 1, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PAUSE, 1, 0, DESIRED_UP, ACTUAL_OFF},
	    {"", ADMIN_RESUME, 0, 0, DESIRED_PAUSE_UP, ACTUAL_PAUSED},
	    {"", ADMIN_RESUME, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_OFF, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_OFF, 0, 1, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_OFF, 0, 0, DESIRED_STOP, ACTUAL_LOCKED},
	    {"", ADMIN_RELOAD, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"!reload", ADMIN_RELOAD, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", 0, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PORTAL, 60, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"!portal_request", ADMIN_PORTAL, 60, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"", ADMIN_PORTAL + 1, 0, 0, DESIRED_UP, ACTUAL_LOCKED},
	    /* It failed: what was wanted is wanted, or it is not; a lock stands, or none. */
	    {"!gate_dispatch", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"!gate_dispatch forgotten", ADMIN_PAUSE, 1, 0, DESIRED_UP, ACTUAL_LOCKED},
	    {"!gate_dispatch forgotten", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"!gate_dispatch unprotected", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"unprotected", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_UNPROTECTED},
	    {"forgotten", ADMIN_UP, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	    {"!gate_dispatch forgotten unprotected", ADMIN_OFF, 0, 0, DESIRED_DOWN, ACTUAL_LOCKED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
		ask(&requests[i], WIRE_VERSION, sizeof(struct wire_admin_request));
	ask(&requests[0], WIRE_VERSION + 1, sizeof(struct wire_admin_request));
	ask(&requests[0], WIRE_VERSION, 4);
	assert_golden("tests/golden/admin_socket/requests", journal);
}

#define SENT "send 256 and not wait and no signal\n"

/* A person's answer: only root's, whole; and nothing of it stays. */
static void test_an_answer(void **state)
{
	static const char *const answers[] = {"123456", "", "long", "longest", "no driver"};
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_LOGIN};
	struct wire_admin_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		int fd = join();

		gate.driver.pid = strcmp(answers[i], "no driver") == 0 ? 0 : 1;
		memset(request.answer, 0, sizeof request.answer);
		strcpy(request.answer, answers[i]);
		if (strncmp(answers[i], "long", 4) == 0)
			memset(request.answer, 'x', sizeof request.answer - (answers[i][4] == 'e'));
		assert_int_equal(write(fd, &request, sizeof request), sizeof request);
		pump();
		assert_int_equal(read(fd, &answer, sizeof answer), sizeof answer);
		say("%s: %s", answers[i], answer.refused ? answer.text : "passed on");
		close(fd);
	}
	assert_string_equal(journal, "channel_answer 123456\n" SENT "123456: passed on\n" SENT
				     ": the answer is empty, or longer than 255 bytes\n" SENT
				     "long: the answer is empty, or longer than 255 bytes\n"
				     "channel_answer xxxxxxxxxxxx\n" SENT "longest: passed on\n" SENT
				     "no driver: the driver does not run at present; instead: try again\n");
}

static void test_who_may_ask(void **state)
{
	static const char *const ways[] = {"not-root",          "openvpns-group",   "!peer_of",
					   "!recv-broken-once", "!recv-again-once", "!recv-interrupted-once"};
	struct request request = {"", ADMIN_DOWN, 0, 0, DESIRED_UP, ACTUAL_LOCKED};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		request.so = ways[i];
		ask(&request, WIRE_VERSION, sizeof(struct wire_admin_request));
	}
	request.so = "not-root";
	for (int i = 0; i < 10; i++) /* who is refused takes nobody's place */
		ask(&request, WIRE_VERSION, sizeof(struct wire_admin_request));
	request.so = "";
	gate.attempt.pid = OPENVPN;
	ask(&request, WIRE_VERSION, sizeof(struct wire_admin_request));
	gate.attempt.pid = OPENVPN + 1;
	ask(&request, WIRE_VERSION, sizeof(struct wire_admin_request));
	assert_golden("tests/golden/admin_socket/peers", journal);
}

/* One that leaves before its answer, and one that is gone before it is taken. */
static void test_who_leaves(void **state)
{
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_DOWN};
	int fd = join();

	(void)state;
	assert_int_equal(write(fd, &request, 8), 8);
	pump();
	close(fd);
	pump();
	assert_string_equal(journal, "");
	fd = join();
	assert_int_equal(write(fd, &request, sizeof request), sizeof request);
	close(fd);
	pump();
	assert_non_null(strstr(journal, "gate_dispatch down: down, by root's command"));
}

/* Nobody waits after all; or it can't be watched. */
static void test_what_can_not_be(void **state)
{
	struct gate other = {.base = gate.base, .admin_fd = gate.admin_fd};
	struct err e = {""};

	(void)state;
	event_get_callback(gate.admin_event)(gate.admin_fd, EV_READ, &gate);
	so = "!event_new";
	assert_int_equal(admin_socket_open(&other, &e), -1);
	assert_string_equal(e.text, "gate.sock can't be watched");
	so = "!event_add";
	assert_int_equal(admin_socket_open(&other, &e), -1);
	event_free(other.admin_event);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_request), TEST(test_an_answer),
					   TEST(test_who_may_ask), TEST(test_who_leaves),
					   TEST(test_what_can_not_be)};

	return cmocka_run_group_tests_name("admin socket", tests, NULL, NULL);
}
