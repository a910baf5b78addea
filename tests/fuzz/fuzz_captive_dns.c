/* Any bytes as a query to captive DNS. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/captive_dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 12 };

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly that size, so that one byte too many is seen. */
	uint8_t *query = malloc(size > 0 ? size : 1), *answer = malloc(CAPTIVE_DNS_ANSWER_SIZE);
	uint8_t nothing[CAPTIVE_DNS_ANSWER_SIZE];
	size_t length;

	require(query != NULL && answer != NULL);
	memcpy(query, data, size);
	length = captive_dns_answer(query, size, answer);
	require(length <= CAPTIVE_DNS_ANSWER_SIZE);
	if (length == 0) {
		require(size < HEADER || (query[2] & 0x80) != 0);
	} else {
		require(length >= HEADER && memcmp(answer, query, 2) == 0);
		/* Two of these never talk to each other. */
		require(captive_dns_answer(answer, length, nothing) == 0);
		/* The question as it came, and one record behind it; or an error alone. */
		require(length == HEADER ? (answer[3] & 0x0f) != 0 : answer[5] == 1);
		require(length == HEADER || (answer[7] + answer[9] == 1 && length > HEADER + 5 + 16 - 1));
		require(answer[7] == 0 || memcmp(answer + length - 4, "\xc0\0\2\1", 4) == 0);
	}
	free(query);
	free(answer);
	return 0;
}
