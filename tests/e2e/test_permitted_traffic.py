"""What may pass does pass, locked and open: DHCP, neighbour discovery, path MTU, fragments. A refusal comes at once."""
import os
import socket
import subprocess

import pytest

from netns import wait_for
from test_attacks import need_link_type
from test_flow import gets_inside, gets_out
from world import (HERE, HOST4, INTERNET4, INTERNET6, NOBODY, ROOT, ROUTER4, ROUTER6, TUNNEL4, ask_udp, connect_tcp,
                   send_udp)

# --- DHCP


class Dhcp:
    """dnsmasq on the router and dhclient on the machine, with leases that are renewed every few seconds."""

    def __init__(self, world, *options, v6=False):
        self.world, self.said_file = world, f"{ROOT}/dhclient.said"
        self.flag = "-6" if v6 else "-4"
        with open(self.said_file, "w", encoding="ascii"):
            pass
        with open(f"{ROOT}/dhclient.conf", "w", encoding="ascii") as file:
            file.write("option classless-routes code 121 = array of unsigned integer 8;\n"
                       "also request classless-routes;\ntimeout 10;\nretry 1;\ninitial-interval 1;\n")
        ranges = ["--dhcp-range=2001:db8:50::100,2001:db8:50::1ff,64,2m"] if v6 else \
            ["--dhcp-range=192.168.50.100,192.168.50.150,2m", "--dhcp-option-force=58,3i", "--dhcp-option-force=59,6i"]
        self.server = world.rtr.popen(
            "dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null", "--user=root", "--no-ping",
            "--dhcp-authoritative", f"--dhcp-leasefile={ROOT}/leases{self.flag}", "--log-dhcp", "--log-facility=-",
            "--interface=r0", *ranges, *options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.client = None

    def start(self):
        self.client = self.world.host.popen(
            "dhclient", self.flag, "-d", "-sf", f"{HERE}/dhclient-script", "-cf", f"{ROOT}/dhclient.conf",
            "-lf", f"{ROOT}/dhclient.leases", "-pf", f"{ROOT}/dhclient.pid", "-e", f"SAID={self.said_file}", "eth0",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def said(self):
        with open(self.said_file, encoding="ascii") as file:
            return file.read().split("\n")

    def count(self, *reasons):
        return sum(line.split(" ")[0] in reasons for line in self.said())

    def stop(self):
        for process in (self.client, self.server):
            if process is not None:
                process.kill()
                process.wait()
        if os.path.exists(f"{ROOT}/dhclient.leases"):
            os.unlink(f"{ROOT}/dhclient.leases")


@pytest.fixture
def dhcp(world):
    made = []

    def make(*options, **more):
        made.append(Dhcp(world, *options, **more))
        return made[-1]
    yield make
    for each in made:
        each.stop()


def test_dhcp_while_locked(world, portcullis, dhcp):
    """A real client gets its first address and renews it while the gate is locked, and when it is open."""
    world.host.run("ip", "-4", "address", "flush", "dev", "eth0")
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0
    with world.wire("udp") as wire:
        lease = dhcp().start()
        wait_for(lambda: lease.count("BOUND"), lambda: gate.told(f"a lease: {lease.said()}"))
        wait_for(lambda: lease.count("RENEW", "REBIND"), lambda: gate.told(f"a renewal while locked: {lease.said()}"), 15)
        renewals = lease.count("RENEW", "REBIND")
        world.host.ip(f"route replace default via {ROUTER4}")
        gate.start_open()
        wait_for(lambda: lease.count("RENEW", "REBIND") > renewals + 1, "renewals while open", 20)
        assert gets_inside(world)
        assert wire.drain().counts["dhcp"] >= 4
        wire.assert_clean()


def test_dhcp_option_121(world, portcullis, dhcp):
    """The whole of TunnelVision: the DHCP client accepts the rogue server's route, and no packet follows it."""
    token = b"PORTCULLIS-LEAK"

    def attack(wire):
        lease = dhcp(f"--dhcp-option-force=121,{INTERNET4}/32,{ROUTER4}").start()
        wait_for(lambda: INTERNET4 in world.host.run("ip", "route").stdout, lambda: f"the rogue route {lease.said()}")
        world.host.call(send_udp, INTERNET4, 5300, token, uid=NOBODY)
        world.fence(wire)
        lease.stop()
        return wire.seen(token)

    with world.wire("udp") as wire:
        world.bare_vpn()
        assert attack(wire), "control"
    world.fresh_host()
    with world.wire("udp") as wire:
        portcullis().start_open()
        assert not attack(wire)
        wire.assert_clean()


def test_dhcp_for_ipv6_while_locked(world, portcullis, dhcp):
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0
    with world.wire("udp") as wire:
        lease = dhcp("--enable-ra", v6=True).start()
        wait_for(lambda: lease.count("BOUND6"), lambda: gate.told(f"an IPv6 lease: {lease.said()}"), 15)
        assert "2001:db8:50::1" in world.host.run("ip", "-6", "address", "show", "dev", "eth0").stdout
        wire.assert_clean()


# --- neighbour discovery

def flush_neighbours(world):
    world.rtr.run("ip", "neigh", "flush", "dev", "r0")
    world.rtr.run("ip", "-6", "neigh", "flush", "dev", "r0")


def neighbour_answers(world, address):
    """Does the machine answer the router's neighbour solicitation for its address?"""
    flush_neighbours(world)
    world.rtr.call(send_udp, address, 9, b"who are you")

    def answered():
        line = world.rtr.run("ip", "neigh", "show", address, "dev", "r0").stdout
        return "lladdr" in line
    wait_for(answered, f"{address} answers neighbour discovery", 5)


@pytest.mark.parametrize("server", ["udp", "udp6"])
def test_neighbours_of_a_global_address(world, portcullis, server):
    """A router that forgets its neighbours again and again: the tunnel stays, and the router is answered while locked
    too."""
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        since = gate.status()["since"]
        for _ in range(5):
            flush_neighbours(world)
            assert gets_inside(world), gate.told("the tunnel is gone after the router forgot us")
        neighbour_answers(world, "2001:db8:50::2")
        assert gate.status()["since"] == since, "the tunnel did not last"
        gate.ctl("down", "--wait", check=True)
        for address in ("2001:db8:50::2", HOST4):
            neighbour_answers(world, address)
        wire.assert_clean()


def test_router_solicited_while_locked(world, portcullis):
    """A router advertisement gives the machine an address while it is locked."""
    from test_attacks import inject, link_local  # pylint: disable=import-outside-toplevel
    from scapy.all import ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6  # pylint: disable=import-outside-toplevel
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0
    advert = (IPv6(src=link_local(world.rtr, "r0"), dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800)
              / ICMPv6NDOptPrefixInfo(prefix="2001:db8:77::", prefixlen=64))
    inject(world, advert, "33:33:00:00:00:01")
    wait_for(lambda: "2001:db8:77:" in world.host.run("ip", "-6", "address").stdout, "an address by autoconfiguration")


# --- path MTU and fragments

def set_path_mtu(world, mtu):
    world.rtr.ip(f"link set r1 mtu {mtu}")
    world.srv.ip(f"link set eth0 mtu {mtu}")
    world.rtr.run("ip", "route", "flush", "cache")


@pytest.fixture
def path_mtu(world):
    yield lambda mtu: set_path_mtu(world, mtu)
    set_path_mtu(world, 1500)


def echo_much(address, size):
    """A TCP transfer in both directions; True if every byte arrived."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = bytes(i & 255 for i in range(4096)) * (size // 4096)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(8)
        sock.connect((address, 443))
        got = b""
        for at in range(0, len(data), 16384):
            sock.sendall(data[at:at + 16384])
            while len(got) < min(at + 16384, len(data)):
                chunk = sock.recv(65536)
                if not chunk:
                    return False
                got += chunk
    return got == data


@pytest.mark.parametrize("mtu", [1400, 1280])
@pytest.mark.parametrize("server", ["udp", "tcp", "udp6", "tcp6"])
def test_path_mtu(world, portcullis, path_mtu, server, mtu):
    """A smaller path MTU is learned from the ICMP errors that quote openvpn's own packets."""
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        path_mtu(mtu)
        assert world.host.call(echo_much, INTERNET4, 256 * 1024), gate.told("the transfer hangs")
        wire.assert_clean()


def test_path_mtu_error_of_a_stranger(world, portcullis):
    """An ICMP error that quotes a packet that nobody sent is dropped (the control: without the gate it is accepted)."""
    from test_attacks import inject  # pylint: disable=import-outside-toplevel
    from scapy.all import ICMP, IP, UDP  # pylint: disable=import-outside-toplevel
    quoted = IP(src=HOST4, dst=INTERNET4) / UDP(sport=40000, dport=5300) / b"x"
    error = IP(src=ROUTER4, dst=HOST4) / ICMP(type=3, code=4, nexthopmtu=1000) / quoted

    def learned():
        return "mtu 1000" in world.host.run("ip", "route", "get", INTERNET4, "oif", "eth0").stdout
    # The kernel accepts the error only if a matching socket exists.
    sock = world.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind(("", 40000))
        sock.connect((INTERNET4, 5300))
        inject(world, error)
        wait_for(learned, "control: the error is taken")
    world.fresh_host()
    gate = portcullis().start_open()
    sock = world.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock, world.wire("udp") as wire:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.bind(("", 40000))
        sock.connect((INTERNET4, 5300))
        inject(world, error)
        world.fence(wire)
        assert not learned(), gate.told("a stranger's ICMP error was let in")


@pytest.mark.parametrize("server", ["udp", "udp6"])
def test_fragments_of_the_outer_flow(world, portcullis, server):
    """openvpn's datagrams that are too long for the link: fragments leave, and fragments arrive."""
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        data = bytes(1472)
        assert world.host.call(ask_udp, INTERNET4, 5300, data) == data, gate.told("no echo of a long datagram")
        assert any(f.offset for f in wire.drain().frames), "nothing was fragmented: this test shows nothing"
        wire.assert_clean()


@pytest.mark.parametrize("kind", ["vlan", "bridge"])
def test_tunnel_over_a_link_on_a_link(world, portcullis, kind):
    """The machine's link is a VLAN or a bridge on top of the wire's link: the packets of the hole pass both links, and
    nothing else does."""
    if kind == "vlan":
        need_link_type(world, "vlan id 9")
    world.host.run("ip", "address", "flush", "dev", "eth0")
    if kind == "vlan":
        world.rtr.run("ip", "address", "flush", "dev", "r0")
        world.rtr.ip("link add link r0 name r0.5 type vlan id 5", f"address add {ROUTER4}/24 dev r0.5", "link set r0.5 up")
        world.host.ip("link add link eth0 name up0 type vlan id 5")
    else:
        world.host.ip("link add up0 type bridge", "link set eth0 master up0")
    world.host.ip("link set up0 up", f"address add {HOST4}/24 dev up0", f"route replace default via {ROUTER4}")
    with world.wire("udp") as wire:
        world.host.call(send_udp, INTERNET4, 5300, b"CLEAR", uid=NOBODY)
        world.fence(wire)
        assert wire.seen(b"CLEAR"), "control"
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        assert gets_inside(world)
        gate.ctl("down", "--wait", check=True)
        for link in ("up0", "eth0"):
            world.host.call(send_udp, INTERNET4, 5300, b"CLEAR", link, uid=NOBODY)
        world.fence(wire)
        assert wire.counts["outer"] and not wire.seen(b"CLEAR")
        wire.assert_clean()


# --- refusals

@pytest.mark.quiet
@pytest.mark.parametrize("address", [INTERNET4, INTERNET6, ROUTER4, ROUTER6])
def test_refused_at_once(world, portcullis, address):
    """A program that connects while the gate is shut fails at once, not after a minute."""
    gate = portcullis().start_open()
    gate.ctl("down", "--wait", check=True)
    with world.wire("udp") as wire:
        error, _, took = world.host.call(connect_tcp, address, 443, b"", None, 0, 5.0, uid=NOBODY)
        assert error and took < 0.3, (os.strerror(error), took)
        errors = world.host.call(send_udp, address, 5300, b"x", None, 3, 0, True, uid=NOBODY)
        assert any(errors), "datagrams of a connected socket are refused"
        world.fence(wire)
        assert not [f for f in wire.frames if f.proto in (1, 6)]
        wire.assert_clean()


def test_inbound_through_the_tunnel(world, portcullis):
    """Other machines in the VPN get no answer from this one, but it gets the answers to its own requests."""
    gate = portcullis().start_open()
    listener = world.host.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.bind(("0.0.0.0", 2222))
        listener.listen(4)
        error, _, _ = world.srv.call(connect_tcp, TUNNEL4, 2222, b"", None, 0, 0.5)
        assert error, gate.told("a stranger in the VPN reached a service")
        assert gets_inside(world)
    world.fresh_host()
    world.bare_vpn()
    listener = world.host.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.bind(("0.0.0.0", 2222))
        listener.listen(4)
        assert world.srv.call(connect_tcp, TUNNEL4, 2222, b"", None, 0, 2.0)[0] == 0, "control"


@pytest.mark.parametrize("lan", ["false", "true"])
def test_local_network(world, portcullis, lan):
    """lan = true lets the private ranges pass, both ways, and nothing else; the default does not."""
    echo = world.rtr.popen("/usr/bin/python3", f"{HERE}/echo.py", ROUTER4, "5300,443", stdout=subprocess.PIPE, text=True)
    assert echo.stdout.readline() == "ready\n"
    try:
        gate = portcullis(settings={"lan": lan}).start_open()
        for command in (None, "down"):
            if command:
                gate.ctl(command, "--wait", check=True)
            answer = world.host.call(ask_udp, ROUTER4, 5300, b"LOCAL", 0.5, uid=NOBODY)
            assert answer == (b"LOCAL" if lan == "true" else None), gate.told(command)
            with world.wire("udp") as wire:
                assert not gets_out(world, wire)
                wire.assert_clean()
    finally:
        echo.kill()
        echo.wait()


def searcher(group, port):
    """Looks for devices as programs do (SSDP, WS-Discovery, mDNS): is there an answer?"""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HOST4))
        sock.settimeout(0.5)
        try:
            sock.sendto(b"M-SEARCH * HTTP/1.1", (group, port))
            return sock.recv(100) == b"M-SEARCH * HTTP/1.1"
        except OSError:
            return False


