"""Chaos: a schedule of disturbances that a seed decides, the machine that they happen to, and the referee.

A disturbance is a generator: what happens before its `yield` disturbs, what comes after takes that back. A few overlap
in each episode; when the last has ended, the gate must be open, and carry, within the episode's bound."""
import collections
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

from chaos_programs import KINDS, KINDS_OF_ROOT, NOTES, TOKEN
from netns import wait_for
from test_robust import GARBAGE, connect_unix, fill, management_sockets
from wire import Endpoint, Wire
from world import (HERE, INTERNET4, INTERNET6, NOBODY, ROOT, ROUTER4, ROUTER6, SERVER4, SERVER6, SERVERS, Server)
from daemon import USER

# Seconds from the end of the disturbances to the first answer through the tunnel.
SAME, ELSEWHERE, BY_THE_DEAD_PEER_LIMIT = 2.0, 10.0, 15.0
# `open` may be said of a dead tunnel for so long: until the peer has been missed; if the kernel's own routing shows it, at
# most until it has been asked.
DEAD, DEAD_BY_ROUTE = 13.0, 2.0
# A connection that lasts for so long is a good one, after which the next attempt follows at once.
GOOD_RUN = 2.2
PROVIDER_TABLES = ("black_hole", "refusal")
SPEAKERS = (0, NOBODY, 1000, USER)
RESOLVER = ROUTER4

_PATIENT = ["--keepalive", "2", "10", "--explicit-exit-notify", "1"]
for _server in (Server("chaos-udp", Endpoint(SERVER4, 1206, "udp"), 20, _PATIENT),
                Server("chaos-tcp", Endpoint(SERVER4, 1206, "tcp"), 21, _PATIENT[:3]),
                Server("chaos-udp6", Endpoint(SERVER6, 1206, "udp"), 22, _PATIENT)):
    SERVERS[_server.name] = _server
NAMES = ("chaos-udp", "chaos-tcp", "chaos-udp6")

Lease = collections.namedtuple("Lease", "address4 gateways4 address6 gateways6")
LEASES = [
    Lease(f"192.168.{net}.{host}/24", (f"192.168.{net}.1", f"192.168.{net}.254"),
          f"2001:db8:{net}::{host}/64", (f"2001:db8:{net}::1", f"2001:db8:{net}::fe"))
    for net, host in ((50, 2), (50, 77), (44, 23), (60, 2))]
OTHER = LEASES.pop()  # the second link's


