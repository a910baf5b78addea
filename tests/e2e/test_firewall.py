"""The firewall port on real kernel rules, by nft_console: what is there, who owns it, what is repaired, what passes."""
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from netns import Namespace, wait_for, wait_gone  # noqa: E402  pylint: disable=wrong-import-position

TOP = os.path.dirname(os.path.dirname(HERE))
GROUP = 4242  # openvpn's group, in nft_console
ENDPOINT = "192.0.2.1:1194/udp"
TABLES = ("inet", "netdev")


@pytest.fixture(scope="session", name="nft_console")
def _nft_console():
    """The firewall port as commands, with sanitizers; built in the folder of `make check-san`, by one worker at a
    time."""
    target = "build/san/test/nft_console"
    environment = {key: value for key, value in os.environ.items() if key not in ("BUILD", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    os.makedirs(f"{TOP}/build/san", exist_ok=True)
    subprocess.run(["flock", "build/san", "make", "-s", "-j2", "SANITIZE=address,undefined", "OPTIMIZE=-O1 -g", "BUILD=build/san",
                    target], cwd=TOP, env=environment, check=True)
    os.environ["UBSAN_OPTIONS"] = "halt_on_error=1"
    return f"{TOP}/{target}"


class Tool:
    """One nft_console process. say() gives it a command and returns what it answered before `ok`."""

    def __init__(self, program, namespace):
        self.foreign, self.lines, self.rest = [], [], b""
        self.process = namespace.popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.answer()

    def read(self, seconds):
        if select.select([self.process.stdout], [], [], seconds)[0]:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, "nft_console is gone"
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            for line in lines:
                line = line.decode()
                (self.foreign if line.startswith("foreign") else self.lines).append(line)

    def answer(self):
        wait_for(lambda: self.lines or self.read(0.05) or self.lines, "an answer")
        return self.lines.pop(0)

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def say(self, *lines):
        for line in lines:
            answer = self.ask(line)
            assert answer.endswith("ok"), f"{line}: {answer}"
        return answer[:-2].strip()

    def wait_foreign(self):
        wait_for(lambda: self.foreign or self.read(0.05) or self.foreign, "a foreign change noticed")
        result, microseconds = re.fullmatch(r"foreign (\S+) us (\d+) .*", self.foreign.pop(0)).groups()
        assert result == "0"
        return int(microseconds) / 1000

    def kill(self):
        self.process.kill()
        self.process.wait()
        wait_gone(self.process.pid, "nft_console")


class Machine(Namespace):
    """Two wired links, a tunnel that is just a link, and a router at the other end of eth0."""

    def __init__(self, name):
        super().__init__(name)
        self.router = Namespace(name + "r")

    def create(self):
        super().create()
        self.router.create()
        self.ip(f"link add eth0 type veth peer name r0 netns {self.router.name}",
                f"link add eth1 type veth peer name r1 netns {self.router.name}",
                "tuntap add tun7 mode tun",
                "addr add 192.0.2.2/24 dev eth0", "link set eth0 up", "link set eth1 up", "link set tun7 up")
        self.router.ip("addr add 192.0.2.1/24 dev r0", "link set r0 up", "link set r1 up")

    def destroy(self):
        super().destroy()
        self.router.destroy()

    def rules(self):
        """Each table's objects as nft lists them, sorted; without flags and counters, and without the names of the
        links' chains."""
        text = self.run("nft", "-nn", "list", "ruleset").stdout
        text = re.sub(r" # progname.*|(?m:^)\tflags .*|packets \d+ bytes \d+", "", text)
        lines = [line for line in re.sub(r"chain link_\S+", "chain link", text).split("\n") if line.strip()]
        tables = re.split(r"(?m)^(?=table )", "\n".join(lines))
        return sorted(sorted(each.rstrip("\t}\n") for each in re.split(r"\n(?=\t\w)", table)) for table in tables if table)

    def handles(self):
        return [re.search(r"# handle (\d+)", self.run("nft", "-a", "list", "table", family, "portcullis").stdout)
                .group(1) for family in TABLES]


@pytest.fixture(name="machine")
def _machine():
    made = Machine("fw0")
    made.create()
    yield made
    made.destroy()


@pytest.fixture(name="start")
def _start(nft_console, machine):
    """Starts nft consoles in the machine; they know both links."""
    tools = []

    def make(*lines, where=machine):
        tools.append(Tool(nft_console, where))
        tools[-1].say("links eth0 eth1", *lines)
        return tools[-1]
    yield make
    for tool in tools:
        tool.kill()


# --- what is there ---------------------------------------------------------------

SITUATIONS = {
    "locked": ["state locked"],
    "locked-lan": ["lan on", "state locked"],
    "locked-neighbours": ["neighbours 2001:db8:1::/64 2001:db8:2::7/128", "state locked"],
    "dialling": ["endpoint 203.0.113.5:1194/udp", "state dialling"],
    "dialling6": ["endpoint [2001:db8::5]:443/tcp", "state dialling"],
    "open": ["endpoint 203.0.113.5:1194/udp", "tunnel tun7 10.8.0.2 10.8.0.0/24", "state open"],
    "open-lan": ["endpoint [2001:db8::5]:443/tcp", "tunnel tun7 10.8.0.2 fd00::2 10.8.0.0/24 fd00::/64",
                 "lan on", "state open"],
    "locked-pppoe": ["uplink pppoe", "state locked"],
    "locked-lacp": ["uplink lacp", "state locked"],
    "locked-gateway": ["lan_side br0 port1", "state locked"],
    "dialling-gateway": ["lan_side br0 port1", "endpoint 203.0.113.5:1194/udp", "state dialling"],
    "open-gateway": ["lan_side br0", "endpoint 203.0.113.5:1194/udp",
                     "tunnel tun7 10.8.0.2 fd00::2 10.8.0.0/24 fd00::/64", "state open"],
}
NOTHING = ["lan off", "uplink none", "neighbours", "lan_side", "tunnel none", "endpoint none"]


@pytest.mark.parametrize("name", SITUATIONS)
def test_kernel_holds_what_the_text_says(machine, start, tmp_path, name):
    text = tmp_path / "text.nft"
    tool = start("lack every_link", *SITUATIONS[name], "assert", f"print {text}")  # the text names links
    ours = machine.rules()
    assert str(ours).count("chain link") == 2 and "goto stop" in str(ours)
    tool.say("remove")
    assert machine.run("nft", "list", "ruleset").stdout == ""
    machine.run("nft", "-f", str(text))
    assert machine.rules() == ours


def test_each_state_after_each_other_is_the_same_as_alone(machine, start):
    alone = {}
    for name, lines in SITUATIONS.items():
        tool = start(*NOTHING, *lines, "assert")
        alone[name] = machine.rules()
        tool.say("remove")
        tool.kill()
    assert len({str(rules) for rules in alone.values()}) == len(SITUATIONS)
    tool = start()
    for first in SITUATIONS:
        for second, lines in SITUATIONS.items():
            tool.say(*NOTHING, *SITUATIONS[first], "assert")
            tool.say(*NOTHING, *lines, "assert")
            assert machine.rules() == alone[second], f"{first} to {second}"


def test_resolver_ends_by_itself(machine, start):
    start("resolver 9.9.9.9", f"endpoint {ENDPOINT}", "state dialling", "assert", "assert")
    out = machine.run("nft", "list", "set", "inet", "portcullis", "resolver4").stdout
    seconds = re.search(r"9\.9\.9\.9 timeout 10s expires (\d+)s", out)
    assert seconds and int(seconds.group(1)) <= 10


def test_older_kernels(machine, start):
    start("lack persist", "lack egress", "lack inet", "state locked", "assert", "assert")
    listed = machine.run("nft", "list", "ruleset").stdout
    assert "table ip portcullis" in listed and "netdev" not in listed and "reject" in listed
    assert "ip6 " not in listed.partition("chain stop")[2]
    assert send(machine) == "refused"


def test_probe_leaves_nothing(machine, start):
    tool = start()
    assert tool.say("probe") == "egress=1 persist=1 ipv6=1"
    assert machine.run("nft", "list", "ruleset").stdout == ""
    assert "by process" not in machine.run("nft", "list", "tables").stdout


# --- who owns it --------------------------------------------------------------------

def test_adopted_after_a_kill(machine, start):
    first = start("state locked", "assert")
    handles, rules = machine.handles(), machine.rules()
    assert first.say("owner") == str(first.process.pid)
    second = start("state locked")
    assert "process {first.process.pid} holds tables of our name portcullis;".format(first=first) in second.ask("remove")
    assert machine.run("nft", "delete", "table", "inet", "portcullis", check=False).returncode != 0
    machine.run("nft", "flush", "ruleset")
    assert machine.rules() == rules and machine.handles() == handles
    first.kill()
    assert second.say("owner") == "-1", "they stand, and nobody owns them"
    monitor = machine.popen("nft", "monitor", stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: marked(machine, monitor), "the monitor")
        second.say("assert")
        assert second.say("owner") == str(second.process.pid)
        machine.run("nft", "add", "table", "ip", "last")
        seen = read_until(monitor, "add table ip last").split("add table ip first")[-1]
    finally:
        monitor.kill()
        monitor.wait()
    assert "table inet portcullis" in seen and "delete" not in seen and "rule" not in seen, seen
    machine.run("nft", "delete", "table", "ip", "last")
    machine.run("nft", "delete", "table", "ip", "first")
    assert machine.handles() == handles and machine.rules() == rules


def marked(machine, monitor):
    machine.run("nft", "add", "table", "ip", "first")
    if select.select([monitor.stdout], [], [], 0.1)[0]:
        return True
    machine.run("nft", "delete", "table", "ip", "first")
    return False


def read_until(monitor, text):
    seen = b""
    end = time.monotonic() + 10
    while text.encode() not in seen:
        assert time.monotonic() < end, seen
        if select.select([monitor.stdout], [], [], 0.2)[0]:
            seen += os.read(monitor.stdout.fileno(), 65536)
    return seen.decode()


def test_link_that_came_while_nobody_held_the_gate(machine, start):
    """Locked at boot, then a network card appears, then the daemon starts: the link gets its chain when the daemon
    takes over."""
    start("lack every_link", "state locked", "assert").kill()
    machine.ip("link add late0 type veth peer name late1")
    tool = start("links eth0 eth1 late0", "lack every_link", "state locked", "assert")
    assert devices(machine) == ["eth0", "eth1", "late0"]
    assert tool.say("owner") == str(tool.process.pid)


def test_flushed_while_orphaned(machine, start):
    first = start("state locked", "assert")
    rules = machine.rules()
    first.kill()
    assert machine.rules() == rules
    machine.run("nft", "flush", "ruleset")
    assert machine.run("nft", "list", "ruleset").stdout == ""
    start("state locked", "assert")
    assert machine.rules() == rules


# Each is one change by somebody else to a table that nobody owns.
VANDALS = [
    "flush ruleset", "delete table inet portcullis", "delete table netdev portcullis",
    "flush table inet portcullis", "flush chain inet portcullis in",
    "insert rule inet portcullis out accept", "add rule inet portcullis out accept",
    "insert rule inet portcullis in tcp dport { 22, 80 } accept",
    "add chain inet portcullis out { policy accept; }",
    "add table inet portcullis { flags dormant; }",
    "add element inet portcullis dns_ports { 54 }", "flush set inet portcullis dns_ports",
    "delete element inet portcullis neighbours6 { fe80::/10 }",
    "add element inet portcullis paused { ipv4 }",
    "add element inet portcullis endpoint4 { 198.51.100.1 . udp . 53 }",
    "add set inet portcullis more { type mark; }", "add chain inet portcullis more",
    "add chain inet portcullis more { type filter hook output priority -5; policy drop; }",
    "add counter inet portcullis more", "insert rule netdev portcullis egress accept",
    "flush chain netdev portcullis egress",
]


@pytest.mark.quiet
@pytest.mark.parametrize("vandal", VANDALS)
def test_foreign_change_is_noticed_and_undone(machine, start, vandal):
    tool = start("lack persist", "state locked", "assert", "watch")
    rules = machine.rules()
    machine.run("nft", vandal)
    milliseconds = tool.wait_foreign()
    assert machine.rules() == rules
    assert milliseconds < 100
    assert send(machine) == "refused"
    machine.run("nft", "add", "table", "ip", "other")
    tool.say("assert")
    assert tool.foreign == [], "other tables are none of our business"


@pytest.mark.parametrize("vandal", VANDALS)
def test_foreign_change_is_undone_unseen(machine, start, vandal):
    """Nothing watches for changes: the flip itself finds that the ruleset's generation has changed, and examines
    everything."""
    tool = start("lack persist", f"endpoint {ENDPOINT}", "state locked", "assert", "state dialling", "assert")
    rules = machine.rules()
    tool.say("state locked", "assert")
    machine.run("nft", vandal)
    tool.say("state dialling", "assert")
    assert machine.rules() == rules


GATEWAY_VANDALS = [
    "flush ruleset", "delete table bridge portcullis", "flush table bridge portcullis",
    "add rule bridge portcullis bridged accept", "add element bridge portcullis lan_side { eth1 }",
    "add element inet portcullis lan_side { eth0 }", "delete element inet portcullis lan_side { br0 }",
    "add element netdev portcullis lan_side { eth0 }", "flush chain inet portcullis translate",
    "insert rule inet portcullis translate accept", "add element inet portcullis clients4 { 198.51.100.0/24 }",
    "insert rule inet portcullis forward accept",
]


@pytest.mark.parametrize("vandal", GATEWAY_VANDALS)
def test_foreign_change_of_a_gateway_is_undone(machine, start, vandal):
    tool = start("lack persist", "lan_side br0 port1", "state locked", "assert", "watch")
    rules = machine.rules()
    machine.run("nft", vandal)
    assert tool.wait_foreign() < 100
    assert machine.rules() == rules


def test_what_was_a_gateway_is_one_no_more(machine, start):
    """The next daemon's configuration has no gateway: nothing of the old one is left, and the rules are again those of
    a machine without a gateway."""
    plain = start("state locked", "assert")
    rules = machine.rules()
    plain.kill()
    gateway = start("lan_side br0", "state locked", "assert")
    assert "table bridge portcullis" in machine.run("nft", "list", "ruleset").stdout
    gateway.kill()
    start("state locked", "assert")
    assert machine.rules() == rules
    assert "lan_side" not in machine.run("nft", "list", "ruleset").stdout


def test_gateway_without_bridges(machine, start):
    """An older kernel, or one built without bridge filtering: everything but row 15 is in force."""
    tool = start("lack bridge", "lan_side br0", "state locked", "assert")
    text = machine.run("nft", "list", "ruleset").stdout
    assert "table bridge" not in text and "iifname @lan_side" in text
    tool.say("state locked", "assert")


def test_other_shape_is_repaired_in_place(machine, start):
    """A table of our name whose contents differ, as an older version of ours would leave it."""
    machine.nft("table inet portcullis { set tunnel_link { type ipv4_addr; } chain gone { drop; }"
                " quota blocked { over 1 mbytes; } map old { type mark : verdict; elements = { 1 : goto gone }; }"
                " chain in { type filter hook input priority 0; policy accept; ip saddr @tunnel_link jump gone; }"
                " chain stop { type filter hook output priority 0; policy accept; quota name blocked accept; } }")
    handle = re.search(r"# handle (\d+)", machine.run("nft", "-a", "list", "table", "inet", "portcullis").stdout)
    tool = start("state locked", "assert")
    ours = machine.rules()
    assert handle.group(1) == machine.handles()[0]
    inet = machine.run("nft", "list", "table", "inet", "portcullis").stdout
    assert "owner" not in inet, "owner without persist would fail open"
    tool.say("remove", "assert")
    assert "owner" in machine.run("nft", "list", "table", "inet", "portcullis").stdout
    assert machine.rules() == ours


def rules_before(machine):
    """Loads the tables of 0.1.0, in which the set of the tunnel is called `tunnel`. nft reads that as a keyword, so the
    text has another name for it; it makes no difference to the kernel."""
    with open(f"{HERE}/rules_before.nft", encoding="utf-8") as file:
        text = file.read()
    if machine.run("nft", "-c", "-f", "-", check=False, input="table inet t { set tunnel { type iface_index; }; }").returncode == 0:
        return text, "tunnel"
    return re.sub(r"(set |@)tunnel\b", r"\1tunnel_before", text), "tunnel_before"


def test_rules_of_the_version_before(machine, start, flood_program):
    """An upgrade: the tables of 0.1.0, one set of which has a name that nft 1.1.7 reads as a keyword, become ours in
    place, while a program sends as fast as the machine can."""
    before, name = rules_before(machine)
    sender = machine.popen(flood_program, "-4", "192.0.2.1", "-t", "1", stdout=subprocess.PIPE, text=True)
    assert int(sender.communicate()[0].split("\n")[-2].split()[1]) > 1000, "the control"
    machine.run("nft", "-f", "-", input=before)
    sender = machine.popen(flood_program, "-4", "192.0.2.1", "-t", "60", stdout=subprocess.PIPE, text=True)
    for _ in range(10):
        machine.run("nft", "-f", "-", input=before)
        assert f"set {name} {{" in machine.run("nft", "list", "ruleset").stdout
        tool = start("lack persist", "state locked", "assert")
        listed = machine.run("nft", "list", "ruleset").stdout
        assert f"set {name} {{" not in listed and "set tunnel_link {" in listed
        tool.kill()
    sender.terminate()
    attempts, taken = map(int, sender.communicate()[0].split("\n")[-2].split()[:2])
    assert attempts > 10000 and taken == 0


@pytest.mark.parametrize("moment", ["flip-before-send", "flip-after-send", "flip-before-readback"])
@pytest.mark.parametrize("first", [True, False])
def test_killed_in_a_flip(machine, start, moment, first):
    lines = ["state locked"] if first else ["state locked", "assert", f"endpoint {ENDPOINT}", "state dialling"]
    tool = start(*lines)
    tool.say(f"kill_at {moment}")
    tool.process.stdin.write(b"assert\n")
    tool.process.stdin.flush()
    assert tool.process.wait(10) == -signal.SIGKILL
    if first and moment == "flip-before-send":
        assert machine.run("nft", "list", "ruleset").stdout == ""
    else:
        assert send(machine) == "refused"
    again = start("state locked", "assert")
    assert again.say("owner") == str(again.process.pid)
    assert "192.0.2.1" not in machine.run("nft", "list", "ruleset").stdout
    assert send(machine) == "refused"


# --- links -------------------------------------------------------------------------

def devices(machine):
    out = machine.run("nft", "list", "table", "netdev", "portcullis").stdout
    return sorted(re.findall(r"hook egress device \"(\S+)\"", out))


def test_links_come_and_go(machine, start):
    tool = start("lack every_link", "links eth0 eth1 eth9", "state locked", "assert")
    assert devices(machine) == ["eth0", "eth1"]
    machine.ip("link add eth9 type veth peer name eth10")
    tool.say("assert")
    assert devices(machine) == ["eth0", "eth1", "eth9"]
    machine.ip("link del eth9")
    tool.say("assert")
    assert devices(machine) == ["eth0", "eth1"]
    machine.ip("link add eth9 type veth peer name eth10")  # the same name, another link
    tool.say("assert")
    assert devices(machine) == ["eth0", "eth1", "eth9"]
    tool.say("links eth1", "assert")
    assert devices(machine) == ["eth1"]


def test_link_is_renamed(machine, start):
    tool = start("lack every_link", "state locked", "assert")
    assert send_frame(machine, "eth0", 0x0800) is False
    machine.ip("link set eth0 down", "link set eth0 name lan0", "link set lan0 up")
    tool.say("links lan0 eth1", "assert")
    assert devices(machine) == ["eth1", "lan0"]
    assert send_frame(machine, "lan0", 0x0800) is False


def test_more_links_than_a_situation_holds(machine, start):
    """Every link is covered, both where one chain is for all links and where each link needs its own."""
    machine.ip(*[f"link add many{i} type veth peer name other{i}" for i in range(35)])
    names = [*(f"many{i}" for i in range(35)), *(f"other{i}" for i in range(35))]
    tool = start("lack every_link", f"links {' '.join(names[:30])}", "links_left_out", "state locked", "assert")
    assert devices(machine) == sorted(["eth0", "eth1", *names, "tun7"])
    machine.ip("link add late0 type veth peer name late1")
    tool.say("assert")
    assert devices(machine) == sorted(["eth0", "eth1", "late0", "late1", *names, "tun7"])
    assert send_frame(machine, "eth0", 0x0800) is False
    tool.say("tunnel tun7 10.8.0.2", "assert")
    assert "tun7" not in devices(machine)


# --- real packets ----------------------------------------------------------------------

def send_datagram(group):
    os.setgid(group)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        try:
            out.sendto(b"out", ("192.0.2.1", 1194))
        except PermissionError:
            return "refused"
    return "sent"


def send(machine, group=0):
    """A datagram to the router from a process in that group: `arrived` or `refused`."""
    with machine.router.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
        inside.bind(("192.0.2.1", 1194))
        inside.settimeout(5)
        result = machine.call(send_datagram, group)
        if result == "sent":
            inside.recvfrom(100)
            return "arrived"
        return result


def put_frames(link, frames, mark=0):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        if mark:
            out.setsockopt(socket.SOL_SOCKET, 36, mark)
        for frame, protocol in frames:
            try:
                out.sendto(frame, (link, protocol))
            except OSError:
                pass  # a drop at egress is reported as ENOBUFS


def send_frame(machine, link, ether_type, claimed=None):
    """Does a frame from a packet socket reach the router? An ARP frame sent after it marks the end of the wait."""
    frame = b"\xff" * 6 + b"\x02" + b"\0" * 5 + struct.pack("!H", ether_type) + b"E\0" + b"probe" * 12
    marker = b"\xff" * 6 + b"\x02" + b"\0" * 5 + struct.pack("!H", 0x0806) + b"marker" * 8
    with machine.router.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as inside:
        inside.bind(("r0", 3))
        inside.settimeout(5)
        machine.call(put_frames, link, [(frame, claimed or ether_type), (marker, 0x0806)])
        while True:
            got = inside.recv(2000)
            if b"probeprobe" in got:
                return True
            if b"markermarker" in got:
                return False


def test_packets(machine, start):
    assert send(machine) == "arrived", "the control"
    assert send_frame(machine, "eth0", 0x0800) is True, "the control"
    tool = start("state locked", "assert")
    assert send(machine) == "refused" and send(machine, GROUP) == "refused"
    assert int(tool.say("blocked")) >= 2
    tool.say(f"endpoint {ENDPOINT}", "state dialling", "assert")
    assert send(machine, GROUP) == "arrived" and send(machine) == "refused"
    tool.say("state locked", "assert")
    assert send(machine, GROUP) == "refused"
    tool.say("remove")
    assert send(machine) == "arrived"


def test_frames(machine, start):
    assert send_frame(machine, "eth0", 0x86dd) is True, "the control"
    tool = start("state locked", "assert")
    before = int(tool.say("blocked"))
    for ether_type in (0x0800, 0x86dd, 0x8863, 0x88b5):
        assert send_frame(machine, "eth0", ether_type) is False
        assert send_frame(machine, "eth0", ether_type, claimed=0x0806) is False, "a lie about the protocol"
    assert int(tool.say("blocked")) >= before + 8
    for ether_type in (0x0806, 0x888e, 0x88c7):
        assert send_frame(machine, "eth0", ether_type) is True


PPPOE_DISCOVERY, PPPOE_SESSION, SLOW, VLAN = 0x8863, 0x8864, 0x8809, 0x8100
LACP_GROUP, BROADCAST = bytes.fromhex("0180c2000002"), b"\xff" * 6


def session(protocol, head=b"\x11\0"):
    """The headers of PPPoE and of PPP's protocol, then the token."""
    return head + struct.pack("!HHH", 7, 60, protocol)


# (kind of uplink, type, what the socket claims, destination, what follows the type). For each kind: the frames that
# pass if it is configured, and frames that only pretend to be such, which never pass.
CONTROL = {
    "PADI": ("pppoe", PPPOE_DISCOVERY, None, BROADCAST, b"\x11\x09\0\0\0\x40"),
    **{f"PPP {protocol:04x}": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(protocol))
       for protocol in (0xc021, 0xc023, 0xc025, 0xc223, 0xc227, 0x8021, 0x8057)},
    "LACP": ("lacp", SLOW, None, LACP_GROUP, b"\x01\x01"),
    "OAM": ("lacp", SLOW, None, LACP_GROUP, b"\x03\0"),
}
PRETENDERS = {
    "IPv4 within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x0021)),
    "IPv6 within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x0057)),
    "compressed IP within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x00fd)),
    "compression control": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x80fd)),
    "VJ within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x002d)),
    "MPLS within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x0281)),
    "bridged frames within": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0x0031)),
    "another version": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0xc021, b"\x22\0")),
    "another code": ("pppoe", PPPOE_SESSION, None, BROADCAST, session(0xc021, b"\x11\x09")),
    "a protocol of one byte": ("pppoe", PPPOE_SESSION, None, BROADCAST, b"\x11\0\0\x07\0\x3c\x21\x45"),
    "discovery of another version": ("pppoe", PPPOE_DISCOVERY, None, BROADCAST, b"\x45\0\0\x40"),
    "IP that says it is discovery": ("pppoe", 0x0800, PPPOE_DISCOVERY, BROADCAST, b"\x11\x09"),
    "discovery that says it is ARP": ("lacp", PPPOE_DISCOVERY, 0x0806, BROADCAST, b"\x11\x09"),
    "discovery inside a tag": ("pppoe", VLAN, None, BROADCAST, b"\0\x07\x88\x63\x11\x09"),
    "a session inside a tag, said to be one": ("pppoe", VLAN, PPPOE_SESSION, BROADCAST, b"\0\x07\x88\x64" + session(0xc021)),
    "slow protocols to everybody": ("lacp", SLOW, None, BROADCAST, b"\x01\x01"),
    "slow protocols to somebody": ("lacp", SLOW, None, b"\x02\0\0\0\0\1", b"\x01\x01"),
    "slow protocols to another group": ("lacp", SLOW, None, bytes.fromhex("0180c2000003"), b"\x01\x01"),
    "IP to the slow protocols' address": ("lacp", 0x0800, None, LACP_GROUP, b"E\0"),
    "IP that says it is slow": ("lacp", 0x0800, SLOW, LACP_GROUP, b"E\0"),
    "LACP inside a tag": ("lacp", VLAN, SLOW, LACP_GROUP, b"\0\x07\x88\x09\x01\x01"),
}


