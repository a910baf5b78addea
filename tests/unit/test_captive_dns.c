/* Captive DNS: the answers byte by byte, and the reader over real sockets. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver/captive_dns.h"
#include "driver/captive_dns_answer.h"
#include "guard.h"
#include "leaks.h"

/* RFC 1035's header: number 0x1234, recursion wanted, one question. */
#define QUERY "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define CAPTIVE "\7captive\5apple\3com\0"
#define NETCTS "\6netcts\11cdn-apple\3com\0"
#define OTHER "\3www\7example\3com\0"
#define A_IN "\0\1\0\1"
#define AAAA_IN "\0\x1c\0\1"

#define ASK(bytes) captive_dns_answer((const uint8_t *)(bytes), sizeof(bytes) - 1, answer)

static uint8_t answer[CAPTIVE_DNS_ANSWER_SIZE];

/* The root's SOA, good for a second: RFC 1035, 3.3.13, and RFC 2308, 5. */
static const uint8_t soa[] = "\0\0\6\0\1\0\0\0\1\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";

static void test_captive_names_have_an_address(void **state)
{
	static const uint8_t wanted[] = "\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" CAPTIVE A_IN
					"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1";

	(void)state;
	assert_int_equal(ASK(QUERY CAPTIVE A_IN), sizeof wanted - 1);
	assert_memory_equal(answer, wanted, sizeof wanted - 1);
	assert_int_equal(ASK(QUERY NETCTS A_IN), 12 + sizeof NETCTS - 1 + 4 + 16);
	assert_int_equal(answer[3], 0x80); /* no error */
	assert_int_equal(answer[7], 1);
	assert_int_equal(ASK(QUERY "\7CAPTIVE\5aPPle\3cOm\0" A_IN), sizeof wanted - 1);
	assert_memory_equal(answer + 12, "\7CAPTIVE\5aPPle\3cOm", 18); /* the question as it came */
	assert_int_equal(ASK(QUERY CAPTIVE "\0\xff\0\1"), sizeof wanted - 1);
	/* of the query's flags one comes back: not that it is cut, nor that it is authoritative */
	assert_int_equal(ASK("\x12\x34\x07\x7f\x00\x01\x00\x00\x00\x00\x00\x00" CAPTIVE A_IN),
			 sizeof wanted - 1);
	assert_memory_equal(answer, wanted, sizeof wanted - 1);
}

/* There, but without an address of that kind: the asker need not wait for one. */
static void test_captive_names_have_nothing_else(void **state)
{
	size_t length = ASK(QUERY CAPTIVE AAAA_IN);

	(void)state;
	assert_int_equal(length, 12 + sizeof CAPTIVE - 1 + 4 + sizeof soa - 1);
	assert_int_equal(answer[3], 0x80);
	assert_memory_equal(answer + 4, "\0\1\0\0\0\1\0\0", 8);
	assert_memory_equal(answer + length - sizeof soa + 1, soa, sizeof soa - 1);
	assert_true(ASK(QUERY CAPTIVE "\0\x41\0\1") > 0); /* HTTPS */
	assert_memory_equal(answer + 4, "\0\1\0\0\0\1\0\0", 8);
	assert_true(ASK(QUERY CAPTIVE "\1\1\0\1") > 0); /* no A, but its second byte is the same */
	assert_memory_equal(answer + 4, "\0\1\0\0\0\1\0\0", 8);
}

