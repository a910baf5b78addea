"""Containers without a gateway: an answer leaves by the link that opened its connection, or not at all.

The machine and its links are those of test_other_programs.py. This process plays the exit, at the tunnel's far end.
Another program's rules masquerade what goes into the tunnel, as docker's do."""
import contextlib
import json
import os
import re
import socket
import struct
import threading

import pytest

from netns import Namespace, wait_for
from test_other_programs import NO_RULE, PORT, ROUTER4, ROUTER6, RULE, STATES, Stage, nft
from wire import fence
from world import INTERNET4, INTERNET6

CLIENT = {4: "192.168.70.2", 6: "fd70::2"}
SERVER = {4: INTERNET4, 6: INTERNET6}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
MASQUERADE = "table inet containers { chain p { type nat hook postrouting priority 100; oifname tun0 masquerade; } }"
SHORT, LONG, MARGIN, ROOM = 180, 5 * 24 * 3600, 10, 65536
EGRESS = pytest.mark.parametrize("egress", [True, False], ids=["with egress", "without egress"])
VERSION = pytest.mark.parametrize("version", [4, 6], ids=["IPv4", "IPv6"])
numbers = iter(range(1, 20000))


def token():
    return b"[container %05d]" % next(numbers)


def port():
    return 20000 + next(numbers)


@pytest.fixture(scope="module")
def stage():
    made = Stage().start()
    made.host.run("sh", "-ec", nft(MASQUERADE))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def at_the_end(stage):
    yield
    if stage.tool:
        stage.unload()
    stage.forget()


def shut_in(stage, egress=True):
    stage.load(egress)
    stage.tool.say(*STATES["open"])


# --- the exit ---------------------------------------------------------------------------------

def at_the_exit(stage, wanted):
    """The first packet out of the tunnel that `wanted` accepts; None if none of those that have arrived is."""
    from scapy.all import IP, IPv6  # pylint: disable=import-outside-toplevel
    with contextlib.suppress(BlockingIOError):
        while True:
            raw = os.read(stage.tun, 65536)
            packet = (IP if raw[0] >> 4 == 4 else IPv6)(raw)
            if wanted(packet):
                return packet
    return None


def come(stage, wanted, what="a packet at the exit"):
    found = []
    wait_for(lambda: found.append(at_the_exit(stage, wanted)) or found[-1] is not None, what)
    return found[-1]


def has(text):
    return lambda packet: text in bytes(packet)


def back(question, body):
    """An answer to the packet `question`: its source and destination are swapped."""
    return question.__class__(src=question.dst, dst=question.src) / body


class Udp:
    """A container's exchange of datagrams with a server behind the exit."""

    def __init__(self, stage, version, where=None, sport=None):
        self.stage, self.to, self.question = stage, (SERVER[version], PORT), None
        self.sock = (where or stage.guest).socket(FAMILY[version], socket.SOCK_DGRAM)
        self.sock.bind(("", sport or port()))
        self.sock.settimeout(2)
        self.ask()

    @property
    def sport(self):
        return self.sock.getsockname()[1]

    def send(self):
        text = token()
        self.sock.sendto(text, self.to)
        return text

    def ask(self):
        text = self.send()
        self.question = come(self.stage, has(text), "the datagram at the exit")

    def answer(self, text):
        from scapy.all import UDP  # pylint: disable=import-outside-toplevel
        question = self.question[UDP]
        os.write(self.stage.tun, bytes(back(self.question, UDP(sport=question.dport, dport=question.sport) / text)))

    def receive(self):
        return self.sock.recv(2000)

    def close(self):
        self.sock.close()


