/* pf on FreeBSD: a module, switched on for everybody, and never switched off. */
#include <unistd.h>

#include "os/firewall/pf/system.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

enum { KLDLOAD_MS = 3000 };

const enum pf_dialect pf_dialect = PF_FREEBSD;
const char *const pf_fallback = NULL; /* nobody's main rules ask a second place */
const bool pf_has_dummynet = false;
const char pf_manual_command[] = "pfctl -a " POLICY_PF_ANCHOR " -F all";
const char pf_stock_main[] = "";

static const char *const info[] = {"-s", "info", NULL};

bool pf_is_there(struct pf_firewall *fw, bool wanted)
{
	const char *const load[] = {tool_path(TOOL_KLDLOAD), "-n", "-q", "pf", NULL};

	if (!fw->there)
		fw->there = access("/dev/pf", F_OK) == 0;
	if (!fw->there && wanted)
		fw->there = tool_run(load, NULL, KLDLOAD_MS, NULL) == 0;
	return fw->there;
}

static int is_enabled(struct pf_firewall *fw, struct err *e)
{
	int enabled;

	if (pf_query(fw, info, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	enabled = pf_parse_enabled(fw->answer);
	return enabled != -1 ? enabled : err_set(e, "pfctl does not say whether pf is enabled");
}

int pf_enable(struct pf_firewall *fw, struct err *e)
{
	static const char *const enable[] = {"-e", NULL};
	int enabled = is_enabled(fw, e);

	if (enabled != 0)
		return enabled == 1 ? 0 : -1;
	fw->tainted = true;
	return pf_exec(fw, enable, NULL, e) == -1 ? -1 : pf_enabled_look(fw, e);
}

int pf_enabled_look(struct pf_firewall *fw, struct err *e)
{
	int enabled = is_enabled(fw, e);

	if (enabled == 0)
		return err_set(e, "pf is disabled (`pfctl -d`)");
	return enabled == 1 ? 0 : -1;
}

/* Others may have come to rely on it being on. */
int pf_release(struct pf_firewall *fw, struct err *e)
{
	(void)fw, (void)e;
	return 0;
}
