"""The catalogue of leaks and attacks: each is shown to work without the gate, and is then tried against the gate, open
and locked. docs/security.md lists them by the names of these tests, with what remains possible."""
import contextlib
import os
import signal
import socket
import struct

import pytest

from netns import Namespace, wait_for, wait_gone
from world import (HOST4, HOST6, INTERNET4, INTERNET6, NOBODY, ROUTER4, ROUTER6, SERVER4, TUNNEL4, ask_udp, connect_tcp,
                   send_udp)
from wire import ARP

TOKEN = b"PORTCULLIS-LEAK"


def attempt(world, wire, act, match):
    """Carries out the attack. Returns those of its frames that arrived at the far end."""
    act()
    world.fence(wire)
    return wire.seen(match)


def prove(world, portcullis, act, match=TOKEN, server="udp", states=("open", "locked"), before=None, settings=None):
    """With openvpn alone, the attack leaks. With the gate, neither it nor anything else gets a frame out.

    `before`: what the attacker prepares on the fresh machine."""
    def arm():
        world.fresh_host()
        if before:
            before()

    arm()
    with world.wire(server) as wire:
        world.bare_vpn(server)
        assert attempt(world, wire, act, match), "the control shows no leak: this test proves nothing"
    # The capture starts after the lock: what the new machine's kernel sends before that (a late IGMP report) is no
    # leak.
    arm()
    gate = portcullis(server, settings=settings).start_open()
    with world.wire(server) as wire:
        check(world, wire, act, match, gate)
    if "locked" in states:
        gate.ctl("down", "--wait", check=True)
        gate.wait(gate="locked")
        with world.wire(server) as wire:
            check(world, wire, act, match, gate)
    return gate


def check(world, wire, act, match, gate):
    gate.assert_loaded()
    leaked = attempt(world, wire, act, match)
    assert not leaked, gate.told(f"{len(leaked)} frames of the attack left: {leaked[0]}")
    wire.assert_clean()


# --- A.1 routing

def test_tunnelvision_host_route(world, portcullis):
    """CVE-2024-3661: a route more specific than the VPN's points past the tunnel."""
    def act():
        world.host.ip(f"route replace {INTERNET4}/32 via {ROUTER4} dev eth0")
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)
    prove(world, portcullis, act)


def test_localnet_public_prefix(world, portcullis):
    """CVE-2023-36672: the network claims that a public prefix is local; not even an ARP request may leave."""
    def act():
        world.host.ip("address replace 198.51.100.2/24 dev eth0")
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)

    def match(f):
        return TOKEN in f.raw or (f.type == ARP and f.raw[38:42] == socket.inet_aton(INTERNET4))
    prove(world, portcullis, act, match)


@pytest.mark.parametrize("uid", [0, NOBODY])
def test_serverip_other_ports(world, portcullis, uid):
    """CVE-2023-36671: the host route to the server carries every program's traffic to that address, which may also be
    the address of the VPN's exit."""
    def act():
        world.host.call(send_udp, SERVER4, 53, TOKEN, uid=uid)
        world.host.call(send_udp, SERVER4, 5300, TOKEN, uid=uid)
        world.host.call(connect_tcp, SERVER4, 443, uid=uid)
        world.host.call(connect_tcp, SERVER4, 1194, uid=uid)

    def match(f):
        return TOKEN in f.raw or (f.proto == 6 and str(f.destination) == SERVER4)
    prove(world, portcullis, act, match)


@pytest.mark.parametrize("uid", [0, NOBODY])
def test_serverip_same_port(world, portcullis, uid):
    """Another program sends to exactly the endpoint of the hole: only openvpn's own group may."""
    prove(world, portcullis, lambda: world.host.call(send_udp, SERVER4, 1194, TOKEN, uid=uid))


def test_rogue_router_advertisement(world, portcullis):
    """An IPv6 router announces a more specific route."""
    def act():
        advertise_route(world)
        world.host.call(send_udp, INTERNET6, 5300, TOKEN, uid=NOBODY)

    def before():
        world.host.sysctl("net.ipv6.conf.eth0.accept_ra=2", "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen=64")
    prove(world, portcullis, act, before=before)


