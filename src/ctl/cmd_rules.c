/* portcullis rules: prints the policy of a situation as a firewall's text. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/ctl.h"
#include "policy/print.h"
#include "policy/rules.h"

enum {
	OPTION_BACKEND,
	OPTION_STATE,
	OPTION_REMOTE,
	OPTION_INTERFACE,
	OPTION_TUNNEL_ADDRESS,
	OPTION_TUNNEL_NETWORK,
	OPTION_LINK,
	OPTION_NEIGHBOUR,
	OPTION_LAN,
	OPTION_GATEWAY,
	OPTION_GROUP,
	OPTION_USER,
	OPTION_DHCP_USER,
	OPTION_PORTAL_GROUP,
	OPTION_TUNNEL_INDEX
};

static const struct ctl_option options[] = {
    [OPTION_BACKEND] = {"backend", 'b', "NAME", false, "nft (default on this platform), pf or ipfw"},
    [OPTION_STATE] = {"state", 0, "STATE", false, "locked (default), dialling or open"},
    [OPTION_REMOTE] = {"remote", 'r', "ENDPOINT", false, "the server: ADDR:PORT/PROTO or [ADDR]:PORT/PROTO"},
    [OPTION_INTERFACE] = {"interface", 'i', "NAME", false, "the tunnel's interface (default tun0)"},
    [OPTION_TUNNEL_ADDRESS] = {"tunnel-address", 0, "ADDR", false,
			       "the tunnel's address; once for each family"},
    [OPTION_TUNNEL_NETWORK] = {"tunnel-network", 0, "NET/LEN", false,
			       "a network of the tunnel; may be repeated"},
    [OPTION_LINK] = {"link", 'l', "NAME", false, "a physical link; may be repeated"},
    [OPTION_NEIGHBOUR] = {"neighbour", 0, "NET/LEN", false, "an IPv6 prefix on a link; may be repeated"},
    [OPTION_LAN] = {"lan", 0, NULL, false, "as lan = true"},
    [OPTION_GATEWAY] = {"gateway", 0, "NAME", false, "a LAN-side link of a gateway; may be repeated"},
    [OPTION_GROUP] = {"group", 'g', "GROUP", false, "openvpn's group (default _openvpn)"},
    [OPTION_USER] = {"user", 'u', "USER", false, "the driver's user (default _portcullis)"},
    [OPTION_DHCP_USER] = {"dhcp-user", 0, "USER", false, "the DHCP client's user, in addition to root"},
    [OPTION_PORTAL_GROUP] = {"portal-group", 0, "GROUP", false, "nft: the group that may use a portal"},
    [OPTION_TUNNEL_INDEX] = {"tunnel-index", 0, "N", false, "nft: the tunnel's interface by its index"},
};

typedef int print_fn(const struct situation *s, char *to, size_t size, struct err *e);

static const char *const backends[] = {"nft", "pf", "ipfw"};
static print_fn *const printers[] = {policy_print_nft, policy_print_pf, policy_print_ipfw};
static const char *const states[] = {"locked", "dialling", "open"};

/* An address for documentation (RFC 5737): it is nobody's server. */
#define STAND_IN "192.0.2.1:1194/udp"

struct wanted {
	struct situation situation;
	print_fn *print;
	const char *user, *group, *dhcp_user, *portal_group;
	bool stand_in;
};

static int parse_word(const char *option, const char *value, const char *const *words, size_t count,
		      struct err *e)
{
	const char *near = text_nearest(value, words, count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(value, words[i]) == 0)
			return (int)i;
	}
	if (near != NULL)
		return err_set(e, "--%s %s is unknown; instead: did you mean %s?", option, value, near);
	return err_set(e, "--%s %s is unknown; instead: %s, %s or %s", option, value, words[0], words[1],
		       words[2]);
}

/* Looks a name or number up on this machine; an unknown name stays a name. */
static int parse_identity(const char *option, const char *word, bool is_group, struct identity *who,
			  struct err *e)
{
	const struct passwd *user = is_group ? NULL : getpwnam(word);
	const struct group *group = is_group ? getgrnam(word) : NULL;
	uint64_t number;

