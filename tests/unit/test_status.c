/* The line of `status --json`, whole, in each state of gate and tunnel; against tests/golden/status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"
#include "golden.h"
#include "journal.h"
#include "leaks.h"

static struct driver d;
static struct wire_tunnel tunnel;

const struct wire_tunnel *management_tunnel(const struct management *management)
{
	assert_ptr_equal(management, d.management);
	return &tunnel;
}

static uint32_t unanswered;

uint32_t management_unanswered(const struct management *management)
{
	assert_ptr_equal(management, d.management);
	return unanswered;
}

static void show(uint64_t now)
{
	char *line = driver_status(&d, now);

	assert_non_null(line);
	say("%s", line);
	free(line);
}

/* Everything that can be known. */
static void fill(void)
{
	memset(&d, 0, sizeof d);
	memset(&tunnel, 0, sizeof tunnel);
	d.management = (struct management *)&d;
	strcpy(d.hello.profile_name, "/etc/a.ovpn");
	strcpy(d.hello.interface, "tun7");
	strcpy(d.remotes.remote.host, "vpn.example");
	net_endpoint_parse("192.0.2.1:1194/udp", &d.remotes.endpoint);
	strcpy(d.reason, "of the tunnel");
	strcpy(d.gate_text, "of the gate");
	strcpy(d.notice, "beside it");
	d.since = 1000000000;
	d.hello.boot_locked_at = 1000000001;
	d.counted = true;
	d.in = 12;
	d.out = 34;
	d.blocked = 56;
	d.tunnel.attempts = 3;
	d.tunnel.deadline = 5001;
	net_address_parse("10.8.0.2", &tunnel.address4);
	net_address_parse("fd00::2", &tunnel.address6);
	net_address_parse("10.8.0.1", &tunnel.dns[0]);
	net_address_parse("fd00::1", &tunnel.dns[WIRE_SERVERS - 1]);
}

static void test_each_state(void **state)
{
	(void)state;
	journal[0] = '\0';
	fill();
	for (int tunnel_state = 0; tunnel_state < TUNNEL_STATES; tunnel_state++) {
		d.tunnel.state = tunnel_state;
		show(1000);
	}
	d.tunnel.state = TUNNEL_WAITING;
	for (uint64_t now = 4000; now <= 6000; now += 1000)
		show(now);
	for (int gate = GATE_LOCKED; gate <= GATE_UNPROTECTED; gate++) {
		d.gate = (uint32_t)gate;
		show(5000);
	}
	d.gate = GATE_LOCKED;
	d.reason[0] = '\0';
	show(5000);
	d.notice[0] = '\0';
	show(5000);
	strcpy(d.reason, "of the tunnel");
	show(5000);
	/* What is missing while it is connected; nothing of it while it is not, or where the gate has a
	 * reason. */
	d.tunnel.state = TUNNEL_CONNECTED;
	unanswered = 9;
	show(5000);
	strcpy(d.notice, "beside it");
	show(5000);
	d.way = (struct way){.active = true, .gone_at = 7};
	show(5000);
	d.gate = GATE_PAUSED;
	show(5000);
	d.gate = GATE_LOCKED;
	d.way.active = false;
	d.tunnel.state = TUNNEL_WAITING;
	show(5000);
	unanswered = 0;
	memset(&d, 0, sizeof d);
	show(5000);
	fill();
	strcpy(d.reason, "\xc3\xa9, as UTF-8 has it");
	strcpy(d.hello.profile_name, "/etc/\xff.ovpn");
	show(5000);
	strcpy(d.login.question, "Enter the code");
	strcpy(d.login.url, "https://sso.example/x");
	show(5000);
	assert_golden("tests/golden/status", journal);
}

static void ask(void)
{
	free(driver_status(&d, 5000));
}

static void test_no_leak(void **state)
{
	(void)state;
	fill();
	d.tunnel.state = TUNNEL_CONNECTED;
	assert_no_leak("a status", ask());
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void test_no_memory(void **state)
{
	(void)state;
	fill();
	json_set_alloc_funcs(no_memory, free);
	assert_null(driver_status(&d, 0));
	json_set_alloc_funcs(malloc, free);
	show(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_state), cmocka_unit_test(test_no_leak),
					   cmocka_unit_test(test_no_memory)};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
