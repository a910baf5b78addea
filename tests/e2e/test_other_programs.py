"""Ways in which other programs could get past the rules, tried in every state, with and without the links' chains: does
a packet reach the far end?

    op: eth0 192.168.50.2 ──── r0 opr        tun0 10.8.0.2: a descriptor of this process, as openvpn holds it
        eth1              ──── r1 opr        vc0 192.168.70.1 ──── eth0 opc, a container

The states are set through the nft console: no daemon runs that could repair anything."""
import collections
import contextlib
import fcntl
import os
import re
import socket
import struct

import pytest

from daemon import BUILD
from netns import Namespace, wait_for
from test_firewall import Tool
from wire import Wire, fence
from world import INTERNET4, INTERNET6, NOBODY, send_udp

HOST4, ROUTER4, HOST6, ROUTER6 = "192.168.50.2", "192.168.50.1", "2001:db8:50::2", "2001:db8:50::1"
TUNNEL4, PORT, GROUP, MARK = "10.8.0.2", 5300, 4242, 0x706f7274
TUNSETIFF, IFF_TUN, IFF_NO_PI, SO_MARK, PACKET_QDISC_BYPASS, MPTCP = 0x400454ca, 1, 0x1000, 36, 20, 262

STATES = {
    "locked": ["tunnel none", "endpoint none", "state locked", "assert"],
    "dialling": ["tunnel none", "endpoint 203.0.113.5:1194/udp", "state dialling", "assert"],
    "open": ["endpoint 203.0.113.5:1194/udp", f"tunnel tun0 {TUNNEL4} fd00:8::2 10.8.0.0/24 fd00:8::/64", "state open", "assert"],
    # The tunnel is being left: it is shut, its addresses are still known, and the hole stays until openvpn is reaped.
    "leaving": ["endpoint 203.0.113.5:1194/udp", f"tunnel tun0 {TUNNEL4} fd00:8::2 10.8.0.0/24 fd00:8::/64", "state dialling",
                "assert"],
    "paused's end": ["tunnel none", "endpoint none", "state locked", "assert", "pause 1"],
}


EGRESS = {True: ["lack every_link"], False: ["lack egress"], "one": ["every_link"]}


