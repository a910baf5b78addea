/* What logging in takes beside the password file, kept from one attempt to the next: one-time passwords,
 * questions of the server and a person's answers, the server's token. */
#ifndef DRIVER_LOGIN_H
#define DRIVER_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/wire.h"
#include "driver/login/credentials.h"

enum { LOGIN_TEXT = 256, LOGIN_ANSWER_MS = 120000 };

struct login { /* zeroed, it has nothing */
	struct credentials_files files;
	uint32_t totp_use;     /* enum wire_totp */
	uint64_t used_until;   /* seconds since the epoch: one-time passwords of before are not sent again */
	struct secret answer;  /* a person's, not sent yet */
	uint64_t answer_until; /* ms of the steady clock: then it is too old to be sent */
	struct secret state, user; /* of a dynamic challenge that the next attempt answers; length 0: none */
	struct secret token;       /* the server's, in place of the password */
	bool token_sent;           /* in this attempt */
	bool code_sent;            /* in this attempt, to a dynamic challenge */
	bool code_refused;         /* that brought another question: a person answers it */
	bool pending;              /* the server waits for an answer in this attempt */
	char question[LOGIN_TEXT]; /* that a person has to answer; "": none. Untrusted, as the next one */
	char url[LOGIN_TEXT];      /* that a person has to open; "": none */
};

struct login_time {
	uint64_t now, seconds; /* ms of a clock that never goes back; since the epoch */
};

/* What openvpn asks for. */
struct login_ask {
	int needs;             /* enum profile_credentials: what the password file has lines for */
	const char *username;  /* from the configuration, or "" */
	const char *challenge; /* of the static challenge; "": none */
	int64_t flags;         /* of it: 1 echo, 2 the answer follows the password as it is */
};

enum login_ready {
	LOGIN_READY,
	LOGIN_WAIT, /* for the next one-time password: *wait ms */
	LOGIN_STOP  /* `e` says what is missing; question may be set */
};

/* Before an attempt: would it have the answers that the server is known to want? `challenge`: the static one
 * of the profile, or "". *wait is 0 before. */
enum login_ready login_ready(struct login *login, int needs, const char *challenge,
			     const struct login_time *time, uint64_t *wait, struct err *e);

/* Fills user and password for openvpn; what can be sent only once is used up. As above; only after
 * LOGIN_READY are they filled. Wipe them after use. */
enum login_ready login_fill(struct login *login, const struct login_ask *ask, const struct login_time *time,
			    struct credentials *to, struct err *e);

/* A person's answer; it counts for LOGIN_ANSWER_MS. 0, or -1: it is empty, too long or has control bytes. */
int login_answer(struct login *login, const char *text, uint64_t now);

/* The server asks in the middle of an attempt (INFOMSG), answered by login_reply. True if it is a question or
 * an address of the web that a person has to see to. */
bool login_pending(struct login *login, const char *text);
/* The answer in base64, for cr-response. False: there is none yet, or `e` is set. */
bool login_reply(struct login *login, const struct login_time *time, struct secret *to, struct err *e);

/* It refuses with a dynamic challenge ("CRV1:..."). True if the next attempt can answer; `text`: its
 * question. */
bool login_challenged(struct login *login, const char *reason, char *text, size_t size);
/* It refuses without one. True if a token was refused: the password is sent next. */
bool login_refused(struct login *login);
void login_keep_token(struct login *login, const char *token);
/* An attempt begins or ends: nothing is pending any more. */
void login_settle(struct login *login);
/* Must the next attempt be with the same server? */
bool login_same_remote(const struct login *login);

#endif
