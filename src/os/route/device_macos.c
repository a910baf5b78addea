/* The device port on macOS: openvpn makes its utun, which goes with it; the gate sets it. */
#include "os/route/device.h"
#include "os/route/device_bsd.h"

#include "os/netwatch/netwatch.h"

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	(void)uid, (void)gid;
	if (netwatch_index(name) != 0)
		return err_set(e, "%s exists and is not ours; instead: remove it, or name another interface",
			       name);
	return 0;
}

/* The gate has verified whose it is, by the process that holds it (child.h). */
int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	if (netwatch_index(tunnel->name) == 0)
		return err_set(e, "there is no %s", tunnel->name);
	return device_bsd_set(tunnel, e);
}

int device_delete(const char *name, struct err *e)
{
	(void)name, (void)e;
	return 0;
}

int device_delete_all(struct err *e)
{
	(void)e;
	return 0;
}
