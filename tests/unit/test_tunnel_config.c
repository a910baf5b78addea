/* What is believed of what openvpn and the server say of the tunnel: addresses, networks, routes and DNS;
 * against tests/golden/tunnel_config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "driver/tunnel_config.h"
#include "golden.h"
#include "journal.h"

static struct tunnel_config config;

/* "NAME=VALUE" of the environment, "!line" of the log, "?profile" of the options, "+4 6": addresses,
 * "finish". */
static void read_line(const char *line)
{
	char name[64], *value;

	if (line[0] == '!') {
		tunnel_config_read_log(&config, line + 1);
	} else if (line[0] == '?') {
		config.profile = line + 1;
		config.profile_length = strlen(line + 1);
	} else if (line[0] == '+') {
		snprintf(name, sizeof name, "%s", line + 1);
		value = strchr(name, ' ');
		*value = '\0';
		tunnel_config_set_addresses(&config, name, value + 1);
	} else if (strcmp(line, "finish") == 0) {
		tunnel_config_finish(&config);
	} else {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "="), line);
		tunnel_config_read_env(&config, name, line + strcspn(line, "=") + 1);
	}
}

static void show(void)
{
	const struct wire_tunnel *t = &config.tunnel;
	char a[NET_ADDRESS_TEXT], b[NET_ADDRESS_TEXT], p[NET_PREFIX_TEXT];

	say("= %s %s/%u %s/%u, mtu %u%s%s%s", t->name, net_address_text(&t->address4, a), t->length4,
	    net_address_text(&t->address6, b), t->length6, t->mtu,
	    t->peer4.family == NET_NONE ? "" : ", peer ",
	    t->peer4.family == NET_NONE ? "" : net_address_text(&t->peer4, p),
	    config.routes_left_out ? ", some left out" : "");
	for (size_t i = 0; i < WIRE_NETWORKS && t->networks[i].address.family != NET_NONE; i++)
		say("  network %s", net_prefix_text(&t->networks[i], p));
	for (size_t i = 0; i < WIRE_ROUTES && t->routes[i].to.address.family != NET_NONE; i++)
		say("  route %s by %s%s", net_prefix_text(&t->routes[i].to, p),
		    net_address_text(&t->routes[i].gateway, a), t->routes[i].excluded ? ", excluded" : "");
	for (size_t i = 0; i < WIRE_SERVERS && t->dns[i].family != NET_NONE; i++)
		say("  dns %s", net_address_text(&t->dns[i], a));
	for (size_t i = 0; i < WIRE_DOMAINS && t->domains[i][0] != '\0'; i++)
		say("  domain %s", t->domains[i]);
	for (size_t i = 0; i < WIRE_DOMAINS; i++) /* no byte of another behind it */
		for (size_t k = strlen(t->domains[i]); k < WIRE_DOMAIN; k++)
			assert_int_equal(t->domains[i][k], 0);
}

static void begin(void)
{
	struct net_endpoint endpoint;

	net_endpoint_parse("192.0.2.1:1194/udp", &endpoint);
	memset(&config, 0xff, sizeof config);
	tunnel_config_begin(&config, "tun0", &endpoint);
}

#define REMOTE "remote vpn.example 1194 udp 192.0.2.1\n"
#define NEEDS "needs 0\n\n"
#define HEAD REMOTE NEEDS
#define OPENVPN_2_7 "!OpenVPN 2.7.0 x86_64"
#define PUSH "!PUSH: Received control message: 'PUSH_REPLY,"
enum { LINES = 14 };

