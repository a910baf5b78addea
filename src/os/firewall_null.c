/* No firewall on this platform: nothing can be shut, so nothing is ever reported as shut. */
#include "os/firewall.h"

static int refuse(struct err *e)
{
	return err_set(e, "no firewall on this platform");
}

struct firewall *firewall_open(struct err *e)
{
	refuse(e);
	return NULL;
}

void firewall_close(struct firewall *fw)
{
	(void)fw;
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	(void)fw;
	(void)s;
	return refuse(e);
}

int firewall_pause(struct firewall *fw, uint32_t seconds, struct err *e)
{
	(void)fw;
	(void)seconds;
	return refuse(e);
}

int firewall_forget_states(struct firewall *fw, struct err *e)
{
	(void)fw;
	return refuse(e);
}

int firewall_remove(struct firewall *fw, struct err *e)
{
	(void)fw;
	return refuse(e);
}

int firewall_owner(struct firewall *fw, int32_t *pid, struct err *e)
{
	(void)fw;
	*pid = 0;
	return refuse(e);
}

int firewall_blocked(struct firewall *fw, uint64_t *packets, struct err *e)
{
	(void)fw;
	*packets = 0;
	return refuse(e);
}

int firewall_watch(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	(void)fw;
	(void)base;
	(void)cb;
	(void)argument;
	return refuse(e);
}

int firewall_probe(struct firewall *fw, struct firewall_features *features, struct err *e)
{
	(void)fw;
	*features = (struct firewall_features){.egress = false, .persist = false, .ipv6 = false};
	return refuse(e);
}
