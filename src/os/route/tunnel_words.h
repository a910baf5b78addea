/* The arguments of ifconfig(8) and route(8) of macOS and of FreeBSD for a tunnel. Pure:
 * values in, text out. */
#ifndef OS_ROUTE_TUNNEL_WORDS_H
#define OS_ROUTE_TUNNEL_WORDS_H

#include <stddef.h>

#include "os/route/route.h"

/* Room for every line of a tunnel with all its routes. */
enum { TUNNEL_WORDS_SIZE = 8 * 1024, TUNNEL_WORDS_MAX = 10 };

/* How the machine's own routes lead to an address. */
struct tunnel_way {
	char gateway[NET_ADDRESS_TEXT + NET_NAME_SIZE]; /* "" : on the link itself */
	char link[NET_NAME_SIZE];
};

/* Each writes lines, one command's words a line, into `to` (`size` bytes). 0, or -1 and `e`: they do not fit.
 */
/* For ifconfig: MTU, addresses, up. */
int tunnel_words_device(const struct wire_tunnel *tunnel, char *to, size_t size, struct err *e);
/* For route, after its verb: the endpoint past the tunnel, then what goes into it. */
int tunnel_words_routes(const struct route_desired *desired, const struct tunnel_way *way, char *to,
			size_t size, struct err *e);

/* For route, after its verb: the endpoint past the tunnel alone. */
int tunnel_words_endpoint(const struct net_address *endpoint, const struct tunnel_way *way, char *to,
			  size_t size, struct err *e);

/* A way as the network port found it, by the link of that name; and are two the same? */
void tunnel_words_from(const struct wire_way *from, const char *link, struct tunnel_way *way);
bool tunnel_words_alike(const struct tunnel_way *one, const struct tunnel_way *other);

/* The tunnel's own subnets, where their addresses may not have brought them; perhaps none. */
int tunnel_words_subnets(const struct wire_tunnel *tunnel, char *to, size_t size, struct err *e);

/* The words of the line at *cursor, which moves on to the next one: pointers into `buffer` (a line's bytes
 * are copied there), at most `count`. How many; 0 at the end, or where they do not fit. */
size_t tunnel_words_next(const char **cursor, char *buffer, size_t size, const char **words, size_t count);

#endif
