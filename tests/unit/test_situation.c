/* A situation: is it a whole one, and what is left of one that is not? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "policy/print.h"
#include "policy/rules.h"
#include "policy_cases.h"

typedef int printer(const struct situation *s, char *to, size_t size, struct err *e);

static printer *const printers[] = {policy_print_nft, policy_print_pf, policy_print_ipfw};
enum { PRINTERS = sizeof printers / sizeof printers[0] };

/* What an earlier state left in the situation is in no text of a locked one. */
static void test_leftovers_are_not_printed(void **state)
{
	static char with[PRINT_SIZE], without[PRINT_SIZE];
	struct err e = {{0}};

	(void)state;
	for (size_t i = 0; i < 2 * (size_t)PRINTERS; i++) {
		struct situation left = situation_named("dialling-lan"), none;

		must(net_address_parse("192.0.2.53", &left.resolver));
		left.state = POLICY_LOCKED;
		left.lan = i % 2 != 0;
		none = left;
		memset(&none.endpoint, 0, sizeof none.endpoint);
		memset(&none.resolver, 0, sizeof none.resolver);
		assert_int_equal(printers[i / 2](&left, with, sizeof with, &e), 0);
		assert_int_equal(printers[i / 2](&none, without, sizeof without, &e), 0);
		assert_string_equal(with, without);
		left.state = POLICY_DIALLING;
		assert_int_equal(printers[i / 2](&left, with, sizeof with, &e), 0);
		assert_string_not_equal(with, without);
	}
}

static void assert_refused(const struct situation *s, const char *word)
{
	static char text[PRINT_SIZE];
	struct err e = {{0}};

	assert_int_equal(policy_check(s, &e), -1);
	if (strstr(e.text, word) == NULL)
		fail_msg("'%s' does not name %s", e.text, word);
	for (size_t i = 0; i < PRINTERS; i++) {
		struct err own = {{0}};

		assert_int_equal(printers[i](s, text, sizeof text, &own), -1);
		assert_string_equal(own.text, e.text);
		assert_string_equal(text, ""); /* nothing that could be loaded */
	}
}

/* Whatever is wrong with a situation: what is left of it can be locked with, and lets nobody through. */
static void test_bare_is_never_refused(void **state)
{
	struct situation s, bare;
	struct err e = {{0}};
	char text[16384];

	(void)state;
	memset(&s, 0xff, sizeof s);
	s.links_left_out = false; /* no other byte can be one of these */
	policy_bare(&s, &bare);
	assert_int_equal(policy_check(&bare, &e), 0);
	assert_int_equal(bare.link_count, 0);
	for (size_t i = 0; i < POLICY_CASES; i++) {
		s = policy_case_make(&policy_cases[i]);
		s.links_left_out = i % 2 != 0;
		policy_bare(&s, &bare);
		assert_int_equal(bare.links_left_out,
				 s.links_left_out); /* they are looked for all the same */
		assert_int_equal(policy_print_nft(&bare, text, sizeof text, &e), 0);
		assert_int_equal(bare.lan_side_count + bare.tunnel.network_count + bare.endpoint.port, 0);
		assert_false(bare.lan || bare.pppoe || bare.lacp || bare.dhcp_user.known);
		assert_int_equal(bare.link_count, s.link_count);
	}
}

static bool is_nobody(const struct identity *identity)
{
	return identity->known && identity->number == POLICY_NOBODY;
}

