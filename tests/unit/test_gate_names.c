/* The gate's half of the names: who may be dialled, how often is asked, what the child is given, and what is
 * taken of what it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "log_journal.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/process/child.h"
#include "tests/arch/gate_states.h"
#include "ways.h"

enum { CHILD = 4711, NOW = 2000000000, HEAD = 70 };

static struct gate gate;
static int64_t now;
static char timer_here;
static event_callback_fn overdue;
static jmp_buf child;
static struct net_endpoint remotes[4];
static struct gate_named named[3];

int64_t clock_steady_ms(void)
{
	return now;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

time_t time(time_t *to)
{
	return to == NULL ? NOW : (*to = NOW);
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == gate.base && fd == -1 && what == 0 && argument == &gate);
	overdue = cb;
	return (struct event *)&timer_here;
}

int event_add(struct event *event, const struct timeval *timeout)
{
	assert_ptr_equal(event, &timer_here);
	say("event_add %ld.%06ld", (long)timeout->tv_sec, (long)timeout->tv_usec);
	return 0;
}

int event_del(struct event *event)
{
	assert_ptr_equal(event, &timer_here);
	say("event_del");
	return 0;
}

int file_open_owned(const char *path, mode_t never, struct err *e)
{
	say("file_open_owned %s %03o", path, (unsigned)never);
	return FAILS("file_open_owned") ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int child_scratch(const char *name, struct err *e)
{
	say("child_scratch %s", name);
	return FAILS(name) ? -1 : memfd_create(name, MFD_CLOEXEC);
}

pid_t child_fork(void)
{
	say("child_fork");
	errno = EAGAIN;
	return fails("child_fork") ? -1 : is("child") ? 0 : CHILD;
}

const char *child_sibling(const char *name, const char *fallback, char *to, size_t size)
{
	snprintf(to, size, "%s/%s", fallback, name);
	return to;
}

_Noreturn void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	say("child_exec %s, %zu from %d: head %d", strrchr(path, '/'), count, first, from[0] == HEAD);
	assert_true(from[1] == gate.asking.answers && from[2] == gate.asking.complaint && from[3] > 2);
	for (size_t i = 0; arguments[i] != NULL; i++)
		say("  %s", arguments[i]);
	longjmp(child, 1);
}

int kill(pid_t pid, int number)
{
	say("kill %d %d", (int)pid, number);
	return 0;
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *e)
{
	assert_true(it == &gate && e == NULL);
	say("gate_dispatch %s: %s", gate_event_names[event], why);
	if (event == EVENT_ASKED && gate.state.actual == ACTUAL_ASKING)
		gate.state.actual = ACTUAL_LOCKED;
	return 0;
}

static void say_list(const char *what, const struct net_address *list, size_t count)
{
	char text[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < count && list[i].family != NET_NONE; i++)
		say("  %s %s", what, net_address_text(&list[i], text));
}

void channel_name(struct gate *it, const struct wire_name *name)
{
	assert_ptr_equal(it, &gate);
	say("channel_name %s", name->host);
	say_list("fresh", name->fresh, WIRE_FRESH);
	say_list("good", name->good, WIRE_GOOD);
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	assert_true(it == &gate && note == NOTE_ASKED);
	say("channel_notify asked: %s", text);
}

void ways_look(struct gate *it)
{
	assert_ptr_equal(it, &gate);
}

void files_save_names(const struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("files_save_names");
}

void files_load_names(struct gate *it)
{
	struct net_address address;

	assert_ptr_equal(it, &gate);
	say("files_load_names");
	if (!is("kept"))
		return;
	net_address_parse("192.0.2.66", &address);
	names_load(&it->names, "a.example", &address, 5);
	net_address_parse("192.0.2.67", &address);
	names_load(&it->names, "a.example", &address, 6);
	names_load(&it->names, "no.example", &address, 6);
	net_address_parse("127.0.0.1", &address);
	names_load(&it->names, "a.example", &address, 7);
}

/* --- the profile: a.example by two ports, b.example, and a literal address */

