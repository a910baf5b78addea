/* pf's main rules with the call of our anchor in the right places: text to text. */
#include <ctype.h>
#include <string.h>

#include "policy/print.h"
#include "policy/printer.h"

/* In the order that pfctl wants. Apple's own file has dummynet after translation. */
enum stage {
	STAGE_NONE, /* a macro, a table, a remark: it stays with what it follows */
	STAGE_OPTION,
	STAGE_ETHERNET,
	STAGE_SCRUB,
	STAGE_QUEUE,
	STAGE_TRANSLATION,
	STAGE_DUMMYNET,
	STAGE_FILTER, /* and all that is not known: ours stands before it */
	STAGE_END
};

static const struct {
	const char *word;
	enum stage stage;
} stages[] = {
    {"set", STAGE_OPTION},        {"table", STAGE_NONE},
    {"load", STAGE_NONE},         {"ether", STAGE_ETHERNET},
    {"scrub", STAGE_SCRUB},       {"scrub-anchor", STAGE_SCRUB},
    {"altq", STAGE_QUEUE},        {"queue", STAGE_QUEUE},
    {"nat", STAGE_TRANSLATION},   {"nat-anchor", STAGE_TRANSLATION},
    {"rdr", STAGE_TRANSLATION},   {"rdr-anchor", STAGE_TRANSLATION},
    {"binat", STAGE_TRANSLATION}, {"binat-anchor", STAGE_TRANSLATION},
    {"dummynet", STAGE_DUMMYNET}, {"dummynet-anchor", STAGE_DUMMYNET},
};

/* One statement with its remarks and its line end. */
struct statement {
	const char *text;
	size_t length;
	enum stage stage;
};

enum { WORDS = 8, WORD_SIZE = 64 };
static const char freebsd_scrub[] = "scrub in all fragment reassemble";

/* The end of a statement of at least one byte: a line end that is not in quotes or braces, nor after a
 * backslash. As in pfctl, a remark continues after a backslash, and a backslash before anything but a line
 * end (in quotes: but the quote) means nothing. NULL: quotes, braces or the line itself are not closed. */
static const char *end_of(const char *at)
{
	bool remark = false;
	char quote = '\0';
	int depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '\\' && (at[1] == '\n' || (quote != '\0' && at[1] == quote))) {
			at++;
		} else if (quote != '\0') {
			quote = *at == quote ? '\0' : quote;
		} else if (*at == '\n') {
			if (depth <= 0)
				return at + 1;
			remark = false;
		} else if (!remark) {
			remark = *at == '#';
			quote = *at == '"' || *at == '\'' ? *at : '\0';
			depth += (*at == '{') - (*at == '}');
		}
	}
	/* A line end that is the last byte and did not return came after a backslash. */
	return quote == '\0' && depth <= 0 && at[-1] != '\\' && at[-1] != '\n' ? at : NULL;
}

/* The next word without its quotes, "" at the end. A sign is a word by itself. */
static const char *word_of(const char *at, const char *end, char *word)
{
	size_t used = 0;
	char quote = '\0';

	while (at < end && (isspace((unsigned char)*at) || *at == '\\'))
		at++;
	if (at < end && (*at == '"' || *at == '\''))
		quote = *at++;
	for (; at < end && *at != quote; at++) {
		bool sign = strchr("={}!,()<>", *at) != NULL;

		if (quote == '\0' && (isspace((unsigned char)*at) || *at == '#' || (sign && used > 0)))
			break;
		if (used < WORD_SIZE - 1)
			word[used++] = *at;
		if (quote == '\0' && sign) {
			at++;
			break;
		}
	}
	word[used] = '\0';
	return at < end && quote != '\0' ? at + 1 : at;
}

/* The first words; those that are not there are "". */
static void words_of(const struct statement *statement, char words[WORDS][WORD_SIZE])
{
	const char *at = statement->text, *end = at + statement->length;

	for (size_t i = 0; i < WORDS; i++)
		at = word_of(at, end, words[i]);
}

static enum stage stage_of(char words[WORDS][WORD_SIZE])
{
	const char *word = strcmp(words[0], "no") == 0 ? words[1] : words[0];

	if (words[0][0] == '\0' || strcmp(words[1], "=") == 0)
		return STAGE_NONE;
	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
		if (strcmp(word, stages[i].word) == 0)
			return stages[i].stage;
	return STAGE_FILTER;
}

