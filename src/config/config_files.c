/* Checks the files that portcullis.conf names, so that an error is found now and not at the first dial. */
#include "config/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config_token.h"

struct named {
	const char *file; /* the configuration, for messages */
	const char *key, *path;
	int line; /* 0: a default */
	struct err *e;
};

/* "FILE:LINE: KEY: PATH what; instead: instead" */
static int refuse(const struct named *named, const char *what, const char *instead)
{
	err_set(named->e, "%s: %s %s; instead: %s", named->key, named->path, what, instead);
	return named->line != 0 ? err_prefix(named->e, "%s:%d", named->file, named->line)
				: err_prefix(named->e, "%s", named->file);
}

static int refuse_errno(const struct named *named, const char *instead)
{
	if (errno == EACCES)
		return refuse(named, "can't be examined: Permission denied", "ask as root");
	return refuse(named, errno == ENOENT ? "does not exist" : strerror(errno), instead);
}

/* Has a user with this group and no other the rights `want` (bits of 07)? */
static bool may(const struct stat *status, uint32_t uid, uint32_t gid, mode_t want)
{
	unsigned shift = status->st_uid == uid ? 6 : status->st_gid == gid ? 3 : 0;

	if (uid == 0) /* root may read and write everything, and execute what anybody may */
		return (want & 1) == 0 || (status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
	return (status->st_mode >> shift & want) == want;
}

static int check_binary(const struct config *config, const struct named *named)
{
	struct stat status;

	if (stat(named->path, &status) == -1)
		return refuse_errno(named, "install openvpn, or name where it is");
	if (!S_ISREG(status.st_mode))
		return refuse(named, "is not a regular file", "name the program openvpn");
	if (!may(&status, config->openvpn_user.number, config->openvpn_group.number, 1))
		return refuse(named, "can't be executed by openvpn's user", "chmod a+x, or name the program");
	return 0;
}

/* Root opens it later, without following links: it must belong to root or the caller, and have none of
 * the mode bits `never`. */
static int check_owned(const struct named *named, mode_t never, const char *chmod)
{
	struct stat status;

	if (lstat(named->path, &status) == -1)
		return refuse_errno(named, "name an existing file");
	if (S_ISLNK(status.st_mode))
		return refuse(named, "is a link, which root does not follow", "name the file itself");
	if (!S_ISREG(status.st_mode))
		return refuse(named, "is not a regular file", "name a file");
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return refuse(named, "belongs to somebody else", "chown root");
	if ((status.st_mode & never) != 0)
		return refuse(
		    named, never & S_IROTH ? "may be read or written by others" : "may be written by others",
		    chmod);
	return 0;
}

/* Where no file is named: FOLDER/NAME, if it is there. */
static void take_credential(const char *folder, const char *name, char to[PATH_MAX])
{
	char path[PATH_MAX];
	struct stat status;
	size_t used = 0;

	if (to[0] == '\0' && text_append(path, sizeof path, &used, "%s/portcullis.%s", folder, name) == 0 &&
	    lstat(path, &status) == 0)
		text_copy(to, PATH_MAX, path);
}

void config_take_credentials(struct config *config, const char *folder)
{
	if (folder == NULL || folder[0] != '/')
		return;
	if (config->keychain[0] == '\0')
		take_credential(folder, "password", config->password_file);
	take_credential(folder, "totp", config->totp_file);
	take_credential(folder, "key", config->key_file);
	take_credential(folder, "key-passphrase", config->passphrase_file);
}

int config_check_files(const struct config *config, const char *file, struct err *e)
{
	const struct config_lines *lines = &config->lines;
	const struct named profile = {file, "profile", config->profile, lines->profile, e};
	const struct named binary = {file, "openvpn.binary", config->openvpn_binary, lines->openvpn_binary,
				     e};
	const struct named password = {file, "credentials.password-file", config->password_file,
				       lines->password_file, e};
	const struct named key = {file, "credentials.key", config->key_file, lines->key_file, e};
	const struct named passphrase = {file, "credentials.key-passphrase-file", config->passphrase_file,
					 lines->passphrase_file, e};
	const struct named totp = {file, "credentials.totp-file", config->totp_file, lines->totp_file, e};
	const struct named *const secrets[] = {&password, &key, &passphrase, &totp};

	if (profile.path[0] == '\0')
		return err_set(e, "%s: no profile is configured; instead: profile = \"/path/to/your.ovpn\"",
			       file);
	if (check_owned(&profile, S_IWGRP | S_IWOTH, "chmod go-w") == -1 ||
	    check_binary(config, &binary) == -1)
		return -1;
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (secrets[i]->path[0] != '\0' && !config_is_token(secrets[i]->path) &&
		    check_owned(secrets[i], S_IRWXG | S_IRWXO, "chmod 600") == -1)
			return -1;
	}
	return 0;
}
