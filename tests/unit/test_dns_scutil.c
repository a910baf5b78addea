/* scutil's language: what macOS's resolver port feeds it, and what it says back.
 *
 * Recorded output, from public material:
 *  - anyconnect: `get State:/Network/Service/com.cisco.anyconnect/DNS`, `d.show` in the README of
 *    github.com/slmingol/doxctl (trailing blanks were lost there);
 *  - ppp, cut: Tunnelblick's issue 74 (Mac OS X 10.5.6, a 3G modem, and a dump that was cut when quoted).
 * The rest is written from scutil(8) and configd's source (scutil.tproj, SCD.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "os/dns/scutil_text.h"

#define OURS "State:/Network/Service/6F72672E-706F-7274-6375-6C6C69732E31"

static const char anyconnect[] = "<dictionary> {\n"
				 "  DomainName : bandwidth.local\n"
				 "  SearchDomains : <array> {\n"
				 "    0 : bandwidth.local\n"
				 "  }\n"
				 "  SearchOrder : 1\n"
				 "  ServerAddresses : <array> {\n"
				 "    0 : 10.5.0.18\n"
				 "    1 : 10.5.0.19\n"
				 "    2 : 192.168.7.85\n"
				 "  }\n"
				 "  SupplementalMatchDomains : <array> {\n"
				 "    0 :\n"
				 "    1 : bandwidth.local\n"
				 "  }\n"
				 "}\n";
static const char ppp[] = "<dictionary> {\n"
			  "  SupplementalMatchDomains : <array> {\n"
			  "    0 : \n"
			  "  }\n"
			  "  ServerAddresses : <array> {\n"
			  "    0 : 213.94.78.16\n"
			  "    1 : 213.94.78.17\n"
			  "  }\n"
			  "  SupplementalMatchOrders : <array> {\n"
			  "    0 : 100000\n"
			  "  }\n"
			  "}\n";
static const char cut[] = "<dictionary> {\n"
			  "  ServerAddresses : <array> {\n"
			  "    0 : 213.94.78.16\n"
			  "    1 : 213.94.78.17\n"
			  "}\n";
static const char loopback[] = "<dictionary> {\n"
			       "  InterfaceName : *\n"
			       "  ServerAddresses : <array> {\n"
			       "    0 : 127.0.0.1\n"
			       "  }\n"
			       "  ServerPort : 53535\n"
			       "  SupplementalMatchDomains : <array> {\n"
			       "    0 : \n"
			       "    1 : captive.apple.com\n"
			       "    2 : netcts.cdn-apple.com\n"
			       "  }\n"
			       "}\n";

static struct wire_tunnel a_tunnel(void)
{
	struct wire_tunnel tunnel = {.name = "utun87", .domains = {"corp.example"}};

	net_address_parse("10.8.0.2", &tunnel.address4);
	net_address_parse("10.8.0.1", &tunnel.dns[0]);
	net_address_parse("fd00::1", &tunnel.dns[2]);
	return tunnel;
}

static void test_the_tunnels_servers(void **state)
{
	struct wire_tunnel tunnel = a_tunnel();
	char script[SCUTIL_TEXT];
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	scutil_of_tunnel(&tunnel, &dns);
	assert_int_equal(scutil_print_set(&dns, &tunnel, script, sizeof script, &e), 0);
	assert_string_equal(script, "d.init\n"
				    "d.add ServerAddresses * 10.8.0.1 fd00::1\n"
				    "d.add SupplementalMatchDomains * \"\" corp.example\n"
				    "d.add SearchDomains * corp.example\n"
				    "set " OURS "/DNS\n"
				    "d.init\n"
				    "d.add InterfaceName utun87\n"
				    "d.add Addresses * 10.8.0.2\n"
				    "set " OURS "/IPv4\n"
				    "remove " OURS "/IPv6\n"
				    "quit\n");
}

static void test_the_loopback(void **state)
{
	char script[SCUTIL_TEXT];
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	scutil_of_loopback(53535, &dns);
	assert_int_equal(scutil_print_set(&dns, NULL, script, sizeof script, &e), 0);
	assert_string_equal(script,
			    "d.init\n"
			    "d.add ServerAddresses * 127.0.0.1\n"
			    "d.add ServerPort # 53535\n"
			    "d.add SupplementalMatchDomains * \"\" captive.apple.com netcts.cdn-apple.com\n"
			    "d.add InterfaceName - *\n"
			    "set " OURS "/DNS\n"
			    "remove " OURS "/IPv4\n"
			    "remove " OURS "/IPv6\n"
			    "quit\n");
}

/* Whatever a server pushed: no word that scutil would take for another one. */
static void test_hostile_words(void **state)
{
	struct wire_tunnel tunnel = a_tunnel();
	static const char *const hostile[] = {"a b",   "x\nquit", "\"",   "*",   "-",     "#",
					      "a\\ b", ".",       "?",    "%",   "a;b",   "\xc3\xa4",
					      "$(id)", "-a",      "a\tb", "<a>", "utf\r", ""};
	char script[SCUTIL_TEXT];
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		text_copy(tunnel.domains[0], WIRE_DOMAIN, hostile[i]);
		scutil_of_tunnel(&tunnel, &dns);
		assert_int_equal(dns.domain_count, 1); /* "", every name */
	}
	text_copy(tunnel.domains[0], WIRE_DOMAIN, "good.example"); /* the control */
	scutil_of_tunnel(&tunnel, &dns);
	assert_int_equal(dns.domain_count, 2);
	/* A link that is none gives no entity of its own. */
	text_copy(tunnel.name, sizeof tunnel.name, "u\nquit");
	assert_int_equal(scutil_print_set(&dns, &tunnel, script, sizeof script, &e), 0);
	assert_null(strstr(script, "u\nquit"));
	assert_non_null(strstr(script, "remove " OURS "/IPv4\n"));
}

