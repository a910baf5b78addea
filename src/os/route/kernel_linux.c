/* Rules and routes as the kernel's messages, both ways; no length is believed. */
#include "os/route/kernel_linux.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "os/netwatch/linux/message.h"

/* What a machine makes itself comes by it, for a rule. */
#define LOOPBACK "lo"

static uint8_t kernel_family(uint8_t family)
{
	return family == NET_IPV4 ? AF_INET : AF_INET6;
}

static uint8_t our_family(uint8_t family)
{
	return family == AF_INET ? NET_IPV4 : family == AF_INET6 ? NET_IPV6 : NET_NONE;
}

static size_t size_of(uint8_t family)
{
	return family == NET_IPV4 ? 4 : 16;
}

/* The next attribute after `at`, within the message; NULL at its end. */
static const struct nlattr *next(const struct nlmsghdr *message, size_t *at)
{
	const struct nlattr *attribute = (const void *)((const char *)message + *at);
	size_t left = *at < message->nlmsg_len ? message->nlmsg_len - *at : 0;

	if (left < sizeof *attribute || attribute->nla_len < sizeof *attribute || attribute->nla_len > left)
		return NULL;
	*at += MNL_ALIGN(attribute->nla_len);
	return attribute;
}

/* Exactly `size` bytes, or nothing. */
static bool read_bytes(const struct nlattr *attribute, void *to, size_t size)
{
	if (mnl_attr_get_payload_len(attribute) != size)
		return false;
	memcpy(to, mnl_attr_get_payload(attribute), size);
	return true;
}

static bool parse_prefix(const struct nlattr *attribute, uint8_t family, uint8_t length,
			 struct net_prefix *to)
{
	to->address.family = family;
	to->length = length;
	return read_bytes(attribute, to->address.bytes, size_of(family));
}

static bool parse_port(const struct nlattr *attribute, uint16_t *port)
{
	struct fib_rule_port_range range;

	if (!read_bytes(attribute, &range, sizeof range) || range.start != range.end)
		return false;
	*port = range.start;
	return true;
}

/* linux/fib_rules.h from 6.15 on: reported for each rule with a port. */
enum { SOURCE_PORT_MASK = 28, DESTINATION_PORT_MASK = 29 };

struct rule_reading {
	const struct fib_rule_hdr *body;
	uint8_t family, protocol;
	uint32_t table, target;
	struct route_rule *rule;
};

static bool parse_users(const struct nlattr *attribute, struct route_rule *rule)
{
	struct fib_rule_uid_range users;

	rule->by_user = read_bytes(attribute, &users, sizeof users);
	rule->user_first = rule->by_user ? users.start : 0;
	rule->user_last = rule->by_user ? users.end : 0;
	return rule->by_user;
}

/* A name with its end; loopback's is shown by `received` alone. */
static bool parse_link(const struct nlattr *attribute, struct route_rule *rule)
{
	size_t length = mnl_attr_get_payload_len(attribute);

	rule->received = true;
	if (length == 0 || length > sizeof rule->link ||
	    ((const char *)mnl_attr_get_payload(attribute))[length - 1] != '\0')
		return false;
	memcpy(rule->link, mnl_attr_get_payload(attribute), length);
	return true;
}

