/* What the three printers share. */
#include "policy/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const state_words[] = {
    [POLICY_LOCKED] = "locked", [POLICY_DIALLING] = "dialling", [POLICY_OPEN] = "open"};

int page_open(struct page *page, char *to, size_t size, struct err *e)
{
	memset(page, 0, sizeof *page);
	page->to = to;
	page->size = size;
	page->indent = "";
	if (size == 0)
		return err_set(e, "no room for the rules");
	to[0] = '\0';
	return 0;
}

int page_begin(struct page *page, const struct situation *s, char *to, size_t size, struct err *e)
{
	return page_open(page, to, size, e) == -1 ? -1 : policy_check(s, e);
}

int page_end(const struct page *page, struct err *e)
{
	return page->cut ? err_set(e, "the rules do not fit into %zu bytes", page->size) : 0;
}

void page_add(struct page *page, const char *format, ...)
{
	size_t left = page->size - page->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(page->to + page->used, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left) {
		page->cut = true;
		page->used = page->size - 1;
	} else {
		page->used += (size_t)length;
	}
}

void page_introduce(struct page *page, const struct rule *rule)
{
	if (page->row == rule->row && page->why != NULL && strcmp(page->why, rule->why) == 0)
		return;
	page->row = rule->row;
	page->why = rule->why;
	page_add(page, "%s# row %u: %s\n", page->indent, rule->row, rule->why);
}

void page_situation(struct page *page, const struct situation *s)
{
	char text[NET_ENDPOINT_TEXT];

	page_add(page, "# Portcullis, %s%s%s", state_words[s->state],
		 s->lan ? ", with the local network" : "", s->inside_count > 0 ? ", a gateway" : "");
	if (s->state != POLICY_LOCKED)
		page_add(page, ", endpoint %s", net_endpoint_text(&s->endpoint, text));
	page_add(page, ". Rows are those of docs/security.md.\n");
}

static bool is_somebody(const struct identity *identity)
{
	return identity->known || identity->name[0] != '\0';
}

bool page_has_dhcp_user(const struct situation *s)
{
	return is_somebody(&s->dhcp_user) && !(s->dhcp_user.known && s->dhcp_user.number == 0);
}

void page_identity(struct page *page, const struct identity *identity, const char *quote)
{
	if (identity->known)
		page_add(page, "%u", identity->number);
	else
		page_add(page, "%s%s%s", quote, identity->name, quote);
}

void page_prefix(struct page *page, const struct net_prefix *prefix)
{
	bool whole = prefix->length == (prefix->address.family == NET_IPV4 ? 32 : 128);
	char text[NET_PREFIX_TEXT];

	page_add(page, "%s",
		 whole ? net_address_text(&prefix->address, text) : net_prefix_text(prefix, text));
}

void page_members(struct page *page, enum rule_set set, const struct situation *s, uint8_t family,
		  const char *between)
{
	struct net_prefix members[RULE_MEMBERS_MAX];
	size_t count = policy_members(set, s, family, members, RULE_MEMBERS_MAX);

	for (size_t i = 0; i < count; i++) {
		page_add(page, "%s", i == 0 ? "" : between);
		page_prefix(page, &members[i]);
	}
}

const struct identity *page_owner(enum rule_owner owner, const struct situation *s)
{
	switch (owner) {
	case OWNER_OPENVPN_GROUP:
		return &s->openvpn_group;
	case OWNER_DRIVER_USER:
		return &s->driver_user;
	case OWNER_DHCP_USERS:
		return &s->dhcp_user;
	default:
		return NULL;
	}
}

bool page_has_owner(const struct rule *rule, const struct situation *s)
{
	return rule->owner == OWNER_ANY || rule->owner == OWNER_DHCP_USERS ||
	       is_somebody(page_owner(rule->owner, s));
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

void page_add_owner(struct page *page, const struct rule *rule, const struct situation *s,
		    const struct page_owner_words *words)
{
	enum rule_owner owner = rule->flow == FLOW_REPLY ? owner_of_reply(rule) : rule->owner;
	bool beside_root = owner == OWNER_DHCP_USERS && page_has_dhcp_user(s);

	if (owner == OWNER_ANY)
		return;
	if (owner == OWNER_DHCP_USERS)
		page_add(page, "%s", beside_root ? words->root_or : words->root);
	else
		page_add(page, "%s", owner == OWNER_OPENVPN_GROUP ? words->group : words->user);
	if (beside_root || owner != OWNER_DHCP_USERS)
		page_identity(page, page_owner(owner, s), "");
	if (beside_root)
		page_add(page, " }");
}
