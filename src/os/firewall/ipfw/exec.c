/* Runs ipfw's tool: commands, and the list of rules. */
#include "os/firewall/ipfw/ipfw.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "policy/print.h"

unsigned ipfw_set_number(int set)
{
	return set == 0 ? POLICY_IPFW_SET : POLICY_IPFW_OTHER_SET;
}

const char *const *ipfw_list_command(void)
{
	static const char *argv[] = {NULL, "-a", "-S", "list", NULL};

	argv[0] = tool_path(TOOL_IPFW);
	return argv;
}

int ipfw_command(const char *lines, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_IPFW), "-q", "/dev/stdin", NULL};

	return tool_run(argv, lines, IPFW_PATIENCE, e);
}

/* Without -D, or with `flush` for delete, rules would go. */
int ipfw_delete_states(struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_IPFW), "-q", "-D", "delete", "1-65534", NULL};

	return tool_run(argv, NULL, IPFW_PATIENCE, e);
}

int ipfw_look(struct ipfw_firewall *fw, struct err *e)
{
	if (tool_output(ipfw_list_command(), NULL, IPFW_PATIENCE, fw->listing, IPFW_LISTING, e) == -1)
		return -1;
	return ipfw_view_read(fw->listing, &fw->view, e);
}
