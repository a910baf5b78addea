/* portcullisd's command line, which names the configuration. */
#ifndef CONFIG_COMMAND_LINE_H
#define CONFIG_COMMAND_LINE_H

#include <stdbool.h>

struct command_line {
	bool foreground, check, lock, settings;
	const char *file; /* of argv, or the default's */
};

/* Prints what was asked for, or what is wrong with one of them. -1: go on; else the exit code. */
int command_line_read(int argc, char **argv, struct command_line *to);

#endif
