/* The wall behind the parser: the canonical form, checked line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/canonical.h"
#include "golden.h"
#include "guard.h"
#include "journal.h"

#define HEAD "remote vpn.example 1194 udp 192.0.2.1 2001:db8::1\nneeds 1\n\n"

static int check(const char *text, size_t length, struct err *e)
{
	struct guard guard;
	char *exact = guard_open(&guard, length);
	int result;

	memcpy(exact, text, length);
	e->text[0] = '\0';
	result = canonical_check(exact, length, e);
	guard_close(&guard);
	return result;
}

static void assert_good(const char *text)
{
	struct err e;

	if (check(text, strlen(text), &e) == -1)
		fail_msg("%s: %s", text, e.text);
}

static void assert_bad(const char *text, const char *with)
{
	struct err e;

	if (check(text, strlen(text), &e) == 0)
		fail_msg("taken: %s", text);
	if (strstr(e.text, with) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", with, e.text);
}

static void test_good(void **state)
{
	(void)state;
	assert_good(HEAD);
	assert_good(HEAD "client\n");
	assert_good("remote a 1 tcp\nremote b 65535 udp\nneeds 0\n\nclient\n");
	assert_good(HEAD "mssfix \"1400\" \"mtu\"\nverify-x509-name \"a \\\"b\\\" \\\\\"\n");
	assert_good(HEAD
		    "<ca>\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n</ca>\nclient\n");
	assert_good(HEAD "providers \"default\" \"legacy\"\n");
}

static void test_head(void **state)
{
	(void)state;
	assert_bad("", "line 0");
	assert_bad("client\n", "line 1: not a remote");
	assert_bad("needs 1\n\nclient\n", "line 1: not a remote");
	assert_bad("remote a 1 udp\nneeds 1\nclient\n", "line 3: not an empty line");
	assert_bad("remote a 1 udp\nneeds 4\n\n", "line 2");
	assert_bad("remote a 1 udp\nneeds 1", "line 1");
	assert_bad("remote a 0 udp\nneeds 1\n\n", "line 1");
	assert_bad("remote a 65536 udp\nneeds 1\n\n", "line 1");
	assert_bad("remote a 1 sctp\nneeds 1\n\n", "line 1");
	assert_bad("remote a 1\nneeds 1\n\n", "line 1");
	assert_bad("remote a/b 1 udp\nneeds 1\n\n", "line 1");
	assert_bad("remote  1 udp\nneeds 1\n\n", "line 1");
	assert_bad("remote a 1 udp 127.0.0.1\nneeds 1\n\n", "line 1");
	assert_bad("remote a 1 udp example\nneeds 1\n\n", "line 1");
	assert_bad("remote a 1 udp \nneeds 1\n\n", "line 1");
	assert_bad("romete a 1 udp\nneeds 1\n\n", "line 1: not a remote");
	assert_bad("remote a 1 udp\nneeds 11\n\n", "line 2: not a remote");
	assert_bad("remote a 1 udp\nneeds \n\n", "line 2: not a remote");
	assert_bad("remote a 1 udp\nmeets 1\n\n", "line 2: not a remote");
}

#define REMOTE "remote a 1 udp\n"
#define NEEDS "needs 2\n\nclient\nhand-window \"7\"\n"

/* Each once, in the order of the table, within its bounds, nowhere else. */
static void test_settings(void **state)
{
	static const char *const good[] = {
	    "",
	    "set connect-timeout 1\n",
	    "set connect-timeout 3600\n",
	    "set dead-peer 10\n",
	    "set dead-peer 120\n",
	    "set hand-window 1\n",
	    "set hand-window 3600\n",
	    "set remote-random 1\n",
	    "set server-poll-timeout 1\n",
	    "set server-poll-timeout 3600\n",
	    "set connect-timeout 5\nset dead-peer 60\nset hand-window 6\n",
	    "set connect-timeout 5\nset remote-random 1\nset server-poll-timeout 8\n",
	};
	static const char *const bad[] = {
	    "set connect-timeout 0\n",
	    "set connect-timeout 3601\n",
	    "set dead-peer 0\n",
	    "set dead-peer 9\n",
	    "set dead-peer 121\n",
	    "set hand-window 0\n",
	    "set hand-window 3601\n",
	    "set remote-random 0\n",
	    "set remote-random 2\n",
	    "set server-poll-timeout 0\n",
	    "set server-poll-timeout 3601\n",
	    "set server-poll-timeout -1\n",
	    "set server-poll-timeout 4 \n",
	    "set server-poll-timeout 4 4\n",
	    "set server-poll-timeout \n",
	    "set server-poll-timeout\n",
	    "set server-poll-timeout \"4\"\n",
	    "set  server-poll-timeout 4\n",
	    "set server-poll-timeou 4\n",
	    "set server-poll-timeoutx 4\n",
	    "sets server-poll-timeout 4\n",
	    "set\n",
	    "set \n",
	    "set verb 4\n",
	    "set server-poll-timeout 0000000000000000000000000000000000000000000000000000000000004\n",
	    "set hand-window 5\nset hand-window 5\n",
	    "set hand-window 5\nset connect-timeout 5\n",
	    "set hand-window 5\nremote b 1 udp\n",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(text, sizeof text, REMOTE "%s" NEEDS, good[i]);
		assert_good(text);
		assert_int_equal(canonical_needs(text, strlen(text)), 2);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, REMOTE "%s" NEEDS, bad[i]);
		assert_bad(text, "not a remote, a setting or needs");
	}
	assert_bad("set hand-window 5\n" REMOTE NEEDS, "line 1: not a remote");
	assert_bad(REMOTE "needs 2\nset hand-window 5\n\n", "line 3: not an empty line");
	assert_bad(REMOTE "set hand-window 5\nset connect-timeout 5\n" NEEDS, "line 3: ");
	assert_bad(REMOTE "set hand-window 5\n", "line 3: ");
	assert_bad(REMOTE "set hand-window 5\nneeds 1\nclient\n", "line 4: not an empty line");
	assert_bad(REMOTE NEEDS "set hand-window 5\n", "not an allowed option");
	memcpy(text, REMOTE "set hand-window 5\0\n" NEEDS, sizeof REMOTE NEEDS + 19);
	assert_int_equal(check(text, sizeof REMOTE NEEDS + 18, &(struct err){""}), -1);
}

