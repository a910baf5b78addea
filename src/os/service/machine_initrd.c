/* What the lock in the initrd is for this machine: where it is, only DHCP passes there. */
#include "os/service/machine_initrd.h"

#include <string.h>

#include "os/service/machine_fact.h"

#define AT_THE_CONSOLE                                                                                       \
	"unlock it at the console; once over the network: break=top on the kernel's command line, there rm " \
	"/scripts/init-top/00-portcullis and exit; or portcullis disable"

void initrd_judge(const struct initrd *initrd, struct machine_fact *fact)
{
	if (!initrd->tool)
		machine_set(
		    fact, MACHINE_NO,
		    "initramfs-tools is not here: an initrd of another tool (dracut) has no lock, it "
		    "begins with the root file system",
		    "nothing, if your initrd sets up no network; else initramfs-tools, then portcullis "
		    "enable");
	else if (initrd->cmdline != NULL &&
		 machine_has_word(initrd->cmdline, strlen(initrd->cmdline), "root=/dev/nfs"))
		machine_set(fact, MACHINE_NO,
			    "the root file system comes by NFS, and the lock in the initrd of an enabled "
			    "machine stops "
			    "that: it does not boot",
			    "a root file system on a disk; a machine that boots by the network can't be shut "
			    "before it");
	else if (initrd->dropbear)
		machine_set(
		    fact, MACHINE_NO,
		    "dropbear-initramfs is here, and the lock in the initrd of an enabled machine stops "
		    "it: nobody unlocks its disks from afar",
		    AT_THE_CONSOLE);
	else if (initrd->clevis)
		machine_set(
		    fact, MACHINE_NO,
		    "clevis-initramfs is here, and the lock in the initrd of an enabled machine stops "
		    "its way to a tang server (not to a TPM)",
		    AT_THE_CONSOLE);
	else
		machine_set(fact, MACHINE_YES,
			    "initramfs-tools puts the lock in it, and nothing known needs the network there",
			    "");
}
