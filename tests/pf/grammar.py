"""pf.conf as a parser reads it: text to rules, one for each combination of its lists. Written from pf.conf(5).

What is not known here is an error, never left out: a rule that was read wrongly would prove nothing.
"""
import dataclasses
import ipaddress
import itertools
import re

from packet import ICMP, ICMP6, PROTOCOLS, TCP, UDP

APPLE, FREEBSD, BOTH = "apple", "freebsd", "both"  # BOTH: only what both accept and read alike
STAGES = ["option", "scrub", "queue", "translation", "dummynet", "filter"]
ANCHORS = {"scrub-anchor": "scrub", "nat-anchor": "translation", "rdr-anchor": "translation",
           "binat-anchor": "translation", "dummynet-anchor": "dummynet", "anchor": "filter"}
APPLE_ONLY = {"scrub-anchor", "dummynet-anchor"}
KEYWORDS = set("""all allow-opts anchor antispoof any binat binat-anchor block block-policy code const debug drop
 dummynet dummynet-anchor dup-to fastroute file flags floating for fragment from global group icmp-type icmp6-type
 if-bound in inet inet6 keep label limit load log loginterface max max-mss min-ttl modulate nat nat-anchor no no-df
 no-route no-sync on optimization os out pass persist port probability proto queue quick random-id rdr rdr-anchor
 reassemble reply-to require-order return return-icmp return-icmp6 return-rst route-to rtable ruleset-optimization
 scrub scrub-anchor set set-tos skip state state-policy synproxy table tag tagged timeout to tos ttl user""".split())
SERVICES = {"domain": 53, "bootps": 67, "bootpc": 68, "http": 80, "https": 443, "dhcpv6-client": 546,
            "dhcpv6-server": 547, "openvpn": 1194, "ssh": 22}
ICMP_TYPES = {"echorep": 0, "unreach": 3, "squench": 4, "redir": 5, "echoreq": 8, "routeradv": 9, "routersol": 10,
              "timex": 11, "paramprob": 12}
ICMP6_TYPES = {"unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echoreq": 128, "echorep": 129, "groupqry": 130,
               "grouprep": 131, "groupterm": 132, "routersol": 133, "routeradv": 134, "neighbrsol": 135,
               "neighbradv": 136, "redir": 137}
TOKEN = re.compile(r'(?P<space>[ \t]+|\\\n)|(?P<newline>\n)|(?P<remark>\#(?:\\\n|[^\n])*)'
                   r'|"(?P<quoted>[^"]*)"|(?P<sign><>|><|<=|>=|!=|->|[{}()<>!=,])'
                   r'|(?P<word>[^\s{}()<>!=,"\#\\]+)')


class PfError(Exception):
    """A text that pfctl would refuse, or that this parser does not know."""


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str  # word, quoted, sign, newline, end
    text: str
    line: int


def tokens_of(text, line=1):
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise PfError(f"line {line}: {text[at:at + 20]!r}: can't be read")
        kind = match.lastgroup
        value = match[kind] if kind != "quoted" else match["quoted"].replace("\\\n", "").replace("\n", "")
        if kind not in ("space", "remark"):
            found.append(Token(kind, value, line))
        line += match[0].count("\n")
        at = match.end()
    return found


# --- what rules are made of

@dataclasses.dataclass(frozen=True)
class Op:
    """A comparison of ports, users or groups. `unknown` is the value that stands for no socket."""
    sign: str
    low: int | None
    high: int | None = None

    def matches(self, value):
        if value is None or self.low is None:  # there is no socket, or the rule asks for packets without one
            same = value is None and self.low is None
            return same if self.sign == "=" else not same if self.sign == "!=" else False
        return {"=": value == self.low, "!=": value != self.low, "<": value < self.low, "<=": value <= self.low,
                ">": value > self.low, ">=": value >= self.low,
                ":": self.high is not None and self.low <= value <= self.high,
                "<>": self.high is not None and (value < self.low or value > self.high),
                "><": self.high is not None and self.low < value < self.high}[self.sign]


