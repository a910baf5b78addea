/* What the child port of macOS and of FreeBSD share with each other; nobody else includes it. */
#ifndef OS_CHILD_BSD_H
#define OS_CHILD_BSD_H

#include <stdbool.h>
#include <stddef.h>

/* The options that give openvpn exactly the device `interface`, and say what it may run and set by itself;
 * at most 8 words. */
size_t child_bsd_device(const char *interface, bool redirect, const char **words);

/* Must openvpn be root, because nobody else may make a tunnel? */
extern const bool child_bsd_needs_root;

#endif
