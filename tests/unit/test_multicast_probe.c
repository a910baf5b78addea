/* The probe: it gets out of a link that nothing filters, and of none that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/multicast_probe.h"

static void test_out_of_loopback(void **state)
{
	(void)state;
	assert_true(multicast_gets_out("lo"));
}

static void test_out_of_nothing(void **state)
{
	(void)state;
	assert_false(multicast_gets_out("no-such-link0"));
	assert_false(multicast_gets_out(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_out_of_loopback),
	    cmocka_unit_test(test_out_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
