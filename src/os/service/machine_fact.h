/* What the files of the machine port share. */
#ifndef OS_SERVICE_MACHINE_FACT_H
#define OS_SERVICE_MACHINE_FACT_H

#include "os/service/machine.h"

void machine_set(struct machine_fact *fact, enum machine_answer answer, const char *text,
		 const char *instead);

/* Is `word` among the blank-separated words of the first `length` bytes? */
bool machine_has_word(const char *text, size_t length, const char *word);

/* Each platform's own half of machine_others_run: sets running[i] for units. */
int machine_units(bool *running, int milliseconds);

#endif
