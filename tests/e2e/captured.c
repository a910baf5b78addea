/* A captured process with its rights, and the outcome of everything that it tries:
 * captured as root|openvpn|driver USER GROUP PROTO PORT KEY=VALUE... prints a line for each try, NAME:
 * OUTCOME. Started by the gate in openvpn's place it reports the same over the management interface, and
 * stays. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process/child.h"
#include "os/process/sandbox/confine.h"
#include "os/process/sandbox/sandbox.h"
#include "tries.h"

struct who {
	const char *name; /* root, openvpn or driver */
	struct confine confine;
	char **words; /* KEY=VALUE */
};

static const struct try *find(const char *name)
{
	for (size_t i = 0; i < tries_count; i++) {
		if (strcmp(tries[i].name, name) == 0)
			return &tries[i];
	}
	return NULL;
}

/* In a child: takes on the identity, makes the try, and exits with the errno. */
static void become_and_try(const struct who *who, const struct try *try, const struct target *target)
{
	static const int from[] = {0, 1, 2};
	char *list[32] = {"openvpn", "try", (char *)(unsigned long)try->name};
	struct err e = {""};
	int count = 3;

	if (strcmp(who->name, "root") == 0)
		_exit(try_run(try, target));
	if (strcmp(who->name, "driver") == 0) {
		if (sandbox_drop(who->confine.uid, who->confine.gid, &e) == -1 ||
		    sandbox_enter(SANDBOX_DRIVER, &e) == -1)
			_exit(EXIT_FAILURE + 200);
		_exit(try_run(try, target));
	}
	for (char **word = who->words; *word != NULL; word++)
		list[count++] = *word;
	confine_exec(&who->confine, list, from, 3);
}

static void say(const char *name, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (WIFSIGNALED(status))
		printf("%s: %s\n", name, WTERMSIG(status) == SIGSYS ? "SIGSYS" : "another signal");
	else if (code > 133) /* the last errno, or the exit code of a program that can't start */
		printf("%s: left with %d\n", name, code);
	else
		printf("%s: %s\n", name, code == 0 ? "works" : strerrorname_np(code));
}

static int try_each(struct who *who, const struct target *target)
{
	const char *lacks;
	struct err e = {""};

	if (confine_prepare(&who->confine, &lacks, &e) == -1) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	for (size_t i = 0; i < tries_count; i++) {
		int status;
		pid_t pid;

		if (strcmp(who->name, "root") == 0 && tries[i].as_root == TRY_NEVER)
			continue;
		fflush(stdout);
		if ((pid = fork()) == 0)
			become_and_try(who, &tries[i], target);
		if (waitpid(pid, &status, 0) != pid)
			return 1;
		say(tries[i].name, status);
	}
	return 0;
}

/* --- as openvpn */

static void live(const char *path, const struct target *target)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int management = socket(AF_UNIX, SOCK_STREAM, 0);
	char line[256];

	strncpy(to.sun_path, path, sizeof to.sun_path - 1);
	if (connect(management, (struct sockaddr *)&to, sizeof to) == -1)
		_exit(1);
	dprintf(
	    management,
	    ">INFO:OpenVPN Management Interface Version 5 -- type\r\n>HOLD:Waiting for hold release:0\r\n");
	if (target->last[0] != '\0')
		(void)try_run(find(target->last), target);
	for (size_t i = 0; i < tries_count; i++) {
		int result;

		/* Those that kill the process are tried one by one. */
		if (tries[i].run == NULL || tries[i].as_root == TRY_NEVER)
			continue;
		if (strstr(" signal to the daemon signal to another signal to all signal to itself ptrace "
			   "fork clone3 a "
			   "program by the loader listen by tcp ",
			   tries[i].name) != NULL)
			continue;
		result = try_run(&tries[i], target);
		snprintf(line, sizeof line, ">LOG:1700000000,W,captured: %s: %s\r\n", tries[i].name,
			 result == 0 ? "works" : strerrorname_np(result));
		if (write(management, line, strlen(line)) == -1)
			_exit(1);
	}
	dprintf(management, ">LOG:1700000000,W,captured: done\r\n");
	while (read(management, line, sizeof line) > 0)
		;
}

int main(int count, char **arguments)
{
	struct target target = {"", "", "", "lo", "tun0", "", "", "", "", "", "", "", 0, 0, 0};
	struct net_endpoint endpoint = {.proto = NET_UDP};
	struct who who = {.confine.endpoint = &endpoint};
	char self[PATH_MAX];
	const char *management = NULL;

	for (int i = 1; i < count; i++) {
		if (strcmp(arguments[i], "--management") == 0 && i + 1 < count)
			management = arguments[i + 1];
		(void)target_set(&target, arguments[i]);
	}
	if (management != NULL) {
		live(management, &target);
		return 0;
	}
	if (count > 2 && strcmp(arguments[1], "try") == 0)
		return find(arguments[2]) == NULL ? 255 : try_run(find(arguments[2]), &target);
	if (count < 7 || strcmp(arguments[1], "as") != 0 || child_own_path(self, sizeof self) == -1)
		return 2;
	who.name = arguments[2];
	who.confine.uid = (uint32_t)atoi(arguments[3]);
	who.confine.gid = (uint32_t)atoi(arguments[4]);
	endpoint.proto = strcmp(arguments[5], "tcp") == 0 ? NET_TCP : NET_UDP;
	endpoint.port = (uint16_t)atoi(arguments[6]);
	who.confine.binary = self;
	who.confine.folder = ".";
	who.words = arguments + 7;
	return try_each(&who, &target);
}
