/* channel: notes to the driver. */
#include "gate/channel.h"
#include "gate/gate.h"
#include "gate/seen.h"

#include <sys/socket.h>

#include "base/secret.h"
#include "base/text.h"

static void fill_hello(const struct gate *gate, struct wire_hello *hello)
{
	const struct config *config = &gate->config;

	text_copy(hello->gate_version, sizeof hello->gate_version, PORTCULLIS_VERSION);
	text_copy(hello->profile_name, sizeof hello->profile_name, config->profile);
	text_copy(hello->interface, sizeof hello->interface, config->interface);
	text_copy(hello->username, sizeof hello->username, config->username);
	hello->totp_use = config->totp_file[0] != '\0' ? config->totp_use : TOTP_NONE;
	hello->boot_locked_at = gate->boot_locked_at;
	hello->control_gid = (int32_t)config->control_gid;
	hello->log_level = config->log_level;
	hello->log_size = config->log_size;
	hello->asks = names_can_ask(gate);
}

static void send_notice(struct gate *gate, enum wire_note note, enum wire_intent up, const char *text,
			const char *answer, const struct wire_name *name)
{
	struct wire_note_message message = {.version = WIRE_VERSION, .note = note, .gate = gate_shown(gate)};
	bool runs = gate->state.actual == ACTUAL_DIALLING || gate->state.actual == ACTUAL_OPEN;

	if (gate->driver.pid == 0)
		return;
	message.intent = gate_may_dial(gate->state) ? up : INTENT_DOWN;
	message.pid = gate->attempt.pid;
	message.leaving = message.pid != 0 && !runs;
	message.until = gate->pause_until;
	text_copy(message.text, sizeof message.text, text);
	text_copy(message.notice, sizeof message.notice,
		  gate->notice[0] != '\0'        ? gate->notice
		  : gate->portal[0] != '\0'      ? gate->portal
		  : gate->unconfirmed[0] != '\0' ? gate->unconfirmed
		  : gate->refused[0] != '\0'     ? gate->refused
		  : gate->redirect[0] != '\0'    ? gate->redirect
						 : gate->proof.notice);
	if (message.notice[0] == '\0')
		seen_notice(gate, message.notice, sizeof message.notice);
	message.blocked = gate->blocked;
	text_copy(message.answer, sizeof message.answer, answer);
	if (name != NULL)
		message.name = *name;
	if (note == NOTE_HELLO)
		ways_look(gate); /* of the profile that this driver has */
	message.way = gate->ways.now;
	message.slept = gate->ways.slept;
	if (note == NOTE_HELLO)
		fill_hello(gate, &message.hello);
	/* A driver that no longer reads is as good as dead: the event loop sees the closed channel and
	 * ends it. */
	if (send(gate->driver.channel, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)sizeof message) {
		log_error("gate", "the driver accepts no messages: it is ended");
		shutdown(gate->driver.channel, SHUT_RDWR);
	}
	secret_wipe_bytes(message.answer, sizeof message.answer);
}

void channel_notify(struct gate *gate, enum wire_note note, const char *text)
{
	send_notice(gate, note, INTENT_UP, text, "", NULL);
}

void channel_reconnect(struct gate *gate, const char *why)
{
	send_notice(gate, NOTE_INTENT, INTENT_RECONNECT, why, "", NULL);
}

void channel_answer(struct gate *gate, const char *answer)
{
	send_notice(gate, NOTE_ANSWER, INTENT_UP, "", answer, NULL);
}

void channel_name(struct gate *gate, const struct wire_name *name)
{
	send_notice(gate, NOTE_NAME, INTENT_UP, "", "", name);
}
