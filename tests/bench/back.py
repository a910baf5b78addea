"""How long until programs are answered through the tunnel again: Portcullis, and in turn a bare openvpn in a restart
loop, with its own timers."""
import os
import signal
import socket
import statistics
import time

from daemon import Portcullis
from netns import wait_for
from wire import Endpoint
from world import HOST6, INTERNET4, NO_OFFLOAD, ROOT, ROUTER4, ROUTER6, SERVER4, SERVERS, Server

SERVERS["back"] = Server("back", Endpoint(SERVER4, 1207, "udp"), 23,
                         ["--keepalive", "2", "10", "--explicit-exit-notify", "1"])
DEAD = "203.0.113.99"
NEVER = 60.0


class Loop:
    """A bare openvpn that its service manager starts again a second after it has ended."""

    def __init__(self, world, profile, *options):
        path = f"{ROOT}/back.ovpn"
        with open(path, "w", encoding="ascii") as file:
            file.write(profile)
        words = " ".join(["openvpn", "--config", path, "--dev", "tun0", *NO_OFFLOAD, "--script-security", "0", *options])
        self.log = open(f"{ROOT}/back.log", "w", encoding="utf-8")
        world.host.popen("sh", "-c", f"while :; do {words}; sleep 1; done", stdout=self.log, stderr=self.log)

    def stop(self):
        self.log.close()  # the processes end with the machine


def carries(world):
    """Is a program's datagram answered, and was it sent with the tunnel's address?"""
    try:
        with world.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.05)
            sock.connect((INTERNET4, 5300))
            if not sock.getsockname()[0].startswith("10."):
                return False
            sock.send(b"BACK")
            return sock.recv(64) == b"BACK"
    except OSError:
        return False


def until_it_carries(world, began, limit=NEVER):
    """Seconds since `began`; the limit if it took longer."""
    while not carries(world) and time.perf_counter() - began < limit:
        time.sleep(0.002)
    return min(time.perf_counter() - began, limit)


def away(world, seconds, at_the_end=lambda: None):
    """The link is gone for a while; its address and its routes are the same afterwards. Returns when it came back."""
    world.host.ip("link set eth0 down")
    until = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > until, "the link's absence", seconds + 5)
    at_the_end()
    began = time.perf_counter()
    world.host.ip("link set eth0 up", f"address replace {HOST6}/64 dev eth0 nodad", f"route replace default via {ROUTER4}",
                  f"route replace default via {ROUTER6}")
    return began


def restart_server(world):
    world.stop_server("back")
    world.server("back")


def sleep_and_wake(world):
    """All processes are halted for longer than openvpn's limit, and the link is away; the server has forgotten the machine
    meanwhile. Returns when the link came back, right after the processes. The measured gate takes SIGUSR2 for the
    kernel's word that the machine slept."""
    asleep = world.host.pids("portcullisd", "portcullis-driver", "openvpn")
    gates = world.host.pids("portcullisd")

    def signalled(sig, pids=asleep):
        for pid in pids:
            os.kill(pid, sig)

    def wake():
        signalled(signal.SIGUSR2, gates)
        signalled(signal.SIGCONT)
    signalled(signal.SIGSTOP)
    world.host.ip("link set eth0 down")
    world.used.add("back")
    world.forget_clients()
    return away(world, 11, wake)


def sweep(world):
    """Somebody removes the routes into the tunnel. Returns when that began."""
    ours = world.host.run("ip", "route", "show", "table", "8787", check=False).stdout != ""
    began = time.perf_counter()
    world.host.ip(*(["route flush table 8787"] if ours else ["route del 0.0.0.0/1", "route del 128.0.0.0/1"]))
    return began


class Back:
    def __init__(self, world, programs, claim, rounds):
        self.world, self.programs, self.claim, self.rounds = world, programs, claim, rounds

    def start(self, bare, profile, *options):
        self.world.fresh_host()
        if bare:
            return Loop(self.world, profile, *options)
        return Portcullis(self.world, profile=profile, programs=self.programs).start()

    def measure(self, disturb, limit=NEVER):
        """(ours, a bare openvpn's), medians in seconds."""
        took = {False: [], True: []}
        for i in range(self.rounds):
            for bare in (False, True) if i % 2 == 0 else (True, False):
                vpn = self.start(bare, self.world.profile("back"))
                wait_for(lambda: carries(self.world), "the tunnel carries", 20)
                good = time.monotonic() + 2.2
                wait_for(lambda end=good: time.monotonic() > end and carries(self.world), "a good run", 20)
                began = disturb(self.world) or time.perf_counter()
                took[bare].append(until_it_carries(self.world, began, limit))
                vpn.stop()
        return statistics.median(took[False]), statistics.median(took[True])

    def dead_first(self):
        """(ours, a bare openvpn's) from the start to the first answer, if the first of five servers swallows everything."""
        profile = self.world.profile("back", "tcp", "port53", "v4only")
        at = profile.index("remote ")
        profile = profile[:at] + f"remote {DEAD} 1194 udp\n" + profile[at:]
        table = f"table inet dead {{ chain f {{ type filter hook forward priority 0; ip daddr {DEAD} drop; }} }}"
        self.world.rtr.nft(table)
        took = {False: [], True: []}
        for i in range(self.rounds):
            for bare in (False, True) if i % 2 == 0 else (True, False):
                vpn = self.start(bare, profile, "--server-poll-timeout", "4")
                took[bare].append(until_it_carries(self.world, time.perf_counter()))
                vpn.stop()
        self.world.rtr.run("nft", "delete", "table", "inet", "dead")
        return statistics.median(took[False]), statistics.median(took[True])

    def run(self, letters):
        for letter, text, most, limit, measure in (
                ("h", "link away for 3 s, the same address after it -> carrying", 2.0, NEVER,
                 lambda: self.measure(lambda world: away(world, 3))),
                ("i", "server restarted, with a goodbye -> carrying", 2.0, NEVER, lambda: self.measure(restart_server)),
                ("j", "wake, forgotten by the server -> carrying", 2.0, NEVER, lambda: self.measure(sleep_and_wake)),
                ("k", "first of five servers silently dead: start -> carrying", 6.0, NEVER, self.dead_first),
                ("l", "routes into the tunnel swept -> carrying", 0.1, 3.0, lambda: self.measure(sweep, 3.0))):
            if letter in letters:
                ours, bare = measure()
                against = (f"a bare openvpn in a restart loop: not within {limit:.0f} s" if bare >= limit else
                           f"{ours / bare:.2g} x a bare openvpn in a restart loop ({seconds(bare)})")
                self.claim(letter, ours <= most, f"{text}: {seconds(ours)}, at most {seconds(most)}; {against}")


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"
