/* Addresses, prefixes and endpoints as values. */
#include "base/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static int address_bits(const struct net_address *address)
{
	return address->family == NET_IPV4 ? 32 : 128;
}

int net_address_parse(const char *from, struct net_address *address)
{
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, from, address->bytes) == 1) {
		address->family = NET_IPV4;
		return 0;
	}
	if (inet_pton(AF_INET6, from, address->bytes) == 1) {
		address->family = NET_IPV6;
		return 0;
	}
	memset(address, 0, sizeof *address);
	return -1;
}

void net_prefix_clear(struct net_prefix *prefix)
{
	size_t length = prefix->length;

	for (size_t i = 0; i < sizeof prefix->address.bytes; i++) {
		size_t bit = i * 8;

		if (bit >= length)
			prefix->address.bytes[i] = 0;
		else if (length - bit < 8)
			prefix->address.bytes[i] &= (uint8_t)(0xff00 >> (length - bit));
	}
}

bool net_prefix_is_clean(const struct net_prefix *prefix)
{
	struct net_prefix clean = *prefix;

	net_prefix_clear(&clean);
	return memcmp(&clean, prefix, sizeof clean) == 0;
}

int net_prefix_parse(const char *from, struct net_prefix *prefix)
{
	char text[NET_PREFIX_TEXT];
	char *slash;
	uint64_t length;

	if (text_copy(text, sizeof text, from) == -1 || (slash = strchr(text, '/')) == NULL)
		return -1;
	*slash = '\0';
	if (net_address_parse(text, &prefix->address) == -1 ||
	    text_number(slash + 1, 0, (uint64_t)address_bits(&prefix->address), &length) == -1)
		return -1;
	prefix->length = (uint8_t)length;
	net_prefix_clear(prefix);
	return 0;
}

int net_endpoint_parse(const char *from, struct net_endpoint *endpoint)
{
	char text[NET_ENDPOINT_TEXT];
	char *host = text, *port, *proto;
	uint64_t number;

	memset(endpoint, 0, sizeof *endpoint);
	if (text_copy(text, sizeof text, from) == -1 || (proto = strrchr(text, '/')) == NULL)
		return -1;
	*proto++ = '\0';
	if ((port = strrchr(text, ':')) == NULL)
		return -1;
	*port++ = '\0';
	if (host[0] == '[') {
		size_t length = strlen(host);

		if (host[length - 1] != ']')
			return -1;
		host[length - 1] = '\0';
		host++;
	} else if (strchr(host, ':') != NULL) {
		return -1;
	}
	if (net_address_parse(host, &endpoint->address) == -1 || text_number(port, 1, 65535, &number) == -1)
		return -1;
	endpoint->port = (uint16_t)number;
	if (strcmp(proto, "udp") == 0)
		endpoint->proto = NET_UDP;
	else if (strcmp(proto, "tcp") == 0)
		endpoint->proto = NET_TCP;
	else
		return -1;
	return 0;
}

const char *net_address_text(const struct net_address *address, char *to)
{
	int family = address->family == NET_IPV4 ? AF_INET : AF_INET6;

	if (address->family == NET_NONE || inet_ntop(family, address->bytes, to, NET_ADDRESS_TEXT) == NULL)
		to[0] = '\0';
	return to;
}

const char *net_prefix_text(const struct net_prefix *prefix, char *to)
{
	char address[NET_ADDRESS_TEXT];

	snprintf(to, NET_PREFIX_TEXT, "%s/%u", net_address_text(&prefix->address, address), prefix->length);
	return to;
}

const char *net_endpoint_text(const struct net_endpoint *endpoint, char *to)
{
	char address[NET_ADDRESS_TEXT];
	bool six = endpoint->address.family == NET_IPV6;

	to[0] = '\0';
	if (endpoint->address.family == NET_NONE)
		return to;
	snprintf(to, NET_ENDPOINT_TEXT, "%s%s%s:%u/%s", six ? "[" : "",
		 net_address_text(&endpoint->address, address), six ? "]" : "", endpoint->port,
		 net_proto_text(endpoint->proto));
	return to;
}

const char *net_proto_text(uint8_t proto)
{
	return proto == NET_UDP ? "udp" : proto == NET_TCP ? "tcp" : "";
}

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool net_endpoint_equal(const struct net_endpoint *a, const struct net_endpoint *b)
{
	return net_address_equal(&a->address, &b->address) && a->port == b->port && a->proto == b->proto;
}

bool net_prefix_contains(const struct net_prefix *prefix, const struct net_address *address)
{
	size_t whole = prefix->length / 8, rest = prefix->length % 8;

	if (prefix->address.family != address->family || address->family == NET_NONE)
		return false;
	if (memcmp(prefix->address.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((prefix->address.bytes[whole] ^ address->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool net_address_is_dialable(const struct net_address *address)
{
	/* RFC 6890 and RFC 4291: what can't be a server on a network. */
	static const struct net_prefix never[] = {
	    {{NET_IPV4, {0}}, 8},                         /* this host */
	    {{NET_IPV4, {127}}, 8},                       /* loopback */
	    {{NET_IPV4, {169, 254}}, 16},                 /* link-local */
	    {{NET_IPV4, {224}}, 3},                       /* multicast, reserved, broadcast */
	    {{NET_IPV6, {0}}, 96},                        /* ::, ::1, v4-compatible */
	    {{NET_IPV6, {[10] = 0xff, [11] = 0xff}}, 96}, /* v4-mapped */
	    {{NET_IPV6, {0xfe, 0x80}}, 10},               /* link-local */
	    {{NET_IPV6, {0xff}}, 8},                      /* multicast */
	};

	if (address->family != NET_IPV4 && address->family != NET_IPV6)
		return false;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		if (net_prefix_contains(&never[i], address))
			return false;
	}
	return true;
}

void net_alternate(struct net_address *addresses, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		size_t next = i;
		struct net_address found;

		while (next < count && addresses[next].family == addresses[i - 1].family)
			next++;
		if (next == count)
			return; /* only one family is left */
		found = addresses[next];
		memmove(&addresses[i + 1], &addresses[i], (next - i) * sizeof *addresses);
		addresses[i] = found;
	}
}

bool net_is_interface_name(const char *name)
{
	return text_is_name(name, NET_NAME_SIZE - 1) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}
