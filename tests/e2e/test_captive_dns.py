"""DNS while the gate is shut: the real gate and the driver's sandbox, macOS's resolver port, and stand-ins for its tools."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket

import pytest
from scapy.layers.dns import DNS, DNSQR

from daemon import BUILD, programs_with
from netns import wait_for
from test_flow import gets_out
from world import ROOT, ask_udp

HERE = pathlib.Path(__file__).resolve().parent
KEY = "State:/Network/Service/6F72672E-706F-7274-6375-6C6C69732E31/"
ADDRESS = "192.0.2.1"  # a documentation address, RFC 5737

pytestmark = pytest.mark.skipif(not os.path.exists(f"{BUILD}/test/portcullisd-captive-dns"), reason="portcullisd-captive-dns is not built")


class Mac:
    """The installation, and the folder of stand-ins that its portcullisd uses."""

    def __init__(self, portcullis):
        self.folder = pathlib.Path(f"{ROOT}/standins")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        shutil.copy2(HERE / "scutil_standin", self.folder / "scutil")
        for name in ("dscacheutil", "killall"):
            (self.folder / name).write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
            (self.folder / name).chmod(0o755)
        self.gate = portcullis(programs=programs_with(f"{ROOT}/captive-dns", portcullisd=f"{BUILD}/test/portcullisd-captive-dns"),
                               settings={"dns": "{ manage = true }"}, environment={"PORTCULLIS_STANDIN": str(self.folder)})

    def dns(self):
        """Our service's DNS entity, None if there is none."""
        try:
            return json.loads((self.folder / "store").read_text(encoding="ascii")).get(KEY + "DNS")
        except (FileNotFoundError, ValueError):  # it does not exist yet, or is being written
            return None

    def told(self):
        return self.gate.told(f"the store holds {self.dns()}")

    def is_shut(self):
        dns = self.dns()
        return dns is not None and dns.get("ServerAddresses") == ["127.0.0.1"]

    def shut(self):
        """Waits until names are resolved on the loopback. Returns the port."""
        wait_for(self.is_shut, self.told)
        return self.dns()["ServerPort"]

    def asks_the_tunnel(self):
        wait_for(lambda: (self.dns() or {}).get("ServerAddresses") == ["10.8.0.1"], self.told)

    def is_left_alone(self):
        wait_for(lambda: self.dns() is None, self.told)


@pytest.fixture(name="mac")
def a_mac(portcullis):
    return Mac(portcullis)


def ask(world, port, name, kind="A"):
    """(code, address or None)"""
    query = bytes(DNS(id=0x4242, rd=1, qd=DNSQR(qname=name, qtype=kind)))
    answer = DNS(world.host.call(ask_udp, "127.0.0.1", port, query))
    assert answer.id == 0x4242 and answer.qr == 1 and answer.qd.qname.decode() == name + "."
    return answer.rcode, answer.an.rdata if answer.ancount else None


def test_resolver_follows_the_gate(world, mac):
    """Shut: the loopback; open: the VPN's servers; paused, off and ended: the system's own servers."""
    gate = mac.gate
    gate.start_open()
    mac.asks_the_tunnel()
    gate.ctl("down", "--wait", check=True)
    port = mac.shut()
    assert ask(world, port, "captive.apple.com") == (0, ADDRESS)
    gate.ctl("up", "--wait", check=True)
    gate.wait(gate="open")
    mac.asks_the_tunnel()
    gate.ctl("pause", "1h", check=True)
    gate.wait(gate="paused")
    mac.is_left_alone()
    gate.ctl("resume", check=True)
    gate.wait(gate="open")
    mac.asks_the_tunnel()
    gate.ctl("off", check=True)
    mac.is_left_alone()
    gate.ctl("up", check=True)
    gate.wait(gate="open")
    gate.ctl("down", "--wait", check=True)
    mac.shut()
    assert gate.stop() == 0
    assert mac.dns() is None, "nobody answers after the end, so nobody is sent there"


