/* portcullis log: prints the end of the log, and with -f what is added to it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/show.h"

enum { OPTION_FOLLOW, OPTION_LINES };
enum { LINES_DEFAULT = 50, LINES_MAX = 10000 };

static const struct ctl_option options[] = {
    [OPTION_FOLLOW] = {"follow", 'f', NULL, false, "print lines as they are added, until interrupted"},
    [OPTION_LINES] = {"lines", 'n', "N", false, "the last N lines (default 50, at most 10000)"},
};

/* Prints the lines that one connection delivers. */
static enum client_result print_lines(struct client *client, json_t *object, bool follow, struct err *e)
{
	enum client_result result = CLIENT_OK;
	char text[SHOW_SIZE];

	while (result == CLIENT_OK) {
		const char *line = json_string_value(json_object_get(object, "line"));
		bool end = json_is_true(json_object_get(object, "end"));

		if (line != NULL) {
			show_log(line, text, sizeof text);
			puts(text);
		}
		json_decref(object);
		if (end && !follow)
			return CLIENT_OK;
		if (fflush(stdout) == EOF)
			return CLIENT_OK; /* nobody reads any more */
		result = client_next(client, follow ? -1 : CLIENT_PATIENCE, &object, e);
	}
	return result;
}

static int print_log(const struct ctl *ctl, uint64_t lines, bool follow)
{
	static struct client client;
	json_t *question, *answer;
	enum client_result result;
	struct err e = {""};

	do {
		question = json_pack("{s:s, s:I, s:b}", "command", "log", "lines", (json_int_t)lines,
				     "follow", (int)follow);
		result = client_request(&client, ctl->socket, question, &answer, &e);
		json_decref(question);
		if (result != CLIENT_OK)
			break;
		result = print_lines(&client, answer, follow, &e);
		client_close(&client);
		lines = 0; /* the rest after a respawn of the driver */
	} while (result == CLIENT_CLOSED && follow);
	if (result == CLIENT_NO_DAEMON) {
		ctl_fail(ctl,
			 "no portcullisd answers at %s; instead: read the file, " CTL_LOG_FILE
			 " unless log.file says otherwise",
			 ctl->socket);
		return CTL_NO_DAEMON;
	}
	if (result == CLIENT_CLOSED || result == CLIENT_LATE)
		err_set(&e, "the log is incomplete; instead: try again");
	return result == CLIENT_OK ? 0 : ctl_fail(ctl, "%s", e.text);
}

static int run_log(struct ctl *ctl)
{
	uint64_t lines = LINES_DEFAULT;
	struct err e = {""};
	bool follow = false;
	const char *value;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) >= 0) {
		if (what == OPTION_FOLLOW)
			follow = true;
		else if (text_number(value, 0, LINES_MAX, &lines) == -1)
			return ctl_fail(ctl, "-n %s is not a number of lines; instead: 0 to %d", value,
					LINES_MAX);
	}
	return what != CTL_ARGS_END ? ctl_args_stop(ctl, what, value, &e) : print_log(ctl, lines, follow);
}

const struct ctl_command cmd_log = {
    "log",
    "",
    "the last lines of the log",
    "Prints the last lines of the log, and with -f lines as they are added. Needs portcullisd.",
    options,
    sizeof options / sizeof *options,
    run_log,
};
