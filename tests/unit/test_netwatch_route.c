/* The network port of macOS and the BSDs, its pure part: what messages say, what changes, what is lost.
 * The samples are those of the fuzz target: written from route(4) and the systems' headers by
 * tests/fuzz/seeds/make_route.py, where also stands which of them kernels of macOS sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "os/netwatch/bsd/facts.h"
#include "os/netwatch/prefixes.h"

#define SAMPLES "tests/fuzz/seeds/route/"

enum { TUNNEL = 33, WIRE = 4 };

static const struct system {
	const char *name, *tunnel, *wire;
	const struct route_layout *layout;
} systems[] = {
    {"macos", "utun87", "en0", &route_layout_macos},
    {"freebsd", "tun87", "em0", &route_layout_freebsd},
    {"openbsd", "tun87", "en0", &route_layout_openbsd},
};

enum { SYSTEMS = sizeof systems / sizeof *systems };

/* The bytes of a sample, of exactly their size, so that a sanitizer sees each step beyond. */
static struct route_buffer sample(const struct system *system, const char *name)
{
	struct route_buffer buffer = {NULL, 0};
	char path[128];
	FILE *file;
	long size;

	snprintf(path, sizeof path, SAMPLES "%s-%s", system->name, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 1);
	assert_int_equal(fseek(file, 1, SEEK_SET), 0); /* the first byte chooses the layout when fuzzed */
	buffer.length = (size_t)size - 1;
	buffer.bytes = malloc(buffer.length);
	assert_non_null(buffer.bytes);
	assert_int_equal(fread(buffer.bytes, 1, buffer.length, file), buffer.length);
	fclose(file);
	return buffer;
}

struct heard {
	struct route_message messages[32];
	size_t count;
};

static int keep(const struct route_message *message, void *argument)
{
	struct heard *heard = argument;

	assert_true(heard->count < 32);
	heard->messages[heard->count++] = *message;
	return 0;
}

static int decode(const struct system *system, const char *name, struct heard *heard)
{
	struct route_buffer buffer = sample(system, name);
	int result;

	heard->count = 0;
	result = route_decode(system->layout, buffer.bytes, buffer.length, keep, heard);
	free(buffer.bytes);
	return result;
}

static struct net_address address_of(const char *text)
{
	struct net_address address;

	assert_int_equal(net_address_parse(text, &address), 0);
	return address;
}

static void assert_route(const struct route_message *message, const char *destination, const char *gateway)
{
	char text[NET_PREFIX_TEXT];

	assert_int_equal(message->kind, ROUTE_ROUTE);
	assert_string_equal(net_prefix_text(&message->route.destination, text), destination);
	assert_string_equal(net_address_text(&message->route.gateway, text), gateway);
}

/* --- the decoder */

static void test_decodes_links_and_addresses(void **state)
{
	static struct heard heard;

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		const struct route_message *m = heard.messages;
		char text[NET_ADDRESS_TEXT];

		assert_int_equal(decode(&systems[i], "interfaces", &heard), 0);
		assert_int_equal(heard.count, 12);
		assert_int_equal(m[0].kind, ROUTE_LINK);
		assert_string_equal(m[0].link.name, "lo0");
		assert_true(m[0].link.flags & LINK_LOOPBACK);
		assert_string_equal(m[3].link.name, systems[i].wire);
		assert_int_equal(m[3].link.index, WIRE);
		assert_true(m[3].link.carrier);
		assert_true(m[3].link.flags & LINK_UP);
		assert_false(m[7].link.flags & LINK_UP);
		assert_false(m[7].link.carrier);
		assert_int_equal(m[4].kind, ROUTE_ADDRESS);
		assert_string_equal(net_address_text(&m[4].address.address, text), "192.0.2.2");
		assert_string_equal(net_address_text(&m[5].address.address, text), "fe80::2"); /* no scope */
		assert_string_equal(net_address_text(&m[6].address.address, text), "2001:db8:1::2");
		/* Our end of a point-to-point link, not the other. */
		assert_string_equal(net_address_text(&m[10].address.address, text), "10.8.0.2");
		assert_int_equal(m[10].address.index, TUNNEL);
	}
}

