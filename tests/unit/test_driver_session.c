/* What the driver makes of recorded management sessions: events of the tunnel,
 * its configuration, answers; and that secrets stay where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "between.h"
#include "driver/login/credentials.h"
#include "driver/management_session.h"
#include "profile/profile.h"

#define TRANSCRIPTS "openvpn-mgmt/tests/transcripts/"

enum { LINE = 64 * 1024, EVENTS = 4096 };

static struct {
	struct management_session session;
	struct ovm_session *parser;
	char events[EVENTS]; /* names of the events, in order */
	char cause[SESSION_CAUSE];
	char sent[EVENTS]; /* what was sent to openvpn */
	enum tunnel_event last;
} it;

static void on_event(enum tunnel_event event, const char *cause, void *argument)
{
	(void)argument;
	strncat(it.events, " ", sizeof it.events - strlen(it.events) - 1);
	strncat(it.events, tunnel_event_name(event), sizeof it.events - strlen(it.events) - 1);
	snprintf(it.cause, sizeof it.cause, "%s", cause);
	it.last = event;
}

static void on_count(uint64_t in, uint64_t out, void *argument)
{
	(void)argument;
	snprintf(it.cause, sizeof it.cause, "%llu/%llu", (unsigned long long)in, (unsigned long long)out);
}

static int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void take_sent(void)
{
	const void *bytes;
	size_t length;

	while ((bytes = ovm_pending(it.session.parser, &length)) != NULL && length > 0) {
		strncat(it.sent, bytes,
			length < sizeof it.sent - strlen(it.sent) - 1 ? length
								      : sizeof it.sent - strlen(it.sent) - 1);
		ovm_sent(it.session.parser, length);
	}
}

static struct login login;

static void on_asked(void *argument)
{
	(void)argument;
}

static void feed(const char *line)
{
	assert_int_equal(ovm_feed(it.session.parser, line, strlen(line)), 0);
	assert_int_equal(ovm_feed(it.session.parser, "\r\n", 2), 0);
	take_sent();
}

static int no_file = -1;

static void begin(int password_file, const char *username, int needs)
{
	static char kept[64];
	struct management_attempt attempt = {
	    .interface = "tun0", .username = kept, .needs = needs, .profile = ""};

	memset(&it, 0, sizeof it);
	snprintf(kept, sizeof kept, "%s", username);
	assert_int_equal(net_endpoint_parse("192.0.2.1:1194/udp", &attempt.endpoint), 0);
	if (no_file == -1)
		no_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memset(&login, 0, sizeof login);
	login.files = (struct credentials_files){password_file, -1, no_file, -1};
	it.session.events =
	    (struct management_events){.event = on_event, .asked = on_asked, .count = on_count};
	it.session.login = &login;
	management_session_begin(&it.session, &attempt, 1);
	it.parser = it.session.parser = ovm_new(management_session_event, &it.session);
	assert_non_null(it.parser);
	management_session_greet(&it.session);
	take_sent();
	feed(">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info");
}

static void end(void)
{
	ovm_free(it.parser);
	it.parser = it.session.parser = NULL;
}

/* Feeds what the daemon said, up to the first of ours that ends it. */
static void replay(const char *name)
{
	static char line[LINE];
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, TRANSCRIPTS "%s.txt", name);
	if ((file = fopen(path, "r")) == NULL)
		fail_msg("%s can't be read", path);
	while (fgets(line, sizeof line, file) != NULL) {
		char *said = strstr(line, " <- ");

		line[strcspn(line, "\r\n")] = '\0';
		if (said == line + 9 && said[4] == '>')
			feed(said + 4);
	}
	fclose(file);
}

static bool said(const char *event)
{
	char with[64];

	snprintf(with, sizeof with, " %s", event);
	return strstr(it.events, with) != NULL;
}

static void test_basic(void **state)
{
	char text[NET_PREFIX_TEXT];
	const struct wire_tunnel *t = &it.session.config.tunnel;

	(void)state;
	begin(-1, "", 0);
	assert_string_equal(it.sent, "version 3\nstate on\nlog on all\nbytecount 0\npid\n");
	replay("01-basic-connect-hold-updown");
	/* The block after ASSIGN_IP has the same addresses: they are told once. */
	assert_string_equal(it.events, " handshake config address config success device-down exited");
	assert_non_null(strstr(it.sent, "hold release\n"));
	assert_string_equal(t->name, "tun0");
	assert_string_equal(net_address_text(&t->address4, text), "10.8.0.2");
	assert_string_equal(net_address_text(&t->address6, text), "fd00:8::1000");
	assert_string_equal(net_prefix_text(&t->networks[0], text), "10.8.0.0/24");
	assert_string_equal(net_prefix_text(&t->networks[1], text), "fd00:8::/64");
	assert_string_equal(net_prefix_text(&t->networks[2], text), "fd00:8::1/128");
	assert_string_equal(net_prefix_text(&t->networks[3], text), "172.16.5.0/24");
	assert_string_equal(net_address_text(&t->dns[0], text), "10.8.0.1");
	assert_int_equal(t->dns[1].family, NET_NONE);
	assert_string_equal(t->domains[0], "corp.example");
	end();
}

