/* What a BSD's tun device says of itself, as ifconfig prints it. */
#include "os/route/tun_status.h"

#include <string.h>

#include "base/text.h"

static const char opened[] = "Opened by PID ";

/* One line without its end; 0 if it is another. */
static int32_t pid_of(const char *line, size_t length)
{
	char digits[12];
	uint64_t pid;

	while (length > 0 && (*line == '\t' || *line == ' ')) {
		line++;
		length--;
	}
	if (length < sizeof opened || memcmp(line, opened, sizeof opened - 1) != 0)
		return 0;
	length -= sizeof opened - 1;
	if (length >= sizeof digits)
		return 0;
	memcpy(digits, line + sizeof opened - 1, length);
	digits[length] = '\0';
	return text_number(digits, 1, INT32_MAX, &pid) == 0 ? (int32_t)pid : 0;
}

int32_t tun_status_pid(const char *text, size_t length)
{
	const char *end = memchr(text, '\0', length);
	int32_t found = 0;

	if (end == NULL)
		end = text + length;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		int32_t pid = pid_of(text, (size_t)((stop == NULL ? end : stop) - text));

		if (stop == NULL && pid != 0)
			return 0; /* cut: it may be another number */
		if (pid != 0 && found != 0)
			return 0;
		if (pid != 0)
			found = pid;
		text = stop == NULL ? end : stop + 1;
	}
	return found;
}