def advertise_route(world):
    from scapy.all import ICMPv6ND_RA, ICMPv6NDOptRouteInfo, IPv6  # pylint: disable=import-outside-toplevel
    advert = (IPv6(src=link_local(world.rtr, "r0"), dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800)
              / ICMPv6NDOptRouteInfo(plen=64, prf=1, rtlifetime=1800, prefix="2001:db8:80::", len=2))
    inject(world, advert, "33:33:00:00:00:01")
    wait_for(lambda: "2001:db8:80::/64" in world.host.run("ip", "-6", "route").stdout, "the rogue route")


def link_local(ns, link):
    def address():
        out = ns.run("ip", "-6", "-o", "address", "show", "dev", link, "scope", "link").stdout
        return out.split()[3].split("/")[0] if "fe80" in out and "tentative" not in out else None
    return wait_for(address, f"link-local address of {link}")


def mac_of(ns, link):
    with ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((link, 0))
        return sock.getsockname()[4].hex(":")


def inject(world, packet, destination=None, link="r0", host_link="eth0"):
    """The attacker sends a frame of their own making onto the wire."""
    from scapy.all import Ether  # pylint: disable=import-outside-toplevel
    frame = bytes(Ether(src=mac_of(world.rtr, link), dst=destination or mac_of(world.host, host_link)) / packet)
    with world.rtr.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((link, 0))
        sock.send(frame)


@pytest.mark.parametrize("address", [INTERNET4, INTERNET6])
def test_bound_to_the_device(world, portcullis, address):
    """SO_BINDTODEVICE needs no privilege: a program chooses the physical link itself."""
    def act():
        world.host.call(send_udp, address, 5300, TOKEN, "eth0", uid=NOBODY)
        world.host.call(connect_tcp, address, 443, TOKEN, "eth0", uid=NOBODY)

    def match(f):
        return TOKEN in f.raw or f.proto == 6
    prove(world, portcullis, act, match)


# --- A.2 injection and inference

def test_cve_2019_14899_probe(world, portcullis):
    """A neighbour probes for the tunnel's address on the physical link; an answer would show that it is ours."""
    from scapy.all import IP, TCP  # pylint: disable=import-outside-toplevel

    def act():
        inject(world, IP(src=ROUTER4, dst=TUNNEL4) / TCP(sport=443, dport=40000, flags="SA"))
        inject(world, IP(src=INTERNET4, dst=TUNNEL4) / TCP(sport=443, dport=40001, flags="SA"))

    def match(f):
        return f.proto == 6 and f.sport in (40000, 40001)
    prove(world, portcullis, act, match, states=("open",))


def test_probe_of_the_host_gets_no_answer(world, portcullis):
    """Inbound SYN, UDP to a closed port, and echo requests: no reset, no unreachable, no echo."""
    from scapy.all import ICMP, IP, IPv6, ICMPv6EchoRequest, TCP, UDP  # pylint: disable=import-outside-toplevel

    def act():
        inject(world, IP(src=ROUTER4, dst=HOST4) / TCP(sport=40000, dport=22, flags="S"))
        inject(world, IP(src=ROUTER4, dst=HOST4) / UDP(sport=40000, dport=9) / b"x")
        inject(world, IP(src=ROUTER4, dst=HOST4) / ICMP() / b"x")
        inject(world, IPv6(src=ROUTER6, dst=HOST6) / ICMPv6EchoRequest())

    def match(f):
        return f.proto in (1, 6) or (f.proto == 58 and f.icmp in (1, 129))
    prove(world, portcullis, act, match)


