/* gate: the state of the gate and its flips; whatever fails, fails shut. */
#include "gate/gate.h"

#include <string.h>
#include <time.h>

#include "base/text.h"
#include "os/host/clock.h"
#include "os/host/off_marker.h"
#include "os/route/forwarding.h"
#include "os/service/notify.h"
#include "os/service/strict_boot.h"

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 5000, FAILURES_BEFORE_LINKS_DOWN = 2 };

/* Anything unusual about the lock is logged whenever it changes, and stays in the status. */
static void update_notice(struct gate *gate)
{
	const char *note = gate->fw == NULL ? "" : firewall_note(gate->fw);

	if (strcmp(note, gate->notice) == 0)
		return;
	if (note[0] != '\0')
		log_error("gate", "%s", note);
	else
		log_info("gate", "our tables have their usual name again");
	text_copy(gate->notice, sizeof gate->notice, note);
}

enum wire_gate gate_shown(const struct gate *gate)
{
	static const enum wire_gate shown[GATE_ACTUAL] = {[ACTUAL_UNPROTECTED] = GATE_UNPROTECTED,
							  [ACTUAL_LOCKED] = GATE_LOCKED,
							  [ACTUAL_ENDING] = GATE_LOCKED,
							  [ACTUAL_DIALLING] = GATE_DIALLING,
							  [ACTUAL_OPEN] = GATE_OPEN,
							  [ACTUAL_LEAVING] = GATE_DIALLING,
							  [ACTUAL_PAUSED] = GATE_PAUSED,
							  [ACTUAL_OFF] = GATE_OFF,
							  [ACTUAL_ASKING] = GATE_DIALLING};

	return shown[gate->state.actual];
}

bool gate_forget_portal(struct gate *gate, const char *why)
{
	if (gate->situation.portal.until == 0)
		return false;
	gate->situation.portal.until = 0;
	gate->portal[0] = '\0';
	if (gate->portal_end != NULL)
		evtimer_del(gate->portal_end);
	log_info("gate", "the portal is shut: %s", why);
	return true;
}

/* The state has been reached: now it is announced. */
static void announce(struct gate *gate, enum gate_actual actual, const char *why)
{
	enum wire_gate before = gate_shown(gate), now;

	gate->state.actual = actual;
	now = gate_shown(gate);
	update_notice(gate);
	if (now != before || strcmp(why, gate->reason) != 0)
		log_info("gate", "%s -> %s: %s", wire_gate_word(before), wire_gate_word(now), why);
	text_copy(gate->reason, sizeof gate->reason, why);
	if (actual != ACTUAL_PAUSED) {
		gate->pause_until = 0;
		if (gate->pause_end != NULL)
			evtimer_del(gate->pause_end);
	}
	if ((now != GATE_LOCKED && now != GATE_DIALLING) || gate->bare)
		(void)gate_forget_portal(gate, wire_gate_word(now));
	notify_state(actual != ACTUAL_UNPROTECTED, wire_gate_word(now), why);
	/* Whoever asks for names ends with the state that lets it. */
	if (actual != ACTUAL_ASKING && actual != ACTUAL_OPEN)
		(void)gate->ask(gate, false, NULL);
	gate->changed(gate, NOTE_GATE, why);
	/* The resolver is set by the verb that opens. */
	if (actual != ACTUAL_OPEN)
		dns_job_look(&gate->dns, gate_is_held(gate->state));
}

/* The delay doubles from 50 ms to 5 s as long as the lock can't be verified. */
static void arm_retry(struct gate *gate)
{
	unsigned shift = gate->lock_failures < 8 ? gate->lock_failures : 8;
	long ms = (long)RETRY_FIRST_MS << shift;
	struct timeval delay = clock_timeval(ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);

	evtimer_add(gate->retry, &delay);
}

struct route_desired gate_routes(const struct gate *gate, bool open)
{
	const struct identity *user = &gate->config.openvpn_user;

	return (struct route_desired){.situation = &gate->situation,
				      .openvpn = user->known ? user->number : 0,
				      .tunnel = open ? &gate->attempt.tunnel : NULL,
				      .index = gate->attempt.index,
				      .redirect = !gate->profile.route_nopull};
}

int gate_route(struct gate *gate, bool open, struct err *e)
{
	const struct route_desired desired = gate_routes(gate, open);

	return route_assert(&desired, e);
}

