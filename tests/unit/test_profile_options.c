/* Every option that OpenVPN reads, through the table: its class, and what
 * becomes of a line with it. The list is tests/unit/data/options.txt. */
#include "profile_test.h"

#include "profile/options.h"

static const struct {
	const char *name, *good, *bad;
} samples[] = {
    {"allow-compression", "asym", "maybe"},
    {"allow-recursive-routing", "", "x"},
    {"auth", "SHA256", "none"},
    {"auth-user-pass", "", NULL},
    {"block-ipv6", "", "x"},
    {"cipher", "AES-256-GCM", "none"},
    {"client-nat", "snat 10.0.0.0 255.0.0.0 10.1.0.0", "snat a b c"},
    {"comp-lzo", "no", "perhaps"},
    {"comp-noadapt", "", "x"},
    {"compat-mode", "2.4.0", "old"},
    {"compress", "stub-v2", "zip"},
    {"connect-timeout", "10", "soon"},
    {"data-ciphers", "AES-256-GCM:?CHACHA20-POLY1305", "AES-256-GCM:none"},
    {"data-ciphers-fallback", "AES-256-CBC", "none"},
    {"dhcp-option", "DNS 10.0.0.1", "DNS resolver.example"},
    {"disable-occ", "", "x"},
    {"dns", "server 1 address 10.0.0.1", "server 1 run /bin/sh"},
    {"fragment", "1300", "12"},
    {"hand-window", "60", "0"},
    {"ifconfig", "10.0.0.2 10.0.0.1", "host.example 10.0.0.1"},
    {"ifconfig-ipv6", "fd00::2/64 fd00::1", "fd00::2 fd00::1"},
    {"ifconfig-nowarn", "", "x"},
    {"keepalive", "10 60", "10 15"},
    {"key-direction", "1", "2"},
    {"link-mtu", "1500", "0"},
    {"max-packet-size", "1400", "99999"},
    {"mssfix", "1300 mtu", "big"},
    {"mtu-disc", "yes", "often"},
    {"mtu-test", "", "x"},
    {"mute-replay-warnings", "", "x"},
    {"ncp-ciphers", "AES-256-GCM", "NONE"},
    {"ns-cert-type", "server", "anyone"},
    {"peer-fingerprint",
     "78:7B:10:72:03:97:48:CD:D8:8A:37:71:DD:F8:9E:2F:B4:34:1B:51:76:C8:CF:CA:C4:DA:C1:D8:E3:C7:AF:72",
     "/etc/shadow"},
    {"ping", "10", "ten"},
    {"ping-exit", "20", "often"},
    {"ping-restart", "60", "-1"},
    {"ping-timer-rem", "", "x"},
    {"providers", "default legacy", "default /tmp/x.so"},
    {"pull-filter", "ignore dhcp-option", "obey dhcp-option"},
    {"rcvbuf", "100000", "99999999"},
    {"remote-cert-eku", "\"TLS Web Server Authentication\"", NULL},
    {"remote-cert-ku", "80 08 88", "xyz"},
    {"remote-cert-tls", "server", "nobody"},
    {"reneg-bytes", "0", "many"},
    {"reneg-pkts", "0", "99999999999"},
    {"reneg-sec", "3600 3600", "1 2 3"},
    {"remote-random", "", "x"},
    {"remote-random-hostname", "", "x"},
    {"replay-window", "64 15", "0"},
    {"route", "10.9.0.0 255.255.0.0 vpn_gateway 5", "intranet.example"},
    {"route-gateway", "10.0.0.1", "router.example"},
    {"route-ipv6", "fd01::/64 fd00::1 5", "intranet.example"},
    {"route-ipv6-gateway", "fd00::1", "10.0.0.1"},
    {"route-metric", "5", "low"},
    {"route-nopull", "", "x"},
    {"server-poll-timeout", "4", "4 4"},
    {"session-timeout", "3600", "soon"},
    {"shaper", "100000", "1"},
    {"single-session", "", "x"},
    {"sndbuf", "100000", "big"},
    {"socket-flags", "TCP_NODELAY", "SO_MARK"},
    {"static-challenge", "\"Enter the code\" 1", "\"Enter the code\" 2"},
    {"tcp-nodelay", "", "x"},
    {"tls-cert-profile", "preferred", "none"},
    {"tls-cipher", "DEFAULT:!aNULL", "aNULL"},
    {"tls-ciphersuites", "TLS_AES_256_GCM_SHA384", "TLS_SHA256_SHA256"},
    {"tls-groups", "X25519:secp256r1", "\"two words\""},
    {"tls-timeout", "2", "0"},
    {"tls-version-max", "1.3", "9"},
    {"tls-version-min", "1.2 or-highest", "1.2 or-lowest"},
    {"topology", "subnet", "ring"},
    {"tran-window", "3600", "0"},
    {"tun-mtu", "1400", "1"},
    {"tun-mtu-extra", "32", "x"},
    {"tun-mtu-max", "1600", "x"},
    {"udp-mtu", "1500", "x"},
    {"up-delay", "", "x"},
    {"verify-hash",
     "78:7B:10:72:03:97:48:CD:D8:8A:37:71:DD:F8:9E:2F:B4:34:1B:51:76:C8:CF:CA:C4:DA:C1:D8:E3:C7:AF:72 SHA256",
     "78:7B:10:72:03:97:48:CD:D8:8A:37:71:DD:F8:9E:2F:B4:34:1B:51:76:C8:CF:CA:C4:DA:C1:D8:E3:C7:AF:72 MD4"},
    {"verify-x509-name", "\"C=US, CN=vpn\" subject", "vpn sideways"},
    {"x509-username-field", "ext:subjectAltName CN", "\"a b\""},
};

