"""The watched wire: every frame that leaves the protected machine, taken at the far end and classified."""
import collections
import ctypes
import ipaddress
import os
import socket
import struct
import subprocess

from netns import wait_for

ETH_P_ALL, SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 3, 263, 6, 23
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
ARP, IPV4, IPV6, EAPOL, PREAUTH = 0x0806, 0x0800, 0x86dd, 0x888e, 0x88c7

Endpoint = collections.namedtuple("Endpoint", "address port proto")  # proto: "udp" or "tcp"
PROTO = {"tcp": 6, "udp": 17}


class Frame:
    """What a frame's headers say; what is not there is None."""

    def __init__(self, raw):
        self.raw = raw
        self.type = struct.unpack_from("!H", raw, 12)[0]
        self.proto = self.source = self.destination = None
        self.sport = self.dport = self.icmp = self.code = self.hops = None
        self.ident, self.offset, self.more = None, 0, False
        self.payload = raw[14:]
        try:
            if self.type == IPV4:
                self._ipv4(raw)
            elif self.type == IPV6:
                self._ipv6(raw)
        except (struct.error, IndexError):
            pass  # truncated: it keeps what could be read, and is not excused by any rule below

    def _ipv4(self, raw):
        head = (raw[14] & 15) * 4
        self.ident, where = struct.unpack_from("!HH", raw, 18)
        self.offset, self.more = (where & 0x1fff) * 8, bool(where & 0x2000)
        self.hops, self.proto = raw[22], raw[23]
        self.source = ipaddress.ip_address(raw[26:30])
        self.destination = ipaddress.ip_address(raw[30:34])
        if self.offset == 0:
            self._transport(raw, 14 + head)

    def _ipv6(self, raw):
        self.proto, self.hops = raw[20], raw[21]
        self.source = ipaddress.ip_address(raw[22:38])
        self.destination = ipaddress.ip_address(raw[38:54])
        at = 54
        while self.proto in (0, 43, 44, 60):
            following = raw[at]
            if self.proto == 44:
                where, self.ident = struct.unpack_from("!HI", raw, at + 2)
                self.offset, self.more = where & 0xfff8, bool(where & 1)
                at += 8
            else:
                at += (raw[at + 1] + 1) * 8
            self.proto = following
            if self.offset:
                return
        self._transport(raw, at)

    def _transport(self, raw, at):
        if self.proto in (6, 17):
            self.sport, self.dport = struct.unpack_from("!HH", raw, at)
            self.payload = raw[at + (8 if self.proto == 17 else (raw[at + 12] >> 4) * 4):]
        elif self.proto in (1, 58):
            self.icmp, self.code = raw[at], raw[at + 1]
            self.payload = raw[at + 4:]

    def __str__(self):
        # Slow, but only used when a test fails.
        from scapy.all import Ether  # pylint: disable=import-outside-toplevel
        return Ether(self.raw).summary()


