/* Runs pfctl: deadlines, retries while pf is busy, and its complaint in one line. */
#include <poll.h>
#include <string.h>

#include "base/text.h"
#include "os/firewall/pf/pf.h"
#include "os/host/clock.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

enum {
	ALL_MS = 6000,  /* for everything that one call of the port does */
	CALL_MS = 2000, /* for one pfctl */
	BUSY_MS = 20,   /* between two tries, growing */
	BUSY_TRIES = 8,
	ARGUMENTS = 16
};

void pf_give_time(struct pf_firewall *fw)
{
	fw->deadline = clock_steady_ms() + ALL_MS;
}

/* Another pfctl committed between this one's begin and its end, or its reading. */
static bool is_busy(const char *output)
{
	return strstr(output, "Device busy") != NULL || strstr(output, "Resource busy") != NULL ||
	       strstr(output, "Resource temporarily unavailable") != NULL;
}

/* What failed, as somebody would write it in a shell, and pfctl's own words. */
static int complain(const char *const *argv, const char *output, struct err *e)
{
	char call[96] = "pfctl", words[160] = "";
	size_t used = strlen(call);

	for (size_t i = 1; argv[i] != NULL; i++)
		(void)text_append(call, sizeof call, &used, " %s", argv[i]);
	pf_parse_complaint(output, words, sizeof words);
	/* Else it could not be run, and `e` says so already. */
	return words[0] != '\0' ? err_set(e, "%s: %s", call, words) : -1;
}

static int run_pfctl(struct pf_firewall *fw, const char *const *arguments, const char *input, bool strict,
		     char *answer, size_t size, struct err *e)
{
	const char *argv[ARGUMENTS] = {tool_path(TOOL_PFCTL)};
	struct err ignored = {""};

	if (e == NULL)
		e = &ignored;
	for (size_t i = 0; i < ARGUMENTS - 2 && arguments[i] != NULL; i++)
		argv[i + 1] = arguments[i];
	for (int attempt = 1;; attempt++) {
		int64_t left = fw->deadline - clock_steady_ms();
		int result;

		answer[0] = e->text[0] = '\0';
		if (left <= 0)
			return err_set(e, "pfctl took too long");
		result =
		    tool_output_all(argv, input, (int)(left < CALL_MS ? left : CALL_MS), answer, size, e);
		if (result == 0 && (pf_parse_noise(answer) || !strict))
			return 0;
		if (!is_busy(answer) || attempt == BUSY_TRIES)
			return complain(argv, answer, e);
		(void)poll(NULL, 0, BUSY_MS * attempt);
	}
}

int pf_exec(struct pf_firewall *fw, const char *const *arguments, const char *input, struct err *e)
{
	return run_pfctl(fw, arguments, input, false, fw->answer, sizeof fw->answer, e);
}

int pf_query(struct pf_firewall *fw, const char *const *arguments, char *answer, size_t size, struct err *e)
{
	return run_pfctl(fw, arguments, NULL, true, answer, size, e);
}
