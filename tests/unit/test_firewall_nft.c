/* The nft backend against this kernel, in a network of its own; each conversation with the kernel fails in
 * turn, and in each way: whatever is told as done must stand, whatever does not stand must be told. */
#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* The real conversation has other names here; ours stand in its place. */
#define netlink_request real_ask
#define netlink_send real_send
#define netlink_receive real_hear
#include "between.h"
#include "os/netwatch/linux/netlink.c" /* NOLINT(bugprone-suspicious-include) */
#undef netlink_request
#undef netlink_send
#undef netlink_receive

int netlink_request(struct netlink *n, struct nlmsghdr *question, netlink_message_fn *each, void *argument);
int netlink_send(struct netlink *n, const void *bytes, size_t size);
int netlink_receive(struct netlink *n, netlink_message_fn *each, void *argument);

#include "os/firewall/nft/nft.h"
#include "policy_cases.h"

enum way { REFUSED, LOST, LIED, WAYS };

static unsigned calls, fail_at; /* 0: none fails */
static enum way way;
static uint32_t answer_to; /* a batch that was never sent is told as taken */

static struct nft_firewall *fw, *view; /* ours; and somebody's who only looks */
static struct situation locked, dialling, opened;
static struct err e;

/* --- a kernel that fails --------------------------------------------------------- */

static bool fails(void)
{
	return ++calls == fail_at;
}

int netlink_request(struct netlink *n, struct nlmsghdr *question, netlink_message_fn *each, void *argument)
{
	if (!fails())
		return real_ask(n, question, each, argument);
	return way == REFUSED ? -EIO : way == LOST ? -ENOBUFS : 0;
}

int netlink_send(struct netlink *n, const void *bytes, size_t size)
{
	const struct nlmsghdr *m = bytes;

	if (!fails())
		return real_send(n, bytes, size);
	if (way != LIED)
		return way == REFUSED ? -EIO : -ENOBUFS;
	for (int left = (int)size; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (m->nlmsg_flags & NLM_F_ACK)
			answer_to = m->nlmsg_seq;
	return 0;
}

int netlink_receive(struct netlink *n, netlink_message_fn *each, void *argument)
{
	_Alignas(8) char bytes[NLMSG_HDRLEN + sizeof(struct nlmsgerr)] = {0};
	struct nlmsghdr *m = (void *)bytes;

	if (answer_to == 0)
		return real_hear(n, each, argument);
	m->nlmsg_len = sizeof bytes;
	m->nlmsg_type = NLMSG_ERROR;
	m->nlmsg_seq = answer_to;
	answer_to = 0;
	each(m, argument);
	return 1;
}

static void heal(void)
{
	calls = fail_at = 0;
	answer_to = 0;
}

/* --- a world ------------------------------------------------------------------------ */

static void sh(const char *command)
{
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a line of this file */
}

static int make_network(void **state)
{
	(void)state;
	sh("ip link set lo up && ip link add en0 type veth peer name en1");
	return 0;
}

static int leave_network(void **state)
{
	(void)state;
	if (view != NULL)
		firewall_nft.close(&view->common);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	heal();
	locked = situation_named("locked");
	dialling = situation_named("dialling-resolver");
	opened = situation_named("open");
	opened.tunnel.index = 1;
	fw = nft_of(firewall_nft.open(&e));
	assert_non_null(fw);
	if (view == NULL) /* behind ours, whose address is the process id */
		view = nft_of(firewall_nft.open(&e));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heal();
	if (fw != NULL) {
		assert_int_equal(firewall_nft.remove(&fw->common, &e), 0);
		firewall_nft.close(&fw->common);
	}
	fw = NULL;
	return 0;
}

/* Does the kernel hold exactly that? Asked by somebody who has not written it, and who stays: to close a
 * socket of nftables takes the kernel as long as to forget what a batch has replaced. */
static bool stands(const struct situation *s)
{
	uint32_t owner;
	bool result;

	heal();
	assert_non_null(view);
	view->desired.features = fw->desired.features;
	owner = view->desired.owner;
	view->desired.owner = fw->desired.owner;
	view->desired.standing = 0;
	assert_int_equal(nft_desired_rules(&view->desired, s, &e), 1);
	memcpy(view->desired.links, fw->desired.links, sizeof view->desired.links);
	view->desired.link_count = fw->desired.link_count;
	nft_desired_links(&view->desired);
	nft_desired_members(&view->desired, s);
	memcpy(view->held, view->desired.members, sizeof view->held);
	result = nft_read_all(view) == 0;
	nft_batch_begin(view, true);
	result = result && !nft_put_repairs(&view->batch, &view->desired, &view->actual);
	view->desired.owner = owner;
	return result;
}

static void be(const struct situation *s)
{
	heal();
	if ((firewall_nft.assert)(&fw->common, s, &e) != 0)
		fail_msg("%s", e.text);
}

/* --- each in turn ---------------------------------------------------------------------- */

static void fail_each_call(const struct situation *before, const struct situation *after, bool fresh)
{
	unsigned all;

	be(before);
	assert_true(stands(before));
	fw->verified = !fresh;
	heal();
	assert_int_equal((firewall_nft.assert)(&fw->common, after, &e), 0);
	all = calls;
	assert_true(all >= 2);
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			int result;

			be(before);
			fw->verified = !fresh;
			heal();
			fail_at = i;
			e.text[0] = '\0';
			result = (firewall_nft.assert)(&fw->common, after, &e);
			heal();
			if (result == 0)
				assert_true(stands(after));
			else
				assert_true(!fw->verified && e.text[0] != '\0' &&
					    (stands(before) || stands(after)));
			be(after);
			assert_true(stands(after));
		}
	}
}

