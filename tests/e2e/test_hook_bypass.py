"""What bypasses every hook (tc, XDP, nft's fwd and dup): it can't be prevented, but it is noticed and named, and the
gate shuts."""
import os
import signal
import time

import pytest

from netadmin import CAPTURED
from netns import state_of, wait_for
from test_flow import gets_inside
from world import INTERNET4, NOBODY, send_udp

pytestmark = pytest.mark.quiet
LIMIT = 0.1  # seconds
REDIRECT = "match u32 0 0 action mirred egress redirect dev eth0"
MIRROR = REDIRECT.replace("redirect", "mirror")
TURNS = {
    "egress redirect": ("tun0", "clsact", f"egress protocol ip u32 {REDIRECT}", "mirred"),
    "egress mirror": ("tun0", "clsact", f"egress protocol ip u32 {MIRROR}", "mirred"),
    "ingress redirect": ("tun0", "clsact", f"ingress protocol ip u32 {REDIRECT}", "mirred"),
    "an uplink's egress": ("eth0", "clsact", "egress protocol ip u32 match u32 0 0 action mirred egress mirror dev lo", "mirred"),
    "root": ("eth0", "root handle 1: htb", f"parent 1: protocol ip u32 {REDIRECT}", "mirred"),
}
HARMLESS = {
    "clsact alone": [("eth0", "clsact", None)],
    "shaping": [("eth0", "root handle 1: htb", "parent 1: protocol ip u32 match u32 0 0 flowid 1:1")],
    "dropping": [("eth0", "clsact", "egress protocol ip u32 match ip dst 192.0.2.99 action drop")],
}


def captured(world, *words):
    return world.host.run(*CAPTURED, *words, check=False)


def put(world, link, qdisc, words):
    """Adds a qdisc and a filter, from a process that has only CAP_NET_ADMIN. Skips if this kernel or tc lacks the
    feature."""
    for line in (f"qdisc replace dev {link} {qdisc}", words and f"filter add dev {link} prio 1 {words}"):
        done = line and captured(world, "tc", *line.split())
        if done and done.returncode != 0:
            pytest.skip(f"tc {line}: {done.stderr.strip()}")


def clear(world, link, qdisc):
    captured(world, "tc", *f"qdisc del dev {link} {qdisc.split()[0]}".split())


def frames(world, wire, token):
    """How many of the datagrams that an application sends into the tunnel reach the wire in the clear?"""
    for _ in range(20):
        world.host.call(send_udp, INTERNET4, 5300, token, uid=NOBODY)
    world.fence(wire)
    return len(wire.seen(token))


