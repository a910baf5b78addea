/* Watches pf: once a second a child looks at everything, and tries what really passes. Nothing reports
 * a change of pf, and a pfctl that hangs must not stop the gate. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "os/firewall/pause_watchdog.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/pf/system.h"
#include "os/firewall/probe.h"
#include "os/host/clock.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/pid.h"

enum { LOOK_MS = 3000, FRESH_MS = 2000, BLIND_MAX = 2, REPORT_DESCRIPTOR = 3, WHAT = 200 };

/* What a child found. */
struct report {
	bool seen;                  /* all of it could be looked at */
	bool fine;                  /* and was right */
	bool second_gone;           /* except the lock's second place, which pf does not evaluate then */
	char leaked[NET_NAME_SIZE]; /* but a datagram got out of this link */
	uint64_t blocked;           /* packets */
	char what[WHAT];            /* else: what was wrong */
};

struct pf_watch {
	struct pf_firewall *fw;
	struct event *tick, *word;
	int process, from; /* the child that looks, -1 none; and while there is one its report */
	pid_t pid;
	int64_t began;
	uint32_t generation; /* of the rules that it looks at */
	unsigned blind;      /* looks in a row that saw nothing */
	firewall_foreign_cb *cb;
	void *argument;
};

/* Everything: our rules, pf, our reference, the main rules, skips. */
static int look_at_all(struct pf_firewall *fw, struct pf_rules *found, struct err *e)
{
	if (pf_anchor_compare(fw, found, e) == -1 || pf_enabled_look(fw, e) == -1)
		return -1;
	return pf_main_look(fw, e);
}

/* --- the child ----------------------------------------------------------------------- */

static void look(struct pf_firewall *fw, struct report *report)
{
	struct pf_rules found = {0};
	struct err e = {""};
	const char *link = "";
	size_t used = 0;

	pf_give_time(fw);
	report->fine = look_at_all(fw, &found, &e) == 0;
	/* pfctl's own failures begin with its name, and are no finding. No words: all is fine. */
	report->seen = strncmp(e.text, "pfctl", strlen("pfctl")) != 0 && e.text[0] != '/';
	report->blocked = found.blocked;
	(void)text_copy(report->what, sizeof report->what, e.text);
	report->second_gone = report->fine && !pf_fallback_stands(fw);
	if (!report->fine || probe_as_nobody(&fw->situation, &link) != PROBED_OUT)
		return;
	report->fine = false;
	(void)text_copy(report->leaked, sizeof report->leaked, link);
	(void)text_append(report->what, sizeof report->what, &used, "a datagram got out of %s", link);
}

static _Noreturn void be_child(struct pf_firewall *fw, int to)
{
	struct report report = {.fine = false};

	if (to != REPORT_DESCRIPTOR && dup2(to, REPORT_DESCRIPTOR) == -1)
		_exit(1);
	log_open(-1, LOG_ERROR);
	log_copy(-1);
	/* Nor may its sockets and locks live on in us. */
	descriptor_close_from(REPORT_DESCRIPTOR + 1);
	look(fw, &report);
	_exit(io_write_all(REPORT_DESCRIPTOR, (const char *)&report, sizeof report)); /* nobody asks */
}

/* --- the gate's side -------------------------------------------------------------------- */

static void end_child(struct pf_watch *watch)
{
	int status;

	if (watch->process == -1)
		return;
	if (!pid_ended(watch->process, 0)) {
		(void)pid_signal(watch->process, watch->pid, SIGKILL);
		(void)pid_ended(watch->process, LOOK_MS);
	}
	(void)waitpid(watch->pid, &status, WNOHANG); /* or the loop has reaped it */
	close(watch->process);
	close(watch->from);
	watch->process = -1;
	(void)event_del(watch->word);
}

/* Once without an answer may be a machine that is busy. */
static void saw_nothing(struct pf_watch *watch, const char *why)
{
	char what[WHAT + 32];
	size_t used = 0;

	if (++watch->blind < BLIND_MAX)
		return;
	watch->blind = 0;
	watch->fw->fresh_until = 0;
	(void)text_append(what, sizeof what, &used, "pf can't be checked: %s", why);
	watch->cb(what, watch->argument);
}

