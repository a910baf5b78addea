/* Inside of the library: the session and what its files share. Not for users. */
#ifndef OPENVPN_MGMT_SESSION_H
#define OPENVPN_MGMT_SESSION_H

#include "openvpn-mgmt.h"

enum { OVM_OUTSTANDING_MAX = 256, OVM_OUT_MAX = 1 << 20, OVM_WORDS_MAX = 16, OVM_LABEL_MAX = 64 };

/* How the daemon answers; a command has up to two parts ("state on all"). */
enum ovm_shape {
	OVM_ONE,       /* one SUCCESS: or ERROR: line */
	OVM_LIST,      /* lines and END, or one ERROR: line */
	OVM_COUNTED,   /* `lines` lines and no END */
	OVM_UPDATE,    /* push-update-*: one or two verdicts */
	OVM_MAYBE,     /* version N: some daemons answer */
	OVM_PKCS11,    /* a line that looks like a notification, perhaps after replies of later commands */
	OVM_SIGNATURE, /* one verdict, perhaps after replies of later commands */
};

struct ovm_expected {
	enum ovm_shape part[2];
	int parts, done;      /* no parts: no reply */
	long lines;           /* OVM_COUNTED: still to come */
	size_t following;     /* lines sent after the command that would be answered if it swallows none */
	bool listing, failed; /* of the current part; of any part */
	char command[OVM_LABEL_MAX];
	struct ovm_expected *next;
};

struct ovm_session {
	ovm_event_fn *event;
	void *argument;
	char line[OVM_LINE_MAX + 1];
	size_t length;
	bool skipping;                     /* the rest of an over-long line */
	bool greeted, prompted, broken;    /* >INFO: seen; ENTER PASSWORD: seen; not a daemon */
	int version;                       /* of the interface; 0 before the greeting */
	struct ovm_expected *first, *last; /* commands in the order sent */
	size_t expected, stray; /* their count; unknown-command errors still owed to a refused block */
	unsigned char *out;
	size_t out_start, out_end, out_size;
};

/* events.c */
struct ovm_event ovm_blank(enum ovm_kind kind);
void ovm_emit_noise(struct ovm_session *session, const char *text);

/* quote.c: appends; -1: a control byte, too long, or no room */
int ovm_quote(const char *word, char *to, size_t size, size_t *used);
bool ovm_printable(const char *text);

/* out.c */
void ovm_wipe(void *bytes, size_t length);
int ovm_reserve(struct ovm_session *session, size_t length);
void ovm_append(struct ovm_session *session, const char *bytes, size_t length); /* reserved before */

/* notifications.c: the whole line, cut up in place */
void ovm_notification(struct ovm_session *session, char *line);

/* replies.c */
int ovm_expect(struct ovm_session *session, const struct ovm_expected *expected);
void ovm_forget_all(struct ovm_session *session);
bool ovm_verdict(const char *line);
void ovm_reply_line(struct ovm_session *session, const char *line);
void ovm_reply_prompt(struct ovm_session *session); /* ENTER PASSWORD: answers what was sent before */
void ovm_reply_pkcs11(struct ovm_session *session);

/* plan.c: what a command's reply will look like; -1: not a command */
int ovm_plan(const char *const *words, int version, struct ovm_expected *plan);
bool ovm_takes_lines(const char *const *words);

#endif
