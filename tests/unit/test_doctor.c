/* The doctor's decisions, each fine and not fine, and what it reads. openssl's, systemctl's and openvpn's
 * words are written after OpenSSL 3.0, systemd 252 and openvpn 2.6; tests/e2e/test_doctor.py asks the real
 * openssl and openvpn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor/judge.h"
#include "os/service/machine_initrd.h"
#include "os/service/machine_systemd.h"
#include "profile/profile.h"

enum { YEAR_2026 = 1767225600, A_DAY = 86400 };

static struct finding f;

#define FOUND(wanted, part)                                                                                  \
	do {                                                                                                 \
		assert_int_equal(f.result, wanted);                                                          \
		assert_non_null(strstr(f.text, part));                                                       \
		/* what is wrong has something to be done */                                                 \
		assert_true(f.result == DOCTOR_FINE || f.result == DOCTOR_UNKNOWN || f.instead[0] != '\0');  \
	} while (0)

static void owners_and_modes(void **state)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		mode_t mode;
		bool good;
	} want[] = {
	    {0, 0, S_IFREG | 0755, true},     {0, 50, S_IFREG | 0755, true},
	    {0, 0, S_IFDIR | 0775, true},     {0, 0, S_IFDIR | 01777, true},
	    {501, 0, S_IFLNK | 0777, true},   {501, 80, S_IFDIR | 0755, false},
	    {0, 80, S_IFDIR | 0775, false},   {0, 0, S_IFDIR | 0777, false},
	    {0, 0, S_IFREG | 0757, false},    {0, 0, S_IFREG | 01757, false},
	    {501, 20, S_IFREG | 0555, false}, {0, 80, S_IFDIR | 01775, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		memset(&f, 0, sizeof f);
		assert_int_equal(judge_owner("/x", want[i].uid, want[i].gid, want[i].mode, &f), want[i].good);
		if (!want[i].good)
			FOUND(DOCTOR_FAIL, "/x");
	}
}

#define DATES "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Jan 31 00:00:00 2026 GMT\n"

static void certificates(void **state)
{
	struct certificate c;

	(void)state;
	assert_true(certificate_read("subject=CN=vpn.example\n" DATES, &c));
	assert_string_equal(c.subject, "CN=vpn.example");
	assert_int_equal(c.from, YEAR_2026);
	assert_int_equal(c.until, YEAR_2026 + 30 * A_DAY);
	judge_certificate(&c, false, YEAR_2026 + 1, &f);
	FOUND(DOCTOR_WARN, "expires in 29 days");
	judge_certificate(&c, false, YEAR_2026 - 1, &f);
	FOUND(DOCTOR_FAIL, "not valid before 2026-01-01T00:00:00Z");
	judge_certificate(&c, false, YEAR_2026 + 31 * A_DAY, &f);
	FOUND(DOCTOR_FAIL, "expired on 2026-01-31T00:00:00Z");
	judge_certificate(&c, true, YEAR_2026 + 31 * A_DAY, &f);
	FOUND(DOCTOR_WARN, "expired on");
	c.until += 365 * (int64_t)A_DAY;
	judge_certificate(&c, false, YEAR_2026 + 1, &f);
	FOUND(DOCTOR_FINE, "valid until 2027");
}

static void certificates_that_lie(void **state)
{
	static const char *const bad[] = {
	    "",
	    "subject=CN=x\n",
	    "notBefore=Jan  1 00:00:00 2026 GMT\n",
	    "notBefore=Foo  1 00:00:00 2026 GMT\nnotAfter=Jan  1 00:00:00 2026 GMT\n",
	    "notBefore=\nnotAfter=\n",
	    "notBefore=anF  1 00:00:00 2026 GMT\nnotAfter=Jan  1 00:00:00 2026 GMT\n"};
	struct certificate c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(certificate_read(bad[i], &c));
	/* RFC 2253 leaves no line end in a subject; the dates are the first of their kind all the same */
	assert_true(certificate_read("subject=CN=a\\0AnotAfter=Jan  1 00:00:00 2099 GMT\n" DATES, &c));
	assert_int_equal(c.until, YEAR_2026 + 30 * A_DAY);
}

#define PEM(text) "-----BEGIN CERTIFICATE-----\n" text "\n-----END CERTIFICATE-----\n"

