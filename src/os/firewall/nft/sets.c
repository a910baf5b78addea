/* The sets of our tables: their kinds, their members in a situation, and reading them back. */
#include "os/firewall/nft/sets.h"

#include <endian.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "policy/print.h"

enum { RESOLVER_TIME = POLICY_RESOLVER_SECONDS * 1000, CLAIM_TIME = POLICY_CLAIM_LONGEST * 1000 };
enum { PORTAL_TIME = POLICY_PORTAL_SECONDS * 1000 };

/* nft's numbers of types: only `nft list` reads them. A concatenation is 6 bits each. */
enum {
	TYPE_NFPROTO = 2,
	TYPE_NUMBER = 4,
	TYPE_IPV4 = 7,
	TYPE_IPV6 = 8,
	TYPE_PROTO = 12,
	TYPE_PORT = 13,
	TYPE_LINK = 20,
	TYPE_USER = 24,
	TYPE_PACKET = 31,
	TYPE_LINK_NAME = 41,
	TYPE_TUNNEL = TYPE_LINK << 6 | TYPE_LINK_NAME,
	TYPE_ASKED = TYPE_NUMBER << 6 | TYPE_LINK,
	TYPE_SERVICE = TYPE_PROTO << 6 | TYPE_PORT,
	TYPE_ENDPOINT4 = TYPE_IPV4 << 12 | TYPE_PROTO << 6 | TYPE_PORT,
	TYPE_ENDPOINT6 = TYPE_IPV6 << 12 | TYPE_PROTO << 6 | TYPE_PORT
};

#define BOTH(n, s, f, t)                                                                                     \
	{n "4", NFT_INET, TYPE_IPV4, 4, f, t, s, NET_IPV4},                                                  \
	{                                                                                                    \
		n "6", NFT_INET, TYPE_IPV6, 16, f, t, s, NET_IPV6                                            \
	}

const struct nft_set nft_sets[NFT_SETS] = {
    {"endpoint4", NFT_INET, TYPE_ENDPOINT4, 12, 0, 0, SET_ENDPOINT, NET_IPV4},
    {"endpoint6", NFT_INET, TYPE_ENDPOINT6, 24, 0, 0, SET_ENDPOINT, NET_IPV6},
    BOTH("endpoint_address", SET_ENDPOINT_ADDRESS, 0, 0),
    BOTH("resolver", SET_RESOLVER, NFT_SET_TIMEOUT, RESOLVER_TIME),
    BOTH("tunnel_address", SET_TUNNEL_ADDRESS, 0, 0),
    BOTH("tunnel_networks", SET_TUNNEL_NETWORKS, NFT_SET_INTERVAL, 0),
    BOTH("lan", SET_LAN, NFT_SET_INTERVAL, 0),
    BOTH("dhcp_servers", SET_DHCP_SERVERS, NFT_SET_INTERVAL, 0),
    {"neighbours6", NFT_INET, TYPE_IPV6, 16, NFT_SET_INTERVAL, 0, SET_NEIGHBOURS, NET_IPV6},
    {"link_local_or_none6", NFT_INET, TYPE_IPV6, 16, NFT_SET_INTERVAL, 0, SET_LINK_LOCAL_OR_NONE, NET_IPV6},
    {"mld_routers6", NFT_INET, TYPE_IPV6, 16, 0, 0, SET_MLD_ROUTERS, NET_IPV6},
    {"tunnel_link", NFT_INET, TYPE_TUNNEL, 4 + NET_NAME_SIZE, 0, 0, SET_TUNNEL, NET_NONE},
    {"dhcp_users", NFT_INET, TYPE_USER, 4, 0, 0, SET_DHCP_USERS, NET_NONE},
    {"dns_ports", NFT_INET, TYPE_PORT, 2, 0, 0, SET_DNS_PORTS, NET_NONE},
    [NFT_PAUSED] = {"paused", NFT_INET, TYPE_NFPROTO, 1, NFT_SET_TIMEOUT, 0, SET_ANY, NET_NONE},
    {"dhcp_servers4", NFT_NETDEV, TYPE_IPV4, 4, NFT_SET_INTERVAL, 0, SET_DHCP_SERVERS, NET_IPV4},
    {"dhcp_users", NFT_NETDEV, TYPE_USER, 4, 0, 0, SET_DHCP_USERS, NET_NONE},
    [NFT_PAUSED_LINKS] = {"paused_links", NFT_NETDEV, TYPE_PACKET, 1, NFT_SET_TIMEOUT, 0, SET_ANY, NET_NONE},
    {"lan_side", NFT_INET, TYPE_LINK_NAME, NET_NAME_SIZE, 0, 0, SET_LAN_SIDE, NET_NONE},
    BOTH("clients", SET_CLIENTS, NFT_SET_INTERVAL, 0),
    {"lan_side", NFT_NETDEV, TYPE_LINK_NAME, NET_NAME_SIZE, 0, 0, SET_LAN_SIDE, NET_NONE},
    {"lan_side", NFT_BRIDGE, TYPE_LINK_NAME, NET_NAME_SIZE, 0, 0, SET_LAN_SIDE, NET_NONE},
    [NFT_TUNNEL_LINKS] = {"tunnel_link", NFT_NETDEV, TYPE_TUNNEL, 4 + NET_NAME_SIZE, 0, 0, SET_TUNNEL,
			  NET_NONE},
    [NFT_CLAIMED] = {POLICY_NFT_CLAIMED, NFT_INET, TYPE_NUMBER, 4, NFT_SET_EVAL | NFT_SET_TIMEOUT, CLAIM_TIME,
		     SET_ANY, NET_NONE},
    [NFT_ASKED] = {POLICY_NFT_ASKED, NFT_INET, TYPE_ASKED, 8, NFT_SET_EVAL | NFT_SET_TIMEOUT, CLAIM_TIME,
		   SET_ANY, NET_NONE},
    [NFT_PORTAL] = {"portal", NFT_INET, TYPE_SERVICE, 8, NFT_SET_TIMEOUT, PORTAL_TIME, SET_PORTAL, NET_NONE},
    [NFT_PORTAL_ANY] = {"portal_any", NFT_INET, TYPE_SERVICE, 8, NFT_SET_TIMEOUT, PORTAL_TIME, SET_PORTAL_ANY,
			NET_NONE},
    BOTH("private", SET_PRIVATE, NFT_SET_INTERVAL, 0),
};

