"""Writes seeds/route/: what a route socket and its sysctl give on macOS, FreeBSD and OpenBSD.

The first byte of a seed says which layout (fuzz_route.c). The structures are written here from route(4) and the
systems' net/route.h, net/if.h and net/if_dl.h, field by field, and not from the decoder's numbers. What is
called recorded-* are bytes that kernels of macOS sent, as the tests of golang.org/x/net/route have them
(address_darwin_test.go; go issues 70528 and the comment 2498692877 there). Of those only recorded-get is a whole
message; the others are the addresses of one, and get a header here."""
import ipaddress
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
ADD, DELETE, CHANGE, GET, MISS, NEWADDR, DELADDR, IFINFO = 1, 2, 3, 4, 7, 0xc, 0xd, 0xe
DST, GATEWAY, NETMASK, IFP, IFA, BRD = 1, 2, 4, 0x10, 0x20, 0x80
UP, BROADCAST, LOOPBACK, P2P, RUNNING, MULTICAST = 1, 2, 8, 0x10, 0x40, 0x8000
R_UP, R_GATEWAY, R_HOST, R_REJECT, R_DYNAMIC, R_LLINFO, R_STATIC = 1, 2, 4, 8, 0x10, 0x400, 0x800
ETHER, LOOP = 6, 0x18


