/* portcullis.conf: defaults, every key, every refusal with its line and hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"
#include "config/config_change.h"
#include "config/config_token.h"

static struct config config;
static struct err e;

static int read_text(const char *text)
{
	char copy[8192];
	size_t length = strlen(text);
	FILE *stream;
	int result;

	assert_true(length < sizeof copy);
	memcpy(copy, text, length + 1);
	stream = fmemopen(copy, length > 0 ? length : 1, "r");
	assert_non_null(stream);
	memset(&e, 0, sizeof e);
	result = config_read_stream(&config, stream, "p.conf", "/etc/portcullis", &e);
	fclose(stream);
	return result;
}

static void assert_refused(const char *text, const char *want)
{
	assert_int_equal(read_text(text), -1);
	assert_string_equal(e.text, want);
}

static void profile_alone_is_complete(void **state)
{
	(void)state;
	assert_int_equal(read_text("profile = \"/etc/x.ovpn\"\n"), 0);
	assert_string_equal(config.profile, "/etc/x.ovpn");
	assert_string_equal(config.interface, "tun0");
	assert_string_equal(config.runtime_dir, "/run/portcullis");
	assert_string_equal(config.state_dir, "/var/lib/portcullis");
	assert_string_equal(config.user.name, "_portcullis");
	assert_false(config.user.known);
	assert_string_equal(config.openvpn_user.name, "_openvpn");
	assert_string_equal(config.openvpn_group.name, "_openvpn");
	assert_string_equal(config.dhcp_user.name, "");
	assert_false(config.lan);
	assert_true(config.links_down);
	assert_true(config.manage_dns);
	assert_string_equal(config.openvpn_binary, "/usr/sbin/openvpn");
	assert_int_equal(config.openvpn_argument_count, 0);
	assert_int_equal(config.lan_side_count, 0);
	assert_string_equal(config.control_socket, "/run/portcullis/control.sock");
	assert_int_equal(config.control_gid, -1);
	assert_string_equal(config.log_file, "/var/log/portcullis/portcullis.log");
	assert_int_equal(config.log_size, 10 * 1024 * 1024);
	assert_int_equal(config.log_keep, 8);
	assert_int_equal(config.log_level, LOG_INFO);
}

static void every_key_is_taken(void **state)
{
	(void)state;
	assert_int_equal(
	    read_text(
		"profile = \"home.ovpn\"\ninterface = \"vpn.1\"\nruntime-dir = \"run\"\n"
		"state-dir = \"/s\"\nbackend = \"nft\"\nuser = 4001\nopenvpn-user = \"someone\"\n"
		"openvpn-group = \"4002\"\ndhcp-user = systemd-network\nlan = true\n"
		"on-unprotected = \"report\"\nnat64 = \"2001:db8:64::/96\"\nopenvpn {\n  binary = \"/o\"\n"
		"  arguments = {\"--verb\", \"4\", \"--sndbuf\", \"0\"}\n}\n"
		"control { socket = \"/c/ctl\" group = 77 }\nmanagement { socket = \"\" }\n"
		"gateway { interfaces = {\"br0\", lan1} }\n"
		"portal-group = 4003\n"
		"dns { manage = false }\nresolver { address = \"2620:fe::fe\" name = \"dns.quad9.net\" "
		"ca-file = \"ca.pem\" }\n"
		"credentials { username = \"me\" password-file = \"secret\" totp-file = \"codes\" "
		"totp-use = \"password-suffix\" key = \"client.key\" key-passphrase-file = \"/words\" }\n"
		"log { file = \"/l\" size = \"64K\" keep = 0 level = \"debug\" }\n"),
	    0);
	assert_string_equal(config.profile, "/etc/portcullis/home.ovpn");
	assert_string_equal(config.interface, "vpn.1");
	assert_string_equal(config.runtime_dir, "/etc/portcullis/run");
	assert_true(config.user.known);
	assert_int_equal(config.user.number, 4001);
	assert_string_equal(config.openvpn_user.name, "someone");
	assert_true(config.openvpn_group.known);
	assert_int_equal(config.openvpn_group.number, 4002);
	assert_int_equal(config.portal_group.number, 4003);
	assert_string_equal(config.dhcp_user.name, "systemd-network");
	assert_true(config.lan);
	assert_false(config.links_down);
	assert_int_equal(config.nat64.length, 96);
	assert_false(config.nat64_off);
	assert_false(config.manage_dns);
	assert_int_equal(config.lan_side_count, 2);
	assert_string_equal(config.lan_side[0], "br0");
	assert_string_equal(config.lan_side[1], "lan1");
	assert_int_equal(config.openvpn_argument_count, 4);
	assert_string_equal(config.openvpn_arguments[3], "0");
	assert_string_equal(config.control_socket, "/c/ctl");
	assert_int_equal(config.control_group.number, 77);
	assert_int_equal(config.resolver.family, NET_IPV6);
	assert_string_equal(config.resolver_name, "dns.quad9.net");
	assert_string_equal(config.resolver_ca, "/etc/portcullis/ca.pem");
	assert_string_equal(config.username, "me");
	assert_string_equal(config.password_file, "/etc/portcullis/secret");
	assert_string_equal(config.totp_file, "/etc/portcullis/codes");
	assert_int_equal(config.totp_use, TOTP_PASSWORD_SUFFIX);
	assert_string_equal(config.key_file, "/etc/portcullis/client.key");
	assert_string_equal(config.passphrase_file, "/words");
	assert_int_equal(config.log_size, 64 * 1024);
	assert_int_equal(config.log_keep, 0);
	assert_int_equal(config.log_level, LOG_DEBUG);
}

static void socket_follows_runtime_dir(void **state)
{
	(void)state;
	assert_int_equal(read_text("runtime-dir = \"/tmp/r\"\n"), 0);
	assert_string_equal(config.control_socket, "/tmp/r/control.sock");
	assert_int_equal(read_text("control { socket = \"/c\" }\nruntime-dir = \"/tmp/r\"\n"), 0);
	assert_string_equal(config.control_socket, "/c");
}

static void unknown_keys_name_the_nearest(void **state)
{
	(void)state;
	assert_refused("lan = true\n\nprofil = \"x\"\n",
		       "p.conf:3: unknown key \"profil\"; instead: did you mean \"profile\"?");
	assert_refused("dns {\n  mange = true\n}\n",
		       "p.conf:2: unknown key \"dns.mange\"; instead: did you mean \"manage\"?");
	assert_refused("binary = \"/x\"\n",
		       "p.conf:1: unknown key \"binary\"; instead: did you mean \"openvpn.binary\"?");
	assert_refused("zzzzzzzz = 1\n",
		       "p.conf:1: unknown key \"zzzzzzzz\"; instead: one that portcullis.conf(5) lists");
	assert_refused("z\x01\xff = 1\n", "p.conf:1: unknown key \"z\\x01\\xff\"; instead: one that "
					  "portcullis.conf(5) lists");
}

static void broken_syntax_has_a_line(void **state)
{
	static const char *const broken[] = {"\nprofile \"x\"\n",
					     "\nprofile = \"x\n",
					     "\nprofile = {a, b}\n",
					     "\nopenvpn = 3\n",
					     "\n}\n",
					     "\n= 3\n",
					     "\nprofile\n",
					     "\nlan += true\n",
					     "\nprofile = }\n",
					     "\n{\n",
					     "\ninclude(\"/etc/x\")\n",
					     "\ncontrol { socket }\n",
					     "\nopenvpn { arguments = { --verb --mute } }\n"};

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		assert_int_equal(read_text(broken[i]), -1);
		assert_memory_equal(e.text, "p.conf:", 7);
		assert_true(e.text[7] >= '2' && e.text[7] <= '3');
		assert_non_null(strstr(e.text, "; instead: "));
	}
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	assert_refused("lan = maybe\n",
		       "p.conf:1: lan: \"maybe\" is neither true nor false; instead: true or false");
	assert_refused("interface = \"a/b\"\n",
		       "p.conf:1: interface: \"a/b\" is not an interface name; instead: at "
		       "most 15 of A-Z a-z 0-9 . _ -");
	assert_refused(
	    "interface = \"sixteen-letters!\"\n",
	    "p.conf:1: interface: \"sixteen-letters!\" is not an interface name; instead: at most 15 of "
	    "A-Z a-z 0-9 . _ -");
	assert_refused("interface = \"\"\n",
		       "p.conf:1: interface: \"\" is not an interface name; instead: at most "
		       "15 of A-Z a-z 0-9 . _ -");
	assert_refused("interface = lo\n",
		       "p.conf:1: interface: lo is the name of loopback, or stands for every link; instead: "
		       "another name, such as tun0");
	assert_refused("backend = pf\n",
		       "p.conf:1: backend: pf does not exist on this platform; instead: auto or nft");
	assert_refused("backend = ntf\n",
		       "p.conf:1: backend: unknown value \"ntf\"; instead: did you mean \"nft\"?");
	for (size_t i = 0; i < 3; i++) {
		static const char *const wrong[] = {"no", "2001:db8::/95", "192.0.2.0/24"};
		char text[64], refusal[256];

		snprintf(text, sizeof text, "nat64 = \"%s\"\n", wrong[i]);
		snprintf(refusal, sizeof refusal,
			 "p.conf:1: nat64: \"%s\" is not a prefix of a NAT64; instead: auto, off, or a "
			 "prefix of 32, "
			 "40, 48, 56, 64 or 96 bits, such as 64:ff9b::/96",
			 wrong[i]);
		assert_refused(text, refusal);
	}
	assert_refused("on-unprotected = \"shout\"\n", "p.conf:1: on-unprotected: unknown value \"shout\"; "
						       "instead: one of links-down, report");
	assert_refused("user = \"\"\n", "p.conf:1: user is empty; instead: a name or a number");
	assert_refused("user = \"a b\"\n", "p.conf:1: user: \"a b\" is neither a name nor a number; instead: "
					   "such as _portcullis or 900");
	assert_refused("runtime-dir = \"\"\n", "p.conf:1: runtime-dir is empty; instead: a path");
	assert_refused("log { level = \"inf\" }\n",
		       "p.conf:1: log.level: unknown value \"inf\"; instead: did you mean \"info\"?");
	assert_refused("log { size = \"12Q\" }\n",
		       "p.conf:1: log.size: \"12Q\" is not a size; instead: bytes, or "
		       "a number with K, M or G, at least 4K");
	assert_refused("log { size = 1 }\n", "p.conf:1: log.size: \"1\" is not a size; instead: bytes, or a "
					     "number with K, M or G, at least 4K");
	assert_refused("log {\n keep = 1001\n}\n",
		       "p.conf:2: log.keep: \"1001\" is out of range; instead: a number from 0 to 1000");
	assert_refused("credentials { username = \"a\\nb\" }\n",
		       "p.conf:1: credentials.username has a control character; instead: plain text");
	assert_refused("lan = true\nlan = false\n",
		       "p.conf:2: lan is given twice, first in line 1; instead: keep one");
}

static void later_keys_are_refused_unless_empty(void **state)
{
	(void)state;
	assert_refused("management { socket = \"/m\" }\n",
		       "p.conf:1: management.socket comes in a later version; instead: leave it empty");
	assert_refused(
	    "credentials {\n keychain = \"vpn\"\n}\n", /* this platform has none */
	    "p.conf:2: credentials.keychain does not exist on this platform; instead: password-file");
	assert_refused("credentials { totp-use = \"suffix\" }\n",
		       "p.conf:1: credentials.totp-use: unknown value \"suffix\"; instead: one of challenge, "
		       "password-suffix");
	assert_refused("resolver { address = \"9.9.9.9\" }\n",
		       "p.conf:1: resolver.address is set without the name that its certificate must have; "
		       "instead: set resolver.name");
	assert_refused("resolver { name = \"dns.quad9.net\" }\n",
		       "p.conf:1: resolver.name is set without an address; instead: set resolver.address");
	assert_refused(
	    "resolver { address = \"dns.quad9.net\" }\n",
	    "p.conf:1: resolver.address: \"dns.quad9.net\" is not the address of a server; instead: "
	    "one address, such as 9.9.9.9");
	assert_refused("resolver { address = \"127.0.0.1\" }\n",
		       "p.conf:1: resolver.address: \"127.0.0.1\" is not the address of a server; instead: "
		       "one address, such as 9.9.9.9");
	assert_refused("resolver { name = \"9.9.9.9\" }\n",
		       "p.conf:1: resolver.name: \"9.9.9.9\" is not a name; instead: such as dns.quad9.net");
	assert_refused("resolver { name = \"a b\" }\n",
		       "p.conf:1: resolver.name: \"a b\" is not a name; instead: such as dns.quad9.net");
}

