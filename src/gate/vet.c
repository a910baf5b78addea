/* vet: a one-shot unprivileged child parses the profile and prints its
 * canonical form; every line of that is checked here against a constant
 * table, then sealed. What root executes is that and nothing else. */
#include "gate/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/canonical.h"
#include "base/secret.h"
#include "base/text.h"
#include "gate/become.h"
#include "os/host/file.h"
#include "os/process/child.h"

enum { COMPLAINT_MAX = 16 * 1024, VET_MS = 5000 };

/* The whole of an unlinked file, terminated; the caller frees. NULL: it is too long, it was truncated
 * while it was read, or there is no memory. */
static char *read_file(int fd, size_t max, size_t *length)
{
	struct stat status;
	char *bytes;

	if (fstat(fd, &status) == -1 || (size_t)status.st_size > max ||
	    (bytes = calloc(1, (size_t)status.st_size + 1)) == NULL)
		return NULL;
	if (pread(fd, bytes, (size_t)status.st_size, 0) == status.st_size) {
		*length = (size_t)status.st_size;
		return bytes;
	}
	free(bytes);
	return NULL;
}

/* Runs the child on `profile`. What it printed, or NULL and `e`. */
static char *run_vetter(const struct config *config, int profile, size_t *length, struct err *e)
{
	int output = child_scratch("portcullis-vetted", e),
	    complaint = child_scratch("portcullis-complaint", e);
	const int from[] = {profile, output, complaint};
	const char *const more[] = {config->profile, config->key_file[0] != '\0' ? "external-key" : NULL,
				    NULL};
	char *words = NULL, *print = NULL;
	size_t count = 0;
	int status = 0;
	pid_t pid = output == -1 || complaint == -1 ? -1 : child_fork();

	if (pid == 0)
		become_program(config, "--vet", more, from, sizeof from / sizeof *from, 0);
	if (pid != -1)
		status = child_wait(pid, VET_MS);
	if (pid == -1)
		err_set(e, "%s: can't be vetted", config->profile);
	else if ((words = read_file(complaint, COMPLAINT_MAX, &count)) == NULL)
		err_set(e, "%s: the output of the vetting child can't be read", config->profile);
	else if (count > 0)
		err_set(e, "%.*s", (int)strcspn(words, "\n"), words);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
		 (print = read_file(output, CANONICAL_SIZE_MAX, length)) == NULL)
		err_set(e, "%s: the vetting child has failed (status %d)", config->profile, status);
	free(words);
	close(output);
	close(complaint);
	return print;
}

static void add_named(struct gate_profile *profile, const struct canonical_remote *remote)
{
	struct gate_named *named = &profile->named[profile->named_count];
	struct net_address literal;

	if (net_address_parse(remote->host, &literal) == 0)
		return;
	profile->named_count++;
	*named = (struct gate_named){.port = remote->port,
				     .proto = remote->proto,
				     .first = profile->remote_count,
				     .count = remote->address_count};
	text_copy(named->host, sizeof named->host, remote->host);
}

/* All endpoints that may be dialled: each address of each remote. And the names. */
static int list_remotes(struct gate_profile *profile, const char *text, size_t length, struct err *e)
{
	struct canonical_remote remote;
	size_t at = 0, room = 0, count = 0;

	for (; canonical_next_remote(text, length, &at, &remote); count++)
		room += remote.address_count;
	if ((profile->remotes = calloc(room + 1, sizeof *profile->remotes)) == NULL ||
	    (profile->named = calloc(count + 1, sizeof *profile->named)) == NULL)
		return err_set(e, "no memory");
	for (at = 0; canonical_next_remote(text, length, &at, &remote);) {
		add_named(profile, &remote);
		for (size_t i = 0; i < remote.address_count; i++)
			profile->remotes[profile->remote_count++] = (struct net_endpoint){
			    .address = remote.addresses[i], .proto = remote.proto, .port = remote.port};
	}
	return 0;
}

void vet_free(const struct gate_profile *profile)
{
	if (profile->head != -1)
		close(profile->head);
	if (profile->body != -1)
		close(profile->body);
	free(profile->remotes);
	free(profile->named);
}

bool vet_same(int one, int other)
{
	size_t length = 0, other_length = 0;
	char *text = read_file(one, CANONICAL_SIZE_MAX, &length),
	     *other_text = read_file(other, CANONICAL_SIZE_MAX, &other_length);
	bool same = text != NULL && other_text != NULL && length == other_length &&
		    memcmp(text, other_text, length) == 0;

	if (text != NULL)
		secret_wipe_bytes(text, length);
	if (other_text != NULL)
		secret_wipe_bytes(other_text, other_length);
	free(text);
	free(other_text);
	return same;
}

static int seal_profile(struct gate_profile *profile, const struct config *config, const char *text,
			size_t length, struct err *e)
{
	struct gate_profile fresh = {.head = -1, .body = -1};
	char *head = calloc(1, length + 1); /* for the driver, which gets no keys */
	const char *body;
	int result = -1;

	if (head == NULL)
		return err_set(e, "%s: no memory", config->profile);
	if (canonical_check(text, length, e) == -1 || list_remotes(&fresh, text, length, e) == -1) {
		err_prefix(e, "%s", config->profile);
	} else {
		fresh.route_nopull = canonical_has(text, length, "route-nopull");
		body = canonical_body(text, length);
		fresh.head =
		    child_sealed("portcullis-remotes", head, canonical_without_keys(text, length, head), e);
		fresh.body = child_sealed("portcullis-profile", body, length - (size_t)(body - text), e);
		result = fresh.head == -1 || fresh.body == -1 ? -1 : 0;
	}
	vet_free(result == 0 ? profile : &fresh);
	if (result == 0)
		*profile = fresh;
	free(head);
	return result;
}

int vet_profile(const struct config *config, struct gate_profile *profile, struct err *e)
{
	int fd, result = -1;
	size_t length = 0;
	char *print;

	if (config->profile[0] == '\0')
		return err_set(e, "no profile is configured; instead: profile = \"/path/to/your.ovpn\"");
	if ((fd = file_open_owned(config->profile, S_IWGRP | S_IWOTH, e)) == -1)
		return -1;
	if ((print = run_vetter(config, fd, &length, e)) != NULL) {
		result = seal_profile(profile, config, print, length, e);
		secret_wipe_bytes(print, length); /* it holds the private key */
		free(print);
	}
	close(fd);
	return result;
}
