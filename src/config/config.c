/* Reads portcullis.conf: libConfuse finds keys and lines, config_keys.c judges the values. */
#include "config/config_keys.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { FILE_MAX = 1024 * 1024, NAME_MAX_BYTES = 256 };

static struct reading *current; /* libConfuse's callbacks carry no argument */

static const struct key *key_of(const char *name)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	}
	return NULL;
}

/* --- libConfuse's side */

/* "section.key". The whole file's section is called "root" by libConfuse. */
static const char *full_name(const cfg_t *cfg, const char *name, char *to, size_t size)
{
	bool top = strcmp(cfg->name, "root") == 0;
	size_t used = 0;

	to[0] = '\0';
	text_append(to, size, &used, "%s%s%s", top ? "" : cfg->name, top ? "" : ".", name);
	return to;
}

static void fail_at(int line)
{
	err_prefix(&current->e, "%s:%d", current->name, line);
}

/* Where a key was given; a default has no line. */
static int fail_key(struct reading *r, const struct key *key)
{
	int line = r->lines[key - config_keys];

	return line != 0 ? err_prefix(&r->e, "%s:%d", r->name, line) : err_prefix(&r->e, "%s", r->name);
}

/* Called after each value, so that a refusal has the right line. */
static int read_option(cfg_t *cfg, cfg_opt_t *option)
{
	char name[NAME_MAX_BYTES];
	const struct key *key = key_of(full_name(cfg, option->name, name, sizeof name));
	int *line, count = (int)cfg_opt_size(option), result = 0;

	if (key == NULL)
		return 0;
	line = &current->lines[key - config_keys];
	if (*line != 0 && !key->list) {
		err_set(&current->e, "%s is given twice, first in line %d; instead: keep one", key->name,
			*line);
		fail_at(cfg->line);
		return -1;
	}
	*line = cfg->line;
	if (key->list) /* libConfuse passes the whole list again with each element */
		*(size_t *)(void *)((char *)current->config + key->offset) = 0;
	for (int i = 0; i < count && result == 0; i++) {
		const char *value = cfg_opt_getnstr(option, (unsigned)i);

		result = key->read(current, key, value != NULL ? value : "");
	}
	if (result == -1)
		fail_at(cfg->line);
	return result;
}

static void unknown_key(const cfg_t *cfg, const char *name)
{
	const char *names[CONFIG_KEYS], *near;
	char full[NAME_MAX_BYTES * 4];
	size_t count = 0, length;

	for (const cfg_opt_t *o = cfg->opts; o->name != NULL && count < CONFIG_KEYS; o++)
		names[count++] = o->name;
	near = text_nearest(name, names, count);
	for (size_t i = 0; near == NULL && i < CONFIG_KEYS; i++) {
		if (strcmp(config_key_last(&config_keys[i], &length), name) == 0)
			near = config_keys[i].name;
	}
	full_name(cfg, name, full, sizeof full);
	if (near != NULL)
		err_set(&current->e, "unknown key \"%s\"; instead: did you mean \"%s\"?", full, near);
	else
		err_set(&current->e, "unknown key \"%s\"; instead: one that portcullis.conf(5) lists", full);
}

