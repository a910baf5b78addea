/* A pf that a test plays, with the backend's other neighbours: each pfctl fails in turn, and in each way. */
#ifndef TESTS_UNIT_PF_STANDIN_H
#define TESTS_UNIT_PF_STANDIN_H

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "between.h"
#include "clock_standin.h"
#include "journal.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/pf/system.h"
#include "os/firewall/probe.h"
#include "os/host/file.h"
#include "os/host/lockfile.h"
#include "os/process/tool.h"
#include "pause_watchdog_standin.h"
#include "policy_cases.h"
#include "show.h"

enum { TEXT = PRINT_SIZE, FALLBACK = 1, LONGEST_MS = 6000 /* of one call of the port */ };

/* How a pfctl fails: once, until it has been asked again, or from then on. */
enum way {
	REFUSED,   /* it ends with an error, and says nothing */
	LIED,      /* it tells of success, and did nothing */
	COMPLAINS, /* the same, but it says that something was wrong */
	HALF,      /* half of the text is loaded, or half of the answer given */
	BUSY,      /* once: another pfctl was in between */
	OCCUPIED,  /* the same, without end */
	STUCK,     /* it is killed at its deadline, and so is the next one */
	GONE,      /* it is refused, and so is the next one */
	WAYS
};
static const char *const way_words[WAYS] = {"refused", "lied",     "complains", "half",
					    "busy",    "occupied", "stuck",     "gone"};

/* All that may be asked of pfctl, and our word for it. */
static const struct {
	const char *arguments, *word;
} questions[] = {{" -o none -a org.portcullis -f -", "load"},
		 {" -a org.portcullis -v -s rules", "read"},
		 {" -o none -a com.apple/000.portcullis -f -", "load2"},
		 {" -a com.apple/000.portcullis -v -s rules", "read2"},
		 {" -n -o none -a org.portcullis -f -", "try"},
		 {" -F states", "kill"},
		 {" -f -", "main"},
		 {" -s rules", "rules"},
		 {" -s nat", "nat"},
		 {" -s dummynet", "dummynet"},
		 {" -s Interfaces -v", "links"},
		 {" -s info", "info"},
		 {" -s References", "references"},
		 {" -E", "enable"},
		 {" -e", "on"},
		 {" -X 77", "release"}};

static struct {
	char anchor[2][TEXT], rules[TEXT], nat[TEXT];
	bool enabled, reference;
	unsigned step, loaded, killed; /* when the policy was loaded and the states were killed last */
	unsigned refused;              /* so many main rules it does not take */
	unsigned packets;              /* that each rule has met */
	bool junk;                     /* behind our rules there is something else */
	unsigned leaky;                /* bits: the last rules of these anchors stop nothing */
	const char *skipped;           /* "" or " (skip)", behind a link */
} pf;

static pid_t own_pid;
static unsigned calls, fail_at; /* 0: none fails */
static enum way way;
static char failed[16];        /* the call that did, in our word */
static size_t failed_at;       /* its place in the journal */
static char token[32];         /* the file of it */
static bool token_kept;        /* can it be written? */
static const char *busy_words; /* what pfctl says when it is */
static bool folder_kept;       /* can its folder be made? */
static const char *pf_conf;    /* NULL: there is none */
static bool conf_is_folder;    /* it can be opened, and not read */
static int held_by;
static bool lockfile_fails; /* the file can't be made */
/* What children see too. */
static struct {
	enum probed probed; /* what passes, whatever pf says */
	bool hangs, mute;   /* pfctl; the probe */
	pid_t asker;        /* the child that has asked pfctl last */
	unsigned asked;     /* so often children have */
} * shared;

static bool child_logs; /* when it asks pfctl */
static int last_wait;   /* ms, for descriptors */

enum { LOG_TO = 3 }; /* where the child is to have what it reports by */

static struct firewall *fw;
static struct situation locked, dialling, opened, moved; /* moved: open, with other addresses */
static struct err e;

/* --- pf ---------------------------------------------------------------------------- */

