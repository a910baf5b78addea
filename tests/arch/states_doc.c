/* Prints docs/states.md from the tunnel's table and the gate's. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/arch/gate_states.h"
#include "tunnel/tunnel.h"

int main(void)
{
	static char text[128 * 1024];
	size_t used = tunnel_print_states(text, sizeof text);

	gate_print_states(text + used, sizeof text - used);
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}
