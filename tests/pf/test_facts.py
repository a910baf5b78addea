"""What was observed of Apple's pf in addition to the recorded packets, and what it means for our rules: where our
anchor is called, translation, owners, fragments, states, loading. Each fact has its control."""
import pytest
from evaluator import APPLE, BOTH, FREEBSD, Pf, PfError
from machine import ANCHOR, FALLBACK, MACHINE, RULESETS, gate, main_rules, ours, packets, policy_print, reference
from packet import parse_packet

SSH_IN = "in en0 tcp 198.51.100.9:4000 > 192.168.1.23:22 flags=S"
WEB_OUT = "out en0 tcp 192.168.1.23:51003 > 198.51.100.9:443 flags=S uid=0"
HOLE = "out en0 udp 192.168.1.23:50000 > 203.0.113.7:1194 uid=0 gid=777"
STOCK = reference("main").replace('scrub-anchor "org.portcullis"', "").replace('anchor "org.portcullis"', "")


def ask(pf, *texts):
    return [pf.verdict(parse_packet(text)) for text in texts]


def others(main, anchor_text, child="com.apple/250.ApplicationFirewall", dialect=APPLE):
    """A locked gate, with somebody else's rules in com.apple."""
    pf = gate(ours("locked"), main, dialect)
    pf.load_anchor(child, anchor_text)
    return pf


# --- where our anchor is called

def test_behind_a_pass_quick_nobody_asks_us():
    behind = reference("main").replace('\nanchor "com.apple/*"', "").replace(
        '\nanchor "org.portcullis"', '\nanchor "com.apple/*"\nanchor "org.portcullis"')
    assert ask(others(behind, "pass quick all"), WEB_OUT) == ["pass"]
    assert ask(others(behind, "pass all"), WEB_OUT) == ["block"]
    assert ask(others(main_rules(standing=behind), "pass quick all"), WEB_OUT, SSH_IN) == ["block"] * 2


def test_in_front_quick_is_needed():
    pf = others(main_rules(), "pass all")
    pf.load_anchor(ANCHOR, ours("locked").replace("quick all", "all"))
    assert ask(pf, WEB_OUT, SSH_IN) == ["pass"] * 2
    pf.load_anchor(ANCHOR, ours("locked"))
    assert pf.kill_states() == 2
    assert ask(pf, WEB_OUT, SSH_IN) == ["block"] * 2


def test_what_opens_everything():
    """Each of these opens pf, and the anchor shows none of them but the last, so the health check must look for all."""
    pf = gate(ours("locked"), main_rules())
    assert ask(pf, WEB_OUT) == ["block"]
    pf.enabled = False
    assert ask(pf, WEB_OUT) == ["pass"]
    pf.enabled = True
    pf.flush_main()
    assert ask(pf, WEB_OUT) == ["pass"]
    pf.load_main(STOCK)
    assert ask(pf, WEB_OUT) == ["pass"]
    pf.load_main("set skip on en0\n" + main_rules())
    assert ask(pf, WEB_OUT, WEB_OUT.replace("en0", "en1")) == ["pass", "block"]
    pf.load_main(main_rules(standing="set skip on en0\n" + STOCK))
    assert ask(pf, WEB_OUT) == ["block"]
    pf.flush_anchor(ANCHOR)
    assert ask(pf, WEB_OUT) == ["pass"]


def test_without_its_scrub_anchor_fragments_are_dropped():
    last = "in en0 udp 203.0.113.7:1194 > 192.168.1.23:50000 frag=1480 len=200 uid=0 gid=777"
    first = last.replace("frag=1480 len=200", "frag=0+ len=1472")
    assert ask(gate(ours("open"), main_rules()), first, last) == ["block", "pass"]
    assert ask(gate(ours("open"), reference("main").replace('scrub-anchor "org', '#')), first, last) == ["block"] * 2
    assert ask(gate(ours("open"), main_rules(FREEBSD, ""), FREEBSD), first, last) == ["block", "pass"]
    only_the_anchor = 'nat-anchor "org.portcullis"\nrdr-anchor "org.portcullis"\nanchor "org.portcullis"\n'
    assert ask(gate(ours("open"), only_the_anchor, FREEBSD), first, last) == ["block"] * 2