/* The second wall; the first one, the filter, has had its turn already. */
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

/* No lock is in force. */
static void go_unprotected(struct gate *gate, const char *cause)
{
	struct err e = {""};
	char why[WIRE_TEXT];
	size_t used = 0;

	gate->lock_failures++;
	text_append(why, sizeof why, &used, "the lock can't be verified: %s", cause);
	log_error("gate", "UNPROTECTED: %s", why);
	announce(gate, ACTUAL_UNPROTECTED, why);
	shut_routes(gate);
	if (forwarding_end(&e) == -1)
		log_error("gate", "gateway: %s", e.text);
	/* Each time, because a link may have been added, or somebody may have set one up. */
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

static void end_unprotected(struct gate *gate)
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

/* Puts what the state allows into the situation; the tunnel's addresses stay until openvpn has been
 * reaped. */
static void fill_situation(struct gate *gate, enum policy_state state, bool asks)
{
	struct situation *s = &gate->situation;

	s->state = state;
	if (state == POLICY_LOCKED || asks)
		memset(&s->endpoint, 0, sizeof s->endpoint);
	else
		s->endpoint = gate->attempt.endpoint;
	if (asks)
		s->resolver = gate->config.resolver;
	else
		memset(&s->resolver, 0, sizeof s->resolver);
}

/* Links and neighbours as the kernel has them now. What can't be read stays as it was. */
static void read_links(struct gate *gate)
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

/* Connections that were forwarded until now would go on without masquerading: the firewall forgets them. */
void gate_begin_gateway(struct gate *gate)
{
	struct err e = {""};

	if (gate->situation.lan_side_count == 0 || gate_shown(gate) != GATE_LOCKED || gate->bare)
		return;
	if (firewall_forget_states(gate->fw, &e) == -1 || forwarding_begin(&e) == -1)
		log_error("gate", "gateway: %s", e.text);
}

/* If no lock can be made with the configuration's values, one is made with none of them: it lets less
 * through. 0, and `cause` says so; or -1, and `cause` is unchanged. */
static int lock_bare(struct gate *gate, struct err *cause)
{
	struct situation bare;
	struct err e = {""};

	policy_bare(&gate->situation, &bare);
	if (firewall_assert(gate->fw, &bare, &e) == -1)
		return -1;
	err_prefix(cause, "locked without the configuration's values, which allow no lock");
	if (!gate->bare)
		log_error("gate", "%s", cause->text);
	gate->bare = true;
	return 0;
}

/* 0; 1 and `e` if the lock is bare; or -1 and `e`. */
static int assert_state(struct gate *gate, struct err *e)
{
	if (firewall_assert(gate->fw, &gate->situation, e) == 0) {
		gate->bare = false;
		return 0;
	}
	return gate->situation.state == POLICY_LOCKED && lock_bare(gate, e) == 0 ? 1 : -1;
}

/* The policy comes first: what is announced is in force. */
static int flip(struct gate *gate, enum policy_state state, enum gate_actual next, const char *why,
		struct err *e)
{
	bool unknown = !gate_is_held(gate->state) || gate->state.actual == ACTUAL_UNPROTECTED;
	bool stood =
	    gate->state.actual != ACTUAL_OFF && gate->state.actual != ACTUAL_UNPROTECTED && !gate->bare;
	unsigned failures = gate->lock_failures + 1;
	int result;

	if (unknown)
		read_links(gate);
	fill_situation(gate, state, next == ACTUAL_ASKING);
	if ((result = assert_state(gate, e)) == -1)
		return -1;
	end_unprotected(gate);
	if (gate->bare && gate->retry != NULL) {
		gate->lock_failures = failures;
		arm_retry(gate);
	}
	if (state != POLICY_OPEN)
		shut_routes(gate);
	announce(gate, next, result == 1 ? e->text : why);
	if (!stood)
		gate_begin_gateway(gate);
	return 0;
}

static int flip_paused(struct gate *gate, struct err *e)
{
	struct timeval length = {.tv_sec = gate->pause_seconds};
	char why[WIRE_TEXT], stamp[TEXT_TIME_SIZE];
	size_t used = 0;

	/* It would outlast a pause that ends without us. */
	if ((gate_forget_portal(gate, "a pause") && firewall_assert(gate->fw, &gate->situation, e) == -1) ||
	    firewall_pause(gate->fw, gate->pause_seconds, e) == -1) {
		log_error("gate", "pause refused: %s", e->text);
		return err_set(e, "the pause failed");
	}
	open_routes();
	gate->pause_until = time(NULL) + gate->pause_seconds;
	evtimer_add(gate->pause_end, &length);
	text_time(stamp, gate->pause_until);
	text_append(why, sizeof why, &used, "paused until %s; everything passes", stamp);
	announce(gate, ACTUAL_PAUSED, why);
	return 0;
}

static int remove_rules(struct gate *gate, const char *why, struct err *e)
{
	struct err not_all = {""};
	int removed;

	if (forwarding_end(e) == -1)
		log_error("gate", "gateway: %s", e->text);
	removed = firewall_remove(gate->fw, &not_all);
	if (removed == 1)
		log_error("gate", "off, but what is not ours stays: %s", not_all.text);
	if (removed == -1) {
		log_error("gate", "the rules can't be removed: %s", not_all.text);
		return err_set(e, "off failed");
	}
	open_routes();
	end_unprotected(gate);
	announce(gate, ACTUAL_OFF, why);
	return 0;
}

static int write_marker(const struct gate *gate, struct err *e)
{
	if (off_marker_write(gate->off_persist, e) == 0)
		return 0;
	log_error("gate", "off refused: %s", e->text);
	return err_set(e, "off refused");
}

static int apply_effect(struct gate *gate, enum gate_effect effect, enum gate_actual next, const char *why,
			struct err *e)
{
	static const char *const flips[GATE_EFFECTS] = {[EFFECT_FLIP_DIALLING] = "dialling",
							[EFFECT_FLIP_OPEN] = "open",
							[EFFECT_FLIP_ASKING] = "asking"};
	struct err none = {""};

	switch (effect) {
	case EFFECT_LOCK:
		return flip(gate, POLICY_LOCKED, next, why, e);
	case EFFECT_FLIP_DIALLING:
	case EFFECT_FLIP_OPEN:
	case EFFECT_FLIP_ASKING:
		if (flip(gate, effect == EFFECT_FLIP_OPEN ? POLICY_OPEN : POLICY_DIALLING, next, why, e) == 0)
			return 0;
		log_error("gate", "%s refused: %s", flips[effect], e->text);
		return err_set(e, "a flip failed");
	case EFFECT_ASK:
		return gate->ask(gate, true, e);
	case EFFECT_FLIP_PAUSED:
		return flip_paused(gate, e);
	case EFFECT_REMOVE_RULES:
		return remove_rules(gate, why, e);
	case EFFECT_WRITE_MARKER:
		return write_marker(gate, e);
	case EFFECT_FORGET_STATES:
		if (firewall_forget_states(gate->fw, &none) == -1)
			log_error("gate", "tracked connections can't be deleted: %s", none.text);
		return 0;
	case EFFECT_LAUNCH:
	case EFFECT_TERMINATE:
	case EFFECT_KILL:
		return gate->openvpn(gate, effect,
				     next == ACTUAL_UNPROTECTED ? "the gate is unprotected" : why, e);
	case EFFECT_GO_UNPROTECTED:
		go_unprotected(gate, why);
		return 0;
	case EFFECT_NONE:
	case GATE_EFFECTS:
		break;
	}
	return 0;
}

/* Does the cell verify a policy first? If not, the next state holds at once. */
static bool is_verified_first(const struct gate_cell *cell)
{
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (cell->effects[i] >= EFFECT_LOCK && cell->effects[i] <= EFFECT_GO_UNPROTECTED)
			return true;
	}
	return false;
}

