/* An example: prints the events of a daemon, and sends it commands one after another.
 *
 *   example -t FILE        FILE holds what a daemon said ("-": standard input)
 *   example COMMAND...     speaks on standard input and output (socat, inetd);
 *                          events go to standard error
 *
 * A COMMAND is sent when everything before it is answered; its words are split
 * at blanks. "@KIND" instead waits for an event ("@HOLD"). Ends behind the last
 * one or with the connection; 0 if all were answered with success. */
#include "openvpn-mgmt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 15, TEXT_MAX = 1024 };

struct example {
	FILE *to;
	bool seen[OVM_KINDS]; /* since the last command */
	bool greeted, failed;
};

static void print_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(to, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, to);
}

static void on_event(const struct ovm_event *event, void *argument)
{
	struct example *example = argument;
	const char *name = ovm_kind_name(event->kind);
	int last = event->kind == OVM_AUTH_TOKEN ? 0 : OVM_FIELDS; /* a secret isn't for a terminal */

	while (last > 0 && *event->field[last - 1] == '\0')
		last--;
	fprintf(example->to, "%s number=%" PRId64, name, event->number);
	if (event->kind == OVM_BYTECOUNT || event->kind == OVM_BYTECOUNT_CLIENT)
		fprintf(example->to, " in=%" PRIu64 " out=%" PRIu64, event->in, event->out);
	if (*event->command != '\0')
		fprintf(example->to, " %s (%s)", event->ok ? "ok" : "-", event->command);
	for (int i = 0; i < last; i++) {
		fputs(" |", example->to);
		print_text(example->to, event->field[i]);
	}
	fputc('\n', example->to);
	if (event->kind == OVM_INFO)
		example->greeted = true;
	if (event->kind == OVM_REPLY && !event->ok)
		example->failed = true;
	example->seen[event->kind] = true;
}

static int write_pending(struct ovm_session *session, int fd)
{
	size_t length;
	const void *bytes;

	while ((bytes = ovm_pending(session, &length)) != NULL) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0)
			return -1;
		ovm_sent(session, (size_t)written);
	}
	return 0;
}

static int send_command(struct ovm_session *session, const char *argument)
{
	char text[TEXT_MAX];
	const char *words[WORDS_MAX + 1] = {NULL};
	char *save = NULL;
	int count = 0;

	if (snprintf(text, sizeof(text), "%s", argument) >= (int)sizeof(text))
		return -1;
	for (char *word = strtok_r(text, " ", &save); word != NULL && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return ovm_command(session, words);
}

static bool seen(const struct example *example, const char *name)
{
	for (int kind = 0; kind < OVM_KINDS; kind++)
		if (example->seen[kind] && strcmp(ovm_kind_name((enum ovm_kind)kind), name) == 0)
			return true;
	return false;
}

/* Sends what is due; the arguments that are left. NULL: a command that can't be sent. */
static char **send_due(struct ovm_session *session, struct example *example, char **arguments)
{
	for (; *arguments != NULL && example->greeted && ovm_outstanding(session) == 0; arguments++) {
		if (**arguments == '@') {
			if (!seen(example, *arguments + 1))
				break;
			continue;
		}
		if (send_command(session, *arguments) != 0) {
			fprintf(stderr, "can't send: %s\n", *arguments);
			return NULL;
		}
		memset(example->seen, 0, sizeof(example->seen));
	}
	return arguments;
}

static int converse(struct ovm_session *session, struct example *example, char **arguments)
{
	char bytes[4096];

	for (;;) {
		ssize_t length;

		arguments = send_due(session, example, arguments);
		if (arguments == NULL || write_pending(session, STDOUT_FILENO) != 0)
			return -1;
		if (*arguments == NULL && ovm_outstanding(session) == 0)
			return example->failed ? -1 : 0;
		length = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (length <= 0 || ovm_feed(session, bytes, (size_t)length) != 0)
			return -1;
	}
}

static int print_file(struct ovm_session *session, const char *name)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	ssize_t length;
	int rc = fd < 0 ? -1 : 0;

	while (rc == 0 && (length = read(fd, bytes, sizeof(bytes))) > 0)
		rc = ovm_feed(session, bytes, (size_t)length);
	if (fd > STDIN_FILENO)
		close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	bool file = argc == 3 && strcmp(argv[1], "-t") == 0;
	struct example example = {.to = file ? stdout : stderr};
	struct ovm_session *session = ovm_new(on_event, &example);
	int rc;

	if (session == NULL)
		return 1;
	if (argc < 2 || (argv[1][0] == '-' && !file)) {
		fprintf(stderr, "usage: %s -t FILE | COMMAND...\n", argv[0]);
		ovm_free(session);
		return 2;
	}
	rc = file ? print_file(session, argv[2]) : converse(session, &example, argv + 1);
	ovm_free(session);
	return rc == 0 ? 0 : 1;
}
