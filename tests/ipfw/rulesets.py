"""The situations of these tests, their rules as text, and packets with the wanted verdicts."""
import collections
import itertools
import os
import re
import subprocess

from evaluator import Firewall
from packet import World, parse_packet

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("PORTCULLIS_BUILD", os.path.join(TOP, "build"))

COMMON = "group=777 user=778 neighbour=2001:db8:1::/64 link=em0 link=em1"
TUNNEL = "tunnel=tun0 address=10.8.0.6 address=fd00:8::6"
NETWORKS = "network=10.8.0.0/24 network=fd00:8::/64"
REMOTE = "remote=203.0.113.7:1194/udp"
SITUATIONS = {
    "L": "state=locked",
    "D": f"state=dialling {REMOTE} resolver=192.0.2.53",
    "O": f"state=open {REMOTE} {TUNNEL} {NETWORKS} dhcp_user=65",
    "K": "state=locked lan=true",
    "A": f"state=dialling remote=[2001:db8:7::7]:443/tcp {TUNNEL} lan=true",
    "P": f"state=open {REMOTE} {TUNNEL} {NETWORKS} lan=true",
}
Case = collections.namedtuple("Case", "number text wanted packet received groups")


def machine():
    world = World(users={"root": 0, "_dhcp": 65, "_portcullis": 778, "somebody": 501},
                  groups={"wheel": 0, "staff": 20, "_openvpn": 777})
    world.add("lo0", "127.0.0.1/8", "::1/128")
    world.add("em0", "192.168.1.23/24", "2001:db8:1::23/64", "fe80::aaaa:1/64")
    world.add("em1", "192.168.77.5/24", "fe80::aaaa:2/64")
    return world.add("tun0", "10.8.0.6/24", "fd00:8::6/64", "fe80::aaaa:8/64")


def print_rules(situation, backend="ipfw"):
    """What the product prints for a situation, which is given as arguments of `build/test/policy_print`."""
    return subprocess.run([f"{BUILD}/test/policy_print", backend, *situation.split()], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def firewall(text, default="allow"):
    return Firewall(machine(), default).load(text)


def neighbours():
    """The packets of row 7 itself: from each member of its list to each, in both directions; they always pass."""
    members = ("::", "fe80::9", "2001:db8:1::9", "ff02::1", "ff02::1:ff00:9")
    for direction, kind, source, destination in itertools.product(("in", "out"), (135, 136), members, members):
        text = f"{direction} em0 icmp6 {source} > {destination} type={kind} ttl=255"
        yield Case(0, text, dict.fromkeys(SITUATIONS, "p"), parse_packet(text), None, ())


def read_cases():
    cases = list(neighbours())
    with open(f"{HERE}/packets", encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            wanted, _, packet = text.partition(" ")
            packet, _, received = packet.partition(" via ")
            groups = re.search(r" groups=(\d+)", packet)
            assert re.fullmatch(f"[pb]{{{len(SITUATIONS)}}}", wanted), f"line {number}: no verdicts"
            cases.append(Case(number, text, dict(zip(SITUATIONS, wanted)),
                              parse_packet(re.sub(r" groups=\d+", "", packet)), received or None,
                              (int(groups[1]),) if groups else ()))
    return cases


def verdict(filter_, case):
    return "p" if filter_.check(case.packet, case.received, case.groups).passes else "b"
