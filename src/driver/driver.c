/* The driver: notes from the gate and messages from openvpn become events of the
 * tunnel; its effects become requests to the gate. */
#include "driver/driver.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "driver/captive_dns.h"
#include "os/host/chance.h"
#include "os/host/clock.h"

enum { REFRESH_MS = 300, FRESH_MS = 100 };

static void arm_timer(struct driver *d)
{
	uint64_t now = (uint64_t)clock_steady_ms(),
		 left = d->tunnel.deadline > now ? d->tunnel.deadline - now : 0;
	struct timeval delay = clock_timeval((int64_t)left);

	if (d->tunnel.deadline == 0)
		evtimer_del(d->timer);
	else
		evtimer_add(d->timer, &delay);
}

/* Are the answers there that the server will ask for? Nothing is dialled to be refused. */
static enum login_ready look_for_answers(struct driver *d, struct err *e)
{
	const struct login_time now = {(uint64_t)clock_steady_ms(), (uint64_t)time(NULL)};
	char challenge[CANONICAL_LINE_MAX + 1];
	uint64_t wait = 0;
	enum login_ready ready;

	if (key_client_state(d->key) == KEY_LACKS) {
		err_set(e, "%s", key_client_lack(d->key));
		return LOGIN_STOP;
	}
	canonical_argument(d->remotes.text, d->remotes.length, "static-challenge", challenge);
	ready = login_ready(&d->login, remotes_needs(&d->remotes), challenge, &now, &wait, e);
	d->not_before = ready == LOGIN_WAIT ? now.now + wait : 0;
	return ready;
}

static void ask_names(struct driver *d)
{
	names_ask(&d->names, (uint64_t)clock_steady_ms());
	gate_channel_send(d->channel, VERB_ASK, NULL, NULL);
}

/* The event that follows at once; TUNNEL_EVENTS: none, it follows the answer of the resolver, or of the
 * process that holds the private key. */
static enum tunnel_event pick_remote(struct driver *d, char *cause, size_t size)
{
	uint64_t now = (uint64_t)clock_steady_ms();
	char endpoint[NET_ENDPOINT_TEXT];
	bool again = d->tunnel.same_remote || login_same_remote(&d->login);
	struct err e = {""};
	size_t used = 0;
	enum login_ready ready = look_for_answers(d, &e);

	/* A server that has just been reached needs no name. */
	if (ready == LOGIN_READY && d->hello.asks && !again && names_are_due(&d->names, now))
		ask_names(d);
	if (ready == LOGIN_READY &&
	    (key_client_state(d->key) == KEY_AWAITED || names_are_awaited(&d->names, now)))
		return TUNNEL_EVENTS;
	order_answered(&d->remotes.order, d->tunnel.answered);
	/* What has been learnt since counts from now on. */
	if (d->names.changed && !again) {
		remotes_restart(&d->remotes);
		d->names.changed = false;
	}
	if (ready != LOGIN_READY) {
		text_copy(cause, size, e.text);
		return ready == LOGIN_STOP ? TUNNEL_CREDENTIALS : TUNNEL_NONE;
	}
	if (remotes_pick(&d->remotes, again, &d->way_now, time(NULL), &e) == -1) {
		text_append(cause, size, &used, "%s%s%s", e.text, d->names.why[0] != '\0' ? "; " : "",
			    d->names.why);
		return TUNNEL_NONE;
	}
	d->tunnel.same_remote = false;
	d->tunnel.left = (uint32_t)order_left(&d->remotes.order);
	d->tunnel.limits = remotes_limits(&d->remotes);
	text_append(cause, size, &used, "dialling %s (%s)%s", d->remotes.remote.host,
		    net_endpoint_text(&d->remotes.endpoint, endpoint),
		    d->remotes.nat64.length > 0 ? " by NAT64: there is no IPv4 here" : "");
	return TUNNEL_FOUND;
}

static void dial(struct driver *d)
{
	const struct management_attempt attempt = {.interface = d->hello.interface,
						   .username = d->hello.username,
						   .endpoint = d->remotes.endpoint,
						   .needs = remotes_needs(&d->remotes),
						   .profile = d->remotes.text,
						   .profile_length = d->remotes.length};

	d->counted = false;
	management_begin(d->management, &attempt);
	gate_channel_send(d->channel, VERB_DIAL, &d->remotes.endpoint, NULL);
}

