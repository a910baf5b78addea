/* Apple's property lists: chooses the reader for the form. */
#include "ctl/tunnelblick/plist.h"

#include <string.h>

int plist_read(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument, struct err *e)
{
	static const char magic[] = "bplist";

	if (length > PLIST_SIZE_MAX)
		return err_set(e, "a property list larger than %d KiB", PLIST_SIZE_MAX / 1024);
	if (length >= sizeof magic - 1 && memcmp(bytes, magic, sizeof magic - 1) == 0)
		return plist_read_binary(bytes, length, value_cb, argument, e);
	return plist_read_xml(bytes, length, value_cb, argument, e);
}
