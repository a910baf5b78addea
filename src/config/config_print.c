/* The settings in effect as text, for `portcullisd --settings`. */
#include "config/config_keys.h"

#include <string.h>

#include "base/text.h"

enum { VALUE_MAX = CONFIG_ARGUMENTS * 256 };
_Static_assert((int)VALUE_MAX >= PATH_MAX, "every value fits");

void config_print(const struct config *config, FILE *to)
{
	char value[VALUE_MAX], safe[4 * VALUE_MAX];

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		value[0] = '\0';
		config_keys[i].put(config, &config_keys[i], value, sizeof value);
		text_escape(safe, sizeof safe, value, strlen(value));
		fprintf(to, "%s = \"%s\"\n", config_keys[i].name, safe);
	}
	fputs("\n", to);
	fflush(to); /* before anything is printed on standard error */
}