static void certificates_of_a_profile(void **state)
{
	static const char profile[] = "client\n<ca>\n" PEM("one")
	    PEM("two") "</ca>\n<cert>\n" PEM("three") "</cert>\n<key>\n-----BEGIN PRIVATE "
						      "KEY-----\nsecret\n-----END PRIVATE KEY-----\n</key>\n";
	const char *at = profile;
	struct pem pem = {.block = ""};

	(void)state;
	assert_true(pem_next(&at, &pem));
	assert_string_equal(pem.block, "ca");
	assert_memory_equal(pem.begin + 28, "one", 3);
	assert_true(pem_next(&at, &pem));
	assert_memory_equal(pem.begin + 28, "two", 3);
	assert_true(pem_next(&at, &pem));
	assert_string_equal(pem.block, "cert");
	assert_int_equal(pem.length, sizeof PEM("three") - 2);
	assert_false(pem_next(&at, &pem));
	at = "<ca>\n-----BEGIN CERTIFICATE-----\nno end\n";
	assert_false(pem_next(&at, &pem));
}

static void version(const char *said, bool preview)
{
	unsigned part[3];

	assert_true(version_read(said, part));
	judge_version(part, preview, &f);
}

static void versions(void **state)
{
	unsigned part[3];

	(void)state;
	version("OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)] [LZO]\n", false);
	FOUND(DOCTOR_FINE, "2.6.14");
	assert_null(strchr(f.text, ';'));
	version("OpenVPN 2.4.12 x86_64", false);
	FOUND(DOCTOR_FAIL, "older than 2.5");
	version("OpenVPN 2.5.1 x86_64", false);
	FOUND(DOCTOR_WARN, "no longer maintained");
	assert_non_null(strstr(f.text, "CVE-2024-5594"));
	version("OpenVPN 2.5.11 x86_64", false);
	FOUND(DOCTOR_WARN, "no longer maintained");
	assert_null(strstr(f.text, "CVE-2024-5594"));
	version("OpenVPN 2.6.6 x86_64", false);
	FOUND(DOCTOR_WARN, "CVE-2023-46850");
	version("OpenVPN 2.6.7 x86_64", false);
	FOUND(DOCTOR_WARN, "CVE-2024-5594");
	assert_null(strstr(f.text, "CVE-2023"));
	version("OpenVPN 2.7.6 x86_64", false);
	FOUND(DOCTOR_FINE, "dns-updown");
	version("OpenVPN 2.7_beta1 x86_64", true);
	FOUND(DOCTOR_WARN, "CVE-2025-10680");
	assert_false(version_read("OpenVPN x", part));
	assert_false(version_read("", part));
	assert_false(version_read("bash 5.2", part));
	assert_false(version_read("OpenVPN 99999999999999999999.1", part));
}

static void resolver(const char *text, enum machine_resolver kind, bool manage)
{
	struct net_address servers[3];
	size_t count = resolv_read(text, servers, 3);

	judge_resolver(servers, count < 3 ? count : 3, kind, manage, &f);
}

static void resolvers(void **state)
{
	(void)state;
	resolver("nameserver 127.0.0.53\noptions edns0\n", MACHINE_RESOLVED, true);
	FOUND(DOCTOR_FINE, "systemd-resolved");
	resolver("# x\nnameserver 127.0.0.53\nnameserver\t192.168.1.1\r\n", MACHINE_RESOLVED, true);
	FOUND(DOCTOR_FAIL, "192.168.1.1");
	resolver("nameserver 192.168.1.1\n", MACHINE_RESOLVCONF, true);
	FOUND(DOCTOR_FINE, "resolvconf");
	resolver("nameserver 192.168.1.1\n", MACHINE_RESOLVCONF, false);
	FOUND(DOCTOR_FAIL, "192.168.1.1");
	resolver("nameserver 192.168.1.1\n", MACHINE_NO_RESOLVER, true);
	FOUND(DOCTOR_FAIL, "local network");
	resolver("nameserver fe80::1%eth0\n", MACHINE_NO_RESOLVER, true);
	FOUND(DOCTOR_FAIL, "fe80::1");
	resolver("nameserver 9.9.9.9\nnameserver 1.1.1.1", MACHINE_NO_RESOLVER, true);
	FOUND(DOCTOR_FINE, "9.9.9.9 and others");
	resolver("nameservers 10.0.0.1\nnameserver bogus\033[2J\nnameserver", MACHINE_NO_RESOLVER, true);
	FOUND(DOCTOR_WARN, "names no server");
	resolver("", MACHINE_SYSTEM, true);
	FOUND(DOCTOR_FINE, "system's own");
}

