/* gate: the hole for a captive portal, opened and ended. */
#include "gate/portal/hole.h"

#include <time.h>

#include "base/text.h"
#include "base/wire_admin.h"
#include "gate/gate.h"
#include "os/host/clock.h"
#include "os/host/loop.h"

/* The filter first, as ever. */
static int assert_it(struct gate *gate, struct err *e)
{
	return firewall_assert(gate->fw, &gate->situation, e) == -1 ? -1 : gate_route(gate, false, e);
}

void portal_end(struct gate *gate, const char *why)
{
	struct err e = {""};

	if (!gate_forget_portal(gate, why))
		return;
	if (assert_it(gate, &e) == -1) {
		log_error("gate", "the portal: %s", e.text);
		(void)gate_dispatch(gate, EVENT_DISTURBED, "a portal could not be shut", NULL);
	}
	gate->changed(gate, NOTE_GATE, gate->reason);
}

static void over_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	portal_end(argument, "its time is over");
}

static int check(const struct gate *gate, const struct wire_admin_request *request, struct err *e)
{
	enum wire_gate shown = gate_shown(gate);

	if (!firewall_has_portals(gate->fw))
		return err_set(e, "this firewall can't end a portal; instead: portcullis pause 5m");
	if (!gate->situation.portal.group.known)
		return err_set(e, "portal-group does not exist; instead: create it, then portcullis reload");
	if (request->seconds > POLICY_PORTAL_SECONDS)
		return err_set(e, "a portal lasts from 1 s to %d minutes", POLICY_PORTAL_SECONDS / 60);
	if (request->user == 0 || request->user == POLICY_NOBODY)
		return err_set(e, "no portal for root or nobody; instead: a person's user");
	if (gate->situation.portal.until != 0)
		return err_set(e, "%s; instead: portcullis portal --end", gate->portal);
	if (shown == GATE_OPEN)
		return err_set(e, "the VPN is up, so no portal is in its way");
	if ((shown == GATE_LOCKED || shown == GATE_DIALLING) && !gate->bare)
		return 0;
	return err_set(e, "there is no portal while the gate is %s%s", wire_gate_word(shown),
		       gate->bare ? ", without the configuration's values" : "");
}

int portal_request(struct gate *gate, const struct wire_admin_request *request, struct err *e)
{
	char stamp[TEXT_TIME_SIZE];
	size_t used = 0;

	if (request->seconds == 0) {
		portal_end(gate, "by root's command");
		return 0;
	}
	if (check(gate, request, e) == -1)
		return -1;
	gate->situation.portal.until = clock_steady_ms() + (int64_t)request->seconds * 1000;
	gate->situation.portal.user = request->user;
	gate->situation.portal.any = request->any != 0;
	loop_arm(gate->base, &gate->portal_end, over_cb, gate, (int64_t)request->seconds * 1000);
	text_time(stamp, time(NULL) + request->seconds);
	text_append(
	    gate->portal, sizeof gate->portal, &used,
	    "a portal is open until %s, for group %u: DNS of private addresses, ports 80 and 443 of %s",
	    stamp, gate->situation.portal.group.number, request->any != 0 ? "all" : "these");
	if (assert_it(gate, e) == -1) {
		portal_end(gate, "it could not be opened");
		return -1;
	}
	log_warn("gate", "%s; by root's command, with programs of user %u", gate->portal, request->user);
	gate->changed(gate, NOTE_GATE, gate->reason);
	return 0;
}
