/* The peer port on macOS and FreeBSD: LOCAL_PEERCRED. */
#include "os/process/peer_bsd.h"

#include <errno.h>
#include <string.h>

#include "os/process/peer.h"

/* The kernel keeps 16 groups of a peer, the effective one first: who has more
 * is allowed less here, never more. */
int peer_of(int descriptor, struct peer *peer)
{
	struct xucred credentials;
	const short most = sizeof credentials.cr_groups / sizeof credentials.cr_groups[0];
	socklen_t length = sizeof credentials;

	memset(peer, 0, sizeof *peer);
	memset(&credentials, 0, sizeof credentials);
	if (getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERCRED, &credentials, &length) == -1)
		return -1;
	if (length < sizeof credentials || credentials.cr_version != XUCRED_VERSION ||
	    credentials.cr_ngroups < 1 || credentials.cr_ngroups > most) {
		errno = EPROTO;
		return -1;
	}
	peer->uid = credentials.cr_uid;
	peer->gid = credentials.cr_groups[0];
	peer->pid = peer_pid(descriptor, &credentials);
	for (int i = 1; i < credentials.cr_ngroups; i++)
		peer->groups[peer->group_count++] = credentials.cr_groups[i];
	return 0;
}