/* Wrong credentials stop; a busy server or an old token do not. */
static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		bool stops, denied;
		uint32_t backoff;
	} cases[] = {
	    {"09b-auth-failed-retry-none", false, true, 0},
	    {"09c-auth-failed-reason-retry-none", false, true, 0},
	    {"09g-auth-failed-temp", false, false, 3},
	    {"09h-auth-failed-temp-plain", false, false, 0},
	    {"09j-dynamic-challenge-crv1-retry-none", true, false, 0},
	    {"12b-auth-token-refused-then-stored-password", false, false, 0},
	    {"19b-private-key-password-wrong", true, false, 0},
	};
	int file = file_with("bob\nsecret\npassphrase\n");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(file, "", 3);
		replay(cases[i].name);
		management_session_lost(&it.session);
		if (said("credentials") != cases[i].stops || said("denied") != cases[i].denied)
			fail_msg("%s:%s (%s)", cases[i].name, it.events, it.cause);
		assert_true(cases[i].stops || cases[i].denied || said("restart") || said("exited"));
		assert_int_equal(it.session.refusal.backoff, cases[i].backoff);
		/* A challenge's state is as good as a password for a while. */
		assert_null(strstr(it.cause, "Om01u7Fh4LrGBS7uh0SWmzwabUiGiW6l"));
		end();
	}
	close(file);
}

static void test_second_hold_and_push_update(void **state)
{
	(void)state;
	begin(-1, "", 0);
	feed(">HOLD:Waiting for hold release:0");
	assert_string_equal(it.events, "");
	feed(">HOLD:Waiting for hold release:1");
	assert_string_equal(it.events, " restart");
	end();
	begin(-1, "", 0);
	replay("62a-v27-push-update");
	assert_memory_equal(it.events, " handshake config address success device-down", 45);
	end();
}

static void test_what_a_refusal_says(void **state)
{
	static const struct {
		const char *type, *reason;
		struct refusal is;
	} ways[] = {
	    {"Auth", "", {REFUSAL_PLAIN, ADVANCE_ADDRESS, 0}},
	    {"Auth", "too many sessions", {REFUSAL_PLAIN, ADVANCE_ADDRESS, 0}},
	    {"Auth", "CRV1:R,E:x:y:z", {REFUSAL_PERSON, ADVANCE_ADDRESS, 0}},
	    {"Private Key", "", {REFUSAL_PERSON, ADVANCE_ADDRESS, 0}},
	    {"Auth", "SESSION: token expired", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 0}},
	    {"Auth", "TEMP", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 0}},
	    {"Auth", "TEMP[backoff 42,advance addr]:later", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 42}},
	    {"Auth", "TEMP[advance no,backoff 7]:later", {REFUSAL_TEMPORARY, ADVANCE_NO, 7}},
	    {"Auth", "TEMP[advance remote]", {REFUSAL_TEMPORARY, ADVANCE_REMOTE, 0}},
	    {"Auth", "TEMP[advance remotex,advance nox]", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 0}},
	    {"Auth", "TEMP[]:backoff 3", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 0}},
	    {"Auth", "TEMP[backoff 3", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 3}},
	    {"Auth", "TEMP[,,backoff -1,]", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, UINT32_MAX / 1000}},
	    {"Auth", "TEMP[backoff 99999999999999999999]", {REFUSAL_TEMPORARY, 0, UINT32_MAX / 1000}},
	    {"Auth", "TEMP[backoff x]", {REFUSAL_TEMPORARY, ADVANCE_ADDRESS, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct refusal is = refusal_read(ways[i].type, ways[i].reason);

		if (memcmp(&is, &ways[i].is, sizeof is) != 0)
			fail_msg("%s: %d %d %u", ways[i].reason, (int)is.kind, (int)is.advance, is.backoff);
	}
}

