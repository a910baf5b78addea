/* The composed machine: what follows from each world. */
#include "tests/model/world.h"

#include <string.h>

#include "base/text.h"
#include "base/wire_channel.h"
#include "tests/arch/gate_states.h"
#include "tunnel/tunnel.h"

enum { CHOICES_MAX = 12, NOW = 1000 };

/* A note in a byte: its kind (NOTE_GATE is two kinds, open or not), and what every note says besides. */
enum {
	KIND_LOST_WAY = NOTE_WAY,
	KIND_OPEN_GATE = 14,
	KIND_MASK = 15,
	INTENT_SHIFT = 4,
	PID = 64,
	LEAVING = 128
};

/* One step under way. What may go either way is a choice; every sequence of choices is tried in turn. */
static struct {
	struct world world;
	struct move move;
	size_t text_used;
	uint8_t choices[CHOICES_MAX];
	size_t choice_count, choice_at;
	bool bad; /* a choice went the other way than on a good day */
} now;

static bool tunnel_seen[TUNNEL_EVENTS], gate_seen[GATE_EVENTS];

static struct {
	int tunnel_state, tunnel_event, gate_actual, gate_event;
} planted = {-1, -1, -1, -1};

/* False on a good day. */
static bool fails(void)
{
	if (now.choice_at == now.choice_count)
		now.choices[now.choice_count++] = 0;
	now.bad |= now.choices[now.choice_at] != 0;
	return now.choices[now.choice_at++] != 0;
}

/* The next sequence of choices; false after the last one. */
static bool next_choices(void)
{
	while (now.choice_count > 0 && now.choices[now.choice_count - 1] == 1)
		now.choice_count--;
	if (now.choice_count == 0)
		return false;
	now.choices[now.choice_count - 1] = 1;
	return true;
}

static void say(const char *word)
{
	text_append(now.move.text, sizeof now.move.text, &now.text_used, "%s%s", now.text_used > 0 ? " " : "",
		    word);
}

/* --- the gate */

static const struct gate_cell *gate_cell_of(enum gate_event event)
{
	static const struct gate_cell ignored = {.known = true, .why = "planted"};

	if (now.world.actual == planted.gate_actual && (int)event == planted.gate_event)
		return &ignored;
	return gate_actual_cell(now.world.actual, event);
}

static struct gate_state gate_state(void)
{
	return (struct gate_state){now.world.desired, now.world.actual};
}

static void notify_intent(uint8_t kind, uint8_t up)
{
	struct world *w = &now.world;
	bool runs = w->actual == ACTUAL_DIALLING || w->actual == ACTUAL_OPEN;
	uint8_t intent = gate_may_dial(gate_state()) ? up : INTENT_DOWN;

	if (!w->driver)
		return;
	if (kind == NOTE_GATE && w->actual == ACTUAL_OPEN)
		kind = KIND_OPEN_GATE;
	w->notes[w->note_count++] =
	    (uint8_t)(kind | intent << INTENT_SHIFT | (w->openvpn != OPENVPN_NONE ? PID : 0) |
		      (w->openvpn != OPENVPN_NONE && !runs ? LEAVING : 0));
}

static void notify(uint8_t kind)
{
	notify_intent(kind, INTENT_UP);
}

static void announce(enum gate_actual actual)
{
	now.world.actual = actual;
	say("->");
	say(actual_names[actual]);
	notify(NOTE_GATE);
}

