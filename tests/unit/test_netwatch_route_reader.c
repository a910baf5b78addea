/* The network port of macOS and the BSDs, with a kernel that the test plays: lists from the samples (see
 * test_netwatch_route.c), a socket pair for the route socket, recorded ioctls. The layout is that of macOS.
 */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <net/if.h>
#include <sys/ioctl.h>

static int test_ioctl(int descriptor, unsigned long request, struct ifreq *argument);
static ssize_t test_write(int descriptor, const void *bytes, size_t length);

#define ioctl test_ioctl
#define write test_write
#define if_nametoindex(name) (strcmp(name, "utun87") == 0 ? 33u : 0u)
#include "os/netwatch/bsd/ask.c"
#include "os/netwatch/bsd/change.c"
#include "os/netwatch/bsd/watch.c"
#undef ioctl
#undef write

#include "base/text.h"
#include "os/netwatch/bsd/layout_numbers.h"

#define SAMPLES "tests/fuzz/seeds/route/macos-"

const struct route_layout *const route_layout_here = &route_layout_macos;

/* --- the kernel */

static const char *links_sample = "interfaces";
static bool dump_fails;
static size_t cut; /* bytes off the end of each list */
static int kernel_end = -1;
static char set[8][32]; /* what ioctl was asked to set */
static size_t set_count;
static const char *stubborn = "";
static int write_errno;

static size_t read_sample(const char *name, void *to, size_t size)
{
	char path[128];
	FILE *file;
	size_t length;

	snprintf(path, sizeof path, SAMPLES "%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fgetc(file), 0); /* it chooses the layout when fuzzed */
	length = fread(to, 1, size, file);
	fclose(file);
	assert_true(length > 0 && length < size);
	return length;
}

int route_dump(enum route_list list, struct route_buffer *buffer, struct err *e)
{
	static const char *const names[] = {NULL, "routes4", "routes6"};

	if (dump_fails)
		return err_set(e, "the kernel does not answer");
	buffer->bytes = malloc(8192);
	assert_non_null(buffer->bytes);
	buffer->length =
	    read_sample(list == ROUTE_LIST_LINKS ? links_sample : names[list], buffer->bytes, 8192) - cut;
	return 0;
}

void route_release(struct route_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct route_buffer){NULL, 0};
}

int route_socket(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	if (kernel_end != -1)
		close(kernel_end);
	kernel_end = ends[1];
	return ends[0];
}

static int test_ioctl(int descriptor, unsigned long request, struct ifreq *argument)
{
	(void)descriptor;
	if (strcmp(argument->ifr_name, "gone0") == 0) {
		errno = ENXIO;
		return -1;
	}
	if (request == SIOCGIFFLAGS) {
		argument->ifr_flags = IFF_UP | IFF_MULTICAST;
		return 0;
	}
	assert_int_equal(request, SIOCSIFFLAGS);
	if (strcmp(argument->ifr_name, stubborn) == 0) {
		errno = EPERM;
		return -1;
	}
	assert_true(argument->ifr_flags & IFF_MULTICAST); /* the other flags stay */
	snprintf(set[set_count++], sizeof set[0], "%s %s", argument->ifr_name,
		 argument->ifr_flags & IFF_UP ? "up" : "down");
	return 0;
}

/* What a kernel that is asked sends to everybody: this, with the numbers of whoever asked. */
enum {
	SAY_ANSWER,
	SAY_OTHERS,
	SAY_EARLIER,
	SAY_DELETE,
	SAY_FAILED,
	SAY_REJECTED,
	SAY_TORN,
	SAY_FORGED,
	SAID
};
static unsigned said; /* bits of these, in this order; 0: the kernel is not asked */
static bool say_last; /* the answer comes behind the others */

