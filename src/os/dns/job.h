/* The resolver's tools run in a child, so that nobody waits for them; one at a time. */
#ifndef OS_DNS_JOB_H
#define OS_DNS_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire_channel.h"

struct dns_job {
	/* Set by the owner: whether to run at all, and what a child reads when it begins. */
	bool managed;
	const char *interface;
	const struct wire_tunnel *tunnel;
	uint16_t port; /* of captive DNS; 0: there is none */
	bool shut;
	/* Ours. */
	pid_t pid;
	bool pending, set, look;
};

/* Sets the tunnel's servers, or takes them back, in a child; never waits. */
void dns_job_want(struct dns_job *job, bool set);

/* To be called when the gate's state or the network has changed: checks in a child that the resolver is set
 * as wanted. Does nothing where nobody changes that (dns_is_watched). Never waits. */
void dns_job_look(struct dns_job *job, bool shut);

/* Was `pid`, just reaped, such a child? */
bool dns_job_reaped(struct dns_job *job, pid_t pid);

/* Takes back all that is ours, and waits until that is done. Called before we exit. */
void dns_job_finish(struct dns_job *job);

#endif