/* Is it an attribute as we would put it? */
static bool read_rule(const struct nlattr *attribute, struct rule_reading *reading)
{
	struct route_rule *rule = reading->rule;
	uint32_t number;
	uint16_t mask;

	switch (mnl_attr_get_type(attribute)) {
	case FRA_PRIORITY:
		return read_bytes(attribute, &rule->priority, sizeof rule->priority);
	case FRA_TABLE:
		return read_bytes(attribute, &reading->table, sizeof reading->table);
	case FRA_GOTO:
		return read_bytes(attribute, &reading->target, sizeof reading->target);
	case FRA_PROTOCOL:
		return read_bytes(attribute, &reading->protocol, sizeof reading->protocol);
	case FRA_UID_RANGE:
		return parse_users(attribute, rule);
	case FRA_SRC:
		return parse_prefix(attribute, reading->family, reading->body->src_len, &rule->from);
	case FRA_DST:
		return parse_prefix(attribute, reading->family, reading->body->dst_len, &rule->to);
	case FRA_IIFNAME:
		return parse_link(attribute, rule);
	case FRA_IP_PROTO:
		return read_bytes(attribute, &rule->protocol, sizeof rule->protocol);
	case FRA_SPORT_RANGE:
		return parse_port(attribute, &rule->source_port);
	case FRA_DPORT_RANGE:
		return parse_port(attribute, &rule->destination_port);
	case FRA_SUPPRESS_PREFIXLEN: /* reported for each rule; all ones is none */
	case FRA_SUPPRESS_IFGROUP:
		return read_bytes(attribute, &number, sizeof number) && number == UINT32_MAX;
	case SOURCE_PORT_MASK:
	case DESTINATION_PORT_MASK:
		return read_bytes(attribute, &mask, sizeof mask) && mask == UINT16_MAX;
	default: /* a later kernel may have more to say */
		return mnl_attr_get_type(attribute) > DESTINATION_PORT_MASK;
	}
}

static bool does_of(const struct rule_reading *reading, struct route_rule *rule)
{
	switch (reading->body->action) {
	case FR_ACT_TO_TBL:
		rule->does = ROUTE_LOOK_UP;
		return reading->table == ROUTE_TABLE;
	case FR_ACT_GOTO:
		rule->does = ROUTE_GO_TO_END;
		return reading->target == ROUTE_END;
	case FR_ACT_NOP:
		rule->does = ROUTE_NOTHING;
		return true;
	default:
		return false;
	}
}

enum route_decoded route_decode_rule(const struct nlmsghdr *message, struct route_rule *rule)
{
	struct rule_reading reading = {.body = mnl_nlmsg_get_payload(message), .rule = rule};
	size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof *reading.body);
	const struct nlattr *attribute;
	bool known = true, inverted;

	memset(rule, 0, sizeof *rule);
	if (message->nlmsg_len < at || (reading.family = our_family(reading.body->family)) == NET_NONE)
		return ROUTE_IS_NOT_OURS;
	while ((attribute = next(message, &at)) != NULL)
		known = read_rule(attribute, &reading) && known;
	if (reading.protocol != ROUTE_PROTOCOL)
		return ROUTE_IS_NOT_OURS;
	inverted = (reading.body->flags & FIB_RULE_INVERT) != 0;
	known = known && inverted == (strcmp(rule->link, LOOPBACK) == 0);
	if (inverted)
		memset(rule->link, 0, sizeof rule->link);
	return known && reading.body->tos == 0 && does_of(&reading, rule) ? ROUTE_IS_OURS : ROUTE_IS_STRANGE;
}

struct entry_reading {
	uint8_t family;
	uint32_t table;
	struct route_entry *entry;
};

static bool read_entry(const struct nlattr *attribute, const struct rtmsg *body,
		       struct entry_reading *reading)
{
	struct route_entry *entry = reading->entry;
	struct net_prefix source = {.length = 0};

	switch (mnl_attr_get_type(attribute)) {
	case RTA_TABLE:
		return read_bytes(attribute, &reading->table, sizeof reading->table);
	case RTA_DST:
		return parse_prefix(attribute, reading->family, body->rtm_dst_len, &entry->to);
	case RTA_PRIORITY:
		return read_bytes(attribute, &entry->metric, sizeof entry->metric);
	case RTA_OIF:
		return read_bytes(attribute, &entry->index, sizeof entry->index);
	case RTA_PREFSRC:
		if (!parse_prefix(attribute, reading->family, 0, &source))
			return false;
		entry->source = source.address;
		return true;
	case RTA_CACHEINFO:
	case RTA_PREF:
		return true;
	default: /* a gateway, several next hops, metrics: not ours */
		return false;
	}
}

