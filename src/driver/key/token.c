/* The private key on a token: its provider is loaded, it is logged into, and the certificate's key is looked
 * for. */
#include "driver/key/token.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "driver/key/pin.h"
#include "driver/key/sign.h"

enum { OBJECTS_MAX = 64 };

bool token_uri(int descriptor, char *uri, size_t size)
{
	static const char scheme[] = "pkcs11:";
	ssize_t got = pread(descriptor, uri, size - 1, 0);

	uri[got > 0 ? got : 0] = '\0';
	return strncmp(uri, scheme, sizeof scheme - 1) == 0;
}

static int load_providers(struct err *e)
{
	/* A provider that is named turns off the one that nobody names. */
	if (OSSL_PROVIDER_load(NULL, "default") != NULL && OSSL_PROVIDER_load(NULL, "pkcs11") != NULL)
		return 0;
	return err_set(e, "OpenSSL has no provider for a private key on a token (PKCS #11); instead: install "
			  "pkcs11-provider, and restart portcullis");
}

/* The certificate's, or any other one. */
static EVP_PKEY *look_through(OSSL_STORE_CTX *store, X509 *certificate)
{
	EVP_PKEY *key = NULL;

	for (int i = 0; i < OBJECTS_MAX && OSSL_STORE_eof(store) == 0; i++) {
		OSSL_STORE_INFO *found = OSSL_STORE_load(store);
		EVP_PKEY *next = found != NULL ? OSSL_STORE_INFO_get1_PKEY(found) : NULL;
		bool fits =
		    next != NULL && certificate != NULL && X509_check_private_key(certificate, next) == 1;

		OSSL_STORE_INFO_free(found);
		if (next != NULL && (fits || key == NULL)) {
			EVP_PKEY_free(key);
			key = next;
		} else {
			EVP_PKEY_free(next);
		}
		if (fits)
			break;
	}
	return key;
}

static EVP_PKEY *open_key(const char *uri, const UI_METHOD *method, struct pin *pin, X509 *certificate)
{
	/* Of this provider: nothing takes the name for that of a file. */
	OSSL_STORE_CTX *store =
	    OSSL_STORE_open_ex(uri, NULL, "provider=pkcs11", method, pin, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	if (store != NULL && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1)
		key = look_through(store, certificate);
	OSSL_STORE_close(store);
	return key;
}

/* The provider does not say whether a PIN was taken; but who is not logged in is asked again, and then is
 * given nothing. */
static EVP_PKEY *log_in(const char *uri, const UI_METHOD *method, struct pin *pin, X509 *certificate,
			bool *refused)
{
	EVP_PKEY *key = open_key(uri, method, pin, certificate);

	*refused = false;
	if (key == NULL && pin->given) {
		pin->asked = false;
		key = open_key(uri, method, pin, certificate);
		*refused = key == NULL && pin->asked;
	}
	if (pin->given)
		pin_outcome(pin, !*refused);
	return key;
}

/* True: it is worth another try. */
static bool tell_lack(const struct pin *pin, bool refused, struct err *e)
{
	if (refused)
		err_set(
		    e,
		    "the token has refused the PIN, and it is not given again; instead: correct the file of "
		    "credentials { key-passphrase-file }, or `touch` it");
	else if (pin->held)
		err_set(
		    e,
		    "the token has refused the PIN before, and it is not given again; instead: correct the "
		    "file of credentials { key-passphrase-file }, or `touch` it");
	else if (pin->unkept)
		err_set(e,
			"the token's PIN is not given, as it can't be noted that it was; instead: make room "
			"in state-dir");
	else if (pin->asked)
		err_set(e, "the token wants a PIN, and there is none; instead: set credentials { "
			   "key-passphrase-file }, one line, mode 600");
	else
		err_set(
		    e,
		    "no such token is plugged in, or it has no such private key (it is looked for every half "
		    "a minute); instead: plug it in, or correct credentials { key }");
	return !refused && !pin->held && !pin->unkept && !pin->asked;
}

EVP_PKEY *token_load(const char *uri, const struct token_files *files, bool *absent, struct err *e)
{
	X509 *certificate = key_certificate(files->profile);
	UI_METHOD *method = pin_method();
	EVP_PKEY *key = NULL;
	struct pin pin;
	bool refused, good = pin_read(&pin, files->pin, files->given, uri, e) == 0;

	*absent = false;
	/* What the provider asks on its own it would ask at a terminal. */
	if (method != NULL)
		UI_set_default_method(method);
	if (good && method != NULL && load_providers(e) == 0) {
		key = log_in(uri, method, &pin, certificate, &refused);
		if (key == NULL)
			*absent = tell_lack(&pin, refused, e);
	}
	pin_forget(&pin);
	return key_checked(key, certificate, e);
}
