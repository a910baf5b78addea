/* `remote`, `port` and `proto`: from words to a remote. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "profile/profile_internal.h"
#include "profile/values.h"

enum { PORT_DEFAULT = 1194 };

int remote_parse_port(const char *word, uint16_t *port, struct err *e)
{
	uint64_t number;

	if (text_number(word, 1, 65535, &number) == -1)
		return err_set(e, "the port is not a number from 1 to 65535; instead: such as 1194");
	*port = (uint16_t)number;
	return 0;
}

int remote_parse_proto(const char *word, uint8_t *proto, uint8_t *family, struct err *e)
{
	static const struct {
		const char *word;
		uint8_t proto, family;
	} protos[] = {
	    {"udp", NET_UDP, NET_NONE},         {"udp4", NET_UDP, NET_IPV4},
	    {"udp6", NET_UDP, NET_IPV6},        {"tcp", NET_TCP, NET_NONE},
	    {"tcp4", NET_TCP, NET_IPV4},        {"tcp6", NET_TCP, NET_IPV6},
	    {"tcp-client", NET_TCP, NET_NONE},  {"tcp4-client", NET_TCP, NET_IPV4},
	    {"tcp6-client", NET_TCP, NET_IPV6},
	};

	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++) {
		if (strcmp(protos[i].word, word) == 0) {
			*proto = protos[i].proto;
			*family = protos[i].family;
			return 0;
		}
	}
	return err_set(e,
		       "the protocol is none of udp, udp4, udp6, tcp, tcp4, tcp6, tcp-client; instead: udp");
}

int remote_parse(char *const *words, size_t count, struct profile_remote *remote, struct err *e)
{
	*remote = (struct profile_remote){0};
	if (count < 1 || count > 3)
		return err_set(e, "not HOST [PORT [PROTO]]; instead: such as vpn.example.net 1194 udp");
	if (!value_is_host(words[0]) || text_copy(remote->host, sizeof remote->host, words[0]) == -1)
		return err_set(e,
			       "the host is neither a name nor an address; instead: such as vpn.example.net");
	if (count > 1 && remote_parse_port(words[1], &remote->port, e) == -1)
		return -1;
	if (count > 2 && remote_parse_proto(words[2], &remote->proto, &remote->family, e) == -1)
		return -1;
	return 0;
}

void profile_give(struct profile_remote *remote, const struct net_address *address)
{
	if (remote->family != NET_NONE && remote->family != address->family)
		return;
	for (size_t i = 0; i < remote->address_count; i++) {
		if (net_address_equal(&remote->addresses[i], address))
			return;
	}
	if (remote->address_count < PROFILE_ADDRESSES)
		remote->addresses[remote->address_count++] = *address;
}

int remote_complete(struct profile_remote *remote, const struct remote_defaults *defaults, struct err *e)
{
	struct net_address address;

	if (remote->port == 0)
		remote->port = defaults->port == 0 ? PORT_DEFAULT : defaults->port;
	if (remote->proto == 0) {
		remote->proto = defaults->proto == 0 ? NET_UDP : defaults->proto;
		remote->family = defaults->family;
	}
	if (net_address_parse(remote->host, &address) == -1)
		return 0;
	if (!net_address_is_dialable(&address))
		return err_set(
		    e,
		    "%s can't be a server: a loopback, link-local or multicast address; instead: the "
		    "server's own",
		    remote->host);
	profile_give(remote, &address);
	return remote->address_count > 0 ? 0
					 : err_set(e,
						   "%s is not of the family that the protocol asks for; "
						   "instead: udp or tcp without 4 or 6",
						   remote->host);
}
