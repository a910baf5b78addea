/* portcullisd from its command line to its exit code: what it asks of whom, in which order, and with what,
 * in every way that a start, a life and an end can go; against tests/golden/portcullisd/. Each run is a
 * child, for the program's state is its process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/shown.h"
#include "config/command_line.h"
#include "gate/admin_socket.h"
#include "gate/channel.h"
#include "gate/files.h"
#include "gate/gate.h"
#include "gate/portal/hole.h"
#include "gate/reload.h"
#include "gate/seen.h"
#include "gate/verbs.h"
#include "golden.h"
#include "log_journal.h"
#include "os/firewall/describe.h"
#include "os/host/loop.h"
#include "os/host/off_marker.h"
#include "os/process/daemon.h"
#include "os/route/route.h"
#include "os/route/tun_node.h"
#include "os/service/notify.h"
#include "os/service/strict_boot.h"
#include "tests/arch/gate_states.h"
#include "ways.h"

int portcullisd_main(int argc, char **argv); /* its main, by the Makefile */

enum {
	DRIVER = 1001,
	OPENVPN = 1002,
	RESOLVER = 1003,
	ASKER = 1004,
	SIGNER = 1005,
	OTHER = 4711,
	SECONDS = 20
};

/* One way that it can go: its options, what is so (and which calls fail), and what happens in the loop. */
struct way {
	const char *options, *so, *happens;
};
static const struct way *way;
static size_t after_start; /* the journal begins there anew at the driver's start; 0: it does not */
static struct gate *gate;
static const struct netwatch_events *network;
static sleep_woke_fn *woke;
static void (*fatal)(int code), (*hooks_changed)(void *);
static route_foreign_fn *routes_changed;
static char all_reaped[32];
static const char *reaped = all_reaped; /* what waitpid finds next */

/* --- the log, the terminal, the clockwork ----------------------------------------------- */

void log_open(int descriptor, enum log_level level)
{
	say("log_open %d %d", descriptor, (int)level);
}

void log_copy(int descriptor)
{
	say("log_copy %d", descriptor);
}

void shown_print(FILE *to, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	say("%s| %.160s", to == stderr ? "stderr" : to == stdout ? "stdout" : "elsewhere", text);
}

uid_t geteuid(void)
{
	return is("a-user") ? 1000 : 0;
}

time_t time(time_t *to)
{
	return to == NULL ? 1000000000 : (*to = 1000000000);
}

/* Once a turn: the next thing that happens. */
static void happen_cb(evutil_socket_t fd, short what, void *argument);

struct event_base *loop_new(void (*fatal_cb)(int code))
{
	static const struct timeval soon = {.tv_usec = 1};
	struct event_base *base;

	say("loop_new");
	if (fails("loop_new"))
		return NULL;
	fatal = fatal_cb;
	base = event_base_new();
	event_add(event_new(base, -1, EV_PERSIST, happen_cb, NULL), &soon);
	return base;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	*status = 9;
	if (pid > 0) {
		say("waitpid %d %d", (int)pid, options);
		return is("!waitpid") ? -1 : pid;
	}
	assert_int_equal(options, WNOHANG);
	return reaped[0] == '\0'   ? 0
	       : *reaped++ == 'o'  ? OPENVPN
	       : reaped[-1] == 'd' ? DRIVER
	       : reaped[-1] == 'n' ? ASKER
	       : reaped[-1] == 's' ? SIGNER
				   : RESOLVER;
}

/* --- what the configuration says ------------------------------------------------------------ */

int command_line_read(int argc, char **argv, struct command_line *to)
{
	static char path[PATH_MAX] = "/etc/p.conf";

	assert_int_equal(argc, 1);
	assert_string_equal(argv[0], "portcullisd");
	if (is("wrong-option"))
		return 64;
	if (is("long-path"))
		memset(path, 'x', sizeof path - 1);
	*to = (struct command_line){.foreground = strchr(way->options, 'd') != NULL,
				    .check = strchr(way->options, 'n') != NULL,
				    .lock = strchr(way->options, 'L') != NULL,
				    .settings = strchr(way->options, 's') != NULL,
				    .file = path};
	return -1;
}

void config_defaults(struct config *config)
{
	say("config_defaults");
	memset(config, 0, sizeof *config);
	config->log_level = LOG_INFO;
	strcpy(config->backend, "auto");
}