static void long_socket_paths_are_refused(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof text, "control { socket = \"/%0107d\" }\n", 1);
	assert_refused(text, "p.conf:1: control.socket: longer than a socket's path can be (107); instead: a "
			     "shorter path");
	snprintf(text, sizeof text, "control { socket = \"/%0106d\" }\n", 1);
	assert_int_equal(read_text(text), 0);
	snprintf(text, sizeof text, "control { socket = \"/%0100d/c\" }\n", 1); /* gate.sock would not fit */
	assert_int_equal(read_text(text), -1);
	snprintf(text, sizeof text, "\nruntime-dir = \"/%0105d\"\n", 1);
	assert_refused(text, "p.conf:2: control.socket: longer than a socket's path can be (107); instead: a "
			     "shorter path");
}

static void harmful_arguments_are_refused(void **state)
{
	static const char *const refused[] = {"--script-security",
					      "--plugin",
					      "--management",
					      "--management-hold",
					      "--config",
					      "--daemon",
					      "--user",
					      "--group",
					      "--dev",
					      "--remote",
					      "--log",
					      "--up",
					      "--mark",
					      "--auth-user-pass"};
	static const char *const fine[] = {"--verb", "--sndbuf", "--remote-cert-tls", "--mssfix",
					   "--fast-io"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		snprintf(text, sizeof text, "openvpn { arguments = {\"--verb\", \"3\",\n\"%s\", \"x\"} }\n",
			 refused[i]);
		assert_int_equal(read_text(text), -1);
		assert_memory_equal(e.text, "p.conf:2: openvpn.arguments: --", 31);
		assert_non_null(strstr(e.text, " is refused: "));
	}
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		snprintf(text, sizeof text, "openvpn { arguments = {\"%s\"} }\n", fine[i]);
		assert_int_equal(read_text(text), 0);
	}
	assert_refused(
	    "openvpn { arguments = {\"file.conf\"} }\n",
	    "p.conf:1: openvpn.arguments: \"file.conf\" is not an option; instead: begin with \"--option\"");
	assert_int_equal(read_text("openvpn { arguments = {\"--verb\", \"---config\"} }\n"), -1);
	assert_int_equal(read_text("openvpn { arguments = {a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r} }\n"), -1);
}

