/* What the tests of profiles share: parsing a text, collecting notices. */
#ifndef TESTS_PROFILE_TEST_H
#define TESTS_PROFILE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/canonical.h"
#include "profile/profile.h"

#define BASE "client\nremote 192.0.2.1 1194\ndev tun\n"

struct notices {
	char text[8192]; /* "LINE option: reason\n" each */
	size_t used;
};

static inline void collect_notice(int line, const char *option, const char *reason, void *argument)
{
	struct notices *notices = argument;

	notices->used += (size_t)snprintf(notices->text + notices->used, sizeof notices->text - notices->used,
					  "%d %s: %s\n", line, option, reason);
	assert_true(notices->used < sizeof notices->text);
}

static inline struct profile *parse_bytes(const char *bytes, size_t length, struct notices *notices,
					  struct err *e)
{
	/* Exactly as long as it is, so that a sanitizer sees a byte too many. */
	char *exact = malloc(length > 0 ? length : 1);
	struct profile_source source = {
	    "t.ovpn", exact, length, NULL, notices == NULL ? NULL : collect_notice, notices};
	struct profile *profile;

	assert_non_null(exact);
	memcpy(exact, bytes, length);
	e->text[0] = '\0';
	profile = profile_parse(&source, e);
	free(exact);
	if (profile == NULL)
		assert_true(strncmp(e->text, "t.ovpn:", 7) == 0);
	return profile;
}

static inline struct profile *parse_text(const char *text, struct notices *notices, struct err *e)
{
	return parse_bytes(text, strlen(text), notices, e);
}

/* Refused, and the line says this. */
static inline void assert_refused(const char *text, const char *with)
{
	struct err e;
	struct profile *profile = parse_text(text, NULL, &e);

	if (profile != NULL)
		fail_msg("taken: %s", text);
	if (strstr(e.text, with) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", with, e.text);
}

/* Taken; the canonical form passes the wall and comes back (free it). */
static inline char *assert_taken(const char *text, struct notices *notices)
{
	struct err e;
	struct profile *profile = parse_text(text, notices, &e);
	size_t length;
	char *canonical;

	if (profile == NULL)
		fail_msg("refused: %s", e.text);
	canonical = profile_print_canonical(profile, &length);
	assert_non_null(canonical);
	if (canonical_check(canonical, length, &e) == -1)
		fail_msg("%s:\n%s", e.text, canonical);
	profile_free(profile);
	return canonical;
}

static inline char *read_data(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *bytes = malloc(1 << 20);

	if (file == NULL || bytes == NULL)
		fail_msg("%s: run the tests in the project's directory", path);
	*length = fread(bytes, 1, (1 << 20) - 1, file);
	bytes[*length] = '\0';
	fclose(file);
	return bytes;
}

#endif
