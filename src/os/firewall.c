/* Chooses the firewall's backend, and passes each call on to it. */
#include <string.h>

#include "base/text.h"
#include "os/firewall_port.h"

struct firewall {
	const struct firewall_port *port; /* the rest is the backend's */
};

static const struct firewall_port *choose(const char *backend, struct err *e)
{
	char all[64] = "";
	size_t used = 0;

	for (size_t i = 0; firewall_ports[i] != NULL; i++) {
		if (strcmp(backend, "auto") == 0 || strcmp(backend, firewall_ports[i]->name) == 0)
			return firewall_ports[i];
		text_append(all, sizeof all, &used, " or %s", firewall_ports[i]->name);
	}
	err_set(e, "the firewall %s is not on this platform; instead: auto%s", backend, all);
	return NULL;
}

struct firewall *firewall_open(const char *backend, struct err *e)
{
	const struct firewall_port *port = choose(backend, e);
	struct firewall *fw = port == NULL ? NULL : port->open(e);

	if (fw != NULL)
		fw->port = port;
	return fw;
}

void firewall_close(struct firewall *fw)
{
	if (fw != NULL)
		fw->port->close(fw);
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	return fw->port->assert(fw, s, e);
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	return fw->port->pause(fw, seconds, e);
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	return fw->port->forget_states(fw, e);
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	return fw->port->remove(fw, e);
}

int firewall_owner(struct firewall *fw, int32_t *pid, struct err *e)
{
	return fw->port->owner(fw, pid, e);
}

int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e)
{
	return fw->port->blocked(fw, packets, e);
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	return fw->port->watch(fw, base, cb, argument, e);
}

int firewall_probe(struct firewall *fw, struct firewall_features *features, struct err *e)
{
	return fw->port->probe(fw, features, e);
}
