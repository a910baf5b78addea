/* The doctor's decisions: facts in, a finding out. */
#include "ctl/doctor/judge.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "profile/profile.h"

enum { DAY = 24 * 60 * 60, SOON = 30, LOCK_LATE = 120, CLOCK_SLACK = 60 * 60 };

void judge_fact(const struct machine_fact *fact, enum doctor_result no, struct finding *finding)
{
	static const enum doctor_result results[] = {
	    [MACHINE_NO] = DOCTOR_FAIL, [MACHINE_YES] = DOCTOR_FINE, [MACHINE_UNKNOWN] = DOCTOR_UNKNOWN};

	finding_set(finding, fact->answer == MACHINE_NO ? no : results[fact->answer], fact->instead, "%s",
		    fact->text);
}

bool judge_owner(const char *path, uid_t uid, gid_t gid, mode_t mode, struct finding *finding)
{
	char instead[DOCTOR_TEXT];
	size_t used = 0;
	bool sticky = S_ISDIR(mode) && (mode & S_ISVTX) != 0;

	if (S_ISLNK(mode)) /* its mode means nothing: its folder decides who may replace it */
		return true;
	text_append(instead, sizeof instead, &used, "%s %s", uid != 0 ? "chown root" : "chmod go-w", path);
	if (uid != 0)
		finding_set(finding, DOCTOR_FAIL, instead,
			    "%s belongs to user %u, who can change or replace what root uses", path,
			    (unsigned)uid);
	else if (!sticky && (mode & S_IWOTH) != 0)
		finding_set(finding, DOCTOR_FAIL, instead,
			    "anybody may write to %s, and so change or replace what root uses", path);
	else if (!sticky && gid != 0 && (mode & S_IWGRP) != 0)
		finding_set(finding, DOCTOR_FAIL, instead,
			    "group %u may write to %s, and so change or replace what root uses",
			    (unsigned)gid, path);
	else
		return true;
	return false;
}

static void judge_expired(const struct certificate *c, bool several, struct finding *finding)
{
	char when[TEXT_TIME_SIZE];

	text_time(when, (time_t)c->until);
	if (several)
		finding_set(finding, DOCTOR_WARN,
			    "get a new profile from your provider if the server is refused",
			    "expired on %s; others in the profile may be sufficient: %s", when, c->subject);
	else
		finding_set(finding, DOCTOR_FAIL, "get a new profile from your provider",
			    "expired on %s: openvpn or the server will refuse it: %s", when, c->subject);
}

void judge_certificate(const struct certificate *c, bool several, int64_t now, struct finding *finding)
{
	char when[TEXT_TIME_SIZE];

	text_time(when, (time_t)c->from);
	if (c->from > now) {
		finding_set(finding, DOCTOR_FAIL,
			    "set this machine's clock (date), then run portcullis reconnect",
			    "not valid before %s; the clock may be wrong: %s", when, c->subject);
		return;
	}
	if (c->until < now) {
		judge_expired(c, several, finding);
		return;
	}
	text_time(when, (time_t)c->until);
	if (c->until - now < (int64_t)SOON * DAY)
		finding_set(finding, DOCTOR_WARN, "get a new profile from your provider in time",
			    "expires in %" PRId64 " days, on %s: %s", (c->until - now) / DAY, when,
			    c->subject);
	else
		finding_set(finding, DOCTOR_FINE, NULL, "valid until %s: %s", when, c->subject);
}

/* From openvpn's change logs and advisories; `below` is the first version without the fault. */
static const struct fault {
	unsigned from[3], below[3];
	enum doctor_result result;
	const char *text;
} faults[] = {
    {{0, 0, 0}, {2, 5, 0}, DOCTOR_FAIL, "older than 2.5, which is the oldest that is supported"},
    {{2, 5, 0},
     {2, 6, 0},
     DOCTOR_WARN,
     "2.5 is no longer maintained; it treats a server's temporary refusal as final, and does not report "
     "which route failed"},
    {{2, 5, 0},
     {2, 5, 11},
     DOCTOR_WARN,
     "passes on control characters from the server (CVE-2024-5594); Portcullis escapes them"},
    {{2, 6, 0},
     {2, 6, 7},
     DOCTOR_WARN,
     "a server can read its memory, or crash it (CVE-2023-46850, CVE-2023-46849)"},
    {{2, 6, 0},
     {2, 6, 11},
     DOCTOR_WARN,
     "passes on control characters from the server (CVE-2024-5594); Portcullis escapes them"},
    {{2, 7, 0},
     {3, 0, 0},
     DOCTOR_FINE,
     "its own DNS helper (dns-updown) is turned off by the gate, which configures the resolver itself"},
};

