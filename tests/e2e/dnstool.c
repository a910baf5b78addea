/* The resolver port from the command line, for its tests:
 * set IF ADDR,... [DOMAIN,...] | restore IF | shut PORT | check [IF ADDR,... [DOMAIN,...] | PORT] */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/dns/dns.h"

static int usage(void)
{
	fprintf(stderr, "usage: dnstool set IF ADDR,... [DOMAIN,...] | restore IF | shut PORT |\n"
			"       check [IF ADDR,... [DOMAIN,...] | PORT]\n");
	return 2;
}

/* IF [ADDR,...] [DOMAIN,...] */
static int fill(struct wire_tunnel *tunnel, int argc, char **argv)
{
	size_t count = 0;

	net_address_parse("10.8.0.2", &tunnel->address4);
	text_copy(tunnel->name, sizeof tunnel->name, argv[0]);
	for (char *s = argc > 1 ? strtok(argv[1], ",") : NULL; s != NULL && count < WIRE_SERVERS;
	     s = strtok(NULL, ",")) {
		if (net_address_parse(s, &tunnel->dns[count++]) == -1)
			return -1;
	}
	count = 0;
	for (char *s = argc > 2 ? strtok(argv[2], ",") : NULL; s != NULL && count < WIRE_DOMAINS;
	     s = strtok(NULL, ","))
		text_copy(tunnel->domains[count++], WIRE_DOMAIN, s);
	return 0;
}

static int check(int argc, char **argv, struct err *e)
{
	struct wire_tunnel tunnel = {.name = ""};
	uint64_t port = 0;

	if (argc == 0 || text_number(argv[0], 1, UINT16_MAX, &port) == 0)
		return dns_check(NULL, (uint16_t)port, e);
	return fill(&tunnel, argc, argv) == 0 ? dns_check(&tunnel, 0, e) : -2;
}

/* Prints "RESULT TEXT": 0, 1 (left alone, or set again) or -1, and the line for the log. */
int main(int argc, char **argv)
{
	struct wire_tunnel tunnel = {.name = ""};
	struct err e = {""};
	uint64_t port;
	int result = -2;

	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "restore") == 0 && argc == 3)
		result = dns_restore(argv[2], &e);
	else if (strcmp(argv[1], "shut") == 0 && argc == 3 && text_number(argv[2], 1, UINT16_MAX, &port) == 0)
		result = dns_shut((uint16_t)port, &e);
	else if (strcmp(argv[1], "check") == 0)
		result = check(argc - 2, argv + 2, &e);
	else if (strcmp(argv[1], "set") == 0 && argc >= 3 && fill(&tunnel, argc - 2, argv + 2) == 0)
		result = dns_set(&tunnel, &e);
	if (result == -2)
		return usage();
	printf("%d %s\n", result, e.text);
	return 0;
}
