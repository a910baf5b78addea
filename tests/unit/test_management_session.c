/* What the driver makes of each line of openvpn's: events of the tunnel with their reasons, and what is sent
 * back; against tests/golden/management_session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "driver/login/credentials.h"
#include "driver/management_session.h"
#include "golden.h"
#include "log_journal.h"
#include "profile/profile.h"
#include "ways.h"

enum { PASSWORD_FILE = 60, PASSPHRASE_FILE, LINES = 8 };

static struct management_session session;
static struct ovm_session *parser;
static struct login login;

/* --- what it asks others ---------------------------------------------------------------- */

bool log_wants(enum log_level level)
{
	return level <= LOG_WARN;
}

int credentials_read(int descriptor, int needs, const char *username, struct credentials *to, struct err *e)
{
	assert_int_equal(descriptor, PASSWORD_FILE);
	say("credentials_read %d %s", needs, username);
	memset(to, 0, sizeof *to);
	if (FAILS("credentials_read"))
		return -1;
	secret_set(&to->user, "me", 2);
	secret_set(&to->password, "word", 4);
	secret_set(&to->passphrase, "phrase", 6);
	return 0;
}

int credentials_passphrase(int descriptor, struct credentials *to, struct err *e)
{
	assert_int_equal(descriptor, PASSPHRASE_FILE);
	memset(to, 0, sizeof *to);
	if (FAILS("credentials_passphrase"))
		return -1;
	if (!is("own-passphrase"))
		return 0;
	secret_set(&to->user, "me", 2); /* for what looks whether it is wiped */
	secret_set(&to->passphrase, "own", 3);
	return 1;
}

void credentials_wipe(struct credentials *credentials)
{
	say("credentials_wipe %d", credentials->user.length == 2);
	memset(credentials, 0, sizeof *credentials);
}

time_t time(time_t *to)
{
	(void)to;
	return 7777;
}

void login_settle(struct login *which)
{
	assert_ptr_equal(which, &login);
	say("login_settle");
}

static void check_time(const struct login_time *when)
{
	assert_true(when->now == 1000 && when->seconds == 7777);
}

enum login_ready login_fill(struct login *which, const struct login_ask *ask, const struct login_time *when,
			    struct credentials *to, struct err *e)
{
	assert_ptr_equal(which, &login);
	check_time(when);
	say("login_fill %d %s, challenge \"%s\" %d", ask->needs, ask->username, ask->challenge,
	    (int)ask->flags);
	memset(to, 0, sizeof *to);
	if (FAILS("login_fill"))
		return is("wait") ? LOGIN_WAIT : LOGIN_STOP;
	secret_set(&to->user, "me", 2);
	secret_set(&to->password, "word", 4);
	return LOGIN_READY;
}

bool login_pending(struct login *which, const char *text)
{
	assert_ptr_equal(which, &login);
	say("login_pending %s", text);
	return !fails("login_pending");
}

bool login_reply(struct login *which, const struct login_time *when, struct secret *to, struct err *e)
{
	assert_ptr_equal(which, &login);
	check_time(when);
	say("login_reply");
	if (is("nothing"))
		return false;
	if (FAILS("login_reply"))
		return false;
	secret_set(to, "Ymx1ZQ==", 8);
	return true;
}

bool login_challenged(struct login *which, const char *reason, char *text, size_t size)
{
	assert_ptr_equal(which, &login);
	say("login_challenged %s", reason);
	snprintf(text, size, "%s", is("hostile") ? "SCRV1" : "the code");
	strcpy(which->question, is("person") ? "the code" : "");
	return !fails("login_challenged");
}

bool login_refused(struct login *which)
{
	assert_ptr_equal(which, &login);
	say("login_refused");
	which->question[0] = '\0';
	return is("token");
}

void login_keep_token(struct login *which, const char *token)
{
	assert_ptr_equal(which, &login);
	say("login_keep_token %s", token);
}

static void on_asked(void *argument)
{
	assert_ptr_equal(argument, &session);
	say("ASKED");
}