static void gateway_is_of_links(void **state)
{
	(void)state;
	assert_refused(
	    "gateway {\n  interfaces = {\"br0\",\n\"not one\"}\n}\n",
	    "p.conf:3: gateway.interfaces: \"not one\" is not an interface name; instead: at most 15 of "
	    "A-Z a-z 0-9 . _ -");
	assert_refused(
	    "gateway { interfaces = {lo} }\n",
	    "p.conf:1: gateway.interfaces: lo is loopback; instead: the link to the clients' network");
	assert_refused("gateway { interfaces = {br0, br1, br0} }\n",
		       "p.conf:1: gateway.interfaces: \"br0\" is given twice; instead: keep one");
	assert_refused("gateway { interfaces = {a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q} }\n",
		       "p.conf:1: gateway.interfaces: too many; instead: at most 16");
	/* The other key may come later. */
	assert_refused("gateway { interfaces = {br0, tun7} }\ninterface = tun7\n",
		       "p.conf:1: gateway.interfaces: tun7 is the tunnel; instead: the links to the clients' "
		       "network");
	assert_refused("gateway { interface = br0 }\n",
		       "p.conf:1: unknown key \"gateway.interface\"; instead: did you mean \"interfaces\"?");
	assert_int_equal(read_text("gateway { }\n"), 0);
	assert_int_equal(config.lan_side_count, 0);
	assert_int_equal(read_text("gateway { interfaces = {} }\n"), 0);
	assert_int_equal(config.lan_side_count, 0);
	assert_int_equal(read_text("gateway { interfaces = {br0}\ninterfaces = {br1} }\n"), 0);
	assert_int_equal(config.lan_side_count, 1); /* as libConfuse has lists: the last */
}

