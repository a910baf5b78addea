/* What `enable --confirm` leaves: a file of root's that says until when, and portcullis.conf as it was. */
#include "ctl/unconfirmed.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/host/file.h"
#include "os/service/install_paths.h"

/* Renamed by whoever comes first. */
#define WAITS "unconfirmed"
#define TAKEN "unconfirmed.taken"
#define CONFIRMED "unconfirmed.confirmed"
#define CONF "unconfirmed.conf"

enum { CONF_SIZE = 256 * 1024, LINE_SIZE = 32 };

static bool is_there(const char *name)
{
	char path[PATH_MAX];

	return access(install_path(INSTALL_STATE, name, path), F_OK) == 0;
}

bool unconfirmed_is_there(void)
{
	return is_there(WAITS) || is_there(TAKEN);
}

static int save(const char *name, const char *text, mode_t mode, struct err *e)
{
	char path[PATH_MAX];

	install_path(INSTALL_STATE, name, path);
	return file_save(path, text, true) == -1 || chmod(path, mode) == -1 ? err_errno(e, "%s", path) : 0;
}

static int remove_one(const char *name, struct err *e)
{
	char path[PATH_MAX];

	if (unlink(install_path(INSTALL_STATE, name, path)) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_errno(e, "%s can't be removed", path);
}

/* The configuration first: what is noted can be restored. */
int unconfirmed_write(int64_t until, const char *conf, mode_t mode, struct err *e)
{
	char folder[PATH_MAX], line[LINE_SIZE];

	snprintf(line, sizeof line, "%" PRId64 "\n", until);
	if (file_folder(install_path(INSTALL_STATE, NULL, folder), 0700, e) == -1 ||
	    unconfirmed_forget(e) == -1)
		return -1;
	if (conf != NULL && save(CONF, conf, mode, e) == -1)
		return -1;
	return save(WAITS, line, 0600, e);
}

static int claim(const char *as, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX];

	install_path(INSTALL_STATE, WAITS, from);
	if (rename(from, install_path(INSTALL_STATE, as, to)) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, "%s", from);
}

int unconfirmed_confirm(struct err *e)
{
	return claim(CONFIRMED, e);
}

int unconfirmed_take_back(struct err *e)
{
	int result = claim(TAKEN, e);

	return result == 0 && is_there(TAKEN) ? 1 : result;
}

int unconfirmed_restore(struct err *e)
{
	char kept[PATH_MAX], conf[PATH_MAX], resolved[PATH_MAX];
	char *text = malloc(CONF_SIZE);
	struct stat status;
	int result;

	install_path(INSTALL_STATE, CONF, kept);
	install_path(INSTALL_CONFIG, "portcullis.conf", conf);
	if (text == NULL)
		return err_set(e, "no memory");
	if (stat(kept, &status) == -1) /* there was none */
		result = errno != ENOENT || (unlink(conf) == -1 && errno != ENOENT) ? -1 : 0;
	else if (file_load(kept, text, CONF_SIZE) == -1 || (off_t)strlen(text) != status.st_size)
		result = -1;
	else /* a link is not replaced by a file */
		result = file_save(realpath(conf, resolved) != NULL ? resolved : conf, text, true) == -1 ||
				 chmod(conf, status.st_mode & 0644) == -1
			     ? -1
			     : 0;
	free(text);
	return result == -1 ? err_errno(e, "%s could not be restored", conf) : 0;
}

int unconfirmed_forget(struct err *e)
{
	return remove_one(WAITS, e) == -1 || remove_one(TAKEN, e) == -1 || remove_one(CONFIRMED, e) == -1 ||
		       remove_one(CONF, e) == -1
		   ? -1
		   : 0;
}
