/* A provider's .ovpn: parsed, checked against an allow list, written anew.
 * Pure: bytes in, a value out; no files, no look-ups, no clock. */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/net.h"

enum { PROFILE_SIZE_MAX = 4 * 1024 * 1024, PROFILE_ADDRESSES = 16, PROFILE_HOST_SIZE = 256 };

struct profile; /* opaque */

/* One `remote`, or one <connection>. */
struct profile_remote {
	char host[PROFILE_HOST_SIZE]; /* as written: a name or a literal address */
	uint16_t port;
	uint8_t proto;                                   /* enum net_proto */
	uint8_t family;                                  /* NET_NONE: any; else udp4, tcp6 ... asked for it */
	struct net_address addresses[PROFILE_ADDRESSES]; /* literal, or kept by import ("#@address") */
	size_t address_count;                            /* 0: never resolved */
};

enum profile_credentials {
	PROFILE_NEEDS_NOTHING = 0,
	PROFILE_NEEDS_USER_PASSWORD = 1,  /* auth-user-pass */
	PROFILE_NEEDS_KEY_PASSPHRASE = 2, /* an encrypted private key inline */
};

/* Opens a file that the profile refers to, for import. Fills `bytes` (caller
 * frees with free()) and `length`; 0, or -1 and `e`. NULL in profile_parse:
 * such a reference is refused by file, line and reason. */
typedef int profile_file_fn(const char *path, char **bytes, size_t *length, void *argument, struct err *e);

/* Called for what was dropped, with the consequence; `line` is that of the user's file. */
typedef void profile_notice_fn(int line, const char *option, const char *reason, void *argument);

struct profile_source {
	const char *name; /* for messages: the file as the user gave it */
	const char *bytes;
	size_t length;
	profile_file_fn *file;     /* may be NULL */
	profile_notice_fn *notice; /* may be NULL */
	void *argument;
};

/* Parses and vets. NULL and `e` = "NAME:LINE: option: reason" if it is refused.
 * The caller frees with profile_free. Never touches anything but its arguments
 * and the heap; any bytes are fine as input. */
struct profile *profile_parse(const struct profile_source *source, struct err *e);
void profile_free(struct profile *profile); /* wipes keys; NULL is fine */

size_t profile_remote_count(const struct profile *profile); /* at least 1 */
const struct profile_remote *profile_remote(const struct profile *profile, size_t i);
int profile_needs(const struct profile *profile);         /* enum profile_credentials, or-ed */
bool profile_route_nopull(const struct profile *profile); /* it wants no routes that the server sends */

/* It wants a label of random digits in front of each name when that is resolved (remote-random-hostname). */
bool profile_random_host(const struct profile *profile);

/* Leaves a private key out. 0, or -1 and `e`: no certificate is in it, or pkcs12. */
int profile_leave_out_key(struct profile *profile, struct err *e);
/* Records what a name resolved to (import). 0, or -1 if `host` is not a remote's. */
int profile_keep_address(struct profile *profile, const char *host, const struct net_address *address);

/* The profile as a new .ovpn that profile_parse takes and that holds every
 * kept address: lines `name "arg" "arg"`, inline blocks last, "#@address HOST
 * ADDR" lines before the remotes. The caller frees with free(). NULL: no memory. */
char *profile_print(const struct profile *profile, size_t *length);

/* What openvpn may get, and what the gate checks line by line: the same form
 * with neither remotes nor comments; preceded by one line
 *   remote HOST PORT udp|tcp [ADDR ...]
 * for each remote, `set NAME NUMBER` for what it sets for us, `needs N`, and an empty line;
 * base/canonical.h has the form to the byte. The caller frees with free(). */
char *profile_print_canonical(const struct profile *profile, size_t *length);

#endif
