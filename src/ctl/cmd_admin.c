/* portcullis up, down, reconnect, pause, resume, reload: what root asks of the gate. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "base/wire_admin.h"
#include "ctl/client.h"
#include "ctl/cmd_admin.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "os/host/clock.h"

enum {
	ANSWER_TIMEOUT = 3000,  /* ms; the gate answers within 1 s unless it is stopped, */
	RELOAD_TIMEOUT = 10000, /* and has a profile vetted within 5 s */
	SETTLE_SECONDS = 5      /* openvpn has 1.5 s to leave */
};

enum { OPTION_WAIT };

static const struct ctl_option wait_options[] = {
    [OPTION_WAIT] = {"wait", 'w', "DURATION", true,
		     "return when it is complete, or after DURATION (exit status 1)"},
};

struct waiting {
	bool wanted;
	uint32_t seconds; /* 0: for ever */
	struct client client;
};

static int exchange(int fd, const struct wire_admin_request *request, struct wire_admin_answer *answer,
		    struct err *e)
{
	ssize_t got;

	if (send(fd, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
		got = 0;
	else
		got = recv(fd, answer, sizeof *answer, MSG_WAITALL);
	if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, "portcullisd is running, but does not answer; instead: see its log; or, to "
				  "open the gate: portcullis off --offline");
	if (got >= (ssize_t)sizeof answer->version && answer->version != WIRE_VERSION)
		return err_set(e,
			       "portcullis and portcullisd are of different versions; instead: install both "
			       "together and restart portcullisd");
	if (got != (ssize_t)sizeof *answer && geteuid() != 0)
		return err_set(e, "only root may do this; instead: sudo portcullis");
	if (got != (ssize_t)sizeof *answer)
		return err_set(e, "portcullisd closed the connection; instead: see its log");
	answer->text[sizeof answer->text - 1] = '\0';
	return answer->refused != 0 ? err_set(e, "%s", answer->text) : 0;
}

int ctl_admin_ask(const struct ctl *ctl, const struct wire_admin_request *request,
		  struct wire_admin_answer *answer)
{
	struct err e = {""};
	char path[256];
	enum client_result result;
	int fd, exchanged;

