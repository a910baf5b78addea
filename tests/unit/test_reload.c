/* Reload: what is read, what of it is taken, what is dialled again, and what stays when anything is wrong;
 * against tests/golden/reload/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/reload.h"
#include "gate/unconfirmed.h"
#include "golden.h"
#include "log_journal.h"
#include "os/host/file.h"
#include "os/host/file_watch.h"
#include "tests/arch/gate_states.h"
#include "timer_standin.h"
#include "ways.h"

enum { OPENVPN = 4711, PROFILE = 20, SAME = 30, REMOTES = 40, BODY = 50, LOG = 60, PASSWORD = 70 };

static struct gate gate;
static struct config fresh; /* what the file has */
static file_watch_cb *changed;
static void *watched;
static ino_t password;    /* of the file; 0: there is none */
static struct stat facts; /* what else it is */
static unsigned settles;

/* --- what it asks others ---------------------------------------------------------------- */

const char *const log_level_words[LOG_LEVELS] = {"error", "warn", "info", "debug"};

void log_open(int descriptor, enum log_level level)
{
	say("log_open %d %d", descriptor, (int)level);
}

int config_read(struct config *config, const char *file, struct err *e)
{
	say("config_read %s", file);
	*config = fresh;
	return FAILS("config_read") ? -1 : 0;
}

int config_check_files(const struct config *config, const char *file, struct err *e)
{
	(void)config;
	say("config_check_files %s", file);
	return FAILS("config_check_files") ? -1 : 0;
}

/* The profile's head and body are numbers: what has the same is the same. */
int vet_profile(const struct config *config, struct gate_profile *profile, struct err *e)
{
	assert_true(profile->head == -1 && profile->body == -1 && profile->remotes == NULL);
	say("vet_profile %s", config->profile);
	if (FAILS("vet_profile"))
		return -1;
	profile->head = is("same") ? SAME : REMOTES;
	profile->body = is("same") || is("remotes") || is("lost") ? SAME : BODY;
	return 0;
}

void vet_free(const struct gate_profile *profile)
{
	say("vet_free %d %d", profile->head, profile->body);
}

bool vet_same(int one, int other)
{
	return one == other;
}

bool attempt_knows(const struct gate_profile *profile, const struct net_endpoint *endpoint)
{
	assert_true(profile->head == REMOTES && endpoint == &gate.attempt.remote);
	return !is("lost");
}

void ways_changed(struct gate *it, bool worth)
{
	assert_ptr_equal(it, &gate);
	say("ways_changed %d", worth);
}

void gate_fill_identities(struct gate *it)
{
	say("gate_fill_identities lan %d", it->config.lan);
	it->situation.lan = it->config.lan;
}

int firewall_assert(struct firewall *fw, const struct situation *s, struct err *e)
{
	assert_ptr_equal(fw, gate.fw);
	say("firewall_assert lan %d", s->lan);
	return FAILS("firewall_assert") ? -1 : 0;
}

int gate_route(struct gate *it, bool open, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("gate_route %d lan %d", open, it->config.lan);
	return FAILS("gate_route") ? -1 : 0;
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *e)
{
	assert_true(it == &gate && e == NULL);
	say("gate_dispatch %s: %s", gate_event_names[event], why);
	return fails("gate_dispatch") ? -1 : 0;
}

bool names_are_of(const struct names *names, const struct gate_profile *profile,
		  const struct net_endpoint *endpoint)
{
	assert_true(names == &gate.names && profile != &gate.profile && endpoint == &gate.attempt.remote);
	return is("by-name");
}

int files_open_log(struct gate *it, struct err *e)
{
	assert_ptr_equal(it, &gate);
	say("files_open_log");
	return FAILS("files_open_log") ? -1 : 0;
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	assert_true(it == &gate && note == NOTE_HELLO);
	say("channel_notify hello %s; refused: %s", text, it->refused);
}

void channel_reconnect(struct gate *it, const char *why)
{
	assert_ptr_equal(it, &gate);
	say("channel_reconnect %s", why);
}

void driver_renew(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("driver_renew with %d %d", it->profile.head, it->profile.body);
}

