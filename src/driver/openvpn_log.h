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
	char route[OPENVPN_LOG_CAUSE]; /* the latest route it began to set */
	char fault[OPENVPN_LOG_CAUSE]; /* the first route that failed, and why */
};

/* Begins anew for an attempt. */
void openvpn_log_begin(struct openvpn_log *log);

/* `flags` as in >LOG. Lines that may hold credentials or tokens are left out. */
void openvpn_log_line(struct openvpn_log *log, uint64_t now, const char *flags, const char *text);

/* May one more line be written that openvpn causes? Says so if some could not. */
bool openvpn_log_may(struct openvpn_log *log, uint64_t now, enum log_level level);

#endif
