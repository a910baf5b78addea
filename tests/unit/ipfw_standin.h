/* An ipfw that a test plays, with the backend's other neighbours: each call of its tool fails in turn, and in
 * each way. */
#ifndef TESTS_UNIT_IPFW_STANDIN_H
#define TESTS_UNIT_IPFW_STANDIN_H

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/io.h"
#include "between.h"
#include "clock_standin.h"
#include "journal.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/probe.h"
#include "os/process/tool.h"
#include "pause_watchdog_standin.h"
#include "policy/print.h"
#include "policy_cases.h"
#include "show.h"

enum { RULES = 1024, BODY = 512, TEXT = 256 * 1024, LONGEST_MS = 20000 };

/* How a call of the tool fails: once, or from then on. */
enum way {
	REFUSED, /* it ends with an error */
	LIED,    /* it tells of success, and did nothing */
	HALF,    /* it stops in the middle, and tells so */
	LATE,    /* it is done, and told as failed */
	STUCK,   /* it is killed at its deadline, and so is the next one */
	WAYS
};
static const char *const way_words[WAYS] = {"refused", "lied", "half", "late", "stuck"};

static struct {
	struct {
		unsigned number, set;
		char body[BODY];
	} rules[RULES];
	size_t count;
	uint32_t disabled; /* sets */
	unsigned packets;  /* that each rule has met */
	bool loaded, on;
	bool stuck;       /* no set can be disabled */
	bool floor_stays; /* nor the floor be deleted */
	bool passes, cut; /* what no rule has judged; the listing ends too early */
	unsigned step, flipped, killed;
} ipfw;

static unsigned calls, fail_at; /* 0: none fails */
static enum way way;
static size_t failed_at; /* the place in the journal of the call that did */
static enum probed probed;
static bool hangs;      /* the tool, when it lists beside the loop */
static unsigned listed; /* how often it was begun there */

static struct firewall *fw;
static struct situation locked, dialling, opened;
static struct err e;

/* --- ipfw ------------------------------------------------------------------------------ */

static void delete_rules(unsigned set, unsigned number)
{
	size_t kept = 0;

	if (set == IPFW_FLOOR_SET && ipfw.floor_stays)
		return;
	for (size_t i = 0; i < ipfw.count; i++)
		if (ipfw.rules[i].set != set || (number != 0 && ipfw.rules[i].number != number))
			ipfw.rules[kept++] = ipfw.rules[i];
	ipfw.count = kept;
}

static void add_rule(unsigned number, unsigned set, const char *body)
{
	size_t at = ipfw.count;

	assert_true(ipfw.count < RULES);
	while (at > 0 && ipfw.rules[at - 1].number > number)
		at--;
	memmove(&ipfw.rules[at + 1], &ipfw.rules[at], (ipfw.count++ - at) * sizeof ipfw.rules[0]);
	ipfw.rules[at].number = number;
	ipfw.rules[at].set = set;
	snprintf(ipfw.rules[at].body, BODY, "%s", body);
}

/* `set disable 27 enable 26` */
static void switch_sets(char *words)
{
	bool enables = false;
	char *word;

	while ((word = strsep(&words, " ")) != NULL) {
		if (strcmp(word, "enable") == 0 || strcmp(word, "disable") == 0)
			enables = word[0] == 'e';
		else if (enables)
			ipfw.disabled &= ~(1u << atoi(word));
		else if (!ipfw.stuck)
			ipfw.disabled |= 1u << atoi(word);
	}
	ipfw.flipped = ++ipfw.step;
}

static void command(char *line)
{
	unsigned number, set;
	int at = 0;

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (sscanf(line, "add %u set %u %n", &number, &set, &at) == 2 && at > 0)
		add_rule(number, set, line + at);
	else if (sscanf(line, "set %u delete %u", &set, &number) == 2)
		delete_rules(set, number);
	else if (strncmp(line, "delete set ", 11) == 0)
		delete_rules((unsigned)atoi(line + 11), 0);
	else if (strcmp(line, "enable firewall") == 0)
		ipfw.on = true;
	else if (strncmp(line, "set ", 4) == 0)
		switch_sets(line + 4);
	else
		fail_msg("ipfw %s: nobody should say that", line);
}

