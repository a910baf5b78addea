/* The child that asks the resolver for the profile's names: DNS over TLS (RFC 7858). */
#ifndef DRIVER_NAMES_ASK_H
#define DRIVER_NAMES_ASK_H

/* With the remotes on descriptor 0, it writes each address that the resolver `address` knows to descriptor 1
 * (struct wire_answer), and why it could not ask to 2. The resolver's certificate must have `name`; who may
 * have signed it is in the file on descriptor 3, or if that is empty whoever the system trusts. Connects,
 * enters the sandbox, and only then reads what the resolver sends. The exit code. */
int ask_main(const char *address, char *name);

#endif