static void test_what_is_set(void **state)
{
	static const char text[] = REMOTE "set hand-window 60\nset server-poll-timeout 4\n" NEEDS
					  "<key>\nset remote-random 1\n</key>\n",
			  none[] = REMOTE NEEDS;
	char less[sizeof text];
	size_t length = sizeof text - 1;
	uint32_t value = 77;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *of = i == 0 ? text : less;

		assert_true(canonical_setting(of, length, "server-poll-timeout", &value));
		assert_int_equal(value, 4);
		assert_true(canonical_setting(of, length, "hand-window", &value));
		assert_int_equal(value, 60);
		assert_false(canonical_setting(of, length, "connect-timeout", &value));
		assert_false(canonical_setting(of, length, "remote-random", &value));
		assert_false(canonical_setting(of, length, "hand-windo", &value));
		assert_int_equal(value, 60);
		assert_int_equal(canonical_needs(of, length), 2);
		length = canonical_without_keys(text, sizeof text - 1, less);
	}
	assert_false(canonical_setting(none, sizeof none - 1, "hand-window", &value));
}

/* Nothing is written past what a remote has room for. */
static void test_long_remotes(void **state)
{
	char text[4096] = "remote a 1 udp";

	(void)state;
	for (int i = 0; i < CANONICAL_ADDRESSES; i++)
		strcat(text, " 192.0.2.1");
	strcat(text, "\nneeds 1\n\n");
	assert_good(text);
	strcpy(strchr(text, '\n'), " 192.0.2.1\nneeds 1\n\n");
	assert_bad(text, "line 1: not a remote");
	strcpy(text, "remote ");
	memset(text + strlen(text), 'a', 3000);
	strcpy(text + 3007, " 1 udp\nneeds 1\n\n");
	assert_bad(text, "line 1: not a remote");
}

