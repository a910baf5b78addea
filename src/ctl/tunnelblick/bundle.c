/* Tunnelblick's bundles: which files in one are configurations, and what they are
 * called. It follows what Tunnelblick itself does when it installs one. */
#include "ctl/tunnelblick/bundle.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/shown.h"
#include "base/text.h"

enum { SHOWN_SIZE = 300, SUFFIX_ROOM = 4 };

static const char resources[] = "Contents/Resources/";

static bool ends_in(const char *text, size_t length, const char *end)
{
	size_t tail = strlen(end);

	return length > tail && strncasecmp(text + length - tail, end, tail) == 0;
}

bool tblk_is_bundle(const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return ends_in(path, length, ".tblk");
}

bool tblk_is_configuration(const char *path)
{
	return ends_in(path, strlen(path), ".ovpn") || ends_in(path, strlen(path), ".conf");
}

/* How many bytes of `path` name a bundle inside the bundle; 0: none. */
static size_t inner_of(const char *path)
{
	for (const char *at = path;; at++) {
		size_t length = (size_t)(at - path);

		if ((*at == '/' || *at == '\0') && ends_in(path, length, ".tblk"))
			return length;
		if (*at == '\0')
			return 0;
	}
}

/* Is there an .ovpn with the name of this .conf? Then only the .ovpn counts. */
static bool is_outdone(const struct folder_list *found, const char *path)
{
	size_t stem = strlen(path) - 5;

	if (!ends_in(path, strlen(path), ".conf"))
		return false;
	for (size_t i = 0; i < found->count; i++) {
		const char *other = found->items[i].path;

		if (found->items[i].kind == FOLDER_FILE && strlen(other) == stem + 5 &&
		    memcmp(other, path, stem) == 0 && ends_in(other, stem + 5, ".ovpn"))
			return true;
	}
	return false;
}

/* "Contents/Resources/Work/a.ovpn", of which `length` bytes count: "Work/a". */
static void display_of(const char *path, size_t length, char *display)
{
	size_t skip = strncmp(path, resources, sizeof resources - 1) == 0 ? sizeof resources - 1 : 0;

	memcpy(display, path + skip, length - skip - 5);
	display[length - skip - 5] = '\0';
}

/* The last part of a path, without its extension. */
static void stem_of(const char *path, char *stem)
{
	size_t end = strlen(path), begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
		;
	end -= ends_in(path, end, ".tblk") ? 5 : 0;
	if (end - begin >= TBLK_PATH_SIZE)
		end = begin + TBLK_PATH_SIZE - 1;
	memcpy(stem, path + begin, end - begin);
	stem[end - begin] = '\0';
}

void tblk_name(const char *display, char *name)
{
	size_t used = 0;

	for (; *display != '\0' && used < TBLK_NAME_SIZE - 1 - SUFFIX_ROOM; display++) {
		bool taken = isalnum((unsigned char)*display) || strchr("._-", *display) != NULL;

		/* No name begins with '.' or '-', and one '-' stands for all that can't be in it. */
		if (taken ? used > 0 || isalnum((unsigned char)*display) : used > 0 && name[used - 1] != '-')
			name[used++] = taken ? *display : '-';
	}
	while (used > 0 && name[used - 1] == '-')
		used--;
	name[used] = '\0';
	if (used == 0)
		text_copy(name, TBLK_NAME_SIZE, "tunnelblick");
}

static bool is_taken(const struct tblk_list *list, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++) {
		if (strcasecmp(list->all[i].name, name) == 0)
			return true;
	}
	return false;
}

static void make_names_differ(struct tblk_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char *name = list->all[i].name;
		size_t length;

		tblk_name(list->all[i].display, name);
		length = strlen(name);
		for (int number = 2; is_taken(list, i, name); number++) {
			size_t used = length;

			text_append(name, TBLK_NAME_SIZE, &used, "-%d", number);
		}
	}
}

static int add_configuration(struct tblk_list *list, const char *path, size_t inner, struct err *e)
{
	char name[SHOWN_SIZE];

	if (list->count == TBLK_MAX)
		return err_set(e, "more than %d configurations; instead: put fewer in one bundle", TBLK_MAX);
	if (strlen(path) >= TBLK_PATH_SIZE)
		return err_set(e, "a path in it is too long");
	for (size_t i = 0; inner > 0 && i < list->count; i++) {
		if (list->all[i].inner == inner && strncmp(list->all[i].path, path, inner) == 0) {
			memcpy(list->all[i].display, path, inner);
			list->all[i].display[inner] = '\0';
			return err_set(e,
				       "%s: more than one configuration in a bundle inside the bundle; "
				       "instead: import it by itself",
				       shown(name, sizeof name, list->all[i].display));
		}
	}
	text_copy(list->all[list->count].path, TBLK_PATH_SIZE, path);
	list->all[list->count].inner = inner;
	display_of(path, inner > 0 ? inner : strlen(path), list->all[list->count].display);
	list->count++;
	return 0;
}

/* No configuration was found; perhaps something that only looks like one. */
static int refuse_none(const struct folder_list *found, struct err *e)
{
	char name[SHOWN_SIZE];

	for (size_t i = 0; i < found->count; i++) {
		if (!tblk_is_configuration(found->items[i].path))
			continue;
		shown(name, sizeof name, found->items[i].path);
		if (found->items[i].kind == FOLDER_LINK)
			return err_set(e,
				       "%s: a link, and links are not followed; instead: put the file itself "
				       "in its place",
				       name);
		if (found->items[i].kind != FOLDER_FOLDER)
			return err_set(e, "%s: not a regular file; instead: the configuration as a file",
				       name);
	}
	return err_set(e, "it has no configuration (.ovpn or .conf); instead: import the bundle as it was "
			  "downloaded, or the .ovpn itself");
}

int tblk_choose(const struct folder_list *found, const char *bundle, struct tblk_list *list, struct err *e)
{
	size_t outer = 0;

	list->count = 0;
	for (size_t i = 0; i < found->count; i++) {
		const char *path = found->items[i].path;
		size_t inner = inner_of(path);
		char name[SHOWN_SIZE];

		if (inner > 0 && path[inner] == '/' && inner_of(path + inner + 1) > 0)
			return err_set(e,
				       "%s: a bundle in a bundle in a bundle; instead: import it by itself",
				       shown(name, sizeof name, path));
		if (found->items[i].kind != FOLDER_FILE || !tblk_is_configuration(path) ||
		    is_outdone(found, path))
			continue;
		if (add_configuration(list, path, inner, e) == -1)
			return -1;
		outer += inner == 0;
	}
	if (list->count == 0)
		return refuse_none(found, e);
	/* A single configuration has the bundle's name; that of its file means nothing. */
	for (size_t i = 0; outer == 1 && i < list->count; i++) {
		if (list->all[i].inner == 0)
			stem_of(bundle, list->all[i].display);
	}
	make_names_differ(list);
	return 0;
}
