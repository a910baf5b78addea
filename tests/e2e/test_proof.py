"""`open` is proven, and stays proven: what others do to addresses, routes and rules while the tunnel is up. Each is first
done while the daemon is stopped, where it must kill the tunnel; then the daemon must repair it, or shut and say why."""
import os
import signal
import subprocess
import time

import pytest

from netns import wait_for
from test_flow import gets_inside
from test_routes import TABLE, goes, ours
from wire import Endpoint
from world import (HOST4, INTERNET4, INTERNET6, NOBODY, ROOT, ROUTER4, ROUTER6, SERVER4, SERVERS, TUNNEL4, Server, ask_udp, send_udp)

OTHER = "192.168.50.99"  # nobody has it
MISSING, FOREIGN = "is missing", "comes before the gate's"


def carries(world):
    """One datagram of each family, there and back."""
    return all(world.host.call(ask_udp, address, 5300, b"INSIDE", 0.4, uid=NOBODY) == b"INSIDE"
               for address in (INTERNET4, INTERNET6))


def both(line):
    """The same line for both families."""
    return [f"-4 {line}", f"-6 {line}"]


def do(host, lines, live=False):
    """Each line by a program of its own, as a person would. A `live` gate may have taken the device away by the second."""
    for i, line in enumerate(lines):
        done = host.run("ip", *line.split(), check=False)
        assert done.returncode == 0 or (live and i > 0 and "Cannot find device" in done.stderr), f"{line}: {done.stderr}"


class Case:
    """What somebody does, how it is taken back if it is not ours to repair, and what the gate does."""

    def __init__(self, lines, back=(), ends="repaired", words="", dead=carries):
        self.lines, self.back, self.ends, self.words, self.dead = lines, back, ends, words, dead


def has_mtu(world):
    return "mtu 1500" in world.host.run("ip", "link", "show", "tun0").stdout


