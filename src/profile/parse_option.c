/* One line of a profile whose option is known: kept, dropped or refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/canonical.h"
#include "base/text.h"
#include "profile/algorithms.h"
#include "profile/blocks.h"
#include "profile/parser.h"
#include "profile/values.h"

enum { REASON_SIZE = 256, PATH_SIZE = 512, SESSION_MIN = 60 };

/* What follows the option's name on one line. */
struct arguments {
	char *const *word;
	size_t count;
};

static int keep_line(struct parser *parser, const struct option *option, struct arguments given)
{
	struct profile *profile = parser->profile;
	struct err reason;

	if (profile_add_line(profile, option, given.word, given.count, &reason) == -1)
		return parser_refuse(parser, option->name, reason.text);
	if (!parser->in_connection)
		return 0;
	/* In the first <connection> it counts for all; the others must say the same. */
	if (parser->connection_count == 0) {
		if (parser->connection_lines++ == 0)
			parser->first_connection_line = profile->line_count - 1;
		return 0;
	}
	profile->line_count--;
	if (parser->connection_lines >= parser->first_connection_count ||
	    strcmp(profile->lines[parser->first_connection_line + parser->connection_lines].text,
		   profile->lines[profile->line_count].text) != 0) {
		free(profile->lines[profile->line_count].text);
		return parser_refuse(parser, option->name,
				     "differs between <connection> blocks; instead: outside, for all");
	}
	parser->connection_lines++;
	free(profile->lines[profile->line_count].text);
	return 0;
}

static int check(struct parser *parser, const struct option *option, const char *pattern,
		 struct arguments given)
{
	struct err reason;

	if (values_check(pattern, given.word, given.count, &reason) == -1)
		return parser_refuse(parser, option->name, reason.text);
	return 0;
}

static void notice_weak(struct parser *parser, const struct option *option, struct arguments given)
{
	static const char *const weak[] = {"BF-", "DES-", "CAST5",      "RC2-",
					   "MD5", "none", "SECLEVEL=0", "insecure"};

	for (size_t i = 0; i < given.count && option->class == CLASS_ALLOW; i++) {
		for (size_t j = 0; j < sizeof weak / sizeof *weak; j++) {
			if (strstr(given.word[i], weak[j]) == NULL || strcmp(option->arguments, "s") == 0)
				continue;
			parser_notice(parser, option->name, "kept, but it allows weak cryptography");
			return;
		}
	}
	if (strcmp(option->name, "compat-mode") == 0)
		parser_notice(parser, option->name, "kept, but it restores weak defaults of old versions");
}

/* Values that are valid, but weaken the check of the server. */
static void notice_trust(struct parser *parser, const struct option *option, struct arguments given)
{
	if (strcmp(option->name, "tls-version-max") == 0 &&
	    (strcmp(given.word[0], "1.0") == 0 || strcmp(given.word[0], "1.1") == 0))
		parser_notice(parser, option->name, "kept, but it excludes TLS 1.2 and newer");
	if ((strcmp(option->name, "remote-cert-tls") == 0 || strcmp(option->name, "ns-cert-type") == 0) &&
	    strcmp(given.word[0], "client") == 0)
		parser_notice(parser, option->name,
			      "kept, but another client of this VPN can then impersonate the server");
}

/* A route past the tunnel: openvpn can no longer find out the machine's own router, and would then report
 * no route at all. */
static bool is_past_the_tunnel(const struct option *option, struct arguments given)
{
	size_t gateway = strcmp(option->name, "route") == 0        ? 2
			 : strcmp(option->name, "route-ipv6") == 0 ? 1
								   : 0;

	return gateway != 0 && given.count > gateway && strncmp(given.word[gateway], "net_gateway", 11) == 0;
}

/* What the line sets for Portcullis, if anything. */
static void read_setting(struct parser *parser, const struct option *option, struct arguments given)
{
	char reason[REASON_SIZE];
	uint32_t value;

	if (profile_settings_read(&parser->profile->settings, option->name, given.word, given.count, &value))
		return;
	if (value == 0)
		snprintf(reason, sizeof reason, "0 sets no limit here");
	else
		snprintf(reason, sizeof reason, "out of bounds: counts as %u seconds here", value);
	parser_notice(parser, option->name, reason);
}