/* --- whole files */

static char directory[] = "/tmp/test_config.XXXXXX";
static char path[sizeof directory + 16];

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	memset(&e, 0, sizeof e);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/p.conf", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

#define NUMBERS "user = 4001 openvpn-user = 4006\nopenvpn-group = 4002\n"

static void numbers_need_no_entry(void **state)
{
	(void)state;
	assert_null(getpwuid(4001)); /* else this shows nothing */
	assert_null(getgrgid(4002));
	write_file(NUMBERS "profile = \"a.ovpn\"\n", 0644);
	assert_int_equal(config_read(&config, path, &e), 0);
	assert_int_equal(config.user.number, 4001);
	assert_int_equal(config.user_gid, 4001);
	assert_int_equal(config.openvpn_group.number, 4002);
	assert_int_equal(strncmp(config.profile, directory, strlen(directory)), 0);
	assert_string_equal(config.profile + strlen(directory), "/a.ovpn");
}

static void names_are_looked_up(void **state)
{
	const struct passwd *entry = getpwnam("daemon");
	struct passwd daemon_was;

	(void)state;
	assert_non_null(entry);
	daemon_was = *entry; /* the entry is overwritten by the next look-up */
	write_file("user = daemon\nopenvpn-group = nogroup\nopenvpn-user = root\ncontrol { group = tty }\n",
		   0644);
	assert_int_equal(config_read(&config, path, &e), 0);
	assert_int_equal(config.user.number, daemon_was.pw_uid);
	assert_int_equal(config.user_gid, daemon_was.pw_gid);
	assert_true(config.openvpn_user.known);
	assert_int_equal(config.openvpn_user.number, 0); /* possible, by name */
	assert_int_equal(config.control_gid, getgrnam("tty")->gr_gid);
}