int config_read(struct config *config, const char *file, struct err *e)
{
	say("config_read %zu", strlen(file));
	if (FAILS("config_read"))
		return -1;
	config->openvpn_group = (struct identity){.known = true, .number = 902};
	config->openvpn_user = (struct identity){.known = true, .number = is("root-openvpn") ? 0 : 901};
	config->user = (struct identity){.known = true, .number = 903};
	config->dhcp_user = (struct identity){.known = true, .number = 904};
	config->lan = config->pppoe = config->lacp = config->manage_dns = true;
	config->links_down = is("links-down");
	config->strict_boot = is("strict-boot");
	strcpy(config->lan_side[0], "lan0");
	config->lan_side_count = 1;
	strcpy(config->profile, "/etc/a.ovpn");
	return 0;
}

void config_print(const struct config *config, FILE *to)
{
	say("config_print %s %d", config->profile, to == stdout);
}

int config_check_files(const struct config *config, const char *file, struct err *e)
{
	(void)config;
	say("config_check_files %zu", strlen(file));
	return FAILS("config_check_files") ? -1 : 0;
}

void firewall_describe(const char *backend, FILE *to)
{
	say("firewall_describe %s %d", backend, to == stdout);
}

int vet_profile(const struct config *config, struct gate_profile *profile, struct err *e)
{
	assert_ptr_equal(config, (const struct config *)(const void *)((const char *)profile -
								       offsetof(struct gate, profile)));
	say("vet_profile %d %d", profile->head, profile->body);
	profile->remote_count = 3;
	return FAILS("vet_profile") ? -1 : 0;
}

/* --- the gate ---------------------------------------------------------------------------------- */

struct firewall *firewall_open(const char *backend, struct err *e)
{
	static char firewall;

	say("firewall_open %s", backend);
	return FAILS("firewall_open") ? NULL : (struct firewall *)&firewall;
}

static void say_situation(const struct situation *s)
{
	say("  openvpn %u driver %u dhcp %u lan %d pppoe %d lacp %d inside %zu %s", s->openvpn_group.number,
	    s->driver_user.number, s->dhcp_user.number, s->lan, s->pppoe, s->lacp, s->lan_side_count,
	    s->lan_side[0]);
	assert_true(s->openvpn_group.known && s->driver_user.known);
}

int firewall_held(struct firewall *fw, const struct situation *s, int32_t instance, int32_t *pid,
		  struct err *e)
{
	assert_non_null(fw);
	say("firewall_held %d", (int)instance);
	say_situation(s);
	*pid = is("held") ? OTHER : is("held-by-us") ? getpid() : 0;
	return FAILS("firewall_held") ? -1 : 0;
}

bool gate_forget_portal(struct gate *it, const char *why)
{
	(void)why;
	return it->situation.portal.until != 0;
}

void portal_end(struct gate *it, const char *why)
{
	(void)it;
	say("portal_end %s", why);
}

const char *firewall_note(const struct firewall *fw)
{
	assert_non_null(fw);
	return is("note") ? "tables of another name" : "";
}

/* What the program set up before anything else. */
static void check_struct(void)
{
	assert_true(gate->changed != NULL && gate->openvpn == attempt_effect);
	assert_true(gate->driver.read == verbs_read_cb && gate->dns.interface == gate->config.interface);
	assert_true(gate->dns.tunnel == &gate->attempt.tunnel);
	assert_true(gate->control_fd == -1 && gate->management_fd == -1 && gate->admin_fd == -1 &&
		    gate->captive_dns_fd == -1);
}

int gate_start(struct gate *it, struct err *e)
{
	gate = it;
	say("gate_start");
	check_struct();
	if (gate->fw == NULL && (gate->fw = firewall_open(gate->config.backend, e)) == NULL)
		return -1;
	say_situation(&gate->situation);
	if (FAILS("gate_start"))
		return -1;
	gate->state.actual = is("off") ? ACTUAL_OFF : ACTUAL_LOCKED;
	gate->bare = is("bare");
	strcpy(gate->reason, "start");
	strcpy(gate->notice, is("note") ? "tables of another name" : "");
	return 0;
}

void gate_begin(struct gate *it, const struct err *cause)
{
	assert_ptr_equal(it, gate);
	say("gate_begin %s", cause == NULL ? "locked" : cause->text);
}

