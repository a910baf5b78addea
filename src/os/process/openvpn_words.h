/* What openvpn needs to know of this platform, as options for its command line. Pure. */
#ifndef OS_PROCESS_OPENVPN_WORDS_H
#define OS_PROCESS_OPENVPN_WORDS_H

#include <stddef.h>

#include "base/net.h"

enum { OPENVPN_WORDS = 12 };

/* Its device `interface`; that it runs and sets nothing: not the addresses, not the routes (device.h,
 * route.h); on macOS who it becomes once its device stands (`user`, a name; root: nobody); and how small its
 * packets must be where the firewall can't let in errors about the path to `endpoint`. As many as it returns,
 * OPENVPN_WORDS at most. The names must outlive `words`. */
size_t openvpn_words(const char *interface, const struct net_endpoint *endpoint, const char *user,
		     const char **words);

#endif
