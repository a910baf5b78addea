/* gate: the state of the gate and its flips; whatever fails, fails shut. */
#include "gate/gate.h"

#include <string.h>
#include <time.h>

#include "base/text.h"
#include "os/host/clock.h"
#include "os/host/off_marker.h"
#include "os/route/forwarding.h"
#include "os/route/route.h"
#include "os/service/notify.h"
#include "os/service/strict_boot.h"

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 5000, FAILURES_BEFORE_LINKS_DOWN = 2 };

/* What is not as usual about the lock is said as often as it changes, and stays in the status. */
static void take_note(struct gate *gate)
{
	const char *note = gate->fw == NULL ? "" : firewall_note(gate->fw);

	if (strcmp(note, gate->note) == 0)
		return;
	if (note[0] != '\0')
		log_error("gate", "%s", note);
	else
		log_info("gate", "our tables have their usual name again");
	text_copy(gate->note, sizeof gate->note, note);
}

static void set_state(struct gate *gate, enum wire_gate state, const char *why)
{
	take_note(gate);
	if (state != gate->state || strcmp(why, gate->reason) != 0)
		log_info("gate", "%s -> %s: %s", wire_gate_word(gate->state), wire_gate_word(state), why);
	gate->state = state;
	text_copy(gate->reason, sizeof gate->reason, why);
	notify_state(state != GATE_UNPROTECTED, wire_gate_word(state), why);
	gate->changed(gate, NOTE_GATE, why);
	/* What the tunnel's servers are is told when it is open, by the verb. */
	if (state != GATE_OPEN)
		dns_job_look(&gate->dns, state != GATE_OFF && state != GATE_PAUSED);
}

/* Doubles from 50 ms to 5 s while the lock can't be verified. */
static void arm_retry(struct gate *gate)
{
	unsigned shift = gate->lock_failures < 8 ? gate->lock_failures : 8;
	long ms = (long)RETRY_FIRST_MS << shift;
	struct timeval delay = clock_timeval(ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);

	evtimer_add(gate->retry, &delay);
}

int gate_route(struct gate *gate, bool open, struct err *e)
{
	const struct identity *user = &gate->config.openvpn_user;
	const struct route_wish wish = {.situation = &gate->situation,
					.openvpn = user->known ? user->number : 0,
					.tunnel = open ? &gate->attempt.tunnel : NULL,
					.index = gate->attempt.index,
					.redirect = !gate->profile.route_nopull};

	return route_assert(&wish, e);
}

/* The second wall; the first one has been asked already. */
static void shut_routes(struct gate *gate)
{
	struct err e = {""};

	if (gate_route(gate, false, &e) == -1)
		log_warn("gate", "the second wall can't be set: %s", e.text);
}

static void open_routes(void)
{
	struct err e = {""};

	if (route_remove(&e) == -1)
		log_error("gate", "%s", e.text);
}

static void unprotected(struct gate *gate, const struct err *cause)
{
	struct err e = {""};
	char why[WIRE_TEXT];
	size_t used = 0;

	gate->lock_failures++;
	text_append(why, sizeof why, &used, "the lock can't be verified: %s", cause->text);
	log_error("gate", "UNPROTECTED: %s", why);
	set_state(gate, GATE_UNPROTECTED, why);
	gate->abandon(gate, "the gate is unprotected");
	shut_routes(gate);
	if (forwarding_end(&e) == -1)
		log_error("gate", "gateway: %s", e.text);
	/* Each time: a link may have come, or somebody set one up. */
	if (gate->lock_failures >= FAILURES_BEFORE_LINKS_DOWN && gate->config.links_down) {
		if (netwatch_links_down(&e) == -1)
			log_error("gate", "links can't be set down: %s", e.text);
		else if (!gate->links_are_down)
			log_error("gate", "every physical link is set down until a lock is verified");
		gate->links_are_down = true;
	}
	if (gate->retry != NULL)
		arm_retry(gate);
}

static void protected_again(struct gate *gate)
{
	struct err e = {""};

	strict_boot_return(true);
	gate->lock_failures = 0;
	if (gate->retry != NULL)
		evtimer_del(gate->retry);
	if (!gate->links_are_down)
		return;
	gate->links_are_down = false;
	if (netwatch_links_restore(&e) == -1)
		log_error("gate", "links can't be set up again: %s", e.text);
}

/* Tells the situation what the state allows; addresses stay until reaped. */
static void shape_situation(struct gate *gate, enum wire_gate to)
{
	struct situation *s = &gate->situation;

	s->state = to == GATE_OPEN ? POLICY_OPEN : to == GATE_DIALLING ? POLICY_DIALLING : POLICY_LOCKED;
	if (to == GATE_LOCKED)
		memset(&s->endpoint, 0, sizeof s->endpoint);
	else
		s->endpoint = gate->attempt.endpoint;
}

