/* The choice of a backend, and what happens to the rules of the one chosen before. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "gate/gate.h"
#include "os/firewall/describe.h"
#include "os/firewall/ports.h"

/* Two backends that do nothing but tell. */
struct one {
	struct firewall common; /* first */
	unsigned which;
};

static struct {
	bool has_rules, is_broken; /* nothing can be removed or asserted */
} kernel[2];
static char told[256];
static size_t used;

static void tell(const char *what, unsigned which)
{
	(void)text_append(told, sizeof told, &used, "%s %c; ", what, 'a' + (int)which);
}

static int opened[2];

static struct firewall *open_one(unsigned which)
{
	struct one *one = calloc(1, sizeof *one);

	assert_non_null(one);
	one->which = which;
	opened[which]++;
	return &one->common;
}

static bool a_opens = true;

static struct firewall *open_a(struct err *e)
{
	if (!a_opens) {
		err_set(e, "a can't be opened");
		return NULL;
	}
	return open_one(0);
}

static struct firewall *open_b(struct err *e)
{
	(void)e;
	return open_one(1);
}

static void close_one(struct firewall *fw)
{
	opened[((struct one *)fw)->which]--;
	free(fw);
}

static int assert_one(struct firewall *fw, const struct situation *s, struct err *e)
{
	(void)s;
	tell("assert", ((struct one *)fw)->which);
	if (kernel[((struct one *)fw)->which].is_broken)
		return err_set(e, "broken");
	kernel[((struct one *)fw)->which].has_rules = true;
	return 0;
}

static int remove_one(struct firewall *fw, struct err *e)
{
	tell("remove", ((struct one *)fw)->which);
	if (kernel[((struct one *)fw)->which].is_broken)
		return err_set(e, "stuck");
	kernel[((struct one *)fw)->which].has_rules = false;
	return 0;
}

static int blocked_one(struct firewall *fw, uint64_t *packets, struct err *e)
{
	*packets = 0;
	return kernel[((struct one *)fw)->which].has_rules ? 0 : err_set(e, "none");
}

/* The others of b's: each tells what it was given. */
static int result;
static int32_t its_owner;
static const struct situation *its_situation;
static struct event_base *its_base;
static firewall_foreign_cb *its_cb;

static int pause_b(struct firewall *fw, uint32_t seconds, struct err *e)
{
	(void)e;
	assert_int_equal(seconds, 60);
	tell("pause", ((struct one *)fw)->which);
	return result;
}

static int forget_b(struct firewall *fw, struct err *e)
{
	(void)e;
	tell("forget", ((struct one *)fw)->which);
	return result;
}

static int owner_b(struct firewall *fw, int32_t *pid, struct err *e)
{
	(void)e;
	tell("owner", ((struct one *)fw)->which);
	*pid = its_owner;
	return result;
}

static int held_b(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		  struct err *e)
{
	(void)e;
	assert_ptr_equal(s, its_situation);
	assert_int_equal(instance, 4711);
	tell("held", ((struct one *)fw)->which);
	*pid = 815;
	return result;
}

static const char *note_b(const struct firewall *fw)
{
	(void)fw;
	return "a note";
}

static int watch_b(struct firewall *fw, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		   struct err *e)
{
	(void)e;
	assert_true(base == its_base && cb == its_cb && argument == &result);
	tell("watch", ((struct one *)fw)->which);
	return result;
}

static int probe_b(struct firewall *fw, struct firewall_features *features, struct err *e)
{
	tell("probe", ((struct one *)fw)->which);
	*features = (struct firewall_features){
	    .backend = "b", .list = {{"this", true, "x"}, {"that", false, "so"}}, .count = 2};
	return result == 0 ? 0 : err_set(e, "no answer");
}

static const struct firewall_port port_a = {.name = "a",
					    .manual_command = "a -F",
					    .open = open_a,
					    .close = close_one,
					    .assert = assert_one,
					    .remove = remove_one,
					    .owner = owner_b,
					    .blocked = blocked_one};
static const struct firewall_port port_b = {.name = "b",
					    .manual_command = "b flush",
					    .open = open_b,
					    .close = close_one,
					    .assert = assert_one,
					    .remove = remove_one,
					    .blocked = blocked_one,
					    .pause = pause_b,
					    .forget_states = forget_b,
					    .owner = owner_b,
					    .held = held_b,
					    .note = note_b,
					    .watch = watch_b,
					    .probe = probe_b};
