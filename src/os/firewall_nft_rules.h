/* What must stand in the kernel, as nftables' netlink messages. No socket, no clock. */
#ifndef OS_FIREWALL_NFT_RULES_H
#define OS_FIREWALL_NFT_RULES_H

#include "os/firewall.h"
#include "os/firewall_nft_message.h"
#include "policy/rules.h"

enum { NFT_INET, NFT_NETDEV, NFT_TABLES };
enum { NFT_SETS = 24, NFT_KEY = 24, NFT_ELEMENTS = 2 * RULE_MEMBERS_MAX };
enum { NFT_PIECES = 384 };

/* A set's elements as the kernel stores them (an interval is two). */
struct nft_element {
	uint8_t key[NFT_KEY];
	bool end;
};
struct nft_elements {
	size_t count;
	struct nft_element list[NFT_ELEMENTS];
};
struct nft_set {
	const char *name;
	uint8_t table;
	uint32_t type, length;   /* nft's number of the key's type, the key's bytes */
	uint32_t flags, timeout; /* of each element, in milliseconds */
	enum rule_set set;
	uint8_t family;
};
extern const struct nft_set nft_sets[NFT_SETS];

struct nft_link {
	char name[NET_NAME_SIZE];
	unsigned index; /* 0: not there */
};

/* One object that must stand in the kernel, as the message that creates it. */
struct nft_piece {
	uint32_t offset;
	uint8_t table;
	int8_t link; /* of a link's chain: the link's place, else -1 */
	bool present;
};
struct nft_wish {
	struct firewall_features features;
	struct nft_buffer messages;
	struct nft_piece pieces[NFT_PIECES];
	size_t count, standing;        /* the first `standing` depend on identities only, the rest on links */
	struct nlattr *list;           /* of the rule being written */
	struct identity group, driver; /* what `standing` was made for */
	struct nft_link links[SITUATION_LINKS];
	size_t link_count;
	struct nft_elements want[NFT_SETS];
};

/* The netlink family of a table of ours, as far as the kernel goes. */
uint8_t nft_family(const struct firewall_features *features, unsigned table);

/* The standing part: 1 made anew, 0 as it was, -1 and `e`. Then the links' chains, from `links`. */
int nft_wish_rules(struct nft_wish *wish, const struct situation *s, struct err *e);
void nft_wish_links(struct nft_wish *wish);
void nft_wish_elements(struct nft_wish *wish, const struct situation *s);
const struct nlmsghdr *nft_piece_message(const struct nft_wish *wish, const struct nft_piece *piece);
void nft_put_hook(struct nlmsghdr *m, uint32_t hook, int32_t priority, const char *device);

/* Makes a set's members what is wanted, in place of those it has. */
void nft_put_set(struct nft_buffer *to, const struct nft_wish *wish, unsigned set, bool flush,
		 uint32_t timeout);

#endif
