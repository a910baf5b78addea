/* The tunnel's table, cell by cell; its times; and that no sequence of events breaks its promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tunnel/backoff.h"
#include "tunnel/tunnel.h"

static bool has(const struct tunnel_cell *cell, enum tunnel_effect effect)
{
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++) {
		if (cell->effects[i] == effect)
			return true;
	}
	return false;
}

static bool is_leaving(enum tunnel_state state)
{
	return state == TUNNEL_LEAVING_DOWN || state == TUNNEL_LEAVING_WAIT || state == TUNNEL_LEAVING_STOP ||
	       state == TUNNEL_LEAVING_RETRY;
}

/* The gate may hold an openvpn of this attempt. */
static bool has_attempt(enum tunnel_state state)
{
	return state != TUNNEL_DOWN && state != TUNNEL_RESOLVING && state != TUNNEL_WAITING &&
	       state != TUNNEL_STOPPED;
}

static void each_cell(void (*check)(enum tunnel_state, enum tunnel_event, const struct tunnel_cell *))
{
	for (int state = 0; state < TUNNEL_STATES; state++) {
		for (int event = 0; event < TUNNEL_EVENTS; event++)
			check(state, event, tunnel_cell(state, event));
	}
}

static void check_whole(enum tunnel_state state, enum tunnel_event event, const struct tunnel_cell *cell)
{
	if (!cell->known)
		fail_msg("no cell for %s in %s", tunnel_event_name(event), tunnel_state_name(state));
	if (cell->why == NULL)
		return;
	assert_int_equal(cell->next, state);
	assert_true(strlen(cell->why) > 5);
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++)
		assert_int_equal(cell->effects[i], TUNNEL_NO_EFFECT);
}

static void test_no_hole(void **state)
{
	(void)state;
	each_cell(check_whole);
}

static bool arms(const struct tunnel_cell *cell)
{
	for (int effect = TUNNEL_ARM_START; effect <= TUNNEL_ARM_WAIT; effect++) {
		if (has(cell, effect))
			return true;
	}
	return false;
}

static void check_promises(enum tunnel_state state, enum tunnel_event event, const struct tunnel_cell *cell)
{
	enum tunnel_state next = cell->next;

	if (has(cell, TUNNEL_ASK_OPEN))
		assert_true(event == TUNNEL_SUCCESS && next == TUNNEL_OPENING);
	if (next == TUNNEL_CONNECTED && state != TUNNEL_CONNECTED)
		assert_true(state == TUNNEL_OPENING && event == TUNNEL_OPENED);
	if (has(cell, TUNNEL_DIAL))
		assert_true(state == TUNNEL_RESOLVING && event == TUNNEL_FOUND && next == TUNNEL_ASKED);
	/* Entering a leave asks for it, and only there is it asked for. */
	if (is_leaving(next) && !is_leaving(state))
		assert_true(has(cell, TUNNEL_ASK_LEAVE) && has(cell, TUNNEL_ARM_LEAVE));
	if (has(cell, TUNNEL_ASK_LEAVE))
		assert_true(is_leaving(next));
	/* An attempt is left behind only when the gate says that nothing runs. */
	if (has_attempt(state) && !has_attempt(next))
		assert_true((event == TUNNEL_ENDED || event == TUNNEL_REFUSED) && has(cell, TUNNEL_FORGET));
	/* Wanted down leads down from everywhere. */
	if (event == TUNNEL_WANTED_DOWN)
		assert_true(next == TUNNEL_DOWN || next == TUNNEL_LEAVING_DOWN);
	/* Every state that waits for something has a deadline from its entry on. */
	if (cell->why == NULL && next != state && next != TUNNEL_DOWN && next != TUNNEL_STOPPED &&
	    next != TUNNEL_CONNECTED && !is_leaving(state))
		assert_true(arms(cell));
	/* No stage is without its own limit. */
	if (next == state || cell->why != NULL)
		return;
	assert_true(next != TUNNEL_CONNECTING || has(cell, TUNNEL_ARM_ANSWER));
	assert_true(next != TUNNEL_AUTHENTICATING || has(cell, TUNNEL_ARM_HANDSHAKE));
	assert_true(next != TUNNEL_PENDING || has(cell, TUNNEL_ARM_PENDING));
	assert_true((next != TUNNEL_CONFIGURING && next != TUNNEL_OPENING) || has(cell, TUNNEL_ARM_SETUP));
}