static void report(cfg_t *cfg, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void report(cfg_t *cfg, const char *format, va_list ap)
{
	static const char unknown[] = "no such option '";
	char raw[NAME_MAX_BYTES], text[NAME_MAX_BYTES * 4];
	int length = vsnprintf(raw, sizeof raw, format, ap);

	if (current->e.text[0] != '\0' || length < 0)
		return; /* the first error is the cause */
	text_escape(text, sizeof text, raw, strlen(raw));
	if (strncmp(text, unknown, sizeof unknown - 1) == 0) {
		text[strlen(text) - (text[strlen(text) - 1] == '\'')] = '\0';
		unknown_key(cfg, text + sizeof unknown - 1);
	} else {
		err_set(&current->e, "%s; instead: key = value, as portcullis.conf(5) shows", text);
	}
	fail_at(cfg->line);
}

/* The options for libConfuse, made from the keys; each list ends with a zeroed option. */
struct grammar {
	cfg_opt_t top[CONFIG_KEYS + 1], inner[2 * CONFIG_KEYS + 1];
	char sections[CONFIG_KEYS][NAME_MAX_BYTES];
};

static cfg_opt_t option_of(const struct key *key, const char *name)
{
	const cfg_opt_t text = CFG_STR(name, NULL, CFGF_NODEFAULT);
	const cfg_opt_t list = CFG_STR_LIST(name, NULL, CFGF_NODEFAULT);
	cfg_opt_t option = key->list ? list : text;

	option.validcb = read_option;
	return option;
}

/* The keys of a section are adjacent in the table. */
static void make_grammar(struct grammar *g)
{
	cfg_opt_t *top = g->top, *inner = g->inner;
	const char *section = "";
	size_t length;

	memset(g, 0, sizeof *g);
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const char *name = config_key_last(&config_keys[i], &length);

		if (length > 0 &&
		    (strlen(section) != length || strncmp(section, config_keys[i].name, length) != 0)) {
			inner += inner != g->inner;
			section = memcpy(g->sections[i], config_keys[i].name, length);
			*top++ = (cfg_opt_t)CFG_SEC(section, inner, CFGF_NONE);
		}
		*(length > 0 ? inner++ : top++) = option_of(&config_keys[i], name);
	}
}

static int parse(FILE *stream)
{
	struct grammar grammar;
	cfg_t *cfg;
	int result;

	make_grammar(&grammar);
	cfg = cfg_init(grammar.top, CFGF_NONE);
	if (cfg == NULL)
		return err_set(&current->e, "%s: no memory", current->name);
	cfg_set_error_function(cfg, report);
	result = cfg_parse_fp(cfg, stream);
	cfg_free(cfg);
	if (result != CFG_SUCCESS && current->e.text[0] == '\0')
		err_set(&current->e, "%s: not readable; instead: see portcullis.conf(5)", current->name);
	return current->e.text[0] == '\0' ? 0 : -1;
}

/* --- defaults, and what follows from other keys */

/* The socket lies in runtime-dir unless it is given. */
static int default_socket(struct reading *r)
{
	const struct key *key = key_of("control.socket");
	char path[PATH_MAX];
	size_t used = 0;

	if (r->lines[key - config_keys] != 0)
		return 0;
	if (text_append(path, sizeof path, &used, "%s/control.sock", r->config->runtime_dir) == -1 ||
	    key->read(r, key, path) == -1)
		return fail_key(r, key_of("runtime-dir"));
	return 0;
}

void config_defaults(struct config *config)
{
	struct reading r = {.config = config, .name = "defaults", .directory = ""};

	memset(config, 0, sizeof *config);
	config->control_gid = -1;
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (config_keys[i].fallback != NULL)
			(void)config_keys[i].read(&r, &config_keys[i], config_keys[i].fallback);
	}
	(void)default_socket(&r);
}

/* The tunnel leads out, so it is not on the LAN side. */
static int check_gateway(struct reading *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->lan_side_count; i++)
		if (strcmp(c->lan_side[i], c->interface) == 0) {
			err_set(&r->e,
				"gateway.interfaces: %s is the tunnel; instead: the links to the clients' "
				"network",
				c->interface);
			return fail_key(r, key_of("gateway.interfaces"));
		}
	return 0;
}

/* The Keychain item is found by the user name, and secrets come from one place only. */
static int check_keychain(struct reading *r)
{
	const struct config *c = r->config;

	if (c->keychain[0] == '\0')
		return 0;
	if (c->password_file[0] != '\0')
		err_set(&r->e,
			"credentials.keychain and credentials.password-file are both set; instead: keep one");
	else if (c->username[0] == '\0' || c->username[0] == '-')
		err_set(&r->e,
			"credentials.keychain is set without an account; instead: set credentials.username");
	else
		return 0;
	return fail_key(r, key_of("credentials.keychain"));
}

