/* What the printers of the policy share: a text that never leaves its room, and the words of a rule. */
#include "policy/printer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy_cases.h"

static struct printer printer;
static struct err e;
static char text[512];

static void begin(size_t size)
{
	memset(&printer, 0xff, sizeof printer);
	memset(text, 'x', sizeof text);
	assert_int_equal(printer_open(&printer, text, size, &e), 0);
	assert_string_equal(text, "");
}

static void test_room_for_nothing_is_refused(void **state)
{
	struct situation s = situation_named("open");

	(void)state;
	text[0] = 'x';
	assert_int_equal(printer_open(&printer, text, 0, &e), -1);
	assert_string_equal(e.text, "no room for the rules");
	assert_int_equal(printer_begin(&printer, &s, text, 0, &e), -1);
	assert_int_equal(text[0], 'x');
	assert_int_equal(printer_begin(&printer, &s, text, 1, &e), 0);
	assert_string_equal(text, "");
	assert_int_equal(printer_end(&printer, &e), 0);
	s.tunnel.name[0] = '\0';
	assert_int_equal(printer_begin(&printer, &s, text, 1, &e), -1);
}

/* What fits to its last byte is whole; what does not is cut there, told, and nothing follows. */
static void test_a_text_stays_in_its_room(void **state)
{
	(void)state;
	begin(6);
	printer_add(&printer, "%s", "abc");
	printer_add(&printer, "de");
	assert_string_equal(text, "abcde");
	assert_int_equal(printer_end(&printer, &e), 0);
	begin(5);
	printer_add(&printer, "abc");
	printer_add(&printer, "de");
	printer_add(&printer, "f");
	assert_string_equal(text, "abcd");
	assert_int_equal(text[5], 'x');
	assert_int_equal(printer_end(&printer, &e), -1);
	assert_string_equal(e.text, "the rules do not fit into 5 bytes");
}

/* A reader is told when the row or its reason is another one, and only then. */
static void test_rules_are_introduced_once(void **state)
{
	static const struct rule rules[] = {{.row = 0, .why = "none"},
					    {.row = 2, .why = "one"},
					    {.row = 2, .why = "one"},
					    {.row = 3, .why = "one"},
					    {.row = 3, .why = "other"}};
	char same[] = "other"; /* the same words in another place */
	const struct rule last = {.row = 3, .why = same};

	(void)state;
	begin(sizeof text);
	printer.indent = "\t";
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		printer_introduce(&printer, &rules[i]);
	printer_introduce(&printer, &last);
	assert_string_equal(text, "\t# row 0: none\n\t# row 2: one\n\t# row 3: one\n\t# row 3: other\n");
}

static const char *owner_text(const struct rule *rule, const struct situation *s)
{
	static const struct printer_owner_words words = {" U ", " G ", " root", " { root "};

	begin(sizeof text);
	printer_add_owner(&printer, rule, s, &words);
	return text;
}

/* Whom a rule is for: by number where it is known, by name where it is not, and nobody at all. */
static void test_owners(void **state)
{
	const struct rule anybody = {.owner = OWNER_ANY}, openvpn = {.owner = OWNER_OPENVPN_GROUP},
			  driver = {.owner = OWNER_DRIVER_USER}, dhcp = {.owner = OWNER_DHCP_USERS};
	struct situation s = situation_named("locked-dhcp-user"), names = situation_named("dialling-names");

	(void)state;
	assert_string_equal(owner_text(&anybody, &s), "");
	assert_string_equal(owner_text(&openvpn, &s), " G 777");
	assert_string_equal(owner_text(&openvpn, &names), " G _openvpn");
	assert_string_equal(owner_text(&driver, &s), " U 778");
	assert_string_equal(owner_text(&driver, &names), " U _portcullis");
	assert_string_equal(owner_text(&dhcp, &s), " { root 65 }");
	assert_string_equal(owner_text(&dhcp, &names), " { root _dhcp }");
	names.dhcp_user.number = 0; /* says nothing where it is not known */
	assert_string_equal(owner_text(&dhcp, &names), " { root _dhcp }");
	assert_true(printer_has_owner(&openvpn, &s) && printer_has_owner(&openvpn, &names));
	identity_set(&s.openvpn_group, true, 777, "");
	assert_true(printer_has_owner(&openvpn, &s));
	identity_set(&s.dhcp_user, true, 65, "");
	assert_string_equal(owner_text(&dhcp, &s), " { root 65 }");
	memset(&s.openvpn_group, 0, sizeof s.openvpn_group);
	memset(&s.dhcp_user, 0, sizeof s.dhcp_user);
	assert_string_equal(owner_text(&dhcp, &s), " root");
	assert_false(printer_has_owner(&openvpn, &s));
	assert_true(printer_has_owner(&driver, &s) && printer_has_owner(&dhcp, &s));
	assert_true(printer_has_owner(&anybody, &s));
}

/* The owner of a reply is who could ask. */
static void test_owners_of_replies(void **state)
{
	struct rule reply = {.flow = FLOW_REPLY, .source = SET_ENDPOINT};
	struct situation s = situation_named("dialling-resolver");

	(void)state;
	assert_string_equal(owner_text(&reply, &s), " G 777");
	reply.source = SET_RESOLVER;
	assert_string_equal(owner_text(&reply, &s), " U 778");
	reply.source = SET_NEIGHBOURS;
	assert_string_equal(owner_text(&reply, &s), "");
	reply.source = SET_LINK_LOCAL_OR_NONE; /* where no rule lets anything go */
	assert_string_equal(owner_text(&reply, &s), "");
	reply.source = SET_ANY;
	assert_string_equal(owner_text(&reply, &s), "");
	reply.flow = FLOW_ANY, reply.source = SET_ENDPOINT;
	assert_string_equal(owner_text(&reply, &s), "");
}

/* An address has no length; a list has its mark between two members, and nowhere else. */
static void test_members(void **state)
{
	struct situation s = situation_named("open-dual");

	(void)state;
	begin(sizeof text);
	printer_members(&printer, SET_TUNNEL_ADDRESS, &s, NET_IPV4, "; ");
	printer_add(&printer, "|");
	printer_members(&printer, SET_TUNNEL_ADDRESS, &s, NET_IPV6, "; ");
	printer_add(&printer, "|");
	printer_members(&printer, SET_LINK_LOCAL_OR_NONE, &s, NET_IPV6, "; ");
	printer_add(&printer, "|");
	printer_members(&printer, SET_LINK_LOCAL_OR_NONE, &s, NET_IPV4, "; ");
	assert_string_equal(text, "10.8.0.6|fd00:8::6|::; fe80::/10|");
	begin(sizeof text);
	must(net_prefix_parse("2001:db8::/32", &s.tunnel.networks[0]));
	printer_prefix(&printer, &s.tunnel.networks[0]);
	assert_string_equal(text, "2001:db8::/32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_room_for_nothing_is_refused),
	    cmocka_unit_test(test_a_text_stays_in_its_room),
	    cmocka_unit_test(test_rules_are_introduced_once),
	    cmocka_unit_test(test_owners),
	    cmocka_unit_test(test_owners_of_replies),
	    cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
