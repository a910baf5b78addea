/* Strings of bounded size: copying, numbers, escaping, times. */
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NEAREST_MAX = 64 };

int text_copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (size == 0)
		return -1;
	if (length >= size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -1;
	}
	memcpy(to, from, length + 1);
	return 0;
}

int text_append(char *to, size_t size, size_t *used, const char *format, ...)
{
	va_list ap;
	int length;

	if (*used >= size)
		return -1;
	va_start(ap, format);
	length = vsnprintf(to + *used, size - *used, format, ap);
	va_end(ap);
	if (length < 0 || (size_t)length >= size - *used) {
		*used = size - 1;
		return -1;
	}
	*used += (size_t)length;
	return 0;
}

int text_number(const char *from, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t value = 0;

	if (*from == '\0')
		return -1;
	for (; *from != '\0'; from++) {
		uint64_t digit = (uint64_t)(unsigned char)*from - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	if (value < min || value > max)
		return -1;
	*number = value;
	return 0;
}

int text_duration(const char *from, uint32_t *seconds)
{
	static const char units[] = "smhd";
	static const uint32_t factor[] = {1, 60, 3600, 86400};
	char digits[16];
	uint64_t number;
	uint32_t unit = 1;
	size_t length = strlen(from);

	if (length == 0 || length >= sizeof digits)
		return -1;
	memcpy(digits, from, length + 1);
	if (!isdigit((unsigned char)digits[length - 1])) {
		const char *at = strchr(units, digits[length - 1]);

		if (at == NULL)
			return -1;
		unit = factor[at - units];
		digits[length - 1] = '\0';
	}
	if (text_number(digits, 1, 31 * 86400 / unit, &number) == -1)
		return -1;
	*seconds = (uint32_t)number * unit;
	return 0;
}

size_t text_escape(char *to, size_t size, const char *from, size_t length)
{
	size_t used = 0;

	if (size == 0)
		return 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)from[i];
		bool plain = byte >= 0x20 && byte <= 0x7e && byte != '\\';

		if (used + (plain ? 1 : 4) >= size)
			break;
		if (plain)
			to[used++] = (char)byte;
		else
			used += (size_t)snprintf(to + used, size - used, "\\x%02x", byte);
	}
	to[used] = '\0';
	return used;
}

void text_time(char *to, time_t when)
{
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL ||
	    strftime(to, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		to[0] = '\0';
}

/* Levenshtein distance with one row; words longer than the row are far. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX + 1], width = strlen(b);

	if (strlen(a) > NEAREST_MAX || width > NEAREST_MAX)
		return NEAREST_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t best = diagonal + (a[i] == b[j] ? 0 : 1);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[width];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t limit = strlen(word) / 3 + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t far = distance(word, candidates[i]);

		if (far <= limit) {
			nearest = candidates[i];
			limit = far > 0 ? far - 1 : 0;
			if (far == 0)
				break;
		}
	}
	return nearest;
}

bool text_is_name(const char *from, size_t max)
{
	size_t length = strlen(from);

	if (length == 0 || length > max || from[0] == '-')
		return false;
	for (; *from != '\0'; from++) {
		if (!isalnum((unsigned char)*from) && strchr("._-", *from) == NULL)
			return false;
	}
	return true;
}
