/* Replies: the commands in the order sent, and which of them a line answers. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static bool success(const char *line)
{
	return begins(line, "SUCCESS:");
}

static bool error(const char *line)
{
	return begins(line, "ERROR:");
}

bool ovm_verdict(const char *line)
{
	return success(line) || error(line);
}

/* Behind "SUCCESS: " or "ERROR: ". */
static const char *verdict_text(const char *line)
{
	const char *text = strchr(line, ':') + 1;

	return *text == ' ' ? text + 1 : text;
}

int ovm_expect(struct ovm_session *session, const struct ovm_expected *expected)
{
	struct ovm_expected *entry;

	if (expected->parts == 0)
		return 0;
	if (session->expected == OVM_OUTSTANDING_MAX)
		return -1;
	entry = malloc(sizeof(*entry));
	if (entry == NULL)
		return -1;
	*entry = *expected;
	entry->next = NULL;
	if (session->last != NULL)
		session->last->next = entry;
	else
		session->first = entry;
	session->last = entry;
	session->expected++;
	return 0;
}

static void unlink_entry(struct ovm_session *session, struct ovm_expected *entry)
{
	struct ovm_expected *before = NULL;

	for (struct ovm_expected *at = session->first; at != entry; at = at->next)
		before = at;
	if (before != NULL)
		before->next = entry->next;
	else
		session->first = entry->next;
	if (session->last == entry)
		session->last = before;
	session->expected--;
}

void ovm_forget_all(struct ovm_session *session)
{
	while (session->first != NULL) {
		struct ovm_expected *entry = session->first;

		unlink_entry(session, entry);
		ovm_wipe(entry, sizeof(*entry));
		free(entry);
	}
}

size_t ovm_outstanding(const struct ovm_session *session)
{
	size_t certain = 0;

	for (const struct ovm_expected *entry = session->first; entry != NULL; entry = entry->next)
		certain += entry->part[entry->done] != OVM_MAYBE;
	return certain;
}

/* The errors by which the daemon refuses a block before it reads any of its
 * lines: each line is then a command of its own, and answered. */
static bool refused_at_once(const char *text)
{
	static const char *const texts[] = {
	    "not currently available", "cannot parse ",       "requires ",
	    "unknown command",         "is currently needed", "but we need one of type"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strstr(text, texts[i]) != NULL)
			return true;
	return false;
}

static void end_part(struct ovm_session *session, struct ovm_expected *entry, bool ok, const char *text)
{
	struct ovm_event event = ovm_blank(OVM_REPLY);

	entry->failed |= !ok;
	entry->listing = false;
	if (++entry->done < entry->parts)
		return;
	/* before the event: its function may send the next command */
	unlink_entry(session, entry);
	if (entry->following > 0 && !ok && refused_at_once(text))
		session->stray = entry->following;
	event.command = entry->command;
	event.ok = !entry->failed;
	event.field[0] = text;
	session->event(&event, session->argument);
	ovm_wipe(entry, sizeof(*entry));
	free(entry);
}

static void reply_line(struct ovm_session *session, struct ovm_expected *entry, const char *text)
{
	struct ovm_event event = ovm_blank(OVM_REPLY_LINE);

	entry->listing = true;
	event.command = entry->command;
	event.field[0] = text;
	session->event(&event, session->argument);
}

static void take_one(struct ovm_session *session, struct ovm_expected *entry, const char *line)
{
	if (ovm_verdict(line))
		end_part(session, entry, success(line), verdict_text(line));
	else
		ovm_emit_noise(session, line);
}

static void take_list(struct ovm_session *session, struct ovm_expected *entry, const char *line)
{
	if (!entry->listing && error(line))
		end_part(session, entry, false, verdict_text(line));
	else if (strcmp(line, "END") == 0)
		end_part(session, entry, true, "");
	else
		reply_line(session, entry, line);
}