static void on_event(enum tunnel_event event, const char *cause, void *argument)
{
	char address[NET_ADDRESS_TEXT], network[NET_PREFIX_TEXT];

	assert_ptr_equal(argument, &session);
	say("EVENT %s: %s", tunnel_event_name(event), cause);
	if (event == TUNNEL_SUCCESS || event == TUNNEL_CONNECT_ERRORS || event == TUNNEL_CONFIG)
		say("  with %s in %s", net_address_text(&session.config.tunnel.address4, address),
		    net_prefix_text(&session.config.tunnel.networks[0], network));
}

static void on_count(uint64_t in, uint64_t out, void *argument)
{
	assert_ptr_equal(argument, &session);
	say("COUNT %u %u", (unsigned)in, (unsigned)out);
}

static void on_sign(const struct key_request *request, void *argument)
{
	assert_ptr_equal(argument, &session);
	say("SIGN %u %u, %u bytes", request->form, request->hash, request->length);
}

/* --- the session ------------------------------------------------------------------------------ */

static void show_sent(void)
{
	const char *bytes;
	size_t length;

	while (parser != NULL && (bytes = ovm_pending(parser, &length)) != NULL && length > 0) {
		for (size_t at = 0, end; at < length; at = end + 1) {
			for (end = at; end < length && bytes[end] != '\n'; end++)
				;
			say("SEND %.*s", (int)(end - at), &bytes[at]);
		}
		ovm_sent(parser, length);
	}
}

static void begin_with(int needs)
{
	static const char info[] =
	    ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n";
	struct management_attempt attempt = {.interface = "tun7",
					     .username = "somebody",
					     .needs = needs,
					     .profile = "needs 0\n\n",
					     .profile_length = 9};

	net_endpoint_parse("192.0.2.1:1194/udp", &attempt.endpoint);
	session.events = (struct management_events){on_event, on_asked, on_count, on_sign, &session};
	session.login = &login;
	login.files.password = PASSWORD_FILE;
	login.files.passphrase = PASSPHRASE_FILE;
	management_session_begin(&session, &attempt, 1000);
	assert_true(session.parser == NULL && session.now == 1000);
	parser = session.parser = ovm_new(management_session_event, &session);
	assert_non_null(parser);
	(void)ovm_feed(parser, info, strlen(info));
}

static void feed(const char *line)
{
	say("%.70s", line);
	if (strcmp(line, "LOST") == 0) {
		management_session_lost(&session);
		assert_null(session.parser);
		return;
	}
	if (strncmp(line, "SIGNED ", 7) == 0) {
		static struct key_answer answer;

		answer.length = (uint32_t)strtoul(line + 7, NULL, 10);
		memset(answer.signature, 'S', sizeof answer.signature);
		snprintf(answer.text, sizeof answer.text, "%s", answer.length == 0 ? "there is no key" : "");
		management_session_signed(&session, &answer);
		show_sent();
		return;
	}
	(void)ovm_feed(parser, line, strlen(line));
	(void)ovm_feed(parser, "\r\n", 2);
	show_sent();
}

#define UP ">UPDOWN:UP", ">UPDOWN:ENV,ifconfig_local=10.8.0.2", ">UPDOWN:ENV,tun_mtu=1500", ">UPDOWN:ENV,END"
#define ADDRESSES "10.8.0.2,192.0.2.1,1194,,,fd00::2"
#define ASK ">PASSWORD:Need 'Auth' username/password"
#define REFUSED ">PASSWORD:Verification Failed: 'Auth'"

#define HASH32 ">PK_SIGN:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

struct way {
	const char *so;
	int needs;
	const char *lines[LINES];
};

static void run(const struct way *way)
{
	/* Of the attempt before nothing stays. */
	memset(&session, 0x55, sizeof session);
	memset(&session.log.limit, 0, sizeof session.log.limit); /* but the allowance of lines */
	say("\n# %s", way->so);
	so = way->so;
	failed[0] = '\0';
	begin_with(way->needs);
	for (size_t i = 0; i < LINES && way->lines[i] != NULL; i++)
		feed(way->lines[i]);
	ovm_free(parser);
	parser = session.parser = NULL;
}

