/* Whether the server still sends anything: openvpn's count of bytes, looked at again and again. It is the
 * looks that are counted and not the time: a machine that stood still has not listened, either. Pure. */
#ifndef DRIVER_DEAD_PEER_H
#define DRIVER_DEAD_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct dead_peer {
	uint32_t limit; /* seconds of silence; 0: it may be silent */
	uint64_t in;    /* the bytes that have come so far */
	uint32_t silent;
	bool fresh;
};

void dead_peer_begin(struct dead_peer *peer, uint32_t limit);
/* The time between two looks, a tenth of the limit; 0: none. */
uint32_t dead_peer_interval_ms(const struct dead_peer *peer);
/* So many bytes have come. */
void dead_peer_count(struct dead_peer *peer, uint64_t in);
/* To be called at each interval. True: nothing has come for the whole limit. Else ask for the count. */
bool dead_peer_look(struct dead_peer *peer);

#endif
