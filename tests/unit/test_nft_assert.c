/* The nft firewall as a whole on a kernel that the test plays: in which order it reads, compares, repairs and
 * reads again, and what becomes of each refusal; against tests/golden/calls/nft_assert.txt. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"
#include "leaks.h"
#include "nft_standin.h"
#include "no_memory.h"
#include "policy_cases.h"

static struct situation s;
static struct err e;

/* --- the world -------------------------------------------------------------------- */

static const struct if_nameindex links[] = {{1, (char *)"lo"},  {2, (char *)"en0"},  {3, (char *)"en1"},
					    {4, (char *)"en2"}, {7, (char *)"tun0"}, {0, NULL}};

static void heal(void)
{
	memset(&failing, 0, sizeof failing);
	asked = 0;
	kernel.forgets = false;
	kernel.moves = kernel.barred = 0;
	e.text[0] = '\0';
}

static int begin(void **state)
{
	(void)state;
	journal[0] = '\0';
	memset(&kernel, 0, sizeof kernel);
	kernel.generation = 100;
	kernel.has = (struct nft_features){true, true, true, true, false, 0};
	heal();
	memcpy(machine, links, sizeof links);
	s = situation_named("locked");
	s.tunnel.index = 7;
	strcpy(s.tunnel.name, "tun0");
	fw = nft_of(firewall_nft.open(&e));
	return fw == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	if (fw != NULL)
		firewall_nft.close(&fw->common);
	fw = NULL;
	return sockets;
}

static void let_fail(const char *call, int result, int from, int times)
{
	failing.call = call;
	failing.result = result;
	failing.from = from;
	failing.times = times;
}

/* What it is asked, and what it is told to have become of it. */
static int asserted(const char *what)
{
	int result;

	say("== %s", what);
	result = (firewall_nft.assert)(&fw->common, &s, &e);
	assert_int_equal(fw->verified, result == 0);
	if (result != 0)
		say("failed: %s", e.text);
	heal();
	return result;
}

static void assert_held(void)
{
	for (unsigned i = 0; i < NFT_SETS; i++)
		assert_true(nft_same_members(&fw->held[i], &fw->desired.members[i]));
}

/* All of it is right, however that came. */
static void anew(void)
{
	size_t said = strlen(journal);

	heal();
	fw->verified = false;
	assert_int_equal(asserted("anew"), 0);
	journal[said] = '\0';
}

static void assert_journal(const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "tests/golden/calls/nft_%s.txt", name);
	assert_golden(path, journal);
}

/* --- opening ---------------------------------------------------------------------- */

static void try_to_open(const char *what, const char *text)
{
	const struct firewall *opened;

	journal[0] = e.text[0] = '\0';
	assert_no_leak(what, (asked = 0, opened = firewall_nft.open(&e)));
	assert_null(opened);
	assert_string_equal(e.text, text);
	assert_int_equal(sockets, 0);
}

static void test_opening(void **state)
{
	static const struct nft_features taken = {true, true, true, true, false, 0};

	(void)state;
	assert_string_equal(journal, "open 12 as our process, 4194304\n");
	assert_int_equal(sockets, 2);
	assert_int_equal(fw->desired.owner, OURS);
	assert_memory_equal(&fw->desired.features, &taken, sizeof taken);
	fw->filters.route = &route_socket;
	sockets++;
	journal[0] = '\0';
	assert_int_equal(end(NULL), 0);
	assert_string_equal(journal, "close watch none\nclose nft\nclose tc\nclose look-up\n");
	for (unsigned at = 1; at <= 4; at++) {
		memory_fails_at = MEMORY_CAN_FAIL ? at : 0;
		if (memory_fails_at != 0)
			assert_null(firewall_nft.open(&e));
		assert_string_equal(e.text, MEMORY_CAN_FAIL ? "firewall: Cannot allocate memory" : "");
		assert_int_equal(sockets, 0);
	}
	memory_fails_at = 0;
	let_fail("open", -EPROTONOSUPPORT, 1, 1);
	try_to_open("no nftables", NFT_NONE);
	assert_null(strstr(journal, "close look-up"));
	let_fail("open", -EMFILE, 1, 1);
	try_to_open("no netlink", "the kernel's nftables can't be reached: Too many open files");
	let_fail("socket", -ENFILE, 1, 1);
	try_to_open("no look-up", "the kernel's nftables can't be reached: Too many open files in system");
	assert_null(strstr(journal, "close look-up"));
	heal();
	errno = EPROTONOSUPPORT; /* of an earlier failure of others */
	assert_no_leak("open and closed", (fw = nft_of(firewall_nft.open(&e)), end(NULL)));
}

