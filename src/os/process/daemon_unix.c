/* The daemon port, for every Unix. */
#include "os/process/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void daemon_harden(void)
{
	static const struct rlimit none = {0, 0};
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
		;
	close(fd);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk */
	setrlimit(RLIMIT_CORE, &none);
	daemon_undumpable();
}

void daemon_begin(int *ready)
{
	int pipes[2], nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 1;

	if (pipe(pipes) == -1)
		return;
	if (fork() != 0) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 1 ? byte : 1);
	}
	close(pipes[0]);
	setsid();
	dup2(nothing, 0);
	dup2(nothing, 1);
	*ready = pipes[1];
}

int daemon_ready(int ready)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), result;
	char good = 0;

	if (ready == -1)
		return 0;
	dup2(nothing, 2);
	result = write(ready, &good, 1) == 1 ? 0 : -1;
	close(ready);
	return result;
}
