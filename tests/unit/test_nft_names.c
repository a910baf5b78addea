/* Under which name our tables stand: what is removed, noted and left alone under each, whoever owns the
 * tables there; against a golden file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <unistd.h>

#include "between.h"
#include "golden.h"
#include "os/firewall/nft/nft.h"
#include "os/netwatch/linux/netlink_owner.h"
#include "policy_cases.h"
#include "show.h"

enum { US = 77, OTHERS = 815, TEXT = 240 * 1024 };

/* Under each name: - no table, n nobody's, f somebody else's, m one of each, e it can't be read. */
static const char states[] = "-nfme";
static char under[NFT_NAMES];
static char journal[4096], text[TEXT];
static int refused; /* what a batch gives: 0 or a negative errno */
static int unfiltered;
static struct nft_firewall fw;
static uint8_t bytes[64 * 1024], desired_bytes[512 * 1024];
static struct err e;

static int kill_fails; /* an errno: 0 the owner lives */

int kill(pid_t pid, int number)
{
	assert_between(pid, OTHERS, OTHERS + 10 + NFT_NAMES - 1);
	assert_int_equal(number, 0);
	errno = kill_fails;
	return kill_fails == 0 ? 0 : -1;
}

int nft_read_tables(struct nft_firewall *unused)
{
	char state = under[fw.desired.features.name];

	(void)unused;
	show(journal, sizeof journal, " look%u", fw.desired.features.name);
	memset(&fw.actual, 0, sizeof fw.actual);
	if (state == 'e')
		return -EIO;
	for (unsigned i = 0; i < 2 && state != '-'; i++) {
		bool foreign = state == 'f' || (state == 'm' && i == 0);

		fw.actual.table[i].exists = true;
		fw.actual.table[i].flags = foreign ? NFT_TABLE_F_OWNER : 0;
		fw.actual.table[i].owner = foreign ? OTHERS + fw.desired.features.name + 10 * i : 0;
	}
	return 0;
}

void nft_batch_begin(struct nft_firewall *unused, bool at_generation)
{
	(void)unused;
	fw.batch.used = 0;
	show(journal, sizeof journal, at_generation ? " at-generation" : " at-any");
}

int nft_batch_send(struct nft_firewall *unused, bool commit)
{
	const struct nlmsghdr *m = (const void *)bytes;
	int left = (int)fw.batch.used;

	(void)unused;
	assert_true(commit);
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		const char *name = nft_text(m, NFTA_TABLE_NAME);
		unsigned which = 0;

		assert_int_equal(nft_type(m), NFT_MSG_DELTABLE);
		while (strcmp(nft_names[which], name) != 0)
			which++;
		show(journal, sizeof journal, " %sdelete%u/%u", refused == 0 ? "" : "!", which,
		     nft_family_of(m));
		if (refused == 0)
			under[which] = under[which] == 'm' ? 'f' : '-';
	}
	return refused;
}

void nft_batch_counted(struct nft_firewall *unused)
{
	(void)unused;
	show(journal, sizeof journal, " counted");
}

bool nft_is_passing(int result)
{
	return result == -EAGAIN;
}

int nft_explain(struct nft_firewall *unused, int result, struct err *error)
{
	(void)unused;
	return err_set(error, "%s under %u", strerror(-result), fw.desired.features.name);
}

int nft_unfilter_links(struct nft_firewall *unused, bool places)
{
	(void)unused;
	assert_true(places); /* nothing is left after an off */
	show(journal, sizeof journal, " unfilter");
	return unfiltered;
}

static int generation_fails, all_fails;
static unsigned whole_at, looks; /* the lock is whole at the so many-th look; 0: at none */
static bool probe_succeeds;
static int32_t found_owner; /* who has the socket, or is a program like ours */

int nft_read_generation(struct nft_firewall *unused, uint32_t *generation)
{
	(void)unused;
	*generation = 7;
	return generation_fails;
}

int nft_read_all(struct nft_firewall *unused)
{
	(void)unused;
	show(journal, sizeof journal, " all-of-%u", fw.desired.owner);
	assert_true(fw.desired.link_count == 0 && fw.desired.count == fw.desired.standing);
	assert_int_equal(nft_family_of(nft_piece_message(&fw.desired, &fw.desired.pieces[0])),
			 nft_family(&fw.desired.features, NFT_INET));
	assert_true(fw.desired.members[0].count == 0 && fw.desired.members[NFT_PAUSED - 2].count == 1);
	memset(&fw.actual, 0, sizeof fw.actual);
	for (unsigned i = 0; i < 2; i++) {
		fw.actual.table[i].exists = true;
		fw.actual.table[i].flags = fw.desired.owner == 0 ? 0 : NFT_TABLE_F_OWNER | NFT_PERSIST;
		fw.actual.table[i].owner = fw.desired.owner;
	}
	looks++;
	for (size_t i = 0; i < fw.desired.count; i++)
		fw.desired.pieces[i].present = whole_at == looks;
	return all_fails;
}

