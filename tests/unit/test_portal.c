/* A captive portal: what root's request does, when it is refused, and how it ends; and what the local network
 * says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire_admin.h"
#include "ctl/portal/browser.h"
#include "ctl/portal/probe.h"
#include "ctl/portal/resolvers.h"
#include "gate/gate.h"
#include "gate/portal/hole.h"
#include "journal.h"
#include "os/host/clock.h"

enum { GROUP = 779, USER = 1000 };

static struct gate gate;
static enum wire_gate shown;
static bool has_portals, fails_assert, fails_route;

bool firewall_has_portals(const struct firewall *fw)
{
	(void)fw;
	return has_portals;
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	(void)fw;
	say("firewall_assert %s%s", s->portal.until != 0 ? "portal" : "none", s->portal.any ? " any" : "");
	return fails_assert ? err_set(e, "no rules") : 0;
}

int gate_route(struct gate *it, bool open, struct err *e)
{
	say("gate_route %s, user %u", open ? "open" : "shut", it->situation.portal.user);
	return fails_route ? err_set(e, "no routes") : 0;
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *e)
{
	(void)it, (void)e;
	say("gate_dispatch %d %s", event == EVENT_DISTURBED, why);
	return 0;
}

enum wire_gate gate_shown(const struct gate *it)
{
	(void)it;
	return shown;
}

bool gate_forget_portal(struct gate *it, const char *why)
{
	bool was = it->situation.portal.until != 0;

	if (was) {
		say("gate_forget_portal %s", why);
		evtimer_del(it->portal_end);
	}
	it->situation.portal.until = 0;
	it->portal[0] = '\0';
	return was;
}

static void changed(struct gate *it, enum wire_note note, const char *why)
{
	(void)it, (void)why;
	say("changed %d", note == NOTE_GATE);
}

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = '\0';
	log_open(-1, LOG_ERROR);
	gate.base = event_base_new();
	gate.changed = changed;
	gate.situation.portal.group = (struct identity){.known = true, .number = GROUP};
	shown = GATE_LOCKED;
	has_portals = true;
	fails_assert = fails_route = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (gate.portal_end != NULL)
		event_free(gate.portal_end);
	event_base_free(gate.base);
	return 0;
}

static int request(uint32_t seconds, uint32_t user, uint32_t any, struct err *e)
{
	const struct wire_admin_request it = {.seconds = seconds, .user = user, .any = any};

	return portal_request(&gate, &it, e);
}

static void assert_journal(const char *text)
{
	assert_string_equal(journal, text);
	journal[0] = '\0';
}

#define OPENED "firewall_assert portal\ngate_route shut, user 1000\nchanged 1\n"
#define ENDED                                                                                                \
	"gate_forget_portal by root's command\nfirewall_assert none\ngate_route shut, user 1000\nchanged "   \
	"1\n"

static void test_opened_and_ended(void **state)
{
	int64_t before = clock_steady_ms();
	struct err e = {""};

	(void)state;
	assert_int_equal(request(60, USER, 0, &e), 0);
	assert_journal(OPENED);
	assert_true(gate.situation.portal.until >= before + 60000 &&
		    gate.situation.portal.until <= clock_steady_ms() + 60000);
	assert_false(gate.situation.portal.any);
	assert_non_null(
	    strstr(gate.portal, "group 779: DNS of private addresses, ports 80 and 443 of these"));
	assert_true(evtimer_pending(gate.portal_end, NULL));
	assert_int_equal(request(0, 0, 0, &e), 0);
	assert_journal(ENDED);
	assert_string_equal(gate.portal, "");
	assert_false(evtimer_pending(gate.portal_end, NULL));
	assert_int_equal(request(0, 0, 0, &e), 0); /* none is there */
	assert_journal("");
	portal_end(&gate, "nothing");
	assert_journal("");
}

