/* Which server has its turn: each address of each remote, the same once more, and what can't be dialled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/wire_way.h"
#include "driver/remotes.h"
#include "journal.h"

static struct remotes remotes;

void log_line(enum log_level level, const char *room, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	say("%d %s: %s", (int)level, room, text);
}

static int64_t now = 2000000000;
static struct wire_way way; /* families that lead nowhere: none, unless a test says so */

static void open_with(const char *text)
{
	FILE *file = tmpfile();
	struct err e = {""};

	assert_non_null(file);
	fputs(text, file);
	fflush(file);
	memset(&remotes, 0x55, sizeof remotes);
	assert_int_equal(remotes_open(&remotes, fileno(file), &e), 0);
	assert_int_equal(remotes.length, strlen(text));
	fclose(file);
	journal[0] = '\0';
}

static void close_it(void)
{
	remotes_close(&remotes);
	assert_null(remotes.text);
	assert_null(remotes.places);
}

static void picks(bool again, const char *host, const char *endpoint)
{
	char text[NET_ENDPOINT_TEXT];
	struct err e = {""};

	assert_int_equal(remotes_pick(&remotes, again, &way, now, &e), 0);
	assert_string_equal(remotes.remote.host, host);
	assert_string_equal(net_endpoint_text(&remotes.endpoint, text), endpoint);
}

static void test_turns(void **state)
{
	(void)state;
	open_with("remote a.example 1194 udp 192.0.2.1 2001:db8::1\nremote never.example 1195 tcp\n"
		  "remote b.example 443 tcp 192.0.2.2\nneeds 2\n\n");
	assert_int_equal(remotes_needs(&remotes), 2);
	picks(true, "a.example", "192.0.2.1:1194/udp"); /* none was there yet to be the same */
	assert_non_null(strstr(journal, "never.example"));
	assert_int_equal(order_left(&remotes.order), 2);
	picks(true, "a.example", "192.0.2.1:1194/udp");
	picks(false, "a.example", "[2001:db8::1]:1194/udp");
	picks(true, "a.example", "[2001:db8::1]:1194/udp");
	picks(false, "a.example", "192.0.2.1:1194/udp"); /* a new round, and this one is left */
	picks(false, "b.example", "192.0.2.2:443/tcp");
	assert_int_equal(order_left(&remotes.order), 0);
	picks(false, "a.example", "192.0.2.1:1194/udp");
	journal[0] = '\0';
	for (int i = 0; i < 6; i++) /* said once is enough */
		assert_int_equal(remotes_pick(&remotes, false, &way, now, NULL), 0);
	assert_string_equal(journal, "");
	close_it();
}

/* What no route leads to is passed over, also where the same was to be tried again, and not complained of. */
static void test_families(void **state)
{
	struct err e = {""};

	(void)state;
	open_with("remote a.example 1194 udp 192.0.2.1 2001:db8::1\nremote b.example 443 tcp "
		  "192.0.2.2\nneeds 0\n\n");
	picks(false, "a.example", "192.0.2.1:1194/udp");
	way.no_way = NO_WAY4;
	picks(true, "a.example", "[2001:db8::1]:1194/udp");
	picks(true, "a.example", "[2001:db8::1]:1194/udp");
	picks(false, "a.example", "[2001:db8::1]:1194/udp");
	way.no_way = NO_WAY6;
	picks(true, "a.example", "192.0.2.1:1194/udp");
	picks(false, "b.example", "192.0.2.2:443/tcp");
	way.no_way = NO_WAY4 | NO_WAY6;
	assert_int_equal(remotes_pick(&remotes, true, &way, now, &e), -1);
	assert_string_equal(e.text, "there is no network: no route leads to a server");
	way.no_way = 0;
	picks(true, "b.example", "192.0.2.2:443/tcp");
	assert_string_equal(journal, "");
	close_it();
}

#define NEVER(host)                                                                                          \
	"0 driver: remote " host                                                                             \
	" was never resolved; instead: portcullis import, while the machine is not shut\n"

/* Each is complained of once. */
static void test_none(void **state)
{
	struct err e = {""};

	(void)state;
	for (int i = 0; i < 4; i++) {
		/* of a line that is wrong nothing counts */
		open_with(i < 2 ? "remote never.example 1194 udp\nremote b.example 443 tcp\nneeds 0\n\n"
				: "remote a.example 1194 udp 192.0.2.1 junk\nneeds 0\n\n");
		e.text[0] = '\0';
		assert_int_equal(remotes_pick(&remotes, i % 2 == 1, &way, now, &e), -1);
		assert_string_equal(e.text, "no server of the profile has a known address");
		assert_string_equal(journal, i < 2 ? NEVER("never.example") NEVER("b.example") : "");
		close_it();
	}
}

