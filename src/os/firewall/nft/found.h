/* What the kernel was seen to hold, compared with the wish; and what would put it right. Pure. */
#ifndef OS_FIREWALL_NFT_FOUND_H
#define OS_FIREWALL_NFT_FOUND_H

#include "os/firewall/nft/wish.h"

struct nft_found {
	struct {
		bool exists, differs;
		uint32_t flags, owner; /* NFT_TABLE_F_*; the netlink address it belongs to */
	} table[NFT_TABLES];
	bool set_differs[NFT_SETS];
	struct nft_buffer removals; /* its bytes are the caller's */
	char difference[96];        /* the first, for the error */
};

/* Does a dumped object do what the wanted one does? Handles, counts and names for readers don't. */
bool nft_same_object(const struct nlmsghdr *wanted, const struct nlmsghdr *dumped);

/* A look at the kernel: begun, told of each table that is there, and of each of its sets, chains,
 * counters and rules as they were dumped, in the order in which they can be removed; ended. */
void nft_found_begin(struct nft_found *found, struct nft_wish *wish);
void nft_found_table(struct nft_found *found, unsigned table, const struct nlmsghdr *dumped);
void nft_found_object(struct nft_found *found, struct nft_wish *wish, const struct nlmsghdr *dumped);
void nft_found_end(struct nft_found *found, struct nft_wish *wish);

/* Does each piece of the wish stand, in tables that belong to wish->owner (0: to nobody), and that stay when
 * that ends? And does any table stand at all? */
bool nft_found_whole(const struct nft_found *found, const struct nft_wish *wish);
bool nft_found_any(const struct nft_found *found);

/* Does a table belong to somebody else? The address of such a one, 0: nobody. Is there a table that does not?
 */
bool nft_found_is_foreign(const struct nft_found *found, const struct nft_wish *wish, unsigned table);
uint32_t nft_found_foreign(const struct nft_found *found, const struct nft_wish *wish);
bool nft_found_removable(const struct nft_found *found, const struct nft_wish *wish);

/* A message about a table itself: NFT_MSG_NEWTABLE (or adopts), _DELTABLE, _DELRULE (all of its rules). */
void nft_put_table(struct nft_buffer *to, const struct nft_wish *wish, const struct nft_found *found,
		   unsigned table, uint16_t type);

/* Puts all that differs into a batch that does it in one moment; but if a table must change hands, only
 * that, and the rest is for the next look. False if nothing differs. */
bool nft_put_repairs(struct nft_buffer *batch, const struct nft_wish *wish, const struct nft_found *found);

#endif