	if (!text_is_name(word, sizeof who->name - 1) || text_copy(who->name, sizeof who->name, word) == -1)
		return err_set(e, "--%s %s is not a name; instead: letters, digits, '.', '_' and '-'", option,
			       word);
	if (text_number(word, 0, UINT32_MAX - 1, &number) == -1) {
		who->known = user != NULL || group != NULL;
		number = user != NULL ? user->pw_uid : group != NULL ? group->gr_gid : 0;
	} else {
		who->known = true;
	}
	who->number = (uint32_t)number;
	return 0;
}

static int add_link(const char *option, const char *name, char (*to)[NET_NAME_SIZE], size_t *count,
		    size_t most, struct err *e)
{
	if (!net_is_interface_name(name))
		return err_set(e,
			       "--%s %s is not an interface name; instead: at most 15 of A-Z a-z 0-9 . _ -",
			       option, name);
	if (*count == most)
		return err_set(e, "--%s: too many; instead: at most %zu", option, most);
	return text_copy(to[(*count)++], NET_NAME_SIZE, name);
}

static int add_prefix(const char *option, const char *value, struct net_prefix *to, size_t *count,
		      size_t most, struct err *e)
{
	if (*count == most)
		return err_set(e, "--%s: too many; instead: at most %zu", option, most);
	if (net_prefix_parse(value, &to[*count]) == -1)
		return err_set(e, "--%s %s is not a network; instead: such as 10.8.0.0/24", option, value);
	(*count)++;
	return 0;
}

static int parse_tunnel_address(struct situation *s, const char *value, struct err *e)
{
	struct net_address address;

	if (net_address_parse(value, &address) == -1)
		return err_set(e, "--tunnel-address %s is not an address; instead: such as 10.8.0.2", value);
	*(address.family == NET_IPV4 ? &s->tunnel.address4 : &s->tunnel.address6) = address;
	return 0;
}

static int parse_tunnel_index(struct situation *s, const char *value, struct err *e)
{
	uint64_t number;

	if (text_number(value, 1, INT32_MAX, &number) == -1)
		return err_set(
		    e, "--tunnel-index %s is not an interface's index; instead: as `ip link` shows it",
		    value);
	s->tunnel.index = (uint32_t)number;
	return 0;
}

static int parse_remote(struct situation *s, const char *value, struct err *e)
{
	if (net_endpoint_parse(value, &s->endpoint) == -1)
		return err_set(
		    e,
		    "--remote %s is not an endpoint; instead: ADDR:PORT/udp or [ADDR]:PORT/tcp, with a "
		    "numeric address",
		    value);
	if (!net_address_is_dialable(&s->endpoint.address))
		return err_set(e, "--remote %s can't be a server; instead: a unicast address", value);
	return 0;
}

static int read_option(struct wanted *wanted, int option, const char *value, struct err *e)
{
	struct situation *s = &wanted->situation;
	int which;

	switch (option) {
	case OPTION_BACKEND:
		which = parse_word("backend", value, backends, 3, e);
		wanted->print = which == -1 ? NULL : printers[which];
		return which == -1 ? -1 : 0;
	case OPTION_STATE:
		which = parse_word("state", value, states, 3, e);
		s->state = which == -1 ? POLICY_LOCKED : (enum policy_state)which;
		return which == -1 ? -1 : 0;
	case OPTION_REMOTE:
		return parse_remote(s, value, e);
	case OPTION_INTERFACE:
		if (!net_is_interface_name(value))
			return err_set(e, "--interface %s is not an interface name; instead: such as tun0",
				       value);
		return text_copy(s->tunnel.name, sizeof s->tunnel.name, value);
	case OPTION_TUNNEL_ADDRESS:
		return parse_tunnel_address(s, value, e);
	case OPTION_TUNNEL_NETWORK:
		return add_prefix("tunnel-network", value, s->tunnel.networks, &s->tunnel.network_count,
				  SITUATION_NETWORKS, e);
	case OPTION_TUNNEL_INDEX:
		return parse_tunnel_index(s, value, e);
	case OPTION_LINK:
		return add_link("link", value, s->links, &s->link_count, SITUATION_LINKS, e);
	case OPTION_GATEWAY:
		return add_link("gateway", value, s->lan_side, &s->lan_side_count, SITUATION_LAN_SIDE, e);
	case OPTION_NEIGHBOUR:
		return add_prefix("neighbour", value, s->neighbours, &s->neighbour_count,
				  SITUATION_NEIGHBOURS, e);
	case OPTION_LAN:
		s->lan = true;
		return 0;
	case OPTION_GROUP:
		wanted->group = value;
		return 0;
	case OPTION_USER:
		wanted->user = value;
		return 0;
	case OPTION_PORTAL_GROUP:
		wanted->portal_group = value;
		return 0;
	default:
		wanted->dhcp_user = value;
		return 0;
	}
}