def test_nobody_looks_where_the_kernel_has_mirred(world, portcullis):
    """The control: while the daemon is stopped, the frames arrive at the far end."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        assert not frames(world, wire, b"BEFORE")
        os.kill(gate.pid, signal.SIGSTOP)
        wait_for(lambda: state_of(gate.pid) == "T", "stopped")
        put(world, *TURNS["egress redirect"][:3])
        world.host.without_link_filters()  # where they exist, they would stop it
        assert frames(world, wire, b"TURNED")
        os.kill(gate.pid, signal.SIGCONT)
        wait_for(lambda: "open -> locked: a tc filter" in gate.log(), lambda: gate.told("shut"))
        assert not frames(world, wire, b"SHUT")


@pytest.mark.parametrize("how", TURNS)
def test_noticed_named_and_shut_where_the_kernel_has_it(world, portcullis, how):
    link, qdisc, words, action = TURNS[how]
    gate = portcullis().start_open()
    put(world, link, qdisc, None)
    gate.wait(gate="open")
    line = f"filter add dev {link} prio 1 {words}"
    with world.wire("udp") as wire:
        done = captured(world, "tc", *line.split())
        begun = time.monotonic()  # from the end of tc on: the gate is not to blame for the time that tc takes
        if done.returncode != 0:
            pytest.skip(f"tc {line}: {done.stderr.strip()}")
        wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 2)
        took = time.monotonic() - begun  # includes the query to the kernel
        assert took < LIMIT, f"{took * 1000:.0f} ms"
        assert not frames(world, wire, b"SHUT")
    assert f"open -> locked: a tc filter with the action {action} on {link} may redirect packets" in gate.log()
    if link == "eth0":  # that of the tunnel disappears with its device
        wait_for(lambda: f"action {action} on {link}" in gate.status()["reason"], lambda: gate.told("named"), 10)
        assert gate.status()["gate"] == "locked" and not gate.openvpns()
        clear(world, link, qdisc)
    gate.wait(gate="open", seconds=20)
    assert gets_inside(world)
    assert f"action {action} on {link}" in gate.status()["reason"], "it stays in the status, with its time"


@pytest.mark.parametrize("how", HARMLESS)
def test_what_turns_nothing_is_left_alone_where_the_kernel_has_it(world, portcullis, how):
    gate = portcullis().start_open()
    since = gate.status()["since"]
    for each in HARMLESS[how]:
        put(world, *each)
    assert gets_inside(world)
    assert (gate.status()["gate"], gate.status()["since"]) == ("open", since)


def test_what_stood_before_where_the_kernel_has_mirred(world, portcullis):
    """The bypass exists before the daemon starts: nothing is dialled until it has been removed."""
    put(world, *TURNS["an uplink's egress"][:3])
    gate = portcullis().start()
    wait_for(lambda: "action mirred on eth0" in (gate.status()["reason"] or ""), lambda: gate.told("named"), 10)
    assert not gate.openvpns() and gate.kernel_gate() == "locked"
    clear(world, "eth0", "clsact")
    gate.wait(gate="open", seconds=20)


XDP = """
import ctypes, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = struct.pack("=BBhi", 0xb7, 0, 0, 2) + struct.pack("=BBhi", 0x95, 0, 0, 0)  # r0 = XDP_PASS; exit
insns, word = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
ask = ctypes.create_string_buffer(struct.pack("=IIQQ", 6, 2, ctypes.addressof(insns), ctypes.addressof(word)), 120)
program = libc.syscall(321, 5, ask, 120)
if program < 0:
    sys.exit("no bpf: errno %d" % ctypes.get_errno())
def attribute(kind, value): return struct.pack("=HH", 4 + len(value), kind) + value
nest = attribute(1, struct.pack("=i", program)) + attribute(3, struct.pack("=I", 2))
body = struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0) + attribute(0x8000 | 43, nest)
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
sock.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)
sys.exit(-struct.unpack_from("=i", sock.recv(4096), 16)[0])
"""


def test_xdp_where_the_kernel_has_it(world, portcullis):
    gate = portcullis().start_open()
    done = world.host.run("/usr/bin/python3", "-c", XDP, "eth0", check=False)
    if done.returncode != 0:
        pytest.skip(f"XDP: {done.stderr or done.returncode}")
    wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 2)
    wait_for(lambda: "an XDP program on eth0" in gate.status()["reason"], lambda: gate.told("named"), 10)
    assert gate.status()["gate"] == "locked" and not gate.openvpns()
    world.host.ip("link set dev eth0 xdpgeneric off")
    gate.wait(gate="open", seconds=20)


NFT = {"fwd": "meta mark set 0x706f7274 fwd to eth0", "dup": "meta mark set 0x706f7274 dup to eth0"}
CHAIN = "add table netdev x; add chain netdev x e { type filter hook egress device tun0 priority 0; }"


@pytest.mark.parametrize("expression", NFT)
def test_nft_that_sends_by_another_link_where_the_kernel_has_it(world, portcullis, expression):
    """A chain at the tunnel's egress sets our mark and sends by another link: it is noticed and named, and the gate
    shuts. A chain that only counts there is left alone."""
    gate = portcullis().start_open()
    captured(world, "nft", f"{CHAIN}; add rule netdev x e counter")
    since = gate.status()["since"]
    assert gets_inside(world) and gate.status()["since"] == since
    with world.wire("udp") as wire:
        done = captured(world, "nft", f"add rule netdev x e {NFT[expression]}")
        begun = time.monotonic()
        if done.returncode != 0:
            pytest.skip(f"nft {expression}: {done.stderr.strip()}")
        wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 2)
        took = time.monotonic() - begun
        assert took < LIMIT, f"{took * 1000:.0f} ms"
        assert not frames(world, wire, b"SHUT")
    assert f"open -> locked: the nft expression {expression} of the table netdev x" in gate.log()
    captured(world, "nft", "delete table netdev x")
    gate.wait(gate="open", seconds=20)
