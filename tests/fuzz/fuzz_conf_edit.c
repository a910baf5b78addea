/* Any text as portcullis.conf: with a key set, libConfuse reads its new value; other keys are unchanged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/conf_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int read_text(struct config *config, char *text)
{
	size_t length = strlen(text);
	FILE *stream = length == 0 ? fopen("/dev/null", "r") : fmemopen(text, length, "r");
	int result = stream == NULL ? -1 : config_read_stream(config, stream, "p.conf", "/d", NULL);

	if (stream != NULL)
		fclose(stream);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct config before, after;
	char *text = malloc(length + 1), *edited;
	struct err e = {""};

	if (text == NULL)
		return 0;
	memcpy(text, bytes, length);
	text[length] = '\0';
	edited = conf_edit(text, "profile", "/new/one.ovpn", &e);
	if ((edited == NULL) != (e.text[0] != '\0'))
		abort();
	/* Refused is fine: then nothing is written. So is what libConfuse refuses: the daemon's check
	 * finds it and the old file comes back. */
	if (edited != NULL && read_text(&before, text) == 0 && read_text(&after, edited) == 0) {
		if (strcmp(after.profile, "/new/one.ovpn") != 0)
			abort();
		memset(before.profile, 0, sizeof before.profile);
		memset(after.profile, 0, sizeof after.profile);
		before.lines.profile = after.lines.profile = 0;
		before.lines.openvpn_binary = after.lines.openvpn_binary = 0;
		before.lines.password_file = after.lines.password_file = 0;
		if (memcmp(&before, &after, sizeof before) != 0)
			abort();
	}
	free(edited);
	free(text);
	return 0;
}
