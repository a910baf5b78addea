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
	uint32_t limit;         /* seconds of silence; 0: it may be silent while nobody sends */
	uint64_t heard, sent;   /* bytes so far: from the server, and into the tunnel */
	uint32_t silent, tried; /* looks in a row without the first; and those of them with the second */
	bool hears, sends;      /* since the last look */
	bool away;              /* no way leads to the server: nothing can come */
	uint32_t hurry;         /* looks that are left of those after a change of the network; 0: none */
};

/* It is connected. */
void dead_peer_begin(struct dead_peer *peer, uint32_t limit);
/* The time between two looks, a tenth of the limit; 0: none. */
uint32_t dead_peer_interval_ms(const struct dead_peer *peer);
/* So many bytes have come; so many have been sent. */
void dead_peer_heard(struct dead_peer *peer, uint64_t bytes);
void dead_peer_sent(struct dead_peer *peer, uint64_t bytes);
/* No way leads to the server, or one does again. */
void dead_peer_away(struct dead_peer *peer, bool away);
/* The network has changed: whether the server still answers is to be known soon. */
void dead_peer_hurry(struct dead_peer *peer);
/* To be called at each interval. True: it is dead. Else ask for the counts. */
bool dead_peer_look(struct dead_peer *peer);
/* For how many seconds programs have sent without an answer; 0: they have not, or too few to tell. */
uint32_t dead_peer_unanswered(const struct dead_peer *peer);

#endif
