/* Each try is one thing that somebody with a captured process would do next. Tests only. */
#include "tries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int result_of(long result)
{
	return result == -1 ? errno : 0;
}

/* --- what leaves */

static int send_from(int descriptor, const char *address, int port, const char *link)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int on = 1;

	if (descriptor == -1)
		return errno;
	if (link != NULL &&
	    setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)strlen(link)) == -1)
		return errno;
	(void)setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
	if (inet_pton(AF_INET, address, &to4.sin_addr) == 1)
		return result_of(sendto(descriptor, "CAPTURED", 8, 0, (struct sockaddr *)&to4, sizeof to4));
	if (inet_pton(AF_INET6, address, &to6.sin6_addr) == 1)
		return result_of(sendto(descriptor, "CAPTURED", 8, 0, (struct sockaddr *)&to6, sizeof to6));
	return EINVAL;
}

static int udp(const char *address, int port, const char *link)
{
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;

	return send_from(socket(family, SOCK_DGRAM, 0), address, port, link);
}

static int tcp(const char *address, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval second = {.tv_sec = 1};

	inet_pton(AF_INET, address, &to.sin_addr);
	(void)setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
	return result_of(connect(descriptor, (struct sockaddr *)&to, sizeof to));
}

static int udp4(const struct target *t)
{
	return udp(t->internet4, 5300, NULL);
}
static int udp6(const struct target *t)
{
	return udp(t->internet6, 5300, NULL);
}
static int udp_by_the_link(const struct target *t)
{
	return udp(t->internet4, 5300, t->link);
}
static int loopback_resolver(const struct target *t)
{
	(void)t;
	return udp("127.0.0.1", 53, NULL);
}
static int udp_to_the_server_s_other_port(const struct target *t)
{
	return udp(t->server4, 5300, NULL);
}
static int broadcast(const struct target *t)
{
	return udp("255.255.255.255", 5300, t->link);
}
static int tcp4(const struct target *t)
{
	return tcp(t->internet4, 443);
}
static int listen_tcp(const struct target *t)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(5301)};

	(void)t;
	return result_of(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at));
}
static int fast_open(const struct target *t)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(443)};

	inet_pton(AF_INET, t->internet4, &to.sin_addr);
	return result_of(sendto(socket(AF_INET, SOCK_STREAM, 0), "CAPTURED", 8, MSG_FASTOPEN,
				(struct sockaddr *)&to, sizeof to));
}

#define FAMILY(name, ...)                                                                                    \
	static int name(const struct target *t)                                                              \
	{                                                                                                    \
		(void)t;                                                                                     \
		return result_of(socket(__VA_ARGS__));                                                       \
	}
