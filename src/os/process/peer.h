/* The peer port: who is at the other end of a local socket. */
#ifndef OS_PROCESS_PEER_H
#define OS_PROCESS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_GROUPS = 256 };

struct peer {
	uint32_t uid, gid;
	int32_t pid; /* 0 where the system can't say */
	uint32_t group_count;
	uint32_t groups[PEER_GROUPS]; /* supplementary, as when it connected; none if it has more */
};

/* Asks the kernel only, so that it works inside the sandbox. 0 or -1 with errno. */
int peer_of(int descriptor, struct peer *peer);

/* Is the user of `peer` root, or a member of group `gid` (effective or
 * supplementary)? gid -1: root only. */
bool peer_is_allowed(const struct peer *peer, int64_t gid);

#endif
