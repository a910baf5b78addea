/* What of a tunnel may go to a resolver: literal addresses and plain names. */
#include "os/dns/words.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

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

void dns_words_of(const struct wire_tunnel *tunnel, struct dns_words *words)
{
	memset(words, 0, sizeof *words);
	for (size_t i = 0; i < WIRE_SERVERS; i++) {
		if (net_address_text(&tunnel->dns[i], words->servers[words->server_count])[0] != '\0')
			words->server_count++;
	}
	for (size_t i = 0; i < WIRE_DOMAINS; i++) {
		if (is_domain(tunnel->domains[i]))
			text_copy(words->domains[words->domain_count++], WIRE_DOMAIN, tunnel->domains[i]);
	}
}
