/* Reading the kernel's nftables: what it is asked, in which order, and what is made of each answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "golden.h"
#include "journal.h"
#include "os/firewall/nft/nft.h"
#include "policy_cases.h"

enum { OURS = 4711, OWNED = NFT_TABLE_F_OWNER | NFT_PERSIST, ROOM = 1024 * 1024 };

static struct nft_firewall fw;
static struct netlink *const socket_of_kernel = (void *)&fw;
static _Alignas(8) uint8_t rooms[3][ROOM];
static struct nft_elements sets[NFT_SETS]; /* that the kernel holds */
static bool tables[NFT_TABLES];
static const char *missing; /* an object */
static uint16_t moment;     /* the generation that its answers are of */
static uint64_t blocked[NFT_TABLES];
static unsigned outlives; /* a member its time, by so many ms */
static bool says_nothing; /* a counter without a number */
static unsigned asked, fail_at;
static int failure;
static struct situation s;
static struct err e;

/* --- the kernel ------------------------------------------------------------------- */

static unsigned table_of(uint8_t family)
{
	return family == NFPROTO_NETDEV ? NFT_NETDEV : family == NFPROTO_BRIDGE ? NFT_BRIDGE : NFT_INET;
}

static void tell_table(uint8_t family, netlink_message_fn *each, void *argument)
{
	struct nft_buffer b = {.bytes = rooms[2], .size = ROOM};
	struct nlmsghdr *m = nft_message(&b, NFT_MSG_NEWTABLE, 0, family);

	nft_put_be32(m, NFTA_TABLE_FLAGS, OWNED);
	nft_put_be32(m, NFTA_TABLE_OWNER, OURS);
	each(m, argument);
}

static void tell_objects(uint16_t type, uint8_t family, netlink_message_fn *each, void *argument)
{
	for (size_t i = 0; i < fw.desired.count; i++) {
		const struct nlmsghdr *m = nft_piece_message(&fw.desired, &fw.desired.pieces[i]);

		if (nft_type(m) == type && nft_family_of(m) == family &&
		    (missing == NULL || strcmp(nft_text(m, nft_name_type(m)), missing) != 0))
			each(m, argument);
	}
}

static void tell_members(const struct nlmsghdr *question, netlink_message_fn *each, void *argument)
{
	struct nft_buffer b = {.bytes = rooms[2], .size = ROOM};
	unsigned set = 0;

	while (strcmp(nft_sets[set].name, nft_text(question, NFTA_SET_ELEM_LIST_SET)) != 0 ||
	       nft_sets[set].table != table_of(nft_family_of(question)))
		set++;
	nft_put_members(&b, &fw.desired.features, set, &sets[set], false, nft_sets[set].timeout + outlives);
	if (b.used == 0)
		return;
	((struct nfgenmsg *)mnl_nlmsg_get_payload((void *)b.bytes))->res_id = htons(moment);
	each((void *)b.bytes, argument);
}

static void tell_counter(uint8_t family, netlink_message_fn *each, void *argument)
{
	struct nft_buffer b = {.bytes = rooms[2], .size = ROOM};
	struct nlmsghdr *m = nft_message(&b, NFT_MSG_NEWOBJ, 0, family);
	struct nlattr *data;

	if (!says_nothing) {
		data = nft_nest_begin(m, NFTA_OBJ_DATA);
		nft_put_be64(m, NFTA_COUNTER_PACKETS, blocked[table_of(family)]);
		nft_nest_end(m, data);
	}
	each(m, argument);
}

static void tell_generation(netlink_message_fn *each, void *argument)
{
	struct nft_buffer b = {.bytes = rooms[2], .size = ROOM};
	struct nlmsghdr *m = nft_message(&b, NFT_MSG_NEWGEN, 0, AF_UNSPEC);

	nft_put_be32(m, NFTA_GEN_ID, 0x01020304);
	each(m, argument);
}

