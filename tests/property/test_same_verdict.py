"""nft, pf and ipfw give generated packets the verdict of docs/security.md, or deviate as that page says, and in no
other way."""
import collections
import dataclasses
import random
import re

import pytest

import filters
import generate
import specification
from packet import TCP
from specification import PASS, History, flow_of, promise, wanted

SCTP = 132
PACKETS = 80  # for each situation


def situations(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        situation = generate.situation(rng)
        yield situation, generate.probes(rng, situation, PACKETS)


def told(situation, probe, row, name):
    return f"row {row}{', ' + name if name else ''}: {probe}\n    in {' '.join(situation.words())}"


def judged(backend, situation, probes, sent=lambda number: True):
    """(probe, verdict, row, deviation, history so far) in order. A packet that was not sent is not added to the
    history."""
    history = History()
    if backend != "nft":  # no other filter has row 16, whatever the situation says
        situation = dataclasses.replace(situation, portal=None)
    for number, probe in enumerate(probes):
        yield probe, *wanted(backend, situation, probe, history), history
        row, verdict = promise(situation, probe, history)
        if verdict == PASS and probe.hook != "in" and sent(number):
            history.note(probe, row)


def differences(backend, text, situation, probes, used=None):
    """The probes for which the filter's verdict is not the wanted one."""
    filter_ = filters.FILTERS[backend](text)
    for probe, verdict, row, name, _ in judged(backend, situation, probes):
        if used is not None:
            used[backend, row, verdict, name] += 1
        if filter_.verdict(probe) != verdict:
            yield f"{backend}, {verdict} is wanted: {told(situation, probe, row, name)}"


@pytest.mark.parametrize("backend", filters.FILTERS)
def test_evaluators(backend, seed, request):
    used = collections.Counter()
    found = []
    for situation, probes in situations(seed, request.config.getoption("property_situations")):
        found += differences(backend, filters.rules(backend, situation), situation, probes, used)
    total = sum(used.values())
    print(f"\n{backend}: {total} packets, seed {seed}")
    assert not found, f"{len(found)} of {total}, seed {seed}:\n" + "\n".join(found[:20])
    assert_all_is_asked(backend, used)


def assert_all_is_asked(backend, used):
    """Every row decides about some packets, and every deviation that the specification knows occurs."""
    rows = {row for _, row, _, _ in used}
    there = {*range(1, 12), *([16] if backend == "nft" else [])}
    assert rows == there, f"no packet for rows {there - rows}"
    names = {name for *_, name in used if name}
    assert names == NAMES[backend], f"not met: {NAMES[backend] - names}, unknown: {names - NAMES[backend]}"
    assert {verdict for _, _, verdict, _ in used} == {"pass", "block"}


NAMES = {
    "nft": {"nft: 3, 4, 9: the link of the question", "nft: 9, forwarding: TCP from its beginning"},
    "pf": {f"pf: {name}" for name in (
        "all physical: links that are named", "all: odd flags", "3, 5: no states", "4: dropped", "5, 6: fragments",
        "7: what is not asked", "7: to ::", "9: TCP from its beginning", "9: ICMP by its addresses",
        "9: whatever address the question left with",
        "9, forwarding: stopped on entry", "9, forwarding: no link is remembered", "10: between two local networks", "10: both ends")},
    "ipfw": {f"ipfw: {name}" for name in (
        "all: unknown headers of IPv6", "3, 5: no states", "4: dropped", "5, 6, 10: later fragments", "7: what is not asked",
        "9: by its looks", "9, forwarding: nothing")},
}


@pytest.mark.parametrize("backend", NAMES)
def test_deviations_are_listed(backend):
    """Each deviation is in the table of its platform in docs/security.md, with its rows."""
    with open(f"{filters.TOP}/docs/security.md", encoding="utf-8") as file:
        section = re.split(r"(?m)^#{2,3} ", file.read().partition("## What each platform deviates in")[2])
    page = next(each for each in section if each.startswith(f"{backend} ("))
    rows = set(re.findall(r"(?m)^\| ([^|]+?) \|", page))
    listed = {name.split(": ")[1] for name in NAMES[backend]}
    assert len(rows) > 5 and listed <= rows, listed - rows


# --- a missing rule is noticed ------------------------------------------------------------------

# Each change of the text, wherever it matches, opens something: what is removed or replaced, and by what.
WEAKER = {
    "pf": [
        (r" group = 777", ""),
        (r" user = (0|778)|user \{ 0, 65 \}", ""),
        (r" \(if-bound\)", ""),
        (r" code 0", ""),
        (r" port = 1194", ""),
        (r" icmp6-type 13[56] code 0", ""),
        (r" port = 68 to", " to"),
        (r" on \{ em0, em1 \}", ""),
        (r"(?m)^block.* 10\.8\.0\.6.*$", ""),
        (r"(?m)^block.*icmp6-type 137$", ""),
        (r"(?m)^block.* port \{ 53, 853 \}.*$", ""),
        (r"(?m)^block.*<tunnel_networks.*$", ""),
        (r"(?m)^block drop in quick all$", ""),
        (r"(?m)^block drop out quick all$", ""),
        (r"from <lan4> to <lan4>", "from any to any"),
        (r"from fe80::/10", "from any"),
        (r"255\.255\.255\.255", "0.0.0.0/0"),
        (r"no state", "keep state")],
    "ipfw": [
        (r" gid 777", ""),
        (r" uid (0|778)|\{ uid 0 or uid 65 \}", ""),
        (r" 1194( to| out)", r"\1"),
        (r" icmp6types 13[56]", ""),
        (r" \{ tcpflags.*?\}", ""),
        (r" 1024-65535", ""),
        (r" icmptypes [\d,]+", ""),
        (r"any 68 to", "any to"),
        (r"(?m)^.* // row 2$", ""),
        (r"(?m)^.*icmp6types 137.*$", ""),
        (r"(?m)^.* 53,853.*$", ""),
        (r"(?m)^.*deny ip[46] .*// row 10$", ""),
        (r"(?m)^.*recv \*.*$", ""),
        (r"(?m)^.*deny ip from any to any // row 11$", ""),
        (r" frag", ""),
        (r"from any to 10\.0\.0\.0/8", "from any to 0.0.0.0/1"),
        (r"from fe80::/10 ", "from any "),
        (r"(?m)^.*deny ip from any to any frag.*$", "")],
    "nft": [
        (r" meta skgid 777", ""),
        (r" meta skuid (778|@dhcp_users)", ""),
        (r" ip6 hoplimit \d+", ""),
        (r" icmpv6 code 0", ""),
        (r" ct state established ct direction reply", ""),
        (r" ct original ip6? daddr @endpoint_address\d", ""),
        (r" \. (udp|tcp) \. \d+ ", r" . \1 . 5300 "),
        (r" icmpv6 type 13[56]", ""),
        (r" udp [sd]port 6[78]", ""),
        (r"(?m)^.*@tunnel_address\d (counter name .blocked. )?(drop|return)$", ""),
        (r"(?m)^.*icmpv6 type 137.*$", ""),
        (r"(?m)^.*@dns_ports (drop|return)$", ""),
        (r"(?m)^.*@tunnel_networks\d (drop|return)$", ""),
        (r"iif \. meta iifkind @tunnel_link drop", ""),
        (r" ip6 [sd]addr @neighbours6", ""),
        (r" ct id \. [io]if @asked", ""),
        (r" ct id != @claimed", ""),
        (r"(?m)^\t\tdrop$", "\t\taccept"),
        (r"(?m)^\t\toif \. meta oifkind @tunnel_link accept$", "\t\taccept"),
        (r"10\.0\.0\.0/8", "0.0.0.0/4")],
}


def is_weaker(text, pattern, other):
    """The changed text; None if there was nothing to change."""
    changed = re.sub(pattern, other, text)
    return None if changed == text else changed


@pytest.mark.parametrize("backend, pattern, other",
                         [(backend, *each) for backend in filters.FILTERS for each in WEAKER[backend]])
def test_weaker_rules_are_found(backend, pattern, other, seed):
    for situation, probes in situations(seed, 400):
        text = is_weaker(filters.rules(backend, situation), pattern, other)
        if text is not None and next(differences(backend, text, situation, probes), None):
            return
    raise AssertionError("nothing noticed it")


# --- nft, in the kernel -----------------------------------------------------------------

@pytest.fixture(scope="session")
def kernel_runs(machine, seed, request):
    """(situation, probes, the numbers of those that arrive without any rules). The others are not judged, because the
    kernel itself does not send or accept them."""
    runs = []
    machine.run("nft", "flush", "ruleset")
    for situation, probes in situations(seed, request.config.getoption("property_kernel")):
        probes = [probe for probe in probes if not probe.pieces]
        runs.append((situation, probes, machine.seen(probes)))
    assert all(len(testable) > len(probes) // 4 for _, probes, testable in runs), "packets are seen without the gate"
    return runs


def kernel_differences(machine, text, run, used=None):
    situation, probes, testable = run
    machine.load(text)
    came = machine.seen(probes, testable)
    steps = judged("nft", situation, probes, testable.__contains__)
    for number, (probe, verdict, row, name, history) in enumerate(steps):
        if number in testable and is_askable(probe, history):
            if used is not None:
                used[probe.hook, row, verdict, name] += 1
            if (number in came) != (verdict == PASS):
                yield f"nft, {verdict} is wanted: {told(situation, probe, row, name)}"


def is_askable(probe, history):
    """conntrack itself examines the states of TCP and SCTP. So this test does not judge answers to SCTP, nor answers to
    TCP packets other than a SYN."""
    if probe.hook == "out":
        return True
    question = flow_of(probe.quoted) if probe.quoted else flow_of(probe.packet, reverse=True)
    asked = [past.packet for past, _ in history.packets if question is not None and flow_of(past.packet) == question]
    return all(packet.proto != SCTP and (packet.proto != TCP or packet.flags == "S") for packet in asked) and (
        not asked or probe.packet.proto != TCP or probe.packet.flags == "SA")


def test_kernel(machine, kernel_runs, seed):
    used, found = collections.Counter(), []
    for run in kernel_runs:
        found += kernel_differences(machine, filters.rules("nft", run[0]), run, used)
    total = sum(used.values())
    print(f"\nnft: {total} packets, seed {seed}")
    assert not found, f"{len(found)} of {total}, seed {seed}:\n" + "\n".join(found[:20])
    for hook in ("in", "out", "forward"):
        assert {verdict for each, _, verdict, _ in used if each == hook} == {"pass", "block"}
    assert {row for _, row, _, _ in used} == {*range(2, 12), 16}, "row 1 has no far end"
    assert {name for *_, name in used} <= {"", *NAMES["nft"]}


@pytest.mark.parametrize("pattern, other", WEAKER["nft"])
def test_weaker_rules_are_found_in_the_kernel(machine, kernel_runs, pattern, other):
    for run in kernel_runs:
        text = is_weaker(filters.rules("nft", run[0]), pattern, other)
        if text is not None and next(kernel_differences(machine, text, run), None):
            return
    raise AssertionError("nothing noticed it")
