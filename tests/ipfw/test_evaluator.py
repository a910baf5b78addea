"""The evaluator itself: each statement of ipfw(8) that our rules rely on, with its opposite."""
import pytest

from evaluator import Firewall, Refused, parse_rule
from packet import parse_packet
from rulesets import machine

BIG = ",".join(f"2001:db8:{n}::/48" for n in range(8))


def passes(rules, packet, default="deny", **more):
    filter_ = Firewall(machine(), default, **{key: more.pop(key) for key in ("one_pass",) if key in more})
    for rule in rules if isinstance(rules, list) else [rules]:
        filter_.command(rule if rule.startswith(("add", "set", "delete", "flush")) else f"add 1 {rule}")
    return filter_.check(parse_packet(packet), **more).passes


UDP = "udp 192.0.2.1:1000 > 192.0.2.2:2000"
TCP = "tcp 192.0.2.1:1000 > 192.0.2.2:2000"
SIX = "udp [2001:db8::1]:1000 > [2001:db8::2]:2000"
MATCHES = [
    # rule, a packet that it passes, one that it does not
    ("allow ip from any to any", f"in em0 {SIX}", None),
    ("allow ip4 from any to any", f"in em0 {UDP}", f"in em0 {SIX}"),
    ("allow ip6 from any to any", f"in em0 {SIX}", f"in em0 {UDP}"),
    ("allow udp from any to any", f"in em0 {SIX}", f"in em0 {TCP}"),
    ("allow 17 from any to any", f"in em0 {UDP}", f"in em0 {TCP}"),
    ("allow not udp from any to any", f"in em0 {TCP}", f"in em0 {UDP}"),
    ("allow ip from 192.0.2.0/31 to any", f"in em0 {UDP}", "in em0 udp 192.0.2.2:1 > 192.0.2.1:1"),
    ("allow ip from not 192.0.2.0/31 to any", "in em0 udp 192.0.2.2:1 > 192.0.2.1:1", f"in em0 {UDP}"),
    ("allow ip from any to 192.0.2.7,192.0.2.2", f"in em0 {UDP}", "in em0 udp 192.0.2.2:1 > 192.0.2.3:1"),
    ("allow ip from 2001:db8::/32,fe80::/10 to any", f"in em0 {SIX}", f"in em0 {UDP}"),
    ("allow udp from any 1000 to any", f"in em0 {UDP}", "in em0 udp 192.0.2.1:1001 > 192.0.2.2:1000"),
    ("allow udp from any to any 1,1999-2001", f"in em0 {UDP}", "in em0 udp 192.0.2.1:2000 > 192.0.2.2:2002"),
    ("allow udp from any to any not 2000", "in em0 udp 192.0.2.1:2000 > 192.0.2.2:2002", f"in em0 {UDP}"),
    ("allow ip from any to any dst-port 2000", f"in em0 {TCP} flags=S", "in em0 47 192.0.2.1 > 192.0.2.2"),
    ("allow udp from any to any 2000", f"in em0 {UDP} frag=0+", f"in em0 {UDP} frag=1480"),
    ("allow ip from any to any in", f"in em0 {UDP}", f"out em0 {UDP}"),
    ("allow ip from any to any out", f"out em0 {UDP}", f"in em0 {UDP}"),
    ("allow ip from any to any via em0", f"out em0 {UDP}", f"out em01 {UDP}"),
    ("allow ip from any to any not via em0", f"out em1 {UDP}", f"out em0 {UDP}"),
    ("allow ip from any to any via em*", f"out em1 {UDP}", f"out tun0 {UDP}"),
    ("allow ip from any to any xmit em0", f"out em0 {UDP}", f"in em0 {UDP}"),
    ("allow ip from any to any recv em0", f"in em0 {UDP}", f"out em0 {UDP}"),
    ("allow ip from any to any { via em0 or via em1 }", f"out em1 {UDP}", f"out em2 {UDP}"),
    ("allow ip from any to any { via em0 or not in }", f"out em1 {UDP}", f"in em2 {UDP}"),
    ("allow tcp from any to any established", f"in em0 {TCP} flags=SA", f"in em0 {TCP} flags=S"),
    ("allow tcp from any to any established", f"in em0 {TCP} flags=F", f"in em0 {TCP} flags=SF"),  # as the kernel has it
    ("allow tcp from any to any setup", f"in em0 {TCP} flags=S", f"in em0 {TCP} flags=SA"),
    ("allow tcp from any to any tcpflags ack,!syn", f"in em0 {TCP} flags=A", f"in em0 {TCP} flags=SA"),
    ("allow tcp from any to any tcpflags ack", f"in em0 {TCP} flags=A", f"in em0 {TCP} flags=A frag=1480"),
    ("allow ip from any to any frag", f"in em0 {SIX} frag=1240+", f"in em0 {SIX} frag=0+"),
    ("allow ip from any to any ext6hdr frag", f"in em0 {SIX} frag=0+", f"in em0 {UDP} frag=1480"),
    ("allow icmp from any to any icmptypes 0,3", "in em0 icmp 192.0.2.1 > 192.0.2.2 type=3",
     "in em0 icmp 192.0.2.1 > 192.0.2.2 type=8"),
    ("allow ipv6-icmp from any to any icmp6types 135", "in em0 icmp6 fe80::1 > fe80::2 type=135 code=7",
     "in em0 icmp6 fe80::1 > fe80::2 type=136"),
    ("allow ip from any to any ipversion 4", f"in em0 {UDP}", f"in em0 {SIX}"),
    ("allow ip from any to any uid 501", f"out em0 {UDP} uid=501", f"out em0 {UDP} uid=0 gid=20"),
    ("allow ip from any to any uid somebody", f"out em0 {UDP} uid=501", f"out em0 {UDP}"),
    ("allow ip from any to any gid 777", f"in em0 {UDP} uid=0 gid=777", f"in em0 {UDP} uid=777 gid=20"),
    ("allow ip from any to any not gid 20", f"in em0 {UDP}", f"in em0 {UDP} uid=0 gid=20"),
    ("allow ip from any to any uid 0", f"out em0 {TCP} uid=0", "out em0 icmp 192.0.2.1 > 192.0.2.2 type=8"),
    ("allow udp from any to any uid 0", f"out em0 {UDP} frag=0+ uid=0", f"out em0 {UDP} frag=1480 uid=0"),
    ("allow ip6 from any to any", "in em0 47 fe80::1 > fe80::2", "in em0 99 fe80::1 > fe80::2"),
    ("allow ip from any to any", f"in em0 {TCP} frag=16", f"in em0 {TCP} frag=8"),
    ("allow ip from any to any", f"in em0 {TCP} frag=0+ len=20", f"in em0 {TCP} frag=0+ len=19"),
]