	if (client_beside(ctl->socket, "gate.sock", path, sizeof path, &e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	result =
	    client_connect(path, request->verb == ADMIN_RELOAD ? RELOAD_TIMEOUT : ANSWER_TIMEOUT, &fd, &e);
	if (result == CLIENT_NO_DAEMON)
		return ctl_no_daemon(ctl);
	if (result != CLIENT_OK && geteuid() != 0)
		return ctl_fail(ctl, "only root may do this; instead: sudo portcullis %s",
				ctl->command->name);
	if (result != CLIENT_OK)
		return ctl_fail(ctl, "%s", e.text);
	exchanged = exchange(fd, request, answer, &e);
	close(fd);
	return exchanged == -1 ? ctl_fail(ctl, "%s", e.text) : 0;
}

int ctl_admin_request(const struct ctl *ctl, const struct wire_admin_request *request)
{
	struct wire_admin_answer answer = {0};
	char text[sizeof answer.text * 4];
	int code = ctl_admin_ask(ctl, request, &answer);

	if (code != 0)
		return code;
	shown(text, sizeof text, answer.text);
	printf("%s: accepted; the gate is %s%s%s%s\n", ctl->command->name, wire_gate_word(answer.gate),
	       text[0] != '\0' ? " (" : "", text, text[0] != '\0' ? ")" : "");
	return 0;
}

/* -1: go on; else the exit code. */
static int read_wait_option(struct ctl *ctl, struct waiting *waiting)
{
	struct err e = {""};
	const char *value;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) == OPTION_WAIT) {
		waiting->wanted = true;
		if (value != NULL && text_duration(value, &waiting->seconds) == -1)
			return ctl_fail(
			    ctl, "--wait=%s is not a duration; instead: a number followed by s, m, h or d",
			    value);
	}
	return what == CTL_ARGS_END ? -1 : ctl_args_stop(ctl, what, value, &e);
}

static bool has_word(const json_t *status, const char *key, const char *word)
{
	const char *value = json_string_value(json_object_get(status, key));

	return value != NULL && strcmp(value, word) == 0;
}

int ctl_admin_done(uint32_t verb, const json_t *status, bool left)
{
	if (verb == ADMIN_PAUSE || verb == ADMIN_OFF)
		return has_word(status, "gate", verb == ADMIN_OFF ? "off" : "paused") ? 0 : -1;
	if (has_word(status, "gate", "unprotected"))
		return CTL_UNPROTECTED;
	if (verb == ADMIN_DOWN)
		return has_word(status, "gate", "locked") && has_word(status, "tunnel", "down") ? 0 : -1;
	if (has_word(status, "gate", "open"))
		return verb == ADMIN_UP || left ? 0 : -1;
	/* Bad credentials: nothing more will happen by itself. */
	return left && has_word(status, "tunnel", "stopped") ? CTL_SHUT : -1;
}

static int print_outcome(const json_t *status, int code)
{
	char text[SHOW_SIZE];

	show_line(status, ctl_colour(), text, sizeof text);
	fputs(text, code == 0 ? stdout : stderr);
	return code;
}

/* Is this a status in which no wait ends? */
static bool is_between(const json_t *status)
{
	return !has_word(status, "gate", "open") && !has_word(status, "tunnel", "stopped");
}

/* The next status; after a respawn of the driver from a new connection. */
static enum client_result next_status(const struct ctl *ctl, struct client *client, int64_t deadline,
				      json_t **status, struct err *e)
{
	int64_t now = clock_steady_ms(), patience = deadline == -1 ? -1 : deadline > now ? deadline - now : 0;
	enum client_result result =
	    client_next(client, patience > INT_MAX ? INT_MAX : (int)patience, status, e);

	if (result != CLIENT_CLOSED)
		return result;
	client_close(client);
	return client_command(client, ctl->socket, "watch", status, e);
}

/* `status` is from before the request. Where it already shows the state that is asked for,
 * only a change since then counts. Frees `status`. */
static int wait_done(const struct ctl *ctl, struct waiting *waiting, uint32_t verb, json_t *status)
{
	int64_t deadline = waiting->seconds == 0 ? -1 : clock_steady_ms() + (int64_t)waiting->seconds * 1000;
	enum client_result result = CLIENT_OK;
	struct err e = {""};
	bool left = is_between(status);
	int code = verb == ADMIN_RECONNECT ? -1 : ctl_admin_done(verb, status, left);

	while (code == -1) {
		json_decref(status);
		status = NULL;
		if ((result = next_status(ctl, &waiting->client, deadline, &status, &e)) != CLIENT_OK)
			break;
		left = left || is_between(status);
		code = ctl_admin_done(verb, status, left);
	}
	if (result == CLIENT_OK)
		code = print_outcome(status, code);
	else if (result == CLIENT_NO_DAEMON)
		code = ctl_no_daemon(ctl);
	else if (result == CLIENT_LATE)
		code = ctl_fail(ctl, "accepted, but not complete in the given time");
	else
		code = ctl_fail(ctl, "%s", e.text);
	json_decref(status);
	return code;
}

/* The verbs that have --wait. Watching begins before the request, so that no change
 * is missed. */
static int run_waiting(struct ctl *ctl, uint32_t verb)
{
	const struct wire_admin_request request = {.version = WIRE_VERSION, .verb = verb};
	static struct waiting waiting;
	json_t *status = NULL;
	enum client_result result;
	struct err e = {""};
	int code = read_wait_option(ctl, &waiting);

	if (code != -1)
		return code;
	if (!waiting.wanted)
		return ctl_admin_request(ctl, &request);
	result = client_command(&waiting.client, ctl->socket, "watch", &status, &e);
	if (result == CLIENT_NO_DAEMON)
		return ctl_no_daemon(ctl);
	if (result != CLIENT_OK)
		return ctl_fail(ctl, "%s", e.text);
	code = ctl_admin_request(ctl, &request);
	if (code == 0)
		code = wait_done(ctl, &waiting, verb, status);
	else
		json_decref(status);
	client_close(&waiting.client);
	return code;
}

int ctl_admin_settled(const struct ctl *ctl, const struct wire_admin_request *request)
{
	static struct waiting waiting = {.wanted = true, .seconds = SETTLE_SECONDS};
	json_t *status = NULL;
	enum client_result result;
	struct err e = {""};
	int code = ctl_admin_request(ctl, request);

	if (code != 0)
		return code;
	result = client_command(&waiting.client, ctl->socket, "watch", &status, &e);
	if (result != CLIENT_OK)
		return ctl_fail(ctl, "accepted, but the result is not known: %s",
				result == CLIENT_NO_DAEMON ? "nobody answers" : e.text);
	code = wait_done(ctl, &waiting, request->verb, status);
	client_close(&waiting.client);
	return code;
}

static int run_up(struct ctl *ctl)
{
	return run_waiting(ctl, ADMIN_UP);
}

static int run_down(struct ctl *ctl)
{
	return run_waiting(ctl, ADMIN_DOWN);
}

static int run_reconnect(struct ctl *ctl)
{
	return run_waiting(ctl, ADMIN_RECONNECT);
}

static int run_pause(struct ctl *ctl)
{
	struct wire_admin_request request = {.version = WIRE_VERSION, .verb = ADMIN_PAUSE};
	struct err e = {""};
	const char *value, *extra = NULL;
	int what = ctl_args_next(ctl, &value, &e);

	if (what == CTL_ARGS_END)
		return ctl_fail(ctl, "no duration is given; instead: portcullis pause 15m");
	if (what != CTL_ARGS_OPERAND)
		return ctl_args_stop(ctl, what, value, &e);
	if (text_duration(value, &request.seconds) == -1)
		return ctl_fail(
		    ctl, "\"%s\" is not a duration; instead: a number followed by s, m, h or d, at most 31d",
		    value);
	if ((what = ctl_args_next(ctl, &extra, &e)) != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, extra, &e);
	return ctl_admin_settled(ctl, &request);
}

/* The verbs without options. */
static int run_plain(struct ctl *ctl, uint32_t verb)
{
	const struct wire_admin_request request = {.version = WIRE_VERSION, .verb = verb};
	struct err e = {""};
	const char *value;
	int what = ctl_args_next(ctl, &value, &e);

	return what != CTL_ARGS_END ? ctl_args_stop(ctl, what, value, &e) : ctl_admin_request(ctl, &request);
}

static int run_resume(struct ctl *ctl)
{
	return run_plain(ctl, ADMIN_RESUME);
}

static int run_reload(struct ctl *ctl)
{
	return run_plain(ctl, ADMIN_RELOAD);
}

#define WAIT_OPTIONS wait_options, sizeof wait_options / sizeof *wait_options

const struct ctl_command cmd_up = {
    "up",
    "",
    "bring the VPN up and keep it up; ends off and pause",
    "Requests the VPN and returns when that is accepted. Ends `off` and a pause. This is\nremembered: after "
    "a reboot the VPN comes up by itself.",
    WAIT_OPTIONS,
    run_up,
};

const struct ctl_command cmd_down = {
    "down",
    "",
    "take the VPN down; the gate stays shut",
    "Takes the VPN down and leaves the gate shut. This is remembered across a reboot.",
    WAIT_OPTIONS,
    run_down,
};

const struct ctl_command cmd_reconnect = {
    "reconnect",
    "",
    "start a new attempt now",
    "Ends the current attempt, shuts the gate, and dials again at once.",
    WAIT_OPTIONS,
    run_reconnect,
};

const struct ctl_command cmd_pause = {
    "pause",
    "DURATION",
    "let traffic out in the clear for a limited time",
    "Takes the VPN down and lets traffic out IN THE CLEAR for DURATION: a number\nfollowed by s, m, h or d, "
    "at most 31d. The gate shuts again by itself, even if portcullisd dies. Sleep and\n"
    "reboot end a pause.",
    NULL,
    0,
    run_pause,
};

const struct ctl_command cmd_resume = {
    "resume",
    "",
    "end a pause now",
    "Ends a pause: shuts the gate, deletes every tracked connection, brings the VPN up again.",
    NULL,
    0,
    run_resume,
};

const struct ctl_command cmd_reload = {
    "reload",
    "",
    "read configuration, profile and password file again",
    "Reads portcullis.conf, the profile and the password file again, and checks them. If all of it is\nfine "
    "it "
    "is taken; the VPN is dialled again only if that needs it. Otherwise nothing changes, the\nreason is "
    "printed, and the exit status is 1.",
    NULL,
    0,
    run_reload,
};
