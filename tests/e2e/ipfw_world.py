"""A stand-in for ipfw, the firewall console, and the evaluator's verdict on each state of the kernel's rules."""
import functools
import importlib.util
import json
import os
import select
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STANDIN = os.path.join(TESTS, "e2e", "standin")
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(os.path.dirname(TESTS), "build")))
OURS, OTHERS = (26, 27), 31
GROUP = 777


def load(name, file):
    """Loads a module under a name of its own, because pf has an evaluator.py too."""
    spec = importlib.util.spec_from_file_location(name, file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


evaluator = load("ipfw_evaluator", os.path.join(TESTS, "ipfw", "evaluator.py"))
packet = sys.modules["packet"]  # the one that the evaluator uses

# name: the packet, and the states in which it passes
PACKETS = {
    "clear": ("out em0 udp 192.168.1.23:5000 > 198.51.100.1:9 uid=501 gid=20", ()),
    "clear6": ("out em0 tcp [2001:db8:1::23]:5000 > [2001:db8:9::1]:80 uid=501 gid=20 flags=S", ()),
    "dns": ("out em0 udp 192.168.1.23:5000 > 192.168.1.1:53 uid=501 gid=20", ()),
    "asked in": ("in em0 tcp 198.51.100.1:5 > 192.168.1.23:22 flags=S uid=0 gid=0", ()),
    "hole": (f"out em0 udp 192.168.1.23:5000 > 203.0.113.7:1194 uid=0 gid={GROUP}", ("dialling", "open")),
    "tunnel": ("out tun0 udp 10.8.0.6:5000 > 198.51.100.1:9 uid=501 gid=20", ("open",)),
    "dhcp": ("out em0 udp 192.168.1.23:68 > 192.168.1.1:67 uid=0 gid=0", ("locked", "dialling", "open")),
    "loopback": ("out lo0 udp 127.0.0.1:5000 > 127.0.0.1:9 uid=501 gid=20", ("locked", "dialling", "open")),
}


def machine():
    world = packet.World(users={"root": 0, "_portcullis": 64000},
                         groups={"wheel": 0, "_openvpn": GROUP, "_tests": 64001})
    world.add("lo0", "127.0.0.1/8", "::1/128")
    world.add("em0", "192.168.1.23/24", "2001:db8:1::23/64")
    return world.add("tun0", "10.8.0.6/24")


_MACHINE = machine()


@functools.lru_cache(maxsize=None)
def parsed(text):
    return evaluator.parse_rule(text, _MACHINE)


@functools.lru_cache(maxsize=64)
def rules_pass(rules, disabled, default, name):
    kernel = evaluator.Firewall(_MACHINE, default)
    kernel.rules = [parsed(text) for text in rules]
    kernel.disabled = set(disabled)
    return kernel.check(packet.parse_packet(PACKETS[name][0])).passes


def passes(step, name):
    """Would the kernel, as it was after that step, let this packet pass?"""
    rules = tuple(f"add {number} set {chosen} {body}" for number, chosen, _, body in step["rules"])
    return step["enable"] != "1" or rules_pass(rules, tuple(step["disabled"]), step["default"], name)


def is_shut(step):
    """Nothing passes in the clear, which every state of ours but a pause promises."""
    return not any(passes(step, name) for name, (_, states) in PACKETS.items() if not states)


def is_state(step, state):
    return all(passes(step, name) == (state in states) for name, (_, states) in PACKETS.items())


def keepalives(step):
    """The TCP flows for which the kernel itself sends keepalives, which are not checked against the rules."""
    return [flow for _, _, flow in step["states"] if flow.startswith("tcp ")]


def holding(step):
    """Those of our sets that are enabled and have rules."""
    return [number for number in OURS
            if number not in step["disabled"] and any(rule[1] == number for rule in step["rules"])]


class Kernel:
    """The stand-in's folder: the state of the kernel that it plays."""

    def __init__(self, folder, module=True, default="allow"):
        self.folder = str(folder)
        for name in os.listdir(STANDIN):
            os.symlink(os.path.join(STANDIN, name), os.path.join(self.folder, name))
        if module:
            self.write("enable", "1")
        self.write("state", json.dumps({"rules": [], "disabled": [], "default": default, "states": []}))

    @property
    def environment(self):
        return dict(os.environ, PORTCULLIS_STANDIN=self.folder)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def lines(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def calls(self):
        return self.lines("calls")

    def steps(self):
        return self.lines("steps")

    def now(self):
        """The state after the last step; also defined before the first."""
        with open(os.path.join(self.folder, "state"), encoding="utf-8") as file:
            state = json.load(file)
        try:
            with open(os.path.join(self.folder, "enable"), encoding="utf-8") as file:
                return dict(state, enable=file.read())
        except FileNotFoundError:
            return dict(state, enable="")

    def fault(self, how, at=None, **more):
        """The call that is `at` calls from now (0: the next one) goes wrong. None: no more faults."""
        wrong = [] if how is None else [dict(more, how=how, at=len(self.calls()) + 1 + at)]
        self.write("faults", json.dumps(wrong))

    def count(self, packets, body):
        """Adds this many packets to the counters of the rules that contain `body`."""
        state = self.now()
        for rule in state["rules"]:
            if body in rule[3]:
                rule[2] += packets
        del state["enable"]
        self.write("state", json.dumps(state))

    def traffic(self, text):
        """Sends a packet through the rules; a `keep-state` rule may add a state. Returns whether the packet passes."""
        state = self.now()
        enable = state.pop("enable")
        kernel = evaluator.Firewall(_MACHINE, state["default"])
        kernel.rules = [parsed(f"add {number} set {chosen} {body}") for number, chosen, _, body in state["rules"]]
        kernel.disabled = set(state["disabled"])
        seen = packet.parse_packet(text)
        verdict = kernel.check(seen)
        for rule in kernel.states.values():
            state["states"].append([rule.number, rule.set, f"{packet.NAMES[seen.proto]} {seen.src}>{seen.dst}"])
        self.write("state", json.dumps(state))
        return enable != "1" or verdict.passes

    def manually(self, *words):
        """Somebody else runs this ipfw command."""
        return subprocess.run([os.path.join(self.folder, "ipfw"), "-q", *words], check=True, timeout=20)


class Hand:
    """The firewall port, driven command by command through firewall_console."""

    def __init__(self, kernel):
        self.process = subprocess.Popen([f"{BUILD}/test/ipfw/firewall_console"], env=kernel.environment, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.heard = b""

    def line(self, seconds=15):
        end = time.monotonic() + seconds
        while b"\n" not in self.heard:
            assert select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0], "no answer"
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, "the hand has gone"
            self.heard += data
        line, _, self.heard = self.heard.partition(b"\n")
        return line.decode()

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        return self.line()

    def ok(self, *commands):
        for command in commands:
            answer = self.ask(command)
            assert answer.endswith("ok"), f"{command}: {answer}"
        return answer

    def kill(self):
        self.process.kill()
        self.process.wait(10)
