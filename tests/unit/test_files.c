/* What the gate makes, opens and remembers: which file, with which rights, in which order, whatever fails;
 * against tests/golden/files/. With real files: test_gate_files.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/files.h"
#include "gate/gate.h"
#include "golden.h"
#include "log_journal.h"
#include "os/dns/captive_dns_socket.h"
#include "os/host/file.h"
#include "os/host/lockfile.h"
#include "os/host/log_file.h"
#include "ways.h"

enum { NOW = 1000000000, OTHER = 4711, OLD_LOG = 50, LOG, CONTROL, ADMIN, MANAGEMENT, CAPTIVE_DNS, LOCKFILE };

static struct gate gate;
static const char *file; /* what one has in it; NULL: it can't be read, with `code` */
static int code;

/* --- what it asks others ---------------------------------------------------------------- */

void log_open(int descriptor, enum log_level level)
{
	say("log_open %d %d", descriptor, (int)level);
}

time_t time(time_t *to)
{
	return to == NULL ? NOW : (*to = NOW);
}

int file_folder_of(const char *path, mode_t mode, struct err *e)
{
	const char *name = strrchr(path, '/');

	say("file_folder_of %s %04o", path, (unsigned)mode);
	return (strstr(name, "log") != NULL ? FAILS("file_folder_of-log") : FAILS("file_folder_of-control"))
		   ? -1
		   : 0;
}

int file_folder(const char *path, mode_t mode, struct err *e)
{
	say("file_folder %s %04o", path, (unsigned)mode);
	return (strstr(path, "state") != NULL ? FAILS("file_folder-state") : FAILS("file_folder-openvpn"))
		   ? -1
		   : 0;
}

int chown(const char *path, uid_t uid, gid_t gid)
{
	say("chown %s %u %u", path, uid, gid);
	errno = EROFS;
	return fails("chown") ? -1 : 0;
}

int chmod(const char *path, mode_t mode)
{
	say("chmod %s %04o", path, (unsigned)mode);
	errno = EPERM;
	return fails("chmod") ? -1 : 0;
}

int log_file_open(const char *path, uint64_t size, uint32_t keep, struct err *e)
{
	say("log_file_open %s %u %u", path, (unsigned)size, keep);
	return FAILS("log_file_open") ? -1 : LOG;
}

int file_listener(const char *path, mode_t mode, int64_t gid, struct err *e)
{
	const char *name = strrchr(path, '/');

	say("file_listener %s %04o %d", path, (unsigned)mode, (int)gid);
	if (strcmp(name, "/gate.sock") == 0)
		return FAILS("file_listener-admin") ? -1 : ADMIN;
	if (strcmp(name, "/sock") == 0)
		return FAILS("file_listener-management") ? -1 : MANAGEMENT;
	return FAILS("file_listener-control") ? -1 : CONTROL;
}

int captive_dns_socket_open(uint16_t *port, struct err *e)
{
	assert_ptr_equal(port, &gate.dns.port);
	say("captive_dns_socket_open");
	errno = EMFILE;
	if (is("no-names"))
		err_set(e, "no names are answered");
	return FAILS("captive_dns_socket_open") ? -1 : CAPTIVE_DNS;
}

void names_load(struct names *names, const char *host, const struct net_address *address, int64_t when)
{
	char text[NET_ADDRESS_TEXT];

	assert_ptr_equal(names, &gate.names);
	say("names_load %s %s %lld", host, net_address_text(address, text), (long long)when);
}

int file_save(const char *path, const char *text, bool durable)
{
	say("file_save %s %d: %s", path, durable, text);
	errno = ENOSPC;
	return fails("file_save") ? -1 : 0;
}

int file_load(const char *path, char *to, size_t size)
{
	say("file_load %s", path);
	errno = code;
	snprintf(to, size, "%s", file != NULL ? file : "2 0 [2001:db8::1]:443/tcp"); /* of half a read, too */
	return file != NULL ? 0 : -1;
}

int unlink(const char *path)
{
	say("unlink %s", path);
	return 0;
}

int close(int fd)
{
	say("close %d", fd);
	return 0;
}

int lockfile_open(const char *path, struct err *e)
{
	say("lockfile_open %s", path);
	return FAILS("lockfile_open") ? -1 : LOCKFILE;
}