bool nft_is_dynamic(const struct nft_set *set)
{
	return set->flags & NFT_SET_EVAL;
}

enum rule_gateway nft_gateway_of(const struct nft_set *set)
{
	if (nft_is_dynamic(set))
		return GATEWAY_NEVER;
	return set->set == SET_LAN_SIDE || set->set == SET_CLIENTS ? GATEWAY_ONLY : GATEWAY_EITHER;
}

/* What `nft list` needs to say what the keys are of, in its own form: "typeof ct id", "typeof ct id . iif".
 */
static void put_key_words(struct nlmsghdr *m, unsigned set)
{
	static const uint8_t ct_id[] = {0, 4,  2, 0, 0,  0, 3, 20, 0, 4, 12,  0,   0,   0,
					1, 12, 0, 4, 23, 0, 0, 0,  1, 4, 255, 255, 255, 255};
	static const uint8_t ct_id_and_link[] = {
	    0, 4,  0, 0, 0, 0, 3, 46,  0,   4,   13,  0, 0,  0, 1, 38, 0, 20, 0, 4, 12, 0, 0, 0, 1, 12, 0,
	    4, 23, 0, 0, 0, 1, 4, 255, 255, 255, 255, 1, 14, 0, 4, 9,  0, 0,  0, 1, 6,  0, 4, 4, 0, 0,  0};

	if (set == NFT_CLAIMED)
		nft_put(m, NFTA_SET_USERDATA, ct_id, sizeof ct_id);
	else
		nft_put(m, NFTA_SET_USERDATA, ct_id_and_link, sizeof ct_id_and_link);
}

static void put_room(struct nlmsghdr *m)
{
	struct nlattr *nest = nft_nest_begin(m, NFTA_SET_DESC);

	nft_put_be32(m, NFTA_SET_DESC_SIZE, POLICY_CLAIM_ROOM);
	nft_nest_end(m, nest);
}

