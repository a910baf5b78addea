/* The actual rule set, as the kernel reports it, compared with the desired one; and what would put it right.
 * Pure. */
#ifndef OS_FIREWALL_NFT_ACTUAL_H
#define OS_FIREWALL_NFT_ACTUAL_H

#include "os/firewall/nft/desired.h"

struct nft_actual {
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

/* A reading of the kernel: begun; given each table that is there, and each of its sets, chains, counters and
 * rules as they were dumped, in the order in which they can be removed; ended. */
void nft_actual_begin(struct nft_actual *actual, struct nft_desired *desired);
void nft_actual_table(struct nft_actual *actual, unsigned table, const struct nlmsghdr *dumped);
void nft_actual_object(struct nft_actual *actual, struct nft_desired *desired, const struct nlmsghdr *dumped);
void nft_actual_end(struct nft_actual *actual, struct nft_desired *desired);

/* Does each desired piece stand, in tables that belong to desired->owner (0: to nobody), and that stay when
 * their owner ends? And does any table stand at all? */
bool nft_actual_whole(const struct nft_actual *actual, const struct nft_desired *desired);
bool nft_actual_any(const struct nft_actual *actual);

/* Does a table belong to somebody else? The address of such a one, 0: nobody. Is there a table that does not?
 */
bool nft_actual_is_foreign(const struct nft_actual *actual, const struct nft_desired *desired,
			   unsigned table);
uint32_t nft_actual_foreign(const struct nft_actual *actual, const struct nft_desired *desired);
bool nft_actual_removable(const struct nft_actual *actual, const struct nft_desired *desired);

/* A message about a table itself: NFT_MSG_NEWTABLE (or adopts), _DELTABLE, _DELRULE (all of its rules). */
void nft_put_table(struct nft_buffer *to, const struct nft_desired *desired, const struct nft_actual *actual,
		   unsigned table, uint16_t type);

/* Puts all that differs into a batch that does it in one moment; but if a table must change hands, only
 * that, and the rest is for the next look. False if nothing differs. */
bool nft_put_repairs(struct nft_buffer *batch, const struct nft_desired *desired,
		     const struct nft_actual *actual);

#endif
