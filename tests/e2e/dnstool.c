/* The resolver port by hand, for its tests: dnstool set IF ADDR,... [DOMAIN,...] | dnstool restore IF */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/dns.h"

static int usage(void)
{
	fprintf(stderr, "usage: dnstool set IF ADDR,... [DOMAIN,...] | dnstool restore IF\n");
	return 2;
}

static int fill(struct wire_tunnel *tunnel, char *servers, char *domains)
{
	size_t count = 0;

	for (char *s = strtok(servers, ","); s != NULL && count < WIRE_SERVERS; s = strtok(NULL, ",")) {
		if (net_address_parse(s, &tunnel->dns[count++]) == -1)
			return -1;
	}
	count = 0;
	if (domains == NULL)
		return 0;
	for (char *s = strtok(domains, ","); s != NULL && count < WIRE_DOMAINS; s = strtok(NULL, ","))
		text_copy(tunnel->domains[count++], WIRE_DOMAIN, s);
	return 0;
}

/* Prints "RESULT TEXT": 0, 1 (left alone) or -1, and the line for the log. */
int main(int argc, char **argv)
{
	struct wire_tunnel tunnel = {.name = ""};
	struct err e = {""};
	int result;

	if (argc < 3)
		return usage();
	text_copy(tunnel.name, sizeof tunnel.name, argv[2]);
	if (strcmp(argv[1], "restore") == 0)
		result = dns_restore(argv[2], &e);
	else if (argc >= 4 && fill(&tunnel, argv[3], argc > 4 ? argv[4] : NULL) == 0)
		result = dns_set(&tunnel, &e);
	else
		return usage();
	printf("%d %s\n", result, e.text);
	return 0;
}
