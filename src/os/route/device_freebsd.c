/* The device port on FreeBSD: ifconfig makes the device and sets it; its node belongs to openvpn's user. */
#include "os/route/device.h"
#include "os/route/device_bsd.h"

#include <string.h>

#include "os/netwatch/netwatch.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/route/tun_freebsd.h"
#include "os/route/tunnel_words.h"

/* What tells a device of ours from another's: the group of links that it is in. */
#define GROUP "portcullis"

enum { PATIENCE = 2000, LIST = 1024 };

/* --- which are ours ----------------------------------------------------------------------- */

static int read_ours(char *list, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_IFCONFIG), "-g", GROUP, NULL};

	return tool_output(argv, NULL, PATIENCE, list, LIST, e);
}

/* 1, 0, or -1 and `e`. */
static int is_our_device(const char *name, struct err *e)
{
	char list[LIST], line[NET_NAME_SIZE + 1];
	const char *at = list, *word;

	if (read_ours(list, e) == -1)
		return -1;
	while (tunnel_words_next(&at, line, sizeof line, &word, 1) == 1)
		if (strcmp(word, name) == 0)
			return 1;
	return 0;
}

/* --- making ------------------------------------------------------------------------------- */

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	if (netwatch_index(name) != 0 && device_delete(name, e) == -1)
		return -1;
	if (netwatch_index(name) != 0)
		return err_set(e, "%s exists and is not ours; instead: remove it, or name another interface",
			       name);
	if (device_bsd_configure(name, "create\n", e) == -1)
		return -1;
	if (device_bsd_configure(name, "group " GROUP "\n", e) == 0 && tun_give(name, uid, gid, e) == 0)
		return 0;
	(void)tun_destroy(name, NULL);
	return -1;
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	int ours = is_our_device(tunnel->name, e);

	if (ours != 1)
		return ours == -1 ? -1 : err_set(e, "%s is not the device that the gate made", tunnel->name);
	return device_bsd_set(tunnel, e);
}

/* --- removing ----------------------------------------------------------------------------- */

int device_delete(const char *name, struct err *e)
{
	int ours = is_our_device(name, e);

	return ours == 1 ? tun_destroy(name, e) : ours;
}

int device_delete_all(struct err *e)
{
	char list[LIST], line[NET_NAME_SIZE + 1];
	const char *at = list, *word;
	int result = 0;

	if (read_ours(list, e) == -1)
		return -1;
	while (tunnel_words_next(&at, line, sizeof line, &word, 1) == 1)
		if (tun_destroy(word, e) == -1)
			result = -1;
	return result;
}