/* What openvpn logs of certificates, and when that brings us to a stop. */
static void test_certificates(void **state)
{
#define OK ">LOG:1,,VERIFY OK: depth=0, CN=server"
#define SILENT                                                                                               \
	"openvpn leaves: tls-error: the server proved itself and then went no further; it may refuse this "  \
	"machine's "                                                                                         \
	"certificate without a word (revoked?)"
#define ENDS ">STATE:1,EXITING,tls-error,,,,,"
	static const struct {
		const char *lines[4];
		const char *event, *cause;
	} ways[] = {
	    {{ENDS}, " exited", "openvpn leaves: tls-error"},
	    {{OK, ENDS}, " exited", SILENT},
	    {{">LOG:1,N,VERIFY ERROR: depth=0, error=certificate has expired: CN=server", ENDS},
	     " exited",
	     "the server's certificate is not believed: depth=0, error=certificate has expired: CN=server"},
	    {{">LOG:1,W,WARNING: Your certificate has expired!", OK, ENDS},
	     " credentials",
	     "this machine's certificate has expired; instead: import a profile with a new one"},
	    {{OK, ">LOG:1,N,OpenSSL: error:0A000415:SSL routines::sslv3 alert certificate expired:x", ENDS},
	     " credentials",
	     "this machine's certificate has expired; instead: import a profile with a new one"},
	    {{OK, ">LOG:1,N,OpenSSL: error:0A000414:SSL routines::sslv3 alert certificate revoked:x", ENDS},
	     " credentials",
	     "this machine's certificate is revoked; instead: import a profile with a new one"},
	    /* an alert of nobody in particular */
	    {{">LOG:1,N,OpenSSL: error:0A000414:SSL routines::sslv3 alert certificate revoked:x", ENDS},
	     " exited",
	     "openvpn leaves: tls-error"},
	    /* no alert at all */
	    {{OK, ">LOG:1,N,PUSH: alert certificate revoked", ENDS}, " exited", SILENT},
	    {{">LOG:1,W,WARNING: Your certificate has expired!", OK, ">STATE:1,EXITING,SIGTERM,,,,,"},
	     " exited",
	     "openvpn leaves: SIGTERM"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		begin(-1, "", 0);
		for (size_t k = 0; k < 4 && ways[i].lines[k] != NULL; k++)
			feed(ways[i].lines[k]);
		assert_string_equal(it.events, ways[i].event);
		assert_string_equal(it.cause, ways[i].cause);
		management_session_begin(&it.session, &it.session.attempt, 1); /* nothing of it stays */
		assert_null(it.session.own_fault);
		assert_false(it.session.verified);
		assert_string_equal(it.session.peer_fault, "");
		it.session.parser = it.parser;
		end();
	}
}

/* What is not openvpn's, over TCP: its first two bytes are taken for a length. */
static void test_a_stranger_answers(void **state)
{
#define LENGTH(number)                                                                                       \
	">LOG:1,W,WARNING: Bad encapsulated packet length from peer (" number "), which must be > 0 and <= " \
	"1768"
#define STRANGER(who)                                                                                        \
	"at the server's address not the server answers, but " who ": perhaps a captive portal; instead: "   \
	"log in to it, with sudo portcullis portal"
	static const struct {
		const char *lines[2], *cause;
	} ways[] = {
	    {{LENGTH("18516")}, STRANGER("a web server (HTTP)")},
	    {{LENGTH("5379")}, STRANGER("a web server, or another one that speaks TLS")},
	    {{LENGTH("5635")}, STRANGER("a web server, or another one that speaks TLS")},
	    {{LENGTH("5123")}, STRANGER("a web server, or another one that speaks TLS")},
	    {{LENGTH("5891")}, STRANGER("a web server, or another one that speaks TLS")},
	    {{LENGTH("4867")}, "openvpn restarts: connection-reset"},
	    {{LENGTH("6147")}, "openvpn restarts: connection-reset"},
	    {{LENGTH("5380")}, "openvpn restarts: connection-reset"},
	    {{LENGTH("21331")}, "openvpn restarts: connection-reset"},
	    {{LENGTH("x")}, "openvpn restarts: connection-reset"},
	    {{">LOG:1,W,Bad encapsulated packet length from peer (18516)"},
	     "openvpn restarts: connection-reset"},
	    /* A server that was ours. */
	    {{OK, LENGTH("18516")}, "openvpn restarts: connection-reset"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		begin(-1, "", 0);
		for (size_t k = 0; k < 2 && ways[i].lines[k] != NULL; k++)
			feed(ways[i].lines[k]);
		feed(">STATE:1,RECONNECTING,connection-reset,,,,,");
		assert_string_equal(it.cause, ways[i].cause);
		management_session_begin(&it.session, &it.session.attempt, 1); /* nothing of it stays */
		assert_null(it.session.stranger);
		it.session.parser = it.parser;
		end();
	}
}

/* An ICMP error, or no route: not what only looks like it. */
static void test_unreachable(void **state)
{
	static const struct {
		const char *line, *event;
	} ways[] = {
	    {">LOG:1,N,read UDPv4 [ECONNREFUSED]: Connection refused (fd=3,code=111)", " unreachable"},
	    {">LOG:1,N,read UDP [ECONNREFUSED]: Connection refused (code=111)", " unreachable"},
	    {">LOG:1,N,write UDPv6 []: Network is unreachable (fd=3,code=101)", " unreachable"},
	    {">LOG:1,N,read UDPv4 [EHOSTUNREACH]: No route to host (fd=3,code=113)", " unreachable"},
	    {">LOG:1,N,write UDPv4 []: Operation not permitted (fd=3,code=1)", ""},
	    {">LOG:1,N,write UDPv4 []: Network is unreachable", ""},
	    {">LOG:1,N,write UDPv4 []: (code=101", ""},
	    {">LOG:1,N,write UDPv4 []: (code=1011)", ""},
	    {">LOG:1,N,a text: write UDPv4 []: (code=101)", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		begin(-1, "", 0);
		feed(ways[i].line);
		assert_string_equal(it.events, ways[i].event);
		end();
	}
}

/* What the server says of how long it lets us wait; what is no number says nothing. */
static void test_pending(void **state)
{
	static const struct {
		const char *line;
		uint64_t patience;
		const char *cause;
	} ways[] = {
	    {">STATE:1,GET_CONFIG,,,,,,", 0, "asking the server for its options"},
	    {">STATE:1,AUTH_PENDING,timeout 60,,,,,", 60,
	     "the server waits for an approval, perhaps by a second factor: 60 s at most"},
	    {">STATE:1,AUTH_PENDING,timeout 4294967295,,,,,", UINT32_MAX,
	     "the server waits for an approval, perhaps by a second factor: 4294967295 s at most"},
	    {">STATE:1,AUTH_PENDING,,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout ,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout 0,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout -1,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout 6x,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout 4294967296,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeout 99999999999999999999999999,,,,,", 0, NULL},
	    {">STATE:1,AUTH_PENDING,timeoux 60,,,,,", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		begin(-1, "", 0);
		feed(ways[i].line);
		assert_string_equal(it.events, " pended");
		assert_int_equal(it.session.patience, ways[i].patience);
		assert_string_equal(it.cause, ways[i].cause != NULL
						  ? ways[i].cause
						  : "the server waits for an approval, perhaps by a second "
						    "factor");
		management_session_begin(&it.session, &it.session.attempt, 1); /* nothing of it stays */
		assert_int_equal(it.session.patience, 0);
		it.session.parser = it.parser;
		end();
	}
}

static void test_dns_of_27(void **state)
{
	char text[NET_ADDRESS_TEXT];

	(void)state;
	begin(-1, "", 0);
	feed(">LOG:1,I,OpenVPN 2.7.6 x86_64-pc-linux-gnu");
	feed(">LOG:1,,PUSH: Received control message: 'PUSH_REPLY,dns server 1 address 10.8.0.1 "
	     "[fd00::1]:53 10.9.9.9:5353,dns search-domains a.example -b.example,ifconfig 10.8.0.2 "
	     "255.255.255.0'");
	assert_string_equal(net_address_text(&it.session.config.tunnel.dns[0], text), "10.8.0.1");
	assert_string_equal(net_address_text(&it.session.config.tunnel.dns[1], text), "fd00::1");
	assert_int_equal(it.session.config.tunnel.dns[2].family, NET_NONE);
	assert_string_equal(it.session.config.tunnel.domains[0], "a.example");
	assert_string_equal(it.session.config.tunnel.domains[1], "");
	end();
	/* Before 2.7 the environment has them, as far as the profile wants them. */
	begin(-1, "", 0);
	feed(">LOG:1,I,OpenVPN 2.6.14 x86_64-pc-linux-gnu");
	feed(">LOG:1,,PUSH: Received control message: 'PUSH_REPLY,dhcp-option DNS 10.8.0.1'");
	assert_int_equal(it.session.config.tunnel.dns[0].family, NET_NONE);
	end();
}

/* 2.7 shows the push as it came: the profile's filters count here too. */
static void test_dns_that_the_profile_keeps_out(void **state)
{
	static const char *const profiles[] = {
	    ("remote a 1 udp\nneeds 0\n\npull-filter \"ignore\" \"dhcp-option DNS\"\npull-filter \"ignore\" "
	     "\"dns \"\n"),
	    "remote a 1 udp\nneeds 0\n\nroute-nopull\n",
	    "remote a 1 udp\nneeds 0\n\npull-filter \"ignore\" \"route\"\n",
	};
	struct net_address *first = &it.session.config.tunnel.dns[0];

	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		begin(-1, "", 0);
		it.session.attempt.profile = profiles[i];
		it.session.attempt.profile_length = strlen(profiles[i]);
		management_session_begin(&it.session, &it.session.attempt, 1);
		it.session.parser = it.parser;
		feed(">LOG:1,I,OpenVPN 2.7.6 x86_64-pc-linux-gnu");
		feed(">LOG:1,,PUSH: Received control message: 'PUSH_REPLY,dhcp-option DNS 10.8.0.1,"
		     "  dhcp-option DNS 10.8.0.2,dns server 1 address 10.8.0.3'");
		if (i < 2)
			assert_int_equal(first->family, NET_NONE);
		else
			assert_int_equal(first->family, NET_IPV4); /* control */
		end();
	}
}

static void test_hostile_facts(void **state)
{
	static const char *const lines[] = {
	    "dev=../../etc",
	    "dev=tun 0",
	    "ifconfig_local=10.8.0",
	    "ifconfig_netmask=255.0.255.0",
	    "ifconfig_local=fd00::1",
	    "ifconfig_ipv6_netbits=129",
	    "route_network_0=1.2.3.4",
	    "route_network_999999=1.2.3.4",
	    "foreign_option_1=dhcp-option DNS $(reboot)",
	    "foreign_option_2=dhcp-option DNS 127.0.0.1",
	    "foreign_option_3=dhcp-option DOMAIN a;reboot",
	    "foreign_option_4=dhcp-option DOMAIN -rf",
	    "foreign_option_5=dhcp-option DNS",
	    "dns_server_1_address_99=10.8.0.1",
	    "dns_server_x_address_1=10.8.0.1",
	    "route_network_1=0.0.0.0",
	    "route_netmask_1=128.0.0.0",
	    "route_network_2=192.0.2.0",
	    "route_netmask_2=255.255.255.0", /* over the server itself */
	    "route_ipv6_network_1=::/0",
	    "route_ipv6_network_2=10.0.0.0/8",
	};
	/* Routes that lead to the tunnel and stay there: the gate's table is no matter of the server's
	 * address. */
	static const char *const routes[] = {"0.0.0.0/1", "::/0", "192.0.2.0/24"};
	struct wire_tunnel nothing = {.name = "tun0"};
	char line[128];

	(void)state;
	begin(-1, "", 0);
	feed(">UPDOWN:UP");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		snprintf(line, sizeof line, ">UPDOWN:ENV,%s", lines[i]);
		feed(line);
	}
	feed(">UPDOWN:ENV,END");
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		assert_int_equal(net_prefix_parse(routes[i], &nothing.routes[i].to), 0);
	assert_string_equal(it.events, "");
	assert_memory_equal(&it.session.config.tunnel, &nothing, sizeof nothing);
	end();
}

/* A point-to-point tunnel by IPv4, a subnet by IPv6, and what a server may want routed. */
static void test_what_the_gate_shall_set(void **state)
{
	static const char *const lines[] = {
	    "tun_mtu=1400",
	    "ifconfig_local=10.8.0.6",
	    "ifconfig_remote=10.8.0.5",
	    "ifconfig_ipv6_local=fd00:8::1000",
	    "ifconfig_ipv6_netbits=64",
	    "route_net_gateway=10.77.0.1",
	    "net_gateway_ipv6=fd77::1",
	    "route_network_1=192.0.2.0",
	    "route_netmask_1=255.255.255.0",
	    "route_gateway_1=10.8.0.5",
	    "route_network_2=198.51.100.7",
	    "route_gateway_2=10.77.0.1",
	    "route_network_3=10.9.0.0",
	    "route_netmask_3=255.0.255.0", /* a hole */
	    "route_network_4=224.0.0.0",
	    "route_netmask_4=240.0.0.0",
	    "route_network_65=10.66.0.0",
	    "route_ipv6_network_1=2001:db8:77::/48",
	    "route_ipv6_gateway_1=fd00:8::1",
	    "route_ipv6_network_2=2001:db8:78::/48",
	    "route_ipv6_gateway_2=fd77::1",
	};
	const struct wire_tunnel *t = &it.session.config.tunnel;
	char text[NET_PREFIX_TEXT], line[128];
	struct err e = {""};

	(void)state;
	begin(-1, "", 0);
	feed(">UPDOWN:UP");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		snprintf(line, sizeof line, ">UPDOWN:ENV,%s", lines[i]);
		feed(line);
	}
	assert_false(said("address")); /* the gate sets all of it at once, so it is told at the end */
	feed(">UPDOWN:ENV,END");
	assert_true(said("address"));
	assert_int_equal(t->mtu, 1400);
	assert_int_equal(t->length4, 32);
	assert_int_equal(t->length6, 64);
	assert_string_equal(net_address_text(&t->peer4, text), "10.8.0.5");
	assert_string_equal(net_prefix_text(&t->routes[0].to, text), "192.0.2.0/24");
	assert_string_equal(net_address_text(&t->routes[0].gateway, text), "10.8.0.5");
	assert_string_equal(net_prefix_text(&t->routes[1].to, text), "2001:db8:77::/48");
	assert_string_equal(net_prefix_text(&t->routes[2].to, text), "198.51.100.7/32");
	assert_string_equal(net_prefix_text(&t->routes[3].to, text), "2001:db8:78::/48");
	assert_int_equal(t->routes[4].to.address.family, NET_NONE);
	for (int i = 0; i < 4; i++)
		assert_int_equal(t->routes[i].excluded, i >= 2);
	assert_true(it.session.config.routes_left_out);
	assert_int_equal(wire_check_tunnel(t, &e), 0);
	end();
}

static void test_credentials_asked(void **state)
{
	int two = file_with("hunter2\npass phrase\r\n"), three = file_with("bob\nhun\"ter\\2\nkey");

	(void)state;
	begin(two, "alice", PROFILE_NEEDS_USER_PASSWORD | PROFILE_NEEDS_KEY_PASSPHRASE);
	it.sent[0] = '\0';
	feed(">PASSWORD:Need 'Private Key' password");
	feed(">PASSWORD:Need 'Auth' username/password");
	assert_string_equal(it.sent, "password \"Private Key\" \"pass phrase\"\n"
				     "username Auth alice\npassword Auth hunter2\n");
	end();
	begin(three, "", PROFILE_NEEDS_USER_PASSWORD | PROFILE_NEEDS_KEY_PASSPHRASE);
	it.sent[0] = '\0';
	feed(">PASSWORD:Need 'Auth' username/password");
	assert_string_equal(it.sent, "username Auth bob\npassword Auth \"hun\\\"ter\\\\2\"\n");
	assert_string_equal(it.events, "");
	feed(">PASSWORD:Need 'Auth' username/password SC:1,What is your PIN?");
	assert_string_equal(it.events, " credentials");
	feed(">PASSWORD:Need 'HTTP Proxy' username/password");
	feed(">NEED-OK:Need 'token-insertion-request' confirmation MSG:Please insert");
	assert_string_equal(it.events, " credentials credentials credentials");
	end();
	close(two);
	close(three);
}

static void test_credentials_missing(void **state)
{
	static const char *const files[] = {"", "\n\n", "bob\n", "bob\n\n", "bob\ntab\there\n"};
	struct credentials credentials, none;
	struct err e;

	(void)state;
	memset(&none, 0, sizeof none);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int file = file_with(files[i]);

		begin(file, "", 0);
		feed(">PASSWORD:Need 'Auth' username/password");
		assert_string_equal(it.events, " credentials");
		assert_null(strstr(it.cause, "tab"));
		end();
		assert_int_equal(credentials_read(file, 1, "", &credentials, &e), -1);
		assert_memory_equal(&credentials, &none, sizeof none);
		assert_int_equal(strstr(e.text, "is missing, empty or not root's alone") != NULL,
				 files[i][0] == '\0');
		close(file);
	}
}