CASES = {
    # our default in our table
    "default removed": Case(both(f"route del default dev tun0 table {TABLE}"), words=MISSING),
    "default replaced": Case([f"-4 route replace default via {ROUTER4} dev eth0 metric 1 table {TABLE} proto 87",
                              f"-6 route replace default via {ROUTER6} dev eth0 metric 1 table {TABLE} proto 87"], words=MISSING),
    "default better": Case([f"-4 route add 128.0.0.0/1 via {ROUTER4} dev eth0 table {TABLE} proto 87",
                            f"-6 route add 2000::/3 via {ROUTER6} dev eth0 table {TABLE} proto 87"], words="in the gate's name"),
    "default lower metric": Case([f"-4 route add default via {ROUTER4} dev eth0 metric 0 table {TABLE}"],
                                 words="in the gate's name"),
    # the rules that lead there
    "rule removed": Case(both("rule del pref 15"), words="rule 15 is missing"),
    # Ours comes back behind it: at the same priority the older one is asked first.
    "rule replaced": Case(["rule add pref 15 lookup main", f"rule del pref 15 lookup {TABLE}"], ["rule del pref 15 lookup main"],
                          "shut", "ip rule del pref 15"),
    "rule better": Case(["rule add pref 5 lookup main"], ["rule del pref 5"], "shut", f"{FOREIGN}; instead: remove it (ip rule del pref 5)"),
    "rule better 6": Case(["-6 rule add pref 0 lookup main"], ["-6 rule del pref 0 lookup main"], "shut", "ip -6 rule del pref 0"),
    "rule that forbids": Case(["rule add pref 9 prohibit"], ["rule del pref 9"], "shut", "ip rule del pref 9"),
    "rule for a port": Case(["rule add pref 3 ipproto udp dport 53 lookup main", "rule add pref 3 ipproto udp dport 5300 lookup main"],
                            ["rule del pref 3", "rule del pref 3"], "shut", FOREIGN),
    # the way of openvpn's packets
    "endpoint's rule removed": Case(["rule del pref 13 uidrange 64002-64002"], words="rule 13 is missing", dead=None),
    "endpoint's rule replaced": Case(["rule del pref 13 uidrange 64002-64002", f"rule add pref 13 uidrange 64002-64002 lookup {TABLE} proto 87"],
                                     words="rule 13", dead=None),
    "endpoint's rule better": Case([f"rule add pref 5 to {SERVER4} lookup {TABLE}"], ["rule del pref 5"], "shut",
                                   f"server {SERVER4} into the tunnel itself"),
    "endpoint better": Case([f"route add {SERVER4} dev tun0"], [f"route del {SERVER4} dev eth0", f"route del {SERVER4}"], "shut",
                            f"server {SERVER4} into the tunnel itself"),
    "endpoint forbidden": Case([f"route add prohibit {SERVER4}"], [f"route del prohibit {SERVER4}"], "shut",
                               f"from the server {SERVER4}: Permission denied"),
    "endpoint is here": Case([f"route add local {SERVER4} dev lo table local"], [f"route del local {SERVER4} dev lo table local"], "shut",
                             f"server {SERVER4} to this machine itself"),
    # the machine's default route, on which only openvpn goes
    "main removed": Case([f"route del default via {ROUTER4}"], [f"route add default via {ROUTER4}"], "told", "no route to the server"),
    "main better": Case(["route add 0.0.0.0/1 dev tun0", "route add 128.0.0.0/1 dev tun0"],
                        ["route flush 0.0.0.0/1", "route flush 128.0.0.0/1"], "shut", "into the tunnel itself"),
    # the tunnel's address
    "address removed": Case([f"addr del {TUNNEL4}/24 dev tun0"]),
    "address replaced": Case(["addr flush dev tun0", "addr add 10.8.0.99/24 dev tun0"]),
    "address better": Case([f"addr add {TUNNEL4}/24 dev eth0"], [f"addr del {TUNNEL4}/24 dev eth0"], "shut",
                           f"{TUNNEL4} is the address of eth0, and the server gives it to tun0 too; instead: give eth0 another", dead=None),
    "address not local": Case([f"route del table local local {TUNNEL4} dev tun0"], [], "redialled",
                              f"what comes out of tun0 for {TUNNEL4} is"),
    "address elsewhere": Case(["route add local 128.0.0.0/2 dev lo table local", "route add local 192.0.0.0/4 dev lo table local"],
                              ["route del local 128.0.0.0/2 dev lo table local", "route del local 192.0.0.0/4 dev lo table local"],
                              "shut", "leads to this machine itself"),
    "address behind a black hole": Case(["route add blackhole 128.0.0.0/1 table local"], ["route del blackhole 128.0.0.0/1 table local"],
                       "shut", "leads nowhere"),
    # the device
    "mtu smaller": Case(["link set tun0 mtu 1280"], dead=has_mtu, words="MTU 1280"),
    "mtu larger": Case(["link set tun0 mtu 9000"], dead=has_mtu, words="MTU 9000"),
    "device down": Case(["link set tun0 down"], [], "redialled", "tun0 is down"),
    "device removed": Case(["link del tun0"], [], "redialled", "gone"),
    "device replaced": Case(["link del tun0", "tuntap add tun0 mode tun", "link set tun0 up"], ["link del tun0"], "shut", ""),
    "device renamed": Case(["link set tun0 down", "link set tun0 name tun9"], [], "redialled", "gone"),
}


def standing(host):
    """Ours, in no order: at the same priority rules have the order in which they came."""
    return [sorted(part) if isinstance(part, list) else part for part in ours(host)]


class Told:
    """Was it logged since now?"""

    def __init__(self, gate, words):
        self.gate, self.words, self.before = gate, words, gate.log().count(words)

    def __call__(self):
        return not self.words or self.gate.log().count(self.words) > self.before


