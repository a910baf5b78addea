"""docs/security.md as an oracle: "What may pass, in order", row by row, and each platform's deviations by name.

Nothing here is taken from the rules or their printers. If a filter decides differently from the table and no deviation
below says so, then the table, the printer or this file is wrong."""
import dataclasses
import ipaddress

from packet import ICMP, ICMP6, TCP, UDP, Packet

PASS, BLOCK = "pass", "block"
ROOT = 0
PRIVATE4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")


def nets(*texts):
    return [ipaddress.ip_network(text) for text in texts]


LINK_LOCAL = nets("fe80::/10")
LINK_LOCAL_OR_NONE = nets("fe80::/10", "::/128")
DHCP4_SERVERS = nets("255.255.255.255/32", "100.64.0.0/10", *PRIVATE4)
DHCP6_SERVERS = nets("fe80::/10", "ff02::1:2/128")
ALL_ROUTERS = nets("ff02::2/128")
MLD_ROUTERS = nets("ff02::2/128", "ff02::16/128")
NEIGHBOURS = nets("::/128", "fe80::/10", "ff02::1/128", "ff02::1:ff00:0/104")
PORTALS = nets("100.64.0.0/10", "fc00::/7", "fe80::/10", *PRIVATE4)
LAN = nets("224.0.0.0/24", "255.255.255.255/32", "fc00::/7", "fe80::/10", "ff02::/16", *PRIVATE4)


ERRORS = {ICMP: (3, 4, 5, 11, 12), ICMP6: (1, 2, 3, 4)}  # these quote a packet


def within(address, networks):
    return any(address.version == network.version and address in network for network in networks)


@dataclasses.dataclass(frozen=True)
class Situation:
    """Everything that decides the policy. The tunnel's addresses may be known before it is open."""
    state: str
    remote: tuple | None = None  # (address, port, protocol's number)
    resolver: object = None
    tunnel: str = "tun0"
    addresses: tuple = ()
    networks: tuple = ()
    links: tuple = ("em0", "em1")  # those that the gate knows; there may be more
    neighbours: tuple = ()
    lan: bool = False
    dhcp_user: int | None = None
    portal: int | None = None  # the group for which one is open
    portal_any: bool = False
    group: int = 777
    user: int = 778

    def words(self):
        """As arguments of `policy_print`."""
        words = [f"state={self.state}", f"group={self.group}", f"user={self.user}", f"lan={str(self.lan).lower()}"]
        if self.remote:
            address, port, proto = self.remote
            host = f"[{address}]" if address.version == 6 else address
            words.append(f"remote={host}:{port}/{'tcp' if proto == TCP else 'udp'}")
        if self.resolver:
            words.append(f"resolver={self.resolver}")
        if self.portal is not None:
            words += [f"portal={self.portal}", f"portal_any={str(self.portal_any).lower()}"]
        if self.dhcp_user is not None:
            words.append(f"dhcp_user={self.dhcp_user}")
        if self.addresses:
            words += [f"tunnel={self.tunnel}", *[f"address={address}" for address in self.addresses]]
        return words + [f"{key}={value}" for key, values in (("network", self.networks), ("link", self.links),
                                                             ("neighbour", self.neighbours)) for value in values]

    @property
    def is_open(self):
        return self.state == "open"

    def is_loopback(self, link):
        return link == "lo0"

    def is_tunnel(self, link):
        """Until the gate is open, the tunnel's link counts as physical."""
        return self.is_open and link == self.tunnel

    def is_physical(self, link):
        return not self.is_loopback(link) and not self.is_tunnel(link)


@dataclasses.dataclass(frozen=True)
class Probe:
    """A packet that the filter has to judge: it is sent by this machine, received, or forwarded. Of a forwarded packet,
    `packet` is the form in which it leaves."""
    packet: Packet
    received: str | None = None  # forwarded: the link it came in by
    quoted: Packet | None = None  # an error: the packet that it is about
    pieces: bool = False  # it comes in two fragments

    @property
    def hook(self):
        return "forward" if self.received else self.packet.direction

    def __str__(self):
        return (f"{self.packet}" + (f" via {self.received}" if self.received else "")
                + (f" about [{self.quoted}]" if self.quoted else "") + (" in pieces" if self.pieces else ""))


