"""Forwarded packets as pairs A>B, in by link A and out by link B: what a whole machine lets through, compared with the
promise.

The promise is a function of its own, written from the rows of docs/security.md and not from the rules; the evaluator
only says what pf makes of our text. Packets are generated: the seed is printed, and PF_SEED=N repeats a run."""
import dataclasses
import ipaddress
import os
import random
import re

import pytest
from evaluator import APPLE, FREEBSD
from machine import MACHINE, SERVER, TUNNEL, gate, main_rules, policy_print
from packet import ICMP, ICMP6, TCP, UDP, Packet, parse_packet
from test_gateway import go_on

SEED = int(os.environ.get("PF_SEED") or random.SystemRandom().randrange(1 << 32))
FORWARDS = int(os.environ.get("PF_FORWARDS", "300"))  # for each situation and dialect
TUN, OUTER, LAN_SIDE = "utun8", ("en0", "en1"), ("bridge100", "en7")
LINKS = (*OUTER, *LAN_SIDE, TUN, "utun3", "en9")
GRE = 47


@dataclasses.dataclass(frozen=True)
class Situation:
    words: tuple
    gateway: bool

    @property
    def is_open(self):
        return "state=open" in self.words

    @property
    def has_lan(self):
        return "lan=true" in self.words

    def address(self, version):
        """The tunnel's own address, if it has one."""
        found = [ipaddress.ip_address(word.partition("=")[2]) for word in self.words if word.startswith("address=")]
        return next((address for address in found if address.version == version), None)

    def networks(self):
        return [ipaddress.ip_network(word.partition("=")[2]) for word in self.words if word.startswith("network=")]

    def text(self):
        lan_side = [f"gateway={name}" for name in LAN_SIDE] if self.gateway else []
        return policy_print("pf", *MACHINE, *(f"link={name}" for name in LAN_SIDE), *lan_side, *self.words)


STATES = {"locked": ("state=locked",), "dialling": ("state=dialling", *SERVER, "address=10.8.0.6"),
          "open": ("state=open", *SERVER, *TUNNEL), "open-lan": ("state=open", "lan=true", *SERVER, *TUNNEL),
          "locked-lan": ("state=locked", "lan=true"),
          "open-v4": ("state=open", *SERVER, "address=10.8.0.6", "network=10.8.0.0/24")}
SITUATIONS = {f"{'gateway ' if gateway else ''}{name}": Situation(words, gateway)
              for gateway in (True, False) for name, words in STATES.items()}


# --- the promise: docs/security.md, rows 2, 9 and 14 -------------------------------------------

LOCAL = [ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "224.0.0.0/24", "255.255.255.255",
    "fc00::/7", "fe80::/10", "ff02::/16")]


def within(address, networks):
    return any(address.version == network.version and address in network for network in networks)


def is_error(packet):
    return packet.type in {ICMP: (3, 4, 5, 11, 12), ICMP6: (1, 2, 3, 4)}.get(packet.proto, ())


def key(packet, reverse=False):
    """What identifies a flow, as the network sees it."""
    ends = ((packet.src, packet.sport), (packet.dst, packet.dport))
    return packet.proto, *(reversed(ends) if reverse else ends), packet.ident