def test_server_with_a_stranger_certificate(world, portcullis):
    """Port shadow, spoofed names, a rogue server: the certificate decides, so the gate never opens for them."""
    world.server("stranger")
    with world.wire("stranger") as wire:
        gate = portcullis(profile=world.profile("stranger")).start()
        gate.wait(gate={"locked", "dialling"})
        with gate.watch() as watch:
            watch.until(tunnel="waiting")
            watch.until(tunnel="connecting")
        assert "open" not in {line["gate"] for line in watch.lines}
        wire.assert_clean()
        assert wire.counts["outer"], "it never even dialled"
        # The control: when the same server is trusted, the gate opens.
        gate.stop()
        gate.write(world.profile("stranger", authority="other-ca"))
        gate.start_open()


# --- A.3 names

DNS = [(address, port) for address in (ROUTER4, INTERNET4) for port in (53, 853, 443)]


@pytest.mark.parametrize("lan", [False, True])
def test_dns_past_the_tunnel(world, portcullis, lan):
    """Scoped and fallback resolvers: plain DNS and DNS over TLS to the router and to the world, bound to the link. With
    lan = true, traffic to the router is allowed, but DNS is not."""
    ports = [(a, p) for a, p in DNS if not lan or (a, p) != (ROUTER4, 443)]

    def act():
        for address, port in ports:
            world.host.call(send_udp, address, port, TOKEN, "eth0", uid=NOBODY)
            world.host.call(connect_quick, address, port, uid=NOBODY)

    def match(f):
        return f.proto in (6, 17) and f.dport in (53, 853, 443)
    prove(world, portcullis, act, match, settings={"lan": "true" if lan else "false"})


def connect_quick(address, port):
    return connect_tcp(address, port, device="eth0", seconds=0.2)


def test_local_discovery(world, portcullis):
    """mDNS, LLMNR, NetBIOS, SSDP, WS-Discovery, broadcasts: names of the machine, and what it looks for."""
    targets = [("224.0.0.251", 5353), ("224.0.0.252", 5355), ("192.168.50.255", 137), ("192.168.50.255", 138),
               ("239.255.255.250", 1900), ("239.255.255.250", 3702), ("255.255.255.255", 9999),
               ("ff02::fb", 5353), ("ff02::1:3", 5355), ("ff02::c", 1900)]

    def act():
        for address, port in targets:
            world.host.call(send_udp, address, port, TOKEN, "eth0", uid=NOBODY)

    def match(f):
        return f.proto == 17 and TOKEN in f.raw
    gate = prove(world, portcullis, act, match)
    assert gate.status()["gate"] == "locked"


def test_server_name_never_resolved(world, portcullis):
    """A profile with a server name: nothing tries to resolve it while shut; there is one error line, and the gate stays
    locked."""
    profile = world.profile("udp").replace(f"remote {SERVER4}", "remote vpn.example.net")
    with world.wire("udp") as wire:
        world.host.call(send_udp, INTERNET4, 53, TOKEN)
        world.fence(wire)
        assert wire.seen(TOKEN), "control"
    with world.wire("udp") as wire:
        gate = portcullis(profile=profile).start()
        wait_for(lambda: "vpn.example.net" in gate.log(), lambda: gate.told("a line that names the server"))
        gate.wait(gate="locked")
        world.fence(wire)
        assert not wire.seen(lambda f: f.proto in (6, 17))
        wire.assert_clean()


# --- A.4 windows in time

