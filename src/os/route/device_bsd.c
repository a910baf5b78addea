/* What the device ports of macOS and of FreeBSD share: addresses and MTU, set by ifconfig. */
#include "os/route/device_bsd.h"

#include <string.h>

#include "os/netwatch/bsd/route_socket.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/route/evidence.h"
#include "os/route/tunnel_words.h"

enum { PATIENCE = 2000 };

static int ifconfig(const char *name, const char *const *words, size_t count, struct err *e)
{
	const char *argv[TUNNEL_WORDS_MAX + 3] = {tool_path(TOOL_IFCONFIG), name};

	memcpy(argv + 2, words, count * sizeof *words);
	return tool_run(argv, NULL, PATIENCE, e);
}

int device_bsd_configure(const char *name, const char *lines, struct err *e)
{
	const char *words[TUNNEL_WORDS_MAX];
	char line[160];
	size_t count;

	while ((count = tunnel_words_next(&lines, line, sizeof line, words, TUNNEL_WORDS_MAX)) > 0)
		if (ifconfig(name, words, count, e) == -1)
			return -1;
	return *lines == '\0' ? 0 : err_set(e, "%s: the settings can't be expressed", name);
}

/* Row 2 of the promise would silence another link that has the address, and with it openvpn. 1: it is all set
 * already; 0; or -1 and `e`. */
static int is_set_already(const struct wire_tunnel *tunnel, struct err *e)
{
	struct route_buffer interfaces = {NULL, 0};
	int result = route_dump(ROUTE_LIST_LINKS, &interfaces, e);

	if (result == 0)
		result = evidence_alone(route_layout_here, interfaces, tunnel, e);
	if (result == 0 && evidence_device(route_layout_here, interfaces, tunnel, NULL) == 0)
		result = 1;
	route_release(&interfaces);
	return result;
}

int device_bsd_set(const struct wire_tunnel *tunnel, struct err *e)
{
	char lines[512];
	int is;

	if (tunnel->mtu == 0)
		return err_set(e, "openvpn has not reported the tunnel's MTU");
	/* An address that is set again would take its routes with it. */
	if ((is = is_set_already(tunnel, e)) != 0)
		return is == 1 ? 0 : -1;
	if (tunnel_words_device(tunnel, lines, sizeof lines, e) == -1)
		return -1;
	return device_bsd_configure(tunnel->name, lines, e);
}