class System:
    def __init__(self, number, name, inet6, align, tunnel, tunnel_type, tunnel_flags):
        self.number, self.name, self.inet6, self.align = number, name, inet6, align
        self.tunnel, self.tunnel_type, self.tunnel_flags = tunnel, tunnel_type, tunnel_flags

    # --- headers: each returns the bytes behind (length, version, type)
    def rt(self, flags, addrs, index, error, pid=77):
        if self.name == "macos":  # index, pad, flags, addrs, pid, seq, errno, use, inits, rt_metrics (14 words)
            return struct.pack("=HxxiiiiiiI56x", index, flags, addrs, pid, 1, error, 0, 0)
        if self.name == "freebsd":  # index, spare, flags, addrs, pid, seq, errno, fmask, inits, rt_metrics (14 longs)
            return struct.pack("=HHiiiiiiQ112x", index, 0, flags, addrs, pid, 1, error, 0, 0)
        # hdrlen, index, tableid, priority, mpls, addrs, flags, fmask, pid, seq, errno, inits, rt_metrics
        return struct.pack("=HHHBBiiiiiiI56x", 96, index, 0, 8, 0, addrs, flags, 0, pid, 1, error, 0)

    def ifm(self, flags, addrs, index, kind, state, mtu=1500):
        if self.name == "macos":  # addrs, flags, index, pad, if_data (type first, mtu 8 behind it)
            return struct.pack("=iiHxxB7xI84x", addrs, flags, index, kind, mtu)
        if self.name == "freebsd":  # ... if_data: type, physical, addrlen, hdrlen, link_state, vhid, datalen, mtu
            return struct.pack("=iiHHBBBBB3xI140x", addrs, flags, index, 0, kind, 0, 6, 14, state, mtu)
        # hdrlen, index, tableid, pads, addrs, flags, xflags, if_data: type, addrlen, hdrlen, link_state, mtu
        return struct.pack("=HHHBBiiiBBBBI136x", 168, index, 0, 0, 0, addrs, flags, 0, kind, 6, 14, state, mtu)

    def ifam(self, addrs, index):
        if self.name == "openbsd":
            return struct.pack("=HHHBBiii", 24, index, 0, 0, 0, addrs, 0, 0)
        return struct.pack("=iiHHi", addrs, 0, index, 0, 0)

    # --- addresses
    def pad(self, raw):
        return raw + bytes(-len(raw) % self.align)

    def address(self, text, scope=0):
        value = ipaddress.ip_address(text)
        if value.version == 4:
            return self.pad(struct.pack("=BBH4s8x", 16, 2, 0, value.packed))
        packed = bytearray(value.packed)
        if value.is_link_local:
            packed[2:4] = struct.pack(">H", scope)
        return self.pad(struct.pack("=BBHI16sI", 28, self.inet6, 0, 0, bytes(packed), 0))

    def mask(self, length, bits):
        """As a kernel keeps it: cut behind its last bit; FreeBSD 13 and later write it whole."""
        raw = ((1 << bits) - (1 << (bits - length))).to_bytes(bits // 8, "big")
        family, place = (2, 4) if bits == 32 else (self.inet6, 8)
        if self.name == "freebsd":
            return self.pad((bytes([16 if bits == 32 else 28, family]) + bytes(place - 2) + raw).ljust(
                16 if bits == 32 else 28, b"\0"))
        raw = raw.rstrip(b"\0")
        if not raw:
            return bytes(self.align)
        return self.pad(bytes([place + len(raw), 0xff]) + bytes(place - 2) + raw)

    def link_address(self, index, name="", kind=ETHER):
        data = (name.encode() + (b"\2\0\0\0\0\1" if name.startswith("e") else b"")).ljust(12, b"\0")
        return self.pad(struct.pack("=BBHBBBB", 8 + len(data), 18, index, kind, len(name), 6, 0) + data)

    # --- messages
    def message(self, kind, header, *addresses):
        body = header + b"".join(addresses)
        return struct.pack("=HBB", 4 + len(body), 5, kind) + body

    def link(self, index, name, flags, kind=ETHER, state=None):
        state = {"macos": 0, "freebsd": 2, "openbsd": 4}[self.name] if state is None else state
        return self.message(IFINFO, self.ifm(flags, IFP, index, kind, state), self.link_address(index, name, kind))

    def event(self, index, flags, kind=ETHER, state=0):
        return self.message(IFINFO, self.ifm(flags, 0, index, kind, state))

    def own(self, index, text, length, other=None, kind=NEWADDR):
        bits = ipaddress.ip_address(text).max_prefixlen
        return self.message(kind, self.ifam(NETMASK | IFP | IFA | (BRD if other else 0), index), self.mask(length, bits),
                            self.link_address(index), self.address(text, index), self.address(other) if other else b"")

    def route(self, to, gateway, flags, index, kind=GET, error=0, scope=0):
        net = ipaddress.ip_network(to)
        addrs, parts = DST | GATEWAY, [self.address(str(net.network_address))]
        parts.append(self.link_address(index) if gateway is None else self.address(gateway, scope or index))
        if not flags & R_HOST:
            addrs |= NETMASK
            parts.append(self.mask(net.prefixlen, net.max_prefixlen))
        flags |= R_UP | (R_GATEWAY if gateway else 0)
        return self.message(kind, self.rt(flags, addrs, index, error), *parts)

    def announce(self, index, name, what):
        if self.name == "freebsd":
            return self.message(0x11, struct.pack("=H16sH", index, name.encode(), what))
        return self.message(0x0f, struct.pack("=HHH16s", 26, index, what, name.encode()))


SYSTEMS = (System(0, "macos", 30, 4, "utun87", 0x01, UP | P2P | RUNNING | MULTICAST),
           System(1, "freebsd", 28, 8, "tun87", 0x17, UP | P2P | RUNNING | MULTICAST),
           System(2, "openbsd", 24, 8, "tun87", 0x83, UP | P2P | RUNNING | MULTICAST))
ON = UP | BROADCAST | RUNNING | MULTICAST


def seeds_of(s):
    made = {"macos": 0x20000, "freebsd": 0, "openbsd": 0x10000}[s.name]
    scoped = 0x1000000 if s.name == "macos" else 0
    wire = "em0" if s.name == "freebsd" else "en0"
    wires = b"".join((
        s.link(1, "lo0", UP | LOOPBACK | RUNNING | MULTICAST, LOOP), s.own(1, "127.0.0.1", 8), s.own(1, "::1", 128),
        s.link(4, wire, ON), s.own(4, "192.0.2.2", 24, "192.0.2.255"), s.own(4, "fe80::2", 64),
        s.own(4, "2001:db8:1::2", 64),
        s.link(5, "en5", BROADCAST | MULTICAST, state=1), s.link(6, "pflog0", UP, 0xf6)))
    yield "interfaces-without-tunnel", wires
    yield "interfaces", wires + b"".join((
        s.link(33, s.tunnel, s.tunnel_flags, s.tunnel_type), s.own(33, "10.8.0.2", 24, "10.8.0.1"),
        s.own(33, "fd00:8::2", 64)))
    yield "routes6", b"".join((
        s.route("::/0", "fe80::1", R_STATIC, 4), s.route("2001:db8:1::/64", None, 0, 4),
        s.route("2001:db8:1::2/128", None, R_HOST, 1), s.route("2001:db8:2::/56", None, 0, 4),
        s.route("2001:db8:2:3::/64", None, 0, 4), s.route("2001:db8:9::/48", None, R_REJECT, 4),
        s.route("fe80::/64", None, 0, 4), s.route("ff00::/8", None, 0, 4), s.route("2000::/3", None, 0, 4),
        s.route("fd00:8::/64", None, 0, 33), s.route("2001:db8:7::/64", "2001:db8:1::1", R_STATIC, 4)))
    yield "routes4", b"".join((
        s.route("0.0.0.0/0", "192.0.2.1", R_STATIC, 4), s.route("192.0.2.0/24", None, 0, 4),
        s.route("203.0.113.7/32", "192.0.2.1", R_STATIC | R_HOST, 4),  # openvpn's
        s.route("203.0.113.7/32", "192.0.2.254", R_STATIC | scoped, 5),  # the same with a mask
        s.route("203.0.113.7/32", "192.0.2.1", R_HOST | R_DYNAMIC, 4),  # a router's word
        s.route("203.0.113.7/32", None, R_HOST | R_STATIC | R_LLINFO, 4),  # a neighbour
        s.route("203.0.113.7/32", "192.0.2.1", R_STATIC | R_HOST | (made or R_LLINFO), 4),
        s.route("203.0.113.7/32", "10.8.0.1", R_STATIC | R_HOST, 33),  # inside the tunnel
        s.route("203.0.113.8/32", "192.0.2.1", R_STATIC | R_HOST, 4), s.route("0.0.0.0/1", "10.8.0.1", R_STATIC, 33)))
    yield "events", b"".join((
        s.event(4, BROADCAST | MULTICAST), s.own(4, "192.0.2.2", 24, kind=DELADDR),
        s.route("0.0.0.0/0", "192.0.2.1", R_STATIC, 4, DELETE), s.event(4, ON, state=2), s.own(4, "192.0.2.3", 24),
        s.route("0.0.0.0/0", "192.0.2.1", R_STATIC, 4, ADD), s.route("2001:db8:4::/64", None, 0, 4, ADD),
        s.route("198.51.100.1/32", "192.0.2.1", R_HOST, 4, MISS),
        s.route("198.51.100.0/24", "192.0.2.1", R_STATIC, 4, ADD, error=17)))
    # As a program asks: without a mask, so that the longest match is meant.
    if s.name != "openbsd":
        yield "question4", s.message(GET, s.rt(0, DST, 0, 0, pid=0), s.address("192.0.2.1"))
        yield "question6", s.message(GET, s.rt(0, DST, 0, 0, pid=0), s.address("2001:db8::1"))
    yield "answer", s.route("128.0.0.0/1", None, R_STATIC, 33)
    yield "torn", s.route("0.0.0.0/0", "192.0.2.1", R_STATIC, 4)[:-9]
    yield "other-version", s.link(4, "en0", ON).replace(b"\5\x0e", b"\6\x0e", 1)
    if s.name != "macos":
        yield "announce", s.announce(33, s.tunnel, 1) + s.announce(7, "ue0", 0)


RECORDED = {  # addresses of messages of macOS: (flags, mask, bytes)
    "recorded-link-route": (R_UP, DST | GATEWAY | NETMASK, """
        10 02 00 00 c0 a8 56 00 00 00 00 00 00 00 00 00
        14 12 04 00 06 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        07 ff ff ff ff ff ff"""),
    "recorded-utun-route": (R_UP, DST | GATEWAY | NETMASK, """
        10 02 00 00 64 71 00 00 00 00 00 00 00 00 00 00
        14 12 21 00 01 08 00 00 75 74 75 6e 34 33 31 39 00 00 00 00
        06 02 00 00 ff ff 00 00"""),
    "recorded-route6": (R_UP | R_GATEWAY | R_STATIC, DST | GATEWAY | NETMASK, """
        1c 1e 00 00 00 00 00 00 fd 84 1b 4e 62 81 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        1c 1e 00 00 00 00 00 00 fe 80 00 21 00 00 00 00 f2 2f 4b ff fe 09 3b ff 00 00 00 00
        0e 1e 00 00 00 00 00 00 ff ff ff ff ff ff 00 00"""),
    "recorded-default6": (R_UP | R_GATEWAY | R_STATIC | 0x1000000, DST | GATEWAY | NETMASK, """
        1c 1e 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        1c 1e 00 00 00 00 00 00 fe 80 00 00 00 00 00 00 02 d0 4c ff fe 10 15 d2 00 00 00 00
        02 1e 00 00"""),
    "recorded-length-0": (R_UP | R_GATEWAY, DST | GATEWAY | NETMASK, """
        00 1e 00 00
        1c 1e 00 00 00 00 00 00 fe 80 00 21 00 00 00 00 f2 2f 4b ff fe 09 3b ff 00 00 00 00
        0e 1e 00 00 00 00 00 00 ff ff ff ff ff ff 00 00"""),
}
RECORDED_GET = """
    84 00 05 04 01 00 00 00 03 08 00 01 15 00 00 00 1b 01 00 00 f5 5a 00 00 03 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 10 02 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00 14 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00"""


def main():
    folder = HERE / "route"
    folder.mkdir(exist_ok=True)
    for system in SYSTEMS:
        for name, seed in seeds_of(system):
            (folder / f"{system.name}-{name}").write_bytes(bytes([system.number]) + seed)
    macos = SYSTEMS[0]
    for name, (flags, mask, text) in RECORDED.items():
        seed = macos.message(ADD, macos.rt(flags, mask, 33, 0), bytes.fromhex(text))
        (folder / f"macos-{name}").write_bytes(b"\0" + seed)
    (folder / "macos-recorded-get").write_bytes(b"\0" + bytes.fromhex(RECORDED_GET))


if __name__ == "__main__":
    main()
