/* Queries to a resolver, byte by byte, and what is taken of its answers: any other bytes are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "driver/names/dns_message.h"

static uint8_t query[DNS_QUERY], answer[2048];
static size_t length;
static struct net_address found[8];
static size_t count;

static void put(const void *bytes, size_t size)
{
	memcpy(answer + length, bytes, size);
	length += size;
}

#define PUT(...) put((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* The header and the question of an answer to `query`, which is for "a.example". */
static void begin(uint16_t type, uint8_t records)
{
	length = 0;
	assert_true(dns_query_write(query, 0x1234, "a.example", type) > 0);
	PUT(0x12, 0x34, 0x81, 0x80, 0, 1, 0, records, 0, 0, 0, 0);
	PUT(1, 'a', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, (uint8_t)type, 0, 1);
}

static int take(size_t room)
{
	uint8_t *exact = malloc(length > 0 ? length : 1); /* so that one byte too many is noticed */
	int result;

	memcpy(exact, answer, length);
	result = dns_answer_read(exact, length, query, found, room, &count);
	free(exact);
	return result;
}

static void test_query(void **state)
{
	static const uint8_t wanted[] = {
	    0x12, 0x34, 1,   0,    0,    1,   0,   0,   0,   0,   0,   1,                    /* header */
	    3,    'v',  'p', 'n',  7,    'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,  0, 28, 0, 1, /* question */
	    0,    0,    41,  0x04, 0xd0, 0,   0,   0,   0,   0,   88,  0,   12, 0, 84};

	(void)state;
	memset(query, 0xee, sizeof query);
	assert_int_equal(dns_query_write(query, 0x1234, "vpn.example", DNS_AAAA), 128);
	assert_memory_equal(query, wanted, sizeof wanted);
	for (size_t i = sizeof wanted; i < 128; i++)
		assert_int_equal(query[i], 0);
	assert_int_equal(query[128], 0xee);
	/* A dot at the end is the root's. */
	memset(answer, 0, sizeof answer);
	assert_int_equal(dns_query_write(answer, 0x1234, "vpn.example.", DNS_AAAA), 128);
	assert_memory_equal(answer, query, 128);
}

/* The length says nothing of the name, but in steps of 128. */
static void test_padding(void **state)
{
	char host[256];

	(void)state;
	for (size_t size = 1; size <= 63; size++) {
		memset(host, 'x', size);
		host[size] = '\0';
		assert_int_equal(dns_query_write(query, 1, host, DNS_A), 128);
	}
	for (size_t size = 64; size < 253; size++) {
		memset(host, 'x', size);
		for (size_t i = 60; i < size - 1; i += 60)
			host[i] = '.';
		host[size] = '\0';
		assert_int_equal(dns_query_write(query, 1, host, DNS_A) % 128, 0);
	}
}

static void test_what_is_no_name(void **state)
{
	char host[300];

	(void)state;
	assert_int_equal(dns_query_write(query, 1, "", DNS_A), 0);
	assert_int_equal(dns_query_write(query, 1, ".", DNS_A), 0);
	assert_int_equal(dns_query_write(query, 1, "a..b", DNS_A), 0);
	assert_int_equal(dns_query_write(query, 1, ".a", DNS_A), 0);
	memset(host, 'x', 64);
	host[64] = '\0';
	assert_int_equal(dns_query_write(query, 1, host, DNS_A), 0);
	host[63] = '\0';
	assert_int_equal(dns_query_write(query, 1, host, DNS_A), 128);
	/* 255 bytes with the lengths and the root: 253 as text. */
	memset(host, 'x', sizeof host);
	for (size_t i = 49; i < sizeof host; i += 50)
		host[i] = '.';
	host[254] = '\0';
	assert_int_equal(dns_query_write(query, 1, host, DNS_A), 0);
	host[253] = '\0';
	assert_int_equal(dns_query_write(query, 1, host, DNS_A), 384);
}

