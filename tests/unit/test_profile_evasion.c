/* Spellings that openvpn reads as an option and a simple filter would overlook: each
 * is refused, or recognized. */
#include "profile_test.h"

#include "profile/lexer.h"

#define KEY_LINE "00112233445566778899aabbccddeeff\n"
#define KEY_4 KEY_LINE KEY_LINE KEY_LINE KEY_LINE
#define KEY_TEXT                                                                                             \
	"-----BEGIN OpenVPN Static key V1-----\n" KEY_4 KEY_4 KEY_4 KEY_4                                    \
	"-----END OpenVPN Static key V1-----\n"

static void assert_same(const char *text, const char *as)
{
	char *one = assert_taken(text, NULL), *other = assert_taken(as, NULL);

	assert_string_equal(one, other);
	free(one);
	free(other);
}

static void test_spellings_of_plugin(void **state)
{
	(void)state;
	assert_refused(BASE "plugin /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "--plugin /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "\"plugin\" /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "'plugin' /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "\t plugin\t/x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "setenv opt plugin /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "--setenv \"opt\" plugin /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "setenv opt setenv opt plugin /x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "\"plugin\"/x.so\n", "t.ovpn:4: plugin: loads");
	assert_refused(BASE "<connection>\nremote 192.0.2.9\nplugin /x.so\n</connection>\n",
		       "t.ovpn:6: plugin");
	assert_refused(BASE "<plugin>\n/x.so\n</plugin>\n", "plugin: loads");
	assert_refused(BASE "ignore-unknown-option plugin\nplugin /x.so\n", "t.ovpn:5: plugin: loads");
	assert_refused(BASE "setenv FORWARD_COMPATIBLE 1\nplugin /x.so\n", "t.ovpn:5: plugin: loads");
	assert_refused(BASE "# comment \\\nplugin /x.so\n", "t.ovpn:5: plugin: loads");
	assert_refused("\xef\xbb\xbfplugin /x.so\n" BASE, "t.ovpn:1: plugin: loads");
	/* One dash more, or no escape that openvpn knows, is no option at all. */
	assert_refused(BASE "----plugin /x.so\n", "unknown option");
	assert_refused(BASE "--\n", "t.ovpn:4: --: unknown option");
	assert_same(BASE "--dev tun\n", BASE);
	assert_refused(BASE "plug\\in /x.so\n", "'\\' before");
}

static void test_bytes(void **state)
{
	static const char nul[] = BASE "# \0plugin /x.so\n";
	char text[64];
	struct err e;

	(void)state;
	for (int byte = 1; byte < 0x20; byte++) {
		if (byte == '\t' || byte == '\n' || byte == '\r')
			continue;
		snprintf(text, sizeof text, BASE "%cverb 3\n", byte);
		assert_refused(text, "t.ovpn:4: line: control byte");
		snprintf(text, sizeof text, BASE "# %cverb 3\n", byte);
		assert_refused(text, "t.ovpn:4: line: control byte");
	}
	assert_refused(BASE "verb\x7f 3\n", "control byte 0x7f");
	assert_null(parse_bytes(nul, sizeof nul - 1, NULL, &e));
	assert_non_null(strstr(e.text, "t.ovpn:4: line: control byte 0x00"));
	assert_refused("client\rremote 192.0.2.1\rplugin /x.so\r",
		       "t.ovpn:1: line: a CR that does not end a line");
	assert_same("\xef\xbb\xbf" BASE, BASE);
	assert_same("client\r\nremote 192.0.2.1 1194\r\ndev tun\r\n", BASE);
	assert_same("client\nremote 192.0.2.1 1194\ndev tun", BASE);
}