static void test_each_line(void **state)
{
	static const struct way ways[] = {
	    {"",
	     0,
	     {">STATE:1,CONNECTING,,,,,,", ">STATE:1,WAIT,,,,,,", ">STATE:1,AUTH,,,,,,",
	      ">STATE:1,AUTH_PENDING,,,,,,", ">STATE:1,GET_CONFIG,,,,,,", ">STATE:1,ADD_ROUTES,,,,,,"}},
	    {"",
	     0,
	     {">STATE:1,ASSIGN_IP,,10.8.0.2,,,,,", ">STATE:1,ASSIGN_IP,,10.8.0.2,,,,,",
	      ">STATE:1,ASSIGN_IP,,10.8.0.3,,,,,"}},
	    {"", 0, {">STATE:1,ASSIGN_IP,,,,,,,fd00::2", UP}},
	    {"", 0, {">STATE:1,ASSIGN_IP,,,,,,,", UP, ">STATE:1,CONNECTED,SUCCESS," ADDRESSES}},
	    {"", 0, {">STATE:1,CONNECTED,ERROR," ADDRESSES, ">STATE:1,CONNECTED,ROUTE_ERROR,,,,,"}},
	    {"",
	     0,
	     {">LOG:1,N,net_route_v4_add: 10.0.0.0/8 via 10.8.0.1 dev [NULL] table 0 metric -1",
	      ">STATE:1,CONNECTED,ERROR," ADDRESSES}},
	    {"",
	     0,
	     {">LOG:1,W,ERROR: Linux route add command failed: external program exited",
	      ">STATE:1,CONNECTED,ERROR,,,,,"}},
	    {"",
	     0,
	     {">LOG:1,W,WARNING: something else", ">STATE:1,RECONNECTING,ping-restart,,,,,",
	      ">STATE:1,EXITING,,,,,,"}},
	    {"",
	     0,
	     {">LOG:1,N,VERIFY ERROR: depth=0, error=certificate is not yet valid: CN=young, serial=1",
	      ">STATE:1,RECONNECTING,tls-error,,,,,"}},
	    {"", 0, {">STATE:1,EXITING,SIGTERM,,,,,", ">STATE:1,RECONNECTING,,,,,,", "LOST"}},
	    {"", 0, {">FATAL:Cannot open TUN/TAP dev /dev/net/tun: No such file", "LOST"}},
	    {"", 0, {">NOTIFY:info,remote-exit,EXIT", ">FATAL:all is lost", ">STATE:1,EXITING,x,,,,,"}},
	    {"", 0, {">NOTIFY:info,remote-exit,EXIT", ">STATE:1,RECONNECTING,x,,,,,"}},
	    {"", 0, {">NOTIFY:info,server-pushed-connection-reset,[N]", ">NOTIFY:info,server-pushed-halt,"}},
	    {"",
	     0,
	     {">NOTIFY:info,remote-exits,EXIT", ">NOTIFY:info,server-pushed,", ">STATE:1,EXITING,x,,,,,"}},
	    {"", 0, {">HOLD:Waiting for hold release:0", ">HOLD:Waiting for hold release:5"}},
	    {"", 0, {">UPDOWN:DOWN", ">UPDOWN:ENV,ifconfig_local=10.8.0.2", ">UPDOWN:ENV,END"}},
	    {"", 0, {UP, ">UPDOWN:ENV,ifconfig_local=10.8.0.9", ">UPDOWN:ENV,END"}},
	    {"",
	     0,
	     {">UPDOWN:UP", ">UPDOWN:ENV,route_network_65=10.1.0.0", ">UPDOWN:ENV,END", ">UPDOWN:DOWN",
	      ">UPDOWN:ENV,END"}},
	    /* credentials */
	    {"",
	     3,
	     {ASK, ">PASSWORD:Need 'Private Key' password", ">PASSWORD:Need 'Other' username/password"}},
	    {"", 0, {ASK, ">PASSWORD:Need 'Private Key' password"}},
	    {"!credentials_read", 0, {">PASSWORD:Need 'Private Key' password"}},
	    {"own-passphrase", 0, {">PASSWORD:Need 'Private Key' password"}},
	    {"!credentials_passphrase", 0, {">PASSWORD:Need 'Private Key' password"}},
	    {"!login_fill", 0, {ASK}},
	    {"!login_fill wait", 0, {ASK}},
	    {"",
	     0,
	     {ASK " SC:1,Enter the code", ASK " SC:0,the password is: x",
	      ">PASSWORD:Need 'Private Key' password SC:1,x"}},
	    {"", 0, {REFUSED, ">STATE:1,EXITING,auth-failure,,,,,", ">STATE:1,EXITING,x,,,,,"}},
	    {"",
	     0,
	     {REFUSED, ">STATE:1,RECONNECTING,auth-temp-failure (server temporary reject),,,,,",
	      ">STATE:1,EXITING,x,,,,,"}},
	    {"", 0, {REFUSED, ">STATE:1,RECONNECTING,auth-temp,,,,,"}},
	    {"", 0, {REFUSED, ">STATE:1,RECONNECTING,auth-failure (auth-token),,,,,"}},
	    {"token", 0, {REFUSED " ['TEMP:1:busy']", ">STATE:1,RECONNECTING,auth-failure,,,,,"}},
	    {"token",
	     0,
	     {REFUSED " ['SESSION: expired']", ">STATE:1,EXITING,auth-failure,,,,,",
	      ">STATE:1,EXITING,x,,,,,"}},
	    {"token", 0, {REFUSED, "LOST"}},
	    {"", 0, {REFUSED " ['TEMP:1:busy']", ">STATE:1,RECONNECTING,auth-failure,,,,,"}},
	    {"", 0, {REFUSED " ['SESSION: expired']", "LOST"}},
	    {"", 0, {REFUSED " ['CRV1:R,E:abc:def:the code']", ">STATE:1,EXITING,auth-failure,,,,,"}},
	    {"person", 0, {REFUSED " ['CRV1:R,E:abc:def:the code']", ">STATE:1,EXITING,auth-failure,,,,,"}},
	    {"!login_challenged", 0, {REFUSED " ['CRV1:E:abc:def:the code']", ">STATE:1,EXITING,x,,,,,"}},
	    {"hostile", 0, {REFUSED " ['CRV1:R:abc:def:SCRV1']", ">STATE:1,EXITING,x,,,,,"}},
	    {"", 0, {">PASSWORD:Auth-Token:SESS_ID_x", ">INFOMSG:CR_TEXT:R:the code"}},
	    {"nothing", 0, {">INFOMSG:CR_TEXT:R:the code"}},
	    {"!login_reply", 0, {">INFOMSG:CR_TEXT:R:the code"}},
	    {"!login_pending", 0, {">INFOMSG:OPEN_URL:http://x"}},
	    {"", 0, {REFUSED " ['CRV2:x']", ">STATE:1,EXITING,auth-failure,,,,,"}},
	    {"", 0, {REFUSED " ['you are not paid up']", ">STATE:1,EXITING,auth-failure,,,,,"}},
	    /* what can't be answered, and what nothing follows from */
	    {"",
	     0,
	     {">NEED-OK:Need 'token-insertion-request' confirmation MSG:insert",
	      ">NEED-STR:Need 'pkcs11-id' input MSG:which", ">NEED-CERTIFICATE:x", ">RSA_SIGN:x", ">INFO:x",
	      ">ECHO:1,x", ">BYTECOUNT:1,2"}},
	    {"", 0, {">REMOTE:a,1,udp", ">NONSENSE:x"}},
	    /* signatures: one for each question, and none for what is no TLS client's */
	    {"", 0, {"SIGNED 3", HASH32 ",ECDSA", "SIGNED 3", "SIGNED 3"}},
	    {"", 0, {HASH32 ",ECDSA", "SIGNED 510"}},
	    {"", 0, {HASH32 ",ECDSA", "SIGNED 511"}},
	    {"", 0, {HASH32 ",ECDSA", "SIGNED 1024"}},
	    {"", 0, {HASH32 ",ECDSA", "SIGNED 0"}},
	    {"", 0, {">PK_SIGN:x,y", "SIGNED 3"}},
	    {"", 0, {HASH32 ",RSA_NO_PADDING", "SIGNED 3"}},
	    {"", 0, {HASH32 ",ECDSA", ">STATE:1,EXITING,SIGTERM,,,,,", "LOST", "SIGNED 3"}},
	};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		run(&ways[i]);
	assert_golden("tests/golden/management_session", journal);
}

