/* Runs a program as the gate runs openvpn: confined USER GROUP PROTO PORT NODE PROGRAM [ARGUMENT...] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/process/sandbox/confine.h"

int main(int count, char **arguments)
{
	static const int from[] = {0, 1, 2};
	struct net_endpoint endpoint = {0};
	struct confine confine = {.endpoint = &endpoint};
	const char *lacks;
	struct err e = {""};

	if (count < 7)
		return 2;
	confine.uid = (uint32_t)atoi(arguments[1]);
	confine.gid = (uint32_t)atoi(arguments[2]);
	endpoint.proto = strcmp(arguments[3], "tcp") == 0 ? NET_TCP : NET_UDP;
	endpoint.port = (uint16_t)atoi(arguments[4]);
	confine.node = arguments[5][0] == '/' ? arguments[5] : NULL;
	confine.binary = arguments[6];
	confine.folder = ".";
	if (confine_prepare(&confine, &lacks, &e) == -1) {
		fprintf(stderr, "confined: %s\n", e.text);
		return 1;
	}
	fprintf(stderr, "%s", lacks);
	confine_exec(&confine, arguments + 6, from, 3);
}
