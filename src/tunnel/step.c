/* One step of the tunnel: looks the cell up, changes the state, and computes the deadlines. */
#include "tunnel/tunnel.h"

#include "tunnel/backoff.h"

/* Depends on the last run: no wait after a good one, a short one after one that broke at once. Without a run
 * the next server of the round has its turn at once; after the last one the wait doubles. An attempt that the
 * gate did not even start says nothing about a server. */
static uint64_t next_wait(struct tunnel *tunnel, uint32_t chance)
{
	bool ran = tunnel->ran, next_server = !ran && tunnel->started && tunnel->left > 0;

	tunnel->ran = tunnel->started = tunnel->same_remote = false;
	if (next_server)
		return 0;
	if (ran && tunnel->run >= BACKOFF_GOOD_RUN) {
		tunnel->failures = 0;
		tunnel->attempts = 0;
		tunnel->same_remote = true; /* it worked until now */
	} else {
		tunnel->failures++;
		if (ran && tunnel->failures > BACKOFF_SHORT_RUNS)
			tunnel->failures = BACKOFF_SHORT_RUNS;
	}
	return backoff_wait(tunnel->failures, chance);
}

/* After a change of network a try may succeed, but there is at most one in BACKOFF_FIRST:
 * a link that flaps must not cause a busy loop. */
static void retry_soon(struct tunnel *tunnel, uint64_t now)
{
	uint64_t soonest = tunnel->dialled_at + BACKOFF_FIRST;

	if (soonest < now || tunnel->attempts == 0)
		soonest = now;
	if (tunnel->deadline > soonest)
		tunnel->deadline = soonest;
}

static void arm_wait(struct tunnel *tunnel, uint64_t now, uint32_t chance)
{
	uint64_t soonest = tunnel->attempts > 0 ? tunnel->dialled_at + BACKOFF_PACE : now;

	tunnel->deadline = now + next_wait(tunnel, chance);
	if (tunnel->deadline < soonest)
		tunnel->deadline = soonest;
	if (tunnel->changed)
		retry_soon(tunnel, now);
	tunnel->changed = false;
}

static void carry_out(struct tunnel *tunnel, enum tunnel_effect effect, uint64_t now, uint32_t chance)
{
	switch (effect) {
	case TUNNEL_DIAL:
		tunnel->dialled_at = now;
		tunnel->attempts++;
		tunnel->ran = tunnel->changed = tunnel->started = tunnel->answered = false;
		break;
	case TUNNEL_ARM_START:
		tunnel->deadline = now + LIMIT_START;
		break;
	case TUNNEL_ARM_ANSWER:
		tunnel->started = true;
		tunnel->deadline = limits_answer(&tunnel->limits, tunnel->failures, now);
		break;
	case TUNNEL_ARM_HANDSHAKE:
		tunnel->answered = true;
		tunnel->deadline = limits_handshake(&tunnel->limits, now);
		break;
	case TUNNEL_ARM_PENDING:
		tunnel->answered = true;
		tunnel->deadline = limits_pending(&tunnel->limits, tunnel->dialled_at, now);
		break;
	case TUNNEL_ARM_SETUP:
		tunnel->answered = true;
		tunnel->deadline = now + LIMIT_SETUP;
		break;
	case TUNNEL_ARM_LEAVE:
		tunnel->deadline = now + BACKOFF_LEAVE;
		break;
	case TUNNEL_ARM_WAIT:
		arm_wait(tunnel, now, chance);
		break;
	case TUNNEL_DISARM:
		tunnel->deadline = 0;
		break;
	case TUNNEL_RETRY_SOON:
		retry_soon(tunnel, now);
		break;
	case TUNNEL_REMEMBER:
		tunnel->changed = true;
		break;
	case TUNNEL_RESET_BACKOFF:
		tunnel->failures = tunnel->attempts = 0;
		tunnel->same_remote = false;
		break;
	case TUNNEL_NO_EFFECT:
	case TUNNEL_PICK:
	case TUNNEL_SEND_ADDRESS:
	case TUNNEL_ASK_OPEN:
	case TUNNEL_ASK_LEAVE:
	case TUNNEL_FORGET:
		break; /* the caller's */
	}
}

const struct tunnel_cell *tunnel_step(struct tunnel *tunnel, enum tunnel_event event, uint64_t now,
				      uint32_t chance)
{
	const struct tunnel_cell *cell = tunnel_cell(tunnel->state, event);
	enum tunnel_state before = tunnel->state;

	if (cell->why != NULL)
		return cell;
	tunnel->state = cell->next;
	if (before == TUNNEL_CONNECTED && cell->next != TUNNEL_CONNECTED) {
		tunnel->ran = true;
		tunnel->run = now - tunnel->connected_at;
	}
	if (before != TUNNEL_CONNECTED && cell->next == TUNNEL_CONNECTED)
		tunnel->connected_at = now;
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++)
		carry_out(tunnel, cell->effects[i], now, chance);
	return cell;
}
