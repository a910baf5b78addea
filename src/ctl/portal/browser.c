/* Which program logs in to a portal, and with what environment. */
#include "ctl/portal/browser.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { PATH_SIZE = 512 };

/* A copy in the room; what does not fit is left out by whoever puts it. NULL: no room. */
static char *copy_in(struct browser *browser, const char *name, const char *value)
{
	char *at = browser->room + browser->used;
	int length = snprintf(at, sizeof browser->room - browser->used, "%s%s", name, value);

	if (length < 0 || (size_t)length >= sizeof browser->room - browser->used)
		return NULL;
	browser->used += (size_t)length + 1;
	return at;
}

static void put(struct browser *browser, const char *name, const char *value)
{
	size_t i = 0;

	while (browser->environment[i] != NULL)
		i++;
	if (value != NULL && i < BROWSER_VARIABLES - 1)
		browser->environment[i] = copy_in(browser, name, value);
}

/* sudo keeps neither of these two. */
static const char *runtime_folder(uid_t user, char *to, size_t size)
{
	const char *set = getenv("XDG_RUNTIME_DIR");

	snprintf(to, size, "/run/user/%u", (unsigned)user);
	return set != NULL ? set : access(to, F_OK) == 0 ? to : NULL;
}

static const char *wayland(const char *folder)
{
	const char *set = getenv("WAYLAND_DISPLAY");
	char path[PATH_SIZE + sizeof "/wayland-0"];

	snprintf(path, sizeof path, "%s/wayland-0", folder != NULL ? folder : "");
	return set != NULL ? set : folder != NULL && access(path, F_OK) == 0 ? "wayland-0" : NULL;
}

bool browser_environment(struct browser *browser, uid_t user, const char *home)
{
	static const char *const kept[] = {"DISPLAY", "LANG", "LC_ALL", "TERM", "COLORTERM"};
	const struct passwd *entry = getpwuid(user);
	const char *authority = getenv("XAUTHORITY");
	char folder[PATH_SIZE], path[PATH_SIZE], name[32];
	const char *runtime = runtime_folder(user, folder, sizeof folder), *screen = wayland(runtime);

	put(browser, "PATH=", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	put(browser, "HOME=", home);
	put(browser, "USER=", entry != NULL ? entry->pw_name : NULL);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		snprintf(name, sizeof name, "%s=", kept[i]);
		put(browser, name, getenv(kept[i]));
	}
	if (authority == NULL && entry != NULL) {
		snprintf(path, sizeof path, "%s/.Xauthority", entry->pw_dir);
		authority = path;
	}
	put(browser, "XAUTHORITY=", authority);
	put(browser, "XDG_RUNTIME_DIR=", runtime);
	put(browser, "WAYLAND_DISPLAY=", screen);
	return screen != NULL || getenv("DISPLAY") != NULL;
}

/* No QUIC and no DNS over HTTPS: neither is let out. */
int browser_find(struct browser *browser, const char *home, const char *url, struct err *e)
{
	static const struct {
		const char *name;
		bool firefox;
	} browsers[] = {
	    {"chromium", false},      {"chromium-browser", false}, {"google-chrome-stable", false},
	    {"google-chrome", false}, {"brave-browser", false},    {"firefox-esr", true},
	    {"firefox", true}};
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof browsers / sizeof *browsers; i++) {
		char **next = browser->arguments;

		snprintf(path, sizeof path, "/usr/bin/%s", browsers[i].name);
		if (access(path, X_OK) == -1)
			continue;
		*next++ = copy_in(browser, "", path);
		if (browsers[i].firefox) {
			*next++ = copy_in(browser, "", "--no-remote");
			*next++ = copy_in(browser, "", "--new-instance");
			*next++ = copy_in(browser, "", "--profile");
			*next++ = copy_in(browser, "", home);
		} else {
			*next++ = copy_in(browser, "--user-data-dir=", home);
			*next++ = copy_in(browser, "", "--no-first-run");
			*next++ = copy_in(browser, "", "--disable-quic");
			*next++ = copy_in(browser, "", "--disable-background-networking");
			*next++ = copy_in(browser, "", "--disable-features=DnsOverHttps");
		}
		*next = copy_in(browser, "", url);
		return 0;
	}
	return err_set(
	    e,
	    "there is no browser that we know in /usr/bin; instead: sudo portcullis portal COMMAND, such "
	    "as curl -qv %s",
	    url);
}