void dns_job_want(struct dns_job *job, bool set)
{
	say("dns_job_want %d, managed %d, shut %d", set, job->managed, job->shut);
}

void dns_job_look(struct dns_job *job, bool shut)
{
	say("dns_job_look %d, managed %d", shut, job->managed);
}

int file_open_owned(const char *path, mode_t never, struct err *e)
{
	say("file_open_owned %s %04o", path, (unsigned)never);
	return FAILS("file_open_owned") ? -1 : PASSWORD;
}

int close(int fd)
{
	say("close %d", fd);
	return 0;
}

int lstat(const char *path, struct stat *status)
{
	say("lstat %s", path);
	*status = facts;
	status->st_ino = password;
	errno = ENOENT;
	return password == 0 ? -1 : 0;
}

void unconfirmed_look(struct gate *it)
{
	assert_ptr_equal(it, &gate);
	say("unconfirmed_look");
}

struct file_watch *file_watch_open(struct event_base *base, file_watch_cb *cb, void *argument, struct err *e)
{
	assert_ptr_equal(base, gate.base);
	if (FAILS("file_watch_open"))
		return NULL;
	changed = cb;
	watched = argument;
	return (struct file_watch *)&changed;
}

int file_watch_set(struct file_watch *it, const char *const *paths, size_t count, struct err *e)
{
	assert_ptr_equal(it, &changed);
	say("file_watch_set");
	for (size_t i = 0; i < count; i++)
		say("  %s", paths[i]);
	return FAILS("file_watch_set") ? -1 : 0;
}

/* --- the tests --------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	memset(&gate, 0, sizeof gate);
	memset(&fresh, 0, sizeof fresh);
	journal[0] = failed[0] = '\0';
	so = "";
	password = 7;
	memset(&facts, 0, sizeof facts);
	gate.base = event_base_new();
	gate.log_fd = LOG;
	strcpy(gate.config_file, "p.conf");
	strcpy(gate.reason, "as it was");
	strcpy(fresh.profile, "/a.ovpn");
	strcpy(fresh.password_file, "/password");
	fresh.manage_dns = true;
	gate.config = fresh;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	event_base_free(gate.base);
	return 0;
}

/* As it stands before each. */
static void stand(const char *words, enum gate_actual actual)
{
	so = words;
	failed[0] = '\0';
	gate.config = fresh;
	gate.situation.lan = false;
	gate.dns.managed = true;
	gate.dns.shut = true;
	gate.profile = (struct gate_profile){.head = SAME, .body = SAME};
	gate.state = (struct gate_state){DESIRED_UP, actual};
	gate.bare = false;
	gate.attempt.pid =
	    actual == ACTUAL_OPEN || actual == ACTUAL_DIALLING || actual == ACTUAL_LEAVING ? OPENVPN : 0;
	gate.refused[0] = '\0';
	(void)reload(&gate, &(struct err){""}); /* the password is known */
	journal[0] = gate.refused[0] = '\0';
	gate.profile = (struct gate_profile){.head = SAME, .body = SAME};
}

static char whole[GOLDEN_TEXT];

static void finish(const char *title, int result, const struct err *e)
{
	size_t used = strlen(whole);

	say("= %d: %s; refused: %s", result, e->text, gate.refused);
	assert_true(snprintf(whole + used, sizeof whole - used, "\n# %s\n%s", title, journal) <
		    (int)(sizeof whole - used));
}

/* In each state: nothing new; other servers; one less; other options. */
static void test_the_profile(void **state)
{
	static const char *const profiles[] = {"same", "remotes", "lost", "lost by-name", "body"};
	static const enum gate_actual states[] = {ACTUAL_UNPROTECTED, ACTUAL_LOCKED,  ACTUAL_DIALLING,
						  ACTUAL_OPEN,        ACTUAL_LEAVING, ACTUAL_PAUSED,
						  ACTUAL_OFF};

	(void)state;
	whole[0] = '\0';
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		for (size_t j = 0; j < sizeof profiles / sizeof profiles[0]; j++) {
			struct err e = {""};
			char title[64];
			int result;

			stand("same", states[i]);
			so = profiles[j];
			result = reload(&gate, &e);
			snprintf(title, sizeof title, "%s, %s", actual_names[states[i]], profiles[j]);
			finish(title, result, &e);
		}
	assert_golden("tests/golden/reload/profile", whole);
}