/* --- asserting -------------------------------------------------------------------- */

static void test_what_is_asked(void **state)
{
	(void)state;
	assert_int_equal(asserted("the first lock"), 0);
	assert_held();
	assert_int_equal(asserted("the same again"), 0);
	s.state = POLICY_DIALLING;
	must(net_endpoint_parse("203.0.113.7:1194/udp", &s.endpoint));
	must(net_address_parse("192.0.2.53", &s.resolver));
	assert_int_equal(asserted("dialling"), 0);
	assert_held();
	s.state = POLICY_OPEN;
	must(net_address_parse("10.8.0.6", &s.tunnel.address4));
	assert_int_equal(asserted("open"), 0);
	assert_held();
	s.state = POLICY_LOCKED;
	assert_int_equal(asserted("locked again"), 0);
	kernel.generation++;
	assert_int_equal(asserted("somebody has changed something"), 0);
	kernel.whole = false;
	fw->verified = false;
	assert_int_equal(asserted("nothing is left"), 0);
	s.openvpn_group.number++;
	assert_int_equal(asserted("another group"), 0);
	fw->desired.features.egress = false;
	fw->desired.standing = 0;
	assert_int_equal(asserted("without egress"), 0);
	assert_int_equal(fw->desired.link_count, 0);
	assert_journal("assert");
}

/* Whatever fails in a flip is followed by a whole look. */
static void test_flips_that_fail(void **state)
{
	static const struct {
		const char *call;
		int result, from;
	} rows[] = {{"generation", -EIO, 1},
		    {"send", -ERESTART, 1},
		    {"set", 1, 1},
		    {"set", -EINTR, 1},
		    {"set", 1, 2}};

	(void)state;
	must(net_endpoint_parse("203.0.113.7:1194/udp", &s.endpoint));
	must(net_address_parse("192.0.2.53", &s.resolver));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s.state = POLICY_LOCKED;
		anew();
		s.state = i == 0 ? POLICY_LOCKED : POLICY_DIALLING; /* nothing changes, or something */
		let_fail(rows[i].call, rows[i].result, rows[i].from, 1);
		assert_int_equal(asserted("a flip fails"), 0);
		assert_held();
	}
	assert_journal("flip_fails");
}

/* Which chains stand is known before they are made. */
static void test_every_link(void **state)
{
	size_t count;

	(void)state;
	kernel.has.every_link = true;
	assert_int_equal(asserted("the first lock"), 0);
	count = fw->desired.count;
	fw->desired.standing = 0;
	assert_int_equal(asserted("made anew"), 0);
	assert_int_equal(fw->desired.count, count);
	assert_int_equal(fw->desired.link_count, 0);
}

static bool is_looked_at(const char *what)
{
	journal[0] = '\0';
	assert_int_equal(asserted(what), 0);
	return strstr(journal, "all?") != NULL;
}

/* Links are looked at after a flip. */
static void test_other_links(void **state)
{
	(void)state;
	anew();
	assert_int_equal(fw->desired.link_count, 2);
	assert_true(fw->desired.links[0].index == 2 && fw->desired.links[1].index == 3);
	strcpy(s.links[1], "en2");
	assert_true(is_looked_at("another one"));
	assert_string_equal(fw->desired.links[1].name, "en2");
	assert_int_equal(fw->desired.links[1].index, 4);
	anew();
	unplug("en0");
	assert_true(is_looked_at("one has gone"));
	assert_int_equal(fw->desired.links[0].index, 0);
	anew();
	s.link_count = 1;
	assert_true(is_looked_at("one fewer"));
	assert_int_equal(fw->desired.link_count, 1);
	anew();
	assert_false(is_looked_at("no other ones"));
	strcpy(s.links[0], "en9"); /* its index stays */
	machine[1].if_name = (char *)"en9";
	machine[2].if_name = (char *)"en1";
	anew();
	strcpy(s.links[0], "en1");
	machine[1].if_name = (char *)"en1";
	assert_true(is_looked_at("one renamed"));
	fw->desired.features.every_link = true; /* none is looked up */
	anew();
	strcpy(s.links[0], "en1");
	assert_false(is_looked_at("others, with one chain for all"));
	assert_int_equal(fw->desired.link_count, 0);
}

