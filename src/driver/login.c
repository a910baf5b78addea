/* What logging in takes beside the password file, kept from one attempt to the next. */
#include "driver/login.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"
#include "profile/profile.h"

enum { FLAG_CONCAT = 2, PERIODS_AHEAD = 2, JOINED_MAX = 4 * SECRET_SIZE };

#define ASKS "the server asks: '%s'; instead: portcullis login"

static bool has_answer(const struct login *login, uint64_t now)
{
	return login->answer.length > 0 && now < login->answer_until;
}

static bool has_codes(const struct login *login)
{
	return login->totp_use == TOTP_CHALLENGE && !login->code_refused;
}

static void ask_person(struct login *login, const char *text)
{
	text_copy(login->question, sizeof login->question, text[0] != '\0' ? text : "the answer");
}

/* --- one-time passwords */

static int read_totp(const struct login *login, struct totp *totp, struct err *e)
{
	int result = credentials_totp(login->files.totp, totp, e);

	return result != 0 ? result
			   : err_set(e, "the TOTP file is missing, empty or not root's alone; instead: set "
					"credentials { totp-file }, mode 600");
}

/* Is the code of this period still to be sent? A server refuses one that it has seen. A clock that was set
 * back far is believed: what was sent then is forgotten. */
static enum login_ready check_step(struct login *login, const struct totp *totp, uint64_t seconds,
				   uint64_t *wait, struct err *e)
{
	uint64_t from = totp_step(totp, seconds) * totp->period;

	if (login->used_until > from + (uint64_t)PERIODS_AHEAD * totp->period)
		login->used_until = 0;
	if (from >= login->used_until)
		return LOGIN_READY;
	*wait = (login->used_until - seconds) * 1000;
	err_set(e, "the one-time password of this period has been sent: waiting for the next one");
	return LOGIN_WAIT;
}

/* The code of this period, which is used up by that; without `code` it only looks whether there is one. */
static enum login_ready next_code(struct login *login, const struct login_time *time, struct secret *code,
				  uint64_t *wait, struct err *e)
{
	struct totp totp;
	enum login_ready ready;

	if (read_totp(login, &totp, e) == -1)
		return LOGIN_STOP;
	ready = check_step(login, &totp, time->seconds, wait, e);
	if (ready == LOGIN_READY && code != NULL) {
		uint64_t step = totp_step(&totp, time->seconds);

		login->used_until = (step + 1) * totp.period;
		credentials_save_used(login->files.used, login->used_until);
		if (totp_code(&totp, step, code, e) == -1)
			ready = LOGIN_STOP;
	}
	secret_wipe(&totp.key);
	return ready;
}

/* The answer to a challenge: a person's, else a code. */
static enum login_ready take_response(struct login *login, const char *question,
				      const struct login_time *time, struct secret *response, uint64_t *wait,
				      struct err *e)
{
	if (has_answer(login, time->now)) {
		*response = login->answer;
		secret_wipe(&login->answer);
		return LOGIN_READY;
	}
	if (has_codes(login))
		return next_code(login, time, response, wait, e);
	ask_person(login, question);
	err_set(e, ASKS, secret_masked(login->question));
	return LOGIN_STOP;
}

enum login_ready login_ready(struct login *login, int needs, const char *challenge,
			     const struct login_time *time, uint64_t *wait, struct err *e)
{
	bool dynamic = login->state.length > 0, asked = dynamic || challenge[0] != '\0';

	if (!has_answer(login, time->now))
		secret_wipe(&login->answer); /* if there is one, it is too old */
	if ((needs & PROFILE_NEEDS_USER_PASSWORD) == 0 || login->token.length > 0)
		return LOGIN_READY;
	if (login->totp_use == TOTP_PASSWORD_SUFFIX && !dynamic &&
	    next_code(login, time, NULL, wait, e) != LOGIN_READY)
		return *wait > 0 ? LOGIN_WAIT : LOGIN_STOP;
	if (!asked || has_answer(login, time->now))
		return LOGIN_READY;
	if (has_codes(login))
		return next_code(login, time, NULL, wait, e);
	if (login->question[0] == '\0')
		ask_person(login, challenge);
	err_set(e, ASKS, secret_masked(login->question));
	return LOGIN_STOP;
}

/* --- what is sent */