static void test_a_flip_is_whole_or_told(void **state)
{
	(void)state;
	fail_each_call(&locked, &dialling, false);
	fail_each_call(&dialling, &opened, false);
	fail_each_call(&opened, &locked, false);
}

static void test_a_whole_look_is_whole_or_told(void **state)
{
	(void)state;
	fail_each_call(&locked, &dialling, true);
}

/* Each way that the first lock fails: nothing stands that is told to. */
static void test_the_first_lock(void **state)
{
	unsigned all;

	(void)state;
	be(&locked);
	all = calls;
	for (unsigned i = 1; i <= all; i += 1 + i / 8) {
		for (way = REFUSED; way < WAYS; way++) {
			assert_int_equal(firewall_nft.remove(&fw->common, &e), 0);
			heal();
			fail_at = i;
			e.text[0] = '\0';
			if ((firewall_nft.assert)(&fw->common, &locked, &e) == 0)
				assert_true(stands(&locked));
			else
				assert_true(!fw->verified && e.text[0] != '\0');
			heal();
		}
	}
}

static void test_the_same_again_is_looked_at(void **state)
{
	uint32_t generation;

	(void)state;
	be(&dialling);
	generation = fw->generation;
	be(&dialling);
	assert_int_equal(fw->generation, generation);
	assert_int_equal(calls, 1); /* one question: has anybody changed anything? */
	assert_true(stands(&dialling));
}

/* Whatever a transaction that is not of a flip takes away: the same state asserted again puts it back. */
static void test_what_is_taken_away_comes_back(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		be(&dialling);
		nft_batch_begin(fw, false);
		if (kind == 0)
			nft_put_table(&fw->batch, &fw->desired, &fw->actual, NFT_INET, NFT_MSG_DELRULE);
		else if (kind == 1)
			nft_put_table(&fw->batch, &fw->desired, &fw->actual, NFT_NETDEV, NFT_MSG_DELRULE);
		else /* an element: the hole for another server too */
			nft_put_members(
			    &fw->batch, &fw->desired.features, 0,
			    &(struct nft_elements){.count = 1, .list = {{.key = {192, 0, 2, 99}}}}, false, 0);
		assert_int_equal(nft_batch_send(fw, true), 0);
		assert_false(stands(&dialling));
		be(&dialling);
		assert_true(stands(&dialling));
	}
}

static void test_a_link_that_comes(void **state)
{
	(void)state;
	be(&locked);
	assert_true(fw->desired.features.every_link || fw->desired.link_count == 2);
	strcpy(locked.links[locked.link_count++], "en2");
	sh("ip link add en2 type veth peer name en3");
	be(&locked);
	assert_true(stands(&locked));
	assert_true(fw->desired.features.every_link ||
		    (fw->desired.link_count == 3 && fw->desired.links[2].index != 0));
	sh("ip link del en2");
	be(&locked);
	assert_true(stands(&locked));
}

/* --- a pause ------------------------------------------------------------------------------ */

static void test_a_pause_stands_or_is_refused(void **state)
{
	unsigned all, filters;
	int result;

	(void)state;
	assert_int_equal(firewall_nft.pause(&fw->common, 60, &e), -1); /* before the gate is shut */
	be(&locked);
	assert_int_equal(firewall_nft.pause(&fw->common, 0, &e), -1);
	assert_int_equal(firewall_nft.pause(&fw->common, UINT32_MAX / 1000 + 1, &e), -1);
	assert_true(stands(&locked));
	heal();
	assert_int_equal(nft_unfilter_links(fw, false), 0);
	filters = calls;
	be(&locked);
	heal();
	assert_int_equal(firewall_nft.pause(&fw->common, 60, &e), 0);
	all = calls;
	assert_false(fw->verified);
	assert_false(stands(&locked));
	for (unsigned i = 1; i <= all; i++) {
		for (way = REFUSED; way < WAYS; way++) {
			be(&locked);
			assert_true(stands(&locked));
			heal();
			fail_at = i;
			result = firewall_nft.pause(&fw->common, 60, &e);
			assert_true(result == -1 ||
				    i <= filters); /* a link's filter that stays lets nothing out */
			assert_true(result == 0 || e.text[0] != '\0');
			be(&locked);
			assert_true(stands(&locked));
		}
	}
}

