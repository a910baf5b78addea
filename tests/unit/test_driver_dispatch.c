/* What the driver makes of each note and each word of openvpn: what it asks the gate and openvpn for, and in
 * which order; against tests/golden/driver_dispatch/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "driver/captive_dns.h"
#include "driver/driver.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/chance.h"
#include "os/host/clock.h"
#include "ways.h"

enum { OPENVPN = 4711, BEGUN = 1000000 };

static struct driver d;
static int64_t now;
static time_t wall;
static bool leaving; /* as the gate says */
static bool armed[4];
static struct wire_way leads;
static uint64_t slept;
static char base_here, timers[4], control_here, management_here, channel_here, dns_here, key_here;
static event_callback_fn callbacks[4];
static size_t timer_count;
static struct gate_channel_events from_channel;
static struct management_events from_management;
static struct control_events from_control;
static struct key_client_events from_key;
static enum key_state key_now;
static struct wire_tunnel tunnel = {.name = "tun7"};

/* --- what it asks others ---------------------------------------------------------------- */

bool log_wants(enum log_level level)
{
	return level <= (is("terse") ? LOG_INFO : LOG_DEBUG);
}

void log_open(int descriptor, enum log_level level)
{
	say("log_open %d %d", descriptor, (int)level);
}

void log_bound(uint64_t size, void (*full)(int descriptor))
{
	say("log_bound %u %d", (unsigned)size, full == NULL);
}

int64_t clock_steady_ms(void)
{
	return now;
}