int netlink_request(struct netlink *n, struct nlmsghdr *question, netlink_message_fn *each, void *argument)
{
	uint16_t type = nft_type(question);
	uint8_t family = nft_family_of(question);

	assert_ptr_equal(n, socket_of_kernel);
	assert_ptr_equal(question, fw.request);
	say("%u flags %x family %u \"%s\" \"%s\"", type, question->nlmsg_flags, family,
	    nft_text(question, NFTA_TABLE_NAME),
	    type == NFT_MSG_GETTABLE ? "" : nft_text(question, NFTA_SET_NAME));
	if (++asked == fail_at)
		return failure;
	if (type == NFT_MSG_GETGEN) {
		tell_generation(each, argument);
	} else if (type == NFT_MSG_GETTABLE && tables[table_of(family)]) {
		tell_table(family, each, argument);
	} else if (type == NFT_MSG_GETTABLE) {
		return -ENOENT;
	} else if (type == NFT_MSG_GETSETELEM) {
		tell_members(question, each, argument);
	} else if (type == NFT_MSG_GETOBJ && !(question->nlmsg_flags & NLM_F_DUMP)) {
		assert_int_equal(nft_number(nft_attributes(question), NFTA_OBJ_TYPE), NFT_OBJECT_COUNTER);
		tell_counter(family, each, argument);
	} else {
		tell_objects((uint16_t)(type - NFT_MSG_GETTABLE + NFT_MSG_NEWTABLE), family, each, argument);
	}
	return 0;
}

/* --- the world -------------------------------------------------------------------- */

static void desire(const char *name, struct nft_features features)
{
	s = situation_named(name);
	fw.desired.features = features;
	fw.desired.standing = 0;
	assert_int_equal(nft_desired_rules(&fw.desired, &s, &e), 1);
	nft_desired_members(&fw.desired, &s);
	memcpy(sets, fw.desired.members, sizeof sets);
	memcpy(fw.held, fw.desired.members, sizeof fw.held);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		tables[i] = nft_is_used(&fw.desired, i);
}

static int begin(void **state)
{
	(void)state;
	memset(&fw, 0, sizeof fw);
	fw.netlink = socket_of_kernel;
	fw.desired.owner = OURS;
	fw.desired.messages = (struct nft_buffer){.bytes = rooms[0], .size = ROOM};
	fw.actual.removals = (struct nft_buffer){.bytes = rooms[1], .size = ROOM};
	missing = NULL;
	says_nothing = false;
	outlives = 0;
	asked = fail_at = 0;
	moment = 7;
	journal[0] = '\0';
	desire("open-gateway-lan", (struct nft_features){true, true, true, true, false, 1});
	return 0;
}

static void let_fail(unsigned at, int result)
{
	asked = 0;
	fail_at = at;
	failure = result;
}

static unsigned set_named(const char *name, unsigned table)
{
	unsigned set = 0;

	while (strcmp(nft_sets[set].name, name) != 0 || nft_sets[set].table != table)
		set++;
	return set;
}

static void assert_journal(const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "tests/golden/calls/nft_%s.txt", name);
	assert_golden(path, journal);
}

/* --- the tests -------------------------------------------------------------------- */

static void test_the_generation(void **state)
{
	uint32_t generation = 0;

	(void)state;
	assert_int_equal(nft_read_generation(&fw, &generation), 0);
	assert_int_equal(generation, 0x01020304);
	assert_string_equal(journal, "16 flags 1 family 0 \"\" \"\"\n");
	let_fail(1, -EIO);
	assert_int_equal(nft_read_generation(&fw, &generation), -EIO);
}

