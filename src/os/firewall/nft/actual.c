/* The actual rule set, as the kernel reports it, compared with the desired one; and what would put it right.
 */
#include "os/firewall/nft/actual.h"

#include <string.h>

#include <linux/netfilter/nf_tables.h>

enum { DEEPEST = 8, CHAIN_BINDING = 0x4 /* NFT_CHAIN_BINDING, younger than some headers */ };

/* --- comparing ---------------------------------------------------------------- */

#define BIT(n) (UINT64_C(1) << (n))

/* The attribute of `type` with `position` others of its type before it, or NULL. */
static const struct nlattr *find_at(struct attributes list, uint16_t type, unsigned position)
{
	const struct nlattr *a = attributes_first(list);

	while (a != NULL && (mnl_attr_get_type(a) != type || position-- > 0))
		a = attributes_next(list, a);
	return a;
}

static unsigned position_of(struct attributes list, const struct nlattr *which)
{
	unsigned position = 0;

	for (const struct nlattr *a = attributes_first(list); a != NULL && a != which;
	     a = attributes_next(list, a))
		position += mnl_attr_get_type(a) == mnl_attr_get_type(which);
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

static bool same_attributes(struct attributes want, struct attributes have, uint64_t ignored, unsigned depth);

static bool same_value(const struct nlattr *want, const struct nlattr *have, uint64_t ignored, unsigned depth)
{
	size_t size = mnl_attr_get_payload_len(want);

	if (want->nla_type & NLA_F_NESTED)
		return depth < DEEPEST &&
		       same_attributes(attributes_inside(want), attributes_inside(have), ignored, depth + 1);
	return size == mnl_attr_get_payload_len(have) &&
	       memcmp(mnl_attr_get_payload(want), mnl_attr_get_payload(have), size) == 0;
}

/* Is all that is wanted there, in order, and nothing else except zeros (the kernel spells out defaults)?
 * `ignored` has a bit for each type to skip. */
static bool same_attributes(struct attributes want, struct attributes have, uint64_t ignored, unsigned depth)
{
	for (const struct nlattr *a = attributes_first(want); a != NULL; a = attributes_next(want, a)) {
		const struct nlattr *other = find_at(have, mnl_attr_get_type(a), position_of(want, a));

		if (other == NULL ? !is_zero(a) : !same_value(a, other, ignored, depth))
			return false;
	}
	for (const struct nlattr *a = attributes_first(have); a != NULL; a = attributes_next(have, a)) {
		uint16_t type = mnl_attr_get_type(a);

		if (is_zero(a) || (type < 64 && (ignored >> type & 1)))
			continue;
		if (find_at(want, type, position_of(have, a)) == NULL)
			return false;
	}
	return true;
}

/* What of an object decides what it does. */
static uint64_t deciding(uint16_t type)
{
	switch (type) {
	case NFT_MSG_NEWCHAIN:
		return BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_HOOK) | BIT(NFTA_CHAIN_POLICY) |
		       BIT(NFTA_CHAIN_TYPE);
	case NFT_MSG_NEWSET:
		return BIT(NFTA_SET_NAME) | BIT(NFTA_SET_FLAGS) | BIT(NFTA_SET_KEY_TYPE) |
		       BIT(NFTA_SET_KEY_LEN) | BIT(NFTA_SET_DATA_TYPE) | BIT(NFTA_SET_TIMEOUT) |
		       BIT(NFTA_SET_OBJ_TYPE) | BIT(NFTA_SET_EXPR) | BIT(NFTA_SET_EXPRESSIONS) |
		       BIT(NFTA_SET_DESC);
	case NFT_MSG_NEWRULE:
		return BIT(NFTA_RULE_CHAIN) | BIT(NFTA_RULE_EXPRESSIONS);
	default:
		return BIT(NFTA_OBJ_NAME) | BIT(NFTA_OBJ_TYPE);
	}
}

