"""Portcullis under test: a configuration, the daemon in the protected namespace, and what it reports."""
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time

from netns import state_of, wait_for, wait_gone
from world import ROOT

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
USER, GROUP, OPENVPN_USER = 64000, 64001, 64002
with open(os.path.join(TOP, "src/base/wire.h"), encoding="ascii") as _wire:
    WIRE_VERSION = int(re.search(r"WIRE_VERSION = (\d+)", _wire.read()).group(1))
ADMIN_REQUEST = "IIII264x"  # struct wire_admin_request without a user and an answer
EXIT = {"open": 0, "locked": 3, "dialling": 3, "paused": 5, "off": 5, "unprotected": 6}
_count = 0


def quote(value):
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Portcullis:
    """One installation: its directories, its configuration, its processes."""

    def __init__(self, world, *servers, programs=None, settings=None, profile=None, extra=(), environment=None):
        global _count  # pylint: disable=global-statement
        _count += 1
        self.world, self.host = world, world.host
        self.programs = programs or BUILD
        self.directory = f"{ROOT}/p{_count}"
        os.makedirs(self.directory, 0o755)
        self.runtime, self.state = f"{self.directory}/run", f"{self.directory}/state"
        self.log_file = f"{self.directory}/portcullis.log"
        self.socket, self.admin_socket = f"{self.runtime}/control.sock", f"{self.runtime}/gate.sock"
        self.file, self.profile = f"{self.directory}/portcullis.conf", f"{self.directory}/home.ovpn"
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.stderr = open(f"{self.directory}/stderr", "w+", encoding="utf-8", errors="replace")
        self.settings = {
            "profile": quote(self.profile), "interface": quote("tun0"), "runtime-dir": quote(self.runtime),
            "state-dir": quote(self.state), "user": quote(USER),
            "openvpn-user": quote(OPENVPN_USER), "openvpn-group": quote(GROUP),
            "backend": quote("nft"),
            "control": "{ socket = " + quote(self.socket) + ' group = "" }', "dns": "{ manage = false }",
            "log": "{ file = " + quote(self.log_file) + ' level = "debug" }'}
        self.settings.update(settings or {})
        self.write(profile if profile is not None else world.profile(*(servers or ("udp",)), extra=extra))

    def write(self, profile):
        with open(self.profile, "w", encoding="ascii") as file:
            file.write(profile)
        os.chmod(self.profile, 0o600)
        self.configure()

    def configure(self, **more):
        """Writes the configuration. A key whose value is None is left out."""
        self.settings.update({key.replace("_", "-"): value for key, value in more.items()})
        with open(self.file, "w", encoding="utf-8") as file:
            for key, value in self.settings.items():
                if value is not None:
                    file.write(f"{key} {value}\n" if value.startswith("{") else f"{key} = {value}\n")

    # --- the daemon

    def start(self, *options, **more):
        self.process = self.host.popen(f"{self.programs}/portcullisd", "-d", *options, "-c", self.file,
                                       stdout=self.stderr, stderr=self.stderr, env=self.environment, **more)
        return self

    def run_daemon(self, *options, timeout=10):
        """Runs portcullisd to its end (-L, -n, a second start): its exit code and output."""
        return self.host.run(f"{self.programs}/portcullisd", *options, "-c", self.file, check=False,
                             timeout=timeout, env=self.environment)

    def run_daemon_without_fault(self, *options):
        with_fault = self.environment
        self.environment = {key: value for key, value in with_fault.items() if key != "PORTCULLIS_FAULT"}
        try:
            return self.run_daemon(*options)
        finally:
            self.environment = with_fault

    def start_open(self, *options):
        return self.start(*options).wait(gate="open")

    @property
    def pid(self):
        return self.process.pid

    def kill(self, sig=signal.SIGKILL):
        """Kills portcullisd itself and waits for its end. Returns the exit code."""
        self.process.send_signal(sig)
        return self.process.wait(10)

    def stop(self):
        return self.kill(signal.SIGTERM)

    def drivers(self):
        return self.host.pids("portcullis-driver")

    def openvpns(self):
        return self.host.pids("openvpn")

    def openvpn(self):
        """The pid of the one openvpn; a test that finds two fails."""
        found = wait_for(self.openvpns, "an openvpn process")
        assert len(found) == 1, f"{len(found)} openvpn processes"
        return found[0]

    def driver(self):
        found = wait_for(self.drivers, "a driver")
        assert len(found) == 1, f"{len(found)} drivers"
        return found[0]

    def kill_openvpn(self):
        pid = self.openvpn()
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid, "the killed openvpn reaped")
        wait_for(lambda: self.openvpns() or not self.says_open(), lambda: self.told("the gate knows that openvpn has ended"))
        return pid

    def says_open(self):
        with contextlib.suppress(AssertionError):
            return self.status()["gate"] == "open"
        return False

    # --- the command

    def ctl(self, *arguments, check=False, timeout=10, **more):
        return self.host.run(f"{self.programs}/portcullis", "-s", self.socket, *arguments, check=check,
                             timeout=timeout, **more)

    def status(self):
        """The object of status --json; its exit code must agree with it."""
        done = self.ctl("status", "--json")
        try:
            status = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"status --json: exit {done.returncode}: {done.stdout!r} {done.stderr!r}") from None
        wanted = 4 if status["gate"] is None else EXIT[status["gate"]]
        assert done.returncode == wanted, f"exit {done.returncode} for gate {status['gate']}"
        return status

    def wait(self, seconds=15, **wanted):
        """Waits until the status has all these values. The keys are those of status --json; each is given a value, or a
        set of them."""
        last = {}

        def fits():
            assert self.process is None or self.process.poll() is None, self.told("portcullisd has left")
            with contextlib.suppress(AssertionError):
                last.update(self.status())
            return all(key in last and (last[key] in value if isinstance(value, (set, tuple))
                                        else last[key] == value) for key, value in wanted.items())
        wait_for(fits, lambda: self.told(f"wanted {wanted}, last {last}"), seconds)
        return self

    def watch(self):
        return Watch(self)

    def told(self, prefix=""):
        """For the message of a failure: what the daemon and the driver logged."""
        text = prefix
        for path in (self.stderr.name, self.log_file):
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
                text += f"\n--- {os.path.basename(path)}\n" + file.read()[-6000:]
        return text

    def log(self):
        """Everything that was logged, in the file and with -d."""
        text = ""
        for path in (self.stderr.name, self.log_file):
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    # --- what the kernel itself says

    def rules(self):
        return self.host.run("nft", "-a", "list", "ruleset").stdout

    def set_members(self, name, family="inet"):
        """The members of one of our sets, as the kernel lists them; None if there is no such set."""
        done = self.host.run("nft", "-j", "list", "set", family, "portcullis", name, check=False)
        if done.returncode != 0:
            return None
        sets = [item["set"] for item in json.loads(done.stdout)["nftables"] if "set" in item]
        return sets[0].get("elem", [])

    def kernel_gate(self):
        """locked, dialling, open or none, judged by the kernel's sets alone."""
        tunnel = self.set_members("tunnel_link")
        if tunnel is None:
            return "none"
        endpoint = (self.set_members("endpoint4") or []) + (self.set_members("endpoint6") or [])
        if tunnel:
            return "open"
        return "dialling" if endpoint else "locked"

    def assert_loaded(self):
        """A test that sees nothing leave must know that the rules were in place, and not empty."""
        rules = self.rules()
        for chain in ("out", "in", "forward"):
            assert f"chain {chain} {{" in rules, f"no chain {chain} in the kernel:\n{rules}"
        assert "hook egress" in rules and "policy drop" in rules, rules

    def clean_up(self):
        with contextlib.suppress(Exception):
            self.process.kill()
            self.process.wait(5)
        self.host.kill_all()
        told = self.log()
        self.stderr.close()
        assert "Sanitizer" not in told and "runtime error:" not in told, told
        shutil.rmtree(self.directory, ignore_errors=True)


