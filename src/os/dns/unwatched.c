/* The resolver port where nobody undoes what a resolver was set to, and
 * there is no captive DNS: resolved and resolvconf keep a link's record until we
 * remove it. */
#include "os/dns/dns.h"

const bool dns_is_watched = false;

int dns_shut(uint16_t port, struct err *e)
{
	(void)port;
	err_set(e, "dns: this platform has no captive DNS");
	return 1;
}

int dns_check(const struct wire_tunnel *tunnel, uint16_t port, struct err *e)
{
	(void)tunnel, (void)port, (void)e;
	return 0;
}
