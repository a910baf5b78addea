"""A stand-in for pfctl(8) of macOS, or of FreeBSD: pf's state in memory, judged by tests/pf/evaluator.py after every call.

What it says is spelled as the real one does: `-s info`, `-s References`, `-E` and `-X` after recordings on macOS 26.5
(see tests/unit/test_pf_parse.c), the rest after pfctl(8) and what FACTS in tests/pf/README.md record.
"""
import copy
import dataclasses
import os
import re
import shutil
import sys
import threading

from standin.tool import Tool

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "pf"))

import packet as packets  # noqa: E402  pylint: disable=wrong-import-position
from evaluator import APPLE, FREEBSD, Pf, PfError  # noqa: E402  pylint: disable=wrong-import-position

ANCHOR, FALLBACK = "org.portcullis", "com.apple/000.portcullis"
STOCK = """scrub-anchor "com.apple/*"
nat-anchor "com.apple/*"
rdr-anchor "com.apple/*"
dummynet-anchor "com.apple/*"
anchor "com.apple/*"
"""
NOISE = "No ALTQ support in kernel\nALTQ related functions disabled\n"
WARNING = ("pfctl: Use of -f option, could result in flushing of rules\npresent in the main ruleset added by the "
           "system at startup.\nSee /etc/pf.conf for further details.\n\n")
SHOWN = ("nat", "dummynet", "rules", "info", "References", "Interfaces", "Anchors", "states")
# The packets that are judged after every call. The first two may never pass while the gate is held.
CLEAR = "out eth0 udp 192.168.50.2:5000 > 198.51.100.80:5300 uid=65534 gid=65534"
CLEAR6 = "out eth0 tcp [2001:db8:50::2]:5000 > [2001:db8:80::80]:443 uid=0 gid=0 flags=S"
TUNNEL = "out tun0 udp 10.8.0.2:5000 > 198.51.100.80:5300 uid=65534 gid=65534"
HOLE = "out eth0 udp 192.168.50.2:40000 > 203.0.113.10:1194 uid=0 gid=64001"
PROBE = "out {link} udp 192.168.50.2:5000 > 233.252.0.1:9 uid=65533 gid=65533 ttl=1"


@dataclasses.dataclass
class Call:
    """One call, and what pf would pass after it."""
    argv: list
    stdin: str
    code: int | None
    passes: dict

    @property
    def words(self):
        return " ".join(self.argv)


def machine():
    world = packets.World(users={"root": 0}, groups={"wheel": 0})
    world.add("lo0", "127.0.0.1/8", "::1/128")
    world.add("lo", "127.0.0.1/8", "::1/128")
    world.add("eth0", "192.168.50.2/24", "2001:db8:50::2/64")
    return world.add("tun0")