@pytest.mark.parametrize("name", RULESETS)
def test_the_fallback_needs_no_line_of_ours(name):
    """Apple's stock main rules, with our text in a child of com.apple, give the same verdicts."""
    pf, wanted = gate(ours(name), STOCK, anchor=FALLBACK), gate(ours(name), main_rules())
    pf.load_anchor("com.apple/250.ApplicationFirewall", "pass quick all")
    assert [pf.verdict(line.step) for line in packets(name)] == [wanted.verdict(line.step) for line in packets(name)]


def test_the_fallback_comes_in_the_order_of_names():
    pf = gate(ours("locked"), STOCK, anchor=FALLBACK)
    assert ask(pf, WEB_OUT) == ["block"]
    pf.load_anchor("com.apple/.a", "pass quick all")
    assert ask(pf, WEB_OUT) == ["pass"]


# --- translation: `pass` in a translation rule skips every filter rule

RDR = "rdr pass on en0 inet proto tcp from any to 192.168.1.23 port 22 -> 127.0.0.1 port 22"
NAT = "nat pass on en0 inet from 192.168.77.0/24 to any -> 192.168.1.23"
FORWARDED = "out en0 tcp 192.168.77.9:6000 > 8.8.8.8:443 flags=S"


def test_translation_that_passes_is_stopped():
    """Others' translation rules with `pass` do not skip our rules any more: neither for packets to a local service, nor
    for packets that are forwarded out of a physical link."""
    both = NAT + "\n" + RDR
    main = main_rules(standing=STOCK)
    assert ask(others(reference("main"), both), SSH_IN, FORWARDED) == ["pass"] * 2, "the control: the hole is real"
    assert ask(others(main, both), SSH_IN, FORWARDED) == ["block"] * 2
    freebsd = main_rules(FREEBSD, both)
    pf = gate(ours("locked"), freebsd.replace("nat-anchor", "#").replace("rdr-anchor", "#"), FREEBSD)
    assert ask(pf, SSH_IN, FORWARDED) == ["pass"] * 2
    assert ask(gate(ours("locked"), freebsd, FREEBSD), SSH_IN, FORWARDED) == ["block"] * 2


def test_translation_on_a_link_that_nobody_named():
    later = "rdr pass on en7 inet proto tcp from any to any port 22 -> 127.0.0.1"
    packet = "in en7 tcp 198.51.100.9:4000 > 192.168.1.23:22 flags=S"
    assert ask(others(reference("main"), later), packet) == ["pass"]
    assert ask(others(main_rules(), later), packet) == ["block"]


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
def test_binat_passes_everything_on_its_link(dialect):
    """Observed on both kernels: binat is evaluated before any nat or rdr, also before ours. The composed main rules
    leave it out."""
    binat = "binat pass on en0 inet from 192.168.1.23 to any -> 198.51.100.30\n"
    ours_around = main_rules(dialect, "")
    at = ours_around.index("nat-anchor")
    with_binat = ours_around[:at] + binat + ours_around[at:]
    reached = SSH_IN.replace("192.168.1.23", "198.51.100.30")
    assert ask(gate(ours("locked"), with_binat, dialect), WEB_OUT, reached) == ["pass"] * 2, "the control: the hole is real"
    assert ask(gate(ours("locked"), with_binat.replace("binat pass", "binat"), dialect), WEB_OUT, reached) == ["block"] * 2
    composed = main_rules(dialect, with_binat)
    assert "binat" not in composed and composed == ours_around
    assert ask(gate(ours("locked"), composed, dialect), WEB_OUT, reached) == ["block"] * 2


def test_loopback_keeps_its_translation():
    pf = others(main_rules(), "rdr pass on lo0 inet proto udp from any to any port 53 -> 127.0.0.1 port 5354")
    decision = pf.decide(parse_packet("in lo0 udp 127.0.0.1:5000 > 127.0.0.1:53"))
    assert (decision.verdict, decision.reason) == ("pass", "translation passes")