def frames_that_leave(machine, frames, mark=0):
    """The names of the frames that reach the far end; an ARP frame marks the end."""
    sent = [(destination + b"\x02" + b"\0" * 5 + struct.pack("!H", kind) + body + b"NAME:" + name.encode() + b":" + bytes(40),
             claimed or kind) for name, (_, kind, claimed, destination, body) in frames.items()]
    sent.append((BROADCAST + b"\x02" + b"\0" * 5 + b"\x08\x06" + b"NAME:end:" + bytes(40), 0x0806))
    found = set()
    with machine.router.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as inside:
        inside.bind(("r0", 3))
        inside.settimeout(5)
        machine.call(put_frames, "eth0", sent, mark)
        while "end" not in found:
            found.update(name.decode() for name in re.findall(rb"NAME:([^:]+):", inside.recv(2000)))
    return found - {"end"}


@pytest.mark.parametrize("chain", ["each", "every_link"], ids=["a chain each", "one chain, where the kernel has it"])
@pytest.mark.parametrize("kind", ["none", "pppoe", "lacp"])
def test_control_frames_of_uplinks(machine, start, kind, chain):
    """The frames that an uplink of this kind needs to come up pass if it is configured. Frames that only pretend to be
    such never do."""
    frames = {**CONTROL, **PRETENDERS}
    assert frames_that_leave(machine, frames) == set(frames), "control: without the gate"
    tool = start("lack every_link" if chain == "each" else chain, f"uplink {kind}", "state locked")
    if "Invalid argument" in tool.ask("assert"):
        pytest.skip("this kernel has no chain for every link")
    assert frames_that_leave(machine, frames) == {name for name in CONTROL if CONTROL[name][0] == kind}
    # With the mark IPv4 leaves: a packet that the rows let out by a PPP link still has it at the link below. Root can
    # set it too.
    assert "IPv4 within" in frames_that_leave(machine, frames, mark=0x706f7274)