static void test_any_and_its_time(void **state)
{
	struct err e = {""};

	(void)state;
	assert_int_equal(request(POLICY_PORTAL_SECONDS, USER, 1, &e), 0);
	assert_journal("firewall_assert portal any\ngate_route shut, user 1000\nchanged 1\n");
	assert_non_null(strstr(gate.portal, "443 of all"));
	event_active(gate.portal_end, EV_TIMEOUT, 0); /* its time */
	event_base_loop(gate.base, EVLOOP_NONBLOCK);
	assert_int_equal(gate.situation.portal.until, 0);
	assert_non_null(strstr(journal, "its time is over\nfirewall_assert none"));
}

static void assert_refused(uint32_t seconds, uint32_t user, const char *why)
{
	struct err e = {""};
	int64_t until = gate.situation.portal.until;

	assert_int_equal(request(seconds, user, 0, &e), -1);
	if (strstr(e.text, why) == NULL)
		fail_msg("%s: not %s", e.text, why);
	assert_journal("");
	assert_int_equal(gate.situation.portal.until, until);
}

static void test_refused(void **state)
{
	struct err e = {""};

	(void)state;
	assert_refused(POLICY_PORTAL_SECONDS + 1, USER, "15 minutes");
	assert_refused(60, 0, "root or nobody; instead: ");
	assert_refused(60, POLICY_NOBODY, "root or nobody; instead: ");
	has_portals = false;
	assert_refused(60, USER, "can't end a portal; instead: ");
	has_portals = true;
	gate.situation.portal.group.known = false;
	assert_refused(60, USER, "portal-group does not exist; instead: ");
	gate.situation.portal.group.known = true;
	shown = GATE_OPEN;
	assert_refused(60, USER, "the VPN is up");
	shown = GATE_OFF;
	assert_refused(60, USER, "the gate is off");
	shown = GATE_DIALLING;
	gate.bare = true;
	assert_refused(60, USER, "dialling, without the configuration's values");
	gate.bare = false;
	assert_int_equal(request(60, USER, 0, &e), 0);
	assert_journal(OPENED);
	assert_refused(60, USER, "a portal is open until");
}

/* Then there is none; and if it can't be shut either, the gate locks. */
static void test_failures(void **state)
{
	struct err e = {""};

	(void)state;
	fails_route = true;
	assert_int_equal(request(60, USER, 0, &e), -1);
	assert_string_equal(e.text, "no routes");
	assert_int_equal(gate.situation.portal.until, 0);
	assert_journal("firewall_assert portal\ngate_route shut, user 1000\ngate_forget_portal it could not "
		       "be opened\nfirewall_assert none\n"
		       "gate_route shut, user 1000\ngate_dispatch 1 a portal could not be shut\nchanged 1\n");
	fails_route = false;
	fails_assert = true;
	assert_int_equal(request(60, USER, 0, &e), -1);
	assert_journal(
	    "firewall_assert portal\ngate_forget_portal it could not be opened\nfirewall_assert none\n"
	    "gate_dispatch 1 a portal could not be shut\nchanged 1\n");
}

/* --- the local network ------------------------------------------------------------------ */

static void assert_router(const char *routes, const char *wanted)
{
	struct net_address router = portal_router(routes);
	char text[NET_ADDRESS_TEXT];

	assert_string_equal(router.family == NET_NONE ? "" : net_address_text(&router, text), wanted);
}

static void test_the_router(void **state)
{
	(void)state;
	assert_router("", "");
	assert_router("Iface\tDestination\tGateway \tFlags\n", "");
	assert_router("Iface\nppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\n", "");
	assert_router("Iface\ntun0\t00000000\t0132A8C0\t0003\t0\t0\t0\t00000080\t0\n", "");
	/* As a machine whose bytes are in this order prints it. */
	if (*(const uint8_t *)&(const uint16_t){1} == 1)
		assert_router("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
			      "eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n"
			      "eth0\t00000000\t0132A8C0\t0003\t0\t0\t0\t00000000\t0\n",
			      "192.168.50.1");
}

