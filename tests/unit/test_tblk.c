/* Tunnelblick's bundles, names, places and settings, and property lists; without any file system.
 * Where its layouts and keys are from is said in tests/e2e/test_tblk.py. The property lists under data/plist
 * are written by Python's plistlib; those in this file are written from plist(5) and CFBinaryPList.c. */
#include "profile_test.h"

#include "base/shown.h"
#include "ctl/tunnelblick/bundle.h"
#include "ctl/tunnelblick/plist.h"
#include "ctl/tunnelblick/settings.h"

#define PLISTS "tests/unit/data/plist/"

/* --- property lists */

struct told {
	char text[4096]; /* "key=value\n" each */
	size_t used;
};

static void collect(const char *key, const char *value, void *argument)
{
	struct told *told = argument;

	told->used +=
	    (size_t)snprintf(told->text + told->used, sizeof told->text - told->used, "%s=%s\n", key, value);
	assert_true(told->used < sizeof told->text);
}

static int read_bytes(const char *bytes, size_t length, struct told *told, struct err *e)
{
	char *exact = malloc(length > 0 ? length : 1);
	int result;

	assert_non_null(exact);
	memcpy(exact, bytes, length);
	*told = (struct told){.used = 0};
	e->text[0] = '\0';
	result = plist_read(exact, length, collect, told, e);
	free(exact);
	assert_int_equal(result == -1, e->text[0] != '\0');
	return result;
}

static void test_plist_kinds(void **state)
{
	static const char *const files[] = {PLISTS "all-kinds.xml", PLISTS "all-kinds.binary"};
	static const char *const lines[] = {
	    "TBPackageVersion=1\n",
	    "TBPreferenceuseDNS=0\n",
	    "yes=1\n",
	    "no=0\n",
	    "big=1099511627776\n",
	    "negative=-5\n",
	    "byte=200\n",
	    "B\xc3\xbcro \xf0\x9d\x84\x9e=\xc3\xa4<&>\"'\n",
	    "Work-openvpnVersion=2.6.12\n",
	    "empty=\n",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct told told;
		struct err e;
		size_t length;
		char *bytes = read_data(files[i], &length);

		assert_int_equal(read_bytes(bytes, length, &told, &e), 0);
		for (size_t j = 0; j < sizeof lines / sizeof *lines; j++) {
			if (strstr(told.text, lines[j]) == NULL)
				fail_msg("%s: no %s in %s", files[i], lines[j], told.text);
		}
		/* What is in a container is not of the first level; a date is no text. */
		assert_null(strstr(told.text, "when="));
		assert_null(strstr(told.text, "inner="));
		assert_ptr_equal(strstr(strstr(told.text, "yes=") + 1, "yes="), NULL);
		/* Cut anywhere it is refused or tells less; nothing beyond its end is read. */
		for (size_t cut = 0; cut < length; cut++) {
			struct told less;

			read_bytes(bytes, cut, &less, &e);
			assert_true(less.used <= told.used);
		}
		free(bytes);
	}
}

static void test_plist_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "x",
	    "<plist>",
	    "<plist><array/></plist>",
	    "<dict></dict>",
	    "<plist><dict><string>a</string></dict></plist>",
	    "<plist><dict><key>a</key></dict></plist>",
	    "<plist><dict><key>a</key><string>b</dict></plist>",
	    "<plist><dict><key>a</key><string>&b;</string></dict></plist>",
	    "<plist><dict><key>a</key><string>&#0;</string></dict></plist>",
	    "<plist><dict><key>a</key><string>&#x110000;</string></dict></plist>",
	    "<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><dict><key>a</key><string>b</string></dict></plist>",
	    "<plist><dict><key>a</key><string>b</string>",
	    "bplist01",
	    "bplist00",
	    "<!-- <plist><dict/></plist>",
	};
	struct told told;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (read_bytes(texts[i], strlen(texts[i]), &told, &e) == 0)
			fail_msg("taken: %s", texts[i]);
	}
	/* The control. */
	assert_int_equal(read_bytes("<plist><dict><key>a</key><string>b</string></dict></plist>",
				    strlen("<plist><dict><key>a</key><string>b</string></dict></plist>"),
				    &told, &e),
			 0);
	assert_string_equal(told.text, "a=b\n");
	assert_int_equal(read_bytes("<?xml?>\xef\xbb\xbf", 10, &told, &e), -1);
}

