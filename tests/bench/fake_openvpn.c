/* As much of openvpn as the driver and the gate must see, with a stamp at the moment it says "connected". */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stamps.h"

#define ADDRESS "10.8.0.2"

enum { LINE = 1024, SETTLE_MS = 20 };

static int management;

static const char *after(char **argv, const char *option)
{
	for (; *argv != NULL; argv++) {
		if (strcmp(*argv, option) == 0 && argv[1] != NULL)
			return argv[1];
	}
	fprintf(stderr, "no %s\n", option);
	exit(1);
}

static void say(const char *text)
{
	if (write(management, text, strlen(text)) != (ssize_t)strlen(text))
		exit(1);
}

static void join(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	management = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (management == -1 || connect(management, (struct sockaddr *)&to, sizeof to) == -1) {
		perror(path);
		exit(1);
	}
}

/* It begins in run/openvpn, and they lie beside run. */
static struct stamps *stamps_of_gate(void)
{
	char path[LINE];
	struct stamps *stamps;
	char *end;

	if (getcwd(path, sizeof path - 8) == NULL)
		exit(1);
	for (int i = 0; i < 2; i++) {
		if ((end = strrchr(path, '/')) != NULL)
			*end = '\0';
	}
	memcpy(path + strlen(path), "/stamps", sizeof "/stamps");
	if ((stamps = stamps_open(path)) == NULL) {
		perror(path);
		exit(1);
	}
	return stamps;
}

/* The gate made it, and sets its address. */
static void attach(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int tun = open("/dev/net/tun", O_RDWR);

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (tun != -1 && ioctl(tun, TUNSETIFF, &request) == 0)
		return; /* held as long as we live */
	perror(name);
	exit(1);
}

/* The gate guards the address first; the flip that is measured is the one
 * after, from the moment the driver has read the line: nothing of it is queued. */
static void connected(const char *device, struct stamps *stamps)
{
	int queued = 1;

	const struct sched_param last = {0};
	int64_t looked;

	attach(device);
	say(">UPDOWN:UP\r\n>UPDOWN:ENV,ifconfig_local=" ADDRESS "\r\n"
	    ">UPDOWN:ENV,ifconfig_netmask=255.255.255.0\r\n>UPDOWN:ENV,tun_mtu=1500\r\n>UPDOWN:ENV,END\r\n");
	poll(NULL, 0, SETTLE_MS);
	/* Who is woken goes before us. */
	sched_setscheduler(0, SCHED_IDLE, &last);
	looked = stamps_now();
	say(">STATE:1700000001,CONNECTED,SUCCESS," ADDRESS ",203.0.113.10,1194,192.168.50.2,40000\r\n");
	/* The last moment at which it was known to be unread: never too late. */
	do {
		stamps->event = looked;
		looked = stamps_now();
	} while (ioctl(management, SIOCOUTQ, &queued) == 0 && queued > 0);
}

static void answer(const char *line, const char *device, struct stamps *stamps)
{
	if (strncmp(line, "signal", 6) == 0 || strcmp(line, "exit") == 0)
		exit(0);
	if (strncmp(line, "pid", 3) == 0)
		say("SUCCESS: pid=1\r\n");
	else
		say("SUCCESS: done\r\n");
	if (strncmp(line, "log on all", 10) == 0)
		say("END\r\n");
	if (strncmp(line, "hold release", 12) == 0)
		connected(device, stamps);
}

int main(int argc, char **argv)
{
	const char *path = after(argv, "--management"), *device = after(argv, "--dev");
	struct stamps *stamps = stamps_of_gate();
	char line[LINE];
	FILE *in;

	(void)argc;
	join(path);
	if ((in = fdopen(management, "r")) == NULL)
		return 1;
	say(">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
	    ">HOLD:Waiting for hold release:0\r\n");
	while (fgets(line, sizeof line, in) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		answer(line, device, stamps);
	}
	return 0;
}
