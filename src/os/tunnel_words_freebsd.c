/* What FreeBSD's ifconfig differs in: an address has its subnet. */
#include "os/tunnel_words.h"

const bool tunnel_words_by_ends = false;
