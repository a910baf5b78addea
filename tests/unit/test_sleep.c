/* The sleep port on Linux, with clocks that the test sets: sleep is reported, setting the clock is not. */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t asleep_ms, armed;
static int read_errno;

static int test_clock(clockid_t clock, struct timespec *now)
{
	int64_t ms = 1000000 + (clock == CLOCK_BOOTTIME ? asleep_ms : 0);

	*now = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return 0;
}

static ssize_t test_read(int descriptor, void *to, size_t size)
{
	(void)descriptor, (void)to, (void)size;
	errno = read_errno;
	return -1;
}

static int test_settime(int descriptor, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	armed++;
	return timerfd_settime(descriptor, flags, when, old); /* the real one takes what we give it */
}

#define clock_gettime test_clock
#define read test_read
#define timerfd_settime test_settime
#include "os/host/clock_unix.c"
#include "os/host/sleep_linux.c"
#undef clock_gettime
#undef read
#undef timerfd_settime

static uint64_t slept;

static void count(uint64_t ms, void *argument)
{
	slept = ms;
	++*(int *)argument;
}

static void test_tells_sleep_from_a_set_clock(void **state)
{
	struct event_base *base = event_base_new();
	struct sleep_watch *watch;
	struct err e = {""};
	int woke = 0;

	(void)state;
	asleep_ms = 5000; /* before us: no news */
	armed = 0;
	watch = sleep_open(base, count, &woke, &e);
	assert_non_null(watch);
	assert_int_equal(armed, 1);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(woke, 0);

	read_errno = ECANCELED;
	cancelled_cb(-1, EV_READ, watch); /* somebody set the clock */
	assert_int_equal(woke, 0);
	assert_int_equal(armed, 2); /* armed anew, or the next one would be missed */

	asleep_ms += 60000;
	cancelled_cb(-1, EV_READ, watch);
	assert_int_equal(woke, 1);
	assert_int_equal(slept, 60000);
	cancelled_cb(-1, EV_READ, watch); /* once for each sleep */
	assert_int_equal(woke, 1);

	read_errno = EAGAIN;
	asleep_ms += 60000;
	cancelled_cb(-1, EV_READ, watch); /* nothing was cancelled */
	assert_int_equal(woke, 1);
	read_errno = ECANCELED;
	cancelled_cb(-1, EV_READ, watch); /* since it was last told */
	assert_int_equal(woke, 2);
	assert_int_equal(slept, 60000);
	sleep_close(watch);
	sleep_close(NULL);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tells_sleep_from_a_set_clock)};

	return cmocka_run_group_tests_name("sleep", tests, NULL, NULL);
}
