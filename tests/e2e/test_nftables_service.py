"""nftables.service with our drop-in: its rules come and go, and there is no moment without the lock."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from daemon import BUILD, GROUP, TOP, USER
from netns import wait_for
from test_attacks import FLOOD, Sender, strip_handles
from test_flow import gets_inside, gets_out
from test_unowned_tables import unowned, without_flags
from world import ROOT

RATE, ROUNDS = 5000, 8
# Debian's own file, and one more table.
OWNERS = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain output {
		type filter hook output priority filter;
	}
}
table ip other {
}
"""
PLAIN = {"load": ["/usr/sbin/nft", "-f", "/etc/nftables.conf"], "stop": ["/usr/sbin/nft", "flush", "ruleset"]}
# Frames that bypass all protocols: only the chains at egress see them.
FRAMES = """
import select, socket
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(("eth0", 0))
print("ready", flush=True)
while True:
    try:
        sock.send(b"\\xff" * 6 + b"\\x02" * 6 + b"\\x88\\xb5" + b"PORTCULLIS-FLOOD" * 4)
    except OSError:
        pass
    select.select([], [], [], 0.0005)
"""


class Service:
    """What `make install` installs, and the unit's commands as the drop-in changes them."""

    def __init__(self, host):
        self.host, self.root = host, pathlib.Path(f"{ROOT}/nftables")
        prefix = self.root / "p"
        subprocess.run(["make", "-s", "install-data", f"BUILD={self.root}/build", "DESTDIR=", f"PREFIX={prefix}",
                        f"SYSCONFDIR={self.root}/e"], cwd=TOP, check=True, capture_output=True)
        for place, name in (("sbin", "portcullisd"), ("bin", "portcullis")):
            (prefix / place).mkdir()
            shutil.copy2(f"{BUILD}/{name}", prefix / place)
        (self.root / "e/portcullis/portcullis.conf").write_text(
            f'backend = "nft"\nuser = "{USER}"\nopenvpn-user = 64002\nopenvpn-group = "{GROUP}"\nlan = true\n')
        drop_in = (prefix / "lib/systemd/system/nftables.service.d/portcullis.conf").read_text()
        self.commands = {verb: re.search(rf"(?m)^Exec{verb}=\nExec{verb}=(\S.*)$", drop_in).group(1).split()
                         for verb in ("Start", "Reload", "Stop")}
        self.daemon = prefix / "sbin/portcullisd"
        shutil.copytree("/etc", self.root / "etc", symlinks=True)
        subprocess.run(["mount", "--bind", self.root / "etc", "/etc"], check=True)
        self.link = pathlib.Path("/etc/systemd/system/sysinit.target.wants/portcullis-lock.service")
        self.owners(OWNERS)

    def owners(self, text):
        pathlib.Path("/etc/nftables.conf").write_text(text)

    def enable(self):
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.symlink_to("/nowhere")
        return self

    def beside(self, gate):
        """From now on -L has the configuration of this daemon, which it recognizes by the lockfile, and is the same
        program."""
        self.daemon.unlink()
        self.daemon.symlink_to(f"{gate.programs}/portcullisd")
        with open(self.root / "e/portcullis/portcullis.conf", "a", encoding="utf-8") as file:
            file.write(f'runtime-dir = "{gate.runtime}"\n')

    def run(self, verb, check=True):
        return self.host.run(*self.commands[verb], check=check)

    def lock(self):
        self.host.run(self.daemon, "-L", "-c", self.root / "e/portcullis/portcullis.conf")
        return strip_handles(self.ours())

    def tables(self):
        """The names of all tables. The transition tables may not exist for longer than a load takes."""
        return set(self.host.run("nft", "list", "tables").stdout.split("table ")[1:])

    def ours(self):
        return "".join(self.host.run("nft", "list", "table", *name.split()).stdout for name in sorted(self.tables())
                       if name.strip().endswith(" portcullis"))

    def end(self):
        subprocess.run(["umount", "/etc"], check=True)
        for path in ("/run/portcullis/off", "/var/lib/portcullis/off"):
            pathlib.Path(path).unlink(missing_ok=True)
        shutil.rmtree(self.root)


@pytest.fixture
def service(world):
    made = Service(world.host)
    yield made
    made.end()