class Watch:
    """portcullis watch --json: each change as it happens."""

    def __init__(self, portcullis):
        self.process = portcullis.host.popen(
            f"{portcullis.programs}/portcullis", "-s", portcullis.socket, "watch", "--json",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.rest, self.lines = b"", []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def next(self, seconds=10.0):
        """The next object, or None at the deadline."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                return None
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        self.lines.append(json.loads(line))
        return self.lines[-1]

    def until(self, seconds=15.0, **wanted):
        """The first object with all these values; `lines` has everything before it."""
        end = time.monotonic() + seconds
        while True:
            said = self.next(max(0.0, end - time.monotonic()))
            assert said is not None, f"watch never said {wanted}: {self.lines}"
            if all(said.get(key) in (value if isinstance(value, (set, tuple)) else (value,))
                   for key, value in wanted.items()):
                return said


def programs_with(directory, **files):
    """A directory with copies of the built programs, some of them replaced: name = path."""
    os.makedirs(directory, exist_ok=True)
    for name in ("portcullisd", "portcullis-driver", "portcullis"):
        source = files.get(name.replace("-", "_"), os.path.join(BUILD, name))
        shutil.copy2(source, os.path.join(directory, name))
        shutil.copy2(os.path.join(BUILD, name), os.path.join(directory, name + ".real"))
    return directory


def is_gone(pid):
    return state_of(pid) in "ZX"


def wakeups(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
