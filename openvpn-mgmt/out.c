/* The bytes that wait to be written; nothing that was in here is left behind. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 4096 };

/* volatile, or a compiler drops the writes before free */
void ovm_wipe(void *bytes, size_t length)
{
	volatile unsigned char *at = bytes;

	while (length-- > 0)
		*at++ = 0;
}

/* Into a new buffer and not by realloc, which would leave a copy in the heap. */
int ovm_reserve(struct ovm_session *session, size_t length)
{
	size_t waiting = session->out_end - session->out_start;
	size_t size = session->out_size > FIRST_SIZE ? session->out_size : FIRST_SIZE;
	unsigned char *fresh;

	if (length > OVM_OUT_MAX || waiting > OVM_OUT_MAX - length)
		return -1;
	if (session->out_size - session->out_end >= length)
		return 0;
	while (size < waiting + length)
		size *= 2;
	fresh = malloc(size);
	if (fresh == NULL)
		return -1;
	if (session->out != NULL) {
		memcpy(fresh, session->out + session->out_start, waiting);
		ovm_wipe(session->out, session->out_size);
		free(session->out);
	}
	session->out = fresh;
	session->out_size = size;
	session->out_start = 0;
	session->out_end = waiting;
	return 0;
}

void ovm_append(struct ovm_session *session, const char *bytes, size_t length)
{
	memcpy(session->out + session->out_end, bytes, length);
	session->out_end += length;
}

const void *ovm_pending(struct ovm_session *session, size_t *length)
{
	*length = session->out_end - session->out_start;
	return *length > 0 ? session->out + session->out_start : NULL;
}

void ovm_sent(struct ovm_session *session, size_t length)
{
	size_t waiting = session->out_end - session->out_start;

	if (length > waiting)
		length = waiting;
	if (length == 0)
		return;
	ovm_wipe(session->out + session->out_start, length);
	session->out_start += length;
	if (session->out_start == session->out_end)
		session->out_start = session->out_end = 0;
}
