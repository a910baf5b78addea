/* How much a profile may hold, from both sides of each limit. */
#include "profile_test.h"

#include "freed.h"
#include "profile/profile_internal.h"
#include "profile/values.h"

/* In place of the library's, which need not keep the order of what is equal: this one does not. */
void qsort(void *array, size_t count, size_t size, int (*order)(const void *, const void *))
{
	char *bytes = array, swap[64];

	assert_true(size <= sizeof swap);
	for (size_t i = 0; i < count; i++) {
		size_t least = i;

		for (size_t k = i + 1; k < count; k++)
			if (order(bytes + k * size, bytes + least * size) <= 0)
				least = k;
		memcpy(swap, bytes + i * size, size);
		memmove(bytes + i * size, bytes + least * size, size);
		memcpy(bytes + least * size, swap, size);
	}
}

/* A profile of `head`, and then `line` so many times. */
static char *many(const char *head, const char *line, size_t times)
{
	size_t length = strlen(line), used = strlen(head);
	char *text = malloc(used + length * times + 1);

	assert_non_null(text);
	strcpy(text, head);
	for (size_t i = 0; i < times; i++, used += length)
		memcpy(text + used, line, length + 1);
	return text;
}

static void expect(char *text, const char *refusal)
{
	if (refusal == NULL)
		free(assert_taken(text, NULL));
	else
		assert_refused(text, refusal);
	free(text);
}

static void test_size(void **state)
{
	size_t left = PROFILE_SIZE_MAX - strlen(BASE);

	(void)state;
	expect(many(BASE, "\n", left), NULL);
	expect(many(BASE, "\n", left + 1), "larger than");
}

static void test_remotes(void **state)
{
	(void)state;
	expect(many("client\ndev tun\n", "remote a.example\n", PROFILE_REMOTES_MAX), NULL);
	expect(many("client\ndev tun\n", "remote a.example\n", PROFILE_REMOTES_MAX + 1),
	       "too many remotes; instead: at most 16384");
}

#define SAME "#@address a.example 192.0.2.1\n"

/* Of one host's addresses that an import wrote down the first 256 are looked at. */
static void test_places(void **state)
{
	(void)state;
	for (size_t times = 255; times <= 256; times++) {
		struct err e;
		char *text = many("client\n", SAME, times), *more;
		struct profile *profile;

		more = many(text, "#@address a.example 192.0.2.2\nremote a.example\n", 1);
		profile = parse_text(more, NULL, &e);
		assert_non_null(profile);
		assert_int_equal(profile_remote(profile, 0)->address_count, times == 255 ? 2 : 1);
		profile_free(profile);
		free(text);
		free(more);
	}
}

static void test_kept(void **state)
{
	struct profile profile = {.kept_count = PROFILE_KEPT_MAX - 1, .kept_size = PROFILE_KEPT_MAX};
	struct net_address address;
	struct err e = {""};

	(void)state;
	assert_int_equal(net_address_parse("192.0.2.1", &address), 0);
	profile.kept = calloc(PROFILE_KEPT_MAX, sizeof *profile.kept);
	assert_non_null(profile.kept);
	assert_int_equal(profile_add_kept(&profile, "a.example", &address, &e), 0);
	assert_int_equal(profile.kept_count, PROFILE_KEPT_MAX);
	assert_int_equal(profile_add_kept(&profile, "a.example", &address, &e), -1);
	assert_string_equal(e.text, "too many addresses; instead: at most 65536");
	assert_int_equal(profile.kept_count, PROFILE_KEPT_MAX);
	free(profile.kept[PROFILE_KEPT_MAX - 1].host);
	free(profile.kept);
}

static void test_udp_only(void **state)
{
	static const char *const lines[] = {"fragment 1300", "mtu-test"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof text, BASE "%s\n", lines[i]);
		free(assert_taken(text, NULL));
		snprintf(text, sizeof text, BASE "remote 192.0.2.2 443 tcp\n%s\n", lines[i]);
		assert_refused(text, "only for UDP, and a remote is TCP");
		snprintf(text, sizeof text, "client\nremote 192.0.2.2 443 tcp\nremote 192.0.2.1\n%s\n",
			 lines[i]);
		assert_refused(text, "only for UDP, and a remote is TCP");
	}
}

