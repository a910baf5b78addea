/* reload: portcullis.conf, the profile and the files of secrets, read anew while the gate stands. */
#include "gate/reload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config_change.h"
#include "config/config_token.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/unconfirmed.h"
#include "os/host/clock.h"
#include "os/host/file.h"
#include "os/host/file_watch.h"
#include "os/host/platform.h"

/* Whoever writes a file does so in several steps; then this long nothing. */
enum { SETTLE_MS = 200, NAMES = 256 };

enum secret_file { SECRET_PASSWORD, SECRET_TOTP, SECRET_PASSPHRASE, SECRET_KEY, SECRETS };
static const char *const secret_names[SECRETS] = {"the password file", "the TOTP file", "the passphrase",
						  "the private key"};

/* What the next attempt needs of what was read. */
struct news {
	bool profile, secret[SECRETS], redial, renew;
	const char *why; /* it is dialled again */
};

enum watched { WATCHED_PROFILE, WATCHED_SECRETS, WATCHED_UNCONFIRMED = WATCHED_SECRETS + SECRETS, WATCHED };
_Static_assert((int)WATCHED <= (int)FILE_WATCH_FILES, "each of them is watched");

static struct file_watch *watch;
static struct event *settled;
static bool config_refused; /* the refusal that is shown is of portcullis.conf itself */
static unsigned reported;   /* bits of `enum watched`: what has changed since it was last looked at */
static struct stat secrets[SECRETS]; /* as they were then; zeroed: there was none */

/* --- what is refused */

/* The keys that can't change while portcullisd runs. */
static int refuse_fixed(const struct gate *gate, const struct config *fresh, struct err *e)
{
	char names[NAMES];

	config_changed(&gate->config, fresh, CONFIG_RESTART, names, sizeof names);
	if (names[0] == '\0')
		return 0;
	return err_set(e, "%s: %s can't change while portcullisd runs; instead: %s", gate->config_file, names,
		       platform_restart_command);
}

/* What is wrong with the files that it names is taken back when one of them is right again. */
static int read_config(const struct gate *gate, struct config *fresh, struct err *e)
{
	config_refused = config_read(fresh, gate->config_file, e) == -1 || refuse_fixed(gate, fresh, e) == -1;
	return config_refused ? -1 : config_check_files(fresh, gate->config_file, e);
}

/* The driver, and so the status, has what the last note says. */
static void show(struct gate *gate)
{
	channel_notify(gate, NOTE_HELLO, gate->reason);
}

static void refuse(struct gate *gate, const struct err *e)
{
	char text[WIRE_TEXT];
	size_t used = 0;

	text_append(text, sizeof text, &used, "what was changed is not in use: %s", e->text);
	if (strcmp(text, gate->refused) == 0)
		return; /* said already */
	log_error("gate", "not read again, the old stays in use: %s", e->text);
	text_copy(gate->refused, sizeof gate->refused, text);
	show(gate);
}

/* --- what is taken */

/* The rules, and the routes, which know of the local network too. */
static int assert_configured(struct gate *gate, struct err *e)
{
	return firewall_assert(gate->fw, &gate->situation, e) == -1
		   ? -1
		   : gate_route(gate, gate->state.actual == ACTUAL_OPEN, e);
}

/* Takes `fresh`: the rules are changed to it in one transaction and read back. 0, or -1 and `e`: the old one
 * stays, with its rules; where they don't, the gate locks. */
static int configure(struct gate *gate, const struct config *fresh, struct err *e)
{
	static struct config old;
	bool held = gate_is_held(gate->state),
	     stands = held && gate->state.actual != ACTUAL_UNPROTECTED && !gate->bare;
	struct situation stood = gate->situation;

	old = gate->config;
	gate->config = *fresh;
	gate_fill_identities(gate);
	if (!stands || assert_configured(gate, e) == 0) {
		/* Where no lock could be made with the old values, one is tried with the new. */
		if (held && !stands)
			(void)gate_dispatch(gate, EVENT_RETRY, "the configuration is read again", NULL);
		return 0;
	}
	gate->config = old;
	gate->situation = stood;
	if (assert_configured(gate, NULL) == -1)
		(void)gate_dispatch(gate, EVENT_DISTURBED, "the rules could not be changed", NULL);
	return -1;
}

/* From here on nothing fails. */

