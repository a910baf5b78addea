/* Which nft can read a chain for every link, judged by its version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "os/firewall/nft/tool.h"
#include "os/process/tool.h"

static const char *found, *said; /* NULL: it fails */
static int milliseconds;

int tool_find(const char *name, char *path)
{
	assert_string_equal(name, "nft");
	if (found != NULL)
		snprintf(path, TOOL_PATH_SIZE, "%s", found);
	return found == NULL ? -1 : 0;
}

int tool_output(const char *const *argv, const char *input, int wait, char *output, size_t size,
		struct err *e)
{
	assert_string_equal(argv[0], "/usr/sbin/nft");
	assert_string_equal(argv[1], "--version");
	assert_true(argv[2] == NULL && input == NULL && e == NULL);
	milliseconds = wait;
	snprintf(output, size, "%s", said == NULL ? "nftables v1.1.6" : said);
	return said == NULL ? -1 : 0;
}

static void test_versions(void **state)
{
	(void)state;
	assert_true(nft_version_reads_every_link("nftables v1.1.6"));
	assert_true(nft_version_reads_every_link("nftables v1.1.6 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v1.1.10 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v1.2 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v2.0.0\n"));
	assert_false(nft_version_reads_every_link("nftables v1.1.5 (x)\n"));
	assert_false(nft_version_reads_every_link("nftables v1.0.6 (Lester Gooch #5)\n"));
	assert_false(nft_version_reads_every_link("nftables v1.1 (x)\n"));
	assert_false(nft_version_reads_every_link("nftables v0.9.8\n"));
	assert_false(nft_version_reads_every_link("nftables v1\n"));
	assert_false(nft_version_reads_every_link("nftables v2\n")); /* not one of theirs */
	assert_false(nft_version_reads_every_link("nftables"));
	assert_false(nft_version_reads_every_link(""));
}

static void test_the_tool(void **state)
{
	(void)state;
	assert_false(nft_tool_reads_every_link());
	assert_int_equal(milliseconds, 0);
	found = "/usr/sbin/nft";
	assert_false(nft_tool_reads_every_link());
	assert_int_equal(milliseconds, 1000); /* it holds the daemon's start */
	said = "nftables v1.1.5 (x)\n";
	assert_false(nft_tool_reads_every_link());
	said = "nftables v1.1.6 (Lester Gooch with a name that is as long as the longest of its versions)\n";
	assert_true(nft_tool_reads_every_link());
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_the_tool)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
