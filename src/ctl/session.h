/* Where the person sits who runs this command. */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/* Does this session come over the network? Then `by` is what serves it ("ssh", or the server's name). sudo(8)
 * hides SSH_CONNECTION, so the processes above are looked at too. Behind tmux(1) or screen(1) nothing is
 * found. */
bool session_is_remote(char *by, size_t size);

#endif