def flow_of(packet, reverse=False):
    """What identifies a packet's flow: the protocol, both ends and, for an echo, the request's type. With `reverse`, it
    is the flow that the packet would answer. None for an ICMP packet that is not an echo."""
    ends = [(packet.src, packet.sport), (packet.dst, packet.dport)]
    if packet.proto in (ICMP, ICMP6):
        asks = {(ICMP, 8): 0, (ICMP6, 128): 129}
        kind = packet.type if not reverse else {answer: ask for (_, ask), answer in asks.items()}.get(packet.type)
        ends.append((packet.proto, kind))
        if kind is None or (packet.proto, kind) not in asks:
            return None
    ends[:2] = reversed(ends[:2]) if reverse else ends[:2]
    return packet.proto, *ends


class History:
    """The packets that went out, from this machine or one behind it, and the row by which each did."""

    def __init__(self):
        self.flows = {}
        self.packets = []
        self.askers = {}

    def note(self, probe, row):
        self.packets.append((probe, row))
        flow = flow_of(probe.packet)
        if flow is not None:
            self.flows.setdefault(flow, set()).add(row)
            if probe.received:
                self.askers.setdefault(flow, probe.received)

    def asker(self, flow):
        """The link by which the flow was first forwarded into the tunnel."""
        return self.askers.get(flow)

    def rows_of_reply(self, packet):
        """The rows that let out the packets which this one would answer."""
        return self.flows.get(flow_of(packet, reverse=True), set())

    def rows_of_quoted(self, quoted):
        return {row for probe, row in self.packets if quoted is not None and flow_of(probe.packet) == flow_of(quoted)
                and flow_of(quoted) is not None}


# --- what may pass, in order -----------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class View:
    """How much of a row's conditions a filter can check. The table checks all of them."""
    states: bool = True  # whether the packet was asked for; if not, the filter checks whose socket would receive it
    errors: bool = True  # which packet an error is about
    hops: bool = True
    code: bool = True


def is_endpoint(address, port, proto, remote):
    return remote is not None and (address, port, proto) == remote


def is_tunnels(s, address):
    return address in s.addresses


def row_3(s, packet, history, view):
    if s.state == "locked":
        return False
    if packet.direction == "out":
        return is_endpoint(packet.dst, packet.dport, packet.proto, s.remote) and packet.gid == s.group
    is_ours = 3 in history.rows_of_reply(packet) if view.states else packet.gid == s.group
    return is_endpoint(packet.src, packet.sport, packet.proto, s.remote) and is_ours


def is_of_row_4(packet):
    return packet.type in {ICMP: (3,), ICMP6: (1, 2, 3, 4)}.get(packet.proto, ())


def row_4(s, probe, history):
    return (s.state != "locked" and probe.packet.direction == "in" and is_of_row_4(probe.packet)
            and 3 in history.rows_of_quoted(probe.quoted))


def row_5(s, packet, history, view):
    if s.state != "dialling" or s.resolver is None or packet.proto != TCP:
        return False
    if packet.direction == "out":
        return (packet.dst, packet.dport) == (s.resolver, 853) and packet.uid == s.user
    is_ours = 5 in history.rows_of_reply(packet) if view.states else packet.uid == s.user
    return (packet.src, packet.sport) == (s.resolver, 853) and is_ours


def row_16(s, packet, history):
    if s.state == "open" or s.portal is None:
        return False
    out = packet.direction == "out"
    far, port = (packet.dst, packet.dport) if out else (packet.src, packet.sport)
    near = within(far, PORTALS) and (packet.proto, port) in {(TCP, 80), (TCP, 443), (TCP, 53), (UDP, 53)}
    if not near and not (s.portal_any and (packet.proto, port) in {(TCP, 80), (TCP, 443)}):
        return False
    return packet.gid == s.portal if out else 16 in history.rows_of_reply(packet)


def row_6(s, packet):
    if packet.proto != UDP:
        return False
    ports = packet.sport, packet.dport
    if packet.version == 4 and packet.direction == "out":
        users = {ROOT, s.dhcp_user} - {None}
        return ports == (68, 67) and within(packet.dst, DHCP4_SERVERS) and packet.uid in users
    if packet.version == 4:
        return ports == (67, 68)
    if not within(packet.src, LINK_LOCAL):
        return False
    if packet.direction == "out":
        return ports == (546, 547) and within(packet.dst, DHCP6_SERVERS)
    return ports == (547, 546) and within(packet.dst, LINK_LOCAL)


