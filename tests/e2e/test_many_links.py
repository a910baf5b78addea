"""Hundreds of links come and go: this costs the gate little, does not delay a flip, and all links are shut."""
import socket
import subprocess
import time

import pytest

from netns import wait_for
from test_flow import gets_inside

pytestmark = pytest.mark.quiet
LINKS, LIMIT = 500, 0.2  # seconds of processor time for the gate when all links come, and again when all go
PAIRS = range(LINKS // 2)
LAST = f"t{LINKS // 2 - 1}"


def processor(gate):
    """Seconds of processor time that the process has used: clock_getcpuclockid(3)."""
    return time.clock_gettime(~gate.pid << 3 | 2)


def come(host, pairs):
    host.ip(*[f"link add s{n} type veth peer name t{n}" for n in pairs])


def flip(gate, still=lambda: True):
    """Seconds from openvpn's end until the kernel shows the gate as shut; `still` must hold then."""
    begun = time.monotonic()
    gate.kill_openvpn()
    wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 5)
    took = time.monotonic() - begun
    assert still(), "the storm was over before the flip: a test of nothing"
    gate.wait(gate="open")
    return took


def frame_leaves(link):
    """Does the kernel accept a frame from a packet socket for this link? If the chain drops it, sending fails."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        try:
            out.sendto(b"\xff" * 12 + b"\x08\0" + bytes(60), (link, 0x0800))
        except OSError:
            return False
    return True


def test_five_hundred_links(world, portcullis):
    gate, host = portcullis().start_open(), world.host
    before = processor(gate)
    come(host, PAIRS)
    host.ip(f"link set s{LINKS // 2 - 1} up", f"link set {LAST} up")
    wait_for(lambda: not host.call(frame_leaves, LAST), lambda: gate.told(f"{LAST} is not shut"), 2)
    came = processor(gate) - before
    before = processor(gate)
    host.ip(*[f"link del s{n}" for n in PAIRS])
    wait_for(lambda: '"s0"' not in gate.rules(), "the chains of links that went are gone")
    went = processor(gate) - before
    print(f"{LINKS} links came: {came * 1000:.0f} ms, went: {went * 1000:.0f} ms of the processor")
    assert "UNPROTECTED" not in gate.log(), gate.told("a storm is no reason to leave a tunnel")
    assert came < LIMIT and went < LIMIT, (came, went)
    assert gets_inside(world)


def test_what_came_in_a_storm_is_shut(world, portcullis):
    """A link that came among hundreds of others is shut. The control: without the rules a frame leaves by it."""
    gate, host = portcullis().start_open(), world.host
    pairs = range(60)
    come(host, pairs)
    host.ip(*[f"link set {end}{n} up" for n in pairs for end in "st"])
    for n in pairs:
        wait_for(lambda link=f"t{n}": not host.call(frame_leaves, link), lambda: gate.told("not shut"), 2)
    gate.kill()
    host.kill_all()
    host.without_walls()
    assert all(host.call(frame_leaves, f"t{n}") for n in (0, 30, 59)), "control"


def test_flip_in_the_midst_of_links_that_go(world, portcullis):
    gate, host = portcullis().start_open(), world.host
    usual = max(flip(gate) for _ in range(3))
    pairs = range(100)
    come(host, pairs)
    with host.popen("ip", "-batch", "-", stdin=subprocess.PIPE, text=True) as storm:
        storm.stdin.write("".join(f"link del s{n}\n" for n in pairs))
        storm.stdin.close()
        wait_for(lambda: "s10" not in host.links(), "some went")
        late = flip(gate, lambda: storm.poll() is None)
        assert storm.wait(20) == 0
    print(f"a flip: {usual * 1000:.0f} ms, in a storm {late * 1000:.0f} ms")
    assert "UNPROTECTED" not in gate.log(), gate.told("a storm is no reason to leave a tunnel")
    assert late < 2 * usual + 0.1, (late, usual)
    assert gets_inside(world)
