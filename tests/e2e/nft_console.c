/* The nft backend from the command line: one command a line on stdin, one line of answer on stdout. */
#include "os/firewall/nft/nft.h"

#include <event2/event.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/fault.h"
#include "base/text.h"
#include "policy/print.h"

enum { WORDS = 40 };

static struct firewall *fw;
static struct situation s;
static struct event_base *loop;
static char kill_at[64];
static int64_t sent_at, acknowledged_at;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* In place of fault_none.c: measures the times of a flip, and dies at the moment that it is given. */
void fault_point(const char *moment)
{
	if (strcmp(moment, kill_at) == 0)
		raise(SIGKILL);
	if (strcmp(moment, "flip-before-send") == 0)
		sent_at = now();
	if (strcmp(moment, "flip-before-readback") == 0)
		acknowledged_at = now();
}

static int answer(int result, const struct err *e)
{
	printf(result == 0 ? "ok\n" : "error %s\n", e->text);
	return result;
}

static int do_state(char **words, struct err *e)
{
	static const char *const names[] = {"locked", "dialling", "open"};

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(words[1], names[i]) == 0)
			s.state = (enum policy_state)i;
	(void)e;
	return 0;
}

static int do_endpoint(char **words, struct err *e)
{
	memset(&s.endpoint, 0, sizeof s.endpoint);
	return strcmp(words[1], "none") == 0                    ? 0
	       : net_endpoint_parse(words[1], &s.endpoint) == 0 ? 0
								: err_set(e, "endpoint");
}

static int do_resolver(char **words, struct err *e)
{
	memset(&s.resolver, 0, sizeof s.resolver);
	return strcmp(words[1], "none") == 0                   ? 0
	       : net_address_parse(words[1], &s.resolver) == 0 ? 0
							       : err_set(e, "resolver");
}

static int do_tunnel(char **words, struct err *e)
{
	memset(&s.tunnel, 0, sizeof s.tunnel);
	if (strcmp(words[1], "none") == 0)
		return 0;
	text_copy(s.tunnel.name, sizeof s.tunnel.name, words[1]);
	s.tunnel.index = if_nametoindex(words[1]);
	for (int i = 2; words[i] != NULL; i++) {
		struct net_prefix *network = &s.tunnel.networks[s.tunnel.network_count];

		if (strchr(words[i], '/') != NULL && net_prefix_parse(words[i], network) == 0)
			s.tunnel.network_count++;
		else if (net_address_parse(words[i], strchr(words[i], ':') == NULL ? &s.tunnel.address4
										   : &s.tunnel.address6) != 0)
			return err_set(e, "tunnel");
	}
	return 0;
}

static int do_links(char **words, struct err *e)
{
	(void)e;
	for (s.link_count = 0; words[s.link_count + 1] != NULL && s.link_count < SITUATION_LINKS;
	     s.link_count++)
		text_copy(s.links[s.link_count], sizeof s.links[0], words[s.link_count + 1]);
	return 0;
}

static int do_links_left_out(char **words, struct err *e)
{
	(void)words, (void)e;
	s.links_left_out = true;
	return 0;
}

static int do_neighbours(char **words, struct err *e)
{
	for (s.neighbour_count = 0; words[s.neighbour_count + 1] != NULL; s.neighbour_count++)
		if (net_prefix_parse(words[s.neighbour_count + 1], &s.neighbours[s.neighbour_count]) != 0)
			return err_set(e, "neighbours");
	return 0;
}

static int do_lan(char **words, struct err *e)
{
	(void)e;
	s.lan = strcmp(words[1], "on") == 0;
	return 0;
}

static int do_uplink(char **words, struct err *e)
{
	(void)e;
	s.pppoe = strcmp(words[1], "pppoe") == 0;
	s.lacp = strcmp(words[1], "lacp") == 0;
	return 0;
}

static int do_lan_side(char **words, struct err *e)
{
	(void)e;
	for (s.lan_side_count = 0;
	     words[s.lan_side_count + 1] != NULL && s.lan_side_count < SITUATION_LAN_SIDE;
	     s.lan_side_count++) {
		memset(s.lan_side[s.lan_side_count], 0, NET_NAME_SIZE);
		text_copy(s.lan_side[s.lan_side_count], NET_NAME_SIZE, words[s.lan_side_count + 1]);
	}
	return 0;
}

static int do_kill_at(char **words, struct err *e)
{
	return text_copy(kill_at, sizeof kill_at, words[1]) == 0 ? 0 : err_set(e, "kill_at");
}

/* As if nft could read it. */
static int do_every_link(char **words, struct err *e)
{
	(void)words, (void)e;
	nft_of(fw)->probed_every_link = nft_of(fw)->desired.features.every_link = true;
	return 0;
}

