/* Stand-ins for ifconfig, route and the other functions that a device of a BSD calls. */
#ifndef TESTS_UNIT_DEVICE_STANDIN_H
#define TESTS_UNIT_DEVICE_STANDIN_H

#include <stdbool.h>

#include "os/netwatch/bsd/layout.h"
#include "os/route/route.h"

/* The test's own: the device's name, and in os/netwatch/bsd/layout.h route_layout_here. */
extern const char standin_device[];

/* Of the links in the samples of tests/fuzz/seeds/route. */
enum { STANDIN_WIRE = 4, STANDIN_DEVICE = 33 };

extern bool standin_exists;          /* a link of that name is there */
extern const char *standin_links;    /* the sample that the kernel's list of links is, without the system */
extern struct wire_way standin_past; /* how the endpoint is reached past the tunnel; link 0: not at all */
extern char standin_told[16 * 1024]; /* by the last standin_calls */

/* Files that the stand-ins read: `fail`, `group`, `no-node`, `way-ADDRESS`; and `table`, the kernel's routes
 * as it has them, which `route add` and `route delete` change. */
char *standin_path(const char *name);
void standin_put(const char *name, const char *text, unsigned mode);
void standin_way(const char *address, const char *link);
void standin_route(const char *verb, const char *prefix, const char *gateway_or_link);

/* What they were called with since the last time, a line each. */
const char *standin_calls(void);

/* cmocka's: of each test, of the group, at its end. */
int standin_clear(void **state);
int standin_prepare(void **state);
int standin_tidy(void **state);

struct wire_tunnel standin_tunnel(const char *four, const char *six);
struct route_desired standin_desired(const struct situation *s, const struct wire_tunnel *tunnel);
struct situation standin_situation(const char *endpoint);
void standin_shut(void);

#endif