class Promise:
    """What may be forwarded. `flows` maps each flow that went into the tunnel, as it left, to its sender."""

    def __init__(self, situation):
        self.s, self.flows = situation, {}

    def allows(self, entering, to, left):
        """May `entering` leave by `to` as `left`? If nothing left (`left` is None): could anything be allowed to?"""
        came = entering.interface
        if not self.s.is_open or (came == TUN) == (to == TUN):
            return False
        return self.may_enter(entering, left) if to == TUN else self.may_return(entering, to, left)

    def may_enter(self, entering, left):
        own = self.s.address(entering.version)
        if own in (entering.src, entering.dst):
            return False  # row 2
        if not self.s.gateway:
            return True  # row 9: forwarded packets only into it
        if entering.interface not in LAN_SIDE or not within(entering.src, LOCAL) or \
                within(entering.src, self.s.networks()):
            return False  # rows 13, 14
        if entering.proto == ICMP6 and entering.type in (134, 137):
            return False  # row 13
        return own is not None and (left is None or left.src == own)  # masqueraded

    def may_return(self, entering, to, left):
        """Replies to what was forwarded, and errors about it."""
        about = entering.quoted if is_error(entering) else entering
        if about is None:
            return False
        sender = self.flows.get(key(about, reverse=about is entering))
        if sender is None:
            return False
        if self.s.gateway and to not in LAN_SIDE:
            return False
        return left is None or left.dst == sender

    def note(self, entering, left):
        self.flows[key(left)] = entering.src


def why_narrower(s, entering, to, promise):  # pylint: disable=too-many-return-statements
    """Why something promised does not pass: one of pf's listed deviations. None if nothing explains it."""
    if entering.frag is not None:
        return "fragments, but as the whole datagram"
    about = entering.quoted if is_error(entering) else entering
    if entering.proto == TCP and entering.flags != "S" and to == TUN:
        return "9: TCP from its beginning"
    if entering.interface == TUN and about.proto == TCP and promise.flows.get(key(about, reverse=about is entering)) is None:
        return "9: TCP from its beginning"
    if is_error(entering) and about is not None and not about.in_window:
        return "9: errors about what is in the window"
    if s.gateway:
        if entering.proto == UDP and (entering.sport, entering.dport) == (68, 67):
            return "14: clients' DHCP is for this machine"
        if entering.interface == TUN and not is_error(entering) and entering.dport in (53, 853):
            return "14: answers to a client's port 53 or 853"
        if entering.proto == ICMP6 and entering.type in (133, 135):
            return "14: clients' neighbour discovery is for this machine"
        return None
    if to == TUN:
        return "9, forwarding: stopped on entry"
    return "9, forwarding: out by a physical link"


def why_wider(s, entering, to, left, promise):
    """Why something passes that is not promised, as docs/security.md says. None if nothing explains it."""
    if entering.interface == to == TUN and s.is_open and (not s.gateway or key(left) in promise.flows):
        return "9, forwarding: back into the tunnel"  # with a gateway only by a state, because states ask for no tag
    if not s.gateway and entering.proto == ICMP6 and entering.type in (130, 131, 132, 133, 134, 135, 136, 143):
        return "9, forwarding: neighbour discovery's shape"
    if not s.gateway and s.has_lan and {entering.interface, to} <= {*OUTER, *LAN_SIDE} and \
            within(entering.src, LOCAL) and within(entering.dst, LOCAL):
        return "10: between two local networks"
    return None


# --- packets ----------------------------------------------------------------------------------------

V4 = [ipaddress.ip_address(text) for text in (
    "10.60.0.11", "10.60.0.12", "192.168.77.9", "192.168.1.66", "192.168.1.23", "10.8.0.6", "10.8.0.1", "8.8.8.8",
    "198.51.100.77", "203.0.113.7", "255.255.255.255", "224.0.0.251", "10.50.0.1", "0.0.0.0", "169.254.3.3")]
V6 = [ipaddress.ip_address(text) for text in (
    "fd00:60::11", "fd00:60::12", "fe80::9", "::", "ff02::1", "ff02::2", "fd00:8::6", "fd00:8::1", "2001:db8:1::9",
    "2001:db8:80::80", "fe80::aaaa:1", "fd77::1", "ff02::1:ff00:9")]
PORTS = [53, 67, 68, 443, 546, 547, 853, 1194, 5000, 50000]
# Sockets of this machine that are not bound to an address: openvpn's, a DHCP client's, a user's.
SOCKETS = {50000: (0, 777), 68: (0, 0), 546: (0, 0), 5000: (501, 20)}
SHAPES = [(67, 68), (68, 67), (546, 547), (547, 546), (1194, 50000), (50000, 1194), (5000, 53), (53, 5000), (5000, 443)]