/* Fills in what follows from all the options together. */
static int complete_situation(struct wanted *wanted, struct err *e)
{
	struct situation *s = &wanted->situation;

	if (parse_identity("group", wanted->group, true, &s->openvpn_group, e) == -1 ||
	    parse_identity("user", wanted->user, false, &s->driver_user, e) == -1)
		return -1;
	if (wanted->dhcp_user != NULL &&
	    parse_identity("dhcp-user", wanted->dhcp_user, false, &s->dhcp_user, e) == -1)
		return -1;
	if (wanted->portal_group != NULL &&
	    parse_identity("portal-group", wanted->portal_group, true, &s->portal.group, e) == -1)
		return -1;
	if (s->state != POLICY_LOCKED && s->endpoint.address.family == NET_NONE) {
		fputs("portcullis: rules: no --remote is given, " STAND_IN
		      " is used in place of your server; instead: name it with --remote\n",
		      stderr);
		wanted->stand_in = true;
		if (parse_remote(s, STAND_IN, e) == -1)
			return -1;
	}
	if (s->state == POLICY_OPEN && s->tunnel.address4.family == NET_NONE &&
	    s->tunnel.address6.family == NET_NONE) {
		/* The server assigns it; row 2 of the printed rules needs one. */
		fprintf(stderr, "portcullis: rules: the tunnel's address is not known, 10.8.0.2 is assumed; "
				"instead: name it with --tunnel-address\n");
		return parse_tunnel_address(s, "10.8.0.2", e);
	}
	return 0;
}

static int print_rules(const struct ctl *ctl, const struct wanted *wanted)
{
	char *text = malloc(PRINT_SIZE);
	struct err e = {"no memory"};
	int result = text != NULL ? wanted->print(&wanted->situation, text, PRINT_SIZE, &e) : -1;

	if (result == 0 && wanted->stand_in &&
	    fputs("# no --remote is given: " STAND_IN " is used in place of your server\n", stdout) == EOF)
		result = err_errno(&e, "the rules can't be written");
	if (result == 0 && (fputs(text, stdout) == EOF || fflush(stdout) == EOF))
		result = err_errno(&e, "the rules can't be written");
	free(text);
	return result == 0 ? 0 : ctl_fail(ctl, "%s", e.text);
}

static int run_rules(struct ctl *ctl)
{
	static struct wanted wanted;
	struct err e = {""};
	const char *value;
	int what;

	wanted.print = printers[0];
	wanted.group = "_openvpn";
	wanted.user = "_portcullis";
	text_copy(wanted.situation.tunnel.name, NET_NAME_SIZE, "tun0");
	while ((what = ctl_args_next(ctl, &value, &e)) >= 0) {
		if (read_option(&wanted, what, value, &e) == -1)
			return ctl_fail(ctl, "%s", e.text);
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (complete_situation(&wanted, &e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	return print_rules(ctl, &wanted);
}

const struct ctl_command cmd_rules = {
    "rules",
    "",
    "print the firewall's rules; changes nothing",
    "Prints the rules that the gate uses in a state, as text for nft, pf or ipfw: to read, or to\nload on "
    "the router in front of this machine. Needs neither root nor portcullisd nor a\nconfiguration. Users and "
    "groups that this machine does not know are printed by name.",
    options,
    sizeof options / sizeof *options,
    run_rules,
};