class ChaosWire(Wire):
    """What a program said is in clear wherever it is found, even in a packet to the server. Frames are not kept."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.keep, self.tokens = False, set()

    def classify(self, f):
        at = f.raw.find(TOKEN)
        if at < 0:
            return super().classify(f)
        self.tokens.add(f.raw[at:f.raw.index(b";", at) + 1])
        return "clear"


# --- the machine

class Machine:
    """The machine, a simple network manager, the programs that send, and what the referee reads."""

    def __init__(self, world, gate, logs):
        self.world, self.gate, self.host, self.logs = world, gate, world.host, logs
        self.lease, self.gateway, self.ipv6, self.away, self.uplinks = 0, 0, True, False, {"eth0"}
        self.given = None  # the lease that eth0 has
        self.notes, self.lies = f"{ROOT}/chaos.notes", f"{ROOT}/chaos.lies"
        for path, size in ((self.notes, NOTES.size), (self.lies, 0)):
            with open(path, "wb") as file:
                file.write(bytes(size))
            os.chmod(path, 0o666)

    def connect(self):
        """The second link, the routers' addresses, and everybody who sends."""
        rtr = self.world.rtr
        rtr.ip("link add r2 type veth peer name eth1 netns host", "link set r2 up",
               *(f"address replace {gateway}/{size} dev {link}" for lease, link in [(OTHER, "r2")] + [(each, "r0") for each in LEASES]
                 for gateways, size in ((lease.gateways4, 24), (lease.gateways6, 64)) for gateway in gateways))
        self.mac = self._mac("r0")
        self.host.ip(f"route del default via {ROUTER4}", f"route del default via {ROUTER6}")
        self.network()
        liar = rtr.popen(*self.program("lie"), RESOLVER, stdout=subprocess.PIPE, text=True)
        assert liar.stdout.readline() == "ready\n"
        for uid in SPEAKERS:
            self.host.popen(*self.program("send"), INTERNET4, INTERNET6, RESOLVER, self.mac, self.lies, user=uid,
                            group=uid, extra_groups=[])
        self.host.popen(*self.program("ask"), self.notes, INTERNET4, INTERNET6, user=NOBODY)
        return liar

    @staticmethod
    def program(role):
        return ["/usr/bin/python3", f"{HERE}/chaos_programs.py", role]

    def _mac(self, link):
        return self.world.rtr.run("ip", "-o", "link", "show", link).stdout.split("link/ether ")[1].split()[0]

    def wires(self):
        outer = [SERVERS[name].endpoint for name in NAMES]
        return [ChaosWire(self.world.rtr, "r0", outer, own=("2001:db8:50::/64", "2001:db8:44::/64")),
                ChaosWire(self.world.rtr, "r2", outer, own=("2001:db8:60::/64",))]

    def answered(self):
        """(when the question was asked that both families' servers answered, seconds for which nobody could ask)"""
        with open(self.notes, "rb") as file:
            four, six, late = NOTES.unpack(file.read(NOTES.size))
        return min(four, six), late

    def quietly(self, *command):
        """A command that may fail: what it is for may be gone, or not be there yet."""
        return self.host.run(*command, check=False)

    def network(self):
        """The network manager: the links, addresses and default routes become what they should be. `onlink`, because a
        foreign rule could keep the kernel from finding the router."""
        lease = LEASES[self.lease]
        if self.given != self.lease:
            self.quietly("ip", "address", "flush", "dev", "eth0", "scope", "global")
            self.given = self.lease
        self.host.sysctl(*(f"net.ipv6.conf.{link}.disable_ipv6={0 if self.ipv6 else 1}" for link in ("eth0", "eth1")))
        for link, addresses, gateways, metric in (
                ("eth0", (lease.address4, lease.address6), (lease.gateways4[self.gateway], lease.gateways6[self.gateway]), 100),
                ("eth1", (OTHER.address4, OTHER.address6), (OTHER.gateways4[0], OTHER.gateways6[0]), 50)):
            if self.away or link not in self.uplinks:
                self.host.ip(f"link set {link} down")
                continue
            self.host.ip(f"link set {link} up", f"address replace {addresses[0]} dev {link}",
                         f"route replace default via {gateways[0]} dev {link} metric {metric} onlink",
                         f"neigh replace {INTERNET4} lladdr {self._mac('r0' if link == 'eth0' else 'r2')} dev {link}")
            if self.ipv6:
                self.host.ip(f"address replace {addresses[1]} dev {link} nodad",
                             f"route replace default via {gateways[1]} dev {link} metric {metric} onlink")

    def gateway4(self):
        """That of the link in use."""
        return OTHER.gateways4[0] if "eth1" in self.uplinks else LEASES[self.lease].gateways4[self.gateway]

    def server_in_use(self):
        """The name of the server that the gate talks to, by the kernel's rules; the first one if to none."""
        for name in NAMES:
            server = SERVERS[name].endpoint
            members = str(self.gate.set_members("endpoint6" if ":" in server.address else "endpoint4") or [])
            if server.address in members and f"'{server.proto}'" in members:
                return name
        return NAMES[0]


# --- the disturbances

def link_away(m):
    """Unplugged, or out of the Wi-Fi's reach; the same address afterwards."""
    m.away = True
    m.network()
    yield
    m.away = False
    m.network()


