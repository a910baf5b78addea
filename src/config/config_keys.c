/* The keys of portcullis.conf: how each value is checked and printed. */
#include "config/config_keys.h"

#include <confuse.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/nat64.h"
#include "base/text.h"
#include "base/wire.h"
#include "config/config_token.h"

#define LATER "comes in a later version; instead: leave it empty"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LIVE CONFIG_LIVE
#define NEXT_ATTEMPT CONFIG_NEXT_ATTEMPT
#define REDIAL CONFIG_REDIAL
#define RESTART CONFIG_RESTART
#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member)

enum { WORD_MAX = 256 };

static const char *const unprotected_words[] = {"links-down", "report"};
static const char *const totp_words[] = {"challenge", "password-suffix"}; /* of enum wire_totp, from 1 */

static void *field(struct config *config, const struct key *key)
{
	return (char *)config + key->offset;
}

static const void *field_of(const struct config *config, const struct key *key)
{
	return (const char *)config + key->offset;
}

/* --- one function for each kind of value; each sets "what; instead: ..." */

static int read_path(struct reading *r, const struct key *key, const char *value)
{
	char *to = field(r->config, key);
	size_t used = 0;

	to[0] = '\0';
	if (value[0] == '\0')
		return 0;
	if (value[0] != '/' && text_append(to, key->size, &used, "%s/", r->directory) == -1)
		return err_set(&r->e, "%s: too long; instead: a shorter path", key->name);
	if (text_append(to, key->size, &used, "%s", value) == -1)
		return err_set(&r->e, "%s: too long; instead: a shorter path", key->name);
	return 0;
}

static int read_key(struct reading *r, const struct key *key, const char *value)
{
	if (!config_is_token(value))
		return read_path(r, key, value);
	if (config_check_token(value, &r->e) == -1)
		return err_prefix(&r->e, "%s", key->name);
	if (text_copy(field(r->config, key), key->size, value) == -1)
		return err_set(&r->e, "%s: too long; instead: a shorter name", key->name);
	return 0;
}

static int read_needed_path(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] == '\0')
		return err_set(&r->e, "%s is empty; instead: a path", key->name);
	return read_path(r, key, value);
}

/* gate.sock lies beside the control socket, so both paths must fit into a socket address. */
static int read_socket(struct reading *r, const struct key *key, const char *value)
{
	const size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
	const char *path = field(r->config, key);

	if (read_needed_path(r, key, value) == -1)
		return -1;
	if (strlen(path) >= room || (size_t)(strrchr(path, '/') - path) + sizeof "/gate.sock" > room)
		return err_set(&r->e, "%s: longer than a socket's path can be (%zu); instead: a shorter path",
			       key->name, room - 1);
	return 0;
}

static int read_interface(struct reading *r, const struct key *key, const char *value)
{
	static const char *const taken[] = {"lo", "lo0", "all", "any", "default"};

	if (!net_is_interface_name(value))
		return err_set(
		    &r->e, "%s: \"%s\" is not an interface name; instead: at most 15 of A-Z a-z 0-9 . _ -",
		    key->name, value);
	for (size_t i = 0; i < COUNT(taken); i++)
		if (strcmp(value, taken[i]) == 0)
			return err_set(&r->e,
				       "%s: %s is the name of loopback, or stands for every link; instead: "
				       "another name, such as tun0",
				       key->name, value);
	return text_copy(field(r->config, key), key->size, value);
}

static int read_boolean(struct reading *r, const struct key *key, const char *value)
{
	int is = cfg_parse_boolean(value);

	if (is == -1)
		return err_set(&r->e, "%s: \"%s\" is neither true nor false; instead: true or false",
			       key->name, value);
	*(bool *)field(r->config, key) = is == 1;
	return 0;
}

/* A name or a number; it is looked up after the syntax has been checked. */
static int read_identity(struct reading *r, const struct key *key, const char *value)
{
	struct identity *to = field(r->config, key);
	uint64_t number;

	memset(to, 0, sizeof *to);
	if (value[0] == '\0')
		return 0;
	if (text_copy(to->name, sizeof to->name, value) == -1 || !text_is_name(value, sizeof to->name - 1))
		return err_set(&r->e, "%s: \"%s\" is neither a name nor a number; instead: such as %s or 900",
			       key->name, value, key->fallback[0] != '\0' ? key->fallback : "nobody");
	if (text_number(value, 0, UINT32_MAX - 1, &number) == 0) {
		to->known = true;
		to->number = (uint32_t)number;
	}
	return 0;
}

