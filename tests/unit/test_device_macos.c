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

const struct route_layout *const route_layout_here = &route_layout_macos;
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
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	struct err e = {""};

	(void)state;
	assert_int_equal(device_set(&tunnel, &e), -1); /* there is none */
	assert_string_equal(standin_calls(), "");
	standin_exists = true;
	standin_links = "interfaces-without-tunnel";
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(standin_calls(), "ifconfig utun87 mtu 1500\n"
					     "ifconfig utun87 inet 10.8.0.2/24 10.8.0.2 alias\n"
					     "ifconfig utun87 inet6 fd00:8::2/64 alias\n"
					     "ifconfig utun87 up\n");
	tunnel = standin_tunnel("10.8.0.2", NULL);
	assert_int_equal(net_address_parse("10.8.0.5", &tunnel.peer4), 0);
	assert_int_equal(device_set(&tunnel, &e), 0);
	assert_string_equal(standin_calls(),
			    "ifconfig utun87 mtu 1500\n"
			    "ifconfig utun87 inet 10.8.0.2 10.8.0.5 netmask 255.255.255.255 alias\n"
			    "ifconfig utun87 up\n");
	standin_put("fail", "inet 10", 0644);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_null(strstr(standin_calls(), " up\n"));
	tunnel = standin_tunnel("127.0.0.1", NULL);
	assert_int_equal(device_set(&tunnel, &e), -1);
	assert_non_null(
	    strstr(e.text, "127.0.0.1 is the address of lo0, and the server gives it to utun87 too"));
}

static void test_halves_and_the_endpoints_own_way(void **state)
{
	const struct situation s = standin_situation("203.0.113.7:1194/udp");
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	standin_way("10.8.0.0", "utun87");
	standin_way("fd00:8::", "utun87");
	assert_int_equal(net_prefix_parse("10.50.0.0/16", &tunnel.routes[0].to), 0);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(), "ask 203.0.113.7\n"
					     "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
					     "route -q -n add -inet 0.0.0.0/1 -interface utun87\n"
					     "route -q -n add -inet 128.0.0.0/1 -interface utun87\n"
					     "route -q -n add -inet6 ::/1 -interface utun87\n"
					     "route -q -n add -inet6 8000::/1 -interface utun87\n"
					     "route -q -n add -inet 10.50.0.0/16 -interface utun87\n"
					     "ask 10.8.0.0\nask fd00:8::\n");
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
	struct wire_tunnel tunnel = standin_tunnel("10.8.0.2", "fd00:8::2");
	struct route_desired desired = standin_desired(&s, &tunnel);
	struct err e = {""};

	(void)state;
	desired.redirect = false;
	standin_route("add", "fd00:8::/64", "utun87");
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_string_equal(standin_calls(), "ask 203.0.113.7\n"
					     "route -q -n add -inet 203.0.113.7 -gateway 192.168.1.1\n"
					     "ask 10.8.0.0\n"
					     "route -q -n add -inet 10.8.0.0/24 -interface utun87\n"
					     "ask fd00:8::\n");
	assert_int_equal(route_remove(&e), 0);
	assert_string_equal(standin_calls(), "route -q -n delete -inet 203.0.113.7\n"
					     "route -q -n delete -inet 10.8.0.0/24\n"
					     "clean 203.0.113.7:1194/udp\n");
	standin_put("fail", "add -inet 10.8.0.0/24", 0644); /* another link has it */
	assert_int_equal(route_assert(&desired, &e), -1);
	assert_non_null(strstr(standin_calls(), "route -q -n delete -inet 203.0.113.7\n"));
	unlink(standin_path("fail"));
	tunnel = standin_tunnel("10.8.0.2", NULL);
	assert_int_equal(net_address_parse("10.8.0.5", &tunnel.peer4), 0);
	assert_int_equal(route_assert(&desired, &e), 0);
	assert_null(strstr(standin_calls(), "10.8.0"));
	standin_shut();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, standin_clear)
	const struct CMUnitTest tests[] = {
	    TEST(test_it_is_openvpns_to_make),
	    TEST(test_addresses_then_up),
	    TEST(test_halves_and_the_endpoints_own_way),
	    TEST(test_its_own_subnet),
	};

	return cmocka_run_group_tests(tests, standin_prepare, standin_tidy);
}
