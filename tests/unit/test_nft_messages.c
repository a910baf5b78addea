/* Every message that makes our tables, byte for byte, against tests/golden/messages/. */
#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "between.h"
#include "golden.h"
#include "policy_cases.h"

#include "nft_policy.h" /* its names are this test's own, and come last */

static FILE *out;

static int begin(void **state)
{
	if (htonl(1) == 1)
		skip(); /* the golden files are of a machine with the lowest byte first */
	setup(state);
	desired->features = (struct nft_features){0};
	s = (struct situation){0};
	return 0;
}

/* --- a message as text ------------------------------------------------------- */

static void print_value(const uint8_t *bytes, size_t size)
{
	size_t text = 0;

	while (text < size && isprint(bytes[text]))
		text++;
	if (text > 1 && text == size - 1 && bytes[text] == '\0') {
		fprintf(out, "\"%s\"", (const char *)bytes);
		return;
	}
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_attributes(const uint8_t *at, size_t size)
{
	while (size >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)at;
		size_t step = MNL_ALIGN(a->nla_len);

		assert_between(a->nla_len, sizeof *a, size);
		fprintf(out, " %u", a->nla_type & (unsigned)NLA_TYPE_MASK);
		if (a->nla_type & NLA_F_NESTED) {
			fputs("{", out);
			print_attributes(at + sizeof *a, a->nla_len - sizeof *a);
			fputs("}", out);
		} else {
			fputs("=", out);
			print_value(at + sizeof *a, a->nla_len - sizeof *a);
		}
		at += step;
		size -= step < size ? step : size;
	}
}

static void write_message(const struct nlmsghdr *m)
{
	size_t head = sizeof(struct nlmsghdr) + 4;

	assert_true(m->nlmsg_len >= head);
	fprintf(out, "type %u flags %x family %u:", nft_type(m), m->nlmsg_flags, nft_family_of(m));
	print_attributes((const uint8_t *)m + head, m->nlmsg_len - head);
	fputs("\n", out);
}

