/* Linux: what takes back what the resolver was told. */
#include "os/host/platform.h"

const char platform_dns_by_hand[] = "resolvectl revert tun0, or resolvconf -d tun0.portcullis";
