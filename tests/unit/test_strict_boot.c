/* What networksetup and dscl say, and the note of strict boot. The samples are written from networksetup(8)
 * and dscl(1); the names are such as System Settings gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "os/service/account_dscl_list.h"
#include "os/service/strict_boot_list.h"

static struct network_services services;
static struct err e;

#define EXPLANATION "An asterisk (*) denotes that a network service is disabled.\n"

static void names_with_blanks_and_asterisks(void **state)
{
	(void)state;
	assert_int_equal(services_parse_listing(EXPLANATION
						"Wi-Fi\n*Thunderbolt Bridge\nUSB 10/100/1000 LAN\n"
						"*B\xc3\xbcro\n* odd\n",
						&services, &e),
			 0);
	assert_int_equal(services.count, 5);
	assert_string_equal(services.list[0].name, "Wi-Fi");
	assert_true(services.list[0].on);
	assert_string_equal(services.list[1].name, "Thunderbolt Bridge");
	assert_false(services.list[1].on);
	assert_string_equal(services.list[2].name, "USB 10/100/1000 LAN");
	assert_string_equal(services.list[3].name, "B\xc3\xbcro");
	assert_string_equal(services.list[4].name, " odd");
	assert_int_equal(services_parse_listing(EXPLANATION, &services, &e), 0);
	assert_int_equal(services.count, 0);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "Wi-Fi\n",
	    "Wi-Fi\n" EXPLANATION,
	    "You must run this tool as root.\n",
	    EXPLANATION "Wi-F",
	    EXPLANATION "\n",
	    EXPLANATION "*\n",
	    EXPLANATION "Wi\x1b-Fi\n",
	    "An asterisk (*) denotes",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e.text[0] = '\0';
		assert_int_equal(services_parse_listing(bad[i], &services, &e), -1);
		assert_true(e.text[0] != '\0');
	}
}

static void more_and_longer_than_there_is_room(void **state)
{
	static char text[SERVICES_TEXT_SIZE + 1024];
	size_t used = 0;

	(void)state;
	used += (size_t)snprintf(text, sizeof text, "%s", EXPLANATION);
	for (int i = 0; i < SERVICES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "service %d\n", i);
	assert_int_equal(services_parse_listing(text, &services, &e), 0);
	snprintf(text + used, sizeof text - used, "one more\n");
	assert_int_equal(services_parse_listing(text, &services, &e), -1);
	snprintf(text, sizeof text, "%s%0*d\n", EXPLANATION, SERVICE_NAME_SIZE - 1, 0);
	assert_int_equal(services_parse_listing(text, &services, &e), 0);
	snprintf(text, sizeof text, "%s%0*d\n", EXPLANATION, SERVICE_NAME_SIZE, 0);
	assert_int_equal(services_parse_listing(text, &services, &e), -1);
}

static void a_note_holds_what_is_on(void **state)
{
	static struct network_services note;
	char text[SERVICES_TEXT_SIZE];

	(void)state;
	assert_int_equal(services_parse_listing(EXPLANATION "Wi-Fi\n*Old\nLAN 1\n", &services, &e), 0);
	services_print_note(&services, text);
	assert_string_equal(text, "Wi-Fi\nLAN 1\n");
	assert_int_equal(services_parse_note(text, &note, &e), 0);
	assert_int_equal(note.count, 2);
	assert_string_equal(note.list[1].name, "LAN 1");
	assert_int_equal(services_parse_note("Wi-Fi\nLA", &note, &e), -1);
	assert_int_equal(services_parse_note("", &note, &e), 0);
}

/* A torn end: Wi-Fi is off already, by us. The next note has it all the same; what has gone has not. */
static void a_note_is_taken_over(void **state)
{
	static struct network_services note;
	char text[SERVICES_TEXT_SIZE];

	(void)state;
	assert_int_equal(services_parse_note("Wi-Fi\nunplugged\n", &note, &e), 0);
	assert_int_equal(services_parse_listing(EXPLANATION "*Wi-Fi\n*Old\nLAN\n", &services, &e), 0);
	services_mark(&services, &note);
	services_print_note(&services, text);
	assert_string_equal(text, "Wi-Fi\nLAN\n");
}

static const char listing[] = "_amavisd                 83\n"
			      "_x                       499\n"
			      "nobody                   -2\n"
			      "no number                \n"
			      "root                     0\n";

static void numbers_of_names(void **state)
{
	int64_t number;

	(void)state;
	assert_int_equal(dscl_number_of(listing, "_x", &number), 0);
	assert_int_equal(number, 499);
	assert_int_equal(dscl_number_of(listing, "nobody", &number), 0);
	assert_int_equal(number, -2);
	assert_int_equal(dscl_number_of(listing, "root", &number), 0);
	assert_int_equal(dscl_number_of(listing, "roo", &number), -1);
	assert_int_equal(dscl_number_of(listing, "_amavis", &number), -1);
	assert_int_equal(dscl_number_of(listing, "no", &number), -1);
	assert_int_equal(dscl_number_of("", "root", &number), -1);
	assert_int_equal(dscl_number_of("root", "root", &number), -1);
	assert_int_equal(dscl_number_of("root 4x", "root", &number), -1);
}

static void numbers_that_are_free(void **state)
{
	(void)state;
	assert_false(dscl_is_free(listing, 499));
	assert_false(dscl_is_free(listing, 0));
	assert_true(dscl_is_free(listing, 498));
	assert_true(dscl_is_free(listing, 49));
	assert_true(dscl_is_free("", 0));
	assert_false(dscl_is_free("a 7", 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_with_blanks_and_asterisks),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(more_and_longer_than_there_is_room),
	    cmocka_unit_test(a_note_holds_what_is_on),
	    cmocka_unit_test(a_note_is_taken_over),
	    cmocka_unit_test(numbers_of_names),
	    cmocka_unit_test(numbers_that_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
