/* One attempt, from the dial to what it leaves: what is asked of whom, and in which order, whatever fails;
 * against tests/golden/attempt/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fault.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "golden.h"
#include "log_journal.h"
#include "os/firewall/bypass.h"
#include "os/host/clock.h"
#include "os/process/child.h"
#include "os/process/pid.h"
#include "os/route/device.h"
#include "tests/arch/gate_states.h"
#include "timer_standin.h"
#include "ways.h"

enum { OPENVPN = 4711, INDEX = 7 };

static struct gate gate;
static struct err refusal;
static int64_t now;
static int taken;           /* so often is the interface's name taken */
static unsigned index_told; /* of the device */
static int other_end = -1;  /* of openvpn's output */
static struct net_endpoint remotes[2];

/* --- what it asks others ---------------------------------------------------------------- */

int64_t clock_steady_ms(void)
{
	return now;
}

bool names_are_of(const struct names *names, const struct gate_profile *profile,
		  const struct net_endpoint *endpoint)
{
	char text[NET_ENDPOINT_TEXT];

	assert_true(names == &gate.names && profile == &gate.profile);
	say("names_are_of %s", net_endpoint_text(endpoint, text));
	return is("a name's address");
}

struct net_prefix nat64_prefix(const struct gate *it)
{
	struct net_prefix prefix = {.length = 0};

	assert_ptr_equal(it, &gate);
	if (is("nat64"))
		assert_int_equal(net_prefix_parse("64:ff9b::/96", &prefix), 0);
	return prefix;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

void fault_point(const char *moment)
{
	say("fault_point %s", moment);
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *error)
{
	struct err none, *e = error != NULL ? error : &none;

	assert_ptr_equal(it, &gate);
	say("gate_dispatch %s: %s", gate_event_names[event], why);
	if (FAILS("gate_dispatch"))
		return -1;
	if (gate_refusal(gate.state, event) == NULL)
		gate.state.actual = gate_actual_cell(gate.state.actual, event)->next;
	return 0;
}

int gate_route(struct gate *it, bool open, struct err *error)
{
	struct err none, *e = error != NULL ? error : &none;

	assert_ptr_equal(it, &gate);
	say("gate_route %d", open);
	return FAILS("gate_route") ? -1 : 0;
}

void gate_links_changed(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("gate_links_changed");
}

void ways_look(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("ways_look");
}

int bypass_find(struct err *e)
{
	say("bypass_find");
	return FAILS("bypass_find") ? 1 : 0;
}

bool netwatch_taken(const char *name)
{
	say("netwatch_taken %s", name);
	return taken > 0 && taken-- > 0;
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	char four[NET_ADDRESS_TEXT], six[NET_ADDRESS_TEXT];

	say("netwatch_tunnel %s %s %s", name, net_address_text(address4, four),
	    net_address_text(address6, six));
	*index = index_told;
	return FAILS("netwatch_tunnel") ? -1 : 0;
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	char text[NET_ENDPOINT_TEXT];

	say("netwatch_clean %s", net_endpoint_text(endpoint, text));
	return FAILS("netwatch_clean") ? -1 : 0;
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	say("device_make %s %u %u", name, uid, gid);
	return FAILS("device_make") ? -1 : 0;
}

int device_delete(const char *name, struct err *e)
{
	say("device_delete %s", name);
	return FAILS("device_delete") ? -1 : 0;
}

int device_delete_all(struct err *e)
{
	say("device_delete_all");
	return FAILS("device_delete_all") ? -1 : 0;
}

pid_t spawn_openvpn(struct gate *it, const struct net_endpoint *endpoint, int *output, struct err *e)
{
	int ends[2];

	assert_true(it == &gate && endpoint == &gate.attempt.endpoint);
	say("spawn_openvpn");
	if (FAILS("spawn_openvpn"))
		return -1;
	assert_int_equal(pipe(ends), 0);
	*output = ends[0];
	other_end = ends[1];
	return OPENVPN;
}

uint64_t child_started(pid_t pid)
{
	return 1000000 + (uint64_t)pid;
}

int child_end(pid_t pid, uint64_t started)
{
	say("child_end %d %llu", (int)pid, (unsigned long long)started);
	return fails("child_end") ? -1 : 0;
}

bool child_holds_interface(pid_t pid, const char *name)
{
	say("child_holds_interface %d %s", (int)pid, name);
	return !fails("child_holds_interface");
}

int pid_open(pid_t pid)
{
	say("pid_open %d", (int)pid);
	return fails("pid_open") ? -1 : dup(STDIN_FILENO);
}

bool pid_ended(int descriptor, int milliseconds)
{
	assert_true(descriptor >= 0);
	say("pid_ended %d ms", milliseconds);
	return true;
}

void files_save_attempt(struct gate *it, pid_t pid, uint64_t started)
{
	assert_ptr_equal(it, &gate);
	say("files_save_attempt %d %llu", (int)pid, (unsigned long long)started);
}

bool files_read_attempt(struct gate *it, pid_t *pid, uint64_t *started, struct net_endpoint *endpoint)
{
	assert_ptr_equal(it, &gate);
	*pid = OPENVPN;
	*started = 5;
	*endpoint = remotes[1];
	return is("an-earlier-life");
}

void dns_job_want(struct dns_job *job, bool set)
{
	assert_ptr_equal(job, &gate.dns);
	say("dns_job_want %d", set);
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	assert_ptr_equal(it, &gate);
	say("channel_notify %d %s", (int)note, text);
}

int kill(pid_t pid, int number)
{
	say("kill %d %s", (int)pid, number == SIGKILL ? "KILL" : number == SIGTERM ? "TERM" : "another");
	return 0;
}

/* --- the attempt ------------------------------------------------------------------------------ */

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = refusal.text[0] = '\0';
	so = "";
	now += 100000; /* each test has its allowance of warnings */
	taken = 0;
	index_told = INDEX;
	gate.base = event_base_new();
	gate.state = (struct gate_state){DESIRED_UP, ACTUAL_LOCKED};
	strcpy(gate.config.interface, "tun7");
	gate.config.openvpn_user.number = 901;
	gate.config.openvpn_group.number = 902;
	net_endpoint_parse("192.0.2.1:1194/udp", &remotes[0]);
	net_endpoint_parse("[2001:db8::1]:443/tcp", &remotes[1]);
	gate.profile.remotes = remotes;
	gate.profile.remote_count = 2;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (gate.attempt.deadline != NULL)
		event_free(gate.attempt.deadline);
	event_base_free(gate.base);
	return 0;
}

