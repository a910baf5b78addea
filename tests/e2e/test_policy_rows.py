"""Single rows of the policy: packets that a row must not let pass. The control of each is a packet that may pass, or
the same packet without the gate."""
import os
import re
import socket
import struct

import pytest

from daemon import GROUP, OPENVPN_USER, programs_with
from netns import Namespace, wait_for
from test_attacks import TOKEN, add_machine, inject, link_local, mac_of, prove, raw_icmp6
from test_flow import gets_inside
from wire import Endpoint
from world import (HOST4, HOST6, INTERNET4, NOBODY, ROOT, ROUTER4, ROUTER6, SERVER4, SERVERS, TUNNEL4, Server, ask_udp,
                   connect_tcp, send_udp)

PORT = 5300


def settle(world):
    """Returns when everything that was injected before has been received, which is so once an ARP request that was sent
    afterwards has been answered."""
    from scapy.all import ARP  # pylint: disable=import-outside-toplevel
    allowed = os.sched_getaffinity(0)
    with world.rtr.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("r0", 0x0806))
        sock.settimeout(3)
        for cpu in allowed:
            os.sched_setaffinity(0, {cpu})
            try:
                question = ARP(op=1, hwsrc=mac_of(world.rtr, "r0"), psrc="192.168.50.77", pdst=HOST4)
                inject(world, question, "ff:ff:ff:ff:ff:ff")
            finally:
                os.sched_setaffinity(0, allowed)
            while True:
                raw = sock.recv(200)
                if raw[20:22] == b"\0\x02" and raw[28:32] == socket.inet_aton(HOST4):
                    break


class Listener:
    """A UDP socket on the machine, and what it received."""

    def __init__(self, world, port=PORT):
        self.world, self.sock = world, world.host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.sock.bind(("::", port))
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def took(self, packet):
        """Is this packet, injected on the wire, delivered?"""
        while self.receive():
            pass
        inject(self.world, packet)
        settle(self.world)
        return self.receive() is not None

    def receive(self):
        try:
            return self.sock.recv(2000)
        except BlockingIOError:
            return None


def counter(world, name):
    """A counter of the machine's /proc/net/snmp6, which counts what the kernel has accepted."""
    text = world.host.run("cat", "/proc/net/snmp6").stdout
    found = re.search(rf"^{name}\s+(\d+)$", text, re.M)
    return int(found.group(1)) if found else 0


def counted(world, name, packet, destination=None):
    before = counter(world, name)
    inject(world, packet, destination)
    settle(world)
    return counter(world, name) > before


def leaves(world, wire, act, *arguments, **more):
    """Does a program's datagram of TOKEN reach the wire?"""
    before = len(wire.seen(TOKEN))
    world.host.call(act, *arguments, **more)
    world.fence(wire)
    return len(wire.seen(TOKEN)) > before


# --- row 3

@pytest.mark.parametrize("uid", [0, NOBODY])
def test_openvpn_group_to_another_port(world, portcullis, uid):
    """The hole is one address, port and protocol: not even openvpn's own group reaches another port of the same server,
    or the same port by another protocol."""
    def act():
        for port in (53, 1195, PORT):
            world.host.call(send_udp, SERVER4, port, TOKEN, "eth0", uid=uid, gid=GROUP)
        world.host.call(connect_tcp, SERVER4, 1194, b"", "eth0", 0, 0.3, uid=uid, gid=GROUP)

    def match(f):
        return TOKEN in f.raw or (f.proto == 6 and str(f.destination) == SERVER4)
    prove(world, portcullis, act, match)


def test_openvpn_group_while_locked(world, portcullis):
    """The endpoint itself: openvpn's group reaches it while open (the control); while locked nobody does."""
    gate = portcullis().start_open()
    with world.wire("udp") as wire:
        assert leaves(world, wire, send_udp, SERVER4, 1194, TOKEN, uid=OPENVPN_USER, gid=GROUP), "control"
        assert not leaves(world, wire, send_udp, SERVER4, 1194, TOKEN, uid=NOBODY)
        gate.ctl("down", "--wait", check=True)
    with world.wire("udp") as wire:
        assert not leaves(world, wire, send_udp, SERVER4, 1194, TOKEN, "eth0", uid=OPENVPN_USER, gid=GROUP)


def test_unasked_from_the_endpoint(world, portcullis):
    """Only replies come from the endpoint: an unsolicited datagram from exactly its port is not delivered."""
    from scapy.all import IP, UDP  # pylint: disable=import-outside-toplevel
    packet = IP(src=SERVER4, dst=HOST4) / UDP(sport=1194, dport=PORT) / TOKEN
    with Listener(world) as listener:
        assert listener.took(packet), "control: without the gate"
    world.fresh_host()
    gate = portcullis().start_open()
    with Listener(world) as listener:
        assert not listener.took(packet), gate.told()
        assert gets_inside(world)


