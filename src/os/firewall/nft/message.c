/* nftables' netlink messages as bytes: building and reading them. */
#include "os/firewall/nft/message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "policy/print.h"

const char *const nft_names[NFT_NAMES] = {POLICY_NFT_TABLE, POLICY_NFT_TABLE "_second",
					  POLICY_NFT_TABLE "_third"};

uint8_t nft_family(const struct nft_features *features, unsigned table)
{
	if (table != NFT_INET)
		return table == NFT_NETDEV ? NFPROTO_NETDEV : NFPROTO_BRIDGE;
	return features->ipv6 ? NFPROTO_INET : NFPROTO_IPV4;
}

/* --- building ----------------------------------------------------------------- */

/* Past the end the messages overwrite the last one, and `full` keeps them from being sent. */
struct nlmsghdr *nft_message(struct nft_buffer *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *message;
	struct nfgenmsg *generic;

	if (b->size - b->used < NFT_MESSAGE) {
		b->full = true;
		b->used = b->size - NFT_MESSAGE;
	}
	message = mnl_nlmsg_put_header(b->bytes + b->used);
	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(message, sizeof *generic);
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	return message;
}

/* What a message says that something had no room in it. */
enum { NO_ROOM = NLMSG_OVERRUN };

void nft_message_end(struct nft_buffer *b, const struct nlmsghdr *message)
{
	if (message->nlmsg_type == NO_ROOM)
		b->full = true;
	else
		b->used += NLMSG_ALIGN(message->nlmsg_len);
}

void nft_message_copy(struct nft_buffer *b, const struct nlmsghdr *message)
{
	if (b->size - b->used < NFT_MESSAGE || message->nlmsg_len > NFT_MESSAGE) {
		b->full = true;
		return;
	}
	memcpy(b->bytes + b->used, message, message->nlmsg_len);
	nft_message_end(b, message);
}

void nft_buffer_empty(struct nft_buffer *b)
{
	b->used = 0;
	b->full = false;
}

struct nlmsghdr *nft_message_of(struct nft_buffer *b, const struct nft_features *features, unsigned table,
				uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = nft_message(b, type, flags, nft_family(features, table));

	nft_put_text(message, NFTA_TABLE_NAME, nft_names[features->name]); /* 1 is the table in every type */
	return message;
}

void nft_put(struct nlmsghdr *message, uint16_t type, const void *value, size_t size)
{
	if (!mnl_attr_put_check(message, NFT_MESSAGE, type, size, value))
		message->nlmsg_type = NO_ROOM;
}

void nft_put_text(struct nlmsghdr *message, uint16_t type, const char *text)
{
	nft_put(message, type, text, strlen(text) + 1);
}

void nft_put_u8(struct nlmsghdr *message, uint16_t type, uint8_t value)
{
	nft_put(message, type, &value, sizeof value);
}

void nft_put_be32(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	nft_put(message, type, &(uint32_t){htonl(value)}, sizeof value);
}

void nft_put_be64(struct nlmsghdr *message, uint16_t type, uint64_t value)
{
	nft_put(message, type, &(uint64_t){htobe64(value)}, sizeof value);
}

struct nlattr *nft_nest_begin(struct nlmsghdr *message, uint16_t type)
{
	struct nlattr *nest = mnl_attr_nest_start_check(message, NFT_MESSAGE, type);

	if (nest == NULL)
		message->nlmsg_type = NO_ROOM;
	return nest;
}

void nft_nest_end(struct nlmsghdr *message, struct nlattr *nest)
{
	if (nest != NULL)
		mnl_attr_nest_end(message, nest);
}

void nft_put_data(struct nlmsghdr *message, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = nft_nest_begin(message, type);

	nft_put(message, NFTA_DATA_VALUE, value, size);
	nft_nest_end(message, nest);
}

/* --- reading -------------------------------------------------------------------- */

uint16_t nft_type(const struct nlmsghdr *message)
{
	return message->nlmsg_type & 0xff;
}

/* Nothing is believed of a message that is shorter than what each begins with. */
static struct nfgenmsg begins_with(const struct nlmsghdr *message)
{
	struct nfgenmsg generic = {.nfgen_family = NFPROTO_UNSPEC};

	if (mnl_nlmsg_get_payload_len(message) >= sizeof generic)
		memcpy(&generic, mnl_nlmsg_get_payload(message), sizeof generic);
	return generic;
}

uint8_t nft_family_of(const struct nlmsghdr *message)
{
	return begins_with(message).nfgen_family;
}

uint16_t nft_generation_of(const struct nlmsghdr *message)
{
	return ntohs(begins_with(message).res_id);
}

struct attributes nft_attributes(const struct nlmsghdr *message)
{
	return attributes_of(message, sizeof(struct nfgenmsg));
}

uint32_t nft_number(struct attributes list, uint16_t type)
{
	const struct nlattr *a = attributes_find(list, type);

	return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t) ? 0 : ntohl(mnl_attr_get_u32(a));
}

uint64_t nft_long_number(struct attributes list, uint16_t type)
{
	const struct nlattr *a = attributes_find(list, type);

	return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint64_t) ? 0 : be64toh(mnl_attr_get_u64(a));
}

const char *nft_text(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *a = attributes_find(nft_attributes(message), type);

	return a == NULL || mnl_attr_get_payload_len(a) > NFT_TEXT ||
		       mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0
		   ? ""
		   : mnl_attr_get_str(a);
}

uint16_t nft_name_type(const struct nlmsghdr *message)
{
	uint16_t type = nft_type(message);

	return type == NFT_MSG_NEWCHAIN || type == NFT_MSG_DELCHAIN ? NFTA_CHAIN_NAME : NFTA_SET_NAME;
}
_Static_assert((int)NFTA_SET_NAME == (int)NFTA_OBJ_NAME && (int)NFTA_SET_NAME == (int)NFTA_RULE_CHAIN &&
		   (int)NFTA_SET_NAME == (int)NFTA_SET_ELEM_LIST_SET,
	       "nft_name_type gives one number for four");

void nft_describe(const struct nlmsghdr *message, char *to, size_t size)
{
	static const char *const kinds[] = {
	    [NFT_MSG_NEWTABLE] = "table ",
	    [NFT_MSG_DELTABLE] = "table ",
	    [NFT_MSG_NEWCHAIN] = "chain ",
	    [NFT_MSG_DELCHAIN] = "chain ",
	    [NFT_MSG_NEWRULE] = "rule of chain ",
	    [NFT_MSG_DELRULE] = "rules ",
	    [NFT_MSG_NEWSET] = "set ",
	    [NFT_MSG_DELSET] = "set ",
	    [NFT_MSG_NEWSETELEM] = "members of set ",
	    [NFT_MSG_DELSETELEM] = "members of set ",
	    [NFT_MSG_NEWOBJ] = "counter ",
	    [NFT_MSG_DELOBJ] = "counter ",
	};
	uint16_t type = nft_type(message);
	bool is_known = type < sizeof kinds / sizeof kinds[0] && kinds[type] != NULL;

	snprintf(to, size, "%s%s", is_known ? kinds[type] : "message ",
		 nft_text(message, nft_name_type(message)));
}
