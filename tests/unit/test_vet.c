/* The vetting of a profile: what the child is executed with, what is believed of it, and what is kept, in
 * every way that it can go; against tests/golden/vet/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/canonical.h"
#include "base/secret.h"
#include "gate/gate.h"
#include "golden.h"
#include "leaks.h"
#include "os/host/file.h"
#include "os/process/child.h"
#include "ways.h"

#define HEAD                                                                                                 \
	"remote a.example 1194 udp 192.0.2.1 2001:db8::1\nremote b.example 443 tcp 192.0.2.2\nneeds 1\n\n"
#define BODY "client\n"

enum { VETTER = 4711, PROFILE = 50, BODY_FD = 60, HEAD_FD, COMPLAINT_MAX = 16 * 1024 };

static struct config config;
static struct gate_profile profile;
static int scratch[2];
static size_t scratch_count;
static jmp_buf child;
static unsigned callocs;

/* "!calloc-3": there is no memory for the third. By a pointer: the compiler must not make a calloc of it. */
void *calloc(size_t count, size_t size)
{
	void *(*volatile allocate)(size_t) = malloc;
	char word[32];
	void *bytes;

	snprintf(word, sizeof word, "!calloc-%u", ++callocs);
	bytes = is(word) ? NULL : allocate(count * size + 1);
	return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}

/* --- what it asks others ---------------------------------------------------------------- */

int file_open_owned(const char *path, mode_t never, struct err *e)
{
	say("file_open_owned %s %03o", path, (unsigned)never);
	return FAILS("file_open_owned") ? -1 : PROFILE;
}

int child_scratch(const char *name, struct err *e)
{
	FILE *file = tmpfile();
	bool complaint = strstr(name, "complaint") != NULL;

	say("child_scratch %s", name);
	assert_non_null(file);
	if ((!complaint && FAILS("child_scratch-print")) || (complaint && FAILS("child_scratch-complaint"))) {
		fclose(file);
		return -1;
	}
	scratch[scratch_count] = fcntl(fileno(file), F_DUPFD_CLOEXEC, 100);
	fclose(file);
	return scratch[scratch_count++];
}

pid_t child_fork(void)
{
	say("child_fork");
	return fails("child_fork") ? -1 : is("child") ? 0 : VETTER;
}

const char *child_sibling(const char *name, const char *fallback, char *to, size_t size)
{
	assert_int_equal(size, PATH_MAX);
	snprintf(to, size, "%s/%s", fallback, name);
	return to;
}

void child_exec(const char *path, char *const arguments[], const int *from, size_t count, int first)
{
	say("child_exec %s", strcmp(path, PORTCULLIS_LIBEXECDIR "/portcullis-driver") == 0
				 ? "LIBEXECDIR/portcullis-driver"
				 : path);
	for (size_t i = 0; arguments[i] != NULL; i++)
		say("  %s", arguments[i]);
	say("  from %d: profile %d, print %d, complaint %d, and no more %d", first, from[0] == PROFILE,
	    from[1] == scratch[0], from[2] == scratch[1], count == 3);
	longjmp(child, 1);
}

static void put(int fd, const char *text, size_t length)
{
	assert_int_equal(write(fd, text, length), length);
}

/* What it writes, and how it ends. */
int child_wait(pid_t pid, int milliseconds)
{
	static const char print[] = HEAD BODY, nopull[] = HEAD BODY "route-nopull\n",
			  wrong[] = HEAD "up \"x\"\n", none[] = "needs 1\n\n" BODY;
	static char much[2 * COMPLAINT_MAX + 2];
	const char *text = is("nopull") ? nopull : is("wrong") ? wrong : is("no-remote") ? none : print;

	say("child_wait %d %d", (int)pid, milliseconds);
	put(scratch[0], text, strlen(text));
	memset(much, 'x', sizeof much);
	if (is("complains"))
		put(scratch[1], "a.ovpn:1: up: not taken\nmore\n", 29);
	if (is("complains-much"))
		put(scratch[1], much, COMPLAINT_MAX);
	if (is("complains-too-much"))
		put(scratch[1], much, COMPLAINT_MAX + 1);
	if (is("prints-too-much"))
		assert_int_equal(ftruncate(scratch[0], CANONICAL_SIZE_MAX + 1), 0);
	return is("exits") ? 1 << 8 : is("killed") ? 9 : 0;
}

int child_sealed(const char *name, const char *bytes, size_t length, struct err *e)
{
	bool head = strcmp(name, "portcullis-remotes") == 0;

	say("child_sealed %s \"%.*s\"", name, (int)length, bytes);
	return (head && FAILS("child_sealed-head")) || (!head && FAILS("child_sealed-body")) ? -1
	       : head                                                                        ? HEAD_FD
											     : BODY_FD;
}

/* Before it is freed: the bytes are there. */
void secret_wipe_bytes(void *bytes, size_t length)
{
	say("secret_wipe_bytes %zu %d", length, strncmp(bytes, "remote", 6) == 0);
	memset(bytes, 0, length);
}

