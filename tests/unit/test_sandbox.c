/* The sandbox: what is not on its list kills; what is, works. Each case is a
 * child of its own. Needs root, as the driver's first line does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/host/chance.h"
#include "os/process/peer.h"
#include "os/process/sandbox/sandbox.h"
#include "os/process/sandbox/sandbox_calls.h"

enum { NOBODY = 64123, WENT_WELL = 7 };

typedef void body_fn(void);

/* A child that drops, enters and does `body`: its wait status. */
static int in_sandbox(enum sandbox_program program, body_fn *body)
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0) {
		struct err e;

		if (sandbox_drop(NOBODY, NOBODY, &e) == -1 || sandbox_enter(program, &e) == -1)
			_exit(1);
		body();
		_exit(WENT_WELL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void do_nothing(void)
{
}

static void do_open(void)
{
	if (open("/etc/passwd", O_RDONLY) == -1)
		_exit(2);
}

static void do_socket(void)
{
	socket(AF_INET, SOCK_DGRAM, 0);
}

static void do_fork(void)
{
	fork();
}

static void do_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void do_kill(void)
{
	kill(getppid(), 0);
}

static void do_executable_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_accept(void)
{
	accept4(0, NULL, NULL, 0);
}

static void do_signal_itself(void)
{
	raise(SIGKILL);
}

static void assert_killed(enum sandbox_program program, body_fn *body)
{
	int status = in_sandbox(program, body);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void refuses(bool refused)
{
	if (!refused)
		_exit(2);
}

static void do_what_a_module_may(void)
{
	int fd = open("/etc/passwd", O_RDONLY), local = socket(AF_UNIX, SOCK_STREAM, 0);
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	refuses(fd != -1 && local != -1 && code != MAP_FAILED);
}

static void do_what_it_may_not(void)
{
	static const int families[] = {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		refuses(socket(families[i], SOCK_DGRAM, 0) == -1 && errno == EPERM);
	refuses(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name) == -1 &&
		errno == EPERM);
	refuses(execl("/bin/true", "true", (char *)NULL) == -1 && errno == EPERM);
	refuses(kill(getpid(), 0) == -1 && errno == EPERM);
	refuses(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	refuses(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
}

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("skipped: not root\n");
	return false;
}

static void test_violations_kill(void **state)
{
	(void)state;
	if (!is_root())
		skip();
	assert_int_equal(in_sandbox(SANDBOX_TOKEN, do_what_a_module_may), WENT_WELL << 8);
	assert_int_equal(in_sandbox(SANDBOX_TOKEN, do_what_it_may_not), WENT_WELL << 8);
	/* The control: the same child without the forbidden call goes well. */
	assert_int_equal(in_sandbox(SANDBOX_DRIVER, do_nothing), WENT_WELL << 8);
	assert_int_equal(in_sandbox(SANDBOX_VET, do_nothing), WENT_WELL << 8);
	assert_killed(SANDBOX_DRIVER, do_socket);
	assert_killed(SANDBOX_VET, do_socket);
	assert_killed(SANDBOX_DRIVER, do_exec);
	assert_killed(SANDBOX_VET, do_exec);
	assert_killed(SANDBOX_DRIVER, do_kill);
	assert_killed(SANDBOX_VET, do_accept);
	/* Sanitizers need these themselves: their build has a longer list. */
	if (sandbox_more_calls != NULL)
		return;
	assert_killed(SANDBOX_DRIVER, do_open);
	assert_killed(SANDBOX_VET, do_open);
	assert_killed(SANDBOX_DRIVER, do_fork);
	assert_killed(SANDBOX_VET, do_fork);
	assert_int_equal(in_sandbox(SANDBOX_SIGN, do_nothing), WENT_WELL << 8);
	assert_killed(SANDBOX_SIGN, do_open);
	assert_killed(SANDBOX_SIGN, do_socket);
	assert_killed(SANDBOX_SIGN, do_fork);
	assert_killed(SANDBOX_SIGN, do_exec);
	assert_killed(SANDBOX_SIGN, do_kill);
	assert_killed(SANDBOX_SIGN, do_accept);
	assert_killed(SANDBOX_DRIVER, do_executable_memory);
	assert_killed(SANDBOX_DRIVER, do_signal_itself);
}

/* What the driver needs: memory of all sizes, the loop, the clock, its files. */
static void use_everything(void)
{
	static struct epoll_event event;
	struct timespec now;
	char byte = 'x';
	char *memory = malloc(10);
	int copy = dup(1);

	memory = realloc(memory, 4 << 20);
	memset(memory, 1, 4 << 20);
	memory = realloc(memory, 9 << 20);
	free(memory);
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* The kernel's luck: twice the same is one in four thousand millions. */
	if (chance() == chance())
		_exit(4);
	if (copy == -1 || epoll_wait(3, &event, 1, 0) == 0 || pread(4, &byte, 1, 0) != 1 || now.tv_sec == 0)
		_exit(3);
	close(copy);
}

static void test_driver_may(void **state)
{
	int file, loop;

	(void)state;
	if (!is_root())
		skip();
	/* epoll_wait fails on what is no epoll, and that is all: it is allowed. */
	file = memfd_create("x", 0);
	assert_int_equal(write(file, "hello", 5), 5);
	loop = dup(file);
	assert_true(dup2(loop, 3) == 3 && dup2(file, 4) == 4);
	assert_int_equal(in_sandbox(SANDBOX_DRIVER, use_everything), WENT_WELL << 8);
}

static void test_drop(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (!is_root())
		skip();
	if ((pid = fork()) == 0) {
		static const gid_t groups[] = {0, 4};
		struct rlimit core;
		struct err e;
		uid_t uids[3];
		gid_t gids[3];

		if (setgroups(2, groups) == -1 || sandbox_drop(0, 5, &e) == 0 ||
		    sandbox_drop(5, 0, &e) == 0 || sandbox_drop(NOBODY, NOBODY + 1, &e) == -1)
			_exit(1);
		getresuid(&uids[0], &uids[1], &uids[2]);
		getresgid(&gids[0], &gids[1], &gids[2]);
		for (size_t i = 0; i < 3; i++) {
			if (uids[i] != NOBODY || gids[i] != NOBODY + 1)
				_exit(2);
		}
		getrlimit(RLIMIT_CORE, &core);
		if (getgroups(0, NULL) != 0 || setuid(0) == 0 || core.rlim_max != 0)
			_exit(3);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
			_exit(4);
		_exit(open("/proc/1/environ", O_RDONLY) == -1 ? WENT_WELL : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, WENT_WELL << 8);
}

/* A child of the given identity connects; what the kernel says about it. */
static struct peer peer_with(uid_t uid, gid_t gid, size_t count, const gid_t *groups)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* An abstract address by the kernel: nothing in the file system. */
	socklen_t length = sizeof(sa_family_t);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), accepted;
	struct peer peer;
	pid_t pid;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	length = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	if ((pid = fork()) == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (setgroups(count, groups) == -1 || setresgid(gid, gid, gid) == -1 ||
		    setresuid(uid, uid, uid) == -1 || connect(fd, (struct sockaddr *)&address, length) == -1)
			_exit(1);
		pause();
	}
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted != -1);
	assert_int_equal(peer_of(accepted, &peer), 0);
	assert_int_equal(peer.pid, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(accepted);
	close(listener);
	return peer;
}

static void test_peers(void **state)
{
	static const gid_t some[] = {500, 600, 700};
	gid_t many[PEER_GROUPS + 1];
	struct peer peer;

	(void)state;
	if (!is_root())
		skip();
	peer = peer_with(0, 0, 0, NULL);
	assert_true(peer_is_allowed(&peer, -1));
	peer = peer_with(1000, 1000, 3, some);
	assert_int_equal(peer.uid, 1000);
	assert_false(peer_is_allowed(&peer, -1));
	assert_true(peer_is_allowed(&peer, 1000));
	assert_true(peer_is_allowed(&peer, 700));
	assert_false(peer_is_allowed(&peer, 701));
	assert_false(peer_is_allowed(&peer, 0));
	/* More groups than fit: none of them counts. */
	for (gid_t i = 0; i <= PEER_GROUPS; i++)
		many[i] = 2000 + i;
	peer = peer_with(1000, 1000, PEER_GROUPS + 1, many);
	assert_false(peer_is_allowed(&peer, 2000));
	assert_true(peer_is_allowed(&peer, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_violations_kill),
	    cmocka_unit_test(test_driver_may),
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_peers),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
