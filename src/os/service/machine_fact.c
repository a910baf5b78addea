/* One fact of the machine port, filled in; and a word of what a fact is read from. */
#include <string.h>

#include "base/text.h"
#include "os/service/machine_fact.h"

void machine_set(struct machine_fact *fact, enum machine_answer answer, const char *text, const char *instead)
{
	fact->answer = answer;
	text_copy(fact->text, sizeof fact->text, text);
	text_copy(fact->instead, sizeof fact->instead, instead);
}

bool machine_has_word(const char *text, size_t length, const char *word)
{
	const char *end = text + length;

	for (size_t size; text < end; text += size + 1) {
		for (size = 0; text + size < end && strchr(" \t\n", text[size]) == NULL; size++)
			;
		if (size == strlen(word) && strncmp(text, word, size) == 0)
			return true;
	}
	return false;
}