static void test_decodes_routes(void **state)
{
	static struct heard heard;
	const struct route_message *m = heard.messages;

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		assert_int_equal(decode(&systems[i], "routes4", &heard), 0);
		assert_int_equal(heard.count, 10);
		assert_route(&m[0], "0.0.0.0/0", "192.0.2.1");
		assert_route(&m[1], "192.0.2.0/24", "");
		assert_route(&m[2], "203.0.113.7/32", "192.0.2.1");
		assert_route(&m[3], "203.0.113.7/32", "192.0.2.254");
		assert_false(m[3].route.flags & ROUTE_HOST);
		assert_route(&m[9], "0.0.0.0/1", "10.8.0.1");
		assert_int_equal(decode(&systems[i], "routes6", &heard), 0);
		assert_route(&m[0], "::/0", "fe80::1");
		assert_route(&m[1], "2001:db8:1::/64", "");
		assert_route(&m[8], "2000::/3", "");
	}
}

static void test_decodes_events(void **state)
{
	static struct heard heard;
	const struct route_message *m = heard.messages;

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		assert_int_equal(decode(&systems[i], "events", &heard), 0);
		assert_int_equal(heard.count, 9);
		assert_int_equal(m[0].kind, ROUTE_LINK);
		assert_string_equal(m[0].link.name, "");
		assert_true(m[1].kind == ROUTE_ADDRESS && m[1].gone);
		assert_true(m[2].kind == ROUTE_ROUTE && m[2].gone);
		assert_true(m[4].kind == ROUTE_ADDRESS && !m[4].gone);
		assert_true(m[5].kind == ROUTE_ROUTE && !m[5].gone);
		assert_int_equal(m[7].kind, ROUTE_OTHER); /* a look-up that failed */
		assert_int_equal(m[8].kind, ROUTE_OTHER); /* a change that failed */
		if (systems[i].layout->announce == 0)
			continue;
		assert_int_equal(decode(&systems[i], "announce", &heard), 0);
		assert_true(m[0].kind == ROUTE_ANNOUNCE && m[0].gone && m[0].announced == TUNNEL);
		assert_true(m[1].kind == ROUTE_ANNOUNCE && !m[1].gone && m[1].announced == 7);
	}
}

/* Each byte as the headers have it (make_route.py). */
static void test_a_question_is_as_documented(void **state)
{
	static const char *const to[] = {"192.0.2.1", "2001:db8::1"}, *const names[] = {"question4",
											"question6"};
	_Alignas(8) char bytes[ROUTE_QUESTION_SIZE];

	(void)state;
	for (size_t i = 0; i < 4; i++) { /* of macOS and FreeBSD */
		const struct route_layout *layout = systems[i / 2].layout;
		struct route_buffer wanted = sample(&systems[i / 2], names[i % 2]);
		struct net_address address = address_of(to[i % 2]);

		assert_int_equal(route_encode_get(layout, &address, 1, bytes, sizeof bytes), wanted.length);
		assert_memory_equal(bytes, wanted.bytes, wanted.length);
		assert_int_equal(route_encode_get(layout, &address, 1, bytes, layout->route.size), 0);
		free(wanted.bytes);
	}
}

static void test_an_answer_says_whose(void **state)
{
	static struct heard heard;
	const struct route_message *m = heard.messages;

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		assert_int_equal(decode(&systems[i], "answer", &heard), 0);
		assert_route(&m[0], "128.0.0.0/1", "");
		assert_int_equal(m[0].route.index, TUNNEL);
		assert_true(m[0].answer && m[0].pid == 77 && m[0].sequence == 1);
		assert_int_equal(decode(&systems[i], "events", &heard), 0);
		assert_true(!m[2].answer && !m[5].answer && m[5].pid == 77);
		assert_int_equal(decode(&systems[i], "interfaces", &heard), 0);
		assert_int_equal(m[3].link.mtu, 1500);
	}
}

