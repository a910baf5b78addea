/* Every form of a notification, its limits, and what must not be taken for one. */
#include "mgmt_listing.h"

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define GREETING ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"

/* What a line gives; the listing leaves out empty fields at the end. */
static const struct {
	const char *line, *event;
} cases[] = {
    {">INFO:OpenVPN Management Interface Version 1 -- type 'help' for more info",
     "INFO 1 |OpenVPN Management Interface Version 1 -- type 'help' for more info"},
    {">INFO:something else", "INFO |something else"},
    {">HOLD:Waiting for hold release:0", "HOLD"},
    {">HOLD:Waiting for hold release:10", "HOLD 10"},
    {">HOLD:Waiting for hold release", "HOLD"},
    {">HOLD:Waiting for hold release:x", "HOLD"},

    {">STATE:1795401204,WAIT,,,,,,", "STATE 1795401204 |WAIT"},
    {">STATE:1,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1,1194,192.0.2.2,40000,fd00:8::1000",
     "STATE 1 |CONNECTED |SUCCESS |10.8.0.2 |192.0.2.1 |1194 |192.0.2.2 |40000 |fd00:8::1000"},
    {">STATE:1,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1", "STATE 1 |CONNECTED |SUCCESS |10.8.0.2 |192.0.2.1"},
    {">STATE:1,WAIT", "STATE 1 |WAIT"},
    {">STATE:1,", "STATE 1"},
    {">STATE:1,A,b,c,d,e,f,g,h,later", "STATE 1 |A |b |c |d |e |f |g |h"},
    {">STATE:x,WAIT,,,,,,", "UNKNOWN |STATE |x,WAIT,,,,,,"},
    {">STATE:", "UNKNOWN |STATE"},
    {">STATE:1", "UNKNOWN |STATE |1"},
    {">STATE:-1,WAIT", "UNKNOWN |STATE |-1,WAIT"},
    {">STATE:99999999999999999999,WAIT", "UNKNOWN |STATE |99999999999999999999,WAIT"},

    {">LOG:1,,no flags", "LOG 1 | |no flags"},
    {">LOG:1,FN,text, with: commas,, and >STATE:1,CONNECTED",
     "LOG 1 |FN |text, with: commas,, and >STATE:1,CONNECTED"},
    {">LOG:1,text", "UNKNOWN |LOG |1,text"},
    {">ECHO:1,hello, world", "ECHO 1 |hello, world"},
    {">ECHO:hello", "UNKNOWN |ECHO |hello"},

    {">BYTECOUNT:2059,2029", "BYTECOUNT in 2059 out 2029"},
    {">BYTECOUNT:18446744073709551615,0", "BYTECOUNT in 18446744073709551615 out 0"},
    {">BYTECOUNT:18446744073709551616,0", "UNKNOWN |BYTECOUNT |18446744073709551616,0"},
    {">BYTECOUNT:1", "UNKNOWN |BYTECOUNT |1"},
    {">BYTECOUNT:1,2x", "UNKNOWN |BYTECOUNT |1,2x"},
    {">BYTECOUNT:,2", "UNKNOWN |BYTECOUNT |,2"},
    {">BYTECOUNT_CLI:3,10,20", "BYTECOUNT_CLIENT 3 in 10 out 20"},
    {">BYTECOUNT_CLI:3,10", "UNKNOWN |BYTECOUNT_CLI |3,10"},

    {">PASSWORD:Need 'Auth' username/password", "NEED -1 |Auth |username/password"},
    {">PASSWORD:Need 'HTTP Proxy' username/password", "NEED -1 |HTTP Proxy |username/password"},
    {">PASSWORD:Need 'Private Key' password", "NEED -1 |Private Key |password"},
    {">PASSWORD:Need 'Auth' username", "NEED -1 |Auth |username"},
    {">PASSWORD:Need 'Bob's \"key\" token' password", "NEED -1 |Bob's \"key\" token |password"},
    {">PASSWORD:Need 'a' password b token' password", "NEED -1 |a' password b token |password"},
    {">PASSWORD:Need 'Auth' username/password SC:0,Code", "NEED |Auth |username/password |Code"},
    {">PASSWORD:Need 'Auth' username/password SC:3,PIN, for 'you' password",
     "NEED 3 |Auth |username/password |PIN, for 'you' password"},
    {">PASSWORD:Need 'Auth' username/password SC:1, SC:2,x", "NEED 1 |Auth |username/password | SC:2,x"},
    {">PASSWORD:Need 'Auth' username/password SC:1,", "NEED 1 |Auth |username/password"},
    {">PASSWORD:Need 'Auth' username/password SC:x,y",
     "UNKNOWN |PASSWORD |Need 'Auth' username/password SC:x,y"},
    {">PASSWORD:Need 'Auth' usernames", "UNKNOWN |PASSWORD |Need 'Auth' usernames"},
    {">PASSWORD:Need Auth", "UNKNOWN |PASSWORD |Need Auth"},
    {">PASSWORD:Verification Failed: 'Auth'", "VERIFICATION_FAILED |Auth"},
    {">PASSWORD:Verification Failed: 'Private Key'", "VERIFICATION_FAILED |Private Key"},
    {">PASSWORD:Verification Failed: 'Auth' ['wrong password']", "VERIFICATION_FAILED |Auth |wrong password"},
    {">PASSWORD:Verification Failed: 'Auth' ['it's ['you'], not me']']",
     "VERIFICATION_FAILED |Auth |it's ['you'], not me']"},
    {">PASSWORD:Verification Failed: 'Auth' ['CRV1:R,E:id:Ym9i:Please: token']",
     "VERIFICATION_FAILED |Auth |CRV1:R,E:id:Ym9i:Please: token"},
    {">PASSWORD:Verification Failed: 'Auth' ['']", "VERIFICATION_FAILED |Auth"},
    {">PASSWORD:Verification Failed: 'Auth' ['cut off", "VERIFICATION_FAILED |Auth |cut off"},
    {">PASSWORD:Verification Failed: 'Auth' ['", "VERIFICATION_FAILED |Auth"},
    {">PASSWORD:Verification Failed: Auth", "UNKNOWN |PASSWORD |Verification Failed: Auth"},
    {">PASSWORD:Verification Failed: '", "UNKNOWN |PASSWORD |Verification Failed: '"},
    {">PASSWORD:Auth-Token:abc:def==", "AUTH_TOKEN |abc:def=="},
    {">PASSWORD:Something new", "UNKNOWN |PASSWORD |Something new"},

    {">NEED-OK:Need 'token-insertion-request' confirmation MSG:Please insert 'x' token",
     "NEED_OK |token-insertion-request |Please insert 'x' token"},
    {">NEED-OK:Need 'x' confirmation", "UNKNOWN |NEED-OK |Need 'x' confirmation"},
    {">NEED-STR:Need 'pkcs11-id-request' string MSG:Please specify",
     "NEED_STRING |pkcs11-id-request |Please specify"},
    {">NEED-STR:Need 'name' input MSG:", "NEED_STRING |name"},
    {">NEED-STR:", "UNKNOWN |NEED-STR"},
    {">NEED-CERTIFICATE:macosx-keychain:subject:o=x", "NEED_CERTIFICATE |macosx-keychain:subject:o=x"},
    {">RSA_SIGN:TeyJ+/==", "RSA_SIGN |TeyJ+/=="},
    {">PK_SIGN:QQ==", "PK_SIGN |QQ=="},
    {">PK_SIGN:QQ==,ECDSA", "PK_SIGN |QQ== |ECDSA"},
    {">PK_SIGN:QQ==,RSA_PKCS1_PSS_PADDING,hashalg=SHA256,saltlen=digest,data=message",
     "PK_SIGN |QQ== |RSA_PKCS1_PSS_PADDING |hashalg=SHA256,saltlen=digest,data=message"},

    {">PKCS11ID-COUNT:2", "PKCS11_COUNT 2"},
    {">PKCS11ID-COUNT:two", "UNKNOWN |PKCS11ID-COUNT |two"},
    {">PKCS11ID-ENTRY:'1', ID:'piv_II/PKCS\\x2315', BLOB:'MIIB'",
     "PKCS11_ENTRY 1 |1 |piv_II/PKCS\\x2315 |MIIB"},
    {">PKCS11ID-ENTRY:'0', ID:'a', BLOB:'b', BLOB:'c'", "PKCS11_ENTRY |0 |a', BLOB:'b |c"},
    {">PKCS11ID-ENTRY:'7'", "PKCS11_ENTRY 7 |7"},
    {">PKCS11ID-ENTRY:'7", "UNKNOWN |PKCS11ID-ENTRY |'7"},
    {">PKCS11ID-ENTRY:'7', ID:'x'", "UNKNOWN |PKCS11ID-ENTRY |'7', ID:'x'"},
    {">PKCS11ID-ENTRY:'", "UNKNOWN |PKCS11ID-ENTRY |'"},
    {">PKCS11ID-ENTRY:", "UNKNOWN |PKCS11ID-ENTRY"},

    {">REMOTE:vpn.example.com,1194,udp", "REMOTE |vpn.example.com |1194 |udp"},
    {">REMOTE:2001:db8::1,443,tcp-client", "REMOTE |2001:db8::1 |443 |tcp-client"},
    {">REMOTE:vpn.example.com,1194", "UNKNOWN |REMOTE |vpn.example.com,1194"},
    {">PROXY:1,TCP,vpn.example.com", "PROXY 1 |TCP |vpn.example.com"},
    {">PROXY:x,TCP,h", "UNKNOWN |PROXY |x,TCP,h"},
    {">UPDOWN:UP", "UPDOWN |UP"},
    {">UPDOWN:DOWN", "UPDOWN |DOWN"},
    {">UPDOWN:ENV,dns_search_domain_1=a=b,c", "UPDOWN_ENV |dns_search_domain_1 |a=b,c"},
    {">UPDOWN:ENV,END=1", "UPDOWN_ENV |END |1"},
    {">UPDOWN:ENV,bare", "UPDOWN_ENV |bare"},
    {">UPDOWN:ENV,", "UPDOWN_ENV"},
    {">UPDOWN:ENV,END", "UPDOWN_END"},
    {">UPDOWN:SIDEWAYS", "UNKNOWN |UPDOWN |SIDEWAYS"},
    {">NOTIFY:info,server-pushed-connection-reset,", "NOTIFY |info |server-pushed-connection-reset"},
    {">NOTIFY:info,remote-exit,EXIT,now", "NOTIFY |info |remote-exit |EXIT,now"},
    {">NOTIFY:info", "UNKNOWN |NOTIFY |info"},
    {">INFOMSG:WEB_AUTH::https://sso.example/?a,b", "INFOMSG |WEB_AUTH::https://sso.example/?a,b"},
    {">FATAL:Cannot, at all: x", "FATAL |Cannot, at all: x"},
    {">FATAL:", "FATAL"},

    {">CLIENT:CONNECT,0,1", "CLIENT |CONNECT |0 |1"},
    {">CLIENT:REAUTH,2,1", "CLIENT 2 |REAUTH |2 |1"},
    {">CLIENT:ESTABLISHED,2", "CLIENT 2 |ESTABLISHED |2"},
    {">CLIENT:DISCONNECT,2", "CLIENT 2 |DISCONNECT |2"},
    {">CLIENT:CR_RESPONSE,2,1,SGVsbG8=", "CLIENT 2 |CR_RESPONSE |2 |1 |SGVsbG8="},
    {">CLIENT:ADDRESS,2,fd00:8::1000,1", "CLIENT 2 |ADDRESS |2 | |fd00:8::1000,1"},
    {">CLIENT:CONNECT", "UNKNOWN |CLIENT |CONNECT"},
    {">CLIENT:CONNECT,x,1", "UNKNOWN |CLIENT |CONNECT,x,1"},
    {">CLIENT:ENV,password=a=b", "CLIENT_ENV |password |a=b"},
    {">CLIENT:ENV,END", "CLIENT_END"},

    {">NEWS:from a later daemon", "UNKNOWN |NEWS |from a later daemon"},
    {">", "UNKNOWN"},
    {">:", "UNKNOWN"},
    {">nocolon", "UNKNOWN |nocolon"},
    {">state:1,WAIT", "UNKNOWN |state |1,WAIT"},
};