static void take_profile(struct gate *gate, struct gate_profile *fresh, struct news *news)
{
	bool body = vet_same(gate->profile.body, fresh->body);

	if (body && vet_same(gate->profile.head, fresh->head)) {
		vet_free(fresh);
		return;
	}
	news->profile = news->renew = true;
	if (!body)
		news->why = "the profile has changed";
	else if (!attempt_knows(fresh, &gate->attempt.remote) &&
		 !names_are_of(&gate->names, fresh, &gate->attempt.remote))
		news->why = "the profile has lost this server";
	news->redial = news->redial || news->why != NULL;
	vet_free(&gate->profile);
	gate->profile = *fresh;
}

static const char *secret_path(const struct config *config, size_t which)
{
	return which == SECRET_PASSWORD ? config->password_file
	       : which == SECRET_TOTP   ? config->totp_file
	       : which == SECRET_KEY    ? config_is_token(config->key_file) ? "" : config->key_file
					: config->passphrase_file;
}

/* Another file, or another secret in it, than when it was last looked at? */
static bool take_secret(const struct config *config, size_t which)
{
	const char *path = secret_path(config, which);
	struct stat *now = &secrets[which], before = *now;

	memset(now, 0, sizeof *now);
	if (path[0] != '\0' && lstat(path, now) == -1)
		memset(now, 0, sizeof *now);
	return before.st_ino != now->st_ino || before.st_dev != now->st_dev ||
	       before.st_size != now->st_size || before.st_mtime != now->st_mtime ||
	       before.st_ctime != now->st_ctime;
}

static void take_secrets(const struct config *config, struct news *news)
{
	for (size_t i = 0; i < SECRETS; i++) {
		bool told = (reported & 1U << (WATCHED_SECRETS + i)) != 0;

		news->secret[i] = take_secret(config, i) || told;
		news->renew = news->renew || news->secret[i];
	}
	reported = 0;
}

static void take_log(struct gate *gate)
{
	struct err e = {""};

	if (files_open_log(gate, &e) == -1)
		log_warn("gate", "the log can't be opened again: %s", e.text);
	log_open(gate->log_fd, gate->config.log_level);
}

static void take_dns(struct gate *gate, bool managed)
{
	if (gate->dns.managed == managed)
		return;
	if (!managed) {
		gate->dns.shut = false;
		dns_job_want(&gate->dns, false);
	}
	gate->dns.managed = managed;
	if (managed)
		dns_job_look(&gate->dns, gate_is_held(gate->state));
	if (managed && gate->state.actual == ACTUAL_OPEN)
		dns_job_want(&gate->dns, true);
}

static void watch_files(const struct gate *gate)
{
	const char *paths[WATCHED] = {[WATCHED_PROFILE] = gate->config.profile};
	struct err e = {""};

	paths[WATCHED_UNCONFIRMED] = UNCONFIRMED_FILE;
	for (size_t i = 0; i < SECRETS; i++)
		paths[WATCHED_SECRETS + i] = secret_path(&gate->config, i);
	if (watch != NULL && file_watch_set(watch, paths, WATCHED, &e) == -1)
		log_warn("gate", "changes of the profile or of secrets may need `portcullis reload`: %s",
			 e.text);
}

/* An attempt that is ending is let end. */
static void redial(struct gate *gate, const char *why)
{
	if (gate->state.actual != ACTUAL_DIALLING && gate->state.actual != ACTUAL_OPEN)
		return;
	if (gate_dispatch(gate, EVENT_RECONNECT, why, NULL) == 0)
		channel_reconnect(gate, why);
}

static void carry_out(struct gate *gate, const struct news *news)
{
	if (!config_refused)
		gate->refused[0] = '\0';
	if (news->redial)
		redial(gate, news->why);
	if (news->renew)
		driver_renew(gate);
	if (!news->renew || gate->attempt.pid != 0) /* a new driver asks by itself */
		show(gate);
}

/* What a user wants to know of it. `names`: of the keys. */
static void describe(const struct gate *gate, const struct news *news, const char *names, struct err *e)
{
	bool runs = gate->attempt.pid != 0;
	char text[2 * NAMES];
	size_t used = 0;

	text_append(text, sizeof text, &used, "%s", names);
	if (news->profile)
		text_append(text, sizeof text, &used, "%sthe profile", used > 0 ? ", " : "");
	for (size_t i = 0; i < SECRETS; i++)
		if (news->secret[i])
			text_append(text, sizeof text, &used, "%s%s", used > 0 ? ", " : "", secret_names[i]);
	if (used == 0)
		err_set(e, "nothing has changed");
	else
		err_set(e, "%s taken%s", text,
			news->redial && runs  ? "; dialling again"
			: news->renew && runs ? "; used from the next attempt on"
					      : "");
	log_info("gate", "reload: %s", e->text);
}