/* Bytes that kernels of macOS sent. */
static void test_decodes_what_was_recorded(void **state)
{
	static struct heard heard;
	const struct system *macos = &systems[0];
	struct route_buffer get;

	(void)state;
	assert_int_equal(decode(macos, "recorded-link-route", &heard), 0);
	assert_route(heard.messages, "192.168.86.0/24", "");
	assert_int_equal(decode(macos, "recorded-utun-route", &heard), 0);
	assert_route(heard.messages, "100.113.0.0/16", "");
	assert_int_equal(decode(macos, "recorded-route6", &heard), 0);
	assert_route(heard.messages, "fd84:1b4e:6281::/48", "fe80::f22f:4bff:fe09:3bff");
	assert_int_equal(decode(macos, "recorded-default6", &heard), 0);
	assert_route(heard.messages, "::/0", "fe80::2d0:4cff:fe10:15d2");
	assert_int_equal(decode(macos, "recorded-length-0", &heard), 0);
	assert_route(heard.messages, "::/48", "fe80::f22f:4bff:fe09:3bff");
	assert_int_equal(decode(macos, "recorded-get", &heard), 0);
	assert_int_equal(heard.messages[0].kind, ROUTE_OTHER); /* errno 3: a question without an answer */
	get = sample(macos, "recorded-get");
	memset((char *)get.bytes + macos->layout->route.error, 0, 4);
	heard.count = 0;
	assert_int_equal(route_decode(macos->layout, get.bytes, get.length, keep, &heard), 0);
	assert_route(heard.messages, "0.0.0.0/0", "");
	assert_int_equal(heard.messages[0].route.flags, 0x1000803);
	free(get.bytes);
}

static void test_believes_no_length(void **state)
{
	static struct heard heard;

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		struct route_buffer whole = sample(&systems[i], "interfaces");
		uint8_t *bytes = whole.bytes;
		uint16_t first;

		memcpy(&first, bytes, sizeof first);
		assert_int_equal(decode(&systems[i], "torn", &heard), -1);
		assert_int_equal(heard.count, 0);
		assert_int_equal(decode(&systems[i], "other-version", &heard), 0);
		assert_int_equal(heard.messages[0].kind, ROUTE_OTHER);
		/* Cut anywhere: no step beyond the end, and what came before is handed on. */
		for (size_t length = 0; length < whole.length; length++) {
			uint8_t *cut = malloc(length + 1);

			assert_non_null(cut);
			memcpy(cut, bytes, length);
			heard.count = 0;
			(void)route_decode(systems[i].layout, cut, length, keep, &heard);
			assert_true(length < first ? heard.count == 0 : heard.count >= 1);
			free(cut);
		}
		/* An address that claims to be longer than its message. */
		bytes[systems[i].layout->link.size] = 0xff;
		heard.count = 0;
		assert_int_equal(route_decode(systems[i].layout, bytes, first, keep, &heard), 0);
		assert_int_equal(heard.messages[0].kind, ROUTE_OTHER);
		/* A message of no length would never end. */
		bytes[0] = bytes[1] = 0;
		assert_int_equal(route_decode(systems[i].layout, bytes, whole.length, keep, &heard), -1);
		free(bytes);
	}
}

static void test_a_removal_says_what_was_found(void **state)
{
	static struct heard before, after;
	_Alignas(8) char bytes[512];

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		assert_int_equal(decode(&systems[i], "routes4", &before), 0);
		for (size_t n = 0; n < before.count; n++) {
			const struct route_route *route = &before.messages[n].route;
			size_t length = route_encode_delete(systems[i].layout, route, 7, bytes, sizeof bytes);

			after.count = 0;
			assert_true(length > 0);
			assert_int_equal(route_decode(systems[i].layout, bytes, length, keep, &after), 0);
			assert_true(after.messages[0].kind == ROUTE_ROUTE && after.messages[0].gone);
			assert_memory_equal(&after.messages[0].route.destination, &route->destination,
					    sizeof route->destination);
			assert_memory_equal(&after.messages[0].route.gateway, &route->gateway,
					    sizeof route->gateway);
			assert_int_equal(after.messages[0].route.flags, route->flags);
		}
		assert_int_equal(
		    route_encode_delete(systems[i].layout, &before.messages[0].route, 7, bytes, 100), 0);
	}
}

