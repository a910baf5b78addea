/* The doctor's findings, as text and as JSON. */
#include "ctl/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/shown.h"
#include "base/text.h"

static const struct {
	const char *word, *printed, *colour;
} words[DOCTOR_RESULTS] = {
    [DOCTOR_FINE] = {"fine", "fine", "32"},
    [DOCTOR_UNKNOWN] = {"unknown", "unknown", "36"},
    [DOCTOR_WARN] = {"warn", "warning", "33"},
    [DOCTOR_FAIL] = {"fail", "TO DO", "31;1"},
};

void finding_set(struct finding *finding, enum doctor_result result, const char *instead, const char *format,
		 ...)
{
	va_list list;
	char *advice;
	size_t used = 0;

	finding->result = result;
	va_start(list, format);
	(void)vsnprintf(finding->text, sizeof finding->text, format, list);
	va_end(list);
	finding->instead[0] = '\0';
	advice = finding->text + err_cause(finding->text);
	if (*advice != '\0') {
		*advice = '\0';
		text_append(finding->instead, sizeof finding->instead, &used, "%s%s",
			    advice + strlen(ERR_INSTEAD), instead != NULL ? "; or: " : "");
	}
	if (instead != NULL)
		text_append(finding->instead, sizeof finding->instead, &used, "%s", instead);
}

const char *doctor_status(const struct doctor *doctor, const char *key)
{
	return json_string_value(json_object_get(doctor->status, key));
}

static void print(const struct doctor *doctor, enum doctor_result result, const char *subject,
		  const char *text, const char *instead)
{
	const char *before = doctor->colour ? words[result].colour : NULL;

	printf("%s%s%s%-8s%s %s: %s: %s\n", before != NULL ? "\033[" : "", before != NULL ? before : "",
	       before != NULL ? "m" : "", words[result].printed, before != NULL ? "\033[0m" : "",
	       doctor->check->name, subject, text);
	if (instead[0] != '\0')
		printf("         instead: %s\n", instead);
	fflush(stdout);
}

void doctor_report(struct doctor *doctor, const struct finding *finding)
{
	char subject[4 * DOCTOR_SUBJECT], text[4 * DOCTOR_TEXT], instead[4 * DOCTOR_TEXT];

	shown(subject, sizeof subject,
	      finding->subject[0] != '\0' ? finding->subject : doctor->check->subject);
	shown(text, sizeof text, finding->text);
	shown(instead, sizeof instead, finding->instead);
	doctor->count[finding->result]++;
	if (!doctor->json) {
		print(doctor, finding->result, subject, text, instead);
		return;
	}
	json_array_append_new(doctor->checks,
			      json_pack("{s:s,s:s,s:s,s:s,s:o}", "name", doctor->check->name, "subject",
					subject, "result", words[finding->result].word, "text", text,
					"instead", instead[0] != '\0' ? json_string(instead) : json_null()));
}
