/* What pfctl says, as values: line by line, word by word. */
#include "os/firewall/pf/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char anchor_call[] = "anchor \"" POLICY_PF_ANCHOR "\" all";
static const char scrub_call[] = "scrub-anchor \"" POLICY_PF_ANCHOR "\"";
static const char nat_call[] = "nat-anchor \"" POLICY_PF_ANCHOR "\" all";
static const char rdr_call[] = "rdr-anchor \"" POLICY_PF_ANCHOR "\" all";

/* A line without its end and the blanks around it. */
struct line {
	const char *at;
	size_t length;
	bool indented;
};

static bool next_line(const char **text, struct line *line)
{
	const char *end;

	if (**text == '\0')
		return false;
	end = *text + strcspn(*text, "\n");
	line->at = *text;
	line->indented = isspace((unsigned char)**text);
	*text = *end == '\0' ? end : end + 1;
	while (line->at < end && isspace((unsigned char)*line->at))
		line->at++;
	while (end > line->at && isspace((unsigned char)end[-1]))
		end--;
	line->length = (size_t)(end - line->at);
	return true;
}

static bool begins(const struct line *line, const char *with)
{
	size_t length = strlen(with);

	return line->length >= length && memcmp(line->at, with, length) == 0;
}

static bool is(const struct line *line, const char *text)
{
	return line->length == strlen(text) && begins(line, text);
}

/* `word`, with no letter or digit beside it. */
static bool has_word(const struct line *line, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= line->length; i++)
		if (memcmp(line->at + i, word, length) == 0 &&
		    (i == 0 || !isalnum((unsigned char)line->at[i - 1])) &&
		    (i + length == line->length || !isalnum((unsigned char)line->at[i + length])))
			return true;
	return false;
}

/* --- what it says beside the answer ----------------------------------------------- */

static bool is_noise(const struct line *line)
{
	static const char *const noise[] = {
	    "No ALTQ support in kernel", "ALTQ related functions disabled", "pfctl: Use of -f option",
	    "present in the main ruleset added by the system", "See /etc/pf.conf for further details"};

	for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++)
		if (begins(line, noise[i]))
			return true;
	return false;
}

static bool is_complaint(const struct line *line)
{
	return begins(line, "pfctl: ") || begins(line, "stdin:") || begins(line, "-:");
}

bool pf_parse_noise(char *text)
{
	const char *from = text;
	struct line line;
	bool fine = true;

	for (const char *begin = from; next_line(&from, &line); begin = from) {
		size_t length = (size_t)(from - begin);

		if (is_noise(&line))
			continue;
		fine = fine && !is_complaint(&line);
		memmove(text, begin, length);
		text += length;
	}
	*text = '\0';
	return fine;
}

void pf_parse_complaint(const char *text, char *to, size_t size)
{
	struct line line, first = {"", 0, false};

	while (next_line(&text, &line)) {
		if (is_noise(&line) || line.length == 0)
			continue;
		if (first.length == 0 || is_complaint(&line))
			first = line;
		if (is_complaint(&line))
			break;
	}
	if (begins(&first, "pfctl: ")) {
		first.at += strlen("pfctl: ");
		first.length -= strlen("pfctl: ");
	}
	if (size > 0)
		(void)text_escape(to, size, first.at, first.length);
}

/* --- pf itself ----------------------------------------------------------------------- */

int pf_parse_enabled(const char *text)
{
	struct line line;

	while (next_line(&text, &line)) {
		if (!begins(&line, "Status: "))
			continue;
		if (begins(&line, "Status: Enabled"))
			return 1;
		return begins(&line, "Status: Disabled") ? 0 : -1;
	}
	return -1;
}

/* A whole number of decimal digits at `at`; the rest of the line is left. */
static int number_at(const char *at, const char *end, uint64_t *number)
{
	char digits[24];
	size_t used = 0;

	while (at + used < end && isdigit((unsigned char)at[used]) && used < sizeof digits - 1) {
		digits[used] = at[used];
		used++;
	}
	digits[used] = '\0';
	return text_number(digits, 0, UINT64_MAX, number);
}

int pf_parse_token(const char *text, uint64_t *token)
{
	struct line line;

	while (next_line(&text, &line)) {
		const char *at = line.at, *end = line.at + line.length;

		if (!begins(&line, "Token"))
			continue;
		at += strlen("Token");
		while (at < end && (*at == ' ' || *at == ':'))
			at++;
		if (number_at(at, end, token) == 0 && *token != 0)
			return 0;
	}
	return -1;
}

int pf_parse_reference(const char *text, uint64_t token)
{
	bool list = false;
	struct line line;
	char digits[24];
	size_t used = 0;

	(void)text_append(digits, sizeof digits, &used, "%llu", (unsigned long long)token);
	while (next_line(&text, &line)) {
		if (begins(&line, "No pf starter references"))
			return 0;
		if (begins(&line, "PID") && has_word(&line, "TOKEN"))
			list = true;
		else if (list && token != 0 && has_word(&line, digits))
			return 1;
	}
	return list ? 0 : -1;
}

int pf_parse_skipped(const char *text, char *name)
{
	static const char mark[] = " (skip)";
	size_t listed = 0, length = sizeof mark - 1;
	struct line line;

	name[0] = '\0';
	while (next_line(&text, &line)) {
		if (line.indented || line.length == 0) /* counters of the one above */
			continue;
		listed++;
		if (line.length < length || memcmp(line.at + line.length - length, mark, length) != 0)
			continue;
		line.length -= length;
		if (is(&line, "lo0") || is(&line, "lo")) /* loopback passes anyhow */
			continue;
		if (line.length >= NET_NAME_SIZE)
			line.length = NET_NAME_SIZE - 1;
		memcpy(name, line.at, line.length);
		name[line.length] = '\0';
		return 0;
	}
	return listed > 0 ? 0 : -1;
}

