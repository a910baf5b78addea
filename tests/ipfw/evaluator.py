"""An ipfw of its own: text in, verdicts out. Written from ipfw(8) of FreeBSD 13 and 14; the comments name its sections.

Where the kernel (sys/netpfil/ipfw/ip_fw2.c) or the parser (sbin/ipfw) accepts more or less than the page, the evaluator
takes the side that lets more through, and a comment says so."""
import dataclasses
import fnmatch
import ipaddress
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pf"))

from packet import ICMP, ICMP6, TCP, UDP  # noqa: E402  pylint: disable=wrong-import-position

DEFAULT_RULE, DEFAULT_SET = 65535, 31
# RULE BODY, proto: names of /etc/protocols.
PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": TCP, "udp": UDP, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": ICMP6,
             "icmp6": ICMP6, "sctp": 132, "udplite": 136}
PORTED = (TCP, UDP, 132, 136)
# What may follow an IPv6 header; the rest is dropped before any rule (net.inet6.ip6.fw.deny_unknown_exthdrs, default 1).
KNOWN6 = (0, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 103, 112, 132, 136)
ROUTING = 43
HEADERS = {"frag": 44, "hopopt": 0, "route": 43, "dstopt": 60, "ah": 51, "esp": 50}
FLAGS = {"fin": "F", "syn": "S", "rst": "R", "psh": "P", "ack": "A", "urg": "U"}
UNREACH = ("net host protocol port needfrag srcfail net-unknown host-unknown isolated net-prohib host-prohib tosnet "
           "toshost filter-prohib host-precedence precedence-cutoff").split()
UNREACH6 = {"no-route", "admin-prohib", "address", "port", "0", "1", "3", "4"}
HELD = {"pipe", "queue"}  # with one_pass, the default, what leaves a pipe passes without another rule
PASSES = {"allow", "accept", "pass", "permit", *HELD}
DENIES = {"deny", "drop", "reject", "reset", "reset6", "unreach", "unreach6"}
# Words that can't be the name of a service where ports are expected (the parser's own list).
RESERVED = {"altq", "//", "diverted", "dst-port", "src-port", "established", "keep-state", "frag", "icmptypes", "in",
            "out", "ip6", "any", "to", "via", "{"}
# The parser's limits: a pattern and a whole rule, in 32-bit words; a line and a comment, in bytes.
PATTERN_WORDS, RULE_WORDS, LINE_BYTES, COMMENT_BYTES = 63, 250, 4095, 80


class Refused(ValueError):
    """A text that ipfw would refuse to load."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a rule looks at: the packet, where it came in, its tags, the sender's other groups."""
    packet: object
    received: str | None
    tags: frozenset
    groups: tuple

    @property
    def later(self):
        """Any fragment but the first: it has no ports, types, flags or owner."""
        return self.packet.frag is not None and self.packet.frag[0] > 0

    @property
    def transmitted(self):
        return self.packet.interface if self.packet.direction == "out" else None


@dataclasses.dataclass
class Pattern:
    """One condition; in an or-block, one of several alternatives."""
    match: object
    words: int = 1
    negated: bool = False

    def holds(self, seen):
        return self.match(seen) != self.negated


@dataclasses.dataclass
class Rule:
    number: int
    set: int
    action: str
    blocks: list  # each must hold; one pattern in it is enough
    tag: int | None = None
    comment: str = ""
    text: str = ""
    keep: bool = False  # keep-state: a packet that it passes makes a dynamic state

    def matches(self, seen):
        return all(any(pattern.holds(seen) for pattern in block) for block in self.blocks)


@dataclasses.dataclass(frozen=True)
class Verdict:
    passes: bool
    rule: Rule | None  # None: decided before any rule
    refused: bool = False  # an answer is sent

    def __str__(self):
        return "pass" if self.passes else "block"


# --- words ------------------------------------------------------------------------

