/* One line of the control protocol, parsed. */
#include "driver/control_request.h"

#include <jansson.h>
#include <string.h>

#include "driver/log_tail.h"

static int parse_log(json_t *object, struct control_request *request, struct err *e)
{
	json_t *lines = json_object_get(object, "lines"), *follow = json_object_get(object, "follow");

	request->lines = CONTROL_LINES_DEFAULT;
	if (lines != NULL) {
		if (!json_is_integer(lines) || json_integer_value(lines) < 0 ||
		    json_integer_value(lines) > LOG_TAIL_LINES)
			return err_set(e, "lines: not a number from 0 to %d", LOG_TAIL_LINES);
		request->lines = (unsigned)json_integer_value(lines);
	}
	if (follow != NULL && !json_is_boolean(follow))
		return err_set(e, "follow: neither true nor false");
	request->follow = json_is_true(follow);
	return 0;
}

static int parse_object(json_t *object, struct control_request *request, struct err *e)
{
	const char *command = json_string_value(json_object_get(object, "command"));

	memset(request, 0, sizeof *request);
	if (command == NULL)
		return err_set(e, "no command; instead: {\"command\":\"status\"}, \"watch\" or \"log\"");
	if (strcmp(command, "status") == 0)
		request->command = CONTROL_STATUS;
	else if (strcmp(command, "watch") == 0)
		request->command = CONTROL_WATCH;
	else if (strcmp(command, "log") == 0)
		request->command = CONTROL_LOG;
	else
		return err_set(e, "unknown command; instead: status, watch or log (others go to gate.sock)");
	return request->command == CONTROL_LOG ? parse_log(object, request, e) : 0;
}

int control_request_parse(const char *line, size_t length, struct control_request *request, struct err *e)
{
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	int result;

	if (!json_is_object(object))
		result = err_set(e, "not a JSON object in one line");
	else
		result = parse_object(object, request, e);
	json_decref(object);
	return result;
}