/* --- what the lists answer */

static bool has_prefix(const struct situation *s, const char *text)
{
	char have[NET_PREFIX_TEXT];

	for (size_t i = 0; i < s->neighbour_count; i++) {
		if (strcmp(net_prefix_text(&s->neighbours[i], have), text) == 0)
			return true;
	}
	return false;
}

static void test_fills_a_situation(void **state)
{
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		struct route_buffer links = sample(&systems[i], "interfaces"),
				    routes = sample(&systems[i], "routes6");
		struct situation s = {.link_count = 9, .neighbour_count = 9, .links_left_out = true};

		assert_int_equal(route_fill(systems[i].layout, links, routes, systems[i].tunnel, &s, &e), 0);
		/* Also the link that is down; not lo0, pflog0 nor the tunnel. */
		assert_int_equal(s.link_count, 2);
		assert_string_equal(s.links[0], systems[i].wire);
		assert_string_equal(s.links[1], "en5");
		assert_false(s.links_left_out);
		/* The own address lies in the prefix; others lie in a shorter one, are no
		 * link's, the tunnel's, unreachable or behind a gateway. */
		assert_int_equal(s.neighbour_count, 2);
		assert_true(has_prefix(&s, "2001:db8:1::/64"));
		assert_true(has_prefix(&s, "2001:db8:2::/56"));
		/* Another name for the tunnel: then that one is a link like others. */
		assert_int_equal(route_fill(systems[i].layout, links, routes, "tun0", &s, &e), 0);
		assert_int_equal(s.link_count, 3);
		assert_true(has_prefix(&s, "fd00:8::/64"));
		/* An Ethernet link that took the tunnel's name is not let off. */
		assert_int_equal(route_fill(systems[i].layout, links, routes, systems[i].wire, &s, &e), 0);
		assert_string_equal(s.links[0], systems[i].wire);
		links.length -= 3;
		assert_int_equal(route_fill(systems[i].layout, links, routes, "tun0", &s, &e), -1);
		free(links.bytes);
		free(routes.bytes);
	}
}

static void test_a_link_without_a_name_is_an_error(void **state)
{
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		struct route_buffer events = sample(&systems[i], "events");
		struct situation s = {.link_count = 0};

		assert_int_equal(route_fill(systems[i].layout, events, events, "tun0", &s, &e), -1);
		assert_non_null(strstr(e.text, "a name that rules can't contain"));
		free(events.bytes);
	}
}

static void test_proves_a_tunnel(void **state)
{
	const struct net_address ours4 = address_of("10.8.0.2"), ours6 = address_of("fd00:8::2"),
				 other = address_of("10.8.0.1"), wires = address_of("192.0.2.2"),
				 none = {.family = NET_NONE};
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		const struct route_layout *layout = systems[i].layout;
		struct route_buffer links = sample(&systems[i], "interfaces");
		unsigned index = 0;

		assert_int_equal(route_tunnel(layout, links, systems[i].tunnel, &ours4, &ours6, &index, &e),
				 0);
		assert_int_equal(index, TUNNEL);
		assert_int_equal(route_tunnel(layout, links, systems[i].tunnel, &none, NULL, &index, &e), 0);
		assert_int_equal(route_tunnel(layout, links, systems[i].tunnel, &other, NULL, &index, &e),
				 -1);
		assert_non_null(strstr(e.text, "does not have 10.8.0.1"));
		assert_int_equal(route_tunnel(layout, links, systems[i].tunnel, &wires, NULL, &index, &e),
				 -1);
		assert_int_equal(route_tunnel(layout, links, systems[i].wire, &wires, NULL, &index, &e), -1);
		assert_non_null(strstr(e.text, "is not a TUN device"));
		assert_int_equal(route_tunnel(layout, links, "tun0", NULL, NULL, &index, &e), -1);
		assert_non_null(strstr(e.text, "does not exist"));
		free(links.bytes);
	}
}

