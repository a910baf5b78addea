/* The messages between our programs: their words. */
#include "base/wire.h"

const char *wire_gate_word(uint32_t gate)
{
	static const char *const words[] = {
	    [GATE_LOCKED] = "locked", [GATE_DIALLING] = "dialling", [GATE_OPEN] = "open",
	    [GATE_PAUSED] = "paused", [GATE_OFF] = "off",           [GATE_UNPROTECTED] = "unprotected",
	};

	return gate < sizeof words / sizeof *words ? words[gate] : "unknown";
}
