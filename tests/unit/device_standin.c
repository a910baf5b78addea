/* Stand-ins for ifconfig, route, the route socket and what else a device of a BSD asks of its platform, which
 * write down what they are told. What they answer is written after ifconfig(8), route(8) and route(4). */
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
#include "os/netwatch/bsd/route_socket.h"
#include "os/netwatch/netwatch.h"
#include "os/process/tool_paths.h"
#include "os/route/tun_freebsd.h"
#include "tests/unit/device_standin.h"

static char folder[64] = "/tmp/portcullis-device.XXXXXX";
char standin_told[16 * 1024];
bool standin_exists;
const char *standin_links;
struct wire_way standin_past;

/* Each call is a line of `calls`; one that `fail` is a part of fails. `group` is who is in our group. No
 * route is added twice, and none is deleted that is not there. */
static const char standin[] =
    "#!/bin/sh\n"
    "d=${0%/*}\n"
    "echo \"${0##*/} $*\" >>\"$d/calls\"\n"
    "if [ -f \"$d/fail\" ]; then case \"$*\" in *\"$(cat \"$d/fail\")\"*) exit 1;; esac; fi\n"
    "case \"$*\" in\n"
    "\"-g portcullis\") [ ! -f \"$d/group\" ] || cat \"$d/group\";;\n"
    "esac\n"
    "case \"${0##*/} $3\" in\n"
    "\"route add\") ! grep -q \"^$5 \" \"$d/table\" && echo \"$5 $7\" >>\"$d/table\";;\n"
    "\"route delete\") grep -q \"^$5 \" \"$d/table\" && sed -i \"\\\\#^$5 #d\" \"$d/table\";;\n"
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
	return standin_exists ? STANDIN_DEVICE : 0;
}

char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
	errno = ENXIO;
	return index == 0 ? NULL
			  : strcpy(name, index == STANDIN_WIRE     ? "em0"
					 : index == STANDIN_DEVICE ? standin_device
								   : "wlan0");
}

static unsigned index_of(const char *link)
{
	return strcmp(link, "em0") == 0            ? STANDIN_WIRE
	       : strcmp(link, standin_device) == 0 ? STANDIN_DEVICE
						   : 5;
}

/* A gateway is on the wire; a link may stand behind it. */
static void lead(const char *to, struct route_route *route)
{
	char text[64];

	snprintf(text, sizeof text, "%.*s", (int)strcspn(to, "%"), to);
	route->index = STANDIN_WIRE;
	if (net_address_parse(text, &route->gateway) == -1)
		route->index = index_of(to);
	route->flags = ROUTE_UP | (route->gateway.family != NET_NONE ? ROUTE_GATEWAY : 0U);
}

/* The next line of the table; false at its end. */
static bool next_route(FILE *table, struct route_route *route)
{
	char prefix[64], to[64], whole[80];

	memset(route, 0, sizeof *route);
	if (table == NULL || fscanf(table, "%63s %63s", prefix, to) != 2)
		return false;
	snprintf(whole, sizeof whole, "%s%s", prefix,
		 strchr(prefix, '/') != NULL   ? ""
		 : strchr(prefix, ':') != NULL ? "/128"
					       : "/32");
	assert_int_equal(net_prefix_parse(whole, &route->destination), 0);
	lead(to, route);
	return true;
}

/* One message, as the kernel's list has it. */
static size_t put_route(struct route_route *route, char *to, size_t size)
{
	size_t length = route_encode_delete(route_layout_here, route, 1, to, size);
	uint16_t index = (uint16_t)route->index;

	assert_true(length > 0);
	to[3] = 4; /* RTM_GET */
	memcpy(to + route_layout_here->route.index, &index, sizeof index);
	return length;
}

static void put_links(struct route_buffer *buffer, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "tests/fuzz/seeds/route/%s-%s",
		 route_layout_here == &route_layout_macos ? "macos" : "freebsd", standin_links);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fgetc(file) != EOF); /* which platform it is of */
	buffer->length = fread(buffer->bytes, 1, size, file);
	fclose(file);
}

