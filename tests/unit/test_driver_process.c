/* The driver's process: what it is executed with, what becomes of its end, and when it is started again;
 * against tests/golden/driver_process/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "gate/gate.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/keychain.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "ways.h"

enum { DRIVER = 4711, SIGNER = 4712, OURS = 50, THEIRS = 51, READABLE = 1, RESTART };

static struct gate gate;
static int64_t now;
static char events[3];
static event_callback_fn restart_cb;
static jmp_buf child; /* where what never returns goes */

/* --- what it asks others ---------------------------------------------------------------- */

int64_t clock_steady_ms(void)
{
	return now;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

void fault_point(const char *moment)
{
	say("fault_point %s", moment);
}

int descriptor_pair(int ends[2])
{
	say("descriptor_pair");
	errno = EMFILE;
	ends[0] = OURS;
	ends[1] = THEIRS;
	return fails("descriptor_pair") ? -1 : 0;
}

pid_t child_fork(void)
{
	bool signer = gate.config.key_file[0] != '\0' && gate.driver.started_ms == 0;

	say("child_fork");
	errno = EAGAIN;
	if (fails(signer ? "fork-signer" : "child_fork"))
		return -1;
	if (is(signer ? "signer-child" : "child"))
		return 0;
	return signer ? SIGNER : DRIVER;
}

const char *child_sibling(const char *name, const char *fallback, char *to, size_t size)
{
	assert_int_equal(size, PATH_MAX);
	snprintf(to, size, "%s/%s", fallback, name);
	return to;
}

void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	say("child_exec %s: %s %s %s %s",
	    strcmp(path, PORTCULLIS_LIBEXECDIR "/portcullis-driver") == 0 ? "LIBEXECDIR/portcullis-driver"
									  : path,
	    arguments[0], arguments[1], arguments[2], arguments[3] == NULL ? "and no more" : arguments[3]);
	for (size_t i = 0; i < count; i++) {
		struct stat status;

		if (from[i] >= OURS || from[i] == -1)
			say("  %d: %d", first + (int)i, from[i]);
		else /* a file that it has opened */
			say("  %d: %s, to read %d", first + (int)i,
			    fstat(from[i], &status) == 0 && S_ISCHR(status.st_mode) ? "nothing" : "?",
			    (fcntl(from[i], F_GETFL) & O_ACCMODE) == O_RDONLY);
	}
	for (size_t i = 0; i < count; i++) {
		FILE *opened = from[i] >= 0 && from[i] < OURS ? fdopen(from[i], "r") : NULL;

		if (opened != NULL) /* close is ours */
			fclose(opened);
	}
	longjmp(child, 1);
}

int keychain_open(const char *service, const char *account, struct err *e)
{
	say("keychain_open %s %s", service, account);
	return FAILS("keychain_open") ? -1 : 60;
}

int child_sealed(const char *name, const char *bytes, size_t length, struct err *e)
{
	(void)e;
	say("child_sealed %s \"%.*s\"", name, (int)length, bytes);
	return FAILS("child_sealed") ? -1 : 62;
}

int file_open_owned(const char *path, mode_t never, struct err *e)
{
	say("file_open_owned %s %04o", path, (unsigned)never);
	return FAILS("file_open_owned") ? -1 : 61;
}

void attempt_kill(struct gate *it, const char *why)
{
	assert_ptr_equal(it, &gate);
	say("attempt_kill %s", why);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	assert_true(status == NULL && options == WNOHANG);
	say("waitpid %d", (int)pid);
	return is("reaped-already") ? -1 : is("ended") ? pid : 0;
}

int kill(pid_t pid, int number)
{
	say("kill %d %d", (int)pid, number == SIGKILL);
	return 0;
}

int close(int fd)
{
	say("close %d", fd);
	return 0;
}

static char folder[] = "/tmp/driver-process-XXXXXX";

/* --- the loop -------------------------------------------------------------------------------- */

static void read_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == gate.base && argument == &gate);
	if (fd == -1) {
		assert_int_equal(what, 0);
		restart_cb = cb;
		return (struct event *)&events[RESTART];
	}
	assert_true(fd == OURS && what == (EV_READ | EV_PERSIST) && cb == read_cb);
	return (struct event *)&events[READABLE];
}

int event_add(struct event *event, const struct timeval *timeout)
{
	if (event == (struct event *)&events[READABLE])
		say("event_add readable%s", timeout == NULL ? "" : " for a time");
	else
		say("event_add restart %ld.%03ld", (long)timeout->tv_sec, (long)timeout->tv_usec / 1000);
	return 0;
}

void event_free(struct event *event)
{
	assert_true(event == (struct event *)&events[READABLE]);
	say("event_free readable");
}

/* --- the tests --------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	journal[0] = failed[0] = '\0';
	so = "";
	now = 1000000;
	gate.driver.read = read_cb;
	gate.config.user.number = 901;
	gate.config.user_gid = 902;
	gate.control_fd = 100;
	gate.management_fd = 101;
	gate.log_fd = 102;
	gate.profile.head = 103;
	gate.captive_dns_fd = 104;
	snprintf(gate.config.state_dir, sizeof gate.config.state_dir, "%s", folder);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[sizeof folder + 16];

	(void)state;
	snprintf(path, sizeof path, "%s/totp-used", folder);
	(void)unlink(path);
	snprintf(path, sizeof path, "%s/refused", folder);
	(void)unlink(path);
	snprintf(path, sizeof path, "%s/servers", folder);
	(void)unlink(path);
	snprintf(path, sizeof path, "%s/pin-given", folder);
	(void)unlink(path);
	return rmdir(folder);
}

/* What a start before has opened, as `close` is a stand-in: so each is given the same numbers. */
static void close_files(void)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "close");
	for (int fd = STDERR_FILENO + 1; fd < OURS; fd++)
		(void)real(fd);
}

