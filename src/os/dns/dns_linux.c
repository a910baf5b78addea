/* The resolver port on Linux: systemd-resolved, else resolvconf. */
#include "os/dns/dns.h"
#include "os/host/clock.h"

#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "os/dns/resolvconf.h"
#include "os/process/tool.h"

enum { DEADLINE_MS = 2000, ANSWER_MS = 1000, PATH_TEXT = 256 };

/* Does systemd-resolved run here? The tool alone proves nothing: it is there
 * on machines where the service is not. */
static bool resolved_answers(char *resolvectl, int64_t deadline)
{
	const char *const argv[] = {resolvectl, "--no-pager", "dns", NULL};
	int left = clock_left_ms(deadline);

	return tool_find("resolvectl", resolvectl) == 0 &&
	       tool_run(argv, NULL, left < ANSWER_MS ? left : ANSWER_MS, NULL) == 0;
}

/* systemd ships a resolvconf that is resolvectl by another name: of no use
 * where resolved doesn't answer. */
static bool has_resolvconf(char *resolvconf)
{
	char real[PATH_TEXT];
	ssize_t length;

	if (tool_find("resolvconf", resolvconf) == -1)
		return false;
	length = readlink(resolvconf, real, sizeof real - 1);
	if (length == -1)
		return true;
	real[length] = '\0';
	return strstr(real, "resolvectl") == NULL;
}

/* "~." sends every name to this link's servers, whatever other links offer. */
static int resolved_set(const char *resolvectl, const char *interface, const struct dns_words *words,
			int64_t deadline, struct err *e)
{
	const char *dns[WIRE_SERVERS + 4] = {resolvectl, "dns", interface};
	const char *domain[WIRE_DOMAINS + 5] = {resolvectl, "domain", interface, "~."};
	const char *const default_route[] = {resolvectl, "default-route", interface, "yes", NULL};
	const char *const revert[] = {resolvectl, "revert", interface, NULL};

	for (size_t i = 0; i < words->server_count; i++)
		dns[3 + i] = words->servers[i];
	for (size_t i = 0; i < words->domain_count; i++)
		domain[4 + i] = words->domains[i];
	if (tool_run(dns, NULL, clock_left_ms(deadline), e) == 0 &&
	    tool_run(domain, NULL, clock_left_ms(deadline), e) == 0 &&
	    tool_run(default_route, NULL, clock_left_ms(deadline), e) == 0)
		return 0;
	(void)tool_run(revert, NULL, ANSWER_MS, NULL);
	return -1;
}

int dns_set(const struct wire_tunnel *tunnel, struct err *e)
{
	int64_t deadline = clock_steady_ms() + DEADLINE_MS;
	char tool[TOOL_PATH_SIZE];
	struct dns_words words;

	if (!net_is_interface_name(tunnel->name))
		return err_set(e, "dns: not the name of an interface");
	dns_words_of(tunnel, &words);
	if (words.server_count == 0) {
		err_set(e, DNS_NONE_PUSHED);
		return 0;
	}
	if (resolved_answers(tool, deadline)) {
		if (resolved_set(tool, tunnel->name, &words, deadline, e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: systemd-resolved uses %s on %s", words.servers[0], tunnel->name);
		return 0;
	}
	if (has_resolvconf(tool)) {
		if (dns_resolvconf_set(tool, false, tunnel->name, &words, clock_left_ms(deadline), e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: resolvconf has %s for %s", words.servers[0], tunnel->name);
		return 0;
	}
	err_set(e, "dns: neither systemd-resolved nor resolvconf is installed: the resolver was left alone");
	return 1;
}

static int resolved_restore(const char *resolvectl, const char *interface, int64_t deadline, struct err *e)
{
	const char *const argv[] = {resolvectl, "revert", interface, NULL};

	/* resolved forgets a link with the link */
	if (if_nametoindex(interface) == 0) {
		err_set(e, "dns: %s is gone, and systemd-resolved has forgotten it", interface);
		return 0;
	}
	if (tool_run(argv, NULL, clock_left_ms(deadline), e) == -1 && if_nametoindex(interface) != 0)
		return err_prefix(e, "dns");
	err_set(e, "dns: systemd-resolved is as it was before %s", interface);
	return 0;
}

int dns_restore(const char *interface, struct err *e)
{
	int64_t deadline = clock_steady_ms() + DEADLINE_MS;
	char tool[TOOL_PATH_SIZE];

	if (!net_is_interface_name(interface))
		return err_set(e, "dns: not the name of an interface");
	if (resolved_answers(tool, deadline))
		return resolved_restore(tool, interface, deadline, e);
	if (has_resolvconf(tool)) {
		if (dns_resolvconf_restore(tool, false, interface, clock_left_ms(deadline), e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: resolvconf is as it was before %s", interface);
		return 0;
	}
	err_set(e, "dns: neither systemd-resolved nor resolvconf is installed: nothing to restore");
	return 1;
}
