/* What an option sets for Portcullis: a number in the head of the canonical form. */
#include "profile/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 3600 };

/* In the order of the canonical form. */
static const struct {
	const char *name; /* of the option, and of the setting */
	bool flag;        /* without a number: 1 */
} names[PROFILE_SETTINGS] = {
    [SETTING_CONNECT_TIMEOUT] = {"connect-timeout", false},
    [SETTING_HAND_WINDOW] = {"hand-window", false},
    [SETTING_REMOTE_RANDOM] = {"remote-random", true},
    [SETTING_SERVER_POLL_TIMEOUT] = {"server-poll-timeout", false},
};

bool profile_settings_read(struct profile_settings *settings, const char *option, char *const *arguments,
			   size_t count)
{
	for (size_t i = 0; i < PROFILE_SETTINGS; i++) {
		unsigned long number;

		if (strcmp(names[i].name, option) != 0)
			continue;
		number = names[i].flag || count == 0 ? 1 : strtoul(arguments[0], NULL, 10);
		settings->value[i] = number > LONGEST ? LONGEST : (uint32_t)number;
		return number != 0;
	}
	return true;
}

void profile_settings_print(const struct profile_settings *settings, struct buffer *to)
{
	char line[64];

	for (size_t i = 0; i < PROFILE_SETTINGS; i++) {
		if (settings->value[i] == 0)
			continue;
		snprintf(line, sizeof line, "set %s %u\n", names[i].name, settings->value[i]);
		buffer_text(to, line);
	}
}