/* NULL ends the list. 0, or -1 and `e`. */
static int join(struct secret *to, const char *const parts[], struct err *e)
{
	char joined[JOINED_MAX];
	size_t used = 0;
	int result = 0;

	for (size_t i = 0; parts[i] != NULL && result == 0; i++)
		result = text_append(joined, sizeof joined, &used, "%s", parts[i]);
	if (result == 0)
		result = secret_set(to, joined, used);
	secret_wipe_bytes(joined, sizeof joined);
	return result == 0 ? 0
			   : err_set(e, "password and answer are longer than the %d bytes that openvpn takes",
				     SECRET_SIZE - 1);
}

static void encode(const struct secret *from, char to[2 * SECRET_SIZE])
{
	EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)from->bytes, (int)from->length);
}

/* Password and response in base64: "SCRV1:cGFzc3dvcmQ=:MTIzNDU2". */
static int join_static(struct secret *password, const struct secret *response, struct err *e)
{
	char first[2 * SECRET_SIZE], second[2 * SECRET_SIZE];
	const char *const parts[] = {"SCRV1:", first, ":", second, NULL};
	int result;

	encode(password, first);
	encode(response, second);
	result = join(password, parts, e);
	secret_wipe_bytes(first, sizeof first);
	secret_wipe_bytes(second, sizeof second);
	return result;
}

static int append(struct secret *password, const struct secret *response, struct err *e)
{
	struct secret before = *password;
	const char *const parts[] = {before.bytes, response->bytes, NULL};
	int result = join(password, parts, e);

	secret_wipe(&before);
	return result;
}

/* The second round of a dynamic challenge: its state is used up. */
static enum login_ready fill_dynamic(struct login *login, const struct login_time *time,
				     struct credentials *to, struct err *e)
{
	struct secret response = {.length = 0};
	const char *const parts[] = {"CRV1::", login->state.bytes, "::", response.bytes, NULL};
	bool person = has_answer(login, time->now);
	uint64_t wait = 0;
	enum login_ready ready = take_response(login, login->question, time, &response, &wait, e);

	if (ready != LOGIN_READY)
		return ready;
	to->user = login->user;
	if (join(&to->password, parts, e) == -1)
		ready = LOGIN_STOP;
	login->code_sent = !person;
	secret_wipe(&response);
	secret_wipe(&login->state);
	secret_wipe(&login->user);
	return ready;
}

/* What follows the password that was read, or takes its place. */
static enum login_ready complete(struct login *login, const struct login_ask *ask,
				 const struct login_time *time, struct credentials *to, struct err *e)
{
	struct secret response = {.length = 0};
	uint64_t wait = 0;
	enum login_ready ready = LOGIN_READY;
	int result = 0;

	if (login->token.length > 0) {
		to->password = login->token;
		login->token_sent = true;
		return LOGIN_READY;
	}
	if (login->totp_use == TOTP_PASSWORD_SUFFIX &&
	    (ready = next_code(login, time, &response, &wait, e)) == LOGIN_READY)
		result = append(&to->password, &response, e);
	if (ready == LOGIN_READY && result == 0 && ask->challenge[0] != '\0' &&
	    (ready = take_response(login, ask->challenge, time, &response, &wait, e)) == LOGIN_READY)
		result = ask->flags & FLAG_CONCAT ? append(&to->password, &response, e)
						  : join_static(&to->password, &response, e);
	secret_wipe(&response);
	return result == -1 ? LOGIN_STOP : ready;
}

enum login_ready login_fill(struct login *login, const struct login_ask *ask, const struct login_time *time,
			    struct credentials *to, struct err *e)
{
	enum login_ready ready;

	memset(to, 0, sizeof *to);
	login->token_sent = false;
	if (login->state.length > 0) {
		ready = fill_dynamic(login, time, to, e);
	} else {
		login->code_sent = login->code_refused = false;
		ready = credentials_read(login->files.password, ask->needs, ask->username, to, e) == -1
			    ? LOGIN_STOP
			    : complete(login, ask, time, to, e);
	}
	if (ready == LOGIN_READY)
		login->question[0] = '\0';
	else
		credentials_wipe(to);
	return ready;
}

/* --- questions and answers */

int login_answer(struct login *login, const char *text, uint64_t now)
{
	if (secret_set(&login->answer, text, strlen(text)) == -1 || login->answer.length == 0)
		return -1;
	login->answer_until = now + LOGIN_ANSWER_MS;
	return 0;
}

