/* What pfctl says, as values. Recorded samples: `-s info`, `-s References`, `-E` and `-X` on macOS 26.5.2
 * (25F84, arm64, 2026-07-26, published as a public project's test data); `-s info` of FreeBSD from OPNsense
 * core issue 1578; main rules from osquery issue 1521 and a public report with Internet Sharing on. All
 * others are written from pfctl(8) and pf.conf(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "os/firewall/pf/parse.h"

#define NOISE "No ALTQ support in kernel\nALTQ related functions disabled\n"
/* Recorded on macOS. */
#define REFERENCES                                                                                           \
	"TOKENS:\nPID      Process Name                 TOKEN                    TIMESTAMP\n"                \
	"4077     pfctl                        9084387343160548126      0 days 00:00:00\n"                   \
	"4063     pfctl                        15053025338191571182     0 days 00:00:00\n"

static void noise_goes_and_errors_stay(void **state)
{
	char text[] = NOISE "pfctl: Use of -f option, could result in flushing of rules\n"
			    "present in the main ruleset added by the system at startup.\n"
			    "See /etc/pf.conf for further details.\n\nanchor \"a\" all\n";
	char error[] = NOISE "anchor \"*\" all {\npfctl: DIOCGETRULES: Invalid argument\n}\n";
	char none[] = "";

	(void)state;
	assert_true(pf_parse_noise(text));
	assert_string_equal(text, "\nanchor \"a\" all\n");
	assert_false(pf_parse_noise(error)); /* recorded: osquery issue 1521; its exit status was 0 */
	assert_true(pf_parse_noise(none));
}

static void complaints_are_one_line(void **state)
{
	static const char *const said[][2] = {
	    {NOISE "pfctl: DIOCXCOMMIT: Device busy\n", "DIOCXCOMMIT: Device busy"},
	    {NOISE "pfctl: pf: token invalid\n", "pf: token invalid"}, /* recorded on macOS */
	    {"stdin:7: syntax error\npfctl: Syntax error in config file: pf rules not loaded\n",
	     "stdin:7: syntax error"},
	    {NOISE "\n", ""},
	    {"", ""},
	    {"out of paper\n", "out of paper"},
	    {"a warning\n\nstdin:7: syntax error\nstdin:8: syntax error\n", "stdin:7: syntax error"},
	    {"a warning\n-:7: syntax error\n", "-:7: syntax error"},
	    {"pfctl: \x1b[31mred\n", "\\x1b[31mred"}};
	char words[64];

	(void)state;
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		pf_parse_complaint(said[i][0], words, sizeof words);
		assert_string_equal(words, said[i][1]);
	}
	pf_parse_complaint("pfctl: a long complaint", words, 8);
	assert_string_equal(words, "a long ");
}

static void enabled_or_not(void **state)
{
	(void)state;
	/* macOS */
	assert_int_equal(pf_parse_enabled("Status: Enabled for 0 days 00:00:00           Debug: Urgent\n\n"
					  "State Table                          Total             Rate\n"),
			 1);
	assert_int_equal(pf_parse_enabled("Status: Disabled                              Debug: Urgent\n"),
			 0);
	/* FreeBSD */
	assert_int_equal(pf_parse_enabled("No ALTQ support in kernel\nALTQ related functions disabled\n"
					  "Status: Enabled for 0 days 11:50:53           Debug: Urgent\n\n"
					  "Hostid:   0xd36bdfcf\n"),
			 1);
	assert_int_equal(pf_parse_enabled(""), -1);
	assert_int_equal(pf_parse_enabled("Status: "), -1);
	assert_int_equal(pf_parse_enabled("Status: Ena"), -1); /* cut short */
	assert_int_equal(pf_parse_enabled("Enabled\n"), -1);
}

static void tokens(void **state)
{
	uint64_t token = 0;

	(void)state;
	assert_int_equal(pf_parse_token("pf enabled\nToken : 11012949885072952621\n", &token), 0);
	assert_true(token == UINT64_C(11012949885072952621));
	assert_int_equal(pf_parse_token(NOISE "pf enabled\nToken : 18446744073709551615", &token), 0);
	assert_true(token == UINT64_MAX);
	assert_int_equal(pf_parse_token("pf enabled\n", &token), -1);
	assert_int_equal(pf_parse_token("pf enabled\nToken : \n", &token), -1);
	assert_int_equal(pf_parse_token("Token : 0\n", &token), -1);
	assert_int_equal(pf_parse_token("Token : 18446744073709551616\n", &token), -1);
	assert_int_equal(pf_parse_token("Token : 123456789012345678901234567890\n", &token), -1);
	assert_int_equal(pf_parse_token("", &token), -1);
	assert_int_equal(pf_parse_token("abcde77\n", &token), -1);
}