static void test_routes_are_named(void **state)
{
	(void)state;
	begin(-1, "", 0);
	feed(">LOG:1,,net_route_v4_add: 172.16.5.0/24 via 10.8.0.1 dev [NULL] table 0 metric -1");
	feed(">LOG:1,W,sitnl_send: rtnl: generic error (-101): Network is unreachable");
	feed(">LOG:1,,net_route_v4_add: 172.16.6.0/24 via 10.8.0.1 dev [NULL] table 0 metric -1");
	feed(">STATE:1,CONNECTED,ROUTE_ERROR,10.8.0.2,192.0.2.1,1194,,");
	assert_string_equal(it.events, " connect-errors");
	assert_non_null(strstr(it.cause, "172.16.5.0/24"));
	assert_non_null(strstr(it.cause, "unreachable"));
	end();
}

static void test_nothing_secret_is_logged(void **state)
{
	static const char *const never[] = {
	    ">LOG:1,D,MANAGEMENT: CMD 'username \"Auth\" \"bob\"'",
	    ">LOG:1,D,MANAGEMENT: CMD 'password [...]'",
	    ">LOG:1,,PUSH: Received control message: 'PUSH_REPLY,auth-token SESS_ID_AT_x,route 1.2.3.4'",
	    ">LOG:1,,AUTH: Received control message: AUTH_FAILED,CRV1:R,E:state:Ym9i:PIN",
	    ">PASSWORD:Auth-Token:SESS_ID_AT_verysecret",
	    /* What openvpn tells from level 7 on. */
	    ">LOG:1,D,Client pre_master: 0102030405",
	    ">LOG:1,D,Server random1: 0102030405",
	    ">LOG:1,D,Master Encrypt (cipher): 0102030405",
	    ">LOG:1,D,Data Channel Encrypt: CIPHER KEY: 0102030405",
	    ">LOG:1,D,Data Channel Encrypt: HMAC KEY: 0102030405",
	    ">LOG:1,D,Cipher source entropy: 0102030405",
	    ">LOG:1,D,tls1_PRF out[256]: 0102030405",
	    ">LOG:1,D,tls1_P_hash sec: 0102030405",
	    ">LOG:1,D,ENCRYPT FROM: 0102030405",
	    ">LOG:1,D,DECRYPT TO: 0102030405",
	};
	int log = memfd_create("log", MFD_CLOEXEC);
	char text[4096];
	ssize_t length;

	(void)state;
	log_open(log, LOG_DEBUG);
	begin(-1, "", 0);
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		feed(never[i]);
	assert_int_equal(lseek(log, 0, SEEK_END), 0);
	/* The control: a harmless one is there, its hostile bytes escaped. */
	feed(">LOG:1,N,event_wait\x1b[31m");
	length = pread(log, text, sizeof text - 1, 0);
	text[length] = '\0';
	assert_non_null(strstr(text, "warn openvpn: event_wait\\x1b[31m\n"));
	/* What its owner has to know is no secret. */
	feed(">LOG:1,N,TLS Error: PRF calculation failed.");
	feed(">LOG:1,N,ERROR: Random number generator cannot obtain entropy for key generation");
	feed(">LOG:1,N,ENCRYPT ERROR: packet ID roll over");
	length = pread(log, text, sizeof text - 1, 0);
	text[length] = '\0';
	assert_non_null(strstr(text, "PRF calculation"));
	assert_non_null(strstr(text, "obtain entropy"));
	assert_non_null(strstr(text, "roll over"));
	/* A flood is cut; one line says so when it is over. */
	for (int i = 0; i < 100000; i++)
		feed(">LOG:1,N,read from TUN/TAP : File descriptor in bad state (fd=-1,code=77)");
	it.session.now += 60000;
	feed(">LOG:1,N,quiet again");
	assert_true(lseek(log, 0, SEEK_END) < 20000);
	length = pread(log, text, sizeof text - 1, lseek(log, 0, SEEK_END) - 200);
	text[length] = '\0';
	assert_non_null(strstr(text, "lines left out"));
	log_open(-1, LOG_INFO);
	end();
	close(log);
}