static void network_manager(void **state)
{
	static const char text[] =
	    "[main]\nplugins=keyfile\nuri=wrong\n[ connectivity ]\nuri=wrong\n"
	    "[connectivity]\r\n uri = http://check.example/ \n#enabled=false\n[x]\nenabled=0\n";
	char uri[64] = "", enabled[8] = "", small[5] = "";

	(void)state;
	assert_true(keyfile_get(text, "connectivity", "uri", uri, sizeof uri));
	assert_string_equal(uri, "http://check.example/");
	assert_false(keyfile_get(text, "connectivity", "enabled", enabled, sizeof enabled));
	assert_true(keyfile_get(text, "connectivity", "uri", small, sizeof small));
	assert_string_equal(small, "http");
	judge_connectivity(uri, enabled, &f);
	FOUND(DOCTOR_WARN, "http://check.example/");
	judge_connectivity(uri, "false", &f);
	FOUND(DOCTOR_FINE, "does not check");
	judge_connectivity("", "true", &f);
	FOUND(DOCTOR_FINE, "does not check");
}

#define LOCK(enabled, before)                                                                                \
	"Id=portcullis-lock.service\nRequiredBy=networking.service\nWantedBy=" enabled "\nBefore=" before    \
	"\nLoadState=loaded\nUnitFileState=enabled\n"
#define DAEMON(enabled)                                                                                      \
	"\nId=portcullis.service\nWantedBy=\nBefore=shutdown.target\nLoadState="                             \
	"loaded\nUnitFileState=" enabled "\n"

static void boot(const char *shown)
{
	struct machine_fact fact;

	systemd_boot(shown, &fact);
	judge_fact(&fact, DOCTOR_FAIL, &f);
}

static void order_at_boot(void **state)
{
	(void)state;
	boot(LOCK("sysinit.target", "shutdown.target network-pre.target") DAEMON("enabled"));
	FOUND(DOCTOR_FINE, "before network-pre.target");
	boot(LOCK("network-pre.target", "network-pre.target") DAEMON("enabled"));
	FOUND(DOCTOR_FINE, "before network-pre.target");
	boot(LOCK("sysinit.target", "network-pre.target") "DropInPaths=/etc/my.conf\n" DAEMON("enabled"));
	FOUND(DOCTOR_UNKNOWN, "portcullis-lock.service is changed by /etc/my.conf");
	boot(LOCK("sysinit.target",
		  "network-pre.target") "DropInPaths=\n" DAEMON("enabled") "DropInPaths=/etc/x\n");
	FOUND(DOCTOR_UNKNOWN, "portcullis.service is changed by /etc/x: ");
	boot(LOCK("sysinit.target", "network-pre.target.d network.target") DAEMON("enabled"));
	FOUND(DOCTOR_FAIL, "not ordered before");
	boot(LOCK("", "network-pre.target") DAEMON("enabled"));
	FOUND(DOCTOR_FAIL, "nothing starts portcullis-lock");
	boot(LOCK("sysinit.target", "network-pre.target") DAEMON("disabled"));
	FOUND(DOCTOR_FAIL, "is not enabled");
	boot("Id=portcullis-lock.service\nLoadState=not-found\n\nId=portcullis.service\nLoadState=not-"
	     "found\n");
	FOUND(DOCTOR_FAIL, "does not know");
	boot("");
	FOUND(DOCTOR_FAIL, "does not know");
}

static void units(void **state)
{
	static const char shown[] = "Id=ufw.service\nActiveState=inactive\nUnitFileState=disabled\n\n"
				    "Id=wg-quick@home.service\nActiveState=active\nUnitFileState=disabled\n\n"
				    "ActiveState=inactive\nId=nftables.service\nUnitFileState=enabled\n";

	(void)state;
	assert_true(systemd_runs(shown, "wg-quick@*"));
	assert_true(systemd_runs(shown, "nftables.service"));
	assert_false(systemd_runs(shown, "ufw.service"));
	assert_false(systemd_runs(shown, "nftables"));
	assert_false(systemd_runs("", "ufw.service"));
}

#define NFTABLES "Id=nftables.service\nActiveState=active\n"
#define OURS "/usr/lib/systemd/system/nftables.service.d/portcullis.conf"

static void nftables_keeps_the_lock(void **state)
{
	(void)state;
	assert_true(systemd_nftables_keeps("Id=x.service\n\n" NFTABLES "DropInPaths=" OURS "\n"));
	assert_true(systemd_nftables_keeps(
	    NFTABLES "DropInPaths=/etc/systemd/system/nftables.service.d/a.conf " OURS " /b\n"));
	assert_false(systemd_nftables_keeps(NFTABLES "DropInPaths=\n"));
	assert_false(systemd_nftables_keeps(NFTABLES "DropInPaths=" OURS ".bak\n"));
	assert_false(systemd_nftables_keeps(NFTABLES "DropInPaths=x" SYSTEMD_NFTABLES_DROP_IN "\n"));
	assert_false(systemd_nftables_keeps(NFTABLES "\nId=x.service\nDropInPaths=" OURS "\n"));
	assert_false(systemd_nftables_keeps("Id=x.service\nDropInPaths=" OURS "\n"));
	assert_false(systemd_nftables_keeps(NFTABLES));
	assert_false(systemd_nftables_keeps(""));
}