class Stage:
    """The machine, the far ends of its links, and a container behind it."""

    def __init__(self):
        self.host, self.far, self.guest = Namespace("op"), Namespace("opr"), Namespace("opc")
        self.tun, self.wires, self.tool = None, {}, None

    def start(self):
        for ns in (self.host, self.far, self.guest):
            ns.create()
        self.host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0",
                         "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.all.route_localnet=1",
                         "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0")
        for n in (0, 1):
            self.host.ip(f"link add eth{n} address 02:00:00:00:0{n}:02 type veth peer name r{n} address 02:00:00:00:0{n}:01 netns opr")
            self.far.ip(f"link set r{n} up")
        self.far.ip(f"address add {ROUTER4}/24 dev r0", f"address add {ROUTER6}/64 dev r0 nodad")
        self.host.ip(f"address add {HOST4}/24 dev eth0", f"address add {HOST6}/64 dev eth0 nodad", "link set eth0 up", "link set eth1 up",
                     *[f"neigh replace {address} lladdr 02:00:00:00:00:01 dev eth0 nud permanent" for address in (ROUTER4, ROUTER6)],
                     *[f"route add default via {address} dev eth0 {more}" for address in (ROUTER4, ROUTER6) for more in ("table 100", "metric 2000")])
        self.plug_in()
        self.open_tunnel()
        for n in (0, 1):
            self.wires[f"eth{n}"] = Wire(self.far, f"r{n}")
        return self

    def plug_in(self):
        """Adds the link to the container, with the same addresses each time."""
        self.host.ip("link add vc0 address 02:00:00:00:02:01 type veth peer name eth0 address 02:00:00:00:02:02 netns opc",
                     "address add 192.168.70.1/24 dev vc0", "address add fd70::1/64 dev vc0 nodad", "link set vc0 up",
                     *[f"neigh replace {address} lladdr 02:00:00:00:02:02 dev vc0 nud permanent" for address in ("192.168.70.2", "fd70::2")])
        self.guest.ip("address add 192.168.70.2/24 dev eth0", "address add fd70::2/64 dev eth0 nodad", "link set eth0 up",
                      "route add default via 192.168.70.1", "route add default via fd70::1",
                      *[f"neigh replace {address} lladdr 02:00:00:00:02:01 dev eth0 nud permanent" for address in ("192.168.70.1", "fd70::1")])
        for ns, link, address in ((self.host, "vc0", "fd70::1"), (self.guest, "eth0", "fd70::2")):  # the kernel does this later
            wait_for(lambda ns=ns, link=link: "state UP" in ns.run("ip", "link", "show", "dev", link).stdout, f"{link} up")
            wait_for(lambda ns=ns, address=address: f"local {address}" in ns.run("ip", "-6", "route", "show", "table", "local").stdout,
                     f"{address} its own")

    def open_tunnel(self):
        with self.host.inside():
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        self.host.ip(f"address add {TUNNEL4}/24 dev tun0", "address add fd00:8::2/64 dev tun0 nodad", "link set tun0 up",
                     "route add default dev tun0", "route add default dev tun0 metric 1")
        self.host.run("ip", "-6", "route", "add", "default", "dev", "tun0")

    def close_tunnel(self):
        os.close(self.tun)
        wait_for(lambda: "tun0" not in self.host.links(), "the tunnel gone")

    def index(self, link):
        with self.host.inside():
            return socket.if_nametoindex(link)

    def stop(self):
        for wire in self.wires.values():
            wire.close()
        os.close(self.tun)
        for ns in (self.guest, self.host, self.far):
            ns.destroy()

    def load(self, egress):
        self.tool = Tool(f"{BUILD}/test/nft_console", self.host)
        self.tool.say("links eth0 eth1", *EGRESS[egress])

    def unload(self):
        self.tool.say("remove")
        self.tool.kill()
        self.tool = None

    def into_the_tunnel(self, token):
        found = False
        with contextlib.suppress(BlockingIOError):
            while True:
                found = token in os.read(self.tun, 65536) or found
        return found

    def seen(self, token):
        """How many frames with the token reached the far end of either link."""
        found = 0
        for link, wire in self.wires.items():
            fence(self.host, wire, link)
            found += len(wire.seen(token))
        return found

    def forget(self):
        for wire in self.wires.values():
            wire.frames.clear()
            wire.clear.clear()


@pytest.fixture(scope="module")
def stage():
    made = Stage().start()
    yield made
    made.stop()


# --- what programs do -------------------------------------------------------------------

def plain(token, address=INTERNET4, device=None, port=PORT):
    send_udp(address, port, token, device)


def marked(token, mark=MARK, device="eth0"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        with contextlib.suppress(OSError):
            sock.sendto(token, (INTERNET4, PORT))


def datagram(token, source=HOST4):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(token), 1, 0, 64, 17, 0, socket.inet_aton(source),
                       socket.inet_aton(INTERNET4))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    return head[:10] + struct.pack("!H", total) + head[12:] + struct.pack("!HHHH", 5, PORT, 8 + len(token), 0) + token


def raw(token, family=socket.AF_INET):
    """A raw socket with IP_HDRINCL, bound to the link."""
    body, where = datagram(token), (INTERNET4, 0)
    if family == socket.AF_INET6:
        body = (struct.pack("!IHBB", 6 << 28, 8 + len(token), 17, 64) + socket.inet_pton(family, HOST6)
                + socket.inet_pton(family, INTERNET6) + struct.pack("!HHHH", 5, PORT, 8 + len(token), 0) + token)
        where = (INTERNET6, 0, 0, 0)
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        with contextlib.suppress(OSError):
            sock.sendto(body, where)


def frame(token, mark=0, bypass=False, link="eth0"):
    """A frame from a packet socket."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        if mark:
            sock.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        if bypass:
            sock.setsockopt(263, PACKET_QDISC_BYPASS, 1)
        sock.bind((link, 0))
        with contextlib.suppress(OSError):
            sock.send(b"\x02\0\0\0\0\1" + b"\x02\0\0\0\0\2" + b"\x08\0" + datagram(token))


def mptcp(token):
    """The first packet of an MPTCP connection, bound to the link. It carries no data, so its port is the token."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.bind(("", struct.unpack("!H", token)[0]))
        with contextlib.suppress(OSError):
            sock.connect((INTERNET4, PORT))


