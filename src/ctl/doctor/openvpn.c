/* The doctor on openvpn itself: does it exist, and what is known about its version? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"

/* "OpenVPN 2.7_beta1 ..." */
static bool is_preview(const char *output)
{
	const char *word = output + strlen("OpenVPN ");

	return word[strcspn(word, "_ \n")] == '_';
}

/* Never as root: somebody else may be able to replace the program. */
void doctor_openvpn(struct doctor *doctor)
{
	const char *binary = doctor->settings.openvpn_binary;
	const char *const argv[] = {binary, "--version", NULL};
	struct finding finding = {.subject = ""};
	struct err e = {""};
	unsigned part[3];
	char *output = NULL;

	text_copy(finding.subject, sizeof finding.subject, binary);
	if (access(binary, X_OK) == -1 && errno != EACCES)
		finding_set(&finding, DOCTOR_FAIL,
			    "install openvpn 2.5 or newer, or name it: openvpn { binary = \"...\" }",
			    "can't be run: %s", strerror(errno));
	else if ((output = doctor_tool(argv, NULL, true, &e)) == NULL)
		finding_set(&finding, DOCTOR_UNKNOWN, "run it yourself: openvpn --version",
			    "it does not print its version: %s", e.text);
	else if (!version_read(output, part))
		finding_set(&finding, DOCTOR_UNKNOWN, "name openvpn itself: openvpn { binary = \"...\" }",
			    "its version is not understood: %.*s", (int)strcspn(output, "\n"), output);
	else
		judge_version(part, is_preview(output), &finding);
	free(output);
	doctor_report(doctor, &finding);
}
