/* Fuzz: gate.sock. Any bytes at the admin socket; only its verbs act. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wire_admin.h"
#include "gate/admin_socket.h"
#include "gate_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void serve_request(struct gate *gate, const struct sockaddr_un *address, socklen_t length,
			  const uint8_t *data, size_t size)
{
	struct wire_admin_answer answer;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (const struct sockaddr *)address, length) == -1)
		__builtin_trap();
	event_base_loop(gate->base, EVLOOP_NONBLOCK);
	send(fd, data, size, MSG_NOSIGNAL);
	event_base_loop(gate->base, EVLOOP_NONBLOCK);
	if (size >= sizeof(struct wire_admin_request)) {
		if (recv(fd, &answer, sizeof answer, MSG_DONTWAIT) != (ssize_t)sizeof answer ||
		    memchr(answer.text, '\0', sizeof answer.text) == NULL)
			__builtin_trap();
	}
	close(fd);
	event_base_loop(gate->base, EVLOOP_NONBLOCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct gate gate;
	struct err e;
	socklen_t length;
	int peer;

	stub_gate(&gate, &peer);
	/* An abstract address: no file is touched. */
	length = (socklen_t)(sizeof address.sun_family + 1 +
			     (size_t)snprintf(address.sun_path + 1, 64, "portcullis-fuzz-%d", (int)getpid()));
	gate.admin_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(gate.admin_fd, (struct sockaddr *)&address, length) == -1 ||
	    listen(gate.admin_fd, 4) == -1 || admin_socket_open(&gate, &e) == -1)
		__builtin_trap();
	while (size > 0) {
		uint8_t request[sizeof(struct wire_admin_request)] = {0};
		size_t taken = size < sizeof request ? size : sizeof request;

		memcpy(request, data, taken);
		if (request[0] < 250)
			memcpy(request, &(uint32_t){WIRE_VERSION}, sizeof(uint32_t));
		if (request[4] < 250)
			memcpy(request + 4, &(uint32_t){request[4] % 10}, sizeof(uint32_t));
		serve_request(&gate, &address, length, request, request[0] == 255 ? taken : sizeof request);
		stub_check(&gate);
		data += taken;
		size -= taken;
	}
	event_free(gate.admin_event);
	close(gate.admin_fd);
	stub_end(&gate, peer);
	return 0;
}