static void test_too_little_room(void **state)
{
	struct wire_tunnel tunnel = a_tunnel();
	char script[64];
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	scutil_of_tunnel(&tunnel, &dns);
	assert_int_equal(scutil_print_set(&dns, &tunnel, script, sizeof script, &e), -1);
	assert_string_equal(e.text, "scutil: the input is too long");
	memset(&tunnel, 0, sizeof tunnel);
	scutil_of_tunnel(&tunnel, &dns);
	assert_int_equal(dns.server_count, 0);
}

/* The longest that a tunnel can say fits, and each line of it into scutil's 2,048 bytes. */
static void test_the_longest_fits(void **state)
{
	struct wire_tunnel tunnel = a_tunnel();
	char script[SCUTIL_TEXT];
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < WIRE_SERVERS; i++)
		net_address_parse("2001:db8:1234:5678:9abc:def0:1234:5678", &tunnel.dns[i]);
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		memset(tunnel.domains[i], 'a', WIRE_DOMAIN - 1);
		tunnel.domains[i][WIRE_DOMAIN - 1] = '\0';
	}
	net_address_parse("fd00::2", &tunnel.address6);
	scutil_of_tunnel(&tunnel, &dns);
	assert_int_equal(scutil_print_set(&dns, &tunnel, script, sizeof script, &e), 0);
	assert_non_null(strstr(script, "set " OURS "/IPv6\nquit\n"));
	for (char *line = strtok(script, "\n"); line != NULL; line = strtok(NULL, "\n"))
		assert_true(strlen(line) < 2047);
}

static void test_recorded(void **state)
{
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	assert_int_equal(scutil_read_show(anyconnect, &dns, &e), 0);
	assert_int_equal(dns.server_count, 3);
	assert_string_equal(dns.servers[2], "192.168.7.85");
	assert_int_equal(dns.domain_count, 2);
	assert_string_equal(dns.domains[0], "");
	assert_string_equal(dns.domains[1], "bandwidth.local");
	assert_int_equal(dns.port, 0);
	assert_int_equal(scutil_read_show(ppp, &dns, &e), 0);
	assert_int_equal(dns.server_count, 2);
	assert_string_equal(dns.servers[0], "213.94.78.16");
	assert_int_equal(dns.domain_count, 1);
	assert_int_equal(scutil_read_show(cut, &dns, &e), -1);
	assert_string_equal(e.text, "scutil: its output is incomplete");
}

