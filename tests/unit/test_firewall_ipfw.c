/* The ipfw backend with an ipfw that the test plays: each call of its tool fails in turn, and in each way;
 * whatever is told as done must stand, the sets change places in one command, and no state of before lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <sys/types.h>

#include "between.h"
#include "journal.h"
#include "os/firewall/ipfw/ipfw.h"
#include "os/firewall/probe.h"
#include "os/process/tool.h"
#include "pause_watchdog_standin.h"
#include "policy/print.h"
#include "policy_cases.h"

enum { RULES = 1024, BODY = 512, TEXT = 256 * 1024 };
enum way { REFUSED, LIED, HALF, WAYS };

static struct {
	struct {
		unsigned number, set;
		char body[BODY];
	} rules[RULES];
	size_t count;
	uint32_t disabled; /* sets */
	bool loaded, on;
	unsigned step, flipped, killed;
} ipfw;

static unsigned calls, fail_at; /* 0: none fails */
static enum way way;
static enum probed probed;

static struct firewall *fw;
static struct situation locked, dialling, opened;
static struct err e;

/* --- ipfw ------------------------------------------------------------------------------ */

static void delete_rules(unsigned set, unsigned number)
{
	size_t kept = 0;

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
		else
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

int ipfw_kernel_state(void)
{
	return !ipfw.loaded ? -1 : ipfw.on;
}

static void note(const char *const *argv, const char *input)
{
	size_t used = strlen(journal);

	for (size_t i = 1; argv[i] != NULL; i++)
		used += (size_t)snprintf(journal + used, JOURNAL - used, " %s", argv[i]);
	snprintf(journal + used, JOURNAL - used, ";\n%s", input == NULL ? "" : input);
}

int tool_run(const char *const *argv, const char *input, int milliseconds, struct err *error)
{
	bool failed = ++calls == fail_at;

	assert_int_equal(argv[0][0], '/');
	assert_between(milliseconds, 1, 2000);
	note(argv, input);
	if (failed && way != HALF)
		return way == LIED ? 0 : err_set(error, "made to fail");
	if (strstr(argv[0], "kldload") != NULL) {
		assert_string_equal(argv[2], "ipfw");
		ipfw.loaded = ipfw.on = true;
	} else if (input != NULL) {
		assert_string_equal(argv[2], "/dev/stdin");
		commands(input, failed);
	} else {
		assert_string_equal(argv[2], "-D");
		assert_string_equal(argv[3], "delete");
		ipfw.killed = ++ipfw.step;
	}
	return failed ? err_set(error, "made to fail") : 0;
}

int tool_ask(const char *const *argv, const char *input, int milliseconds, char *output, size_t size,
	     struct err *error)
{
	size_t used = 0;

	assert_null(input);
	assert_between(milliseconds, 1, 2000);
	assert_string_equal(argv[3], "list");
	note(argv, NULL);
	output[0] = '\0';
	if (++calls == fail_at) {
		if (way != LIED)
			return err_set(error, "made to fail");
		return 0; /* an empty answer */
	}
	for (size_t i = 0; i < ipfw.count; i++)
		used += (size_t)snprintf(output + used, size - used, "%s%05u 3 100 set %u %s\n",
					 ipfw.disabled >> ipfw.rules[i].set & 1 ? "# DISABLED " : "",
					 ipfw.rules[i].number, ipfw.rules[i].set, ipfw.rules[i].body);
	snprintf(output + used, size - used, "65535 0 0 set 31 deny ip from any to any\n");
	return 0;
}

/* Nothing of this machine is started. */
pid_t tool_start(const char *const *argv, int input, int output, int errors)
{
	(void)argv, (void)input, (void)output, (void)errors;
	return -1;
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
	journal[0] = '\0';
}

static int setup(void **state)
{
	(void)state;
	memset(&ipfw, 0, sizeof ipfw);
	add_rule(100, 0, "allow ip from any to any via lo0"); /* somebody else's */
	watchdog_runs = watchdog_fails = false;
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

/* --- each in turn ----------------------------------------------------------------------------------- */

static void fail_each_call(const struct situation *before, const struct situation *after)
{
	unsigned all;

	be(before);
	be(after);
	all = calls;
	assert_true(ipfw.killed > ipfw.flipped);
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			int result;

			be(before);
			heal();
			fail_at = i;
			e.text[0] = '\0';
			result = set(after);
			if (result == 0) {
				assert_true(stands(after));
				assert_true(way == LIED || ipfw.killed > ipfw.flipped);
			} else {
				assert_true(!ipfw_of(fw)->armed && e.text[0] != '\0');
				assert_true(has_floor()); /* shut, whatever it was */
			}
			be(after);
		}
	}
}

