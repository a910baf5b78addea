"""Situations and probes: packets that fit a row, the same with one thing changed, answers to them, and random
packets."""
import ipaddress
import random

from packet import ICMP, ICMP6, TCP, UDP, Packet
from specification import Probe, Situation, flow_of

REMOTES = [("203.0.113.7", 1194, UDP), ("203.0.113.7", 443, TCP), ("2001:db8:7::7", 1194, UDP), ("2001:db8:7::7", 443, TCP),
           ("203.0.113.7", 53, UDP), ("10.1.2.3", 3128, TCP), ("192.168.1.9", 1194, UDP), ("203.0.113.7", 853, TCP)]
RESOLVERS = ["192.0.2.53", "2001:db8::53"]
TUNNELS = [(("10.8.0.6",), ("10.8.0.0/24",)), (("10.8.0.6", "fd00:8::6"), ("10.8.0.0/24", "fd00:8::/64")),
           (("fd00:8::6",), ("fd00:8::/64",))]
LINKS = ["em0", "em1", "em2", "tun0", "lo0"]
OWNERS = [(0, 0), (0, 777), (501, 20), (501, 777), (501, 779), (777, 20), (778, 778), (65, 65), (None, None)]
PORTS = [0, 22, 52, 53, 54, 66, 67, 68, 69, 80, 443, 545, 546, 547, 548, 852, 853, 854, 1023, 1024, 1194, 3128, 5300, 65535]
KINDS = {ICMP: [0, 3, 4, 5, 8, 11, 12, 13],
         ICMP6: [1, 2, 3, 4, 5, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 143]}
FLAGS = ["S", "SA", "A", "R", "RA", "F", "FA", "PA", ""]
LOCAL4 = ["192.168.1.23", "192.168.77.5", "10.8.0.6"]
LOCAL6 = ["2001:db8:1::23", "fe80::aaaa:1", "fd00:8::6"]
# Addresses at the edges of every range in the table.
FAR4 = ["192.168.1.1", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "100.63.255.255", "100.64.0.1",
        "100.127.255.255", "100.128.0.0", "169.253.255.255", "169.254.0.1", "169.255.0.0", "172.15.255.255", "172.16.0.1",
        "172.31.255.255", "172.32.0.0", "192.167.255.255", "192.168.255.255", "192.169.0.0", "198.51.100.80", "203.0.113.7",
        "203.0.113.8", "192.0.2.53", "192.0.2.54", "223.255.255.255", "224.0.0.1", "224.0.0.251", "224.0.1.1",
        "255.255.255.255", "10.8.0.77", "10.8.1.0", "10.8.0.6", "10.1.2.3", "0.0.0.0"]
FAR6 = ["fe80::1", "febf::1", "fec0::1", "fc00::1", "fdff::1", "fe00::1", "ff02::1", "ff02::2", "ff02::3", "ff02::16",
        "ff02::fb", "ff02::1:2", "ff02::1:3", "ff02::1:ff00:23", "ff02::1:fe00:1", "ff05::2", "2001:db8:1::1", "2001:db8:1:1::1",
        "2001:db8:80::80", "2001:db8:7::7", "2001:db8:7::8", "2001:db8::53", "fd00:8::77", "fd00:8:0:1::1",
        "fd00:8::6", "::"]
OTHERS = [2, 41, 47, 50, 89, 99, 132]
DYNAMIC = range(20000, 60000)


def address(text):
    return ipaddress.ip_address(text)


def situation(rng):
    state = rng.choice(["locked", "dialling", "dialling", "open", "open", "open"])
    known = state == "open" or rng.random() < 0.5
    addresses, networks = rng.choice(TUNNELS) if known else ((), ())
    if state != "open" and rng.random() < 0.5:
        networks = ()
    remote = rng.choice(REMOTES)
    return Situation(
        state=state, remote=None if state == "locked" else (address(remote[0]), *remote[1:]),
        resolver=address(rng.choice(RESOLVERS)) if state == "dialling" and rng.random() < 0.7 else None,
        addresses=tuple(map(address, addresses)), networks=tuple(map(ipaddress.ip_network, networks)),
        links=rng.choice([("em0", "em1"), ("em0", "em1"), ("em0",), ()]),
        neighbours=tuple(map(ipaddress.ip_network, rng.choice([(), ("2001:db8:1::/64",), ("2001:db8:1::23/128",)]))),
        lan=rng.random() < 0.5, dhcp_user=rng.choice([None, None, 65]),
        portal=rng.choice([None, 779]), portal_any=rng.random() < 0.5)


