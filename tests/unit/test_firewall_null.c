/* A platform without any firewall: nothing can be opened, and there is nothing to remove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "os/firewall/firewall.h"
#include "os/firewall/ports_null.c"

static void test_nothing_is_there(void **state)
{
	char command[] = "what was there";
	struct err e = {""};

	(void)state;
	assert_null(firewall_open("auto", &e));
	assert_string_equal(e.text, "the firewall auto does not exist on this platform; instead: auto");
	e.text[0] = '\0';
	assert_null(firewall_open_standing(&e));
	assert_string_equal(e.text, "the firewall auto does not exist on this platform; instead: auto");
	firewall_manual_command(command, sizeof command);
	assert_string_equal(command, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_there)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
