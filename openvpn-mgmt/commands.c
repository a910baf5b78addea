/* Commands: encoded, checked and queued as a whole or not at all. */
#include "session.h"

#include <string.h>

static int encode(const char *const *words, char *line, size_t size, size_t *used)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i == OVM_WORDS_MAX)
			return -1;
		if (i > 0) {
			if (*used + 1 >= size)
				return -1;
			line[(*used)++] = ' ';
		}
		if (ovm_quote(words[i], line, size, used) != 0)
			return -1;
	}
	return 0;
}

/* Would the daemon answer this line if it were taken for a command? */
static bool answered(const char *line)
{
	line += strspn(line, " ");
	return *line != '\0' && *line != '#' && *line != ';';
}

/* The lines' size with their ends and END's, or -1. */
static int measure(const char *const *lines, size_t *size, size_t *stray)
{
	*size = strlen("END\n");
	*stray = 1;
	for (; lines != NULL && *lines != NULL; lines++) {
		size_t length = strlen(*lines);

		if (length > OVM_COMMAND_MAX || !ovm_printable(*lines) || strcmp(*lines, "END") == 0)
			return -1;
		*size += length + 1;
		*stray += answered(*lines);
	}
	return 0;
}

static void append_line(struct ovm_session *session, const char *line)
{
	ovm_append(session, line, strlen(line));
	ovm_append(session, "\n", 1);
}

/* `block`: lines and END follow, even if there are no lines. */
static int queue(struct ovm_session *session, const char *line, struct ovm_expected *plan,
		 const char *const *lines, bool block)
{
	size_t size = 0;

	if (block && measure(lines, &size, &plan->following) != 0)
		return -1;
	if (ovm_reserve(session, strlen(line) + 1 + size) != 0 || ovm_expect(session, plan) != 0)
		return -1;
	append_line(session, line);
	for (; lines != NULL && *lines != NULL; lines++)
		append_line(session, *lines);
	if (block)
		append_line(session, "END");
	return 0;
}

static int send_words(struct ovm_session *session, const char *const *words, const char *const *lines,
		      bool block)
{
	char line[OVM_COMMAND_MAX + 1] = "";
	size_t used = 0;
	struct ovm_expected plan;
	int rc = -1;

	if (session->broken || ovm_plan(words, session->version, &plan) != 0 ||
	    ovm_takes_lines(words) != block)
		return -1;
	if (encode(words, line, sizeof(line), &used) == 0)
		rc = queue(session, line, &plan, lines, block);
	ovm_wipe(line, sizeof(line));
	return rc;
}

int ovm_command(struct ovm_session *session, const char *const *words)
{
	return send_words(session, words, NULL, false);
}

int ovm_command_lines(struct ovm_session *session, const char *const *words, const char *const *lines)
{
	return send_words(session, words, lines, true);
}

/* Not through the lexer: the daemon compares the line as it is. */
int ovm_login(struct ovm_session *session, const char *password)
{
	struct ovm_expected plan = {.part = {OVM_ONE}, .parts = 1, .command = "login"};

	if (session->broken || strlen(password) > OVM_COMMAND_MAX || !ovm_printable(password))
		return -1;
	return queue(session, password, &plan, NULL, false);
}
