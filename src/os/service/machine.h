/* The machine port: what the doctor looks at around us, where each system has its own place for it. */
#ifndef OS_SERVICE_MACHINE_H
#define OS_SERVICE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum machine_answer { MACHINE_NO, MACHINE_YES, MACHINE_UNKNOWN };
enum { MACHINE_TEXT = 400 };

/* One fact, and what is said of it: for NO and UNKNOWN, what to do. */
struct machine_fact {
	enum machine_answer answer;
	char text[MACHINE_TEXT], instead[MACHINE_TEXT];
};

/* When the kernel began, in seconds since the epoch; 0 unknown. */
int64_t machine_booted(void);

/* Can openvpn have a TUN device here? */
void machine_tun(struct machine_fact *fact);

/* Is something put in order that locks before the network starts, and starts
 * the daemon? Asks the service manager, `milliseconds` at most. */
void machine_boot(struct machine_fact *fact, int milliseconds);

/* Is there a lock before the root file system is, and what would that stop? */
void machine_initrd(struct machine_fact *fact);

/* What another program does to us. */
enum machine_harm {
	MACHINE_BESIDE, /* nothing */
	MACHINE_FIGHTS, /* one of the two does not work */
	MACHINE_OPENS   /* it may take our rules away */
};

/* Another VPN or firewall, known by a process or (`unit`) by a unit of the
 * service manager. */
struct machine_other {
	const char *name;
	bool unit;
	enum machine_harm harm;
	const char *effect, *instead; /* instead NULL: nothing need be done */
};

/* Those of this platform; ends with a name NULL. */
enum { MACHINE_OTHERS = 64 };
extern const struct machine_other machine_others[];

/* Sets running[i] (MACHINE_OTHERS of them) for each that runs, or whose unit
 * will after the next boot. 0; -1 if the service manager does not answer:
 * then the processes are known, and no unit. */
int machine_others_run(bool *running, int milliseconds);

/* How names find a server while the tunnel is up. */
enum machine_resolver {
	MACHINE_SYSTEM,     /* by the system itself, whatever resolv.conf says */
	MACHINE_RESOLVED,   /* systemd-resolved runs */
	MACHINE_RESOLVCONF, /* resolvconf writes resolv.conf */
	MACHINE_NO_RESOLVER /* nobody: resolv.conf is left alone */
};
enum machine_resolver machine_resolver(void);

/* Files and folders of *.conf that set NetworkManager up, the later over the
 * earlier; and the folder of its connections. The list ends with NULL. */
extern const char *const machine_network_manager[];
extern const char *const machine_connections; /* NULL: there is no NetworkManager here */

/* What this system requests from the Internet by itself to see if it is there; NULL: nothing known. */
extern const char *const machine_asks;

/* Does a process of this name run here? Kernels cut names to 15 bytes, so does this. */
bool machine_runs(const char *name);

#endif
