/* Reads portcullis.conf: libConfuse finds keys and lines, the table below judges the values. */
#include "config/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define LATER "comes in a later version; instead: leave it empty"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { FILE_MAX = 1024 * 1024, WORD_MAX = 256 };

struct reading;
struct key {
	const char *path;     /* as libConfuse wants it: "section|key" */
	const char *fallback; /* NULL: a list, or follows from another key */
	int (*take)(struct reading *r, const struct key *key, const char *value);
	size_t offset, size; /* of the field in struct config */
};

#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member)

enum { KEYS_MAX = 40 };

struct reading {
	struct config *config;
	const char *name, *directory;
	int lines[KEYS_MAX]; /* where each key was given, 0 not */
	struct err e;
};

static struct reading *current; /* libConfuse's callbacks carry no argument */

/* "dns|manage" as a user writes it: dns.manage */
static const char *key_text(const struct key *key)
{
	static char text[64];
	char *bar;

	text_copy(text, sizeof text, key->path);
	if ((bar = strchr(text, '|')) != NULL)
		*bar = '.';
	return text;
}

static void *field(struct reading *r, const struct key *key)
{
	return (char *)r->config + key->offset;
}

/* --- one function for each kind of value; each sets "what; instead: ..." */

static int take_path(struct reading *r, const struct key *key, const char *value)
{
	char *to = field(r, key);
	size_t used = 0;

	to[0] = '\0';
	if (value[0] == '\0')
		return 0;
	if (value[0] != '/' && text_append(to, key->size, &used, "%s/", r->directory) == -1)
		return err_set(&r->e, "%s: too long; instead: a shorter path", key_text(key));
	if (text_append(to, key->size, &used, "%s", value) == -1)
		return err_set(&r->e, "%s: too long; instead: a shorter path", key_text(key));
	return 0;
}

static int take_needed_path(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] == '\0')
		return err_set(&r->e, "%s is empty; instead: a path", key_text(key));
	return take_path(r, key, value);
}

/* gate.sock lies beside the control socket, so both must fit an address. */
static int take_socket(struct reading *r, const struct key *key, const char *value)
{
	const size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
	const char *path = field(r, key);

	if (take_needed_path(r, key, value) == -1)
		return -1;
	if (strlen(path) >= room || (size_t)(strrchr(path, '/') - path) + sizeof "/gate.sock" > room)
		return err_set(&r->e, "%s: longer than a socket's path may be (%zu); instead: a shorter path",
			       key_text(key), room - 1);
	return 0;
}

static int take_interface(struct reading *r, const struct key *key, const char *value)
{
	static const char *const taken[] = {"lo", "lo0", "all", "any", "default"};

	if (!net_is_interface_name(value))
		return err_set(&r->e,
			       "%s: \"%s\" is no interface name; instead: at most 15 of A-Z a-z 0-9 . _ -",
			       key_text(key), value);
	for (size_t i = 0; i < COUNT(taken); i++)
		if (strcmp(value, taken[i]) == 0)
			return err_set(&r->e,
				       "%s: %s is the loopback's name, or a word for every link; instead: a "
				       "name of its own, as tun0",
				       key_text(key), value);
	return text_copy(field(r, key), key->size, value);
}

static int take_boolean(struct reading *r, const struct key *key, const char *value)
{
	int is = cfg_parse_boolean(value);

	if (is == -1)
		return err_set(&r->e, "%s: \"%s\" is neither true nor false; instead: true or false",
			       key_text(key), value);
	*(bool *)field(r, key) = is == 1;
	return 0;
}

/* A name or a number; who that is comes after the syntax. */
static int take_identity(struct reading *r, const struct key *key, const char *value)
{
	struct identity *to = field(r, key);
	uint64_t number;

	memset(to, 0, sizeof *to);
	if (value[0] == '\0')
		return 0;
	if (text_copy(to->name, sizeof to->name, value) == -1 || !text_is_name(value, sizeof to->name - 1))
		return err_set(&r->e, "%s: \"%s\" is neither a name nor a number; instead: such as %s or 900",
			       key_text(key), value, key->fallback[0] != '\0' ? key->fallback : "nobody");
	if (text_number(value, 0, UINT32_MAX - 1, &number) == 0) {
		to->known = true;
		to->number = (uint32_t)number;
	}
	return 0;
}

