/* asking: who asks the resolver for the servers' names: a child, for 10 s at most. */
#include "gate/asking.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "gate/become.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/ways.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/loop.h"
#include "os/process/child.h"

enum { MINUTE_MS = 60000, ANSWERS_MAX = WIRE_NAMES * WIRE_FRESH };

int asking_check(struct gate *gate, struct err *e)
{
	struct asking *asking = &gate->asking;
	int64_t now = clock_steady_ms(), oldest = asking->asked_ms[0];

	if (!names_can_ask(gate))
		return err_set(e, "there is no resolver, or no name");
	if (asking->pid != 0)
		return err_set(e, "the resolver is being asked");
	if (oldest != 0 && now - oldest < MINUTE_MS)
		return err_set(e, "the resolver was asked %d times in the last minute", ASKING_A_MINUTE);
	memmove(asking->asked_ms, asking->asked_ms + 1, sizeof asking->asked_ms - sizeof *asking->asked_ms);
	asking->asked_ms[ASKING_A_MINUTE - 1] = now;
	return 0;
}

static void kill_child(const struct gate *gate)
{
	if (gate->asking.pid != 0)
		kill(gate->asking.pid, SIGKILL);
}

static void overdue_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;

	(void)fd, (void)what;
	kill_child(gate);
	/* The hole does not wait until it is reaped. */
	if (gate->state.actual == ACTUAL_ASKING)
		(void)gate_dispatch(gate, EVENT_ASKED, "the resolver has not answered in time", NULL);
}

/* In the child. Never returns. */
static void become_asker(const struct gate *gate, int authorities)
{
	const struct config *config = &gate->config;
	const int from[] = {gate->profile.head, gate->asking.answers, gate->asking.complaint, authorities};
	char address[NET_ADDRESS_TEXT];
	const char *const more[] = {net_address_text(&config->resolver, address), config->resolver_name,
				    NULL};

	become_program(config, "--ask", more, from, sizeof from / sizeof *from, 0);
}

static void close_files(struct asking *asking)
{
	if (asking->answers != -1)
		close(asking->answers);
	if (asking->complaint != -1)
		close(asking->complaint);
	asking->answers = asking->complaint = -1;
}

/* 0, or -1 and `e`. */
static int start_child(struct gate *gate, struct err *e)
{
	struct asking *asking = &gate->asking;
	const char *ca = gate->config.resolver_ca;
	int authorities = ca[0] != '\0' ? file_open_owned(ca, S_IWGRP | S_IWOTH, e)
					: open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (authorities == -1)
		return ca[0] != '\0' ? -1 : err_errno(e, "/dev/null");
	asking->answers = child_scratch("portcullis-answers", e);
	asking->complaint = child_scratch("portcullis-complaint", e);
	if (asking->answers != -1 && asking->complaint != -1 && (asking->pid = child_fork()) == 0)
		become_asker(gate, authorities);
	close(authorities);
	if (asking->pid > 0)
		return 0;
	if (asking->pid == -1)
		err_errno(e, "fork");
	asking->pid = 0;
	close_files(asking);
	return -1;
}

static int start(struct gate *gate, struct err *e)
{
	if (start_child(gate, e) == -1) {
		log_error("gate", "the resolver can't be asked: %s", e->text);
		return -1;
	}
	loop_arm(gate->base, &gate->asking.deadline, overdue_cb, gate,
		 (int64_t)POLICY_RESOLVER_SECONDS * 1000);
	fault_point("asking");
	return 0;
}

int asking_effect(struct gate *gate, bool begin, struct err *e)
{
	if (begin)
		return start(gate, e);
	kill_child(gate);
	return 0;
}

static void take_answers(int answers, struct names *names)
{
	bool known[WIRE_NAMES] = {false};
	struct wire_answer answer;

	for (off_t i = 0; i < ANSWERS_MAX; i++) {
		if (pread(answers, &answer, sizeof answer, i * (off_t)sizeof answer) !=
		    (ssize_t)sizeof answer)
			break;
		if (!names_take(names, &answer, known))
			log_warn("gate", "an answer of the resolver is left out: it can't be a server's");
	}
}

/* Why it was in vain; "" if it was not. */
static void read_complaint(int complaint, int status, char *to, size_t size)
{
	char line[WIRE_TEXT];
	size_t used = 0;
	ssize_t got = pread(complaint, line, sizeof line - 1, 0);

	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	text_escape(to, size, line, strlen(line));
	if (got <= 0 && WIFSIGNALED(status))
		text_append(to, size, &used, "names: the child that asks was ended by signal %d",
			    WTERMSIG(status));
}

void asking_reaped(struct gate *gate, int status)
{
	struct asking *asking = &gate->asking;
	const struct names *names = &gate->names;
	char why[WIRE_TEXT];
	enum gate_event awaited;

	asking->pid = 0; /* from now on another process may have this number */
	(void)gate_dispatch(gate, EVENT_ASKED, "the resolver was asked", NULL);
	evtimer_del(asking->deadline);
	take_answers(asking->answers, &gate->names);
	read_complaint(asking->complaint, status, why, sizeof why);
	close_files(asking);
	ways_look(gate);
	if (why[0] != '\0')
		log_warn("gate", "%s", why);
	for (size_t i = 0; i < names->count; i++)
		channel_name(gate, &names->list[i]);
	channel_notify(gate, NOTE_ASKED, why);
	if (gate->attempt.pid == 0 && (awaited = gate_awaited(gate->state)) != GATE_EVENTS)
		(void)gate_dispatch(gate, awaited, "by root's command", NULL);
}

void asking_begin(struct gate *gate)
{
	struct names *names = &gate->names;

	if (!names_can_ask(gate)) {
		names->count = 0;
		return;
	}
	names_renew(names, &gate->profile);
	files_load_names(gate);
	ways_look(gate);
	for (size_t i = 0; i < names->count; i++)
		channel_name(gate, &names->list[i]);
}

void asking_proven(struct gate *gate)
{
	if (names_prove(&gate->names, &gate->profile, &gate->attempt.remote, (int64_t)time(NULL)))
		files_save_names(gate);
}
