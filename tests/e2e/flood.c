/* Sends as fast as the machine can: flood [-4 ADDR] [-6 ADDR] [-b DEVICE] [-p PORT] [-r RATE] [-t SECONDS].
 * Sends connected, unconnected, bound to the device and IPv6 in turn until SIGTERM or the time is
 * over; then prints `attempts taken microseconds`. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAYS = 4, BURST = 16 };

struct way {
	int descriptor;
	bool connected;
	struct sockaddr_storage to;
	socklen_t length;
};

static const char token[] = "PORTCULLIS-FLOOD";
static volatile sig_atomic_t over;

static void stop(int number)
{
	(void)number;
	over = 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool open_way(struct way *way, const char *address, const char *device, unsigned short port,
		     bool connected)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&way->to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&way->to;

	memset(way, 0, sizeof *way);
	way->connected = connected;
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		way->length = sizeof *four;
	} else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		way->length = sizeof *six;
	} else {
		return false;
	}
	way->descriptor = socket(way->to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (way->descriptor < 0)
		return false;
	if (device != NULL && setsockopt(way->descriptor, SOL_SOCKET, SO_BINDTODEVICE, device,
					 (socklen_t)strlen(device) + 1) != 0)
		return false;
	return true;
}

static bool send_one(struct way *way)
{
	/* Without a route connect fails; the next attempt may have one. */
	if (way->connected && connect(way->descriptor, (struct sockaddr *)&way->to, way->length) == 0)
		return send(way->descriptor, token, sizeof token, 0) > 0;
	return sendto(way->descriptor, token, sizeof token, 0, (struct sockaddr *)&way->to, way->length) > 0;
}

int main(int argc, char **argv)
{
	const char *four = "198.51.100.80", *six = NULL, *device = NULL;
	unsigned short port = 5301;
	struct way ways[WAYS];
	size_t count = 0;
	uint64_t began = now(), until = UINT64_MAX, attempts = 0, taken = 0, rate = 0;
	int option;

	while ((option = getopt(argc, argv, "4:6:b:p:r:t:")) != -1) {
		if (option == '4')
			four = optarg;
		else if (option == '6')
			six = optarg;
		else if (option == 'b')
			device = optarg;
		else if (option == 'p')
			port = (unsigned short)atoi(optarg);
		else if (option == 'r')
			rate = (uint64_t)atoi(optarg);
		else if (option == 't')
			until = began + (uint64_t)(atof(optarg) * 1e6);
		else
			return 2;
	}
	signal(SIGTERM, stop);
	if (!open_way(&ways[count++], four, NULL, port, false) ||
	    !open_way(&ways[count++], four, NULL, port, true) ||
	    (device != NULL && !open_way(&ways[count++], four, device, port, false)) ||
	    (six != NULL && !open_way(&ways[count++], six, NULL, port, false))) {
		perror("flood");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (!over && now() < until) {
		for (size_t i = 0; i < count; i++) {
			for (int n = 0; n < BURST; n++)
				taken += send_one(&ways[i]);
			attempts += BURST;
		}
		/* Ahead of the rate: waits until the next one is due. */
		if (rate != 0 && attempts * 1000000 / rate > now() - began)
			usleep((useconds_t)(attempts * 1000000 / rate - (now() - began)));
	}
	printf("%llu %llu %llu\n", (unsigned long long)attempts, (unsigned long long)taken,
	       (unsigned long long)(now() - began));
	return 0;
}
