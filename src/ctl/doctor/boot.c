/* The doctor on time: the clock, the order at boot, the initrd, the lock at boot. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"
#include "os/process/child.h"

/* When the newest of our files was written; a clock that is before that is wrong. */
void doctor_clock(struct doctor *doctor)
{
	const struct doctor_settings *settings = &doctor->settings;
	struct finding finding = {.subject = ""};
	char program[PATH_MAX];
	const char *const places[] = {
	    child_sibling("portcullisd", PORTCULLIS_LIBEXECDIR "/../sbin", program, sizeof program),
	    settings->profile, settings->state_dir, settings->log_file};
	const char *newest = places[0];
	struct stat status;
	int64_t known = 0;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (stat(places[i], &status) == 0 && (int64_t)status.st_mtime > known) {
			known = (int64_t)status.st_mtime;
			newest = places[i];
		}
	}
	judge_clock((int64_t)time(NULL), known, newest, &finding);
	doctor_report(doctor, &finding);
}

void doctor_boot(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct machine_fact fact;

	machine_boot(&fact, DOCTOR_TOOL_MS);
	judge_fact(&fact, DOCTOR_FAIL, &finding);
	doctor_report(doctor, &finding);
}

void doctor_initrd(struct doctor *doctor)
{
	struct finding finding = {.subject = ""};
	struct machine_fact fact;

	machine_initrd(&fact);
	judge_fact(&fact, DOCTOR_WARN, &finding);
	doctor_report(doctor, &finding);
}

/* "2026-11-23T11:22:33Z" */
static int64_t when(const char *text)
{
	struct tm tm = {.tm_isdst = 0};

	if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
				   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

void doctor_boot_lock(struct doctor *doctor)
{
	int64_t booted = machine_booted(), locked = when(doctor_status(doctor, "boot_locked_at"));
	struct finding finding = {.subject = ""};

	if (locked == 0)
		finding_set(&finding, DOCTOR_UNKNOWN, "see the check of the daemon",
			    "only portcullisd knows when the gate was locked");
	else if (booted == 0)
		finding_set(&finding, DOCTOR_UNKNOWN, NULL, "the start of the kernel is not known");
	else
		judge_boot_lock(booted, locked, &finding);
	doctor_report(doctor, &finding);
}