static void ask(const char *command, const char *answer)
{
	const char *words[] = {command, NULL};

	begin_with(0);
	assert_int_equal(ovm_command(parser, words), 0);
	show_sent();
	journal[0] = '\0';
	feed(answer);
	ovm_free(parser);
	parser = session.parser = NULL;
}

static void test_answers(void **state)
{
	(void)state;
	so = "";
	ask("load-stats", "SUCCESS: nclients=0,bytesin=12,bytesout=34");
	assert_non_null(strstr(journal, "COUNT 12 34"));
	ask("load-stats", "SUCCESS: nclients=0,bytesin=12");
	assert_null(strstr(journal, "COUNT"));
	ask("load-stats", "SUCCESS: nclients=0,bytesout=12");
	assert_null(strstr(journal, "COUNT"));
	ask("load-stats", "ERROR: bytesin=1,bytesout=2");
	assert_null(strstr(journal, "log"));
	ask("state", "ERROR: no");
	assert_non_null(strstr(journal, "log 1 driver: openvpn refused a command (state)"));
	ask("pid", "SUCCESS: pid=77");
	assert_null(strstr(journal, "log"));
}

static void tell_line(const char *line)
{
	const struct ovm_event event = {.kind = OVM_REPLY_LINE, .command = "status", .field = {line}};

	management_session_event(&event, &session);
}

