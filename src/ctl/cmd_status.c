/* portcullis status and watch: what the gate and the tunnel are doing. */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "os/host/clock.h"

enum { OPTION_JSON, OPTION_WAIT };
enum { ANSWER_PAUSE = 100 }; /* ms between two tries while nobody answers */

static const struct ctl_option watch_options[] = {
    [OPTION_JSON] = {"json", 0, NULL, false, "print a JSON object instead of text"},
};
static const struct ctl_option status_options[] = {
    [OPTION_JSON] = {"json", 0, NULL, false, "print a JSON object instead of text"},
    [OPTION_WAIT] = {"wait", 'w', "DURATION", false,
		     "wait until the gate is open or nothing more will happen"},
};

/* -1: go on; else the exit code. `seconds` is only set by a command that has --wait. */
static int read_options(struct ctl *ctl, bool *json, uint32_t *seconds)
{
	struct err e = {""};
	const char *value;
	int what;

	*json = false;
	while ((what = ctl_args_next(ctl, &value, &e)) == OPTION_JSON || what == OPTION_WAIT) {
		if (what == OPTION_JSON)
			*json = true;
		else if (text_duration(value, seconds) == -1)
			return ctl_fail(
			    ctl, "--wait=%s is not a duration; instead: a number followed by s, m, h or d",
			    value);
	}
	return what == CTL_ARGS_END ? -1 : ctl_args_stop(ctl, what, value, &e);
}

/* 0, or -1 when nobody reads any more. */
static int print_json(const json_t *object)
{
	return json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 && putchar('\n') != EOF &&
		       fflush(stdout) == 0
		   ? 0
		   : -1;
}

static void print_nothing(bool json, const char *reason)
{
	json_t *nothing = json ? show_nothing(reason) : NULL;

	if (nothing != NULL)
		(void)print_json(nothing);
	json_decref(nothing);
}

/* Nobody answers: with --json the object is printed all the same; the reason goes to stderr. */
static int no_answer(const struct ctl *ctl, enum client_result result, bool json, const struct err *e)
{
	bool absent = result == CLIENT_NO_DAEMON;

	print_nothing(json, absent ? NULL : e->text);
	if (!absent)
		return ctl_fail(ctl, "%s", e->text);
	return json ? CTL_NO_DAEMON : ctl_no_daemon(ctl);
}

static int print_status(const struct ctl *ctl, const json_t *status, bool json)
{
	char text[SHOW_SIZE];

	if (!json_is_string(json_object_get(status, "gate"))) {
		struct err e = {"the answer is not from portcullis; instead: name its socket with -s"};

		return no_answer(ctl, CLIENT_FAILED, json, &e);
	}
	if (json) {
		(void)print_json(status);
	} else {
		show_full(status, ctl_colour(), text, sizeof text);
		fputs(text, stdout);
	}
	return show_exit(status);
}

/* Open, or in a state that will not change by itself. */
static bool is_settled(const json_t *status)
{
	const char *gate = json_string_value(json_object_get(status, "gate"));
	const char *tunnel = json_string_value(json_object_get(status, "tunnel"));

	return gate == NULL || tunnel == NULL || show_exit(status) == CTL_OPEN ||
	       show_exit(status) == CTL_CLEAR || strcmp(tunnel, "stopped") == 0;
}

/* The first answer, tried for until `end`: at boot the daemon may not run yet. */
static enum client_result wait_answer(struct client *client, const char *socket, int64_t end, json_t **status,
				      struct err *e)
{
	enum client_result result;

	while (((result = client_command(client, socket, "watch", status, e)) == CLIENT_NO_DAEMON ||
		result == CLIENT_NO_DRIVER) &&
	       clock_steady_ms() < end)
		poll(NULL, 0, ANSWER_PAUSE);
	return result;
}

/* The latest status until `end`, across respawns of the driver. */
static json_t *wait_settled(struct client *client, const char *socket, json_t *status, int64_t end)
{
	json_t *next = NULL;
	int64_t left;
	enum client_result result = CLIENT_OK;
	struct err e = {""};

	while (result == CLIENT_OK && !is_settled(status) && (left = end - clock_steady_ms()) > 0) {
		result = client_next(client, left > INT_MAX ? INT_MAX : (int)left, &next, &e);
		if (result == CLIENT_CLOSED) {
			client_close(client);
			result = wait_answer(client, socket, end, &next, &e);
		}
		if (result != CLIENT_OK)
			break;
		json_decref(status);
		status = next;
	}
	return status;
}

static int run_status(struct ctl *ctl)
{
	static struct client client;
	json_t *status;
	enum client_result result;
	struct err e = {""};
	uint32_t seconds = 0;
	bool json;
	int code = read_options(ctl, &json, &seconds);
	int64_t end = clock_steady_ms() + (int64_t)seconds * 1000;

	if (code != -1)
		return code;
	result = seconds == 0 ? client_command(&client, ctl->socket, "status", &status, &e)
			      : wait_answer(&client, ctl->socket, end, &status, &e);
	if (result != CLIENT_OK)
		return no_answer(ctl, result, json, &e);
	if (seconds != 0)
		status = wait_settled(&client, ctl->socket, status, end);
	client_close(&client);
	code = print_status(ctl, status, json);
	json_decref(status);
	return code;
}

/* Prints one change. 0, or -1 when nobody reads any more. */
static int print_change(const json_t *status, bool json, bool colour)
{
	char text[SHOW_SIZE];

	if (json)
		return print_json(status);
	show_line(status, colour, text, sizeof text);
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? -1 : 0;
}

static int run_watch(struct ctl *ctl)
{
	static struct client client;
	json_t *status;
	enum client_result result;
	struct err e = {""};
	bool json, colour = ctl_colour();
	uint32_t none = 0;
	int code = read_options(ctl, &json, &none), printed = 0;

	if (code != -1)
		return code;
	do { /* a new connection for each life of the driver */
		result = client_command(&client, ctl->socket, "watch", &status, &e);
		while (result == CLIENT_OK && printed == 0) {
			printed = print_change(status, json, colour);
			json_decref(status);
			result = client_next(&client, -1, &status, &e);
			if (result != CLIENT_OK)
				client_close(&client);
		}
	} while (result == CLIENT_CLOSED && printed == 0);
	return printed == 0 ? no_answer(ctl, result, json, &e) : CTL_OPEN;
}

const struct ctl_command cmd_status = {
    "status",
    "",
    "what the gate and the tunnel are doing",
    "Prints what the gate and the tunnel are doing. Exit status: 0 open, 3 shut (locked or\n"
    "dialling), 4 no daemon, 5 paused or off, 6 unprotected, 1 error. --json prints one\n"
    "object in every case; unknown values are null. --wait prints once the gate is open, or once\nnothing "
    "more will happen by itself, or when DURATION has passed; it also waits for\nportcullisd.",
    status_options,
    sizeof status_options / sizeof *status_options,
    run_status,
};

const struct ctl_command cmd_watch = {
    "watch",
    "",
    "the same, live, one line for every change",
    "Prints a line now and for every change, until it is interrupted or portcullisd exits\n(exit status 4). "
    "--json prints one object per line.",
    watch_options,
    sizeof watch_options / sizeof *watch_options,
    run_watch,
};
