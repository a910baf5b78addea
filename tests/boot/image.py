"""A Debian machine's disk, kernel and initrd: the base is made once and cached; our own part is new in every run.

`python3 image.py` makes the base alone. That needs the network; everything else does not."""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{SOURCE}/tests/e2e")

from isolate import CLONE_NEWNS, MS_PRIVATE, MS_REC, check, libc, mount  # noqa: E402  pylint: disable=wrong-import-position

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "portcullis-boot")
MIRROR = os.environ.get("PORTCULLIS_BOOT_MIRROR", "http://deb.debian.org/debian")
PACKAGES = (
    "systemd-sysv udev dbus libpam-systemd kmod procps netbase iproute2 iputils-ping ifupdown isc-dhcp-client initramfs-tools "
    "busybox zstd python3-minimal openvpn nftables systemd-timesyncd avahi-daemon linux-image-amd64 "
    "libevent-core-2.1-7 libconfuse2 libmnl0 libjansson4 libseccomp2 libcap2-bin").split()
LATER = ["network-manager", "strace"]
# The oldest kernel in each release's archive; if an archive cannot be reached it is left out, and its test says so.
OLDEST = {"bookworm": "linux-image-6.1.0-", "bullseye": "linux-image-5.10.0-"}
# Of the kernels' drivers only those for a virtual machine: an image of 400 MB instead of 2 GB.
KEEP = ("kernel/net/", "kernel/crypto/", "kernel/lib/", "kernel/arch/", "kernel/fs/ext4/", "kernel/fs/jbd2/",
        "kernel/fs/mbcache", "kernel/fs/autofs/", "kernel/fs/configfs/", "kernel/drivers/net/virtio_net", "kernel/drivers/net/tun",
        "kernel/drivers/net/dummy", "kernel/drivers/net/net_failover", "kernel/net/core/failover", "kernel/drivers/net/veth",
        "kernel/drivers/block/virtio_blk", "kernel/drivers/virtio/", "kernel/drivers/char/hw_random/", "kernel/drivers/net/macvlan")
PACKAGE = "/root/portcullis.deb"
VERSION = "3"


def run(*command, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout[-3000:]}")
    return done.stdout


def private_mounts():
    """From here on, mounts are visible to this process only."""
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


@contextlib.contextmanager
def entered(tree):
    """Mounts what programs in the tree need, and unmounts it afterwards."""
    mount("proc", f"{tree}/proc", "proc")
    mount("/dev", f"{tree}/dev", None, 0x1000 | MS_REC)
    try:
        yield lambda *command: run("chroot", tree, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                   "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", *command)
    finally:
        for place in ("dev", "proc"):
            check(libc.umount2(f"{tree}/{place}".encode(), 2), f"umount {place}")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


# --- where the images of a run lie

def own_directory():
    """(path, descriptor that locks it) of a new folder beside the base. Folders that killed runs have left are removed:
    nobody locks them."""
    os.makedirs(CACHE, exist_ok=True)
    parent = os.open(CACHE, os.O_RDONLY)
    fcntl.flock(parent, fcntl.LOCK_EX)
    try:
        for left in glob.glob(f"{CACHE}/run-*"):
            if (lock := locked(left)) is not None:
                shutil.rmtree(left)
                os.close(lock)
        path = tempfile.mkdtemp(prefix="run-", dir=CACHE)
        os.chmod(path, 0o755)
        return path, locked(path)
    finally:
        os.close(parent)


def locked(path):
    """A descriptor that locks this folder until it is closed; None if somebody else has locked it."""
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError:
        os.close(lock)
        return None


# --- the base, from the archive

def base_path():
    said = "\n".join([VERSION, MIRROR, *PACKAGES, *LATER, *KEEP])
    return f"{CACHE}/base-{hashlib.sha256(said.encode()).hexdigest()[:12]}.tar"


def oldest(chroot, begin):
    """The oldest kernel in the archive whose package name has this prefix, or None."""
    names = [line.split()[0] for line in chroot("apt-cache", "search", "--names-only", f"^{begin}[0-9]+-amd64$").splitlines()]
    return min(names, key=lambda name: int(name[len(begin):].split("-")[0]), default=None)


