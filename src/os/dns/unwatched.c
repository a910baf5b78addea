/* The resolver port where nobody takes back what a resolver was told, and no
 * names are answered while shut: resolved and resolvconf keep a link's record
 * until we remove it. */
#include "os/dns/dns.h"

const bool dns_is_watched = false;

int dns_shut(uint16_t port, struct err *e)
{
	(void)port;
	err_set(e, "dns: names are not answered while shut on this platform");
	return 1;
}

int dns_check(const struct wire_tunnel *tunnel, uint16_t port, struct err *e)
{
	(void)tunnel, (void)port, (void)e;
	return 0;
}
