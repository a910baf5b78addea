/* A binary property list, "bplist00": the form is described at the top of Apple's
 * CFBinaryPList.c (opensource.apple.com, CF-550 and later). */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "ctl/tunnelblick/plist.h"

enum { HEADER = 8, TRAILER = 32 };
/* The high half of an object's first byte. */
enum { KIND_SINGLE = 0x0, KIND_INTEGER = 0x1, KIND_ASCII = 0x5, KIND_UTF16 = 0x6, KIND_DICTIONARY = 0xd };

struct list {
	const unsigned char *bytes;
	size_t objects_end; /* where the table of offsets begins */
	size_t offset_size, reference_size;
	uint64_t count; /* of objects */
};

/* An object, from its first byte and the length after it. */
struct object {
	unsigned kind;
	size_t length; /* elements, or the low half */
	size_t at;     /* what follows */
};

static uint64_t big_endian(const unsigned char *from, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | from[i];
	return number;
}

static int read_trailer(struct list *list, const unsigned char *bytes, size_t length, uint64_t *top)
{
	const unsigned char *trailer;
	uint64_t table;

	if (length < HEADER + TRAILER)
		return -1;
	trailer = bytes + length - TRAILER;
	list->bytes = bytes;
	list->offset_size = trailer[6];
	list->reference_size = trailer[7];
	list->count = big_endian(trailer + 8, 8);
	*top = big_endian(trailer + 16, 8);
	table = big_endian(trailer + 24, 8);
	if (list->offset_size < 1 || list->offset_size > 8 || list->reference_size < 1 ||
	    list->reference_size > 8 || table < HEADER || table > length - TRAILER ||
	    list->count > (length - TRAILER - table) / list->offset_size)
		return -1;
	list->objects_end = (size_t)table;
	return 0;
}

/* Where object `number` begins, its kind and its length. 0 or -1. */
static int find(const struct list *list, uint64_t number, struct object *object)
{
	uint64_t at, size;

	if (number >= list->count)
		return -1;
	at = big_endian(list->bytes + list->objects_end + (size_t)number * list->offset_size,
			list->offset_size);
	if (at < HEADER || at >= list->objects_end)
		return -1;
	object->kind = list->bytes[at] >> 4;
	object->length = list->bytes[at] & 0xf;
	object->at = (size_t)at + 1;
	if (object->length != 0xf || object->kind == KIND_SINGLE || object->kind == KIND_INTEGER)
		return 0;
	/* The length is an integer of its own. */
	if (object->at >= list->objects_end || list->bytes[object->at] >> 4 != KIND_INTEGER ||
	    (list->bytes[object->at] & 0xf) > 3)
		return -1;
	size = 1U << (list->bytes[object->at] & 0xf);
	if (size > list->objects_end - object->at - 1)
		return -1;
	at = big_endian(list->bytes + object->at + 1, (size_t)size);
	if (at > list->objects_end)
		return -1;
	object->length = (size_t)at;
	object->at += 1 + (size_t)size;
	return 0;
}

/* Does the object with elements of `size` bytes lie within the list? */
static bool is_whole(const struct list *list, const struct object *object, size_t size)
{
	return object->length <= (list->objects_end - object->at) / size;
}

static int read_string(const struct list *list, const struct object *object, char *text)
{
	size_t size = object->kind == KIND_UTF16 ? 2 : 1, used = 0;

	text[0] = '\0';
	if (!is_whole(list, object, size))
		return -1;
	for (size_t i = 0; i < object->length; i++) {
		const unsigned char *at = list->bytes + object->at + i * size;
		unsigned long character = (unsigned long)big_endian(at, size);

		if (character >= 0xd800 && character < 0xdc00 && i + 1 < object->length) {
			unsigned long low = (unsigned long)big_endian(at + 2, 2);

			if (low < 0xdc00 || low > 0xdfff)
				return -1;
			character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
			i++;
		}
		if (plist_add_character(text, &used, character) == -1)
			return -1;
	}
	return 0;
}

static int read_integer(const struct list *list, const struct object *object, char *text)
{
	size_t size = object->length <= 3 ? (size_t)1 << object->length : 0, used = 0;

	if (size == 0 || size > list->objects_end - object->at)
		return -1;
	/* Only integers of the largest size are signed. */
	return text_append(text, PLIST_TEXT_SIZE, &used, "%lld",
			   (long long)big_endian(list->bytes + object->at, size));
}

static int read_simple(const struct list *list, uint64_t number, char *text)
{
	struct object object;

	if (find(list, number, &object) == -1)
		return -1;
	if (object.kind == KIND_ASCII || object.kind == KIND_UTF16)
		return read_string(list, &object, text);
	if (object.kind == KIND_INTEGER)
		return read_integer(list, &object, text);
	if (object.kind != KIND_SINGLE || (object.length != 8 && object.length != 9))
		return -1;
	return text_copy(text, PLIST_TEXT_SIZE, object.length == 9 ? "1" : "0");
}

int plist_read_binary(const char *bytes, size_t length, plist_value_fn *value_cb, void *argument,
		      struct err *e)
{
	char key[PLIST_TEXT_SIZE], value[PLIST_TEXT_SIZE];
	const unsigned char *keys, *values;
	struct list list;
	struct object top;
	uint64_t number;

	if (length < HEADER || memcmp(bytes, "bplist00", HEADER) != 0)
		return err_set(e, "a binary property list of an unknown version");
	if (read_trailer(&list, (const unsigned char *)bytes, length, &number) == -1 ||
	    find(&list, number, &top) == -1)
		return err_set(e, "a broken binary property list");
	if (top.kind != KIND_DICTIONARY || !is_whole(&list, &top, 2 * list.reference_size))
		return err_set(e, "a property list that is not a dictionary");
	keys = list.bytes + top.at;
	values = keys + top.length * list.reference_size;
	for (size_t i = 0; i < top.length; i++) {
		struct object object;

		number = big_endian(keys + i * list.reference_size, list.reference_size);
		if (find(&list, number, &object) == -1 ||
		    (object.kind != KIND_ASCII && object.kind != KIND_UTF16))
			return err_set(e, "a broken binary property list");
		if (read_string(&list, &object, key) == 0 &&
		    read_simple(&list, big_endian(values + i * list.reference_size, list.reference_size),
				value) == 0)
			value_cb(key, value, argument);
	}
	return 0;
}
