/* What is executed as openvpn: each argument in its order, its descriptors, its rights; against
 * tests/golden/openvpn/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate/gate.h"
#include "golden.h"
#include "os/host/clock.h"
#include "os/process/sandbox/confine.h"
#include "os/route/tun_node.h"

#define GOLDEN "tests/golden/openvpn/"
enum { TEXT = 16 * 1024, WAIT_MS = 5000 };

static struct gate gate;
static const char *node;             /* the device that openvpn opens; NULL: the usual one */
static bool no_node, no_confinement; /* fail */
static const char *lacks = "";
static bool no_pipe, no_child;
static int prepared, warnings;
static pid_t self; /* no child */

int tun_node_for(uint32_t uid, uint32_t gid, const char **path, struct err *e)
{
	assert_int_equal(uid, 901);
	assert_int_equal(gid, 902);
	*path = node;
	return no_node ? err_set(e, "no node") : 0;
}

int confine_prepare(const struct confine *confine, const char **lacking, struct err *e)
{
	assert_non_null(confine->endpoint);
	prepared++;
	*lacking = lacks;
	return no_confinement ? err_set(e, "no confinement") : 0;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	(void)room, (void)format;
	assert_int_equal(level, LOG_WARN);
	warnings++;
}

pid_t fork(void)
{
	pid_t (*real)(void);

	*(void **)&real = dlsym(RTLD_NEXT, "fork");
	errno = EAGAIN;
	return no_child ? -1 : real();
}

int pipe2(int ends[2], int flags)
{
	int (*real)(int[2], int);

	*(void **)&real = dlsym(RTLD_NEXT, "pipe2");
	errno = EMFILE;
	return no_pipe ? -1 : real(ends, flags);
}

/* In the child: it tells by its standard output what it would execute. */
void confine_exec(const struct confine *confine, char *const arguments[], const int *from, size_t count)
{
	char text[NET_ENDPOINT_TEXT], profile[64] = "";
	bool ours = count == 3 && from[1] == from[2] && (fcntl(from[1], F_GETFL) & O_NONBLOCK) != 0;
	ssize_t got = read(from[0], profile, sizeof profile - 1);

	if (getpid() == self)
		abort();
	profile[got > 0 ? got : 0] = '\0';
	dprintf(from[1], "binary %s\nfolder %s\nuser %u group %u\nnode %s\nendpoint %s\n", confine->binary,
		confine->folder, confine->uid, confine->gid,
		confine->node == NULL ? "the usual one" : confine->node,
		net_endpoint_text(confine->endpoint, text));
	dprintf(from[1], "descriptors %s\nstandard input \"%s\"\n",
		ours ? "profile, output, output" : "others", profile);
	for (size_t i = 0; arguments[i] != NULL; i++)
		dprintf(from[1], "\"%s\"\n", arguments[i]);
	_exit(0);
}

static int setup(void **state)
{
	static const char *const mine[] = {"--proto-force", "udp"};

	(void)state;
	memset(&gate, 0, sizeof gate);
	strcpy(gate.config.interface, "tun7");
	strcpy(gate.config.openvpn_binary, "/usr/sbin/openvpn");
	strcpy(gate.config.runtime_dir, "/run/portcullis");
	gate.config.openvpn_user = (struct identity){.known = true, .number = 901, .name = "_openvpn"};
	gate.config.openvpn_group = (struct identity){.known = true, .number = 902, .name = "_openvpn"};
	for (size_t i = 0; i < 2; i++)
		strcpy(gate.config.openvpn_arguments[i], mine[i]);
	gate.config.openvpn_argument_count = 2;
	gate.profile.body = memfd_create("profile", MFD_CLOEXEC);
	assert_int_equal(write(gate.profile.body, "the profile", 11), 11);
	node = NULL;
	no_node = no_confinement = no_pipe = no_child = false;
	self = getpid();
	prepared = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(gate.profile.body);
	return 0;
}

