/* scutil(8) as text: what is fed to it, and what it says. Pure. */
#ifndef OS_DNS_SCUTIL_TEXT_H
#define OS_DNS_SCUTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/captive.h"
#include "base/err.h"
#include "base/net.h"
#include "base/wire_channel.h"

enum { SCUTIL_DOMAINS = WIRE_DOMAINS + CAPTIVE_NAMES + 1, SCUTIL_TEXT = 4096 };

/* The DNS entity of our service in the dynamic store (SCSchemaDefinitions). */
struct scutil_dns {
	char servers[WIRE_SERVERS][NET_ADDRESS_TEXT];
	char domains[SCUTIL_DOMAINS][WIRE_DOMAIN]; /* names that are looked up there; "": every name */
	size_t server_count, domain_count;
	char interface[NET_NAME_SIZE]; /* "": none; "*": of every link */
	uint16_t port;                 /* 0: 53 */
};

/* The tunnel's servers for every name; server_count 0: it has none. */
void scutil_of_tunnel(const struct wire_tunnel *tunnel, struct scutil_dns *dns);
/* 127.0.0.1 for every name, and Apple's connectivity names on every link. */
void scutil_of_loopback(uint16_t port, struct scutil_dns *dns);
bool scutil_same(const struct scutil_dns *a, const struct scutil_dns *b);

/* Prints the commands that set our service to `dns`, with the addresses of `tunnel` (NULL: none). 0, or -1
 * and `e`: they do not fit. */
int scutil_print_set(const struct scutil_dns *dns, const struct wire_tunnel *tunnel, char *to, size_t size,
		     struct err *e);
/* The commands that remove our service and list what is left of it; and those that show its DNS entity. */
extern const char scutil_remove[], scutil_show[];

/* Read scutil's output for each of the three. It exits with 0 whatever happens, so only the output shows a
 * failure. 0, or -1 and `e`. */
int scutil_read_set(const char *output, struct err *e);
int scutil_read_remove(const char *output, struct err *e);
/* As above, but 1: there is no such entity. */
int scutil_read_show(const char *output, struct scutil_dns *dns, struct err *e);

#endif
