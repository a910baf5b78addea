/* A rule of the promise as nftables' expressions. Pure. */
#ifndef OS_FIREWALL_NFT_RULE_MESSAGE_H
#define OS_FIREWALL_NFT_RULE_MESSAGE_H

#include "os/firewall/nft/message.h"
#include "policy/rules.h"

/* The chain and the table that a rule stands in; what OUT and LEAVE share has a chain that both jump to. */
#define NFT_PHYSICAL "physical"
const char *nft_chain_of(enum rule_hook hook);
unsigned nft_table_of(enum rule_hook hook);

/* A rule whose user or group is nobody, of a family the kernel lacks, or of a gateway that is none, does not
 * stand at all. */
bool nft_is_left_out(const struct rule *rule, const struct nft_features *features, const struct situation *s);

/* Puts what makes the rest of a rule stand for the tunnel's link alone: its index and its kind, for an index
 * may be asked for by anybody once it is free. Never to be asked the other way round: a link that has no kind
 * would fail such a rule, and pass. */
void nft_match_tunnel(struct nlmsghdr *m, bool arrives);
void nft_match_loopback(struct nlmsghdr *m, bool arrives);

/* What is claimed is renewed, by the link that a packet came in (`arrives`) or leaves by. */
void nft_put_renewal(struct nlmsghdr *m, const struct policy_claim *claim, bool arrives);

/* Puts what the rule matches, in the order in which policy_print_nft prints it, and what it does. */
void nft_put_rule(struct nlmsghdr *m, const struct rule *rule, const struct nft_features *features,
		  const struct situation *s);

#endif
