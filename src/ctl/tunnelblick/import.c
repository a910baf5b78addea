/* `portcullis import NAME.tblk`: the configurations of a Tunnelblick bundle become root's profiles. */
#include "ctl/tunnelblick/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/shown.h"
#include "base/text.h"
#include "ctl/profile/owner.h"
#include "ctl/profile/place.h"
#include "ctl/profile/resolve.h"
#include "ctl/profile/store.h"
#include "ctl/tunnelblick/homes.h"
#include "ctl/tunnelblick/read.h"

enum { LOOK_S = 30, READ_S = 120, LIST_MAX = TBLK_MAX * sizeof(struct tblk), SHOWN_SIZE = 300 };

/* What a child gets. */
struct wanted {
	const char *bundle; /* for messages */
	struct place where;
	const struct tblk *one;
	struct tblk_place place;
	bool only_users; /* settings: only what a user set, with the name of the home */
};

/* --- in children, with the rights of the bundle's owner */

static int open_bundle(const struct wanted *wanted, struct folder *folder, struct err *e)
{
	int descriptor = place_open(&wanted->where, e);

	return descriptor == -1 ? -1 : folder_adopt(folder, descriptor, wanted->bundle, e);
}

static int list_work(int output, void *argument, struct err *e)
{
	const struct wanted *wanted = argument;
	struct tblk all[TBLK_MAX];
	struct tblk_list list = {all, 0};
	struct folder folder;
	char name[SHOWN_SIZE];
	int result;

	memset(all, 0, sizeof all);
	if (open_bundle(wanted, &folder, e) == -1)
		return -1;
	result = tblk_read_list(&folder, wanted->bundle, false, &list, e);
	if (result == 0) {
		struct tblk_settings settings = {.display = all[0].display};
		const struct tblk_place nowhere = {.kind = TBLK_ELSEWHERE};
		struct tblk_file first = {&folder, wanted->bundle, &all[0], true};

		tblk_read_settings(&first, &nowhere, &settings);
		if (settings.uninstalls)
			result = err_set(e, "a bundle that only removes a configuration (TBUninstall); "
					    "instead: import the configuration's own bundle");
	}
	folder_close(&folder);
	if (result == -1)
		return err_prefix(e, "%s", shown(name, sizeof name, wanted->bundle));
	return io_write_all(output, (const char *)all, list.count * sizeof *all);
}

static int fetch_work(int output, void *argument, struct err *e)
{
	const struct wanted *wanted = argument;
	struct folder folder;
	struct tblk_file file = {&folder, wanted->bundle, wanted->one, false};
	struct profile *profile;
	char *text = NULL;
	size_t length = 0;

	if (open_bundle(wanted, &folder, e) == -1)
		return -1;
	if ((profile = tblk_read_profile(&file, e)) == NULL)
		return -1;
	tblk_note_scripts(&file);
	if (profile_resolve(profile, e) == -1)
		return -1;
	if ((text = profile_print(profile, &length)) == NULL)
		return err_set(e, "no memory");
	return io_write_all(output, text, length) == 0 ? 0 : err_set(e, "the profile can't be handed on");
}

static int settings_work(int output, void *argument, struct err *e)
{
	const struct wanted *wanted = argument;
	struct tblk_settings settings = {
	    .display = wanted->place.kind != TBLK_ELSEWHERE ? wanted->place.display : wanted->one->display};
	struct folder folder;
	struct tblk_file file = {&folder, wanted->bundle, wanted->one, wanted->only_users};
	char line[2 * TBLK_LINE_SIZE], user[SHOWN_SIZE];
	const char *slash = strrchr(wanted->place.home, '/');

	(void)output;
	if (open_bundle(wanted, &folder, wanted->only_users ? NULL : e) == -1)
		return -1;
	tblk_read_settings(&file, &wanted->place, &settings);
	folder_close(&folder);
	shown(user, sizeof user, slash != NULL ? slash + 1 : "");
	for (size_t i = 0; i < TBLK_SETTINGS; i++) {
		if (tblk_settings_line(&settings, i, line) == NULL)
			continue;
		if (!wanted->only_users)
			puts(line);
		else if (settings.entries[i].source == TBLK_USER)
			printf("# as %s set it: %s\n", user, line[0] == '#' ? line + 2 : line);
	}
	if (tblk_settings_connects(&settings) &&
	    (!wanted->only_users || tblk_settings_connects_by(&settings) == TBLK_USER)) {
		tblk_switch_off_advice(&settings, line, sizeof line);
		printf("# %s\n", line);
	}
	return 0;
}

/* --- the parent */

static void settings_of_home(const char *home, uid_t owner, void *argument)
{
	struct wanted wanted = *(const struct wanted *)argument;
	size_t length;

	text_copy(wanted.place.home, sizeof wanted.place.home, home);
	wanted.only_users = true;
	free(owner_run(owner, LOOK_S, settings_work, &wanted, 1, &length, NULL));
}

/* For a private configuration its user's settings count; for a shared one those of
 * all users are only shown. Settings that can't be read do not fail the import. */
