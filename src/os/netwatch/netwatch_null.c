/* The network port of a platform that has none yet: every call says so. */
#include "os/netwatch/netwatch.h"

static int missing(struct err *e)
{
	return err_set(e, "watching the network is not supported on this platform");
}

struct netwatch *netwatch_open(struct event_base *base, const struct netwatch_events *events, struct err *e)
{
	(void)base;
	(void)events;
	missing(e);
	return NULL;
}

void netwatch_close(struct netwatch *watch)
{
	(void)watch;
}

int netwatch_fill(struct situation *s, const char *tunnel, struct err *e)
{
	(void)s;
	(void)tunnel;
	return missing(e);
}

int netwatch_tunnel(const char *name, const struct net_address *address4, const struct net_address *address6,
		    unsigned *index, struct err *e)
{
	(void)name;
	(void)address4;
	(void)address6;
	(void)index;
	return missing(e);
}

int netwatch_links_down(struct err *e)
{
	return missing(e);
}

int netwatch_links_restore(struct err *e)
{
	return missing(e);
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	(void)endpoint;
	return missing(e);
}

bool netwatch_taken(const char *name)
{
	(void)name;
	return true;
}

unsigned netwatch_index(const char *name)
{
	(void)name;
	return 0;
}

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	(void)to;
	(void)user;
	(void)tunnel;
	(void)way;
	return missing(e);
}

bool netwatch_carries(unsigned link)
{
	(void)link;
	return false;
}

bool netwatch_has_address(unsigned link, const struct net_address *address)
{
	(void)link;
	(void)address;
	return false;
}

void netwatch_solicit(unsigned link)
{
	(void)link;
}