enum wire_gate gate_shown(const struct gate *it)
{
	return it->state.actual == ACTUAL_LOCKED ? GATE_LOCKED
	       : it->state.actual == ACTUAL_OFF  ? GATE_OFF
						 : GATE_UNPROTECTED;
}

int gate_dispatch(struct gate *it, enum gate_event event, const char *why, struct err *e)
{
	assert_true(it == gate && e == NULL);
	say("gate_dispatch %s: %s", gate_event_names[event], why);
	return 0;
}

#define STEP(name)                                                                                           \
	do {                                                                                                 \
		assert_ptr_equal(it, gate);                                                                  \
		say("%s", name);                                                                             \
		if (FAILS(name))                                                                             \
			return -1;                                                                           \
	} while (0)

int gate_watch(struct gate *it, struct err *e)
{
	STEP("gate_watch");
	return 0;
}

int32_t files_find_instance(const struct gate *it)
{
	(void)it;
	return is("another") ? OTHER : 0;
}

int files_lock_instance(const struct gate *it, struct err *e)
{
	STEP("files_lock_instance");
	return is("another") ? (err_set(e, "it runs already"), 1) : 0;
}

int files_prepare(struct gate *it, struct err *e)
{
	/* Where the log goes until it is opened: nowhere, and not on to a child. */
	assert_int_equal(fcntl(it->log_fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_true(fcntl(it->log_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(it->dns.managed);
	STEP("files_prepare");
	return 0;
}

int admin_socket_open(struct gate *it, struct err *e)
{
	STEP("admin_socket_open");
	return 0;
}

int reload(struct gate *it, struct err *e)
{
	STEP("reload");
	return 0;
}

int reload_watch(struct gate *it, struct err *e)
{
	STEP("reload_watch");
	return 0;
}

#define CALL(name)                                                                                           \
	do {                                                                                                 \
		assert_ptr_equal(it, gate);                                                                  \
		say("%s", name);                                                                             \
	} while (0)

void gate_begin_gateway(struct gate *it)
{
	CALL("gate_begin_gateway");
}

void gate_links_changed(struct gate *it)
{
	CALL("gate_links_changed");
}

void attempt_farewell(struct gate *it)
{
	CALL("attempt_farewell");
}

void attempt_clean_earlier(struct gate *it)
{
	CALL("attempt_clean_earlier");
}

void proof_look(struct gate *it, const char *who)
{
	CALL("proof_look");
	say("by %s", who);
}

void attempt_kill(struct gate *it, const char *why)
{
	CALL("attempt_kill");
	say("  %s%s%s", why, gate->redirect[0] != '\0' ? "; status: " : "", gate->redirect);
}

int attempt_effect(struct gate *it, enum gate_effect effect, const char *why, struct err *e)
{
	(void)it, (void)effect, (void)why, (void)e;
	return 0;
}

void attempt_reaped(struct gate *it, int status)
{
	CALL("attempt_reaped");
	say("  status %d", status);
	it->attempt.pid = 0;
}

void driver_start(struct gate *it)
{
	if (after_start > 0) { /* the start itself is another test's */
		journal[after_start] = '\0';
		after_start = 0;
	}
	CALL("driver_start");
}

void driver_end(struct gate *it)
{
	CALL("driver_end");
}

void driver_restart(struct gate *it)
{
	CALL("driver_restart");
}

void driver_lost_signer(struct gate *it)
{
	CALL("driver_lost_signer");
}

int seen_begin(struct gate *it, struct err *e)
{
	STEP("seen_begin");
	return 0;
}

void seen_note(struct gate *it, bool believed)
{
	CALL("seen_note");
	say("  %d", believed);
}

void driver_renew(struct gate *it)
{
	CALL("driver_renew");
}

int asking_effect(struct gate *it, bool begin, struct err *e)
{
	(void)it, (void)begin, (void)e;
	return 0;
}

void asking_reaped(struct gate *it, int status)
{
	CALL("names_reaped");
	say("  %d", status);
}

void channel_notify(struct gate *it, enum wire_note note, const char *text)
{
	CALL("channel_notify");
	say("  %d %s", (int)note, text);
}

void ways_look(struct gate *it)
{
	CALL("ways_look");
}

bool nat64_told(struct gate *it, const struct net_prefix *prefix, uint32_t seconds, unsigned link)
{
	(void)it, (void)prefix;
	say("nat64_told %u s, link %u", seconds, link);
	return !fails("nat64_told");
}

void nat64_lost(struct gate *it, unsigned link)
{
	(void)it;
	say("nat64_lost %u", link);
}

void ways_changed(struct gate *it, bool worth)
{
	CALL("ways_changed");
	say("  %s", worth ? "worth a try" : "perhaps");
}

void ways_woke(struct gate *it, uint64_t ms)
{
	CALL("ways_woke");
	say("  after %d ms", (int)ms);
}

void verbs_read_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
}

/* --- the ports ---------------------------------------------------------------------------------- */

void daemon_harden(void)
{
	say("daemon_harden");
}

void daemon_begin(int *ready)
{
	assert_int_equal(*ready, -1);
	say("daemon_begin");
	*ready = 77;
}

int daemon_ready(int ready)
{
	say("daemon_ready %d", ready);
	return fails("daemon_ready") ? -1 : 0;
}

bool off_marker_valid(void)
{
	return is("off");
}

int netwatch_links_down(struct err *e)
{
	say("netwatch_links_down");
	return FAILS("netwatch_links_down") ? -1 : 0;
}

#define WATCH(name)                                                                                          \
	do {                                                                                                 \
		assert_ptr_equal(base, gate->base);                                                          \
		say("%s", name);                                                                             \
		if (FAILS(name))                                                                             \
			return WATCH_FAILED;                                                                 \
	} while (0)
#define WATCH_FAILED NULL
struct netwatch *netwatch_open(struct event_base *base, const struct netwatch_events *events, struct err *e)
{
	WATCH("netwatch_open");
	network = events;
	return (struct netwatch *)gate;
}

struct sleep_watch *sleep_open(struct event_base *base, sleep_woke_fn *cb, void *argument, struct err *e)
{
	assert_ptr_equal(argument, gate);
	WATCH("sleep_open");
	woke = cb;
	return (struct sleep_watch *)gate;
}

struct bypass_watch *bypass_open(struct event_base *base, bypass_cb *cb, void *argument, struct err *e)
{
	assert_ptr_equal(argument, gate);
	WATCH("bypass_open");
	hooks_changed = cb;
	return (struct bypass_watch *)gate;
}
#undef WATCH_FAILED
#define WATCH_FAILED -1
int route_watch(struct event_base *base, route_foreign_fn *foreign, void *argument, struct err *e)
{
	assert_ptr_equal(argument, gate);
	WATCH("route_watch");
	routes_changed = foreign;
	return 0;
}

int bypass_find(struct err *e)
{
	say("bypass_find");
	return is("redirected") ? (err_set(e, "eth0 redirects"), 1) : 0;
}

void tun_node_remove(void)
{
	say("tun_node_remove");
}

void notify_begin(struct event_base *base)
{
	assert_ptr_equal(base, gate->base);
	say("notify_begin");
}

void notify_state(bool protecting, const char *state, const char *why)
{
	say("notify_state %d %s: %s", protecting, state, why);
}

void strict_boot_return(bool verified)
{
	say("strict_boot_return %d", verified);
}

void strict_boot_shut(bool wanted)
{
	say("strict_boot_shut %d", wanted);
}

void dns_job_look(struct dns_job *job, bool shut)
{
	assert_ptr_equal(job, &gate->dns);
	say("dns_job_look %d", shut);
}

bool dns_job_reaped(struct dns_job *job, pid_t pid)
{
	assert_ptr_equal(job, &gate->dns);
	say("dns_job_reaped %d", (int)pid);
	return true;
}

void dns_job_finish(struct dns_job *job)
{
	assert_ptr_equal(job, &gate->dns);
	say("dns_job_finish");
}

void fault_point(const char *moment)
{
	say("fault_point %s", moment);
}

/* --- what happens ------------------------------------------------------------------------------- */

static void lost(unsigned index)
{
	network->lost("tun0", index, network->argument);
}

static void stands(enum gate_actual actual)
{
	gate->state.actual = actual;
	gate->changed(gate, NOTE_GATE, "it changed");
}

/* "ends:od": openvpn and the driver, in this order; r the resolver's child, n who asks for names, s who
 * holds the private key. */
static void ends(const char *who)
{
	gate->attempt.pid = OPENVPN;
	gate->driver.pid = DRIVER;
	gate->asking.pid = ASKER;
	gate->driver.signer = SIGNER;
	snprintf(all_reaped, sizeof all_reaped, "%s", who);
	reaped = all_reaped;
	raise(SIGCHLD);
}

static void happen(const char *what)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"term", SIGTERM}, {"int", SIGINT}, {"hup", SIGHUP}};

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (strcmp(what, signals[i].name) == 0)
			raise(signals[i].number);
	if (strncmp(what, "ends:", 5) == 0)
		ends(what + 5);
	else if (strcmp(what, "runs") == 0)
		gate->attempt.pid = OPENVPN, gate->driver.pid = DRIVER, gate->attempt.index = 7;
	else if (strcmp(what, "stale") == 0)
		gate->driver.stale = true;
	else if (strcmp(what, "links") == 0)
		network->links(network->argument);
	else if (strcmp(what, "reachable") == 0)
		network->reachable(network->argument);
	else if (strcmp(what, "ways") == 0)
		network->ways(network->argument);
	else if (strcmp(what, "nat64") == 0)
		network->prefix64(&gate->config.nat64, 600, 3, network->argument);
	else if (strncmp(what, "lost", 4) == 0)
		lost((unsigned)(what[4] - '0'));
	else if (strcmp(what, "woke") == 0)
		woke(5000, gate);
	else if (strcmp(what, "routes") == 0)
		routes_changed("hand (process 5)", gate);
	else if (strcmp(what, "hooks") == 0)
		hooks_changed(gate);
	else if (strcmp(what, "redirects") == 0)
		so = "redirected";
	else if (strcmp(what, "redirects-no-more") == 0)
		so = "";
	else if (strcmp(what, "shut") == 0)
		gate->dns.shut = true;
	else if (strcmp(what, "locked") == 0)
		stands(ACTUAL_LOCKED);
	else if (strcmp(what, "unprotected") == 0)
		stands(ACTUAL_UNPROTECTED);
	else if (strcmp(what, "breaks") == 0)
		event_base_loopbreak(gate->base);
	else if (strcmp(what, "fatal") == 0)
		fatal(1);
}