static void remote(size_t i, const char *text)
{
	net_endpoint_parse(text, &remotes[i]);
}

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = '\0';
	so = "";
	now = 1000000;
	remote(0, "192.0.2.1:1194/udp");
	remote(1, "192.0.2.1:443/tcp");
	remote(2, "192.0.2.9:1194/udp");
	remote(3, "192.0.2.200:1194/udp");
	named[0] = (struct gate_named){"a.example", 1194, NET_UDP, 0, 1};
	named[1] = (struct gate_named){"a.example", 443, NET_TCP, 1, 1};
	named[2] = (struct gate_named){"b.example", 1194, NET_UDP, 2, 1};
	gate.profile = (struct gate_profile){.head = HEAD,
					     .body = -1,
					     .remotes = remotes,
					     .remote_count = 4,
					     .named = named,
					     .named_count = 3};
	net_address_parse("192.0.2.53", &gate.config.resolver);
	strcpy(gate.config.resolver_name, "dns.example");
	gate.config.user.number = 901;
	gate.config.user_gid = 902;
	gate.asking.answers = gate.asking.complaint = -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (gate.asking.answers != -1)
		close(gate.asking.answers);
	if (gate.asking.complaint != -1)
		close(gate.asking.complaint);
	return 0;
}

static bool may_dial(const char *text)
{
	struct net_endpoint endpoint;

	assert_int_equal(net_endpoint_parse(text, &endpoint), 0);
	return names_are_of(&gate.names, &gate.profile, &endpoint);
}

static void answer(const char *host, const char *address)
{
	struct wire_answer one;

	memset(&one, 0, sizeof one);
	memcpy(one.host, host, strlen(host));
	net_address_parse(address, &one.address);
	assert_int_equal(write(gate.asking.answers, &one, sizeof one), sizeof one);
}

static void begin(const char *words)
{
	struct err e = {""};

	so = words;
	asking_begin(&gate);
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_ASKING};
	assert_int_equal(asking_effect(&gate, true, &e), 0);
	journal[0] = '\0';
}

static void test_whether_there_is_anything_to_ask(void **state)
{
	struct err e = {""};

	(void)state;
	assert_true(names_can_ask(&gate));
	assert_int_equal(asking_check(&gate, &e), 0);
	gate.profile.named_count = 0;
	assert_false(names_can_ask(&gate));
	assert_int_equal(asking_check(&gate, &e), -1);
	assert_string_equal(e.text, "there is no resolver, or no name");
	gate.profile.named_count = 3;
	memset(&gate.config.resolver, 0, sizeof gate.config.resolver);
	assert_false(names_can_ask(&gate));
	so = "kept";
	asking_begin(&gate);
	assert_string_equal(journal, "");
	assert_false(may_dial("192.0.2.66:1194/udp"));
}

/* Three times in any minute, and never twice at a time. */
static void test_how_often(void **state)
{
	struct err e = {""};

	(void)state;
	for (int i = 0; i < ASKING_A_MINUTE; i++, now += 1000)
		assert_int_equal(asking_check(&gate, &e), 0);
	assert_int_equal(asking_check(&gate, &e), -1);
	assert_string_equal(e.text, "the resolver was asked 3 times in the last minute");
	now = 1000000 + 59999;
	assert_int_equal(asking_check(&gate, &e), -1);
	now++;
	assert_int_equal(asking_check(&gate, &e), 0);
	assert_int_equal(asking_check(&gate, &e), -1);
	now += 1000;
	assert_int_equal(asking_check(&gate, &e), 0);
	now += 600000;
	gate.asking.pid = CHILD;
	assert_int_equal(asking_check(&gate, &e), -1);
	assert_string_equal(e.text, "the resolver is being asked");
}

static void test_the_child(void **state)
{
	struct err e = {""};

	(void)state;
	so = "child";
	if (setjmp(child) == 0)
		(void)asking_effect(&gate, true, &e);
	assert_string_equal(
	    journal, "child_scratch portcullis-answers\nchild_scratch portcullis-complaint\nchild_fork\n"
		     "child_exec /portcullis-driver, 4 from 0: head 1\n"
		     "  portcullis-driver\n  --ask\n  901\n  902\n  192.0.2.53\n  dns.example\n");
}