def other_lease(m, steps):
    """The link was away, and has another address afterwards: in the same network, or in another."""
    m.away = True
    m.network()
    yield
    m.away, m.lease = False, (m.lease + steps) % len(LEASES)
    m.network()


def address_changes(m, steps):
    """The same without the link going away: a lease that was not renewed."""
    m.lease = (m.lease + steps) % len(LEASES)
    m.network()
    yield


def other_gateway(m):
    m.gateway = 1 - m.gateway
    m.network()
    yield


def other_uplink(m):
    """From one link to the other: from the cable to the Wi-Fi."""
    m.away = True
    m.network()
    yield
    m.away, m.uplinks = False, {"eth1"} if "eth0" in m.uplinks else {"eth0"}
    m.network()


def second_uplink(m):
    """A second, better link comes while the first stays, and goes again."""
    before, m.uplinks = m.uplinks, {"eth0", "eth1"}
    m.network()
    yield
    if m.uplinks == {"eth0", "eth1"}:
        m.uplinks = before
        m.network()


def ipv6_away(m):
    m.ipv6 = False
    m.network()
    yield
    m.ipv6 = True
    m.network()


def server_restarts(m, sig):
    """Asked to end, it says goodbye; killed, it says nothing."""
    name = m.server_in_use()
    if name in m.world.running:
        m.world.stop_server(name, sig)
    yield
    m.world.server(name)


def at_the_provider(m, name, *rules):
    m.world.rtr.nft(f"table inet {name} {{ chain f {{ type filter hook forward priority 0; " + "; ".join(rules) + "; } }")
    yield
    m.world.rtr.run("nft", "delete", "table", "inet", name)


def black_hole(m):
    """Nothing gets through to the servers, nor back, and nobody gets an error."""
    yield from at_the_provider(m, PROVIDER_TABLES[0], *(
        f"{family} {end} {address} drop" for family, address in (("ip", SERVER4), ("ip6", SERVER6)) for end in ("saddr", "daddr")))


def refused(m):
    """Each packet to the servers is answered: there is nobody."""
    yield from at_the_provider(m, PROVIDER_TABLES[1], *(
        f"{family} daddr {address} {act}" for family, address, unreachable in (("ip", SERVER4, "icmp"), ("ip6", SERVER6, "icmpv6"))
        for act in ("meta l4proto tcp reject with tcp reset", f"reject with {unreachable} type port-unreachable")))


def pids_of(m, victim):
    return {"openvpn": m.gate.openvpns, "driver": m.gate.drivers, "portcullisd": lambda: [m.gate.pid]}[victim]()


def signalled(m, victim, sig):
    for pid in pids_of(m, victim):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)


def killed(m, victim):
    signalled(m, victim, signal.SIGKILL)
    yield


def daemon_restarts(m, sig):
    """As its service manager does it: asked to end, or killed, and started again."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        signalled(m, "portcullisd", signal.SIGCONT)
        m.gate.kill(sig)
    yield
    m.gate.kill()
    m.gate.start()


def halted(m, victim):
    """A process that does not get to run for a while."""
    victims = pids_of(m, victim)
    signalled(m, victim, signal.SIGSTOP)
    yield
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def flushed(m, *command):
    """Another program's flush."""
    m.quietly(*command)
    yield


def tunnel_spoiled(m, *words):
    """Somebody works on the tunnel's device or its address."""
    m.quietly("ip", *words)
    yield


def foreign(m, *words):
    """Somebody's route, rule or address, which goes again."""
    gateway = m.gateway4()
    words = [word.format(gateway=gateway, wrong=gateway.rpartition(".")[0] + ".99", server=SERVER4, inside=INTERNET4)
             for word in words]
    m.quietly("ip", *words)
    yield
    m.quietly("ip", *("del" if word == "add" else word for word in words))


def disk_full(m, which):
    path = m.logs if which == "log" else m.gate.state
    fill(path)
    yield
    os.unlink(f"{path}/filler")


