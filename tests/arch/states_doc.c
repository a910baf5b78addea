/* Prints docs/states.md from the tunnel's table. */
#include <stdio.h>
#include <stdlib.h>

#include "tunnel/tunnel.h"

int main(void)
{
	static char text[128 * 1024];

	tunnel_print_states(text, sizeof text);
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}