FAMILY(packet_raw, AF_PACKET, SOCK_RAW, 0)
FAMILY(packet_dgram, AF_PACKET, SOCK_DGRAM, 0)
FAMILY(netlink_route, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
FAMILY(netlink_netfilter, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
FAMILY(netlink_xfrm, AF_NETLINK, SOCK_RAW, NETLINK_XFRM)
FAMILY(netlink_generic, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)
FAMILY(raw4, AF_INET, SOCK_RAW, IPPROTO_RAW)
FAMILY(raw6, AF_INET6, SOCK_RAW, IPPROTO_RAW)
FAMILY(icmp, AF_INET, SOCK_RAW, IPPROTO_ICMP)
FAMILY(ping, AF_INET, SOCK_DGRAM, IPPROTO_ICMP)
FAMILY(udplite, AF_INET, SOCK_DGRAM, 136)
FAMILY(sctp, AF_INET, SOCK_STREAM, 132)
FAMILY(mptcp, AF_INET, SOCK_STREAM, 262)
FAMILY(unix_datagram, AF_UNIX, SOCK_DGRAM, 0)
FAMILY(vsock, AF_VSOCK, SOCK_STREAM, 0)
FAMILY(alg, AF_ALG, SOCK_SEQPACKET, 0)
FAMILY(xdp, AF_XDP, SOCK_RAW, 0)
FAMILY(key, AF_KEY, SOCK_RAW, 2)
FAMILY(bluetooth, AF_BLUETOOTH, SOCK_RAW, 1)
FAMILY(can, AF_CAN, SOCK_RAW, 1)
FAMILY(tipc, AF_TIPC, SOCK_DGRAM, 0)

static int option(int level, int name)
{
	int value = 0x706f7274; /* the gate's mark */

	return result_of(setsockopt(socket(AF_INET, SOCK_DGRAM, 0), level, name, &value, sizeof value));
}
static int the_gate_s_mark(const struct target *t)
{
	(void)t;
	return option(SOL_SOCKET, SO_MARK);
}
static int bound_to_an_index(const struct target *t)
{
	int index = (int)if_nametoindex(t->link), descriptor = socket(AF_INET, SOCK_DGRAM, 0);

	return result_of(setsockopt(descriptor, SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, &index, sizeof index));
}
static int socket_filter(const struct target *t)
{
	(void)t;
	return option(SOL_SOCKET, SO_ATTACH_FILTER);
}

/* --- links, routes, devices */

static int on_device(const char *name, unsigned long request, unsigned long argument)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int tun = open("/dev/net/tun", O_RDWR), result = errno;

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (tun == -1)
		return result;
	result = result_of(ioctl(tun, TUNSETIFF, &ifr));
	if (result == 0 && request != 0)
		result = result_of(ioctl(tun, request, argument));
	close(tun);
	return result;
}
static int its_own_device(const struct target *t)
{
	return on_device(t->tunnel, 0, 0);
}
static int another_device(const struct target *t)
{
	(void)t;
	return on_device("captured9", 0, 0);
}
static int device_s_owner(const struct target *t)
{
	return on_device(t->tunnel, TUNSETOWNER, 65534);
}
static int device_s_group(const struct target *t)
{
	return on_device(t->tunnel, TUNSETGROUP, 65534);
}
static int device_goes(const struct target *t)
{
	return on_device(t->tunnel, TUNSETPERSIST, 0);
}
static int device_s_carrier(const struct target *t)
{
	static int off;

	return on_device(t->tunnel, TUNSETCARRIER, (unsigned long)&off);
}
static int by_socket(unsigned long request, void *argument)
{
	return result_of(ioctl(socket(AF_INET, SOCK_DGRAM, 0), request, argument));
}
static int link_flags(const struct target *t)
{
	struct ifreq ifr = {.ifr_flags = IFF_UP};

	strncpy(ifr.ifr_name, t->link, IFNAMSIZ - 1);
	return by_socket(SIOCSIFFLAGS, &ifr);
}
static int link_address(const struct target *t)
{
	struct ifreq ifr = {.ifr_flags = 0};
	struct sockaddr_in *address = (struct sockaddr_in *)&ifr.ifr_addr;

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s:9", t->link);
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(0x0a090909);
	return by_socket(SIOCSIFADDR, &ifr);
}
static int a_route(const struct target *t)
{
	struct rtentry route = {.rt_flags = RTF_UP};
	struct sockaddr_in *to = (struct sockaddr_in *)&route.rt_dst,
			   *mask = (struct sockaddr_in *)&route.rt_genmask;

	to->sin_family = mask->sin_family = AF_INET;
	to->sin_addr.s_addr = htonl(0x0a090900);
	mask->sin_addr.s_addr = htonl(0xffffff00);
	route.rt_dev = (char *)(unsigned long)t->link;
	return by_socket(SIOCADDRT, &route);
}

/* --- processes */

static int kill_the_daemon(const struct target *t)
{
	return result_of(kill(t->daemon, 0));
}
static int kill_another(const struct target *t)
{
	return result_of(kill(t->victim, 0));
}
static int kill_all(const struct target *t)
{
	(void)t;
	return result_of(kill(-1, 0));
}
static int kill_itself(const struct target *t)
{
	(void)t;
	return result_of(kill(getpid(), 0));
}
static int trace(const struct target *t)
{
	return result_of(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, t->victim, 0, 0));
}
static int a_fork(const struct target *t)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)t;
	if (pid == 0)
		_exit(0);
	return result_of(pid);
}
static int a_thread(const struct target *t)
{
	static const unsigned long arguments[8]; /* flags 0: a fork */
	long pid = syscall(SYS_clone3, arguments, sizeof arguments);

	(void)t;
	if (pid == 0)
		_exit(0);
	return result_of(pid);
}
static int run(const char *path)
{
	char *const argv[] = {(char *)(unsigned long)path, NULL};
	static char *const environment[] = {NULL};

	return result_of(execve(path, argv, environment));
}
static int a_shell(const struct target *t)
{
	(void)t;
	return run("/bin/sh");
}
static int a_program(const struct target *t)
{
	(void)t;
	return run("/usr/bin/true");
}
/* The loader may be executed, but it must be able to read what it is to load. */
static int a_program_by_the_loader(const struct target *t)
{
	static char *const environment[] = {NULL};
	char *const argv[] = {"ld.so", "/usr/bin/true", NULL};

	(void)t;
	execve("/lib64/ld-linux-x86-64.so.2", argv, environment);
	execve("/lib/ld-linux-aarch64.so.1", argv, environment);
	return errno;
}

