/* The users' homes of a Mac's disk: the folders in /Users. */
#include "ctl/tunnelblick/homes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { PATH_SIZE = 1024 };

void tblk_homes(const char *root, void (*visit)(const char *home, uid_t owner, void *argument),
		void *argument)
{
	char path[PATH_SIZE];
	struct dirent **names = NULL;
	size_t used = 0;
	int count;

	if (text_append(path, sizeof path, &used, "%s/Users", root) == -1 ||
	    (count = scandir(path, &names, NULL, alphasort)) == -1)
		return;
	for (int i = 0; i < count; i++) {
		size_t end = used;
		struct stat status;

		/* /Users/Shared belongs to root, as does everything there that is not a home. */
		if (names[i]->d_name[0] != '.' &&
		    text_append(path, sizeof path, &end, "/%s", names[i]->d_name) == 0 &&
		    lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid != 0 &&
		    (geteuid() == 0 || geteuid() == status.st_uid))
			visit(path, status.st_uid, argument);
		free(names[i]);
	}
	free(names);
}