static bool apply(enum gate_effect effect, enum gate_actual next)
{
	struct world *w = &now.world;

	switch (effect) {
	case EFFECT_LOCK:
	case EFFECT_FLIP_DIALLING:
	case EFFECT_FLIP_ASKING:
	case EFFECT_FLIP_OPEN:
	case EFFECT_FLIP_PAUSED:
	case EFFECT_REMOVE_RULES:
		if (fails())
			return false;
		announce(next);
		return true;
	case EFFECT_GO_UNPROTECTED:
		announce(ACTUAL_UNPROTECTED);
		return true;
	case EFFECT_LAUNCH:
		if (fails())
			return false;
		w->openvpn = OPENVPN_RUNS;
		return true;
	case EFFECT_ASK:
		if (fails())
			return false;
		w->asker = true;
		return true;
	case EFFECT_TERMINATE:
		if (w->openvpn == OPENVPN_RUNS)
			w->openvpn = OPENVPN_LEAVES;
		return true;
	case EFFECT_KILL:
		if (w->openvpn != OPENVPN_NONE)
			w->openvpn = OPENVPN_DEAD;
		return true;
	case EFFECT_WRITE_MARKER:
		return !fails();
	case EFFECT_FORGET_STATES:
	case EFFECT_NONE:
	case GATE_EFFECTS:
		break;
	}
	return true;
}

static bool is_verified_first(const struct gate_cell *cell)
{
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (cell->effects[i] >= EFFECT_LOCK && cell->effects[i] <= EFFECT_GO_UNPROTECTED)
			return true;
	}
	return false;
}

/* gate_dispatch */
static bool dispatch(enum gate_event event)
{
	const struct gate_cell *cell = gate_cell_of(event);
	enum gate_actual next = cell->next;

	say(gate_event_names[event]);
	gate_seen[event] = true;
	if (cell->why != NULL || gate_refusal(gate_state(), event) != NULL)
		return false;
	if (next == ACTUAL_LOCKED && now.world.openvpn != OPENVPN_NONE)
		next = ACTUAL_ENDING;
	now.world.desired = gate_desired_cell(now.world.desired, event)->next;
	if (!is_verified_first(cell))
		now.world.actual = next;
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (!apply(cell->effects[i], next)) {
			(void)dispatch(gate_failure(cell->effects[i]));
			return false;
		}
	}
	return true;
}

/* verbs.c and attempt.c: what the gate verifies itself may fail on a bad day. */
static bool serve_open(void)
{
	if (gate_refusal(gate_state(), EVENT_OPEN) != NULL || now.world.openvpn != OPENVPN_RUNS || fails())
		return false;
	now.world.device = DEVICE_PROVEN;
	return dispatch(EVENT_OPEN);
}

static bool serve_address(void)
{
	if (now.world.actual != ACTUAL_DIALLING || fails())
		return false;
	if (!fails())
		return true;
	(void)dispatch(EVENT_DISTURBED);
	return false;
}

static void serve(uint8_t verb)
{
	switch (verb) {
	case VERB_READY:
		notify(NOTE_HELLO);
		notify(NOTE_INTENT);
		break;
	case VERB_DIAL:
		notify(gate_refusal(gate_state(), EVENT_DIAL) == NULL && !fails() && dispatch(EVENT_DIAL)
			   ? NOTE_DIALLING
			   : NOTE_REFUSED);
		break;
	case VERB_ADDRESS:
		if (!serve_address())
			notify(NOTE_REFUSED);
		break;
	case VERB_OPEN:
		notify(serve_open() ? NOTE_OPEN : NOTE_REFUSED);
		break;
	case VERB_ASK:
		if (now.world.asker || fails() || !dispatch(EVENT_ASK))
			notify(NOTE_ASKED);
		break;
	case VERB_LEAVE:
		if (now.world.openvpn == OPENVPN_NONE)
			notify(NOTE_ENDED);
		(void)dispatch(EVENT_LEAVE);
		break;
	default:
		break;
	}
}

static void move_verb(int unused)
{
	static const char *const names[] = {
	    [VERB_READY] = "ready", [VERB_DIAL] = "dial",   [VERB_ADDRESS] = "address",
	    [VERB_OPEN] = "open",   [VERB_LEAVE] = "leave", [VERB_ASK] = "ask"};
	struct world *w = &now.world;
	uint8_t verb = w->verbs[0];

	(void)unused;
	say("gate: the driver's");
	say(names[verb]);
	memmove(w->verbs, w->verbs + 1, VERBS_MAX - 1);
	w->verbs[VERBS_MAX - 1] = 0;
	w->verb_count--;
	serve(verb);
}