/* For ever a little too much: 20 lines a second, and one in 10 s that says so. */
static void test_steady_flood(void **state)
{
	int log = memfd_create("log", MFD_CLOEXEC), said_so = 0, lines = 0;
	char *text, *at;
	off_t length;

	(void)state;
	log_open(log, LOG_DEBUG);
	begin(-1, "", 0);
	for (int i = 0; i < 60 * 100; i++) {
		it.session.now += 10;
		feed(">LOG:1,N,once more");
	}
	length = lseek(log, 0, SEEK_END);
	text = calloc(1, (size_t)length + 1);
	assert_int_equal(pread(log, text, (size_t)length, 0), length);
	for (at = text; (at = strstr(at, "lines left out")) != NULL; at++)
		said_so++;
	for (at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_between(said_so, 5, 7);
	assert_between(lines, 1000, 1400);
	free(text);
	/* A new attempt is no new allowance. */
	management_session_begin(&it.session, &it.session.attempt, it.session.now);
	length = lseek(log, 0, SEEK_END);
	for (int i = 0; i < 100; i++)
		openvpn_log_line(&it.session.log, it.session.now, "N", "once more");
	assert_true(lseek(log, 0, SEEK_END) - length < 1000);
	log_open(-1, LOG_INFO);
	ovm_free(it.parser);
	close(log);
}

/* What becomes a reason goes through the same filter as what becomes a line. */
static void test_nothing_secret_is_a_reason(void **state)
{
	static const char *const last[] = {
	    ">FATAL:Master Encrypt (cipher): 0102030405",
	    ">NOTIFY:info,PUSH_REPLY auth-token 0102030405,x",
	    ">PASSWORD:Verification Failed: 'Auth' ['SESS_ID_AT_0102030405']",
	};

	(void)state;
	for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
		begin(-1, "", 0);
		feed(last[i]);
		management_session_lost(&it.session);
		assert_null(strstr(it.cause, "0102030405"));
		assert_non_null(strstr(it.cause, "left out: it may contain a secret"));
		end();
	}
	begin(-1, "", 0);
	feed(">FATAL:Cannot open TUN/TAP dev /dev/net/tun: No such file or directory");
	management_session_lost(&it.session);
	assert_non_null(strstr(it.cause, "Cannot open TUN/TAP dev"));
	end();
}

