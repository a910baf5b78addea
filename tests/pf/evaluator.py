"""A pf that judges packets by pf text, for tests. Written from pf.conf(5) and the facts in README.md.

    pf = Pf("apple", world)
    pf.load_main(text); pf.load_anchor("org.portcullis", text)
    pf.verdict(packet)      # "pass" or "block"; decide() also says by which rule and why
    pf.kill_states("utun8"); pf.sleep(60)

A text that pfctl would refuse, or that is not known here, raises PfError, and nothing changes.
"""
import dataclasses
import fnmatch

import grammar
from grammar import APPLE, BOTH, FREEBSD, PfError, Rule, Ruleset, Table
from packet import ICMP, ICMP6, TCP, UDP, recorded_world

__all__ = ["APPLE", "BOTH", "FREEBSD", "Decision", "Pf", "PfError"]

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
ENDLESS = (HOP_BY_HOP, ROUTING, AUTHENTICATION, DESTINATION)  # as the last header: the chain never ends
ERRORS = {ICMP: (3, 4, 5, 11, 12), ICMP6: (1, 2, 3, 4)}  # these quote a packet
HEADER = {TCP: 20, UDP: 8, ICMP: 8, ICMP6: 8}
IDLE = {TCP: 86400, UDP: 60, ICMP: 20, ICMP6: 20}  # seconds until a state is forgotten; else 60
PASS, BLOCK = "pass", "block"
DEFAULT = Rule("pass")  # what decides if no rule matches


@dataclasses.dataclass(frozen=True)
class Decision:
    verdict: str
    rule: Rule | None = None  # None: decided before any rule
    reason: str = ""
    anchor: str = ""
    tag: str | None = None  # what tag the packet carries from here on
    packet: object = None  # as it goes on, translated


@dataclasses.dataclass
class State:
    """The state of one flow. `near` and `far` are its ends as seen from this machine; `mapped` is `near` as the network
    sees it."""
    proto: int
    near: tuple
    far: tuple
    mapped: tuple
    interface: str
    if_bound: bool
    allow_opts: bool
    seen: int
    tag: str | None = None
    ident: int = 0

    def idle_limit(self):
        return IDLE.get(self.proto, 60)


@dataclasses.dataclass(frozen=True)
class Scope:
    """Where rules are read: a ruleset, and the path of its anchor."""
    path: str
    ruleset: Ruleset


def ends_of(packet):
    """(near, far): the direction decides which end is which."""
    source, destination = (packet.src, packet.sport), (packet.dst, packet.dport)
    return (source, destination) if packet.direction == "out" else (destination, source)