/* A call of our anchor, whatever follows the name; or FreeBSD's line. */
static bool is_ours(char words[WORDS][WORD_SIZE])
{
	static const char *const calls[] = {"anchor", "scrub-anchor", "nat-anchor", "rdr-anchor", NULL};
	struct statement scrub = {freebsd_scrub, sizeof freebsd_scrub - 1, STAGE_SCRUB};
	char line[WORDS][WORD_SIZE];

	for (const char *const *call = calls; *call != NULL; call++)
		if (strcmp(words[0], *call) == 0 && strcmp(words[1], POLICY_PF_ANCHOR) == 0)
			return true;
	words_of(&scrub, line);
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i], line[i]) != 0)
			return false;
	return true;
}

/* What pf skips is never filtered. Loopback passes anyhow. */
static bool is_foreign_skip(char words[WORDS][WORD_SIZE])
{
	return strcmp(words[0], "set") == 0 && strcmp(words[1], "skip") == 0 &&
	       !((strcmp(words[3], "lo0") == 0 || strcmp(words[3], "lo") == 0) && words[4][0] == '\0');
}

/* It may also pass the packet (`binat pass`), and is evaluated before our anchor can stop it. */
static bool is_binat(char words[WORDS][WORD_SIZE])
{
	return strcmp(words[0], "binat") == 0 || strcmp(words[0], "binat-anchor") == 0;
}

static void print_ours(struct printer *printer, enum pf_dialect dialect, enum stage stage)
{
	if (stage == STAGE_SCRUB && dialect == PF_APPLE)
		printer_add(printer, "scrub-anchor \"%s\"\n", POLICY_PF_ANCHOR);
	if (stage == STAGE_TRANSLATION)
		printer_add(printer, "nat-anchor \"%s\"\nrdr-anchor \"%s\"\n", POLICY_PF_ANCHOR,
			    POLICY_PF_ANCHOR);
	if (stage == STAGE_FILTER)
		printer_add(printer, "anchor \"%s\"\n", POLICY_PF_ANCHOR);
}

/* Those of one stage, in their order. 0, or -1: a statement that does not end. */
static int print_stage(struct printer *printer, const char *standing, enum stage stage)
{
	struct statement next = {standing, 0, STAGE_OPTION};

	while (*next.text != '\0') {
		char words[WORDS][WORD_SIZE];
		const char *end = end_of(next.text);
		enum stage own;

		if (end == NULL)
			return -1;
		next.length = (size_t)(end - next.text);
		words_of(&next, words);
		own = stage_of(words);
		next.stage = own == STAGE_NONE ? next.stage : own;
		if (next.stage == stage && is_foreign_skip(words))
			printer_add(printer, "# left out, pf would skip the gate there: set skip\n");
		else if (next.stage == stage && !is_ours(words) && !is_binat(words))
			printer_add(printer, "%.*s%s", (int)next.length, next.text,
				    end[-1] == '\n' ? "" : "\n");
		next.text = end;
	}
	return 0;
}

static int end_page(const struct printer *printer, bool whole, struct err *e)
{
	return whole ? printer_end(printer, e)
		     : err_set(e, "the main rules of pf end inside quotes, braces or a line; instead: see "
				  "where with `pfctl -nf`");
}

int policy_print_pf_main(enum pf_dialect dialect, const char *standing, char *to, size_t size, struct err *e)
{
	bool whole = true;
	struct printer printer;

	if (printer_open(&printer, to, size, e) == -1)
		return -1;
	for (enum stage stage = STAGE_OPTION; stage < STAGE_END && whole; stage++) {
		print_ours(&printer, dialect, stage);
		whole = standing == NULL || print_stage(&printer, standing, stage) == 0;
		/* Theirs come first: only the first scrub rule that matches applies, and theirs may say more.
		 */
		if (stage == STAGE_SCRUB && dialect == PF_FREEBSD)
			printer_add(&printer, "%s\n", freebsd_scrub);
	}
	return end_page(&printer, whole, e);
}

int policy_print_pf_rest(const char *standing, char *to, size_t size, struct err *e)
{
	bool whole = true;
	struct printer printer;

	if (printer_open(&printer, to, size, e) == -1)
		return -1;
	for (enum stage stage = STAGE_OPTION; stage < STAGE_END && whole; stage++)
		whole = print_stage(&printer, standing, stage) == 0;
	return end_page(&printer, whole, e);
}
