/* The confinement on Linux: the system calls that openvpn makes, seen with 2.5, 2.6 and 2.7. */
#include "os/process/sandbox/confine_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Any other call kills the process. */
static const struct {
	int call;
	const char *why;
} whole[] = {
    {SCMP_SYS(execve), "becoming openvpn; what else, Landlock says"},
    {SCMP_SYS(exit), "the end"},
    {SCMP_SYS(exit_group), "the end"},
    {SCMP_SYS(rt_sigaction), "SIGTERM, SIGUSR1"},
    {SCMP_SYS(rt_sigprocmask), "the same"},
    {SCMP_SYS(rt_sigreturn), "the end of a signal handler"},
    {SCMP_SYS(restart_syscall), "the kernel's own, after SIGSTOP and SIGCONT"},
    {SCMP_SYS(read), "the tunnel, management, the profile, libraries"},
    {SCMP_SYS(write), "the tunnel, management, the log"},
    {SCMP_SYS(readv), "the same"},
    {SCMP_SYS(writev), "the same"},
    {SCMP_SYS(pread64), "the loader"},
    {SCMP_SYS(lseek), "time zones"},
    {SCMP_SYS(close), "whatever was opened"},
    {SCMP_SYS(fcntl), "no waiting, no inheriting"},
    {SCMP_SYS(dup), "standard input"},
    {SCMP_SYS(fstat), "the loader, stdio"},
    {SCMP_SYS(stat), "the same, and time zones"},
    {SCMP_SYS(lstat), "the same"},
    {SCMP_SYS(newfstatat), "the same, where those are gone (arm64)"},
    {SCMP_SYS(statx), "the same"},
    {SCMP_SYS(statfs), "what /proc is: libcap-ng"},
    {SCMP_SYS(fstatfs), "the same"},
    {SCMP_SYS(access), "is the folder for temporary files there"},
    {SCMP_SYS(faccessat), "the same where access is gone (arm64)"},
    {SCMP_SYS(faccessat2), "the same"},
    {SCMP_SYS(readlink), "the loader"},
    {SCMP_SYS(readlinkat), "the same where readlink is gone (arm64)"},
    {SCMP_SYS(munmap), "free of large blocks"},
    {SCMP_SYS(mremap), "realloc of large blocks"},
    {SCMP_SYS(madvise), "malloc gives pages back"},
    {SCMP_SYS(brk), "malloc"},
    {SCMP_SYS(futex), "OpenSSL's locks"},
    {SCMP_SYS(set_tid_address), "the C library's beginning"},
    {SCMP_SYS(set_robust_list), "the same"},
    {SCMP_SYS(rseq), "the same"},
    {SCMP_SYS(arch_prctl), "the same, on x86"},
    {SCMP_SYS(getrandom), "keys"},
    {SCMP_SYS(getpid), "the log; OpenSSL asks if it was forked"},
    {SCMP_SYS(getuid), "the loader, OpenSSL"},
    {SCMP_SYS(geteuid), "the same"},
    {SCMP_SYS(getgid), "the same"},
    {SCMP_SYS(getegid), "the same"},
    {SCMP_SYS(uname), "what it tells a server that asks (IV_PLAT)"},
    {SCMP_SYS(sysinfo), "glibc's sorting"},
    {SCMP_SYS(getrlimit), "the stack's size"},
    {SCMP_SYS(clock_gettime), "where the vDSO does not answer"},
    {SCMP_SYS(gettimeofday), "the same"},
    {SCMP_SYS(time), "the same, on x86"},
    {SCMP_SYS(nanosleep), "the pause before a restart"},
    {SCMP_SYS(clock_nanosleep), "the same"},
    {SCMP_SYS(poll), "the loop"},
    {SCMP_SYS(ppoll), "the same where poll is gone (arm64)"},
    {SCMP_SYS(select), "the loop of a build without poll; waiting for a connection"},
    {SCMP_SYS(pselect6), "the same where select is gone (arm64)"},
    {SCMP_SYS(epoll_create), "the loop of a build with epoll"},
    {SCMP_SYS(epoll_create1), "the same"},
    {SCMP_SYS(epoll_ctl), "the same"},
    {SCMP_SYS(epoll_wait), "the same"},
    {SCMP_SYS(epoll_pwait), "the same where epoll_wait is gone (arm64)"},
    {SCMP_SYS(connect), "management; a server by TCP"},
    {SCMP_SYS(bind), "its own end"},
    {SCMP_SYS(getsockname), "the same"},
    {SCMP_SYS(getpeername), "whom it is connected to"},
    {SCMP_SYS(getsockopt), "has it connected; sizes"},
    {SCMP_SYS(recvfrom), "the same"},
    {SCMP_SYS(recvmsg), "the same; errors of the path"},
    {SCMP_SYS(shutdown), "the end of a connection"},
};

#define SENDING (~(uint32_t)(MSG_DONTWAIT | MSG_NOSIGNAL))
#define MAKING (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
/* Those that are let through only with some arguments, and are refused with others (EPERM): openvpn asks for
 * more than it needs. Up to three conditions; the first `op` of 0 ends them. */
#define EQ(argument, value)                                                                                  \
	{                                                                                                    \
		argument, SCMP_CMP_EQ, value, 0                                                              \
	}
#define MASKED(argument, mask, value)                                                                        \
	{                                                                                                    \
		argument, SCMP_CMP_MASKED_EQ, mask, value                                                    \
	}