def check_shut(gate, case, told):
    """Shut, and the reason was told; once it is taken back, the tunnel is up."""
    reasons = []

    def shut():
        status = gate.status()
        reasons.append(str(status["reason"]))
        return status["gate"] != "open" and gate.kernel_gate() != "open"
    wait_for(shut, lambda: gate.told("it is still open"), 20)
    assert told() or any(case.words in reason for reason in reasons), gate.told(case.words)
    for line in case.back:
        gate.host.run("ip", *line.split(), check=False)
    gate.wait(gate="open", seconds=20)


def run_case(world, gate, case, live):
    before, openvpn = standing(world.host), gate.openvpn()
    told, restored = Told(gate, case.words), Told(gate, "restored and verified")
    if not live:
        os.kill(gate.pid, signal.SIGSTOP)  # it sees nothing until it continues
    do(world.host, case.lines, live)
    if not live:
        # The control: without the daemon this is a dead tunnel.
        if case.dead is not None:
            assert not case.dead(world), "control"
        os.kill(gate.pid, signal.SIGCONT)
    if case.ends == "shut":
        check_shut(gate, case, told)
    elif case.ends == "told":  # the session lives on; the status says what is wrong meanwhile
        wait_for(lambda: case.words in str(gate.status()["reason"]), lambda: gate.told(case.words), 2)
        do(world.host, case.back)
        wait_for(lambda: case.words not in str(gate.status()["reason"]), lambda: gate.told(case.words), 2)
    elif case.ends == "redialled":
        wait_for(lambda: gate.openvpns() not in ([], [openvpn]), lambda: gate.told("redialled"))
        gate.wait(gate="open")
        assert told(), gate.told(case.words)
    else:
        wait_for(lambda: standing(world.host) == before, lambda: gate.told(str(standing(world.host))), 2)
        wait_for(lambda: restored() and told(), lambda: gate.told(case.words), 2)
        assert gate.openvpn() == openvpn and gate.status()["gate"] == "open", gate.told()
    assert gets_inside(world), gate.told()


@pytest.mark.parametrize("part", sorted({what.split()[0].split("'")[0] for what in CASES}))
def test_what_others_do_to_an_open_gate(world, portcullis, sampled, part):
    """Removed, replaced, or something better added: it is repaired, or redialled, or the gate is shut and says why; never
    open over a dead tunnel, and nothing in clear."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        for what in sampled([what for what in CASES if what.startswith(part)], 1):
            for live in (False, True):
                print(what, "live" if live else "while the daemon is stopped")
                run_case(world, gate, CASES[what], live)
        wire.assert_clean()


def test_a_router_that_is_none(world, portcullis, sampled):
    """The machine's default route leads to nobody: openvpn's own ping decides, and the gate shuts. Takes its time."""
    for _ in sampled([1], 0):
        with world.wire("udp") as wire:
            gate = portcullis().start_open()
            do(world.host, [f"route replace default via {OTHER} dev eth0"])
            wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 60)
            do(world.host, [f"route replace default via {ROUTER4} dev eth0"])
            gate.wait(gate="open", seconds=20)
            assert gets_inside(world), gate.told()
            wire.assert_clean()


# --- at the dial and before the flip

BEFORE = {"rule": CASES["rule better"], "rule 6": CASES["rule better 6"],
          "black hole": Case(["route add blackhole 11.0.0.0/8 table local"], ["route del blackhole 11.0.0.0/8 table local"],
                             "shut", "the way to 11.0.0.1 leads nowhere, not into tun0: Invalid argument")}


def test_what_stands_before_the_gate_opens(world, portcullis, sampled):
    """It was there first: the gate does not open, says why, and wastes one log-in on it at most. Once it is gone, the gate
    opens at once, long before the next attempt would be due."""
    with world.wire("udp") as wire:
        gate = portcullis()
        for case in sampled(BEFORE.values(), 1):
            do(world.host, case.lines)
            gate.start()
            wait_for(lambda: case.words in (gate.status()["reason"] or ""), lambda: gate.told(case.words))  # pylint: disable=cell-var-from-loop
            with open(f"{ROOT}/server-udp.log", encoding="utf-8") as file:
                file.seek(0, 2)
                wait_for(lambda: gate.status()["attempt"] >= 4, lambda: gate.told("attempts"), 20)
                assert "Peer Connection Initiated" not in file.read()
            assert gate.kernel_gate() == "locked", gate.told()
            do(world.host, case.back)
            gate.wait(gate="open", seconds=2)
            assert gets_inside(world)
            gate.stop()
        wire.assert_clean()


# --- what has a say, and takes nothing away

HARMLESS = {
    "a rule for a mark": (["rule add pref 5 fwmark 7 lookup main"], []),
    "rp_filter": ([], ["net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.tun0.rp_filter=1"]),
    "forwarding": ([], ["net.ipv4.conf.tun0.forwarding=1", "net.ipv6.conf.tun0.forwarding=1"]),
    "a LAN's own rule": (["rule add pref 5 to 192.168.50.0/24 lookup main"], []),
    "a documentation address of its own": (["addr add 192.0.2.1/32 dev lo", "addr add 198.51.100.1/32 dev eth0",
                                            "-6 addr add 2001:db8::1/128 dev lo"], []),
}


def test_what_takes_nothing_away(world, portcullis):
    gate = portcullis().start_open()
    before = gate.openvpn()
    for what, (lines, settings) in HARMLESS.items():
        do(world.host, lines)
        world.host.sysctl(*settings)
        assert gets_inside(world), gate.told(what)
        assert gate.status()["gate"] == "open" and gate.openvpn() == before, gate.told(what)
        assert "changed our routes" not in gate.log(), gate.told(what)
    # Nor does it keep a new attempt from opening.
    gate.ctl("reconnect", "--wait", check=True)
    gate.wait(gate="open")
    assert gets_inside(world), gate.told()


def test_ipv6_that_is_switched_off_for_the_device(world, portcullis):
    """The address can't be set again: shut, and a new device has it again."""
    gate = portcullis().start_open()
    before = gate.openvpn()
    world.host.sysctl("net.ipv6.conf.tun0.disable_ipv6=1")
    wait_for(lambda: gate.openvpns() not in ([], [before]), lambda: gate.told("redialled"))
    gate.wait(gate="open")
    assert "tun0: setting its IPv6 address: Permission denied" in gate.log(), gate.told()
    assert gets_inside(world), gate.told()