SEARCHES = [("239.255.255.250", 1900), ("239.255.255.250", 3702), ("224.0.0.251", 5353)]
OTHERS = [("239.255.255.249", 1900), ("239.1.2.3", 1900), ("224.0.1.1", 123)]


@pytest.mark.parametrize("lan", ["false", "true"])
def test_devices_are_found(world, portcullis, lan):
    """A neighbour answers each search before there is a gate; with lan = true in every state, those of row 10 alone."""
    with world.rtr.socket(socket.AF_INET, socket.SOCK_DGRAM) as member:
        for group in {group for group, _ in SEARCHES + OTHERS}:
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                              socket.inet_aton(group) + socket.inet_aton(ROUTER4))
        ports = ",".join(sorted({str(port) for _, port in SEARCHES + OTHERS}))
        echo = world.rtr.popen("/usr/bin/python3", f"{HERE}/echo.py", "0.0.0.0", ports, stdout=subprocess.PIPE, text=True)
        try:
            assert echo.stdout.readline() == "ready\n"
            assert all(world.host.call(searcher, *search) for search in SEARCHES + OTHERS), "control"
            gate = portcullis(settings={"lan": lan}).start_open()
            for command in (None, "down"):
                if command:
                    gate.ctl(command, "--wait", check=True)
                gate.assert_loaded()
                found = [search for search in SEARCHES + OTHERS if world.host.call(searcher, *search)]
                assert found == (SEARCHES if lan == "true" else []), gate.told(f"{command}: {found}")
        finally:
            echo.kill()
            echo.wait()