static int compare(const unsigned *a, const unsigned *b)
{
	for (int i = 0; i < 3; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

void judge_version(const unsigned *part, bool preview, struct finding *finding)
{
	enum doctor_result worst = DOCTOR_FINE;
	char text[DOCTOR_TEXT];
	size_t used = 0;

	text_append(text, sizeof text, &used, "%u.%u.%u", part[0], part[1], part[2]);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (compare(part, faults[i].from) < 0 || compare(part, faults[i].below) >= 0)
			continue;
		text_append(text, sizeof text, &used, "; %s", faults[i].text);
		if (faults[i].result > worst)
			worst = faults[i].result;
	}
	if (preview) {
		text_append(text, sizeof text, &used,
			    "; a pre-release version: those of 2.7 let a server run commands through DNS "
			    "(CVE-2025-10680), which the gate turns off");
		worst = worst < DOCTOR_WARN ? DOCTOR_WARN : worst;
	}
	finding_set(finding, worst, worst != DOCTOR_FINE ? "update openvpn to the newest 2.6 or 2.7" : NULL,
		    "%s", text);
}

static bool is_in(const struct net_address *address, const char *const *prefixes)
{
	struct net_prefix prefix;

	for (; *prefixes != NULL; prefixes++) {
		if (net_prefix_parse(*prefixes, &prefix) == 0 && net_prefix_contains(&prefix, address))
			return true;
	}
	return false;
}

static bool is_own(const struct net_address *address)
{
	static const char *const own[] = {"127.0.0.0/8", "::1/128", NULL};

	return is_in(address, own);
}

/* An address on a link, which is reached outside the tunnel: row 8 stops it. */
static bool is_local(const struct net_address *address)
{
	static const char *const local[] = {
	    "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
	    "169.254.0.0/16", "fe80::/10",     "fc00::/7",       NULL};

	return is_in(address, local);
}

static void judge_unmanaged(const struct net_address *servers, size_t count, struct finding *finding)
{
	char address[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < count; i++) {
		if (is_local(&servers[i])) {
			finding_set(
			    finding, DOCTOR_FAIL,
			    "put your provider's address there, or install systemd-resolved or resolvconf",
			    "uses %s, which is on the local network: the gate stops such queries, and names "
			    "are not resolved while the tunnel is up",
			    net_address_text(&servers[i], address));
			return;
		}
	}
	finding_set(finding, DOCTOR_FINE, NULL,
		    "is left alone, and uses %s%s: what leaves this machine goes through the tunnel",
		    net_address_text(&servers[0], address), count > 1 ? " and others" : "");
}

void judge_resolver(const struct net_address *servers, size_t count, enum machine_resolver resolver,
		    bool manage, struct finding *finding)
{
	char address[NET_ADDRESS_TEXT] = "";

	for (size_t i = 0; i < count && address[0] == '\0'; i++) {
		if (!is_own(&servers[i]))
			net_address_text(&servers[i], address);
	}
	if (resolver == MACHINE_SYSTEM && manage)
		finding_set(finding, DOCTOR_FINE, NULL,
			    "the system's own resolver is configured while the tunnel is up");
	else if (resolver == MACHINE_RESOLVCONF && manage)
		finding_set(finding, DOCTOR_FINE, NULL, "resolvconf writes it while the tunnel is up");
	else if (count == 0)
		finding_set(
		    finding, DOCTOR_WARN, "put your provider's name server there",
		    "names no server: names are not resolved, unless a resolver runs on this machine");
	else if (resolver == MACHINE_RESOLVED && manage && address[0] != '\0')
		finding_set(finding, DOCTOR_FAIL,
			    "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf",
			    "uses %s and not systemd-resolved, which gets the tunnel's servers", address);
	else if (resolver == MACHINE_RESOLVED && manage)
		finding_set(finding, DOCTOR_FINE, NULL,
			    "uses systemd-resolved, which is configured while the tunnel is up");
	else
		judge_unmanaged(servers, count, finding);
}

void judge_connectivity(const char *uri, const char *enabled, struct finding *finding)
{
	if (uri[0] == '\0' || strcmp(enabled, "false") == 0 || strcmp(enabled, "0") == 0 ||
	    strcmp(enabled, "no") == 0 || strcmp(enabled, "off") == 0)
		finding_set(finding, DOCTOR_FINE, NULL, "does not check for Internet access");
	else
		finding_set(
		    finding, DOCTOR_WARN,
		    "set enabled=false in [connectivity], in /etc/NetworkManager/conf.d/portcullis.conf",
		    "queries %s repeatedly on each link; the gate stops that, so NetworkManager reports "
		    "\"limited\" and raises the metric of the links' default routes, which looks like a "
		    "change of network",
		    uri);
}

void judge_group(const char *group, const char *members, struct finding *finding)
{
	if (members[0] == '\0')
		finding_set(finding, DOCTOR_FINE, NULL, "nobody is in %s, except openvpn while it runs",
			    group);
	else
		finding_set(finding, DOCTOR_FAIL,
			    "remove them from the group, or name a group that only openvpn has",
			    "%s is not openvpn's alone: programs of these users can send to the server in "
			    "the clear: %s",
			    group, members);
}

void judge_credentials(int needs, bool username, bool password, struct finding *finding)
{
	bool user = (needs & PROFILE_NEEDS_USER_PASSWORD) != 0,
	     key = (needs & PROFILE_NEEDS_KEY_PASSPHRASE) != 0;

	if (needs == PROFILE_NEEDS_NOTHING)
		finding_set(finding, DOCTOR_FINE, NULL, "none is needed");
	else if (password)
		finding_set(finding, DOCTOR_FINE, NULL, "needed; credentials.password-file is set");
	else
		finding_set(finding, DOCTOR_FAIL,
			    "credentials { password-file = \"...\" } in portcullis.conf",
			    "nobody can type %s%s%s%s",
			    user && !username ? "the user name and the password"
			    : user            ? "the password"
					      : "",
			    user && key ? " and " : "", key ? "the private key's passphrase" : "",
			    ": openvpn will ask for it and wait");
}

void judge_interface(const char *name, bool exists, const char *daemons, struct finding *finding)
{
	if (!exists)
		finding_set(finding, DOCTOR_FINE, NULL, "%s is free", name);
	else if (daemons != NULL && strcmp(daemons, name) == 0)
		finding_set(finding, DOCTOR_FINE, NULL, "%s is our tunnel", name);
	else
		finding_set(finding, DOCTOR_FAIL,
			    "end that program, or set another name: interface = \"tun9\"",
			    "%s is in use, and not by our openvpn: the device can't be created", name);
}

void judge_clock(int64_t now, int64_t known, const char *known_by, struct finding *finding)
{
	char here[TEXT_TIME_SIZE], there[TEXT_TIME_SIZE];

	text_time(here, (time_t)now);
	text_time(there, (time_t)known);
	if (now + CLOCK_SLACK < known)
		finding_set(finding, DOCTOR_FAIL, "set it (date), and keep it across reboots (fake-hwclock)",
			    "says %s, but %s is from %s: certificates may not be valid yet, and NTP can't "
			    "get out while the gate is shut",
			    here, known_by, there);
	else
		finding_set(finding, DOCTOR_FINE, NULL, "says %s, which is not before any of our files",
			    here);
}

void judge_boot_lock(int64_t booted, int64_t locked, struct finding *finding)
{
	int64_t after = locked - booted;

	if (after < -CLOCK_SLACK)
		finding_set(finding, DOCTOR_WARN, "set the clock, and reboot",
			    "the clock has been set since then: the time of the lock is not known");
	else if (after > LOCK_LATE)
		finding_set(finding, DOCTOR_WARN, "see the check of the service order, then reboot",
			    "the gate was first locked %" PRId64
			    " s after the start of the kernel: until then this machine was open",
			    after);
	else
		finding_set(finding, DOCTOR_FINE, NULL,
			    "the gate was locked %" PRId64 " s after the start of the kernel",
			    after < 0 ? 0 : after);
}

void judge_gate(const char *gate, const char *tunnel, const char *reason, struct finding *finding)
{
	const char *why = reason != NULL ? reason : "no reason is given",
		   *how = tunnel != NULL ? tunnel : "not known";

	if (strcmp(gate, "open") == 0)
		finding_set(finding, DOCTOR_FINE, NULL, "open: traffic leaves through the tunnel only");
	else if (strcmp(gate, "unprotected") == 0)
		finding_set(finding, DOCTOR_FAIL, "see the check of the firewall; portcullis log",
			    "NOT PROTECTED: the lock can't be put in place: %s", why);
	else if (strcmp(gate, "off") == 0 || strcmp(gate, "paused") == 0)
		finding_set(finding, DOCTOR_WARN,
			    gate[0] == 'o' ? "portcullis up, when you want the gate back"
					   : "portcullis resume",
			    "%s: NOT PROTECTED: traffic leaves in the clear", gate);
	else if (strcmp(how, "down") == 0)
		finding_set(finding, DOCTOR_WARN, "portcullis up, when you want the VPN",
			    "%s: shut, and the VPN stays down, as requested", gate);
	else
		finding_set(finding, DOCTOR_WARN, "portcullis log", "%s: shut; the tunnel is %s: %s", gate,
			    how, why);
}

void judge_ipv6(bool machine, int servers4, int servers6, int tunnel, struct finding *finding)
{
	if (!machine && servers4 == 0 && servers6 > 0)
		finding_set(finding, DOCTOR_FAIL, "import a profile with IPv4 servers, or enable IPv6",
			    "no link has it, and the profile's servers have only IPv6");
	else if (!machine)
		finding_set(finding, DOCTOR_FINE, NULL, "no link has a global address");
	else if (tunnel == 0)
		finding_set(finding, DOCTOR_WARN,
			    "nothing is needed for safety; to avoid delays, use a server with IPv6, or "
			    "sysctl net.ipv6.conf.all.disable_ipv6=1 or similar",
			    "the links have it, but the tunnel does not: it is dropped, and programs that "
			    "try it first are slow");
	else if (tunnel == 1)
		finding_set(finding, DOCTOR_FINE, NULL, "the links and the tunnel have it");
	else
		finding_set(finding, DOCTOR_FINE, NULL,
			    "the links have it; if the tunnel does not, it is dropped");
}