/* This alone lets nothing pass, so nothing else is put back. */
static void fill_second(struct pf_firewall *fw)
{
	log_warn("gate", "the fallback anchor in pf was changed; it is restored");
	pf_give_time(fw);
	fw->fallback[0] = '\0';
	pf_fallback_load(fw);
}

static void on_report(struct pf_watch *watch, const struct report *report)
{
	struct pf_firewall *fw = watch->fw;

	if (watch->generation != fw->generation || !fw->armed) /* of rules that have been replaced */
		return;
	if (!report->seen) {
		saw_nothing(watch, report->what);
		return;
	}
	watch->blind = 0;
	fw->blocked = report->blocked > fw->blocked ? report->blocked : fw->blocked;
	if (report->fine) {
		fw->fresh_until = watch->began + FRESH_MS;
		if (report->second_gone)
			fill_second(fw);
		return;
	}
	fw->fresh_until = 0;
	fw->tainted = true; /* even if it is right again by now */
	(void)text_copy(fw->leaked, sizeof fw->leaked, report->leaked);
	watch->cb(report->what, watch->argument);
}

static void on_word(evutil_socket_t fd, short what, void *argument)
{
	struct pf_watch *watch = argument;
	struct report report;
	ssize_t got = read(fd, &report, sizeof report);

	(void)what;
	if (got == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	end_child(watch);
	if (got == (ssize_t)sizeof report) {
		report.what[WHAT - 1] = report.leaked[NET_NAME_SIZE - 1] = '\0';
		on_report(watch, &report);
	} else {
		saw_nothing(watch, "the check ended");
	}
}

static int start_child(struct pf_watch *watch)
{
	int ends[2];

	if (descriptor_pipe(ends, false) == -1)
		return -1;
	watch->began = clock_steady_ms();
	watch->generation = watch->fw->generation;
	watch->pid = child_fork();
	if (watch->pid == 0)
		be_child(watch->fw, ends[1]);
	close(ends[1]);
	watch->process = watch->pid == -1 ? -1 : pid_open(watch->pid);
	if (watch->process == -1) {
		close(ends[0]);
		return -1;
	}
	watch->from = ends[0];
	(void)event_assign(watch->word, event_get_base(watch->tick), watch->from, EV_READ | EV_PERSIST,
			   on_word, watch);
	return event_add(watch->word, NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct pf_watch *watch = argument;

	(void)fd, (void)what;
	if (watch->fw->remark.text[0] != '\0')
		log_warn("gate", "%s", watch->fw->remark.text);
	watch->fw->remark.text[0] = '\0';
	if (watch->process != -1) {
		if (clock_steady_ms() - watch->began < LOOK_MS)
			return;
		end_child(watch);
		watch->blind = BLIND_MAX; /* it has had its time */
		saw_nothing(watch, "pfctl does not answer");
		return;
	}
	if (watch->fw->paused) {
		if (!pause_watchdog_lives())
			watch->cb("the pause watchdog has ended", watch->argument);
		return;
	}
	if (watch->fw->armed && start_child(watch) == -1)
		saw_nothing(watch, strerror(errno));
}

void pf_watch_close(struct pf_watch *watch)
{
	if (watch == NULL)
		return;
	end_child(watch);
	if (watch->tick != NULL)
		event_free(watch->tick);
	if (watch->word != NULL)
		event_free(watch->word);
	free(watch);
}

int pf_watch_open(struct firewall *common, struct event_base *base, firewall_foreign_cb *cb, void *argument,
		  struct err *e)
{
	struct pf_firewall *fw = pf_of(common);
	const struct timeval second = {.tv_sec = 1};
	struct pf_watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL)
		return err_errno(e, "pf can't be watched");
	*watch = (struct pf_watch){.fw = fw, .process = -1, .cb = cb, .argument = argument};
	watch->tick = event_new(base, -1, EV_PERSIST, on_tick, watch);
	watch->word = event_new(base, -1, EV_READ, on_word, watch);
	fw->watch = watch;
	if (watch->tick == NULL || watch->word == NULL || event_add(watch->tick, &second) == -1)
		return err_set(e, "pf can't be watched: no memory");
	return 0;
}
