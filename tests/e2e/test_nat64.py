"""An IPv6-only network with a real NAT64 (tayga) at its router, and servers that have IPv4 addresses only."""
import contextlib
import ipaddress
import os
import subprocess
import sys

import pytest

from netns import wait_for
from test_flow import gets_inside
from wire import Endpoint
from world import GLOBAL4, HERE, HOST4, INTERNET6, NOBODY, ROOT, ROUTER4, SERVERS, send_udp

WELL_KNOWN = "64:ff9b::/96"
POOL = "192.168.255.0/24"


def embedded(prefix, address=GLOBAL4):
    """RFC 6052, 2.2; written down for the lengths that are used here."""
    prefix, four = ipaddress.ip_network(prefix), ipaddress.ip_address(address).packed
    whole = bytearray(prefix.network_address.packed)
    places = {96: (12, 13, 14, 15), 64: (9, 10, 11, 12), 48: (6, 7, 9, 10), 32: (4, 5, 6, 7)}[prefix.prefixlen]
    for place, octet in zip(places, four):
        whole[place] = octet
    return str(ipaddress.ip_address(bytes(whole)))


@contextlib.contextmanager
def translator(world, prefix):
    """The router translates this prefix, and has one client at a time."""
    folder = f"{ROOT}/tayga"
    os.makedirs(folder, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.remove(f"{folder}/dynamic.map")
    with open(f"{folder}/conf", "w", encoding="ascii") as file:
        file.write(f"tun-device nat64\nipv4-addr 192.168.255.1\nipv6-addr 2001:db8:6464::1\nprefix {prefix}\n"
                   f"dynamic-pool {POOL}\ndata-dir {folder}\n")
    world.rtr.run("tayga", "--mktun", "-c", f"{folder}/conf")
    world.rtr.ip("link set nat64 up", f"route add {POOL} dev nat64", f"route add {prefix} dev nat64")
    process = world.rtr.popen("tayga", "-d", "-c", f"{folder}/conf", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "LOWER_UP" in world.rtr.run("ip", "link", "show", "nat64").stdout, "tayga has its device")
        yield
    finally:
        process.kill()
        process.wait()
        world.rtr.run("ip", "link", "del", "nat64")


@contextlib.contextmanager
def router_that_says(world, prefix, seconds=1800):
    process = world.rtr.popen(sys.executable, f"{HERE}/router_advert.py", "r0", prefix, str(seconds),
                              stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "announced\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def only_ipv6(world):
    world.host.run("ip", "-4", "address", "flush", "dev", "eth0")


def gets_out(world, wire):
    world.host.call(send_udp, INTERNET6, 5300, b"CLEAR", "eth0", uid=NOBODY)
    world.fence(wire)
    return bool(wire.seen(b"CLEAR"))


def is_open_by(gate, prefix):
    gate.wait(gate="open", seconds=30)
    status = gate.status()
    assert status["remote"]["address"] == embedded(prefix), gate.told(str(status))
    return status


@pytest.mark.parametrize("name", ["global", "global-tcp"])
def test_by_the_well_known_prefix(world, portcullis, name):
    """Nothing but openvpn's packets to the one address that stands for the server's, and its port, leaves."""
    only_ipv6(world)
    server = SERVERS[name].endpoint
    with world.wire() as wire:
        assert gets_out(world, wire), "control: without the gate a program gets out"
    gate = portcullis(name)
    with translator(world, WELL_KNOWN), world.wire() as wire:
        wire.outer = {(ipaddress.ip_address(embedded(WELL_KNOWN)), server.port, {"udp": 17, "tcp": 6}[server.proto])}
        gate.start()
        is_open_by(gate, WELL_KNOWN)
        assert not gets_out(world, wire) and gets_inside(world)
        gate.kill_openvpn()
        is_open_by(gate, WELL_KNOWN)
        assert gate.ctl("down").returncode == 0
        gate.wait(gate="locked", tunnel="down")
        assert not gets_out(world, wire)
        wire.assert_clean()
        assert wire.counts["outer"] > 0
    assert "by NAT64" in gate.log()


@pytest.mark.parametrize("prefix", ["2001:db8:64:1::/96", "2001:db8:64::/48", "2001:db8:64:7::/64"])
def test_by_a_prefix_that_a_router_says(world, portcullis, prefix):
    """The gate asks the routers when the prefix matters; what they say counts, and not the guess."""
    only_ipv6(world)
    gate = portcullis("global")
    with translator(world, prefix), router_that_says(world, prefix):
        gate.start()
        is_open_by(gate, prefix)
        assert gets_inside(world)


def test_a_prefix_that_is_said_later(world, portcullis):
    """The guess is wrong, and ends as soon as a router says the right one; by then it has not been tried for long."""
    prefix = "2001:db8:64:2::/96"
    only_ipv6(world)
    gate = portcullis("global", extra=["server-poll-timeout 30"])
    with translator(world, prefix):
        gate.start().wait(tunnel="connecting")
        wait_for(lambda: gate.status()["remote"]["address"] == embedded(WELL_KNOWN), "the guess")
        with router_that_says(world, prefix):
            gate.wait(gate="open", seconds=8)
            is_open_by(gate, prefix)


def test_a_prefix_of_root_s(world, portcullis):
    """What root says goes before what a router says."""
    prefix = "2001:db8:64:3::/96"
    only_ipv6(world)
    gate = portcullis("global", settings={"nat64": f'"{prefix}"'})
    with translator(world, prefix), router_that_says(world, "2001:db8:64:4::/96"):
        gate.start()
        is_open_by(gate, prefix)


def test_without_a_translator(world, portcullis):
    """Nobody translates: said so. IPv4 comes: the attempt that leads nowhere is ended, and the server is dialled."""
    only_ipv6(world)
    gate = portcullis("global")
    with gate.start().wait(tunnel="connecting").watch() as watch:
        said = watch.until(tunnel={"leaving", "waiting"}, seconds=15)
    assert "perhaps no NAT64" in said["reason"] and said["gate"] != "open", said
    gate.wait(tunnel="connecting", seconds=20)
    world.host.ip(f"address add {HOST4}/24 dev eth0", f"route add default via {ROUTER4}")
    gate.wait(gate="open", seconds=8)
    assert gate.status()["remote"]["address"] == GLOBAL4


def test_turned_off(world, portcullis):
    """`nat64 = "off"`: nothing is dialled, and the reason says what is not there. A reload turns it on."""
    only_ipv6(world)
    gate = portcullis("global", settings={"nat64": '"off"'})
    with translator(world, WELL_KNOWN), world.wire() as wire:
        gate.start().wait(tunnel="waiting", gate="locked")
        assert "no IPv4 route" in gate.status()["reason"] and "NAT64" in gate.status()["reason"], gate.status()
        world.fence(wire)
        wire.assert_clean()
        gate.configure(nat64='"auto"')
        assert gate.ctl("reload").returncode == 0
        is_open_by(gate, WELL_KNOWN)


def test_where_there_is_ipv4(world, portcullis):
    """With a way by IPv4 (a CLAT is one) nothing changes, whatever a router says."""
    gate = portcullis("global")
    with translator(world, WELL_KNOWN), router_that_says(world, WELL_KNOWN):
        gate.start().wait(gate="open")
    assert gate.status()["remote"]["address"] == GLOBAL4
