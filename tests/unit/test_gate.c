/* What the gate does at each event: the policy first, then what depends on it, whatever fails; against
 * tests/golden/gate/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/gate.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/off_marker.h"
#include "os/route/forwarding.h"
#include "os/route/route.h"
#include "os/service/notify.h"
#include "os/service/strict_boot.h"
#include "tests/arch/gate_states.h"
#include "ways.h"

enum { OPENVPN = 4711, NOW = 1000000000 };

static struct gate gate;
static char timers[2]; /* gate->retry, gate->pause_end */
static event_callback_fn callbacks[2];
static size_t timer_count;
static firewall_foreign_cb *foreign;

/* --- what it asks others ---------------------------------------------------------------- */

time_t time(time_t *to)
{
	return to == NULL ? NOW : (*to = NOW);
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == gate.base && fd == -1 && what == 0 && argument == &gate);
	callbacks[timer_count] = cb;
	return (struct event *)&timers[timer_count++];
}

static const char *name_of(const struct event *event)
{
	assert_true(event != NULL && (event == gate.retry || event == gate.pause_end));
	return event == gate.retry ? "retry" : "pause_end";
}

int event_add(struct event *event, const struct timeval *timeout)
{
	say("event_add %s %ld.%03ld s", name_of(event), (long)timeout->tv_sec, (long)timeout->tv_usec / 1000);
	return 0;
}

int event_del(struct event *event)
{
	say("event_del %s", name_of(event));
	return 0;
}

static int ask_names(struct gate *it, bool begin, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say(begin ? "names_start" : "names_kill");
	return begin && FAILS("names_start") ? -1 : 0;
}

struct firewall *firewall_open(const char *backend, struct err *e)
{
	say("firewall_open %s", backend);
	return FAILS("firewall_open") ? NULL : (struct firewall *)&gate;
}

static void say_situation(const struct situation *s)
{
	static const char *const states[] = {
	    [POLICY_LOCKED] = "locked", [POLICY_DIALLING] = "dialling", [POLICY_OPEN] = "open"};
	char text[NET_ENDPOINT_TEXT];

	say("  %s%s, links %zu, to %s%s", states[s->state], s->lan ? "" : ", bare", s->link_count,
	    s->endpoint.port == 0 ? "nobody" : net_endpoint_text(&s->endpoint, text),
	    s->resolver.family == NET_NONE ? "" : " and the resolver");
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_assert");
	say_situation(s);
	return FAILS("firewall_assert") ? -1 : 0;
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_pause %u", seconds);
	return FAILS("firewall_pause") ? -1 : 0;
}

bool firewall_has_portals(const struct firewall *fw)
{
	assert_ptr_equal(fw, gate.fw);
	return !is("no-portals");
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_forget_states");
	return FAILS("firewall_forget_states") ? -1 : 0;
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_remove");
	return FAILS("firewall_remove") ? -1 : is("not-all") ? (err_set(e, "another's"), 1) : 0;
}

int firewall_remove_others(const struct firewall *fw, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_remove_others");
	return FAILS("firewall_remove_others") ? -1 : 0;
}

const char *firewall_note(const struct firewall *fw)
{
	assert_ptr_equal(fw, gate.fw);
	return is("note") ? "another name" : "";
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	assert_true(fw == gate.fw && base == gate.base && argument == &gate);
	foreign = cb;
	return FAILS("firewall_watch") ? -1 : 0;
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	assert_ptr_equal(desired->situation, &gate.situation);
	assert_true(desired->tunnel == NULL || desired->tunnel == &gate.attempt.tunnel);
	say("route_assert %s %u, openvpn %u%s", desired->tunnel != NULL ? "tunnel" : "nowhere",
	    desired->index, desired->openvpn, desired->redirect ? ", all" : "");
	return FAILS("route_assert") ? -1 : 0;
}

int route_remove(struct err *e)
{
	say("route_remove");
	return FAILS("route_remove") ? -1 : 0;
}

int forwarding_begin(struct err *e)
{
	say("forwarding_begin");
	return FAILS("forwarding_begin") ? -1 : 0;
}

int forwarding_end(struct err *e)
{
	say("forwarding_end");
	return FAILS("forwarding_end") ? -1 : 0;
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	say("netwatch_fill %s", tunnel);
	s->link_count = 3; /* half of it, if it fails */
	s->links_left_out = is("many-links");
	return FAILS("netwatch_fill") ? -1 : 0;
}

