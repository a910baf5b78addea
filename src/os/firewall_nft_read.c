/* What the kernel holds, compared with what is wanted. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "os/firewall_nft.h"
#include "policy/print.h"

/* --- attributes ------------------------------------------------------------- */

struct attributes {
	const struct nlattr *first;
	size_t size;
};

#define FOR_EACH(a, list)                                                                                    \
	for ((a) = (list).first; mnl_attr_ok(                                                                \
		 (a), (int)((list).size - (size_t)((const char *)(a) - (const char *)(list).first)));        \
	     (a) = mnl_attr_next(a))

static struct attributes of_message(const struct nlmsghdr *message)
{
	return (struct attributes){mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
				   mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct nfgenmsg))};
}

static struct attributes inside(const struct nlattr *a)
{
	return (struct attributes){mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)};
}

/* The attribute of `type` with `position` others of its type before it, or NULL. */
static const struct nlattr *find(struct attributes list, uint16_t type, unsigned position)
{
	const struct nlattr *a;

	FOR_EACH(a, list)
	if (mnl_attr_get_type(a) == type && position-- == 0)
		return a;
	return NULL;
}

static unsigned position_of(struct attributes list, const struct nlattr *which)
{
	const struct nlattr *a;
	unsigned position = 0;

	FOR_EACH(a, list)
	{
		if (a == which)
			break;
		position += mnl_attr_get_type(a) == mnl_attr_get_type(which);
	}
	return position;
}

static bool is_zero(const struct nlattr *a)
{
	const uint8_t *bytes = mnl_attr_get_payload(a);

	for (size_t i = 0; i < mnl_attr_get_payload_len(a); i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static uint32_t number(struct attributes list, uint16_t type)
{
	const struct nlattr *a = find(list, type, 0);

	return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t) ? 0 : ntohl(mnl_attr_get_u32(a));
}

static uint64_t long_number(struct attributes list, uint16_t type)
{
	const struct nlattr *a = find(list, type, 0);

	return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint64_t) ? 0 : be64toh(mnl_attr_get_u64(a));
}

/* --- comparing ---------------------------------------------------------------- */

enum { DEEPEST = 8, CHAIN_BINDING = 0x4 /* NFT_CHAIN_BINDING, younger than some headers */ };

static bool same_attributes(struct attributes want, struct attributes have, uint64_t ignored, unsigned depth);

static bool same_value(const struct nlattr *want, const struct nlattr *have, uint64_t ignored, unsigned depth)
{
	size_t size = mnl_attr_get_payload_len(want);

	if (want->nla_type & NLA_F_NESTED)
		return depth < DEEPEST && same_attributes(inside(want), inside(have), ignored, depth + 1);
	return size == mnl_attr_get_payload_len(have) &&
	       memcmp(mnl_attr_get_payload(want), mnl_attr_get_payload(have), size) == 0;
}

/* All that is wanted is there, in order, and nothing else, but for zeros: the
 * kernel spells out defaults. `ignored` has a bit for each type to pass over. */
static bool same_attributes(struct attributes want, struct attributes have, uint64_t ignored, unsigned depth)
{
	const struct nlattr *a, *other;

	FOR_EACH(a, want)
	{
		other = find(have, mnl_attr_get_type(a), position_of(want, a));
		if (other == NULL ? !is_zero(a) : !same_value(a, other, ignored, depth))
			return false;
	}
	FOR_EACH(a, have)
	{
		uint16_t type = mnl_attr_get_type(a);

		if (is_zero(a) || (type < 64 && (ignored >> type & 1)))
			continue;
		if (find(want, type, position_of(have, a)) == NULL)
			return false;
	}
	return true;
}

/* The attribute if it is there and says anything but zero: the kernel leaves some defaults out. */
static const struct nlattr *find_set(struct attributes list, uint16_t type)
{
	const struct nlattr *a = find(list, type, 0);

	return a == NULL || is_zero(a) ? NULL : a;
}

#define BIT(n) (UINT64_C(1) << (n))

/* What of an object decides what it does; the rest are handles, counts and names for readers. */
static uint64_t deciding(uint16_t type)
{
	switch (type) {
	case NFT_MSG_NEWCHAIN:
		return BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_HOOK) | BIT(NFTA_CHAIN_POLICY) |
		       BIT(NFTA_CHAIN_TYPE);
	case NFT_MSG_NEWSET:
		return BIT(NFTA_SET_NAME) | BIT(NFTA_SET_FLAGS) | BIT(NFTA_SET_KEY_TYPE) |
		       BIT(NFTA_SET_KEY_LEN) | BIT(NFTA_SET_DATA_TYPE) | BIT(NFTA_SET_TIMEOUT) |
		       BIT(NFTA_SET_OBJ_TYPE) | BIT(NFTA_SET_EXPR) | BIT(NFTA_SET_EXPRESSIONS);
	case NFT_MSG_NEWRULE:
		return BIT(NFTA_RULE_CHAIN) | BIT(NFTA_RULE_EXPRESSIONS);
	default:
		return BIT(NFTA_OBJ_NAME) | BIT(NFTA_OBJ_TYPE);
	}
}

