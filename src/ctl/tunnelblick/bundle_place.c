/* Which of Tunnelblick's folders a bundle is in, judged by its path. */
#include <string.h>

#include "base/text.h"
#include "ctl/tunnelblick/bundle.h"

static const char private_part[] = "/Library/Application Support/Tunnelblick/Configurations/";
static const char shared_part[] = "/Library/Application Support/Tunnelblick/Shared/";
static const char shadow_part[] = "/Library/Application Support/Tunnelblick/Users/";
static const char deployed_part[] = "/Applications/Tunnelblick.app/Contents/Resources/Deploy/";

/* Copies what is before the last `part` in `path` to `before`, and returns what is
 * after it. NULL: `path` does not contain it. */
static const char *split(const char *path, const char *part, char *before)
{
	const char *found = NULL;

	for (const char *at = path; (at = strstr(at, part)) != NULL; at++)
		found = at;
	if (found == NULL || found - path >= TBLK_PATH_SIZE)
		return NULL;
	memcpy(before, path, (size_t)(found - path));
	before[found - path] = '\0';
	return found + strlen(part);
}

/* "Work/Home.tblk": "Work/Home". */
static void set_display(struct tblk_place *place, const char *rest)
{
	size_t length = strlen(rest);

	while (length > 0 && rest[length - 1] == '/')
		length--;
	length -= length > 5 ? 5 : length;
	if (length >= sizeof place->display)
		length = sizeof place->display - 1;
	memcpy(place->display, rest, length);
	place->display[length] = '\0';
}

/* HOME of "ROOT/Users/NAME": ROOT. */
static void root_of_home(struct tblk_place *place)
{
	char *slash;

	text_copy(place->root, sizeof place->root, place->home);
	for (int i = 0; i < 2 && (slash = strrchr(place->root, '/')) != NULL; i++)
		*slash = '\0';
}

static bool is_shadow(const char *path, struct tblk_place *place)
{
	const char *rest = split(path, shadow_part, place->root);
	const char *slash = rest != NULL ? strchr(rest, '/') : NULL;
	size_t used = 0;

	if (slash == NULL || text_append(place->home, sizeof place->home, &used, "%s/Users/%.*s", place->root,
					 (int)(slash - rest), rest) == -1)
		return false;
	set_display(place, slash + 1);
	return true;
}

void tblk_place(const char *path, struct tblk_place *place)
{
	const char *rest;

	*place = (struct tblk_place){.kind = TBLK_ELSEWHERE};
	if ((rest = split(path, shared_part, place->root)) != NULL) {
		place->kind = TBLK_SHARED;
		set_display(place, rest);
	} else if ((rest = split(path, deployed_part, place->root)) != NULL) {
		place->kind = TBLK_DEPLOYED;
		set_display(place, rest);
	} else if ((rest = split(path, private_part, place->home)) != NULL) {
		place->kind = TBLK_PRIVATE;
		root_of_home(place);
		set_display(place, rest);
	} else if (is_shadow(path, place)) {
		place->kind = TBLK_SHADOW;
	} else {
		*place = (struct tblk_place){.kind = TBLK_ELSEWHERE};
	}
}

int tblk_launch_daemon(const char *display, char *file, size_t size)
{
	size_t used = 0;
	int cut = text_append(file, size, &used, "net.tunnelblick.tunnelblick.startup.");

	for (; *display != '\0' && cut == 0; display++) {
		const char *as = *display == '-'   ? "--"
				 : *display == '.' ? "-D"
				 : *display == '/' ? "-S"
						   : NULL;

		cut = as != NULL ? text_append(file, size, &used, "%s", as)
				 : text_append(file, size, &used, "%c", *display);
	}
	return cut == 0 ? text_append(file, size, &used, ".plist") : -1;
}