static void test_other_names_do_not_exist(void **state)
{
	static const char *const near[] = {"\7captive\5apple\3co\0\0" A_IN, "\1x\7captive\5apple\3com\0" A_IN,
					   "\5apple\3com\0\0\0\0\0\0\0\0" A_IN,
					   "\15captive.apple\3com\0" A_IN, "\0" A_IN};
	static const size_t sizes[] = {19 + 4, 21 + 4, 11 + 4, 19 + 4, 1 + 4};
	uint8_t query[64] = QUERY;
	size_t length = ASK(QUERY OTHER A_IN);

	(void)state;
	assert_int_equal(length, 12 + sizeof OTHER - 1 + 4 + sizeof soa - 1);
	assert_memory_equal(answer, "\x12\x34\x85\x83\x00\x01\x00\x00\x00\x01\x00\x00", 12);
	assert_memory_equal(answer + 12, OTHER A_IN, sizeof OTHER - 1 + 4);
	assert_memory_equal(answer + length - sizeof soa + 1, soa, sizeof soa - 1);
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		memcpy(query + 12, near[i], sizes[i]);
		assert_true(captive_dns_answer(query, 12 + sizes[i], answer) > 12);
		assert_int_equal(answer[3] & 0x0f, 3);
	}
	/* of another class */
	assert_true(ASK(QUERY CAPTIVE "\0\1\0\3") > 0);
	assert_int_equal(answer[3] & 0x0f, 3);
	assert_true(ASK(QUERY CAPTIVE "\0\1\1\1") > 0);
	assert_int_equal(answer[3] & 0x0f, 3);
}

static void test_extensions_are_passed_over(void **state)
{
	(void)state;
	/* RFC 6891: an OPT record behind the question */
	assert_true(ASK("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" CAPTIVE A_IN
			"\0\0\x29\x10\0\0\0\0\0\0\0") > 12);
	assert_memory_equal(answer + 4, "\0\1\0\1\0\0\0\0", 8);
}