class Tcp:
    """A download: the container connects, and the exit (this process) sends."""

    def __init__(self, stage, version):
        from scapy.all import TCP  # pylint: disable=import-outside-toplevel
        self.stage, self.sent = stage, 1001
        self.sock = stage.guest.socket(FAMILY[version], socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.bind(("", port()))
        self.sock.connect_ex((SERVER[version], PORT))
        self.question = come(stage, lambda packet: TCP in packet and packet[TCP].flags == "S", "the SYN at the exit")
        self.theirs = self.question[TCP].seq + 1
        self.segment("SA", seq=1000)
        come(stage, lambda packet: TCP in packet and packet[TCP].ack == 1001, "the ACK at the exit")
        self.sock.settimeout(2)

    def segment(self, flags, text=b"", seq=None):
        from scapy.all import TCP  # pylint: disable=import-outside-toplevel
        question = self.question[TCP]
        os.write(self.stage.tun, bytes(back(self.question, TCP(sport=question.dport, dport=question.sport, flags=flags, ack=self.theirs,
                                                               seq=self.sent if seq is None else seq, window=65000) / text)))

    def ask(self):
        """The container sends data, as it would to keep the connection alive."""
        text = token()
        self.sock.send(text)
        come(self.stage, has(text), "the data at the exit")
        self.theirs += len(text)

    def answer(self, text):
        self.segment("PA", text)
        self.sent += len(text)

    def receive(self):
        return self.sock.recv(2000)

    def close(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Ping:
    """A container's ICMP echo requests; each has an identifier of its own."""

    def __init__(self, stage, version):
        self.stage, self.version, self.question = stage, version, None
        proto = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
        self.sock = stage.guest.socket(FAMILY[version], socket.SOCK_RAW, proto)
        self.sock.settimeout(2)
        self.sock.connect((SERVER[version], 0))
        self.ask()

    def ask(self):
        from scapy.all import ICMP, ICMPv6EchoRequest  # pylint: disable=import-outside-toplevel
        text = token()
        kind, ident = (ICMP if self.version == 4 else ICMPv6EchoRequest), port()
        self.sock.send(bytes(kind(id=ident) / text))
        self.question = come(self.stage, has(text), "the echo at the exit")

    def answer(self, text):
        from scapy.all import ICMP, ICMPv6EchoReply, ICMPv6EchoRequest  # pylint: disable=import-outside-toplevel
        if self.version == 4:
            body = ICMP(type=0, id=self.question[ICMP].id) / text
        else:
            body = ICMPv6EchoReply(id=self.question[ICMPv6EchoRequest].id, data=text)
        os.write(self.stage.tun, bytes(back(self.question, body)))

    def receive(self):
        got = self.sock.recv(2000)
        return got[28:] if self.version == 4 else got[8:]

    def close(self):
        self.sock.close()


KINDS = {"TCP": Tcp, "UDP": Udp, "ping": Ping}
KIND = pytest.mark.parametrize("kind", KINDS)


def answered(flow):
    text = token()
    flow.answer(text)
    return flow.receive() == text


def is_silent(flow):
    flow.sock.settimeout(0.3)
    try:
        return not flow.receive()
    except TimeoutError:
        return True
    finally:
        flow.sock.settimeout(2)


def gets_out(stage, flow):
    """Sends an answer from the exit. Does it arrive at the far end of a physical link?"""
    text = token()
    flow.answer(text)
    seen = stage.seen(text)
    stage.forget()
    return bool(seen)


# --- what redirects answers ----------------------------------------------------------------

CLAIM = (f"ip route replace {CLIENT[4]}/32 via {ROUTER4} dev eth0; ip -6 route replace {CLIENT[6]}/128 via {ROUTER6} dev eth0;")
NO_CLAIM = f"ip route del {CLIENT[4]}/32; ip -6 route del {CLIENT[6]}/128;"


def turned(chain):
    return nft("table inet other { chain c { " + chain + " } }") + RULE


TURNS = {
    "its link goes, and a route takes its address": ("ip link del vc0;" + CLAIM, NO_CLAIM),
    "a more specific route of the outer network": (CLAIM, NO_CLAIM),
    "a mark before routing": (turned("type filter hook prerouting priority -150; iifname tun0 meta mark set 0x77;"), NO_RULE),
    "a neighbour's address before routing": (
        turned(f"type filter hook prerouting priority 0; iifname tun0 meta nfproto ipv4 ip daddr set {ROUTER4}; "
               f"iifname tun0 meta nfproto ipv6 ip6 daddr set {ROUTER6};"), NO_RULE),
    "a copy where it is forwarded": (
        nft(f"table ip other {{ chain c {{ type filter hook forward priority 2000; iifname tun0 dup to {ROUTER4} device eth0; }} }}")
        + nft(f"table ip6 other {{ chain c {{ type filter hook forward priority 2000; iifname tun0 dup to {ROUTER6} device eth0; }} }}"),
        "nft delete table ip other; nft delete table ip6 other"),
    "a copy where it leaves": (
        nft(f"table ip other {{ chain c {{ type filter hook postrouting priority 150; iifname tun0 dup to {ROUTER4} device eth0; }} }}")
        + nft(f"table ip6 other {{ chain c {{ type filter hook postrouting priority 150; iifname tun0 dup to {ROUTER6} device eth0; }} }}"),
        "nft delete table ip other; nft delete table ip6 other"),
}


@contextlib.contextmanager
def turn(stage, name):
    do, undo = TURNS[name]
    stage.host.run("sh", "-ec", do)
    try:
        yield
    finally:
        stage.host.run("sh", "-c", undo)
        if "vc0" not in stage.host.links():
            stage.plug_in()


@VERSION
@KIND
@pytest.mark.parametrize("name", TURNS)
def test_answers_do_not_go_elsewhere(stage, name, kind, version):
    """Something redirects the answers of a connection while it is in use: they do not leave by a physical link. Without
    the gate, each of these ways leads out."""
    with contextlib.closing(KINDS[kind](stage, version)) as flow:
        assert answered(flow)
        with turn(stage, name):
            assert gets_out(stage, flow), "control: without the gate"
    for egress in (True, False):
        shut_in(stage, egress)
        with contextlib.closing(KINDS[kind](stage, version)) as flow:
            assert answered(flow), "control: where it asked"
            with turn(stage, name):
                assert not gets_out(stage, flow)
        stage.unload()


@VERSION
def test_errors_do_not_go_elsewhere(stage, version):
    """An ICMP error from the exit about a container's packet reaches that container, and nobody else."""
    from scapy.all import ICMP, ICMPv6DestUnreach  # pylint: disable=import-outside-toplevel

    def complain(flow):
        quoted = bytes(flow.question)
        body = ICMP(type=3, code=3) / quoted if version == 4 else ICMPv6DestUnreach(code=4) / quoted
        os.write(stage.tun, bytes(back(flow.question, body)))

    def gets_out_too():
        """The error is recognized by the container's first datagram, which it quotes."""
        with contextlib.closing(Udp(stage, version)) as flow:
            text = re.search(rb"\[container \d+\]", bytes(flow.question))[0]
            with turn(stage, "a more specific route of the outer network"):
                complain(flow)
                seen = stage.seen(text)
            stage.forget()
            return bool(seen)
    assert gets_out_too(), "control: without the gate"
    for egress in (True, False):
        shut_in(stage, egress)
        with contextlib.closing(Udp(stage, version)) as flow:
            flow.sock.connect(flow.to)
            complain(flow)
            with pytest.raises(ConnectionRefusedError):
                flow.receive()
        assert not gets_out_too()
        stage.unload()


@VERSION
def test_pieces_do_not_go_elsewhere(stage, version):
    """An answer in fragments is judged as a whole: all of it reaches the container, or nothing of it leaves."""
    from scapy.all import UDP, IPv6ExtHdrFragment, fragment, fragment6  # pylint: disable=import-outside-toplevel

    def answer(flow, text):
        question = flow.question[UDP]
        whole = UDP(sport=question.dport, dport=question.sport) / (text * 150)
        if version == 4:
            pieces = fragment(back(flow.question, whole), 1200)
        else:
            pieces = fragment6(back(flow.question, IPv6ExtHdrFragment(id=port()) / whole), 1280)
        assert len(pieces) > 1
        for piece in pieces:
            os.write(stage.tun, bytes(piece))

    def gets_out_in_pieces(flow):
        text = token()
        answer(flow, text)
        seen = stage.seen(text)
        stage.forget()
        return bool(seen)
    with contextlib.closing(Udp(stage, version)) as flow, turn(stage, "a more specific route of the outer network"):
        assert gets_out_in_pieces(flow), "control: without the gate"
    for egress in (True, False):
        shut_in(stage, egress)
        with contextlib.closing(Udp(stage, version)) as flow:
            text = token()
            answer(flow, text)
            assert flow.sock.recv(4000) == text * 150
            with turn(stage, "a more specific route of the outer network"):
                assert not gets_out_in_pieces(flow)
        stage.unload()


# --- questions with somebody else's address -------------------------------------------------------------------

def inject(stage, version, sport, text, source=None):
    """The uplink's neighbour sends a datagram with the container's address, or `source`, as its source."""
    from scapy.all import IP, UDP, Ether, IPv6  # pylint: disable=import-outside-toplevel
    kind = IP if version == 4 else IPv6
    packet = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01") / kind(src=source or CLIENT[version], dst=SERVER[version]) / UDP(
        sport=sport, dport=PORT) / text
    with stage.far.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("r0", 0))
        sock.send(bytes(packet))