int netwatch_links_down(struct err *e)
{
	say("netwatch_links_down");
	return FAILS("netwatch_links_down") ? -1 : 0;
}

int netwatch_links_restore(struct err *e)
{
	say("netwatch_links_restore");
	return FAILS("netwatch_links_restore") ? -1 : 0;
}

void strict_boot_return(bool verified)
{
	say("strict_boot_return %d", verified);
}

void notify_state(bool protecting, const char *state, const char *why)
{
	say("notify_state %d %s: %s", protecting, state, why);
}

bool off_marker_valid(void)
{
	return is("marker") && !fails("marker");
}

int off_marker_write(bool persist, struct err *e)
{
	say("off_marker_write %d", persist);
	return FAILS("off_marker_write") ? -1 : 0;
}

void dns_job_look(struct dns_job *job, bool shut)
{
	assert_ptr_equal(job, &gate.dns);
	say("dns_job_look %d", shut);
}

static void changed(struct gate *it, enum wire_note note, const char *why)
{
	assert_ptr_equal(it, &gate);
	say("changed %d %s", (int)note, why);
}

static int openvpn(struct gate *it, enum gate_effect effect, const char *why, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("openvpn %s: %s", gate_effect_names[effect], why);
	return FAILS("openvpn") ? -1 : 0;
}

/* --- the gate ------------------------------------------------------------------------------ */

static void make_gate(void)
{
	memset(&gate, 0, sizeof gate);
	timer_count = 0;
	so = "";
	gate.fw = (struct firewall *)&gate;
	gate.changed = changed;
	gate.openvpn = openvpn;
	gate.ask = ask_names;
	gate.config.openvpn_user = (struct identity){.known = true, .number = 901};
	strcpy(gate.config.interface, "tun7");
	strcpy(gate.config.backend, "auto");
	gate.situation.lan = true;
	net_address_parse("192.0.2.53", &gate.config.resolver);
	gate.attempt.index = 7;
	net_endpoint_parse("192.0.2.1:1194/udp", &gate.attempt.endpoint);
}

static int setup(void **state)
{
	(void)state;
	journal[0] = '\0';
	make_gate();
	return 0;
}

/* So that each way begins alike. */
static void begin(enum gate_desired desired, enum gate_actual actual, const char *words)
{
	make_gate();
	gate_begin(&gate, NULL);
	gate.state = (struct gate_state){desired, actual};
	gate.attempt.pid =
	    actual == ACTUAL_LOCKED || actual >= ACTUAL_PAUSED || actual == ACTUAL_UNPROTECTED ? 0 : OPENVPN;
	gate.pause_seconds = 60;
	gate.pause_until = 5;
	so = words;
	gate.situation.lan_side_count = is("gateway");
	gate.bare = is("bare");
	gate.lock_failures = is("failed-before") ? 3 : 0;
	gate.links_are_down = is("links-down");
	gate.config.links_down = is("links-down") || is("may-set-links-down");
	gate.profile.route_nopull = is("nopull");
	if (is("note-gone"))
		strcpy(gate.notice, "another name");
	failed[0] = '\0';
}

/* What came of it. */
static void stands(int result, const struct err *e)
{
	say("= %s, %s%s%s%s, failures %u, until %d; %s%s%s; %s\n", desired_names[gate.state.desired],
	    actual_names[gate.state.actual], gate.bare ? ", bare" : "",
	    gate.links_are_down ? ", links down" : "", gate.redirected ? ", redirected" : "",
	    gate.lock_failures, (int)gate.pause_until, gate.reason, gate.notice[0] != '\0' ? "; " : "",
	    gate.notice, result == 0 ? "done" : e->text);
}

struct way {
	const char *so;
	enum gate_desired desired;
	enum gate_actual actual;
	enum gate_event event;
};

static void run(const struct way *way)
{
	struct err e = {""};

	begin(way->desired, way->actual, way->so);
	say("\n# %s, %s: %s; %s", desired_names[way->desired], actual_names[way->actual],
	    gate_event_names[way->event], way->so);
	stands(gate_dispatch(&gate, way->event, "why", &e), &e);
}

