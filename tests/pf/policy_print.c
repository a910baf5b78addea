/* Prints the rules of a situation: `policy_print BACKEND KEY=VALUE...`; pf's main rules:
 * `policy_print pf-main apple|freebsd`, with the existing main rules on stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/print.h"

static struct situation s;
static char text[PRINT_SIZE], standing[PRINT_SIZE];

static int take_state(const char *value)
{
	static const char *const names[] = {"locked", "dialling", "open"};

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(value, names[i]) == 0) {
			s.state = (enum policy_state)i;
			return 0;
		}
	return -1;
}

static int take_remote(const char *value)
{
	return net_endpoint_parse(value, &s.endpoint);
}

static int take_resolver(const char *value)
{
	return net_address_parse(value, &s.resolver);
}

static int take_link(const char *value)
{
	if (s.link_count == SITUATION_LINKS)
		return -1;
	return text_copy(s.links[s.link_count++], NET_NAME_SIZE, value);
}

static int take_gateway(const char *value)
{
	if (s.lan_side_count == SITUATION_LAN_SIDE)
		return -1;
	return text_copy(s.lan_side[s.lan_side_count++], NET_NAME_SIZE, value);
}

static int take_tunnel(const char *value)
{
	return text_copy(s.tunnel.name, sizeof s.tunnel.name, value);
}

static int take_index(const char *value)
{
	uint64_t number;
	int result = text_number(value, 1, UINT32_MAX, &number);

	s.tunnel.index = result == 0 ? (unsigned)number : 0;
	return result;
}

static int take_address(const char *value)
{
	struct net_address address;

	if (net_address_parse(value, &address) == -1)
		return -1;
	*(address.family == NET_IPV4 ? &s.tunnel.address4 : &s.tunnel.address6) = address;
	return 0;
}

static int take_network(const char *value)
{
	if (s.tunnel.network_count == SITUATION_NETWORKS)
		return -1;
	return net_prefix_parse(value, &s.tunnel.networks[s.tunnel.network_count++]);
}

static int take_neighbour(const char *value)
{
	if (s.neighbour_count == SITUATION_NEIGHBOURS)
		return -1;
	return net_prefix_parse(value, &s.neighbours[s.neighbour_count++]);
}

static int take_identity(struct identity *who, const char *value)
{
	uint64_t number = 0;

	who->known = text_number(value, 0, UINT32_MAX, &number) == 0;
	who->number = (uint32_t)number;
	return text_copy(who->name, sizeof who->name, value);
}

static int take_group(const char *value)
{
	return take_identity(&s.openvpn_group, value);
}

static int take_user(const char *value)
{
	return take_identity(&s.driver_user, value);
}

static int take_dhcp_user(const char *value)
{
	return take_identity(&s.dhcp_user, value);
}

/* A portal that is open, for this group. */
static int take_portal(const char *value)
{
	s.portal.until = 1;
	return take_identity(&s.portal.group, value);
}

static int take_portal_any(const char *value)
{
	s.portal.any = strcmp(value, "true") == 0;
	return s.portal.any || strcmp(value, "false") == 0 ? 0 : -1;
}

static int take_lan(const char *value)
{
	s.lan = strcmp(value, "true") == 0;
	return s.lan || strcmp(value, "false") == 0 ? 0 : -1;
}

/* link, gateway, address, network and neighbour may be given several times. */
static const struct {
	const char *key;
	int (*take)(const char *value);
} keys[] = {
    {"state", take_state},
    {"remote", take_remote},
    {"resolver", take_resolver},
    {"link", take_link},
    {"tunnel", take_tunnel},
    {"index", take_index},
    {"address", take_address},
    {"network", take_network},
    {"group", take_group},
    {"user", take_user},
    {"lan", take_lan},
    {"dhcp_user", take_dhcp_user},
    {"neighbour", take_neighbour},
    {"gateway", take_gateway},
    {"portal", take_portal},
    {"portal_any", take_portal_any},
};

static int take(const char *word)
{
	const char *equals = strchr(word, '=');

	for (size_t i = 0; equals != NULL && i < sizeof keys / sizeof keys[0]; i++)
		if (strncmp(word, keys[i].key, (size_t)(equals - word)) == 0 &&
		    keys[i].key[equals - word] == '\0')
			return keys[i].take(equals + 1);
	return -1;
}

static int print(const char *backend, char **words, struct err *e)
{
	if (strcmp(backend, "pf-main") == 0) {
		bool freebsd = words[0] != NULL && strcmp(words[0], "freebsd") == 0;

		if (words[0] == NULL || (!freebsd && strcmp(words[0], "apple") != 0))
			return err_set(e, "pf-main: for whom; instead: apple or freebsd");
		standing[fread(standing, 1, sizeof standing - 1, stdin)] = '\0';
		return policy_print_pf_main(freebsd ? PF_FREEBSD : PF_APPLE, standing, text, sizeof text, e);
	}
	for (; *words != NULL; words++)
		if (take(*words) == -1)
			return err_set(e, "%s: no KEY=VALUE of a situation", *words);
	if (strcmp(backend, "nft") == 0)
		return policy_print_nft(&s, text, sizeof text, e);
	if (strcmp(backend, "pf") == 0)
		return policy_print_pf(&s, text, sizeof text, e);
	if (strcmp(backend, "ipfw") == 0)
		return policy_print_ipfw(&s, text, sizeof text, e);
	return err_set(e, "%s: no backend; instead: nft, pf, ipfw or pf-main", backend);
}

int main(int argc, char **argv)
{
	struct err e = {""};

	if (argc < 2 || print(argv[1], argv + 2, &e) == -1) {
		fprintf(stderr, "policy_print: %s\n", argc < 2 ? "BACKEND KEY=VALUE..." : e.text);
		return 1;
	}
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF;
}
