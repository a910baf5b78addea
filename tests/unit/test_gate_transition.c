/* The gate's tables, cell by cell; and that no sequence of events dials without a verified lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/arch/gate_states.h"

static bool is_policy(enum gate_effect effect)
{
	return effect >= EFFECT_LOCK && effect <= EFFECT_GO_UNPROTECTED;
}

static bool has(const struct gate_cell *cell, enum gate_effect effect)
{
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (cell->effects[i] == effect)
			return true;
	}
	return false;
}

static enum gate_effect policy_of(const struct gate_cell *cell)
{
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		if (is_policy(cell->effects[i]))
			return cell->effects[i];
	}
	return EFFECT_NONE;
}

static void check_whole(const struct gate_cell *cell, const char *state, const char *event, uint8_t count)
{
	if (!cell->known)
		fail_msg("no cell for %s in %s", event, state);
	assert_true(cell->next < count);
	if (cell->why == NULL)
		return;
	assert_true(strlen(cell->why) > 5);
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++)
		assert_int_equal(cell->effects[i], EFFECT_NONE);
}

static void test_no_hole(void **state)
{
	(void)state;
	for (int event = 0; event < GATE_EVENTS; event++) {
		for (int actual = 0; actual < GATE_ACTUAL; actual++)
			check_whole(gate_actual_cell(actual, event), actual_names[actual],
				    gate_event_names[event], GATE_ACTUAL);
		for (int desired = 0; desired < GATE_DESIRED; desired++)
			check_whole(gate_desired_cell(desired, event), desired_names[desired],
				    gate_event_names[event], GATE_DESIRED);
	}
}

/* What the policy of a state is called by the effect that makes it stand. */
static bool fits(enum gate_effect policy, enum gate_actual next)
{
	switch (next) {
	case ACTUAL_UNPROTECTED:
		return policy == EFFECT_GO_UNPROTECTED;
	case ACTUAL_LOCKED:
	case ACTUAL_ENDING:
		return policy == EFFECT_LOCK;
	case ACTUAL_DIALLING:
	case ACTUAL_LEAVING:
		return policy == EFFECT_FLIP_DIALLING;
	case ACTUAL_ASKING:
		return policy == EFFECT_FLIP_ASKING;
	case ACTUAL_OPEN:
		return policy == EFFECT_FLIP_OPEN;
	case ACTUAL_PAUSED:
		return policy == EFFECT_FLIP_PAUSED;
	case ACTUAL_OFF:
		return policy == EFFECT_REMOVE_RULES;
	case GATE_ACTUAL:
		break;
	}
	return false;
}

/* States that have one policy: from one to the other nothing is to be committed. */
static bool same_policy(enum gate_actual one, enum gate_actual other)
{
	for (int policy = EFFECT_LOCK; policy <= EFFECT_GO_UNPROTECTED; policy++) {
		if (fits(policy, one))
			return fits(policy, other);
	}
	return false;
}

static void check_order(enum gate_actual actual, const struct gate_cell *cell)
{
	bool applied = false;

	for (size_t i = 0; i < GATE_CELL_EFFECTS && cell->effects[i] != EFFECT_NONE; i++) {
		assert_true(cell->effects[i] < GATE_EFFECTS);
		if (is_policy(cell->effects[i])) {
			assert_false(applied); /* one flip a step */
			applied = true;
		} else if (cell->effects[i] == EFFECT_WRITE_MARKER) {
			assert_int_equal(i, 0);
			assert_int_equal(cell->effects[1], EFFECT_REMOVE_RULES);
		} else {
			/* What depends on a policy comes behind it, or it stands already. */
			assert_true(applied || policy_of(cell) == EFFECT_NONE);
		}
	}
	if (applied)
		assert_true(fits(policy_of(cell), cell->next));
	else
		assert_true(same_policy(actual, cell->next));
}

static void test_policy_first(void **state)
{
	(void)state;
	for (int event = 0; event < GATE_EVENTS; event++) {
		for (int actual = 0; actual < GATE_ACTUAL; actual++) {
			const struct gate_cell *cell = gate_actual_cell(actual, event);

			if (cell->why != NULL)
				continue;
			check_order(actual, cell);
			if (has(cell, EFFECT_LAUNCH))
				assert_true(actual == ACTUAL_LOCKED && event == EVENT_DIAL &&
					    policy_of(cell) == EFFECT_FLIP_DIALLING);
			/* Names are asked for behind a lock, or through the tunnel. */
			if (has(cell, EFFECT_ASK))
				assert_true(event == EVENT_ASK &&
					    ((actual == ACTUAL_LOCKED && cell->next == ACTUAL_ASKING) ||
					     (actual == ACTUAL_OPEN && cell->next == ACTUAL_OPEN)));
			if (cell->next == ACTUAL_ASKING && actual != ACTUAL_ASKING)
				assert_true(has(cell, EFFECT_ASK));
			if (cell->next == ACTUAL_OPEN && actual != ACTUAL_OPEN)
				assert_true(actual == ACTUAL_DIALLING && event == EVENT_OPEN);
			/* Nothing but root's word lets everything pass. */
			if (cell->next == ACTUAL_PAUSED && actual != ACTUAL_PAUSED)
				assert_int_equal(event, EVENT_PAUSE);
			if (cell->next == ACTUAL_OFF && actual != ACTUAL_OFF)
				assert_true(event == EVENT_OFF || event == EVENT_MARKER);
			if (actual == ACTUAL_PAUSED && policy_of(cell) == EFFECT_LOCK)
				assert_int_equal(cell->effects[1], EFFECT_FORGET_STATES);
		}
	}
}

