/* FreeBSD's device and its routes: word for word what ifconfig and route are told, by stand-ins that write it
 * down. What they answer is written after ifconfig(8) and route(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/route/device.h"
#include "os/route/tunnel_words.h"
#include "tests/unit/device_standin.h"

const struct route_layout *const route_layout_here = &route_layout_freebsd;
const char standin_device[] = "tun87";

/* --- the device ------------------------------------------------------------------------------ */

static void test_it_is_made_for_one_user(void **state)
{
	struct err e = {""};

	(void)state;
	assert_int_equal(device_make("tun87", 501, 777, &e), 0);
	assert_string_equal(standin_calls(),
			    "ifconfig tun87 create\nifconfig tun87 group portcullis\ngive tun87 501 777\n");
}

static void test_what_an_earlier_life_left_is_made_anew(void **state)
{
	struct err e = {""};

	(void)state;
	standin_exists = true;
	standin_put("group", "tun87\n", 0644);
	assert_int_equal(device_make("tun87", 501, 777, &e), 0);
	assert_string_equal(standin_calls(), "ifconfig -g portcullis\ndestroy tun87\nifconfig tun87 create\n"
					     "ifconfig tun87 group portcullis\ngive tun87 501 777\n");
}

static void test_anothers_device_is_left_alone(void **state)
{
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	struct err e = {""};

	(void)state;
	standin_exists = true;
	standin_put("group", "tun8\ntun870\n", 0644);
	assert_int_equal(device_make("tun87", 501, 777, &e), -1);
	assert_non_null(strstr(e.text, "tun87 exists and is not ours"));
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_int_equal(device_delete("tun87", &e), 0);
	assert_string_equal(standin_calls(),
			    "ifconfig -g portcullis\nifconfig -g portcullis\nifconfig -g portcullis\n");
}

static void test_each_step_that_fails_leaves_no_device(void **state)
{
	struct err e = {""};

	(void)state;
	standin_put("fail", "create", 0644);
	assert_int_equal(device_make("tun87", 501, 777, &e), -1);
	assert_string_equal(standin_calls(), "ifconfig tun87 create\n");
	standin_put("fail", "group", 0644);
	assert_int_equal(device_make("tun87", 501, 777, &e), -1);
	assert_non_null(strstr(standin_calls(), "\ndestroy tun87\n"));
	unlink(standin_path("fail"));
	standin_put("no-node", "", 0644);
	assert_int_equal(device_make("tun87", 501, 777, &e), -1);
	assert_non_null(strstr(standin_calls(), "give tun87 501 777\ndestroy tun87\n"));
}

static void test_addresses_then_up(void **state)
{
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	struct err e = {""};

	(void)state;
	standin_links = "interfaces-without-tunnel";
	standin_put("group", "tun87\n", 0644);
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(
	    standin_calls(),
	    "ifconfig -g portcullis\nifconfig tun87 mtu 1500\nifconfig tun87 inet 10.8.0.2/24\n"
	    "ifconfig tun87 inet6 no_dad -auto_linklocal\n"
	    "ifconfig tun87 inet6 fd00:8::2/64\nifconfig tun87 up\n");
	tunnel = standin_tunnel("10.8.0.2", NULL);
	assert_int_equal(net_address_parse("10.8.0.5", &tunnel.peer4), 0);
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(standin_calls(), "ifconfig -g portcullis\nifconfig tun87 mtu 1500\n"
					     "ifconfig tun87 inet 10.8.0.2 10.8.0.5 netmask 255.255.255.255\n"
					     "ifconfig tun87 up\n");
	standin_put("fail", "inet 10", 0644);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_null(strstr(standin_calls(), " up\n"));
	unlink(standin_path("fail"));
	tunnel.mtu = 0;
	assert_int_equal(device_set(&tunnel, &e), -1);
}

static void test_an_address_of_another_link(void **state)
{
	const struct wire_tunnel tunnel = standin_tunnel("127.0.0.1", NULL);
	struct err e = {""};

	(void)state;
	standin_put("group", "tun87\n", 0644);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_non_null(
	    strstr(e.text, "127.0.0.1 is the address of lo0, and the server gives it to tun87 too"));
}

static void test_all_of_ours_go(void **state)
{
	struct err e = {""};

	(void)state;
	standin_put("group", "tun87\ntun5\n", 0644);
	assert_int_equal(device_delete_all(&e), 0);
	assert_string_equal(standin_calls(), "ifconfig -g portcullis\ndestroy tun87\ndestroy tun5\n");
	standin_put("fail", "-g", 0644);
	assert_int_equal(device_delete_all(&e), -1);
	assert_int_equal(device_delete("tun87", &e), -1);
}

/* --- routes ---------------------------------------------------------------------------------- */

