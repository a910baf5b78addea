"""The machine sleeps and wakes: what systemd runs before and after it, in the order of the unit."""
import os
import re
import signal

import pytest

from daemon import TOP
from test_flow import gets_inside, gets_out


def run_unit(gate, key):
    """The unit's lines of that key, with this installation's programs and files. True if all that count succeed."""
    with open(f"{TOP}/init/systemd/portcullis-sleep.service.in", encoding="ascii") as file:
        lines = re.findall(rf"^{key}=(-?)@PREFIX@/s?bin/(\S+)(.*)$", file.read(), re.M)
    assert lines, key
    for may_fail, program, rest in lines:
        words = rest.replace("@SYSCONFDIR@/portcullis/portcullis.conf", gate.file).split()
        place = ["-s", gate.socket] if program == "portcullis" else []
        done = gate.host.run(f"{gate.programs}/{program}", *place, *words, check=False, timeout=10, env=gate.environment)
        if done.returncode != 0 and not may_fail:
            return False
    return True


def test_an_open_tunnel_sleeps_and_wakes_as_it_was(world, portcullis):
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        openvpn = gate.openvpn()
        assert run_unit(gate, "ExecStart") and run_unit(gate, "ExecStop")
        gate.assert_loaded()
        assert gate.openvpn() == openvpn and gate.status()["gate"] == "open"
        assert gets_inside(world)
        wire.assert_clean()


def test_a_pause_ends_before_the_machine_sleeps(world, portcullis):
    """When the unit is done, and the machine may sleep, nothing passes any more."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        gate.ctl("pause", "1h", check=True)
        gate.wait(gate="paused")
        assert gets_out(world, wire), "control"
        assert run_unit(gate, "ExecStart")
        assert gate.kernel_gate() != "none"
        assert gate.status()["gate"] != "paused"
        with world.wire("udp") as asleep:
            assert not gets_out(world, asleep)
            gate.wait(gate="open")
            asleep.assert_clean()


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_the_lock_without_a_daemon_that_answers(world, portcullis, how):
    """Where the daemon is dead, what somebody took away is put back; when the machine has woken, again. What a daemon
    that hangs holds, the kernel lets nobody take away."""
    gate = portcullis().start_open()
    if how == "killed":
        gate.kill()
    else:
        os.kill(gate.pid, signal.SIGSTOP)
    for key in ("ExecStart", "ExecStop"):
        if how == "killed":
            world.host.without_walls()
            with world.wire("udp") as wire:
                assert gets_out(world, wire), "control"
        run_unit(gate, key)
        gate.assert_loaded()
        with world.wire("udp") as wire:
            assert not gets_out(world, wire)
            wire.assert_clean()
    if how == "stopped":
        os.kill(gate.pid, signal.SIGCONT)
        gate.wait(gate="open")


def test_a_gate_that_is_off_stays_off(world, portcullis):
    gate = portcullis().start_open()
    gate.ctl("off", check=True)
    gate.wait(gate="off")
    assert run_unit(gate, "ExecStart") and run_unit(gate, "ExecStop")
    assert gate.status()["gate"] == "off" and gate.kernel_gate() == "none"
