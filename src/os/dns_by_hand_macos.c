/* What takes back what the resolver was told, by hand, on macOS. */
#include "os/dns_by_hand.h"

#include "os/dns_scutil_service.h"

const char dns_by_hand[] = "echo remove " DNS_SCUTIL_SERVICE "/DNS | sudo scutil, or reboot";
