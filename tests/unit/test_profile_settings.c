/* What an option of a profile sets for Portcullis: in the head of the canonical form, and not for openvpn. */
#include "profile_test.h"

/* What stands between the remote and `needs`. */
static void assert_set(const char *lines, const char *head, const char *notice)
{
	static const char remote[] = "remote 192.0.2.1 1194 udp 192.0.2.1\n";
	struct notices notices = {.used = 0};
	char text[1024];
	char *canonical, *needs;

	snprintf(text, sizeof text, BASE "%s", lines);
	canonical = assert_taken(text, &notices);
	needs = strstr(canonical, "needs 0\n");
	assert_memory_equal(canonical, remote, sizeof remote - 1);
	assert_non_null(needs);
	*needs = '\0';
	assert_string_equal(canonical + sizeof remote - 1, head);
	if (notice[0] == '\0')
		assert_null(strstr(notices.text, "here\n"));
	else if (strstr(notices.text, notice) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", notice, notices.text);
	free(canonical);
}

static void test_what_is_set(void **state)
{
	(void)state;
	assert_set("", "", "");
	assert_set("server-poll-timeout 4\n", "set server-poll-timeout 4\n", "");
	assert_set("server-poll-timeout 4\nserver-poll-timeout 5\n", "set server-poll-timeout 5\n", "");
	assert_set("setenv opt server-poll-timeout 4\n", "set server-poll-timeout 4\n", "");
	assert_set("setenv SERVER_POLL_TIMEOUT 4\n", "set server-poll-timeout 4\n", "");
	assert_set("connect-timeout 1\n", "set connect-timeout 1\n", "");
	assert_set("connect-timeout 3600\n", "set connect-timeout 3600\n", "");
	assert_set("connect-timeout 3601\n", "set connect-timeout 3600\n",
		   "connect-timeout: out of bounds: counts as 3600 seconds here\n");
	assert_set("connect-timeout 2147483647\n", "set connect-timeout 3600\n", "out of bounds");
	assert_set("connect-timeout 0\n", "", "connect-timeout: 0 sets no limit here\n");
	assert_set("connect-timeout 5\nconnect-timeout 0\n", "", "connect-timeout: 0 sets no limit here\n");
	assert_set("remote-random\nremote-random\n", "set remote-random 1\n", "");
	assert_set("server-poll-timeout 8\nremote-random\nhand-window 6\nconnect-timeout 5\n",
		   "set connect-timeout 5\nset hand-window 6\nset remote-random 1\n"
		   "set server-poll-timeout 8\n",
		   "");
}

/* Four spellings of one limit: when a server that is silent counts as dead. */
static void test_dead_peer(void **state)
{
	(void)state;
	assert_set("keepalive 10 60\n", "set dead-peer 60\n", "");
	assert_set("ping-restart 45\n", "set dead-peer 45\n", "");
	assert_set("ping-exit 20\n", "set dead-peer 20\n", "");
	assert_set("ping 10\n", "", "");
	assert_set("ping-restart 10\n", "set dead-peer 10\n", "");
	assert_set("ping-restart 120\n", "set dead-peer 120\n", "");
	assert_set("ping-restart 9\n", "set dead-peer 10\n",
		   "ping-restart: out of bounds: counts as 10 seconds");
	assert_set("ping-exit 121\n", "set dead-peer 120\n",
		   "ping-exit: out of bounds: counts as 120 seconds");
	assert_set("keepalive 10 600\n", "set dead-peer 120\n",
		   "keepalive: out of bounds: counts as 120 seconds");
	assert_set("ping-restart 0\n", "", "ping-restart: 0 sets no limit here");
	assert_set("keepalive 10 60\nping-exit 20\nhand-window 7\n", "set dead-peer 20\nset hand-window 7\n",
		   "");
}

/* openvpn gets the handshake's window, too; the others are ours. */
static void test_what_openvpn_gets(void **state)
{
	char *canonical =
	    assert_taken(BASE "connect-timeout 5\nhand-window 6\nremote-random\nserver-poll-timeout 8\n"
			      "ping 5\nkeepalive 10 60\nping-restart 70\nping-exit 80\n",
			 NULL);

	(void)state;
	assert_string_equal(canonical_body(canonical, strlen(canonical)),
			    "client\nhand-window \"6\"\nping \"5\"\nping \"10\"\n");
	free(canonical);
}

/* A file that import has written says the same, 0 included. */
static void test_what_import_writes(void **state)
{
	static const char lines[] = "connect-timeout \"5\"\nconnect-timeout \"0\"\nremote-random\n"
				    "server-poll-timeout \"8\"\nkeepalive \"10\" \"60\"\nping-exit \"0\"\n";
	char text[512];
	struct err e;
	struct profile *profile;
	size_t length;
	char *printed;

	(void)state;
	snprintf(text, sizeof text, BASE "%s", lines);
	profile = parse_text(text, NULL, &e);
	assert_non_null(profile);
	printed = profile_print(profile, &length);
	assert_non_null(strstr(printed, lines));
	free(printed);
	profile_free(profile);
}

/* openvpn ends a session of a length that makes sense; what is shorter is said. */
static void test_session_timeout(void **state)
{
	static const char notice[] = "4 session-timeout: not used: a session that is shorter than a minute\n";
	static const char *const all[][2] = {{"60", "session-timeout \"60\"\n"},
					     {"86400", "session-timeout \"86400\"\n"},
					     {"59", ""},
					     {"0", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct notices notices = {.used = 0};
		char text[256], wanted[64];
		char *canonical;

		snprintf(text, sizeof text, BASE "session-timeout %s\n", all[i][0]);
		snprintf(wanted, sizeof wanted, "client\n%s", all[i][1]);
		canonical = assert_taken(text, &notices);
		assert_string_equal(canonical_body(canonical, strlen(canonical)), wanted);
		assert_int_equal(strstr(notices.text, notice) != NULL, all[i][1][0] == '\0');
		free(canonical);
	}
	assert_refused(BASE "session-timeout\n", "an argument is missing");
	assert_refused(BASE "setenv SERVER_POLL_TIMEOUT x\n", "4: server-poll-timeout: ");
	assert_refused(BASE "setenv SERVER_POLL_TIMEOUT\n", "4: server-poll-timeout: ");
}

/* By its name or by its old one, and through a file that import has written. */
static void test_random_host(void **state)
{
	static const char *const lines[] = {"", "remote-random-hostname\n",
					    "setenv REMOTE_RANDOM_HOSTNAME y\n",
					    "setenv REMOTE_RANDOM_HOSTNAME\n"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct profile *profile, *again;
		char text[256];
		struct err e;
		size_t length;
		char *printed;

		snprintf(text, sizeof text, BASE "%s", lines[i]);
		profile = parse_text(text, NULL, &e);
		assert_non_null(profile);
		assert_int_equal(profile_random_host(profile), i > 0);
		printed = profile_print(profile, &length);
		again = parse_text(printed, NULL, &e);
		assert_non_null(again);
		assert_int_equal(profile_random_host(again), i > 0);
		free(printed);
		profile_free(profile);
		profile_free(again);
	}
	assert_refused(BASE "remote-random-hostname x\n", "too many arguments");
}

/* The blocks of a profile may differ in what openvpn does not get: the last one counts. */
static void test_in_connections(void **state)
{
	static const char text[] =
	    "<connection>\nremote a.example 1194 udp\nconnect-timeout 5\nmssfix 1400\n</connection>\n"
	    "<connection>\nremote b.example 443 tcp\nmssfix 1400\nconnect-timeout 9\n</connection>\n"
	    "<connection>\nremote c.example 443 tcp\nmssfix 1400\n</connection>\n";
	char *canonical = assert_taken(text, NULL);

	(void)state;
	assert_non_null(strstr(canonical, "\nset connect-timeout 9\nneeds 0\n\nclient\nmssfix \"1400\"\n"));
	free(canonical);
	assert_refused("<connection>\nremote a.example\nconnect-timeout 5\nmssfix 1400\n</connection>\n"
		       "<connection>\nremote b.example\nconnect-timeout 5\n</connection>\n",
		       "its options differ from the first block's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_set),       cmocka_unit_test(test_dead_peer),
	    cmocka_unit_test(test_what_openvpn_gets), cmocka_unit_test(test_what_import_writes),
	    cmocka_unit_test(test_session_timeout),   cmocka_unit_test(test_random_host),
	    cmocka_unit_test(test_in_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