static void happen_cb(evutil_socket_t fd, short what, void *argument)
{
	static const int turns = 5; /* in which a signal that was raised has been handled */
	static size_t at;
	static int turn;
	char word[32] = "term";
	size_t length = strcspn(way->happens + at, " ");

	(void)fd, (void)what, (void)argument;
	if (++turn % turns != 0)
		return;
	if (length > 0)
		snprintf(word, sizeof word, "%.*s", (int)length, way->happens + at);
	at += length + (way->happens[at + length] == ' ');
	say("-- %s", word);
	happen(word);
}

/* --- the tests ------------------------------------------------------------------------------------ */

static void run(const struct way *which, bool only_life)
{
	char name[] = "portcullisd", *arguments[] = {name, NULL};
	int status;
	pid_t pid;

	say("\n# [%s] %s; %s", which->options, which->so, which->happens);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		way = which;
		so = which->so;
		if (only_life)
			after_start = strlen(journal);
		alarm(SECONDS);
		_exit(portcullisd_main(1, arguments));
	}
	assert_int_equal(wait4(pid, &status, 0, NULL), pid);
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d:\n%s", WTERMSIG(status), journal);
	say("exit %d", WEXITSTATUS(status));
}

static void run_all(const char *golden, bool only_life, const struct way *ways, size_t count)
{
	char path[128];

	journal[0] = '\0';
	for (size_t i = 0; i < count; i++)
		run(&ways[i], only_life);
	assert_true(strlen(journal) < JOURNAL - 1);
	snprintf(path, sizeof path, "tests/golden/portcullisd/%s", golden);
	assert_golden(path, journal);
}