static int read_needed_identity(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] == '\0')
		return err_set(&r->e, "%s is empty; instead: a name or a number", key->name);
	return read_identity(r, key, value);
}

/* Empty means the default user: it once meant root, and must no longer do so. */
static int read_own_identity(struct reading *r, const struct key *key, const char *value)
{
	return read_identity(r, key, value[0] != '\0' ? value : key->fallback);
}

static int read_text(struct reading *r, const struct key *key, const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return err_set(&r->e, "%s has a control character; instead: plain text", key->name);
	}
	if (text_copy(field(r->config, key), key->size, value) == -1)
		return err_set(&r->e, "%s: too long; instead: at most %zu bytes", key->name, key->size - 1);
	return 0;
}

/* A value that security(1) would take for an option is refused. */
static int read_keychain(struct reading *r, const struct key *key, const char *value)
{
	if (value[0] != '\0' && strstr(" " PORTCULLIS_SECRETS " ", " keychain ") == NULL)
		return err_set(&r->e, "%s does not exist on this platform; instead: password-file",
			       key->name);
	if (value[0] == '-')
		return err_set(&r->e,
			       "%s: \"%s\" is not the name of a service; instead: a name such as portcullis",
			       key->name, value);
	return read_text(r, key, value);
}

static int read_unsupported(struct reading *r, const struct key *key, const char *value)
{
	return value[0] == '\0' ? 0 : err_set(&r->e, "%s " LATER, key->name);
}

static int read_resolver(struct reading *r, const struct key *key, const char *value)
{
	struct net_address *to = field(r->config, key);

	memset(to, 0, sizeof *to);
	if (value[0] == '\0')
		return 0;
	if (net_address_parse(value, to) == -1 || !net_address_is_dialable(to))
		return err_set(&r->e,
			       "%s: \"%s\" is not the address of a server; instead: one address, such as "
			       "9.9.9.9",
			       key->name, value);
	return 0;
}

static int read_nat64(struct reading *r, const struct key *key, const char *value)
{
	struct net_prefix *to = field(r->config, key);

	memset(to, 0, sizeof *to);
	r->config->nat64_off = strcmp(value, "off") == 0;
	if (r->config->nat64_off || strcmp(value, "auto") == 0)
		return 0;
	if (net_prefix_parse(value, to) == -1 || !nat64_is_prefix(to))
		return err_set(
		    &r->e,
		    "%s: \"%s\" is not a prefix of a NAT64; instead: auto, off, or a prefix of 32, "
		    "40, 48, 56, 64 or 96 bits, such as 64:ff9b::/96",
		    key->name, value);
	return 0;
}

static int read_host(struct reading *r, const struct key *key, const char *value)
{
	struct net_address address;

	if (value[0] != '\0' &&
	    (!text_is_name(value, key->size - 1) || net_address_parse(value, &address) == 0))
		return err_set(&r->e, "%s: \"%s\" is not a name; instead: such as dns.quad9.net", key->name,
			       value);
	return text_copy(field(r->config, key), key->size, value);
}

/* One of `words`: its index, or -1 with the nearest word as a hint. */
static int read_word(struct reading *r, const struct key *key, const char *value, const char *const *words,
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
		return err_set(&r->e, "%s: unknown value \"%s\"; instead: did you mean \"%s\"?", key->name,
			       value, near);
	return err_set(&r->e, "%s: unknown value \"%s\"; instead: one of %s", key->name, value, all);
}

static int read_backend(struct reading *r, const struct key *key, const char *value)
{
	static const char *const words[] = {"auto", "nft", "pf", "ipfw"};
	int which = read_word(r, key, value, words, COUNT(words));

	if (which > 0 && strstr(" " PORTCULLIS_BACKENDS " ", value) == NULL)
		return err_set(
		    &r->e, "%s: %s does not exist on this platform; instead: auto or " PORTCULLIS_BACKENDS,
		    key->name, value);
	return which == -1 ? -1 : text_copy(field(r->config, key), key->size, value);
}