static void test_each_line(void **state)
{
	static const char *const ways[][LINES] = {
	    {"finish"},
	    {"dev=tun7", "+10.8.0.2 fd00::2", "ifconfig_netmask=255.255.255.0", "ifconfig_ipv6_netbits=64",
	     "tun_mtu=1500", "finish"},
	    {"dev=a/b", "+fd00::2 10.8.0.2", "tun_mtu=575", "ifconfig_ipv6_netbits=129", "finish"},
	    {"ifconfig_local=10.8.0.2", "ifconfig_ipv6_local=fd00::2", "ifconfig_ipv6_netbits=128",
	     "tun_mtu=576", "finish"},
	    {"+10.8.0.2 fd00::2", "ifconfig_ipv6_netbits=1", "tun_mtu=65535", "other=1400", "finish"},
	    {"+10.8.0.2 ", "ifconfig_netmask=255.0.255.0", "ifconfig_ipv6_netbits=64", "tun_mtu=65536",
	     "finish"},
	    {"+10.8.0.2 ", "ifconfig_netmask=255.255.255.255", "ifconfig_remote=10.8.0.1",
	     "ifconfig_ipv6_remote=fd00::1", "finish", "finish"},
	    {"+10.8.0.2 ", "ifconfig_netmask=255.255.255.254", "finish"},
	    {"+10.8.0.2 ", "ifconfig_netmask=255.255.254.1", "finish"},
	    {"+10.8.0.2 ", "ifconfig_netmask=254.0.0.0", "finish"},
	    {" ", "ifconfig_netmask=255.255.255.0", "finish"},
	    {"+10.8.0.2 fd00::2", "ifconfig_ipv6_netbits=129", "ifconfig_remote=10.8.0.1", "finish"},
	    /* anew: of what was there before nothing stays */
	    {"+10.8.0.2 ", "ifconfig_netmask=255.255.255.0", "route_network_1=10.1.0.0", "finish",
	     "ifconfig_netmask=255.255.0.0", "route_network_1=10.2.0.0", "finish"},
	    /* networks */
	    {"+10.8.0.2 ", "ifconfig_netmask=255.0.0.0", "ifconfig_remote=10.8.0.2", "finish"},
	    {"route_network_1=10.1.2.3", "route_netmask_1=255.255.0.0", "route_gateway_1=10.8.0.1",
	     "route_network_2=10.1.0.0", "route_netmask_2=255.255.0.0", "route_network_3=10.9.9.9", "finish"},
	    {"route_network_1=10.0.0.0", "route_netmask_1=254.0.0.0", "route_network_2=11.0.0.0",
	     "route_netmask_2=255.0.0.0", "route_network_3=0.0.0.0", "route_netmask_3=128.0.0.0", "finish"},
	    {"route_network_1=192.0.0.0", "route_netmask_1=255.255.0.0", "route_network_2=192.0.3.0",
	     "route_netmask_2=255.255.255.0", "route_network_3=10.0.0.0", "route_netmask_3=255.0.255.0",
	     "finish"},
	    {"route_net_gateway=192.168.1.1", "route_network_1=10.1.0.0", "route_netmask_1=255.255.0.0",
	     "route_gateway_1=192.168.1.1", "net_gateway_ipv6=fe80::1", "route_ipv6_network_1=fd01::/64",
	     "route_ipv6_gateway_1=fe80::1", "finish"},
	    {"route_ipv6_network_1=fd01::/64", "route_ipv6_gateway_1=fd00::1",
	     "route_ipv6_network_1=fd02::/64", "route_ipv6_network_2=10.0.0.0/8",
	     "route_ipv6_network_3=fe80::/64", "finish"},
	    {"route_network_64=10.1.0.0", "finish"},
	    {"route_network_65=10.1.0.0", "finish"},
	    {"route_network_0=10.1.0.0", "finish"},
	    {"route_network_x=10.1.0.0", "finish"},
	    /* DNS by the environment */
	    {"foreign_option_1=dhcp-option DNS 10.0.0.1", "foreign_option_2=dhcp-option DNS6 fd00::53",
	     "foreign_option_3=dhcp-option DOMAIN a.example",
	     "foreign_option_4=dhcp-option DOMAIN-SEARCH b.example",
	     "foreign_option_5=dhcp-option NTP 10.0.0.9", "foreign_option_6=other DNS 10.0.0.8"},
	    {"foreign_option_3=dhcp-option DNS 10.0.0.3", "foreign_option_1=dhcp-option DNS 10.0.0.1",
	     "foreign_option_2=dhcp-option DNS 10.0.0.2", "foreign_option_4=dhcp-option DNS 10.0.0.1",
	     "foreign_option_2=dhcp-option DNS 10.0.0.4", "foreign_option_9=dhcp-option DNS 127.0.0.1",
	     "foreign_option_8=dhcp-option DNS rubbish", "foreign_option_7=dhcp-option DNS"},
	    {"foreign_option_7=dhcp-option DNS 10.0.0.7", "foreign_option_6=dhcp-option DNS 10.0.0.6",
	     "foreign_option_5=dhcp-option DNS 10.0.0.5", "foreign_option_4=dhcp-option DNS 10.0.0.4",
	     "foreign_option_3=dhcp-option DNS 10.0.0.3", "foreign_option_2=dhcp-option DNS 10.0.0.2",
	     "foreign_option_1=dhcp-option DNS 10.0.0.1", "foreign_option_9=dhcp-option DNS 10.0.0.9"},
	    {"foreign_option_5=dhcp-option DOMAIN five.example",
	     "foreign_option_4=dhcp-option DOMAIN f.example",
	     "foreign_option_3=dhcp-option DOMAIN three.example",
	     "foreign_option_2=dhcp-option DOMAIN t.example",
	     "foreign_option_1=dhcp-option DOMAIN one.example",
	     "foreign_option_6=dhcp-option DOMAIN six.example",
	     "foreign_option_1=dhcp-option DOMAIN one.example", "foreign_option_7=dhcp-option DOMAIN -x"},
	    {"foreign_option_3=dhcp-option DOMAIN third.example",
	     "foreign_option_1=dhcp-option DOMAIN a.example",
	     "foreign_option_2=dhcp-option DOMAIN b.example"},
	    {"foreign_option_1=dhcp-option DOMAIN "
	     "a23456789.123456789.123456789.123456789.123456789.123456789.123",
	     "foreign_option_2=dhcp-option DOMAIN "
	     "b23456789.123456789.123456789.123456789.123456789.123456789.1234"},
	    {"foreign_option_9999=dhcp-option DNS 10.0.0.1", "foreign_option_10000=dhcp-option DNS 10.0.0.2",
	     "foreign_option_0=dhcp-option DNS 10.0.0.3", "foreign_option_=dhcp-option DNS 10.0.0.4",
	     "foreign_optionx1=dhcp-option DNS 10.0.0.5", "foreign_option_1 =dhcp-option DNS 10.0.0.6"},
	    {"dns_server_0_address_0=10.0.0.1", "dns_server_-128_address_15=10.0.0.2",
	     "dns_server_127_address_15=10.0.0.3", "dns_server_-129_address_0=10.0.0.4",
	     "dns_server_128_address_0=10.0.0.5", "dns_server_0_address_16=10.0.0.6",
	     "dns_server_0_address_-1=10.0.0.7", "dns_server_0_address_1x=10.0.0.8",
	     "dns_server_0_address=10.0.0.9", "dns_server_-128_address_0=10.0.0.10",
	     "foreign_option_1=dhcp-option DNS 10.0.0.11"},
	    {"dns_server_1_address_0=10.0.0.2", "dns_server_0_address_15=10.0.0.1",
	     "dns_search_domain_1=b.example", "dns_search_domain_0=a.example",
	     "dns_search_domain_9999=z.example", "dns_search_domain_10000=y.example",
	     "dns_search_domainx2=x.example", "foreign_option_1=dhcp-option DOMAIN last.example"},
	    {"foreign_option_1=dns search-domains a.example b.example",
	     "foreign_option_2=dns server 1 address 10.0.0.1 10.0.0.2",
	     "foreign_option_3=dns server 1 other 10.0.0.3", "foreign_option_4=dns server 1 address",
	     "foreign_option_5=dns other 1 address 10.0.0.4",
	     "foreign_option_6=xns server 1 address 10.0.0.5",
	     "foreign_option_7=xns search-domains c.example"},
	    {"foreign_option_1=dns server 1 address 10.0.0.1:53 10.0.0.2:54 [fd00::1]:53 [fd00::2]:5 "
	     "[fd00::3] fd00::4"},
	    {"foreign_option_1=dns server 1 address [fd00::5]x53 10.0.0.3: [fd00::6 x]:53 ::ffff:10.0.0.1"},
	    {"foreign_option_1=dns server 1 address 1 2 3 4 5 6 7 10.0.0.8 10.0.0.9"},
	    {"foreign_option_1=dns server 1 address "
	     "10.0.0.1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
	     "10.0.0.2"},
	    {"foreign_option_1=dns server 1 address "
	     "[fd00::7]xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
	    {"foreign_option_1=dhcp-optiox DNS 10.0.0.8", "foreign_option_2=dhcp-option DNS"},
	    {"foreign_option_10=dhcp-option DNS 10.0.0.10", "foreign_option_20=dhcp-option DNS 10.0.0.20",
	     "foreign_option_30=dhcp-option DNS 10.0.0.30", "foreign_option_40=dhcp-option DNS 10.0.0.40",
	     "foreign_option_50=dhcp-option DNS 10.0.0.50", "foreign_option_5=dhcp-option DNS 10.0.0.5",
	     "foreign_option_45=dhcp-option DNS 10.0.0.45"},
	    /* DNS by the log */
	    {PUSH "dhcp-option DNS 10.0.0.1,ping 5'"},
	    {OPENVPN_2_7, PUSH "dhcp-option DNS 10.0.0.1,ping 5,dhcp-option DOMAIN a.example'"},
	    {OPENVPN_2_7, "!OpenVPN 2.6.3 x86_64", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2.9 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2.10 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2.6 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2.:0 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2.x0 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 3.0 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 1.7 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, "!OpenVPN x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {"!OpenVPN 2x7 x", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, "!PUSH: Received control message: 'PUSH_REPLY;dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, "!OpenVPX 2.6", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, "!PUSH: Received control message: 'PUSH_REPLX,dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, PUSH "dhcp-option DNS 10.0.0.1'dhcp-option DNS 10.0.0.2"},
	    {OPENVPN_2_7, PUSH "dhcp-option DNS 10.0.0.1"},
	    {OPENVPN_2_7, PUSH "dhcp-option DNS 10.0.0.1,"},
	    {OPENVPN_2_7, "?" HEAD "route-nopull\n", PUSH "dhcp-option DNS 10.0.0.1'"},
	    {OPENVPN_2_7, "?" HEAD "pull-filter \"ignore\" \"dhcp-option DNS\"\n",
	     PUSH "dhcp-option DNS 10.0.0.1,dhcp-option DOMAIN a.example'"},
	    {OPENVPN_2_7, "?" HEAD, PUSH "dhcp-option DNS 10.0.0.2'", "dns_server_1_address_1=10.0.0.1",
	     "foreign_option_1=dhcp-option DNS 10.0.0.3"}};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin();
		say("%s", "");
		for (size_t k = 0; k < LINES && ways[i][k] != NULL; k++) {
			say("%.*s", 200, ways[i][k]);
			read_line(ways[i][k]);
		}
		show();
	}
	assert_golden("tests/golden/tunnel_config", journal);
}