class Words:
    """The words of a rule, from left to right."""

    def __init__(self, words):
        self.words, self.at = words, 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self, what="a word"):
        word = self.peek()
        if word is None:
            raise Refused(f"missing {what}")
        self.at += 1
        return word

    def took(self, *wanted):
        if self.peek() in wanted:
            self.at += 1
            return True
        return False

    def rest(self):
        words, self.at = self.words[self.at:], len(self.words)
        return words


def number(word, least, most, what):
    if not word.isdigit() or not least <= int(word) <= most:
        raise Refused(f"{word}: no {what}")
    return int(word)


def ports_of(word):
    """RULE BODY, ports: {port | port-port}[,ports], at most 30."""
    found = []
    for part in word.split(","):
        low, dash, high = part.partition("-")
        found.append((number(low, 0, 65535, "port"), number(high if dash else low, 0, 65535, "port")))
        if found[-1][0] > found[-1][1]:
            raise Refused(f"{part}: no range")
    if len(found) > 30:
        raise Refused("more than 30 ports or ranges")
    return found


def port_pattern(word, side):
    """RULE BODY, ports: fragments with an offset never match; nor do protocols without ports."""
    ranges = ports_of(word)

    def match(seen):
        packet = seen.packet
        if seen.later or packet.proto not in PORTED:
            return False
        port = packet.sport if side == "src" else packet.dport
        return any(low <= port <= high for low, high in ranges)
    return Pattern(match, 1 + len(ranges))


def prefix_of(word):
    address, slash, length = word.partition("/")
    try:
        base = ipaddress.ip_address(address)
        found = ipaddress.ip_network(f"{address}/{number(length, 0, base.max_prefixlen, 'width')}" if slash
                                     else address, strict=False)
    except ValueError as problem:
        raise Refused(f"bad address {word}") from problem
    if found.prefixlen == 0:
        # The parser takes 0.0.0.0/0 for the end of the list, and ::/0 for this machine's own addresses.
        raise Refused(f"{word}: is not what it looks like")
    return found


