/* Profiles in the style of real providers: parsed, printed, parsed again. */
#include "profile_test.h"

#define DATA "tests/unit/data/profiles/"

static const char *const files[] = {DATA "factory-windows.ovpn", DATA "office-as.ovpn",
				    DATA "photon-ch.ovpn",       DATA "portal-connections.ovpn",
				    DATA "rookery-all.ovpn",     DATA "stronghold-udp.ovpn"};

/* Parsed from what was printed, it prints the same, in both forms. */
static void assert_stable(const struct profile *profile)
{
	size_t length, canonical_length, again_length;
	char *text = profile_print(profile, &length), *again;
	char *canonical = profile_print_canonical(profile, &canonical_length);
	struct err e;
	struct profile *second;

	assert_non_null(text);
	assert_non_null(canonical);
	if (canonical_check(canonical, canonical_length, &e) == -1)
		fail_msg("%s", e.text);
	second = parse_bytes(text, length, NULL, &e);
	if (second == NULL)
		fail_msg("%s in\n%s", e.text, text);
	again = profile_print(second, &again_length);
	assert_string_equal(text, again);
	free(again);
	again = profile_print_canonical(second, &again_length);
	assert_string_equal(canonical, again);
	free(again);
	free(text);
	free(canonical);
	profile_free(second);
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		size_t length;
		char *text = read_data(files[i], &length);
		struct notices notices = {.used = 0};
		struct err e;
		struct profile *profile = parse_bytes(text, length, &notices, &e);

		if (profile == NULL)
			fail_msg("%s: %s", files[i], e.text);
		assert_stable(profile);
		assert_true(notices.used > 0);
		profile_free(profile);
		free(text);
	}
}

static void test_remotes(void **state)
{
	size_t length;
	char *text = read_data(DATA "portal-connections.ovpn", &length);
	struct net_address address;
	struct err e;
	struct profile *profile = parse_bytes(text, length, NULL, &e);
	const struct profile_remote *remote;

	(void)state;
	assert_non_null(profile);
	assert_int_equal(profile_remote_count(profile), 3);
	remote = profile_remote(profile, 1);
	assert_string_equal(remote->host, "gate2.portal.example");
	assert_int_equal(remote->port, 5000);
	assert_int_equal(remote->proto, NET_UDP);
	assert_int_equal(remote->family, NET_IPV6);
	assert_int_equal(remote->address_count, 0);
	assert_int_equal(profile_remote(profile, 2)->address_count, 1);
	assert_null(profile_remote(profile, 3));
	assert_int_equal(profile_needs(profile), PROFILE_NEEDS_USER_PASSWORD | PROFILE_NEEDS_KEY_PASSPHRASE);
	/* Only the family that it asked for, only dialable ones, only its hosts. */
	assert_int_equal(net_address_parse("192.0.2.7", &address), 0);
	assert_int_equal(profile_keep_address(profile, "gate2.portal.example", &address), 0);
	assert_int_equal(remote->address_count, 0);
	assert_int_equal(net_address_parse("2001:db8::9", &address), 0);
	assert_int_equal(profile_keep_address(profile, "gate2.portal.example", &address), 0);
	assert_int_equal(profile_keep_address(profile, "gate2.portal.example", &address), 0);
	assert_int_equal(remote->address_count, 1);
	assert_int_equal(profile_keep_address(profile, "elsewhere.example", &address), -1);
	assert_int_equal(net_address_parse("127.0.0.1", &address), 0);
	assert_int_equal(profile_keep_address(profile, "gate1.portal.example", &address), -1);
	assert_stable(profile);
	profile_free(profile);
	free(text);
}

static void assert_remotes(const char *text, const char *head)
{
	char *canonical = assert_taken(text, NULL);

	if (strncmp(canonical, head, strlen(head)) != 0)
		fail_msg("%s gives\n%.300s", text, canonical);
	free(canonical);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_remotes("remote a.example\n", "remote a.example 1194 udp\nneeds 0\n");
	assert_remotes("remote a.example\nport 53\nproto tcp\n", "remote a.example 53 tcp\n");
	assert_remotes("remote a.example 1 udp\nrport 53\nproto tcp4-client\n", "remote a.example 1 udp\n");
	assert_remotes("proto tcp\n<connection>\nremote a.example\n</connection>\nport 53\n",
		       "remote a.example 1194 tcp\n");
	assert_remotes("remote a.example 1 udp\nremote b.example 1 tcp\nproto-force tcp\n",
		       "remote b.example 1 tcp\nneeds");
	assert_remotes("#@address a.example 192.0.2.1\n#@address a.example 2001:db8::1\nremote a.example\n",
		       "remote a.example 1194 udp 192.0.2.1 2001:db8::1\n");
	assert_remotes(
	    "remote a.example 1 udp6\n#@address a.example 192.0.2.1\n#@address a.example 2001:db8::1\n",
	    "remote a.example 1 udp 2001:db8::1\n");
}