/* 512 digits: one more, one fewer, or one that is none, and it is no key. */
static void test_static_key(void **state)
{
	static const struct {
		size_t digits;
		const char *then;
		bool good;
	} rows[] = {
	    {512, "", true}, {511, "F", true}, {511, "", false}, {512, "0", false}, {511, "g", false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *key =
		    many(BASE "<tls-crypt>\n-----BEGIN OpenVPN Static key V1-----\n", "a", rows[i].digits);
		char text[1024];

		snprintf(text, sizeof text, "%s%s\n-----END OpenVPN Static key V1-----\n</tls-crypt>\n", key,
			 rows[i].then);
		if (rows[i].good)
			free(assert_taken(text, NULL));
		else
			assert_refused(text, "tls-crypt");
		free(key);
	}
}

static void test_a_line_with_its_quotation_marks(void **state)
{
	char wanted[64];

	(void)state;
	snprintf(wanted, sizeof wanted, "%d bytes with its quotation marks; instead: at most %d",
		 LEX_LINE_MAX, LEX_LINE_MAX - 1);
	expect(many(BASE "remote-cert-eku ", "a", LEX_LINE_MAX - 1 - strlen("remote-cert-eku \"\"")), NULL);
	expect(many(BASE "remote-cert-eku ", "a", LEX_LINE_MAX - strlen("remote-cert-eku \"\"")), wanted);
}

#define PEM "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n"
#define CA "<ca>\n" PEM "</ca>\n"
#define CERT "<cert>\n" PEM "</cert>\n"

static void test_how_often(void **state)
{
	(void)state;
	expect(many(BASE, "ignore-unknown-option x\n", 64), NULL);
	expect(many(BASE, "ignore-unknown-option x\n", 65), "ignore-unknown-option: too many names");
	expect(many(BASE, " ", 2 * LEX_LINE_MAX), NULL); /* so long may what says nothing be */
	expect(many(BASE "#", "a", 2 * LEX_LINE_MAX), NULL);
	expect(many(BASE ";", "a", 2 * LEX_LINE_MAX), NULL);
	expect(many(BASE "#@address ", "a", 1 << 20), "t.ovpn:4: #@address: not HOST ADDRESS");
	expect(many(BASE CA, "ca [inline]\n", PROFILE_BLOCKS_MAX), NULL);
	expect(many(BASE CA, "ca [inline]\n", PROFILE_BLOCKS_MAX + 1), "ca: too many blocks");
}

#define TAG21 "a-tag-of-twenty-one-b"
#define TAG63 TAG21 TAG21 TAG21

/* Taken, or refused for that reason. */
static void test_both_sides(void **state)
{
	static const struct {
		const char *text, *refusal;
	} all[] = {
	    {BASE "<" TAG63 ">\n", TAG63 ": the block is not closed"},
	    {BASE "<" TAG63 "a>\n", "closes no block"},
	    {BASE "</>\n", "closes no block"},
	    {BASE "xverb>\n", "xverb>: unknown option"},
	    {"remote a.example\ndev tun7\n", NULL},
	    {"remote a.example\ndev tu7\n", "neither tun nor with dev-type tun"},
	    {BASE "dns server 1 address 192.0.2.1 fd00::1\n", NULL},
	    {BASE "dns server 1 address 192.0.2.1 /x\n", "not an address or a domain name"},
	    {BASE "dns server 1 address\n", "neither search-domains nor server"},
	    {BASE "dns search-domains a\n", NULL},
	    {BASE "dns search-domains\n", "neither search-domains nor server"},
	    {BASE "dns search-domains \"\"\n", "not an address or a domain name"},
	    {BASE "dns search-domains a b c d e f g h i j k\n", NULL},
	    {BASE "dns search-domains a b c d e f g h i j k l\n", "at most 12"},
	    {BASE "dhcp-option ADAPTER_DOMAIN_SUFFIX a.example\n", NULL},
	    {BASE "dhcp-option ADAPTER_DOMAIN_SUFFIX /x\n", "not a domain name"},
	    {BASE "#@address a.example 192.0.2.1\n", NULL},
	    {BASE "#@address a..example 192.0.2.1\n", "not HOST ADDRESS"},
	    {BASE "#@addressed to whom it may concern\n", NULL},
	    {BASE "tls-groups X25519\n", NULL},
	    {BASE "tls-groups \"\"\n", "not a list of groups"},
	    {BASE "keepalive 10 20\n", NULL},
	    {BASE "keepalive 10 19\n", "twice the first or more"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		expect(many("client\n", all[i].text, 1), all[i].refusal);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *word;
		uint8_t proto, family;
	} all[] = {{"udp", NET_UDP, NET_NONE},
		   {"udp4", NET_UDP, NET_IPV4},
		   {"udp6", NET_UDP, NET_IPV6},
		   {"tcp", NET_TCP, NET_NONE},
		   {"tcp4", NET_TCP, NET_IPV4},
		   {"tcp6", NET_TCP, NET_IPV6},
		   {"tcp-client", NET_TCP, NET_NONE},
		   {"tcp4-client", NET_TCP, NET_IPV4},
		   {"tcp6-client", NET_TCP, NET_IPV6},
		   {"udp5", 0, 0},
		   {"tcp-server", 0, 0},
		   {"tcp4-server", 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		uint8_t proto = 0, family = 0;
		int wanted = all[i].proto == 0 ? -1 : 0;

		assert_int_equal(remote_parse_proto(all[i].word, &proto, &family, NULL), wanted);
		assert_int_equal(proto, all[i].proto);
		assert_int_equal(family, all[i].family);
	}
}

/* What the gate decides no server may set, by no part and by no longer form of its name. */
static void test_filters(void **state)
{
	static const char *const words[] = {"\\\"",
					    "'",
					    "\\\\",
					    "verb",
					    "mute",
					    "persist-",
					    "bind-dev",
					    "errors-to-stderr",
					    "setenv-safe",
					    "inactive",
					    "session-timeout",
					    "ping-exit",
					    "ping-restart",
					    "explicit-exit-notify",
					    "lladdr",
					    "socket-flags"};
	static const char *const actions[] = {"accept", "ignore"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof words / sizeof words[0]; i++) {
		for (int form = 0; form < 3; form++) {
			const char *word = words[i / 2];
			int length = form == 0 && i / 2 > 2 ? (int)strlen(word) - 1 : (int)strlen(word);
			char *canonical;

			snprintf(text, sizeof text, BASE "pull-filter %s \"%.*s%s\"\n", actions[i % 2],
				 length, word, form == 2 ? "x" : "");
			canonical = assert_taken(text, NULL);
			assert_int_equal(strstr(canonical, "pull-filter") == NULL, i % 2 == 0);
			free(canonical);
		}
	}
}

/* Two hosts at one address: each is written down once. */
static void test_a_shared_address(void **state)
{
	struct profile *profile;
	struct net_address address;
	struct err e;
	size_t length;
	char *text;

	(void)state;
	profile = parse_text("remote a.example\nremote b.example\n", NULL, &e);
	assert_non_null(profile);
	assert_int_equal(net_address_parse("192.0.2.1", &address), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    profile_keep_address(profile, i % 2 == 0 ? "a.example" : "b.example", &address), 0);
	text = profile_print(profile, &length);
	assert_int_equal(
	    strncmp(text, "#@address a.example 192.0.2.1\n#@address b.example 192.0.2.1\nclient\n", 67), 0);
	free(text);
	/* What nobody asks for is not kept, even if it was once. */
	assert_int_equal(profile_add_kept(profile, "c.example", &address, &e), 0);
	assert_int_equal(profile_keep_address(profile, "c.example", &address), -1);
	profile_free(profile);
}

/* Who could not tell the server from a stranger is told. */
static void test_no_authority(void **state)
{
	static const struct {
		const char *text;
		bool missing;
	} all[] = {{"", true},
		   {CA, false},
		   {CA CERT, false},
		   {CA "mssfix 1400\n", false},
		   {"peer-fingerprint ab:cd\nmssfix 1400\n", false},
		   {CERT, true},
		   {"<pkcs12>\nMAMCAQU=\n</pkcs12>\n", false},
		   {"<peer-fingerprint>\nab:cd\n</peer-fingerprint>\n", false},
		   {"peer-fingerprint ab:cd\n", false},
		   {"mssfix 1400\n", true}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct notices notices = {.used = 0};
		char *text = many(BASE, all[i].text, 1);

		free(assert_taken(text, &notices));
		assert_int_equal(strstr(notices.text, "ca: missing") != NULL, all[i].missing);
		free(text);
	}
}

/* What is told, and of what nothing is told. */
static void test_what_is_told(void **state)
{
#define ONLY "openvpn uses only those in <connection> blocks"
#define BLOCK "<connection>\nremote b.example\n</connection>\n"
	static const struct {
		const char *text, *notice;
		bool is_told;
	} all[] = {
	    {BLOCK BLOCK, ONLY, false},
	    {BLOCK "remote a.example\n", "4 remote: " ONLY, true},
	    {"remote a.example\n" BLOCK, "4 remote: " ONLY, true},
	    {BASE "<verb>\n3\n</verb>\n", "6 verb: ", true},
	    {BASE "setenv SERVER_POLL_TIMEOUT 4\n", "setenv", false},
	    {BASE "setenv UV_ID 4\n", "4 setenv: only sent with push-peer-info", true},
	    {BASE "setenv UW_ID 4\n", "4 setenv: a profile never sets", true},
	    {BASE "setenv FORWARD_COMPATIBLE 1\n", "setenv", false},
	    {BASE "setenv PUSH_PEER_INFO\n", "4 setenv: would tell the server this machine's hardware", true},
	    {BASE "setenv REMOTE_RANDOM_HOSTNAME\n", "setenv", false},
	    {BASE "<auth-user-pass>\na\nb\n</auth-user-pass>\n",
	     "7 auth-user-pass: its user name and password are not kept", true},
	    {BASE "pull-filter accept verb\n", "4 pull-filter: would let the server set", true},
	    {BASE "pull-filter accept route\n", "pull-filter", false},
	    {BASE "route 10.0.0.0 255.0.0.0 net_gateway\n", "4 route: dropped: nothing goes past", true},
	    {BASE "route-ipv6 fd00::/8 net_gateway\n", "4 route-ipv6: dropped: nothing goes past", true},
	    {BASE "route-ipv6 fd00::/8 fd00::1\n", "route-ipv6", false},
	    {BASE "remote-cert-eku net_gateway\n", "remote-cert-eku", false},
	    {BASE "#@address \n", "", true},
	    {BASE CA CA, "13 ca: given twice", true},
	    {BASE CA "<pkcs12>\nMAMCAQU=\n</pkcs12>\n", "given twice", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct notices notices = {.used = 0};

		free(assert_taken(all[i].text, &notices));
		if ((strstr(notices.text, all[i].notice) != NULL) != all[i].is_told)
			fail_msg("%s: %s", all[i].text, notices.text);
	}
#undef ONLY
#undef BLOCK
}

static void test_numbers(void **state)
{
	static const struct {
		char kind[2];
		long min, max;
	} all[] = {{"n", 0, INT32_MAX}, {"i", 0, 65535}, {"w", 1, 65536},   {"m", 68, 65535},
		   {"M", 0, 65535},     {"S", 1, 3600},  {"L", 2, 86400},   {"T", 1, 604800},
		   {"Z", 0, 86400},     {"D", 0, 30},    {"b", 0, 1 << 24}, {"B", 100, 100000000}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const long tried[] = {all[i].min - 1, all[i].min, all[i].max, all[i].max + 1};

		for (int k = 0; k < 4; k++) {
			char number[24], *const given[] = {number};

			snprintf(number, sizeof number, "%ld", tried[k]);
			if (values_check(all[i].kind, given, 1, NULL) != (k == 0 || k == 3 ? -1 : 0))
				fail_msg("%s: %s", all[i].kind, number);
		}
	}
}

static char *repeat(char *text, const char *piece, size_t length)
{
	for (size_t i = 0; i < length; i++)
		text[i] = piece[i % strlen(piece)];
	text[length] = '\0';
	return text;
}

/* The longest label, name, host and text, and one byte more. */
static void test_names(void **state)
{
	char text[300], *const given[] = {text};
	const char *const inside = "a.b";

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		assert_int_equal(value_is_domain(repeat(text, "a", 63 + more)), !more);
		assert_int_equal(value_is_domain(repeat(text, "abcdefghi.", 253 + more)), !more);
		assert_int_equal(value_is_host(repeat(text, "abcdefghi.", 219 + 2 * more)), !more);
		repeat(text, "a b", 255 + more);
		assert_int_equal(values_check("s", given, 1, NULL), more ? -1 : 0);
		repeat(text, more ? "\x7f" : "\x7e", 3);
		assert_int_equal(values_check("s", given, 1, NULL), more ? -1 : 0);
		strcpy(text, more ? "10.0.0.0/8" : "fd00::/8");
		assert_int_equal(values_check("x", given, 1, NULL), more ? -1 : 0);
	}
	assert_true(value_is_host(repeat(text, "abcdefgh.", 220)));
	assert_true(value_is_domain(inside));
	assert_false(value_is_domain(inside + 1)); /* it begins with a dot, whatever is before it */
}

#define KEY_IN(label) "<key>\n-----BEGIN " label "-----\nMAMCAQU=\n-----END " label "-----\n</key>\n"

/* What is needed is needed of the last key, and once. */
static void test_needs(void **state)
{
	static const struct {
		const char *text;
		int needs;
	} all[] = {
	    {BASE KEY_IN("ENCRYPTED PRIVATE KEY"), PROFILE_NEEDS_KEY_PASSPHRASE},
	    {BASE KEY_IN("ENCRYPTED PRIVATE KEY") KEY_IN("PRIVATE KEY"), 0},
	    {BASE "auth-user-pass\n" KEY_IN("PRIVATE KEY"), PROFILE_NEEDS_USER_PASSWORD},
	    {BASE KEY_IN("ENCRYPTED PRIVATE KEY") "auth-user-pass\nauth-user-pass\n",
	     PROFILE_NEEDS_KEY_PASSPHRASE | PROFILE_NEEDS_USER_PASSWORD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct err e;
		struct profile *profile = parse_text(all[i].text, NULL, &e);
		const bool asks = (all[i].needs & PROFILE_NEEDS_USER_PASSWORD) != 0;

		assert_non_null(profile);
		assert_int_equal(profile_needs(profile), all[i].needs);
		assert_int_equal(profile->line_count, asks); /* auth-user-pass alone, and one */
		profile_free(profile);
	}
}

#define CERTIFICATE "<cert>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n</cert>\n"

/* Where the key is kept elsewhere, the one in the profile goes, and nothing else. */
static void test_key_left_out(void **state)
{
	static const struct {
		const char *text, *canonical, *why;
	} all[] = {
	    {BASE CERTIFICATE, "needs 0\n\nclient\n" CERTIFICATE, NULL},
	    {BASE KEY_IN("ENCRYPTED PRIVATE KEY") CERTIFICATE "auth-user-pass\n",
	     "needs 1\n\nclient\nauth-user-pass\n" CERTIFICATE, NULL},
	    {BASE CERTIFICATE KEY_IN("PRIVATE KEY"), "needs 0\n\nclient\n" CERTIFICATE, NULL},
	    {BASE "auth-user-pass\n", NULL, "has no certificate (cert) that it would belong to; instead: "},
	    {BASE KEY_IN("PRIVATE KEY"), NULL,
	     "has no certificate (cert) that it would belong to; instead: "},
	    {BASE "<pkcs12>\nMAMCAQU=\n</pkcs12>\n", NULL, "pkcs12: it has a private key of its own"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct err e = {""};
		struct profile *profile = parse_text(all[i].text, NULL, &e);
		size_t length;
		char *text;

		assert_non_null(profile);
		assert_int_equal(profile_leave_out_key(profile, &e), all[i].why == NULL ? 0 : -1);
		text = profile_print_canonical(profile, &length);
		if (all[i].why != NULL)
			assert_non_null(strstr(e.text, all[i].why));
		else
			assert_string_equal(strstr(text, "needs "), all[i].canonical);
		free(text);
		profile_free(profile);
	}
}

static void test_nopull(void **state)
{
	static const char *const lines[] = {BASE "route-metric 5\n", BASE "route-nopull\n"};
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct profile *profile = parse_text(lines[i], NULL, &e);

		assert_non_null(profile);
		assert_int_equal(profile_route_nopull(profile), i);
		profile_free(profile);
	}
}

/* Each of so many hosts gets its own addresses, in their order, whatever the order of the remotes. */
static void test_who_gets_an_address(void **state)
{
	(void)state;
	for (int count = 1; count <= 9; count++) {
		char text[2048], wanted[64];
		struct err e;
		size_t used = 0;

		for (int i = 0; i < 2 * count; i++)
			used += (size_t)snprintf(text + used, sizeof text - used,
						 "#@address %c.example 192.0.2.%d\n", 'a' + i % count, i + 1);
		for (int i = count; i >= -1; i--) /* and one on each side that has none */
			used += (size_t)snprintf(text + used, sizeof text - used, "remote %c.example\n",
						 i < 0 ? 'A' : 'a' + i);
		struct profile *profile = parse_text(text, NULL, &e);

		assert_non_null(profile);
		for (int i = -1; i <= count; i++) {
			const struct profile_remote *remote = profile_remote(profile, (size_t)(count - i));

			assert_int_equal(remote->address_count, i == -1 || i == count ? 0 : 2);
			for (int k = 0; k < (int)remote->address_count; k++) {
				char address[NET_ADDRESS_TEXT];

				snprintf(wanted, sizeof wanted, "192.0.2.%d", i + k * count + 1);
				assert_string_equal(net_address_text(&remote->addresses[k], address), wanted);
			}
		}
		profile_free(profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_remotes),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_needs),
	    cmocka_unit_test(test_udp_only),
	    cmocka_unit_test(test_static_key),
	    cmocka_unit_test(test_a_line_with_its_quotation_marks),
	    cmocka_unit_test(test_who_gets_an_address),
	    cmocka_unit_test(test_how_often),
	    cmocka_unit_test(test_both_sides),
	    cmocka_unit_test(test_nopull),
	    cmocka_unit_test(test_key_left_out),
	    cmocka_unit_test(test_protocols),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_what_is_told),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_a_shared_address),
	    cmocka_unit_test(test_no_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