struct timeval clock_timeval(int64_t ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

time_t time(time_t *to)
{
	return to == NULL ? wall : (*to = wall);
}

uint32_t chance(void)
{
	return 0;
}

struct event_base *event_base_new(void)
{
	return fails("event_base_new") ? NULL : (struct event_base *)&base_here;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			void *argument)
{
	assert_true(base == d.base && fd == -1 && what == 0 && argument == &d);
	static const char *const failing[] = {"event_new-timer", "event_new-refresh", "event_new-way",
					      "event_new-learn"};

	if (fails(failing[timer_count]))
		return NULL;
	callbacks[timer_count] = cb;
	return (struct event *)&timers[timer_count++];
}

static size_t index_of(const struct event *event)
{
	size_t i = (size_t)((const char *)event - timers);

	assert_true(i < 4);
	return i;
}

static const char *name_of(const struct event *event)
{
	static const char *const timer_names[] = {"timer", "refresh", "way", "learn"};

	return timer_names[index_of(event)];
}

int event_add(struct event *event, const struct timeval *timeout)
{
	armed[index_of(event)] = true;
	say("arm %s %ld.%03ld s", name_of(event), (long)timeout->tv_sec, (long)timeout->tv_usec / 1000);
	return 0;
}

int event_del(struct event *event)
{
	armed[index_of(event)] = false;
	say("disarm %s", name_of(event));
	return 0;
}

int event_pending(const struct event *event, short what, struct timeval *timeout)
{
	assert_true(what == EV_TIMEOUT && timeout == NULL);
	return armed[index_of(event)];
}

void event_free(struct event *event)
{
	say("event_free %zu", index_of(event));
}

void event_base_free(struct event_base *base)
{
	say("event_base_free %d", base == d.base);
}

int event_base_loopbreak(struct event_base *base)
{
	say("event_base_loopbreak %d", base == d.base);
	return 0;
}

int event_base_dispatch(struct event_base *base)
{
	say("event_base_dispatch %d", base == d.base);
	return 0;
}

int remotes_open(struct remotes *remotes, int descriptor, struct err *e)
{
	assert_ptr_equal(remotes, &d.remotes);
	say("remotes_open %d", descriptor);
	remotes->text = "a profile";
	remotes->length = strlen(remotes->text);
	return FAILS("remotes_open") ? -1 : 0;
}

int remotes_pick(struct remotes *remotes, bool again, const struct wire_way *way, int64_t when, struct err *e)
{
	static struct order_entry entries[4];

	assert_true(way == &d.way_now && when == wall);
	say("remotes_pick %s, of %u", again ? "the same" : "the next", (unsigned)remotes->chance);
	remotes->order.entries = entries;
	remotes->order.count = is("several") ? 4 : 0;
	if (FAILS("remotes_pick"))
		return -1;
	remotes->nat64 = way->nat64;
	strcpy(remotes->remote.host, "vpn.example");
	remotes->text = "a profile";
	remotes->length = strlen(remotes->text);
	return net_endpoint_parse("192.0.2.1:1194/udp", &remotes->endpoint);
}

struct tunnel_limits remotes_limits(const struct remotes *remotes)
{
	assert_ptr_equal(remotes, &d.remotes);
	return (struct tunnel_limits){.answer = is("hasty") ? 2500 : 0};
}

void remotes_close(struct remotes *remotes)
{
	assert_ptr_equal(remotes, &d.remotes);
	say("remotes_close");
}

bool remotes_note(struct remotes *remotes, bool good, int64_t when)
{
	assert_true(remotes == &d.remotes && when == wall);
	say("remotes_note %s", good ? "good" : "failed");
	return !is("as-before");
}

void outcomes_load(struct outcomes *outcomes, int descriptor)
{
	say("outcomes_load %d %d", outcomes == &d.remotes.outcomes, descriptor);
}

void outcomes_save(const struct outcomes *outcomes, int descriptor)
{
	say("outcomes_save %d %d", outcomes == &d.remotes.outcomes, descriptor);
}

void remotes_restart(struct remotes *remotes)
{
	assert_ptr_equal(remotes, &d.remotes);
	say("remotes_restart");
}

int remotes_needs(const struct remotes *remotes)
{
	(void)remotes;
	return 3;
}

void management_away(struct management *management, bool away)
{
	static bool was;

	if (away != was)
		say("management_away %d %d", management == d.management, away);
	was = away;
}

void management_hurry(struct management *management)
{
	say("management_hurry %d", management == d.management);
}

uint32_t management_unanswered(const struct management *management)
{
	(void)management;
	return 0;
}

uint32_t management_dead_peer(const struct management *management)
{
	(void)management;
	return strcmp(so, "watched") == 0 ? 60 : 0;
}

enum login_ready login_ready(struct login *login, int needs, const char *challenge,
			     const struct login_time *time, uint64_t *wait, struct err *e)
{
	assert_true(login == &d.login && needs == 3 && *wait == 0 && time->now == (uint64_t)now &&
		    time->seconds == (uint64_t)wall);
	assert_string_equal(challenge, "");
	if (FAILS("login_ready"))
		return LOGIN_STOP;
	if (!is("no-code-yet") || now >= BEGUN + 7000)
		return LOGIN_READY;
	*wait = (uint64_t)(BEGUN + 7000 - now);
	err_set(e, "waiting for the next one");
	return LOGIN_WAIT;
}

uint64_t credentials_load_used(int descriptor)
{
	say("credentials_load_used %d", descriptor);
	return 4711;
}

bool login_same_remote(const struct login *login)
{
	return login == &d.login && is("same-server");
}

int login_answer(struct login *login, const char *text, uint64_t when)
{
	assert_true(login == &d.login && when == (uint64_t)now);
	say("login_answer %s", text);
	return fails("login_answer") ? -1 : 0;
}

bool management_reply(struct management *m)
{
	say("management_reply %d", m == d.management);
	return is("it-waits");
}

struct management *management_new(struct event_base *base, int listener, struct login *login,
				  const struct management_events *events)
{
	from_management = *events;
	say("management_new %d %d, login %d %d %d", base == d.base, listener, login == &d.login,
	    login->files.password, login->files.totp);
	assert_true(login->files.used == WIRE_FD_TOTP_USED && login->files.passphrase == WIRE_FD_PASSPHRASE &&
		    login->used_until == 4711);
	return fails("management_new") ? NULL : (struct management *)&management_here;
}

void management_free(struct management *m)
{
	say("management_free %d", m == d.management);
}

void management_begin(struct management *m, const struct management_attempt *attempt)
{
	char text[NET_ENDPOINT_TEXT];

	say("management_begin %d %s %s %s, needs %d, profile %zu %d", m == d.management, attempt->interface,
	    attempt->username, net_endpoint_text(&attempt->endpoint, text), attempt->needs,
	    attempt->profile_length, attempt->profile == d.remotes.text);
}

void management_expect(struct management *m, int32_t pid)
{
	say("management_expect %d %d", m == d.management, (int)pid);
}

void management_end(struct management *m)
{
	say("management_end %d", m == d.management);
}

void management_signed(struct management *m, const struct key_answer *answer)
{
	say("management_signed %d %s", m == d.management, answer->text);
}

struct key_client *key_client_new(struct event_base *base, int descriptor,
				  const struct key_client_events *events)
{
	from_key = *events;
	key_now = KEY_NONE;
	say("key_client_new %d %d", base == d.base, descriptor == WIRE_FD_SIGNER);
	return fails("key_client_new") ? NULL : (struct key_client *)&key_here;
}

void key_client_free(struct key_client *client)
{
	say("key_client_free %d", client == d.key);
}

enum key_state key_client_state(const struct key_client *client)
{
	assert_ptr_equal(client, d.key);
	if (key_now == KEY_NONE)
		return is("key-awaited") ? KEY_AWAITED : is("key-lacks") ? KEY_LACKS : KEY_NONE;
	return key_now;
}

const char *key_client_lack(const struct key_client *client)
{
	assert_ptr_equal(client, d.key);
	return "it is not the certificate's; instead: another one";
}

void key_client_sign(struct key_client *client, const struct key_request *request)
{
	say("key_client_sign %d %u", client == d.key, request->form);
}

bool management_ask_count(struct management *m)
{
	say("management_ask_count %d", m == d.management);
	return !fails("management_ask_count");
}

uint64_t management_patience(const struct management *m)
{
	assert_ptr_equal(m, d.management);
	return is("patient") ? 77 : 0;
}

uint64_t kept_identity(const int *files, const char *username, const char *profile, size_t length)
{
	assert_true(files[0] == WIRE_FD_PASSWORD && files[1] == WIRE_FD_TOTP &&
		    files[2] == WIRE_FD_PASSPHRASE && files[3] == -1);
	assert_ptr_equal(profile, d.remotes.text);
	assert_int_equal(length, d.remotes.length);
	say("kept_identity of %s", username);
	return 4712;
}

bool kept_load(int descriptor, uint64_t identity, struct kept *kept)
{
	say("kept_load %d %d", descriptor, identity == 4712);
	memset(kept, 0, sizeof *kept);
	if (!is("kept-stop") && !is("kept-wait") && !is("kept-count"))
		return false;
	*kept = (struct kept){.refusals = {3, 1, 2}, .stopped = is("kept-stop"), .reason = "it was refused"};
	return true;
}

void kept_save(int descriptor, uint64_t identity, const struct kept *kept)
{
	say("kept_save %d %d: %u, %u in this round, %u waits, stopped %u, until %+d, \"%s\"", descriptor,
	    identity == d.kept_of, kept->refusals.total, kept->refusals.round, kept->refusals.waits,
	    kept->stopped, kept->until == 0 ? 0 : (int)(kept->until - wall), kept->reason);
}

uint32_t kept_left(const struct kept *kept, int64_t when)
{
	assert_true(kept == &d.kept && when == wall);
	return is("kept-wait") ? 40000 : 0;
}

struct refusal management_refusal(const struct management *m)
{
	assert_ptr_equal(m, d.management);
	return (struct refusal){.kind = is("later") || is("next-host") || is("the-same") || is("much-later")
					    ? REFUSAL_TEMPORARY
					    : REFUSAL_PLAIN,
				.advance = is("next-host")  ? ADVANCE_REMOTE
					   : is("the-same") ? ADVANCE_NO
							    : ADVANCE_ADDRESS,
				.backoff = is("much-later") ? 4000000 : 42};
}

const char *management_own_fault(const struct management *m)
{
	assert_ptr_equal(m, d.management);
	return is("expired") ? "its certificate has expired" : NULL;
}

const struct wire_tunnel *management_tunnel(const struct management *m)
{
	assert_ptr_equal(m, d.management);
	return &tunnel;
}

struct gate_channel *gate_channel_new(struct event_base *base, int descriptor,
				      const struct gate_channel_events *events)
{
	from_channel = *events;
	say("gate_channel_new %d %d", base == d.base, descriptor);
	return fails("gate_channel_new") ? NULL : (struct gate_channel *)&channel_here;
}

void gate_channel_free(struct gate_channel *channel)
{
	say("gate_channel_free %d", channel == d.channel);
}

void gate_channel_send(struct gate_channel *channel, enum wire_verb verb, const struct net_endpoint *endpoint,
		       const struct wire_tunnel *its)
{
	char text[NET_ENDPOINT_TEXT];

	assert_ptr_equal(channel, d.channel);
	say("SEND %d %s%s", (int)verb, endpoint == NULL ? "" : net_endpoint_text(endpoint, text),
	    its == NULL ? "" : its->name);
}

struct control *control_new(struct event_base *base, int listener, int log,
			    const struct control_events *events)
{
	from_control = *events;
	say("control_new %d %d %d", base == d.base, listener, log);
	return fails("control_new") ? NULL : (struct control *)&control_here;
}

void control_free(struct control *control)
{
	say("control_free %d", control == d.control);
}

void control_start(struct control *control, int64_t gid)
{
	say("control_start %d %d", control == d.control, (int)gid);
}

void control_refreshed(struct control *control)
{
	say("control_refreshed %d", control == d.control);
}

void control_changed(struct control *control)
{
	say("control_changed %d", control == d.control);
}

int captive_dns_new(struct event_base *base, int descriptor, struct event **event)
{
	say("captive_dns_new %d %d", base == d.base, descriptor);
	*event = (struct event *)&dns_here;
	return fails("captive_dns_new") ? -1 : 0;
}

void captive_dns_free(struct event *event)
{
	say("captive_dns_free %d", event == d.captive_dns);
}

char *driver_status(const struct driver *driver, uint64_t when)
{
	say("driver_status %d %d", driver == &d, when == (uint64_t)now);
	return strdup("its status");
}

/* --- what happens ------------------------------------------------------------------------------- */

static void begin(void)
{
	size_t used = strlen(journal);
	struct err e = {""};

	now = BEGUN;
	wall = 2000000000;
	leaving = false;
	timer_count = 0;
	memset(armed, 0, sizeof armed);
	memset(&leads, 0, sizeof leads);
	so = "";
	failed[0] = '\0';
	assert_int_equal(driver_open(&d, &e), 0);
	journal[used] = '\0'; /* that is another test's */
}

static int setup(void **state)
{
	(void)state;
	journal[0] = '\0';
	begin();
	return 0;
}

static const struct wire_way to_the_server = {.local = {NET_IPV4, {192, 0, 2, 9}}, .kept = 1, .link = 3};

static struct wire_note_message note_of(enum wire_note note, enum wire_gate gate, enum wire_intent intent,
					const char *text)
{
	struct wire_note_message message = {
	    .version = WIRE_VERSION, .note = note, .gate = gate, .intent = intent};

	message.leaving = leaving;
	message.way = leads;
	message.slept = slept;
	message.blocked = 77;
	message.pid = gate == GATE_DIALLING ? OPENVPN : 0;
	strcpy(message.notice, "beside it");
	strcpy(message.answer, note == NOTE_ANSWER ? "blue" : "");
	snprintf(message.text, sizeof message.text, "%s", text);
	message.hello = (struct wire_hello){.interface = "tun7",
					    .username = "somebody",
					    .control_gid = 905,
					    .log_level = LOG_INFO,
					    .log_size = 4096,
					    .asks = is("resolver")};
	if (note == NOTE_NAME) {
		strcpy(message.name.host, "vpn.example");
		net_address_parse("192.0.2.8", &message.name.fresh[0]);
	}
	return message;
}

static void note(enum wire_note kind, enum wire_gate gate, enum wire_intent intent, const char *text)
{
	struct wire_note_message message = note_of(kind, gate, intent, text);

	from_channel.note(&message, from_channel.argument);
}

static bool from_the_gate(const char *what)
{
	static const struct {
		const char *name;
		enum wire_note note;
		enum wire_gate gate;
		enum wire_intent intent;
		const char *text;
	} notes[] = {{"hello", NOTE_HELLO, GATE_LOCKED, INTENT_UP, "start"},
		     {"hello-down", NOTE_HELLO, GATE_LOCKED, INTENT_DOWN, "start"},
		     {"up", NOTE_INTENT, GATE_LOCKED, INTENT_UP, "up, by root"},
		     {"up-mute", NOTE_INTENT, GATE_LOCKED, INTENT_UP, ""},
		     {"down-mute", NOTE_INTENT, GATE_LOCKED, INTENT_DOWN, ""},
		     {"down", NOTE_INTENT, GATE_DIALLING, INTENT_DOWN, "down, by root"},
		     {"reconnect", NOTE_INTENT, GATE_OPEN, INTENT_RECONNECT, "reconnect, by root"},
		     {"locked", NOTE_GATE, GATE_LOCKED, INTENT_UP, "it locks"},
		     {"paused", NOTE_GATE, GATE_PAUSED, INTENT_DOWN, "it is paused"},
		     {"is-dialling", NOTE_GATE, GATE_DIALLING, INTENT_UP, "it dials"},
		     {"is-open", NOTE_GATE, GATE_OPEN, INTENT_UP, "it opens"},
		     {"count", NOTE_COUNT, GATE_OPEN, INTENT_UP, ""},
		     {"count-down", NOTE_COUNT, GATE_OPEN, INTENT_DOWN, ""},
		     {"dialling", NOTE_DIALLING, GATE_DIALLING, INTENT_UP, ""},
		     {"open", NOTE_OPEN, GATE_OPEN, INTENT_UP, ""},
		     {"refused", NOTE_REFUSED, GATE_LOCKED, INTENT_UP, "it refuses"},
		     {"refused-running", NOTE_REFUSED, GATE_DIALLING, INTENT_UP, "it refuses"},
		     {"ended", NOTE_ENDED, GATE_LOCKED, INTENT_UP, "openvpn has ended"},
		     {"ended-down", NOTE_ENDED, GATE_LOCKED, INTENT_DOWN, "openvpn has ended"},
		     {"network", NOTE_NETWORK, GATE_LOCKED, INTENT_UP, "it has changed"},
		     {"way", NOTE_WAY, GATE_OPEN, INTENT_UP, ""},
		     {"open-network", NOTE_NETWORK, GATE_OPEN, INTENT_UP, "it has changed"},
		     {"answer", NOTE_ANSWER, GATE_LOCKED, INTENT_UP, ""},
		     {"answer-down", NOTE_ANSWER, GATE_LOCKED, INTENT_DOWN, ""},
		     {"name", NOTE_NAME, GATE_LOCKED, INTENT_UP, ""},
		     {"named", NOTE_ASKED, GATE_LOCKED, INTENT_UP, ""},
		     {"named-open", NOTE_ASKED, GATE_OPEN, INTENT_UP, ""},
		     {"unnamed", NOTE_ASKED, GATE_LOCKED, INTENT_UP, "the resolver is silent"}};

	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		if (strcmp(notes[i].name, what) == 0) {
			note(notes[i].note, notes[i].gate, notes[i].intent, notes[i].text);
			return true;
		}
	}
	return false;
}