static const char *const class_words[] = {"refuse", "strip+warn", "strip", "override", "inline", "allow"};

typedef void each_fn(const struct option *option, const char *class);

/* Calls `each` for every line of the list; returns how many. */
static int for_each_option(each_fn *each)
{
	size_t length;
	char *text = read_data("tests/unit/data/options.txt", &length), *save = text, *line;
	int count = 0;

	while ((line = strsep(&save, "\n")) != NULL) {
		char *space = strchr(line, ' ');

		if (line[0] == '#' || space == NULL)
			continue;
		*space = '\0';
		if (option_find(line) == NULL)
			fail_msg("%s is not in the table", line);
		each(option_find(line), space + 1);
		count++;
	}
	free(text);
	return count;
}

static void check_class(const struct option *option, const char *class)
{
	if (strcmp(class_words[option->class], class) != 0)
		fail_msg("%s is %s, not %s", option->name, class_words[option->class], class);
}

static void test_classes(void **state)
{
	(void)state;
	assert_int_equal(for_each_option(check_class), 324);
	assert_int_equal(option_count, 324);
}

static void test_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < option_count; i++)
		assert_true(strcmp(option_table[i - 1].name, option_table[i].name) < 0);
}

static void check_refused(const struct option *option, const char *class)
{
	char text[256], wanted[256];

	(void)class;
	if (option->action != ACT_REFUSE)
		return;
	assert_non_null(option->text);
	snprintf(text, sizeof text, BASE "%s a b\n", option->name);
	snprintf(wanted, sizeof wanted, "t.ovpn:4: %s: %s", option->name, option->text);
	assert_refused(text, wanted);
	/* Nor when openvpn is told that it is optional. */
	snprintf(text, sizeof text, BASE "setenv opt %s a b\n", option->name);
	assert_refused(text, wanted);
}

static void test_refused(void **state)
{
	(void)state;
	for_each_option(check_refused);
}

static void check_dropped(const struct option *option, const char *class)
{
	struct notices notices = {.used = 0};
	char text[256], wanted[256];
	char *plain = assert_taken(BASE, NULL), *with;

	(void)class;
	if (option->action == ACT_DROP) {
		assert_non_null(option->text);
		snprintf(text, sizeof text, BASE "%s /tmp/x b\n", option->name);
		snprintf(wanted, sizeof wanted, "4 %s: %s\n", option->name, option->text);
		with = assert_taken(text, &notices);
		assert_string_equal(plain, with);
		assert_true(strncmp(notices.text, wanted, strlen(wanted)) == 0);
		free(with);
	}
	free(plain);
}

static void test_dropped(void **state)
{
	(void)state;
	for_each_option(check_dropped);
}

static const char *const own_tests[] = {
    "tls-client",  "client", "pull",     "remote",     "proto",
    "proto-force", "port",   "rport",    "connection", "mode",
    "cd",          "dev",    "dev-type", "setenv",     "ignore-unknown-option"};