static void say_one(unsigned what, uint32_t sequence)
{
	uint32_t pid = what == SAY_OTHERS ? 77 : (uint32_t)getpid(), failure = ESRCH,
		 flags = ROUTE_UP | ROUTE_REJECT;
	char bytes[8192];
	uint16_t length = (uint16_t)read_sample("answer", bytes, sizeof bytes);

	sequence -= what == SAY_EARLIER;
	memcpy(bytes + BSD_ROUTE_PID, &pid, sizeof pid);
	memcpy(bytes + BSD_ROUTE_SEQ, &sequence, sizeof sequence);
	if (what == SAY_DELETE)
		bytes[3] = 2;
	if (what == SAY_FAILED)
		memcpy(bytes + BSD_ROUTE_ERROR, &failure, sizeof failure);
	if (what == SAY_REJECTED)
		memcpy(bytes + BSD_ROUTE_FLAGS, &flags, sizeof flags);
	/* What is not meant for us leads elsewhere. */
	if (what != SAY_ANSWER && what != SAY_REJECTED)
		bytes[BSD_ROUTE_INDEX] = 4;
	if (what == SAY_TORN)
		length -= 9;
	/* Anybody's own words, which the kernel passes on as they are because the length is wrong. */
	if (what == SAY_FORGED)
		memset(bytes + length, 0, 4), length += 4;
	assert_int_equal(send(kernel_end, bytes, length, 0), length);
}

static ssize_t test_write(int descriptor, const void *bytes, size_t length)
{
	uint32_t sequence;

	memcpy(&sequence, (const char *)bytes + BSD_ROUTE_SEQ, sizeof sequence);
	for (unsigned i = say_last ? 1 : 0; i < (say_last ? SAID + 1U : SAID); i++) {
		if ((said & 1U << i % SAID) != 0)
			say_one(i % SAID, sequence);
	}
	if (write_errno == 0)
		return send(descriptor, bytes, length, 0);
	errno = write_errno;
	return -1;
}

static int reset(void **state)
{
	(void)state;
	links_sample = "interfaces";
	dump_fails = false;
	cut = set_count = 0;
	stubborn = "";
	write_errno = 0;
	said = 0;
	return 0;
}

/* --- the watch */

struct told {
	struct event_base *base;
	struct netwatch *watch;
	char text[256];
	size_t used;
};

static void tell(struct told *told, const char *what)
{
	text_append(told->text, sizeof told->text, &told->used, "%s;", what);
}

static void on_links(void *argument)
{
	tell(argument, "links");
}

static void on_reachable(void *argument)
{
	tell(argument, "reachable");
}

static void on_ways(void *argument)
{
	tell(argument, "ways");
}

static void on_lost(const char *name, unsigned index, void *argument)
{
	char text[64];

	snprintf(text, sizeof text, "lost %s %u", name, index);
	tell(argument, text);
}

static struct told *begin(void)
{
	static struct told told;
	struct netwatch_events events = {on_links, on_reachable, on_ways, on_lost, NULL, &told};
	struct err e = {""};

	memset(&told, 0, sizeof told);
	told.base = event_base_new();
	told.watch = netwatch_open(told.base, &events, &e);
	assert_non_null(told.watch);
	return &told;
}

static void end(struct told *told)
{
	netwatch_close(told->watch);
	event_base_free(told->base);
}

/* Each message of a sample as a datagram of its own, as the kernel sends them. */
static void send_sample(const char *name, size_t first, size_t count)
{
	char bytes[8192], *at = bytes;
	size_t length = read_sample(name, bytes, sizeof bytes);
	uint16_t step;

	for (size_t i = 0; i < first + count; i++, at += step) {
		memcpy(&step, at, sizeof step);
		assert_true(at + step <= bytes + length);
		if (i >= first)
			assert_int_equal(send(kernel_end, at, step, 0), step);
	}
}

static void loop(struct told *told)
{
	told->used = 0;
	told->text[0] = '\0';
	event_base_loop(told->base, EVLOOP_NONBLOCK);
}

