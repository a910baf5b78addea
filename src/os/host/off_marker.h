/* The off marker: root's own word that the gate stays off. */
#ifndef OS_HOST_OFF_MARKER_H
#define OS_HOST_OFF_MARKER_H

#include <stdbool.h>

#include "base/err.h"

/* Constant, so that the marker is found without a configuration. */
#define OFF_MARKER_BOOT PORTCULLIS_RUNDIR "/portcullis/off"      /* until the next boot */
#define OFF_MARKER_PERSIST PORTCULLIS_STATEDIR "/portcullis/off" /* until it is cleared */

/* Writes one of the two (and takes the other away), for this network
 * namespace; whole or not at all. Root only. 0, or -1 and `e`. */
int off_marker_write(bool persist, struct err *e);

/* Is there a marker that counts: a regular file of root's in a directory of
 * root's, neither writable by others, written in this network namespace and,
 * unless it persists, since this boot? Everything else means no: locked. */
bool off_marker_valid(void);

/* Takes both away. 0 also if there was none; -1 and `e`. */
int off_marker_clear(struct err *e);

#endif
