/* The peer port on Linux: SO_PEERCRED and SO_PEERGROUPS. */
#include "os/process/peer.h"

#include <string.h>
#include <sys/socket.h>

int peer_of(int descriptor, struct peer *peer)
{
	struct ucred credentials;
	socklen_t length = sizeof credentials;

	memset(peer, 0, sizeof *peer);
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == -1)
		return -1;
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
	peer->pid = credentials.pid;
	/* A user of more groups than fit (ERANGE) has none of them here: less is
	 * allowed then, never more. */
	length = sizeof peer->groups;
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &length) == 0)
		peer->group_count = (uint32_t)(length / sizeof peer->groups[0]);
	return 0;
}
