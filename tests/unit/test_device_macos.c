/* macOS's device and its routes: the exact calls of ifconfig and route, recorded by stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "os/route/device.h"
#include "os/route/tunnel_words.h"
#include "tests/unit/device_standin.h"

const char standin_device[] = "utun87";

static void test_it_is_openvpns_to_make(void **state)
{
	struct err e = {""};

	(void)state;
	assert_int_equal(device_make("utun87", 501, 777, &e), 0);
	assert_int_equal(device_delete("utun87", &e), 0);
	assert_int_equal(device_delete_all(&e), 0);
	assert_string_equal(standin_calls(), "");
	standin_exists = true;
	assert_int_equal(device_make("utun87", 501, 777, &e), -1);
	assert_non_null(strstr(e.text, "utun87 exists and is not ours"));
}

static void test_addresses_then_up(void **state)
{
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.6", "fd00:8::6");
	struct err e = {""};

	(void)state;
	assert_int_equal(device_set(&tunnel, &e), -1); /* there is none */
	assert_string_equal(standin_calls(), "");
	standin_exists = true;
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(standin_calls(), "ifconfig utun87 mtu 1500\n"
					     "ifconfig utun87 inet 10.8.0.6/24 10.8.0.6 alias\n"
					     "ifconfig utun87 inet6 fd00:8::6/64 alias\n"
					     "ifconfig utun87 up\n");
	tunnel = standin_tunnel("10.8.0.6", NULL);
	assert_int_equal(net_address_parse("10.8.0.5", &tunnel.peer4), 0);
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(standin_calls(),
			    "ifconfig utun87 mtu 1500\n"
			    "ifconfig utun87 inet 10.8.0.6 10.8.0.5 netmask 255.255.255.255 alias\n"
			    "ifconfig utun87 up\n");
	standin_put("fail", "inet 10", 0644);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_null(strstr(standin_calls(), " up\n"));
	tunnel = standin_tunnel("127.0.0.1", NULL);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_non_null(strstr(e.text, "an address that lo already has"));
}

static void test_halves_and_the_endpoints_own_way(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.6", "fd00:8::6");
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	standin_way("10.8.0.0", "utun87");
	standin_way("fd00:8::", "utun87");
	assert_int_equal(net_prefix_parse("10.50.0.0/16", &tunnel.routes[0].to), 0);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(), "route -n get -inet 203.0.113.7\n"
					     "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
					     "route -q -n add -inet 0.0.0.0/1 -interface utun87\n"
					     "route -q -n add -inet 128.0.0.0/1 -interface utun87\n"
					     "route -q -n add -inet6 ::/1 -interface utun87\n"
					     "route -q -n add -inet6 8000::/1 -interface utun87\n"
					     "route -q -n add -inet 10.50.0.0/16 -interface utun87\n"
					     "route -n get -inet 10.8.0.0\nroute -n get -inet6 fd00:8::\n"
					     "route -n get -inet 192.0.2.1\nroute -n get -inet6 2001:db8::1\n"
					     "route -n get -inet 203.0.113.7\n");
	desired.tunnel = NULL;
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(),
			    "route -q -n delete -inet 203.0.113.7\nroute -q -n delete -inet 0.0.0.0/1\n"
			    "route -q -n delete -inet 128.0.0.0/1\nroute -q -n delete -inet6 ::/1\n"
			    "route -q -n delete -inet6 8000::/1\nroute -q -n delete -inet 10.50.0.0/16\n"
			    "clean 203.0.113.7:1194/udp\n");
}

/* An address brings no route to its subnet here; what the kernel made nevertheless is not made twice. */
static void test_its_own_subnet(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.6", "fd00:8::6");
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	desired.redirect = false;
	standin_way("10.8.0.0", "en0");
	standin_way("fd00:8::", "utun87");
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(),
			    "route -n get -inet 203.0.113.7\n"
			    "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
			    "route -n get -inet 10.8.0.0\n"
			    "route -q -n add -inet 10.8.0.0/24 -interface utun87\n"
			    "route -n get -inet6 fd00:8::\nroute -n get -inet 203.0.113.7\n");
	assert_int_equal(route_remove(&e), 0);
	assert_string_equal(standin_calls(), "route -q -n delete -inet 203.0.113.7\n"
					     "route -q -n delete -inet 10.8.0.0/24\n"
					     "clean 203.0.113.7:1194/udp\n");
	standin_put("fail", "add -inet 10.8.0.0/24", 0644); /* another link has it */
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_non_null(strstr(standin_calls(), "route -q -n delete -inet 203.0.113.7\n"));
	unlink(standin_path("fail"));
	tunnel = standin_tunnel("10.8.0.6", NULL);
	assert_int_equal(net_address_parse("10.8.0.5", &tunnel.peer4), 0);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_null(strstr(standin_calls(), "10.8.0"));
	standin_shut();
}

static void test_what_does_not_hold(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	const struct wire_tunnel tunnel = standin_tunnel("10.8.0.6", "fd00:8::6");
	const struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	standin_way("10.8.0.0", "utun87");
	standin_way("fd00:8::", "utun87");
	standin_way("2001:db8::1", "en0");
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_non_null(strstr(e.text, "2001:db8::1 is through en0, and must be through utun87"));
	assert_non_null(strstr(standin_calls(), "delete -inet6 ::/1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, standin_clear)
	const struct CMUnitTest tests[] = {
	    TEST(test_it_is_openvpns_to_make),
	    TEST(test_addresses_then_up),
	    TEST(test_halves_and_the_endpoints_own_way),
	    TEST(test_its_own_subnet),
	    TEST(test_what_does_not_hold),
	};

	return cmocka_run_group_tests(tests, standin_prepare, standin_tidy);
}
