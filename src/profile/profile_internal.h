/* What a profile is made of; for the files of this room only. */
#ifndef PROFILE_PROFILE_INTERNAL_H
#define PROFILE_PROFILE_INTERNAL_H

#include "profile/buffer.h"
#include "profile/lexer.h"
#include "profile/options.h"
#include "profile/profile.h"
#include "profile/settings.h"

enum { PROFILE_REMOTES_MAX = 16384, PROFILE_KEPT_MAX = 65536, PROFILE_BLOCKS_MAX = 16 };

/* `text` is the finished line: name "arg" "arg", no line end. */
struct profile_line {
	const struct option *option;
	char *text;
};

struct profile_block {
	const struct option *option;
	struct buffer text; /* ends with LF */
};

struct profile_kept {
	char *host;
	struct net_address address;
};

struct profile {
	struct profile_line *lines;
	size_t line_count, line_size;
	struct profile_block blocks[PROFILE_BLOCKS_MAX];
	size_t block_count;
	struct profile_remote *remotes;
	size_t remote_count, remote_size;
	struct profile_kept *kept; /* resolved addresses, in the order they came */
	size_t kept_count, kept_size;
	int needs;
	bool route_nopull, random_host;
	struct profile_settings settings;
};

/* Each returns 0, or -1 and `e`. */
int profile_add_line(struct profile *profile, const struct option *option, char *const *arguments,
		     size_t count, struct err *e);
int profile_add_kept(struct profile *profile, const char *host, const struct net_address *address,
		     struct err *e);
int profile_add_remote(struct profile *profile, const struct profile_remote *remote, struct err *e);

/* Gives every remote the addresses kept for its host. */
void profile_bind_kept(struct profile *profile);

/* Adds an address to a remote if its family fits and it is new. */
void profile_give(struct profile_remote *remote, const struct net_address *address);

/* --- remotes.c: from the words of a file to a remote */

/* What the file has set so far for all remotes. */
struct remote_defaults {
	uint16_t port;  /* 0: not given */
	uint8_t proto;  /* 0: not given */
	uint8_t family; /* NET_NONE: any */
};

int remote_parse_port(const char *word, uint16_t *port, struct err *e);
int remote_parse_proto(const char *word, uint8_t *proto, uint8_t *family, struct err *e);
/* HOST [PORT [PROTO]]; what is not given stays 0. */
int remote_parse(char *const *words, size_t count, struct profile_remote *remote, struct err *e);
/* Fills in what was not given; a literal address becomes the remote's address. */
int remote_complete(struct profile_remote *remote, const struct remote_defaults *defaults, struct err *e);

#endif
