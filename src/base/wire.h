/* The messages between our programs: fixed sizes, host byte order (one machine,
 * one build: `version` must be equal). Every struct is sent whole; unused bytes
 * are zero; texts are terminated. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdint.h>

enum { WIRE_VERSION = 9, WIRE_TEXT = 240, WIRE_ANSWER = 256 };

enum wire_gate { GATE_LOCKED, GATE_DIALLING, GATE_OPEN, GATE_PAUSED, GATE_OFF, GATE_UNPROTECTED };

enum wire_intent { INTENT_UP = 1, INTENT_DOWN, INTENT_RECONNECT };

/* The descriptors that portcullis-driver is started with. */
enum {
	WIRE_FD_CHANNEL = 3,     /* stream socket to the gate: struct wire_* below */
	WIRE_FD_CONTROL = 4,     /* listening: the control socket */
	WIRE_FD_MANAGEMENT = 5,  /* listening: openvpn connects to it */
	WIRE_FD_LOG = 6,         /* the log, O_APPEND, readable */
	WIRE_FD_PROFILE = 7,     /* the remotes of the canonical profile: base/canonical.h */
	WIRE_FD_PASSWORD = 8,    /* the password file, or /dev/null */
	WIRE_FD_CAPTIVE_DNS = 9, /* a loopback UDP socket, captive DNS; or /dev/null */
	WIRE_FD_TOTP = 10,       /* the secret of one-time passwords, or /dev/null */
	WIRE_FD_TOTP_USED = 11,  /* a file for the driver alone: which of them were sent; or /dev/null */
	WIRE_FD_PASSPHRASE = 12, /* one line, the passphrase of the private key; or /dev/null */
	WIRE_FD_REFUSED = 13,    /* a file for the driver alone: driver/login/kept.h; or /dev/null */
	WIRE_FD_SERVERS = 14,    /* a file for the driver alone: driver/kept/outcomes.h; or /dev/null */
	WIRE_FD_SIGNER = 15,     /* stream socket to the process with the private key; or /dev/null */
	WIRE_FD_LAST = WIRE_FD_SIGNER
};

/* Where one-time passwords go: nowhere, as the answer to a challenge, or after the password. */
enum wire_totp { TOTP_NONE, TOTP_CHALLENGE, TOTP_PASSWORD_SUFFIX };

/* "locked", "dialling", ... */
const char *wire_gate_word(uint32_t gate);

#endif
