/* The resolver port: makes the system ask the tunnel's DNS servers. */
#ifndef OS_DNS_H
#define OS_DNS_H

#include <stddef.h>

#include "base/err.h"
#include "base/net.h"
#include "base/wire_channel.h"

/* Hands the servers and domains of `tunnel` to the system's resolver. Only
 * literal addresses and checked domains reach an argument; never a shell.
 * Waits for the tool, 2 s at most. 0; 1 if there is no tool and the system was
 * left alone; -1 on failure. In all cases `e` has a line to log. */
int dns_set(const struct wire_tunnel *tunnel, struct err *e);

/* Takes it back; also what an earlier life of ours left (the interface's name
 * is enough). As dns_set. */
int dns_restore(const char *interface, struct err *e);

#endif
