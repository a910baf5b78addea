/* The names of the tunnel's states and events; and its part of docs/states.md. */
#include "tunnel/tunnel.h"

#include <string.h>

#include "base/text.h"
#include "tunnel/backoff.h"
#include "tunnel/limits.h"
#include "tunnel/refusals.h"
#include "tunnel/way.h"

static const char *const names[TUNNEL_STATES] = {
    [TUNNEL_DOWN] = "down",
    [TUNNEL_RESOLVING] = "resolving",
    [TUNNEL_ASKED] = "connecting-asked",
    [TUNNEL_CONNECTING] = "connecting",
    [TUNNEL_AUTHENTICATING] = "authenticating",
    [TUNNEL_PENDING] = "authenticating-pending",
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
    [TUNNEL_UNREACHABLE] = "unreachable",
    [TUNNEL_HANDSHAKE] = "handshake",
    [TUNNEL_PENDED] = "pended",
    [TUNNEL_CONFIG] = "config",
    [TUNNEL_ADDRESS] = "address",
    [TUNNEL_SUCCESS] = "success",
    [TUNNEL_CONNECT_ERRORS] = "connect-errors",
    [TUNNEL_DEVICE_DOWN] = "device-down",
    [TUNNEL_RESTART] = "restart",
    [TUNNEL_EXITED] = "exited",
    [TUNNEL_DENIED] = "denied",
    [TUNNEL_CREDENTIALS] = "credentials",
    [TUNNEL_TIMER] = "timer",
    [TUNNEL_NETWORK] = "network",
    [TUNNEL_LOST_WAY] = "lost-way",
};

const char *tunnel_state_name(enum tunnel_state state)
{
	return names[state];
}

const char *tunnel_event_name(enum tunnel_event event)
{
	return events[event];
}

const char *tunnel_state_word(enum tunnel_state state)
{
	switch (state) {
	case TUNNEL_ASKED:
		return "connecting";
	case TUNNEL_PENDING:
		return "authenticating";
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
		text_append(to, size, used, "%s %s", i > 0 ? "," : "", tunnel_effect_name(cell->effects[i]));
	text_append(to, size, used, " |\n");
}

static void print_introduction(char *to, size_t size, size_t *used)
{
	text_append(
	    to, size, used,
	    "# The tunnel's states\n\n"
	    "Made from `src/tunnel/table.c`; `make unit` fails if the two differ.\n\n"
	    "`status` shows the part before the first `-` of a state's name. An effect is a request "
	    "to the gate (dial, send-address, ask-open, ask-leave) or to the driver (pick, forget), or "
	    "concerns time.\n\n"
	    "## Times\n\n"
	    "An attempt ends if a stage of it takes too long:\n\n"
	    "| effect | until | limit |\n| --- | --- | --- |\n");
	text_append(to, size, used, "| arm-start | openvpn runs | %d s |\n", LIMIT_START / 1000);
	text_append(to, size, used,
		    "| arm-answer | the server's first answer | %d s, doubled with each round in which a "
		    "server was dialled, to at "
		    "most %d s; or what the profile says, %d to %d s |\n",
		    LIMIT_ANSWER / 1000, LIMIT_ANSWER_MAX / 1000, LIMIT_ANSWER_MIN / 1000,
		    LIMIT_ANSWER_MAX / 1000);
	text_append(
	    to, size, used,
	    "| arm-handshake | the end of the handshake | %d s; or the profile's `hand-window`, %d to %d "
	    "s (openvpn itself ends it after that time, or 60 s) |\n",
	    LIMIT_HANDSHAKE / 1000, LIMIT_HANDSHAKE_MIN / 1000, LIMIT_HANDSHAKE_MAX / 1000);
	text_append(to, size, used,
		    "| arm-pending | the server admits us | what the server says (`AUTH_PENDING`), else the "
		    "profile's `hand-window`, else %d s; at most %d s after the dial |\n",
		    LIMIT_PENDING / 1000, LIMIT_PENDING_MAX / 1000);
	text_append(to, size, used,
		    "| arm-setup | the next step of the configuration, and the open gate | %d s |\n",
		    LIMIT_SETUP / 1000);
	text_append(to, size, used, "| arm-leave | the attempt's end; then it is requested again | %d s |\n",
		    BACKOFF_LEAVE / 1000);
	text_append(
	    to, size, used,
	    "\nA round tries every address of every server once, those that failed lately last, the next one "
	    "at once; at most %d are "
	    "dialled "
	    "in a second. After a connection of at least %d s the next attempt follows at once. Otherwise "
	    "the "
	    "wait (arm-wait) after a round doubles from %d ms to %d s, and is changed at random by up to an "
	    "eighth: longer, or at the maximum shorter. A change of network cuts it short. Addresses of a "
	    "family without a route are passed over; if no route leads to a server, nothing is dialled until "
	    "one does.\n",
	    1000 / BACKOFF_PACE, BACKOFF_GOOD_RUN / 1000, BACKOFF_FIRST, BACKOFF_CAP / 1000);
	text_append(
	    to, size, used,
	    "\nA refused log-in (denied) is tried at the other servers, each remote once and at most %d in a "
	    "round; then again after 1, 5 and 15 minutes, each followed by one round, and then it is "
	    "stopped. No change of network cuts these waits short; `up` and `reconnect` begin anew. A server "
	    "that asks for a back-off is given it, %d minutes at most.\n",
	    REFUSALS_ROUND, REFUSALS_HOLD_MAX / 60000);
	text_append(
	    to, size, used,
	    "\nlost-way ends an attempt whose session can't live on: the address of its TCP connection is "
	    "gone, or no route led to its server for more than %d ms (UDP waits, however long), or for %d ms "
	    "only the other family of addresses has a route to a server.\n",
	    WAY_TCP_PATIENCE, WAY_FAMILY_PATIENCE);
}

size_t tunnel_print_states(char *to, size_t size)
{
	size_t used = 0;

	print_introduction(to, size, &used);
	for (int state = 0; state < TUNNEL_STATES; state++) {
		text_append(to, size, &used, "\n## %s\n\n| event | next | effects |\n| --- | --- | --- |\n",
			    names[state]);
		for (int event = 0; event < TUNNEL_EVENTS; event++)
			print_cell(to, size, &used, state, event);
	}
	return used;
}
