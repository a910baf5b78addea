/* What a reload finds changed in portcullis.conf. */
#include "config/config_change.h"
#include "config/config_keys.h"

#include <string.h>

#include "base/text.h"

enum { VALUE_MAX = CONFIG_ARGUMENTS * 256 };

/* By what is printed; and by the bytes: a user name is not printed, and a user may have another number now.
 */
static bool differs(const struct config *now, const struct config *fresh, const struct key *key)
{
	char before[VALUE_MAX] = "", after[VALUE_MAX] = "";

	key->put(now, key, before, sizeof before);
	key->put(fresh, key, after, sizeof after);
	return strcmp(before, after) != 0 ||
	       (!key->list &&
		memcmp((const char *)now + key->offset, (const char *)fresh + key->offset, key->size) != 0);
}

void config_changed(const struct config *now, const struct config *fresh, enum config_change change,
		    char *names, size_t size)
{
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (config_keys[i].change == change && differs(now, fresh, &config_keys[i]))
			text_append(names, size, &used, "%s%s", used > 0 ? ", " : "", config_keys[i].name);
	}
}