static void test_each_event(void **state)
{
	static const struct way ways[] = {
	    /* to a lock */
	    {"", DESIRED_UP, ACTUAL_DIALLING, EVENT_REAPED},
	    {"gateway note", DESIRED_OFF_UP, ACTUAL_OFF, EVENT_UP},
	    {"gateway !firewall_forget_states", DESIRED_OFF_UP, ACTUAL_OFF, EVENT_UP},
	    {"gateway !forwarding_begin", DESIRED_OFF_UP, ACTUAL_OFF, EVENT_UP},
	    {"gateway", DESIRED_PAUSE_UP, ACTUAL_PAUSED, EVENT_RESUME},
	    {"!firewall_forget_states", DESIRED_PAUSE_UP, ACTUAL_PAUSED, EVENT_RESUME},
	    {"gateway", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"gateway bare", DESIRED_UP, ACTUAL_LOCKED, EVENT_RETRY},
	    {"failed-before", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"links-down", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"links-down !netwatch_links_restore", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"!netwatch_fill", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"many-links", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_RETRY},
	    {"note-gone", DESIRED_UP, ACTUAL_DIALLING, EVENT_REAPED},
	    {"!route_assert", DESIRED_UP, ACTUAL_DIALLING, EVENT_REAPED},
	    /* with nothing of the configuration, or not at all */
	    {"gateway !firewall_assert-once", DESIRED_UP, ACTUAL_OFF, EVENT_UP},
	    {"bare !firewall_assert-once", DESIRED_UP, ACTUAL_LOCKED, EVENT_RETRY},
	    {"!firewall_assert", DESIRED_UP, ACTUAL_DIALLING, EVENT_REAPED},
	    {"!firewall_assert !forwarding_end !route_assert", DESIRED_UP, ACTUAL_LOCKED, EVENT_RETRY},
	    /* openvpn's */
	    {"nopull", DESIRED_UP, ACTUAL_LOCKED, EVENT_DIAL},
	    {"!firewall_assert-once", DESIRED_UP, ACTUAL_LOCKED, EVENT_DIAL},
	    {"!openvpn", DESIRED_UP, ACTUAL_LOCKED, EVENT_DIAL},
	    {"", DESIRED_UP, ACTUAL_DIALLING, EVENT_OPEN},
	    {"!firewall_assert-once", DESIRED_UP, ACTUAL_DIALLING, EVENT_OPEN},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_LEAVE},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_KILL},
	    {"", DESIRED_DOWN, ACTUAL_LOCKED, EVENT_DIAL},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_DISTURBED},
	    /* root's */
	    {"", DESIRED_UP, ACTUAL_DIALLING, EVENT_DOWN},
	    {"", DESIRED_UP, ACTUAL_LOCKED, EVENT_PAUSE},
	    {"!firewall_pause", DESIRED_UP, ACTUAL_LOCKED, EVENT_PAUSE},
	    {"!route_remove", DESIRED_UP, ACTUAL_LOCKED, EVENT_PAUSE},
	    {"", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"links-down", DESIRED_UP, ACTUAL_UNPROTECTED, EVENT_OFF},
	    {"not-all", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"!firewall_remove", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"!forwarding_end", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"!route_remove", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"!off_marker_write", DESIRED_UP, ACTUAL_LOCKED, EVENT_OFF},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_STOP},
	    /* names */
	    {"", DESIRED_UP, ACTUAL_LOCKED, EVENT_ASK},
	    {"!firewall_assert-once", DESIRED_UP, ACTUAL_LOCKED, EVENT_ASK},
	    {"!names_start", DESIRED_UP, ACTUAL_LOCKED, EVENT_ASK},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_ASK},
	    {"!names_start", DESIRED_UP, ACTUAL_OPEN, EVENT_ASK},
	    {"", DESIRED_DOWN, ACTUAL_LOCKED, EVENT_ASK},
	    {"", DESIRED_UP, ACTUAL_ASKING, EVENT_ASKED},
	    {"", DESIRED_UP, ACTUAL_OPEN, EVENT_ASKED},
	    {"", DESIRED_UP, ACTUAL_LOCKED, EVENT_ASKED},
	    {"", DESIRED_UP, ACTUAL_ASKING, EVENT_DOWN},
	    {"", DESIRED_UP, ACTUAL_ASKING, EVENT_PAUSE},
	    {"", DESIRED_UP, ACTUAL_ASKING, EVENT_MARKER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		run(&ways[i]);
	assert_golden("tests/golden/gate/events", journal);
}

/* Who is not reaped yet where a lock stands again is ending; and the user whom no rule knows. */
static void test_who_is_not_reaped(void **state)
{
	(void)state;
	begin(DESIRED_UP, ACTUAL_UNPROTECTED, "");
	gate.attempt.pid = OPENVPN;
	gate.config.openvpn_user.known = false;
	gate_dispatch(&gate, EVENT_RETRY, "why", NULL);
	assert_int_equal(gate.state.actual, ACTUAL_ENDING);
	assert_non_null(strstr(journal, "openvpn 0, all"));
}