static void test_lines(void **state)
{
	(void)state;
	assert_bad(HEAD "ping-restart \"60\"\n", "not an allowed option");
	assert_bad(HEAD "keepalive \"10\" \"60\"\n", "not an allowed option");
	assert_bad(HEAD "plugin \"/x.so\"\n", "line 4: not an allowed option");
	assert_bad(HEAD "client", "no line end");
	assert_bad(HEAD "\n", "not an allowed option");
	assert_bad(HEAD " client\n", "not an allowed option");
	assert_bad(HEAD "--client\n", "not an allowed option");
	assert_bad(HEAD "client \n", "not a quoted argument");
	assert_bad(HEAD "client \"x\"\n", "too many arguments");
	assert_bad(HEAD "auth-user-pass \"/etc/shadow\"\n", "too many arguments");
	assert_bad(HEAD "mssfix 1400\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"1400\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"1400\\\"\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"14\\x00\"\n", "not a quoted argument");
	assert_bad(HEAD "mssfix  \"1400\"\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"1400\"\"mtu\"\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"14\t00\"\n", "not a quoted argument");
	assert_bad(HEAD "mssfix \"14\x80\"\n", "not a quoted argument");
	assert_bad(HEAD "ca \"/etc/shadow\"\n", "not an allowed option");
	assert_bad(HEAD "providers \"default\" \"/x.so\"\n", "not a provider's name");
	assert_bad(HEAD "providers \"legacy\\\"\" \n", "not a provider's name");
	assert_bad(HEAD "cipher \"none\"\n", "turns off encryption or authentication");
	assert_bad(HEAD "data-ciphers \"AES-256-GCM:NonE\"\n", "turns off encryption or authentication");
	assert_bad(HEAD "auth \"none\"\n", "turns off encryption or authentication");
	assert_bad(HEAD "tls-cipher \"COMPLEMENTOFALL\"\n", "turns off encryption or authentication");
	assert_bad(HEAD "tls-cipher \"ALL:!eNULL:!aNULL:eNULL\"\n", "turns off encryption or authentication");
	assert_good(HEAD "tls-cipher \"ALL:!eNULL:!aNULL\"\n");
	assert_good(HEAD "auth \"SHA256\"\n");
	assert_bad(HEAD "setenv \"LD_PRELOAD\" \"/x.so\"\n", "not an allowed option");
	assert_bad(HEAD "remote \"192.0.2.9\"\n", "not an allowed option");
}

#define FILTERS                                                                                              \
	"pull-filter \"accept\" \"dhcp-option DNS 10.\"\n"                                                   \
	"pull-filter \"ignore\" \"dhcp-option DNS\"\n"                                                       \
	"pull-filter \"reject\" \"a \\\"b\\\\\"\n"                                                           \
	"pull-filter \"accept\" \"a\"\n"

static void test_filters(void **state)
{
	static const char text[] = HEAD "mssfix \"1400\"\n" FILTERS "<key>\nsecret\n</key>\n";
	char less[sizeof text];
	size_t length = canonical_without_keys(text, sizeof text - 1, less);

	(void)state;
	assert_int_equal(length, strlen(HEAD FILTERS));
	assert_memory_equal(less, HEAD FILTERS, length);
	for (int i = 0; i < 2; i++) {
		const char *from = i == 0 ? text : less;
		size_t size = i == 0 ? sizeof text - 1 : length;

		assert_true(canonical_takes_push(from, size, "dhcp-option DNS 10.0.0.1"));
		assert_true(canonical_takes_push(from, size, "  dhcp-option DNS 10.0.0.1"));
		assert_false(canonical_takes_push(from, size, "dhcp-option DNS 192.0.2.1"));
		assert_false(canonical_takes_push(from, size, "\tdhcp-option DNS6 fd00::1"));
		assert_true(canonical_takes_push(from, size, "dhcp-option DOMAIN x"));
		assert_false(canonical_takes_push(from, size, "a \"b\\"));
		assert_true(canonical_takes_push(from, size, "a \"c"));
		assert_true(canonical_takes_push(from, size, ""));
	}
	assert_true(canonical_has(HEAD "route-nopull\n", strlen(HEAD "route-nopull\n"), "route-nopull"));
	assert_false(canonical_has(HEAD "route\n", strlen(HEAD "route\n"), "route-nopull"));
}

