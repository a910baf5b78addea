/* The BSDs' route messages to structs, and one back. */
#include "os/netwatch/bsd/decode.h"

#include <string.h>

enum { VERSION = 5, INET = 2, LINK = 18 };
enum { ADD = 0x1, DELETE = 0x2, CHANGE = 0x3, GET = 0x4, NEWADDR = 0xc, DELADDR = 0xd, IFINFO = 0xe };

/* The addresses of a message, in the order of their bits in its mask (RTAX_*). */
enum { DST, GATEWAY, NETMASK, GENMASK, IFP, IFA, AUTHOR, BRD, SLOTS };

/* Where the address lies in a sockaddr_in, a sockaddr_in6; their sizes; where the
 * name's length and the name lie in a sockaddr_dl. */
enum { IN_AT = 4, IN_SIZE = 16, IN6_AT = 8, IN6_SIZE = 28, DL_NAME_LENGTH = 5, DL_NAME = 8 };

struct bytes {
	const uint8_t *at;
	size_t length;
};

/* Beyond the end everything is 0, so that no offset has to be believed. */
static uint8_t byte_of(struct bytes bytes, size_t at)
{
	return at < bytes.length ? bytes.at[at] : 0;
}

static uint16_t short_of(struct bytes bytes, size_t at)
{
	uint16_t number = 0;

	if (at + sizeof number <= bytes.length)
		memcpy(&number, bytes.at + at, sizeof number);
	return number;
}

static uint32_t word_of(struct bytes bytes, size_t at)
{
	uint32_t number = 0;

	if (at + sizeof number <= bytes.length)
		memcpy(&number, bytes.at + at, sizeof number);
	return number;
}

static size_t padded(const struct route_layout *layout, size_t length)
{
	size_t step = length == 0 ? layout->align : length;

	return (step + layout->align - 1) / layout->align * layout->align;
}

/* Finds the addresses that `mask` promises, after a header of `size`. A slot is
 * as long as its sa_len says, or 0. What is promised must be there: 0, or -1. */
static int parse_slots(const struct route_layout *layout, struct bytes message, size_t size, uint32_t mask,
		       struct bytes slots[SLOTS])
{
	memset(slots, 0, SLOTS * sizeof *slots);
	if (layout->hdrlen != 0)
		size = short_of(message, layout->hdrlen);
	for (int i = 0; i < SLOTS; i++) {
		size_t left = size < message.length ? message.length - size : 0, step;

		if ((mask & 1u << i) == 0)
			continue;
		if (left == 0 || message.at[size] > left)
			return -1;
		slots[i] = (struct bytes){message.at + size, message.at[size]};
		/* The last one may lack its padding. */
		step = padded(layout, slots[i].length);
		size += step < left ? step : left;
	}
	return 0;
}

/* Length 0 with a family after it was seen on macOS: the address is then 0. */
static uint8_t family_of(const struct route_layout *layout, struct bytes message, struct bytes slot)
{
	uint8_t family;

	if (slot.at == NULL || message.length - (size_t)(slot.at - message.at) < 2)
		return NET_NONE;
	family = slot.at[1];
	return family == INET ? NET_IPV4 : family == layout->inet6 ? NET_IPV6 : NET_NONE;
}

static size_t place_of(uint8_t family)
{
	return family == NET_IPV4 ? IN_AT : IN6_AT;
}

static size_t size_of(uint8_t family)
{
	return family == NET_IPV4 ? 4 : 16;
}

/* A link-local address comes with the link's index in its third and fourth byte
 * (route(4) of FreeBSD, KAME): that is no part of it. */
static void drop_scope(struct net_address *address)
{
	if (address->family == NET_IPV6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80)
		address->bytes[2] = address->bytes[3] = 0;
}

static struct net_address address_of(const struct route_layout *layout, struct bytes message,
				     struct bytes slot)
{
	struct net_address address = {.family = family_of(layout, message, slot)};

	if (address.family == NET_NONE)
		return address;
	for (size_t i = 0; i < size_of(address.family); i++)
		address.bytes[i] = byte_of(slot, place_of(address.family) + i);
	drop_scope(&address);
	return address;
}

/* A mask has no family that one could rely on, and ends with its last bit that
 * is set. -1 if there are bits after a gap. */
