/* Network services of macOS as text: what networksetup(8) says, and our own note of it. Pure. */
#ifndef OS_SERVICE_STRICT_BOOT_LIST_H
#define OS_SERVICE_STRICT_BOOT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SERVICES_MAX = 64, SERVICE_NAME_SIZE = 128, SERVICES_TEXT_SIZE = SERVICES_MAX * SERVICE_NAME_SIZE };

struct network_services {
	size_t count;
	struct network_service {
		char name[SERVICE_NAME_SIZE];
		bool on;
	} list[SERVICES_MAX];
};

/* The answer of `networksetup -listallnetworkservices`: a line that explains
 * the asterisk, then a name a line, those that are off after an asterisk. 0,
 * or -1 and `e` if it is anything else. */
int services_parse_listing(const char *text, struct network_services *services, struct err *e);

/* Our note: a name a line, all on. What is no name is an error. */
int services_parse_note(const char *text, struct network_services *services, struct err *e);

/* The note of those that are on; `to` has SERVICES_TEXT_SIZE bytes. */
void services_print_note(const struct network_services *services, char *to);

/* NULL if there is none of that name. */
struct network_service *services_find(struct network_services *services, const char *name);

/* Those of `note` that are in `services` are on there. */
void services_mark(struct network_services *services, const struct network_services *note);

#endif
