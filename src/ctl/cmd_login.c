/* portcullis login: a person's answer to what the server asks. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/shown.h"
#include "ctl/client.h"
#include "ctl/cmd_admin.h"
#include "ctl/ctl.h"

/* What the server wants of a person. */
struct asked {
	char question[1024], url[1024]; /* as they may be shown; "": none */
};

/* Only that a read ends early. */
static void interrupt(int number)
{
	(void)number;
}

/* A line of standard input without its end. 0, or -1: none, or it is too long. */
static int read_line(char *to, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while (used < size && (got = read(STDIN_FILENO, to + used, 1)) == 1 && to[used] != '\n')
		used++;
	if (used == size || (used == 0 && got != 1))
		return -1;
	if (used > 0 && to[used - 1] == '\r')
		used--;
	to[used] = '\0';
	return 0;
}

/* The same from a terminal, which does not show what is typed. A signal gives the terminal back first. */
static int read_hidden(char *to, size_t size)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	const struct sigaction ends = {.sa_handler = interrupt};
	struct termios before, hidden;
	int result;

	if (tcgetattr(STDIN_FILENO, &before) == -1)
		return read_line(to, size);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaction(signals[i], &ends, NULL);
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	result = read_line(to, size);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return result;
}

static void keep(const json_t *status, const char *key, char *to, size_t size)
{
	const char *value = json_string_value(json_object_get(status, key));

	shown(to, size, value != NULL ? value : "");
}

/* -1: go on; else the exit code. */
static int find_question(const struct ctl *ctl, struct asked *asked)
{
	static struct client client;
	json_t *status = NULL;
	struct err e = {""};
	enum client_result result = client_command(&client, ctl->socket, "status", &status, &e);

	if (result == CLIENT_NO_DAEMON)
		return ctl_no_daemon(ctl);
	if (result != CLIENT_OK)
		return ctl_fail(ctl, "%s", e.text);
	client_close(&client);
	keep(status, "question", asked->question, sizeof asked->question);
	keep(status, "url", asked->url, sizeof asked->url);
	json_decref(status);
	return -1;
}

static int run_login(struct ctl *ctl)
{
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_LOGIN};
	static struct asked asked;
	struct err e = {""};
	const char *value;
	int what = ctl_args_next(ctl, &value, &e), code;

	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if ((code = find_question(ctl, &asked)) != -1)
		return code;
	if (asked.url[0] != '\0')
		fprintf(stderr, "The server waits for you at this address; open it on any device:\n%s\n",
			asked.url);
	if (asked.question[0] == '\0' && asked.url[0] != '\0')
		return 0;
	if (asked.question[0] == '\0')
		return ctl_fail(ctl, "the server asks nothing at present; instead: portcullis status");
	fprintf(stderr, "The server asks: %s\nanswer: ", asked.question);
	code = read_hidden(request.answer, sizeof request.answer) == -1 || request.answer[0] == '\0'
		   ? ctl_fail(ctl, "there is no answer, or it is longer than %d bytes", WIRE_ANSWER - 1)
		   : ctl_admin_request(ctl, &request);
	secret_wipe_bytes(&request, sizeof request);
	return code;
}

const struct ctl_command cmd_login = {
    "login",
    "",
    "answer what the server asks, such as a code; root only",
    "Shows the question that the server asks, and the address that it wants to be\n"
    "opened. Reads the answer from the terminal, which does not show it, or from\n"
    "standard input, and passes it on. Then the VPN comes up.",
    NULL,
    0,
    run_login,
};