/* A link without a name is how the kernel tells of a change: flags and index only. */
static void send_flags(uint16_t index, uint32_t flags)
{
	char bytes[8192];
	uint16_t step;

	(void)read_sample("events", bytes, sizeof bytes);
	memcpy(&step, bytes, sizeof step);
	memcpy(bytes + BSD_LINK_INDEX, &index, sizeof index);
	memcpy(bytes + BSD_LINK_FLAGS, &flags, sizeof flags);
	assert_int_equal(send(kernel_end, bytes, step, 0), step);
}

static void test_nothing_new_is_not_told(void **state)
{
	struct told *told = begin();

	(void)state;
	loop(told);
	assert_string_equal(told->text, "");
	send_flags(4, LINK_UP | LINK_RUNNING); /* that something has changed, and not what */
	loop(told);
	assert_string_equal(told->text, "ways;");
	end(told);
}

static void test_lost_comes_first_and_at_once(void **state)
{
	struct told *told = begin();

	(void)state;
	send_flags(33, LINK_RUNNING);
	loop(told);
	assert_string_equal(told->text, "lost utun87 33;ways;");
	/* A burst is told once. */
	send_sample("events", 0, 9);
	loop(told);
	assert_string_equal(told->text, "lost en0 4;links;reachable;ways;");
	end(told);
}

/* The list is shorter by the tunnel, and all that was said is that an address went. */
static void test_a_link_that_went_without_a_word(void **state)
{
	struct told *told = begin();

	(void)state;
	links_sample = "interfaces-without-tunnel";
	send_sample("events", 1, 1);
	loop(told);
	assert_string_equal(told->text, "lost utun87 33;links;ways;");
	links_sample = "interfaces";
	send_flags(4, LINK_UP | LINK_RUNNING);
	loop(told);
	assert_string_equal(told->text, "links;ways;");
	end(told);
}

static void test_what_can_not_be_read_is_lost(void **state)
{
	struct told *told = begin();

	(void)state;
	assert_int_equal(send(kernel_end, "\3\0\5\16", 4, 0),
			 4); /* torn: read anew, nothing is known to have changed */
	loop(told);
	assert_string_equal(told->text, "ways;");
	dump_fails = true;
	assert_int_equal(send(kernel_end, "\3\0\5\16", 4, 0), 4);
	loop(told);
	assert_string_equal(told->text,
			    "lost lo0 1;lost en0 4;lost pflog0 6;lost utun87 33;links;reachable;ways;");
	dump_fails = false;
	cut = 5;
	assert_int_equal(send(kernel_end, "\3\0\5\16", 4, 0), 4);
	loop(told);
	assert_string_equal(told->text, "links;reachable;ways;");
	end(told);
}

static void test_the_way(void **state)
{
	struct told *told = begin();
	struct net_address to, own;
	struct wire_way way;
	struct err e = {""};

	(void)state;
	assert_int_equal(net_address_parse("203.0.113.7", &to), 0);
	assert_int_equal(net_address_parse("192.0.2.2", &own), 0);
	assert_int_equal(netwatch_way(&to, 7, "utun87", &way, &e), 1);
	assert_int_equal(way.link, 4);
	assert_true(net_address_equal(&way.local, &own));
	assert_true(netwatch_carries(4) && !netwatch_carries(77));
	assert_true(netwatch_has_address(4, &own) && !netwatch_has_address(33, &own));
	dump_fails = true;
	assert_int_equal(netwatch_way(&to, 7, "utun87", &way, &e), -1);
	assert_string_equal(e.text, "the kernel does not answer");
	assert_false(netwatch_carries(4) || netwatch_has_address(4, &own));
	dump_fails = false;
	end(told);
}

static void test_no_watch_without_a_list(void **state)
{
	struct netwatch_events events = {on_links, on_reachable, on_ways, on_lost, NULL, NULL};
	struct event_base *base = event_base_new();
	struct err e = {""};

	(void)state;
	dump_fails = true;
	assert_null(netwatch_open(base, &events, &e));
	assert_string_equal(e.text, "the kernel does not answer");
	event_base_free(base);
}