/* attempt_reaped */
static void move_reap(int unused)
{
	enum gate_event awaited;

	(void)unused;
	say("gate: openvpn is reaped:");
	now.world.openvpn = OPENVPN_NONE;
	now.world.device = DEVICE_NONE;
	(void)dispatch(EVENT_REAPED);
	notify(NOTE_ENDED);
	if ((awaited = gate_awaited(gate_state())) != GATE_EVENTS)
		(void)dispatch(awaited);
}

/* names_reaped: it has its answers, or was ended with the state that let it ask. */
static void move_asked(int unused)
{
	enum gate_event awaited;

	(void)unused;
	say("gate: who asks is reaped:");
	now.world.asker = false;
	(void)dispatch(EVENT_ASKED);
	notify(NOTE_ASKED);
	if (now.world.openvpn == OPENVPN_NONE && (awaited = gate_awaited(gate_state())) != GATE_EVENTS)
		(void)dispatch(awaited);
}

static void move_gate(int event)
{
	say("gate:");
	(void)dispatch((enum gate_event)event);
}

/* admin_socket.c */
static void move_command(int event)
{
	say("root:");
	(void)dispatch((enum gate_event)event);
	notify_intent(NOTE_INTENT, event == EVENT_RECONNECT ? INTENT_RECONNECT : INTENT_UP);
}

/* --- the driver */

static void send_verb(uint8_t verb)
{
	now.world.verbs[now.world.verb_count++] = verb;
}

static void ask(void)
{
	now.world.asking = true;
	send_verb(VERB_ASK);
}

static enum tunnel_event picked(void)
{
	return fails() ? TUNNEL_NONE : TUNNEL_FOUND;
}

static enum tunnel_event carry_out(enum tunnel_effect effect)
{
	struct world *w = &now.world;

	switch (effect) {
	case TUNNEL_PICK:
		if (!w->asking && fails())
			ask();
		return w->asking ? TUNNEL_EVENTS : picked();
	case TUNNEL_DIAL:
		w->session = SESSION_BEGUN;
		send_verb(VERB_DIAL);
		break;
	case TUNNEL_SEND_ADDRESS:
		send_verb(VERB_ADDRESS);
		break;
	case TUNNEL_ASK_OPEN:
		send_verb(VERB_OPEN);
		break;
	case TUNNEL_ASK_LEAVE:
		if (!w->leaving)
			send_verb(VERB_LEAVE);
		break;
	case TUNNEL_FORGET:
		w->session = SESSION_NONE;
		break;
	default: /* done by the step */
		break;
	}
	return TUNNEL_EVENTS;
}

/* The numbers of the real tunnel (back-off, times) decide only when its deadline is: here any deadline that
 * is set may be next. */
static const struct tunnel_cell *step(enum tunnel_event event)
{
	static const struct tunnel_cell ignored = {.known = true, .why = "planted"};
	struct world *w = &now.world;
	struct tunnel tunnel;
	const struct tunnel_cell *cell;

	if (w->tunnel == planted.tunnel_state && (int)event == planted.tunnel_event)
		return &ignored;
	memset(&tunnel, 0, sizeof tunnel);
	tunnel.state = w->tunnel;
	tunnel.deadline = w->armed ? NOW : 0;
	cell = tunnel_step(&tunnel, event, NOW, 0);
	w->tunnel = (uint8_t)tunnel.state;
	w->armed = tunnel.deadline != 0;
	return cell;
}

/* driver.c's dispatch */
static void drive(enum tunnel_event event)
{
	while (event != TUNNEL_EVENTS) {
		const struct tunnel_cell *cell = step(event);
		enum tunnel_event next = TUNNEL_EVENTS;

		tunnel_seen[event] = true;
		now.move.events[now.move.event_count++] = (uint8_t)event;
		if (cell->why != NULL)
			return;
		for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++) {
			enum tunnel_event follows = carry_out(cell->effects[i]);

			if (follows != TUNNEL_EVENTS)
				next = follows;
		}
		event = next;
	}
}