static void test_plist_nesting(void **state)
{
	char text[8192] = "<plist><dict><key>a</key>";
	struct told told;
	struct err e;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(text, "<array>");
	for (int i = 0; i < 300; i++)
		strcat(text, "</array>");
	strcat(text, "</dict></plist>");
	assert_int_equal(read_bytes(text, strlen(text), &told, &e), -1);
	assert_non_null(strstr(e.text, "nested too deeply"));
	/* A value longer than any of ours is left out, and the rest is told. */
	snprintf(text, sizeof text,
		 "<plist><dict><key>a</key><string>%02000d</string><key>b</key><true/></dict></plist>", 7);
	assert_int_equal(read_bytes(text, strlen(text), &told, &e), 0);
	assert_string_equal(told.text, "b=1\n");
}

static void count(const char *key, const char *value, void *argument)
{
	assert_true(strlen(key) < PLIST_TEXT_SIZE && strlen(value) < PLIST_TEXT_SIZE);
	++*(size_t *)argument;
}

/* A binary one whose parts point where they should not: each byte in turn. */
static void test_plist_bytes_changed(void **state)
{
	static const unsigned char wrong[] = {0x00, 0x0f, 0x1f, 0x5f, 0x7f, 0xdf, 0xff};
	size_t length, refused = 0;
	char *bytes = read_data(PLISTS "all-kinds.binary", &length), *exact = malloc(length);

	(void)state;
	assert_non_null(exact);
	for (size_t i = 0; i < length; i++) {
		for (size_t j = 0; j < sizeof wrong; j++) {
			size_t told = 0;
			struct err e = {""};

			memcpy(exact, bytes, length);
			exact[i] = (char)wrong[j];
			refused += plist_read(exact, length, count, &told, &e) == -1;
			assert_true(told <= 17);
		}
	}
	assert_true(refused > 0 && refused < length * sizeof wrong);
	free(exact);
	free(bytes);
}

/* --- which are configurations */

/* Kind and path each; the names that come of it, as "display>name path\n". */
static const char *chosen(const char *bundle, const char *const *lines, struct err *e)
{
	static struct tblk all[TBLK_MAX];
	static char text[4096];
	struct tblk_list list = {all, 0};
	struct folder_item items[16];
	struct folder_list found = {items, 0};
	size_t used = 0;

	for (; lines[found.count] != NULL; found.count++) {
		char kind = lines[found.count][0];

		items[found.count].kind = kind == 'f'   ? FOLDER_FILE
					  : kind == 'd' ? FOLDER_FOLDER
					  : kind == 'l' ? FOLDER_LINK
							: FOLDER_OTHER;
		items[found.count].path = strdup(lines[found.count] + 1);
	}
	e->text[0] = text[0] = '\0';
	tblk_choose(&found, bundle, &list, e);
	for (size_t i = 0; i < list.count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s>%s %s\n", all[i].display,
					 all[i].name, all[i].path);
	for (size_t i = 0; i < found.count; i++)
		free(items[i].path);
	return text;
}

#define CHOSEN(bundle, e, ...) chosen(bundle, (const char *const[]){__VA_ARGS__, NULL}, e)