/* A line ends where it is said to, whatever stands behind it. */
static void test_ends(void **state)
{
	static const struct {
		const char *text;
		size_t length, words; /* SIZE_MAX: it is refused */
	} all[] = {{"a  b", 2, 1},          {"a  b", 3, 1}, {"a  b", 4, 2}, {"   b", 2, 0},
		   {"a \\ b", 3, SIZE_MAX}, {"#a", 2, 0},   {";a", 2, 0}};
	struct lex_lines lines;
	const char *line = "   b";
	size_t length = 2;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct lex_words words;
		struct err e = {""};
		bool good = all[i].words != SIZE_MAX;

		memset(&words, 0x55, sizeof words);
		assert_int_equal(lex_words(all[i].text, all[i].length, &words, &e), good ? 0 : -1);
		if (good) {
			assert_int_equal(words.count, all[i].words);
			assert_null(words.word[words.count]);
		} else {
			assert_non_null(strstr(e.text, "at the end of the line"));
		}
	}
	lex_trim(&line, &length);
	assert_int_equal(length, 0);
	assert_string_equal(line, " b");
	for (length = 0; length < 5; length++) { /* a mark of three bytes, or the beginning of one */
		static const char marked[] = "\xef\xbb\xbf"
					     "ab";

		memset(&lines, 0x55, sizeof lines);
		lex_begin(&lines, marked, length);
		assert_int_equal(lines.at - marked, length < 3 ? 0 : 3);
		assert_ptr_equal(lines.end, marked + length);
		assert_int_equal(lines.number, 0);
	}
}

