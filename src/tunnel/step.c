/* One step of the tunnel: looks the cell up, changes the state, and computes the deadlines. */
#include "tunnel/tunnel.h"

#include "tunnel/backoff.h"

/* Depends on the last run: no wait after a good one, a short one after one that broke at once. Without a run
 * the next server of the round has its turn at once; after the last one the wait doubles. An attempt that the
 * gate did not even start says nothing about a server. */
static uint64_t next_wait(struct tunnel *tunnel, uint32_t chance)
{
	bool ran = tunnel->ran, started = tunnel->started;
	bool next_server =
	    !ran && started && !tunnel->stay && !refusals_are_enough(&tunnel->refusals, tunnel->left);

	tunnel->same_remote = tunnel->stay;
	tunnel->ran = tunnel->started = tunnel->stay = false;
	if (next_server)
		return 0;
	if (ran)
		tunnel->silent = 0;
	else if (started) /* a round without a network says nothing of how long a server takes */
		tunnel->silent++;
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
	if (soonest < tunnel->not_before)
		soonest = tunnel->not_before;
	if (tunnel->deadline > soonest)
		tunnel->deadline = soonest;
}

/* What a server asked for, and what refused log-ins cost. Both are bounded by whoever sets them. */
static uint32_t held(struct tunnel *tunnel, bool round_over)
{
	uint32_t hold = tunnel->hold, wait = 0;

	if (round_over) {
		wait = refusals_wait(&tunnel->refusals);
		refusals_end_round(&tunnel->refusals);
	}
	tunnel->hold = 0;
	return wait > hold ? wait : hold;
}

static void arm_wait(struct tunnel *tunnel, uint64_t now, uint32_t chance)
{
	uint64_t soonest = tunnel->attempts > 0 ? tunnel->dialled_at + BACKOFF_PACE : now;
	uint64_t wait = next_wait(tunnel, chance);
	uint32_t hold = held(tunnel, refusals_are_enough(&tunnel->refusals, tunnel->left));

	tunnel->deadline = now + wait;
	tunnel->not_before = hold > 0 ? now + hold : 0;
	if (tunnel->deadline < soonest)
		tunnel->deadline = soonest;
	if (tunnel->deadline < tunnel->not_before)
		tunnel->deadline = tunnel->not_before;
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
		tunnel->ran = tunnel->changed = tunnel->started = tunnel->answered = tunnel->stay = false;
		tunnel->hold = 0;
		break;
	case TUNNEL_ARM_START:
		tunnel->deadline = now + LIMIT_START;
		break;
	case TUNNEL_ARM_ANSWER:
		tunnel->started = true;
		tunnel->deadline = limits_answer(&tunnel->limits, tunnel->silent, now);
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
	case TUNNEL_COUNT_REFUSAL:
		refusals_count(&tunnel->refusals);
		break;
	case TUNNEL_RESET_BACKOFF:
		tunnel->failures = tunnel->silent = tunnel->attempts = tunnel->hold = 0;
		tunnel->refusals = (struct refusals){0, 0, 0};
		tunnel->not_before = 0;
		tunnel->stay = false;
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
	if (before != TUNNEL_CONNECTED && cell->next == TUNNEL_CONNECTED) {
		tunnel->connected_at = now;
		tunnel->refusals = (struct refusals){0, 0, 0};
	}
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++)
		carry_out(tunnel, cell->effects[i], now, chance);
	return cell;
}

void tunnel_take_over(struct tunnel *tunnel, bool stopped, uint64_t until)
{
	tunnel->state = stopped ? TUNNEL_STOPPED : TUNNEL_WAITING;
	tunnel->deadline = tunnel->not_before = stopped ? 0 : until;
}
