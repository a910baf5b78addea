/* What `enable --confirm` leaves until somebody confirms it, or it is taken back. */
#ifndef CTL_UNCONFIRMED_H
#define CTL_UNCONFIRMED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Is there an `enable` that nobody has confirmed, or one whose taking back is not complete? */
bool unconfirmed_is_there(void);

/* Notes that it is taken back at `until` (seconds since the epoch), and what portcullis.conf was before, with
 * its mode; NULL: there was none. Whole or not at all. 0, or -1 and `e`. */
int unconfirmed_write(int64_t until, const char *conf, mode_t mode, struct err *e);

/* Either somebody confirms or it is taken back: the one who comes first. 1 it is the caller's; 0 there is
 * none, or the other one was first; -1 and `e`. Taking back may be begun again, until unconfirmed_forget. */
int unconfirmed_confirm(struct err *e);
int unconfirmed_take_back(struct err *e);

/* portcullis.conf as it was before. 0, or -1 and `e`. */
int unconfirmed_restore(struct err *e);

/* Removes all of that. 0 also if there was nothing; -1 and `e`. */
int unconfirmed_forget(struct err *e);

#endif