/* NULL also if it is nothing but zero: the kernel leaves some defaults out. */
static const struct nlattr *find_nonzero(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *a = attributes_find(nft_attributes(message), type);

	return a == NULL || is_zero(a) ? NULL : a;
}

static bool same_in(const struct nlmsghdr *wanted, const struct nlmsghdr *dumped, uint64_t types)
{
	/* A chain's one device is reported twice, the second time as a list. */
	uint64_t ignored = nft_type(wanted) == NFT_MSG_NEWCHAIN ? BIT(NFTA_HOOK_DEVS) : 0;

	for (uint16_t i = 1; i < 64; i++) {
		const struct nlattr *a, *b;

		if (!(types >> i & 1))
			continue;
		a = find_nonzero(wanted, i);
		b = find_nonzero(dumped, i);
		if ((a == NULL) != (b == NULL) || (a != NULL && !same_value(a, b, ignored, 0)))
			return false;
	}
	return true;
}

bool nft_same_object(const struct nlmsghdr *wanted, const struct nlmsghdr *dumped)
{
	return nft_type(wanted) == nft_type(dumped) && same_in(wanted, dumped, deciding(nft_type(wanted)));
}

/* A chain with the right hook and the wrong policy is corrected in place. */
static bool is_updatable(const struct nlmsghdr *wanted, const struct nlmsghdr *dumped)
{
	return nft_type(dumped) == NFT_MSG_NEWCHAIN &&
	       same_in(wanted, dumped, deciding(NFT_MSG_NEWCHAIN) & ~BIT(NFTA_CHAIN_POLICY));
}

/* --- a look at the kernel ------------------------------------------------------- */

void nft_actual_begin(struct nft_actual *actual, struct nft_desired *desired)
{
	memset(actual->table, 0, sizeof actual->table);
	memset(actual->set_differs, 0, sizeof actual->set_differs);
	nft_buffer_empty(&actual->removals);
	actual->difference[0] = '\0';
	for (size_t i = 0; i < desired->count; i++)
		desired->pieces[i].present = false;
}

void nft_actual_table(struct nft_actual *actual, unsigned table, const struct nlmsghdr *dumped)
{
	actual->table[table].exists = true;
	actual->table[table].flags = nft_number(nft_attributes(dumped), NFTA_TABLE_FLAGS);
	actual->table[table].owner = nft_number(nft_attributes(dumped), NFTA_TABLE_OWNER);
}

/* Sets and chains inside a rule come and go with it. */
static bool is_part_of_a_rule(const struct nlmsghdr *m)
{
	return (nft_type(m) == NFT_MSG_NEWSET &&
		(nft_number(nft_attributes(m), NFTA_SET_FLAGS) & NFT_SET_ANONYMOUS)) ||
	       (nft_type(m) == NFT_MSG_NEWCHAIN &&
		(nft_number(nft_attributes(m), NFTA_CHAIN_FLAGS) & CHAIN_BINDING));
}

/* The piece that a dumped object must be: of its name, or for a rule the next of its chain. */
static struct nft_piece *piece_for(struct nft_desired *desired, const struct nlmsghdr *dumped)
{
	uint16_t name = nft_name_type(dumped);

	for (size_t i = 0; i < desired->count; i++) {
		struct nft_piece *piece = &desired->pieces[i];
		const struct nlmsghdr *wanted = nft_piece_message(desired, piece);

		if (!piece->present && wanted->nlmsg_type == dumped->nlmsg_type &&
		    nft_family_of(wanted) == nft_family_of(dumped) &&
		    strcmp(nft_text(wanted, name), nft_text(dumped, name)) == 0)
			return piece;
	}
	return NULL;
}

static void put_removal(struct nft_actual *actual, const struct nft_desired *desired, unsigned table,
			const struct nlmsghdr *dumped)
{
	uint16_t type = nft_type(dumped), name = nft_name_type(dumped);
	struct nlmsghdr *m = nft_message_of(&actual->removals, &desired->features, table,
					    (uint16_t)(type + NFT_MSG_DELTABLE - NFT_MSG_NEWTABLE), 0);

	nft_put_text(m, name, nft_text(dumped, name));
	if (type == NFT_MSG_NEWOBJ)
		nft_put_be32(m, NFTA_OBJ_TYPE, nft_number(nft_attributes(dumped), NFTA_OBJ_TYPE));
	nft_message_end(&actual->removals, m);
}