static void references(void **state)
{
	(void)state;
	assert_int_equal(pf_parse_reference(REFERENCES, UINT64_C(15053025338191571182)), 1);
	assert_int_equal(pf_parse_reference(REFERENCES, UINT64_C(9084387343160548126)), 1);
	assert_int_equal(pf_parse_reference(REFERENCES, 4063), 1); /* a whole word, whichever it is */
	assert_int_equal(pf_parse_reference(REFERENCES, UINT64_C(908438734316054812)), 0);
	assert_int_equal(pf_parse_reference(REFERENCES, UINT64_C(5053025338191571182)), 0);
	assert_int_equal(pf_parse_reference(REFERENCES, 0), 0); /* none of ours is never held */
	assert_int_equal(pf_parse_reference("No pf starter references held\n", 1), 0);
	assert_int_equal(pf_parse_reference("", 1), -1);
	assert_int_equal(pf_parse_reference("4063     portcullisd   77\n", 77), -1); /* of what list? */
	assert_int_equal(pf_parse_reference("A TOKEN\n4063     portcullisd   77\n", 77), -1);
	assert_int_equal(pf_parse_reference("TOKENS:\nPID      Process Na", 1), -1); /* cut short */
}

static void skipped_interfaces(void **state)
{
	char name[NET_NAME_SIZE];

	(void)state;
	assert_int_equal(pf_parse_skipped("ALL\nanpi0\nen0\nlo0\nutun0\n", name), 0);
	assert_string_equal(name, "");
	assert_int_equal(pf_parse_skipped("ALL\nen0\nlo0 (skip)\nutun0\n", name), 0);
	assert_string_equal(name, ""); /* loopback passes anyhow */
	assert_int_equal(pf_parse_skipped("ALL\nlo (skip)\n", name), 0);
	assert_string_equal(name, "");
	assert_int_equal(pf_parse_skipped("ALL\nlo0 (skip)\nawdl0 (skip)\nutun0 (skip)\n", name), 0);
	assert_string_equal(name, "awdl0");
	assert_int_equal(pf_parse_skipped("en0 (skip)\n\tCleared:     Tue\n", name), 0);
	assert_string_equal(name, "en0");
	assert_int_equal(pf_parse_skipped("ALL (skip)\n", name), 0);
	assert_string_equal(name, "ALL");
	assert_int_equal(pf_parse_skipped("abcdefghijklmnopqrstuvwxyz (skip)\n", name), 0);
	assert_string_equal(name, "abcdefghijklmno");
	assert_int_equal(pf_parse_skipped("bridge100\n\tCleared: never (skip)\n", name), 0);
	assert_string_equal(name, "");
	assert_int_equal(pf_parse_skipped("", name), -1);
	assert_int_equal(pf_parse_skipped("\n", name), -1);
}

/* A rule with what -v adds. */
#define RULE(text, packets)                                                                                  \
	text "\n  [ Evaluations: 1204      Packets: " packets "       Bytes: 38104      States: 0     ]\n"   \
	     "  [ Inserted: uid 0 pid 4210 State Creations: 0     ]\n"

static const char counted[] =
    RULE("scrub in on en0 all fragment reassemble", "9") RULE("pass quick on lo0 all no state", "7")
	RULE("block drop out quick all", "412") RULE("block drop in quick all", "30");

static void rules_of_the_anchor(void **state)
{
	struct pf_rules found;
	char rules[256], small[16];

	(void)state;
	assert_int_equal(pf_parse_rules(counted, rules, sizeof rules, &found), 0);
	assert_int_equal(found.count, 4);
	assert_int_equal(found.blocked, 442);
	assert_true(found.ends_shut);
	assert_string_equal(rules, "scrub in on en0 all fragment reassemble\npass quick on lo0 all no state\n"
				   "block drop out quick all\nblock drop in quick all\n");
	assert_int_equal(pf_parse_rules(counted, small, sizeof small, &found), -1);
	assert_int_equal(pf_parse_rules("", rules, sizeof rules, &found), 0);
	assert_int_equal(found.count, 0);
	assert_false(found.ends_shut);
	assert_int_equal(pf_parse_rules("block all\n\n\nblock all\n", rules, sizeof rules, &found), 0);
	assert_int_equal(found.count, 2);
	assert_int_equal(pf_parse_rules("what is this\n", rules, sizeof rules, &found), -1);
	assert_int_equal(pf_parse_rules("block drop in quick all\nblock drop out quick all\n", rules,
					sizeof rules, &found),
			 0);
	assert_false(found.ends_shut); /* not as we wrote it */
	assert_int_equal(pf_parse_rules("block drop out quick all\nblock drop in quick all\npass quick all\n",
					rules, sizeof rules, &found),
			 0);
	assert_false(found.ends_shut);
}