static void test_choose(void **state)
{
	struct err e;

	(void)state;
	assert_string_equal(CHOSEN("/x/Work.tblk", &e, "dContents", "dContents/Resources",
				   "fContents/Info.plist", "fContents/Resources/ca.crt",
				   "fContents/Resources/config.ovpn"),
			    "Work>Work Contents/Resources/config.ovpn\n");
	assert_string_equal(CHOSEN("Work.tblk/", &e, "fany.CONF"), "Work>Work any.CONF\n");
	assert_string_equal(CHOSEN("W.tblk", &e, "fa.conf", "fa.ovpn"), "W>W a.ovpn\n");
	assert_string_equal(CHOSEN("W.tblk", &e, "fa.conf", "fd/a.ovpn"), "a>a a.conf\nd/a>d-a d/a.ovpn\n");
	/* An .ovpn that is a folder or a link outdoes nothing. */
	assert_string_equal(CHOSEN("W.tblk", &e, "fa.conf", "da.ovpn"), "W>W a.conf\n");
	assert_string_equal(
	    CHOSEN("W.tblk", &e, "fContents/Resources/a b.ovpn", "fContents/Resources/a-b.ovpn"),
	    "a b>a-b Contents/Resources/a b.ovpn\na-b>a-b-2 Contents/Resources/a-b.ovpn\n");
	assert_string_equal(
	    CHOSEN("W.tblk", &e, "fx.ovpn", "dI.tblk", "fI.tblk/Contents/Resources/config.ovpn"),
	    "W>W x.ovpn\nI>I I.tblk/Contents/Resources/config.ovpn\n");
}

static void test_choose_none(void **state)
{
	struct err e;

	(void)state;
	CHOSEN("W.tblk", &e, "fca.crt", "fconfig.ovpn.txt");
	assert_non_null(strstr(e.text, "no configuration"));
	CHOSEN("W.tblk", &e, "lconfig.ovpn");
	assert_non_null(strstr(e.text, "config.ovpn: a link, and links are not followed; instead: "));
	CHOSEN("W.tblk", &e, "oconfig.ovpn");
	assert_non_null(strstr(e.text, "config.ovpn: not a regular file; instead: "));
	CHOSEN("W.tblk", &e, "fA.tblk/B.tblk/c.ovpn");
	assert_non_null(strstr(e.text, "a bundle in a bundle in a bundle"));
	CHOSEN("W.tblk", &e, "fA.tblk/a.ovpn", "fA.tblk/b.ovpn");
	assert_non_null(strstr(e.text, "A.tblk: more than one configuration"));
	CHOSEN("W.tblk", &e, "l\x1b[31m.ovpn");
	assert_non_null(strstr(e.text, "\\x1b[31m.ovpn: a link"));
}

static void test_names(void **state)
{
	static const char *const names[][2] = {
	    {"Work", "Work"},        {"My VPN (2)", "My-VPN-2"},
	    {"a/b", "a-b"},          {"..", "tblk"},
	    {".hidden", "hidden"},   {"-x", "x"},
	    {"B\xc3\xbcro", "B-ro"}, {"", ""},
	    {"\xe2\x98\x83", ""},    {"a_b.c-d", "a_b.c-d"},
	};
	char name[TBLK_NAME_SIZE], large[300];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		bool none = names[i][1][0] == '\0' || strcmp(names[i][1], "tblk") == 0;

		tblk_name(names[i][0], name);
		assert_string_equal(name, none ? "tunnelblick" : names[i][1]);
	}
	memset(large, 'a', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	tblk_name(large, name);
	assert_int_equal(strlen(name), 60);
}

/* --- where it lies */

