"""Renamed links: what leaves during a rename, while no daemon runs. Either one chain covers every link, or each link
has its own chain; where a rename removes that chain, each link also has a filter that stays with it."""
import contextlib
import os
import re
import socket
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from netns import wait_for  # noqa: E402  pylint: disable=wrong-import-position
from test_firewall import _nft_console, _machine, _start, devices, send, send_frame  # noqa: E402, F401  pylint: disable=unused-import,wrong-import-position

TOKEN = b"RENAMED-LINK"
SENDER = f"""
import socket, time
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(("eth0", 0))
print("bound", flush=True)
end = time.time() + 60
while time.time() < end:
    try:
        sock.send(b"\\xff" * 6 + b"\\2" * 6 + b"\\x08\\0" + {TOKEN} * 5)
    except OSError:
        pass
"""
LOCKED = ("lack every_link", "state locked", "assert")


def frames_while_renamed(machine):
    """A packet socket bound to a link sends while that link is renamed and named back four times. Returns how many of
    its frames got out."""
    with machine.router.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.bind(("r0", 3))
        wire.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
        wire.setblocking(False)
        sender = machine.popen("/usr/bin/python3", "-c", SENDER, stdout=subprocess.PIPE)
        assert sender.stdout.readline() == b"bound\n"
        for _ in range(4):
            for old, new in (("eth0", "lan0"), ("lan0", "eth0")):
                machine.ip(f"link set {old} name {new}")
                assert new in machine.links()
        sender.kill()
        sender.wait()
        seen = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                seen += TOKEN in wire.recv(2000)
        return seen


def tc(machine, *words, check=True):
    return machine.run("tc", *words, check=check).stdout


def filters(machine, link="eth0"):
    return tc(machine, "filter", "show", "dev", link, "egress", check=False)


def has_filter(machine, link="eth0"):
    return "bytecode" in filters(machine, link)


def places(machine):
    """The links that have a clsact qdisc, the place where filters are attached."""
    return {line.split()[4] for line in tc(machine, "qdisc", "show").split("\n") if line.startswith("qdisc clsact")}


# --- one chain for every link