static void note_difference(struct nft_actual *actual, unsigned table, const struct nlmsghdr *which)
{
	actual->table[table].differs = true;
	if (actual->difference[0] == '\0')
		nft_describe(which, actual->difference, sizeof actual->difference);
}

/* The table of ours that a message is about; NFT_TABLES: none. */
static unsigned table_of(const struct nft_desired *desired, const struct nlmsghdr *message)
{
	unsigned table = 0;

	while (table < NFT_TABLES && nft_family(&desired->features, table) != nft_family_of(message))
		table++;
	return strcmp(nft_text(message, NFTA_TABLE_NAME), nft_names[desired->features.name]) == 0
		   ? table
		   : NFT_TABLES;
}

void nft_actual_object(struct nft_actual *actual, struct nft_desired *desired, const struct nlmsghdr *dumped)
{
	unsigned table = table_of(desired, dumped);
	struct nft_piece *piece;

	if (table == NFT_TABLES || is_part_of_a_rule(dumped))
		return;
	piece = piece_for(desired, dumped);
	if (piece != NULL && nft_same_object(nft_piece_message(desired, piece), dumped)) {
		piece->present = true;
		return;
	}
	note_difference(actual, table, dumped);
	if (nft_type(dumped) != NFT_MSG_NEWRULE && /* rules are emptied out as a whole */
	    (piece == NULL || !is_updatable(nft_piece_message(desired, piece), dumped)))
		put_removal(actual, desired, table, dumped);
}

/* A table that exists without `persist` can't be given it, and with `owner` alone it would disappear when we
 * exit. Such a table keeps having no owner. */
static uint32_t table_flags(const struct nft_actual *actual, const struct nft_desired *desired,
			    unsigned table)
{
	if (!desired->features.persist ||
	    (actual->table[table].exists && !(actual->table[table].flags & NFT_PERSIST)))
		return 0;
	return NFT_TABLE_F_OWNER | NFT_PERSIST;
}

/* One that is there. */
static bool is_ours(const struct nft_actual *actual, const struct nft_desired *desired, unsigned table)
{
	uint32_t flags = table_flags(actual, desired, table);

	return actual->table[table].flags == flags &&
	       (flags == 0 || actual->table[table].owner == desired->owner);
}

/* A piece that was not found is a difference; a table that only needs adopting is not. */
void nft_actual_end(struct nft_actual *actual, const struct nft_desired *desired)
{
	for (size_t i = 0; i < desired->count; i++) {
		const struct nft_piece *piece = &desired->pieces[i];
		const struct nlmsghdr *wanted = nft_piece_message(desired, piece);
		bool is_table = nft_type(wanted) == NFT_MSG_NEWTABLE;

		if (!piece->present && !(is_table && actual->table[piece->table].exists))
			note_difference(actual, piece->table, wanted);
	}
}

bool nft_actual_whole(const struct nft_actual *actual, const struct nft_desired *desired)
{
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		uint32_t flags = actual->table[i].flags;

		/* A dormant table filters nothing. */
		if (nft_is_used(desired, i) &&
		    (!actual->table[i].exists || actual->table[i].owner != desired->owner ||
		     (flags & NFT_TABLE_F_DORMANT) ||
		     ((flags & NFT_TABLE_F_OWNER) && !(flags & NFT_PERSIST))))
			return false;
	}
	for (size_t i = 0; i < desired->count; i++)
		if (!desired->pieces[i].present &&
		    nft_type(nft_piece_message(desired, &desired->pieces[i])) != NFT_MSG_NEWTABLE)
			return false;
	return true;
}