/* Each protocol comes back as it was written. */
static void test_protocols(void **state)
{
	static const char *const words[] = {"udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char text[64], wanted[64], *printed;
		size_t length;
		struct err e;
		struct profile *profile;

		snprintf(text, sizeof text, "remote a.example 1 %s\n", words[i]);
		snprintf(wanted, sizeof wanted, "client\nremote \"a.example\" \"1\" \"%s\"\n", words[i]);
		profile = parse_text(text, NULL, &e);
		assert_non_null(profile);
		printed = profile_print(profile, &length);
		assert_string_equal(printed, wanted);
		free(printed);
		profile_free(profile);
	}
}

static void test_bad_remotes(void **state)
{
	(void)state;
	assert_refused("", "t.ovpn:0: remote: the profile has none");
	assert_refused("client\n", "t.ovpn:1: remote: the profile has none");
	assert_refused("remote\n", "not HOST [PORT [PROTO]]");
	assert_refused("remote a 1 udp x\n", "not HOST [PORT [PROTO]]");
	assert_refused("remote a.example https\n", "the port is not a number");
	assert_refused("remote a.example 0\n", "the port is not a number");
	assert_refused("remote a.example 1 sctp\n", "the protocol is none of");
	assert_refused("remote a.example 1 tcp-server\n", "the protocol is none of");
	assert_refused("remote a..example\n", "neither a name nor an address");
	assert_refused("remote 192.0.2\n", "neither a name nor an address");
	assert_refused("remote 0x7f000001\n", "neither a name nor an address");
	assert_refused("remote -a\n", "neither a name nor an address");
	assert_refused("remote a:b\n", "neither a name nor an address");
	assert_refused("remote \"a b\"\n", "neither a name nor an address");
	assert_refused("remote 127.0.0.1\n", "can't be a server");
	assert_refused("remote ::1\n", "can't be a server");
	assert_refused("remote 192.0.2.1 1 udp6\n", "not of the family");
	assert_refused("remote a.example 1 udp\nproto-force tcp\n", "the profile has none");
	assert_refused("remote a.example 1 tcp\nfragment 1300\n", "fragment: only for UDP");
	assert_refused("#@address a.example\nremote a.example\n", "t.ovpn:1: #@address: not HOST ADDRESS");
	assert_refused("#@address a.example 127.0.0.1\nremote a.example\n", "not HOST ADDRESS");
	assert_refused("#@address a.example 192.0.2.1 x\nremote a.example\n", "not HOST ADDRESS");
	assert_refused("http-proxy proxy.example 8080\nremote a.example\n",
		       "t.ovpn:1: http-proxy: proxies are not");
}

static void test_many_remotes(void **state)
{
	char *text = malloc(1 << 20);
	struct err e;
	struct profile *profile;
	int used = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 10000; i++)
		used += snprintf(text + used, 64, "remote 198.51.%d.%d 1194 udp\n", i / 250, i % 250 + 1);
	profile = parse_bytes(text, (size_t)used, NULL, &e);
	assert_non_null(profile);
	assert_int_equal(profile_remote_count(profile), 10000);
	assert_stable(profile);
	profile_free(profile);
	free(text);
}

static int give_file(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	char place[256];

	(void)argument;
	if (strstr(path, "missing") != NULL)
		return err_set(e, "%s: no such file", path);
	snprintf(place, sizeof place, DATA "files/%s", path);
	*bytes = read_data(place, length);
	return 0;
}

static struct profile *parse_with_files(const char *text, struct err *e)
{
	struct profile_source source = {"t.ovpn", text, strlen(text), give_file, NULL, NULL};

	return profile_parse(&source, e);
}

static void test_files_become_inline(void **state)
{
	size_t length;
	char *text = read_data(DATA "files/keep.ovpn", &length), *canonical;
	struct err e;
	struct profile *profile = parse_with_files(text, &e);

	(void)state;
	if (profile == NULL)
		fail_msg("%s", e.text);
	assert_stable(profile);
	canonical = profile_print_canonical(profile, &length);
	assert_non_null(strstr(canonical, "\nkey-direction \"1\"\n"));
	assert_non_null(strstr(canonical, "\n<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n"));
	assert_non_null(strstr(canonical, "\n<ca>\n-----BEGIN CERTIFICATE-----\n"));
	assert_non_null(strstr(canonical, "\n<key>\n-----BEGIN PRIVATE KEY-----\n"));
	assert_null(strstr(canonical, "Certificate:"));
	free(canonical);
	profile_free(profile);
	free(text);
	profile = parse_with_files("remote a.example\ncd keys\npkcs12 ../client.p12\n", &e);
	assert_non_null(profile);
	assert_stable(profile);
	profile_free(profile);
}

