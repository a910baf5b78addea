/* Does captive DNS answer? What asks is not what answers: no rights are mixed. */
#ifndef OS_DNS_CAPTIVE_DNS_QUERY_H
#define OS_DNS_CAPTIVE_DNS_QUERY_H

#include <stdbool.h>
#include <stdint.h>

/* Asks 127.0.0.1, UDP `port`, for a name of base/captive.h and waits for an
 * answer, `milliseconds` at most. Nothing in the answer but its number is looked at. */
bool captive_dns_query(uint16_t port, int milliseconds);

#endif
