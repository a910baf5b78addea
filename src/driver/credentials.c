/* The credentials that openvpn asks for, read from the password file. */
#include "driver/credentials.h"

#include <string.h>
#include <unistd.h>

#include "profile/profile.h"

enum { LINES = 3, FILE_MAX = LINES * SECRET_SIZE };

struct reader {
	char bytes[FILE_MAX + 1];
	size_t length, at;
};

static void wipe(struct reader *reader)
{
	volatile char *at = reader->bytes;

	for (size_t i = 0; i < sizeof reader->bytes; i++)
		at[i] = 0;
}

static int next_line(struct reader *reader, struct secret *to, const char *what, struct err *e)
{
	const char *from = reader->bytes + reader->at;
	const char *end = memchr(from, '\n', reader->length - reader->at);
	size_t length = end != NULL ? (size_t)(end - from) : reader->length - reader->at;

	reader->at += length + (end != NULL);
	if (length > 0 && from[length - 1] == '\r')
		length--;
	if (reader->length == 0) /* without a password file the gate passes an empty one */
		return err_set(e,
			       "openvpn asks for the %s, but the password file is missing, empty or not "
			       "root's alone, or the keychain item can't be read; instead: set credentials { "
			       "password-file } with one answer per line, mode 600",
			       what);
	if (length == 0)
		return err_set(e,
			       "openvpn asks for the %s, but the password file has no line for it; instead: "
			       "set credentials { password-file } with one answer per line",
			       what);
	if (secret_set(to, from, length) == -1)
		return err_set(
		    e, "the %s in the password file is longer than %d bytes or has control characters", what,
		    SECRET_SIZE - 1);
	return 0;
}

static int read_lines(struct reader *reader, int needs, const char *username, struct credentials *credentials,
		      struct err *e)
{
	if (needs & PROFILE_NEEDS_USER_PASSWORD) {
		if (username[0] == '\0') {
			if (next_line(reader, &credentials->user, "user name", e) == -1)
				return -1;
		} else if (secret_set(&credentials->user, username, strlen(username)) == -1) {
			return err_set(e, "the configured user name has control characters");
		}
		if (next_line(reader, &credentials->password, "password", e) == -1)
			return -1;
	}
	if (needs & PROFILE_NEEDS_KEY_PASSPHRASE)
		return next_line(reader, &credentials->passphrase, "passphrase of the private key", e);
	return 0;
}

int credentials_read(int descriptor, int needs, const char *username, struct credentials *credentials,
		     struct err *e)
{
	struct reader reader = {.length = 0};
	ssize_t got = 0;
	int result;

	memset(credentials, 0, sizeof *credentials);
	while (reader.length < FILE_MAX && (got = pread(descriptor, reader.bytes + reader.length,
							FILE_MAX - reader.length, (off_t)reader.length)) > 0)
		reader.length += (size_t)got;
	if (got == -1)
		result = err_errno(e, "the password file can't be read");
	else
		result = read_lines(&reader, needs, username, credentials, e);
	wipe(&reader);
	if (result == -1)
		credentials_wipe(credentials);
	return result;
}

void credentials_wipe(struct credentials *credentials)
{
	secret_wipe(&credentials->user);
	secret_wipe(&credentials->password);
	secret_wipe(&credentials->passphrase);
}
