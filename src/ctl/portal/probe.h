/* Is there a captive portal? What becomes of a page that is known. */
#ifndef CTL_PORTAL_PROBE_H
#define CTL_PORTAL_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* NetworkManager's page at Debian, over plain HTTP: the true one bears a header that says "online". */
#define PROBE_URL "http://network-test.debian.org/nm"

/* curl(1) asks for it, and prints what probe_judge reads. Ends with NULL. */
extern char *const probe_arguments[];

/* What curl printed, its exit status, and whether public addresses could be asked. One line into `to`, whose
 * part from the answer is not to be trusted. True: the true page came, and there is no portal. Pure. */
bool probe_judge(const char *said, int status, bool any, char *to, size_t size);

#endif
