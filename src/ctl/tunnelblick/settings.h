/* What Tunnelblick was told about a configuration, and what becomes of it here. Pure. */
#ifndef CTL_TUNNELBLICK_SETTINGS_H
#define CTL_TUNNELBLICK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum { TBLK_SETTINGS = 20, TBLK_VALUE_SIZE = 64, TBLK_LINE_SIZE = 256 };

/* Where a setting stands; of two the later word here counts, as Tunnelblick has it. */
enum tblk_source {
	TBLK_ONCE,   /* TBPreference... in an Info.plist: unless the user chose */
	TBLK_USER,   /* net.tunnelblick.tunnelblick.plist */
	TBLK_ALWAYS, /* TBAlwaysSetPreference... in an Info.plist */
	TBLK_FORCED  /* forced-preferences.plist */
};

struct tblk_settings {
	const char *display; /* what Tunnelblick calls the configuration; the caller's */
	bool uninstalls;     /* TBUninstall: the bundle is there to remove it */
	struct {
		int rank; /* 0: not said */
		enum tblk_source source;
		char value[TBLK_VALUE_SIZE];
	} said[TBLK_SETTINGS];
};

/* Takes a key of a preferences file: "NAMEkey" or "*key". Others are ignored. */
void tblk_settings_take(struct tblk_settings *settings, enum tblk_source source, const char *key,
			const char *value);

/* Takes a key of an Info.plist. */
void tblk_settings_take_info(struct tblk_settings *settings, const char *key, const char *value);

/* The line of portcullis.conf for setting `i` (0 and up to TBLK_SETTINGS), or
 * a comment of one line; NULL: nothing to say. */
const char *tblk_settings_line(const struct tblk_settings *settings, size_t i, char line[TBLK_LINE_SIZE]);

bool tblk_settings_connects(const struct tblk_settings *settings);          /* by itself */
bool tblk_settings_connects_at_start(const struct tblk_settings *settings); /* of the machine */
/* Who said so; only if it does. */
enum tblk_source tblk_settings_connects_by(const struct tblk_settings *settings);

/* What is lost with a script of this name in a bundle; NULL: it is none. */
const char *tblk_script(const char *file);

#endif
