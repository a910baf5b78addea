/* A rule of the promise as nftables' expressions. */
#ifndef POLICY_NFT_RULES_H
#define POLICY_NFT_RULES_H

#include "policy/nft_message.h"
#include "policy/rules.h"

/* The chain and the table that a rule stands in. */
const char *nft_chain_of(enum rule_hook hook);
unsigned nft_table_of(enum rule_hook hook);

/* A rule whose user or group is nobody, of a family the kernel lacks, or of a gateway that is none, does not
 * stand at all. */
bool nft_is_left_out(const struct rule *rule, const struct nft_features *features, const struct situation *s);

/* Puts what the rule matches, in the order in which policy_print_nft prints it, and what it does. */
void nft_put_rule(struct nlmsghdr *m, const struct rule *rule, const struct nft_features *features,
		  const struct situation *s);

#endif
