/* Reads a Tunnelblick bundle and the settings for it. */
#include "ctl/tunnelblick/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/profile/regular.h"
#include "ctl/tunnelblick/plist.h"

enum { PATH_SIZE = 2 * TBLK_PATH_SIZE, LABEL_SIZE = 300, REFERRED_MAX = 1024 * 1024 };

static const char *label_of(const struct tblk_file *file, char label[LABEL_SIZE])
{
	char path[PATH_SIZE];
	size_t used = 0;

	text_append(path, sizeof path, &used, "%s/%s", file->bundle, file->one->path);
	return shown(label, LABEL_SIZE, path);
}

/* --- the configurations */

int tblk_read_list(const struct folder *folder, const char *bundle, bool quiet, struct tblk_list *list,
		   struct err *e)
{
	struct folder_list found;
	char name[LABEL_SIZE];
	int result;

	if (folder_walk(folder, NULL, &found, e) == -1)
		return -1;
	for (size_t i = 0; i < found.count && !quiet; i++) {
		if (found.items[i].kind == FOLDER_LINK)
			fprintf(stderr, "note: %s: a link, not followed\n",
				shown(name, sizeof name, found.items[i].path));
	}
	result = tblk_choose(&found, bundle, list, e);
	folder_list_free(&found);
	return result;
}

static void print_notice(int line, const char *option, const char *reason, void *argument)
{
	const struct tblk_file *file = argument;
	char label[LABEL_SIZE];

	if (!file->quiet)
		shown_print(stderr, "%s:%d: note: %s: %s", label_of(file, label), line, option, reason);
}

/* Reads the file `name` in the folder of the configuration. Returns as folder_read does. */
static int read_beside(const struct tblk_file *file, const char *name, char **bytes, size_t *length,
		       struct err *e)
{
	const char *slash = strrchr(file->one->path, '/');
	char path[PATH_SIZE];
	size_t used = 0;

	text_append(path, sizeof path, &used, "%.*s%s",
		    (int)(slash != NULL ? slash + 1 - file->one->path : 0), file->one->path, name);
	return folder_read(file->folder, path, REFERRED_MAX, bytes, length, e);
}

/* profile_file_fn. */
static int read_referred(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	const struct tblk_file *file = argument;
	const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path;
	char name[LABEL_SIZE];
	int result;

	*bytes = NULL;
	shown(name, sizeof name, path);
	if (path[0] == '/' || path[0] == '~')
		return err_set(e,
			       "%s: outside the bundle, so it is not read; instead: copy it into the bundle, "
			       "to the directory of the configuration, and name it without a path",
			       name);
	result = read_beside(file, last, bytes, length, e);
	if (result == 1 && slash != NULL)
		result = read_beside(file, path, bytes, length, e);
	if (result == 1)
		return err_set(
		    e, "%s: not in the bundle; instead: put it into the directory of the configuration",
		    name);
	return result;
}

struct profile *tblk_read_profile(const struct tblk_file *file, struct err *e)
{
	struct tblk_file own = *file;
	char label[PATH_SIZE];
	/* Not escaped: the parser does that. */
	struct profile_source source = {
	    .name = label, .file = read_referred, .notice = print_notice, .argument = &own};
	struct profile *profile = NULL;
	char *bytes = NULL;
	size_t used = 0;

	text_append(label, sizeof label, &used, "%s/%s", file->bundle, file->one->path);
	if (folder_read(file->folder, file->one->path, PROFILE_SIZE_MAX, &bytes, &source.length, e) != 0)
		return NULL;
	source.bytes = bytes;
	profile = profile_parse(&source, e);
	free(bytes);
	return profile;
}

void tblk_note_scripts(const struct tblk_file *file)
{
	const char *slash = strrchr(file->one->path, '/');
	size_t under = slash != NULL ? (size_t)(slash + 1 - file->one->path) : 0;
	struct folder_list found;
	char name[LABEL_SIZE];

	if (folder_walk(file->folder, NULL, &found, NULL) == -1)
		return;
	for (size_t i = 0; i < found.count; i++) {
		const char *path = found.items[i].path, *lost = tblk_script(path);

		if (found.items[i].kind == FOLDER_FOLDER || lost == NULL ||
		    strncmp(path, file->one->path, under) != 0 || strchr(path + under, '/') != NULL)
			continue;
		fprintf(stderr, "note: %s: %s\n", shown(name, sizeof name, path + under), lost);
	}
	folder_list_free(&found);
}

/* --- the settings */

struct preferences {
	struct tblk_settings *settings;
	enum tblk_source source;
};