int nft_probe_features(struct nft_firewall *unused, struct err *error)
{
	(void)unused;
	show(journal, sizeof journal, " probe");
	if (!probe_succeeds)
		return err_set(error, "no probe");
	fw.probed = true;
	fw.desired.features.ipv6 = false;
	return 0;
}

void nft_probe_every_link(struct nft_firewall *unused)
{
	(void)unused;
	show(journal, sizeof journal, " every-link");
}

int32_t netlink_owner(int protocol, uint32_t address, int32_t guess)
{
	assert_int_equal(protocol, NETLINK_NETFILTER);
	show(journal, sizeof journal, " owner-of-%u,%d", address, (int)guess);
	return found_owner;
}

int32_t netlink_is_same_program(int32_t pid)
{
	show(journal, sizeof journal, " same-as-%d", (int)pid);
	return found_owner;
}

static void begin(unsigned name, const char *all)
{
	memset(&fw, 0, sizeof fw);
	memcpy(under, all, NFT_NAMES);
	fw.batch = (struct nft_buffer){.bytes = bytes, .size = sizeof bytes};
	fw.desired.owner = US;
	fw.desired.features.name = (uint8_t)name;
	fw.verified = true;
	strcpy(fw.note, "of before");
	fw.others = true;
	journal[0] = e.text[0] = '\0';
}

static void tidy(unsigned name, const char *all)
{
	bool better;

	begin(name, all);
	better = nft_names_are_better(&fw);
	assert_int_equal(fw.desired.features.name, name);
	journal[0] = '\0';
	nft_tidy_names(&fw);
	assert_int_equal(fw.desired.features.name, name);
	show(text, sizeof text, "%s, ours %u:%s%s%s %s\n", all, name, journal,
	     better ? ", could be better" : "", fw.others ? ", others" : "", fw.note);
}

static void remove_and_own(const char *all)
{
	int result;
	int32_t pid = 99;

	begin(1, all);
	result = nft_remove(&fw.common, &e);
	show(text, sizeof text, "%s, removed:%s = %d %s\n", all, journal, result, e.text);
	assert_true(fw.desired.features.name == 0 && !fw.verified);
	begin(1, all);
	result = nft_owner(&fw.common, &pid, &e);
	show(text, sizeof text, "%s, owner:%s = %d %d %s\n", all, journal, result, (int)pid, e.text);
}

static void test_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5 * 5 * 5; i++) {
		const char all[] = {states[i / 25], states[i / 5 % 5], states[i % 5], '\0'};

		for (unsigned name = 0; name < NFT_NAMES; name++)
			tidy(name, all);
		remove_and_own(all);
	}
	assert_golden("tests/golden/calls/nft_names.txt", text);
}

static void test_refused(void **state)
{
	(void)state;
	begin(1, "n-n");
	refused = -EPERM;
	nft_tidy_names(&fw);
	assert_string_equal(
	    journal, " look0 at-generation !delete0/2 !delete0/5 look2 at-generation !delete2/2 !delete2/5");
	assert_true(fw.others);
	begin(1, "n--");
	assert_int_equal(nft_remove(&fw.common, &e), -1);
	assert_string_equal(e.text, "Operation not permitted under 1");
	refused = -EBUSY;
	begin(1, "m--"); /* what is nobody's could be removed */
	assert_int_equal(nft_remove(&fw.common, &e), -1);
	assert_string_equal(e.text, "Device or resource busy under 1");
	begin(0, "---");
	assert_int_equal(nft_remove(&fw.common, &e), 0);
	assert_false(fw.verified);
	begin(1, "-n-");
	refused = -EAGAIN; /* again, and not for ever */
	assert_int_equal(nft_remove(&fw.common, &e), -1);
	for (int i = 0; i < 12; i++) {
		char *at = strstr(journal, "look1");

		assert_non_null(at);
		*at = 'x';
	}
	assert_null(strstr(journal, "look1"));
	refused = 0;
	begin(1, "-n-");
	unfiltered = -EBUSY; /* the rest is removed all the same */
	assert_int_equal(nft_remove(&fw.common, &e), -1);
	assert_string_equal(e.text, "our traffic-control filters can't be removed: Device or resource busy");
	assert_int_equal(under[1], '-');
	unfiltered = 0;
}

