/* The desired rule set: all that must stand in the kernel, as the messages that create it. Pure. */
#ifndef OS_FIREWALL_NFT_DESIRED_H
#define OS_FIREWALL_NFT_DESIRED_H

#include "base/err.h"
#include "os/firewall/nft/sets.h"
#include "policy/print.h"

/* A kernel without one chain for every link gets a chain for each link, at most this many. */
enum { NFT_LINKS = POLICY_NFT_LINKS, NFT_PIECES = 4 * NFT_LINKS + 256 };

struct nft_link {
	char name[NET_NAME_SIZE];
	unsigned index; /* 0: not there */
};

/* One object, and whether the kernel was seen to hold it. */
struct nft_piece {
	uint32_t offset;
	uint8_t table;
	int16_t link; /* of a link's chain: the link's place, else -1 */
	bool present;
};

struct nft_desired {
	struct nft_features features;
	uint32_t owner;             /* the netlink address that the tables shall belong to: ours */
	struct nft_buffer messages; /* its bytes are the caller's */
	struct nft_piece pieces[NFT_PIECES];
	size_t count, standing; /* the first `standing` depend on identities only, the rest on links */
	struct nlattr *list;    /* of the rule being written */
	struct identity group, driver, portal; /* what `standing` was made for */
	bool gateway, pppoe, lacp;             /* likewise */
	struct nft_link links[NFT_LINKS];
	size_t link_count;
	struct nft_elements members[NFT_SETS];
	uint32_t portal_left; /* ms that a portal lasts yet */
};

/* Has each link a chain of its own? */
bool nft_names_links(const struct nft_features *features);

/* Do we use the table, and does this kernel have it? The same for a set. Do we fill the set, and not packets?
 */
bool nft_is_used(const struct nft_desired *desired, unsigned table);
bool nft_has_set(const struct nft_desired *desired, unsigned set);
bool nft_is_filled(const struct nft_desired *desired, unsigned set); /* by us */

/* Makes the standing part: 1 made anew, 0 as it was, -1 and `e`. Then the links' chains, from `links`; then
 * the members of the sets, in a situation or in a pause. */
int nft_desired_rules(struct nft_desired *desired, const struct situation *s, struct err *e);
void nft_desired_links(struct nft_desired *desired);
void nft_desired_members(struct nft_desired *desired, const struct situation *s);
/* No member of a portal's sets lasts longer than `left` ms, if there are any. And what a set's members are
 * given, ms; 0: they stay. */
void nft_desired_portal(struct nft_desired *desired, int64_t left);
uint32_t nft_timeout_of(const struct nft_desired *desired, unsigned set);
void nft_desired_pause(struct nft_desired *desired);

const struct nlmsghdr *nft_piece_message(const struct nft_desired *desired, const struct nft_piece *piece);

/* The place in `links` of the link whose chain the message is about; -1: it is not about a link's chain. */
int nft_link_of(const struct nft_desired *desired, const struct nlmsghdr *message);

/* Puts messages that would create a table that is not ours, to learn whether the kernel has these features;
 * `device` "" is every link. */
void nft_put_probe(struct nft_buffer *to, uint8_t family, uint32_t flags, uint32_t hook, const char *device);

#endif
