"""Writes seeds/nft/: what a kernel's nftables could answer (fuzz_nft.c), and what none would."""
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
INET, NETDEV, BRIDGE = 1, 5, 7
TABLE, CHAIN, RULE, SET, ELEMENT, OBJECT = 0, 3, 6, 9, 12, 18  # NFT_MSG_NEW*
NESTED = 0x8000
OURS = b"portcullis\0"


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def number(kind, value):
    return attribute(kind, struct.pack(">I", value))


def message(kind, *attributes, family=INET, generation=7):
    body = struct.pack(">BBH", family, 0, generation) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), 10 << 8 | kind, 2, 1, 0) + body + bytes(-len(body) % 4)


def named(kind, name, *attributes, **more):
    return message(kind, attribute(1, OURS), attribute(3 if kind == CHAIN else 2, name), *attributes, **more)


def element(key, flags=None):
    inside = attribute(NESTED | 1, attribute(NESTED | 1, key))
    return attribute(NESTED | 1, inside + (number(3, flags) if flags else b""))


table = message(TABLE, attribute(1, OURS), number(2, 6), number(8, 4711))
SEEDS = {
    "tables": b"\0" + table + message(TABLE, attribute(1, OURS), number(2, 6), number(8, 1), family=NETDEV),
    "objects": b"\0" + named(SET, b"lan4\0", number(3, 4), number(4, 7), number(5, 4)) + named(CHAIN, b"stop\0")
    + named(OBJECT, b"blocked\0", number(3, 1)) + named(RULE, b"stop\0", attribute(NESTED | 4, b"")),
    "foreign": b"\0" + named(SET, b"theirs\0") + named(CHAIN, b"theirs\0", family=NETDEV) + named(OBJECT, b"x\0", number(3, 2)),
    "long-names": b"\0" + named(SET, b"A" * 255 + b"\0") + named(SET, b"A" * 256 + b"\0") + named(CHAIN, b"A" * 9000 + b"\0"),
    "names-without-an-end": b"\0" + named(SET, b"A" * 12) + named(SET, b"") + message(SET, attribute(1, b"portcullis")),
    "short": b"\0" + b"".join(struct.pack("=IHHII", 16 + n, 10 << 8 | kind, 2, 1, 0) + b"\1" * n + bytes(-n % 4)
                              for n in range(5) for kind in (TABLE, SET, ELEMENT)),
    "members": b"\7" + message(ELEMENT, attribute(1, OURS), attribute(2, b"tunnel_address6\0"),
                               attribute(NESTED | 3, element(bytes(16)) + element(b"\1" * 16, 1) + element(b"\1" * 3))),
    "many-members": b"\0" + message(ELEMENT, attribute(1, OURS), attribute(NESTED | 3, element(b"\1" * 12) * 300)),
}

for folder, seeds in (("nft", SEEDS),):
    (HERE / folder).mkdir(exist_ok=True)
    for name, data in seeds.items():
        (HERE / folder / name).write_bytes(data)
