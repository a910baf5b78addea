"""The 920 packets and the verdicts that Apple's pf gave: the evaluator gives all of them for the reference rules, and
for our rules all except the deviations that docs/security.md names."""
import collections
import re

import pytest
from evaluator import BOTH, Pf
from machine import ANCHOR, HERE, RULESETS, SECURITY, flips, gate, main_rules, ours, packets, reference
from packet import parse_line, parse_packet

KERNEL_RULES = {"locked": (22, 0), "dialling": (26, 2), "open": (29, 3), "open-lan": (40, 3)}


def test_the_recordings_are_whole():
    """Every line was read, each packet can be written back as it was read, and both verdicts occur in every file."""
    for name in RULESETS:
        lines = packets(name)
        assert len(lines) == 230
        assert {line.verdict for line in lines} == {"pass", "block"}
        assert all(parse_packet(str(line.step)) == line.step for line in lines)


@pytest.mark.parametrize("name", RULESETS)
def test_reference_rules(name):
    pf = gate(reference(name))
    ruleset = pf.anchors[ANCHOR]
    assert (len(ruleset.filter), len(ruleset.stages["scrub"])) == KERNEL_RULES[name], "not the kernel's number of rules"
    assert flips(pf, name) == []


# --- the controls: a weakened rule is caught by as many lines as in the recorded run with it

MUTATIONS = [
    ("floating states", "open", r"keep state \(if-bound\)", "keep state", 10),
    ("the tunnel both ways without state", "open", r"^pass out (quick on \$tun all) keep.*", r"pass \1 no state", 13),
    ("without the block from the tunnel's address", "open", r"^block drop quick on ! \$tun from \(\$tun\).*", "", 2),
    ("without the block to the tunnel's address", "open", r"^block drop quick on ! \$tun from any to \(\$tun\).*", "", 2),
    ("lan without the tunnel's networks taken out", "open-lan", r", !10.8.0.0/24, !fd00:8::/64", "", 3),
    ("lan without the block of fragments", "open-lan", r"^block drop quick all fragment", "", 2),
    ("lan without scrub", "open-lan", r"^scrub in on \$phys.*", "", 3),
    ("open without scrub", "open", r"^scrub .*", "", 3),
    ("without the block of DNS out", "open-lan", r"^block drop quick on ! \$tun proto .* to any port .*", "", 7),
    ("without the block of DNS by source", "open-lan", r"^block drop quick on ! \$tun proto .* any port .* to any$", "", 2),
    ("the hole out without group", "dialling", r"^(pass out .*) group _openvpn", r"\1", 4),
    ("the hole in without group", "dialling", r"^(pass in .*) group _openvpn", r"\1", 3),
    ("the hole out without port", "dialling", r"to \$server port \$vport", "to $server", 4),
    ("without the last block", "locked", r"^block drop quick all$", "", 186),
    ("physical rules on any interface", "locked", r"on \$phys ", "", 9),
    ("DHCP with options", "locked", r"^(pass in .* to any port 68 no state)", r"\1 allow-opts", 1),
    ("loopback without options", "locked", r" allow-opts", "", 1),
    ("router advertisements from any", "locked", r"from fe80::/10 (to <nd_dst> icmp6-type routeradv)", r"from any \1", 2),
    ("solicitations from any", "locked", r"from .* (to <nd_dst> icmp6-type neighbrsol)", r"from any \1", 2),
    ("advertisements from and to any", "locked", r"from .* to <nd_dst> (icmp6-type neighbradv)", r"from any to any \1", 2),
    ("DHCPv6 out from any", "locked", r"from fe80::/10 port 546", "from any port 546", 1),
    ("DHCPv6 in from any", "locked", r"from fe80::/10 port 547", "from any port 547", 1),
    ("router solicitations with state", "locked", r"(icmp6-type routersol) no state", r"\1", 1),
]


@pytest.mark.parametrize("what, name, pattern, instead, count", MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS])
def test_a_weakened_reference_rule_is_caught(what, name, pattern, instead, count):
    text = re.sub(pattern, instead, reference(name), flags=re.M)
    assert text != reference(name), what
    assert len(flips(gate(text), name)) == count


# --- our own rules

Deviation = collections.namedtuple("Deviation", "name packet verdict row words line")


