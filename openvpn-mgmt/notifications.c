/* The grammars of the lines that begin with '>'. The last field of a line is
 * text of anybody and may contain every separator: split from the left, with a limit. */
#include "session.h"

#include <string.h>

/* -1: not this grammar; then the text is as it was. */
typedef int parse_fn(char *text, struct ovm_event *event);

/* *end is behind the digits. */
static int digits(const char *text, uint64_t max, uint64_t *value, char **end)
{
	const char *at = text;

	*value = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (*value > (max - digit) / 10)
			return -1;
		*value = *value * 10 + digit;
	}
	*end = (char *)(uintptr_t)at;
	return at == text ? -1 : 0;
}

static int number(const char *text, int64_t *value, char **end)
{
	uint64_t found;

	if (digits(text, INT64_MAX, &found, end) != 0)
		return -1;
	*value = (int64_t)found;
	return 0;
}

/* Up to `count` fields from `first` on; the last takes the rest. */
static void fields(char *text, int count, struct ovm_event *event)
{
	for (int i = 0; i < count; i++) {
		char *comma = strchr(text, ',');

		event->field[i] = text;
		if (comma == NULL || i == count - 1)
			return;
		*comma = '\0';
		text = comma + 1;
	}
}

static int parse_text(char *text, struct ovm_event *event)
{
	event->field[0] = text;
	return 0;
}

static int parse_info(char *text, struct ovm_event *event)
{
	static const char before[] = "Interface Version ";
	const char *found = strstr(text, before);
	char *end;

	if (found != NULL && number(found + sizeof(before) - 1, &event->number, &end) != 0)
		event->number = 0;
	return parse_text(text, event);
}

/* Before 2.4 there is no number. */
static int parse_hold(char *text, struct ovm_event *event)
{
	const char *colon = strrchr(text, ':');
	char *end;

	if (colon != NULL && number(colon + 1, &event->number, &end) != 0)
		event->number = 0;
	return 0;
}

/* The time, and what is behind its comma. */
static char *timed(char *text, struct ovm_event *event)
{
	char *end;

	return number(text, &event->number, &end) == 0 && *end == ',' ? end + 1 : NULL;
}

/* Fields behind the eighth are of a later daemon. */
static int parse_state(char *text, struct ovm_event *event)
{
	char *rest = timed(text, event);
	char *surplus = rest;

	for (int i = 0; surplus != NULL && i < OVM_FIELDS; i++)
		surplus = (surplus = strchr(surplus, ',')) != NULL ? surplus + 1 : NULL;
	if (rest == NULL)
		return -1;
	if (surplus != NULL)
		surplus[-1] = '\0';
	fields(rest, OVM_FIELDS, event);
	return 0;
}

static int parse_log(char *text, struct ovm_event *event)
{
	char *rest = timed(text, event);

	if (rest == NULL || strchr(rest, ',') == NULL)
		return -1;
	fields(rest, 2, event);
	return 0;
}

static int parse_echo(char *text, struct ovm_event *event)
{
	char *rest = timed(text, event);

	return rest != NULL ? parse_text(rest, event) : -1;
}

static int parse_bytecount(char *text, struct ovm_event *event)
{
	char *end;

	if (digits(text, UINT64_MAX, &event->in, &end) != 0 || *end != ',')
		return -1;
	return digits(end + 1, UINT64_MAX, &event->out, &end) == 0 && *end == '\0' ? 0 : -1;
}

static int parse_bytecount_client(char *text, struct ovm_event *event)
{
	char *rest = timed(text, event);

	return rest != NULL ? parse_bytecount(rest, event) : -1;
}

/* "Need 'TYPE' WHAT" and then the end or `tag`: TYPE may contain quotes (a
 * token's label), so the first quote followed by all of that ends it. Returns
 * what is behind WHAT; *quote is to be cut. */
static char *need(char *text, const char *const *whats, const char *tag, struct ovm_event *event,
		  char **quote)
{
	if (strncmp(text, "Need '", 6) != 0)
		return NULL;
	for (char *at = text + 6; (at = strstr(at, "' ")) != NULL; at++) {
		for (int i = 0; whats[i] != NULL; i++) {
			size_t length = strlen(whats[i]);
			char *behind = at + 2 + length;

			if (strncmp(at + 2, whats[i], length) != 0 ||
			    (*behind != '\0' && strncmp(behind, tag, strlen(tag)) != 0))
				continue;
			event->field[0] = text + 6;
			event->field[1] = whats[i];
			*quote = at;
			return behind;
		}
	}
	return NULL;
}

