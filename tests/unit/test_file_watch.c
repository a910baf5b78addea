/* The file watch port on Linux, with real folders: what is reported, of which file, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/file_watch.h"
#include "ways.h"

static int test_inotify(int flags)
{
	return fails("inotify_init1") ? -1 : inotify_init1(flags);
}

static int test_add(int fd, const char *path, uint32_t mask)
{
	return fails("inotify_add_watch") ? -1 : inotify_add_watch(fd, path, mask);
}

static int test_remove(int fd, int number)
{
	say("removed");
	return inotify_rm_watch(fd, number);
}

static struct event *test_event(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
				void *argument)
{
	return fails("event_new") ? NULL : event_new(base, fd, what, cb, argument);
}

static void *own_calloc(size_t count, size_t size)
{
	return fails("calloc") ? NULL : calloc(count, size);
}

#define inotify_init1 test_inotify
#define inotify_add_watch test_add
#define inotify_rm_watch test_remove
#define event_new test_event
#define calloc own_calloc
#include "os/host/file_watch_linux.c"
#undef inotify_init1
#undef inotify_add_watch
#undef inotify_rm_watch
#undef event_new
#undef calloc

static char top[64], paths[3][256];
static struct event_base *base;
static struct file_watch *watch;
static unsigned told;
static struct err e;

static void note(unsigned which, void *argument)
{
	assert_ptr_equal(argument, &told);
	told |= which;
}

/* What was reported since. */
static unsigned reported(void)
{
	told = 0;
	event_base_loop(base, EVLOOP_NONBLOCK);
	return told;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *in(const char *name)
{
	static char both[2][256]; /* two at a time */
	static unsigned next;
	char *path = both[next++ % 2];

	snprintf(path, sizeof both[0], "%s/%s", top, name);
	return path;
}

static int watch_them(void)
{
	const char *const list[] = {paths[0], paths[1], paths[2]};

	return file_watch_set(watch, list, 3, &e);
}

static int setup(void **state)
{
	(void)state;
	so = "";
	journal[0] = failed[0] = '\0';
	strcpy(top, "/tmp/portcullis-watch.XXXXXX");
	assert_non_null(mkdtemp(top));
	assert_int_equal(mkdir(in("a"), 0700), 0);
	snprintf(paths[0], sizeof paths[0], "%s/a/one", top);
	snprintf(paths[1], sizeof paths[1], "%s/a/two", top);
	paths[2][0] = '\0';
	put(paths[0], "1");
	put(paths[1], "2");
	base = event_base_new();
	watch = file_watch_open(base, note, &told, &e);
	assert_non_null(watch);
	assert_int_equal(watch_them(), 0);
	assert_int_equal(reported(), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	so = "";
	file_watch_close(watch);
	event_base_free(base);
	snprintf(command, sizeof command, "rm -r %s", top);
	assert_int_equal(system(command), 0);
	return 0;
}

/* Written in place, replaced, its mode changed, removed, created; another file beside it. */
static void test_each_change(void **state)
{
	FILE *file;

	(void)state;
	file = fopen(paths[0], "a");
	fputs("more", file);
	fflush(file);
	assert_int_equal(reported(), 1);
	fclose(file);
	assert_int_equal(reported(), 1);
	put(in("fresh"), "1");
	assert_int_equal(rename(in("fresh"), paths[1]), 0);
	assert_int_equal(reported(), 2);
	chmod(paths[0], 0644);
	assert_int_equal(reported(), 1);
	unlink(paths[0]);
	unlink(paths[1]);
	assert_int_equal(reported(), 3);
	put(paths[0], "");
	assert_int_equal(reported(), 1);
	assert_int_equal(rename(paths[0], in("away")), 0);
	assert_int_equal(reported(), 1);
	put(in("a/other"), "");
	put(in("a/on"), "");
	assert_int_equal(reported(), 0);
	/* Reading one is no change. */
	file = fopen(paths[0], "r");
	assert_null(file);
	assert_int_equal(reported(), 0);
}

/* What was not read yet is not lost, and no folder is taken off that is watched still. */
static void test_set_again(void **state)
{
	(void)state;
	put(paths[0], "3");
	assert_int_equal(watch_them(), 0);
	assert_string_equal(journal, "");
	assert_int_equal(reported(), 1);
	snprintf(paths[0], sizeof paths[0], "%s/b", top);
	paths[1][0] = '\0';
	assert_int_equal(watch_them(), 0);
	assert_non_null(strstr(journal, "removed"));
	assert_int_equal(reported(), 0); /* that it was taken off is no change */
	put(in("a/one"), "4");
	assert_int_equal(reported(), 0);
	put(paths[0], "5");
	assert_int_equal(reported(), 1);
}

/* The folder goes, and comes again, one above the other. */
static void test_folders(void **state)
{
	(void)state;
	assert_int_equal(rename(in("a"), in("b")), 0);
	assert_int_equal(reported(), 3);
	snprintf(paths[0], sizeof paths[0], "%s/a/deep/one", top);
	paths[1][0] = '\0';
	assert_int_equal(watch_them(), 0);
	put(in("deep"), "");
	assert_int_equal(reported(), 0);
	assert_int_equal(mkdir(in("a"), 0700), 0);
	assert_int_equal(reported(), 1);
	assert_int_equal(watch_them(), 0);
	assert_int_equal(mkdir(in("a/deep"), 0700), 0);
	assert_int_equal(reported(), 1);
	assert_int_equal(watch_them(), 0);
	put(paths[0], "");
	assert_int_equal(reported(), 1);
	unlink(paths[0]);
	assert_int_equal(reported(), 1);
	assert_int_equal(rmdir(in("a/deep")), 0);
	assert_int_equal(reported(), 1);
}

/* Too many at once: any of them may have changed. */
static void test_overflow(void **state)
{
	struct inotify_event event = {.wd = -1, .mask = IN_Q_OVERFLOW};
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(write(pair[1], &event, sizeof event), sizeof event);
	told = 0;
	inotify_cb(pair[0], EV_READ, watch);
	assert_int_equal(told, (1U << FILE_WATCH_FILES) - 1);
	close(pair[0]);
	close(pair[1]);
}

static void test_what_can_not_be(void **state)
{
	static const char *const ways[] = {"!calloc", "!inotify_init1", "!event_new"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		so = ways[i];
		e.text[0] = '\0';
		assert_null(file_watch_open(base, note, &told, &e));
		assert_memory_equal(e.text, "watching files", 14);
	}
	so = "!inotify_add_watch";
	assert_int_equal(watch_them(), -1);
	assert_non_null(strstr(e.text, "/a/two can't be watched"));
	so = "!inotify_add_watch-once"; /* then the folder above is */
	assert_int_equal(watch_them(), 0);
	so = "";
	file_watch_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_change), TEST(test_set_again), TEST(test_folders),
					   TEST(test_overflow), TEST(test_what_can_not_be)};

	return cmocka_run_group_tests_name("file watch", tests, NULL, NULL);
}
