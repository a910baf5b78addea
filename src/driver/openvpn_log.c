/* openvpn's own log lines on their way into ours: filtered and rate-limited. */
#include "driver/openvpn_log.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"

/* A broken device makes openvpn write 50,000 lines a second. */
void openvpn_log_begin(struct openvpn_log *log)
{
	/* The limit is not reset: an openvpn that exits at once would get a new one each time. */
	log->route[0] = log->fault[0] = '\0';
	log->early = false;
}

/* The reason must name the route: openvpn logs which one it sets, then what failed. */
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

bool openvpn_log_may(struct openvpn_log *log, uint64_t now, enum log_level level)
{
	uint32_t left_out;

	if (!log_wants(level) || !limit_allows(&log->limit, now, &left_out))
		return false;
	if (left_out > 0)
		log_warn("openvpn", "%u lines left out: too many at once", left_out);
	return true;
}

void openvpn_log_line(struct openvpn_log *log, uint64_t now, const char *flags, const char *text)
{
	enum log_level level = level_of(flags);

	watch_routes(log, text);
	/* OpenSSL's and mbed TLS' words for it. */
	if (strncmp(text, "VERIFY ERROR", 12) == 0 &&
	    (strstr(text, "is not yet valid") != NULL || strstr(text, "starts in the future") != NULL))
		log->early = true;
	if (secret_may_log(text) && openvpn_log_may(log, now, level))
		log_line(level, "openvpn", "%s", text);
}
