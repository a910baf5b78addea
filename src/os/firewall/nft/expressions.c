/* What an nftables rule consists of, one function per kind. */
#include "os/firewall/nft/expressions.h"

#include <arpa/inet.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

struct expression {
	struct nlattr *element, *data;
};

/* Most of an expression is pairs of an attribute and a number. */
#define PAIRS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static struct expression begin(struct nlmsghdr *m, const char *name, const uint32_t *pairs, size_t count)
{
	struct expression x = {.element = nft_nest_begin(m, NFTA_LIST_ELEM)};

	nft_put_text(m, NFTA_EXPR_NAME, name);
	x.data = nft_nest_begin(m, NFTA_EXPR_DATA);
	for (size_t i = 0; i < count; i += 2)
		nft_put_be32(m, (uint16_t)pairs[i], pairs[i + 1]);
	return x;
}

static void end(struct nlmsghdr *m, struct expression x)
{
	nft_nest_end(m, x.data);
	nft_nest_end(m, x.element);
}

void expr_meta(struct nlmsghdr *m, uint32_t key, uint32_t reg)
{
	end(m, begin(m, "meta", PAIRS(NFTA_META_KEY, key, NFTA_META_DREG, reg)));
}

void expr_payload(struct nlmsghdr *m, uint32_t base, uint32_t offset, uint32_t size, uint32_t reg)
{
	end(m, begin(m, "payload",
		     PAIRS(NFTA_PAYLOAD_DREG, reg, NFTA_PAYLOAD_BASE, base, NFTA_PAYLOAD_OFFSET, offset,
			   NFTA_PAYLOAD_LEN, size)));
}

void expr_ct(struct nlmsghdr *m, uint32_t key)
{
	end(m, begin(m, "ct", PAIRS(NFTA_CT_KEY, key, NFTA_CT_DREG, NFT_REG_1)));
}

void expr_ct_of(struct nlmsghdr *m, uint32_t key, uint8_t direction)
{
	struct expression x = begin(m, "ct", PAIRS(NFTA_CT_KEY, key, NFTA_CT_DREG, NFT_REG_1));

	nft_put_u8(m, NFTA_CT_DIRECTION, direction);
	end(m, x);
}

void expr_compare(struct nlmsghdr *m, uint32_t operation, const void *value, size_t size)
{
	struct expression x = begin(m, "cmp", PAIRS(NFTA_CMP_SREG, NFT_REG_1, NFTA_CMP_OP, operation));

	nft_put_data(m, NFTA_CMP_DATA, value, size);
	end(m, x);
}

void expr_equals8(struct nlmsghdr *m, uint8_t value)
{
	expr_compare(m, NFT_CMP_EQ, &value, sizeof value);
}

void expr_equals16(struct nlmsghdr *m, uint16_t value)
{
	expr_compare(m, NFT_CMP_EQ, &(uint16_t){htons(value)}, sizeof value);
}

void expr_equals32(struct nlmsghdr *m, uint32_t value)
{
	expr_compare(m, NFT_CMP_EQ, &value, sizeof value);
}

void expr_mask(struct nlmsghdr *m, const void *bits, size_t size)
{
	static const uint8_t zero[16];
	struct expression x = begin(m, "bitwise",
				    PAIRS(NFTA_BITWISE_SREG, NFT_REG_1, NFTA_BITWISE_DREG, NFT_REG_1,
					  NFTA_BITWISE_LEN, (uint32_t)size));

	nft_put_data(m, NFTA_BITWISE_MASK, bits, size);
	nft_put_data(m, NFTA_BITWISE_XOR, zero, size);
	end(m, x);
}

static void look_up(struct nlmsghdr *m, const char *set, uint32_t flags)
{
	struct expression x =
	    begin(m, "lookup", PAIRS(NFTA_LOOKUP_SREG, NFT_REG_1, NFTA_LOOKUP_FLAGS, flags));

	nft_put_text(m, NFTA_LOOKUP_SET, set);
	end(m, x);
}

void expr_look_up(struct nlmsghdr *m, const char *set)
{
	look_up(m, set, 0);
}

void expr_is_not_in(struct nlmsghdr *m, const char *set)
{
	look_up(m, set, NFT_LOOKUP_F_INV);
}

/* Numbers of the host's are compared as the network's: by their bytes, the first first. */
void expr_exceeds32(struct nlmsghdr *m, uint32_t value)
{
	end(m, begin(m, "byteorder",
		     PAIRS(NFTA_BYTEORDER_SREG, NFT_REG_1, NFTA_BYTEORDER_DREG, NFT_REG_1, NFTA_BYTEORDER_OP,
			   NFT_BYTEORDER_HTON, NFTA_BYTEORDER_LEN, sizeof value, NFTA_BYTEORDER_SIZE,
			   sizeof value)));
	expr_compare(m, NFT_CMP_GT, &(uint32_t){htonl(value)}, sizeof value);
}

void expr_remember(struct nlmsghdr *m, uint32_t operation, const char *set, uint32_t seconds)
{
	struct expression x =
	    begin(m, "dynset", PAIRS(NFTA_DYNSET_SREG_KEY, NFT_REG_1, NFTA_DYNSET_OP, operation));

	if (seconds != 0)
		nft_put_be64(m, NFTA_DYNSET_TIMEOUT, (uint64_t)seconds * 1000);
	nft_put_text(m, NFTA_DYNSET_SET_NAME, set);
	end(m, x);
}

void expr_verdict(struct nlmsghdr *m, int code, const char *chain)
{
	struct expression x = begin(m, "immediate", PAIRS(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT));
	struct nlattr *data = nft_nest_begin(m, NFTA_IMMEDIATE_DATA);
	struct nlattr *nest = nft_nest_begin(m, NFTA_DATA_VERDICT);

	nft_put_be32(m, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL)
		nft_put_text(m, NFTA_VERDICT_CHAIN, chain);
	nft_nest_end(m, nest);
	nft_nest_end(m, data);
	end(m, x);
}

void expr_set_mark(struct nlmsghdr *m, uint32_t mark)
{
	struct expression x = begin(m, "immediate", PAIRS(NFTA_IMMEDIATE_DREG, NFT_REG_1));

	nft_put_data(m, NFTA_IMMEDIATE_DATA, &mark, sizeof mark);
	end(m, x);
	end(m, begin(m, "meta", PAIRS(NFTA_META_KEY, NFT_META_MARK, NFTA_META_SREG, NFT_REG_1)));
}

void expr_count(struct nlmsghdr *m, const char *counter)
{
	struct expression x = begin(m, "objref", PAIRS(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER));

	nft_put_text(m, NFTA_OBJREF_IMM_NAME, counter);
	end(m, x);
}

void expr_reject(struct nlmsghdr *m, uint32_t type, uint8_t code)
{
	struct expression x = begin(m, "reject", PAIRS(NFTA_REJECT_TYPE, type));

	nft_put_u8(m, NFTA_REJECT_ICMP_CODE, code);
	end(m, x);
}

/* Of the address of the link that it leaves by; forgotten by the kernel when that link goes down. */
void expr_masquerade(struct nlmsghdr *m)
{
	end(m, begin(m, "masq", NULL, 0));
}