static void test_promises(void **state)
{
	(void)state;
	each_cell(check_promises);
}

static void test_words(void **state)
{
	static const char *const words[] = {"down",           "resolving",   "connecting",
					    "authenticating", "configuring", "connected",
					    "leaving",        "waiting",     "stopped"};

	(void)state;
	for (int s = 0; s < TUNNEL_STATES; s++) {
		const char *word = tunnel_state_word(s);
		bool known = false;

		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			known = known || strcmp(words[i], word) == 0;
		assert_true(known);
		/* docs/states.md: the part before the first '-' is the word. */
		assert_memory_equal(tunnel_state_name(s), word, strlen(word));
		for (int other = 0; other < s; other++)
			assert_string_not_equal(tunnel_state_name(s), tunnel_state_name(other));
	}
	for (int e = 0; e < TUNNEL_EVENTS; e++)
		assert_non_null(tunnel_event_name(e));
}

static void test_backoff(void **state)
{
	static const uint32_t waits[] = {0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	uint32_t sum = 0, n = 1;

	(void)state;
	for (uint32_t i = 0; i < sizeof waits / sizeof *waits; i++)
		assert_int_equal(backoff_wait(i, 0), waits[i]);
	assert_int_equal(backoff_wait(UINT32_MAX, 0), BACKOFF_CAP);
	/* The cap is not reached in the first minute of an outage. */
	for (; backoff_wait(n, 0) < BACKOFF_CAP; n++)
		sum += backoff_wait(n, 0);
	assert_true(sum > 60000);
}

/* Whatever chance says: never under the step, never over the cap, and an eighth is all of it. */
static void test_spread(void **state)
{
	(void)state;
	assert_int_equal(backoff_wait(0, UINT32_MAX), 0);
	for (uint32_t failures = 1; failures < 8; failures++) {
		uint32_t wait = backoff_wait(failures, 0), last = wait;

		for (uint64_t chance = 0; chance <= UINT32_MAX; chance += UINT32_MAX / 1000) {
			uint32_t other = backoff_wait(failures, (uint32_t)chance);

			assert_true(other >= last && other <= wait + wait / 8);
			last = other;
		}
		assert_int_equal(backoff_wait(failures, UINT32_MAX), wait + wait / 8);
		assert_true(last < BACKOFF_CAP);
	}
	assert_int_equal(backoff_wait(8, UINT32_MAX / 2), BACKOFF_CAP - BACKOFF_CAP / 16);
	assert_int_equal(backoff_wait(UINT32_MAX, UINT32_MAX), BACKOFF_CAP - BACKOFF_CAP / 8);
}

static void go(struct tunnel *t, uint64_t now, const enum tunnel_event *events)
{
	for (; *events != TUNNEL_EVENTS; events++)
		assert_null(tunnel_step(t, *events, now, 0)->why);
}

static const enum tunnel_event connect[] = {TUNNEL_FOUND,   TUNNEL_STARTED, TUNNEL_HANDSHAKE, TUNNEL_CONFIG,
					    TUNNEL_ADDRESS, TUNNEL_SUCCESS, TUNNEL_OPENED,    TUNNEL_EVENTS};

/* What is known of one attempt counts within its bounds; 0 is not known. */
static void test_limits(void **state)
{
	static const struct {
		uint64_t poll, window;
		struct tunnel_limits limits;
	} ways[] = {
	    {0, 0, {0, 0, 0}},
	    {1, 9, {2000, 10000, 10000}},
	    {2, 10, {2000, 10000, 10000}},
	    {3, 11, {3000, 11000, 11000}},
	    {29, 119, {29000, 119000, 119000}},
	    {30, 120, {30000, 120000, 120000}},
	    {31, 121, {30000, 120000, 120000}},
	    {UINT64_MAX, UINT64_MAX, {30000, 120000, 120000}},
	};
	static const uint32_t answers[] = {4000, 8000, 16000, 30000, 30000};
	struct tunnel_limits limits = {0, 0, 0};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		limits = limits_of(ways[i].poll, ways[i].window);
		assert_memory_equal(&limits, &ways[i].limits, sizeof limits);
	}
	limits = limits_of(0, 0);
	for (uint32_t i = 0; i < sizeof answers / sizeof *answers; i++)
		assert_int_equal(limits_answer(&limits, i, 100), 100 + answers[i]);
	assert_int_equal(limits_answer(&limits, UINT32_MAX, 100), 100 + LIMIT_ANSWER_MAX);
	assert_int_equal(limits_handshake(&limits, 100), 100 + LIMIT_HANDSHAKE);
	assert_int_equal(limits_pending(&limits, 50, 100), 100 + LIMIT_PENDING);
	limits = limits_of(5, 20);
	assert_int_equal(limits_answer(&limits, 7, 100), 5100);
	assert_int_equal(limits_handshake(&limits, 100), 20100);
	assert_int_equal(limits_pending(&limits, 50, 100), 20100);
}

