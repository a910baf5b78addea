/* What becomes of every option with every kind of argument, from the profile to the canonical form, and what
 * the check of the canonical form says of the same: against two golden files. Arguments with one outcome
 * share a line. */
#include "profile_test.h"

#include "golden.h"
#include "profile/algorithms.h"
#include "profile/options.h"

#define HEAD "remote vpn.example 1194 udp 192.0.2.1\nneeds 0\n\n"

enum { OUTCOMES = 256, TEXT_SIZE = 240 * 1024 };

/* Each limit from both sides, each kind of word, too few and too many. */
static const char *const arguments[] = {
    "",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "12",
    "30",
    "31",
    "67",
    "68",
    "99",
    "100",
    "576",
    "1400",
    "3600",
    "3601",
    "65535",
    "65536",
    "65537",
    "86400",
    "86401",
    "604800",
    "604801",
    "16777216",
    "16777217",
    "100000000",
    "100000001",
    "2147483647",
    "2147483648",
    "0x",
    "1.2",
    "1.3",
    "1.4",
    "2.4.0",
    "a",
    "x",
    "yes",
    "no",
    "asym",
    "adaptive",
    "maybe",
    "always",
    "auto",
    "lzo",
    "lz4",
    "lz4-v2",
    "stub",
    "stub-v2",
    "migrate",
    "server",
    "client",
    "default",
    "legacy",
    "fips",
    "base",
    "preferred",
    "suiteb",
    "subnet",
    "net30",
    "p2p",
    "udp",
    "tcp",
    "udp4",
    "tcp-client",
    "tun",
    "tap",
    "tun0",
    "nointeract",
    "none",
    "interact",
    "TCP_NODELAY",
    "mtu",
    "fixed",
    "or-highest",
    "dhcp",
    "vpn_gateway",
    "10.0.0.1",
    "10.0.0.0 255.0.0.0",
    "10.0.0.0 default",
    "10.0.0.0 255.0.0.0 net_gateway",
    "10.0.0.0 255.0.0.0 remote_host 65535",
    "10.0.0.0 255.0.0.0 dhcp 1",
    "10.0.0.0 255.0.0.0 10.0.0.1 65536",
    "10.0.0.0 255.0.0.0 10.0.0.1 5 6",
    "10.0.0.2 10.0.0.1",
    "fd00::1",
    "fd00::2/64",
    "fd00::2/64 fd00::1",
    "fd00::2/64 default",
    "fd00::2/64 fd00::1 5",
    "fd00::2/64 fd00::1 65536",
    "fd00::2/64 fd00::1 5 6",
    "a.example",
    "a.example 443",
    "a.example 443 tcp",
    "a.example 0",
    "a.example 65536",
    "snat 10.0.0.0 255.0.0.0 10.1.0.0",
    "dnat 10.0.0.0 255.0.0.0 10.1.0.0",
    "xnat 10.0.0.0 255.0.0.0 10.1.0.0",
    "snat 10.0.0.0 255.0.0.0 10.1.0.0 x",
    "AES-256-GCM",
    "AES-128-CBC",
    "CHACHA20-POLY1305",
    "AES-256-GCM:AES-128-GCM",
    "AES-256-GCM:none",
    "DES-EDE3-CBC",
    "BF-CBC",
    "RC2-40-CBC",
    "SHA256",
    "SHA1",
    "MD5",
    "DEFAULT",
    "DEFAULT:!aNULL",
    "HIGH",
    "eNULL",
    "DEFAULT:eNULL",
    "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
    "TLS_SHA256_SHA256",
    "X25519:secp256r1",
    "78:7B:10:72:03:97:48:CD:D8:8A:37:71:DD:F8:9E:2F:B4:34:1B:51:76:C8:CF:CA:C4:DA:C1:D8:E3:C7:AF:72",
    "78:7B:10:72:03:97:48:CD:D8:8A:37:71:DD:F8:9E:2F:B4:34:1B:51 SHA1",
    "accept a",
    "ignore a",
    "reject a",
    "obey a",
    "accept a b",
    "1 1",
    "0 0",
    "10 60",
    "10 15",
    "60 20",
    "64 15",
    "1 2 3",
    "1400 mtu",
    "1400 fixed",
    "1400 a",
    "1.2 or-highest",
    "1.2 or-lowest",
    "DNS 10.0.0.1",
    "DNS6 fd00::1",
    "DNS a.example",
    "DOMAIN a.example",
    "DOMAIN-SEARCH a.example",
    "DOMAIN /x",
    "NTP 10.0.0.1",
    "WINS 10.0.0.1",
    "PROXY_HTTP a 1",
    "DNS",
    "server 1 address 10.0.0.1",
    "server 1 address 10.0.0.1:53 fd00::1",
    "server 1 resolve-domains a.example",
    "server 1 dnssec yes",
    "server 1 transport DoT",
    "server 1 sni a.example",
    "server -1 address 10.0.0.1",
    "server x address 10.0.0.1",
    "search-domains a.example",
    "server 1 run /bin/sh",
    "enter 0",
    "enter 1",
    "enter 2",
    "name-prefix a",
    "a name",
    "a name-prefix",
    "a subject",
    "UV_A 1",
    "opt x",
    "FORWARD_COMPATIBLE 1",
    "IV_X 1",
    "CLIENT_CERT 0",
    "80 08 88",
    "xyz",
    "/etc/passwd",
    "a b c d",
    "a b c d e",
    "80 80 80 80 80 80 80 80 80 80 80 80 80 80 80",
};