#define SOCKET(family, type, proto)                                                                          \
	{                                                                                                    \
		SCMP_SYS(socket),                                                                            \
		{                                                                                            \
			EQ(0, family), MASKED(1, ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), type),           \
			    EQ(2, proto)                                                                     \
		}                                                                                            \
	}
#define OPTION(name)                                                                                         \
	{                                                                                                    \
		SCMP_SYS(setsockopt),                                                                        \
		{                                                                                            \
			EQ(1, SOL_SOCKET), EQ(2, name)                                                       \
		}                                                                                            \
	}
static const struct {
	int call;
	struct scmp_arg_cmp conditions[3];
} partly[] = {
    /* no netlink, no packets, nothing raw, no other protocol over IP */
    SOCKET(AF_UNIX, SOCK_STREAM, 0),
    SOCKET(AF_INET, SOCK_DGRAM, 0),
    SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
    SOCKET(AF_INET, SOCK_STREAM, 0),
    SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
    SOCKET(AF_INET6, SOCK_DGRAM, 0),
    SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    SOCKET(AF_INET6, SOCK_STREAM, 0),
    SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    /* no filter of its own, no other link, no mark */
    OPTION(SO_REUSEADDR),
    OPTION(SO_SNDBUF),
    OPTION(SO_RCVBUF),
    {SCMP_SYS(setsockopt), {EQ(1, IPPROTO_IP)}},
    {SCMP_SYS(setsockopt), {EQ(1, IPPROTO_IPV6)}},
    {SCMP_SYS(setsockopt), {EQ(1, IPPROTO_TCP)}},
    /* it takes the device, and changes nothing of it */
    {SCMP_SYS(ioctl), {EQ(1, TUNSETIFF)}},
    /* nothing is made or cut off */
    {SCMP_SYS(open), {MASKED(1, MAKING, 0)}},
    {SCMP_SYS(openat), {MASKED(2, MAKING, 0)}},
    /* nothing is written and executed */
    {SCMP_SYS(mmap), {MASKED(2, PROT_WRITE | PROT_EXEC, 0)}},
    {SCMP_SYS(mmap), {MASKED(2, PROT_WRITE | PROT_EXEC, PROT_WRITE)}},
    {SCMP_SYS(mmap), {MASKED(2, PROT_WRITE | PROT_EXEC, PROT_EXEC)}},
    {SCMP_SYS(mprotect), {MASKED(2, PROT_EXEC, 0)}},
    /* no connection by the back door: MSG_FASTOPEN, which Landlock does not ask about */
    {SCMP_SYS(sendto), {MASKED(3, SENDING, 0)}},
    {SCMP_SYS(sendmsg), {MASKED(2, SENDING, 0)}},
    /* it may query its own limits, and not set them */
    {SCMP_SYS(prlimit64), {EQ(0, 0), EQ(2, 0)}},
};
/* Refused whatever they ask. */
static const int refused[] = {SCMP_SYS(prctl)};

/* Two programs. The kernel runs both and obeys the stricter answer: the first kills the process for a call
 * that is not listed at all, the second refuses arguments that are not listed. */
enum { LISTED, ARGUMENTS, PROGRAMS };

static struct sock_fprog programs[PROGRAMS];

static int add_partly(scmp_filter_ctx filter, size_t at, bool conditions)
{
	unsigned count = 0;

	while (conditions && count < 3 && partly[at].conditions[count].op != 0)
		count++;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, partly[at].call, count, partly[at].conditions);
}

static int fill(scmp_filter_ctx filter, int program)
{
	int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; result == 0 && i < sizeof whole / sizeof *whole; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, whole[i].call, 0);
	for (size_t i = 0; result == 0 && i < sizeof partly / sizeof *partly; i++)
		result = add_partly(filter, i, program == ARGUMENTS);
	for (size_t i = 0; result == 0 && program == LISTED && i < sizeof refused / sizeof *refused; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, refused[i], 0);
	return result;
}

/* Keeps the program in the kernel's form for every attempt; the library's own form is not kept. */
static int keep_program(scmp_filter_ctx filter, struct sock_fprog *program)
{
	int descriptor = memfd_create("portcullis-calls", MFD_CLOEXEC), result = -EIO;
	struct stat status;

	if (descriptor == -1)
		return -errno;
	if (seccomp_export_bpf(filter, descriptor) == 0 && fstat(descriptor, &status) == 0 &&
	    (program->filter = malloc((size_t)status.st_size)) != NULL &&
	    pread(descriptor, program->filter, (size_t)status.st_size, 0) == status.st_size) {
		program->len = (unsigned short)((size_t)status.st_size / sizeof *program->filter);
		result = 0;
	}
	close(descriptor);
	return result;
}

static int build(int program)
{
	scmp_filter_ctx filter =
	    seccomp_init(program == LISTED ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int result = filter == NULL ? -ENOMEM : fill(filter, program);

	if (result == 0)
		result = keep_program(filter, &programs[program]);
	if (filter != NULL)
		seccomp_release(filter);
	return result;
}

int confine_calls_build(struct err *e)
{
	for (int program = 0; program < PROGRAMS; program++) {
		int result = programs[program].len != 0 ? 0 : build(program);

		if (result != 0) {
			errno = -result;
			return err_errno(e, "openvpn's list of system calls can't be made");
		}
	}
	return 0;
}

int confine_calls_enter(void)
{
	for (int program = 0; program < PROGRAMS; program++) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[program], 0, 0) == -1)
			return -1;
	}
	return 0;
}