def test_unasked_connection_from_the_endpoint(world, portcullis):
    """The same with TCP: a SYN from exactly the endpoint's port is not delivered."""
    from scapy.all import IP, TCP  # pylint: disable=import-outside-toplevel
    packet = IP(src=SERVER4, dst=HOST4) / TCP(sport=1194, dport=2222, flags="S", seq=1)

    def delivered():
        # A raw socket gets a copy of what reaches TCP.
        with world.host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as sock:
            sock.setblocking(False)
            inject(world, packet)
            settle(world)
            while True:
                try:
                    raw = sock.recv(2000)
                except BlockingIOError:
                    return False
                if raw[20:24] == struct.pack("!HH", 1194, 2222):
                    return True
    assert delivered(), "control: without the gate"
    world.fresh_host()
    gate = portcullis("tcp").start_open()
    assert not delivered(), gate.told("a stranger's SYN was taken in")
    assert gets_inside(world)


# --- row 4

def test_error_about_an_older_connection(world, portcullis):
    """An ICMP error that quotes a connection which conntrack knew before the gate, and which is not the endpoint's, is
    not accepted."""
    from scapy.all import ICMP, IP, UDP  # pylint: disable=import-outside-toplevel
    quoted = IP(src=HOST4, dst=INTERNET4) / UDP(sport=40000, dport=PORT) / b"x"

    def error(mtu):
        return IP(src=ROUTER4, dst=HOST4) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted

    def learned(mtu):
        return f"mtu {mtu}" in world.host.run("ip", "route", "get", INTERNET4, "oif", "eth0").stdout
    world.host.nft("table inet track { chain c { type filter hook output priority 0; ct state new counter; } }")
    with world.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.bind(("", 40000))
        sock.connect((INTERNET4, PORT))
        sock.send(b"x")
        assert sock.recv(10) == b"x"
        inject(world, error(1400))
        wait_for(lambda: learned(1400), "control: the error is taken")
        gate = portcullis().start_open()
        out = world.host.run("conntrack", "-L", "-d", INTERNET4).stdout
        assert "sport=40000" in out, "the connection is not tracked any more: this shows nothing"
        inject(world, error(1000))
        settle(world)
        assert not learned(1000), gate.told("an error about a stranger's connection was let in")


def test_icmp_redirect(world, portcullis):
    """An IPv4 redirect that quotes a connection of the machine is accepted by the bare machine, but does not get past
    the gate."""
    from scapy.all import ICMP, IP, UDP  # pylint: disable=import-outside-toplevel
    elsewhere = "192.168.50.9"
    redirect = (IP(src=ROUTER4, dst=HOST4) / ICMP(type=5, code=1, gw=elsewhere)
                / IP(src=HOST4, dst=INTERNET4) / UDP(sport=40000, dport=PORT) / b"x")

    def arm():
        world.host.sysctl("net.ipv4.conf.all.accept_redirects=1", "net.ipv4.conf.eth0.accept_redirects=1",
                          "net.ipv4.conf.eth0.secure_redirects=0", "net.ipv4.conf.all.secure_redirects=0")
        world.host.ip(f"neigh add {elsewhere} lladdr 02:00:00:00:00:09 dev eth0")
        world.host.nft("table inet track { chain c { type filter hook output priority 0; ct state new counter; } }")
        sock = world.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 40000))
        sock.connect((INTERNET4, PORT))
        sock.settimeout(2)
        sock.send(b"x")
        assert sock.recv(10) == b"x"
        return sock

    def followed():
        # Looked up with the machine's own source address, so that it uses the table that a redirect would change, not
        # the gate's table.
        return f"via {elsewhere}" in world.host.run("ip", "route", "get", INTERNET4, "from", HOST4).stdout
    with arm():
        inject(world, redirect)
        wait_for(followed, "control: the redirect is taken")
    world.fresh_host()
    with arm():
        gate = portcullis()
        assert gate.run_daemon("-L").returncode == 0
        assert "sport=40000" in world.host.run("conntrack", "-L", "-d", INTERNET4).stdout
        inject(world, redirect)
        settle(world)
        assert not followed(), gate.told("a redirect was taken in")


# --- rows 2 and 10

@pytest.fixture
def local(world):
    """Gives the machine a LAN on the wire to talk to, and switches off what would hide a mistake in the rules."""
    def arm():
        world.host.sysctl(*[f"net.ipv4.conf.{link}.{key}" for link in ("all", "eth0")
                            for key in ("accept_local=1", "rp_filter=0")])
        world.host.ip(f"route add fd77::/64 via {ROUTER6} dev eth0")
    arm()
    return arm


