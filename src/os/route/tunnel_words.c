/* The arguments of ifconfig and route: typed values only, so that no word of theirs is another's. */
#include "os/route/tunnel_words.h"

#include <string.h>

#include "base/text.h"
#include "os/host/platform.h"

struct lines {
	char *to;
	size_t size, used;
	bool cut;
};

static void add(struct lines *lines, const char *before, const char *value, const char *after)
{
	if (text_append(lines->to, lines->size, &lines->used, "%s%s%s\n", before, value, after) == -1)
		lines->cut = true;
}

static int end(const struct lines *lines, struct err *e)
{
	return lines->cut ? err_set(e, "the tunnel has more routes than can be set") : 0;
}

/* --- ifconfig ----------------------------------------------------------------------------- */

static void add_address4(struct lines *lines, const struct wire_tunnel *tunnel)
{
	char own[NET_ADDRESS_TEXT], peer[NET_ADDRESS_TEXT], word[2 * NET_ADDRESS_TEXT + 32];
	const char *after = platform_device_has_ends ? " alias" : "";
	size_t used = 0;

	if (tunnel->address4.family == NET_NONE)
		return;
	net_address_text(&tunnel->address4, own);
	if (tunnel->peer4.family != NET_NONE)
		(void)text_append(word, sizeof word, &used, " %s netmask 255.255.255.255%s",
				  net_address_text(&tunnel->peer4, peer), after);
	else
		(void)text_append(word, sizeof word, &used, "/%u%s%s%s", tunnel->length4,
				  platform_device_has_ends ? " " : "", platform_device_has_ends ? own : "",
				  after);
	add(lines, "inet ", own, word);
}

static void add_address6(struct lines *lines, const struct wire_tunnel *tunnel)
{
	char own[NET_ADDRESS_TEXT], word[16];
	size_t used = 0;

	if (tunnel->address6.family == NET_NONE)
		return;
	if (!platform_device_has_ends) /* nobody else is in it who could have the address; and none is made up
					*/
		add(lines, "inet6 no_dad -auto_linklocal", "", "");
	(void)text_append(word, sizeof word, &used, "/%u%s", tunnel->length6,
			  platform_device_has_ends ? " alias" : "");
	add(lines, "inet6 ", net_address_text(&tunnel->address6, own), word);
}

int tunnel_words_device(const struct wire_tunnel *tunnel, char *to, size_t size, struct err *e)
{
	struct lines lines = {to, size, 0, false};
	char number[8];
	size_t used = 0;

	(void)text_append(number, sizeof number, &used, "%u", tunnel->mtu);
	add(&lines, "mtu ", number, "");
	add_address4(&lines, tunnel);
	add_address6(&lines, tunnel);
	add(&lines, "up", "", "");
	return end(&lines, e);
}

/* --- route -------------------------------------------------------------------------------- */

static const char *family_word(const struct net_address *address)
{
	return address->family == NET_IPV4 ? "-inet " : "-inet6 ";
}

static void add_into(struct lines *lines, const struct net_prefix *to, const char *device)
{
	char prefix[NET_PREFIX_TEXT], word[NET_NAME_SIZE + 16];
	size_t used = 0;

	net_prefix_text(to, prefix);
	(void)text_append(word, sizeof word, &used, " -interface %s", device);
	add(lines, family_word(&to->address), prefix, word);
}

/* More specific than a default, less than anything else that a machine has by itself. */
static void add_halves(struct lines *lines, uint8_t family, const char *device)
{
	struct net_prefix half = {.address = {.family = family}, .length = 1};

	add_into(lines, &half, device);
	half.address.bytes[0] = 0x80;
	add_into(lines, &half, device);
}

static bool has_address(const struct wire_tunnel *tunnel, uint8_t family)
{
	return (family == NET_IPV4 ? tunnel->address4 : tunnel->address6).family != NET_NONE;
}

/* Past the tunnel there is no way for anybody but openvpn; and the endpoint must keep its own. */
static bool is_set(const struct route_desired *desired, const struct tunnel_way *way,
		   const struct wire_route *route)
{
	const struct net_address *endpoint = &desired->situation->endpoint.address;
	uint8_t family = route->to.address.family;

	if (route->excluded || route->to.length == 0 || !has_address(desired->tunnel, family))
		return false;
	return way->gateway[0] != '\0' || family != endpoint->family ||
	       !net_prefix_contains(&route->to, endpoint);
}