/* The kernel ends it, and not later. */
static void test_a_pause_ends_in_time(void **state)
{
	int64_t begun = clock_steady_ms(), took;

	(void)state;
	be(&locked);
	assert_int_equal(firewall_nft.pause(&fw->common, 1, &e), 0);
	do {
		assert_true(clock_steady_ms() < begun + 5000);
		(void)poll(NULL, 0, 5);
		assert_true(nft_read_set(fw, NFT_PAUSED, 0) >= 0);
	} while (fw->read.count != 0);
	took = clock_steady_ms() - begun;
	assert_between(took, 900, 1900);
}

/* --- whose the tables are ---------------------------------------------------------------------- */

/* Tables of our name that hold nothing. */
static bool take_our_name(struct nft_firewall *theirs)
{
	for (int i = 0; i < 2; i++) { /* made, then owned */
		nft_batch_begin(theirs, false);
		if (nft_read_tables(theirs) != 0)
			return false;
		nft_put_table(&theirs->batch, &theirs->desired, &theirs->actual, NFT_INET, NFT_MSG_NEWTABLE);
		if (nft_batch_send(theirs, true) != 0)
			return false;
	}
	return true;
}

/* Another process that has our name: with a whole lock, or with an open table. It says so by a byte. */
static pid_t somebody_else(bool locks)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct nft_firewall *theirs = nft_of(firewall_nft.open(&e));

		byte =
		    (locks ? (firewall_nft.assert)(&theirs->common, &locked, &e) == 0 : take_our_name(theirs))
			? 'y'
			: 'n';
		(void)!write(ends[1], &byte, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void test_owner_and_holder(void **state)
{
	int32_t owner = 99, holder = 99;
	pid_t pid;

	(void)state;
	assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), 0);
	assert_int_equal(owner, 0);
	assert_int_equal(firewall_nft.held(&fw->common, &locked, 0, &holder, &e), 0);
	assert_int_equal(holder, 0);
	pid = somebody_else(true);
	assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), 0);
	assert_int_equal(owner, pid);
	assert_int_equal(firewall_nft.held(&fw->common, &locked, pid, &holder, &e), 0);
	assert_int_equal(holder, pid);
	locked.openvpn_group.number++; /* other rules than those that stand */
	assert_int_equal(firewall_nft.held(&fw->common, &locked, pid, &holder, &e), 0);
	assert_int_equal(holder, 0);
	way = REFUSED;
	for (unsigned i = 1; i <= 3; i++) {
		heal();
		fail_at = i;
		assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), -1);
	}
	heal();
	fail_at = 1;
	assert_int_equal(firewall_nft.held(&fw->common, &locked, pid, &holder, &e), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	heal();
	assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), 0);
	assert_int_equal(owner, FIREWALL_UNNAMED); /* they stand, and nobody holds them */
	assert_int_equal(firewall_nft.remove(&fw->common, &e), 0);
	pid = somebody_else(false); /* who has the name has no lock */
	assert_int_equal(firewall_nft.held(&fw->common, &locked, pid, &holder, &e), 0);
	assert_int_equal(holder, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static unsigned told;

static void on_foreign(const char *what, void *argument)
{
	(void)argument;
	assert_true(what[0] != '\0');
	told++;
}

static void test_another_name_while_ours_is_taken(void **state)
{
	pid_t pid = somebody_else(false);
	struct event_base *base = event_base_new();
	int32_t owner;

	(void)state;
	assert_int_equal(firewall_nft.watch(&fw->common, base, on_foreign, NULL, &e), 0);
	be(&locked);
	assert_string_equal(nft_names[fw->desired.features.name], "portcullis_second");
	assert_true(stands(&locked));
	assert_non_null(strstr(firewall_nft.note(&fw->common), "portcullis_second"));
	assert_true(fw->others);
	assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), 0);
	assert_int_equal(owner, pid);
	assert_int_equal(firewall_nft.remove(&fw->common, &e), 1);
	assert_non_null(strstr(e.text, "holds tables of our name"));
	be(&locked);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	told = 0;
	for (int64_t until = clock_steady_ms() + 5000; told == 0 && clock_steady_ms() < until;)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(told > 0);
	assert_false(fw->verified);
	be(&locked);
	assert_string_equal(nft_names[fw->desired.features.name], "portcullis");
	assert_string_equal(firewall_nft.note(&fw->common), "");
	assert_false(fw->others);
	assert_true(stands(&locked));
	teardown(NULL);
	event_base_free(base);
}