/* --- files */

static int opens(const char *path, int flags)
{
	return result_of(open(path, flags, 0600));
}
#define OPEN(name, path, flags)                                                                              \
	static int name(const struct target *t)                                                              \
	{                                                                                                    \
		(void)t;                                                                                     \
		return opens(path, flags);                                                                   \
	}
OPEN(shadow, "/etc/shadow", O_RDONLY)
OPEN(passwd, "/etc/passwd", O_RDONLY)
OPEN(certificates, "/etc/ssl/certs", O_RDONLY)
OPEN(core_pattern, "/proc/sys/kernel/core_pattern", O_WRONLY)
OPEN(core_pattern_read, "/proc/sys/kernel/core_pattern", O_RDONLY)
OPEN(own_memory, "/proc/self/mem", O_RDWR)
OPEN(own_maps, "/proc/self/maps", O_RDONLY)
OPEN(netlink_addresses, "/proc/net/netlink", O_RDONLY)
OPEN(host_name, "/etc/hostname", O_RDONLY)
OPEN(null_device, "/dev/null", O_WRONLY)
OPEN(terminal, "/dev/tty", O_RDWR)
OPEN(kernel_memory, "/dev/mem", O_RDWR)
OPEN(kernel_log, "/dev/kmsg", O_WRONLY)
OPEN(a_new_file, "/tmp/captured", O_WRONLY | O_CREAT)
OPEN(a_nameless_file, "/tmp", O_WRONLY | O_TMPFILE)
OPEN(root_folder, "/", O_RDONLY)
OPEN(temporary_folder, "/tmp", O_RDONLY)
OPEN(profile, t->profile, O_RDONLY)
OPEN(marker, t->marker, O_WRONLY | O_CREAT)
OPEN(marker_read, t->marker, O_RDONLY)
OPEN(runtime, t->runtime, O_RDONLY)
OPEN(a_library_for_writing, "/lib/x86_64-linux-gnu/libc.so.6", O_RDWR)

static int of_process(int pid, const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
	return opens(path, flags);
}
static int memory_of_the_daemon(const struct target *t)
{
	return of_process(t->daemon, "mem", O_RDWR);
}
static int memory_of_another(const struct target *t)
{
	return of_process(t->victim, "mem", O_RDWR);
}
static int words_of_another(const struct target *t)
{
	return of_process(t->victim, "cmdline", O_RDONLY);
}

/* --- sockets of others */

static int connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	return result_of(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
}
static int control(const struct target *t)
{
	return connect_to(t->control);
}
static int admin_socket(const struct target *t)
{
	return connect_to(t->admin_socket);
}
static int bus(const struct target *t)
{
	return connect_to(t->bus);
}
static int abstract(const struct target *t)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "\0captured"};

	(void)t;
	return result_of(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to,
				 offsetof(struct sockaddr_un, sun_path) + 9));
}
static int claim_a_pid(const struct target *t)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control = {.header = {CMSG_LEN(sizeof(struct ucred)), SOL_SOCKET, SCM_CREDENTIALS}};
	struct ucred who = {.pid = t->daemon};
	struct iovec word = {"x", 1};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct msghdr message = {
	    .msg_iov = &word, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(to.sun_path, t->bus, sizeof to.sun_path - 1);
	memcpy(CMSG_DATA(&control.header), &who, sizeof who);
	if (connect(descriptor, (struct sockaddr *)&to, sizeof to) == -1)
		return errno;
	return result_of(sendmsg(descriptor, &message, 0));
}

/* --- itself */

