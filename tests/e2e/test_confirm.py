"""enable --confirm under a real systemd: taken back in time whoever is killed or hangs, confirmed in time, and a reboot
in between; each judged by what gets out on the wire."""
import os
import shutil
import signal
import subprocess

import pytest

from daemon import BUILD, TOP
from netns import wait_for
from test_flow import gets_inside, gets_out
from world import ROOT

pytestmark = pytest.mark.quiet  # two systemds at once would share a control group
SECONDS = 10  # the shortest time to confirm in
_count = 0


class Machine:
    """Portcullis as `make install` leaves it, on a machine with a systemd of its own."""

    def __init__(self, world):
        global _count  # pylint: disable=global-statement
        _count += 1
        self.world = world
        self.folder = f"{ROOT}/machine{_count}"
        install = f"{self.folder}/install"
        os.makedirs(f"{install}/etc/portcullis", 0o755)
        subprocess.run(["make", "-s", "-C", TOP, f"BUILD={BUILD}", f"DESTDIR={install}", "install-data"], check=True,
                       capture_output=True, timeout=60)
        for name, place in (("portcullisd", "sbin"), ("portcullis", "bin"), ("portcullis-driver", "libexec")):
            os.makedirs(f"{install}/usr/local/{place}", exist_ok=True)
            shutil.copy2(f"{BUILD}/{name}", f"{install}/usr/local/{place}/{name}")
        self.conf = 'dns { manage = false }\nlog { level = "debug" }\n'
        with open(f"{install}/etc/portcullis/portcullis.conf", "w", encoding="ascii") as file:
            file.write(self.conf)
        self.profile = f"{self.folder}/home.ovpn"
        with open(self.profile, "w", encoding="ascii") as file:
            file.write(world.profile("udp"))
        self.process = world.host.popen(f"{TOP}/tests/e2e/systemd_machine.sh", self.folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=open(f"{self.folder}/stderr", "w", encoding="utf-8"),
                                        text=True)
        self.first = None
        self.wait_up()

    def wait_up(self):
        line = self.process.stdout.readline()
        with open(f"{self.folder}/stderr", encoding="utf-8") as file:
            assert line, file.read()
        self.first = line.strip()
        wait_for(lambda: self.run("systemctl", "is-system-running").stdout.strip() in
                 ("running", "degraded", "starting", "initializing"),
                 lambda: self.run("systemctl", "is-system-running"))

    def reboot(self):
        """The kernel's rules do not survive one."""
        self.process.stdin.write("reboot\n")
        self.process.stdin.flush()
        self.wait_up()

    def words(self, *words):
        return ("nsenter", "--target", self.first, "--pid", "--mount", *words)

    def run(self, *words, timeout=60):
        return self.world.host.run(*self.words(*words), check=False, timeout=timeout)

    def enable(self, *more):
        return self.run("portcullis", "enable", *more, self.profile)

    def read(self, path):
        return self.run("cat", path).stdout

    def told(self):
        return (self.run("systemctl", "list-units", "--all", "portcullis*").stdout
                + self.read("/var/log/portcullis/portcullis.log")[-3000:])

    def wait_taken_back(self, seconds):
        """Open again, nothing is started at boot, and the configuration is what it was."""
        def is_back():
            return "portcullis" not in self.world.host.run("nft", "list", "tables").stdout
        wait_for(is_back, self.told, seconds)
        wait_for(lambda: not os.path.exists("/var/lib/portcullis/unconfirmed.taken"), self.told, 20)
        assert self.read("/etc/portcullis/portcullis.conf") == self.conf
        for unit in ("portcullis", "portcullis-lock", "portcullis-unconfirmed"):
            assert self.run("systemctl", "is-enabled", f"{unit}.service").stdout.strip() == "disabled"
        assert self.run("systemctl", "is-active", "portcullis.service").stdout.strip() != "active"
        with self.world.wire("udp") as wire:
            assert gets_out(self.world, wire), "as before"

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(name="machine")
def fixture_machine(world):
    made = []

    def make():
        for name in ("/var/lib/portcullis", "/var/log/portcullis"):
            shutil.rmtree(name, ignore_errors=True)
        made.append(Machine(world))
        return made[-1]
    yield make
    for each in made:
        each.end()