class Sender:
    """A program that sends without a pause during the test."""

    def __init__(self, world, program, *options):
        import subprocess  # pylint: disable=import-outside-toplevel
        self.process = world.host.popen(program, *options, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def stop(self):
        """(attempts, accepted by the kernel, microseconds)"""
        self.process.terminate()
        out = self.process.stdout.readline()
        self.process.wait(5)
        return tuple(map(int, out.split()))


FLOOD = b"PORTCULLIS-FLOOD"


@pytest.mark.parametrize("protected", [False, True])
def test_boot_before_the_link(world, portcullis, flood_program, protected):
    """Programs send before the network exists: -L at boot, then the link, then the daemon."""
    world.fresh_host(up=False)
    gate = portcullis()
    if protected:
        done = gate.run_daemon("-L")
        assert done.returncode == 0, done.stderr
    with world.wire("udp") as wire:
        sender = Sender(world, flood_program, "-6", INTERNET6, "-b", "eth0")
        world.link_up()
        if protected:
            gate.start_open()
            wire_clean = True
        else:
            wait_for(lambda: wire.seen(FLOOD), "the control's leak at boot")
            wire_clean = False
        attempts, _, _ = sender.stop()
        assert attempts > 0
        if wire_clean:
            world.fence(wire)
            wire.assert_clean()


def test_start_over_a_running_sender(world, portcullis, flood_program):
    """A late start: what was sent before it has leaked, but nothing leaves once the gate is reported locked."""
    with world.wire("udp") as before:
        sender = Sender(world, flood_program, "-6", INTERNET6, "-b", "eth0", "-t", "20")
        wait_for(lambda: before.seen(FLOOD), "the control's leak")
        gate = portcullis().start_open()
    with world.wire("udp") as wire:
        world.fence(wire)
        wire.assert_clean()
        gate.ctl("down", "--wait")
        world.fence(wire)
        sender.stop()
        wire.assert_clean()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_daemon_ends_under_a_sender(world, portcullis, flood_program, sig):
    """The daemon ends, by a shutdown, a crash or the OOM killer: the rules stay in the kernel, and nothing leaves."""
    gate = portcullis().start_open()
    sender = Sender(world, flood_program, "-6", INTERNET6, "-b", "eth0")
    with world.wire("udp", skip="host 203.0.113.10 and udp port 1194") as wire:
        gate.kill(sig)
        wait_for(lambda: not gate.openvpns(), "openvpn gone with the daemon")
        world.fence(wire)
        gate.assert_loaded()
        attempts, _, _ = sender.stop()
        wire.assert_clean()
        assert attempts > 1000
    # The control: the same sender after the rules have been removed.
    with world.wire("udp") as wire:
        world.host.without_walls()
        world.host.call(send_udp, INTERNET4, 5300, TOKEN)
        world.fence(wire)
        assert wire.seen(TOKEN)


def test_connection_older_than_the_gate(world, portcullis):
    """A connection from before the lock must not continue, although it is established."""
    def open_connection():
        sock = world.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.connect((INTERNET4, 443))
        sock.sendall(TOKEN)
        assert sock.recv(100) == TOKEN
        return sock

    with open_connection() as sock, world.wire("udp") as wire:
        sock.sendall(TOKEN)
        world.fence(wire)
        assert wire.seen(TOKEN), "control"
        gate = portcullis().start()
        gate.wait(gate={"locked", "dialling", "open"})
        world.fence(wire)
        with world.wire("udp") as after:
            with contextlib.suppress(OSError):
                sock.sendall(TOKEN)
            gate.wait(gate="open")
            with contextlib.suppress(OSError):
                sock.sendall(TOKEN)
            gate.ctl("down", "--wait")
            with contextlib.suppress(OSError):
                sock.sendall(TOKEN)
            world.fence(after)
            after.assert_clean()


@pytest.mark.quiet
def test_openvpn_killed_under_a_sender(world, portcullis, flood_program):
    """The routes disappear with openvpn, and the default route takes over: shut at once."""
    skip = "host 203.0.113.10 and udp port 1194"
    vpn = world.bare_vpn()
    sender = Sender(world, flood_program)
    with world.wire("udp", skip=skip) as wire:
        vpn.kill()
        wait_for(lambda: wire.drain().clear, "the control's leak")
    sender.stop()
    world.fresh_host()
    gate = portcullis().start_open()
    sender = Sender(world, flood_program)
    with world.wire("udp", skip=skip) as wire:
        for _ in range(3):
            killed = gate.kill_openvpn()
            wait_for(lambda: gate.openvpns() not in ([], [killed]), "the next openvpn")  # pylint: disable=cell-var-from-loop
            gate.wait(gate="open")
        sender.stop()
        world.fence(wire)
        wire.assert_clean()


def test_wake_with_a_dead_tunnel(world, portcullis):
    """A simulated wake-up: openvpn is stopped, the link flaps, the tunnel's routes are gone, programs send."""
    def shake(pid):
        os.kill(pid, signal.SIGSTOP)
        world.host.ip("link set eth0 down", "link set eth0 up", f"route replace default via {ROUTER4}")
        world.host.run("ip", "route", "flush", "dev", "tun0", check=False)
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)

    vpn = world.bare_vpn()
    with world.wire("udp") as wire:
        shake(vpn.process.pid)
        world.fence(wire)
        assert wire.seen(TOKEN), "control"
    world.fresh_host()
    gate = portcullis().start_open()
    with world.wire("udp") as wire:
        stopped = gate.openvpn()
        shake(stopped)
        world.fence(wire)
        wire.assert_clean()
        # The VPN must also come back: the stopped process is ended, and another one dials.
        gate.ctl("reconnect", check=True)
        wait_gone(stopped, "the stopped openvpn")
        gate.wait(gate="open")
        wire.assert_clean()