static void assert_file_refused(const char *what)
{
	char want[512];

	snprintf(want, sizeof want, "%s%s", path, what);
	assert_int_equal(config_read(&config, path, &e), -1);
	assert_string_equal(e.text, want);
}

static void missing_names_come_after_syntax(void **state)
{
	(void)state;
	write_file("\nuser = no-such-user-here\nopenvpn-group = 4002\n", 0644);
	assert_file_refused(
	    ":2: user: \"no-such-user-here\" does not exist on this machine; instead: create it, "
	    "or give a number");
	write_file("\nuser = no-such-user-here\nlan = 7\n", 0644);
	assert_file_refused(":3: lan: \"7\" is neither true nor false; instead: true or false");
	write_file(
	    "user = 4001 openvpn-user = 4006\nopenvpn-group = 4002\ncontrol {\n group = no-such-group\n}\n",
	    0644);
	assert_file_refused(
	    ":4: control.group: \"no-such-group\" does not exist on this machine; instead: create "
	    "it, or give a number");
}

static void identities_that_open_the_hole_are_refused(void **state)
{
	(void)state;
	write_file("user = 0 openvpn-user = 4006\nopenvpn-group = 4002\n", 0644);
	assert_file_refused(":1: user: the driver must not be root; instead: a user of its own");
	write_file("user = 4001 openvpn-user = 4006\nopenvpn-group = 0\n", 0644);
	assert_file_refused(
	    ":2: openvpn-group: with root's group every daemon could use the hole; instead: a group of "
	    "openvpn's own");
	write_file("user = 4001 openvpn-user = 4006\nopenvpn-group = 4001\n", 0644);
	assert_file_refused(
	    ":2: openvpn-group: is also the driver's group; instead: a group of openvpn's own");
	write_file("user = 4001\nopenvpn-group = 4002\n\nopenvpn-user = 4001\n", 0644);
	assert_file_refused(":4: openvpn-user: is also the driver's user; instead: a user of openvpn's own, "
			    "such as _openvpn");
	write_file("user = 4001\nopenvpn-group = 4002\nopenvpn-user = 4007\ndhcp-user = 4007\n", 0644);
	assert_file_refused(":3: openvpn-user: is also the DHCP client's user; instead: a user of openvpn's "
			    "own, such as _openvpn");
}

/* It need not exist, unless it is named; and is nobody else's. */
static void portals_have_a_group_of_their_own(void **state)
{
	static const char *const others[] = {"0", "4001", "4002", "65534"};
	char text[256];

	(void)state;
	write_file("user = 4001 openvpn-user = 4006\nopenvpn-group = 4002\n", 0644);
	assert_int_equal(config_read(&config, path, &e), 0);
	assert_int_equal(config.portal_group.known, getgrnam("_portcullis-portal") != NULL);
	write_file("user = 4001 openvpn-user = 4006\nopenvpn-group = 4002\nportal-group = nobody-s\n", 0644);
	assert_file_refused(
	    ":3: portal-group: \"nobody-s\" does not exist on this machine; instead: create it, "
	    "or give a number");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(text, sizeof text,
			 "user = 4001 openvpn-user = 4006\nopenvpn-group = 4002\nportal-group = %s\n",
			 others[i]);
		write_file(text, 0644);
		assert_file_refused(":3: portal-group: is a group of other programs too; instead: a group of "
				    "its own, without members");
	}
}

/* A default that is not there has no line; empty, which once meant root, is the default. */
static void openvpn_has_a_user_of_its_own(void **state)
{
	const char *const missing =
	    "openvpn-user: \"_openvpn\" does not exist on this machine; instead: create "
	    "it, or give a number";
	char want[256];

	(void)state;
	if (getpwnam("_openvpn") == NULL) {
		snprintf(want, sizeof want, ": %s", missing);
		write_file("user = 4001\nopenvpn-group = 4002\n", 0644);
		assert_file_refused(want);
		snprintf(want, sizeof want, ":3: %s", missing);
		write_file("user = 4001\nopenvpn-group = 4002\nopenvpn-user = \"\"\n", 0644);
		assert_file_refused(want);
	}
	write_file("user = 4001\nopenvpn-group = 4002\nopenvpn-user = 4006\n", 0644);
	assert_int_equal(config_read(&config, path, &e), 0);
	assert_int_equal(config.openvpn_user.number, 4006); /* needs no entry */
}