/* As openvpn 2.5 to 2.7 answer `status`. */
static void tell_statistics(uint64_t heard, uint64_t sent)
{
	char line[64];

	tell_line("OpenVPN STATISTICS");
	tell_line("Updated,2026-01-01 00:00:00");
	snprintf(line, sizeof line, "TUN/TAP read bytes,%u", (unsigned)sent);
	tell_line(line);
	tell_line("TUN/TAP write bytes,900");
	tell_line("TCP/UDP read bytes,901"); /* anybody may have sent these */
	snprintf(line, sizeof line, "Auth read bytes,%u", (unsigned)heard);
	tell_line(line);
}

/* What programs send without an answer, to a server that sends no pings, and after a change of the network.
 */
static void test_unanswered(void **state)
{
	(void)state;
	for (int hurries = 0; hurries < 2; hurries++) {
		so = "";
		begin_with(0);
		feed(">STATE:1,CONNECTED,SUCCESS," ADDRESSES);
		assert_true(session.peer.active && session.peer.limit == 0);
		show_sent();
		journal[0] = '\0';
		if (hurries) {
			management_session_hurry(&session);
			show_sent();
			assert_non_null(strstr(journal, "SEND status"));
		}
		journal[0] = '\0';
		for (unsigned i = 0; i < 12; i++) {
			management_session_look(&session);
			show_sent();
			tell_statistics(hurries ? 0 : 7, i + 1);
		}
		assert_non_null(strstr(
		    journal, hurries ? "the server has not answered since the network changed"
				     : "programs send, and nothing has come from the server for 30 s"));
		ovm_free(parser);
		parser = session.parser = NULL;
	}
}

