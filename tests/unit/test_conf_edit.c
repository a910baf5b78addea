/* portcullis.conf with one key set: everything else in it stays, and libConfuse reads the new value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "ctl/conf_edit.h"

static const struct {
	const char *before, *after;
} cases[] = {
    {"", "profile = \"/new\"\n"},
    {"# mine", "# mine\nprofile = \"/new\"\n"},
    {"profile = \"/old\"\n", "profile = \"/new\"\n"},
    {"lan = true\nprofile=/old # this\nbackend = auto\n",
     "lan = true\nprofile=\"/new\" # this\nbackend = auto\n"},
    {"profile\n=\n\t'/old one'\n", "profile\n=\n\t\"/new\"\n"},
    {"\"profile\" = \"a \\\" b\"\n", "\"profile\" = \"/new\"\n"},
    {"# profile = \"/commented\"\n", "# profile = \"/commented\"\nprofile = \"/new\"\n"},
    {"// profile = \"/c\"\n/* profile = \"/d\"\n*/\n",
     "// profile = \"/c\"\n/* profile = \"/d\"\n*/\nprofile = \"/new\"\n"},
    {"/* the */ profile = \"/old\"", "/* the */ profile = \"/new\""},
    {"log { file = \"} profile = {\" }\n", "log { file = \"} profile = {\" }\nprofile = \"/new\"\n"},
    {"openvpn { arguments = {\"--verb\", \"4\"} }\nprofile = \"/old\"\nlan = true\n",
     "openvpn { arguments = {\"--verb\", \"4\"} }\nprofile = \"/new\"\nlan = true\n"},
    {"interface = ${NO_SUCH_NAME:-tun5}\nprofile = ${X}\n",
     "interface = ${NO_SUCH_NAME:-tun5}\nprofile = \"/new\"\n"},
    {"user = profile\n", "user = profile\nprofile = \"/new\"\n"},
    {"state-dir = \"${X:-\"}profile = \"\n", "state-dir = \"${X:-\"}profile = \"\nprofile = \"/new\"\n"},
};

static void read_back(const char *text, struct config *config)
{
	struct err e = {""};
	FILE *stream = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(stream);
	if (config_read_stream(config, stream, "p.conf", "/d", &e) == -1)
		fail_msg("%s: %s", text, e.text);
	fclose(stream);
}

static void every_other_byte_stays(void **state)
{
	static struct config config;
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *edited = conf_edit(cases[i].before, "profile", "/new", &e);

		assert_non_null(edited);
		assert_string_equal(edited, cases[i].after);
		read_back(edited, &config);
		assert_string_equal(config.profile, "/new");
		free(edited);
	}
}

/* The sample that is installed, with the key set, is the sample but for that line. */
static void the_sample(void **state)
{
	static char text[64 * 1024];
	static struct config before, after;
	struct err e = {""};
	FILE *file = fopen("conf/portcullis.conf", "r");
	char *edited;

	(void)state;
	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	edited = conf_edit(text, "profile", "/etc/portcullis/profiles/work.ovpn", &e);
	assert_non_null(edited);
	read_back(text, &before);
	read_back(edited, &after);
	assert_string_equal(after.profile, "/etc/portcullis/profiles/work.ovpn");
	strcpy(after.profile, before.profile);
	assert_memory_equal(&before, &after, sizeof before);
	free(edited);
}

static void what_is_not_whole_is_refused(void **state)
{
	static const char *const bad[] = {"log {\n",
					  "}\n",
					  "profile = \"/old\n",
					  "/* for ever\n",
					  "profile = 'x",
					  "profile =",
					  "profile = {1}",
					  "profile = }",
					  "profile = # so\n\"/old\"\n",
					  "lan = ${open\n",
					  "profile = //x\n"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e.text[0] = '\0';
		assert_null(conf_edit(bad[i], "profile", "/new", &e));
		assert_non_null(strstr(e.text, "; instead: "));
	}
	assert_null(conf_edit("", "profile", "/a\"b", &e));
	assert_null(conf_edit("", "profile", "/a\\b", &e));
	assert_null(conf_edit("", "profile", "/${HOME}", &e));
	assert_null(conf_edit("", "profile", "/a\nb", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_other_byte_stays),
	    cmocka_unit_test(the_sample),
	    cmocka_unit_test(what_is_not_whole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
