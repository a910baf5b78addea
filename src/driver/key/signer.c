/* The process that holds the private key, and gives signatures for it. */
#include "driver/key/signer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/text.h"
#include "driver/key/sign.h"
#include "driver/key/token.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/sandbox.h"

/* How long a token that is not there, or has not signed, is left alone. A new process looks: a token's module
 * may not see what is plugged in later. */
enum { LOOK_AGAIN_MS = 30000 };

struct key {
	EVP_PKEY *key; /* NULL: none */
	bool on_token, absent;
};

/* 0, or -1: the driver has hung up, or it is time to look again. */
static int read_request(struct key_request *request, int wait_ms)
{
	struct pollfd socket = {.fd = SIGNER_FD_SOCKET, .events = POLLIN};
	char *to = (char *)request;
	size_t filled = 0;

	if (poll(&socket, 1, wait_ms) == 0)
		return -1;
	while (filled < sizeof *request) {
		ssize_t got = read(SIGNER_FD_SOCKET, to + filled, sizeof *request - filled);

		if (got == 0 || (got == -1 && errno != EINTR))
			return -1;
		filled += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int send_answer(const struct key_answer *answer)
{
	return io_write_all(SIGNER_FD_SOCKET, (const char *)answer, sizeof *answer);
}

static const struct key_request *example_of(const EVP_PKEY *key)
{
	static const char handshake[] = "                                "
					"                                TLS 1.3, client CertificateVerify";
	static struct key_request example = {.hash = KEY_SHA256, .length = 32};

	example.form = key_is(key, KEY_ECDSA) ? KEY_ECDSA : KEY_RSA_PSS;
	if (key_is(key, KEY_EDDSA)) {
		example = (struct key_request){.form = KEY_EDDSA, .length = sizeof handshake + 32};
		memcpy(example.data, handshake, sizeof handshake);
	}
	return &example;
}

/* Once before the sandbox: OpenSSL looks for its parts at the first use of each. */
static void warm_up(EVP_PKEY *key)
{
	static struct key_answer answer;
	struct key_request request = *example_of(key);

	key_sign(key, &request, &answer);
	request.form = KEY_RSA_PKCS1;
	for (request.hash = KEY_SHA256; request.hash <= KEY_SHA512; request.hash++) {
		request.length = 16 + 16 * request.hash;
		key_sign(key, &request, &answer);
	}
	clock_steady_ms();
}

static void answer_one(struct key *key, const struct key_request *request, struct key_answer *answer)
{
	static struct limit limit;

	answer->text[0] = '\0';
	if (!limit_allows(&limit, (uint64_t)clock_steady_ms(), NULL)) {
		text_copy(answer->text, sizeof answer->text, "too many signatures at once");
		return;
	}
	key_sign(key->key, request, answer);
	key->absent = key->on_token && answer->length == 0;
	if (key->absent)
		text_copy(
		    answer->text, sizeof answer->text,
		    "the token has not signed; instead: plug it in, and use a key that wants neither a touch "
		    "nor a PIN for each signature");
}

/* A captured driver may ask; it is not let use the processor up. */
static void answer_all(struct key *key, struct key_answer *answer)
{
	struct key_request request;

	while (read_request(&request, key->absent ? LOOK_AGAIN_MS : -1) == 0) {
		answer->length = 0;
		if (key->key != NULL)
			answer_one(key, &request, answer);
		if (send_answer(answer) == -1)
			return;
		memset(answer->signature, 0, sizeof answer->signature);
	}
}

static int load(struct key *key, struct err *e)
{
	static const struct token_files files = {
	    .pin = SIGNER_FD_PASSPHRASE, .given = SIGNER_FD_PIN_GIVEN, .profile = SIGNER_FD_PROFILE};
	char uri[TOKEN_URI_SIZE];

	key->on_token = token_uri(SIGNER_FD_KEY, uri, sizeof uri);
	if (key->on_token) {
		/* A token's module opens files and sockets whenever it likes. */
		if (sandbox_enter(SANDBOX_TOKEN, e) == -1)
			return -1;
		key->key = token_load(uri, &files, &key->absent, e);
	} else if ((key->key = key_load(SIGNER_FD_KEY, SIGNER_FD_PASSPHRASE, SIGNER_FD_PROFILE, e)) != NULL) {
		warm_up(key->key);
	}
	return 0;
}

int signer_main(bool bare)
{
	static struct key_answer answer;
	struct key key = {.absent = false};
	struct err e = {""};

	descriptor_close_from(SIGNER_FD_PIN_GIVEN + 1);
	if (load(&key, &e) == -1)
		return EXIT_FAILURE;
	for (int fd = SIGNER_FD_KEY; fd <= SIGNER_FD_PIN_GIVEN; fd++)
		close(fd);
	if (!key.on_token && sandbox_enter(SANDBOX_SIGN, &e) == -1)
		return EXIT_FAILURE;
	/* Only from now on bytes are read that somebody else has written. */
	answer.bare = bare;
	text_copy(answer.text, sizeof answer.text, e.text);
	if (send_answer(&answer) == 0)
		answer_all(&key, &answer);
	if (key.on_token)
		_exit(EXIT_SUCCESS); /* what a module does at the end of a program may fail there */
	EVP_PKEY_free(key.key);
	return EXIT_SUCCESS;
}
