/* gate: `open` is proven before it is said, and stays proven. */
#include "gate/proof.h"

#include <string.h>

#include "base/text.h"
#include "gate/gate.h"
#include "os/host/clock.h"
#include "os/host/loop.h"
#include "os/route/device.h"
#include "os/route/route.h"

/* A repair is tried again if it fails because somebody is still removing things. */
enum { REPAIR_TRIES = 8, REPAIR_MS = 100, LATER_MS = 50 };

/* Who does it so often is named in the status. Whoever removes each of our rules and routes once causes fewer
 * repairs than a fight has, which nobody wins: then the gate shuts, and dials again once nobody has touched
 * anything for QUIET_MS, which doubles with each fight. */
enum {
	TOLD_REPAIRS = 3,
	FIGHT_REPAIRS = 60,
	FIGHT_MS = 10000,
	QUIET_MS = 5000,
	QUIET_DOUBLINGS = 6,
	PEACE_MS = 60000
};

static bool is_open(const struct gate *gate)
{
	return gate->state.actual == ACTUAL_OPEN;
}

static int prove(const struct gate *gate, bool open, struct err *e)
{
	const struct attempt *attempt = &gate->attempt;
	struct route_desired routes = gate_routes(gate, open);
	unsigned index;

	if (!open)
		return route_prove(&routes, e);
	index = attempt_verify_tunnel(gate, &attempt->tunnel, e);
	if (index != attempt->index)
		return index == 0 ? -1 : err_set(e, "%s is now another device", attempt->tunnel.name);
	return route_prove(&routes, e);
}

static int prove_free(struct gate *gate, struct err *e)
{
	struct route_desired routes = gate_routes(gate, false);

	/* Without a redirect there is nothing that says where all would go. */
	routes.four = gate->proof.four && routes.redirect;
	routes.six = gate->proof.six && routes.redirect;
	if (route_prove(&routes, e) == -1)
		return -1;
	gate->proof.blocked = false;
	return 0;
}

/* A proof has failed, and the gate is shut. Is that for something that can be seen now, too? It is not ours
 * to remove: then it is waited for. */
static void note_block(struct gate *gate)
{
	struct proof *proof = &gate->proof;
	struct err none = {""};

	proof->blocked = true;
	proof->four = gate->attempt.tunnel.address4.family != NET_NONE;
	proof->six = gate->attempt.tunnel.address6.family != NET_NONE;
	(void)prove_free(gate, &none);
}

int proof_open(struct gate *gate, struct err *e)
{
	if (prove(gate, true, e) == -1) {
		(void)gate_route(gate, false, NULL); /* as it is while the gate is shut */
		note_block(gate);
		return -1;
	}
	gate->proof.blocked = gate->proof.no_way = false;
	gate->proof.notice[0] = '\0';
	return 0;
}

static bool runs(const struct event *timer)
{
	return timer != NULL && evtimer_pending(timer, NULL);
}

int proof_dial(struct gate *gate, struct err *e)
{
	const struct proof *proof = &gate->proof;

	if (runs(proof->quiet))
		return err_set(e, "%s keeps changing the gate's routes or device" ERR_INSTEAD "stop it",
			       proof->who[0] != '\0' ? proof->who : "somebody else");
	return proof->blocked ? prove_free(gate, e) : 0;
}

/* --- timers ----------------------------------------------------------------------------------- */

static void quiet_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	ways_changed(argument, true);
}

static void arm_quiet(struct gate *gate)
{
	unsigned doublings = gate->proof.fights < QUIET_DOUBLINGS ? gate->proof.fights : QUIET_DOUBLINGS;

	loop_arm(gate->base, &gate->proof.quiet, quiet_cb, gate, (int64_t)QUIET_MS << doublings);
}

static void tell(struct gate *gate, const char *notice)
{
	text_copy(gate->proof.notice, sizeof gate->proof.notice, notice);
	gate->changed(gate, NOTE_GATE, gate->reason);
}

/* --- the way to the server --------------------------------------------------------------------- */

static bool reaches(const struct gate *gate)
{
	struct route_desired routes = gate_routes(gate, true);

	return route_reaches(&routes);
}