static void note_outcome(struct driver *d, bool good)
{
	if (remotes_note(&d->remotes, good, time(NULL)))
		outcomes_save(&d->remotes.outcomes, WIRE_FD_SERVERS);
}

/* A server that asks for a back-off is alive; and where no way leads to it, it is not its fault. */
static void look_for_failure(struct driver *d, enum tunnel_state before, enum tunnel_event event)
{
	if (order_is_failure(before, event) && d->tunnel.hold == 0 && !d->tunnel.stay && d->way.gone_at == 0)
		note_outcome(d, false);
}

/* --- refused log-ins, kept over restarts */

static void forget_refusals(struct driver *d)
{
	if (d->kept.refusals.total == 0)
		return;
	memset(&d->kept, 0, sizeof d->kept);
	kept_save(WIRE_FD_REFUSED, d->kept_of, &d->kept);
}

/* `wait`: ms until the next log-in. */
static void keep_refusal(struct driver *d, const struct refusals *refusals, bool last, uint32_t wait,
			 const char *reason)
{
	d->kept.refusals = *refusals;
	d->kept.stopped = last;
	d->kept.until = wait > 0 ? (int64_t)time(NULL) + wait / 1000 : 0;
	text_copy(d->kept.reason, sizeof d->kept.reason, reason);
	if (wait > 0)
		refusals_end_round(&d->kept.refusals);
	kept_save(WIRE_FD_REFUSED, d->kept_of, &d->kept);
}

/* Of the same credentials and the same profile; `up` begins anew. */
static void take_refusals_over(struct driver *d)
{
	const int files[] = {WIRE_FD_PASSWORD, WIRE_FD_TOTP, WIRE_FD_PASSPHRASE, -1};
	uint32_t left;

	d->kept_of = kept_identity(files, d->hello.username, d->remotes.text, d->remotes.length);
	if (!kept_load(WIRE_FD_REFUSED, d->kept_of, &d->kept))
		return;
	d->tunnel.refusals = d->kept.refusals;
	left = kept_left(&d->kept, time(NULL));
	d->taken_over = true;
	tunnel_take_over(&d->tunnel, d->kept.stopped, (uint64_t)clock_steady_ms() + left);
	text_copy(d->reason, sizeof d->reason, d->kept.reason);
	log_info("driver", "tunnel %s, as before: %s", tunnel_state_word(d->tunnel.state), d->reason);
	arm_timer(d);
}

static enum tunnel_event carry_out(struct driver *d, enum tunnel_effect effect, char *cause, size_t size)
{
	switch (effect) {
	case TUNNEL_PICK:
		return pick_remote(d, cause, size);
	case TUNNEL_DIAL:
		dial(d);
		break;
	case TUNNEL_SEND_ADDRESS:
		gate_channel_send(d->channel, VERB_ADDRESS, NULL, management_tunnel(d->management));
		break;
	case TUNNEL_ASK_OPEN:
		gate_channel_send(d->channel, VERB_OPEN, NULL, management_tunnel(d->management));
		break;
	case TUNNEL_ASK_LEAVE:
		if (!d->leaving)
			gate_channel_send(d->channel, VERB_LEAVE, NULL, NULL);
		break;
	case TUNNEL_FORGET:
		management_end(d->management);
		d->way.active = d->counted = false;
		break;
	case TUNNEL_RESET_BACKOFF:
		forget_refusals(d);
		break;
	case TUNNEL_NO_EFFECT:
	case TUNNEL_ARM_START:
	case TUNNEL_ARM_ANSWER:
	case TUNNEL_ARM_HANDSHAKE:
	case TUNNEL_ARM_PENDING:
	case TUNNEL_ARM_SETUP:
	case TUNNEL_ARM_LEAVE:
	case TUNNEL_ARM_WAIT:
	case TUNNEL_DISARM:
	case TUNNEL_RETRY_SOON:
	case TUNNEL_REMEMBER:
	case TUNNEL_COUNT_REFUSAL:
		break; /* done by the step */
	}
	return TUNNEL_EVENTS;
}

/* While it waits or is stopped, the reason stays that of the attempt's end: that openvpn has exited since
 * is not a new reason. */