#define RUN_ALL(golden, only_life, ways) run_all(golden, only_life, ways, sizeof(ways) / sizeof *(ways))

/* -n, -L, --settings, and what is no start at all. */
static void test_commands(void **state)
{
	static const struct way ways[] = {
	    {"d", "wrong-option", ""},
	    {"d", "a-user", ""},
	    {"n", "", ""},
	    {"n", "a-user long-path", ""},
	    {"n", "!config_check_files", ""},
	    {"n", "!vet_profile", ""},
	    {"n", "!config_read", ""},
	    {"ns", "", ""},
	    {"s", "!config_read a-user", ""},
	    {"L", "a-user", ""},
	    {"L", "a-user !config_read", ""},
	    {"L", "", ""},
	    {"L", "note", ""},
	    {"L", "off", ""},
	    {"L", "held", ""},
	    {"L", "held-by-us", ""},
	    {"L", "another", ""},
	    {"L", "!firewall_held held", ""},
	    {"L", "!firewall_open", ""},
	    {"L", "!gate_start", ""},
	    {"L", "!gate_start links-down", ""},
	    {"L", "!gate_start links-down off", ""},
	    {"L", "!gate_start links-down another", ""},
	    {"L", "!gate_start links-down !netwatch_links_down", ""},
	    {"L", "!config_read", ""},
	    {"L", "!config_read !gate_start links-down", ""},
	    {"d", "!config_read", ""},
	    {"d", "!config_read a-user", ""},
	    {"d", "!config_read !gate_start", ""},
	    {"d", "!config_read held", ""},
	};

	(void)state;
	RUN_ALL("commands", false, ways);
}

