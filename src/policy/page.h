/* What the three printers share: a page that fills up, and how a rule is introduced on it. */
#ifndef POLICY_PAGE_H
#define POLICY_PAGE_H

#include "policy/rules.h"

struct page {
	char *to;
	size_t size, used;
	bool cut;                 /* something did not fit */
	uint8_t row;              /* of the last introduction */
	const char *why, *indent; /* of the last introduction; of every line */
};

/* An empty page on `to`. 0, or -1 and `e`. */
int page_open(struct page *page, char *to, size_t size, struct err *e);
/* Checks the situation and begins the page. 0, or -1 and `e`. */
int page_begin(struct page *page, const struct situation *s, char *to, size_t size, struct err *e);
/* 0, or -1 and `e` if anything was cut. */
int page_end(const struct page *page, struct err *e);
void page_add(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "# row 3: openvpn to its endpoint", unless that is what the last one said. */
void page_introduce(struct page *page, const struct rule *rule);
/* A comment with what the situation is, for a reader. */
void page_situation(struct page *page, const struct situation *s);
/* The number, or `quote` name `quote`. */
void page_identity(struct page *page, const struct identity *identity, const char *quote);
/* An address if the prefix is one, else ADDRESS/LENGTH. */
void page_prefix(struct page *page, const struct net_prefix *prefix);
/* The set's members with `between` between them. */
void page_members(struct page *page, enum rule_set set, const struct situation *s, uint8_t family,
		  const char *between);

/* How a filter asks for a user, for a group, for root, and for root or one more user (to which " }" is
 * added). */
struct page_owner_words {
	const char *user, *group, *root, *root_or;
};

/* Is there a DHCP client's user beside root? */
bool page_has_dhcp_user(const struct situation *s);
/* Whom the rule asks for: NULL for anybody. DHCP: the user beside root. */
const struct identity *page_owner(enum rule_owner owner, const struct situation *s);
/* A rule whose owner is nobody can let nobody through: it is left out. */
bool page_has_owner(const struct rule *rule, const struct situation *s);
/* Whom a filter without relations asks for. The owner of a reply is who could ask: of the OUT rule that goes
 * where this one comes from. */
void page_add_owner(struct page *page, const struct rule *rule, const struct situation *s,
		    const struct page_owner_words *words);

#endif