# --- owners

def test_who_may_use_the_hole():
    pf = gate(ours("dialling"), main_rules())
    strangers = [HOLE.replace("gid=777", "gid=20").replace("uid=0", "uid=777"), HOLE.replace(" uid=0 gid=777", "")]
    assert ask(pf, HOLE, HOLE.replace("uid=0", "uid=501"), *strangers) == ["pass", "pass", "block", "block"]


def test_without_a_socket_only_not_equal_matches():
    packet = HOLE.replace(" uid=0 gid=777", "")
    for words, verdict in (("group 777", "block"), ("group > 5", "block"), ("group != 777", "pass"),
                           ("user unknown", "pass"), ("user != 0", "pass"), ("user 0", "block")):
        pf = Pf()
        pf.load_main(f"block all\npass out proto udp all {words} no state")
        assert ask(pf, packet) == [verdict], words


def test_a_group_is_of_tcp_and_udp_only():
    pf = Pf()
    pf.load_main("block all\npass out all group 777 no state")
    assert ask(pf, HOLE, "out en0 icmp 192.168.1.23 > 8.8.8.8 type=8 uid=0 gid=777") == ["pass", "block"]


def test_fragments_ask_nobody():
    """No owner is looked up for a fragment: therefore the rule of the hole has ports, and its fragments are
    reassembled."""
    fragment = "out en0 udp 192.168.1.23:50000 > 203.0.113.7:1194 frag=1480 len=200 uid=501"
    pf = Pf()
    pf.load_main("block all\npass out inet proto udp from any to 203.0.113.7 group 777 no state")
    assert ask(pf, fragment) == ["pass"]
    pf.load_main("block all\npass out inet proto udp from any to 203.0.113.7 port 1194 group 777 no state")
    assert ask(pf, fragment, HOLE) == ["block", "pass"]


# --- states

OUT = "out utun8 tcp 10.8.0.6:51000 > 8.8.8.8:443 flags=S uid=501"
ANSWER = "in utun8 tcp 8.8.8.8:443 > 10.8.0.6:51000 flags=SA"


def test_the_tunnel_answers_by_state_and_the_state_is_bound():
    pf = gate(ours("open"), main_rules())
    rerouted = OUT.replace("utun8", "en0").replace("flags=S", "flags=A")
    assert ask(pf, ANSWER, OUT, ANSWER, rerouted) == ["block", "pass", "pass", "block"]
    assert all(state.if_bound and state.interface == "utun8" for state in pf.states)


def test_a_state_of_the_hole_would_let_anybody_in():
    stranger = HOLE.replace("uid=0 gid=777", "uid=501")
    pf = gate(ours("dialling"), main_rules())
    assert ask(pf, HOLE, stranger) == ["pass", "block"]
    assert pf.states == []
    pf = gate(ours("dialling").replace("group = 777 no state", "group = 777"), main_rules())
    assert ask(pf, HOLE, stranger) == ["pass", "pass"]
    pf.sleep(61)
    assert ask(pf, stranger) == ["block"]


def test_load_first_and_kill_second():
    late = "out utun8 tcp 10.8.0.6:51001 > 8.8.8.8:443 flags=S uid=501"
    pf = gate(ours("open"), main_rules())
    assert ask(pf, OUT) == ["pass"]
    pf.load_anchor(ANCHOR, ours("locked"))
    assert ask(pf, ANSWER) == ["pass"], "a load leaves states alone"
    assert pf.kill_states("utun8") == 1 and ask(pf, ANSWER, OUT) == ["block"] * 2
    pf.load_anchor(ANCHOR, ours("open"))
    assert pf.kill_states("utun8") == 0 and ask(pf, late) == ["pass"]
    pf.load_anchor(ANCHOR, ours("locked"))
    assert ask(pf, late.replace("flags=S", "flags=A")) == ["pass"], "the other order: a state outlives the lock"


