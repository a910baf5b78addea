"""The LAN side: three clients on a bridge of the protected machine, dual stack, against real openvpn.

    c1, c2, c3 ──── lan1, lan2, lan3 = br0 10.60.0.1, fd00:60::1  host  eth0 ──── r0 rtr ──── srv

What leaves is captured at r0, as in the other tests; what the tunnel carries is captured at the server's end of it."""
import contextlib
import errno
import os
import socket
import struct
import subprocess

import pytest

from daemon import quote
from netadmin import hold_names
from netns import Namespace, wait_for, wait_gone
from test_attacks import inject, mac_of
from test_flow import gets_inside
from wire import Frame
from world import HERE, HOST4, INTERNET4, INTERNET6, ROOT, ROUTER4, ROUTER6, TUNNEL4, ask_udp, connect_tcp, send_udp

TOKEN = b"PORTCULLIS-CLIENT"
PORTS = ("lan1", "lan2", "lan3")
GATEWAY4, GATEWAY6 = "10.60.0.1", "fd00:60::1"
FLOOD = "host 203.0.113.10 and udp port 1194"  # what the capture leaves out while clients flood
ECHO = 5300
REFUSED = (errno.EHOSTUNREACH, errno.EACCES)  # what an ICMP error becomes
# Across a veth the error is back before connect() waits for it: the second SYN, a second later, reports it.
SOON = 2.5


def interfaces(*names):
    return {"gateway": "{ interfaces = {" + ", ".join(map(quote, names)) + "} }"}


class LanSide:
    """The bridge and its clients."""

    def __init__(self, world):
        self.world, self.host, self.clients = world, world.host, []

    def bridge(self):
        self.host.ip("link add br0 type bridge", f"address add {GATEWAY4}/24 dev br0",
                     f"address add {GATEWAY6}/64 dev br0 nodad", "link set br0 up")
        return self

    def client(self, link, number, master="br0", net="60"):
        """A client on a port of the bridge, or on a link of its own."""
        client = Namespace(f"c{number}")
        if os.path.exists(client.path):
            client.destroy()
        client.create()
        self.host.ip(f"link add {link} type veth peer name eth0 netns {client.name}",
                     *([f"link set {link} master {master}"] if master else []), f"link set {link} up")
        client.ip(f"address add 10.{net}.0.{10 + number}/24 dev eth0",
                  f"address add fd00:{net}::{10 + number}/64 dev eth0 nodad", "link set eth0 up",
                  f"route add default via 10.{net}.0.1", f"route add default via fd00:{net}::1")
        self.clients.append(client)
        return client

    def build(self):
        self.bridge()
        for number, port in enumerate(PORTS, 1):
            self.client(port, number)
        self.settle()
        return self

    def settle(self):
        """Waits until the bridge carries frames and every address can be used."""
        wait_for(lambda: self.host.run("bridge", "link").stdout.count("state forwarding") == len(self.clients), "ports")
        for client in self.clients:
            wait_for(lambda: "tentative" not in client.run("ip", "-6", "address").stdout, "addresses")  # pylint: disable=cell-var-from-loop

    def forward_plainly(self):
        """A plain router: it forwards, and masquerades what leaves."""
        self.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.host.nft("table inet plain { chain post { type nat hook postrouting priority srcnat; "
                      "oifname { eth0, tun0 } masquerade; } }")

    def each(self, function, *arguments, **more):
        return [client.call(function, *arguments, **more) for client in self.clients]


@pytest.fixture
def lan_side(world):
    made = []

    def make():
        made.append(LanSide(world))
        return made[-1]
    yield make
    for network in made:
        for client in network.clients:
            client.destroy()


@pytest.fixture
def gateway(world, portcullis, lan_side):
    """The machine with a LAN side, and a Portcullis that is configured for it."""
    def make(*servers, links=("br0", *PORTS), **more):
        network = lan_side().build()
        settings = dict(interfaces(*links), **more.pop("settings", {}))
        return network, portcullis(*(servers or ("udp",)), settings=settings, **more)
    return make


class Tunnel:
    """Captures the packets that come out of the tunnel at the server's end, from now on."""

    def __init__(self, world, device="tun8"):
        self.frames = []
        self.socket = world.srv.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
        self.socket.bind((device, 3))
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def sources(self, token=TOKEN):
        with contextlib.suppress(BlockingIOError):
            while True:
                raw = self.socket.recv(65536)
                kind = struct.pack("!H", 0x0800 if raw[0] >> 4 == 4 else 0x86dd)
                self.frames.append(Frame(bytes(12) + kind + raw))
        return {str(frame.source) for frame in self.frames if token in frame.raw}