static void pump(struct event_base *base)
{
	told = 0;
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Tables that nobody owns (an older kernel): a change of ours is no news, anybody else's is. */
static void test_the_watch(void **state)
{
	struct event_base *base = event_base_new();
	struct nft_firewall *other = nft_of(firewall_nft.open(&e));

	(void)state;
	fw->probed = fw->probed_every_link = true;
	fw->desired.features.persist = false;
	assert_int_equal(firewall_nft.watch(&fw->common, base, on_foreign, NULL, &e), 0);
	be(&locked);
	pump(base);
	assert_int_equal(told, 0);
	assert_true(fw->verified);
	be(&dialling);
	pump(base);
	assert_int_equal(told, 0);
	assert_true(fw->verified && stands(&dialling));
	other->desired.features = fw->desired.features;
	nft_batch_begin(other, false);
	nft_put_table(&other->batch, &other->desired, &fw->actual, NFT_INET, NFT_MSG_DELRULE);
	assert_int_equal(nft_batch_send(other, true), 0);
	pump(base);
	assert_int_equal(told, 1);
	assert_false(fw->verified);
	be(&dialling);
	assert_true(stands(&dialling));
	pump(base);
	/* A table of another name is nobody's business: the next flip is still one. */
	sh("nft add table inet another");
	pump(base);
	assert_int_equal(told, 0);
	assert_true(fw->verified);
	be(&locked);
	assert_true(calls < 8);
	sh("nft delete table inet another");
	firewall_nft.close(&other->common);
	teardown(NULL);
	event_base_free(base);
}

static void test_removal_in_turn(void **state)
{
	unsigned all;

	(void)state;
	be(&locked);
	heal();
	assert_int_equal(firewall_nft.remove(&fw->common, &e), 0);
	all = calls;
	for (unsigned i = 1; i <= all; i++) {
		int32_t owner = 0;
		int result;

		be(&locked);
		heal();
		way = REFUSED;
		fail_at = i;
		result = firewall_nft.remove(&fw->common, &e);
		heal();
		assert_false(fw->verified);
		assert_int_equal(firewall_nft.owner(&fw->common, &owner, &e), 0);
		assert_true(result == 0 ? owner == 0 : e.text[0] != '\0');
	}
}

static void test_what_the_kernel_has(void **state)
{
	struct firewall_features features;
	uint64_t packets = 99;

	(void)state;
	be(&locked);
	assert_int_equal(firewall_nft.probe(&fw->common, &features, &e), 0);
	assert_string_equal(features.backend, "nft");
	assert_int_equal(features.count, 4);
	for (size_t i = 0; i < features.count; i++)
		assert_true(features.list[i].has && features.list[i].what[0] != '\0' &&
			    features.list[i].lacking[0] != '\0');
	assert_int_equal(firewall_nft.blocked(&fw->common, &packets, &e), 0);
	assert_int_equal(packets, 0);
	for (way = REFUSED; way < WAYS; way++) {
		unsigned all = way == REFUSED ? 4 : 0;

		for (unsigned i = 1; i <= all; i++) {
			heal();
			fail_at = i;
			assert_int_equal(firewall_nft.probe(&fw->common, &features, &e), 0); /* asked again */
		}
	}
	heal();
	fail_at = 1;
	way = REFUSED;
	assert_int_equal(firewall_nft.blocked(&fw->common, &packets, &e), -1);
	heal();
	assert_int_equal(firewall_nft.forget_states(&fw->common, &e), 0);
	heal();
	fail_at = 1;
	assert_int_equal(firewall_nft.forget_states(&fw->common, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_flip_is_whole_or_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_first_lock, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_same_again_is_looked_at, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_taken_away_comes_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_link_that_comes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_pause_stands_or_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_owner_and_holder, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_another_name_while_ours_is_taken, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_the_watch, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_removal_in_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_the_kernel_has, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_whole_look_is_whole_or_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_pause_ends_in_time, setup, teardown),
	};

	/* Here, for a test that is skipped by its setup is a failed one. */
	if (geteuid() != 0 || unshare(CLONE_NEWNET) == -1) {
		print_message("SKIPPED: a network of their own needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, make_network, leave_network);
}
