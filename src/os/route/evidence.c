/* What the lists and answers of a BSD's kernel prove of the gate's routes and of its device. */
#include "os/route/evidence.h"

#include <string.h>

#include "base/text.h"
#include "os/route/twin.h"

/* Documentation's addresses are nobody's. In the lower half of IPv4 there are none, and none in all of IPv6
 * that is routed. */
const struct evidence_probe evidence_probes[EVIDENCE_PROBES] = {
    {"192.0.2.1", UINT8_MAX}, {"11.0.0.1", 8}, {"2001:db8::1", UINT8_MAX}, {"2600::1", 8}};

/* --- the device ----------------------------------------------------------------------------- */

struct examining {
	const struct wire_tunnel *tunnel;
	struct route_link link, device; /* link: whose addresses follow */
	bool has4, has6;
	const struct net_address *twin; /* of these two, what another link has too */
	char other[NET_NAME_SIZE];
};

static int examine(const struct route_message *message, void *argument)
{
	struct examining *found = argument;
	const struct wire_tunnel *tunnel = found->tunnel;
	bool is4, is6;

	if (message->kind == ROUTE_LINK) {
		found->link = message->link;
		if (strcmp(message->link.name, tunnel->name) == 0)
			found->device = message->link;
	}
	if (message->kind != ROUTE_ADDRESS)
		return 0;
	is4 = net_address_equal(&message->address.address, &tunnel->address4);
	is6 = net_address_equal(&message->address.address, &tunnel->address6);
	if (message->address.index == found->device.index) {
		found->has4 |= is4;
		found->has6 |= is6;
	} else if (is4 || is6) {
		found->twin = is4 ? &tunnel->address4 : &tunnel->address6;
		text_copy(found->other, sizeof found->other, found->link.name);
	}
	return 0;
}

static int find_all(const struct route_layout *layout, struct route_buffer interfaces,
		    struct examining *found, struct err *e)
{
	if (route_decode(layout, interfaces.bytes, interfaces.length, examine, found) != 0)
		return err_set(e, "%s: the kernel's list of links is not valid", layout->name);
	if (found->twin != NULL)
		return route_twin(found->twin, found->other, found->tunnel->name, e);
	return 0;
}

int evidence_alone(const struct route_layout *layout, struct route_buffer interfaces,
		   const struct wire_tunnel *tunnel, struct err *e)
{
	struct examining found = {.tunnel = tunnel};

	return find_all(layout, interfaces, &found, e);
}

int evidence_device(const struct route_layout *layout, struct route_buffer interfaces,
		    const struct wire_tunnel *tunnel, struct err *e)
{
	struct examining found = {.tunnel = tunnel};

	if (find_all(layout, interfaces, &found, e) == -1)
		return -1;
	if ((found.device.flags & LINK_UP) == 0)
		return err_set(e, "%s is down", tunnel->name);
	if (found.device.mtu != tunnel->mtu)
		return err_set(e, "%s has the MTU %u, not %u", tunnel->name, found.device.mtu, tunnel->mtu);
	if ((tunnel->address4.family != NET_NONE && !found.has4) ||
	    (tunnel->address6.family != NET_NONE && !found.has6))
		return err_set(e, "%s has lost its address", tunnel->name);
	return 0;
}

/* --- routes --------------------------------------------------------------------------------- */

struct seeking {
	const struct route_layout *layout;
	const struct net_prefix *to;
	unsigned index;
	bool ours, others;
};

/* What the kernel made of another route by itself, of a neighbour or for programs that name the link. */
static bool is_aside(const struct route_layout *layout, const struct route_route *route)
{
	return (route->flags & (ROUTE_NEIGHBOUR | layout->made | layout->scoped)) != 0;
}

static int seek(const struct route_message *message, void *argument)
{
	struct seeking *seeking = argument;
	const struct route_route *route = &message->route;

	if (message->kind != ROUTE_ROUTE || (route->flags & ROUTE_UP) == 0 ||
	    route->destination.length != seeking->to->length ||
	    !net_address_equal(&route->destination.address, &seeking->to->address))
		return 0;
	seeking->ours |= route->index == seeking->index;
	seeking->others |= route->index != seeking->index && !is_aside(seeking->layout, route);
	return 0;
}

bool evidence_stands(const struct route_layout *layout, struct route_buffer routes,
		     const struct net_prefix *to, unsigned index)
{
	struct seeking seeking = {.layout = layout, .to = to, .index = index};

	return route_decode(layout, routes.bytes, routes.length, seek, &seeking) == 0 && seeking.ours &&
	       !seeking.others;
}

bool evidence_taken(const struct route_layout *layout, const struct route_route *answer, unsigned index,
		    uint8_t own)
{
	if (index != 0)
		return answer->index != index && answer->destination.length < own;
	return !is_aside(layout, answer) && answer->destination.length > 0 &&
	       answer->destination.length < own;
}

bool evidence_changed(const struct route_layout *layout, const struct route_message *message,
		      const struct wire_tunnel *tunnel, unsigned index)
{
	const struct net_address *address = &message->address.address;

	switch (message->kind) {
	case ROUTE_ROUTE:
		return !message->answer && !is_aside(layout, &message->route);
	case ROUTE_LINK:
		return tunnel != NULL && message->link.index == index;
	case ROUTE_ADDRESS:
		return tunnel != NULL &&
		       (message->address.index == index || net_address_equal(address, &tunnel->address4) ||
			net_address_equal(address, &tunnel->address6));
	case ROUTE_ANNOUNCE:
	case ROUTE_OTHER:
		break;
	}
	return false;
}
