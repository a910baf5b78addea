/* DNS servers and search domains that a server pushes: three spellings. */
#include "driver/tunnel_config_dns.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "driver/tunnel_config.h"

/* Which spelling wins: `dns server` before `dhcp-option`, both as they stand in
 * the environment; the log's copy only where 2.7 leaves them out of it. */
enum { ORDER_DNS = 0, ORDER_OPTION = 1 << 16, ORDER_PUSH = 2 << 16 };
enum { OPTION_WORDS = 12, OPTION_LENGTH = 1024 };

static void add_server(struct tunnel_config *config, const char *text, uint32_t order)
{
	struct net_address *servers = config->tunnel.dns;
	struct net_address address;
	size_t at = 0;

	if (net_address_parse(text, &address) == -1 || !net_address_is_dialable(&address))
		return;
	for (size_t i = 0; i < WIRE_SERVERS; i++) {
		if (net_address_equal(&servers[i], &address))
			return;
	}
	while (at < WIRE_SERVERS && servers[at].family != NET_NONE && config->server_order[at] <= order)
		at++;
	if (at == WIRE_SERVERS)
		return;
	memmove(&servers[at + 1], &servers[at], (WIRE_SERVERS - 1 - at) * sizeof *servers);
	memmove(&config->server_order[at + 1], &config->server_order[at],
		(WIRE_SERVERS - 1 - at) * sizeof *config->server_order);
	servers[at] = address;
	config->server_order[at] = order;
}

static void add_domain(struct tunnel_config *config, const char *text, uint32_t order)
{
	char(*domains)[WIRE_DOMAIN] = config->tunnel.domains;
	size_t at = 0;

	if (!text_is_name(text, WIRE_DOMAIN - 1))
		return;
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		if (strcmp(domains[i], text) == 0)
			return;
	}
	while (at < WIRE_DOMAINS && domains[at][0] != '\0' && config->domain_order[at] <= order)
		at++;
	if (at == WIRE_DOMAINS)
		return;
	memmove(&domains[at + 1], &domains[at], (WIRE_DOMAINS - 1 - at) * sizeof *domains);
	memmove(&config->domain_order[at + 1], &config->domain_order[at],
		(WIRE_DOMAINS - 1 - at) * sizeof *config->domain_order);
	memset(domains[at], 0, WIRE_DOMAIN);
	text_copy(domains[at], WIRE_DOMAIN, text);
	config->domain_order[at] = order;
}

/* "10.8.0.1", "10.8.0.1:53", "[fd00::1]:53", "fd00::1"; another port than 53
 * can't be given to a system's resolver. */
static void add_server_with_port(struct tunnel_config *config, const char *text, uint32_t order)
{
	char host[NET_ADDRESS_TEXT + 8];
	char *end, *port = NULL;

	if (text_copy(host, sizeof host, text) == -1)
		return;
	if (host[0] == '[' && (end = strchr(host, ']')) != NULL) {
		*end = '\0';
		port = end[1] == ':' ? end + 2 : NULL;
		memmove(host, host + 1, strlen(host));
	} else if ((end = strchr(host, ':')) != NULL && strchr(end + 1, ':') == NULL) {
		*end = '\0';
		port = end + 1;
	}
	if (port == NULL || strcmp(port, "53") == 0)
		add_server(config, host, order);
}

/* Cuts at blanks. Returns the number of words. */
static size_t split_words(char *line, char **words)
{
	size_t count = 0;
	char *save = NULL;

	for (char *word = strtok_r(line, " ", &save); word != NULL && count < OPTION_WORDS;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return count;
}

/* dhcp-option ..., dns ... */
static void parse_option(struct tunnel_config *config, const char *option, uint32_t order)
{
	char line[OPTION_LENGTH];
	char *word[OPTION_WORDS];
	size_t count;

	if (text_copy(line, sizeof line, option) == -1 || (count = split_words(line, word)) < 3)
		return;
	if (strcmp(word[0], "dhcp-option") == 0) {
		if (strcmp(word[1], "DNS") == 0 || strcmp(word[1], "DNS6") == 0)
			add_server(config, word[2], order);
		else if (strcmp(word[1], "DOMAIN") == 0 || strcmp(word[1], "DOMAIN-SEARCH") == 0)
			add_domain(config, word[2], order);
	} else if (strcmp(word[0], "dns") == 0 && strcmp(word[1], "search-domains") == 0) {
		for (size_t i = 2; i < count; i++)
			add_domain(config, word[i], order);
	} else if (strcmp(word[0], "dns") == 0 && strcmp(word[1], "server") == 0 && count >= 5 &&
		   strcmp(word[3], "address") == 0) {
		for (size_t i = 4; i < count; i++)
			add_server_with_port(config, word[i], order);
	}
}

/* "dns_server_PRIO_address_K" to PRIO * 16 + K; -1 if it is not that. */
static int server_order(const char *name)
{
	int priority, index, length = 0;

	if (sscanf(name, "dns_server_%5d_address_%2d%n", &priority, &index, &length) != 2 ||
	    name[length] != '\0' || priority < -128 || priority > 127 || index < 0 || index > 15)
		return -1;
	return (priority + 128) * 16 + index;
}

void tunnel_config_dns_read_env(struct tunnel_config *config, const char *name, const char *value)
{
	static const char option[] = "foreign_option_", domain[] = "dns_search_domain_";
	uint64_t number;
	int order;

	if (strncmp(name, option, sizeof option - 1) == 0 &&
	    text_number(name + sizeof option - 1, 1, 9999, &number) == 0)
		parse_option(config, value, ORDER_OPTION + (uint32_t)number);
	else if (strncmp(name, domain, sizeof domain - 1) == 0 &&
		 text_number(name + sizeof domain - 1, 0, 9999, &number) == 0)
		add_domain(config, value, ORDER_DNS + (uint32_t)number);
	else if ((order = server_order(name)) != -1)
		add_server(config, value, ORDER_DNS + (uint32_t)order);
}

void tunnel_config_dns_read_pushed(struct tunnel_config *config, const char *option, uint32_t nth)
{
	parse_option(config, option, ORDER_PUSH + nth);
}
