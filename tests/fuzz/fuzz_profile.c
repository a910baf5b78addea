/* Any bytes as a profile: one that is accepted is printed in a canonical form that the
 * gate's check accepts, too, and that is parsed again to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/canonical.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give_file(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	const struct profile_source *source = argument;

	/* The input is its own referred file, so that blocks from files are met. */
	if (path[0] == '/' || (*bytes = malloc(source->length + 1)) == NULL)
		return err_set(e, "no such file");
	memcpy(*bytes, source->bytes, source->length);
	*length = source->length;
	return 0;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_printed(const struct profile *profile)
{
	size_t length, canonical_length, again_length;
	char *text = profile_print(profile, &length), *again;
	char *canonical = profile_print_canonical(profile, &canonical_length);
	struct profile_source source = {.name = "printed", .bytes = text, .length = length};
	struct profile *second;
	struct err e;

	require(text != NULL && canonical != NULL);
	require(canonical_check(canonical, canonical_length, &e) == 0);
	require(profile_needs(profile) == canonical_needs(canonical, canonical_length));
	require(profile_route_nopull(profile) == canonical_has(canonical, canonical_length, "route-nopull"));
	second = profile_parse(&source, &e);
	require(second != NULL);
	again = profile_print(second, &again_length);
	require(again != NULL && again_length == length && memcmp(again, text, length) == 0);
	free(again);
	again = profile_print_canonical(second, &again_length);
	require(again != NULL && again_length == canonical_length &&
		memcmp(again, canonical, again_length) == 0);
	free(again);
	free(text);
	free(canonical);
	profile_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_source source = {
	    .name = "fuzz", .bytes = (const char *)data, .length = size, .file = give_file};
	struct err e = {""};
	struct profile *profile;

	source.argument = &source;
	profile = profile_parse(&source, &e);
	if (profile == NULL)
		require(strncmp(e.text, "fuzz:", 5) == 0);
	else
		check_printed(profile);
	profile_free(profile);
	return 0;
}
