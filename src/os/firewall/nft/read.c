/* Queries the kernel's nftables: what it holds, handed to actual.c and sets.c. */
#include <arpa/inet.h>
#include <errno.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "os/firewall/nft/nft.h"

static struct nlmsghdr *request(struct nft_firewall *fw, uint16_t type, uint16_t flags, unsigned table)
{
	struct nft_buffer room = {.bytes = fw->request, .size = sizeof fw->request};

	/* A dump of chains is of all tables: it takes no name. */
	return type == NFT_MSG_GETCHAIN
		   ? nft_message(&room, type, flags, nft_family(&fw->desired.features, table))
		   : nft_message_of(&room, &fw->desired.features, table, type, flags);
}

static void parse_generation(const struct nlmsghdr *message, void *argument)
{
	*(uint32_t *)argument = nft_number(nft_attributes(message), NFTA_GEN_ID);
}

int nft_read_generation(struct nft_firewall *fw, uint32_t *generation)
{
	struct nft_buffer room = {.bytes = fw->request, .size = sizeof fw->request};

	return netlink_request(fw->netlink, nft_message(&room, NFT_MSG_GETGEN, 0, AF_UNSPEC),
			       parse_generation, generation);
}

/* --- tables and all that is in them ------------------------------------------------- */

struct look {
	struct nft_firewall *fw;
	unsigned table;
};

static void parse_table(const struct nlmsghdr *message, void *argument)
{
	struct look *look = argument;

	nft_actual_table(&look->fw->actual, look->table, message);
}

int nft_read_tables(struct nft_firewall *fw)
{
	nft_actual_begin(&fw->actual, &fw->desired);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct look look = {fw, i};
		int result =
		    netlink_request(fw->netlink, request(fw, NFT_MSG_GETTABLE, 0, i), parse_table, &look);

		/* EINVAL: no nftables at all (nfnetlink_rcv_msg). */
		if (result != 0 && result != -ENOENT && result != -EOPNOTSUPP && result != -EAFNOSUPPORT &&
		    result != -EINVAL)
			return result;
	}
	return 0;
}

static void parse_object(const struct nlmsghdr *message, void *argument)
{
	struct nft_firewall *fw = argument;

	nft_actual_object(&fw->actual, &fw->desired, message);
}

/* In the order in which things can be removed: a set may name chains. */
static int read_objects(struct nft_firewall *fw, unsigned table)
{
	static const uint16_t types[] = {NFT_MSG_GETSET, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ, NFT_MSG_GETRULE};
	int result = 0;

	for (size_t i = 0; i < sizeof types / sizeof types[0] && result == 0; i++)
		result =
		    netlink_request(fw->netlink, request(fw, types[i], NLM_F_DUMP, table), parse_object, fw);
	return result;
}

static int read_sets(struct nft_firewall *fw)
{
	for (unsigned i = 0; i < NFT_SETS; i++) {
		int result;

		fw->actual.set_differs[i] = true;
		if (fw->actual.table[nft_sets[i].table].differs || !nft_is_filled(&fw->desired, i))
			continue; /* filled anew with the rest of the table, or not ours to fill */
		result = nft_read_set(fw, i, 0);
		if (result < 0)
			return result;
		fw->actual.set_differs[i] =
		    result != 0 ||
		    (nft_sets[i].timeout != 0 && !nft_same_members(&fw->desired.members[i], &fw->held[i]));
	}
	return 0;
}

int nft_read_all(struct nft_firewall *fw)
{
	int result = nft_read_tables(fw);

	for (unsigned i = 0; i < NFT_TABLES && result == 0; i++)
		if (fw->actual.table[i].exists)
			result = read_objects(fw, i);
	if (result != 0)
		return result;
	nft_actual_end(&fw->actual, &fw->desired);
	return read_sets(fw);
}

/* --- one set, the counters ---------------------------------------------------------- */

struct set_look {
	struct nft_elements *read;
	const struct nft_set *set;
	uint32_t generation; /* 0: any */
	bool differs, other_moment;
};

static void parse_members(const struct nlmsghdr *message, void *argument)
{
	struct set_look *look = argument;

	if (look->generation != 0 && nft_generation_of(message) != (uint16_t)look->generation)
		look->other_moment = true;
	else if (!nft_parse_members(look->read, look->set, message))
		look->differs = true;
}

int nft_read_set(struct nft_firewall *fw, unsigned set, uint32_t generation)
{
	struct set_look look = {.read = &fw->read, .set = &nft_sets[set], .generation = generation};
	struct nlmsghdr *m = request(fw, NFT_MSG_GETSETELEM, NLM_F_DUMP, nft_sets[set].table);
	int result;

	nft_put_text(m, NFTA_SET_ELEM_LIST_SET, nft_sets[set].name);
	fw->read.count = 0;
	result = netlink_request(fw->netlink, m, parse_members, &look);
	if (result != 0)
		return result;
	if (look.other_moment)
		return -EINTR;
	return look.differs || !nft_are_wanted(&nft_sets[set], &fw->read, &fw->desired.members[set]);
}

static void parse_counter(const struct nlmsghdr *message, void *argument)
{
	const struct nlattr *data = attributes_find(nft_attributes(message), NFTA_OBJ_DATA);
	uint64_t *packets = argument;

	if (data != NULL)
		*packets += nft_long_number(attributes_inside(data), NFTA_COUNTER_PACKETS);
}

int nft_read_blocked(struct nft_firewall *fw, uint64_t *packets)
{
	int result = 0;

	*packets = 0;
	for (unsigned i = 0; i < NFT_TABLES && result == 0; i++) {
		struct nlmsghdr *m = request(fw, NFT_MSG_GETOBJ, 0, i);

		nft_put_text(m, NFTA_OBJ_NAME, "blocked");
		nft_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
		if (nft_is_used(&fw->desired, i) && i != NFT_BRIDGE)
			result = netlink_request(fw->netlink, m, parse_counter, packets);
	}
	return result;
}