/* Links and neighbours as the kernel has them now. What can't be read stays as it was. */
static void refill(struct gate *gate)
{
	struct situation fresh = gate->situation;
	struct err e = {""};

	if (netwatch_fill(&fresh, gate->config.interface, &e) == -1) {
		log_error("gate", "links can't be read: %s", e.text);
		return;
	}
	if (fresh.links_left_out && !gate->situation.links_left_out)
		log_error("gate", "more than %d links: where rules name links (pf, ipfw) the others are shut",
			  SITUATION_LINKS);
	gate->situation = fresh;
}

/* What was forwarded until now would go on unmasked: it is forgotten. */
void gate_begin_gateway(struct gate *gate)
{
	struct err e = {""};

	if (gate->situation.inside_count == 0 || gate->state != GATE_LOCKED || gate->bare)
		return;
	if (firewall_forget_states(gate->fw, &e) == -1 || forwarding_begin(&e) == -1)
		log_error("gate", "gateway: %s", e.text);
}

/* If no lock can be made with the configuration's values, one is made with none of them: it lets less
 * through. 0, and `cause` says so; or -1, and it is as before. */
static int lock_bare(struct gate *gate, struct err *cause)
{
	struct situation bare;
	struct err e = {""};

	policy_bare(&gate->situation, &bare);
	if (firewall_assert(gate->fw, &bare, &e) == -1)
		return -1;
	err_prefix(cause, "locked with none of the configuration's values, for with them it can't be");
	if (!gate->bare)
		log_error("gate", "%s", cause->text);
	gate->bare = true;
	return 0;
}

/* 0, 1 and `e` (bare), or -1 and `e`. */
static int assert_state(struct gate *gate, struct err *e)
{
	if (firewall_assert(gate->fw, &gate->situation, e) == 0) {
		gate->bare = false;
		return 0;
	}
	return gate->situation.state == POLICY_LOCKED && lock_bare(gate, e) == 0 ? 1 : -1;
}

int gate_flip(struct gate *gate, enum wire_gate to, const char *why)
{
	bool stood = gate->state != GATE_OFF && gate->state != GATE_UNPROTECTED && !gate->bare;
	unsigned failures = gate->lock_failures + 1;
	struct err e = {""};
	int result;

	shape_situation(gate, to);
	if ((result = assert_state(gate, &e)) != -1) {
		protected_again(gate);
		if (gate->bare && gate->retry != NULL) {
			gate->lock_failures = failures;
			arm_retry(gate);
		}
		if (to != GATE_OPEN)
			shut_routes(gate);
		set_state(gate, to, result == 1 ? e.text : why);
		if (!stood)
			gate_begin_gateway(gate);
		return 0;
	}
	if (to != GATE_LOCKED) {
		log_error("gate", "%s refused: %s", wire_gate_word(to), e.text);
		gate_flip(gate, GATE_LOCKED, "a flip failed");
	} else {
		unprotected(gate, &e);
	}
	return -1;
}

static bool gate_is_held(const struct gate *gate)
{
	return gate->state != GATE_OFF && gate->state != GATE_PAUSED;
}

static void go_off(struct gate *gate, const char *why)
{
	struct err e = {""};
	int removed;

	gate->pause_wanted = 0;
	gate->abandon(gate, why);
	if (forwarding_end(&e) == -1)
		log_error("gate", "gateway: %s", e.text);
	removed = firewall_remove(gate->fw, &e);
	if (removed == 1)
		log_error("gate", "off, but not all of it is ours: %s", e.text);
	if (removed == -1) {
		log_error("gate", "the rules can't be removed: %s", e.text);
		gate_flip(gate, GATE_LOCKED, "off failed");
		return;
	}
	open_routes();
	if (gate->pause_end != NULL)
		evtimer_del(gate->pause_end);
	gate->pause_until = 0;
	protected_again(gate);
	set_state(gate, GATE_OFF, why);
}

static void retry_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;

	(void)fd, (void)what;
	if (gate->state != GATE_UNPROTECTED && !(gate->bare && gate->state == GATE_LOCKED))
		return;
	if (off_marker_valid()) {
		go_off(gate, "off, by the marker");
		return;
	}
	refill(gate);
	gate_flip(gate, GATE_LOCKED, "the lock is verified again");
}

/* Somebody else flushed or changed our rules: put them back, unless it was
 * root's own `off --offline`, which has left its marker first. */