static const struct held_row {
	const char *all;
	int generation, reads;
	int32_t owner;
	unsigned whole_at;
	bool probe, probed;
	int result, pid;
	const char *asked;
} held_rows[] = {
    {"---", -EINVAL, 0, 0, 0, false, false, -1, 0, ""},
    {"---", 0, 0, 5, 1, false, false, 0, 0, " every-link look0 look1 look2"},
    {"-f-", 0, 0, 0, 1, false, false, 0, 0, " every-link look0 look1 owner-of-816,4711 look2"},
    {"--n", 0, 0, 0, 1, false, false, 0, 0, " every-link look0 look1 look2 same-as-4711"},
    {"--n", 0, 0, 5, 1, false, false, 0, 5, " every-link look0 look1 look2 same-as-4711 all-of-0"},
    {"e-n", 0, -EIO, 5, 1, false, false, -1, 0, " every-link look0 look1 look2 same-as-4711 all-of-0"},
    {"f--", 0, -EIO, 5, 1, false, false, -1, 0, " every-link look0 owner-of-815,4711 all-of-815"},
    {"f--", 0, 0, 5, 0, false, false, 0, 0,
     " every-link look0 owner-of-815,4711 all-of-815 probe look1 look2"},
    {"f--", 0, 0, 5, 0, true, false, 0, 0,
     " every-link look0 owner-of-815,4711 all-of-815 probe all-of-815 look1 look2"},
    {"f--", 0, 0, 5, 2, true, false, 0, 5, " every-link look0 owner-of-815,4711 all-of-815 probe all-of-815"},
    {"f--", 0, 0, 5, 0, true, true, 0, 0, " every-link look0 owner-of-815,4711 all-of-815 look1 look2"},
    {"ff-", 0, 0, 5, 1, true, false, 0, 5, " every-link look0 owner-of-815,4711 all-of-815"},
};

static void begin_held(const struct held_row *row)
{
	begin(0, row->all);
	fw.desired.messages = (struct nft_buffer){.bytes = desired_bytes, .size = sizeof desired_bytes};
	fw.desired.features = (struct nft_features){true, true, true, true, false, 0};
	fw.desired.links[0] = (struct nft_link){"en0", 2}; /* of a look of before */
	fw.desired.link_count = 1;
	fw.probed = row->probed;
	generation_fails = row->generation;
	all_fails = row->reads;
	found_owner = row->owner;
	whole_at = row->whole_at;
	probe_succeeds = row->probe;
	looks = 0;
}

/* Who holds a name proves nothing: it must be a program like ours, with a lock that can be read whole. */
static void test_held(void **state)
{
	struct situation locked = situation_named("locked");
	int32_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof held_rows / sizeof held_rows[0]; i++) {
		pid = 99;
		begin_held(&held_rows[i]);
		assert_int_equal(nft_held(&fw.common, &locked, 4711, &pid, &e), held_rows[i].result);
		assert_int_equal(pid, held_rows[i].pid);
		assert_string_equal(journal, held_rows[i].asked);
		assert_int_equal(fw.desired.features.name, 0);
		assert_int_equal(fw.desired.owner, US);
		assert_int_equal(e.text[0] == '\0',
				 held_rows[i].result == 0 && strstr(journal, "probe look") == NULL);
	}
	begin_held(&held_rows[sizeof held_rows / sizeof held_rows[0] - 1]);
	assert_int_equal(nft_desired_rules(&fw.desired, &locked, &e), 1);
	nft_desired_links(&fw.desired); /* links are the holder's own affair */
	assert_true(fw.desired.count > fw.desired.standing);
	assert_int_equal(nft_held(&fw.common, &locked, 4711, &pid, &e), 0);
	assert_int_equal(pid, 5);
	locked.driver_user = (struct identity){.known = false, .name = "nobody_here"};
	begin_held(&held_rows[4]);
	assert_int_equal(nft_held(&fw.common, &locked, 4711, &pid, &e), -1);
	assert_int_equal(pid, 0);
	assert_string_equal(e.text, "user nobody_here is not known on this machine");
}

/* One that may not be signalled lives; one that has ended owns nothing. */
static void test_owner(void **state)
{
	int32_t pid = 99;

	(void)state;
	begin(0, "-f-");
	kill_fails = EPERM;
	assert_int_equal(nft_owner(&fw.common, &pid, &e), 0);
	assert_int_equal(pid, OTHERS + 1);
	assert_string_equal(journal, " look0 look1");
	kill_fails = ESRCH;
	assert_int_equal(nft_owner(&fw.common, &pid, &e), 0);
	assert_int_equal(pid, FIREWALL_UNNAMED);
	kill_fails = 0;
}

static void test_use(void **state)
{
	(void)state;
	begin(1, "---");
	fw.desired.standing = 5;
	nft_use_name(&fw, 1);
	assert_true(fw.verified && fw.desired.standing == 5);
	nft_use_name(&fw, 2);
	assert_true(!fw.verified && fw.desired.standing == 0 && fw.desired.features.name == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_state), cmocka_unit_test(test_refused),
					   cmocka_unit_test(test_held), cmocka_unit_test(test_owner),
					   cmocka_unit_test(test_use)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