int gate_dispatch(struct gate *gate, enum gate_event event, const char *why, struct err *e)
{
	const struct gate_cell *cell = gate_actual_cell(gate->state.actual, event);
	const char *refusal = gate_refusal(gate->state, event);
	enum gate_actual next = cell->next;
	struct err cause = {""};

	if (refusal != NULL)
		return err_set(e, "%s", refusal);
	/* An openvpn that was killed while there was no lock may not have been reaped when there is one
	 * again. */
	if (next == ACTUAL_LOCKED && gate->attempt.pid != 0)
		next = ACTUAL_ENDING;
	gate->state.desired = gate_desired_cell(gate->state.desired, event)->next;
	if (!is_verified_first(cell))
		gate->state.actual = next;
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (apply_effect(gate, cell->effects[i], next, why, &cause) == -1) {
			(void)gate_dispatch(gate, gate_failure(cell->effects[i]), cause.text, NULL);
			return err_set(e, "%s", cause.text);
		}
	}
	return 0;
}

static bool off_by_marker(struct gate *gate)
{
	return off_marker_valid() && gate_dispatch(gate, EVENT_MARKER, "off, by the marker", NULL) == 0;
}

static void retry_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	if (!off_by_marker(argument))
		(void)gate_dispatch(argument, EVENT_RETRY, "the lock is verified again", NULL);
}

