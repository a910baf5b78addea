/* Any bytes as scutil's output. What is understood is printed again, as configd would, and
 * must be understood as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "os/dns/scutil_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void print_again(const struct scutil_dns *dns, char *to, size_t size)
{
	size_t used = 0;

	text_append(to, size, &used, "<dictionary> {\n  InterfaceName : %s\n  ServerAddresses : <array> {\n",
		    dns->interface);
	for (size_t i = 0; i < dns->server_count; i++)
		text_append(to, size, &used, "    %zu : %s\n", i, dns->servers[i]);
	text_append(to, size, &used, "  }\n  ServerPort : %u\n  SupplementalMatchDomains : <array> {\n",
		    dns->port);
	for (size_t i = 0; i < dns->domain_count; i++)
		text_append(to, size, &used, "    %zu : %s\n", i, dns->domains[i]);
	require(text_append(to, size, &used, "  }\n}\n") == 0);
}

static void check(const struct scutil_dns *dns)
{
	struct scutil_dns again;
	struct err e = {""};
	char text[SCUTIL_TEXT];

	require(dns->server_count <= WIRE_SERVERS && dns->domain_count <= SCUTIL_DOMAINS);
	print_again(dns, text, sizeof text);
	require(scutil_read_show(text, &again, &e) == 0 && scutil_same(dns, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *said = malloc(size + 1);
	struct scutil_dns dns;
	struct err e = {""};
	int is;

	require(said != NULL);
	memcpy(said, data, size);
	said[size] = '\0';
	is = scutil_read_show(said, &dns, &e);
	require((is == -1) == (e.text[0] != '\0'));
	if (is == 0)
		check(&dns);
	e.text[0] = '\0';
	require((scutil_read_set(said, &e) == -1) == (e.text[0] != '\0'));
	e.text[0] = '\0';
	require((scutil_read_remove(said, &e) == -1) == (e.text[0] != '\0'));
	free(said);
	return 0;
}