static void test_no_child(void **state)
{
	static const char *const ways[] = {"!file_open_owned", "!portcullis-answers", "!portcullis-complaint",
					   "!child_fork"};

	(void)state;
	strcpy(gate.config.resolver_ca, "/etc/ca.pem");
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};

		so = ways[i];
		journal[0] = '\0';
		assert_int_equal(asking_effect(&gate, true, &e), -1);
		assert_true(e.text[0] != '\0');
		assert_int_equal(gate.asking.pid, 0);
		assert_int_equal(gate.asking.answers, -1);
		assert_int_equal(gate.asking.complaint, -1);
		assert_non_null(strstr(journal, "file_open_owned /etc/ca.pem 022\n"));
		assert_non_null(strstr(journal, "log 0 gate: the resolver can't be asked: "));
		assert_null(strstr(journal, "event_add"));
	}
}

static void test_its_time(void **state)
{
	struct err e = {""};

	(void)state;
	gate.state.actual = ACTUAL_ASKING;
	assert_int_equal(asking_effect(&gate, true, &e), 0);
	assert_int_equal(gate.asking.pid, CHILD);
	assert_non_null(strstr(journal, "event_add 10.000000\n"));
	journal[0] = '\0';
	overdue(-1, EV_TIMEOUT, &gate);
	assert_string_equal(journal,
			    "kill 4711 9\ngate_dispatch asked: the resolver has not answered in time\n");
	journal[0] = '\0';
	gate.state.actual = ACTUAL_OPEN;
	overdue(-1, EV_TIMEOUT, &gate);
	assert_string_equal(journal, "kill 4711 9\n");
	journal[0] = '\0';
	gate.asking.pid = 0;
	(void)asking_effect(&gate, false, NULL);
	assert_string_equal(journal, "");
}

/* The hole first; then what was said. */
static void test_answers(void **state)
{
	(void)state;
	begin("kept");
	answer("a.example", "192.0.2.5");
	answer("a.example", "192.0.2.6");
	answer("a.example", "192.0.2.5");
	answer("b.example", "2001:db8::7");
	asking_reaped(&gate, 0);
	assert_string_equal(
	    journal, "gate_dispatch asked: the resolver was asked\nevent_del\n"
		     "channel_name a.example\n  fresh 192.0.2.5\n  fresh 192.0.2.6\n  good 192.0.2.67\n"
		     "  good 192.0.2.66\nchannel_name b.example\n  fresh 2001:db8::7\n"
		     "channel_notify asked: \n");
	assert_int_equal(gate.asking.pid, 0);
	assert_int_equal(gate.asking.answers, -1);
	/* By the name's own ports and protocols; literal addresses are attempt.c's. */
	assert_true(may_dial("192.0.2.5:1194/udp"));
	assert_true(may_dial("192.0.2.6:443/tcp"));
	assert_true(may_dial("192.0.2.66:1194/udp"));
	assert_true(may_dial("192.0.2.1:1194/udp"));
	assert_true(may_dial("[2001:db8::7]:1194/udp"));
	assert_false(may_dial("192.0.2.5:1194/tcp"));
	assert_false(may_dial("192.0.2.5:443/udp"));
	assert_false(may_dial("192.0.2.5:1195/udp"));
	assert_false(may_dial("[2001:db8::7]:443/tcp"));
	assert_false(may_dial("192.0.2.9:443/tcp"));
	assert_false(may_dial("192.0.2.7:1194/udp"));
	assert_false(may_dial("192.0.2.200:1194/udp"));
	/* The next answer takes the place of the last; no answer takes nothing away. */
	begin("kept");
	answer("a.example", "192.0.2.7");
	asking_reaped(&gate, 0);
	assert_true(may_dial("192.0.2.7:1194/udp"));
	assert_false(may_dial("192.0.2.5:1194/udp"));
	assert_true(may_dial("[2001:db8::7]:1194/udp"));
}

