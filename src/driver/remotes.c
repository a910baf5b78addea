/* The servers of the canonical profile, in turns. */
#include "driver/remotes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/nat64.h"
#include "tunnel/way.h"

struct remotes_place {
	size_t at; /* the remote's line */
	struct net_endpoint endpoint;
};

int remotes_open(struct remotes *remotes, int descriptor, struct err *e)
{
	struct stat status;
	void *text;

	memset(remotes, 0, sizeof *remotes);
	if (fstat(descriptor, &status) == -1)
		return err_errno(e, "the vetted profile can't be read");
	if (status.st_size <= 0 || status.st_size > CANONICAL_SIZE_MAX)
		return err_set(e, "the vetted profile has %lld bytes", (long long)status.st_size);
	text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (text == MAP_FAILED)
		return err_errno(e, "the vetted profile can't be mapped");
	remotes->text = text;
	remotes->length = (size_t)status.st_size;
	return 0;
}

void remotes_restart(struct remotes *remotes)
{
	free(remotes->order.entries);
	free(remotes->places);
	memset(&remotes->order, 0, sizeof remotes->order);
	remotes->places = NULL;
	remotes->listed = false;
}

void remotes_close(struct remotes *remotes)
{
	remotes_restart(remotes);
	munmap((void *)(uintptr_t)remotes->text, remotes->length);
	memset(remotes, 0, sizeof *remotes);
}

static void complain(const struct canonical_remote *remote)
{
	if (remote->address_count == 0)
		log_error("driver",
			  "remote %s was never resolved; instead: portcullis import, while the machine "
			  "is not shut",
			  remote->host);
}

/* Adds the addresses of one remote; without an array it only counts them. */
static void add_remote(struct remotes *remotes, const struct canonical_remote *remote, size_t at,
		       uint32_t number, uint32_t place)
{
	for (size_t i = 0; i < remote->address_count; i++) {
		size_t to = remotes->order.count;

		if (remotes->places != NULL) {
			remotes->places[to] =
			    (struct remotes_place){.at = at,
						   .endpoint = {.address = remote->addresses[i],
								.proto = remote->proto,
								.port = remote->port}};
			remotes->order.entries[to] = (struct order_entry){
			    .place = place, .remote = number, .family = remote->addresses[i].family};
		}
		remotes->order.count++;
	}
}

static void walk(struct remotes *remotes, bool random)
{
	struct canonical_remote remote;
	size_t at = 0, next = 0;

	remotes->order.count = 0;
	for (uint32_t number = 0; canonical_next_remote(remotes->text, remotes->length, &next, &remote);
	     number++) {
		if (remotes->names != NULL)
			names_add(remotes->names, &remote);
		if (remotes->places == NULL)
			complain(&remote);
		add_remote(remotes, &remote, at, number,
			   random ? order_random_place(remotes->chance, number) : 0);
		at = next;
	}
}

/* Lists what can be dialled: only now, because nothing of the profile is read before the sandbox. */
static int list(struct remotes *remotes, struct err *e)
{
	uint32_t random = 0;
	size_t count;

	canonical_setting(remotes->text, remotes->length, "remote-random", &random);
	walk(remotes, random != 0);
	count = remotes->order.count;
	remotes->order.entries = calloc(count + 1, sizeof *remotes->order.entries);
	remotes->places = calloc(count + 1, sizeof *remotes->places);
	if (remotes->order.entries == NULL || remotes->places == NULL)
		return err_set(e, "no memory for the list of servers");
	walk(remotes, random != 0);
	remotes->listed = true;
	return 0;
}

static bool needs_nat64(const struct remotes *remotes, size_t place, const struct wire_way *way)
{
	return way->nat64.length > 0 && remotes->places[place].endpoint.address.family == NET_IPV4;
}

/* NAT64 may be a guess, and is a longer way in any case. */
static void look_for_late(struct remotes *remotes, const struct wire_way *way, int64_t now)
{
	for (size_t i = 0; i < remotes->order.count; i++)
		remotes->order.entries[i].late =
		    needs_nat64(remotes, i, way) ||
		    outcomes_is_dead(&remotes->outcomes, &remotes->places[i].endpoint, now);
}

static bool has(const void *in, const struct net_endpoint *server)
{
	const struct remotes *remotes = in;

	for (size_t i = 0; i < remotes->order.count; i++) {
		if (net_endpoint_equal(&remotes->places[i].endpoint, server))
			return true;
	}
	return false;
}

bool remotes_note(struct remotes *remotes, bool good, int64_t now)
{
	/* That nobody answers by NAT64 says nothing about the server: the prefix may be a guess. */
	if (!remotes->listed || !remotes->order.begun || (!good && remotes->nat64.length > 0))
		return false;
	outcomes_prune(&remotes->outcomes, has, remotes);
	return outcomes_note(&remotes->outcomes, &remotes->places[remotes->order.at].endpoint, good, now);
}

static const char *why_none(const struct remotes *remotes)
{
	if (remotes->order.count == 0)
		return "no server of the profile has a known address";
	for (size_t i = 0; i < remotes->order.count; i++) {
		if (remotes->order.entries[i].family == NET_IPV6)
			return "there is no network: no route leads to a server";
	}
	return "there is no network: no IPv4 route leads to a server, and none by NAT64";
}

int remotes_pick(struct remotes *remotes, bool again, const struct wire_way *way, int64_t now, struct err *e)
{
	const struct remotes_place *place;
	size_t at;

	if (!remotes->listed && list(remotes, e) == -1)
		return -1;
	look_for_late(remotes, way, now);
	/* By NAT64 it is not the same that it was without. */
	again = again && (remotes->nat64.length > 0 || !needs_nat64(remotes, remotes->order.at, way));
	remotes->order.no_way4 = !way_leads(way, NET_IPV4);
	remotes->order.no_way6 = !way_leads(way, NET_IPV6);
	if (!(again ? order_again(&remotes->order) : order_next(&remotes->order)))
		return err_set(e, "%s", why_none(remotes));
	place = &remotes->places[remotes->order.at];
	at = place->at;
	canonical_next_remote(remotes->text, remotes->length, &at, &remotes->remote);
	remotes->endpoint = place->endpoint;
	memset(&remotes->nat64, 0, sizeof remotes->nat64);
	if (needs_nat64(remotes, remotes->order.at, way)) {
		remotes->nat64 = way->nat64;
		remotes->endpoint.address = nat64_embed(&way->nat64, &place->endpoint.address);
	}
	return 0;
}

struct tunnel_limits remotes_limits(const struct remotes *remotes)
{
	uint32_t poll_timeout = 0, hand_window = 0;

	/* Two names of one thing; openvpn takes the last line, but nobody writes both. */
	if (!canonical_setting(remotes->text, remotes->length, "server-poll-timeout", &poll_timeout))
		canonical_setting(remotes->text, remotes->length, "connect-timeout", &poll_timeout);
	canonical_setting(remotes->text, remotes->length, "hand-window", &hand_window);
	return limits_of(poll_timeout, hand_window);
}

int remotes_needs(const struct remotes *remotes)
{
	return canonical_needs(remotes->text, remotes->length);
}
