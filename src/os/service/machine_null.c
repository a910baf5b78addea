/* No machine port on this platform: the doctor says of each that it is not known. */
#include "os/service/machine.h"

#include "base/text.h"

const struct machine_other machine_others[] = {{.name = NULL}};
const char *const machine_network_manager[] = {NULL};
const char *const machine_connections = NULL;
const char *const machine_asks = NULL;

static void unknown(struct machine_fact *fact)
{
	fact->answer = MACHINE_UNKNOWN;
	text_copy(fact->text, sizeof fact->text, "not known on this platform");
	fact->instead[0] = '\0';
}

int64_t machine_booted(void)
{
	return 0;
}

void machine_initrd(struct machine_fact *fact)
{
	unknown(fact);
}

void machine_tun(struct machine_fact *fact)
{
	unknown(fact);
}

void machine_boot(struct machine_fact *fact, int milliseconds)
{
	(void)milliseconds;
	unknown(fact);
}

int machine_others_run(bool *running, int milliseconds)
{
	(void)milliseconds;
	for (size_t i = 0; i < MACHINE_OTHERS; i++)
		running[i] = false;
	return -1;
}

enum machine_resolver machine_resolver(void)
{
	return MACHINE_NO_RESOLVER;
}

bool machine_runs(const char *name)
{
	(void)name;
	return false;
}