static int sample_of(const char *name)
{
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		if (strcmp(samples[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void check_kept(const struct option *option, const char *class)
{
	int sample = sample_of(option->name);
	char text[512], wanted[64];
	char *canonical;

	(void)class;
	for (size_t i = 0; i < sizeof own_tests / sizeof *own_tests; i++) {
		if (strcmp(own_tests[i], option->name) == 0)
			return;
	}
	if (option->action == ACT_REFUSE || option->action == ACT_DROP || option->action == ACT_BLOCK)
		return;
	if (sample == -1)
		fail_msg("%s has no sample", option->name);
	snprintf(text, sizeof text, BASE "%s %s\n", option->name, samples[sample].good);
	if (option->action == ACT_SET)
		snprintf(wanted, sizeof wanted, "\nset %s %s\n",
			 strncmp(option->name, "ping-", 5) == 0 ? "dead-peer" : option->name,
			 samples[sample].good[0] == '\0' ? "1" : samples[sample].good);
	else if (option->action == ACT_KEEPALIVE)
		snprintf(wanted, sizeof wanted, "\nping \"10\"\n");
	else
		snprintf(wanted, sizeof wanted, "\n%s%s", option->name,
			 samples[sample].good[0] == '\0' ? "\n" : " \"");
	if (option->action == ACT_RANDOM_HOST) /* for import only */
		snprintf(wanted, sizeof wanted, "\nneeds 0\n\nclient\n");
	canonical = assert_taken(text, NULL);
	if (strstr(canonical, wanted) == NULL)
		fail_msg("%s is lost", option->name);
	free(canonical);
	if (samples[sample].bad == NULL)
		return;
	snprintf(text, sizeof text, BASE "%s %s\n", option->name, samples[sample].bad);
	snprintf(wanted, sizeof wanted, "t.ovpn:4: %s: ", option->name);
	assert_refused(text, wanted);
}

static void test_kept(void **state)
{
	(void)state;
	for_each_option(check_kept);
}

/* Without somebody to read files, no file is read: each is refused by line. */
static void check_file(const struct option *option, const char *class)
{
	char text[256], wanted[128];

	(void)class;
	if (option->action != ACT_BLOCK)
		return;
	snprintf(text, sizeof text, BASE "%s /etc/shadow\n", option->name);
	snprintf(wanted, sizeof wanted, "t.ovpn:4: %s: refers to a file", option->name);
	assert_refused(text, wanted);
	snprintf(text, sizeof text, BASE "%s\n", option->name);
	assert_refused(text, "not one file");
	snprintf(text, sizeof text, BASE "%s a b c\n", option->name);
	assert_refused(text, "not one file");
}

static void test_files(void **state)
{
	(void)state;
	for_each_option(check_file);
}

/* What is kept and what is refused of each kind of algorithm. */
static const struct {
	const char *option, *good, *bad;
} algorithms[] = {
    {"cipher", "AES-256-CBC aes-128-gcm CHACHA20-POLY1305 BF-CBC DES-EDE3-CBC id-aes256-GCM CAMELLIA-256-CBC",
     "none NONE NULL null-cipher AES-256-ECB AES enc-NULL RC4 CHACHA20 AES-256 -CBC AES-256-CBC- :"},
    {"data-ciphers", "AES-256-GCM:?CHACHA20-POLY1305:AES-128-GCM DEFAULT",
     "AES-256-GCM:none AES-256-GCM:?none AES-256-GCM: ?? AES-256-GCM:??AES-128-GCM"},
    {"auth", "SHA1 SHA256 sha512 MD5 RIPEMD160 SHA3-256 BLAKE2b512",
     "none NONE null SHAKE128 md_null NULL undef [null-digest] SHA256:none"},
    {"tls-cipher",
     "DEFAULT DEFAULT:@SECLEVEL=0 HIGH:!aNULL:!MD5 ECDHE+AESGCM:-RSA:+AES128 "
     "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305 DES-CBC3-SHA ALL:@STRENGTH !NULL",
     "COMPLEMENTOFALL:@SECLEVEL=0 COMPLEMENTOFDEFAULT DEFAULT:COMPLEMENTOFALL NULL eNULL aNULL ALL:eNULL "
     "NULL-SHA NULL-MD5 ECDHE-RSA-NULL-SHA TLS-RSA-WITH-NULL-SHA ADH-AES256-SHA AECDH-AES256-SHA ADH AECDH "
     "TLS-DH-anon-WITH-AES-256-CBC-SHA EXP-DES-CBC-SHA RC4-MD5 +eNULL @SECLEVEL=10 @SECLEVEL= PSK SSLv3 "
     "ECDHE+ : ! LOW"},
    {"tls-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS-CHACHA20-POLY1305-SHA256",
     "TLS_SHA256_SHA256 TLS_SHA384_SHA384 TLS_AES_256_GCM_SHA384:TLS_SHA256_SHA256 AES_256_GCM_SHA384 "
     "TLS_NULL_SHA "
     "TLS_"},
};

static void test_algorithms(void **state)
{
	char text[512], list[1024], *word, *save;

	(void)state;
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		snprintf(list, sizeof list, "%s", algorithms[i].good);
		for (save = list; (word = strsep(&save, " ")) != NULL;) {
			snprintf(text, sizeof text, BASE "%s %s\n", algorithms[i].option, word);
			free(assert_taken(text, NULL));
		}
		snprintf(list, sizeof list, "%s", algorithms[i].bad);
		for (save = list; (word = strsep(&save, " ")) != NULL;) {
			snprintf(text, sizeof text, BASE "%s \"%s\"\n", algorithms[i].option, word);
			assert_refused(text, "known to");
		}
	}
}

/* Keywords may overlap with what does not encrypt: the tail takes that out, once. */
static void test_tls_tail(void **state)
{
	char *canonical = assert_taken(BASE "tls-cipher kRSA:SHA1\n", NULL);

	(void)state;
	assert_non_null(strstr(canonical, "\ntls-cipher \"kRSA:SHA1:!eNULL:!aNULL\"\n"));
	free(canonical);
}

/* Values that are right, and of which their owner should know. */
static void test_notes(void **state)
{
	static const char *const lines[][2] = {
	    {"tls-version-max 1.0", "excludes TLS 1.2 and newer"},
	    {"tls-version-max 1.1", "excludes TLS 1.2 and newer"},
	    {"tls-version-max 1.2", NULL},
	    {"remote-cert-tls client", "another client of this VPN can then impersonate"},
	    {"remote-cert-tls server", NULL},
	    {"ns-cert-type client", "another client of this VPN can then impersonate"},
	    {"auth MD5", "weak cryptography"},
	    {"tls-cipher DEFAULT:@SECLEVEL=0", "weak cryptography"},
	    {"cipher CAST5-CBC", "weak cryptography"},
	    {"cipher BF-CBC", "weak cryptography"},
	    {"cipher DES-CBC", "weak cryptography"},
	    {"cipher RC2-CBC", "weak cryptography"},
	    {"cipher AES-256-CBC", NULL},
	    {"data-ciphers BF-CBC:DES-CBC", "weak cryptography"},
	    {"tls-cert-profile insecure", "weak cryptography"},
	    {"tls-cert-profile legacy", NULL},
	    {"static-challenge none 1", NULL}, /* a text, and no algorithm */
	    {"remote-cert-eku none", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct notices notices = {.used = 0};
		char text[256];

		snprintf(text, sizeof text, BASE "%s\n", lines[i][0]);
		free(assert_taken(text, &notices));
		const char *told = strstr(notices.text, "kept, but");

		assert_int_equal(told != NULL, lines[i][1] != NULL);
		if (told != NULL) {
			assert_non_null(strstr(told, lines[i][1]));
			assert_null(strstr(told + 1, "kept, but")); /* once is enough */
		}
	}
}

/* NAME [inline] announces a block: without it openvpn would refuse, so it is refused here. */
static void check_announced(const struct option *option, const char *class)
{
	char text[256], wanted[128];

	(void)class;
	if (option->action != ACT_BLOCK)
		return;
	snprintf(text, sizeof text, BASE "%s [inline]\nverb 3\n", option->name);
	snprintf(wanted, sizeof wanted, "t.ovpn:4: %s: [inline], and no such block follows", option->name);
	assert_refused(text, wanted);
}

static void test_announced(void **state)
{
	(void)state;
	for_each_option(check_announced);
}

static void test_unknown(void **state)
{
	(void)state;
	assert_refused(BASE "remot 192.0.2.1\n", "t.ovpn:4: remot: unknown option; instead: remote?");
	assert_refused(BASE "Remote 192.0.2.1\n", "t.ovpn:4: Remote: unknown option");
	assert_refused(BASE "zzzzzzzzzzzzzzzzzzzz\n", "instead: delete the line");
}

/* A refusal says what to do: each of the table's own. */
static void test_refusals_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		if (option_table[i].action == ACT_REFUSE &&
		    strstr(option_table[i].text, "; instead: ") == NULL)
			fail_msg("%s: \"%s\" without an instead", option_table[i].name, option_table[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_classes),    cmocka_unit_test(test_sorted),
	    cmocka_unit_test(test_refused),    cmocka_unit_test(test_dropped),
	    cmocka_unit_test(test_kept),       cmocka_unit_test(test_files),
	    cmocka_unit_test(test_unknown),    cmocka_unit_test(test_refusals_help),
	    cmocka_unit_test(test_algorithms), cmocka_unit_test(test_tls_tail),
	    cmocka_unit_test(test_notes),      cmocka_unit_test(test_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