/* As many rules as the text makes, told apart by the text; the last two stop everything. */
static void show_anchor(const char *text, bool leaky, char *to, size_t size)
{
	size_t count = pf_count_rules(text);
	unsigned long hash = 5381;

	for (const char *at = text; *at != '\0'; at++)
		hash = hash * 33 + (unsigned char)*at;
	for (size_t i = 2; i < count; i++)
		show(to, size, "pass quick on en%zu all label \"%lx\"\n", i, hash);
	for (size_t i = 0; i < 2 && count >= 2; i++)
		show(to, size, "%s %s quick all\n  [ Evaluations: 9 Packets: %u Bytes: 0 ]\n",
		     leaky ? "pass" : "block drop", i == 0 ? "out" : "in", pf.packets);
}

static void load_main(const char *text)
{
	char copy[TEXT], *rest = copy, *line;

	snprintf(copy, sizeof copy, "%s", text);
	pf.rules[0] = pf.nat[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		bool nat = strncmp(line, "nat", 3) == 0 || strncmp(line, "rdr", 3) == 0 ||
			   strncmp(line, "binat", 5) == 0;
		bool whole = strstr(line, " all") != NULL;
		char *to = nat ? pf.nat : pf.rules;

		line[strcspn(line, "#")] = '\0';
		if (line[0] != '\0' && strncmp(line, "dummynet", 8) != 0)
			show(to, TEXT, "%s%s\n", line, whole ? "" : " all");
	}
}

static void load_anchor(int which, const char *text)
{
	snprintf(pf.anchor[which], TEXT, "%s", text);
	pf.loaded = which == 0 ? ++pf.step : pf.loaded;
}

static bool is_word(const char *word, const char *which)
{
	return strcmp(word, which) == 0;
}

static void answer(const char *word, const char *input, char *to, size_t size)
{
	if (is_word(word, "load") || is_word(word, "load2"))
		load_anchor(word[4] == '2', input);
	else if (is_word(word, "main"))
		load_main(input);
	else if (is_word(word, "read") || is_word(word, "read2"))
		show_anchor(pf.anchor[word[4] == '2'], pf.leaky >> (word[4] == '2') & 1, to, size);
	else if (is_word(word, "rules"))
		show(to, size, "%s", pf.rules);
	else if (is_word(word, "nat"))
		show(to, size, "%s", pf.nat);
	else if (is_word(word, "links"))
		show(to, size, "ALL\nen0%s\nlo0\n", pf.skipped);
	else if (is_word(word, "info"))
		show(to, size, "Status: %s for 0 days 00:00:00\n", pf.enabled ? "Enabled" : "Disabled");
	else if (is_word(word, "references"))
		show(to, size,
		     pf.reference ? "TOKENS:\nPID      Process Name                 TOKEN\n"
				    "4063     portcullisd                  77\n"
				  : "No pf starter references held\n");
	else if (is_word(word, "release"))
		pf.reference = false;
	else if (is_word(word, "kill"))
		pf.killed = ++pf.step;
	if (is_word(word, "read") && pf.junk)
		show(to, size, "what is this\n");
	if (is_word(word, "on")) /* it counts no references */
		pf.enabled = pf.reference = true;
	if (is_word(word, "enable")) {
		pf.enabled = pf.reference = true;
		show(to, size, "pf enabled\nToken : 77\n");
	}
}

/* Ours for what is asked; what is not in the list nobody should ask. */
static const char *word_for(const char *const *argv)
{
	char call[256] = "";

	for (size_t i = 1; argv[i] != NULL; i++)
		show(call, sizeof call, " %s", argv[i]);
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (strcmp(questions[i].arguments, call) == 0)
			return questions[i].word;
	fail_msg("pfctl%s: nobody should say that", call);
	return "";
}

static int half(const char *word, const char *input, char *output, size_t size)
{
	char part[TEXT];

	snprintf(part, sizeof part, "%.*s", (int)(strlen(input) / 2), input);
	answer(word, part, output, size);
	if (!is_word(word, "links")) /* a list without an end: nobody could tell */
		output[strlen(output) / 2] = '\0';
	return 0;
}

static int fall_short(const char *word, const char *input, int milliseconds, char *output, size_t size,
		      struct err *error)
{
	if (calls == fail_at) {
		snprintf(failed, sizeof failed, "%s", word);
		failed_at = strlen(journal) - strlen(word) - 1;
	}
	if (way == BUSY || way == OCCUPIED)
		show(output, size, "pfctl: DIOCXBEGIN: %s\n", busy_words);
	if (way == COMPLAINS)
		show(output, size, "pfctl: DIOCGETRULES: Invalid argument\n");
	if (way == STUCK) {
		the_time += milliseconds;
		return err_set(error, "/sbin/pfctl: killed after %d ms", milliseconds);
	}
	if (way == HALF)
		return half(word, input, output, size);
	return way == LIED || way == COMPLAINS ? 0 : err_set(error, "/sbin/pfctl: exit 1: ");
}