@dataclasses.dataclass(frozen=True)
class Host:
    kind: str = "any"  # any, network, table, interface (its addresses at that moment)
    negated: bool = False
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    name: str = ""

    @property
    def version(self):
        return self.network.version if self.network is not None else None


@dataclasses.dataclass(frozen=True)
class Table:
    entries: tuple  # (network, negated)

    def holds(self, address):
        best = max(((network.prefixlen, not negated) for network, negated in self.entries if address in network),
                   default=(0, False))
        return best[1]


@dataclasses.dataclass(frozen=True)
class Rule:
    action: str  # pass, block, scrub, nat, rdr, anchor
    line: int = 0
    direction: str | None = None
    quick: bool = False
    interface: str | None = None
    not_interface: bool = False
    version: int | None = None
    proto: int | None = None
    src: Host = Host()
    dst: Host = Host()
    sport: Op | None = None
    dport: Op | None = None
    flags: tuple[frozenset, frozenset] | None = None  # set, out of
    icmp: tuple[int, int | None] | None = None  # type, code
    user: Op | None = None
    group: Op | None = None
    tag: str | None = None  # given to each packet that passes
    tagged: str | None = None  # the tag that a packet must carry
    state: bool = False
    if_bound: bool | None = None  # None: as `set state-policy` says
    allow_opts: bool = False
    fragment: bool = False
    no: bool = False  # no nat, no rdr, no scrub
    natpass: bool = False
    target: tuple | None = None  # of a translation: address, port
    anchor: str = ""


@dataclasses.dataclass
class Ruleset:
    """What one text says. `stages`: rules by stage, in order; `inline`: the anchors written inside it, by path."""
    stages: dict = dataclasses.field(default_factory=lambda: {stage: [] for stage in STAGES})
    tables: dict = dataclasses.field(default_factory=dict)
    skip: set = dataclasses.field(default_factory=set)
    state_policy: str = "floating"
    inline: dict = dataclasses.field(default_factory=dict)
    loads: list = dataclasses.field(default_factory=list)  # (anchor, file)

    @property
    def filter(self):
        return self.stages["filter"]