static char text[TEXT_SIZE];
static size_t used;

static struct outcome {
	char what[512], arguments[8192];
} outcomes[OUTCOMES];
static size_t outcome_count;

/* The word of the arguments that `what` quotes is "...". */
static void generalize(const char *what, const char *given, char *to, size_t size)
{
	char words[512], *rest = words, *word, quoted[512];

	snprintf(to, size, "%s", what);
	snprintf(words, sizeof words, "%s", given);
	while ((word = strsep(&rest, " ")) != NULL) {
		const char *found;

		snprintf(quoted, sizeof quoted, "\"%.40s", word); /* a long one is cut */
		if (word[0] == '\0' || (found = strstr(what, quoted)) == NULL)
			continue;
		snprintf(to, size, "%.*s\"...%s", (int)(found - what), what,
			 found + 1 + strcspn(found + 1, "\""));
		return;
	}
}

static void add_outcome(const char *what, const char *given)
{
	char general[512];
	size_t i = 0, length;

	generalize(what, given, general, sizeof general);
	while (i < outcome_count && strcmp(outcomes[i].what, general) != 0)
		i++;
	assert_true(i < OUTCOMES);
	if (i == outcome_count) {
		outcome_count++;
		snprintf(outcomes[i].what, sizeof outcomes[i].what, "%s", general);
		outcomes[i].arguments[0] = '\0';
	}
	length = strlen(outcomes[i].arguments);
	snprintf(outcomes[i].arguments + length, sizeof outcomes[i].arguments - length, " [%s]", given);
}

static void write_outcomes(const char *name)
{
	size_t longest = 0;

	for (size_t i = 1; i < outcome_count; i++)
		if (strlen(outcomes[i].arguments) > strlen(outcomes[longest].arguments))
			longest = i;
	used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", name);
	for (size_t i = 0; i < outcome_count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "  %s:%s\n", outcomes[i].what,
					 i == longest ? " others" : outcomes[i].arguments);
	assert_true(used < sizeof text - 1);
	outcome_count = 0;
}

/* `name "a" "b"` */
static void quote(const char *name, const char *given, char *to, size_t size)
{
	size_t length = (size_t)snprintf(to, size, "%s%s", name, given[0] != '\0' ? " \"" : "");

	for (const char *at = given; *at != '\0' && length < size - 4; at++)
		length += (size_t)snprintf(to + length, size - length, *at == ' ' ? "\" \"" : "%c", *at);
	if (given[0] != '\0')
		snprintf(to + length, size - length, "\"");
}

/* Of the canonical form: the lines that the plain profile has not. */
static void difference(const char *canonical, const char *plain, const char *kept, char *to, size_t size)
{
	char copy[8192], *rest = copy, *line;
	size_t length = 0;

	to[0] = '\0';
	snprintf(copy, sizeof copy, "%s", canonical);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0' && strstr(plain, line) == NULL)
			length += (size_t)snprintf(to + length, size - length, "%s%s", length > 0 ? ", " : "",
						   strcmp(line, kept) == 0 ? "kept" : line);
}

/* Without its line's number, and not that there is no authority: there is none in any of them. */
static const char *first_notice(struct notices *notices)
{
	notices->text[strcspn(notices->text, "\n")] = '\0';
	if (notices->used == 0 || strstr(notices->text, " ca: missing") != NULL)
		return "";
	return strchr(notices->text, ' ') + 1;
}