def gets_through(client, address, port=ECHO, tries=4):
    return any(client.call(ask_udp, address, port, TOKEN, 1.0) == TOKEN for _ in range(tries))


def meet(client, address, port, payload=b"", seconds=3.0):
    """connect_tcp from a client: (error number or 0, the echo, seconds)."""
    return client.call(connect_tcp, address, port, payload, None, 0, seconds)


def assert_shut(network, wire):
    """Nothing that any client sends gets anywhere, whatever it tries, and nothing of it is on the wire."""
    for client in network.clients:
        for address in (INTERNET4, INTERNET6, ROUTER4, ROUTER6):
            for port in (53, 443, ECHO):
                client.call(send_udp, address, port, TOKEN)
                meet(client, address, port, TOKEN, seconds=0.2)
    network.world.fence(wire)
    assert not wire.seen(TOKEN)
    wire.assert_clean()


# --- what works

def test_control_plain_forwarding_leaks(world, lan_side):
    network = lan_side().build()
    network.forward_plainly()
    with world.wire("udp") as wire:
        for address in (INTERNET4, INTERNET6):
            assert all(network.each(gets_plainly, address))
        world.fence(wire)
        assert len(wire.seen(TOKEN)) >= 6


def gets_plainly(address):
    return ask_udp(address, ECHO, TOKEN) == TOKEN


def test_clients_get_through_the_tunnel_only(world, gateway):
    network, gate = gateway()
    gate.start_open()
    with world.wire("udp") as wire, Tunnel(world) as tunnel:
        for client in network.clients:
            for address in (INTERNET4, INTERNET6):
                assert gets_through(client, address), gate.told(f"{client.name} to {address}")
                assert meet(client, address, ECHO, TOKEN)[:2] == (0, TOKEN)
        assert tunnel.sources() == {TUNNEL4, "fd00:8::1000"}, "clients are masqueraded"
        assert gets_inside(world), "the machine itself"
        wire.assert_clean()
        assert wire.counts["outer"] > 20
    assert "net.ipv4.ip_forward is turned on" in gate.log()
    gate.assert_loaded()


def test_large_packets_and_errors_come_back(world, gateway):
    """Path MTU: an error about a client's packet reaches the client."""
    network, gate = gateway()
    gate.start_open()
    client = network.clients[0]
    world.host.ip("link set tun0 mtu 1300")
    assert meet(client, INTERNET4, ECHO, TOKEN * 2000, seconds=5)[:2] == (0, TOKEN * 2000)
    assert meet(client, INTERNET6, ECHO, TOKEN * 2000, seconds=5)[:2] == (0, TOKEN * 2000)
    assert client.call(last_hop, INTERNET4) == GATEWAY4, "the machine tells a client that its packet was too old"