static void print_buffer(const struct nft_buffer *b)
{
	const struct nlmsghdr *m = (const void *)b->bytes;

	assert_false(b->full);
	for (int left = (int)b->used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		write_message(m);
}

/* Which messages, of which table and of what name: what is in them is compared elsewhere. */
static void print_heads(const struct nft_buffer *b)
{
	const struct nlmsghdr *m = (const void *)b->bytes;

	assert_false(b->full);
	for (int left = (int)b->used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		fprintf(out, "type %u flags %x family %u %s %s\n", nft_type(m), m->nlmsg_flags,
			nft_family_of(m), nft_text(m, 1),
			nft_type(m) == NFT_MSG_NEWTABLE ? "" : nft_text(m, 2));
}

/* --- files ------------------------------------------------------------------------ */

static void compare(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "tests/golden/messages/%s", name);
	assert_golden(path, text);
}

static void print_desired(void)
{
	assert_false(desired->messages.full);
	for (size_t i = 0; i < desired->count; i++) {
		fprintf(out, "%d ", desired->pieces[i].link);
		write_message(nft_piece_message(desired, &desired->pieces[i]));
	}
}

/* --- what is told the kernel --------------------------------------------------- */

static void test_standing(void **state)
{
	static const struct {
		const char *file, *situation;
		struct nft_features features;
		bool uplink;
	} all[] = {
	    {"gateway", "open-gateway-lan", {true, true, true, true, false, 0}, true},
	    {"every-link", "open-dual", {true, true, true, true, true, 1}, false},
	    {"old-kernel", "open-lan", {false, false, false, false, false, 2}, false},
	    {"old-gateway", "open-gateway", {true, false, true, false, false, 0}, false},
	    {"names-only", "locked-dhcp-user", {true, true, false, true, false, 0}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		size_t size;
		char *text = NULL;

		out = open_memstream(&text, &size);
		assert_non_null(out);
		s = policy_case_make(policy_case_named(all[i].situation));
		s.pppoe = s.lacp = all[i].uplink;
		desired->features = all[i].features;
		desired->standing = 0;
		desired->links[0] = (struct nft_link){.name = "en0", .index = 2};
		desired->links[1] = (struct nft_link){.name = "gone0", .index = 0};
		desired->links[2] = (struct nft_link){.name = "en1", .index = 3};
		desired->link_count = 3;
		assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
		nft_desired_links(desired);
		print_desired();
		fclose(out);
		compare(all[i].file, text);
		free(text);
	}
}

/* Rules that are none of the promise: each field alone, all at once, and each action at each hook. */
static const struct rule field_rules[] = {
    {.link = LINK_LOOPBACK},
    {.link = LINK_TUNNEL},
    {.link = LINK_PHYSICAL},
    {.link = LINK_LAN_SIDE},
    {.link = LINK_LOOPBACK, .hook = RULE_IN},
    {.link = LINK_TUNNEL, .hook = RULE_IN},
    {.link = LINK_LAN_SIDE, .hook = RULE_ARRIVE},
    {.from = LINK_LOOPBACK},
    {.from = LINK_TUNNEL},
    {.from = LINK_LAN_SIDE},
    {.proto = 17},
    {.source = SET_LAN},
    {.destination = SET_LAN},
    {.source = SET_LINK_LOCAL},
    {.destination = SET_LINK_LOCAL},
    {.destination = SET_ALL_ROUTERS},
    {.source = SET_ENDPOINT},
    {.destination = SET_ENDPOINT},
    {.source_port = 0x1234},
    {.destination_port = 0x1234},
    {.source_ports = SET_DNS_PORTS},
    {.destination_ports = SET_DNS_PORTS},
    {.icmp_type = 8},
    {.icmp_code_0 = true},
    {.hop_limit = 255},
    {.owner = OWNER_OPENVPN_GROUP},
    {.owner = OWNER_DRIVER_USER},
    {.owner = OWNER_DHCP_USERS},
    {.flow = FLOW_REPLY},
    {.flow = FLOW_RELATED},
    {.flow = FLOW_REPLY, .asked_from = SET_TUNNEL_ADDRESS, .destination = SET_LAN},
    {.flow = FLOW_RELATED, .asked_from = SET_TUNNEL_ADDRESS, .destination = SET_LAN},
    {.asker = ASKER_NEW, .hook = RULE_FORWARD},
    {.asker = ASKER_CAME, .hook = RULE_LEAVE},
    {.asker = ASKER_LEAVES, .hook = RULE_LEAVE},
    {.ether_type = 0x1234, .hook = RULE_EGRESS},
    {.ether_type = 0x8863, .uplink = UPLINK_PPPOE, .hook = RULE_EGRESS},
    {.ether_type = 0x8864, .uplink = UPLINK_PPPOE, .ppp_protocol = 0xc021, .hook = RULE_EGRESS},
    {.ether_type = 0x8809, .uplink = UPLINK_LACP, .hook = RULE_EGRESS},
    {.hook = RULE_EGRESS},
    {.marked = true},
    {.link = LINK_LAN_SIDE,
     .from = LINK_TUNNEL,
     .ether_type = 0x8864,
     .uplink = UPLINK_PPPOE,
     .ppp_protocol = 0xc021,
     .proto = 6,
     .source = SET_LINK_LOCAL,
     .destination = SET_ENDPOINT,
     .asked_from = SET_TUNNEL_ADDRESS,
     .source_port = 67,
     .destination_ports = SET_DNS_PORTS,
     .icmp_type = 133,
     .icmp_code_0 = true,
     .hop_limit = 1,
     .owner = OWNER_DRIVER_USER,
     .flow = FLOW_REPLY,
     .asker = ASKER_CAME,
     .marked = true},
};

static void print_rule(const struct rule *rule)
{
	struct nlmsghdr *m;
	struct nlattr *list;

	nft_buffer_empty(&batch);
	m = nft_message(&batch, NFT_MSG_NEWRULE, 0, NFPROTO_INET);
	list = nft_nest_begin(m, NFTA_RULE_EXPRESSIONS);
	nft_put_rule(m, rule, &desired->features, &s);
	nft_nest_end(m, list);
	nft_message_end(&batch, m);
	print_buffer(&batch);
}

static void test_rules(void **state)
{
	static const uint8_t families[] = {NET_NONE, NET_IPV4, NET_IPV6};
	char *text = NULL;
	size_t size;

	(void)state;
	out = open_memstream(&text, &size);
	assert_non_null(out);
	s = policy_case_make(policy_case_named("locked"));
	for (int is_old = 0; is_old < 2; is_old++)
		for (size_t i = 0; i < sizeof field_rules / sizeof field_rules[0]; i++) {
			struct rule rule = field_rules[i];

			desired->features.ipv6 = !is_old;
			if (rule.hook == RULE_ARRIVE && rule.link == LINK_ANY) /* it is of no hook */
				rule.hook = RULE_FORWARD;
			for (size_t k = is_old; k < (is_old ? 2 : 3); k++) {
				rule.family = families[k];
				if (k > 0 || (rule.source == SET_ANY && rule.destination == SET_ANY))
					print_rule(&rule);
			}
		}
	for (int set = SET_ENDPOINT; set < SET_COUNT; set++)
		print_rule(
		    &(struct rule){.hook = RULE_OUT, .family = NET_IPV6, .destination = (enum rule_set)set});
	for (int hook = 0; hook < RULE_HOOKS; hook++)
		for (int action = RULE_PASS; action <= RULE_MASQUERADE; action++)
			for (int link = LINK_ANY; link <= LINK_LAN_SIDE; link++) {
				fprintf(out, "%d %d %d ", hook, action, link);
				print_rule(&(struct rule){.hook = (enum rule_hook)hook,
							  .action = (enum rule_action)action,
							  .link = (enum rule_link)link});
			}
	fclose(out);
	compare("rules", text);
	free(text);
}

static void print_members(void)
{
	for (unsigned i = 0; i < NFT_SETS; i++) {
		nft_buffer_empty(&batch);
		nft_put_members(&batch, &desired->features, i, &desired->members[i], i % 2 == 0,
				nft_sets[i].timeout);
		fprintf(out, "%s:\n", nft_sets[i].name);
		print_buffer(&batch);
	}
}

static void test_members(void **state)
{
	static const char *const names[] = {"locked-dhcp-user", "locked-lan", "dialling-tcp6",
					    "dialling-names",   "open-dual",  "open-gateway-lan",
					    "dialling-resolver"};
	char *text = NULL;
	size_t size;

	(void)state;
	out = open_memstream(&text, &size);
	assert_non_null(out);
	desired->features = (struct nft_features){true, true, true, true, false, 0};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		s = policy_case_make(policy_case_named(names[i]));
		s.tunnel.index = 7;
		fprintf(out, "== %s\n", names[i]);
		s.openvpn_group.known = s.driver_user.known = s.dhcp_user.known = true;
		assert_int_equal(nft_desired_rules(desired, &s, &e) >= 0, 1);
		nft_desired_members(desired, &s);
		print_members();
	}
	fputs("== paused\n", out);
	nft_desired_pause(desired);
	print_members();
	fclose(out);
	compare("members", text);
	free(text);
}

/* What repairs an empty kernel, one where a rule is gone and a chain has another policy, and one with
 * strangers. */
static void tell_back(size_t but)
{
	nft_actual_begin(&actual, desired);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		actual.table[i].exists = nft_is_used(desired, i);
		actual.table[i].flags = NFT_TABLE_F_OWNER | NFT_PERSIST;
		actual.table[i].owner = desired->owner;
	}
	for (size_t i = 0; i < desired->count; i++)
		if (i != but && nft_type(nft_piece_message(desired, &desired->pieces[i])) != NFT_MSG_NEWTABLE)
			nft_actual_object(&actual, desired, nft_piece_message(desired, &desired->pieces[i]));
}

