/* Netlink with the kernel: sockets, requests, answers to their end. */
#include "os/netwatch/linux/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "os/host/clock.h"

enum { WAIT_MS = 2000, DATAGRAM = 64 * 1024, DUMP_TRIES = 8 };

struct netlink {
	struct mnl_socket *socket;
	uint32_t number;
	_Alignas(8) char datagram[DATAGRAM];
};

static int bind_to(struct mnl_socket *socket, uint32_t wanted)
{
	if (wanted != 0 && mnl_socket_bind(socket, 0, (pid_t)wanted) == 0)
		return 0;
	if (wanted != 0 && errno != EADDRINUSE)
		return -1;
	return mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID);
}

/* Connected, it receives what the kernel sends to it alone, and no other process's: those get
 * ECONNREFUSED. What is sent to a group is not held back by that: see `is_the_kernels`. */
static int connect_to_kernel(struct mnl_socket *socket)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return connect(mnl_socket_get_fd(socket), (const void *)&kernel, sizeof kernel);
}

struct netlink *netlink_open(int protocol, uint32_t wanted, int queue)
{
	struct netlink *n = calloc(1, sizeof *n);
	int fd;

	if (n == NULL)
		return NULL;
	n->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (n->socket == NULL || bind_to(n->socket, wanted) == -1 || connect_to_kernel(n->socket) == -1) {
		int failure = errno;

		netlink_close(n);
		errno = failure;
		return NULL;
	}
	fd = netlink_fd(n);
	/* A larger queue is only a convenience, and only root may have it; otherwise the default must do. */
	if (queue != 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof queue);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
	}
	/* An error need not carry all of what it is about. */
	(void)mnl_socket_setsockopt(n->socket, NETLINK_CAP_ACK, &(int){1}, sizeof(int));
	return n;
}

void netlink_close(struct netlink *n)
{
	if (n == NULL)
		return;
	if (n->socket != NULL)
		mnl_socket_close(n->socket);
	free(n);
}

int netlink_fd(const struct netlink *n)
{
	return mnl_socket_get_fd(n->socket);
}

uint32_t netlink_address(const struct netlink *n)
{
	return mnl_socket_get_portid(n->socket);
}

int netlink_join(struct netlink *n, int group)
{
	return mnl_socket_setsockopt(n->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

uint32_t netlink_number(struct netlink *n)
{
	return ++n->number;
}

int netlink_send(struct netlink *n, const void *bytes, size_t size)
{
	return mnl_socket_sendto(n->socket, bytes, size) == -1 ? -errno : 0;
}

/* Not by mnl_nlmsg_ok: it takes a length of 2 GiB and more for a negative one (libmnl 1.0.4). */
static int walk(const char *at, size_t length, netlink_message_fn *each, void *argument)
{
	for (size_t step; length > 0; at += step, length -= step) {
		const struct nlmsghdr *message = (const void *)at;

		if (length < sizeof *message || message->nlmsg_len < sizeof *message ||
		    message->nlmsg_len > length)
			return -EPROTO;
		step = MNL_ALIGN(message->nlmsg_len);
		if (step > length)
			step = length;
		if (each != NULL)
			each(message, argument);
	}
	return 1;
}

/* Whoever has CAP_NET_ADMIN may write to anybody's socket, and to a group: with an address of its
 * own, which the kernel puts there. The kernel's is 0, and nobody else can have that. */
static bool is_the_kernels(const struct msghdr *received, const struct sockaddr_nl *sender)
{
	return received->msg_namelen == sizeof *sender && sender->nl_family == AF_NETLINK &&
	       sender->nl_pid == 0;
}

int netlink_receive(struct netlink *n, netlink_message_fn *each, void *argument)
{
	struct sockaddr_nl sender = {.nl_family = AF_UNSPEC};
	struct iovec room = {n->datagram, sizeof n->datagram};
	struct msghdr received = {.msg_iov = &room, .msg_iovlen = 1};
	ssize_t size;

	do {
		received.msg_name = &sender;
		received.msg_namelen = sizeof sender;
		size = recvmsg(netlink_fd(n), &received, MSG_DONTWAIT | MSG_TRUNC);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	if (!is_the_kernels(&received, &sender))
		return 1;
	return (size_t)size > sizeof n->datagram ? -EPROTO : walk(n->datagram, (size_t)size, each, argument);
}

bool netlink_receive_all(struct netlink *n, int datagrams, netlink_message_fn *each, void *argument)
{
	bool whole = true;

	for (int i = 0; i < datagrams; i++) {
		int result = netlink_receive(n, each, argument);

		whole = whole && result >= 0;
		if (result == 0 || (result < 0 && result != -ENOBUFS && result != -EPROTO))
			break;
	}
	return whole;
}

/* As netlink_receive, but waits for something to be there, until `deadline`. */
static int receive_until(struct netlink *n, int64_t deadline, netlink_message_fn *each, void *argument)
{
	struct pollfd readable = {.fd = netlink_fd(n), .events = POLLIN};
	int result;

	while ((result = netlink_receive(n, each, argument)) == 0) {
		int64_t left = deadline - clock_steady_ms();

		if (left <= 0 || (poll(&readable, 1, (int)left) == -1 && errno != EINTR))
			return -ETIMEDOUT;
	}
	return result;
}

struct progress {
	uint32_t number;
	netlink_message_fn *each;
	void *argument;
	bool over, interrupted;
	int result;
};

/* An error carries a negative errno; so does the end of a dump that failed. */
static int result_of(const struct nlmsghdr *message)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof code)
		memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
	return code > 0 || code < -4095 ? -EPROTO : code;
}

static void read_answer(const struct nlmsghdr *message, void *argument)
{
	struct progress *progress = argument;

	if (message->nlmsg_seq != progress->number || progress->over)
		return; /* an answer that an earlier request gave up on */
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		progress->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
		progress->result = result_of(message);
		progress->over = true;
	} else if (progress->each != NULL) {
		progress->each(message, progress->argument);
	}
}

int netlink_request(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each, void *argument)
{
	struct progress progress = {.number = netlink_number(n), .each = each, .argument = argument};
	int64_t deadline = clock_steady_ms() + WAIT_MS;
	int result;

	request->nlmsg_seq = progress.number;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	result = netlink_send(n, request, request->nlmsg_len);
	if (result != 0)
		return result;
	while (!progress.over) {
		result = receive_until(n, deadline, read_answer, &progress);
		if (result < 0)
			return result;
		/* What is received need not be the answer: others may write without end. */
		if (!progress.over && clock_steady_ms() >= deadline)
			return -ETIMEDOUT;
	}
	return progress.result != 0 ? progress.result : progress.interrupted ? -EINTR : 0;
}

int netlink_dump(struct netlink *n, struct nlmsghdr *request, netlink_message_fn *each,
		 void (*again)(void *argument), void *argument)
{
	int result;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	for (int tries = 1;
	     (result = netlink_request(n, request, each, argument)) == -EINTR && tries < DUMP_TRIES; tries++)
		if (again != NULL)
			again(argument);
	return result;
}
