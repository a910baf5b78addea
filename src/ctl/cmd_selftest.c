/* portcullis selftest: does this system's firewall do what Portcullis relies on? A report to send. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/selftest.h"
#include "os/host/off_marker.h"
#include "os/netwatch/netwatch.h"
#include "os/process/process.h"

enum { OPTION_LOCK, OPTION_GROUP };

static const struct ctl_option options[] = {
    [OPTION_LOCK] = {"lock", 0, NULL, false,
		     "lock this machine for some seconds and test what passes; root only"},
    [OPTION_GROUP] = {"openvpn-group", 0, "GROUP", false,
		      "the group used to test the hole (default: _openvpn)"},
};

static void describe_system(struct selftest *test)
{
	struct utsname name;
	char text[sizeof name];

	if (uname(&name) == -1)
		return;
	snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
	selftest_report(test, SELFTEST_INFO, "system", text);
	selftest_report(test, SELFTEST_INFO, "portcullis", PORTCULLIS_VERSION);
}

static void describe_links(struct selftest *test)
{
	struct situation *s = &test->situation;
	struct err e = {""};
	char text[512] = "";

	if (netwatch_fill(s, PORTCULLIS_INTERFACE, &e) == -1 || s->link_count == 0) {
		if (e.text[0] == '\0')
			err_set(&e, "there is no link but loopback; instead: connect a network first");
		selftest_report(test, SELFTEST_FAIL, "links", e.text);
		return;
	}
	for (size_t i = 0, used = 0; i < s->link_count && used < sizeof text; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", s->links[i]);
	selftest_report(test, SELFTEST_PASS, "links", text);
}

static void describe_tunnel(struct selftest *test)
{
	struct err e = {""};

	err_set(&e, "%s is in use; instead: set another name for `interface` in portcullis.conf",
		PORTCULLIS_INTERFACE);
	selftest_judge(test, !netwatch_taken(PORTCULLIS_INTERFACE),
		       "the name of the tunnel's interface is free", &e);
}

static void describe_firewall(struct selftest *test)
{
	struct firewall_features features;
	struct err e = {""};

	if ((test->fw = firewall_open("auto", &e)) == NULL || firewall_probe(test->fw, &features, &e) == -1) {
		selftest_report(test, SELFTEST_FAIL, "firewall", e.text);
		return;
	}
	selftest_report(test, SELFTEST_PASS, "firewall", features.backend);
	for (size_t i = 0; i < features.count; i++)
		selftest_report(test, SELFTEST_INFO, features.list[i].what,
				features.list[i].has ? "yes" : features.list[i].lacking);
}

/* A gate that a daemon holds must not be touched. */
static int may_lock(const struct ctl *ctl)
{
	int32_t pid;

	if (geteuid() != 0)
		return ctl_fail(ctl,
				"only root may lock the machine; instead: sudo portcullis selftest --lock");
	if (process_find("portcullisd", 0, &pid, 1) > 0)
		return ctl_fail(
		    ctl,
		    "portcullisd is running, and its gate must not be disturbed; instead: stop it first");
	if (off_marker_valid())
		return ctl_fail(
		    ctl, "the gate is off, by its marker; instead: portcullis up, then stop portcullisd");
	return 0;
}

static int finish(const struct selftest *test)
{
	printf("%u passed, %u failed, %u skipped\n", test->count[SELFTEST_PASS], test->count[SELFTEST_FAIL],
	       test->count[SELFTEST_SKIP]);
	return test->count[SELFTEST_FAIL] == 0 ? 0 : CTL_ERROR;
}

static int run_selftest(struct ctl *ctl)
{
	static struct selftest test;
	const char *value, *group = "_openvpn";
	struct err e = {""};
	bool lock = false;
	int what, code;

	while ((what = ctl_args_next(ctl, &value, &e)) >= 0) {
		lock = lock || what == OPTION_LOCK;
		if (what == OPTION_GROUP)
			group = value;
	}
	if (what != CTL_ARGS_END)
		return ctl_args_stop(ctl, what, value, &e);
	if (selftest_identify(&test, group, &e) == -1)
		return ctl_fail(ctl, "%s", e.text);
	if (lock && (code = may_lock(ctl)) != 0)
		return code;
	describe_system(&test);
	describe_links(&test);
	describe_tunnel(&test);
	describe_firewall(&test);
	if (!lock)
		selftest_report(&test, SELFTEST_SKIP, "what passes", "it needs the lock; instead: --lock");
	else if (test.count[SELFTEST_FAIL] == 0)
		selftest_lock(&test);
	firewall_close(test.fw);
	return finish(&test);
}

const struct ctl_command cmd_selftest = {
    "selftest",
    "",
    "test what this system's firewall really does; prints a report",
    "Tests what Portcullis relies on. With --lock the machine is locked for about ten seconds, and\nempty "
    "datagrams to documentation addresses show what passes and what is stopped in each\nstate; first without "
    "the gate, to show that they would have got out. At the end the rules are\nremoved again. The report "
    "names links, but no addresses.",
    options,
    sizeof options / sizeof *options,
    run_selftest,
};
