/* Any bytes at the check of the canonical form. What it accepts is read here a second
 * time, in the simplest way, and must not contain what the check must stop. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* A line outside a block: a name, blanks only before quotation marks. */
static void check_line(const char *line, size_t length)
{
	static const char *const never[] = {"plugin",     "engine", "up", "setenv",
					    "config",     "remote", "ca", "key",
					    "management", "log",    "cd", "script-security"};
	size_t name = 0;
	int quoted = 0;

	while (name < length && ((line[name] >= 'a' && line[name] <= 'z') ||
				 (name > 0 && line[name] == '-') || (line[name] >= '0' && line[name] <= '9')))
		name++;
	require(name > 0 && (name == length || line[name] == ' '));
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		require(strlen(never[i]) != name || memcmp(never[i], line, name) != 0);
	for (size_t i = name; i < length; i++) {
		require(line[i] >= 0x20 && line[i] <= 0x7e);
		if (line[i] == '\\')
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
		else
			require(quoted || (line[i] == ' ' && i + 1 < length && line[i + 1] == '"'));
	}
	require(!quoted);
}

static void check_body(const char *at, const char *end)
{
	int block = 0;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		require(stop != NULL);
		if (at[0] == '<')
			block = at[1] != '/';
		else if (block)
			require(memchr(at, '<', (size_t)(stop - at)) == NULL &&
				memchr(at, '"', (size_t)(stop - at)) == NULL);
		else
			check_line(at, (size_t)(stop - at));
		at = stop + 1;
	}
	require(!block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct canonical_remote remote;
	struct err e = {""};
	size_t at = 0, remotes = 0;

	if (canonical_check(text, size, &e) == -1) {
		require(e.text[0] != '\0');
		return 0;
	}
	while (canonical_next_remote(text, size, &at, &remote)) {
		require(remote.port != 0 && (remote.proto == NET_UDP || remote.proto == NET_TCP));
		for (size_t i = 0; i < remote.address_count; i++)
			require(net_address_is_dialable(&remote.addresses[i]));
		remotes++;
	}
	require(remotes > 0);
	require(canonical_needs(text, size) >= 0 && canonical_needs(text, size) <= 3);
	check_body(canonical_body(text, size), text + size);
	return 0;
}
