/* The credentials that openvpn asks for, read from root's files. */
#include "driver/login/credentials.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "profile/profile.h"

enum { LINES = 3, FILE_MAX = LINES * SECRET_SIZE };

struct reader {
	char bytes[FILE_MAX + 1];
	size_t length, at;
};

/* All of the file, without the mark by which editors tell UTF-8: it would become a part of the first word. 0,
 * or -1 with errno. */
static int read_file(int descriptor, struct reader *reader)
{
	static const char mark[] = "\xef\xbb\xbf";
	ssize_t got = 0;

	reader->length = reader->at = 0;
	while (reader->length < FILE_MAX &&
	       (got = pread(descriptor, reader->bytes + reader->length, FILE_MAX - reader->length,
			    (off_t)reader->length)) > 0)
		reader->length += (size_t)got;
	if (got == -1)
		return -1;
	if (reader->length >= sizeof mark - 1 && memcmp(reader->bytes, mark, sizeof mark - 1) == 0)
		reader->at = sizeof mark - 1;
	return 0;
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
	struct reader reader;
	int result;

	memset(credentials, 0, sizeof *credentials);
	if (read_file(descriptor, &reader) == -1)
		result = err_errno(e, "the password file can't be read");
	else
		result = read_lines(&reader, needs, username, credentials, e);
	secret_wipe_bytes(&reader, sizeof reader);
	if (result == -1)
		credentials_wipe(credentials);
	return result;
}

int credentials_passphrase(int descriptor, struct credentials *credentials, struct err *e)
{
	struct reader reader;
	int result;

	memset(credentials, 0, sizeof *credentials);
	if (read_file(descriptor, &reader) == -1)
		result = err_errno(e, "the passphrase of the private key can't be read");
	else if (reader.length == 0)
		result = 0;
	else
		result =
		    next_line(&reader, &credentials->passphrase, "passphrase of the private key", e) == -1
			? -1
			: 1;
	secret_wipe_bytes(&reader, sizeof reader);
	return result;
}

void credentials_wipe(struct credentials *credentials)
{
	secret_wipe(&credentials->user);
	secret_wipe(&credentials->password);
	secret_wipe(&credentials->passphrase);
}

int credentials_totp(int descriptor, struct totp *totp, struct err *e)
{
	struct reader reader;
	int result;

	memset(totp, 0, sizeof *totp);
	if (read_file(descriptor, &reader) == -1)
		result = err_errno(e, "the TOTP file can't be read");
	else if (reader.length == 0)
		result = 0;
	else if (reader.length == FILE_MAX)
		result = err_set(e, "the TOTP file is too long; instead: a line of at most %d bytes",
				 FILE_MAX - 1);
	else if (totp_parse(reader.bytes + reader.at, reader.length - reader.at, totp, e) == -1)
		result = err_prefix(e, "the TOTP file");
	else
		result = 1;
	secret_wipe_bytes(&reader, sizeof reader);
	return result;
}

uint64_t credentials_load_used(int descriptor)
{
	uint64_t until = 0;

	return pread(descriptor, &until, sizeof until, 0) == (ssize_t)sizeof until ? until : 0;
}

void credentials_save_used(int descriptor, uint64_t until)
{
	if (pwrite(descriptor, &until, sizeof until, 0) != (ssize_t)sizeof until)
		log_warn("driver", "that a one-time password was sent can't be kept over a restart");
}