/* --- questions and changes */

static void test_fill_and_tunnel(void **state)
{
	static struct situation s;
	struct net_address ours;
	struct err e = {""};
	unsigned index = 0;

	(void)state;
	assert_int_equal(net_address_parse("10.8.0.2", &ours), 0);
	assert_int_equal(netwatch_fill(&s, "utun87", &e), 0);
	assert_int_equal(s.link_count, 2);
	text_copy(s.tunnel.name, sizeof s.tunnel.name, "utun87");
	assert_int_equal(netwatch_fill(&s, NULL, &e), 0);
	assert_int_equal(s.link_count, 2);
	assert_int_equal(netwatch_tunnel("utun87", &ours, NULL, &index, &e), 0);
	assert_int_equal(index, 33);
	cut = 5;
	assert_int_equal(netwatch_fill(&s, NULL, &e), -1);
	assert_int_equal(netwatch_tunnel("utun87", &ours, NULL, &index, &e), -1);
	dump_fails = true;
	assert_int_equal(netwatch_fill(&s, NULL, &e), -1);
	assert_int_equal(netwatch_tunnel("utun87", &ours, NULL, &index, &e), -1);
}

static void test_links_go_down_and_come_back(void **state)
{
	struct err e = {""};

	(void)state;
	/* Each that is up but loopback and pf's log: the tunnel too, and nothing that is down. */
	assert_int_equal(netwatch_links_down(&e), 0);
	assert_int_equal(set_count, 2);
	assert_string_equal(set[0], "en0 down");
	assert_string_equal(set[1], "utun87 down");
	set_count = 0;
	stubborn = "en0";
	assert_int_equal(netwatch_links_restore(&e), -1);
	assert_int_equal(set_count, 1); /* the other came back all the same */
	assert_string_equal(e.text, "en0: setting it up: Operation not permitted");
	set_count = 0;
	stubborn = "";
	assert_int_equal(netwatch_links_restore(&e), 0);
	assert_int_equal(set_count, 1);
	assert_string_equal(set[0], "en0 up");
	set_count = 0;
	assert_int_equal(netwatch_links_restore(&e), 0);
	assert_int_equal(set_count, 0);
	/* One that will not go down does not stop the others. */
	stubborn = "en0";
	assert_int_equal(netwatch_links_down(&e), -1);
	assert_int_equal(set_count, 1);
	stubborn = "";
	assert_int_equal(netwatch_links_restore(&e), 0);
	dump_fails = true;
	assert_int_equal(netwatch_links_down(&e), -1);
}

static int keep_route(const struct route_message *message, void *argument)
{
	*(struct route_message *)argument = *message;
	return 0;
}

static void assert_removed(const char *gateway)
{
	struct route_message message;
	char bytes[512], text[NET_PREFIX_TEXT];
	ssize_t length = recv(kernel_end, bytes, sizeof bytes, MSG_DONTWAIT);

	assert_true(length > 0);
	assert_int_equal(route_decode(&route_layout_macos, bytes, (size_t)length, keep_route, &message), 0);
	assert_true(message.kind == ROUTE_ROUTE && message.gone);
	assert_string_equal(net_prefix_text(&message.route.destination, text), "203.0.113.7/32");
	assert_string_equal(net_address_text(&message.route.gateway, text), gateway);
}

