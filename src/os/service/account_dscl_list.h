/* What `dscl . -list /Users UniqueID` says: names and numbers. Pure. */
#ifndef OS_SERVICE_ACCOUNT_DSCL_LIST_H
#define OS_SERVICE_ACCOUNT_DSCL_LIST_H

#include <stdbool.h>
#include <stdint.h>

/* The number of `name` in a listing of "NAME   NUMBER" lines. 0, or -1: it is
 * not there, or has no number. */
int dscl_number_of(const char *listing, const char *name, int64_t *number);

/* Has no line of the listing this number? */
bool dscl_is_free(const char *listing, int64_t number);

#endif
