/* Bounded output, and the words that all three filters' texts share. */
#include "policy/printer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const state_words[] = {
    [POLICY_LOCKED] = "locked", [POLICY_DIALLING] = "dialling", [POLICY_OPEN] = "open"};

int printer_open(struct printer *printer, char *to, size_t size, struct err *e)
{
	memset(printer, 0, sizeof *printer);
	printer->to = to;
	printer->size = size;
	printer->indent = "";
	if (size == 0)
		return err_set(e, "no room for the rules");
	to[0] = '\0';
	return 0;
}

int printer_begin(struct printer *printer, const struct situation *s, char *to, size_t size, struct err *e)
{
	return printer_open(printer, to, size, e) == -1 ? -1 : policy_check(s, e);
}

int printer_end(const struct printer *printer, struct err *e)
{
	return printer->cut ? err_set(e, "the rules do not fit into %zu bytes", printer->size) : 0;
}

void printer_add(struct printer *printer, const char *format, ...)
{
	size_t left = printer->size - printer->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(printer->to + printer->used, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left) {
		printer->cut = true;
		printer->used = printer->size - 1;
	} else {
		printer->used += (size_t)length;
	}
}

void printer_introduce(struct printer *printer, const struct rule *rule)
{
	if (printer->row == rule->row && printer->why != NULL && strcmp(printer->why, rule->why) == 0)
		return;
	printer->row = rule->row;
	printer->why = rule->why;
	printer_add(printer, "%s# row %u: %s\n", printer->indent, rule->row, rule->why);
}

void printer_situation(struct printer *printer, const struct situation *s)
{
	char text[NET_ENDPOINT_TEXT];

	printer_add(printer, "# Portcullis, %s%s%s", state_words[s->state],
		    s->lan ? ", with the local network" : "", s->lan_side_count > 0 ? ", a gateway" : "");
	if (policy_has_hole(s))
		printer_add(printer, ", endpoint %s", net_endpoint_text(&s->endpoint, text));
	printer_add(printer, ". Rows are those of docs/security.md.\n");
}

static bool is_somebody(const struct identity *identity)
{
	return identity->known || identity->name[0] != '\0';
}

bool printer_has_dhcp_user(const struct situation *s)
{
	return is_somebody(&s->dhcp_user) && !(s->dhcp_user.known && s->dhcp_user.number == 0);
}

void printer_identity(struct printer *printer, const struct identity *identity, const char *quote)
{
	if (identity->known)
		printer_add(printer, "%u", identity->number);
	else
		printer_add(printer, "%s%s%s", quote, identity->name, quote);
}

void printer_prefix(struct printer *printer, const struct net_prefix *prefix)
{
	bool whole = prefix->length == (prefix->address.family == NET_IPV4 ? 32 : 128);
	char text[NET_PREFIX_TEXT];

	printer_add(printer, "%s",
		    whole ? net_address_text(&prefix->address, text) : net_prefix_text(prefix, text));
}

void printer_members(struct printer *printer, enum rule_set set, const struct situation *s, uint8_t family,
		     const char *between)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(set, s, family, members, RULE_MEMBERS_MAX);

	for (size_t i = 0; i < count; i++) {
		printer_add(printer, "%s", i == 0 ? "" : between);
		printer_prefix(printer, &members[i]);
	}
}

const struct identity *printer_owner(enum rule_owner owner, const struct situation *s)
{
	switch (owner) {
	case OWNER_OPENVPN_GROUP:
		return &s->openvpn_group;
	case OWNER_DRIVER_USER:
		return &s->driver_user;
	case OWNER_DHCP_USERS:
		return &s->dhcp_user;
	case OWNER_PORTAL_GROUP:
		return &s->portal.group;
	default:
		return NULL;
	}
}

bool printer_has_owner(const struct rule *rule, const struct situation *s)
{
	return rule->owner == OWNER_ANY || rule->owner == OWNER_DHCP_USERS ||
	       is_somebody(printer_owner(rule->owner, s));
}

static enum rule_owner owner_of_reply(const struct rule *reply)
{
	size_t count;
	const struct rule *table = policy_table(&count);

	for (size_t i = 0; i < count && reply->source != SET_ANY; i++)
		if (table[i].hook == RULE_OUT && table[i].destination == reply->source)
			return table[i].owner;
	return OWNER_ANY;
}

void printer_add_owner(struct printer *printer, const struct rule *rule, const struct situation *s,
		       const struct printer_owner_words *words)
{
	enum rule_owner owner = rule->flow == FLOW_REPLY ? owner_of_reply(rule) : rule->owner;
	bool beside_root = owner == OWNER_DHCP_USERS && printer_has_dhcp_user(s);

	if (owner == OWNER_ANY)
		return;
	if (owner == OWNER_DHCP_USERS)
		printer_add(printer, "%s", beside_root ? words->root_or : words->root);
	else
		printer_add(printer, "%s", owner == OWNER_OPENVPN_GROUP ? words->group : words->user);
	if (beside_root || owner != OWNER_DHCP_USERS)
		printer_identity(printer, printer_owner(owner, s), "");
	if (beside_root)
		printer_add(printer, " }");
}