static void test_what_is_no_question(void **state)
{
	(void)state;
	assert_int_equal(ASK(""), 0);
	assert_int_equal(ASK("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"), 0);
	/* an answer is never answered */
	assert_int_equal(ASK("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" CAPTIVE A_IN), 0);
	/* another operation: not supported */
	assert_int_equal(ASK("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00" CAPTIVE A_IN), 12);
	assert_memory_equal(answer, "\x12\x34\xad\x84\0\0\0\0\0\0\0\0", 12);
	/* two questions, none */
	assert_int_equal(ASK("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" CAPTIVE A_IN), 12);
	assert_int_equal(answer[3] & 0x0f, 1);
	assert_int_equal(ASK("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 12);
	assert_int_equal(answer[3] & 0x0f, 1);
}

/* Of a query that ends where its memory does, no byte behind it is read. */
static void test_nothing_behind_it_is_read(void **state)
{
	static const char whole[] = QUERY CAPTIVE A_IN;

	(void)state;
	for (size_t length = 0; length < sizeof whole; length++) {
		size_t wanted = length < 12 ? 0 : length < sizeof whole - 1 ? 12 : length + 16;
		struct guard guard;
		uint8_t *bytes = guard_open(&guard, length);

		memcpy(bytes, whole, length);
		assert_int_equal(captive_dns_answer(bytes, length, answer), wanted);
		guard_close(&guard);
	}
}

/* Each way to end too early or to go too far. */
static void test_malformed_names(void **state)
{
	uint8_t query[12 + 300] = QUERY;
	size_t length = 12;

	(void)state;
	for (size_t i = 12; i < sizeof(QUERY CAPTIVE A_IN) - 1; i++) {
		assert_int_equal(captive_dns_answer((const uint8_t *)QUERY CAPTIVE A_IN, i, answer), 12);
		assert_int_equal(answer[3] & 0x0f, 1);
	}
	assert_int_equal(ASK(QUERY "\xc0\x0c" A_IN), 12); /* a pointer at itself */
	assert_int_equal(ASK(QUERY "\7captive\xc0\x0c" A_IN), 12);
	assert_int_equal(ASK(QUERY "\x40" A_IN "aaaaaaaaa"), 12); /* a label of a kind that is none */
	assert_int_equal(ASK(QUERY "\x3f"
				   "abc\0" A_IN),
			 12); /* longer than there is */
	/* 63 bytes are a label, 64 are none, though so many are there */
	for (int i = 63; i <= 64; i++) {
		query[12] = (uint8_t)i;
		memset(query + 13, 'a', 64);
		memcpy(query + 13 + i, "\0" A_IN, 5);
		assert_int_equal(captive_dns_answer(query, (size_t)(13 + i + 5), answer) > 12, i == 63);
	}
	/* 255 bytes are a name, 256 are none */
	for (int i = 0; i < 4; i++, length += 64) {
		query[length] = i < 3 ? 63 : 61;
		memset(query + length + 1, 'a', 63);
	}
	length = 12 + 3 * 64 + 62;
	query[length++] = 0;
	memcpy(query + length, A_IN, 4);
	assert_int_equal(length - 12, 255);
	assert_int_equal(captive_dns_answer(query, length + 4, answer), 12 + 255 + 4 + sizeof soa - 1);
	query[12 + 3 * 64] = 62;
	query[length - 1] = 'a';
	query[length] = 0;
	memcpy(query + length + 1, A_IN, 4);
	assert_int_equal(captive_dns_answer(query, length + 5, answer), 12);
}

/* --- the reader */

static int loopback(struct sockaddr_in *address)
{
	socklen_t size = sizeof *address;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
	return fd;
}

static void test_the_reader_answers_who_asks(void **state)
{
	struct event_base *base = event_base_new();
	struct sockaddr_in where, mine;
	int fd = loopback(&where), client = loopback(&mine);
	struct event *event = NULL;
	struct pollfd wait = {.fd = client, .events = POLLIN};
	uint8_t got[600];

	(void)state;
	assert_int_equal(captive_dns_new(base, fd, &event), 0);
	assert_non_null(event);
	for (int i = 0; i < 2; i++) {
		/* what gets no answer, before what does */
		assert_int_equal(sendto(client, "short", 5, 0, (struct sockaddr *)&where, sizeof where), 5);
		assert_int_equal(sendto(client, "", 0, 0, (struct sockaddr *)&where, sizeof where), 0);
		assert_true(sendto(client, QUERY CAPTIVE A_IN, sizeof(QUERY CAPTIVE A_IN) - 1, 0,
				   (struct sockaddr *)&where, sizeof where) > 0);
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
		assert_int_equal(poll(&wait, 1, 5000), 1);
		assert_int_equal(recv(client, got, sizeof got, 0), sizeof(QUERY CAPTIVE A_IN) - 1 + 16);
		assert_int_equal(recv(client, got, sizeof got, MSG_DONTWAIT), -1);
	}
	captive_dns_free(event);
	event_base_free(base);
	close(fd);
	close(client);
}

static void begin_and_end(struct event_base *base, int fd)
{
	struct event *event = NULL;

	assert_int_equal(captive_dns_new(base, fd, &event), 0);
	captive_dns_free(event);
}

static void test_nothing_is_left(void **state)
{
	struct event_base *base = event_base_new();
	struct sockaddr_in where;
	int fd = loopback(&where);

	(void)state;
	assert_no_leak("captive DNS", begin_and_end(base, fd));
	event_base_free(base);
	close(fd);
}

static void test_where_there_is_no_socket(void **state)
{
	struct event_base *base = event_base_new();
	int nothing = open("/dev/null", O_RDWR);
	struct event *event = (struct event *)base; /* whatever it was */

	(void)state;
	assert_int_equal(captive_dns_new(base, nothing, &event), 0);
	assert_null(event);
	captive_dns_free(event);
	event_base_free(base);
	close(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_captive_names_have_an_address),
	    cmocka_unit_test(test_captive_names_have_nothing_else),
	    cmocka_unit_test(test_other_names_do_not_exist),
	    cmocka_unit_test(test_extensions_are_passed_over),
	    cmocka_unit_test(test_what_is_no_question),
	    cmocka_unit_test(test_nothing_behind_it_is_read),
	    cmocka_unit_test(test_malformed_names),
	    cmocka_unit_test(test_the_reader_answers_who_asks),
	    cmocka_unit_test(test_nothing_is_left),
	    cmocka_unit_test(test_where_there_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