/* While the server may not be silent, each look asks; the last one reports. */
static void test_looks(void **state)
{
	static const char connected[] = ">STATE:1,CONNECTED,SUCCESS," ADDRESSES,
			  push[] =
			      ">LOG:1,,PUSH: Received control message: 'PUSH_REPLY,ping 10,ping-restart 60'";

	(void)state;
	so = "";
	begin_with(0);
	show_sent();
	feed(push);
	assert_int_equal(session.peer.limit, 0); /* before it is connected, an attempt has its own limits */
	feed(connected);
	assert_int_equal(session.peer.limit, 60);
	journal[0] = '\0';
	for (int i = 0; i < 13; i++) {
		management_session_look(&session);
		show_sent();
		if (i < 12)
			tell_statistics(i < 2 ? 12 : 13, i < 3 ? 34 : 99);
		say("look %d", i);
	}
	assert_golden("tests/golden/management_session_looks", journal);
	management_session_begin(&session, &session.attempt, 1);
	assert_int_equal(session.peer.limit, 0);
	ovm_free(parser);
	parser = session.parser = NULL;
}

/* Its log before we were there. */
static void test_the_history(void **state)
{
	static const char *const words[] = {"log", "on", "all", NULL};

	(void)state;
	begin_with(0);
	assert_int_equal(ovm_command(parser, words), 0);
	show_sent();
	journal[0] = '\0';
	feed("SUCCESS: real-time log notification set to ON");
	feed("1,,OpenVPN 2.7.0 x86_64");
	feed("rubbish");
	feed("rubbish,x");
	feed("END");
	assert_true(session.config.dns_in_push_only);
	ovm_free(parser);
	parser = NULL;
}

/* A person's answer while the server waits, and after that. */
static void test_the_reply(void **state)
{
	(void)state;
	so = "";
	begin_with(0);
	journal[0] = '\0';
	assert_true(management_session_reply(&session));
	show_sent();
	assert_string_equal(journal, "login_reply\nSEND cr-response Ymx1ZQ==\n");
	so = "nothing";
	journal[0] = '\0';
	assert_false(management_session_reply(&session));
	show_sent();
	assert_string_equal(journal, "login_reply\n");
	so = "";
	session.parser = NULL;
	journal[0] = '\0';
	assert_false(management_session_reply(&session));
	assert_string_equal(journal, "");
	ovm_free(parser);
	parser = NULL;
}

static void test_the_greeting(void **state)
{
	(void)state;
	so = "";
	begin_with(0);
	journal[0] = '\0';
	management_session_greet(&session);
	show_sent();
	assert_string_equal(journal,
			    "SEND version 3\nSEND state on\nSEND log on all\nSEND bytecount 0\nSEND pid\n");
	session.parser = NULL;
	journal[0] = '\0';
	management_session_greet(&session); /* nobody is there */
	assert_string_equal(journal, "");
	ovm_free(parser);
	parser = NULL;
}

/* A server that pushes without end can't make us talk without end. */
static void test_many_pushes(void **state)
{
	size_t sent = 0;

	(void)state;
	so = "";
	begin_with(0);
	journal[0] = '\0';
	for (int i = 0; i < 100; i++)
		feed(">STATE:1,ASSIGN_IP,,10.8.0.2,,,,,");
	for (const char *at = journal; (at = strstr(at, "SEND mute 0")) != NULL; at++)
		sent++;
	assert_int_equal(sent, 64);
	begin_with(0); /* and has them again in the next attempt */
	journal[0] = '\0';
	feed(">STATE:1,ASSIGN_IP,,10.8.0.2,,,,,");
	assert_non_null(strstr(journal, "SEND mute 0"));
	assert_non_null(strstr(journal, "EVENT address")); /* which it does not know of the one before */
	ovm_free(parser);
	parser = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_line),   cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_looks),       cmocka_unit_test(test_unanswered),
	    cmocka_unit_test(test_the_history), cmocka_unit_test(test_the_greeting),
	    cmocka_unit_test(test_the_reply),   cmocka_unit_test(test_many_pushes)};

	return cmocka_run_group_tests_name("management session", tests, NULL, NULL);
}