/* A resolver without a name to verify could be anybody. */
static int check_resolver(struct reading *r)
{
	const struct config *c = r->config;
	bool address = c->resolver.family != NET_NONE, name = c->resolver_name[0] != '\0';

	if (address && !name)
		err_set(&r->e, "resolver.address is set without the name that its certificate must have; "
			       "instead: set resolver.name");
	else if (!address && name)
		err_set(&r->e, "resolver.name is set without an address; instead: set resolver.address");
	else
		return 0;
	return fail_key(r, key_of(address ? "resolver.address" : "resolver.name"));
}

/* --- who users and groups are */

/* `find` looks a name up in the user database: -1 if it does not exist. */
static int resolve(struct reading *r, const char *path, struct identity *who, int64_t (*find)(const char *))
{
	const struct key *key = key_of(path);
	int64_t number;

	if (who->name[0] == '\0' || who->known)
		return 0;
	if ((number = find(who->name)) == -1) {
		err_set(&r->e,
			"%s: \"%s\" does not exist on this machine; instead: create it, or give a number",
			key->name, who->name);
		return fail_key(r, key);
	}
	who->known = true;
	who->number = (uint32_t)number;
	return 0;
}

static int64_t find_user(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	return entry != NULL ? (int64_t)entry->pw_uid : -1;
}

static int64_t find_group(const char *name)
{
	const struct group *entry = getgrnam(name);

	return entry != NULL ? (int64_t)entry->gr_gid : -1;
}

static int refuse(struct reading *r, const char *name, const char *why)
{
	err_set(&r->e, "%s: %s", name, why);
	return fail_key(r, key_of(name));
}

/* A captured openvpn must not be a user whom another row lets through, or to whom the gate listens. */
static int check_openvpn_user(struct reading *r)
{
	const struct config *c = r->config;
	uint32_t number = c->openvpn_user.number;

	if (number == c->user.number)
		return refuse(
		    r, "openvpn-user",
		    "is also the driver's user; instead: a user of openvpn's own, such as _openvpn");
	if (number != 0 && c->dhcp_user.known && number == c->dhcp_user.number)
		return refuse(
		    r, "openvpn-user",
		    "is also the DHCP client's user; instead: a user of openvpn's own, such as _openvpn");
	return 0;
}

/* The system's package creates the usual one; without it there is no portal, and everything else works. */
static int resolve_portal_group(struct reading *r)
{
	struct config *c = r->config;
	const char *usual = key_of("portal-group")->fallback;
	const struct group *entry;
	uint32_t number;

	if (!c->portal_group.known && strcmp(c->portal_group.name, usual) == 0 && find_group(usual) == -1)
		return 0;
	if (resolve(r, "portal-group", &c->portal_group, find_group) == -1)
		return -1;
	if (!c->portal_group.known)
		return 0;
	number = c->portal_group.number;
	entry = getgrgid(number);
	if (number == 0 || number == POLICY_NOBODY || number == c->openvpn_group.number ||
	    number == c->user_gid || (entry != NULL && entry->gr_mem[0] != NULL))
		return refuse(
		    r, "portal-group",
		    "is a group of other programs too; instead: a group of its own, without members");
	return 0;
}

static int resolve_all(struct reading *r)
{
	struct config *c = r->config;
	const struct passwd *entry;

	if (resolve(r, "user", &c->user, find_user) == -1 ||
	    resolve(r, "openvpn-user", &c->openvpn_user, find_user) == -1 ||
	    resolve(r, "openvpn-group", &c->openvpn_group, find_group) == -1 ||
	    resolve(r, "dhcp-user", &c->dhcp_user, find_user) == -1 ||
	    resolve(r, "control.group", &c->control_group, find_group) == -1)
		return -1;
	if (c->control_group.known)
		c->control_gid = c->control_group.number;
	entry = getpwuid(c->user.number);
	c->user_gid = entry != NULL ? (uint32_t)entry->pw_gid : c->user.number;
	if (c->user.number == 0 || c->user_gid == 0)
		return refuse(r, "user", "the driver must not be root; instead: a user of its own");
	if (c->openvpn_group.number == 0)
		return refuse(
		    r, "openvpn-group",
		    "with root's group every daemon could use the hole; instead: a group of openvpn's own");
	if (c->openvpn_group.number == c->user_gid)
		return refuse(r, "openvpn-group",
			      "is also the driver's group; instead: a group of openvpn's own");
	return check_openvpn_user(r) == -1 ? -1 : resolve_portal_group(r);
}

