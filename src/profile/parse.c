/* A provider's .ovpn, read line by line: what each line is, and the whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "profile/parser.h"
#include "profile/values.h"

static const char address_mark[] = "#@address ";

static bool is_ignored(const struct parser *parser, const char *name)
{
	for (size_t i = 0; i < parser->ignored_count; i++) {
		if (strcmp(parser->ignored[i], name) == 0)
			return true;
	}
	return parser->forward;
}

/* An option that no version of openvpn has. */
static int unknown(struct parser *parser, const char *name, bool optional)
{
	const char *nearest;
	char quoted[QUOTED_SIZE], reason[128];

	if (optional || is_ignored(parser, name)) {
		text_escape(quoted, sizeof quoted, name, strlen(name));
		parser_notice(parser, quoted, "unknown, and the profile says that it may be");
		return 0;
	}
	if ((nearest = option_nearest(name)) == NULL)
		return parser_refuse(parser, name, "unknown option; instead: delete the line");
	snprintf(reason, sizeof reason, "unknown option; instead: %s?", nearest);
	return parser_refuse(parser, name, reason);
}

/* "</tag>" alone on its line: 1. A line that openvpn or a reader may take for one, or for the beginning
 * of another block: -1. */
static int is_closing(const char *line, size_t length, const char *tag)
{
	size_t tag_length = strlen(tag);

	lex_trim(&line, &length);
	if (length == tag_length + 3 && memcmp(line, "</", 2) == 0 &&
	    memcmp(line + 2, tag, tag_length) == 0 && line[length - 1] == '>')
		return 1;
	if (length > 0 && line[0] == '<')
		return -1;
	return memmem(line, length, "</", 2) != NULL ? -1 : 0;
}

/* An inline block, from after its "<tag>" to its "</tag>". */
static int inline_block(struct parser *parser, const char *tag, const struct option *option)
{
	struct err reason;
	const char *line, *start = parser->lines.at;
	size_t length;
	int got, closing, first = parser->lines.number;

	while ((got = lex_line(&parser->lines, &line, &length, &reason)) == 1) {
		closing = is_closing(line, length, tag);
		if (closing == -1)
			return parser_refuse(parser, tag,
					     "'<' in the block; instead: its closing tag, alone on a line");
		if (closing == 0)
			continue;
		if (option == NULL)
			return unknown(parser, tag, false);
		if (option->action == ACT_BLOCK || option->action == ACT_HASH)
			return parser_set_block(parser, option, start, (size_t)(line - start), false);
		if (option->action == ACT_AUTH_USER_PASS) {
			struct lex_words none = {0};

			parser_notice(parser, tag,
				      "its user name and password are not kept; instead: set credentials { } "
				      "in portcullis.conf");
			return parser_option(parser, option, &none, 0);
		}
		if (option->action == ACT_DROP) {
			parser_notice(parser, tag, option->text);
			return 0;
		}
		return parser_refuse(parser, tag,
				     option->action == ACT_REFUSE
					 ? option->text
					 : "does not accept a block; instead: its value on one line");
	}
	if (got == -1)
		return parser_refuse(parser, tag, reason.text);
	parser->lines.number = first;
	return parser_refuse(parser, tag,
			     "the block is not closed; instead: its closing tag, alone on a line");
}

static int begin_connection(struct parser *parser)
{
	if (parser->in_connection)
		return parser_refuse(parser, "connection",
				     "a <connection> block inside another; instead: </connection> before it");
	parser->in_connection = true;
	parser->connection_has_remote = false;
	parser->connection_defaults = parser->defaults;
	parser->connection_lines = 0;
	return 0;
}

static int end_connection(struct parser *parser)
{
	struct profile *profile = parser->profile;
	struct err reason;

	parser->in_connection = false;
	if (!parser->connection_has_remote)
		return parser_refuse(parser, "connection",
				     "the block has no remote; instead: a line remote HOST PORT in it");
	if (remote_complete(&parser->connection, &parser->connection_defaults, &reason) == -1)
		return parser_refuse(parser, "connection", reason.text);
	if (!parser->remote_ordered && profile->remote_count > 0) {
		parser_notice(parser, "remote",
			      "openvpn uses only those in <connection> blocks, if there are any");
		profile->remote_count = 0;
	}
	parser->remote_ordered = true;
	/* All blocks share one set of options here, so all of them must say the same. */
	if (parser->connection_count++ == 0)
		parser->first_connection_count = parser->connection_lines;
	else if (parser->connection_lines != parser->first_connection_count)
		return parser_refuse(parser, "connection",
				     "its options differ from the first block's; instead: outside, for all");
	return profile_add_remote(profile, &parser->connection, &reason) == 0
		   ? 0
		   : parser_refuse(parser, "connection", reason.text);
}

