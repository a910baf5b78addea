/* A client of OpenVPN's management interface without sockets: bytes in,
 * events out, commands out. For daemons 2.4 to 2.7.
 *
 * The caller reads from its connection and calls ovm_feed; the library calls
 * the event function once for each notification and each reply, in order.
 * Commands are encoded into the session's out buffer; the caller writes it.
 * Nothing blocks, reads a clock or keeps a pointer into the caller's bytes.
 * Text in events is the server's: untrusted bytes (a NUL comes as '?').
 * A session is one connection; make a new one for the next. */
#ifndef OPENVPN_MGMT_H
#define OPENVPN_MGMT_H

#include "openvpn-mgmt-events.h"

#include <stddef.h>

struct ovm_session; /* opaque */

/* May send commands; must not call ovm_feed or ovm_free of this session. */
typedef void ovm_event_fn(const struct ovm_event *event, void *argument);

/* NULL: no memory. The caller frees with ovm_free. */
struct ovm_session *ovm_new(ovm_event_fn *event, void *argument);
void ovm_free(struct ovm_session *session); /* wipes its buffers; NULL is fine */

/* Any split of the stream. 0, or -1 if the peer isn't a management interface:
 * it sent something else before the greeting. Then the session is dead. */
int ovm_feed(struct ovm_session *session, const void *bytes, size_t length);

/* Sends a command: words are quoted as the daemon's lexer wants, the reply's
 * shape is known by the words. `words` ends with NULL. 0, or -1: a word
 * over OVM_PARAMETER_MAX, a control byte, more than 16 words, a line over
 * OVM_COMMAND_MAX, an unknown command, one that wants lines, too much
 * outstanding or no memory; then nothing was queued.
 * Commands without a reply (exit, quit, test 0, version N of most daemons)
 * give no event. */
int ovm_command(struct ovm_session *session, const char *const *words);

/* A command with following lines (pk-sig, rsa-sig, certificate, client-auth,
 * client-pf, password TYPE); END is added. -1 also for a line over
 * OVM_COMMAND_MAX, with a control byte, or that is END itself. */
int ovm_command_lines(struct ovm_session *session, const char *const *words, const char *const *lines);

/* The interface's own password, after OVM_PASSWORD_PROMPT; the reply's command
 * is "login". 0, or -1 as above. */
int ovm_login(struct ovm_session *session, const char *password);

/* What waits to be written; ovm_sent takes `length` bytes of it away and wipes
 * them. The pointer is good until the next call for this session; NULL and 0
 * when there is nothing. */
const void *ovm_pending(struct ovm_session *session, size_t *length);
void ovm_sent(struct ovm_session *session, size_t length);

/* Commands whose reply is certain and hasn't come yet. */
size_t ovm_outstanding(const struct ovm_session *session);

#endif
