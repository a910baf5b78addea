/* What a kernel's nftables has, as it answers to each question: what it is asked, and what is made of each
 * answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "journal.h"
#include "os/firewall/nft/nft.h"
#include "os/firewall/nft/tool.h"

static struct nft_firewall fw;
static uint8_t bytes[64 * 1024];
static int answers[40]; /* the kernel's, one after the other */
static unsigned asked;
static bool tool_reads;
static struct err e;

void nft_batch_begin(struct nft_firewall *unused, bool at_generation)
{
	(void)unused;
	assert_false(at_generation);
	nft_buffer_empty(&fw.batch);
}

/* A table and a chain in it: family, the table's flags, hook and device. */
int nft_batch_send(struct nft_firewall *unused, bool commit)
{
	const struct nlmsghdr *table = (const void *)bytes, *chain;
	const struct nlattr *device, *hook;
	int left = (int)fw.batch.used;

	(void)unused;
	assert_false(commit); /* nothing stays */
	chain = mnl_nlmsg_next(table, &left);
	assert_true(mnl_nlmsg_ok(chain, left) && left == (int)NLMSG_ALIGN(chain->nlmsg_len));
	assert_string_equal(nft_text(table, NFTA_TABLE_NAME), "portcullis_probe"); /* none of ours */
	assert_string_equal(nft_text(chain, NFTA_CHAIN_TABLE), "portcullis_probe");
	assert_string_equal(nft_text(chain, NFTA_CHAIN_NAME), "probe");
	assert_string_equal(nft_text(chain, NFTA_CHAIN_TYPE), "filter");
	assert_true(nft_type(table) == NFT_MSG_NEWTABLE && nft_type(chain) == NFT_MSG_NEWCHAIN);
	hook = attributes_find(nft_attributes(chain), NFTA_CHAIN_HOOK);
	device = attributes_find(attributes_inside(hook), NFTA_HOOK_DEV);
	say("%u/%u %x %u %s", nft_family_of(table), nft_family_of(chain),
	    nft_number(nft_attributes(table), NFTA_TABLE_FLAGS),
	    nft_number(attributes_inside(hook), NFTA_HOOK_HOOKNUM),
	    device != NULL                                                     ? mnl_attr_get_str(device)
	    : attributes_find(attributes_inside(hook), NFTA_HOOK_DEVS) != NULL ? "every link"
									       : "-");
	return answers[asked++];
}

bool nft_tool_reads_every_link(void)
{
	say("nft?");
	return tool_reads;
}

static int begin(void **state)
{
	(void)state;
	memset(&fw, 0, sizeof fw);
	memset(answers, 0, sizeof answers);
	fw.batch = (struct nft_buffer){.bytes = bytes, .size = sizeof bytes};
	fw.desired.features.name = 2;
	asked = 0;
	tool_reads = true;
	journal[0] = e.text[0] = '\0';
	return 0;
}

static void assert_features(bool egress, bool persist, bool ipv6, bool bridge, bool every_link)
{
	assert_int_equal(fw.desired.features.egress, egress);
	assert_int_equal(fw.desired.features.persist, persist);
	assert_int_equal(fw.desired.features.ipv6, ipv6);
	assert_int_equal(fw.desired.features.bridge, bridge);
	assert_int_equal(fw.desired.features.every_link, every_link);
	assert_int_equal(fw.desired.features.name, 2);
}

#define THE_REST "5/5 0 1 lo\n7/7 0 2 -\n"

static void test_what_it_has(void **state)
{
	(void)state;
	assert_int_equal(nft_probe_features(&fw, &e), 0);
	assert_true(fw.probed);
	assert_string_equal(journal, "1/1 0 3 -\n1/1 6 3 -\n" THE_REST);
	assert_features(true, true, true, true, false);
	for (unsigned lacks = 0; lacks < 4; lacks++) {
		begin(NULL);
		answers[lacks] = -EOPNOTSUPP;
		fw.desired.features.every_link = true;
		assert_int_equal(nft_probe_features(&fw, &e), 0);
		assert_string_equal(journal, lacks == 0 ? "1/1 0 3 -\n2/2 6 3 -\n" THE_REST
							: "1/1 0 3 -\n1/1 6 3 -\n" THE_REST);
		assert_features(lacks != 2, lacks != 1, lacks != 0, lacks != 3, lacks != 2);
	}
}