static int parse_need_password(char *text, struct ovm_event *event)
{
	static const char *const whats[] = {"username/password", "password", "username", NULL};
	char *quote, *end;
	char *behind = need(text, whats, " SC:", event, &quote);

	event->number = -1;
	if (behind == NULL)
		return -1;
	if (*behind != '\0') {
		if (number(behind + 4, &event->number, &end) != 0 || *end != ',')
			return -1;
		event->field[2] = end + 1;
	}
	*quote = '\0';
	return 0;
}

static int parse_need_answer(char *text, const char *const *whats, struct ovm_event *event)
{
	char *quote;
	char *behind = need(text, whats, " MSG:", event, &quote);

	if (behind == NULL || *behind == '\0')
		return -1;
	event->field[1] = behind + 5;
	*quote = '\0';
	return 0;
}

static int parse_need_ok(char *text, struct ovm_event *event)
{
	static const char *const whats[] = {"confirmation", NULL};

	return parse_need_answer(text, whats, event);
}

/* The documentation says "input", the daemon "string". */
static int parse_need_string(char *text, struct ovm_event *event)
{
	static const char *const whats[] = {"string", "input", NULL};

	return parse_need_answer(text, whats, event);
}

/* 'TYPE' or 'TYPE' ['REASON']: the reason is the server's and may contain the
 * quote and the bracket that end it, so those are taken off from the right. */
static int parse_verification_failed(char *text, struct ovm_event *event)
{
	char *reason = strstr(text, "' ['");
	size_t length = strlen(text);

	if (*text != '\'' || length < 2)
		return -1;
	if (reason != NULL) {
		event->field[1] = reason + 4;
		if (length >= (size_t)(reason + 4 - text) + 2 && strcmp(text + length - 2, "']") == 0)
			text[length - 2] = '\0';
		*reason = '\0';
	} else if (text[length - 1] == '\'') {
		text[length - 1] = '\0';
	} else {
		return -1;
	}
	event->field[0] = text + 1;
	return 0;
}

static int parse_password(char *text, struct ovm_event *event)
{
	static const char failed[] = "Verification Failed: ";
	static const char token[] = "Auth-Token:";

	if (strncmp(text, failed, sizeof(failed) - 1) == 0) {
		event->kind = OVM_VERIFICATION_FAILED;
		return parse_verification_failed(text + sizeof(failed) - 1, event);
	}
	if (strncmp(text, token, sizeof(token) - 1) == 0) {
		event->kind = OVM_AUTH_TOKEN;
		return parse_text(text + sizeof(token) - 1, event);
	}
	return parse_need_password(text, event);
}

static int parse_fields(char *text, struct ovm_event *event)
{
	fields(text, 3, event);
	return 0;
}

static int parse_three(char *text, struct ovm_event *event)
{
	char *comma = strchr(text, ',');

	return comma != NULL && strchr(comma + 1, ',') != NULL ? parse_fields(text, event) : -1;
}

static int parse_proxy(char *text, struct ovm_event *event)
{
	char *rest = timed(text, event);

	if (rest == NULL || strchr(rest, ',') == NULL)
		return -1;
	fields(rest, 2, event);
	return 0;
}

static int parse_pkcs11_count(char *text, struct ovm_event *event)
{
	char *end;

	return number(text, &event->number, &end) == 0 && *end == '\0' ? 0 : -1;
}

/* 'i', ID:'...', BLOB:'...' or 'i' alone; the blob is base64, the id may hold anything. */
static int parse_pkcs11_entry(char *text, struct ovm_event *event)
{
	static const char id[] = "', ID:'", blob[] = "', BLOB:'";
	size_t length = strlen(text);
	char *end, *at, *next;

	if (*text != '\'' || number(text + 1, &event->number, &end) != 0 || text[length - 1] != '\'')
		return -1;
	if (strncmp(end, id, sizeof(id) - 1) == 0) {
		at = end + sizeof(id) - 1;
		event->field[1] = at;
		at = strstr(at, blob);
		if (at == NULL)
			return -1;
		while ((next = strstr(at + 1, blob)) != NULL)
			at = next;
		event->field[2] = at + sizeof(blob) - 1;
		*at = '\0';
	} else if (end[1] != '\0') {
		return -1;
	}
	text[length - 1] = '\0';
	*end = '\0';
	event->field[0] = text + 1;
	return 0;
}