def frame_leaves(link):
    """Does the kernel accept a frame for this link? If the chain drops it, sending fails."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        try:
            out.sendto(b"\xff" * 12 + b"\x08\0" + bytes(60), (link, 0x0800))
        except OSError as problem:
            return problem.errno == 100  # ENETDOWN: it failed before it came to the chain
    return True


def test_renamed_link_where_the_kernel_has_a_chain_for_every_link(machine, start):
    """The one chain also covers links that are renamed or added while no daemon runs."""
    tool = start("every_link", "state locked")
    if "Invalid argument" in tool.ask("assert"):
        pytest.skip("this kernel has no chain for every link")
    tool.kill()
    alone = start(*LOCKED)
    tc(machine, "qdisc", "del", "dev", "eth0", "clsact", check=False)
    assert frames_while_renamed(machine) > 0, "control: with a chain for each link, without its filter"
    alone.kill()
    start("every_link", "state locked", "assert")
    assert frames_while_renamed(machine) == 0
    machine.ip("link set eth1 down", "link set eth1 name lan1", "link set lan1 up", "link add late0 type veth peer name late1", "link set late0 up")
    for link in ("lan1", "late0"):
        assert not machine.call(frame_leaves, link), link


def test_one_chain_for_every_link_where_the_kernel_and_nft_have_it(machine, start):
    """With nft 1.1.6 or newer there is one chain for every link; with an older one each link gets its own. In both
    cases nft accepts its own listing of the rules."""
    version = tuple(map(int, re.search(r"v([\d.]+)", machine.run("nft", "--version").stdout)[1].split(".")))
    tool = start("lack persist", "state locked", "assert")
    found, listed, rules = devices(machine), machine.run("nft", "list", "ruleset").stdout, machine.rules()
    machine.run("nft", "-f", "-", input="flush ruleset\n" + listed)
    assert machine.rules() == rules
    tool.kill()
    tool = start("lack persist", "every_link", "state locked")
    kernel = "Invalid argument" not in tool.ask("assert")
    assert found == (["*"] if kernel and version >= (1, 1, 6) else ["eth0", "eth1"])


def test_renamed_link_has_its_chain_again_after_the_next_look(machine, start):
    """If each link has a chain of its own: since Linux 6.16 a rename removes it until the daemon adds a new one, as
    docs/security.md says. On older kernels it stays."""
    tool = start("lack every_link", "state locked", "assert")
    machine.ip("link set eth0 name lan0")
    tool.say("links lan0 eth1", "assert")
    assert send_frame(machine, "lan0", 0x0800) is False and devices(machine) == ["eth1", "lan0"]


# --- a filter for each

@pytest.fixture(name="locked")
def _locked(machine, start):
    """A lock with a chain for each link. Skips if a rename leaves the chain in place."""
    assert places(machine) == set()
    tool = start(*LOCKED, "watch")
    if not has_filter(machine):
        tc(machine, "qdisc", "add", "dev", "eth0", "clsact")  # the control: tc itself works
        machine.ip("link set eth0 name lan0")
        assert send_frame(machine, "lan0", 0x0800) is False, "no filter, and the rename took the chain away"
        pytest.skip("a rename leaves the chain in its place")
    return tool


def test_nothing_leaves_while_a_link_is_renamed_where_that_takes_its_chain_away(machine, locked):
    locked.kill()  # from now on nobody puts the chain back
    assert frames_while_renamed(machine) == 0
    tc(machine, "filter", "del", "dev", "eth0", "egress")
    assert frames_while_renamed(machine) > 0, "control: without the filter"


def test_each_link_with_a_chain_has_a_filter_where_a_rename_takes_its_chain_away(machine, locked):
    machine.ip("link add eth9 type veth peer name other9", "link set eth9 up")
    locked.say("links eth0 eth1 eth9", "assert")
    assert devices(machine) == ["eth0", "eth1", "eth9"]
    assert places(machine) == {"eth0", "eth1", "eth9"} and has_filter(machine, "eth9")
    assert not has_filter(machine, "tun7") and not has_filter(machine, "lo")
    locked.say("links eth0 eth1 eth9 tun7", "assert")
    assert has_filter(machine, "tun7")
    locked.say("links eth0 eth1 eth9", "tunnel tun7 10.8.0.2", "endpoint 203.0.113.5:1194/udp", "state open", "assert")
    assert places(machine) == {"eth0", "eth1", "eth9"} and has_filter(machine)


def test_what_the_chain_passes_passes_where_a_rename_takes_it_away(machine, locked):
    """The filter passes what the chain passes, such as ARP. In a pause everything passes, so the filters are
    removed."""
    assert send_frame(machine, "eth0", 0x0806) is True and send_frame(machine, "eth0", 0x0800) is False
    locked.say("pause 60")
    machine.ip("link set eth1 name lan1")  # this removes its chain; the pause continues
    assert send(machine) == "arrived" and send_frame(machine, "eth0", 0x0800) is True
    assert not has_filter(machine) and not has_filter(machine, "lan1")
    locked.say("links eth0 lan1", "assert")
    assert has_filter(machine) and has_filter(machine, "lan1") and send(machine) == "refused"
    assert send_frame(machine, "eth0", 0x0806) is True and send_frame(machine, "eth0", 0x0800) is False


def test_nothing_is_left_after_off_where_a_rename_takes_a_chain_away(machine, locked):
    """`off` removes everything of ours, and leaves what others have put there."""
    tc(machine, "filter", "add", "dev", "eth1", "egress", "prio", "1", "protocol", "ip",
       *"u32 match ip dst 192.0.2.99 flowid 1:1".split())
    assert "u32" in filters(machine, "eth1") and has_filter(machine, "eth1")
    locked.say("remove")
    assert not has_filter(machine, "eth1") and "u32" in filters(machine, "eth1")
    assert places(machine) == {"eth1"}
    assert send(machine) == "arrived" and send_frame(machine, "eth0", 0x0800) is True


VANDALS = [
    ("filter", "del", "dev", "eth0", "egress"), ("qdisc", "del", "dev", "eth0", "clsact"),
    ("filter", "replace", "dev", "eth0", "egress", "prio", "87", "handle", "0x706f7274", "protocol", "all", "bpf", "direct-action",
     "bytecode", "1,6 0 0 0"),
]


@pytest.mark.quiet
@pytest.mark.parametrize("vandal", VANDALS, ids=["filter", "place", "other program"])
def test_filter_that_somebody_took_away_is_put_back_where_a_rename_takes_a_chain_away(machine, locked, vandal):
    before = filters(machine)
    tc(machine, *vandal)
    assert locked.wait_foreign() < 100
    assert filters(machine) == before
    for harmless in (("qdisc", "replace", "dev", "eth0", "root", "pfifo"), ("qdisc", "del", "dev", "eth0", "root")):
        tc(machine, *harmless)
    assert locked.say("assert") is not None and not locked.foreign


def test_filters_of_others_are_no_matter_of_ours_where_a_rename_takes_a_chain_away(machine, locked):
    """Another program's filter that comes and goes is not reported. Nor is a filter of ours that disappears with its
    link, unless another link has taken the index."""
    u32 = ["egress", "protocol", "ip", "u32", *"match ip dst 192.0.2.99 flowid 1:1".split()]
    for priority in ("1", "90"):
        tc(machine, "filter", "add", "dev", "eth0", *u32[:1], "prio", priority, *u32[1:])
        tc(machine, "filter", "del", "dev", "eth0", "egress", "prio", priority)
    machine.ip("link add eth9 type veth peer name other9", "link del eth9")
    tc(machine, "filter", "del", "dev", "eth0", "egress", "prio", "87")  # this is the only change that is reported
    locked.wait_foreign()
    locked.say("assert")
    assert has_filter(machine) and not locked.foreign


def test_a_link_with_the_index_of_one_that_has_gone_where_a_rename_takes_a_chain_away(machine, locked):
    machine.ip("link add eth9 index 77 type veth peer name other9")
    locked.say("links eth0 eth1 eth9", "assert")
    assert has_filter(machine, "eth9")
    machine.ip("link del eth9", "link add eth9 index 77 type veth peer name other9")
    locked.say("assert")
    assert has_filter(machine, "eth9")


def test_a_look_between_a_rename_and_its_announcement_where_that_takes_a_chain_away(machine, locked):
    """The renamed link keeps its filter, although the gate still knows it by its old name."""
    machine.ip("link set eth0 name lan0")
    machine.run("nft", "add", "table", "ip", "other")
    locked.say("links eth0 eth1", "endpoint 203.0.113.5:1194/udp", "state dialling", "assert")
    assert has_filter(machine, "lan0") and not machine.call(frame_leaves, "lan0")


PLACES = {"ingress": ["handle", "ffff:", "ingress"], "a block at egress": ["egress_block", "22", "clsact"],
          "another kind": ["clsact"]}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_somebody_elses_where_a_rename_takes_a_chain_away(machine, start, place):
    """Something else occupies the place of our filter: the link continues to work, the log says that it has no filter,
    and `off` leaves what is not ours."""
    tc(machine, "qdisc", "add", "dev", "eth0", *PLACES[place])
    if place == "another kind":
        tc(machine, "filter", "add", "dev", "eth0", "egress", "prio", "87", "protocol", "ip", "u32", *"match ip dst 192.0.2.99 flowid 1:1".split())
    before = tc(machine, "qdisc", "show", "dev", "eth0")
    tool = start(*LOCKED)
    if not has_filter(machine, "eth1"):
        pytest.skip("a rename leaves the chain in its place")
    assert not has_filter(machine, "eth0") and "eth0 is renamed" in tool.say("note")
    assert send_frame(machine, "eth0", 0x0806) is True and send_frame(machine, "eth0", 0x0800) is False
    machine.router.ip("neigh flush dev r0")
    with machine.router.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(b"who has it?", ("192.0.2.2", 9))
    wait_for(lambda: "lladdr" in machine.router.run("ip", "neigh", "show", "192.0.2.2").stdout, "an answer: what arrives is not judged")
    tool.say("remove")
    assert tc(machine, "qdisc", "show", "dev", "eth0") == before and places(machine) <= {"eth0"}
    assert send(machine) == "arrived"


def test_a_kernel_that_is_kept_from_answering_gets_filters_where_a_rename_takes_a_chain_away(machine, start):
    """Another program owns the table with which we probe what the kernel does at a rename. Without an answer, the
    filters are installed to be safe."""
    machine.nft("table netdev portcullis_probe { chain probe { type filter hook egress device eth1 priority 0; } }")
    start(*LOCKED)
    assert has_filter(machine)


def test_an_earlier_runs_filters_go_with_one_chain_for_every_link_where_the_kernel_has_it(machine, locked, start):
    locked.kill()
    assert has_filter(machine)
    tool = start("every_link", "state locked")
    if "Invalid argument" in tool.ask("assert"):
        pytest.skip("this kernel has no chain for every link")
    assert places(machine) == set() and send_frame(machine, "eth0", 0x0800) is False
