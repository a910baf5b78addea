/* The doctor's decisions: facts in, a finding out. Pure; src/ctl/doctor/SUBJECT.c gathers the facts. */
#ifndef CTL_DOCTOR_JUDGE_H
#define CTL_DOCTOR_JUDGE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/net.h"
#include "ctl/doctor/doctor.h"
#include "os/service/machine.h"

/* A fact of the machine port; NO becomes `no`. */
void judge_fact(const struct machine_fact *fact, enum doctor_result no, struct finding *finding);

/* May only root change or replace this? false: sets finding. */
bool judge_owner(const char *path, uid_t uid, gid_t gid, mode_t mode, struct finding *finding);

/* A certificate's dates, as `openssl x509 -subject -startdate -enddate` prints
 * them. `several`: the profile has others, and one of them may be sufficient. */
struct certificate {
	char subject[DOCTOR_SUBJECT];
	int64_t from, until; /* seconds since the epoch */
};
bool certificate_read(const char *output, struct certificate *certificate);
void judge_certificate(const struct certificate *certificate, bool several, int64_t now,
		       struct finding *finding);

/* The next certificate in a profile's text after *at: its PEM (a part of
 * `text`) and the block that it is in ("ca"); false at the end. */
struct pem {
	const char *begin;
	size_t length;
	char block[24];
};
bool pem_next(const char **at, struct pem *pem);

/* openvpn's first line of --version. `part` 0..2: major, minor, patch. */
bool version_read(const char *output, unsigned *part);
void judge_version(const unsigned *part, bool preview, struct finding *finding);

/* resolv.conf: its servers, `room` at most; all are counted. */
size_t resolv_read(const char *text, struct net_address *servers, size_t room);
void judge_resolver(const struct net_address *servers, size_t count, enum machine_resolver resolver,
		    bool manage, struct finding *finding);

/* A file of NetworkManager's: copies the value of a key in a section to `value` (`size` bytes). False if it
 * is not there; *value is then left alone. */
bool keyfile_get(const char *text, const char *section, const char *key, char *value, size_t size);
void judge_connectivity(const char *uri, const char *enabled, struct finding *finding);

/* `members`: the names of those in openvpn's group, blank-separated. */
void judge_group(const char *group, const char *members, struct finding *finding);
/* `needs`: enum profile_credentials. */
void judge_credentials(int needs, bool username, bool password, struct finding *finding);
void judge_interface(const char *name, bool exists, const char *daemons, struct finding *finding);
void judge_clock(int64_t now, int64_t known, const char *known_by, struct finding *finding);
void judge_boot_lock(int64_t booted, int64_t locked, struct finding *finding);
void judge_gate(const char *gate, const char *tunnel, const char *reason, struct finding *finding);
/* Do the machine, the profile's servers and the tunnel have IPv6? (-1: not known) */
void judge_ipv6(bool machine, int servers4, int servers6, int tunnel, struct finding *finding);

#endif
