/* How long each stage of an attempt may take. */
#include "tunnel/limits.h"

static uint32_t bounded(uint64_t seconds, uint32_t least, uint32_t most)
{
	if (seconds == 0)
		return 0;
	if (seconds < least / 1000)
		return least;
	return seconds > most / 1000 ? most : (uint32_t)seconds * 1000;
}

struct tunnel_limits limits_of(uint64_t poll_timeout, uint64_t hand_window)
{
	struct tunnel_limits limits = {.answer = bounded(poll_timeout, LIMIT_ANSWER_MIN, LIMIT_ANSWER_MAX),
				       .handshake =
					   bounded(hand_window, LIMIT_HANDSHAKE_MIN, LIMIT_HANDSHAKE_MAX)};

	limits.pending = limits.handshake;
	return limits;
}

void limits_set_patience(struct tunnel_limits *limits, uint64_t seconds)
{
	if (seconds != 0)
		limits->pending = bounded(seconds, LIMIT_HANDSHAKE_MIN, LIMIT_PENDING_MAX);
}

uint64_t limits_answer(const struct tunnel_limits *limits, uint32_t failures, uint64_t now)
{
	uint32_t limit = LIMIT_ANSWER;

	if (limits->answer != 0)
		return now + limits->answer;
	for (; failures > 0 && limit < LIMIT_ANSWER_MAX; failures--)
		limit *= 2;
	return now + (limit > LIMIT_ANSWER_MAX ? LIMIT_ANSWER_MAX : limit);
}

uint64_t limits_handshake(const struct tunnel_limits *limits, uint64_t now)
{
	return now + (limits->handshake != 0 ? limits->handshake : LIMIT_HANDSHAKE);
}

uint64_t limits_pending(const struct tunnel_limits *limits, uint64_t dialled_at, uint64_t now)
{
	uint64_t until = now + (limits->pending != 0 ? limits->pending : LIMIT_PENDING);
	uint64_t last = dialled_at + LIMIT_PENDING_MAX;

	return until < last ? until : last;
}
