/* The device port where openvpn makes the device itself. */
#include "os/device.h"

bool device_is_gates(void)
{
	return false;
}

int device_make(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	(void)name, (void)uid, (void)gid, (void)e;
	return 0;
}

int device_set(const struct wire_tunnel *tunnel, struct err *e)
{
	(void)tunnel, (void)e;
	return 0;
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
