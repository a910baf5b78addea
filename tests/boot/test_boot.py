"""A Debian machine from power-on to power-off, by what its network card sends; the same one without Portcullis first."""
import contextlib
import os
import time

import pytest

from image import make_image
from machine import LOGIN, Machine
from netns import wait_for
from tape import PHASES, table, tried

ENOUGH = 20  # frames of a phase that make it seen
CALLER = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "test", "boot_caller")


@pytest.fixture(scope="module")
def without(directory):
    """The image without Portcullis."""
    return make_image(f"{directory}/without", CALLER)


@pytest.fixture(scope="module")
def guarded(directory, street):
    """The same image with it."""
    return make_image(f"{directory}/guarded", CALLER, street.profile())


@contextlib.contextmanager
def captured(street, image, **more):
    """(machine, tape): captured from before the power is on until the process has ended."""
    tape = street.tape()
    begun = time.time()
    machine = Machine(street.ns, image, more.pop("disk", None) or image.copy(), directory=street.directory, **more)
    try:
        with machine:
            yield machine, tape
    finally:
        keep_console(machine)
    ended = time.time()
    tape.stop()
    assert begun <= machine.on and machine.off <= ended
    assert all(machine.on < when < machine.off for when, _, _ in tape.frames), "frames outside of the machine's life"


def keep_console(machine):
    """For whoever reads a failure: what the machine said, with seconds since power-on."""
    logs = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "check")
    os.makedirs(logs, exist_ok=True)
    with open(f"{logs}/boot-console.log", "w", encoding="utf-8") as file:
        file.write(machine.console())


def assert_shut(tape, machine):
    clear = tape.clear()
    told = "\n  ".join(f"{when - machine.on:7.2f} {frame}" for when, frame in clear[:12])
    assert not clear, f"{len(clear)} frames left in clear:\n  {told}\n{table(tried(clear))}\n{machine.console()[-3000:]}"


def log_in(machine, after):
    """A person at the console; the time of the shell's answer."""
    machine.type("alice\n")
    machine.wait_said("Password:", after, 60)
    machine.type("opensesame\n")
    time_of_motd = machine.wait_said("alice@guarded", after, 60)
    machine.type("echo in-$((40+2))\n")
    machine.wait_said("in-42", time_of_motd - 1, 60)
    machine.type("exit\n")


def test_without_portcullis(street, without, accelerator, record_property):
    """The control: each phase is seen in clear, from the initrd to the shutdown."""
    with captured(street, without, accelerator=accelerator) as (machine, tape):
        machine.wait_hand()
        machine.wait_said(LOGIN)
        machine.wait_true("systemctl is-active boot-late.service", "the late caller runs")
        begun = time.time()
        machine.start("systemctl reboot")
        machine.wait_said("calling-out: the initrd ends", begun)
        machine.wait_hand()
        machine.wait_said(LOGIN, begun)
        machine.wait_true("systemctl is-active boot-late.service", "the late caller runs again")
        machine.start("systemctl poweroff")
        machine.wait_off()
    counter = tried(tape.clear())
    print(f"\nwithout Portcullis, frames in clear:\n{table(counter)}")
    record_property("tried", table(counter))
    for phase in PHASES:
        seen = sum(count for (of, _), count in counter.items() if of == phase)
        assert seen >= ENOUGH, f"{phase}: {seen} frames"
    first = min(when for when, frame in tape.clear())
    assert first < machine.said("calling-out: the initrd ends"), "nothing left the initrd"


def test_with_portcullis(street, guarded, accelerator):
    """The same machine with it: shut or in the VPN, from first to last."""
    with captured(street, guarded, accelerator=accelerator) as (machine, tape):
        machine.wait_hand()
        prompt = machine.wait_said(LOGIN)
        machine.wait_true("portcullis status", "the gate is open")
        print(machine.run("portcullis status --json; systemctl status portcullis.service portcullis-lock.service; systemd-analyze critical-chain multi-user.target; journalctl -b -o short-monotonic -u portcullis -u portcullis-lock | tail -40", check=False)[1])
        print("prompt", prompt - machine.on, "connected", [t - machine.on for t in street.connections(machine.on)])
        machine.start("systemctl poweroff")
        machine.wait_off()
    print(tape.counts())
    assert_shut(tape, machine)