class Maker:
    """Packets for one situation."""

    def __init__(self, rng, s):
        self.rng, self.s = rng, s
        self.ports = rng.sample(DYNAMIC, 4000)

    def local(self, version, link="em0"):
        own = {"em1": 1, "tun0": 2}.get(link, 0)
        return address((LOCAL4 if version == 4 else LOCAL6)[own if version == 4 or own == 2 else 0])

    def packet(self, way, link, proto, src, dst, sport=None, dport=None, **more):
        if proto in (TCP, UDP):
            more.setdefault("uid", 501)
            more.setdefault("gid", 20)
        if proto == TCP:
            more.setdefault("flags", "S" if way == "out" else "SA")
        return Packet(way, link, proto, address(str(src)), address(str(dst)), sport, dport, **more)

    # --- packets that fit a row

    def hole(self, link):
        remote, port, proto = self.s.remote or (address("203.0.113.7"), 1194, UDP)
        own = self.local(remote.version, link)
        return self.packet("out", link, proto, own, remote, self.ports.pop(), port, uid=0, gid=777)

    def asked_resolver(self, link):
        resolver = self.s.resolver or address("192.0.2.53")
        own = self.local(resolver.version, link)
        return self.packet("out", link, TCP, own, resolver, self.ports.pop(), 853, uid=778, gid=778)

    def portal(self, link):
        rng = self.rng
        far = address(rng.choice(rng.choice([FAR4, FAR6])))
        return self.packet("out", link, rng.choice([TCP, TCP, TCP, UDP]), self.local(far.version, link), far, self.ports.pop(),
                           rng.choice([80, 443, 53, 53, 80]), uid=501, gid=779)

    def dhcp(self, link):
        rng, own6 = self.rng, "fe80::aaaa:1"
        return rng.choice([
            self.packet("out", link, UDP, "192.168.1.23", rng.choice(FAR4), 68, 67, uid=rng.choice([0, 0, 65]), gid=0),
            self.packet("in", link, UDP, rng.choice(["192.168.1.1", "198.51.100.80"]), "192.168.1.23", 67, 68),
            self.packet("out", link, UDP, own6, rng.choice(["ff02::1:2", "fe80::1", "2001:db8:1::1"]), 546, 547),
            self.packet("in", link, UDP, rng.choice(["fe80::1", "2001:db8:1::1"]), own6, 547, 546)])

    def discovery(self, link):
        rng = self.rng
        kind, way, hops, source, destination = rng.choice([
            (133, "out", 255, ["::", "fe80::aaaa:1"], ["ff02::2"]),
            (134, "in", 255, ["fe80::1"], ["ff02::1", "fe80::aaaa:1"]),
            (135, "out", 255, ["::", "fe80::aaaa:1", "2001:db8:1::23"], ["ff02::1:ff00:1", "fe80::1", "2001:db8:1::1"]),
            (136, "out", 255, ["fe80::aaaa:1", "2001:db8:1::23"], ["ff02::1", "fe80::1", "2001:db8:1::1"]),
            (135, "in", 255, ["fe80::1", "2001:db8:1::1"], ["ff02::1:ff00:23", "fe80::aaaa:1", "2001:db8:1::23"]),
            (136, "in", 255, ["fe80::1", "2001:db8:1::1"], ["ff02::1", "fe80::aaaa:1", "2001:db8:1::23"]),
            (130, "in", 1, ["fe80::1"], ["ff02::1"]), (131, "out", 1, ["::", "fe80::aaaa:1"], ["ff02::2"]),
            (132, "out", 1, ["fe80::aaaa:1"], ["ff02::2", "ff02::16"]),
            (143, "out", 1, ["::", "fe80::aaaa:1"], ["ff02::16"]),
            (137, rng.choice(["in", "out"]), 255, ["fe80::1"], ["fe80::aaaa:1"])])
        return self.packet(way, link, ICMP6, rng.choice(source), rng.choice(destination), type=kind, ttl=hops)

    def anything(self, link, way=None):
        """A packet through the tunnel, in the local network or to the Internet, with addresses at the edges of
        ranges."""
        rng = self.rng
        way, version = way or rng.choice(["in", "out"]), rng.choice([4, 6])
        far = address(rng.choice(FAR4 if version == 4 else FAR6))
        ends = [self.local(version, link), far]
        proto = rng.choice([TCP, UDP, UDP, TCP, ICMP if version == 4 else ICMP6, *rng.sample(OTHERS, 1)])
        source, destination = ends if way == "out" else reversed(ends)
        if proto in (TCP, UDP):
            near = self.ports.pop() if rng.random() < 0.7 else rng.choice(PORTS)
            ports = [near, rng.choice(PORTS)]
            uid, gid = rng.choice(OWNERS)
            more = {"flags": rng.choice(FLAGS)} if proto == TCP else {}
            return self.packet(way, link, proto, source, destination, *(ports if way == "out" else reversed(ports)),
                               uid=uid, gid=gid, **more)
        more = {"type": rng.choice(KINDS[proto])} if proto in KINDS else {}
        return self.packet(way, link, proto, source, destination, **more)

    def right(self):
        rng = self.rng
        link = rng.choice(["em0", "em0", "em1"])
        tunnel = rng.choice(["tun0", "tun0", "em0"])
        return rng.choice([lambda: self.hole(link), lambda: self.hole(link), lambda: self.asked_resolver(link),
                           lambda: self.portal(link), lambda: self.dhcp(link), lambda: self.discovery(link), lambda: self.discovery(link),
                           lambda: self.anything(tunnel), lambda: self.anything(tunnel, "out"),
                           lambda: self.anything("em0")])()

    # --- near misses

    def near(self, packet):
        """The same packet with one thing changed. It may still fit the row."""
        rng = self.rng
        what = rng.choice(["none", "none", "link", "way", "owner", "src", "dst", "sport", "dport", "proto", "type", "code",
                           "ttl", "flags", "turned"])
        pool = FAR4 + LOCAL4 if packet.version == 4 else FAR6 + LOCAL6
        if what == "link":
            return packet.replace(interface=rng.choice(LINKS))
        if what == "way":
            return packet.replace(direction="in" if packet.direction == "out" else "out")
        if what == "turned":
            return packet.replace(src=packet.dst, dst=packet.src, sport=packet.dport, dport=packet.sport)
        if what in ("src", "dst"):
            return packet.replace(**{what: address(rng.choice(pool))})
        if what in ("sport", "dport") and packet.sport is not None:
            return packet.replace(**{what: rng.choice(PORTS)})
        if what == "owner" and packet.sport is not None:
            uid, gid = rng.choice(OWNERS)
            return packet.replace(uid=uid, gid=gid)
        if what == "proto" and packet.sport is not None:
            return packet.replace(proto=TCP if packet.proto == UDP else UDP, flags="S" if packet.proto == UDP else "")
        if what == "flags" and packet.proto == TCP:
            return packet.replace(flags=rng.choice(FLAGS))
        if what == "type" and packet.type is not None:
            return packet.replace(type=rng.choice(KINDS[packet.proto]))
        if what == "code" and packet.type is not None:
            return packet.replace(code=rng.choice([1, 3, 4]))
        if what == "ttl":
            return packet.replace(ttl=rng.choice([1, 2, 64, 254, 255]))
        return packet

    def answer(self, packet):
        """A possible answer: from the packet's destination to the socket that sent it."""
        kind = {(ICMP, 8): 0, (ICMP6, 128): 129}.get((packet.proto, packet.type), packet.type)
        return packet.replace(direction="in", src=packet.dst, dst=packet.src, sport=packet.dport, dport=packet.sport,
                              type=kind, flags="SA" if packet.proto == TCP else "", ttl=64)

    def error(self, packet):
        """An ICMP error about the packet, from any address."""
        four = packet.version == 4
        kind = self.rng.choice([3, 3, 11, 5] if four else [1, 2, 3, 4])
        source = "198.51.100.80" if four else "2001:db8:80::80"
        link = self.rng.choice([packet.interface] * 3 + ["em0", "tun0"])
        return Probe(self.packet("in", link, ICMP if four else ICMP6, source, packet.src, type=kind), quoted=packet)

    def through(self):
        """A forwarded packet, from one link to another. The third byte of a destination says which link it belongs to
        (kernel.py)."""
        rng = self.rng
        received, link = rng.choice([("em1", "tun0"), ("em1", "em0"), ("em0", "em1"), ("tun0", "em1"), ("em2", "tun0")])
        number = {"em0": 1, "em1": 2, "tun0": 3}[link]
        behind = {"em0": 1, "em1": rng.choice([2, 2, 4]), "em2": 4, "tun0": 3}[received]
        net4, net6 = rng.choice([("100.99.{}.9", "2001:db8:99:{}::9"), ("10.99.{}.9", "fd99:0:0:{}::9")])
        form = rng.choice([net4, net6])
        proto = rng.choice([UDP, TCP, UDP, 47])
        ports = (self.ports.pop(), rng.choice([443, 5300, 53])) if proto != 47 else (None, None)
        more = {"uid": None, "gid": None} if proto != 47 else {}
        return Probe(self.packet("out", link, proto, form.format(behind), form.format(number), *ports, **more), received)


