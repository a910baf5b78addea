/* Every key of portcullis.conf, once; for the files of this room only. */
#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "config/config_change.h"

enum { CONFIG_KEYS = 37 }; /* the table of config_keys.c has so many */

/* A file that is being read. */
struct reading {
	struct config *config;
	const char *name, *directory;
	int lines[CONFIG_KEYS]; /* of each key; 0: not given */
	struct err e;
};

struct key {
	const char *name;     /* "key", or "section.key" */
	const char *fallback; /* NULL: a list, or follows from another key */
	/* Checks one value and sets the field. 0, or -1 and r->e = "what; instead: ..." */
	int (*read)(struct reading *r, const struct key *key, const char *value);
	/* Appends the value in effect. */
	void (*put)(const struct config *config, const struct key *key, char *to, size_t size);
	size_t offset, size; /* of the field in struct config; of a list: of its count */
	bool list;           /* each element is read by itself */
	enum config_change change;
};

extern const struct key config_keys[CONFIG_KEYS];

/* The part of the name after the dot, or all of it. *length becomes the length of the section's name; 0:
 * none. */
const char *config_key_last(const struct key *key, size_t *length);

#endif
