/* rtnetlink's messages to structs. */
#include "os/netwatch/linux/decode.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

/* A walk over attributes that believes no length. */
struct attributes {
	const char *at;
	size_t left;
};

static struct attributes attributes_of(const struct nlmsghdr *header, size_t fixed_part)
{
	size_t length = mnl_nlmsg_get_payload_len(header), skip = MNL_ALIGN(fixed_part);
	const char *payload = mnl_nlmsg_get_payload(header);

	if (skip > length)
		return (struct attributes){0};
	return (struct attributes){.at = payload + skip, .left = length - skip};
}

static struct attributes attributes_in(const struct nlattr *nest)
{
	return (struct attributes){.at = mnl_attr_get_payload(nest), .left = mnl_attr_get_payload_len(nest)};
}

static const struct nlattr *next_attribute(struct attributes *walk)
{
	const struct nlattr *attribute = (const void *)walk->at;
	size_t step;

	if (walk->left < sizeof *attribute || attribute->nla_len < sizeof *attribute ||
	    attribute->nla_len > walk->left)
		return NULL;
	step = MNL_ALIGN(attribute->nla_len);
	if (step > walk->left)
		step = walk->left;
	walk->at += step;
	walk->left -= step;
	return attribute;
}

static uint8_t family_of(uint8_t family)
{
	return family == AF_INET ? NET_IPV4 : family == AF_INET6 ? NET_IPV6 : NET_NONE;
}

static int parse_address(const struct nlattr *attribute, uint8_t family, struct net_address *address)
{
	size_t size = family == NET_IPV4 ? 4 : 16;

	if (mnl_attr_get_payload_len(attribute) != size)
		return -1;
	memset(address, 0, sizeof *address);
	address->family = family;
	memcpy(address->bytes, mnl_attr_get_payload(attribute), size);
	return 0;
}

static int parse_number(const struct nlattr *attribute, uint32_t *number)
{
	if (mnl_attr_get_payload_len(attribute) != sizeof *number)
		return -1;
	memcpy(number, mnl_attr_get_payload(attribute), sizeof *number);
	return 0;
}

/* NULL: the payload lacks its terminator, and a torn name is no name. */
static const char *text_in(const struct nlattr *attribute)
{
	const char *text = mnl_attr_get_payload(attribute);
	size_t length = mnl_attr_get_payload_len(attribute);

	return length == 0 || memchr(text, '\0', length) == NULL ? NULL : text;
}

/* A cut name would be another link's. */
static int parse_name(const struct nlattr *attribute, struct rtnl_link *link)
{
	const char *name = text_in(attribute);

	return name == NULL ? -1 : text_copy(link->name, sizeof link->name, name);
}

/* A kind that was cut is none of those that matter here, but its link still counts. */
static int parse_kind(const struct nlattr *attribute, struct rtnl_link *link)
{
	const char *kind = text_in(attribute);

	if (kind == NULL)
		return -1;
	(void)text_copy(link->driver, sizeof link->driver, kind);
	return 0;
}

static void decode_tun(const struct nlattr *data, struct rtnl_link *link)
{
	struct attributes walk = attributes_in(data);
	const struct nlattr *attribute;
	bool user = false, group = false;

	while ((attribute = next_attribute(&walk)) != NULL) {
		user |= mnl_attr_get_type(attribute) == IFLA_TUN_OWNER;
		group |= mnl_attr_get_type(attribute) == IFLA_TUN_GROUP;
		if (mnl_attr_get_type(attribute) == IFLA_TUN_TYPE && mnl_attr_get_payload_len(attribute) == 1)
			link->tap = mnl_attr_get_u8(attribute) != IFF_TUN;
		if (mnl_attr_get_type(attribute) == IFLA_TUN_PERSIST &&
		    mnl_attr_get_payload_len(attribute) == 1)
			link->persists = mnl_attr_get_u8(attribute) != 0;
	}
	link->owned = user && group;
}

static int decode_link_info(const struct nlattr *info, struct rtnl_link *link)
{
	struct attributes walk = attributes_in(info);
	const struct nlattr *attribute, *data = NULL;

	while ((attribute = next_attribute(&walk)) != NULL) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			data = attribute;
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND && parse_kind(attribute, link) == -1)
			return -1;
	}
	if (data != NULL && strcmp(link->driver, "tun") == 0)
		decode_tun(data, link);
	return 0;
}

