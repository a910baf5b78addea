"""Network namespaces by name: commands, sockets and forked functions inside them."""
import contextlib
import os
import pickle
import signal
import socket
import subprocess
import time
import traceback

from isolate import check, libc, CLONE_NEWNET

DEADLINE = 10.0


def wait_for(condition, what, seconds=DEADLINE):
    """Calls `condition` until its result is true, and returns that. Fails at the deadline, and says what it waited
    for."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.002)


def wait_gone(pid, what, seconds=DEADLINE):
    wait_for(lambda: not os.path.exists(f"/proc/{pid}") or state_of(pid) in "ZX", what, seconds)


def state_of(pid):
    """The letter of the process's state; X once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


class Namespace:
    def __init__(self, name):
        self.name = name

    @property
    def path(self):
        return f"/run/netns/{self.name}"

    def create(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        # With duplicate address detection, a new IPv6 address could not be used for a second.
        self.sysctl("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                    "net.ipv6.conf.default.dad_transmits=0")
        self.ip("link set lo up")

    def destroy(self):
        if os.path.exists(self.path):
            self.kill_all()
            # The links are deleted here, because the kernel would do it some time after the namespace is gone.
            with contextlib.suppress(subprocess.CalledProcessError):
                for link in self.links():
                    self.run("ip", "link", "del", link, check=False)
            subprocess.run(["ip", "netns", "del", self.name], check=True)

    def enter(self):
        """From now on this process is in the namespace."""
        new = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        check(libc.setns(new, CLONE_NEWNET), "setns")
        os.close(new)

    @contextlib.contextmanager
    def inside(self):
        """While the block runs, this thread and what it starts are in the namespace."""
        old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.enter()
            yield
        finally:
            check(libc.setns(old, CLONE_NEWNET), "setns back")
            os.close(old)

    def run(self, *command, check=True, timeout=20, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        with self.inside():
            done = subprocess.run(command, timeout=timeout, text=True, check=False, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def popen(self, *command, **more):
        with self.inside():
            return subprocess.Popen(command, **more)

    def ip(self, *lines):
        """Each argument is a line of `ip -batch`."""
        return self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def sysctl(self, *settings):
        """Written directly: sysctl(8) is slow and may not be installed."""
        with self.inside():
            for setting in settings:
                key, value = setting.split("=")
                with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                    file.write(value)

    def nft(self, text):
        """Chains may be on one line; nft wants a newline after each."""
        return self.run("nft", "-f", "-", input=text.replace("; }", ";\n}\n"))

    def without_second_wall(self):
        """Removes Portcullis' own routes and rules, as root could, so that only the filter is left to stop anything."""
        for family in ("-4", "-6"):
            self.run("ip", family, "rule", "flush", "protocol", "87", check=False)
            self.run("ip", family, "route", "flush", "table", "8787", check=False)

    def without_link_filters(self):
        """Removes Portcullis' traffic control filters from the links, where there are any."""
        for link in self.links():
            self.run("tc", *f"filter del dev {link} egress pref 87 handle 0x706f7274 bpf".split(), check=False)

    def without_walls(self):
        """Removes all that Portcullis has in the kernel: the firewall's rules, the links' filters, the second wall."""
        self.run("nft", "flush", "ruleset")
        self.without_link_filters()
        self.without_second_wall()

    def socket(self, family, kind, proto=0):
        with self.inside():
            return socket.socket(family, kind, proto)

    def links(self):
        out = self.run("ip", "-o", "link").stdout
        names = [line.split(": ")[1].split("@")[0] for line in out.splitlines()]
        return [name for name in names if name != "lo"]

    def pids(self, *commands):
        """The living processes in this namespace whose names begin so; all of them if no name is given."""
        wanted = os.stat(self.path).st_ino
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in (1, os.getpid()):
                continue
            try:
                if os.stat(f"/proc/{entry}/ns/net").st_ino != wanted or state_of(entry) in "ZX":
                    continue
                with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                    name = file.read().strip()
            except OSError:
                continue
            # The kernel truncates a name to 15 bytes.
            if not commands or name in [command[:15] for command in commands]:
                found.append(int(entry))
        return sorted(found)

    def kill_all(self):
        def nothing_left():
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.pids()
        wait_for(nothing_left, f"processes of {self.name} gone")

    def call(self, function, *arguments, uid=0, gid=0, timeout=DEADLINE):
        """function(*arguments) in a child process in this namespace, as another user. Returns its result."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            try:
                signal.alarm(int(timeout) + 1)
                self.enter()
                os.setgroups([])
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
                answer = (True, function(*arguments))
            except BaseException as problem:  # pylint: disable=broad-except
                answer = (False, problem, traceback.format_exc())
            with os.fdopen(writing, "wb") as out:
                pickle.dump(answer, out)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as source:
            raw = source.read()
        os.waitpid(pid, 0)
        if not raw:
            raise AssertionError(f"{function.__name__}: no answer within {timeout} s")
        answer = pickle.loads(raw)
        if not answer[0]:
            raise AssertionError(answer[2]) from answer[1]
        return answer[1]
