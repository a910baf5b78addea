/* Any bytes from a daemon, split anywhere, with commands in between: no crash, bounded memory, complete
 * events. */
#include "openvpn-mgmt/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct ovm_session *session;
	unsigned answers;
	size_t seen;
};

static const char *const words[][4] = {
    {"pid"},
    {"state", "on", "all"},
    {"version", "5"},
    {"pkcs11-id-count"},
    {"log", "all"},
    {"test", "3"},
    {"password", "Auth", "x\"y\\z"},
    {"push-update-broad", "x"},
};

static const char *const block[] = {"pk-sig", NULL};
static const char *const lines[] = {"QUJD", "", NULL};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void send(struct fuzz *fuzz, unsigned which)
{
	which %= sizeof(words) / sizeof(words[0]) + 2;
	if (which < sizeof(words) / sizeof(words[0]))
		(void)ovm_command(fuzz->session, words[which]);
	else if (which == sizeof(words) / sizeof(words[0]))
		(void)ovm_command_lines(fuzz->session, block, lines);
	else
		(void)ovm_login(fuzz->session, "pass word");
}

/* Reads every byte of the event, so that a dangling field shows. */
static void on_event(const struct ovm_event *event, void *argument)
{
	struct fuzz *fuzz = argument;

	check((unsigned)event->kind < OVM_KINDS && event->command != NULL);
	fuzz->seen += strlen(event->command);
	for (int i = 0; i < OVM_FIELDS; i++) {
		check(event->field[i] != NULL && strlen(event->field[i]) <= OVM_LINE_MAX);
		fuzz->seen += strlen(event->field[i]);
	}
	if (fuzz->answers > 0)
		send(fuzz, (unsigned)event->kind + --fuzz->answers);
	for (int i = 0; i < OVM_FIELDS; i++)
		fuzz->seen += strlen(event->field[i]);
}

static void feed(struct fuzz *fuzz, const uint8_t *data, size_t size, unsigned pattern)
{
	while (size > 0) {
		size_t piece = pattern == 0 ? size : 1 + (pattern * size) % (pattern + 1);
		size_t waiting;

		piece = piece < size ? piece : size;
		if (ovm_feed(fuzz->session, data, piece) != 0)
			return;
		data += piece;
		size -= piece;
		(void)ovm_pending(fuzz->session, &waiting);
		check(waiting <= OVM_OUT_MAX && ovm_outstanding(fuzz->session) <= OVM_OUTSTANDING_MAX);
		ovm_sent(fuzz->session, pattern);
	}
}

/* First byte: the split and whether a greeting comes first; second: which commands wait. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char greeting[] = ">INFO:OpenVPN Management Interface Version 5 -- type 'help'\r\n";
	struct fuzz fuzz = {.answers = 400};

	if (size < 2)
		return 0;
	fuzz.session = ovm_new(on_event, &fuzz);
	if (fuzz.session == NULL)
		return 0;
	if ((data[0] & 0x80) == 0)
		(void)ovm_feed(fuzz.session, greeting, sizeof(greeting) - 1);
	for (unsigned i = 0; i < (data[1] & 7u); i++)
		send(&fuzz, data[1] / 8u + i * 3u);
	feed(&fuzz, data + 2, size - 2, data[0] & 0x7fu);
	ovm_free(fuzz.session);
	return 0;
}
