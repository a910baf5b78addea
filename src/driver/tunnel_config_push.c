/* What openvpn logs of a push: openvpn's version, and the options that neither the environment nor the
 * management connection tells. */
#include <ctype.h>
#include <string.h>

#include "base/canonical.h"
#include "base/text.h"
#include "driver/tunnel_config.h"
#include "driver/tunnel_config_dns.h"

enum {
	OPTION_LENGTH = 1024,
	DEAD_PEER_MIN = 10,
	DEAD_PEER_MAX = 120,
	DEAD_PEER_DEFAULT = 30,
	PINGS_MISSED = 3
};

/* openvpn logs an option that the profile filters out, too, but does not apply it. */
static bool takes(const struct tunnel_config *config, const char *option)
{
	return canonical_takes_push(config->profile, config->profile_length, option);
}

static bool takes_dns(const struct tunnel_config *config)
{
	return config->dns_in_push_only &&
	       !canonical_has(config->profile, config->profile_length, "route-nopull");
}

/* "NAME NUMBER"? */
static bool parse_seconds(const char *option, const char *name, uint32_t *seconds)
{
	size_t length = strlen(name);
	uint64_t number;

	if (strncmp(option, name, length) != 0 || option[length] != ' ' ||
	    text_number(option + length + 1, 0, INT32_MAX, &number) == -1)
		return false;
	*seconds = (uint32_t)number;
	return true;
}

static void parse_ping(struct tunnel_config *config, const char *option)
{
	uint32_t seconds;

	if (parse_seconds(option, "ping", &seconds)) {
		config->ping = seconds;
	} else if (parse_seconds(option, "ping-restart", &seconds) ||
		   parse_seconds(option, "ping-exit", &seconds)) {
		config->limit_pushed = true;
		config->limit = seconds;
	}
}

static void parse_push(struct tunnel_config *config, const char *options)
{
	char option[OPTION_LENGTH];
	bool dns = takes_dns(config);
	uint32_t nth = 0;

	for (;;) {
		size_t length = strcspn(options, ",'");

		if (length < sizeof option) {
			memcpy(option, options, length);
			option[length] = '\0';
			if (takes(config, option)) {
				parse_ping(config, option);
				if (dns)
					tunnel_config_dns_read_pushed(config, option, nth++);
			}
		}
		if (options[length] != ',')
			break;
		options += length + 1;
	}
}

/* "7.6 ..." or "10.0 ...", of "OpenVPN 2." */
static bool is_2_7_or_newer(const char *minor)
{
	return (minor[0] >= '7' && minor[0] <= '9') ||
	       (isdigit((unsigned char)minor[0]) && isdigit((unsigned char)minor[1]));
}

void tunnel_config_read_log(struct tunnel_config *config, const char *text)
{
	static const char pushed[] = "PUSH: Received control message: 'PUSH_REPLY,", version[] = "OpenVPN 2.";

	if (strncmp(text, version, sizeof version - 1) == 0)
		config->dns_in_push_only = is_2_7_or_newer(text + sizeof version - 1);
	else if (strncmp(text, "OpenVPN ", 8) == 0 && isdigit((unsigned char)text[8]))
		config->dns_in_push_only = text[8] > '2';
	else if (strncmp(text, pushed, sizeof pushed - 1) == 0)
		parse_push(config, text + sizeof pushed - 1);
}

static uint32_t bounded(uint32_t seconds)
{
	return seconds < DEAD_PEER_MIN ? DEAD_PEER_MIN : seconds > DEAD_PEER_MAX ? DEAD_PEER_MAX : seconds;
}

uint32_t tunnel_config_dead_peer(const struct tunnel_config *config)
{
	uint32_t seconds = 0;

	if (config->limit_pushed)
		return config->limit == 0 ? 0 : bounded(config->limit);
	if (canonical_setting(config->profile, config->profile_length, "dead-peer", &seconds))
		return seconds;
	if (config->ping == 0)
		return 0;
	return config->ping <= DEAD_PEER_DEFAULT / PINGS_MISSED ? DEAD_PEER_DEFAULT
	       : config->ping >= DEAD_PEER_MAX / PINGS_MISSED   ? DEAD_PEER_MAX
								: config->ping * PINGS_MISSED;
}
