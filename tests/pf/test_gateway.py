"""A gateway's rules, judged by the evaluator: what a client sends goes into the tunnel, translated, or nowhere."""
import ipaddress

import pytest
from evaluator import APPLE, FREEBSD
from machine import MACHINE, SERVER, TUNNEL, gate, main_rules, policy_print
from packet import parse_packet

STATES = {"locked": ["state=locked"], "dialling": ["state=dialling", *SERVER, "address=10.8.0.6"],
          "open": ["state=open", *SERVER, *TUNNEL], "open-lan": ["state=open", "lan=true", *SERVER, *TUNNEL],
          "open-v4": ["state=open", *SERVER, "address=10.8.0.6", "network=10.8.0.0/24"]}
CLIENTS = ["udp 10.60.0.11:5000 > 198.51.100.9:53", "tcp 10.60.0.11:5000 > 198.51.100.9:443 flags=S",
           "udp [fd00:60::11]:5000 > [2001:db8:80::80]:443", "icmp 10.60.0.11 > 198.51.100.9 type=8",
           "udp 10.60.0.11:68 > 192.168.1.1:67", "udp 10.60.0.11:5000 > 203.0.113.7:1194",
           "icmp6 fd00:60::11 > 2001:db8:1::9 type=135 ttl=255", "udp 10.60.0.11:5000 > 10.8.0.1:53",
           "udp 10.60.0.11:5000 > 192.168.1.1:5000"]
OUTSIDE = ("en0", "en1")


def pf_for(state, dialect=APPLE, lan_side=("bridge100", "en7")):
    words = [*MACHINE, "link=bridge100", *STATES[state], *(f"gateway={name}" for name in lan_side)]
    return gate(policy_print("pf", *words), main_rules(dialect, None if dialect == APPLE else ""), dialect)


def forward(pf, text, to, came="bridge100"):
    """Forwards a packet, in by one link and out by another. Returns "block", or the packet as it leaves."""
    entering = parse_packet(f"in {came} {text}")
    return go_on(pf, entering, to)


def go_on(pf, entering, to, owned=lambda packet: packet):
    """Judges a packet as it enters and as it leaves. `owned` gives it the owner of the socket that has its addresses
    and ports."""
    decision = pf.decide(entering)
    if decision.verdict == "block":
        return "block"
    decision = pf.decide(owned(decision.packet.replace(direction="out", interface=to, tag=decision.tag)))
    return "block" if decision.verdict == "block" else decision.packet


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
@pytest.mark.parametrize("state", STATES)
def test_clients_never_leave_by_another_link(state, dialect):
    """A client's packets do not leave by another link, not even those that a row allows to this machine itself, or
    those for the endpoint."""
    for text in CLIENTS:
        for link in (*OUTSIDE, "en9"):
            assert forward(pf_for(state, dialect), text, link) == "block", (text, link)
        for link in ("bridge100", "en7"):
            assert forward(pf_for(state, dialect), text, link) == "block", "nor from one LAN-side link to another"


def test_control_without_the_tag():
    """The control: without the line that stops tagged packets, the same packets get out wherever a row allows them to
    this machine itself."""
    words = [*MACHINE, *STATES["open-lan"], "gateway=bridge100"]
    text = policy_print("pf", *words)
    without = "\n".join(line for line in text.splitlines() if " tagged " not in line)
    assert without.count("\n") == text.count("\n") - 1 - text.count(" tagged ")
    assert forward(gate(without + "\n"), CLIENTS[-1], "en0") != "block"
    assert forward(gate(text), CLIENTS[-1], "en0") == "block"


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
@pytest.mark.parametrize("state", ["open", "open-lan"])
def test_clients_are_masqueraded_in_the_tunnel(state, dialect):
    pf = pf_for(state, dialect)
    for text in CLIENTS:
        if "type=135" in text:
            continue
        if ":67" in text:
            assert forward(pf, text, "utun8") == "block", "for this machine alone"
            continue
        left = forward(pf, text, "utun8")
        assert left != "block", text
        assert left.src == ipaddress.ip_address("10.8.0.6" if left.version == 4 else "fd00:8::6")
    # The answer comes back by the state, and is forwarded to the LAN side only.
    answer = parse_packet("in utun8 udp 198.51.100.9:53 > 10.8.0.6:5000")
    assert pf.verdict(answer) == "pass"
    assert pf.verdict(parse_packet("out bridge100 udp 198.51.100.9:53 > 10.60.0.11:5000")) == "pass"
    for link in OUTSIDE:
        assert pf.verdict(parse_packet(f"out {link} udp 198.51.100.9:5353 > 10.60.0.11:5000")) == "block"
    assert pf.verdict(parse_packet("in utun8 udp 198.51.100.9:53 > 10.8.0.6:5001")) == "block", "nobody asked"


