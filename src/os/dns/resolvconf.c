/* resolvconf(8): one record of ours by the name of the interface. */
#include "os/dns/resolvconf.h"

#include "base/text.h"
#include "os/process/tool.h"

enum { RECORD_NAME = NET_NAME_SIZE + 16, RECORD_TEXT = 1024 };

static const char *record_name(const char *interface, char *name)
{
	size_t used = 0;

	(void)text_append(name, RECORD_NAME, &used, "%s.portcullis", interface);
	return name;
}

int dns_resolvconf_set(const char *tool, bool openresolv, const char *interface,
		       const struct dns_words *words, int milliseconds, struct err *e)
{
	char name[RECORD_NAME], text[RECORD_TEXT] = "";
	const char *const shared[] = {tool, "-a", record_name(interface, name), NULL};
	const char *const alone[] = {tool, "-x", "-a", name, NULL};
	size_t used = 0;

	for (size_t i = 0; i < words->server_count; i++)
		(void)text_append(text, sizeof text, &used, "nameserver %s\n", words->servers[i]);
	for (size_t i = 0; i < words->domain_count; i++)
		(void)text_append(text, sizeof text, &used, "%s%s%s", i == 0 ? "search " : " ",
				  words->domains[i], i + 1 == words->domain_count ? "\n" : "");
	return tool_run(openresolv ? alone : shared, text, milliseconds, e);
}

int dns_resolvconf_restore(const char *tool, bool openresolv, const char *interface, int milliseconds,
			   struct err *e)
{
	char name[RECORD_NAME];
	const char *const plain[] = {tool, "-d", record_name(interface, name), NULL};
	const char *const forgiving[] = {tool, "-f", "-d", name, NULL};

	return tool_run(openresolv ? forgiving : plain, NULL, milliseconds, e);
}