/* The last line of a text is a filter, or shorter than one: no byte behind it is read or copied. */
static void test_the_last_line(void **state)
{
	static const char *const texts[] = {HEAD "pull-filter \"ignore\" \"a\"\n", HEAD "client\n",
					    HEAD "p\n"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t length = strlen(texts[i]), used = i == 0 ? length : strlen(HEAD);
		struct guard from, to;
		char *text = guard_open(&from, length), *less = guard_open(&to, used);

		memcpy(text, texts[i], length);
		assert_int_equal(canonical_without_keys(text, length, less), used);
		assert_memory_equal(less, texts[i], used);
		assert_int_equal(canonical_takes_push(text, length, "abc"), i != 0);
		assert_false(canonical_has(text, length, "pull-filter-of-all"));
		guard_close(&from);
		guard_close(&to);
	}
}

/* A filter without a text is for everything that is pushed; one that is too long is none. */
static void test_filters_of_another_length(void **state)
{
	static const char all[] = HEAD "pull-filter \"accept\" \"route\"\npull-filter \"ignore\"\n";
	char text[1024] = HEAD "pull-filter \"ignore\" \"", *end = text + strlen(text);

	(void)state;
	assert_true(canonical_takes_push(all, strlen(all), "route 10.0.0.0"));
	assert_false(canonical_takes_push(all, strlen(all), "ping 10"));
	memset(end, 'a', 600);
	strcpy(end + 600, "\"\n");
	assert_true(canonical_takes_push(text, strlen(text), end));
}

static void test_line_length(void **state)
{
	char pad[300], text[512];

	(void)state;
	memset(pad, 'a', sizeof pad);
	pad[CANONICAL_LINE_MAX - strlen("remote-cert-eku \"\"")] = '\0';
	snprintf(text, sizeof text, HEAD "remote-cert-eku \"%s\"\n", pad);
	assert_good(text);
	snprintf(text, sizeof text, HEAD "remote-cert-eku \"%sa\"\n", pad);
	assert_bad(text, "line 4: too long");
}

static void test_blocks(void **state)
{
	char pad[200], text[512];

	(void)state;
	assert_bad(HEAD "<plugin>\n/x.so\n</plugin>\n", "line 4: not an allowed block");
	assert_bad(HEAD "<mssfix>\n1400\n</mssfix>\n", "line 4: not an allowed block");
	assert_bad(HEAD "<ca>\nAA==\n", "the block is not closed");
	assert_bad(HEAD "<ca>\nAA==\n</ca>x\nplugin \"/x.so\"\n", "line 6: a byte that is not allowed");
	assert_bad(HEAD "<ca>\n </ca>\n</ca>\n", "line 5: a byte that is not allowed");
	assert_bad(HEAD "<ca>\nA_\n</ca>\n", "line 5: a byte that is not allowed");
	assert_bad(HEAD "<ca\nAA==\n</ca>\n", "line 4: not an allowed block");
	assert_bad(HEAD "<>\n</>\n", "line 4: not an allowed block");
	assert_bad(HEAD "</ca>\n", "line 4: not an allowed block");
	assert_bad(HEAD "<ca>\nAAca>\n</ca>\n", "line 5: a byte that is not allowed");
	assert_bad(HEAD "<connection>\n</connection>\n", "line 4: not an allowed block");
	memset(pad, 'A', sizeof pad);
	pad[101] = '\0';
	snprintf(text, sizeof text, HEAD "<ca>\n%s\n</ca>\n", pad);
	assert_bad(text, "line 5: too long");
}