def last_hop(address):
    """The address that reports that a datagram with a TTL of one has expired."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as errors, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        errors.settimeout(3)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        sock.sendto(TOKEN, (address, ECHO))
        return errors.recvfrom(1000)[1][0]


def test_tunnel_without_ipv6(world, gateway):
    """IPv4 goes through the tunnel; IPv6 is refused at once, and is seen nowhere."""
    network, gate = gateway("v4only")
    gate.start_open()
    client = network.clients[0]
    with world.wire("v4only") as wire:
        assert gets_through(client, INTERNET4), gate.told()
        error, _, seconds = meet(client, INTERNET6, ECHO, TOKEN, seconds=3.0)
        assert error in REFUSED and seconds < SOON, (error, seconds)
        world.fence(wire)
        wire.assert_clean()


# --- what is shut

@pytest.mark.parametrize("how", ["lock", "down"])
def test_locked(world, gateway, how):
    network, gate = gateway()
    if how == "lock":
        assert gate.run_daemon("-L").returncode == 0
        world.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    else:
        gate.start_open().ctl("down", "--wait", check=True)
    with world.wire("udp") as wire:
        assert_shut(network, wire)
        # At once, so that no program hangs.
        for address in (INTERNET4, INTERNET6):
            error, _, seconds = meet(network.clients[0], address, ECHO, seconds=3.0)
            assert error in REFUSED and seconds < SOON, (address, error, seconds)
        wire.assert_clean()


def test_open_is_for_the_tunnel_alone(world, gateway):
    """No client gets anything to the outer network, its resolver or its router, whatever the routes are."""
    network, gate = gateway()
    gate.start_open()
    client = network.clients[0]
    with world.wire("udp") as wire, Tunnel(world) as tunnel:
        for port in (53, 853, ECHO):
            client.call(send_udp, ROUTER4, port, TOKEN)
            client.call(send_udp, ROUTER6, port, TOKEN)
        world.host.ip(f"route replace {INTERNET4}/32 via {ROUTER4} dev eth0",
                      f"route replace {INTERNET6}/128 via {ROUTER6} dev eth0")
        for address in (INTERNET4, INTERNET6):
            client.call(send_udp, address, ECHO, TOKEN)
        world.fence(wire)
        wire.assert_clean()
        # A preferred route takes nothing away from the tunnel: the last two went there, masqueraded.
        assert tunnel.sources() == {TUNNEL4, "fd00:8::1000"}


def test_answers_do_not_follow_a_route(world, gateway):
    """The outer network announces routes to the clients' addresses: answers to the clients leave by the LAN side or not
    at all."""
    network, gate = gateway()
    gate.start_open()
    client = network.clients[0]
    with world.wire("udp") as wire:
        assert gets_through(client, INTERNET4)
        world.host.ip(f"route add 10.60.0.11/32 via {ROUTER4} dev eth0",
                      f"route add fd00:60::11/128 via {ROUTER6} dev eth0")
        for address in (INTERNET4, INTERNET6):
            client.call(send_udp, address, ECHO, TOKEN, None, 3)
        assert gets_inside(world)
        world.fence(wire)
        wire.assert_clean()


@pytest.mark.parametrize("state", ["open", "locked"])
def test_spoofed_sources(world, gateway, state):
    """Only packets with a LAN-side source address get anywhere, and none with that address unchanged."""
    from scapy.all import IP, UDP, Ether, IPv6  # pylint: disable=import-outside-toplevel
    network, gate = gateway()
    gate.start_open()
    if state == "locked":
        gate.ctl("down", "--wait", check=True)
    client = network.clients[0]
    to, source = mac_of(world.host, "br0"), mac_of(client, "eth0")

    def send(*sources):
        with client.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind(("eth0", 0))
            for address in sources:
                packet = (IPv6(src=address, dst=INTERNET6) if ":" in address else IP(src=address, dst=INTERNET4)) \
                    / UDP(sport=4000, dport=ECHO) / TOKEN
                sock.send(bytes(Ether(dst=to, src=source) / packet))
    world.host.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.br0.rp_filter=0")
    with world.wire("udp") as wire, Tunnel(world) as tunnel:
        send("192.0.2.50", HOST4.replace(".2", ".200", 1).replace("192.168", "172.15"), TUNNEL4, "203.0.113.10",
             INTERNET4, "2001:db8:50::2", "2001:db8:80::1", "fd00:8::1000")
        send("10.60.0.99", "192.168.50.99", "fd00:60::99")  # LAN-side addresses are masqueraded like all others
        world.fence(wire)
        wire.assert_clean()
        if state == "open":
            assert gets_inside(world)  # sent after the packets above
            assert tunnel.sources() <= {TUNNEL4, "fd00:8::1000"} and tunnel.sources()
        else:
            assert tunnel.sources() == set()


def test_a_neighbour_outside_gets_nothing(world, gateway):
    """A neighbour on the outer network reaches neither the tunnel nor the clients."""
    from scapy.all import IP, UDP  # pylint: disable=import-outside-toplevel
    network, gate = gateway()
    gate.start_open()
    client = network.clients[0]
    heard = client.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("", 4711))
    heard.setblocking(False)
    with world.wire("udp") as wire, Tunnel(world) as tunnel, heard:
        for source in (ROUTER4, "10.60.0.77", "192.168.50.77"):
            inject(world, IP(src=source, dst=INTERNET4) / UDP(sport=4000, dport=ECHO) / TOKEN)
            inject(world, IP(src=source, dst="10.60.0.11") / UDP(sport=4000, dport=4711) / TOKEN)
        assert gets_inside(world)
        world.fence(wire)
        assert tunnel.sources() == set()
        with pytest.raises(BlockingIOError):
            heard.recv(100)
        wire.assert_clean()


# --- on the LAN side

@pytest.mark.parametrize("state", ["locked", "open"])
def test_clients_reach_each_other_and_the_machine(world, gateway, state):
    network, gate = gateway()
    gate.start_open()
    if state == "locked":
        gate.ctl("down", "--wait", check=True)
    first, second = network.clients[:2]
    listener = world.host.popen("/usr/bin/python3", f"{HERE}/echo.py", f"{GATEWAY4},{GATEWAY6}", "22",
                                stdout=subprocess.PIPE, text=True)
    peer = second.popen("/usr/bin/python3", f"{HERE}/echo.py", "10.60.0.12,fd00:60::12", "22", stdout=subprocess.PIPE,
                        text=True)
    assert listener.stdout.readline() == peer.stdout.readline() == "ready\n"
    with world.wire("udp") as wire:
        for address in (GATEWAY4, GATEWAY6, "10.60.0.12", "fd00:60::12"):
            assert meet(first, address, 22, TOKEN, seconds=3)[:2] == (0, TOKEN), address
        wire.assert_clean()
    # From the machine to a client; but no DNS query is sent there.
    assert meet(world.host, "10.60.0.12", 22, TOKEN, seconds=3)[:2] == (0, TOKEN)
    assert meet(world.host, "10.60.0.12", 53, seconds=3)[0] == errno.ECONNREFUSED
    # A client that pretends to have the machine's tunnel address (CVE-2019-14899) receives nothing.
    if state == "open":
        assert meet(first, TUNNEL4, 22, seconds=0.3)[0] == errno.ETIMEDOUT


def test_frames_between_ports_that_are_not_named(world, gateway):
    """A bridge port that is not named may lead anywhere: no frame is forwarded to it."""
    network, gate = gateway(links=("br0", "lan1", "lan2"))
    gate.start_open()
    first, second, third = network.clients
    peers = [c.popen("/usr/bin/python3", f"{HERE}/echo.py", f"10.60.0.{10 + n}", "22", stdout=subprocess.PIPE, text=True)
             for n, c in ((2, second), (3, third))]
    assert [peer.stdout.readline() for peer in peers] == ["ready\n"] * 2
    assert meet(first, "10.60.0.12", 22, TOKEN, seconds=3)[:2] == (0, TOKEN)
    assert meet(first, "10.60.0.13", 22, seconds=0.5)[0] != 0
    assert gets_through(third, INTERNET4), "it is a client of the gateway all the same"


@pytest.mark.parametrize("state", ["locked", "open"])
def test_dhcp_server_on_the_gateway(world, gateway, state):
    network, gate = gateway()
    gate.start_open()
    if state == "locked":
        gate.ctl("down", "--wait", check=True)
    client = network.clients[0]
    client.run("ip", "-4", "address", "flush", "dev", "eth0")
    said = f"{ROOT}/client.said"
    with open(said, "w", encoding="ascii"):
        pass
    server = world.host.popen("dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null", "--user=root",
                              "--no-ping", "--dhcp-authoritative", f"--dhcp-leasefile={ROOT}/client.leases",
                              "--interface=br0", "--dhcp-range=10.60.0.100,10.60.0.150,2m", "--enable-ra",
                              "--dhcp-range=fd00:60::100,fd00:60::1ff,64,2m", stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    lease = client.popen("dhclient", "-4", "-d", "-sf", f"{HERE}/dhclient-script", "-lf", f"{ROOT}/client.client",
                         "-pf", f"{ROOT}/client.pid", "-e", f"SAID={said}", "eth0", stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    with world.wire("udp") as wire:
        def bound():
            with open(said, encoding="ascii") as file:
                return "BOUND 10.60.0.1" in file.read()
        wait_for(bound, lambda: gate.told("a client's lease"))
        world.fence(wire)
        wire.assert_clean()
        assert not wire.counts["dhcp"]
    for process in (lease, server):
        process.kill()
        process.wait()
    os.unlink(f"{ROOT}/client.client")


def test_frames_of_the_machine_itself(world, gateway):
    """A DHCP server that writes raw frames can send them on a LAN-side link. No other raw frame leaves there, and on
    the outer link not even these do."""
    from scapy.all import IP, UDP, Ether  # pylint: disable=import-outside-toplevel
    network, gate = gateway()
    assert gate.run_daemon("-L").returncode == 0
    client = network.clients[0]
    heard = client.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    heard.bind(("eth0", 3))
    heard.setblocking(False)

    def write(link, sport, dport, token):
        with world.host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind((link, 0))
            with contextlib.suppress(OSError):
                sock.send(bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src=mac_of(world.host, link))
                                / IP(src=GATEWAY4, dst="255.255.255.255") / UDP(sport=sport, dport=dport) / token))

    def heard_tokens():
        found = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                frame = heard.recv(65536)
                found |= {word for word in (b"OTHER", b"SERVER") if word in frame}
        return found
    with world.wire("udp") as wire, heard:
        write("br0", 4000, 4001, b"OTHER")
        write("br0", 67, 68, b"SERVER")
        write("eth0", 67, 68, b"SERVER")
        told = set()
        wait_for(lambda: told.update(heard_tokens()) or b"SERVER" in told, "the server's frame")
        assert told == {b"SERVER"}
        world.fence(wire)
        wire.assert_clean()


def test_resolver_on_the_gateway(world, gateway):
    """A resolver on the gateway queries through the tunnel. While shut it gets no answer, and no query leaves
    outside."""
    from scapy.all import DNS, DNSQR  # pylint: disable=import-outside-toplevel
    question = bytes(DNS(rd=1, qd=DNSQR(qname="client.example")))
    far = world.srv.popen("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--no-hosts",
                          "--no-resolv", "--address=/client.example/192.0.2.99", "--listen-address=203.0.113.10",
                          "--bind-interfaces", "--port=5399", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    network, gate = gateway()
    near = world.host.popen("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--no-hosts",
                            "--no-resolv", f"--server={INTERNET4}", "--server=10.8.0.1#5399", "--all-servers",
                            "--cache-size=0", "--interface=br0", "--bind-interfaces", stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    far_inside = None
    client = network.clients[0]

    def answer(server):
        return b"\xc0\x00\x02\x63" in (client.call(ask_udp, server, 53, question, 1.0) or b"")
    try:
        gate.start_open()
        far_inside = world.srv.popen("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
                                     "--no-hosts", "--no-resolv", "--address=/client.example/192.0.2.99",
                                     "--listen-address=10.8.0.1", "--bind-interfaces", "--port=5399",
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with world.wire("udp") as wire:
            wait_for(lambda: answer(GATEWAY4), lambda: gate.told("a name, by the gateway's resolver"))
            # A client's own server is reached inside the tunnel: the echo answers with the question.
            assert client.call(ask_udp, INTERNET4, 53, question, 2.0) == question
            world.fence(wire)
            wire.assert_clean()
        gate.ctl("down", "--wait", check=True)
        with world.wire("udp") as wire:
            assert not answer(GATEWAY4)
            assert client.call(ask_udp, INTERNET4, 53, question, 0.5) is None
            assert client.call(ask_udp, ROUTER4, 53, question, 0.5) is None
            world.fence(wire)
            wire.assert_clean()
    finally:
        for process in (far, near, far_inside):
            if process is not None:
                process.kill()
                process.wait()


# --- windows of time

class Load:
    """Every client floods, with IPv4 and IPv6."""

    def __init__(self, network, program):
        self.senders = [client.popen(program, "-4", INTERNET4, "-6", INTERNET6, "-r", "3000", stdout=subprocess.PIPE,
                                     text=True) for client in network.clients]
        for sender in self.senders:
            assert sender.stdout.readline() == "ready\n"

    def stop(self):
        for sender in self.senders:
            sender.terminate()
            assert int(sender.communicate(timeout=10)[0].split()[0]) > 0


def test_control_tunnel_lost_under_load(world, lan_side, flood_program):
    """Plain forwarding and a bare VPN: when the VPN is gone, every client sends in the clear."""
    network = lan_side().build()
    network.forward_plainly()
    vpn = world.bare_vpn()
    assert gets_through(network.clients[0], INTERNET4)
    load = Load(network, flood_program)
    with world.wire("udp", skip=FLOOD) as wire:
        vpn.kill()
        wait_for(lambda: wire.drain().clear, "the control's leak")
    load.stop()


@pytest.mark.quiet
@pytest.mark.parametrize("how", ["openvpn", "device", "server", "down", "daemon", "driver"])
def test_tunnel_lost_under_load(world, gateway, flood_program, how):
    network, gate = gateway()
    gate.start_open()
    for client in network.clients:
        assert gets_through(client, INTERNET4) and gets_through(client, INTERNET6), gate.told()
    load = Load(network, flood_program)
    with world.wire("udp", skip=FLOOD) as wire:
        if how == "openvpn":
            for _ in range(3):
                killed = gate.kill_openvpn()
                wait_for(lambda: gate.openvpns() not in ([], [killed]), "the next openvpn")  # pylint: disable=cell-var-from-loop
                gate.wait(gate="open")
        elif how == "device":
            world.host.ip("link del tun0")
            gate.wait(gate={"locked", "dialling"})
        elif how == "server":
            world.stop_server("udp", "KILL")
            gate.wait(gate={"locked", "dialling"}, seconds=20)
        elif how == "down":
            gate.ctl("down", "--wait", check=True)
        elif how == "daemon":
            gate.kill()
            wait_gone_all(gate)
        else:
            pid = gate.driver()
            os.kill(pid, 9)
            wait_gone(pid, "the driver")
            wait_for(lambda: gate.drivers() not in ([], [pid]), "the next driver")
            gate.wait(gate="open")
        load.stop()
        world.fence(wire)
        wire.assert_clean()
    if how in ("server",):
        world.server("udp")
    if how == "daemon":
        gate.start()
    if how == "down":
        gate.ctl("up", check=True)
    gate.wait(gate="open", seconds=70)
    assert gets_through(network.clients[2], INTERNET4), gate.told("it comes back")
    assert gets_through(network.clients[2], INTERNET6), gate.told("it comes back")


def wait_gone_all(gate):
    """What a killed daemon leaves behind exits by itself: the driver, then openvpn."""
    for pid in gate.drivers() + gate.openvpns():
        wait_gone(pid, "what the daemon had started")


def test_flow_that_was_there_before(world, lan_side, portcullis):
    """A client's connection through a plain router, from before the gate: it continues masqueraded, or not at all."""
    network = lan_side().build()
    world.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    client = network.clients[0]
    world.rtr.ip("route replace 10.60.0.0/24 via 192.168.50.2")
    with client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, world.wire("udp") as wire, Tunnel8(world) as tunnel:
        sock.settimeout(2)
        sock.sendto(b"BEFORE", (INTERNET4, ECHO))
        assert sock.recv(100) == b"BEFORE"
        world.fence(wire)
        assert {str(f.source) for f in wire.seen(b"BEFORE")} == {"10.60.0.11"}, "control: unmasked, in clear"
        wire.frames.clear()
        wire.clear.clear()
        gate = portcullis(settings=interfaces("br0", *PORTS)).start_open()

        def answered():
            sock.sendto(TOKEN, (INTERNET4, ECHO))
            with contextlib.suppress(TimeoutError):
                return sock.recv(100) == TOKEN
            return False
        wait_for(answered, lambda: gate.told("the flow goes on in the tunnel"))
        assert tunnel.sources() == {TUNNEL4}
        gate.ctl("down", "--wait", check=True)
        with contextlib.suppress(OSError):
            sock.sendto(TOKEN, (INTERNET4, ECHO))
        world.fence(wire)
        assert not wire.seen(TOKEN)
        wire.assert_clean()
    world.rtr.ip("route del 10.60.0.0/24")


