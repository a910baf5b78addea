/* What a server says when it refuses the log-in. */
#ifndef DRIVER_REFUSAL_H
#define DRIVER_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

enum refusal_kind {
	REFUSAL_NONE,
	REFUSAL_PLAIN,     /* wrong, or just now not wanted: nobody can tell */
	REFUSAL_TEMPORARY, /* the server says so (TEMP), or a token has expired (SESSION) */
	REFUSAL_PERSON     /* only a person can help: a challenge, a wrong passphrase */
};

enum refusal_advance { ADVANCE_ADDRESS, ADVANCE_NO, ADVANCE_REMOTE };

struct refusal {
	enum refusal_kind kind;
	enum refusal_advance advance; /* who is to be asked next */
	uint32_t backoff;             /* s, that the server wants first */
};

/* `type` and `reason` of Verification Failed; both are the server's text. */
struct refusal refusal_read(const char *type, const char *reason);

#endif
