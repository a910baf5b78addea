/* Does a session live on in the network as it is now? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tunnel/way.h"

static const struct wire_way home = {
    .local = {NET_IPV4, {192, 0, 2, 9}}, .gateway = {NET_IPV4, {192, 0, 2, 1}}, .kept = 1, .link = 3};

static struct way begun(const char *endpoint, const struct wire_way *first)
{
	struct net_endpoint to;
	struct way way;

	memset(&way, 0x55, sizeof way);
	assert_int_equal(net_endpoint_parse(endpoint, &to), 0);
	way_begin(&way, &to);
	if (first != NULL)
		assert_int_equal(way_judge(&way, first, 1000), WAY_GOES_ON);
	return way;
}

/* What differs from home; the address is kept by the link, or not. */
static struct wire_way other(uint8_t local, uint8_t gateway, uint32_t link, uint8_t kept)
{
	struct wire_way way = home;

	way.local.bytes[3] = local;
	way.gateway.bytes[3] = gateway;
	way.link = link;
	way.kept = kept;
	return way;
}

static void test_each_change(void **state)
{
	const struct {
		struct wire_way now;
		enum way_verdict udp, tcp;
	} cases[] = {
	    {home, WAY_GOES_ON, WAY_GOES_ON},
	    {other(8, 1, 3, 0), WAY_CHANGED, WAY_LOST},    /* another address */
	    {other(8, 1, 3, 1), WAY_CHANGED, WAY_CHANGED}, /* one beside it, as IPv6's temporary ones are */
	    {other(9, 2, 3, 1), WAY_CHANGED, WAY_CHANGED}, /* another router */
	    {other(9, 1, 4, 1), WAY_CHANGED, WAY_CHANGED}, /* another link that has the address too */
	    {other(9, 1, 4, 0), WAY_CHANGED, WAY_LOST},    /* one that has not, or no more */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct way udp = begun("203.0.113.7:1194/udp", &home),
			   tcp = begun("203.0.113.7:443/tcp", &home);

		assert_int_equal(way_judge(&udp, &cases[i].now, 2000), cases[i].udp);
		assert_int_equal(way_judge(&tcp, &cases[i].now, 2000), cases[i].tcp);
		if (cases[i].tcp == WAY_LOST)
			assert_non_null(strstr(tcp.why, "address"));
		/* it is judged once */
		assert_int_equal(way_judge(&udp, &cases[i].now, 3000), WAY_GOES_ON);
		assert_int_equal(udp.due + tcp.due, 0);
	}
}

/* Away, and back as it was: UDP lives on, however long; TCP only as long as it would not wait by itself. */
static void test_away(void **state)
{
	static const struct {
		uint64_t ms;
		enum way_verdict udp, tcp;
	} cases[] = {{0, WAY_GOES_ON, WAY_GOES_ON},
		     {WAY_TCP_PATIENCE, WAY_CHANGED, WAY_CHANGED},
		     {WAY_TCP_PATIENCE + 1, WAY_CHANGED, WAY_LOST},
		     {3600000, WAY_CHANGED, WAY_LOST}};
	const struct wire_way none = {.no_way = NO_WAY4 | NO_WAY6};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct way udp = begun("203.0.113.7:1194/udp", &home),
			   tcp = begun("203.0.113.7:443/tcp", &home);

		assert_int_equal(way_judge(&udp, &none, 2000), WAY_GOES_ON);
		assert_int_equal(way_judge(&tcp, &none, 2000), WAY_GOES_ON);
		assert_int_equal(udp.gone_at, 2000);
		assert_int_equal(way_judge(&udp, &none, 2000 + cases[i].ms), WAY_GOES_ON);
		assert_int_equal(udp.gone_at, 2000); /* since then */
		assert_int_equal(way_judge(&udp, &home, 2000 + cases[i].ms), cases[i].udp);
		assert_int_equal(way_judge(&tcp, &home, 2000 + cases[i].ms), cases[i].tcp);
		assert_int_equal(udp.gone_at + tcp.gone_at + udp.due + tcp.due, 0);
		if (cases[i].tcp == WAY_LOST)
			assert_non_null(strstr(tcp.why, "away"));
		/* and the next time is counted anew */
		assert_int_equal(way_judge(&tcp, &home, 9000000), WAY_GOES_ON);
	}
}

