/* How the doctor's files gather facts. */
#include "ctl/doctor/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "ctl/profile/check.h"
#include "ctl/profile/owner.h"
#include "ctl/profile/regular.h"
#include "os/process/tool.h"

enum { NOBODY = 65534, FILE_TEXT_MAX = 128 * 1024, OUTPUT_MAX = 64 * 1024, CHILD_SECONDS = 8 };

void doctor_not_examined(struct finding *finding, const char *what)
{
	int failure = errno;

	if (failure == EACCES || failure == EPERM)
		finding_set(finding, DOCTOR_UNKNOWN, "sudo portcullis doctor", "%s: only root may examine it",
			    what);
	else
		finding_set(finding, DOCTOR_UNKNOWN, NULL, "%s: %s", what, strerror(failure));
}

void doctor_error(struct finding *finding, enum doctor_result result, const char *output)
{
	char line[SETTING_OUTPUT];
	const char *instead;

	text_copy(line, sizeof line, output);
	line[strcspn(line, "\n")] = '\0';
	instead = line + err_cause(line);
	finding_set(finding, result, *instead != '\0' ? instead + strlen(ERR_INSTEAD) : "portcullis check",
		    "%.*s", (int)(instead - line), line);
}

struct profile *doctor_profile_read(const struct doctor *doctor, struct finding *finding)
{
	const char *path = doctor->settings.profile;
	struct profile *profile;
	struct err e = {""};

	if (path[0] == '\0' || (geteuid() == 0 && !doctor->settings.good)) {
		finding_set(finding, DOCTOR_UNKNOWN, "first fix the configuration and the profile",
			    "not checked: no valid profile");
		return NULL;
	}
	if (access(path, R_OK) == -1) {
		doctor_not_examined(finding, path);
		return NULL;
	}
	if ((profile = profile_file_parse(path, true, &e)) == NULL)
		doctor_error(finding, DOCTOR_UNKNOWN, e.text);
	return profile;
}

char *doctor_file_read(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *bytes = NULL, *text = NULL;
	size_t length = 0;

	if (descriptor == -1)
		return NULL;
	if (regular_read(descriptor, path, FILE_TEXT_MAX, &bytes, &length, NULL) == 0)
		text = strndup(bytes, length);
	else
		errno = EFBIG;
	free(bytes);
	close(descriptor);
	return text;
}

struct errand {
	const char *const *argv;
	const char *input;
	bool any_code;
};

/* owner_work_fn. A failure is the first line that the parent gets, after a '!'. */
static int run_errand(int output, void *argument, struct err *e)
{
	const struct errand *errand = argument;
	char *text = malloc(OUTPUT_MAX);
	struct err failure = {""};
	int result;

	if (text == NULL)
		return err_set(e, "no memory");
	text[0] = '\0';
	if (chdir("/") == -1)
		result = err_errno(&failure, "/");
	else
		result = tool_output(errand->argv, errand->input, DOCTOR_TOOL_MS, text, OUTPUT_MAX, &failure);
	if (result == -1 && !(errand->any_code && text[0] != '\0')) {
		(void)io_write_all(output, "!", 1);
		(void)io_write_all(output, failure.text, strlen(failure.text));
	} else {
		(void)io_write_all(output, " ", 1);
		(void)io_write_all(output, text, strlen(text));
	}
	free(text);
	return 0;
}

char *doctor_tool(const char *const *argv, const char *input, bool any_code, struct err *e)
{
	struct errand errand = {argv, input, any_code};
	uid_t user = geteuid() == 0 ? NOBODY : geteuid();
	size_t length = 0;
	char *output = owner_run(user, CHILD_SECONDS, run_errand, &errand, OUTPUT_MAX + 1, &length, e);
	char *text = output != NULL && length > 0 ? strndup(output + 1, length - 1) : NULL;
	bool failed = text != NULL && output[0] == '!';

	free(output);
	if (text != NULL && !failed)
		return text;
	if (failed)
		err_set(e, "%s", text);
	else if (e->text[0] == '\0')
		err_set(e, "%s: no answer", argv[0]);
	free(text);
	return NULL;
}
