/* What an option sets for Portcullis: a number in the head of the canonical form. */
#include "profile/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 3600 };

/* Names and bounds, in the order of the canonical form. */
static const struct {
	const char *name;
	uint32_t min, max;
} names[PROFILE_SETTINGS] = {
    [SETTING_CONNECT_TIMEOUT] = {"connect-timeout", 1, LONGEST},
    [SETTING_DEAD_PEER] = {"dead-peer", 10, 120},
    [SETTING_HAND_WINDOW] = {"hand-window", 1, LONGEST},
    [SETTING_REMOTE_RANDOM] = {"remote-random", 1, LONGEST},
    [SETTING_SERVER_POLL_TIMEOUT] = {"server-poll-timeout", 1, LONGEST},
};

/* Which argument of which option; SIZE_MAX: it has none, and sets 1. */
static const struct {
	const char *option;
	enum profile_setting setting;
	size_t argument;
} options[] = {
    {"connect-timeout", SETTING_CONNECT_TIMEOUT, 0},
    {"hand-window", SETTING_HAND_WINDOW, 0},
    {"keepalive", SETTING_DEAD_PEER, 1},
    {"ping-exit", SETTING_DEAD_PEER, 0},
    {"ping-restart", SETTING_DEAD_PEER, 0},
    {"remote-random", SETTING_REMOTE_RANDOM, SIZE_MAX},
    {"server-poll-timeout", SETTING_SERVER_POLL_TIMEOUT, 0},
};

static uint32_t bounded(enum profile_setting setting, unsigned long number)
{
	if (number == 0)
		return 0;
	return number < names[setting].min   ? names[setting].min
	       : number > names[setting].max ? names[setting].max
					     : (uint32_t)number;
}

bool profile_settings_read(struct profile_settings *settings, const char *option, char *const *arguments,
			   size_t count, uint32_t *value)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		unsigned long number;

		if (strcmp(options[i].option, option) != 0)
			continue;
		number = options[i].argument < count ? strtoul(arguments[options[i].argument], NULL, 10) : 1;
		*value = settings->value[options[i].setting] = bounded(options[i].setting, number);
		return number != 0 && number == *value;
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