static void ended(int result)
{
	say("%s", result == 0 ? "done" : refusal.text);
	refusal.text[0] = '\0';
}

static void way(const char *words)
{
	say("\n# %s", words);
	so = words;
	failed[0] = '\0';
}

static void dial(const char *endpoint)
{
	struct net_endpoint to;

	assert_int_equal(net_endpoint_parse(endpoint, &to), 0);
	ended(attempt_dial(&gate, &to, &refusal));
}

static void test_the_dial(void **state)
{
	static const char *const endpoints[] = {"192.0.2.1:1194/udp", "[2001:db8::1]:443/tcp",
						"192.0.2.1:1195/udp"};

	(void)state;
	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
		way(endpoints[i]);
		gate.state.actual = ACTUAL_LOCKED;
		gate.attempt.tunnel.mtu = 1500; /* of the one before */
		dial(endpoints[i]);
		say("mtu %u", gate.attempt.tunnel.mtu);
	}
	gate.state.actual = ACTUAL_LOCKED;
	gate.state.desired = DESIRED_DOWN;
	way("not wanted");
	dial(endpoints[0]);
	gate.state.desired = DESIRED_UP;
	way("!bypass_find");
	dial(endpoints[0]);
	for (int i = 1; i < 3; i++) {
		way(i == 1 ? "an earlier attempt's device" : "another's device");
		gate.state.actual = ACTUAL_LOCKED;
		taken = i;
		dial(endpoints[0]);
	}
	way("!device_delete");
	gate.state.actual = ACTUAL_LOCKED;
	taken = 1;
	dial(endpoints[0]);
	/* The gate's prefix and a remote's address, its port and its protocol; nothing else is by NAT64. */
	static const char *const inside[] = {
	    "[64:ff9b::192.0.2.1]:1194/udp",        "[64:ff9b::192.0.2.2]:1194/udp",
	    "[64:ff9b::192.0.2.1]:1195/udp",        "[64:ff9b::192.0.2.1]:1194/tcp",
	    "[64:ff9b:0:0:0:1:192.0.2.1]:1194/udp", "[2001:db8::192.0.2.1]:1194/udp",
	    "[64:ff9b::192.0.2.1]:1194/udp"};

	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
		char text[NET_ENDPOINT_TEXT];

		way(i + 1 < sizeof inside / sizeof inside[0] ? "nat64" : "no prefix");
		gate.state.actual = ACTUAL_LOCKED;
		taken = 0;
		memset(&gate.attempt, 0, sizeof gate.attempt);
		dial(inside[i]);
		say("of %s", net_endpoint_text(&gate.attempt.remote, text));
	}
	way("a profile that names ourselves");
	net_endpoint_parse("127.0.0.1:1194/udp", &remotes[0]);
	dial("127.0.0.1:1194/udp");
	way("!gate_dispatch");
	dial(endpoints[1]);
	assert_golden("tests/golden/attempt/dial", journal);
}

