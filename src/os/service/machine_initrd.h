/* Does the lock in the initrd stand, and what does it stop? Judged from facts. Pure. */
#ifndef OS_SERVICE_MACHINE_INITRD_H
#define OS_SERVICE_MACHINE_INITRD_H

#include "os/service/machine.h"

struct initrd {
	bool tool;             /* initramfs-tools, which builds it with our lock */
	bool dropbear, clevis; /* what unlocks disks over the network there */
	const char *cmdline;   /* the kernel's; NULL: not known */
};

/* YES: locked, and nothing needs the network there. NO: else, with what to do. */
void initrd_judge(const struct initrd *initrd, struct machine_fact *fact);

#endif