static void test_what_was_set_is_known_again(void **state)
{
	struct wire_tunnel tunnel = a_tunnel();
	struct scutil_dns want, found;
	struct err e = {""};
	static const char *const changes[][2] = {{"127.0.0.1", "127.0.0.2"},
						 {"53535", "53536"},
						 {"ServerPort", "ServerPart"},
						 {": *", ": e"},
						 {"InterfaceName", "InterfaceNam_"},
						 {"captive", "captivE"},
						 {"ServerAddresses", "ServerAddresse_"},
						 {"SupplementalMatchDomains", "SupplementalMatchDomain_"}};
	char changed[sizeof loopback];

	(void)state;
	scutil_of_loopback(53535, &want);
	assert_int_equal(scutil_read_show(loopback, &found, &e), 0);
	assert_true(scutil_same(&want, &found));
	/* Each one change is seen. */
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		memcpy(changed, loopback, sizeof loopback);
		memcpy(strstr(changed, changes[i][0]), changes[i][1], strlen(changes[i][1]));
		assert_int_equal(scutil_read_show(changed, &found, &e), 0);
		assert_false(scutil_same(&want, &found));
	}
	scutil_of_loopback(53536, &found);
	assert_false(scutil_same(&want, &found));
	scutil_of_tunnel(&tunnel, &found);
	assert_false(scutil_same(&want, &found));
}

static void test_errors_are_words(void **state)
{
	struct scutil_dns dns;
	struct err e = {""};

	(void)state;
	assert_int_equal(scutil_read_show("  No such key\n", &dns, &e), 1);
	assert_int_equal(scutil_read_show("", &dns, &e), -1);
	assert_string_equal(e.text, "scutil: no output");
	assert_int_equal(scutil_read_show("  Permission denied\n", &dns, &e), -1);
	assert_string_equal(e.text, "scutil: says \"Permission denied\"");
	assert_int_equal(scutil_read_show("<dictionary> {\n  ServerPort : 65536\n}\n", &dns, &e), -1);
	assert_int_equal(scutil_read_show("<dictionary> {\n  what\n}\n", &dns, &e), -1);
	assert_int_equal(scutil_read_show("<dictionary> {\n  ServerPort : 7", &dns, &e), -1);
	assert_int_equal(scutil_read_set("", &e), 0);
	assert_int_equal(scutil_read_set("  No such key\n  No such key\n", &e), 0);
	assert_int_equal(scutil_read_set("  Permission denied\n", &e), -1);
	assert_int_equal(scutil_read_set("d.add: no values.\n\x1b[2J\n", &e), -1);
	assert_int_equal(scutil_read_remove("  No such key\n  No such key\n  No such key\n  no keys.\n", &e),
			 0);
	assert_int_equal(scutil_read_remove("", &e), -1);
	assert_int_equal(scutil_read_remove("  subKey [0] = " OURS "/DNS\n", &e), -1);
}

/* Too many, too long, nested: refused or passed over, never taken for ours. */
static void test_what_is_not_ours(void **state)
{
	char said[4096] = "<dictionary> {\n  ServerAddresses : <array> {\n";
	struct scutil_dns dns;
	struct err e = {""};
	size_t used = strlen(said);

	(void)state;
	for (int i = 0; i <= WIRE_SERVERS; i++)
		text_append(said, sizeof said, &used, "    %d : 10.0.0.%d\n", i, i);
	text_append(said, sizeof said, &used, "  }\n}\n");
	assert_int_equal(scutil_read_show(said, &dns, &e), -1);
	assert_int_equal(scutil_read_show("<dictionary> {\n"
					  "  Other : <dictionary> {\n"
					  "    ServerPort : 1\n"
					  "    ServerAddresses : <array> {\n"
					  "      0 : 192.0.2.1\n"
					  "    }\n"
					  "  }\n"
					  "  ServerAddresses : <array> {\n"
					  "    0 : 10.0.0.1\n"
					  "  }\n"
					  "}\n",
					  &dns, &e),
			 0);
	assert_int_equal(dns.server_count, 1);
	assert_string_equal(dns.servers[0], "10.0.0.1");
	assert_int_equal(dns.port, 0);
	assert_int_equal(
	    scutil_read_show(
		"<dictionary> {\n  InterfaceName : a name that is longer than any interface's\n}\n", &dns,
		&e),
	    -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_tunnels_servers),
	    cmocka_unit_test(test_the_loopback),
	    cmocka_unit_test(test_hostile_words),
	    cmocka_unit_test(test_too_little_room),
	    cmocka_unit_test(test_the_longest_fits),
	    cmocka_unit_test(test_recorded),
	    cmocka_unit_test(test_what_was_set_is_known_again),
	    cmocka_unit_test(test_errors_are_words),
	    cmocka_unit_test(test_what_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