@VERSION
@EGRESS
def test_a_neighbour_asks_in_the_containers_name(stage, version, egress):
    """A neighbour uses the address and port of a container that has already asked: the claim is the container's, so the
    neighbour's packets are stopped, and only the container is answered."""
    shut_in(stage, egress)
    text = token()
    inject(stage, version, port(), text)
    come(stage, has(text), "control: any link may ask")
    with contextlib.closing(Udp(stage, version)) as flow:
        inject(stage, version, flow.sport, b"spoofed")
        fence = token()
        inject(stage, version, port(), fence)
        assert b"spoofed" not in bytes(come(stage, lambda packet: b"spoofed" in bytes(packet) or fence in bytes(packet)))
        assert answered(flow)
        with turn(stage, "a more specific route of the outer network"):
            assert not gets_out(stage, flow)
            inject(stage, version, flow.sport, b"spoofed")
            assert not gets_out(stage, flow)
        assert answered(flow)


@VERSION
def test_a_neighbour_asks_before_the_container(stage, version):
    """The claim is the uplink's: the container's question is stopped, and no answer goes to the container either."""
    from scapy.all import UDP  # pylint: disable=import-outside-toplevel
    shut_in(stage)
    sport, text, fence = port(), token(), token()
    inject(stage, version, sport, text)
    question = come(stage, has(text))
    with stage.guest.socket(FAMILY[version], socket.SOCK_DGRAM) as sock:
        sock.bind(("", sport))
        sock.settimeout(0.3)
        sock.sendto(b"stopped", (SERVER[version], PORT))
        with stage.guest.socket(FAMILY[version], socket.SOCK_DGRAM) as other:
            other.sendto(fence, (SERVER[version], PORT))
        assert b"stopped" not in bytes(come(stage, lambda packet: b"stopped" in bytes(packet) or fence in bytes(packet)))
        os.write(stage.tun, bytes(back(question, UDP(sport=PORT, dport=question[UDP].sport) / b"an answer")))
        with pytest.raises(TimeoutError):
            sock.recv(100)