static void files_of_others_are_refused(void **state)
{
	(void)state;
	write_file(NUMBERS, 0666);
	assert_int_equal(config_read(&config, path, &e), -1);
	assert_non_null(strstr(e.text, " is writable by others; instead: chmod go-w "));
	if (geteuid() == 0) {
		write_file(NUMBERS, 0644);
		assert_int_equal(chown(path, 4003, 4003), 0);
		assert_int_equal(config_read(&config, path, &e), -1);
		assert_non_null(strstr(e.text, " belongs to user 4003; instead: chown root "));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_read(&config, path, &e), -1); /* and does not hang */
	assert_non_null(strstr(e.text, " is not a configuration; instead: name a small regular file"));
	unlink(path);
	assert_int_equal(config_read(&config, path, &e), -1);
	assert_non_null(strstr(
	    e.text, " can't be read: No such file or directory; instead: name a configuration with -c"));
	write_file(NUMBERS, 0600);
	assert_int_equal(config_read(&config, path, &e), 0);
}

static void relative_names_work(void **state)
{
	char cwd[PATH_MAX];

	(void)state;
	write_file(NUMBERS "profile = \"a.ovpn\"\n", 0644);
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(config_read(&config, "p.conf", &e), 0);
	assert_int_equal(chdir(cwd), 0);
	assert_int_equal(config.profile[0], '/');
	assert_non_null(strstr(config.profile, "/a.ovpn"));
}

/* --- the files that it names */

static char named[256]; /* what the cases below make and break */

static void make_named(const char *name, mode_t mode)
{
	int descriptor;

	snprintf(named, sizeof named, "%s/%s", directory, name);
	unlink(named);
	descriptor = open(named, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(descriptor, -1);
	assert_int_equal(fchmod(descriptor, mode), 0);
	close(descriptor);
}

static int check_files(const char *more)
{
	char text[1024];

	snprintf(text, sizeof text, NUMBERS "%s", more);
	write_file(text, 0644);
	assert_int_equal(config_read(&config, path, &e), 0);
	return config_check_files(&config, path, &e);
}

/* ":LINE: KEY: ", the file's path, then `what`. */
static void assert_named_refused(const char *more, const char *where, const char *what)
{
	char want[1024];

	snprintf(want, sizeof want, "%s%s%s %s", path, where, named, what);
	assert_int_equal(check_files(more), -1);
	assert_string_equal(e.text, want);
}

#define PROGRAM "openvpn { binary = \"/bin/sh\" }\n" /* is everywhere */

static void the_profile_is_looked_at(void **state)
{
	const char *const text = "\nprofile = a.ovpn\n" PROGRAM, *const where = ":4: profile: ";
	char target[256];

	(void)state;
	assert_int_equal(check_files(""), -1);
	assert_non_null(strstr(e.text, "/p.conf: no profile is configured; instead: profile = "));
	make_named("a.ovpn", 0644);
	assert_int_equal(check_files(text), 0);
	chmod(named, 0664);
	assert_named_refused(text, where, "may be written by others; instead: chmod go-w");
	if (geteuid() == 0) {
		chmod(named, 0600);
		assert_int_equal(chown(named, 4003, 4003), 0);
		assert_named_refused(text, where, "belongs to somebody else; instead: chown root");
	}
	snprintf(target, sizeof target, "%s/target", directory);
	assert_int_equal(rename(named, target), 0);
	assert_named_refused(text, where, "does not exist; instead: name an existing file");
	assert_int_equal(symlink("target", named), 0);
	assert_named_refused(text, where,
			     "is a link, which root does not follow; instead: name the file itself");
	unlink(named);
	unlink(target);
	assert_int_equal(mkdir(named, 0700), 0);
	assert_named_refused(text, where, "is not a regular file; instead: name a file");
	rmdir(named);
}

static void the_program_is_looked_at(void **state)
{
	const char *const text = "profile = a.ovpn\nopenvpn {\n binary = program\n}\n",
			  *const where = ":5: openvpn.binary: ";

	(void)state;
	make_named("a.ovpn", 0600);
	make_named("program", 0755);
	assert_int_equal(check_files(text), 0);
	chmod(named, 0644);
	assert_named_refused(text, where,
			     "can't be executed by openvpn's user; instead: chmod a+x, or name the program");
	unlink(named);
	assert_named_refused(text, where, "does not exist; instead: install openvpn, or name where it is");
	assert_int_equal(mkdir(named, 0755), 0);
	assert_named_refused(text, where, "is not a regular file; instead: name the program openvpn");
	rmdir(named);
	make_named("program", 0700); /* root's alone */
	assert_named_refused("profile = a.ovpn\nopenvpn { binary = program }\n", ":4: openvpn.binary: ",
			     "can't be executed by openvpn's user; instead: chmod a+x, or name the program");
	unlink(named);
	make_named("a.ovpn", 0600);
	unlink(named);
}

static void the_password_file_is_looked_at(void **state)
{
	const char *const text = "profile = a.ovpn\n" PROGRAM "credentials {\n\n password-file = secret\n}\n";
	const char *const where = ":7: credentials.password-file: ";

	(void)state;
	make_named("a.ovpn", 0600);
	make_named("secret", 0600);
	assert_int_equal(check_files(text), 0);
	for (mode_t bit = 1; bit < 0100; bit <<= 1) {
		chmod(named, 0600 | bit);
		assert_named_refused(text, where, "may be read or written by others; instead: chmod 600");
	}
	unlink(named);
	assert_named_refused(text, where, "does not exist; instead: name an existing file");
	make_named("a.ovpn", 0600);
	unlink(named);
}

static void the_files_of_secrets_are_looked_at(void **state)
{
	static const char *const keys[] = {"totp-file", "key", "key-passphrase-file"};

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		char text[256], where[64];

		snprintf(text, sizeof text, "profile = a.ovpn\n" PROGRAM "credentials {\n\n %s = codes\n}\n",
			 keys[i]);
		snprintf(where, sizeof where, ":7: credentials.%s: ", keys[i]);
		make_named("a.ovpn", 0600);
		make_named("codes", 0600);
		assert_int_equal(check_files(text), 0);
		chmod(named, 0640);
		assert_named_refused(text, where, "may be read or written by others; instead: chmod 600");
		unlink(named);
		assert_named_refused(text, where, "does not exist; instead: name an existing file");
		make_named("a.ovpn", 0600);
		unlink(named);
	}
}