def send_from(source, address):
    """A datagram by eth0, from one of the machine's own addresses."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.bind((source, 0))
        try:
            sock.sendto(TOKEN, (address, PORT))
        except OSError:
            pass


def tunnel_address6(world):
    out = world.host.run("ip", "-6", "-o", "address", "show", "dev", "tun0", "scope", "global").stdout
    return out.split()[3].split("/")[0]


@pytest.mark.parametrize("state", ["dialling", "open"])
def test_tunnel_address_in_the_local_network(world, portcullis, local, state, faulty_daemon):  # pylint: disable=redefined-outer-name
    """With lan = true: the tunnel's address is in a private range, but nothing goes to or from it on the wire from the
    moment it is known."""
    from scapy.all import IP, IPv6, UDP  # pylint: disable=import-outside-toplevel
    # The gate stops itself between the address and CONNECTED: the rules stay in the kernel.
    held = {"programs": programs_with(f"{ROOT}/held", portcullisd=faulty_daemon),
            "environment": {"PORTCULLIS_FAULT": "device-set:1:stop"}} if state == "dialling" else {}
    gate = portcullis(settings={"lan": "true"}, **held).start()
    if state == "dialling":
        wait_for(lambda: gate.set_members("tunnel_address4") and gate.set_members("tunnel_address6"),
                 lambda: gate.told("the address told"))
        assert gate.kernel_gate() == "dialling"
        wait_for(lambda: TUNNEL4 in world.host.run("ip", "address", "show", "dev", "tun0").stdout, "the address set")
    else:
        gate.wait(gate="open")
    six = wait_for(lambda: tunnel_address6(world), "the tunnel's IPv6 address")
    udp = UDP(sport=40000, dport=PORT) / TOKEN
    with Listener(world) as listener, world.wire("udp") as wire:
        assert listener.took(IP(src=ROUTER4, dst=HOST4) / udp), gate.told("control: the LAN is let in")
        assert listener.took(IPv6(src="fd77::1", dst=HOST6) / udp), gate.told("control: the LAN is let in by IPv6")
        for packet in (IP(src=ROUTER4, dst=TUNNEL4) / udp, IP(src=TUNNEL4, dst=HOST4) / udp,
                       IPv6(src="fd77::1", dst=six) / udp, IPv6(src=six, dst=HOST6) / udp):
            assert not listener.took(packet), gate.told(packet.summary())
        for source, address, good in ((TUNNEL4, ROUTER4, HOST4), (six, "fd77::1", HOST6)):
            assert leaves(world, wire, send_from, good, address, uid=NOBODY), gate.told(f"control: {good} to {address}")
            assert not leaves(world, wire, send_from, source, address, uid=NOBODY), gate.told(f"{source} to {address}")
        if state == "dialling":
            assert gate.kernel_gate() == "dialling", "it took too long"


def test_networks_of_the_tunnel_are_not_local(world, portcullis, local):  # pylint: disable=redefined-outer-name
    """With lan = true, the networks of the tunnel stay shut on the wire, in both directions."""
    from scapy.all import IP, IPv6, UDP  # pylint: disable=import-outside-toplevel
    world.host.ip(f"route add fd00:8::77 via {ROUTER6} dev eth0")
    gate = portcullis(settings={"lan": "true"}).start_open()
    udp = UDP(sport=40000, dport=PORT) / TOKEN
    with Listener(world) as listener, world.wire("udp") as wire:
        for good, bad in (("10.9.0.77", "10.8.0.77"), ("fd77::77", "fd00:8::77")):
            head = IPv6(dst=HOST6) if ":" in bad else IP(dst=HOST4)
            for address, wanted in ((good, True), (bad, False)):
                head.src = address
                assert listener.took(head / udp) == wanted, gate.told(f"from {address}")
                assert leaves(world, wire, send_udp, address, PORT, TOKEN, "eth0", uid=NOBODY) == wanted, \
                    gate.told(f"to {address}")


# --- row 6

def test_dhcp_renewal_by_unicast(world, portcullis):
    """A client renews its lease at the server from an ordinary socket: while locked root's packets to port 67 pass, and
    nobody else's."""
    world.host.sysctl("net.ipv4.ip_unprivileged_port_start=0")
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0

    def renew(address, port, sport):
        send_udp(address, port, TOKEN, "eth0", sport=sport)
    with world.wire("udp") as wire:
        assert leaves(world, wire, renew, ROUTER4, 67, 68), gate.told("control: a renewal is stopped")
        assert not leaves(world, wire, renew, ROUTER4, 67, 68, uid=NOBODY)
        assert not leaves(world, wire, renew, ROUTER4, 68, 68)
        assert not leaves(world, wire, renew, ROUTER4, 67, 67)
        assert not leaves(world, wire, renew, INTERNET4, 67, 68)
        wire.assert_clean()


