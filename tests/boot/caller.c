/* A program that calls out as early and as often as it can, by every way that it finds: caller PHASE
 * [ROUNDS]. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The "internet" of the test's world. Not the router: a packet to it from a link without an address would
 * leave a neighbour entry with the broadcast address behind, and later packets would not reach the router. */
#define INTERNET4 "198.51.100.80"
#define INTERNET6 "2001:db8:80::80"

enum { ROUND_MS = 100, TAG_SIZE = 64, EXPERIMENTAL = 0x88b5, FIRST_TCP_PORT = 8000 };

struct call {
	const char *way, *address;
	int port;
};

/* The name of the way is in the payload: it identifies the frame in the capture. */
static const struct call calls[] = {
    {"udp4", INTERNET4, 9999},      {"dns4", INTERNET4, 53},          {"ntp4", INTERNET4, 123},
    {"mdns4", "224.0.0.251", 5353}, {"bcast4", "255.255.255.255", 9}, {"udp6", INTERNET6, 9999},
    {"mdns6", "ff02::fb", 5353},    {"all6", "ff02::1", 9},           {"quic4", INTERNET4, 443},
};

static const char *const phases[] = {"initrd", "early", "late", "shutdown"};
static const char *phase;

static void make_tag(char *tag, const char *way)
{
	memset(tag, 0, TAG_SIZE);
	snprintf(tag, TAG_SIZE, "calling-out:%s:%s:", phase, way);
}

/* Some are bound to the link, some are not: routes may be missing, or lead into a tunnel. */
static void bind_to(int fd, const char *link)
{
	if (link != NULL)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)strlen(link) + 1);
}

static socklen_t fill(struct sockaddr_storage *to, const char *address, int port, const char *link)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	if (strchr(address, ':') == NULL) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, address, &four->sin_addr);
		return sizeof *four;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, address, &six->sin6_addr);
	if (strncmp(address, "ff02", 4) == 0 && link != NULL)
		six->sin6_scope_id = if_nametoindex(link);
	return sizeof *six;
}

static void datagram(const struct call *call, const char *link)
{
	struct sockaddr_storage to;
	socklen_t size = fill(&to, call->address, call->port, link);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
	char tag[TAG_SIZE];

	if (fd == -1)
		return;
	make_tag(tag, call->way);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
	bind_to(fd, link);
	(void)sendto(fd, tag, sizeof tag, 0, (struct sockaddr *)&to, size);
	close(fd);
}

/* The first segment has no payload: the port says which phase it is. */
static void connection(const char *address, const char *link)
{
	struct sockaddr_storage to;
	int port = FIRST_TCP_PORT, fd;
	socklen_t size;

	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		port += strcmp(phases[i], phase) == 0 ? (int)i : 0;
	size = fill(&to, address, port, link);
	if ((fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return;
	bind_to(fd, link);
	(void)connect(fd, (struct sockaddr *)&to, size);
	close(fd);
}

static void echo(const char *address, const char *link)
{
	struct sockaddr_storage to;
	socklen_t size = fill(&to, address, 0, link);
	bool four = to.ss_family == AF_INET;
	int fd = socket(to.ss_family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			four ? IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	unsigned char packet[8 + TAG_SIZE] = {0};

	if (fd == -1)
		return;
	/* The checksum may be wrong: nobody has to answer. */
	packet[0] = four ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	make_tag((char *)packet + 8, four ? "icmp4" : "icmp6");
	bind_to(fd, link);
	(void)sendto(fd, packet, sizeof packet, 0, (struct sockaddr *)&to, size);
	close(fd);
}

/* A frame of an experimental protocol, which bypasses everything that knows about addresses. */
static void frame(const char *link)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(EXPERIMENTAL), .sll_halen = 6};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char tag[TAG_SIZE];

	if (fd == -1)
		return;
	make_tag(tag, "frame");
	memset(to.sll_addr, 0xff, 6);
	to.sll_ifindex = (int)if_nametoindex(link);
	(void)sendto(fd, tag, sizeof tag, 0, (struct sockaddr *)&to, sizeof to);
	close(fd);
}

/* Whatever set the link down, the caller wants it up. */
static void raise_link(const char *link)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", link);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
		request.ifr_flags |= IFF_UP;
		(void)ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

static void call_by(const char *link)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		datagram(&calls[i], link);
	connection(INTERNET4, link);
	connection(INTERNET6, link);
	echo(INTERNET4, link);
	echo(INTERNET6, link);
	if (link != NULL)
		frame(link);
}

static void one_round(void)
{
	struct if_nameindex *links = if_nameindex();

	call_by(NULL);
	for (struct if_nameindex *link = links; link != NULL && link->if_index != 0; link++) {
		if (strcmp(link->if_name, "lo") == 0)
			continue;
		if (strncmp(link->if_name, "tun", 3) != 0)
			raise_link(link->if_name);
		call_by(link->if_name);
	}
	if (links != NULL)
		if_freenameindex(links);
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = ROUND_MS * 1000000L};
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
	static char name[] = "@caller";

	if (argc < 2) {
		fprintf(stderr, "usage: caller PHASE [ROUNDS]\n");
		return 1;
	}
	phase = argv[1];
	/* systemd does not kill a process whose name begins with this character before the power is off. */
	if (argv[0][0] != '@') {
		argv[0] = name;
		execv("/proc/self/exe", argv);
	}
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (rounds < 0 || rounds-- > 0) {
		one_round();
		nanosleep(&pause, NULL);
	}
	return 0;
}
