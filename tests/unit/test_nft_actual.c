/* The rule set as the kernel reports it: each field that decides what an object does must count, and none
 * else; whose the tables are; and what would put it right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/actual.h"
#include "policy_cases.h"

enum { ROOM = 1024 * 1024, OURS = 4711, OTHERS = 815, OWNED = NFT_TABLE_F_OWNER | NFT_PERSIST };

static struct nft_desired desired;
static struct nft_actual actual;
static struct nft_buffer batch;
static _Alignas(8) uint8_t rooms[3][ROOM], room[2 * NFT_MESSAGE], other_room[2 * NFT_MESSAGE];
static struct nlmsghdr *const dumped = (void *)room;
static struct situation s;
static struct err e;

static void desire(const char *name, struct nft_features features)
{
	s = policy_case_make(policy_case_named(name));
	desired.features = features;
	desired.standing = 0;
	desired.links[0] = (struct nft_link){"en0", 2};
	desired.links[1] = (struct nft_link){"gone0", 0};
	desired.links[2] = (struct nft_link){"en1", 3};
	desired.link_count = 3;
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
	nft_desired_links(&desired);
	nft_desired_members(&desired, &s);
}

static int begin(void **state)
{
	(void)state;
	memset(&desired, 0, sizeof desired);
	memset(&actual, 0, sizeof actual);
	desired.owner = OURS;
	desired.messages = (struct nft_buffer){.bytes = rooms[0], .size = ROOM};
	actual.removals = (struct nft_buffer){.bytes = rooms[1], .size = ROOM};
	batch = (struct nft_buffer){.bytes = rooms[2], .size = ROOM};
	desire("open-gateway-lan", (struct nft_features){true, true, true, true, false, 0});
	return 0;
}

/* The rules are made anew for what they depend on, and refused for whom nobody knows. */
static void test_made_anew(void **state)
{
	struct identity *const who[] = {&s.openvpn_group, &s.driver_user, &s.dhcp_user};

	(void)state;
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 0);
	s.pppoe = !s.pppoe;
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 0);
	s.lacp = !s.lacp;
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		struct identity known = *who[i];

		*who[i] = (struct identity){.known = false};
		strcpy(who[i]->name, "nobody's");
		assert_int_equal(nft_desired_rules(&desired, &s, &e), -1);
		assert_string_equal(e.text, i == 0 ? "group nobody's is not known on this machine"
						   : "user nobody's is not known on this machine");
		*who[i] = known;
	}
}

/* Of nobody there is but one. */
static void test_made_for_whom(void **state)
{
	size_t used;

	(void)state;
	s.openvpn_group = s.driver_user = (struct identity){.known = false, .number = 5};
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
	s.openvpn_group.number = s.driver_user.number = 6;
	assert_int_equal(nft_desired_rules(&desired, &s, &e), 0);
	used = desired.messages.used;
	for (int i = 0; i < 2; i++) {
		struct identity *who = i == 0 ? &s.openvpn_group : &s.driver_user;

		who->known = true;
		assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
		who->known = false;
		assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
		assert_int_equal(desired.messages.used, used); /* in place of those of before */
	}
	for (int i = 0; i < 4; i++) {
		struct identity *who = i % 2 == 0 ? &s.openvpn_group : &s.driver_user;

		*who = (struct identity){.known = true, .number = i < 2 ? 6 : 7};
		assert_int_equal(nft_desired_rules(&desired, &s, &e), 1);
		assert_int_equal(nft_desired_rules(&desired, &s, &e), 0);
	}
}