def test_hotplugged_link(world, portcullis):
    """A new link with routes that are preferred to the VPN's."""
    def act():
        if "eth1" not in world.host.links():
            world.rtr.run("ip", "link", "del", "r2", check=False)
            world.rtr.ip("link add r2 type veth peer name eth1 netns host", "address add 192.168.60.1/24 dev r2",
                         "link set r2 up")
            wires.append(type(world.wire())(world.rtr, "r2", []))
            world.host.ip("address add 192.168.60.2/24 dev eth1", "link set eth1 up",
                          *[f"route add {net}/2 via 192.168.60.1" for net in ("0.0.0.0", "64.0.0.0", "128.0.0.0",
                                                                               "192.0.0.0")])
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)
        raw_frame(world, "eth1")
        world.fence(wires[-1], "eth1")

    wires = []
    world.bare_vpn()
    act()
    assert len(wires[-1].seen(TOKEN)) >= 2, "control: by routes and by a raw frame"
    world.fresh_host()
    gate = portcullis().start_open()
    world.host.ip("link add eth1 type veth peer name r2 netns rtr")  # before it is up, as hotplug does
    world.rtr.ip("address add 192.168.60.1/24 dev r2", "link set r2 up")
    with type(world.wire())(world.rtr, "r2", []) as wire:
        world.host.ip("address add 192.168.60.2/24 dev eth1", "link set eth1 up",
                      "route add 198.51.100.0/25 via 192.168.60.1")
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, uid=NOBODY)
        wait_for(lambda: 'device "eth1"' in gate.rules(), lambda: gate.told("an egress chain on the new link"))
        raw_frame(world, "eth1")
        world.fence(wire, "eth1")
        wire.assert_clean()
    for each in wires:
        each.close()


def raw_frame(world, link, bypass=False):
    """A whole frame that bypasses the IP stack, sent by root: a datagram to the internet."""
    from scapy.all import IP, UDP, Ether  # pylint: disable=import-outside-toplevel
    with world.host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        if bypass:
            sock.setsockopt(263, 20, 1)  # PACKET_QDISC_BYPASS
        sock.bind((link, 0))
        source = sock.getsockname()[4].hex(":")
        with contextlib.suppress(OSError):
            sock.send(bytes(Ether(src=source, dst="ff:ff:ff:ff:ff:ff") / IP(src=HOST4, dst=INTERNET4)
                            / UDP(sport=40000, dport=5300) / TOKEN))


# --- A.5 other layers

@pytest.mark.parametrize("address", [INTERNET6, "fdff:1234::1", ROUTER6])
def test_ipv6_beside_a_tunnel_for_ipv4(world, portcullis, address):
    """Global, unique local and on-link IPv6 with a tunnel that carries IPv4 only."""
    prove(world, portcullis, lambda: world.host.call(send_udp, address, 5300, TOKEN, uid=NOBODY), server="v4only")