static int take_needed_identity(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] == '\0')
		return err_set(&r->e, "%s is empty; instead: a name or a number", key_text(key));
	return take_identity(r, key, value);
}

/* Empty is the default: what once meant root must not do so for ever. */
static int take_own_identity(struct reading *r, const struct key *key, const char *value)
{
	return take_identity(r, key, value[0] != '\0' ? value : key->fallback);
}

static int take_text(struct reading *r, const struct key *key, const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return err_set(&r->e, "%s has a control character; instead: plain text",
				       key_text(key));
	}
	if (text_copy(field(r, key), key->size, value) == -1)
		return err_set(&r->e, "%s: too long; instead: at most %zu bytes", key_text(key),
			       key->size - 1);
	return 0;
}

/* Nothing that security(1) would take for an option. */
static int take_keychain(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] != '\0' && strstr(" " PORTCULLIS_SECRETS " ", " keychain ") == NULL)
		return err_set(&r->e, "%s is not on this platform; instead: password-file", key_text(key));
	if (value[0] == '-')
		return err_set(&r->e, "%s: \"%s\" is no service; instead: a name, such as portcullis",
			       key_text(key), value);
	return take_text(r, key, value);
}

static int take_later(struct reading *r, const struct key *key, const char *value)
{
	return value[0] == '\0' ? 0 : err_set(&r->e, "%s " LATER, key_text(key));
}

/* One of `words`: its place, or -1 with the nearest as a hint. */
static int take_word(struct reading *r, const struct key *key, const char *value, const char *const *words,
		     size_t count)
{
	const char *near = text_nearest(value, words, count);
	char all[WORD_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(value, words[i]) == 0)
			return (int)i;
		text_append(all, sizeof all, &used, "%s%s", i == 0 ? "" : ", ", words[i]);
	}
	if (near != NULL)
		return err_set(&r->e, "%s: unknown value \"%s\"; instead: did you mean \"%s\"?",
			       key_text(key), value, near);
	return err_set(&r->e, "%s: unknown value \"%s\"; instead: one of %s", key_text(key), value, all);
}

static int take_backend(struct reading *r, const struct key *key, const char *value)
{
	static const char *const words[] = {"auto", "nft", "pf", "ipfw"};
	int which = take_word(r, key, value, words, COUNT(words));

	if (which > 0 && strstr(" " PORTCULLIS_BACKENDS " ", value) == NULL)
		return err_set(&r->e, "%s: %s is not on this platform; instead: auto or " PORTCULLIS_BACKENDS,
			       key_text(key), value);
	return which == -1 ? -1 : text_copy(field(r, key), key->size, value);
}

static int take_unprotected(struct reading *r, const struct key *key, const char *value)
{
	static const char *const words[] = {"links-down", "report"};
	int which = take_word(r, key, value, words, COUNT(words));

	r->config->links_down = which != 1;
	return which == -1 ? -1 : 0;
}

static int take_level(struct reading *r, const struct key *key, const char *value)
{
	static const char *const words[] = {"error", "warn", "info", "debug"};

	if (take_word(r, key, value, words, COUNT(words)) == -1)
		return -1;
	r->config->log_level = (enum log_level)log_level_parse(value);
	return 0;
}

static int take_size(struct reading *r, const struct key *key, const char *value)
{
	char digits[WORD_MAX];
	const char *units = "KMG", *unit = NULL;
	uint64_t number, factor = 1;
	size_t length = strlen(value);

	if (length > 1 && text_copy(digits, sizeof digits, value) == 0 &&
	    (unit = strchr(units, digits[length - 1])) != NULL) {
		digits[length - 1] = '\0';
		factor = (uint64_t)1 << (10 * (unit - units + 1));
	}
	if (text_number(unit != NULL ? digits : value, 1, UINT32_MAX, &number) == -1 ||
	    number * factor < 4096)
		return err_set(
		    &r->e, "%s: \"%s\" is no size; instead: bytes, or a number with K, M or G, 4K or more",
		    key_text(key), value);
	*(uint64_t *)field(r, key) = number * factor;
	return 0;
}

static int take_keep(struct reading *r, const struct key *key, const char *value)
{
	uint64_t number;

	if (text_number(value, 0, 1000, &number) == -1)
		return err_set(&r->e, "%s: \"%s\" is out of range; instead: a number from 0 to 1000",
			       key_text(key), value);
	*(uint32_t *)field(r, key) = (uint32_t)number;
	return 0;
}

