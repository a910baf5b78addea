/* The driver as a whole; the test plays the gate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "driver/driver.h"
#include "os/host/clock.h"
#include "tunnel/backoff.h"

#define PROFILE "remote 192.0.2.1 1194 udp 192.0.2.1\nneeds 0\n\n"

enum { RUNS = 20 };

/* The driver's descriptors; the gate's end of the channel. */
static int stand_in(void)
{
	int ends[2], profile = memfd_create("profile", MFD_CLOEXEC),
		     null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int gate;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(write(profile, PROFILE, strlen(PROFILE)), strlen(PROFILE));
	/* Out of the way of those that the driver has. */
	gate = fcntl(ends[0], F_DUPFD_CLOEXEC, WIRE_FD_LAST + 1);
	ends[1] = fcntl(ends[1], F_DUPFD_CLOEXEC, WIRE_FD_LAST + 1);
	profile = fcntl(profile, F_DUPFD_CLOEXEC, WIRE_FD_LAST + 1);
	null = fcntl(null, F_DUPFD_CLOEXEC, WIRE_FD_LAST + 1);
	assert_true(gate != -1 && ends[1] != -1 && profile != -1 && null != -1);
	for (int fd = WIRE_FD_LOG; fd <= WIRE_FD_LAST; fd++)
		assert_int_equal(dup2(null, fd), fd);
	assert_int_equal(dup2(profile, WIRE_FD_PROFILE), WIRE_FD_PROFILE);
	assert_int_equal(dup2(ends[1], WIRE_FD_CHANNEL), WIRE_FD_CHANNEL);
	for (int fd = WIRE_FD_CONTROL; fd <= WIRE_FD_MANAGEMENT; fd++) {
		/* A name by the kernel: nothing in the file system, and nobody comes. */
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
		assert_int_equal(listen(listener, 1), 0);
		assert_int_equal(dup2(listener, fd), fd);
		if (listener != fd)
			close(listener);
	}
	close(ends[1]);
	close(profile);
	close(null);
	return gate;
}

static void tell(int gate, struct driver *driver, enum wire_note what)
{
	struct wire_note_message note = {
	    .version = WIRE_VERSION, .note = what, .gate = GATE_LOCKED, .intent = INTENT_UP};

	note.hello.control_gid = -1;
	snprintf(note.hello.gate_version, sizeof note.hello.gate_version, "%s", PORTCULLIS_VERSION);
	assert_int_equal(write(gate, &note, sizeof note), sizeof note);
	event_base_loop(driver->base, EVLOOP_NONBLOCK);
}

/* How long a driver waits after a first attempt that the gate refused. */
static uint64_t first_wait(void)
{
	struct driver driver;
	struct err e = {""};
	int gate = stand_in();
	uint64_t before, wait;

	assert_int_equal(driver_open(&driver, &e), 0);
	tell(gate, &driver, NOTE_HELLO);
	assert_int_equal(driver.tunnel.state, TUNNEL_ASKED);
	before = (uint64_t)clock_steady_ms();
	tell(gate, &driver, NOTE_REFUSED);
	assert_int_equal(driver.tunnel.state, TUNNEL_WAITING);
	wait = driver.tunnel.deadline - before;
	assert_true(wait >= BACKOFF_FIRST);
	driver_close(&driver);
	close(gate);
	return wait;
}

/* Machines that lose the same server do not all come back in the same moment. */
static void test_two_runs_differ(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		uint64_t wait = first_wait();

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	/* Of 62 ms: a machine that is slow at it is not one that draws. */
	assert_true(most - least > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_runs_differ),
	};

	return cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
