/* The machine port on Linux: systemd where it runs, /dev/net/tun, NetworkManager. */
#include "os/service/machine_fact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/host/file.h"
#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/install_paths.h"
#include "os/service/machine_initrd.h"
#include "os/service/machine_systemd.h"

#define TUN_DEVICE "/dev/net/tun"

enum { SHOWN_MAX = 256 * 1024, PATH_TEXT = 256, CMDLINE_SIZE = 4096 };

const struct machine_other machine_others[] = {
    {"mullvad-daemon", false, MACHINE_FIGHTS, "is another VPN, with a kill switch and rules of its own",
     "systemctl disable --now mullvad-daemon"},
    {"nordvpnd", false, MACHINE_FIGHTS, "is another VPN, with a kill switch and rules of its own",
     "systemctl disable --now nordvpnd"},
    {"expressvpnd", false, MACHINE_FIGHTS, "is another VPN, with a kill switch of its own",
     "systemctl disable --now expressvpn"},
    {"pia-daemon", false, MACHINE_FIGHTS, "is another VPN, with a kill switch of its own",
     "systemctl disable --now piavpn"},
    {"ivpn-service", false, MACHINE_FIGHTS, "is another VPN, with a kill switch of its own",
     "systemctl disable --now ivpn-service"},
    {"warp-svc", false, MACHINE_FIGHTS, "is another VPN: it sets routes and name servers",
     "systemctl disable --now warp-svc"},
    {"tailscaled", false, MACHINE_FIGHTS,
     "sets routes and name servers; what it sends outside the tunnel is stopped, and it does not connect "
     "while the gate is shut",
     "systemctl disable --now tailscaled, or accept it"},
    {"charon", false, MACHINE_FIGHTS, "is IPsec (strongSwan): it takes packets away from the routes",
     "systemctl disable --now strongswan-starter"},
    {"charon-systemd", false, MACHINE_FIGHTS, "is IPsec (strongSwan): it takes packets away from the routes",
     "systemctl disable --now strongswan"},
    {"openconnect", false, MACHINE_FIGHTS, "is another VPN: what it sends is stopped", "end it"},
    {"vpnc", false, MACHINE_FIGHTS, "is another VPN: what it sends is stopped", "end it"},
    {"wg-quick@*", true, MACHINE_FIGHTS,
     "is another VPN (WireGuard): what it sends is stopped, and it sets routes",
     "systemctl disable --now wg-quick@NAME"},
    {"openvpn@*", true, MACHINE_FIGHTS,
     "is another openvpn: what it sends is stopped, unless it is in our group",
     "systemctl disable --now openvpn@NAME"},
    {"openvpn-client@*", true, MACHINE_FIGHTS,
     "is another openvpn: what it sends is stopped, unless it is in our group",
     "systemctl disable --now openvpn-client@NAME"},
    {SYSTEMD_NFTABLES, true, MACHINE_OPENS,
     "starts with `flush ruleset`, and stops with that at every shutdown: while no portcullisd is running it "
     "removes our lock, because " SYSTEMD_NFTABLES_DROP_IN " is not in force",
     "install that file again (make install, or the package), systemctl daemon-reload; or systemctl disable "
     "nftables"},
    {"firewalld", false, MACHINE_BESIDE, "runs too: what either of the two drops is dropped", NULL},
    {SYSTEMD_NFTABLES, true, MACHINE_BESIDE,
     "loads its rules and our lock in one transaction, with our drop-in", NULL},
    {"ufw.service", true, MACHINE_BESIDE, "runs too: what either of the two drops is dropped", NULL},
    {"dockerd", false, MACHINE_BESIDE,
     "runs too: its containers get out only through the tunnel; each adds a link", NULL},
    {"libvirtd", false, MACHINE_BESIDE, "runs too: its guests get out only through the tunnel", NULL},
    {.name = NULL},
};

const char *const machine_network_manager[] = {"/usr/lib/NetworkManager/conf.d",
					       "/run/NetworkManager/conf.d",
					       "/etc/NetworkManager/NetworkManager.conf",
					       "/etc/NetworkManager/conf.d",
					       "/var/lib/NetworkManager/NetworkManager-intern.conf",
					       NULL};
const char *const machine_connections = "/etc/NetworkManager/system-connections";
const char *const machine_asks = NULL;

int64_t machine_booted(void)
{
	struct timespec wall = {0}, since = {0};

	if (clock_gettime(CLOCK_REALTIME, &wall) == -1 || clock_gettime(CLOCK_BOOTTIME, &since) == -1)
		return 0;
	return (int64_t)wall.tv_sec - (int64_t)since.tv_sec;
}

