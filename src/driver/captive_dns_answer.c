/* The answers of captive DNS. The numbers of sections
 * are RFC 1035's.
 *
 * A name that can't be asked for "does not exist" (NXDOMAIN): a resolver takes
 * that for an answer, so the program fails at once. To SERVFAIL or REFUSED it
 * would ask the next server, the link's, and wait for it in vain; Apple's avoids
 * a server that refuses for a minute (mDNSResponder, uDNS.c, PenalizeDNSServer).
 * The answer says that it is good for a second (RFC 2308, 5), so that little is
 * remembered when the gate opens. */
#include "driver/captive_dns_answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/captive.h"

enum { HEADER = 12, NAME_MAX_LENGTH = 255, LABEL_MAX = 63, TTL = 1 };
enum { TYPE_A = 1, TYPE_SOA = 6, TYPE_ANY = 255, CLASS_IN = 1 };              /* 3.2 */
enum { NO_ERROR = 0, FORMAT_ERROR = 1, NO_SUCH_NAME = 3, NOT_SUPPORTED = 4 }; /* 4.1.1 */
enum { FLAG_RESPONSE = 0x80, OPCODE = 0x78, AUTHORITATIVE = 0x04, WANTED = 0x01, AVAILABLE = 0x80 };

struct question {
	char name[NAME_MAX_LENGTH + 1]; /* in lower case, with dots */
	size_t end;                     /* where it ends in the query */
	unsigned type, class;
};

static unsigned number(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* A label may contain any byte; one with anything but letters, digits and '-' is none of the names that we
 * know. */
static char plain(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ? (char)byte : '?';
}

/* 3.1, 4.1.2: labels with their lengths, the root at the end; never a pointer, because nothing comes before
 * it. */
static bool read_question(const uint8_t *query, size_t length, struct question *question)
{
	size_t at = HEADER, used = 0;

	while (at < length && query[at] != 0) {
		size_t label = query[at];

		if (label > LABEL_MAX || label >= length - at || at + label + 1 - HEADER >= NAME_MAX_LENGTH)
			return false;
		if (used > 0)
			question->name[used++] = '.';
		for (size_t i = 1; i <= label; i++)
			question->name[used++] = plain(query[at + i]);
		at += label + 1;
	}
	question->name[used] = '\0';
	if (length < 5 || at > length - 5)
		return false;
	question->type = number(query + at + 1);
	question->class = number(query + at + 3);
	question->end = at + 5;
	return true;
}

static bool is_captive(const struct question *question)
{
	for (size_t i = 0; i < CAPTIVE_NAMES; i++) {
		if (strcmp(question->name, captive_names[i]) == 0)
			return question->class == CLASS_IN;
	}
	return false;
}

/* 4.1.1, with the number of the query, and whether recursion was wanted. */
static size_t write_header(const uint8_t *query, uint8_t code, uint8_t *answer)
{
	memset(answer, 0, HEADER);
	memcpy(answer, query, 2);
	answer[2] = (uint8_t)(FLAG_RESPONSE | (query[2] & (OPCODE | WANTED)) | AUTHORITATIVE);
	answer[3] = (uint8_t)(AVAILABLE | code);
	return HEADER;
}

/* 3.2.1: of the name in the question (4.1.4: it stands at byte 12). */
static size_t write_address(uint8_t *to)
{
	static const uint8_t record[] = {0xc0, HEADER, 0, TYPE_A, 0,   CLASS_IN, 0, 0,
					 0,    TTL,    0, 4,      192, 0,        2, 1};

	memcpy(to, record, sizeof record);
	return sizeof record;
}

/* 3.3.13, of the root: how long "there is none" may be remembered. */
static size_t write_authority(uint8_t *to)
{
	static const uint8_t record[] = {0, 0, TYPE_SOA, 0, CLASS_IN, 0, 0, 0, TTL, 0, 22, 0, 0};
	static const uint8_t times[] = {0, 0, 0, 1, 0, 0, 0, TTL, 0, 0, 0, TTL, 0, 0, 0, TTL, 0, 0, 0, TTL};

	memcpy(to, record, sizeof record);
	memcpy(to + sizeof record, times, sizeof times);
	return sizeof record + sizeof times;
}

size_t captive_dns_answer(const uint8_t *query, size_t length, uint8_t *answer)
{
	struct question question;
	bool captive, has;
	size_t used;

	/* Never an answer to an answer. */
	if (length < HEADER || (query[2] & FLAG_RESPONSE) != 0)
		return 0;
	if ((query[2] & OPCODE) != 0)
		return write_header(query, NOT_SUPPORTED, answer);
	if (number(query + 4) != 1 || !read_question(query, length, &question))
		return write_header(query, FORMAT_ERROR, answer);
	captive = is_captive(&question);
	has = captive && (question.type == TYPE_A || question.type == TYPE_ANY);
	used = write_header(query, captive ? NO_ERROR : NO_SUCH_NAME, answer);
	answer[5] = 1;           /* one question, as it came */
	answer[has ? 7 : 9] = 1; /* one answer, or one authority */
	memcpy(answer + used, query + HEADER, question.end - HEADER);
	used += question.end - HEADER;
	return used + (has ? write_address(answer + used) : write_authority(answer + used));
}