static int keep(struct parser *parser, const struct option *option, struct arguments given)
{
	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	if (is_past_the_tunnel(option, given)) {
		parser_notice(
		    parser, option->name,
		    "dropped: nothing goes past the tunnel, except to the local network with lan = true");
		return 0;
	}
	notice_weak(parser, option, given);
	notice_trust(parser, option, given);
	if (strcmp(option->name, "route-nopull") == 0)
		parser->profile->route_nopull = true;
	read_setting(parser, option, given);
	return keep_line(parser, option, given);
}

/* Blocks of <connection> need not agree on what openvpn does not get: the last one counts. */
static int set(struct parser *parser, const struct option *option, struct arguments given)
{
	struct err reason;

	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	read_setting(parser, option, given);
	return profile_add_line(parser->profile, option, given.word, given.count, &reason) == 0
		   ? 0
		   : parser_refuse(parser, option->name, reason.text);
}

int parser_set_block(struct parser *parser, const struct option *option, const char *bytes, size_t length,
		     bool binary)
{
	struct profile *profile = parser->profile;
	struct profile_block fresh = {.option = option};
	struct err reason;
	bool encrypted;
	size_t at = 0;

	if (block_rewrite(option->block, bytes, length, binary, &fresh.text, &encrypted, &reason) == -1) {
		buffer_free(&fresh.text);
		return parser_refuse(parser, option->name, reason.text);
	}
	while (at < profile->block_count && profile->blocks[at].option != option)
		at++;
	if (at == PROFILE_BLOCKS_MAX) {
		buffer_free(&fresh.text);
		return parser_refuse(parser, option->name, "too many blocks; instead: each one once");
	}
	if (at == profile->block_count)
		profile->block_count++;
	else
		parser_notice(parser, option->name, "given twice: the last one counts");
	buffer_free(&profile->blocks[at].text);
	profile->blocks[at] = fresh;
	if (option->block == BLOCK_KEY)
		profile->needs = (profile->needs & ~PROFILE_NEEDS_KEY_PASSPHRASE) |
				 (encrypted ? PROFILE_NEEDS_KEY_PASSPHRASE : 0);
	return 0;
}

static int inline_file(struct parser *parser, const struct option *option, const char *path)
{
	char place[PATH_SIZE], reason[REASON_SIZE];
	struct err wrong = {""};
	char *bytes = NULL;
	size_t length = 0;
	int result;

	if (parser->source->file == NULL)
		return parser_refuse(parser, option->name,
				     "refers to a file, which root would read; instead: portcullis import");
	if (snprintf(place, sizeof place, "%s%s%s", path[0] == '/' ? "" : parser->directory,
		     path[0] == '/' || parser->directory[0] == '\0' ? "" : "/", path) >= (int)sizeof place)
		return parser_refuse(parser, option->name, "the path is too long; instead: a shorter one");
	if (parser->source->file(place, &bytes, &length, parser->source->argument, &wrong) == -1) {
		snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, wrong.text);
		return parser_refuse(parser, option->name, reason);
	}
	result = parser_set_block(parser, option, bytes, length, true);
	if (bytes != NULL)
		wipe(bytes, length);
	free(bytes);
	return result;
}

/* `tls-auth FILE 1` says what `key-direction 1` says. */
static int key_direction(struct parser *parser, const struct option *option, char *const *word)
{
	const struct option *direction = option_find("key-direction");

	if (strcmp(option->name, "tls-auth") != 0)
		return parser_refuse(parser, option->name,
				     strcmp(option->name, "crl-verify") == 0
					 ? "a directory that root would read; "
					   "instead: one file of revocations"
					 : "too many arguments; instead: one file");
	return keep(parser, direction, (struct arguments){word, 1});
}

static int announce(struct parser *parser, const struct option *option)
{
	if (parser->announced_count == PROFILE_BLOCKS_MAX)
		return parser_refuse(parser, option->name, "too many blocks; instead: each one once");
	parser->announced[parser->announced_count++] = (struct announced){option, parser->lines.number};
	return 0;
}

static int block_by_line(struct parser *parser, const struct option *option, struct arguments given)
{
	if (parser->in_connection)
		return parser_refuse(parser, option->name, "inside <connection>; instead: outside, for all");
	if (given.count < 1 || given.count > 2)
		return parser_refuse(parser, option->name,
				     "not one file; instead: its path, or an inline block");
	if (given.count == 2 && key_direction(parser, option, given.word + 1) == -1)
		return -1;
	/* Old profiles announce their block with this word; check_announced() looks for it at the end. */
	if (strcmp(given.word[0], "[inline]") == 0)
		return announce(parser, option);
	return inline_file(parser, option, given.word[0]);
}

