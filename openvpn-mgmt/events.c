/* Events: a blank one, the simple ones, their names. */
#include "session.h"

static const char *const names[OVM_KINDS] = {
    [OVM_INFO] = "INFO",
    [OVM_PASSWORD_PROMPT] = "PASSWORD_PROMPT",
    [OVM_HOLD] = "HOLD",
    [OVM_STATE] = "STATE",
    [OVM_LOG] = "LOG",
    [OVM_ECHO] = "ECHO",
    [OVM_BYTECOUNT] = "BYTECOUNT",
    [OVM_BYTECOUNT_CLIENT] = "BYTECOUNT_CLIENT",
    [OVM_NEED] = "NEED",
    [OVM_VERIFICATION_FAILED] = "VERIFICATION_FAILED",
    [OVM_AUTH_TOKEN] = "AUTH_TOKEN",
    [OVM_NEED_OK] = "NEED_OK",
    [OVM_NEED_STRING] = "NEED_STRING",
    [OVM_NEED_CERTIFICATE] = "NEED_CERTIFICATE",
    [OVM_RSA_SIGN] = "RSA_SIGN",
    [OVM_PK_SIGN] = "PK_SIGN",
    [OVM_PKCS11_COUNT] = "PKCS11_COUNT",
    [OVM_PKCS11_ENTRY] = "PKCS11_ENTRY",
    [OVM_REMOTE] = "REMOTE",
    [OVM_PROXY] = "PROXY",
    [OVM_UPDOWN] = "UPDOWN",
    [OVM_UPDOWN_ENV] = "UPDOWN_ENV",
    [OVM_UPDOWN_END] = "UPDOWN_END",
    [OVM_NOTIFY] = "NOTIFY",
    [OVM_INFOMSG] = "INFOMSG",
    [OVM_FATAL] = "FATAL",
    [OVM_CLIENT] = "CLIENT",
    [OVM_CLIENT_ENV] = "CLIENT_ENV",
    [OVM_CLIENT_END] = "CLIENT_END",
    [OVM_UNKNOWN] = "UNKNOWN",
    [OVM_NOISE] = "NOISE",
    [OVM_REPLY] = "REPLY",
    [OVM_REPLY_LINE] = "REPLY_LINE",
    [OVM_OVERLONG] = "OVERLONG",
};

const char *ovm_kind_name(enum ovm_kind kind)
{
	return (unsigned)kind < OVM_KINDS ? names[kind] : "?";
}

struct ovm_event ovm_blank(enum ovm_kind kind)
{
	struct ovm_event event = {.kind = kind, .command = ""};

	for (int i = 0; i < OVM_FIELDS; i++)
		event.field[i] = "";
	return event;
}

void ovm_emit_noise(struct ovm_session *session, const char *text)
{
	struct ovm_event event = ovm_blank(OVM_NOISE);

	event.field[0] = text;
	session->event(&event, session->argument);
}