static void happens(const char *what)
{
	say("-- %s", what);
	if (from_the_gate(what))
		return;
	if (what[0] == '+') { /* seconds go by, or milliseconds */
		now += strtol(what, NULL, 10) * (strchr(what, 'm') != NULL ? 1 : 1000);
		wall++;
	} else if (strcmp(what, "timer") == 0) {
		callbacks[0](-1, EV_TIMEOUT, &d);
	} else if (strcmp(what, "over") == 0) {
		armed[1] = false;
		callbacks[1](-1, EV_TIMEOUT, &d);
	} else if (strcmp(what, "due") == 0) {
		callbacks[2](-1, EV_TIMEOUT, &d);
	} else if (strncmp(what, "slept:", 6) == 0) {
		slept = strtoul(what + 6, NULL, 10);
		happens("open-network");
		slept = 0;
	} else if (strcmp(what, "leads") == 0) {
		leads = to_the_server;
	} else if (strcmp(what, "leads-nowhere") == 0) {
		leads = (struct wire_way){.no_way = NO_WAY4 | NO_WAY6};
	} else if (strcmp(what, "leads-by-nat64") == 0 || strcmp(what, "leads-by-another") == 0) {
		leads =
		    (struct wire_way){.no_way = NO_WAY6, .nat64 = {{NET_IPV6, {0x20, what[9] == 'n'}}, 96}};
	} else if (strcmp(what, "leads-by-ipv6") == 0) {
		leads = (struct wire_way){.no_way = NO_WAY4};
	} else if (strcmp(what, "learn") == 0) {
		armed[3] = false;
		callbacks[3](-1, EV_TIMEOUT, &d);
	} else if (strcmp(what, "asked") == 0) {
		say("refresh %d", from_control.refresh(from_control.argument));
	} else if (strcmp(what, "bytes") == 0) {
		from_management.count(12, 34, from_management.argument);
	} else if (strcmp(what, "person") == 0) {
		from_management.asked(from_management.argument);
	} else if (strcmp(what, "key-is-there") == 0 || strcmp(what, "key-is-not") == 0) {
		key_now = strcmp(what, "key-is-there") == 0 ? KEY_READY : KEY_LACKS;
		from_key.known(from_key.argument);
	} else if (strcmp(what, "sign") == 0) {
		from_management.sign(&(struct key_request){.form = KEY_ECDSA}, from_management.argument);
	} else if (strcmp(what, "signature") == 0) {
		from_key.answer(&(struct key_answer){.text = "signed"}, from_key.argument);
	} else if (strcmp(what, "healed") == 0) {
		so = "";
	} else if (strcmp(what, "leaving") == 0) {
		leaving = true;
	} else if (strcmp(what, "status") == 0) {
		char *text = from_control.status(from_control.argument);

		say("\"%s\"", text);
		free(text);
	} else if (strcmp(what, "gone") == 0) {
		from_channel.end("it has gone", from_channel.argument);
	} else {
		for (int event = 0; event < TUNNEL_EVENTS; event++)
			if (strcmp(tunnel_event_name(event), what) == 0)
				from_management.event(event, "openvpn says so", from_management.argument);
	}
}