def owned(packet):
    """The packet with the owner that pf finds for it: by the ports alone, because those sockets accept any address."""
    port = packet.dport if packet.direction == "in" else packet.sport
    uid, gid = SOCKETS.get(port, (None, None)) if packet.proto == UDP else (None, None)
    return packet.replace(uid=uid, gid=gid)


class Generator:
    def __init__(self, rng):
        self.rng, self.port = rng, 20000

    def any_packet(self):
        rng = self.rng
        pool = V4 if rng.random() < 0.6 else V6
        proto = rng.choice([UDP, UDP, UDP, TCP, ICMP if pool is V4 else ICMP6, ICMP if pool is V4 else ICMP6, GRE])
        packet = Packet("in", rng.choice(LINKS), proto, rng.choice(pool), rng.choice(pool), ttl=255)
        if packet.has_ports:
            sport, dport = rng.choice(SHAPES) if rng.random() < 0.6 else (rng.choice(PORTS), rng.choice(PORTS))
            packet = packet.replace(sport=sport, dport=dport,
                                    flags=rng.choice(["S", "S", "SA", "A", "PA", "R"]) if proto == TCP else "")
        elif proto == ICMP:
            packet = packet.replace(type=rng.choice([0, 3, 5, 8, 11]), ident=rng.randrange(3))
        elif proto == ICMP6:
            packet = packet.replace(type=rng.choice([1, 2, 3, 128, 129, 133, 134, 135, 136, 137, 143]))
        if rng.random() < 0.1:
            packet = packet.replace(frag=rng.choice([(0, True), (1480, False), (1480, True)]), len=1400)
        return packet

    def beginning(self):
        """The first packet of a client. It has a port of its own, so that no two flows are the same."""
        rng = self.rng
        self.port += 1
        pool = (V4[:3], V4[6:10]) if rng.random() < 0.6 else (V6[:2], V6[8:10])
        proto = rng.choice([UDP, TCP, ICMP if pool[0][0].version == 4 else ICMP6])
        packet = Packet("in", rng.choice([*LAN_SIDE, *LAN_SIDE, *OUTER]), proto, rng.choice(pool[0]), rng.choice(pool[1]))
        if rng.random() < 0.05:
            packet = packet.replace(frag=(1480, False), len=200)
        if packet.has_ports:
            return packet.replace(sport=self.port, dport=rng.choice(PORTS), flags="S" if proto == TCP else "")
        return packet.replace(type=8 if proto == ICMP else 128, ident=self.port)

    def coming_back(self, begun):
        """An answer to something that left, or an error about it. Sometimes it comes by another link, and sometimes one
        field is wrong."""
        rng = self.rng
        asked = rng.choice(begun)
        came = TUN if rng.random() < 0.8 else rng.choice(LINKS)
        if rng.random() < 0.3:
            proto = ICMP if asked.version == 4 else ICMP6
            quoted = asked.replace(uid=None, gid=None, tag=None, in_window=rng.random() < 0.8)
            if rng.random() < 0.2:
                quoted = quoted.replace(ident=quoted.ident + 1) if not quoted.has_ports else quoted.replace(dport=99)
            router = rng.choice(V4[7:9] if asked.version == 4 else V6[8:10])
            return Packet("in", came, proto, router, asked.src, type=3 if proto == ICMP else 1, quoted=quoted)
        answer = asked.replace(direction="in", interface=came, src=asked.dst, dst=asked.src, sport=asked.dport,
                               dport=asked.sport, uid=None, gid=None, tag=None)
        if asked.proto == TCP:
            answer = answer.replace(flags="SA")
        elif not asked.has_ports and asked.type in (8, 128):
            answer = answer.replace(type={8: 0, 128: 129}[asked.type])
        return answer.replace(sport=99) if answer.has_ports and rng.random() < 0.15 else answer

    def forward(self, begun):
        """(packet as it enters, the link that it leaves by)."""
        rng, dice = self.rng, self.rng.random()
        if begun and dice < 0.3:
            return self.coming_back(begun), rng.choice([*LAN_SIDE, *LAN_SIDE, *LINKS])
        if dice < 0.6:
            return self.beginning(), TUN if rng.random() < 0.7 else rng.choice(LINKS)
        return self.any_packet(), rng.choice(LINKS)


