/* Every command: its bytes, the shape of its reply, and what is refused. */
#include "mgmt_listing.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

enum { WORDS = 6, LINES = 4 };

struct fixture {
	struct ovm_session *session;
	struct listing listing;
};

static void begin(struct fixture *fixture, int version)
{
	char greeting[128];

	*fixture = (struct fixture){0};
	fixture->session = ovm_new(list_event, &fixture->listing);
	assert_non_null(fixture->session);
	snprintf(greeting, sizeof(greeting),
		 ">INFO:OpenVPN Management Interface Version %d -- type 'help'\r\n", version);
	assert_int_equal(ovm_feed(fixture->session, greeting, strlen(greeting)), 0);
	fixture->listing.used = 0;
	fixture->listing.text[0] = '\0';
}

static void end(struct fixture *fixture)
{
	ovm_free(fixture->session);
	free(fixture->listing.text);
}

static void say(struct fixture *fixture, const char *bytes)
{
	assert_int_equal(ovm_feed(fixture->session, bytes, strlen(bytes)), 0);
}

static void expect_events(struct fixture *fixture, const char *events)
{
	assert_string_equal(fixture->listing.text, events);
	fixture->listing.used = 0;
	fixture->listing.text[0] = '\0';
}

static void expect_bytes(struct fixture *fixture, const char *bytes)
{
	size_t length;
	const char *pending = ovm_pending(fixture->session, &length);

	assert_int_equal(length, strlen(bytes));
	if (length > 0)
		assert_memory_equal(pending, bytes, length);
	ovm_sent(fixture->session, length);
}

static int command(struct fixture *fixture, const char *first, const char *second, const char *third)
{
	const char *const words[] = {first, second, third, NULL};

	return ovm_command(fixture->session, words);
}

#define SUPPORTED "ERROR: The 'x' command is not supported by the current daemon mode\r\n"
#define FAILED(command)                                                                                      \
	"REPLY failed (" command ") |The 'x' command is not supported by the current daemon mode\n"