static int mask_length(struct bytes slot, uint8_t family)
{
	int length = 0;
	bool ended = false;

	for (size_t i = 0; i < size_of(family); i++) {
		uint8_t byte = byte_of(slot, place_of(family) + i);

		for (int bit = 7; bit >= 0; bit--) {
			bool set = (byte >> bit & 1) != 0;

			if (set && ended)
				return -1;
			ended = ended || !set;
			length += set;
		}
	}
	return length;
}

/* Its length stands before it, and no terminator after it. */
static void parse_name(struct bytes slot, char *name)
{
	size_t length = byte_of(slot, DL_NAME_LENGTH);

	if (byte_of(slot, 1) != LINK || length >= NET_NAME_SIZE || DL_NAME + length > slot.length)
		return;
	memcpy(name, slot.at + DL_NAME, length);
	name[length] = '\0';
	if (!net_is_interface_name(name))
		name[0] = '\0';
}

static enum route_kind decode_link(const struct route_layout *layout, struct bytes message,
				   struct route_link *link)
{
	struct bytes slots[SLOTS];
	uint8_t state = byte_of(message, layout->link.state);

	if (message.length < layout->link.size ||
	    parse_slots(layout, message, layout->link.size, word_of(message, layout->link.addrs), slots) ==
		-1)
		return ROUTE_OTHER;
	link->index = short_of(message, layout->link.index);
	link->flags = word_of(message, layout->link.flags);
	link->type = byte_of(message, layout->link.type);
	link->mtu = word_of(message, layout->link.mtu);
	link->carrier = layout->state_up == 0 ? (link->flags & LINK_RUNNING) != 0
					      : state == 0 || state >= layout->state_up;
	parse_name(slots[IFP], link->name);
	return link->index != 0 ? ROUTE_LINK : ROUTE_OTHER;
}

static enum route_kind decode_address(const struct route_layout *layout, struct bytes message,
				      struct route_address *address)
{
	struct bytes slots[SLOTS];

	if (message.length < layout->address.size ||
	    parse_slots(layout, message, layout->address.size, word_of(message, layout->address.addrs),
			slots) == -1)
		return ROUTE_OTHER;
	address->index = short_of(message, layout->address.index);
	address->address = address_of(layout, message, slots[IFA]);
	return address->index != 0 && address->address.family != NET_NONE ? ROUTE_ADDRESS : ROUTE_OTHER;
}

/* No mask, or ROUTE_HOST: one address. An empty mask: all of them. */
static int parse_destination(struct bytes slot, struct route_route *route)
{
	uint8_t family = route->destination.address.family;
	int length = slot.at == NULL || (route->flags & ROUTE_HOST) != 0 ? (int)size_of(family) * 8
									 : mask_length(slot, family);

	if (length == -1)
		return -1;
	route->destination.length = (uint8_t)length;
	net_prefix_clear(&route->destination);
	return 0;
}

static enum route_kind decode_route(const struct route_layout *layout, struct bytes message,
				    struct route_route *route)
{
	struct bytes slots[SLOTS];

	if (message.length < layout->route.size || word_of(message, layout->route.error) != 0 ||
	    parse_slots(layout, message, layout->route.size, word_of(message, layout->route.addrs), slots) ==
		-1)
		return ROUTE_OTHER;
	route->index = short_of(message, layout->route.index);
	route->flags = word_of(message, layout->route.flags);
	route->destination.address = address_of(layout, message, slots[DST]);
	route->gateway = address_of(layout, message, slots[GATEWAY]);
	if (route->destination.address.family == NET_NONE || parse_destination(slots[NETMASK], route) == -1)
		return ROUTE_OTHER;
	return ROUTE_ROUTE;
}

static enum route_kind decode_body(const struct route_layout *layout, struct bytes bytes,
				   struct route_message *message)
{
	uint8_t type = byte_of(bytes, 3);

	if (byte_of(bytes, 2) != VERSION)
		return ROUTE_OTHER;
	if (layout->announce != 0 && type == layout->announce) {
		message->announced = short_of(bytes, layout->route.index);
		message->gone = short_of(bytes, layout->departure) != 0;
		return message->announced != 0 ? ROUTE_ANNOUNCE : ROUTE_OTHER;
	}
	switch (type) {
	case IFINFO:
		return decode_link(layout, bytes, &message->link);
	case NEWADDR:
	case DELADDR:
		message->gone = type == DELADDR;
		return decode_address(layout, bytes, &message->address);
	case ADD:
	case DELETE:
	case CHANGE:
	case GET: /* what a dump is made of */
		message->gone = type == DELETE;
		message->answer = type == GET;
		message->pid = (int32_t)word_of(bytes, layout->route.pid);
		message->sequence = word_of(bytes, layout->route.seq);
		return decode_route(layout, bytes, &message->route);
	default:
		return ROUTE_OTHER;
	}
}