def test_states_older_than_the_gate():
    pf = Pf()
    pf.load_main(STOCK)
    pf.load_anchor("com.apple/x", "pass all")
    assert ask(pf, WEB_OUT) == ["pass"]
    pf.load_main(main_rules())
    pf.load_anchor(ANCHOR, ours("locked"))
    later = WEB_OUT.replace("flags=S", "flags=A")
    assert ask(pf, later) == ["pass"]
    assert pf.kill_states("en0") == 0, "-i finds only those that are bound to it"
    assert pf.kill_states() == 1 and ask(pf, later) == ["block"]


def test_another_server_acts_at_once():
    pf = gate(ours("dialling"), main_rules())
    other = HOLE.replace("203.0.113.7", "203.0.113.8")
    assert ask(pf, HOLE, other) == ["pass", "block"]
    pf.load_anchor(ANCHOR, policy_print("pf", *MACHINE, "state=dialling", "remote=203.0.113.8:1194/udp"))
    assert ask(pf, HOLE, other) == ["block", "pass"]


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
def test_what_an_error_quotes_is_looked_at(dialect):
    """Of the packet that an error quotes, pf checks the identifier of an echo, and whether the connection expects the
    segment."""
    pf = gate(ours("open"), main_rules(dialect, None if dialect == APPLE else ""), dialect)
    echo = parse_packet("out utun8 icmp 10.8.0.6 > 8.8.8.8 type=8").replace(ident=7)
    segment = parse_packet(OUT)
    assert pf.verdict(echo) == "pass" and pf.verdict(segment) == "pass"
    error = parse_packet("in utun8 icmp 198.51.100.1 > 10.8.0.6 type=3")
    for quoted, verdict in ((echo, "pass"), (echo.replace(ident=8), "block"), (segment, "pass"),
                            (segment.replace(in_window=False), "block"), (segment.replace(dport=80), "block")):
        assert pf.verdict(error.replace(quoted=quoted)) == verdict, quoted
    assert pf.verdict(parse_packet("in utun8 icmp 8.8.8.8 > 10.8.0.6 type=0").replace(ident=8)) == "block"
    assert pf.verdict(parse_packet("in utun8 icmp 8.8.8.8 > 10.8.0.6 type=0").replace(ident=7)) == "pass"


# --- where FreeBSD's kernel was observed to decide differently from Apple's

def both(name, *packets_):
    return [[str(gate(ours(name), main_rules(dialect, standing), dialect).verdict(packet)) for packet in packets_]
            for dialect, standing in ((APPLE, None), (FREEBSD, ""))]


def test_freebsd_takes_an_atomic_fragment_for_a_whole_packet():
    packet = parse_packet("in en0 udp [fe80::1]:547 > [fe80::aaaa:1]:546 frag=0")
    assert both("open-lan", packet) == [["block"], ["pass"]]
    assert both("open", packet.replace(sport=548)) == [["block"], ["block"]], "and judges it"


def test_freebsd_passes_no_routing_header_of_type_0():
    packet = parse_packet("in lo0 udp [::1]:5 > [::1]:6").replace(headers=(43,))
    assert both("locked", packet, packet.replace(routing=2)) == [["pass", "pass"], ["block", "pass"]]


def test_freebsd_drops_syn_with_fin_where_fragments_are_put_together():
    packet = parse_packet("in en0 tcp 192.168.1.9:5 > 192.168.1.23:22 flags=SF")
    assert both("open-lan", packet) == [["pass"], ["block"]]


def test_freebsd_cuts_fragments_that_overlap():
    first = parse_packet("in en0 udp 203.0.113.7:1194 > 192.168.1.23:50000 frag=0+ len=1472 uid=0 gid=777")
    last, hole = first.replace(frag=(1400, False), len=300), first.replace(frag=(1488, False), len=300)
    for dialect, standing, verdict in ((APPLE, None, "block"), (FREEBSD, "", "pass")):
        pf = gate(ours("open"), main_rules(dialect, standing), dialect)
        assert [pf.verdict(first), pf.verdict(hole), pf.verdict(last)] == ["block", "block", verdict]
        stranger = [packet.replace(uid=501, gid=20, dport=50001) for packet in (first, last)]
        assert [pf.verdict(packet) for packet in stranger] == ["block"] * 2, "the whole of it is judged"