/* What stands in no table of ours is no set of ours. */
static void test_sets_of_tables(void **state)
{
	(void)state;
	for (unsigned with = 0; with < 8; with++) {
		struct nft_features features = {.egress = with & 1, .bridge = with & 2, .ipv6 = true};

		desire(with & 4 ? "open-gateway-lan" : "open-lan", features);
		for (unsigned i = 0; i < NFT_SETS; i++)
			if (!nft_is_used(&desired, nft_sets[i].table))
				assert_false(nft_has_set(&desired, i) || nft_is_filled(&desired, i));
		assert_int_equal(nft_is_used(&desired, NFT_NETDEV), with & 1);
		assert_int_equal(nft_is_used(&desired, NFT_BRIDGE), (with & 6) == 6);
	}
}

/* What has no place is said. */
static void test_more_pieces_than_places(void **state)
{
	size_t used = desired.messages.used;

	(void)state;
	assert_false(desired.messages.full);
	nft_desired_links(&desired); /* in place of those of before */
	assert_int_equal(desired.messages.used, used);
	desired.standing = desired.count = NFT_PIECES - 4 * 2;
	nft_desired_links(&desired);
	assert_false(desired.messages.full);
	desired.standing = desired.count = NFT_PIECES - 4 * 2 + 1;
	nft_desired_links(&desired);
	assert_true(desired.messages.full);
	assert_int_equal(desired.count, NFT_PIECES);
}

/* By its kind, its table and its name. */
static void test_link_of(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		const char *name;
		int link;
	} rows[] = {{NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "link_2", 0},
		    {NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "link_3", 2},
		    {NFT_MSG_NEWRULE, NFPROTO_NETDEV, "link_3", 2},
		    {NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "link_4", -1},
		    {NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "egress", -1},
		    {NFT_MSG_NEWCHAIN, NFPROTO_INET, "link_2", -1},
		    {NFT_MSG_NEWSET, NFPROTO_NETDEV, "link_2", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct nft_buffer b = {.bytes = room, .size = sizeof room};
		struct nlmsghdr *m = nft_message(&b, rows[i].type, 0, rows[i].family);

		nft_put_text(m, nft_name_type(m), rows[i].name);
		assert_int_equal(nft_link_of(&desired, m), rows[i].link);
	}
}

static void test_a_pause_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		nft_desired_pause(&desired);
		assert_int_equal(desired.members[NFT_PAUSED].count, 2);
		assert_int_equal(desired.members[NFT_PAUSED_LINKS].count, 8);
	}
}

/* --- fields ------------------------------------------------------------------------------- */

static struct nlmsghdr *dump_of(const struct nlmsghdr *wanted)
{
	memset(room, 0, sizeof room);
	memcpy(room, wanted, wanted->nlmsg_len);
	return dumped;
}

static bool decides(uint16_t type, uint16_t attribute)
{
	switch (type) {
	case NFT_MSG_NEWCHAIN:
		return attribute == NFTA_CHAIN_NAME || attribute == NFTA_CHAIN_HOOK ||
		       attribute == NFTA_CHAIN_POLICY || attribute == NFTA_CHAIN_TYPE;
	case NFT_MSG_NEWRULE:
		return attribute == NFTA_RULE_CHAIN || attribute == NFTA_RULE_EXPRESSIONS;
	case NFT_MSG_NEWOBJ:
		return attribute == NFTA_OBJ_NAME || attribute == NFTA_OBJ_TYPE;
	default:
		return attribute == NFTA_SET_NAME || attribute == NFTA_SET_FLAGS ||
		       attribute == NFTA_SET_KEY_TYPE || attribute == NFTA_SET_KEY_LEN ||
		       attribute == NFTA_SET_DATA_TYPE || attribute == NFTA_SET_TIMEOUT ||
		       attribute == NFTA_SET_OBJ_TYPE || attribute == NFTA_SET_EXPR ||
		       attribute == NFTA_SET_EXPRESSIONS || attribute == NFTA_SET_DESC;
	}
}

static bool is_object(const struct nlmsghdr *m)
{
	return nft_type(m) != NFT_MSG_NEWTABLE;
}