static uint16_t type_of(const struct nlmsghdr *message)
{
	return message->nlmsg_type & 0xff;
}

static bool same_object(const struct nlmsghdr *want, const struct nlmsghdr *have, uint64_t mask)
{
	struct attributes wants = of_message(want), has = of_message(have);
	/* A chain's one device is told twice, the second time as a list. */
	uint64_t ignored = type_of(want) == NFT_MSG_NEWCHAIN ? BIT(NFTA_HOOK_DEVS) : 0;

	for (uint16_t i = 1; i < 64; i++) {
		const struct nlattr *a, *b;

		if (!(mask >> i & 1))
			continue;
		a = find_set(wants, i);
		b = find_set(has, i);
		if ((a == NULL) != (b == NULL) || (a != NULL && !same_value(a, b, ignored, 0)))
			return false;
	}
	return true;
}

/* --- tables --------------------------------------------------------------------- */

static struct nlmsghdr *question(uint8_t *room, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nft_buffer b = {.bytes = room, .size = NFT_MESSAGE};
	struct nlmsghdr *message = nft_message(&b, type, flags, family);

	if (type != NFT_MSG_GETGEN && type != NFT_MSG_GETCHAIN)
		mnl_attr_put_strz(message, NFTA_TABLE_NAME, POLICY_NFT_TABLE);
	return message;
}

uint32_t nft_generation_of(const struct nlmsghdr *message)
{
	return number(of_message(message), NFTA_GEN_ID);
}

static int take_generation(struct firewall *fw, const struct nlmsghdr *message, void *argument)
{
	uint32_t *generation = argument;

	(void)fw;
	*generation = nft_generation_of(message);
	return 0;
}

int nft_read_generation(struct firewall *fw, uint32_t *generation)
{
	return nft_ask(fw, question(fw->question, NFT_MSG_GETGEN, 0, AF_UNSPEC), take_generation, generation);
}

static int take_table(struct firewall *fw, const struct nlmsghdr *message, void *argument)
{
	unsigned *table = argument;

	fw->table[*table].exists = true;
	fw->table[*table].flags = number(of_message(message), NFTA_TABLE_FLAGS);
	fw->table[*table].owner = number(of_message(message), NFTA_TABLE_OWNER);
	return 0;
}

int nft_read_tables(struct firewall *fw)
{
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		int result;

		memset(&fw->table[i], 0, sizeof fw->table[i]);
		result = nft_ask(
		    fw, question(fw->question, NFT_MSG_GETTABLE, 0, nft_family(&fw->wish.features, i)),
		    take_table, &i);
		if (result != 0 && result != -ENOENT && result != -EOPNOTSUPP && result != -EAFNOSUPPORT)
			return result;
	}
	return 0;
}

/* --- objects, sets, chains, rules ------------------------------------------------ */

/* Where messages of a type carry the name; of a rule, its chain's. */
static uint16_t name_of(uint16_t type)
{
	return type == NFT_MSG_NEWCHAIN ? NFTA_CHAIN_NAME : NFTA_SET_NAME;
}
_Static_assert((int)NFTA_SET_NAME == (int)NFTA_OBJ_NAME && (int)NFTA_SET_NAME == (int)NFTA_RULE_CHAIN,
	       "name_of gives one number for three");

static void put_removal(struct firewall *fw, unsigned table, const struct nlmsghdr *found)
{
	uint16_t type = type_of(found);
	uint16_t removal = (uint16_t)(type + NFT_MSG_DELTABLE - NFT_MSG_NEWTABLE);
	struct nlmsghdr *m = nft_message(&fw->removals, removal, 0, nft_family(&fw->wish.features, table));

	mnl_attr_put_strz(m, NFTA_TABLE_NAME, POLICY_NFT_TABLE);
	mnl_attr_put_strz(m, name_of(type), nft_text(found, name_of(type)));
	if (type == NFT_MSG_NEWOBJ)
		nft_put_be32(m, NFTA_OBJ_TYPE, number(of_message(found), NFTA_OBJ_TYPE));
	nft_message_end(&fw->removals, m);
}

/* Sets and chains inside a rule come and go with it. */
static bool is_part_of_a_rule(const struct nlmsghdr *m)
{
	return (type_of(m) == NFT_MSG_NEWSET &&
		(number(of_message(m), NFTA_SET_FLAGS) & NFT_SET_ANONYMOUS)) ||
	       (type_of(m) == NFT_MSG_NEWCHAIN && (number(of_message(m), NFTA_CHAIN_FLAGS) & CHAIN_BINDING));
}