def noise(m, what):
    """Garbage on every socket that a program of root's can reach."""
    for path in (m.gate.socket, m.gate.admin_socket, *management_sockets(m.gate)):
        with contextlib.suppress(OSError), connect_unix(path) as client:
            client.settimeout(0.2)
            client.sendall(GARBAGE[what])
    yield


Kind = collections.namedtuple("Kind", "act bound seconds variants")
ALONE = [()]
BRIEF, MOMENT = (0.2, 3.0), (0.0, 0.3)
DISTURBANCES = {
    "link away": Kind(link_away, SAME, BRIEF, ALONE),
    "other lease": Kind(other_lease, ELSEWHERE, BRIEF, [(1,), (2,)]),
    "address changes": Kind(address_changes, ELSEWHERE, MOMENT, [(1,), (2,)]),
    "other gateway": Kind(other_gateway, SAME, MOMENT, ALONE),
    "other uplink": Kind(other_uplink, ELSEWHERE, BRIEF, ALONE),
    "second uplink": Kind(second_uplink, ELSEWHERE, BRIEF, ALONE),
    "ipv6 away": Kind(ipv6_away, ELSEWHERE, BRIEF, ALONE),
    "server restarts": Kind(server_restarts, ELSEWHERE, BRIEF, [("TERM",)]),
    "server dies": Kind(server_restarts, BY_THE_DEAD_PEER_LIMIT, BRIEF, [("KILL",)]),
    "black hole": Kind(black_hole, BY_THE_DEAD_PEER_LIMIT, (1.0, 14.0), ALONE),
    "refused": Kind(refused, ELSEWHERE, BRIEF, ALONE),
    "killed": Kind(killed, ELSEWHERE, MOMENT, [("openvpn",), ("driver",)]),
    "daemon restarts": Kind(daemon_restarts, ELSEWHERE, (0.1, 2.0), [(signal.SIGTERM,), (signal.SIGKILL,)]),
    "halted": Kind(halted, ELSEWHERE, (0.3, 4.0), [("openvpn",), ("driver",), ("portcullisd",)]),
    "flushed": Kind(flushed, SAME, MOMENT, [
        ("nft", "flush", "ruleset"), ("nft", "delete", "table", "inet", "portcullis"), ("conntrack", "-F"),
        ("ip", "rule", "flush", "protocol", "87"), ("ip", "route", "flush", "table", "8787"),
        ("ip", "-6", "route", "flush", "table", "8787")]),
    "tunnel spoiled": Kind(tunnel_spoiled, SAME, MOMENT, [
        ("address", "flush", "dev", "tun0"), ("-4", "address", "flush", "dev", "tun0"),
        ("-6", "address", "flush", "dev", "tun0"), ("link", "set", "tun0", "mtu", "1300")]),
    "device spoiled": Kind(tunnel_spoiled, ELSEWHERE, MOMENT, [
        ("link", "set", "tun0", "down"), ("link", "del", "tun0"), ("link", "set", "tun0", "mtu", "600")]),
    "foreign": Kind(foreign, ELSEWHERE, BRIEF, [
        ("route", "add", "default", "via", "{gateway}", "metric", "1"),
        ("route", "add", "0.0.0.0/1", "via", "{gateway}"), ("route", "add", "{server}/32", "via", "{wrong}"),
        ("route", "add", "blackhole", "{server}/32"), ("route", "add", "{inside}/32", "via", "{gateway}", "table", "8787"),
        ("address", "add", "10.77.3.3/24", "dev", "lo")]),
    "foreign rule": Kind(foreign, ELSEWHERE, BRIEF, [
        ("rule", "add", "pref", "1", "lookup", "main"), ("rule", "add", "pref", "2", "unreachable"),
        ("route", "add", "unreachable", "128.0.0.0/1", "table", "local"), ("-6", "rule", "add", "pref", "1", "lookup", "main")]),
    "disk full": Kind(disk_full, SAME, BRIEF, [("log",), ("state",)]),
    "noise": Kind(noise, SAME, MOMENT, [(what,) for what in sorted(GARBAGE)]),
}