/* What the kernel says of links and of the tunnel's addresses stays, as far as it is what it should be. */
static void test_bare_keeps_what_the_kernel_says(void **state)
{
	struct situation s = situation_named("open-dual"), bare;

	(void)state;
	strcpy(s.links[2], "a b");
	memset(s.links[3], 'x', NET_NAME_SIZE); /* without an end */
	strcpy(s.links[4], "en4");
	strcpy(s.links[5], "en5"); /* behind the last */
	s.link_count = 5;
	policy_bare(&s, &bare);
	assert_int_equal(bare.state, POLICY_LOCKED);
	assert_int_equal(bare.link_count, 3);
	assert_string_equal(bare.links[0], "en0");
	assert_string_equal(bare.links[1], "en1");
	assert_string_equal(bare.links[2], "en4");
	assert_true(net_address_equal(&bare.tunnel.address4, &s.tunnel.address4));
	assert_true(net_address_equal(&bare.tunnel.address6, &s.tunnel.address6));
	assert_true(is_nobody(&bare.openvpn_group) && is_nobody(&bare.driver_user));
	s.tunnel.address4.family = NET_IPV6;
	s.tunnel.address6.family = NET_IPV4;
	for (size_t i = 0; i < SITUATION_LINKS; i++)
		strcpy(s.links[i], "en0");
	s.link_count = SITUATION_LINKS + 1;
	policy_bare(&s, &bare);
	assert_int_equal(bare.tunnel.address4.family, NET_NONE);
	assert_int_equal(bare.tunnel.address6.family, NET_NONE);
	assert_int_equal(bare.link_count, SITUATION_LINKS);
}

/* A name's end is looked for where the name is, and nowhere behind: there is no memory behind this one. */
static void test_bare_reads_no_name_past_its_end(void **state)
{
	struct guard guard;
	struct situation *s = guard_open(&guard, sizeof *s), bare;

	(void)state;
	memset(s, 0xff, sizeof *s);
	s->links_left_out = true; /* no other byte can be one of these */
	policy_bare(s, &bare);
	assert_int_equal(bare.link_count, 0);
	assert_true(bare.links_left_out);
	guard_close(&guard);
}

static void test_check_accepts_every_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < POLICY_CASES; i++) {
		struct situation s = policy_case_make(&policy_cases[i]);
		struct err e = {{0}};

		if (policy_check(&s, &e) == -1)
			fail_msg("%s: %s", policy_cases[i].name, e.text);
	}
}

/* One address of the tunnel's is enough, of either family. */
static void test_check_accepts_a_tunnel_of_one_family(void **state)
{
	struct situation s = situation_named("open-dual");
	struct err e = {{0}};

	(void)state;
	s.tunnel.address4.family = NET_NONE;
	assert_int_equal(policy_check(&s, &e), 0);
	s = situation_named("open-dual");
	s.tunnel.address6.family = NET_NONE;
	assert_int_equal(policy_check(&s, &e), 0);
	s.tunnel.address4.family = NET_NONE;
	assert_int_equal(policy_check(&s, &e), -1);
}

/* A number alone is somebody, and so is a name alone. */
static void test_check_accepts_numbers_and_names(void **state)
{
	struct situation s = situation_named("dialling-resolver");
	struct err e = {{0}};

	(void)state;
	identity_set(&s.openvpn_group, true, 777, "");
	identity_set(&s.driver_user, false, 0, "_portcullis");
	assert_int_equal(policy_check(&s, &e), 0);
	identity_set(&s.openvpn_group, false, 0, "_openvpn");
	identity_set(&s.driver_user, true, 778, "");
	assert_int_equal(policy_check(&s, &e), 0);
	identity_set(&s.driver_user, true, 778, "a b"); /* whose number is known is not named */
	assert_int_equal(policy_check(&s, &e), 0);
	identity_set(&s.driver_user, false, 0, "a_name_of_thirty-one_characters");
	assert_int_equal(strlen(s.driver_user.name), sizeof s.driver_user.name - 1);
	assert_int_equal(policy_check(&s, &e), 0);
}

#define REFUSED(from, change, word)                                                                          \
	do {                                                                                                 \
		struct situation s = situation_named(from);                                                  \
		change;                                                                                      \
		assert_refused(&s, word);                                                                    \
	} while (0)

static void set_name(struct identity *identity, const char *name)
{
	identity_set(identity, false, 0, name);
}