/* What was silent by one family is tried by the other next. */
static void test_families_take_turns(void **state)
{
	static const char *const turns[] = {"[2001:db8::1]:1194/udp", "192.0.2.9:1195/tcp",
					    "[2001:db8::2]:1194/udp", "192.0.2.9:1195/tcp"};
	char text[NET_ENDPOINT_TEXT];

	(void)state;
	open_with("remote a.example 1194 udp 2001:db8::1 2001:db8::2\n"
		  "remote b.example 1195 tcp 192.0.2.9\nneeds 0\n\n");
	for (size_t i = 0; i < 4; i++) {
		order_answered(&remotes.order, false);
		assert_int_equal(remotes_pick(&remotes, false, &way, now, NULL), 0);
		assert_string_equal(net_endpoint_text(&remotes.endpoint, text), turns[i]);
	}
	assert_string_equal(journal, "");
	close_it();
}

/* IPv4 only inside a prefix: what the profile has by IPv6 stays as it is. */
static void test_nat64(void **state)
{
	struct err e = {""};

	(void)state;
	open_with("remote a.example 1194 udp 192.0.2.1 2001:db8::1\nremote b.example 443 tcp "
		  "192.0.2.2\nneeds 0\n\n");
	way.nat64 = (struct net_prefix){{NET_IPV6, {0, 0x64, 0xff, 0x9b}}, 96};
	picks(false, "a.example", "[2001:db8::1]:1194/udp"); /* what needs none is first */
	assert_int_equal(remotes.nat64.length, 0);
	picks(false, "a.example", "[64:ff9b::c000:201]:1194/udp");
	assert_int_equal(remotes.nat64.length, 96);
	assert_false(remotes_note(&remotes, false, now));
	assert_false(remotes_note(&remotes, true, now));
	picks(false, "b.example", "[64:ff9b::c000:202]:443/tcp");
	picks(true, "b.example", "[64:ff9b::c000:202]:443/tcp");
	memset(&way.nat64, 0, sizeof way.nat64);
	picks(true, "b.example", "192.0.2.2:443/tcp");
	assert_int_equal(remotes.nat64.length, 0);
	way.nat64 = (struct net_prefix){{NET_IPV6, {0, 0x64, 0xff, 0x9b}}, 96};
	picks(true, "a.example", "[2001:db8::1]:1194/udp"); /* reached by IPv4, it is no longer the same */
	memset(&way.nat64, 0, sizeof way.nat64);
	close_it();
	open_with("remote b.example 443 tcp 192.0.2.2\nneeds 0\n\n");
	way.no_way = NO_WAY4 | NO_WAY6;
	assert_int_equal(remotes_pick(&remotes, false, &way, now, &e), -1);
	assert_string_equal(e.text,
			    "there is no network: no IPv4 route leads to a server, and none by NAT64");
	way.no_way = 0;
	close_it();
}

/* Who failed is last, and only for a time; who was good since is not. Whom the profile has no more is
 * forgotten. */
static void test_dead_ones(void **state)
{
	struct outcomes kept;

	(void)state;
	open_with("remote a.example 1194 udp 192.0.2.1\nremote b.example 443 tcp 192.0.2.2\n"
		  "remote b.example 443 udp 192.0.2.2\nneeds 0\n\n");
	assert_false(remotes_note(&remotes, false, now)); /* none was picked yet */
	picks(false, "a.example", "192.0.2.1:1194/udp");
	assert_true(remotes_note(&remotes, false, now));
	picks(false, "b.example", "192.0.2.2:443/tcp");
	assert_true(remotes_note(&remotes, false, now));
	picks(true, "b.example", "192.0.2.2:443/tcp"); /* the same is the same */
	picks(false, "b.example", "192.0.2.2:443/udp");
	assert_false(remotes_note(&remotes, true, now));
	kept = remotes.outcomes;
	close_it();
	open_with("remote a.example 1194 udp 192.0.2.1\nremote b.example 443 udp 192.0.2.2\nneeds 0\n\n");
	remotes.outcomes = kept;
	picks(false, "b.example", "192.0.2.2:443/udp");
	picks(false, "a.example", "192.0.2.1:1194/udp");
	now += OUTCOMES_DEAD;
	picks(false, "a.example", "192.0.2.1:1194/udp");
	now -= OUTCOMES_DEAD;
	picks(false, "b.example", "192.0.2.2:443/udp");
	assert_false(remotes_note(&remotes, true, now));
	assert_int_equal(remotes.outcomes.list[0].failures, 1);
	assert_int_equal(remotes.outcomes.list[1].failures, 0); /* TCP is in the profile no more */
	close_it();
}

