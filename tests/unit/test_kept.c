/* What is kept of refused log-ins: whole or nothing, and only for the same credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "driver/login/kept.h"

enum { SIZE = 48 + KEPT_REASON, CHECKED = SIZE - 8 };

/* What a file is told to be; NULL: what it is. */
static const struct stat *told;

int fstat(int fd, struct stat *status)
{
	int (*real)(int, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "fstat");
	if (told == NULL)
		return real(fd, status);
	*status = *told;
	return 0;
}

/* FNV-1a, from its description. */
static const uint64_t fnv_basis = 0xcbf29ce484222325, fnv_prime = 0x100000001b3;

static uint64_t fnv(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		hash ^= ((const unsigned char *)bytes)[i];
		hash *= fnv_prime;
	}
	return hash;
}

static int lines;

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)room, (void)format;
	assert_int_equal(level, LOG_WARN);
	lines++;
}

static const struct kept full = {{7, 2, 3}, 1, 2000000000, "it was refused"};

static int file_with(const struct kept *kept)
{
	int fd = memfd_create("kept", MFD_CLOEXEC);

	assert_true(fd != -1);
	if (kept != NULL)
		kept_save(fd, 77, kept);
	return fd;
}

static void test_there_and_back(void **state)
{
	struct kept none, got;
	int fd = file_with(&full);
	struct stat status;

	(void)state;
	memset(&none, 0, sizeof none);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, SIZE);
	assert_true(kept_load(fd, 77, &got));
	assert_memory_equal(&got, &full, sizeof got);
	assert_false(kept_load(fd, 78, &got)); /* other credentials */
	assert_memory_equal(&got, &none, sizeof got);
	kept_save(fd, 77, &none);
	assert_false(kept_load(fd, 77, &got));
	close(fd);
	fd = file_with(NULL);
	assert_false(kept_load(fd, 77, &got));
	close(fd);
	fd = open("/dev/null", O_RDWR);
	lines = 0;
	kept_save(fd, 77, &full);
	assert_int_equal(lines, 0);
	assert_false(kept_load(fd, 77, &got));
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	kept_save(fd, 77, &full);
	assert_int_equal(lines, 1);
	close(fd);
}