def assert_shut(world):
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        wire.assert_clean()


def taken_back(world, machine, harm):
    if harm == "shell killed":
        # The tunnel can't come up, so it would wait; it is killed as a session is that has lost its network.
        world.stop_server("udp")
        shell = world.host.popen(*machine.words("portcullis", "enable", f"--confirm={SECONDS}s", machine.profile),
                                 stdout=subprocess.PIPE, text=True)
        for line in shell.stdout:
            if "taken back at" in line:
                break
        shell.kill()
        shell.wait()
        world.server("udp")
    else:
        done = machine.enable(f"--confirm={SECONDS}s")
        assert done.returncode == 0 and "taken back at" in done.stdout, done
        assert "NOT CONFIRMED" in machine.run("portcullis", "status").stdout
    assert_shut(world)
    for pid in world.host.pids("portcullisd"):
        if harm.startswith("daemon"):
            os.kill(pid, signal.SIGSTOP if harm == "daemon stopped" else signal.SIGKILL)
    assert_shut(world)
    machine.wait_taken_back(SECONDS + 10)
    late = machine.run("portcullis", "confirm")
    assert late.returncode == 1 and "nothing waits" in late.stderr


def test_taken_back_in_time(world, machine, sampled):
    for harm in sampled(["nothing", "daemon stopped", "daemon killed", "shell killed"], 1):
        it = machine()
        taken_back(world, it, harm)


def refuse_over_the_network(world, machine):
    """Nothing is locked, by ssh's own word and without it (as behind sudo), and the command that would work is told."""
    for words in (("env", "SSH_CONNECTION=192.0.2.1 50022 192.168.50.2 22", "portcullis"),
                  ("sh", "-c", 'cp /bin/sh /tmp/sshd && exec /tmp/sshd -c "portcullis \\"\\$@\\"; exit \\$?" sh "$@"', "sh")):
        done = machine.run(*words, "enable", machine.profile)
        assert done.returncode == 1, done
        assert f"portcullis enable --confirm 2m {machine.profile}" in done.stderr and "locking" not in done.stdout, done
    assert "portcullis" not in world.host.run("nft", "list", "tables").stdout
    with world.wire("udp") as wire:
        assert gets_out(world, wire), "the machine is as it was"


def test_confirmed_in_time(world, machine):
    """It stays: over the time, and over a reboot."""
    machine = machine()
    refuse_over_the_network(world, machine)
    assert machine.enable(f"--confirm={SECONDS}s").returncode == 0
    assert machine.run("portcullis", "confirm").returncode == 0
    listed = machine.run("systemctl", "list-units", "--all", "portcullis-unconfirmed*").stdout
    assert "portcullis-unconfirmed.timer" not in listed, listed
    assert "NOT CONFIRMED" not in machine.run("portcullis", "status").stdout
    machine.reboot()
    wait_for(lambda: machine.run("portcullis", "status").returncode == 0, machine.told, 20)
    assert gets_inside(world)
    assert_shut(world)
    assert machine.run("systemctl", "is-active", "portcullis-unconfirmed.service").stdout.strip() == "inactive"


def test_a_reboot_takes_it_back(world, machine):
    """Long before the time is over: nobody has confirmed, so the next boot takes it back."""
    machine = machine()
    done = machine.run("env", "SSH_CONNECTION=192.0.2.1 50022 192.168.50.2 22", "portcullis", "enable", "--confirm=1h",
                       machine.profile)
    assert done.returncode == 0, done
    assert_shut(world)
    machine.reboot()
    machine.wait_taken_back(30)
