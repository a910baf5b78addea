/* Where the platforms differ by no more than a word: one file of constants for each. Pure. */
#ifndef OS_HOST_PLATFORM_H
#define OS_HOST_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/* What a user can run to undo the resolver's settings, if no daemon does. */
extern const char platform_dns_manual_command[];

/* What restarts portcullisd, where this system's own service manager runs it. */
extern const char platform_restart_command[];

/* True on macOS and FreeBSD, where an address of a device names both ends, ours and the other, and brings no
 * route to its subnet. */
extern const bool platform_device_has_ends;

/* The options that give openvpn exactly the device `interface`; how many words, 4 at most. */
size_t platform_openvpn_device(const char *interface, const char **words);

/* Must openvpn begin as root and change to its user by itself? Elsewhere it is that user before exec. */
extern const bool platform_openvpn_begins_as_root;

/* Does the filter let in the errors that quote a packet of the hole (row 4)? pf and ipfw can't tell. */
extern const bool platform_relates_errors;

#endif