def add_kernels(tree, chroot):
    write(f"{tree}/etc/apt/sources.list", "".join(f"deb {MIRROR} {suite} main\n" for suite in OLDEST))
    # The newest of everything but kernels comes from the release itself.
    write(f"{tree}/etc/apt/preferences.d/boot", "Package: *\nPin: release n=bullseye\nPin-Priority: 100\n")
    try:
        chroot("apt-get", "update", "-q")
    except RuntimeError as problem:
        print(f"only bookworm's archive is reached: {problem}", file=sys.stderr)
        write(f"{tree}/etc/apt/sources.list", f"deb {MIRROR} bookworm main\n")
        chroot("apt-get", "update", "-q")
    chroot("apt-get", "install", "-qy", "--no-install-recommends", *LATER)
    for begin in OLDEST.values():
        name = oldest(chroot, begin)
        if name:
            chroot("apt-get", "install", "-qy", "--no-install-recommends", name)


def prune(tree, chroot):
    """Removes what the tests never use."""
    for modules in glob.glob(f"{tree}/usr/lib/modules/*"):
        for folder, _, files in os.walk(f"{modules}/kernel"):
            for name in files:
                inside = os.path.relpath(f"{folder}/{name}", modules)
                if not inside.startswith(KEEP):
                    os.unlink(f"{folder}/{name}")
        chroot("depmod", os.path.basename(modules))
    for place in ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists", "boot/initrd*",
                  "usr/share/zoneinfo", "var/log/*.log"):
        for path in glob.glob(f"{tree}/{place}"):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def make_base():
    """The cached base. Making it takes a few minutes."""
    path = base_path()
    if os.path.exists(path):
        return path
    tree, lock = own_directory()
    try:
        run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", tree, MIRROR)
        write(f"{tree}/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        # The initrd is made later, for the kernel that is booted.
        write(f"{tree}/etc/initramfs-tools/update-initramfs.conf", "update_initramfs=no\n")
        hook = f"{tree}/etc/kernel/postinst.d/initramfs-tools"
        os.chmod(hook, 0o644)
        with entered(tree) as chroot:
            add_kernels(tree, chroot)
            prune(tree, chroot)
        os.chmod(hook, 0o755)
        os.unlink(f"{tree}/usr/sbin/policy-rc.d")
        run("tar", "-C", tree, "--numeric-owner", "-cf", f"{path}.new", ".")
        os.rename(f"{path}.new", path)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        os.close(lock)
    return path


# --- a machine: the base, what calls out, and perhaps Portcullis

class Image:
    """A disk with its kernels and initrds, in a directory of its own. Kernels are named by the beginning of their
    release."""

    def __init__(self, directory):
        self.directory = directory
        self.disk = f"{directory}/disk"
        self.copies = 0

    def kernel(self, release=""):
        """(kernel, initrd) of the newest release with this prefix."""
        found = glob.glob(f"{self.directory}/vmlinuz-{release}*")
        assert found, f"no kernel {release}*: its archive was not reached when the base was made"
        newest = max(found, key=lambda path: [int(n) for n in path.split("vmlinuz-")[1].replace("-amd64", "").replace("-", ".").split(".")])
        return newest, newest.replace("vmlinuz", "initrd.img")

    def copy(self):
        """A disk of its own for one machine, as sparse as this one."""
        self.copies += 1
        path = f"{self.directory}/disk-{self.copies}"
        run("cp", "--sparse=always", "--reflink=auto", self.disk, path)
        return path


def change(disk, *commands):
    """Changes files on a disk that no machine is using: each change is a command of debugfs."""
    said = run("debugfs", "-w", "-f", "-", disk, input="\n".join(commands) + "\n")
    for line in said.splitlines():
        assert not line or line.startswith(("debugfs ", "debugfs: ", "Allocated")), f"debugfs: {said}"


def add_callers(tree, caller, manager):
    """Programs that call out, from the initrd to the end."""
    def put(name, to, mode):
        os.makedirs(os.path.dirname(f"{tree}/{to}"), exist_ok=True)
        shutil.copyfile(name if "/" in name else f"{HERE}/guest/{name}", f"{tree}/{to}")
        os.chmod(f"{tree}/{to}", mode)

    put(caller, "opt/boot/caller", 0o755)
    for name in ("agent", "browser"):
        put(name, f"opt/boot/{name}", 0o755)
    put("initrd-hook", "etc/initramfs-tools/hooks/calling-out", 0o755)
    put("initrd-top", "etc/initramfs-tools/scripts/init-top/calling-out", 0o755)
    put("initrd-premount", "etc/initramfs-tools/scripts/init-premount/calling-out", 0o755)
    for path in glob.glob(f"{HERE}/guest/*.service"):
        put(path, f"etc/systemd/system/{os.path.basename(path)}", 0o644)
    put("interfaces", "etc/network/interfaces", 0o644)
    if manager == "NetworkManager":
        write(f"{tree}/etc/network/interfaces", "auto lo\niface lo inet loopback\n")


def settle(tree, chroot, manager):
    """Names, a user, what is started; one initrd for each kernel."""
    write(f"{tree}/etc/hostname", "guarded\n")
    write(f"{tree}/etc/hosts", "127.0.0.1 localhost guarded\n")
    write(f"{tree}/etc/fstab", "/dev/vda / ext4 errors=remount-ro 0 1\n"
          "tmpfs /var/lib/dhcp tmpfs mode=755 0 0\n")  # dhclient takes no address that it can't write down
    write(f"{tree}/etc/resolv.conf", "nameserver 192.168.50.1\n")
    write(f"{tree}/etc/systemd/journald.conf.d/boot.conf", "[Journal]\nStorage=persistent\n")
    write(f"{tree}/etc/initramfs-tools/conf.d/boot", "MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n")
    write(f"{tree}/etc/initramfs-tools/update-initramfs.conf", "update_initramfs=yes\n")
    chroot("useradd", "-m", "-s", "/bin/bash", "-p", crypted("opensesame"), "alice")
    units = [os.path.basename(path) for path in glob.glob(f"{HERE}/guest/*.service")]
    chroot("systemctl", "enable", *units, "serial-getty@ttyS0.service", "systemd-timesyncd.service", "avahi-daemon.service")
    other = {"ifupdown": "NetworkManager.service", "NetworkManager": "networking.service"}[manager]
    chroot("systemctl", "disable", other)
    if manager == "NetworkManager":  # and another firewall, whose unit flushes every rule when it starts and stops
        chroot("systemctl", "enable", "nftables.service")
    chroot("systemctl", "mask", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
           "fstrim.timer", "NetworkManager-wait-online.service", "systemd-networkd-wait-online.service")


def crypted(password):
    return run("openssl", "passwd", "-6", password).strip()


def add_portcullis(tree, chroot, package, profile):
    """The package, an imported profile, enabled units: what `portcullis enable` does, which needs a running systemd."""
    shutil.copyfile(package, f"{tree}{PACKAGE}")
    chroot("dpkg", "-i", PACKAGE)
    write(f"{tree}/root/home.ovpn", profile, 0o600)
    chroot("portcullis", "import", "/root/home.ovpn", "home")
    write(f"{tree}/etc/portcullis/portcullis.conf", 'profile = "profiles/home.ovpn"\n')
    chroot("portcullisd", "-n")
    chroot("systemctl", "enable", "portcullis.service")


def make_image(directory, caller, package=None, profile=None, manager="ifupdown", kernels=("6.1",)):
    """A machine that calls out; if a package is given, it has Portcullis, enabled. Needs private mounts."""
    base, tree, image = make_base(), f"{directory}/tree", Image(directory)
    os.makedirs(tree)
    run("tar", "-C", tree, "--numeric-owner", "-xpf", base)
    add_callers(tree, caller, manager)
    with entered(tree) as chroot:
        settle(tree, chroot, manager)
        if package is not None:
            add_portcullis(tree, chroot, package, profile)
        for release in sorted(os.listdir(f"{tree}/usr/lib/modules")):
            if release.startswith(tuple(kernels)):
                chroot("update-initramfs", "-c", "-k", release)
                for name in (f"vmlinuz-{release}", f"initrd.img-{release}"):
                    shutil.copyfile(f"{tree}/boot/{name}", f"{directory}/{name}")
    # An upgrade in the machine would make them again, which takes minutes under emulation; qemu passes it the ones above.
    write(f"{tree}/etc/initramfs-tools/update-initramfs.conf", "update_initramfs=no\n")
    run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-J", "size=4", "-d", tree, image.disk, "900M")
    shutil.rmtree(tree)
    return image


def make_base_alone():
    """In a process of its own, so that its mounts are not ours; once, if the boot and the package tests begin together."""
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{CACHE}/base.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(base_path()):
            subprocess.run([sys.executable, "-B", os.path.abspath(__file__)], check=True)


if __name__ == "__main__":
    private_mounts()
    print(make_base())