static int remote_line(struct parser *parser, const struct option *option, struct arguments given)
{
	struct profile_remote remote;
	struct err reason;

	if (remote_parse(given.word, given.count, &remote, &reason) == -1)
		return parser_refuse(parser, option->name, reason.text);
	if (parser->in_connection) {
		if (parser->connection_has_remote)
			return parser_refuse(
			    parser, option->name,
			    "a second one in the same <connection>; instead: a block for each");
		parser->connection = remote;
		parser->connection_has_remote = true;
		return 0;
	}
	if (parser->remote_ordered) {
		parser_notice(parser, option->name,
			      "openvpn uses only those in <connection> blocks, if there are any");
		return 0;
	}
	return profile_add_remote(parser->profile, &remote, &reason) == 0
		   ? 0
		   : parser_refuse(parser, option->name, reason.text);
}

static int port_or_proto(struct parser *parser, const struct option *option, struct arguments given)
{
	struct remote_defaults *to = parser->in_connection ? &parser->connection_defaults : &parser->defaults;
	struct err reason;
	int result = given.count == 1 ? 0 : err_set(&reason, "not one argument; instead: one");

	if (result == 0 && option->action == ACT_PORT)
		result = remote_parse_port(given.word[0], &to->port, &reason);
	else if (result == 0)
		result = remote_parse_proto(given.word[0], &to->proto, &to->family, &reason);
	return result == 0 ? 0 : parser_refuse(parser, option->name, reason.text);
}

static int proto_force(struct parser *parser, const struct option *option, struct arguments given)
{
	uint8_t family;
	struct err reason;

	if (check(parser, option, "{udp|tcp}", given) == -1)
		return -1;
	return remote_parse_proto(given.word[0], &parser->forced_proto, &family, &reason);
}

static int mode(struct parser *parser, const struct option *option, struct arguments given)
{
	if (given.count == 1 && strcmp(given.word[0], "p2p") == 0)
		return 0;
	return parser_refuse(parser, option->name, "only for a server; instead: a client's profile");
}

static int change_directory(struct parser *parser, const struct option *option, struct arguments given)
{
	if (given.count != 1 || text_copy(parser->directory, sizeof parser->directory, given.word[0]) == -1)
		return parser_refuse(parser, option->name, "not one directory; instead: its path");
	parser_notice(parser, option->name, "only for the files that the profile refers to");
	return 0;
}

static int device(struct parser *parser, const struct option *option, struct arguments given)
{
	const char *name = given.count == 1 ? given.word[0] : "";

	if (option->action == ACT_DEV_TYPE) {
		if (strcmp(name, "tun") != 0)
			return parser_refuse(parser, option->name,
					     "only tun is supported; instead: ask for a tun profile");
		parser->device_is_tun = true;
		return 0;
	}
	if (!net_is_interface_name(name))
		return parser_refuse(parser, option->name, "not an interface's name; instead: dev tun");
	if (strncmp(name, "tap", 3) == 0 || strcmp(name, "null") == 0)
		return parser_refuse(parser, option->name,
				     "only tun is supported; instead: ask for a tun profile");
	parser->device_named = true;
	if (strncmp(name, "tun", 3) == 0)
		parser->device_is_tun = true;
	if (strcmp(name, "tun") != 0)
		parser_notice(parser, option->name, "the interface's name is set in portcullis.conf");
	return 0;
}

/* A session's length is kept: openvpn ends it, and another one is dialled. */
static int session_timeout(struct parser *parser, const struct option *option, struct arguments given)
{
	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	if (strtoul(given.word[0], NULL, 10) >= SESSION_MIN)
		return keep_line(parser, option, given);
	parser_notice(parser, option->name, "not used: a session that is shorter than a minute");
	return 0;
}

static int random_host(struct parser *parser, const struct option *option, struct arguments given)
{
	parser->profile->random_host = true;
	return set(parser, option, given);
}

