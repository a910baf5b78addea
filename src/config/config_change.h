/* What a reload finds changed in portcullis.conf, and what it takes for that to hold. */
#ifndef CONFIG_CONFIG_CHANGE_H
#define CONFIG_CONFIG_CHANGE_H

#include "config/config.h"

/* What it takes for another value of a key to hold. */
enum config_change {
	CONFIG_RESTART, /* portcullisd's */
	CONFIG_LIVE,
	CONFIG_NEXT_ATTEMPT, /* whoever dials reads it before it dials again */
	CONFIG_REDIAL        /* openvpn has been started with it */
};

/* The names of the keys of that kind of which `fresh` has another value, separated by ", "; "": none. */
void config_changed(const struct config *now, const struct config *fresh, enum config_change change,
		    char *names, size_t size);

#endif
