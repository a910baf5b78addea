/* scutil(8) as text: what is fed to it, and what it says. The words and their
 * order are those of configd's scutil.tproj (commands.c, cache.c) and of
 * _SCCopyDescription, which prints a dictionary. */
#include "os/dns/scutil_text.h"

#include <string.h>

#include "base/text.h"
#include "os/dns/scutil_service.h"
#include "os/dns/words.h"

#define SERVICE DNS_SCUTIL_SERVICE

const char scutil_remove[] = "remove " SERVICE "/DNS\n"
			     "remove " SERVICE "/IPv4\n"
			     "remove " SERVICE "/IPv6\n"
			     "list " SERVICE "/.*\n"
			     "quit\n";
const char scutil_show[] = "show " SERVICE "/DNS\nquit\n";

void scutil_of_tunnel(const struct wire_tunnel *tunnel, struct scutil_dns *dns)
{
	struct dns_words words;

	memset(dns, 0, sizeof *dns);
	dns_words_of(tunnel, &words);
	dns->server_count = words.server_count;
	memcpy(dns->servers, words.servers, sizeof dns->servers);
	dns->domain_count = 1 + words.domain_count; /* the first is "": every name */
	memcpy(dns->domains[1], words.domains, sizeof words.domains);
}

/* A question that is bound to a link, as Apple's own check is, is answered by
 * another service's resolver only if that one names the link, or all of them. */
void scutil_of_loopback(uint16_t port, struct scutil_dns *dns)
{
	memset(dns, 0, sizeof *dns);
	text_copy(dns->servers[0], sizeof dns->servers[0], "127.0.0.1");
	dns->server_count = 1;
	dns->domain_count = 1 + CAPTIVE_NAMES;
	for (size_t i = 0; i < CAPTIVE_NAMES; i++)
		text_copy(dns->domains[1 + i], WIRE_DOMAIN, captive_names[i]);
	text_copy(dns->interface, sizeof dns->interface, "*");
	dns->port = port;
}

bool scutil_same(const struct scutil_dns *a, const struct scutil_dns *b)
{
	bool same = a->server_count == b->server_count && a->domain_count == b->domain_count &&
		    a->port == b->port && strcmp(a->interface, b->interface) == 0;

	for (size_t i = 0; same && i < a->server_count; i++)
		same = strcmp(a->servers[i], b->servers[i]) == 0;
	for (size_t i = 0; same && i < a->domain_count; i++)
		same = strcmp(a->domains[i], b->domains[i]) == 0;
	return same;
}

/* --- what is fed to it */

struct script {
	char *to;
	size_t size, used;
	bool cut;
};

#define SAY(script, ...)                                                                                     \
	((script)->cut |= text_append((script)->to, (script)->size, &(script)->used, __VA_ARGS__) == -1)

/* Nothing else needs quotes: the rest is literal addresses and plain names. */
static const char *word(const char *domain)
{
	return domain[0] == '\0' ? "\"\"" : domain;
}

static void say_dns(struct script *script, const struct scutil_dns *dns, bool search)
{
	SAY(script, "d.init\nd.add ServerAddresses *");
	for (size_t i = 0; i < dns->server_count; i++)
		SAY(script, " %s", dns->servers[i]);
	if (dns->port != 0)
		SAY(script, "\nd.add ServerPort # %u", (unsigned)dns->port);
	SAY(script, "\nd.add SupplementalMatchDomains *");
	for (size_t i = 0; i < dns->domain_count; i++)
		SAY(script, " %s", word(dns->domains[i]));
	for (size_t i = 1; search && i < dns->domain_count; i++)
		SAY(script, "%s%s", i == 1 ? "\nd.add SearchDomains * " : " ", dns->domains[i]);
	/* "-": what follows is a text, even if it looks like the sign of an array */
	if (dns->interface[0] != '\0')
		SAY(script, "\nd.add InterfaceName - %s", dns->interface);
	SAY(script, "\nset " SERVICE "/DNS\n");
}

/* The link that the servers are reached by. Without a router it never becomes
 * the machine's way out: that is a matter of openvpn's routes. */
static void say_address(struct script *script, const char *family, const char *interface,
			const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT];

	if (address->family == NET_NONE || !net_is_interface_name(interface))
		SAY(script, "remove " SERVICE "/%s\n", family);
	else
		SAY(script,
		    "d.init\nd.add InterfaceName %s\nd.add Addresses * %s\n"
		    "set " SERVICE "/%s\n",
		    interface, net_address_text(address, text), family);
}

int scutil_print_set(const struct scutil_dns *dns, const struct wire_tunnel *tunnel, char *to, size_t size,
		     struct err *e)
{
	static const struct wire_tunnel none = {.name = ""};
	const struct wire_tunnel *addresses = tunnel != NULL ? tunnel : &none;
	struct script script = {.to = to, .size = size};

	to[0] = '\0';
	say_dns(&script, dns, tunnel != NULL);
	say_address(&script, "IPv4", addresses->name, &addresses->address4);
	say_address(&script, "IPv6", addresses->name, &addresses->address6);
	SAY(&script, "quit\n");
	return script.cut ? err_set(e, "scutil: the input is too long") : 0;
}

