/* The network port on Linux: recorded messages, then a network of its own. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "os/netwatch/linux/decode.h"
#include "os/netwatch/netwatch.h"

#define RECORDED "tests/fuzz/seeds/rtnl/"

/* --- the decoder, on bytes that a kernel sent */

struct heard {
	struct rtnl_message messages[128];
	size_t count;
};

static int keep(const struct rtnl_message *message, void *argument)
{
	struct heard *heard = argument;

	assert_true(heard->count < 128);
	heard->messages[heard->count++] = *message;
	return 0;
}

static size_t read_recorded(const char *name, void *bytes, size_t size)
{
	char path[128];
	FILE *file;
	size_t length;

	snprintf(path, sizeof path, RECORDED "%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	length = fread(bytes, 1, size, file);
	fclose(file);
	assert_true(length > 0 && length < size);
	return length;
}

static void decode_recorded(const char *name, struct heard *heard)
{
	static _Alignas(8) char bytes[64 * 1024];
	size_t length = read_recorded(name, bytes, sizeof bytes);

	heard->count = 0;
	assert_int_equal(rtnl_decode(bytes, length, keep, heard), 0);
}

static const struct rtnl_link *link_named(const struct heard *heard, const char *name)
{
	for (size_t i = 0; i < heard->count; i++) {
		if (heard->messages[i].kind == RTNL_LINK && strcmp(heard->messages[i].link.name, name) == 0)
			return &heard->messages[i].link;
	}
	fail_msg("no link %s", name);
	return NULL;
}

static void test_decodes_links(void **state)
{
	static struct heard heard;
	const struct rtnl_link *link;

	(void)state;
	decode_recorded("links", &heard);
	assert_int_equal(heard.messages[heard.count - 1].kind, RTNL_DONE);
	assert_true(link_named(&heard, "lo")->flags & IFF_LOOPBACK);
	link = link_named(&heard, "tun0");
	assert_string_equal(link->driver, "tun");
	assert_int_equal(link->type, ARPHRD_NONE);
	assert_false(link->tap);
	assert_true(link->flags & IFF_UP);
	assert_false(link->flags & IFF_LOWER_UP); /* nobody held it */
	assert_true(link_named(&heard, "tap0")->tap);
	assert_string_equal(link_named(&heard, "eth0")->driver, "veth");
	assert_string_equal(link_named(&heard, "br0")->driver, "bridge");
}

static bool has_address(const struct heard *heard, const char *text, uint8_t length)
{
	struct net_address wanted;

	assert_int_equal(net_address_parse(text, &wanted), 0);
	for (size_t i = 0; i < heard->count; i++) {
		if (heard->messages[i].kind == RTNL_ADDRESS &&
		    net_address_equal(&heard->messages[i].address.address, &wanted) &&
		    heard->messages[i].address.length == length)
			return true;
	}
	return false;
}

static void test_decodes_addresses(void **state)
{
	static struct heard heard;

	(void)state;
	decode_recorded("addresses", &heard);
	assert_true(has_address(&heard, "192.0.2.2", 24));
	assert_true(has_address(&heard, "2001:db8:1::2", 64));
	assert_true(has_address(&heard, "10.8.0.2", 32));  /* our end of a point-to-point link */
	assert_false(has_address(&heard, "10.8.0.1", 32)); /* not the other */
}

/* As the kernel (6.18) reports it: "2001:db8:64::/96 for 1800 s", by link 3. */
static const unsigned char prefix64[68] = {68, 0,    0,    0, 68, 0,   0, 0,    0, 0, 0, 0, 0, 0, 0,  0,  10,
					   0,  16,   0,    3, 0,  0,   0, 134,  0, 0, 0, 0, 0, 0, 0,  38, 2,
					   7,  8,    32,   1, 13, 184, 0, 0x64, 0, 0, 0, 0, 0, 0, 20, 0,  1,
					   0,  0xfe, 0x80, 0, 0,  0,   0, 0,    0, 0, 0, 0, 0, 0, 0,  0,  1};

static const struct rtnl_message *decode_prefix64(size_t length, size_t place, unsigned char value)
{
	static _Alignas(8) unsigned char bytes[sizeof prefix64];
	static struct heard heard;

	memcpy(bytes, prefix64, sizeof bytes);
	if (place < sizeof bytes)
		bytes[place] = value;
	bytes[0] = (unsigned char)length;
	heard.count = 0;
	assert_int_equal(rtnl_decode(bytes, length, keep, &heard), 0);
	assert_int_equal(heard.count, 1);
	return &heard.messages[0];
}

/* A stranger on the link writes these octets: only the form that they must have is taken. */
static void test_decodes_a_nat64_prefix(void **state)
{
	static const struct {
		size_t place; /* of a byte in the message, and what is there */
		unsigned char value;
	} others[] = {{16, 2}, {24, 135}, {25, 1}, {20, 0}, {32, 25}, {33, 3}, {35, 6}, {35, 7}};
	static const uint8_t lengths[] = {96, 64, 56, 48, 40, 32};
	enum { WHOLE = sizeof prefix64, NEEDED = 48 };
	const struct rtnl_message *message = decode_prefix64(WHOLE, WHOLE, 0);
	char text[NET_PREFIX_TEXT];

	(void)state;
	assert_int_equal(message->kind, RTNL_PREFIX64);
	assert_int_equal(message->prefix64.index, 3);
	assert_int_equal(message->prefix64.seconds, 1800);
	assert_string_equal(net_prefix_text(&message->prefix64.prefix, text), "2001:db8:64::/96");
	for (unsigned char code = 0; code < 6; code++) {
		message = decode_prefix64(WHOLE, 35, code);
		assert_int_equal(message->prefix64.prefix.length, lengths[code]);
		assert_true(net_prefix_is_clean(&message->prefix64.prefix));
		assert_int_equal(message->prefix64.seconds, 1792); /* the other bits of it */
	}
	for (size_t length = 16; length < WHOLE; length += 4)
		assert_int_equal(decode_prefix64(length, WHOLE, 0)->kind,
				 length < NEEDED ? RTNL_OTHER : RTNL_PREFIX64);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(decode_prefix64(WHOLE, others[i].place, others[i].value)->kind, RTNL_OTHER);
}

static const struct rtnl_route *route_to(const struct heard *heard, const char *text)
{
	struct net_prefix wanted;

	assert_int_equal(net_prefix_parse(text, &wanted), 0);
	for (size_t i = 0; i < heard->count; i++) {
		const struct rtnl_route *route = &heard->messages[i].route;

		if (heard->messages[i].kind == RTNL_ROUTE && route->table == RT_TABLE_MAIN &&
		    route->destination.length == wanted.length &&
		    net_address_equal(&route->destination.address, &wanted.address))
			return route;
	}
	fail_msg("no route to %s", text);
	return NULL;
}

static void test_decodes_routes(void **state)
{
	static struct heard heard;
	char text[NET_ADDRESS_TEXT];

	(void)state;
	decode_recorded("routes4", &heard);
	assert_int_equal(route_to(&heard, "203.0.113.7/32")->protocol, RTPROT_BOOT);
	assert_string_equal(net_address_text(&route_to(&heard, "203.0.113.7/32")->gateway, text),
			    "192.0.2.1");
	assert_int_equal(route_to(&heard, "192.0.2.0/24")->gateway.family, NET_NONE);
	assert_string_equal(net_address_text(&route_to(&heard, "0.0.0.0/0")->gateway, text), "192.0.2.1");
	decode_recorded("routes6", &heard);
	assert_int_equal(route_to(&heard, "2001:db8:9::/48")->gateway.family, NET_NONE);
	assert_int_equal(route_to(&heard, "2001:db8:ffff::7/128")->gateway.family, NET_IPV6);
	assert_true(route_to(&heard, "2001:db8:ffff::7/128")->link != 0);
}

/* A bridge says DELLINK of a port that leaves it: the link is still there. */
static void test_decodes_changes(void **state)
{
	static struct heard heard;
	bool tun_gone = false, renamed = false;

	(void)state;
	decode_recorded("changes", &heard);
	for (size_t i = 0; i < heard.count; i++) {
		const struct rtnl_message *message = &heard.messages[i];

		if (message->kind != RTNL_LINK)
			continue;
		if (message->gone)
			assert_string_equal(message->link.name, "tun0");
		tun_gone = tun_gone || message->gone;
		renamed = renamed || strcmp(message->link.name, "wan0") == 0;
	}
	assert_true(tun_gone);
	assert_true(renamed);
	assert_true(has_address(&heard, "2001:db8:2::2", 64));
}

static void test_decodes_an_error(void **state)
{
	static struct heard heard;

	(void)state;
	decode_recorded("no-such-link", &heard);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.messages[0].kind, RTNL_ERROR);
	assert_int_equal(heard.messages[0].error, ENODEV);
	assert_int_equal(heard.messages[0].sequence, 9);
}

