"""Our ipfw text, judged by the evaluator: each row of docs/security.md with packets that pass and packets that do not,
and a proof that each rule is needed."""
import glob
import os
import re

import pytest

from evaluator import Refused
from packet import parse_packet
from rulesets import COMMON, SITUATIONS, TOP, firewall, machine, print_rules, read_cases, verdict

CASES = read_cases()
TEXTS = {name: print_rules(f"{words} {COMMON}") for name, words in SITUATIONS.items()}


@pytest.mark.parametrize("default", ["allow", "deny"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_policy_rows(name, default):
    """Our set has a final rule of its own: the default rule does not matter."""
    filter_ = firewall(TEXTS[name], default)
    wrong = [f"line {case.number}: {case.text}" for case in CASES if verdict(filter_, case) != case.wanted[name]]
    assert not wrong, "\n".join([f"situation {name}:", *wrong])


def test_packets_say_both():
    """For each situation and each row some packets pass and some do not."""
    for name in SITUATIONS:
        assert {case.wanted[name] for case in CASES} == {"p", "b"}
    for filter_ in (firewall("", "allow"), firewall("", "deny")):
        assert len({verdict(filter_, case) for case in CASES if "99 fe80" not in case.text
                    and "frag=8" not in case.text}) == 1, "without rules the default decides"


@pytest.mark.parametrize("path", sorted(glob.glob(f"{TOP}/tests/golden/policy/*.ipfw")), ids=os.path.basename)
def test_golden_files_are_ipfws_grammar(path):
    with open(path, encoding="ascii") as file:
        text = file.read()
    world = machine()
    filter_ = firewall(text)
    assert len(filter_.rules) == len(re.findall("(?m)^add ", text)) and filter_.world.groups == world.groups
    for rule in filter_.rules:
        assert (rule.number, rule.set) == (1, 26) and re.fullmatch(r"row \d+", rule.comment)
        assert rule.action in ("allow", "deny", "count"), "nothing is answered or held"
        assert rule.action != "count" or " count tag 26 " in rule.text, "what only counts has no place here"
    assert filter_.rules[-1].text.endswith("deny ip from any to any // row 11")


def test_longer_lists_than_ipfw_takes():
    """Longer lists than ipfw takes are split, neighbours by a tag and networks over several rules. What is in none of
    the parts is stopped as before."""
    many = " ".join(f"neighbour=2001:db8:{n}::/64 network=fd00:8:{n}::/64 network=10.{n}.0.0/16" for n in range(2, 17))
    text = print_rules(f"{SITUATIONS['P']} {COMMON} {many}")
    assert "tagged" in text and all(len(line) < 1500 for line in text.splitlines())
    filter_ = firewall(text)
    wanted = {
        "pass": ["out em0 icmp6 2001:db8:1::1 > 2001:db8:16::1 type=135", "in em0 icmp6 2001:db8:16::1 > :: type=136",
                 "in em0 icmp6 fe80::1 > 2001:db8:9::1 type=135", "out em0 udp [fe80::1]:9 > [fd00:9::1]:9",
                 "out em0 udp 10.17.0.1:9 > 10.17.0.2:9"],
        "block": ["out em0 icmp6 2001:db8:1::1 > 2001:db8:17::1 type=135", "in em0 icmp6 2001:db8:17::1 > :: type=136",
                  "in em0 icmp6 2001:db8:17::1 > 2001:db8:9::1 type=135", "out em0 icmp6 2001:db8:1::1 > 2001:db8:16::1 type=128",
                  *[f"{way} em0 udp [fe80::1]:9 > [fd00:8:{n}::1]:9" for n in range(2, 17) for way in ("in", "out")],
                  *[f"{way} em0 udp 10.{n}.0.1:9 > 10.17.0.1:9" for n in range(2, 17) for way in ("in", "out")]]}
    for verdict_, packets in wanted.items():
        for packet in packets:
            assert str(filter_.check(parse_packet(packet))) == verdict_, packet


# --- each rule is needed ------------------------------------------------------------------

RULE = re.compile(r"(?P<head>add 1 set 26) (?P<action>allow|deny) (?P<proto>\S+) from (?P<source>\S+)(?P<sport> [\d,-]+)?"
                  r" to (?P<destination>\S+)(?P<dport> [\d,-]+)?(?P<options>(?: .*?)?) // row \d+$")
OPTION = re.compile(r"(?:not )?(?:via|recv|gid|uid|icmptypes|icmp6types|ipversion) \S+|frag|in|out|\{.*?\}")
FORM = "{head} {action} {proto} from {source}{sport} to {destination}{dport}{options} // mutant"


def fewer(words, separator):
    for index in range(len(words)):
        yield separator.join(words[:index] + words[index + 1:])


def weakened(line):
    """Changed forms of a rule: left out; allow for deny and the reverse; one address or port fewer; and, for a rule
    that allows, without one of its conditions."""
    parts = {key: value or "" for key, value in RULE.match(line).groupdict().items()}
    yield ""
    yield FORM.format(**dict(parts, action="deny" if parts["action"] == "allow" else "allow"))
    for key in ("source", "destination", "sport", "dport"):
        for less in fewer(parts[key].strip().split(","), ",") if "," in parts[key] else ():
            yield FORM.format(**dict(parts, **{key: " " * ("port" in key) + less}))
    if parts["action"] == "deny":
        return
    for key, any_ in (("source", "any"), ("destination", "any"), ("sport", ""), ("dport", "")):
        if parts[key] not in ("", any_):
            yield FORM.format(**dict(parts, **{key: any_}))
    if not parts["sport"] + parts["dport"] and parts["proto"] != "ip":
        yield FORM.format(**dict(parts, proto="ip"))
    elif parts["sport"] + parts["dport"]:
        yield FORM.format(**dict(parts, proto={"udp": "tcp", "tcp": "udp"}[parts["proto"]]))
    options = OPTION.findall(parts["options"])
    assert " ".join(options) == parts["options"].strip(), line
    for less in fewer(options, " "):
        yield FORM.format(**dict(parts, options=f" {less}"))


def templates(old, new):
    """A change without what differs between situations. Whether the tunnel is excluded counts only if that is the
    change."""
    bare = [re.sub(r"^add 1 set 26 | // .*", "", line) for line in (old, new)]
    same = [line.replace(" not via tun0", "") for line in bare]
    return tuple(same if same[0] != same[1] else bare)


# What makes no difference: the rule as it was, as it is after the change, and why.
EQUIVALENT = [
    (r"allow ip4 from .*\.", r"allow ip from ", "the address says the family"),
    (r"allow ip6 from .*:", r"allow ip from ", "the address says the family"),
    (r"allow ipv6-icmp .* icmp6types", r"allow ip .* icmp6types", "the type says the protocol"),
    (r"allow icmp .* icmptypes", r"allow ip .* icmptypes", "the type says the protocol"),
    (r"allow tcp .* tcpflags", r"allow ip .* tcpflags", "the flags say the protocol"),
    (r"allow ip from any to any (in|out) via lo0", r"allow ip from any to any via lo0", "the other way has the rule too"),
    (r"allow ipv6-icmp from ::,2.* (in|out) icmp6types 13[56]", r".*104 icmp6types", "the other way has the rule too"),
    (r"allow .* out not via tun0", r"allow .* out(?! not via)", "row 9 lets all out by the tunnel"),
    (r"allow .* in via tun0", r"allow .* any(?: \S+)? via tun0", "row 9 lets all out by the tunnel"),
    (r"allow .* in not via tun0 frag", r"allow .* in frag", "row 9 lets later fragments in by the tunnel"),
    (r"allow ip from any to any out via tun0", r"allow ip from any to any via tun0", "row 9 decided about what is in"),
    (r"allow ip[46] .* any in not via tun0", r"allow ip[46] .* any in$", "row 9 decided about what is in"),
    (r"deny ip from any to any in via tun0", r"$", "no row below is for the tunnel"),
    (r"deny ip from any to any out$", r"$", "it only counts apart: the last rule stops the same"),
]


def is_equivalent(old, new):
    return any(re.match(before, old) and re.match(after, new) for before, after, _ in EQUIVALENT)


def mutants():
    found = {}
    for name, text in TEXTS.items():
        lines = text.splitlines()
        for at, line in enumerate(lines):
            if line.startswith("add "):
                for other in weakened(line):
                    found.setdefault(templates(line, other), []).append((name, lines, at, other))
    return found


MUTANTS = mutants()


def is_caught(name, lines, at, other):
    text = "\n".join([*lines[:at], other, *lines[at + 1:]])
    try:
        filter_ = firewall(text)
    except Refused:
        return True
    return any(verdict(filter_, case) != case.wanted[name] for case in CASES)


def test_each_rule_is_needed():
    """If a rule or a condition is missing, a packet notices it in at least one of the situations that have it."""
    survivors = [f"{old}\n    => {new or '(gone)'}" for (old, new), places in MUTANTS.items()
                 if not is_equivalent(old, new) and not any(is_caught(*place) for place in places)]
    assert len(MUTANTS) > 300
    assert not survivors, f"{len(survivors)} of {len(MUTANTS)} are not caught:\n" + "\n".join(survivors)