def Tunnel8(world):  # pylint: disable=invalid-name
    """Waits until the server runs before it uses the server's device."""
    world.server("udp")
    return Tunnel(world)


def test_flushed_by_somebody_else_under_load(world, gateway, flood_program):
    network, gate = gateway()
    gate.start_open()
    load = Load(network, flood_program)
    with world.wire("udp", skip=FLOOD) as wire:
        for command in (("flush", "ruleset"), ("delete", "table", "bridge", "portcullis"),
                        ("flush", "chain", "inet", "portcullis", "forward")):
            world.host.run("nft", *command, check=False)
        gate.ctl("down", "--wait", check=True)
        world.host.run("nft", "flush", "ruleset", check=False)
        load.stop()
        world.fence(wire)
        wire.assert_clean()
    gate.assert_loaded()
    assert "table bridge portcullis" in gate.rules()


def test_boot_before_the_bridge(world, lan_side, portcullis):
    """Locked first; then the links appear, somebody's setting turns forwarding on, and clients send."""
    gate = portcullis(settings=interfaces("br0", *PORTS))
    assert gate.run_daemon("-L").returncode == 0
    world.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    with world.wire("udp") as wire:
        network = lan_side().build()
        assert_shut(network, wire)
        gate.start_open()
        for client in network.clients:
            assert gets_through(client, INTERNET4) and gets_through(client, INTERNET6), gate.told(client.name)
        wire.assert_clean()


