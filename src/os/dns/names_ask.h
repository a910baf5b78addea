/* Does the loopback answer names? What asks is not what answers: no rights are mixed. */
#ifndef OS_DNS_NAMES_ASK_H
#define OS_DNS_NAMES_ASK_H

#include <stdbool.h>
#include <stdint.h>

/* Asks 127.0.0.1, UDP `port`, for a name of base/captive.h and waits for an
 * answer, `milliseconds` at most. Nothing in the answer but its number is looked at. */
bool names_ask(uint16_t port, int milliseconds);

#endif
