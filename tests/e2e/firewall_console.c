/* The firewall port of any backend from the command line: one command a line on stdin, one line of answer. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/firewall/firewall.h"

static struct firewall *fw;
static struct event_base *loop;
static struct situation s;

static void shape(enum policy_state state)
{
	s = (struct situation){.state = state,
			       .openvpn_group = {.known = true, .number = 777},
			       .driver_user = {.known = true, .number = 778}};
	text_copy(s.tunnel.name, sizeof s.tunnel.name, "tun0");
	text_copy(s.links[s.link_count++], sizeof s.links[0], "em0");
	if (state == POLICY_LOCKED)
		return;
	(void)net_endpoint_parse("203.0.113.7:1194/udp", &s.endpoint);
	if (state == POLICY_DIALLING)
		return;
	s.tunnel.index = 1;
	(void)net_address_parse("10.8.0.6", &s.tunnel.address4);
}

static int assert_state(const char *word, struct err *e)
{
	static const char *const names[] = {"locked", "dialling", "open"};

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(word, names[i]) == 0) {
			shape((enum policy_state)i);
			return firewall_assert(fw, &s, e);
		}
	return err_set(e, "no such command");
}

static int ask(const char *word, struct err *e)
{
	struct firewall_features features;
	uint64_t packets;
	int32_t pid;

	if (strcmp(word, "blocked") == 0) {
		if (firewall_blocked(fw, &packets, e) == -1)
			return -1;
		printf("%" PRIu64 " ", packets);
		return 0;
	}
	if (strcmp(word, "owner") == 0)
		return firewall_owner(fw, &pid, e);
	if (firewall_probe(fw, &features, e) == -1)
		return -1;
	for (size_t i = 0; i < features.count; i++)
		printf("%s=%d ", features.list[i].what, features.list[i].has);
	return 0;
}

/* As the gate does: restores the rules, and says so. */
static void on_foreign(const char *what, void *argument)
{
	struct err e = {""};
	int result = firewall_assert(fw, &s, &e);

	(void)argument;
	printf("foreign %d %s%s%s\n", result, what, result == 0 ? "" : ": ", e.text);
}

static int run(const char *word, struct err *e)
{
	if (strncmp(word, "pause ", 6) == 0)
		return firewall_pause(fw, (uint32_t)atoi(word + 6), e);
	if (strcmp(word, "remove") == 0)
		return firewall_remove(fw, e);
	if (strcmp(word, "forget") == 0)
		return firewall_forget_states(fw, e);
	if (strcmp(word, "watch") == 0)
		return firewall_watch(fw, loop, on_foreign, NULL, e);
	if (strcmp(word, "blocked") == 0 || strcmp(word, "owner") == 0 || strcmp(word, "probe") == 0)
		return ask(word, e);
	return assert_state(word, e);
}

static void on_line(evutil_socket_t fd, short what, void *argument)
{
	static char line[128];
	static size_t used;
	struct err e = {""};
	char c;

	(void)what, (void)argument;
	if (read(fd, &c, 1) != 1) {
		event_base_loopbreak(loop);
	} else if (c != '\n') {
		line[used] = c;
		used += used < sizeof line - 1;
	} else {
		line[used] = '\0';
		used = 0;
		if (run(line, &e) == 0)
			puts("ok");
		else
			printf("error %s\n", e.text);
	}
}

int main(void)
{
	struct err e = {""};
	struct event *input;

	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = event_base_new();
	if ((fw = firewall_open("auto", &e)) == NULL) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	input = event_new(loop, STDIN_FILENO, EV_READ | EV_PERSIST, on_line, NULL);
	event_add(input, NULL);
	event_base_dispatch(loop);
	event_free(input);
	firewall_close(fw);
	event_base_free(loop);
	return 0;
}