static void initrds(void **state)
{
	struct initrd initrd = {.tool = true, .cmdline = "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet\n"};
	struct machine_fact fact;

	(void)state;
#define INITRD(verdict, words)                                                                               \
	do {                                                                                                 \
		initrd_judge(&initrd, &fact);                                                                \
		assert_int_equal(fact.answer, verdict);                                                      \
		assert_non_null(strstr(fact.text, words));                                                   \
		assert_int_equal(fact.instead[0] == '\0', verdict == MACHINE_YES);                           \
	} while (0)
	INITRD(MACHINE_YES, "adds the lock to it");
	initrd.cmdline = NULL;
	INITRD(MACHINE_YES, "adds the lock to it");
	initrd.cmdline = "xroot=/dev/nfs root=/dev/nfs2 nfsroot=192.0.2.1:/x";
	INITRD(MACHINE_YES, "adds the lock to it");
	initrd.clevis = true;
	INITRD(MACHINE_NO, "tang");
	initrd.dropbear = true;
	INITRD(MACHINE_NO, "dropbear");
	assert_non_null(strstr(fact.instead, "break=top"));
	initrd.cmdline = "ro root=/dev/nfs\n";
	INITRD(MACHINE_NO, "NFS");
	initrd.tool = false;
	INITRD(MACHINE_NO, "has no lock");
#undef INITRD
}

static void small_decisions(void **state)
{
	(void)state;
	judge_group("_openvpn", "", &f);
	FOUND(DOCTOR_FINE, "nobody");
	judge_group("_openvpn", "alice bob", &f);
	FOUND(DOCTOR_FAIL, "alice bob");
	judge_credentials(PROFILE_NEEDS_NOTHING, false, false, &f);
	FOUND(DOCTOR_FINE, "none");
	judge_credentials(PROFILE_NEEDS_USER_PASSWORD, false, true, &f);
	FOUND(DOCTOR_FINE, "password-file");
	judge_credentials(PROFILE_NEEDS_USER_PASSWORD, true, false, &f);
	FOUND(DOCTOR_FAIL, "type the password:");
	judge_credentials(PROFILE_NEEDS_USER_PASSWORD | PROFILE_NEEDS_KEY_PASSPHRASE, false, false, &f);
	FOUND(DOCTOR_FAIL, "the user name and the password and the private key's passphrase");
	judge_interface("tun0", false, NULL, &f);
	FOUND(DOCTOR_FINE, "free");
	judge_interface("tun0", true, "tun0", &f);
	FOUND(DOCTOR_FINE, "our tunnel");
	judge_interface("tun0", true, NULL, &f);
	FOUND(DOCTOR_FAIL, "in use");
	judge_interface("tun0", true, "tun1", &f);
	FOUND(DOCTOR_FAIL, "in use");
}

static void times(void **state)
{
	(void)state;
	judge_clock(YEAR_2026, YEAR_2026 - 1, "/x", &f);
	FOUND(DOCTOR_FINE, "2026-01-01T00:00:00Z");
	judge_clock(0, YEAR_2026, "/x", &f);
	FOUND(DOCTOR_FAIL, "/x is from 2026-01-01");
	judge_boot_lock(YEAR_2026, YEAR_2026 + 3, &f);
	FOUND(DOCTOR_FINE, "3 s after");
	judge_boot_lock(YEAR_2026, YEAR_2026 + 3600, &f);
	FOUND(DOCTOR_WARN, "3600 s after");
	judge_boot_lock(YEAR_2026, YEAR_2026 - 86400, &f);
	FOUND(DOCTOR_WARN, "clock has been set");
}

static void gates(void **state)
{
	(void)state;
	judge_gate("open", "connected", "", &f);
	FOUND(DOCTOR_FINE, "open");
	judge_gate("locked", "waiting", "no answer", &f);
	FOUND(DOCTOR_WARN, "waiting: no answer");
	judge_gate("locked", "down", NULL, &f);
	FOUND(DOCTOR_WARN, "as requested");
	judge_gate("off", "down", NULL, &f);
	FOUND(DOCTOR_WARN, "NOT PROTECTED");
	judge_gate("paused", NULL, NULL, &f);
	FOUND(DOCTOR_WARN, "NOT PROTECTED");
	judge_gate("unprotected", NULL, "no nft", &f);
	FOUND(DOCTOR_FAIL, "no nft");
}

