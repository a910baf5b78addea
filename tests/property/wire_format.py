"""Probes as bytes: whole IPv4 and IPv6 packets with correct checksums, and a token that says which probe it is."""
import struct

from packet import ICMP, ICMP6, TCP, UDP

TOKEN = b"PORTCULLIS-PROBE"
SEQUENCE = 1000
BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128}


def token(number):
    return TOKEN + struct.pack("!I", number)


def number_in(raw):
    """The number of the probe that these bytes are; None if they are not one."""
    at = raw.find(TOKEN)
    return struct.unpack_from("!I", raw, at + len(TOKEN))[0] if 0 <= at <= len(raw) - len(TOKEN) - 4 else None


def checksum(raw):
    if len(raw) % 2:
        raw += b"\0"
    total = sum(struct.unpack(f"!{len(raw) // 2}H", raw))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(packet, length):
    if packet.version == 4:
        return packet.src.packed + packet.dst.packed + struct.pack("!BBH", 0, packet.proto, length)
    return packet.src.packed + packet.dst.packed + struct.pack("!II", length, packet.proto)


def identity(packet):
    """The identifier of an echo. It is the same in both directions, and differs between pairs of addresses."""
    return checksum(bytes(a ^ b for a, b in zip(packet.src.packed, packet.dst.packed))) or 1


def transport(packet, load, quoted):
    """The bytes after the IP header, and the offset of their checksum, or None if they have none."""
    if packet.proto == UDP:
        return struct.pack("!HHHH", packet.sport, packet.dport, 8 + len(load), 0) + load, 6
    if packet.proto == TCP:
        flags = sum(BITS[flag] for flag in packet.flags)
        return struct.pack("!HHIIHHHH", packet.sport, packet.dport, SEQUENCE, SEQUENCE + 1 if "A" in packet.flags else 0,
                           5 << 12 | flags, 8192, 0, 0) + load, 16
    if packet.proto in (ICMP, ICMP6):
        rest = struct.pack("!HH", identity(packet), 1) if quoted is None else b"\0\0\x05\0"
        body = load if quoted is None else encode(quoted, None)[:60].ljust(128 if packet.version == 4 else 64, b"\0") + load
        return struct.pack("!BBH", packet.type, packet.code, 0) + rest + body, 2
    return load, None


def encode(packet, number, quoted=None):
    """`number` is None for a packet that is only quoted."""
    load = token(number) + bytes(8) if number is not None else bytes(28)
    body, at = transport(packet, load, quoted)
    if at is not None:
        covered = body if packet.proto == ICMP else pseudo(packet, len(body)) + body
        found = checksum(covered) or (0xffff if packet.proto == UDP else 0)
        body = body[:at] + struct.pack("!H", found) + body[at + 2:]
    if packet.version == 6:
        head = struct.pack("!IHBB16s16s", 6 << 28, len(body), packet.proto, packet.ttl, packet.src.packed, packet.dst.packed)
        return head + body
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, packet.ttl, packet.proto, 0, packet.src.packed,
                       packet.dst.packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body
