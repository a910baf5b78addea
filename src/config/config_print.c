/* The settings in effect as text, for `portcullisd --settings`. */
#include "config/config.h"

#include <string.h>

#include "base/text.h"

static void put(FILE *to, const char *key, const char *value)
{
	char safe[4 * PATH_MAX];

	text_escape(safe, sizeof safe, value, strlen(value));
	fprintf(to, "%s = \"%s\"\n", key, safe);
}

static void put_flag(FILE *to, const char *key, bool value)
{
	put(to, key, value ? "true" : "false");
}

/* Their names have no blanks. */
static void put_inside(FILE *to, const struct config *config)
{
	char names[SITUATION_INSIDE * NET_NAME_SIZE] = "";
	size_t used = 0;

	for (size_t i = 0; i < config->inside_count; i++)
		text_append(names, sizeof names, &used, "%s%s", i > 0 ? " " : "", config->inside[i]);
	put(to, "gateway.interfaces", names);
}

void config_print(const struct config *config, FILE *to)
{
	put(to, "profile", config->profile);
	put(to, "interface", config->interface);
	put(to, "runtime-dir", config->runtime_dir);
	put(to, "state-dir", config->state_dir);
	put(to, "backend", config->backend);
	put(to, "user", config->user.name);
	put(to, "openvpn-user", config->openvpn_user.name);
	put(to, "openvpn-group", config->openvpn_group.name);
	put(to, "dhcp-user", config->dhcp_user.name);
	put_flag(to, "lan", config->lan);
	put(to, "on-unprotected", config->links_down ? "links-down" : "report");
	put_inside(to, config);
	put_flag(to, "uplink.pppoe", config->pppoe);
	put_flag(to, "uplink.lacp", config->lacp);
	put(to, "openvpn.binary", config->openvpn_binary);
	put(to, "control.socket", config->control_socket);
	put(to, "control.group", config->control_group.name);
	put_flag(to, "dns.manage", config->manage_dns);
	put(to, "credentials.username", config->username[0] != '\0' ? "(set)" : "");
	put(to, "credentials.password-file", config->password_file);
	put(to, "log.file", config->log_file);
	fputs("\n", to);
	fflush(to); /* before what is said on standard error */
}