static void test_removes_what_openvpn_left(void **state)
{
	struct net_endpoint endpoint, other;
	struct err e = {""};
	char byte;

	(void)state;
	assert_int_equal(net_endpoint_parse("203.0.113.7:1194/udp", &endpoint), 0);
	assert_int_equal(net_endpoint_parse("203.0.113.9:1194/udp", &other), 0);
	assert_int_equal(netwatch_clean(&endpoint, &e), 0);
	assert_removed("192.0.2.1");
	assert_removed("192.0.2.254");
	assert_removed("10.8.0.1");
	assert_int_equal(recv(kernel_end, &byte, 1, MSG_DONTWAIT), 0); /* closed, and nothing more */
	assert_int_equal(netwatch_clean(&other, &e), 0);
	write_errno = ESRCH; /* gone already */
	assert_int_equal(netwatch_clean(&endpoint, &e), 0);
	write_errno = EPERM;
	assert_int_equal(netwatch_clean(&endpoint, &e), -1);
	assert_string_equal(e.text, "removing the route to 203.0.113.7/32: Operation not permitted");
	dump_fails = true;
	assert_int_equal(netwatch_clean(&endpoint, &e), -1);
}

/* --- asking */

static int asked(unsigned answers, int failure, unsigned *index)
{
	struct route_route answer = {.index = 0};
	struct net_address to;
	int result;

	assert_int_equal(net_address_parse("192.0.2.1", &to), 0);
	said = answers;
	write_errno = failure;
	result = route_query(&to, &answer);
	*index = answer.index;
	return result;
}

static void test_the_answer_is_ours(void **state)
{
	unsigned index;

	(void)state;
	assert_int_equal(asked(1U << SAY_ANSWER, 0, &index), 0);
	assert_int_equal(index, 33);
	/* Behind all that others have asked or changed meanwhile: none of it is believed. */
	for (unsigned what = SAY_OTHERS; what < SAID; what++) {
		if (what == SAY_REJECTED)
			continue;
		assert_int_equal(asked(1U << what, 0, &index), ETIMEDOUT);
		assert_int_equal(index, 0);
	}
	say_last = true;
	assert_int_equal(asked(((1U << SAID) - 1) & ~(1U << SAY_REJECTED), 0, &index), 0);
	assert_int_equal(index, 33);
	say_last = false;
}

static void test_leads_nowhere(void **state)
{
	unsigned index;

	(void)state;
	assert_int_equal(asked(1U << SAY_REJECTED, 0, &index), ESRCH);
	assert_int_equal(asked(1U << SAY_FAILED, ESRCH, &index), ESRCH);
	assert_int_equal(asked(0, ENOBUFS, &index), ENOBUFS);
}

/* What others ask, and what our own proof asks, is no news of the network. */
static void test_an_answer_is_no_news(void **state)
{
	struct told *told = begin();
	char bytes[8192];
	size_t length = read_sample("routes4", bytes, sizeof bytes);
	uint16_t step;

	(void)state;
	for (size_t at = 0; at < length; at += step) {
		memcpy(&step, bytes + at, sizeof step);
		assert_int_equal(send(kernel_end, bytes + at, step, 0), step);
	}
	loop(told);
	assert_string_equal(told->text, "");
	memcpy(&step, bytes, sizeof step);
	bytes[3] = 3; /* the same as a change */
	assert_int_equal(send(kernel_end, bytes, step, 0), step);
	loop(told);
	assert_string_equal(told->text, "reachable;ways;");
	end(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_nothing_new_is_not_told, reset),
	    cmocka_unit_test_setup(test_lost_comes_first_and_at_once, reset),
	    cmocka_unit_test_setup(test_a_link_that_went_without_a_word, reset),
	    cmocka_unit_test_setup(test_what_can_not_be_read_is_lost, reset),
	    cmocka_unit_test_setup(test_the_way, reset),
	    cmocka_unit_test_setup(test_no_watch_without_a_list, reset),
	    cmocka_unit_test_setup(test_fill_and_tunnel, reset),
	    cmocka_unit_test_setup(test_links_go_down_and_come_back, reset),
	    cmocka_unit_test_setup(test_removes_what_openvpn_left, reset),
	    cmocka_unit_test_setup(test_the_answer_is_ours, reset),
	    cmocka_unit_test_setup(test_leads_nowhere, reset),
	    cmocka_unit_test_setup(test_an_answer_is_no_news, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
