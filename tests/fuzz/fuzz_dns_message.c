/* Fuzz: what a resolver answers. The first byte says for which query; no more addresses than asked for, each
 * one whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/names/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[DNS_QUERY];
	struct net_address found[8];
	size_t count = 99;
	uint16_t type;
	int code;

	if (size == 0)
		return 0;
	type = data[0] % 2 == 0 ? DNS_A : DNS_AAAA;
	dns_query_write(query, 1, "vpn.example", type);
	code = dns_answer_read(data + 1, size - 1, query, found, 8, &count);
	if (count > 8 || code > 15 || (code > 0 && count != 0))
		abort();
	for (size_t i = 0; i < count; i++) {
		if (found[i].family != (type == DNS_A ? NET_IPV4 : NET_IPV6))
			abort();
	}
	/* Any text is a name or none. */
	if (size < 300) {
		char host[300];

		memcpy(host, data + 1, size - 1);
		host[size - 1] = '\0';
		if (dns_query_write(query, 1, host, type) > sizeof query)
			abort();
	}
	return 0;
}
