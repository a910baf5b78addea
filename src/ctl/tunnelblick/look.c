/* `portcullis import --tunnelblick`: what Tunnelblick has, and how to import it. */
#include "ctl/tunnelblick/look.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/shown.h"
#include "base/text.h"
#include "ctl/profile/check.h"
#include "ctl/profile/owner.h"
#include "ctl/tunnelblick/homes.h"
#include "ctl/tunnelblick/read.h"

enum { LOOK_S = 60, SHOWN_SIZE = 300, PATH_SIZE = 2 * TBLK_PATH_SIZE, FOUND_MAX = 64 * 1024 };

#define SUPPORT "Library/Application Support/Tunnelblick"
#define DEPLOY "Applications/Tunnelblick.app/Contents/Resources/Deploy"

/* One of Tunnelblick's folders, as a child gets it. */
struct area {
	const char *root, *path, *user; /* user: "" for everybody's */
	enum tblk_kind kind;
	uid_t owner;
	bool only_connects; /* its contents are listed already: only what connects by itself for this user */
	const char *home;   /* for only_connects */
	bool named;         /* the user's name is added, so that names differ */
};

static void join(char path[PATH_SIZE], const char *above, const char *below)
{
	size_t used = 0;

	text_append(path, PATH_SIZE, &used, "%s/%s", above, below);
}

static void print_kind(const struct area *area)
{
	static const char *const words[] = {[TBLK_ELSEWHERE] = "",
					    [TBLK_PRIVATE] = "private, of ",
					    [TBLK_SHARED] = "shared",
					    [TBLK_SHADOW] = "Tunnelblick's own copy of a private one, of ",
					    [TBLK_DEPLOYED] = "deployed in Tunnelblick.app"};
	char user[SHOWN_SIZE];

	printf("%s%s", words[area->kind], shown(user, sizeof user, area->user));
}

/* Is there a shared one of the same name? */
static bool has_namesake(const struct area *area, const char *display)
{
	char path[PATH_SIZE];
	struct stat status;
	size_t used = 0;

	text_append(path, sizeof path, &used, "%s/" SUPPORT "/Shared/%s.tblk", area->root, display);
	return lstat(path, &status) == 0;
}

static void print_command(const struct area *area, const char *path, const char *display)
{
	char word[4 * PATH_SIZE], full_name[2 * TBLK_PATH_SIZE], name[TBLK_NAME_SIZE] = "";
	size_t used = 0;

	if (display != NULL) {
		bool more = area->user[0] != '\0' && (area->named || has_namesake(area, display));

		text_append(full_name, sizeof full_name, &used, "%s%s%s", display, more ? "-" : "",
			    more ? area->user : "");
		tblk_name(full_name, name);
	}
	if (shown_word(word, sizeof word, path) != NULL)
		printf("    sudo portcullis import %s%s%s\n", word, name[0] != '\0' ? " " : "", name);
}

static void print_state(const struct profile *profile, const struct err *e)
{
	char line[4 * sizeof e->text];

	if (profile == NULL)
		printf("incomplete: %s\n", shown(line, sizeof line, e->text));
	else
		puts("complete");
}

/* Prints whether Tunnelblick connects it by itself, and how to turn that off. */
static void print_connects(const struct area *area, const struct tblk_file *file, const char *display)
{
	struct tblk_place place;
	struct tblk_settings settings = {.display = display};
	char line[2 * TBLK_LINE_SIZE], daemon[PATH_SIZE], path[PATH_SIZE], name[SHOWN_SIZE];
	struct stat status;
	size_t used = 0;
	bool starts = false;

	tblk_place(file->bundle, &place);
	if (area->home != NULL)
		text_copy(place.home, sizeof place.home, area->home);
	tblk_read_settings(file, &place, &settings);
	if (tblk_launch_daemon(display, daemon, sizeof daemon) == 0 &&
	    text_append(path, sizeof path, &used, "%s/Library/LaunchDaemons/%s", area->root, daemon) == 0)
		starts = !area->only_connects && lstat(path, &status) == 0;
	if (!starts && (!tblk_settings_connects(&settings) ||
			(area->only_connects && tblk_settings_connects_by(&settings) != TBLK_USER)))
		return;
	if (area->only_connects) {
		printf("%s: shared, ", shown(name, sizeof name, display));
		printf("as %s set it\n", shown(name, sizeof name, area->user));
	}
	printf("    Tunnelblick connects it automatically when %s%s%s\n",
	       starts || tblk_settings_connects_at_start(&settings) ? "the machine starts" : "it is launched",
	       starts ? ": " : "", starts ? shown(name, sizeof name, path) : "");
	tblk_switch_off_advice(&settings, line, sizeof line);
	printf("    %s\n", line);
}