/* What does not fit into a situation is looked for, but the loopback and the tunnel. */
static void test_links_left_out(void **state)
{
	static char names[600][8];

	(void)state;
	s.links_left_out = true;
	strcpy(s.links[1], "en2");
	anew();
	assert_int_equal(fw->desired.link_count, 3);
	assert_string_equal(fw->desired.links[0].name, "en0");
	assert_string_equal(fw->desired.links[1].name, "en2");
	assert_string_equal(fw->desired.links[2].name, "en1");
	assert_int_equal(fw->desired.links[2].index, 3);
	s.links_left_out = false;
	s.link_count = 3;
	strcpy(s.links[2], "en1");
	anew();
	s.links_left_out = true;
	assert_true(is_looked_at("looked for each time"));
	assert_true(is_before("links\n", "links freed\n"));
	let_fail("links", -ENOBUFS, 1, EVER);
	fw->verified = false;
	assert_int_equal(asserted("they can't be listed"), 0);
	assert_int_equal(fw->desired.link_count, 3);
	for (unsigned i = 0; i < 599; i++) {
		snprintf(names[i], sizeof names[i], "x%u", i);
		machine[i] = (struct if_nameindex){i + 10, names[i]};
	}
	machine[599] = (struct if_nameindex){0, NULL};
	s.link_count = 0;
	anew();
	assert_int_equal(fw->desired.link_count, NFT_LINKS);
	assert_string_equal(fw->desired.links[NFT_LINKS - 1].name, "x511");
	assert_int_equal(fw->desired.links[NFT_LINKS - 1].index, 521);
	assert_false(fw->desired.messages.full || fw->batch.full);
}

/* A link whose chain is refused gets none, nor one that has vanished meanwhile. */
static void test_a_refused_link(void **state)
{
	static const struct {
		int result;
		unsigned refused, left[3];
		bool fails;
	} rows[] = {{-ENODEV, 2, {2, 0, 0}, false},   {-ENOENT, 2, {2, 0, 0}, false},
		    {-EEXIST, 2, {2, 0, 0}, false},   {-EINTR, 2, {2, 3, 4}, false},
		    {-EPERM, 2, {2, 3, 4}, true},     {-ENODEV, 0, {2, 3, 4}, false},
		    {-ENODEV, EVER, {2, 3, 4}, false}};

	(void)state;
	fw->probed = true;
	s.link_count = 3;
	strcpy(s.links[2], "en2");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memcpy(machine, links, sizeof links);
		kernel.whole = fw->verified = false;
		let_fail("send", rows[i].result, 1, 1);
		failing.refused = rows[i].refused;
		failing.takes = "en2";
		assert_int_equal(asserted("refused"), rows[i].fails ? -1 : 0);
		assert_int_equal(fw->desired.link_count, 3);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(fw->desired.links[k].index, rows[i].left[k]);
		if (!rows[i].fails)
			assert_int_equal(fw->desired.count,
					 fw->desired.standing + 4 * (1 + 2ul * (rows[i].left[1] != 0)));
	}
}

static void test_what_is_no_situation(void **state)
{
	(void)state;
	anew();
	s.state = (enum policy_state)7;
	(void)(firewall_nft.assert)(&fw->common, &s, &e);
	assert_string_equal(e.text, "no such state: 7");
	s = situation_named("open");
	s.tunnel.index = 0;
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), -1);
	assert_string_equal(e.text, "the tunnel's interface tun0 does not exist");
	s.state = POLICY_LOCKED; /* which needs no interface */
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), 0);
	s.driver_user = (struct identity){.known = false, .name = "nobody_here"};
	journal[0] = '\0';
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), -1);
	assert_string_equal(e.text, "user nobody_here is not known on this machine");
	assert_string_equal(journal, "every link?\n");
}

