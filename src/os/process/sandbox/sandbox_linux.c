/* The sandbox port on Linux: identities for good, then a list of system calls. */
#include "os/process/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wire.h"
#include "os/process/sandbox/sandbox_calls.h"

enum {
	DRIVER = 1 << SANDBOX_DRIVER,
	VET = 1 << SANDBOX_VET,
	ASK = 1 << SANDBOX_ASK,
	SIGN = 1 << SANDBOX_SIGN,
	ALL = DRIVER | VET | ASK | SIGN
};

/* Anything else kills the process. No call here opens, makes, connects, binds,
 * signals, traces or executes anything. */
static const struct {
	int programs;
	int call;
	const char *why;
} allowed[] = {
    {ALL, SCMP_SYS(read), "sockets, the profile, a pipe"},
    {ALL, SCMP_SYS(write), "sockets, the log, a pipe"},
    {DRIVER, SCMP_SYS(writev), "evbuffer_write: answers to control clients"},
    {DRIVER, SCMP_SYS(pread64), "the log's tail, the password file"},
    {DRIVER, SCMP_SYS(pwrite64), "which one-time passwords were sent, and which log-ins were refused"},
    {ALL, SCMP_SYS(close), "a client that has left"},
    {ALL, SCMP_SYS(fstat), "the log's size; stdio's buffers"},
    {DRIVER, SCMP_SYS(accept4), "control clients, openvpn's management connection"},
    {DRIVER, SCMP_SYS(getsockopt), "who the peer of a socket is"},
    {DRIVER, SCMP_SYS(dup), "the descriptor kept for the case that none is left"},
    {DRIVER, SCMP_SYS(epoll_wait), "libevent's loop"},
    {DRIVER, SCMP_SYS(epoll_pwait), "the same where epoll_wait is gone (arm64)"},
    {DRIVER, SCMP_SYS(epoll_ctl), "libevent adds and removes descriptors"},
    {ALL, SCMP_SYS(poll), "can the log take a line without waiting"},
    {ALL, SCMP_SYS(ppoll), "the same where poll is gone (arm64)"},
    {ALL, SCMP_SYS(clock_gettime), "where the vDSO does not answer"},
    {ALL, SCMP_SYS(gettimeofday), "the same"},
    {ALL, SCMP_SYS(time), "the same, on x86"},
    {DRIVER | ASK | SIGN, SCMP_SYS(getrandom), "how long to wait before the next attempt; TLS; signatures"},
    {ASK | SIGN, SCMP_SYS(getpid), "OpenSSL: is this still the process that has its random numbers"},
    {ASK | SIGN, SCMP_SYS(futex), "OpenSSL: what is done once"},
    {ALL, SCMP_SYS(brk), "malloc"},
    {ALL, SCMP_SYS(munmap), "free of large blocks"},
    {ALL, SCMP_SYS(mremap), "realloc of large blocks"},
    {ALL, SCMP_SYS(madvise), "malloc gives pages back"},
    {ALL, SCMP_SYS(rt_sigreturn), "the end of a signal handler"},
    {ALL, SCMP_SYS(restart_syscall), "the kernel's own, after SIGSTOP and SIGCONT"},
    {ALL, SCMP_SYS(exit), "the end"},
    {ALL, SCMP_SYS(exit_group), "the end"},
};

/* What a token's module is refused; it is not ended, as it may do without. It opens files, speaks to pcscd,
 * starts threads. */
static const int refused[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
};

static int set_identities(uint32_t uid, uint32_t gid, struct err *e)
{
	uid_t real, effective, saved;

	if (uid == 0 || gid == 0)
		return err_set(
		    e, "the driver never runs as root; instead: name another user in portcullis.conf");
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1)
		return err_errno(e, "can't change to user %u, group %u", uid, gid);
	/* What can be undone was not done. */
	if (getresuid(&real, &effective, &saved) == -1 || real != uid || effective != uid || saved != uid ||
	    setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || getgroups(0, NULL) != 0)
		return err_set(e, "the rights of root could not be given up");
	return 0;
}

int sandbox_drop(uint32_t uid, uint32_t gid, struct err *e)
{
	static const struct rlimit none = {0, 0};

	if (set_identities(uid, gid, e) == -1)
		return -1;
	/* setresuid has forgotten that we end with our parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return err_errno(e, "can't end with the parent");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return err_errno(e, "can't give up core files and new privileges");
	return 0;
}

static int allow(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

/* Calls that are let through only with harmless arguments. */
static int allow_partly(scmp_filter_ctx filter)
{
	/* malloc's large blocks; never anything executable */
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	/* glibc's fstat is newfstatat(fd, "", ..., AT_EMPTY_PATH) */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
					  SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	/* queries for names on the loopback, and their answers; no other socket */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1,
					  SCMP_A0(SCMP_CMP_EQ, WIRE_FD_CAPTIVE_DNS, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
					  SCMP_A0(SCMP_CMP_EQ, WIRE_FD_CAPTIVE_DNS, 0));
	return result;
}

static int fill(scmp_filter_ctx filter, enum sandbox_program program)
{
	int result = allow_partly(filter);

	for (size_t i = 0; result == 0 && i < sizeof allowed / sizeof *allowed; i++) {
		if (allowed[i].programs & 1 << program)
			result = allow(filter, allowed[i].call);
	}
	/* A build with sanitizers links a list of what they need; ours has none. */
	for (size_t i = 0; result == 0 && sandbox_more_calls != NULL && sandbox_more_calls[i] != SANDBOX_END;
	     i++)
		result = allow(filter, sandbox_more_calls[i]);
	return result;
}

static int fill_refused(scmp_filter_ctx filter)
{
	/* no network, only the sockets of this machine's programs */
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));

	for (size_t i = 0; result == 0 && i < sizeof refused / sizeof *refused; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	return result;
}

int sandbox_enter(enum sandbox_program program, struct err *e)
{
	bool token = program == SANDBOX_TOKEN;
	scmp_filter_ctx filter = seccomp_init(token ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	int result = filter == NULL ? -ENOMEM : token ? fill_refused(filter) : fill(filter, program);

	if (result == 0)
		result = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (result == 0)
		return 0;
	errno = -result;
	return err_errno(e, "the list of system calls can't be entered");
}
