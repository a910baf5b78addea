/* The TUN node port where openvpn is root, who may open any. */
#include "os/route/tun_node.h"

#include <stddef.h>

int tun_node_for(uint32_t uid, uint32_t gid, const char **node, struct err *e)
{
	(void)uid, (void)gid, (void)e;
	*node = NULL;
	return 0;
}

void tun_node_remove(void)
{
}