static bool leads_of(const struct rtmsg *body, struct route_entry *entry)
{
	/* The kernel names loopback for what leads nowhere. */
	if (body->rtm_type != RTN_UNICAST)
		entry->index = 0;
	entry->leads = body->rtm_type == RTN_UNICAST       ? ROUTE_TO_TUNNEL
		       : body->rtm_type == RTN_UNREACHABLE ? ROUTE_UNREACHABLE
							   : ROUTE_ELSEWHERE;
	return entry->leads != ROUTE_ELSEWHERE || body->rtm_type == RTN_THROW;
}

enum route_decoded route_decode_entry(const struct nlmsghdr *message, struct route_entry *entry)
{
	const struct rtmsg *body = mnl_nlmsg_get_payload(message);
	size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof *body);
	struct entry_reading reading = {.entry = entry};
	const struct nlattr *attribute;
	bool known = true;

	memset(entry, 0, sizeof *entry);
	if (message->nlmsg_len < at || (reading.family = our_family(body->rtm_family)) == NET_NONE ||
	    (body->rtm_flags & RTM_F_CLONED) != 0)
		return ROUTE_IS_NOT_OURS;
	entry->to.address.family = reading.family;
	reading.table = body->rtm_table;
	while ((attribute = next(message, &at)) != NULL)
		known = read_entry(attribute, body, &reading) && known;
	if (reading.table != ROUTE_TABLE)
		return ROUTE_IS_NOT_OURS;
	return known && body->rtm_protocol == ROUTE_PROTOCOL && body->rtm_tos == 0 &&
		       body->rtm_scope == RT_SCOPE_UNIVERSE && body->rtm_src_len == 0 && leads_of(body, entry)
		   ? ROUTE_IS_OURS
		   : ROUTE_IS_STRANGE;
}

static bool has_nexthop_object(const struct nlmsghdr *message)
{
	size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtmsg));
	const struct nlattr *attribute;

	while ((attribute = next(message, &at)) != NULL) {
		if (mnl_attr_get_type(attribute) == RTA_NH_ID)
			return true;
	}
	return false;
}

/* A route by a nexthop object is told with what the object says, and is not deleted by both; and one by many
 * routers is longer than a message of ours. Its place in the table and its object name it, too. */
static void keep_place(const struct nlmsghdr *message, struct route_raw *raw)
{
	size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtmsg));
	struct nlmsghdr *kept = message_begin(raw->bytes, RTM_NEWROUTE, 0, sizeof(struct rtmsg));
	const struct nlattr *attribute;

	memcpy(mnl_nlmsg_get_payload(kept), mnl_nlmsg_get_payload(message), sizeof(struct rtmsg));
	((struct rtmsg *)mnl_nlmsg_get_payload(kept))->rtm_flags = 0;
	while ((attribute = next(message, &at)) != NULL) {
		uint16_t type = mnl_attr_get_type(attribute);

		if ((type == RTA_DST || type == RTA_TABLE || type == RTA_PRIORITY || type == RTA_NH_ID) &&
		    mnl_attr_get_payload_len(attribute) <= sizeof(struct net_address))
			(void)mnl_attr_put_check(kept, sizeof raw->bytes, type,
						 mnl_attr_get_payload_len(attribute),
						 mnl_attr_get_payload(attribute));
	}
}

bool route_keep(const struct nlmsghdr *message, struct route_raw *raw)
{
	bool fits = message->nlmsg_len <= sizeof raw->bytes;

	if (message->nlmsg_type == RTM_NEWROUTE && (!fits || has_nexthop_object(message)))
		keep_place(message, raw);
	else if (fits)
		memcpy(raw->bytes, message, message->nlmsg_len);
	return fits || message->nlmsg_type == RTM_NEWROUTE;
}

static bool same_prefix(const struct net_prefix *a, const struct net_prefix *b)
{
	return a->length == b->length && (a->length == 0 || net_address_equal(&a->address, &b->address));
}

