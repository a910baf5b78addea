/* The strict boot port on macOS: network services are switched off and on by networksetup(8).
 *
 * launchd has no order, and a daemon does not learn whether the machine shuts down or only the daemon
 * ends. So every end of the daemon switches them off, and every start, once the lock is verified,
 * switches them on again. The note is written first and taken away last: whatever tears this
 * leaves names in it that are off, and the next start or `off` finds them. */
#include "os/service/strict_boot.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"
#include "os/service/strict_boot_list.h"

enum { ONE_CALL = 4000, ALL_CALLS = 15000 }; /* ms */

static const char *note_path(char to[PATH_MAX])
{
	return install_path(INSTALL_STATE, "strict-boot", to);
}

static int list_services(struct network_services *services, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_NETWORKSETUP), "-listallnetworkservices", NULL};
	static char output[SERVICES_TEXT_SIZE];

	if (tool_output(argv, NULL, ONE_CALL, output, sizeof output, e) == -1)
		return -1;
	return services_parse_listing(output, services, e);
}

static int switch_service(const char *name, bool on, int64_t deadline, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_NETWORKSETUP), "-setnetworkserviceenabled", name,
				    on ? "on" : "off", NULL};
	int64_t left = deadline - clock_steady_ms();

	if (left <= 0)
		return err_set(e, "%s: no time left", name);
	return tool_run(argv, NULL, (int)(left < ONE_CALL ? left : ONE_CALL), e);
}

/* Is there a note, and what does it say? 1 yes, 0 no, -1 and `e`. */
static int read_note(struct network_services *note, struct err *e)
{
	static char text[SERVICES_TEXT_SIZE];
	char path[PATH_MAX];

	note->count = 0;
	if (file_load(note_path(path), text, sizeof text) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "%s", path);
	return services_parse_note(text, note, e) == 0 ? 1 : err_prefix(e, "%s", path);
}

static int write_note(const struct network_services *services, struct err *e)
{
	static char text[SERVICES_TEXT_SIZE];
	char path[PATH_MAX];

	services_print_note(services, text);
	if (file_folder_of(note_path(path), 0700, e) == -1)
		return -1;
	return file_save(path, text, true) == 0 ? 0 : err_errno(e, "%s", path);
}

/* Nothing is switched off that is not remembered on the disk. */
static int shut(struct err *e)
{
	static struct network_services services, wanted, note;
	int64_t deadline = clock_steady_ms() + ALL_CALLS;
	struct err unread = {""};
	int result = 0;

	if (list_services(&services, e) == -1)
		return -1;
	if (read_note(&note, &unread) == -1)
		log_error("gate", "strict boot: %s; the remembered services are lost", unread.text);
	wanted = services;
	services_mark(&wanted, &note); /* of a torn end before this one */
	if (write_note(&wanted, e) == -1)
		return -1;
	for (size_t i = 0; i < services.count; i++) {
		if (services.list[i].on)
			result |= switch_service(services.list[i].name, false, deadline, e);
	}
	return result;
}

void strict_boot_shut(bool wanted)
{
	struct err e = {""};

	if (!wanted)
		return;
	if (shut(&e) == -1)
		log_error("gate", "strict boot: not every network service is disabled: %s", e.text);
	else
		log_info("gate",
			 "strict boot: the network services are disabled until the lock is verified again");
}

int strict_boot_undo(struct err *e)
{
	static struct network_services services, note;
	int64_t deadline = clock_steady_ms() + ALL_CALLS;
	struct err unheard = {""};
	char path[PATH_MAX];
	const char *failed = NULL;
	bool known;
	int found = read_note(&note, e);

	if (found <= 0)
		return found;
	known = list_services(&services, &unheard) == 0;
	for (size_t i = 0; i < note.count; i++) {
		const char *name = note.list[i].name;
		const struct network_service *service = known ? services_find(&services, name) : NULL;

		if (service != NULL && service->on)
			continue;
		/* One that is listed no more was removed by its owner, so a refusal is no failure. */
		if (switch_service(name, true, deadline, &unheard) == -1 && (!known || service != NULL))
			failed = name;
	}
	if (failed != NULL)
		return err_set(e,
			       "network service %s is still disabled: %s; instead: networksetup "
			       "-setnetworkserviceenabled "
			       "\"%s\" on",
			       failed, unheard.text, failed);
	return unlink(note_path(path)) == 0 ? 0 : err_errno(e, "%s", path);
}

void strict_boot_return(bool verified)
{
	static bool failed;
	struct err e = {""};

	/* Each try costs the gate's time, and what refuses now will refuse again. */
	if (!verified || failed || strict_boot_undo(&e) == 0)
		return;
	failed = true;
	log_error("gate", "strict boot: %s", e.text);
}