/* What the text of the profile becomes. */
static void try(const char *name, const char *given, const char *plain)
{
	char profile_text[512], kept[512], what[600] = "", lines[400];
	struct notices notices = {.used = 0};
	struct profile *profile;
	struct err e;

	snprintf(profile_text, sizeof profile_text, BASE "%s %s\n", name, given);
	quote(name, given, kept, sizeof kept);
	profile = parse_text(profile_text, &notices, &e);
	if (profile == NULL) {
		snprintf(what, sizeof what, "refused, %.240s", strchr(e.text, ' ') + 1);
	} else {
		size_t length;
		char *canonical = profile_print_canonical(profile, &length);

		assert_int_equal(canonical_check(canonical, length, &e), 0);
		difference(canonical, plain, kept, lines, sizeof lines);
		snprintf(what, sizeof what, "%.120s%s%.120s", lines,
			 lines[0] != '\0' && first_notice(&notices)[0] != '\0' ? "; " : "",
			 first_notice(&notices));
		free(canonical);
		profile_free(profile);
	}
	add_outcome(what[0] == '\0' ? "nothing" : what, given);
}

static void test_profiles(void **state)
{
	char *plain = assert_taken(BASE, NULL);

	(void)state;
	used = outcome_count = 0;
	for (size_t i = 0; i < option_count; i++) {
		for (size_t k = 0; k < sizeof arguments / sizeof arguments[0]; k++)
			try(option_table[i].name, arguments[k], plain);
		write_outcomes(option_table[i].name);
	}
	free(plain);
	assert_golden("tests/golden/profile_outcomes.txt", text);
}

static const char *what_check_says(const char *canonical)
{
	static struct err e;

	return canonical_check(canonical, strlen(canonical), &e) == 0 ? "taken" : strrchr(e.text, ':') + 2;
}

/* Whatever wrote it: one line of the canonical form, or a block. */
static void test_canonical(void **state)
{
	char line[1024];

	(void)state;
	used = outcome_count = 0;
	for (size_t i = 0; i < option_count; i++) {
		for (size_t k = 0; k < sizeof arguments / sizeof arguments[0]; k++) {
			char canonical[2048];

			quote(option_table[i].name, arguments[k], line, sizeof line);
			snprintf(canonical, sizeof canonical, HEAD "%s\n", line);
			add_outcome(what_check_says(canonical), arguments[k]);
		}
		/* More than any line of a profile has. */
		snprintf(line, sizeof line,
			 HEAD "%s \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\" \"j\" \"k\" \"l\" "
			      "\"m\" \"n\" \"o\" \"p\"\n",
			 option_table[i].name);
		add_outcome(what_check_says(line), "16 words");
		snprintf(line, sizeof line, HEAD "<%s>\nAA==\n</%s>\n", option_table[i].name,
			 option_table[i].name);
		add_outcome(what_check_says(line), "a block");
		write_outcomes(option_table[i].name);
	}
	assert_golden("tests/golden/canonical_outcomes.txt", text);
}