def run(situation, text, dialect, seed, count=FORWARDS):
    """(leaks, what is stopped without a reason, number of pairs that passed)"""
    rng = random.Random(seed)
    generator, promise = Generator(rng), Promise(situation)
    pf = gate(text, main_rules(dialect, None if dialect == APPLE else ""), dialect)
    leaks, broken, begun, passed = [], [], [], 0
    for _ in range(count):
        packet, to = generator.forward(begun)
        left = pass_through(pf, owned(packet), to)
        told = f"{packet.interface}>{to} {packet}" + (f" [{left}]" if left is not None else "")
        allowed = promise.allows(packet, to, left)
        if left is None:
            if allowed and why_narrower(situation, packet, to, promise) is None:
                broken.append(told)
            continue
        passed += 1
        if not allowed and why_wider(situation, packet, to, left, promise) is None:
            leaks.append(told)
        elif allowed and to == TUN:
            promise.note(packet, left)
            if not is_error(packet) and packet.frag is None:
                begun.append(left)
    return leaks, broken, passed


def pass_through(pf, entering, to):
    """The packet as it leaves, or None."""
    left = go_on(pf, entering, to, owned)
    return None if left == "block" else left


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
@pytest.mark.parametrize("name", SITUATIONS)
def test_forwards(name, dialect):
    situation = SITUATIONS[name]
    leaks, broken, passed = run(situation, situation.text(), dialect, SEED)
    print(f"seed {SEED}: {passed} of {FORWARDS} passed")
    assert not leaks, f"PF_SEED={SEED}: {len(leaks)} leaks:\n" + "\n".join(leaks[:20])
    assert not broken, f"PF_SEED={SEED}: {len(broken)} do not pass that should:\n" + "\n".join(broken[:20])
    assert passed > FORWARDS // 20 or not (situation.gateway and situation.is_open), f"PF_SEED={SEED}: {passed} passed"


# --- the five leaks that were found in pf's real code: each reappears without its fix ------------------------------

NO_HERE = (r" tag portcullis_here\b", r"(?m)^block .* tagged portcullis_here\n")
NO_TUNNEL = (r" tag portcullis_tunnel\b", r"(?m)^block .* tagged portcullis_tunnel\n")
NO_SCRUB = (r"(?m)^scrub in on \{ bridge100, en7 \} all .*\n",)
AS_A_CLIENTS = r"(port = 68 to any port = 67 no state tag portcullis_)here"
CURES = {"here": NO_HERE, "tunnel": NO_TUNNEL, "scrub": NO_SCRUB}
LEAKS = [
    ("here", "gateway open-lan", "en0", TUN, "udp 192.168.1.66:5000 > 10.50.0.1:5000"),
    ("here", "gateway open-lan", "en0", "bridge100", "udp 192.168.1.66:5000 > 10.60.0.11:5000"),
    ("here", "gateway open", "en0", TUN, "udp 192.168.1.66:67 > 8.8.8.8:68"),
    *[("here", f"gateway {state}", "en0", "bridge100", "udp 192.168.1.66:67 > 10.60.0.11:68") for state in STATES],
    ("here", "gateway open", "bridge100", TUN, "udp 198.51.100.77:68 > 8.8.8.8:67"),
    ("here", "gateway dialling", "en0", "bridge100", "udp 203.0.113.7:1194 > 10.60.0.11:50000"),
    ("here", "gateway open", "en0", "bridge100", "udp 203.0.113.7:1194 > 10.60.0.11:50000"),
]


