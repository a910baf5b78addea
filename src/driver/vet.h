/* The vetting child: a profile in, its canonical form out. */
#ifndef DRIVER_VET_H
#define DRIVER_VET_H

#include <stdbool.h>

/* Reads the profile on descriptor 0 (`name` is for messages), prints the
 * canonical form on 1 (without a private key, if that is external), or the one line of the refusal on 2. Call
 * it confined: it parses untrusted bytes, opens nothing, and needs only memory, read, write and exit. Returns
 * the exit code, 0 or 1. */
int vet_main(const char *name, bool external_key);

#endif
