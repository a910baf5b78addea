/* Runs a program, and all that it starts, with fewer system calls. Tests only.
 *
 *   deny_syscalls CALL ERRNO ARGUMENT0 PROGRAM...   CALL fails with ERRNO; ARGUMENT0: only with this first
 *                                                   argument; -: with any
 *   deny_syscalls only FILE - PROGRAM...            all fail with EPERM but those that FILE lists, one a line
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int only(scmp_filter_ctx filter, const char *path)
{
	FILE *file = fopen(path, "r");
	char name[64];
	int result = file == NULL ? -1 : 0;

	while (result == 0 && fscanf(file, "%63s", name) == 1) {
		int call = seccomp_syscall_resolve_name(name);

		/* Some exist on other processors only. */
		if (call != __NR_SCMP_ERROR)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	}
	return result;
}

static int without(scmp_filter_ctx filter, char **arguments)
{
	int call = seccomp_syscall_resolve_name(arguments[1]);
	const struct scmp_arg_cmp first = {0, SCMP_CMP_EQ, (scmp_datum_t)atoi(arguments[3]), 0};

	if (call == __NR_SCMP_ERROR)
		return -1;
	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)atoi(arguments[2])), call,
				      strcmp(arguments[3], "-") != 0, &first);
}

int main(int count, char **arguments)
{
	int is_only = count > 4 && strcmp(arguments[1], "only") == 0;
	scmp_filter_ctx filter = seccomp_init(is_only ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);

	if (count < 5 || filter == NULL || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
	    (is_only ? only(filter, arguments[2]) : without(filter, arguments)) != 0 ||
	    seccomp_load(filter) != 0)
		return 2;
	execv(arguments[4], arguments + 4);
	perror(arguments[4]);
	return 127;
}