/* The flags of the tunnel, changed in the list itself. */
static void set_tunnel_flags(const struct system *system, struct route_buffer links, uint32_t flags)
{
	static struct heard heard;
	uint8_t *at = links.bytes;
	uint16_t step;

	heard.count = 0;
	assert_int_equal(route_decode(system->layout, links.bytes, links.length, keep, &heard), 0);
	for (size_t i = 0; i < heard.count; i++, at += step) {
		memcpy(&step, at, sizeof step);
		if (heard.messages[i].kind == ROUTE_LINK && heard.messages[i].link.index == TUNNEL)
			memcpy(at + system->layout->link.flags, &flags, sizeof flags);
	}
}

static void test_a_tunnel_must_be_up_and_held(void **state)
{
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		struct route_buffer links = sample(&systems[i], "interfaces");
		unsigned index;

		set_tunnel_flags(&systems[i], links, 0x10 | LINK_RUNNING);
		assert_int_equal(
		    route_tunnel(systems[i].layout, links, systems[i].tunnel, NULL, NULL, &index, &e), -1);
		assert_non_null(strstr(e.text, "is down"));
		set_tunnel_flags(&systems[i], links, 0x10 | LINK_UP);
		assert_int_equal(
		    route_tunnel(systems[i].layout, links, systems[i].tunnel, NULL, NULL, &index, &e), -1);
		assert_non_null(strstr(e.text, "no process holds it open"));
		set_tunnel_flags(&systems[i], links, 0x10 | LINK_UP | LINK_RUNNING);
		assert_int_equal(
		    route_tunnel(systems[i].layout, links, systems[i].tunnel, NULL, NULL, &index, &e), 0);
		free(links.bytes);
	}
}

/* By the longest route, less the tunnel's, the address' own, those that reject and a neighbour's. */
static void test_finds_the_way(void **state)
{
	static const struct {
		const char *to, *local, *gateway;
	} ways[] = {{"203.0.113.7", "192.0.2.2", "192.0.2.1"},
		    {"203.0.113.8", "192.0.2.2", "192.0.2.1"},
		    {"64.0.2.9", "192.0.2.2", "192.0.2.1"},
		    {"192.0.2.9", "192.0.2.2", ""},
		    {"2001:db8:7::9", "2001:db8:1::2", "2001:db8:1::1"},
		    {"2001:db8:9::9", "2001:db8:1::2", ""},
		    {"fd00:8::9", "2001:db8:1::2", "fe80::1"}};
	const struct net_address own = address_of("192.0.2.2"), tunnels = address_of("10.8.0.2");
	char text[NET_ADDRESS_TEXT];
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		const struct route_layout *layout = systems[i].layout;
		struct route_buffer links = sample(&systems[i], "interfaces");
		struct wire_way way;

		for (size_t n = 0; n < sizeof ways / sizeof *ways; n++) {
			struct net_address to = address_of(ways[n].to);
			struct route_buffer routes =
			    sample(&systems[i], to.family == NET_IPV4 ? "routes4" : "routes6");
			struct route_buffer none = {routes.bytes, 0},
					    torn = {routes.bytes, routes.length - 3};

			memset(&way, 0x55, sizeof way);
			assert_int_equal(route_way(layout, links, routes, systems[i].tunnel, &to, &way, &e),
					 1);
			assert_int_equal(way.link, WIRE);
			assert_string_equal(net_address_text(&way.local, text), ways[n].local);
			assert_string_equal(net_address_text(&way.gateway, text), ways[n].gateway);
			assert_int_equal(way.kept + way.no_way, 0);
			assert_int_equal(route_way(layout, links, none, systems[i].tunnel, &to, &way, &e), 0);
			assert_int_equal(route_way(layout, links, torn, systems[i].tunnel, &to, &way, &e),
					 -1);
			/* A link without an address leads nowhere. */
			assert_int_equal(route_way(layout, none, routes, systems[i].tunnel, &to, &way, &e),
					 0);
			/* Of another tunnel the routes count. */
			if (n == 2) {
				assert_int_equal(route_way(layout, links, routes, "tun0", &to, &way, &e), 1);
				assert_int_equal(way.link, TUNNEL);
				assert_true(net_address_equal(&way.local, &tunnels));
			}
			free(routes.bytes);
		}
		assert_true(route_has_address(layout, links, WIRE, &own));
		assert_false(route_has_address(layout, links, TUNNEL, &own));
		assert_true(route_has_address(layout, links, TUNNEL, &tunnels));
		links.length -= 3; /* torn: nobody knows */
		assert_false(route_has_address(layout, links, TUNNEL, &tunnels));
		free(links.bytes);
	}
}