/* --- what it says */

/* The next line without its blanks at both ends, cut to `size`. False: no more. */
static bool next_line(const char **output, char *line, size_t size)
{
	const char *from = *output, *end = from + strcspn(from, "\n");
	size_t length;

	if (*from == '\0')
		return false;
	*output = *end == '\n' ? end + 1 : end;
	while (from < end && *from == ' ')
		from++;
	while (end > from && end[-1] == ' ')
		end--;
	length = (size_t)(end - from) < size - 1 ? (size_t)(end - from) : size - 1;
	memcpy(line, from, length);
	line[length] = '\0';
	return true;
}

enum { LINE_SIZE = 256 };
static const char no_such_key[] = "No such key";

static int unexpected(const char *line, struct err *e)
{
	char text[LINE_SIZE];

	text_escape(text, sizeof text, line, strlen(line));
	return err_set(e, "scutil: says \"%s\"", text);
}

/* It is no failure if there was nothing to remove. */
int scutil_read_set(const char *output, struct err *e)
{
	char line[LINE_SIZE];

	while (next_line(&output, line, sizeof line)) {
		if (line[0] != '\0' && strcmp(line, no_such_key) != 0)
			return unexpected(line, e);
	}
	return 0;
}

int scutil_read_remove(const char *output, struct err *e)
{
	char line[LINE_SIZE];
	bool gone = false;

	while (next_line(&output, line, sizeof line)) {
		if (strcmp(line, "no keys.") == 0)
			gone = true;
		else if (line[0] != '\0' && strcmp(line, no_such_key) != 0)
			return unexpected(line, e);
	}
	return gone ? 0 : err_set(e, "scutil: does not confirm that nothing of ours is left");
}

/* "NAME : VALUE", both without blanks at their ends. */
static bool split(char *line, const char **name, const char **value)
{
	char *colon = strstr(line, " :");

	if (colon == NULL || (colon[2] != '\0' && colon[2] != ' '))
		return false;
	*colon = '\0';
	*name = line;
	*value = colon[2] == '\0' ? colon + 2 : colon + 3;
	return true;
}

/* Takes an element of an array that we know, and ignores those of others. */
static int parse_element(struct scutil_dns *dns, const char *array, const char *value)
{
	if (strcmp(array, "ServerAddresses") == 0)
		return dns->server_count < WIRE_SERVERS
			   ? text_copy(dns->servers[dns->server_count++], NET_ADDRESS_TEXT, value)
			   : -1;
	if (strcmp(array, "SupplementalMatchDomains") == 0)
		return dns->domain_count < SCUTIL_DOMAINS
			   ? text_copy(dns->domains[dns->domain_count++], WIRE_DOMAIN, value)
			   : -1;
	return 0;
}

static int parse_value(struct scutil_dns *dns, const char *name, const char *value)
{
	uint64_t number;

	if (strcmp(name, "InterfaceName") == 0)
		return text_copy(dns->interface, sizeof dns->interface, value);
	if (strcmp(name, "ServerPort") != 0)
		return 0;
	if (text_number(value, 0, UINT16_MAX, &number) == -1)
		return -1;
	dns->port = (uint16_t)number;
	return 0;
}

struct reading {
	struct scutil_dns *dns;
	char array[LINE_SIZE]; /* "": in none */
	unsigned depth;        /* of what is open; 0 at the end */
};

/* One line of what is inside. What is nested deeper is somebody else's. */
static int parse_line(struct reading *r, char *line)
{
	const char *name, *value;

	if (strcmp(line, "}") == 0) {
		r->depth--;
		if (r->depth == 1)
			r->array[0] = '\0';
		return 0;
	}
	if (!split(line, &name, &value))
		return -1;
	if (strcmp(value, "<array> {") == 0 || strcmp(value, "<dictionary> {") == 0) {
		if (r->depth++ == 1)
			(void)text_copy(r->array, sizeof r->array, name);
		return 0;
	}
	if (r->depth == 1)
		return parse_value(r->dns, name, value);
	return r->depth == 2 ? parse_element(r->dns, r->array, value) : 0;
}

int scutil_read_show(const char *output, struct scutil_dns *dns, struct err *e)
{
	struct reading r = {.dns = dns, .depth = 1};
	char line[LINE_SIZE], copy[LINE_SIZE];

	memset(dns, 0, sizeof *dns);
	if (!next_line(&output, line, sizeof line))
		return err_set(e, "scutil: no output");
	if (strcmp(line, no_such_key) == 0)
		return 1;
	if (strcmp(line, "<dictionary> {") != 0)
		return unexpected(line, e);
	while (r.depth > 0 && next_line(&output, line, sizeof line)) {
		memcpy(copy, line, sizeof copy);
		if (parse_line(&r, line) == -1)
			return unexpected(copy, e);
	}
	return r.depth == 0 ? 0 : err_set(e, "scutil: its output is incomplete");
}
