/* Once a datagram got out though pf was to stop it (seen on macOS after updates), only a refusal on a
 * link that is up ends the doubt: until then no lock is verified. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "os/firewall/pf/pf.h"
#include "os/firewall/probe.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"

enum { PROBE_MS = 2000 };

/* In a child: the probe takes our rights. */
static enum probed probe_aside(const struct situation *s)
{
	unsigned char word;
	struct pollfd wait;
	bool answered;
	int ends[2], status;
	pid_t pid;

	if (descriptor_pipe(ends, false) == -1)
		return PROBED_NOTHING;
	pid = child_fork();
	if (pid == 0) {
		const char *link;

		word = (unsigned char)probe_as_nobody(s, &link);
		_exit(io_write_all(ends[1], (const char *)&word, 1)); /* nobody asks */
	}
	close(ends[1]);
	wait = (struct pollfd){.fd = ends[0], .events = POLLIN};
	/* Without a child it ends at once. */
	answered = poll(&wait, 1, PROBE_MS) == 1 && read(ends[0], &word, 1) == 1;
	close(ends[0]);
	if (pid != -1) {
		(void)kill(pid, SIGKILL);
		(void)child_reap(pid, &status);
	}
	return answered ? (enum probed)word : PROBED_NOTHING;
}

int pf_leak_look(struct pf_firewall *fw, struct err *e)
{
	if (fw->leaked[0] == '\0')
		return 0;
	if (probe_aside(&fw->situation) != PROBED_REFUSED)
		return err_set(
		    e, "a datagram got out of %s although pf should stop it; instead: restart the machine",
		    fw->leaked);
	fw->leaked[0] = '\0';
	return 0;
}
