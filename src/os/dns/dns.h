/* The resolver port: makes the system query the tunnel's DNS servers. */
#ifndef OS_DNS_DNS_H
#define OS_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/net.h"
#include "base/wire_channel.h"

/* Hands the servers and domains of `tunnel` to the system's resolver. Only
 * literal addresses and checked domains reach an argument; never a shell.
 * Waits for the tools, 2 s at most. 0; 1 if there is no tool and the system was
 * left alone; -1 on failure. In all cases `e` has a line to log. */
int dns_set(const struct wire_tunnel *tunnel, struct err *e);

/* Takes that back, and also what an earlier run of ours left (the interface's name is enough). As dns_set. */
int dns_restore(const char *interface, struct err *e);

/* Does anything on this platform change the resolver's settings, or is there
 * captive DNS? If not, the two below need never be called. */
extern const bool dns_is_watched;

/* While the gate is shut: makes the system look names up at 127.0.0.1, UDP `port` (captive DNS). If nobody
 * answers there, does what dns_restore does, and returns -1. Otherwise as dns_set. */
int dns_shut(uint16_t port, struct err *e);

/* Is the resolver still set as wanted: to the servers of `tunnel`; if that is NULL, to `port` as by dns_shut;
 * if that is 0, to nothing of ours? 0 yes, and `e` is empty; 1 no, and it was set anew; -1 on failure. Waits
 * as dns_set. */
int dns_check(const struct wire_tunnel *tunnel, uint16_t port, struct err *e);

#endif
