/* What takes back what the resolver was told, by hand, on FreeBSD. */
#include "os/dns_by_hand.h"

const char dns_by_hand[] = "resolvconf -f -d " PORTCULLIS_INTERFACE ".portcullis";
