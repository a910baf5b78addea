/* The profile as a value: its parts, and queries about it. */
#include "profile/profile.h"

#include <stdlib.h>
#include <string.h>

#include "profile/profile_internal.h"

/* Room for one more in an array of `each` bytes; false: no memory. */
static bool make_room(void *array, size_t count, size_t *size, size_t each)
{
	void *old, *grown;
	size_t more = *size == 0 ? 16 : *size * 2;

	if (count < *size)
		return true;
	memcpy(&old, array, sizeof old);
	if ((grown = realloc(old, more * each)) == NULL)
		return false;
	memcpy(array, &grown, sizeof grown);
	*size = more;
	return true;
}

int profile_add_line(struct profile *profile, const struct option *option, char *const *arguments,
		     size_t count, struct err *e)
{
	struct buffer text = {0};
	struct profile_line line = {.option = option};
	size_t length = 0;

	buffer_text(&text, option->name);
	for (size_t i = 0; i < count; i++) {
		buffer_text(&text, " ");
		buffer_quoted(&text, arguments[i]);
	}
	/* openvpn reads lines of 254 bytes and no more. */
	if (text.length >= LEX_LINE_MAX) {
		err_set(e, "%zu bytes with its quotation marks; instead: at most %d", text.length,
			LEX_LINE_MAX - 1);
		buffer_free(&text);
		return -1;
	}
	line.text = buffer_take(&text, &length);
	if (line.text == NULL ||
	    !make_room(&profile->lines, profile->line_count, &profile->line_size, sizeof line)) {
		free(line.text);
		return err_set(e, "no memory");
	}
	profile->lines[profile->line_count++] = line;
	return 0;
}

int profile_add_kept(struct profile *profile, const char *host, const struct net_address *address,
		     struct err *e)
{
	struct profile_kept kept = {.address = *address};

	if (profile->kept_count == PROFILE_KEPT_MAX)
		return err_set(e, "too many addresses; instead: at most %d", PROFILE_KEPT_MAX);
	kept.host = strdup(host);
	if (kept.host == NULL ||
	    !make_room(&profile->kept, profile->kept_count, &profile->kept_size, sizeof kept)) {
		free(kept.host);
		return err_set(e, "no memory");
	}
	profile->kept[profile->kept_count++] = kept;
	return 0;
}

int profile_add_remote(struct profile *profile, const struct profile_remote *remote, struct err *e)
{
	if (profile->remote_count == PROFILE_REMOTES_MAX)
		return err_set(e, "too many remotes; instead: at most %d", PROFILE_REMOTES_MAX);
	if (!make_room(&profile->remotes, profile->remote_count, &profile->remote_size, sizeof *remote))
		return err_set(e, "no memory");
	profile->remotes[profile->remote_count++] = *remote;
	return 0;
}

/* How many addresses of one host are looked at: a hostile file may list many. */
enum { PLACES_MAX = 256 };

/* A host and where its addresses are, in the order of the file. */
struct place {
	const char *host;
	size_t at;
};

static int by_host(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	int order = strcmp(one->host, other->host);

	return order != 0 ? order : one->at < other->at ? -1 : one->at > other->at;
}

/* The first place of `host`, or `count`. */
static size_t first_place(const struct place *places, size_t count, const char *host)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(places[middle].host, host) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void profile_bind_kept(struct profile *profile)
{
	struct place *places = calloc(profile->kept_count + 1, sizeof *places);
	size_t count = profile->kept_count;

	for (size_t i = 0; places != NULL && i < count; i++)
		places[i] = (struct place){.host = profile->kept[i].host, .at = i};
	if (places != NULL)
		qsort(places, count, sizeof *places, by_host);
	for (size_t i = 0; places != NULL && i < profile->remote_count; i++) {
		struct profile_remote *remote = &profile->remotes[i];
		size_t first = first_place(places, count, remote->host);

		for (size_t j = first;
		     j < count && j - first < PLACES_MAX && strcmp(places[j].host, remote->host) == 0; j++)
			profile_give(remote, &profile->kept[places[j].at].address);
	}
	free(places);
}

void profile_free(struct profile *profile)
{
	if (profile == NULL)
		return;
	for (size_t i = 0; i < profile->line_count; i++)
		free(profile->lines[i].text);
	for (size_t i = 0; i < profile->block_count; i++)
		buffer_free(&profile->blocks[i].text);
	for (size_t i = 0; i < profile->kept_count; i++)
		free(profile->kept[i].host);
	free(profile->lines);
	free(profile->kept);
	free(profile->remotes);
	free(profile);
}

size_t profile_remote_count(const struct profile *profile)
{
	return profile->remote_count;
}

const struct profile_remote *profile_remote(const struct profile *profile, size_t i)
{
	return i < profile->remote_count ? &profile->remotes[i] : NULL;
}

int profile_needs(const struct profile *profile)
{
	return profile->needs;
}

static struct profile_block *find_block(struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->block_count; i++) {
		if (strcmp(profile->blocks[i].option->name, name) == 0)
			return &profile->blocks[i];
	}
	return NULL;
}

int profile_leave_out_key(struct profile *profile, struct err *e)
{
	struct profile_block *key = find_block(profile, "key"), *last;

	if (find_block(profile, "pkcs12") != NULL)
		return err_set(e, "pkcs12: it has a private key of its own, and credentials.key names one; "
				  "instead: ca and cert in the profile, or leave out credentials.key");
	if (find_block(profile, "cert") == NULL)
		return err_set(e,
			       "credentials.key: the profile has no certificate (cert) that it would belong "
			       "to; instead: add cert, or leave out credentials.key");
	if (key == NULL)
		return 0;
	last = &profile->blocks[--profile->block_count];
	buffer_free(&key->text);
	*key = *last;
	profile->needs &= ~PROFILE_NEEDS_KEY_PASSPHRASE;
	return 0;
}

bool profile_route_nopull(const struct profile *profile)
{
	return profile->route_nopull;
}

bool profile_random_host(const struct profile *profile)
{
	return profile->random_host;
}

int profile_keep_address(struct profile *profile, const char *host, const struct net_address *address)
{
	bool known = false;

	if (!net_address_is_dialable(address))
		return -1;
	for (size_t i = 0; i < profile->remote_count; i++) {
		if (strcmp(profile->remotes[i].host, host) != 0)
			continue;
		profile_give(&profile->remotes[i], address);
		known = true;
	}
	for (size_t i = 0; known && i < profile->kept_count; i++) {
		if (strcmp(profile->kept[i].host, host) == 0 &&
		    net_address_equal(&profile->kept[i].address, address))
			return 0;
	}
	return known ? profile_add_kept(profile, host, address, NULL) : -1;
}
