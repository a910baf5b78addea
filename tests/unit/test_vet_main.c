/* The vetting child: what it prints, where, and how it ends, in every way that it can go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/canonical.h"
#include "base/io.h"
#include "driver/vet.h"
#include "leaks.h"
#include "profile/profile.h"
#include "ways.h"

static int the_profile;

char *io_read_all(int descriptor, size_t limit, size_t *length)
{
	say("read %d, as much as a profile may have and %d", descriptor, (int)(limit - PROFILE_SIZE_MAX));
	errno = EIO;
	*length = 3;
	return fails("read") ? NULL : strdup("abc");
}

struct profile *profile_parse(const struct profile_source *source, struct err *e)
{
	say("parse %s: %.*s", source->name, (int)source->length, source->bytes);
	return FAILS("parse") ? NULL : (struct profile *)&the_profile;
}

int profile_leave_out_key(struct profile *profile, struct err *e)
{
	assert_ptr_equal(profile, &the_profile);
	say("leave the key out");
	return FAILS("key") ? -1 : 0;
}

char *profile_print_canonical(const struct profile *profile, size_t *length)
{
	assert_ptr_equal(profile, &the_profile);
	*length = 5;
	return fails("print") ? NULL : strdup("canon");
}

int canonical_check(const char *text, size_t length, struct err *e)
{
	say("check %.*s", (int)length, text);
	return FAILS("check") ? -1 : 0;
}

int io_write_all(int descriptor, const char *bytes, size_t length)
{
	say("write %d: %.*s", descriptor, (int)length, length == 1 && bytes[0] == '\n' ? "." : bytes);
	errno = EPIPE;
	return descriptor == STDOUT_FILENO && fails("write") ? -1 : 0;
}

void profile_free(struct profile *profile)
{
	say("free %s", profile == NULL ? "none" : "it");
}

static void vet(const char *words, int code, const char *wanted)
{
	static const char begin[] = "read 0, as much as a profile may have and 1\n";

	journal[0] = failed[0] = '\0';
	so = words;
	assert_int_equal(vet_main("a.ovpn", is("external") || fails("key")), code);
	so = "";
	assert_int_equal(strncmp(journal, begin, sizeof begin - 1), 0);
	assert_string_equal(journal + sizeof begin - 1, wanted);
}

#define PARSE "parse a.ovpn: abc\n"
#define CHECK "check canon\n"

static void test_each_way(void **state)
{
	static const struct {
		const char *words;
		int code;
		const char *wanted;
	} ways[] = {
	    {"", 0, PARSE CHECK "write 1: canon\nfree it\n"},
	    {"!read", 1,
	     "free none\nwrite 2: a.ovpn: the profile can't be read: Input/output error\nwrite 2: .\n"},
	    {"!parse", 1, PARSE "free none\nwrite 2: parse fails\nwrite 2: .\n"},
	    {"external", 0, PARSE "leave the key out\n" CHECK "write 1: canon\nfree it\n"},
	    {"!key", 1, PARSE "leave the key out\nfree it\nwrite 2: a.ovpn: key fails\nwrite 2: .\n"},
	    {"!print", 1, PARSE "free it\nwrite 2: no memory\nwrite 2: .\n"},
	    {"!check", 1, PARSE CHECK "free it\nwrite 2: check fails\nwrite 2: .\n"},
	    {"!write", 1,
	     PARSE CHECK "write 1: canon\nfree it\nwrite 2: the canonical form can't be handed on: Broken "
			 "pipe\nwrite 2: .\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		assert_no_leak(ways[i].words, vet(ways[i].words, ways[i].code, ways[i].wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_way)};

	return cmocka_run_group_tests_name("vetting child", tests, NULL, NULL);
}