static void print_repairs(const char *what)
{
	fprintf(out, "== %s\n", what);
	nft_actual_end(&actual, desired);
	nft_buffer_empty(&batch);
	(void)nft_put_repairs(&batch, desired, &actual);
	fprintf(out, "%s\n", actual.difference);
	print_heads(&batch);
}

static size_t piece_of(uint16_t type, unsigned skip)
{
	for (size_t i = 0; i < desired->count; i++)
		if (nft_type(nft_piece_message(desired, &desired->pieces[i])) == type && skip-- == 0)
			return i;
	fail_msg("no piece of type %u", type);
	return 0;
}

static void test_repairs(void **state)
{
	static const uint16_t kinds[] = {NFT_MSG_NEWRULE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWSET, NFT_MSG_NEWOBJ};
	char *text = NULL;
	size_t size;

	(void)state;
	out = open_memstream(&text, &size);
	assert_non_null(out);
	s = policy_case_make(policy_case_named("open-lan"));
	desired->features = (struct nft_features){true, true, true, true, false, 0};
	desired->links[0] = (struct nft_link){.name = "en0", .index = 2};
	desired->link_count = 1;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	nft_desired_links(desired);
	nft_desired_members(desired, &s);
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		char what[64];

		tell_back(piece_of(kinds[i], 1));
		snprintf(what, sizeof what, "without one of type %u", kinds[i]);
		print_repairs(what);
	}
	tell_back(SIZE_MAX);
	actual.table[NFT_NETDEV].flags = 0;
	actual.table[NFT_NETDEV].owner = 0;
	print_repairs("a table that is nobody's");
	tell_back(SIZE_MAX);
	actual.table[NFT_INET].exists = false;
	print_repairs("no table");
	fclose(out);
	compare("repairs", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_standing, begin, teardown),
	    cmocka_unit_test_setup_teardown(test_rules, begin, teardown),
	    cmocka_unit_test_setup_teardown(test_members, begin, teardown),
	    cmocka_unit_test_setup_teardown(test_repairs, begin, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
