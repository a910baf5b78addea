/* Fuzz target: any names as those of the files in a bundle. The first line is its path; each
 * other line has a kind (f, d, l or o) and a path in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/tunnelblick/bundle.h"
#include "ctl/tunnelblick/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { ITEMS = 128 };

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_words(const char *text)
{
	char out[512], small[8];

	require(shown_is_plain(shown(out, sizeof out, text)) || strlen(out) == sizeof out - 1);
	shown(small, sizeof small, text);
	if (shown_word(out, sizeof out, text) != NULL)
		require(shown_is_plain(out) && strchr(out, '\n') == NULL);
}

static void check_list(const struct tblk_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct tblk *one = &list->all[i];

		require(text_is_name(one->name, TBLK_NAME_SIZE - 1) && one->name[0] != '.');
		require(one->inner < strlen(one->path) && tblk_is_configuration(one->path));
		for (size_t j = 0; j < i; j++)
			require(strcmp(list->all[j].name, one->name) != 0);
	}
}

static void check_place(const char *path)
{
	struct tblk_place place;
	char file[128];

	tblk_place(path, &place);
	require(place.kind == TBLK_ELSEWHERE || strncmp(path, place.root, strlen(place.root)) == 0);
	if (tblk_launch_daemon(place.display, file, sizeof file) == 0)
		require(strchr(file, '/') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct tblk all[TBLK_MAX];
	struct tblk_list list = {all, 0};
	struct folder_item items[ITEMS];
	struct folder_list found = {items, 0};
	struct err e = {""};
	char *text = malloc(length + 1), *line, *rest;

	require(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	rest = text;
	line = strsep(&rest, "\n");
	for (char *next; found.count < ITEMS && (next = strsep(&rest, "\n")) != NULL;) {
		if (next[0] == '\0')
			continue;
		items[found.count].kind = next[0] == 'f'   ? FOLDER_FILE
					  : next[0] == 'd' ? FOLDER_FOLDER
					  : next[0] == 'l' ? FOLDER_LINK
							   : FOLDER_OTHER;
		items[found.count++].path = next + 1;
		check_words(next);
		tblk_script(next);
	}
	check_words(line);
	check_place(line);
	if (tblk_choose(&found, line, &list, &e) == 0) {
		require(list.count > 0);
		check_list(&list);
	} else {
		require(e.text[0] != '\0');
	}
	free(text);
	return 0;
}