/* "<tag>" or "</connection>" as the only word of a line. */
static int tag_line(struct parser *parser, const char *word)
{
	char tag[64];
	size_t length = strlen(word);

	if (strcmp(word, "</connection>") == 0 && parser->in_connection)
		return end_connection(parser);
	if (word[1] == '/' || length - 2 >= sizeof tag)
		return parser_refuse(parser, word, "closes no block; instead: delete the line");
	memcpy(tag, word + 1, length - 2);
	tag[length - 2] = '\0';
	if (strcmp(tag, "connection") == 0)
		return begin_connection(parser);
	if (parser->in_connection)
		return parser_refuse(parser, tag, "a block inside <connection>; instead: outside, for all");
	return inline_block(parser, tag, option_find(tag));
}

static int option_line(struct parser *parser, struct lex_words *words)
{
	const struct option *option;
	size_t first = 0;
	bool optional = false;

	/* `setenv opt NAME ...` is NAME: the filter has to see what openvpn sees. */
	while (words->count > first + 1 && strcmp(words->word[first], "setenv") == 0 &&
	       strcmp(words->word[first + 1], "opt") == 0) {
		optional = true;
		first += 2;
	}
	if (first == words->count)
		return parser_refuse(parser, "setenv", "opt without an option; instead: delete the line");
	if ((option = option_find(words->word[first])) == NULL)
		return unknown(parser, words->word[first], optional);
	return parser_option(parser, option, words, first + 1);
}

/* "#@address HOST ADDR", written by import. */
static int address_line(struct parser *parser, const char *line, size_t length)
{
	char text[PROFILE_HOST_SIZE + NET_ADDRESS_TEXT + 2], *space;
	struct net_address address;
	struct err reason;

	line += sizeof address_mark - 1;
	length -= sizeof address_mark - 1;
	if (length >= sizeof text)
		return parser_refuse(parser, "#@address",
				     "not HOST ADDRESS; instead: portcullis import writes it");
	memcpy(text, line, length);
	text[length] = '\0';
	if ((space = strchr(text, ' ')) == NULL)
		return parser_refuse(parser, "#@address",
				     "not HOST ADDRESS; instead: portcullis import writes it");
	*space = '\0';
	if (!value_is_host(text) || net_address_parse(space + 1, &address) == -1 ||
	    !net_address_is_dialable(&address))
		return parser_refuse(parser, "#@address",
				     "not HOST ADDRESS; instead: portcullis import writes it");
	return profile_add_kept(parser->profile, text, &address, &reason) == 0
		   ? 0
		   : parser_refuse(parser, "#@address", reason.text);
}

static int any_line(struct parser *parser, const char *line, size_t length)
{
	struct lex_words words;
	struct err reason;

	if (length > sizeof address_mark - 1 && memcmp(line, address_mark, sizeof address_mark - 1) == 0)
		return address_line(parser, line, length);
	if (lex_words(line, length, &words, &reason) == -1)
		return parser_refuse(parser, words.count > 1 ? words.word[0] : "line", reason.text);
	if (words.count == 0)
		return 0;
	if (strncmp(words.word[0], "--", 2) == 0 && strlen(words.word[0]) >= 3)
		words.word[0] += 2;
	if (words.count == 1 && words.word[0][0] == '<' && strlen(words.word[0]) >= 3 &&
	    words.word[0][strlen(words.word[0]) - 1] == '>')
		return tag_line(parser, words.word[0]);
	return option_line(parser, &words);
}

/* Does openvpn take this option only over UDP? */
static bool is_udp_only(const struct option *option)
{
	return strcmp(option->name, "fragment") == 0 || strcmp(option->name, "mtu-test") == 0;
}

