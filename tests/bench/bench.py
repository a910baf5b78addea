"""Where README's figures come from: medians of interleaved runs, as ratios within one run.

`make bench`, as root. Everything happens in namespaces of this process. Each line is one claim: what was measured,
what it was measured against, the limit, and whether it holds; the exit code is 1 if one does not."""
import argparse
import ctypes
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True

import isolate  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Portcullis, is_gone, wakeups  # noqa: E402  pylint: disable=wrong-import-position
from back import Back  # noqa: E402  pylint: disable=wrong-import-position
from netns import Namespace, wait_for  # noqa: E402  pylint: disable=wrong-import-position
from world import INTERNET4, PATIENT, World  # noqa: E402  pylint: disable=wrong-import-position

STAMPS = 500


class Stamps(ctypes.Structure):
    _fields_ = [("event", ctypes.c_int64), ("count", ctypes.c_int64), ("acknowledged", ctypes.c_int64 * STAMPS)]


def median(values):
    return statistics.median(values)


def ms(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


class Bench:
    def __init__(self, options):
        self.build, self.rounds, self.pairs = os.path.abspath(options.build), options.rounds, 7
        if options.report:  # what is not judged needs no more than an impression
            self.rounds, self.pairs = min(self.rounds, 5), 3
        self.idle_seconds, self.failed = options.idle, 0
        self.world = World().start()
        self.world.fresh_host()

    def claim(self, letter, holds, text):
        self.failed += not holds
        print(f"({letter}) {'holds ' if holds else 'FAILS '} {text}", flush=True)

    def daemon(self, *servers, **more):
        self.world.fresh_host()
        return Portcullis(self.world, *servers, **more)

    # --- (a) the flip

    def measured_programs(self):
        """The programs, with the gate that notes when the kernel acknowledged."""
        directory = "/run/e2e/bench-programs"
        os.makedirs(directory, exist_ok=True)
        for name in ("portcullis", "portcullis-driver"):
            shutil.copy2(f"{self.build}/{name}", directory)
        shutil.copy2(f"{self.build}/bench/portcullisd", f"{directory}/portcullisd")
        return directory

    def flips(self, extra_remotes=0):
        """Event written by (a fake) openvpn -> the kernel's acknowledgement of the flip to open, in seconds."""
        daemon = self.daemon("udp", programs=self.measured_programs())
        if extra_remotes:
            daemon.write(with_remotes(self.world.profile("udp"), extra_remotes))
        path = f"{daemon.directory}/stamps"
        with open(path, "wb") as file:
            file.write(bytes(ctypes.sizeof(Stamps)))
        daemon.environment["PORTCULLIS_STAMPS"] = path
        # As root, without a sandbox: it notes its moments in a file.
        daemon.configure(openvpn='{ binary = "' + f"{self.build}/bench/fake_openvpn" + '" }', openvpn_user='"root"')
        try:
            daemon.start().wait(gate="open", seconds=30)
            for i in range(self.rounds):
                if i:
                    before, = daemon.host.pids("fake_openvpn")
                    assert daemon.ctl("reconnect").returncode == 0
                    wait_for(lambda was=before: is_gone(was), "the old attempt's end")
                    daemon.wait(gate="open")
                with open(path, "rb") as file:
                    stamps = Stamps.from_buffer_copy(file.read())
                # More than one change may follow the event; the last is the one that opens.
                after = [t for t in stamps.acknowledged if t > stamps.event]
                assert after, "no flip after the event"
                yield (max(after) - stamps.event) / 1e9
        finally:
            daemon.stop()

    def bare(self):
        """(a bare netlink element change, the gate's own flip without the event's way), in seconds."""
        machine = Namespace("bare")
        machine.create()
        try:
            commands = "links\nendpoint 192.0.2.1:1194/udp\nstate locked\nassert\nbench 200\nwoken 40\n"
            out = machine.run(f"{self.build}/test/nft_console", input=commands, timeout=60).stdout
            found = re.findall(r"bare=(\d+) flip=(\d+)", out)
            assert len(found) == 2, out
            return [int(figure) / 1e9 for pair in found for figure in pair]
        finally:
            machine.destroy()

    def forked_nft(self):
        """What a forked nft takes for the same change of elements, in seconds."""
        machine = Namespace("forked")
        machine.create()
        change = "/run/e2e/flip.nft"
        with open(change, "w", encoding="ascii") as file:
            file.write("add element inet flip endpoint { 192.0.2.1 . udp . 1194 }\n"
                       "add element inet flip tunnel_link { 1 }\n"
                       "delete element inet flip endpoint { 192.0.2.1 . udp . 1194 }\n"
                       "delete element inet flip tunnel_link { 1 }\n")
        try:
            machine.run("nft", "-f", "-", input="table inet flip {\n"
                        "set endpoint { type ipv4_addr . inet_proto . inet_service\n}\n"
                        "set tunnel_link { type iface_index\n}\n}\n")
            with machine.inside():
                for _ in range(self.rounds):
                    began = time.perf_counter()
                    subprocess.run(["nft", "-f", change], check=True)
                    yield time.perf_counter() - began
        finally:
            machine.destroy()

    def flip(self):
        bare, woken, own, events, forked = [], [], [], [], []
        nft, flips = self.forked_nft(), self.flips()
        for event in flips:
            events.append(event)
            one, other, after_sleep, _ = self.bare()
            bare.append(one)
            own.append(other)
            woken.append(after_sleep)
            forked.append(next(nft))
        event = median(events)
        to_bare, to_nft = event / median(woken), median(forked) / event
        self.claim("a", to_bare <= 10 and to_nft >= 30,
                   f"management event -> the kernel's acknowledgement of the flip: {ms(event)}; "
                   f"{to_bare:.1f} x a bare netlink element change by a process that was woken too ({ms(median(woken))}), "
                   f"at most 10; {event / median(bare):.0f} x one in a tight loop ({ms(median(bare))}); "
                   f"{to_nft:.0f} x faster than a forked nft ({ms(median(forked))}), at least 30; "
                   f"the netlink part of it {ms(median(own))}")
        return event

    # --- (b) exec -> locked

    def locked(self):
        ours, theirs = [], []
        rules = subprocess.run([f"{self.build}/portcullis", "rules", "--backend", "nft", "--state", "locked"],
                               capture_output=True, text=True, check=True).stdout
        daemon = self.daemon("udp")
        # Printed for people: a user or group that this machine lacks is a name; nft wants numbers.
        rules = re.sub(r"sk([ug])id \"?_\w+\"?", r"sk\1id 64000", rules)
        path = "/run/e2e/locked.nft"
        with open(path, "w", encoding="ascii") as file:
            file.write(rules)
        for _ in range(self.rounds):
            self.world.fresh_host()
            with self.world.host.inside():
                began = time.perf_counter()
                subprocess.run([f"{self.build}/portcullisd", "-L", "-c", daemon.file], check=True)
                ours.append(time.perf_counter() - began)
            self.world.fresh_host()
            with self.world.host.inside():
                began = time.perf_counter()
                subprocess.run(["nft", "-f", path], check=True)
                theirs.append(time.perf_counter() - began)
        ratio = median(ours) / median(theirs)
        self.claim("b", ratio <= 3, f"exec -> locked, verified and left again: {ms(median(ours))}; {ratio:.2f} x a forked "
                                    f"nft -f of the same rules ({ms(median(theirs))}), at most 3")

    # --- (c) killed -> open

    def recover(self):
        again, bare = [], []
        for _ in range(max(self.rounds // 2, 5)):
            daemon = self.daemon("udp").start_open()
            self.outlive_short_run(daemon)
            with daemon.watch() as watch:
                watch.until(gate="open")
                began = time.perf_counter()
                daemon.kill_openvpn()
                watch.until(gate={"locked", "dialling"})
                watch.until(gate="open")
                again.append(time.perf_counter() - began)
            daemon.stop()
            self.world.fresh_host()
            began = time.perf_counter()
            vpn = self.world.bare_vpn("udp")
            bare.append(time.perf_counter() - began)
            vpn.kill()
        ratio = median(again) / median(bare)
        self.claim("c", ratio <= 3, f"openvpn killed -> open again: {ms(median(again))}; {ratio:.2f} x a bare openvpn's "
                                    f"connect ({ms(median(bare))}), at most 3")

    @staticmethod
    def outlive_short_run(daemon):
        """Only a run of some length is a good one, after which the first try is at once."""
        status = daemon.status()
        assert status["gate"] == "open"
        until = time.monotonic() + 2.2
        wait_for(lambda: time.monotonic() > until, "a good run", 5)

    # --- (d) throughput

    def throughput(self):
        with_gate, without = [], []

        def rate(seconds=3):
            # One server for each: one whose last client went with its tunnel calls itself busy.
            serve = self.world.srv.popen("iperf3", "-s", "-1", "-B", INTERNET4, stdout=subprocess.DEVNULL)
            wait_for(lambda: ":5201 " in self.world.srv.run("ss", "-ltn").stdout, "iperf3 listens")
            try:
                done = self.world.host.run("iperf3", "-c", INTERNET4, "-t", str(seconds), "-O", "1", "-J", timeout=30)
                return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]
            finally:
                serve.kill()
                serve.wait()

        def gated():
            daemon = self.daemon("udp").start_open()
            with_gate.append(rate())
            daemon.stop()

        def bare():
            self.world.fresh_host()
            # The same cipher, the same way, the same group: only the gate is missing.
            vpn = self.world.bare_vpn("udp", "--redirect-gateway", "def1")
            without.append(rate())
            vpn.kill()

        for i in range(self.pairs):
            for run in ((gated, bare) if i % 2 == 0 else (bare, gated)):
                run()
        ratio = median([a / b for a, b in zip(with_gate, without)])
        self.claim("d", ratio >= 0.98, f"throughput through the tunnel, the gate over without: {ratio:.3f}, at least 0.98 "
                                       f"({median(with_gate) / 1e6:.0f} over {median(without) / 1e6:.0f} Mbit/s, {self.pairs} pairs)")

    # --- (e), (f) what it costs to have it

    def idle(self):
        daemon = self.daemon("patient").start_open()
        pids = {"portcullisd": daemon.pid, "portcullis-driver": daemon.driver()}
        sizes = {name: pss(pid) for name, pid in pids.items()}
        total = sum(sizes.values())
        self.claim("e", total < 10 * 1024, f"memory of both daemons, connected: {total / 1024:.1f} MiB of proportional set size "
                   f"({', '.join(f'{name} {size / 1024:.1f}' for name, size in sizes.items())}), under 10")
        if self.idle_seconds:
            before = {name: wakeups(pid) for name, pid in pids.items()}
            until = time.monotonic() + self.idle_seconds
            wait_for(lambda: time.monotonic() > until, "a minute", self.idle_seconds + 5)
            woke = {name: (wakeups(pid) - before[name]) * 60 / self.idle_seconds for name, pid in pids.items()}
            # The counter does count: an asked driver wakes.
            asked = wakeups(pids["portcullis-driver"])
            daemon.status()
            assert wakeups(pids["portcullis-driver"]) > asked
            self.claim("f", all(count <= 6 for count in woke.values()),
                       f"connected and idle, server with keepalive {' '.join(PATIENT[1:])}: "
                       + ", ".join(f"{name} {count:.0f}" for name, count in woke.items())
                       + " wake-ups a minute, at most 6 each")
        daemon.stop()

    # --- (g) 10,000 remotes

    def remotes(self, one_flip):
        starts = {1: [], 10000: []}
        for _ in range(5):
            for count, times in starts.items():
                daemon = self.daemon("udp")
                if count > 1:
                    daemon.write(with_remotes(self.world.profile("udp"), count - 1))
                began = time.perf_counter()
                daemon.start().wait(gate="open", seconds=30)
                times.append(time.perf_counter() - began)
                daemon.stop()
        flips = median(list(self.flips(extra_remotes=9999)))
        start, flip = median(starts[10000]) / median(starts[1]), flips / one_flip
        self.claim("g", start <= 2 and flip <= 1.25, f"10,000 remotes over 1: start to open {start:.2f} x "
                   f"({ms(median(starts[10000]))} over {ms(median(starts[1]))}), at most 2; the flip {flip:.2f} x, unchanged")


def with_remotes(profile, count):
    """The same profile with so many more remotes behind its own."""
    more = "".join(f"remote 198.18.{i // 250}.{i % 250 + 1} 1194 udp\n" for i in range(count))
    at = profile.index("<ca>")
    return profile[:at] + more + profile[at:]


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--rounds", type=int, default=15, help="runs of each kind")
    parser.add_argument("--idle", type=int, default=60, help="seconds of (f); 0: leave it out")
    parser.add_argument("--only", default="abcdefghijkl", help="letters")
    parser.add_argument("--report", action="store_true", help="exit 0 whatever the figures are (a busy machine)")
    options = parser.parse_args()
    if not isolate.is_inside():
        isolate.run([sys.executable, "-B", *sys.argv])
    bench, only = Bench(options), options.only
    one_flip = bench.flip() if set("ag") & set(only) else None
    for letters, run in (("b", bench.locked), ("c", bench.recover), ("d", bench.throughput), ("ef", bench.idle),
                         ("g", lambda: bench.remotes(one_flip)),
                         ("hijkl", lambda: Back(bench.world, bench.measured_programs(), bench.claim,
                                                1 if options.report else 3).run(only))):
        if set(letters) & set(only):
            run()
    print(f"bench: {'every claim holds' if not bench.failed else f'{bench.failed} claims fail'}; Linux {os.uname().release}, "
          f"{os.cpu_count()} processors")
    return 1 if bench.failed and not options.report else 0


if __name__ == "__main__":
    sys.exit(main())
