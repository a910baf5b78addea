/* Tunnelblick's settings for a configuration, and what becomes of them here. Pure. */
#ifndef CTL_TUNNELBLICK_SETTINGS_H
#define CTL_TUNNELBLICK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum { TBLK_SETTINGS = 20, TBLK_VALUE_SIZE = 64, TBLK_LINE_SIZE = 256 };

/* Where a setting comes from. Of two the later one in this list counts, as in Tunnelblick. */
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
		int rank; /* 0: not set */
		enum tblk_source source;
		char value[TBLK_VALUE_SIZE];
	} entries[TBLK_SETTINGS];
};

/* Reads a key of a preferences file: "NAMEkey" or "*key". Others are ignored. */
void tblk_settings_read(struct tblk_settings *settings, enum tblk_source source, const char *key,
			const char *value);

/* Reads a key of an Info.plist. */
void tblk_settings_read_info(struct tblk_settings *settings, const char *key, const char *value);

/* The line of portcullis.conf for setting `i` (0 and up to TBLK_SETTINGS), or
 * a comment of one line; NULL: nothing to say. */
const char *tblk_settings_line(const struct tblk_settings *settings, size_t i, char line[TBLK_LINE_SIZE]);

bool tblk_settings_connects(const struct tblk_settings *settings);          /* by itself */
bool tblk_settings_connects_at_start(const struct tblk_settings *settings); /* of the machine */
/* Where that is set; valid only if it connects. */
enum tblk_source tblk_settings_connects_by(const struct tblk_settings *settings);

/* What is lost with a script of this name in a bundle; NULL: it is none. */
const char *tblk_script(const char *file);

#endif
