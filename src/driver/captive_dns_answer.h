/* The answers of captive DNS: the bytes of a query in, those of its answer out. Pure. */
#ifndef DRIVER_CAPTIVE_DNS_ANSWER_H
#define DRIVER_CAPTIVE_DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum { CAPTIVE_DNS_ANSWER_SIZE = 512 }; /* RFC 1035, 2.3.4: a message over UDP */

/* Apple's connectivity names have one IPv4 address of documentation (192.0.2.1)
 * and nothing else; every other name does not exist. Writes at most
 * CAPTIVE_DNS_ANSWER_SIZE bytes into `answer`; their number, 0: no answer is due. */
size_t captive_dns_answer(const uint8_t *query, size_t length, uint8_t *answer);

#endif
