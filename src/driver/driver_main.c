/* portcullis-driver: drops root, checks its descriptors, enters the sandbox, and runs the driver. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "driver/driver.h"
#include "driver/key/signer.h"
#include "driver/names/ask.h"
#include "driver/vet.h"
#include "os/process/descriptor.h"
#include "os/process/sandbox/memory.h"
#include "os/process/sandbox/sandbox.h"

static const char usage[] = "usage: portcullis-driver is started by portcullisd, not manually\n"
			    "       portcullis-driver --version | --help\n";

static int print_error(const char *text)
{
	fprintf(stderr, "portcullis-driver: %s\n", text);
	return EXIT_FAILURE;
}

static int parse_identity(const char *uid, const char *gid, uint64_t *user, uint64_t *group)
{
	return text_number(uid, 0, UINT32_MAX - 1, user) == -1 ||
		       text_number(gid, 0, UINT32_MAX - 1, group) == -1
		   ? -1
		   : 0;
}

/* Each descriptor must be of the kind that base/wire.h names; all others are closed. */
static int check_descriptors(struct err *e)
{
	struct stat status;

	for (int fd = WIRE_FD_CHANNEL; fd <= WIRE_FD_LAST; fd++) {
		bool socket = fd <= WIRE_FD_MANAGEMENT; /* WIRE_FD_SIGNER may be one */

		if (fstat(fd, &status) == -1 || (socket && !S_ISSOCK(status.st_mode)))
			return err_set(
			    e, "it is started by portcullisd, not manually (descriptor %d is missing)", fd);
	}
	descriptor_close_from(WIRE_FD_LAST + 1);
	return 0;
}

/* Libraries do some things once, with system calls that the sandbox does not allow: they
 * look for the time zone, seed a hash table, and load their parts. So that is done now. */
static void warm_up(void)
{
	char stamp[TEXT_TIME_SIZE];

	text_time(stamp, 0);
	json_object_seed(0);
	totp_warm_up();
	signal(SIGPIPE, SIG_IGN);
}

static int run_driver(void)
{
	static struct driver driver;
	struct err e = {""};

	if (check_descriptors(&e) == -1)
		return print_error(e.text);
	log_open(WIRE_FD_LOG, LOG_INFO);
	log_copy(STDERR_FILENO); /* it is /dev/null unless portcullisd runs with -d */
	warm_up();
	if (driver_open(&driver, &e) == -1 || sandbox_enter(SANDBOX_DRIVER, &e) == -1) {
		log_error("driver", "%s", e.text);
		return EXIT_FAILURE;
	}
	/* Only from now on bytes are read that somebody else has written. */
	driver_run(&driver);
	driver_close(&driver);
	return EXIT_SUCCESS;
}

static int run_vet(const char *name, bool external_key)
{
	struct err e = {""};

	if (sandbox_enter(SANDBOX_VET, &e) == -1)
		return print_error(e.text);
	return vet_main(name, external_key);
}

int main(int argc, char **argv)
{
	bool vets = (argc == 5 || argc == 6) && strcmp(argv[1], "--vet") == 0;
	bool asks = argc == 6 && strcmp(argv[1], "--ask") == 0;
	bool signs = argc == 4 && strcmp(argv[1], "--sign") == 0, bare = false;
	int place = vets || asks || signs ? 2 : 1;
	uint64_t uid, gid;
	struct err e = {""};

	if ((argc == 3 || vets || asks || signs) &&
	    parse_identity(argv[place], argv[place + 1], &uid, &gid) == 0) {
		if (signs)
			bare = memory_lock() == -1;
		if (sandbox_drop((uint32_t)uid, (uint32_t)gid, &e) == -1)
			return print_error(e.text);
		if (asks)
			return ask_main(argv[4], argv[5]);
		if (signs)
			return signer_main(bare);
		return vets ? run_vet(argv[4], argc == 6) : run_driver();
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("portcullis-driver " PORTCULLIS_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	return print_error("it is started by portcullisd, not manually");
}
