/* Any bytes as the output of networksetup and dscl, and as the note of strict boot. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/service/account_dscl_list.h"
#include "os/service/strict_boot_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A note of what was taken names the same services. */
static void note_and_back(const struct network_services *services)
{
	static struct network_services again;
	static char note[SERVICES_TEXT_SIZE];
	size_t on = 0;

	services_print_note(services, note);
	if (services_parse_note(note, &again, NULL) == -1)
		abort();
	for (size_t i = 0; i < services->count; i++) {
		if (!services->list[i].on)
			continue;
		on++;
		if (services_find(&again, services->list[i].name) == NULL)
			abort();
	}
	if (on != again.count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct network_services services;
	char *text = malloc(length + 1);
	struct err e = {""};
	int64_t number;

	if (text == NULL)
		return 0;
	memcpy(text, bytes, length);
	text[length] = '\0';
	if (services_parse_listing(text, &services, &e) == 0)
		note_and_back(&services);
	else if (e.text[0] == '\0')
		abort();
	if (services_parse_note(text, &services, NULL) == 0)
		note_and_back(&services);
	if (dscl_number_of(text, "root", &number) == 0 && dscl_is_free(text, number))
		abort();
	free(text);
	return 0;
}