class Parser:
    """One text, from top to bottom."""

    def __init__(self, text, dialect, world, path=""):
        self.tokens = tokens_of(text)
        self.dialect, self.world, self.path = dialect, world, path
        self.macros, self.ruleset, self.stage = {}, Ruleset(), 0
        self.line, self.named_tables = 1, set()

    # --- tokens

    def fail(self, what):
        raise PfError(f"line {self.line}: {what}")

    def peek(self, ahead=0):
        """The next token; a macro is replaced by what it stands for."""
        while len(self.tokens) > ahead and self.tokens[ahead].kind == "word" and self.tokens[ahead].text[0] == "$":
            token = self.tokens[ahead]
            if token.text[1:] not in self.macros:
                self.fail(f"macro {token.text} is not defined")
            self.tokens[ahead:ahead + 1] = tokens_of(self.macros[token.text[1:]], token.line)
        return self.tokens[ahead] if len(self.tokens) > ahead else Token("end", "", self.line)

    def next(self):
        token = self.peek()
        self.line = token.line
        if self.tokens:
            self.tokens.pop(0)
        return token

    def at(self, *texts, ahead=0):
        token = self.peek(ahead)
        return token.kind in ("word", "sign") and token.text in texts

    def accept(self, *texts):
        return self.next().text if self.at(*texts) else None

    def expect(self, *texts):
        token = self.next()
        if token.kind not in ("word", "sign") or token.text not in texts:
            self.fail(f"{token.text!r}: syntax error, {' or '.join(texts)} wanted")
        return token.text

    def at_end(self):
        return self.peek().kind in ("newline", "end")

    def value(self):
        """A string, quoted or not."""
        token = self.next()
        if token.kind == "quoted" or (token.kind == "word" and token.text not in KEYWORDS):
            return token.text
        return self.fail(f"{token.text!r}: syntax error, a value wanted")

    def newlines(self):
        while self.peek().kind == "newline":
            self.next()

    def list_of(self, item):
        """One item, or several in braces, separated by commas or blanks."""
        if not self.accept("{"):
            return [item()]
        found = []
        self.newlines()
        while not self.accept("}"):
            found.append(item())
            self.newlines()
            self.accept(",")
            self.newlines()
            if self.peek().kind == "end":
                self.fail("a brace stays open")
        return found or self.fail("an empty list")

    def number(self, most=0xFFFFFFFF):
        token = self.next()
        if not token.text.isascii() or not token.text.isdigit() or int(token.text) > most:
            self.fail(f"{token.text!r}: no number up to {most}")
        return int(token.text)

    # --- statements

    def parse(self):
        self.statements(lambda: self.peek().kind == "end")
        return self.ruleset

    def statements(self, is_done):
        self.newlines()
        while not is_done():
            self.statement()
            if not self.at_end() and not is_done():
                self.fail(f"{self.peek().text!r}: syntax error")
            self.newlines()

    def enter(self, stage):
        if STAGES.index(stage) < self.stage:
            self.fail("rules must be in order: options, normalization, queueing, translation, filtering")
        self.stage = STAGES.index(stage)

    def statement(self):
        if self.at("=", ahead=1):
            return self.macro()
        word = self.next().text
        no = word == "no"
        if no:
            word = self.expect("scrub", "nat", "rdr")
        known = {"table": self.table, "set": self.option, "load": self.load, "scrub": lambda: self.scrub(no),
                 "nat": lambda: self.translation("nat", no), "rdr": lambda: self.translation("rdr", no),
                 "binat": lambda: self.translation("binat", no),
                 "pass": lambda: self.filter_rule("pass"), "block": lambda: self.filter_rule("block")}
        known |= {name: lambda: self.anchor(word) for name in ANCHORS}
        if word not in known:
            self.fail(f"{word!r}: syntax error, or a statement that is not known here")
        return known[word]()

    def macro(self):
        token = self.next()
        if token.kind != "word" or token.text in KEYWORDS or not re.fullmatch(r"\w+", token.text):
            self.fail(f"{token.text!r}: syntax error, no name of a macro")
        self.expect("=")
        values = [self.next().text if self.peek().kind in ("word", "quoted") else self.value()]
        while self.peek().kind in ("word", "quoted"):
            values.append(self.next().text)
        self.macros[token.text] = " ".join(values)

    def table_name(self):
        self.expect("<")
        name = self.value()
        self.expect(">")
        return name

    def table(self):
        name, entries = self.table_name(), []
        while self.accept("const", "persist"):
            pass
        if not self.at_end():
            self.at("{") or self.fail(f"{self.peek().text!r}: of a table, only const, persist and a list are known")
            entries = self.list_of(self.table_entry)
        self.ruleset.tables[name] = Table(tuple(entry for entry in entries if entry is not None))

    def table_entry(self):
        negated = bool(self.accept("!"))
        network = self.network(self.value())
        if network is None:
            self.fail("a table holds addresses")
        if network == ipaddress.ip_network("::/128"):
            if self.dialect == BOTH:
                self.fail("Apple's tables leave `::` out silently")
            return None if self.dialect == APPLE else (network, negated)
        return network, negated

    def option(self):
        self.enter("option")
        word = self.next().text
        if word == "skip":
            self.expect("on")
            self.ruleset.skip |= set(self.list_of(self.value))
        elif word == "state-policy":
            self.ruleset.state_policy = self.expect("if-bound", "floating")
        elif word == "block-policy":
            self.expect("drop", "return")
        else:
            self.fail(f"set {word}: not known here")

    def load(self):
        self.expect("anchor")
        name = self.value()
        self.expect("from")
        self.ruleset.loads.append((name, self.value()))

    def add(self, stage, rules):
        self.ruleset.stages[stage].extend(rules)

    # --- the parts of a rule

    def interfaces(self):
        def item():
            negated = bool(self.accept("!"))
            return self.value(), negated
        if not self.accept("on"):
            return [(None, False)]
        if self.at("{"):
            return self.list_of(item)
        return [item()]

    def family(self):
        word = self.accept("inet", "inet6")
        return {"inet": 4, "inet6": 6, None: None}[word]

    def protocol(self):
        token = self.next()
        if token.text.isdigit() and int(token.text) < 256:
            return int(token.text)
        names = PROTOCOLS | {"ipv6-icmp": ICMP6}
        return names[token.text] if token.text in names else self.fail(f"unknown protocol {token.text}")

    def protocols(self):
        return self.list_of(self.protocol) if self.accept("proto") else [None]

    def network(self, word):
        try:
            return ipaddress.ip_network(word, strict=False)
        except ValueError:
            return None

    def hosts(self):
        """The [Host] of one end. The name of an interface is expanded to its addresses, as pfctl does when it loads."""
        return [host for found in self.list_of(self.host) for host in found]

    def host(self):
        negated = bool(self.accept("!"))
        if self.at("<"):
            name = self.table_name()
            self.named_tables.add((name, self.line))
            return [Host("table", negated, name=name)]
        if self.accept("("):
            name = self.value()
            self.expect(")")
            if ":" in name:
                self.fail(f"({name}): modifiers are not known here")
            return [Host("interface", negated, name=name)]
        if self.accept("any"):
            return [Host()] if not negated else self.fail("! any")
        word = self.value()
        network = self.network(word)
        if network is None:
            return [Host("network", negated, own) for own in self.addresses_of(word)]
        return [Host("network", negated, network)]

    def addresses_of(self, word):
        name, colon, modifier = word.partition(":")
        if modifier not in ("", "network") or (name != "self" and name not in self.world.interfaces):
            self.fail(f"{word}: neither an address nor an interface with an address")
        found = self.world.addresses(None if name == "self" else name)
        if not found:
            self.fail(f"{word}: no address")
        return [own.network if colon else ipaddress.ip_network(own.ip) for own in found]

    def port_number(self, word):
        if word in SERVICES and self.dialect != BOTH:
            return SERVICES[word]
        if not word.isascii() or not word.isdigit() or int(word) > 65535:
            self.fail(f"{word}: unknown port")
        return int(word)

    def compared(self, value_of):
        """OP VALUE, VALUE, or VALUE OP VALUE."""
        if self.at("=", "!=", "<", "<=", ">", ">="):
            return Op(self.next().text, value_of(self.next().text))
        word = self.next().text
        if value_of == self.port_number and ":" in word:
            low, _, high = word.partition(":")
            return Op(":", value_of(low), value_of(high))
        if self.at("<>", "><"):
            return Op(self.next().text, value_of(word), value_of(self.next().text))
        return Op("=", value_of(word))

    def ports(self):
        return self.list_of(lambda: self.compared(self.port_number)) if self.accept("port") else [None]

    def ends(self):
        """(sources, their ports, destinations, their ports)."""
        if self.accept("all"):
            return [Host()], [None], [Host()], [None]
        found = []
        for word in ("from", "to"):
            said = self.accept(word)
            found += [self.hosts(), self.ports()] if said and not self.at("port") else \
                [[Host()], self.ports()] if said else [[Host()], [None]]
        return found

    def identity(self, names, kind):
        def value_of(word):
            if word == "unknown":
                return None
            if word.isascii() and word.isdigit():
                return int(word)
            return names[word] if word in names else self.fail(f"unknown {kind} {word}")
        return self.list_of(lambda: self.compared(value_of))

    def icmp_type(self, names):
        word = self.next().text
        if word in names and self.dialect != BOTH:
            number = names[word]
        elif word.isascii() and word.isdigit() and int(word) < 256:
            number = int(word)
        else:
            self.fail(f"icmp type {word}: unknown" + (", or not the same name everywhere" if word in names else ""))
        return number, self.number(255) if self.accept("code") else None

    def tcp_flags(self):
        if self.accept("any"):
            return "any"
        word = self.value()
        match = re.fullmatch(r"([FSRPAUEW]*)/([FSRPAUEW]+)", word) or self.fail(f"flags {word}")
        return frozenset(match[1]), frozenset(match[2])

    def state_options(self):
        """(if-bound) and (floating); None if nothing is said."""
        if not self.accept("("):
            return None
        word = self.expect("if-bound", "floating")
        self.expect(")")
        return word == "if-bound"

    def log(self):
        if self.accept("log") and self.accept("("):
            while not self.accept(")"):
                self.expect("all", "user", "to", ",", "pflog0", "pflog1", "pflog2", "pflog3")

    # --- rules

    def expand(self, stage, base, parts):
        """One rule for each possible combination: the families of its addresses must agree."""
        found = []
        for combination in itertools.product(*parts.values()):
            rule = dataclasses.replace(base, **dict(zip(parts, combination)))
            if isinstance(rule.interface, tuple):
                rule = dataclasses.replace(rule, interface=rule.interface[0], not_interface=rule.interface[1])
            versions = {version for version in (rule.version, rule.src.version, rule.dst.version) if version}
            if len(versions) > 1:
                continue
            rule = dataclasses.replace(rule, version=versions.pop() if versions else None)
            self.consistent(rule)
            found.append(rule)
        if not found:
            self.fail("rule expands to no valid combination")
        self.add(stage, found)

    def consistent(self, rule):
        if (rule.sport or rule.dport) and rule.proto not in (TCP, UDP):
            self.fail("port only applies to tcp and udp")
        if rule.icmp and rule.proto not in (ICMP, ICMP6):
            self.fail("icmp-type and code only apply to icmp")
        if rule.icmp and rule.version is None:
            self.fail("must indicate address family with icmp-type and code")
        if (rule.proto, rule.version) in ((ICMP, 6), (ICMP6, 4)):
            self.fail("the protocol doesn't match the address family")
        if rule.flags and rule.proto not in (TCP, None):
            self.fail("flags only apply to tcp")

    def place(self):
        """What all rules share after their action: link, family, protocol, ends."""
        parts = {"interface": self.interfaces()}
        version = self.family()
        parts["proto"] = self.protocols()
        parts["src"], parts["sport"], parts["dst"], parts["dport"] = self.ends()
        return version, parts

    def filter_rule(self, action):
        self.enter("filter")
        if action == "block":
            self.accept("drop", "return")
        direction = self.accept("in", "out")
        self.log()
        quick = bool(self.accept("quick"))
        line = self.line
        version, parts = self.place()
        fields = {"state": action == "pass"}
        while not self.at_end() and not self.at("}"):
            self.filter_option(action, fields, parts)
        flags = fields.pop("flags", None)
        base = Rule(action, line, direction, quick, version=version, **fields)
        protos = parts["proto"]
        for proto in protos:  # only TCP has flags; a TCP state begins with SYN unless the rule says otherwise
            parts["proto"] = [proto]
            wanted = flags if flags is not None else \
                (frozenset("S"), frozenset("SA")) if base.state and proto in (TCP, None) else None
            self.expand("filter", dataclasses.replace(base, flags=None if wanted == "any" else wanted), parts)

    def filter_option(self, action, fields, parts):
        word = self.expect("user", "group", "flags", "icmp-type", "icmp6-type", "keep", "no", "allow-opts", "fragment",
                           "label", "tag", "tagged")
        if word in parts or word in fields and word != "state":
            self.fail(f"{word}: said twice")
        if word == "user":
            parts["user"] = self.identity(self.world.users, "user")
        elif word == "group":
            parts["group"] = self.identity(self.world.groups, "group")
        elif word == "flags":
            fields["flags"] = self.tcp_flags()
        elif word in ("icmp-type", "icmp6-type"):
            if "icmp" in parts or any(proto != (ICMP if word == "icmp-type" else ICMP6) for proto in parts["proto"]):
                self.fail(f"{word}: for that protocol only, and once")
            parts["icmp"] = self.list_of(lambda: self.icmp_type(ICMP_TYPES if word == "icmp-type" else ICMP6_TYPES))
        elif word in ("keep", "no"):
            self.expect("state")
            if word == "keep" and action == "block":
                self.fail("keep state is great, but only for pass rules")
            fields["state"] = word == "keep"
            if word == "keep":
                fields["if_bound"] = self.state_options()
        elif word == "label":
            self.value()
        elif word in ("tag", "tagged"):
            fields[word] = self.value()
        elif word == "allow-opts" and action == "block":
            self.fail("allow-opts can only be specified for pass rules")
        else:
            fields[word.replace("-", "_")] = True

    def scrub(self, no):
        self.enter("scrub")
        direction = self.accept("in", "out")
        self.log()
        line = self.line
        version, parts = self.place()
        while not self.at_end():
            word = self.expect("fragment", "no-df", "random-id", "max-mss", "min-ttl")
            if word == "fragment":
                self.expect("reassemble")
            elif word in ("max-mss", "min-ttl"):
                self.number(65535)
        self.expand("scrub", Rule("scrub", line, direction, version=version, no=no), parts)

    def translation(self, action, no):
        self.enter("translation")
        natpass = bool(self.accept("pass"))
        self.log()
        line = self.line
        version, parts = self.place()
        target = None
        if no:
            if natpass or self.at("->"):
                self.fail(f"no {action}: neither passes nor translates")
        else:
            self.expect("->")
            hosts = self.hosts()
            port = self.port_number(self.value()) if self.accept("port") else None
            if len(hosts) != 1 or hosts[0].network is None or hosts[0].network.num_addresses != 1:
                self.fail("of translations, only those to one address are known here")
            target = hosts[0].network.network_address, port
        self.expand("translation", Rule(action, line, version=version, no=no, natpass=natpass, target=target), parts)

    def anchor(self, kind):
        self.enter(ANCHORS[kind])
        if kind in APPLE_ONLY and self.dialect != APPLE:
            self.fail(f"{kind}: syntax error (Apple's word)")
        name = self.value() if self.peek().kind == "quoted" or not (
            self.at("{", "in", "out", "on", "quick", "all", "from", "to", "inet", "inet6", "proto") or self.at_end()) \
            else None
        direction = self.accept("in", "out") if kind == "anchor" else None
        quick = bool(self.accept("quick")) if kind == "anchor" else False
        line = self.line
        version, parts = self.place()
        if kind == "scrub-anchor" and self.accept("fragment"):
            self.expect("reassemble")
        if self.at("{"):
            name = self.inline(kind, name, line)
        if name is None or name.startswith("_") or "//" in name:
            self.fail("an anchor without a name, or with one that is taken")
        self.expand(ANCHORS[kind], Rule("anchor", line, direction, quick, version=version, anchor=f"{kind} {name}"), parts)

    def inline(self, kind, name, line):
        """anchor "name" { rules }: a ruleset of its own, with the macros that are known so far."""
        if kind != "anchor":
            self.fail(f"{kind}: without rules of its own")
        name = name or f"inline-{line}"
        self.expect("{")
        outer, stage = self.ruleset, self.stage
        self.ruleset, self.stage = Ruleset(state_policy=outer.state_policy), 0
        self.statements(lambda: self.at("}"))
        self.expect("}")
        inner, self.ruleset, self.stage = self.ruleset, outer, stage
        outer.inline[name] = inner
        return name


def parse(text, dialect, world):
    """The Ruleset of a text, or PfError."""
    parser = Parser(text, dialect, world)
    ruleset = parser.parse()
    if dialect == BOTH:
        for name, line in sorted(parser.named_tables):
            if name not in ruleset.tables:
                raise PfError(f"line {line}: table <{name}> is nowhere defined")
    return ruleset