static void print_settings(struct wanted *wanted)
{
	struct stat status;
	uid_t owner = wanted->where.owner;
	size_t length;

	if (wanted->place.home[0] != '\0' && stat(wanted->place.home, &status) == 0 && status.st_uid != 0)
		owner = status.st_uid;
	free(owner_run(owner, LOOK_S, settings_work, wanted, 1, &length, NULL));
	if (wanted->place.kind == TBLK_SHARED || wanted->place.kind == TBLK_DEPLOYED)
		tblk_homes(wanted->place.root, settings_of_home, wanted);
}

static int import_one(struct wanted *wanted, const char *name, const char *directory, struct err *e)
{
	char stored[PROFILE_FILE_SIZE], label[SHOWN_SIZE];
	size_t length;
	char *bytes;
	int result = -1;

	if (profile_store_name(name, stored, e) == -1)
		return -1;
	bytes = owner_run(wanted->where.owner, READ_S, fetch_work, wanted, PROFILE_STORED_MAX, &length, e);
	shown(label, sizeof label, wanted->bundle);
	if (bytes != NULL && (result = profile_store(label, bytes, length, directory, stored, e)) == 0)
		print_settings(wanted);
	free(bytes);
	return result;
}

/* Several configurations, but only one name. */
static int refuse_name(const char *bundle, const struct tblk *all, size_t count, struct err *e)
{
	char line[sizeof e->text] = "", word[SHOWN_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof line / 3; i++)
		text_append(line, sizeof line, &used, "%s%s", i > 0 ? ", " : "",
			    shown(word, sizeof word, all[i].display));
	if (shown_word(word, sizeof word, bundle) == NULL)
		text_copy(word, sizeof word, "BUNDLE");
	return err_set(
	    e, "%zu configurations (%s) but one name; instead, to give each a name: portcullis import %s",
	    count, line, word);
}

static int import_all(struct wanted *wanted, const struct tblk *all, size_t count, const char *directory)
{
	char name[SHOWN_SIZE];
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		struct err e = {""};

		if (count > 1)
			printf("%s%s:\n", i > 0 ? "\n" : "", shown(name, sizeof name, all[i].display));
		wanted->one = &all[i];
		if (import_one(wanted, all[i].name, directory, &e) == -1)
			result = -1;
		if (e.text[0] != '\0')
			shown_print(stderr, "%s", e.text);
	}
	return result;
}

/* What the bundle holds, according to the child, which may have sent anything. */
static size_t parse_list(struct tblk *all, const char *bytes, size_t length)
{
	size_t count = length / sizeof *all;

	memcpy(all, bytes, count * sizeof *all);
	for (size_t i = 0; i < count; i++) {
		all[i].path[TBLK_PATH_SIZE - 1] = all[i].display[TBLK_PATH_SIZE - 1] = '\0';
		all[i].name[TBLK_NAME_SIZE - 1] = '\0';
		if (all[i].inner > strlen(all[i].path))
			all[i].inner = 0;
	}
	return count;
}

/* The folder is not a Tunnelblick bundle: names the file in it that can be imported instead. */
static int refuse_folder(const char *path, struct err *e)
{
	static const char *const inside[] = {"config.conf", "config.ovpn"};
	size_t length = strlen(path);
	char file[TBLK_PATH_SIZE], word[TBLK_PATH_SIZE];
	struct stat status;

	while (length > 1 && path[length - 1] == '/')
		length--;
	for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
		size_t used = 0;

		if (text_append(file, sizeof file, &used, "%.*s/%s", (int)length, path, inside[i]) == 0 &&
		    lstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
		    shown_word(word, sizeof word, file) != NULL)
			return err_set(e, "%s: %s; instead: portcullis import %s NAME", path,
				       length > 5 && strncasecmp(path + length - 5, ".visc", 5) == 0
					   ? "Viscosity's, not Tunnelblick's"
					   : "a directory, but not a Tunnelblick bundle",
				       word);
	}
	return err_set(e,
		       "%s: a directory, but not a Tunnelblick bundle (NAME.tblk); instead: import the .tblk "
		       "or .ovpn inside it",
		       path);
}

int tblk_import(const char *bundle, const char *name, const char *directory, struct err *e)
{
	struct wanted wanted = {.bundle = bundle};
	struct tblk all[TBLK_MAX];
	char *bytes;
	size_t length, count;

	if (!tblk_is_bundle(bundle))
		return refuse_folder(bundle, e);
	if (place_find(bundle, &wanted.where, e) == -1)
		return -1;
	tblk_place(wanted.where.path, &wanted.place);
	bytes = owner_run(wanted.where.owner, LOOK_S, list_work, &wanted, LIST_MAX, &length, e);
	count = bytes != NULL ? parse_list(all, bytes, length) : 0;
	free(bytes);
	if (count == 0)
		return -1;
	if (name != NULL && count > 1)
		return refuse_name(bundle, all, count, e);
	wanted.one = &all[0];
	return name != NULL ? import_one(&wanted, name, directory, e)
			    : import_all(&wanted, all, count, directory);
}
