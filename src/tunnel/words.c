/* The names of the tunnel's states, events and effects; and its part of docs/states.md. */
#include "tunnel/tunnel.h"

#include <string.h>

#include "base/text.h"
#include "tunnel/backoff.h"

static const char *const names[TUNNEL_STATES] = {
    [TUNNEL_DOWN] = "down",
    [TUNNEL_RESOLVING] = "resolving",
    [TUNNEL_ASKED] = "connecting-asked",
    [TUNNEL_CONNECTING] = "connecting",
    [TUNNEL_AUTHENTICATING] = "authenticating",
    [TUNNEL_CONFIGURING] = "configuring",
    [TUNNEL_OPENING] = "configuring-opening",
    [TUNNEL_CONNECTED] = "connected",
    [TUNNEL_LEAVING_DOWN] = "leaving-down",
    [TUNNEL_LEAVING_WAIT] = "leaving-wait",
    [TUNNEL_LEAVING_STOP] = "leaving-stop",
    [TUNNEL_LEAVING_RETRY] = "leaving-retry",
    [TUNNEL_WAITING] = "waiting",
    [TUNNEL_STOPPED] = "stopped",
};

static const char *const events[TUNNEL_EVENTS] = {
    [TUNNEL_UP] = "up",
    [TUNNEL_WANTED_DOWN] = "wanted-down",
    [TUNNEL_RECONNECT] = "reconnect",
    [TUNNEL_FOUND] = "found",
    [TUNNEL_NONE] = "none",
    [TUNNEL_STARTED] = "started",
    [TUNNEL_REFUSED] = "refused",
    [TUNNEL_REFUSED_RUNNING] = "refused-running",
    [TUNNEL_OPENED] = "opened",
    [TUNNEL_SHUT] = "shut",
    [TUNNEL_ENDED] = "ended",
    [TUNNEL_HANDSHAKE] = "handshake",
    [TUNNEL_CONFIG] = "config",
    [TUNNEL_ADDRESS] = "address",
    [TUNNEL_SUCCESS] = "success",
    [TUNNEL_CONNECT_ERRORS] = "connect-errors",
    [TUNNEL_DEVICE_DOWN] = "device-down",
    [TUNNEL_RESTART] = "restart",
    [TUNNEL_EXITED] = "exited",
    [TUNNEL_CREDENTIALS] = "credentials",
    [TUNNEL_TIMER] = "timer",
    [TUNNEL_NETWORK] = "network",
    [TUNNEL_LOST_WAY] = "lost-way",
};

static const char *const effects[] = {
    [TUNNEL_NO_EFFECT] = "",          [TUNNEL_PICK] = "pick",
    [TUNNEL_DIAL] = "dial",           [TUNNEL_SEND_ADDRESS] = "send-address",
    [TUNNEL_ASK_OPEN] = "ask-open",   [TUNNEL_ASK_LEAVE] = "ask-leave",
    [TUNNEL_FORGET] = "forget",       [TUNNEL_ARM_ATTEMPT] = "arm-attempt",
    [TUNNEL_ARM_LEAVE] = "arm-leave", [TUNNEL_ARM_WAIT] = "arm-wait",
    [TUNNEL_DISARM] = "disarm",       [TUNNEL_RETRY_SOON] = "retry-soon",
    [TUNNEL_REMEMBER] = "remember",   [TUNNEL_RESET_BACKOFF] = "reset-backoff",
};

const char *tunnel_state_name(enum tunnel_state state)
{
	return names[state];
}

const char *tunnel_event_name(enum tunnel_event event)
{
	return events[event];
}

const char *tunnel_effect_name(enum tunnel_effect effect)
{
	return effects[effect];
}

const char *tunnel_state_word(enum tunnel_state state)
{
	switch (state) {
	case TUNNEL_ASKED:
		return "connecting";
	case TUNNEL_OPENING:
		return "configuring";
	case TUNNEL_LEAVING_DOWN:
	case TUNNEL_LEAVING_WAIT:
	case TUNNEL_LEAVING_STOP:
	case TUNNEL_LEAVING_RETRY:
		return "leaving";
	case TUNNEL_DOWN:
	case TUNNEL_RESOLVING:
	case TUNNEL_CONNECTING:
	case TUNNEL_AUTHENTICATING:
	case TUNNEL_CONFIGURING:
	case TUNNEL_CONNECTED:
	case TUNNEL_WAITING:
	case TUNNEL_STOPPED:
	case TUNNEL_STATES:
		break;
	}
	return state < TUNNEL_STATES ? names[state] : "unknown";
}

static void print_cell(char *to, size_t size, size_t *used, enum tunnel_state state, enum tunnel_event event)
{
	const struct tunnel_cell *cell = tunnel_cell(state, event);

	if (cell->why != NULL) {
		text_append(to, size, used, "| %s | – | ignored: %s |\n", events[event], cell->why);
		return;
	}
	text_append(to, size, used, "| %s | %s |", events[event],
		    cell->next == state ? "stays" : names[cell->next]);
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS && cell->effects[i] != TUNNEL_NO_EFFECT; i++)
		text_append(to, size, used, "%s %s", i > 0 ? "," : "", effects[cell->effects[i]]);
	text_append(to, size, used, " |\n");
}

size_t tunnel_print_states(char *to, size_t size)
{
	size_t used = 0;

	text_append(
	    to, size, &used,
	    "# The tunnel's states\n\n"
	    "Made from `src/tunnel/table.c`; `make unit` fails if the two differ.\n\n"
	    "`status` shows the part before the first `-` of a state's name. Times: an attempt ends after "
	    "%d s without progress. After a connection of at least %d s the next attempt follows at once. "
	    "Otherwise the wait doubles from %d ms to %d s, and is changed at random by up to an eighth: "
	    "longer, or at the maximum shorter. A change of network cuts it short. An effect is a request "
	    "to the gate (dial, send-address, ask-open, ask-leave) or to the driver (pick, forget), or "
	    "concerns time.\n",
	    BACKOFF_ATTEMPT / 1000, BACKOFF_GOOD_RUN / 1000, BACKOFF_FIRST, BACKOFF_CAP / 1000);
	for (int state = 0; state < TUNNEL_STATES; state++) {
		text_append(to, size, &used, "\n## %s\n\n| event | next | effects |\n| --- | --- | --- |\n",
			    names[state]);
		for (int event = 0; event < TUNNEL_EVENTS; event++)
			print_cell(to, size, &used, state, event);
	}
	return used;
}
