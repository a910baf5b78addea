/* A child of the daemon does not keep the daemon's signal handlers. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/process/child.h"

/* As libevent does: what a handler hears goes into a pipe that a fork copies. */
static int heard[2];

static void hear(int number)
{
	char byte = (char)number;

	(void)!write(heard[1], &byte, 1);
}

/* How a child ends that asks for its own end; and whether this process was told of a signal. */
static int end_of(pid_t (*forks)(void), int number, bool *told)
{
	pid_t pid;
	char byte;
	int status = 0;

	assert_int_equal(pipe(heard), 0);
	pid = forks();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		raise(number);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(heard[1]);
	*told = read(heard[0], &byte, 1) == 1;
	close(heard[0]);
	return status;
}

static void test_signal_of_a_child_is_its_own(void **state)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	bool told = false;

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		void (*before)(int) = signal(numbers[i], hear);
		int status = end_of(fork, numbers[i], &told);

		assert_true(told && WIFEXITED(status)); /* the control */
		status = end_of(child_fork, numbers[i], &told);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
		assert_false(told);
		signal(numbers[i], before);
	}
}

static int alarms, hold[2];

static void on_alarm(int number)
{
	(void)number;
	if (++alarms == 3)
		(void)!write(hold[1], "x", 1);
}

/* A signal is no end of waiting, and what is no child of ours is said. */
static void test_a_child_is_waited_for(void **state)
{
	const struct sigaction interrupts = {.sa_handler = on_alarm};
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct sigaction before;
	int status = 0;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(hold), 0);
	assert_int_equal(sigaction(SIGALRM, &interrupts, &before), 0);
	pid = child_fork();
	if (pid == 0) /* ends when the wait for it has been interrupted three times */
		_exit(read(hold[0], &byte, 1) == 1 ? 7 : 1);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(child_reap(pid, &status), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(alarms >= 3 && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(child_reap(pid, &status), -1);
	assert_int_equal(status, -1);
	sigaction(SIGALRM, &before, NULL);
	close(hold[0]);
	close(hold[1]);
}

static void test_mask_is_as_before(void **state)
{
	sigset_t mask;
	int status = 0;
	pid_t pid;

	(void)state;
	pid = child_fork();
	assert_int_not_equal(pid, -1);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (pid == 0)
		_exit(sigismember(&mask, SIGTERM));
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signal_of_a_child_is_its_own),
	    cmocka_unit_test(test_mask_is_as_before),
	    cmocka_unit_test(test_a_child_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
