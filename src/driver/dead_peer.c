/* Whether the server still answers. */
#include "driver/dead_peer.h"

/* TENTHS of the limit. CALM: how many of them pass between two looks while no program sends; else one. HURRY:
 * looks a second apart. TRIED: a single packet may be lost, or want no answer. */
enum { TENTHS = 10, CALM = 4, HURRY = 15, HURRY_MS = 1000, TRIED = 5 };

void dead_peer_begin(struct dead_peer *peer, uint32_t limit)
{
	/* The first look comes soon: programs that have waited for the tunnel send at once. */
	*peer = (struct dead_peer){.active = true, .limit = limit, .unused = TENTHS - 1};
}

/* Without a hurry; never 0. */
static uint32_t tenth_ms(const struct dead_peer *peer)
{
	return peer->limit != 0 ? peer->limit * 1000 / TENTHS : DEAD_PEER_MUTE * 1000 / TENTHS;
}

/* Between two looks. While no program sends nobody waits for the server, and the processor may sleep. */
static uint32_t tenths(const struct dead_peer *peer)
{
	bool calm = peer->unused >= TENTHS && (peer->silent == 0 || peer->limit == 0);

	return calm ? CALM : 1;
}

uint32_t dead_peer_interval_ms(const struct dead_peer *peer)
{
	return !peer->active ? 0 : peer->hurry > 0 ? HURRY_MS : tenths(peer) * tenth_ms(peer);
}

static void forget(struct dead_peer *peer)
{
	peer->silent = peer->tried = peer->hurry = 0;
	peer->sends = false;
}

void dead_peer_counted(struct dead_peer *peer, uint64_t sent, uint64_t heard)
{
	bool sends = sent > peer->sent, hears = heard > peer->heard, before = peer->changed;

	peer->sent = sent;
	peer->heard = heard;
	peer->changed = false;
	if (sends)
		peer->unused = 0;
	/* After a change of the network the first counts are of what was before it, too. */
	if (before)
		return;
	if (hears)
		forget(peer);
	else if (sends)
		peer->sends = true;
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
	peer->changed = true;
	peer->hurry = HURRY;
}

/* If nobody has sent in all the time of a hurry, the limit goes on from there. */
static void go_on(struct dead_peer *peer)
{
	if (--peer->hurry == 0)
		peer->silent = peer->silent * HURRY_MS / tenth_ms(peer);
}

bool dead_peer_look(struct dead_peer *peer)
{
	bool hurries = peer->hurry > 0;
	uint32_t passed = hurries ? 1 : tenths(peer);

	peer->unused += passed;
	if (peer->away) {
		forget(peer);
		return false;
	}
	peer->tried += peer->sends;
	peer->sends = false;
	/* A server that sends no pings is silent by right, until somebody sends. */
	if (peer->limit != 0 || peer->tried > 0)
		peer->silent += passed;
	if (hurries)
		go_on(peer);
	return hurries ? peer->tried >= TRIED
		       : peer->silent >= TENTHS && (peer->limit != 0 || peer->tried >= TRIED);
}

uint32_t dead_peer_unanswered(const struct dead_peer *peer)
{
	return peer->tried < TRIED - 2 ? 0
				       : peer->silent * (peer->hurry > 0 ? HURRY_MS : tenth_ms(peer)) / 1000;
}