static void assert_token_refused(const char *name, const char *why)
{
	char text[256], refusal[256];

	snprintf(text, sizeof text, "credentials { key = \"%s\" }\n", name);
	snprintf(refusal, sizeof refusal, "p.conf:1: credentials.key: %s", why);
	assert_refused(text, refusal);
}

/* It is no path, and no file is looked for. */
static void a_key_on_a_token(void **state)
{
	static const char a_pin[] =
	    "a PIN in it; instead: credentials.key-passphrase-file, a file with the PIN";
	static const char which[] = "it does not say which token; instead: \"pkcs11:token=NAME;object=NAME\"";
	static const char byte[] = "a blank, '?' or a byte that is not ASCII; instead: %20, %3F and the like";

	(void)state;
	assert_int_equal(read_text("credentials { key = \"pkcs11:token=mine;object=vpn\" }\n"), 0);
	assert_string_equal(config.key_file, "pkcs11:token=mine;object=vpn");
	assert_true(config_is_token(config.key_file));
	assert_int_equal(read_text("credentials { key = \"pkcs11:id=%01;serial=42\" }\n"), 0);
	assert_int_equal(read_text("credentials { key = \"pkcs11\" }\n"), 0); /* a file in this folder */
	assert_string_equal(config.key_file, "/etc/portcullis/pkcs11");
	assert_false(config_is_token(config.key_file));
	assert_token_refused("pkcs11:", which);
	assert_token_refused("pkcs11:object=vpn", which);
	assert_token_refused("pkcs11:object=mytoken=a", which);
	assert_token_refused("pkcs11:token=a;pin-value=1234", a_pin);
	assert_token_refused("pkcs11:token=a?pin-value=1234", a_pin);
	assert_token_refused("pkcs11:token=a;object=b?pin-source=file:/etc/pin", a_pin);
	assert_token_refused("pkcs11:token=a?module-path=/tmp/evil.so", byte);
	assert_token_refused("pkcs11:token=my card", byte);
	assert_token_refused("pkcs11:token=\xc3\xa9", byte);
}

/* Only where no file is named, and only what is there. */
static void what_the_service_manager_has_given(void **state)
{
	char folder[] = "/tmp/portcullis-credentials-XXXXXX", names[4][PATH_MAX];
	static const char *const files[] = {"password", "totp", "key-passphrase", "key"};

	(void)state;
	assert_non_null(mkdtemp(folder));
	config_defaults(&config);
	config_take_credentials(&config, folder);
	config_take_credentials(&config, NULL);
	assert_true(config.password_file[0] == '\0' && config.totp_file[0] == '\0' &&
		    config.passphrase_file[0] == '\0' && config.key_file[0] == '\0');
	for (int i = 0; i < 4; i++) {
		snprintf(names[i], sizeof names[i], "%s/portcullis.%s", folder, files[i]);
		close(open(names[i], O_CREAT | O_WRONLY, 0400));
	}
	config_take_credentials(&config, "tmp");
	assert_string_equal(config.totp_file, "");
	config_take_credentials(&config, folder);
	assert_string_equal(config.password_file, names[0]);
	assert_string_equal(config.totp_file, names[1]);
	assert_string_equal(config.passphrase_file, names[2]);
	assert_string_equal(config.key_file, names[3]);
	config_defaults(&config);
	strcpy(config.keychain, "vpn");
	strcpy(config.totp_file, "/t");
	config_take_credentials(&config, folder);
	assert_string_equal(config.password_file, "");
	assert_string_equal(config.totp_file, "/t");
	for (int i = 0; i < 4; i++)
		unlink(names[i]);
	rmdir(folder);
}

