/* Network services of macOS as text: what networksetup(8) says, and our own note of it. */
#include "os/service/strict_boot_list.h"

#include <string.h>

#include "base/text.h"

/* networksetup(8): "An asterisk (*) denotes that a network service is disabled." */
static const char explanation[] = "asterisk (*) denotes";

/* Blanks and letters of any script, as the user named it; no control character. */
static bool is_name(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
			return false;
	}
	return length > 0 && length < SERVICE_NAME_SIZE;
}

static int add(struct network_services *services, const char *at, size_t length, bool on, struct err *e)
{
	struct network_service *service = &services->list[services->count];

	if (services->count == SERVICES_MAX)
		return err_set(e, "more than %d network services", SERVICES_MAX);
	if (!is_name(at, length))
		return err_set(e, "line %zu is not the name of a network service", services->count + 1);
	memcpy(service->name, at, length);
	service->name[length] = '\0';
	service->on = on;
	if (services_find(services, service->name) == NULL)
		services->count++;
	return 0;
}

static int parse_lines(const char *at, bool marked, struct network_services *services, struct err *e)
{
	services->count = 0;
	while (*at != '\0') {
		size_t length = strcspn(at, "\n"), mark = marked && at[0] == '*' ? 1 : 0;

		if (at[length] != '\n')
			return err_set(e, "the list of network services is incomplete");
		if (add(services, at + mark, length - mark, mark == 0, e) == -1)
			return -1;
		at += length + 1;
	}
	return 0;
}

int services_parse_listing(const char *text, struct network_services *services, struct err *e)
{
	const char *found = strstr(text, explanation), *end = strchr(text, '\n');

	services->count = 0;
	if (found == NULL || end == NULL || found > end)
		return err_set(e, "networksetup did not print its list of network services");
	return parse_lines(end + 1, true, services, e);
}

int services_parse_note(const char *text, struct network_services *services, struct err *e)
{
	return parse_lines(text, false, services, e);
}

void services_print_note(const struct network_services *services, char *to)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < services->count; i++) {
		if (services->list[i].on)
			text_append(to, SERVICES_TEXT_SIZE, &used, "%s\n", services->list[i].name);
	}
}

struct network_service *services_find(struct network_services *services, const char *name)
{
	for (size_t i = 0; i < services->count; i++) {
		if (strcmp(services->list[i].name, name) == 0)
			return &services->list[i];
	}
	return NULL;
}

void services_mark(struct network_services *services, const struct network_services *note)
{
	for (size_t i = 0; i < note->count; i++) {
		struct network_service *service = services_find(services, note->list[i].name);

		if (service != NULL)
			service->on = true;
	}
}