static void launch(void)
{
	net_endpoint_parse("192.0.2.1:1194/udp", &gate.attempt.endpoint);
	gate.attempt.set = true; /* of the one before, as is why it was left */
	strcpy(gate.attempt.why, "before");
	ended(attempt_effect(&gate, EFFECT_LAUNCH, "dialling", &refusal));
	say("pid %d set %d why \"%s\"", (int)gate.attempt.pid, gate.attempt.set, gate.attempt.why);
}

static void test_the_launch(void **state)
{
	static const char *const ways[] = {"", "!device_make", "!spawn_openvpn",
					   "!spawn_openvpn !device_delete"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		way(ways[i]);
		gate.attempt.pid = 0;
		launch();
	}
	assert_golden("tests/golden/attempt/launch", journal);
}

/* The milliseconds after which it is killed; -1: never. */
static long kill_limit(void)
{
	if (gate.attempt.deadline == NULL || !evtimer_pending(gate.attempt.deadline, NULL))
		return -1;
	return timer_ms;
}

static void effect(enum gate_effect which, const char *why)
{
	ended(attempt_effect(&gate, which, why, &refusal));
	say("why \"%s\" %s", gate.attempt.why,
	    kill_limit() == -1     ? "for good"
	    : kill_limit() == 100  ? "0.1 s"
	    : kill_limit() == 1400 ? "1.4 s"
				   : "?");
}

static void deadline(void)
{
	event_active(gate.attempt.deadline, EV_TIMEOUT, 0);
	event_base_loop(gate.base, EVLOOP_NONBLOCK);
	say("%s", kill_limit() == -1 ? "for good" : kill_limit() == 1400 ? "1.4 s" : "?");
}

static void test_the_ends(void **state)
{
	(void)state;
	way("none");
	effect(EFFECT_TERMINATE, "one");
	effect(EFFECT_KILL, "two");
	way("terminated, twice");
	gate.attempt.pid = OPENVPN;
	effect(EFFECT_TERMINATE, "one");
	effect(EFFECT_TERMINATE, "two");
	way("killed then");
	effect(EFFECT_KILL, "three");
	way("killed at once");
	gate.attempt.why[0] = '\0';
	evtimer_del(gate.attempt.deadline);
	effect(EFFECT_KILL, "four");
	way("the deadlines");
	effect(EFFECT_TERMINATE, "five");
	deadline();
	evtimer_del(gate.attempt.deadline);
	deadline();
	way("terminated anew: told anew");
	effect(EFFECT_TERMINATE, "six");
	deadline();
	assert_golden("tests/golden/attempt/ends", journal);
}

/* Over UDP, if there is a session to give back, and it may be left. */
static void test_farewell(void **state)
{
	static const struct {
		enum gate_actual actual;
		uint8_t proto;
		const char *fails;
	} all[] = {
	    {ACTUAL_OPEN, NET_UDP, ""},          {ACTUAL_OPEN, NET_UDP, "!gate_dispatch"},
	    {ACTUAL_OPEN, NET_UDP, "!pid_open"}, {ACTUAL_OPEN, NET_TCP, ""},
	    {ACTUAL_DIALLING, NET_UDP, ""},      {ACTUAL_LEAVING, NET_UDP, ""},
	    {ACTUAL_LOCKED, NET_UDP, ""},        {ACTUAL_OFF, NET_UDP, ""},
	};
	int before = dup(STDIN_FILENO), after; /* the first that is free, whatever the caller had open */

	(void)state;
	close(before);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		way(all[i].fails);
		say("%s %s", actual_names[all[i].actual], net_proto_text(all[i].proto));
		gate.attempt.pid = OPENVPN;
		gate.attempt.endpoint.proto = all[i].proto;
		gate.state.actual = all[i].actual;
		attempt_farewell(&gate);
	}
	assert_golden("tests/golden/attempt/farewell", journal);
	after = dup(STDIN_FILENO);
	assert_int_equal(after, before);
	close(after);
}

/* It has an address; it is open, if its device was proven. */
static void run(enum gate_actual actual)
{
	way("");
	gate.attempt.pid = 0;
	launch();
	gate.state.actual = actual;
	strcpy(gate.attempt.tunnel.name, "tun7");
	net_address_parse("10.8.0.2", &gate.attempt.tunnel.address4);
	gate.attempt.index = INDEX;
	gate.situation.tunnel.address4 = gate.attempt.tunnel.address4;
	net_address_parse("fd00::2", &gate.situation.tunnel.address6);
	gate.situation.tunnel.network_count = 3;
	gate.situation.tunnel.index = actual == ACTUAL_OPEN ? INDEX : 0;
}