void nft_put_set(struct nlmsghdr *m, unsigned set)
{
	static const uint8_t host_order[] = {0, 4, 1, 0, 0, 0}; /* for `nft list`: numbers, not addresses */
	const struct nft_set *kind = &nft_sets[set];

	nft_put_text(m, NFTA_SET_NAME, kind->name);
	nft_put_be32(m, NFTA_SET_FLAGS, kind->flags);
	nft_put_be32(m, NFTA_SET_KEY_TYPE, kind->type);
	nft_put_be32(m, NFTA_SET_KEY_LEN, kind->length);
	if (kind->type == TYPE_USER || kind->type == TYPE_LINK_NAME)
		nft_put(m, NFTA_SET_USERDATA, host_order, sizeof host_order);
	if (nft_is_dynamic(kind)) {
		put_key_words(m, set);
		put_room(m);
		nft_put_be64(m, NFTA_SET_TIMEOUT, kind->timeout);
	}
	nft_put_be32(m, NFTA_SET_ID, set + 1); /* asked for, though names would do */
}

/* --- members in a situation --------------------------------------------------- */

void nft_add_element(struct nft_elements *elements, const void *key, size_t size, bool is_end)
{
	struct nft_element *element = &elements->list[elements->count];

	if (elements->count == NFT_ELEMENTS)
		return; /* can't be: NFT_ELEMENTS is twice what policy_members gives */
	memset(element, 0, sizeof *element);
	memcpy(element->key, key, size);
	element->end = is_end;
	elements->count++;
}

/* The first address after the prefix; false if there is none. */
static bool address_after(const struct net_prefix *prefix, size_t size, uint8_t *address)
{
	size_t i = prefix->length == 0 ? 0 : (prefix->length - 1u) / 8u;
	unsigned sum;

	memcpy(address, prefix->address.bytes, size);
	if (prefix->length == 0)
		return false;
	sum = address[i] + (0x80u >> (prefix->length - 1u) % 8u);
	address[i] = (uint8_t)sum;
	while (sum > 0xff && i > 0) {
		sum = address[--i] + 1u;
		address[i] = (uint8_t)sum;
	}
	return sum <= 0xff;
}

static void add_endpoint(struct nft_elements *elements, const struct nft_set *set,
			 const struct net_endpoint *endpoint)
{
	uint8_t key[NFT_KEY] = {0};
	size_t size = set->family == NET_IPV4 ? 4 : 16;

	memcpy(key, endpoint->address.bytes, size);
	key[size] = endpoint->proto; /* each field fills 4 bytes */
	key[size + 4] = (uint8_t)(endpoint->port >> 8);
	key[size + 5] = (uint8_t)endpoint->port;
	nft_add_element(elements, key, set->length, false);
}

static void add_addresses(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t total = policy_members(set->set, s, set->family, members, RULE_MEMBERS_MAX);
	uint8_t after[16];

	for (size_t i = 0; i < total && i < RULE_MEMBERS_MAX; i++) {
		if (set->set == SET_ENDPOINT) {
			add_endpoint(elements, set, &s->endpoint);
			continue;
		}
		nft_add_element(elements, members[i].address.bytes, set->length, false);
		if ((set->flags & NFT_SET_INTERVAL) && address_after(&members[i], set->length, after))
			nft_add_element(elements, after, set->length, true);
	}
}

static void add_users(struct nft_elements *elements, const struct identity *dhcp_user)
{
	uint32_t root = 0;

	nft_add_element(elements, &root, sizeof root, false);
	if (dhcp_user->known && dhcp_user->number != root)
		nft_add_element(elements, &dhcp_user->number, sizeof dhcp_user->number, false);
}

static void add_tunnel(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	uint8_t key[NFT_KEY] = {0};

	memcpy(key, &s->tunnel.index, sizeof s->tunnel.index);
	memcpy(key + sizeof s->tunnel.index, POLICY_NFT_TUN, sizeof POLICY_NFT_TUN);
	nft_add_element(elements, key, set->length, false);
}

static void add_portal(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	const struct policy_service *services;
	size_t count = policy_services(set->set, s, &services);

	for (size_t i = 0; i < count; i++) {
		const uint8_t key[8] = {services[i].proto, [4] = (uint8_t)(services[i].port >> 8),
					(uint8_t)services[i].port};

		nft_add_element(elements, key, sizeof key, false);
	}
}

