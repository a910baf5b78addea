/* What an nftables rule consists of, one function per kind; each adds to a rule's message. Pure. */
#ifndef OS_FIREWALL_NFT_EXPRESSIONS_H
#define OS_FIREWALL_NFT_EXPRESSIONS_H

#include "os/firewall/nft/message.h"

/* Loads. `key`, `base`: nftables' NFT_META_*, NFT_CT_*, NFT_PAYLOAD_*; `reg`: NFT_REG_1 unless a set's
 * key has several parts. */
void expr_meta(struct nlmsghdr *m, uint32_t key, uint32_t reg);
void expr_payload(struct nlmsghdr *m, uint32_t base, uint32_t offset, uint32_t size, uint32_t reg);
void expr_ct(struct nlmsghdr *m, uint32_t key);
void expr_ct_of(struct nlmsghdr *m, uint32_t key, uint8_t direction); /* IP_CT_DIR_* */

/* Go on only if what is in register 1 is so. Values as the kernel has them; the 16 bits of
 * expr_equals16 and ports are made big-endian here. */
void expr_compare(struct nlmsghdr *m, uint32_t operation, const void *value, size_t size);
void expr_equals8(struct nlmsghdr *m, uint8_t value);
void expr_equals16(struct nlmsghdr *m, uint16_t value);
void expr_equals32(struct nlmsghdr *m, uint32_t value);
void expr_mask(struct nlmsghdr *m, const void *bits, size_t size);
void expr_look_up(struct nlmsghdr *m, const char *set);
void expr_is_not_in(struct nlmsghdr *m, const char *set);
void expr_exceeds32(struct nlmsghdr *m, uint32_t value); /* changes register 1 */

/* Do. `chain` (of a jump or goto) may be NULL. */
void expr_verdict(struct nlmsghdr *m, int code, const char *chain);
void expr_set_mark(struct nlmsghdr *m, uint32_t mark);
void expr_count(struct nlmsghdr *m, const char *counter);
/* `operation`: NFT_DYNSET_OP_*. For this many seconds; 0: as the set says. The rule goes on only if there was
 * room. */
void expr_remember(struct nlmsghdr *m, uint32_t operation, const char *set, uint32_t seconds);
void expr_masquerade(struct nlmsghdr *m);
void expr_reject(struct nlmsghdr *m, uint32_t type, uint8_t code);

#endif
