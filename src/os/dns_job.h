/* gate: the resolver's tools run in a child, one at a time. */
#ifndef GATE_DNS_JOB_H
#define GATE_DNS_JOB_H

#include <stdbool.h>
#include <sys/types.h>

struct gate;

/* The tunnel's servers shall be set, or taken back; never waits. */
void dns_job_want(struct gate *gate, bool set);

/* Was `pid`, just reaped, such a child? */
bool dns_job_reaped(struct gate *gate, pid_t pid);

/* Waits until what was wanted is done; before our own end. */
void dns_job_finish(struct gate *gate);

#endif
