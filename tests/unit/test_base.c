/* base: text, numbers, addresses, errors, log lines and secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/net.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/wire.h"
#include "between.h"

static void copying_cuts_and_says_so(void **state)
{
	char to[4];

	(void)state;
	assert_int_equal(text_copy(to, sizeof to, "abc"), 0);
	assert_int_equal(text_copy(to, sizeof to, "abcd"), -1);
	assert_string_equal(to, "abc");
}

static void appending_never_passes_the_end(void **state)
{
	char to[8];
	size_t used = 0;

	(void)state;
	assert_int_equal(text_append(to, sizeof to, &used, "%s", "1234"), 0);
	assert_int_equal(text_append(to, sizeof to, &used, "%s", "5678"), -1);
	assert_string_equal(to, "1234567");
	assert_int_equal(used, 7);
	assert_int_equal(text_append(to, sizeof to, &used, "%s", "9"), -1);
}

static void numbers_are_whole_and_bounded(void **state)
{
	static const char *const bad[] = {"",   "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616",
					  "11", "0"};
	uint64_t number = 99;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(text_number(bad[i], 1, 10, &number), -1);
	assert_int_equal(number, 99);
	assert_int_equal(text_number("10", 1, 10, &number), 0);
	assert_int_equal(number, 10);
	assert_int_equal(text_number("18446744073709551615", 0, UINT64_MAX, &number), 0);
}

static void durations_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint32_t seconds;
	} cases[] = {{"90", 0, 90},    {"90s", 0, 90}, {"15m", 0, 900}, {"2h", 0, 7200}, {"31d", 0, 2678400},
		     {"32d", -1, 0},   {"0s", -1, 0},  {"", -1, 0},     {"m", -1, 0},    {"1w", -1, 0},
		     {"1m30s", -1, 0}, {"-1s", -1, 0}, {"1.5h", -1, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t seconds = 0;

		assert_int_equal(text_duration(cases[i].text, &seconds), cases[i].result);
		assert_int_equal(seconds, cases[i].seconds);
	}
}

static void hostile_bytes_are_escaped(void **state)
{
	char to[32];

	(void)state;
	assert_int_equal(text_escape(to, sizeof to, "a\nb\\\x1b\xff", 6), 18);
	assert_string_equal(to, "a\\x0ab\\x5c\\x1b\\xff");
	assert_int_equal(text_escape(to, 5, "\n\n", 2), 4);
	assert_string_equal(to, "\\x0a");
}

static void the_nearest_word_is_near(void **state)
{
	static const char *const words[] = {"status", "resume", "reconnect"};

	(void)state;
	assert_string_equal(text_nearest("statsu", words, 3), "status");
	assert_string_equal(text_nearest("reconect", words, 3), "reconnect");
	assert_null(text_nearest("xyz", words, 3));
}

static void times_are_rfc3339(void **state)
{
	char to[TEXT_TIME_SIZE];

	(void)state;
	text_time(to, 1795401033);
	assert_string_equal(to, "2026-11-23T02:30:33Z");
}

static void addresses_round_trip(void **state)
{
	static const char *const good[] = {"192.0.2.1", "2001:db8::1", "::", "::ffff:192.0.2.1"};
	static const char *const bad[] = {"", "192.0.2", "192.0.2.1 ", "fe80::1%eth0", "[::1]", "host"};
	struct net_address address;
	char to[NET_ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(net_address_parse(good[i], &address), 0);
		assert_string_equal(net_address_text(&address, to), good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(net_address_parse(bad[i], &address), -1);
}

static void prefixes_clear_host_bits(void **state)
{
	struct net_prefix prefix;
	struct net_address in, out;
	char to[NET_PREFIX_TEXT];

	(void)state;
	assert_int_equal(net_prefix_parse("10.77.255.3/12", &prefix), 0);
	assert_string_equal(net_prefix_text(&prefix, to), "10.64.0.0/12");
	assert_int_equal(net_prefix_parse("2001:db8:ffff::1/33", &prefix), 0);
	assert_string_equal(net_prefix_text(&prefix, to), "2001:db8:8000::/33");
	net_address_parse("2001:db8:8000::5", &in);
	net_address_parse("2001:db8:7000::5", &out);
	assert_true(net_prefix_contains(&prefix, &in));
	assert_false(net_prefix_contains(&prefix, &out));
	assert_int_equal(net_prefix_parse("10.0.0.0/33", &prefix), -1);
	assert_int_equal(net_prefix_parse("10.0.0.0", &prefix), -1);
	assert_int_equal(net_prefix_parse("0.0.0.0/0", &prefix), 0);
	net_address_parse("198.51.100.1", &in);
	assert_true(net_prefix_contains(&prefix, &in));
}

static void endpoints_round_trip(void **state)
{
	static const char *const good[] = {"192.0.2.1:1194/udp", "[2001:db8::1]:443/tcp"};
	static const char *const bad[] = {"192.0.2.1:1194",
					  "192.0.2.1:0/udp",
					  "192.0.2.1:65536/udp",
					  "2001:db8::1:443/tcp",
					  "[2001:db8::1:443/tcp",
					  "host:1/udp",
					  "192.0.2.1:1/icmp",
					  "/udp",
					  ":1/udp",
					  "[]:1/udp"};
	struct net_endpoint endpoint;
	char to[NET_ENDPOINT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(net_endpoint_parse(good[i], &endpoint), 0);
		assert_string_equal(net_endpoint_text(&endpoint, to), good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(net_endpoint_parse(bad[i], &endpoint), -1);
}

static void only_unicast_can_be_dialled(void **state)
{
	static const char *const good[] = {"192.0.2.1", "10.0.0.1", "100.64.0.1", "2001:db8::1", "fd00::1"};
	static const char *const bad[] = {
	    "0.0.0.0",     "0.1.2.3",         "127.0.0.1", "169.254.1.1", "224.0.0.1",
	    "240.0.0.1",   "255.255.255.255", "::",        "::1",         "::ffff:192.0.2.1",
	    "::192.0.2.1", "fe80::1",         "ff02::1"};
	struct net_address address;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(net_address_parse(good[i], &address), 0);
		assert_true(net_address_is_dialable(&address));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(net_address_parse(bad[i], &address), 0);
		assert_false(net_address_is_dialable(&address));
	}
	memset(&address, 0, sizeof address);
	assert_false(net_address_is_dialable(&address));
}

static void interface_names_are_names(void **state)
{
	(void)state;
	assert_true(net_is_interface_name("tun0"));
	assert_true(net_is_interface_name("eth0.10"));
	assert_false(net_is_interface_name(""));
	assert_false(net_is_interface_name(".."));
	assert_false(net_is_interface_name("-x"));
	assert_false(net_is_interface_name("a/b"));
	assert_false(net_is_interface_name("abcdefghijklmnop"));
}

static void errors_are_one_line(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, "a\nb"), -1);
	assert_string_equal(e.text, "a b");
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "file"), -1);
	assert_string_equal(e.text, "file: No such file or directory");
	err_prefix(&e, "%s", "start");
	assert_string_equal(e.text, "start: file: No such file or directory");
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "%s can't be read; instead: name another", "file"), -1);
	assert_string_equal(e.text, "file can't be read: No such file or directory; instead: name another");
	assert_int_equal(err_cause("a; instead: b; instead: c"), 1);
	assert_int_equal(err_cause("a; instead"), 10);
	assert_int_equal(err_cause(""), 0);
	assert_int_equal(err_set(NULL, "x"), -1);
}

static int full_calls;

static void make_empty(int descriptor)
{
	full_calls++;
	assert_int_equal(ftruncate(descriptor, 0), 0);
}

static void do_nothing(int descriptor)
{
	(void)descriptor;
}

/* A log has a size, with somebody who can begin it anew and without. */
static void the_log_has_a_size(void **state)
{
	int log = memfd_create("log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t most = 0;

	(void)state;
	assert_true(fcntl(log, F_SETFL, O_APPEND) == 0);
	log_open(log, LOG_INFO);
	log_bound(4096, NULL);
	for (int i = 0; i < 1000; i++)
		log_info("test", "once more");
	assert_between(lseek(log, 0, SEEK_END), 4000, 4096);
	log_bound(4096, make_empty);
	for (int i = 0; i < 1000; i++) {
		off_t now;

		log_info("test", "once more");
		now = lseek(log, 0, SEEK_END);
		most = now > most ? now : most;
	}
	assert_between(most, 3000, 4096 - 4096 / 16);
	assert_between(full_calls, 10, 20);
	/* It can't be begun anew: then it is full, and stays so. */
	assert_int_equal(fcntl(log, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	log_bound(4096, do_nothing);
	for (int i = 0; i < 1000; i++)
		log_info("test", "once more");
	assert_between(lseek(log, 0, SEEK_END), 4000, 4096);
	log_bound(0, NULL);
	log_open(-1, LOG_INFO);
	close(log);
}

static void log_lines_cant_be_forged(void **state)
{
	int pipes[2];
	char line[512];
	ssize_t got;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	log_open(pipes[1], LOG_INFO);
	log_debug("room", "not wanted");
	errno = EPERM;
	log_info("room", "text %s", "one\n2026-01-01T00:00:00Z error gate: two");
	assert_int_equal(errno, EPERM);
	log_open(-1, LOG_INFO);
	got = read(pipes[0], line, sizeof line - 1);
	assert_true(got > 0);
	line[got] = '\0';
	assert_ptr_equal(strchr(line, '\n'), line + got - 1);
	assert_non_null(strstr(line, "Z info room: text one\\x0a2026"));
	close(pipes[0]);
	close(pipes[1]);
}

static void a_full_log_is_survived(void **state)
{
	int full = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(full != -1);
	log_open(full, LOG_INFO);
	log_info("room", "lost");
	log_open(-1, LOG_INFO);
	close(full);
}

static void secrets_wipe_themselves(void **state)
{
	struct secret secret = {0};
	char zero[sizeof secret] = {0}, many[SECRET_SIZE + 1];

	(void)state;
	memset(many, 'x', sizeof many);
	assert_int_equal(secret_set(&secret, "pass word", 9), 0);
	assert_string_equal(secret.bytes, "pass word");
	assert_int_equal(secret_set(&secret, many, SECRET_SIZE), -1);
	assert_memory_equal(&secret, zero, sizeof secret);
	assert_int_equal(secret_set(&secret, "a\tb", 3), -1);
	assert_int_equal(secret_set(&secret, many, SECRET_SIZE - 1), 0);
	secret_wipe(&secret);
	assert_memory_equal(&secret, zero, sizeof secret);
	secret_wipe(NULL);
}

/* "4a 4b 6a" to addresses: the family, and a byte that tells them apart. */
static size_t families(const char *text, struct net_address *to)
{
	size_t count = 0;

	for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {
		memset(&to[count], 0, sizeof to[count]);
		to[count].family = (uint8_t)(text[0] - '0');
		to[count++].bytes[0] = (uint8_t)text[1];
	}
	return count;
}

static void families_take_turns(void **state)
{
	static const char *const cases[][2] = {
	    {"", ""},
	    {"6a", "6a"},
	    {"4a 4b 4c", "4a 4b 4c"},
	    {"6a 6b 6c 4a 4b", "6a 4a 6b 4b 6c"},
	    {"4a 6a 6b 6c", "4a 6a 6b 6c"},
	    {"6a 6b 6c 6d 4a", "6a 4a 6b 6c 6d"},
	    {"4a 4b 6a 6b", "4a 6a 4b 6b"},
	};
	struct net_address have[8], want[8];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t count = families(cases[i][0], have);

		assert_int_equal(families(cases[i][1], want), count);
		net_alternate(have, count);
		assert_memory_equal(have, want, count * sizeof *have);
	}
}

static void reading_and_writing_are_whole(void **state)
{
	size_t length = 7;
	int ends[2];
	char *bytes;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(io_write_all(ends[1], "abcdef", 6), 0);
	assert_non_null(bytes = io_read_all(ends[0], 4, &length)); /* does not wait for the end */
	assert_int_equal(length, 4);
	assert_memory_equal(bytes, "abcd", 4);
	free(bytes);
	close(ends[1]);
	assert_non_null(bytes = io_read_all(ends[0], 100, &length));
	assert_int_equal(length, 2);
	assert_memory_equal(bytes, "ef", 2);
	free(bytes);
	assert_non_null(bytes = io_read_all(ends[0], 0, &length));
	assert_int_equal(length, 0);
	free(bytes);
	close(ends[0]);
	assert_null(io_read_all(ends[0], 100, &length));
	assert_int_equal(errno, EBADF);
	assert_int_equal(io_write_all(ends[1], "a", 1), -1);
	assert_int_equal(io_write_all(ends[1], "", 0), 0);
}

static void gate_words_are_the_designs(void **state)
{
	(void)state;
	assert_string_equal(wire_gate_word(GATE_LOCKED), "locked");
	assert_string_equal(wire_gate_word(GATE_UNPROTECTED), "unprotected");
	assert_string_equal(wire_gate_word(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(copying_cuts_and_says_so),
	    cmocka_unit_test(appending_never_passes_the_end),
	    cmocka_unit_test(numbers_are_whole_and_bounded),
	    cmocka_unit_test(durations_have_a_unit),
	    cmocka_unit_test(hostile_bytes_are_escaped),
	    cmocka_unit_test(the_nearest_word_is_near),
	    cmocka_unit_test(times_are_rfc3339),
	    cmocka_unit_test(addresses_round_trip),
	    cmocka_unit_test(prefixes_clear_host_bits),
	    cmocka_unit_test(endpoints_round_trip),
	    cmocka_unit_test(only_unicast_can_be_dialled),
	    cmocka_unit_test(interface_names_are_names),
	    cmocka_unit_test(errors_are_one_line),
	    cmocka_unit_test(log_lines_cant_be_forged),
	    cmocka_unit_test(a_full_log_is_survived),
	    cmocka_unit_test(secrets_wipe_themselves),
	    cmocka_unit_test(gate_words_are_the_designs),
	    cmocka_unit_test(families_take_turns),
	    cmocka_unit_test(reading_and_writing_are_whole),
	    cmocka_unit_test(the_log_has_a_size),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