/* Each bit of it matters, and each length. */
static void test_torn(void **state)
{
	unsigned char bytes[SIZE];
	struct kept got;
	int fd = file_with(&full);

	(void)state;
	assert_int_equal(pread(fd, bytes, SIZE, 0), SIZE);
	for (size_t i = 0; i < SIZE * 8; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
		assert_false(kept_load(fd, 77, &got));
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	assert_true(kept_load(fd, 77, &got)); /* control */
	for (int length = 0; length < SIZE; length++) {
		assert_int_equal(ftruncate(fd, length), 0);
		assert_false(kept_load(fd, 77, &got));
	}
	close(fd);
}

/* Whole, but of another version of the file. */
static void test_another_mark(void **state)
{
	unsigned char bytes[SIZE];
	struct kept got;
	uint64_t check;
	int fd = file_with(&full);

	(void)state;
	assert_int_equal(pread(fd, bytes, SIZE, 0), SIZE);
	check = fnv(fnv_basis, bytes, CHECKED);
	assert_memory_equal(bytes + CHECKED, &check, sizeof check); /* control */
	bytes[7]++;
	check = fnv(fnv_basis, bytes, CHECKED);
	memcpy(bytes + CHECKED, &check, sizeof check);
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	assert_false(kept_load(fd, 77, &got));
	close(fd);
}

static void fill_the_stack(void)
{
	volatile char noise[4096];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = 0x55;
}

/* Nothing of the driver's memory is in the file. */
static void test_nothing_else_is_kept(void **state)
{
	unsigned char bytes[SIZE];
	int fd;

	(void)state;
	fill_the_stack();
	fd = file_with(&full);
	assert_int_equal(pread(fd, bytes, SIZE, 0), SIZE);
	for (size_t i = 40 + sizeof "it was refused"; i < CHECKED; i++)
		assert_int_equal(bytes[i], 0);
	close(fd);
}

/* Numbers that we never write are brought within their bounds. */
static void test_strange(void **state)
{
	const struct kept strange = {{UINT32_MAX, UINT32_MAX, UINT32_MAX}, 7, -1, "x"};
	struct kept got;
	int fd = file_with(&strange);

	(void)state;
	assert_true(kept_load(fd, 77, &got));
	assert_int_equal(got.refusals.round, REFUSALS_ROUND);
	assert_int_equal(got.refusals.waits, REFUSALS_WAITS + 1);
	assert_int_equal(got.stopped, 1);
	close(fd);
}

/* A clock that was set makes no wait longer than the longest. */
static void test_what_is_left(void **state)
{
	struct kept kept = {.until = 1000};

	(void)state;
	assert_int_equal(kept_left(&kept, 999), 1000);
	assert_int_equal(kept_left(&kept, 1000), 0);
	assert_int_equal(kept_left(&kept, 5000), 0);
	assert_int_equal(kept_left(&kept, 100), 900000);
	assert_int_equal(kept_left(&kept, 99), 900000);
	assert_int_equal(kept_left(&kept, 101), 899000);
	kept.until = 0;
	assert_int_equal(kept_left(&kept, -50), 0);
}

static void test_whose_it_is(void **state)
{
	char path[] = "/tmp/kept-XXXXXX";
	int fd = mkstemp(path), nameless = memfd_create("x", MFD_CLOEXEC),
	    other = memfd_create("y", MFD_CLOEXEC), null = open("/dev/null", O_RDONLY);
	const int files[] = {fd, -1}, memory[] = {nameless, -1}, memories[] = {other, -1},
		  none[] = {null, -1};
	uint64_t of = kept_identity(files, "bob", "remote", 6);

	(void)state;
	assert_true(of == kept_identity(files, "bob", "remote", 6));
	assert_true(of != kept_identity(files, "bobr", "emote", 5));
	assert_true(of != kept_identity(files, "bob", "remota", 6));
	assert_true(of != kept_identity(none, "bob", "remote", 6));
	/* What has no name is the same if it has the same size. */
	of = kept_identity(memory, "bob", "remote", 6);
	assert_true(of == kept_identity(memories, "bob", "remote", 6));
	assert_int_equal(ftruncate(other, 5), 0);
	assert_true(of != kept_identity(memories, "bob", "remote", 6));
	/* A file that was written to is another. */
	of = kept_identity(files, "bob", "remote", 6);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(of != kept_identity(files, "bob", "remote", 6));
	unlink(path);
	close(fd), close(nameless), close(other), close(null);
}

static uint64_t identity_of(struct stat status)
{
	static const int files[] = {5, -1};
	uint64_t identity;

	told = &status;
	identity = kept_identity(files, "bob", "remote", 6);
	told = NULL;
	return identity;
}

/* Each of what tells a file from another counts, by itself. */
static void test_what_tells_files_apart(void **state)
{
	static const int nothing[] = {-1}, null[] = {0, -1};
	static const int64_t none[5] = {0};
	struct stat one = {.st_mode = S_IFREG | 0600,
			   .st_nlink = 1,
			   .st_size = 2,
			   .st_ino = 3,
			   .st_dev = 4,
			   .st_mtime = 5,
			   .st_ctime = 6},
		    other;
	uint64_t of = identity_of(one);

	(void)state;
	other = one, other.st_size++;
	assert_true(identity_of(other) != of);
	other = one, other.st_ino++;
	assert_true(identity_of(other) != of);
	other = one, other.st_dev++;
	assert_true(identity_of(other) != of);
	other = one, other.st_mtime++;
	assert_true(identity_of(other) != of);
	other = one, other.st_ctime++;
	assert_true(identity_of(other) != of);
	other = one, other.st_atime++; /* control: that it was read is nothing */
	assert_true(identity_of(other) == of);
	/* By the user's name and the profile alone; what is no file counts as an empty one. */
	assert_true(kept_identity(nothing, "bob", "remote", 6) == fnv(fnv_basis, "bob\0remote", 10));
	one.st_mode = S_IFCHR | 0600;
	told = &one;
	of = kept_identity(null, "", "", 0);
	told = NULL;
	assert_true(of == fnv(fnv(fnv_basis, none, sizeof none), "", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),         cmocka_unit_test(test_torn),
	    cmocka_unit_test(test_another_mark),           cmocka_unit_test(test_nothing_else_is_kept),
	    cmocka_unit_test(test_what_tells_files_apart), cmocka_unit_test(test_strange),
	    cmocka_unit_test(test_what_is_left),           cmocka_unit_test(test_whose_it_is)};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
