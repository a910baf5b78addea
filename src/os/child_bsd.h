/* What the child port of macOS and of FreeBSD share with each other; nobody else includes it. */
#ifndef OS_CHILD_BSD_H
#define OS_CHILD_BSD_H

#include <stddef.h>

/* The options that give openvpn exactly the device `interface`, let it run and set nothing, and where it
 * must begin as root make it `user`; at most 10 words. */
size_t child_bsd_words(const char *interface, const char *user, const char **words);

#endif
