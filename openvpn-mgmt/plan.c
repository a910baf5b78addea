/* What each command's reply will look like. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum how {
	HOW_SHAPE,   /* always the same shape */
	HOW_NONE,    /* no reply */
	HOW_HISTORY, /* state, log, echo: each parameter is answered by itself */
	HOW_VERSION,
	HOW_TEST,
};

enum { TAKES_LINES = 1, SECRET = 2 };

static const struct command {
	const char *name;
	enum how how;
	enum ovm_shape shape;
	int flags;
} commands[] = {
    {"auth-retry", HOW_SHAPE, OVM_ONE, 0},
    {"bytecount", HOW_SHAPE, OVM_ONE, 0},
    {"certificate", HOW_SHAPE, OVM_SIGNATURE, TAKES_LINES},
    {"client-auth", HOW_SHAPE, OVM_ONE, TAKES_LINES},
    {"client-auth-nt", HOW_SHAPE, OVM_ONE, 0},
    {"client-deny", HOW_SHAPE, OVM_ONE, 0},
    {"client-kill", HOW_SHAPE, OVM_ONE, 0},
    {"client-pending-auth", HOW_SHAPE, OVM_ONE, 0},
    {"client-pf", HOW_SHAPE, OVM_ONE, TAKES_LINES},
    {"cr-response", HOW_SHAPE, OVM_ONE, SECRET},
    {"echo", HOW_HISTORY, OVM_ONE, 0},
    {"env-filter", HOW_SHAPE, OVM_ONE, 0},
    {"exit", HOW_NONE, OVM_ONE, 0},
    {"forget-passwords", HOW_SHAPE, OVM_ONE, 0},
    {"help", HOW_SHAPE, OVM_LIST, 0},
    {"hold", HOW_SHAPE, OVM_ONE, 0},
    {"kill", HOW_SHAPE, OVM_ONE, 0},
    {"load-stats", HOW_SHAPE, OVM_ONE, 0},
    {"log", HOW_HISTORY, OVM_ONE, 0},
    {"mute", HOW_SHAPE, OVM_ONE, 0},
    {"nclients", HOW_SHAPE, OVM_ONE, 0},
    {"needok", HOW_SHAPE, OVM_ONE, 0},
    {"needstr", HOW_SHAPE, OVM_ONE, 0},
    {"net", HOW_SHAPE, OVM_LIST, 0},
    {"password", HOW_SHAPE, OVM_ONE, 0},
    {"pid", HOW_SHAPE, OVM_ONE, 0},
    {"pk-sig", HOW_SHAPE, OVM_SIGNATURE, TAKES_LINES},
    {"pkcs11-id-count", HOW_SHAPE, OVM_PKCS11, 0},
    {"pkcs11-id-get", HOW_SHAPE, OVM_PKCS11, 0},
    {"proxy", HOW_SHAPE, OVM_ONE, 0},
    {"push-update-broad", HOW_SHAPE, OVM_UPDATE, 0},
    {"push-update-cid", HOW_SHAPE, OVM_UPDATE, 0},
    {"quit", HOW_NONE, OVM_ONE, 0},
    {"remote", HOW_SHAPE, OVM_ONE, 0},
    {"remote-entry-count", HOW_SHAPE, OVM_LIST, 0},
    {"remote-entry-get", HOW_SHAPE, OVM_LIST, 0},
    {"rsa-sig", HOW_SHAPE, OVM_SIGNATURE, TAKES_LINES},
    {"signal", HOW_SHAPE, OVM_ONE, 0},
    {"state", HOW_HISTORY, OVM_LIST, 0},
    {"status", HOW_SHAPE, OVM_LIST, 0},
    {"test", HOW_TEST, OVM_COUNTED, 0},
    {"username", HOW_SHAPE, OVM_ONE, 0},
    {"verb", HOW_SHAPE, OVM_ONE, 0},
    {"version", HOW_VERSION, OVM_LIST, 0},
};

static const struct command *command_of(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* As the daemon's atoi, but without its undefined overflow. */
static long integer(const char *text)
{
	return strtol(text, NULL, 10);
}

static void one_part(struct ovm_expected *plan, enum ovm_shape shape)
{
	plan->part[plan->parts++] = shape;
}

/* "on all" is a verdict and a list, "all on" a list and a verdict. */
static void plan_history(const char *const *words, enum ovm_shape bare, struct ovm_expected *plan)
{
	if (words[1] == NULL)
		one_part(plan, bare);
	for (int i = 1; i <= 2 && words[i] != NULL; i++)
		one_part(plan, strcmp(words[i], "all") == 0 || integer(words[i]) > 0 ? OVM_LIST : OVM_ONE);
}

/* Interface 6 answers from 4 on, 4 and less never; 5 is 2.6, 2.7.0 (no) and 2.7.1 (yes). */
static void plan_version(const char *const *words, int version, struct ovm_expected *plan)
{
	if (words[1] == NULL)
		one_part(plan, OVM_LIST);
	else if (integer(words[1]) < 4 || (version > 0 && version < 5))
		plan->parts = 0;
	else
		one_part(plan, version > 5 ? OVM_ONE : OVM_MAYBE);
}

static void plan_test(const char *const *words, struct ovm_expected *plan)
{
	plan->lines = words[1] != NULL ? integer(words[1]) : 0;
	if (words[1] == NULL)
		one_part(plan, OVM_ONE);
	else if (plan->lines > 0)
		one_part(plan, OVM_COUNTED);
}

bool ovm_takes_lines(const char *const *words)
{
	const struct command *command = words[0] != NULL ? command_of(words[0]) : NULL;

	if (command == NULL)
		return false;
	if (strcmp(command->name, "password") == 0)
		return words[1] != NULL && words[2] == NULL;
	return (command->flags & TAKES_LINES) != 0;
}

int ovm_plan(const char *const *words, int version, struct ovm_expected *plan)
{
	const struct command *command = words[0] != NULL ? command_of(words[0]) : NULL;
	bool labelled;

	memset(plan, 0, sizeof(*plan));
	if (command == NULL)
		return -1;
	labelled = words[1] != NULL && (command->flags & SECRET) == 0;
	snprintf(plan->command, sizeof(plan->command), "%s%s%s", words[0], labelled ? " " : "",
		 labelled ? words[1] : "");
	if (command->how == HOW_HISTORY)
		plan_history(words, command->shape, plan);
	else if (command->how == HOW_VERSION)
		plan_version(words, version, plan);
	else if (command->how == HOW_TEST)
		plan_test(words, plan);
	else if (command->how == HOW_SHAPE)
		one_part(plan, command->shape);
	return 0;
}
