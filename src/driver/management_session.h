/* Makes openvpn's messages into events of the tunnel; uses no sockets. */
#ifndef DRIVER_MANAGEMENT_SESSION_H
#define DRIVER_MANAGEMENT_SESSION_H

#include "driver/dead_peer.h"
#include "driver/login.h"
#include "driver/management.h"
#include "driver/openvpn_log.h"
#include "driver/refusal.h"
#include "driver/tunnel_config.h"
#include "openvpn-mgmt/openvpn-mgmt.h"

enum { SESSION_CAUSE = 240 };

struct management_session {
	struct management_events events;
	struct management_attempt attempt;
	struct ovm_session *parser; /* for answers; NULL: the connection has ended */
	struct tunnel_config config;
	struct wire_tunnel announced; /* whose addresses the last TUNNEL_ADDRESS gave */
	struct dead_peer peer;        /* once connected */
	uint64_t sent;                /* bytes into the tunnel, by the counts that are being read */
	struct openvpn_log log;
	uint64_t now; /* ms, set by the owner before each feed */
	struct login *login;
	unsigned verbosity_resets;      /* times that verb and mute were set anew */
	struct refusal refusal;         /* the last one */
	bool verified;                  /* the server's certificate is, in this attempt */
	const char *own_fault;          /* what is wrong with this machine's certificate; NULL */
	const char *stranger;           /* who answers in the server's place; NULL */
	char peer_fault[SESSION_CAUSE]; /* why the server's is not believed */
	uint64_t patience;              /* s, that the server asks for; 0: it has not */
	bool released;                  /* the first hold is over */
	bool signing;                   /* openvpn waits for a signature */
	bool rising;                    /* inside a block of UPDOWN:UP */
	bool repeats;                   /* the next attempt has another answer for what was refused */
	bool failed;                 /* Verification Failed has come; whether it is final is not known yet */
	char failure[SESSION_CAUSE]; /* its type and reason */
	char fatal[SESSION_CAUSE], notice[SESSION_CAUSE];
};

void management_session_begin(struct management_session *session, const struct management_attempt *attempt,
			      uint64_t now);
/* Right after the connection: sends what every session begins with. */
void management_session_greet(struct management_session *session);
/* An ovm_event_fn; `session` is a struct management_session. */
void management_session_event(const struct ovm_event *event, void *session);
/* The network has changed. */
void management_session_hurry(struct management_session *session);
/* When the interval of `peer` is over: asks for the count of bytes, or reports that the server is silent. */
void management_session_look(struct management_session *session);
/* Answers the question that the server waits for, if there is an answer. */
bool management_session_reply(struct management_session *session);
/* Hands the signature on that openvpn waits for; without one the attempt is over. */
void management_session_signed(struct management_session *session, const struct key_answer *answer);
/* The connection has ended. */
void management_session_lost(struct management_session *session);

#endif
