/* The events of openvpn-mgmt.h: what the daemon said, one line at a time. */
#ifndef OPENVPN_MGMT_EVENTS_H
#define OPENVPN_MGMT_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A notification that doesn't keep to its grammar comes as OVM_UNKNOWN, whole. */
enum ovm_kind {
	OVM_INFO,                /* greeting; number = interface version; fields: text */
	OVM_PASSWORD_PROMPT,     /* the interface's own "ENTER PASSWORD:"; answer with ovm_login */
	OVM_HOLD,                /* number = seconds the daemon would have waited */
	OVM_STATE,               /* fields: name, detail, tun4, rip, rport, lip, lport, tun6; number = time */
	OVM_LOG,                 /* fields: flags, text; number = time */
	OVM_ECHO,                /* fields: text; number = time */
	OVM_BYTECOUNT,           /* in, out */
	OVM_BYTECOUNT_CLIENT,    /* number = cid; in, out */
	OVM_NEED,                /* >PASSWORD:Need; fields: type, what ("username/password", "password",
				    "username"), challenge; number = SC flags, -1 none */
	OVM_VERIFICATION_FAILED, /* fields: type, reason ("" none) */
	OVM_AUTH_TOKEN,          /* fields: token (a secret) */
	OVM_NEED_OK,             /* fields: type, message */
	OVM_NEED_STRING,         /* fields: type, message */
	OVM_NEED_CERTIFICATE,    /* fields: hint */
	OVM_RSA_SIGN,            /* fields: base64 */
	OVM_PK_SIGN,             /* fields: base64, algorithm, parameters */
	OVM_PKCS11_COUNT,        /* number; the command's OVM_REPLY follows */
	OVM_PKCS11_ENTRY, /* number; fields: index, id, blob; id and blob "" if there is none; likewise */
	OVM_REMOTE,       /* fields: host, port, proto */
	OVM_PROXY,        /* number; fields: proto, host */
	OVM_UPDOWN,       /* fields: "UP" or "DOWN" */
	OVM_UPDOWN_ENV,   /* fields: name, value */
	OVM_UPDOWN_END,
	OVM_NOTIFY,     /* fields: severity, type, message */
	OVM_INFOMSG,    /* fields: text */
	OVM_FATAL,      /* fields: text */
	OVM_CLIENT,     /* server side; fields: what, cid, kid ("" none), rest; number = cid */
	OVM_CLIENT_ENV, /* fields: name, value; the value of `password` is a secret */
	OVM_CLIENT_END,
	OVM_UNKNOWN,    /* a notification of another name or grammar; fields: name, text */
	OVM_NOISE,      /* an unprefixed line that belongs to no reply; fields: text */
	OVM_REPLY,      /* end of a command: command, ok, fields: text ("SUCCESS: " or "ERROR: " taken off) */
	OVM_REPLY_LINE, /* one line of a list reply: command, fields: text */
	OVM_OVERLONG,   /* a line over the limit was dropped; number = its length so far */
	OVM_KINDS
};

enum { OVM_FIELDS = 8, OVM_LINE_MAX = 16384, OVM_PARAMETER_MAX = 255, OVM_COMMAND_MAX = 1000 };

struct ovm_event {
	enum ovm_kind kind;
	int64_t number;
	uint64_t in, out;
	const char *field[OVM_FIELDS]; /* terminated, never NULL, "" if missing; valid during the call */
	const char *command;           /* replies: the command and its first parameter ("hold release",
					  "state on", "password Auth"), else ""; never a secret */
	bool ok;
};

/* "STATE" for OVM_STATE and so on; never NULL. */
const char *ovm_kind_name(enum ovm_kind kind);

#endif