static bool keeps_reason(enum tunnel_state before, enum tunnel_event event)
{
	return (before == TUNNEL_LEAVING_WAIT || before == TUNNEL_LEAVING_STOP) &&
	       (event == TUNNEL_ENDED || event == TUNNEL_REFUSED);
}

/* openvpn may cause any number of events: at most 20 lines a second are logged for them.
 * Changes of the tunnel's state have a limit of their own. */
static bool may_log(struct limit *limit, enum log_level level)
{
	uint32_t left_out;

	if (!log_wants(level) || !limit_allows(limit, (uint64_t)clock_steady_ms(), &left_out))
		return false;
	if (left_out > 0)
		log_warn("driver", "%u lines left out: too many at once", left_out);
	return true;
}

static void log_change(struct driver *d, enum tunnel_state before, enum tunnel_event event, const char *cause)
{
	const char *from = tunnel_state_word(before), *to = tunnel_state_word(d->tunnel.state);

	if (strcmp(from, to) != 0) {
		d->since = time(NULL);
		if (may_log(&d->changes, LOG_INFO))
			log_info("driver", "tunnel %s -> %s: %s", from, to, cause);
	} else if (may_log(&d->chatter, LOG_DEBUG)) {
		log_debug("driver", "tunnel %s -> %s: %s", tunnel_state_name(before),
			  tunnel_state_name(d->tunnel.state), cause);
	}
	if (!keeps_reason(before, event))
		text_copy(d->reason, sizeof d->reason, cause);
}

/* The only place that steps the tunnel. */
static void dispatch(struct driver *d, enum tunnel_event event, const char *text)
{
	char cause[DRIVER_REASON], why[DRIVER_REASON];

	text_copy(cause, sizeof cause, text);
	while (event != TUNNEL_EVENTS) {
		enum tunnel_state before = d->tunnel.state;
		const struct tunnel_cell *cell =
		    tunnel_step(&d->tunnel, event, (uint64_t)clock_steady_ms(), chance());
		enum tunnel_event next = TUNNEL_EVENTS;

		if (cell->why != NULL) {
			if (may_log(&d->chatter, LOG_DEBUG))
				log_debug("driver", "%s ignored while %s: %s", tunnel_event_name(event),
					  tunnel_state_name(before), cell->why);
			return;
		}
		enum tunnel_state after = d->tunnel.state;

		text_copy(why, sizeof why, cause);
		look_for_failure(d, before, event);
		/* The effects first: the log can wait. */
		for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++) {
			enum tunnel_event follows = carry_out(d, cell->effects[i], cause, sizeof cause);

			if (follows != TUNNEL_EVENTS)
				next = follows;
		}
		/* A refusal may come behind openvpn's leaving: then it is the reason. */
		if (after != before || event == TUNNEL_DENIED)
			log_change(d, before, event, why);
		event = next;
	}
	if (d->tunnel.state == TUNNEL_WAITING && d->not_before != 0)
		d->tunnel.deadline = d->not_before;
	arm_timer(d);
	control_changed(d->control);
}

/* What has not come in time. */
static void describe_lack(const struct driver *d, char *cause, size_t size)
{
	char endpoint[NET_ENDPOINT_TEXT];
	size_t used = 0;

	net_endpoint_text(&d->remotes.endpoint, endpoint);
	if (d->tunnel.state == TUNNEL_WAITING)
		text_append(cause, size, &used, "the wait is over");
	else if (d->tunnel.state == TUNNEL_CONNECTING)
		text_append(
		    cause, size, &used,
		    "no answer from %s (%s): %sthe server is down, something on the way stops its packets, "
		    "or the profile's tls-auth or tls-crypt key is not the server's",
		    d->remotes.remote.host, endpoint,
		    d->remotes.nat64.length > 0
			? "there is no IPv4 here, and perhaps no NAT64 by that prefix; or "
			: "");
	else if (d->tunnel.state == TUNNEL_AUTHENTICATING)
		text_append(cause, size, &used,
			    "%s (%s) answered, but the handshake came to no end: packets are lost, or the "
			    "server refuses "
			    "this machine's certificate without a word (revoked?)",
			    d->remotes.remote.host, endpoint);
	else if (d->tunnel.state == TUNNEL_PENDING)
		text_append(cause, size, &used, "%s (%s) did not let us in within its time",
			    d->remotes.remote.host, endpoint);
	else
		text_append(cause, size, &used, "no progress while %s", tunnel_state_word(d->tunnel.state));
}

