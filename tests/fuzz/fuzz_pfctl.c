/* Any text as pfctl's output: it is read without a crash, nothing is reported that is not in it, and the
 * same text gives the same result. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/firewall/pf/parse.h"

enum { TEXT = 16 * 1024 };

static void check_rules(const char *text)
{
	static char rules[TEXT], again[TEXT];
	struct pf_rules found, same;

	if (pf_parse_rules(text, rules, sizeof rules, &found) == -1)
		return;
	/* The rules alone are read as the same rules. */
	if (pf_parse_rules(rules, again, sizeof again, &same) == -1 || strcmp(rules, again) != 0 ||
	    same.count != found.count || same.ends_shut != found.ends_shut || same.blocked != 0)
		abort();
	if (found.ends_shut && strstr(text, "block drop in quick all") == NULL)
		abort();
}

static void check_words(const char *text)
{
	static char copy[TEXT];
	char words[64], name[NET_NAME_SIZE];
	uint64_t token = 0;

	pf_parse_complaint(text, words, sizeof words);
	for (const char *at = words; *at != '\0'; at++)
		if (!isprint((unsigned char)*at))
			abort();
	if (pf_parse_enabled(text) == 1 && strstr(text, "Enabled") == NULL)
		abort();
	if (pf_parse_token(text, &token) == 0 && (token == 0 || strstr(text, "Token") == NULL))
		abort();
	if (pf_parse_reference(text, UINT64_C(15053025338191571182)) == 1 &&
	    strstr(text, "15053025338191571182") == NULL)
		abort();
	if (pf_parse_skipped(text, name) == 0 && name[0] != '\0' && strstr(text, "(skip)") == NULL)
		abort();
	(void)pf_count_rules(text);
	strcpy(copy, text);
	if (pf_parse_noise(copy) && !pf_parse_noise(copy))
		abort();
}

/* The main rules, and behind a byte 1 the translation. */
static void check_main(char *text)
{
	char *nat = strchr(text, 1);

	if (nat != NULL)
		*nat++ = '\0';
	if (pf_judge_main(PF_APPLE, text, nat == NULL ? "" : nat) == NULL &&
	    (!pf_calls_us(text, "") || strstr(text, "anchor \"org.portcullis\" all") == NULL))
		abort();
	(void)pf_judge_main(PF_FREEBSD, text, nat == NULL ? "" : nat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT];

	if (size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_rules(text);
	check_words(text);
	check_main(text);
	return 0;
}
