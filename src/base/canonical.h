/* The canonical form of a profile: what the vetting child prints, what the
 * gate checks line by line, what openvpn may get. It is closed:
 *
 *   remote HOST PORT udp|tcp [ADDR ...]     one a remote, at least one
 *   set NAME NUMBER                         what the profile sets for us, not for openvpn:
 *                                           each NAME of the table once, in its order
 *   needs N                                 0..3, enum profile_credentials
 *                                           an empty line, then the body:
 *   name "arg" "arg"                        name and count from the table
 *   <tag>                                   base64, hex, PEM lines only
 *   ...
 *   </tag>
 *
 * Printable ASCII and LF, nothing else; in an argument only \\ and \" are
 * escapes; a line of the body is at most 254 bytes, openvpn's own limit. The
 * checker shares no code with the parser that prints it: it is the wall behind
 * that parser. */
#ifndef BASE_CANONICAL_H
#define BASE_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/net.h"

enum {
	CANONICAL_SIZE_MAX = 16 * 1024 * 1024,
	CANONICAL_ADDRESSES = 16,
	CANONICAL_HOST_SIZE = 256,
	CANONICAL_LINE_MAX = 254
};

struct canonical_remote {
	char host[CANONICAL_HOST_SIZE]; /* for messages only */
	uint16_t port;
	uint8_t proto; /* enum net_proto */
	struct net_address addresses[CANONICAL_ADDRESSES];
	size_t address_count; /* 0: never resolved */
};

/* Is every byte of it in the form above? 0, or -1 and `e`. Does no I/O,
 * allocates nothing, takes any bytes. */
int canonical_check(const char *text, size_t length, struct err *e);

/* Call the functions below only with a text that canonical_check has accepted. */

/* The next remote, from offset *at (0 at first); false after the last. */
bool canonical_next_remote(const char *text, size_t length, size_t *at, struct canonical_remote *remote);
int canonical_needs(const char *text, size_t length);
/* The number that the profile sets: connect-timeout, dead-peer, hand-window, server-poll-timeout (seconds),
 * remote-random (1). False: it sets none, and *value is left as it is. */
bool canonical_setting(const char *text, size_t length, const char *name, uint32_t *value);
/* Where the body for openvpn begins; it goes to the end of `text`. */
const char *canonical_body(const char *text, size_t length);
/* The head, and of the body only the lines that decide which pushed options count, pull-filter and
 * route-nopull, and the static challenge. Writes at most `length` bytes to `to`, and returns their number.
 * All functions here answer the same for the result as for `text`. */
size_t canonical_without_keys(const char *text, size_t length, char *to);
/* Would openvpn accept this option from a server, according to those lines? Any text is fine. */
bool canonical_takes_push(const char *text, size_t length, const char *option);
/* Is there a line with this option (say "route-nopull")? */
bool canonical_has(const char *text, size_t length, const char *name);
/* The first argument of that line, unquoted, to `to` of CANONICAL_LINE_MAX + 1 bytes; false and "": none. */
bool canonical_argument(const char *text, size_t length, const char *name, char *to);

#endif