/* What fails in a whole look is told, or tried again, and not for ever. */
static void test_looks_that_fail(void **state)
{
	static const struct {
		const char *call;
		int result, from, times;
		bool told;
	} rows[] = {{"generation", -EIO, 1, 1, true},    {"generation", -EIO, 2, 1, true},
		    {"generation", -EINTR, 1, 1, false}, {"all", -EIO, 1, 1, true},
		    {"all", -EINTR, 1, 11, false},       {"all", -EINTR, 1, EVER, true},
		    {"send", -EIO, 1, 1, true},          {"send", -EINTR, 1, 1, false}};

	(void)state;
	fw->probed = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fw->verified = false;
		kernel.whole = strcmp(rows[i].call, "send") != 0;
		memset(fw->held, 0, sizeof fw->held);
		let_fail(rows[i].call, rows[i].result, rows[i].from, rows[i].times);
		assert_int_equal(asserted(rows[i].call), rows[i].told ? -1 : 0);
	}
	anew();
	let_fail("generation", -EIO, 1, EVER);
	assert_int_equal(asserted("a flip, and the look behind it"), -1);
	kernel.moves = 1;
	fw->verified = false;
	assert_int_equal(asserted("others change it without end"), -1);
	kernel.whole = false;
	kernel.forgets = true;
	assert_int_equal(asserted("it does not stay"), -1);
	anew();
	fw->verified = false;
	fw->desired.messages.full = true;
	assert_int_equal(asserted("too much"), -1);
	assert_journal("look_fails");
}

static void test_names(void **state)
{
	(void)state;
	fw->probed = true;
	for (unsigned barred = 0; barred <= NFT_NAMES; barred++) {
		kernel.whole = fw->verified = false;
		kernel.barred = barred;
		assert_int_equal(asserted("barred"), barred == NFT_NAMES ? -1 : 0);
		if (barred < NFT_NAMES)
			assert_int_equal(fw->desired.features.name, barred);
	}
	s.openvpn_group.number++;
	kernel.barred = NFT_NAMES;
	assert_int_equal(asserted("barred, with other rules"), -1);
	assert_journal("barred");
	s.link_count = 0; /* and under a longer name they do not fit */
	kernel.barred = 0;
	anew();
	fw->desired.messages.size = fw->desired.messages.used + NFT_MESSAGE;
	anew();
	fw->verified = false;
	kernel.barred = 1;
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), -1);
	assert_string_equal(e.text, "the rules do not fit into their buffer");
}

/* An older kernel: once it has refused something, it is asked what it has; once. */
static void test_an_older_kernel(void **state)
{
	static const struct nft_features lacking[] = {{false, true, true, true, false, 0},
						      {true, false, true, true, false, 0},
						      {true, true, false, true, false, 0},
						      {true, true, true, false, false, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
		memset(&fw->desired.features, 1, offsetof(struct nft_features, every_link));
		kernel.whole = fw->probed = fw->verified = false;
		kernel.has = lacking[i];
		let_fail("send", -EOPNOTSUPP, 1, 1);
		assert_int_equal(asserted("it lacks something"), 0);
		assert_memory_equal(&fw->desired.features, &lacking[i], sizeof lacking[i]);
		assert_true(fw->desired.standing > 0);
	}
	kernel.whole = fw->verified = false;
	let_fail("send", -EOPNOTSUPP, 1, 1);
	journal[0] = '\0';
	assert_int_equal(asserted("it is known"), -1);
	assert_null(strstr(journal, "probe\n"));
	fw->probed = false;
	let_fail("probe", -EIO, 1, 1);
	kernel.forgets = true;
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), -1);
	assert_string_equal(e.text, "no probe: Input/output error");
	kernel.has = (struct nft_features){true, true, true, true, false, 0};
	heal();
	kernel.whole = fw->verified = false;
	journal[0] = '\0';
	let_fail("send", -EOPNOTSUPP, 1, 1);
	assert_int_equal((firewall_nft.assert)(&fw->common, &s, &e), -1);
	assert_string_equal(e.text, "Operation not supported"); /* it lacks nothing */
	assert_non_null(strstr(journal, "probe\n"));
	heal();
	fw->probed = false;
	kernel.has.egress = false;
	let_fail("send", -EOPNOTSUPP, 1, 2);
	assert_int_equal(asserted("it refuses what it has"), -1);
}