/* A push could have changed what openvpn tells: it is set anew behind it, not without end. */
static void test_quiet_after_a_push(void **state)
{
	char *at;
	int times = 0;

	(void)state;
	begin(-1, "", 0);
	assert_null(strstr(it.sent, "verb"));
	feed(">STATE:1,ASSIGN_IP,,10.8.0.2,,,,");
	assert_non_null(strstr(it.sent, "verb 3\nmute 0\n"));
	it.sent[0] = '\0';
	feed(">STATE:1,CONNECTED,SUCCESS,10.8.0.2,192.0.2.1,1194,,");
	assert_non_null(strstr(it.sent, "verb 3\nmute 0\n"));
	for (int i = 0; i < 10000; i++)
		feed(">STATE:1,ASSIGN_IP,,10.8.0.2,,,,");
	for (at = it.sent; (at = strstr(at, "verb 3")) != NULL; at++)
		times++;
	assert_between(times, 1, 64);
	end();
}

static void test_counts(void **state)
{
	static const char *const words[] = {"load-stats", NULL};

	(void)state;
	begin(-1, "", 0);
	/* Everything that was sent before is answered first. */
	feed("SUCCESS: real-time state notification set to ON");
	feed("SUCCESS: real-time log notification set to ON");
	feed("1795401033,I,OpenVPN 2.7.1 x86_64-pc-linux-gnu");
	feed("END");
	feed("SUCCESS: bytecount interval changed");
	feed("SUCCESS: pid=4711");
	assert_true(it.session.config.dns_in_push_only);
	assert_int_equal(ovm_command(it.session.parser, words), 0);
	feed("SUCCESS: nclients=0,bytesin=2259,bytesout=2089");
	assert_string_equal(it.cause, "2259/2089");
	end();
}