static void test_finds_what_openvpn_left(void **state)
{
	const struct net_address to = address_of("203.0.113.7"), none = address_of("203.0.113.9");
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < SYSTEMS; i++) {
		struct route_buffer routes = sample(&systems[i], "routes4");
		struct route_route found[8];
		size_t count;

		assert_int_equal(route_leftovers(systems[i].layout, routes, &to, found, 8, &count, &e), 0);
		assert_int_equal(count, 3); /* with and without a mask; not the kernel's */
		assert_int_equal(found[0].gateway.bytes[3], 1);
		assert_int_equal(found[1].gateway.bytes[3], 254);
		assert_int_equal(route_leftovers(systems[i].layout, routes, &to, found, 1, &count, &e), 0);
		assert_int_equal(count, 1);
		assert_int_equal(route_leftovers(systems[i].layout, routes, &none, found, 8, &count, &e), 0);
		assert_int_equal(count, 0);
		free(routes.bytes);
	}
}

/* --- what a message changes */

struct told {
	char lost[4][NET_NAME_SIZE];
	unsigned index[4];
	size_t count;
};

static void tell_lost(const char *name, unsigned index, void *argument)
{
	struct told *told = argument;

	assert_true(told->count < 4);
	text_copy(told->lost[told->count], NET_NAME_SIZE, name);
	told->index[told->count++] = index;
}

static const struct route_link wire = {
    .index = WIRE, .flags = LINK_UP | LINK_RUNNING, .type = 6, .carrier = true, .name = "en0"};
static const struct route_link tunnel = {
    .index = TUNNEL, .flags = LINK_UP | LINK_RUNNING | 0x10, .type = 0x01, .carrier = true, .name = "utun87"};

static struct route_links both(void)
{
	return (struct route_links){.list = {wire, tunnel}, .count = 2};
}

static struct route_news quiet(struct told *told)
{
	told->count = 0;
	return (struct route_news){.lost = tell_lost, .argument = told};
}

static void assert_lost(const struct told *told, const char *name, unsigned index)
{
	assert_int_equal(told->count, 1);
	assert_string_equal(told->lost[0], name);
	assert_int_equal(told->index[0], index);
}

static void test_what_goes_down_is_lost_at_once(void **state)
{
	struct route_message down = {.kind = ROUTE_LINK, .link = {.index = TUNNEL, .flags = LINK_RUNNING}},
			     up = {.kind = ROUTE_LINK, .link = {.index = TUNNEL, .flags = LINK_UP}},
			     departed = {.kind = ROUTE_ANNOUNCE, .gone = true, .announced = TUNNEL},
			     arrived = {.kind = ROUTE_ANNOUNCE, .announced = TUNNEL};
	struct route_links known = both(), now = both();
	struct told told;
	struct route_news news = quiet(&told);

	(void)state;
	assert_true(route_update(&known, &route_layout_macos, &up, &news)); /* control: nothing is lost */
	assert_int_equal(told.count, 0);
	assert_true(route_update(&known, &route_layout_macos, &down, &news));
	assert_lost(&told, "utun87", TUNNEL);
	assert_true(route_update(&known, &route_layout_macos, &down, &news)); /* once */
	assert_int_equal(told.count, 1);
	/* Down and up again between two readings: it was lost all the same, and is there. */
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_int_equal(told.count, 0);
	assert_true(known.list[1].flags & LINK_UP);
	assert_true(route_update(&known, &route_layout_freebsd, &arrived, &news));
	assert_int_equal(told.count, 0);
	assert_true(route_update(&known, &route_layout_freebsd, &departed, &news));
	assert_lost(&told, "utun87", TUNNEL);
	assert_true(news.links);
	assert_int_equal(known.count, 1);
}