/* Rules that others have flushed are not built anew with the hole to the resolver: it is closed. */
static void test_others_flush_while_asking(void **state)
{
	(void)state;
	begin(DESIRED_UP, ACTUAL_LOCKED, "");
	gate_watch(&gate, NULL);
	assert_int_equal(gate_dispatch(&gate, EVENT_ASK, "why", NULL), 0);
	assert_int_equal(gate.state.actual, ACTUAL_ASKING);
	assert_int_equal(gate.situation.resolver.family, NET_IPV4);
	assert_int_equal(gate.situation.endpoint.address.family, NET_NONE);
	foreign("flushed", &gate);
	assert_int_equal(gate.state.actual, ACTUAL_LOCKED);
	assert_int_equal(gate.situation.resolver.family, NET_NONE);
	assert_int_equal(gate.situation.state, POLICY_LOCKED);
}

/* The same again is logged once. */
static void test_news_once(void **state)
{
	(void)state;
	begin(DESIRED_UP, ACTUAL_LOCKED, "note");
	for (int i = 0; i < 3; i++) {
		(void)gate_dispatch(&gate, EVENT_RETRY, i < 2 ? "why" : "another", NULL);
		say("-- %d", i);
	}
	(void)gate_dispatch(&gate, EVENT_DIAL, "another", NULL); /* another state, if not another reason */
	so = "many-links";
	for (int i = 0; i < 2; i++) {
		gate_links_changed(&gate);
		say("-- relink");
	}
	so = "!firewall_assert-once";
	for (int i = 0; i < 2; i++) {
		failed[0] = '\0';
		(void)gate_dispatch(&gate, EVENT_RETRY, "why", NULL);
		say("-- bare");
	}
	assert_golden("tests/golden/gate/news", journal);
}

/* Nothing but the time of the next try is kept of what was asked since. */
static void keep_time(size_t since)
{
	const char *at = strstr(journal + since, "event_add retry");
	char line[64];

	assert_non_null(at);
	snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
	journal[since] = '\0';
	say("%s", line);
}

/* It is tried again, sooner first; the links go down at the second failure, and each time, but are logged
 * once. */
static void test_tries_again(void **state)
{
	static const char *const ways[] = {"!firewall_assert may-set-links-down",
					   "!firewall_assert may-set-links-down !netwatch_links_down"};

	(void)state;
	for (int round = 0; round < 2; round++) {
		begin(DESIRED_UP, ACTUAL_OPEN, ways[round]);
		for (int i = 0; i < 10; i++) {
			size_t since = strlen(journal);

			(void)gate_dispatch(&gate, i == 0 ? EVENT_DISTURBED : EVENT_RETRY, "why", NULL);
			stands(0, NULL);
			if (i > 2)
				keep_time(since);
		}
	}
	begin(DESIRED_UP, ACTUAL_LOCKED, "!firewall_assert-once");
	for (int i = 0; i < 3; i++) {
		failed[0] = '\0';
		(void)gate_dispatch(&gate, EVENT_RETRY, "bare", NULL);
		stands(0, NULL);
	}
	assert_golden("tests/golden/gate/again", journal);
}

static void test_links_stay_up_without_roots_word(void **state)
{
	(void)state;
	begin(DESIRED_UP, ACTUAL_OPEN, "!firewall_assert");
	for (int i = 0; i < 3; i++)
		(void)gate_dispatch(&gate, i == 0 ? EVENT_DISTURBED : EVENT_RETRY, "why", NULL);
	assert_null(strstr(journal, "links_down"));
}

static void test_timers(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(DESIRED_UP, ACTUAL_UNPROTECTED, i == 0 ? "" : "marker");
		callbacks[0](-1, EV_TIMEOUT, &gate);
		stands(0, NULL);
		begin(DESIRED_PAUSE_UP, ACTUAL_PAUSED, "");
		callbacks[1](-1, EV_TIMEOUT, &gate);
		stands(0, NULL);
	}
	assert_golden("tests/golden/gate/timers", journal);
}