static void test_a_flip_is_whole_or_told(void **state)
{
	(void)state;
	fail_each_call(&locked, &dialling);
	fail_each_call(&dialling, &opened);
	fail_each_call(&opened, &locked);
}

static void test_the_first_lock(void **state)
{
	unsigned all;

	be(&locked);
	all = calls;
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			teardown(state);
			setup(state);
			fail_at = i;
			e.text[0] = '\0';
			if (set(&locked) == 0)
				assert_true(stands(&locked) && (way == LIED || ipfw.killed > ipfw.flipped));
			else
				assert_true(!ipfw_of(fw)->armed && e.text[0] != '\0');
		}
	}
}

static void test_the_order(void **state)
{
	(void)state;
	be(&locked);
	assert_true(is_before("-n ipfw", "add 2 set 31 deny"));
	assert_true(is_before("add 2 set 31 deny", "set disable 26\n"));
	assert_true(is_before("set disable 26\n", "set disable 27 enable 26\n"));
	assert_true(is_before("set disable 27 enable 26\n", "-D delete 1-65534"));
	be(&dialling);
	assert_true(is_before("set disable 27\n", "set disable 26 enable 27\n"));
	assert_true(is_before("set disable 26 enable 27\n", "-D delete 1-65534"));
	assert_true(is_before("-D delete 1-65534", "delete set 26\n"));
	be(&dialling);
	assert_int_equal(calls, 1); /* only looked at */
}

static void test_what_others_change(void **state)
{
	char now[TEXT];

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		be(&dialling);
		ipfw.killed = 0;
		if (kind == 0)
			delete_rules(26, 0), delete_rules(27, 0);
		else if (kind == 1)
			ipfw.disabled |= 1u << 26 | 1u << 27;
		else if (kind == 2)
			delete_rules(IPFW_FLOOR_SET, 0);
		else if (kind == 3)
			ipfw.on = false;
		else if (kind == 4) /* the same count, another rule */
			strcpy(ipfw.rules[ipfw.count / 2].body, "allow ip from any to any // row 3");
		else
			add_rule(1, ipfw.disabled >> 26 & 1 ? 27 : 26, "allow ip from any to any");
		assert_false(stands(&dialling));
		be(&dialling);
		assert_true(ipfw.killed > 0);
	}
	be(&dialling);
	assert_int_equal(deciding(now, sizeof now), 1);
	/* The other set, enabled by somebody. */
	add_rule(1, ipfw.disabled >> 26 & 1 ? 26 : 27, "allow ip from any to any");
	ipfw.disabled = 0;
	be(&dialling);
	/* What nothing of ours can undo is told. */
	add_rule(0, 0, "allow ip from any to any");
	heal();
	assert_int_equal(set(&dialling), -1);
	assert_non_null(strstr(e.text, "a rule before ours may pass"));
	delete_rules(0, 0);
	probed = PROBED_OUT;
	assert_int_equal(set(&dialling), -1);
	assert_non_null(strstr(e.text, "a datagram got out of en0"));
	assert_false(ipfw_of(fw)->armed);
	probed = PROBED_NOTHING;
	be(&dialling);
}

