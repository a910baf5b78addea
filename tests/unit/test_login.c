/* What logging in takes, from one attempt to the next: codes, each counted once; challenges of each form; a
 * person's answers; the server's token; against tests/golden/login. Nothing of a secret stays where it was
 * used up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* What is wiped is told. */
#define secret_wipe plain_wipe
#define secret_wipe_bytes plain_wipe_bytes
#include "base/secret.c"
#undef secret_wipe
#undef secret_wipe_bytes
void secret_wipe(struct secret *secret);
void secret_wipe_bytes(void *bytes, size_t length);

#include "driver/login.h"
#include "golden.h"
#include "profile/profile.h"
#include "ways.h"

enum { PASSWORD_FILE = 60, TOTP_FILE, USED_FILE, USER = PROFILE_NEEDS_USER_PASSWORD };

static struct login login;
static uint64_t now, seconds;

/* --- what it asks others ---------------------------------------------------------------- */

void secret_wipe(struct secret *secret)
{
	if (secret->length > 0)
		say("  wiped \"%s\"", secret->bytes);
	plain_wipe(secret);
}

void secret_wipe_bytes(void *bytes, size_t length)
{
	say("  wiped %zu bytes \"%.60s\"", length, (char *)bytes);
	plain_wipe_bytes(bytes, length);
}

int credentials_read(int descriptor, int needs, const char *username, struct credentials *to, struct err *e)
{
	assert_int_equal(descriptor, PASSWORD_FILE);
	assert_int_equal(needs, USER);
	memset(to, 0, sizeof *to);
	if (FAILS("credentials_read"))
		return -1;
	secret_set(&to->user, username, strlen(username));
	memset(to->password.bytes, 'p', SECRET_SIZE - 1);
	to->password.length = is("long-password") ? 150 : is("longest-password") ? 252 : 4;
	to->password.bytes[to->password.length] = '\0';
	return 0;
}

void credentials_wipe(struct credentials *credentials)
{
	memset(credentials, 0, sizeof *credentials);
}

int credentials_totp(int descriptor, struct totp *totp, struct err *e)
{
	assert_int_equal(descriptor, TOTP_FILE);
	memset(totp, 0, sizeof *totp);
	totp->period = 30;
	secret_set(&totp->key, "key", 3);
	return is("no-file") ? 0 : FAILS("credentials_totp") ? -1 : 1;
}

void credentials_save_used(int descriptor, uint64_t until)
{
	assert_int_equal(descriptor, USED_FILE);
	assert_true(until == login.used_until);
	say("  used until %u", (unsigned)until);
}

uint64_t totp_step(const struct totp *totp, uint64_t at)
{
	return at / totp->period;
}

int totp_code(const struct totp *totp, uint64_t step, struct secret *code, struct err *e)
{
	char text[16];

	assert_string_equal(totp->key.bytes, "key");
	snprintf(text, sizeof text, "%06u", (unsigned)step);
	secret_set(code, text, strlen(text));
	return FAILS("totp_code") ? -1 : 0;
}

/* --- the steps ------------------------------------------------------------------------- */

static struct login_time time_now(void)
{
	return (struct login_time){now, seconds};
}

static const char *word_of(enum login_ready ready)
{
	static const char *const words[] = {
	    [LOGIN_READY] = "ready", [LOGIN_WAIT] = "wait", [LOGIN_STOP] = "stop"};

	return words[ready];
}

