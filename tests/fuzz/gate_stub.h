/* A gate without a kernel: stand-ins for the ports while its sockets are fuzzed. */
#ifndef FUZZ_GATE_STUB_H
#define FUZZ_GATE_STUB_H

#include "gate/gate.h"

/* What was called, in order, a word each; and which of those words fails from now on, "" none. */
extern char stub_calls[512];
extern const char *stub_fails;

/* A gate as it is after its start: locked, wanted up, one remote (1194/udp),
 * its driver at the other end of *peer. */
void stub_gate(struct gate *gate, int *peer);

/* What must hold whatever a driver said: aborts if it does not. */
void stub_check(const struct gate *gate);

/* Ends what stub_gate began. */
void stub_end(struct gate *gate, int peer);

#endif
