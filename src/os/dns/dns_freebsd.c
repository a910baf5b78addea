/* The resolver port on FreeBSD: openresolv's resolvconf(8), which is in its base. */
#include "os/dns/dns.h"

#include <unistd.h>

#include "os/dns/resolvconf.h"
#include "os/process/tool_paths.h"

enum { DEADLINE_MS = 2000 };

static int left_alone(struct err *e)
{
	err_set(e, "dns: there is no %s: the resolver was left alone", tool_path(TOOL_RESOLVCONF));
	return 1;
}

/* Exclusive: as long as our record is there, the link's servers are not queried.
 * They would not be reached, and each question would wait for that. */
int dns_set(const struct wire_tunnel *tunnel, struct err *e)
{
	const char *tool = tool_path(TOOL_RESOLVCONF);
	struct dns_words words;

	if (!net_is_interface_name(tunnel->name))
		return err_set(e, "dns: not the name of an interface");
	dns_words_of(tunnel, &words);
	if (words.server_count == 0) {
		err_set(e, DNS_NONE_PUSHED);
		return 0;
	}
	if (access(tool, X_OK) == -1)
		return left_alone(e);
	if (dns_resolvconf_set(tool, true, tunnel->name, &words, DEADLINE_MS, e) == -1)
		return err_prefix(e, "dns");
	err_set(e, "dns: resolvconf has %s for %s, and no other", words.servers[0], tunnel->name);
	return 0;
}

int dns_restore(const char *interface, struct err *e)
{
	const char *tool = tool_path(TOOL_RESOLVCONF);

	if (!net_is_interface_name(interface))
		return err_set(e, "dns: not the name of an interface");
	if (access(tool, X_OK) == -1)
		return left_alone(e);
	if (dns_resolvconf_restore(tool, true, interface, DEADLINE_MS, e) == -1)
		return err_prefix(e, "dns");
	err_set(e, "dns: resolvconf is as it was before %s", interface);
	return 0;
}
