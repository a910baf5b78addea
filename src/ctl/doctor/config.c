/* The doctor on the configuration and the profile that it names. */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"

enum { NAMES_SHOWN = 200 };

/* Without root portcullisd can't become the user who vets; that is not a fault of the profile. */
static bool wants_root(const char *output)
{
	return geteuid() != 0 && (strstr(output, "Permission denied") != NULL ||
				  strstr(output, "Operation not permitted") != NULL);
}

/* portcullisd stops at the first fault; those of the configuration begin with its path. */
static bool is_about_profile(const struct doctor *doctor)
{
	const char *file = doctor->config != NULL ? doctor->config : DOCTOR_CONFIG;
	size_t length = strlen(file);
	const char *output = doctor->settings.output;

	return strncmp(output, file, length) != 0 || strchr(": ", output[length]) == NULL;
}

void doctor_configuration(struct doctor *doctor)
{
	const struct doctor_settings *settings = &doctor->settings;
	struct finding finding = {.subject = ""};

	if (doctor->config != NULL)
		text_copy(finding.subject, sizeof finding.subject, doctor->config);
	if (!settings->answered)
		finding_set(&finding, DOCTOR_UNKNOWN, "see the check of the programs",
			    "portcullisd can't be run; the defaults are checked");
	else if (settings->good || is_about_profile(doctor))
		finding_set(&finding, DOCTOR_FINE, NULL, "understood");
	else if (wants_root(settings->output))
		doctor_error(&finding, DOCTOR_UNKNOWN, settings->output);
	else
		doctor_error(&finding, DOCTOR_FAIL, settings->output);
	doctor_report(doctor, &finding);
}

void doctor_profile(struct doctor *doctor)
{
	const struct doctor_settings *settings = &doctor->settings;
	struct finding finding = {.subject = ""};

	if (settings->profile[0] != '\0')
		text_copy(finding.subject, sizeof finding.subject, settings->profile);
	if (settings->good)
		finding_set(&finding, DOCTOR_FINE, NULL, "vetted");
	else if (!settings->answered || !is_about_profile(doctor))
		finding_set(&finding, DOCTOR_UNKNOWN, "first fix the configuration", "not vetted");
	else if (wants_root(settings->output))
		finding_set(&finding, DOCTOR_UNKNOWN, "sudo portcullis doctor",
			    "only root can have it vetted");
	else
		doctor_error(&finding, DOCTOR_FAIL, settings->output);
	doctor_report(doctor, &finding);
}

/* Names of servers that were never resolved: they are left out, all others are dialled. */
void doctor_remotes(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct profile *profile = doctor_profile_read(doctor, &finding);
	char names[NAMES_SHOWN] = "";
	size_t count = profile != NULL ? profile_remote_count(profile) : 0, used = 0, lost = 0;

	for (size_t i = 0; i < count; i++) {
		const struct profile_remote *remote = profile_remote(profile, i);

		if (remote->address_count > 0)
			continue;
		if (lost++ < 5)
			text_append(names, sizeof names, &used, " %s", remote->host);
	}
	if (profile != NULL && lost == 0)
		finding_set(&finding, DOCTOR_FINE, NULL, "%zu, each with an address", count);
	else if (profile != NULL)
		finding_set(&finding, lost == count ? DOCTOR_FAIL : DOCTOR_WARN,
			    "run portcullis import with the provider's file again, while the machine is open",
			    "%zu of %zu names have never been resolved, and are not dialled:%s", lost, count,
			    names);
	profile_free(profile);
	doctor_report(doctor, &finding);
}

void doctor_credentials(struct doctor *doctor)
{
	const struct doctor_settings *settings = &doctor->settings;
	struct finding finding = {.subject = ""};
	struct profile *profile = doctor_profile_read(doctor, &finding);
	int given = settings->key_file[0] != '\0' || settings->passphrase_file[0] != '\0'
			? PROFILE_NEEDS_KEY_PASSPHRASE
			: 0;

	if (profile != NULL)
		judge_credentials(profile_needs(profile) & ~given, doctor->settings.username[0] != '\0',
				  doctor->settings.password_file[0] != '\0', &finding);
	profile_free(profile);
	doctor_report(doctor, &finding);
}
