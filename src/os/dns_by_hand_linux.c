/* What takes back what the resolver was told, by hand, on Linux. */
#include "os/dns_by_hand.h"

const char dns_by_hand[] = "resolvectl revert tun0, or resolvconf -d tun0.portcullis";