static void test_bytes(void **state)
{
	static const char nul[] = HEAD "client\0\n", inside[] = HEAD "<ca>\nAA\0==\n</ca>\n",
			  head[] = "remote a 1 udp\0\nneeds 1\n\n";
	struct err e;

	(void)state;
	assert_int_equal(check(nul, sizeof nul - 1, &e), -1);
	assert_int_equal(check(inside, sizeof inside - 1, &e), -1);
	assert_int_equal(check(head, sizeof head - 1, &e), -1);
	assert_bad(HEAD "client\r\n", "not an allowed option");
	assert_int_equal(canonical_check(NULL, (size_t)CANONICAL_SIZE_MAX + 1, &e), -1);
}

static void test_reading(void **state)
{
	static const char text[] =
	    "remote vpn.example 1194 udp 192.0.2.1 2001:db8::1\nremote b 443 tcp\nneeds 3\n\n"
	    "client\n<ca>\nroute-nopull\n</ca>\nmssfix \"0\"\n";
	struct canonical_remote remote;
	char address[NET_ADDRESS_TEXT];
	size_t at = 0;

	(void)state;
	assert_good(text);
	assert_true(canonical_next_remote(text, strlen(text), &at, &remote));
	assert_string_equal(remote.host, "vpn.example");
	assert_int_equal(remote.port, 1194);
	assert_int_equal(remote.proto, NET_UDP);
	assert_int_equal(remote.address_count, 2);
	assert_string_equal(net_address_text(&remote.addresses[1], address), "2001:db8::1");
	assert_true(canonical_next_remote(text, strlen(text), &at, &remote));
	assert_int_equal(remote.proto, NET_TCP);
	assert_int_equal(remote.address_count, 0);
	assert_false(canonical_next_remote(text, strlen(text), &at, &remote));
	assert_int_equal(canonical_needs(text, strlen(text)), 3);
	assert_true(strncmp(canonical_body(text, strlen(text)), "client\n", 7) == 0);
	assert_true(canonical_has(text, strlen(text), "client"));
	assert_true(canonical_has(text, strlen(text), "mssfix"));
	assert_false(canonical_has(text, strlen(text), "mss"));
	assert_false(canonical_has(text, strlen(text), "remote"));
	assert_false(canonical_has(text, strlen(text), "route-nopull"));
}

/* What is cut or not closed ends where it is cut. */
static void test_cut(void **state)
{
	static const char filter[] = HEAD "pull-filter \"ignore\" \"route\nclient \"x\"\n";
	struct canonical_remote remote;
	size_t at = 0;

	(void)state;
	assert_bad(HEAD "auth \"a\x7f\"\n", "not a quoted argument");
	assert_bad(HEAD "auth \"a\x1f\"\n", "not a quoted argument");
	assert_bad(HEAD "auth aSHA256\"\n", "not a quoted argument");
	assert_bad("remote a 1 udp\nneeds /\n\n", "not a remote");
	assert_bad("remote a 1 udp\nneeds 4\n\n", "not a remote");
	assert_bad(HEAD "<ca]\nAA==\n</ca]\n", "not an allowed block");
	assert_bad(HEAD "<ca>\nAA==\n</xx>\n", "not allowed in a block");
	assert_false(canonical_next_remote("remote a 1 udp", 14, &at, &remote));
	assert_false(canonical_takes_push(filter, strlen(filter), "route 10.0.0.0"));
	assert_true(canonical_takes_push(filter, strlen(filter), "ping 10"));
}

/* What one option says: the first line of it, outside blocks. */
static void test_an_argument(void **state)
{
	static const char text[] =
	    HEAD "<ca>\nstatic-challenge\n</ca>\nstatic \"no\"\n"
		 "static-challenge \"say \\\"a\\\\b\\\"\" \"1\"\nstatic-challenge \"two\" \"1\"\n"
		 "client\n";
	char less[sizeof text], to[CANONICAL_LINE_MAX + 1] = "before";
	size_t length = canonical_without_keys(text, sizeof text - 1, less);

	(void)state;
	assert_true(canonical_argument(text, sizeof text - 1, "static-challenge", to));
	assert_string_equal(to, "say \"a\\b\"");
	memset(to, 'x', sizeof to);
	assert_true(canonical_argument(less, length, "static-challenge", to)); /* it is among what is left */
	assert_string_equal(to, "say \"a\\b\"");
	assert_false(canonical_argument(text, sizeof text - 1, "client", to)); /* it has none */
	assert_string_equal(to, "");
	memset(to, 'x', sizeof to);
	assert_false(canonical_argument(text, sizeof text - 1, "auth", to));
	assert_string_equal(to, "");
}