/* The server says how long; but never for ever, however often it says so. */
static void test_patience(void **state)
{
	static const struct {
		uint64_t says, waits;
	} ways[] = {{0, 20000}, {1, 10000}, {60, 60000}, {600, 600000}, {601, 600000}, {UINT64_MAX, 600000}};
	struct tunnel_limits limits;

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		limits = limits_of(0, 20);
		limits_set_patience(&limits, ways[i].says);
		assert_int_equal(limits_pending(&limits, 100, 100), 100 + ways[i].waits);
	}
	assert_int_equal(limits_pending(&limits, 100, 200), 100 + LIMIT_PENDING_MAX);
	assert_int_equal(limits_pending(&limits, 100, 5000000), 100 + LIMIT_PENDING_MAX);
}

/* The others, then 1, 5 and 15 minutes, each followed by a round; eight log-ins in a round at most. */
static void test_refusals(void **state)
{
	static const uint32_t waits[] = {60000, 300000, 900000};
	struct refusals r = {0, 0, 0};

	(void)state;
	assert_int_equal(refusals_wait(&r), 0);
	refusals_end_round(&r); /* nobody has refused: nothing counts */
	for (uint32_t i = 0; i < REFUSALS_WAITS; i++) {
		assert_false(refusals_is_last(&r, 1));
		refusals_count(&r);
		assert_false(refusals_are_enough(&r, 1));
		assert_false(refusals_is_last(&r, 0));
		refusals_count(&r);
		assert_true(refusals_are_enough(&r, 0));
		assert_int_equal(refusals_wait(&r), waits[i]);
		refusals_end_round(&r);
		assert_int_equal(r.waits, i + 1);
		assert_int_equal(r.round, 0);
		assert_int_equal(r.total, 2 * (i + 1));
	}
	assert_false(refusals_is_last(&r, 1));
	assert_true(refusals_is_last(&r, 0));
	/* A round whose last server was silent: one wait more, and then any refusal is the last. */
	refusals_count(&r);
	assert_int_equal(refusals_wait(&r), waits[2]);
	refusals_end_round(&r);
	assert_true(refusals_is_last(&r, 1));
	refusals_count(&r);
	refusals_end_round(&r);
	assert_int_equal(r.waits, REFUSALS_WAITS + 1);
	r = (struct refusals){.round = REFUSALS_ROUND - 1};
	assert_false(refusals_are_enough(&r, 9));
	refusals_count(&r);
	assert_true(refusals_are_enough(&r, 9));
	r = (struct refusals){.round = REFUSALS_ROUND - 2, .waits = REFUSALS_WAITS};
	assert_false(refusals_is_last(&r, 9));
	r.round++;
	assert_true(refusals_is_last(&r, 9));
}

