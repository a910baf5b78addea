/* The process that holds the private key, and gives signatures for it. */
#include "driver/key/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/text.h"
#include "driver/key/sign.h"
#include "os/host/clock.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/sandbox.h"

/* 0, or -1: the driver has hung up. */
static int read_request(struct key_request *request)
{
	char *to = (char *)request;
	size_t filled = 0;

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
	int kind = EVP_PKEY_base_id(key);

	example.form = kind == EVP_PKEY_EC ? KEY_ECDSA : KEY_RSA_PSS;
	if (kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448) {
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

/* A captured driver may ask; it is not let use the processor up. */
static void answer_all(EVP_PKEY *key, struct key_answer *answer)
{
	static struct limit limit;
	struct key_request request;

	while (read_request(&request) == 0) {
		answer->length = 0;
		if (key != NULL)
			answer->text[0] = '\0';
		if (key != NULL && !limit_allows(&limit, (uint64_t)clock_steady_ms(), NULL))
			text_copy(answer->text, sizeof answer->text, "too many signatures at once");
		else if (key != NULL)
			key_sign(key, &request, answer);
		if (send_answer(answer) == -1)
			return;
		memset(answer->signature, 0, sizeof answer->signature);
	}
}

int signer_main(bool bare)
{
	static struct key_answer answer;
	struct err e = {""};
	EVP_PKEY *key;

	descriptor_close_from(SIGNER_FD_PROFILE + 1);
	key = key_load(SIGNER_FD_KEY, SIGNER_FD_PASSPHRASE, SIGNER_FD_PROFILE, &e);
	if (key != NULL)
		warm_up(key);
	for (int fd = SIGNER_FD_KEY; fd <= SIGNER_FD_PROFILE; fd++)
		close(fd);
	if (sandbox_enter(SANDBOX_SIGN, &e) == -1)
		return EXIT_FAILURE;
	/* Only from now on bytes are read that somebody else has written. */
	answer.bare = bare;
	text_copy(answer.text, sizeof answer.text, e.text);
	if (send_answer(&answer) == 0)
		answer_all(key, &answer);
	EVP_PKEY_free(key);
	return EXIT_SUCCESS;
}