static void apply_intent(uint8_t kind, uint8_t intent)
{
	struct world *w = &now.world;
	bool wanted = intent != INTENT_DOWN, changed = wanted != w->wanted;

	w->wanted = wanted;
	if (!w->greeted || (!changed && kind != NOTE_INTENT))
		return;
	if (!wanted)
		drive(TUNNEL_WANTED_DOWN);
	else
		drive(intent == INTENT_RECONNECT ? TUNNEL_RECONNECT : TUNNEL_UP);
}

static void read_note(uint8_t kind, bool pid)
{
	switch (kind) {
	case NOTE_GATE:
		drive(TUNNEL_SHUT);
		break;
	case NOTE_DIALLING:
		if (now.world.session == SESSION_BEGUN)
			now.world.session = SESSION_EXPECTED;
		drive(TUNNEL_STARTED);
		break;
	case NOTE_OPEN:
		drive(TUNNEL_OPENED);
		break;
	case NOTE_REFUSED:
		drive(pid ? TUNNEL_REFUSED_RUNNING : TUNNEL_REFUSED);
		break;
	case NOTE_ENDED:
		drive(TUNNEL_ENDED);
		break;
	case NOTE_NETWORK:
		drive(TUNNEL_NETWORK);
		break;
	case NOTE_ASKED:
		now.world.asking = false;
		if (now.world.tunnel == TUNNEL_RESOLVING)
			drive(picked());
		break;
	case KIND_LOST_WAY:
		drive(TUNNEL_LOST_WAY);
		break;
	default: /* a greeting, an intent, an open gate: nothing more follows */
		break;
	}
}

static void move_note(int unused)
{
	static const char *const names[] = {
	    [NOTE_HELLO] = "hello",       [NOTE_INTENT] = "intent",   [NOTE_GATE] = "shut",
	    [NOTE_DIALLING] = "dialling", [NOTE_OPEN] = "open",       [NOTE_REFUSED] = "refused",
	    [NOTE_ENDED] = "ended",       [NOTE_NETWORK] = "network", [KIND_LOST_WAY] = "lost-way",
	    [KIND_OPEN_GATE] = "opened",  [NOTE_ASKED] = "asked"};
	struct world *w = &now.world;
	uint8_t note = w->notes[0], kind = note & KIND_MASK;

	(void)unused;
	say("driver: the gate's");
	say(names[kind]);
	memmove(w->notes, w->notes + 1, NOTES_MAX - 1);
	w->notes[NOTES_MAX - 1] = 0;
	w->note_count--;
	w->leaving = (note & LEAVING) != 0;
	if (kind == NOTE_HELLO)
		w->greeted = true;
	apply_intent(kind, (note >> INTENT_SHIFT) & 3);
	read_note(kind, (note & PID) != 0);
}

static void move_tunnel(int event)
{
	say(event == TUNNEL_TIMER ? "driver: its deadline" : "driver: openvpn's");
	if (event != TUNNEL_TIMER)
		say(tunnel_event_name((enum tunnel_event)event));
	drive((enum tunnel_event)event);
}

static void move_learn(int unused)
{
	(void)unused;
	say("driver: learns names through the tunnel");
	ask();
}

/* --- what happens around them */

static void move_network(int kind)
{
	say(kind == NOTE_NETWORK ? "world: the network changes" : "world: the session's way is lost");
	notify((uint8_t)kind);
}

static void move_exit(int unused)
{
	(void)unused;
	say("world: openvpn exits");
	now.world.openvpn = OPENVPN_DEAD;
}

static void move_break(int unused)
{
	(void)unused;
	say("world: the device is taken away");
	now.world.device = DEVICE_BROKEN;
}