bool route_is_one(const void *bytes, size_t length)
{
	return short_of((struct bytes){bytes, length}, 0) == length;
}

int route_decode(const struct route_layout *layout, const void *bytes, size_t length, route_message_fn *each,
		 void *argument)
{
	struct bytes left = {bytes, length};
	int end;

	for (size_t step; left.length > 0; left.at += step, left.length -= step) {
		struct route_message message;

		step = short_of(left, 0);
		if (step < 4 || step > left.length)
			return -1;
		memset(&message, 0, sizeof message);
		message.kind = decode_body(layout, (struct bytes){left.at, step}, &message);
		if ((end = each(&message, argument)) != 0)
			return end;
	}
	return 0;
}

/* Writes a sockaddr after *used. A mask is written like an address. */
static void put_address(const struct route_layout *layout, const struct net_address *address, uint8_t *to,
			size_t *used)
{
	uint8_t *at = to + *used;

	at[0] = address->family == NET_IPV4 ? IN_SIZE : IN6_SIZE;
	at[1] = address->family == NET_IPV4 ? INET : layout->inet6;
	memcpy(at + place_of(address->family), address->bytes, size_of(address->family));
	*used += padded(layout, at[0]);
}

static struct net_address mask_of(const struct net_prefix *prefix)
{
	struct net_prefix mask = {.address = {.family = prefix->address.family}, .length = prefix->length};

	memset(mask.address.bytes, 0xff, size_of(mask.address.family));
	net_prefix_clear(&mask);
	return mask.address;
}

static bool is_link_local(const struct net_address *address)
{
	return address->family == NET_IPV6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* The header before what has been put behind it. */
static size_t finish(const struct route_layout *layout, uint8_t type, uint32_t addrs, uint32_t sequence,
		     uint8_t *to, size_t used)
{
	uint16_t length = (uint16_t)used;

	memcpy(to, &length, sizeof length);
	to[2] = VERSION;
	to[3] = type;
	if (layout->hdrlen != 0)
		memcpy(to + layout->hdrlen, &layout->route.size, sizeof layout->route.size);
	memcpy(to + layout->route.addrs, &addrs, sizeof addrs);
	memcpy(to + layout->route.seq, &sequence, sizeof sequence);
	return used;
}

/* Without a mask the longest match is meant (route(4)). */
size_t route_encode_get(const struct route_layout *layout, const struct net_address *address,
			uint32_t sequence, void *to, size_t size)
{
	size_t used = layout->route.size;

	if (size < used + padded(layout, IN6_SIZE))
		return 0;
	memset(to, 0, size);
	put_address(layout, address, to, &used);
	return finish(layout, GET, 1u << DST, sequence, to, used);
}

/* The gateway tells two routes to one place apart. A link-local one would need
 * its scope, and each kernel wants that in another place: it is left out. */
size_t route_encode_delete(const struct route_layout *layout, const struct route_route *route,
			   uint32_t sequence, void *to, size_t size)
{
	bool gateway = route->gateway.family != NET_NONE && !is_link_local(&route->gateway),
	     host = (route->flags & ROUTE_HOST) != 0;
	uint32_t mask = 1u << DST | (gateway ? 1u << GATEWAY : 0) | (host ? 0 : 1u << NETMASK);
	struct net_address netmask = mask_of(&route->destination);
	uint16_t index = (uint16_t)route->index;
	uint8_t *bytes = to;
	size_t used = layout->route.size;

	if (size < used + 3 * padded(layout, IN6_SIZE))
		return 0;
	memset(to, 0, size);
	put_address(layout, &route->destination.address, bytes, &used);
	if (gateway)
		put_address(layout, &route->gateway, bytes, &used);
	if (!host)
		put_address(layout, &netmask, bytes, &used);
	if ((route->flags & layout->scoped) != 0)
		memcpy(bytes + layout->route.index, &index, sizeof index);
	memcpy(bytes + layout->route.flags, &route->flags, sizeof route->flags);
	return finish(layout, DELETE, mask, sequence, bytes, used);
}
