"""The text of docs/router.md, loaded into a router made of namespaces: whatever is behind the router gets out by the
tunnel or not at all."""
import fcntl
import os
import pathlib
import re
import select
import struct
import subprocess
import time

import pytest

from daemon import BUILD, TOP
from netns import Namespace
from test_flow import gets_out
from world import INTERNET4, INTERNET6, NOBODY, connect_tcp, send_udp

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
INSIDE4, ROUTER4 = "192.168.1.2", "192.168.1.1"


def blocks(language):
    text = (pathlib.Path(TOP) / "docs/router.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def note_rules(directory):
    """Writes the two files as the page says: the output of its commands, followed by its lines. Its `wan` is our eth0.
    Returns the path of the file for `open`."""
    for command, name in zip(blocks("sh"), ("portcullis.nft", "portcullis-locked.nft")):
        assert command.startswith("portcullis rules ") and command.endswith(f">{name}\n")
        subprocess.run(["sh", "-ec", command.replace("--link wan", "--link eth0")], cwd=directory, check=True,
                       env=dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}"))
        with open(f"{directory}/{name}", "a", encoding="ascii") as file:
            file.write(blocks("nft")[0])
    return f"{directory}/portcullis.nft"


def start(world, directory):
    """Runs the page's init script, with its files in this folder, and an openvpn that can't create the interface."""
    note_rules(directory)
    (directory / "openvpn").write_text("#!/bin/sh\nexit 1\n")
    (directory / "openvpn").chmod(0o755)
    script = blocks("sh")[2].replace("/etc/portcullis", f"{directory}/portcullis").replace(
        "/sys/class/net/tun0", "/proc/sys/net/ipv4/conf/tun0")
    assert script.startswith("#!/bin/sh /etc/rc.common\n")
    return world.host.run("sh", "-c", f"{script}\nstart", check=False,
                          env=dict(os.environ, PATH=f"{directory}:{os.environ['PATH']}")).returncode


@pytest.fixture
def inside(world):
    """A client behind the machine, which routes."""
    client = Namespace("inside")
    client.create()
    world.host.ip("link add br-lan type veth peer name eth0 netns inside", f"address add {ROUTER4}/24 dev br-lan",
                  "address add fd01::1/64 dev br-lan nodad", "link set br-lan up", "tuntap add dev tun0 mode tun",
                  "address add 10.8.0.2/24 dev tun0", "link set tun0 up")
    client.ip(f"address add {INSIDE4}/24 dev eth0", "address add fd01::2/64 dev eth0 nodad", "link set eth0 up",
              f"route add default via {ROUTER4}", "route add default via fd01::1")
    world.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    yield client
    client.destroy()


def calls_out(world, client, wire, token):
    """Sends everything that a client, and the router itself, can send. Returns what was captured on the wire."""
    for address in (INTERNET4, INTERNET6):
        for port in (53, 443, 5300):
            client.call(send_udp, address, port, token, uid=NOBODY)
            world.host.call(send_udp, address, port, token, uid=NOBODY)
    world.fence(wire)
    return len(wire.seen(token))


def test_the_note_holds(world, inside, tmp_path):
    with world.wire("udp") as wire:
        assert calls_out(world, inside, wire, b"WITHOUT") >= 10, "it does not route: this shows nothing"
    world.host.run("nft", "-f", note_rules(tmp_path))
    with world.wire("udp") as wire:
        assert calls_out(world, inside, wire, b"WITH") == 0
        assert not gets_out(world, wire)
        wire.assert_clean()
        # The hole for openvpn, which runs in root's group, exists.
        world.host.call(send_udp, "203.0.113.10", 1194, b"HOLE")
        world.fence(wire)
        assert wire.seen(b"HOLE")
    # The client still reaches the router, for addresses and names.
    assert inside.call(connect_tcp, ROUTER4, 53)[0] == 111  # refused: it got there, and nobody listens


def test_without_the_interface_it_is_shut(world, inside, tmp_path):
    """openvpn --mktun fails: the open file is refused as a whole, and the locked one is in force."""
    world.host.ip("link delete tun0")
    with world.wire("udp") as wire:
        assert world.host.run("nft", "-f", note_rules(tmp_path), check=False).returncode != 0
        assert calls_out(world, inside, wire, b"ALONE") >= 10, "the open file alone would do: this shows nothing"
    assert start(world, tmp_path) != 0
    with world.wire("udp") as wire:
        assert calls_out(world, inside, wire, b"SHUT") == 0
        wire.assert_clean()
    # The client still reaches the router.
    assert inside.call(connect_tcp, ROUTER4, 53)[0] == 111


def test_with_the_interface_it_starts(world, inside, tmp_path):
    assert start(world, tmp_path) == 0
    device = hold_tunnel(world)
    world.host.ip("route replace 198.51.100.0/24 dev tun0")
    inside.call(send_udp, INTERNET4, 5300, b"STARTED", uid=NOBODY)
    assert comes_out(device, b"STARTED")
    os.close(device)


def hold_tunnel(world):
    """In openvpn's place: reads what the kernel hands to the tunnel's device."""
    with world.host.inside():
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    return device


def comes_out(device, token, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([device], [], [], 0.1)[0] and token in os.read(device, 65536):
            return True
    return False


def test_into_the_tunnel_it_goes(world, inside, tmp_path):
    world.host.run("nft", "-f", note_rules(tmp_path))
    device = hold_tunnel(world)
    world.host.ip("route replace 198.51.100.0/24 dev tun0")
    with world.wire("udp") as wire:
        inside.call(send_udp, INTERNET4, 5300, b"INTO", uid=NOBODY)
        assert comes_out(device, b"INTO")
        os.close(device)
        world.fence(wire)
        assert not wire.seen(b"INTO")
        wire.assert_clean()