static void move_see_break(int unused)
{
	(void)unused;
	say("gate: the device is gone:");
	now.world.device = DEVICE_NONE;
	(void)dispatch(EVENT_KILL);
}

static void forget_driver(void)
{
	struct world *w = &now.world;

	w->driver = w->greeted = w->wanted = w->leaving = w->armed = false;
	w->tunnel = TUNNEL_DOWN;
	w->session = SESSION_NONE;
	w->asking = false;
	w->verb_count = w->note_count = 0;
	memset(w->verbs, 0, sizeof w->verbs);
	memset(w->notes, 0, sizeof w->notes);
}

static void move_driver_dies(int unused)
{
	(void)unused;
	say("world: the driver dies:");
	forget_driver();
	(void)dispatch(EVENT_KILL);
}

static void move_driver_starts(int unused)
{
	(void)unused;
	say("gate: starts the driver");
	now.world.driver = now.move.driver_starts = true;
	send_verb(VERB_READY);
}

/* --- every move */

struct kind {
	void (*make)(int argument);
	int argument;
	enum cause cause;
};

static void try_move(const struct world *from, const struct kind *kind, world_next_fn *next, void *argument)
{
	now.choice_count = 0;
	do {
		now.world = *from;
		memset(&now.move, 0, sizeof now.move);
		now.text_used = now.choice_at = 0;
		now.bad = false;
		kind->make(kind->argument);
		now.move.cause = now.bad ? CAUSE_WORLD : kind->cause;
		next(&now.world, &now.move, argument);
	} while (next_choices());
}

static void try_gate(const struct world *from, world_next_fn *next, void *argument)
{
	static const struct kind always[] = {
	    {move_command, EVENT_UP, CAUSE_USER},        {move_command, EVENT_DOWN, CAUSE_USER},
	    {move_command, EVENT_RECONNECT, CAUSE_USER}, {move_command, EVENT_PAUSE, CAUSE_USER},
	    {move_command, EVENT_RESUME, CAUSE_USER},    {move_command, EVENT_OFF, CAUSE_USER},
	    {move_gate, EVENT_MARKER, CAUSE_USER},       {move_gate, EVENT_STOP, CAUSE_USER},
	    {move_gate, EVENT_DISTURBED, CAUSE_WORLD},   {move_gate, EVENT_KILL, CAUSE_WORLD},
	    {move_network, NOTE_NETWORK, CAUSE_WORLD},   {move_network, KIND_LOST_WAY, CAUSE_WORLD}};
	static const struct kind verb = {move_verb, 0, CAUSE_SYSTEM}, reap = {move_reap, 0, CAUSE_SYSTEM},
				 late = {move_gate, EVENT_KILL, CAUSE_SYSTEM},
				 retry = {move_gate, EVENT_RETRY, CAUSE_SYSTEM},
				 over = {move_gate, EVENT_PAUSE_OVER, CAUSE_WORLD},
				 see = {move_see_break, 0, CAUSE_SYSTEM},
				 asked = {move_asked, 0, CAUSE_SYSTEM},
				 overdue = {move_gate, EVENT_ASKED, CAUSE_WORLD},
				 starts = {move_driver_starts, 0, CAUSE_SYSTEM};

	if (from->verb_count > 0)
		try_move(from, &verb, next, argument);
	if (from->verb_count >= CHANNEL)
		return;
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		try_move(from, &always[i], next, argument);
	if (from->openvpn == OPENVPN_DEAD)
		try_move(from, &reap, next, argument);
	if (from->openvpn == OPENVPN_LEAVES)
		try_move(from, &late, next, argument);
	if (from->actual == ACTUAL_UNPROTECTED)
		try_move(from, &retry, next, argument);
	if (from->actual == ACTUAL_PAUSED)
		try_move(from, &over, next, argument);
	if (from->asker)
		try_move(from, &asked, next, argument);
	if (from->asker && from->actual == ACTUAL_ASKING)
		try_move(from, &overdue, next, argument);
	if (from->device == DEVICE_BROKEN)
		try_move(from, &see, next, argument);
	if (!from->driver)
		try_move(from, &starts, next, argument);
}

