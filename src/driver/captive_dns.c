/* Captive DNS: answers on the loopback while the gate is shut. */
#include "driver/captive_dns.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "driver/captive_dns_answer.h"

/* This many queries of a flood are answered before others have their turn. */
enum { QUERIES_A_TURN = 32, QUERY_SIZE = 1232 };

/* A longer query is cut, and refused for that. If an answer can't be sent, the resolver asks again. */
static void queries_cb(evutil_socket_t fd, short what, void *argument)
{
	uint8_t query[QUERY_SIZE], answer[CAPTIVE_DNS_ANSWER_SIZE];

	(void)what, (void)argument;
	for (int i = 0; i < QUERIES_A_TURN; i++) {
		struct sockaddr_in from;
		socklen_t size = sizeof from;
		ssize_t got =
		    recvfrom(fd, query, sizeof query, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		size_t length;

		if (got == -1)
			return;
		if ((length = captive_dns_answer(query, (size_t)got, answer)) > 0)
			(void)sendto(fd, answer, length, MSG_DONTWAIT, (struct sockaddr *)&from, size);
	}
}

int captive_dns_new(struct event_base *base, int descriptor, struct event **event)
{
	struct stat status;

	*event = NULL;
	if (fstat(descriptor, &status) == -1 || !S_ISSOCK(status.st_mode))
		return 0;
	*event = event_new(base, descriptor, EV_READ | EV_PERSIST, queries_cb, NULL);
	return *event == NULL ? -1 : event_add(*event, NULL);
}

void captive_dns_free(struct event *event)
{
	if (event != NULL)
		event_free(event);
}
