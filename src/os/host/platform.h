/* Where the platforms differ by no more than a word: one file of constants for each. Pure. */
#ifndef OS_HOST_PLATFORM_H
#define OS_HOST_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/* What a user can run to take back what the resolver was told, if no daemon does. */
extern const char platform_dns_by_hand[];

/* macOS and FreeBSD. Has a device two ends only, of which an address names the other, and brings no route to
 * its subnet? */
extern const bool platform_device_has_ends;

/* macOS and FreeBSD: the options that give openvpn exactly the device `interface`, let it run and set
 * nothing, and where it must begin as root make it `user`; at most 10 words. */
size_t platform_openvpn_words(const char *interface, const char *user, const char **words);

#endif