OURS, THEIRS = {"inet portcullis\n", "netdev portcullis\n"}, {"inet filter\n", "ip other\n"}
TRANSITION = {"inet portcullis_transition\n", "netdev portcullis_transition\n"}


class Flood:
    """Programs that send all the time, through ordinary sockets and as raw frames that bypass all protocols."""

    def __init__(self, world, program):
        self.world = world
        self.sender = Sender(world, program, "-b", "eth0", "-r", str(RATE))
        self.frames = world.host.popen(sys.executable, "-c", FRAMES, stdout=subprocess.PIPE, text=True)
        assert self.frames.stdout.readline() == "ready\n"

    def left(self, wire):
        self.world.fence(wire)
        return len(wire.seen(FLOOD))

    def stop(self):
        self.frames.kill()
        self.frames.wait()
        self.frames.stdout.close()
        return self.sender.stop()


@pytest.fixture
def flood(world, flood_program):
    made = []

    def make():
        made.append(Flood(world, flood_program))
        return made[-1]
    yield make
    for each in made:
        each.stop()


@pytest.mark.parametrize("how", PLAIN)
def test_without_the_drop_in_it_opens(world, service, flood, how):
    """The control: without the drop-in, the system's own unit removes the lock."""
    service.lock()
    sending = flood()
    with world.wire("udp") as wire:
        assert sending.left(wire) == 0
        world.host.run(*PLAIN[how])
        world.host.without_link_filters()
        wait_for(lambda: len(wire.seen(FLOOD)) > 100, "what the senders get out")
    assert service.tables().isdisjoint(OURS)


def test_no_moment_without_the_lock(world, service, flood):
    locked = service.lock()
    service.enable()
    sending = flood()
    with world.wire("udp") as wire:
        for _ in range(ROUNDS):
            for verb in ("Start", "Reload"):
                service.run(verb)
                assert service.tables() == OURS | THEIRS
            assert strip_handles(service.ours()) == locked and "fc00::/7" in locked
            service.run("Stop")
            assert service.tables() == OURS and strip_handles(service.ours()) == locked
        assert sending.left(wire) == 0
        wire.assert_clean()


def test_it_locks_what_nothing_has_locked(world, service):
    """The unit starts before the lock's own unit."""
    locked = service.lock()
    world.host.run("nft", "flush", "ruleset")
    service.enable().run("Start")
    assert service.tables() == OURS | THEIRS and strip_handles(service.ours()) == locked


def test_nothing_changes_while_it_is_not_enabled(world, service):
    """If Portcullis is not enabled, the unit does what it does without us: it flushes even a lock that was loaded
    manually."""
    for verb, plain in (("Start", "load"), ("Reload", "load"), ("Stop", "stop")):
        world.host.run(*PLAIN[plain])
        wanted = world.host.run("nft", "list", "ruleset").stdout
        service.lock()
        service.run(verb)
        assert world.host.run("nft", "list", "ruleset").stdout == wanted
    world.host.without_link_filters()  # the only part of the lock that is left
    with world.wire("udp") as wire:
        assert gets_out(world, wire)


def test_off_is_off(world, service):
    service.lock()
    service.enable()
    world.host.run(service.root / "p/bin/portcullis", "off", "--offline")
    for verb in ("Start", "Reload"):
        service.run(verb)
        assert service.tables() == THEIRS
    service.run("Stop")
    assert service.tables() == set()
    with world.wire("udp") as wire:
        assert gets_out(world, wire)


@pytest.mark.parametrize("text", ["flush ruleset\ntable inet filter {\n", None], ids=["wrong", "missing"])
def test_a_file_that_does_not_load(world, service, text):
    """The lock and the file are loaded together or not at all: the lock stays as it was, and the unit fails as it does
    without us."""
    locked = service.lock()
    service.enable()
    if text is None:
        os.unlink("/etc/nftables.conf")
    else:
        service.owners(text)
    assert service.run("Start", check=False).returncode != 0
    assert service.tables() == OURS and strip_handles(service.ours()) == locked
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)