def test_names_while_shut(world, mac):
    """Apple's connectivity names have an address, and no other name exists; the answer comes at once, and nothing of it
    leaves."""
    gate = mac.gate
    with world.wire("udp") as wire:
        assert gets_out(world, wire)  # the control: the capture sees the wire
    gate.start().wait(gate="open")
    gate.ctl("down", "--wait", check=True)
    port = mac.shut()
    with world.wire("udp") as wire:
        for name in ("captive.apple.com", "netcts.cdn-apple.com"):
            assert ask(world, port, name) == (0, ADDRESS)
            assert ask(world, port, name, "AAAA") == (0, None)
        assert ask(world, port, "www.example.com") == (3, None)
        # Malformed queries are not answered, and do no harm.
        world.host.call(send_all, port, [b"", b"\xff" * 600, b"\x42\x42\x01\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"] * 50)
        assert ask(world, port, "captive.apple.com") == (0, ADDRESS)
        world.fence(wire)
        assert not [f for f in wire.frames if b"captive" in f.raw or b"example" in f.raw]
    assert not leaks(world)
    assert gate.status()["gate"] == "locked"


def send_all(port, datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port))


def leaks(world):
    with world.wire("udp") as wire:
        return gets_out(world, wire)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def test_the_socket_outlives_the_driver(world, mac):
    """A respawned driver answers on the same port. After a SIGKILL of the gate the next start sets a new one."""
    gate = mac.gate
    gate.start_open()
    gate.ctl("down", "--wait", check=True)
    port = mac.shut()
    os.kill(gate.driver(), signal.SIGKILL)
    wait_for(lambda: re.search(r"driver started.*driver started", gate.log(), re.S), lambda: gate.told("driver respawned"))
    assert ask(world, port, "captive.apple.com") == (0, ADDRESS)
    wait_for(lambda: mac.is_shut() and children(gate.pid) == [gate.driver()], mac.told)  # no tool of the resolver is running
    gate.kill(signal.SIGKILL)
    assert mac.is_shut(), "nobody is there to take it back"
    gate.start().wait(gate="locked")
    wait_for(lambda: mac.is_shut() and mac.dns()["ServerPort"] != port, mac.told)
    assert ask(world, mac.dns()["ServerPort"], "captive.apple.com") == (0, ADDRESS)


def test_other_programs_change_it(world, mac):
    """At the next change of the network it is set again, and the log says so."""
    gate = mac.gate
    gate.start_open()
    wait_for(lambda: "names are looked up at 10.8.0.1" in gate.log(), mac.told)
    (mac.folder / "store").write_text("{}", encoding="ascii")
    world.host.ip("addr add 192.168.77.1/24 dev eth0")
    mac.asks_the_tunnel()
    assert gate.status()["gate"] == "open"


@pytest.mark.parametrize("how", ["exit", "silent", "hang", "cut", "killed", "denied", "deaf"])
def test_no_failure_of_scutil_opens_or_shuts(world, mac, how):
    """However each call of the tool fails, the gate locks and opens as always, and the log says why names can't be
    resolved."""
    always = (mac.folder / "scutil").read_text(encoding="utf-8").replace("int(count) == 1", "True")
    (mac.folder / "scutil").write_text(always, encoding="utf-8")
    (mac.folder / "mode").write_text(f"1 {how}", encoding="ascii")
    gate = mac.gate
    assert leaks(world)  # the control
    gate.start_open()
    assert not leaks(world)
    gate.ctl("down", "--wait", check=True)
    gate.wait(gate="locked")
    assert not leaks(world)
    gate.ctl("up", "--wait", check=True)
    gate.wait(gate="open")
    assert gate.stop() == 0
    assert not leaks(world)
    assert re.search(r"(?m)^\S+ error dns: dns: ", gate.log()), gate.log()
