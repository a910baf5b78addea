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

/* One reading of the kernel: begin it; give it each table that is there, and each of its sets, chains,
 * counters and rules as they were dumped, in the order in which they can be removed; end it. */
void nft_actual_begin(struct nft_actual *actual, struct nft_desired *desired);
void nft_actual_table(struct nft_actual *actual, unsigned table, const struct nlmsghdr *dumped);
void nft_actual_object(struct nft_actual *actual, struct nft_desired *desired, const struct nlmsghdr *dumped);
void nft_actual_end(struct nft_actual *actual, const struct nft_desired *desired);

/* Is each desired piece there, in tables that belong to desired->owner (0: to nobody) and that stay when
 * their owner exits? Is any table there at all? */
bool nft_actual_whole(const struct nft_actual *actual, const struct nft_desired *desired);
bool nft_actual_any(const struct nft_actual *actual);

/* Does this table belong to somebody else? The address of somebody who owns one, 0: nobody. Is there a table
 * that nobody else owns? */
bool nft_actual_is_foreign(const struct nft_actual *actual, const struct nft_desired *desired,
			   unsigned table);
uint32_t nft_actual_foreign(const struct nft_actual *actual, const struct nft_desired *desired);
bool nft_actual_removable(const struct nft_actual *actual, const struct nft_desired *desired);

/* A message about a table itself: NFT_MSG_NEWTABLE (or adopts), _DELTABLE, _DELRULE (all of its rules). */
void nft_put_table(struct nft_buffer *to, const struct nft_desired *desired, const struct nft_actual *actual,
		   unsigned table, uint16_t type);

/* Puts all that differs into a batch that repairs it in one transaction. If a table must change hands, it
 * does only that, and the rest follows at the next look. False if nothing differs. */
bool nft_put_repairs(struct nft_buffer *batch, const struct nft_desired *desired,
		     const struct nft_actual *actual);

#endif
