/* The confinement on Linux: Landlock, so that openvpn opens what it is linked with, its device, and nothing
 * else. */
#include "os/process/sandbox/confine_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that are younger than the headers may be, by the ABI that brought them: landlock(7). */
enum {
	RIGHT_EXECUTE = 1 << 0,
	RIGHT_WRITE = 1 << 1,
	RIGHT_READ = 1 << 2,
	RIGHT_IOCTL = 1 << 15,
	RIGHTS_1 = (1 << 13) - 1,
	RIGHTS_2 = (1 << 14) - 1,
	RIGHTS_3 = (1 << 15) - 1,
	RIGHTS_5 = (1 << 16) - 1,
	NET_BIND_TCP = 1 << 0,
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
	RULE_PATH = 1,
	RULE_PORT = 2,
};

struct ruleset {
	uint64_t files, net, scoped;
};
struct port_rule {
	uint64_t allowed, port;
};

/* Where libraries lie. Read only: what else is there can't be executed, nor listed. */
static const char *const libraries[] = {"/lib",       "/lib32",     "/lib64",         "/usr/lib",
					"/usr/lib32", "/usr/lib64", "/usr/local/lib", "/gnu/store",
					"/nix/store", NULL};
/* What libraries read: where they lie themselves, and how the system wants them to behave. */
static const char *const settings[] = {"/etc/ld.so.cache",     "/etc/localtime",
				       "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf",
				       "/etc/crypto-policies", "/usr/share/crypto-policies",
				       "/usr/share/zoneinfo",  NULL};

int confine_files_abi(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi == -1 && (errno == ENOSYS || errno == EOPNOTSUPP) ? 0 : abi;
}

static uint64_t rights_of(int abi)
{
	return abi >= 5 ? RIGHTS_5 : abi >= 3 ? RIGHTS_3 : abi == 2 ? RIGHTS_2 : RIGHTS_1;
}

/* What is not there needs no rule. */
static int allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	int result;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	result = (int)syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0);
	close(rule.parent_fd);
	return result;
}

static int allow_each(int rules, const char *const *paths)
{
	for (; *paths != NULL; paths++) {
		if (allow(rules, *paths, RIGHT_READ) == -1)
			return -1;
	}
	return 0;
}

/* The loader that this program was started by: openvpn's, too, is the system's. */
static int loader_cb(struct dl_phdr_info *info, size_t size, void *to)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)to = (const char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
	}
	return 1; /* the first is the program itself */
}

static int allow_program(int rules, const char *binary)
{
	const char *loader = NULL;

	dl_iterate_phdr(loader_cb, &loader);
	if (loader != NULL && allow(rules, loader, RIGHT_READ | RIGHT_EXECUTE) == -1)
		return -1;
	return allow(rules, binary, RIGHT_READ | RIGHT_EXECUTE);
}

/* A program with a prefix of its own: /opt/x/sbin/openvpn has its libraries in /opt/x/lib. */
static int allow_prefix(int rules, const char *binary)
{
	char path[PATH_MAX];
	int length = (int)strlen(binary);

	for (int cut = 0; cut < 2 && length > 0; cut++) {
		while (length > 0 && binary[length - 1] != '/')
			length--;
		length -= length > 0;
	}
	snprintf(path, sizeof path, "%.*s/lib", length, binary);
	return allow(rules, path, RIGHT_READ);
}

/* A server by TCP has one port; there is no such rule for UDP. */
static int allow_port(int rules, const struct net_endpoint *endpoint)
{
	const struct port_rule rule = {NET_CONNECT_TCP, endpoint->port};

	return endpoint->proto != NET_TCP ? 0
					  : (int)syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule, 0);
}

int confine_files_rules(const struct confine *confine, int abi)
{
	struct ruleset set = {.files = rights_of(abi)};
	const char *node = confine->node != NULL ? confine->node : "/dev/net/tun";
	uint64_t device = RIGHT_READ | RIGHT_WRITE | (abi >= 5 ? RIGHT_IOCTL : 0);
	size_t size = abi >= 6 ? sizeof set : abi >= 4 ? offsetof(struct ruleset, scoped) : sizeof set.files;
	int rules;

	if (abi >= 4)
		set.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		set.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (rules == -1)
		return -1;
	if (allow_each(rules, libraries) == 0 && allow_each(rules, settings) == 0 &&
	    allow_program(rules, confine->binary) == 0 && allow_prefix(rules, confine->binary) == 0 &&
	    allow(rules, node, device) == 0 && (abi < 4 || allow_port(rules, confine->endpoint) == 0))
		return rules;
	close(rules);
	return -1;
}

int confine_files_enter(int rules)
{
	int result = (int)syscall(SYS_landlock_restrict_self, rules, 0);

	close(rules);
	return result;
}