/* The piece that a found object must be: of its name, or for a rule the next of its chain. */
static struct nft_piece *piece_for(struct firewall *fw, unsigned table, const struct nlmsghdr *found)
{
	uint16_t name = name_of(type_of(found));

	for (size_t i = 0; i < fw->wish.count; i++) {
		struct nft_piece *piece = &fw->wish.pieces[i];
		const struct nlmsghdr *want = nft_piece_message(&fw->wish, piece);

		if (piece->table == table && !piece->present && want->nlmsg_type == found->nlmsg_type &&
		    strcmp(nft_text(want, name), nft_text(found, name)) == 0)
			return piece;
	}
	return NULL;
}

/* A chain with the right hook and the wrong policy is set right where it stands. */
static bool is_updatable(const struct firewall *fw, const struct nft_piece *piece,
			 const struct nlmsghdr *found)
{
	return piece != NULL && type_of(found) == NFT_MSG_NEWCHAIN &&
	       same_object(nft_piece_message(&fw->wish, piece), found,
			   deciding(NFT_MSG_NEWCHAIN) & ~BIT(NFTA_CHAIN_POLICY));
}

static int take_object(struct firewall *fw, const struct nlmsghdr *found, void *argument)
{
	unsigned table = *(const unsigned *)argument;
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(found);
	struct nft_piece *piece;

	if (generic->nfgen_family != nft_family(&fw->wish.features, table) ||
	    strcmp(nft_text(found, NFTA_TABLE_NAME), POLICY_NFT_TABLE) != 0 || is_part_of_a_rule(found))
		return 0;
	piece = piece_for(fw, table, found);
	if (piece != NULL &&
	    same_object(nft_piece_message(&fw->wish, piece), found, deciding(type_of(found)))) {
		piece->present = true;
		return 0;
	}
	fw->table[table].differs = true;
	nft_describe(found, fw->difference, sizeof fw->difference);
	if (type_of(found) != NFT_MSG_NEWRULE && !is_updatable(fw, piece, found))
		put_removal(fw, table, found); /* rules are emptied out as a whole */
	return 0;
}

/* Removals stand in the order in which they can be done: a set may name chains. */
static int read_objects(struct firewall *fw, unsigned table)
{
	static const uint16_t types[] = {NFT_MSG_GETSET, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ, NFT_MSG_GETRULE};
	int result;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		result = nft_ask(
		    fw, question(fw->question, types[i], NLM_F_DUMP, nft_family(&fw->wish.features, table)),
		    take_object, &table);
		if (result != 0)
			return result;
	}
	return 0;
}

/* A table that stands without `persist` can't be given it, and `owner` alone
 * would take the table away with us: such a one stays nobody's. */
uint32_t nft_table_flags(const struct firewall *fw, unsigned table)
{
	if (!fw->wish.features.persist ||
	    (fw->table[table].exists && !(fw->table[table].flags & NFT_PERSIST)))
		return 0;
	return NFT_TABLE_F_OWNER | NFT_PERSIST;
}

static bool is_held(const struct firewall *fw, unsigned table)
{
	uint32_t flags = nft_table_flags(fw, table);

	return fw->table[table].exists && fw->table[table].flags == flags &&
	       (flags == 0 || fw->table[table].owner == fw->port);
}

/* --- elements ---------------------------------------------------------------------- */

struct expected {
	const struct nft_set *set;
	uint32_t generation; /* 0: any */
	bool differs;
};

