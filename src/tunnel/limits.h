/* How long each stage of an attempt may take. */
#ifndef TUNNEL_LIMITS_H
#define TUNNEL_LIMITS_H

#include <stdint.h>

/* ms */
enum {
	LIMIT_START = 30000, /* the gate starts openvpn */
	LIMIT_ANSWER = 4000, /* the server's first answer; doubled with each failed round with a network */
	LIMIT_ANSWER_MIN = 2000,
	LIMIT_ANSWER_MAX = 30000,
	LIMIT_HANDSHAKE = 30000,
	LIMIT_HANDSHAKE_MIN = 10000,
	LIMIT_HANDSHAKE_MAX = 120000,
	LIMIT_PENDING = 60000,      /* the server says nothing of how long: openvpn's own hand-window */
	LIMIT_PENDING_MAX = 600000, /* since the dial, so that no server can hold us for ever */
	LIMIT_SETUP = 30000,
	LIMIT_EXPIRED = 5000 /* for a server to take our certificate although it has expired */
};

/* What is known about one attempt, in ms; 0: the values above. */
struct tunnel_limits {
	uint32_t answer, handshake, pending;
};

/* From the profile's settings, in seconds; 0: none. Out of bounds they count as the bound. */
struct tunnel_limits limits_of(uint64_t poll_timeout, uint64_t hand_window);
/* The server asks for that many seconds of patience; 0: it does not say how many. */
void limits_set_patience(struct tunnel_limits *limits, uint64_t seconds);

/* When the stage is over, after that many failed rounds, at `now`, of an attempt dialled at `dialled_at`. */
uint64_t limits_answer(const struct tunnel_limits *limits, uint32_t failures, uint64_t now);
uint64_t limits_handshake(const struct tunnel_limits *limits, uint64_t now);
uint64_t limits_pending(const struct tunnel_limits *limits, uint64_t dialled_at, uint64_t now);

#endif