/* The session may live on, which is the driver's to judge; but nothing gets through now, and that is told. */
static void look_at_way(struct gate *gate)
{
	bool none = !reaches(gate);

	if (none == gate->proof.no_way)
		return;
	gate->proof.no_way = none;
	log_warn("gate", "there is %s route to the server%s", none ? "no" : "a", none ? "" : " again");
	tell(gate, none ? "there is no route to the server: nothing gets through" : "");
}

/* --- repairs ------------------------------------------------------------------------------------ */

static int repair(struct gate *gate, bool open, struct err *e)
{
	const struct attempt *attempt = &gate->attempt;
	int64_t end = clock_steady_ms() + REPAIR_MS;
	int result = -1;

	for (int i = 0; i < REPAIR_TRIES && result == -1 && (i == 0 || clock_steady_ms() < end); i++)
		result = (open && device_set(&attempt->tunnel, e) == -1) || gate_route(gate, open, e) == -1
			     ? -1
			     : prove(gate, open, e);
	return result;
}

/* Counts one more. Is it a fight? */
static bool is_fight(struct gate *gate)
{
	struct proof *proof = &gate->proof;
	int64_t now = clock_steady_ms();

	proof->repairs++;
	if (now - proof->window >= PEACE_MS)
		proof->fights = 0;
	if (proof->in_window == 0 || now - proof->window >= FIGHT_MS) {
		proof->window = now;
		proof->in_window = 0;
	}
	return ++proof->in_window > FIGHT_REPAIRS;
}

static const char *hand(const struct gate *gate)
{
	return gate->proof.who[0] != '\0' ? gate->proof.who : "not known who";
}

static void end_fight(struct gate *gate, const char *wrong)
{
	char why[WIRE_TEXT];
	size_t used = 0;

	text_append(
	    why, sizeof why, &used,
	    "somebody else (%s) keeps changing the gate's routes or device, %u times in %d s: %.*s%sstop it",
	    hand(gate), gate->proof.in_window, FIGHT_MS / 1000, (int)err_cause(wrong), wrong, ERR_INSTEAD);
	log_error("gate", "%s", why);
	arm_quiet(gate);
	gate->proof.fights++;
	gate->proof.in_window = 0;
	text_copy(gate->proof.notice, sizeof gate->proof.notice, why);
	attempt_kill(gate, why);
}

static void repaired(struct gate *gate, const char *wrong)
{
	char why[WIRE_TEXT];
	size_t used = 0;

	if (is_fight(gate) && gate->attempt.pid != 0) {
		end_fight(gate, wrong);
		return;
	}
	if (runs(gate->proof.quiet))
		arm_quiet(gate);
	text_append(why, sizeof why, &used,
		    "somebody else (%s) changed our routes or our device (%u so far): %.*s; restored and "
		    "verified",
		    hand(gate), gate->proof.repairs, (int)err_cause(wrong), wrong);
	log_warn("gate", "%s", why);
	if (gate->proof.in_window >= TOLD_REPAIRS)
		tell(gate, why);
}

/* Nothing is dialled then; and it may have been a rule that kept openvpn from every server. */
static bool nothing_leads(const struct gate *gate)
{
	return gate->ways.now.no_way == (NO_WAY4 | NO_WAY6);
}

static void look(struct gate *gate)
{
	struct err wrong = {""}, e = {""};
	bool open = is_open(gate);

	if (!gate_is_held(gate->state))
		return;
	if (prove(gate, open, &wrong) == -1) {
		if (repair(gate, open, &e) == 0) {
			repaired(gate, wrong.text);
		} else {
			log_error("gate", "what somebody else (%s) changed can't be repaired: %s", hand(gate),
				  e.text);
			attempt_kill(gate, e.text);
			if (open)
				note_block(gate);
		}
	} else if (open) {
		look_at_way(gate);
	} else if (gate->proof.blocked ? prove_free(gate, &e) == 0 : nothing_leads(gate)) {
		ways_changed(gate, true);
	}
	if (!runs(gate->proof.quiet))
		gate->proof.who[0] = '\0';
}

static void later_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	look(argument);
}

void proof_look(struct gate *gate, const char *who)
{
	struct proof *proof = &gate->proof;

	if (who[0] != '\0')
		text_copy(proof->who, sizeof proof->who, who);
	if (runs(proof->later))
		return;
	if (limit_allows(&proof->looks, (uint64_t)clock_steady_ms(), NULL))
		look(gate);
	else
		loop_arm(gate->base, &proof->later, later_cb, gate, LATER_MS);
}
