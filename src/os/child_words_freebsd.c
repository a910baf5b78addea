/* The child port on FreeBSD: openvpn's words. It is its own user from before exec. */
#include "os/child_bsd.h"

size_t child_bsd_words(const char *interface, const char *user, const char **words)
{
	(void)user;
	words[0] = "--dev";
	words[1] = interface;
	words[2] = "--script-security";
	words[3] = "0";
	words[4] = "--ifconfig-noexec";
	words[5] = "--route-noexec";
	return 6;
}