static void test_halves_and_the_endpoints_own_way(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	assert_int_equal(net_prefix_parse("10.50.0.0/16", &tunnel.routes[0].to), 0);
	assert_int_equal(net_prefix_parse("192.168.7.0/24", &tunnel.routes[1].to), 0);
	tunnel.routes[1].excluded = 1;
	tunnel.routes[2] = tunnel.routes[0];
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(), "ask 203.0.113.7\n"
					     "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
					     "route -q -n add -inet 0.0.0.0/1 -interface tun87\n"
					     "route -q -n add -inet 128.0.0.0/1 -interface tun87\n"
					     "route -q -n add -inet6 ::/1 -interface tun87\n"
					     "route -q -n add -inet6 8000::/1 -interface tun87\n"
					     "route -q -n add -inet 10.50.0.0/16 -interface tun87\n");
	desired.tunnel = NULL;
	standin_put("fail", "delete -inet 10.50", 0644); /* it went with the device */
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(),
			    "route -q -n delete -inet 203.0.113.7\nroute -q -n delete -inet 0.0.0.0/1\n"
			    "route -q -n delete -inet 128.0.0.0/1\nroute -q -n delete -inet6 ::/1\n"
			    "route -q -n delete -inet6 8000::/1\nroute -q -n delete -inet 10.50.0.0/16\n"
			    "clean 203.0.113.7:1194/udp\n");
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_int_equal(route_remove(&e), 0);
	assert_string_equal(standin_calls(), ""); /* nothing stands */
}

static void test_only_what_is_asked_for(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	desired.redirect = false;
	assert_int_equal(net_prefix_parse("2001:db8:5::/48", &tunnel.routes[0].to),
			 0); /* no address of IPv6 */
	assert_int_equal(net_prefix_parse("10.50.0.0/16", &tunnel.routes[1].to), 0);
	assert_int_equal(net_prefix_parse("0.0.0.0/0", &tunnel.routes[2].to),
			 0); /* the machine's own stays */
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(), "ask 203.0.113.7\n"
					     "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
					     "route -q -n add -inet 10.50.0.0/16 -interface tun87\n");
	standin_shut();
}

static void test_an_endpoint_on_the_link(void **state)
{
	const struct situation s = standin_situation("192.168.1.9:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	standin_route("add", "192.168.1.0/24", "em0");
	assert_int_equal(net_prefix_parse("192.168.1.8/29", &tunnel.routes[0].to), 0);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_null(strstr(standin_calls(), "192.168.1.8/29"));
	standin_shut();
}

static void test_an_endpoint_of_ipv6(void **state)
{
	const struct situation s = standin_situation("[2001:db8:7::7]:443/tcp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	const struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_non_null(
	    strstr(standin_calls(), "route -q -n add -inet6 2001:db8:7::7 -gateway fe80::1%em0\n"));
	standin_shut();
}

/* The link came back, or another one did: the endpoint's route follows, and nothing else is touched. */
static void test_the_endpoint_follows(void **state)
{
	static const struct {
		bool gone; /* the endpoint's own route: with the link */
		struct wire_way way;
		const char *calls;
	} cases[] = {/* as it was */
		     {false, {.gateway = {NET_IPV4, {192, 168, 1, 1}}, .link = 4}, ""},
		     /* its route went with the link: it is inside the tunnel */
		     {true,
		      {.gateway = {NET_IPV4, {192, 168, 1, 1}}, .link = 4},
		      "clean 203.0.113.7:1194/udp\nroute -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"},
		     /* another router; another link with the same */
		     {false,
		      {.gateway = {NET_IPV4, {192, 168, 1, 2}}, .link = 4},
		      "clean 203.0.113.7:1194/udp\nroute -q -n add -inet 203.0.113.7 -gateway 192.168.1.2\n"},
		     {false,
		      {.gateway = {NET_IPV4, {192, 168, 1, 1}}, .link = 5},
		      "clean 203.0.113.7:1194/udp\nroute -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"},
		     /* it is on the link now */
		     {false, {.link = 5}, "clean 203.0.113.7:1194/udp\n"},
		     /* a link that has gone again */
		     {true, {.gateway = {NET_IPV4, {192, 168, 1, 1}}}, NULL}};
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	const struct route_desired desired = standin_desired(&s, &tunnel);
	char calls[256], before[64];
	struct err e = {""};

	(void)state;
	assert_int_equal(route_follow(&s.endpoint.address, &cases[1].way, &e), 0); /* nothing stands */
	assert_string_equal(standin_calls(), "");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(route_assert(&desired, &e), 0);
		(void)standin_calls();
		if (cases[i].gone)
			standin_route("delete", "203.0.113.7", "");
		assert_int_equal(route_follow(&s.endpoint.address, &cases[i].way, &e), 0);
		snprintf(calls, sizeof calls, "%s%s", cases[i].calls != NULL ? "ask 203.0.113.7\n" : "",
			 cases[i].calls != NULL ? cases[i].calls : "");
		assert_string_equal(standin_calls(), calls);
		standin_shut(); /* it goes with the others */
		snprintf(before, sizeof before, "route -q -n delete -inet 203.0.113.7\n");
		assert_non_null(strstr(standin_told, before));
	}
}

