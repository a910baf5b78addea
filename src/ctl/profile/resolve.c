/* Resolves the names of a profile's servers, while the machine is open. */
#include "ctl/profile/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "os/host/chance.h"

enum { ADDRESSES_MAX = 64 }; /* of one name */

static int add_address(const struct addrinfo *found, struct net_address *address)
{
	char text[NI_MAXHOST];

	return getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0
		   ? net_address_parse(text, address)
		   : -1;
}

/* Both families, in the resolver's order, but alternating: a machine whose IPv6
 * does not work waits for one attempt, not for all of them. */
static void resolve(struct profile *profile, const char *host, const char *name)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *all = NULL;
	struct net_address list[ADDRESSES_MAX];
	size_t count = 0;
	int code = getaddrinfo(name, NULL, &hints, &all);

	if (code != 0)
		fprintf(stderr, "note: %s: %s\n", name, gai_strerror(code));
	for (const struct addrinfo *found = code == 0 ? all : NULL; found != NULL && count < ADDRESSES_MAX;
	     found = found->ai_next)
		count += add_address(found, &list[count]) == 0;
	if (code == 0)
		freeaddrinfo(all);
	net_alternate(list, count);
	for (size_t i = 0; i < count; i++)
		profile_keep_address(profile, host, &list[i]);
}

/* The bare name of such a server has no address, and any name below it has some: openvpn puts random digits
 * in front, so that each client gets an answer of its own and no cache's. */
static void add_label(const char *host, char *to, size_t size)
{
	uint32_t first = chance(), second = chance();
	size_t used = 0;

	text_append(to, size, &used, "%08x%04x.%s", first, second & 0xffff, host);
}

static bool asked_before(const struct profile *profile, size_t i)
{
	const char *host = profile_remote(profile, i)->host;

	for (size_t j = 0; j < i; j++) {
		if (strcmp(profile_remote(profile, j)->host, host) == 0)
			return true;
	}
	return false;
}

int profile_resolve(struct profile *profile, struct err *e)
{
	size_t count = profile_remote_count(profile), reachable = 0;
	struct net_address literal;

	for (size_t i = 0; i < count; i++) {
		const struct profile_remote *remote = profile_remote(profile, i);
		char name[PROFILE_HOST_SIZE];

		if (net_address_parse(remote->host, &literal) == -1 && !asked_before(profile, i)) {
			if (profile_random_host(profile))
				add_label(remote->host, name, sizeof name);
			else
				text_copy(name, sizeof name, remote->host);
			resolve(profile, remote->host, name);
		}
		reachable += remote->address_count > 0;
	}
	return reachable > 0 ? 0
			     : err_set(e, "no remote's name could be resolved; instead: import while the "
					  "machine is open (portcullis pause)");
}
