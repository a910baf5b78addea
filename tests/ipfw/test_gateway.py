"""A gateway's rules for ipfw: traffic between this machine and the LAN side passes; nothing is forwarded
(docs/security.md)."""
import pytest
from evaluator import Firewall
from packet import parse_packet
from rulesets import COMMON, NETWORKS, REMOTE, TUNNEL, machine, print_rules

STATES = {"locked": "state=locked", "dialling": f"state=dialling {REMOTE}",
          "open": f"state=open {REMOTE} {TUNNEL} {NETWORKS}", "open-lan": f"state=open lan=true {REMOTE} {TUNNEL} {NETWORKS}"}
LAN_SIDE = ("em2", "bridge0")
WANTED = {
    True: ["in udp 0.0.0.0:68 > 255.255.255.255:67", "in udp 10.60.0.11:5000 > 10.60.0.1:53",
           "in tcp 10.60.0.11:5000 > 10.60.0.1:22 flags=S", "in icmp6 :: > ff02::2 type=133",
           "in icmp6 :: > ff02::1:ff00:1 type=135", "in icmp6 fe80::9 > fe80::1 type=136",
           "out udp 10.60.0.1:67 > 255.255.255.255:68", "out udp 10.60.0.1:53 > 10.60.0.11:5000",
           "out icmp6 fe80::1 > ff02::1 type=134", "out tcp 10.60.0.1:22 > 10.60.0.11:5000 flags=SA"],
    False: ["in udp 192.0.2.1:5000 > 10.60.0.1:53", "in icmp6 fe80::9 > ff02::1 type=134",
            "in icmp6 fe80::9 > fe80::1 type=137", "out icmp6 fe80::1 > fe80::9 type=137",
            "out udp 10.60.0.1:5000 > 10.60.0.11:53", "out udp 10.60.0.1:5000 > 203.0.113.7:1194 uid=0 gid=777",
            "out udp 10.60.0.1:5000 > 198.51.100.9:443", "in udp 203.0.113.7:1194 > 10.60.0.1:5000 uid=0 gid=777"]}
OPEN_ONLY = ["in udp 10.8.0.9:5000 > 10.60.0.1:53", "out udp 10.60.0.1:5000 > 10.8.0.1:443",
             "out udp 10.8.0.6:5000 > 10.60.0.11:443", "in udp 10.60.0.11:5000 > 10.8.0.6:53"]


def firewall_for(state, *lan_side):
    world = machine()
    world.add("em2", "10.60.0.1/24", "fd00:60::1/64", "fe80::aaaa:3/64")
    world.add("bridge0", "10.61.0.1/24")
    words = " ".join(f"gateway={name} link={name}" for name in lan_side)
    return Firewall(world, "allow").load(print_rules(f"{STATES[state]} {COMMON} {words}"))


def at(link, text):
    direction, _, rest = text.partition(" ")
    return parse_packet(f"{direction} {link} {rest}")


@pytest.mark.parametrize("lan_side", [LAN_SIDE[:1], LAN_SIDE])
@pytest.mark.parametrize("state", STATES)
def test_between_this_machine_and_the_lan_side(state, lan_side):
    filter_ = firewall_for(state, *lan_side)
    for passes, texts in WANTED.items():
        for text in texts:
            for link in lan_side:
                assert filter_.check(at(link, text)).passes == passes, (link, text)
    if state.startswith("open"):
        for text in OPEN_ONLY:
            assert not filter_.check(at(lan_side[0], text)).passes, text


def test_control_without_a_gateway():
    """The same packets on a link that is not on the LAN side: the rows of the locked machine decide."""
    filter_ = firewall_for("locked")
    assert not any(filter_.check(at("em2", text)).passes for text in WANTED[True] if " tcp " in text or ":53" in text)


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_forwarded(state):
    filter_ = firewall_for(state, *LAN_SIDE)
    for text in ("udp 10.60.0.11:5000 > 198.51.100.9:53", "tcp 10.60.0.11:5000 > 198.51.100.9:443 flags=S",
                 "udp 10.60.0.11:68 > 192.168.1.1:67", "udp 10.60.0.11:5000 > 203.0.113.7:1194"):
        for link in ("em0", "em1", "tun0", "bridge0"):
            assert not filter_.check(parse_packet(f"out {link} {text}"), "em2").passes, (link, text)
    assert filter_.check(parse_packet("out bridge0 udp 10.61.0.1:53 > 10.61.0.9:5000")).passes, "its own, not forwarded"