/* What openvpn may report; the rest are the gate's, root's and the driver's own. */
static bool is_openvpns(enum tunnel_event event)
{
	return event >= TUNNEL_UNREACHABLE && event <= TUNNEL_CREDENTIALS;
}

/* An honest openvpn at an honest server: it gets there. */
static bool is_honest(const struct world *from, enum tunnel_event event)
{
	return from->openvpn == OPENVPN_RUNS && event >= TUNNEL_HANDSHAKE && event <= TUNNEL_SUCCESS;
}

static void try_driver(const struct world *from, world_next_fn *next, void *argument)
{
	static const struct kind note = {move_note, 0, CAUSE_SYSTEM},
				 timer = {move_tunnel, TUNNEL_TIMER, CAUSE_SYSTEM},
				 learns = {move_learn, 0, CAUSE_WORLD},
				 dies = {move_driver_dies, 0, CAUSE_WORLD};

	if (!from->driver)
		return;
	try_move(from, &dies, next, argument);
	if (from->note_count > 0)
		try_move(from, &note, next, argument);
	if (from->verb_count >= CHANNEL || from->note_count >= CHANNEL)
		return;
	/* Only while all is quiet: once, at any later moment, anything may happen to it. */
	if (from->tunnel == TUNNEL_CONNECTED && !from->asking && !from->asker && from->verb_count == 0 &&
	    from->note_count == 0)
		try_move(from, &learns, next, argument);
	if (from->armed)
		try_move(from, &timer, next, argument);
	for (int event = 0; from->session == SESSION_EXPECTED && event < TUNNEL_EVENTS; event++) {
		struct kind says = {move_tunnel, event, is_honest(from, event) ? CAUSE_SYSTEM : CAUSE_WORLD};

		if (is_openvpns(event))
			try_move(from, &says, next, argument);
	}
}

void world_next(const struct world *world, world_next_fn *next, void *argument)
{
	static const struct kind exits = {move_exit, 0, CAUSE_WORLD}, breaks = {move_break, 0, CAUSE_WORLD};

	if (world_ends(world))
		return;
	if (world->note_count < CHANNEL)
		try_gate(world, next, argument);
	try_driver(world, next, argument);
	/* One that was asked to leave may also hang. */
	if (world->openvpn == OPENVPN_RUNS || world->openvpn == OPENVPN_LEAVES)
		try_move(world, &exits, next, argument);
	if (world->device == DEVICE_PROVEN)
		try_move(world, &breaks, next, argument);
}

void world_begin(struct world *world, bool up)
{
	memset(world, 0, sizeof *world);
	world->desired = up ? DESIRED_UP : DESIRED_DOWN;
	world->actual = ACTUAL_LOCKED;
}

int world_plant(const char *state, const char *event)
{
	for (int s = 0; s < TUNNEL_STATES; s++) {
		for (int t = 0; t < TUNNEL_EVENTS; t++) {
			if (strcmp(tunnel_state_name(s), state) == 0 &&
			    strcmp(tunnel_event_name(t), event) == 0) {
				planted.tunnel_state = s;
				planted.tunnel_event = t;
				return 0;
			}
		}
	}
	for (int s = 0; s < GATE_ACTUAL; s++) {
		for (int t = 0; t < GATE_EVENTS; t++) {
			if (strcmp(actual_names[s], state) == 0 && strcmp(gate_event_names[t], event) == 0) {
				planted.gate_actual = s;
				planted.gate_event = t;
				return 0;
			}
		}
	}
	return -1;
}

const char *world_unseen(void)
{
	for (int event = 0; event < TUNNEL_EVENTS; event++) {
		if (!tunnel_seen[event])
			return tunnel_event_name(event);
	}
	for (int event = 0; event < GATE_EVENTS; event++) {
		if (!gate_seen[event])
			return gate_event_names[event];
	}
	return NULL;
}
