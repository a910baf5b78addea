"""Tables that no process owns, as on a kernel before 6.9: root may flush them, and the daemon restores them."""
import re
import time

import pytest

from netns import wait_for
from test_attacks import FLOOD, Sender, strip_handles
from test_flow import gets_inside, gets_out

pytestmark = pytest.mark.quiet
RATE = 20000  # packets a second: the number that leaked shows how long it took
LIMIT_MS = 100
VANDALS = {
    "flush ruleset": ["flush", "ruleset"],
    "delete the table": ["delete", "table", "inet", "portcullis"],
    "flush the chain": ["flush", "chain", "inet", "portcullis", "out"],
    "accept first": ["insert", "rule", "inet", "portcullis", "out", "accept"],
    "a member": ["add", "element", "inet", "portcullis", "paused", "{ ipv4 }"],
}


def unowned(world, gate):
    """Starts the daemon over tables that exist without `persist`: such a table can't be adopted, so nobody owns it."""
    for family in ("inet", "netdev"):
        world.host.run("nft", "add", "table", family, "portcullis")
    gate.start_open()
    assert "owner" not in gate.rules(), gate.rules()
    return gate


def vandalise(world, how):
    """Both tables are hit, one directly after the other, because a packet would have to get past both."""
    world.host.run("nft", *VANDALS[how])
    if how != "flush ruleset":
        world.host.run("nft", "delete", "table", "netdev", "portcullis", check=False)


def leaked(wire):
    return len(wire.seen(FLOOD))


def sender_of(world, program):
    return Sender(world, program, "-b", "eth0", "-r", str(RATE))


def without_time(rules):
    return re.sub(r"expires \S+", "", rules)


def test_lock_for_a_new_link_beside_the_live_daemon(world, portcullis):
    """udev's -L for a new link: the kernel names no owner, and yet neither an open gate nor a pause is touched."""
    gate = unowned(world, portcullis())
    for state in ("open", "paused"):
        if state == "paused":
            gate.ctl("pause", "5m", check=True)
            gate.wait(gate="paused")
        before = without_time(gate.rules())
        done = gate.run_daemon("-L")
        assert done.returncode == 0 and f"held by process {gate.pid}" in done.stdout
        assert without_time(gate.rules()) == before
        assert gate.status()["gate"] == state
    gate.kill()
    assert "locked and verified" in gate.run_daemon("-L").stdout, "nobody is there any more"


@pytest.mark.parametrize("state", ["locked", "open"])
@pytest.mark.parametrize("how", VANDALS)
def test_undone_beside_the_live_daemon(world, portcullis, flood_program, how, state):
    """The change is noticed, undone and verified. The packets that a program gets out until then are counted: there are
    no more than it sends in 100 ms."""
    gate = unowned(world, portcullis())
    if state == "locked":
        gate.ctl("down", "--wait", check=True)
    before = strip_handles(gate.rules())
    sender = sender_of(world, flood_program)
    with world.wire("udp") as wire:
        world.fence(wire)
        assert not leaked(wire)
        vandalise(world, how)
        wait_for(lambda: without_flags(gate.rules()) == without_flags(before), lambda: gate.told(gate.rules()), 2)
        gate.assert_loaded()
        wait_for(lambda: "restored and verified" in gate.log(), lambda: gate.told("a line of it in the log"), 2)
        world.fence(wire)
        count = leaked(wire)
        assert {f.dport for f in wire.clear} <= {5301}, "more than the sender's"
    with world.wire("udp") as wire:
        time_over = time.monotonic() + 0.3
        wait_for(lambda: time.monotonic() > time_over, "some more packets of the sender")
        attempts, _, took = sender.stop()
        assert not gets_out(world, wire)
        wire.assert_clean()
    milliseconds = count * took / attempts / 1000
    assert milliseconds <= LIMIT_MS, gate.told(f"{count} packets left: {milliseconds:.0f} ms of the sender")
    gate.wait(gate=state)
    assert gate.kernel_gate() == state
    if state == "open":
        assert gets_inside(world)


def without_flags(rules):
    """A table that was made anew has an owner again; the order of the tables is the kernel's."""
    lines = [line for line in strip_handles(rules).splitlines() if "flags owner" not in line and line.strip()]
    return sorted(lines)


def test_flushed_beside_a_dead_daemon(world, portcullis, flood_program):
    """The control: without a daemon the same sender gets out for as long as it sends."""
    gate = unowned(world, portcullis())
    gate.ctl("down", "--wait", check=True)
    sender = sender_of(world, flood_program)
    gate.kill()
    with world.wire("udp") as wire:
        world.fence(wire)
        assert not leaked(wire)
        vandalise(world, "flush ruleset")
        world.host.without_link_filters()
        wait_for(lambda: leaked(wire) > 3 * LIMIT_MS * RATE / 1000, "more than the daemon would have let out", 5)
        sender.stop()
