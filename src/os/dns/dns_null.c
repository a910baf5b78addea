/* The resolver port of a platform that has none yet: the system is left alone. */
#include "os/dns/dns.h"

const bool dns_is_watched = false;

static int left_alone(struct err *e)
{
	err_set(e, "dns: not supported on this platform: the resolver was left alone");
	return 1;
}

int dns_set(const struct wire_tunnel *tunnel, struct err *e)
{
	(void)tunnel;
	return left_alone(e);
}

int dns_restore(const char *interface, struct err *e)
{
	(void)interface;
	return left_alone(e);
}

int dns_shut(uint16_t port, struct err *e)
{
	(void)port;
	return left_alone(e);
}

int dns_check(const struct wire_tunnel *tunnel, uint16_t port, struct err *e)
{
	(void)tunnel, (void)port;
	return left_alone(e);
}