PROTOCOLS = {"icmp": 1, "igmp": 2, "6in4": 41, "gre": 47, "esp": 50, "ah": 51, "sctp": 132, "unassigned": 253}


def raw_ip(proto, payload, address=INTERNET4):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, proto) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        try:
            sock.sendto(payload, (address, 0))
            return 0
        except OSError as problem:
            return problem.errno


@pytest.mark.parametrize("name", PROTOCOLS)
def test_other_protocols(world, portcullis, name):
    """Nothing passes just because it is not TCP or UDP."""
    payload = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + TOKEN  # an echo request, where that means something
    address = "239.1.2.3" if name == "igmp" else INTERNET4
    prove(world, portcullis, lambda: world.host.call(raw_ip, PROTOCOLS[name], payload, address))


def need_link_type(world, kind):
    """Skips, and says so, if the kernel was built without this type of link."""
    made = world.host.run("ip", "link", "add", "probe0", "link", "eth0", "type", *kind.split(), check=False)
    if "Unknown device type" in made.stderr:
        pytest.skip(f"this kernel has no {kind.split()[0]}")
    world.host.run("ip", "link", "del", "probe0", check=False)


def add_machine(world, name="vm", address="192.168.77.2/24", link="vm0"):
    """A virtual machine or container behind the host: a namespace and a veth."""
    machine = Namespace(name)
    if os.path.exists(machine.path):
        machine.destroy()
    machine.create()
    world.host.ip(f"link add {link} type veth peer name eth0 netns {name}", f"link set {link} up")
    machine.ip(f"address add {address} dev eth0", "link set eth0 up")
    return machine


def test_forwarded_machine(world, portcullis):
    """A container or virtual machine behind the host, routed past the tunnel."""
    def before():
        world.machine = add_machine(world)
        world.host.ip("address add 192.168.77.1/24 dev vm0")
        world.host.sysctl("net.ipv4.ip_forward=1")
        world.machine.ip("route add default via 192.168.77.1")

    def act():
        world.host.ip(f"route replace {INTERNET4}/32 via {ROUTER4} dev eth0")
        world.machine.call(send_udp, INTERNET4, 5300, TOKEN)
    prove(world, portcullis, act, before=before)


def test_forwarded_flow_after_the_tunnel_died(world, portcullis):
    """A forwarded flow that was translated to the tunnel's address must not continue over the physical link."""
    def arm():
        world.fresh_host()
        world.machine = add_machine(world)
        world.host.ip("address add 192.168.77.1/24 dev vm0")
        world.host.sysctl("net.ipv4.ip_forward=1")
        world.machine.ip("route add default via 192.168.77.1")
        world.host.nft('table ip masq { chain post { type nat hook postrouting priority srcnat; '
                       'oifname "tun*" masquerade; } }')
        return world.machine.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with arm() as sock, world.wire("udp") as wire:
        vpn = world.bare_vpn()
        sock.settimeout(2)
        sock.sendto(TOKEN, (INTERNET4, 5300))
        assert sock.recv(100) == TOKEN, "the machine has no way through the tunnel"
        vpn.kill()
        sock.sendto(TOKEN, (INTERNET4, 5300))
        world.fence(wire)
        assert wire.seen(TOKEN), "control"
    with arm() as sock, world.wire("udp") as wire:
        gate = portcullis().start_open()
        sock.settimeout(2)
        sock.sendto(TOKEN, (INTERNET4, 5300))
        assert sock.recv(100) == TOKEN, gate.told("the machine has no way through the tunnel")
        gate.ctl("down", "--wait", check=True)
        sock.sendto(TOKEN, (INTERNET4, 5300))
        world.fence(wire)
        wire.assert_clean()