def test_lan_side_link_that_comes_later(world, gateway):
    """A link that is named before it exists is on the LAN side from its first moment; one that is not named is shut."""
    network, gate = gateway(links=("br0", "usb0"))
    gate.start_open()
    with world.wire("udp") as wire:
        later = network.client("usb0", 8, master=None, net="61")
        world.host.ip("address add 10.61.0.1/24 dev usb0", "address add fd00:61::1/64 dev usb0 nodad")
        assert gets_through(later, INTERNET4) and gets_through(later, INTERNET6), gate.told()
        # Another network on the LAN side: nothing is forwarded from one to the other.
        assert meet(later, "10.60.0.11", 22)[0] in REFUSED
        stranger = network.client("usb1", 9, master=None, net="62")
        world.host.ip("address add 10.62.0.1/24 dev usb1")
        stranger.call(send_udp, INTERNET4, ECHO, TOKEN)
        assert stranger.call(ask_udp, INTERNET4, ECHO, TOKEN, 0.5) is None
        world.fence(wire)
        wire.assert_clean()


# --- forwarding, off

def forwards(host):
    with host.inside():
        return [open(f"/proc/sys/net/{name}", encoding="ascii").read().strip()  # pylint: disable=consider-using-with
                for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")]


def test_unprotected_forwards_nothing(world, gateway):
    """Forwarding is not turned on before a lock has been verified."""
    holder = hold_names(world.host)
    _, gate = gateway(settings={"on-unprotected": quote("report")})
    gate.start().wait(gate="unprotected")
    assert forwards(world.host) == ["0", "0"]
    holder.close()
    gate.wait(gate="open", seconds=30)
    assert forwards(world.host) == ["1", "1"]


@pytest.mark.parametrize("how", ["daemon", "offline"])
def test_off_stops_forwarding(world, gateway, how):
    network, gate = gateway()
    assert forwards(world.host) == ["0", "0"]
    assert gate.run_daemon("-L").returncode == 0
    assert forwards(world.host) == ["0", "0"], "boot's lock switches nothing on"
    gate.start_open()
    assert forwards(world.host) == ["1", "1"]
    if how == "offline":
        gate.kill()
    with world.wire("udp") as wire:
        gate.ctl("off", *(["--offline"] if how == "offline" else []), check=True)
        assert forwards(world.host) == ["0", "0"]
        assert "portcullis" not in gate.rules()
        network.clients[0].call(send_udp, INTERNET4, ECHO, TOKEN)
        world.fence(wire)
        assert not wire.seen(TOKEN), "off is the machine's, not its clients'"
    if how == "daemon":
        gate.ctl("up", check=True)
        gate.wait(gate="open")
        assert forwards(world.host) == ["1", "1"]
        assert gets_through(network.clients[0], INTERNET4)
        gate.ctl("off", check=True)


def test_forwarding_that_was_on_stays_on(world, gateway):
    _, gate = gateway()
    world.host.sysctl("net.ipv4.ip_forward=1")
    gate.start_open()
    gate.ctl("off", check=True)
    assert forwards(world.host) == ["1", "0"]


def test_without_a_gateway_nothing_of_it_stands(world, lan_side, portcullis):
    """The next configuration has no gateway: the clients count as any other network, and no rule of the gateway is
    left."""
    network = lan_side().build()
    gate = portcullis(settings=interfaces("br0", *PORTS)).start_open()
    assert gets_through(network.clients[0], INTERNET4)
    assert gate.stop() == 0
    gate.configure(gateway=None)
    gate.start_open()
    assert "lan_side" not in gate.rules() and "table bridge" not in gate.rules()
    with world.wire("udp") as wire:
        assert not gets_through(network.clients[0], INTERNET4, tries=1)
        assert meet(network.clients[0], GATEWAY4, 22, seconds=0.3)[0] != 0
        world.fence(wire)
        wire.assert_clean()