/* Each value of the kernel's answer, one bit otherwise. */
static void change_values(const struct nlmsghdr *wanted, struct attributes list, bool counts)
{
	for (const struct nlattr *a = attributes_first(list); a != NULL; a = attributes_next(list, a)) {
		uint8_t *bytes = mnl_attr_get_payload(a);

		if (a->nla_type & NLA_F_NESTED) {
			change_values(wanted, attributes_inside(a), counts);
			continue;
		}
		for (size_t i = 0; i < mnl_attr_get_payload_len(a); i++) {
			bytes[i] ^= 1;
			assert_int_equal(nft_same_object(wanted, dumped), !counts);
			bytes[i] ^= 1;
		}
	}
}

static void test_each_value(void **state)
{
	static const struct nft_features all[] = {{true, true, true, true, false, 0},
						  {true, true, true, true, true, 0}};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		desire(k == 0 ? "open-gateway-lan" : "open-dual", all[k]);
		for (size_t i = 0; i < desired.count; i++) {
			const struct nlmsghdr *wanted = nft_piece_message(&desired, &desired.pieces[i]);
			struct attributes list = nft_attributes(dump_of(wanted));

			if (!is_object(wanted))
				continue;
			assert_true(nft_same_object(wanted, dumped));
			for (const struct nlattr *a = attributes_first(list); a != NULL;
			     a = attributes_next(list, a)) {
				struct attributes one = {a, MNL_ALIGN(a->nla_len)};

				change_values(wanted, one, decides(nft_type(wanted), mnl_attr_get_type(a)));
			}
			dumped->nlmsg_type ^= NFT_MSG_NEWRULE ^ NFT_MSG_NEWSETELEM;
			assert_false(nft_same_object(wanted, dumped));
		}
	}
}

/* Puts one more attribute of 8 bytes at the end of what `in` holds (0: at the end of the message). */
static void insert(struct nlmsghdr *m, uint16_t in, uint16_t type, uint32_t value)
{
	const struct nlattr a = {.nla_len = sizeof a + sizeof value, .nla_type = type};
	const struct nlattr *outer = attributes_find(nft_attributes(m), in);
	size_t at = m->nlmsg_len;

	if (outer != NULL) {
		uint16_t length = (uint16_t)(outer->nla_len + a.nla_len);

		at = (size_t)((const uint8_t *)outer - (const uint8_t *)m);
		memcpy((uint8_t *)m + at, &length, sizeof length);
		at += MNL_ALIGN(length) - a.nla_len;
	}
	memmove((uint8_t *)m + at + a.nla_len, (uint8_t *)m + at, m->nlmsg_len - at);
	memcpy((uint8_t *)m + at, &a, sizeof a);
	memcpy((uint8_t *)m + at + sizeof a, &value, sizeof value);
	m->nlmsg_len += a.nla_len;
}

static bool same_with(const struct nlmsghdr *wanted, uint16_t in, uint16_t type, uint32_t value)
{
	(void)dump_of(wanted);
	insert(dumped, in, type, value);
	return nft_same_object(wanted, dumped);
}

/* One that stands at the kernel only, or is only wanted; a zero is a default that is spelled out. */
static void test_one_more_field(void **state)
{

	(void)state;
	for (size_t i = 0; i < desired.count; i++) {
		const struct nlmsghdr *wanted = nft_piece_message(&desired, &desired.pieces[i]);
		struct attributes list = nft_attributes(wanted);

		if (!is_object(wanted))
			continue;
		for (uint16_t type = 1; type < 70; type++) {
			if (attributes_find(list, type) != NULL)
				continue;
			assert_int_equal(same_with(wanted, 0, type, 1), !decides(nft_type(wanted), type));
			assert_true(same_with(wanted, 0, type, 0));
			(void)dump_of(wanted);
			memcpy(other_room, room, sizeof room);
			insert((void *)other_room, 0, type, 1);
			assert_int_equal(nft_same_object((void *)other_room, dumped),
					 !decides(nft_type(wanted), type));
		}
		for (const struct nlattr *a = attributes_first(list); a != NULL;
		     a = attributes_next(list, a)) {
			bool is_hook =
			    nft_type(wanted) == NFT_MSG_NEWCHAIN && mnl_attr_get_type(a) == NFTA_CHAIN_HOOK;

			if (!(a->nla_type & NLA_F_NESTED) || !decides(nft_type(wanted), mnl_attr_get_type(a)))
				continue;
			for (uint16_t type = 1; type < 70; type++) {
				assert_true(same_with(wanted, mnl_attr_get_type(a), type, 0));
				assert_int_equal(same_with(wanted, mnl_attr_get_type(a), type, 1),
						 is_hook && type == NFTA_HOOK_DEVS);
			}
		}
	}
}