static void test_carries(void **state)
{
	struct route_links known = both();

	(void)state;
	assert_true(route_carries(&known, WIRE) && route_carries(&known, TUNNEL));
	assert_false(route_carries(&known, 77));
	known.list[0].carrier = false;
	assert_false(route_carries(&known, WIRE));
	known.list[0].carrier = true;
	known.list[0].flags &= ~(uint32_t)LINK_UP;
	assert_false(route_carries(&known, WIRE));
}

static void test_what_is_missing_is_lost(void **state)
{
	struct route_links known = both(), now = {.list = {wire}, .count = 1};
	struct told told;
	struct route_news news = quiet(&told);

	(void)state;
	route_compare(&known, &route_layout_macos, &known, &news); /* control */
	assert_int_equal(told.count, 0);
	assert_false(news.links || news.reachable);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_lost(&told, "utun87", TUNNEL);
	assert_true(news.links);
	assert_false(news.reachable);
	/* The number passed to another name, or the name to another number. */
	known = both();
	now = both();
	text_copy(now.list[1].name, NET_NAME_SIZE, "utun3");
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_lost(&told, "utun87", TUNNEL);
	known = both();
	now = both();
	now.list[1].index = 34;
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_lost(&told, "utun87", TUNNEL);
	/* Down, without having said so. */
	known = both();
	now = both();
	now.list[1].flags &= ~(uint32_t)LINK_UP;
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_lost(&told, "utun87", TUNNEL);
	/* Nobody knows. */
	known = both();
	news = quiet(&told);
	route_forget(&known, &news);
	assert_int_equal(told.count, 2);
	assert_true(news.links && news.reachable);
	assert_int_equal(known.count, 0);
}

static void test_what_is_worth_a_try(void **state)
{
	struct route_links known = {.list = {wire}, .count = 1}, now = both();
	struct told told;
	struct route_news news = quiet(&told);

	(void)state;
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_true(news.links);
	assert_false(news.reachable); /* our own tunnel came */
	known.list[0].carrier = false;
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_true(news.reachable);
	assert_false(news.links);
	known.count = 0;
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_true(news.links && news.reachable);
	now.more = true; /* more links than are watched: each time they may have changed */
	news = quiet(&told);
	route_compare(&known, &route_layout_macos, &now, &news);
	assert_true(news.links);
}

static struct route_news heard_alone(const struct route_message *message, bool *read_anew)
{
	static struct told told;
	struct route_links known = both();
	struct route_news news = quiet(&told);

	*read_anew = route_update(&known, &route_layout_macos, message, &news);
	assert_int_equal(told.count, 0);
	return news;
}

