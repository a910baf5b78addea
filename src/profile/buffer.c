/* A buffer that grows. Bytes are wiped when they are moved or freed: they may be keys. */
#include "profile/buffer.h"

#include <stdlib.h>
#include <string.h>

void wipe(void *bytes, size_t length)
{
	volatile unsigned char *at = bytes;

	while (length-- > 0)
		*at++ = 0;
}

static bool grow(struct buffer *buffer, size_t need)
{
	size_t size = buffer->size == 0 ? 1024 : buffer->size;
	char *bytes;

	while (size < need)
		size *= 2;
	if ((bytes = malloc(size)) == NULL) {
		buffer->failed = true;
		return false;
	}
	/* Not realloc: that would leave a copy of a key behind. */
	if (buffer->bytes != NULL) {
		memcpy(bytes, buffer->bytes, buffer->length + 1);
		wipe(buffer->bytes, buffer->size);
		free(buffer->bytes);
	}
	buffer->bytes = bytes;
	buffer->size = size;
	return true;
}

void buffer_add(struct buffer *buffer, const char *from, size_t length)
{
	if (buffer->failed)
		return;
	if (buffer->length + length + 1 > buffer->size && !grow(buffer, buffer->length + length + 1))
		return;
	if (length > 0)
		memcpy(buffer->bytes + buffer->length, from, length);
	buffer->length += length;
	buffer->bytes[buffer->length] = '\0';
}

void buffer_text(struct buffer *buffer, const char *from)
{
	buffer_add(buffer, from, strlen(from));
}

void buffer_quoted(struct buffer *buffer, const char *from)
{
	buffer_text(buffer, "\"");
	for (; *from != '\0'; from++) {
		if (*from == '\\' || *from == '"')
			buffer_text(buffer, "\\");
		buffer_add(buffer, from, 1);
	}
	buffer_text(buffer, "\"");
}

char *buffer_take(struct buffer *buffer, size_t *length)
{
	char *bytes = buffer->bytes;

	if (buffer->failed) {
		buffer_free(buffer);
		return NULL;
	}
	*length = buffer->length;
	*buffer = (struct buffer){0};
	return bytes;
}

void buffer_free(struct buffer *buffer)
{
	if (buffer->bytes != NULL)
		wipe(buffer->bytes, buffer->size);
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}
