/* Does captive DNS answer? The process that asks is not the one that answers, so their rights are not mixed.
 */
#ifndef OS_DNS_CAPTIVE_DNS_QUERY_H
#define OS_DNS_CAPTIVE_DNS_QUERY_H

#include <stdbool.h>
#include <stdint.h>

/* Asks 127.0.0.1, UDP `port`, for a name of base/captive.h and waits for an answer, `milliseconds` at most.
 * Of the answer only the ID is looked at. */
bool captive_dns_query(uint16_t port, int milliseconds);

#endif