/* Does this call fail? */
static bool is_failing(const char *word)
{
	calls++;
	if (fail_at == 0 || calls < fail_at)
		return false;
	return calls == fail_at || way == GONE || way == STUCK || (way == OCCUPIED && is_word(word, failed));
}

/* Nothing but what it reports by is open there. */
static void ask_in_child(void)
{
	if (child_logs)
		log_error("gate", "in a child");
	for (int i = LOG_TO + 1; i < 64 && child_logs; i++)
		if (fcntl(i, F_GETFD) != -1)
			_exit(98);
	shared->asker = getpid();
	shared->asked++;
	while (shared->hangs)
		(void)pause();
}

int tool_output_all(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		    struct err *error)
{
	const char *word = word_for(argv);

	assert_string_equal(argv[0], "/sbin/pfctl");
	assert_between(milliseconds, 1, 2000);
	assert_non_null(error);
	assert_string_equal(error->text, "");
	output[0] = '\0';
	show(journal, JOURNAL, "%s ", word);
	if (getpid() != own_pid)
		ask_in_child();
	if (is_failing(word))
		return fall_short(word, input == NULL ? "" : input, milliseconds, output, size, error);
	if (is_word(word, "main") && pf.refused > 0) {
		pf.refused--;
		show(output, size, "stdin:3: syntax error\n");
		return err_set(error, "/sbin/pfctl: exit 1: stdin:3: syntax error");
	}
	answer(word, input == NULL ? "" : input, output, size);
	return 0;
}

/* A wait without descriptors takes its time; any other is a real one. Under a name of its own here, for the C
 * library may have an inline function of the other. */
int played_poll(struct pollfd *fds, nfds_t count, int milliseconds) __asm__("poll");
int played_poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
	const struct timespec limit = {.tv_sec = milliseconds / 1000,
				       .tv_nsec = milliseconds % 1000 * 1000000L};

	last_wait = count > 0 ? milliseconds : last_wait;
	if (count > 0 && shared->mute && getpid() == own_pid) {
		assert_true(fds->fd > LOG_TO && fds->events == POLLIN);
		return 0;
	}
	if (count > 0)
		return ppoll(fds, count, milliseconds < 0 ? NULL : &limit, NULL);
	the_time += milliseconds;
	return 0;
}

/* --- what else it uses: nothing of this machine ----------------------------------------- */

void fault_point(const char *moment)
{
	show(journal, JOURNAL, "%s",
	     is_word(moment, "flip-before-send")  ? "( "
	     : is_word(moment, "flip-after-send") ? ") "
						  : "| ");
}

int open(const char *path, int flags, ...)
{
	FILE *file;
	int descriptor;

	if (strcmp(path, "/etc/pf.conf") != 0)
		return openat(AT_FDCWD, path, flags, 0600);
	assert_int_equal(flags, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	show(journal, JOURNAL, "pf.conf ");
	if (conf_is_folder)
		return openat(AT_FDCWD, "/", flags);
	if (pf_conf == NULL || (file = tmpfile()) == NULL)
		return -1;
	fputs(pf_conf, file);
	rewind(file);
	descriptor = dup(fileno(file));
	fclose(file);
	return descriptor;
}

int file_load(const char *path, char *to, size_t size)
{
	assert_non_null(strstr(path, "/portcullis/pf.token"));
	if (token[0] == '\0')
		return -1;
	snprintf(to, size, "%s", token);
	return 0;
}

int file_save(const char *path, const char *text, bool durable)
{
	assert_non_null(strstr(path, "/portcullis/pf.token"));
	assert_true(durable);
	if (!token_kept)
		return -1;
	snprintf(token, sizeof token, "%s", text);
	return 0;
}

int file_folder_of(const char *file, mode_t mode, struct err *error)
{
	assert_non_null(strstr(file, "/portcullis/pf.token"));
	assert_int_equal(mode, 0700);
	return folder_kept ? 0 : err_set(error, "a full disk");
}

int unlink(const char *path)
{
	assert_non_null(strstr(path, "/portcullis/pf.token"));
	token[0] = '\0';
	return 0;
}

int lockfile_open(const char *path, struct err *error)
{
	int descriptor = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);

	assert_non_null(strstr(path, "/portcullis/pf"));
	if (lockfile_fails) {
		close(descriptor);
		return err_set(error, "a full disk");
	}
	return descriptor;
}

