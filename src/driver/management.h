/* The management connection of one openvpn: accepts it, answers its questions, and makes
 * its messages into events of the tunnel. */
#ifndef DRIVER_MANAGEMENT_H
#define DRIVER_MANAGEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wire_channel.h"
#include "driver/key/request.h"
#include "driver/refusal.h"
#include "tunnel/words.h"

struct event_base;
struct login;
struct management; /* opaque */

struct management_events {
	/* `cause` is untrusted text for the log and for `reason`. */
	void (*event)(enum tunnel_event event, const char *cause, void *argument);
	/* A person is asked for something, or no longer: see struct login. */
	void (*asked)(void *argument);
	/* The answer to management_ask_count. */
	void (*count)(uint64_t in, uint64_t out, void *argument);
	/* openvpn waits for management_signed, and for nothing else. */
	void (*sign)(const struct key_request *request, void *argument);
	void *argument;
};

struct management_attempt {
	const char *interface, *username; /* must outlive the attempt */
	struct net_endpoint endpoint;
	int needs; /* enum profile_credentials */
	const char
	    *profile; /* canonical, without keys: its filters for pushed options; must outlive it, too */
	size_t profile_length;
};

/* `listener` and `login` stay the caller's. NULL: no memory. */
struct management *management_new(struct event_base *base, int listener, struct login *login,
				  const struct management_events *events);
void management_free(struct management *management); /* NULL is fine */

/* Before VERB_DIAL: forgets the previous attempt. */
void management_begin(struct management *management, const struct management_attempt *attempt);
/* At NOTE_DIALLING: only a peer with this pid is accepted; it may have connected already. */
void management_expect(struct management *management, int32_t pid);
/* At NOTE_ENDED: closes the connection. No events follow until the next management_begin. */
void management_end(struct management *management);

/* A person has answered: sends it if openvpn waits for it. False: it does not. */
bool management_reply(struct management *management);

/* The answer to `sign`; one that is not waited for is left out. */
void management_signed(struct management *management, const struct key_answer *answer);
/* Asks openvpn for its byte counts. False: it is not connected. */
bool management_ask_count(struct management *management);

/* After how many seconds of silence the server is dead; 0: it may be silent, or nothing is connected. */
uint32_t management_dead_peer(const struct management *management);

/* No way leads to the server (`away`), or one does again. The network has changed: whether the server still
 * answers is to be known soon. For how many seconds have programs sent without an answer? 0: they have not.
 */
void management_away(struct management *management, bool away);
void management_hurry(struct management *management);
uint32_t management_unanswered(const struct management *management);

/* For how many seconds the server asks for patience; 0: it has not said. */
uint64_t management_patience(const struct management *management);

/* The last refusal of the log-in in this attempt. */
struct refusal management_refusal(const struct management *management);
/* What is wrong with this machine's certificate, as far as openvpn has noticed; NULL: nothing. */
const char *management_own_fault(const struct management *management);

/* What openvpn has reported so far, checked. Valid until the next begin. */
const struct wire_tunnel *management_tunnel(const struct management *management);

#endif
