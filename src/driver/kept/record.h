/* A record of fixed size in a small file of root's that the driver has open: whole, or as if there were none.
 */
#ifndef DRIVER_KEPT_RECORD_H
#define DRIVER_KEPT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first RECORD_MARK bytes of each record say what it is, its last RECORD_CHECK ones whether it is whole;
 * both are this file's. Without padding; one machine, one build. */
enum { RECORD_MARK = 8, RECORD_CHECK = 8 };

/* False: there is none with this mark, or it is torn; then `record` holds anything. */
bool record_load(int descriptor, const char *mark, void *record, size_t size);

/* One write; what a crash tears counts as none. 0, or -1: it could not be written. */
int record_save(int descriptor, const char *mark, void *record, size_t size);

/* FNV-1a: a number for these bytes, behind others with the number `hash`; at first RECORD_HASH. */
#define RECORD_HASH 14695981039346656037u
uint64_t record_hash(uint64_t hash, const void *bytes, size_t size);

#endif
