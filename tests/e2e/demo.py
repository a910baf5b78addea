"""The demonstration behind `./bootstrap demo`: the same minute with openvpn alone, and with Portcullis.

A protected machine, a watched wire, a real OpenVPN server and an "internet", all in namespaces of this process: it
touches nothing on the machine where it runs, and everything is gone when it ends or is killed."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import isolate  # noqa: E402  pylint: disable=wrong-import-position
from daemon import BUILD, Portcullis  # noqa: E402  pylint: disable=wrong-import-position
from netns import wait_for, wait_gone  # noqa: E402  pylint: disable=wrong-import-position
from world import INTERNET4, NOBODY, SERVER4, World, ask_udp  # noqa: E402  pylint: disable=wrong-import-position

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
PAUSE = 0.0 if "--fast" in sys.argv else 1.0
BACKGROUND = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
n = 0
while True:
    n += 1
    try:
        sock.sendto(b"SECRET %d" % n, (sys.argv[1], 5300))
    except OSError:
        pass
    time.sleep(0.02)
"""


def paint(colour, text):
    return f"\033[{COLOURS[colour]}m{text}\033[0m" if sys.stdout.isatty() else text


def say(text=""):
    print(text, flush=True)


class Show:
    """One run, with or without Portcullis: what is done, and what a program gets."""

    def __init__(self, world, protected):
        self.world, self.protected = world, protected
        world.fresh_host()
        self.wire = world.wire("udp")
        self.portcullis = Portcullis(world) if protected else None
        self.bare, self.tries, self.began = None, 0, time.monotonic()
        self.program = None

    def step(self, what):
        time.sleep(PAUSE)  # so that the viewer can follow; nothing below depends on it
        say(f"  {paint('dim', f'{time.monotonic() - self.began:5.1f} s')}  {what}")

    def result(self, colour, text):
        gate = ""
        if self.protected and self.portcullis.process:
            state = self.portcullis.status()["gate"]
            gate = paint("green" if state == "open" else "yellow", f"gate {state:<9}")
        say(f"           {gate}{paint(colour, text)}")

    def background(self):
        """A chatty program: fifty datagrams a second, whatever happens."""
        self.program = self.world.host.popen(sys.executable, "-c", BACKGROUND, INTERNET4)

    def a_program_asks(self, device=None):
        """One question to the internet. What is printed depends on where the capture saw it go."""
        who = f"a program asks {INTERNET4}" + (" by the physical link" if device else "")
        self.tries += 1
        token = b"QUESTION %d" % self.tries
        began = time.monotonic()
        answer = self.world.host.call(ask_udp, INTERNET4, 5300, token, 0.4, device, uid=NOBODY)
        took = time.monotonic() - began
        self.world.fence(self.wire)
        if self.wire.seen(token):
            self.result("red", f"{who}: it left IN THE CLEAR")
        elif answer == token:
            self.result("green", f"{who}: answered, inside the VPN")
        else:
            how = f"refused after {took * 1000:.0f} ms" if took < 0.3 else "no answer"
            self.result("cyan", f"{who}: {how}, nothing left")

    def server_reachable(self, yes):
        self.world.rtr.run("nft", "delete", "table", "inet", "hole", check=False)
        if not yes:
            self.world.rtr.nft(
                f"table inet hole {{ chain f {{ type filter hook forward priority 0; ip daddr {SERVER4} drop; }} }}")

    def start(self):
        if self.protected:
            self.portcullis.start().wait(gate="dialling")

    def connect(self):
        self.server_reachable(True)
        if self.protected:
            self.portcullis.wait(gate="open")
        else:
            self.bare = self.world.bare_vpn()

    def kill_openvpn(self):
        """Also keeps it from coming back for a moment, so that the viewer can look."""
        self.server_reachable(False)
        pid = self.portcullis.openvpn() if self.protected else self.bare.process.pid
        os.kill(pid, signal.SIGKILL)
        if not self.protected:
            self.bare.process.wait()
        wait_gone(pid, "the killed openvpn")
        if self.protected:
            wait_for(lambda: self.portcullis.kernel_gate() != "open", "the gate's fall")

    def finish(self):
        self.program.kill()
        self.program.wait()
        self.world.fence(self.wire)
        if self.protected:
            self.portcullis.stop()
        self.wire.drain()
        return len(self.wire.clear), self.wire.counts["outer"]


def run(world, protected):
    title = "WITH PORTCULLIS" if protected else "WITHOUT: openvpn alone"
    say(paint("bold", f"\n{title}"))
    show = Show(world, protected)
    show.server_reachable(False)
    if protected:
        show.step("portcullisd starts; the server is out of reach")
    else:
        show.step("the machine is on the network; no VPN yet")
    show.start()
    show.background()
    show.a_program_asks()
    show.step("the server is there: the VPN comes up")
    show.connect()
    show.a_program_asks()
    show.step("openvpn is killed (SIGKILL)")
    show.kill_openvpn()
    show.a_program_asks()
    show.step("the server is back" if protected else "somebody starts openvpn again")
    show.connect()
    show.a_program_asks()
    show.step("somebody runs: nft flush ruleset")
    world.host.run("nft", "flush", "ruleset")
    show.a_program_asks("eth0")
    show.step("and openvpn is killed again")
    show.kill_openvpn()
    show.a_program_asks()
    show.step("the end: the VPN once more" if protected else "the end")
    if protected:
        show.connect()
        show.a_program_asks()
    clear, inside = show.finish()
    say(f"           frames at the wire's far end: {inside} of the VPN, "
        + paint("green" if not clear else "red", f"{clear} in the clear"))
    return clear


def main():
    for name in ("portcullisd", "portcullis-driver", "portcullis"):
        if not os.path.exists(f"{BUILD}/{name}"):
            sys.exit(f"{BUILD}/{name} is not built; instead: make")
    if not isolate.is_inside():
        isolate.run([sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]])
    say(paint("bold", "Portcullis: one wire, watched at its far end") + "\n"
        "  host 192.168.50.2 ── wire ── router ── OpenVPN server 203.0.113.10, internet 198.51.100.80\n"
        "  a program on the host sends all the time, whatever happens")
    world = World().start()
    world.server("udp")
    without = run(world, False)
    protected = run(world, True)
    say(paint("bold", "\nFrames that left in the clear, by capture:")
        + f"  without {paint('red', str(without))}, with Portcullis "
        + paint("green" if protected == 0 else "red", str(protected)))
    if protected or not without:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, subprocess.SubprocessError, OSError) as problem:
        sys.exit(f"demo: {problem}")
