/* One line of the control protocol, parsed. */
#ifndef DRIVER_CONTROL_REQUEST_H
#define DRIVER_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum control_command { CONTROL_STATUS, CONTROL_WATCH, CONTROL_LOG };

struct control_request {
	enum control_command command;
	unsigned lines; /* CONTROL_LOG */
	bool follow;
};

enum { CONTROL_LINE_MAX = 1024, CONTROL_LINES_DEFAULT = 20 };

/* {"command":"status"}, {"command":"watch"}, {"command":"log","lines":N,"follow":B}.
 * 0, or -1 and `e`. Any bytes are fine. */
int control_request_parse(const char *line, size_t length, struct control_request *request, struct err *e);

#endif