static void test_answers(void **state)
{
	static const int none[] = {EOPNOTSUPP, EINVAL, ENOENT, EAFNOSUPPORT, EPROTONOSUPPORT},
			 passing[] = {EINTR, EBUSY, EPROTO};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		begin(NULL);
		answers[0] = -none[i];
		assert_int_equal(nft_probe_unknown_link(&fw), 0);
		assert_int_equal(asked, 1);
		assert_string_equal(journal, "5/5 0 1 portcullis/none\n");
		assert_int_equal(nft_probe_unknown_link(&fw), 1);
	}
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		for (unsigned times = 11; times <= 12; times++) { /* asked again, and not for ever */
			begin(NULL);
			for (unsigned k = 0; k < times; k++)
				answers[k] = -passing[i];
			assert_int_equal(nft_probe_unknown_link(&fw), times == 11 ? 1 : -1);
			assert_int_equal(asked, 12);
		}
	begin(NULL);
	answers[0] = -EPERM;
	assert_int_equal(nft_probe_unknown_link(&fw), -1);
	assert_int_equal(asked, 1);
}

/* Where one does not answer, nothing is known of any. */
static void test_no_answer(void **state)
{
	(void)state;
	for (unsigned silent = 0; silent < 4; silent++)
		for (int refused = 0; refused < 2; refused++) {
			begin(NULL);
			fw.desired.features.egress = true;
			for (unsigned k = 0; k < (refused ? 1 : 12); k++)
				answers[silent + k] = refused ? -EPERM : -EINTR;
			assert_int_equal(nft_probe_features(&fw, &e), -1);
			assert_string_equal(e.text, refused ? "the kernel's nftables: only root may"
							    : "the kernel's nftables does not answer");
			assert_false(fw.probed);
			assert_features(true, false, false, false, false);
		}
}

/* Asked once, and only where this machine's nft could read it. */
static void test_every_link(void **state)
{
	static const struct {
		bool tool;
		int answer;
		bool has;
		const char *asked;
	} rows[] = {{true, 0, true, "nft?\n5/5 0 1 every link\n"},
		    {true, -EINVAL, false, "nft?\n5/5 0 1 every link\n"},
		    {true, -EPERM, false, "nft?\n5/5 0 1 every link\n"},
		    {false, 0, false, "nft?\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(NULL);
		tool_reads = rows[i].tool;
		answers[0] = rows[i].answer;
		for (int again = 0; again < 2; again++) {
			nft_probe_every_link(&fw);
			assert_true(fw.probed_every_link);
			assert_int_equal(fw.desired.features.every_link, rows[i].has);
			assert_string_equal(journal, rows[i].asked);
		}
	}
}

static void test_as_told(void **state)
{
	struct firewall_features features;

	(void)state;
	for (unsigned lacks = 0; lacks <= 4; lacks++) {
		static const unsigned places[] = {2, 1, 0, 3}; /* in the list, of each question */

		begin(NULL);
		memset(&features, 0xff, sizeof features);
		answers[lacks] = -EOPNOTSUPP;
		assert_int_equal(nft_probe(&fw.common, &features, &e), 0);
		assert_string_equal(features.backend, "nft");
		assert_int_equal(features.count, 4);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(features.list[k].has, lacks == 4 || places[lacks] != k);
	}
	assert_string_equal(features.list[0].what, "egress hook");
	assert_string_equal(features.list[1].what, "owned and persistent rules");
	assert_string_equal(features.list[2].what, "IPv6");
	assert_string_equal(features.list[3].what, "bridges");
	for (unsigned k = 0; k < 4; k++)
		assert_true(strlen(features.list[k].lacking) > 10);
	begin(NULL);
	answers[0] = -EPERM;
	assert_int_equal(nft_probe(&fw.common, &features, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_what_it_has, begin), cmocka_unit_test_setup(test_answers, begin),
	    cmocka_unit_test_setup(test_no_answer, begin),   cmocka_unit_test_setup(test_every_link, begin),
	    cmocka_unit_test_setup(test_as_told, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
