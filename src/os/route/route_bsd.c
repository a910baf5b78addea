/* The route port on macOS and FreeBSD: halves and the server's routes by the device, and the endpoint's own
 * way past it. There are no rules by user, so there is no second wall: what has no route of ours goes where
 * the machine's lead. */
#include "os/route/route.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>

#include "base/text.h"
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/route/evidence.h"
#include "os/route/route_bsd.h"
#include "os/route/tunnel_words.h"

enum { PATIENCE = 2000 };

static struct route_standing standing;

struct route_standing *route_standing(void)
{
	return &standing;
}

int route_lists_read(struct route_lists *lists, struct err *e)
{
	memset(lists, 0, sizeof *lists);
	return route_dump(ROUTE_LIST_IPV4, &lists->four, e) == -1
		   ? -1
		   : route_dump(ROUTE_LIST_IPV6, &lists->six, e);
}

void route_lists_release(struct route_lists *lists)
{
	route_release(&lists->four);
	route_release(&lists->six);
}

bool route_line_stands(const struct route_lists *lists, const char *const *words, size_t count)
{
	struct net_prefix to;

	if (count < 4 || strcmp(words[2], "-interface") != 0 || net_prefix_parse(words[1], &to) == -1)
		return true;
	return evidence_stands(route_layout_here, to.address.family == NET_IPV4 ? lists->four : lists->six,
			       &to, standing.index);
}

static int query_way(const struct net_address *to, struct tunnel_way *way, struct err *e)
{
	char text[NET_ADDRESS_TEXT], link[IF_NAMESIZE];
	struct route_route answer;

	if ((errno = route_query(to, &answer)) != 0 || if_indextoname(answer.index, link) == NULL)
		return err_errno(e, "it can't be found out how %s is reached", net_address_text(to, text));
	tunnel_words_from(&(struct wire_way){.gateway = answer.gateway}, link, way);
	return 0;
}

static int run_route(const char *verb, const char *const *words, size_t count, struct err *e)
{
	const char *argv[TUNNEL_WORDS_MAX + 5] = {tool_path(TOOL_ROUTE), "-q", "-n", verb};

	memcpy(argv + 4, words, count * sizeof *words);
	return tool_run(argv, NULL, PATIENCE, e);
}

/* What is gone already, with the device or by somebody else's hand, is no failure. */
static void delete_lines(const char *lines)
{
	const char *words[TUNNEL_WORDS_MAX];
	char line[160];

	while (tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX) >= 2)
		(void)run_route("delete", words, 2, NULL);
}

/* What can't be added is cut off with all behind it: what stands in its place is somebody else's, and is not
 * to be deleted with ours. */
