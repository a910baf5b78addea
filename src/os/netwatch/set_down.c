/* Remembers which links we set down. */
#include "os/netwatch/set_down.h"

#include <string.h>

#include "base/net.h"
#include "base/text.h"

enum { NAMES_MAX = 128, PASSES = 3 };

static char names[NAMES_MAX][NET_NAME_SIZE];
static size_t count;

int set_down_remember(const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return 0;
	}
	return count == NAMES_MAX ? -1 : text_copy(names[count++], NET_NAME_SIZE, name);
}

static int restore_pass(set_down_up_fn *up, void *by, struct err *e)
{
	size_t left = 0;
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		if (up(by, names[i], e) == 0)
			continue;
		memmove(names[left++], names[i], NET_NAME_SIZE);
		result = -1;
	}
	count = left;
	return result;
}

/* More than once, since a VLAN can't come up before the link that it is on. */
int set_down_restore(set_down_up_fn *up, void *by, struct err *e)
{
	int result = -1;

	for (int i = 0; i < PASSES && result == -1; i++)
		result = restore_pass(up, by, e);
	return result;
}
