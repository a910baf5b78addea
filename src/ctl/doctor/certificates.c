/* The doctor on the certificates in the profile: their dates, read by OpenSSL's program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"
#include "os/process/tool_paths.h"

enum { CERTIFICATES_MAX = 16, SECONDS_MAX = 15 };

struct chain {
	char *pem[CERTIFICATES_MAX]; /* ours to free; no key is among them */
	char block[CERTIFICATES_MAX][sizeof((struct pem *)NULL)->block];
	size_t count;
	bool more;
};

/* Only certificates: what else is in the profile is wiped before any tool runs. */
static void read_chain(const struct profile *profile, struct chain *chain)
{
	struct pem pem = {.block = ""};
	size_t length = 0;
	char *text = profile_print(profile, &length), *whole = NULL;
	const char *at;

	memset(chain, 0, sizeof *chain);
	if (text != NULL)
		whole = strndup(text, length);
	for (at = whole; whole != NULL && pem_next(&at, &pem);) {
		chain->more = chain->count == CERTIFICATES_MAX;
		if (chain->more)
			break;
		text_copy(chain->block[chain->count], sizeof pem.block, pem.block);
		chain->pem[chain->count++] = strndup(pem.begin, pem.length);
	}
	if (text != NULL)
		secret_wipe_bytes(text, length);
	if (whole != NULL)
		secret_wipe_bytes(whole, strlen(whole));
	free(text);
	free(whole);
}

static size_t count_of(const struct chain *chain, const char *block)
{
	size_t count = 0;

	for (size_t i = 0; i < chain->count; i++)
		count += strcmp(chain->block[i], block) == 0;
	return count;
}

static void check_certificate(const struct chain *chain, size_t i, struct finding *finding)
{
	const char *const argv[] = {tool_path(TOOL_OPENSSL),
				    "x509",
				    "-noout",
				    "-nameopt",
				    "RFC2253",
				    "-subject",
				    "-startdate",
				    "-enddate",
				    NULL};
	struct certificate certificate;
	struct err e = {""};
	char *output = doctor_tool(argv, chain->pem[i] != NULL ? chain->pem[i] : "", false, &e);
	size_t used = 0;

	text_append(finding->subject, sizeof finding->subject, &used, "%s %zu", chain->block[i], i + 1);
	if (output == NULL)
		finding_set(finding, DOCTOR_FAIL, "import your provider's complete profile again",
			    "OpenSSL can't read it: %s", e.text);
	else if (!certificate_read(output, &certificate))
		finding_set(finding, DOCTOR_UNKNOWN, NULL, "openssl's output is not understood: %s", output);
	else
		judge_certificate(&certificate, count_of(chain, chain->block[i]) > 1, (int64_t)time(NULL),
				  finding);
	free(output);
}

static void check_chain(struct doctor *doctor, const struct chain *chain)
{
	time_t deadline = time(NULL) + SECONDS_MAX;

	for (size_t i = 0; i < chain->count; i++) {
		struct finding finding = {.subject = ""};

		if (time(NULL) > deadline)
			finding_set(&finding, DOCTOR_UNKNOWN, NULL, "not checked: openssl is too slow");
		else
			check_certificate(chain, i, &finding);
		doctor_report(doctor, &finding);
	}
}

void doctor_certificates(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct profile *profile = doctor_profile_read(doctor, &finding);
	struct chain chain = {.count = 0};
	bool found = profile == NULL;

	if (profile != NULL)
		read_chain(profile, &chain);
	profile_free(profile);
	if (!found && chain.count == 0) {
		finding_set(&finding, DOCTOR_FINE, NULL,
			    "the profile has none (peer-fingerprint needs none)");
		found = true;
	} else if (!found && access(tool_path(TOOL_OPENSSL), X_OK) == -1) {
		finding_set(&finding, DOCTOR_UNKNOWN, "install openssl",
			    "their dates are not checked: %s: %s", tool_path(TOOL_OPENSSL), strerror(errno));
		found = true;
	} else if (!found) {
		check_chain(doctor, &chain);
	}
	if (chain.more) {
		finding_set(&finding, DOCTOR_UNKNOWN, NULL, "more than %d: the others are not checked",
			    CERTIFICATES_MAX);
		found = true;
	}
	if (found)
		doctor_report(doctor, &finding);
	for (size_t i = 0; i < CERTIFICATES_MAX; i++)
		free(chain.pem[i]);
}
