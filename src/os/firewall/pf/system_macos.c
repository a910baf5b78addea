/* pf on macOS: switched on by a reference that is ours, and never switched off. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "os/firewall/pf/system.h"
#include "os/host/file.h"

/* Constant, so that the reference is given back without a configuration. */
#define TOKEN_FILE PORTCULLIS_STATEDIR "/portcullis/pf.token"

enum { TOKEN_TEXT = 32 };

const enum pf_dialect pf_dialect = PF_APPLE;
const char *const pf_fallback = POLICY_PF_FALLBACK;
const bool pf_has_dummynet = true;
const char pf_manual_command[] =
    "pfctl -a " POLICY_PF_ANCHOR " -F all; pfctl -a " POLICY_PF_FALLBACK " -F all";
/* The calls that Apple's own daemons count on (/etc/pf.conf of macOS 12 to 15). */
const char pf_stock_main[] = "scrub-anchor \"com.apple/*\"\n"
			     "nat-anchor \"com.apple/*\"\n"
			     "rdr-anchor \"com.apple/*\"\n"
			     "dummynet-anchor \"com.apple/*\"\n"
			     "anchor \"com.apple/*\"\n";

static const char *const info[] = {"-s", "info", NULL};
static const char *const references[] = {"-s", "References", NULL};

bool pf_is_there(struct pf_firewall *fw, bool wanted)
{
	(void)fw, (void)wanted;
	return true; /* a part of the kernel */
}

static void load_token(struct pf_firewall *fw)
{
	char text[TOKEN_TEXT];

	if (fw->token == 0 && file_load(TOKEN_FILE, text, sizeof text) == 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)text_number(text, 1, UINT64_MAX, &fw->token); /* else none is known */
	}
}

/* A reference that is not remembered keeps pf on until the next boot, and no more. */
static void save_token(const struct pf_firewall *fw)
{
	char text[TOKEN_TEXT];
	struct err e = {""};

	snprintf(text, sizeof text, "%" PRIu64 "\n", fw->token);
	if (file_folder_of(TOKEN_FILE, 0700, &e) == -1 || file_save(TOKEN_FILE, text, true) == -1)
		log_warn("gate", "%s can't be written: `off` will not release the reference to pf",
			 TOKEN_FILE);
}

/* 1 pf is on and our reference is held, 0 not, -1 and `e`: not known. */
static int is_held(struct pf_firewall *fw, struct err *e)
{
	int enabled, held;

	if (pf_query(fw, info, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	enabled = pf_parse_enabled(fw->answer);
	if (enabled == -1)
		return err_set(e, "pfctl does not say whether pf is enabled");
	if (enabled == 0 || fw->token == 0)
		return 0;
	if (pf_query(fw, references, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	held = pf_parse_reference(fw->answer, fw->token);
	return held != -1 ? held : err_set(e, "pfctl does not list the references to pf");
}

int pf_enable(struct pf_firewall *fw, struct err *e)
{
	static const char *const enable[] = {"-E", NULL};
	int held;

	load_token(fw);
	held = is_held(fw, e);
	if (held != 0)
		return held == 1 ? 0 : -1;
	fw->tainted = true;
	if (pf_query(fw, enable, fw->answer, sizeof fw->answer, e) == -1)
		return -1;
	if (pf_parse_token(fw->answer, &fw->token) == -1)
		return err_set(e, "pfctl -E gave no token");
	save_token(fw);
	return pf_enabled_look(fw, e);
}

int pf_enabled_look(struct pf_firewall *fw, struct err *e)
{
	int held = is_held(fw, e);

	if (held == 0)
		return err_set(e, pf_parse_enabled(fw->answer) == 0
				      ? "pf is disabled (`pfctl -d`)"
				      : "our reference to pf is gone (`pfctl -d`)");
	return held == 1 ? 0 : -1;
}

int pf_release(struct pf_firewall *fw, struct err *e)
{
	char text[TOKEN_TEXT];
	const char *const release[] = {"-X", text, NULL};
	int held;

	load_token(fw);
	held = is_held(fw, e);
	snprintf(text, sizeof text, "%" PRIu64, fw->token);
	if (held == -1 || (held == 1 && pf_exec(fw, release, NULL, e) == -1))
		return -1;
	fw->token = 0;
	(void)unlink(TOKEN_FILE);
	return 0;
}
