/* `portcullis import`: a user's profile becomes one of root's. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/shown.h"
#include "base/text.h"
#include "ctl/profile/check.h"
#include "ctl/profile/import.h"
#include "ctl/profile/owner.h"
#include "ctl/profile/resolve.h"
#include "ctl/profile/store.h"
#include "ctl/tunnelblick/bundle.h"
#include "ctl/tunnelblick/import.h"

enum { DEADLINE_S = 120, SHOWN_SIZE = 512 };

struct wanted {
	const char *file;
	struct place place;
};

/* In the child, which has only the rights of the user who could have changed the file. */
static int read_profile(int output, void *argument, struct err *e)
{
	const struct wanted *wanted = argument;
	struct profile *profile = profile_place_parse(wanted->file, &wanted->place, e);
	char *text = NULL;
	size_t length = 0;

	if (profile == NULL || profile_resolve(profile, e) == -1)
		return -1;
	if ((text = profile_print(profile, &length)) == NULL)
		return err_set(e, "no memory");
	return io_write_all(output, text, length) == 0 ? 0 : err_set(e, "the profile can't be handed on");
}

/* NAME.ovpn; if no name is given, the file's own. */
static int choose_name(const char *file, const char *name, char *to, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char base[PROFILE_NAME_MAX + sizeof ".ovpn"];
	char *dot;

	if (name != NULL)
		return profile_store_name(name, to, e);
	text_copy(base, sizeof base, slash != NULL ? slash + 1 : file);
	if ((dot = strrchr(base, '.')) != NULL && dot != base)
		*dot = '\0';
	return profile_store_name(base, to, e);
}

static int import_file(const char *file, const char *name, const char *directory, struct err *e)
{
	struct wanted wanted = {.file = file};
	char stored[PROFILE_FILE_SIZE], label[SHOWN_SIZE], *bytes;
	size_t length;
	int result = -1;

	if (choose_name(file, name, stored, e) == -1)
		return -1;
	if (place_find(file, &wanted.place, e) == -1)
		return -1;
	bytes =
	    owner_run(wanted.place.owner, DEADLINE_S, read_profile, &wanted, PROFILE_STORED_MAX, &length, e);
	if (bytes != NULL)
		result = profile_store(shown(label, sizeof label, file), bytes, length, directory, stored, e);
	free(bytes);
	return result;
}

/* Why a file with this name can't be a profile, and what to do instead. NULL: it may be one. */
static const char *refusal(const char *file)
{
	static const struct {
		const char *end, *instead;
	} kinds[] = {
	    {".zip", "an archive; instead: unpack it, and import the .tblk or .ovpn in it"},
	    {".gz", "an archive; instead: unpack it, and import the .tblk or .ovpn in it"},
	    {".tgz", "an archive; instead: unpack it, and import the .tblk or .ovpn in it"},
	    {".visz", "Viscosity's archive; instead: unpack it (tar -xzf), and import the config.conf in it"},
	};
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t tail = strlen(kinds[i].end);

		if (length > tail && strcasecmp(file + length - tail, kinds[i].end) == 0)
			return kinds[i].instead;
	}
	return NULL;
}

int import_profile_to(const char *file, const char *name, const char *directory)
{
	char label[SHOWN_SIZE];
	struct err e = {""};
	struct stat status;
	bool there = stat(file, &status) == 0, folder = there && S_ISDIR(status.st_mode);
	int result = -1;

	shown(label, sizeof label, file);
	if (geteuid() != 0)
		err_set(&e, "import writes files that root uses; instead: sudo portcullis import %s", label);
	else if (!folder && refusal(file) != NULL)
		err_set(&e, "%s: %s", label, refusal(file));
	else if (!folder && tblk_is_bundle(file) && there)
		err_set(
		    &e,
		    "%s: a bundle is a directory, and this is not; instead: unpack it if it is an archive",
		    label);
	else
		result =
		    folder ? tblk_import(file, name, directory, &e) : import_file(file, name, directory, &e);
	if (e.text[0] != '\0')
		shown_print(stderr, "%s", e.text);
	return result == 0 ? 0 : 1;
}

int import_profile(const char *file, const char *name)
{
	return import_profile_to(file, name, PORTCULLIS_SYSCONFDIR "/portcullis/profiles");
}
