/* The gate's tables as text: the second half of docs/states.md. Not in src/gate, because root's code does not
 * need it. */
#ifndef ARCH_GATE_STATES_H
#define ARCH_GATE_STATES_H

#include "base/text.h"
#include "gate/transition.h"

static const char *const desired_names[GATE_DESIRED] = {"down",     "up",     "pause-down", "pause-up",
							"off-down", "off-up", "stop"};
static const char *const actual_names[GATE_ACTUAL] = {"unprotected", "locked", "ending", "dialling", "open",
						      "leaving",     "paused", "off",    "asking"};
static const char *const gate_event_names[GATE_EVENTS] = {
    "up",         "down",  "reconnect", "pause",       "resume",         "off",    "marker", "stop",
    "dial",       "open",  "leave",     "ask",         "asked",          "kill",   "reaped", "disturbed",
    "pause-over", "retry", "no-start",  "flip-failed", "command-failed", "no-lock"};
static const char *const gate_effect_names[GATE_EFFECTS] = {"",
							    "lock",
							    "flip-dialling",
							    "flip-asking",
							    "flip-open",
							    "flip-paused",
							    "remove-rules",
							    "go-unprotected",
							    "forget-states",
							    "launch",
							    "terminate",
							    "kill",
							    "ask",
							    "write-marker"};

static inline void print_gate_cell(char *to, size_t size, size_t *used, const char *event, const char *now,
				   const char *const *names, const struct gate_cell *cell)
{
	if (cell->why != NULL) {
		text_append(to, size, used, "| %s | – | no: %s |\n", event, cell->why);
		return;
	}
	text_append(to, size, used, "| %s | %s |", event,
		    names[cell->next] == now ? "stays" : names[cell->next]);
	for (size_t i = 0; i < GATE_CELL_EFFECTS && cell->effects[i] != EFFECT_NONE; i++)
		text_append(to, size, used, "%s %s", i > 0 ? "," : "", gate_effect_names[cell->effects[i]]);
	text_append(to, size, used, " |\n");
}

static inline size_t gate_print_states(char *to, size_t size)
{
	size_t used = 0;

	text_append(
	    to, size, &used,
	    "\n# The gate's states\n\n"
	    "Made from `src/gate/transition.c`; `make unit` fails if the two differ.\n\n"
	    "The gate's state is two values: desired, which is what root wants, and actual, which is "
	    "what has been verified. "
	    "An event is looked up in both tables, and has no effect if one of them says no. `status` "
	    "shows `ending` as "
	    "`locked`, and `leaving` and `asking` as `dialling`. An attempt may start only if `up` is "
	    "desired and "
	    "`locked` is actual.\n\n"
	    "The effects are carried out in order. A policy (lock, flip-dialling, flip-asking, flip-open, "
	    "flip-paused, remove-rules) "
	    "comes before everything that depends on it: it is committed and read back, and only then "
	    "is the next state "
	    "actual and announced. An effect that fails ends the list and is an event itself: "
	    "`no-lock` for a lock, "
	    "`flip-failed` for a flip to dialling, asking or open, `no-start` for a launch, `asked` for a "
	    "child that "
	    "can't ask, `refused` for what "
	    "root requested. "
	    "As long as an openvpn is not reaped, `locked` becomes `ending`. Once openvpn, or the child that "
	    "asks, is reaped, a pause or an off that has waited for it is requested again. That child ends "
	    "with the state that let it ask.\n");
	for (int desired = 0; desired < GATE_DESIRED; desired++) {
		text_append(to, size, &used, "\n## desired: %s\n\n| event | next | |\n| --- | --- | --- |\n",
			    desired_names[desired]);
		for (int event = 0; event < GATE_EVENTS; event++)
			print_gate_cell(to, size, &used, gate_event_names[event], desired_names[desired],
					desired_names, gate_desired_cell(desired, event));
	}
	for (int actual = 0; actual < GATE_ACTUAL; actual++) {
		text_append(to, size, &used,
			    "\n## actual: %s\n\n| event | next | effects |\n| --- | --- | --- |\n",
			    actual_names[actual]);
		for (int event = 0; event < GATE_EVENTS; event++)
			print_gate_cell(to, size, &used, gate_event_names[event], actual_names[actual],
					actual_names, gate_actual_cell(actual, event));
	}
	return used;
}

#endif