@pytest.mark.parametrize("state", ["locked", "dialling"])
def test_the_tunnel_is_shut(state):
    for text in CLIENTS:
        assert forward(pf_for(state), text, "utun8") == "block", text


def test_this_machine_is_not_translated():
    pf = pf_for("open")
    assert pf.verdict(parse_packet("out utun8 udp 10.8.0.6:5000 > 198.51.100.9:53 uid=501")) == "pass"
    assert pf.states[-1].mapped == pf.states[-1].near


@pytest.mark.parametrize("dialect", [APPLE, FREEBSD])
def test_a_tunnel_without_ipv6(dialect):
    """A tunnel without IPv6 has no address to put in place of the client's, so nothing goes out: the client's own
    address would tell the VPN who it is."""
    text = policy_print("pf", *MACHINE, *STATES["open-v4"], "gateway=bridge100")
    assert "nat on utun8 inet6" not in text
    main = main_rules(dialect, None if dialect == APPLE else "")
    without = "\n".join(line for line in text.splitlines() if "utun8 inet6 all tagged" not in line) + "\n"
    assert forward(gate(without, main, dialect), CLIENTS[2], "utun8").src == ipaddress.ip_address("fd00:60::11"), "control"
    assert forward(gate(text, main, dialect), CLIENTS[2], "utun8") == "block"
    assert forward(gate(text, main, dialect), CLIENTS[0], "utun8") != "block"
    # This machine's own packet has no tag.
    assert gate(text, main, dialect).verdict(parse_packet("out utun8 udp [fd00:60::1]:5 > [2001:db8:80::80]:5")) == "pass"


WITH_CLIENTS = {
    "pass": ["in udp 0.0.0.0:68 > 255.255.255.255:67", "in udp 10.60.0.11:5000 > 10.60.0.1:53",
             "in tcp 10.60.0.11:5000 > 10.60.0.1:22 flags=S", "in icmp6 :: > ff02::2 type=133 ttl=255",
             "in icmp6 :: > ff02::1:ff00:1 type=135 ttl=255", "in icmp6 fe80::9 > fe80::1 type=136 ttl=255",
             "out udp 10.60.0.1:67 > 255.255.255.255:68", "out udp 10.60.0.1:53 > 10.60.0.11:5000",
             "out icmp6 fe80::1 > ff02::1 type=134 ttl=255", "out icmp6 fe80::1 > ff02::1:ff00:11 type=135 ttl=255",
             "out tcp 10.60.0.1:22 > 10.60.0.11:5000 flags=SA"],
    "block": ["in udp 192.0.2.1:5000 > 10.60.0.1:53", "in udp 10.8.0.9:5000 > 10.60.0.1:53",
              "in udp 10.60.0.11:5000 > 10.8.0.6:53", "in icmp6 fe80::9 > ff02::1 type=134 ttl=255",
              "in icmp6 fe80::9 > fe80::1 type=137 ttl=255", "out icmp6 fe80::1 > fe80::9 type=137 ttl=255",
              "out udp 10.60.0.1:5000 > 10.60.0.11:53", "out udp 10.60.0.1:5000 > 203.0.113.7:1194 uid=0 gid=777",
              "out udp 10.60.0.1:5000 > 198.51.100.9:443", "out udp 10.60.0.1:5000 > 10.8.0.1:443",
              "out udp 10.8.0.6:5000 > 10.60.0.11:443", "in udp 203.0.113.7:1194 > 10.60.0.1:5000 uid=0 gid=777"]}


@pytest.mark.parametrize("state", ["open", "open-lan"])
@pytest.mark.parametrize("verdict", WITH_CLIENTS)
def test_between_this_machine_and_the_lan_side(state, verdict):
    pf = pf_for(state)
    for text in WITH_CLIENTS[verdict]:
        direction, _, rest = text.partition(" ")
        for link in ("bridge100", "en7"):
            assert pf.verdict(parse_packet(f"{direction} {link} {rest}")) == verdict, (text, link)