/* Only the other family is left: after a moment without news that is worth a new session. */
static void test_other_family(void **state)
{
	static const struct {
		const char *endpoint, *why;
		struct wire_way first, none, wrong;
	} cases[] = {{"203.0.113.7:1194/udp",
		      "no IPv4 route leads to the server any more; IPv6 is there",
		      {.local = {NET_IPV4, {192, 0, 2, 9}}, .kept = 1},
		      {.no_way = NO_WAY4},
		      {.no_way = NO_WAY4 | NO_WAY6}},
		     {"[2001:db8::7]:1194/tcp",
		      "no IPv6 route leads to the server any more; IPv4 is there",
		      {.local = {NET_IPV6, {0x20, 1}}, .kept = 1},
		      {.no_way = NO_WAY6},
		      {.no_way = NO_WAY4 | NO_WAY6}}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct way way = begun(cases[i].endpoint, &cases[i].first);

		assert_int_equal(way_judge(&way, &cases[i].none, 2000), WAY_GOES_ON);
		assert_int_equal(way.due, 2000 + WAY_FAMILY_PATIENCE);
		assert_int_equal(way_judge(&way, &cases[i].none, way.due - 1), WAY_GOES_ON);
		assert_int_equal(way_judge(&way, &cases[i].none, way.due), WAY_LOST);
		assert_string_equal(way.why, cases[i].why);
		assert_int_equal(way.due, 0);
		/* The other family comes later. */
		way = begun(cases[i].endpoint, &cases[i].first);
		assert_int_equal(way_judge(&way, &cases[i].wrong, 2000), WAY_GOES_ON);
		assert_int_equal(way.due, 0);
		assert_int_equal(way_judge(&way, &cases[i].none, 9000), WAY_LOST);
		/* It was back in time. */
		way = begun(cases[i].endpoint, &cases[i].first);
		(void)way_judge(&way, &cases[i].none, 2000);
		assert_int_equal(way_judge(&way, &cases[i].first, 2500), WAY_CHANGED);
		assert_int_equal(way.due, 0);
		/* An attempt that no way ever led from has limits of its own. */
		way = begun(cases[i].endpoint, NULL);
		assert_int_equal(way_judge(&way, &cases[i].none, 2000), WAY_GOES_ON);
		assert_int_equal(way.due, 0);
		assert_int_equal(way_judge(&way, &cases[i].none, 9000), WAY_GOES_ON);
		assert_int_equal(way_judge(&way, &cases[i].first, 9500), WAY_GOES_ON);
	}
}

/* NAT64 is the other family's: from IPv4 to it, and back from it. */
static void test_nat64(void **state)
{
	const struct wire_way first4 = {.local = {NET_IPV4, {192, 0, 2, 9}}, .kept = 1},
			      first6 = {.local = {NET_IPV6, {0x20, 1}}, .kept = 1},
			      by_nat64 = {.no_way = NO_WAY6,
					  .nat64 = {{NET_IPV6, {0, 0x64, 0xff, 0x9b}}, 96}},
			      four = {.no_way = NO_WAY6};
	struct way way = begun("203.0.113.7:1194/udp", &first4);

	(void)state;
	assert_int_equal(way_judge(&way, &by_nat64, 2000), WAY_GOES_ON);
	assert_int_equal(way_judge(&way, &by_nat64, way.due), WAY_LOST);
	way = begun("[64:ff9b::1]:1194/udp", &first6);
	assert_int_equal(way_judge(&way, &by_nat64, 2000), WAY_GOES_ON);
	assert_int_equal(way.due, 0); /* the only way is by IPv6, too */
	assert_int_equal(way_judge(&way, &four, 3000), WAY_GOES_ON);
	assert_int_equal(way_judge(&way, &four, 9000), WAY_LOST);
}

static void test_no_attempt(void **state)
{
	struct wire_way none = {.no_way = NO_WAY4};
	struct way way = {.active = false};

	(void)state;
	assert_int_equal(way_judge(&way, &home, 1000), WAY_GOES_ON);
	assert_int_equal(way_judge(&way, &none, 2000), WAY_GOES_ON);
	assert_int_equal(way_judge(&way, &none, 90000), WAY_GOES_ON);
	assert_int_equal(way.due + way.gone_at, 0);
}

static void test_families(void **state)
{
	const struct wire_way both = {.no_way = 0}, six = {.no_way = NO_WAY4}, four = {.no_way = NO_WAY6};

	(void)state;
	assert_true(way_leads(&both, NET_IPV4) && way_leads(&both, NET_IPV6));
	assert_true(!way_leads(&six, NET_IPV4) && way_leads(&six, NET_IPV6));
	assert_true(way_leads(&four, NET_IPV4) && !way_leads(&four, NET_IPV6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_change),  cmocka_unit_test(test_away),
	    cmocka_unit_test(test_other_family), cmocka_unit_test(test_nat64),
	    cmocka_unit_test(test_no_attempt),   cmocka_unit_test(test_families)};

	return cmocka_run_group_tests_name("way", tests, NULL, NULL);
}