/* One that was on the link, and is not any more: its route is remembered, and goes with the others. */
static void test_an_endpoint_that_leaves_the_link(void **state)
{
	const struct situation s = standin_situation("[2001:db8:7::7]:443/tcp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", NULL);
	const struct route_desired desired = standin_desired(&s, &tunnel);
	const struct wire_way way = {.gateway = {NET_IPV6, {0xfe, 0x80, [15] = 1}}, .link = 4};
	struct err e = {""};

	(void)state;
	standin_put("way-2001:db8:7::7", "  interface: em0\n", 0644);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_null(strstr(standin_calls(), "add -inet6 2001:db8:7::7"));
	assert_int_equal(route_follow(&s.endpoint.address, &way, &e), 0);
	assert_non_null(strstr(standin_calls(), "add -inet6 2001:db8:7::7 -gateway fe80::1%em0\n"));
	standin_put("fail", "add -inet6 2001:db8:7::7", 0644);
	assert_int_equal(route_follow(&s.endpoint.address, &way, &e), -1);
	standin_shut();
	assert_non_null(strstr(standin_told, "delete -inet6 2001:db8:7::7\n"));
}

/* What was set is taken away; what could not be set is not, because it is somebody else's. */
static void test_what_fails_is_taken_away(void **state)
{
	static const struct {
		const char *stands, *deleted;
	} cases[] = {{"128.0.0.0/1",
		      "route -q -n delete -inet 203.0.113.7\nroute -q -n delete -inet 0.0.0.0/1\n"
		      "clean 203.0.113.7:1194/udp\n"},
		     {"8000::/1", "route -q -n delete -inet 203.0.113.7\nroute -q -n delete -inet 0.0.0.0/1\n"
				  "route -q -n delete -inet 128.0.0.0/1\nroute -q -n delete -inet6 ::/1\n"
				  "clean 203.0.113.7:1194/udp\n"}};
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	const struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *deleted;

		standin_route("add", cases[i].stands, "192.168.1.9");
		for (int tries = 0; tries < 2; tries++) { /* it stands again and again */
			assert_int_equal(route_assert(&desired, &e), -1);
			deleted = strstr(standin_calls(), "route -q -n delete");
			assert_string_equal(deleted == NULL ? "" : deleted, cases[i].deleted);
			assert_int_equal(route_remove(&e), 0);
			assert_string_equal(standin_calls(), "");
		}
		standin_route("delete", cases[i].stands, "");
	}
	/* One to the endpoint itself is what a killed gate leaves. */
	standin_route("add", "203.0.113.7", "192.168.1.9");
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_null(strstr(standin_calls(), " delete "));
	assert_non_null(strstr(standin_told, "clean 203.0.113.7:1194/udp\n"));
	assert_int_equal(route_assert(&desired, &e), 0);
	standin_shut();
	standin_put("fail", "ask 203", 0644);
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_null(strstr(standin_calls(), " add "));
}

static void test_an_endpoint_behind_the_tunnel(void **state)
{
	const struct situation s = standin_situation("203.0.113.8:1194/udp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	const struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	standin_way("203.0.113.8", "tun87");
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_non_null(strstr(e.text, "behind the tunnel"));
	assert_null(strstr(standin_calls(), " add "));
}

static void test_too_many(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	const struct route_desired desired = standin_desired(&s, &tunnel);
	const struct tunnel_way way_ = {.link = "em0"};
	char all[TUNNEL_WORDS_SIZE], small[64];
	struct err e = {""};

	(void)state;
	for (uint8_t i = 0; i < WIRE_ROUTES; i++) /* the longest that there are */
		tunnel.routes[i].to = (struct net_prefix){{NET_IPV6,
							   {0xfd, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
							    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, i}},
							  128};
	assert_int_equal(tunnel_words_routes(&desired, &way_, all, sizeof all, &e), 0);
	assert_int_equal(tunnel_words_routes(&desired, &way_, small, sizeof small, &e), -1);
	assert_int_equal(tunnel_words_device(&tunnel, small, 20, &e), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, standin_clear)
	const struct CMUnitTest tests[] = {
	    TEST(test_it_is_made_for_one_user),
	    TEST(test_what_an_earlier_life_left_is_made_anew),
	    TEST(test_anothers_device_is_left_alone),
	    TEST(test_each_step_that_fails_leaves_no_device),
	    TEST(test_addresses_then_up),
	    TEST(test_an_address_of_another_link),
	    TEST(test_all_of_ours_go),
	    TEST(test_halves_and_the_endpoints_own_way),
	    TEST(test_only_what_is_asked_for),
	    TEST(test_an_endpoint_on_the_link),
	    TEST(test_an_endpoint_of_ipv6),
	    TEST(test_the_endpoint_follows),
	    TEST(test_an_endpoint_that_leaves_the_link),
	    TEST(test_what_fails_is_taken_away),
	    TEST(test_an_endpoint_behind_the_tunnel),
	    TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, standin_prepare, standin_tidy);
}