/* Servers turn an expired certificate away without a word. */
static const char *own_fault(const struct driver *d)
{
	bool answered = d->tunnel.state == TUNNEL_AUTHENTICATING || d->tunnel.state == TUNNEL_PENDING;

	return answered ? management_own_fault(d->management) : NULL;
}

static void timer_cb(evutil_socket_t fd, short what, void *argument)
{
	struct driver *d = argument;
	const char *fault = own_fault(d);
	char cause[DRIVER_REASON];

	(void)fd, (void)what;
	describe_lack(d, cause, sizeof cause);
	if (fault != NULL)
		dispatch(d, TUNNEL_CREDENTIALS, fault);
	else
		dispatch(d, TUNNEL_TIMER, cause);
}

/* The server refuses the log-in: who is next, and when? */
static void log_in_refused(struct driver *d, const char *cause)
{
	struct refusals with = d->tunnel.refusals;
	char text[DRIVER_REASON];
	size_t used = 0;
	bool last;

	order_pass_remote(&d->remotes.order);
	d->tunnel.left = (uint32_t)order_left(&d->remotes.order);
	last = refusals_is_last(&d->tunnel.refusals, d->tunnel.left);
	refusals_count(&with);
	if (last)
		text_append(text, sizeof text, &used,
			    "%s; that was log-in %u; instead: correct the credentials, "
			    "then portcullis up",
			    cause, with.total);
	else if (refusals_are_enough(&with, d->tunnel.left))
		text_append(text, sizeof text, &used, "%s; every server was asked; the next log-in in %u min",
			    cause, refusals_wait(&with) / 60000);
	else
		text_append(text, sizeof text, &used, "%s; another server is asked", cause);
	keep_refusal(d, &with, last,
		     !last && refusals_are_enough(&with, d->tunnel.left) ? refusals_wait(&with) : 0, text);
	dispatch(d, last ? TUNNEL_CREDENTIALS : TUNNEL_DENIED, text);
}

/* What a temporary refusal asks for. */
static void heed_refusal(struct driver *d)
{
	struct refusal refusal = management_refusal(d->management);
	uint32_t most = REFUSALS_HOLD_MAX / 1000;

	if (refusal.kind != REFUSAL_TEMPORARY)
		return;
	d->tunnel.hold = (refusal.backoff < most ? refusal.backoff : most) * 1000;
	d->tunnel.stay = refusal.advance == ADVANCE_NO;
	if (refusal.advance == ADVANCE_REMOTE)
		order_pass_remote(&d->remotes.order);
	d->tunnel.left = (uint32_t)order_left(&d->remotes.order);
}

static void openvpn_event(enum tunnel_event event, const char *cause, void *argument)
{
	struct driver *d = argument;

	/* Nobody else to try: it may yet be reached while this attempt lasts. */
	if (event == TUNNEL_UNREACHABLE && d->tunnel.left == 0)
		return;
	if (event == TUNNEL_HANDSHAKE && management_own_fault(d->management) != NULL)
		d->tunnel.limits.handshake = d->tunnel.limits.pending = LIMIT_EXPIRED;
	if (event == TUNNEL_PENDED)
		limits_set_patience(&d->tunnel.limits, management_patience(d->management));
	if (event == TUNNEL_RESTART || event == TUNNEL_EXITED)
		heed_refusal(d);
	if (event == TUNNEL_DENIED && d->tunnel.state != TUNNEL_CONNECTED)
		log_in_refused(d, cause);
	else
		dispatch(d, event, cause);
}

static void openvpn_asked(void *argument)
{
	struct driver *d = argument;

	log_info("driver", "the server waits for a person: see portcullis status");
	control_changed(d->control);
}

/* --- fresh counts for `status`: requested only when a client asks, so that nothing
 * wakes up otherwise */

static void refresh_done(struct driver *d)
{
	if (d->asked_gate || d->asked_openvpn)
		return;
	evtimer_del(d->refresh_over);
	d->refreshed_at = (uint64_t)clock_steady_ms();
	control_refreshed(d->control);
}