@pytest.mark.parametrize("rule, good, bad", MATCHES)
def test_what_matches(rule, good, bad):
    assert passes(rule, good)
    assert bad is None or not passes(rule, bad)


REFUSED = [
    "allow ip from any", "allow from any to any", "permitted ip from any to any", "allow ip from any to any lo",
    "allow ip from any to any via", "allow ip from any 53 to any", "allow ip from 10.0.0.0/33 to any",
    "allow ip from 10.0.0.0/8,fe80::/10 to any", f"allow ip from {BIG} to any", "allow ip from not any to any",
    "allow ip from ::/0 to any", "allow ip from 0.0.0.0/0 to any", "allow udp from any to any 70000",
    "allow udp from any to any 9-8", "allow icmp from any to any icmptypes 0-8", "allow icmp from any to any icmptypes 32",
    "allow ip from any to any { via em0 via em1 }", "allow ip from any to any { via em0 or", "allow ip from any to any { }",
    "allow ip from any to any { { via em0 } }", "allow ip from any to any via em0 or via em1",
    "allow tcp from any to any tcpflags new", "allow ip from any to any gid 778", "allow ip from any to any uid nobody7",
    "unreach nowhere ip from any to any", "unreach6 filter-prohib ip from any to any", "count tag 0 ip from any to any",
    "allow ip from any to any ext6hdr esp6", "allow ip from any to any keep-state in", "check-state",
    "pipe ip from any to any",
    "allow ip from any to any // " + "x" * 81, "allow ip from any to any via 10.0.0.1",
    "allow ip from any to any { " + " or ".join(f"via interface{n:04}" for n in range(50)) + " }",
]


