/* Which servers failed: kept whole or not at all, for a time, and never more than the order follows from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/kept/outcomes.h"

enum { SIZE = 16 + OUTCOMES * 32, NOW = 2000000000, DAY = 86400 };

static int lines;
static struct outcomes outcomes;

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)room, (void)format;
	assert_int_equal(level, LOG_WARN);
	lines++;
}

static const struct net_endpoint *server(uint16_t port)
{
	static struct net_endpoint endpoint;

	endpoint =
	    (struct net_endpoint){.address = {NET_IPV4, {192, 0, 2, 1}}, .proto = NET_UDP, .port = port};
	return &endpoint;
}

static int begin(void **state)
{
	(void)state;
	memset(&outcomes, 0, sizeof outcomes);
	return 0;
}

/* Each failure doubles the time; one good attempt ends it. */
static void test_how_long(void **state)
{
	static const int64_t minutes[] = {10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280};

	(void)state;
	assert_false(outcomes_is_dead(&outcomes, server(1), NOW));
	assert_false(outcomes_note(&outcomes, server(1), true, NOW)); /* nothing to forget */
	for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
		assert_true(outcomes_note(&outcomes, server(1), false, NOW));
		assert_true(outcomes_is_dead(&outcomes, server(1), NOW));
		assert_true(outcomes_is_dead(&outcomes, server(1), NOW + minutes[i] * 60 - 1));
		assert_false(outcomes_is_dead(&outcomes, server(1), NOW + minutes[i] * 60));
		/* A clock that was set back, too. */
		assert_true(outcomes_is_dead(&outcomes, server(1), NOW - minutes[i] * 60 + 1));
		assert_false(outcomes_is_dead(&outcomes, server(1), NOW - minutes[i] * 60));
	}
	assert_false(outcomes_is_dead(&outcomes, server(2), NOW));
	assert_true(outcomes_note(&outcomes, server(1), true, NOW));
	assert_false(outcomes_is_dead(&outcomes, server(1), NOW));
}

/* The oldest makes room for the latest. */
static void test_many(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= OUTCOMES; i++)
		outcomes_note(&outcomes, server(i), false, i == 7 ? NOW - 5 : NOW);
	assert_true(outcomes_is_dead(&outcomes, server(7), NOW));
	outcomes_note(&outcomes, server(1000), false, NOW);
	assert_true(outcomes_is_dead(&outcomes, server(1000), NOW));
	for (uint16_t i = 1; i <= OUTCOMES; i++)
		assert_int_equal(outcomes_is_dead(&outcomes, server(i), NOW), i != 7);
	/* One that was good leaves its place to the next. */
	outcomes_note(&outcomes, server(9), true, NOW);
	outcomes_note(&outcomes, server(1001), false, NOW);
	for (uint16_t i = 1; i <= OUTCOMES; i++)
		assert_int_equal(outcomes_is_dead(&outcomes, server(i), NOW), i != 7 && i != 9);
}

static bool is_odd(const void *in, const struct net_endpoint *endpoint)
{
	assert_ptr_equal(in, &outcomes);
	return endpoint->port % 2 == 1;
}

static void test_those_of_the_profile(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 10; i++)
		outcomes_note(&outcomes, server(i), false, NOW);
	outcomes_prune(&outcomes, is_odd, &outcomes);
	for (uint16_t i = 1; i <= 10; i++)
		assert_int_equal(outcomes_is_dead(&outcomes, server(i), NOW), i % 2);
}

static void test_there_and_back(void **state)
{
	int fd = memfd_create("servers", MFD_CLOEXEC);
	struct outcomes got, none;
	unsigned char bytes[SIZE];
	struct stat status;

	(void)state;
	memset(&none, 0, sizeof none);
	memset(&got, 0x55, sizeof got);
	outcomes_load(&got, fd);
	assert_memory_equal(&got, &none, sizeof got);
	outcomes_note(&outcomes, server(1), false, NOW);
	outcomes_note(&outcomes, server(2), false, NOW);
	outcomes_save(&outcomes, fd);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, SIZE);
	outcomes_load(&got, fd);
	assert_memory_equal(&got, &outcomes, sizeof got);
	/* Torn or strange: any bit, any length. */
	assert_int_equal(pread(fd, bytes, SIZE, 0), SIZE);
	for (size_t i = 0; i < SIZE * 8; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
		outcomes_load(&got, fd);
		assert_memory_equal(&got, &none, sizeof got);
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	outcomes_load(&got, fd);
	assert_memory_equal(&got, &outcomes, sizeof got); /* control */
	assert_int_equal(ftruncate(fd, SIZE - 1), 0);
	outcomes_load(&got, fd);
	assert_memory_equal(&got, &none, sizeof got);
	close(fd);
}

/* Whoever writes the file can make it say anything: it is dead, or it is not. */
static void test_poisoned(void **state)
{
	static const int64_t times[] = {INT64_MIN, -1, 0, NOW, INT64_MAX};

	(void)state;
	outcomes_note(&outcomes, server(1), false, NOW);
	outcomes.list[0].failures = UINT32_MAX;
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 5; j++) {
			outcomes.list[0].when = times[i];
			assert_int_equal(outcomes_is_dead(&outcomes, server(1), times[j]),
					 i == j || (times[i] / DAY == 0 && times[j] / DAY == 0));
		}
	}
	assert_true(outcomes_note(&outcomes, server(1), false, NOW));
	assert_int_equal(outcomes.list[0].failures, UINT32_MAX);
}

static void test_what_takes_nothing(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	lines = 0;
	outcomes_save(&outcomes, fd);
	assert_int_equal(lines, 0);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	outcomes_save(&outcomes, fd);
	assert_int_equal(lines, 1);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_how_long),       TEST(test_many),     TEST(test_those_of_the_profile),
	    TEST(test_there_and_back), TEST(test_poisoned), TEST(test_what_takes_nothing)};

	return cmocka_run_group_tests_name("outcomes", tests, NULL, NULL);
}
