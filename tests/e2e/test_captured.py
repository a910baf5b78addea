"""A captured openvpn and a captured driver: with exactly their rights and sandboxes they try everything, and all of it
is refused.

`captured` makes the attempts (tries.c). Each is first shown to work, or to reach the kernel, as root without a sandbox.
docs/security.md lists them under "What a captured process may not"."""
import ctypes
import errno
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest

from daemon import ADMIN_REQUEST, BUILD, GROUP, OPENVPN_USER, TOP, USER, WIRE_VERSION
from netns import wait_for
from test_flow import gets_inside, gets_out
from world import INTERNET4, INTERNET6, ROOT, SERVER4

LANDLOCK = ctypes.CDLL(None).syscall(444, None, 0, 1) > 0
needs_landlock = pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock")

# The outcome of openvpn's attempts. All others end with SIGSYS: the call is not on its list.
OPENVPN = {
    # What openvpn is for, or what harms nobody; the first four never reach the wire.
    "works": """udp4 / udp6 / udp to the server's other port / a resolver on the loopback / its own device /
        a socket for everybody""",
    # The call is listed but this argument is not; or the kernel requires a capability.
    "EPERM": """udp by the link / broadcast / tcp fast open / packet socket / packet datagram / netlink route /
        netlink netfilter / netlink xfrm / netlink generic / raw / raw IPv6 / raw icmp / ping socket / udplite / sctp /
        mptcp / unix datagram / vsock / kernel crypto / xdp socket / key socket / bluetooth / can / tipc /
        the gate's mark / bound to an index / socket filter / another device / device's owner / device's group /
        device's carrier / device goes / link's flags / link's address / a route / a new file / a nameless file /
        off marker / an abstract socket / claim a pid / executable memory / made executable / more files / dumpable /
        outlive the parent""",
    # Refused by Landlock, or by the modes of sockets.
    "EACCES": """tcp4 / listen by tcp / a shell / a program / shadow / passwd / certificates / core_pattern /
        core_pattern to read / own memory / own maps / netlink addresses / host name / null device / terminal /
        kernel log / root folder / temporary folder / profile / runtime folder / a library for writing /
        memory of the daemon / memory of another / words of another / control socket / gate.sock""",
    "EMFILE": "many descriptors",
}
DRIVER = {"works": "many descriptors", "EBADF": "accept4"}
# Independent of the sandbox: the device or the file may not exist, or the loader may have another name.
EITHER = {"memory of the daemon": {"EACCES", "ENOENT"}, "kernel memory": {"EACCES", "ENOENT"}, "off marker to read": {"EACCES", "ENOENT"},
          "a library for writing": {"EACCES", "ENOENT"}, "a program by the loader": {"left with 127", "EKEYEXPIRED"},
          "udp4": {"works", "EPERM", "EACCES"}, "udp6": {"works", "EPERM", "EACCES"},
          "udp to the server's other port": {"works", "EPERM", "EACCES"}}


def expected(table):
    return {name: outcome for outcome, names in table.items() for name in " ".join(names.split()).split(" / ") if name}


@pytest.fixture
def captured():
    """A copy of the program, where openvpn's user can execute it."""
    target = f"{ROOT}/captured"
    shutil.copy(f"{BUILD}/test/captured", target)
    os.chmod(target, 0o755)
    return target


def listening(path, mode=0o600):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(64)
    if not path.startswith("\0"):
        os.chmod(path, mode)
    return sock


