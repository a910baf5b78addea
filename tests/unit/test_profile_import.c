/* check and import: a user's files in, one of root's profiles out. Needs no network: every
 * name here is in the hosts file or a literal address. */
#include "profile_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/profile/check.h"
#include "ctl/profile/import.h"

#define FILES "tests/unit/data/profiles/files/"

enum { OWNER = 4242 };

static char place[64], home[80], stored[80], complaints[4096];

static void write_file(const char *name, const char *bytes, size_t length, mode_t mode, uid_t owner)
{
	char path[160];
	int fd;

	snprintf(path, sizeof path, "%s/%s", home, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(fchown(fd, owner, owner), 0);
	close(fd);
}

static void write_text(const char *name, const char *text, uid_t owner)
{
	write_file(name, text, strlen(text), 0600, owner);
}

static void copy_file(const char *name)
{
	char path[160];
	size_t length;
	char *bytes;

	snprintf(path, sizeof path, FILES "%s", name);
	bytes = read_data(path, &length);
	write_file(name, bytes, length, 0600, OWNER);
	free(bytes);
}

/* Runs it with both outputs in a file, which lands in `complaints`. */
static int quietly(int (*what)(const char *, const char *), const char *file, const char *name)
{
	char path[160], output[160];
	int kept[2], fd, result;
	size_t length;
	char *text;

	snprintf(output, sizeof output, "%s/output", place);
	snprintf(path, sizeof path, "%s/%s", home, file);
	fflush(NULL);
	kept[0] = dup(STDOUT_FILENO);
	kept[1] = dup(STDERR_FILENO);
	fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	result = what(path, name);
	fflush(NULL);
	dup2(kept[0], STDOUT_FILENO);
	dup2(kept[1], STDERR_FILENO);
	close(kept[0]);
	close(kept[1]);
	text = read_data(output, &length);
	snprintf(complaints, sizeof complaints, "%s", text);
	free(text);
	return result;
}

static int do_import(const char *file, const char *name)
{
	return import_profile_to(file, name, stored);
}

static int do_check(const char *file, const char *name)
{
	(void)name;
	return check_profile(file);
}

static void assert_says(const char *text)
{
	if (strstr(complaints, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, complaints);
}

static int make_place(void **state)
{
	(void)state;
	strcpy(place, "/tmp/portcullis-import-XXXXXX");
	assert_non_null(mkdtemp(place));
	assert_int_equal(chmod(place, 0755), 0);
	snprintf(home, sizeof home, "%s/home", place);
	snprintf(stored, sizeof stored, "%s/etc/profiles", place);
	assert_int_equal(mkdir(home, 0755), 0);
	return 0;
}

static int remove_place(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", place);
	return system(command);
}

static void test_check(void **state)
{
	(void)state;
	write_text("good.ovpn", BASE "verb 3\nauth-user-pass\n", geteuid());
	assert_int_equal(quietly(do_check, "good.ovpn", NULL), 0);
	assert_says("good.ovpn:4: note: verb: ");
	assert_says("remote 192.0.2.1 port 1194/udp: 192.0.2.1\n");
	assert_says("needs a user name and a password");
	write_text("bad.ovpn", BASE "plugin /x.so\n", geteuid());
	assert_int_equal(quietly(do_check, "bad.ovpn", NULL), 1);
	assert_says("bad.ovpn:4: plugin: loads a shared object as root; instead: delete the line\n");
	assert_int_equal(quietly(do_check, "missing.ovpn", NULL), 1);
	assert_says("missing.ovpn: No such file or directory\n");
}

static void test_import_is_roots(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip();
	write_text("good.ovpn", BASE, geteuid());
	assert_int_equal(quietly(do_import, "good.ovpn", NULL), 1);
	assert_says("sudo portcullis import");
}

static void test_import(void **state)
{
	char path[160];
	struct stat status;
	struct err e;
	struct profile *profile;
	char *text;
	size_t length;

	(void)state;
	if (geteuid() != 0)
		skip();
	copy_file("ca.crt");
	copy_file("client.crt");
	copy_file("client.p12");
	copy_file("token.ovpn");
	assert_int_equal(quietly(do_import, "token.ovpn", "my-token"), 0);
	assert_says("profile = \"");
	snprintf(path, sizeof path, "%s/my-token.ovpn", stored);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(status.st_uid, 0);
	/* What was stored refers to nothing any more. */
	text = read_data(path, &length);
	profile = parse_bytes(text, length, NULL, &e);
	if (profile == NULL)
		fail_msg("%s", e.text);
	assert_non_null(strstr(text, "\n<pkcs12>\n"));
	profile_free(profile);
	free(text);
}

static void test_rights_of_the_owner(void **state)
{
	char text[200];

	(void)state;
	if (geteuid() != 0)
		skip();
	copy_file("ca.crt");
	snprintf(text, sizeof text, BASE "ca %s/roots.crt\n", home);
	write_text("reach.ovpn", text, OWNER);
	write_text("roots.crt", "secret", 0);
	assert_int_equal(quietly(do_import, "reach.ovpn", NULL), 1);
	assert_says("reach.ovpn:4: ca: ");
	assert_says("Permission denied");
	assert_null(strstr(complaints, "secret"));
	/* The control: the same file, once it is the owner's. */
	snprintf(text, sizeof text, "%s/ca.crt", home);
	snprintf(complaints, sizeof complaints, "%s/roots.crt", home);
	assert_int_equal(rename(text, complaints), 0);
	assert_int_equal(quietly(do_import, "reach.ovpn", NULL), 0);
}

static void test_destination(void **state)
{
	char path[160];
	struct stat status;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_text("good.ovpn", BASE, OWNER);
	assert_int_equal(quietly(do_import, "good.ovpn", NULL), 0);
	/* A link in the way is replaced, never followed. */
	snprintf(path, sizeof path, "%s/linked.ovpn", stored);
	write_text("victim", "untouched", 0);
	assert_int_equal(symlink("../../home/victim", path), 0);
	assert_int_equal(quietly(do_import, "good.ovpn", "linked"), 0);
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	snprintf(path, sizeof path, "%s/victim", home);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, strlen("untouched"));
	assert_int_equal(quietly(do_import, "good.ovpn", "../x"), 1);
	assert_says("a name has only letters");
	assert_int_equal(quietly(do_import, "good.ovpn", ".hidden"), 1);
	assert_int_equal(chmod(stored, 0777), 0);
	assert_int_equal(quietly(do_import, "good.ovpn", NULL), 1);
	assert_says("others may write to it");
	assert_int_equal(chmod(stored, 0700), 0);
}

static void test_what_is_no_profile(void **state)
{
	char path[160];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/a.tblk", home);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(quietly(do_import, "a.tblk", NULL), 1);
	assert_says("a.tblk: it has no configuration (.ovpn or .conf); instead: ");
	snprintf(path, sizeof path, "%s/plain", home);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(quietly(do_import, "plain", NULL), 1);
	assert_says("plain: a directory, but not a Tunnelblick bundle (NAME.tblk); instead: ");
	write_text("b.tblk.zip", "PK", OWNER);
	assert_int_equal(quietly(do_import, "b.tblk.zip", NULL), 1);
	assert_says("b.tblk.zip: an archive; instead: unpack it");
	snprintf(path, sizeof path, "%s/pipe.ovpn", home);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(quietly(do_import, "pipe.ovpn", NULL), 1);
	assert_says("not a regular file");
	write_text("refused.ovpn", BASE "plugin /x.so\n", OWNER);
	assert_int_equal(quietly(do_import, "refused.ovpn", NULL), 1);
	assert_says("refused.ovpn:4: plugin: ");
	/* In the hosts file, but no server can be there. */
	write_text("local.ovpn", "remote localhost\n", OWNER);
	assert_int_equal(quietly(do_import, "local.ovpn", NULL), 1);
	assert_says("no remote's name could be resolved");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check),       cmocka_unit_test(test_import_is_roots),
	    cmocka_unit_test(test_import),      cmocka_unit_test(test_rights_of_the_owner),
	    cmocka_unit_test(test_destination), cmocka_unit_test(test_what_is_no_profile),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
