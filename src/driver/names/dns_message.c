/* DNS messages to a resolver and back. The numbers of sections are RFC 1035's. */
#include "driver/names/dns_message.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { HEADER = 12, NAME_LENGTH_MAX = 255, LABEL_MAX = 63, POINTER = 0xc0, CLASS_IN = 1 };
enum { WANTS_RECURSION = 0x01, IS_ANSWER = 0x80, TRUNCATED = 0x02, CODE = 0x0f }; /* 4.1.1 */
/* RFC 6891, RFC 7830; and the block length that RFC 8467 recommends. */
enum { TYPE_OPT = 41, OPT_SIZE = 11, OPTION_HEADER = 4, OPTION_PADDING = 12, BLOCK = 128, UDP_SIZE = 1232 };

static unsigned number(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static size_t put(uint8_t *to, size_t at, unsigned value)
{
	to[at] = (uint8_t)(value >> 8);
	to[at + 1] = (uint8_t)value;
	return at + 2;
}

/* 3.1. Where it ends; 0: it is no name. */
static size_t put_name(uint8_t *to, size_t at, const char *host)
{
	size_t start = at;

	while (*host != '\0') {
		size_t label = strcspn(host, ".");

		if (label == 0 || label > LABEL_MAX || at + label + 2 - start > NAME_LENGTH_MAX)
			return 0;
		to[at] = (uint8_t)label;
		memcpy(to + at + 1, host, label);
		at += label + 1;
		host += label + (host[label] == '.');
	}
	to[at] = 0;
	return at > start ? at + 1 : 0;
}

/* RFC 6891, 6.1.2: the root, then one option that fills the message up to a multiple of BLOCK. */
static size_t put_padding(uint8_t *to, size_t at)
{
	size_t used = at + OPT_SIZE + OPTION_HEADER, padding = (BLOCK - used % BLOCK) % BLOCK;

	to[at++] = 0;
	at = put(to, at, TYPE_OPT);
	at = put(to, at, UDP_SIZE);
	at = put(to, at, 0);
	at = put(to, at, 0);
	at = put(to, at, (unsigned)(OPTION_HEADER + padding));
	at = put(to, at, OPTION_PADDING);
	at = put(to, at, (unsigned)padding);
	memset(to + at, 0, padding);
	return at + padding;
}

size_t dns_query_write(uint8_t *to, uint16_t id, const char *host, uint16_t type)
{
	size_t at;

	memset(to, 0, HEADER);
	put(to, 0, id);
	to[2] = WANTS_RECURSION;
	to[5] = 1;  /* a question */
	to[11] = 1; /* and the padding */
	if ((at = put_name(to, HEADER, host)) == 0)
		return 0;
	at = put(to, at, type);
	at = put(to, at, CLASS_IN);
	return put_padding(to, at);
}

/* 4.1.4: behind the name at `at`; a pointer ends it. 0: it does not end. */
static size_t skip_name(const uint8_t *bytes, size_t length, size_t at)
{
	while (at < length && bytes[at] != 0) {
		if ((bytes[at] & POINTER) == POINTER)
			return at + 2 <= length ? at + 2 : 0;
		if (bytes[at] > LABEL_MAX)
			return 0;
		at += bytes[at] + 1u;
	}
	return at < length ? at + 1 : 0;
}

/* Where the question of a query of ours ends: behind its type and class. */
static size_t question_end(const uint8_t *query)
{
	size_t at = HEADER;

	while (query[at] != 0)
		at += query[at] + 1u;
	return at + 5;
}

/* The question, as it was sent; a server may change the case of its letters. Where it ends; 0: another one.
 */
static size_t skip_question(const uint8_t *answer, size_t length, const uint8_t *query)
{
	size_t end = question_end(query);

	if (length < end || memcmp(answer + end - 4, query + end - 4, 4) != 0)
		return 0;
	for (size_t i = HEADER; i < end - 4; i++) {
		const char one[] = {(char)answer[i], '\0'}, other[] = {(char)query[i], '\0'};

		if (strcasecmp(one, other) != 0)
			return 0;
	}
	return end;
}

/* 3.2.1. Where it ends; 0: it does not. */
static size_t read_record(const uint8_t *answer, size_t length, size_t at, unsigned type,
			  struct net_address *address)
{
	size_t size;

	memset(address, 0, sizeof *address);
	at = skip_name(answer, length, at);
	if (at == 0 || length - at < 10)
		return 0;
	size = number(answer + at + 8);
	if (length - at - 10 < size)
		return 0;
	if (number(answer + at) == type && number(answer + at + 2) == CLASS_IN &&
	    size == (type == DNS_A ? 4 : 16)) {
		address->family = type == DNS_A ? NET_IPV4 : NET_IPV6;
		memcpy(address->bytes, answer + at + 10, size);
	}
	return at + 10 + size;
}

int dns_answer_read(const uint8_t *answer, size_t length, const uint8_t *query, struct net_address *to,
		    size_t room, size_t *count)
{
	struct net_address address;
	size_t at;

	*count = 0;
	if (length < HEADER || memcmp(answer, query, 2) != 0 || (answer[2] & IS_ANSWER) == 0 ||
	    (answer[2] & TRUNCATED) != 0)
		return -1;
	/* A server that does not understand a query may leave the question out. */
	if ((answer[3] & CODE) != 0)
		return answer[3] & CODE;
	if (number(answer + 4) != 1 || (at = skip_question(answer, length, query)) == 0)
		return -1;
	for (unsigned left = number(answer + 6); left > 0; left--) {
		at = read_record(answer, length, at, number(query + question_end(query) - 4), &address);
		if (at == 0)
			return -1;
		if (address.family != NET_NONE && *count < room)
			to[(*count)++] = address;
	}
	return 0;
}