def test_freebsd_lets_fragments_of_ipv6_out_by_the_tunnel():
    six, four = (parse_packet(f"out utun8 tcp {ends} flags=A frag=1480 len=200")
                 for ends in ("[fd00:8::6]:5 > [2001:db8:9::1]:443", "10.8.0.6:5 > 8.8.8.8:443"))
    assert both("open", six, four) == [["block", "block"], ["pass", "block"]]
    assert both("open", six.replace(interface="en0")) == [["block"], ["block"]]


def test_freebsds_raw_socket_has_an_owner():
    """dhclient's renewal: on FreeBSD its packet has the owner of the raw socket; on Apple no socket is found for it."""
    renewal = parse_packet("out en0 udp 192.168.1.23:68 > 192.168.1.1:67 uid=0")
    assert both("locked", renewal, renewal.replace(uid=None, gid=None)) == [["pass", "block"]] * 2


# --- situations that no recording has

def test_an_endpoint_of_ipv6():
    text = policy_print("pf", *MACHINE, "state=open", "remote=[2001:db8:7::7]:443/tcp", "address=fd00:8::6")
    Pf(BOTH).load_anchor(ANCHOR, text)
    pf = gate(text, main_rules())
    hole = "out en0 tcp [2001:db8:1::23]:50000 > [2001:db8:7::7]:443 flags=S uid=0 gid=777"
    answer = "in en0 tcp [2001:db8:7::7]:443 > [2001:db8:1::23]:50000 flags=SA uid=0 gid=777"
    assert ask(pf, hole, answer) == ["pass"] * 2
    assert ask(pf, hole.replace("2001:db8:1::23", "fd00:8::6"), answer.replace("2001:db8:1::23", "fd00:8::6"),
               hole.replace(" uid=0 gid=777", "")) == ["block"] * 3


def test_the_resolver_is_the_drivers():
    text = policy_print("pf", *MACHINE, "state=dialling", "remote=203.0.113.7:1194/udp", "resolver=192.0.2.53")
    Pf(BOTH).load_anchor(ANCHOR, text)
    pf = gate(text, main_rules())
    question = "out en0 tcp 192.168.1.23:50001 > 192.0.2.53:853 flags=S uid=778"
    assert ask(pf, question, question.replace("778", "501"), question.replace(":853", ":53")) == ["pass", "block", "block"]
    assert ask(gate(ours("dialling"), main_rules()), question) == ["block"]


def test_without_known_links_the_tunnel_is_still_none():
    text = policy_print("pf", "group=777", "user=778", "tunnel=utun8", "state=dialling", "remote=203.0.113.7:1194/udp")
    pf = gate(text, main_rules())
    assert ask(pf, HOLE, HOLE.replace("en0", "en9"), HOLE.replace("en0", "utun8")) == ["pass", "pass", "block"]


def test_options_and_headers():
    """A packet with IP options or a routing header is stopped whatever row it fits, except on loopback. Other extension
    headers are skipped, and do not hide what follows them."""
    pf = gate(ours("locked"), main_rules())
    advertisement = parse_packet("in en0 icmp6 fe80::1 > fe80::aaaa:1 type=136")
    assert pf.verdict(advertisement.replace(headers=(0,))) == "pass"
    assert pf.verdict(advertisement.replace(headers=(43,))) == "block"
    assert pf.verdict(advertisement.replace(headers=(44,))) == "block"
    assert ask(pf, "in en0 udp 192.168.1.1:67 > 192.168.1.23:68", "in en0 udp 192.168.1.1:67 > 192.168.1.23:68 ipopt",
               "out lo0 igmp 127.0.0.1 > 224.0.0.22 ipopt") == ["pass", "block", "pass"]


def test_errors_in_the_tunnel_belong_to_what_went_out():
    pf = gate(ours("open"), main_rules())
    error = parse_packet("in utun8 icmp 9.9.9.9 > 10.8.0.6 type=3 code=4").replace(quoted=parse_packet(OUT))
    assert pf.verdict(error) == "block"
    assert ask(pf, OUT) == ["pass"]
    assert pf.verdict(error) == "pass"
    assert pf.verdict(error.replace(interface="en0")) == "block"