static void test_places(void **state)
{
	static const struct {
		const char *path;
		enum tblk_kind kind;
		const char *root, *home, *display;
	} places[] = {
	    {"/Library/Application Support/Tunnelblick/Shared/Work.tblk", TBLK_SHARED, "", "", "Work"},
	    {"/mnt/d/Library/Application Support/Tunnelblick/Shared/In/Work.tblk", TBLK_SHARED, "/mnt/d", "",
	     "In/Work"},
	    {"/Users/al/Library/Application Support/Tunnelblick/Configurations/Work.tblk/", TBLK_PRIVATE, "",
	     "/Users/al", "Work"},
	    {"/mnt/Users/al/Library/Application Support/Tunnelblick/Configurations/W.tblk", TBLK_PRIVATE,
	     "/mnt", "/mnt/Users/al", "W"},
	    {"/Library/Application Support/Tunnelblick/Users/al/Sub/Work.tblk", TBLK_SHADOW, "", "/Users/al",
	     "Sub/Work"},
	    {"/Applications/Tunnelblick.app/Contents/Resources/Deploy/Work.tblk", TBLK_DEPLOYED, "", "",
	     "Work"},
	    {"/Users/al/Downloads/Work.tblk", TBLK_ELSEWHERE, "", "", ""},
	    {"/Library/Application Support/Tunnelblick/Users/Work.tblk", TBLK_ELSEWHERE, "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct tblk_place place;

		tblk_place(places[i].path, &place);
		assert_int_equal(place.kind, places[i].kind);
		assert_string_equal(place.root, places[i].root);
		assert_string_equal(place.home, places[i].home);
		assert_string_equal(place.display, places[i].display);
	}
}

static void test_launch_daemon(void **state)
{
	char file[128];

	(void)state;
	assert_int_equal(tblk_launch_daemon("a-b.c/d", file, sizeof file), 0);
	assert_string_equal(file, "net.tunnelblick.tunnelblick.startup.a--b-Dc-Sd.plist");
	assert_int_equal(tblk_launch_daemon("a-b.c/d", file, 20), -1);
}

/* --- settings */

static const char *line_of(const struct tblk_settings *settings, const char *with)
{
	static char line[TBLK_LINE_SIZE];

	for (size_t i = 0; i < TBLK_SETTINGS; i++) {
		if (tblk_settings_line(settings, i, line) != NULL && strstr(line, with) != NULL)
			return line;
	}
	return "";
}

static void test_settings_ranks(void **state)
{
	struct tblk_settings settings = {.display = "Work"};

	(void)state;
	assert_string_equal(line_of(&settings, "dns"), "");
	tblk_settings_read(&settings, TBLK_USER, "WorkshopuseDNS", "0");
	tblk_settings_read(&settings, TBLK_USER, "Work-useDNS", "0");
	tblk_settings_read(&settings, TBLK_USER, "*", "0");
	assert_string_equal(line_of(&settings, "dns"), "");
	tblk_settings_read_info(&settings, "TBPreferenceuseDNS", "0");
	assert_string_equal(line_of(&settings, "dns"), "dns { manage = false }");
	tblk_settings_read(&settings, TBLK_USER, "*DNS", "3");
	assert_string_equal(line_of(&settings, "dns"), "dns { manage = true }");
	tblk_settings_read(&settings, TBLK_USER, "WorkuseDNS", "0");
	tblk_settings_read(&settings, TBLK_USER, "*kuseDNS", "1");
	tblk_settings_read_info(&settings, "TBPreferenceuseDNS", "1");
	assert_string_equal(line_of(&settings, "dns"), "dns { manage = false }");
	tblk_settings_read_info(&settings, "TBAlwaysSetPreferenceuseDNS", "1");
	assert_string_equal(line_of(&settings, "dns"), "dns { manage = true }");
	tblk_settings_read(&settings, TBLK_FORCED, "*useDNS", "0");
	tblk_settings_read(&settings, TBLK_FORCED, "*XuseDNS", "1");
	assert_string_equal(line_of(&settings, "dns"), "dns { manage = false }");
}

static void test_settings_lines(void **state)
{
	struct tblk_settings settings = {.display = "Work"};

	(void)state;
	tblk_settings_read(&settings, TBLK_USER, "Work-openvpnVersion", "2.6\n\x1b[31m");
	assert_non_null(strstr(line_of(&settings, "OpenVPN 2.6"), "2.6\\x0a\\x1b[31m: dropped"));
	tblk_settings_read(&settings, TBLK_USER, "Work-loggingLevel", "0");
	assert_non_null(
	    strstr(line_of(&settings, "logging"), "logging level 0: dropped; instead: log { level = }"));
	tblk_settings_read(&settings, TBLK_USER, "Work-keepConnected", "0");
	assert_string_equal(line_of(&settings, "keep connected"), "");
	tblk_settings_read(&settings, TBLK_USER, "Work-keepConnected", "YES");
	assert_string_equal(line_of(&settings, "keep connected"), "# keep connected: Portcullis always does");
	assert_null(tblk_settings_line(&settings, TBLK_SETTINGS, (char[TBLK_LINE_SIZE]){""}));
	tblk_settings_read_info(&settings, "TBUninstall", "");
	assert_true(settings.uninstalls);
}

static void test_settings_connect(void **state)
{
	struct tblk_settings settings = {.display = "Work"};

	(void)state;
	tblk_settings_read(&settings, TBLK_USER, "Work-onSystemStart", "1");
	assert_false(tblk_settings_connects(&settings));
	assert_false(tblk_settings_connects_at_start(&settings));
	tblk_settings_read(&settings, TBLK_USER, "WorkautoConnect", "1");
	assert_true(tblk_settings_connects_at_start(&settings));
	assert_int_equal(tblk_settings_connects_by(&settings), TBLK_USER);
	tblk_settings_read(&settings, TBLK_FORCED, "*autoConnect", "0");
	assert_false(tblk_settings_connects(&settings));
}

static void test_scripts(void **state)
{
	(void)state;
	assert_non_null(strstr(tblk_script("Contents/Resources/1.up.tunnelblick.sh"),
			       "DNS and routes are set by Portcullis"));
	assert_non_null(strstr(tblk_script("password-append.user.sh"), "; instead: credentials"));
	assert_non_null(strstr(tblk_script("route-pre-down.tunnelblick.sh"), "the gate shuts"));
	assert_non_null(tblk_script("pre-connect.sh"));
	assert_null(tblk_script("ca.crt"));
	assert_null(tblk_script("sh"));
}

/* --- names on a terminal and in a shell */

static void test_shown(void **state)
{
	static const char *const texts[][3] = {
	    {"a b", "a b", "'a b'"},
	    {"/plain/a-b_c.tblk", "/plain/a-b_c.tblk", "/plain/a-b_c.tblk"},
	    {"", "", "''"},
	    {"-x", "-x", "'-x'"},
	    {"it's", "it's", "'it'\\''s'"},
	    {"$(x)", "$(x)", "'$(x)'"},
	    {"B\xc3\xbcro", "B\xc3\xbcro", "'B\xc3\xbcro'"},
	    {"a\nb'", "a\\x0ab'", "$'a\\012b\\047'"},
	    {"\x1b[31m\\", "\\x1b[31m\\x5c", "$'\\033[31m\\134'"},
	    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "$'\\342\\200\\256'"}, /* turns the direction */
	    {"\xc2\x9b", "\\xc2\\x9b", "$'\\302\\233'"},               /* CSI in one byte */
	    {"\xc0\xaf", "\\xc0\\xaf", "$'\\300\\257'"},               /* not its shortest form */
	    {"\xff", "\\xff", "$'\\377'"},
	    {"\xc3", "\\xc3", "$'\\303'"},
	};
	char to[64], small[8];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_string_equal(shown(to, sizeof to, texts[i][0]), texts[i][1]);
		assert_string_equal(shown_word(to, sizeof to, texts[i][0]), texts[i][2]);
	}
	assert_null(shown_word(small, sizeof small, "a long one"));
	assert_int_equal(strlen(shown(small, sizeof small, "a long one")), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plist_kinds),    cmocka_unit_test(test_plist_refused),
	    cmocka_unit_test(test_plist_nesting),  cmocka_unit_test(test_plist_bytes_changed),
	    cmocka_unit_test(test_choose),         cmocka_unit_test(test_choose_none),
	    cmocka_unit_test(test_names),          cmocka_unit_test(test_places),
	    cmocka_unit_test(test_launch_daemon),  cmocka_unit_test(test_settings_ranks),
	    cmocka_unit_test(test_settings_lines), cmocka_unit_test(test_settings_connect),
	    cmocka_unit_test(test_scripts),        cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