bool route_rule_equal(const struct route_rule *a, const struct route_rule *b)
{
	return a->priority == b->priority && a->does == b->does && a->received == b->received &&
	       strcmp(a->link, b->link) == 0 && a->by_user == b->by_user && a->user_first == b->user_first &&
	       a->user_last == b->user_last && same_prefix(&a->from, &b->from) &&
	       same_prefix(&a->to, &b->to) && a->protocol == b->protocol &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port;
}

bool route_entry_equal(const struct route_entry *a, const struct route_entry *b)
{
	return same_prefix(&a->to, &b->to) && a->leads == b->leads && a->metric == b->metric &&
	       a->index == b->index && net_address_equal(&a->source, &b->source);
}

struct nlmsghdr *route_request_rules(char *buffer, uint8_t family)
{
	struct nlmsghdr *message =
	    message_begin(buffer, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *body = mnl_nlmsg_get_payload(message);

	body->family = kernel_family(family);
	return message;
}

struct nlmsghdr *route_request_entries(char *buffer, uint8_t family)
{
	struct nlmsghdr *message = message_begin(buffer, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(message);

	body->rtm_family = kernel_family(family);
	mnl_attr_put_u32(message, RTA_TABLE, ROUTE_TABLE);
	return message;
}

static void put_port(struct nlmsghdr *message, uint16_t type, uint16_t port)
{
	struct fib_rule_port_range range = {port, port};

	if (port != 0)
		mnl_attr_put(message, type, sizeof range, &range);
}

static void put_who(struct nlmsghdr *message, uint8_t family, const struct route_rule *rule)
{
	struct fib_rule_uid_range users = {rule->user_first, rule->user_last};

	if (rule->received)
		mnl_attr_put_strz(message, FRA_IIFNAME, rule->link[0] != '\0' ? rule->link : LOOPBACK);
	if (rule->by_user)
		mnl_attr_put(message, FRA_UID_RANGE, sizeof users, &users);
	if (rule->from.length > 0)
		mnl_attr_put(message, FRA_SRC, size_of(family), rule->from.address.bytes);
	if (rule->to.length > 0)
		mnl_attr_put(message, FRA_DST, size_of(family), rule->to.address.bytes);
	if (rule->protocol != 0)
		mnl_attr_put_u8(message, FRA_IP_PROTO, rule->protocol);
	put_port(message, FRA_SPORT_RANGE, rule->source_port);
	put_port(message, FRA_DPORT_RANGE, rule->destination_port);
}

struct nlmsghdr *route_add_rule(char *buffer, uint8_t family, const struct route_rule *rule)
{
	struct nlmsghdr *message =
	    message_begin(buffer, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct fib_rule_hdr));
	struct fib_rule_hdr *body = mnl_nlmsg_get_payload(message);