def addresses_pattern(word, side, version=None):
    """RULE BODY, addr-list and addr6-list. None: any address."""
    if word == "any":
        return None
    nets = [prefix_of(part) for part in word.split(",")]
    if len({net.version for net in nets}) != 1 or version not in (None, nets[0].version):
        raise Refused(f"{word}: of another family")
    single = len(nets) == 1 and nets[0].prefixlen == nets[0].max_prefixlen
    each = 2 if nets[0].version == 4 else 8
    words = 1 + (each // 2 if single else each * len(nets))
    if words > PATTERN_WORDS:
        raise Refused("address list too long")

    def match(seen):
        address = seen.packet.src if side == "src" else seen.packet.dst
        return any(address.version == net.version and address in net for net in nets)
    return Pattern(match, words)


def protocol_pattern(word):
    """RULE BODY, proto. Returns the protocol number for later ports, and the pattern; None: any packet."""
    if word in ("ip", "all"):
        return 0, None
    if word in ("ip4", "ipv4", "ip6", "ipv6"):
        version = int(word[-1])
        return 0, Pattern(lambda seen: seen.packet.version == version)
    if word not in PROTOCOLS and not word.isdigit():
        raise Refused(f"invalid protocol {word}")
    proto = PROTOCOLS.get(word) or number(word, 1, 255, "protocol")
    return proto, Pattern(lambda seen: seen.packet.proto == proto)


# --- options ------------------------------------------------------------------------

def interface_pattern(which, word):
    """recv | xmit | via: by exact name, or by a shell's pattern. `any` is not a condition, not even under `not`."""
    if word == "any":
        return None
    if word[0].isdigit() or word.startswith("table("):
        raise Refused(f"{word}: interfaces by address or table are not known here")
    if len(word) > 15:
        raise Refused(f"{word}: cut by the reader")
    pattern = any(c in word for c in "*?[")

    def match(seen):
        name = {"recv": seen.received, "xmit": seen.transmitted, "via": seen.packet.interface}[which]
        if name is None:
            return False
        return fnmatch.fnmatchcase(name, word) if pattern else name == word
    return Pattern(match, 6)


def owner_pattern(which, word, world):
    """uid, gid: TCP and UDP packets sent by or received for the user or group, by the socket. A group may be any of
    the owner's (the kernel's groupmember()). The reader asks the system's lists for numbers too."""
    known = world.users if which == "uid" else world.groups
    if word.isdigit():
        wanted = int(word)
        if wanted not in known.values():
            raise Refused(f"{which} {word} nonexistent")
    elif word in known:
        wanted = known[word]
    else:
        raise Refused(f"{which} {word} nonexistent")

    def match(seen):
        packet = seen.packet
        if seen.later or packet.proto not in (TCP, UDP, 136) or packet.uid is None:
            return False
        return packet.uid == wanted if which == "uid" else wanted in (packet.gid, *seen.groups)
    return Pattern(match, 2)


def flags_pattern(word):
    """tcpflags: all of these set, those with ! clear. Never a fragment with an offset."""
    wanted, clear = set(), set()
    for part in word.split(","):
        name = part.lstrip("!")
        if name not in FLAGS:
            raise Refused(f"invalid flag {part}")
        (clear if part.startswith("!") else wanted).add(FLAGS[name])

    def match(seen):
        have = set(seen.packet.flags)
        return seen.packet.proto == TCP and not seen.later and wanted <= have and not clear & have
    return Pattern(match)


def is_established(seen):
    """established: RST or ACK, according to the page; the kernel accepts anything but SYN alone of the three."""
    have = set(seen.packet.flags) & set("RAS")
    return seen.packet.proto == TCP and not seen.later and have != {"S"}


def types_pattern(word, proto, most):
    """icmptypes, icmp6types: single types, ranges are not allowed."""
    types = {number(part, 0, most, "type") for part in word.split(",")}
    return Pattern(lambda seen: seen.packet.proto == proto and not seen.later and seen.packet.type in types
                   and seen.packet.version == (4 if proto == ICMP else 6), 2 if proto == ICMP else 8)


FRAGMENT_WORDS = {"df", "mf", "rf", "offset"}


def fragment_pattern(words):
    """frag [spec]: an empty list means a non-zero offset, for IPv4 and IPv6. Of the specs only `offset` is supported
    here."""
    spec = words.peek()
    if spec is not None and set(spec.replace("!", "").split(",")) <= FRAGMENT_WORDS:
        if words.take() != "offset":
            raise Refused(f"frag {spec}: not known here")
    return Pattern(lambda seen: seen.later)


def has_header(packet, header):
    return packet.version == 6 and (header in packet.headers or (header == 44 and packet.frag is not None)
                                    or (header == 50 and packet.proto == 50))


def header_pattern(word):
    """ext6hdr: for IPv6 only."""
    if word not in HEADERS:
        raise Refused(f"ext6hdr {word}: no header")
    return Pattern(lambda seen: has_header(seen.packet, HEADERS[word]))


def option_pattern(word, words, world):
    """RULE OPTIONS (MATCH PATTERNS): those that are supported here."""
    if word in ("in", "out"):
        return Pattern(lambda seen: seen.packet.direction == word)
    if word in ("via", "recv", "xmit"):
        return interface_pattern(word, words.take("an interface"))
    if word in ("uid", "gid"):
        return owner_pattern(word, words.take("an owner"), world)
    if word == "established":
        return Pattern(is_established)
    if word == "setup":
        return flags_pattern("syn,!ack")
    if word == "tcpflags":
        return flags_pattern(words.take("flags"))
    if word == "icmptypes":
        return types_pattern(words.take("types"), ICMP, 31)
    if word == "icmp6types":
        return types_pattern(words.take("types"), ICMP6, 201)
    if word == "frag":
        return fragment_pattern(words)
    if word == "ext6hdr":
        return header_pattern(words.take("a header"))
    if word == "ipversion":
        version = number(words.take("a version"), 4, 6, "version")
        return Pattern(lambda seen: seen.packet.version == version)
    if word == "proto":
        return protocol_pattern(words.take("a protocol"))[1]
    if word in ("src-port", "dst-port"):
        return port_pattern(words.take("ports"), word[:3])
    if word in ("src-ip", "dst-ip", "src-ip6", "src-ipv6", "dst-ip6", "dst-ipv6"):
        return addresses_pattern(words.take("addresses"), word[:3], 6 if "6" in word else 4)
    if word == "tagged":
        tag = number(words.take("a tag"), 1, 65534, "tag")
        return Pattern(lambda seen: tag in seen.tags)
    raise Refused(f"{word}: no option, or none that is known here")


# --- rules --------------------------------------------------------------------------

def one_end(words, side, proto):
    """RULE BODY, src and dst: [not] addr [[not] ports]."""
    blocks = []
    negated = words.took("not")
    pattern = addresses_pattern(words.take("an address"), side)
    if pattern is None and negated:
        raise Refused("not any never matches")
    if pattern is not None:
        pattern.negated = negated
        blocks.append([pattern])
    at = words.at
    negated = words.took("not")
    word = words.peek()
    if word is not None and word not in RESERVED and word[0].isdigit():
        if proto not in PORTED:
            raise Refused(f"{word}: ports of a protocol that has none")
        pattern = port_pattern(words.take(), side)
        pattern.negated = negated
        blocks.append([pattern])
    else:
        words.at = at
    return blocks


def options(words, world):
    """Patterns, each of which may be negated, and or-blocks of one level: { a or not b }."""
    blocks = []
    block, joined = None, False
    while words.peek() not in (None, "//", "keep-state"):
        if words.took("{", "("):
            if block is not None:
                raise Refused("nested parentheses")
            block, joined = [], True
            continue
        if words.took("}", ")"):
            if not block or joined:
                raise Refused("empty parentheses")
            blocks.append(block)
            block = None
            continue
        if words.took("or"):
            if not block or joined:
                raise Refused("invalid or block")
            joined = True
            continue
        if block is not None and not joined:
            raise Refused("missing or")
        negated = words.took("not")
        pattern = option_pattern(words.take("an option"), words, world)
        if pattern is None:
            if block is not None:
                raise Refused("no condition in an or block")
            continue
        pattern.negated = negated
        joined = False
        (blocks if block is None else block).append([pattern] if block is None else pattern)
    if block is not None:
        raise Refused("missing )")
    return blocks


def action_of(words):
    """RULE ACTIONS, those that are supported here: (action, tag)."""
    action = words.take("an action")
    if action not in PASSES | DENIES | {"count", "reass"}:
        raise Refused(f"invalid action {action}")
    if action == "unreach" and (code := words.take("a code")) not in UNREACH:
        number(code, 0, 255, "code")
    if action in HELD:
        number(words.take("a number"), 1, 65535, "pipe")
    if action == "unreach6" and (code := words.take("a code")) not in UNREACH6:
        raise Refused(f"unknown ICMPv6 unreachable code {code}")
    tag = number(words.take("a tag"), 1, 65534, "tag") if words.took("tag") else None
    return action, tag


def parse_rule(text, world):
    """add [rule_number] [set N] action [tag N] proto from src to dst [options] [// comment]."""
    words = Words(text.split())
    if not words.took("add"):
        raise Refused("no rule")
    rule = Rule(0, 0, "", [], text=text)
    if (words.peek() or "").isdigit():
        rule.number = number(words.take(), 1, DEFAULT_RULE - 1, "rule number")
    if words.took("set"):
        rule.set = number(words.take("a set"), 0, DEFAULT_SET, "set")
    rule.action, rule.tag = action_of(words)
    negated = words.took("not")
    proto, pattern = protocol_pattern(words.take("a protocol"))
    if pattern is not None:
        pattern.negated = negated
        rule.blocks.append([pattern])
    if not words.took("from"):
        raise Refused("missing from")
    rule.blocks += one_end(words, "src", proto)
    if not words.took("to"):
        raise Refused("missing to")
    rule.blocks += one_end(words, "dst", proto)
    rule.blocks += options(words, world)
    rule.keep = words.took("keep-state")  # supported only at the end
    if words.peek() not in (None, "//"):
        raise Refused(f"{words.peek()}: behind keep-state")
    if words.took("//"):
        rule.comment = " ".join(words.rest())
        if len(rule.comment) > COMMENT_BYTES:
            raise Refused("comment too long")
    if sum(pattern.words for block in rule.blocks for pattern in block) + len(rule.comment) // 4 > RULE_WORDS:
        raise Refused("rule too long")
    return rule


class Firewall:
    """The ruleset, and its verdict on a packet. `default` is rule 65535. SETS OF RULES, PACKET FLOW."""

    def __init__(self, world, default="deny", one_pass=True):
        self.world, self.one_pass = world, one_pass
        self.default = Rule(DEFAULT_RULE, DEFAULT_SET, default, [])
        self.rules, self.disabled = [], set()
        self.held = {}
        self.states = {}  # what both directions of a connection share -> the rule that made the state

    # --- commands

    def load(self, text):
        """A file of commands, as `ipfw -q /path` reads it: line by line, each takes effect at once; a refused line ends
        it."""
        for line_number, line in enumerate(text.splitlines(), 1):
            if len(line.encode()) > LINE_BYTES:
                raise Refused(f"line {line_number}: too long")
            line = line.partition("#")[0].strip()
            if line:
                try:
                    self.command(line)
                except Refused as problem:
                    raise Refused(f"line {line_number}: {problem}: {line}") from problem
        return self

    def command(self, line):
        words = Words(line.split())
        if words.peek() == "add":
            self._insert(parse_rule(line, self.world))
        elif words.took("set"):
            self._set(words)
        elif words.took("delete"):
            self._delete(words)
        elif words.took("flush"):
            self.rules = [rule for rule in self.rules if rule.set == DEFAULT_SET]
        else:
            raise Refused("no command")

    def _insert(self, rule):
        """RULE FORMAT, rule_number: equal numbers stay in the order of insertion; without a number, the rule becomes
        the last before the default."""
        if rule.number == 0:
            rule.number = min(max([each.number for each in self.rules], default=0) + 100, DEFAULT_RULE - 1)
        after = sum(1 for each in self.rules if each.number <= rule.number)
        self.rules.insert(after, rule)

    def forget(self, first, last):
        """`ipfw -D delete first-last`: deletes the states that rules with these numbers made, but no rule."""
        self.states = {flow: rule for flow, rule in self.states.items() if not first <= rule.number <= last}

    def keepalives(self):
        """DYNAMIC RULES: for each state of TCP the kernel sends bare ACKs both ways in the last 20 s of its 300. They
        carry M_SKIP_FIREWALL: no rule is evaluated, and disabling the set of the state's rule changes nothing."""
        return [flow for flow in self.states if flow[0] == TCP]

    def _set(self, words):
        """`set [disable N ...] [enable N ...]` is one step. `swap` and `move` happen in the kernel rule by rule, so
        that a packet may meet neither set as a whole."""
        command = words.take("a command")
        if command in ("disable", "enable"):
            changes = {"disable": set(), "enable": set()}
            while True:
                while (words.peek() or "").isdigit():
                    changes[command].add(number(words.take(), 0, DEFAULT_SET, "set"))
                if words.peek() is None:
                    break
                command = words.take()
                if command not in changes:
                    raise Refused(f"set {command}: no command")
            self.disabled = (self.disabled | changes["disable"]) - changes["enable"] - {DEFAULT_SET}
        elif command == "swap":
            one, other = (number(words.take("a set"), 0, 30, "set") for _ in range(2))
            for rule in self.rules:
                rule.set = {one: other, other: one}.get(rule.set, rule.set)
        elif command == "move":
            single = words.took("rule")
            chosen = number(words.take("a number"), 0, DEFAULT_RULE - 1, "number")
            if not words.took("to"):
                raise Refused("missing to")
            target = number(words.take("a set"), 0, 30, "set")
            for rule in self.rules:
                if (rule.number if single else rule.set) == chosen:
                    rule.set = target
        else:
            raise Refused(f"set {command}: no command")

    def _delete(self, words):
        by_set = words.took("set")
        while words.peek() is not None:
            chosen = number(words.take(), 0, DEFAULT_RULE - 1, "number")
            self.rules = [rule for rule in self.rules if (rule.set if by_set else rule.number) != chosen]
        self.states = {flow: rule for flow, rule in self.states.items() if rule in self.rules}  # dyn_keep_states=0

    # --- packets

    def enabled(self):
        return [rule for rule in self.rules if rule.set not in self.disabled] + [self.default]

    def check(self, packet, received=None, groups=()):
        """The verdict. `received`: for a forwarded packet on its way out, the link that it came in by."""
        seen = Seen(packet, packet.interface if packet.direction == "in" else received, frozenset(), groups)
        if is_malformed(packet):
            return Verdict(False, None)
        rules = self.enabled()
        at, asked = 0, False
        while at < len(rules):
            rule = rules[at]
            at += 1
            if rule.keep and not asked:  # the first keep-state rule looks up the states of all rules, whether or not it matches
                asked = True
                if flow_of(packet) in self.states:
                    return Verdict(True, self.states[flow_of(packet)])
            if not rule.matches(seen):
                continue
            if rule.keep:
                self.states[flow_of(packet)] = rule
            if rule.tag is not None:
                seen = dataclasses.replace(seen, tags=seen.tags | {rule.tag})
            if rule.action in PASSES:
                return Verdict(True, rule)
            if rule.action in DENIES:
                return Verdict(False, rule, rule.action not in ("deny", "drop"))
            if rule.action == "reass" and packet.frag is not None and packet.version == 4:
                whole = self._reassemble(packet)
                if whole is None:
                    return Verdict(False, rule)
                if self.one_pass:
                    return Verdict(True, rule)
                packet = whole
                seen = dataclasses.replace(seen, packet=whole)
        raise AssertionError("the default rule matches all")

    def _reassemble(self, packet):
        """reass: a fragment is consumed; the last one gives the datagram. According to the page it passes then if
        net.inet.ip.fw.one_pass is set; the kernel's source continues with the next rule. Two fragments make a whole
        datagram here."""
        key = (packet.src, packet.dst, packet.proto)
        pieces = self.held.setdefault(key, [])
        pieces.append(packet)
        first = next((piece for piece in pieces if piece.frag[0] == 0), None)
        if first is None or all(piece.frag[1] for piece in pieces):
            return None
        del self.held[key]
        return first.replace(frag=None)


def flow_of(packet):
    return packet.proto, frozenset(((packet.src, packet.sport), (packet.dst, packet.dport)))


def is_malformed(packet):
    """FINE POINTS: a TCP fragment at offset one, and a packet too short for its header, is dropped before any rule. So
    is an IPv6 packet with an unknown header, or with a routing header of a type other than 0 and 2. What follows the
    header of a later fragment is not looked at: such a packet meets the rules."""
    if packet.version == 6:
        if ROUTING in packet.headers and packet.routing not in (0, 2):
            return True
        later = packet.frag is not None and packet.frag[0] > 0
        return any(header not in KNOWN6 for header in (*packet.headers, *(() if later else (packet.proto,))))
    if packet.frag is not None and packet.frag[0] > 0:
        return packet.proto == TCP and packet.frag[0] == 8
    if packet.frag is None or packet.len is None:
        return False
    return packet.len < {TCP: 20, UDP: 8, ICMP: 4}.get(packet.proto, 0)
