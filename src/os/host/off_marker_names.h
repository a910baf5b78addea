/* What an off marker is good for, by name: each platform's part of off_marker. */
#ifndef OS_HOST_OFF_MARKER_NAMES_H
#define OS_HOST_OFF_MARKER_NAMES_H

#include <stddef.h>

/* Of this boot: no other boot ever has it. 0, or -1 with errno: then no marker
 * is good for one boot. No blanks. */
int off_marker_boot(char *to, size_t size);

/* Of the network that this process is in, where a machine can have several. */
int off_marker_network(char *to, size_t size);

#endif