static void test_the_resolvers(void **state)
{
	struct net_address to[PORTAL_RESOLVERS];
	char text[NET_ADDRESS_TEXT];
	size_t count;

	(void)state;
	count = portal_add_resolvers("# nameserver 10.0.0.1\nnameserver 127.0.0.53\nnameserver 8.8.8.8\n"
				     "nameserver 192.168.1.1\nnameserver fd00::1\nnameserver 192.168.1.1\n"
				     "nameserver fe80::1%eth0\nnameserver nonsense\nsearch home",
				     to, 0);
	assert_int_equal(count, 2);
	assert_string_equal(net_address_text(&to[0], text), "192.168.1.1");
	assert_string_equal(net_address_text(&to[1], text), "fd00::1");
	count = portal_add_resolvers("nameserver 10.0.0.1\nnameserver 10.0.0.2", to, count);
	assert_int_equal(count, PORTAL_RESOLVERS);
	assert_int_equal(portal_add_resolvers("", to, count), count);
}

static bool has(char *const *words, const char *word)
{
	for (; *words != NULL; words++)
		if (strncmp(*words, word, strlen(word)) == 0)
			return true;
	return false;
}

static void test_the_environment(void **state)
{
	static struct browser browser;

	(void)state;
	unsetenv("WAYLAND_DISPLAY");
	setenv("DISPLAY", ":7", 1);
	setenv("LD_AUDIT_", "x", 1);
	setenv("SUDO_COMMAND", "x", 1);
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	assert_true(browser_environment(&browser, 4242, "/empty"));
	assert_true(has(browser.environment, "HOME=/empty") && has(browser.environment, "DISPLAY=:7"));
	assert_true(has(browser.environment, "XDG_RUNTIME_DIR=/nowhere") &&
		    has(browser.environment, "PATH=/usr/"));
	assert_false(has(browser.environment, "SUDO_") || has(browser.environment, "LD_"));
	memset(&browser, 0, sizeof browser);
	unsetenv("DISPLAY");
	assert_false(browser_environment(&browser, 4242, "/empty"));
}

/* What curl prints, its exit status, and whether public addresses were let out. */
static void test_probe(void **state)
{
	static const struct {
		const char *said;
		int status;
		bool any, none;
		const char *part;
	} ways[] = {
	    {"200,online,\n", 0, true, true, "no portal"},
	    {"204,online,\n", 0, false, true, "no portal"},
	    {"200,,\n", 0, true, false, "a portal answers (HTTP 200); instead: sudo portcullis portal --any"},
	    {"302,,http://portal.test/login?a=b\n", 0, false, false,
	     "a portal answers (HTTP 302, http://portal.test/login?a=b); instead: sudo portcullis portal"},
	    {"302,online,http://portal.test/\n", 0, false, false, "(HTTP 302, http://portal.test/)"},
	    {"511,,\n", 0, true, false, "a portal answers (HTTP 511)"},
	    {"200,onlinex,\n", 0, true, false, "a portal answers"},
	    {"000,,\n", 7, false, false, "instead: sudo portcullis portal --any --probe"},
	    {"000,,\n", 28, true, false, "nothing answers"},
	    {"000,,\n", 6, true, false, "no resolver"},
	    {"000,,\n", 1, true, false, "not a web server"},
	    {"", 127, true, false, "install curl"},
	    {"", 0, true, false, "not a web server"},
	    {"200,online", 0, true, false, "not a web server"},
	    {"-1,,\n", 0, true, false, "not a web server"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		assert_int_equal(probe_judge(ways[i].said, ways[i].status, ways[i].any, text, sizeof text),
				 ways[i].none);
		if (strstr(text, ways[i].part) == NULL)
			fail_msg("%s: %s", ways[i].said, text);
	}
	for (char *const *word = probe_arguments; *word != NULL; word++)
		assert_true((*word)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_opened_and_ended, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_any_and_its_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
	    cmocka_unit_test(test_the_router),
	    cmocka_unit_test(test_the_resolvers),
	    cmocka_unit_test(test_the_environment),
	    cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