/* Root may add what it likes to openvpn's arguments, but for what would take
 * the process, its socket or its privileges out of the gate's hands. */
static const char *argument_harm(const char *option)
{
	static const struct {
		const char *options, *harm;
	} table[] = {
	    {" script-security up down route-up route-pre-down ipchange tls-verify auth-user-pass-verify "
	     "client-connect client-disconnect client-crresponse learn-address plugin tls-export-cert "
	     "providers pkcs11-providers engine iproute dns-updown ",
	     "would run other code as root"},
	    {" config cd chroot daemon inetd writepid log log-append syslog errors-to-stderr setenv "
	     "setenv-safe mktun rmtun up-restart ",
	     "takes the process out of the gate's hands"},
	    {" user group setcon persist-tun ",
	     "the gate sets openvpn's identity and device before it starts"},
	    {" dev dev-type dev-node lladdr ", "the gate names the interface: set interface"},
	    {" remote remote-random remote-random-hostname connection proto proto-force port rport lport "
	     "local bind nobind bind-dev float multihome resolv-retry http-proxy http-proxy-option "
	     "socks-proxy mode server tls-server mark ",
	     "the gate opens its hole for one endpoint of the profile"},
	    {" auth-user-pass askpass auth-nocache auth-retry pkcs12 ",
	     "credentials come over the management interface: set credentials"},
	};
	char word[WORD_MAX + 2];
	size_t used = 0;

	if (strncmp(option, "management", strlen("management")) == 0)
		return "the management interface is the driver's";
	text_append(word, sizeof word, &used, " %s ", option);
	for (size_t i = 0; i < COUNT(table); i++) {
		if (strstr(table[i].options, word) != NULL)
			return table[i].harm;
	}
	return NULL;
}

static int take_argument(struct reading *r, const struct key *key, const char *value)
{
	struct config *config = r->config;
	const char *option = value + strspn(value, "-");
	const char *harm = option != value ? argument_harm(option) : NULL;

	if (config->openvpn_argument_count == CONFIG_ARGUMENTS)
		return err_set(&r->e, "%s: too many; instead: at most %d", key_text(key), CONFIG_ARGUMENTS);
	if (text_copy(config->openvpn_arguments[config->openvpn_argument_count], 256, value) == -1)
		return err_set(&r->e, "%s: too long; instead: at most 255 bytes each", key_text(key));
	if (value[0] == '\0' || strpbrk(option, "\r\n") != NULL || (value[0] == '-' && option - value > 2))
		return err_set(&r->e, "%s: \"%s\" is no argument; instead: \"--option\" or its value",
			       key_text(key), value);
	if (config->openvpn_argument_count == 0 && strncmp(value, "--", 2) != 0)
		return err_set(&r->e, "%s: \"%s\" is no option; instead: begin with \"--option\"",
			       key_text(key), value);
	if (harm != NULL)
		return err_set(&r->e, "%s: %s is refused: %s; instead: leave it out", key_text(key), value,
			       harm);
	config->openvpn_argument_count++;
	return 0;
}

/* An inside link of a gateway. That none is the tunnel is seen when all keys are read. */
static int take_inside(struct reading *r, const struct key *key, const char *value)
{
	struct config *config = r->config;

	if (config->inside_count == SITUATION_INSIDE)
		return err_set(&r->e, "%s: too many; instead: at most %d", key_text(key), SITUATION_INSIDE);
	if (!net_is_interface_name(value))
		return err_set(&r->e,
			       "%s: \"%s\" is no interface name; instead: at most 15 of A-Z a-z 0-9 . _ -",
			       key_text(key), value);
	if (strcmp(value, "lo") == 0 || strcmp(value, "lo0") == 0)
		return err_set(&r->e, "%s: %s is the loopback; instead: the link of the network behind",
			       key_text(key), value);
	for (size_t i = 0; i < config->inside_count; i++)
		if (strcmp(config->inside[i], value) == 0)
			return err_set(&r->e, "%s: \"%s\" is given twice; instead: keep one", key_text(key),
				       value);
	return text_copy(config->inside[config->inside_count++], NET_NAME_SIZE, value);
}

/* --- every key there is; portcullis.conf(5) in the same order */

