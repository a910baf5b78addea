/* A query for the addresses of a name, and its answer, as DNS messages (RFC 1035). Pure. */
#ifndef DRIVER_NAMES_DNS_MESSAGE_H
#define DRIVER_NAMES_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/net.h"

enum { DNS_A = 1, DNS_AAAA = 28, DNS_QUERY = 512 };

/* Writes a query, padded so that its length says nothing of the name (RFC 7830, RFC 8467), into DNS_QUERY
 * bytes. Its length; 0: `host` is no name. */
size_t dns_query_write(uint8_t *to, uint16_t id, const char *host, uint16_t type);

/* The addresses in the answer to that query: `count` becomes their number, at most `room`. The response code
 * (0: none failed, 3: there is no such name); -1: it is no answer to it. Any bytes are fine. */
int dns_answer_read(const uint8_t *answer, size_t length, const uint8_t *query, struct net_address *to,
		    size_t room, size_t *count);

#endif
