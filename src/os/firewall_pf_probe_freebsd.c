/* The probe on FreeBSD: no socket is bound to a link there; the multicast datagram alone tells. */
#include "os/firewall_pf_probe.h"

bool pf_probe_unicast(unsigned index)
{
	(void)index;
	return false;
}
