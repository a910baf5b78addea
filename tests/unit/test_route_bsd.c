/* What macOS and FreeBSD prove of the gate's routes, what they set again, and what wakes them: against the
 * kernel that device_standin.c plays, with FreeBSD's layout; what lists prove, with both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process/pid.h"

static int query(pid_t pid, struct pid_facts *facts);

#define pid_query query
#include "os/route/watch_bsd.c"
#undef pid_query

#include "os/netwatch/bsd/layout_numbers.h"
#include "os/route/device.h"
#include "tests/unit/between.h"
#include "tests/unit/device_standin.h"

const struct route_layout *const route_layout_here = &route_layout_freebsd;
const char standin_device[] = "tun87";

static struct situation situation;
static struct wire_tunnel tunnel;
static struct route_desired desired;
static struct err e;

/* Open: set, and proven. */
static int open_it(void **state)
{
	(void)standin_clear(state);
	e.text[0] = '\0';
	situation = standin_situation("203.0.113.7:1194/udp");
	text_copy(situation.tunnel.name, sizeof situation.tunnel.name, standin_device);
	tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	assert_int_equal(net_prefix_parse("10.50.0.0/16", &tunnel.routes[0].to), 0);
	desired = standin_desired(&situation, &tunnel);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_int_equal(route_prove(&desired, &e), 0);
	(void)standin_calls();
	return 0;
}

static int shut_it(void **state)
{
	(void)state;
	standin_shut();
	return 0;
}

static void assert_wrong(const char *what)
{
	assert_int_equal(route_prove(&desired, &e), -1);
	if (strstr(e.text, what) == NULL)
		fail_msg("%s is not in: %s", what, e.text);
	(void)standin_calls();
}

/* Without the kernel's answers: what is run. */
static const char *runs(void)
{
	static char all[4096];
	const char *told = standin_calls();
	size_t used = 0;

	all[0] = '\0';
	for (size_t length; *told != '\0'; told += length + (told[length] == '\n')) {
		length = strcspn(told, "\n");
		if (strncmp(told, "ask ", 4) != 0)
			(void)text_append(all, sizeof all, &used, "%.*s\n", (int)length, told);
	}
	return all;
}

/* --- repairs ------------------------------------------------------------------------------- */