def through_a_proxy(token):
    """A marked packet is routed back to the loopback, TPROXY gives it to a socket here, and this sends it on by the
    link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as proxy:
        proxy.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        proxy.bind(("127.0.0.1", 5555))
        proxy.settimeout(1)
        plain(token, port=9)
        with contextlib.suppress(OSError):
            plain(proxy.recv(200), device="eth0")


# --- the ways -------------------------------------------------------------------------------

Way = collections.namedtuple("Way", "do undo act where uid leaks leaks_unfiltered link_filter")
ALWAYS = frozenset(STATES)


def way(act, do="", undo="", where="host", uid=NOBODY, leaks=(), leaks_unfiltered=None, link_filter=False):
    """do, undo: shell commands in the machine. leaks: the states in which the kernel's filter cannot stop this way, as
    docs/security.md says; leaks_unfiltered: the same without the links' chains. link_filter: on kernels where each link
    also has a filter of traffic control (docs/security.md, "A link that is renamed"), that filter stops it in every
    state."""
    return Way(do, undo, act, where, uid, frozenset(leaks), frozenset(leaks if leaks_unfiltered is None else leaks_unfiltered), link_filter)


def nft(text):
    return "nft -f - <<'END'\n" + text.replace("; }", ";\n}\n") + "\nEND\n"


RULE = "ip rule add fwmark 0x77 lookup 100; ip -6 rule add fwmark 0x77 lookup 100"
NO_RULE = "nft delete table inet other; ip rule del fwmark 0x77; ip -6 rule del fwmark 0x77"
OTHER = "nft delete table inet other"
BRIDGE = ("ip link add br9 type bridge; ip link set eth1 master br9; ip address flush dev vc0; ip link set vc0 master br9;"
          "ip link set br9 up; ip -n opc route replace default dev eth0; ip -n opc neigh replace 192.168.70.9 lladdr 02:00:00:00:01:01"
          " dev eth0 nud permanent; ip -n opc route replace default via 192.168.70.9;"
          "for i in 1 2; do ip link set br9 type bridge forward_delay 0 stp_state 0; done;"
          "sysctl -qw net.bridge.bridge-nf-call-iptables={0} net.bridge.bridge-nf-call-ip6tables={0}")
NO_BRIDGE = ("ip link del br9; ip address add 192.168.70.1/24 dev vc0; ip address add fd70::1/64 dev vc0 nodad;"
             "ip -n opc route replace default via 192.168.70.1; ip -n opc neigh del 192.168.70.9 dev eth0")
SIDE = ("ip netns add ops; ip link add mv9 link eth1 type {0}; ip link set mv9 netns ops; ip -n ops address add 192.168.60.2/24 dev mv9;"
        "ip -n ops link set mv9 up; ip -n ops neigh replace 192.168.60.1 lladdr 02:00:00:00:01:01 dev mv9 nud permanent;"
        "ip -n ops route add default via 192.168.60.1")
NO_SIDE = "ip netns del ops"
MIRRED = "tc qdisc replace dev {0} clsact; tc filter add dev {0} {1} protocol all u32 match u32 0 0 action mirred egress {2} dev eth0"

WAYS = {
    "SO_BINDTODEVICE": way(lambda t: plain(t, device="eth0")),
    "SO_BINDTODEVICE, IPv6": way(lambda t: plain(t, INTERNET6, "eth0")),
    "SO_MARK of ours, bound to the link": way(marked, uid=0),
    "raw with IP_HDRINCL": way(raw, uid=0),
    "raw with a header of its own, IPv6": way(lambda t: raw(t, socket.AF_INET6), uid=0),
    "AF_PACKET": way(frame, uid=0, leaks_unfiltered=ALWAYS),
    "AF_PACKET past the queues": way(lambda t: frame(t, bypass=True), uid=0, leaks_unfiltered=ALWAYS),
    "AF_PACKET with our mark": way(lambda t: frame(t, mark=MARK), uid=0, leaks=ALWAYS),
    "MPTCP": way(mptcp),
    "ip rule": way(plain, f"ip rule add to {INTERNET4} lookup 100", f"ip rule del to {INTERNET4}"),
    "mark and policy route": way(plain, nft(
        "table inet other { chain o { type route hook output priority -150; udp dport 5300 meta mark set 0x77; } }") + RULE, NO_RULE),
    "mark and policy route, IPv6": way(lambda t: plain(t, INTERNET6), nft(
        "table inet other { chain o { type route hook output priority -150; udp dport 5300 meta mark set 0x77; } }") + RULE, NO_RULE),
    "type route after ours": way(plain, nft(
        "table inet other { chain o { type route hook output priority 2000; udp dport 5300 meta mark set 0x77; } }") + RULE, NO_RULE),
    "our mark and policy route": way(plain, nft(
        f"table inet other {{ chain o {{ type route hook output priority -150; udp dport 5300 meta mark set {MARK}; }} }}")
        + f"ip rule add fwmark {MARK} lookup 100", f"{OTHER}; ip rule del fwmark {MARK}"),
    "our mark before the links' chains": way(lambda t: plain(t, device="eth0"), nft(
        f"table inet other {{ chain o {{ type filter hook postrouting priority -500; meta mark set {MARK}; }} }}"), OTHER),
    "DNAT to a neighbour": way(plain, nft(
        f"table inet other {{ chain o {{ type nat hook output priority -100; udp dport 5300 dnat ip to {ROUTER4}; }} }}"), OTHER),
    "DNAT of loopback": way(lambda t: plain(t, "127.0.0.1"), nft(
        f"table inet other {{ chain o {{ type nat hook output priority -100; udp dport 5300 dnat ip to {INTERNET4}:9; }}"
        "chain p { type nat hook postrouting priority 100; oif eth0 masquerade; } }")
        + f"ip route add {INTERNET4} via {ROUTER4} dev eth0", f"{OTHER}; ip route del {INTERNET4}"),
    "DNAT of an address of our own": way(lambda t: plain(t, HOST4), nft(
        f"table inet other {{ chain o {{ type nat hook output priority -100; udp dport 5300 dnat ip to {INTERNET4}:9; }} }}")
        + f"ip route add {INTERNET4} via {ROUTER4} dev eth0", f"{OTHER}; ip route del {INTERNET4}"),
    "SNAT": way(lambda t: plain(t, device="eth0"), nft(
        "table inet other { chain p { type nat hook postrouting priority 100; oif eth0 snat ip to 192.168.50.77; } }"), OTHER),
    "TPROXY": way(through_a_proxy, nft(
        "table inet other { chain o { type route hook output priority -150; udp dport 9 meta mark set 0x66; }"
        "chain p { type filter hook prerouting priority -150; meta mark 0x66 udp dport 9 tproxy ip to 127.0.0.1:5555; } }")
        + "ip rule add fwmark 0x66 lookup 101; ip route add local default dev lo table 101",
        f"{OTHER}; ip rule del fwmark 0x66; ip route flush table 101", uid=0),
    "dup, a copy to a neighbour": way(plain, nft(
        f"table ip other {{ chain o {{ type filter hook output priority 0; udp dport 5300 dup to {ROUTER4} device eth0; }} }}"),
        "nft delete table ip other"),
    "fwd from the tunnel's link": way(plain, nft(
        "table netdev other { chain o { type filter hook egress device tun0 priority 0; fwd to eth0; } }"), "nft delete table netdev other",
        leaks_unfiltered=["open"]),  # a kernel without the hook does not have this way
    # This takes the packet after the last judgement, and sets the mark that would let it out. Like traffic control, it
    # needs CAP_NET_ADMIN.
    **{f"{verb} from the tunnel's link with our mark": way(plain, nft(
        "table netdev other { chain o { type filter hook egress device tun0 priority 0; "
        f"meta mark set {MARK} {verb} to eth0; }} }}"), "nft delete table netdev other", leaks=["open"]) for verb in ("fwd", "dup")},
    "payload rewritten": way(lambda t: plain(t, "203.0.113.77", "eth0"), nft(
        f"table inet other {{ chain p {{ type filter hook postrouting priority 300; udp dport 5300 ip daddr set {INTERNET4}; }} }}"), OTHER),
    "tc redirect from the tunnel": way(plain, MIRRED.format("tun0", "egress", "redirect"), "tc qdisc del dev tun0 clsact", leaks=["open"],
                                       link_filter=True),
    "tc mirror from the tunnel": way(plain, MIRRED.format("tun0", "egress", "mirror"), "tc qdisc del dev tun0 clsact", leaks=["open"],
                                       link_filter=True),
    "tc redirect on a container's ingress": way(plain, MIRRED.format("vc0", "ingress", "redirect"), "tc qdisc del dev vc0 clsact",
                                                where="opc", leaks=ALWAYS, link_filter=True),
    "XFRM policy, where the kernel has ESP": way(plain, "ip xfrm state add src 192.168.50.2 dst 192.168.50.1 proto esp spi 9 mode tunnel"
        " enc 'cipher_null' '';" f"ip xfrm policy add dst {INTERNET4} dir out tmpl src 192.168.50.2 dst 192.168.50.1 proto esp mode tunnel",
        "ip xfrm policy flush; ip xfrm state flush"),
    "VRF, where the kernel has it": way(plain, "ip link add vrf9 type vrf table 100; ip link set eth0 master vrf9; ip link set vrf9 up;"
        f"ip rule add to {INTERNET4} lookup 100", f"ip link del vrf9; ip rule del to {INTERNET4}"),
    "bonding, where the kernel has it": way(lambda t: plain(t, "192.168.60.1"),
        "ip link set eth1 down; ip link add bond9 type bond; ip link set eth1 master bond9; ip address add 192.168.60.2/24 dev bond9;"
        "ip link set bond9 up; ip neigh replace 192.168.60.1 lladdr 02:00:00:00:01:01 dev bond9 nud permanent",
        "ip link del bond9; ip link set eth1 up"),
    "veth to a container, routed out": way(plain, "ip rule add iif vc0 lookup 100", "ip rule del iif vc0", where="opc"),
    "veth to a container, IPv6": way(lambda t: plain(t, INTERNET6), "ip -6 rule add iif vc0 lookup 100", "ip -6 rule del iif vc0", where="opc"),
    "bridge": way(plain, BRIDGE.format(0), NO_BRIDGE, where="opc", leaks_unfiltered=ALWAYS),
    "bridge with br_netfilter": way(plain, BRIDGE.format(1), NO_BRIDGE, where="opc"),
    "macvlan": way(plain, SIDE.format("macvlan mode bridge"), NO_SIDE, where="ops", leaks_unfiltered=ALWAYS),
    "ipvlan, where the kernel has it": way(plain, SIDE.format("ipvlan mode l2"), NO_SIDE, where="ops", leaks_unfiltered=ALWAYS),
}
_number = 0


def next_token(name):
    """The bytes to look for in the frames, different for each try."""
    global _number  # pylint: disable=global-statement
    _number += 1
    return struct.pack("!H", 20000 + _number) if name == "MPTCP" else b"OTHER-PROGRAM-%06d" % _number


@contextlib.contextmanager
def set_up(stage, name):
    """Prepares the way. Yields None, or what the kernel said if it lacks what the way needs."""
    done = stage.host.run("sh", "-ec", WAYS[name].do, check=False)
    if done.returncode != 0 and "where the kernel has" in name:
        stage.host.run("sh", "-c", WAYS[name].undo, check=False)
        yield done.stderr.strip() or "no"
        return
    assert done.returncode == 0, f"{name}: {done.stderr}"
    try:
        yield None
    finally:
        stage.host.run("sh", "-c", WAYS[name].undo, check=False)


def gets_out(stage, name):
    token = next_token(name)
    where = stage.host if WAYS[name].where == "host" else Namespace(WAYS[name].where)
    where.call(WAYS[name].act, token, uid=WAYS[name].uid)
    seen = stage.seen(token)
    stage.forget()
    return bool(seen)


def has_link_filter(stage):
    return "bytecode" in stage.host.run("tc", *"filter show dev eth0 egress".split(), check=False).stdout


@pytest.mark.parametrize("name", WAYS)
def test_control(stage, name):
    """Without the gate, each way leads to the far end of a physical link."""
    with set_up(stage, name) as lacking:
        if lacking:
            pytest.skip(f"this kernel: {lacking}")
        assert gets_out(stage, name), "the control shows no leak: the cells of this way prove nothing"


def end_the_pause(stage):
    """Waits until the kernel itself ends the pause. Before that everybody gets out, which is one more control."""
    assert gets_out(stage, "SO_BINDTODEVICE"), "nothing was paused"
    wait_for(lambda: not re.search(r"elements", stage.host.run("nft", "list", "set", "inet", "portcullis", "paused").stdout),
             "the pause's end")


CELLS = [*((state, egress) for state in STATES for egress in (True, False)), ("open", "one"), ("leaving", "one")]


@pytest.mark.parametrize("state, egress", CELLS, ids=lambda each: {True: "with egress", False: "without egress",
                                                                  "one": "one chain, where the kernel has it"}.get(each, each))
def test_cells(stage, state, egress):
    """No way leads out, except those that docs/security.md says remain to root. They must lead out, or the page would
    be wrong."""
    wrong = []
    stage.load(egress)
    try:
        if egress == "one" and "Invalid argument" in stage.tool.ask("assert"):
            pytest.skip("this kernel has no chain for every link")
        stage.tool.say(*STATES[state])
        if state == "paused's end":
            end_the_pause(stage)
        for name, each in WAYS.items():
            with set_up(stage, name) as lacking:
                leaks = state in (each.leaks if egress else each.leaks_unfiltered) and not (each.link_filter and has_link_filter(stage))
                if not lacking and gets_out(stage, name) != leaks:
                    wrong.append(name)
        token = next_token("")
        stage.host.call(plain, token, uid=NOBODY)
        assert stage.into_the_tunnel(token) == (state == "open"), "the tunnel itself"
    finally:
        stage.unload()
    assert not wrong, f"{state}, egress {egress}: not as the page says: {wrong}"


# With lan = true, row 10 lets a packet out; these are what another program changes it into after our output chain.
CHANGES = {
    "SNAT to the tunnel's address": f"type nat hook postrouting priority 100; udp dport 5300 snat ip to {TUNNEL4};",
    "another destination": f"type filter hook postrouting priority 2000; udp dport 5300 ip daddr set {INTERNET4};",
    "a question for names": "type filter hook output priority 2000; udp dport 5300 udp dport set 53;",
    "the tunnel's network": "type filter hook output priority 2000; udp dport 5300 ip daddr set 10.8.0.77;",
}


@pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_row_let_out_is_judged_as_it_leaves(stage, change, egress):
    """A packet to the local network leaves, but not if another program changes its address or port on the way."""
    def leaves():
        token = next_token("")
        stage.host.call(plain, token, "10.99.0.1", "eth0", uid=NOBODY)
        seen = stage.seen(token)
        stage.forget()
        return bool(seen)
    other = nft("table inet other { chain c { " + CHANGES[change] + " } }")
    stage.host.run("sh", "-ec", other)
    assert leaves(), "control: changed, and without the gate"
    stage.host.run("sh", "-ec", OTHER)
    stage.load(egress)
    try:
        stage.tool.say("lan on", *STATES["leaving"])
        assert leaves(), "control: as it was"
        stage.host.run("sh", "-ec", other)
        assert not leaves()
    finally:
        stage.host.run("sh", "-c", OTHER)
        stage.unload()


@pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
def test_index_of_the_tunnel_taken_by_another_link(stage, egress):
    """The tunnel disappears unnoticed, and another link takes its index and its name. That link counts as physical, so
    nothing leaves by it."""
    index, token = stage.index("tun0"), next_token("")

    def take():
        stage.close_tunnel()
        stage.host.ip(f"link add name tun0 index {index} type veth peer name r9 netns opr")
        # The far end comes up first: if the carrier came later, the link would not send for up to a second.
        stage.far.ip("link set r9 up")
        stage.host.ip(f"address add {TUNNEL4}/24 dev tun0", "link set tun0 up", "route add default dev tun0",
                      f"route add {INTERNET4} via 10.8.0.1 dev tun0",
                      "neigh replace 10.8.0.1 lladdr 02:00:00:00:09:01 dev tun0 nud permanent")
        assert stage.index("tun0") == index

    def gives_back():
        stage.host.run("ip", "link", "del", "tun0", check=False)
        stage.open_tunnel()

    def leaves():
        with Wire(stage.far, "r9") as wire:
            stage.host.call(plain, token, uid=NOBODY)
            fence(stage.host, wire, "tun0")
            return bool(wire.seen(token))
    take()
    try:
        assert leaves(), "control: that link leads somewhere"
    finally:
        gives_back()
    index = stage.index("tun0")
    stage.load(egress)
    try:
        stage.tool.say(*STATES["open"])
        stage.host.call(plain, token, uid=NOBODY)
        assert stage.into_the_tunnel(token), "control: the tunnel is open"
        take()
        assert not leaves()
    finally:
        stage.unload()
        gives_back()


@pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
def test_client_that_is_not_masqueraded(stage, egress):
    """With a gateway: if another program exempts a client's packet from connection tracking, it is not masqueraded.
    Then it does not enter the tunnel, where its source would be the client's own address."""
    def goes_in():
        token = next_token("")
        stage.guest.call(plain, token, uid=NOBODY)
        stage.seen(token)
        return stage.into_the_tunnel(token)
    notrack = nft("table inet other { chain p { type filter hook prerouting priority -300; iifname vc0 notrack; } }")
    stage.host.run("sh", "-ec", notrack)
    assert goes_in(), "control: as it is, without the gate"
    stage.host.run("sh", "-ec", OTHER)
    stage.load(egress)
    try:
        stage.tool.say("lan_side vc0", *STATES["open"])
        assert goes_in(), "control: masqueraded"
        stage.host.run("sh", "-ec", notrack)
        assert not goes_in()
    finally:
        stage.host.run("sh", "-c", OTHER)
        stage.tool.say("lan_side")
        stage.unload()