const struct firewall_port *const firewall_ports[] = {&port_a, &port_b, NULL};

static int begin(void **state)
{
	(void)state;
	memset(kernel, 0, sizeof kernel);
	memset(opened, 0, sizeof opened);
	a_opens = true;
	result = 0;
	told[0] = '\0';
	used = 0;
	return 0;
}

static void test_choice(void **state)
{
	struct err e = {""};
	char manual_command[64];
	struct firewall *fw;

	(void)state;
	fw = firewall_open("auto", &e);
	assert_int_equal(((struct one *)fw)->which, 0);
	firewall_close(fw);
	fw = firewall_open("b", &e);
	assert_int_equal(((struct one *)fw)->which, 1);
	firewall_close(fw);
	assert_null(firewall_open("nft", &e));
	assert_non_null(strstr(e.text, "instead: auto or a or b"));
	firewall_manual_command(manual_command, sizeof manual_command);
	assert_string_equal(manual_command, "a -F; b flush");
}

static void test_standing(void **state)
{
	struct err e = {""};
	struct firewall *fw;

	(void)state;
	fw = firewall_open_standing(&e);
	assert_int_equal(((struct one *)fw)->which, 0);
	firewall_close(fw);
	kernel[1].has_rules = true;
	fw = firewall_open_standing(&e);
	assert_int_equal(((struct one *)fw)->which, 1);
	firewall_close(fw);
	assert_int_equal(opened[0] + opened[1], 0); /* those that do not stand are closed */
}

static void test_removal_is_of_every_backend(void **state)
{
	struct err e = {""};
	struct firewall *fw = firewall_open("b", &e);

	(void)state;
	kernel[0].has_rules = kernel[1].has_rules = true;
	assert_int_equal(firewall_remove(fw, &e), 0);
	assert_false(kernel[0].has_rules || kernel[1].has_rules);
	assert_int_equal(opened[0], 0);
	kernel[0].has_rules = kernel[0].is_broken = true;
	assert_int_equal(firewall_remove(fw, &e), -1);
	assert_string_equal(e.text, "stuck");
	firewall_close(fw);
}

/* What can't even be opened may hold rules. */
static void test_removal_of_what_can_not_be_opened(void **state)
{
	struct err e = {""};
	struct firewall *fw = firewall_open("b", &e);

	(void)state;
	a_opens = false;
	assert_int_equal(firewall_remove(fw, &e), -1);
	assert_string_equal(e.text, "a can't be opened");
	kernel[1].is_broken = true; /* the first failure is told */
	assert_int_equal(firewall_remove(fw, &e), -1);
	assert_string_equal(e.text, "stuck");
	firewall_close(fw);
	assert_null(firewall_open("a", &e));
	assert_null(firewall_open("auto", &e));
	kernel[1].has_rules = true;
	fw = firewall_open_standing(&e);
	assert_int_equal(((struct one *)fw)->which, 1);
	firewall_close(fw);
	firewall_close(NULL);
	assert_int_equal(opened[0] + opened[1], 0);
}

static void test_each_call_is_passed_on(void **state)
{
	struct situation s = {.link_count = 1};
	struct firewall_features features;
	struct err e = {""};
	struct firewall *fw = firewall_open("b", &e);
	uint64_t packets;
	int32_t pid = 0;

	(void)state;
	its_situation = &s;
	its_base = (struct event_base *)&s;
	its_cb = (firewall_foreign_cb *)(void (*)(void))test_standing;
	its_owner = 99;
	for (result = 0; result >= -1; result--) {
		told[0] = '\0';
		used = 0;
		kernel[1].is_broken = result == -1;
		kernel[1].has_rules = result == 0;
		assert_int_equal(firewall_assert(fw, &s, &e), result);
		assert_int_equal(firewall_pause(fw, 60, &e), result);
		assert_int_equal(firewall_forget_states(fw, &e), result);
		assert_int_equal(firewall_owner(fw, &pid, &e), result);
		assert_int_equal(pid, 99);
		assert_int_equal(firewall_held(fw, &s, 4711, &pid, &e), result);
		assert_int_equal(pid, 815);
		assert_int_equal(firewall_watch(fw, its_base, its_cb, &result, &e), result);
		assert_int_equal(firewall_probe(fw, &features, &e), result);
		assert_int_equal(firewall_blocked(fw, &packets, &e), result);
		assert_string_equal(told, "assert b; pause b; forget b; owner b; held b; watch b; probe b; ");
	}
	assert_string_equal(firewall_note(fw), "a note");
	firewall_close(fw);
}

