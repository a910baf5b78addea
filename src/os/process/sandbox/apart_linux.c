/* The apart port on Linux: namespaces for files and for processes. */
#include "os/process/sandbox/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "os/process/child.h"

/* "dns" is the only one that is asked for a host: systemd-resolved or nscd would ask in our place, as users
 * that are let out nowhere. */
#define NSSWITCH "passwd: files\ngroup: files\nhosts: files dns\n"

enum { STATUS_SIGNAL = 128 };

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644), result;

	if (fd == -1)
		return -1;
	result = io_write_all(fd, text, strlen(text));
	if (fchmod(fd, 0644) == -1)
		result = -1;
	close(fd);
	return result;
}

/* In a file's place; a file that does not exist needs none. */
static int cover(const char *name, const char *text, const char *place, bool needed)
{
	if (put_file(name, text) == -1)
		return -1;
	if (mount(name, place, NULL, MS_BIND, NULL) == -1 && (needed || errno != ENOENT))
		return -1;
	return unlink(name); /* the mount keeps it, and root's: its user can't write to it */
}

/* nscd answers for everybody whose libc finds its socket. */
static int hide(const char *place)
{
	return mount("none", place, "tmpfs", MS_RDONLY, "size=0") == -1 && errno != ENOENT ? -1 : 0;
}

static int make_files(const struct apart *apart)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", apart->folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") == -1 ||
	    chdir(apart->folder) == -1)
		return -1;
	if (cover("resolv.conf", apart->resolv_conf, "/etc/resolv.conf", true) == -1 ||
	    cover("nsswitch.conf", NSSWITCH, "/etc/nsswitch.conf", false) == -1 || hide("/run/nscd") == -1 ||
	    hide("/var/run/nscd") == -1)
		return -1;
	return chown(".", apart->user, apart->group);
}

/* Writes why, for whoever started us; the one end of a pipe that closes by exec. */
static _Noreturn void give_up(int report, const char *what)
{
	dprintf(report, "%s: %s", what, strerror(errno));
	_exit(127);
}

/* Waits for `pid`, and for whatever else is ours to wait for. */
static _Noreturn void end_with(pid_t pid)
{
	int status = 0;
	pid_t ended;

	while ((ended = wait(&status)) != pid)
		if (ended == -1 && errno != EINTR)
			_exit(127);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status));
}

static _Noreturn void become_user(const struct apart *apart, int report)
{
	/* Without a terminal, for it could type on root's. */
	if (setsid() == -1 || setgroups(0, NULL) == -1 ||
	    setresgid(apart->group, apart->group, apart->group) == -1 ||
	    setresuid(apart->user, apart->user, apart->user) == -1 || getuid() != apart->user ||
	    getgid() != apart->group || setuid(0) != -1)
		give_up(report, "the user and group can't be taken");
	/* It is looked for by its own PATH: ours may name folders that others of its user write to. */
	environ = apart->environment;
	execvpe(apart->arguments[0], apart->arguments, environ);
	give_up(report, apart->arguments[0]);
}

/* The first process of the new processes: with it all of them end. */
static _Noreturn void be_first(const struct apart *apart, int report)
{
	pid_t pid;

	if (child_die_with_parent() == -1 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1)
		give_up(report, "/proc can't be mounted");
	if ((pid = fork()) == -1)
		give_up(report, "fork");
	if (pid == 0)
		become_user(apart, report);
	close(report);
	end_with(pid);
}

static _Noreturn void be_apart(const struct apart *apart, int report)
{
	pid_t pid;

	if (child_die_with_parent() == -1 || unshare(CLONE_NEWNS | CLONE_NEWPID) == -1)
		give_up(report, "namespaces can't be made");
	if (make_files(apart) == -1)
		give_up(report, apart->folder);
	if ((pid = fork()) == -1)
		give_up(report, "fork");
	if (pid == 0)
		be_first(apart, report);
	close(report);
	end_with(pid);
}

pid_t apart_start(const struct apart *apart, struct err *e)
{
	char why[sizeof e->text] = "";
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = child_fork()) == -1)
		return err_errno(e, "a program can't be started");
	if (pid == 0)
		be_apart(apart, ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], why, sizeof why - 1)) == -1 && errno == EINTR)
		;
	close(ends[0]);
	if (got == 0)
		return pid;
	(void)child_reap(pid, &status);
	return err_set(e, "%s", why);
}
