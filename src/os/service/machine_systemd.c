/* What `systemctl show` prints, judged: blocks of KEY=VALUE, an empty line between two units. */
#include "os/service/machine_systemd.h"

#include <stdio.h>
#include <string.h>

#include "os/service/machine_fact.h"

static const char *const early[] = {"sysinit.target", "network-pre.target", NULL};

/* The value of `key` in the block at `block`; its length in *length. NULL: not there. */
static const char *value_of(const char *block, const char *key, size_t *length)
{
	size_t name = strlen(key), line;

	for (; (line = strcspn(block, "\n")) > 0; block += line + (block[line] == '\n')) {
		if (line > name && strncmp(block, key, name) == 0 && block[name] == '=') {
			*length = line - name - 1;
			return block + name + 1;
		}
	}
	return NULL;
}

static bool is(const char *block, const char *key, const char *value)
{
	size_t length = 0;
	const char *found = value_of(block, key, &length);

	return found != NULL && length == strlen(value) && strncmp(found, value, length) == 0;
}

/* Is `word` among those of the value? */
static bool lists(const char *block, const char *key, const char *word)
{
	size_t length = 0;
	const char *found = value_of(block, key, &length);

	return found != NULL && machine_has_word(found, length, word);
}

static const char *next_block(const char *block)
{
	const char *gap = strstr(block, "\n\n");

	return gap != NULL ? gap + 2 : NULL;
}

static const char *unit(const char *shown, const char *name)
{
	while (shown != NULL && !is(shown, "Id", name))
		shown = next_block(shown);
	return shown;
}

static bool is_started_early(const char *lock)
{
	for (size_t i = 0; early[i] != NULL; i++) {
		if (lists(lock, "WantedBy", early[i]) || lists(lock, "RequiredBy", early[i]))
			return true;
	}
	return false;
}

/* Somebody's override of our units: it decides, and we have never tested it. */
static bool is_overridden(const char *block, const char *name, struct machine_fact *fact)
{
	char text[MACHINE_TEXT], instead[MACHINE_TEXT];
	size_t length = 0;
	const char *paths = value_of(block, "DropInPaths", &length);

	if (length == 0)
		return false;
	snprintf(text, sizeof text, "%s is changed by %.*s: its effect is not known", name, (int)length,
		 paths);
	snprintf(instead, sizeof instead, "systemctl cat %s; to undo the change: systemctl revert %s", name,
		 name);
	machine_set(fact, MACHINE_UNKNOWN, text, instead);
	return true;
}

void systemd_boot(const char *shown, struct machine_fact *fact)
{
	const char *lock = unit(shown, SYSTEMD_LOCK), *daemon = unit(shown, SYSTEMD_DAEMON);

	if (lock == NULL || daemon == NULL || !is(lock, "LoadState", "loaded") ||
	    !is(daemon, "LoadState", "loaded"))
		machine_set(fact, MACHINE_NO,
			    "systemd does not know " SYSTEMD_LOCK " or " SYSTEMD_DAEMON
			    ": this machine is open from power-on until somebody starts portcullisd",
			    "install both units, systemctl daemon-reload, systemctl enable " SYSTEMD_DAEMON);
	else if (!is_started_early(lock))
		machine_set(fact, MACHINE_NO,
			    "nothing starts " SYSTEMD_LOCK
			    " at boot: what starts early gets out in the clear",
			    "systemctl enable " SYSTEMD_LOCK " " SYSTEMD_DAEMON);
	else if (!lists(lock, "Before", "network-pre.target"))
		machine_set(fact, MACHINE_NO, SYSTEMD_LOCK " is not ordered before network-pre.target",
			    "systemctl edit " SYSTEMD_LOCK ", with Before=network-pre.target in [Unit]");
	else if (!is(daemon, "UnitFileState", "enabled"))
		machine_set(fact, MACHINE_NO,
			    SYSTEMD_DAEMON
			    " is not enabled: after a boot the machine is shut, and the VPN is not up",
			    "systemctl enable " SYSTEMD_DAEMON);
	else if (!is_overridden(lock, SYSTEMD_LOCK, fact) && !is_overridden(daemon, SYSTEMD_DAEMON, fact))
		machine_set(fact, MACHINE_YES,
			    "systemd locks before network-pre.target, and starts portcullisd", "");
}

static bool fits(const char *id, size_t length, const char *name)
{
	size_t wanted = strlen(name);

	if (wanted > 0 && name[wanted - 1] == '*')
		return length >= wanted - 1 && strncmp(id, name, wanted - 1) == 0;
	return length == wanted && strncmp(id, name, wanted) == 0;
}

bool systemd_runs(const char *shown, const char *name)
{
	size_t length = 0;

	for (; shown != NULL; shown = next_block(shown)) {
		const char *id = value_of(shown, "Id", &length);

		if (id != NULL && fits(id, length, name) &&
		    (is(shown, "ActiveState", "active") || is(shown, "ActiveState", "activating") ||
		     is(shown, "ActiveState", "reloading") || is(shown, "UnitFileState", "enabled")))
			return true;
	}
	return false;
}

/* Whatever folder of units it lies in. */
bool systemd_nftables_keeps(const char *shown)
{
	const char *block = unit(shown, SYSTEMD_NFTABLES);
	size_t left = 0, length, tail = strlen("/" SYSTEMD_NFTABLES_DROP_IN);
	const char *at = block != NULL ? value_of(block, "DropInPaths", &left) : NULL,
		   *end = at != NULL ? at + left : NULL;

	for (; at != NULL && at < end; at += length + 1) {
		length = strcspn(at, " \n");
		if (length > tail && strncmp(at + length - tail, "/" SYSTEMD_NFTABLES_DROP_IN, tail) == 0)
			return true;
	}
	return false;
}
