/* What the doctor's files share: a check, and its findings. */
#ifndef CTL_DOCTOR_DOCTOR_H
#define CTL_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl/doctor/settings.h"

#define DOCTOR_CONFIG PORTCULLIS_SYSCONFDIR "/portcullis/portcullis.conf"

/* Sorted by what they mean for the exit code. */
enum doctor_result { DOCTOR_FINE, DOCTOR_UNKNOWN, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_RESULTS };
enum doctor_exit { DOCTOR_EXIT_FINE = 0, DOCTOR_EXIT_TO_DO = 1, DOCTOR_EXIT_LOOK = 3 };
enum { DOCTOR_SUBJECT = 256, DOCTOR_TEXT = 600, DOCTOR_TOOL_MS = 3000, DOCTOR_SECONDS = 60 };

/* The result of a check. Texts may contain hostile bytes: doctor_report escapes them. */
struct finding {
	enum doctor_result result;
	char subject[DOCTOR_SUBJECT]; /* "": the check's own */
	char text[DOCTOR_TEXT];
	char instead[DOCTOR_TEXT]; /* "" none */
};

struct doctor_check;
struct doctor {
	struct doctor_settings settings; /* the defaults, if portcullisd printed none */
	const char *config;              /* -c, NULL: portcullisd's own */
	json_t *status;                  /* the daemon's; NULL: nobody answers */
	bool status_failed;              /* somebody listens, but sent no status */
	const struct doctor_check *check;
	bool json, colour;
	json_t *checks; /* for --json */
	unsigned count[DOCTOR_RESULTS];
};

struct doctor_check {
	const char *name, *subject;
	void (*look)(struct doctor *doctor);
};

/* Sets result and text; `instead` may be NULL. If the text itself has advice ("what; instead: do this"), that
 * is put before `instead`. The subject stays. */
void finding_set(struct finding *finding, enum doctor_result result, const char *instead, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* Prints a finding, or keeps it for --json; bytes that are not plain UTF-8 become \xNN. */
void doctor_report(struct doctor *doctor, const struct finding *finding);

/* The daemon's status: a string of it, NULL if there is none. */
const char *doctor_status(const struct doctor *doctor, const char *key);

/* The checks, by subject: SUBJECT.c. Each reports at least one finding, and
 * blocks no longer than its tools' deadlines. */
void doctor_configuration(struct doctor *doctor), doctor_profile(struct doctor *doctor),
    doctor_remotes(struct doctor *doctor), doctor_credentials(struct doctor *doctor);
void doctor_certificates(struct doctor *doctor);
void doctor_users(struct doctor *doctor), doctor_openvpn_group(struct doctor *doctor);
void doctor_programs(struct doctor *doctor), doctor_files(struct doctor *doctor);
void doctor_openvpn(struct doctor *doctor);
void doctor_firewall(struct doctor *doctor), doctor_tun(struct doctor *doctor),
    doctor_interface(struct doctor *doctor), doctor_links(struct doctor *doctor),
    doctor_ipv6(struct doctor *doctor);
void doctor_others(struct doctor *doctor);
void doctor_resolver(struct doctor *doctor), doctor_connectivity(struct doctor *doctor);
void doctor_clock(struct doctor *doctor), doctor_boot(struct doctor *doctor),
    doctor_initrd(struct doctor *doctor), doctor_boot_lock(struct doctor *doctor);
void doctor_daemon(struct doctor *doctor), doctor_gate(struct doctor *doctor),
    doctor_off(struct doctor *doctor);

#endif