LINK_LOCAL = ipaddress.ip_network("fe80::/10")
SOLICITED = ipaddress.ip_network("ff02::1:ff00:0/104")
DHCP_SERVERS = [ipaddress.ip_network(net) for net in (
    "255.255.255.255/32", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")]


def is_neighbour(address, own):
    text = str(address)
    return (address in LINK_LOCAL or text in ("::", "ff02::1") or address in SOLICITED
            or any(address in net for net in own))


class Wire:
    """Captures the frames that arrive at `interface` of `ns`, which are those that the machine at the other end sent.

    outer: the endpoints of the VPN; own: the machine's on-link IPv6 prefixes; skip: a tcpdump expression for frames
    that the kernel leaves out of the capture (a flood inside the tunnel)."""

    def __init__(self, ns, interface, outer=(), own=("2001:db8:50::/64",), skip=None):
        self.outer = {(ipaddress.ip_address(e.address), e.port, PROTO[e.proto]) for e in outer}
        self.own = [ipaddress.ip_network(net) for net in own]
        self.counts = collections.Counter()
        self.clear, self.frames = [], []
        self.fragments, self.asked = set(), set()
        self.keep = skip is None
        self.drops = self.waiting = 0
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 * 1024 * 1024)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        if skip:
            self._attach(f"not ({skip})")
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.setblocking(False)

    def _attach(self, expression):
        code = subprocess.run(["tcpdump", "-y", "EN10MB", "-ddd", expression], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split("\n")[1:]
        program = b"".join(struct.pack("HBBI", *map(int, line.split())) for line in code if line)
        buffer = ctypes.create_string_buffer(program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HP", len(program) // 8, ctypes.addressof(buffer)))

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def drain(self):
        """Reads what has arrived. A frame that the capture itself lost is a failure, not a pass."""
        self._read()
        self._assert_whole()
        return self

    def _read(self):
        """Reads what has arrived by now, and no more: a flood may be faster than its reader."""
        arrived, lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.drops += lost
        self.waiting += arrived - lost
        while self.waiting > 0:
            try:
                raw = self.socket.recv(65536)
            except BlockingIOError:
                self.waiting = 0
                break
            except OSError:  # the link went down: that is reported once, then the socket works again
                continue
            self.waiting -= 1
            self._take(Frame(raw))

    def _assert_whole(self):
        assert self.drops == 0, f"the capture lost {self.drops} frames: nothing can be said"

    def _take(self, frame):
        kind = self.classify(frame)
        self.counts[kind] += 1
        if frame.type == ARP:
            self.asked.add(frame.raw[38:42])
        if kind == "clear":
            self.clear.append(frame)
        if self.keep:
            self.frames.append(frame)

    def classify(self, f):
        if f.type == ARP:
            return "arp"
        if f.type in (EAPOL, PREAUTH):
            return "eapol"
        if f.type not in (IPV4, IPV6) or f.source is None:
            return "clear"
        whole = (f.source, f.destination, f.ident, f.proto)
        if f.offset:
            return "outer" if whole in self.fragments else "clear"
        if (f.destination, f.dport, f.proto) in self.outer:
            if f.more:
                self.fragments.add(whole)
            return "outer"
        if f.proto == 17 and (f.sport, f.dport) == (68, 67) and f.type == IPV4:
            return "dhcp" if any(f.destination in net for net in DHCP_SERVERS) else "clear"
        if f.proto == 17 and (f.sport, f.dport) == (546, 547) and f.source in LINK_LOCAL:
            return "dhcp" if f.destination in LINK_LOCAL or str(f.destination) == "ff02::1:2" else "clear"
        if f.proto == 58 and self._is_neighbour_discovery(f):
            return "neighbour"
        return "clear"

    def _is_neighbour_discovery(self, f):
        to = str(f.destination)
        if f.code != 0:
            return False
        if f.icmp == 133:
            return f.hops == 255 and to == "ff02::2" and (f.source in LINK_LOCAL or str(f.source) == "::")
        if f.icmp in (135, 136):
            return f.hops == 255 and is_neighbour(f.source, self.own) and is_neighbour(f.destination, self.own)
        return f.icmp in (131, 132, 143) and f.hops == 1 and to in ("ff02::2", "ff02::16")

    def seen(self, match):
        """The frames so far that contain these bytes (or that a function chooses). If the capture has lost frames, the
        result may be used only if it is not empty: it fails rather than return none."""
        self._read()
        found = [f for f in self.frames if (match in f.raw if isinstance(match, bytes) else match(f))]
        if not found:
            self._assert_whole()
        return found

    def assert_clean(self):
        self.drain()
        told = "\n  ".join(str(frame) for frame in self.clear[:8])
        assert not self.clear, f"{len(self.clear)} frames left in clear:\n  {told}"


FENCE_TYPE_ARP = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
_fence = 0


def fence(host, wire, interface="eth0"):
    """Returns once everything that was sent before has arrived: an ARP request from every processor (a veth keeps the
    order for each) has been seen at the far end."""
    global _fence  # pylint: disable=global-statement
    wanted = []
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((interface, 0))
        mac = sock.getsockname()[4]
        allowed = os.sched_getaffinity(0)
        try:
            for cpu in allowed:
                os.sched_setaffinity(0, {cpu})
                _fence += 1
                token = struct.pack("!I", 0x0aff0000 + (_fence & 0xffff))
                sock.send(b"\xff" * 6 + mac + struct.pack("!H", ARP) + FENCE_TYPE_ARP + mac
                          + b"\0" * 4 + b"\0" * 6 + token + bytes(18))
                wanted.append(token)
        finally:
            os.sched_setaffinity(0, allowed)

    wait_for(lambda: wire.drain().asked.issuperset(wanted), "the fence's ARP at the far end (is the wire cut?)")
