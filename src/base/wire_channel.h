/* The channel between portcullisd and portcullis-driver: a closed list. */
#ifndef BASE_WIRE_CHANNEL_H
#define BASE_WIRE_CHANNEL_H

#include <stdint.h>

#include "base/net.h"
#include "base/wire.h"
#include "base/wire_name.h"
#include "base/wire_tunnel.h"
#include "base/wire_way.h"

/* Driver to gate. There is no verb for paused, off or a rule. */
enum wire_verb {
	VERB_READY = 1, /* the driver has started; the gate answers NOTE_HELLO and NOTE_INTENT */
	VERB_DIAL,      /* endpoint: flip to dialling, then start openvpn for it */
	VERB_ADDRESS,   /* tunnel: its name and addresses, as soon as openvpn reports them */
	VERB_OPEN,      /* tunnel: flip to open, set its DNS */
	VERB_COUNT,     /* requests NOTE_COUNT: a fresh count of blocked packets */
	VERB_LEAVE,     /* end the attempt: shut the tunnel, reap openvpn, lock */
	VERB_ASK /* ask the resolver for the names of the profile: NOTE_NAME for each, then NOTE_ASKED */
};

struct wire_request {
	uint32_t version; /* WIRE_VERSION */
	uint32_t verb;    /* enum wire_verb */
	struct net_endpoint endpoint;
	struct wire_tunnel tunnel;
};

/* Gate to driver: answers and news, what is now the case. */
enum wire_note {
	NOTE_HELLO = 1, /* first: `hello` */
	NOTE_INTENT,    /* `intent`: what the user wants */
	NOTE_GATE,      /* `gate` has changed; `text` says why */
	NOTE_DIALLING,  /* answer to VERB_DIAL: openvpn runs as `pid` */
	NOTE_OPEN,      /* answer to VERB_OPEN: verified */
	NOTE_REFUSED,   /* a verb was refused or failed: `text`; the gate is what `gate` says */
	NOTE_ENDED,     /* the attempt is over, openvpn reaped, the gate locked; `text` says why */
	NOTE_NETWORK,   /* links or addresses changed, or the machine woke: worth trying now */
	NOTE_COUNT,     /* answer to VERB_COUNT: `blocked`; no news */
	NOTE_WAY,       /* `way` has changed; nothing has come that would be worth a try */
	NOTE_ANSWER,    /* what a person answers to the server's question: `answer`, a secret; no news */
	NOTE_NAME,      /* `name`: the addresses that are known of it; at the start and after VERB_ASK */
	NOTE_ASKED      /* answer to VERB_ASK: `text` is why there was no answer, "" */
};

struct wire_hello {
	char gate_version[32];
	char profile_name[512]; /* the path, for status */
	char interface[NET_NAME_SIZE];
	char username[128];     /* from the configuration, may be "" */
	uint32_t totp_use;      /* enum wire_totp */
	int64_t boot_locked_at; /* seconds since the epoch, 0 unknown */
	int32_t control_gid;    /* who may connect beside root: its members; -1 none */
	uint32_t log_level;     /* enum log_level */
	uint64_t log_size;      /* bytes, for the driver's lines too */
	uint32_t asks;          /* 1: there are names, and a resolver to ask for them */
};

struct wire_note_message {
	uint32_t version;
	uint32_t note;   /* enum wire_note */
	uint32_t gate;   /* enum wire_gate, always current */
	uint32_t intent; /* enum wire_intent, always current: up only where the gate may dial */
	int32_t pid;
	uint32_t leaving;                        /* 1: openvpn is being ended already; NOTE_ENDED follows */
	uint64_t blocked;                        /* packets stopped since the gate was loaded */
	uint64_t slept;                          /* ms, with NOTE_NETWORK: the machine did, and has woken */
	int64_t until;                           /* end of a pause, seconds since the epoch, else 0 */
	char text[WIRE_TEXT], notice[WIRE_TEXT]; /* notice: what is unusual about the lock, always current */
	struct wire_way
	    way; /* as last looked at; looked at for NOTE_HELLO, NOTE_DIALLING, NOTE_NETWORK, NOTE_WAY */
	char answer[WIRE_ANSWER]; /* NOTE_ANSWER; wiped after use */
	struct wire_hello hello;
	struct wire_name name;
};
_Static_assert(sizeof(struct net_endpoint) == 20, "no padding on the wire");

#endif
