/* The resolver port on macOS: a service of our own in the dynamic store, by
 * scutil(8). It is a supplemental resolver for every name, which the system
 * asks before the links' own; no other service is touched. */
#include "os/dns/dns.h"

#include <string.h>

#include "base/text.h"
#include "os/dns/captive_dns_query.h"
#include "os/dns/scutil_text.h"
#include "os/dns/words.h"
#include "os/host/clock.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"

enum { DEADLINE_MS = 2000, ANSWER_MS = 500 };

const bool dns_is_watched = true;

static int run_scutil(const char *script, char *output, int64_t deadline, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_SCUTIL), NULL};

	return tool_output(argv, script, clock_left_ms(deadline), output, SCUTIL_TEXT, e);
}

/* What was cached from other servers is no longer valid. If the cache can't be flushed, that is only logged,
 * because its entries expire by themselves. */
static void flush(int64_t deadline, struct err *e)
{
	const char *const cache[] = {tool_path(TOOL_DSCACHEUTIL), "-flushcache", NULL};
	const char *const responder[] = {tool_path(TOOL_KILLALL), "-HUP", "mDNSResponder", NULL};
	struct err failed[2] = {{""}, {""}};
	size_t used = strlen(e->text);

	(void)tool_run(cache, NULL, clock_left_ms(deadline), &failed[0]);
	(void)tool_run(responder, NULL, clock_left_ms(deadline), &failed[1]);
	for (int i = 0; i < 2; i++) {
		if (failed[i].text[0] != '\0')
			(void)text_append(e->text, sizeof e->text, &used, "; not flushed: %s",
					  failed[i].text);
	}
}

/* Our service's DNS entity as it is. 0; 1: there is none; -1 and `e`. */
static int read_service(struct scutil_dns *dns, int64_t deadline, struct err *e)
{
	char output[SCUTIL_TEXT];

	return run_scutil(scutil_show, output, deadline, e) == -1 ? -1 : scutil_read_show(output, dns, e);
}

/* Set, and then read back: scutil's exit code means nothing. */
static int set_service(const struct scutil_dns *want, const struct wire_tunnel *tunnel, int64_t deadline,
		       struct err *e)
{
	char script[SCUTIL_TEXT], output[SCUTIL_TEXT];
	struct scutil_dns found;
	int is;

	if (scutil_print_set(want, tunnel, script, sizeof script, e) == -1 ||
	    run_scutil(script, output, deadline, e) == -1 || scutil_read_set(output, e) == -1 ||
	    (is = read_service(&found, deadline, e)) == -1)
		return err_prefix(e, "dns");
	if (is == 1 || !scutil_same(want, &found))
		return err_set(e, "dns: scutil: what was set is not in effect");
	err_set(e, "dns: names are looked up at %s port %u", want->servers[0],
		want->port != 0 ? want->port : 53u);
	flush(deadline, e);
	return 0;
}

static int remove_service(int64_t deadline, struct err *e)
{
	char output[SCUTIL_TEXT];

	if (run_scutil(scutil_remove, output, deadline, e) == -1 || scutil_read_remove(output, e) == -1)
		return err_prefix(e, "dns");
	err_set(e, "dns: the system's own resolvers are used");
	flush(deadline, e);
	return 0;
}

int dns_restore(const char *interface, struct err *e)
{
	(void)interface; /* our service has one name, whatever the link's is */
	return remove_service(clock_steady_ms() + DEADLINE_MS, e);
}

int dns_set(const struct wire_tunnel *tunnel, struct err *e)
{
	int64_t deadline = clock_steady_ms() + DEADLINE_MS;
	struct scutil_dns want;

	scutil_of_tunnel(tunnel, &want);
	if (want.server_count > 0)
		return set_service(&want, tunnel, deadline, e);
	/* What answered while shut answers no more. */
	if (remove_service(deadline, e) == -1)
		return -1;
	err_set(e, DNS_NONE_PUSHED);
	return 0;
}

int dns_shut(uint16_t port, struct err *e)
{
	int64_t deadline = clock_steady_ms() + DEADLINE_MS;
	struct scutil_dns want;

	scutil_of_loopback(port, &want);
	if (captive_dns_query(port, ANSWER_MS))
		return set_service(&want, NULL, deadline, e);
	/* The process that answers is sandboxed and may be stopped. Then the resolver is not pointed at it.
	 */
	if (remove_service(deadline, e) == -1)
		return -1;
	return err_set(e, "dns: nothing answers at 127.0.0.1 port %u: the system's own resolvers are used",
		       (unsigned)port);
}

int dns_check(const struct wire_tunnel *tunnel, uint16_t port, struct err *e)
{
	int64_t deadline = clock_steady_ms() + DEADLINE_MS;
	struct scutil_dns want = {.server_count = 0}, found;
	int is;

	if (tunnel != NULL)
		scutil_of_tunnel(tunnel, &want);
	else if (port != 0 && captive_dns_query(port, ANSWER_MS))
		scutil_of_loopback(port, &want);
	if ((is = read_service(&found, deadline, e)) == -1)
		return err_prefix(e, "dns");
	if (is == 1 ? want.server_count == 0 : scutil_same(&want, &found))
		return 0;
	if (want.server_count == 0)
		is = remove_service(deadline, e);
	else
		is = set_service(&want, tunnel, deadline, e);
	return is == -1 ? -1 : 1;
}
