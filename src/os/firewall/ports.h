/* What a backend of the firewall port is: firewall.c chooses one, and passes each call on to it. */
#ifndef OS_FIREWALL_PORTS_H
#define OS_FIREWALL_PORTS_H

#include "os/firewall/firewall.h"

/* What all backends have: each puts it first into a struct of its own (`struct nft_firewall`). */
struct firewall {
	const struct firewall_port *port;
};

/* firewall.h says what each call promises. */
struct firewall_port {
	const char *name;
	const char *manual_command; /* commands that remove our rules */
	const char *timer;          /* what ends a portal without us; NULL: nothing does */
	struct firewall *(*open)(struct err *e);
	void (*close)(struct firewall *fw);
	int (*assert)(struct firewall *fw, const struct situation *s, struct err *e);
	int (*pause)(struct firewall *fw, uint32_t seconds, struct err *e);
	int (*forget_states)(struct firewall *fw, struct err *e);
	int (*remove)(struct firewall *fw, struct err *e);
	int (*owner)(struct firewall *fw, int32_t *pid, struct err *e);
	int (*held)(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		    struct err *e);                     /* NULL: as its owner says */
	const char *(*note)(const struct firewall *fw); /* NULL: never any */
	int (*blocked)(struct firewall *fw, uint64_t *packets, struct err *e);
	int (*watch)(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		     struct err *e);
	int (*probe)(struct firewall *fw, struct firewall_features *features, struct err *e);
};

extern const struct firewall_port firewall_nft, firewall_pf, firewall_ipfw;

/* Those of this platform, "auto" first; ends with NULL: ports_PLATFORM.c. */
extern const struct firewall_port *const firewall_ports[];

#endif