/* What lies in its own subnet, where an address brings only its two ends. */
static void add_subnet(struct lines *lines, const struct net_address *own, uint8_t length, uint8_t whole,
		       const char *device)
{
	struct net_prefix subnet = {*own, length};

	if (!platform_device_has_ends || own->family == NET_NONE || length == 0 || length >= whole)
		return;
	net_prefix_clear(&subnet);
	add_into(lines, &subnet, device);
}

static bool is_repeated(const struct wire_tunnel *tunnel, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (memcmp(&tunnel->routes[i].to, &tunnel->routes[index].to, sizeof(struct net_prefix)) == 0)
			return true;
	return false;
}

/* On the link itself it needs none: the link's own route is more specific than a half. */
static void add_endpoint(struct lines *lines, const struct net_address *endpoint,
			 const struct tunnel_way *way)
{
	char text[NET_ADDRESS_TEXT], word[sizeof way->gateway + 16];
	size_t used = 0;

	(void)text_append(word, sizeof word, &used, " -gateway %s", way->gateway);
	if (way->gateway[0] != '\0')
		add(lines, family_word(endpoint), net_address_text(endpoint, text), word);
}

int tunnel_words_endpoint(const struct net_address *endpoint, const struct tunnel_way *way, char *to,
			  size_t size, struct err *e)
{
	struct lines lines = {to, size, 0, false};

	to[0] = '\0';
	add_endpoint(&lines, endpoint, way);
	return end(&lines, e);
}

void tunnel_words_from(const struct wire_way *from, const char *link, struct tunnel_way *way)
{
	static const struct net_prefix link_local = {{NET_IPV6, {0xfe, 0x80}}, 10};
	char text[NET_ADDRESS_TEXT];
	size_t used = 0;

	*way = (struct tunnel_way){.gateway = ""};
	(void)text_copy(way->link, sizeof way->link, link);
	if (from->gateway.family != NET_NONE)
		(void)text_append(way->gateway, sizeof way->gateway, &used, "%s%s%s",
				  net_address_text(&from->gateway, text),
				  net_prefix_contains(&link_local, &from->gateway) ? "%" : "",
				  net_prefix_contains(&link_local, &from->gateway) ? link : "");
}

bool tunnel_words_alike(const struct tunnel_way *one, const struct tunnel_way *other)
{
	return strcmp(one->link, other->link) == 0 && strcmp(one->gateway, other->gateway) == 0;
}

int tunnel_words_routes(const struct route_desired *desired, const struct tunnel_way *way, char *to,
			size_t size, struct err *e)
{
	const struct net_address *endpoint = &desired->situation->endpoint.address;
	const struct wire_tunnel *tunnel = desired->tunnel;
	struct lines lines = {to, size, 0, false};

	to[0] = '\0';
	add_endpoint(&lines, endpoint, way);
	for (uint8_t family = NET_IPV4; desired->redirect && family <= NET_IPV6;
	     family += NET_IPV6 - NET_IPV4)
		if (has_address(tunnel, family))
			add_halves(&lines, family, tunnel->name);
	for (size_t i = 0; i < WIRE_ROUTES && tunnel->routes[i].to.address.family != NET_NONE; i++)
		if (is_set(desired, way, &tunnel->routes[i]) && !is_repeated(tunnel, i))
			add_into(&lines, &tunnel->routes[i].to, tunnel->name);
	return end(&lines, e);
}

int tunnel_words_subnets(const struct wire_tunnel *tunnel, char *to, size_t size, struct err *e)
{
	struct lines lines = {to, size, 0, false};

	to[0] = '\0';
	if (tunnel->peer4.family == NET_NONE)
		add_subnet(&lines, &tunnel->address4, tunnel->length4, 32, tunnel->name);
	add_subnet(&lines, &tunnel->address6, tunnel->length6, 128, tunnel->name);
	return end(&lines, e);
}

/* --- reading ------------------------------------------------------------------------------ */

size_t tunnel_words_next(const char **cursor, char *buffer, size_t size, const char **words, size_t count)
{
	size_t length = strcspn(*cursor, "\n"), found = 0;

	if (length == 0 || length >= size)
		return 0;
	memcpy(buffer, *cursor, length);
	buffer[length] = '\0';
	*cursor += length + ((*cursor)[length] == '\n');
	for (char *word; (word = strsep(&buffer, " ")) != NULL;) {
		if (*word == '\0')
			continue;
		if (found == count)
			return 0;
		words[found++] = word;
	}
	return found;
}
