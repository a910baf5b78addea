/* Every option that OpenVPN 2.4 to 2.7 reads, and how it is treated here. */
#ifndef PROFILE_OPTIONS_H
#define PROFILE_OPTIONS_H

#include <stddef.h>

/* How dangerous the option is in a file from somebody else. */
enum option_class {
	CLASS_REFUSE,     /* a profile with it can't be used */
	CLASS_STRIP_WARN, /* dropped, and something is lost */
	CLASS_STRIP,      /* dropped, nothing is lost here */
	CLASS_OVERRIDE,   /* Portcullis decides it */
	CLASS_INLINE,     /* its file becomes an inline block */
	CLASS_ALLOW       /* its values are checked */
};

/* What the parser does with it. */
enum option_action {
	ACT_REFUSE, /* `text` is the reason */
	ACT_DROP,   /* `text` is what is lost, and why */
	ACT_KEEP,   /* if the arguments fit `arguments` */
	ACT_SET,    /* the same, but for Portcullis: openvpn does not get it */
	ACT_BLOCK,  /* inline block or file, of kind `block` */
	ACT_HASH,   /* a value on the line, or a block of them */
	ACT_CLIENT,
	ACT_REMOTE,
	ACT_PROTO,
	ACT_PROTO_FORCE,
	ACT_PORT,
	ACT_CONNECTION,
	ACT_MODE,
	ACT_CD,
	ACT_DEV,
	ACT_DEV_TYPE,
	ACT_SETENV,
	ACT_IGNORE_UNKNOWN,
	ACT_AUTH_USER_PASS,
	ACT_KEEPALIVE,
	ACT_SESSION_TIMEOUT,
	ACT_RANDOM_HOST, /* ACT_SET, for import */
	ACT_PULL_FILTER,
	ACT_DHCP,
	ACT_DNS,
	ACT_COMPRESSION,
	ACT_TLS_CIPHER
};

enum block_kind {
	BLOCK_NONE,
	BLOCK_CERTIFICATES,
	BLOCK_KEY,
	BLOCK_CRL,
	BLOCK_STATIC_KEY,
	BLOCK_V2_KEY,
	BLOCK_BASE64,
	BLOCK_FINGERPRINTS
};

struct option {
	const char *name;
	enum option_class class;
	enum option_action action;
	enum block_kind block;
	const char *arguments; /* a pattern for values.h */
	const char *text;
};

extern const struct option option_table[]; /* by name */
extern const size_t option_count;

const struct option *option_find(const char *name); /* NULL: unknown */
const char *option_nearest(const char *name);       /* for a hint, or NULL */

#endif
