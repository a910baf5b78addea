/* A backend's watch for which memory runs out, allocation by allocation: it says so, and leaves nothing
 * behind. */
#ifndef TESTS_UNIT_WATCH_MEMORY_H
#define TESTS_UNIT_WATCH_MEMORY_H

#include "no_memory.h"
#include "watch_loop.h"

/* `set_up` makes *watched anew, `tear_down` ends it; `cause` is how its complaint begins. */
static inline void watch_without_memory(const struct firewall_port *port, struct firewall **watched,
					int (*set_up)(void **), int (*tear_down)(void **), const char *cause)
{
	struct event_base *one = event_base_new();
	struct err error = {""};
	unsigned needed = 0;
	int result = -1;

	set_up(NULL);
	event_set_mem_functions(loop_malloc, loop_realloc, free);
	for (unsigned given = MEMORY_CAN_FAIL ? 1 : 2; given < 20 && result == -1; given++) {
		memory_fails_at = given;
		result = port->watch(*watched, one, on_change, &told, &error);
		memory_fails_at = 0;
		needed = given;
		if (result == -1) {
			assert_memory_equal(error.text, cause, strlen(cause));
			tear_down(NULL);
			set_up(NULL);
		}
	}
	assert_true(result == 0 && needed > 3);
	tear_down(NULL);
	assert_int_equal(event_base_get_num_events(one, EVENT_BASE_COUNT_ADDED), 0);
	event_base_free(one);
}

#endif