class Pf:
    """One machine's packet filter."""

    def __init__(self, dialect=APPLE, world=None, enabled=True, read_file=None):
        if dialect not in (APPLE, FREEBSD, BOTH):
            raise ValueError(dialect)
        self.dialect, self.world, self.enabled = dialect, world or recorded_world(), enabled
        self.read_file = read_file  # path -> text, for `load anchor`, which is an error without it
        self.main, self.anchors = Ruleset(), {}
        self.states, self.fragments, self.now = [], {}, 0

    # --- loading: everything is read before anything changes

    def parse(self, text):
        return grammar.parse(text, self.dialect, self.world)

    def load_main(self, text):
        main = self.parse(text)
        loaded = {}
        for name, file in main.loads:
            if self.read_file is None:
                raise PfError(f"load anchor {name}: there are no files here")
            loaded |= self.anchors_of(name, self.parse(self.read_file(file)))
        self.main = main
        self.anchors |= loaded | self.anchors_of("", main)

    def load_anchor(self, name, text):
        self.anchors |= self.anchors_of(name, self.parse(text))

    def anchors_of(self, name, ruleset):
        """The ruleset and those that are written inside it, by path."""
        found = {name: ruleset} if name else {}
        for inner, inline in ruleset.inline.items():
            found |= self.anchors_of(f"{name}/{inner}" if name else inner, inline)
        return found

    def flush_main(self):
        self.main = Ruleset()

    def flush_anchor(self, name):
        self.anchors.pop(name, None)

    def kill_states(self, interface=None):
        """`-F states`, or `-i interface -F states`, which on Apple finds only the states bound to that interface.
        Returns how many were killed."""
        def is_meant(state):
            bound = state.if_bound or self.dialect == FREEBSD
            return interface is None or (bound and state.interface == interface)
        before = len(self.states)
        self.states = [state for state in self.states if not is_meant(state)]
        return before - len(self.states)

    def sleep(self, seconds):
        self.now += seconds

    # --- the way of a packet

    def verdict(self, packet):
        return self.decide(packet).verdict

    def decide(self, packet):
        """The Decision on one packet. It may change states and held fragments."""
        if packet.loop:
            packet = packet.replace(interface="lo0", loop=False)
        if not self.enabled:
            return Decision(PASS, reason="pf is disabled")
        if self.is_skipped(packet.interface):
            return Decision(PASS, reason="set skip")
        if packet.version == 6 and packet.proto in ENDLESS:
            return Decision(BLOCK, reason="a chain of headers without an end")
        if packet.version == 6 and FRAGMENT in (packet.proto, *packet.headers) and packet.frag is None:
            packet = packet.replace(frag=(0, False))  # what follows the header of a fragment is not looked at
        if packet.frag is not None:
            return self.decide_fragment(packet)
        return self.decide_whole(packet)

    def is_skipped(self, interface):
        found = self.world.interfaces.get(interface)
        groups = found.groups if found is not None and self.dialect == FREEBSD else ()
        return any(name == interface or name in groups for name in self.main.skip)

    def decide_whole(self, packet):
        if packet.proto == TCP and self.is_broken_tcp(packet):
            return Decision(BLOCK, reason="normalization: flags that can't be")
        state = self.state_of(packet)
        if state is not None:
            state.seen = self.now
            return self.with_options(packet, Decision(PASS, reason="state", tag=state.tag or packet.tag,
                                                      packet=self.by_state(packet, state)), state.allow_opts)
        original = packet
        translation, scope = self.binat(packet), None
        if translation is None:
            translation, scope = self.first_match("nat-anchor" if packet.direction == "out" else "rdr-anchor", packet)
        natpass = False
        if translation is not None and not translation.no:
            packet, natpass = self.translated(packet, translation), translation.natpass
        rule, scope = (DEFAULT, None) if natpass else self.last_match(packet)
        if rule.action == BLOCK:
            return Decision(BLOCK, rule, "rule", scope.path if scope else "")
        decision = Decision(PASS, rule, "translation passes" if natpass else "rule" if scope else "no rule matches",
                            scope.path if scope else "", rule.tag or packet.tag, packet)
        decision = self.with_options(packet, decision, rule.allow_opts)
        if decision.verdict == PASS and (rule.state or packet != original) and not self.is_error(packet):
            self.remember(original, packet, rule, scope)
        return decision

    def with_options(self, packet, decision, allowed):
        """A packet that passes is still stopped if it has IPv4 options or IPv6 routing headers that are not allowed.
        FreeBSD never passes a routing header of type 0."""
        has = packet.ipopt if packet.version == 4 else ROUTING in packet.headers
        allowed = allowed and not (self.dialect == FREEBSD and packet.version == 6 and has and packet.routing == 0)
        return Decision(BLOCK, decision.rule, "options", decision.anchor) if has and not allowed else decision

    # --- fragments

    def decide_fragment(self, packet):
        scrub, _ = self.first_match("scrub-anchor", packet)
        if scrub is None or scrub.no:
            rule, scope = self.last_match(packet)
            verdict = Decision(rule.action, rule, "a fragment, by rule", scope.path if scope else "", rule.tag or packet.tag, packet)
            return verdict if verdict.verdict == BLOCK else self.with_options(packet, verdict, rule.allow_opts)
        if packet.version == 6 and packet.frag == (0, False):
            if self.dialect == FREEBSD:
                return self.decide_whole(packet.replace(frag=None))
            return Decision(BLOCK, scrub, "normalization: an atomic fragment")
        if self.hold(packet):
            return self.decide_whole(packet.replace(frag=None))
        return Decision(BLOCK, scrub, "held by normalization")

    def hold(self, packet):
        """Keeps a fragment. Is the datagram complete now?"""
        key = packet.src, packet.dst, packet.proto, packet.sport, packet.dport
        offset, more = packet.frag
        length = (packet.len or 0) + (HEADER.get(packet.proto, 0) if offset == 0 else 0)
        pieces = self.fragments.setdefault(key, {})
        pieces[offset] = length, more
        end = 0
        trims = self.dialect == FREEBSD and packet.version == 4  # where fragments overlap, the later one is trimmed
        for start in sorted(pieces):
            if start > end or (start < end and not trims):
                return False
            end = max(end, start + pieces[start][0])
            if not pieces[start][1]:
                del self.fragments[key]
                return True
        return False

    def is_broken_tcp(self, packet):
        """Combinations of flags that no stack sends. Checked only where a scrub rule matches."""
        scrub, _ = self.first_match("scrub-anchor", packet)
        if scrub is None or scrub.no:
            return False
        flags = set(packet.flags)
        if "S" in flags:
            return "R" in flags or (self.dialect == FREEBSD and "F" in flags)
        return not flags & {"A", "R"} or ("A" not in flags and bool(flags & {"F", "P", "U"}))

    # --- states

    @staticmethod
    def is_error(packet):
        return packet.type in ERRORS.get(packet.proto, ())

    def state_of(self, packet):
        self.states = [state for state in self.states if self.now - state.seen < state.idle_limit()]
        if self.is_error(packet):
            return self.state_of_quoted(packet)
        near, far = ends_of(packet)
        for state in self.states:
            seen_as = state.near if packet.direction == "out" else state.mapped
            if (state.proto, seen_as, state.far, state.ident) == (packet.proto, near, far, packet.ident) and \
                    (not state.if_bound or state.interface == packet.interface):
                return state
        return None

    def state_of_quoted(self, packet):
        """An error belongs to the state of the packet that it quotes, which went the other way. The state is found by
        addresses and ports, and by an echo's identifier or a segment's place in the window."""
        quoted = packet.quoted
        if quoted is None or not quoted.in_window:
            return None
        near, far = ends_of(quoted.replace(direction="in" if packet.direction == "out" else "out"))
        for state in self.states:
            seen_as = state.near if packet.direction == "out" else state.mapped
            if (state.proto, seen_as, state.far, state.ident) == (quoted.proto, near, far, quoted.ident) and \
                    (not state.if_bound or state.interface == packet.interface):
                return state
        return None

    def remember(self, original, packet, rule, scope):
        near, far = ends_of(packet if packet.direction == "in" else original)
        mapped, _ = ends_of(packet if packet.direction == "out" else original)
        if_bound = rule.if_bound
        if if_bound is None:
            if_bound = (scope.ruleset if scope else self.main).state_policy == "if-bound" or \
                self.main.state_policy == "if-bound"
        self.states.append(State(packet.proto, near, far, mapped, packet.interface, if_bound, rule.allow_opts, self.now,
                                 rule.tag, packet.ident))

    @staticmethod
    def by_state(packet, state):
        """Translated by the state: on the way out it gets the address that the network sees, on the way in the one that
        this machine knows."""
        if packet.direction == "out":
            (address, port), end, number = state.mapped, "src", "sport"
        else:
            (address, port), end, number = state.near, "dst", "dport"
        return packet.replace(**{end: address, number: port if packet.has_ports else None})

    def binat(self, packet):
        """Rules of the main ruleset, in both directions, evaluated before any other translation. In anchors they are
        not supported here."""
        for rule in self.main.stages["translation"]:
            seen = packet
            if packet.direction == "in" and rule.target and packet.dst == rule.target[0]:
                seen = packet.replace(src=rule.src.network.network_address, dst=packet.src)
            elif packet.direction == "in":
                continue
            if rule.action == "binat" and self.matches(rule, seen, Scope("", self.main)):
                return rule
        return None

    @staticmethod
    def translated(packet, rule):
        address, port = rule.target
        if rule.action == "binat" and packet.direction == "in":
            return packet.replace(dst=rule.src.network.network_address)
        if rule.action in ("nat", "binat"):
            return packet.replace(src=address, sport=packet.sport if port is None else port)
        return packet.replace(dst=address, dport=packet.dport if port is None else port)

    # --- rules

    def walk(self, kind, packet, scope):
        """(rule, scope) of all rules that match, in order; the rules of an anchor come where the anchor is called."""
        for rule in scope.ruleset.stages[grammar.ANCHORS[kind]]:
            if rule.action != "anchor":
                if self.matches(rule, packet, scope) and self.is_asked(kind, rule):
                    yield rule, scope
            elif rule.anchor.startswith(kind + " ") and self.matches(rule, packet, scope):
                yield from self.walk_anchor(kind, packet, scope, rule)

    def walk_anchor(self, kind, packet, scope, rule):
        if kind == "scrub-anchor" and self.dialect == FREEBSD:
            return
        name = rule.anchor.partition(" ")[2]
        path = name.lstrip("/") if name.startswith("/") or not scope.path else f"{scope.path}/{name}"
        matched = False
        for child in self.children(path):
            for found in self.walk(kind, packet, Scope(child, self.anchors[child])):
                matched = True
                yield found
        if matched and rule.quick:
            yield None, scope  # no rule after it is evaluated

    def children(self, path):
        """The anchor; or, with a `*` at the end, all anchors directly below, sorted by name."""
        if path.endswith("*"):
            return sorted(name for name in self.anchors if fnmatch.fnmatchcase(name, path)
                          and name.count("/") == path.count("/"))
        return [path] if path in self.anchors else []

    @staticmethod
    def is_asked(kind, rule):
        return {"nat-anchor": rule.action == "nat", "rdr-anchor": rule.action == "rdr"}.get(kind, True)

    def first_match(self, kind, packet):
        """Of scrub and translation rules the first match decides."""
        return next(self.walk(kind, packet, Scope("", self.main)), (None, None))

    def last_match(self, packet):
        """Of filter rules the last match decides, or the first that is quick."""
        decided = DEFAULT, None
        for rule, scope in self.walk("anchor", packet, Scope("", self.main)):
            if rule is None:
                return decided
            decided = rule, scope
            if rule.quick:
                return decided
        return decided

    def matches(self, rule, packet, scope):
        return self.is_place(rule, packet) and \
            self.is_host(rule.src, packet.src, scope) and self.is_host(rule.dst, packet.dst, scope) and \
            (self.is_fragment_match(rule, packet) if packet.frag is not None else self.is_whole_match(rule, packet))

    def is_place(self, rule, packet):
        return rule.direction in (None, packet.direction) and rule.version in (None, packet.version) and \
            rule.proto in (None, packet.proto) and rule.tagged in (None, packet.tag) and \
            self.is_interface(rule, packet.interface)

    def is_interface(self, rule, name):
        """Apple's kernel compares whole names; FreeBSD's also knows interface groups."""
        if rule.interface is None:
            return True
        found = self.world.interfaces.get(name)
        same = rule.interface == name or \
            (self.dialect == FREEBSD and found is not None and rule.interface in found.groups)
        return same != rule.not_interface

    def is_host(self, host, address, scope):
        if host.kind == "any":
            return True
        if host.kind == "network":
            found = address in host.network
        elif host.kind == "interface":
            found = any(own.ip == address for own in self.world.addresses(host.name))
        else:
            found = self.table(host.name, scope).holds(address)
        return found != host.negated

    def table(self, name, scope):
        """The table of the rule's own anchor, or else of the main rules. One that nobody has filled is empty."""
        return scope.ruleset.tables.get(name) or self.main.tables.get(name) or Table(())

    def is_fragment_match(self, rule, packet):
        """A fragment has no ports, flags or types, and its owner is not looked up. For an IPv6 fragment FreeBSD does
        not look at whether it is TCP."""
        if packet.proto == TCP and rule.flags is not None and not (self.dialect == FREEBSD and packet.version == 6):
            return False
        return rule.action in ("scrub", "anchor") or not (rule.sport or rule.dport or rule.icmp)

    def is_whole_match(self, rule, packet):
        if rule.fragment:
            return False
        if rule.sport is not None and not rule.sport.matches(packet.sport):
            return False
        if rule.dport is not None and not rule.dport.matches(packet.dport):
            return False
        if rule.flags is not None and packet.proto == TCP and set(packet.flags) & rule.flags[1] != rule.flags[0]:
            return False
        if rule.icmp is not None and (packet.type != rule.icmp[0] or rule.icmp[1] not in (None, packet.code)):
            return False
        return self.is_owner(rule, packet)

    @staticmethod
    def is_owner(rule, packet):
        """For TCP and UDP: the owner of the socket with this packet's addresses and ports, if there is one."""
        user, group = (packet.uid, packet.gid) if packet.has_ports else (None, None)
        return (rule.user is None or rule.user.matches(user)) and (rule.group is None or rule.group.matches(group))
