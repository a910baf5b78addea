/* The output of `portcullisd --settings` as a struct. */
#include "ctl/doctor/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/process/child.h"
#include "os/process/tool.h"

enum { OUTPUT_MAX = 128 * 1024 };

static const struct setting {
	const char *key, *fallback;
	size_t offset, size;
} table[] = {
#define FIELD(member)                                                                                        \
	offsetof(struct doctor_settings, member), sizeof(((struct doctor_settings *)NULL)->member)
    {"profile", "", FIELD(profile)},
    {"interface", PORTCULLIS_INTERFACE, FIELD(interface)},
    {"runtime-dir", PORTCULLIS_RUNDIR "/portcullis", FIELD(runtime_dir)},
    {"state-dir", PORTCULLIS_STATEDIR "/portcullis", FIELD(state_dir)},
    {"backend", "auto", FIELD(backend)},
    {"user", "_portcullis", FIELD(user)},
    {"openvpn-user", PORTCULLIS_OPENVPN_USER, FIELD(openvpn_user)},
    {"openvpn-group", "_openvpn", FIELD(openvpn_group)},
    {"lan", "false", FIELD(lan)},
    {"openvpn.binary", PORTCULLIS_OPENVPN, FIELD(openvpn_binary)},
    {"control.socket", PORTCULLIS_RUNDIR "/portcullis/control.sock", FIELD(control_socket)},
    {"dns.manage", "true", FIELD(manage_dns)},
    {"credentials.username", "", FIELD(username)},
    {"credentials.password-file", "", FIELD(password_file)},
    {"credentials.key", "", FIELD(key_file)},
    {"credentials.key-passphrase-file", "", FIELD(passphrase_file)},
    {"log.file", "/var/log/portcullis/portcullis.log", FIELD(log_file)},
};

void settings_default(struct doctor_settings *settings)
{
	memset(settings, 0, sizeof *settings);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		text_copy((char *)settings + table[i].offset, table[i].size, table[i].fallback);
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* text_escape, backwards. */
static bool unescape(char *to, size_t size, const char *from, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		int high = -1, low = -1;
		char byte = from[i];

		if (byte == '\\') {
			if (i + 3 < length && from[i + 1] == 'x') {
				high = digit(from[i + 2]);
				low = high != -1 ? digit(from[i + 3]) : -1;
			}
			byte = (char)(high * 16 + low);
			if (low == -1 || byte == '\0')
				return false;
			i += 3;
		}
		if (used + 1 >= size)
			return false;
		to[used++] = byte;
	}
	to[used] = '\0';
	return true;
}

/* One line `key = "value"`. A key that is not needed here is skipped. */
static bool parse_line(struct doctor_settings *settings, const char *line, size_t length)
{
	static const char between[] = " = \"";
	size_t key = 0;

	while (key < length && line[key] != ' ')
		key++;
	if (length < key + sizeof between || strncmp(line + key, between, sizeof between - 1) != 0 ||
	    line[length - 1] != '"')
		return false;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strlen(table[i].key) == key && strncmp(table[i].key, line, key) == 0)
			return unescape((char *)settings + table[i].offset, table[i].size,
					line + key + sizeof between - 1, length - key - sizeof between);
	}
	return true;
}

bool settings_read(struct doctor_settings *settings, const char *text)
{
	size_t length;

	settings->output[0] = '\0';
	for (; (length = strcspn(text, "\n")) > 0; text += length + 1) {
		if (text[length] == '\0' || !parse_line(settings, text, length))
			return false;
	}
	if (text[0] != '\n')
		return false;
	text_copy(settings->output, sizeof settings->output, text + 1);
	return true;
}

void settings_query(struct doctor_settings *settings, const char *config, int milliseconds)
{
	char path[PATH_MAX], *output = malloc(OUTPUT_MAX);
	const char *argv[] = {path, "--settings", config != NULL ? "-c" : NULL, config, NULL};
	struct err e = {""};
	int result;

	settings_default(settings);
	if (output == NULL)
		return;
	child_sibling("portcullisd", PORTCULLIS_LIBEXECDIR "/../sbin", path, sizeof path);
	result = tool_output_all(argv, NULL, milliseconds, output, OUTPUT_MAX, &e);
	settings->answered = settings_read(settings, output);
	settings->good = settings->answered && result == 0;
	if (!settings->answered) {
		settings_default(settings);
		text_copy(settings->output, sizeof settings->output, e.text);
	}
	free(output);
}
