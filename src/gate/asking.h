/* gate: who asks the resolver for the servers' names. */
#ifndef GATE_ASKING_H
#define GATE_ASKING_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "gate/names.h"

struct gate;

enum { ASKING_A_MINUTE = 3 };

/* Zeroed: nobody asks. */
struct asking {
	pid_t pid;              /* the child; 0: none */
	int answers, complaint; /* what it writes */
	struct event *deadline; /* when it is ended at the latest */
	int64_t asked_ms[ASKING_A_MINUTE];
};

/* May it be asked now? A captured driver asks without end: so many times a minute. 0, or -1 and `e`. */
int asking_check(struct gate *gate, struct err *e);

/* Starts the child (EFFECT_ASK): 0, or -1 and `e`: it does not run. Or ends it, if it runs; then it is reaped
 * like any other. */
int asking_effect(struct gate *gate, bool begin, struct err *e);

/* It has been reaped: shuts the hole, takes its answers, notifies the driver. */
void asking_reaped(struct gate *gate, int status);

/* A driver starts: takes the profile's names, reads the addresses that were good, and sends the driver both.
 */
void asking_begin(struct gate *gate);

/* A tunnel is open: its server's address is kept, over restarts too. */
void asking_proven(struct gate *gate);

#endif
