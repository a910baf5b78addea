/* The doctor on files: only root may change what root runs and reads, and every folder above. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"
#include "os/process/child.h"

enum { LINKS_MAX = 16 };

/* Where the link at `link` points, as a path that can be walked. */
static int target_of(const char *link, char *to, size_t size)
{
	char text[PATH_MAX];
	ssize_t length = readlink(link, text, sizeof text - 1);
	const char *slash = strrchr(link, '/');
	size_t used = 0;

	if (length == -1)
		return -1;
	text[length] = '\0';
	if (text[0] == '/')
		return text_copy(to, size, text);
	return text_append(to, size, &used, "%.*s/%s", slash != NULL ? (int)(slash - link) : 0, link, text);
}

static bool walk(const char *path, int links, struct finding *finding);

/* Checks one step of a path; for a link, the path that it points to. */
static bool step(const char *path, int links, struct finding *finding)
{
	struct stat status;
	char target[PATH_MAX];

	if (lstat(path, &status) == -1) {
		doctor_not_examined(finding, path);
		return false;
	}
	if (!judge_owner(path, status.st_uid, status.st_gid, status.st_mode, finding))
		return false;
	if (!S_ISLNK(status.st_mode))
		return true;
	if (links > 0 && target_of(path, target, sizeof target) == 0)
		return walk(target, links - 1, finding);
	finding_set(finding, DOCTOR_UNKNOWN, NULL, "%s: more symbolic links than can be followed", path);
	return false;
}

/* Checks all of an absolute path, from the root on. false: finding names the step. */
static bool walk(const char *path, int links, struct finding *finding)
{
	char partial[PATH_MAX];

	if (text_copy(partial, sizeof partial, path) == -1 || path[0] != '/') {
		finding_set(finding, DOCTOR_UNKNOWN, NULL, "%s: not an absolute path", path);
		return false;
	}
	if (!step("/", links, finding))
		return false;
	for (char *at = partial + 1; at != NULL && *at != '\0';) {
		char *slash = strchr(at, '/');

		if (slash != NULL)
			*slash = '\0';
		if (*at != '\0' && !step(partial, links, finding))
			return false;
		if (slash != NULL)
			*slash = '/';
		at = slash != NULL ? slash + 1 : NULL;
	}
	return true;
}

/* `missing`: what to report if it does not exist; "": another check reports that; NULL: it exists. */
static void check_path(struct doctor *doctor, const char *path, const char *missing)
{
	struct finding finding = {.subject = ""};
	struct stat status;

	if (path[0] == '\0')
		return;
	text_copy(finding.subject, sizeof finding.subject, path);
	if (missing != NULL && stat(path, &status) == -1 && errno == ENOENT) {
		if (missing[0] == '\0')
			return;
		finding_set(&finding, DOCTOR_FINE, NULL, "%s", missing);
	} else if (walk(path, LINKS_MAX, &finding)) {
		finding_set(&finding, DOCTOR_FINE, NULL,
			    "belongs to root, and nobody else may write to it or to a directory above");
	}
	doctor_report(doctor, &finding);
}

void doctor_programs(struct doctor *doctor)
{
	static const struct {
		const char *name, *folder;
	} programs[] = {{"portcullisd", PORTCULLIS_LIBEXECDIR "/../sbin"},
			{"portcullis-driver", PORTCULLIS_LIBEXECDIR}};
	struct finding finding = {.subject = ""};
	char path[PATH_MAX];
	struct stat status;

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		child_sibling(programs[i].name, programs[i].folder, path, sizeof path);
		if (stat(path, &status) == 0) {
			check_path(doctor, path, NULL);
			continue;
		}
		text_copy(finding.subject, sizeof finding.subject, path);
		finding_set(&finding, DOCTOR_FAIL, "install Portcullis completely", "can't be run: %s",
			    strerror(errno));
		doctor_report(doctor, &finding);
	}
	if (doctor->settings.answered)
		return;
	text_copy(finding.subject, sizeof finding.subject, "portcullisd");
	finding_set(&finding, DOCTOR_FAIL, "install programs of the same version",
		    "does not print its settings: %s", doctor->settings.output);
	doctor_report(doctor, &finding);
}

/* The profile contains a private key, the password file a password. */
static void check_secret(struct doctor *doctor, const char *path)
{
	struct finding finding = {.subject = ""};
	char instead[PATH_MAX + 16];
	struct stat status;

	if (path[0] == '\0' || stat(path, &status) == -1 || (status.st_mode & (S_IRGRP | S_IROTH)) == 0)
		return;
	snprintf(instead, sizeof instead, "chmod 600 %s", path);
	text_copy(finding.subject, sizeof finding.subject, path);
	finding_set(&finding, DOCTOR_WARN, instead, "others may read it, and it may contain a key");
	doctor_report(doctor, &finding);
}

void doctor_files(struct doctor *doctor)
{
	const struct doctor_settings *settings = &doctor->settings;
	const char *const secrets[] = {settings->profile, settings->password_file, settings->key_file,
				       settings->passphrase_file};
	char log_folder[PATH_MAX], *slash;

	text_copy(log_folder, sizeof log_folder, settings->log_file);
	if ((slash = strrchr(log_folder, '/')) != NULL)
		*slash = '\0';
	if (doctor->config == NULL || doctor->config[0] == '/')
		check_path(doctor, doctor->config != NULL ? doctor->config : DOCTOR_CONFIG, "");
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (strncmp(secrets[i], "pkcs11:", 7) == 0)
			continue;
		check_path(doctor, secrets[i], "");
		check_secret(doctor, secrets[i]);
	}
	check_path(doctor, settings->openvpn_binary, "");
	check_path(doctor, settings->state_dir, "does not exist yet: portcullisd creates it");
	check_path(doctor, settings->runtime_dir, "does not exist yet: portcullisd creates it");
	check_path(doctor, log_folder, "does not exist yet: portcullisd creates it");
}