/* Prints each configuration of a bundle: that it is complete, or what is missing. */
static void print_bundle(const struct area *area, const struct folder *folder, const char *path,
			 const char *display)
{
	struct tblk all[TBLK_MAX];
	struct tblk_list list = {all, 0};
	struct err e = {""};
	char name[SHOWN_SIZE], line[4 * sizeof e.text];
	bool readable = tblk_read_list(folder, path, true, &list, &e) == 0, whole = readable;

	printf("%s: ", shown(name, sizeof name, display));
	print_kind(area);
	if (!readable || list.count > 1)
		printf(", %s%s\n",
		       readable ? "several in one bundle" : "incomplete: ", shown(line, sizeof line, e.text));
	for (size_t i = 0; i < list.count && readable; i++) {
		struct tblk_file file = {folder, path, &all[i], true};
		struct profile *profile = tblk_read_profile(&file, &e);

		printf("%s%s", list.count > 1 ? "    " : ", ",
		       list.count > 1 ? shown(name, sizeof name, all[i].display) : "");
		fputs(list.count > 1 ? ": " : "", stdout);
		print_state(profile, &e);
		whole = whole && (profile != NULL || list.count > 1);
		profile_free(profile);
	}
	if (whole)
		print_command(area, path, list.count > 1 ? NULL : display);
}

static bool look_at_bundle(const struct area *area, const char *relative)
{
	char path[PATH_SIZE], display[TBLK_PATH_SIZE], name[SHOWN_SIZE];
	static const struct tblk none = {.path = ""};
	struct folder folder;
	struct err e = {""};

	join(path, area->path, relative);
	text_copy(display, sizeof display, relative);
	display[strlen(display) - sizeof ".tblk" + 1] = '\0';
	if (folder_open(&folder, path, &e) == -1) {
		if (!area->only_connects) {
			printf("%s: ", shown(name, sizeof name, display));
			print_state(NULL, &e);
		}
		return true;
	}
	if (!area->only_connects)
		print_bundle(area, &folder, path, display);
	print_connects(area, &(struct tblk_file){&folder, path, &none, true}, display);
	folder_close(&folder);
	return true;
}

/* NAME.ovpn or NAME.conf without a bundle, as old versions of Tunnelblick had them. */
static bool look_at_file(const struct area *area, const char *relative)
{
	char path[PATH_SIZE], display[TBLK_PATH_SIZE], name[SHOWN_SIZE];
	struct profile *profile;
	struct err e = {""};

	join(path, area->path, relative);
	text_copy(display, sizeof display, relative);
	display[strlen(display) - sizeof ".ovpn" + 1] = '\0';
	printf("%s: ", shown(name, sizeof name, display));
	print_kind(area);
	printf(", a file without a bundle, ");
	profile = profile_file_parse(path, true, &e);
	print_state(profile, &e);
	if (profile != NULL)
		print_command(area, path, display);
	profile_free(profile);
	return true;
}