/* As long as a line can be; one that is longer is none of ours. */
static void test_a_long_argument(void **state)
{
	static const char start[] = HEAD "static-challenge \"";
	char text[sizeof start + 2 * CANONICAL_LINE_MAX], to[CANONICAL_LINE_MAX + 1];
	size_t fits = CANONICAL_LINE_MAX - strlen("static-challenge \"\"");

	(void)state;
	for (size_t size = fits; size <= fits + 1; size++) {
		memcpy(text, start, sizeof start - 1);
		memset(text + sizeof start - 1, 'q', size);
		memcpy(text + sizeof start - 1 + size, "\"\n", 2);
		assert_int_equal(canonical_argument(text, sizeof start + 1 + size, "static-challenge", to),
				 size == fits);
		assert_int_equal(strlen(to), size == fits ? fits : 0);
	}
}

/* So many arguments may it have; -1: it is no line. */
static int most_arguments(const char *name)
{
	const char *argument = strcmp(name, "providers") == 0    ? " \"base\""
			       : strcmp(name, "tls-cipher") == 0 ? " \"a:!eNULL:!aNULL\""
								 : " \"1\"";
	char text[512];
	struct err e;

	snprintf(text, sizeof text, HEAD "%s", name);
	for (int count = 0; count < 32; count++) {
		strcat(text, "\n");
		if (check(text, strlen(text), &e) == -1)
			return count - 1;
		strcpy(text + strlen(text) - 1, argument);
	}
	return 32;
}

/* Each option: how many arguments, and whether it may be a block. */
static void test_each_option(void **state)
{
	char names[] =
	    "allow-compression allow-recursive-routing auth auth-user-pass block-ipv6 ca cert cipher "
	    "client client-nat comp-lzo comp-noadapt compat-mode compress crl-verify data-ciphers "
	    "data-ciphers-fallback dhcp-option disable-occ dns extra-certs fragment hand-window "
	    "ifconfig ifconfig-ipv6 ifconfig-nowarn key key-direction link-mtu "
	    "max-packet-size mssfix mtu-disc mtu-test mute-replay-warnings ncp-ciphers ns-cert-type "
	    "peer-fingerprint ping ping-timer-rem pkcs12 providers pull-filter rcvbuf "
	    "remote-cert-eku remote-cert-ku remote-cert-tls reneg-bytes reneg-pkts reneg-sec "
	    "replay-window route route-gateway route-ipv6 route-ipv6-gateway route-metric "
	    "route-nopull shaper single-session sndbuf socket-flags static-challenge tcp-nodelay "
	    "tls-auth tls-cert-profile tls-cipher tls-ciphersuites tls-crypt tls-crypt-v2 tls-groups "
	    "tls-timeout tls-version-max tls-version-min topology tran-window tun-mtu tun-mtu-extra "
	    "tun-mtu-max udp-mtu up-delay verify-hash verify-x509-name x509-username-field",
	     *rest = names, *name, text[128];
	struct err e;

	(void)state;
	while ((name = strsep(&rest, " ")) != NULL) {
		snprintf(text, sizeof text, HEAD "<%s>\nAA==\n</%s>\n", name, name);
		say("%s: %d%s", name, most_arguments(name),
		    check(text, strlen(text), &e) == 0 ? ", a block" : "");
	}
	assert_golden("tests/golden/canonical_options.txt", journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_what_is_set),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_line_length),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_reading),
	    cmocka_unit_test(test_long_remotes),
	    cmocka_unit_test(test_the_last_line),
	    cmocka_unit_test(test_filters_of_another_length),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_each_option),
	    cmocka_unit_test(test_an_argument),
	    cmocka_unit_test(test_a_long_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