def row_7(s, packet, view):
    if packet.proto != ICMP6 or packet.version != 6 or (view.code and packet.code != 0):
        return False
    near = NEIGHBOURS + list(s.neighbours)
    hops, out = packet.ttl if view.hops else None, packet.direction == "out"
    discovery, listener = hops in (255, None), hops in (1, None)
    if packet.type in (135, 136):
        return discovery and within(packet.src, near) and within(packet.dst, near)
    if packet.type == 133:
        return out and discovery and within(packet.src, LINK_LOCAL_OR_NONE) and within(packet.dst, ALL_ROUTERS)
    if packet.type == 134:
        return not out and discovery and within(packet.src, LINK_LOCAL)
    if packet.type == 130:
        return not out and listener and within(packet.src, LINK_LOCAL)
    return (packet.type in (131, 132, 143) and out and listener and within(packet.src, LINK_LOCAL_OR_NONE)
            and within(packet.dst, MLD_ROUTERS))


def is_redirect(packet):
    return packet.proto == ICMP6 and packet.version == 6 and packet.type == 137


def row_8(packet):
    return packet.proto in (TCP, UDP) and bool({packet.sport, packet.dport} & {53, 853})


def row_9_in(probe, history):
    return 9 in history.rows_of_reply(probe.packet) or 9 in history.rows_of_quoted(probe.quoted)


def is_about_tunnels(s, probe):
    """The probe is an answer or an error: did the packet that it answers or quotes leave with the tunnel's address?"""
    return is_tunnels(s, probe.quoted.src if probe.quoted else probe.packet.dst)


def row_10(s, packet):
    """True, False, or None if the row does not apply."""
    if not s.lan:
        return None
    if within(packet.src, s.networks) or within(packet.dst, s.networks):
        return False
    return within(packet.dst if packet.direction == "out" else packet.src, LAN) or None


def forwarded(s, probe, history):
    packet = probe.packet
    if is_tunnels(s, packet.src) or is_tunnels(s, packet.dst):
        return 2, BLOCK
    if s.is_tunnel(packet.interface) and not s.is_tunnel(probe.received):
        asker = history.asker(flow_of(packet))
        return (9, PASS) if asker in (None, probe.received) else (11, BLOCK)
    if s.is_tunnel(probe.received) and row_9_in(probe, history):
        asker = history.asker(flow_of(packet, reverse=True) if probe.quoted is None else flow_of(probe.quoted))
        return (9, PASS) if asker == packet.interface else (11, BLOCK)
    return 11, BLOCK


def physical(s, probe, history, view=View()):
    packet = probe.packet
    if is_tunnels(s, packet.src) or is_tunnels(s, packet.dst):
        return 2, BLOCK
    if row_3(s, packet, history, view):
        return 3, PASS
    if view.errors and row_4(s, probe, history):
        return 4, PASS
    if row_5(s, packet, history, view):
        return 5, PASS
    if row_16(s, packet, history):
        return 16, PASS
    if row_6(s, packet):
        return 6, PASS
    if row_7(s, packet, view):
        return 7, PASS
    if is_redirect(packet):
        return 7, BLOCK
    if row_8(packet):
        return 8, BLOCK
    local = row_10(s, packet)
    return (11, BLOCK) if local is None else (10, PASS if local else BLOCK)


def promise(s, probe, history):
    """(row, verdict) according to the table."""
    packet = probe.packet
    if probe.hook == "forward":
        return forwarded(s, probe, history)
    if s.is_loopback(packet.interface):
        return 1, PASS
    if s.is_tunnel(packet.interface):
        passes = packet.direction == "out" or row_9_in(probe, history) and is_about_tunnels(s, probe)
        return (9, PASS) if passes else (11, BLOCK)
    return physical(s, probe, history)


# --- where each platform deviates ---------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Case:
    """Everything that a deviation may depend on."""
    s: Situation
    probe: Probe
    history: History
    row: int
    verdict: str

    @property
    def packet(self):
        return self.probe.packet

    @property
    def is_physical(self):
        return self.s.is_physical(self.packet.interface)

    def seen_by(self, view):
        """The decision of a filter that checks only what is in `view`: (row, verdict, the deviation's name)."""
        if not self.is_physical:
            return self.row, self.verdict, ""
        row, verdict = physical(self.s, self.probe, self.history, view)
        if verdict == self.verdict:
            return row, verdict, ""
        if self.row == 4:
            return row, verdict, "4: dropped"
        return row, verdict, "7: what is not asked" if row == 7 else "3, 5: no states"


