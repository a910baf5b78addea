/* What an option sets for Portcullis: a number in the head of the canonical form. */
#ifndef PROFILE_SETTINGS_H
#define PROFILE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/buffer.h"

/* Each is a `set` line of base/canonical.h, in this order. */
enum profile_setting {
	SETTING_CONNECT_TIMEOUT,
	SETTING_DEAD_PEER,
	SETTING_HAND_WINDOW,
	SETTING_REMOTE_RANDOM,
	SETTING_SERVER_POLL_TIMEOUT,
	PROFILE_SETTINGS
};

/* By enum profile_setting; 0: not set. */
struct profile_settings {
	uint32_t value[PROFILE_SETTINGS];
};

/* What a line with this option sets, if anything; its arguments have been checked. False: not what it says,
 * but *value, the nearest within bounds; or 0, if it says 0, which sets nothing. */
bool profile_settings_read(struct profile_settings *settings, const char *option, char *const *arguments,
			   size_t count, uint32_t *value);
/* The `set` lines. */
void profile_settings_print(const struct profile_settings *settings, struct buffer *to);

#endif