static const struct key keys[] = {
    {"profile", "", take_path, FIELD(profile)},
    {"interface", PORTCULLIS_INTERFACE, take_interface, FIELD(interface)},
    {"runtime-dir", PORTCULLIS_RUNDIR "/portcullis", take_needed_path, FIELD(runtime_dir)},
    {"state-dir", PORTCULLIS_STATEDIR "/portcullis", take_needed_path, FIELD(state_dir)},
    {"backend", "auto", take_backend, FIELD(backend)},
    {"user", "_portcullis", take_needed_identity, FIELD(user)},
    {"openvpn-user", PORTCULLIS_OPENVPN_USER, take_own_identity, FIELD(openvpn_user)},
    {"openvpn-group", "_openvpn", take_needed_identity, FIELD(openvpn_group)},
    {"dhcp-user", "", take_identity, FIELD(dhcp_user)},
    {"lan", "false", take_boolean, FIELD(lan)},
    {"on-unprotected", "links-down", take_unprotected, 0, 0},
    {"strict-boot", "false", take_boolean, FIELD(strict_boot)},
    {"openvpn|binary", PORTCULLIS_OPENVPN, take_needed_path, FIELD(openvpn_binary)},
    {"openvpn|arguments", NULL, take_argument, 0, 0},
    {"control|socket", NULL, take_socket, FIELD(control_socket)},
    {"control|group", "", take_identity, FIELD(control_group)},
    {"management|socket", "", take_later, 0, 0},
    {"dns|manage", "true", take_boolean, FIELD(manage_dns)},
    {"gateway|interfaces", NULL, take_inside, 0, 0},
    {"uplink|pppoe", "false", take_boolean, FIELD(pppoe)},
    {"uplink|lacp", "false", take_boolean, FIELD(lacp)},
    {"resolver|address", "", take_later, 0, 0},
    {"resolver|name", "", take_later, 0, 0},
    {"credentials|username", "", take_text, FIELD(username)},
    {"credentials|password-file", "", take_path, FIELD(password_file)},
    {"credentials|keychain", "", take_keychain, FIELD(keychain)},
    {"credentials|totp-file", "", take_later, 0, 0},
    {"log|file", "/var/log/portcullis/portcullis.log", take_needed_path, FIELD(log_file)},
    {"log|size", "10M", take_size, FIELD(log_size)},
    {"log|keep", "8", take_keep, FIELD(log_keep)},
    {"log|level", "info", take_level, 0, 0},
};
_Static_assert(COUNT(keys) <= KEYS_MAX, "lines[] has a place for each key");

static const struct key *key_of(const char *section, const char *name)
{
	char path[WORD_MAX] = "";
	size_t used = 0;

	text_append(path, sizeof path, &used, "%s%s%s", section, section[0] != '\0' ? "|" : "", name);
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (strcmp(keys[i].path, path) == 0)
			return &keys[i];
	}
	return NULL;
}

/* --- libConfuse's side */

