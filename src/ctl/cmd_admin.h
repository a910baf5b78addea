/* The admin socket (gate.sock) from the side of the command line. */
#ifndef CTL_CMD_ADMIN_H
#define CTL_CMD_ADMIN_H

#include <jansson.h>

#include "base/wire_admin.h"
#include "ctl/ctl.h"

/* Sends the request, and fills in its answer; prints only what went wrong. Waits 3 s at most. Returns an exit
 * code. */
int ctl_admin_ask(const struct ctl *ctl, const struct wire_admin_request *request,
		  struct wire_admin_answer *answer);

/* Sends the request and prints the answer; waits 3 s at most. Returns an exit code. */
int ctl_admin_request(const struct ctl *ctl, const struct wire_admin_request *request);

/* Sends the request, prints the answer, and returns an exit code when it is carried
 * out: as soon as openvpn has exited. For pause and off, which must not be reported
 * before they are complete. */
int ctl_admin_settled(const struct ctl *ctl, const struct wire_admin_request *request);

/* Has `verb` (enum wire_admin) been carried out, according to `status`? The exit
 * code, or -1: not yet. `left`: some status until now showed neither an open gate
 * nor a stopped tunnel. Pure. */
int ctl_admin_done(uint32_t verb, const json_t *status, bool left);

#endif
