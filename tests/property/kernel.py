"""nft in the real kernel. Rules are loaded in a namespace; real packets are sent by sockets of the user and group in
question, or are injected on the links; they are looked for at the far end, or at the machine's own raw sockets.

    em0, em1, em2 of the machine ──── far_em0 ... of the other end, which answers nothing
    tun0 of the machine ──── a descriptor of this process, as openvpn holds it
"""
import ctypes
import fcntl
import os
import socket
import struct

from netns import Namespace, wait_for
from packet import ICMPS
from wire_format import encode, number_in, token

libc = ctypes.CDLL(None, use_errno=True)
WIRED = ("em0", "em1", "em2")
LINKS = (*WIRED, "tun0")
NUMBERS = {"em0": 1, "em1": 2, "tun0": 3}
NOBODY = (12345, 12345)
IP_HDRINCL, IPV6_HDRINCL, ETH_IP, ETH_IP6, ETH_P_ALL = 3, 36, 0x0800, 0x86dd, 3
PACKET_IGNORE_OUTGOING, SOL_PACKET, SO_RCVBUFFORCE = 23, 263, 33
RAW = {socket.AF_INET: (1, 2, 6, 17, 41, 47, 50, 89, 99, 132), socket.AF_INET6: (2, 6, 17, 41, 47, 50, 58, 89, 99, 132)}
OWN = ("192.168.1.23", "192.168.77.5", "10.8.0.6", "2001:db8:1::23", "fe80::aaaa:1", "fe80::aaaa:2", "fe80::aaaa:8",
       "fd00:8::6")
GROUPS = ("ff02::1:ff00:23", "ff02::2", "ff02::16", "ff02::fb", "ff02::1:2")
FENCE = 0xffffffff


class TunnelEnd:
    """The other end of a link of the kind `tun`, which the rules require of the tunnel. This one carries frames, like
    the other links."""
    TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000

    def __init__(self, namespace, link):
        with namespace.inside():
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, self.TUNSETIFF,
                        struct.pack("16sH22x", link.encode(), self.IFF_TAP | self.IFF_NO_PI))

    def send(self, raw):
        os.write(self.fd, raw)

    def recvfrom(self, size):
        return os.read(self.fd, size), None

    def close(self):
        os.close(self.fd)