/* In the child. Sends the parent one byte for each find. */
static int look_work(int output, void *argument, struct err *e)
{
	const struct area *area = argument;
	struct folder folder;
	struct folder_list found;
	int result;

	/* The shared ones have been examined already, and their faults reported. */
	if (folder_open(&folder, area->path, area->only_connects ? NULL : e) == -1)
		return area->only_connects ? 0 : -1;
	result = folder_walk(&folder, ".tblk", &found, area->only_connects ? NULL : e);
	folder_close(&folder);
	if (result == -1)
		return area->only_connects ? 0 : -1;
	for (size_t i = 0; i < found.count; i++) {
		const struct folder_item *item = &found.items[i];
		bool seen = false;

		if (item->kind == FOLDER_FOLDER && tblk_is_bundle(item->path))
			seen = look_at_bundle(area, item->path);
		else if (item->kind == FOLDER_FILE && tblk_is_configuration(item->path) &&
			 area->kind == TBLK_PRIVATE)
			seen = look_at_file(area, item->path);
		if (seen && !area->only_connects && io_write_all(output, ".", 1) == -1)
			break;
	}
	folder_list_free(&found);
	return 0;
}

/* --- the parent */

struct look {
	const char *root;
	size_t homes, found;
	bool failed;
};

static void look_in(struct look *look, struct area *area)
{
	struct err e = {""};
	struct stat status;
	size_t length = 0;
	char *bytes;

	/* Old versions left a link from one of their folders to another. */
	if (lstat(area->path, &status) == -1 || !S_ISDIR(status.st_mode))
		return;
	bytes = owner_run(geteuid() == 0 ? area->owner : geteuid(), LOOK_S, look_work, area, FOUND_MAX,
			  &length, &e);
	look->found += bytes != NULL ? length : 0;
	look->failed = look->failed || bytes == NULL;
	free(bytes);
	if (e.text[0] != '\0')
		shown_print(stderr, "%s", e.text);
}

static void look_in_roots(struct look *look, const char *path, const char *user, enum tblk_kind kind)
{
	struct area area = {.root = look->root, .path = path, .user = user, .kind = kind};

	area.named = user[0] != '\0' && look->homes > 1;
	look_in(look, &area);
}

static void look_in_shadows(struct look *look)
{
	char above[PATH_SIZE], path[PATH_SIZE];
	struct dirent **names = NULL;
	int count;

	join(above, look->root, SUPPORT "/Users");
	if ((count = scandir(above, &names, NULL, alphasort)) == -1)
		return;
	for (int i = 0; i < count; i++) {
		join(path, above, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			look_in_roots(look, path, names[i]->d_name, TBLK_SHADOW);
		free(names[i]);
	}
	free(names);
}

static void count_home(const char *home, uid_t owner, void *argument)
{
	struct look *look = argument;

	(void)home;
	(void)owner;
	look->homes++;
}

static void look_in_home(const char *home, uid_t owner, void *argument)
{
	struct look *look = argument;
	const char *slash = strrchr(home, '/');
	char path[PATH_SIZE];
	struct area area = {.root = look->root,
			    .path = path,
			    .user = slash != NULL ? slash + 1 : home,
			    .kind = TBLK_PRIVATE,
			    .owner = owner,
			    .named = look->homes > 1};

	join(path, home, SUPPORT "/Configurations");
	look_in(look, &area);
	join(path, home, "Library/openvpn");
	look_in(look, &area);
	area.kind = TBLK_SHARED;
	area.only_connects = true;
	area.home = home;
	join(path, look->root, SUPPORT "/Shared");
	look_in(look, &area);
}

int tblk_look(const char *root)
{
	struct look look = {.root = root};
	char path[PATH_SIZE];

	if (geteuid() != 0)
		fputs("note: this lists only what this user may read; instead, to list all: sudo portcullis "
		      "import --tunnelblick\n",
		      stderr);
	tblk_homes(root, count_home, &look);
	join(path, root, SUPPORT "/Shared");
	look_in_roots(&look, path, "", TBLK_SHARED);
	join(path, root, DEPLOY);
	look_in_roots(&look, path, "", TBLK_DEPLOYED);
	tblk_homes(root, look_in_home, &look);
	look_in_shadows(&look);
	if (look.found > 0)
		return look.failed ? 1 : 0;
	shown_print(stderr,
		    "%s/Library/Application Support/Tunnelblick and the home directories in %s/Users have "
		    "nothing of Tunnelblick's; instead: portcullis import FILE.ovpn, or BUNDLE.tblk",
		    root, root);
	return 1;
}
