/* The vetting child: a profile in, its canonical form out. */
#include "driver/vet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/canonical.h"
#include "profile/profile.h"

static int write_all(int descriptor, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(descriptor, bytes, length);

		if (wrote == -1 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return -1;
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

/* All of descriptor 0, one byte more than a profile may have. */
static char *read_profile(size_t *length, struct err *e)
{
	size_t size = PROFILE_SIZE_MAX + 1;
	char *bytes = malloc(size);

	*length = 0;
	while (bytes != NULL && *length < size) {
		ssize_t got = read(STDIN_FILENO, bytes + *length, size - *length);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == 0)
			return bytes;
		if (got == -1) {
			err_errno(e, "the profile can't be read");
			free(bytes);
			return NULL;
		}
		*length += (size_t)got;
	}
	if (bytes == NULL)
		err_set(e, "no memory");
	return bytes;
}

static int print_canonical(const struct profile *profile, struct err *e)
{
	size_t length = 0;
	char *text = profile_print_canonical(profile, &length);
	int result = text == NULL ? err_set(e, "no memory") : canonical_check(text, length, e);

	if (result == 0 && write_all(STDOUT_FILENO, text, length) == -1)
		result = err_errno(e, "the canonical form can't be handed on");
	free(text);
	return result;
}

int vet_main(const char *name)
{
	struct err e = {""};
	struct profile_source source = {.name = name};
	struct profile *profile = NULL;
	char *bytes = read_profile(&source.length, &e);
	int result = -1;

	source.bytes = bytes;
	if (bytes != NULL && (profile = profile_parse(&source, &e)) != NULL)
		result = print_canonical(profile, &e);
	profile_free(profile);
	free(bytes);
	if (result == -1) {
		write_all(STDERR_FILENO, e.text, strlen(e.text));
		write_all(STDERR_FILENO, "\n", 1);
	}
	return result == 0 ? 0 : 1;
}