def probes(rng, s, count):
    """Probes in the order in which they happen: first what is sent and forwarded, then what comes in."""
    maker = Maker(rng, s)
    packets = [maker.near(maker.right()) for _ in range(count)]
    out = [packet for packet in packets if packet.direction == "out"]
    there = [maker.through() for _ in range(count // 12)]
    asked = [packet for packet in out if packet.interface != "lo0" and (packet.type or flow_of(packet)) is not None]
    back = [probe for probe in map(maker.answer, rng.sample(asked, min(len(asked), count // 4)))]
    errors = [maker.error(packet) for packet in rng.sample(asked, min(len(asked), count // 8)) if packet.sport is not None]
    there += [Probe(p.packet, rng.choice(("em0", "em1"))) for p in there
              if p.packet.interface == "tun0" and p.received in ("em0", "em1") and rng.random() < 0.2]
    answers = [Probe(maker.answer(p.packet).replace(direction="out", interface=way_to(p.packet.src)), p.packet.interface)
               for p in there if p.packet.sport is not None]
    comes = [Probe(packet) for packet in packets if packet.direction == "in"]
    comes += [Probe(maker.near(packet) if rng.random() < 0.4 else packet) for packet in back]
    comes = [probe for probe in comes if probe.packet.direction == "in"]
    resets = {ends(probe.packet) for probe in comes + [Probe(packet) for packet in out] if "R" in probe.packet.flags}
    errors = [probe for probe in errors if ends(probe.quoted) not in resets]  # after a reset there is no connection
    comes = [in_pieces(rng, probe) for probe in comes] + errors + answers
    rng.shuffle(comes)
    return [Probe(packet) for packet in out] + there + comes


def ends(packet):
    """The two ends of a packet's connection, whichever sent it."""
    return packet.proto, frozenset([(packet.src, packet.sport), (packet.dst, packet.dport)])


def way_to(address):
    """The link to which an answer to a packet of Maker.through is routed (kernel.py). It is not always the link by
    which the packet came."""
    return {2: "em1", 3: "tun0"}.get(address.packed[2] if address.version == 4 else address.packed[7], "em0")


def in_pieces(rng, probe):
    if rng.random() < 0.1 and probe.packet.proto in (UDP, TCP):
        return Probe(probe.packet, pieces=True)
    return probe
