/* Stand-ins for ifconfig, route and what else a device of a BSD asks of its platform, which write down what
 * they are told. What they answer is written after ifconfig(8) and route(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/netwatch/netwatch.h"
#include "os/process/tool_paths.h"
#include "os/route/tun_freebsd.h"
#include "tests/unit/device_standin.h"

static char folder[64] = "/tmp/portcullis-device.XXXXXX";
char standin_told[16 * 1024];
bool standin_exists;

/* Each call is a line of `calls`; one that `fail` is a part of fails. `group` is who is in our group;
 * way-ADDRESS the answer of `route get`. */
static const char standin[] =
    "#!/bin/sh\n"
    "d=${0%/*}\n"
    "echo \"${0##*/} $*\" >>\"$d/calls\"\n"
    "if [ -f \"$d/fail\" ]; then case \"$*\" in *\"$(cat \"$d/fail\")\"*) exit 1;; esac; fi\n"
    "case \"$*\" in\n"
    "\"-g portcullis\") [ ! -f \"$d/group\" ] || cat \"$d/group\";;\n"
    "\"-n get \"*) for last; do :; done; exec cat \"$d/way-$last\";;\n"
    "esac\n";

char *standin_path(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

void standin_put(const char *name, const char *text, unsigned mode)
{
	FILE *file = fopen(standin_path(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(standin_path(name), mode), 0);
}

const char *standin_calls(void)
{
	FILE *file = fopen(standin_path("calls"), "r");

	standin_told[0] = '\0';
	if (file != NULL) {
		standin_told[fread(standin_told, 1, sizeof standin_told - 1, file)] = '\0';
		fclose(file);
	}
	unlink(standin_path("calls"));
	return standin_told;
}

/* --- what the platform would say ----------------------------------------------------------- */

const char *tool_path(enum tool tool)
{
	return standin_path(tool == TOOL_IFCONFIG ? "ifconfig" : tool == TOOL_ROUTE ? "route" : "none");
}

static void note(const char *line)
{
	FILE *file = fopen(standin_path("calls"), "a");

	assert_non_null(file);
	fprintf(file, "%s\n", line);
	fclose(file);
}

unsigned netwatch_index(const char *name)
{
	(void)name;
	return standin_exists ? 7 : 0;
}

char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	return index == 0 ? NULL : strcpy(name, index == 4 ? "em0" : "wlan0");
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	char line[128], text[NET_ENDPOINT_TEXT];

	(void)e;
	snprintf(line, sizeof line, "clean %s", net_endpoint_text(endpoint, text));
	note(line);
	return 0;
}

int tun_give(const char *name, uint32_t uid, uint32_t gid, struct err *e)
{
	char line[64];

	snprintf(line, sizeof line, "give %s %u %u", name, uid, gid);
	note(line);
	return access(standin_path("no-node"), F_OK) == 0 ? err_set(e, "no node") : 0;
}

int tun_destroy(const char *name, struct err *e)
{
	char line[64];

	(void)e;
	snprintf(line, sizeof line, "destroy %s", name);
	note(line);
	standin_exists = false;
	return 0;
}

int standin_clear(void **state)
{
	static const char *const files[] = {"calls", "fail", "group", "no-node"};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(standin_path(files[i]));
	standin_exists = false;
	return 0;
}

int standin_prepare(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	standin_put("ifconfig", standin, 0755);
	standin_put("route", standin, 0755);
	standin_put(
	    "way-203.0.113.7",
	    "   route to: 203.0.113.7\ndestination: 0.0.0.0\n       mask: 0.0.0.0\n    gateway: 192.168.1.1\n"
	    "        fib: 0\n  interface: em0\n      flags: <UP,GATEWAY,DONE,STATIC>\n"
	    " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n"
	    "       0         0         0         0      1500         1         0\n",
	    0644);
	return 0;
}

int standin_tidy(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

struct wire_tunnel standin_tunnel(const char *four, const char *six)
{
	struct wire_tunnel tunnel = {.length4 = 24, .length6 = 64, .mtu = 1500};

	assert_int_equal(text_copy(tunnel.name, sizeof tunnel.name, standin_device), 0);
	if (four != NULL)
		assert_int_equal(net_address_parse(four, &tunnel.address4), 0);
	if (six != NULL)
		assert_int_equal(net_address_parse(six, &tunnel.address6), 0);
	return tunnel;
}

void standin_way(const char *address, const char *link)
{
	char name[64], text[160];

	snprintf(name, sizeof name, "way-%s", address);
	snprintf(text, sizeof text, "   route to: %s\n  interface: %s\n", address, link);
	standin_put(name, text, 0644);
}

struct route_desired standin_desired(const struct situation *s, const struct wire_tunnel *tunnel)
{
	standin_way("192.0.2.1", standin_device);
	standin_way("2001:db8::1", standin_device);
	return (struct route_desired){
	    .situation = s, .openvpn = 501, .tunnel = tunnel, .index = 7, .redirect = true};
}

struct situation standin_situation(const char *endpoint)
{
	struct situation s = {.state = POLICY_DIALLING};

	assert_int_equal(net_endpoint_parse(endpoint, &s.endpoint), 0);
	return s;
}

void standin_shut(void)
{
	struct err e = {""};

	assert_int_equal(route_remove(&e), 0);
	(void)standin_calls();
}
