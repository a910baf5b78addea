/* Fuzz: the driver's verbs. Whatever a captured driver sends, in pieces of any size, the
 * gate is never open without an openvpn of its own. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/verbs.h"
#include "gate_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(int peer)
{
	static char away[65536];

	while (recv(peer, away, sizeof away, MSG_DONTWAIT) > 0)
		;
}

/* Makes most inputs get past the version and name checks. */
static size_t shape(uint8_t *to, const uint8_t *from, size_t size)
{
	struct wire_request request = {0};
	size_t taken = size < sizeof request ? size : sizeof request;

	memcpy(&request, from, taken);
	if (taken > 0 && from[0] < 250)
		request.version = WIRE_VERSION;
	if (taken > 4 && from[4] < 250)
		request.verb = from[4] % 8;
	if (taken > 0 && from[0] < 200) {
		memcpy(request.tunnel.name, "tun0", 5);
		request.endpoint.port = 1194;
		request.endpoint.proto = NET_UDP;
	}
	memcpy(to, &request, sizeof request);
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate gate;
	uint8_t message[sizeof(struct wire_request)];
	int peer;

	stub_gate(&gate, &peer);
	while (size > 0 && gate.driver.pid != 0) {
		size_t taken = shape(message, data, size);

		data += taken;
		size -= taken;
		if (send(peer, message, sizeof message / 2, 0) == -1)
			break;
		verbs_read_cb(gate.driver.channel, EV_READ, &gate);
		if (send(peer, message + sizeof message / 2, sizeof message - sizeof message / 2, 0) == -1)
			break;
		verbs_read_cb(gate.driver.channel, EV_READ, &gate);
		stub_check(&gate);
		if (gate.state.actual == ACTUAL_OFF || gate.state.actual == ACTUAL_PAUSED)
			__builtin_trap();
		if (gate.state.actual == ACTUAL_LEAVING || gate.state.actual == ACTUAL_ENDING)
			attempt_reaped(&gate, 0);
		stub_check(&gate);
		drain(peer);
	}
	stub_end(&gate, peer);
	return 0;
}
