/* Fuzz target: any bytes as a property list, and its values as settings. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/tunnelblick/plist.h"
#include "ctl/tunnelblick/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void hear(const char *key, const char *value, void *argument)
{
	require(strlen(key) < PLIST_TEXT_SIZE && strlen(value) < PLIST_TEXT_SIZE);
	for (enum tblk_source source = TBLK_ONCE; source <= TBLK_FORCED; source++)
		tblk_settings_read(argument, source, key, value);
	tblk_settings_read_info(argument, key, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct tblk_settings settings = {.display = "Work"};
	struct err e = {""};
	char line[TBLK_LINE_SIZE];
	/* Exactly as long as it is, so that a byte too many is seen. */
	char *copy = malloc(length > 0 ? length : 1);

	require(copy != NULL);
	memcpy(copy, bytes, length);
	/* A refusal always says why. */
	require((plist_read(copy, length, hear, &settings, &e) == -1) == (e.text[0] != '\0'));
	free(copy);
	for (size_t i = 0; i < TBLK_SETTINGS + 1; i++) {
		if (tblk_settings_line(&settings, i, line) == NULL)
			continue;
		/* Nothing but a comment or this one setting goes into portcullis.conf. */
		require(line[0] == '#' || strncmp(line, "dns { manage = ", 15) == 0);
		for (const char *at = line; *at != '\0'; at++)
			require(*at >= 0x20 && *at <= 0x7e);
	}
	require(!tblk_settings_connects_at_start(&settings) || tblk_settings_connects(&settings));
	return 0;
}