class Pfctl:
    """pf and its pfctl. `fault(number, argv)` may name what becomes of a call instead: "exit", "busy", "hang",
    "cut" (half of the answer, and success), "late" (done, but reported as a failure)."""

    def __init__(self, directory, dialect=APPLE):
        self.directory, self.apple = directory, dialect == APPLE
        os.makedirs(directory, exist_ok=True)
        self.lock = threading.RLock()
        self.pf = Pf(dialect, machine(), enabled=False)
        self.main_text, self.anchor_texts, self.tokens, self.next_token = "", {}, [], 15053025338191571182
        self.skipped = set()
        self.calls, self.fault, self.counted = [], None, 0
        self.load_main(STOCK if self.apple else "")
        self.tools = [Tool(directory, "pfctl", self.answer), Tool(directory, "probe", self.probe),
                      Tool(directory, "kldload", lambda argv, stdin: (0, "", ""))]

    def close(self):
        for tool in self.tools:
            tool.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- what somebody else at the machine does

    def load_main(self, text):
        with self.lock:
            self.pf.load_main(text)
            self.main_text = text
            self.skipped = set(self.pf.main.skip)

    def run(self, *argv, stdin=""):
        """A call by somebody else: it is not recorded, and never made to fail."""
        with self.lock:
            code, out, err = self.execute(list(argv), stdin)
        assert code == 0, err
        return out

    # --- judging

    def verdict(self, text, remember=False):
        with self.lock:
            states, fragments = list(self.pf.states), copy.deepcopy(self.pf.fragments)
            verdict = self.pf.verdict(packets.parse_packet(text))
            if not remember:
                self.pf.states, self.pf.fragments = states, fragments
            return verdict

    def passes(self):
        return {name: self.verdict(text) == "pass" for name, text in
                (("clear", CLEAR), ("clear6", CLEAR6), ("tunnel", TUNNEL), ("hole", HOLE))}

    def gate(self):
        """locked, dialling, open or none, judged by packets alone."""
        passes = self.passes()
        if passes["clear"] or passes["clear6"]:
            return "none"
        return "open" if passes["tunnel"] and passes["hole"] else "dialling" if passes["hole"] else "locked"

    def explain(self):
        """For the message of a failure: why a packet in the clear gets this verdict."""
        with self.lock:
            decision = self.pf.decide(packets.parse_packet(CLEAR))
            return (f"{decision}\nenabled {self.pf.enabled}, skipped {self.skipped}, states {self.pf.states}, anchors "
                    f"{sorted(self.pf.anchors)}\n{self.show('rules', '', False)[1]}"
                    + "\n".join(call.words for call in self.calls[-12:]))

    # --- answering

    def answer(self, argv, stdin):
        with self.lock:
            number = self.counted
            self.counted += 1
            fault = self.fault(number, argv) if self.fault else None
            if fault in ("exit", "busy", "hang"):
                code, out, err = {"exit": (1, "", NOISE + "pfctl: DIOCSOMETHING: Invalid argument\n"),
                                  "busy": (1, "", NOISE + "pfctl: DIOCXCOMMIT: Device busy\n"),
                                  "hang": (None, "", "")}[fault]
            else:
                code, out, err = self.execute(argv, stdin)
                err = NOISE + (WARNING if "-f" in argv and self.apple else "") + err
            if fault == "cut":
                out, err = out[:len(out) // 2], err[:len(err) // 2]
            if fault == "late":
                code = 1
            self.calls.append(Call(argv, stdin, code, self.passes()))
        return code, out, err

    def probe(self, argv, _):
        return (0 if self.verdict(PROBE.format(link=argv[0])) == "pass" else 1), "", ""

    def execute(self, argv, stdin):
        """Reads argv as pfctl does: the anchor, then what to show, flush, load or switch."""
        words, options = list(argv), {}
        while words:
            word = words.pop(0)
            if word in ("-a", "-f", "-F", "-i", "-s", "-o", "-X"):
                options[word] = words.pop(0)
            elif word in ("-E", "-e", "-d", "-n", "-v", "-q"):
                options[word] = True
            else:
                return 1, "", f"usage: pfctl, not {word}\n"
        try:
            return self.carry_out(options, stdin)
        except PfError as problem:
            return 1, "", f"stdin:1: {problem}\npfctl: Syntax error in config file: pf rules not loaded\n"

    def carry_out(self, options, stdin):
        anchor = options.get("-a", "")
        if "-d" in options:
            self.pf.enabled, self.tokens = False, []
            return 0, "", "pf disabled\n"
        if "-s" in options:
            return self.show(options["-s"], anchor, "-v" in options)
        if "-F" in options:
            return self.flush(options["-F"], anchor, options.get("-i"))
        if "-f" in options:
            return self.load(anchor, stdin, "-n" in options)
        if "-e" in options and not self.apple:
            self.pf.enabled = True
            return 0, "", "pf enabled\n"
        if "-E" in options and self.apple:
            return self.enable()
        if "-X" in options and self.apple:
            return self.release(int(options["-X"]))
        return 1, "", "usage: pfctl\n"

    def load(self, anchor, text, only_read):
        if only_read:
            self.pf.parse(text)
        elif anchor:
            self.pf.load_anchor(anchor, text)
            self.anchor_texts[anchor] = text
        else:
            self.load_main(text)
        return 0, "", ""

    def flush(self, what, anchor, interface):
        if what == "states":
            return 0, "", f"{self.pf.kill_states(interface)} states cleared\n"
        if anchor:
            self.pf.flush_anchor(anchor)
            self.anchor_texts.pop(anchor, None)
        else:
            self.pf.flush_main()
            self.main_text = ""
        if what == "all" and not anchor:
            self.pf.kill_states()
        return 0, "", f"{what} cleared\n"

    def enable(self):
        token, self.next_token = self.next_token, self.next_token - 1
        self.tokens.insert(0, token)
        self.pf.enabled = True
        return 0, "", f"pf enabled\nToken : {token}\n"

    def release(self, token):
        if not self.pf.enabled:
            return 1, "", "pfctl: pf not enabled\n"
        if token not in self.tokens:
            return 1, "", "pfctl: pf: token invalid\n"
        self.tokens.remove(token)
        self.pf.enabled = bool(self.tokens)
        return 0, "", (f"disable request successful. {len(self.tokens)} more pf enable reference(s) remaining, "
                       "pf still enabled.\n" if self.tokens else "pf disabled\n")

    # --- showing

    def show(self, what, anchor, verbose):
        if what not in SHOWN or (what in ("References", "dummynet") and not self.apple):
            return 1, "", f"pfctl: Unknown show modifier '{what}'\n"
        if what in ("info", "References", "Interfaces"):
            return 0, getattr(self, f"show_{what.lower()}")(), ""
        ruleset = self.pf.anchors.get(anchor) if anchor else self.pf.main
        text = self.anchor_texts.get(anchor, "") if anchor else self.main_text
        stages = {"nat": ["translation"], "dummynet": ["dummynet"], "rules": ["scrub", "filter"]}[what]
        lines = [] if ruleset is None else [
            spell(rule, stage, text) for stage in stages for rule in ruleset.stages[stage]]
        counters = ("\n  [ Evaluations: 8         Packets: 3         Bytes: 252         States: 0     ]"
                    "\n  [ Inserted: uid 0 pid 4210 ]") if verbose else ""
        return 0, "".join(f"{line}{counters}\n" for line in lines), ""

    def show_info(self):
        status = "Enabled for 0 days 00:00:00" if self.pf.enabled else "Disabled"
        return (f"Status: {status:<37} Debug: Urgent\n\nState Table                          Total             Rate\n"
                f"  current entries                  {len(self.pf.states):>7}               \n")

    def show_references(self):
        if not self.tokens:
            return "No pf starter references held\n"
        return ("TOKENS:\nPID      Process Name                 TOKEN                    TIMESTAMP\n"
                + "".join(f"4063     pfctl                        {token:<24} 0 days 00:00:00\n"
                          for token in self.tokens))

    def show_interfaces(self):
        return "".join(f"{name}{' (skip)' if name in self.skipped else ''}\n"
                       for name in ["ALL", "eth0", "lo0", "tun0"])


# --- a rule as pfctl prints it

def spell_op(word, op):
    return "" if op is None else f" {word} {op.sign} {op.low}" + (f" {op.high}" if op.high is not None else "")


def spell_host(host):
    text = {"any": "any", "network": "", "table": f"<{host.name}>", "interface": f"({host.name})"}[host.kind]
    if host.kind == "network":
        whole = host.network.prefixlen == host.network.max_prefixlen
        text = str(host.network.network_address if whole else host.network)
    return ("! " if host.negated else "") + text


def spell_ends(rule):
    any_any = rule.src.kind == rule.dst.kind == "any" and rule.sport is None and rule.dport is None
    if any_any and rule.proto is None:
        return " all"
    return (f" from {spell_host(rule.src)}{spell_op('port', rule.sport)} to {spell_host(rule.dst)}"
            f"{spell_op('port', rule.dport)}")


def spell(rule, stage, text):
    """One rule as pfctl prints it; its first words are those with which it was written."""
    lines = text.split("\n")
    source = lines[rule.line - 1] if 0 < rule.line <= len(lines) else ""
    if rule.anchor:
        kind, name = rule.anchor.split(" ", 1)
        words = f'{kind} "{name}"'
    else:
        match = re.match(r"\s*((?:no )?(?:block(?: drop| return\S*)?|pass|scrub|nat(?: pass)?|rdr(?: pass)?))", source)
        words = match[1] if match else rule.action
    words += f" {rule.direction}" if rule.direction else ""
    words += " quick" if rule.quick else ""
    if rule.interface:
        words += f" on {'! ' if rule.not_interface else ''}{rule.interface}"
    words += {4: " inet", 6: " inet6", None: ""}[rule.version]
    if rule.proto is not None:
        words += f" proto {packets.NAMES.get(rule.proto, rule.proto)}"
    words += spell_ends(rule) + spell_op("user", rule.user) + spell_op("group", rule.group)
    if rule.icmp is not None:
        words += f" icmp6-type {rule.icmp[0]}" + (f" code {rule.icmp[1]}" if rule.icmp[1] is not None else "")
    if rule.fragment:
        words += " fragment"
    if rule.target is not None:
        address, port = rule.target
        return words + f" -> {address}" + (f" port {port}" if port else "")
    if stage == "scrub":
        return words + " fragment reassemble"
    if rule.action == "pass" and not rule.anchor:
        words += " flags S/SA" if rule.flags is not None and rule.state else ""
        words += " keep state" + (" (if-bound)" if rule.if_bound else "") if rule.state else " no state"
        words += " allow-opts" if rule.allow_opts else ""
    return words