/* All keys that have another value. */
static void list_changed(const struct gate *gate, const struct config *fresh, struct news *news, char *names)
{
	char some[NAMES];
	size_t used = 0;

	names[0] = '\0';
	for (int change = CONFIG_LIVE; change <= CONFIG_REDIAL; change++) {
		config_changed(&gate->config, fresh, (enum config_change)change, some, sizeof some);
		if (some[0] == '\0')
			continue;
		text_append(names, NAMES, &used, "%s%s", used > 0 ? ", " : "", some);
		news->renew = news->renew || change != CONFIG_LIVE;
		if (change == CONFIG_REDIAL)
			news->redial = true;
	}
}

static int take_all(struct gate *gate, const struct config *fresh, struct gate_profile *profile,
		    struct err *e)
{
	struct news news = {.why = NULL};
	char names[NAMES];
	bool managed = fresh->manage_dns;

	list_changed(gate, fresh, &news, names);
	if (configure(gate, fresh, e) == -1) {
		vet_free(profile);
		return -1;
	}
	if (news.redial)
		news.why = "openvpn's settings have changed";
	take_log(gate);
	take_dns(gate, managed);
	ways_changed(gate, false);
	take_profile(gate, profile, &news);
	take_secrets(&gate->config, &news);
	if (gate->config.keychain[0] != '\0') /* nobody reports that an item has changed */
		news.secret[SECRET_PASSWORD] = news.renew = true;
	watch_files(gate);
	describe(gate, &news, names, e);
	carry_out(gate, &news);
	return 0;
}

int reload(struct gate *gate, struct err *e)
{
	static struct config fresh;
	struct gate_profile profile = {.head = -1, .body = -1};

	if (read_config(gate, &fresh, e) == 0 && vet_profile(&fresh, &profile, e) == 0 &&
	    take_all(gate, &fresh, &profile, e) == 0)
		return 0;
	refuse(gate, e);
	return -1;
}

/* --- what the kernel says of the files */

/* Readable for root alone, or it is not taken; the driver keeps what it has. */
static int check_secrets(const struct config *config, struct err *e)
{
	for (size_t i = 0; i < SECRETS; i++) {
		int fd = secret_path(config, i)[0] == '\0'
			     ? -1
			     : file_open_owned(secret_path(config, i), S_IRWXG | S_IRWXO, e);

		if (fd == -1 && secret_path(config, i)[0] != '\0')
			return -1;
		if (fd != -1)
			close(fd);
	}
	return 0;
}

static void settled_cb(evutil_socket_t fd, short what, void *argument)
{
	struct gate *gate = argument;
	struct gate_profile profile = {.head = -1, .body = -1};
	struct news news = {.why = NULL};
	struct err e = {""};

	(void)fd, (void)what;
	watch_files(gate); /* first: what changes from here on is seen */
	if (vet_profile(&gate->config, &profile, &e) == -1 || check_secrets(&gate->config, &e) == -1) {
		vet_free(&profile);
		config_refused = false;
		refuse(gate, &e);
		return;
	}
	take_profile(gate, &profile, &news);
	take_secrets(&gate->config, &news);
	if (!news.renew && (config_refused || gate->refused[0] == '\0'))
		return;
	describe(gate, &news, "", &e);
	carry_out(gate, &news);
}

static void changed_cb(unsigned which, void *argument)
{
	const unsigned unconfirmed = 1U << WATCHED_UNCONFIRMED;
	struct timeval delay = clock_timeval(SETTLE_MS);

	reported |= which & ~unconfirmed;
	if ((which & unconfirmed) != 0) {
		watch_files(argument);
		unconfirmed_look(argument);
		show(argument);
	}
	if ((which & ~unconfirmed) != 0)
		evtimer_add(settled, &delay);
}

int reload_watch(struct gate *gate, struct err *e)
{
	struct news news = {.why = NULL};
	struct err none = {""};

	if ((settled = evtimer_new(gate->base, settled_cb, gate)) == NULL)
		return err_set(e, "no memory");
	if ((watch = file_watch_open(gate->base, changed_cb, gate, &none)) == NULL)
		log_warn("gate", "another profile needs `portcullis reload`: %s", none.text);
	take_secrets(&gate->config, &news);
	watch_files(gate);
	unconfirmed_look(gate);
	return 0;
}