static bool is_empty(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static void look(int needs, const char *challenge)
{
	const struct login_time when = time_now();
	struct err e = {""};
	uint64_t wait = 0;
	enum login_ready ready = login_ready(&login, needs, challenge, &when, &wait, &e);

	say("  %s %u %s", word_of(ready), (unsigned)wait, e.text);
}

static void fill(const char *challenge, int64_t flags)
{
	const struct login_ask ask = {
	    .needs = USER, .username = "me", .challenge = challenge, .flags = flags};
	const struct login_time when = time_now();
	struct credentials to;
	struct err e = {""};
	enum login_ready ready;

	memset(&to, 0x55, sizeof to);
	ready = login_fill(&login, &ask, &when, &to, &e);
	say("  %s %s", word_of(ready), e.text);
	assert_int_equal(to.passphrase.length, 0);
	if (ready == LOGIN_READY)
		say("  \"%s\" \"%s\" %zu", to.user.bytes, to.password.bytes, to.password.length);
	else
		assert_true(is_empty(&to, sizeof to));
	credentials_wipe(&to);
}

static void reply(void)
{
	const struct login_time when = time_now();
	struct secret to = {.length = 0};
	struct err e = {""};
	bool done = login_reply(&login, &when, &to, &e);

	say("  %s \"%s\" %s", done ? "sent" : "nothing", to.bytes, e.text);
}

static void challenged(const char *reason)
{
	char text[40];
	bool again = login_challenged(&login, reason, text, sizeof text);

	say("  %d \"%s\", the same server %d, user \"%s\"", again, text, login_same_remote(&login),
	    login.user.bytes);
}

/* WORD or WORD=TEXT; the text is whatever stands behind the first '='. */
static void happens(const char *step)
{
	const char *text = strchr(step, '=');

	say("- %s", step);
	text = text != NULL ? text + 1 : "";
	if (step[0] == '+')
		now += strtoull(step, NULL, 10) * 1000, seconds += strtoull(step, NULL, 10);
	else if (step[0] == '@')
		seconds = strtoull(step + 1, NULL, 10);
	else if (strncmp(step, "look", 4) == 0)
		look(USER, text);
	else if (strcmp(step, "by key") == 0)
		look(PROFILE_NEEDS_KEY_PASSPHRASE, "x");
	else if (strncmp(step, "fill", 4) == 0)
		fill(text, 1);
	else if (strncmp(step, "concat", 6) == 0)
		fill(text, 2 + 1);
	else if (strncmp(step, "answer", 6) == 0)
		say("  %d", login_answer(&login, text, now));
	else if (strncmp(step, "refused", 7) == 0)
		say("  %d", login_refused(&login));
	else if (strncmp(step, "challenged", 10) == 0)
		challenged(text);
	else if (strncmp(step, "pending", 7) == 0)
		say("  %d", login_pending(&login, text));
	else if (strcmp(step, "reply") == 0)
		reply();
	else if (strncmp(step, "token", 5) == 0)
		login_keep_token(&login, text);
	else if (strcmp(step, "settle") == 0)
		login_settle(&login);
	else
		fail_msg("%s", step);
	say("  = question \"%s\", url \"%s\"%s%s%s%s", login.question, login.url,
	    login.answer.length > 0 ? ", an answer" : "", login.state.length > 0 ? ", a state" : "",
	    login.token.length > 0 ? ", a token" : "", login.pending ? ", pending" : "");
}

enum { STEPS = 16 };

struct way {
	const char *so;
	enum wire_totp use;
	const char *steps[STEPS];
};

static void run(const struct way *way)
{
	say("\n# %s, %d", way->so, (int)way->use);
	so = way->so;
	failed[0] = '\0';
	memset(&login, 0, sizeof login);
	login.files =
	    (struct credentials_files){.password = PASSWORD_FILE, .totp = TOTP_FILE, .used = USED_FILE};
	login.totp_use = way->use;
	now = 5000;
	seconds = 3001;
	for (size_t i = 0; i < STEPS && way->steps[i] != NULL; i++)
		happens(way->steps[i]);
}

#define CRV1 "challenged=CRV1:R,E:abc:bWU=:say: it"

static void test_each_way(void **state)
{
	static const struct way ways[] = {
	    /* nothing but a password */
	    {"", TOTP_NONE, {"look", "fill", "fill", "refused", "by key"}},
	    {"!credentials_read", TOTP_NONE, {"fill"}},
	    /* codes: each once; the next one after its time; a clock that is set back */
	    {"",
	     TOTP_CHALLENGE,
	     {"look", "fill", "look=PIN", "fill=PIN", "look=PIN", "fill=PIN", "+28", "look=PIN", "+1",
	      "look=PIN", "concat=PIN"}},
	    {"",
	     TOTP_CHALLENGE,
	     {"fill=PIN", "@2970", "look=PIN", "@2940", "look=PIN", "fill=PIN", "look=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"look", "fill", "look", "fill", "+29", "look", "fill", "look=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"look=PIN", "answer=77", "look=PIN", "fill=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"look", CRV1, "look", "answer=77", "look", "fill"}},
	    {"no-file", TOTP_CHALLENGE, {"look=PIN", "fill=PIN"}},
	    {"no-file", TOTP_PASSWORD_SUFFIX, {"look", "fill"}},
	    {"!credentials_totp", TOTP_CHALLENGE, {"look=PIN", "fill=PIN"}},
	    {"!totp_code", TOTP_CHALLENGE, {"look=PIN", "fill=PIN"}},
	    {"!totp_code", TOTP_PASSWORD_SUFFIX, {"look", "fill"}},
	    {"longest-password", TOTP_PASSWORD_SUFFIX, {"fill", "+30", "answer=1", "fill=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"fill", CRV1, "look"}},
	    {"", TOTP_NONE, {"fill=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"fill", "answer=1", "fill=PIN"}},
	    /* a person: asked before the dial; one answer for one attempt, for two minutes */
	    {"", TOTP_NONE, {"look=PIN", "fill=PIN", "answer=1234", "look=PIN", "fill=PIN", "look=PIN"}},
	    {"", TOTP_NONE, {"answer=1234", "+119", "look=PIN", "+1", "look=PIN", "fill=PIN"}},
	    {"", TOTP_NONE, {"answer=", "answer=a\tb", "answer=one", "answer=", "look=PIN"}},
	    {"", TOTP_CHALLENGE, {"answer=by hand", "fill=PIN", "fill=PIN"}},
	    {"", TOTP_NONE, {"answer=1", "concat=PIN"}},
	    {"long-password", TOTP_NONE, {"answer=1234567890123456789012345678", "fill=PIN"}},
	    {"long-password", TOTP_NONE, {"answer=1234567890123456789012345678901234567", "fill=PIN"}},
	    /* dynamic challenges */
	    {"",
	     TOTP_CHALLENGE,
	     {"fill", CRV1, "look", "fill", "look", "fill", CRV1, "look", "answer=77", "fill", CRV1}},
	    {"",
	     TOTP_CHALLENGE,
	     {"fill", CRV1, "fill", CRV1, "look", "+60", "look", "answer=1", "fill", "fill", CRV1, "look"}},
	    {"",
	     TOTP_NONE,
	     {"token=SESS", CRV1, "look", "look=PIN", "fill", "answer=77", "look", "fill", "look"}},
	    {"", TOTP_NONE, {"challenged=CRV1:E:abc:bWU=:no answer", "look"}},
	    {"", TOTP_NONE, {"challenged=CRV1:xR,RE,R:abc:bWVl:3", "challenged=CRV1:xR,RE,ER:abc:bWVl:4"}},
	    {"", TOTP_NONE, {"challenged=CRV1:E,R:abc:bWVlZQ==:", "answer=7", "fill"}},
	    {"",
	     TOTP_NONE,
	     {"challenged=CRV1:R::bWU=:no state", "challenged=CRV1:R:abc::no user",
	      "challenged=CRV1:R:abc:b:x", "challenged=CRV1:R:abc:????:x", "challenged=CRV1:R:abc:AAAA:nul",
	      "challenged=CRV1:R:abc", "challenged=CRV1", "challenged=CRV1:R", "challenged=CRV1:R:abc:bWU="}},
	    /* the token in place of the password, until it is refused */
	    {"",
	     TOTP_NONE,
	     {"token=SESS_ID_x", "look=PIN", "fill=PIN", "fill", "refused", "look=PIN", "refused"}},
	    {"", TOTP_CHALLENGE, {"fill=PIN", "token=SESS", "look=PIN", "fill=PIN", "refused", "look=PIN"}},
	    {"", TOTP_PASSWORD_SUFFIX, {"fill", "token=SESS", "look", "fill", "token=", "look"}},
	    {"", TOTP_NONE, {"fill", "token=SESS", "refused", "look"}},
	    {"!credentials_read", TOTP_NONE, {"token=SESS", "fill"}},
	    /* while the server waits */
	    {"",
	     TOTP_NONE,
	     {"reply", "pending=CR_TEXT:R,E:Which: one", "reply", "answer=blue", "reply", "answer=red",
	      "reply"}},
	    {"", TOTP_NONE, {"pending=CR_TEXT:R:Which", "settle", "answer=blue", "reply"}},
	    {"", TOTP_NONE, {"pending=CR_TEXT:R:", "settle", "pending=CR_TEXT:E:Which", "pending=CR_TEXT:R"}},
	    {"",
	     TOTP_CHALLENGE,
	     {"pending=CR_TEXT:R:Which", "reply", "pending=CR_TEXT:R:Again", "reply", "answer=x", "reply"}},
	    {"", TOTP_NONE, {"look=PIN", "settle"}},
	    {"",
	     TOTP_NONE,
	     {"pending=WEB_AUTH::https://a.example/x?y=1&z", "pending=OPEN_URL:https://b.example", "settle",
	      "pending=WEB_AUTH:hidden,external:https://c", "pending=WEB_AUTH:https://d",
	      "pending=OPEN_URLS:https://e", "pending=OPEN:https://f", "pending=:https://g",
	      "pending=OPEN_URL:", "pending=OPEN_URL", "pending=", "pending=X:Y:Z", "pending=CR_TEX:R:x"}},
	    {"",
	     TOTP_NONE,
	     {"pending=OPEN_URL:http://a", "pending=OPEN_URL:https:/x", "pending=OPEN_URL:HTTPS://a",
	      "pending=OPEN_URL:file:///etc/passwd", "pending=OPEN_URL:https://a b",
	      "pending=OPEN_URL:https://\xc3\xa9", "pending=OPEN_URL:https://a\x7f",
	      "pending=OPEN_URL:https://a\"", "pending=OPEN_URL:https://a\x1b", "pending=OPEN_URL:https://a'",
	      "pending=OPEN_URL:https://a<", "pending=OPEN_URL:https://a>", "pending=OPEN_URL:https://a\\",
	      "pending=OPEN_URL:https://a`", "pending=OPEN_URL:https://a~"}},
	};

	(void)state;
	journal[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		run(&ways[i]);
	assert_golden("tests/golden/login", journal);
}

/* A question may be cut, an address never. */
static void test_what_is_too_long(void **state)
{
	char text[2 * LOGIN_TEXT] = "OPEN_URL:https://";
	size_t start = strlen("OPEN_URL:");

	(void)state;
	memset(&login, 0, sizeof login);
	memset(text + strlen(text), 'x', LOGIN_TEXT);
	text[start + LOGIN_TEXT - 1] = '\0';
	assert_true(login_pending(&login, text));
	assert_int_equal(strlen(login.url), LOGIN_TEXT - 1);
	login_settle(&login);
	text[start + LOGIN_TEXT - 1] = 'x';
	text[start + LOGIN_TEXT] = '\0';
	assert_false(login_pending(&login, text));
	assert_string_equal(login.url, "");
	memcpy(text, "CR_TEXT:R:", 10);
	assert_true(login_pending(&login, text));
	memset(text, 'x', sizeof text - 1);
	text[SECRET_SIZE] = '\0';
	assert_int_equal(login_answer(&login, text, 0), -1);
	assert_int_equal(login.answer.length, 0);
	text[SECRET_SIZE - 1] = '\0';
	assert_int_equal(login_answer(&login, text, 0), 0);
	/* In base64 it does not fit into a command. */
	so = "";
	journal[0] = '\0';
	now = seconds = 0;
	reply();
	assert_non_null(strstr(journal, "  nothing \"\" password and answer are longer than the 255 bytes"));
	login_keep_token(&login, text);
	assert_int_equal(login.token.length, SECRET_SIZE - 1);
	memset(text, 'x', sizeof text - 1);
	login_keep_token(&login, text);
	assert_int_equal(login.token.length, 0);
	/* nor does the user of a challenge */
	memset(text, 'A', sizeof text - 1);
	memcpy(text, "CRV1:R:abc:", 11);
	text[11 + 400] = ':'; /* 300 bytes */
	text[11 + 401] = '\0';
	assert_false(login_challenged(&login, text, text, sizeof text));
}

/* A state and an answer that together are longer than openvpn takes: neither is kept. */
static void test_a_long_state(void **state)
{
	static const char start[] = "CRV1:R:";
	char text[512] = "";
	struct way way = {"", TOTP_NONE, {NULL, "answer=12345678901234567890", "fill"}};

	(void)state;
	journal[0] = '\0';
	strcpy(text, "challenged=");
	strcat(text, start);
	memset(text + strlen(text), 's', 240);
	strcat(text, ":bWU=:it");
	way.steps[0] = text;
	run(&way);
	assert_non_null(
	    strstr(journal, "stop password and answer are longer than the 255 bytes that openvpn takes"));
	assert_true(is_empty(&login.state, sizeof login.state) &&
		    is_empty(&login.answer, sizeof login.answer));
}

/* What is sent is no longer kept. */
static void test_nothing_stays(void **state)
{
	(void)state;
	run(&(struct way){"", TOTP_NONE, {"answer=1234", "fill=PIN"}});
	assert_true(is_empty(&login.answer, sizeof login.answer));
	run(&(struct way){"", TOTP_NONE, {CRV1, "answer=77", "fill"}});
	assert_true(is_empty(&login.answer, sizeof login.answer) &&
		    is_empty(&login.state, sizeof login.state) && is_empty(&login.user, sizeof login.user));
	run(&(struct way){"", TOTP_NONE, {"token=SESS", "fill", "refused"}});
	assert_true(is_empty(&login.token, sizeof login.token));
	run(&(struct way){"", TOTP_NONE, {"token=SESS", CRV1}});
	assert_true(is_empty(&login.token, sizeof login.token));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_way), cmocka_unit_test(test_what_is_too_long),
	    cmocka_unit_test(test_a_long_state), cmocka_unit_test(test_nothing_stays)};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