@pytest.mark.parametrize("rule", REFUSED)
def test_what_is_refused(rule):
    with pytest.raises(Refused):
        parse_rule(f"add 1 {rule}", machine())


@pytest.mark.parametrize("start", ["add 65535", "add 1 set 32", "add 1 set x", "sub 1"])
def test_what_is_no_rule(start):
    with pytest.raises(Refused):
        Firewall(machine()).command(f"{start} allow ip from any to any")
    Firewall(machine()).command("add 65534 set 31 allow ip from any to any")


def test_first_match_by_number_then_insertion():
    both = ["add 2 allow ip from any to any", "add 1 deny udp from any to any"]
    assert not passes(both, f"in em0 {UDP}") and passes(both, f"in em0 {TCP}")
    assert passes(["add 5 allow ip from any to any", "add 5 deny ip from any to any"], f"in em0 {UDP}")
    assert not passes(["add deny udp from any to any", "add allow ip from any to any"], f"in em0 {UDP}", "allow")


def test_default_rule():
    assert passes([], f"in em0 {UDP}", "allow") and not passes([], f"in em0 {UDP}", "deny")


def test_no_condition():
    """`via any` is not a condition, and neither is `not via any`."""
    assert passes("allow ip from any to any not via any", f"in em0 {UDP}")


def test_recv_on_the_way_out():
    rule = "allow ip from any to any out recv *"
    assert passes(rule, f"out em0 {UDP}", received="em1") and not passes(rule, f"out em0 {UDP}")
    assert not passes(rule, f"in em0 {UDP}")


def test_recv_of_the_kernels_own_reports():
    """The kernel's own multicast reports have the loopback as `recv`; a forwarded packet has another link."""
    rule = "allow ip from any to any out recv * not recv lo0"
    assert passes(rule, f"out em0 {UDP}", received="em1")
    assert not passes(rule, f"out em0 {UDP}", received="lo0") and not passes(rule, f"out em0 {UDP}")


UNKNOWN6 = "99 fe80::1 > fe80::2"


def test_headers_of_ipv6_that_ipfw_does_not_know():
    """As the kernel was observed to decide: it does not look at what follows the header of a later fragment, and
    evaluates the rules."""
    for text, verdict in ((f"in em0 {UNKNOWN6}", False), (f"in em0 {UNKNOWN6} frag=0+", False),
                          (f"in em0 {UNKNOWN6} frag=1240", True), (f"in em0 {UNKNOWN6} frag=1240+", True)):
        assert passes("allow ip from any to any", text) == verdict, text
    assert not passes("deny ip from any to any", f"in em0 {UNKNOWN6} frag=1240")
    filter_ = Firewall(machine(), "allow")
    routed = parse_packet(f"in em0 {SIX}").replace(headers=(43,))
    for routing, verdict in ((0, True), (1, False), (2, True), (3, False), (4, False)):
        assert filter_.check(routed.replace(routing=routing)).passes == verdict, routing
    assert not filter_.check(routed.replace(headers=(99,), frag=(1240, False))).passes, "before the fragment's header"


def with_a_state():
    filter_ = Firewall(machine(), "deny")
    filter_.command("add 7 set 3 allow tcp from any to any out keep-state")
    assert filter_.check(parse_packet(f"out em0 {TCP} flags=S")).passes
    return filter_