static void test_check_refuses_half_situations(void **state)
{
	(void)state;
	REFUSED("dialling-udp4", s.endpoint.address.family = NET_NONE, "no endpoint to dial");
	REFUSED("dialling-udp4", s.endpoint.port = 0, "endpoint: no port");
	REFUSED("dialling-udp4", s.endpoint.proto = 1, "endpoint: no port, or neither");
	REFUSED("dialling-udp4", must(net_address_parse("127.0.0.1", &s.endpoint.address)),
		"endpoint 127.0.0.1: no server");
	REFUSED("dialling-udp4", memset(&s.openvpn_group, 0, sizeof s.openvpn_group), "no group for openvpn");
	REFUSED("dialling-resolver", memset(&s.driver_user, 0, sizeof s.driver_user),
		"no user for the driver");
	REFUSED("dialling-resolver", must(net_address_parse("224.0.0.1", &s.resolver)),
		"resolver: no server");
	/* Without an endpoint names may be asked for, and nothing else. */
	REFUSED("asking", memset(&s.resolver, 0, sizeof s.resolver), "no endpoint to dial");
	REFUSED("asking", s.state = POLICY_OPEN, "no endpoint to dial");
	REFUSED("asking", memset(&s.driver_user, 0, sizeof s.driver_user), "no user for the driver");
	REFUSED("open", s.tunnel.name[0] = '\0', "open without a tunnel");
	REFUSED("open", s.tunnel.address4.family = NET_NONE, "open with a tunnel that has no address");
	REFUSED("open", s.tunnel.address6.family = NET_IPV4, "its IPv6 address is not valid");
	REFUSED("open", s.tunnel.network_count = SITUATION_NETWORKS + 1, "tunnel's networks: 33, at most 32");
	REFUSED("open", s.tunnel.networks[0].length = 33, "tunnel's networks: number 1 is not a prefix");
	REFUSED("locked", s.state = (enum policy_state)7, "no such state: 7");
	REFUSED("locked", s.link_count = SITUATION_LINKS + 1, "links: 65, at most 64");
	REFUSED("locked-gateway", s.lan_side_count = SITUATION_LAN_SIDE + 1,
		"LAN-side links: 17, at most 16");
	REFUSED("open-gateway", strcpy(s.lan_side[1], s.tunnel.name), "LAN-side links: tun0 is the tunnel");
	REFUSED("locked", s.neighbour_count = SITUATION_NEIGHBOURS + 1, "neighbours: 65, at most 64");
	REFUSED("locked", s.neighbours[0].address.family = 9, "neighbours: number 1 is not a prefix");
	REFUSED("locked", s.neighbours[1].length = 129, "neighbours: number 2 is not a prefix");
	REFUSED("locked", strcpy(s.links[1], "a b"), "links: number 2 is not");
	REFUSED("locked-gateway", strcpy(s.lan_side[1], "a b"), "LAN-side links: number 2 is not");
	REFUSED("open", strcpy(s.tunnel.name, "a b"), "tunnel: not an interface's name");
	REFUSED("locked-lan", s.tunnel.address4.family = NET_IPV6, "its IPv4 address is not valid");
	REFUSED("locked", set_name(&s.dhcp_user, "a;b"), "the DHCP client's user: not a name");
	REFUSED("locked", set_name(&s.driver_user, "a b"), "the driver's user: not a name");
	REFUSED("locked", set_name(&s.openvpn_group, "{"), "openvpn's group: not a name");
}

/* Names become text that a filter parses. */
static void test_check_refuses_names_that_are_rules(void **state)
{
	(void)state;
	REFUSED("locked", strcpy(s.links[0], "en0\"; }"), "interface");
	REFUSED("locked", strcpy(s.links[0], ""), "interface");
	REFUSED("open-gateway", strcpy(s.lan_side[0], "br0 }"), "interface");
	REFUSED("open", strcpy(s.tunnel.name, "tun0 all"), "interface");
	REFUSED("dialling-names", strcpy(s.openvpn_group.name, "x\npass all"), "group");
	REFUSED("dialling-names", strcpy(s.dhcp_user.name, "{ x }"), "DHCP");
	REFUSED("dialling-names", strcpy(s.driver_user.name, "-x"), "driver");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bare_is_never_refused),
	    cmocka_unit_test(test_bare_keeps_what_the_kernel_says),
	    cmocka_unit_test(test_bare_reads_no_name_past_its_end),
	    cmocka_unit_test(test_leftovers_are_not_printed),
	    cmocka_unit_test(test_check_accepts_every_case),
	    cmocka_unit_test(test_check_accepts_a_tunnel_of_one_family),
	    cmocka_unit_test(test_check_accepts_numbers_and_names),
	    cmocka_unit_test(test_check_refuses_half_situations),
	    cmocka_unit_test(test_check_refuses_names_that_are_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