/* Each reply is followed by a barrier, so a reply taken for another's would show. */
static const struct {
	const char *words[WORDS];
	const char *bytes, *daemon, *events;
} shapes[] = {
    {{"help"},
     "help\n",
     "Management Interface for x\r\nCommands:\r\nEND\r\n",
     "REPLY_LINE (help) |Management Interface for x\nREPLY_LINE (help) |Commands:\nREPLY ok (help)\n"},
    {{"version"},
     "version\n",
     "OpenVPN Version: x\r\nManagement Version: 5\r\nEND\r\n",
     "REPLY_LINE (version) |OpenVPN Version: x\nREPLY_LINE (version) |Management Version: 5\nREPLY ok "
     "(version)\n"},
    {{"pid"}, "pid\n", "SUCCESS: pid=7\r\n", "REPLY ok (pid) |pid=7\n"},
    {{"verb", "3"}, "verb 3\n", "SUCCESS: verb level changed\r\n", "REPLY ok (verb 3) |verb level changed\n"},
    {{"mute"}, "mute\n", "SUCCESS: mute=0\r\n", "REPLY ok (mute) |mute=0\n"},
    {{"state"}, "state\n", "1,WAIT,,,,,,\r\nEND\r\n", "REPLY_LINE (state) |1,WAIT,,,,,,\nREPLY ok (state)\n"},
    {{"state", "5"}, "state 5\n", "END\r\n", "REPLY ok (state 5)\n"},
    {{"state", "on"},
     "state on\n",
     "SUCCESS: real-time state notification set to ON\r\n",
     "REPLY ok (state on) |real-time state notification set to ON\n"},
    {{"state", "on", "all"},
     "state on all\n",
     "SUCCESS: on\r\n1,WAIT,,,,,,\r\n2,AUTH,,,,,,\r\nEND\r\n",
     "REPLY_LINE (state on) |1,WAIT,,,,,,\nREPLY_LINE (state on) |2,AUTH,,,,,,\nREPLY ok (state on)\n"},
    {{"state", "all", "on"},
     "state all on\n",
     "1,WAIT,,,,,,\r\nEND\r\nSUCCESS: on\r\n",
     "REPLY_LINE (state all) |1,WAIT,,,,,,\nREPLY ok (state all) |on\n"},
    {{"state", "on", "foo"},
     "state on foo\n",
     "SUCCESS: on\r\nERROR: bad\r\n",
     "REPLY failed (state on) |bad\n"},
    {{"state", "foo", "on"},
     "state foo on\n",
     "ERROR: bad\r\nSUCCESS: on\r\n",
     "REPLY failed (state foo) |on\n"},
    {{"state", "2", "all"},
     "state 2 all\n",
     "1,A\r\nEND\r\n1,A\r\nEND\r\n",
     "REPLY_LINE (state 2) |1,A\nREPLY_LINE (state 2) |1,A\nREPLY ok (state 2)\n"},
    {{"log"},
     "log\n",
     "ERROR: the 'log' command requires at least 1 parameter\r\n",
     "REPLY failed (log) |the 'log' command requires at least 1 parameter\n"},
    {{"log", "all"},
     "log all\n",
     "1,I,a\r\n>LOG:2,D,between\r\n1,,ERROR: b\r\nEND\r\n",
     "REPLY_LINE (log all) |1,I,a\nLOG 2 |D |between\nREPLY_LINE (log all) |1,,ERROR: b\nREPLY ok (log "
     "all)\n"},
    {{"echo", "off"}, "echo off\n", "SUCCESS: off\r\n", "REPLY ok (echo off) |off\n"},
    {{"hold", "release"},
     "hold release\n",
     "SUCCESS: hold release succeeded\r\n",
     "REPLY ok (hold release) |hold release succeeded\n"},
    {{"signal", "SIGUSR1"},
     "signal SIGUSR1\n",
     "ERROR: signal 'SIGUSR1' is currently ignored\r\n>HOLD:Waiting for hold release:0\r\n",
     "REPLY failed (signal SIGUSR1) |signal 'SIGUSR1' is currently ignored\nHOLD\n"},
    {{"bytecount", "2"},
     "bytecount 2\n",
     "SUCCESS: bytecount interval changed\r\n",
     "REPLY ok (bytecount 2) |bytecount interval changed\n"},
    {{"auth-retry", "bogus"},
     "auth-retry bogus\n",
     "--auth-retry method must be 'interact', 'nointeract', or 'none'\r\nERROR: bad auth-retry parameter\r\n",
     "NOISE |--auth-retry method must be 'interact', 'nointeract', or 'none'\n"
     "REPLY failed (auth-retry bogus) |bad auth-retry parameter\n"},
    {{"forget-passwords"},
     "forget-passwords\n",
     "SUCCESS: Passwords were forgotten\r\n",
     "REPLY ok (forget-passwords) |Passwords were forgotten\n"},
    {{"username", "Auth", "bob"},
     "username Auth bob\n",
     "SUCCESS: 'Auth' username entered, but not yet verified\r\n",
     "REPLY ok (username Auth) |'Auth' username entered, but not yet verified\n"},
    {{"password", "Private Key", "a\"b\\c"},
     "password \"Private Key\" \"a\\\"b\\\\c\"\n",
     "ERROR: no password is currently needed at this time\r\n",
     "REPLY failed (password Private Key) |no password is currently needed at this time\n"},
    {{"needok", "token-insertion-request", "ok"},
     "needok token-insertion-request ok\n",
     "SUCCESS: x\r\n",
     "REPLY ok (needok token-insertion-request) |x\n"},
    {{"needstr", "name", ""}, "needstr name \"\"\n", "SUCCESS: x\r\n", "REPLY ok (needstr name) |x\n"},
    {{"status", "2"},
     "status 2\n",
     "TITLE,x\r\nEND\r\n",
     "REPLY_LINE (status 2) |TITLE,x\nREPLY ok (status 2)\n"},
    {{"status", "1"},
     "status 1\n",
     "OpenVPN CLIENT LIST\r\nERROR: is a client's name\r\nSUCCESS: too\r\nEND\r\n",
     "REPLY_LINE (status 1) |OpenVPN CLIENT LIST\nREPLY_LINE (status 1) |ERROR: is a client's name\n"
     "REPLY_LINE (status 1) |SUCCESS: too\nREPLY ok (status 1)\n"},
    {{"status"}, "status\n", SUPPORTED, FAILED("status")},
    {{"net"}, "net\n", SUPPORTED, FAILED("net")},
    {{"test", "2"},
     "test 2\n",
     "[0] a\r\n[1] SUCCESS: b\r\n",
     "REPLY_LINE (test 2) |[0] a\nREPLY_LINE (test 2) |[1] SUCCESS: b\nREPLY ok (test 2)\n"},
    {{"test", "0"}, "test 0\n", "", ""},
    {{"test", "-3"}, "test -3\n", "", ""},
    {{"test"}, "test\n", "ERROR: x\r\n", "REPLY failed (test) |x\n"},
    {{"exit"}, "exit\n", "", ""},
    {{"quit"}, "quit\n", "", ""},
    {{"remote", "MOD", "h", "1194"},
     "remote MOD h 1194\n",
     "SUCCESS: remote command succeeded\r\n",
     "REPLY ok (remote MOD) |remote command succeeded\n"},
    {{"remote-entry-count"},
     "remote-entry-count\n",
     "3\r\nEND\r\n",
     "REPLY_LINE (remote-entry-count) |3\nREPLY ok (remote-entry-count)\n"},
    {{"remote-entry-get", "0", "2"},
     "remote-entry-get 0 2\n",
     "0,h,1194,udp,enabled\r\nEND\r\n",
     "REPLY_LINE (remote-entry-get 0) |0,h,1194,udp,enabled\nREPLY ok (remote-entry-get 0)\n"},
    {{"remote-entry-get", "9"}, "remote-entry-get 9\n", "END\r\n", "REPLY ok (remote-entry-get 9)\n"},
    {{"proxy", "NONE"},
     "proxy NONE\n",
     "SUCCESS: proxy command succeeded\r\n",
     "REPLY ok (proxy NONE) |proxy command succeeded\n"},
    {{"cr-response", "c2VjcmV0"},
     "cr-response c2VjcmV0\n",
     "SUCCESS: command succeeded\r\n",
     "REPLY ok (cr-response) |command succeeded\n"},
    {{"pkcs11-id-count"},
     "pkcs11-id-count\n",
     ">PKCS11ID-COUNT:1\r\n",
     "PKCS11_COUNT 1\nREPLY ok (pkcs11-id-count)\n"},
    {{"pkcs11-id-count"},
     "pkcs11-id-count\n",
     "ERROR: unknown command, enter 'help' for more options\r\n",
     "REPLY failed (pkcs11-id-count) |unknown command, enter 'help' for more options\n"},
    {{"pkcs11-id-get", "3"},
     "pkcs11-id-get 3\n",
     ">PKCS11ID-ENTRY:'3'\r\n",
     "PKCS11_ENTRY 3 |3\nREPLY ok (pkcs11-id-get 3)\n"},
    {{"kill", "x"},
     "kill x\n",
     "RESOLVE: Cannot resolve host\r\nERROR: common name 'x' not found\r\n",
     "NOISE |RESOLVE: Cannot resolve host\nREPLY failed (kill x) |common name 'x' not found\n"},
    {{"load-stats"},
     "load-stats\n",
     "SUCCESS: nclients=1,bytesin=2003,bytesout=2060\r\n",
     "REPLY ok (load-stats) |nclients=1,bytesin=2003,bytesout=2060\n"},
    {{"nclients"}, "nclients\n", "SUCCESS: nclients=1\r\n", "REPLY ok (nclients) |nclients=1\n"},
    {{"env-filter", "2"},
     "env-filter 2\n",
     "SUCCESS: env_filter_level=2\r\n",
     "REPLY ok (env-filter 2) |env_filter_level=2\n"},
    {{"client-auth-nt", "0", "1"},
     "client-auth-nt 0 1\n",
     "SUCCESS: client-auth command succeeded\r\n",
     "REPLY ok (client-auth-nt 0) |client-auth command succeeded\n"},
    {{"client-deny", "0", "1", "no", "go away"},
     "client-deny 0 1 no \"go away\"\n",
     "SUCCESS: x\r\n",
     "REPLY ok (client-deny 0) |x\n"},
    {{"client-kill", "0", "HALT"},
     "client-kill 0 HALT\n",
     "ERROR: cannot parse CID\r\n",
     "REPLY failed (client-kill 0) |cannot parse CID\n"},
    {{"client-pending-auth", "0", "1", "WEB_AUTH::https://x/", "30"},
     "client-pending-auth 0 1 WEB_AUTH::https://x/ 30\n",
     "SUCCESS: x\r\n",
     "REPLY ok (client-pending-auth 0) |x\n"},
    {{"push-update-cid", "1", "-dns"},
     "push-update-cid 1 -dns\n",
     "SUCCESS: 1 client(s) updated\r\nSUCCESS: push-update command succeeded\r\n",
     "REPLY_LINE (push-update-cid 1) |1 client(s) updated\n"
     "REPLY ok (push-update-cid 1) |push-update command succeeded\n"},
    {{"push-update-broad", "x"},
     "push-update-broad x\n",
     "ERROR: no client updated\r\nERROR: push-update command failed\r\n",
     "REPLY_LINE (push-update-broad x) |no client updated\nREPLY failed (push-update-broad x) |push-update "
     "command failed\n"},
    {{"push-update-cid", "x", "y"},
     "push-update-cid x y\n",
     "ERROR: cannot parse CID\r\nERROR: push-update-cid fail during cid parsing\r\n",
     "REPLY_LINE (push-update-cid x) |cannot parse CID\n"
     "REPLY failed (push-update-cid x) |push-update-cid fail during cid parsing\n"},
    {{"push-update-broad", "x"}, "push-update-broad x\n", SUPPORTED, FAILED("push-update-broad x")},
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct fixture fixture;

		begin(&fixture, 5);
		assert_int_equal(ovm_command(fixture.session, shapes[i].words), 0);
		assert_int_equal(ovm_outstanding(fixture.session), *shapes[i].events != '\0');
		expect_bytes(&fixture, shapes[i].bytes);
		assert_int_equal(command(&fixture, "verb", NULL, NULL), 0);
		expect_bytes(&fixture, "verb\n");
		say(&fixture, shapes[i].daemon);
		expect_events(&fixture, shapes[i].events);
		say(&fixture, "SUCCESS: verb=3\r\n");
		expect_events(&fixture, "REPLY ok (verb) |verb=3\n");
		assert_int_equal(ovm_outstanding(fixture.session), 0);
		end(&fixture);
	}
}

