/* pf's main rules, which are everybody's: our anchor is called from them, before all others. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/pf/system.h"

#define PF_CONF "/etc/pf.conf"

static const char *const show_rules[] = {"-s", "rules", NULL};
static const char *const show_nat[] = {"-s", "nat", NULL};
static const char *const show_dummynet[] = {"-s", "dummynet", NULL};
static const char *const show_interfaces[] = {"-s", "Interfaces", "-v", NULL};

int pf_main_look(struct pf_firewall *fw, struct err *e)
{
	char skipped[NET_NAME_SIZE];
	const char *wrong;

	if (pf_query(fw, show_rules, fw->answer, sizeof fw->answer, e) == -1 ||
	    pf_query(fw, show_nat, fw->more, sizeof fw->more, e) == -1)
		return -1;
	wrong = pf_judge_main(pf_dialect, fw->answer, fw->more);
	if (wrong != NULL)
		return err_set(e, "%s", wrong);
	if (pf_query(fw, show_interfaces, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	if (pf_parse_skipped(fw->answer, skipped) == -1)
		return err_set(e, "pfctl does not list the interfaces");
	if (skipped[0] != '\0')
		return err_set(e, "pf skips %s (`set skip`)", skipped);
	return 0;
}

/* The main rules as they stand, in one text. Options are not among what pfctl shows. */
static int read_standing(struct pf_firewall *fw, char *to, size_t size, struct err *e)
{
	const char *const *shows[] = {show_nat, pf_has_dummynet ? show_dummynet : NULL, show_rules};
	size_t used = 0;

	for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
		if (shows[i] == NULL)
			continue;
		if (pf_query(fw, shows[i], fw->answer, sizeof fw->answer, e) == -1)
			return -1;
		if (text_append(to, size, &used, "%s", fw->answer) == -1)
			return err_set(e, "the main rules of pf are too long");
	}
	return 0;
}

static int read_conf(char *to, size_t size, struct err *e)
{
	int descriptor = open(PF_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	char *bytes;

	if (descriptor == -1)
		return err_errno(e, PF_CONF);
	bytes = io_read_all(descriptor, size, &length);
	close(descriptor);
	if (bytes == NULL)
		return err_errno(e, PF_CONF);
	if (length < size) {
		memcpy(to, bytes, length);
		to[length] = '\0';
	}
	free(bytes);
	return length < size ? 0 : err_set(e, PF_CONF ": too long");
}

/* One transaction for all of the main rules; the calls of the anchors stay, their contents are not touched.
 */
static int load_main(struct pf_firewall *fw, const char *text, struct err *e)
{
	static const char *const arguments[] = {"-f", "-", NULL};

	return pf_exec(fw, arguments, text, e);
}

static int load_with_ours(struct pf_firewall *fw, const char *standing, struct err *e)
{
	return policy_print_pf_main(pf_dialect, standing, fw->made, sizeof fw->made, e) == -1
		   ? -1
		   : load_main(fw, fw->made, e);
}

/* Tries the rules that are loaded; if pfctl refuses its own spelling of them, what pf.conf says; if it
 * refuses that too, what the system comes with. */
static int load_best(struct pf_firewall *fw, struct err *e)
{
	struct err ignored = {""};
	const char *instead = PF_CONF;

	if (read_standing(fw, fw->more, sizeof fw->more, e) == 0 && load_with_ours(fw, fw->more, e) == 0)
		return 0;
	if (read_conf(fw->more, sizeof fw->more, &ignored) == -1 ||
	    load_with_ours(fw, fw->more, &ignored) == -1) {
		instead = "the system";
		if (load_with_ours(fw, pf_stock_main, &ignored) == -1)
			return -1;
	}
	err_set(&fw->remark, "pf's main rules could not be kept, those of %s are loaded: %s", instead,
		e->text);
	return 0;
}

int pf_main_arrange(struct pf_firewall *fw, struct err *e)
{
	struct err why = {""};
	bool binat;

	if (pf_main_look(fw, &why) == 0)
		return 0;
	binat = pf_has_binat(fw->more); /* as the look has read it */
	fw->tainted = true;
	if (load_best(fw, &why) == -1)
		return err_set(e, "the main rules of pf can't be changed to call our anchor: %s", why.text);
	if (fw->remark.text[0] == '\0' && binat)
		err_set(&fw->remark, "a `binat` in pf's main rules may pass packets that our anchor never "
				     "judges: it is left out");
	return pf_main_look(fw, e);
}

int pf_main_leave(struct pf_firewall *fw, struct err *e)
{
	if (pf_query(fw, show_rules, fw->answer, sizeof fw->answer, e) == -1 ||
	    pf_query(fw, show_nat, fw->more, sizeof fw->more, e) == -1)
		return -1;
	if (!pf_calls_us(fw->answer, fw->more))
		return 0;
	if (read_standing(fw, fw->more, sizeof fw->more, e) == -1 ||
	    policy_print_pf_rest(fw->more, fw->made, sizeof fw->made, e) == -1)
		return -1;
	return load_main(fw, fw->made, e);
}