static void spawn(const char *endpoint, char *text)
{
	struct net_endpoint to;
	struct err e = {""};
	int output = -1, status;
	size_t used = 0;
	pid_t pid;

	assert_int_equal(net_endpoint_parse(endpoint, &to), 0);
	pid = spawn_openvpn(&gate, &to, &output, &e);
	assert_true(pid > 0);
	assert_true(fcntl(output, F_GETFD) & FD_CLOEXEC);
	for (int64_t until = clock_steady_ms() + WAIT_MS; clock_steady_ms() < until;) {
		struct pollfd readable = {.fd = output, .events = POLLIN};
		ssize_t got = poll(&readable, 1, 100) == 1 ? read(output, text + used, TEXT - 1 - used) : -1;

		if (got == 0) /* nobody holds the other end: we don't either */
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	text[used] = '\0';
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void compare(const char *name, const char *endpoint)
{
	static char text[TEXT];
	char path[128];

	spawn(endpoint, text);
	snprintf(path, sizeof path, GOLDEN "%s", name);
	assert_golden(path, text);
}

static void test_what_is_executed(void **state)
{
	(void)state;
	compare("udp4", "192.0.2.1:1194/udp");
	node = "/run/portcullis/tun";
	compare("tcp6", "[2001:db8::1]:443/tcp");
	compare("tcp6", "[2001:db8::1]:443/tcp"); /* the profile from its beginning, each time */
	node = NULL;
	gate.config.openvpn_argument_count = 0;
	compare("udp6", "[2001:db8::1]:1194/udp");
	compare("tcp4", "192.0.2.1:443/tcp");
	strcpy(gate.config.key_file, "/etc/key"); /* which is named nowhere */
	compare("key", "192.0.2.1:443/tcp");
	assert_int_equal(prepared, 6);
}

static void test_nothing_without_confinement(void **state)
{
	struct net_endpoint to;
	struct err e = {""};
	int output = -1;

	(void)state;
	net_endpoint_parse("192.0.2.1:1194/udp", &to);
	no_confinement = true;
	assert_int_equal(spawn_openvpn(&gate, &to, &output, &e), -1);
	assert_string_equal(e.text, "no confinement");
	no_confinement = false;
	no_node = true;
	assert_int_equal(spawn_openvpn(&gate, &to, &output, &e), -1);
	assert_string_equal(e.text, "no node");
	assert_int_equal(output, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child */
}

static int lowest_free(void)
{
	int fd = dup(gate.profile.body);

	close(fd);
	return fd;
}

static void test_nothing_is_left_of_a_failure(void **state)
{
	struct net_endpoint to;
	struct err e = {""};
	int output = -1, free_before = lowest_free();

	(void)state;
	net_endpoint_parse("192.0.2.1:1194/udp", &to);
	no_pipe = true;
	assert_int_equal(spawn_openvpn(&gate, &to, &output, &e), -1);
	assert_string_equal(e.text, "pipe: Too many open files");
	no_pipe = false;
	no_child = true;
	assert_int_equal(spawn_openvpn(&gate, &to, &output, &e), -1);
	assert_string_equal(e.text, "fork: Resource temporarily unavailable");
	assert_int_equal(lowest_free(), free_before);
	assert_int_equal(output, -1);
}

/* What the kernel lacks is said once, and only if it lacks something. */
static void test_one_warning(void **state)
{
	static char text[TEXT];

	(void)state;
	warnings = 0;
	spawn("192.0.2.1:1194/udp", text);
	assert_int_equal(warnings, 0);
	lacks = "no Landlock";
	spawn("192.0.2.1:1194/udp", text);
	spawn("192.0.2.1:1194/udp", text);
	assert_int_equal(warnings, 1);
	lacks = "";
}

static void test_a_long_folder(void **state)
{
	static char text[TEXT];
	const char *folder;

	(void)state;
	memset(gate.config.runtime_dir, 'x', sizeof gate.config.runtime_dir - 1);
	spawn("192.0.2.1:1194/udp", text);
	folder = strstr(text, "folder xxx");
	assert_non_null(folder);
	assert_int_equal(strcspn(folder, "\n"), strlen("folder ") + PATH_MAX - 16 + strlen("/openvpn"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_what_is_executed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nothing_without_confinement, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nothing_is_left_of_a_failure, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_one_warning, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_long_folder, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