/* As a kernel without the feature would answer. */
static int do_lack(char **words, struct err *e)
{
	(void)e;
	nft_of(fw)->desired.features.persist =
	    nft_of(fw)->desired.features.persist && strcmp(words[1], "persist") != 0;
	nft_of(fw)->desired.features.egress =
	    nft_of(fw)->desired.features.egress && strcmp(words[1], "egress") != 0;
	if (strcmp(words[1], "every_link") == 0) {
		nft_of(fw)->probed_every_link = true;
		nft_of(fw)->desired.features.every_link = false;
	}
	nft_of(fw)->desired.features.ipv6 =
	    nft_of(fw)->desired.features.ipv6 && strcmp(words[1], "inet") != 0;
	nft_of(fw)->desired.features.bridge =
	    nft_of(fw)->desired.features.bridge && strcmp(words[1], "bridge") != 0;
	return 0;
}

static int do_assert(char **words, struct err *e)
{
	int64_t start = now();
	int result = firewall_assert(fw, &s, e);

	(void)words;
	fprintf(stderr, "assert %" PRId64 " us\n", (now() - start) / 1000);
	return result;
}

static int do_print(char **words, struct err *e)
{
	static char text[PRINT_SIZE];
	FILE *to;

	if (policy_print_nft(&s, text, sizeof text, e) == -1)
		return -1;
	to = fopen(words[1], "we");
	if (to == NULL)
		return err_errno(e, "%s", words[1]);
	fputs(text, to);
	fclose(to);
	return 0;
}

static int do_pause(char **words, struct err *e)
{
	return firewall_pause(fw, (uint32_t)atoi(words[1]), e);
}

static int do_remove(char **words, struct err *e)
{
	(void)words;
	return firewall_remove(fw, e) == 0 ? 0 : -1; /* 1: not all of it is ours */
}

static int do_forget(char **words, struct err *e)
{
	(void)words;
	return firewall_forget_states(fw, e);
}

static int do_owner(char **words, struct err *e)
{
	int32_t pid;

	(void)words;
	if (firewall_owner(fw, &pid, e) == -1)
		return -1;
	printf("%d ", pid);
	return 0;
}

static int do_note(char **words, struct err *e)
{
	(void)words, (void)e;
	printf("%s ", firewall_note(fw));
	return 0;
}

static int do_blocked(char **words, struct err *e)
{
	uint64_t packets;

	(void)words;
	if (firewall_blocked(fw, &packets, e) == -1)
		return -1;
	printf("%" PRIu64 " ", packets);
	return 0;
}

static int do_probe(char **words, struct err *e)
{
	struct firewall_features features;

	(void)words;
	if (firewall_probe(fw, &features, e) == -1)
		return -1;
	printf("egress=%d persist=%d ipv6=%d ", features.list[0].has, features.list[1].has,
	       features.list[2].has);
	return 0;
}

static void on_foreign(const char *what, void *argument)
{
	struct err e = {""};
	int64_t start = now();
	int result = firewall_assert(fw, &s, &e);

	(void)what, (void)argument;
	printf("foreign %d us %" PRId64 " %s\n", result, (now() - start) / 1000, e.text);
}

static int do_watch(char **words, struct err *e)
{
	(void)words;
	return firewall_watch(fw, loop, on_foreign, NULL, e);
}

/* --- how long a flip takes, compared with a bare element --------------------------------- */

