/* Whom a peer's identity allows what, everywhere alike. */
#include "os/process/peer.h"

bool peer_is_allowed(const struct peer *peer, int64_t gid)
{
	if (peer->uid == 0)
		return true;
	if (gid < 0)
		return false;
	if (peer->gid == (uint64_t)gid)
		return true;
	for (uint32_t i = 0; i < peer->group_count; i++) {
		if (peer->groups[i] == (uint64_t)gid)
			return true;
	}
	return false;
}