class Machine(Namespace):
    """The protected machine, and the other ends of its links."""

    def __init__(self, name="nftp"):
        super().__init__(name)
        self.far = Namespace(name + "far")
        self.opened, self.taps, self.ears, self.macs = {}, {}, {}, {}

    def create(self):
        super().create()
        self.far.create()
        self.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                    "net.ipv4.conf.default.accept_local=1", "net.ipv4.conf.all.accept_local=1",
                    "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
                    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.route_localnet=0")
        self.taps["tun0"] = TunnelEnd(self, "tun0")
        lines = ["link set tun0 arp off addrgenmode none up"]
        for link in WIRED:
            lines += [f"link add {link} type veth peer name far_{link} netns {self.far.name}",
                      f"link set {link} arp off addrgenmode none", f"link set {link} up"]
        self.ip(*lines)
        self.far.ip(*[f"link set far_{link} arp off addrgenmode none up" for link in WIRED])
        self.ip("address add 192.168.1.23/24 dev em0", "address add 192.168.77.5/24 dev em1",
                "address add 10.8.0.6/24 dev tun0", "address add 192.168.78.5/24 dev em2", "address add 2001:db8:1::23/64 dev em0 nodad",
                "address add fe80::aaaa:1/64 dev em0 nodad", "address add fe80::aaaa:2/64 dev em1 nodad",
                "address add fd00:8::6/64 dev tun0 nodad", "address add fe80::aaaa:8/64 dev tun0 nodad",
                *[f"route add default dev {link} metric {10 * n}" for n, link in enumerate(LINKS, 1)],
                *[f"route add ::/0 dev {link} metric {10 * n}" for n, link in enumerate(LINKS, 1)],
                *[f"route add {net}.99.{n}.0/24 dev {link}" for link, n in NUMBERS.items() for net in (100, 10)],
                *[f"route add {net}:{n}::/64 dev {link}" for link, n in NUMBERS.items()
                  for net in ("2001:db8:99", "fd99:0:0")])
        for link in LINKS:
            with self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
                sock.bind((link, 0))
                self.macs[link] = sock.getsockname()[4]
        self._listen()
        return self

    def destroy(self):
        for sock in [*self.opened.values(), *self.taps.values(), *self.ears.values()]:
            sock.close()
        super().destroy()
        self.far.destroy()

    def _listen(self):
        for link in WIRED:
            tap = self.far.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            tap.bind((f"far_{link}", ETH_P_ALL))
            tap.setblocking(False)
            self.taps[link] = tap
        for family, protocols in RAW.items():
            for proto in protocols:
                ear = self.socket(family, socket.SOCK_RAW, proto)
                ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
                ear.setblocking(False)
                self.ears[family, proto] = ear
        with self.inside():
            for link in LINKS:
                index = socket.if_nametoindex(link)
                for group in GROUPS:
                    self.ears[socket.AF_INET6, 17].setsockopt(
                        socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group)
                        + struct.pack("@I", index))

    def load(self, text):
        """These rules and no others; connections of earlier rules are forgotten."""
        self.run("nft", "-f", "-", input="flush ruleset\n" + text)
        self.run("conntrack", "-F")

    # --- sending

    def sender(self, packet):
        """A raw socket on the link, created as this user and group, because the filter looks at the socket's owner."""
        uid, gid = (packet.uid, packet.gid) if packet.uid is not None else NOBODY
        key = packet.version, packet.interface, uid, gid
        if key not in self.opened:
            libc.setfsgid(gid)
            libc.setfsuid(uid)
            try:
                family = socket.AF_INET if packet.version == 4 else socket.AF_INET6
                sock = self.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            finally:
                libc.setfsuid(0)
                libc.setfsgid(0)
            if packet.version == 4:
                sock.setsockopt(socket.IPPROTO_IP, IP_HDRINCL, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, packet.interface.encode())
            self.opened[key] = sock
        return self.opened[key]

    def send(self, probe, number):
        packet = probe.packet
        raw = encode(packet, number, probe.quoted)
        try:
            if probe.received:
                self.inject(probe.received, raw, packet.version)
            elif packet.direction == "in":
                self.inject(packet.interface, raw, packet.version)
            elif packet.interface in LINKS:
                where = (str(packet.dst), 0) if packet.version == 4 else (str(packet.dst), 0, 0, 0)
                self.sender(packet).sendto(raw, where)
        except OSError:
            pass  # refused, or there is no route: it does not arrive

    def inject(self, link, raw, version):
        if link in self.taps:
            kind = ETH_IP if version == 4 else ETH_IP6
            self.taps[link].send(self.macs[link] + b"\x02" + bytes(5) + struct.pack("!H", kind) + raw)

    # --- seeing

    def seen(self, probes, only=None):
        """Sends the probes (or those with these indices) in order. Returns the indices of those that arrived where they
        belong."""
        places = {}
        for number, probe in enumerate(probes):
            if only is None or number in only:
                self.send(probe, number)
            if number % 20 == 0:
                self.drain(places)
        self.settle(places)
        return {number for number, probe in enumerate(probes)
                if place_of(probe) in places.get(number, ()) and is_for_us(probe)}

    def drain(self, places):
        """Notes where each number was seen, and in what, because an answer or an error may carry the number too."""
        for link, tap in self.taps.items():
            for raw, _ in received(tap):
                note(places, raw, (link, *seen_in(raw[14:])))
        for (family, proto), ear in self.ears.items():
            for raw, sender in received(ear):
                source = socket.inet_pton(family, sender[0].partition("%")[0])
                kind = kind_in(proto, raw[20:] if family == socket.AF_INET else raw)
                note(places, raw, ("ear", source, proto, kind))

    def settle(self, places):
        """A veth pair keeps the order of frames: an ARP frame, which every rule lets through, marks the end on each
        link."""
        for link in LINKS:
            with self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
                sock.bind((link, 0))
                sock.send(b"\xff" * 6 + self.macs[link] + b"\x08\x06" + bytes(28) + token(FENCE))

        def arrived():
            self.drain(places)
            return set(LINKS) <= {place[0] for place in places.get(FENCE, ())}
        wait_for(arrived, lambda: f"the fence: {places.get(FENCE)}")


def is_for_us(probe):
    """Is the packet for this machine? One for another host is not judged, because the machine would answer it with an
    ICMP error that quotes it and could be taken for it."""
    to = probe.packet.dst
    return probe.hook != "in" or to.is_multicast or str(to) in (*OWN, "255.255.255.255")


def place_of(probe):
    packet = probe.packet
    if probe.hook == "in":
        return "ear", packet.src.packed, packet.proto, packet.type
    return packet.interface, packet.src.packed, packet.dst.packed, packet.proto, packet.type


def seen_in(raw):
    """Source, destination, protocol and ICMP type of an IP packet (of ours: without options)."""
    if raw[0] >> 4 == 4:
        return raw[12:16], raw[16:20], raw[9], kind_in(raw[9], raw[20:])
    return raw[8:24], raw[24:40], raw[6], kind_in(raw[6], raw[40:])


def kind_in(proto, raw):
    return raw[0] if proto in ICMPS else None


def received(sock):
    while True:
        try:
            yield sock.recvfrom(4096)
        except BlockingIOError:
            return


def note(places, raw, place):
    number = number_in(raw)
    if number is not None:
        places.setdefault(number, set()).add(place)