/* Each of them is one, and nothing else. */
static void what_a_rule_is(void **state)
{
	static const char *const rules[] = {"pass all\n",     "block all\n",      "scrub all\n",
					    "anchor \"a\"\n", "match all\n",      "scrub-anchor \"a\"\n",
					    "no nat on a\n",  "antispoof for a\n"},
				 *const others[] = {"pass \n", "  pass all\n", "pass all\n  what\n",
						    "pass all\n[ Packets: 7 ]\n", "table <a>\n"};
	char text[64] = "x";
	struct pf_rules found;

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		assert_int_equal(pf_parse_rules(rules[i], text, sizeof text, &found), 0);
		assert_int_equal(found.count, 1);
		assert_string_equal(text, rules[i]);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_int_equal(pf_parse_rules(others[i], text, sizeof text, &found), -1);
	assert_int_equal(pf_parse_rules("", text, sizeof text, &found), 0);
	assert_string_equal(text, "");
	text[0] = 'x';
	assert_int_equal(pf_parse_rules("", text, 0, &found), 0); /* there is no room at all */
	assert_int_equal(text[0], 'x');
	assert_int_equal(pf_parse_rules("block all\n  [ Packets:77 Bytes: 9 ]\n", text, sizeof text, &found),
			 0);
	assert_int_equal(found.blocked, 0);
	assert_int_equal(
	    pf_parse_rules("block drop out quick all\npass quick all\n", text, sizeof text, &found), 0);
	assert_false(found.ends_shut);
	assert_int_equal(
	    pf_parse_rules("pass quick all\nblock drop in quick all\n", text, sizeof text, &found), 0);
	assert_false(found.ends_shut);
}

static void rules_are_counted_as_pfctl_expands_them(void **state)
{
	(void)state;
	assert_int_equal(pf_count_rules(""), 0);
	assert_int_equal(pf_count_rules("# pass { a, b }\ntable <t> const { 10.0.0.0/8, fe80::/10 }\n"), 0);
	assert_int_equal(pf_count_rules("no nat on ! lo0 all\nno rdr on ! lo0 all\n"),
			 0); /* not among them */
	assert_int_equal(pf_count_rules("pass in quick on en0 all\nblock drop in quick all"), 2);
	assert_int_equal(pf_count_rules("scrub in on { en0, en1, en2 } all fragment reassemble\n"), 3);
	assert_int_equal(
	    pf_count_rules("block drop out quick on ! utun87 proto udp from any to any port { 53, "
			   "853 }\npass out quick on { en0, en1 } inet6 proto icmp6 from { ::, "
			   "<neighbours6> } to any user { 0, 65 }\n"),
	    2 + 8);
	assert_int_equal(pf_count_rules("pass a, b, c } d\n"), 1);
	assert_int_equal(pf_count_rules("pass } out { , { a\n"), 1); /* no text of ours; and no crash */
}

#define OURS "anchor \"org.portcullis\" all\n"
#define SCRUB "scrub-anchor \"org.portcullis\" all fragment reassemble\n"
#define NAT "nat-anchor \"org.portcullis\" all\nrdr-anchor \"org.portcullis\" all\n"
/* Recorded on macOS, with Internet Sharing on. */
#define APPLE_SCRUB                                                                                          \
	"scrub-anchor \"com.apple/*\" all fragment reassemble\n"                                             \
	"scrub-anchor \"com.apple.internet-sharing\" all fragment reassemble\n"
#define APPLE "anchor \"com.apple/*\" all\nanchor \"com.apple.internet-sharing\" all\n"
#define APPLE_NAT                                                                                            \
	"nat-anchor \"com.apple/*\" all\nnat-anchor \"com.apple.internet-sharing\" all\n"                    \
	"rdr-anchor \"com.apple/*\" all\nrdr-anchor \"com.apple.internet-sharing\" all\n"
/* nat before rdr, as pfctl prints them. */
#define BOTH_NAT                                                                                             \
	"nat-anchor \"org.portcullis\" all\nnat-anchor \"com.apple/*\" all\n"                                \
	"rdr-anchor \"org.portcullis\" all\nrdr-anchor \"com.apple/*\" all\n"

