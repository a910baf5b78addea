/* gate: how a child of portcullisd becomes portcullis-driver, for one of its tasks. */
#ifndef GATE_BECOME_H
#define GATE_BECOME_H

#include <stddef.h>

#include "config/config.h"

/* In a child: `task` is "--vet", "--ask" or "--sign", or NULL, the driver itself; `more` are the task's own
 * arguments, up to a NULL, three at most; the descriptors go to the places from `first` on. Never returns. */
_Noreturn void become_program(const struct config *config, const char *task, const char *const *more,
			      const int *from, size_t count, int first);

#endif