/* version N: never, always or perhaps answered, by the interface's number. */
static void test_version(void **state)
{
	static const struct {
		int interface;
		const char *number;
		bool answers;
		size_t outstanding;
	} versions[] = {
	    {1, "5", false, 0}, {4, "4", false, 0},   {5, "3", false, 0},
	    {6, "3", false, 0}, {6, "abc", false, 0}, {6, "4", true, 1},
	    {6, "6", true, 1},  {5, "5", true, 0},    {5, "5", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct fixture fixture;

		begin(&fixture, versions[i].interface);
		assert_int_equal(command(&fixture, "version", versions[i].number, NULL), 0);
		assert_int_equal(ovm_outstanding(fixture.session), versions[i].outstanding);
		assert_int_equal(command(&fixture, "state", "on", "all"), 0);
		assert_int_equal(command(&fixture, "pid", NULL, NULL), 0);
		if (versions[i].answers) {
			say(&fixture, "SUCCESS: Management client version set to 5\r\n");
			fixture.listing.used = 0;
			fixture.listing.text[0] = '\0';
		}
		say(&fixture, "SUCCESS: on\r\n1,WAIT\r\nEND\r\nSUCCESS: pid=1\r\n");
		expect_events(&fixture,
			      "REPLY_LINE (state on) |1,WAIT\nREPLY ok (state on)\nREPLY ok (pid) |pid=1\n");
		assert_int_equal(ovm_outstanding(fixture.session), 0);
		end(&fixture);
	}
}

/* A token's PIN is asked for, and answered, inside pkcs11-id-count. */
static void test_pin_inside_pkcs11(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 5);
	assert_int_equal(command(&fixture, "pkcs11-id-count", NULL, NULL), 0);
	say(&fixture, ">PASSWORD:Need 'my token' password\r\n");
	assert_int_equal(command(&fixture, "password", "your token", "1234"), 0);
	say(&fixture, "ERROR: password of type 'your token' entered, but we need one of type 'my token'\r\n");
	assert_int_equal(command(&fixture, "password", "my token", "1234"), 0);
	say(&fixture, "SUCCESS: 'my token' password entered, but not yet verified\r\n>PKCS11ID-COUNT:1\r\n");
	expect_events(
	    &fixture,
	    "NEED -1 |my token |password\n"
	    "REPLY failed (password your token) |password of type 'your token' entered, but we need one of "
	    "type 'my token'\n"
	    "REPLY ok (password my token) |'my token' password entered, but not yet verified\n"
	    "PKCS11_COUNT 1\n"
	    "REPLY ok (pkcs11-id-count)\n");
	assert_int_equal(ovm_outstanding(fixture.session), 0);
	end(&fixture);
}

