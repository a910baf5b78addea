/* A number within limits, which are among it: cmocka 2 has no name for that which cmocka 1 has, too. */
#ifndef TESTS_UNIT_BETWEEN_H
#define TESTS_UNIT_BETWEEN_H

#define assert_between(value, least, most)                                                                   \
	do {                                                                                                 \
		const long long asked = (long long)(value);                                                  \
		if (asked < (long long)(least) || asked > (long long)(most))                                 \
			fail_msg("%s is %lld, not from %s to %s", #value, asked, #least, #most);             \
	} while (0)

#endif
