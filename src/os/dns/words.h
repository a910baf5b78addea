/* What of a tunnel may go to a resolver: literal addresses and plain names. Pure. */
#ifndef OS_DNS_WORDS_H
#define OS_DNS_WORDS_H

#include <stddef.h>

#include "base/net.h"
#include "base/wire_channel.h"

/* What dns_set says where there is nothing to set. */
#define DNS_NONE_PUSHED "dns: the server pushed no DNS server: the system's own resolver stays"

struct dns_words {
	char servers[WIRE_SERVERS][NET_ADDRESS_TEXT];
	char domains[WIRE_DOMAINS][WIRE_DOMAIN];
	size_t server_count, domain_count;
};

/* Takes the addresses and names that are valid, and leaves out the rest. */
void dns_words_of(const struct wire_tunnel *tunnel, struct dns_words *words);

#endif