/* What is as it was is not shown again. */
static void show(void)
{
	static char shown[2048];
	char text[sizeof shown];

	snprintf(text, sizeof text,
		 "= %s; gate %u, \"%s\", \"%s\", \"%s\"; since %+d; wanted %d leaving %d blocked %u; bytes "
		 "%d %u %u; asked "
		 "%d %d",
		 tunnel_state_name(d.tunnel.state), d.gate, d.gate_text, d.notice, d.reason,
		 (int)(d.since - 2000000000), d.wanted, d.leaving, (unsigned)d.blocked, d.counted,
		 (unsigned)d.in, (unsigned)d.out, d.asked_gate, d.asked_openvpn);
	if (strcmp(text, shown) != 0)
		say("%s", text);
	strcpy(shown, text);
}

/* All of it in turn; what stands before a "|" is told elsewhere. */
static void run(const char *words, const char *story)
{
	size_t begun;
	char word[32];

	say("\n# %s; %s", words, story);
	begun = strlen(journal);
	so = words;
	failed[0] = '\0';
	for (const char *at = story; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
		snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " "), at);
		if (strcmp(word, "|") == 0) {
			journal[begun] = '\0';
			continue;
		}
		happens(word);
		show();
	}
}

#define CONNECTED "hello dialling handshake config address success open | "