static int block(struct fixture *fixture, const char *first, const char *second, const char *third,
		 const char *const *lines)
{
	const char *const words[] = {first, second, third, NULL};

	return ovm_command_lines(fixture->session, words, lines);
}

static void test_blocks(void **state)
{
	static const char *const lines[] = {"QUJD", "REVG", NULL};
	struct fixture fixture;

	(void)state;
	begin(&fixture, 6);
	assert_int_equal(block(&fixture, "pk-sig", NULL, NULL, lines), 0);
	expect_bytes(&fixture, "pk-sig\nQUJD\nREVG\nEND\n");
	assert_int_equal(block(&fixture, "client-auth", "0", "1", NULL), 0);
	expect_bytes(&fixture, "client-auth 0 1\nEND\n");
	assert_int_equal(block(&fixture, "password", "Auth", NULL, lines), 0);
	expect_bytes(&fixture, "password Auth\nQUJD\nREVG\nEND\n");
	/* the signature is reported when the handshake takes it, here behind the others */
	say(&fixture, "SUCCESS: client-auth command succeeded\r\nERROR: password too long\r\n"
		      "SUCCESS: pk-sign command succeeded\r\n");
	expect_events(&fixture, "REPLY ok (client-auth 0) |client-auth command succeeded\n"
				"REPLY failed (password Auth) |password too long\n"
				"REPLY ok (pk-sig) |pk-sign command succeeded\n");
	assert_int_equal(ovm_outstanding(fixture.session), 0);
	end(&fixture);
}

