/* openvpn's own log lines on their way into ours: filtered and rate-limited. */
#include "driver/openvpn_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* A broken device makes openvpn write 50,000 lines a second (management-notes 2.4). */
enum { BURST = 100, PER_SECOND = 20 };

void openvpn_log_begin(struct openvpn_log *log, uint64_t now)
{
	memset(log, 0, sizeof *log);
	log->refilled = now;
	log->tokens = BURST;
}

bool openvpn_log_is_safe(const char *text)
{
	/* Commands are echoed with user names in clear; a push or a refusal can
	 * carry tokens, a challenge its state. */
	static const char *const never[] = {"MANAGEMENT:", "PUSH", "CRV1", "SCRV1", "auth-token", "SESS_ID"};

	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		if (strstr(text, never[i]) != NULL)
			return false;
	}
	return true;
}

/* "the reason names the route": openvpn says which it sets, then what failed. */
static void watch_routes(struct openvpn_log *log, const char *text)
{
	if (strncmp(text, "net_route_v", 11) == 0 && strstr(text, "_add:") != NULL) {
		text_copy(log->route, sizeof log->route, text);
		return;
	}
	if (log->fault[0] != '\0' || log->route[0] == '\0')
		return;
	if (strstr(text, "rtnl:") != NULL || strstr(text, "route") != NULL) {
		size_t used = 0;

		if (strstr(text, "rtnl:") == NULL && strstr(text, "fail") == NULL &&
		    strstr(text, "ERROR") == NULL)
			return;
		text_append(log->fault, sizeof log->fault, &used, "%s: %s", log->route, text);
	}
}

static enum log_level level_of(const char *flags)
{
	if (strchr(flags, 'F') != NULL)
		return LOG_ERROR;
	if (strchr(flags, 'N') != NULL || strchr(flags, 'W') != NULL)
		return LOG_WARN;
	return LOG_DEBUG;
}

static bool may_write(struct openvpn_log *log, uint64_t now)
{
	uint64_t fresh = (now - log->refilled) * PER_SECOND / 1000;

	if (fresh > 0) {
		log->tokens = fresh > BURST - log->tokens ? BURST : log->tokens + (uint32_t)fresh;
		log->refilled = now;
	}
	if (log->tokens == 0) {
		log->suppressed++;
		return false;
	}
	log->tokens--;
	if (log->suppressed > 0)
		log_warn("openvpn", "%u lines left out: too many at once", log->suppressed);
	log->suppressed = 0;
	return true;
}

void openvpn_log_line(struct openvpn_log *log, uint64_t now, const char *flags, const char *text)
{
	watch_routes(log, text);
	if (openvpn_log_is_safe(text) && may_write(log, now))
		log_line(level_of(flags), "openvpn", "%s", text);
}