static void test_what_is_verified(void **state)
{
	static const char *const ways[] = {"", "!child_holds_interface", "!netwatch_tunnel"};
	struct err e = {""};

	(void)state;
	run(ACTUAL_OPEN);
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		way(ways[i]);
		e.text[0] = '\0';
		say("%u %s", attempt_verify_tunnel(&gate, &gate.attempt.tunnel, &e), e.text);
	}
	close(gate.attempt.output);
	close(other_end);
	assert_golden("tests/golden/attempt/verified", journal);
}

/* It ends while `actual` stands, with its last words. */
static void reaped(enum gate_actual actual, const char *words, int status, const char *why, const char *how)
{
	run(actual);
	effect(EFFECT_TERMINATE, "the deadline is armed");
	assert_true(kill_limit() > 0);
	journal[0] = '\0';
	so = how;
	(void)!write(other_end, words, strlen(words));
	close(other_end);
	strcpy(gate.attempt.why, why);
	attempt_reaped(&gate, status);
	assert_true(fcntl(gate.attempt.output, F_GETFD) == -1); /* closed */
	assert_int_equal(gate.attempt.pid, 0);
	assert_int_equal(gate.attempt.why[0], 0);
	assert_int_equal(kill_limit(), -1);
}

static bool is_zero(const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0 && *at == 0)
		at++, size--;
	return size == 0;
}

static void test_what_it_leaves(void **state)
{
	static char all[JOURNAL];
	static const struct {
		const char *so;
		enum gate_desired desired;
		enum gate_actual actual;
		int status;
		const char *words, *why;
	} ways[] = {
	    {"", DESIRED_UP, ACTUAL_OPEN, 0, "", "asked for"},
	    {"", DESIRED_UP, ACTUAL_OPEN, SIGKILL, "words\n", ""},
	    {"", DESIRED_UP, ACTUAL_OPEN, 1 << 8, "words\n", ""},
	    {"", DESIRED_UP, ACTUAL_DIALLING, 1 << 8, "", ""},
	    {"", DESIRED_UP, ACTUAL_DIALLING, 1 << 8, "one\ntwo\nthe last\n\n", ""},
	    {"", DESIRED_UP, ACTUAL_DIALLING, 1 << 8, "only", ""},
	    {"", DESIRED_UP, ACTUAL_DIALLING, 1 << 8, "x\nOptions error: what\nUse --help\n", ""},
	    {"", DESIRED_UP, ACTUAL_DIALLING, SIGSYS, "", "asked for"},
	    {"", DESIRED_UP, ACTUAL_ENDING, 0, "", ""},
	    {"", DESIRED_UP, ACTUAL_OFF, 0, "", ""},
	    {"!device_delete_all", DESIRED_UP, ACTUAL_LEAVING, 0, "", ""},
	    {"", DESIRED_PAUSE_UP, ACTUAL_LEAVING, 0, "", ""},
	    {"", DESIRED_OFF_UP, ACTUAL_LEAVING, 0, "", ""},
	    {"!gate_dispatch", DESIRED_UP, ACTUAL_OPEN, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		snprintf(all + strlen(all), sizeof all - strlen(all),
			 "\n# %s, %s, %s, status %d, \"%s\", \"%.10s\"\n", ways[i].so,
			 desired_names[ways[i].desired], actual_names[ways[i].actual], ways[i].status,
			 ways[i].why, ways[i].words);
		gate.state.desired = ways[i].desired;
		reaped(ways[i].actual, ways[i].words, ways[i].status, ways[i].why, ways[i].so);
		strcat(all, journal);
		assert_true(is_zero(&gate.attempt.endpoint, sizeof gate.attempt.endpoint));
		assert_true(is_zero(&gate.attempt.remote, sizeof gate.attempt.remote));
		assert_true(is_zero(&gate.attempt.tunnel, sizeof gate.attempt.tunnel));
		assert_int_equal(gate.attempt.index, 0);
		assert_true(is_zero(&gate.situation.tunnel.address4, sizeof(struct net_address)));
		assert_true(is_zero(&gate.situation.tunnel.address6, sizeof(struct net_address)));
		assert_int_equal(gate.situation.tunnel.index + gate.situation.tunnel.network_count, 0);
	}
	assert_golden("tests/golden/attempt/leaves", all);
}

static void test_an_earlier_life(void **state)
{
	static const char *const ways[] = {"", "an-earlier-life", "an-earlier-life !child_end",
					   "an-earlier-life !netwatch_clean",
					   "an-earlier-life !device_delete_all"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		way(ways[i]);
		attempt_clean_earlier(&gate);
	}
	assert_golden("tests/golden/attempt/earlier", journal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_the_dial),       TEST(test_the_launch),
					   TEST(test_the_ends),       TEST(test_what_is_verified),
					   TEST(test_farewell),       TEST(test_what_it_leaves),
					   TEST(test_an_earlier_life)};

	return cmocka_run_group_tests_name("attempt", tests, NULL, NULL);
}