static void foreign_cb(const char *what, void *argument)
{
	struct gate *gate = argument;
	struct err e = {""};
	char why[WIRE_TEXT];
	size_t used = 0;

	if (gate->state == GATE_OFF)
		return;
	if (off_marker_valid()) {
		go_off(gate, "off, by the marker");
		return;
	}
	if (gate->state == GATE_PAUSED) {
		gate_resume(gate, what);
		return;
	}
	if (firewall_assert(gate->fw, &gate->situation, &e) == -1) {
		gate_flip(gate, GATE_LOCKED, what);
		return;
	}
	/* A lock that another start of ours has put beside this one has shut the routes too. */
	if (gate->state == GATE_OPEN && gate_route(gate, true, &e) == -1)
		log_warn("gate", "the tunnel's routes: %s", e.text);
	text_append(why, sizeof why, &used, "%s; put back and verified", what);
	log_warn("gate", "%s", why);
	take_note(gate);
	text_copy(gate->reason, sizeof gate->reason, why);
	gate->changed(gate, NOTE_GATE, why);
}

static void pause_end_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	gate_resume(argument, "the pause is over");
}

static int first_lock(struct gate *gate, struct err *e)
{
	int result;

	refill(gate);
	if ((result = assert_state(gate, e)) == -1)
		return -1;
	take_note(gate);
	text_copy(gate->reason, sizeof gate->reason, result == 1 ? e->text : "start");
	shut_routes(gate);
	if (firewall_remove_others(gate->fw, e) == -1)
		log_error("gate", "rules of another backend stay, so nothing opens: %s", e->text);
	/* `off` may have come between the look at its marker and the lock. */
	if (off_marker_valid())
		go_off(gate, "off, by the marker");
	return 0;
}

int gate_start(struct gate *gate, struct err *e)
{
	if (gate->fw == NULL && (gate->fw = firewall_open(gate->config.backend, e)) == NULL)
		return -1;
	gate->situation.state = POLICY_LOCKED;
	text_copy(gate->situation.tunnel.name, sizeof gate->situation.tunnel.name, gate->config.interface);
	if (!off_marker_valid())
		return first_lock(gate, e);
	/* The lock at boot may be a tool's alone, which knows no marker. */
	go_off(gate, "off, by the marker");
	log_warn("gate", "off: everything passes until `portcullis up`");
	return 0;
}

/* A daemon that can't lock stays and goes on trying, unprotected: if it left, nobody would. */
void gate_begin(struct gate *gate, const struct err *cause)
{
	gate->retry = evtimer_new(gate->base, retry_cb, gate);
	gate->pause_end = evtimer_new(gate->base, pause_end_cb, gate);
	if (cause != NULL)
		unprotected(gate, cause);
	else if (gate->bare)
		arm_retry(gate);
}

int gate_watch(struct gate *gate, struct err *e)
{
	return firewall_watch(gate->fw, gate->base, foreign_cb, gate, e);
}

void gate_relink(struct gate *gate)
{
	struct err e = {""};

	refill(gate);
	if (gate_is_held(gate) && firewall_assert(gate->fw, &gate->situation, &e) == -1)
		gate_flip(gate, GATE_LOCKED, "links changed");
}

void gate_pause_begin(struct gate *gate)
{
	struct timeval length = {.tv_sec = gate->pause_wanted};
	struct err e = {""};
	char why[WIRE_TEXT], stamp[TEXT_TIME_SIZE];
	size_t used = 0;

	gate->pause_until = time(NULL) + gate->pause_wanted;
	if (firewall_pause(gate->fw, gate->pause_wanted, &e) == -1) {
		gate->pause_until = 0;
		gate->pause_wanted = 0;
		log_error("gate", "pause refused: %s", e.text);
		gate_flip(gate, GATE_LOCKED, "the pause failed");
		return;
	}
	gate->pause_wanted = 0;
	open_routes();
	evtimer_add(gate->pause_end, &length);
	text_time(stamp, gate->pause_until);
	text_append(why, sizeof why, &used, "paused until %s; everything passes", stamp);
	set_state(gate, GATE_PAUSED, why);
}

void gate_resume(struct gate *gate, const char *why)
{
	struct err e = {""};

	if (gate->state != GATE_PAUSED)
		return;
	evtimer_del(gate->pause_end);
	gate->pause_until = 0;
	gate->state = GATE_LOCKED;
	gate_relink(gate);
	if (gate_flip(gate, GATE_LOCKED, why) == 0 && firewall_forget_states(gate->fw, &e) == -1)
		log_error("gate", "tracked connections can't be forgotten: %s", e.text);
	gate->changed(gate, NOTE_WISH, why);
}

void gate_off_begin(struct gate *gate)
{
	struct err e = {""};

	gate->off_wanted = false;
	if (off_marker_write(gate->off_persist, &e) == -1) {
		log_error("gate", "off refused: %s", e.text);
		gate->changed(gate, NOTE_WISH, "off refused");
		return;
	}
	go_off(gate, "off, by root's command");
}
