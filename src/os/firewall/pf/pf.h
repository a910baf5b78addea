/* What the pf backend's files share. All of it runs /sbin/pfctl; nothing here knows pf's own structs. */
#ifndef OS_FIREWALL_PF_PF_H
#define OS_FIREWALL_PF_PF_H

#include "os/firewall/pf/parse.h"
#include "os/firewall/ports.h"
#include "policy/print.h"

struct pf_watch;

struct pf_firewall {
	struct firewall common;           /* first */
	int lockfile;                     /* shows which process holds the gate; -1 not opened */
	int64_t deadline;                 /* of what is being done, ms of the monotonic clock */
	bool armed;                       /* our rules are verified, and no state of before lives */
	bool paused;                      /* our rules are out, and the pause watchdog runs */
	bool tunnel_open;                 /* states of the tunnel may live */
	bool there;                       /* pf answers (FreeBSD: its module is loaded) */
	char leaked[NET_NAME_SIZE];       /* the link that the probe got out of; "" none */
	bool tainted;                     /* others ruled meanwhile: any state may live */
	int64_t fresh_until;              /* all around our rules was verified; ms as above */
	uint32_t generation;              /* counts loads: what was looked at before one says nothing */
	uint64_t token;                   /* of our reference (macOS); 0 none known */
	uint64_t blocked_before, blocked; /* packets: by rules that were replaced, by these */
	struct situation situation;       /* the last one asserted */
	char text[PRINT_SIZE];            /* our anchor's text as loaded; "" unknown */
	char rules[PRINT_SIZE];           /* pfctl's own listing of it right after */
	char fallback[PRINT_SIZE];        /* the fallback's text as loaded */
	char answer[PRINT_SIZE], more[PRINT_SIZE]; /* pfctl's last output */
	char made[PRINT_SIZE];                     /* a text in the making */
	struct err remark;                         /* for the log: the first lock is older than it */
	struct pf_watch *watch;
};
#define pf_of(common) ((struct pf_firewall *)(common))

/* --- exec.c: 0, or -1 and `e`. pfctl is run again while pf is busy,
 * and killed at its deadline. `arguments` end with NULL. */
void pf_give_time(struct pf_firewall *fw);
int pf_exec(struct pf_firewall *fw, const char *const *arguments, const char *input, struct err *e);
/* The complete output. An error message counts as a failure even if the exit status hides it. */
int pf_query(struct pf_firewall *fw, const char *const *arguments, char *answer, size_t size, struct err *e);

/* --- anchor.c: what is ours */
int pf_anchor_load(struct pf_firewall *fw, const char *text, struct err *e);
/* Reads it back: is it what `text` makes? Notes how pfctl spells it. */
int pf_anchor_verify(struct pf_firewall *fw, struct err *e);
/* Its rules, in fw->more as pfctl spells them. */
int pf_anchor_read(struct pf_firewall *fw, struct pf_rules *found, struct err *e);
/* Is it still what was noted? */
int pf_anchor_compare(struct pf_firewall *fw, struct pf_rules *found, struct err *e);
/* Loads the same lock into the second place, where there is one. A failure is only a remark. */
void pf_fallback_load(struct pf_firewall *fw);
/* Is it still there? True also if it can't be read. */
bool pf_fallback_stands(struct pf_firewall *fw);
int pf_anchor_empty(struct pf_firewall *fw, struct err *e); /* nothing in either */

/* --- main_rules.c: what is everybody's */
int pf_main_look(struct pf_firewall *fw, struct err *e);
/* Puts the call of our anchor into the main rules, if it is not in its place. */
int pf_main_arrange(struct pf_firewall *fw, struct err *e);
int pf_main_leave(struct pf_firewall *fw, struct err *e);

/* --- leak.c, health.c */
int pf_leak_look(struct pf_firewall *fw, struct err *e);
int pf_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		  struct err *e);
void pf_watch_close(struct pf_watch *watch);

/* --- pf.c, pause.c */
/* Brings pf to the policy of `s`, verified; does not look who holds the gate. */
int pf_settle(struct pf_firewall *fw, const struct situation *s, struct err *e);
int pf_pause(struct firewall *common, uint32_t seconds, struct err *e);

#endif
