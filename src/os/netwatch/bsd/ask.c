/* The network port on macOS and the BSDs: the kernel's answer to a question about one address. */
#include <errno.h>
#include <poll.h>
#include <sys/types.h>

#include <unistd.h>

#include "os/host/clock.h"
#include "os/netwatch/bsd/route_socket.h"

/* The answer comes through the same queue as the news of others. */
enum { PATIENCE_MS = 50 };

struct asking {
	uint32_t sequence;
	struct route_route *answer;
};

static int take(const struct route_message *message, void *argument)
{
	struct asking *asking = argument;

	if (message->kind != ROUTE_ROUTE || !message->answer || message->pid != getpid() ||
	    message->sequence != asking->sequence)
		return 0;
	*asking->answer = message->route;
	return 1;
}

static int await(int socket, struct asking *asking)
{
	_Alignas(8) char bytes[ROUTE_MESSAGE_SIZE];
	int64_t deadline = clock_steady_ms() + PATIENCE_MS;
	struct pollfd readable = {.fd = socket, .events = POLLIN};

	do {
		ssize_t length = read(socket, bytes, sizeof bytes);

		if (length > 0 && route_is_one(bytes, (size_t)length) &&
		    route_decode(route_layout_here, bytes, (size_t)length, take, asking) == 1)
			return 0;
		if (length == -1 && errno == EAGAIN)
			(void)poll(&readable, 1, clock_left_ms(deadline));
	} while (clock_steady_ms() < deadline);
	return ETIMEDOUT;
}

int route_query(const struct net_address *to, struct route_route *answer)
{
	static uint32_t sequence;
	_Alignas(8) char question[ROUTE_QUESTION_SIZE];
	struct asking asking = {++sequence, answer};
	size_t length = route_encode_get(route_layout_here, to, sequence, question, sizeof question);
	int socket = route_socket(), failure = 0;

	if (socket == -1)
		return errno;
	if (write(socket, question, length) != (ssize_t)length)
		failure = errno;
	else
		failure = await(socket, &asking);
	close(socket);
	if (failure == 0 && (answer->flags & (ROUTE_REJECT | ROUTE_BLACKHOLE)) != 0)
		return ESRCH;
	return failure;
}
