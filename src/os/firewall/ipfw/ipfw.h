/* The gate in FreeBSD's ipfw, inside: what the backend's files share. */
#ifndef OS_FIREWALL_IPFW_IPFW_H
#define OS_FIREWALL_IPFW_IPFW_H

#include "os/firewall/ipfw/parse.h"
#include "os/firewall/ports.h"

enum { IPFW_LISTING = 512 * 1024, IPFW_PATIENCE = 2000 /* ms for one call of the tool */ };

/* As kept by the kernel and verified; what the watch compares with. */
struct ipfw_held {
	int set; /* 0 or 1 */
	size_t rules;
	uint64_t hash;
};

struct ipfw_watch;

struct ipfw_firewall {
	struct firewall common; /* first */
	char *listing;          /* IPFW_LISTING bytes */
	char *wanted,
	    *stand; /* PRINT_SIZE bytes: the policy as of set POLICY_IPFW_SET; the one verified last */
	struct ipfw_view view;
	bool armed;  /* `held` and `stand` are what the kernel should have */
	bool paused; /* the pause watchdog ends it */
	struct ipfw_held held;
	struct situation last;   /* asserted last */
	uint32_t epoch;          /* a look that began before another epoch is out of date */
	uint64_t blocked_before; /* packets that sets stopped which are deleted by now */
	struct ipfw_watch *watch;
};
#define ipfw_of(common) ((struct ipfw_firewall *)(common))

/* Is the kernel's ipfw loaded, and does it judge packets of both families? 1 yes,
 * 0 loaded and switched off, -1 not loaded. Does not block. */
int ipfw_kernel_state(void);

/* The number of our set 0 or 1. */
unsigned ipfw_set_number(int set);

/* Runs commands, a line each; the tool stops at the first that fails. 0, or -1 and `e`. */
int ipfw_command(const char *lines, struct err *e);

/* The command that lists the rules. Ends with NULL. */
const char *const *ipfw_list_command(void);

/* Deletes every dynamic state of the kernel's, and no rule. 0, or -1 and `e`. */
int ipfw_delete_states(struct err *e);

/* Fills fw->listing and fw->view. 0, or -1 and `e`: also if the listing is cut. */
int ipfw_look(struct ipfw_firewall *fw, struct err *e);

/* Brings the kernel to the policy of `s` and verifies it; no watchdog is needed. 0, or -1 and `e`. */
int ipfw_settle(struct ipfw_firewall *fw, const struct situation *s, struct err *e);

/* Do the kernel's rules differ from those that are held? 0 no; -1 and `e`: how, and what to do if it is not
 * for us to do. */
int ipfw_compare(const struct ipfw_firewall *fw, const struct ipfw_view *view, struct err *e);

/* Does the probe get out of a link of the last situation? 0 no, -1 and `e`. */
int ipfw_probe_links(const struct ipfw_firewall *fw, struct err *e);

int ipfw_pause(struct firewall *common, uint32_t seconds, struct err *e);

int ipfw_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		    struct err *e);
void ipfw_watch_close(struct ipfw_watch *watch);

#endif
