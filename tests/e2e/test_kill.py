"""SIGKILL to each program in each state of the tunnel, and at the fault points of a flip: nothing leaves in the clear,
and the VPN comes back.

The whole matrix is `--kill-rounds N` (make check-kill); without it a sample is taken by --kill-sample SEED."""
import contextlib
import os
import signal
import subprocess

from daemon import programs_with
from netns import wait_for, wait_gone
from test_attacks import Sender
from test_flow import blackhole, gets_inside
from world import INTERNET6, ROOT

VICTIMS = ("openvpn", "driver", "portcullisd")
# The tunnel's state, the server that keeps it there, and whether the gate opens by itself afterwards.
STATES = {
    "connecting": ("udp", True),
    "authenticating": ("slowtls", True),
    "connected": ("udp", True),
    "leaving": ("udp", False),
    "waiting": ("stranger", False),
    "down": ("udp", False),
    "stopped": ("password", False),
}
MATRIX = [(victim, state) for victim in VICTIMS for state in STATES
          if not (victim == "openvpn" and state in ("down", "waiting", "stopped"))]
MOMENTS = ("flip-before-send", "flip-after-send", "flip-before-readback", "locked", "driver-started", "dialling",
           "device-made", "spawned", "device-set", "routes-set", "reaped")
FAULTS = [(moment, n) for moment in MOMENTS[:3] for n in range(1, 9)] + [(moment, 1) for moment in MOMENTS[3:]]
SKIP = "host 203.0.113.10 and udp and not port 5301 and not port 5300"


def kill_matrix(cells):
    def mark(function):
        function.kill_matrix = cells
        return function
    return mark


class Storm:
    """Programs that send all the time, and a capture of what gets out."""

    def __init__(self, world, flood, server):
        self.world = world
        # Not at full speed: the tunnel must still be able to carry other traffic.
        self.sender = Sender(world, flood, "-6", INTERNET6, "-b", "eth0", "-r", "4000")
        self.wire = world.wire(server, skip=SKIP)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            attempts, _, _ = self.sender.stop()
            if kind is None:
                self.world.fence(self.wire)
                self.wire.assert_clean()
                assert attempts > 100, "nobody sent: this shows nothing"
        finally:
            self.wire.close()


def bring_to(world, gate, state):
    """Starts the daemon and returns when the tunnel is in `state`."""
    if state == "connecting":
        blackhole(world)
    if state == "stopped":
        gate.configure(credentials='{ username = "alice" password-file = "/nowhere" }')
    gate.start()
    if state == "leaving":
        gate.wait(gate="open")
        os.kill(gate.openvpn(), signal.SIGSTOP)  # it will not exit when it is asked to
        gate.ctl("down")
    if state == "down":
        gate.wait(gate="open")
        gate.ctl("down", "--wait", check=True)
    gate.wait(tunnel=state, seconds=20)


def strike(gate, victim):
    """Kills the victim. Returns the processes that have died."""
    with contextlib.suppress(AssertionError):  # openvpn may be gone at this very moment
        if victim == "portcullisd":
            gate.kill()
        else:
            pid = gate.openvpn() if victim == "openvpn" else gate.driver()
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid, f"the killed {victim}")


@kill_matrix(MATRIX)
def test_kill_in_every_state(world, portcullis, flood_program, cell):
    victim, state = cell
    server, opens = STATES[state]
    extra = {"stopped": ("auth-user-pass",)}.get(state, ())
    world.server(server)
    gate = portcullis(server, extra=extra)
    assert gate.run_daemon("-L").returncode == 0
    try:
        with Storm(world, flood_program, server):
            bring_to(world, gate, state)
            strike(gate, victim)
            gate.assert_loaded()
            if victim == "portcullisd":
                wait_for(lambda: not gate.openvpns(), lambda: gate.told("openvpn ended with its daemon"))
                gate.start()
            blackhole(world, False)
            if opens:
                gate.wait(gate="open", seconds=30)
                wait_for(lambda: gets_inside(world), lambda: gate.told("nothing gets through the tunnel"))
            else:
                gate.wait(tunnel={"waiting": {"waiting", "connecting", "authenticating"}, "leaving": "down"}.get(
                    state, state), seconds=20)
                assert gate.status()["gate"] != "open"
            if not opens and state in ("down", "leaving"):
                gate.ctl("up", check=True)
                gate.wait(gate="open")
    finally:
        blackhole(world, False)


@kill_matrix(FAULTS)
def test_kill_at_a_fault_point(world, portcullis, flood_program, faulty_daemon, cell):
    """portcullisd kills itself when it reaches this point for the Nth time; a daemon without faults takes over."""
    moment, n = cell
    programs = programs_with(f"{ROOT}/faulty", portcullisd=faulty_daemon)
    gate = portcullis(programs=programs, environment={"PORTCULLIS_FAULT": f"{moment}:{n}"})
    # The sender starts after the gate: before the first lock nothing is promised.
    assert gate.run_daemon_without_fault("-L").returncode == 0
    with Storm(world, flood_program, "udp"):
        gate.start()

        def provoke():
            """Gives the daemon reasons to flip until it has died."""
            if gate.process.poll() is not None:
                return True
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                if gate.kernel_gate() == "open" and gate.status()["gate"] == "open":
                    gate.ctl("reconnect", timeout=5)
            return gate.process.poll() is not None
        wait_for(provoke, lambda: gate.told(f"{moment} never came {n} times"), 20)
        assert gate.process.returncode == -signal.SIGKILL, gate.told()
        gate.assert_loaded()
        gate.environment.pop("PORTCULLIS_FAULT")
        gate.start().wait(gate="open")
        wait_for(lambda: gets_inside(world), lambda: gate.told("nothing gets through the tunnel"))


def test_faults_strike_before_the_first_lock(world, portcullis, faulty_daemon):
    """Killed in its very first flip: nothing half-built remains; the next start locks and opens."""
    programs = programs_with(f"{ROOT}/faulty", portcullisd=faulty_daemon)
    for moment in MOMENTS[:3]:
        world.fresh_host()
        gate = portcullis(programs=programs, environment={"PORTCULLIS_FAULT": f"{moment}:1"})
        gate.start()
        assert gate.process.wait(5) == -signal.SIGKILL, gate.told()
        assert gate.kernel_gate() in ("none", "locked")
        gate.environment.pop("PORTCULLIS_FAULT")
        with world.wire("udp") as wire:
            gate.start().wait(gate="open")
            wait_for(lambda: gets_inside(world), lambda: gate.told("nothing gets through the tunnel"))
            wire.assert_clean()


def test_kills_in_a_row(world, portcullis, flood_program):
    """openvpn is killed again and again, as soon as it is back, while a program sends."""
    gate = portcullis().start_open()
    with Storm(world, flood_program, "udp"):
        for _ in range(8):
            gate.kill_openvpn()
            gate.wait(gate="open", seconds=30)
        wait_for(lambda: gets_inside(world), lambda: gate.told("nothing gets through the tunnel"))
