/* Can this machine's own nft read a chain for every link? */
#ifndef OS_FIREWALL_NFT_TOOL_H
#define OS_FIREWALL_NFT_TOOL_H

#include <stdbool.h>

/* Judged by what `nft --version` prints; the second runs it, for 1 s at most, and is false also if that
 * fails. */
bool nft_version_reads_every_link(const char *output);
bool nft_tool_reads_every_link(void);

#endif
