/* Reading `ipfw -a -S list`. The first listing is one that ipfw of FreeBSD 8 printed, as published at
 * freebsd.sing.ne.jp/fbsd/1102/02/08.html, with the sets that -S adds written in; the others are written from
 * ipfw(8) and from the order of sbin/ipfw's show_static_rule: mark, number, packets, bytes, set, rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "os/firewall/ipfw/parse.h"

static const char published[] =
    "00100   64 22370 set 0 allow ip from any to any via lo0\n"
    "00200    0     0 set 0 deny ip from any to 127.0.0.0/8\n"
    "00300    0     0 set 0 deny ip from 127.0.0.0/8 to any\n"
    "00400    0     0 set 0 deny ip from any to ::1\n"
    "00500    0     0 set 0 deny ip from ::1 to any\n"
    "00600    0     0 set 0 allow ipv6-icmp from :: to ff02::/16\n"
    "00700    0     0 set 0 allow ipv6-icmp from fe80::/10 to fe80::/10\n"
    "00800    0     0 set 0 allow ipv6-icmp from fe80::/10 to ff02::/16\n"
    "00900    0     0 set 0 allow ipv6-icmp from any to any ip6 icmp6types 1\n"
    "01000    0     0 set 0 allow ipv6-icmp from any to any ip6 icmp6types 2,135,136\n"
    "65535  395 44855 set 31 allow ip from any to any\n";

#define LAST "65535 0 0 set 31 deny ip from any to any\n"
#define FLOOR_LINE "00002 7 420 set 31 " IPFW_FLOOR "\n"
#define OURS                                                                                                 \
	"00001 10 600 set 26 allow ip from any to any in via lo0 // row 1\n"                                 \
	"00001 3 180 set 26 deny tcp from any to any 53,853 out // row 8\n"                                  \
	"00001 4 240 set 26 deny udp from any to any 53,853 in // row 8\n"                                   \
	"00001 5 300 set 26 deny ip from any to any out // row 11\n"

static struct ipfw_view read_view(const char *listing)
{
	struct ipfw_view view;
	struct err e = {""};

	assert_int_equal(ipfw_view_read(listing, &view, &e), 0);
	return view;
}

static const char *why_not(const char *listing)
{
	static struct err e;
	struct ipfw_view view;

	e.text[0] = '\0';
	assert_int_equal(ipfw_view_read(listing, &view, &e), -1);
	return e.text;
}

static void test_published(void **state)
{
	struct ipfw_view view = read_view(published);
	struct ipfw_rule rule;
	const char *cursor = published;

	(void)state;
	assert_false(view.denies_by_default);
	assert_false(view.floor);
	assert_int_equal(view.sets[0].rules + view.sets[1].rules, 0);
	assert_int_equal(ipfw_view_holding(&view), -1);
	assert_int_equal(ipfw_rule_next(&cursor, &rule), 1);
	assert_int_equal(rule.number, 100);
	assert_int_equal(rule.packets, 64);
	assert_int_equal(rule.set, 0);
	assert_false(rule.disabled);
	assert_int_equal(rule.length, strlen("allow ip from any to any via lo0"));
}

static void test_ours(void **state)
{
	struct ipfw_view view = read_view(OURS FLOOR_LINE "00100 0 0 set 0 allow ip from any to any\n" LAST);

	(void)state;
	assert_int_equal(view.sets[0].rules, 4);
	assert_int_equal(view.sets[0].blocked, 8); /* what this machine sent */
	assert_string_equal(view.sets[0].foreign, "");
	assert_true(view.floor);
	assert_int_equal(view.floor_blocked, 7);
	assert_true(view.denies_by_default);
	assert_int_equal(ipfw_view_holding(&view), 0);
}

static void test_hash_is_of_the_rules_alone(void **state)
{
	struct ipfw_view one = read_view("00001 1 60 set 26 deny ip from any to any // row 11\n" LAST);
	struct ipfw_view same =
	    read_view("# DISABLED 00001  999999 5 set 26 deny ip from any to any // row 11 \n" LAST);
	struct ipfw_view other = read_view("00001 1 60 set 26 allow ip from any to any // row 11\n" LAST);
	struct ipfw_view moved = read_view("00003 1 60 set 26 deny ip from any to any // row 11\n" LAST);

	(void)state;
	assert_true(one.sets[0].hash == same.sets[0].hash);
	assert_true(same.sets[0].disabled);
	assert_int_equal(ipfw_view_holding(&same), -1);
	assert_false(one.sets[0].hash == other.sets[0].hash);
	assert_false(one.sets[0].hash == moved.sets[0].hash);
}