/* --- a pause, and the rest -------------------------------------------------------- */

static int paused(const char *what, uint32_t seconds)
{
	int result;

	say("== %s", what);
	result = firewall_nft.pause(&fw->common, seconds, &e);
	if (result != 0)
		say("failed: %s", e.text);
	return result;
}

static void test_a_pause(void **state)
{
	static const struct {
		const char *call;
		int result, from;
	} rows[] = {
	    {"unfilter", -EBUSY, 1}, {"send", -EIO, 1}, {"set", 1, 1}, {"set", -EIO, 2}, {"set", -EIO, 3}};

	(void)state;
	assert_int_equal(paused("nothing stands", 60), -1);
	anew();
	assert_int_equal(paused("for no time", 0), -1);
	assert_int_equal(paused("for too long", UINT32_MAX / 1000 + 1), -1);
	assert_true(fw->verified);
	assert_int_equal(paused("for as long as can be", UINT32_MAX / 1000), 0);
	assert_false(fw->verified);
	assert_held();
	assert_int_equal(fw->held[NFT_PAUSED].count, 2);
	assert_int_equal(asserted("locked again"), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		anew();
		let_fail(rows[i].call, rows[i].result, rows[i].from, 1);
		say("== %s fails", rows[i].call);
		assert_int_equal(firewall_nft.pause(&fw->common, 60, &e), i == 4 ? 0 : -1);
		assert_false(fw->verified);
		if (i == 0)
			assert_string_equal(
			    e.text, "the links' tc filters can't be removed: Device or resource busy");
		else if (i == 1)
			assert_string_equal(e.text, "Input/output error");
		else if (i != 4)
			assert_string_equal(e.text, "the kernel did not accept the pause");
	}
	fw->desired.features.egress = false;
	fw->desired.standing = 0;
	anew();
	assert_int_equal(paused("without egress", 60), 0);
	assert_journal("pause");
}

static void test_the_rest(void **state)
{
	uint64_t packets = 0;

	(void)state;
	journal[0] = '\0';
	assert_int_equal(firewall_nft.forget_states(&fw->common, &e), 0);
	assert_string_equal(journal,
			    "request 102, family 0, 20 bytes\n"); /* of each family, whatever it is about */
	let_fail("request", -EOPNOTSUPP, 1, 1);
	assert_int_equal(firewall_nft.forget_states(&fw->common, &e), -1);
	assert_string_equal(e.text,
			    "the kernel does not delete its tracked connections: Operation not supported");
	heal();
	assert_int_equal(firewall_nft.blocked(&fw->common, &packets, &e), 0);
	assert_int_equal(packets, 42);
	let_fail("blocked", -EIO, 1, 1);
	assert_int_equal(firewall_nft.blocked(&fw->common, &packets, &e), -1);
	assert_string_equal(e.text, "Input/output error");
	assert_string_equal(firewall_nft.note(&fw->common), "");
	anew();
	assert_string_equal(firewall_nft.note(&fw->common), "a note");
	assert_true(firewall_nft.held == nft_held && firewall_nft.owner == nft_owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_opening, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_is_asked, begin, end),
	    cmocka_unit_test_setup_teardown(test_flips_that_fail, begin, end),
	    cmocka_unit_test_setup_teardown(test_every_link, begin, end),
	    cmocka_unit_test_setup_teardown(test_other_links, begin, end),
	    cmocka_unit_test_setup_teardown(test_links_left_out, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_refused_link, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_is_no_situation, begin, end),
	    cmocka_unit_test_setup_teardown(test_looks_that_fail, begin, end),
	    cmocka_unit_test_setup_teardown(test_names, begin, end),
	    cmocka_unit_test_setup_teardown(test_an_older_kernel, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_pause, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_rest, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