static int read_unprotected(struct reading *r, const struct key *key, const char *value)
{
	int which = read_word(r, key, value, unprotected_words, COUNT(unprotected_words));

	r->config->links_down = which != 1;
	return which == -1 ? -1 : 0;
}

static int read_level(struct reading *r, const struct key *key, const char *value)
{
	int which = read_word(r, key, value, log_level_words, LOG_LEVELS);

	if (which != -1)
		r->config->log_level = (enum log_level)which;
	return which == -1 ? -1 : 0;
}

static int read_totp_use(struct reading *r, const struct key *key, const char *value)
{
	int which = read_word(r, key, value, totp_words, COUNT(totp_words));

	if (which != -1)
		r->config->totp_use = (uint32_t)which + TOTP_CHALLENGE;
	return which == -1 ? -1 : 0;
}

static int read_size(struct reading *r, const struct key *key, const char *value)
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
		    &r->e,
		    "%s: \"%s\" is not a size; instead: bytes, or a number with K, M or G, at least 4K",
		    key->name, value);
	*(uint64_t *)field(r->config, key) = number * factor;
	return 0;
}

static int read_keep(struct reading *r, const struct key *key, const char *value)
{
	uint64_t number;

	if (text_number(value, 0, 1000, &number) == -1)
		return err_set(&r->e, "%s: \"%s\" is out of range; instead: a number from 0 to 1000",
			       key->name, value);
	*(uint32_t *)field(r->config, key) = (uint32_t)number;
	return 0;
}

/* Root may add any argument to openvpn's, except those by which the gate would lose
 * control of the process, its socket or its privileges. */
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
	     "takes the process out of the gate's control"},
	    {" user group setcon persist-tun ",
	     "the gate sets openvpn's identity and device before it starts"},
	    {" dev dev-type dev-node lladdr ", "the gate sets the interface's name: set interface"},
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
		return "the management interface belongs to the driver";
	text_append(word, sizeof word, &used, " %s ", option);
	for (size_t i = 0; i < COUNT(table); i++) {
		if (strstr(table[i].options, word) != NULL)
			return table[i].harm;
	}
	return NULL;
}

static int read_argument(struct reading *r, const struct key *key, const char *value)
{
	struct config *config = r->config;
	const char *option = value + strspn(value, "-");
	const char *harm = option != value ? argument_harm(option) : NULL;

	if (config->openvpn_argument_count == CONFIG_ARGUMENTS)
		return err_set(&r->e, "%s: too many; instead: at most %d", key->name, CONFIG_ARGUMENTS);
	if (text_copy(config->openvpn_arguments[config->openvpn_argument_count], 256, value) == -1)
		return err_set(&r->e, "%s: too long; instead: at most 255 bytes each", key->name);
	if (value[0] == '\0' || strpbrk(option, "\r\n") != NULL || (value[0] == '-' && option - value > 2))
		return err_set(&r->e, "%s: \"%s\" is not an argument; instead: \"--option\" or its value",
			       key->name, value);
	if (config->openvpn_argument_count == 0 && strncmp(value, "--", 2) != 0)
		return err_set(&r->e, "%s: \"%s\" is not an option; instead: begin with \"--option\"",
			       key->name, value);
	if (harm != NULL)
		return err_set(&r->e, "%s: %s is refused: %s; instead: leave it out", key->name, value, harm);
	config->openvpn_argument_count++;
	return 0;
}

