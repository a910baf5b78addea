/* Forwarding on Linux: two settings of the network namespace, and a note of those that we switched. */
#include "os/route/forwarding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "os/host/file.h"
#include "os/host/off_marker_names.h"

/* Beside the off marker: found without a configuration, and gone with the boot as the settings are. */
#define NOTE PORTCULLIS_RUNDIR "/portcullis/forwarding"

enum { NOTE_SIZE = 128 };

static const struct setting {
	const char *name, *path; /* as sysctl(8) has it, and where it lies */
	char letter;             /* in the note */
} settings[] = {
    {"net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward", '4'},
    {"net.ipv6.conf.all.forwarding", "/proc/sys/net/ipv6/conf/all/forwarding", '6'},
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

/* 1 or 0; -1: not readable, as IPv6's where there is none. */
static int is_on(const struct setting *setting)
{
	int descriptor = open(setting->path, O_RDONLY | O_CLOEXEC);
	char value = '\0';
	ssize_t got = descriptor == -1 ? -1 : read(descriptor, &value, 1);

	if (descriptor != -1)
		close(descriptor);
	return got != 1 ? -1 : value != '0';
}

static int set(const struct setting *setting, bool on, struct err *e)
{
	int descriptor = open(setting->path, O_WRONLY | O_CLOEXEC);
	ssize_t put = descriptor == -1 ? -1 : write(descriptor, on ? "1\n" : "0\n", 2);
	int cause = errno;

	if (descriptor != -1)
		close(descriptor);
	if (put == 2)
		return 0;
	errno = cause;
	return err_errno(e, "%s can't be set; instead: sysctl -w %s=%d", setting->name, setting->name, on);
}

/* What we switched on in this network, as letters after its name; "" nothing. */
static void read_note(char *letters, size_t size)
{
	char network[NOTE_SIZE / 2], note[NOTE_SIZE] = "";
	size_t length;

	letters[0] = '\0';
	if (off_marker_network(network, sizeof network) == -1 || file_load(NOTE, note, sizeof note) == -1)
		return;
	length = strlen(network);
	if (strncmp(note, network, length) != 0 || note[length] != ' ')
		return;
	note[strcspn(note, "\n")] = '\0';
	text_copy(letters, size, note + length + 1);
}

static int write_note(const char *letters, struct err *e)
{
	char network[NOTE_SIZE / 2], note[NOTE_SIZE];

	if (off_marker_network(network, sizeof network) == -1 || file_folder_of(NOTE, 0755, e) == -1)
		return err_errno(e, "%s can't be written", NOTE);
	snprintf(note, sizeof note, "%s %s\n", network, letters);
	return file_save(NOTE, note, false) == 0 ? 0 : err_errno(e, "%s can't be written", NOTE);
}

/* The note first: a crash between the two leaves one letter too many, which switches off what was off. */
int forwarding_begin(struct err *e)
{
	char letters[SETTINGS + 1];
	size_t count;

	read_note(letters, sizeof letters);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (is_on(&settings[i]) != 0)
			continue;
		count = strlen(letters);
		if (strchr(letters, settings[i].letter) == NULL && count < SETTINGS) {
			letters[count] = settings[i].letter;
			letters[count + 1] = '\0';
		}
		if (write_note(letters, e) == -1 || set(&settings[i], true, e) == -1)
			return -1;
		log_info("gate", "%s is turned on; off turns it off again", settings[i].name);
	}
	return 0;
}

int forwarding_end(struct err *e)
{
	char letters[SETTINGS + 1];
	int result = 0;

	read_note(letters, sizeof letters);
	for (size_t i = 0; i < SETTINGS; i++)
		if (strchr(letters, settings[i].letter) != NULL && is_on(&settings[i]) == 1 &&
		    set(&settings[i], false, e) == -1)
			result = -1;
	if (result == 0 && letters[0] != '\0' && unlink(NOTE) == -1 && errno != ENOENT)
		result = err_errno(e, "%s can't be removed", NOTE);
	return result;
}