static void test_tables(void **state)
{
	static const int none[] = {-ENOENT, -EOPNOTSUPP, -EAFNOSUPPORT, -EINVAL};

	(void)state;
	fw.actual.table[NFT_INET].differs = true;
	assert_int_equal(nft_read_tables(&fw), 0);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		assert_true(fw.actual.table[i].exists && !fw.actual.table[i].differs);
		assert_true(fw.actual.table[i].flags == OWNED && fw.actual.table[i].owner == OURS);
	}
	for (unsigned at = 1; at <= 3; at++) {
		for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
			let_fail(at, none[i]);
			assert_int_equal(nft_read_tables(&fw), 0);
			assert_int_equal(asked, 3);
			for (unsigned k = 0; k < NFT_TABLES; k++)
				assert_int_equal(fw.actual.table[k].exists, k != at - 1);
		}
		let_fail(at, -EIO);
		assert_int_equal(nft_read_tables(&fw), -EIO);
		assert_int_equal(asked, at);
	}
}

static bool differs(void)
{
	nft_buffer_empty(&fw.batch);
	fw.batch = (struct nft_buffer){.bytes = rooms[2], .size = ROOM};
	return nft_put_repairs(&fw.batch, &fw.desired, &fw.actual);
}

/* Each failure is told, and ends it; but that a table is not there. */
static void test_all(void **state)
{
	unsigned all;

	(void)state;
	assert_int_equal(nft_read_all(&fw), 0);
	assert_false(differs());
	all = asked;
	assert_journal("read_all");
	for (unsigned at = 1; at <= all; at++) {
		let_fail(at, -EIO);
		assert_int_equal(nft_read_all(&fw), -EIO);
		assert_int_equal(asked, at);
		assert_string_equal(fw.actual.difference, ""); /* nothing is made of half an answer */
	}
	let_fail(0, 0);
	tables[NFT_NETDEV] = false;
	journal[0] = '\0';
	assert_int_equal(nft_read_all(&fw), 0);
	assert_true(differs());
	assert_true(fw.actual.table[NFT_NETDEV].differs && !fw.actual.table[NFT_INET].differs);
	assert_null(strstr(strstr(journal, "flags 301"), "family 5"));
}

/* A table of which something is missing is filled anew; sets are read only where the rest is right. */
static void test_objects(void **state)
{
	static const char *const objects[] = {"blocked", "out", "lan4", "stop"};

	(void)state;
	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		missing = objects[i];
		journal[0] = '\0';
		assert_int_equal(nft_read_all(&fw), 0);
		assert_true(fw.actual.table[NFT_INET].differs);
		assert_int_equal(fw.actual.table[NFT_NETDEV].differs, i == 0);
		assert_null(strstr(journal, "\"clients4\""));
		assert_int_equal(strstr(journal, "\"dhcp_servers4\"") == NULL, i == 0);
		for (unsigned set = 0; set < NFT_SETS; set++)
			if (nft_sets[set].table == NFT_INET)
				assert_true(fw.actual.set_differs[set]);
	}
}

static void test_sets(void **state)
{
	unsigned lan = set_named("lan4", NFT_INET), users = set_named("dhcp_users", NFT_NETDEV);

	(void)state;
	assert_int_equal(nft_read_all(&fw), 0);
	for (unsigned i = 0; i < NFT_SETS; i++)
		assert_int_equal(fw.actual.set_differs[i], !nft_is_filled(&fw.desired, i));
	sets[lan].list[0].key[0] ^= 1;
	sets[users].count = 0;
	assert_int_equal(nft_read_all(&fw), 0);
	for (unsigned i = 0; i < NFT_SETS; i++)
		assert_int_equal(fw.actual.set_differs[i],
				 i == lan || i == users || !nft_is_filled(&fw.desired, i));
	assert_true(differs());
}

