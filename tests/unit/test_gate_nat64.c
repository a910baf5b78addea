/* Which prefix counts: root's, a router's as long as it holds, or the well-known one; and when routers are
 * asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gate/gate.h"
#include "journal.h"
#include "os/host/clock.h"

static struct gate gate;
static int64_t now;
static bool leads;
static struct net_endpoint server;

int64_t clock_steady_ms(void)
{
	return now;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000};
}

/* By IPv6 only, if at all. */
int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	(void)user, (void)tunnel, (void)e;
	way->link = 3;
	return leads && to->family == NET_IPV6;
}

bool netwatch_carries(unsigned link)
{
	return link == 3;
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	(void)link, (void)address;
	return false;
}

int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	(void)endpoint, (void)way, (void)e;
	return 0;
}

void netwatch_solicit(unsigned link)
{
	say("ask %u", link);
}

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = '\0';
	now = 1000000;
	assert_int_equal(net_endpoint_parse("192.0.2.1:1194/udp", &server), 0);
	gate.profile.remotes = &server;
	gate.profile.remote_count = 1;
	return 0;
}

static void told(const char *text, uint32_t seconds, unsigned link)
{
	struct net_prefix prefix;

	assert_int_equal(net_prefix_parse(text, &prefix), 0);
	if (nat64_told(&gate, &prefix, seconds, link))
		say("changed");
}

static void counts(const char *wanted)
{
	const struct net_prefix prefix = nat64_prefix(&gate);
	char text[NET_PREFIX_TEXT];

	assert_string_equal(net_prefix_text(&prefix, text), wanted);
}

static void said(const char *wanted)
{
	assert_string_equal(journal, wanted);
	journal[0] = '\0';
}

static void test_what_a_router_says(void **state)
{
	(void)state;
	counts("64:ff9b::/96");
	told("2001:db8:1::/96", 600, 3);
	counts("2001:db8:1::/96");
	said("changed\n");
	told("2001:db8:1::/96", 600, 3); /* and again, which is no news */
	said("");
	told("2001:db8:2::/96", 0, 3); /* another holds no more: nobody said that it did */
	told("ff02::/96", 600, 3);     /* no prefix that it could be */
	said("");
	now += 599999;
	counts("2001:db8:1::/96");
	now++;
	counts("64:ff9b::/96");
	told("2001:db8:1::/96", 600, 3); /* it holds again */
	said("changed\n");
	told("2001:db8:1::/96", 0, 3);
	counts("64:ff9b::/96");
	said("changed\n");
	told("2001:db8:1::/96", 0, 3);
	said("");
	told("2001:db8:2::/64", 8, 4); /* who speaks last, counts */
	counts("2001:db8:2::/64");
	said("changed\n");
	nat64_lost(&gate, 3);
	counts("2001:db8:2::/64");
	nat64_lost(&gate, 4);
	counts("64:ff9b::/96");
	said("");
}

static void test_what_root_says(void **state)
{
	(void)state;
	told("2001:db8:1::/96", 600, 3);
	assert_int_equal(net_prefix_parse("2001:db8:7::/96", &gate.config.nat64), 0);
	counts("2001:db8:7::/96");
	gate.config.nat64_off = true;
	assert_int_equal(nat64_prefix(&gate).length, 0);
}

/* As often as it is looked at. */
static void test_when_routers_are_asked(void **state)
{
	(void)state;
	leads = true;
	ways_look(&gate);
	said("ask 3\n");
	now += 59999;
	ways_look(&gate);
	said("");
	now++;
	ways_look(&gate);
	said("ask 3\n");
	told("2001:db8:1::/96", 600, 3);
	journal[0] = '\0';
	now += 60000;
	ways_look(&gate);
	said("");
	now += 540000; /* it holds no more */
	ways_look(&gate);
	said("ask 3\n");
	now += 60000;
	assert_int_equal(net_prefix_parse("2001:db8:7::/96", &gate.config.nat64), 0);
	ways_look(&gate);
	said("");
	memset(&gate.config.nat64, 0, sizeof gate.config.nat64);
	leads = false; /* nothing is asked where it leads nowhere */
	ways_look(&gate);
	said("");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_what_a_router_says), TEST(test_what_root_says),
					   TEST(test_when_routers_are_asked)};

	return cmocka_run_group_tests_name("gate_nat64", tests, NULL, NULL);
}