static int by_size(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

static int64_t median(int64_t *times, size_t count)
{
	qsort(times, count, sizeof times[0], by_size);
	return times[count / 2];
}

static struct nlmsghdr *bare_begin(struct nft_firewall *other, uint16_t type, uint16_t attribute,
				   const char *name)
{
	struct nlmsghdr *m = nft_message(&other->batch, type, NLM_F_CREATE, NFPROTO_INET);

	mnl_attr_put_strz(m, NFTA_SET_TABLE, "bare");
	if (name != NULL)
		mnl_attr_put_strz(m, attribute, name);
	return m;
}

static int bare_table(struct nft_firewall *other)
{
	struct nlmsghdr *m;

	nft_batch_begin(other, false);
	nft_message_end(&other->batch, bare_begin(other, NFT_MSG_NEWTABLE, 0, NULL));
	m = bare_begin(other, NFT_MSG_NEWSET, NFTA_SET_NAME, "set");
	nft_put_be32(m, NFTA_SET_KEY_TYPE, 7);
	nft_put_be32(m, NFTA_SET_KEY_LEN, 4);
	nft_put_be32(m, NFTA_SET_ID, 1);
	nft_message_end(&other->batch, m);
	return nft_batch_send(other, true);
}

static int64_t bare_element(struct nft_firewall *other, uint32_t value)
{
	struct nlattr *list, *element, *key;
	struct nlmsghdr *m;

	nft_batch_begin(other, false);
	m = bare_begin(other, NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET, "set");
	list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(m, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(m, NFTA_DATA_VALUE, value);
	mnl_attr_nest_end(m, key);
	mnl_attr_nest_end(m, element);
	mnl_attr_nest_end(m, list);
	nft_message_end(&other->batch, m);
	if (nft_batch_send(other, true) != 0)
		return -1;
	return now() - sent_at;
}

/* Measures in a tight loop (0), or for a process that has slept and been woken, like the gate. */
static int rest_ms;

static void rest(void)
{
	if (rest_ms > 0)
		poll(NULL, 0, rest_ms);
}

static int do_bench(char **words, struct err *e)
{
	enum { MOST = 2000 };
	static int64_t flips[MOST], whole[MOST], bare[MOST];
	size_t count = (size_t)atoi(words[1]);
	struct firewall *other = firewall_open("auto", e);

	if (other == NULL || bare_table(nft_of(other)) != 0 || count > MOST)
		return err_set(e, "bench");
	for (size_t i = 0; i < count; i++) {
		rest();
		bare[i] = bare_element(nft_of(other), (uint32_t)i);
	}
	firewall_close(other);
	s.state = POLICY_LOCKED;
	if (firewall_assert(fw, &s, e) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int64_t start;

		s.state = i % 2 == 0 ? POLICY_DIALLING : POLICY_LOCKED;
		rest();
		start = now();
		if (firewall_assert(fw, &s, e) == -1)
			return -1;
		whole[i] = now() - start;
		flips[i] = acknowledged_at - sent_at;
	}
	printf("bare=%" PRId64 " flip=%" PRId64 " verified=%" PRId64 " ns ", median(bare, count),
	       median(flips, count), median(whole, count));
	return 0;
}

static int do_woken(char **words, struct err *e)
{
	int result;

	rest_ms = 3;
	result = do_bench(words, e);
	rest_ms = 0;
	return result;
}

static const struct command {
	const char *name;
	int (*run)(char **words, struct err *e);
	int words;
} commands[] = {
    {"state", do_state, 2},
    {"endpoint", do_endpoint, 2},
    {"resolver", do_resolver, 2},
    {"tunnel", do_tunnel, 2},
    {"links", do_links, 1},
    {"every_link", do_every_link, 1},
    {"uplink", do_uplink, 2},
    {"links_left_out", do_links_left_out, 1},
    {"neighbours", do_neighbours, 1},
    {"lan", do_lan, 2},
    {"kill_at", do_kill_at, 2},
    {"lack", do_lack, 2},
    {"assert", do_assert, 1},
    {"print", do_print, 2},
    {"pause", do_pause, 2},
    {"remove", do_remove, 1},
    {"forget", do_forget, 1},
    {"owner", do_owner, 1},
    {"blocked", do_blocked, 1},
    {"probe", do_probe, 1},
    {"watch", do_watch, 1},
    {"bench", do_bench, 2},
    {"woken", do_woken, 2},
    {"lan_side", do_lan_side, 1},
    {"note", do_note, 1},
};

static void run_line(char *line)
{
	char *words[WORDS + 1] = {NULL}, *rest = line;
	struct err e = {""};
	int count = 0;

	while (count < WORDS && (words[count] = strtok_r(rest, " \n", &rest)) != NULL)
		count++;
	words[count] = NULL;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (count >= commands[i].words && strcmp(words[0], commands[i].name) == 0) {
			answer(commands[i].run(words, &e), &e);
			return;
		}
	printf("error no such command\n");
}

static void on_line(evutil_socket_t fd, short what, void *argument)
{
	static char line[1024];
	static size_t used;
	char c;

	(void)what;
	(void)argument;
	if (read(fd, &c, 1) != 1) {
		event_base_loopbreak(loop);
	} else if (c != '\n') {
		if (used < sizeof line - 1)
			line[used++] = c;
	} else {
		line[used] = '\0';
		used = 0;
		run_line(line);
	}
}

int main(void)
{
	struct err e = {""};
	struct event *input;

	setvbuf(stdout, NULL, _IOLBF, 0);
	s.openvpn_group = (struct identity){.known = true, .number = 4242};
	s.driver_user = (struct identity){.known = true, .number = 4343};
	s.dhcp_user = (struct identity){.known = true, .number = 4444};
	loop = event_base_new();
	fw = firewall_open("auto", &e);
	if (answer(fw == NULL ? -1 : 0, &e) == -1)
		return 1;
	input = event_new(loop, STDIN_FILENO, EV_READ | EV_PERSIST, on_line, NULL);
	event_add(input, NULL);
	event_base_dispatch(loop);
	event_free(input);
	firewall_close(fw);
	event_base_free(loop);
	return 0;
}