int lockfile_lock(int descriptor, int32_t *pid)
{
	assert_int_not_equal(fcntl(descriptor, F_GETFD), -1);
	*pid = held_by;
	return held_by != 0;
}

int lockfile_owner(int descriptor, int32_t *pid)
{
	assert_int_not_equal(fcntl(descriptor, F_GETFD), -1);
	*pid = held_by;
	return held_by < 0 ? -1 : 0;
}

int lockfile_owner_at(const char *path, int32_t *pid)
{
	assert_non_null(strstr(path, "/portcullis/pf"));
	/* Whoever has it open would let go of it by that. */
	assert_false(fw != NULL && pf_of(fw)->lockfile != -1);
	*pid = held_by;
	return held_by < 0 ? -1 : 0;
}

enum probed probe_as_nobody(const struct situation *s, const char **link)
{
	*link = s->links[0];
	while (shared->mute)
		(void)pause();
	return shared->probed;
}

/* --- the world ------------------------------------------------------------------------------ */

static const char apples[] = "scrub-anchor \"com.apple/*\"\nnat-anchor \"com.apple/*\"\n"
			     "rdr-anchor \"com.apple/*\"\nanchor \"com.apple/*\"\n";

/* No call lives on the time of another one. */
static void heal(void)
{
	if (fw != NULL)
		pf_of(fw)->deadline = 0;
	calls = fail_at = 0;
	failed_at = 0;
	failed[0] = journal[0] = e.text[0] = '\0';
}

/* Once for all tests. The log goes where a child is to have what it reports by. */
static int prepare(void **state)
{
	(void)state;
	own_pid = getpid();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : log_to(LOG_TO);
}

static int setup(void **state)
{
	(void)state;
	memset(&pf, 0, sizeof pf);
	pf.skipped = "";
	load_main(apples);
	token[0] = '\0';
	token_kept = folder_kept = true;
	busy_words = "Device busy";
	pf_conf = NULL;
	conf_is_folder = false;
	watchdog_runs = watchdog_fails = watchdog_stays = lockfile_fails = child_logs = false;
	shared->hangs = shared->mute = false;
	held_by = 0;
	shared->probed = PROBED_REFUSED;
	fw = NULL;
	heal();
	locked = situation_named("locked");
	dialling = situation_named("dialling-udp4");
	opened = situation_named("open");
	moved = situation_named("open-dual");
	fw = firewall_pf.open(&e);
	assert_non_null(fw);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	firewall_pf.close(fw);
	return 0;
}

/* Is it what pf does, for every packet? */
static bool stands(const struct situation *s)
{
	static char wanted[TEXT];

	assert_int_equal(policy_print_pf(s, wanted, sizeof wanted, &e), 0);
	return strcmp(pf.anchor[0], wanted) == 0 && pf.enabled && pf.reference && pf.skipped[0] == '\0' &&
	       pf_judge_main(pf_dialect, pf.rules, pf.nat) == NULL;
}

/* How the backend is, for a line of text. */
static inline void show_backend(char *to, size_t size)
{
	const struct pf_firewall *now = pf_of(fw);
	int64_t fresh = now->fresh_until > the_time ? now->fresh_until - the_time : 0;

	show(to, size, "%s%s%s%s", now->armed ? ", armed" : "", now->tainted ? ", tainted" : "",
	     watchdog_runs ? ", watched" : "", now->paused ? ", paused" : "");
	if (now->armed && fresh != 2000)
		show(to, size, ", believed %d ms", (int)fresh);
	show(to, size, "%s%s", now->remark.text[0] != '\0' ? "; " : "", now->remark.text);
}

static int set(const struct situation *s)
{
	return (firewall_pf.assert)(fw, s, &e);
}

static void be(const struct situation *s)
{
	heal();
	if (set(s) != 0)
		fail_msg("%s", e.text);
	assert_true(stands(s));
}

#endif