class Targets:
    """What the attempts are aimed at: the live gate's files and sockets, and a bus, a victim and a device beside it."""

    def __init__(self, world, gate):
        self.host, self.gate = world.host, gate
        self.bus_path = f"{ROOT}/tmp/bus"
        self.bus = listening(self.bus_path, 0o666)
        with self.host.inside():
            self.abstract = listening("\0captured")
        self.victim = self.host.popen("/bin/sleep", "1000")
        self.host.ip(f"tuntap add dev tun7 mode tun user {OPENVPN_USER} group {GROUP}", "link set tun7 up")

    def words(self):
        return [f"internet4={INTERNET4}", f"internet6={INTERNET6}", f"server4={SERVER4}", "link=eth0", "tunnel=tun7",
                f"control={self.gate.socket}", f"admin={self.gate.admin_socket}", f"bus={self.bus_path}",
                f"profile={self.gate.profile}", "marker=/run/portcullis/off", f"runtime={self.gate.runtime}", "port=1194",
                f"daemon={self.gate.pid if self.gate.process else 0}", f"victim={self.victim.pid}"]

    def close(self):
        self.victim.kill()
        self.victim.wait()
        self.bus.close()
        self.abstract.close()
        os.unlink(self.bus_path)

    def tries(self, program, who, uid=0, gid=0):
        """Name -> outcome of every attempt as `who`."""
        done = self.host.run(program, "as", who, str(uid), str(gid), "udp", "1194", *self.words(), timeout=60)
        return dict(line.rsplit(": ", 1) for line in done.stdout.splitlines() if ": " in line)


@pytest.fixture
def targets(world, portcullis):
    made = Targets(world, portcullis())
    yield made
    made.close()


def as_root():
    """Name -> what the source says of it as root: WORKS, ARRIVES, NEVER."""
    with open(f"{TOP}/tests/e2e/tries.c", encoding="ascii") as file:
        text = file.read()
    found = {name: word + "S" for word, name in re.findall(r'\b(WORK|ARRIVE)\("([^"]+)"', text)}
    found.update({name: "ARRIVES" for name in re.findall(r"\bCALL\((\w+)\)", text) if name != "name"})
    return found


@needs_landlock
def test_tries_of_openvpn_and_the_driver_where_the_kernel_has_landlock(world, targets, captured):
    gate, host = targets.gate, targets.host
    with world.wire("udp") as wire:
        before = targets.tries(captured, "root")
        world.fence(wire)
        assert wire.seen(b"CAPTURED"), "control: without the gate the tries to send do leave"
    host.run("ip", "tuntap", "del", "dev", "tun7", "mode", "tun", check=False)
    host.ip(f"tuntap add dev tun7 mode tun user {OPENVPN_USER} group {GROUP}", "link set tun7 up")
    gate.start_open()
    with world.wire("udp") as wire:
        openvpn = targets.tries(captured, "openvpn", OPENVPN_USER, GROUP)
        driver = targets.tries(captured, "driver", USER, USER)
        world.fence(wire)
        assert not wire.seen(b"CAPTURED")
        wire.assert_clean()
    after = targets.tries(captured, "root")
    gate.wait(gate="open")
    assert gets_inside(world), "nothing of it has disturbed the tunnel"
    assert len(openvpn) > 150 and set(openvpn) == set(driver)
    wrong = {}
    for name, how in as_root().items():
        # `before` was without the gate, so that it can send; `after` with the gate, so that its sockets and processes exist.
        said = {before[name], after[name]}
        if how == "WORKS" and "works" not in said or how == "ARRIVES" and said <= {"EPERM", "SIGSYS"}:
            wrong[f"{name}, as root"] = said
    for name, outcome in openvpn.items():
        if outcome not in EITHER.get(name, {expected(OPENVPN).get(name, "SIGSYS")}):
            wrong[f"{name}, as openvpn"] = outcome
    for name, outcome in driver.items():
        if outcome != expected(DRIVER).get(name, "SIGSYS"):
            wrong[f"{name}, as the driver"] = outcome
    assert not wrong, wrong
    assert set(expected(OPENVPN)) <= set(openvpn) and set(EITHER) <= set(openvpn)


def test_every_try_is_listed_in_the_specification():
    with open(f"{TOP}/docs/security.md", encoding="utf-8") as file:
        text = file.read()
    section = text[text.index("### What a captured process may not"):]
    section = re.sub(r"\s+", " ", section[:section.index("\n## ")])
    missing = [name for name in [*as_root(), *expected(OPENVPN)] if f"{name}" not in section]
    assert not missing, missing