def test_nothing_passes_while_it_is_written(machine, start, flood_program):
    """Flips, repairs in place and adoptions, while a program sends as fast as the machine can."""
    sender = machine.popen(flood_program, "-4", "192.0.2.1", "-t", "1", stdout=subprocess.PIPE, text=True)
    assert int(sender.communicate()[0].split("\n")[-2].split()[1]) > 1000, "the control"
    tool = start(f"endpoint {ENDPOINT}", "lack persist", "state locked", "assert")
    sender = machine.popen(flood_program, "-4", "192.0.2.1", "-t", "60", stdout=subprocess.PIPE, text=True)
    for round_ in range(60):
        if round_ % 3 == 0:  # this is harmless, but everything is written again
            machine.run("nft", "add rule inet portcullis out accept;"
                               "add chain inet portcullis in { policy accept; };"
                               "add rule netdev portcullis egress accept")
        tool.say("state dialling", "assert", "state locked", "assert")
        if round_ % 10 == 0:
            tool.kill()
            tool = start(f"endpoint {ENDPOINT}", "lack persist", "state locked", "assert")
    sender.terminate()
    attempts, taken = map(int, sender.communicate()[0].split("\n")[-2].split()[:2])
    assert attempts > 10000 and taken == 0


def test_pause_ends_by_itself(machine, start):
    tool = start("state locked", "assert")
    assert send(machine) == "refused"
    tool.say("pause 1")
    assert send(machine) == "arrived" and send_frame(machine, "eth0", 0x0800) is True
    tool.kill()
    wait_for(lambda: send(machine) == "refused", "the pause's end", 5)
    assert send_frame(machine, "eth0", 0x0800) is False


