/* spawn: how openvpn is started: fixed arguments, an empty environment, its
 * own group from before exec, and one numeric remote. */
#include "gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "gate/files.h"
#include "os/process/child.h"
#include "os/process/descriptor.h"
#include "os/process/openvpn_words.h"
#include "os/process/sandbox/confine.h"
#include "os/route/tun_node.h"

enum { ARGUMENTS_MAX = 192 };

/* Our options come after --config: of a single-valued option the last one counts, and the vetted profile
 * has none that accumulates.
 * --remap-usr1: one process per attempt; instead of restarting itself openvpn exits.
 * --ping-restart 0: when a silent server is dead, the driver decides; without it openvpn restarts after two
 * minutes of silence, also where no server ever sends a ping.
 * disable-dco: data channel offload sends from the kernel, without an owner.
 * dns-updown: 2.7 would run a DNS helper of its own.
 * IV_SSO: a server that asks a person, or shows them an address, refuses a client that can't tell them.
 * What a server may not decide comes before --config: openvpn takes the first filter that matches. */
static const char fixed[] =
    "--nobind --dev-type tun --verb 3 --suppress-timestamps "
    "--remap-usr1 SIGTERM --ping-restart 0 --connect-retry-max 1 --tls-exit "
    "--management-client --management-hold --management-query-passwords --management-up-down "
    "--management-log-cache 500 --auth-retry interact "
    "--setenv opt disable-dco --setenv opt dns-updown disable "
    "--setenv IV_SSO webauth,openurl,crtext";
/* The first three filters: openvpn compares a filter with the line as it arrived, and unquotes the line
 * afterwards; no honest push begins with one of these characters. The first line: 2.5 ignores options that
 * are new in 2.6 and can be done without. A check of the server (peer-fingerprint) is not among them: 2.5
 * does not start with it. */
static const char filters[] =
    "--ignore-unknown-option compat-mode dns max-packet-size mssfix providers session-timeout tun-mtu "
    "tun-mtu-max --pull-filter ignore \" --pull-filter ignore ' --pull-filter ignore \\ "
    "--pull-filter ignore verb --pull-filter ignore mute --pull-filter ignore persist- "
    "--pull-filter ignore bind-dev --pull-filter ignore setenv --pull-filter ignore errors-to-stderr "
    "--pull-filter ignore inactive --pull-filter ignore session-timeout --pull-filter ignore ping-exit "
    "--pull-filter ignore ping-restart "
    "--pull-filter ignore explicit-exit-notify --pull-filter ignore lladdr --pull-filter ignore socket-flags "
    "--pull-filter ignore ifconfig-noexec --pull-filter ignore route-noexec --pull-filter ignore route-delay "
    "--pull-filter ignore providers "
    "--pull-filter ignore compat-mode --pull-filter ignore ncp-ciphers --pull-filter ignore data-ciphers";
/* 2.5.1 also compares the spaces before a pushed word, and skips them afterwards; no honest push begins
 * with one. */
static const char *const spaces[] = {"--pull-filter", "ignore", " "};

struct arguments {
	const char *list[ARGUMENTS_MAX];
	size_t count;
	char address[NET_ADDRESS_TEXT], port[8], filters[sizeof filters], fixed[sizeof fixed];
};

static void add_argument(struct arguments *arguments, const char *word)
{
	if (arguments->count < ARGUMENTS_MAX - 1)
		arguments->list[arguments->count++] = word;
}

static void add_arguments(struct arguments *arguments, char *words)
{
	for (char *word; (word = strsep(&words, " ")) != NULL;)
		add_argument(arguments, word);
}

static const char *proto_word(const struct net_endpoint *endpoint)
{
	bool six = endpoint->address.family == NET_IPV6;

	if (endpoint->proto == NET_TCP)
		return six ? "tcp6-client" : "tcp4-client";
	return six ? "udp6" : "udp4";
}