static int decode_link(const struct nlmsghdr *header, struct rtnl_link *link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct attributes walk = attributes_of(header, sizeof(struct ifinfomsg));
	const struct nlattr *attribute;

	/* A bridge reports its ports by the same messages: there DELLINK means that it left the bridge. */
	if (info->ifi_index <= 0 || info->ifi_family != AF_UNSPEC)
		return -1;
	link->index = (unsigned)info->ifi_index;
	link->type = info->ifi_type;
	link->flags = info->ifi_flags;
	while ((attribute = next_attribute(&walk)) != NULL) {
		uint16_t type = mnl_attr_get_type(attribute);

		if (type == IFLA_IFNAME && parse_name(attribute, link) == -1)
			return -1;
		if (type == IFLA_IFALIAS && text_in(attribute) != NULL)
			(void)text_copy(link->alias, sizeof link->alias, text_in(attribute));
		if (type == IFLA_MTU && parse_number(attribute, &link->mtu) == -1)
			return -1;
		if (type == IFLA_LINKINFO && decode_link_info(attribute, link) == -1)
			return -1;
	}
	return link->name[0] != '\0' ? 0 : -1; /* a wireless event has none: it changes nothing for us */
}

/* On a point-to-point link IFA_ADDRESS is the other end's, IFA_LOCAL ours;
 * elsewhere IPv6 has IFA_ADDRESS only. */
static int decode_address(const struct nlmsghdr *header, struct rtnl_address *address)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
	uint8_t family = family_of(info->ifa_family);
	struct attributes walk = attributes_of(header, sizeof(struct ifaddrmsg));
	const struct nlattr *attribute, *any = NULL, *local = NULL;

	address->index = info->ifa_index;
	address->length = info->ifa_prefixlen;
	while ((attribute = next_attribute(&walk)) != NULL) {
		if (mnl_attr_get_type(attribute) == IFA_LOCAL)
			local = attribute;
		else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
			any = attribute;
	}
	if (local == NULL)
		local = any;
	if (family == NET_NONE || local == NULL || address->length > (family == NET_IPV4 ? 32 : 128))
		return -1;
	return parse_address(local, family, &address->address);
}

static int decode_route_attribute(const struct nlattr *attribute, struct rtnl_route *route)
{
	uint32_t number;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_TABLE:
		return parse_number(attribute, &route->table);
	case RTA_PRIORITY:
		return parse_number(attribute, &route->priority);
	case RTA_OIF:
		if (parse_number(attribute, &number) == -1)
			return -1;
		route->link = number;
		return 0;
	case RTA_DST:
		return parse_address(attribute, route->family, &route->destination.address);
	case RTA_GATEWAY:
		return parse_address(attribute, route->family, &route->gateway);
	case RTA_PREFSRC:
		return parse_address(attribute, route->family, &route->source);
	case RTA_VIA: /* a gateway of the other family: not on the link, and not one that we print */
		route->gateway.family = route->family == NET_IPV4 ? NET_IPV6 : NET_IPV4;
		return 0;
	case RTA_MULTIPATH:
	case RTA_NH_ID:
		route->multipath = true;
		return 0;
	default:
		return 0;
	}
}

static int decode_route(const struct nlmsghdr *header, struct rtnl_route *route)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(header);
	struct attributes walk = attributes_of(header, sizeof(struct rtmsg));
	const struct nlattr *attribute;

	route->family = family_of(info->rtm_family);
	route->protocol = info->rtm_protocol;
	route->type = info->rtm_type;
	route->table = info->rtm_table;
	route->destination.length = info->rtm_dst_len;
	if (route->family == NET_NONE || info->rtm_dst_len > (route->family == NET_IPV4 ? 32 : 128))
		return -1;
	route->destination.address.family = route->family;
	while ((attribute = next_attribute(&walk)) != NULL) {
		if (decode_route_attribute(attribute, route) == -1)
			return -1;
	}
	return 0;
}

/* One option of a router's advertisement, as the router has sent it: its first two octets are its type and
 * its length in units of 8; then 13 bits of lifetime, in units of 8 s, and a code for the prefix's length. */