/* A LAN-side link of a gateway. That it is not the tunnel is checked when all keys have been read. */
static int read_lan_side(struct reading *r, const struct key *key, const char *value)
{
	struct config *config = r->config;

	if (config->lan_side_count == SITUATION_LAN_SIDE)
		return err_set(&r->e, "%s: too many; instead: at most %d", key->name, SITUATION_LAN_SIDE);
	if (!net_is_interface_name(value))
		return err_set(
		    &r->e, "%s: \"%s\" is not an interface name; instead: at most 15 of A-Z a-z 0-9 . _ -",
		    key->name, value);
	if (strcmp(value, "lo") == 0 || strcmp(value, "lo0") == 0)
		return err_set(&r->e, "%s: %s is loopback; instead: the link to the clients' network",
			       key->name, value);
	for (size_t i = 0; i < config->lan_side_count; i++)
		if (strcmp(config->lan_side[i], value) == 0)
			return err_set(&r->e, "%s: \"%s\" is given twice; instead: keep one", key->name,
				       value);
	return text_copy(config->lan_side[config->lan_side_count++], NET_NAME_SIZE, value);
}

/* --- printing: one function for each kind of field */

static void put_text(const struct config *config, const struct key *key, char *to, size_t size)
{
	text_copy(to, size, field_of(config, key));
}

/* Prints only whether there is a value. */
static void put_presence(const struct config *config, const struct key *key, char *to, size_t size)
{
	text_copy(to, size, *(const char *)field_of(config, key) != '\0' ? "(set)" : "");
}

static void put_identity(const struct config *config, const struct key *key, char *to, size_t size)
{
	text_copy(to, size, ((const struct identity *)field_of(config, key))->name);
}

static void put_address(const struct config *config, const struct key *key, char *to, size_t size)
{
	char text[NET_ADDRESS_TEXT];

	text_copy(to, size, net_address_text(field_of(config, key), text));
}

static void put_nat64(const struct config *config, const struct key *key, char *to, size_t size)
{
	const struct net_prefix *prefix = field_of(config, key);
	char text[NET_PREFIX_TEXT];

	text_copy(to, size,
		  config->nat64_off    ? "off"
		  : prefix->length > 0 ? net_prefix_text(prefix, text)
				       : "auto");
}

static void put_boolean(const struct config *config, const struct key *key, char *to, size_t size)
{
	text_copy(to, size, *(const bool *)field_of(config, key) ? "true" : "false");
}

static void put_size(const struct config *config, const struct key *key, char *to, size_t size)
{
	snprintf(to, size, "%llu", (unsigned long long)*(const uint64_t *)field_of(config, key));
}

static void put_keep(const struct config *config, const struct key *key, char *to, size_t size)
{
	snprintf(to, size, "%u", *(const uint32_t *)field_of(config, key));
}

static void put_unprotected(const struct config *config, const struct key *key, char *to, size_t size)
{
	(void)key;
	text_copy(to, size, unprotected_words[!config->links_down]);
}

static void put_totp_use(const struct config *config, const struct key *key, char *to, size_t size)
{
	(void)key;
	text_copy(to, size, totp_words[config->totp_use == TOTP_PASSWORD_SUFFIX]);
}

static void put_level(const struct config *config, const struct key *key, char *to, size_t size)
{
	(void)key;
	text_copy(to, size, log_level_words[config->log_level]);
}

/* Separated by blanks, which a link's name can't contain. */
static void put_arguments(const struct config *config, const struct key *key, char *to, size_t size)
{
	size_t used = 0;

	(void)key;
	for (size_t i = 0; i < config->openvpn_argument_count; i++)
		text_append(to, size, &used, "%s%s", i > 0 ? " " : "", config->openvpn_arguments[i]);
}

static void put_lan_side(const struct config *config, const struct key *key, char *to, size_t size)
{
	size_t used = 0;

	(void)key;
	for (size_t i = 0; i < config->lan_side_count; i++)
		text_append(to, size, &used, "%s%s", i > 0 ? " " : "", config->lan_side[i]);
}

static void put_nothing(const struct config *config, const struct key *key, char *to, size_t size)
{
	(void)config, (void)key, (void)to, (void)size;
}

/* --- all keys, in the order of portcullis.conf(5) */