/* The same bytes, and one more or one fewer. */
static void test_each_length(void **state)
{
	static const char value[] = "blocked\0x";
	const struct nlmsghdr *wanted = nft_piece_message(&desired, &desired.pieces[1]);

	(void)state;
	assert_string_equal(nft_text(wanted, NFTA_OBJ_NAME), value);
	for (size_t size = sizeof "blocked" - 1; size <= sizeof "blocked" + 1; size++) {
		struct nft_buffer b = {.bytes = room, .size = sizeof room};
		struct nlmsghdr *m;

		memset(room, 0, sizeof room);
		m = nft_message_of(&b, &desired.features, NFT_INET, NFT_MSG_NEWOBJ, 0);
		nft_put(m, NFTA_OBJ_NAME, value, size);
		nft_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
		assert_int_equal(nft_same_object(wanted, m), size == sizeof "blocked");
	}
}

/* Nothing of ours is nested deeper than that; what is, is never the same. */
static void test_how_deep(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 12; depth++) {
		struct nft_buffer b = {.bytes = room, .size = sizeof room};
		struct nlmsghdr *m = nft_message_of(&b, &desired.features, NFT_INET, NFT_MSG_NEWRULE, 0);
		struct nlattr *nests[12];

		for (unsigned i = 0; i < depth; i++)
			nests[i] = nft_nest_begin(m, i == 0 ? NFTA_RULE_EXPRESSIONS : NFTA_LIST_ELEM);
		nft_put_u8(m, NFTA_EXPR_NAME, 1);
		for (unsigned i = depth; i-- > 0;)
			nft_nest_end(m, nests[i]);
		assert_int_equal(nft_same_object(m, m), depth <= 8);
	}
}

/* --- whose the tables are --------------------------------------------------------------------- */

/* The kernel's answer: all that is desired, but for one piece. */
static void read_all_but(size_t but)
{
	nft_actual_begin(&actual, &desired);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_is_used(&desired, i)) {
			actual.table[i].exists = true;
			actual.table[i].flags = OWNED;
			actual.table[i].owner = OURS;
		}
	for (size_t i = 0; i < desired.count; i++) {
		const struct nlmsghdr *m = nft_piece_message(&desired, &desired.pieces[i]);

		if (i != but && is_object(m))
			nft_actual_object(&actual, &desired, m);
	}
}

static void end_reading(void)
{
	nft_actual_end(&actual, &desired);
	nft_buffer_empty(&batch);
}

static void test_all_of_it(void **state)
{
	(void)state;
	read_all_but(SIZE_MAX);
	end_reading();
	assert_true(nft_actual_whole(&actual, &desired));
	assert_string_equal(actual.difference, "");
	assert_false(nft_put_repairs(&batch, &desired, &actual));
	for (size_t i = 0; i < desired.count; i++) {
		unsigned table = desired.pieces[i].table;

		if (!is_object(nft_piece_message(&desired, &desired.pieces[i])))
			continue;
		read_all_but(i);
		end_reading();
		assert_false(nft_actual_whole(&actual, &desired));
		for (unsigned k = 0; k < NFT_TABLES; k++)
			assert_int_equal(actual.table[k].differs, k == table);
		assert_string_not_equal(actual.difference, "");
		assert_true(nft_put_repairs(&batch, &desired, &actual));
	}
	nft_actual_begin(&actual, &desired);
	assert_false(nft_actual_any(&actual) || nft_actual_whole(&actual, &desired));
	for (size_t i = 0; i < desired.count; i++)
		assert_false(desired.pieces[i].present);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		assert_false(actual.table[i].differs);
	assert_string_equal(actual.difference, "");
}

