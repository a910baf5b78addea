/* The PIN of a token, asked for by OpenSSL's own UI: given once, counted before it is given, and never again
 * once refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/key/pin.h"

enum { ROOM = 32 };

static const char uri[] = "pkcs11:token=mine;object=vpn";
static int file, note;

static int scratch(const char *text)
{
	char name[] = "/tmp/pin-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd != -1);
	unlink(name);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static int setup(void **state)
{
	(void)state;
	file = scratch("704215\n");
	note = scratch("");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(file);
	close(note);
	return 0;
}

/* What OpenSSL gets for a question with this user data; "": nothing. */
static const char *ask(struct pin *pin)
{
	static char buffer[ROOM + 1];
	UI_METHOD *method = pin_method();
	UI *ui = UI_new_method(method);
	int asked;

	memset(buffer, 0, sizeof buffer);
	if (pin != NULL)
		UI_add_user_data(ui, pin);
	assert_true(UI_add_info_string(ui, "a remark") >= 0);
	assert_true(UI_add_input_string(ui, "PIN", 0, buffer, 4, ROOM) >= 0);
	asked = UI_process(ui);
	UI_free(ui);
	UI_destroy_method(method);
	return asked == 0 ? buffer : "";
}

static void begin(struct pin *pin)
{
	struct err e = {""};

	assert_int_equal(pin_read(pin, file, note, uri, &e), 0);
	assert_false(pin->asked || pin->given || pin->held || pin->unkept);
}

/* As the next process does: is it given? */
static bool is_given_anew(void)
{
	struct pin pin;
	bool given;

	begin(&pin);
	given = strcmp(ask(&pin), "704215") == 0;
	assert_true(pin.asked);
	assert_int_equal(pin.given, given);
	assert_int_equal(pin.held, !given);
	pin_forget(&pin);
	return given;
}

static void test_once(void **state)
{
	struct pin pin;

	(void)state;
	begin(&pin);
	assert_string_equal(ask(NULL), ""); /* a question that is not ours */
	assert_string_equal(ask(&pin), "704215");
	for (int i = 0; i < 3; i++)
		assert_string_equal(ask(&pin), "");
	assert_true(pin.asked && pin.given);
	pin_forget(&pin);
	for (size_t i = 0; i < sizeof pin.credentials; i++)
		assert_int_equal(((const char *)&pin.credentials)[i], 0);
}

static void test_taken(void **state)
{
	struct pin pin;

	(void)state;
	for (int i = 0; i < 5; i++) {
		begin(&pin);
		assert_string_equal(ask(&pin), "704215");
		pin_outcome(&pin, true);
		pin_forget(&pin);
	}
	assert_true(is_given_anew());
}

static void test_refused(void **state)
{
	struct pin pin;

	(void)state;
	begin(&pin);
	assert_string_equal(ask(&pin), "704215");
	pin_outcome(&pin, false);
	pin_forget(&pin);
	for (int i = 0; i < 3; i++)
		assert_false(is_given_anew());
	/* Another file is another PIN. */
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pwrite(file, "704215\n\n", 8, 0), 8);
	assert_true(is_given_anew());
}

/* A crash before the token has answered, twice: then no third time. */
static void test_no_answer(void **state)
{
	(void)state;
	assert_true(is_given_anew());
	assert_true(is_given_anew());
	assert_false(is_given_anew());
}

/* What can't be counted is not given. */
static void test_full_disk(void **state)
{
	struct pin pin;

	(void)state;
	close(note);
	note = open("/dev/null", O_RDWR);
	begin(&pin);
	assert_string_equal(ask(&pin), "");
	assert_true(pin.asked && pin.unkept && !pin.given);
	pin_forget(&pin);
}

static void test_none(void **state)
{
	struct pin pin;

	(void)state;
	assert_int_equal(ftruncate(file, 0), 0);
	begin(&pin);
	assert_string_equal(ask(&pin), "");
	assert_true(pin.asked && !pin.given && !pin.held && !pin.unkept);
}

/* Longer than OpenSSL has room for: it is cut by nobody. */
static void test_too_long(void **state)
{
	static const char longer[] = "0123456789012345678901234567890123456789\n";
	struct pin pin;

	(void)state;
	assert_int_equal(pwrite(file, longer, sizeof longer - 1, 0), sizeof longer - 1);
	begin(&pin);
	assert_string_equal(ask(&pin), "");
	pin_forget(&pin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_once, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_none, setup, teardown),
					   cmocka_unit_test_setup_teardown(test_too_long, setup, teardown)};

	return cmocka_run_group_tests_name("PIN", tests, NULL, NULL);
}
