"""pf and ipfw, by their evaluators, as filters that judge one probe after another."""
import os
import subprocess

import ipfw_evaluator
import pf_evaluator
from packet import TCP, World

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PORTCULLIS_BUILD", os.path.join(TOP, "build"))
FIRST, SECOND = 1480, 200  # bytes of a datagram's two pieces


def printed(backend, *words, stdin=""):
    return subprocess.run([f"{BUILD}/test/policy_print", backend, *words], check=True, text=True, input=stdin,
                          stdout=subprocess.PIPE).stdout


def rules(backend, situation):
    return printed(backend, *situation.words())


def machine():
    world = World(users={"root": 0, "_dhcp": 65, "_portcullis": 778, "somebody": 501}, groups={"_openvpn": 777, "staff": 20})
    world.add("lo0", "127.0.0.1/8", "::1/128")
    world.add("em0", "192.168.1.23/24", "2001:db8:1::23/64", "fe80::aaaa:1/64")
    world.add("em1", "192.168.77.5/24", "fe80::aaaa:2/64")
    world.add("em2", "192.168.78.5/24")
    return world.add("tun0", "10.8.0.6/24", "fd00:8::6/64", "fe80::aaaa:8/64")


def pieces_of(packet):
    header = 20 if packet.proto == TCP else 8
    return [packet.replace(frag=(0, True), len=FIRST - header), packet.replace(frag=(FIRST, False), len=SECOND)]


class Pf:
    """Our text in the anchor, and main rules that are composed from Apple's and call it."""

    def __init__(self, text):
        with open(f"{TOP}/tests/golden/pf_main/stock.in", encoding="utf-8") as file:
            main = printed("pf-main", "apple", stdin=file.read())
        self.pf = pf_evaluator.Pf(pf_evaluator.APPLE, machine(), read_file=lambda path: "")
        self.pf.load_main(main)
        self.pf.load_anchor("org.portcullis", text)

    def verdict(self, probe):
        packet = probe.packet.replace(quoted=probe.quoted)
        if probe.received:
            entering = packet.replace(direction="in", interface=probe.received)
            if self.pf.verdict(entering) == "block":
                return "block"
        if probe.pieces:
            return [self.pf.verdict(piece) for piece in pieces_of(packet)][-1]
        return self.pf.verdict(packet)


class Ipfw:
    """Our set, followed by the rules of an open machine."""

    def __init__(self, text):
        self.firewall = ipfw_evaluator.Firewall(machine(), "allow").load(text)
        self.firewall.command("add 100 allow ip from any to any via lo0")
        self.firewall.command("add 65000 allow ip from any to any")

    def verdict(self, probe):
        packet = probe.packet
        asked = [packet]
        if probe.pieces:
            asked = pieces_of(packet)
        if probe.received:
            if not self.firewall.check(packet.replace(direction="in", interface=probe.received)).passes:
                return "block"
        return "pass" if all(self.firewall.check(each, probe.received).passes for each in asked) else "block"


FILTERS = {"pf": Pf, "ipfw": Ipfw}
