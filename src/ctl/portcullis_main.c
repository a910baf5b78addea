/* portcullis: the command line. Finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/ctl.h"

static const struct ctl_command *const commands[] = {
    &cmd_status, &cmd_watch,  &cmd_up,       &cmd_down,   &cmd_reconnect, &cmd_pause,   &cmd_resume,
    &cmd_reload, &cmd_login,  &cmd_off,      &cmd_rules,  &cmd_log,       &cmd_portal,  &cmd_import,
    &cmd_check,  &cmd_doctor, &cmd_selftest, &cmd_enable, &cmd_confirm,   &cmd_disable,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to, int code)
{
	fputs("usage: portcullis [-s SOCKET] COMMAND [ARGUMENTS]\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %-17s %s\n", commands[i]->name, commands[i]->operands,
			commands[i]->summary);
	fputs("  help       [COMMAND]         this list, or a command's options\n"
	      "\n  -s SOCKET  the control socket (default " CTL_SOCKET
	      "); gate.sock is in the same directory\n"
	      "  --version  the version\n\n"
	      "If the machine is shut and nothing else helps: sudo portcullis off --offline\n",
	      to);
	return code;
}

static int print_error(const char *what, const char *word, const char *instead)
{
	shown_print(stderr, "portcullis: %s%s; instead: %s%s", what, word,
		    instead != NULL ? "did you mean " : "portcullis help", instead != NULL ? instead : "");
	return CTL_ERROR;
}

static const struct ctl_command *find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i]->name, word) == 0)
			return commands[i];
	}
	return NULL;
}

static int mistyped(const char *word)
{
	const char *names[COMMANDS + 1], *near;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i]->name;
	names[COMMANDS] = "help";
	near = text_nearest(word, names, COMMANDS + 1);
	return print_error("unknown command ", word, near);
}

static int help(int count, char **arguments)
{
	const struct ctl_command *command;

	if (count == 0)
		return usage(stdout, 0);
	if ((command = find(arguments[0])) == NULL)
		return mistyped(arguments[0]);
	ctl_print_help(command);
	return 0;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.socket = CTL_SOCKET};
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		const char *word = argv[at];

		if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
			puts("portcullis " PORTCULLIS_VERSION);
			return 0;
		}
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
			return usage(stdout, 0);
		if (strncmp(word, "-s", 2) != 0)
			return print_error("unknown option ", word, NULL);
		if (word[2] == '\0' && at + 1 == argc)
			return print_error("-s needs a socket", "", NULL);
		ctl.socket = word[2] != '\0' ? word + 2 : argv[++at];
	}
	if (at == argc)
		return usage(stderr, CTL_ERROR);
	if (strcmp(argv[at], "help") == 0)
		return help(argc - at - 1, argv + at + 1);
	if ((ctl.command = find(argv[at])) == NULL)
		return mistyped(argv[at]);
	ctl.arguments = argv + at + 1;
	ctl.count = argc - at - 1;
	return ctl.command->run(&ctl);
}