/* Each run has an order of its own, and keeps it; the addresses of one remote stay together. */
static void test_random(void **state)
{
	char first[3][NET_ENDPOINT_TEXT] = {"", "", ""}, text[NET_ENDPOINT_TEXT];
	bool differs = false;

	(void)state;
	for (uint32_t run = 0; run < 20; run++) {
		open_with("remote a.example 1 udp 192.0.2.1 192.0.2.2\nremote b.example 2 udp 192.0.2.3\n"
			  "remote c.example 3 udp 192.0.2.4 192.0.2.5\nset remote-random 1\nneeds 0\n"
			  "\n");
		remotes.chance = run;
		for (size_t i = 0; i < 10; i++) {
			char host[sizeof remotes.remote.host];

			memcpy(host, remotes.remote.host, sizeof host);
			assert_int_equal(remotes_pick(&remotes, false, &way, now, NULL), 0);
			net_endpoint_text(&remotes.endpoint, text);
			if (i == 0 && run < 3)
				strcpy(first[run], text);
			if (i == 0)
				differs = differs || strcmp(text, first[0]) != 0;
			else if (remotes.endpoint.address.bytes[3] % 5 == 2 ||
				 remotes.endpoint.address.bytes[3] == 5)
				assert_string_equal(host, remotes.remote.host);
		}
		close_it();
	}
	assert_true(differs);
}

/* What the profile says of times; openvpn's own two names of one of them. */
static void test_limits(void **state)
{
	static const struct {
		const char *settings;
		struct tunnel_limits limits;
	} ways[] = {
	    {"", {0, 0, 0}},
	    {"set server-poll-timeout 5\n", {5000, 0, 0}},
	    {"set connect-timeout 6\n", {6000, 0, 0}},
	    {"set hand-window 40\n", {0, 40000, 40000}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char text[256];
		struct tunnel_limits limits;

		snprintf(text, sizeof text, "remote a.example 1 udp 192.0.2.1\n%sneeds 0\n\n",
			 ways[i].settings);
		open_with(text);
		limits = remotes_limits(&remotes);
		assert_memory_equal(&limits, &ways[i].limits, sizeof limits);
		close_it();
	}
}

static void test_what_can_not_be_read(void **state)
{
	FILE *file = tmpfile();
	struct err e = {""};
	char path[] = "/tmp/remotes-XXXXXX";
	int ends[2], unread;

	(void)state;
	assert_int_equal(remotes_open(&remotes, -1, &e), -1);
	assert_non_null(strstr(e.text, "the vetted profile can't be read: "));
	assert_int_equal(remotes_open(&remotes, fileno(file), &e), -1);
	assert_string_equal(e.text, "the vetted profile has 0 bytes");
	assert_int_equal(ftruncate(fileno(file), CANONICAL_SIZE_MAX + 1), 0);
	assert_int_equal(remotes_open(&remotes, fileno(file), &e), -1);
	assert_string_equal(e.text, "the vetted profile has 16777217 bytes");
	assert_int_equal(ftruncate(fileno(file), CANONICAL_SIZE_MAX), 0);
	assert_int_equal(remotes_open(&remotes, fileno(file), &e), 0);
	close_it();
	fclose(file);
	close(mkstemp(path));
	unread = open(path, O_WRONLY); /* whom nobody lets read it, can't map it */
	unlink(path);
	assert_int_equal(write(unread, "x", 1), 1);
	assert_int_equal(remotes_open(&remotes, unread, &e), -1);
	assert_string_equal(e.text, "the vetted profile can't be mapped: Permission denied");
	assert_null(remotes.text);
	close(unread);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(remotes_open(&remotes, ends[0], &e), -1);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns),
					   cmocka_unit_test(test_families),
					   cmocka_unit_test(test_families_take_turns),
					   cmocka_unit_test(test_dead_ones),
					   cmocka_unit_test(test_nat64),
					   cmocka_unit_test(test_random),
					   cmocka_unit_test(test_limits),
					   cmocka_unit_test(test_none),
					   cmocka_unit_test(test_what_can_not_be_read)};

	return cmocka_run_group_tests_name("remotes", tests, NULL, NULL);
}
