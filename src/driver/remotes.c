/* The servers of the canonical profile, one after the other. */
#include "driver/remotes.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "tunnel/way.h"

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

/* Goes to the current remote's next address. False: it has no more. `cut_off` is set if no way leads to one.
 */
static bool next_address(struct remotes *remotes, const struct wire_way *way, bool *cut_off)
{
	struct canonical_remote *remote = &remotes->remote;
	char text[NET_ADDRESS_TEXT];

	while (remotes->next_address < remote->address_count) {
		const struct net_address *address = &remote->addresses[remotes->next_address++];

		if (!way_leads(way, address->family)) {
			*cut_off = true;
			continue;
		}
		if (net_address_is_dialable(address)) {
			remotes->endpoint.address = *address;
			remotes->endpoint.port = remote->port;
			remotes->endpoint.proto = remote->proto;
			return true;
		}
		if (!remotes->complained)
			log_error("driver", "remote %s: %s can't be a server's address; skipped",
				  remote->host, net_address_text(address, text));
	}
	return false;
}

/* Goes to the next remote, after the last one to the first. True if it wrapped. */
static bool next_remote(struct remotes *remotes)
{
	bool wrapped = false;

	if (!canonical_next_remote(remotes->text, remotes->length, &remotes->at, &remotes->remote)) {
		wrapped = true;
		remotes->at = 0;
		if (!canonical_next_remote(remotes->text, remotes->length, &remotes->at, &remotes->remote))
			remotes->remote.address_count = 0;
	}
	remotes->next_address = 0;
	if (!wrapped && remotes->remote.address_count == 0 && !remotes->complained)
		log_error("driver",
			  "remote %s was never resolved; instead: portcullis import, while the machine "
			  "is not shut",
			  remotes->remote.host);
	return wrapped;
}

int remotes_pick(struct remotes *remotes, bool again, const struct wire_way *way, struct err *e)
{
	bool cut_off = false;

	if (again && remotes->endpoint.address.family != NET_NONE &&
	    way_leads(way, remotes->endpoint.address.family))
		return 0;
	for (int wraps = 0; !next_address(remotes, way, &cut_off);) {
		if (next_remote(remotes)) {
			remotes->complained = true;
			if (++wraps == 2) {
				memset(&remotes->endpoint, 0, sizeof remotes->endpoint);
				return err_set(e, "%s",
					       cut_off ? "there is no network: no route leads to a server"
						       : "no server of the profile has a known address");
			}
		}
	}
	return 0;
}

int remotes_needs(const struct remotes *remotes)
{
	return canonical_needs(remotes->text, remotes->length);
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
