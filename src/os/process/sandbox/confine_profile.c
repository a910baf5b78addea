/* The sandbox of openvpn on macOS, in Apple's profile language. Each operation has one rule with its
 * exceptions inside, so that no order of rules decides. What has no rule is as without a sandbox. */
#include "os/process/sandbox/confine_profile.h"

#include <stdbool.h>

#include "base/text.h"

/* Sockets: inet, and of the kernel's own only its controls, which utun is one of: no routes, no link frames.
 * --tmp-dir must be writable, or openvpn does not start: the folder is, nothing can be made in it.
 * Its own user's number is asked of the directory service. */
static const char text[] =
    "(version 1)\n"
    "(allow default)\n"
    "(deny process-fork)\n"
    "(deny process-exec* (require-not (literal \"%s\")))\n"
    "(deny file-write* (require-not (require-any (literal \"%s\") (literal \"/dev/null\"))))\n"
    "(deny file-read-data (require-any\n"
    "  (subpath \"/Users\") (subpath \"/Volumes\") (subpath \"/Library/Keychains\")\n"
    "  (subpath \"/private/var/root\") (subpath \"/private/var/log\")\n"
    "  (subpath \"/private/var/db/dslocal\") (subpath \"/private/var/db/portcullis\")\n"
    "  (subpath \"/private/etc/ssh\") (subpath \"/private/etc/portcullis\")\n"
    "  (subpath \"/usr/local/etc/portcullis\") (subpath \"/opt/homebrew/etc/portcullis\")))\n"
    "(deny network-outbound (require-all (subpath \"/\") (require-not (subpath \"%s\"))))\n"
    "(deny system-socket (require-not (require-all (socket-domain AF_SYSTEM) (socket-protocol 2))))\n"
    "(deny signal (require-not (target self)))\n"
    "(deny mach-lookup (require-not (require-any\n"
    "  (global-name \"com.apple.system.opendirectoryd.libinfo\")\n"
    "  (global-name \"com.apple.system.opendirectoryd.membership\")\n"
    "  (global-name \"com.apple.system.notification_center\")\n"
    "  (global-name \"com.apple.system.logger\")\n"
    "  (global-name \"com.apple.logd\"))))\n";

/* Nothing that ends a string of the language, or begins another meaning in one. */
static bool is_plain(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path != '\0'; path++)
		if (*path < ' ' || *path > '~' || *path == '"' || *path == '\\')
			return false;
	return true;
}

int confine_profile(const char *binary, const char *folder, char *to, size_t size, struct err *e)
{
	size_t used = 0;

	if (!is_plain(binary) || !is_plain(folder))
		return err_set(e,
			       "%s can't be written in the sandbox profile; instead: a path of plain letters",
			       is_plain(binary) ? folder : binary);
	return text_append(to, size, &used, text, binary, folder, folder) == 0
		   ? 0
		   : err_set(e, "the sandbox's paths are too long");
}