/* As openvpn 2.6 says it where the kernel has no TUN driver. */
static void test_fatal_with_what_to_do(void **state)
{
	(void)state;
	begin(-1, "", 0);
	feed(">FATAL:ERROR: Cannot open TUN/TAP dev /dev/net/tun: No such device (errno=19)");
	feed(">STATE:1795401033,EXITING,tun-open-error,,,,,");
	assert_int_equal(it.last, TUNNEL_EXITED);
	assert_string_equal(it.cause,
			    "openvpn reports: ERROR: Cannot open TUN/TAP dev /dev/net/tun: No such device "
			    "(errno=19); instead: see the check of tun in `portcullis doctor`");
	end();
	begin(-1, "", 0);
	feed(">FATAL:Some other thing");
	feed(">STATE:1795401033,EXITING,error,,,,,");
	assert_string_equal(it.cause, "openvpn reports: Some other thing");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_basic),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_second_hold_and_push_update),
	    cmocka_unit_test(test_pending),
	    cmocka_unit_test(test_what_a_refusal_says),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_a_stranger_answers),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_dns_of_27),
	    cmocka_unit_test(test_dns_that_the_profile_keeps_out),
	    cmocka_unit_test(test_hostile_facts),
	    cmocka_unit_test(test_what_the_gate_shall_set),
	    cmocka_unit_test(test_credentials_asked),
	    cmocka_unit_test(test_credentials_missing),
	    cmocka_unit_test(test_routes_are_named),
	    cmocka_unit_test(test_nothing_secret_is_logged),
	    cmocka_unit_test(test_steady_flood),
	    cmocka_unit_test(test_nothing_secret_is_a_reason),
	    cmocka_unit_test(test_quiet_after_a_push),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_fatal_with_what_to_do),
	};

	log_open(-1, LOG_INFO);
	return cmocka_run_group_tests_name("driver session", tests, NULL, NULL);
}
