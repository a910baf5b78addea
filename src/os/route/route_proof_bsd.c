/* The route port on macOS and FreeBSD: what the kernel's own routing answers. A packet that is answered for
 * this machine is so by its address, which stands on the device alone. */
#include "os/route/route.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>

#include "base/text.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"
#include "os/route/evidence.h"
#include "os/route/route_bsd.h"

static int prove_lines(const struct wire_tunnel *tunnel, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX], *lines = route_standing()->lines;
	struct route_lists lists;
	char line[160];
	size_t count;
	int result = route_lists_read(&lists, e);

	while (result == 0 &&
	       (count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0)
		if (!route_line_stands(&lists, words, count))
			result = err_set(e, "the route to %s is not into %s alone", words[1], tunnel->name);
	route_lists_release(&lists);
	return result;
}

static int prove_device(const struct wire_tunnel *tunnel, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0};
	int result = route_dump(ROUTE_LIST_LINKS, &interfaces, e);

	if (result == 0)
		result = evidence_device(route_layout_here, interfaces, tunnel, e);
	route_release(&interfaces);
	return result;
}

/* --- the ways ------------------------------------------------------------------------------ */

static bool leads_nowhere(int failure)
{
	return failure == ESRCH || failure == ENETUNREACH || failure == EHOSTUNREACH;
}

static int goes_wrong(const char *to, const struct route_route *answer, const char *device, struct err *e)
{
	char link[IF_NAMESIZE], prefix[NET_PREFIX_TEXT];

	net_prefix_text(&answer->destination, prefix);
	return err_set(e,
		       "the way to %s leads to %s, not into %s; a route of somebody else comes before the "
		       "gate's" ERR_INSTEAD "remove it (route delete %s)",
		       to, if_indextoname(answer->index, link) != NULL ? link : "another link", device,
		       prefix);
}

/* `index` 0: is there anything that would take it? */
static int prove_family(uint8_t family, unsigned index, const char *device, struct err *e)
{
	for (size_t i = 0; i < EVIDENCE_PROBES; i++) {
		const struct evidence_probe *probe = &evidence_probes[i];
		struct route_route answer;
		struct net_address to;
		int failure;

		if (net_address_parse(probe->to, &to) == -1 || to.family != family)
			continue;
		failure = route_query(&to, &answer);
		if (index == 0 && leads_nowhere(failure))
			continue;
		errno = failure;
		if (failure != 0)
			return err_errno(e, "the way to %s leads nowhere, not into %s", probe->to, device);
		if (evidence_taken(route_layout_here, &answer, index, probe->own))
			return goes_wrong(probe->to, &answer, device, e);
	}
	return 0;
}

/* With a link the kernel takes away the endpoint's own route, and so the endpoint is inside the tunnel until
 * there is a way again and route_follow has set it. That is no fault; but nobody else may lead it there. */
static int prove_endpoint(const struct route_desired *desired, struct err *e)
{
	const struct net_address *endpoint = &desired->situation->endpoint.address;
	struct route_standing *standing = route_standing();
	char text[NET_ADDRESS_TEXT], link[IF_NAMESIZE] = "";
	struct route_route answer;
	struct tunnel_way now;
	struct wire_way way;
	int failure = route_query(endpoint, &answer);

	net_address_text(endpoint, text);
	if (failure != 0 && !leads_nowhere(failure)) {
		errno = failure;
		return err_errno(e, "the way to the server %s can't be found out", text);
	}
	if (failure == 0 && answer.index != desired->index)
		return 0;
	if (netwatch_way(endpoint, desired->openvpn, desired->tunnel->name, &way, NULL) != 1) {
		standing->away = true;
		return 0;
	}
	if (failure != 0 || standing->away)
		return 0;
	if (if_indextoname(way.link, link) != NULL)
		tunnel_words_from(&way, link, &now);
	if (link[0] == '\0' || !tunnel_words_alike(&now, &standing->way))
		return 0;
	return err_set(e, "somebody else's change leads openvpn's packets to the server %s into the tunnel",
		       text);
}

bool route_reaches(const struct route_desired *desired)
{
	struct route_route answer;
	int failure = route_query(&desired->situation->endpoint.address, &answer);

	return !leads_nowhere(failure) && (failure != 0 || answer.index != desired->index);
}

static int prove_open(const struct route_desired *desired, struct err *e)
{
	const struct wire_tunnel *tunnel = desired->tunnel;

	if (route_standing()->index != desired->index)
		return err_set(e, "the routes into %s are not set", tunnel->name);
	if (prove_device(tunnel, e) == -1 || prove_lines(tunnel, e) == -1)
		return -1;
	if (desired->redirect && ((tunnel->address4.family != NET_NONE &&
				   prove_family(NET_IPV4, desired->index, tunnel->name, e) == -1) ||
				  (tunnel->address6.family != NET_NONE &&
				   prove_family(NET_IPV6, desired->index, tunnel->name, e) == -1)))
		return -1;
	return prove_endpoint(desired, e);
}

/* Shut: there is no second wall here. What can be proven is that nothing would come before our routes. */
int route_prove(const struct route_desired *desired, struct err *e)
{
	const char *device = desired->situation->tunnel.name;

	if (desired->tunnel != NULL)
		return prove_open(desired, e);
	if ((desired->four && prove_family(NET_IPV4, 0, device, e) == -1) ||
	    (desired->six && prove_family(NET_IPV6, 0, device, e) == -1))
		return -1;
	return 0;
}
