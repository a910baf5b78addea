/* openvpn's own log lines on their way into ours: filtered and rate-limited. */
#ifndef DRIVER_OPENVPN_LOG_H
#define DRIVER_OPENVPN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limit.h"
#include "base/log.h"

enum { OPENVPN_LOG_CAUSE = 200 };

struct openvpn_log {
	struct limit limit;
	char route[OPENVPN_LOG_CAUSE]; /* the latest route that openvpn began to set */
	bool early;                    /* a certificate, or the list of revoked ones, is not valid yet */
	char fault[OPENVPN_LOG_CAUSE]; /* the first route that failed, and why */
};

/* Resets it for a new attempt. */
void openvpn_log_begin(struct openvpn_log *log);

/* `flags` as in >LOG. Lines that may hold credentials or tokens are left out. */
void openvpn_log_line(struct openvpn_log *log, uint64_t now, const char *flags, const char *text);

/* May one more line that openvpn causes be logged? Logs how many could not, if any. */
bool openvpn_log_may(struct openvpn_log *log, uint64_t now, enum log_level level);

#endif