static void take_counted(struct ovm_session *session, struct ovm_expected *entry, const char *line)
{
	if (!entry->listing && error(line)) {
		end_part(session, entry, false, verdict_text(line));
		return;
	}
	reply_line(session, entry, line);
	if (--entry->lines == 0)
		end_part(session, entry, true, "");
}

/* "n client(s) updated" or what went wrong, then the verdict; a refusal is alone. */
static void take_update(struct ovm_session *session, struct ovm_expected *entry, const char *line)
{
	bool first = success(line) ? strstr(line, "push-update command") == NULL
				   : strstr(line, "no client updated") != NULL ||
					 strstr(line, "cannot parse CID") != NULL;

	if (ovm_verdict(line) && first && !entry->listing)
		reply_line(session, entry, verdict_text(line));
	else
		take_one(session, entry, line);
}

/* Commands whose reply may come behind replies of later ones: while they wait
 * the daemon serves the interface (a token's PIN is asked inside pkcs11-id-count;
 * a signature is reported when the handshake takes it). */
static bool fits(const struct ovm_expected *entry, const char *line)
{
	switch (entry->part[entry->done]) {
	case OVM_PKCS11:
		return error(line) &&
		       (strstr(line, "pkcs11") != NULL || strstr(line, "unknown command") != NULL);
	case OVM_SIGNATURE:
		return ovm_verdict(line) &&
		       (strstr(line, "pk-sig") != NULL || strstr(line, "rsa-sig") != NULL ||
			strstr(line, "certificate") != NULL || strstr(line, "unknown command") != NULL);
	default:
		return true;
	}
}

/* Also drops a `version N` that this line shows to be unanswered. */
static struct ovm_expected *addressee(struct ovm_session *session, const char *line)
{
	struct ovm_expected *next;

	for (struct ovm_expected *entry = session->first; entry != NULL; entry = next) {
		next = entry->next;
		if (entry->part[entry->done] == OVM_MAYBE &&
		    strstr(line, "anagement client version") == NULL) {
			unlink_entry(session, entry);
			free(entry);
		} else if (next == NULL || fits(entry, line)) {
			return entry;
		}
	}
	return NULL;
}

/* True: an answer to a line of a refused block. Its text is not passed on: 2.7
 * repeats the line in it, and that may be a piece of a password. */
static bool stray(struct ovm_session *session, const char *line)
{
	if (session->stray == 0)
		return false;
	if (!begins(line, "ERROR: unknown command") && !begins(line, "ERROR: Options ")) {
		session->stray = 0;
		return false;
	}
	session->stray--;
	ovm_emit_noise(session, "ERROR: unknown command");
	return true;
}

void ovm_reply_line(struct ovm_session *session, const char *line)
{
	struct ovm_expected *entry;

	if (stray(session, line))
		return;
	entry = addressee(session, line);
	if (entry == NULL) {
		ovm_emit_noise(session, line);
		return;
	}
	switch (entry->part[entry->done]) {
	case OVM_LIST:
		take_list(session, entry, line);
		break;
	case OVM_COUNTED:
		take_counted(session, entry, line);
		break;
	case OVM_UPDATE:
		take_update(session, entry, line);
		break;
	case OVM_PKCS11:
		/* a SUCCESS: isn't its own */
		if (success(line)) {
			ovm_emit_noise(session, line);
			break;
		}
		take_one(session, entry, line);
		break;
	case OVM_ONE:
	case OVM_MAYBE:
	case OVM_SIGNATURE:
		take_one(session, entry, line);
		break;
	}
}

/* A wrong password isn't answered but asked again; whatever was sent first was taken for it. */
void ovm_reply_prompt(struct ovm_session *session)
{
	struct ovm_expected *entry = session->first;

	if (entry == NULL)
		return;
	entry->parts = entry->done + 1;
	entry->following = 0;
	end_part(session, entry, false, "");
}

void ovm_reply_pkcs11(struct ovm_session *session)
{
	for (struct ovm_expected *entry = session->first; entry != NULL; entry = entry->next)
		if (entry->part[entry->done] == OVM_PKCS11) {
			end_part(session, entry, true, "");
			return;
		}
}
