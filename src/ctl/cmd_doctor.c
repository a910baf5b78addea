/* portcullis doctor: looks for everything that keeps Portcullis from working or from being safe. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/doctor/doctor.h"
#include "os/host/clock.h"

/* portcullisd gives the child that vets the profile 5 s. */
enum { SETTINGS_MS = 10000, GRACE_SECONDS = 30 };
enum { OPTION_CONFIG, OPTION_JSON };

static const struct ctl_option options[] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", false, "the configuration (default: portcullisd's)"},
    [OPTION_JSON] = {"json", 0, NULL, false, "print one JSON object instead of text"},
};

/* In the order of the questions: is it there, is it right, is it safe, does it work? */
static const struct doctor_check checks[] = {
    {"programs", "portcullisd", doctor_programs},
    {"configuration", "portcullis.conf", doctor_configuration},
    {"profile", "profile", doctor_profile},
    {"remotes", "profile", doctor_remotes},
    {"certificates", "profile", doctor_certificates},
    {"credentials", "profile", doctor_credentials},
    {"users", "user", doctor_users},
    {"openvpn-group", "openvpn-group", doctor_openvpn_group},
    {"files", "files", doctor_files},
    {"openvpn", "openvpn.binary", doctor_openvpn},
    {"firewall", "kernel", doctor_firewall},
    {"tun", "TUN device", doctor_tun},
    {"interface", "interface", doctor_interface},
    {"links", "links", doctor_links},
    {"ipv6", "IPv6", doctor_ipv6},
    {"others", "other services", doctor_others},
    {"resolver", "/etc/resolv.conf", doctor_resolver},
    {"connectivity-check", "NetworkManager", doctor_connectivity},
    {"clock", "clock", doctor_clock},
    {"boot", "service order", doctor_boot},
    {"initrd", "initrd", doctor_initrd},
    {"boot-lock", "lock at boot", doctor_boot_lock},
    {"daemon", "portcullisd", doctor_daemon},
    {"gate", "gate", doctor_gate},
    {"off", "off marker", doctor_off},
};

/* A file system or a user database does not answer: nothing but a signal ends such a wait. */
static void alarm_handler(int number)
{
	static const char message[] =
	    "portcullis: doctor: the machine's own files do not answer; instead: look for a network file "
	    "system that hangs, or a user database (nsswitch.conf)\n";

	(void)number;
	(void)!write(STDERR_FILENO, message, sizeof message - 1);
	_exit(DOCTOR_EXIT_TO_DO);
}

/* -1: go on; else the exit code. */
static int read_options(struct ctl *ctl, struct doctor *doctor)
{
	struct err e = {""};
	const char *value;
	int what;

	while ((what = ctl_args_next(ctl, &value, &e)) >= 0) {
		if (what == OPTION_JSON)
			doctor->json = true;
		else
			doctor->config = value;
	}
	return what == CTL_ARGS_END ? -1 : ctl_args_stop(ctl, what, value, &e);
}

static void query_daemon(const struct ctl *ctl, struct doctor *doctor)
{
	static struct client client;
	bool named = strcmp(ctl->socket, CTL_SOCKET) != 0; /* -s comes first */
	struct err e = {""};
	enum client_result result = client_command(
	    &client, named ? ctl->socket : doctor->settings.control_socket, "status", &doctor->status, &e);

	if (result == CLIENT_OK)
		client_close(&client);
	else
		doctor->status = NULL;
	doctor->status_failed = result != CLIENT_OK && result != CLIENT_NO_DAEMON;
}

static void run_checks(struct doctor *doctor, int64_t deadline)
{
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		struct finding late = {.subject = ""};

		doctor->check = &checks[i];
		if (clock_steady_ms() / 1000 < deadline) {
			checks[i].look(doctor);
			continue;
		}
		finding_set(&late, DOCTOR_UNKNOWN, "find out why the tools above took so long",
			    "not checked: %d s have passed", DOCTOR_SECONDS);
		doctor_report(doctor, &late);
	}
}

static void print_summary(const struct doctor *doctor)
{
	json_t *whole;

	if (!doctor->json) {
		printf("\n%u fine, %u to do, %u warnings, %u unknown%s\n", doctor->count[DOCTOR_FINE],
		       doctor->count[DOCTOR_FAIL], doctor->count[DOCTOR_WARN], doctor->count[DOCTOR_UNKNOWN],
		       geteuid() != 0 ? "; root sees more: sudo portcullis doctor" : "");
		return;
	}
	whole = json_pack("{s:s,s:i,s:i,s:i,s:i,s:O}", "version", PORTCULLIS_VERSION, "fine",
			  (int)doctor->count[DOCTOR_FINE], "warn", (int)doctor->count[DOCTOR_WARN], "fail",
			  (int)doctor->count[DOCTOR_FAIL], "unknown", (int)doctor->count[DOCTOR_UNKNOWN],
			  "checks", doctor->checks);
	if (whole != NULL && json_dumpf(whole, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
		putchar('\n');
	json_decref(whole);
}

static int run_doctor(struct ctl *ctl)
{
	struct doctor *doctor = calloc(1, sizeof *doctor);
	int64_t deadline = clock_steady_ms() / 1000 + DOCTOR_SECONDS;
	int code;

	if (doctor == NULL)
		return ctl_fail(ctl, "no memory");
	if ((code = read_options(ctl, doctor)) == -1) {
		(void)signal(SIGALRM, alarm_handler);
		alarm(DOCTOR_SECONDS + GRACE_SECONDS);
		doctor->colour = ctl_colour();
		doctor->checks = json_array();
		settings_query(&doctor->settings, doctor->config, SETTINGS_MS);
		query_daemon(ctl, doctor);
		run_checks(doctor, deadline);
		print_summary(doctor);
		code = doctor->count[DOCTOR_FAIL] > 0                                   ? DOCTOR_EXIT_TO_DO
		       : doctor->count[DOCTOR_WARN] + doctor->count[DOCTOR_UNKNOWN] > 0 ? DOCTOR_EXIT_LOOK
											: DOCTOR_EXIT_FINE;
	}
	json_decref(doctor->status);
	json_decref(doctor->checks);
	free(doctor);
	return code;
}

const struct ctl_command cmd_doctor = {
    "doctor",
    "",
    "check everything that can keep it from working or being safe",
    "Examines the configuration, the profile and its certificates, users, files, openvpn, the\nkernel, other "
    "VPNs and firewalls, the resolver, IPv6, the clock, the order at boot and the\ndaemon. Says of each that "
    "it is fine, or what to do. Changes nothing, and sends nothing to\nthe network. Needs neither root nor "
    "the daemon; without root it says what it could not\nexamine. Takes at most 60 s if no file system "
    "hangs. Exit status: 0 everything is fine,\n1 something must be done, 3 only warnings or checks that "
    "could not be made.",
    options,
    sizeof options / sizeof *options,
    run_doctor,
};
