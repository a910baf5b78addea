/* Whether the server still answers: what came from it, authenticated, and what programs sent into the tunnel,
 * by openvpn's own counts, looked at again and again. It is the looks that are counted and not the time: a
 * machine that stood still has not listened, either. Pure. */
#ifndef DRIVER_DEAD_PEER_H
#define DRIVER_DEAD_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds. DEAD_PEER_MUTE: of a server that sends no pings, while programs send. DEAD_PEER_CHANGED: of any,
 * while they send, after a change of the network. */
enum { DEAD_PEER_MUTE = 30, DEAD_PEER_CHANGED = 5 };

/* Zeroed: nothing is connected. */
struct dead_peer {
	bool active;
	uint32_t limit;       /* seconds of silence; 0: it may be silent while nobody sends */
	uint64_t sent, heard; /* bytes so far: into the tunnel, and from the server */
	uint32_t silent;      /* since the counts that told of it: tenths of the limit; in a hurry, seconds */
	uint32_t tried;       /* looks since then that found that programs had sent */
	uint32_t unused;      /* tenths in which no program has sent */
	bool sends;           /* since the last look, without an answer */
	bool away;            /* no way leads to the server: nothing can come */
	bool changed;         /* the network has, since the last counts */
	uint32_t hurry;       /* looks that are left of those after a change of the network; 0: none */
};

/* It is connected. Ask for the counts. */
void dead_peer_begin(struct dead_peer *peer, uint32_t limit);
/* The time until the next look: a tenth of the limit, or of DEAD_PEER_MUTE; four tenths if no program has
 * sent for so long. 0: none. To be asked again after each call of the others. */
uint32_t dead_peer_interval_ms(const struct dead_peer *peer);
/* So many bytes have been sent, and so many have come. */
void dead_peer_counted(struct dead_peer *peer, uint64_t sent, uint64_t heard);
/* No way leads to the server, or one does again. */
void dead_peer_away(struct dead_peer *peer, bool away);
/* The network has changed: whether the server still answers is to be known soon. Ask for the counts. */
void dead_peer_hurry(struct dead_peer *peer);
/* To be called when the interval is over. True: it is dead. Else ask for the counts. */
bool dead_peer_look(struct dead_peer *peer);
/* For how many seconds programs have sent without an answer; 0: they have not, or too few to tell. */
uint32_t dead_peer_unanswered(const struct dead_peer *peer);

#endif
