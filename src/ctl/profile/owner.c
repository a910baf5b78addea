/* Runs a function in a child that has the rights of one user and no others. */
#include "ctl/profile/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/shown.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"

enum { NOBODY = 65534 };

static int become(uid_t owner, struct err *e)
{
	const struct passwd *entry;
	gid_t group;

	if (geteuid() != 0)
		return owner == geteuid() ? 0 : err_set(e, "only root can take the rights of another user");
	/* The user's group, not the file's: its owner need not be a member of that. */
	entry = getpwuid(owner);
	group = entry != NULL ? entry->pw_gid : owner == 0 ? 0 : NOBODY;
	/* As root each of these sets the real, the effective and the saved id. */
	if (setgroups(1, &group) == -1 || setgid(group) == -1 || setuid(owner) == -1)
		return err_errno(e, "can't take the rights of user %u", (unsigned)owner);
	if (owner != 0 && (setuid(0) != -1 || geteuid() != owner || getuid() != owner))
		return err_set(e, "can't drop the rights of root");
	return 0;
}

/* Never returns. */
static void child(uid_t owner, unsigned seconds, owner_work_fn *work, void *argument, int output)
{
	struct err e = {""};
	int result;

	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	alarm(seconds);
	result = become(owner, &e) == 0 ? work(output, argument, &e) : -1;
	if (e.text[0] != '\0')
		shown_print(stderr, "%s", e.text);
	fflush(NULL);
	_exit(result == 0 ? 0 : 1);
}

static int reap(pid_t pid, struct err *e)
{
	int status = 0;

	if (child_reap(pid, &status) == -1)
		return err_errno(e, "the status of the child that reads is lost");
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0 ? 0 : -1;
	if (WTERMSIG(status) == SIGALRM)
		return err_set(e, "reading took too long; instead: copy it to a local disk");
	return err_set(e, "the child that reads was ended by signal %d", WTERMSIG(status));
}

char *owner_run(uid_t owner, unsigned seconds, owner_work_fn *work, void *argument, size_t max,
		size_t *length, struct err *e)
{
	char *bytes;
	int ends[2];
	pid_t pid;

	if (descriptor_pipe(ends, false) == -1) {
		err_errno(e, "a pipe to a child can't be made");
		return NULL;
	}
	fflush(NULL);
	if ((pid = child_fork()) == 0) {
		close(ends[0]);
		child(owner, seconds, work, argument, ends[1]);
	}
	close(ends[1]);
	bytes = pid == -1 ? NULL : io_read_all(ends[0], max, length);
	close(ends[0]);
	if (pid == -1 || bytes == NULL)
		err_set(e, "a child to read it can't be started");
	if (pid != -1 && reap(pid, bytes == NULL ? NULL : e) == -1) {
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}