def without(text, patterns):
    weak = text
    for pattern in patterns:
        weak = re.sub(pattern, "", weak)
    assert weak != text
    return weak


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
@pytest.mark.parametrize("cure, name, came, to, words", LEAKS)
def test_what_leaked_through_a_gateway(cure, name, came, to, words, dialect):
    situation, packet = SITUATIONS[name], owned(parse_packet(f"in {came} {words}"))
    main = main_rules(dialect, None if dialect == APPLE else "")
    left = pass_through(gate(without(situation.text(), CURES[cure]), main, dialect), packet, to)
    assert left is not None and not Promise(situation).allows(packet, to, left), "the control: it leaked"
    assert pass_through(gate(situation.text(), main, dialect), packet, to) is None


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
def test_a_clients_answer_leaves_by_a_lan_side_link_only(dialect):
    """With lan = true, and a client's address that the outer network routes as well: the answer leaves by a LAN-side
    link, not by the outer one."""
    situation = SITUATIONS["gateway open-lan"]
    main = main_rules(dialect, None if dialect == APPLE else "")
    asked, answer = (parse_packet(text) for text in (
        "in bridge100 udp 192.168.77.9:6000 > 10.50.0.1:5300", "in utun8 udp 10.50.0.1:5300 > 10.8.0.6:6000"))
    for text, wanted in ((without(situation.text(), NO_TUNNEL), True), (situation.text(), False)):
        pf = gate(text, main, dialect)
        assert str(pass_through(pf, asked, TUN).src) == "10.8.0.6"
        for link in OUTER:
            assert (pass_through(pf, answer, link) is not None) == wanted, link
        assert str(pass_through(pf, answer, "bridge100").dst) == "192.168.77.9"


def test_a_clients_fragments_are_translated_on_apple():
    """A fragment has no ports by which pf could find a state, so pf would not translate it: it is reassembled first."""
    situation = SITUATIONS["gateway open"]
    first, last = (parse_packet(f"in bridge100 udp 10.60.0.11:6000 > 8.8.8.8:5300 frag={frag}")
                   for frag in ("0+ len=1472", "1480 len=200"))
    weak = gate(without(situation.text(), NO_SCRUB), main_rules())
    assert str(pass_through(weak, last, TUN).src) == "10.60.0.11", "the control: the client's own address"
    for dialect in (APPLE, FREEBSD):
        pf = gate(situation.text(), main_rules(dialect, None if dialect == APPLE else ""), dialect)
        assert pass_through(pf, first, TUN) is None, "it is held"
        assert str(pass_through(pf, last, TUN).src) == "10.8.0.6", "the whole datagram"


@pytest.mark.parametrize("cure", CURES)
def test_the_generator_finds_each_leak(cure):
    """The generator, which knows nothing of the leaks, finds each of them within this number of packets for any
    seed."""
    # With the local network allowed, everything is reassembled anyway.
    situation = SITUATIONS["gateway open" if cure == "scrub" else "gateway open-lan"]
    weak = without(situation.text(), CURES[cure])
    assert any(run(situation, weak, APPLE, SEED + turn)[0] for turn in range(10)), f"PF_SEED={SEED}"


def test_a_client_that_asks_for_an_address_goes_no_further():
    """A client's DHCP request is for this machine: the tag of the rule that lets it in keeps it from being
    forwarded."""
    situation = SITUATIONS["gateway open"]
    weak = re.sub(AS_A_CLIENTS, r"\1client", situation.text())
    assert weak != situation.text()
    packet = parse_packet("in bridge100 udp 198.51.100.77:68 > 8.8.8.8:67")
    left = pass_through(gate(weak, main_rules()), packet, TUN)
    assert left is not None and left.src == packet.src, "the control"
    assert pass_through(gate(situation.text(), main_rules()), packet, TUN) is None
