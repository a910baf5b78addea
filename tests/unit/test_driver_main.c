/* portcullis-driver from its command line to its exit code: what it gives up before it reads a byte; against
 * tests/golden/driver_main/. Each run is a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/wire.h"
#include "driver/driver.h"
#include "driver/key/signer.h"
#include "driver/vet.h"
#include "golden.h"
#include "log_journal.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/memory.h"
#include "os/process/sandbox/sandbox.h"
#include "ways.h"

int driver_main(int argc, char **argv); /* its main, by the Makefile */

enum { ARGUMENTS = 7, SECONDS = 20 };

static struct driver *driver;

/* --- what it asks others ---------------------------------------------------------------- */

void log_open(int descriptor, enum log_level level)
{
	say("log_open %d %d", descriptor, (int)level);
}

void log_copy(int descriptor)
{
	say("log_copy %d", descriptor);
}

int sandbox_drop(uint32_t uid, uint32_t gid, struct err *e)
{
	say("sandbox_drop %u %u", uid, gid);
	return FAILS("sandbox_drop") ? -1 : 0;
}

int sandbox_enter(enum sandbox_program which, struct err *e)
{
	say("sandbox_enter %s", which == SANDBOX_DRIVER ? "driver" : "vet");
	return FAILS("sandbox_enter") ? -1 : 0;
}

void descriptor_close_from(int lowest)
{
	say("descriptor_close_from %d", lowest);
}

/* What libraries do once. */
struct tm *gmtime_r(const time_t *when, struct tm *to)
{
	say("gmtime_r %d", (int)*when);
	memset(to, 0, sizeof *to);
	return to;
}

void json_object_seed(size_t seed)
{
	say("json_object_seed %zu", seed);
}

void totp_warm_up(void)
{
	say("totp_warm_up");
}

void (*signal(int number, void (*handler)(int)))(int)
{
	say("signal %s %s", number == SIGPIPE ? "PIPE" : "another",
	    handler == SIG_IGN ? "ignored" : "handled");
	return SIG_DFL;
}

int driver_open(struct driver *d, struct err *e)
{
	say("driver_open");
	driver = d;
	return FAILS("driver_open") ? -1 : 0;
}

void driver_run(struct driver *d)
{
	say("driver_run %d", d == driver);
}

void driver_close(struct driver *d)
{
	say("driver_close %d", d == driver);
}

int vet_main(const char *name, bool external_key)
{
	say("vet_main %s%s", name, external_key ? ", without a key" : "");
	return 7;
}

int memory_lock(void)
{
	say("memory_lock");
	return fails("memory_lock") ? -1 : 0;
}

int signer_main(bool bare)
{
	say("signer_main%s", bare ? ", not locked" : "");
	return 8;
}

/* --- the tests --------------------------------------------------------------------------------- */

/* The descriptors that the gate gives it: "no-4": that one is missing; "file-3": it is no socket. */
static void place_descriptors(void)
{
	char word[32];
	int file = open("/dev/null", O_RDWR), other = socket(AF_UNIX, SOCK_STREAM, 0);

	file = fcntl(file, F_DUPFD, 40);
	other = fcntl(other, F_DUPFD, 40);
	for (int fd = WIRE_FD_CHANNEL; fd <= WIRE_FD_LAST; fd++) {
		bool is_file = fd > WIRE_FD_MANAGEMENT;

		snprintf(word, sizeof word, "file-%d", fd);
		dup2(is_file || is(word) ? file : other, fd);
		snprintf(word, sizeof word, "no-%d", fd);
		if (is(word))
			close(fd);
	}
}

static void run(const char *words, char **arguments)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int count = 0, status;
	char text[512];
	size_t got;
	pid_t pid;

	say("\n# %s", words);
	for (; arguments[count] != NULL; count++)
		say("$%d %s", count, arguments[count]);
	so = words;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(SECONDS);
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		place_descriptors();
		status = driver_main(count, arguments);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 2; i++) {
		rewind(i == 0 ? out : err);
		got = fread(text, 1, sizeof text - 1, i == 0 ? out : err);
		text[got] = '\0';
		if (got > 0)
			say("%s| %s", i == 0 ? "stdout" : "stderr", text);
	}
	fclose(out);
	fclose(err);
	say("exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

static void test_each_way(void **state)
{
	static const struct {
		const char *so;
		const char *arguments[ARGUMENTS];
	} ways[] = {{"", {"d"}},
		    {"", {"d", "--version"}},
		    {"", {"d", "--help"}},
		    {"", {"d", "--other"}},
		    {"", {"d", "--version", "--help"}},
		    {"", {"d", "901", "902"}},
		    {"", {"d", "0", "4294967294"}},
		    {"", {"d", "4294967294", "0"}},
		    {"", {"d", "4294967295", "902"}},
		    {"", {"d", "901", "4294967295"}},
		    {"", {"d", "901", "x"}},
		    {"", {"d", "-1", "902"}},
		    {"", {"d", "--vet", "901", "902", "a.ovpn"}},
		    {"", {"d", "--vet", "901", "902", "a.ovpn", "external-key"}},
		    {"", {"d", "--vet", "901", "902"}},
		    {"", {"d", "--sign", "901", "902"}},
		    {"", {"d", "--sign", "901", "902", "x"}},
		    {"", {"d", "--sign", "0", "x"}},
		    {"!memory_lock", {"d", "--sign", "901", "902"}},
		    {"!sandbox_drop", {"d", "--sign", "901", "902"}},
		    {"", {"d", "--other", "901", "902", "a.ovpn"}},
		    {"!sandbox_drop", {"d", "901", "902"}},
		    {"!sandbox_drop", {"d", "--vet", "901", "902", "a.ovpn"}},
		    {"!sandbox_enter", {"d", "--vet", "901", "902", "a.ovpn"}},
		    {"!sandbox_enter", {"d", "901", "902"}},
		    {"!driver_open", {"d", "901", "902"}},
		    {"no-3", {"d", "901", "902"}},
		    {"no-6", {"d", "901", "902"}},
		    {"no-12", {"d", "901", "902"}},
		    {"file-3", {"d", "901", "902"}},
		    {"file-5", {"d", "901", "902"}}};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		char words[ARGUMENTS][16], *arguments[ARGUMENTS] = {NULL};

		for (size_t k = 0; ways[i].arguments[k] != NULL; k++) {
			snprintf(words[k], sizeof words[k], "%s", ways[i].arguments[k]);
			arguments[k] = words[k];
		}
		run(ways[i].so, arguments);
	}
	assert_golden("tests/golden/driver_main/ways", journal);
}

static int share_journal(void **state)
{
	(void)state;
	journal = mmap(NULL, JOURNAL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return journal == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_way)};

	return cmocka_run_group_tests_name("driver main", tests, share_journal, NULL);
}