int lockfile_lock(int descriptor, int32_t *pid)
{
	assert_int_equal(descriptor, LOCKFILE);
	errno = EIO;
	*pid = is("another") ? OTHER : 0;
	return fails("lockfile_lock") ? -1 : is("another");
}

int lockfile_owner_at(const char *path, int32_t *pid)
{
	say("lockfile_owner_at %s", path);
	if (fails("lockfile_owner_at"))
		return -1;
	*pid = OTHER;
	return 0;
}

/* --- the tests --------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = '\0';
	so = "";
	file = NULL;
	code = ENOENT;
	strcpy(gate.config.runtime_dir, "/run/portcullis");
	strcpy(gate.config.state_dir, "/var/lib/state");
	strcpy(gate.config.control_socket, "/run/portcullis/control.sock");
	strcpy(gate.config.log_file, "/var/log/portcullis.log");
	gate.config.log_size = 1000;
	gate.config.log_keep = 2;
	gate.config.log_level = LOG_INFO;
	gate.config.control_gid = -1;
	gate.config.openvpn_group.number = 902;
	return 0;
}

static void way(const char *words)
{
	say("\n# %s", words);
	so = words;
	failed[0] = '\0';
}

static void prepare(const char *words)
{
	struct err e = {""};
	int result;

	setup(NULL);
	way(words);
	gate.log_fd = OLD_LOG;
	gate.control_fd = gate.admin_fd = gate.management_fd = gate.captive_dns_fd = -1;
	gate.config.control_gid = is("group") ? 905 : -1;
	result = files_prepare(&gate, &e);
	say("= %s; log %d control %d admin %d management %d captive DNS %d", result == 0 ? "done" : e.text,
	    gate.log_fd, gate.control_fd, gate.admin_fd, gate.management_fd, gate.captive_dns_fd);
}

static void test_the_preparation(void **state)
{
	static const char *const ways[] = {"",
					   "group",
					   "!file_folder_of-log",
					   "!log_file_open",
					   "!file_folder-state",
					   "!file_folder_of-control",
					   "!file_listener-control",
					   "!file_listener-admin",
					   "!file_folder-openvpn",
					   "!chown",
					   "!chmod",
					   "!file_listener-management",
					   "!captive_dns_socket_open",
					   "no-names",
					   "!file_save"};
	static char all[JOURNAL];

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		prepare(ways[i]);
		strcat(all, journal);
	}
	assert_golden("tests/golden/files/preparation", all);
}

static void test_what_is_remembered(void **state)
{
	static const struct {
		const char *text;
		int code;
		enum gate_actual actual;
		enum gate_desired desired;
		int64_t locked_at;
	} ways[] = {{NULL, ENOENT, ACTUAL_LOCKED, DESIRED_UP, NOW},
		    {NULL, EIO, ACTUAL_LOCKED, DESIRED_DOWN, NOW},
		    {NULL, ENOENT, ACTUAL_OFF, DESIRED_OFF_UP, NOW},
		    {NULL, EIO, ACTUAL_OFF, DESIRED_OFF_DOWN, NOW},
		    {"up\n", 0, ACTUAL_LOCKED, DESIRED_UP, NOW},
		    {"up", 0, ACTUAL_LOCKED, DESIRED_DOWN, NOW},
		    {"down\n", 0, ACTUAL_OFF, DESIRED_OFF_DOWN, NOW},
		    {"1\n", 0, ACTUAL_LOCKED, DESIRED_DOWN, 1},
		    {"0\n", 0, ACTUAL_LOCKED, DESIRED_DOWN, NOW},
		    {"9223372036854775807\n", 0, ACTUAL_LOCKED, DESIRED_DOWN, INT64_MAX},
		    {"9223372036854775808\n", 0, ACTUAL_LOCKED, DESIRED_DOWN, NOW}};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};
		bool down;

		setup(NULL);
		file = ways[i].text;
		code = ways[i].code;
		gate.state.actual = ways[i].actual;
		assert_int_equal(files_prepare(&gate, &e), 0);
		assert_int_equal(gate.state.desired, ways[i].desired);
		assert_true(gate.boot_locked_at == ways[i].locked_at);
		down = ways[i].desired == DESIRED_DOWN || ways[i].desired == DESIRED_OFF_DOWN;
		assert_int_equal(strstr(journal, "the tunnel stays down, as remembered") != NULL, down);
		assert_int_equal(strstr(journal, "locked-at 0: 1000000000\n") != NULL,
				 ways[i].locked_at == NOW);
	}
}

static void attempt_is(const char *text, bool readable)
{
	struct net_endpoint endpoint;
	uint64_t started = 0;
	pid_t pid = 0;

	file = text;
	assert_int_equal(files_read_attempt(&gate, &pid, &started, &endpoint), readable);
	if (readable)
		assert_true(pid == (pid_t)atoi(text) && endpoint.port == 443);
}

static void test_what_is_written(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		way(i == 0 ? "" : "!file_save");
		for (int desired = 0; desired < GATE_DESIRED; desired++) {
			gate.state.desired = desired;
			if (i == 0 || desired == 0)
				files_save_intent(&gate);
		}
		net_endpoint_parse("[2001:db8::1]:443/tcp", &gate.attempt.endpoint);
		files_save_attempt(&gate, OTHER, 77);
		files_save_attempt(&gate, 0, 0);
	}
	assert_golden("tests/golden/files/written", journal);
	attempt_is(NULL, false);
	attempt_is("2 0 [2001:db8::1]:443/tcp\n", true);
	attempt_is("1 0 [2001:db8::1]:443/tcp\n", false); /* init is nobody's openvpn */
	attempt_is("2147483647 0 [2001:db8::1]:443/tcp\n", true);
	attempt_is("2147483648 0 [2001:db8::1]:443/tcp\n", false);
	attempt_is("2 -1 [2001:db8::1]:443/tcp\n", false);
	attempt_is("2 0\n", false);
	attempt_is("2\n", false);
	attempt_is("2 0 nowhere\n", false);
}