static void test_addresses_and_routes(void **state)
{
	struct route_message address = {.kind = ROUTE_ADDRESS, .address = {WIRE, address_of("192.0.2.2")}},
			     route = {.kind = ROUTE_ROUTE, .route = {.flags = ROUTE_GATEWAY, .index = WIRE}},
			     other = {.kind = ROUTE_OTHER};
	struct route_news news;
	bool anew;

	(void)state;
	news = heard_alone(&other, &anew);
	assert_false(news.links || news.reachable || anew);
	news = heard_alone(&address, &anew);
	assert_true(news.reachable && !news.links && !anew);
	address.gone = true; /* a link of macOS that goes away says only this */
	news = heard_alone(&address, &anew);
	assert_true(!news.reachable && !news.links && anew);
	address.address.address = address_of("2001:db8::2");
	news = heard_alone(&address, &anew);
	assert_true(news.links);
	address.address.index = TUNNEL;
	news = heard_alone(&address, &anew);
	assert_true(!news.reachable && !news.links && anew);
	address.address.index = 99; /* of a link that we don't know yet */
	address.gone = false;
	news = heard_alone(&address, &anew);
	assert_true(news.reachable && anew);

	assert_int_equal(net_prefix_parse("0.0.0.0/0", &route.route.destination), 0);
	news = heard_alone(&route, &anew);
	assert_true(news.reachable && !news.links && !anew);
	route.gone = true;
	news = heard_alone(&route, &anew);
	assert_false(news.reachable || news.links);
	route.gone = false;
	route.route.index = TUNNEL;
	news = heard_alone(&route, &anew);
	assert_false(news.reachable || news.links);
	route.route.index = WIRE;
	assert_int_equal(net_prefix_parse("2001:db8::/64", &route.route.destination), 0);
	news = heard_alone(&route, &anew);
	assert_false(news.reachable || news.links); /* behind a gateway */
	route.route.flags = 0;
	news = heard_alone(&route, &anew);
	assert_true(news.links && !news.reachable);
	route.route.flags = ROUTE_HOST; /* one neighbour: macOS tells of each */
	news = heard_alone(&route, &anew);
	assert_false(news.links || news.reachable);
}

static void test_what_is_a_tunnel(void **state)
{
	struct route_link link = tunnel;

	(void)state;
	assert_true(route_is_tunnel(&route_layout_macos, &link));
	assert_false(route_is_tunnel(&route_layout_freebsd, &link));
	text_copy(link.name, sizeof link.name, "utun");
	assert_false(route_is_tunnel(&route_layout_macos, &link));
	text_copy(link.name, sizeof link.name, "utun8x");
	assert_false(route_is_tunnel(&route_layout_macos, &link));
	link = tunnel;
	link.type = 6;
	assert_false(route_is_tunnel(&route_layout_macos, &link));
	link = tunnel;
	link.flags = LINK_UP;
	assert_false(route_is_tunnel(&route_layout_macos, &link));
	/* FreeBSD: openvpn makes a broadcast device of it for "topology subnet". */
	link = (struct route_link){.index = 5, .flags = LINK_UP | 0x2, .type = 0x17, .name = "tun87"};
	assert_true(route_is_tunnel(&route_layout_freebsd, &link));
	link.type = 6; /* tap, or a card that was renamed */
	assert_false(route_is_tunnel(&route_layout_freebsd, &link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decodes_links_and_addresses),
	    cmocka_unit_test(test_decodes_routes),
	    cmocka_unit_test(test_decodes_events),
	    cmocka_unit_test(test_decodes_what_was_recorded),
	    cmocka_unit_test(test_a_question_is_as_documented),
	    cmocka_unit_test(test_an_answer_says_whose),
	    cmocka_unit_test(test_believes_no_length),
	    cmocka_unit_test(test_a_removal_says_what_was_found),
	    cmocka_unit_test(test_fills_a_situation),
	    cmocka_unit_test(test_a_link_without_a_name_is_an_error),
	    cmocka_unit_test(test_proves_a_tunnel),
	    cmocka_unit_test(test_a_tunnel_must_be_up_and_held),
	    cmocka_unit_test(test_finds_the_way),
	    cmocka_unit_test(test_carries),
	    cmocka_unit_test(test_finds_what_openvpn_left),
	    cmocka_unit_test(test_what_goes_down_is_lost_at_once),
	    cmocka_unit_test(test_what_is_missing_is_lost),
	    cmocka_unit_test(test_what_is_worth_a_try),
	    cmocka_unit_test(test_addresses_and_routes),
	    cmocka_unit_test(test_what_is_a_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