# --- routes in our table that are hard to name

STRANGE = {
    "by a nexthop object": [f"nexthop add id 7 via {ROUTER4} dev eth0", f"route add {INTERNET4} nhid 7 table {TABLE} proto 87",
                            f"-6 nexthop add id 8 via {ROUTER6} dev eth0", f"-6 route add {INTERNET6} nhid 8 table {TABLE} proto 87"],
    "by many routers": ["route add 198.51.100.0/24 table " + TABLE + " proto 87"
                        + "".join(f" nexthop via 192.168.50.{n} dev eth0" for n in range(100, 160))],
    "of another type": [f"route add blackhole {INTERNET4} table {TABLE}", f"-6 route add prohibit {INTERNET6} table {TABLE}"],
    "with a metric of its own": [f"route add {INTERNET4} via {ROUTER4} dev eth0 table {TABLE} metric 77 mtu lock 1200 tos 0x10"],
}


@pytest.mark.parametrize("state", ["open", "shut"])
def test_routes_in_our_table_that_are_hard_to_name(world, portcullis, state):
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        if state == "shut":
            gate.ctl("down", "--wait", check=True)
        before = standing(world.host)
        for what, lines in STRANGE.items():
            told = Told(gate, "restored and verified")
            do(world.host, lines)
            wait_for(lambda: told() and standing(world.host) == before, lambda: gate.told(f"{what}: {standing(world.host)}"), 2)  # pylint: disable=cell-var-from-loop
        if state == "shut":
            gate.ctl("up", check=True)
        gate.wait(gate="open")
        assert gets_inside(world), gate.told()
        wire.assert_clean()


# --- who does it, and a fight

