/* How much a profile may hold, from both sides of each limit. */
#include "profile_test.h"

#include "profile/profile_internal.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_remotes),
	    cmocka_unit_test(test_udp_only),
	    cmocka_unit_test(test_static_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