/* A backend that knows no more than whose its rules are. */
static void test_what_a_backend_has_not(void **state)
{
	struct err e = {""};
	struct firewall *fw = firewall_open("a", &e);
	int32_t pid = 0;

	(void)state;
	assert_string_equal(firewall_note(fw), "");
	its_owner = 99;
	assert_int_equal(firewall_held(fw, NULL, 4711, &pid, &e), 0);
	assert_int_equal(pid, 99);
	its_owner = FIREWALL_UNNAMED; /* the lock's own file says who */
	assert_int_equal(firewall_held(fw, NULL, 4711, &pid, &e), 0);
	assert_int_equal(pid, 4711);
	result = -1;
	assert_int_equal(firewall_held(fw, NULL, 4711, &pid, &e), -1);
	firewall_close(fw);
}

static void test_description(void **state)
{
	static const char *const wanted[] = {"firewall: b\n  this: yes\n  that: no: so\n",
					     "firewall: can't be queried: no answer\n"};
	char text[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		FILE *to = fmemopen(text, sizeof text, "w");

		result = -i;
		firewall_describe("b", to);
		fclose(to);
		assert_string_equal(text, wanted[i]);
		assert_int_equal(opened[1], 0);
	}
	a_opens = false;
	{
		FILE *to = fmemopen(text, sizeof text, "w");

		firewall_describe("a", to);
		fclose(to);
		assert_string_equal(text, "firewall: can't be queried: a can't be opened\n");
	}
}

static void nothing(struct gate *gate, enum wire_note note, const char *why)
{
	(void)gate, (void)note, (void)why;
}

/* The other one shuts until this one does: no moment is open in between. */
static void test_start_with_another_backend(void **state)
{
	struct gate gate = {.changed = nothing};
	struct err e = {""};

	(void)state;
	kernel[0].has_rules = true;
	(void)text_copy(gate.config.backend, sizeof gate.config.backend, "b");
	assert_int_equal(gate_start(&gate, &e), 0);
	assert_string_equal(told, "assert b; remove a; ");
	assert_true(kernel[1].has_rules && !kernel[0].has_rules);
	firewall_close(gate.fw);
}

static void test_start_that_does_not_lock_leaves_the_other_one_alone(void **state)
{
	struct gate gate = {.changed = nothing};
	struct err e = {""};

	(void)state;
	kernel[0].has_rules = kernel[1].is_broken = true;
	(void)text_copy(gate.config.backend, sizeof gate.config.backend, "b");
	assert_int_equal(gate_start(&gate, &e), -1);
	assert_string_equal(told, "assert b; assert b; "); /* the second one bare */
	assert_true(kernel[0].has_rules);
	firewall_close(gate.fw);
}

/* The gate's routes are real: not in this machine's network. Without root they can't be set at all. */
static int leave_the_network(void **state)
{
	(void)state;
	return geteuid() == 0 ? unshare(CLONE_NEWNET) : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_choice, begin),
	    cmocka_unit_test_setup(test_standing, begin),
	    cmocka_unit_test_setup(test_removal_is_of_every_backend, begin),
	    cmocka_unit_test_setup(test_removal_of_what_can_not_be_opened, begin),
	    cmocka_unit_test_setup(test_each_call_is_passed_on, begin),
	    cmocka_unit_test_setup(test_what_a_backend_has_not, begin),
	    cmocka_unit_test_setup(test_description, begin),
	    cmocka_unit_test_setup(test_start_with_another_backend, begin),
	    cmocka_unit_test_setup(test_start_that_does_not_lock_leaves_the_other_one_alone, begin),
	};

	return cmocka_run_group_tests(tests, leave_the_network, NULL);
}