def nft(case):
    """nft's deviations. conntrack does not tell by which link a question left, and nft cannot match the port of the
    packet that an error quotes. A TCP packet that does not begin a connection belongs to none for conntrack."""
    s, packet, quoted = case.s, case.packet, case.probe.quoted
    if case.probe.hook == "forward" and case.verdict == PASS and s.is_tunnel(packet.interface):
        if packet.proto == TCP and packet.flags != "S" and case.history.asker(flow_of(packet)) is None:
            yield "9, forwarding: TCP from its beginning", BLOCK
    if case.probe.hook != "in" or case.verdict == PASS or case.row == 2:
        return
    answers = bool(case.history.rows_of_reply(packet))
    about = bool(case.history.rows_of_quoted(quoted))
    if s.is_tunnel(packet.interface):
        if (answers or about) and is_about_tunnels(s, case.probe):
            yield "3, 4, 9: the link of the question", PASS
    elif answers and s.state != "locked" and is_endpoint(packet.src, packet.sport, packet.proto, s.remote):
        yield "3, 4, 9: the link of the question", PASS
    elif about and s.state != "locked" and is_of_row_4(packet) and quoted.dst == s.remote[0]:
        yield "3, 4, 9: the link of the question", PASS


def is_named(s, link):
    """Do pf's rules for physical links apply to this link? They name the known links; if there are none, they name all
    links except loopback and the tunnel."""
    return link in s.links if s.links else link != "lo0" and not (s.addresses and link == s.tunnel)


NO_TCP_SENDS = ("", "F", "P", "U", "FS", "RS")


def is_odd(packet):
    """TCP flags that no TCP stack sends: none of SYN, ACK and RST, or SYN together with FIN or RST."""
    flags = set(packet.flags)
    return packet.proto == TCP and (not flags & set("SAR") or {"S", "R"} <= flags or {"S", "F"} <= flags)


def pf(case):
    s, packet = case.s, case.packet
    if case.probe.hook == "forward":
        yield from pf_forwarded(case)
        return
    row, verdict, name = case.seen_by(View(states=False, errors=False, hops=False))
    if row == 1 and is_odd(packet) and packet.direction == "in" and s.lan and not s.links:
        verdict, name = BLOCK, "all: odd flags"  # no link is known, so packets are reassembled on all of them
    if verdict == PASS and row != 1:
        if case.is_physical and not is_named(s, packet.interface):
            verdict, name = BLOCK, "all physical: links that are named"
        elif case.probe.pieces and not is_put_together(case):
            verdict, name = BLOCK, "5, 6: fragments"
        elif row == 7 and packet.type in (135, 136) and packet.dst == NEIGHBOURS[0][0]:
            verdict, name = BLOCK, "7: to ::"
        elif row == 10 and not lan_at_both_ends(case):
            verdict, name = BLOCK, "10: both ends"
        elif is_odd(packet) and packet.direction == "in" and is_put_together(case):
            verdict, name = BLOCK, "all: odd flags"
        elif row == 9 and not pf_has_state(case):
            verdict, name = BLOCK, "9: TCP from its beginning"
    elif s.is_tunnel(packet.interface) and is_icmp_back(case):
        verdict, name = PASS, "9: ICMP by its addresses"
    elif s.is_tunnel(packet.interface) and row_9_in(case.probe, case.history) and pf_has_state(case) and not is_odd(packet):
        verdict, name = PASS, "9: whatever address the question left with"
    if verdict != case.verdict:
        yield name, verdict


def is_put_together(case):
    """Does a scrub rule reassemble it? Those are for packets from the server, in the local network, or of the
    tunnel."""
    s, packet = case.s, case.packet
    return s.is_tunnel(packet.interface) or s.lan or (s.remote is not None and packet.src == s.remote[0]
                                                     and packet.proto == s.remote[2])


def is_begun(history, flow):
    """Has a packet of this flow with SYN alone gone out by the tunnel?"""
    return any(flow_of(probe.packet) == flow and probe.packet.flags == "S" and row == 9 for probe, row in history.packets)