static void test_good_run(void **state)
{
	struct tunnel t = {.state = TUNNEL_DOWN};

	(void)state;
	tunnel_step(&t, TUNNEL_UP, 1000, 0);
	go(&t, 1000, connect);
	assert_int_equal(t.state, TUNNEL_CONNECTED);
	assert_int_equal(t.deadline, 0);
	/* A good run: at once, and the same server again. */
	tunnel_step(&t, TUNNEL_ENDED, 1000 + BACKOFF_GOOD_RUN, UINT32_MAX);
	assert_int_equal(t.state, TUNNEL_WAITING);
	assert_int_equal(t.deadline, 1000 + BACKOFF_GOOD_RUN);
	assert_true(t.same_remote);
	tunnel_step(&t, TUNNEL_TIMER, 4000, 0);
	go(&t, 4000, connect);
	/* A short one counts as a failure, chance comes on top, and another server is next. */
	tunnel_step(&t, TUNNEL_ENDED, 4000 + BACKOFF_GOOD_RUN - 1, UINT32_MAX);
	assert_int_equal(t.deadline, 4000 + BACKOFF_GOOD_RUN - 1 + 500 + 62);
	assert_false(t.same_remote);
}

/* Rounds without a network lengthen the wait, and not what a server gets; silent servers do, a run ends that.
 */
static void test_first_answer(void **state)
{
	static const uint64_t limits[] = {LIMIT_ANSWER, 2 * LIMIT_ANSWER, 4 * LIMIT_ANSWER};
	struct tunnel t = {.state = TUNNEL_DOWN};
	uint64_t now = 1000;

	(void)state;
	tunnel_step(&t, TUNNEL_UP, now, 0);
	for (int i = 0; i < 9; i++) {
		tunnel_step(&t, TUNNEL_NONE, now, 0);
		now = t.deadline;
		tunnel_step(&t, TUNNEL_TIMER, now, 0);
	}
	assert_int_equal(t.failures, 9);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		tunnel_step(&t, TUNNEL_FOUND, now, 0);
		tunnel_step(&t, TUNNEL_STARTED, now, 0);
		assert_int_equal(t.deadline, now + limits[i]);
		tunnel_step(&t, TUNNEL_ENDED, now, 0);
		now = t.deadline;
		tunnel_step(&t, TUNNEL_TIMER, now, 0);
	}
	go(&t, now, connect);
	tunnel_step(&t, TUNNEL_ENDED, now + 1, 0);
	now = t.deadline;
	tunnel_step(&t, TUNNEL_TIMER, now, 0);
	tunnel_step(&t, TUNNEL_FOUND, now, 0);
	tunnel_step(&t, TUNNEL_STARTED, now, 0);
	assert_int_equal(t.deadline, now + LIMIT_ANSWER);
}

/* Any history at all: the promises hold between the steps too. */
struct model {
	bool success; /* CONNECTED,SUCCESS was said in this attempt */
	bool alive;   /* a dial without an end */
	bool leaving; /* asked to leave, no end yet */
	uint64_t now;
};

static void check_step(struct model *m, const struct tunnel *t, enum tunnel_event event,
		       const struct tunnel_cell *cell)
{
	if (event == TUNNEL_SUCCESS && cell->why == NULL)
		m->success = true;
	if ((event == TUNNEL_ENDED || event == TUNNEL_REFUSED) && cell->why == NULL)
		m->alive = m->leaving = m->success = false;
	if (has(cell, TUNNEL_ASK_LEAVE))
		m->leaving = true;
	if (has(cell, TUNNEL_ASK_OPEN))
		assert_true(m->success && m->alive && !m->leaving);
	if (has(cell, TUNNEL_DIAL)) {
		assert_true(!m->alive && !m->leaving);
		m->alive = true;
		m->success = false;
	}
	if (t->state == TUNNEL_CONNECTED)
		assert_true(m->success && m->alive && !m->leaving);
	/* Nothing that waits is without a deadline, and no deadline is far. */
	if (t->state == TUNNEL_DOWN || t->state == TUNNEL_STOPPED || t->state == TUNNEL_CONNECTED)
		assert_int_equal(t->deadline, 0);
	else
		assert_true(t->deadline != 0 && t->deadline <= m->now + REFUSALS_HOLD_MAX);
}

