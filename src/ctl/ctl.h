/* What the files of the command line share: commands, their options, exit codes. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum ctl_exit {
	CTL_OPEN = 0, /* also: done */
	CTL_ERROR = 1,
	CTL_SHUT = 3,
	CTL_NO_DAEMON = 4,
	CTL_CLEAR = 5, /* paused or off */
	CTL_UNPROTECTED = 6,
};

#define CTL_SOCKET PORTCULLIS_RUNDIR "/portcullis/control.sock"
#define CTL_LOG_FILE "/var/log/portcullis/portcullis.log"

struct ctl_option {
	const char *name;  /* the long name, without "--" */
	char letter;       /* 0 none */
	const char *value; /* what its value is called; NULL: it has none */
	bool optional;     /* the value is optional, and given as --name=VALUE */
	const char *help;
};

struct ctl;
struct ctl_command {
	const char *name, *operands, *summary, *details;
	const struct ctl_option *options;
	size_t option_count;
	int (*run)(struct ctl *ctl); /* returns an exit code */
};

/* Walks the arguments after a command's name. */
struct ctl {
	const char *socket; /* -s */
	const struct ctl_command *command;
	char **arguments;
	int count, next;
	const char *bundle; /* the rest of a group of letters such as -fn */
	bool only_operands; /* after "--" */
};

/* The next option or operand: the option's index in the command's table with
 * *value (NULL: none), CTL_ARGS_OPERAND with *value, CTL_ARGS_END,
 * CTL_ARGS_HELP, or CTL_ARGS_WRONG and `e`. */
enum { CTL_ARGS_END = -1, CTL_ARGS_OPERAND = -2, CTL_ARGS_WRONG = -3, CTL_ARGS_HELP = -4 };
int ctl_args_next(struct ctl *ctl, const char **value, struct err *e);

/* For everything that is not an option of the command: prints the help or the
 * error, and returns the exit code. */
int ctl_args_stop(const struct ctl *ctl, int what, const char *value, const struct err *e);

/* Prints "portcullis: COMMAND: text" on stderr; returns CTL_ERROR. */
int ctl_fail(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `e` as one line with what follows from it and what to do. It has one "; instead: ": the advice in `e`, or
 * `first` if there is none, and then `last`. All but `e` may be NULL. Pure. Returns `to`. */
const char *ctl_advise(char *to, size_t size, const struct err *e, const char *consequence, const char *first,
		       const char *last);

/* Prints that no portcullisd answers; returns CTL_NO_DAEMON. */
int ctl_no_daemon(const struct ctl *ctl);

void ctl_print_help(const struct ctl_command *command);
bool ctl_colour(void); /* stdout is a terminal that wants colour */

extern const struct ctl_command cmd_status, cmd_watch, cmd_up, cmd_down, cmd_reconnect, cmd_pause, cmd_resume,
    cmd_reload, cmd_login, cmd_off, cmd_rules, cmd_log, cmd_portal, cmd_import, cmd_check, cmd_doctor,
    cmd_selftest, cmd_enable, cmd_confirm, cmd_disable;

#endif