static void refresh_over_cb(evutil_socket_t fd, short what, void *argument)
{
	struct driver *d = argument;

	(void)fd, (void)what;
	/* An answer that comes too late is used for the next client. */
	d->asked_openvpn = false;
	d->refreshed_at = (uint64_t)clock_steady_ms();
	control_refreshed(d->control);
}

static void openvpn_count(uint64_t in, uint64_t out, void *argument)
{
	struct driver *d = argument;

	d->in = in;
	d->out = out;
	d->counted = true;
	d->asked_openvpn = false;
	if (evtimer_pending(d->refresh_over, NULL))
		refresh_done(d);
}

static bool refresh(void *argument)
{
	static const struct timeval limit = {.tv_usec = REFRESH_MS * 1000};
	struct driver *d = argument;

	if (evtimer_pending(d->refresh_over, NULL))
		return true;
	if ((uint64_t)clock_steady_ms() - d->refreshed_at < FRESH_MS)
		return false;
	/* Never a second request to a gate that has not answered the first. */
	if (!d->asked_gate) {
		d->asked_gate = true;
		gate_channel_send(d->channel, VERB_COUNT, NULL, NULL);
	}
	d->asked_openvpn = d->tunnel.state == TUNNEL_CONNECTED && management_ask_count(d->management);
	evtimer_add(d->refresh_over, &limit);
	return true;
}

static char *status(void *argument)
{
	return driver_status(argument, (uint64_t)clock_steady_ms());
}

/* --- the way to the server */

/* By NAT64 it was dialled perhaps for want of news: IPv4 comes later than IPv6, and a router's word later
 * still. A server that has answered is no guess any more. */
static bool is_superseded(const struct driver *d)
{
	return d->remotes.nat64.length > 0 && d->tunnel.state == TUNNEL_CONNECTING &&
	       (d->way_now.no_way & NO_WAY4) == 0 &&
	       memcmp(&d->way_now.nat64, &d->remotes.nat64, sizeof d->remotes.nat64) != 0;
}

static void judge_way(struct driver *d)
{
	uint64_t now = (uint64_t)clock_steady_ms();
	enum way_verdict verdict = way_judge(&d->way, &d->way_now, now);
	struct timeval left = clock_timeval((int64_t)(d->way.due - now));

	/* One that fires although it is due no more judges once again, and nothing follows. */
	if (d->way.due != 0)
		evtimer_add(d->way_due, &left);
	management_away(d->management, d->way.gone_at != 0);
	if (verdict == WAY_CHANGED)
		management_hurry(d->management);
	if (verdict == WAY_LOST)
		dispatch(d, TUNNEL_LOST_WAY, d->way.why);
	else if (is_superseded(d))
		dispatch(d, TUNNEL_LOST_WAY, "the server can be dialled without this NAT64 now");
}

static void way_due_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	judge_way(argument);
}

/* A server waits for twice the limit that it tells its clients (openvpn's --keepalive): after that its
 * session is gone. */
static bool is_overslept(const struct driver *d, uint64_t slept)
{
	uint64_t limit = management_dead_peer(d->management);

	return limit != 0 && slept > 2 * limit * 1000;
}

/* A change after which no route leads to any server is nothing to try for. */
static void network_changed(struct driver *d, uint64_t slept)
{
	if (is_overslept(d, slept))
		dispatch(d, TUNNEL_LOST_WAY, "the machine slept for longer than the server waits");
	else if (slept != 0)
		management_hurry(d->management);
	if (way_leads(&d->way_now, NET_IPV4) || way_leads(&d->way_now, NET_IPV6))
		dispatch(d, TUNNEL_NETWORK, "the network has changed");
	judge_way(d);
}

/* --- the servers' names */

static void arm_learning(struct driver *d)
{
	bool recent = names_are_recent(&d->names, (uint64_t)clock_steady_ms());
	struct timeval delay = clock_timeval(recent ? NAMES_WHILE_OPEN : NAMES_AFTER_OPEN);

	if (d->hello.asks)
		evtimer_add(d->learn, &delay);
}

