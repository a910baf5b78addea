/* The doctor on users and groups: who may use the hole? */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ctl/doctor/gather.h"
#include "ctl/doctor/judge.h"

static const struct passwd *find_user(const char *name)
{
	uint64_t number;

	return text_number(name, 0, UINT32_MAX - 1, &number) == 0 ? getpwuid((uid_t)number) : getpwnam(name);
}

static const struct group *find_group(const char *name)
{
	uint64_t number;

	return text_number(name, 0, UINT32_MAX - 1, &number) == 0 ? getgrgid((gid_t)number) : getgrnam(name);
}

static bool is_number(const char *name)
{
	uint64_t number;

	return text_number(name, 0, UINT32_MAX - 1, &number) == 0;
}

static void judge_user(const char *key, const char *name, bool exists, bool root, struct finding *finding)
{
	char instead[DOCTOR_SUBJECT];

	text_copy(finding->subject, sizeof finding->subject, key);
	snprintf(instead, sizeof instead, "create it (a system user without a shell), or set %s = \"900\"",
		 key);
	if (root && strcmp(key, "user") == 0)
		finding_set(finding, DOCTOR_FAIL, "use a user of its own", "%s is root", name);
	else if (root && strcmp(PORTCULLIS_OPENVPN_USER, "root") != 0)
		finding_set(finding, DOCTOR_WARN, PORTCULLIS_OPENVPN_USER ", the default",
			    "%s is root: an openvpn that has been taken over can read and write root's files",
			    name);
	else if (exists)
		finding_set(finding, DOCTOR_FINE, NULL, "%s is there", name);
	else if (is_number(name))
		finding_set(finding, DOCTOR_FINE, NULL, "%s needs no entry", name);
	else
		finding_set(finding, DOCTOR_FAIL, instead, "%s does not exist on this machine", name);
}

void doctor_users(struct doctor *doctor)
{
	const char *const pairs[][2] = {{"user", doctor->settings.user},
					{"openvpn-user", doctor->settings.openvpn_user}};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct finding finding = {.subject = ""};
		const struct passwd *entry = find_user(pairs[i][1]);

		judge_user(pairs[i][0], pairs[i][1], entry != NULL, entry != NULL && entry->pw_uid == 0,
			   &finding);
		doctor_report(doctor, &finding);
	}
}

/* The users whom the group lists, and those whose primary group it is, without openvpn's own user. */
static void list_members(const struct group *group, const char *own, char *members, size_t size)
{
	const struct passwd *entry;
	gid_t number = group->gr_gid;
	size_t used = 0;

	for (char **name = group->gr_mem; *name != NULL; name++) {
		if (strcmp(*name, own) != 0)
			text_append(members, size, &used, "%s%s", used > 0 ? " " : "", *name);
	}
	setpwent();
	while ((entry = getpwent()) != NULL) {
		if (entry->pw_gid == number && strcmp(entry->pw_name, own) != 0)
			text_append(members, size, &used, "%s%s", used > 0 ? " " : "", entry->pw_name);
	}
	endpwent();
}

void doctor_openvpn_group(struct doctor *doctor)
{
	const char *name = doctor->settings.openvpn_group;
	const struct group *group = find_group(name);
	struct finding finding = {.subject = ""};
	const struct passwd *user = find_user(doctor->settings.openvpn_user);
	char own[sizeof doctor->settings.openvpn_user], members[DOCTOR_SUBJECT] = "";

	/* The name, also where a number is configured; the next look-up overwrites the entry. */
	text_copy(own, sizeof own, user != NULL ? user->pw_name : doctor->settings.openvpn_user);
	if (group == NULL) {
		judge_user("openvpn-group", name, false, false, &finding);
	} else {
		list_members(group, own, members, sizeof members);
		judge_group(name, members, &finding);
	}
	doctor_report(doctor, &finding);
}