def test_dynamic_states():
    answer = parse_packet("in em0 tcp 192.0.2.2:2000 > 192.0.2.1:1000 flags=SA")
    filter_ = with_a_state()
    assert filter_.check(answer).passes and len(filter_.keepalives()) == 1
    assert not filter_.check(answer.replace(sport=2001)).passes
    filter_.command("add 1 deny ip from any to any")
    assert not filter_.check(answer).passes and filter_.keepalives(), "no rule stops a keepalive"
    filter_.command("set disable 3")
    assert filter_.keepalives(), "nor does a disabled set"
    filter_.forget(8, 65534)
    assert filter_.keepalives()
    filter_.forget(1, 65534)
    assert not filter_.keepalives() and len(filter_.rules) == 2, "no rule is deleted"
    filter_ = with_a_state()
    filter_.command("delete 7")
    assert not filter_.keepalives(), "a state goes with its rule"


def test_what_leaves_a_pipe():
    assert passes("pipe 1 ip from any to any", f"out em0 {UDP}")


def test_supplementary_group():
    rule = "allow udp from any to any gid 777"
    packet = f"out em0 {UDP} uid=501 gid=20"
    assert passes(rule, packet, groups=(777,)) and not passes(rule, packet, groups=(778,))


def test_tags():
    rules = ["count tag 7 udp from any 1000 to any", "allow ip from any to any tagged 7"]
    assert passes(rules, f"in em0 {UDP}") and not passes(rules, "in em0 udp 192.0.2.1:1001 > 192.0.2.2:1000")


def test_reass():
    """According to the page, with one_pass (the default) a reassembled datagram passes without meeting another rule, so
    no rule of ours reassembles."""
    rules = ["reass ip from any to any in", "allow tcp from any to any"]
    for one_pass, wanted in ((True, True), (False, False)):
        filter_ = Firewall(machine(), "deny", one_pass)
        for rule in rules:
            filter_.command(f"add 1 {rule}")
        assert not filter_.check(parse_packet(f"in em0 {UDP} frag=0+ len=1480")).passes, "it is held"
        assert filter_.check(parse_packet(f"in em0 {UDP} frag=1480 len=9")).passes == wanted
        assert filter_.check(parse_packet(f"in em0 {TCP} flags=S")).passes, "whole ones go on"


def test_sets():
    filter_ = Firewall(machine(), "deny")
    packet = parse_packet(f"in em0 {UDP}")
    filter_.command("set disable 5")
    filter_.command("add 1 set 5 allow ip from any to any")
    assert not filter_.check(packet).passes
    filter_.command("set disable 6 enable 5")
    assert filter_.check(packet).passes
    filter_.command("add 1 set 6 deny ip from any to any")
    filter_.command("set swap 5 6")
    assert not filter_.check(packet).passes and [rule.set for rule in filter_.rules] == [6, 5]
    filter_.command("set move 5 to 6")
    assert filter_.disabled == {6} and {rule.set for rule in filter_.rules} == {6}
    filter_.command("set enable 6")
    assert filter_.check(packet).passes
    filter_.command("delete set 6")
    assert not filter_.check(packet).passes and not filter_.rules
    filter_.command("set disable 31")
    filter_.command("add 1 set 31 allow ip from any to any")
    filter_.command("add 2 set 1 allow ip from any to any")
    filter_.command("flush")
    assert filter_.check(packet).passes and len(filter_.rules) == 1, "set 31 is neither switched off nor flushed"
    for line in ("set", "set 5", "set disable x", "set swap 5", "set swap 5 31", "set move 5 6", "set off 1"):
        with pytest.raises(Refused):
            filter_.command(line)


def test_a_file_ends_where_it_is_refused():
    filter_ = Firewall(machine(), "deny")
    with pytest.raises(Refused, match="line 3"):
        filter_.load("# a remark\nadd 1 allow udp from any to any # another\nadd 1 nothing\nadd 1 allow ip from any to any")
    assert len(filter_.rules) == 1
    with pytest.raises(Refused, match="too long"):
        filter_.load("add 1 allow ip from any to any // " + " " * 4096)