static void ipv6(void **state)
{
	(void)state;
	judge_ipv6(false, 1, 1, -1, &f);
	FOUND(DOCTOR_FINE, "no link");
	judge_ipv6(false, 0, 2, -1, &f);
	FOUND(DOCTOR_FAIL, "only IPv6");
	judge_ipv6(true, 1, 0, 0, &f);
	FOUND(DOCTOR_WARN, "dropped");
	judge_ipv6(true, 1, 0, 1, &f);
	FOUND(DOCTOR_FINE, "and the tunnel have it");
	judge_ipv6(true, 1, 0, -1, &f);
	FOUND(DOCTOR_FINE, "if the tunnel does not");
}

static void settings(void **state)
{
	struct doctor_settings s;

	(void)state;
	settings_default(&s);
	assert_string_equal(s.backend, "auto");
	assert_true(settings_read(
	    &s, "profile = \"/a \\x1b\\x5c\\x22b\"\nlan = \"true\"\nnew.key = \"x\"\n\nsaid\nmore"));
	assert_string_equal(s.profile, "/a \033\\\"b");
	assert_string_equal(s.lan, "true");
	assert_string_equal(s.backend, "auto");
	assert_string_equal(s.output, "said\nmore");
	assert_false(settings_read(&s, ""));
	assert_false(settings_read(&s, "portcullisd: unrecognized option\n"));
	assert_false(settings_read(&s, "profile = \"/a\"\n"));
	assert_false(settings_read(&s, "profile = \"\\x4\"\n\n"));
	assert_false(settings_read(&s, "profile = \"\\x00\"\n\n"));
	assert_false(settings_read(&s, "profile = \"\\xzz\"\n\n"));
	assert_false(settings_read(&s, "profile = \"\n\n"));
	assert_false(settings_read(&s, "interface = \"0123456789012345678901234567890123456789\"\n\n"));
}

static void a_finding_has_one_advice(void **state)
{
	(void)state;
	finding_set(&f, DOCTOR_FAIL, "use another kernel", "%s",
		    "no nft: table held; instead: end process 7");
	assert_string_equal(f.text, "no nft: table held");
	assert_string_equal(f.instead, "end process 7; or: use another kernel");
	finding_set(&f, DOCTOR_FAIL, NULL, "%s", "held; instead: end it");
	assert_string_equal(f.text, "held");
	assert_string_equal(f.instead, "end it");
	finding_set(&f, DOCTOR_FAIL, "do it", "%s", "bad");
	assert_string_equal(f.instead, "do it");
	finding_set(&f, DOCTOR_FINE, NULL, "good");
	assert_string_equal(f.instead, "");
}

static void what_is_found_is_escaped(void **state)
{
	static const struct doctor_check check = {"name", "subject", NULL};
	struct doctor doctor = {.check = &check, .json = true, .checks = json_array()};
	const json_t *one;

	(void)state;
	finding_set(&f, DOCTOR_WARN, "do\ntwo", "a%sb\xff", "\033[2J");
	f.subject[0] = '\0';
	doctor_report(&doctor, &f);
	one = json_array_get(doctor.checks, 0);
	assert_string_equal(json_string_value(json_object_get(one, "text")), "a\\x1b[2Jb\\xff");
	assert_string_equal(json_string_value(json_object_get(one, "instead")), "do\\x0atwo");
	assert_string_equal(json_string_value(json_object_get(one, "subject")), "subject");
	assert_string_equal(json_string_value(json_object_get(one, "result")), "warn");
	assert_int_equal(doctor.count[DOCTOR_WARN], 1);
	json_decref(doctor.checks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(owners_and_modes),
	    cmocka_unit_test(certificates),
	    cmocka_unit_test(certificates_that_lie),
	    cmocka_unit_test(certificates_of_a_profile),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(resolvers),
	    cmocka_unit_test(network_manager),
	    cmocka_unit_test(order_at_boot),
	    cmocka_unit_test(units),
	    cmocka_unit_test(nftables_keeps_the_lock),
	    cmocka_unit_test(initrds),
	    cmocka_unit_test(small_decisions),
	    cmocka_unit_test(times),
	    cmocka_unit_test(gates),
	    cmocka_unit_test(ipv6),
	    cmocka_unit_test(settings),
	    cmocka_unit_test(a_finding_has_one_advice),
	    cmocka_unit_test(what_is_found_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