static void test_start(void **state)
{
	static const struct way ways[] = {
	    {"d", "", ""},
	    {"", "", ""},
	    {"", "!daemon_ready", ""},
	    {"d", "note", ""},
	    {"d", "off", ""},
	    {"d", "bare", ""},
	    {"d", "root-openvpn", ""},
	    {"d", "held", ""},
	    {"d", "held-by-us", ""},
	    {"d", "another", ""},
	    {"d", "another !gate_start", ""},
	    {"d", "another off", ""},
	    {"d", "!firewall_open", ""},
	    {"d", "!firewall_open-once", ""},
	    {"d", "!firewall_held", ""},
	    {"d", "!loop_new", ""},
	    {"d", "!loop_new !gate_start", ""},
	    {"d", "!sleep_open", ""},
	};

	(void)state;
	RUN_ALL("start", false, ways);
}

/* Each step that the start takes once there is a lock, or none yet. */
static void test_steps_that_fail(void **state)
{
	static const struct way ways[] = {
	    {"d", "!gate_watch", ""},
	    {"d", "!files_lock_instance", ""},
	    {"d", "!files_lock_instance-once", ""},
	    {"d", "!files_prepare", ""},
	    {"d", "!vet_profile", ""},
	    {"d", "!netwatch_open", ""},
	    {"d", "!route_watch", ""},
	    {"d", "!bypass_open", ""},
	    {"d", "!admin_socket_open", ""},
	    {"", "!admin_socket_open", ""},
	    /* Without a lock it stays, and goes on where it was once one stands. */
	    {"d", "!gate_start", "unprotected locked"},
	    {"d", "!gate_start !vet_profile-once", "unprotected locked unprotected locked"},
	    {"d", "!gate_start !admin_socket_open-once", "locked"},
	    {"d", "!gate_start !vet_profile", "locked"},
	    {"d", "!gate_start !vet_profile", "unprotected term"},
	    {"d", "!gate_start !vet_profile", "runs term"},
	};

	(void)state;
	RUN_ALL("steps", false, ways);
}

static void test_events(void **state)
{
	static const struct way ways[] = {
	    {"d", "", "hup"},
	    {"d", "!reload", "hup"},
	    {"d", "", "runs stale ends:o"},
	    {"d", "", "ends:odrn"},
	    {"d", "", "ends:rdo"},
	    {"d", "", "ends:s"},
	    {"d", "", "links reachable ways shut reachable woke routes"},
	    /* a router's word, which is news or not */
	    {"d", "", "nat64"},
	    {"d", "!nat64_told", "nat64"},
	    {"d", "", "lost0 runs lost0 lost8 lost7"},
	    {"d", "", "hooks redirects hooks hooks redirects-no-more hooks hooks"},
	    {"d", "", "fatal"},
	    {"d", "off", "fatal"},
	    {"d", "", "breaks"},
	};

	(void)state;
	RUN_ALL("events", true, ways);
}

static void test_end(void **state)
{
	static const struct way ways[] = {
	    {"d", "", "runs int"},        {"d", "", "runs term"},           {"d", "!waitpid", "runs term"},
	    {"d", "strict-boot", "term"}, {"d", "strict-boot off", "term"},
	};

	(void)state;
	RUN_ALL("end", true, ways);
}

static int make_journal(void **state)
{
	(void)state;
	journal = mmap(NULL, JOURNAL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return journal == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_steps_that_fail),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests_name("portcullisd", tests, make_journal, NULL);
}
