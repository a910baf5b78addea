/* Reading `ipfw -a -S list`: rules in the order in which packets meet them. */
#include "os/firewall/ipfw/parse.h"

#include <string.h>

#include "base/text.h"
#include "policy/print.h"

enum { RULE_SETS = 32, SETS = 2 };

static const unsigned set_numbers[SETS] = {POLICY_IPFW_SET, POLICY_IPFW_OTHER_SET};

/* --- one line ------------------------------------------------------------------------- */

/* A decimal number of 18 digits at most, with blanks before it. */
static bool read_number(const char **cursor, const char *end, uint64_t *number)
{
	const char *at = *cursor, *first;

	while (at < end && *at == ' ')
		at++;
	first = at;
	*number = 0;
	while (at < end && *at >= '0' && *at <= '9' && at - first < 18)
		*number = *number * 10 + (uint64_t)(*at++ - '0');
	if (at == first || (at < end && *at != ' '))
		return false;
	*cursor = at;
	return true;
}

static bool skip_word(const char **cursor, const char *end, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(end - *cursor) < length || memcmp(*cursor, word, length) != 0)
		return false;
	*cursor += length;
	return true;
}

static bool read_rule(const char *at, const char *end, struct ipfw_rule *rule)
{
	uint64_t number, bytes, set;

	rule->disabled = skip_word(&at, end, "# DISABLED ");
	if (!read_number(&at, end, &number) || number > IPFW_LAST_NUMBER ||
	    !read_number(&at, end, &rule->packets) || !read_number(&at, end, &bytes) ||
	    !skip_word(&at, end, " set ") || !read_number(&at, end, &set) || set >= RULE_SETS ||
	    !skip_word(&at, end, " ") || at == end)
		return false;
	while (end > at && end[-1] == ' ')
		end--;
	rule->number = (uint32_t)number;
	rule->set = (uint32_t)set;
	rule->body = at;
	rule->length = (size_t)(end - at);
	return rule->length > 0;
}

int ipfw_rule_next(const char **cursor, struct ipfw_rule *rule)
{
	const char *at = *cursor, *end = strchr(at, '\n');

	if (*at == '\0')
		return 0;
	if (end == NULL || !read_rule(at, end, rule))
		return -1;
	*cursor = end + 1;
	return 1;
}

/* --- what a rule does ------------------------------------------------------------------- */

static bool begins_with(const struct ipfw_rule *rule, const char *action)
{
	size_t length = strlen(action);

	return rule->length >= length && memcmp(rule->body, action, length) == 0 &&
	       (rule->length == length || rule->body[length] == ' ');
}

static bool is_one_of(const struct ipfw_rule *rule, const char *const *actions)
{
	for (; *actions != NULL; actions++)
		if (begins_with(rule, *actions))
			return true;
	return false;
}

static bool stops(const struct ipfw_rule *rule)
{
	static const char *const actions[] = {"deny",     "reject", "reset",  "reset6", "unreach",
					      "unreach6", "abort",  "abort6", NULL};

	return is_one_of(rule, actions);
}

/* True for every action that is not known to stop or to leave the verdict to the next rule: a pass, a jump
 * over our rules, a way out of the kernel and back in behind them. */
static bool may_pass(const struct ipfw_rule *rule)
{
	static const char *const harmless[] = {"count", "setfib", "setdscp", "reass", NULL};

	return !stops(rule) && !is_one_of(rule, harmless);
}

static bool is_outbound(const struct ipfw_rule *rule)
{
	for (size_t i = 0; i + 4 <= rule->length; i++)
		if (memcmp(rule->body + i, " out", 4) == 0 &&
		    (i + 4 == rule->length || rule->body[i + 4] == ' '))
			return true;
	return false;
}

/* --- the view --------------------------------------------------------------------------------- */

