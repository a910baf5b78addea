"""A packet as a filter sees it, the machine it meets, and the lines that verdicts are recorded in."""
import dataclasses
import ipaddress
import re

PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmp6": 58}
NAMES = {number: name for name, number in PROTOCOLS.items()}
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
PORTED = (TCP, UDP)
ICMPS = (ICMP, ICMP6)
# The group of a recorded socket whose line names only the user: no rule asks for this group.
OTHER_GROUP = 20


@dataclasses.dataclass(frozen=True)
class Packet:
    """One packet or fragment. `uid` is None where no socket is found for it, and then `gid` is too."""
    direction: str  # "in" or "out"
    interface: str
    proto: int
    src: ipaddress.IPv4Address | ipaddress.IPv6Address
    dst: ipaddress.IPv4Address | ipaddress.IPv6Address
    sport: int | None = None
    dport: int | None = None
    uid: int | None = None
    gid: int | None = None
    flags: str = ""  # of TCP: letters of FSRPAUEW
    type: int | None = None  # of ICMP and ICMPv6
    code: int = 0
    frag: tuple[int, bool] | None = None  # offset in bytes; whether more follow
    len: int | None = None  # bytes of payload; None: a few
    ttl: int = 64  # also IPv6's hop limit
    tos: int = 0
    loop: bool = False  # sent to an address of this machine: pf sees it on lo0
    ipopt: bool = False  # it carries IP options
    headers: tuple[int, ...] = ()  # complete IPv6 extension headers before `proto`
    routing: int = 0  # of a routing header: its type
    ident: int = 0  # of an ICMP echo: its identifier
    in_window: bool = True  # of TCP: the connection expects its sequence number
    tag: str | None = None  # given by the rule that let it in
    quoted: "Packet | None" = None  # by an ICMP error; the direction and interface of the quoted packet do not matter

    @property
    def version(self):
        return self.src.version

    @property
    def has_ports(self):
        return self.proto in PORTED

    @property
    def has_socket(self):
        return self.uid is not None

    @property
    def four_tuple(self):
        return self.src, self.sport, self.dst, self.dport

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)

    def __str__(self):
        return format_packet(self)


@dataclasses.dataclass(frozen=True)
class Interface:
    """`addresses` are ip_interface values of ipaddress: they know their networks."""
    name: str
    addresses: tuple = ()
    groups: tuple[str, ...] = ()


@dataclasses.dataclass
class World:
    """The machine: its interfaces, and the numbers behind the names of users and groups."""
    interfaces: dict[str, Interface] = dataclasses.field(default_factory=dict)
    users: dict[str, int] = dataclasses.field(default_factory=dict)
    groups: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, name, *addresses, groups=()):
        self.interfaces[name] = Interface(name, tuple(map(ipaddress.ip_interface, addresses)), tuple(groups))
        return self

    def addresses(self, name=None):
        """The addresses of one interface, or of all; none if the interface does not exist."""
        found = self.interfaces.values() if name is None else [self.interfaces.get(name, Interface(name))]
        return [address for interface in found for address in interface.addresses]

    def is_local(self, address):
        return any(address == own.ip for own in self.addresses())


def recorded_world():
    """The machine for which the verdicts were recorded."""
    world = World(users={"root": 0, "_openvpn": 777}, groups={"wheel": 0, "_openvpn": 777})
    world.add("lo0", "127.0.0.1/8", "::1/128", groups=["lo"])
    world.add("en0", "192.168.1.23/24", "fe80::aaaa:1/64", "2001:db8:1::23/64")
    world.add("en1", "192.168.77.5/24", "fe80::aaaa:2/64")
    world.add("utun3", "10.99.0.2/24", "fe80::aaaa:3/64", groups=["utun"])
    return world.add("utun8", "10.8.0.6/24", "fd00:8::6/64", groups=["utun"])