/* The whole file's section is called "root" by libConfuse. */
static const char *section_of(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

static void fail_at(int line)
{
	err_prefix(&current->e, "%s:%d", current->name, line);
}

/* Where a key was given; a default has no line. */
static int fail_key(struct reading *r, const struct key *key)
{
	int line = r->lines[key - keys];

	return line != 0 ? err_prefix(&r->e, "%s:%d", r->name, line) : err_prefix(&r->e, "%s", r->name);
}

/* Called after each value, so that a refusal has the right line. */
static int take_option(cfg_t *cfg, cfg_opt_t *option)
{
	const struct key *key = key_of(section_of(cfg), option->name);
	int *line, count = (int)cfg_opt_size(option), result = 0;

	if (key == NULL)
		return 0;
	line = &current->lines[key - keys];
	if (*line != 0 && key->take != take_argument && key->take != take_inside) {
		err_set(&current->e, "%s is given twice, first in line %d; instead: keep one", key_text(key),
			*line);
		fail_at(cfg->line);
		return -1;
	}
	*line = cfg->line;
	/* a whole list comes again with each element */
	if (key->take == take_argument)
		current->config->openvpn_argument_count = 0;
	else if (key->take == take_inside)
		current->config->inside_count = 0;
	for (int i = 0; i < count && result == 0; i++) {
		const char *value = cfg_opt_getnstr(option, (unsigned)i);

		result = key->take(current, key, value != NULL ? value : "");
	}
	if (result == -1)
		fail_at(cfg->line);
	return result;
}

static void unknown_key(const cfg_t *cfg, const char *name)
{
	const char *section = section_of(cfg), *names[KEYS_MAX], *near;
	size_t count = 0;

	for (const cfg_opt_t *o = cfg->opts; o->name != NULL && count < KEYS_MAX; o++)
		names[count++] = o->name;
	near = text_nearest(name, names, count);
	for (size_t i = 0; near == NULL && i < COUNT(keys); i++) {
		const char *bar = strchr(keys[i].path, '|');

		if (strcmp(bar != NULL ? bar + 1 : keys[i].path, name) == 0)
			near = key_text(&keys[i]);
	}
	if (near != NULL)
		err_set(&current->e, "unknown key \"%s%s%s\"; instead: did you mean \"%s\"?", section,
			section[0] != '\0' ? "." : "", name, near);
	else
		err_set(&current->e, "unknown key \"%s%s%s\"; instead: one that portcullis.conf(5) lists",
			section, section[0] != '\0' ? "." : "", name);
}

static void report(cfg_t *cfg, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void report(cfg_t *cfg, const char *format, va_list ap)
{
	static const char unknown[] = "no such option '";
	char raw[WORD_MAX], text[WORD_MAX * 4];
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

static int parse(FILE *stream)
{
#define TEXT_KEY(name) CFG_STR(name, NULL, CFGF_NODEFAULT)
	cfg_opt_t openvpn[] = {TEXT_KEY("binary"), CFG_STR_LIST("arguments", NULL, CFGF_NODEFAULT),
			       CFG_END()};
	cfg_opt_t control[] = {TEXT_KEY("socket"), TEXT_KEY("group"), CFG_END()};
	cfg_opt_t management[] = {TEXT_KEY("socket"), CFG_END()};
	cfg_opt_t dns[] = {TEXT_KEY("manage"), CFG_END()};
	cfg_opt_t gateway[] = {CFG_STR_LIST("interfaces", NULL, CFGF_NODEFAULT), CFG_END()};
	cfg_opt_t uplink[] = {TEXT_KEY("pppoe"), TEXT_KEY("lacp"), CFG_END()};
	cfg_opt_t resolver[] = {TEXT_KEY("address"), TEXT_KEY("name"), CFG_END()};
	cfg_opt_t credentials[] = {TEXT_KEY("username"), TEXT_KEY("password-file"), TEXT_KEY("keychain"),
				   TEXT_KEY("totp-file"), CFG_END()};
	cfg_opt_t log[] = {TEXT_KEY("file"), TEXT_KEY("size"), TEXT_KEY("keep"), TEXT_KEY("level"),
			   CFG_END()};
	cfg_opt_t root[] = {TEXT_KEY("profile"),
			    TEXT_KEY("interface"),
			    TEXT_KEY("runtime-dir"),
			    TEXT_KEY("state-dir"),
			    TEXT_KEY("backend"),
			    TEXT_KEY("user"),
			    TEXT_KEY("openvpn-user"),
			    TEXT_KEY("openvpn-group"),
			    TEXT_KEY("dhcp-user"),
			    TEXT_KEY("lan"),
			    TEXT_KEY("on-unprotected"),
			    TEXT_KEY("strict-boot"),
			    CFG_SEC("openvpn", openvpn, CFGF_NONE),
			    CFG_SEC("control", control, CFGF_NONE),
			    CFG_SEC("management", management, CFGF_NONE),
			    CFG_SEC("dns", dns, CFGF_NONE),
			    CFG_SEC("gateway", gateway, CFGF_NONE),
			    CFG_SEC("uplink", uplink, CFGF_NONE),
			    CFG_SEC("resolver", resolver, CFGF_NONE),
			    CFG_SEC("credentials", credentials, CFGF_NONE),
			    CFG_SEC("log", log, CFGF_NONE),
			    CFG_END()};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);
	int result;

	if (cfg == NULL)
		return err_set(&current->e, "%s: no memory", current->name);
	cfg_set_error_function(cfg, report);
	for (size_t i = 0; i < COUNT(keys); i++)
		cfg_set_validate_func(cfg, keys[i].path, take_option);
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
	const struct key *key = key_of("control", "socket");
	char path[PATH_MAX];
	size_t used = 0;

	if (r->lines[key - keys] != 0)
		return 0;
	if (text_append(path, sizeof path, &used, "%s/control.sock", r->config->runtime_dir) == -1 ||
	    take_socket(r, key, path) == -1)
		return fail_key(r, key_of("", "runtime-dir"));
	return 0;
}

void config_defaults(struct config *config)
{
	struct reading r = {.config = config, .name = "defaults", .directory = ""};

	memset(config, 0, sizeof *config);
	config->control_gid = -1;
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (keys[i].fallback != NULL)
			(void)keys[i].take(&r, &keys[i], keys[i].fallback);
	}
	(void)default_socket(&r);
}

/* The tunnel leads out, so it is not inside. */
static int check_gateway(struct reading *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->inside_count; i++)
		if (strcmp(c->inside[i], c->interface) == 0) {
			err_set(
			    &r->e,
			    "gateway.interfaces: %s is the tunnel; instead: the links of the network behind",
			    c->interface);
			return fail_key(r, key_of("gateway", "interfaces"));
		}
	return 0;
}

