"""OpenRC, runit and s6 from Debian's archive: fetched once, unpacked into a machine's files, installed nowhere."""
import glob
import os
import subprocess

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "portcullis-package")
PACKAGES = {"openrc": ("openrc", "libeinfo1", "librc1", "insserv"), "runit": ("runit",),
            "s6": ("s6", "libs6-2.11", "execline", "libexecline2.9", "libskarnet2.13")}


def fetch_supervisors():
    """Fetches them into the cache; if the archive lacks one, its test reports that."""
    for name, packages in PACKAGES.items():
        place = f"{CACHE}/{name}"
        if len(glob.glob(f"{place}/*.deb")) >= len(packages):
            continue
        os.makedirs(place, exist_ok=True)
        done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages], cwd=place, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            print(f"{name} can't be had: {done.stdout[-400:]}")


def unpack_supervisor(name, tree):
    """False if it was never fetched. Debian's /bin, /sbin and /lib are links, and remain links."""
    packages = glob.glob(f"{CACHE}/{name}/*.deb")
    if len(packages) < len(PACKAGES[name]):
        return False
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as source:
            subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", tree], stdin=source.stdout, check=True)
        assert source.returncode == 0, package
    return True
