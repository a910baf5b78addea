/* The vetting child: a profile in, its canonical form out. */
#include "driver/vet.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/canonical.h"
#include "base/io.h"
#include "profile/profile.h"

static int print_canonical(const struct profile *profile, struct err *e)
{
	size_t length = 0;
	char *text = profile_print_canonical(profile, &length);
	int result = text == NULL ? err_set(e, "no memory") : canonical_check(text, length, e);

	if (result == 0 && io_write_all(STDOUT_FILENO, text, length) == -1)
		result = err_errno(e, "the canonical form can't be handed on");
	free(text);
	return result;
}

int vet_main(const char *name, bool external_key)
{
	struct err e = {""};
	struct profile_source source = {.name = name};
	struct profile *profile = NULL;
	/* One byte more than a profile may have: the parser says that it is too long. */
	char *bytes = io_read_all(STDIN_FILENO, PROFILE_SIZE_MAX + 1, &source.length);
	int result = bytes == NULL ? err_errno(&e, "%s: the profile can't be read", name) : -1;

	source.bytes = bytes;
	if (bytes != NULL && (profile = profile_parse(&source, &e)) != NULL)
		result = external_key ? profile_leave_out_key(profile, &e) : 0;
	if (profile != NULL)
		result = result == 0 ? print_canonical(profile, &e) : err_prefix(&e, "%s", name);
	profile_free(profile);
	free(bytes);
	if (result == -1) {
		io_write_all(STDERR_FILENO, e.text, strlen(e.text));
		io_write_all(STDERR_FILENO, "\n", 1);
	}
	return result == 0 ? 0 : 1;
}
