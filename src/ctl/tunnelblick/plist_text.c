/* Characters of a property list as UTF-8. */
#include "ctl/tunnelblick/plist.h"

int plist_add_character(char *text, size_t *used, unsigned long character)
{
	size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	if (character == 0 || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff) ||
	    *used + length >= PLIST_TEXT_SIZE)
		return -1;
	if (length == 1) {
		text[*used] = (char)character;
	} else {
		for (size_t i = length; i-- > 1; character >>= 6)
			text[*used + i] = (char)(0x80 | (character & 0x3f));
		text[*used] = (char)((0xf00UL >> length & 0xf0) | character);
	}
	*used += length;
	text[*used] = '\0';
	return 0;
}