	body->family = kernel_family(family);
	body->src_len = rule->from.length;
	body->dst_len = rule->to.length;
	body->flags = rule->received && rule->link[0] == '\0' ? FIB_RULE_INVERT : 0;
	body->action = rule->does == ROUTE_LOOK_UP     ? FR_ACT_TO_TBL
		       : rule->does == ROUTE_GO_TO_END ? FR_ACT_GOTO
						       : FR_ACT_NOP;
	mnl_attr_put_u32(message, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(message, FRA_PROTOCOL, ROUTE_PROTOCOL);
	if (rule->does == ROUTE_LOOK_UP)
		mnl_attr_put_u32(message, FRA_TABLE, ROUTE_TABLE);
	else if (rule->does == ROUTE_GO_TO_END)
		mnl_attr_put_u32(message, FRA_GOTO, ROUTE_END);
	put_who(message, family, rule);
	return message;
}

struct nlmsghdr *route_add_entry(char *buffer, const struct route_entry *entry)
{
	struct nlmsghdr *message =
	    message_begin(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct rtmsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(message);
	uint8_t family = entry->to.address.family;

	body->rtm_family = kernel_family(family);
	body->rtm_dst_len = entry->to.length;
	body->rtm_table = RT_TABLE_UNSPEC;
	body->rtm_protocol = ROUTE_PROTOCOL;
	/* Not of the link: when somebody sets a route by a router, the kernel asks all tables whether the
	 * router is on a link. It must not find it in ours. */
	body->rtm_scope = RT_SCOPE_UNIVERSE;
	body->rtm_type = entry->leads == ROUTE_TO_TUNNEL     ? RTN_UNICAST
			 : entry->leads == ROUTE_UNREACHABLE ? RTN_UNREACHABLE
							     : RTN_THROW;
	mnl_attr_put_u32(message, RTA_TABLE, ROUTE_TABLE);
	mnl_attr_put_u32(message, RTA_PRIORITY, entry->metric);
	if (entry->to.length > 0)
		mnl_attr_put(message, RTA_DST, size_of(family), entry->to.address.bytes);
	if (entry->leads == ROUTE_TO_TUNNEL) {
		mnl_attr_put_u32(message, RTA_OIF, entry->index);
		mnl_attr_put(message, RTA_PREFSRC, size_of(family), entry->source.bytes);
	}
	return message;
}

struct nlmsghdr *route_ask(char *buffer, const struct route_question *question)
{
	struct nlmsghdr *message = message_begin(buffer, RTM_GETROUTE, 0, sizeof(struct rtmsg));
	struct rtmsg *body = mnl_nlmsg_get_payload(message);
	size_t size = size_of(question->to.family);
	uint16_t port = htons(question->port);

	body->rtm_family = kernel_family(question->to.family);
	body->rtm_dst_len = (uint8_t)(size * 8);
	mnl_attr_put(message, RTA_DST, size, question->to.bytes);
	if (question->from.family != NET_NONE) {
		body->rtm_src_len = body->rtm_dst_len;
		mnl_attr_put(message, RTA_SRC, size, question->from.bytes);
	}
	if (question->received != 0)
		mnl_attr_put_u32(message, RTA_IIF, question->received);
	else
		mnl_attr_put_u32(message, RTA_UID, question->user);
	if (question->protocol != 0)
		mnl_attr_put_u8(message, RTA_IP_PROTO, question->protocol);
	if (question->port != 0)
		mnl_attr_put(message, RTA_DPORT, sizeof port, &port);
	return message;
}

static bool read_answer(const struct nlattr *attribute, uint8_t family, struct route_answer *answer)
{
	struct net_prefix source = {.length = 0};

	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		return read_bytes(attribute, &answer->index, sizeof answer->index);
	case RTA_PREFSRC:
		if (!parse_prefix(attribute, family, 0, &source))
			return false;
		answer->source = source.address;
		return true;
	default:
		return true;
	}
}

bool route_decode_answer(const struct nlmsghdr *message, struct route_answer *answer)
{
	const struct rtmsg *body = mnl_nlmsg_get_payload(message);
	size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof *body);
	const struct nlattr *attribute;
	uint8_t family;

	memset(answer, 0, sizeof *answer);
	if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < at ||
	    (family = our_family(body->rtm_family)) == NET_NONE)
		return false;
	answer->type = body->rtm_type;
	while ((attribute = next(message, &at)) != NULL) {
		if (!read_answer(attribute, family, answer))
			return false;
	}
	return true;
}

struct nlmsghdr *route_ask_link(char *buffer, unsigned index)
{
	struct nlmsghdr *message = message_begin(buffer, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *body = mnl_nlmsg_get_payload(message);

	body->ifi_index = (int)index;
	return message;
}

struct nlmsghdr *route_ask_addresses(char *buffer)
{
	return message_begin(buffer, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
}

struct nlmsghdr *route_delete(struct route_raw *raw)
{
	struct nlmsghdr *message = (void *)raw->bytes;

	message->nlmsg_type = message->nlmsg_type == RTM_NEWRULE ? RTM_DELRULE : RTM_DELROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_pid = 0;
	return message;
}