@pytest.mark.parametrize("filtered", [0, 1])
def test_bridged_machine(world, portcullis, filtered):
    """A virtual machine bridged to the wire: only the egress hook sees its frames."""
    def before():
        world.host.run("ip", "address", "flush", "dev", "eth0")
        world.host.ip("link add br0 type bridge", "link set eth0 master br0", "link set br0 up",
                      f"address add {HOST4}/24 dev br0", f"route replace default via {ROUTER4}")
        world.machine = add_machine(world, address="192.168.50.9/24")
        world.host.ip("link set vm0 master br0")
        world.machine.ip(f"route add default via {ROUTER4}")
        # A first exchange while nothing filters teaches the machines each other's hardware address, so that the attack
        # is a single datagram.
        with contextlib.suppress(FileNotFoundError):
            world.host.sysctl(f"net.bridge.bridge-nf-call-iptables={filtered}")
        world.machine.call(ask_udp, INTERNET4, 5300, b"first")

    prove(world, portcullis, lambda: world.machine.call(send_udp, INTERNET4, 5300, TOKEN), before=before)


@pytest.mark.parametrize("kind", ["macvlan mode bridge", "ipvlan mode l2"])
def test_macvlan_container(world, portcullis, kind):
    """A container with a link of its own on top of the physical one: it bypasses the host's IP stack."""
    need_link_type(world, kind)

    def before():
        world.machine = Namespace("vm")
        if os.path.exists(world.machine.path):
            world.machine.destroy()
        world.machine.create()
        world.host.ip(f"link add mv0 link eth0 type {kind}", "link set mv0 netns vm")
        world.machine.ip("address add 192.168.50.9/24 dev mv0", "link set mv0 up", f"route add default via {ROUTER4}")
        world.machine.call(ask_udp, INTERNET4, 5300, b"first")
    prove(world, portcullis, lambda: world.machine.call(send_udp, INTERNET4, 5300, TOKEN), before=before)


@pytest.mark.parametrize("bypass", [False, True])
def test_packet_socket(world, portcullis, bypass):
    """A frame written to the device by root, with and without the queueing layer."""
    prove(world, portcullis, lambda: raw_frame(world, "eth0", bypass))


def test_raw_socket_with_its_own_header(world, portcullis):
    """IP_HDRINCL: a datagram that claims to be DHCP, from root, to the internet."""
    from scapy.all import IP, UDP  # pylint: disable=import-outside-toplevel
    packet = bytes(IP(src=HOST4, dst=INTERNET4) / UDP(sport=68, dport=67) / TOKEN)
    prove(world, portcullis, lambda: world.host.call(raw_ip, 255, packet))


# --- A.6 what the rows that let something pass could be misused for

@pytest.mark.parametrize("uid,address", [(0, INTERNET4), (NOBODY, INTERNET4), (NOBODY, ROUTER4),
                                         (NOBODY, "255.255.255.255")])
def test_dhcp_shaped_traffic(world, portcullis, uid, address):
    """Ports 68 to 67: to an address of the internet from anybody, or to any address from a user who is not root."""
    def before():
        world.host.sysctl("net.ipv4.ip_unprivileged_port_start=0")
    prove(world, portcullis, lambda: world.host.call(send_from_68, address, uid=uid), before=before)


def send_from_68(address):
    return send_udp(address, 67, TOKEN, "eth0", sport=68)


def test_ntp_is_no_exception(world, portcullis):
    prove(world, portcullis, lambda: world.host.call(send_udp, INTERNET4, 123, TOKEN, "eth0", uid=NOBODY))


ND = {"off-link target": (135, 0, 255, INTERNET6), "hop limit": (135, 0, 64, ROUTER6), "code": (135, 1, 255, ROUTER6),
      "redirect": (137, 0, 255, ROUTER6), "advertisement of a router": (134, 0, 255, "ff02::1"),
      "echo": (128, 0, 255, ROUTER6), "report to anybody": (143, 0, 1, INTERNET6)}


def raw_icmp6(kind, code, hops, address):
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
        try:
            sock.sendto(struct.pack("!BBHI", kind, code, 0, 0) + bytes(16) + TOKEN, (address, 0))
        except OSError:
            pass


