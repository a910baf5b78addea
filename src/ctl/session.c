/* Where the person sits who runs this command: by the environment, and by the processes above. */
#include "ctl/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/process/pid.h"

enum { ABOVE_MAX = 64 };

/* As the kernel keeps their names (at most 15 bytes on Linux). */
static const char *const servers[] = {"sshd",       "sshd-session", "dropbear",   "mosh-server",
				      "in.telnetd", "telnetd",      "in.rlogind", "tailscaled"};

static bool is_server(const char *name)
{
	for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
		if (strcmp(name, servers[i]) == 0)
			return true;
	}
	return false;
}

bool session_is_remote(char *by, size_t size)
{
	const char *connection = getenv("SSH_CONNECTION");
	struct pid_facts facts;
	pid_t pid = getppid();

	if (connection != NULL && connection[0] != '\0') {
		text_copy(by, size, "ssh");
		return true;
	}
	for (int above = 0; above < ABOVE_MAX && pid > 1 && pid_query(pid, &facts) == 0; above++) {
		if (is_server(facts.name)) {
			text_copy(by, size, facts.name);
			return true;
		}
		pid = facts.parent;
	}
	return false;
}