static void events_of(const char *line, const char *end, struct listing *listing)
{
	struct ovm_session *session = ovm_new(list_event, listing);

	assert_non_null(session);
	assert_int_equal(ovm_feed(session, GREETING, strlen(GREETING)), 0);
	listing->used = 0;
	assert_int_equal(ovm_feed(session, line, strlen(line)), 0);
	assert_int_equal(ovm_feed(session, end, strlen(end)), 0);
	ovm_free(session);
}

static void test_grammars(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listing listing = {0};

		for (int crlf = 0; crlf < 2; crlf++) {
			events_of(cases[i].line, crlf ? "\r\n" : "\n", &listing);
			assert_true(listing.used > 0);
			listing.text[listing.used - 1] = '\0';
			assert_string_equal(listing.text, cases[i].event);
		}
		free(listing.text);
	}
}

/* The table above leaves no kind out: but for replies and what isn't a '>' line. */
static void test_every_kind_is_tested(void **state)
{
	struct listing listing = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		events_of(cases[i].line, "\r\n", &listing);
	for (int kind = 0; kind < OVM_KINDS; kind++) {
		bool other = kind == OVM_PASSWORD_PROMPT || kind == OVM_NOISE || kind == OVM_REPLY ||
			     kind == OVM_REPLY_LINE || kind == OVM_OVERLONG;

		assert_int_equal(listing.count[kind] > 0, !other);
		assert_string_not_equal(ovm_kind_name((enum ovm_kind)kind), "?");
	}
	assert_string_equal(ovm_kind_name(OVM_KINDS), "?");
	free(listing.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grammars),
	    cmocka_unit_test(test_every_kind_is_tested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
