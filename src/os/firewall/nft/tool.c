/* Can this machine's own nft read a chain for every link? */
#include "os/firewall/nft/tool.h"

#include <stdio.h>

#include "os/process/tool.h"

enum { WAIT_MS = 1000 };

bool nft_version_reads_every_link(const char *output)
{
	unsigned version[3] = {0};

	if (sscanf(output, "nftables v%3u.%3u.%3u", &version[0], &version[1], &version[2]) < 2)
		return false;
	for (size_t i = 0; i < 3; i++) {
		static const unsigned first[] = {1, 1, 6};

		if (version[i] != first[i])
			return version[i] > first[i];
	}
	return true;
}

bool nft_tool_reads_every_link(void)
{
	char path[TOOL_PATH_SIZE], output[128];
	const char *const argv[] = {path, "--version", NULL};

	return tool_find("nft", path) == 0 &&
	       tool_output(argv, NULL, WAIT_MS, output, sizeof output, NULL) == 0 &&
	       nft_version_reads_every_link(output);
}
