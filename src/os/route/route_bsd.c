/* The route port on macOS and FreeBSD: halves and the server's routes by the device, and the endpoint's own
 * way past it. There are no rules by user, so there is no second wall: what has no route of ours goes where
 * the machine's lead. */
#include "os/route/route.h"

#include <string.h>
#include <sys/types.h>

#include <sys/socket.h>

#include <net/if.h>

#include "base/text.h"
#include "os/netwatch/netwatch.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/route/tunnel_words.h"

enum { PATIENCE = 2000, ANSWER = 2048 };

/* What was set last, and towards whom. */
static char standing[TUNNEL_WORDS_SIZE];
static struct net_endpoint towards;

static int query_way(const struct net_address *to, struct tunnel_way *way, struct err *e)
{
	char text[NET_ADDRESS_TEXT], answer[ANSWER];
	const char *const argv[] = {
	    tool_path(TOOL_ROUTE),      "-n", "get", to->family == NET_IPV4 ? "-inet" : "-inet6",
	    net_address_text(to, text), NULL};

	if (tool_output(argv, NULL, PATIENCE, answer, sizeof answer, e) == -1)
		return -1;
	return tunnel_words_way(answer, way) == 0 ? 0
						  : err_set(e, "route does not show how %s is reached", text);
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

static int add_lines(const char *lines, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX];
	char line[160];
	size_t count;

	while ((count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0)
		if (run_route("add", words, count, e) == -1)
			return -1;
	return *lines == '\0' ? 0 : err_set(e, "a route into the tunnel can't be expressed");
}

/* The kernel may have made them with the addresses. */
static int add_subnets(const struct wire_tunnel *tunnel, struct err *e)
{
	char lines[256], line[160];
	const char *words[TUNNEL_WORDS_MAX], *at = lines;
	size_t count, used = strlen(standing);
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
		if (text_append(standing, sizeof standing, &used, "%s %s\n", words[0], words[1]) == -1)
			return err_set(e, "the tunnel has more routes than can be set");
	}
	return 0;
}

static int remove_standing(struct err *e)
{
	if (standing[0] == '\0')
		return 0;
	delete_lines(standing);
	standing[0] = '\0';
	return netwatch_clean(&towards, e); /* a host route that stayed would lead the next one */
}

static int check_leads(const char *text, const char *device, bool into, struct err *e)
{
	struct net_address to;
	struct tunnel_way way;

	if (net_address_parse(text, &to) == -1 || query_way(&to, &way, e) == -1)
		return -1;
	if ((strcmp(way.link, device) == 0) != into)
		return err_set(e, "the route to %s is through %s, and must %sbe through %s", text, way.link,
			       into ? "" : "not ", device);
	return 0;
}

/* Addresses of documentation: nobody has a route of their own to them. */
static int check(const struct route_desired *desired, struct err *e)
{
	const struct wire_tunnel *tunnel = desired->tunnel;
	char endpoint[NET_ADDRESS_TEXT];

	if (desired->redirect && tunnel->address4.family != NET_NONE &&
	    check_leads("192.0.2.1", tunnel->name, true, e) == -1)
		return -1;
	if (desired->redirect && tunnel->address6.family != NET_NONE &&
	    check_leads("2001:db8::1", tunnel->name, true, e) == -1)
		return -1;
	net_address_text(&desired->situation->endpoint.address, endpoint);
	return check_leads(endpoint, tunnel->name, false, e);
}

int route_assert(const struct route_desired *desired, struct err *e)
{
	char lines[TUNNEL_WORDS_SIZE];
	struct tunnel_way way;

	if (desired->tunnel == NULL)
		return remove_standing(e);
	if (remove_standing(e) == -1 || query_way(&desired->situation->endpoint.address, &way, e) == -1)
		return -1;
	if (strcmp(way.link, desired->tunnel->name) == 0)
		return err_set(e, "the endpoint is behind the tunnel itself");
	if (tunnel_words_routes(desired, &way, lines, sizeof lines, e) == -1)
		return -1;
	memcpy(standing, lines, sizeof standing);
	towards = desired->situation->endpoint;
	if (add_lines(lines, e) == 0 && add_subnets(desired->tunnel, e) == 0 && check(desired, e) == 0)
		return 0;
	(void)remove_standing(NULL);
	return -1;
}

/* So that it is deleted with the others. */
static int remember_endpoint(const struct net_address *endpoint, struct err *e)
{
	char text[NET_ADDRESS_TEXT], line[NET_ADDRESS_TEXT + 8];
	size_t used = 0, end = strlen(standing);

	(void)text_append(line, sizeof line, &used, "%s %s",
			  endpoint->family == NET_IPV4 ? "-inet" : "-inet6",
			  net_address_text(endpoint, text));
	if (strstr(standing, line) != NULL || text_append(standing, sizeof standing, &end, "%s\n", line) == 0)
		return 0;
	return err_set(e, "the tunnel has more routes than can be set");
}

/* With a link the kernel takes away all that led by it: then the endpoint is inside the tunnel. */
int route_follow(const struct net_address *endpoint, const struct wire_way *way, struct err *e)
{
	char line[160], link[IF_NAMESIZE] = "";
	struct tunnel_way is, desired;

	if (standing[0] == '\0' || if_indextoname(way->link, link) == NULL)
		return 0;
	tunnel_words_from(way, link, &desired);
	if (query_way(endpoint, &is, NULL) == 0 && tunnel_words_alike(&is, &desired))
		return 0;
	if (netwatch_clean(&towards, e) == -1 ||
	    tunnel_words_endpoint(endpoint, &desired, line, sizeof line, e) == -1)
		return -1;
	if (line[0] == '\0')
		return 0;
	return remember_endpoint(endpoint, e) == -1 ? -1 : add_lines(line, e);
}

int route_remove(struct err *e)
{
	return remove_standing(e);
}

/* What is set is checked as it is set; afterwards nobody says that it has changed. */
int route_prove(const struct route_desired *desired, struct err *e)
{
	(void)desired, (void)e;
	return 0;
}

/* route_follow sees to it. */
bool route_reaches(const struct route_desired *desired)
{
	(void)desired;
	return true;
}

/* None of this is watched: if somebody else leads packets elsewhere, the filter stops them. */
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e)
{
	(void)base, (void)foreign, (void)argument, (void)e;
	return 0;
}
