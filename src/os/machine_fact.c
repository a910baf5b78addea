/* One fact of the machine port, filled in. */
#include "base/text.h"
#include "os/machine_parts.h"

void machine_set(struct machine_fact *fact, enum machine_answer answer, const char *text, const char *instead)
{
	fact->answer = answer;
	text_copy(fact->text, sizeof fact->text, text);
	text_copy(fact->instead, sizeof fact->instead, instead);
}