const struct key config_keys[CONFIG_KEYS] = {
    {"profile", "", read_path, put_text, FIELD(profile), false, LIVE},
    {"interface", PORTCULLIS_INTERFACE, read_interface, put_text, FIELD(interface), false, RESTART},
    {"runtime-dir", PORTCULLIS_RUNDIR "/portcullis", read_needed_path, put_text, FIELD(runtime_dir), false,
     RESTART},
    {"state-dir", PORTCULLIS_STATEDIR "/portcullis", read_needed_path, put_text, FIELD(state_dir), false,
     RESTART},
    {"backend", "auto", read_backend, put_text, FIELD(backend), false, RESTART},
    {"user", "_portcullis", read_needed_identity, put_identity, FIELD(user), false, RESTART},
    {"openvpn-user", PORTCULLIS_OPENVPN_USER, read_own_identity, put_identity, FIELD(openvpn_user), false,
     RESTART},
    {"openvpn-group", "_openvpn", read_needed_identity, put_identity, FIELD(openvpn_group), false, RESTART},
    {"portal-group", "_portcullis-portal", read_identity, put_identity, FIELD(portal_group), false, LIVE},
    {"dhcp-user", "", read_identity, put_identity, FIELD(dhcp_user), false, LIVE},
    {"lan", "false", read_boolean, put_boolean, FIELD(lan), false, LIVE},
    {"on-unprotected", "links-down", read_unprotected, put_unprotected, 0, 0, false, LIVE},
    {"nat64", "auto", read_nat64, put_nat64, FIELD(nat64), false, LIVE},
    {"strict-boot", "false", read_boolean, put_boolean, FIELD(strict_boot), false, LIVE},
    {"openvpn.binary", PORTCULLIS_OPENVPN, read_needed_path, put_text, FIELD(openvpn_binary), false, REDIAL},
    {"openvpn.arguments", NULL, read_argument, put_arguments, FIELD(openvpn_argument_count), true, REDIAL},
    {"control.socket", NULL, read_socket, put_text, FIELD(control_socket), false, RESTART},
    {"control.group", "", read_identity, put_identity, FIELD(control_group), false, RESTART},
    {"management.socket", "", read_unsupported, put_nothing, 0, 0, false, RESTART},
    {"gateway.interfaces", NULL, read_lan_side, put_lan_side, FIELD(lan_side_count), true, RESTART},
    {"uplink.pppoe", "false", read_boolean, put_boolean, FIELD(pppoe), false, LIVE},
    {"uplink.lacp", "false", read_boolean, put_boolean, FIELD(lacp), false, LIVE},
    {"dns.manage", "true", read_boolean, put_boolean, FIELD(manage_dns), false, LIVE},
    {"resolver.address", "", read_resolver, put_address, FIELD(resolver), false, NEXT_ATTEMPT},
    {"resolver.name", "", read_host, put_text, FIELD(resolver_name), false, NEXT_ATTEMPT},
    {"resolver.ca-file", "", read_path, put_text, FIELD(resolver_ca), false, NEXT_ATTEMPT},
    {"credentials.username", "", read_text, put_presence, FIELD(username), false, NEXT_ATTEMPT},
    {"credentials.password-file", "", read_path, put_text, FIELD(password_file), false, NEXT_ATTEMPT},
    {"credentials.keychain", "", read_keychain, put_text, FIELD(keychain), false, NEXT_ATTEMPT},
    {"credentials.totp-file", "", read_path, put_text, FIELD(totp_file), false, NEXT_ATTEMPT},
    {"credentials.totp-use", "challenge", read_totp_use, put_totp_use, 0, 0, false, NEXT_ATTEMPT},
    {"credentials.key", "", read_key, put_text, FIELD(key_file), false, NEXT_ATTEMPT},
    {"credentials.key-passphrase-file", "", read_path, put_text, FIELD(passphrase_file), false, NEXT_ATTEMPT},
    {"log.file", "/var/log/portcullis/portcullis.log", read_needed_path, put_text, FIELD(log_file), false,
     RESTART},
    {"log.size", "10M", read_size, put_size, FIELD(log_size), false, LIVE},
    {"log.keep", "8", read_keep, put_keep, FIELD(log_keep), false, LIVE},
    {"log.level", "info", read_level, put_level, 0, 0, false, LIVE},
};

const char *config_key_last(const struct key *key, size_t *length)
{
	const char *dot = strchr(key->name, '.');

	*length = dot != NULL ? (size_t)(dot - key->name) : 0;
	return dot != NULL ? dot + 1 : key->name;
}