static int add_lines(char *lines, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX], *at = lines, *begin = lines;
	char line[160];
	size_t count;

	for (; (count = tunnel_words_next(&at, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0; begin = at) {
		if (run_route("add", words, count, e) == 0)
			continue;
		lines[begin - lines] = '\0';
		return -1;
	}
	return *at == '\0' ? 0 : err_set(e, "a route into the tunnel can't be expressed");
}

/* The kernel may have made them with the addresses. */
static int add_subnets(const struct wire_tunnel *tunnel, struct err *e)
{
	char lines[256], line[160];
	const char *words[TUNNEL_WORDS_MAX], *at = lines;
	size_t count, used = strlen(standing.lines);
	struct net_prefix subnet;
	struct tunnel_way way;

	if (tunnel_words_subnets(tunnel, lines, sizeof lines, e) == -1)
		return -1;
	while ((count = tunnel_words_next(&at, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 1) {
		if (net_prefix_parse(words[1], &subnet) == -1 || query_way(&subnet.address, &way, e) == -1)
			return -1;
		if (strcmp(way.link, tunnel->name) == 0)
			continue;
		if (run_route("add", words, count, e) == -1)
			return -1;
		if (text_append(standing.lines, sizeof standing.lines, &used, "%s %s -interface %s\n",
				words[0], words[1], tunnel->name) == -1)
			return err_set(e, "the tunnel has more routes than can be set");
	}
	return 0;
}

static int remove_standing(struct err *e)
{
	struct net_endpoint towards = standing.towards;

	delete_lines(standing.lines);
	memset(&standing, 0, sizeof standing);
	/* A host route that stayed would lead the next one. */
	return netwatch_clean(&towards, e);
}

static int set_all(const struct route_desired *desired, struct err *e)
{
	const struct wire_tunnel *tunnel = desired->tunnel;
	struct tunnel_way way;

	if (remove_standing(e) == -1 || query_way(&desired->situation->endpoint.address, &way, e) == -1)
		return -1;
	if (strcmp(way.link, tunnel->name) == 0)
		return err_set(e, "the endpoint is behind the tunnel itself");
	if (tunnel_words_routes(desired, &way, standing.lines, sizeof standing.lines, e) == -1) {
		standing.lines[0] = '\0'; /* none of them is set */
		return -1;
	}
	standing.towards = desired->situation->endpoint;
	standing.way = way;
	standing.tunnel = *tunnel;
	standing.index = desired->index;
	if (add_lines(standing.lines, e) == 0 && add_subnets(tunnel, e) == 0)
		return 0;
	(void)remove_standing(NULL);
	return -1;
}

/* What is missing, or leads elsewhere, is set again; the rest stays. Whether all is well then, the proof
 * says. */
static int mend(const struct route_desired *desired, struct err *e)
{
	const struct net_address *endpoint = &standing.towards.address;
	const char *words[TUNNEL_WORDS_MAX], *lines = standing.lines;
	struct route_lists lists;
	struct wire_way way;
	char line[160];
	size_t count;
	int result = route_lists_read(&lists, e);

	while (result == 0 &&
	       (count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0) {
		if (route_line_stands(&lists, words, count))
			continue;
		(void)run_route("delete", words, 2, NULL);
		result = run_route("add", words, count, e);
	}
	route_lists_release(&lists);
	if (result == 0 && netwatch_way(endpoint, desired->openvpn, desired->tunnel->name, &way, e) == 1)
		result = route_follow(endpoint, &way, e);
	return result;
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	if (desired->tunnel == NULL)
		return remove_standing(e);
	if (standing.index == desired->index &&
	    memcmp(&standing.tunnel, desired->tunnel, sizeof standing.tunnel) == 0 &&
	    net_endpoint_equal(&standing.towards, &desired->situation->endpoint))
		return mend(desired, e);
	return set_all(desired, e);
}

/* So that it is deleted with the others. */
static int remember_endpoint(const struct net_address *endpoint, struct err *e)
{
	char text[NET_ADDRESS_TEXT], line[NET_ADDRESS_TEXT + 8];
	size_t used = 0, end = strlen(standing.lines);

	(void)text_append(line, sizeof line, &used, "%s %s",
			  endpoint->family == NET_IPV4 ? "-inet" : "-inet6",
			  net_address_text(endpoint, text));
	if (strstr(standing.lines, line) != NULL ||
	    text_append(standing.lines, sizeof standing.lines, &end, "%s\n", line) == 0)
		return 0;
	return err_set(e, "the tunnel has more routes than can be set");
}

/* With a link the kernel takes away all that led by it: then the endpoint is inside the tunnel. */
int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	char line[160], link[IF_NAMESIZE] = "";
	struct tunnel_way is, desired;

	if (standing.index == 0 || if_indextoname(way->link, link) == NULL)
		return 0;
	tunnel_words_from(way, link, &desired);
	if (query_way(endpoint, &is, NULL) == -1 || !tunnel_words_alike(&is, &desired)) {
		if (netwatch_clean(&standing.towards, e) == -1 ||
		    tunnel_words_endpoint(endpoint, &desired, line, sizeof line, e) == -1)
			return -1;
		if (line[0] != '\0' && (remember_endpoint(endpoint, e) == -1 || add_lines(line, e) == -1))
			return -1;
	}
	standing.way = desired;
	standing.away = false;
	return 0;
}

int route_remove(struct err *e)
{
	return remove_standing(e);
}