/* A default has no line. */
static void a_default_that_is_missing(void **state)
{
	struct config other;

	(void)state;
	config_defaults(&other);
	write_file("", 0600);
	strcpy(other.profile, path);
	strcpy(other.openvpn_binary, "/no/such/openvpn");
	assert_int_equal(config_check_files(&other, "p.conf", &e), -1);
	assert_string_equal(e.text, "p.conf: openvpn.binary: /no/such/openvpn does not exist; instead: "
				    "install openvpn, or name where it is");
}

/* A file that sets nothing is the defaults. */
static void defaults_without_a_file(void **state)
{
	struct config other;

	(void)state;
	config_defaults(&other);
	assert_int_equal(read_text("# nothing\n"), 0);
	assert_memory_equal(&other, &config, sizeof other);
}

static void assert_changed(const struct config *now, enum config_change change, const char *wanted)
{
	char names[128];

	config_changed(now, &config, change, names, sizeof names);
	assert_string_equal(names, wanted);
}

/* Each kind by itself, in the order of the keys; what is not printed too. */
static void what_differs_is_named(void **state)
{
	static struct config now;

	(void)state;
	assert_int_equal(read_text("log { level = debug }\n"), 0);
	now = config;
	for (int change = CONFIG_RESTART; change <= CONFIG_REDIAL; change++)
		assert_changed(&now, (enum config_change)change, "");
	assert_int_equal(
	    read_text("interface = tun7\nlan = true\nopenvpn { arguments = {\"--fast-io\"} }\n"
		      "on-unprotected = report\nnat64 = off\ngateway { interfaces = {\"eth7\"} }\n"
		      "credentials { username = \"alice\" }\nlog { level = info  keep = 7 }\n"),
	    0);
	assert_changed(&now, CONFIG_RESTART, "interface, gateway.interfaces");
	assert_changed(&now, CONFIG_LIVE, "lan, on-unprotected, nat64, log.keep, log.level");
	assert_changed(&now, CONFIG_NEXT_ATTEMPT, "credentials.username");
	assert_changed(&now, CONFIG_REDIAL, "openvpn.arguments");
	now = config;
	assert_int_equal(
	    read_text("interface = tun7\nlan = true\nopenvpn { arguments = {\"--fast-io\"} }\n"
		      "on-unprotected = report\nnat64 = off\ngateway { interfaces = {\"eth7\"} }\n"
		      "credentials { username = \"bob\" }\nlog { level = info  keep = 7 }\n"),
	    0);
	assert_changed(&now, CONFIG_NEXT_ATTEMPT, "credentials.username");
	config.user.number++; /* another number of the same name */
	assert_changed(&now, CONFIG_RESTART, "user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(profile_alone_is_complete),
	    cmocka_unit_test(every_key_is_taken),
	    cmocka_unit_test(socket_follows_runtime_dir),
	    cmocka_unit_test(unknown_keys_name_the_nearest),
	    cmocka_unit_test(broken_syntax_has_a_line),
	    cmocka_unit_test(wrong_values_are_refused),
	    cmocka_unit_test(later_keys_are_refused_unless_empty),
	    cmocka_unit_test(long_socket_paths_are_refused),
	    cmocka_unit_test(harmful_arguments_are_refused),
	    cmocka_unit_test(gateway_is_of_links),
	    cmocka_unit_test(numbers_need_no_entry),
	    cmocka_unit_test(names_are_looked_up),
	    cmocka_unit_test(missing_names_come_after_syntax),
	    cmocka_unit_test(portals_have_a_group_of_their_own),
	    cmocka_unit_test(openvpn_has_a_user_of_its_own),
	    cmocka_unit_test(identities_that_open_the_hole_are_refused),
	    cmocka_unit_test(files_of_others_are_refused),
	    cmocka_unit_test(relative_names_work),
	    cmocka_unit_test(defaults_without_a_file),
	    cmocka_unit_test(what_differs_is_named),
	    cmocka_unit_test(the_profile_is_looked_at),
	    cmocka_unit_test(the_program_is_looked_at),
	    cmocka_unit_test(the_password_file_is_looked_at),
	    cmocka_unit_test(the_files_of_secrets_are_looked_at),
	    cmocka_unit_test(a_key_on_a_token),
	    cmocka_unit_test(what_the_service_manager_has_given),
	    cmocka_unit_test(a_default_that_is_missing),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