/* What usually comes next: pure chance would hardly ever connect. */
static enum tunnel_event usual(enum tunnel_state state)
{
	static const enum tunnel_event next[TUNNEL_STATES] = {
	    [TUNNEL_DOWN] = TUNNEL_UP,
	    [TUNNEL_RESOLVING] = TUNNEL_FOUND,
	    [TUNNEL_ASKED] = TUNNEL_STARTED,
	    [TUNNEL_CONNECTING] = TUNNEL_HANDSHAKE,
	    [TUNNEL_AUTHENTICATING] = TUNNEL_PENDED,
	    [TUNNEL_PENDING] = TUNNEL_CONFIG,
	    [TUNNEL_CONFIGURING] = TUNNEL_SUCCESS,
	    [TUNNEL_OPENING] = TUNNEL_OPENED,
	    [TUNNEL_CONNECTED] = TUNNEL_EXITED,
	    [TUNNEL_LEAVING_DOWN] = TUNNEL_ENDED,
	    [TUNNEL_LEAVING_WAIT] = TUNNEL_ENDED,
	    [TUNNEL_LEAVING_STOP] = TUNNEL_ENDED,
	    [TUNNEL_LEAVING_RETRY] = TUNNEL_ENDED,
	    [TUNNEL_WAITING] = TUNNEL_TIMER,
	    [TUNNEL_STOPPED] = TUNNEL_RECONNECT,
	};

	return next[state];
}

static void test_any_history(void **state)
{
	struct tunnel t = {.state = TUNNEL_DOWN};
	struct model m = {.now = 1};
	unsigned long visits[TUNNEL_STATES] = {0};
	uint64_t seed = 0x9e3779b97f4a7c15u;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		const struct tunnel_cell *cell;
		enum tunnel_event event;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		event = (seed >> 60) < 9 ? usual(t.state) : (enum tunnel_event)((seed >> 33) % TUNNEL_EVENTS);
		/* The timer fires only when it is due; else time goes on. */
		if (event == TUNNEL_TIMER && t.deadline > m.now)
			m.now = t.deadline;
		m.now += (seed >> 40) % 300;
		cell = tunnel_step(&t, event, m.now, (uint32_t)(seed >> 20));
		check_step(&m, &t, event, cell);
		visits[t.state]++;
	}
	/* A walk that never got anywhere would prove nothing. */
	for (int s = 0; s < TUNNEL_STATES; s++)
		assert_true(visits[s] > 50);
}

static void test_document(void **state)
{
	static char made[128 * 1024], kept[128 * 1024];
	FILE *file = fopen("docs/states.md", "r");
	size_t length = tunnel_print_states(made, sizeof made);

	(void)state;
	assert_true(length > 0 && length < sizeof made - 1);
	if (file == NULL)
		fail_msg("docs/states.md can't be read; run the tests from the top of the tree");
	kept[fread(kept, 1, sizeof kept - 1, file)] = '\0';
	fclose(file);
	/* The gate's follow: test_gate_transition. */
	if (strncmp(made, kept, length) != 0)
		fail_msg("docs/states.md differs from the table; instead: make docs/states.md");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_hole),     cmocka_unit_test(test_promises),
	    cmocka_unit_test(test_words),       cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_spread),      cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_patience),    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_good_run),    cmocka_unit_test(test_first_answer),
	    cmocka_unit_test(test_any_history), cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests_name("tunnel", tests, NULL, NULL);
}
