/* A growing buffer, wiped when it moves or is freed: it may contain keys. */
#ifndef PROFILE_BUFFER_H
#define PROFILE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *bytes; /* terminated once anything was added; NULL before */
	size_t length, size;
	bool failed; /* no memory: every later call does nothing */
};

void buffer_add(struct buffer *buffer, const char *from, size_t length);
void buffer_text(struct buffer *buffer, const char *from);
/* `from` in double quotes, '\' and '"' escaped. */
void buffer_quoted(struct buffer *buffer, const char *from);
/* The bytes, now the caller's (free); NULL if memory failed. */
char *buffer_take(struct buffer *buffer, size_t *length);
void buffer_free(struct buffer *buffer);

void wipe(void *bytes, size_t length);

#endif