static int executable_memory(const struct target *t)
{
	(void)t;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? errno
		   : 0;
}
static int made_executable(const struct target *t)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return result_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int more_files(const struct target *t)
{
	const struct rlimit many = {1024, 1024};

	(void)t;
	return result_of(prlimit(0, RLIMIT_NOFILE, &many, NULL));
}
static int dumpable(const struct target *t)
{
	(void)t;
	return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int outlive_the_parent(const struct target *t)
{
	(void)t;
	return result_of(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}
static int many_descriptors(const struct target *t)
{
	(void)t;
	for (int i = 0; i < 100; i++) {
		if (dup(0) == -1)
			return errno;
	}
	return 0;
}

#define WORK(name, function)                                                                                 \
	{                                                                                                    \
		name, TRY_WORKS, function, 0                                                                 \
	}
#define ARRIVE(name, function)                                                                               \
	{                                                                                                    \
		name, TRY_ARRIVES, function, 0                                                               \
	}
#define CALL(name)                                                                                           \
	{                                                                                                    \
#name, TRY_ARRIVES, NULL, SYS_##name                                                         \
	}
#define NEVER(name)                                                                                          \
	{                                                                                                    \
#name, TRY_NEVER, NULL, SYS_##name                                                           \
	}

const struct try tries[] = {
    WORK("udp4", udp4),
    WORK("udp6", udp6),
    WORK("udp by the link", udp_by_the_link),
    WORK("udp to the server's other port", udp_to_the_server_s_other_port),
    WORK("a resolver on the loopback", loopback_resolver),
    WORK("broadcast", broadcast),
    WORK("tcp4", tcp4),
    WORK("listen by tcp", listen_tcp),
    ARRIVE("tcp fast open", fast_open),
    WORK("packet socket", packet_raw),
    WORK("packet datagram", packet_dgram),
    WORK("netlink route", netlink_route),
    WORK("netlink netfilter", netlink_netfilter),
    ARRIVE("netlink xfrm", netlink_xfrm),
    WORK("netlink generic", netlink_generic),
    WORK("raw", raw4),
    WORK("raw IPv6", raw6),
    WORK("raw icmp", icmp),
    ARRIVE("ping socket", ping),
    ARRIVE("udplite", udplite),
    ARRIVE("sctp", sctp),
    ARRIVE("mptcp", mptcp),
    WORK("unix datagram", unix_datagram),
    ARRIVE("vsock", vsock),
    ARRIVE("kernel crypto", alg),
    ARRIVE("xdp socket", xdp),
    ARRIVE("key socket", key),
    ARRIVE("bluetooth", bluetooth),
    ARRIVE("can", can),
    ARRIVE("tipc", tipc),
    WORK("the gate's mark", the_gate_s_mark),
    WORK("bound to an index", bound_to_an_index),
    ARRIVE("socket filter", socket_filter),
    WORK("its own device", its_own_device),
    WORK("another device", another_device),
    WORK("device's owner", device_s_owner),
    WORK("device's group", device_s_group),
    WORK("device's carrier", device_s_carrier),
    WORK("device goes", device_goes),
    WORK("link's flags", link_flags),
    WORK("link's address", link_address),
    WORK("a route", a_route),
    WORK("signal to the daemon", kill_the_daemon),
    WORK("signal to another", kill_another),
    ARRIVE("signal to all", kill_all),
    WORK("signal to itself", kill_itself),
    ARRIVE("ptrace", trace),
    WORK("fork", a_fork),
    WORK("clone3", a_thread),
    WORK("a shell", a_shell),
    WORK("a program", a_program),
    WORK("a program by the loader", a_program_by_the_loader),
    WORK("shadow", shadow),
    WORK("passwd", passwd),
    WORK("certificates", certificates),
    {"core_pattern", TRY_NEVER, core_pattern, 0},
    WORK("core_pattern to read", core_pattern_read),
    WORK("own memory", own_memory),
    WORK("own maps", own_maps),
    WORK("netlink addresses", netlink_addresses),
    WORK("host name", host_name),
    WORK("null device", null_device),
    ARRIVE("terminal", terminal),
    {"kernel memory", TRY_NEVER, kernel_memory, 0},
    {"kernel log", TRY_NEVER, kernel_log, 0},
    WORK("a new file", a_new_file),
    WORK("a nameless file", a_nameless_file),
    WORK("root folder", root_folder),
    WORK("temporary folder", temporary_folder),
    WORK("profile", profile),
    {"off marker", TRY_NEVER, marker, 0},
    ARRIVE("off marker to read", marker_read),
    WORK("runtime folder", runtime),
    ARRIVE("a library for writing", a_library_for_writing),
    WORK("memory of the daemon", memory_of_the_daemon),
    WORK("memory of another", memory_of_another),
    WORK("words of another", words_of_another),
    WORK("control socket", control),
    WORK("gate.sock", admin_socket),
    WORK("a socket for everybody", bus),
    WORK("an abstract socket", abstract),
    ARRIVE("claim a pid", claim_a_pid),
    WORK("executable memory", executable_memory),
    WORK("made executable", made_executable),
    WORK("more files", more_files),
    WORK("dumpable", dumpable),
    WORK("outlive the parent", outlive_the_parent),
    WORK("many descriptors", many_descriptors),
    CALL(execveat),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(pidfd_open),
    CALL(pidfd_send_signal),
    CALL(pidfd_getfd),
    CALL(rt_sigqueueinfo),
    CALL(tgkill),
    CALL(io_uring_setup),
    CALL(io_uring_enter),
    CALL(io_setup),
    CALL(bpf),
    CALL(userfaultfd),
    CALL(perf_event_open),
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
    CALL(setns),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(fsopen),
    CALL(open_tree),
    CALL(move_mount),
    CALL(mount_setattr),
    CALL(seccomp),
    CALL(landlock_create_ruleset),
    CALL(capset),
    CALL(setgroups),
    CALL(personality),
    CALL(memfd_create),
    CALL(memfd_secret),
    CALL(open_by_handle_at),
    CALL(name_to_handle_at),
    CALL(openat2),
    CALL(mkdirat),
    CALL(unlinkat),
    CALL(renameat2),
    CALL(linkat),
    CALL(symlinkat),
    CALL(mknodat),
    CALL(fchmodat),
    CALL(fchownat),
    CALL(truncate),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(setxattr),
    CALL(utimensat),
    CALL(getdents64),
    CALL(chdir),
    CALL(inotify_init1),
    CALL(fanotify_init),
    CALL(shmget),
    CALL(msgget),
    CALL(semget),
    CALL(mq_open),
    CALL(socketpair),
    CALL(listen),
    CALL(accept4),
    CALL(sendmmsg),
    CALL(splice),
    CALL(tee),
    CALL(vmsplice),
    CALL(sendfile),
    CALL(copy_file_range),
    CALL(sched_setscheduler),
    CALL(setpriority),
    CALL(ioprio_set),
    CALL(kcmp),
    CALL(timer_create),
    CALL(signalfd4),
    CALL(mlock),
    CALL(init_module),
    NEVER(unshare),
    NEVER(setuid),
    NEVER(setgid),
    NEVER(setresuid),
    NEVER(delete_module),
    NEVER(kexec_load),
    NEVER(reboot),
    NEVER(swapoff),
    NEVER(sethostname),
    NEVER(clock_settime),
    NEVER(settimeofday),
    NEVER(adjtimex),
    NEVER(acct),
    NEVER(quotactl),
    NEVER(syslog),
    NEVER(vhangup),
};
const size_t tries_count = sizeof tries / sizeof *tries;

int try_run(const struct try *try, const struct target *target)
{
	if (try->run != NULL)
		return try->run(target);
	return result_of(syscall(try->call, -1L, 0L, 0L, 0L, 0L, 0L));
}

bool target_set(struct target *target, const char *word)
{
	const struct {
		const char *key;
		const char **text;
		int *number;
	} keys[] = {{"internet4=", &target->internet4, NULL}, {"internet6=", &target->internet6, NULL},
		    {"server4=", &target->server4, NULL},     {"link=", &target->link, NULL},
		    {"tunnel=", &target->tunnel, NULL},       {"control=", &target->control, NULL},
		    {"admin=", &target->admin_socket, NULL},  {"bus=", &target->bus, NULL},
		    {"profile=", &target->profile, NULL},     {"marker=", &target->marker, NULL},
		    {"last=", &target->last, NULL},           {"runtime=", &target->runtime, NULL},
		    {"port=", NULL, &target->port},           {"daemon=", NULL, &target->daemon},
		    {"victim=", NULL, &target->victim}};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t length = strlen(keys[i].key);

		if (strncmp(word, keys[i].key, length) != 0)
			continue;
		if (keys[i].text != NULL)
			*keys[i].text = word + length;
		else
			*keys[i].number = atoi(word + length);
		return true;
	}
	return false;
}