static void test_holding(void **state)
{
	struct ipfw_view view;

	(void)state;
	view = read_view("# DISABLED 00001 0 0 set 26 deny ip from any to any\n"
			 "00001 0 0 set 27 deny ip from any to any\n" LAST);
	assert_int_equal(ipfw_view_holding(&view), 1);
	view = read_view("00001 0 0 set 27 deny ip from any to any\n"
			 "00001 0 0 set 26 allow ip from any to any\n" LAST);
	assert_int_equal(ipfw_view_holding(&view), 1); /* both are enabled: who is asked first */
	view = read_view("00001 0 0 set 26 deny ip from any to any\n"
			 "00001 0 0 set 27 allow ip from any to any\n" LAST);
	assert_int_equal(ipfw_view_holding(&view), 0);
}

/* The floor by every word of it. */
static void test_floor(void **state)
{
	static const char *const others[] = {
	    "00003 7 420 set 31 " IPFW_FLOOR "\n", "00002 7 420 set 30 " IPFW_FLOOR "\n",
	    "00002 7 420 set 31 " IPFW_FLOOR "x\n", "00002 7 420 set 31 deny ip from any to any\n",
	    "00002 7 420 set 31 deny ip from any to any not via en0 // portcullis\n"};
	char listing[256];

	(void)state;
	assert_true(read_view(FLOOR_LINE LAST).floor);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(listing, sizeof listing, "%s" LAST, others[i]);
		assert_false(read_view(listing).floor);
	}
}

/* What this machine sent and was stopped. */
static void test_blocked(void **state)
{
	(void)state;
	assert_int_equal(read_view("00001 3 180 set 26 deny ip from any to any out\n"
				   "00001 5 180 set 26 deny ip from any to any outside\n"
				   "00001 7 180 set 26 allow ip from any to any out\n" LAST)
			     .sets[0]
			     .blocked,
			 3);
}

/* The first one, by pipe or by queue. */
static void test_pipes(void **state)
{
	(void)state;
	assert_string_equal(read_view("00100 0 0 set 0 queue 2 ip from any to any\n"
				      "00200 0 0 set 0 pipe 1 ip from any to any\n" LAST)
				.pipe,
			    "00100 set 0 queue 2 ip from any to any");
	assert_string_equal(read_view("00200 0 0 set 0 pipe 1 ip from any to any\n" LAST).pipe,
			    "00200 set 0 pipe 1 ip from any to any");
}

static void test_foreign_before_ours(void **state)
{
	static const char *const passing[] = {"allow ip from any to any",
					      "skipto 3 ip from any to any",
					      "check-state :default",
					      "divert 8668 ip from any to any",
					      "prob 0.5 allow ip from any to any",
					      "fwd 10.0.0.1 ip from any to any",
					      "denylist"},
				 *const harmless[] = {"deny ip from any to any",
						      "count ip from any to any",
						      "unreach6 admin-prohib ip6 from any to any",
						      "unreach host ip from any to any",
						      "reset tcp from any to any",
						      "reset6 tcp from any to any",
						      "reject ip from any to any",
						      "abort sctp from any to any",
						      "abort6 sctp from any to any",
						      "setfib 1 ip from any to any",
						      "setdscp be ip from any to any",
						      "reass ip from any to any",
						      "count"};
	char listing[512];

	(void)state;
	for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
		snprintf(listing, sizeof listing, "00001 0 0 set 4 %s\n%s", passing[i], OURS LAST);
		assert_non_null(strstr(read_view(listing).sets[0].foreign, passing[i]));
		snprintf(listing, sizeof listing, "# DISABLED 00001 0 0 set 4 %s\n%s", passing[i], OURS LAST);
		assert_string_equal(read_view(listing).sets[0].foreign, "");
		snprintf(listing, sizeof listing, "%s00001 0 0 set 4 %s\n%s", OURS, passing[i], LAST);
		assert_string_equal(read_view(listing).sets[0].foreign, "");
	}
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
		snprintf(listing, sizeof listing, "00001 0 0 set 4 %s\n%s", harmless[i], OURS LAST);
		assert_string_equal(read_view(listing).sets[0].foreign, "");
	}
	/* In between, and the first of several. */
	assert_string_equal(read_view("00001 0 0 set 26 allow ip from any to any via lo0\n"
				      "00001 0 0 set 0 allow udp from any to any\n"
				      "00001 0 0 set 0 allow tcp from any to any\n"
				      "00001 0 0 set 26 deny ip from any to any\n" LAST)
				.sets[0]
				.foreign,
			    "00001 set 0 allow udp from any to any");
}

