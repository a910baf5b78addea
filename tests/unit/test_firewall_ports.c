/* Every backend of the firewall port fills every member but those that firewall/ports.h lets be NULL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "os/firewall/ipfw/ipfw.h"

/* FreeBSD's kernel is not here. */
int ipfw_kernel_state(void)
{
	return -1;
}

static const struct firewall_port *const ports[] = {&firewall_nft, &firewall_pf, &firewall_ipfw};

/* All members are pointers: one more is seen here without being named. */
_Static_assert(sizeof(struct firewall_port) % sizeof(void *) == 0, "a member that is no pointer");

static bool may_be_null(size_t member)
{
	return member == offsetof(struct firewall_port, timer) / sizeof(void *) ||
	       member == offsetof(struct firewall_port, held) / sizeof(void *) ||
	       member == offsetof(struct firewall_port, note) / sizeof(void *);
}

static void test_every_member(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		void *members[sizeof(struct firewall_port) / sizeof(void *)];

		memcpy(members, ports[i], sizeof members);
		for (size_t member = 0; member < sizeof members / sizeof members[0]; member++)
			if (members[member] == NULL && !may_be_null(member))
				fail_msg("%s: member %zu is not there", ports[i]->name, member);
	}
}

/* What `off --offline` prints if the rules must be removed manually. */
static void test_manual_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		assert_non_null(
		    strstr(ports[i]->manual_command, ports[i] == &firewall_pf ? "pfctl" : ports[i]->name));
		assert_null(strchr(ports[i]->manual_command, '\n'));
	}
	assert_non_null(strstr(firewall_pf.manual_command, "org.portcullis -F all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_member),
					   cmocka_unit_test(test_manual_command)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
