/* A child with the rights of one user: which user, how long, how much output, and what follows its end. */
#include "profile_test.h"

#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "base/io.h"
#include "ctl/profile/owner.h"

enum { OWNER = 4242 };

static int say(int output, const char *text)
{
	return io_write_all(output, text, strlen(text));
}

static int say_rights(int output, void *argument, struct err *e)
{
	gid_t groups[8];
	char text[128];
	int count = getgroups(8, groups);

	(void)argument;
	(void)e;
	snprintf(text, sizeof text, "%u %u %u %u %d %d", (unsigned)getuid(), (unsigned)geteuid(),
		 (unsigned)getgid(), (unsigned)getegid(), count, count == 1 && groups[0] == getgid());
	return say(output, text);
}

static int say_much(int output, void *argument, struct err *e)
{
	(void)argument;
	(void)e;
	for (int i = 0; i < 100000; i++) {
		if (say(output, "0123456789") == -1)
			return -1;
	}
	return 0;
}

static int refuse(int output, void *argument, struct err *e)
{
	(void)argument;
	say(output, "half of it");
	/* The parent's test output is no place for it. */
	close(STDERR_FILENO);
	return err_set(e, "no");
}

static int hang(int output, void *argument, struct err *e)
{
	(void)output;
	(void)argument;
	(void)e;
	while (pause() == -1)
		;
	return 0;
}

static int crash(int output, void *argument, struct err *e)
{
	(void)output;
	(void)argument;
	(void)e;
	return raise(SIGKILL);
}

static char *run(uid_t owner, owner_work_fn *work, size_t max, struct err *e)
{
	size_t length = 0;
	char *bytes, *text = NULL;

	e->text[0] = '\0';
	if ((bytes = owner_run(owner, 1, work, NULL, max, &length, e)) == NULL)
		return NULL;
	assert_true(length <= max);
	text = calloc(1, length + 1);
	assert_non_null(text);
	memcpy(text, bytes, length);
	free(bytes);
	return text;
}

static void test_rights(void **state)
{
	struct err e;
	char *text;

	(void)state;
	if (geteuid() != 0)
		skip();
	text = run(OWNER, say_rights, 200, &e);
	assert_non_null(text);
	/* Nobody's group for a user without an entry, and no other. */
	assert_string_equal(text, "4242 4242 65534 65534 1 1");
	free(text);
	/* And it was the child's own change. */
	assert_int_equal(geteuid(), 0);
	text = run(0, say_rights, 200, &e);
	assert_string_equal(text, "0 0 0 0 1 1");
	free(text);
}

static void test_only_root_is_somebody_else(void **state)
{
	struct err e;
	char *text;

	(void)state;
	if (geteuid() == 0)
		skip();
	assert_null(run(geteuid() + 1, say_rights, 200, &e));
	text = run(geteuid(), say_rights, 200, &e);
	assert_non_null(text);
	free(text);
}

static void test_ends(void **state)
{
	struct err e;

	(void)state;
	assert_null(run(geteuid(), refuse, 200, &e));
	assert_string_equal(e.text, "");
	assert_null(run(geteuid(), hang, 200, &e));
	assert_non_null(strstr(e.text, "reading took too long; instead: "));
	assert_null(run(geteuid(), crash, 200, &e));
	assert_non_null(strstr(e.text, "was ended by signal 9"));
}

static void test_limit(void **state)
{
	struct err e;
	char *text = run(geteuid(), say_much, 2000000, &e);

	(void)state;
	assert_int_equal(strlen(text), 1000000);
	free(text);
	/* What says more than it may is ended, and nothing of it is taken. */
	assert_null(run(geteuid(), say_much, 1000, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_only_root_is_somebody_else),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
