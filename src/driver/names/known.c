/* The names in the profile: what is known of them, and when the resolver is asked again. */
#include "driver/names/known.h"

#include <string.h>

#include "base/text.h"

static struct wire_name *find(struct names *names, const char *host)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i].host, host) == 0)
			return &names->list[i];
	}
	return NULL;
}

void names_store(struct names *names, const struct wire_name *name)
{
	struct wire_name *place = find(names, name->host);

	if (place == NULL && names->count < WIRE_NAMES)
		place = &names->list[names->count++];
	if (place == NULL || memcmp(place, name, sizeof *name) == 0)
		return;
	*place = *name;
	names->changed = true;
}

void names_answered(struct names *names, const char *why)
{
	names->asking = false;
	names->in_vain = why[0] == '\0' ? 0 : names->in_vain + 1;
	text_copy(names->why, sizeof names->why, why);
}

bool names_are_awaited(const struct names *names, uint64_t now)
{
	return names->asking && now - names->asked_at < NAMES_PATIENCE;
}

bool names_are_recent(const struct names *names, uint64_t now)
{
	return !names->asking && names->asked_at != 0 && names->in_vain == 0 &&
	       now - names->asked_at < NAMES_RECENT;
}

bool names_are_due(const struct names *names, uint64_t now)
{
	uint64_t pause = NAMES_AGAIN;

	if (names_are_awaited(names, now))
		return false;
	for (uint32_t i = 1; i < names->in_vain && pause < NAMES_AGAIN_MAX; i++)
		pause *= 2;
	return names->asked_at == 0 || now - names->asked_at >= pause;
}

void names_ask(struct names *names, uint64_t now)
{
	names->asking = true;
	names->asked_at = now;
}

struct list {
	struct net_address addresses[CANONICAL_ADDRESSES];
	size_t count;
};

static void add(struct list *list, const struct net_address *addresses, size_t count)
{
	for (size_t i = 0; i < count && addresses[i].family != NET_NONE; i++) {
		size_t same = 0;

		while (same < list->count && !net_address_equal(&list->addresses[same], &addresses[i]))
			same++;
		if (same == list->count && list->count < CANONICAL_ADDRESSES)
			list->addresses[list->count++] = addresses[i];
	}
}

void names_add(const struct names *names, struct canonical_remote *remote)
{
	struct list list = {.count = 0};

	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i].host, remote->host) != 0)
			continue;
		add(&list, names->list[i].fresh, CANONICAL_ADDRESSES - WIRE_GOOD);
		add(&list, names->list[i].good, WIRE_GOOD);
		add(&list, remote->addresses, remote->address_count);
		memcpy(remote->addresses, list.addresses, sizeof remote->addresses);
		remote->address_count = list.count;
		return;
	}
}