/* --- reading */

static int line_of(const struct reading *r, const char *name)
{
	return r->lines[key_of(name) - config_keys];
}

static int read_into(struct reading *r, FILE *stream)
{
	current = r;
	config_defaults(r->config);
	if (parse(stream) == -1 || default_socket(r) == -1 || check_keychain(r) == -1 ||
	    check_gateway(r) == -1 || check_resolver(r) == -1)
		return -1;
	r->config->lines = (struct config_lines){
	    .profile = line_of(r, "profile"),
	    .openvpn_binary = line_of(r, "openvpn.binary"),
	    .password_file = line_of(r, "credentials.password-file"),
	    .totp_file = line_of(r, "credentials.totp-file"),
	    .key_file = line_of(r, "credentials.key"),
	    .passphrase_file = line_of(r, "credentials.key-passphrase-file"),
	    .resolver_ca = line_of(r, "resolver.ca-file"),
	};
	return 0;
}

int config_read_stream(struct config *config, FILE *stream, const char *name, const char *directory,
		       struct err *e)
{
	struct reading r = {.config = config, .name = name, .directory = directory};
	int result = read_into(&r, stream);

	return result == 0 ? 0 : err_set(e, "%s", r.e.text);
}

/* Opens the file if nobody but root (or the caller) can have written it. */
static FILE *open_checked(const char *file, struct err *e)
{
	int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	FILE *stream = NULL;

	if (descriptor == -1 || fstat(descriptor, &status) == -1)
		err_errno(e, "%s can't be read; instead: name a configuration with -c", file);
	else if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
		err_set(e, "%s is not a configuration; instead: name a small regular file", file);
	else if (status.st_uid != 0 && status.st_uid != geteuid())
		err_set(e, "%s belongs to user %u; instead: chown root %s", file, (unsigned)status.st_uid,
			file);
	else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		err_set(e, "%s is writable by others; instead: chmod go-w %s", file, file);
	else if ((stream = fdopen(descriptor, "r")) == NULL)
		err_errno(e, "%s can't be read", file);
	if (stream == NULL && descriptor != -1)
		close(descriptor);
	return stream;
}

/* The file's directory as an absolute path: a daemon leaves the directory that it was started in. */
static int directory_of(const char *file, char *directory, struct err *e)
{
	char path[PATH_MAX], *slash;

	if (text_copy(path, sizeof path, file) == -1)
		return err_set(e, "%s: the path is too long", file);
	if ((slash = strrchr(path, '/')) == NULL)
		text_copy(path, sizeof path, ".");
	else
		slash[slash == path] = '\0';
	return realpath(path, directory) != NULL ? 0 : err_errno(e, "%s can't be found", path);
}

int config_read(struct config *config, const char *file, struct err *e)
{
	char directory[PATH_MAX];
	struct reading r = {.config = config, .name = file, .directory = directory};
	FILE *stream = open_checked(file, e);
	int result;

	if (stream == NULL)
		return -1;
	result = directory_of(file, directory, &r.e);
	if (result == 0)
		result = read_into(&r, stream);
	fclose(stream);
	if (result == 0)
		result = resolve_all(&r);
	if (result == 0)
		config_take_credentials(config, getenv("CREDENTIALS_DIRECTORY"));
	return result == 0 ? 0 : err_set(e, "%s", r.e.text);
}
