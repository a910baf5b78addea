/* Whether the server still answers. */
#include "driver/dead_peer.h"

/* HURRY: looks a second apart. TRIED: a single packet may be lost, or want no answer. */
enum { LOOKS = 10, HURRY = 15, HURRY_MS = 1000, TRIED = 5 };

void dead_peer_begin(struct dead_peer *peer, uint32_t limit)
{
	*peer = (struct dead_peer){.active = true, .limit = limit};
}

/* Without a hurry; never 0. */
static uint32_t usual_interval_ms(const struct dead_peer *peer)
{
	return peer->limit != 0 ? peer->limit * 1000 / LOOKS : DEAD_PEER_MUTE * 1000 / LOOKS;
}

uint32_t dead_peer_interval_ms(const struct dead_peer *peer)
{
	return !peer->active ? 0 : peer->hurry > 0 ? HURRY_MS : usual_interval_ms(peer);
}

void dead_peer_heard(struct dead_peer *peer, uint64_t bytes)
{
	peer->hears = peer->hears || bytes > peer->heard;
	peer->heard = bytes;
}

void dead_peer_sent(struct dead_peer *peer, uint64_t bytes)
{
	peer->sends = peer->sends || bytes > peer->sent;
	peer->sent = bytes;
}

static void forget(struct dead_peer *peer)
{
	peer->silent = peer->tried = peer->hurry = 0;
}

void dead_peer_away(struct dead_peer *peer, bool away)
{
	if (away != peer->away)
		forget(peer);
	peer->away = away;
}

void dead_peer_hurry(struct dead_peer *peer)
{
	if (!peer->active)
		return;
	forget(peer);
	peer->hears = false;
	peer->hurry = HURRY;
}

bool dead_peer_look(struct dead_peer *peer)
{
	bool hears = peer->hears, sends = peer->sends;

	peer->hears = peer->sends = false;
	if (hears || peer->away) {
		forget(peer);
		return false;
	}
	peer->tried += sends;
	/* A server that sends no pings is silent by right, until somebody sends. */
	peer->silent += peer->limit != 0 || peer->tried > 0;
	if (peer->hurry > 0) {
		/* If nobody sent in all that time, the limit goes on from here. */
		if (--peer->hurry == 0)
			peer->silent = peer->silent * HURRY_MS / usual_interval_ms(peer);
		return peer->tried >= TRIED;
	}
	/* What the last look but these has counted came before it: the limit is over. */
	return peer->silent >= LOOKS - 1 && (peer->limit != 0 || peer->tried >= TRIED);
}

uint32_t dead_peer_unanswered(const struct dead_peer *peer)
{
	return peer->tried < TRIED - 2 ? 0 : peer->silent * dead_peer_interval_ms(peer) / 1000;
}
