/* A profile, while memory runs out: whichever piece is not there, it is refused or whole, and nothing is left
 * behind. */
#include "profile_test.h"

#include <dlfcn.h>

#include "leaks.h"
#include "profile/lexer.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif

static unsigned fails_at; /* the allocation that fails, the next one is 1; 0: none */

#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
static bool runs_out(void)
{
	return fails_at > 0 && --fails_at == 0;
}

void *malloc(size_t size)
{
	static void *(*real)(size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "malloc");
	return runs_out() ? NULL : real(size);
}

void *realloc(void *bytes, size_t size)
{
	static void *(*real)(void *, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "realloc");
	return runs_out() ? NULL : real(bytes, size);
}

void *calloc(size_t count, size_t size)
{
	void *(*volatile plain)(size_t) = malloc; /* no compiler makes a calloc of it again */
	void *bytes = plain(count * size);

	return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}

static char *key; /* what a file had in it */
static size_t key_length;
static unsigned keys_wiped;

void free(void *bytes)
{
	static void (*real)(void *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "free");
	if (bytes != NULL && bytes == key) {
		for (size_t i = 0; i < key_length; i++)
			assert_int_equal(key[i], 0);
		key = NULL;
		keys_wiped++;
	}
	real(bytes);
}
enum { MOST = 1000 };
#else
static char *key;
static size_t key_length;
static unsigned keys_wiped = 2;

enum { MOST = 1 }; /* the sanitizer's own is not replaced */
#endif

static const char text[] =
    "ignore-unknown-option here there\nhere 1\n"
    "#@address a.example 192.0.2.1\n#@address b.example 2001:db8::1\n"
    "<connection>\nremote a.example 1194 udp\nmssfix 1400\n</connection>\n"
    "<connection>\nremote b.example 443 udp\nmssfix 1400\n</connection>\n"
    "comp-lzo no\nkeepalive 10 60\npull-filter ignore x\npull-filter reject y\n"
    "dhcp-option DNS 192.0.2.3\ndns server 0 address 192.0.2.4\ntls-cipher DEFAULT\n"
    "server-poll-timeout 4\nverb 3\n<auth-user-pass>\na\nb\n</auth-user-pass>\nauth SHA256\n"
    "allow-compression no\nallow-compression yes\n"
    "<ca>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n</ca>\n"
    "<ca>\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n</ca>\n";
static char whole[2][4096]; /* as it is printed, if there is enough */

/* Its texts, while the `at`th allocation from here on fails. Are they all there? */
static bool has_texts(const struct profile *profile, unsigned at, bool is_first)
{
	bool all = true;

	for (int form = 0; form < 2; form++) {
		size_t length = 0;
		char *printed;

		fails_at = at;
		printed =
		    form == 0 ? profile_print(profile, &length) : profile_print_canonical(profile, &length);
		fails_at = 0;
		if (is_first)
			snprintf(whole[form], sizeof whole[form], "%s", printed);
		if (printed != NULL)
			assert_string_equal(printed, whole[form]);
		all = all && printed != NULL;
		free(printed);
	}
	return all;
}

/* Is it taken? */
static bool parse(unsigned at, bool is_first)
{
	struct profile_source source = {.name = "t.ovpn", .bytes = text, .length = sizeof text - 1};
	struct err e = {""};
	struct profile *profile;

	fails_at = at;
	profile = profile_parse(&source, &e);
	fails_at = 0;
	if (profile == NULL) {
		assert_true(strstr(e.text, "no memory") != NULL || strstr(e.text, "too many names") != NULL ||
			    strstr(e.text, "damaged PEM") != NULL);
		return false;
	}
	/* What was resolved before is missed at most. */
	if (profile_remote(profile, 0)->address_count == 1) {
		assert_true(has_texts(profile, 0, is_first));
		for (unsigned i = 1; i < MOST && !has_texts(profile, i, false); i++)
			;
	}
	assert_int_equal(profile_remote_count(profile), 2);
	assert_int_equal(profile_needs(profile), PROFILE_NEEDS_USER_PASSWORD);
	profile_free(profile);
	return true;
}

static void test_each_piece(void **state)
{
	unsigned refused = 0, taken = 0;

	(void)state;
	assert_true(parse(0, true));
	for (unsigned at = 1; at < MOST && taken < 20; at++) {
		bool is_taken = false;

		assert_no_leak("a profile", is_taken = parse(at, false));
		taken = is_taken ? taken + 1 : 0;
		refused += !is_taken;
	}
	assert_true(MOST == 1 || (taken == 20 && refused > 10));
}

/* Of a line that is too long nothing is left either. */
static void test_a_long_line(void **state)
{
	char long_text[512] = BASE "remote-cert-eku ";
	struct err e;

	(void)state;
	memset(long_text + strlen(long_text), 'a', LEX_LINE_MAX - strlen("remote-cert-eku "));
	assert_no_leak("a long line", assert_null(parse_text(long_text, NULL, &e)));
	assert_non_null(strstr(e.text, "with its quotation marks"));
}

static int give_key(const char *path, char **bytes, size_t *length, void *argument, struct err *e)
{
	const char *content = strcmp(path, "good") == 0
				  ? "-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n"
				  : "what is no key";

	(void)argument, (void)e;
	*length = key_length = strlen(content);
	*bytes = key = strdup(content);
	return 0;
}

/* Taken or not. */
static void test_a_key_that_was_read_is_wiped(void **state)
{
	static const char *const texts[] = {BASE "key good\n", BASE "key bad\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct profile_source source = {"t.ovpn", texts[i], strlen(texts[i]), give_key, NULL, NULL};
		struct err e;
		struct profile *profile = profile_parse(&source, &e);

		assert_int_equal(profile == NULL, i);
		profile_free(profile);
	}
	assert_int_equal(keys_wiped, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_piece),
					   cmocka_unit_test(test_a_long_line),
					   cmocka_unit_test(test_a_key_that_was_read_is_wiped)};

	return cmocka_run_group_tests_name("a profile's memory", tests, NULL, NULL);
}