# --- names

def test_apple_compares_whole_names():
    packet = "out utun8 udp 10.8.0.6:5 > 8.8.8.8:123"
    for dialect, verdict in ((APPLE, "block"), (FREEBSD, "pass")):
        pf = Pf(dialect)
        pf.load_main("block all\npass out on utun all")
        assert ask(pf, packet) == [verdict]


def test_apples_tables_leave_none_out():
    for dialect, verdict in ((APPLE, "block"), (FREEBSD, "pass")):
        pf = Pf(dialect)
        pf.load_main("table <a> const { ::, fe80::/10, !fe80::9 }\nblock all\npass out inet6 from <a> to any no state")
        assert ask(pf, "out en0 59 :: > ff02::1", "out en0 59 fe80::1 > ff02::1",
                   "out en0 59 fe80::9 > ff02::1") == [verdict, "pass", "block"]


# --- what is refused, and that nothing changes then

REFUSED = [
    'port = "1194"\npass all port $port', "x = \"en0\"\npass on $y all", "pass quick all\nscrub in all",
    "pass all frobnicate", "pass in from 10.0.0.1 to fe80::1", "pass proto tcp all group nobody_knows",
    "pass proto icmp all port 5", "pass inet proto tcp all icmp-type 8", "block all keep state", "block all allow-opts",
    "match in all", "pass out on { en0, en1 all", "pass all \"open", "set skip on", "table <a> { no-address-at-all! }",
    "pass inet6 proto icmp all", "pass proto icmp6 all icmp6-type 135", "pass all no state no", "nat on en0 all",
    "no nat on en0 all -> 10.0.0.1", "pass out from any to (en0:network)", "pass all probability 50%", "include \"x\"",
    "load anchor \"x\" from \"/nowhere\"", "pass user 0 user 1 all", "pass all\nset skip on lo0",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_refused_text_changes_nothing(text):
    pf = gate(ours("locked"), main_rules())
    assert ask(pf, WEB_OUT) == ["block"]
    for load in (pf.load_main, lambda bad: pf.load_anchor(ANCHOR, bad)):
        if text.startswith("load") and load != pf.load_main:
            continue
        with pytest.raises(PfError):
            load(text)
    assert ask(pf, WEB_OUT) == ["block"]


@pytest.mark.parametrize("text, dialects", [
    ('scrub-anchor "a"', [APPLE]), ('dummynet-anchor "a"', [APPLE]),
    ("pass inet6 proto icmp6 all icmp6-type neighbrsol no state", [APPLE, FREEBSD]),
    ("pass inet6 proto icmp6 all icmp6-type 135 no state", [APPLE, FREEBSD, BOTH]),
    ("pass proto udp to any port domain", [APPLE, FREEBSD]), ("table <a> { :: }", [APPLE, FREEBSD]),
    ("pass from <a>", [APPLE, FREEBSD]), ("no nat on ! lo0 all\nno rdr on ! lo0 all", [APPLE, FREEBSD, BOTH]),
])
def test_what_both_grammars_take(text, dialects):
    for dialect in (APPLE, FREEBSD, BOTH):
        if dialect in dialects:
            Pf(dialect).load_main(text)
        else:
            with pytest.raises(PfError):
                Pf(dialect).load_main(text)


def test_anchors_of_anchors():
    pf = Pf(read_file=lambda path: {"/a": "pass quick proto udp all"}[path])
    pf.load_main('anchor "a" {\n\tblock quick proto tcp all\n\tanchor "b"\n}\nblock all\nanchor "c" quick\npass all\n'
                 'load anchor "c" from "/a"')
    assert ask(pf, WEB_OUT, HOLE, "out en0 esp 192.168.1.23 > 8.8.8.8") == ["block", "pass", "pass"]
    pf.load_anchor("a/b", "block quick all")
    pf.kill_states()
    assert ask(pf, "out en0 esp 192.168.1.23 > 8.8.8.8") == ["block"]