static int check_udp_only(struct parser *parser)
{
	const struct profile *profile = parser->profile;
	bool tcp = false;

	for (size_t i = 0; i < profile->remote_count; i++)
		tcp = tcp || profile->remotes[i].proto == NET_TCP;
	for (size_t i = 0; tcp && i < profile->line_count; i++) {
		if (is_udp_only(profile->lines[i].option))
			return parser_refuse(parser, profile->lines[i].option->name,
					     "only for UDP, and a remote is TCP; instead: delete the line");
	}
	return 0;
}

/* What openvpn itself would complain about as soon as it starts. */
static void notice_missing(struct parser *parser)
{
	bool authority = false;

	for (size_t i = 0; i < parser->profile->block_count; i++) {
		const char *name = parser->profile->blocks[i].option->name;

		authority = authority || strcmp(name, "ca") == 0 || strcmp(name, "pkcs12") == 0 ||
			    strcmp(name, "peer-fingerprint") == 0;
	}
	for (size_t i = 0; i < parser->profile->line_count; i++)
		authority =
		    authority || strcmp(parser->profile->lines[i].option->name, "peer-fingerprint") == 0;
	if (!authority)
		parser_notice(parser, "ca",
			      "missing: openvpn can't tell the server from a stranger, and won't start");
}

/* Keeps the remotes that `proto-force` leaves, each complete. */
static int finish_remotes(struct parser *parser)
{
	struct profile *profile = parser->profile;
	struct err reason;
	size_t left = 0;

	for (size_t i = 0; i < profile->remote_count; i++) {
		struct profile_remote *remote = &profile->remotes[i];

		if (!parser->remote_ordered && remote_complete(remote, &parser->defaults, &reason) == -1)
			return parser_refuse(parser, "remote", reason.text);
		if (parser->forced_proto == 0 || parser->forced_proto == remote->proto)
			profile->remotes[left++] = *remote;
	}
	profile->remote_count = left;
	if (left == 0)
		return parser_refuse(parser, "remote",
				     "the profile has none; instead: a line remote HOST PORT");
	profile_bind_kept(profile);
	return 0;
}

/* Each block that `[inline]` announces must follow. openvpn would look for a file of that name; without
 * crl-verify's, for example, nobody would look at the list of what was revoked. */
static int check_announced(struct parser *parser)
{
	const struct profile *profile = parser->profile;

	for (size_t i = 0; i < parser->announced_count; i++) {
		const struct option *option = parser->announced[i].option;
		size_t at = 0;

		while (at < profile->block_count && profile->blocks[at].option != option)
			at++;
		if (at < profile->block_count)
			continue;
		parser->lines.number = parser->announced[i].line;
		return parser_refuse(parser, option->name,
				     "[inline], and no such block follows; instead: the whole file as the "
				     "provider sent it");
	}
	return 0;
}

static int finish(struct parser *parser)
{
	if (parser->in_connection)
		return parser_refuse(parser, "connection",
				     "the block is not closed; instead: </connection> after it");
	if (parser->device_named && !parser->device_is_tun)
		return parser_refuse(
		    parser, "dev",
		    "neither tun nor with dev-type tun; only tun is supported; instead: dev tun");
	if (check_announced(parser) == -1 || finish_remotes(parser) == -1 || check_udp_only(parser) == -1)
		return -1;
	notice_missing(parser);
	return 0;
}

static int parse_all(struct parser *parser)
{
	struct err reason;
	const char *line;
	size_t length;
	int got;

	if (parser->source->length > PROFILE_SIZE_MAX)
		return parser_refuse(parser, "profile",
				     "larger than 4 MiB; instead: only what this connection needs");
	lex_begin(&parser->lines, parser->source->bytes, parser->source->length);
	while ((got = lex_line(&parser->lines, &line, &length, &reason)) == 1) {
		if (any_line(parser, line, length) == -1)
			return -1;
	}
	if (got == -1)
		return parser_refuse(parser, "line", reason.text);
	return finish(parser);
}

struct profile *profile_parse(const struct profile_source *source, struct err *e)
{
	struct parser parser = {.source = source, .e = e};
	int result = -1;

	parser.profile = calloc(1, sizeof *parser.profile);
	if (parser.profile == NULL)
		err_set(e, "%s: no memory", source->name);
	else
		result = parse_all(&parser);
	for (size_t i = 0; i < parser.ignored_count; i++)
		free(parser.ignored[i]);
	if (result == 0)
		return parser.profile;
	profile_free(parser.profile);
	return NULL;
}
