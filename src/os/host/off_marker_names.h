/* What an off marker is good for, by name: each platform's part of off_marker. */
#ifndef OS_HOST_OFF_MARKER_NAMES_H
#define OS_HOST_OFF_MARKER_NAMES_H

#include <stddef.h>

/* The name of this boot, which no other boot ever has. 0, or -1 with errno: then no marker can be good for
 * one boot. No blanks. */
int off_marker_boot(char *to, size_t size);

/* The name of the network that this process is in, where a machine can have several. */
int off_marker_network(char *to, size_t size);

#endif