/* One with a time may have gone: whether it was there is what we have written. */
static void test_sets_with_a_time(void **state)
{
	unsigned resolver = set_named("resolver4", NFT_INET);

	(void)state;
	desire("dialling-resolver", fw.desired.features);
	assert_int_equal(fw.desired.members[resolver].count, 1);
	for (unsigned i = 0; i < 4; i++) {
		sets[resolver].count = i % 2;
		fw.held[resolver].count = i / 2;
		assert_int_equal(nft_read_all(&fw), 0);
		assert_int_equal(fw.actual.set_differs[resolver], i / 2 == 0);
	}
	desire("dialling-udp4", fw.desired.features);
	assert_int_equal(nft_read_all(&fw), 0);
	assert_false(fw.actual.set_differs[resolver]);
	fw.held[set_named("lan4", NFT_INET)].count++; /* of one without, what it is counts */
	assert_int_equal(nft_read_all(&fw), 0);
	assert_false(fw.actual.set_differs[set_named("lan4", NFT_INET)]);
}

static void test_a_set_at_a_moment(void **state)
{
	unsigned lan = set_named("lan4", NFT_INET);

	(void)state;
	assert_true(sets[lan].count > 0);
	fw.read.count = 5;
	assert_int_equal(nft_read_set(&fw, lan, 0), 0);
	assert_int_equal(fw.read.count, sets[lan].count);
	assert_int_equal(nft_read_set(&fw, lan, 7), 0);
	assert_int_equal(nft_read_set(&fw, lan, 0x10007), 0); /* the kernel tells the lower half */
	assert_int_equal(nft_read_set(&fw, lan, 8), -EINTR);
	moment = 0;
	assert_int_equal(nft_read_set(&fw, lan, 0), 0);
	moment = 7;
	sets[lan].list[0].key[0] ^= 1;
	assert_int_equal(nft_read_set(&fw, lan, 7), 1);
	assert_int_equal(nft_read_set(&fw, lan, 8), -EINTR);
	sets[lan].count = 0;
	assert_int_equal(nft_read_set(&fw, lan, 7), 1);
	let_fail(1, -EIO);
	assert_int_equal(nft_read_set(&fw, lan, 7), -EIO);
	/* What is no member of ours, though it has all of them. */
	desire("dialling-resolver", fw.desired.features);
	lan = set_named("resolver4", NFT_INET);
	sets[lan].count = 0;
	assert_int_equal(nft_read_set(&fw, lan, 7), 0);
	sets[lan].count = 1;
	assert_int_equal(nft_read_set(&fw, lan, 7), 0);
	outlives = 1; /* longer than any of ours may */
	assert_int_equal(nft_read_set(&fw, lan, 7), 1);
	outlives = 0;
	sets[lan].list[0].end = true;
	assert_int_equal(nft_read_set(&fw, lan, 7), 1);
}

static void test_counters(void **state)
{
	uint64_t packets = 99;

	(void)state;
	blocked[NFT_INET] = 0x100000005;
	blocked[NFT_NETDEV] = 3;
	blocked[NFT_BRIDGE] = 1000;
	assert_int_equal(nft_read_blocked(&fw, &packets), 0);
	assert_int_equal(packets, 0x100000008);
	assert_string_equal(journal, "19 flags 1 family 1 \"portcullis_second\" \"blocked\"\n"
				     "19 flags 1 family 5 \"portcullis_second\" \"blocked\"\n");
	for (unsigned at = 1; at <= 2; at++) {
		let_fail(at, -EIO);
		assert_int_equal(nft_read_blocked(&fw, &packets), -EIO);
		assert_int_equal(asked, at);
	}
	let_fail(0, 0);
	fw.desired.features.egress = false;
	assert_int_equal(nft_read_blocked(&fw, &packets), 0);
	assert_int_equal(packets, 0x100000005);
	says_nothing = true;
	assert_int_equal(nft_read_blocked(&fw, &packets), 0);
	assert_int_equal(packets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_the_generation, begin),
	    cmocka_unit_test_setup(test_tables, begin),
	    cmocka_unit_test_setup(test_all, begin),
	    cmocka_unit_test_setup(test_objects, begin),
	    cmocka_unit_test_setup(test_sets, begin),
	    cmocka_unit_test_setup(test_sets_with_a_time, begin),
	    cmocka_unit_test_setup(test_a_set_at_a_moment, begin),
	    cmocka_unit_test_setup(test_counters, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