def test_pause_is_ended_by_any_policy(machine, start):
    tool = start("state locked", "assert", "pause 3600")
    assert send(machine) == "arrived"
    tool.say("pause 1800", "forget")
    assert send(machine) == "arrived"
    tool.say("assert")
    assert send(machine) == "refused" and send_frame(machine, "eth0", 0x0800) is False


def test_no_user_but_root(machine, nft_console):
    """A copy that everybody may execute, so that no folder of the machine has to be made accessible."""
    tool = shutil.copy(nft_console, "/run/e2e/nft_console")

    def ask():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        return subprocess.run([tool], input="links\nstate locked\nassert\n", stdout=subprocess.PIPE, text=True,
                              check=False).stdout
    os.chmod(tool, 0o755)
    assert "error the kernel's nftables: only root may\n" in machine.call(ask)


# --- time -----------------------------------------------------------------------------

@pytest.mark.quiet
def test_flip_is_as_fast_as_an_element(machine, start):
    tool = start(f"endpoint {ENDPOINT}")
    found = re.fullmatch(r"bare=(\d+) flip=(\d+) verified=(\d+) ns", tool.say("bench 500"))
    bare, flip, verified = map(int, found.groups())
    print(f"\nbare element {bare / 1000} us, flip to its answer {flip / 1000} us ({flip / bare:.2f} times), "
          f"with reading back {verified / 1000} us (with sanitizers)")
    assert flip < 10 * bare
