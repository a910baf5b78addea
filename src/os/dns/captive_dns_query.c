/* Does captive DNS answer? */
#include "os/dns/captive_dns_query.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process/descriptor.h"

/* RFC 1035, 4.1: number 0x5043, recursion wanted, one question: the address of
 * captive.apple.com. An answer begins with the number and the bit of a response. */
static const uint8_t query[] = "PC\1\0\0\1\0\0\0\0\0\0\7captive\5apple\3com\0\0\1\0\1";
enum { QUERY_SIZE = sizeof query - 1 }; /* without the text's end */

static bool is_answer(const uint8_t *bytes, ssize_t length)
{
	return length >= 12 && memcmp(bytes, query, 2) == 0 && (bytes[2] & 0x80) != 0;
}

bool captive_dns_query(uint16_t port, int milliseconds)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct pollfd wait = {.fd = descriptor_socket(AF_INET, SOCK_DGRAM, true), .events = POLLIN};
	uint8_t answer[64];
	bool is;

	if (wait.fd == -1)
		return false;
	/* Connected, it receives from that port only. */
	is = connect(wait.fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
	     send(wait.fd, query, QUERY_SIZE, 0) == QUERY_SIZE && poll(&wait, 1, milliseconds) == 1 &&
	     is_answer(answer, recv(wait.fd, answer, sizeof answer, 0));
	close(wait.fd);
	return is;
}
