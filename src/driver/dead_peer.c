/* Whether the server still sends anything. */
#include "driver/dead_peer.h"

enum { LOOKS = 10 };

void dead_peer_begin(struct dead_peer *peer, uint32_t limit)
{
	*peer = (struct dead_peer){.limit = limit};
}

uint32_t dead_peer_interval_ms(const struct dead_peer *peer)
{
	return peer->limit * 1000 / LOOKS;
}

void dead_peer_count(struct dead_peer *peer, uint64_t in)
{
	peer->fresh = peer->fresh || in > peer->in;
	peer->in = in;
}

bool dead_peer_look(struct dead_peer *peer)
{
	peer->silent = peer->fresh ? 0 : peer->silent + 1;
	peer->fresh = false;
	/* What the last look but these has counted came before it: the limit is over. */
	return peer->silent >= LOOKS - 1;
}
