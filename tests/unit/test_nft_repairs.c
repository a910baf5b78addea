/* A kernel's rules compared with those that are wanted: what is missed, what is left alone, and what goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft_policy.h"

/* The kernel tells back what it was told, but for the piece at `but`. */
static void look(size_t but)
{
	assert_true(nft_desired_rules(desired, &s, &e) >= 0);
	nft_desired_members(desired, &s);
	nft_actual_begin(&actual, desired);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		actual.table[i].exists = nft_is_used(desired, i);
		actual.table[i].flags = NFT_TABLE_F_OWNER | NFT_PERSIST;
		actual.table[i].owner = OURS;
	}
	for (size_t i = 0; i < desired->count; i++)
		if (i != but && nft_type(nft_piece_message(desired, &desired->pieces[i])) != NFT_MSG_NEWTABLE)
			nft_actual_object(&actual, desired, nft_piece_message(desired, &desired->pieces[i]));
}

static bool needs_repairs(void)
{
	nft_actual_end(&actual, desired);
	nft_buffer_empty(&batch);
	return nft_put_repairs(&batch, desired, &actual);
}

static unsigned count_in(const struct nft_buffer *b, uint16_t type)
{
	const struct nlmsghdr *m = (const void *)b->bytes;
	unsigned count = 0;

	for (int left = (int)b->used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		count += nft_type(m) == type;
	return count;
}

static void test_what_is_as_wanted_is_left_alone(void **state)
{
	(void)state;
	look(SIZE_MAX);
	assert_false(needs_repairs());
	assert_int_equal(batch.used, 0);
	assert_string_equal(actual.difference, "");
	assert_int_equal(nft_actual_foreign(&actual, desired), 0);
}

static void test_each_missing_piece_is_missed(void **state)
{
	size_t tried = 0;

	(void)state;
	look(SIZE_MAX);
	for (size_t i = 0; i < desired->count; i++) {
		const struct nlmsghdr *m = nft_piece_message(desired, &desired->pieces[i]);

		if (nft_type(m) == NFT_MSG_NEWTABLE)
			continue;
		look(i);
		assert_true(needs_repairs());
		assert_true(actual.difference[0] != '\0');
		assert_true(count_in(&batch, nft_type(m)) >= 1);
		assert_int_equal(count_in(&batch, NFT_MSG_DELRULE), 1); /* all rules of the table */
		tried++;
	}
	assert_true(tried > 80);
}

static unsigned members_put_into(const char *set)
{
	const struct nlmsghdr *m = (const void *)batch.bytes;
	unsigned count = 0;

	for (int left = (int)batch.used; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		count += (nft_type(m) == NFT_MSG_NEWSETELEM || nft_type(m) == NFT_MSG_DELSETELEM) &&
			 strcmp(nft_text(m, NFTA_SET_ELEM_LIST_SET), set) == 0;
	return count;
}

/* However much is put right, who has asked is not forgotten. */
static void test_what_packets_fill_is_left_alone(void **state)
{
	(void)state;
	look(SIZE_MAX);
	for (unsigned i = 0; i < NFT_SETS; i++) {
		actual.set_differs[i] = true;
		assert_int_equal(nft_is_filled(desired, i),
				 nft_has_set(desired, i) && i != NFT_CLAIMED && i != NFT_ASKED);
	}
	actual.table[NFT_INET].differs = true;
	assert_true(needs_repairs());
	assert_true(members_put_into("lan4") > 0 && members_put_into("paused") > 0);
	assert_int_equal(members_put_into("claimed") + members_put_into("asked"), 0);
	assert_int_equal(count_in(&batch, NFT_MSG_DELSET), 0);
}

/* A set with another room, or whose members live for another time, is not the one that is wanted. */
static void test_sets_that_packets_fill_are_compared(void **state)
{
	static _Alignas(8) uint8_t room[NFT_MESSAGE];
	static const uint16_t deciding[] = {NFTA_SET_DESC, NFTA_SET_TIMEOUT, NFTA_SET_FLAGS};
	struct nlmsghdr *copy = (void *)room;
	unsigned sets = 0;

	(void)state;
	assert_int_equal(nft_desired_rules(desired, &s, &e), 1);
	for (size_t i = 0; i < desired->count; i++) {
		const struct nlmsghdr *m = nft_piece_message(desired, &desired->pieces[i]);

		if (nft_type(m) != NFT_MSG_NEWSET || (strcmp(nft_text(m, NFTA_SET_NAME), "claimed") != 0 &&
						      strcmp(nft_text(m, NFTA_SET_NAME), "asked") != 0))
			continue;
		memcpy(copy, m, m->nlmsg_len);
		for (size_t k = 0; k < sizeof deciding / sizeof deciding[0]; k++) {
			const struct nlattr *a = attributes_find(nft_attributes(m), deciding[k]);
			size_t last = (size_t)((const char *)a - (const char *)m) + a->nla_len - 1;

			room[last] ^= 1;
			assert_false(nft_same_object(m, copy));
			room[last] ^= 1;
		}
		assert_true(nft_same_object(m, copy));
		sets++;
	}
	assert_int_equal(sets, 2);
}

static void test_what_is_foreign_goes(void **state)
{
	struct nft_buffer other = {.full = false};
	struct nlmsghdr *m;

	(void)state;
	make_buffer(&other);
	look(SIZE_MAX);
	m = nft_message_of(&other, &desired->features, NFT_INET, NFT_MSG_NEWCHAIN, 0);
	mnl_attr_put_strz(m, NFTA_CHAIN_NAME, "intruder");
	nft_actual_object(&actual, desired, m);
	assert_true(needs_repairs());
	assert_string_equal(actual.difference, "chain intruder");
	assert_int_equal(count_in(&batch, NFT_MSG_DELCHAIN), 1);
	assert_int_equal(count_in(&batch, NFT_MSG_NEWCHAIN), 0);
	/* of another family: not ours */
	look(SIZE_MAX);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family = NFPROTO_ARP;
	nft_actual_object(&actual, desired, m);
	assert_false(needs_repairs());
	free(other.bytes);
}

/* A kernel has names of 256 bytes at most; who speaks in its place may say anything. */
static void test_names_of_any_length(void **state)
{
	static const size_t lengths[] = {1, 255, 256, 257, 16 * 1024 - 64, 16 * 1024, 60000};
	struct nft_buffer other = {.full = false};
	char *name = calloc(1, 64 * 1024);

	(void)state;
	make_buffer(&other);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct nlmsghdr *m;

		look(SIZE_MAX);
		nft_buffer_empty(&other);
		memset(name, 0, 64 * 1024);
		memset(name, 'A', lengths[i]);
		m = nft_message_of(&other, &desired->features, NFT_INET, NFT_MSG_NEWSET, 0);
		mnl_attr_put_strz(m, NFTA_SET_NAME, name);
		nft_actual_object(&actual, desired, m);
		assert_true(needs_repairs());
		assert_true(actual.removals.used <= NFT_MESSAGE);
		assert_int_equal(count_in(&batch, NFT_MSG_DELSET), 1);
		assert_true(strlen(nft_text(m, NFTA_SET_NAME)) < NFT_TEXT);
		assert_int_equal(strlen(nft_text(m, NFTA_SET_NAME)), lengths[i] < NFT_TEXT ? lengths[i] : 0);
	}
	free(name);
	free(other.bytes);
}

/* What has no room is said, never written. */
static void test_builders_do_not_go_past_their_room(void **state)
{
	static uint8_t big[NFT_MESSAGE];
	_Alignas(8) static uint8_t bytes[NFT_MESSAGE + 64];
	struct nft_buffer b = {.bytes = bytes, .size = NFT_MESSAGE};
	struct nlmsghdr *m;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	memset(bytes + NFT_MESSAGE, 0x5a, 64);
	for (int i = 0; i < 4; i++) {
		struct nlattr *nest;

		nft_buffer_empty(&b);
		m = nft_message(&b, NFT_MSG_NEWSET, 0, NFPROTO_INET);
		nft_put(m, 1, big, NFT_MESSAGE - 24 - 4); /* all that fits */
		assert_int_equal(m->nlmsg_len, NFT_MESSAGE - 4);
		if (i == 0)
			nft_put_text(m, 2, (const char *)big);
		else if (i == 1)
			nft_put_be64(m, 2, 1);
		else if (i == 2)
			nft_put_data(m, 2, big, 16);
		nest = i == 3 ? nft_nest_begin(m, 2) : NULL;
		if (i == 3)
			nft_put_u8(m, 3, 1);
		nft_nest_end(m, nest);
		nft_message_end(&b, m);
		assert_true(b.full);
		for (size_t k = NFT_MESSAGE; k < sizeof bytes; k++)
			assert_int_equal(bytes[k], 0x5a);
	}
}

/* Shorter than what each message begins with: nothing is read behind its end. */
static void test_short_messages_say_nothing(void **state)
{
	(void)state;
	look(SIZE_MAX);
	for (uint32_t size = sizeof(struct nlmsghdr); size < sizeof(struct nlmsghdr) + 8; size++) {
		struct nlmsghdr *m = malloc(size); /* its end is watched by the sanitizer */

		memset(m, 0xff, size);
		m->nlmsg_len = size;
		m->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET;
		if (size < sizeof *m + sizeof(struct nfgenmsg)) {
			assert_int_equal(nft_family_of(m), NFPROTO_UNSPEC);
			assert_int_equal(nft_generation_of(m), 0);
		}
		assert_string_equal(nft_text(m, NFTA_SET_NAME), "");
		nft_actual_object(&actual, desired, m);
		free(m);
	}
	assert_false(needs_repairs());
}

static void test_tables_are_adopted(void **state)
{
	(void)state;
	look(SIZE_MAX);
	actual.table[NFT_INET].owner = 0;
	assert_int_equal(nft_actual_foreign(&actual, desired), 0);
	assert_true(needs_repairs());
	assert_int_equal(count_in(&batch, NFT_MSG_NEWTABLE), 1);
	assert_int_equal(count_in(&batch, NFT_MSG_DELRULE), 0); /* only the table changes hands */
	actual.table[NFT_NETDEV].owner = 99;
	assert_int_equal(nft_actual_foreign(&actual, desired), 99);
	/* without persist it can't be made ours, and stays as it is */
	look(SIZE_MAX);
	actual.table[NFT_INET].flags = actual.table[NFT_INET].owner = 0;
	assert_false(needs_repairs());
}

/* The table of a gateway that is none any more goes, whatever is in it. */
static void test_a_gateway_that_was_is_removed(void **state)
{
	(void)state;
	look(SIZE_MAX);
	actual.table[NFT_BRIDGE].exists = true;
	assert_true(needs_repairs());
	assert_int_equal(count_in(&batch, NFT_MSG_DELTABLE), 1);
	assert_int_equal(count_in(&batch, NFT_MSG_DELRULE), 0);
	be_gateway();
	look(SIZE_MAX);
	assert_false(needs_repairs());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_what_is_as_wanted_is_left_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_each_missing_piece_is_missed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_packets_fill_is_left_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sets_that_packets_fill_are_compared, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_foreign_goes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_names_of_any_length, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_builders_do_not_go_past_their_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_short_messages_say_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_tables_are_adopted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_gateway_that_was_is_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
