/* The PIN of a token: given to it once, and what came of it kept. */
#include "driver/key/pin.h"

#include <string.h>

#include "driver/login/kept.h"

/* A power cut may come before the answer. A token that locks itself does so after three wrong ones, or more.
 */
enum { UNANSWERED = 2 };

int pin_read(struct pin *pin, int file, int note, const char *uri, struct err *e)
{
	const int files[] = {file, -1};

	memset(pin, 0, sizeof *pin);
	pin->note = note;
	pin->identity = kept_identity(files, uri, "", 0);
	return credentials_passphrase(file, &pin->credentials, e) == -1 ? -1 : 0;
}

void pin_forget(struct pin *pin)
{
	credentials_wipe(&pin->credentials);
}

/* Notes that it is given, before it is: whatever happens then, it has been counted. */
static bool note_giving(struct pin *pin)
{
	struct kept kept;

	pin->held = kept_load(pin->note, pin->identity, &kept) &&
		    (kept.stopped != 0 || kept.refusals.total >= UNANSWERED);
	if (pin->held)
		return false;
	kept.refusals.total++;
	kept_save(pin->note, pin->identity, &kept);
	pin->unkept = !kept_load(pin->note, pin->identity, &kept);
	return !pin->unkept;
}

void pin_outcome(const struct pin *pin, bool taken)
{
	struct kept kept = {.stopped = !taken};

	kept.refusals.total = taken ? 0 : 1;
	kept_save(pin->note, pin->identity, &kept);
}

static int answer(UI *ui, UI_STRING *question)
{
	struct pin *pin = UI_get0_user_data(ui);
	const struct secret *secret;

	if (UI_get_string_type(question) != UIT_PROMPT)
		return 1; /* a remark */
	if (pin == NULL)
		return 0;
	pin->asked = true;
	secret = &pin->credentials.passphrase;
	if (secret->length == 0 || pin->given || !note_giving(pin))
		return 0;
	pin->given = true;
	return UI_set_result(ui, question, secret->bytes) == 0;
}

static int say_nothing(UI *ui, UI_STRING *text)
{
	(void)ui, (void)text;
	return 1;
}

UI_METHOD *pin_method(void)
{
	UI_METHOD *method = UI_create_method("PIN");

	if (method != NULL && UI_method_set_reader(method, answer) == 0 &&
	    UI_method_set_writer(method, say_nothing) == 0)
		return method;
	UI_destroy_method(method);
	return NULL;
}
