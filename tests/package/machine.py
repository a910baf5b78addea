"""A Debian machine without a kernel of its own: its files are an overlay, its network is the protected namespace."""
import contextlib
import hashlib
import json
import os
import shutil
import stat

from isolate import libc, check, mount
from netns import wait_for
from world import ROOT

MS_BIND, MS_REC, DETACH = 0x1000, 0x4000, 2
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What belongs to others: dpkg's own database and notes, and the copies that passwd's tools make before they write.
OTHERS = ("var/lib/dpkg", "var/log/dpkg.log", "var/cache", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-",
          "etc/gshadow-", "proc", "dev", "tmp", "root", "run/user", "var/log/alternatives.log")
CONFIGURATION = 'profile = "profiles/home.ovpn"\ndns { manage = false }\nlog { level = "debug" }\n'
_count = 0


class Machine:
    def __init__(self, world, base):
        global _count  # pylint: disable=global-statement
        _count += 1
        self.world, self.host = world, world.host
        self.directory = f"{ROOT}/machine{_count}"
        self.tree = f"{self.directory}/tree"
        for name in ("tree", "upper", "work"):
            os.makedirs(f"{self.directory}/{name}")
        mount("overlay", self.tree, "overlay", 0,
              f"lowerdir={base},upperdir={self.directory}/upper,workdir={self.directory}/work")
        mount("proc", f"{self.tree}/proc", "proc")
        mount("/dev", f"{self.tree}/dev", None, MS_BIND | MS_REC)
        mount("none", f"{self.tree}/run", "tmpfs", 0, "mode=755")
        self.daemon = None

    def clean_up(self):
        self.host.kill_all()
        for place in ("run", "dev", "proc", ""):
            check(libc.umount2(f"{self.tree}/{place}".encode(), DETACH), f"umount {place}")
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- programs in it

    def words(self, *command):
        return ("chroot", self.tree, "/usr/bin/env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8", "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive", *command)

    def run(self, *command, check=True, timeout=60, **more):  # pylint: disable=redefined-outer-name
        return self.host.run(*self.words(*command), check=check, timeout=timeout, **more)

    def popen(self, *command, **more):
        return self.host.popen(*self.words(*command), **more)

    def path(self, name):
        return f"{self.tree}/{name}"

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with contextlib.suppress(OSError), open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    # --- the package

    def install(self, package, **more):
        shutil.copyfile(package, self.path("tmp/portcullis.deb"))
        return self.run("dpkg", "--install", "/tmp/portcullis.deb", **more)

    def state(self):
        """dpkg's abbreviation of the state: two or three letters, or nothing."""
        return self.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "portcullis", check=False).stdout.strip()

    def enable(self):
        """What `portcullis enable` does, except for what needs a running systemd."""
        self.write("root/home.ovpn", self.world.profile("udp"), 0o600)
        self.run("portcullis", "import", "/root/home.ovpn", "home")
        self.write("etc/portcullis/portcullis.conf", CONFIGURATION)
        self.run("portcullisd", "-n")
        self.run("systemctl", "enable", "portcullis-lock.service", "portcullis.service")
        assert self.enabled() == ["enabled", "enabled"]

    def enabled(self):
        return self.run("systemctl", "is-enabled", "portcullis-lock.service", "portcullis.service", check=False).stdout.split()

    # --- the daemon, started by the test: what systemd does is tested on a booted machine

    def start(self):
        self.daemon = self.popen("portcullisd", "-d")
        return self

    def stop(self, number=15):
        self.daemon.send_signal(number)
        return self.daemon.wait(10)

    def status(self):
        said = self.run("portcullis", "status", "--json", check=False).stdout
        try:
            return json.loads(said)
        except ValueError:
            return {}

    def wait(self, seconds=15, **wanted):
        last = {}

        def fits():
            last.update(self.status())
            return all(last.get(key) == value for key, value in wanted.items())
        wait_for(fits, lambda: f"wanted {wanted}, last {last}: {self.log()[-3000:]}", seconds)
        return self

    def log(self):
        return self.read("var/log/portcullis/portcullis.log")

    def rules(self):
        return self.host.run("nft", "list", "ruleset").stdout

    # --- everything that is there

    def files(self):
        """path -> what is there: kind, mode, owner and contents."""
        found = {}
        for folder, folders, names in os.walk(self.tree):
            inside = os.path.relpath(folder, self.tree)
            folders[:] = [name for name in folders if os.path.normpath(f"{inside}/{name}") not in OTHERS]
            for name in [*folders, *names]:
                path = os.path.normpath(f"{inside}/{name}")
                if path not in OTHERS:
                    found[path] = describe(f"{self.tree}/{path}", path)
        return found


def describe(path, name):
    status = os.lstat(path)
    said = [stat.filemode(status.st_mode), status.st_uid, status.st_gid]
    if stat.S_ISLNK(status.st_mode):
        said.append(os.readlink(path))
    elif stat.S_ISREG(status.st_mode) and name.startswith("etc/"):
        with open(path, "rb") as file:
            said.append(hashlib.sha256(file.read()).hexdigest())
    return said
