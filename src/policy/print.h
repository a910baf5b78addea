/* A situation's policy as text that nft, pfctl or ipfw loads. */
#ifndef POLICY_PRINT_H
#define POLICY_PRINT_H

#include <stddef.h>

#include "base/err.h"
#include "policy/situation.h"

/* Each writes into `to` (PRINT_SIZE bytes are always enough) and returns 0, or
 * -1 and `e` if the situation is not a whole one (policy_check). The text ends
 * with a line end; each rule carries its row of docs/security.md. */
enum { PRINT_SIZE = 64 * 1024 };

int policy_print_nft(const struct situation *s, char *to, size_t size, struct err *e);
int policy_print_pf(const struct situation *s, char *to, size_t size, struct err *e);
int policy_print_ipfw(const struct situation *s, char *to, size_t size, struct err *e);

/* Names that the nft text and the netlink writer must share. */
#define POLICY_NFT_TABLE "portcullis"
#define POLICY_NFT_MARK 0x706f7274u  /* set on what may leave a physical link, required at EGRESS */
#define POLICY_NFT_LINKS 512         /* as many links have a chain of their own, at most */
#define POLICY_NFT_CLAIMED "claimed" /* connections of others that went into the tunnel */
#define POLICY_NFT_ASKED "asked"     /* each with the link by which it did */
/* Chains that renew this, by the link that a packet came in by, and that it leaves by. */
#define POLICY_NFT_QUESTIONS "questions"
#define POLICY_NFT_ANSWERS "answers"
#define POLICY_NFT_TUN "tun"       /* what the kernel calls the tunnel's kind of link */
#define POLICY_NFT_LAST 2147483646 /* a priority: after all but the end of connection tracking */

/* The anchor that is ours in pf; and a second place for the same text, which Apple's stock main rules
 * evaluate by themselves (after any child of com.apple whose name sorts before it). */
#define POLICY_PF_ANCHOR "org.portcullis"
#define POLICY_PF_FALLBACK "com.apple/000.portcullis"

/* The main rules, with calls of our anchor before anything else may pass a packet. `standing`: the main rules
 * as they are, as pf.conf or as `pfctl -sr` and `-sn` print them, NULL or "" for none. They are kept, each in
 * the order that pfctl wants (options, scrub, translation, dummynet, filter), and ours go before them. Calls
 * of our anchor that are there are replaced; `set skip` on anything but loopback and every `binat` are left
 * out. Applied to its own result it changes nothing. 0, or -1 and `e`. */
enum pf_dialect { PF_APPLE, PF_FREEBSD };
int policy_print_pf_main(enum pf_dialect dialect, const char *standing, char *to, size_t size, struct err *e);
/* The same without ours: theirs alone, in the same order; "" if there were none. */
int policy_print_pf_rest(const char *standing, char *to, size_t size, struct err *e);

/* The two rule sets that are ours in ipfw (0..30; 31 can't be switched off): one holds, the other
 * is built while it is disabled: `set disable N`, `delete set N`, the text for set N, read back,
 * then `set disable OTHER enable N`, the one command that is atomic for packets (swap and move are
 * not), then `delete set OTHER`. All rules have the lowest number, in order of insertion: no foreign
 * rule comes between them, and only one of the same number that stood before comes first. */
enum { POLICY_IPFW_SET = 26, POLICY_IPFW_OTHER_SET = 27, POLICY_IPFW_NUMBER = 1 };

/* As policy_print_ipfw, for this one of the two sets. */
int policy_print_ipfw_set(const struct situation *s, unsigned set, char *to, size_t size, struct err *e);

#endif