/* Whose paths, and which file would be read. */
static int tell_path(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	(void)bytes, (void)length, (void)argument;
	return err_set(e, "asked for %s.", path);
}

static int refuse_at_length(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	(void)path, (void)bytes, (void)length, (void)argument;
	memset(e->text, 'x', 400);
	e->text[400] = '\0';
	return -1;
}

static void test_paths(void **state)
{
	static const char *const all[][2] = {{"ca a.crt\n", "t.ovpn:2: ca: asked for a.crt."},
					     {"ca /a.crt\n", "t.ovpn:2: ca: asked for /a.crt."},
					     {"cd keys\nca a.crt\n", "t.ovpn:3: ca: asked for keys/a.crt."},
					     {"cd keys\nca /a.crt\n", "t.ovpn:3: ca: asked for /a.crt."}};
	struct profile_source source = {.name = "t.ovpn"};
	char text[128];
	struct err e;

	(void)state;
	source.bytes = text;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		snprintf(text, sizeof text, "remote a.example\n%s", all[i][0]);
		source.length = strlen(text);
		source.file = tell_path;
		assert_null(profile_parse(&source, &e));
		assert_string_equal(e.text, all[i][1]);
		source.file = refuse_at_length; /* a long reason is cut */
		assert_null(profile_parse(&source, &e));
		assert_int_equal(strspn(strchr(e.text, 'x'), "x"), 255);
	}
}

static void test_bad_files(void **state)
{
	static const char *const bad[][2] = {
	    {"ca missing.crt\n", "t.ovpn:2: ca: missing.crt: no such file"},
	    {"key ca.crt\n", "t.ovpn:2: key: no PEM block of the right kind"},
	    {"ca ta.key\n", "t.ovpn:2: ca: no PEM block of the right kind"},
	    {"pkcs12 ca.crt\n", "t.ovpn:2: pkcs12: not a PKCS #12 file"},
	    {"ca client.p12\n", "t.ovpn:2: ca: no PEM block of the right kind"},
	    {"tls-auth ta.key 7\n", "t.ovpn:2: key-direction: \"7\" is not one of 0|1"},
	    {"crl-verify crls dir\n", "t.ovpn:2: crl-verify: a directory that root would read"},
	    {"ca ca.crt x\n", "t.ovpn:2: ca: too many arguments"},
	};
	char text[128];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "remote a.example\n%s", bad[i][0]);
		assert_null(parse_with_files(text, &e));
		if (strncmp(e.text, bad[i][1], strlen(bad[i][1])) != 0)
			fail_msg("\"%s\" is not \"%s\"", e.text, bad[i][1]);
	}
}

static void test_damaged_blocks(void **state)
{
#define CERT(body) BASE "<ca>\n-----BEGIN CERTIFICATE-----\n" body "-----END CERTIFICATE-----\n</ca>\n"
	char *canonical = assert_taken(CERT("MAMCAQU=\n"), NULL);

	(void)state;
	assert_non_null(strstr(canonical, "<ca>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END"));
	free(canonical);
	assert_refused(CERT("MAMCAQU\n"), "a damaged PEM block");      /* no padding */
	assert_refused(CERT("MAMCAQU=MAMC\n"), "a damaged PEM block"); /* padding inside */
	assert_refused(CERT("MAMCA%U=\n"), "a damaged PEM block");     /* no base64 */
	assert_refused(CERT("MAQCAQU=\n"), "a damaged PEM block");     /* DER too short */
	assert_refused(CERT("AAAA\n"), "a damaged PEM block");         /* no DER */
	assert_refused(CERT(""), "a damaged PEM block");
	assert_refused(BASE "<ca>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n</ca>\n", "without its END line");
	assert_refused(BASE "<ca>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END X509 CRL-----\n</ca>\n",
		       "a damaged PEM block");
	assert_refused(BASE
		       "<tls-crypt>\n-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key "
		       "V1-----\n</tls-crypt>\n",
		       "a damaged PEM block");
	assert_refused(
	    BASE "<key>\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x;y\n\nMAMCAQU=\n"
		 "-----END RSA PRIVATE KEY-----\n</key>\n",
	    "a damaged PEM block");
	assert_refused(BASE "<pkcs12>\n-----BEGIN PKCS12-----\n</pkcs12>\n", "not PKCS #12 in base64");
	assert_refused(BASE "<peer-fingerprint>\n/etc/shadow\n</peer-fingerprint>\n", "not a fingerprint");
#undef CERT
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files),        cmocka_unit_test(test_remotes),
	    cmocka_unit_test(test_defaults),     cmocka_unit_test(test_bad_remotes),
	    cmocka_unit_test(test_many_remotes), cmocka_unit_test(test_files_become_inline),
	    cmocka_unit_test(test_protocols),    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_bad_files),    cmocka_unit_test(test_damaged_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
