/* The account port: the driver's user, and openvpn's, whose group the hole lets through. */
#ifndef OS_SERVICE_ACCOUNT_H
#define OS_SERVICE_ACCOUNT_H

#include "base/err.h"

/* The defaults of portcullis.conf(5). */
#define ACCOUNT_DRIVER "_portcullis" /* each with a group of the same name, */
#define ACCOUNT_OPENVPN "_openvpn"   /* in which nobody else is */

/* Creates those that are missing, with free numbers, without password, shell or
 * home. What an earlier try left half done is completed. 0, or -1 and `e`.
 * Blocks for the system's own tools, 10 s at most for each. */
int account_ensure(struct err *e);

/* Removes them. 0 also if they were not there; -1 and `e`. Blocks as above. */
int account_remove(struct err *e);

#endif
