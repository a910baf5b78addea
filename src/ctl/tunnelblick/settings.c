/* Tunnelblick's settings for a configuration, and what becomes of them here.
 * The keys are those of Tunnelblick's defines.h, CONFIGURATIONS_PREFERENCES_NSARRAY. */
#include "ctl/tunnelblick/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { AUTO_CONNECT, ON_SYSTEM_START };

/* What to print if the setting is on, and if it is off; NULL: nothing. "%s" is the value. */
static const struct {
	const char *key, *on, *off;
} table[] = {
    [AUTO_CONNECT] = {"autoConnect", "# connects by itself: Portcullis always does, before anybody logs in",
		      NULL},
    [ON_SYSTEM_START] = {"-onSystemStart", NULL, NULL},
    {"useDNS", "dns { manage = true }", "dns { manage = false }"},
    {"-keepConnected", "# keep connected: Portcullis always does", NULL},
    {"-doNotReconnectOnWakeFromSleep",
     "# stay down after sleep: dropped, as Portcullis reconnects by itself; instead: portcullis down", NULL},
    {"-routeAllTrafficThroughVpn", "# all traffic through the VPN: Portcullis lets no other out", NULL},
    {"-disableNetworkAccessAfterDisconnect",
     "# no network after a disconnect: the gate is shut whenever the tunnel is not up", NULL},
    {"-disableNetworkAccessAfterUnexpectedDisconnect",
     "# no network after an unexpected disconnect: the gate is shut whenever the tunnel is not up", NULL},
    {"-doNotDisableIpv6onTun", "# IPv6 stays on: outside the tunnel Portcullis stops it like IPv4",
     "# IPv6 off: outside the tunnel Portcullis stops it like IPv4"},
    {"-notOKToCheckThatIPAddressDidNotChangeAfterConnection",
     "# no check of the public address: Portcullis never looks it up", NULL},
    {"-openvpnVersion", "# OpenVPN %s: dropped; Portcullis runs the one that openvpn { binary = } names",
     NULL},
    {"-loggingLevel", "# logging level %s: dropped; instead: log { level = }", NULL},
    {"-useUpInsteadOfRouteUp", "# when its up script runs: dropped; scripts are never run", NULL},
    {"-useDownRootPlugin", "# openvpn-down-root: dropped; plugins and scripts are never run", NULL},
    {"-keychainHasUsernameAndPassword",
     "# the user name and password stay in that user's Keychain; instead: credentials { }", NULL},
    {"-keychainHasPrivateKey",
     "# the key's passphrase stays in that user's Keychain; instead: credentials { }", NULL},
    {"-disableSecondaryNetworkServices",
     "# other network services off: Portcullis lets nothing out by any of them", NULL},
};
_Static_assert(sizeof table / sizeof *table <= TBLK_SETTINGS, "each has its place");

/* As Tunnelblick's boolValue: digits that are not 0, or Y, y, T, t. */
static bool is_on(const char *value)
{
	return value[0] != '\0' && (strchr("YyTt", value[0]) != NULL || strtol(value, NULL, 10) != 0);
}

/* Does `pattern` name the setting `key` of `display`? 2: itself; 1: by "*"; 0: no. */
static int fits(const char *pattern, const char *display, const char *key)
{
	size_t name = strlen(display), tail = strlen(key), length;

	if (strncmp(pattern, display, name) == 0 && strcmp(pattern + name, key) == 0)
		return 2;
	if (pattern[0] != '*' || pattern[1] == '\0')
		return 0;
	/* What follows the '*' must be the end of "NAMEkey". */
	length = strlen(++pattern);
	if (length <= tail)
		return strcmp(key + tail - length, pattern) == 0;
	return length <= name + tail && strcmp(pattern + length - tail, key) == 0 &&
	       strncmp(display + name + tail - length, pattern, length - tail) == 0;
}

