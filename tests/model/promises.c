/* What must hold in every world of the composed machine. */
#include "base/text.h"
#include "tests/arch/gate_states.h"
#include "tests/model/world.h"
#include "tunnel/tunnel.h"

static const char *broken_gate(const struct world *w)
{
	bool told = w->openvpn == OPENVPN_DEAD || w->device == DEVICE_BROKEN;

	switch ((enum gate_actual)w->actual) {
	case ACTUAL_OPEN:
		/* What the kernel has already reported, and the gate not yet read, is the only excuse. */
		if (!told && (w->openvpn != OPENVPN_RUNS || w->device != DEVICE_PROVEN))
			return "the gate is open without a live proof";
		break;
	case ACTUAL_LOCKED:
	case ACTUAL_PAUSED:
		if (w->openvpn != OPENVPN_NONE)
			return "an openvpn runs that nobody waits for";
		break;
	case ACTUAL_ASKING:
		if (w->openvpn != OPENVPN_NONE)
			return "names are asked for beside an openvpn";
		if (!w->asker)
			return "the hole to the resolver is open, and nobody asks";
		break;
	case ACTUAL_DIALLING:
	case ACTUAL_LEAVING:
	case ACTUAL_ENDING:
		if (w->openvpn == OPENVPN_NONE)
			return "an attempt without an openvpn";
		break;
	case ACTUAL_UNPROTECTED:
	case ACTUAL_OFF:
	case GATE_ACTUAL:
		break;
	}
	return NULL;
}

/* Nothing is on its way between the two: then they must be of one mind. */
static const char *broken_agreement(const struct world *w)
{
	if (world_ends(w) || !w->driver || !w->greeted || w->verb_count > 0 || w->note_count > 0)
		return NULL;
	if (w->tunnel == TUNNEL_CONNECTED && w->actual != ACTUAL_OPEN)
		return "the driver says connected, and the gate is shut";
	if (w->actual == ACTUAL_OPEN && w->tunnel != TUNNEL_CONNECTED)
		return "the gate is open, and the driver does not know it";
	if (w->asking && !w->asker)
		return "the driver waits for names, and nobody asks";
	if (w->wanted != gate_may_dial((struct gate_state){w->desired, w->actual}))
		return "the driver does not know whether it may dial";
	return NULL;
}

const char *world_broken(const struct world *world)
{
	const char *broken = broken_gate(world);

	return broken != NULL ? broken : broken_agreement(world);
}

static bool is_stopped(const struct world *w)
{
	return w->tunnel == TUNNEL_STOPPED && w->openvpn == OPENVPN_NONE && w->actual == ACTUAL_LOCKED;
}

bool world_has_arrived(const struct world *w)
{
	switch ((enum gate_desired)w->desired) {
	case DESIRED_UP:
		return is_stopped(w) || (w->actual == ACTUAL_OPEN && w->openvpn == OPENVPN_RUNS &&
					 w->device == DEVICE_PROVEN && w->tunnel == TUNNEL_CONNECTED);
	case DESIRED_DOWN:
		/* Off stays off: it ends by `up` alone. */
		return (w->actual == ACTUAL_LOCKED || w->actual == ACTUAL_OFF) &&
		       w->openvpn == OPENVPN_NONE && w->tunnel == TUNNEL_DOWN;
	case DESIRED_PAUSE_DOWN:
	case DESIRED_PAUSE_UP:
		return w->actual == ACTUAL_PAUSED;
	case DESIRED_OFF_DOWN:
	case DESIRED_OFF_UP:
		return w->actual == ACTUAL_OFF && w->openvpn == OPENVPN_NONE;
	case DESIRED_STOP:
	case GATE_DESIRED:
		break;
	}
	return true;
}

bool world_ends(const struct world *w)
{
	return w->desired == DESIRED_STOP;
}

void world_print(const struct world *w, char *to, size_t size)
{
	static const char *const openvpn[] = {"none", "runs", "leaves", "dead"};
	static const char *const device[] = {"none", "proven", "broken"};
	size_t used = 0;

	text_append(
	    to, size, &used,
	    "desired %s, gate %s, openvpn %s, device %s%s; driver %s, tunnel %s%s%s%s%s; %u verbs, %u notes",
	    desired_names[w->desired], actual_names[w->actual], openvpn[w->openvpn], device[w->device],
	    w->asker ? ", somebody asks" : "",
	    !w->driver   ? "dead"
	    : w->greeted ? "runs"
			 : "starts",
	    tunnel_state_name(w->tunnel), w->armed ? " with a deadline" : "", w->wanted ? ", wanted" : "",
	    w->leaving ? ", leaving" : "", w->asking ? ", asking" : "", w->verb_count, w->note_count);
}
