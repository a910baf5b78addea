/* A secret: one type that wipes itself, is never logged and never grows. */
#include "base/secret.h"

#include <string.h>

void secret_wipe_bytes(void *bytes, size_t length)
{
	volatile unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		at[i] = 0;
}

int secret_set(struct secret *secret, const char *from, size_t length)
{
	secret_wipe_bytes(secret, sizeof *secret);
	if (length >= sizeof secret->bytes)
		return -1;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)from[i];

		if (byte < 0x20 || byte == 0x7f)
			return -1;
	}
	if (length > 0)
		memcpy(secret->bytes, from, length);
	secret->length = length;
	return 0;
}

void secret_wipe(struct secret *secret)
{
	if (secret != NULL)
		secret_wipe_bytes(secret, sizeof *secret);
}

bool secret_may_log(const char *line)
{
	/* Commands are echoed with user names in clear; a push or a refusal can
	 * carry tokens, a challenge its state, an address of the web the log-in; from level 7 on openvpn logs
	 * keys, what they are made of, and what it encrypts. */
	static const char *const never[] = {
	    "MANAGEMENT:", "PUSH",       "CRV1",      "SCRV1",  "CR_RESPONSE", "Info command", "WEB_AUTH",
	    "OPEN_URL",    "auth-token", "SESS_ID",   "KEY:",   "Master ",     "pre_master",   "random1:",
	    "random2:",    "entropy:",   "PRF out",   "tls1_P", "CRYPT FROM:", "CRYPT TO:",    "CRYPT HMAC",
	    "CRYPT MAC:",  "CRYPT IV:",  "CRYPT AD:", "BIO "};

	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		if (strstr(line, never[i]) != NULL)
			return false;
	}
	return true;
}

const char *secret_masked(const char *line)
{
	return secret_may_log(line) ? line : "(left out: it may contain a secret)";
}