# --- the same in openvpn's place, started by the gate

def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def assert_confined(pid):
    said = status_of(pid)
    assert said["Uid"].split() == [str(OPENVPN_USER)] * 4 and said["Gid"].split() == [str(GROUP)] * 4
    assert said["Groups"].strip() == ""
    assert {said[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, said
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2") and int(said["Seccomp_filters"]) >= 2, said
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        limits = file.read()
    for limit, value in (("core file size", 0), ("file size", 0), ("processes", 0), ("open files", 64)):
        assert re.search(rf"Max {limit} +{value} +{value} ", limits), limits


def test_openvpn_has_no_right_at_all(world, portcullis):
    """The real openvpn: the gate opens and opens again, and nothing is left behind. Its folder belongs to root and has
    one socket."""
    gate = portcullis()
    with world.wire("udp") as wire:
        gate.start_open()
        folder = os.stat(f"{gate.runtime}/openvpn")
        assert (folder.st_uid, folder.st_gid, folder.st_mode) == (0, GROUP, 0o41770)
        assert os.listdir(f"{gate.runtime}/openvpn") == ["sock"]
        sock = os.stat(f"{gate.runtime}/openvpn/sock")
        assert (sock.st_uid, sock.st_gid, sock.st_mode & 0o7777) == (0, GROUP, 0o660)
        assert_confined(gate.openvpn())
        assert gets_inside(world)
        gate.kill_openvpn()
        gate.wait(gate="open")
        assert_confined(gate.openvpn())
        assert gets_inside(world)
        gate.ctl("down", "--wait", check=True)
        gate.wait(gate="locked")
        assert "tun0" not in world.host.links() and SERVER4 not in world.host.run("ip", "route").stdout
        wire.assert_clean()


def test_runtime_folder_in_a_folder_of_root_s(world, portcullis):  # pylint: disable=unused-argument
    """openvpn's user need not be able to enter the folders above its own."""
    gate = portcullis()
    closed = f"{gate.directory}/closed"
    os.mkdir(closed, 0o700)
    gate.runtime = f"{closed}/run"
    gate.configure(runtime_dir=f'"{gate.runtime}"')
    gate.start_open()
    assert_confined(gate.openvpn())


@needs_landlock
def test_captured_openvpn_in_its_place_where_the_kernel_has_landlock(world, targets, captured):
    """It speaks the management protocol, and makes its attempts from where the gate has put it."""
    gate = targets.gate
    gate.settings["openvpn"] = ('{ binary = "' + captured + '" arguments = {"--captured", '
                                + ", ".join(f'"{word}"' for word in targets.words()) + "} }")
    gate.configure()
    with world.wire("udp") as wire:
        gate.start()
        wait_for(lambda: "captured: done" in gate.log(), lambda: gate.told("all tried"), 20)
        assert_confined(gate.host.pids("captured")[0])
        assert not gets_out(world, wire)
        wire.assert_clean()
    said = dict(re.findall(r"captured: ([^:]+): (\w+)", gate.log()))
    want, wrong = expected(OPENVPN), {}
    for name, outcome in said.items():
        if outcome not in EITHER.get(name, {want.get(name)}):
            wrong[name] = outcome
    assert not wrong and len(said) > 70, (wrong, said)
    assert gate.kernel_gate() in ("dialling", "locked") and gate.process.poll() is None


# --- the unit's own restrictions of the daemon

def filled_unit(directory, gate):
    """The unit as it would be installed, with the test's own programs and configuration."""
    os.makedirs(f"{directory}/sbin")
    for name in ("portcullisd", "portcullis-driver"):
        shutil.copy2(f"{BUILD}/{name}", f"{directory}/sbin")
    os.makedirs(f"{directory}/portcullis")
    shutil.copy2(gate.file, f"{directory}/portcullis/portcullis.conf")
    with open(f"{TOP}/init/systemd/portcullis.service.in", encoding="utf-8") as file:
        text = file.read().replace("@PREFIX@", directory).replace("@SYSCONFDIR@", directory)
    with open(f"{directory}/portcullis.service", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{directory}/portcullis.service"


def has_systemd():
    """And cgroups version 2, which it needs."""
    with open("/proc/filesystems", encoding="ascii") as file:
        return os.path.exists("/lib/systemd/systemd") and "cgroup2" in file.read()


@pytest.mark.quiet  # a systemd at a time
@pytest.mark.skipif(not has_systemd(), reason="no systemd, or no cgroup2")
def test_the_unit_as_systemd_runs_it_where_there_is_one(world, portcullis):
    """Every restriction of the unit is in force, and with them the gate opens, opens again and shuts."""
    gate = portcullis()
    directory = f"{ROOT}/unit"
    shutil.rmtree(directory, ignore_errors=True)
    unit = filled_unit(directory, gate)
    with gate.host.inside():
        manager = subprocess.Popen([f"{TOP}/tests/e2e/systemd_unit.sh", unit, directory], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with world.wire("udp") as wire:
            gate.wait(gate="open", seconds=20)
            assert gets_inside(world)
            pid = gate.host.pids("portcullisd")[0]
            said = status_of(pid)
            assert int(said["CapBnd"], 16) & ~0x11eb == 0, said["CapBnd"]  # no ptrace, no sys_admin, no raw packets
            assert said["NoNewPrivs"] == "1" and said["Seccomp"] == "2"
            with open(f"/proc/{pid}/mountinfo", encoding="ascii") as file:
                mounts = {line.split()[4]: line.split()[5].split(",")[0] for line in file}
            assert (mounts["/"], mounts["/run"], mounts["/proc/sys"], mounts["/proc/sys/net"]) == ("ro", "rw", "ro", "rw"), mounts
            assert_confined(gate.openvpn())
            gate.kill_openvpn()
            gate.wait(gate="open")
            assert gets_inside(world)
            wire.assert_clean()
    finally:
        told = manager.communicate("", timeout=30)[0]
    assert "Result=success" in told, told
    assert gate.kernel_gate() == "locked"


# --- a restriction that can't be put in place

STEPS = [("landlock_create_ruleset", "-"), ("landlock_add_rule", "-"), ("landlock_restrict_self", "-"),
         ("capset", "-"), ("setgroups", "-"), ("setresgid", "-"), ("setresuid", "-"), ("prlimit64", "-"), ("prctl", "1"),
         ("prctl", "22"), ("prctl", "24"), ("prctl", "38"), ("prctl", "47")]


@needs_landlock
def test_no_step_of_the_confinement_may_fail_where_the_kernel_has_landlock(world, captured):
    """If a step of the confinement fails, openvpn is not executed: it never runs with more rights than intended."""
    inner = [f"{BUILD}/test/confined", str(OPENVPN_USER), str(GROUP), "udp", "1194", "-", captured, "try", "a socket for everybody",
             f"bus={ROOT}/tmp/bus"]
    bus = listening(f"{ROOT}/tmp/bus", 0o666)
    try:
        assert world.host.run(*inner, check=False).returncode == 0, "control"
        for call, first in STEPS:
            done = world.host.run(f"{BUILD}/test/deny_syscalls", call, str(errno.EPERM), first, *inner, check=False)
            told = "openvpn can't be confined: Operation not permitted\n"
            if call == "landlock_create_ruleset":
                assert done.returncode == 1 and "Landlock can't be queried" in done.stderr, done
            else:
                assert (done.returncode, done.stderr) == (126, told), (call, first, done)
    finally:
        bus.close()
        os.unlink(f"{ROOT}/tmp/bus")


@needs_landlock
def test_openvpn_that_can_t_be_confined_is_not_run_where_the_kernel_has_landlock(world, portcullis):
    gate = portcullis()
    gate.process = gate.host.popen(f"{BUILD}/test/deny_syscalls", "landlock_restrict_self", str(errno.EPERM), "-",
                                   f"{BUILD}/portcullisd", "-d", "-c", gate.file, stdout=gate.stderr, stderr=gate.stderr)
    with world.wire("udp") as wire:
        gate.wait(gate="dialling")
        wait_for(lambda: gate.log().count("openvpn can't be confined: Operation not permitted") > 1,
                 lambda: gate.told("refused twice"))
        assert gate.kernel_gate() in ("locked", "dialling") and not gate.openvpns()
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_a_kernel_without_landlock(world, portcullis):
    """The weaker confinement is logged, and is in force: no capability, and the list of system calls."""
    gate = portcullis()
    gate.process = gate.host.popen(f"{BUILD}/test/deny_syscalls", "landlock_create_ruleset", str(errno.ENOSYS), "-",
                                   f"{BUILD}/portcullisd", "-d", "-c", gate.file, stdout=gate.stderr, stderr=gate.stderr)
    gate.wait(gate="open")
    assert gate.log().count("the kernel has no Landlock") >= 1 and gets_inside(world)
    assert_confined(gate.openvpn())


def test_a_call_that_is_not_listed_is_told(world, portcullis, captured):  # pylint: disable=unused-argument
    """openvpn is killed: the attempt ends, and the log says why."""
    gate = portcullis(settings={"openvpn": f'{{ binary = "{captured}" arguments = {{"--captured", "last=chdir"}} }}'}).start()
    wait_for(lambda: "openvpn was killed for a system call that it may not make" in gate.log(), lambda: gate.told("why"))
    assert gate.kernel_gate() in ("locked", "dialling")


# --- off

def admin_request(path, verb):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(3)
        try:
            sock.connect(path)
            sock.sendall(struct.pack(ADMIN_REQUEST, WIRE_VERSION, verb, 0, 0))
            return sock.recv(1000)
        except OSError as problem:
            return problem.errno


def writes(path):
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write("x")
        return 0
    except OSError as problem:
        return problem.errno


def signals(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return 0
    except OSError as problem:
        return problem.errno


def commands(gate, *words):
    return subprocess.run([f"{gate.programs}/portcullis", "-s", gate.socket, *words], capture_output=True, check=False,
                          timeout=20).returncode


def nft(*words):
    return subprocess.run(["/usr/sbin/nft", *words], capture_output=True, check=False, timeout=20).returncode


@pytest.mark.parametrize("uid,gid", [(OPENVPN_USER, GROUP), (USER, USER), (65534, 65534)], ids=["openvpn", "driver", "nobody"])
def test_off_is_root_s_own_hand_s(world, portcullis, uid, gid):
    """`off` by the command, by the admin socket, by a marker, by the tables, by a signal: all refused to openvpn's
    user, as to anybody but root."""
    gate = portcullis().start_open()

    def do(function, *arguments):
        return gate.host.call(function, *arguments, uid=uid, gid=gid)
    assert do(commands, gate, "off") != 0 and do(commands, gate, "off", "--offline") != 0
    assert do(commands, gate, "pause", "1m") != 0 and do(commands, gate, "down") != 0
    assert do(admin_request, gate.admin_socket, 6) == errno.EACCES
    os.chmod(gate.admin_socket, 0o666)
    assert do(admin_request, gate.admin_socket, 6) in (b"", errno.ECONNRESET, errno.EPIPE)
    for marker in ("/run/portcullis/off", "/var/lib/portcullis/off", f"{gate.runtime}/off", f"{gate.state}/off"):
        os.makedirs(os.path.dirname(marker), exist_ok=True)
        assert do(writes, marker) == errno.EACCES, marker
    assert do(signals, gate.pid) == errno.EPERM
    assert do(nft, "delete", "table", "inet", "portcullis") != 0 and do(nft, "flush", "ruleset") != 0
    gate.wait(gate="open")
    assert gate.kernel_gate() == "open" and gets_inside(world)
    gate.ctl("off", check=True)
    gate.wait(gate="off")
