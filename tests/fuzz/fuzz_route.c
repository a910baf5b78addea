/* Any bytes as the output of a route socket or its sysctl; the first one chooses the platform. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/netwatch/bsd/facts.h"
#include "os/route/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzzing {
	const struct route_layout *layout;
	struct route_links known;
	struct route_news news;
	size_t bound; /* of the buffer: no message is empty */
};

static void lost(const char *name, unsigned index, void *argument)
{
	(void)argument;
	if (index == 0 || memchr(name, '\0', NET_NAME_SIZE) == NULL)
		abort();
}

/* What is removed is what was found: the message says the same again. */
static int same_route(const struct route_message *message, void *argument)
{
	const struct route_route *before = argument;

	if (message->kind != ROUTE_ROUTE || !message->gone ||
	    memcmp(&message->route.destination, &before->destination, sizeof before->destination) != 0)
		abort();
	return 1;
}

/* And a question is about what it was made for. */
static int same_question(const struct route_message *message, void *argument)
{
	const struct route_route *about = argument;

	if (message->kind != ROUTE_ROUTE || !message->answer || message->sequence != 7 ||
	    !net_address_equal(&message->route.destination.address, &about->destination.address))
		abort();
	return 1;
}

static void check_route(const struct route_layout *layout, const struct route_route *route)
{
	_Alignas(8) char bytes[512];
	struct route_route copy = *route;
	size_t length;

	if (route->destination.address.family == NET_NONE || !net_prefix_is_clean(&route->destination) ||
	    route->destination.length > (route->destination.address.family == NET_IPV4 ? 32 : 128))
		abort();
	length = route_encode_get(layout, &route->destination.address, 7, bytes, sizeof bytes);
	if (length == 0 || route_decode(layout, bytes, length, same_question, &copy) != 1)
		abort();
	length = route_encode_delete(layout, route, 1, bytes, sizeof bytes);
	if (length == 0 || route_decode(layout, bytes, length, same_route, &copy) != 1)
		abort();
}

static int check(const struct route_message *message, void *argument)
{
	struct fuzzing *fuzzing = argument;

	if (fuzzing->bound-- == 0)
		abort();
	if (message->kind == ROUTE_LINK &&
	    (message->link.index == 0 || memchr(message->link.name, '\0', NET_NAME_SIZE) == NULL ||
	     (message->link.name[0] != '\0' && !net_is_interface_name(message->link.name))))
		abort();
	if (message->kind == ROUTE_ADDRESS && message->address.address.family == NET_NONE)
		abort();
	if (message->kind == ROUTE_ROUTE)
		check_route(fuzzing->layout, &message->route);
	if (message->kind == ROUTE_ROUTE && evidence_taken(fuzzing->layout, &message->route, 33, 8) &&
	    message->route.index == 33)
		abort();
	if (message->answer && evidence_changed(fuzzing->layout, message, NULL, 0))
		abort();
	(void)route_update(&fuzzing->known, fuzzing->layout, message, &fuzzing->news);
	return 0;
}

static void ask(const struct route_layout *layout, struct route_buffer buffer)
{
	static struct situation s;
	static struct route_links links;
	const struct net_address to = {NET_IPV4, {203, 0, 113, 7}}, own = {NET_IPV4, {10, 8, 0, 2}};
	const struct wire_tunnel tunnel = {
	    .name = "utun87", .address4 = {NET_IPV4, {10, 8, 0, 2}}, .mtu = 1500};
	const struct net_prefix half = {{NET_IPV4, {128}}, 1};
	struct route_news news = {.lost = lost};
	struct route_route found[4];
	size_t count;
	unsigned index = 0;

	memset(&s, 0, sizeof s);
	if (route_fill(layout, buffer, buffer, "tun87", &s, NULL) == 0 &&
	    (s.link_count > SITUATION_LINKS || s.neighbour_count > SITUATION_NEIGHBOURS))
		abort();
	if (route_tunnel(layout, buffer, "utun87", &own, NULL, &index, NULL) == 0 && index == 0)
		abort();
	(void)evidence_alone(layout, buffer, &tunnel, NULL);
	if (evidence_device(layout, buffer, &tunnel, NULL) == 0 &&
	    evidence_alone(layout, buffer, &tunnel, NULL) == -1)
		abort();
	if (evidence_stands(layout, buffer, &half, 33) && evidence_stands(layout, buffer, &half, 4))
		abort();
	(void)route_leftovers(layout, buffer, &to, found, 4, &count, NULL);
	if (count > 4)
		abort();
	links.count = 0;
	if (route_links(layout, buffer, &links, NULL) == 0) {
		static struct route_links known;

		route_compare(&known, layout, &links, &news);
		route_forget(&known, &news);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzzing fuzzing;
	struct route_buffer buffer;

	if (size == 0)
		return 0;
	memset(&fuzzing, 0, sizeof fuzzing);
	fuzzing.layout = route_layouts[data[0] % 3];
	fuzzing.news.lost = lost;
	fuzzing.bound = size / 4;
	buffer.length = size - 1;
	buffer.bytes = malloc(size); /* its end is watched */
	if (buffer.bytes == NULL)
		return 0;
	memcpy(buffer.bytes, data + 1, size - 1);
	(void)route_links(fuzzing.layout, buffer, &fuzzing.known, NULL);
	(void)route_decode(fuzzing.layout, buffer.bytes, buffer.length, check, &fuzzing);
	ask(fuzzing.layout, buffer);
	free(buffer.bytes);
	return 0;
}
