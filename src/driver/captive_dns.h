/* Captive DNS: answers on the loopback while the gate is shut; where there is no socket, nothing. */
#ifndef DRIVER_CAPTIVE_DNS_H
#define DRIVER_CAPTIVE_DNS_H

struct event_base;
struct event;

/* `descriptor` stays the caller's: a UDP socket of the loopback; anything else is left alone (*event is then
 * NULL). 0; -1: no memory. */
int captive_dns_new(struct event_base *base, int descriptor, struct event **event);

/* NULL is fine. */
void captive_dns_free(struct event *event);

#endif