/* The next field, ended by ':'; NULL: there is none. *text goes behind it. */
static const char *field(const char **text, size_t *length)
{
	const char *from = *text, *end = strchr(from, ':');

	if (end == NULL)
		return NULL;
	*length = (size_t)(end - from);
	*text = end + 1;
	return from;
}

/* Is the letter one of "R,E"? */
static bool has_flag(const char *flags, size_t length, char letter)
{
	for (size_t i = 0; i < length; i++) {
		if (flags[i] == letter && (i == 0 || flags[i - 1] == ',') &&
		    (i + 1 == length || flags[i + 1] == ','))
			return true;
	}
	return false;
}

/* An address that a person may be shown: encrypted, printable, whole. */
static bool keep_url(struct login *login, const char *url)
{
	static const char scheme[] = "https://";

	for (const char *at = url; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~' || strchr("\"'<>\\`", *at) != NULL)
			return false;
	}
	if (strncmp(url, scheme, sizeof scheme - 1) != 0 || strlen(url) >= sizeof login->url)
		return false;
	return text_copy(login->url, sizeof login->url, url) == 0;
}

bool login_pending(struct login *login, const char *text)
{
	size_t length = 0;
	const char *what = field(&text, &length), *flags;

	if (length == 8 && strncmp(what, "OPEN_URL", length) == 0)
		return keep_url(login, text);
	if ((flags = field(&text, &length)) == NULL)
		return false;
	if (strncmp(what, "WEB_AUTH:", 9) == 0)
		return keep_url(login, text);
	if (strncmp(what, "CR_TEXT:", 8) != 0 || !has_flag(flags, length, 'R'))
		return false;
	ask_person(login, text);
	login->pending = true;
	return true;
}

bool login_reply(struct login *login, const struct login_time *time, struct secret *to, struct err *e)
{
	struct secret response = {.length = 0};
	char text[2 * SECRET_SIZE], question[LOGIN_TEXT];
	const char *const parts[] = {text, NULL};
	uint64_t wait = 0;
	bool done = false;

	text_copy(question, sizeof question, login->question);
	if (login->pending && take_response(login, question, time, &response, &wait, e) == LOGIN_READY) {
		encode(&response, text);
		done = join(to, parts, e) == 0;
		login->pending = false;
		login->question[0] = '\0';
		secret_wipe_bytes(text, sizeof text);
	}
	secret_wipe(&response);
	return done;
}

/* "bWU=" -> "me". 0, or -1. */
static int decode(const char *from, size_t length, struct secret *to)
{
	unsigned char bytes[SECRET_SIZE];
	int got = length / 4 * 3 < sizeof bytes
		      ? EVP_DecodeBlock(bytes, (const unsigned char *)from, (int)length)
		      : -1;

	while (got > 0 && length > 0 && from[length - 1] == '=')
		got--, length--;
	return got <= 0 ? -1 : secret_set(to, (char *)bytes, (size_t)got);
}

bool login_challenged(struct login *login, const char *reason, char *text, size_t size)
{
	const char *at = reason, *flags, *state, *user;
	size_t first, flags_length, state_length, user_length;

	text[0] = '\0';
	if (field(&at, &first) == NULL || (flags = field(&at, &flags_length)) == NULL ||
	    (state = field(&at, &state_length)) == NULL || (user = field(&at, &user_length)) == NULL)
		return false;
	text_copy(text, size, at);
	secret_wipe(&login->token);
	login->question[0] = '\0';
	if (!has_flag(flags, flags_length, 'R') || state_length == 0 ||
	    secret_set(&login->state, state, state_length) == -1 ||
	    decode(user, user_length, &login->user) == -1) {
		secret_wipe(&login->state);
		secret_wipe(&login->user);
		return false;
	}
	/* A code that leads to another question was the wrong one, or not what is asked for now. */
	login->code_refused = login->code_sent;
	if (!has_codes(login))
		ask_person(login, text);
	return true;
}

bool login_refused(struct login *login)
{
	bool sent = login->token_sent;

	secret_wipe(&login->token);
	login->token_sent = false;
	return sent;
}

void login_keep_token(struct login *login, const char *token)
{
	(void)secret_set(&login->token, token, strlen(token));
}

void login_settle(struct login *login)
{
	if (login->pending)
		login->question[0] = '\0';
	login->pending = false;
	login->url[0] = '\0';
}

bool login_same_remote(const struct login *login)
{
	return login->state.length > 0;
}