static void main_rules_that_are_right(void **state)
{
	(void)state;
	assert_null(pf_judge_main(PF_APPLE, SCRUB APPLE_SCRUB OURS APPLE, BOTH_NAT));
	assert_null(pf_judge_main(PF_APPLE, APPLE_SCRUB SCRUB OURS, NAT));
	assert_null(pf_judge_main(PF_FREEBSD, "scrub in all fragment reassemble\n" OURS, NAT));
	assert_null(pf_judge_main(PF_APPLE,
				  SCRUB "block drop in all\npass out all flags S/SA keep state\n" OURS, NAT));
	assert_null(
	    pf_judge_main(PF_FREEBSD, "\nblock drop in quick all\n\n" OURS,
			  "\nrdr-anchor \"org.portcullis\" all\nnat-anchor \"org.portcullis\" all\n"));
	assert_true(pf_calls_us(SCRUB, ""));
	assert_true(pf_calls_us("", "nat-anchor \"org.portcullis\" all\n"));
	assert_true(pf_calls_us("", "rdr-anchor \"org.portcullis\" all\n"));
	assert_true(pf_calls_us(SCRUB OURS, NAT));
	assert_true(pf_calls_us("", NAT));
	assert_true(pf_calls_us("anchor \"org.portcullis\" in on en0 all\n", ""));
	assert_false(pf_calls_us(APPLE_SCRUB APPLE, APPLE_NAT));
	assert_false(pf_calls_us("anchor \"org.portcullis2\" all\n", ""));
}

static void main_rules_that_are_wrong(void **state)
{
	static const char *const bad[][3] = {
	    {APPLE_SCRUB APPLE, APPLE_NAT, "do not call our anchor"},
	    {"", "", "do not call our anchor"},
	    {SCRUB APPLE OURS, BOTH_NAT, "another anchor"},
	    {SCRUB "pass in quick on en0 all\n" OURS, NAT, "`pass quick`"},
	    {SCRUB "anchor \"org.portcullis\" on en0 all\n", NAT, "for some packets only"},
	    {SCRUB "anchor \"org.portcullis\" all {\n" OURS, NAT, "for some packets only"},
	    {SCRUB "anchor all {\n  pass all\n}\n" OURS, NAT, "another anchor"},
	    {SCRUB "match in all\n" OURS, NAT, "something unknown"},
	    {OURS, NAT, "scrub-anchor"},
	    {SCRUB OURS, "", "not called before translation"},
	    {SCRUB OURS, "nat-anchor \"org.portcullis\" all\n", "not called before translation"},
	    {SCRUB OURS, "rdr-anchor \"org.portcullis\" all\n", "not called before translation"},
	    {SCRUB OURS, APPLE_NAT, "translated before"},
	    {SCRUB OURS, "nat-anchor \"com.apple/*\" all\n" NAT, "translated before"},
	    {SCRUB OURS, "nat pass on en0 all -> 192.0.2.1\n" NAT, "translated before"},
	    {SCRUB OURS, NAT "binat pass on en0 inet from 192.168.1.23 to any -> 198.51.100.9\n", "`binat`"},
	    {SCRUB OURS, "binat on en0 inet from 192.168.1.23 to any -> 198.51.100.9\n" BOTH_NAT, "`binat`"},
	    {SCRUB OURS, NAT "binat-anchor \"a\" all\n", "`binat`"},
	    {SCRUB OURS,
	     "nat-anchor \"org.portcullis\" all\nrdr pass all -> ::1\nrdr-anchor \"org.portcullis\" all\n",
	     "translated before"}};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *said = pf_judge_main(PF_APPLE, bad[i][0], bad[i][1]);

		if (said == NULL || strstr(said, bad[i][2]) == NULL)
			fail_msg("%zu: %s and not %s", i, said, bad[i][2]);
	}
}

/* Each prefix of an answer is no good news: what was cut is never taken for right. */
static void cut_short_is_never_right(void **state)
{
	static const char main_rules[] = SCRUB OURS, nat[] = BOTH_NAT;
	char cut[512];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof main_rules - 1; i++) {
		snprintf(cut, sizeof cut, "%.*s", (int)i, main_rules);
		assert_non_null(pf_judge_main(PF_APPLE, cut, nat));
	}
	for (size_t i = 0; i < strlen("nat-anchor \"org.portcullis\" all\nnat-anchor \"com.apple/*\" all\n");
	     i++) {
		snprintf(cut, sizeof cut, "%.*s", (int)i, nat);
		assert_non_null(pf_judge_main(PF_APPLE, main_rules, cut));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(noise_goes_and_errors_stay),
	    cmocka_unit_test(complaints_are_one_line),
	    cmocka_unit_test(enabled_or_not),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(references),
	    cmocka_unit_test(skipped_interfaces),
	    cmocka_unit_test(rules_of_the_anchor),
	    cmocka_unit_test(what_a_rule_is),
	    cmocka_unit_test(rules_are_counted_as_pfctl_expands_them),
	    cmocka_unit_test(main_rules_that_are_right),
	    cmocka_unit_test(main_rules_that_are_wrong),
	    cmocka_unit_test(cut_short_is_never_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
