"""`portcullis selftest`: its report on a real filter, that it finds faults, and that it leaves nothing behind."""
import os
import re

import pytest
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether

from daemon import BUILD
from netns import wait_for
from standin.pfctl import Pfctl
from world import ROOT

PORTCULLIS = os.path.join(BUILD, "portcullis")
GROUP = "901"
STATES = ["the lock is committed and read back", "locked: nothing gets out of any link", "locked: loopback passes",
          "dialling is committed and read back", "dialling: openvpn's group reaches the endpoint",
          "dialling: no other group does", "dialling: no other port does", "locked again: the hole is shut",
          "what was stopped is counted", "paused: a datagram gets out", "the pause ends by itself",
          "after the pause: nothing gets out of any link", "the rules are removed",
          "without the gate a datagram gets out again"]


def selftest(world, *options):
    return world.host.run(PORTCULLIS, "selftest", *options, check=False, timeout=40)


def results(done):
    """What was tried -> the result."""
    lines = done.stdout.splitlines()[:-1]
    assert all(re.match(r"(pass|FAIL|skip|info)  \S", line) for line in lines), done.stdout
    return dict(line.split("  ", 1)[::-1] for line in lines)


def test_a_sound_system(world):
    """Each part of the promise that can be tested on the machine itself holds, and afterwards the machine is as it
    was."""
    done = selftest(world, "--lock", "--openvpn-group", GROUP)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(done)
    for what in STATES:
        assert found.get(what) == "pass", (what, done.stdout)
    assert found["without the gate a datagram gets out of: eth0"] == "pass"
    assert re.fullmatch(r"\d+ passed, 0 failed, 0 skipped", done.stdout.splitlines()[-1])
    assert world.host.run("nft", "list", "ruleset").stdout == ""


def test_what_is_heard_is_empty(world):
    """The datagrams that it sends are empty, and go to documentation addresses only."""
    with world.wire() as wire:
        selftest(world, "--lock", "--openvpn-group", GROUP)
        world.fence(wire)
        probes = [frame for frame in wire.frames if frame.proto == 17 and frame.dport in (9, 1194)]
    assert {str(frame.destination) for frame in probes} == {"233.252.0.1", "192.0.2.1"}
    assert all(Ether(frame.raw)[UDP].len == 8 for frame in probes)


def test_a_filter_that_lies(world):
    """pfctl says that everything is loaded, but nothing is filtered (a stand-in): the report says what got out."""
    standin = Pfctl(f"{ROOT}/pf-selftest")
    os.unlink(f"{standin.directory}/probe")
    with open(f"{standin.directory}/leak", "w", encoding="ascii") as leak:
        leak.write("eth0")
    try:
        done = world.host.run(os.path.join(BUILD, "test", "portcullis-pf"), "selftest", "--lock", "--openvpn-group", GROUP,
                              check=False, timeout=60, env={"PORTCULLIS_STANDIN": standin.directory})
    finally:
        standin.close()
    found = results(done)
    assert done.returncode == 1, done.stdout + done.stderr
    assert found.get("the lock is committed and read back") == "pass", done.stdout + done.stderr
    for state in ("locked", "dialling", "after the pause"):
        assert found[f"{state}: nothing gets out of any link: a datagram got out of eth0"] == "FAIL", done.stdout
    for what in ("dialling: no other group does", "dialling: no other port does", "locked again: the hole is shut"):
        assert found[f"{what}: it got out"] == "FAIL", done.stdout


def test_nothing_without_a_network(world):
    """If nothing gets out even without the gate, nothing can be shown, and the result is not `pass`."""
    world.host.ip("link set eth0 down")
    done = selftest(world, "--lock", "--openvpn-group", GROUP)
    assert done.returncode == 1
    assert results(done).get("the control: nothing gets out even without the gate, so nothing can be tested; "
                             "instead: connect a network") == "FAIL"


def test_only_a_look(world):
    """Without --lock nothing is locked, and the report says what it left out."""
    done = selftest(world)
    assert done.returncode == 0 and "skip  what passes: it needs the lock; instead: --lock" in done.stdout
    assert "pass  firewall: nft" in done.stdout and "pass  links: eth0" in done.stdout


def test_a_live_gate_is_not_for_playing(world, portcullis):
    gate = portcullis("udp").start().wait(gate="open")
    done = world.host.run(PORTCULLIS, "selftest", "--lock", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == ("portcullis: selftest: portcullisd is running, and its gate must not be disturbed; "
                           "instead: stop it first\n")
    assert gate.status()["gate"] == "open"
    gate.stop()
    wait_for(lambda: "portcullis" in world.host.run("nft", "list", "ruleset").stdout, gate.told)


@pytest.mark.parametrize("words, says", [
    (["--openvpn-group", "no such"], "--openvpn-group no such does not exist; instead: a group's name or number"),
    (["--lok"], "unknown option --lok"), (["more"], '"more" is one argument too many')])
def test_bad_input(world, words, says):
    done = world.host.run(PORTCULLIS, "selftest", *words, check=False)
    assert done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1


def test_only_root_locks(world):
    done = world.host.run("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", PORTCULLIS, "selftest", "--lock",
                          check=False)
    assert done.returncode == 1 and "sudo portcullis selftest --lock" in done.stderr