static void test_others_change_our_rules(void **state)
{
	static const struct {
		const char *so;
		enum gate_actual actual;
	} ways[] = {{"", ACTUAL_OPEN},
		    {"note", ACTUAL_DIALLING},
		    {"", ACTUAL_LOCKED},
		    {"", ACTUAL_PAUSED},
		    {"", ACTUAL_OFF},
		    {"marker", ACTUAL_OPEN},
		    {"!route_assert", ACTUAL_OPEN},
		    {"!firewall_assert-once", ACTUAL_OPEN},
		    {"!firewall_assert", ACTUAL_OPEN}};
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin(ways[i].actual == ACTUAL_PAUSED ? DESIRED_PAUSE_UP : DESIRED_UP, ways[i].actual,
		      ways[i].so);
		gate.situation.state = ways[i].actual == ACTUAL_OPEN ? POLICY_OPEN : POLICY_LOCKED;
		assert_int_equal(gate_watch(&gate, &e), 0);
		say("\n# %s; %s", actual_names[ways[i].actual], ways[i].so);
		foreign("they changed", &gate);
		stands(0, NULL);
	}
	so = "!firewall_watch";
	assert_int_equal(gate_watch(&gate, &e), -1);
	assert_golden("tests/golden/gate/others", journal);
}

static void test_links(void **state)
{
	static const struct way ways[] = {{"", DESIRED_UP, ACTUAL_OPEN, 0},
					  {"!netwatch_fill", DESIRED_UP, ACTUAL_OPEN, 0},
					  {"!firewall_assert-once", DESIRED_UP, ACTUAL_OPEN, 0},
					  {"", DESIRED_OFF_UP, ACTUAL_OFF, 0},
					  {"", DESIRED_PAUSE_UP, ACTUAL_PAUSED, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin(ways[i].desired, ways[i].actual, ways[i].so);
		say("\n# %s; %s", actual_names[ways[i].actual], ways[i].so);
		gate_links_changed(&gate);
		stands(0, NULL);
	}
	assert_golden("tests/golden/gate/links", journal);
}

static void test_the_start(void **state)
{
	static const char *const ways[] = {"",
					   "marker",
					   "note",
					   "opens",
					   "opens !firewall_open",
					   "gateway",
					   "!firewall_assert-once",
					   "!firewall_assert",
					   "!netwatch_fill",
					   "!route_assert",
					   "!firewall_remove_others",
					   "marker !marker-once", /* it comes between the look and the lock */
					   "marker !firewall_remove",
					   "marker !firewall_remove !firewall_assert-once",
					   "marker !firewall_remove !firewall_assert",
					   "open"}; /* the loop could not go on */

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};
		int result;

		make_gate();
		so = ways[i];
		failed[0] = '\0';
		gate.situation.lan_side_count = is("gateway");
		gate.situation.state = is("open") ? POLICY_OPEN : POLICY_LOCKED;
		if (is("opens"))
			gate.fw = NULL;
		say("\n# %s", so);
		result = gate_start(&gate, &e);
		assert_string_equal(gate.situation.tunnel.name, is("!firewall_open") ? "" : "tun7");
		gate_begin(&gate, result == -1 ? &e : NULL);
		stands(result, &e);
		if (gate.fw != NULL)
			gate_begin_gateway(&gate);
	}
	assert_golden("tests/golden/gate/start", journal);
}

/* Nothing is forwarded before a lock stands, nor by none but a gateway. */
static void test_when_it_is_a_gateway(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_ACTUAL; i++) {
		begin(DESIRED_UP, i, "gateway");
		gate_begin_gateway(&gate);
		assert_int_equal(journal[0] != '\0', i == ACTUAL_LOCKED || i == ACTUAL_ENDING);
		journal[0] = '\0';
	}
	begin(DESIRED_UP, ACTUAL_LOCKED, "");
	gate_begin_gateway(&gate);
	assert_string_equal(journal, "");
}

static void test_the_words(void **state)
{
	static const enum wire_gate words[GATE_ACTUAL] = {GATE_UNPROTECTED, GATE_LOCKED, GATE_LOCKED,
							  GATE_DIALLING,    GATE_OPEN,   GATE_DIALLING,
							  GATE_PAUSED,      GATE_OFF,    GATE_DIALLING};

	(void)state;
	for (int i = 0; i < GATE_ACTUAL; i++) {
		gate.state.actual = i;
		assert_int_equal(gate_shown(&gate), words[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_event),
					   TEST(test_who_is_not_reaped),
					   TEST(test_others_flush_while_asking),
					   TEST(test_news_once),
					   TEST(test_tries_again),
					   TEST(test_links_stay_up_without_roots_word),
					   TEST(test_timers),
					   TEST(test_others_change_our_rules),
					   TEST(test_links),
					   TEST(test_the_start),
					   TEST(test_when_it_is_a_gateway),
					   TEST(test_the_words)};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