/* Names of algorithms, and what would be taken for one. */
static const char *const names[] = {"CHACHA20-POLY1305",
				    "DEFAULT",
				    "id-aes128-GCM",
				    "id-aes192-GCM",
				    "id-aes256-GCM",
				    "?AES-256-GCM",
				    "aes-256-gcm",
				    "AES-256",
				    "AES-256-XTS",
				    "NULL",
				    "none",
				    "",
				    "AES-128-CBC",
				    "AES-192-CBC",
				    "AES-256-CBC",
				    "CAMELLIA-128-CBC",
				    "CAMELLIA-192-CBC",
				    "CAMELLIA-256-CBC",
				    "ARIA-128-CBC",
				    "ARIA-192-CBC",
				    "ARIA-256-CBC",
				    "SM4-CBC",
				    "SEED-CBC",
				    "IDEA-CBC",
				    "BF-CBC",
				    "CAST5-CBC",
				    "DES-CBC",
				    "DES-EDE-CBC",
				    "DES-EDE3-CBC",
				    "DESX-CBC",
				    "RC2-CBC",
				    "RC2-40-CBC",
				    "RC2-64-CBC",
				    "RC5-CBC",
				    "AES-128-GCM",
				    "AES-128-CFB",
				    "AES-128-CFB1",
				    "AES-128-CFB8",
				    "AES-128-OFB",
				    "SHA1",
				    "SHA",
				    "SHA224",
				    "SHA256",
				    "SHA384",
				    "SHA512",
				    "SHA512-224",
				    "SHA512-256",
				    "SHA2-224",
				    "SHA2-256",
				    "SHA2-384",
				    "SHA2-512",
				    "SHA3-224",
				    "SHA3-256",
				    "SHA3-384",
				    "SHA3-512",
				    "SHA-1",
				    "SHA-224",
				    "SHA-256",
				    "SHA-384",
				    "SHA-512",
				    "RSA-SHA1",
				    "RSA-SHA224",
				    "RSA-SHA256",
				    "RSA-SHA384",
				    "RSA-SHA512",
				    "RSA-MD5",
				    "MD5",
				    "MD5-SHA1",
				    "RIPEMD160",
				    "RMD160",
				    "RSA-RIPEMD160",
				    "BLAKE2b512",
				    "BLAKE2s256",
				    "WHIRLPOOL",
				    "SM3",
				    "MD4",
				    "SHA2",
				    "ALL",
				    "HIGH",
				    "MEDIUM",
				    "RSA",
				    "kRSA",
				    "aRSA",
				    "ECDHE",
				    "EECDH",
				    "kECDHE",
				    "kEECDH",
				    "DHE",
				    "EDH",
				    "kDHE",
				    "kEDH",
				    "ECDSA",
				    "aECDSA",
				    "AES",
				    "AES128",
				    "AES256",
				    "AESGCM",
				    "AESCCM",
				    "AESCCM8",
				    "CHACHA20",
				    "CAMELLIA",
				    "CAMELLIA128",
				    "CAMELLIA256",
				    "ARIA",
				    "ARIA128",
				    "ARIA256",
				    "ARIAGCM",
				    "3DES",
				    "TLSv1",
				    "TLSv1.0",
				    "TLSv1.2",
				    "SUITEB128",
				    "SUITEB128ONLY",
				    "SUITEB128C2",
				    "SUITEB192",
				    "eNULL",
				    "aNULL",
				    "LOW",
				    "EXP",
				    "COMPLEMENTOFDEFAULT",
				    "ECDHE-RSA-AES-SHA",
				    "ECDHE-RSA-CHACHA20-SHA",
				    "ECDHE-RSA-CAMELLIA-SHA",
				    "ECDHE-RSA-ARIA-SHA",
				    "ECDHE-RSA-3DES-SHA",
				    "ECDHE-RSA-SEED-SHA",
				    "ECDHE-RSA-DES-CBC3-SHA",
				    "ECDHE-RSA-IDEA-SHA",
				    "ECDHE_RSA_WITH_AES_128",
				    "AES/128-SHA",
				    "AES999",
				    "RSA-SHA",
				    "AES128-SHA:none",
				    "NULL-AES128-SHA",
				    "anon-AES128-SHA",
				    "ADH-AES128-SHA",
				    "AECDH-AES128-SHA",
				    "EXP-AES128-SHA",
				    "!aNULL",
				    "-RSA",
				    "!",
				    "-",
				    "!a/b",
				    "+RSA",
				    "+",
				    "RSA+AES",
				    "RSA+NULL",
				    "@STRENGTH",
				    "@SECLEVEL=2",
				    "@SECLEVEL=x",
				    "@SECLEVEL=22",
				    "@SECLEVELx2",
				    "@OTHER",
				    "TLS_AES_256_GCM_SHA384",
				    "TLS_AES_128_GCM_SHA256",
				    "TLS_CHACHA20_POLY1305_SHA256",
				    "TLS_AES_128_CCM_SHA256",
				    "TLS_AES_128_CCM_8_SHA256",
				    "TLS-AES-256-GCM-SHA384",
				    "tls_aes_256_gcm_sha384",
				    "TLSxAES_256_GCM_SHA384",
				    "SSL_AES_256_GCM_SHA384",
				    "AES_256_GCM_SHA384",
				    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
				    "TLS_AES_256_GCM_SHA384:none"};

static void test_algorithms(void **state)
{
	char longest[300];

	(void)state;
	used = 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "[%s]%s%s%s%s\n", names[i],
					 algorithms_are_ciphers(names[i]) ? " cipher" : "",
					 algorithms_is_digest(names[i]) ? " digest" : "",
					 algorithms_are_tls(names[i]) ? " tls-cipher" : "",
					 algorithms_are_suites(names[i]) ? " tls-ciphersuite" : "");
	assert_golden("tests/golden/algorithms.txt", text);
	/* What is longer than a list may be is none. */
	for (size_t length = 0; length < sizeof longest - 12; length += strlen("AES-256-GCM:"))
		strcpy(longest + length, "AES-256-GCM:");
	longest[255] = '\0';
	strcpy(longest + 240, "AES-256-GCM");
	assert_true(algorithms_are_ciphers(longest));
	memmove(longest + 12, longest, 252);
	assert_false(algorithms_are_ciphers(longest));
	/* Nor is it cut, even if what is left would be one. */
	longest[0] = '\0';
	for (int i = 0; i < 21; i++)
		strcat(strcat(longest, i == 0 ? "" : ":"), i < 4 ? "?AES-256-GCM" : "AES-256-GCM");
	assert_int_equal(strlen(longest), 255);
	assert_true(algorithms_are_ciphers(longest));
	assert_false(algorithms_are_ciphers(strcat(longest, ":AES-256-GCM")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_profiles), cmocka_unit_test(test_canonical),
					   cmocka_unit_test(test_algorithms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
