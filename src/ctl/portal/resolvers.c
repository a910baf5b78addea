/* What the local network says of itself: its router and its resolvers. */
#include "ctl/portal/resolvers.h"

#include <stdio.h>
#include <string.h>

#include "policy/rule_sets.h"

enum { FILE_SIZE = 16384 };

bool portal_is_private(const struct net_address *address)
{
	static const struct situation any;
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(SET_PRIVATE, &any, address->family, members, RULE_MEMBERS_MAX);

	for (size_t i = 0; i < count; i++)
		if (net_prefix_contains(&members[i], address))
			return true;
	return false;
}

struct net_address portal_router(const char *routes)
{
	struct net_address router = {.family = NET_NONE};
	unsigned to, via, flags, mask;
	const char *line = strchr(routes, '\n');

	/* Each number is an address as it lies in memory. */
	for (; line != NULL && router.family == NET_NONE; line = strchr(line + 1, '\n'))
		if (sscanf(line + 1, "%*15s %8x %8x %4x %*u %*u %*u %8x", &to, &via, &flags, &mask) == 4 &&
		    to == 0 && mask == 0 && via != 0) {
			router.family = NET_IPV4;
			memcpy(router.bytes, &via, sizeof via);
		}
	return router;
}

static size_t add(const struct net_address *address, struct net_address *to, size_t count)
{
	if (address->family == NET_NONE || !portal_is_private(address) || count == PORTAL_RESOLVERS)
		return count;
	for (size_t i = 0; i < count; i++)
		if (net_address_equal(&to[i], address))
			return count;
	to[count] = *address;
	return count + 1;
}

size_t portal_add_resolvers(const char *text, struct net_address *to, size_t count)
{
	char word[NET_ADDRESS_TEXT];
	struct net_address address;

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		/* Without a link's name: an address of the link alone can't be asked by its number. */
		if (sscanf(line, "nameserver %45s", word) == 1 && net_address_parse(word, &address) == 0)
			count = add(&address, to, count);
	}
	return count;
}

static const char *read_text(const char *path)
{
	static char text[FILE_SIZE];
	FILE *file = fopen(path, "re");
	size_t got = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

	if (file != NULL)
		fclose(file);
	text[got] = '\0';
	return text;
}

size_t portal_resolvers(struct net_address to[static PORTAL_RESOLVERS], struct net_address *router)
{
	static const char *const files[] = {"/run/systemd/resolve/resolv.conf",
					    "/run/NetworkManager/no-stub-resolv.conf", "/etc/resolv.conf"};
	size_t count = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		count = portal_add_resolvers(read_text(files[i]), to, count);
	*router = portal_router(read_text("/proc/net/route"));
	return add(router, to, count);
}