/* What the server pushes, else what the profile says; and nothing if neither says that it pings. */
static void test_dead_peer(void **state)
{
	static const struct {
		const char *profile, *push;
		uint32_t limit;
	} all[] = {
	    {NULL, "", 0},
	    {NULL, "ping 10,ping-restart 60", 60},
	    {NULL, "ping-restart 60", 60},
	    {NULL, "ping 1,ping-restart 5", 10},
	    {NULL, "ping 1,ping-restart 9", 10},
	    {NULL, "ping 1,ping-restart 10", 10},
	    {NULL, "ping 1,ping-restart 11", 11},
	    {NULL, "ping 10,ping-restart 119", 119},
	    {NULL, "ping 10,ping-restart 120", 120},
	    {NULL, "ping 10,ping-restart 121", 120},
	    {NULL, "ping 10,ping-restart 600", 120},
	    {NULL, "ping 10,ping-restart 2147483647", 120},
	    {NULL, "ping-exit 20", 20},
	    {NULL, "ping-exit 20,ping-restart 30", 30},
	    {NULL, "ping-restart 30,ping-exit 20", 20},
	    {NULL, "ping 10,ping-restart 0", 0},
	    {NULL, "ping 10,ping-exit 0", 0},
	    {NULL, "ping 0,ping-restart 0", 0},
	    {NULL, "ping 0", 0},
	    /* no limit of its own */
	    {NULL, "ping 1", 30},
	    {NULL, "ping 10", 30},
	    {NULL, "ping 11", 33},
	    {NULL, "ping 39", 117},
	    {NULL, "ping 40", 120},
	    {NULL, "ping 41", 120},
	    {NULL, "ping 2147483647", 120},
	    /* not these options */
	    {NULL, "ping-restart 2147483648", 0},
	    {NULL, "ping-restart", 0},
	    {NULL, "ping-restart=50", 0},
	    {NULL, "ping=50", 0},
	    {NULL, "ping-restart ", 0},
	    {NULL, "ping-restart -5", 0},
	    {NULL, "ping-restart 5 5", 0},
	    {NULL, "ping-restart \"50\"", 0},
	    {NULL, "ping-restarts 50", 0},
	    {NULL, "ping-exits 50", 0},
	    {NULL, "pings 50", 0},
	    {NULL, "ping-timer-rem", 0},
	    {NULL, "dhcp-option DNS 10.0.0.1,ping-restart 50,dhcp-option DNS 10.0.0.2", 50},
	    /* the profile's */
	    {HEAD, "", 0},
	    {HEAD, "ping 10,ping-restart 60", 60},
	    {REMOTE "set dead-peer 45\n" NEEDS, "", 45},
	    {REMOTE "set dead-peer 45\n" NEEDS, "ping 5", 45},
	    {REMOTE "set dead-peer 45\n" NEEDS, "ping-restart 60", 60},
	    {REMOTE "set dead-peer 45\n" NEEDS, "ping-restart 0", 0},
	    {REMOTE "set dead-peer 45\n" NEEDS "pull-filter \"ignore\" \"ping\"\n", "ping 5,ping-restart 60",
	     45},
	    {HEAD "pull-filter \"ignore\" \"ping-restart\"\n", "ping 5,ping-restart 60", 30},
	    {HEAD "route-nopull\n", "ping 10,ping-restart 60", 60},
	};
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (int newer = 0; newer < 2; newer++) {
			begin();
			if (all[i].profile != NULL) {
				config.profile = all[i].profile;
				config.profile_length = strlen(all[i].profile);
			}
			read_line(newer ? OPENVPN_2_7 : "!OpenVPN 2.6.3 x86_64");
			snprintf(line, sizeof line, PUSH "%s'", all[i].push);
			read_line(line);
			if (tunnel_config_dead_peer(&config) != all[i].limit)
				fail_msg("%s: %u", all[i].push, tunnel_config_dead_peer(&config));
		}
	}
	/* The rest of a long push follows in another message. */
	begin();
	read_line(PUSH "ping 10,ping-restart 60,push-continuation 2'");
	read_line(PUSH "ifconfig 10.8.0.2 255.255.255.0,push-continuation 1'");
	assert_int_equal(tunnel_config_dead_peer(&config), 60);
	begin();
	assert_int_equal(tunnel_config_dead_peer(&config), 0);
}