/* --- the rules of our anchor --------------------------------------------------------- */

static bool is_rule(const struct line *line)
{
	static const char *const words[] = {"pass ",         "block ", "scrub ", "anchor ",
					    "scrub-anchor ", "match ", "no ",    "antispoof "};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!line->indented && begins(line, words[i]))
			return true;
	return false;
}

/* "[ Evaluations: 9  Packets: 4  Bytes: ..." */
static uint64_t packets_of(const struct line *line)
{
	static const char word[] = "Packets: ";
	const char *end = line->at + line->length;
	uint64_t packets = 0;

	for (const char *at = line->at; at + sizeof word - 1 < end; at++)
		if (memcmp(at, word, sizeof word - 1) == 0 &&
		    number_at(at + sizeof word - 1, end, &packets) == 0)
			return packets;
	return 0;
}

int pf_parse_rules(const char *text, char *rules, size_t size, struct pf_rules *found)
{
	struct line line, last = {"", 0, false};
	bool out = false, in = false; /* of the last two: does it stop everything? */
	size_t used = 0;

	*found = (struct pf_rules){.count = 0};
	if (size > 0)
		rules[0] = '\0';
	while (next_line(&text, &line)) {
		if (line.length == 0)
			continue;
		if (!is_rule(&line)) {
			if (!line.indented || !begins(&line, "["))
				return -1;
			if (begins(&last, "block "))
				found->blocked += packets_of(&line);
			continue;
		}
		out = begins(&last, "block drop out quick all");
		in = begins(&line, "block drop in quick all");
		found->count++;
		last = line;
		if (text_append(rules, size, &used, "%.*s\n", (int)line.length, line.at) == -1)
			return -1;
	}
	found->ends_shut = out && in;
	return 0;
}

size_t pf_count_rules(const char *text)
{
	size_t count = 0;
	struct line line;

	while (next_line(&text, &line)) {
		size_t rules = 1, members = 0;

		if (!begins(&line, "pass ") && !begins(&line, "block ") && !begins(&line, "scrub "))
			continue;
		for (size_t i = 0; i < line.length; i++) {
			if (line.at[i] == '{')
				members = 1;
			else if (line.at[i] == ',' && members > 0)
				members++;
			else if (line.at[i] == '}' && members > 0)
				rules *= members, members = 0;
		}
		count += rules;
	}
	return count;
}

/* --- the main rules -------------------------------------------------------------------- */

static bool has_line(const char *text, const char *beginning)
{
	struct line line;

	while (next_line(&text, &line))
		if (begins(&line, beginning))
			return true;
	return false;
}

/* What stands before our call: may it decide that a packet passes? */
static const char *judge_filter(const char *rules)
{
	static const char call[] = "anchor \"" POLICY_PF_ANCHOR "\"";
	struct line line;

	if (!has_line(rules, call))
		return "the main rules do not call our anchor: somebody loaded others";
	while (next_line(&rules, &line)) {
		if (is(&line, anchor_call))
			return NULL;
		if (begins(&line, call))
			return "our anchor is called for some packets only";
		if (line.length == 0 || begins(&line, "scrub"))
			continue;
		if (begins(&line, "anchor "))
			return "another anchor is called before ours";
		if (begins(&line, "pass ") && has_word(&line, "quick"))
			return "a `pass quick` comes before our anchor";
		if (!begins(&line, "pass ") && !begins(&line, "block "))
			return "something unknown comes before our anchor";
	}
	return "our anchor is not called";
}

bool pf_has_binat(const char *nat)
{
	return has_line(nat, "binat");
}

/* A translation that passes is never filtered, so ours is evaluated first and says no. For `binat` there is
 * no such place, because our anchor has no rule for it. */
static const char *judge_translation(const char *nat)
{
	bool nat_ours = false, rdr_ours = false;
	struct line line;

	if (pf_has_binat(nat))
		return "a `binat` in the main rules may pass packets that our anchor never judges";
	while (next_line(&nat, &line)) {
		bool is_rdr = begins(&line, "rdr"), is_nat = begins(&line, "nat");

		nat_ours = nat_ours || is(&line, nat_call);
		rdr_ours = rdr_ours || is(&line, rdr_call);
		if (line.length > 0 && ((!nat_ours && !is_rdr) || (!rdr_ours && !is_nat)))
			return "packets are translated before our anchor is called";
	}
	return nat_ours && rdr_ours ? NULL : "our anchor is not called before translation";
}

const char *pf_judge_main(enum pf_dialect dialect, const char *rules, const char *nat)
{
	const char *wrong = judge_filter(rules);

	if (wrong == NULL)
		wrong = judge_translation(nat);
	if (wrong == NULL && dialect == PF_APPLE && !has_line(rules, scrub_call))
		wrong = "our scrub-anchor is not called: fragments would be lost";
	return wrong;
}

bool pf_calls_us(const char *rules, const char *nat)
{
	return has_line(rules, "anchor \"" POLICY_PF_ANCHOR "\"") || has_line(rules, scrub_call) ||
	       has_line(nat, "nat-anchor \"" POLICY_PF_ANCHOR "\"") ||
	       has_line(nat, "rdr-anchor \"" POLICY_PF_ANCHOR "\"");
}