/* A block refused before its lines: each is then answered as a command, with its text in 2.7. */
static void test_refused_block(void **state)
{
	static const char *const lines[] = {"c2VjcmV0", "", "# no reply", NULL};
	struct fixture fixture;

	(void)state;
	begin(&fixture, 6);
	assert_int_equal(block(&fixture, "password", "Auth", NULL, lines), 0);
	assert_int_equal(command(&fixture, "pid", NULL, NULL), 0);
	say(&fixture, "ERROR: the 'password' command requires 2 parameters\r\n"
		      "ERROR: unknown command [c2VjcmV0], enter 'help' for more options\r\n"
		      "ERROR: unknown command [END], enter 'help' for more options\r\n"
		      "SUCCESS: pid=1\r\n");
	expect_events(&fixture, "REPLY failed (password Auth) |the 'password' command requires 2 parameters\n"
				"NOISE |ERROR: unknown command\nNOISE |ERROR: unknown command\n"
				"REPLY ok (pid) |pid=1\n");
	/* refused behind END: its lines owe nothing, and the next error is the next command's */
	assert_int_equal(block(&fixture, "client-auth", "0", "1", lines), 0);
	assert_int_equal(command(&fixture, "remote-entry-count", NULL, NULL), 0);
	say(&fixture, SUPPORTED "ERROR: unknown command, enter 'help' for more options\r\n");
	expect_events(&fixture,
		      FAILED("client-auth 0") "REPLY failed (remote-entry-count) |unknown command, enter "
					      "'help' for more options\n");
	end(&fixture);
}

