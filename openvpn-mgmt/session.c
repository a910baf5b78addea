/* A session: bytes of any split into lines, and each line to where it belongs. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

static const char password_prompt[] = "ENTER PASSWORD:";

struct ovm_session *ovm_new(ovm_event_fn *event, void *argument)
{
	struct ovm_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->event = event;
	session->argument = argument;
	return session;
}

void ovm_free(struct ovm_session *session)
{
	if (session == NULL)
		return;
	ovm_forget_all(session);
	if (session->out != NULL)
		ovm_wipe(session->out, session->out_size);
	free(session->out);
	ovm_wipe(session, sizeof(*session));
	free(session);
}

static void notification(struct ovm_session *session, char *line)
{
	bool pkcs11 = strncmp(line, ">PKCS11ID-", 10) == 0;

	if (strncmp(line, ">INFO:", 6) == 0)
		session->greeted = true;
	ovm_notification(session, line);
	if (pkcs11)
		ovm_reply_pkcs11(session);
}

static void dispatch(struct ovm_session *session, char *line)
{
	if (*line == '>')
		notification(session, line);
	else if (session->greeted || session->prompted)
		ovm_reply_line(session, line);
	else
		session->broken = true;
}

static void end_line(struct ovm_session *session)
{
	size_t length = session->length;
	char *nul = session->line;

	if (!session->skipping) {
		if (length > 0 && session->line[length - 1] == '\r')
			length--;
		while ((nul = memchr(nul, '\0', length - (size_t)(nul - session->line))) != NULL)
			*nul = '?'; /* or the rest of the line would be invisible */
		session->line[length] = '\0';
		dispatch(session, session->line);
	}
	ovm_wipe(session->line, session->length);
	session->length = 0;
	session->skipping = false;
}

/* A verdict still ends its command, or every later reply would be taken for the one before. */
static void overlong(struct ovm_session *session)
{
	struct ovm_event event = ovm_blank(OVM_OVERLONG);

	session->skipping = true;
	event.number = OVM_LINE_MAX + 1;
	session->event(&event, session->argument);
	if (!session->greeted && !session->prompted && session->line[0] != '>')
		session->broken = true;
	session->line[OVM_LINE_MAX] = '\0';
	if (!session->broken && ovm_verdict(session->line))
		ovm_reply_line(session, session->line[0] == 'S' ? "SUCCESS:" : "ERROR:");
}

static void add(struct ovm_session *session, const char *bytes, size_t length)
{
	size_t room = OVM_LINE_MAX - session->length;
	size_t taken = length < room ? length : room;

	if (session->skipping)
		return;
	memcpy(session->line + session->length, bytes, taken);
	session->length += taken;
	if (taken < length)
		overlong(session);
}

/* The only output without a line end. Only before the greeting: later it can only be text of the server. */
static void look_for_prompt(struct ovm_session *session)
{
	struct ovm_event event = ovm_blank(OVM_PASSWORD_PROMPT);

	if (session->length != sizeof(password_prompt) - 1 ||
	    memcmp(session->line, password_prompt, session->length) != 0)
		return;
	session->length = 0;
	if (session->prompted)
		ovm_reply_prompt(session);
	session->prompted = true;
	session->event(&event, session->argument);
}

int ovm_feed(struct ovm_session *session, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length > 0 && !session->broken) {
		size_t window = session->greeted ? length : 1;
		const char *newline = memchr(at, '\n', window);
		size_t taken = newline != NULL ? (size_t)(newline - at) : window;

		add(session, at, taken);
		if (newline != NULL) {
			end_line(session);
			taken++;
		} else if (!session->greeted) {
			look_for_prompt(session);
		}
		at += taken;
		length -= taken;
	}
	return session->broken ? -1 : 0;
}
