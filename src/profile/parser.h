/* The parser's state; for parse*.c of this room only. */
#ifndef PROFILE_PARSER_H
#define PROFILE_PARSER_H

#include "profile/profile_internal.h"

enum { IGNORED_MAX = 64, DIRECTORY_SIZE = 256, QUOTED_SIZE = 80 };

/* NAME [inline] in line `line`. */
struct announced {
	const struct option *option;
	int line;
};

struct parser {
	const struct profile_source *source;
	struct profile *profile;
	struct lex_lines lines;
	struct err *e;

	struct remote_defaults defaults;
	uint8_t forced_proto; /* proto-force; 0 none */
	bool remote_ordered;  /* <connection> blocks are used */
	bool forward;         /* setenv FORWARD_COMPATIBLE: unknown options are dropped */
	bool device_is_tun, device_named;
	char *ignored[IGNORED_MAX]; /* ignore-unknown-option */
	size_t ignored_count;
	char directory[DIRECTORY_SIZE]; /* cd */
	struct announced announced[PROFILE_BLOCKS_MAX];
	size_t announced_count;

	/* Inside <connection>. */
	bool in_connection, connection_has_remote;
	struct profile_remote connection;
	struct remote_defaults connection_defaults;
	size_t connection_lines;      /* how many of its options were kept */
	size_t first_connection_line; /* where those of the first block begin in profile->lines */
	size_t first_connection_count;
	size_t connection_count;
};

/* "NAME:LINE: option: reason"; always -1. */
int parser_refuse(struct parser *parser, const char *option, const char *reason);
void parser_notice(struct parser *parser, const char *option, const char *reason);

/* parse_option.c: one line whose name is known. 0, or -1 and parser->e. */
int parser_option(struct parser *parser, const struct option *option, const struct lex_words *words,
		  size_t first);
/* parse_option.c: sets a block; the last one counts. */
int parser_set_block(struct parser *parser, const struct option *option, const char *bytes, size_t length,
		     bool binary);

#endif