void nft_members(struct nft_elements *elements, const struct nft_set *set, const struct situation *s)
{
	static const uint8_t dns_ports[][2] = {{0, 53}, {853 >> 8, 853 & 0xff}};

	elements->count = 0;
	if (set->family != NET_NONE)
		add_addresses(elements, set, s);
	else if (set->set == SET_TUNNEL && s->state == POLICY_OPEN)
		add_tunnel(elements, set, s);
	else if (set->set == SET_DHCP_USERS)
		add_users(elements, &s->dhcp_user);
	else if (set->set == SET_PORTAL || set->set == SET_PORTAL_ANY)
		add_portal(elements, set, s);
	for (size_t i = 0; i < s->lan_side_count && set->set == SET_LAN_SIDE; i++)
		nft_add_element(elements, s->lan_side[i], sizeof s->lan_side[i], false);
	for (size_t i = 0; i < 2 && set->set == SET_DNS_PORTS; i++)
		nft_add_element(elements, dns_ports[i], 2, false);
}

/* --- as messages ---------------------------------------------------------------- */

static struct nlmsghdr *members_begin(struct nft_buffer *to, const struct nft_features *features,
				      unsigned set, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = nft_message_of(to, features, nft_sets[set].table, type, flags);

	nft_put_text(m, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	return m;
}

static void put_element(struct nlmsghdr *m, const struct nft_set *set, const struct nft_element *element,
			uint32_t timeout)
{
	struct nlattr *nest = nft_nest_begin(m, NFTA_LIST_ELEM);

	if (element->end)
		nft_put_be32(m, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	if (timeout != 0)
		nft_put_be64(m, NFTA_SET_ELEM_TIMEOUT, timeout);
	nft_put_data(m, NFTA_SET_ELEM_KEY, element->key, set->length);
	nft_nest_end(m, nest);
}

void nft_put_members(struct nft_buffer *to, const struct nft_features *features, unsigned set,
		     const struct nft_elements *elements, bool flush, uint32_t timeout)
{
	struct nlmsghdr *m;
	struct nlattr *list;

	if (flush)
		nft_message_end(to, members_begin(to, features, set, NFT_MSG_DELSETELEM, 0));
	if (elements->count == 0)
		return;
	m = members_begin(to, features, set, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	list = nft_nest_begin(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < elements->count; i++)
		put_element(m, &nft_sets[set], &elements->list[i], timeout);
	nft_nest_end(m, list);
	nft_message_end(to, m);
}

/* --- read back -------------------------------------------------------------------- */

static bool parse_element(struct nft_elements *to, const struct nft_set *set, struct attributes element)
{
	static const uint16_t foreign[] = {NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_EXPR, NFTA_SET_ELEM_OBJREF,
					   NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_EXPRESSIONS};
	const struct nlattr *key = attributes_find(element, NFTA_SET_ELEM_KEY);
	uint64_t time = nft_long_number(element, NFTA_SET_ELEM_TIMEOUT); /* 0: for ever */

	key = key == NULL ? NULL : attributes_find(attributes_inside(key), NFTA_DATA_VALUE);
	if (key == NULL || mnl_attr_get_payload_len(key) != set->length || to->count == NFT_ELEMENTS)
		return false;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		if (attributes_find(element, foreign[i]) != NULL)
			return false;
	if (set->timeout != 0 && (time == 0 || time > set->timeout))
		return false;
	nft_add_element(to, mnl_attr_get_payload(key), set->length,
			(nft_number(element, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0);
	return true;
}

bool nft_parse_members(struct nft_elements *to, const struct nft_set *set, const struct nlmsghdr *message)
{
	const struct nlattr *list = attributes_find(nft_attributes(message), NFTA_SET_ELEM_LIST_ELEMENTS);
	bool is_ours = true;

	for (const struct nlattr *a = attributes_first(attributes_inside(list)); a != NULL;
	     a = attributes_next(attributes_inside(list), a))
		is_ours = parse_element(to, set, attributes_inside(a)) && is_ours;
	return is_ours;
}

bool nft_same_members(const struct nft_elements *a, const struct nft_elements *b)
{
	return a->count == b->count && memcmp(a->list, b->list, a->count * sizeof a->list[0]) == 0;
}

static bool holds(const struct nft_elements *elements, const struct nft_element *element)
{
	for (size_t i = 0; i < elements->count; i++)
		if (memcmp(&elements->list[i], element, sizeof *element) == 0)
			return true;
	return false;
}

bool nft_are_wanted(const struct nft_set *set, const struct nft_elements *actual,
		    const struct nft_elements *wanted)
{
	for (size_t i = 0; i < actual->count; i++)
		if (!holds(wanted, &actual->list[i]))
			return false;
	return set->timeout != 0 || actual->count == wanted->count;
}