/* So many routes and no more; and an option that fills a line, and one byte more. */
static void test_the_most(void **state)
{
	static char line[2048], option[1100];
	struct wire_tunnel *t = &config.tunnel;
	size_t length;

	(void)state;
	begin();
	for (int i = 1; i <= TUNNEL_CONFIG_ROUTES; i++) {
		snprintf(line, sizeof line, "route_network_%d=10.1.%d.0", i, i);
		read_line(line);
		snprintf(line, sizeof line, "route_ipv6_network_%d=fd%02x::/64", i, i);
		if (i <= 2)
			read_line(line);
	}
	tunnel_config_finish(&config);
	assert_true(config.routes_left_out);
	assert_true(t->routes[WIRE_ROUTES - 1].to.address.family != NET_NONE);
	assert_true(t->networks[WIRE_NETWORKS - 1].address.family != NET_NONE);
	for (int over = 0; over < 2; over++) {
		begin();
		read_line(OPENVPN_2_7);
		length = (size_t)snprintf(option, sizeof option, "dhcp-option DNS 10.0.0.1 ");
		memset(option + length, 'x', sizeof option - length);
		option[1023 + over] = '\0';
		snprintf(line, sizeof line, PUSH "%s,dhcp-option DNS 10.0.0.2'", option);
		read_line(line);
		assert_int_equal(t->dns[1].family, over == 0 ? NET_IPV4 : NET_NONE);
		assert_int_equal(t->dns[0].bytes[3], over == 0 ? 1 : 2);
		begin();
		option[1023 + over] = '\0';
		tunnel_config_read_env(&config, "foreign_option_1", option);
		assert_int_equal(t->dns[0].family, over == 0 ? NET_IPV4 : NET_NONE);
	}
}

static void test_is_it_the_same(void **state)
{
	struct wire_tunnel other;

	(void)state;
	begin();
	read_line("+10.8.0.2 fd00::2");
	other = config.tunnel;
	assert_true(tunnel_config_has_addresses(&config, &other));
	other.name[0] = 'x';
	assert_false(tunnel_config_has_addresses(&config, &other));
	other = config.tunnel;
	other.address4.bytes[3]++;
	assert_false(tunnel_config_has_addresses(&config, &other));
	other = config.tunnel;
	other.address6.bytes[15]++;
	assert_false(tunnel_config_has_addresses(&config, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_line), cmocka_unit_test(test_the_most),
					   cmocka_unit_test(test_is_it_the_same),
					   cmocka_unit_test(test_dead_peer)};

	return cmocka_run_group_tests_name("tunnel config", tests, NULL, NULL);
}