/* Opening it makes no device yet. */
void machine_tun(struct machine_fact *fact)
{
	int descriptor = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

	if (descriptor != -1) {
		close(descriptor);
		machine_set(fact, MACHINE_YES, TUN_DEVICE " can be opened", "");
	} else if (errno == EACCES || errno == EPERM) {
		machine_set(fact, geteuid() == 0 ? MACHINE_NO : MACHINE_UNKNOWN,
			    TUN_DEVICE " may not be opened",
			    geteuid() == 0 ? "give the container the device" : "ask as root");
	} else if (errno == ENOENT) {
		machine_set(fact, MACHINE_NO, TUN_DEVICE "does not exist: openvpn can't create a tunnel",
			    "modprobe tun; for a container, give it the device");
	} else {
		machine_set(fact, MACHINE_NO, TUN_DEVICE " does not work: the kernel has no TUN driver",
			    "modprobe tun, or use a kernel with CONFIG_TUN");
	}
}

static bool has_systemd(void)
{
	struct stat status;

	return lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

static char *show(const char *const *argv, int milliseconds)
{
	char *shown = malloc(SHOWN_MAX);

	if (shown != NULL && tool_output(argv, NULL, milliseconds, shown, SHOWN_MAX, NULL) == 0)
		return shown;
	free(shown);
	return NULL;
}

void machine_boot(struct machine_fact *fact, int milliseconds)
{
	const char *const argv[] = {
	    tool_path(TOOL_SYSTEMCTL),
	    "--no-pager",
	    "--property=Id,LoadState,UnitFileState,Before,WantedBy,RequiredBy,DropInPaths",
	    "show",
	    SYSTEMD_LOCK,
	    SYSTEMD_DAEMON,
	    NULL};
	char *shown, daemon[PATH_MAX];

	if (!has_systemd()) {
		machine_set(fact, MACHINE_UNKNOWN,
			    "systemd does not run here; what starts at boot is not known",
			    "have `portcullisd -L` run before the network is set up, then portcullisd");
		return;
	}
	if ((shown = show(argv, milliseconds)) == NULL)
		machine_set(fact, MACHINE_UNKNOWN, "systemctl does not answer",
			    "systemctl show " SYSTEMD_LOCK " " SYSTEMD_DAEMON);
	else
		systemd_boot(shown, fact);
	free(shown);
	install_path(INSTALL_PORTCULLISD, NULL, daemon);
	if (fact->answer != MACHINE_NO && !file_is_early(install_root(), daemon))
		machine_set(
		    fact, MACHINE_NO,
		    PORTCULLIS_PREFIX "/sbin is on a file system of its own: the lock waits for that, and "
				      "its devices wait for the lock, so the boot may hang",
		    "make install PREFIX=/usr, or move that directory to the file system of / or of /usr");
}

/* As mkinitramfs looks for them. */
static bool has_hook(const char *name)
{
	static const char *const folders[] = {"/usr/share/initramfs-tools/hooks",
					      "/etc/initramfs-tools/hooks"};
	char path[PATH_TEXT];
	bool found = false;

	for (size_t i = 0; i < sizeof folders / sizeof *folders && !found; i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], name);
		found = access(path, F_OK) == 0;
	}
	return found;
}

void machine_initrd(struct machine_fact *fact)
{
	char cmdline[CMDLINE_SIZE];
	struct initrd initrd = {.tool = access(tool_path(TOOL_UPDATE_INITRAMFS), X_OK) == 0,
				.dropbear = has_hook("dropbear"),
				.clevis = has_hook("clevis")};

	if (file_load("/proc/cmdline", cmdline, sizeof cmdline) == 0)
		initrd.cmdline = cmdline;
	initrd_judge(&initrd, fact);
}

int machine_units(bool *running, int milliseconds)
{
	const char *argv[32] = {tool_path(TOOL_SYSTEMCTL), "--no-pager",
				"--property=Id,ActiveState,UnitFileState,DropInPaths", "show"};
	size_t count = 4, room = sizeof argv / sizeof *argv - 1;
	char *shown;

	if (!has_systemd())
		return -1;
	for (size_t i = 0; machine_others[i].name != NULL && count < room; i++) {
		if (machine_others[i].unit)
			argv[count++] = machine_others[i].name;
	}
	if ((shown = show(argv, milliseconds)) == NULL)
		return -1;
	for (size_t i = 0; machine_others[i].name != NULL; i++)
		running[i] = machine_others[i].unit && systemd_runs(shown, machine_others[i].name) &&
			     (strcmp(machine_others[i].name, SYSTEMD_NFTABLES) != 0 ||
			      systemd_nftables_keeps(shown) == (machine_others[i].harm != MACHINE_OPENS));
	free(shown);
	return 0;
}

/* As dns_linux.c chooses; systemd's resolvconf is resolvectl by another name. */
enum machine_resolver machine_resolver(void)
{
	char path[TOOL_PATH_SIZE], real[PATH_TEXT] = "";

	if (tool_find("resolvectl", path) == 0 && machine_runs("systemd-resolved"))
		return MACHINE_RESOLVED;
	if (tool_find("resolvconf", path) == 0 &&
	    (readlink(path, real, sizeof real - 1) == -1 || strstr(real, "resolvectl") == NULL))
		return MACHINE_RESOLVCONF;
	return MACHINE_NO_RESOLVER;
}