def instead_of_the_daemon(service, *words):
    """Puts in a portcullisd that changes nothing, and prints one of these words at each call, with the exit code that
    belongs to it."""
    said = service.root / "said"
    said.write_text("".join(f"{each}\n" for each in words))
    service.daemon.rename(service.root / "daemon")
    service.daemon.write_text(f"#!/bin/sh\nsaid=$(head -n 1 {said})\nsed -i 1d {said}\necho \"$said\"\n"
                              '[ "$said" != "no memory" ]\n')
    service.daemon.chmod(0o755)


def test_a_lock_that_fails_leaves_it_shut(world, service):
    """If the lock can't be put back, the transition tables are the lock until the next load; a stop leaves them."""
    locked = service.lock()
    service.enable()
    instead_of_the_daemon(service, *["no memory"] * 5)
    done = service.run("Start")
    assert "shut by the tables portcullis_transition; instead: " in done.stderr
    assert service.tables() == THEIRS | TRANSITION
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        service.run("Stop")
        assert service.tables() == TRANSITION
        assert not gets_out(world, wire)
    (service.root / "daemon").rename(service.daemon)
    service.run("Reload")
    assert service.tables() == OURS | THEIRS and strip_handles(service.ours()) == locked


def test_transition_tables_of_the_version_before(world, service):
    """The previous version's transition tables had another name. A stop leaves them, because they may be the lock; the
    next load removes them, even if the owner's file flushes nothing."""
    locked = service.lock()
    service.enable()
    service.owners("table ip other {\n}\n")
    for family in ("inet", "netdev"):
        world.host.run("nft", "add", "table", family, "portcullis_meanwhile")
    service.run("Stop")
    assert service.tables() == OURS | {"inet portcullis_meanwhile\n", "netdev portcullis_meanwhile\n"}
    service.run("Reload")
    assert service.tables() == OURS | {"ip other\n"} and strip_handles(service.ours()) == locked


def test_off_that_comes_meanwhile_is_off(world, service):
    service.enable()
    instead_of_the_daemon(service, "locked and verified", "off, by the marker; instead: portcullis up")
    service.run("Start")
    assert service.tables() == THEIRS
    with world.wire("udp") as wire:
        assert gets_out(world, wire)


def test_where_the_file_is_another(service):
    os.unlink("/etc/nftables.conf")
    os.makedirs("/etc/sysconfig", exist_ok=True)
    pathlib.Path("/etc/sysconfig/nftables.conf").write_text(OWNERS.replace("flush ruleset\n", ""))
    service.host.run("nft", "add", "table", "inet", "older")
    service.run("Start")
    assert service.tables() == THEIRS
    service.enable().run("Reload")
    assert service.tables() == OURS | THEIRS


def test_a_link_that_takes_no_chain(world, service):
    """A link takes no further chain (the kernel's limit is 64): the load continues, and the lock is in force."""
    world.host.ip(*(f"link add many{i} type veth peer name other{i}" for i in range(35)))
    service.enable().run("Start")
    assert service.tables() == OURS | THEIRS


def test_beside_a_live_daemon(world, service, portcullis, flood):
    gate = portcullis("udp").start_open()
    before = strip_handles(service.ours())
    service.enable().beside(gate)
    sending = flood()
    with world.wire("udp") as wire:
        for verb in ("Start", "Reload", "Stop"):
            service.run(verb)
            assert service.tables() == (OURS if verb == "Stop" else OURS | THEIRS)
        assert sending.left(wire) == 0
        wire.assert_clean()
    assert strip_handles(service.ours()) == before and gate.kernel_gate() == "open"
    gate.wait(gate="open")
    assert gets_inside(world)


def test_beside_a_live_daemon_that_owns_nothing(world, service, portcullis, flood):
    """As on a kernel before 6.9: an open gate is shut for a moment, and the daemon opens it again."""
    gate = unowned(world, portcullis())
    before = without_flags(gate.rules())
    service.enable().beside(gate)
    sending = flood()
    with world.wire("udp") as wire:
        service.run("Reload")
        wait_for(lambda: set(before) <= set(without_flags(gate.rules())), lambda: gate.told(gate.rules()), 5)
        assert THEIRS <= service.tables()
        assert sending.left(wire) == 0
        wire.assert_clean()
    gate.wait(gate="open")
    assert gate.kernel_gate() == "open" and gets_inside(world)
