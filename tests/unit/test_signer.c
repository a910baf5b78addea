/* The process that holds the private key, in its real sandbox: what it says first, what it signs, and how it
 * ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limit.h"
#include "driver/key/request.h"
#include "driver/key/signer.h"

enum { FAR = 40, SECONDS = 60 };

static int ours;
static pid_t signer;

static int scratch(void)
{
	char name[] = "/tmp/signer-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd != -1);
	unlink(name);
	return fd;
}

/* A key of this kind in one file, and a profile with its certificate in the other. */
static void make_files(int kind, int *key_file, int *profile)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(kind, NULL);
	X509 *certificate = X509_new();
	EVP_PKEY *key = NULL;
	FILE *file;

	assert_int_equal(EVP_PKEY_keygen_init(context), 1);
	if (kind == EVP_PKEY_EC)
		assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1), 1);
	assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	assert_true(X509_sign(certificate, key, kind == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) > 0);
	*key_file = scratch();
	*profile = scratch();
	file = fdopen(dup(*key_file), "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	file = fdopen(dup(*profile), "w");
	fputs("client\n<cert>\n", file);
	PEM_write_X509(file, certificate);
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
}

static void start(int key, int profile, bool bare)
{
	int pair[2], from[4];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	if ((signer = fork()) == 0) {
		from[0] = fcntl(pair[1], F_DUPFD, FAR);
		from[1] = fcntl(key, F_DUPFD, FAR);
		from[2] = fcntl(open("/dev/null", O_RDONLY), F_DUPFD, FAR);
		from[3] = fcntl(profile, F_DUPFD, FAR);
		for (int i = 0; i < 4; i++)
			dup2(from[i], SIGNER_FD_SOCKET + i);
		alarm(SECONDS);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(signer_main(bare));
	}
	close(pair[1]);
	close(key);
	close(profile);
	ours = pair[0];
}

static struct key_answer answer;

static bool hear(void)
{
	return recv(ours, &answer, sizeof answer, MSG_WAITALL) == (ssize_t)sizeof answer;
}

static void ask(const struct key_request *request)
{
	assert_int_equal(send(ours, request, sizeof *request, MSG_NOSIGNAL), sizeof *request);
	assert_true(hear());
}

static void finish(void)
{
	int status;

	close(ours);
	assert_int_equal(waitpid(signer, &status, 0), signer);
	assert_int_equal(status, 0);
}

static struct key_request request_of(enum key_form form, enum key_hash hash)
{
	static const char words[] = "TLS 1.3, client CertificateVerify";
	struct key_request request = {.form = form, .hash = hash, .length = 16 + 16 * hash};

	if (form == KEY_EDDSA) {
		memset(request.data, ' ', 64);
		memcpy(request.data + 64, words, sizeof words);
		request.length = 64 + sizeof words + 32;
	}
	return request;
}

static void test_each_kind(void **state)
{
	static const struct {
		int kind;
		unsigned forms;
	} kinds[] = {{EVP_PKEY_RSA, 1 << KEY_RSA_PKCS1 | 1 << KEY_RSA_PSS},
		     {EVP_PKEY_EC, 1 << KEY_ECDSA},
		     {EVP_PKEY_ED25519, 1 << KEY_EDDSA}};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		int key, profile;

		make_files(kinds[i].kind, &key, &profile);
		start(key, profile, i == 1);
		assert_true(hear());
		assert_string_equal(answer.text, "");
		assert_int_equal(answer.length, 0);
		assert_int_equal(answer.bare, i == 1);
		for (int form = 0; form <= KEY_EDDSA + 1; form++) {
			for (int hash = KEY_NO_HASH; hash <= KEY_SHA512; hash++) {
				struct key_request request =
				    request_of((enum key_form)form, (enum key_hash)hash);
				bool may = (kinds[i].forms & 1U << form) != 0 &&
					   (form == KEY_EDDSA) == (hash == KEY_NO_HASH);

				ask(&request);
				assert_int_equal(answer.length > 0, may);
				assert_int_equal(answer.text[0] == '\0', may);
			}
		}
		finish();
	}
}

static void test_without_a_key(void **state)
{
	struct key_request request = request_of(KEY_ECDSA, KEY_SHA256);
	int key, profile;

	(void)state;
	make_files(EVP_PKEY_EC, &key, &profile);
	close(key);
	start(open("/dev/null", O_RDONLY), profile, false);
	assert_true(hear());
	assert_non_null(strstr(answer.text, "is missing, empty or not root's alone; instead: "));
	for (int i = 0; i < 2; i++) {
		memset(&answer, 0, sizeof answer);
		ask(&request);
		assert_int_equal(answer.length, 0);
		assert_non_null(strstr(answer.text, "is missing, empty or not root's alone; instead: "));
	}
	finish();
}

/* Whoever asks without end gets so many and no more. */
static void test_a_flood(void **state)
{
	struct key_request request = request_of(KEY_ECDSA, KEY_SHA256);
	int key, profile, given = 0;

	(void)state;
	make_files(EVP_PKEY_EC, &key, &profile);
	start(key, profile, false);
	assert_true(hear());
	for (int i = 0; i < 2 * LIMIT_BURST; i++) {
		ask(&request);
		given += answer.length > 0;
		if (answer.length == 0)
			assert_string_equal(answer.text, "too many signatures at once");
	}
	assert_true(given >= LIMIT_BURST && given < LIMIT_BURST + LIMIT_BURST / 2);
	finish();
}

/* Half a request is none, and the driver's end is the process's. */
static void test_half_a_request(void **state)
{
	struct key_request request = request_of(KEY_ECDSA, KEY_SHA256);
	int key, profile;

	(void)state;
	make_files(EVP_PKEY_EC, &key, &profile);
	start(key, profile, false);
	assert_true(hear());
	assert_int_equal(send(ours, &request, 7, 0), 7);
	assert_int_equal(send(ours, (char *)&request + 7, sizeof request - 7, 0), sizeof request - 7);
	assert_true(hear() && answer.length > 0);
	assert_int_equal(send(ours, &request, 7, 0), 7);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_kind), cmocka_unit_test(test_without_a_key),
	    cmocka_unit_test(test_a_flood), cmocka_unit_test(test_half_a_request)};

	return cmocka_run_group_tests_name("process with the private key", tests, NULL, NULL);
}
