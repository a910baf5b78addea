/* Runs a program, and all that it starts, with one system call refused: refuse CALL ERRNO ARGUMENT0
 * PROGRAM... ARGUMENT0 (-: any) makes it that call with this first argument only. Tests only. */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct scmp_arg_cmp first;
	int call, only;

	if (count < 5 || filter == NULL ||
	    (call = seccomp_syscall_resolve_name(arguments[1])) == __NR_SCMP_ERROR)
		return 2;
	only = strcmp(arguments[3], "-") != 0;
	first = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)atoi(arguments[3]));
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
	    seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)atoi(arguments[2])), call, (unsigned)only,
				   &first) != 0 ||
	    seccomp_load(filter) != 0)
		return 2;
	execv(arguments[4], arguments + 4);
	perror(arguments[4]);
	return 127;
}