/* The item is found by its account, and the secrets come from one place. */
static int check_keychain(struct reading *r)
{
	const struct config *c = r->config;

	if (c->keychain[0] == '\0')
		return 0;
	if (c->password_file[0] != '\0')
		err_set(&r->e, "credentials.keychain and credentials.password-file; instead: keep one");
	else if (c->username[0] == '\0' || c->username[0] == '-')
		err_set(&r->e, "credentials.keychain without an account; instead: set credentials.username");
	else
		return 0;
	return fail_key(r, key_of("credentials", "keychain"));
}

/* --- who users and groups are */

/* `find` is what the user database says: -1 for nobody of that name. */
static int resolve(struct reading *r, const char *path, struct identity *who, int64_t (*find)(const char *))
{
	const struct key *key = key_of("", path);
	int64_t number;

	if (key == NULL)
		key = key_of("control", "group");
	if (who->name[0] == '\0' || who->known)
		return 0;
	if ((number = find(who->name)) == -1) {
		err_set(&r->e,
			"%s: \"%s\" does not exist on this machine; instead: create it, or give a number",
			key_text(key), who->name);
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
	return fail_key(r, key_of("", name));
}

/* Who is taken over must not be somebody whom another row lets through, or whom the gate listens to. */
static int check_openvpn_user(struct reading *r)
{
	const struct config *c = r->config;
	uint32_t number = c->openvpn_user.number;

	if (number == c->user.number)
		return refuse(r, "openvpn-user",
			      "is the driver's user too; instead: a user of openvpn's own, as _openvpn");
	if (number != 0 && c->dhcp_user.known && number == c->dhcp_user.number)
		return refuse(r, "openvpn-user",
			      "is the DHCP client's user too; instead: a user of openvpn's own, as _openvpn");
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
	    resolve(r, "group", &c->control_group, find_group) == -1)
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
		    "root's group would let every daemon through; instead: a group of openvpn's own");
	if (c->openvpn_group.number == c->user_gid)
		return refuse(r, "openvpn-group",
			      "is the driver's group too; instead: a group of openvpn's own");
	return check_openvpn_user(r);
}

/* --- the doors in */

static int line_of(const struct reading *r, const char *section, const char *name)
{
	return r->lines[key_of(section, name) - keys];
}

static int read_into(struct reading *r, FILE *stream)
{
	current = r;
	config_defaults(r->config);
	if (parse(stream) == -1 || default_socket(r) == -1 || check_keychain(r) == -1 ||
	    check_gateway(r) == -1)
		return -1;
	r->config->lines = (struct config_lines){
	    .profile = line_of(r, "", "profile"),
	    .openvpn_binary = line_of(r, "openvpn", "binary"),
	    .password_file = line_of(r, "credentials", "password-file"),
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
		err_set(e, "%s is no configuration; instead: name a small regular file", file);
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

/* The file's directory, absolute: a daemon leaves where it was started. */
static int directory_of(const char *file, char *directory, struct err *e)
{
	char path[PATH_MAX], *slash;

	if (text_copy(path, sizeof path, file) == -1)
		return err_set(e, "%s: too long a path", file);
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
	return result == 0 ? 0 : err_set(e, "%s", r.e.text);
}
