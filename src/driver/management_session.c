/* Makes openvpn's messages into events of the tunnel; uses no sockets. */
#include "driver/management_session.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "profile/profile.h"

/* How often verb and mute are set again in one attempt. An honest openvpn is configured
 * twice, and once more for each update that is pushed. */
enum { VERBOSITY_RESETS_MAX = 64 };
enum { TLS_FIRST = 0x14, TLS_LAST = 0x17, TLS_VERSION = 3 }; /* how a record of TLS begins */

static void __attribute__((format(printf, 3, 4)))
emit(struct management_session *s, enum tunnel_event event, const char *format, ...)
{
	char cause[SESSION_CAUSE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(cause, sizeof cause, format, ap);
	va_end(ap);
	s->events.event(event, cause, s->events.argument);
}

/* Logs a line of ours that openvpn has caused; it counts for the limit of openvpn's own lines. */
static void __attribute__((format(printf, 2, 3)))
log_complaint(struct management_session *s, const char *format, ...)
{
	char text[SESSION_CAUSE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (openvpn_log_may(&s->log, s->now, LOG_WARN))
		log_warn("driver", "%s", text);
}

static void send_command(struct management_session *s, const char *first, const char *second,
			 const char *third)
{
	const char *words[] = {first, second, third, NULL};

	/* A word that is too long (over 255 bytes) has been refused before. */
	if (s->parser != NULL && ovm_command(s->parser, words) == -1)
		log_complaint(s, "the command %s can't be sent to openvpn", first);
}

void management_session_begin(struct management_session *s, const struct management_attempt *attempt,
			      uint64_t now)
{
	s->attempt = *attempt;
	s->parser = NULL;
	s->released = s->rising = s->failed = s->repeats = s->signing = false;
	s->failure[0] = s->fatal[0] = s->notice[0] = '\0';
	s->verbosity_resets = 0;
	s->patience = 0;
	s->refusal = (struct refusal){.kind = REFUSAL_NONE};
	s->verified = false;
	s->own_fault = NULL;
	s->peer_fault[0] = '\0';
	s->stranger = NULL;
	s->now = now;
	memset(&s->announced, 0, sizeof s->announced);
	s->peer = (struct dead_peer){.active = false};
	s->sent = 0;
	tunnel_config_begin(&s->config, attempt->interface, &attempt->endpoint);
	s->config.profile = attempt->profile;
	s->config.profile_length = attempt->profile_length;
	openvpn_log_begin(&s->log);
	login_settle(s->login);
}

/* Sets again everything that an earlier peer could have set. With version 3 openvpn asks for keys and
 * user names as 2.4 to 2.6 do. */
void management_session_greet(struct management_session *s)
{
	send_command(s, "version", "3", NULL);
	send_command(s, "state", "on", NULL);
	send_command(s, "log", "on", "all");
	send_command(s, "bytecount", "0", NULL);
	send_command(s, "pid", NULL, NULL);
}

/* The server is busy, or a token is old: the same credentials may be right. Only the state after the
 * refusal shows it. */
static bool is_temporary(const struct management_session *s, const char *detail)
{
	return strncmp(detail, "auth-temp-failure", 17) == 0 || strstr(detail, "(auth-token)") != NULL ||
	       s->refusal.kind == REFUSAL_TEMPORARY;
}

/* What the user can do about openvpn's last message, if that does not say it itself. */
static const char *advice_for(const char *last)
{
	return strstr(last, "TUN/TAP dev") != NULL ? "; instead: see the check of tun in `portcullis doctor`"
						   : "";
}

/* The refusal was answered by a question, or was of the token only: the next attempt has another answer. */
static bool report_challenge(struct management_session *s, enum tunnel_event event)
{
	if (!s->repeats)
		return false;
	s->repeats = s->failed = false;
	if (s->login->question[0] == '\0')
		emit(s, event, "%s; the next attempt answers anew", s->failure);
	else
		emit(s, TUNNEL_CREDENTIALS, "%s; instead: portcullis login", s->failure);
	return true;
}

/* The process is about to exit or to restart: reports the reason. */
static void report_end(struct management_session *s, enum tunnel_event event, const char *detail)
{
	const char *last = s->fatal[0] != '\0' ? s->fatal : s->notice;

	if (report_challenge(s, event))
		return;
	if (s->failed && !is_temporary(s, detail)) {
		s->failed = false;
		emit(s, s->refusal.kind == REFUSAL_PERSON ? TUNNEL_CREDENTIALS : TUNNEL_DENIED,
		     "the credentials were refused: %s", s->failure);
		return;
	}
	/* Said by a server whose own certificate is proven: nobody else can bring us to a stop. */
	if (s->own_fault != NULL && s->verified && strcmp(detail, "tls-error") == 0) {
		emit(s, TUNNEL_CREDENTIALS, "%s", s->own_fault);
		return;
	}
	s->failed = false;
	if (s->failure[0] != '\0')
		emit(s, event, "refused temporarily: %s", s->failure);
	else if (s->log.early)
		emit(s, event,
		     "the server's certificate is not valid yet: the clock may be wrong; instead: look at it "
		     "(date), "
		     "set it (date -s), or use a profile with peer-fingerprint, which needs no clock");
	else if (s->peer_fault[0] != '\0')
		emit(s, event, "the server's certificate is not believed: %s", s->peer_fault);
	else if (s->stranger != NULL)
		emit(s, event,
		     "at the server's address not the server answers, but %s: perhaps a captive portal; "
		     "instead: "
		     "log in to it, with sudo portcullis portal",
		     s->stranger);
	else if (last[0] != '\0')
		emit(s, event, "openvpn reports: %s%s", last, advice_for(last));
	else if (s->verified && strcmp(detail, "tls-error") == 0)
		emit(s, event,
		     "openvpn leaves: tls-error: the server proved itself and then went no further; it may "
		     "refuse "
		     "this machine's certificate without a word (revoked?)");
	else
		emit(s, event, "openvpn %s: %s", event == TUNNEL_RESTART ? "restarts" : "leaves",
		     detail[0] != '\0' ? detail : "no reason given");
}

void management_session_lost(struct management_session *s)
{
	s->parser = NULL;
	report_end(s, TUNNEL_EXITED, "its management connection ended");
}

static void report_address(struct management_session *s)
{
	char four[NET_ADDRESS_TEXT], six[NET_ADDRESS_TEXT];
	const struct wire_tunnel *tunnel = &s->config.tunnel;

	if (tunnel_config_has_addresses(&s->config, &s->announced) ||
	    (tunnel->address4.family == NET_NONE && tunnel->address6.family == NET_NONE))
		return;
	s->announced = *tunnel;
	emit(s, TUNNEL_ADDRESS, "%s gets %s %s", tunnel->name, net_address_text(&tunnel->address4, four),
	     net_address_text(&tunnel->address6, six));
}

static void report_connected(struct management_session *s, const struct ovm_event *event)
{
	tunnel_config_set_addresses(&s->config, event->field[2], event->field[7]);
	tunnel_config_finish(&s->config);
	dead_peer_begin(&s->peer, tunnel_config_dead_peer(&s->config));
	send_command(s, "status", NULL, NULL);
	if (strcmp(event->field[1], "SUCCESS") == 0)
		emit(s, TUNNEL_SUCCESS, "openvpn is connected");
	else if (s->log.fault[0] != '\0')
		emit(s, TUNNEL_CONNECT_ERRORS, "openvpn could not set a route: %s", s->log.fault);
	else
		emit(s, TUNNEL_CONNECT_ERRORS, "openvpn is connected with errors (%s)%s%s", event->field[1],
		     s->log.route[0] != '\0' ? "; last route: " : "", s->log.route);
}

/* After a push: undoes what it may have changed about openvpn's messages. */
static void reset_verbosity(struct management_session *s)
{
	if (s->verbosity_resets == VERBOSITY_RESETS_MAX)
		return;
	s->verbosity_resets++;
	send_command(s, "verb", "3", NULL);
	send_command(s, "mute", "0", NULL);
}

/* "timeout 60", perhaps with more behind it; a number that is none says nothing. */
static void report_pending(struct management_session *s, const char *detail)
{
	char number[16];
	size_t length;

	if (strncmp(detail, "timeout ", 8) == 0) {
		length = strcspn(detail + 8, ",");
		text_copy(number, sizeof number < length + 1 ? sizeof number : length + 1, detail + 8);
		if (text_number(number, 0, UINT32_MAX, &s->patience) == -1)
			s->patience = 0;
	}
	if (s->patience != 0)
		emit(s, TUNNEL_PENDED,
		     "the server waits for an approval, perhaps by a second factor: %llu s at most",
		     (unsigned long long)s->patience);
	else
		emit(s, TUNNEL_PENDED, "the server waits for an approval, perhaps by a second factor");
}

static void handle_state(struct management_session *s, const struct ovm_event *event)
{
	const char *name = event->field[0], *detail = event->field[1];

	if (strcmp(name, "AUTH") == 0) {
		emit(s, TUNNEL_HANDSHAKE, "the server answers");
	} else if (strcmp(name, "AUTH_PENDING") == 0) {
		report_pending(s, detail);
	} else if (strcmp(name, "GET_CONFIG") == 0) {
		emit(s, TUNNEL_PENDED, "asking the server for its options");
	} else if (strcmp(name, "ASSIGN_IP") == 0) {
		reset_verbosity(s);
		tunnel_config_set_addresses(&s->config, event->field[2], event->field[7]);
		emit(s, TUNNEL_CONFIG, "the server has sent its options");
		report_address(s);
	} else if (strcmp(name, "ADD_ROUTES") == 0) {
		emit(s, TUNNEL_CONFIG, "setting routes");
	} else if (strcmp(name, "CONNECTED") == 0) {
		reset_verbosity(s);
		report_connected(s, event);
	} else if (strcmp(name, "RECONNECTING") == 0) {
		report_end(s, TUNNEL_RESTART, detail);
	} else if (strcmp(name, "EXITING") == 0) {
		report_end(s, TUNNEL_EXITED, detail);
	}
	/* CONNECTING, RESOLVE, TCP_CONNECT, WAIT: no progress yet. */
}

static void handle_hold(struct management_session *s)
{
	if (s->released) {
		report_end(s, TUNNEL_RESTART, "openvpn is on hold again");
		return;
	}
	s->released = true;
	send_command(s, "hold", "release", NULL);
}

static void begin_updown(struct management_session *s, const char *what)
{
	s->rising = strcmp(what, "UP") == 0;
	if (!s->rising)
		emit(s, TUNNEL_DEVICE_DOWN, "openvpn is closing its device");
}

static void end_updown(struct management_session *s)
{
	if (!s->rising)
		return;
	s->rising = false;
	tunnel_config_finish(&s->config);
	if (s->config.routes_left_out)
		log_warn("driver", "more than %d routes of one family: the rest are left out",
			 TUNNEL_CONFIG_ROUTES);
	report_address(s);
}

static struct login_time time_of(const struct management_session *s)
{
	return (struct login_time){s->now, (uint64_t)time(NULL)};
}

static void send_passphrase(struct management_session *s, const char *type)
{
	int needs = s->attempt.needs | PROFILE_NEEDS_KEY_PASSPHRASE;
	struct credentials credentials;
	struct err e = {""};
	int own = credentials_passphrase(s->login->files.passphrase, &credentials, &e);

	if (own == -1 || (own == 0 && credentials_read(s->login->files.password, needs, s->attempt.username,
						       &credentials, &e) == -1)) {
		emit(s, TUNNEL_CREDENTIALS, "%s", e.text);
		return;
	}
	send_command(s, "password", type, credentials.passphrase.bytes);
	credentials_wipe(&credentials);
}

static void send_password(struct management_session *s, const struct ovm_event *event)
{
	/* Only what is asked for now must exist; which line is which depends on the profile. */
	const struct login_ask ask = {.needs = (s->attempt.needs | PROFILE_NEEDS_USER_PASSWORD) &
					       ~PROFILE_NEEDS_KEY_PASSPHRASE,
				      .username = s->attempt.username,
				      .challenge = event->field[2],
				      .flags = event->number};
	const struct login_time now = time_of(s);
	struct credentials credentials;
	struct err e = {""};
	enum login_ready ready = login_fill(s->login, &ask, &now, &credentials, &e);

	if (ready != LOGIN_READY) {
		emit(s, ready == LOGIN_WAIT ? TUNNEL_RESTART : TUNNEL_CREDENTIALS, "%s", e.text);
		return;
	}
	send_command(s, "username", event->field[0], credentials.user.bytes);
	send_command(s, "password", event->field[0], credentials.password.bytes);
	credentials_wipe(&credentials);
}

/* openvpn asks for credentials: they are read again each time, and wiped afterwards. */
static void send_credentials(struct management_session *s, const struct ovm_event *event)
{
	const char *type = event->field[0];

	if (strcmp(type, "Private Key") == 0)
		send_passphrase(s, type);
	else if (strcmp(type, "Auth") == 0)
		send_password(s, event);
	else
		emit(s, TUNNEL_CREDENTIALS,
		     "openvpn asks for the credentials of '%s', which are not supported", type);
}

bool management_session_reply(struct management_session *s)
{
	const struct login_time now = time_of(s);
	struct secret answer = {.length = 0};
	struct err e = {""};
	bool sent = s->parser != NULL && login_reply(s->login, &now, &answer, &e);

	if (sent)
		send_command(s, "cr-response", answer.bytes, NULL);
	else if (e.text[0] != '\0')
		log_complaint(s, "%s", e.text);
	secret_wipe(&answer);
	return sent;
}

/* The server wants something of a person while it keeps the attempt waiting. */
static void handle_pending(struct management_session *s, const struct ovm_event *event)
{
	if (!login_pending(s->login, event->field[0]))
		log_complaint(s, "the server asks for something that can't be shown; left out");
	else if (!management_session_reply(s))
		s->events.asked(s->events.argument);
}

static void store_failure(struct management_session *s, const struct ovm_event *event)
{
	const char *reason = event->field[1];
	char asked[SESSION_CAUSE];
	size_t used = 0;

	s->failed = true;
	s->refusal = refusal_read(event->field[0], reason);
	s->failure[0] = '\0';
	if (strncmp(reason, "CRV1:", 5) == 0) {
		s->repeats = login_challenged(s->login, reason, asked, sizeof asked);
		text_append(s->failure, sizeof s->failure, &used, "the server asks: '%s'",
			    secret_masked(asked));
		return;
	}
	/* A server that is busy may take the token later. */
	if (strncmp(reason, "TEMP", 4) != 0 && login_refused(s->login)) {
		s->repeats = true;
		text_append(s->failure, sizeof s->failure, &used, "the server no longer takes its token");
		return;
	}
	reason = secret_masked(reason);
	text_append(s->failure, sizeof s->failure, &used, "'%s'%s%s%s", event->field[0],
		    reason[0] != '\0' ? " ['" : "", reason, reason[0] != '\0' ? "']" : "");
}

/* "1795401033,I,text" of the history, "flags" and "text" of a live line. */
static void read_history(struct management_session *s, const char *line)
{
	const char *flags = strchr(line, ','), *text = flags != NULL ? strchr(flags + 1, ',') : NULL;

	if (text != NULL)
		tunnel_config_read_log(&s->config, text + 1);
}

/* What openvpn took for the server's word counts, and not what anybody else sent to its port. It comes last.
 */
static void read_statistics(struct management_session *s, const char *line)
{
	static const char heard[] = "Auth read bytes,", sent[] = "TUN/TAP read bytes,";

	if (strncmp(line, sent, sizeof sent - 1) == 0)
		s->sent = strtoull(line + sizeof sent - 1, NULL, 10);
	else if (strncmp(line, heard, sizeof heard - 1) == 0)
		dead_peer_counted(&s->peer, s->sent, strtoull(line + sizeof heard - 1, NULL, 10));
}

static void handle_reply(struct management_session *s, const struct ovm_event *event)
{
	const char *in = strstr(event->field[0], "bytesin="), *out = strstr(event->field[0], "bytesout=");

	if (!event->ok && strncmp(event->command, "load-stats", 10) != 0)
		log_complaint(s, "openvpn refused a command (%.16s)", event->command);
	if (!event->ok || in == NULL || out == NULL)
		return;
	s->events.count(strtoull(in + 8, NULL, 10), strtoull(out + 9, NULL, 10), s->events.argument);
}

void management_session_hurry(struct management_session *s)
{
	dead_peer_hurry(&s->peer);
	if (s->peer.active)
		send_command(s, "status", NULL, NULL);
}

void management_session_look(struct management_session *s)
{
	bool hurries = s->peer.hurry > 0;

	if (!dead_peer_look(&s->peer))
		send_command(s, "status", NULL, NULL);
	else if (hurries)
		emit(s, TUNNEL_LOST_WAY, "the server has not answered since the network changed");
	else if (s->peer.limit == 0)
		emit(s, TUNNEL_RESTART, "programs send, and nothing has come from the server for %d s",
		     DEAD_PEER_MUTE);
	else
		emit(s, TUNNEL_RESTART, "nothing has come from the server for %u s", s->peer.limit);
}

static void report_unanswerable(struct management_session *s, const char *what)
{
	emit(s, TUNNEL_CREDENTIALS, "openvpn asks for %s, which is not supported", what);
}

static void ask_signature(struct management_session *s, const struct ovm_event *event)
{
	struct key_request request;
	struct err e = {""};

	if (key_request_parse(event->field[0], event->field[1], event->field[2], &request, &e) == -1) {
		emit(s, TUNNEL_CREDENTIALS, "%s", e.text);
		return;
	}
	s->signing = true;
	s->events.sign(&request, s->events.argument);
}

void management_session_signed(struct management_session *s, const struct key_answer *answer)
{
	static const char *const words[] = {"pk-sig", NULL};
	enum { FIRST = KEY_SIGNATURE_MAX / 2 / 3 * 3, LINE = 4 * (KEY_SIGNATURE_MAX - FIRST + 2) / 3 + 4 };
	char line[2][LINE] = {"", ""};
	const char *lines[] = {line[0], NULL, NULL};
	int first = answer->length < FIRST ? (int)answer->length : FIRST, rest = (int)answer->length - first;

	if (!s->signing || s->parser == NULL)
		return;
	s->signing = false;
	if (answer->length == 0) {
		emit(s, TUNNEL_CREDENTIALS, "%s", answer->text);
		return;
	}
	EVP_EncodeBlock((unsigned char *)line[0], answer->signature, first);
	if (rest > 0) {
		EVP_EncodeBlock((unsigned char *)line[1], answer->signature + first, rest);
		lines[1] = line[1];
	}
	if (ovm_command_lines(s->parser, words, lines) == -1)
		log_complaint(s, "the signature can't be sent to openvpn");
}

/* "read UDPv4 [ECONNREFUSED]: Connection refused (fd=3,code=111)": an ICMP error, or no route. By TCP openvpn
 * ends by itself. The text depends on the version and on the system; the number is errno. */
static bool is_unreachable(const char *text)
{
	const char *code = strstr(text, "code=");
	char *end;
	long number;

	if ((strncmp(text, "read UDP", 8) != 0 && strncmp(text, "write UDP", 9) != 0) || code == NULL)
		return false;
	number = strtol(code + 5, &end, 10);
	return *end == ')' && (number == ECONNREFUSED || number == EHOSTUNREACH || number == ENETUNREACH);
}

/* What is wrong with a certificate, ours or the server's. */
static void read_certificates(struct management_session *s, const char *text)
{
	if (strncmp(text, "VERIFY OK: depth=0", 18) == 0)
		s->verified = true;
	else if (strncmp(text, "VERIFY ERROR: ", 14) == 0)
		text_copy(s->peer_fault, sizeof s->peer_fault, secret_masked(text + 14));
	else if (strstr(text, "Your certificate has expired") != NULL ||
		 (strncmp(text, "OpenSSL: ", 9) == 0 && strstr(text, "alert certificate expired") != NULL))
		s->own_fault =
		    "this machine's certificate has expired; instead: import a profile with a new one";
	else if (strncmp(text, "OpenSSL: ", 9) == 0 && strstr(text, "alert certificate revoked") != NULL)
		s->own_fault =
		    "this machine's certificate is revoked; instead: import a profile with a new one";
}

/* Over TCP the first two bytes are a packet's length: openvpn tells it, and what somebody else says begins
 * so. */
static void read_stranger(struct management_session *s, const char *text)
{
	static const char before[] = "WARNING: Bad encapsulated packet length from peer (";
	unsigned long length =
	    strncmp(text, before, sizeof before - 1) == 0 ? strtoul(text + sizeof before - 1, NULL, 10) : 0;

	if (s->verified)
		return;
	if (length == ('H' << 8 | 'T'))
		s->stranger = "a web server (HTTP)";
	else if (length >> 8 >= TLS_FIRST && length >> 8 <= TLS_LAST && (length & 0xff) == TLS_VERSION)
		s->stranger = "a web server, or another one that speaks TLS";
}

static void log_event(struct management_session *s, const struct ovm_event *event)
{
	read_stranger(s, event->field[1]);
	read_certificates(s, event->field[1]);
	if (is_unreachable(event->field[1]))
		emit(s, TUNNEL_UNREACHABLE, "it can't be reached: %s", event->field[1]);
	tunnel_config_read_log(&s->config, event->field[1]);
	openvpn_log_line(&s->log, s->now, event->field[0], event->field[1]);
}

/* The server ends the session. openvpn follows, but over UDP it first spends a second on telling that server.
 */
static void handle_notify(struct management_session *s, const struct ovm_event *event)
{
	text_copy(s->notice, sizeof s->notice, secret_masked(event->field[1]));
	if (strncmp(event->field[1], "server-pushed-", 14) == 0 ||
	    strcmp(event->field[1], "remote-exit") == 0)
		report_end(s, TUNNEL_RESTART, "");
}

/* Rare events: they end the attempt, or are kept for its reason. */
static void handle_rare(struct management_session *s, const struct ovm_event *event)
{
	switch (event->kind) {
	case OVM_FATAL:
		text_copy(s->fatal, sizeof s->fatal, secret_masked(event->field[0]));
		break;
	case OVM_NOTIFY:
		handle_notify(s, event);
		break;
	case OVM_NEED_OK:
		report_unanswerable(s, "a confirmation (a token to be inserted)");
		break;
	case OVM_NEED_STRING:
		report_unanswerable(s, "a choice (a smart card's identity)");
		break;
	case OVM_NEED_CERTIFICATE:
	case OVM_RSA_SIGN:
		report_unanswerable(s, "an external key");
		break;
	case OVM_PK_SIGN:
		ask_signature(s, event);
		break;
	case OVM_AUTH_TOKEN:
		login_keep_token(s->login, event->field[0]);
		break;
	case OVM_INFOMSG:
		handle_pending(s, event);
		break;
	default: /* INFO, ECHO, server-side and unknown ones: nothing follows from them */
		break;
	}
}

void management_session_event(const struct ovm_event *event, void *argument)
{
	struct management_session *s = argument;

	switch (event->kind) {
	case OVM_HOLD:
		handle_hold(s);
		break;
	case OVM_STATE:
		handle_state(s, event);
		break;
	case OVM_LOG:
		log_event(s, event);
		break;
	case OVM_NEED:
		send_credentials(s, event);
		break;
	case OVM_VERIFICATION_FAILED:
		store_failure(s, event);
		break;
	case OVM_UPDOWN:
		begin_updown(s, event->field[0]);
		break;
	case OVM_UPDOWN_ENV:
		if (s->rising)
			tunnel_config_read_env(&s->config, event->field[0], event->field[1]);
		break;
	case OVM_UPDOWN_END:
		end_updown(s);
		break;
	case OVM_REPLY:
		handle_reply(s, event);
		break;
	case OVM_REPLY_LINE:
		if (strncmp(event->command, "log", 3) == 0)
			read_history(s, event->field[0]);
		else if (strncmp(event->command, "status", 6) == 0)
			read_statistics(s, event->field[0]);
		break;
	default:
		handle_rare(s, event);
		break;
	}
}
