/* What the gate looks at when the network has changed, and what it tells the driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limit.h"
#include "base/log.h"
#include "base/nat64.h"
#include "between.h"
#include "clock_standin.h"
#include "gate/gate.h"
#include "journal.h"
#include "os/route/route.h"
#include "timer_standin.h"

enum { USER = 64002 };

static struct gate gate;
static struct net_endpoint remotes[12];
static bool four, six, unknown, carries, has_address;
static uint8_t local, router;
static unsigned looks, wanted;

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	assert_int_equal(user, USER);
	assert_string_equal(tunnel, "tun7");
	assert_null(e);
	looks++;
	memset(way, 0, sizeof *way);
	if (unknown)
		return -1;
	if (!(to->family == NET_IPV4 ? four : six))
		return 0;
	way->local = (struct net_address){to->family, {192, 0, 2, local}};
	way->gateway = (struct net_address){to->family, {192, 0, 2, router}};
	way->link = 5;
	return 1;
}

void netwatch_solicit(unsigned link)
{
	assert_int_equal(link, 5);
	wanted++;
}

bool netwatch_carries(unsigned link)
{
	assert_int_equal(link, 5);
	return carries;
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	assert_int_equal(link, 5);
	say("has %d", address->bytes[3]);
	return has_address;
}

static bool follows = true;

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)format;
	say("log %d %s", (int)level, room);
}

int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	char text[NET_ADDRESS_TEXT];

	say("follow %s %d %u", net_address_text(endpoint, text), way->gateway.bytes[3], way->link);
	return follows ? 0 : err_set(e, "no such route");
}

static void changed(struct gate *it, enum wire_note note, const char *text)
{
	assert_ptr_equal(it, &gate);
	say(gate.ways.slept != 0 ? "%s %s %d" : "%s %s",
	    note == NOTE_NETWORK ? "network"
	    : note == NOTE_WAY   ? "way"
				 : "?",
	    text, (int)gate.ways.slept);
}

static int setup(void **state)
{
	static const char *const texts[] = {"203.0.113.7:1194/udp", "[2001:db8::7]:1194/udp",
					    "203.0.113.8:1194/udp"};

	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = '\0';
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(net_endpoint_parse(texts[i], &remotes[i]), 0);
	gate.base = event_base_new();
	gate.changed = changed;
	gate.config.openvpn_user.number = USER;
	strcpy(gate.config.interface, "tun7");
	gate.profile.remotes = remotes;
	gate.profile.remote_count = 3;
	four = six = carries = true;
	unknown = has_address = false;
	wanted = 0;
	gate.config.nat64_off = true;
	local = 9;
	router = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (gate.ways.due != NULL)
		event_free(gate.ways.due);
	if (gate.ways.guess != NULL)
		event_free(gate.ways.guess);
	event_base_free(gate.base);
	return 0;
}

static void test_families(void **state)
{
	(void)state;
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, 0);
	assert_int_equal(gate.ways.now.local.family, NET_NONE); /* there is no attempt */
	four = false;
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY4);
	four = true, six = false;
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY6);
	six = true;
	remotes[1] = remotes[0]; /* the profile has none by that family */
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY6);
	four = false;
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY4 | NO_WAY6);
	unknown = true; /* no reason not to try */
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY6);
	unknown = false;
	/* openvpn as root: its lookups end in our table while the gate is shut. */
	gate.config.openvpn_user = (struct identity){.known = true, .number = 0};
	ways_look(&gate);
	assert_int_equal(gate.ways.now.no_way, NO_WAY6);
}

/* No route leads to an IPv4 remote: it is looked for inside the prefix, by IPv6. */
static void test_nat64(void **state)
{
	struct wire_way *way = &gate.ways.now;

	(void)state;
	gate.config.nat64_off = false;
	ways_look(&gate);
	assert_int_equal(way->no_way + way->nat64.length + wanted, 0);
	four = false;
	ways_look(&gate);
	assert_int_equal(way->no_way, NO_WAY4); /* IPv4 may still come */
	assert_int_equal(way->nat64.length, 0);
	assert_int_equal(timer_ms, 5000);
	the_time += 4999;
	ways_look(&gate);
	assert_int_equal(way->nat64.length, 0);
	the_time++;
	ways_look(&gate);
	assert_int_equal(way->no_way, 0);
	assert_memory_equal(&way->nat64, &nat64_well_known, sizeof nat64_well_known);
	assert_int_equal(wanted, 1);
	remotes[1] = remotes[0]; /* also if the profile has none by IPv6 */
	ways_look(&gate);
	assert_int_equal(way->no_way, NO_WAY6);
	assert_int_equal(way->nat64.length, 96);
	six = false;
	ways_look(&gate);
	assert_int_equal(way->no_way, NO_WAY4 | NO_WAY6);
	assert_int_equal(way->nat64.length, 0);
	six = four = true; /* IPv4 is there again */
	ways_look(&gate);
	assert_int_equal(way->nat64.length, 0);
	four = false; /* and goes: the time begins anew */
	ways_look(&gate);
	assert_int_equal(way->nat64.length, 0);
	gate.config.nat64 = nat64_well_known; /* root's is no guess */
	ways_look(&gate);
	assert_int_equal(way->nat64.length, 96);
	gate.config.nat64.length = 0;
	assert_true(nat64_told(&gate, &nat64_well_known, 10, 5)); /* nor is a router's */
	ways_look(&gate);
	assert_int_equal(way->nat64.length, 96);
	gate.config.nat64_off = true;
	ways_look(&gate);
	assert_int_equal(way->no_way, NO_WAY4 | NO_WAY6);
	assert_int_equal(wanted, 1); /* not again so soon */
}