static void test_what_is_no_answer(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "224.0.0.1",        "0.0.0.0",        "::1",
						"fe80::1",   "::ffff:192.0.2.1", "255.255.255.255"};
	char host[WIRE_HOST];

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		begin("");
		answer("a.example", addresses[i]);
		asking_reaped(&gate, 0);
		assert_int_equal(gate.names.list[0].fresh[0].family, NET_NONE);
		assert_non_null(strstr(journal, "log 1 gate: an answer of the resolver is left out"));
	}
	begin("");
	memset(host, 'x', sizeof host); /* without its end */
	assert_int_equal(write(gate.asking.answers, host, sizeof host), sizeof host);
	assert_int_equal(write(gate.asking.answers, &remotes[0].address, sizeof remotes[0].address),
			 sizeof remotes[0].address);
	answer("no.example", "192.0.2.5");
	answer("", "192.0.2.5");
	assert_int_equal(write(gate.asking.answers, "a.example", 9), 9); /* half of one */
	asking_reaped(&gate, 0);
	for (size_t i = 0; i < gate.names.count; i++)
		assert_int_equal(gate.names.list[i].fresh[0].family, NET_NONE);
}

/* More than there is room for, and more than is read. */
static void test_many_answers(void **state)
{
	char text[32];

	(void)state;
	begin("");
	for (int i = 0; i < WIRE_NAMES * WIRE_FRESH + 1; i++) {
		snprintf(text, sizeof text, "198.51.%d.%d", i / 200, i % 200 + 1);
		answer(i == WIRE_NAMES * WIRE_FRESH ? "b.example" : "a.example", text);
	}
	asking_reaped(&gate, 0);
	assert_true(may_dial("198.51.0.16:1194/udp"));
	assert_false(may_dial("198.51.0.17:1194/udp"));
	assert_int_equal(gate.names.list[1].fresh[0].family, NET_NONE);
}

static void complain(const char *text, int status, const char *wanted)
{
	begin("");
	assert_int_equal(write(gate.asking.complaint, text, strlen(text)), (ssize_t)strlen(text));
	asking_reaped(&gate, status);
	assert_non_null(strstr(journal, wanted));
}

static void test_complaints(void **state)
{
	char text[600];

	(void)state;
	complain("names: it is silent\nmore\n", 256, "channel_notify asked: names: it is silent\n");
	assert_non_null(strstr(journal, "log 1 gate: names: it is silent\n"));
	complain("a\033[2Jb", 256, "channel_notify asked: a\\x1b[2Jb\n");
	complain("", SIGSYS, "channel_notify asked: names: the child that asks was ended by signal 31\n");
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	complain(text, 256, "channel_notify asked: xxxx");
}

/* A pause or an off that came while it asked. */
static void test_root_s_wish_follows(void **state)
{
	(void)state;
	begin("");
	gate.state = (struct gate_state){DESIRED_PAUSE_UP, ACTUAL_LOCKED};
	asking_reaped(&gate, SIGKILL);
	assert_non_null(strstr(journal, "gate_dispatch pause: by root's command\n"));
	begin("");
	gate.state = (struct gate_state){DESIRED_OFF_DOWN, ACTUAL_LOCKED};
	gate.attempt.pid = 5; /* openvpn's end is waited for */
	asking_reaped(&gate, SIGKILL);
	assert_null(strstr(journal, "gate_dispatch off"));
	gate.attempt.pid = 0;
	begin("");
	asking_reaped(&gate, 0);
	assert_null(strstr(journal, "by root's command"));
}

static void open_by(const char *text)
{
	journal[0] = '\0';
	assert_int_equal(net_endpoint_parse(text, &gate.attempt.remote), 0);
	asking_proven(&gate);
}

static const char *kept(void)
{
	static char text[256];
	char address[NET_ADDRESS_TEXT];
	size_t used = 0;

	for (size_t i = 0; i < WIRE_GOOD; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s %d ",
					 net_address_text(&gate.names.list[0].good[i], address),
					 (int)(gate.names.proven[0][i] / 100000000));
	return text;
}