/* What fails leads to a lock, and a lock that fails to unprotected, from everywhere. */
static void test_failures(void **state)
{
	(void)state;
	assert_int_equal(gate_failure(EFFECT_NONE), GATE_EVENTS);
	for (int actual = 0; actual < GATE_ACTUAL; actual++) {
		for (int effect = EFFECT_LOCK; effect < GATE_EFFECTS; effect++) {
			enum gate_event failure = gate_failure(effect);
			const struct gate_cell *cell;

			if (failure == GATE_EVENTS)
				assert_true(effect == EFFECT_GO_UNPROTECTED ||
					    effect == EFFECT_FORGET_STATES || effect == EFFECT_TERMINATE ||
					    effect == EFFECT_KILL);
			if (failure == GATE_EVENTS ||
			    (effect == EFFECT_LAUNCH && actual != ACTUAL_DIALLING) ||
			    (effect == EFFECT_ASK && actual != ACTUAL_ASKING))
				continue;
			cell = gate_actual_cell(actual, failure);
			assert_null(cell->why);
			assert_int_equal(policy_of(cell),
					 effect == EFFECT_LOCK ? EFFECT_GO_UNPROTECTED : EFFECT_LOCK);
		}
	}
}

static void test_may_dial(void **state)
{
	(void)state;
	for (int desired = 0; desired < GATE_DESIRED; desired++) {
		for (int actual = 0; actual < GATE_ACTUAL; actual++) {
			struct gate_state s = {desired, actual};
			bool dials = gate_refusal(s, EVENT_DIAL) == NULL;

			assert_int_equal(dials, desired == DESIRED_UP && actual == ACTUAL_LOCKED);
			assert_int_equal(gate_may_dial(s),
					 desired == DESIRED_UP && actual != ACTUAL_UNPROTECTED &&
					     actual != ACTUAL_PAUSED && actual != ACTUAL_OFF);
		}
	}
	/* Two arrows that went back: what is leaving is not asked to leave. */
	assert_non_null(gate_actual_cell(ACTUAL_LEAVING, EVENT_LEAVE)->why);
	assert_non_null(gate_actual_cell(ACTUAL_ENDING, EVENT_LEAVE)->why);
}

/* The last word counts, in every state that waits for openvpn's end. */
static void test_root(void **state)
{
	static const enum gate_event words[] = {EVENT_UP, EVENT_DOWN, EVENT_PAUSE, EVENT_OFF};

	(void)state;
	for (int desired = 0; desired < DESIRED_OFF_DOWN; desired++) {
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			struct gate_state s = {desired, ACTUAL_LEAVING};

			assert_null(gate_refusal(s, words[i]));
			s.desired = gate_desired_cell(desired, words[i])->next;
			s.actual = gate_actual_cell(s.actual, EVENT_REAPED)->next;
			assert_int_equal(s.actual, ACTUAL_LOCKED);
			assert_int_equal(gate_awaited(s), i < 2 ? GATE_EVENTS : words[i]);
			/* And what was wanted before a pause is wanted behind it. */
			if (words[i] == EVENT_PAUSE)
				assert_int_equal(gate_desired_cell(s.desired, EVENT_RESUME)->next,
						 desired & 1 ? DESIRED_UP : DESIRED_DOWN);
		}
	}
	assert_int_equal(gate_awaited((struct gate_state){DESIRED_OFF_UP, ACTUAL_OFF}), GATE_EVENTS);
	assert_int_equal(gate_awaited((struct gate_state){DESIRED_PAUSE_UP, ACTUAL_UNPROTECTED}),
			 GATE_EVENTS);
	assert_int_equal(gate_awaited((struct gate_state){DESIRED_OFF_UP, ACTUAL_UNPROTECTED}), EVENT_OFF);
}