def test_dhcp_answers_of_a_stranger(world, portcullis):
    """DHCPv6 answers come from link-local servers only, and to the link-local address."""
    from scapy.all import IPv6, UDP  # pylint: disable=import-outside-toplevel
    own, router = link_local(world.host, "eth0"), link_local(world.rtr, "r0")
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0
    with Listener(world, 546) as listener:
        def took(source, destination, sport=547):
            return listener.took(IPv6(src=source, dst=destination) / UDP(sport=sport, dport=546) / TOKEN)
        assert took(router, own), gate.told("control: a server of the link is heard")
        assert not took(ROUTER6, own) and not took(router, HOST6) and not took(router, own, 546), gate.told()


# --- row 7

def test_router_of_another_link(world, portcullis):
    """A router advertisement from a global address, or one that has been forwarded, is not accepted."""
    from scapy.all import ICMPv6ND_RA, IPv6  # pylint: disable=import-outside-toplevel
    router, everybody = link_local(world.rtr, "r0"), "33:33:00:00:00:01"
    gate = portcullis()
    assert gate.run_daemon("-L").returncode == 0

    def took(source, hops=255, code=0):
        advert = IPv6(src=source, dst="ff02::1", hlim=hops) / ICMPv6ND_RA(code=code)
        return counted(world, "Icmp6InRouterAdvertisements", advert, everybody)
    assert took(router), gate.told("control: the link's router is heard")
    assert not took(ROUTER6) and not took(router, 254) and not took(router, 255, 1), gate.told()


def test_redirects_in_the_local_network(world, portcullis):
    """With lan = true the whole link is allowed, but redirects are not, in either direction."""
    from scapy.all import ICMPv6EchoRequest, ICMPv6ND_Redirect, IPv6  # pylint: disable=import-outside-toplevel
    router, own = link_local(world.rtr, "r0"), link_local(world.host, "eth0")
    gate = portcullis(settings={"lan": "true"})
    assert gate.run_daemon("-L").returncode == 0
    assert counted(world, "Icmp6InEchos", IPv6(src=router, dst=own) / ICMPv6EchoRequest()), gate.told("control")
    redirect = IPv6(src=router, dst=own, hlim=255) / ICMPv6ND_Redirect(tgt=router, dst="2001:db8:80::80")
    assert not counted(world, "Icmp6InRedirects", redirect), gate.told("a redirect was taken in")
    with world.wire("udp") as wire:
        assert leaves(world, wire, raw_icmp6, 128, 0, 255, router), gate.told("control: an echo request leaves")
        assert not leaves(world, wire, raw_icmp6, 137, 0, 255, router), gate.told("a redirect left")


# --- row 9

def routed_server():
    """A server that knows the network behind the machine: what it sends there comes out of the tunnel."""
    if "routed" not in SERVERS:
        os.makedirs(f"{ROOT}/ccd", exist_ok=True)
        with open(f"{ROOT}/ccd/client", "w", encoding="ascii") as file:
            file.write("iroute 192.168.77.0 255.255.255.0\n")
        SERVERS["routed"] = Server("routed", Endpoint(SERVER4, 1203, "udp"), 30, [
            "--route", "192.168.77.0", "255.255.255.0", "--client-config-dir", f"{ROOT}/ccd"])
    return "routed"


def test_unasked_to_a_forwarded_machine(world, portcullis):
    """A machine behind this one gets answers to what it asked for through the tunnel, and nothing unsolicited."""
    server = routed_server()

    def arm():
        machine = add_machine(world)
        world.host.ip("address add 192.168.77.1/24 dev vm0")
        world.host.sysctl("net.ipv4.ip_forward=1")
        machine.ip("route add default via 192.168.77.1")
        sock = machine.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", PORT))
        sock.settimeout(2)
        return machine, sock

    def unasked(machine, sock):
        """An unsolicited datagram, then an answer that was asked for: what arrives, in this order."""
        world.srv.call(send_udp, "192.168.77.2", PORT, b"UNASKED")
        sock.sendto(b"ASKED", (INTERNET4, PORT))
        got = [sock.recv(100)]
        if got == [b"UNASKED"]:
            got.append(sock.recv(100))
        assert machine.call(ask_udp, INTERNET4, PORT, b"again") == b"again"
        return got
    machine, sock = arm()
    with sock:
        world.bare_vpn(server)
        assert unasked(machine, sock) == [b"UNASKED", b"ASKED"], "control"
    world.fresh_host()
    machine, sock = arm()
    with sock:
        gate = portcullis(server).start_open()
        assert unasked(machine, sock) == [b"ASKED"], gate.told("an unasked datagram was forwarded")
    Namespace("vm").destroy()
