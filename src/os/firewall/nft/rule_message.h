/* A rule of the promise as nftables' expressions. Pure. */
#ifndef OS_FIREWALL_NFT_RULE_MESSAGE_H
#define OS_FIREWALL_NFT_RULE_MESSAGE_H

#include "os/firewall/nft/message.h"
#include "policy/rules.h"

/* The chain and the table that a rule is in; the rules that OUT and LEAVE share are in a chain to which both
 * jump. */
#define NFT_PHYSICAL "physical"
const char *nft_chain_of(enum rule_hook hook);
unsigned nft_table_of(enum rule_hook hook);

/* Is the rule left out? That is so if its user or group is nobody, if the kernel lacks its family, or if it
 * is for a gateway and there is none. */
bool nft_is_left_out(const struct rule *rule, const struct nft_features *features, const struct situation *s);

/* Puts a match for the tunnel's link: its index and its kind, because anybody can request an index once it is
 * free. Never negate it: for a link without a kind the expression fails, so the rule would not match, and the
 * packet would pass. */
void nft_match_tunnel(struct nlmsghdr *m, bool arrives);
void nft_match_loopback(struct nlmsghdr *m, bool arrives);

/* Renews a claim, for the link that a packet came in by (`arrives`) or leaves by. */
void nft_put_renewal(struct nlmsghdr *m, const struct policy_claim *claim, bool arrives);

/* Puts what the rule matches, in the order in which policy_print_nft prints it, and what it does. */
void nft_put_rule(struct nlmsghdr *m, const struct rule *rule, const struct nft_features *features,
		  const struct situation *s);

#endif