/* Each by itself, under an open tunnel. */
static void test_the_configuration(void **state)
{
	static const char *const keys[] = {"lan",          "level",  "dns",       "user name",
					   "no-password",  "binary", "interface", "password",
					   "two restarts", "path",   "keychain"};

	(void)state;
	whole[0] = '\0';
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct config kept = fresh;
		struct err e = {""};
		int result;

		password = 7;
		stand("same", ACTUAL_OPEN);
		so = keys[i];
		fresh.lan = is("lan");
		fresh.log_level = is("level") ? LOG_DEBUG : LOG_ERROR;
		fresh.manage_dns = !is("dns");
		if (is("user"))
			strcpy(fresh.username, "alice");
		if (is("no-password"))
			fresh.password_file[0] = '\0';
		if (is("password"))
			password = 8;
		if (is("binary"))
			strcpy(fresh.openvpn_binary, "/openvpn");
		if (is("interface"))
			strcpy(fresh.interface, "tun7");
		if (is("two")) {
			strcpy(fresh.state_dir, "/s");
			fresh.user.number = 5;
		}
		if (is("keychain"))
			strcpy(fresh.keychain, "service");
		if (is("path"))
			strcpy(fresh.profile, "/b.ovpn");
		so = "same";
		result = reload(&gate, &e);
		assert_int_equal(memcmp(&gate.config, &fresh, sizeof fresh) == 0, result == 0);
		finish(keys[i], result, &e);
		if (strcmp(keys[i], "dns") == 0) { /* and managed again */
			fresh = kept;
			journal[0] = '\0';
			result = reload(&gate, &e);
			finish("dns again", result, &e);
		}
		fresh = kept;
	}
	assert_golden("tests/golden/reload/configuration", whole);
}

/* Whatever is wrong: configuration, profile and situation are the old ones. */
static void test_what_is_refused(void **state)
{
	static const char *const ways[] = {
	    "!config_read",     "!config_check_files", "!vet_profile", "!firewall_assert-once",
	    "!firewall_assert", "!gate_route-once",    "!gate_route"};

	(void)state;
	whole[0] = '\0';
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct err e = {""};
		int result;

		stand("same", ACTUAL_OPEN);
		so = ways[i];
		fresh.lan = true;
		result = reload(&gate, &e);
		finish(ways[i], result, &e);
		fresh.lan = false;
		assert_false(gate.config.lan);
		assert_false(gate.situation.lan);
		assert_true(gate.profile.head == SAME && gate.profile.body == SAME);
		/* The same again is not logged again; and one that is not refused takes it back. */
		journal[0] = '\0';
		fresh.lan = true;
		failed[0] = '\0';
		assert_int_equal(reload(&gate, &e), -1);
		assert_null(strstr(journal, "not read again"));
		fresh.lan = false;
		so = "same";
		assert_int_equal(reload(&gate, &e), 0);
		assert_string_equal(gate.refused, "");
	}
	assert_golden("tests/golden/reload/refused", whole);
}

/* Where no rules are held, or none with the configuration's values: they are tried with the new ones. */
static void test_where_rules_do_not_stand(void **state)
{
	static const enum gate_actual states[] = {ACTUAL_UNPROTECTED, ACTUAL_LOCKED, ACTUAL_PAUSED,
						  ACTUAL_OFF};

	(void)state;
	whole[0] = '\0';
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		struct err e = {""};
		int result;

		stand("same", states[i]);
		gate.bare = states[i] == ACTUAL_LOCKED;
		fresh.lan = true;
		result = reload(&gate, &e);
		finish(actual_names[states[i]], result, &e);
		fresh.lan = false;
	}
	assert_golden("tests/golden/reload/bare", whole);
}

