/* gate: the hole through which one group's programs log in to a captive portal, for a time: row 16. */
#ifndef GATE_PORTAL_HOLE_H
#define GATE_PORTAL_HOLE_H

#include "base/err.h"

struct gate;
struct wire_admin_request;

/* Root's request: opens it, or ends it now. 0; or -1 and `e`, and it is as it was. The kernel closes it when
 * its time is over, whatever becomes of us. */
int portal_request(struct gate *gate, const struct wire_admin_request *request, struct err *e);

/* Ends it, if there is one; where that fails, the gate is locked anew. */
void portal_end(struct gate *gate, const char *why);

#endif