static void test_noise(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 5);
	say(&fixture, "SUCCESS: nobody asked\r\nEND\r\n\r\n>PKCS11ID-COUNT:1\r\n");
	expect_events(&fixture, "NOISE |SUCCESS: nobody asked\nNOISE |END\nNOISE\nPKCS11_COUNT 1\n");
	assert_int_equal(command(&fixture, "pid", NULL, NULL), 0);
	say(&fixture, "noise\r\nSUCCESS:pid=1\r\n");
	expect_events(&fixture, "NOISE |noise\nREPLY ok (pid) |pid=1\n");
	end(&fixture);
}

static void refused(struct fixture *fixture, int rc)
{
	size_t length;

	assert_int_equal(rc, -1);
	assert_null(ovm_pending(fixture->session, &length));
	assert_int_equal(length, 0);
	assert_int_equal(ovm_outstanding(fixture->session), 0);
}

/* Text of `length` bytes; good until the next call. */
static const char *filler(size_t length)
{
	static char text[2048];

	memset(text, 'x', length);
	text[length] = '\0';
	return text;
}

static void test_refused_words(void **state)
{
	static const char *const bad[] = {"a\nb", "a\rb", "a\tb", "\x1b", "\x7f", NULL};
	const char *many[18] = {0};
	struct fixture fixture;

	(void)state;
	begin(&fixture, 5);
	for (size_t i = 0; bad[i] != NULL; i++)
		refused(&fixture, command(&fixture, "password", "Auth", bad[i]));
	refused(&fixture, command(&fixture, "password", "Auth", filler(OVM_PARAMETER_MAX + 1)));
	refused(&fixture, command(&fixture, "frobnicate", NULL, NULL));
	refused(&fixture, command(&fixture, "PID", NULL, NULL));
	refused(&fixture, command(&fixture, "", NULL, NULL));
	refused(&fixture, command(&fixture, NULL, NULL, NULL));
	refused(&fixture, command(&fixture, "pid\n", NULL, NULL));
	for (int i = 0; i < 17; i++)
		many[i] = "pid";
	refused(&fixture, ovm_command(fixture.session, many));
	for (int i = 1; i < 5; i++)
		many[i] = filler(OVM_PARAMETER_MAX);
	many[5] = NULL;
	refused(&fixture, ovm_command(fixture.session, many));
	/* the controls: one word less, one byte less */
	many[4] = NULL;
	assert_int_equal(ovm_command(fixture.session, many), 0);
	assert_int_equal(command(&fixture, "password", "Auth", filler(OVM_PARAMETER_MAX)), 0);
	assert_int_equal(command(&fixture, "password", "Auth", "gr\xc3\xbc\xc3\x9f"), 0);
	assert_int_equal(ovm_outstanding(fixture.session), 3);
	end(&fixture);
}

static void test_refused_blocks(void **state)
{
	static const char *const good[] = {"QUJD", NULL};
	static const char *const end_line[] = {"QUJD", "END", NULL};
	static const char *const control[] = {"QU\nJD", NULL};
	const char *longest[] = {filler(OVM_COMMAND_MAX + 1), NULL};
	struct fixture fixture;

	(void)state;
	begin(&fixture, 6);
	refused(&fixture, block(&fixture, "pk-sig", NULL, NULL, end_line));
	refused(&fixture, block(&fixture, "pk-sig", NULL, NULL, control));
	refused(&fixture, block(&fixture, "pk-sig", NULL, NULL, longest));
	refused(&fixture, block(&fixture, "pid", NULL, NULL, good));
	refused(&fixture, block(&fixture, "password", "Auth", "x", good));
	refused(&fixture, command(&fixture, "pk-sig", NULL, NULL));
	refused(&fixture, command(&fixture, "client-auth", "0", "1"));
	refused(&fixture, command(&fixture, "password", "Auth", NULL));
	longest[0] = filler(OVM_COMMAND_MAX);
	assert_int_equal(block(&fixture, "pk-sig", NULL, NULL, longest), 0);
	end(&fixture);
}