static int environment(struct parser *parser, const struct option *option, struct arguments given)
{
	const char *name = given.count > 0 ? given.word[0] : "",
		   *lost = "a profile never sets a program's environment";

	if (strcmp(name, "GENERIC_CONFIG") == 0)
		return parser_refuse(
		    parser, option->name,
		    "GENERIC_CONFIG: without a user's certificate; instead: your own profile");
	if (strcmp(name, "FORWARD_COMPATIBLE") == 0) {
		parser->forward = given.count > 1 && strcmp(given.word[1], "1") == 0;
		return 0;
	}
	/* Old names of options. */
	if (strcmp(name, "SERVER_POLL_TIMEOUT") == 0)
		return set(parser, option_find("server-poll-timeout"),
			   (struct arguments){given.word + 1, given.count - 1});
	if (strcmp(name, "REMOTE_RANDOM_HOSTNAME") == 0)
		return random_host(parser, option_find("remote-random-hostname"), (struct arguments){0});
	if (strcmp(name, "PUSH_PEER_INFO") == 0)
		lost = option_find("push-peer-info")->text;
	else if (strncmp(name, "UV_", 3) == 0)
		lost = "only sent with push-peer-info, which is off";
	parser_notice(parser, option->name, lost);
	return 0;
}

static int ignore_unknown(struct parser *parser, const struct option *option, struct arguments given)
{
	for (size_t i = 0; i < given.count; i++) {
		if (parser->ignored_count == IGNORED_MAX ||
		    (parser->ignored[parser->ignored_count] = strdup(given.word[i])) == NULL)
			return parser_refuse(parser, option->name,
					     "too many names; instead: only those that the profile uses");
		parser->ignored_count++;
	}
	return 0;
}

static int user_password(struct parser *parser, const struct option *option, struct arguments given)
{
	bool known = (parser->profile->needs & PROFILE_NEEDS_USER_PASSWORD) != 0;

	if (given.count > 0)
		parser_notice(parser, option->name,
			      "its file is not read; instead: set credentials { } in portcullis.conf");
	parser->profile->needs |= PROFILE_NEEDS_USER_PASSWORD;
	return known ? 0 : keep_line(parser, option, (struct arguments){0});
}

static int keepalive(struct parser *parser, const struct option *option, struct arguments given)
{
	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	/* Both are numbers: checked above. */
	if (strtoul(given.word[1], NULL, 10) < 2 * strtoul(given.word[0], NULL, 10))
		return parser_refuse(parser, option->name,
				     "the second number is too small; instead: twice the first or more");
	read_setting(parser, option, given);
	return keep_line(parser, option, given);
}

/* The first filter that matches counts. The gate's come before the profile's; an `accept` of what the
 * gate's are for is dropped nevertheless, and the user is told. */
static bool undoes_ours(const char *text)
{
	static const char *const ours[] = {"\"",
					   "'",
					   "\\",
					   "verb",
					   "mute",
					   "persist-",
					   "bind-dev",
					   "errors-to-stderr",
					   "setenv-safe",
					   "inactive",
					   "session-timeout",
					   "ping-exit",
					   "ping-restart",
					   "explicit-exit-notify",
					   "lladdr",
					   "socket-flags"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		size_t shorter = strlen(text) < strlen(ours[i]) ? strlen(text) : strlen(ours[i]);

		if (strncmp(text, ours[i], shorter) == 0)
			return true;
	}
	return false;
}

static int pull_filter(struct parser *parser, const struct option *option, struct arguments given)
{
	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	if (strcmp(given.word[0], "accept") == 0 && undoes_ours(given.word[1])) {
		parser_notice(parser, option->name, "would let the server set what is decided here");
		return 0;
	}
	if (strcmp(given.word[0], "reject") == 0)
		parser_notice(parser, option->name,
			      "kept, but a server that sends this can't be used at all");
	return keep_line(parser, option, given);
}

static int dhcp_option(struct parser *parser, const struct option *option, struct arguments given)
{
	const char *type = given.count > 0 ? given.word[0] : "",
		   *value = given.count == 2 ? given.word[1] : "";
	bool name = strcmp(type, "DOMAIN") == 0 || strcmp(type, "DOMAIN-SEARCH") == 0 ||
		    strcmp(type, "ADAPTER_DOMAIN_SUFFIX") == 0;
	struct net_address address;

	if (!name && strcmp(type, "DNS") != 0 && strcmp(type, "DNS6") != 0) {
		parser_notice(parser, option->name, "only DNS, DNS6 and DOMAIN are used here");
		return 0;
	}
	if (name && !value_is_domain(value))
		return parser_refuse(parser, option->name, "not a domain name; instead: such as example.net");
	if (!name && net_address_parse(value, &address) == -1)
		return parser_refuse(parser, option->name, "not an address; instead: a numeric one");
	return keep_line(parser, option, given);
}

