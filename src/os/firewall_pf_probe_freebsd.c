/* The probe on FreeBSD: no socket is bound to a link there; the multicast datagram alone tells. */
#include "os/firewall_pf_probe.h"

int pf_probe_unicast(unsigned index)
{
	(void)index;
	return -1;
}