/* Names and addresses: as many as there are, and read back line by line. */
static void test_names(void **state)
{
	static char large[64 * 1024];

	(void)state;
	way("");
	files_save_names(&gate);
	strcpy(gate.names.list[0].host, "a.example");
	net_address_parse("192.0.2.1", &gate.names.list[0].good[0]);
	net_address_parse("2001:db8::1", &gate.names.list[0].good[1]);
	gate.names.proven[0][0] = 77;
	gate.names.proven[0][1] = 66;
	strcpy(gate.names.list[1].host, "b.example");
	strcpy(gate.names.list[2].host, "c.example");
	net_address_parse("192.0.2.3", &gate.names.list[2].good[0]);
	gate.names.count = 3;
	files_save_names(&gate);
	way("!file_save");
	files_save_names(&gate);
	way("reads");
	file = NULL;
	code = ENOENT;
	files_load_names(&gate);
	file = "a.example 192.0.2.1 77\nb.example 2001:db8::1 0\nc.example 192.0.2.1\nd.example\n\n"
	       "e.example nowhere 5\nf.example 192.0.2.1 -5\ng.example 192.0.2.1 5 6\n"
	       "h.example 192.0.2.1 9223372036854775808\ni.example 192.0.2.1 9223372036854775807";
	files_load_names(&gate);
	memset(large, 'x', sizeof large - 1);
	file = large;
	files_load_names(&gate);
	assert_golden("tests/golden/files/names", journal);
}

static void test_one_instance(void **state)
{
	static const char *const ways[] = {"", "another", "!lockfile_open", "!lockfile_lock",
					   "!lockfile_owner_at"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};

		way(ways[i]);
		say("= %d %s", files_lock_instance(&gate, &e), e.text);
		say("= %d", (int)files_find_instance(&gate));
	}
	assert_golden("tests/golden/files/instance", journal);
}

/* A path that is as long as one can be is cut, and nothing beyond it is written. */
static void test_a_long_folder(void **state)
{
	(void)state;
	memset(gate.config.runtime_dir, 'x', sizeof gate.config.runtime_dir - 1);
	(void)files_find_instance(&gate);
	assert_int_equal(strlen(journal),
			 strlen("lockfile_owner_at ") + PATH_MAX - 32 + strlen("/portcullisd.lock\n"));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_the_preparation), TEST(test_what_is_remembered),
					   TEST(test_what_is_written), TEST(test_names),
					   TEST(test_one_instance),    TEST(test_a_long_folder)};

	return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