@pytest.mark.parametrize("shape", ND)
def test_neighbour_discovery_shaped_traffic(world, portcullis, shape):
    """Neighbour discovery passes by type, code, hop limit and address, so it can't be used to reach the internet."""
    prove(world, portcullis, lambda: world.host.call(raw_icmp6, *ND[shape]))


def test_one_endpoint_at_a_time(world, portcullis):
    """A server that was dialled before is no longer in the hole."""
    gate = portcullis("udp", "port53").start_open()
    used = set()
    for _ in range(3):
        remote = gate.status()["remote"]
        members = gate.set_members("endpoint4")
        assert len(members) == 1 and not gate.set_members("endpoint6"), members
        assert str(remote["port"]) in str(members)
        used.add(remote["port"])
        gate.ctl("reconnect", "--wait", check=True)
        gate.wait(gate="open")
    gate.ctl("down", "--wait", check=True)
    assert gate.set_members("endpoint4") == []


# --- A.7 the firewall removed

TAKEN = {"flush ruleset": ["nft", "flush", "ruleset"], "delete table": ["nft", "delete", "table", "inet", "portcullis"],
         "delete egress": ["nft", "delete", "table", "netdev", "portcullis"],
         "flush table": ["nft", "flush", "table", "inet", "portcullis"]}


@pytest.mark.parametrize("how", TAKEN)
def test_rules_flushed_by_somebody_else(world, portcullis, flood_program, how):
    """`nft flush ruleset` and the like while a program sends: no frame leaves, and the rules are restored."""
    # The control: rules that nobody owns are removed, and the program gets out.
    world.host.nft("table inet plain { chain out { type filter hook output priority 0; policy drop; } }")
    with world.wire("udp") as wire:
        world.host.run("nft", "flush", "ruleset")
        world.host.call(send_udp, INTERNET4, 5300, TOKEN)
        world.fence(wire)
        assert wire.seen(TOKEN)
    gate = portcullis().start_open()
    gate.ctl("down", "--wait", check=True)
    before = gate.rules()
    sender = Sender(world, flood_program, "-6", INTERNET6, "-b", "eth0")
    with world.wire("udp") as wire:
        for _ in range(10):
            world.host.run(*TAKEN[how], check=False)
        sender.stop()
        world.fence(wire)
        wire.assert_clean()
    wait_for(lambda: strip_handles(gate.rules()) == strip_handles(before), lambda: gate.told(gate.rules()))


def strip_handles(rules):
    import re  # pylint: disable=import-outside-toplevel
    return re.sub(r"(packets|bytes) \d+|# .*", "", rules)


def test_another_table_that_accepts(world, portcullis):
    """Another program's rules accept a packet, before ours or after: a drop in any chain prevails."""
    def act():
        world.host.nft("table inet friendly { chain a { type filter hook output priority -500; policy accept; accept; } "
                       "chain b { type filter hook output priority 2000; policy accept; accept; } }")
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, "eth0", uid=NOBODY)
    prove(world, portcullis, act)


def test_rules_flushed_while_nobody_holds_them(world, portcullis):
    """After a SIGKILL anybody with root's rights can flush them: the next start must lock before anything else."""
    gate = portcullis().start_open()
    gate.kill()
    wait_for(lambda: not gate.openvpns(), "openvpn gone")
    world.host.run("nft", "flush", "ruleset")
    world.host.without_link_filters()
    with world.wire("udp") as wire:
        world.host.call(send_udp, INTERNET4, 5300, TOKEN)
        world.fence(wire)
        assert not wire.seen(TOKEN), "the second wall"
        world.host.without_second_wall()
        world.host.call(send_udp, INTERNET4, 5300, TOKEN)
        world.fence(wire)
        assert wire.seen(TOKEN), "the residual that docs/security.md names"
    gate.start()
    gate.wait(gate={"locked", "dialling", "open"})
    with world.wire("udp") as wire:
        world.host.call(send_udp, INTERNET4, 5300, TOKEN, "eth0")
        world.fence(wire)
        wire.assert_clean()
    gate.wait(gate="open")
