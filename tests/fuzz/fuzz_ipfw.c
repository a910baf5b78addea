/* Any bytes as ipfw's listing and as the rules printed for it, separated by the first zero byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/firewall/ipfw/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *listing = malloc(size + 2);
	struct ipfw_view view;
	struct err e = {""};
	const char *printed;

	if (listing == NULL)
		return 0;
	memcpy(listing, data, size);
	listing[size] = listing[size + 1] = '\0';
	printed = listing + strlen(listing) + 1;
	if (printed > listing + size + 1)
		printed = listing + size + 1;
	if (ipfw_view_read(listing, &view, &e) == 0) {
		int holding = ipfw_view_holding(&view);

		must(holding == -1 || (view.sets[holding].rules > 0 && !view.sets[holding].disabled));
		must(strlen(view.sets[0].foreign) < IPFW_RULE_TEXT);
		/* Cut anywhere it is no listing any more. */
		if (size > 0 && strlen(listing) > 0) {
			listing[strlen(listing) - 1] = '\0';
			must(ipfw_view_read(listing, &view, &e) == -1);
		}
	} else {
		must(e.text[0] != '\0' && strchr(e.text, '\n') == NULL);
	}
	(void)ipfw_same_policy(listing, printed, 26, &e);
	free(listing);
	return 0;
}
