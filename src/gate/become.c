/* become: the program, the users and the arguments of portcullisd's unprivileged children. */
#include "gate/become.h"

#include <stdio.h>
#include <string.h>

#include "os/process/child.h"

enum { MORE_MAX = 3, WORDS = 5 + MORE_MAX };

_Noreturn void become_program(const struct config *config, const char *task, const char *const *more,
			      const int *from, size_t count, int first)
{
	char path[PATH_MAX], uid[16], gid[16], program[] = "portcullis-driver";
	const char *words[WORDS] = {program};
	char *list[WORDS];
	size_t length = 1;

	snprintf(uid, sizeof uid, "%u", config->user.number);
	snprintf(gid, sizeof gid, "%u", config->user_gid);
	if (task != NULL)
		words[length++] = task;
	words[length++] = uid;
	words[length++] = gid;
	for (size_t i = 0; i < MORE_MAX && more != NULL && more[i] != NULL; i++)
		words[length++] = more[i];
	memcpy(list, words, sizeof list); /* execve changes none of them */
	child_sibling(program, PORTCULLIS_LIBEXECDIR, path, sizeof path);
	child_exec(path, list, from, count, first);
}