int route_dump(enum route_list list, struct route_buffer *buffer, struct err *e)
{
	enum { SIZE = 64 * 1024 };
	FILE *table = fopen(standin_path("table"), "r");
	uint8_t family = list == ROUTE_LIST_IPV4 ? NET_IPV4 : NET_IPV6;
	struct route_route route;

	buffer->length = 0;
	buffer->bytes = NULL;
	if (access(standin_path("no-lists"), F_OK) == 0) {
		fclose(table);
		return err_set(e, "no lists");
	}
	buffer->bytes = malloc(SIZE);
	assert_non_null(buffer->bytes);
	if (list == ROUTE_LIST_LINKS)
		put_links(buffer, SIZE);
	else
		while (next_route(table, &route))
			if (route.destination.address.family == family)
				buffer->length += put_route(&route, (char *)buffer->bytes + buffer->length,
							    SIZE - buffer->length);
	fclose(table);
	return 0;
}

void route_release(struct route_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct route_buffer){NULL, 0};
}

/* The answer of way-ADDRESS; else of the longest match in the table. */
static bool find_way(const struct net_address *to, const char *text, struct route_route *answer)
{
	char name[80], line[128], word[64];
	struct route_route route;
	bool found = false;
	FILE *file;

	snprintf(name, sizeof name, "way-%s", text);
	memset(answer, 0, sizeof *answer);
	if ((file = fopen(standin_path(name), "r")) != NULL) {
		while (fgets(line, sizeof line, file) != NULL) {
			if (sscanf(line, " gateway: %63s", word) == 1)
				lead(word, answer);
			if (sscanf(line, " interface: %63s", word) == 1)
				answer->index = index_of(word);
		}
		fclose(file);
		answer->destination = (struct net_prefix){*to, to->family == NET_IPV4 ? 32 : 128};
		return answer->index != 0;
	}
	file = fopen(standin_path("table"), "r");
	while (next_route(file, &route))
		if (route.destination.address.family == to->family &&
		    net_prefix_contains(&route.destination, to) &&
		    (!found || route.destination.length > answer->destination.length)) {
			found = true;
			*answer = route;
		}
	fclose(file);
	return found;
}

int route_query(const struct net_address *to, struct route_route *answer)
{
	char text[NET_ADDRESS_TEXT], line[128], failing[64] = "";
	FILE *fail = fopen(standin_path("fail"), "r");

	if (fail != NULL) {
		if (fgets(failing, sizeof failing, fail) == NULL)
			failing[0] = '\0';
		fclose(fail);
	}
	snprintf(line, sizeof line, "ask %s", net_address_text(to, text));
	note(line);
	if (failing[0] != '\0' && strstr(line, failing) != NULL)
		return ETIMEDOUT;
	return find_way(to, text, answer) ? 0 : ESRCH;
}

int netwatch_way(const struct net_address *to, uint32_t user, const char *tunnel, struct wire_way *way,
		 struct err *e)
{
	(void)to, (void)user, (void)tunnel, (void)e;
	*way = standin_past;
	return way->link != 0 ? 1 : 0;
}

int netwatch_clean(const struct net_endpoint *endpoint, struct err *e)
{
	char line[256], text[NET_ENDPOINT_TEXT];

	(void)e;
	if (endpoint->address.family == NET_NONE)
		return 0;
	snprintf(line, sizeof line, "clean %s", net_endpoint_text(endpoint, text));
	note(line);
	snprintf(line, sizeof line, "sed -i '\\#^%s #d' '%s'", net_address_text(&endpoint->address, text),
		 standin_path("table"));
	assert_int_equal(system(line), 0);
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
	static const char *const files[] = {"calls", "fail", "group", "no-node", "no-lists"};
	static const char ways[] = "rm -f '%s'-*";
	char command[160];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(standin_path(files[i]));
	snprintf(command, sizeof command, ways, standin_path("way"));
	assert_int_equal(system(command), 0);
	standin_exists = false;
	standin_links = "interfaces";
	standin_past = (struct wire_way){.gateway = {NET_IPV4, {192, 168, 1, 1}}, .link = STANDIN_WIRE};
	standin_put("table", "0.0.0.0/0 192.168.1.1\n::/0 fe80::1%em0\n", 0644);
	return 0;
}

int standin_prepare(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	standin_put("ifconfig", standin, 0755);
	standin_put("route", standin, 0755);
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

void standin_route(const char *verb, const char *prefix, const char *gateway_or_link)
{
	char command[256];

	snprintf(command, sizeof command, "'%s' -q -n %s -inet '%s' -interface '%s'", standin_path("route"),
		 verb, prefix, gateway_or_link);
	assert_int_equal(system(command), 0);
	(void)standin_calls();
}

struct route_desired standin_desired(const struct situation *s, const struct wire_tunnel *tunnel)
{
	return (struct route_desired){
	    .situation = s, .openvpn = 501, .tunnel = tunnel, .index = STANDIN_DEVICE, .redirect = true};
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
