/* A captured driver: sends the gate every wrong verb, and logs what the gate did.
 * CASE 0: well-formed and wrong; 1: wrong version; 2: half a message; 3: noise; 4: exits at once; 5: sends
 * nothing. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wire_channel.h"

#ifndef CASE
#define CASE 0
#endif

enum { ANSWER_MS = 2000 };

static struct wire_note_message last;

static void tell(const char *what, const char *answer)
{
	dprintf(WIRE_FD_LOG, "captured: %s: %s (%s)\n", what, answer, last.text);
}

/* The next note, or false at the deadline or when the channel is shut. */
static bool next_note(void)
{
	struct pollfd p = {.fd = WIRE_FD_CHANNEL, .events = POLLIN};
	size_t got = 0;

	while (got < sizeof last) {
		ssize_t n;

		if (poll(&p, 1, ANSWER_MS) <= 0)
			return false;
		n = read(WIRE_FD_CHANNEL, (char *)&last + got, sizeof last - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* Waits for any of the notes in `wanted` (bits). Returns the one that came, or 0. */
static unsigned answer(unsigned wanted)
{
	while (next_note())
		if (wanted & (1u << last.note))
			return last.note;
	return 0;
}

static void send_request(const struct wire_request *request)
{
	if (write(WIRE_FD_CHANNEL, request, sizeof *request) != (ssize_t)sizeof *request)
		exit(1);
}

static struct wire_request request_of(uint32_t verb)
{
	struct wire_request request;

	memset(&request, 0, sizeof request);
	request.version = WIRE_VERSION;
	request.verb = verb;
	return request;
}

static void set_address(struct net_address *address, const char *text)
{
	address->family = strchr(text, ':') != NULL ? NET_IPV6 : NET_IPV4;
	inet_pton(address->family == NET_IPV6 ? AF_INET6 : AF_INET, text, address->bytes);
}

static struct wire_request dial(const char *address, uint16_t port, uint8_t proto)
{
	struct wire_request request = request_of(VERB_DIAL);

	set_address(&request.endpoint.address, address);
	request.endpoint.port = port;
	request.endpoint.proto = proto;
	return request;
}

static struct wire_request tunnel(uint32_t verb, const char *name, const char *address)
{
	struct wire_request request = request_of(verb);

	snprintf(request.tunnel.name, sizeof request.tunnel.name, "%s", name);
	set_address(&request.tunnel.address4, address);
	return request;
}

/* Any answer but NOTE_REFUSED (or none) is logged as what it was. */
static void must_refuse(const char *what, const struct wire_request *request)
{
	unsigned got;

	memset(&last, 0, sizeof last);
	send_request(request);
	got = answer(1u << NOTE_REFUSED | 1u << NOTE_DIALLING | 1u << NOTE_OPEN | 1u << NOTE_ENDED);
	tell(what, got == NOTE_REFUSED ? "refused" : got == 0 ? "no answer" : "ACCEPTED");
}

static void must_refuse_dial(const char *address, uint16_t port, uint8_t proto)
{
	struct wire_request request = dial(address, port, proto);
	char what[96];

	snprintf(what, sizeof what, "dial %s port %u proto %u", address, port, proto);
	must_refuse(what, &request);
}

static void must_refuse_open(const char *name, const char *address)
{
	struct wire_request request = tunnel(VERB_OPEN, name, address);
	char what[96];

	snprintf(what, sizeof what, "open %s %s", name, address);
	must_refuse(what, &request);
}

static void wrong_dials(void)
{
	must_refuse_dial("127.0.0.1", 1194, NET_UDP);
	must_refuse_dial("0.0.0.0", 1194, NET_UDP);
	must_refuse_dial("224.0.0.1", 1194, NET_UDP);
	must_refuse_dial("255.255.255.255", 1194, NET_UDP);
	must_refuse_dial("169.254.1.1", 1194, NET_UDP);
	must_refuse_dial("::1", 1194, NET_UDP);
	must_refuse_dial("::ffff:198.51.100.80", 1194, NET_UDP);
	must_refuse_dial("ff02::1", 1194, NET_UDP);
	must_refuse_dial("fe80::1", 1194, NET_UDP);
	must_refuse_dial("203.0.113.10", 53, NET_UDP); /* a port of no remote */
	must_refuse_dial("203.0.113.10", 0, NET_UDP);
	must_refuse_dial("203.0.113.10", 1194, NET_TCP); /* a protocol of no remote */
	must_refuse_dial("203.0.113.10", 1194, 1);
}

static void well_formed(void)
{
	struct wire_request good = dial("203.0.113.10", 1194, NET_UDP), bad;

	must_refuse_open("tun0", "10.8.0.2"); /* nothing dials */
	must_refuse_open("eth0", "192.168.50.2");
	must_refuse_open("lo", "127.0.0.1");
	must_refuse_open("tun9", "10.99.0.2"); /* it exists, but not for an openvpn of the gate's */
	wrong_dials();
	send_request(&good);
	tell("dial good",
	     answer(1u << NOTE_DIALLING | 1u << NOTE_REFUSED) == NOTE_DIALLING ? "dialling" : "no");
	must_refuse("dial twice", &good);
	must_refuse_open("eth0", "192.168.50.2");
	must_refuse_open("lo", "127.0.0.1");
	must_refuse_open("tun9", "10.99.0.2");
	must_refuse_open("tun0", "203.0.113.77");
	must_refuse_open("../../tun0", "10.8.0.2");
	bad = tunnel(VERB_OPEN, "tun0", "10.8.0.2");
	memset(bad.tunnel.name, 'A', sizeof bad.tunnel.name); /* no terminator */
	must_refuse("open unterminated", &bad);
	bad = tunnel(VERB_ADDRESS, "eth0", "192.168.50.2");
	must_refuse("address eth0", &bad);
	dprintf(WIRE_FD_LOG, "captured: done\n");
}

/* The real driver must vet the profile, because otherwise nothing would start. */
static void vet_as_the_real_one(char **arguments)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 8);

	if (length <= 0)
		exit(1);
	strcpy(path + length, ".real");
	execv(path, arguments);
	exit(127);
}

int main(int count, char **arguments)
{
	struct wire_request ready = request_of(VERB_READY);

	if (count > 1 && strcmp(arguments[1], "--vet") == 0)
		vet_as_the_real_one(arguments);
	if (setresgid(64000, 64000, 64000) != 0 || setresuid(64000, 64000, 64000) != 0)
		return 1;
	if (CASE == 4)
		return 0;
	if (CASE != 5) {
		send_request(&ready);
		answer(1u << NOTE_HELLO);
	}
	if (CASE == 0)
		well_formed();
	if (CASE == 1) {
		ready.version = WIRE_VERSION + 1;
		send_request(&ready);
	}
	if (CASE == 9) {
		ready.version = WIRE_VERSION + 1;
		if (write(WIRE_FD_CHANNEL, &ready, 2 * sizeof ready.version) < 0)
			return 1;
	}
	if (CASE >= 6 && CASE <= 8) {
		ready.verb = CASE == 6 ? 0 : CASE == 7 ? VERB_ASK + 1 : UINT32_MAX;
		send_request(&ready);
	}
	if (CASE == 2 && write(WIRE_FD_CHANNEL, &ready, sizeof ready / 2) < 0)
		return 1;
	if (CASE == 3) {
		char noise[4096];

		for (size_t i = 0; i < sizeof noise; i++)
			noise[i] = (char)(i * 37 + 11);
		for (int i = 0; i < 64; i++)
			if (write(WIRE_FD_CHANNEL, noise, sizeof noise) < 0)
				return 1;
	}
	for (;;)
		if (!next_note())
			pause();
}
