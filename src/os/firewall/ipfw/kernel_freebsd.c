/* The kernel's ipfw, queried without its tool. */
#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include <sys/sysctl.h>

#include "os/firewall/ipfw/ipfw.h"

/* 1, 0, or -1: there is no such switch. */
static int read_switch(const char *name)
{
	int value = 0;
	size_t size = sizeof value;

	if (sysctlbyname(name, &value, &size, NULL, 0) == -1)
		return errno == ENOENT ? -1 : 0;
	return value != 0;
}

int ipfw_kernel_state(void)
{
	int ipv4 = read_switch("net.inet.ip.fw.enable"), ipv6 = read_switch("net.inet6.ip6.fw.enable");

	/* A kernel without IPv6 has no switch for it. */
	return ipv4 == -1 ? -1 : ipv4 == 1 && ipv6 != 0;
}
