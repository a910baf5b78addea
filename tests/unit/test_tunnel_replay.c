/* Stories of the tunnel, with virtual time: tests/replay/NAME.story.
 *
 *   TIME EVENT... => STATE EFFECT... [due TIME]
 *
 * Times in seconds. `found:3`: the round has three more servers. A '!' before an event: it is ignored there.
 * `timer` stands exactly where it is due, and no deadline may pass untold. Effects are those for the caller,
 * of all events of the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "tunnel/tunnel.h"

enum { LINE = 512 };

struct story {
	const char *file;
	int line;
	struct tunnel tunnel;
	uint64_t now;
	char effects[LINE];
	size_t steps;
};

static void broken(const struct story *s, const char *what, const char *detail)
{
	fail_msg("%s:%d: %s: %s", s->file, s->line, what, detail);
}

static uint64_t parse_time(const struct story *s, const char *word)
{
	char *end;
	double seconds = strtod(word, &end);

	if (*end != '\0' || seconds < 0)
		broken(s, "not a time", word);
	return (uint64_t)(seconds * 1000 + 0.5);
}

static enum tunnel_event parse_event(const struct story *s, const char *word)
{
	for (int event = 0; event < TUNNEL_EVENTS; event++) {
		if (strcmp(tunnel_event_name(event), word) == 0)
			return event;
	}
	broken(s, "not an event", word);
	return TUNNEL_EVENTS;
}

static void step(struct story *s, const char *word)
{
	bool ignored = word[0] == '!';
	char name[32];
	enum tunnel_event event;
	const struct tunnel_cell *cell;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(word + ignored, ":"), word + ignored);
	event = parse_event(s, name);
	if (event == TUNNEL_FOUND)
		s->tunnel.left = strchr(word, ':') != NULL ? (uint32_t)atoi(strchr(word, ':') + 1) : 0;

	if (event == TUNNEL_TIMER && !ignored && s->tunnel.deadline != s->now)
		broken(s, "the timer is not due", word);
	cell = tunnel_step(&s->tunnel, event, s->now, 0);
	if (ignored != (cell->why != NULL))
		broken(s, ignored ? "is not ignored" : "is ignored", word);
	for (size_t i = 0; i < TUNNEL_CELL_EFFECTS; i++) {
		enum tunnel_effect effect = cell->effects[i];

		if (effect >= TUNNEL_PICK && effect <= TUNNEL_FORGET) {
			strcat(s->effects, " ");
			strcat(s->effects, tunnel_effect_name(effect));
		}
	}
	s->steps++;
}

static void expect(struct story *s, char *rest)
{
	char *due = strstr(rest, " due "), *state, *save = NULL, wanted[LINE] = "";

	if (due != NULL)
		*due = '\0';
	state = strtok_r(rest, " \t\n", &save);
	if (strcmp(state, tunnel_state_name(s->tunnel.state)) != 0)
		broken(s, "the state is", tunnel_state_name(s->tunnel.state));
	for (char *word; (word = strtok_r(NULL, " \t\n", &save)) != NULL;) {
		strcat(wanted, " ");
		strcat(wanted, word);
	}
	if (strcmp(wanted, s->effects) != 0)
		broken(s, "the effects are", s->effects);
	if (due != NULL && parse_time(s, strtok_r(due + 5, " \t\n", &save)) != s->tunnel.deadline) {
		char text[32];

		snprintf(text, sizeof text, "%.3f", (double)s->tunnel.deadline / 1000);
		broken(s, "it is due at", text);
	}
}

static void tell(struct story *s, char *line)
{
	char *arrow = strstr(line, "=>"), *save = NULL, *word;
	uint64_t now;

	if (line[0] == '#' || line[0] == '\n')
		return;
	if (arrow == NULL)
		broken(s, "no =>", line);
	*arrow = '\0';
	now = parse_time(s, strtok_r(line, " \t", &save));
	if (now < s->now || (s->tunnel.deadline != 0 && s->tunnel.deadline < now))
		broken(s, "time goes back, or a deadline passes untold", "");
	s->now = now;
	s->effects[0] = '\0';
	while ((word = strtok_r(NULL, " \t", &save)) != NULL)
		step(s, word);
	expect(s, arrow + 2);
}

static size_t run(const char *path)
{
	struct story s = {.file = path};
	char line[LINE];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("%s can't be read", path);
	while (fgets(line, sizeof line, file) != NULL) {
		s.line++;
		tell(&s, line);
	}
	fclose(file);
	return s.steps;
}

static void test_stories(void **state)
{
	glob_t found;

	(void)state;
	if (glob("tests/replay/*.story", 0, NULL, &found) != 0)
		fail_msg("no story; run the tests from the top of the tree");
	assert_true(found.gl_pathc >= 10);
	for (size_t i = 0; i < found.gl_pathc; i++)
		assert_true(run(found.gl_pathv[i]) > 3);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stories)};

	return cmocka_run_group_tests_name("tunnel replay", tests, NULL, NULL);
}
