/* Can this machine's own nft read a chain for every link? */
#ifndef OS_FIREWALL_NFT_TOOL_H
#define OS_FIREWALL_NFT_TOOL_H

#include <stdbool.h>

/* By what `nft --version` prints; and by running it, 1 s at most (false also if that fails). */
bool nft_version_reads_every_link(const char *output);
bool nft_tool_reads_every_link(void);

#endif
