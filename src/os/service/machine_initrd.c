/* What the lock in the initrd is for this machine: where it is, only DHCP passes there. */
#include "os/service/machine_initrd.h"

#include <string.h>

#include "os/service/machine_fact.h"

#define AT_THE_CONSOLE                                                                                       \
	"unlock it at the console; or, once over the network: put break=top on the kernel's command line, "  \
	"then rm "                                                                                           \
	"/scripts/init-top/00-portcullis and exit; or portcullis disable"

void initrd_judge(const struct initrd *initrd, struct machine_fact *fact)
{
	if (!initrd->tool)
		machine_set(fact, MACHINE_NO,
			    "initramfs-tools is not installed: an initrd made by another tool (dracut) has "
			    "no lock; the lock starts with the root file system",
			    "nothing if your initrd does not set up the network; else install "
			    "initramfs-tools, then run portcullis enable");
	else if (initrd->cmdline != NULL &&
		 machine_has_word(initrd->cmdline, strlen(initrd->cmdline), "root=/dev/nfs"))
		machine_set(fact, MACHINE_NO,
			    "the root file system is on NFS, and once enabled, the lock in the initrd stops "
			    "that: the machine does not boot",
			    "use a root file system on a disk; a machine that boots from the network can't "
			    "be shut before the network");
	else if (initrd->dropbear)
		machine_set(fact, MACHINE_NO,
			    "dropbear-initramfs is installed, and once enabled, the lock in the initrd stops "
			    "it: disks can't be unlocked over the network",
			    AT_THE_CONSOLE);
	else if (initrd->clevis)
		machine_set(fact, MACHINE_NO,
			    "clevis-initramfs is installed, and once enabled, the lock in the initrd keeps "
			    "it from a tang server (not from a TPM)",
			    AT_THE_CONSOLE);
	else
		machine_set(fact, MACHINE_YES,
			    "initramfs-tools adds the lock to it, and nothing known needs the network there",
			    "");
}
