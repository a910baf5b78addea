/* What the gate keeps in files, and where it listens: names, rights, owners, and what is believed of what
 * lies there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "between.h"
#include "gate/files.h"
#include "gate/gate.h"

static char top[64];
static struct gate gate;
static struct err e;

static void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof command, format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): lines of this file */
}

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", top, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/portcullis-files-XXXXXX");
	assert_non_null(mkdtemp(top));
	memset(&gate, 0, sizeof gate);
	gate.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	gate.control_fd = gate.admin_fd = gate.management_fd = gate.captive_dns_fd = -1;
	strcpy(gate.config.runtime_dir, at("run"));
	strcpy(gate.config.state_dir, at("state"));
	strcpy(gate.config.control_socket, at("sockets/control.sock"));
	strcpy(gate.config.log_file, at("log/portcullis.log"));
	gate.config.log_size = 1024 * 1024;
	gate.config.log_keep = 2;
	gate.config.log_level = LOG_ERROR;
	gate.config.control_gid = -1;
	gate.config.openvpn_group = (struct identity){.known = true, .number = 4242};
	sh("mkdir %s", gate.config.runtime_dir);
	e.text[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	const int all[] = {gate.log_fd, gate.control_fd, gate.admin_fd, gate.management_fd,
			   gate.captive_dns_fd};

	(void)state;
	log_open(STDERR_FILENO, LOG_ERROR);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i] > STDERR_FILENO)
			close(all[i]);
	sh("rm -rf %s", top);
	return 0;
}

static void is(const char *name, unsigned kind, unsigned mode, gid_t gid)
{
	struct stat status;

	assert_int_equal(lstat(at(name), &status), 0);
	assert_int_equal(status.st_mode & S_IFMT, kind);
	assert_int_equal(status.st_mode & 07777, mode);
	assert_int_equal(status.st_uid, 0);
	assert_int_equal(status.st_gid, gid);
}

static bool listens(int fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t length = sizeof address;
	int accepts = 0;
	socklen_t size = sizeof accepts;

	memset(&address, 0, sizeof address);
	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
	       strcmp(address.sun_path, at(name)) == 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts == 1;
}

static void test_names_and_rights(void **state)
{
	(void)state;
	if (files_prepare(&gate, &e) == -1)
		fail_msg("%s", e.text);
	is("state", S_IFDIR, 0700, 0);
	is("log", S_IFDIR, 0755, 0);
	is("sockets", S_IFDIR, 0755, 0);
	is("sockets/control.sock", S_IFSOCK, 0600, 0);
	is("sockets/gate.sock", S_IFSOCK, 0600, 0);
	is("run/openvpn", S_IFDIR, 01770, 4242);
	is("run/openvpn/sock", S_IFSOCK, 0660, 4242);
	assert_true(listens(gate.control_fd, "sockets/control.sock"));
	assert_true(listens(gate.admin_fd, "sockets/gate.sock"));
	assert_true(listens(gate.management_fd, "run/openvpn/sock"));
	assert_true(fcntl(gate.log_fd, F_GETFL) & O_APPEND);
	assert_int_equal(access(at("log/portcullis.log"), F_OK), 0);
	assert_int_equal(gate.state.desired, DESIRED_UP); /* never said otherwise */
	assert_between(gate.boot_locked_at, time(NULL) - 5, time(NULL));
}

static void test_a_group_may_ask(void **state)
{
	(void)state;
	gate.config.control_gid = 4343;
	assert_int_equal(files_prepare(&gate, &e), 0);
	is("sockets/control.sock", S_IFSOCK, 0660, 4343);
	is("sockets/gate.sock", S_IFSOCK, 0600, 0); /* root's alone, whoever may ask */
}

/* A full disk, or a folder that can't be had, must not keep the gate from its work; a socket does. */
static void test_what_is_worth_a_failure(void **state)
{
	(void)state;
	sh("echo >%s", at("log"));
	sh("echo >%s", at("state"));
	assert_int_equal(files_prepare(&gate, &e), 0);
	sh("rm -rf %s", at("sockets"));
	sh("echo >%s", at("sockets"));
	assert_int_equal(files_prepare(&gate, &e), -1);
	assert_true(e.text[0] != '\0');
	sh("rm -rf %s", at("sockets"));
	sh("rm -rf %s/openvpn", gate.config.runtime_dir);
	sh("echo >%s/openvpn", gate.config.runtime_dir);
	e.text[0] = '\0';
	assert_int_equal(files_prepare(&gate, &e), -1);
	assert_true(e.text[0] != '\0');
	sh("rm %s/openvpn", gate.config.runtime_dir);
	sh("mkdir -p %s/openvpn/sock/x", gate.config.runtime_dir);
	assert_int_equal(files_prepare(&gate, &e), -1);
}