static void read_preference(const char *key, const char *value, void *argument)
{
	const struct preferences *preferences = argument;

	tblk_settings_read(preferences->settings, preferences->source, key, value);
}

static void read_info_key(const char *key, const char *value, void *argument)
{
	tblk_settings_read_info(argument, key, value);
}

static void print_problem(const struct tblk_file *file, const struct err *e)
{
	char text[1024];

	if (!file->quiet && e->text[0] != '\0')
		shown_print(stderr, "note: %s",
			    ctl_advise(text, sizeof text, e, "its settings are not imported", NULL, NULL));
}

static void read_info(const struct tblk_file *file, size_t under, const char *name,
		      struct tblk_settings *settings)
{
	char path[PATH_SIZE], as_shown[LABEL_SIZE], *bytes;
	struct err e = {""};
	size_t used = 0, length;
	int result;

	text_append(path, sizeof path, &used, "%.*s%s%s", (int)under, file->one->path, under > 0 ? "/" : "",
		    name);
	result = folder_read(file->folder, path, PLIST_SIZE_MAX, &bytes, &length, &e);
	if (result == 1)
		return;
	if (result == 0 && plist_read(bytes, length, read_info_key, settings, &e) == -1)
		err_prefix(&e, "%s", shown(as_shown, sizeof as_shown, path));
	print_problem(file, &e);
	free(bytes);
}

/* 0, and *bytes NULL if there is none; or -1 and `e`. */
static int read_preferences(const char *path, char **bytes, size_t *length, struct err *e)
{
	int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), result = 0;
	struct stat status;
	char name[LABEL_SIZE];

	*bytes = NULL;
	shown(name, sizeof name, path);
	if (descriptor == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "%s", name);
	if (fstat(descriptor, &status) == -1 || (status.st_uid != 0 && status.st_uid != geteuid()))
		result = err_set(e, "%s: it belongs to somebody else", name);
	else
		result = regular_read(descriptor, name, PLIST_SIZE_MAX, bytes, length, e);
	close(descriptor);
	return result;
}

/* Was there such a file? */
static bool read_preferences_file(const struct tblk_file *file, const char *above, const char *path,
				  struct preferences preferences)
{
	char whole[PATH_SIZE], *bytes = NULL;
	struct err e = {""};
	size_t used = 0, length;
	bool there;

	if (text_append(whole, sizeof whole, &used, "%s%s", above, path) == -1)
		return false;
	if (read_preferences(whole, &bytes, &length, &e) == 0 && bytes != NULL &&
	    plist_read(bytes, length, read_preference, &preferences, &e) == -1)
		err_prefix(&e, "%s", shown(whole, sizeof whole, whole));
	print_problem(file, &e);
	there = bytes != NULL;
	free(bytes);
	return there;
}

void tblk_read_settings(const struct tblk_file *file, const struct tblk_place *place,
			struct tblk_settings *settings)
{
	static const char plist[] = "Info.plist", inside[] = "Contents/Info.plist";
	struct preferences user = {settings, TBLK_USER}, forced = {settings, TBLK_FORCED};

	/* Of the outer bundle first: of two the later one counts. */
	read_info(file, 0, plist, settings);
	read_info(file, 0, inside, settings);
	if (file->one->inner > 0) {
		read_info(file, file->one->inner, plist, settings);
		read_info(file, file->one->inner, inside, settings);
	}
	if (place->kind == TBLK_ELSEWHERE)
		return;
	/* The first is the name since 3.2, the second the one before. */
	if (place->home[0] != '\0' &&
	    !read_preferences_file(file, place->home,
				   "/Library/Preferences/net.tunnelblick.tunnelblick.plist", user))
		read_preferences_file(file, place->home, "/Library/Preferences/com.openvpn.tunnelblick.plist",
				      user);
	read_preferences_file(
	    file, place->root,
	    "/Applications/Tunnelblick.app/Contents/Resources/Deploy/forced-preferences.plist", forced);
	read_preferences_file(file, place->root,
			      "/Library/Application Support/Tunnelblick/forced-preferences.plist", forced);
}

void tblk_switch_off_advice(const struct tblk_settings *settings, char *line, size_t size)
{
	char name[LABEL_SIZE];
	size_t used = 0;

	shown(name, sizeof name, settings->display);
	if (tblk_settings_connects_by(settings) == TBLK_FORCED)
		text_append(
		    line, size, &used,
		    "to turn that off in Tunnelblick: delete \"%sautoConnect\" or \"*autoConnect\" in "
		    "its forced-preferences.plist",
		    name);
	else
		text_append(line, size, &used,
			    "to turn that off in Tunnelblick: VPN Details, Configurations, %s, Settings, "
			    "Connect: Manually",
			    name);
}
