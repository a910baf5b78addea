/* Steps of a backend, each call of its tool failing in turn and in each way: what follows, a line each, for a
 * golden file. Included behind the tool's stand-in, which has the rest. */
#ifndef TESTS_UNIT_SCENARIOS_H
#define TESTS_UNIT_SCENARIOS_H

#include "golden.h"

static char text[1024 * 1024]; /* the golden file in the making */

struct scenario {
	const char *name;
	void (*before)(void);
	int (*step)(void);
	bool (*done)(void); /* what must be true if it is told as done */
	unsigned ways;      /* so many each call fails in */
};

/* What was asked from the failure on; "load*8" is one after the other. */
static void note_calls(void)
{
	char *rest = journal + failed_at, *word, *last = NULL;
	unsigned times = 0;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (last != NULL && strcmp(word, last) == 0) {
			times++;
			continue;
		}
		if (times > 1)
			show(text, sizeof text, "*%u", times);
		show(text, sizeof text, " %s", word);
		last = word;
		times = 1;
	}
}

/* One line: what was asked, what came of it, and how the backend is then. */
static void note(const char *which, int result, int64_t took)
{
	const char *log = logged();

	show(text, sizeof text, "  %s:", which);
	note_calls();
	show(text, sizeof text, "= %s", result == 0 ? "done" : e.text);
	if (took != 0)
		show(text, sizeof text, ", after %d ms", (int)took);
	show_backend(text, sizeof text);
	show(text, sizeof text, "%s%s\n", log[0] != '\0' ? "; " : "", log);
}

static void run(const struct scenario *scenario, const char *which, unsigned number, enum way how)
{
	unsigned before = open_descriptors();
	int result;
	int64_t began;

	assert_int_equal(setup(NULL), 0);
	scenario->before();
	heal();
	(void)logged();
	fail_at = number;
	way = how;
	began = the_time;
	result = scenario->step();
	if (result == 0 && !scenario->done())
		fail_msg("%s, %s: told as done: %s", scenario->name, which, journal);
	assert_true(result == 0 || e.text[0] != '\0');
	assert_between(the_time - began, 0, LONGEST_MS);
	note(which, result, the_time - began);
	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(open_descriptors(), before);
}

static void run_all(const struct scenario *scenario)
{
	unsigned all;

	show(text, sizeof text, "%s\n", scenario->name);
	run(scenario, "-", 0, (enum way)0);
	all = calls;
	for (unsigned number = 1; number <= all; number++)
		for (unsigned how = 0; how < scenario->ways; how++) {
			char which[64];

			snprintf(which, sizeof which, "%u %s", number, way_words[how]);
			run(scenario, which, number, (enum way)how);
		}
}

#endif
