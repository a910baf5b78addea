/* The driver's end of the socket to the process that holds the private key, and that process's loop; each
 * against a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/key/client.h"
#include "journal.h"
#include "log_journal.h"

static struct event_base *base;
static struct key_client *client;
static int pair[2];
static struct key_request request = {.form = KEY_ECDSA, .hash = KEY_SHA256, .length = 32};

static void known(void *argument)
{
	assert_ptr_equal(argument, &pair);
	say("known %d %s", (int)key_client_state(client), key_client_lack(client));
}

static void answered(const struct key_answer *answer, void *argument)
{
	assert_ptr_equal(argument, &pair);
	say("answer %u %s", answer->length, answer->text);
}

static const struct key_client_events events = {known, answered, &pair};

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void send_bytes(uint32_t length, uint32_t bare, const char *text, size_t parts)
{
	struct key_answer answer = {.length = length, .bare = bare};
	size_t part = sizeof answer / parts;

	strcpy(answer.text, text);
	for (size_t sent = 0; sent < sizeof answer; sent += part) {
		if (part > sizeof answer - sent)
			part = sizeof answer - sent;
		assert_int_equal(write(pair[1], (char *)&answer + sent, part), part);
		turn();
	}
}

static void expect(const char *wanted)
{
	assert_string_equal(journal, wanted);
	journal[0] = '\0';
}

static int setup(void **state)
{
	(void)state;
	journal[0] = '\0';
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	client = key_client_new(base, pair[0], &events);
	return client == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	key_client_free(client);
	event_base_free(base);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void test_no_key(void **state)
{
	int nothing = open("/dev/null", O_RDONLY);
	struct key_client *none = key_client_new(base, nothing, &events);

	(void)state;
	assert_int_equal(key_client_state(none), KEY_NONE);
	key_client_sign(none, &request);
	expect("answer 0 openvpn asks for an external key, and none is configured; instead: set credentials "
	       "{ key }\n");
	key_client_free(none);
	key_client_free(NULL);
	close(nothing);
}

static void test_ready(void **state)
{
	struct key_request got;

	(void)state;
	assert_int_equal(key_client_state(client), KEY_AWAITED);
	send_bytes(0, 0, "", 3);
	expect("known 2 \n");
	send_bytes(3, 0, "", 1); /* nobody has asked */
	expect("");
	key_client_sign(client, &request);
	assert_int_equal(read(pair[1], &got, sizeof got), sizeof got);
	assert_memory_equal(&got, &request, sizeof got);
	send_bytes(3, 0, "", 100);
	expect("answer 3 \n");
	key_client_sign(client, &request);
	send_bytes(KEY_SIGNATURE_MAX + 1, 0, "not so long", 1);
	expect("answer 0 not so long\n");
	send_bytes(3, 0, "", 1);
	expect("");
}

static void test_memory_that_is_not_locked(void **state)
{
	(void)state;
	send_bytes(0, 1, "", 1);
	expect(
	    "log 1 driver: the memory that holds the private key can't be locked: it may be written to swap\n"
	    "known 2 \n");
}

static void test_lacks(void **state)
{
	(void)state;
	send_bytes(0, 0, "it is encrypted", 1);
	expect("known 3 it is encrypted\n");
	key_client_sign(client, &request);
	expect("answer 0 it is encrypted\n");
}

/* Whoever waits for a signature gets an answer. */
static void test_its_end(void **state)
{
	(void)state;
	send_bytes(0, 0, "", 1);
	key_client_sign(client, &request);
	key_client_sign(client, &request);
	journal[0] = '\0';
	shutdown(pair[1], SHUT_RDWR);
	turn();
	expect("answer 0 the process that holds the private key has ended\n"
	       "answer 0 the process that holds the private key has ended\n"
	       "known 3 the process that holds the private key has ended\n");
	key_client_sign(client, &request);
	expect("answer 0 the process that holds the private key has ended\n");
}

static void test_nobody_there(void **state)
{
	(void)state;
	send_bytes(0, 0, "", 1);
	journal[0] = '\0';
	close(pair[1]);
	key_client_sign(client, &request);
	expect("answer 0 the process that holds the private key has ended\n");
	turn();
	expect("known 3 the process that holds the private key has ended\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_no_key), TEST(test_ready),   TEST(test_memory_that_is_not_locked),
	    TEST(test_lacks),  TEST(test_its_end), TEST(test_nobody_there)};

	return cmocka_run_group_tests_name("the key's socket", tests, NULL, NULL);
}