/* Through the tunnel: while it is open, nothing but the tunnel leads to the resolver. */
static void learn_cb(evutil_socket_t fd, short what, void *argument)
{
	static const struct timeval again = {.tv_sec = NAMES_WHILE_OPEN / 1000};
	struct driver *d = argument;

	(void)fd, (void)what;
	if (d->tunnel.state != TUNNEL_CONNECTED)
		return;
	ask_names(d);
	evtimer_add(d->learn, &again);
}

/* What was waited for before the dial has come. */
static void pick_again(struct driver *d)
{
	char cause[DRIVER_REASON] = "";

	if (d->tunnel.state == TUNNEL_RESOLVING) {
		enum tunnel_event event = pick_remote(d, cause, sizeof cause);

		dispatch(d, event, cause);
	}
}

static void names_asked(struct driver *d, const char *why)
{
	names_answered(&d->names, why);
	pick_again(d);
}

/* --- the private key */

static void key_known(void *argument)
{
	pick_again(argument);
}

static void openvpn_sign(const struct key_request *request, void *argument)
{
	struct driver *d = argument;

	key_client_sign(d->key, request);
}

static void key_answered(const struct key_answer *answer, void *argument)
{
	struct driver *d = argument;

	management_signed(d->management, answer);
}

/* --- notes of the gate */

static void apply_hello(struct driver *d, const struct wire_hello *hello, uint32_t intent)
{
	d->hello = *hello;
	log_open(WIRE_FD_LOG, (enum log_level)hello->log_level);
	log_bound(hello->log_size, NULL);
	d->login.totp_use = hello->totp_use;
	if (!d->greeted)
		control_start(d->control, hello->control_gid);
	if (!d->greeted)
		outcomes_load(&d->remotes.outcomes, WIRE_FD_SERVERS);
	if (!d->greeted && intent != INTENT_DOWN)
		take_refusals_over(d);
	d->greeted = true;
}

static void apply_intent(struct driver *d, const struct wire_note_message *note)
{
	bool wanted = note->intent != INTENT_DOWN;
	bool changed = wanted != d->wanted;
	char cause[DRIVER_REASON];
	size_t used = 0;

	d->wanted = wanted;
	if (!d->greeted || (!changed && note->note != NOTE_INTENT))
		return;
	/* What the gate says once a driver has greeted it is no command of anybody's. */
	if (d->taken_over && wanted) {
		d->taken_over = note->note == NOTE_HELLO;
		return;
	}
	d->taken_over = false;
	text_append(cause, sizeof cause, &used, "%s",
		    note->text[0] != '\0' ? note->text
		    : wanted              ? "wanted up"
					  : "wanted down");
	if (!wanted)
		dispatch(d, TUNNEL_WANTED_DOWN, cause);
	else
		dispatch(d, note->intent == INTENT_RECONNECT ? TUNNEL_RECONNECT : TUNNEL_UP, cause);
}

static void store_gate(struct driver *d, const struct wire_note_message *note)
{
	if (d->gate != note->gate)
		d->since = time(NULL);
	d->gate = note->gate;
	d->leaving = note->leaving != 0;
	d->blocked = note->blocked;
	d->way_now = note->way;
	text_copy(d->notice, sizeof d->notice, note->notice);
	if (note->note == NOTE_GATE || note->note == NOTE_HELLO)
		text_copy(d->gate_text, sizeof d->gate_text, note->text);
}

/* A person's answer: for the attempt that waits for it, else for a new one. */
static void apply_answer(struct driver *d, const struct wire_note_message *note)
{
	if (login_answer(&d->login, note->answer, (uint64_t)clock_steady_ms()) == -1) {
		log_warn("driver", "the answer is empty, too long or has control characters: left out");
		return;
	}
	if (management_reply(d->management)) {
		log_info("driver", "a person's answer is sent to the server");
		return;
	}
	d->login.question[0] = '\0';
	if (d->wanted && d->tunnel.state == TUNNEL_STOPPED)
		dispatch(d, TUNNEL_UP, "a person has answered");
}

