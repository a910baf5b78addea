/* dns_job: the resolver's tools run in a child, so that the gate never waits
 * for them; one at a time, and only what is wanted last. */
#include "gate/gate.h"

#include <signal.h>
#include <unistd.h>

#include "gate/dns_job.h"
#include "os/child.h"
#include "os/dns.h"

/* Two of these and the rest of an end within 1 s. */
enum { FINISH_MS = 300 };

/* In the child. Never returns. */
static void run(const struct gate *gate, bool set)
{
	struct err e = {""};
	int result;

	child_die_with_parent();
	result = set ? dns_set(&gate->attempt.tunnel, &e) : dns_restore(gate->config.interface, &e);
	if (result == -1)
		log_error("dns", "%s", e.text);
	else if (e.text[0] != '\0')
		log_info("dns", "%s", e.text);
	_exit(result == -1);
}

static void begin(struct gate *gate)
{
	gate->dns_pending = false;
	fflush(NULL);
	if ((gate->dns_job = fork()) == 0)
		run(gate, gate->dns_set);
	if (gate->dns_job == -1) {
		gate->dns_job = 0;
		log_error("dns", "the resolver's tool can't be started");
	}
}

void dns_job_want(struct gate *gate, bool set)
{
	if (!gate->config.manage_dns)
		return;
	gate->dns_set = set;
	gate->dns_pending = true;
	if (gate->dns_job == 0)
		begin(gate);
}

bool dns_job_reaped(struct gate *gate, pid_t pid)
{
	if (pid != gate->dns_job || pid == 0)
		return false;
	gate->dns_job = 0;
	if (gate->dns_pending)
		begin(gate);
	return true;
}

void dns_job_finish(struct gate *gate)
{
	while (gate->dns_job != 0) {
		child_wait(gate->dns_job, FINISH_MS);
		dns_job_reaped(gate, gate->dns_job);
	}
}
