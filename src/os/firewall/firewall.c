/* Chooses the firewall's backend, and passes each call on to it. */
#include <string.h>

#include "base/text.h"
#include "os/firewall/ports.h"

static const struct firewall_port *choose(const char *backend, struct err *e)
{
	char all[64] = "";
	size_t used = 0;

	for (size_t i = 0; firewall_ports[i] != NULL; i++) {
		if (strcmp(backend, "auto") == 0 || strcmp(backend, firewall_ports[i]->name) == 0)
			return firewall_ports[i];
		text_append(all, sizeof all, &used, " or %s", firewall_ports[i]->name);
	}
	err_set(e, "the firewall %s does not exist on this platform; instead: auto%s", backend, all);
	return NULL;
}

static struct firewall *open_port(const struct firewall_port *port, struct err *e)
{
	struct firewall *fw = port->open(e);

	if (fw != NULL)
		fw->port = port;
	return fw;
}

struct firewall *firewall_open(const char *backend, struct err *e)
{
	const struct firewall_port *port = choose(backend, e);

	return port == NULL ? NULL : open_port(port, e);
}

struct firewall *firewall_open_standing(struct err *e)
{
	uint64_t packets;

	for (size_t i = 0; firewall_ports[i] != NULL; i++) {
		struct firewall *fw = open_port(firewall_ports[i], NULL);

		if (fw != NULL && fw->port->blocked(fw, &packets, NULL) == 0)
			return fw;
		firewall_close(fw);
	}
	return firewall_open("auto", e);
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

bool firewall_has_portals(const struct firewall *fw)
{
	return fw->port->timer != NULL;
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	return fw->port->forget_states(fw, e);
}

int firewall_remove_others(const struct firewall *fw, struct err *e)
{
	int result = 0;

	for (size_t i = 0; firewall_ports[i] != NULL; i++) {
		struct firewall *other;

		if (firewall_ports[i] == fw->port)
			continue;
		other = open_port(firewall_ports[i], e);
		if (other == NULL || other->port->remove(other, e) == -1)
			result = -1;
		firewall_close(other);
	}
	return result;
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	int own = fw->port->remove(fw, e);

	return firewall_remove_others(fw, own == 0 ? e : NULL) == -1 ? -1 : own;
}

void firewall_manual_command(char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; firewall_ports[i] != NULL; i++)
		(void)text_append(to, size, &used, "%s%s", i > 0 ? "; " : "",
				  firewall_ports[i]->manual_command);
}

int firewall_owner(struct firewall *fw, int32_t *pid, struct err *e)
{
	return fw->port->owner(fw, pid, e);
}

int firewall_held(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		  struct err *e)
{
	if (fw->port->held != NULL)
		return fw->port->held(fw, s, instance, pid, e);
	if (fw->port->owner(fw, pid, e) == -1)
		return -1;
	if (*pid == FIREWALL_UNNAMED)
		*pid = instance;
	return 0;
}

const char *firewall_note(const struct firewall *fw)
{
	return fw->port->note != NULL ? fw->port->note(fw) : "";
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