Event = collections.namedtuple("Event", "name variant begins ends")


class Episode:
    def __init__(self, events, rest):
        self.events, self.rest = events, rest
        bounds = [DISTURBANCES[event.name].bound for event in events]
        self.bound = bounds[0] if len(bounds) == 1 else max(ELSEWHERE, *bounds)

    def moments(self):
        """(at, event), twice for each event, in order."""
        return sorted([(event.begins, event) for event in self.events] + [(event.ends, event) for event in self.events],
                      key=lambda moment: moment[0])

    def __str__(self):
        return " | ".join(" ".join([event.name, *(str(getattr(word, "name", word)) for word in event.variant),
                                    f"{event.begins:.2f}..{event.ends:.2f} s"]) for event in self.events)


def schedule(seed):
    """Episodes without end, the same for the same seed. Each kind comes once before any comes again."""
    chance, deck = random.Random(seed), []
    while True:
        count = chance.choices((1, 2, 3), (5, 3, 2))[0]
        if len(deck) < count:
            deck += chance.sample(sorted(DISTURBANCES), len(DISTURBANCES))
        events, at = [], 0.0
        for name in dict.fromkeys(deck[:count]):
            kind = DISTURBANCES[name]
            events.append(Event(name, chance.choice(kind.variants), at, at + chance.uniform(*kind.seconds)))
            at += chance.uniform(0, 1.0)
        deck = deck[count:]
        yield Episode(events, chance.uniform(0, 1.0))


# --- the referee

class Broken(AssertionError):
    pass


class Judge:
    """`open` may not be said for long over a tunnel that carries nothing. Values in, verdict out."""

    def __init__(self):
        self.since = None  # `open` has been said since then
        self.late, self.limit = 0.0, DEAD

    def look(self, now, gate, answered, late):
        """gate: what status says, None if nobody answers; answered, late: as Machine.answered() tells."""
        if gate != "open":
            self.since = None
            return
        if self.since is None or answered > self.since:
            self.since, self.late = max(answered, self.since or now), late
        dead = now - self.since - (late - self.late)
        if dead > self.limit:
            raise Broken(f"status says open, and for {dead:.1f} s nothing has come back through the tunnel")


class Status:
    """Asks for the status all the time, in a thread, because a halted driver doesn't answer."""

    def __init__(self, gate):
        self.gate, self.asked, self.last, self.over = gate, 0.0, None, threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        while not self.over.wait(0.1):
            asked, last = time.monotonic(), None
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                last = self.gate.status()["gate"]
            self.asked, self.last = asked, last

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(15)