static void test_lengths(void **state)
{
	char text[1024], pad[300];

	(void)state;
	memset(pad, 'a', sizeof pad);
	pad[255 - strlen("setenv A ")] = '\0';
	snprintf(text, sizeof text, BASE "setenv A %s\n", pad);
	assert_same(text, BASE);
	snprintf(text, sizeof text, BASE "setenv AB %s\n", pad);
	assert_refused(text, "longer than 255 bytes");
	/* A line that openvpn could no longer read once it is quoted. */
	pad[255 - strlen("remote-cert-eku ")] = '\0';
	memset(pad, 'A', 255 - strlen("remote-cert-eku "));
	snprintf(text, sizeof text, BASE "remote-cert-eku %s\n", pad);
	assert_refused(text, "with its quotation marks");
	assert_refused(BASE "verb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "more than 16 arguments");
	assert_same(BASE "verb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", BASE);
}

static void test_quoting(void **state)
{
	char *canonical = assert_taken(BASE "verify-x509-name \"a \\\"b\\\" \\\\ #;\" name # x\n", NULL);

	(void)state;
	assert_non_null(strstr(canonical, "\nverify-x509-name \"a \\\"b\\\" \\\\ #;\" \"name\"\n"));
	free(canonical);
	assert_same(BASE "verify-x509-name 'a \"b'\n", BASE "verify-x509-name a\\ \\\"b\n");
	assert_same(BASE "verify-x509-name 'a\\b\\'\n", BASE "verify-x509-name \"a\\\\b\\\\\"\n");
	assert_same(BASE "verify-x509-name a#b;c ;d\n", BASE "verify-x509-name 'a#b;c'\n");
	assert_same(BASE "verify-x509-name a\"b\n", BASE "verify-x509-name 'a\"b'\n");
	assert_same(BASE "verify-x509-name \"a\"name\n", BASE "verify-x509-name a name\n");
	assert_same(BASE "; plugin /x.so\n  # plugin /x.so\n\n", BASE);
	assert_refused(BASE "verify-x509-name \"a\n",
		       "t.ovpn:4: verify-x509-name: no closing quotation mark (\")");
	assert_refused(BASE "verify-x509-name 'a\n", "no closing quotation mark (')");
	assert_refused(BASE "verify-x509-name a\\\n", "at the end of the line");
	assert_refused(BASE "verify-x509-name a\\nb\n", "'\\' before");
	assert_refused(BASE "verify-x509-name \"a\\nb\"\n", "'\\' before");
	assert_refused(BASE "verb \\ 3\n", "at the start of a word");
	assert_refused(BASE "verify-x509-name \\ \n", "at the start of a word");
	assert_same(BASE "verify-x509-name \\\\a\n", BASE "verify-x509-name '\\a'\n");
	assert_refused(BASE "verify-x509-name a\xc3\xa9\n", "not printable ASCII");
	assert_refused(BASE "\"\" x\n", "unknown option");
}

static void test_open_tags(void **state)
{
	(void)state;
	assert_same(BASE "\"<tls-crypt>\"\n" KEY_TEXT "</tls-crypt>\n",
		    BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n");
	assert_same(BASE "--<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n",
		    BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n");
	assert_same(BASE "<tls-crypt> # c\n" KEY_TEXT "  </tls-crypt>\t\n",
		    BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n");
	assert_refused(BASE "<tls-crypt> x\n" KEY_TEXT "</tls-crypt>\n", "<tls-crypt>: unknown option");
	assert_refused(BASE "<nonsense>\nplugin /x.so\n</nonsense>\n", "nonsense: unknown option");
	assert_refused(BASE "<>\n", "unknown option");
	assert_refused(BASE "</ca>\n", "closes no block");
	assert_refused(BASE "</connection>\n", "closes no block");
	assert_refused(BASE "<secret>\n" KEY_TEXT "</secret>\n", "secret: a static key");
	assert_refused(BASE "<verb>\n3\n</verb2>\n", "'<' in the block");
	assert_refused(BASE "<verb>\n3\n</mute>\n", "'<' in the block");
	assert_refused(BASE "<verb>\n3\n</verbs\n", "'<' in the block");
	assert_same(BASE "<verb>\n--verb>\n</verb>\n", BASE);
	assert_refused(BASE "<verb>\n\x01\n", "t.ovpn:5: verb: control byte 0x01");
	assert_same(BASE "<dh>\nanything\n</dh>\n", BASE);
}

static void test_close_tags(void **state)
{
	char text[2048], pad[256];

	(void)state;
	assert_refused(BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>junk\nplugin /x.so\n", "'<' in the block");
	assert_refused(BASE "<tls-crypt>\n" KEY_TEXT "x </tls-crypt>\n</tls-crypt>\n", "'<' in the block");
	assert_refused(BASE "<tls-crypt>\n" KEY_TEXT "<ca>\n", "'<' in the block");
	assert_refused(BASE "<tls-crypt>\n" KEY_TEXT, "t.ovpn:4: tls-crypt: the block is not closed");
	assert_refused(BASE "<tls-crypt>\n</tls-crypt>\n", "t.ovpn:5: tls-crypt: no PEM block");
	/* openvpn reads pieces of 255 bytes: the tag would begin a piece. */
	memset(pad, 'A', 255);
	pad[255] = '\0';
	snprintf(text, sizeof text,
		 BASE "<tls-crypt>\n%s</tls-crypt>\nplugin /x.so\n" KEY_TEXT "</tls-crypt>\n", pad);
	assert_refused(text, "t.ovpn:5: tls-crypt: '<' in the block");
}

static void test_connections(void **state)
{
	(void)state;
	assert_same("client\ndev tun\n<connection>\nremote 192.0.2.1 1194\n</connection>\n", BASE);
	assert_same(
	    BASE "remote 192.0.2.3\n<connection>\nremote 192.0.2.1\n</connection>\nremote 192.0.2.2\n", BASE);
	assert_refused(BASE "<connection>\nverb 3\n</connection>\n",
		       "t.ovpn:6: connection: the block has no remote");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\n", "the block is not closed");
	assert_refused(BASE "<connection>\n<connection>\n",
		       "t.ovpn:5: connection: a <connection> block inside another");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\nremote 192.0.2.2\n</connection>\n",
		       "a second one");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\n</connection>x\n",
		       "</connection>x: unknown option");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\n<tls-crypt>\n" KEY_TEXT
			    "</tls-crypt>\n</connection>\n",
		       "a block inside <connection>");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\nmssfix 1400\n</connection>\n"
			    "<connection>\nremote 192.0.2.2\nmssfix 1300\n</connection>\n",
		       "t.ovpn:10: mssfix: differs between");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\nmssfix 1400\n</connection>\n"
			    "<connection>\nremote 192.0.2.2\n</connection>\n",
		       "differ from the first block's");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\n</connection>\n"
			    "<connection>\nremote 192.0.2.2\nmssfix 1300\n</connection>\n",
		       "differs between");
	assert_refused(BASE "connection\n", "not a line but a block");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\nproto udp6\n</connection>\n",
		       "t.ovpn:7: connection: 192.0.2.1 is not of the family");
	assert_refused(BASE "<connection>\nremote 192.0.2.1\nca ca.crt\n</connection>\n",
		       "t.ovpn:6: ca: inside <connection>");
}

