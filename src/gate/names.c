/* names: the names of the profile, and which of their addresses may be dialled. */
#include "gate/names.h"

#include <string.h>

#include "base/text.h"
#include "gate/gate.h"

enum { DAY_SECONDS = 86400 };

bool names_can_ask(const struct gate *gate)
{
	return gate->config.resolver.family != NET_NONE && gate->profile.named_count > 0;
}

/* Its place in the list; the list's count: it is not there. */
static size_t find(const struct names *names, const char *host)
{
	size_t i = 0;

	while (i < names->count && strcmp(names->list[i].host, host) != 0)
		i++;
	return i;
}

static bool holds(const struct net_address *list, size_t count, const struct net_address *address)
{
	for (size_t i = 0; i < count && list[i].family != NET_NONE; i++) {
		if (net_address_equal(&list[i], address))
			return true;
	}
	return false;
}

static bool is_server_of(const struct gate_profile *profile, const struct gate_named *named,
			 const struct wire_name *name, const struct net_address *address)
{
	if (holds(name->fresh, WIRE_FRESH, address) || holds(name->good, WIRE_GOOD, address))
		return true;
	for (size_t i = 0; i < named->count; i++) {
		if (net_address_equal(&profile->remotes[named->first + i].address, address))
			return true;
	}
	return false;
}

/* The place of the name whose server this may be; the list's count: there is none. */
static size_t name_of(const struct names *names, const struct gate_profile *profile,
		      const struct net_endpoint *endpoint)
{
	for (size_t i = 0; i < profile->named_count; i++) {
		const struct gate_named *named = &profile->named[i];
		size_t place = find(names, named->host);

		if (place < names->count && named->port == endpoint->port &&
		    named->proto == endpoint->proto &&
		    is_server_of(profile, named, &names->list[place], &endpoint->address))
			return place;
	}
	return names->count;
}

bool names_are_of(const struct names *names, const struct gate_profile *profile,
		  const struct net_endpoint *endpoint)
{
	return name_of(names, profile, endpoint) < names->count;
}

bool names_take(struct names *names, const struct wire_answer *answer, bool *known)
{
	bool is_text = memchr(answer->host, '\0', sizeof answer->host) != NULL;
	size_t place = is_text ? find(names, answer->host) : names->count;
	struct wire_name *name = &names->list[place];

	if (place == names->count || !net_address_is_dialable(&answer->address))
		return false;
	/* The first one of a name takes the place of what was known of it. */
	if (!known[place])
		memset(name->fresh, 0, sizeof name->fresh);
	known[place] = true;
	for (size_t i = 0; i < WIRE_FRESH; i++) {
		if (net_address_equal(&name->fresh[i], &answer->address))
			return true;
		if (name->fresh[i].family == NET_NONE) {
			name->fresh[i] = answer->address;
			return true;
		}
	}
	return true;
}

/* --- what is kept over restarts */

static void add_good(struct names *names, size_t place, const struct net_address *address, int64_t when)
{
	struct wire_name *name = &names->list[place];
	int64_t *proven = names->proven[place];
	size_t at = 0;

	while (at < WIRE_GOOD - 1 && name->good[at].family != NET_NONE &&
	       !net_address_equal(&name->good[at], address))
		at++;
	memmove(name->good + 1, name->good, at * sizeof *name->good);
	memmove(proven + 1, proven, at * sizeof *proven);
	name->good[0] = *address;
	proven[0] = when;
}

void names_load(struct names *names, const char *host, const struct net_address *address, int64_t when)
{
	size_t place = find(names, host);

	if (place < names->count && net_address_is_dialable(address))
		add_good(names, place, address, when);
}

bool names_prove(struct names *names, const struct gate_profile *profile, const struct net_endpoint *endpoint,
		 int64_t now)
{
	size_t place = name_of(names, profile, endpoint);
	int64_t before;

	if (place == names->count)
		return false;
	before = names->proven[place][0];
	if (net_address_equal(&names->list[place].good[0], &endpoint->address) && before <= now &&
	    now - before < DAY_SECONDS)
		return false;
	add_good(names, place, &endpoint->address, now);
	return true;
}

void names_renew(struct names *names, const struct gate_profile *profile)
{
	static struct names before;

	before = *names;
	names->count = 0;
	memset(names->list, 0, sizeof names->list);
	memset(names->proven, 0, sizeof names->proven);
	for (size_t i = 0; i < profile->named_count && names->count < WIRE_NAMES; i++) {
		const char *host = profile->named[i].host;
		size_t old = find(&before, host);

		if (find(names, host) < names->count)
			continue;
		if (old < before.count)
			memcpy(names->list[names->count].fresh, before.list[old].fresh,
			       sizeof before.list[old].fresh);
		text_copy(names->list[names->count++].host, WIRE_HOST, host);
	}
}