static void test_what_is_kept(void **state)
{
	(void)state;
	so = "kept";
	asking_begin(&gate);
	assert_string_equal(kept(), "192.0.2.67 0 192.0.2.66 0  0  0 ");
	open_by("192.0.2.1:443/tcp");
	assert_string_equal(journal, "files_save_names\n");
	assert_string_equal(kept(), "192.0.2.1 20 192.0.2.67 0 192.0.2.66 0  0 ");
	/* It is known, and was written not long ago. */
	open_by("192.0.2.1:1194/udp");
	assert_string_equal(journal, "");
	gate.names.proven[0][0] = NOW - 86400;
	open_by("192.0.2.1:1194/udp");
	assert_string_equal(journal, "files_save_names\n");
	gate.names.proven[0][0] = NOW - 86399;
	open_by("192.0.2.1:1194/udp");
	assert_string_equal(journal, "");
	gate.names.proven[0][0] = NOW + 1; /* a clock that went back */
	open_by("192.0.2.1:1194/udp");
	assert_string_equal(journal, "files_save_names\n");
	open_by("192.0.2.66:1194/udp");
	assert_string_equal(kept(), "192.0.2.66 20 192.0.2.1 20 192.0.2.67 0  0 ");
	/* Not a name's. */
	open_by("192.0.2.200:1194/udp");
	assert_string_equal(journal, "");
	/* The oldest gives way. */
	for (int i = 0; i < 3; i++) {
		gate.names.list[0].fresh[0] = (struct net_address){NET_IPV4, {192, 0, 2, (uint8_t)(150 + i)}};
		gate.attempt.remote.address = gate.names.list[0].fresh[0];
		asking_proven(&gate);
	}
	assert_string_equal(kept(), "192.0.2.152 20 192.0.2.151 20 192.0.2.150 20 192.0.2.66 20 ");
}

/* A driver starts again, a profile is another: what is fresh stays with its name. */
static void test_another_profile(void **state)
{
	(void)state;
	begin("");
	answer("b.example", "192.0.2.5");
	asking_reaped(&gate, 0);
	named[0] = named[1] = named[2];
	asking_begin(&gate);
	assert_int_equal(gate.names.count, 1);
	assert_true(may_dial("192.0.2.5:1194/udp"));
	strcpy(named[0].host, "c.example");
	strcpy(named[1].host, "c.example");
	strcpy(named[2].host, "c.example");
	asking_begin(&gate);
	assert_false(may_dial("192.0.2.5:1194/udp"));
}

static void test_many_names(void **state)
{
	static struct gate_named many[WIRE_NAMES + 2];

	(void)state;
	for (size_t i = 0; i < WIRE_NAMES + 2; i++) {
		many[i] = (struct gate_named){"", 1194, NET_UDP, 0, 0};
		snprintf(many[i].host, sizeof many[i].host, "vpn%zu.example", i);
	}
	gate.profile.named = many;
	gate.profile.named_count = WIRE_NAMES + 2;
	begin("");
	assert_int_equal(gate.names.count, WIRE_NAMES);
	answer("vpn15.example", "192.0.2.5");
	answer("vpn16.example", "192.0.2.6");
	asking_reaped(&gate, 0);
	assert_true(may_dial("192.0.2.5:1194/udp"));
	assert_false(may_dial("192.0.2.6:1194/udp"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_whether_there_is_anything_to_ask),
					   TEST(test_how_often),
					   TEST(test_the_child),
					   TEST(test_no_child),
					   TEST(test_its_time),
					   TEST(test_answers),
					   TEST(test_what_is_no_answer),
					   TEST(test_many_answers),
					   TEST(test_complaints),
					   TEST(test_root_s_wish_follows),
					   TEST(test_what_is_kept),
					   TEST(test_another_profile),
					   TEST(test_many_names)};

	return cmocka_run_group_tests_name("gate names", tests, NULL, NULL);
}