/* Failures that keep nothing from being taken. */
static void test_what_only_is_logged(void **state)
{
	struct err e = {""};

	(void)state;
	whole[0] = '\0';
	stand("same", ACTUAL_OPEN);
	so = "!files_open_log";
	finish("no log", reload(&gate, &e), &e);
	stand("same", ACTUAL_OPEN);
	so = "!gate_dispatch";
	finish("no reconnect", reload(&gate, &e), &e);
	assert_golden("tests/golden/reload/logged", whole);
}

static void settle(const char *title, const char *words, unsigned which)
{
	so = words;
	failed[0] = journal[0] = '\0';
	changed(which, watched);
	assert_int_equal(timer_ms, 200);
	assert_string_equal(journal, ""); /* nothing before it has settled */
	event_base_loop(gate.base, EVLOOP_ONCE);
	settles++;
	finish(title, 0, &(struct err){""});
}

static void test_files(void **state)
{
	struct err e = {""};

	(void)state;
	whole[0] = '\0';
	stand("same", ACTUAL_OPEN);
	so = "!file_watch_open";
	assert_int_equal(reload_watch(&gate, &e), 0);
	finish("no watch", 0, &e);
	journal[0] = '\0';
	so = "";
	assert_int_equal(reload_watch(&gate, &e), 0);
	finish("watched", 0, &e);
	journal[0] = '\0';
	so = "same";
	finish("by a command", reload(&gate, &e), &e);
	journal[0] = e.text[0] = '\0';
	so = "";
	changed(32, watched); /* somebody has confirmed: told at once, and nothing is read again */
	finish("confirmed", 0, &e);
	assert_int_equal(event_base_get_num_events(gate.base, EVENT_BASE_COUNT_ADDED), 0);
	settle("nothing new", "same", 1);
	settle("another body", "body", 1);
	gate.profile = (struct gate_profile){.head = SAME, .body = SAME};
	settle("other servers", "remotes", 1);
	gate.profile = (struct gate_profile){.head = SAME, .body = SAME};
	settle("a password in place", "same", 2);
	password = 9;
	settle("another password file", "same", 1);
	facts.st_dev++;
	settle("of the same number, on another disk", "same", 1);
	facts.st_size++;
	settle("longer", "same", 1);
	facts.st_mtime++;
	settle("written to", "same", 1);
	facts.st_ctime++;
	settle("moved", "same", 1);
	facts.st_atime++;
	settle("only read", "same", 1);
	settle("refused", "!vet_profile", 1);
	settle("refused again", "!vet_profile", 1);
	settle("a password that others may read", "same !file_open_owned", 2);
	settle("as before", "same", 1);
	settle("a folder is gone", "same !file_watch_set", 1);
	gate.config.password_file[0] = '\0';
	settle("no password", "same", 1);
	strcpy(gate.config.totp_file, "/codes");
	settle("codes", "same", 1);
	settle("codes in place", "same", 4);
	settle("codes that others may read", "same !file_open_owned", 4);
	strcpy(gate.config.passphrase_file, "/phrase");
	settle("a passphrase", "same", 8);
	strcpy(gate.config.key_file, "/key");
	settle("a private key", "same", 1);
	settle("a private key in place", "same", 16);
	gate.attempt.pid = 0;
	gate.state.actual = ACTUAL_LOCKED;
	settle("no attempt", "remotes", 1);
	assert_golden("tests/golden/reload/files", whole);
}

/* A profile that is right does not take back that the configuration is not. */
static void test_whose_refusal_it_is(void **state)
{
	struct err e = {""};

	(void)state;
	stand("same", ACTUAL_OPEN);
	assert_int_equal(reload_watch(&gate, &e), 0);
	so = "!config_read";
	assert_int_equal(reload(&gate, &e), -1);
	settle("", "remotes", 1);
	assert_non_null(strstr(gate.refused, "config_read"));
	settle("", "!vet_profile", 1);
	assert_non_null(strstr(gate.refused, "vet_profile"));
	settle("", "remotes", 1);
	assert_string_equal(gate.refused, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_profile),         TEST(test_the_configuration),
	    TEST(test_what_is_refused),     TEST(test_where_rules_do_not_stand),
	    TEST(test_what_only_is_logged), TEST(test_files),
	    TEST(test_whose_refusal_it_is)};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