bool nft_actual_any(const struct nft_actual *actual)
{
	return actual->table[NFT_INET].exists || actual->table[NFT_NETDEV].exists ||
	       actual->table[NFT_BRIDGE].exists;
}

bool nft_actual_is_foreign(const struct nft_actual *actual, const struct nft_desired *desired, unsigned table)
{
	return (actual->table[table].flags & NFT_TABLE_F_OWNER) &&
	       actual->table[table].owner != desired->owner && actual->table[table].owner != 0;
}

bool nft_actual_removable(const struct nft_actual *actual, const struct nft_desired *desired)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (actual->table[i].exists && !nft_actual_is_foreign(actual, desired, i))
			return true;
	return false;
}

uint32_t nft_actual_foreign(const struct nft_actual *actual, const struct nft_desired *desired)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_actual_is_foreign(actual, desired, i))
			return actual->table[i].owner;
	return 0;
}

/* --- putting it right --------------------------------------------------------------- */

void nft_put_table(struct nft_buffer *to, const struct nft_desired *desired, const struct nft_actual *actual,
		   unsigned table, uint16_t type)
{
	struct nlmsghdr *m = nft_message_of(to, &desired->features, table, type, NLM_F_CREATE);

	if (type == NFT_MSG_NEWTABLE)
		nft_put_be32(m, NFTA_TABLE_FLAGS, table_flags(actual, desired, table));
	nft_message_end(to, m);
}

static void put_removals(struct nft_buffer *batch, const struct nft_desired *desired,
			 const struct nft_actual *actual, unsigned table)
{
	const struct nlmsghdr *m = (const void *)actual->removals.bytes;
	int left = (int)actual->removals.used;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (nft_family_of(m) == nft_family(&desired->features, table))
			nft_message_copy(batch, m);
}

/* A table that differs keeps its chains. In one transaction its rules are removed, what is wrong or foreign
 * is removed, what is missing is added, and the rules are added. */
static void put_differences(struct nft_buffer *batch, const struct nft_desired *desired,
			    const struct nft_actual *actual, unsigned table)
{
	if (actual->table[table].exists) {
		nft_put_table(batch, desired, actual, table, NFT_MSG_DELRULE);
		put_removals(batch, desired, actual, table);
	}
	for (size_t i = 0; i < desired->count; i++) {
		const struct nft_piece *piece = &desired->pieces[i];
		const struct nlmsghdr *m = nft_piece_message(desired, piece);

		if (piece->table == table && nft_type(m) != NFT_MSG_NEWTABLE &&
		    (nft_type(m) == NFT_MSG_NEWRULE || !piece->present))
			nft_message_copy(batch, m);
	}
}

bool nft_put_repairs(struct nft_buffer *batch, const struct nft_desired *desired,
		     const struct nft_actual *actual)
{
	size_t empty = batch->used;

	/* A table that changes hands accepts no new hook in the same transaction (EINVAL), so it changes
	 * hands first. */
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_is_used(desired, i) && actual->table[i].exists && !is_ours(actual, desired, i))
			nft_put_table(batch, desired, actual, i, NFT_MSG_NEWTABLE);
	if (batch->used != empty)
		return true;
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_is_used(desired, i) && !actual->table[i].exists)
			nft_put_table(batch, desired, actual, i, NFT_MSG_NEWTABLE);
	if (!nft_is_used(desired, NFT_BRIDGE) && actual->table[NFT_BRIDGE].exists) /* of a gateway that was */
		nft_put_table(batch, desired, actual, NFT_BRIDGE, NFT_MSG_DELTABLE);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_is_used(desired, i) && actual->table[i].differs)
			put_differences(batch, desired, actual, i);
	for (unsigned i = 0; i < NFT_SETS; i++)
		if (nft_is_filled(desired, i) && actual->set_differs[i])
			nft_put_members(batch, &desired->features, i, &desired->members[i],
					actual->table[nft_sets[i].table].exists, nft_timeout_of(desired, i));
	return batch->used != empty;
}
