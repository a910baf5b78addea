/* The resolver's tools run in a child, so that the gate never waits for them;
 * one at a time, and only what is wanted last. */
#include "os/dns/job.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "os/dns/dns.h"
#include "os/process/child.h"

/* Two of these and the rest of an end within 1 s. */
enum { FINISH_MS = 300 };

static int run_job(const struct dns_job *job, struct err *e)
{
	uint16_t port = job->shut && !job->set ? job->port : 0;

	if (job->look)
		return dns_check(job->set ? job->tunnel : NULL, port, e);
	if (job->set)
		return dns_set(job->tunnel, e);
	return port != 0 ? dns_shut(port, e) : dns_restore(job->interface, e);
}

/* In the child. Never returns. */
static void run_child(const struct dns_job *job)
{
	struct err e = {""};
	int result;

	child_die_with_parent();
	result = run_job(job, &e);
	if (result == -1)
		log_error("dns", "%s", e.text);
	else if (e.text[0] != '\0')
		log_info("dns", "%s", e.text);
	_exit(result == -1);
}

static void start_child(struct dns_job *job)
{
	job->pending = false;
	fflush(NULL);
	if ((job->pid = child_fork()) == 0)
		run_child(job);
	if (job->pid == -1) {
		job->pid = 0;
		log_error("dns", "the resolver's tool can't be started");
	}
}

static void want(struct dns_job *job)
{
	if (!job->managed)
		return;
	job->pending = true;
	if (job->pid == 0)
		start_child(job);
}

void dns_job_want(struct dns_job *job, bool set)
{
	job->set = set;
	job->look = false;
	want(job);
}

void dns_job_look(struct dns_job *job, bool shut)
{
	job->shut = shut;
	if (!dns_is_watched)
		return;
	/* If setting or taking back is still pending, that is done instead of a look. */
	job->look = job->look || !job->pending;
	want(job);
}

bool dns_job_reaped(struct dns_job *job, pid_t pid)
{
	if (pid != job->pid || pid == 0)
		return false;
	job->pid = 0;
	if (job->pending)
		start_child(job);
	return true;
}

void dns_job_finish(struct dns_job *job)
{
	/* Nobody answers after our end. */
	if (job->port != 0) {
		job->port = 0;
		dns_job_look(job, job->shut);
	}
	while (job->pid != 0) {
		int status = child_wait(job->pid, FINISH_MS);

		if (WIFSIGNALED(status))
			log_error("dns", "dns: the tool took too long: its last settings may remain");
		dns_job_reaped(job, job->pid);
	}
}