static void test_what_is_no_listing(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "00100 0 0 set 0 allow ip from any to any\n",
	    OURS FLOOR_LINE "65535 0 0 set 31 deny ip from any to any",
	    OURS FLOOR_LINE "65535 0 0 set 31 ",
	    "# DISABLED " LAST,
	    "ipfw: setsockopt(IP_FW_XGET): Protocol not available\n" LAST,
	    "00001 0 0 allow ip from any to any\n" LAST,
	    "00001 0 set 26 allow ip from any to any\n" LAST,
	    "00001 0 0 set 32 allow ip from any to any\n" LAST,
	    "70000 0 0 set 26 allow ip from any to any\n" LAST,
	    "00001 0 0 set 26 \n" LAST,
	    "00001 0 0 set 26     \n" LAST,
	    "0000a 0 0 set 26 deny ip from any to any\n" LAST,
	    "00001 1234567890123456789 set 26 deny ip from any to any\n" LAST,
	    "00001 0 1234567890123456789 set 26 deny ip from any to any\n" LAST,
	    "## Dynamic rules (1 288):\n" LAST,
	    LAST "00100 0 0 set 0 allow ip from any to any\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_string_not_equal(why_not(wrong[i]), "");
	assert_non_null(
	    strstr(why_not("00100 0 0 set 0 allow ip from any to any\n"), "the listing is incomplete"));
	assert_non_null(strstr(why_not("what is this\n" LAST), "what is this"));
}

static void test_as_printed(void **state)
{
	static const char printed[] =
	    "set disable 27\n"
	    "# row 1: loopback\n"
	    "# add 1 set 27 allow ip from any to any // row 0\n"
	    "add 1 set 27 allow ip from any to any in via lo0 // row 1\n"
	    "# row 6\n"
	    "add 1 set 27 allow udp from any 68 to 10.0.0.0/8 67 out uid 0 // row 6\n"
	    "add 1 set 27 deny ip from any to any // row 11\n";
	static const char good[] =
	    "00001 0 0 set 26 deny ip from any to any // row 11\n"
	    "# DISABLED 00001 0 0 set 27 allow ip from any to any in via lo0 // row 1\n"
	    "# DISABLED 00001 0 0 set 27 allow udp from any 68 to 10.0.0.0/8 67 out uid root // row 6\n"
	    "# DISABLED 00001 0 0 set 27 deny ip from any to any // row 11\n" LAST;
	static const char *const from[] = {"lo0 // row 1", "allow udp", "set 27 deny", ("// row 11\n" LAST),
					   "# DISABLED 00001 0 0 set 27 deny"},
				 *const to[] = {"lo0 // row 2", "deny udp", "set 25 deny",
						("// row 1\n" LAST), "# DISABLED 00003 0 0 set 27 deny"};
	struct err e = {""};
	char listing[512];

	(void)state;
	assert_int_equal(ipfw_same_policy(good, printed, 27, &e), 0);
	assert_int_equal(ipfw_same_policy(good, printed, 25, &e), -1);
	assert_int_equal(ipfw_same_policy(LAST, printed, 27, &e), -1);
	for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
		const char *at = strstr(good + 60, from[i]);

		assert_non_null(at);
		snprintf(listing, sizeof listing, "%.*s%s%s", (int)(at - good), good, to[i],
			 at + strlen(from[i]));
		assert_int_equal(ipfw_same_policy(listing, printed, 27, &e), -1);
	}
	/* One more than was loaded. */
	snprintf(listing, sizeof listing, "%.*s00001 0 0 set 27 deny ip from any to any // row 11\n%s",
		 (int)(sizeof good - sizeof LAST), good, LAST);
	assert_int_equal(ipfw_same_policy(listing, printed, 27, &e), -1);
}

/* ipfw spells the middle as it likes; without a comment, or with no more than an action, nothing is the same.
 */
static void test_what_is_the_same(void **state)
{
	static const struct {
		const char *printed, *listed;
		int result;
	} rows[] = {{"allow all from any to any // row 1", "allow ip from any to any // row 1", 0},
		    {"allow ip from any to any // row 1", "allow ip from any to any // row 11", -1},
		    {"allow ip from any to any", "allow ip from any to any", -1},
		    {"allow ip from any to any", "allow tcp allow ip from any to any", -1},
		    {"count", "count", -1},
		    {"deny ip from any to any // a comment that is longer", "deny longer", -1}};
	char printed[128], listing[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(printed, sizeof printed, "add 1 set 27 %s\n", rows[i].printed);
		snprintf(listing, sizeof listing, "00001 0 0 set 27 %s\n" LAST, rows[i].listed);
		assert_int_equal(ipfw_same_policy(listing, printed, 27, &e), rows[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_published),
	    cmocka_unit_test(test_ours),
	    cmocka_unit_test(test_hash_is_of_the_rules_alone),
	    cmocka_unit_test(test_holding),
	    cmocka_unit_test(test_floor),
	    cmocka_unit_test(test_blocked),
	    cmocka_unit_test(test_pipes),
	    cmocka_unit_test(test_foreign_before_ours),
	    cmocka_unit_test(test_what_is_no_listing),
	    cmocka_unit_test(test_as_printed),
	    cmocka_unit_test(test_what_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