static void gate_note(const struct wire_note_message *note, void *argument)
{
	struct driver *d = argument;

	store_gate(d, note);
	if (note->note == NOTE_HELLO)
		apply_hello(d, &note->hello, note->intent);
	if (note->note != NOTE_COUNT)
		apply_intent(d, note);
	switch ((enum wire_note)note->note) {
	case NOTE_HELLO:
	case NOTE_INTENT:
		break;
	case NOTE_ANSWER:
		apply_answer(d, note);
		break;
	case NOTE_GATE:
		if (note->gate != GATE_OPEN)
			dispatch(d, TUNNEL_SHUT, note->text);
		break;
	case NOTE_COUNT:
		d->asked_gate = false;
		if (evtimer_pending(d->refresh_over, NULL))
			refresh_done(d);
		break;
	case NOTE_NAME:
		names_store(&d->names, &note->name);
		break;
	case NOTE_ASKED:
		names_asked(d, note->text);
		break;
	case NOTE_DIALLING:
		management_expect(d->management, note->pid);
		way_begin(&d->way, &d->remotes.endpoint);
		dispatch(d, TUNNEL_STARTED, "openvpn is started");
		judge_way(d);
		break;
	case NOTE_OPEN:
		forget_refusals(d);
		note_outcome(d, true);
		dispatch(d, TUNNEL_OPENED, "the gate is open");
		arm_learning(d);
		break;
	case NOTE_REFUSED:
		dispatch(d, note->pid != 0 ? TUNNEL_REFUSED_RUNNING : TUNNEL_REFUSED, note->text);
		break;
	case NOTE_ENDED:
		dispatch(d, TUNNEL_ENDED, note->text);
		break;
	case NOTE_NETWORK:
		network_changed(d, note->slept);
		break;
	case NOTE_WAY:
		judge_way(d);
		break;
	}
	control_changed(d->control);
}

static void gate_ended(const char *why, void *argument)
{
	struct driver *d = argument;

	log_info("driver", "leaving: %s", why);
	event_base_loopbreak(d->base);
}

int driver_open(struct driver *d, struct err *e)
{
	const struct gate_channel_events from_channel = {gate_note, gate_ended, d};
	const struct management_events from_management = {openvpn_event, openvpn_asked, openvpn_count,
							  openvpn_sign, d};
	const struct key_client_events from_key = {key_known, key_answered, d};
	const struct control_events from_control = {refresh, status, d};

	memset(d, 0, sizeof *d);
	d->since = time(NULL);
	d->login.files = (struct credentials_files){.password = WIRE_FD_PASSWORD,
						    .totp = WIRE_FD_TOTP,
						    .passphrase = WIRE_FD_PASSPHRASE,
						    .used = WIRE_FD_TOTP_USED};
	d->login.used_until = credentials_load_used(WIRE_FD_TOTP_USED);
	if (remotes_open(&d->remotes, WIRE_FD_PROFILE, e) == -1)
		return -1;
	d->remotes.chance = chance();
	d->remotes.names = &d->names;
	if ((d->base = event_base_new()) == NULL || (d->timer = evtimer_new(d->base, timer_cb, d)) == NULL ||
	    (d->refresh_over = evtimer_new(d->base, refresh_over_cb, d)) == NULL ||
	    (d->way_due = evtimer_new(d->base, way_due_cb, d)) == NULL ||
	    (d->learn = evtimer_new(d->base, learn_cb, d)) == NULL)
		return err_set(e, "the event loop can't be made");
	if ((d->control = control_new(d->base, WIRE_FD_CONTROL, WIRE_FD_LOG, &from_control)) == NULL ||
	    (d->management = management_new(d->base, WIRE_FD_MANAGEMENT, &d->login, &from_management)) ==
		NULL ||
	    (d->key = key_client_new(d->base, WIRE_FD_SIGNER, &from_key)) == NULL ||
	    (d->channel = gate_channel_new(d->base, WIRE_FD_CHANNEL, &from_channel)) == NULL ||
	    captive_dns_new(d->base, WIRE_FD_CAPTIVE_DNS, &d->captive_dns) == -1)
		return err_set(e, "no memory");
	return 0;
}

void driver_run(struct driver *d)
{
	gate_channel_send(d->channel, VERB_READY, NULL, NULL);
	event_base_dispatch(d->base);
}

void driver_close(struct driver *d)
{
	control_free(d->control);
	management_free(d->management);
	key_client_free(d->key);
	gate_channel_free(d->channel);
	captive_dns_free(d->captive_dns);
	event_free(d->timer);
	event_free(d->refresh_over);
	event_free(d->way_due);
	event_free(d->learn);
	event_base_free(d->base);
	remotes_close(&d->remotes);
}
