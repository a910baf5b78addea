/* What `ipfw -a -S list` prints, read: our two sets, the floor, and what foreign rules do to them. */
#ifndef OS_FIREWALL_IPFW_PARSE_H
#define OS_FIREWALL_IPFW_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The floor: one rule after ours, in the set that a flush spares and nobody can disable. Whatever
 * becomes of our two sets, it denies what they would have judged. */
enum { IPFW_FLOOR_SET = 31, IPFW_FLOOR_NUMBER = 2, IPFW_LAST_NUMBER = 65535 };
#define IPFW_FLOOR "deny ip from any to any not via lo0 // portcullis"

enum { IPFW_RULE_TEXT = 160 };

/* One line; `body` (not terminated) begins with the action. */
struct ipfw_rule {
	uint32_t number, set;
	bool disabled; /* its set is */
	uint64_t packets;
	const char *body;
	size_t length;
};

/* The rule at *cursor, which moves on to the next line. 1; 0 at the end; -1: no such line. */
int ipfw_rule_next(const char **cursor, struct ipfw_rule *rule);

/* One of our two sets. */
struct ipfw_set {
	size_t rules, first;          /* how many; which of the listing is the first */
	bool disabled;                /* meaningless without rules */
	uint64_t hash;                /* of all its rules, in order */
	uint64_t blocked;             /* packets that its rules stopped */
	char foreign[IPFW_RULE_TEXT]; /* the first foreign rule before its last one that may pass: "" none */
};

/* The kernel's rules at one moment. */
struct ipfw_view {
	struct ipfw_set sets[2]; /* POLICY_IPFW_SET, POLICY_IPFW_OTHER_SET */
	bool floor;
	uint64_t floor_blocked;
	bool denies_by_default;
	char pipe[IPFW_RULE_TEXT]; /* the first foreign rule that puts packets into one of dummynet's: "" none
				    */
};

/* Reads a whole listing. 0; -1 and `e` if a line is none, or the last rule, which is always there
 * and can't be deleted, is missing: then the listing is cut. */
int ipfw_view_read(const char *listing, struct ipfw_view *view, struct err *e);

/* Which of the two (0, 1) decides about packets: the first enabled one with rules. -1: none. */
int ipfw_view_holding(const struct ipfw_view *view);

/* Does the listing hold, as set `set`, what the text printed for it says: as many rules, in this
 * order, each with the action and the row? 0, or -1 and `e`: which not. */
int ipfw_same_policy(const char *listing, const char *printed, unsigned set, struct err *e);

#endif