/* `dns search-domains NAME ...`, `dns server N WORD ...` (2.6 and newer). */
static int dns(struct parser *parser, const struct option *option, struct arguments given)
{
	static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
	size_t first = 1;
	struct err reason;

	if (given.count > 3 && strcmp(given.word[0], "server") == 0) {
		if (values_check("i{address|resolve-domains|exclude-domains|dnssec|transport|sni}",
				 given.word + 1, 2, &reason) == -1)
			return parser_refuse(parser, option->name, reason.text);
		first = 3;
	} else if (given.count < 2 || strcmp(given.word[0], "search-domains") != 0) {
		return parser_refuse(parser, option->name,
				     "neither search-domains nor server; instead: delete the line");
	}
	if (given.count > 12)
		return parser_refuse(parser, option->name, "too many arguments; instead: at most 12");
	for (size_t i = first; i < given.count; i++) {
		if (given.word[i][0] == '\0' || given.word[i][strspn(given.word[i], bytes)] != '\0')
			return parser_refuse(parser, option->name,
					     "not an address or a domain name; instead: delete the line");
	}
	return keep_line(parser, option, given);
}

/* Compressing what is sent lets a listener guess it (VORACLE). */
static int compression(struct parser *parser, const struct option *option, struct arguments given)
{
	static char asym[] = "asym";
	char *const word[] = {asym};

	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	if (strcmp(given.word[0], "yes") != 0)
		return keep_line(parser, option, given);
	parser_notice(parser, option->name, "yes becomes asym: what is sent is not compressed");
	return keep_line(parser, option, (struct arguments){word, 1});
}

/* Whatever the list adds, suites that do not encrypt or do not authenticate the server are taken out
 * again at its end. */
static int tls_cipher(struct parser *parser, const struct option *option, struct arguments given)
{
	static const char tail[] = ALGORITHMS_TLS_TAIL;
	char list[CANONICAL_LINE_MAX + sizeof tail];
	char *const word[] = {list};
	size_t used = 0, length;

	if (check(parser, option, option->arguments, given) == -1)
		return -1;
	notice_weak(parser, option, given);
	length = strlen(given.word[0]);
	text_append(list, sizeof list, &used, "%s", given.word[0]);
	if (length < sizeof tail - 1 || strcmp(given.word[0] + length - (sizeof tail - 1), tail) != 0)
		text_append(list, sizeof list, &used, "%s", tail);
	return keep_line(parser, option, (struct arguments){word, 1});
}

int parser_option(struct parser *parser, const struct option *option, const struct lex_words *words,
		  size_t first)
{
	struct arguments given = {words->word + first, words->count - first};

	switch (option->action) {
	case ACT_REFUSE:
		return parser_refuse(parser, option->name, option->text);
	case ACT_DROP:
		parser_notice(parser, option->name, option->text);
		return 0;
	case ACT_KEEP:
	case ACT_HASH:
		return keep(parser, option, given);
	case ACT_SET:
		return set(parser, option, given);
	case ACT_BLOCK:
		return block_by_line(parser, option, given);
	case ACT_CLIENT:
		return 0;
	case ACT_REMOTE:
		return remote_line(parser, option, given);
	case ACT_PORT:
	case ACT_PROTO:
		return port_or_proto(parser, option, given);
	case ACT_PROTO_FORCE:
		return proto_force(parser, option, given);
	case ACT_CONNECTION:
		return parser_refuse(parser, option->name, "not a line but a block; instead: <connection>");
	case ACT_MODE:
		return mode(parser, option, given);
	case ACT_CD:
		return change_directory(parser, option, given);
	case ACT_DEV:
	case ACT_DEV_TYPE:
		return device(parser, option, given);
	case ACT_SETENV:
		return environment(parser, option, given);
	case ACT_IGNORE_UNKNOWN:
		return ignore_unknown(parser, option, given);
	case ACT_AUTH_USER_PASS:
		return user_password(parser, option, given);
	case ACT_KEEPALIVE:
		return keepalive(parser, option, given);
	case ACT_SESSION_TIMEOUT:
		return session_timeout(parser, option, given);
	case ACT_RANDOM_HOST:
		return random_host(parser, option, given);
	case ACT_PULL_FILTER:
		return pull_filter(parser, option, given);
	case ACT_DHCP:
		return dhcp_option(parser, option, given);
	case ACT_DNS:
		return dns(parser, option, given);
	case ACT_COMPRESSION:
		return compression(parser, option, given);
	case ACT_TLS_CIPHER:
		return tls_cipher(parser, option, given);
	}
	return parser_refuse(parser, option->name, "not handled");
}