static enum gate_desired remembered(void)
{
	gate.state.desired = DESIRED_STOP;
	assert_int_equal(files_prepare(&gate, &e), 0);
	return gate.state.desired;
}

static void test_the_intent_is_remembered(void **state)
{
	(void)state;
	assert_int_equal(remembered(), DESIRED_UP);
	gate.state.desired = DESIRED_DOWN;
	files_save_intent(&gate);
	is("state/intent", S_IFREG, 0600, 0);
	assert_int_equal(remembered(), DESIRED_DOWN);
	gate.state.desired = DESIRED_UP;
	files_save_intent(&gate);
	assert_int_equal(remembered(), DESIRED_UP);
	/* What is no word of ours, or can't be read, asks for no tunnel. */
	sh("echo uphill >%s", at("state/intent"));
	assert_int_equal(remembered(), DESIRED_DOWN);
	sh("rm %s; mkdir %s", at("state/intent"), at("state/intent"));
	assert_int_equal(remembered(), DESIRED_DOWN);
}

static void test_the_first_lock_is_remembered(void **state)
{
	(void)state;
	sh("echo 12345 >%s", at("run/locked-at"));
	assert_int_equal(files_prepare(&gate, &e), 0);
	assert_int_equal(gate.boot_locked_at, 12345);
	sh("echo -5 >%s", at("run/locked-at"));
	assert_int_equal(files_prepare(&gate, &e), 0);
	assert_between(gate.boot_locked_at, time(NULL) - 5, time(NULL));
	gate.boot_locked_at = 0;
	assert_int_equal(files_prepare(&gate, &e), 0); /* and kept */
	assert_between(gate.boot_locked_at, time(NULL) - 5, time(NULL));
}

static void test_the_attempt_is_remembered(void **state)
{
	static const char *const wrong[] = {"",
					    "x",
					    "1 5 192.0.2.1:1194/udp",
					    "77 5",
					    "77 x 192.0.2.1:1194/udp",
					    "77 5 192.0.2.1:1194",
					    "-77 5 192.0.2.1:1194/udp",
					    "99999999999 5 192.0.2.1:1194/udp"};
	struct net_endpoint endpoint;
	char text[NET_ENDPOINT_TEXT];
	uint64_t started = 0;
	pid_t pid = 0;

	(void)state;
	assert_false(files_read_attempt(&gate, &pid, &started, &endpoint));
	net_endpoint_parse("[2001:db8::1]:443/tcp", &gate.attempt.endpoint);
	files_save_attempt(&gate, 4711, UINT64_MAX - 1);
	is("run/attempt", S_IFREG, 0600, 0);
	assert_true(files_read_attempt(&gate, &pid, &started, &endpoint));
	assert_int_equal(pid, 4711);
	assert_true(started == UINT64_MAX - 1);
	assert_string_equal(net_endpoint_text(&endpoint, text), "[2001:db8::1]:443/tcp");
	files_save_attempt(&gate, 0, 0);
	assert_int_equal(access(at("run/attempt"), F_OK), -1);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		sh("printf '%%s\\n' '%s' >%s", wrong[i], at("run/attempt"));
		assert_false(files_read_attempt(&gate, &pid, &started, &endpoint));
	}
}

static void test_one_at_a_time(void **state)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(files_find_instance(&gate), 0);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		byte = files_lock_instance(&gate, &e) == 0 ? 'y' : 'n';
		(void)!write(ends[1], &byte, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(files_find_instance(&gate), pid);
	assert_int_equal(files_lock_instance(&gate, &e), 1);
	assert_non_null(strstr(e.text, "portcullisd"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(files_find_instance(&gate), 0);
	assert_int_equal(files_lock_instance(&gate, &e), 0);
	sh("rm -rf %s", gate.config.runtime_dir);
	sh("echo >%s", gate.config.runtime_dir);
	assert_int_equal(files_lock_instance(&gate, &e), -1);
	close(ends[0]);
	close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_names_and_rights),
	    TEST(test_a_group_may_ask),
	    TEST(test_what_is_worth_a_failure),
	    TEST(test_the_intent_is_remembered),
	    TEST(test_the_first_lock_is_remembered),
	    TEST(test_the_attempt_is_remembered),
	    TEST(test_one_at_a_time),
	};

	/* Here, for a test that is skipped by its setup is a failed one. */
	if (geteuid() != 0) {
		print_message("SKIPPED: what belongs to root needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
