/* What somebody who has captured openvpn or the driver may try. Tests only. */
#ifndef TESTS_TRIES_H
#define TESTS_TRIES_H

#include <stdbool.h>
#include <stddef.h>

/* What the tries are aimed at; "" and 0 where there is none. */
struct target {
	const char *internet4, *internet6, *server4; /* addresses; none answers at port 5300 */
	const char *link;                            /* the physical one */
	const char *tunnel;                          /* the gate's device */
	const char *control, *admin_socket, *bus;    /* sockets */
	const char *profile, *marker, *runtime;      /* files and folders */
	const char *last;                            /* the last try to make */
	int port;                                    /* the server's */
	int daemon, victim;                          /* processes */
};

/* What it does as root without a sandbox: */
enum tried {
	TRY_WORKS,   /* it works and does no harm: the control */
	TRY_ARRIVES, /* the kernel handles it, and returns an error other than EPERM: the call exists */
	TRY_NEVER    /* it is not tried */
};

struct
try {
	const char *name;
	enum tried as_root;
	int (*run)(const struct target *target); /* 0, or an errno */
	long call;                               /* without `run`: this call, all arguments 0 or -1 */
};

extern const struct try tries[];
extern const size_t tries_count;

/* 0 if it worked, else an errno; may not return. */
int try_run(const struct try *try, const struct target *target);

/* KEY=VALUE into *target; false: there is no such key. */
bool target_set(struct target *target, const char *word);

#endif
