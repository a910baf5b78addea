/* portcullis.conf as a struct: root's own file, read at start and at each reload. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "policy/situation.h"

enum { CONFIG_ARGUMENTS = 16 };

/* The lines of the keys that name files which may be missing; 0: not given. */
struct config_lines {
	int profile, openvpn_binary, password_file, totp_file, key_file, passphrase_file, resolver_ca;
};

struct config {
	char profile[PATH_MAX]; /* "": none given */
	char interface[NET_NAME_SIZE];
	char backend[8]; /* "auto", or one of the platform's */
	char runtime_dir[PATH_MAX], state_dir[PATH_MAX];
	struct identity user, openvpn_user, openvpn_group, dhcp_user, portal_group;
	uint32_t user_gid; /* the driver's primary group */
	bool lan, links_down, strict_boot, manage_dns, pppoe, lacp, nat64_off;
	struct net_prefix nat64; /* length 0: what routers say, or the well-known one */
	char lan_side[SITUATION_LAN_SIDE][NET_NAME_SIZE]; /* a gateway's links; none: it is not a gateway */
	size_t lan_side_count;
	char openvpn_binary[PATH_MAX], openvpn_arguments[CONFIG_ARGUMENTS][256];
	size_t openvpn_argument_count;
	char control_socket[PATH_MAX];
	struct identity control_group;
	int64_t control_gid;         /* -1: none */
	struct net_address resolver; /* NET_NONE: none */
	char resolver_name[254], resolver_ca[PATH_MAX];
	char username[128], password_file[PATH_MAX], totp_file[PATH_MAX];
	char key_file[PATH_MAX];        /* or a token's "pkcs11:..."; "": the private key is in the profile */
	char passphrase_file[PATH_MAX]; /* of the private key, wherever it is */
	uint32_t totp_use;              /* enum wire_totp, never TOTP_NONE */
	char keychain[128];             /* the service of an item of the System keychain; "": none */
	char log_file[PATH_MAX];
	uint64_t log_size; /* bytes */
	uint32_t log_keep;
	enum log_level log_level;
	struct config_lines lines;
};

/* Fills every default, as portcullis.conf(5) says; names of users and groups
 * are not looked up. */
void config_defaults(struct config *config);

/* Reads FILE (relative paths are relative to its folder): first the syntax, then
 * users and groups; the files that it names are not opened. FILE must belong to root
 * or the caller, and others must not be able to write to it. 0, or -1 and `e` =
 * "FILE:LINE: what; instead: ...". May block in the user database. */
int config_read(struct config *config, const char *file, struct err *e);

/* What the service manager has given (systemd.exec(5), LoadCredential=), where FILE names no file: looks in
 * `folder`, $CREDENTIALS_DIRECTORY, for portcullis.password, .totp, .key and .key-passphrase. NULL: none. */
void config_take_credentials(struct config *config, const char *folder);

/* After config_read of the same FILE: do the files that it names exist, and may they be used (profile,
 * openvpn.binary, those of the credentials)? Opens nothing. 0, or -1 and `e` as above. */
int config_check_files(const struct config *config, const char *file, struct err *e);

/* The syntax half of config_read, from an open stream: `name` is for messages,
 * relative paths are relative to `directory` (absolute). Looks up no user. Not
 * reentrant (libConfuse has no argument for its callbacks). 0, or -1 and `e`. */
int config_read_stream(struct config *config, FILE *stream, const char *name, const char *directory,
		       struct err *e);

/* Prints the settings as lines `section.key = "value"`, and an empty line; '\' and bytes that are not
 * printable become \xNN. No secrets are printed; of the user name only whether there is one. After a refusal,
 * prints those that were read until then. Flushes `to`. */
void config_print(const struct config *config, FILE *to);

#endif
