"""The recorded machine for the tests of this directory: its rules, its packets, and our own rules for it."""
import functools
import os
import pathlib
import subprocess

from evaluator import APPLE, Pf
from packet import read_lines

HERE = pathlib.Path(__file__).parent
RECORDED = HERE / "recorded"
BUILD = pathlib.Path(os.environ.get("BUILD", HERE.parent.parent / "build")).absolute()
SECURITY = HERE.parent.parent / "docs" / "security.md"
ANCHOR, FALLBACK = "org.portcullis", "com.apple/000.portcullis"
RULESETS = ["locked", "dialling", "open", "open-lan"]

# The recorded machine's situations, as arguments of policy_print.
MACHINE = ["group=777", "user=778", "link=en0", "link=en1", "neighbour=2001:db8:1::/64", "tunnel=utun8"]
SERVER = ["remote=203.0.113.7:1194/udp"]
TUNNEL = ["address=10.8.0.6", "address=fd00:8::6", "network=10.8.0.0/24", "network=fd00:8::/64"]
SITUATIONS = {"locked": ["state=locked"], "dialling": ["state=dialling", *SERVER],
              "open": ["state=open", *SERVER, *TUNNEL], "open-lan": ["state=open", "lan=true", *SERVER, *TUNNEL]}


def reference(name):
    return (RECORDED / f"{name}.conf").read_text()


@functools.cache
def packets(name):
    """The recorded lines of a ruleset."""
    return read_lines(RECORDED / f"packets-{name}.txt")


def policy_print(*arguments, standing=""):
    return subprocess.run([BUILD / "test" / "policy_print", *arguments], input=standing, text=True,
                          capture_output=True, check=True, timeout=20).stdout


@functools.cache
def ours(name):
    """What our printer prints for the machine of a recording."""
    return policy_print("pf", *MACHINE, *SITUATIONS[name])


def main_rules(dialect=APPLE, standing=None):
    """The main rules with ours in them, composed from the existing ones."""
    return policy_print("pf-main", dialect, standing=reference("main") if standing is None else standing)


def gate(anchor_text, main=None, dialect=APPLE, anchor=ANCHOR):
    """A pf with this text in our anchor."""
    pf = Pf(dialect)
    pf.load_main(reference("main") if main is None else main)
    pf.load_anchor(anchor, anchor_text)
    return pf


def flips(pf, name):
    """The recorded lines that this pf decides differently, in the order of the recording."""
    return [line for line in packets(name) if pf.verdict(line.step) != line.verdict]