/* Hundreds of remotes are not hundreds of looks. */
static void test_few_looks(void **state)
{
	(void)state;
	for (size_t i = 3; i < 12; i++)
		remotes[i] = remotes[0];
	remotes[1] = remotes[0];
	gate.profile.remote_count = 12;
	four = false;
	looks = 0;
	ways_look(&gate);
	assert_int_equal(looks, 8);
	assert_int_equal(gate.ways.now.no_way, NO_WAY4 | NO_WAY6);
}

static void test_an_attempt(void **state)
{
	const struct wire_way *now = &gate.ways.now;

	(void)state;
	gate.attempt.pid = 77;
	gate.attempt.endpoint = remotes[0];
	ways_look(&gate);
	assert_int_equal(now->local.bytes[3], 9);
	assert_int_equal(now->gateway.bytes[3], 1);
	assert_true(now->kept && now->link == 5);
	assert_string_equal(journal, ""); /* its own address needs no question */
	local = 8;                        /* it is asked for the address that it began with */
	ways_look(&gate);
	assert_string_equal(journal, "has 9\n");
	assert_true(!now->kept && now->local.bytes[3] == 8);
	has_address = true;
	ways_look(&gate);
	assert_true(now->kept);
	/* Nobody knows: it stays as it was. */
	unknown = true;
	ways_look(&gate);
	assert_true(now->kept && now->local.bytes[3] == 8);
	unknown = false;
	/* A route by a link without a carrier is no way; nor is none. */
	carries = false;
	ways_look(&gate);
	assert_true(now->local.family == NET_NONE && now->link == 0 && now->no_way == 0);
	carries = true, four = false;
	ways_look(&gate);
	assert_true(now->local.family == NET_NONE && now->no_way == NO_WAY4);
	/* Another attempt begins with another address. */
	four = true, has_address = false;
	gate.attempt.pid = 78;
	ways_look(&gate);
	assert_true(now->kept && now->local.bytes[3] == 8);
	gate.attempt.pid = 0;
	ways_look(&gate);
	assert_int_equal(now->local.family, NET_NONE);
}

/* While the gate is open, the server's own route follows each look, and only then. */
static void test_the_servers_route_follows(void **state)
{
	int complaints;

	(void)state;
	gate.attempt.pid = 77;
	gate.attempt.endpoint = remotes[0];
	gate.state.actual = ACTUAL_DIALLING;
	ways_look(&gate);
	assert_string_equal(journal, "");
	gate.state.actual = ACTUAL_OPEN;
	ways_look(&gate);
	assert_string_equal(journal, "follow 203.0.113.7 1 5\n");
	follows = false;
	journal[0] = '\0';
	ways_look(&gate); /* the driver is told all the same */
	assert_true(gate.ways.now.kept && gate.ways.now.link == 5);
	assert_string_equal(journal, "follow 203.0.113.7 1 5\nlog 1 gate\n");
	for (int i = 0; i < 3 * LIMIT_BURST; i++) /* and not without end */
		ways_look(&gate);
	complaints = 0;
	for (const char *at = journal; (at = strstr(at, "log")) != NULL; at++)
		complaints++;
	assert_between(complaints, LIMIT_BURST / 2, LIMIT_BURST + LIMIT_PER_SECOND);
	follows = true;
	journal[0] = '\0';
	four = false;
	ways_look(&gate);
	assert_string_equal(journal, "");
}

static void gather(void)
{
	journal[0] = '\0';
	event_base_loop(gate.base, EVLOOP_ONCE);
}

/* A burst is looked at once, and told if it is worth a try or if it matters. */
static void test_what_is_told(void **state)
{
	(void)state;
	gate.attempt.pid = 77;
	gate.attempt.endpoint = remotes[0];
	ways_look(&gate);
	ways_changed(&gate, false);
	assert_int_equal(timer_ms, 20);
	timer_ms = 0;
	ways_changed(&gate, true);
	ways_changed(&gate, false);
	assert_int_equal(timer_ms, 0); /* the first one's time counts */
	gather();
	assert_string_equal(journal, "network the network has changed\n");
	ways_changed(&gate, false);
	gather();
	assert_string_equal(journal, "");
	router = 2;
	ways_changed(&gate, false);
	gather();
	assert_string_equal(journal, "way \n");
	/* A wake is told with all the time that was slept, once. */
	ways_woke(&gate, 5000);
	ways_woke(&gate, 7000);
	assert_int_equal(gate.ways.slept, 12000);
	gather();
	assert_string_equal(journal, "network the machine woke 12000\n");
	assert_int_equal(gate.ways.slept, 0);
	ways_changed(&gate, true); /* worth a try, whatever it changed */
	gather();
	assert_string_equal(journal, "network the network has changed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_families, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nat64, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_few_looks, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_an_attempt, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_servers_route_follows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_told, setup, teardown)};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