/* Somebody else flushed or changed our rules: they are put back, unless root has given
 * `off --offline`, which writes its marker first. */
static void foreign_cb(const char *what, void *argument)
{
	struct gate *gate = argument;
	struct err e = {""};
	char why[WIRE_TEXT];
	size_t used = 0;

	if (off_by_marker(gate) || gate_dispatch(gate, EVENT_PAUSE_OVER, what, NULL) == 0 ||
	    !gate_is_held(gate->state))
		return;
	/* Rules that are built anew would give the hole to the resolver another 10 s. */
	if (gate->state.actual == ACTUAL_ASKING || firewall_assert(gate->fw, &gate->situation, &e) == -1) {
		(void)gate_dispatch(gate, EVENT_DISTURBED, what, NULL);
		return;
	}
	/* If another start of ours has put a lock beside this one, it has shut the routes too. */
	if (gate->state.actual == ACTUAL_OPEN && gate_route(gate, true, &e) == -1)
		log_warn("gate", "the tunnel's routes: %s", e.text);
	text_append(why, sizeof why, &used, "%s; restored and verified", what);
	log_warn("gate", "%s", why);
	update_notice(gate);
	text_copy(gate->reason, sizeof gate->reason, why);
	gate->changed(gate, NOTE_GATE, why);
}

static void pause_end_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	(void)gate_dispatch(argument, EVENT_PAUSE_OVER, "the pause is over", NULL);
}

/* Not through an event: there may be nobody to notify yet, and -L exits if this fails. */
static int first_lock(struct gate *gate, struct err *e)
{
	int result;

	read_links(gate);
	if ((result = assert_state(gate, e)) == -1)
		return -1;
	gate->state.actual = ACTUAL_LOCKED;
	update_notice(gate);
	text_copy(gate->reason, sizeof gate->reason, result == 1 ? e->text : "start");
	shut_routes(gate);
	if (firewall_remove_others(gate->fw, e) == -1)
		log_error("gate", "rules of another backend stay, so nothing opens: %s", e->text);
	/* `off` may have come after its marker was looked for, and before the lock. */
	(void)off_by_marker(gate);
	return 0;
}

int gate_start(struct gate *gate, struct err *e)
{
	if (gate->fw == NULL && (gate->fw = firewall_open(gate->config.backend, e)) == NULL)
		return -1;
	gate->situation.state = POLICY_LOCKED;
	text_copy(gate->situation.tunnel.name, sizeof gate->situation.tunnel.name, gate->config.interface);
	/* The boot lock may be the work of the firewall's tool alone, which knows no marker. */
	if (!off_by_marker(gate))
		return first_lock(gate, e);
	log_warn("gate", "off: everything passes until `portcullis up`");
	return 0;
}

/* A daemon that can't lock stays and keeps trying, unprotected: if it exited, nobody would. */
void gate_begin(struct gate *gate, const struct err *cause)
{
	gate->retry = evtimer_new(gate->base, retry_cb, gate);
	gate->pause_end = evtimer_new(gate->base, pause_end_cb, gate);
	if (cause != NULL)
		(void)gate_dispatch(gate, EVENT_NO_LOCK, cause->text, NULL);
	else if (gate->bare)
		arm_retry(gate);
}

int gate_watch(struct gate *gate, struct err *e)
{
	return firewall_watch(gate->fw, gate->base, foreign_cb, gate, e);
}

void gate_links_changed(struct gate *gate)
{
	struct err e = {""};

	read_links(gate);
	if (gate_is_held(gate->state) && firewall_assert(gate->fw, &gate->situation, &e) == -1)
		(void)gate_dispatch(gate, EVENT_DISTURBED, "links changed", NULL);
}