/* A print that is cut while it is read. What is too long, or has no room, is not read at all. */
ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	assert_non_null(to);
	assert_true(size <= (fd == scratch[0] ? (size_t)CANONICAL_SIZE_MAX : COMPLAINT_MAX));
	return syscall(SYS_pread64, fd, to, size - (fd == scratch[0] && is("reading-fails")), at);
}

int close(int fd)
{
	bool is_scratch = fd >= 100;

	say("close %s", fd == -1           ? "nothing"
			: fd == PROFILE    ? "the profile"
			: fd == scratch[0] ? "the print"
			: fd == scratch[1] ? "the complaint"
			: fd == BODY_FD    ? "a body"
			: fd == HEAD_FD    ? "a head"
					   : "an old one");
	return is_scratch ? (int)syscall(SYS_close, fd) : 0;
}

/* --- the tests --------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	journal[0] = '\0';
	memset(&config, 0, sizeof config);
	strcpy(config.profile, "/etc/a.ovpn");
	config.user.number = 901;
	config.user_gid = 902;
	return 0;
}

static void vet(const char *words)
{
	struct err e = {""};
	volatile int result = 0;

	say("\n# %s", words);
	failed[0] = '\0';
	scratch_count = 0;
	scratch[0] = scratch[1] = -2;
	profile = (struct gate_profile){
	    .head = 20, .body = 21, .remotes = calloc(7, sizeof *profile.remotes), .remote_count = 7};
	if (has_word(words, "first"))
		profile.head = profile.body = -1;
	so = words;
	callocs = 0;
	if (setjmp(child) == 0)
		result = vet_profile(&config, &profile, &e);
	so = "";
	say("= %s; head %d, body %d, remotes %zu, nopull %d", result == 0 ? "done" : e.text, profile.head,
	    profile.body, profile.remote_count, profile.route_nopull);
	for (size_t i = 0; profile.remote_count < 7 && i < profile.remote_count; i++) {
		char text[NET_ENDPOINT_TEXT];

		say("  %s", net_endpoint_text(&profile.remotes[i], text));
	}
	for (size_t i = 0; i < profile.named_count; i++)
		say("  %s %u %s: %zu + %zu", profile.named[i].host, profile.named[i].port,
		    net_proto_text(profile.named[i].proto), profile.named[i].first, profile.named[i].count);
	free(profile.remotes);
	free(profile.named);
}

/* Whatever comes of it, no memory is left behind. */
static void test_no_leak(void **state)
{
	static const char *const ways[] = {
	    "",          "complains",          "wrong",        "exits", "!calloc-4",
	    "!calloc-5", "!child_sealed-body", "reading-fails"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		assert_no_leak(ways[i], vet(ways[i]));
}

static void test_each_way(void **state)
{
	static const char *const ways[] = {"",
					   "first nopull",
					   "child",
					   "!file_open_owned",
					   "!child_scratch-print",
					   "!child_scratch-complaint",
					   "!child_fork",
					   "complains",
					   "complains exits",
					   "complains-too-much",
					   "exits",
					   "killed",
					   "prints-too-much",
					   "reading-fails",
					   "wrong",
					   "no-remote",
					   "!calloc-1",
					   "!calloc-2",
					   "!calloc-3",
					   "!calloc-4",
					   "!child_sealed-head",
					   "!child_sealed-body"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		vet(ways[i]);
	config.profile[0] = '\0';
	vet("no profile");
	assert_golden("tests/golden/vet/ways", journal);
}

/* So long may a complaint be, and of it the line that fits is told. */
static void test_a_long_complaint(void **state)
{
	(void)state;
	vet("complains-much");
	assert_null(strstr(journal, "can't be read"));
	assert_non_null(strstr(journal, "= xxxxxxxx"));
}

/* Two that are there, of which the first has these bytes: are they the same? */
static bool same(const char *one, const char *other, const char *words)
{
	struct err e = {""};
	bool result;

	scratch_count = 0;
	so = "";
	(void)child_scratch("one", &e);
	(void)child_scratch("other", &e);
	put(scratch[0], one, strlen(one));
	put(scratch[1], other, strlen(other));
	so = words;
	callocs = 0;
	result = vet_same(scratch[0], scratch[1]);
	so = "";
	close(scratch[0]);
	close(scratch[1]);
	return result;
}

/* By every byte; what can't be read is another. What was read is wiped. */
static void test_what_is_the_same(void **state)
{
	(void)state;
	assert_true(same("remote", "remote", ""));
	assert_non_null(strstr(journal, "secret_wipe_bytes 6 1\nsecret_wipe_bytes 6 1\n"));
	assert_false(same("remote", "remotf", ""));
	assert_false(same("remote", "remot", ""));
	assert_false(same("remot", "remote", ""));
	assert_false(same("remote", "remote", "!calloc-1"));
	assert_false(same("remote", "remote", "!calloc-2"));
	assert_false(same("remote", "remote", "reading-fails"));
	assert_false(same("", "remote", ""));
	assert_true(same("", "", ""));
	assert_no_leak("the same", same("remote", "remote", ""));
	assert_no_leak("no second", same("remote", "remote", "!calloc-2"));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_no_leak), TEST(test_each_way),
					   TEST(test_a_long_complaint), TEST(test_what_is_the_same)};

	return cmocka_run_group_tests_name("vet", tests, NULL, NULL);
}