static void store_setting(struct tblk_settings *settings, size_t i, enum tblk_source source, int fit,
			  const char *value)
{
	int rank = (int)source * 2 + fit;

	if (fit == 0 || rank < settings->entries[i].rank ||
	    text_copy(settings->entries[i].value, TBLK_VALUE_SIZE, value) == -1)
		return;
	settings->entries[i].rank = rank;
	settings->entries[i].source = source;
}

void tblk_settings_read(struct tblk_settings *settings, enum tblk_source source, const char *key,
			const char *value)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		store_setting(settings, i, source, fits(key, settings->display, table[i].key), value);
}

void tblk_settings_read_info(struct tblk_settings *settings, const char *key, const char *value)
{
	static const char once[] = "TBPreference", always[] = "TBAlwaysSetPreference";
	const char *rest = NULL;
	enum tblk_source source = TBLK_ONCE;

	if (strcmp(key, "TBUninstall") == 0)
		settings->uninstalls = true;
	if (strncmp(key, once, sizeof once - 1) == 0) {
		rest = key + sizeof once - 1;
	} else if (strncmp(key, always, sizeof always - 1) == 0) {
		rest = key + sizeof always - 1;
		source = TBLK_ALWAYS;
	}
	for (size_t i = 0; rest != NULL && i < sizeof table / sizeof *table; i++)
		store_setting(settings, i, source, strcmp(rest, table[i].key) == 0 ? 2 : 0, value);
}

const char *tblk_settings_line(const struct tblk_settings *settings, size_t i, char line[TBLK_LINE_SIZE])
{
	char value[TBLK_VALUE_SIZE * 4];
	const char *form, *hole;
	size_t used = 0;

	if (i >= sizeof table / sizeof *table || settings->entries[i].rank == 0)
		return NULL;
	/* A version or a level is not a yes or no: any value is reported. */
	hole = table[i].on != NULL ? strstr(table[i].on, "%s") : NULL;
	form = hole != NULL || is_on(settings->entries[i].value) ? table[i].on : table[i].off;
	if (form == NULL)
		return NULL;
	text_escape(value, sizeof value, settings->entries[i].value, strlen(settings->entries[i].value));
	if (hole != NULL)
		text_append(line, TBLK_LINE_SIZE, &used, "%.*s%s%s", (int)(hole - form), form, value,
			    hole + 2);
	else
		text_copy(line, TBLK_LINE_SIZE, form);
	return line;
}

bool tblk_settings_connects(const struct tblk_settings *settings)
{
	return settings->entries[AUTO_CONNECT].rank > 0 && is_on(settings->entries[AUTO_CONNECT].value);
}

bool tblk_settings_connects_at_start(const struct tblk_settings *settings)
{
	return tblk_settings_connects(settings) && settings->entries[ON_SYSTEM_START].rank > 0 &&
	       is_on(settings->entries[ON_SYSTEM_START].value);
}

enum tblk_source tblk_settings_connects_by(const struct tblk_settings *settings)
{
	return settings->entries[AUTO_CONNECT].source;
}

const char *tblk_script(const char *file)
{
	static const struct {
		const char *end, *lost;
	} scripts[] = {
	    {".user.sh",
	     "dropped: scripts never supply credentials; instead: credentials { } in portcullis.conf"},
	    {"up.tunnelblick.sh", "dropped: scripts are never run; DNS and routes are set by Portcullis"},
	    {"up.sh", "dropped: scripts are never run; DNS and routes are set by Portcullis"},
	    {"route-pre-down.tunnelblick.sh", "dropped: scripts are never run; the gate shuts by itself"},
	    {"down.tunnelblick.sh",
	     "dropped: scripts are never run; DNS and routes are restored by Portcullis"},
	    {"down.sh", "dropped: scripts are never run; DNS and routes are restored by Portcullis"},
	    {".sh", "dropped: scripts are never run, before, after or with the tunnel"},
	};
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		size_t tail = strlen(scripts[i].end);

		if (length >= tail && strcasecmp(file + length - tail, scripts[i].end) == 0)
			return scripts[i].lost;
	}
	return NULL;
}