def deviations():
    found = []
    for number, line in enumerate((HERE / "deviations").read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            name, packet, verdict, row, words = (field.strip() for field in line.split(" | "))
            found.append(Deviation(name, packet, verdict, row, words, number))
    return found


def rows_of_security():
    """What docs/security.md says of each row, in the table of the rows and in that of pf."""
    text = SECURITY.read_text()
    tables = [text[text.index("## What may pass, in order"):text.index("Why the order matters:")],
              text[text.index("### pf (macOS, FreeBSD)"):text.index("### ipfw (FreeBSD)")]]
    rows = collections.defaultdict(str)
    for cells in re.findall(r"^\| (\d+)\b[^|]*\|(.*)\|$", "\n".join(tables), flags=re.M):
        rows[cells[0]] += cells[1]
    return rows


def row_of(text, rule):
    """The row that the comment above the printed rule names."""
    for line in reversed(text.splitlines()[:rule.line]):
        match = re.match(r"# row (\d+):", line)
        if match:
            return match[1]
    raise AssertionError(f"line {rule.line} names no row")


@pytest.mark.parametrize("name", RULESETS)
def test_our_rules(name):
    """Our rules give the recorded verdicts, except for the listed deviations: all of these occur, and no others."""
    text, wanted = ours(name), {entry.packet: entry for entry in deviations() if entry.name == name}
    pf, found = gate(text, main_rules()), set()
    for line in packets(name):
        decision = pf.decide(line.step)
        if decision.verdict == line.verdict:
            continue
        assert line.text in wanted, f"{name}:{line.number}: {line.text}: {decision.verdict}, recorded {line.verdict}"
        entry = wanted[line.text]
        assert decision.verdict == entry.verdict != line.verdict
        # A packet passes by the row that allows it, and is stopped by its own row or by the last one.
        allowed = (entry.row,) if entry.verdict == "pass" else (entry.row, "11")
        assert row_of(text, decision.rule) in allowed, line.text
        found.add(line.text)
    assert set(wanted) == found, "deviations that are none"


def test_each_deviation_is_what_the_specification_says():
    rows = rows_of_security()
    assert len(rows) == 15 and deviations()
    for entry in deviations():
        assert entry.words in rows[entry.row], f"deviations:{entry.line}: not in row {entry.row} of docs/security.md"
    assert "words that nobody wrote" not in rows["6"]


def test_no_deviation_is_said_twice():
    keys = [(entry.name, entry.packet) for entry in deviations()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", RULESETS)
def test_both_grammars_take_our_rules(name):
    """Both grammars accept our rules in the strict mode: they have no names of ICMP types, no aliases, and nothing that
    only one grammar knows or that the two read differently."""
    Pf(BOTH).load_anchor(ANCHOR, ours(name))


# FreeBSD's main rules reassemble fragments on loopback too (a stray one is held), and drop TCP without any flag.
# No stack sends either over loopback.
FREEBSD_DROPS = {"in lo0 udp 127.0.0.1:5 > 127.0.0.1:6 frag=1480 len=100",
                 "in en0 tcp 192.168.1.23:5000 > 192.168.1.23:22 loop"}


@pytest.mark.parametrize("name", RULESETS)
def test_freebsd_decides_alike(name):
    """FreeBSD, with its own main rules, gives the same verdicts with our text."""
    apple, freebsd = gate(ours(name), main_rules()), gate(ours(name), main_rules("freebsd", ""), "freebsd")
    differing = {line.text for line in packets(name) if freebsd.verdict(line.step) != apple.verdict(line.step)}
    assert differing == FREEBSD_DROPS


# --- each of our rules is needed: packets in addition to the recorded ones, with their verdicts by docs/security.md

MORE = {
    "locked": """
out en0 icmp6 fe80::aaaa:1 > ff02::2 type=131 => pass
out en0 icmp6 fe80::aaaa:1 > ff02::2 type=132 => pass
out en0 icmp6 fe80::aaaa:1 > ff02::2 type=132 code=1 => block
in en0 icmp6 fe80::1 > ff02::1 type=134 code=1 => block
""",
    "open": """
in en0 udp 10.8.0.6:67 > 192.168.1.23:68 => block
in en0 icmp6 fe80::1 > fd00:8::6 type=134 => block
""",
    "open-lan": """
out en0 icmp6 fe80::aaaa:1 > fe80::1 type=137 => block
out en0 tcp 192.168.1.23:53 > 192.168.1.9:40000 flags=SA => block
in en0 tcp 192.168.1.9:40000 > 192.168.1.23:53 flags=S => block
in en0 tcp 192.168.1.1:53 > 192.168.1.23:52002 flags=SA => block
out en0 udp [fd00:8::9]:5 > [fe80::1]:5 => block
out en0 udp [fe80::aaaa:1]:5 > [fd00:8::9]:5 => block
in en0 udp [fe80::1]:5 > [fd00:8::9]:5 => block
in en0 udp [fd00:8::9]:5 > [fe80::aaaa:1]:5 => block
in en0 udp 192.168.1.50:5 > 10.8.0.9:5 => block
""",
}
# Redundant: the last rules would stop it too if the endpoint is IPv4 (test_facts.py has one with IPv6), or if the
# tunnel's networks are known as well as its address (tests/property has situations where they are not).
SPARE = ["block drop out quick on ! utun8 inet6 from fd00:8::6 to any",
         "block drop out quick on ! utun8 inet from any to 10.8.0.6",
         "block drop out quick on ! utun8 inet6 from any to fd00:8::6",
         "block drop in quick on ! utun8 inet6 from fd00:8::6 to any",
         "block drop in quick on utun8 all"]


def all_packets(name):
    more = [parse_line(line) for line in MORE.get(name, "").splitlines()]
    return packets(name) + [line for line in more if line is not None]


@pytest.mark.parametrize("name", MORE)
def test_more_packets(name):
    pf = gate(ours(name), main_rules())
    wrong = [line.text for line in all_packets(name)[230:] if pf.verdict(line.step) != line.verdict]
    assert len(all_packets(name)) > 230 and wrong == []


def verdicts(text, name):
    pf = gate(text, main_rules())
    return [pf.verdict(line.step) for line in all_packets(name)]


def test_each_of_our_rules_is_needed():
    """Each rule is left out in turn: in some ruleset a packet's verdict changes, except for the redundant ones."""
    noticed = {}
    for name in RULESETS:
        lines, usual = ours(name).splitlines(), verdicts(ours(name), name)
        for number, line in enumerate(lines):
            if re.match(r"(pass|block|scrub)\b", line):
                left = "\n".join(lines[:number] + lines[number + 1:]) + "\n"
                noticed[line] = noticed.get(line, False) or verdicts(left, name) != usual
    assert len(noticed) > 50
    assert sorted(line for line, seen in noticed.items() if not seen) == sorted(SPARE)