static void start(const char *words)
{
	close_files();
	say("\n# %s", words);
	so = words;
	gate.driver.started_ms = 0;
	gate.driver.filled = 5; /* of a request of the one before */
	if (setjmp(child) == 0)
		driver_start(&gate);
	say("= pid %d, channel %d, filled %zu", (int)gate.driver.pid, gate.driver.channel,
	    gate.driver.filled);
}

static void test_what_is_executed(void **state)
{
	(void)state;
	start("child");
	strcpy(gate.config.password_file, "/etc/password");
	start("child");
	start("child !file_open_owned");
	strcpy(gate.config.totp_file, "/etc/totp");
	strcpy(gate.config.passphrase_file, "/run/credentials/x/portcullis.key-passphrase");
	start("child");
	start("child !file_open_owned");
	strcpy(gate.config.keychain, "service");
	strcpy(gate.config.username, "somebody");
	start("child");
	start("child !keychain_open");
	strcpy(gate.config.state_dir, "/nowhere");
	start("child");
	assert_golden("tests/golden/driver_process/executed", journal);
}

/* The private key and its passphrase are opened for the process that holds it, and for nobody else. */
static void test_who_is_given_the_key(void **state)
{
	(void)state;
	gate.profile.body = 105;
	strcpy(gate.config.key_file, "/etc/key");
	start("signer-child");
	strcpy(gate.config.passphrase_file, "/etc/passphrase");
	start("signer-child");
	start("signer-child !file_open_owned");
	start("child");
	strcpy(gate.config.key_file, "pkcs11:token=mine;object=vpn");
	start("signer-child");
	start("signer-child !child_sealed");
	assert_golden("tests/golden/driver_process/key", journal);
}

/* They live and end together, and what fails is told. */
static void test_ends_with_the_key(void **state)
{
	static const char *const ends[] = {"", "ended", "reaped-already"};

	(void)state;
	strcpy(gate.config.key_file, "/etc/key");
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		start("");
		say("= signer %d", (int)gate.driver.signer);
		so = ends[i];
		if (i == 0)
			driver_lost_signer(&gate);
		else
			driver_end(&gate);
		say("= pid %d, signer %d", (int)gate.driver.pid, (int)gate.driver.signer);
	}
	start("!descriptor_pair-once");
	driver_end(&gate);
	start("!fork-signer");
	driver_end(&gate);
	start("!child_fork");
	assert_golden("tests/golden/driver_process/key_ends", journal);
}

static void test_starts_and_ends(void **state)
{
	static const char *const ends[] = {"", "ended", "reaped-already"};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		start("");
		start("it runs already");
		so = ends[i];
		driver_end(&gate);
		say("= pid %d", (int)gate.driver.pid);
		driver_end(&gate); /* nothing more */
		driver_restart(&gate);
	}
	start("!descriptor_pair");
	start("!child_fork");
	start("");
	driver_restart(&gate);
	so = "";
	restart_cb(-1, EV_TIMEOUT, &gate);
	assert_golden("tests/golden/driver_process/ends", journal);
}

/* At once, then with pauses that grow to 8 s; one that has lived for 10 s begins anew. */
static void test_when_it_is_started_again(void **state)
{
	static const char *const pauses[] = {"0.000", "0.250", "0.500", "1.000", "2.000", "4.000",
					     "8.000", "8.000", "8.000", "0.000", "0.000", "0.250"};

	(void)state;
	for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		char wanted[64];

		driver_start(&gate);
		now += i == 9 ? 10000 : i == 10 ? 9999 : 5;
		journal[0] = '\0';
		driver_restart(&gate);
		snprintf(wanted, sizeof wanted, "event_add restart %s\n", pauses[i]);
		assert_non_null(strstr(journal, wanted));
	}
}

/* With an openvpn it waits for its end; a start has what is new. */
static void test_when_what_it_has_is_old(void **state)
{
	(void)state;
	driver_renew(&gate);
	assert_true(gate.driver.stale);
	assert_string_equal(journal, "");
	start("");
	assert_false(gate.driver.stale);
	gate.attempt.pid = 5;
	journal[0] = '\0';
	driver_renew(&gate);
	assert_true(gate.driver.stale);
	assert_string_equal(journal, "");
	gate.attempt.pid = 0;
	driver_renew(&gate);
	assert_false(gate.driver.stale);
	assert_int_equal(gate.driver.pid, DRIVER);
	assert_golden("tests/golden/driver_process/renewed", journal);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_is_executed),         TEST(test_starts_and_ends),
	    TEST(test_who_is_given_the_key),     TEST(test_ends_with_the_key),
	    TEST(test_when_it_is_started_again), TEST(test_when_what_it_has_is_old)};

	return cmocka_run_group_tests_name("driver process", tests, make_folder, remove_folder);
}
