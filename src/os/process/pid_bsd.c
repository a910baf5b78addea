/* The pid port on macOS and the BSDs: a kqueue that waits for one process. */
#include "os/process/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

static int watch_exit(int queue, pid_t pid)
{
	struct kevent change;

	EV_SET(&change, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	if (kevent(queue, &change, 1, NULL, 0, NULL) != -1)
		return 0;
	/* macOS: one that has ended, but is not reaped, can't be watched. Then a
	 * timer makes the descriptor readable. */
	if (errno != ESRCH || kill(pid, 0) == -1)
		return -1;
	EV_SET(&change, (uintptr_t)pid, EVFILT_TIMER, EV_ADD, 0, 1, NULL);
	return kevent(queue, &change, 1, NULL, 0, NULL) == -1 ? -1 : 0;
}

int pid_open(pid_t pid)
{
	int queue = kqueue(), cause;

	if (queue == -1)
		return -1;
	if (fcntl(queue, F_SETFD, FD_CLOEXEC) == 0 && watch_exit(queue, pid) == 0)
		return queue;
	cause = errno;
	close(queue);
	errno = cause;
	return -1;
}

int pid_signal(int descriptor, pid_t pid, int number)
{
	if (pid_ended(descriptor, 0)) {
		errno = ESRCH;
		return -1;
	}
	return kill(pid, number);
}
