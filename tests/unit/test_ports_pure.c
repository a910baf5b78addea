/* Small pure parts of macOS' and FreeBSD's ports. The texts of tun(4) are written from if_tuntap.c, which
 * prints them, and ifconfig(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "os/host/sleep_gap.h"
#include "os/route/tun_status.h"

static int32_t pid_of(const char *text)
{
	return tun_status_pid(text, strlen(text));
}

static void test_who_holds_a_tun(void **state)
{
	(void)state;
	assert_int_equal(pid_of("\tOpened by PID 4711\n"), 4711);
	assert_int_equal(pid_of("\tflags=8051\n\tOpened by PID 2147483647\n\tnd6 options=1\n"), 2147483647);
	assert_int_equal(pid_of(""), 0);
	assert_int_equal(pid_of("\n\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID 0\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID 2147483648\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID -1\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID 47 11\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID \n"), 0);
	assert_int_equal(pid_of("\tNot Opened by PID 4711\n"), 0);
	assert_int_equal(pid_of("\tOpened by PID 4711"), 0); /* cut: it may be 47110 */
	assert_int_equal(pid_of("\tOpened by PID 1\n\tOpened by PID 2\n"), 0);
	assert_int_equal(tun_status_pid("\tOpened by PID 1\n\0\tOpened by PID 2\n", 36), 1);
	assert_int_equal(tun_status_pid("\tOpened by PID 1\n", 16), 0);
	assert_int_equal(tun_status_pid("", 0), 0);
}

static uint64_t slept(int64_t through, int64_t awake)
{
	struct sleep_clocks before = {.through = 5000, .awake = 100};
	struct sleep_clocks now = {.through = 5000 + through, .awake = 100 + awake};
	uint64_t result = sleep_gap(&before, now);

	assert_int_equal(before.through, now.through);
	assert_int_equal(before.awake, now.awake);
	return result;
}

static void test_sleep_is_a_gap_between_clocks(void **state)
{
	struct sleep_clocks seen = {0}, now = {0};

	(void)state;
	assert_false(slept(1000, 1000));
	assert_false(slept(1999, 1000));
	assert_int_equal(slept(2000, 1000), 1000);
	assert_int_equal(slept(8 * 3600 * 1000 + 1000, 1000), 8 * 3600 * 1000);
	assert_false(slept(60000, 60000));   /* this process was stopped, not the machine */
	assert_false(slept(-3600000, 1000)); /* a clock that was set back */
	assert_false(slept(0, 1000));
	/* Drift of half a second each time never adds up. */
	for (int i = 0; i < 100; i++) {
		now.through += 1500;
		now.awake += 1000;
		assert_false(sleep_gap(&seen, now));
	}
	seen = (struct sleep_clocks){.through = INT64_MIN, .awake = INT64_MAX};
	now = (struct sleep_clocks){.through = INT64_MAX, .awake = INT64_MIN};
	(void)sleep_gap(&seen, now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_holds_a_tun),
	    cmocka_unit_test(test_sleep_is_a_gap_between_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
