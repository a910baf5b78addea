/* Which nft can read a chain for every link, judged by its version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/firewall/nft/tool.h"

static void test_versions(void **state)
{
	(void)state;
	assert_true(nft_version_reads_every_link("nftables v1.1.6 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v1.1.10 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v1.2 (x)\n"));
	assert_true(nft_version_reads_every_link("nftables v2.0.0\n"));
	assert_false(nft_version_reads_every_link("nftables v1.1.5 (x)\n"));
	assert_false(nft_version_reads_every_link("nftables v1.0.6 (Lester Gooch #5)\n"));
	assert_false(nft_version_reads_every_link("nftables v1.1 (x)\n"));
	assert_false(nft_version_reads_every_link("nftables v0.9.8\n"));
	assert_false(nft_version_reads_every_link("nftables v1\n"));
	assert_false(nft_version_reads_every_link("nftables"));
	assert_false(nft_version_reads_every_link(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