static int decode_prefix64(const struct nlmsghdr *header, struct rtnl_prefix64 *prefix64)
{
	static const uint8_t lengths[8] = {96, 64, 56, 48, 40, 32};
	enum { OPTION = 38, ADVERTISEMENT = 134, SIZE = 16, PREFIX = 12 };
	const struct nduseroptmsg *info = mnl_nlmsg_get_payload(header);
	const uint8_t *option = (const uint8_t *)(info + 1);
	unsigned bits;

	if (mnl_nlmsg_get_payload_len(header) < sizeof *info + SIZE || info->nduseropt_family != AF_INET6 ||
	    info->nduseropt_icmp_type != ADVERTISEMENT || info->nduseropt_icmp_code != 0 ||
	    info->nduseropt_ifindex <= 0 || option[0] != OPTION || option[1] != SIZE / 8)
		return -1;
	bits = (unsigned)(option[2] << 8 | option[3]);
	prefix64->index = (unsigned)info->nduseropt_ifindex;
	prefix64->seconds = bits & ~7U;
	prefix64->prefix.length = lengths[bits & 7];
	prefix64->prefix.address.family = NET_IPV6;
	memcpy(prefix64->prefix.address.bytes, option + 4, PREFIX);
	net_prefix_clear(&prefix64->prefix);
	return prefix64->prefix.length > 0 ? 0 : -1;
}

/* Older kernels send fewer attributes but never a shorter fixed part. */
static bool has_fixed_part(const struct nlmsghdr *header, size_t size)
{
	return mnl_nlmsg_get_payload_len(header) >= size;
}

static enum rtnl_kind decode_body(const struct nlmsghdr *header, struct rtnl_message *message)
{
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		message->gone = header->nlmsg_type == RTM_DELLINK;
		return has_fixed_part(header, sizeof(struct ifinfomsg)) &&
			       decode_link(header, &message->link) == 0
			   ? RTNL_LINK
			   : RTNL_OTHER;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		message->gone = header->nlmsg_type == RTM_DELADDR;
		return has_fixed_part(header, sizeof(struct ifaddrmsg)) &&
			       decode_address(header, &message->address) == 0
			   ? RTNL_ADDRESS
			   : RTNL_OTHER;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		message->gone = header->nlmsg_type == RTM_DELROUTE;
		return has_fixed_part(header, sizeof(struct rtmsg)) &&
			       decode_route(header, &message->route) == 0
			   ? RTNL_ROUTE
			   : RTNL_OTHER;
	case RTM_NEWNDUSEROPT:
		return decode_prefix64(header, &message->prefix64) == 0 ? RTNL_PREFIX64 : RTNL_OTHER;
	default:
		return RTNL_OTHER;
	}
}

/* An error carries a negative errno; so does the end of a dump that failed. */
static int parse_errno(const struct nlmsghdr *header)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(header) >= sizeof code)
		memcpy(&code, mnl_nlmsg_get_payload(header), sizeof code);
	if (code > 0 || code < -4095)
		return EPROTO;
	return -code;
}

int rtnl_decode(const void *bytes, size_t length, rtnl_message_fn *each, void *argument)
{
	const char *at = bytes;
	int end;

	for (size_t step; length > 0; at += step, length -= step) {
		const struct nlmsghdr *header = (const void *)at;
		struct rtnl_message message;

		/* Checked here, because mnl_nlmsg_ok takes a length of 2 GiB and more for a negative one
		 * (libmnl 1.0.4).
		 */
		if (length < sizeof *header || header->nlmsg_len < sizeof *header ||
		    header->nlmsg_len > length)
			return -1;
		step = MNL_ALIGN(header->nlmsg_len);
		if (step > length)
			step = length;
		memset(&message, 0, sizeof message);
		message.sequence = header->nlmsg_seq;
		message.interrupted = (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
			message.error = parse_errno(header);
			message.kind =
			    header->nlmsg_type == NLMSG_ERROR || message.error != 0 ? RTNL_ERROR : RTNL_DONE;
		} else {
			message.kind = decode_body(header, &message);
		}
		if ((end = each(&message, argument)) != 0)
			return end;
	}
	return 0;
}