SWEEPER = """
import os, socket, struct, sys, time
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((os.getpid(), 0))
for _ in range(int(sys.argv[1])):
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 0, 0, 0, 0, 0) + struct.pack("=HHI", 8, 15, 8787) + struct.pack("=HHI", 8, 6, 1)
    s.send(struct.pack("=IHHII", 16 + len(body), 25, 1, 1, 0) + body)
    time.sleep(float(sys.argv[2]))
print("done", flush=True)
sys.stdin.read()
"""


def sweeper(world, times, pause):
    """Deletes our default route so many times."""
    return world.host.popen("/usr/bin/python3", "-c", SWEEPER, str(times), str(pause), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def test_who_does_it_is_named(world, portcullis):
    gate = portcullis().start_open()
    hand = sweeper(world, 3, 0.2)
    assert hand.stdout.readline() == "done\n"
    name = f"python3 (process {hand.pid})"
    wait_for(lambda: f"somebody else ({name}) changed our routes or our device (3 so far)" in gate.status()["reason"],
             lambda: gate.told(name))
    hand.kill()
    assert gate.status()["gate"] == "open" and gets_inside(world), gate.told()
    # One that is gone by then is not mistaken for another.
    before = gate.log().count("restored and verified")
    world.host.run("ip", "route", "flush", "table", TABLE)
    wait_for(lambda: gate.log().count("restored and verified") > before, lambda: gate.told())
    last = [line for line in gate.log().splitlines() if "restored and verified" in line][-1]
    assert "which has ended)" in last or "ip (process" in last or "perhaps ip (process" in last, last


@pytest.mark.quiet
def test_a_fight_is_ended(world, portcullis):
    """Somebody who removes our route again and again: the gate shuts and says who; it costs little time; nothing is dialled
    meanwhile. When he stops, the tunnel is up again."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        hand = sweeper(world, 1000000, 0.001)
        wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("it shuts"), 5)
        wait_for(lambda: "keeps changing the gate's routes or device" in gate.status()["reason"]
                 and f"python3 (process {hand.pid})" in gate.status()["reason"], lambda: gate.told(str(gate.status())), 5)
        before, began = time_used(gate.pid), time.monotonic()
        wait_for(lambda: time.monotonic() - began > 3, "three seconds of it")
        assert time_used(gate.pid) - before < 1.5, "it costs bounded time"
        assert not gate.openvpns() and gate.kernel_gate() == "locked"
        hand.kill()
        gate.wait(gate="open", seconds=15)
        assert gets_inside(world), gate.told()
        wire.assert_clean()


def time_used(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.quiet
def test_how_fast_it_is_repaired(world, portcullis):
    """From the kernel's notice that it is gone to that by which it is back."""
    gate = portcullis().start_open()
    for what in ("default removed", "rule removed", "address removed", "mtu larger"):
        count = gate.log().count("restored and verified")
        monitor = world.host.popen("ip", "-ts", "monitor", "rule", "route", "address", "link", stdout=subprocess.PIPE, text=True)
        wait_for(lambda: "ip" in world.host.run("sh", "-c", "grep -c . /proc/net/netlink >/dev/null; echo ip").stdout, "monitor")
        before = standing(world.host)
        do(world.host, CASES[what].lines)
        wait_for(lambda: standing(world.host) == before and gate.log().count("restored and verified") > count,  # pylint: disable=cell-var-from-loop
                 lambda: gate.told(what), 2)  # pylint: disable=cell-var-from-loop
        monitor.terminate()
        stamps = [line[1:].split("]")[0] for line in monitor.communicate()[0].splitlines() if line.startswith("[20")]
        seconds = [int(s[11:13]) * 3600 + int(s[14:16]) * 60 + float(s[17:]) for s in stamps]
        took = max(seconds) - min(seconds) if seconds else 0.0
        print(f"{what}: repaired after {took * 1000:.1f} ms")
        assert 0 < took < 0.1, (what, stamps)


# --- a local network that is the VPN's own

@pytest.fixture
def lan_is(world):
    """The machine's network is another one, behind a router that translates addresses."""
    added = []

    def change(address, router):
        length = address.split("/")[1]
        world.rtr.ip(f"address add {router}/{length} dev r0")
        added.append(f"{router}/{length}")
        world.rtr.nft("table ip behind { chain post { type nat hook postrouting priority 100; oif r1 masquerade; } }")
        world.host.ip(f"address del {HOST4}/24 dev eth0", f"address add {address} dev eth0", f"route replace default via {router} dev eth0")
    yield change
    world.rtr.run("nft", "delete", "table", "ip", "behind", check=False)
    for prefix in added:
        world.rtr.run("ip", "address", "del", prefix, "dev", "r0", check=False)


@pytest.mark.parametrize("lan", ["false", "true"])
def test_the_local_network_is_the_vpns_own(world, portcullis, lan, lan_is):
    """Both are 10.8.0.0/24: what is in it is the tunnel's. The router is still reached by openvpn and by DHCP's renewal."""
    lan_is("10.8.0.50/24", "10.8.0.1")
    assert goes(world.host, "10.8.0.77") == "eth0"  # control: before the gate
    with world.wire("udp") as wire:
        gate = portcullis(settings={"lan": lan}).start_open()
        assert goes(world.host, "10.8.0.77") == goes(world.host, "10.8.0.1") == goes(world.host, INTERNET4) == "tun0"
        assert goes(world.host, SERVER4, 64002) == "eth0"
        assert gets_inside(world), gate.told()
        assert world.host.call(ask_udp, "10.8.0.1", 5300, b"INSIDE", uid=NOBODY) in (b"INSIDE", None)
        world.host.call(send_udp, "10.8.0.1", 67, b"RENEW", None, 1, 68, uid=0)
        world.fence(wire)
        assert wire.seen(b"RENEW")
        gate.ctl("reconnect", "--wait", check=True)
        gate.wait(gate="open")
        assert gets_inside(world), gate.told()


@pytest.mark.parametrize("lan", ["false", "true"])
def test_the_local_network_is_inside_a_pushed_route(world, portcullis, lan):
    """The tunnel has it, and lan = true gives only what is left; the way to the server stays the network's."""
    SERVERS.setdefault("wide", Server("wide", Endpoint(SERVER4, 1235, "udp"), 38, ["--push", "route 192.168.0.0 255.255.0.0"]))
    with world.wire("wide") as wire:
        gate = portcullis("wide", settings={"lan": lan}).start_open()
        assert goes(world.host, "192.168.50.77") == goes(world.host, ROUTER4) == goes(world.host, "192.168.7.7") == "tun0"
        assert goes(world.host, "172.16.1.1") == ("eth0" if lan == "true" else "tun0")
        assert goes(world.host, SERVER4, 64002) == "eth0"
        assert gets_inside(world), gate.told()
        world.host.call(send_udp, "192.168.50.77", 5300, b"LOCAL", uid=NOBODY)
        world.fence(wire)
        assert not wire.seen(b"LOCAL")


def test_the_same_address_in_both(world, portcullis, lan_is):
    """The lease and the server give the same address. That is told by name, with what to do; the gate stays shut, and does
    not dial in a hurry. With another lease the tunnel is up."""
    lan_is(f"{TUNNEL4}/24", "10.8.0.1")
    gate = portcullis().start()
    words = f"{TUNNEL4} is the address of eth0, and the server gives it to tun0 too; instead: give eth0 another address"
    wait_for(lambda: words in (gate.status()["reason"] or ""), lambda: gate.told(words))
    began = time.monotonic()
    with gate.watch() as watch:
        while time.monotonic() - began < 3:
            said = watch.next(0.5)
            assert said is None or said["gate"] in ("locked", "dialling"), said
    assert gate.log().count("locked -> dialling") <= 12, gate.told("in a hurry")
    world.host.ip(f"address del {TUNNEL4}/24 dev eth0", "address add 10.8.0.51/24 dev eth0", "route replace default via 10.8.0.1 dev eth0")
    gate.wait(gate="open")
    assert gets_inside(world), gate.told()