class Referee:
    def __init__(self, machine, status, wires):
        self.machine, self.status, self.wires = machine, status, wires
        self.judge, self.took, self.cut = Judge(), [], 0.0

    def look(self):
        """Looks at everything once. Returns (gate, when that was asked, answered, late)."""
        asked, gate = self.status.asked, self.status.last
        for wire in self.wires:
            wire.drain()
            if wire.clear:
                raise Broken(f"{len(wire.clear)} frames left in clear:\n  " + "\n  ".join(
                    f"{frame} {frame.raw.hex()}" for frame in wire.clear[:8]))
        if os.path.getsize(self.machine.lies):
            raise Broken("somebody got an answer from the resolver that lies")
        answered, late = self.machine.answered()
        self.cut = max(self.cut, time.monotonic() - answered)
        self.judge.look(time.monotonic(), gate, answered, late)
        return gate, asked, answered, late

    def look_until(self, end):
        while time.monotonic() < end:
            self.look()
            time.sleep(0.02)

    def back(self, episode, ended):
        """Waits until the gate is open, and carries, and does so for a while. Returns after how long."""
        _, before = self.machine.answered()
        since = None
        while True:
            gate, asked, answered, late = self.look()
            now = time.monotonic()
            carries = gate == "open" and asked > ended and answered > ended and now - answered < 0.5 + late - before
            since = (since or now) if carries else None
            if since and now - since > 0.5:
                return since - ended
            if not since and now - ended > episode.bound + late - before:
                raise Broken(f"not open again, or nothing comes back, {now - ended:.1f} s after the end of: {episode} "
                             f"(bound {episode.bound} s; status {gate}, last answer {now - answered:.1f} s ago)")
            time.sleep(0.02)

    def play(self, episode):
        began, running, self.cut = time.monotonic(), {}, 0.0
        self.judge.limit = DEAD_BY_ROUTE if [event.name for event in episode.events] == ["foreign rule"] else DEAD
        for at, event in episode.moments():
            self.look_until(began + at)
            if event.name not in running:
                running[event.name] = DISTURBANCES[event.name].act(self.machine, *event.variant)
                next(running[event.name])
            else:
                next(running[event.name], None)
        took = self.back(episode, time.monotonic())
        self.judge.limit = DEAD
        self.took.append((took / episode.bound, took, str(episode)))
        print(f"{'':14}open and carrying after {took:.2f} s, bound {episode.bound} s; was without an answer for "
              f"{self.cut:.2f} s", flush=True)
        self.look_until(time.monotonic() + GOOD_RUN + episode.rest)


def run(machine, seed, seconds):
    """The whole run. Returns the referee."""
    began = time.monotonic()
    wires = machine.wires()
    with contextlib.ExitStack() as stack:
        for wire in wires:
            stack.enter_context(wire)
        status = stack.enter_context(Status(machine.gate))
        referee = Referee(machine, status, wires)
        try:
            for number, episode in enumerate(schedule(seed), 1):
                at = time.monotonic() - began
                if at > seconds:
                    break
                print(f"{at:7.1f} s  {number:3}. {episode}", flush=True)
                referee.play(episode)
        except (AssertionError, OSError) as problem:
            raise Broken(f"{problem}\n{told(machine)}\nagain: make check-chaos CHAOS_SEED={seed} "
                         f"CHAOS_SECONDS={seconds}") from problem
    return referee


def told(machine):
    """For the message of a failure: what the kernel has, and what was logged."""
    text = f"status: {machine.gate.ctl('status', '--json', timeout=20).stdout}\n"
    for words in ("-o address", "route show table all", "-6 route show table all", "rule", "-6 rule"):
        text += f"--- ip {words}\n" + machine.quietly("ip", *words.split()).stdout
    text += "--- nft list ruleset\n" + machine.gate.rules()[-6000:]
    with open(machine.gate.stderr.name, encoding="utf-8", errors="replace") as file:
        return text + "--- the log\n" + file.read()[-20000:]


def control(machine):
    """Without the gate, each user's traffic of each kind is seen at the far end, and the lie arrives."""
    wanted = {TOKEN + f"-{kind}-{uid};".encode() for uid in SPEAKERS for kind in KINDS + (KINDS_OF_ROOT if uid == 0 else ())}
    machine.uplinks = {"eth0", "eth1"}
    machine.network()
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wire) for wire in machine.wires()]

        def missing():
            return wanted - set().union(*(wire.drain().tokens for wire in wires))
        wait_for(lambda: not missing(), lambda: f"control: not seen at the far end: {sorted(missing())}", 15)
        wait_for(lambda: os.path.getsize(machine.lies), "control: the resolver that lies is believed")
    machine.uplinks = {"eth0"}
    machine.network()


def forget_lies(machine):
    """What was answered before the machine was shut has been read by now."""
    def silent():
        os.truncate(machine.lies, 0)
        time.sleep(0.5)
        return os.path.getsize(machine.lies) == 0
    wait_for(silent, "the last lies from before the gate was shut")
