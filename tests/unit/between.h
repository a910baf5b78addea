/* Is a number between two limits, both included? cmocka 1 and cmocka 2 have no common name for that. */
#ifndef TESTS_UNIT_BETWEEN_H
#define TESTS_UNIT_BETWEEN_H

#define assert_between(value, least, most)                                                                   \
	do {                                                                                                 \
		const long long asked = (long long)(value);                                                  \
		if (asked < (long long)(least) || asked > (long long)(most))                                 \
			fail_msg("%s is %lld, not from %s to %s", #value, asked, #least, #most);             \
	} while (0)

#endif