static void fill_arguments(struct arguments *arguments, const struct gate *gate,
			   const struct net_endpoint *endpoint, const char *node)
{
	const struct config *config = &gate->config;
	const char *words[OPENVPN_WORDS];
	size_t word_count = openvpn_words(config->interface, endpoint, config->openvpn_user.name, words);

	snprintf(arguments->port, sizeof arguments->port, "%u", endpoint->port);
	net_address_text(&endpoint->address, arguments->address);
	add_argument(arguments, "openvpn");
	add_arguments(arguments, memcpy(arguments->filters, filters, sizeof filters));
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		add_argument(arguments, spaces[i]);
	add_argument(arguments, "--config");
	add_argument(arguments, "stdin"); /* not every system has names under /dev/fd */
	for (size_t i = 0; i < config->openvpn_argument_count; i++)
		add_argument(arguments, config->openvpn_arguments[i]);
	for (size_t i = 0; i < word_count; i++)
		add_argument(arguments, words[i]);
	if (node != NULL) {
		add_argument(arguments, "--dev-node");
		add_argument(arguments, node);
	}
	add_argument(arguments, "--remote");
	add_argument(arguments, arguments->address);
	add_argument(arguments, arguments->port);
	add_argument(arguments, proto_word(endpoint));
	if (endpoint->proto == NET_UDP) { /* a server notices by itself that a TCP connection ends */
		add_argument(arguments, "--explicit-exit-notify");
		add_argument(arguments, "1");
	}
	if (config->key_file[0] != '\0') { /* what the process that holds the key can sign */
		add_argument(arguments, "--management-external-key");
		add_argument(arguments, "pss");
		add_argument(arguments, "pkcs1");
	}
	add_argument(arguments, "--tmp-dir");
	add_argument(arguments, "."); /* its own folder: it may not be able to enter those above */
	add_argument(arguments, "--management");
	add_argument(arguments, FILES_OPENVPN_SOCKET);
	add_argument(arguments, "unix");
	add_arguments(arguments, memcpy(arguments->fixed, fixed, sizeof fixed));
}

/* In the child. Never returns. */
static void become_openvpn(const struct gate *gate, const struct confine *confine,
			   struct arguments *arguments, int output)
{
	const int from[] = {gate->profile.body, output, output};
	char *list[ARGUMENTS_MAX];

	/* The offset is shared with the previous attempt, which has read to the end. */
	lseek(gate->profile.body, 0, SEEK_SET);
	memcpy(list, arguments->list, sizeof list);
	confine_exec(confine, list, from, sizeof from / sizeof *from);
}

/* Warns once of what the kernel can't do. */
static int prepare_confinement(const struct confine *confine, struct err *e)
{
	static bool warned;
	const char *lacks;

	if (confine_prepare(confine, &lacks, e) == -1)
		return -1;
	if (lacks[0] != '\0' && !warned) {
		log_warn("gate", "%s", lacks);
		warned = true;
	}
	return 0;
}

pid_t spawn_openvpn(struct gate *gate, const struct net_endpoint *endpoint, int *output, struct err *e)
{
	const struct config *config = &gate->config;
	char folder[PATH_MAX];
	struct confine confine = {.uid = config->openvpn_user.number,
				  .gid = config->openvpn_group.number,
				  .binary = config->openvpn_binary,
				  .folder = folder,
				  .endpoint = endpoint};
	struct arguments arguments = {.count = 0}; /* and NULL at the end of the list */
	int pipes[2];
	pid_t pid;

	snprintf(folder, sizeof folder, "%.*s/" FILES_OPENVPN_FOLDER, PATH_MAX - 16, config->runtime_dir);
	if (tun_node_for(confine.uid, confine.gid, &confine.node, e) == -1 ||
	    prepare_confinement(&confine, e) == -1)
		return -1;
	fill_arguments(&arguments, gate, endpoint, confine.node);
	/* If the pipe is full, lines are lost and openvpn is not held up: only the first ones matter
	 * here; the rest comes over the management connection. */
	if (descriptor_pipe(pipes, true) == -1)
		return err_errno(e, "pipe");
	if ((pid = child_fork()) == 0)
		become_openvpn(gate, &confine, &arguments, pipes[1]);
	close(pipes[1]);
	if (pid == -1) {
		close(pipes[0]);
		return err_errno(e, "fork");
	}
	*output = pipes[0];
	return pid;
}