static void test_each_story(void **state)
{
	static const struct {
		const char *so, *story;
	} ways[] = {
	    {"", "up hello up +1 dialling handshake config address +1 success open +5 network count locked "
		 "+1 ended +1 timer dialling reconnect ended"},
	    {"", CONNECTED "bytes locked ended bytes +9 timer"},
	    {"terse", "hello-down up-mute up dialling restart ended +9 timer"},
	    {"", "hello-down network down-mute up refused +1 timer refused-running leaving ended"},
	    {"!remotes_pick", "hello +60 timer"},
	    {"", CONNECTED "reconnect leaving timer ended"},
	    {"", CONNECTED "down ended hello"},
	    {"", CONNECTED "down ended-down"},
	    {"", CONNECTED "is-dialling is-open is-open paused leaving ended up"},
	    {"", CONNECTED "leaving locked"},
	    {"", CONNECTED "count-down count"},
	    {"", "hello dialling credentials ended network up dialling connect-errors refused"},
	    {"", "hello dialling device-down address address success device-down timer"},
	    {"", "hello dialling +120 timer +120 timer"},
	    {"", "gone"},
	    /* to be refused counts only where somebody else is left */
	    {"", "hello dialling unreachable timer ended"},
	    {"several", "hello dialling unreachable ended timer dialling handshake exited ended timer"},
	    /* a log-in that is refused: the others, then minutes, then it is over */
	    {"", "hello dialling handshake denied ended network +60 timer dialling denied ended +300 timer "
		 "dialling denied ended +900 timer dialling denied ended network up"},
	    {"several", "hello dialling handshake denied ended timer dialling handshake timer ended"},
	    {"", CONNECTED "denied ended"},
	    {"", "hello dialling handshake exited denied ended"},
	    {"later", "hello dialling handshake restart ended network"},
	    {"much-later", "hello dialling handshake exited ended"},
	    {"several the-same later", "hello dialling handshake restart ended timer"},
	    {"several next-host later", "hello dialling handshake restart ended timer"},
	    {"expired", "hello dialling timer ended timer dialling handshake timer ended"},
	    {"expired", "hello dialling handshake pended timer"},
	    /* what the driver before was refused: its greeting is no command, and nothing shortens the wait
	     */
	    {"kept-stop", "hello up network up dialling handshake config address success open"},
	    {"kept-wait", "hello up network +40 timer dialling handshake config address success open"},
	    {"kept-wait", "hello up up dialling"},
	    {"kept-count", "hello up timer dialling handshake denied ended"},
	    {"kept-stop", "hello-down up"},
	    {"kept-stop", "hello down up"},
	    /* each stage's own limit, and what is said when it is over */
	    {"", "hello dialling timer ended"},
	    {"hasty", "hello dialling timer ended"},
	    {"", "hello dialling handshake timer ended"},
	    {"", "hello dialling handshake pended timer ended"},
	    {"patient", "hello dialling handshake pended config timer ended"},
	    /* counts for the status */
	    {"", CONNECTED "asked asked count bytes +99m asked +1m asked bytes count status"},
	    {"", CONNECTED "asked over asked count bytes +100m asked bytes over bytes"},
	    {"!management_ask_count", CONNECTED "asked count"},
	    {"", "hello asked count locked"},
	    /* the way to the server */
	    {"", "leads " CONNECTED "leads-nowhere way open-network +60 leads open-network"},
	    {"", "leads " CONNECTED "leads-by-ipv6 way +1 due +1 due due ended way due"},
	    {"", "leads " CONNECTED "leads-by-ipv6 way +1 leads way +1 due"},
	    {"", CONNECTED "leads-by-ipv6 way +60 due"},
	    {"", "leads-nowhere hello network leads network"},
	    /* a guess of NAT64 ends where another way is told, unless the server has answered */
	    {"", "leads-by-nat64 hello dialling way leads way ended"},
	    {"", "leads-by-nat64 hello dialling leads-by-another network ended +1 timer"},
	    {"", "leads-by-nat64 hello dialling leads-nowhere way"},
	    {"", "leads-by-nat64 hello dialling timer"},
	    {"", "leads-by-nat64 hello dialling handshake leads way"},
	    {"watched", "leads " CONNECTED "slept:120000 slept:120001 ended"},
	    {"", "leads " CONNECTED "slept:3600000"},
	    /* what a server did is kept, if it is new; not what the network or a person did */
	    {"as-before", "hello dialling handshake restart ended timer dialling handshake config address "
			  "success open"},
	    {"", "leads hello dialling leads-nowhere way timer ended"},
	    {"", "hello dialling handshake reconnect ended"},
	    /* what logging in takes */
	    {"!login_ready", "hello network answer healed answer answer"},
	    {"!login_ready", "hello down-mute answer-down"},
	    {"!login_ready !login_answer", "hello answer"},
	    {"no-code-yet", "hello network up +7 timer"},
	    {"no-code-yet", "hello +7 timer dialling restart ended +1 timer"},
	    {"same-server", "hello dialling restart ended"},
	    {"it-waits", "hello dialling handshake person answer"},
	    /* the private key that another process holds */
	    {"key-awaited", "hello network key-is-there dialling handshake sign signature"},
	    {"key-awaited", "hello key-is-not up"},
	    {"key-awaited resolver", "hello key-is-there named dialling"},
	    {"key-awaited resolver", "hello named key-is-there dialling key-is-not ended timer"},
	    {"key-lacks", "hello"},
	    /* the servers' names: before an attempt, and through the tunnel */
	    {"resolver", "hello name named dialling refused +1 timer dialling refused +60 timer unnamed "
			 "refused +60 timer name named"},
	    {"resolver", "hello down named up named"},
	    {"resolver", "hello +15 reconnect +1 down up"},
	    {"resolver !remotes_pick", "hello unnamed +1 timer"},
	    {"resolver", "hello named dialling handshake config address success open learn named-open ended "
			 "dialling ended timer"},
	    {"resolver", "hello unnamed dialling handshake config address success open learn named-open "
			 "name learn locked ended timer learn"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin();
		run(ways[i].so, ways[i].story);
	}
	assert_golden("tests/golden/driver_dispatch/stories", journal);
}

static size_t count_of(const char *text)
{
	size_t count = 0;

	for (const char *at = journal; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

/* openvpn says it without end: the log has so much of it, and says that there was more. */
static void test_a_flood(void **state)
{
	(void)state;
	happens("hello");
	happens("dialling");
	journal[0] = '\0';
	for (int i = 0; i < 3 * LIMIT_BURST; i++)
		from_management.event(TUNNEL_DEVICE_DOWN, "again", from_management.argument);
	assert_int_equal(count_of("ignored while connecting"),
			 LIMIT_BURST - 1); /* one of them was the start's */
	assert_int_equal(count_of("left out"), 0);
	now += 20000;
	from_management.event(TUNNEL_DEVICE_DOWN, "again", from_management.argument);
	assert_int_equal(count_of("lines left out: too many at once"), 1);
	/* A change of its word has an allowance of its own. */
	journal[0] = '\0';
	for (int i = 0; i < 2 * LIMIT_BURST; i++)
		from_management.event(TUNNEL_DEVICE_DOWN, "again", from_management.argument);
	happens("handshake");
	assert_int_equal(count_of("log 2 driver: tunnel connecting -> authenticating"), 1);
}

static void test_the_start(void **state)
{
	static const char *const ways[] = {"",
					   "!remotes_open",
					   "!event_base_new",
					   "!event_new-timer",
					   "!event_new-refresh",
					   "!event_new-way",
					   "!event_new-learn",
					   "!control_new",
					   "!management_new",
					   "!key_client_new",
					   "!gate_channel_new",
					   "!captive_dns_new"};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};

		say("\n# %s", ways[i]);
		so = ways[i];
		timer_count = 0;
		memset(&d, 0xff, sizeof d);
		say("= %s", driver_open(&d, &e) == 0 ? "done" : e.text);
	}
	so = "";
	timer_count = 0;
	driver_open(&d, NULL);
	say("-- run");
	driver_run(&d);
	say("-- close");
	driver_close(&d);
	assert_golden("tests/golden/driver_dispatch/start", journal);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_each_story), TEST(test_a_flood), TEST(test_the_start)};

	return cmocka_run_group_tests_name("driver dispatch", tests, NULL, NULL);
}