/* "ENV,name=value" or "ENV,END": true if it was one, and the event is filled. */
static bool environment(char *text, enum ovm_kind variable, enum ovm_kind end, struct ovm_event *event)
{
	char *equals;

	if (strncmp(text, "ENV,", 4) != 0)
		return false;
	text += 4;
	event->kind = end;
	if (strcmp(text, "END") == 0)
		return true;
	event->kind = variable;
	event->field[0] = text;
	equals = strchr(text, '=');
	if (equals != NULL) {
		*equals = '\0';
		event->field[1] = equals + 1;
	}
	return true;
}

static int parse_updown(char *text, struct ovm_event *event)
{
	if (environment(text, OVM_UPDOWN_ENV, OVM_UPDOWN_END, event))
		return 0;
	if (strcmp(text, "UP") != 0 && strcmp(text, "DOWN") != 0)
		return -1;
	return parse_text(text, event);
}

/* WHAT,cid[,kid[,rest]], but ADDRESS,cid,address,primary */
static int parse_client(char *text, struct ovm_event *event)
{
	char *comma = strchr(text, ',');
	char *end;

	if (environment(text, OVM_CLIENT_ENV, OVM_CLIENT_END, event))
		return 0;
	if (comma == NULL || number(comma + 1, &event->number, &end) != 0 || (*end != '\0' && *end != ','))
		return -1;
	if (strncmp(text, "ADDRESS,", 8) != 0) {
		fields(text, 4, event);
		return 0;
	}
	fields(text, 3, event);
	event->field[3] = event->field[2];
	event->field[2] = "";
	return 0;
}

static const struct grammar {
	const char *name;
	enum ovm_kind kind;
	parse_fn *parse;
} grammars[] = {
    {"INFO", OVM_INFO, parse_info},
    {"HOLD", OVM_HOLD, parse_hold},
    {"STATE", OVM_STATE, parse_state},
    {"LOG", OVM_LOG, parse_log},
    {"ECHO", OVM_ECHO, parse_echo},
    {"BYTECOUNT", OVM_BYTECOUNT, parse_bytecount},
    {"BYTECOUNT_CLI", OVM_BYTECOUNT_CLIENT, parse_bytecount_client},
    {"PASSWORD", OVM_NEED, parse_password},
    {"NEED-OK", OVM_NEED_OK, parse_need_ok},
    {"NEED-STR", OVM_NEED_STRING, parse_need_string},
    {"NEED-CERTIFICATE", OVM_NEED_CERTIFICATE, parse_text},
    {"RSA_SIGN", OVM_RSA_SIGN, parse_text},
    {"PK_SIGN", OVM_PK_SIGN, parse_fields},
    {"PKCS11ID-COUNT", OVM_PKCS11_COUNT, parse_pkcs11_count},
    {"PKCS11ID-ENTRY", OVM_PKCS11_ENTRY, parse_pkcs11_entry},
    {"REMOTE", OVM_REMOTE, parse_three},
    {"PROXY", OVM_PROXY, parse_proxy},
    {"UPDOWN", OVM_UPDOWN, parse_updown},
    {"NOTIFY", OVM_NOTIFY, parse_three},
    {"INFOMSG", OVM_INFOMSG, parse_text},
    {"FATAL", OVM_FATAL, parse_text},
    {"CLIENT", OVM_CLIENT, parse_client},
};

static const struct grammar *grammar_of(const char *name)
{
	for (size_t i = 0; i < sizeof(grammars) / sizeof(grammars[0]); i++)
		if (strcmp(name, grammars[i].name) == 0)
			return &grammars[i];
	return NULL;
}

void ovm_notification(struct ovm_session *session, char *line)
{
	char *text = strchr(line, ':');
	const struct grammar *grammar;
	struct ovm_event event;

	if (text != NULL)
		*text++ = '\0';
	else
		text = line + strlen(line);
	grammar = grammar_of(line + 1);
	event = ovm_blank(grammar != NULL ? grammar->kind : OVM_UNKNOWN);
	if (grammar == NULL || grammar->parse(text, &event) != 0) {
		event = ovm_blank(OVM_UNKNOWN);
		event.field[0] = line + 1;
		event.field[1] = text;
	}
	if (event.kind == OVM_INFO)
		session->version = event.number > 0 && event.number < 1000 ? (int)event.number : 0;
	session->event(&event, session->argument);
}
