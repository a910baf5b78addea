/* portcullisd's command line, which names the configuration. */
#ifndef CONFIG_COMMAND_LINE_H
#define CONFIG_COMMAND_LINE_H

#include <stdbool.h>

struct command_line {
	bool foreground, check, lock, settings;
	const char *file; /* from argv, or the default */
};

/* Prints the help or the version if asked for, or what is wrong. -1: go on; else the exit code. */
int command_line_read(int argc, char **argv, struct command_line *to);

#endif