static int count(const struct rtnl_message *message, void *argument)
{
	(void)message;
	++*(int *)argument;
	return 0;
}

static int count_one(const struct rtnl_message *message, void *argument)
{
	(void)message;
	++*(int *)argument;
	return 7;
}

static void test_torn_messages(void **state)
{
	static _Alignas(8) char bytes[64 * 1024];
	size_t length = read_recorded("routes4", bytes, sizeof bytes);
	int whole = 0, heard = 0;

	(void)state;
	assert_int_equal(rtnl_decode(bytes, length, count, &whole), 0);
	assert_int_equal(rtnl_decode(bytes, length - 1, count, &heard), -1);
	assert_int_equal(heard, whole - 1); /* those before the torn one were told */
	heard = 0;
	assert_int_equal(rtnl_decode(bytes, length, count_one, &heard), 7);
	assert_int_equal(heard, 1);
	assert_int_equal(rtnl_decode(bytes, 0, count, &heard), 0);
	memset(bytes, 0, 16); /* a length of 0 must not go round for ever */
	assert_int_equal(rtnl_decode(bytes, 16, count, &heard), -1);
}

/* --- the port, in a network of its own */

static bool own_network;

static void sh(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int enter_own_network(void **state)
{
	(void)state;
	own_network = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
	if (!own_network) {
		print_message("SKIPPED: the tests in a network of their own need root\n");
		return 0;
	}
	sh("ip link set lo up && ip link add eth0 type veth peer name eth1 && ip link set eth0 up &&"
	   "ip link set eth1 up && ip addr add 192.0.2.2/24 dev eth0 && "
	   "ip -6 addr add 2001:db8:1::2/64 dev eth0 nodad && ip route add default via 192.0.2.1");
	return 0;
}

#define NEEDS_OWN_NETWORK()                                                                                  \
	do {                                                                                                 \
		(void)state;                                                                                 \
		if (!own_network)                                                                            \
			skip();                                                                              \
	} while (0)

static int open_tun(const char *name, short flags)
{
	struct ifreq request = {.ifr_flags = (short)(flags | IFF_NO_PI)};
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	assert_true(tun != -1);
	text_copy(request.ifr_name, sizeof request.ifr_name, name);
	assert_int_equal(ioctl(tun, TUNSETIFF, &request), 0);
	return tun;
}

static bool has_link(const struct situation *s, const char *name)
{
	for (size_t i = 0; i < s->link_count; i++) {
		if (strcmp(s->links[i], name) == 0)
			return true;
	}
	return false;
}

static bool has_neighbour(const struct situation *s, const char *text)
{
	struct net_prefix wanted;

	assert_int_equal(net_prefix_parse(text, &wanted), 0);
	for (size_t i = 0; i < s->neighbour_count; i++) {
		if (s->neighbours[i].length == wanted.length &&
		    net_address_equal(&s->neighbours[i].address, &wanted.address))
			return true;
	}
	return false;
}

static void test_fill(void **state)
{
	struct situation s = {.tunnel.name = "tun0"};
	struct err e = {0};
	int tun;

	NEEDS_OWN_NETWORK();
	tun = open_tun("tun0", IFF_TUN);
	sh("ip -6 addr add 2001:db8:7::7/128 dev eth0 nodad && ip -6 route add 2001:db8:9::/48 dev eth0 &&"
	   "ip -6 route add 2001:db8:a::/48 via 2001:db8:1::1 && ip -6 route add 2000::/3 dev eth0 &&"
	   "ip link set tun0 up && ip -6 addr add 2001:db8:8::8/64 dev tun0 nodad");
	assert_int_equal(netwatch_fill(&s, NULL, &e), 0);
	assert_int_equal(s.link_count, 2);
	assert_true(has_link(&s, "eth0") && has_link(&s, "eth1"));
	assert_true(has_neighbour(&s, "2001:db8:1::/64"));
	assert_true(has_neighbour(&s, "2001:db8:7::7/128"));
	assert_true(has_neighbour(&s, "2001:db8:9::/48"));
	assert_int_equal(s.neighbour_count, 3); /* not the address in its prefix, a gateway's, fe80, the half
						   Internet or the tunnel's */
	/* What only has the tunnel's name is a link like any other. */
	assert_int_equal(netwatch_fill(&s, "eth1", &e), 0);
	assert_true(has_link(&s, "tun0") && has_link(&s, "eth1"));
	assert_true(has_neighbour(&s, "2001:db8:8::/64"));
	close(tun);
	sh("ip -6 route del 2000::/3 dev eth0; ip -6 route del 2001:db8:a::/48;"
	   "ip -6 route del 2001:db8:9::/48 dev eth0; ip -6 addr del 2001:db8:7::7/128 dev eth0");
}

static void test_fill_too_many(void **state)
{
	struct situation s = {0};
	struct err e = {0};

	NEEDS_OWN_NETWORK();
	sh("for i in $(seq 40); do ip link add name dummy$i type veth peer name peer$i || exit 1; done");
	assert_int_equal(netwatch_fill(&s, "tun0", &e), 0);
	assert_int_equal(s.link_count, SITUATION_LINKS);
	assert_true(s.links_left_out);
	sh("for i in $(seq 40); do ip link del dummy$i || exit 1; done");
	assert_int_equal(netwatch_fill(&s, "tun0", &e), 0);
	assert_false(s.links_left_out);
}

static void refuses(const char *name, const char *address, const char *because)
{
	struct net_address wanted = {0};
	struct err e = {0};
	unsigned index = 4711;

	if (address != NULL)
		assert_int_equal(net_address_parse(address, &wanted), 0);
	assert_int_equal(netwatch_tunnel(name, &wanted, NULL, &index, &e), -1);
	assert_int_equal(index, 4711);
	if (strstr(e.text, because) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", name, e.text, because);
}

static void test_tunnel(void **state)
{
	struct net_address address4, address6;
	struct err e = {0};
	unsigned index = 0;
	int tun, tap;

	NEEDS_OWN_NETWORK();
	refuses("tun0", NULL, "does not exist");
	refuses("eth0", NULL, "not a TUN");
	refuses("no such", NULL, "not the name");
	tun = open_tun("tun0", IFF_TUN);
	refuses("tun0", NULL, "down");
	sh("ip link set tun0 up && ip addr add 10.8.0.2/24 dev tun0 && ip -6 addr add fd00::2/64 dev tun0");
	refuses("tun0", "10.8.0.3", "does not have 10.8.0.3");
	refuses("tun0", "192.0.2.2", "does not have"); /* another link's */
	assert_int_equal(net_address_parse("10.8.0.2", &address4), 0);
	assert_int_equal(net_address_parse("fd00::2", &address6), 0);
	assert_int_equal(netwatch_tunnel("tun0", &address4, &address6, &index, &e), 0);
	assert_true(index > 0);
	assert_int_equal(netwatch_tunnel("tun0", NULL, NULL, &index, &e), 0);
	assert_int_equal(ioctl(tun, TUNSETPERSIST, 1), 0);
	close(tun);
	refuses("tun0", NULL, "no process");
	sh("ip link del tun0");
	tap = open_tun("tap9", IFF_TAP);
	sh("ip link set tap9 up");
	refuses("tap9", NULL, "not a TUN");
	close(tap);
}

static bool succeeds(const char *command)
{
	return system(command) == 0;
}

static void test_clean(void **state)
{
	struct net_endpoint endpoint;
	struct err e = {0};

	NEEDS_OWN_NETWORK();
	sh("ip route add 203.0.113.7/32 via 192.0.2.1 && ip route add 203.0.113.8/32 via 192.0.2.1 &&"
	   "ip route add 203.0.113.7/32 via 192.0.2.1 metric 50 proto dhcp &&"
	   "ip route add 203.0.113.0/24 via 192.0.2.1 && ip route add 203.0.113.7/32 via 192.0.2.1 table 99");
	assert_int_equal(net_endpoint_parse("203.0.113.7:1194/udp", &endpoint), 0);
	assert_int_equal(netwatch_clean(&endpoint, &e), 0);
	assert_false(succeeds("ip route show 203.0.113.7/32 proto boot | grep -q ."));
	assert_true(succeeds("ip route show 203.0.113.7/32 proto dhcp | grep -q ."));
	assert_true(succeeds("ip route show 203.0.113.8/32 | grep -q ."));
	assert_true(succeeds("ip route show 203.0.113.0/24 | grep -q ."));
	assert_true(succeeds("ip route show 203.0.113.7/32 table 99 | grep -q ."));
	assert_int_equal(netwatch_clean(&endpoint, &e), 0); /* and again */
	sh("ip -6 route add 2001:db8:ffff::7/128 via 2001:db8:1::1 &&"
	   "ip -6 route add 2001:db8:ffff::8/128 via 2001:db8:1::1");
	assert_int_equal(net_endpoint_parse("[2001:db8:ffff::7]:1194/tcp", &endpoint), 0);
	assert_int_equal(netwatch_clean(&endpoint, &e), 0);
	assert_false(succeeds("ip -6 route show 2001:db8:ffff::7/128 | grep -q ."));
	assert_true(succeeds("ip -6 route show 2001:db8:ffff::8/128 | grep -q ."));
	sh("ip route flush 203.0.113.0/24; ip route flush root 203.0.113.0/24; ip route flush table 99");
}

static bool is_up(const char *name)
{
	char command[128];

	snprintf(command, sizeof command, "ip link show up dev %s 2>/dev/null | grep -q .", name);
	return succeeds(command);
}

static void test_links_down(void **state)
{
	struct err e = {0};

	NEEDS_OWN_NETWORK();
	sh("ip link add eth2 type veth peer name eth3 && ip link add link eth0 name vlan5 type macvlan &&"
	   "ip link set vlan5 up && ip link add eth4 type veth peer name eth5 && ip link set eth4 up");
	assert_int_equal(netwatch_links_down(&e), 0);
	assert_false(is_up("eth0") || is_up("eth1") || is_up("vlan5") || is_up("eth4"));
	assert_true(is_up("lo"));
	sh("ip link set eth3 up"); /* somebody sets another one up meanwhile */
	assert_int_equal(netwatch_links_down(&e), 0);
	assert_false(is_up("eth3"));
	sh("ip link del eth4"); /* unplugged */
	assert_int_equal(netwatch_links_restore(&e), 0);
	assert_true(is_up("eth0") && is_up("eth1") && is_up("vlan5") && is_up("eth3"));
	assert_false(is_up("eth2")); /* was down before us */
	sh("ip link set eth0 down");
	assert_int_equal(netwatch_links_restore(&e), 0); /* nothing remembered any more */
	assert_false(is_up("eth0"));
	sh("ip link del eth2; ip link del vlan5; ip link set eth0 up");
}

/* --- ways */

static int way_to(const char *to, uint32_t user, struct wire_way *way)
{
	struct net_address address;
	struct err e = {""};

	assert_int_equal(net_address_parse(to, &address), 0);
	return netwatch_way(&address, user, "tun0", way, &e);
}

static void assert_way(const char *to, uint32_t user, const char *link, const char *local,
		       const char *gateway)
{
	char text[NET_ADDRESS_TEXT];
	struct wire_way way;

	assert_int_equal(way_to(to, user, &way), 1);
	assert_int_equal(way.link, netwatch_index(link));
	assert_string_equal(net_address_text(&way.local, text), local);
	assert_string_equal(net_address_text(&way.gateway, text), gateway);
}

/* As the kernel answers, by its rules too; an address that leads no further than the link is none. */
static void test_way(void **state)
{
	struct net_address address;
	struct wire_way way;

	NEEDS_OWN_NETWORK();
	assert_int_equal(way_to("203.0.113.7", 7, &way), 0);
	assert_int_equal(way_to("2001:db8::7", 7, &way), 0);
	sh("ip link add w0 type veth peer name w1 && ip link set w0 up");
	assert_false(netwatch_carries(netwatch_index("w0")));
	sh("ip link set w1 up");
	assert_true(netwatch_carries(netwatch_index("w0")));
	sh("ip addr add 198.51.100.2/24 dev w0 && ip route add default via 198.51.100.1");
	assert_way("203.0.113.7", 7, "w0", "198.51.100.2", "198.51.100.1");
	assert_way("198.51.100.9", 7, "w0", "198.51.100.2", "");
	sh("ip link set lo up; ip route add default via fe80::1 dev w0"); /* by ::1, the kernel says */
	assert_int_equal(way_to("2001:db8::7", 7, &way), 0);
	sh("ip addr add 2001:db8:50::2/64 dev w0 nodad");
	assert_way("2001:db8::7", 7, "w0", "2001:db8:50::2", "fe80::1");
	/* Another user's packets are led elsewhere, as those of every program are by our own rules. */
	sh("ip rule add uidrange 9-9 unreachable pref 5 && ip -6 rule add uidrange 9-9 unreachable pref 5");
	assert_int_equal(way_to("203.0.113.7", 9, &way), 0);
	assert_int_equal(way_to("2001:db8::7", 9, &way), 0);
	assert_way("203.0.113.7", 7, "w0", "198.51.100.2", "198.51.100.1");
	assert_int_equal(net_address_parse("198.51.100.2", &address), 0);
	assert_true(netwatch_has_address(netwatch_index("w0"), &address));
	assert_false(netwatch_has_address(netwatch_index("w1"), &address));
	sh("ip addr del 198.51.100.2/24 dev w0");
	assert_false(netwatch_has_address(netwatch_index("w0"), &address));
	assert_int_equal(way_to("203.0.113.7", 7, &way), 0);
	sh("ip rule del pref 5; ip -6 rule del pref 5; ip link del w0");
	assert_false(netwatch_carries(12345));
}

/* --- watching */

struct seen {
	int links, reachable, ways, lost, marks;
	char lost_name[NET_NAME_SIZE];
};

static void on_links(void *argument)
{
	((struct seen *)argument)->links++;
}

static void on_reachable(void *argument)
{
	((struct seen *)argument)->reachable++;
}

static void on_ways(void *argument)
{
	((struct seen *)argument)->ways++;
}

static void on_lost(const char *name, unsigned index, void *argument)
{
	struct seen *seen = argument;

	assert_true(index > 0);
	if (strncmp(name, "mark", 4) == 0) {
		seen->marks++;
		return;
	}
	seen->lost++;
	text_copy(seen->lost_name, sizeof seen->lost_name, name);
}

/* Runs the loop until *value is at least `wanted`, 5 s at most. */
static void wait_for(struct event_base *base, const int *value, int wanted)
{
	const struct timeval step = {.tv_usec = 10000};

	for (int i = 0; i < 500 && *value < wanted; i++) {
		event_base_loopexit(base, &step);
		event_base_dispatch(base);
	}
	assert_true(*value >= wanted);
}

/* Waits for a message that comes after all that were sent before it. */
static void drain(struct event_base *base, struct seen *seen)
{
	seen->marks = 0;
	sh("ip link add mark0 type veth peer name mark1 && ip link del mark0");
	wait_for(base, &seen->marks, 2);
}

static void take_what_is_there(struct event_base *base)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void test_watch(void **state)
{
	struct seen seen = {0};
	const struct netwatch_events events = {on_links, on_reachable, on_ways, on_lost, NULL, &seen};
	struct event_base *base;
	struct netwatch *watch;
	static const char *const ways[] = {"ip link set eth0 up",
					   "ip addr add 192.0.2.9/24 dev eth0",
					   "ip route add 192.0.2.128/25 dev eth0",
					   "ip route del 192.0.2.128/25",
					   "ip addr del 192.0.2.9/24 dev eth0",
					   "ip link set eth0 down"};
	struct err e = {0};
	int tun;

	NEEDS_OWN_NETWORK();
	/* Each carrier would give the other end an address, a second later or more: while the tunnel is
	 * looked at. */
	sh("ip link set eth1 addrgenmode none && ip -6 addr flush dev eth1");
	base = event_base_new();
	watch = netwatch_open(base, &events, &e);
	assert_non_null(watch);
	assert_int_equal(seen.links + seen.reachable + seen.ways + seen.lost,
			 0); /* what was there is no news */
	sh("ip link add eth6 type veth peer name eth7");
	wait_for(base, &seen.links, 1);
	assert_int_equal(seen.lost, 0);
	sh("ip link set eth6 up && ip link set eth7 up");
	wait_for(base, &seen.reachable, 1);
	sh("ip link set eth6 down");
	wait_for(base, &seen.lost, 1);
	assert_string_equal(seen.lost_name, "eth6");
	sh("ip link del eth6");
	wait_for(base, &seen.lost, 2);
	drain(base, &seen);
	memset(&seen, 0, sizeof seen);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		take_what_is_there(base);
		seen.ways = 0;
		sh(ways[i]);
		wait_for(base, &seen.ways, 1);
	}
	drain(base, &seen);
	memset(&seen, 0, sizeof seen);
	tun = open_tun("tun0", IFF_TUN); /* created down: that is not lost */
	sh("ip link set tun0 up && ip addr add 10.8.0.2/24 dev tun0 && ip route add 10.9.0.0/16 dev tun0");
	drain(base, &seen);
	wait_for(base, &seen.links, 1);
	assert_int_equal(seen.lost, 0);
	assert_int_equal(seen.reachable, 0); /* our own tunnel is no reason to try again */
	seen.ways = 0;
	sh("ip addr add 10.8.0.3/24 dev tun0 && ip route add 10.10.0.0/16 dev tun0 && ip link set tun0 mtu "
	   "1400");
	take_what_is_there(base);
	assert_int_equal(seen.ways, 0); /* nor to look for openvpn's way */
	close(tun);                     /* openvpn was killed */
	wait_for(base, &seen.lost, 1);
	assert_string_equal(seen.lost_name, "tun0");
	netwatch_close(watch);
	event_base_free(base);
	sh("ip link set eth1 addrgenmode eui64");
}

/* What comes is told at once, and in the wake of another a little later; what went waits, but is lost at
 * once; and what comes then does not wait with it. */
static void test_watch_gathers(void **state)
{
	struct seen seen = {0};
	const struct netwatch_events events = {on_links, on_reachable, on_ways, on_lost, NULL, &seen};
	struct event_base *base;
	struct netwatch *watch;
	struct err e = {0};

	NEEDS_OWN_NETWORK();
	sh("for i in 1 2 3; do ip link add a$i type veth peer name b$i; done");
	base = event_base_new();
	watch = netwatch_open(base, &events, &e);
	assert_non_null(watch);
	sh("for i in 1 2 3; do ip link del a$i; done");
	take_what_is_there(base);
	assert_int_equal(seen.lost, 6);
	assert_int_equal(seen.links, 0);
	sh("ip link add eth6 type veth peer name eth7");
	take_what_is_there(base);
	assert_int_equal(seen.links, 1);
	sh("ip link set eth6 name eth8");
	wait_for(base, &seen.links, 2);
	sh("ip link del eth8");
	wait_for(base, &seen.links, 3);
	netwatch_close(watch);
	event_base_free(base);
}

/* More changes than the socket holds: what went meanwhile is still told. */
static void test_watch_overflow(void **state)
{
	struct seen seen = {0};
	const struct netwatch_events events = {on_links, on_reachable, on_ways, on_lost, NULL, &seen};
	struct event_base *base;
	struct netwatch *watch;
	struct err e = {0};

	NEEDS_OWN_NETWORK();
	sh("ip link add eth6 type veth peer name eth7 && ip link set eth6 up");
	base = event_base_new();
	watch = netwatch_open(base, &events, &e);
	assert_non_null(watch);
	sh("for i in $(seq 3000); do echo link set dev eth1 alias a$i; done | ip -batch - >/dev/null");
	sh("ip link del eth6");
	wait_for(base, &seen.lost, 2);
	netwatch_close(watch);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decodes_links),
	    cmocka_unit_test(test_decodes_addresses),
	    cmocka_unit_test(test_decodes_routes),
	    cmocka_unit_test(test_decodes_a_nat64_prefix),
	    cmocka_unit_test(test_decodes_changes),
	    cmocka_unit_test(test_decodes_an_error),
	    cmocka_unit_test(test_torn_messages),
	    cmocka_unit_test(test_fill),
	    cmocka_unit_test(test_fill_too_many),
	    cmocka_unit_test(test_tunnel),
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_links_down),
	    cmocka_unit_test(test_way),
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_watch_gathers),
	    cmocka_unit_test(test_watch_overflow),
	};

	return cmocka_run_group_tests_name("netwatch", tests, enter_own_network, NULL);
}