static void test_tables(void **state)
{
	static const struct {
		uint32_t flags, owner;
		bool whole, foreign, repaired;
	} rows[] = {
	    {OWNED, OURS, true, false, false},
	    {OWNED, OTHERS, false, true, true},
	    {NFT_TABLE_F_OWNER, OURS, false, false, true}, /* it would go with us */
	    {NFT_TABLE_F_OWNER, OTHERS, false, true, true},
	    {OWNED, 0, false, false, true},
	    {NFT_PERSIST, OTHERS, false, false, true},
	    {NFT_PERSIST, 0, false, false, true},
	    {OWNED | NFT_TABLE_F_DORMANT, OURS, false, false, true}, /* it filters nothing */
	    {0, 0, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (unsigned table = 0; table < NFT_TABLES; table++) {
			struct nlmsghdr *m = (void *)batch.bytes;

			read_all_but(SIZE_MAX);
			nft_buffer_empty(&batch);
			m = nft_message(&batch, NFT_MSG_NEWTABLE, 0, nft_family(&desired.features, table));
			nft_put_be32(m, NFTA_TABLE_FLAGS, rows[i].flags);
			nft_put_be32(m, NFTA_TABLE_OWNER, rows[i].owner);
			nft_message_end(&batch, m);
			actual.table[table].exists = false;
			nft_actual_table(&actual, table, m);
			end_reading();
			assert_true(actual.table[table].exists);
			assert_int_equal(actual.table[table].flags, rows[i].flags);
			assert_int_equal(actual.table[table].owner, rows[i].owner);
			assert_int_equal(nft_actual_whole(&actual, &desired), rows[i].whole);
			assert_int_equal(nft_actual_is_foreign(&actual, &desired, table), rows[i].foreign);
			assert_int_equal(nft_actual_foreign(&actual, &desired), rows[i].foreign ? OTHERS : 0);
			assert_true(nft_actual_removable(&actual, &desired));
			assert_int_equal(nft_put_repairs(&batch, &desired, &actual), rows[i].repaired);
			assert_false(actual.table[table].differs);
		}
}

static void test_which_tables_stand(void **state)
{
	(void)state;
	for (unsigned table = 0; table < NFT_TABLES; table++) {
		nft_actual_begin(&actual, &desired);
		actual.table[table].exists = true;
		actual.table[table].flags = OWNED;
		actual.table[table].owner = OTHERS;
		assert_true(nft_actual_any(&actual));
		assert_false(nft_actual_removable(&actual, &desired));
		actual.table[table].owner = OURS;
		assert_true(nft_actual_removable(&actual, &desired));
		actual.table[table].exists = false;
		assert_false(nft_actual_any(&actual) || nft_actual_removable(&actual, &desired));
		read_all_but(SIZE_MAX);
		actual.table[table].exists = false;
		end_reading();
		assert_false(nft_actual_whole(&actual, &desired));
		assert_true(actual.table[table].differs);
	}
}

/* --- what puts it right ------------------------------------------------------------------------ */

/* The messages of a batch, of a type and a table's family (0: any). */
static unsigned count_of(uint16_t type, uint8_t family)
{
	const struct nlmsghdr *m = (const void *)batch.bytes;
	unsigned count = 0;

	for (int left = (int)batch.used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		count += nft_type(m) == type && (family == 0 || nft_family_of(m) == family);
	return count;
}

static const struct nlmsghdr *first_of(uint16_t type)
{
	const struct nlmsghdr *m = (const void *)batch.bytes;

	for (int left = (int)batch.used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (nft_type(m) == type)
			return m;
	fail_msg("no message of type %u", type);
	return NULL;
}

/* Hands change first, and alone; a table that stands without `persist` is given no owner. */
static void test_hands(void **state)
{
	static const struct {
		uint32_t flags, given;
		bool persist;
	} rows[] = {{OWNED, OWNED, true},
		    {NFT_PERSIST, OWNED, true},
		    {NFT_TABLE_F_OWNER, 0, true},
		    {OWNED, 0, false},
		    {NFT_PERSIST, 0, false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		desired.features.persist = rows[i].persist;
		read_all_but(SIZE_MAX);
		for (unsigned k = 0; k < NFT_TABLES; k++)
			actual.table[k].flags = rows[i].flags, actual.table[k].owner = OTHERS;
		actual.table[NFT_NETDEV].exists = false;
		end_reading();
		assert_true(nft_put_repairs(&batch, &desired, &actual));
		assert_int_equal(count_of(NFT_MSG_NEWTABLE, NFPROTO_INET), 1);
		assert_int_equal(count_of(NFT_MSG_NEWTABLE, NFPROTO_BRIDGE), 1);
		assert_int_equal(count_of(NFT_MSG_NEWTABLE, NFPROTO_NETDEV), 0);
		assert_int_equal(count_of(NFT_MSG_NEWRULE, 0), 0);
		assert_int_equal(nft_number(nft_attributes(first_of(NFT_MSG_NEWTABLE)), NFTA_TABLE_FLAGS),
				 rows[i].given);
	}
}

static void test_a_new_table(void **state)
{
	(void)state;
	read_all_but(SIZE_MAX);
	actual.table[NFT_NETDEV].exists = false;
	actual.table[NFT_NETDEV].flags = 0;
	end_reading();
	assert_true(nft_put_repairs(&batch, &desired, &actual));
	assert_int_equal(count_of(NFT_MSG_NEWTABLE, 0), 1);
	assert_int_equal(nft_number(nft_attributes(first_of(NFT_MSG_NEWTABLE)), NFTA_TABLE_FLAGS), OWNED);
	assert_int_equal(count_of(NFT_MSG_DELRULE, 0), 0);
}

/* Where the kernel has no `persist` nobody owns our tables, and that is whole; an owner's would go with it.
 */
static void test_whole_without_an_owner(void **state)
{
	static const struct {
		uint32_t flags;
		bool whole;
	} rows[] = {{0, true}, {0x8, true}, {NFT_PERSIST, true}, {OWNED, true}, {NFT_TABLE_F_OWNER, false}};

	(void)state;
	desired.owner = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		read_all_but(SIZE_MAX);
		for (unsigned k = 0; k < NFT_TABLES; k++)
			actual.table[k].flags = rows[i].flags, actual.table[k].owner = 0;
		end_reading();
		assert_int_equal(nft_actual_whole(&actual, &desired), rows[i].whole);
	}
}

/* A gateway's table goes with the gateway. */
static void test_the_bridge(void **state)
{
	(void)state;
	desire("open-lan", desired.features);
	read_all_but(SIZE_MAX);
	end_reading();
	assert_false(nft_put_repairs(&batch, &desired, &actual));
	assert_true(nft_actual_whole(&actual, &desired));
	actual.table[NFT_BRIDGE].exists = actual.table[NFT_BRIDGE].differs = true;
	actual.table[NFT_BRIDGE].flags = NFT_PERSIST; /* and is not made ours first */
	assert_true(nft_put_repairs(&batch, &desired, &actual));
	assert_int_equal(count_of(NFT_MSG_DELTABLE, NFPROTO_BRIDGE), 1);
	assert_int_equal(batch.used, ((const struct nlmsghdr *)(void *)batch.bytes)->nlmsg_len);
}

static void test_members(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NFT_SETS; i++) {
		read_all_but(SIZE_MAX);
		end_reading();
		actual.set_differs[i] = true;
		assert_int_equal(nft_put_repairs(&batch, &desired, &actual), nft_is_filled(&desired, i));
		nft_actual_begin(&actual, &desired);
		assert_false(actual.set_differs[i]);
	}
}

static void put_stranger(uint16_t type, uint8_t family, const char *table, uint16_t attribute, uint32_t value)
{
	struct nft_buffer b = {.bytes = room, .size = sizeof room};
	struct nlmsghdr *m;

	memset(room, 0, sizeof room);
	m = nft_message(&b, type, 0, family);
	nft_put_text(m, NFTA_CHAIN_TABLE, table);
	nft_put_text(m, nft_name_type(m), "strange");
	if (attribute != 0)
		nft_put_be32(m, attribute, value);
	nft_message_end(&b, m);
	nft_actual_object(&actual, &desired, m);
}

/* What nobody wants is removed, but rules (which go together), what is part of a rule, and others' tables. */
static void test_strangers(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		const char *table;
		uint16_t attribute;
		uint32_t value;
		uint16_t removal; /* 0: none */
		bool differs;
	} rows[] = {
	    {NFT_MSG_NEWCHAIN, NFPROTO_INET, "portcullis", 0, 0, NFT_MSG_DELCHAIN, true},
	    {NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "portcullis", 0, 0, NFT_MSG_DELCHAIN, true},
	    {NFT_MSG_NEWCHAIN, NFPROTO_BRIDGE, "portcullis", 0, 0, NFT_MSG_DELCHAIN, true},
	    {NFT_MSG_NEWCHAIN, NFPROTO_INET, "portcullis", NFTA_CHAIN_FLAGS, 3, NFT_MSG_DELCHAIN, true},
	    {NFT_MSG_NEWCHAIN, NFPROTO_INET, "portcullis", NFTA_CHAIN_FLAGS, 4, 0, false},
	    {NFT_MSG_NEWSET, NFPROTO_INET, "portcullis", NFTA_SET_FLAGS, 2, NFT_MSG_DELSET, true},
	    {NFT_MSG_NEWSET, NFPROTO_INET, "portcullis", NFTA_SET_FLAGS, NFT_SET_ANONYMOUS, 0, false},
	    {NFT_MSG_NEWOBJ, NFPROTO_INET, "portcullis", NFTA_OBJ_TYPE, 5, NFT_MSG_DELOBJ, true},
	    {NFT_MSG_NEWRULE, NFPROTO_INET, "portcullis", 0, 0, 0, true},
	    {NFT_MSG_NEWCHAIN, NFPROTO_INET, "filter", 0, 0, 0, false},
	    {NFT_MSG_NEWCHAIN, NFPROTO_ARP, "portcullis", 0, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		read_all_but(SIZE_MAX);
		put_stranger(rows[i].type, rows[i].family, rows[i].table, rows[i].attribute, rows[i].value);
		end_reading();
		assert_int_equal(nft_put_repairs(&batch, &desired, &actual), rows[i].differs);
		assert_int_equal(actual.difference[0] != '\0', rows[i].differs);
		if (rows[i].differs)
			assert_int_equal(count_of(NFT_MSG_DELRULE, rows[i].family), 1);
		assert_int_equal(actual.removals.used != 0, rows[i].removal != 0);
		if (rows[i].differs) /* what a rule jumps to can't be removed before it */
			assert_int_equal(nft_type((const void *)batch.bytes), NFT_MSG_DELRULE);
		if (rows[i].removal == 0)
			continue;
		assert_int_equal(count_of(rows[i].removal, rows[i].family), 1);
		assert_string_equal(nft_text(first_of(rows[i].removal), NFTA_CHAIN_TABLE), "portcullis");
		assert_string_equal(
		    nft_text(first_of(rows[i].removal), nft_name_type(first_of(rows[i].removal))), "strange");
		if (rows[i].type == NFT_MSG_NEWOBJ)
			assert_int_equal(nft_number(nft_attributes(first_of(rows[i].removal)), NFTA_OBJ_TYPE),
					 5);
	}
}

/* A chain whose policy is wrong is set right where it stands; one whose hook is wrong goes and comes. */
static void test_a_chain_that_differs(void **state)
{
	static const uint16_t fields[] = {NFTA_CHAIN_POLICY, NFTA_CHAIN_HOOK};
	size_t place = 0;
	const struct nlmsghdr *wanted;

	(void)state;
	do
		wanted = nft_piece_message(&desired, &desired.pieces[++place]);
	while (nft_type(wanted) != NFT_MSG_NEWCHAIN || strcmp(nft_text(wanted, NFTA_CHAIN_NAME), "out") != 0);
	for (size_t i = 0; i < 2; i++) {
		const struct nlattr *a;

		read_all_but(place);
		a = attributes_find(nft_attributes(dump_of(wanted)), fields[i]);
		((uint8_t *)mnl_attr_get_payload(a))[i == 0 ? 3 : 7] ^= 1;
		nft_actual_object(&actual, &desired, dumped);
		end_reading();
		assert_true(nft_put_repairs(&batch, &desired, &actual));
		assert_int_equal(count_of(NFT_MSG_DELCHAIN, 0), i);
		assert_int_equal(count_of(NFT_MSG_NEWCHAIN, 0), 1);
		assert_string_equal(actual.difference, "chain out");
	}
}

/* A set is none that can be set right: it goes and comes. */
static void test_a_set_that_differs(void **state)
{
	const struct nlmsghdr *wanted = nft_piece_message(&desired, &desired.pieces[2]);

	(void)state;
	assert_int_equal(nft_type(wanted), NFT_MSG_NEWSET);
	read_all_but(2);
	((uint8_t *)mnl_attr_get_payload(
	    attributes_find(nft_attributes(dump_of(wanted)), NFTA_SET_KEY_LEN)))[3] ^= 1;
	nft_actual_object(&actual, &desired, dumped);
	end_reading();
	assert_true(nft_put_repairs(&batch, &desired, &actual));
	assert_int_equal(count_of(NFT_MSG_DELSET, 0), 1);
	assert_int_equal(count_of(NFT_MSG_NEWSET, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_made_anew, begin),
	    cmocka_unit_test_setup(test_made_for_whom, begin),
	    cmocka_unit_test_setup(test_link_of, begin),
	    cmocka_unit_test_setup(test_a_pause_again, begin),
	    cmocka_unit_test_setup(test_sets_of_tables, begin),
	    cmocka_unit_test_setup(test_more_pieces_than_places, begin),
	    cmocka_unit_test_setup(test_each_value, begin),
	    cmocka_unit_test_setup(test_one_more_field, begin),
	    cmocka_unit_test_setup(test_each_length, begin),
	    cmocka_unit_test_setup(test_how_deep, begin),
	    cmocka_unit_test_setup(test_all_of_it, begin),
	    cmocka_unit_test_setup(test_tables, begin),
	    cmocka_unit_test_setup(test_which_tables_stand, begin),
	    cmocka_unit_test_setup(test_hands, begin),
	    cmocka_unit_test_setup(test_a_new_table, begin),
	    cmocka_unit_test_setup(test_whole_without_an_owner, begin),
	    cmocka_unit_test_setup(test_the_bridge, begin),
	    cmocka_unit_test_setup(test_members, begin),
	    cmocka_unit_test_setup(test_strangers, begin),
	    cmocka_unit_test_setup(test_a_chain_that_differs, begin),
	    cmocka_unit_test_setup(test_a_set_that_differs, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
