/* Our anchor in pf: loaded in one transaction, and read back. */
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/pf/system.h"

/* One transaction: pf holds the old text or the new one, and never none. `-o none`
 * keeps the rules as they are written, so that they can be compared. */
static int load(struct pf_firewall *fw, const char *anchor, const char *text, struct err *e)
{
	const char *const arguments[] = {"-o", "none", "-a", anchor, "-f", "-", NULL};

	return pf_exec(fw, arguments, text, e);
}

int pf_anchor_load(struct pf_firewall *fw, const char *text, struct err *e)
{
	fw->generation++;
	fw->armed = false; /* until it is read back */
	fault_point("flip-before-send");
	if (load(fw, POLICY_PF_ANCHOR, text, e) == -1)
		return -1;
	fault_point("flip-after-send");
	fw->blocked_before += fw->blocked; /* the new rules count from nothing */
	fw->blocked = 0;
	return text_copy(fw->text, sizeof fw->text, text);
}

static int read_rules(struct pf_firewall *fw, const char *anchor, struct pf_rules *found, struct err *e)
{
	const char *const arguments[] = {"-a", anchor, "-v", "-s", "rules", NULL};

	if (pf_query(fw, arguments, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	return pf_parse_rules(fw->answer, fw->more, sizeof fw->more, found) == 0
		   ? 0
		   : err_set(e, "pfctl's output about our rules is not understood");
}

int pf_anchor_read(struct pf_firewall *fw, struct pf_rules *found, struct err *e)
{
	return read_rules(fw, POLICY_PF_ANCHOR, found, e);
}

int pf_anchor_verify(struct pf_firewall *fw, struct err *e)
{
	size_t wanted = pf_count_rules(fw->text);
	struct pf_rules found;

	if (pf_anchor_read(fw, &found, e) == -1)
		return -1;
	if (found.count != wanted)
		return err_set(e, "pf has %zu of our rules, not %zu", found.count, wanted);
	if (!found.ends_shut)
		return err_set(e, "our last rules in pf do not stop everything");
	fw->blocked = found.blocked;
	return text_copy(fw->rules, sizeof fw->rules, fw->more);
}

int pf_anchor_compare(struct pf_firewall *fw, struct pf_rules *found, struct err *e)
{
	if (pf_anchor_read(fw, found, e) == -1)
		return -1;
	if (found->count == 0)
		return err_set(e, "our anchor was emptied");
	return strcmp(fw->more, fw->rules) == 0 ? 0 : err_set(e, "the rules of our anchor were changed");
}

void pf_fallback_load(struct pf_firewall *fw)
{
	struct situation locked = fw->situation;
	struct err e = {""};

	if (pf_fallback == NULL)
		return;
	locked.state = POLICY_LOCKED;
	memset(&locked.endpoint, 0, sizeof locked.endpoint);
	if (policy_print_pf(&locked, fw->made, sizeof fw->made, &e) == 0) {
		if (strcmp(fw->made, fw->fallback) == 0)
			return;
		fw->fallback[0] = '\0';
		if (load(fw, pf_fallback, fw->made, &e) == 0) {
			(void)text_copy(fw->fallback, sizeof fw->fallback, fw->made);
			return;
		}
	}
	err_set(&fw->remark, "the fallback anchor in pf can't be loaded: %s", e.text);
}

bool pf_fallback_stands(struct pf_firewall *fw)
{
	struct pf_rules found;

	/* Where there is no such place nothing was loaded. */
	if (fw->fallback[0] == '\0' || read_rules(fw, pf_fallback, &found, NULL) == -1)
		return true;
	return found.count == pf_count_rules(fw->fallback) && found.ends_shut;
}

int pf_anchor_empty(struct pf_firewall *fw, struct err *e)
{
	fw->generation++;
	fw->armed = false;
	fw->text[0] = fw->rules[0] = fw->fallback[0] = '\0';
	if (load(fw, POLICY_PF_ANCHOR, "\n", e) == -1)
		return -1;
	return pf_fallback == NULL ? 0 : load(fw, pf_fallback, "\n", e);
}
