/* The names in the profile: what is known of them, and when the resolver is asked again. Pure. */
#ifndef DRIVER_NAMES_KNOWN_H
#define DRIVER_NAMES_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/canonical.h"
#include "base/wire_channel.h"

enum {
	NAMES_PATIENCE = 15000,         /* ms: the gate answers sooner */
	NAMES_RECENT = 600000,          /* what was answered in the last so many ms need not be asked again */
	NAMES_AGAIN = 60000,            /* ms between two askings while shut, */
	NAMES_AGAIN_MAX = 960000,       /* doubled up to this while nothing is answered */
	NAMES_AFTER_OPEN = 5000,        /* ms after the gate has opened, */
	NAMES_WHILE_OPEN = 86400 * 1000 /* and then so often */
};

struct names {
	struct wire_name list[WIRE_NAMES];
	size_t count;
	bool asking;       /* no NOTE_ASKED yet */
	bool changed;      /* there is something new since a remote was picked */
	uint64_t asked_at; /* ms; 0 never */
	uint32_t in_vain;  /* askings in a row without an answer */
	char why[WIRE_TEXT];
};

/* NOTE_NAME. */
void names_store(struct names *names, const struct wire_name *name);

/* NOTE_ASKED; `why` is "" if it was answered. */
void names_answered(struct names *names, const char *why);

/* Is it time to ask before the next attempt? */
bool names_are_due(const struct names *names, uint64_t now);
void names_ask(struct names *names, uint64_t now);

/* Is an answer on its way? And has there been one lately? */
bool names_are_awaited(const struct names *names, uint64_t now);
bool names_are_recent(const struct names *names, uint64_t now);

/* Puts the remote's addresses in the order in which they are dialled: fresh ones, those that were good, those
 * of the import; each once. */
void names_add(const struct names *names, struct canonical_remote *remote);

#endif