static bool take_element(struct nft_elements *found, const struct nft_set *set, struct attributes element)
{
	static const uint16_t foreign[] = {NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_EXPR, NFTA_SET_ELEM_OBJREF,
					   NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_EXPRESSIONS};
	const struct nlattr *key = find(element, NFTA_SET_ELEM_KEY, 0);
	struct nft_element *to = &found->list[found->count];

	key = key == NULL ? NULL : find(inside(key), NFTA_DATA_VALUE, 0);
	if (key == NULL || mnl_attr_get_payload_len(key) != set->length || found->count == NFT_ELEMENTS)
		return false;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		if (find(element, foreign[i], 0) != NULL)
			return false;
	if (set->timeout != 0 && long_number(element, NFTA_SET_ELEM_TIMEOUT) > set->timeout)
		return false;
	memset(to, 0, sizeof *to);
	memcpy(to->key, mnl_attr_get_payload(key), set->length);
	to->end = (number(element, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0;
	found->count++;
	return true;
}

static int take_elements(struct firewall *fw, const struct nlmsghdr *message, void *argument)
{
	struct expected *expected = argument;
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);
	const struct nlattr *list = find(of_message(message), NFTA_SET_ELEM_LIST_ELEMENTS, 0), *a;

	if (expected->generation != 0 && ntohs(generic->res_id) != (uint16_t)expected->generation)
		return -1;
	if (list == NULL)
		return 0;
	FOR_EACH(a, inside(list))
	if (!take_element(&fw->found, expected->set, inside(a)))
		expected->differs = true;
	return 0;
}

static bool holds(const struct nft_elements *elements, const struct nft_element *element)
{
	for (size_t i = 0; i < elements->count; i++)
		if (memcmp(&elements->list[i], element, sizeof *element) == 0)
			return true;
	return false;
}

/* Both were made by nft_wish_elements, so the order is the same too. */
bool nft_set_changes(const struct firewall *fw, unsigned set)
{
	const struct nft_elements *want = &fw->wish.want[set], *held = &fw->held[set];

	return want->count != held->count ||
	       memcmp(want->list, held->list, want->count * sizeof want->list[0]) != 0;
}

/* 0: the kernel's members are what is wanted; 1: they are not; negative errno.
 * Members with a time may be gone already. */
int nft_read_set(struct firewall *fw, unsigned set, uint32_t generation)
{
	struct expected expected = {.set = &nft_sets[set], .generation = generation};
	struct nlmsghdr *m = question(fw->question, NFT_MSG_GETSETELEM, NLM_F_DUMP,
				      nft_family(&fw->wish.features, nft_sets[set].table));
	int result;

	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	fw->found.count = 0;
	result = nft_ask(fw, m, take_elements, &expected);
	if (result != 0)
		return result;
	for (size_t i = 0; i < fw->found.count; i++)
		if (!holds(&fw->wish.want[set], &fw->found.list[i]))
			expected.differs = true;
	if (nft_sets[set].timeout == 0 && fw->found.count != fw->wish.want[set].count)
		expected.differs = true;
	return expected.differs;
}

static int read_sets(struct firewall *fw)
{
	for (unsigned i = 0; i < NFT_SETS; i++) {
		unsigned table = nft_sets[i].table;
		int result;

		fw->set_differs[i] = true;
		if (fw->table[table].differs || (table == NFT_NETDEV && !fw->wish.features.egress))
			continue; /* filled anew with the rest of the table, or not there at all */
		result = nft_read_set(fw, i, 0);
		if (result < 0)
			return result;
		fw->set_differs[i] = result != 0 || (nft_sets[i].timeout != 0 && nft_set_changes(fw, i));
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------------------ */

static void note_difference(struct firewall *fw, const struct nlmsghdr *which)
{
	if (fw->difference[0] == '\0')
		nft_describe(which, fw->difference, sizeof fw->difference);
}

/* A piece that was not met is a difference; a table that only needs adopting is not. */
static void mark_missing(struct firewall *fw)
{
	for (size_t i = 0; i < fw->wish.count; i++) {
		struct nft_piece *piece = &fw->wish.pieces[i];
		const struct nlmsghdr *want = nft_piece_message(&fw->wish, piece);

		if (type_of(want) == NFT_MSG_NEWTABLE)
			piece->present = is_held(fw, piece->table);
		if (piece->present || (type_of(want) == NFT_MSG_NEWTABLE && fw->table[piece->table].exists))
			continue;
		fw->table[piece->table].differs = true;
		note_difference(fw, want);
	}
}

/* Compares everything; fills table[], set_differs[], pieces' `present` and the removals. */
int nft_read_all(struct firewall *fw)
{
	int result = nft_read_tables(fw);

	fw->removals.used = 0;
	fw->removals.full = false;
	fw->difference[0] = '\0';
	for (size_t i = 0; i < fw->wish.count; i++)
		fw->wish.pieces[i].present = false;
	for (unsigned i = 0; i < NFT_TABLES && result == 0; i++)
		if (fw->table[i].exists)
			result = read_objects(fw, i);
	if (result != 0)
		return result;
	mark_missing(fw);
	return read_sets(fw);
}

static int take_counter(struct firewall *fw, const struct nlmsghdr *message, void *argument)
{
	const struct nlattr *data = find(of_message(message), NFTA_OBJ_DATA, 0);
	uint64_t *packets = argument;

	(void)fw;
	if (data != NULL)
		*packets += long_number(inside(data), NFTA_COUNTER_PACKETS);
	return 0;
}

int nft_read_blocked(struct firewall *fw, uint64_t *packets)
{
	*packets = 0;
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nlmsghdr *m =
		    question(fw->question, NFT_MSG_GETOBJ, 0, nft_family(&fw->wish.features, i));
		int result;

		mnl_attr_put_strz(m, NFTA_OBJ_NAME, "blocked");
		nft_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
		result = nft_ask(fw, m, take_counter, packets);
		if (result != 0 && (i == NFT_INET || fw->wish.features.egress))
			return result;
	}
	return 0;
}
