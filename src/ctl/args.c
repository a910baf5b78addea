/* The options and operands of a command, its help, and its errors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shown.h"
#include "base/text.h"
#include "ctl/ctl.h"

enum { OPTIONS_MAX = 24, HELP_COLUMN = 26 };

static int unknown_option(const struct ctl *ctl, const char *word, struct err *e)
{
	const struct ctl_command *command = ctl->command;
	const char *names[OPTIONS_MAX], *near;
	size_t count = 0;

	for (size_t i = 0; i < command->option_count && count < OPTIONS_MAX; i++)
		names[count++] = command->options[i].name;
	near = text_nearest(word, names, count);
	if (near != NULL)
		err_set(e, "unknown option --%s; instead: did you mean --%s?", word, near);
	else
		err_set(e, "unknown option %s%s; instead: portcullis %s --help",
			strlen(word) == 1 ? "-" : "--", word, command->name);
	return CTL_ARGS_WRONG;
}

static int long_option(struct ctl *ctl, const char *word, const char **value, struct err *e)
{
	const struct ctl_command *command = ctl->command;
	const char *equals = strchr(word, '=');
	char name[64];

	if (text_copy(name, sizeof name, word) == -1)
		return unknown_option(ctl, name, e);
	name[strcspn(name, "=")] = '\0';
	if (strcmp(name, "help") == 0)
		return CTL_ARGS_HELP;
	for (size_t i = 0; i < command->option_count; i++) {
		const struct ctl_option *option = &command->options[i];

		if (strcmp(option->name, name) != 0)
			continue;
		*value = equals != NULL ? equals + 1 : NULL;
		if (option->value == NULL && equals != NULL)
			err_set(e, "--%s takes no value; instead: --%s", name, name);
		else if (option->value == NULL || option->optional || equals != NULL)
			return (int)i;
		else if (ctl->next == ctl->count)
			err_set(e, "--%s needs a value; instead: --%s %s", name, name, option->value);
		else {
			*value = ctl->arguments[ctl->next++];
			return (int)i;
		}
		*value = NULL;
		return CTL_ARGS_WRONG;
	}
	return unknown_option(ctl, name, e);
}

/* One letter of "-f", "-n5", "-fn 5". */
static int short_option(struct ctl *ctl, const char **value, struct err *e)
{
	const struct ctl_command *command = ctl->command;
	const char letter[] = {*ctl->bundle++, '\0'};

	if (letter[0] == 'h')
		return CTL_ARGS_HELP;
	for (size_t i = 0; i < command->option_count; i++) {
		const struct ctl_option *option = &command->options[i];

		if (option->letter != letter[0])
			continue;
		*value = NULL;
		if (option->value == NULL)
			return (int)i;
		if (*ctl->bundle != '\0')
			*value = ctl->bundle;
		else if (ctl->next < ctl->count)
			*value = ctl->arguments[ctl->next++];
		ctl->bundle = NULL;
		if (*value != NULL)
			return (int)i;
		err_set(e, "-%s needs a value; instead: -%s %s", letter, letter, option->value);
		return CTL_ARGS_WRONG;
	}
	return unknown_option(ctl, letter, e);
}

int ctl_args_next(struct ctl *ctl, const char **value, struct err *e)
{
	char *word;

	*value = NULL;
	if (ctl->bundle != NULL && *ctl->bundle != '\0')
		return short_option(ctl, value, e);
	ctl->bundle = NULL;
	if (ctl->next == ctl->count)
		return CTL_ARGS_END;
	word = ctl->arguments[ctl->next++];
	if (ctl->only_operands || word[0] != '-' || word[1] == '\0') {
		*value = word;
		return CTL_ARGS_OPERAND;
	}
	if (strcmp(word, "--") == 0) {
		ctl->only_operands = true;
		return ctl_args_next(ctl, value, e);
	}
	if (word[1] == '-')
		return long_option(ctl, word + 2, value, e);
	ctl->bundle = word + 1;
	return short_option(ctl, value, e);
}

int ctl_args_stop(const struct ctl *ctl, int what, const char *value, const struct err *e)
{
	if (what == CTL_ARGS_HELP) {
		ctl_print_help(ctl->command);
		return 0;
	}
	if (what == CTL_ARGS_OPERAND)
		return ctl_fail(ctl, "\"%s\" is one argument too many; instead: portcullis %s --help", value,
				ctl->command->name);
	return ctl_fail(ctl, "%s", e->text);
}

int ctl_fail(const struct ctl *ctl, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	shown_print(stderr, "portcullis: %s: %s", ctl->command->name, text);
	return CTL_ERROR;
}

const char *ctl_advise(char *to, size_t size, const struct err *e, const char *consequence, const char *first,
		       const char *last)
{
	const char *advice = e->text + err_cause(e->text);
	const char *own = *advice != '\0' ? advice + strlen(ERR_INSTEAD) : first;
	size_t used = 0;

	text_append(to, size, &used, "%.*s", (int)(advice - e->text), e->text);
	if (consequence != NULL)
		text_append(to, size, &used, "; %s", consequence);
	if (own != NULL)
		text_append(to, size, &used, "%s%s", ERR_INSTEAD, own);
	if (last != NULL)
		text_append(to, size, &used, "%s%s", own != NULL ? ", then " : ERR_INSTEAD, last);
	return to;
}

int ctl_no_daemon(const struct ctl *ctl)
{
	ctl_fail(ctl, "no portcullisd answers at %s; instead: start portcullisd, or name its socket with -s",
		 ctl->socket);
	return CTL_NO_DAEMON;
}

static void print_option(const struct ctl_option *option)
{
	char left[64] = "";
	size_t used = 0;

	if (option->letter != 0)
		text_append(left, sizeof left, &used, "-%c, ", option->letter);
	text_append(left, sizeof left, &used, "--%s", option->name);
	if (option->value != NULL)
		text_append(left, sizeof left, &used, option->optional ? "[=%s]" : " %s", option->value);
	if (strlen(left) < HELP_COLUMN)
		printf("  %-*s%s\n", HELP_COLUMN, left, option->help);
	else
		printf("  %s\n  %-*s%s\n", left, HELP_COLUMN, "", option->help);
}

void ctl_print_help(const struct ctl_command *command)
{
	printf("usage: portcullis [-s SOCKET] %s%s%s%s\n\n%s\n", command->name,
	       command->option_count > 0 ? " [OPTIONS]" : "", command->operands[0] != '\0' ? " " : "",
	       command->operands, command->details);
	if (command->option_count > 0)
		printf("\n");
	for (size_t i = 0; i < command->option_count; i++)
		print_option(&command->options[i]);
}

bool ctl_colour(void)
{
	const char *never = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && (never == NULL || never[0] == '\0') && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}