def test_a_neighbour_asks_at_the_same_moment(stage):
    """Two links each carry a first packet with the same addresses and ports, on two processors at once: no connection
    is ever claimed by both links."""
    from scapy.all import IP, UDP, Ether  # pylint: disable=import-outside-toplevel
    barrier = threading.Barrier(2)

    def flood(ns, link, destination, processor):
        whole = bytearray(bytes(Ether(dst=destination, src="02:00:00:00:00:01") / IP(src=CLIENT[4], dst=INTERNET4)
                                / UDP(sport=1, dport=PORT, chksum=0) / b"x"))
        os.sched_setaffinity(0, {processor})
        with ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind((link, 0))
            for sport in range(1024, 11024):
                if sport % 50 == 0:
                    barrier.wait(60)
                struct.pack_into("!H", whole, 34, sport)
                sock.send(whole)
    shut_in(stage)
    processors = sorted(os.sched_getaffinity(0))
    sides = ((stage.guest, "eth0", "02:00:00:00:02:01", processors[0]), (stage.far, "r0", "02:00:00:00:00:02", processors[-1]))
    threads = [threading.Thread(target=flood, args=side) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # This packet follows all the others. It is sent until it arrives, because at first the tunnel's queue is full.
    wait_for(lambda: inject(stage, 4, port(), b"behind") or at_the_exit(stage, has(b"behind")), "the end of the flood")
    at_the_exit(stage, lambda _: False)
    with contextlib.closing(Udp(stage, 4)):
        said = json.loads(stage.host.run("nft", "-j", "list", "set", "inet", "portcullis", "asked").stdout)
    keys = [element["elem"]["val"]["concat"] for element in next(each["set"] for each in said["nftables"] if "set" in each)["elem"]]
    assert {link for _, link in keys} == {"vc0", "eth0"}
    assert len({number for number, _ in keys}) == len(keys) >= 10000


# --- what passes ----------------------------------------------------------------------------------

@VERSION
@KIND
def test_containers_are_answered(stage, kind, version):
    """A connection is answered repeatedly, and again after a flip to shut and back. Once the tables have been built
    anew, it is answered only after the container's next packet."""
    shut_in(stage)
    with contextlib.closing(KINDS[kind](stage, version)) as flow:
        assert all(answered(flow) for _ in range(3))
        stage.tool.say(*STATES["leaving"])
        flow.answer(b"while shut")
        assert is_silent(flow)
        stage.tool.say(*STATES["open"])
    with contextlib.closing(KINDS[kind](stage, version)) as flow:
        stage.tool.say(*STATES["leaving"])
        stage.tool.say(*STATES["open"])
        assert answered(flow), "from before the flip"
        stage.unload()
        shut_in(stage)
        flow.answer(b"nobody has asked")
        assert is_silent(flow) and not stage.seen(b"nobody has asked")
        if kind != "TCP":
            flow.ask()
            assert answered(flow)


def test_connection_of_before_the_tables(stage):
    """A TCP connection that is older than the tables also continues, once the container has sent something."""
    shut_in(stage)
    with contextlib.closing(Tcp(stage, 4)) as flow:
        stage.unload()
        shut_in(stage)
        flow.ask()
        assert answered(flow)


def test_container_that_starts_again(stage):
    """A restarted container has the same address on a link with a new index. Its new connections work at once, but one
    with the same ports as before has to wait until the claim ends."""
    shut_in(stage)
    with contextlib.closing(Udp(stage, 4)) as flow:
        assert answered(flow)
        sport = flow.sport
    before = stage.index("vc0")
    stage.host.ip("link del vc0")
    stage.plug_in()
    assert stage.index("vc0") != before
    with contextlib.closing(Udp(stage, 4)) as flow, contextlib.closing(Tcp(stage, 4)) as download:
        assert answered(flow) and answered(download)
        with stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", sport))
            sock.sendto(b"stopped", (INTERNET4, PORT))
            flow.sock.sendto(b"a fence", flow.to)
            assert b"stopped" not in bytes(come(stage, lambda packet: b"stopped" in bytes(packet) or b"a fence" in bytes(packet)))
    stage.unload()
    shut_in(stage)
    with contextlib.closing(Udp(stage, 4, sport=sport)) as flow:
        assert answered(flow)


def test_two_containers_and_a_bridge(stage):
    """Two containers use the same ports at the same time, one of them behind a bridge: each gets only its own
    answers."""
    other = Namespace("opd")
    other.create()
    try:
        stage.host.ip("link add br7 type bridge", "link add vd0 type veth peer name eth0 netns opd", "link set vd0 master br7", "link set vd0 up",
                      "address add 192.168.71.1/24 dev br7", "link set br7 up")
        stage.host.run("ip", "link", "set", "br7", "type", "bridge", "forward_delay", "0", "stp_state", "0")
        other.ip("address add 192.168.71.2/24 dev eth0", "link set eth0 up", "route add default via 192.168.71.1")
        shut_in(stage)
        sport = port()
        with contextlib.closing(Udp(stage, 4, sport=sport)) as one, contextlib.closing(Udp(stage, 4, other, sport)) as two:
            for flow in (one, two, one, two):
                assert answered(flow)
            stage.host.ip(f"route add 192.168.71.2/32 via {ROUTER4} dev eth0")
            assert not gets_out(stage, two)
            stage.host.run("ip", "route", "replace", "192.168.71.2/32", "dev", "vc0")
            two.answer(b"for the other")
            fence(stage.host, stage.wires["eth0"], "eth0")
            assert answered(one) and is_silent(one)
    finally:
        stage.host.run("ip", "link", "del", "br7", check=False)
        other.destroy()


# --- how long, how many --------------------------------------------------------------------------

def claims(stage, name):
    """{connection: (seconds until its claim ends, link or None)}."""
    said = json.loads(stage.host.run("nft", "-j", "list", "set", "inet", "portcullis", name).stdout)
    found = {}
    for element in next(each["set"] for each in said["nftables"] if "set" in each).get("elem", []):
        value = element["elem"]["val"]
        key, link = (value["concat"][0], value["concat"][1]) if isinstance(value, dict) else (value, None)
        found[key] = element["elem"]["expires"], link
    return found


def assert_lasts(stage, seconds):
    """There is exactly one claim, and `seconds` is how long it lasts. Its link (`asked`) is forgotten before the fact
    that the connection is claimed (`claimed`), so that no other link can step in."""
    (left, link), = claims(stage, "asked").values()
    (known, _), = claims(stage, "claimed").values()
    assert seconds - 60 < left <= seconds and link == "vc0"
    assert known > left and seconds + MARGIN - 60 < known <= seconds + MARGIN


def test_claims_last_as_long_as_the_connection(stage):
    """A claim lasts three minutes, or five days while the kernel keeps the connection that long (an open TCP
    connection). Once the connection is closed, it lasts three minutes again."""
    shut_in(stage)
    with contextlib.closing(Udp(stage, 4)) as flow:
        assert_lasts(stage, SHORT)
        assert answered(flow)
        assert_lasts(stage, SHORT)
    stage.unload()
    shut_in(stage)
    with contextlib.closing(Tcp(stage, 4)) as flow:
        assert_lasts(stage, LONG)
        assert answered(flow)
        assert_lasts(stage, LONG)
    come(stage, lambda packet: packet.proto == 6 and packet["TCP"].flags & 4, "the reset")
    assert_lasts(stage, SHORT)


def test_no_room_for_another(stage):
    """When the sets are full, claimed connections continue, new ones are stopped, and nothing is sent elsewhere."""
    def flood(count):
        from scapy.all import IP, UDP, Ether  # pylint: disable=import-outside-toplevel
        whole = bytearray(bytes(Ether(dst="02:00:00:00:02:01", src=mac) / IP(src=CLIENT[4], dst=INTERNET4) / UDP(sport=1, dport=9, chksum=0)))
        with stage.guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.bind(("eth0", 0))
            for number in range(count):
                struct.pack_into("!HH", whole, 34, number & 0xffff, 9 + (number >> 16))
                sock.send(whole)

    def count(name):
        return len(re.findall(r"expires", stage.host.run("nft", "list", "set", "inet", "portcullis", name).stdout))
    with open("/proc/sys/net/netfilter/nf_conntrack_max", encoding="ascii") as file:
        if int(file.read()) < 2 * ROOM:
            pytest.skip("this kernel tracks fewer connections than claims have room for")
    mac = stage.guest.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    shut_in(stage)
    with contextlib.closing(Udp(stage, 4)) as flow:
        flood(ROOM + 5000)
        wait_for(lambda: at_the_exit(stage, lambda _: False) or count("claimed") == ROOM, "no room")
        assert count("asked") <= ROOM
        assert answered(flow)
        with stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"one too many", (INTERNET4, PORT))
            flow.ask()
            assert b"one too many" not in bytes(flow.question)
        with turn(stage, "a more specific route of the outer network"):
            assert not gets_out(stage, flow)


