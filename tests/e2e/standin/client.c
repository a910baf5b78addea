/* A stand-in for one of the system's tools: what it is asked goes to the test that listens at NAME.sock
 * beside it, and what the test answers is what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NO_TEST = 99 };

static int send_all(int to, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = write(to, bytes, length);

		if (sent <= 0)
			return -1;
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

static int connect_beside(const char *own)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int to = socket(AF_UNIX, SOCK_STREAM, 0);
	int length = snprintf(where.sun_path, sizeof where.sun_path, "%s.sock", own);

	if (to == -1 || length < 0 || (size_t)length >= sizeof where.sun_path ||
	    connect(to, (const struct sockaddr *)&where, sizeof where) == -1)
		return -1;
	return to;
}

/* Its arguments, each with its 0, an empty one, then its standard input. */
static int ask(int to, int count, char **arguments)
{
	char bytes[4096];
	ssize_t got;

	for (int i = 1; i < count; i++)
		if (send_all(to, arguments[i], strlen(arguments[i]) + 1) == -1)
			return -1;
	if (send_all(to, "", 1) == -1)
		return -1;
	while ((got = read(0, bytes, sizeof bytes)) > 0)
		if (send_all(to, bytes, (size_t)got) == -1)
			return -1;
	return shutdown(to, SHUT_WR);
}

/* "CODE OUT ERR\n", then as many bytes for standard output and for standard error. */
static int answer(FILE *from)
{
	size_t lengths[2];
	int code;

	if (fscanf(from, "%d %zu %zu", &code, &lengths[0], &lengths[1]) != 3 || fgetc(from) != '\n')
		return NO_TEST;
	for (int i = 0; i < 2; i++) {
		char *bytes = malloc(lengths[i] + 1);

		if (bytes == NULL || fread(bytes, 1, lengths[i], from) != lengths[i])
			return NO_TEST;
		/* Errors come at once, what is said to a pipe at the end: so real ones are mixed too. */
		(void)send_all(i + 1, bytes, lengths[i]);
		free(bytes);
	}
	return code;
}

int main(int count, char **arguments)
{
	int to = connect_beside(arguments[0]);
	FILE *from = to == -1 ? NULL : fdopen(to, "r");

	if (from == NULL || ask(to, count, arguments) == -1)
		return NO_TEST;
	return answer(from);
}