static void test_said_once(void **state)
{
	(void)state;
	assert_same(BASE "tls-cipher HIGH:!eNULL:!aNULL\n", BASE "tls-cipher HIGH\n");
	assert_same(BASE "tls-crypt [inline]\n<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n",
		    BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n");
	assert_same(BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\ntls-crypt [inline]\n",
		    BASE "<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n");
	assert_refused(BASE "tls-auth [inline] 1\n<tls-crypt>\n" KEY_TEXT "</tls-crypt>\n",
		       "t.ovpn:4: tls-auth: [inline], and no such block follows");
}

static void test_secrets_stay_out(void **state)
{
	struct notices notices = {.used = 0};
	char *canonical = assert_taken(
	    BASE "auth-user-pass /etc/shadow\n<auth-user-pass>\njoe\nhunter2\n</auth-user-pass>\n"
		 "<http-proxy-user-pass>\njoe\nhunter2\n</http-proxy-user-pass>\naskpass /x\n",
	    &notices);

	(void)state;
	assert_null(strstr(canonical, "hunter2"));
	assert_null(strstr(canonical, "shadow"));
	assert_non_null(strstr(canonical, "needs 1\n"));
	assert_non_null(strstr(canonical, "\nauth-user-pass\n"));
	assert_non_null(
	    strstr(notices.text, "4 auth-user-pass: its file is not read; instead: set credentials"));
	assert_null(strstr(notices.text, "hunter2"));
	free(canonical);
}

static void test_environment(void **state)
{
	(void)state;
	assert_same(BASE "setenv LD_PRELOAD /x.so\nsetenv UV_NAME x\nsetenv PUSH_PEER_INFO\nsetenv\n", BASE);
	assert_refused(BASE "setenv GENERIC_CONFIG\n", "without a user's certificate");
	assert_refused(BASE "setenv opt\n", "opt without an option");
	assert_same(BASE "setenv opt no-such-option 1\n", BASE);
	assert_same(BASE "setenv opt mssfix 1400\n", BASE "mssfix 1400\n");
	assert_same(BASE "ignore-unknown-option aa bb\nbb 1\n", BASE);
	assert_refused(BASE "bb 1\nignore-unknown-option aa bb\n", "t.ovpn:4: bb: unknown option");
	assert_same(BASE "setenv FORWARD_COMPATIBLE 1\nbb 1\n", BASE);
	assert_refused(BASE "setenv FORWARD_COMPATIBLE 0\nbb 1\n", "t.ovpn:5: bb: unknown option");
	assert_refused(BASE "setenv FORWARD_COMPATIBLE\nbb 1\n", "t.ovpn:5: bb: unknown option");
}

static void test_filters_of_ours(void **state)
{
	char *kept = assert_taken(BASE "pull-filter accept \"route 10.\"\npull-filter ignore route\n", NULL);

	(void)state;
	assert_non_null(
	    strstr(kept, "\npull-filter \"accept\" \"route 10.\"\npull-filter \"ignore\" \"route\"\n"));
	/* openvpn takes the first filter that fits, so these would undo ours. */
	assert_same(BASE
		    "pull-filter accept \"v\"\npull-filter accept setenv-safe\npull-filter accept verb2\n",
		    BASE);
	assert_same(BASE "pull-filter accept ping-\npull-filter accept inactive\n", BASE);
	assert_refused(BASE "pull-filter accept \"\"\n", "not printable ASCII");
	free(kept);
}

static void test_devices(void **state)
{
	(void)state;
	assert_same(BASE "dev tun7\ndev-type tun\n", BASE);
	assert_same("client\nremote 192.0.2.1\ndev vpn0\ndev-type tun\n", BASE);
	assert_refused("client\nremote 192.0.2.1\ndev vpn0\n", "dev: neither tun");
	assert_refused(BASE "dev tap0\n", "t.ovpn:4: dev: only tun");
	assert_refused(BASE "dev null\n", "only tun");
	assert_refused(BASE "dev-type tap\n", "only tun");
	assert_refused(BASE "dev ../../x\n", "not an interface's name");
	assert_same(BASE "mode p2p\ntls-client\npull\n", BASE);
	assert_refused(BASE "mode server\n", "only for a server");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spellings_of_plugin),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_quoting),
	    cmocka_unit_test(test_open_tags),
	    cmocka_unit_test(test_close_tags),
	    cmocka_unit_test(test_connections),
	    cmocka_unit_test(test_said_once),
	    cmocka_unit_test(test_secrets_stay_out),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_filters_of_ours),
	    cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
