/* What the driver knows of the names, when it asks again, and in which order addresses are dialled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "driver/names/known.h"

static struct names names;
static struct canonical_remote remote;

static int setup(void **state)
{
	(void)state;
	memset(&names, 0, sizeof names);
	memset(&remote, 0, sizeof remote);
	strcpy(remote.host, "vpn.example");
	return 0;
}

static struct net_address at(unsigned last)
{
	return (struct net_address){NET_IPV4, {192, 0, 2, (uint8_t)last}};
}

static struct wire_name name_of(const char *host, unsigned fresh, unsigned good)
{
	struct wire_name name;

	memset(&name, 0, sizeof name);
	strcpy(name.host, host);
	for (unsigned i = 0; i < fresh; i++)
		name.fresh[i] = at(1 + i);
	for (unsigned i = 0; i < good; i++)
		name.good[i] = at(101 + i);
	return name;
}

static void store(const char *host, unsigned fresh, unsigned good)
{
	const struct wire_name name = name_of(host, fresh, good);

	names_store(&names, &name);
}

static const char *order(void)
{
	static char text[256];
	size_t used = 0;

	names_add(&names, &remote);
	text[0] = '\0';
	for (size_t i = 0; i < remote.address_count; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof text - used, "%u ", remote.addresses[i].bytes[3]);
	return text;
}

static void imported(unsigned count)
{
	remote.address_count = count;
	for (unsigned i = 0; i < count; i++)
		remote.addresses[i] = at(201 + i);
}

static void test_order(void **state)
{
	(void)state;
	imported(2);
	assert_string_equal(order(), "201 202 ");
	store("other.example", 2, 2);
	assert_string_equal(order(), "201 202 ");
	store("vpn.example", 2, 1);
	imported(2);
	assert_string_equal(order(), "1 2 101 201 202 ");
	/* Each once, where it comes first. */
	imported(2);
	remote.addresses[0] = at(2);
	assert_string_equal(order(), "1 2 101 202 ");
	store("vpn.example", 0, 0);
	imported(1);
	assert_string_equal(order(), "201 ");
	imported(0);
	assert_string_equal(order(), "");
	/* However much is fresh: what was good has its place. */
	store("vpn.example", 16, 4);
	imported(2);
	assert_string_equal(order(), "1 2 3 4 5 6 7 8 9 10 11 12 101 102 103 104 ");
}

static void test_as_many_as_there_is_room_for(void **state)
{
	char host[32];

	(void)state;
	for (unsigned i = 0; i < WIRE_NAMES + 3; i++) {
		snprintf(host, sizeof host, "vpn%u.example", i);
		store(host, 1, 0);
	}
	assert_int_equal(names.count, WIRE_NAMES);
	strcpy(remote.host, "vpn16.example");
	imported(1);
	assert_string_equal(order(), "201 ");
	strcpy(remote.host, "vpn15.example");
	assert_string_equal(order(), "1 201 ");
}

static void test_what_is_new(void **state)
{
	(void)state;
	assert_false(names.changed);
	store("vpn.example", 1, 0);
	assert_true(names.changed);
	names.changed = false;
	store("vpn.example", 1, 0);
	assert_false(names.changed);
	store("vpn.example", 2, 0);
	assert_true(names.changed);
	assert_int_equal(names.count, 1);
}

static void test_when(void **state)
{
	uint64_t now = 5000, pause = NAMES_AGAIN;

	(void)state;
	assert_true(names_are_due(&names, now));
	assert_false(names_are_awaited(&names, now));
	assert_false(names_are_recent(&names, now));
	names_ask(&names, now);
	assert_true(names_are_awaited(&names, now));
	assert_false(names_are_due(&names, now));
	assert_false(names_are_recent(&names, now));
	assert_true(names_are_awaited(&names, now + NAMES_PATIENCE - 1));
	assert_false(names_are_awaited(&names, now + NAMES_PATIENCE));
	names_answered(&names, "");
	assert_false(names_are_awaited(&names, now));
	assert_false(names_are_due(&names, now + NAMES_AGAIN - 1));
	assert_true(names_are_due(&names, now + NAMES_AGAIN));
	assert_true(names_are_recent(&names, now + NAMES_RECENT - 1));
	assert_false(names_are_recent(&names, now + NAMES_RECENT));
	/* In vain: 1, 2, 4, 8, 16 minutes, and no longer. */
	for (unsigned i = 1; i < 8; i++) {
		names_ask(&names, now);
		names_answered(&names, "it is silent");
		assert_string_equal(names.why, "it is silent");
		assert_false(names_are_recent(&names, now));
		assert_false(names_are_due(&names, now + pause - 1));
		assert_true(names_are_due(&names, now + pause));
		pause = pause * 2 < NAMES_AGAIN_MAX ? pause * 2 : NAMES_AGAIN_MAX;
	}
	names_answered(&names, "");
	assert_string_equal(names.why, "");
	assert_true(names_are_due(&names, now + NAMES_AGAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_order, setup),
					   cmocka_unit_test_setup(test_as_many_as_there_is_room_for, setup),
					   cmocka_unit_test_setup(test_what_is_new, setup),
					   cmocka_unit_test_setup(test_when, setup)};

	return cmocka_run_group_tests_name("driver names", tests, NULL, NULL);
}
