/* The resolver port on Linux: systemd-resolved, else resolvconf. */
#include "os/dns.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/tool.h"

enum { DEADLINE_MS = 2000, ANSWER_MS = 1000, PATH_TEXT = 256 };

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A call's whole time, over all the tools that it runs. */
static int left_of(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	return left > 1 ? (int)left : 1;
}

static bool is_domain(const char *domain)
{
	size_t length = strnlen(domain, WIRE_DOMAIN);

	if (length == 0 || length == WIRE_DOMAIN || domain[0] == '.' || domain[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)domain[i];

		if (!(c < 0x80 && isalnum(c)) && c != '.' && c != '-')
			return false;
	}
	return true;
}

/* Does systemd-resolved run here? The tool alone proves nothing: it is there
 * on machines where the service is not. */
static bool resolved_answers(char *resolvectl, int64_t deadline)
{
	const char *const argv[] = {resolvectl, "--no-pager", "dns", NULL};
	int left = left_of(deadline);

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

struct servers {
	char text[WIRE_SERVERS][NET_ADDRESS_TEXT];
	size_t count;
	const char *domains[WIRE_DOMAINS];
	size_t domain_count;
};

static void check_servers(const struct wire_tunnel *tunnel, struct servers *servers)
{
	servers->count = servers->domain_count = 0;
	for (size_t i = 0; i < WIRE_SERVERS; i++) {
		if (net_address_text(&tunnel->dns[i], servers->text[servers->count])[0] != '\0')
			servers->count++;
	}
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		if (is_domain(tunnel->domains[i]))
			servers->domains[servers->domain_count++] = tunnel->domains[i];
	}
}

/* "~." sends every name to this link's servers, whatever other links offer. */
static int resolved_set(const char *resolvectl, const char *interface, const struct servers *servers,
			int64_t deadline, struct err *e)
{
	const char *dns[WIRE_SERVERS + 4] = {resolvectl, "dns", interface};
	const char *domain[WIRE_DOMAINS + 5] = {resolvectl, "domain", interface, "~."};
	const char *const default_route[] = {resolvectl, "default-route", interface, "yes", NULL};
	const char *const revert[] = {resolvectl, "revert", interface, NULL};

	for (size_t i = 0; i < servers->count; i++)
		dns[3 + i] = servers->text[i];
	for (size_t i = 0; i < servers->domain_count; i++)
		domain[4 + i] = servers->domains[i];
	if (tool_run(dns, NULL, left_of(deadline), e) == 0 &&
	    tool_run(domain, NULL, left_of(deadline), e) == 0 &&
	    tool_run(default_route, NULL, left_of(deadline), e) == 0)
		return 0;
	(void)tool_run(revert, NULL, ANSWER_MS, NULL);
	return -1;
}

static const char *record_name(const char *interface, char *name, size_t size)
{
	size_t used = 0;

	(void)text_append(name, size, &used, "%s.portcullis", interface);
	return name;
}

static int resolvconf_set(const char *resolvconf, const char *interface, const struct servers *servers,
			  int64_t deadline, struct err *e)
{
	char name[NET_NAME_SIZE + 16], text[1024] = "";
	const char *const argv[] = {resolvconf, "-a", record_name(interface, name, sizeof name), NULL};
	size_t used = 0;

	for (size_t i = 0; i < servers->count; i++)
		(void)text_append(text, sizeof text, &used, "nameserver %s\n", servers->text[i]);
	for (size_t i = 0; i < servers->domain_count; i++)
		(void)text_append(text, sizeof text, &used, "%s%s%s", i == 0 ? "search " : " ",
				  servers->domains[i], i + 1 == servers->domain_count ? "\n" : "");
	return tool_run(argv, text, left_of(deadline), e);
}

int dns_set(const struct wire_tunnel *tunnel, struct err *e)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	char tool[TOOL_PATH_SIZE];
	struct servers servers;

	if (!net_is_interface_name(tunnel->name))
		return err_set(e, "dns: not the name of an interface");
	check_servers(tunnel, &servers);
	if (servers.count == 0) {
		err_set(e, "dns: the server named no resolver: the system's own stays");
		return 0;
	}
	if (resolved_answers(tool, deadline)) {
		if (resolved_set(tool, tunnel->name, &servers, deadline, e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: systemd-resolved asks %s on %s", servers.text[0], tunnel->name);
		return 0;
	}
	if (has_resolvconf(tool)) {
		if (resolvconf_set(tool, tunnel->name, &servers, deadline, e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: resolvconf has %s for %s", servers.text[0], tunnel->name);
		return 0;
	}
	err_set(e, "dns: neither systemd-resolved nor resolvconf is here: the resolver was left alone");
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
	if (tool_run(argv, NULL, left_of(deadline), e) == -1 && if_nametoindex(interface) != 0)
		return err_prefix(e, "dns");
	err_set(e, "dns: systemd-resolved as it was before %s", interface);
	return 0;
}

int dns_restore(const char *interface, struct err *e)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	char tool[TOOL_PATH_SIZE], name[NET_NAME_SIZE + 16];
	const char *const argv[] = {tool, "-d", record_name(interface, name, sizeof name), NULL};

	if (!net_is_interface_name(interface))
		return err_set(e, "dns: not the name of an interface");
	if (resolved_answers(tool, deadline))
		return resolved_restore(tool, interface, deadline, e);
	if (has_resolvconf(tool)) {
		if (tool_run(argv, NULL, left_of(deadline), e) == -1)
			return err_prefix(e, "dns");
		err_set(e, "dns: resolvconf as it was before %s", interface);
		return 0;
	}
	err_set(e, "dns: neither systemd-resolved nor resolvconf is here: nothing to take back");
	return 1;
}