/* The tool stops where it fails. */
static void commands(const char *input, bool half)
{
	static char copy[TEXT];
	char *rest = copy, *line;
	size_t lines = 0, done = 0;

	for (const char *at = input; *at != '\0'; at++)
		lines += *at == '\n';
	snprintf(copy, sizeof copy, "%s", input);
	while ((line = strsep(&rest, "\n")) != NULL && !(half && done++ >= lines / 2))
		command(line);
}

void fault_point(const char *moment)
{
	show(journal, JOURNAL, "%s", strcmp(moment, "flip-before-send") == 0 ? "( " : "| ");
}

int ipfw_kernel_state(void)
{
	return !ipfw.loaded ? -1 : ipfw.on;
}

/* Of a batch: each line without its blanks, and how many rules are added. */
static void note_batch(const char *input)
{
	static char copy[TEXT];
	char *rest = copy, *line;
	unsigned set, rules = 0;

	snprintf(copy, sizeof copy, "%s", input);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (sscanf(line, "add 1 set %u", &set) == 1) {
			rules++;
			continue;
		}
		for (char *at = line; *at != '\0'; at++)
			if (*at != ' ')
				show(journal, JOURNAL, "%c", *at);
		show(journal, JOURNAL, ";");
	}
	if (rules > 0)
		show(journal, JOURNAL, "add:%u", set);
	show(journal, JOURNAL, " ");
}

/* All that may be asked of the tools. */
static void note_call(const char *const *argv, const char *input)
{
	static const char *const words[][2] = {{"/sbin/kldload -n ipfw", "kldload "},
					       {"/sbin/ipfw -q /dev/stdin", ""},
					       {"/sbin/ipfw -q -D delete 1-65534", "states "},
					       {"/sbin/ipfw -a -S list", "list "}};
	char call[256] = "";
	size_t i = 0;

	for (size_t k = 0; argv[k] != NULL; k++)
		show(call, sizeof call, "%s%s", k > 0 ? " " : "", argv[k]);
	while (i < 4 && strcmp(words[i][0], call) != 0)
		i++;
	if (i == 4 || (input != NULL) != (i == 1))
		fail_msg("%s: nobody should say that", call);
	if (fail_at != 0 && calls + 1 == fail_at)
		failed_at = strlen(journal);
	show(journal, JOURNAL, "%s", words[i][1]);
	if (input != NULL)
		note_batch(input);
}

static bool is_failing(void)
{
	calls++;
	return fail_at != 0 && (calls == fail_at || (calls > fail_at && way == STUCK));
}

static int fall_short(int milliseconds, struct err *error)
{
	if (way == STUCK)
		the_time += milliseconds;
	return way == LIED ? 0 : err_set(error, way == STUCK ? "killed" : "made to fail");
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *error)
{
	bool failed;

	assert_int_equal(milliseconds, 2000);
	note_call(argv, input);
	failed = is_failing();
	if (failed && way != HALF && way != LATE)
		return fall_short(milliseconds, error);
	if (strstr(argv[0], "kldload") != NULL)
		ipfw.loaded = ipfw.on = true;
	else if (input != NULL)
		commands(input, failed && way == HALF);
	else
		ipfw.killed = ++ipfw.step;
	return failed ? fall_short(milliseconds, error) : 0;
}

static void list_rules(char *output, size_t size)
{
	output[0] = '\0';
	for (size_t i = 0; i < ipfw.count; i++)
		show(output, size, "%s%05u %u 100 set %u %s\n",
		     ipfw.disabled >> ipfw.rules[i].set & 1 ? "# DISABLED " : "", ipfw.rules[i].number,
		     ipfw.packets, ipfw.rules[i].set, ipfw.rules[i].body);
	if (!ipfw.cut)
		show(output, size, "65535 0 0 set 31 %s ip from any to any\n",
		     ipfw.passes ? "allow" : "deny");
}