static uint64_t add_hash(uint64_t hash, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void describe(const struct ipfw_rule *rule, char *to)
{
	size_t used = 0;
	int length = rule->length < IPFW_RULE_TEXT ? (int)rule->length : IPFW_RULE_TEXT;

	(void)text_append(to, IPFW_RULE_TEXT, &used, "%05u set %u ", (unsigned)rule->number,
			  (unsigned)rule->set);
	(void)text_append(to, IPFW_RULE_TEXT, &used, "%.*s", length, rule->body);
}

static void add_rule(struct ipfw_set *set, const struct ipfw_rule *rule, size_t position, const char *foreign)
{
	if (set->rules++ == 0) {
		set->first = position;
		set->hash = UINT64_C(0xcbf29ce484222325);
	}
	set->hash = add_hash(set->hash, (const char *)&rule->number, sizeof rule->number);
	set->hash = add_hash(set->hash, rule->body, rule->length);
	set->hash = add_hash(set->hash, "\n", 1);
	set->disabled = rule->disabled;
	if (stops(rule) && is_outbound(rule))
		set->blocked += rule->packets;
	memcpy(set->foreign, foreign, sizeof set->foreign);
}

static bool is_floor(const struct ipfw_rule *rule)
{
	return rule->number == IPFW_FLOOR_NUMBER && rule->set == IPFW_FLOOR_SET &&
	       rule->length == strlen(IPFW_FLOOR) && memcmp(rule->body, IPFW_FLOOR, rule->length) == 0;
}

static void classify_rule(struct ipfw_view *view, const struct ipfw_rule *rule, size_t position,
			  char *foreign)
{
	for (size_t i = 0; i < SETS; i++)
		if (rule->set == set_numbers[i]) {
			add_rule(&view->sets[i], rule, position, foreign);
			return;
		}
	if (is_floor(rule)) {
		view->floor = true;
		view->floor_blocked = rule->packets;
		return;
	}
	if (!rule->disabled && foreign[0] == '\0' && may_pass(rule))
		describe(rule, foreign);
	/* Also a rule of a disabled set: packets that it put into a pipe may still wait there. */
	if (view->pipe[0] == '\0' && (begins_with(rule, "pipe") || begins_with(rule, "queue")))
		describe(rule, view->pipe);
}

int ipfw_view_read(const char *listing, struct ipfw_view *view, struct err *e)
{
	struct ipfw_rule rule = {.number = 0};
	char foreign[IPFW_RULE_TEXT] = "";
	int what;

	memset(view, 0, sizeof *view);
	for (size_t position = 0; (what = ipfw_rule_next(&listing, &rule)) == 1; position++)
		classify_rule(view, &rule, position, foreign);
	if (what == -1)
		return err_set(e, "ipfw list: a line that is not a rule: %.40s", listing);
	if (rule.number != IPFW_LAST_NUMBER || rule.disabled)
		return err_set(e, "ipfw list: the last rule is missing: the listing is incomplete");
	view->denies_by_default = begins_with(&rule, "deny");
	return 0;
}

/* Both enabled is nothing that we make; then the first rules judge, and they end with a drop. */
int ipfw_view_holding(const struct ipfw_view *view)
{
	int holding = -1;

	for (int i = 0; i < SETS; i++)
		if (view->sets[i].rules > 0 && !view->sets[i].disabled &&
		    (holding == -1 || view->sets[i].first < view->sets[holding].first))
			holding = i;
	return holding;
}

/* --- against what was printed ------------------------------------------------------------------ */

static const char *word_end(const char *at)
{
	return at + strcspn(at, " \n");
}

/* The next "add NUMBER set SET ACTION ... // row ROW" of the printed text: its action and its row. */
static bool next_printed(const char **printed, struct ipfw_rule *rule)
{
	while (strncmp(*printed, "add ", 4) != 0) {
		*printed += strcspn(*printed, "\n");
		if (**printed == '\0')
			return false;
		++*printed;
	}
	/* Past "add", the number, "set" and the set. */
	for (int i = 0; i < 4; i++) {
		*printed = word_end(*printed);
		*printed += **printed == ' ';
	}
	rule->body = *printed;
	rule->length = strcspn(*printed, "\n");
	*printed += rule->length;
	return true;
}

/* ipfw writes the rest in its own words; the action and the comment stay as they were given. */
static bool is_same(const struct ipfw_rule *a, const struct ipfw_rule *b)
{
	size_t action = (size_t)(word_end(a->body) - a->body), comment = 0;

	while (comment < a->length && comment < b->length && a->body[a->length - 1 - comment] != '/')
		comment++;
	return action < a->length && action < b->length && comment < a->length && comment < b->length &&
	       memcmp(a->body, b->body, action + 1) == 0 &&
	       memcmp(a->body + a->length - comment - 1, b->body + b->length - comment - 1, comment + 1) == 0;
}

int ipfw_same_policy(const char *listing, const char *printed, unsigned set, struct err *e)
{
	struct ipfw_rule rule, wanted;
	unsigned count = 0;

	while (ipfw_rule_next(&listing, &rule) == 1) {
		if (rule.set != set)
			continue;
		count++;
		if (rule.number != POLICY_IPFW_NUMBER || !next_printed(&printed, &wanted) ||
		    !is_same(&wanted, &rule))
			return err_set(e, "ipfw: rule %u of set %u is not the one that was loaded: %.*s",
				       count, set, (int)rule.length, rule.body);
	}
	if (next_printed(&printed, &wanted))
		return err_set(e, "ipfw: set %u has %u rules, and rules are missing: %.*s", set, count,
			       (int)wanted.length, wanted.body);
	return count > 0 ? 0 : err_set(e, "ipfw: set %u has no rules", set);
}