@dataclasses.dataclass(frozen=True)
class Sleep:
    seconds: int


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a recording. `step` is a Packet or a Sleep; `verdict` is "pass", "block" or None."""
    number: int
    text: str  # without verdict and note; a list of deviations names the packet by this
    step: Packet | Sleep
    verdict: str | None = None
    note: str = ""


class Unreadable(ValueError):
    """A line that is not in the format."""


LINE = re.compile(r"(?P<text>[^#]*?)\s*=>\s*(?P<verdict>pass|block)\s*(?:#\s*(?P<note>.*))?$")
END = re.compile(r"\[(?P<six>[^]]+)\]:(?P<port6>\d+)$|(?P<four>[\d.]+):(?P<port4>\d+)$")
WORDS = {"uid": int, "gid": int, "type": int, "code": int, "len": int, "ttl": int, "tos": int,
         "flags": str, "frag": str}


def parse_end(word):
    """ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT as (address, port or None)."""
    match = END.match(word)
    if match is None:
        return ipaddress.ip_address(word), None
    return ipaddress.ip_address(match["six"] or match["four"]), int(match["port6"] or match["port4"])


def parse_attributes(words):
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if word in ("loop", "ipopt"):
            found[word] = True
        elif equals and name in WORDS and name not in found:
            found[name] = WORDS[name](value)
        else:
            raise Unreadable(f"{word}: unknown, or said twice")
    if "frag" in found:
        more = found["frag"].endswith("+")
        found["frag"] = (int(found["frag"].rstrip("+")), more)
    if set(found.get("flags", "")) - set("FSRPAUEW"):
        raise Unreadable(f"flags={found['flags']}: unknown flags")
    if "uid" in found:
        found.setdefault("gid", OTHER_GROUP)
    elif "gid" in found:
        raise Unreadable("gid= without uid=")
    return found


def parse_packet(text):
    words = text.split()
    if len(words) < 6 or words[0] not in ("in", "out") or words[4] != ">":
        raise Unreadable(f"{text}: no packet")
    direction, interface, proto, source, _, destination, *rest = words
    number = PROTOCOLS[proto] if proto in PROTOCOLS else int(proto)
    (src, sport), (dst, dport) = parse_end(source), parse_end(destination)
    if src.version != dst.version or (sport is None) != (dport is None):
        raise Unreadable(f"{text}: the two ends differ in kind")
    if (sport is not None) != (number in PORTED):
        raise Unreadable(f"{text}: ports are of tcp and udp, and those have them")
    return Packet(direction, interface, number, src, dst, sport, dport, **parse_attributes(rest))


def format_end(address, port):
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def format_packet(packet):
    """The packet as the text of a line. parse_packet turns it back into the same packet, except for the fields from
    `headers` on, which no line has."""
    words = [packet.direction, packet.interface, NAMES.get(packet.proto, str(packet.proto)),
             format_end(packet.src, packet.sport), ">", format_end(packet.dst, packet.dport)]
    defaults = {field.name: field.default for field in dataclasses.fields(Packet)}
    for name in ("uid", "gid", "flags", "type", "code", "len", "ttl", "tos"):
        value = getattr(packet, name)
        if value != defaults[name]:
            words.append(f"{name}={value}")
    if packet.frag is not None:
        words.append(f"frag={packet.frag[0]}{'+' if packet.frag[1] else ''}")
    words += [name for name in ("loop", "ipopt") if getattr(packet, name)]
    return " ".join(words)


def parse_line(text, number=0):
    """A Line, or None if the line is empty or a comment."""
    stripped = text.strip()
    if not stripped or stripped.startswith("#"):
        return None
    words = stripped.split("#")[0].split()
    if len(words) == 2 and words[0] == "sleep":
        return Line(number, " ".join(words), Sleep(int(words[1])))
    match = LINE.match(stripped)
    if match is None:
        raise Unreadable(f"line {number}: {stripped}: no packet with a verdict")
    return Line(number, match["text"], parse_packet(match["text"]), match["verdict"], match["note"] or "")


def read_lines(path):
    """Every Line of a recording, in order."""
    with open(path, encoding="utf-8") as file:
        lines = [parse_line(text, number) for number, text in enumerate(file, 1)]
    return [line for line in lines if line is not None]