int tool_output(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
		struct err *error)
{
	assert_null(input);
	assert_int_equal(milliseconds, 2000);
	note_call(argv, NULL);
	output[0] = '\0';
	if (is_failing())
		return fall_short(milliseconds, error); /* a lie: an empty answer */
	list_rules(output, size);
	return 0;
}

/* Beside the loop: a process that says what there is now. */
pid_t tool_start(const char *const *argv, int input, int output, int errors)
{
	static char listing[TEXT];
	pid_t pid;

	(void)input, (void)errors;
	note_call(argv, NULL);
	list_rules(listing, sizeof listing);
	if (is_failing())
		return -1;
	listed++;
	pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		while (hangs)
			(void)pause();
		_exit(io_write_all(output, listing, strlen(listing)) == 0 ? 0 : 1);
	}
	(void)setpgid(pid, pid); /* whoever is first: its end is by its group */
	return pid;
}

enum probed probe_link(const char *link)
{
	assert_true(link[0] != '\0');
	return probed;
}

/* --- the world --------------------------------------------------------------------------------- */

static void heal(void)
{
	calls = fail_at = 0;
	failed_at = 0;
	journal[0] = e.text[0] = '\0';
}

static int prepare(void **state)
{
	(void)state;
	return log_to(30);
}

static int setup(void **state)
{
	(void)state;
	memset(&ipfw, 0, sizeof ipfw);
	add_rule(100, 0, "allow ip from any to any via lo0"); /* somebody else's */
	ipfw.packets = 3;
	watchdog_runs = watchdog_fails = watchdog_stays = hangs = false;
	probed = PROBED_REFUSED;
	heal();
	locked = situation_named("locked");
	dialling = situation_named("dialling-udp4");
	opened = situation_named("open");
	fw = firewall_ipfw.open(&e);
	assert_non_null(fw);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	firewall_ipfw.close(fw);
	return 0;
}

static bool has_floor(void)
{
	for (size_t i = 0; i < ipfw.count; i++)
		if (ipfw.rules[i].set == IPFW_FLOOR_SET && ipfw.rules[i].number == IPFW_FLOOR_NUMBER &&
		    strcmp(ipfw.rules[i].body, IPFW_FLOOR) == 0)
			return true;
	return false;
}

/* The rules that decide, one after the other; the number of our sets that do. */
static unsigned deciding(char *to, size_t size)
{
	uint32_t sets = 0;
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < ipfw.count; i++) {
		unsigned set = ipfw.rules[i].set;

		if ((set != 26 && set != 27) || ipfw.disabled >> set & 1)
			continue;
		sets |= 1u << set;
		used += (size_t)snprintf(to + used, size - used, "%s\n", ipfw.rules[i].body);
	}
	return (sets >> 26 & 1) + (sets >> 27 & 1);
}

/* Is it what ipfw does, for every packet? */
static bool stands(const struct situation *s)
{
	static char printed[TEXT], wanted[TEXT], found[TEXT];
	char *rest = printed, *line;
	size_t used = 0;

	assert_int_equal(policy_print_ipfw_set(s, 26, printed, sizeof printed, &e), 0);
	wanted[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "add ", 4) == 0)
			used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s\n",
						 strstr(line, "set 26 ") + 7);
	return ipfw.loaded && ipfw.on && has_floor() && deciding(found, sizeof found) == 1 &&
	       strcmp(wanted, found) == 0;
}

/* How the backend is, for a line of text. */
static inline void show_backend(char *to, size_t size)
{
	show(to, size, "%s%s%s%s", ipfw_of(fw)->armed ? ", armed" : "", watchdog_runs ? ", watched" : "",
	     ipfw_of(fw)->paused ? ", paused" : "", has_floor() ? "" : ", without a floor");
}

static int set(const struct situation *s)
{
	return (firewall_ipfw.assert)(fw, s, &e);
}

static void be(const struct situation *s)
{
	heal();
	if (set(s) != 0)
		fail_msg("%s", e.text);
	assert_true(stands(s));
}

#endif