static void test_a_pause_in_turn(void **state)
{
	unsigned all;

	(void)state;
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), -1);
	be(&opened);
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), -1); /* locked first */
	assert_true(stands(&opened));
	be(&locked);
	watchdog_fails = true;
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), -1);
	assert_true(stands(&locked));
	watchdog_fails = false;
	heal();
	assert_int_equal(firewall_ipfw.pause(fw, 60, &e), 0);
	all = calls;
	assert_true(watchdog_runs && !has_floor() && !ipfw_of(fw)->armed);
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			be(&locked);
			assert_false(watchdog_runs);
			heal();
			fail_at = i;
			e.text[0] = '\0';
			assert_int_equal(firewall_ipfw.pause(fw, 60, &e), -1);
			assert_true(e.text[0] != '\0');
		}
	}
	be(&locked);
}

static void test_removal_in_turn(void **state)
{
	unsigned all;

	(void)state;
	assert_int_equal(firewall_ipfw.remove(fw, &e), 0);
	assert_int_equal(calls, 0); /* no ipfw, no rules */
	be(&locked);
	heal();
	assert_int_equal(firewall_ipfw.remove(fw, &e), 0);
	all = calls;
	assert_int_equal(ipfw.count, 1);
	assert_int_equal(ipfw.rules[0].number, 100); /* somebody else's stays */
	assert_int_equal(ipfw.disabled, 0);
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			be(&locked);
			heal();
			fail_at = i;
			e.text[0] = '\0';
			assert_int_equal(firewall_ipfw.remove(fw, &e), -1);
			assert_true(e.text[0] != '\0' && !ipfw_of(fw)->armed);
			heal();
			assert_int_equal(firewall_ipfw.remove(fw, &e), 0);
			assert_int_equal(ipfw.count, 1);
		}
	}
}

static void test_what_it_tells(void **state)
{
	struct firewall_features features;
	uint64_t packets = 99;
	int32_t pid = 99;

	(void)state;
	assert_int_equal(firewall_ipfw.owner(fw, &pid, &e), 0);
	assert_int_equal(pid, 0);
	assert_int_equal(firewall_ipfw.blocked(fw, &packets, &e), -1);
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_true(!features.list[0].has && !features.list[1].has && features.list[2].has);
	be(&locked);
	assert_int_equal(firewall_ipfw.owner(fw, &pid, &e), 0);
	assert_int_equal(pid, FIREWALL_UNNAMED);
	assert_int_equal(firewall_ipfw.blocked(fw, &packets, &e), 0);
	assert_true(packets >= 9 && packets % 3 == 0);
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_true(features.list[0].has && features.list[1].has && features.list[2].has);
	add_rule(200, 0, "pipe 1 ip from any to any");
	assert_int_equal(firewall_ipfw.probe(fw, &features, &e), 0);
	assert_false(features.list[2].has);
	ipfw.killed = 0;
	assert_int_equal(firewall_ipfw.forget_states(fw, &e), 0);
	assert_true(ipfw.killed > 0);
	way = REFUSED;
	for (int i = 0; i < 4; i++) {
		heal();
		fail_at = 1;
		assert_int_equal(i == 0   ? firewall_ipfw.owner(fw, &pid, &e)
				 : i == 1 ? firewall_ipfw.blocked(fw, &packets, &e)
				 : i == 2 ? firewall_ipfw.probe(fw, &features, &e)
					  : firewall_ipfw.forget_states(fw, &e),
				 -1);
	}
	heal();
	assert_int_equal(firewall_ipfw.remove(fw, &e), 0);
	assert_int_equal(firewall_ipfw.blocked(fw, &packets, &e), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_flip_is_whole_or_told), TEST(test_the_first_lock),  TEST(test_the_order),
	    TEST(test_what_others_change),      TEST(test_a_pause_in_turn), TEST(test_removal_in_turn),
	    TEST(test_what_it_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