static void test_addresses(void **state)
{
	(void)state;
	begin(DNS_A, 3);
	PUT(0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 14); /* an alias */
	PUT(1, 'b', 0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7);
	PUT(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 8);
	assert_int_equal(take(8), 0);
	assert_int_equal(count, 2);
	assert_int_equal(found[0].family, NET_IPV4);
	assert_memory_equal(found[0].bytes, ((const uint8_t[16]){192, 0, 2, 7}), 16);
	assert_memory_equal(found[1].bytes, ((const uint8_t[16]){192, 0, 2, 8}), 16);
	assert_int_equal(take(1), 0);
	assert_int_equal(count, 1);
	begin(DNS_AAAA, 1);
	PUT(0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16);
	PUT(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
	assert_int_equal(take(8), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].family, NET_IPV6);
	assert_int_equal(found[0].bytes[15], 9);
	begin(DNS_A, 0);
	assert_int_equal(take(8), 0);
	assert_int_equal(count, 0);
}

/* What was not asked for is left out: another type, another class, another size. */
static void test_what_is_left_out(void **state)
{
	static const struct {
		uint8_t type, class, size;
	} others[] = {{28, 1, 4}, {1, 3, 4}, {1, 1, 5}, {1, 1, 3}, {16, 1, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		begin(DNS_A, 2);
		PUT(0xc0, 12, 0, others[i].type, 0, others[i].class, 0, 0, 0, 60, 0, others[i].size);
		put("\x01\x02\x03\x04\x05", others[i].size);
		PUT(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 8);
		assert_int_equal(take(8), 0);
		assert_int_equal(count, 1);
		assert_int_equal(found[0].bytes[3], 8);
	}
}

static void test_codes(void **state)
{
	(void)state;
	for (uint8_t code = 0; code < 16; code++) {
		begin(DNS_A, 0);
		answer[3] = 0x80 | code;
		assert_int_equal(take(8), code);
		length = 12; /* without the question */
		assert_int_equal(take(8), code == 0 ? -1 : code);
	}
}

static void test_another_query_s(void **state)
{
	(void)state;
	begin(DNS_A, 0);
	assert_int_equal(take(8), 0); /* the control */
	answer[13] = 'A';
	assert_int_equal(take(8), 0); /* the case of letters may differ */
	for (size_t i = 0; i < 27; i++) {
		begin(DNS_A, 0);
		if (i == 2 || i == 3 || (i >= 6 && i < 12))
			continue; /* flags and counts */
		answer[i] ^= 0x40;
		if (i == 13 || (i > 14 && i < 22))
			answer[i] ^= 0x40 | 0x01; /* another letter */
		assert_int_equal(take(8), -1);
	}
	begin(DNS_A, 0);
	answer[2] = 0x01; /* a query */
	assert_int_equal(take(8), -1);
	begin(DNS_A, 0);
	answer[2] |= 0x02; /* truncated */
	assert_int_equal(take(8), -1);
	begin(DNS_A, 0);
	answer[5] = 2;
	assert_int_equal(take(8), -1);
}

/* Each way to be cut, and lengths that lie. */
static void test_cut(void **state)
{
	size_t whole;

	(void)state;
	begin(DNS_A, 2);
	PUT(1, 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7);
	PUT(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 8);
	assert_int_equal(take(8), 0);
	whole = length;
	for (length = 0; length < whole; length++)
		assert_int_equal(take(8), -1);
	begin(DNS_A, 1);
	PUT(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0xff, 0xff, 192, 0, 2, 7);
	assert_int_equal(take(8), -1);
	begin(DNS_A, 1);
	PUT(64, 'x', 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7); /* neither a label nor a pointer */
	assert_int_equal(take(8), -1);
	begin(DNS_A, 1);
	PUT(200);
	assert_int_equal(take(8), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_query),
					   cmocka_unit_test(test_padding),
					   cmocka_unit_test(test_what_is_no_name),
					   cmocka_unit_test(test_addresses),
					   cmocka_unit_test(test_what_is_left_out),
					   cmocka_unit_test(test_codes),
					   cmocka_unit_test(test_another_query_s),
					   cmocka_unit_test(test_cut)};

	return cmocka_run_group_tests_name("dns message", tests, NULL, NULL);
}
