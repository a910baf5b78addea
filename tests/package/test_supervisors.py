"""The examples for OpenRC, runit and s6: each starts the daemon, starts it again when it is killed, and leaves the
machine shut when it stops it. Programs send all the time."""
import os
import shutil
import signal

import pytest

from netns import wait_for
from packages import package
from supervisors import unpack_supervisor
from test_package import SENDER, gets_out, sender  # noqa: F401  pylint: disable=unused-import

EXAMPLES = "usr/share/doc/portcullis/examples"


class Runit:
    name = "runit"
    supervisor = "runsv"

    def lock(self, machine):
        shutil.copytree(machine.path(f"{EXAMPLES}/runit/portcullis"), machine.path("etc/sv/portcullis"))
        return machine.run("sh", f"/{EXAMPLES}/runit/00-portcullis.sh", check=False)

    def start(self, machine):
        machine.daemon = machine.popen("runsv", "/etc/sv/portcullis")
        wait_for(lambda: machine.run("sv", "check", "/etc/sv/portcullis", check=False).returncode == 0, "runsv")

    def stop(self, machine):
        machine.run("sv", "force-stop", "/etc/sv/portcullis")


class S6:
    name = "s6"
    supervisor = "s6-supervise"

    def lock(self, machine):
        shutil.copytree(machine.path(f"{EXAMPLES}/s6/portcullis"), machine.path("run/service/portcullis"))
        return machine.run("execlineb", "-P", f"/{EXAMPLES}/s6/portcullis-lock/up", check=False)

    def start(self, machine):
        machine.daemon = machine.popen("s6-supervise", "/run/service/portcullis")
        wait_for(lambda: "true" in machine.run("s6-svstat", "-o", "up", "/run/service/portcullis", check=False).stdout, "s6")

    def stop(self, machine):
        machine.run("s6-svc", "-wD", "-T", "10000", "-d", "/run/service/portcullis")


class OpenRc:
    name = "openrc"
    supervisor = "supervise-daemon"

    def lock(self, machine):
        for each in ("portcullis-lock", "portcullis"):
            shutil.copy(machine.path(f"{EXAMPLES}/openrc/{each}"), machine.path(f"etc/init.d/{each}"))
        # As the first stage of a boot leaves it.
        for each in ("starting", "started", "stopping", "inactive", "wasinactive", "failed", "hotplugged", "daemons", "options",
                     "exclusive", "scheduled", "init.d", "tmp"):
            os.makedirs(machine.path(f"run/openrc/{each}"))
        machine.write("run/openrc/softlevel", "default\n")
        machine.run("rc-update", "add", "portcullis-lock", "boot")
        machine.run("rc-update", "add", "portcullis", "default")
        return machine.run("rc-service", "portcullis-lock", "start", check=False)

    def start(self, machine):
        machine.run("rc-service", "portcullis", "start")

    def stop(self, machine):
        machine.run("rc-service", "portcullis", "stop")


@pytest.fixture(params=[OpenRc, Runit, S6], ids=lambda each: each.name)
def init(request, machine):
    if not unpack_supervisor(request.param.name, machine.tree):
        pytest.skip(f"{request.param.name} was never fetched from Debian's archive")
    machine.install(package("old"))
    machine.enable()
    return request.param()


def daemon(machine):
    """The daemon that runs now."""
    found = machine.host.pids("portcullisd")
    return found[0] if len(found) == 1 else 0


def test_kept_running_and_shut(machine, world, sender, init):  # noqa: F811
    with world.wire("udp") as wire:
        wait_for(lambda: wire.seen(b"ALWAYS"), "the sender on the wire, while nothing is protected")
    done = init.lock(machine)
    assert done.returncode == 0, done
    assert "table inet portcullis" in machine.rules()
    with world.wire("udp") as wire:
        init.start(machine)
        machine.wait(gate="open")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            before = wait_for(lambda: daemon(machine), "one daemon")
            os.kill(before, number)
            wait_for(lambda before=before: daemon(machine) not in (0, before), f"{init.name} starts it again", 20)
            machine.wait(gate="open")
        init.stop(machine)
        wait_for(lambda: not world.host.pids("portcullisd", "portcullis-driver", "openvpn"), "everything ended")
        assert "table inet portcullis" in machine.rules() and sender.poll() is None
        assert not gets_out(world, wire)
        world.fence(wire)
        wire.assert_clean()


def test_off_stays_off(machine, world, init):
    """The supervisor starts the daemon again and again, and the gate stays `off`."""
    assert init.lock(machine).returncode == 0
    init.start(machine)
    machine.wait(gate="open")
    machine.run("portcullis", "off", "--offline")
    machine.wait(gate="off")
    os.kill(wait_for(lambda: daemon(machine), "one daemon"), signal.SIGKILL)
    machine.wait(gate="off", seconds=20)
    with world.wire("udp") as wire:
        assert machine.rules() == "" and gets_out(world, wire)


def test_lock_with_a_broken_configuration(machine, world, init):
    """The lock says what is wrong, and shuts the machine nevertheless."""
    machine.write("etc/portcullis/portcullis.conf", "profile = \n")
    with world.wire("udp") as wire:
        assert gets_out(world, wire, b"BEFORE")
    done = init.lock(machine)
    assert "portcullis.conf:" in done.stdout + done.stderr, done
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        wire.assert_clean()