static void test_too_much_outstanding(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 5);
	for (int i = 0; i < OVM_OUTSTANDING_MAX; i++)
		assert_int_equal(command(&fixture, "pid", NULL, NULL), 0);
	assert_int_equal(command(&fixture, "pid", NULL, NULL), -1);
	assert_int_equal(ovm_outstanding(fixture.session), OVM_OUTSTANDING_MAX);
	say(&fixture, "SUCCESS: pid=1\r\n");
	assert_int_equal(command(&fixture, "pid", NULL, NULL), 0);
	end(&fixture);
	begin(&fixture, 5);
	for (size_t queued = 0; queued < OVM_OUT_MAX / strlen("exit\n"); queued++)
		assert_int_equal(command(&fixture, "exit", NULL, NULL), 0);
	assert_int_equal(command(&fixture, "exit", NULL, NULL), -1);
	ovm_sent(fixture.session, 5);
	assert_int_equal(command(&fixture, "exit", NULL, NULL), 0);
	end(&fixture);
}

/* Whatever the encoder lets through, the daemon's lexer reads back. */
static void test_lexer_reads_back(void **state)
{
	uint32_t seed = 20261123;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char word[64], store[2048], line[OVM_COMMAND_MAX + 1] = "";
		const char *words[OVM_WORDS_MAX + 1];
		size_t length = 0, used = 0;
		bool printable = true;

		for (seed = seed * 1664525u + 1013904223u; length < (seed >> 16) % 12; length++) {
			static const char often[] = "\"\\'#; \x7f\t";
			uint32_t dice = (seed * 2654435761u) >> (length + 3);

			word[length] = (char)(1 + dice % 255);
			if (dice % 3 == 0)
				word[length] = often[dice / 3 % (sizeof(often) - 1)];
			printable &= (unsigned char)word[length] >= 0x20 && word[length] != 0x7f;
		}
		word[length] = '\0';
		assert_int_equal(ovm_quote(word, line, sizeof(line), &used) == 0, printable);
		if (!printable)
			continue;
		assert_int_equal(lex(line, store, sizeof(store), words), 1);
		assert_string_equal(words[0], word);
	}
}

/* What was written is gone from memory, and what moved left no copy where it was. */
static void test_secrets_are_wiped(void **state)
{
	struct fixture fixture;
	size_t length;

	(void)state;
	begin(&fixture, 5);
	assert_int_equal(command(&fixture, "password", "Auth", "hunter2hunter2"), 0);
	assert_non_null(memmem(fixture.session->out, fixture.session->out_size, "hunter2", 7));
	assert_non_null(ovm_pending(fixture.session, &length));
	ovm_sent(fixture.session, 20);
	assert_non_null(memmem(fixture.session->out, fixture.session->out_size, "nter2\n", 6));
	assert_null(memmem(fixture.session->out, fixture.session->out_size, "hunter2h", 8));
	ovm_sent(fixture.session, length); /* more than there is */
	assert_null(ovm_pending(fixture.session, &length));
	assert_null(memmem(fixture.session->out, fixture.session->out_size, "nter2", 5));
	say(&fixture, ">PASSWORD:Auth-Token:t0ken\r\n");
	expect_events(&fixture, "AUTH_TOKEN |t0ken\n");
	assert_null(memmem(fixture.session->line, sizeof(fixture.session->line), "t0ken", 5));
	assert_string_equal(fixture.session->first->command, "password Auth");
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_pin_inside_pkcs11),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_refused_block),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_refused_words),
	    cmocka_unit_test(test_refused_blocks),
	    cmocka_unit_test(test_too_much_outstanding),
	    cmocka_unit_test(test_lexer_reads_back),
	    cmocka_unit_test(test_secrets_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
