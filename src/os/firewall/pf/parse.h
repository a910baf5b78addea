/* What pfctl says, as values. Pure; any text is accepted, and what is not understood never counts as good. */
#ifndef OS_FIREWALL_PF_PARSE_H
#define OS_FIREWALL_PF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/print.h"

/* Removes, in place, what pfctl prints besides an answer: that the kernel has no ALTQ, that -f flushes main
 * rules. False if it also reported an error, which the exit status need not do. */
bool pf_parse_noise(char *text);

/* What pfctl complains of: the first line of `text` that is one, without its "pfctl: ". */
void pf_parse_complaint(const char *text, char *to, size_t size);

/* `-s info`: 1 pf is enabled, 0 it is not, -1 it does not say. */
int pf_parse_enabled(const char *text);

/* `-E`: the token of the reference. 0, or -1. */
int pf_parse_token(const char *text, uint64_t *token);

/* `-s References`: 1 `token` is held, 0 it is not, -1 this is not such a list. */
int pf_parse_reference(const char *text, uint64_t token);

/* `-s Interfaces -v`: the first interface except loopback that pf skips, in `name` (NET_NAME_SIZE bytes), ""
 * if there is none. 0, or -1: this is not such a list. */
int pf_parse_skipped(const char *text, char *name);

/* `-v -s rules` of our anchor. */
struct pf_rules {
	size_t count;     /* lines that are rules */
	uint64_t blocked; /* packets that a `block` rule stopped */
	bool ends_shut;   /* the last two stop everything, out and in */
};
/* The rules alone, a line each, without counters, go to `rules`. 0, or -1: they
 * do not fit, or a line is neither a rule nor a counter. */
int pf_parse_rules(const char *text, char *rules, size_t size, struct pf_rules *found);

/* How many rules pfctl makes of a text of policy_print_pf: each list in braces multiplies. */
size_t pf_count_rules(const char *text);

/* `-s rules` and `-s nat` of the main rules: NULL if our anchor is evaluated before anything else can pass a
 * packet; else a few words that say what is wrong. */
const char *pf_judge_main(enum pf_dialect dialect, const char *rules, const char *nat);

/* `-s nat`: is there a `binat`, or a call of anchors for such, in it? */
bool pf_has_binat(const char *nat);

/* Is our anchor called in them at all? */
bool pf_calls_us(const char *rules, const char *nat);

#endif