/* It does not wait for the resolver: the hole is closed at once, and what was asked for follows. */
static void test_root_while_asking(void **state)
{
	static const enum gate_event words[] = {EVENT_DOWN, EVENT_PAUSE, EVENT_OFF};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const struct gate_cell *cell = gate_actual_cell(ACTUAL_ASKING, words[i]);
		struct gate_state s = {gate_desired_cell(DESIRED_UP, words[i])->next, cell->next};

		assert_int_equal(policy_of(cell), EFFECT_LOCK);
		assert_int_equal(s.actual, ACTUAL_LOCKED);
		assert_int_equal(gate_awaited(s), i == 0 ? GATE_EVENTS : words[i]);
	}
}

/* --- every history: each effect may fail; `policy` is what was verified last */

struct node {
	struct gate_state state;
	enum gate_effect policy;
};

static bool seen[GATE_DESIRED][GATE_ACTUAL][GATE_EFFECTS];
static struct node queue[GATE_DESIRED * GATE_ACTUAL * GATE_EFFECTS];
static size_t reached;

static void reach(struct node node)
{
	/* What is said to stand is what was verified. */
	assert_true(fits(node.policy, node.state.actual));
	if (seen[node.state.desired][node.state.actual][node.policy])
		return;
	seen[node.state.desired][node.state.actual][node.policy] = true;
	queue[reached++] = node;
}

static void follow(struct node from, enum gate_event event)
{
	const struct gate_cell *cell = gate_actual_cell(from.state.actual, event);
	struct node to = from;

	if (gate_refusal(from.state, event) != NULL)
		return;
	to.state.desired = gate_desired_cell(from.state.desired, event)->next;
	if (policy_of(cell) == EFFECT_NONE)
		to.state.actual = cell->next;
	for (size_t i = 0; i < GATE_CELL_EFFECTS; i++) {
		enum gate_effect effect = cell->effects[i];
		enum gate_event failure = gate_failure(effect);

		if (effect == EFFECT_NONE)
			continue;
		if (failure != GATE_EVENTS)
			follow(to, failure);
		if (is_policy(effect)) {
			if (effect == EFFECT_FLIP_DIALLING && cell->next == ACTUAL_DIALLING)
				assert_int_equal(to.policy, EFFECT_LOCK); /* only from behind a lock */
			to.policy = effect;
			to.state.actual = cell->next;
		}
		if (effect == EFFECT_LAUNCH)
			assert_true(to.policy == EFFECT_FLIP_DIALLING && to.state.desired == DESIRED_UP);
	}
	reach(to);
	/* Killed where no lock stood, and not reaped yet. */
	if (to.state.actual == ACTUAL_LOCKED) {
		to.state.actual = ACTUAL_ENDING;
		reach(to);
	}
}

static void test_no_history_dials_without_a_lock(void **state)
{
	static const enum gate_desired first[] = {DESIRED_DOWN, DESIRED_UP};
	bool each[GATE_ACTUAL] = {false};

	(void)state;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		reach((struct node){{first[i], ACTUAL_UNPROTECTED}, EFFECT_GO_UNPROTECTED});
		reach((struct node){{first[i], ACTUAL_LOCKED}, EFFECT_LOCK});
	}
	for (size_t i = 0; i < reached; i++) {
		each[queue[i].state.actual] = true;
		for (int event = 0; event < GATE_EVENTS; event++)
			follow(queue[i], event);
	}
	/* A walk that never got anywhere would prove nothing. */
	for (int actual = 0; actual < GATE_ACTUAL; actual++)
		assert_true(each[actual]);
	/* An attempt is under way only where up was wanted; root may want something else since. */
	assert_true(seen[DESIRED_DOWN][ACTUAL_LEAVING][EFFECT_FLIP_DIALLING]);
	assert_false(seen[DESIRED_DOWN][ACTUAL_DIALLING][EFFECT_FLIP_DIALLING]);
	assert_false(seen[DESIRED_DOWN][ACTUAL_OPEN][EFFECT_FLIP_OPEN]);
	assert_false(seen[DESIRED_PAUSE_UP][ACTUAL_OPEN][EFFECT_FLIP_OPEN]);
	assert_false(seen[DESIRED_OFF_UP][ACTUAL_OPEN][EFFECT_FLIP_OPEN]);
}

static void test_document(void **state)
{
	static char made[64 * 1024], kept[128 * 1024];
	FILE *file = fopen("docs/states.md", "r");
	size_t length = gate_print_states(made, sizeof made), read;

	(void)state;
	assert_true(length > 0 && length < sizeof made - 1);
	if (file == NULL)
		fail_msg("docs/states.md can't be read; run the tests from the top of the tree");
	read = fread(kept, 1, sizeof kept - 1, file);
	fclose(file);
	if (read < length || strcmp(made, kept + read - length) != 0)
		fail_msg("docs/states.md differs from the table; instead: make docs/states.md");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_hole),
	    cmocka_unit_test(test_policy_first),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_may_dial),
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_root_while_asking),
	    cmocka_unit_test(test_no_history_dials_without_a_lock),
	    cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests_name("gate transition", tests, NULL, NULL);
}
