/* What macOS's ifconfig differs in: a utun has two ends. */
#include "os/tunnel_words.h"

const bool tunnel_words_by_ends = true;
