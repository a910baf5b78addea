/* What the child port of macOS and of FreeBSD share with each other; nobody else includes it. */
#ifndef OS_CHILD_BSD_H
#define OS_CHILD_BSD_H

#include <stddef.h>

/* The options that give openvpn exactly the device `interface`; at most 4 words. */
size_t child_bsd_device(const char *interface, const char **words);

#endif
