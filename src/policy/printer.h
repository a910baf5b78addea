/* What print_nft.c, print_pf.c and print_ipfw.c share: bounded output, and the words of a rule. */
#ifndef POLICY_PRINTER_H
#define POLICY_PRINTER_H

#include "policy/rules.h"

struct printer {
	char *to;
	size_t size, used;
	bool cut;                 /* something did not fit */
	uint8_t row;              /* of the last introduction */
	const char *why, *indent; /* of the last introduction; of every line */
};

/* Prints into `to`, `size` bytes, from its start. 0, or -1 and `e`. */
int printer_open(struct printer *printer, char *to, size_t size, struct err *e);
/* The same, after a check of the situation. 0, or -1 and `e`. */
int printer_begin(struct printer *printer, const struct situation *s, char *to, size_t size, struct err *e);
/* 0, or -1 and `e`: something did not fit. */
int printer_end(const struct printer *printer, struct err *e);
void printer_add(struct printer *printer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "# row 3: openvpn to its endpoint", unless that is what the last one said. */
void printer_introduce(struct printer *printer, const struct rule *rule);
/* A comment with what the situation is, for a reader. */
void printer_situation(struct printer *printer, const struct situation *s);
/* The number, or `quote` name `quote`. */
void printer_identity(struct printer *printer, const struct identity *identity, const char *quote);
/* An address if the prefix is one, else ADDRESS/LENGTH. */
void printer_prefix(struct printer *printer, const struct net_prefix *prefix);
/* The set's members with `between` between them. */
void printer_members(struct printer *printer, enum rule_set set, const struct situation *s, uint8_t family,
		     const char *between);

/* How a filter asks for a user, for a group, for root, and for root or one more user (to which " }" is
 * added). */
struct printer_owner_words {
	const char *user, *group, *root, *root_or;
};

/* Is there a DHCP client's user beside root? */
bool printer_has_dhcp_user(const struct situation *s);
/* Whom the rule asks for: NULL for anybody. DHCP: the user beside root. */
const struct identity *printer_owner(enum rule_owner owner, const struct situation *s);
/* A rule whose owner is nobody can let nobody through: it is left out. */
bool printer_has_owner(const struct rule *rule, const struct situation *s);
/* Whom a filter without relations asks for. The owner of a reply is who could ask: of the OUT rule that goes
 * where this one comes from. */
void printer_add_owner(struct printer *printer, const struct rule *rule, const struct situation *s,
		       const struct printer_owner_words *words);

#endif