# --- what comes out of the tunnel -----------------------------------------------------------

def out_of_the_tunnel(stage, source, destination, ports, token):
    """Sends a datagram as the exit would; `ports` are its source and destination ports. Without a token, it is an ICMP
    error about a datagram that went the other way between these ports."""
    from scapy.all import ICMP, IP, UDP, IPv6  # pylint: disable=import-outside-toplevel
    kind = IPv6 if ":" in source else IP
    if token is None:
        body = ICMP(type=3, code=3) / kind(src=destination, dst=source) / UDP(sport=ports[1], dport=ports[0])
    else:
        body = UDP(sport=ports[0], dport=ports[1]) / token
    os.write(stage.tun, bytes(kind(src=source, dst=destination) / body))


LOST = {
    "address": f"ip address del {TUNNEL4}/24 dev tun0",
    "local route": f"ip route del local {TUNNEL4} dev tun0 table local",
    "IPv6 address": "ip address del fd00:8::2/64 dev tun0",
    "IPv6 local route": "ip -6 route del local fd00:8::2 dev tun0 table local",
}
REGAINED = (f"ip address del {TUNNEL4}/24 dev tun0; ip address del fd00:8::2/64 dev tun0; ip address add {TUNNEL4}/24 dev tun0;"
            "ip address add fd00:8::2/64 dev tun0 nodad; ip -6 route replace default dev tun0; ip route replace default dev tun0;"
            "ip route replace default dev tun0 metric 1;"
            "ip rule del iif tun0; ip -6 rule del iif tun0")


@pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
@pytest.mark.parametrize("lost", LOST)
def test_answers_to_an_address_that_is_gone(stage, lost, egress):
    """The machine forwards, and something has removed the tunnel's address or its local route. Answers from the tunnel
    are then packets for another host, and must not be forwarded."""
    here, there = ("fd00:8::2", INTERNET6) if "IPv6" in lost else (TUNNEL4, INTERNET4)

    def goes_on(sock):
        token = next_token("")
        sock.sendto(token, (there, PORT))
        stage.host.run("sh", "-ec", f"ip rule add iif tun0 lookup 100; ip -6 rule add iif tun0 lookup 100; {LOST[lost]}")
        try:
            out_of_the_tunnel(stage, there, here, (PORT, 40000), token)
            return bool(stage.seen(token))
        finally:
            stage.host.run("sh", "-c", REGAINED)
            stage.forget()
    with stage.host.socket(socket.AF_INET6 if "IPv6" in lost else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((here, 40000))
        sock.settimeout(2)
        assert goes_on(sock), "control: forwarded, without the gate"
        stage.load(egress)
        try:
            stage.tool.say(*STATES["open"])
            token = next_token("")
            sock.sendto(token, (there, PORT))
            out_of_the_tunnel(stage, there, here, (PORT, 40000), token)
            assert sock.recv(100) == token, "control: an answer"
            assert not goes_on(sock)
        finally:
            stage.unload()


@pytest.mark.parametrize("what", ["answer", "error"])
def test_exit_speaks_in_a_connection_of_the_local_network(stage, what):
    """With lan = true: what comes out of the tunnel must belong to what went into it. The exit can't answer in place of
    a neighbour to whom a packet was sent outside the tunnel."""
    def comes(address, here, port):
        token = next_token("")
        with stage.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            sock.bind((here, port))
            sock.connect((address, PORT))
            sock.send(b"question")
            out_of_the_tunnel(stage, address, here, (PORT, port), token if what == "answer" else None)
            try:
                return sock.recv(100) == token
            except ConnectionRefusedError:
                return what == "error"
            except TimeoutError:
                return False
    silent = "192.168.50.98"
    stage.host.ip(f"neigh replace {silent} lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
    assert comes(silent, HOST4, 40001), "control: without the gate"
    stage.load(True)
    try:
        stage.tool.say("lan on", *STATES["open"])
        assert comes(INTERNET4, TUNNEL4, 40002), "control: about what went by the tunnel"
        assert not comes(silent, HOST4, 40003)
    finally:
        stage.tool.say("lan off")
        stage.unload()


def test_exit_speaks_to_a_client_about_what_went_elsewhere(stage):
    """With a gateway: the exit can't answer in a client's connection that the kernel tracks, but that left by another
    link than the tunnel."""
    silent, client = "192.168.50.98", "192.168.70.2"
    stage.host.ip(f"neigh replace {silent} lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
    with stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.bind((client, 40005))

        def comes(source, destination):
            token = next_token("")
            out_of_the_tunnel(stage, source, destination, (PORT, 40005), token)
            try:
                return sock.recv(100) == token
            except TimeoutError:
                return False
        assert comes(silent, client), "control: without the gate"
        stage.load(True)
        try:
            stage.tool.say("lan_side vc0", *STATES["locked"], "pause 3600")
            token = next_token("")
            sock.sendto(token, (silent, PORT))
            assert stage.seen(token), "control: it went elsewhere"
            stage.tool.say(*STATES["open"])
            sock.sendto(b"question", (INTERNET4, PORT))
            assert comes(INTERNET4, TUNNEL4), "control: an answer by the tunnel"
            assert not comes(silent, client)
        finally:
            stage.tool.say("lan_side")
            stage.unload()


@pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
def test_what_waits_for_a_neighbour_when_a_pause_ends(stage, egress):
    """In a pause a packet was let out, and waits for its neighbour's hardware address until the pause has ended. The
    egress hook judges it again and stops it; without that hook it leaves, as docs/security.md says."""
    waiting = "192.168.50.99"

    def leaves(act=lambda: None):
        token = next_token("")
        stage.host.run("ip", "neigh", "del", waiting, "dev", "eth0", check=False)
        stage.host.call(plain, token, waiting, "eth0", uid=NOBODY)
        assert not stage.seen(token), "it does not wait"
        act()
        stage.host.ip(f"neigh replace {waiting} lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
        seen = stage.seen(token)
        stage.forget()
        return bool(seen)
    assert leaves(), "control: without the gate"
    stage.load(egress)
    try:
        stage.tool.say(*STATES["locked"], "pause 3600")
        assert leaves(), "control: in the pause"
        assert leaves(lambda: stage.tool.say("state locked", "assert")) != egress
    finally:
        stage.unload()
        stage.host.run("ip", "neigh", "del", waiting, "dev", "eth0", check=False)
