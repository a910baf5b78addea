"""Flips under a flood: the gate changes state while programs send as fast as the machine can; nothing leaves in the
clear."""
import subprocess
import time

import pytest

from daemon import BUILD
from netns import wait_for
from test_attacks import FLOOD, Sender, add_machine
from test_flow import gets_inside
from world import INTERNET6, ROOT, SERVER4

pytestmark = pytest.mark.quiet


@pytest.fixture(scope="session")
def firewall_tool():
    """The firewall port as a program that takes commands (nft_console.c)."""
    return f"{BUILD}/test/nft_console"


class Firewall:
    def __init__(self, world, program):
        self.process = world.host.popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)
        assert self.process.stdout.readline() == "ok\n"

    def do(self, *lines):
        for line in lines:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            assert answer.rstrip().endswith("ok"), f"{line}: {answer}"


class Flood:
    """Senders of every kind: connected, unconnected, bound to the interface, IPv6, and forwarded from a machine behind
    this one."""

    def __init__(self, world, program):
        self.machine = add_machine(world)
        world.host.ip("address add 192.168.77.1/24 dev vm0")
        world.host.sysctl("net.ipv4.ip_forward=1")
        self.machine.ip("route add default via 192.168.77.1")
        self.began = time.monotonic()
        self.own = Sender(world, program, "-6", INTERNET6, "-b", "eth0")
        self.forwarded = self.machine.popen(program, stdout=subprocess.PIPE, text=True)
        assert self.forwarded.stdout.readline() == "ready\n"

    def stop(self):
        """Packets a second, of both kinds."""
        own, _, took = self.own.stop()
        self.forwarded.terminate()
        forwarded = int(self.forwarded.stdout.readline().split()[0])
        self.forwarded.wait(5)
        assert forwarded > 1000, "nothing was forwarded"
        return (own + forwarded) * 1e6 / took


def make_tunnel(world):
    """A real tunnel device that discards what it gets, with openvpn's routes."""
    world.host.ip("tuntap add dev tun0 mode tun", "address add 10.8.0.2/24 dev tun0", "link set tun0 up",
                  f"route add {SERVER4}/32 via 192.168.50.1", "route add 0.0.0.0/1 dev tun0",
                  "route add 128.0.0.0/1 dev tun0")


def test_thousand_flips_under_a_flood(world, firewall_tool, flood_program, request):
    flips = request.config.getoption("flips")
    make_tunnel(world)
    fw = Firewall(world, firewall_tool)
    fw.do("links eth0 vm0", "neighbours 2001:db8:50::/64", f"endpoint {SERVER4}:1194/udp", "state locked", "assert")
    states = ("locked", "dialling", "open", "dialling", "open", "locked")
    tunnel = "tunnel tun0 10.8.0.2 10.8.0.0/24"
    with world.wire() as wire:
        flood = Flood(world, flood_program)
        done, end = 0, time.monotonic() + 3.0
        while done < flips or time.monotonic() < end:
            state = states[done % len(states)]
            fw.do("tunnel none" if state == "locked" else tunnel, f"state {state}", "assert")
            done += 1
        rate = flood.stop()
        world.fence(wire)
        wire.assert_clean()
        assert done >= flips and rate > 50_000, f"{done} flips, {rate:.0f} packets a second"


def test_the_flood_finds_a_bad_flip(world, firewall_tool, flood_program):
    """The control: if the same rules are flushed first and then loaded as text, they leak under the same flood."""
    make_tunnel(world)
    fw = Firewall(world, firewall_tool)
    text = f"{ROOT}/rules.nft"
    fw.do("links eth0 vm0", "neighbours 2001:db8:50::/64", f"print {text}")
    fw.process.kill()
    world.host.run("nft", "-f", text)
    with world.wire() as wire:
        flood = Flood(world, flood_program)

        def leaked():
            world.host.run("nft", "flush", "ruleset")
            world.host.run("nft", "-f", text)
            return [f for f in wire.drain().clear if FLOOD in f.raw]
        wait_for(leaked, "a leak of the flush-then-load flip")
        flood.stop()


def test_real_flips_under_a_flood(world, portcullis, flood_program):
    """Thirty times from open to shut and back, end to end: by reconnect, by a kill, by down and up."""
    gate = portcullis().start_open()
    with world.wire("udp", skip=f"host {SERVER4} and udp port 1194") as wire:
        flood = Flood(world, flood_program)
        for n in range(30):
            if n % 3 == 0:
                gate.kill_openvpn()
            elif n % 3 == 1:
                gate.ctl("reconnect", "--wait", check=True)
            else:
                gate.ctl("down", "--wait", check=True)
                gate.ctl("up", check=True)
            gate.wait(gate="open", seconds=30)
        flood.stop()
        world.fence(wire)
        wire.assert_clean()
        gate.wait(gate="open")
        assert gets_inside(world)
