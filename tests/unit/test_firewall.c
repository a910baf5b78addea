/* The choice of a backend, and what becomes of the rules of the one that was chosen before. */
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

static struct firewall *open_one(unsigned which)
{
	struct one *one = calloc(1, sizeof *one);

	assert_non_null(one);
	one->which = which;
	return &one->common;
}

static struct firewall *open_a(struct err *e)
{
	(void)e;
	return open_one(0);
}

static struct firewall *open_b(struct err *e)
{
	(void)e;
	return open_one(1);
}

static void close_one(struct firewall *fw)
{
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

static const struct firewall_port port_a = {.name = "a",
					    .manual_command = "a -F",
					    .open = open_a,
					    .close = close_one,
					    .assert = assert_one,
					    .remove = remove_one,
					    .blocked = blocked_one};
static const struct firewall_port port_b = {.name = "b",
					    .manual_command = "b flush",
					    .open = open_b,
					    .close = close_one,
					    .assert = assert_one,
					    .remove = remove_one,
					    .blocked = blocked_one};
const struct firewall_port *const firewall_ports[] = {&port_a, &port_b, NULL};

static int begin(void **state)
{
	(void)state;
	memset(kernel, 0, sizeof kernel);
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
}

static void test_removal_is_of_every_backend(void **state)
{
	struct err e = {""};
	struct firewall *fw = firewall_open("b", &e);

	(void)state;
	kernel[0].has_rules = kernel[1].has_rules = true;
	assert_int_equal(firewall_remove(fw, &e), 0);
	assert_false(kernel[0].has_rules || kernel[1].has_rules);
	kernel[0].has_rules = kernel[0].is_broken = true;
	assert_int_equal(firewall_remove(fw, &e), -1);
	assert_string_equal(e.text, "stuck");
	firewall_close(fw);
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
	    cmocka_unit_test_setup(test_start_with_another_backend, begin),
	    cmocka_unit_test_setup(test_start_that_does_not_lock_leaves_the_other_one_alone, begin),
	};

	return cmocka_run_group_tests(tests, leave_the_network, NULL);
}