def test_what_is_not_tracked_has_no_way(stage):
    """A container's untracked packets are stopped, because nothing would show which connection an answer belongs to."""
    shut_in(stage)
    stage.host.run("sh", "-ec", nft("table inet other { chain c { type filter hook prerouting priority -300; udp sport 7 notrack; } }"))
    try:
        with stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 7))
            sock.sendto(b"untracked", (INTERNET4, PORT))
            with contextlib.closing(Udp(stage, 4)) as flow:
                assert answered(flow)
                assert b"untracked" not in bytes(flow.question)
    finally:
        stage.host.run("nft", "delete", "table", "inet", "other")


# --- what others do to the sets ------------------------------------------------------------------------------

def test_what_packets_fill_is_no_difference(stage):
    """The claims that packets add to the sets do not count as a change of the rules. Verifying the rules changes no
    claim, and nft accepts its own listing of them."""
    shut_in(stage)
    with contextlib.closing(Udp(stage, 4)) as flow, contextlib.closing(Tcp(stage, 6)) as download:
        watched = stage.tool.say("watch 200", "assert")
        assert "foreign" not in str(watched)
        held = set(claims(stage, "asked"))
        stage.tool.say("assert", *STATES["leaving"], *STATES["open"])
        assert set(claims(stage, "asked")) == held and len(held) == 2
        assert answered(flow) and answered(download)
        listed = stage.host.run("nft", "list", "ruleset").stdout
    listed = re.sub(r"(?m)^table (\w+) portcullis \{.*", r"table \1 again {", listed)
    stage.host.run("nft", "-f", "-", input=re.sub(r"(?s)table netdev .*?\n}\n", "", listed))
    for family in re.findall(r"table (\w+) again", listed):
        stage.host.run("nft", "delete", "table", family, "again", check=False)


def test_somebody_else_empties_them(stage):
    """After another program has emptied the sets, nothing is answered until somebody asks again: the claim is then that
    of whoever asks first."""
    stage.load(True)
    stage.tool.say("lack persist", *STATES["open"])
    with contextlib.closing(Udp(stage, 4)) as flow:
        stage.host.run("nft", "flush set inet portcullis asked; flush set inet portcullis claimed")
        flow.answer(b"nobody has asked")
        assert is_silent(flow)
        flow.ask()
        assert answered(flow)
        with turn(stage, "a more specific route of the outer network"):
            assert not gets_out(stage, flow)