/* Whatever is removed or led elsewhere is found and set again; nothing else is touched. */
static void test_what_is_missing_is_set_again(void **state)
{
	static const struct {
		const char *prefix, *elsewhere, *wrong, *runs;
	} cases[] = {
	    {"0.0.0.0/1", NULL, "the route to 0.0.0.0/1 is not into tun87 alone",
	     "route -q -n delete -inet 0.0.0.0/1\nroute -q -n add -inet 0.0.0.0/1 -interface tun87\n"},
	    {"128.0.0.0/1", "em0", "the route to 128.0.0.0/1 is not into tun87 alone",
	     "route -q -n delete -inet 128.0.0.0/1\nroute -q -n add -inet 128.0.0.0/1 -interface tun87\n"},
	    {"8000::/1", NULL, "the route to 8000::/1 is not into tun87 alone",
	     "route -q -n delete -inet6 8000::/1\nroute -q -n add -inet6 8000::/1 -interface tun87\n"},
	    {"10.50.0.0/16", "192.168.1.9", "the route to 10.50.0.0/16 is not into tun87 alone",
	     "route -q -n delete -inet 10.50.0.0/16\nroute -q -n add -inet 10.50.0.0/16 -interface tun87\n"},
	    {"203.0.113.7", NULL, "leads openvpn's packets to the server 203.0.113.7 into the tunnel",
	     "clean 203.0.113.7:1194/udp\nroute -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"},
	    {"203.0.113.7", "tun87", "leads openvpn's packets to the server 203.0.113.7 into the tunnel",
	     "clean 203.0.113.7:1194/udp\nroute -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		standin_route("delete", cases[i].prefix, "");
		if (cases[i].elsewhere != NULL)
			standin_route("add", cases[i].prefix, cases[i].elsewhere);
		assert_wrong(cases[i].wrong);
		assert_int_equal(route_assert(&desired, &e), 0);
		assert_string_equal(runs(), cases[i].runs);
		assert_int_equal(route_prove(&desired, &e), 0);
	}
}

static void test_nothing_is_missing(void **state)
{
	(void)state;
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(runs(), "");
}

/* Two routes to one place: nobody knows which one is taken. */
static void test_one_beside_it(void **state)
{
	FILE *table = fopen(standin_path("table"), "a");

	(void)state;
	assert_non_null(table);
	fputs("0.0.0.0/1 192.168.1.9\n", table);
	fclose(table);
	assert_wrong("0.0.0.0/1 is not into tun87 alone");
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_int_equal(route_prove(&desired, &e), 0);
}

/* Other routes than those that stand are set anew. */
static void test_another_tunnel(void **state)
{
	(void)state;
	tunnel.routes[0].to.length = 24;
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_non_null(strstr(runs(), "delete -inet 10.50.0.0/16\n"));
	assert_non_null(strstr(standin_told, "add -inet 10.50.0.0/24 -interface tun87\n"));
	desired.index = 34;
	assert_wrong("the routes into tun87 are not set");
}

/* --- what is not ours to remove ------------------------------------------------------------ */

static void test_a_route_of_somebody_else(void **state)
{
	static const struct {
		const char *prefix, *wrong; /* NULL: a network's own, which ends at the filter */
	} cases[] = {
	    {"192.0.2.0/24",
	     "the way to 192.0.2.1 leads to em0, not into tun87; a route of somebody else comes "
	     "before the gate's; instead: remove it (route delete 192.0.2.0/24)"},
	    {"0.0.0.0/2", "the way to 11.0.0.1 leads to em0, not into tun87"},
	    {"10.0.0.0/7", "the way to 11.0.0.1 leads to em0, not into tun87"},
	    {"11.0.0.0/8", NULL},
	    {"192.168.0.0/16", NULL},
	    {"2000::/3", "the way to 2001:db8::1 leads to em0, not into tun87"},
	    {"2600::/7", "the way to 2600::1 leads to em0, not into tun87"},
	    {"2600::/8", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		standin_route("add", cases[i].prefix, "em0");
		if (cases[i].wrong == NULL) {
			assert_int_equal(route_prove(&desired, &e), 0);
			standin_route("delete", cases[i].prefix, "");
			continue;
		}
		assert_wrong(cases[i].wrong);
		/* Nothing of ours is missing, so nothing can be repaired. */
		assert_int_equal(route_assert(&desired, &e), 0);
		assert_string_equal(runs(), "");
		assert_wrong(cases[i].wrong);
		standin_shut();
		assert_wrong("the routes into tun87 are not set");
		/* Shut, it is seen from afar that it would be so again. */
		desired.tunnel = NULL;
		assert_int_equal(route_prove(&desired, &e), 0);
		desired.four = desired.six = true;
		assert_wrong(cases[i].wrong);
		standin_route("delete", cases[i].prefix, "");
		assert_int_equal(route_prove(&desired, &e), 0);
		(void)open_it(state);
	}
}

static void test_one_family_alone(void **state)
{
	(void)state;
	standin_shut();
	tunnel = standin_tunnel("10.8.0.2", NULL);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_null(strstr(standin_calls(), "ask 2600"));
	standin_route("add", "2000::/3", "em0");
	assert_int_equal(route_prove(&desired, &e), 0);
	/* Without a redirect only its own routes are its own. */
	desired.redirect = false;
	standin_shut();
	standin_route("add", "192.0.2.0/24", "em0");
	assert_int_equal(route_assert(&desired, &e), 0);
}

static void test_no_answer(void **state)
{
	(void)state;
	standin_put("fail", "ask 11.0", 0644);
	assert_wrong("the way to 11.0.0.1 leads nowhere, not into tun87: ");
	standin_put("fail", "ask 203", 0644);
	assert_wrong("the way to the server 203.0.113.7 can't be found out: ");
	unlink(standin_path("fail"));
	standin_put("no-lists", "", 0644);
	assert_wrong("no lists");
	assert_int_equal(device_set(&tunnel, &e), -1);
}

/* --- the network goes and comes ------------------------------------------------------------- */

/* The kernel takes the endpoint's route with the link: no fault, and nobody's doing. */
static void test_the_network_goes(void **state)
{
	(void)state;
	assert_true(route_reaches(&desired));
	standin_route("delete", "203.0.113.7", "");
	standin_past.link = 0;
	assert_int_equal(route_prove(&desired, &e), 0);
	assert_false(route_reaches(&desired));
	/* It is there again, and nobody has followed yet. */
	standin_past.link = STANDIN_WIRE;
	assert_int_equal(route_prove(&desired, &e), 0);
	assert_false(route_reaches(&desired));
	assert_int_equal(route_follow(&situation.endpoint.address, &standin_past, &e), 0);
	assert_true(route_reaches(&desired));
	/* From now on it is somebody's doing again; not if the router is another. */
	standin_route("delete", "203.0.113.7", "");
	assert_wrong("into the tunnel");
	standin_past.gateway.bytes[3] = 2;
	assert_int_equal(route_prove(&desired, &e), 0);
}

static void test_nothing_leads_there(void **state)
{
	(void)state;
	standin_put("table", "", 0644);
	assert_false(route_reaches(&desired));
	standin_put("fail", "ask 203", 0644);
	assert_true(route_reaches(&desired)); /* that is not known */
}

/* --- the device ----------------------------------------------------------------------------- */

static void test_the_device_as_it_was_set(void **state)
{
	(void)state;
	standin_put("group", "tun87\n", 0644);
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(runs(),
			    "ifconfig -g portcullis\n"); /* an address that is set again loses routes */
	standin_links = "interfaces-without-tunnel";
	assert_wrong("tun87 is down");
	standin_links = "interfaces";
	tunnel.mtu = 1400;
	assert_wrong("tun87 has the MTU 1500, not 1400");
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_non_null(strstr(runs(), "ifconfig tun87 mtu 1400\n"));
	tunnel = standin_tunnel("10.8.0.3", "fd00:8::2");
	assert_wrong("tun87 has lost its address");
	tunnel = standin_tunnel("10.8.0.2", "fd00:8::3");
	assert_wrong("tun87 has lost its address");
	tunnel = standin_tunnel("192.0.2.2", NULL);
	assert_wrong("192.0.2.2 is the address of em0, and the server gives it to tun87 too");
	tunnel = standin_tunnel(NULL, "2001:db8:1::2");
	assert_wrong("2001:db8:1::2 is the address of em0, and the server gives it to tun87 too");
}

/* --- the lists, of both systems -------------------------------------------------------------- */

static struct route_buffer sample(const struct route_layout *layout, const char *name)
{
	struct route_buffer buffer = {malloc(8192), 0};
	char path[128];
	FILE *file;

	assert_non_null(buffer.bytes);
	snprintf(path, sizeof path, "tests/fuzz/seeds/route/%s-%s",
		 layout == &route_layout_macos ? "macos" : "freebsd", name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fgetc(file) != EOF);
	buffer.length = fread(buffer.bytes, 1, 8192, file);
	fclose(file);
	return buffer;
}

static void test_what_lists_prove(void **state)
{
	static const struct {
		const char *list, *prefix;
		unsigned index;
		bool stands;
	} cases[] = {
	    {"routes4", "0.0.0.0/1", STANDIN_DEVICE, true}, {"routes4", "0.0.0.0/1", STANDIN_WIRE, false},
	    {"routes4", "0.0.0.0/0", STANDIN_WIRE, true},   {"routes4", "128.0.0.0/1", STANDIN_DEVICE, false},
	    {"routes4", "203.0.113.7/32", 33, false},       {"routes4", "203.0.113.8/32", STANDIN_WIRE, true},
	    {"routes6", "fd00:8::/64", 33, true},           {"routes6", "fd00:8::/63", 33, false}};
	static const struct route_layout *const layouts[] = {&route_layout_macos, &route_layout_freebsd};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		const struct route_layout *layout = layouts[i % 2];
		struct route_buffer routes = sample(layout, cases[i / 2].list),
				    links = sample(layout, "interfaces");
		struct net_prefix to;

		assert_int_equal(net_prefix_parse(cases[i / 2].prefix, &to), 0);
		if (evidence_stands(layout, routes, &to, cases[i / 2].index) != cases[i / 2].stands)
			fail_msg("%s of %s", cases[i / 2].prefix, layout->name);
		routes.length -= 3;
		assert_false(evidence_stands(layout, routes, &to, cases[i / 2].index));
		tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
		text_copy(tunnel.name, sizeof tunnel.name,
			  layout == &route_layout_macos ? "utun87" : "tun87");
		assert_int_equal(evidence_device(layout, links, &tunnel, &e), 0);
		links.length -= 3;
		assert_int_equal(evidence_device(layout, links, &tunnel, &e), -1);
		assert_int_equal(evidence_alone(layout, links, &tunnel, &e), -1);
		free(routes.bytes);
		free(links.bytes);
	}
}

/* A route that macOS made of another, or for programs that name a link, is none of its own. */
static void test_what_stands_aside(void **state)
{
	static const uint32_t aside[] = {MACOS_MADE, MACOS_SCOPED, ROUTE_NEIGHBOUR};
	struct route_buffer routes = sample(&route_layout_macos, "answer");
	struct net_prefix to;
	uint32_t flags;

	(void)state;
	assert_int_equal(net_prefix_parse("128.0.0.0/1", &to), 0);
	routes.bytes = realloc(routes.bytes, 2 * routes.length); /* the same by another link */
	assert_non_null(routes.bytes);
	memcpy((char *)routes.bytes + routes.length, routes.bytes, routes.length);
	((char *)routes.bytes)[routes.length + BSD_ROUTE_INDEX] = STANDIN_WIRE;
	memcpy(&flags, (char *)routes.bytes + BSD_ROUTE_FLAGS, sizeof flags);
	for (size_t i = 0; i < 4; i++) {
		uint32_t now = flags | (i < 3 ? aside[i] : 0);
		struct route_buffer both = {routes.bytes, 2 * routes.length};

		memcpy((char *)routes.bytes + routes.length + BSD_ROUTE_FLAGS, &now, sizeof now);
		assert_int_equal(evidence_stands(&route_layout_macos, both, &to, STANDIN_DEVICE), i < 3);
	}
	free(routes.bytes);
}

/* --- the watch ------------------------------------------------------------------------------ */

enum { DAEMON = 4711, ENDED = 4712, ZOMBIE = 4713 };

static int kernel_end;
static unsigned wakes;
static char who[96];
static struct event_base *base;

static int query(pid_t pid, struct pid_facts *facts)
{
	*facts = (struct pid_facts){.running = pid != ZOMBIE, .name = "otherd"};
	return pid == DAEMON || pid == ZOMBIE || pid == getpid() ? 0 : -1;
}

int route_socket(void)
{
	int ends[2];

	if (wakes == 99) { /* no socket */
		errno = EMFILE;
		return -1;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	kernel_end = ends[1];
	return ends[0];
}

static void woken(const char *by, void *argument)
{
	assert_ptr_equal(argument, &wakes);
	text_copy(who, sizeof who, by);
	wakes++;
}

/* One message of a sample, with another type, by a process. */
static void send_one(const char *name, unsigned number, uint8_t type, pid_t pid)
{
	struct route_buffer all = sample(&route_layout_freebsd, name);
	char *at = all.bytes;
	uint16_t step;

	for (memcpy(&step, at, 2); number > 0; number--) {
		at += step;
		memcpy(&step, at, 2);
	}
	if (type != 0) {
		at[3] = (char)type;
		memcpy(at + BSD_ROUTE_PID, &pid, 4);
	}
	assert_int_equal(send(kernel_end, at, step, 0), step);
	free(all.bytes);
}

/* Anybody may write this, in anybody's name: the kernel passes it on because its length is wrong. */
static void send_forged(pid_t pid)
{
	struct route_buffer all = sample(&route_layout_freebsd, "answer");
	char *at = all.bytes;

	at[3] = 1;
	memcpy(at + BSD_ROUTE_PID, &pid, 4);
	memcpy(at + all.length, at, all.length);
	assert_int_equal(send(kernel_end, at, 2 * all.length, 0), 2 * all.length);
	free(all.bytes);
}

static bool wakes_up(void)
{
	unsigned before = wakes;

	who[0] = '\0';
	event_base_loop(base, EVLOOP_NONBLOCK);
	return wakes != before;
}

enum { ADDED = 1, DELETED = 2, CHANGED = 3, ASKED = 4 };

static void test_what_wakes_it(void **state)
{
	(void)state;
	base = event_base_new();
	wakes = 99;
	assert_int_equal(route_watch(base, woken, &wakes, &e), -1);
	assert_non_null(strstr(e.text, "the routes can't be watched"));
	wakes = 0;
	assert_int_equal(route_watch(base, woken, &wakes, &e), 0);
	assert_false(wakes_up());
	send_one("routes4", 9, DELETED, DAEMON);
	send_one("routes4", 0, ADDED, ENDED);
	assert_true(wakes_up()); /* a burst, once */
	assert_string_equal(who, "otherd (process 4711)");
	send_one("routes4", 9, CHANGED, getpid());
	assert_true(wakes_up());
	assert_string_equal(who, "");
	send_one("routes4", 9, ADDED, ENDED); /* route(8), ours or anybody's */
	assert_true(wakes_up());
	assert_string_equal(who, "");
	send_one("routes4", 9, ADDED, ZOMBIE);
	assert_true(wakes_up());
	assert_string_equal(who, "");
	send_forged(DAEMON);
	assert_true(wakes_up());
	assert_string_equal(who, "");
	/* Of the device, and an address like its own. */
	send_one("interfaces", 9, 0, 0);
	assert_true(wakes_up());
	send_one("interfaces", 10, 0, 0);
	assert_true(wakes_up());
	tunnel = standin_tunnel("192.0.2.2", NULL);
	route_standing()->tunnel = tunnel;
	send_one("interfaces", 4, 0, 0);
	assert_true(wakes_up());
	/* What was missed. */
	assert_int_equal(send(kernel_end, "\3\0\5\1", 4, 0), 4);
	assert_true(wakes_up());
	/* None of that is ours to look at. */
	send_one("routes4", 9, ASKED, DAEMON);
	send_one("routes4", 5, ADDED, DAEMON); /* a neighbour */
	send_one("interfaces", 3, 0, 0);
	send_one("interfaces", 5, 0, 0);
	assert_false(wakes_up());
	standin_shut();
	send_one("interfaces", 9, 0, 0);
	send_one("interfaces", 10, 0, 0);
	assert_false(wakes_up());
	send_one("routes4", 9, ADDED, DAEMON);
	assert_true(wakes_up());
}

/* What the proof asks comes here as well: a few answers are nothing. So many that some may be lost are. */
static void test_many_messages(void **state)
{
	(void)state;
	for (unsigned i = 0; i + 1 < MANY; i++)
		send_one("routes4", 9, ASKED, getpid());
	assert_false(wakes_up());
	for (unsigned i = 0; i < MANY; i++)
		send_one("routes4", 9, ASKED, DAEMON);
	assert_true(wakes_up());
	assert_string_equal(who, "");
	assert_false(wakes_up());
	event_base_free(base);
}

/* A proof never asks so much that its own answers wake it. */
static void test_a_proof_asks_little(void **state)
{
	unsigned questions = 0;

	(void)state;
	assert_int_equal(route_prove(&desired, &e), 0);
	(void)route_reaches(&desired);
	for (const char *at = standin_calls(); (at = strstr(at, "ask ")) != NULL; at++)
		questions++;
	assert_between(questions, 5, MANY / 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, shut_it)
	const struct CMUnitTest tests[] = {
	    TEST(test_what_is_missing_is_set_again),
	    TEST(test_nothing_is_missing),
	    TEST(test_one_beside_it),
	    TEST(test_another_tunnel),
	    TEST(test_a_route_of_somebody_else),
	    TEST(test_one_family_alone),
	    TEST(test_no_answer),
	    TEST(test_the_network_goes),
	    TEST(test_nothing_leads_there),
	    TEST(test_the_device_as_it_was_set),
	    TEST(test_what_lists_prove),
	    TEST(test_what_stands_aside),
	    TEST(test_what_wakes_it),
	    TEST(test_many_messages),
	    TEST(test_a_proof_asks_little),
	};

	return cmocka_run_group_tests(tests, standin_prepare, standin_tidy);
}