def pf_has_state(case):
    """Is there a state, if the packet needs one? A TCP flow has a state once it has begun with a SYN alone, and an
    answer, or an error about it, needs that state."""
    packet, quoted = case.packet, case.probe.quoted
    if packet.proto == TCP and packet.direction == "out" and not case.s.is_tunnel(case.probe.received):
        return packet.flags == "S" or is_begun(case.history, flow_of(packet))
    if packet.proto == TCP:
        return is_begun(case.history, flow_of(packet, reverse=True))
    return quoted is None or quoted.proto != TCP or is_begun(case.history, flow_of(quoted))


def is_icmp_back(case):
    """Is this an ICMP packet from an address to which one was sent through the tunnel, back to that one's source?"""
    packet = case.packet
    def is_no_error(each):
        return each.type not in ERRORS[each.proto]
    return packet.direction == "in" and packet.proto in ERRORS and is_no_error(packet) and any(
        row == 9 and past.packet.proto == packet.proto and is_no_error(past.packet)
        and (past.packet.src, past.packet.dst) == (packet.dst, packet.src) for past, row in case.history.packets)


def pf_forwarded(case):
    """pf judges a forwarded packet twice. One that comes in by a physical link is stopped, unless both ends are in the
    local network."""
    s, packet, received = case.s, case.packet, case.probe.received
    local = (s.lan and lan_at_both_ends(case) and not within(packet.src, s.networks) and not within(packet.dst, s.networks)
             and case.row != 2 and not row_8(packet))
    asker = case.history.asker(flow_of(packet, reverse=True))
    asked = case.row != 2 and row_9_in(case.probe, case.history) and asker is not None and is_named(s, asker)
    enters = s.is_tunnel(received) and asked or is_named(s, received) and local and s.is_physical(received)
    enters = enters and (pf_has_state(case) or not s.is_tunnel(received))
    leaves = (s.is_tunnel(packet.interface) and pf_has_state(case)) or is_named(s, packet.interface) and local
    passes = PASS if enters and leaves else BLOCK
    if passes != case.verdict:
        links = received, packet.interface
        remembered = "9, forwarding: no link is remembered" if any(map(s.is_tunnel, links)) else "10: between two local networks"
        yield "9, forwarding: stopped on entry" if passes == BLOCK else remembered, passes


def lan_at_both_ends(case):
    return within(case.packet.src, LAN) and within(case.packet.dst, LAN)


def looks_like_answer(packet):
    if packet.proto == TCP:
        return bool(set(packet.flags) & set("AR"))
    if packet.proto == UDP:
        return packet.dport >= 1024
    if packet.version == 4:
        return packet.proto == ICMP and packet.type in (0, 3, 11, 12)
    return packet.proto == ICMP6 and packet.type in (1, 2, 3, 4, 129)


def has_a_hole_for_fragments(s, packet):
    """The hole of row 3 lets later fragments through, by address and protocol alone."""
    return s.remote is not None and (packet.src, packet.proto) == s.remote[::2]


KNOWN6 = (0, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 103, 112, 132, 136)


def ipfw(case):
    s, packet = case.s, case.packet
    row, verdict, name = case.seen_by(View(states=False, errors=False, hops=False, code=False))
    if case.probe.hook == "forward":
        row, verdict, name = case.row, BLOCK, "9, forwarding: nothing"
    elif s.is_tunnel(packet.interface) and packet.direction == "in":
        verdict, name = PASS if looks_like_answer(packet) else BLOCK, "9: by its looks"
    elif case.probe.pieces and row in (5, 6, 10) and verdict == PASS and not has_a_hole_for_fragments(s, packet):
        verdict, name = BLOCK, "5, 6, 10: later fragments"
    if packet.version == 6 and packet.proto not in KNOWN6:
        verdict, name = BLOCK, "all: unknown headers of IPv6"
    if verdict != case.verdict:
        yield name, verdict


DEVIATIONS = {"nft": nft, "pf": pf, "ipfw": ipfw}


def wanted(backend, s, probe, history):
    """(verdict, row, the deviation's name or "")."""
    row, verdict = promise(s, probe, history)
    for name, other in DEVIATIONS[backend](Case(s, probe, history, row, verdict)):
        return other, row, f"{backend}: {name}"
    return verdict, row, ""
