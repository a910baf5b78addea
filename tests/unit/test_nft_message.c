/* One message of nftables: what has room in it, what is read of one that is too short, and what it is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_tables.h>

#include "os/firewall/nft/message.h"

enum { HEAD = 20 };

static _Alignas(8) uint8_t room[4 * NFT_MESSAGE], other_room[4 * NFT_MESSAGE];
static struct nft_buffer buffer;

static int begin(void **state)
{
	(void)state;
	memset(room, 0, sizeof room);
	buffer = (struct nft_buffer){.bytes = room, .size = 2 * NFT_MESSAGE};
	return 0;
}

static struct nlmsghdr *message(uint16_t type)
{
	nft_buffer_empty(&buffer);
	return nft_message(&buffer, type, 0, 1);
}

static void test_what_it_is_about(void **state)
{
	static const struct {
		uint16_t type;
		const char *words;
	} rows[] = {{NFT_MSG_NEWTABLE, "table x"},
		    {NFT_MSG_DELTABLE, "table x"},
		    {NFT_MSG_NEWCHAIN, "chain x"},
		    {NFT_MSG_DELCHAIN, "chain x"},
		    {NFT_MSG_NEWRULE, "rule of chain x"},
		    {NFT_MSG_DELRULE, "rules x"},
		    {NFT_MSG_NEWSET, "set x"},
		    {NFT_MSG_DELSET, "set x"},
		    {NFT_MSG_NEWSETELEM, "members of set x"},
		    {NFT_MSG_DELSETELEM, "members of set x"},
		    {NFT_MSG_NEWOBJ, "counter x"},
		    {NFT_MSG_DELOBJ, "counter x"},
		    {NFT_MSG_GETTABLE, "message x"},
		    {NFT_MSG_GETRULE, "message x"}};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct nlmsghdr *m = message(rows[i].type);

		nft_put_text(m, nft_name_type(m), "x");
		nft_describe(m, text, sizeof text);
		assert_string_equal(text, rows[i].words);
	}
	for (uint16_t type = NFT_MSG_DELOBJ + 1; type < 256; type++) { /* those to come */
		struct nlmsghdr *m = message(type);

		nft_put_text(m, nft_name_type(m), "x");
		nft_describe(m, text, sizeof text);
		assert_string_equal(text, "message x");
	}
	nft_describe(message(NFT_MSG_NEWSET), text, sizeof text);
	assert_string_equal(text, "set ");
}

static void test_texts(void **state)
{
	static char text[NFT_TEXT + 2];

	(void)state;
	for (size_t length = 0; length <= NFT_TEXT; length++) {
		struct nlmsghdr *m = message(NFT_MSG_NEWSET);

		memset(text, 'x', length);
		nft_put(m, 5, text, length + 1); /* with its end */
		assert_string_equal(nft_text(m, 5), length < NFT_TEXT ? text : "");
		assert_string_equal(nft_text(m, 6), "");
		m = message(NFT_MSG_NEWSET);
		nft_put(m, 5, text, length); /* without */
		assert_string_equal(nft_text(m, 5), "");
	}
}

static void test_numbers(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	(void)state;
	for (size_t size = 0; size <= sizeof bytes; size++) {
		struct nlmsghdr *m = message(NFT_MSG_NEWSET);

		nft_put(m, 5, bytes, size);
		assert_int_equal(nft_number(nft_attributes(m), 5), size < 4 ? 0 : 0x01020304);
		assert_true(nft_long_number(nft_attributes(m), 5) == (size < 8 ? 0 : 0x0102030405060708));
		assert_int_equal(nft_number(nft_attributes(m), 6), 0);
		assert_int_equal(nft_long_number(nft_attributes(m), 6), 0);
	}
}

/* Where nothing more fits a nest says so by itself. */
static void test_a_nest_without_room(void **state)
{
	static const uint8_t big[NFT_MESSAGE];

	(void)state;
	for (size_t left = 0; left <= 8; left += 4) {
		struct nlmsghdr *m = message(NFT_MSG_NEWSET);
		struct nlattr *nest;

		nft_put(m, 1, big, NFT_MESSAGE - HEAD - 4 - left);
		assert_int_equal(m->nlmsg_len, NFT_MESSAGE - left);
		nest = nft_nest_begin(m, 2);
		assert_int_equal(nest == NULL, left == 0);
		nft_nest_end(m, nest);
		nft_message_end(&buffer, m);
		assert_int_equal(buffer.full, left == 0);
	}
}

/* A copy must have the room of any message; one that is longer than any is none. */
static void test_copies(void **state)
{
	struct nft_buffer to = {.bytes = other_room, .size = 2 * NFT_MESSAGE};
	struct nlmsghdr *m = message(NFT_MSG_NEWSET);

	(void)state;
	nft_put_text(m, 5, "name");
	nft_message_end(&buffer, m);
	for (int i = -1; i <= 1; i++) {
		nft_buffer_empty(&to);
		to.used = (size_t)(NFT_MESSAGE + 4 * i);
		memset(other_room, 0x5a, sizeof other_room);
		nft_message_copy(&to, m);
		assert_int_equal(to.full, i == 1);
		assert_int_equal(to.used,
				 NFT_MESSAGE + 4 * i + (i == 1 ? 0 : (int)NLMSG_ALIGN(m->nlmsg_len)));
		assert_int_equal(memcmp(other_room + NFT_MESSAGE + 4 * i, m, m->nlmsg_len) == 0, i != 1);
	}
	for (uint32_t longer = 0; longer <= 4; longer += 4) {
		nft_buffer_empty(&to);
		m->nlmsg_len = NFT_MESSAGE + longer;
		nft_message_copy(&to, m);
		assert_int_equal(to.full, longer != 0);
		assert_int_equal(to.used, longer != 0 ? 0 : NFT_MESSAGE);
	}
}

/* What has no room is written over the last one that has, and the buffer says so. */
static void test_a_full_buffer(void **state)
{
	(void)state;
	for (int i = -1; i <= 1; i++) {
		nft_buffer_empty(&buffer);
		buffer.used = (size_t)(NFT_MESSAGE + 4 * i);
		assert_ptr_equal(nft_message(&buffer, NFT_MSG_NEWSET, 0, 1),
				 room + NFT_MESSAGE + (i == 1 ? 0 : 4 * i));
		assert_int_equal(buffer.full, i == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_what_it_is_about, begin),
	    cmocka_unit_test_setup(test_texts, begin),
	    cmocka_unit_test_setup(test_numbers, begin),
	    cmocka_unit_test_setup(test_a_nest_without_room, begin),
	    cmocka_unit_test_setup(test_copies, begin),
	    cmocka_unit_test_setup(test_a_full_buffer, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
