/* The sets of our tables: what they hold in a situation, as the kernel stores it. Pure. */
#ifndef OS_FIREWALL_NFT_SETS_H
#define OS_FIREWALL_NFT_SETS_H

#include "os/firewall/nft/message.h"
#include "policy/rules.h"

enum {
	NFT_PAUSED = 20,
	NFT_PAUSED_LINKS = 23,
	NFT_TUNNEL_LINKS = 29,
	NFT_CLAIMED = 30,
	NFT_ASKED,
	NFT_PORTAL,
	NFT_PORTAL_ANY,
	NFT_SETS = NFT_PORTAL_ANY + 3
};
enum { NFT_KEY = 24, NFT_ELEMENTS = 2 * RULE_MEMBERS_MAX };

struct nft_set {
	const char *name;
	uint8_t table;
	uint32_t type, length;   /* nft's number of the key's type, the key's bytes */
	uint32_t flags, timeout; /* of each element, in milliseconds */
	enum rule_set set;
	uint8_t family;
};
extern const struct nft_set nft_sets[NFT_SETS];

/* Is the set for a gateway only, or only without one? Do packets fill it, and not we? */
enum rule_gateway nft_gateway_of(const struct nft_set *set);
bool nft_is_dynamic(const struct nft_set *set);

/* A set's elements (an interval is two: its first key, and the one after its last). */
struct nft_element {
	uint8_t key[NFT_KEY];
	bool end;
};
struct nft_elements {
	size_t count;
	struct nft_element list[NFT_ELEMENTS];
};
void nft_add_element(struct nft_elements *elements, const void *key, size_t size, bool is_end);

/* Puts the attributes of the set itself, but for its table. */
void nft_put_set(struct nlmsghdr *m, unsigned set);

/* What the set holds in a situation. A pause's sets hold nothing: any policy ends a pause. */
void nft_members(struct nft_elements *elements, const struct nft_set *set, const struct situation *s);

/* Puts messages that give the set `elements`, in place of those that it has. */
void nft_put_members(struct nft_buffer *to, const struct nft_features *features, unsigned set,
		     const struct nft_elements *elements, bool flush, uint32_t timeout);

/* Adds the elements of a dumped message. False if one of them is none that we would put there. */
bool nft_parse_members(struct nft_elements *to, const struct nft_set *set, const struct nlmsghdr *message);

/* Are they the same? Both were made by nft_members, so they have the same order. */
bool nft_same_members(const struct nft_elements *a, const struct nft_elements *b);

/* Does the kernel have the wanted elements? Those with a timeout may be gone already. */
bool nft_are_wanted(const struct nft_set *set, const struct nft_elements *actual,
		    const struct nft_elements *wanted);

#endif
