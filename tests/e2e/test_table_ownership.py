"""Tables of our names that other processes own, before the start or while the daemon runs: a name proves nothing."""
import os
import shutil
import signal

import pytest

from netadmin import BRIDGE, INET, NAMES, NETDEV, OWNED_FOR_EVER, Holder, hold_names
from netns import state_of, wait_for
from test_flow import gets_inside, gets_out
from world import ROOT

SECOND = NAMES[1]


def tables(world):
    return set(world.host.run("nft", "list", "tables").stdout.replace("table ", "").splitlines())


def has_lock(world, name):
    rules = world.host.run("nft", "list", "table", "inet", name, check=False).stdout
    return "chain out {" in rules and "policy drop" in rules


def is_up(world):
    return ",UP" in world.host.run("ip", "link", "show", "eth0").stdout


@pytest.mark.parametrize("flags", [2, OWNED_FOR_EVER], ids=["owned", "owned for ever"])
def test_lock_beside_an_empty_table(world, portcullis, flags):
    """`-L` meets a name that is taken: it locks under the next one, says so, and only then says that it is locked."""
    holder = Holder(world.host, flags=flags)
    gate = portcullis()
    with world.wire() as wire:
        assert gets_out(world, wire), "control: whoever holds the name stops nothing"
    with world.wire() as wire:
        done = gate.run_daemon("-L")
        assert done.returncode == 0 and "locked and verified" in done.stdout, done
        assert f"ours are called {SECOND}" in done.stderr
        assert has_lock(world, SECOND) and f"netdev {SECOND}" in tables(world)
        assert not gets_out(world, wire)
        holder.close()
        assert gate.run_daemon("-L").returncode == 0
        assert has_lock(world, "portcullis") and f"inet {SECOND}" not in tables(world)
        assert not gets_out(world, wire)


def test_all_names_are_held(world, portcullis):
    """No name is left: there is no lock, the exit code is not 0, and every link is down."""
    holder = hold_names(world.host)
    done = portcullis().run_daemon("-L")
    assert done.returncode == 1 and "holds tables of our name" in done.stderr and "every physical link is set down" in done.stderr
    assert not is_up(world)
    holder.close()


def test_the_daemon_opens_under_another_name(world, portcullis):
    """The name is taken before the daemon starts and released later: the daemon returns to it, and nothing leaks on the
    way."""
    holder = Holder(world.host, families=(INET, NETDEV, BRIDGE))
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        assert SECOND in gate.status()["reason"] and "holds tables of our name" in gate.log()
        assert has_lock(world, SECOND) and gets_inside(world)
        gate.kill_openvpn()
        gate.wait(gate={"locked", "dialling"}).wait(gate="open")
        assert gets_inside(world) and not gets_out(world, wire)
        holder.close()
        wait_for(lambda: f"inet {SECOND}" not in tables(world), lambda: gate.told("back to the usual name"), 3)
        assert has_lock(world, "portcullis")
        assert gate.status()["gate"] == "open" and SECOND not in gate.status()["reason"]
        assert gets_inside(world) and not gets_out(world, wire)
        wire.assert_clean()


def test_a_name_that_is_taken_beside_the_daemon(world, portcullis):
    """Nobody can take a table of ours, but a table of that name in a family that we do not use can be taken. The gate
    stays open, under a name that is ours in all families."""
    gate = portcullis().start_open()
    holder = Holder(world.host, families=(BRIDGE,))
    wait_for(lambda: has_lock(world, SECOND), lambda: gate.told("another name"), 3)
    wait_for(lambda: "inet portcullis" not in tables(world), "what was ours under the usual name goes")
    assert gate.status()["gate"] == "open" and gets_inside(world)
    holder.close()
    wait_for(lambda: f"inet {SECOND}" not in tables(world), lambda: gate.told("back"), 3)
    assert gate.status()["gate"] == "open" and gets_inside(world)


@pytest.mark.parametrize("way", ["off", "offline"])
def test_off_removes_every_name(world, portcullis, way):
    holder = Holder(world.host)
    gate = portcullis().start_open()
    assert f"inet {SECOND}" in tables(world)
    if way == "off":
        gate.ctl("off", check=True)
        gate.wait(gate="off")
    else:
        done = gate.ctl("off", "--offline", timeout=30)
        assert f"process {holder.process.pid} is not portcullisd" in done.stderr, done
    assert tables(world) == {"inet portcullis"}, "the stranger's alone"
    holder.close()
    assert not tables(world)


def test_a_process_that_is_called_portcullisd(world, portcullis):
    """Any process can be called portcullisd: neither its name nor its number makes it the owner of the gate."""
    fake = f"{ROOT}/fake/portcullisd"
    os.makedirs(os.path.dirname(fake), exist_ok=True)
    shutil.copy(os.path.realpath("/usr/bin/python3"), fake)
    os.chmod(fake, 0o755)
    holder = Holder(world.host, program=(fake,))
    try:
        assert holder.process.pid in world.host.pids("portcullisd")
        done = portcullis().run_daemon("-L")
        assert done.returncode == 0 and "held by process" not in done.stdout and has_lock(world, SECOND), done
    finally:
        holder.close()
        os.unlink(fake)


def test_beside_a_real_one(world, portcullis):
    """The other daemon lives and its rules are complete: it holds the gate, and nothing is changed."""
    gate = portcullis().start_open()
    before = gate.rules()
    done = gate.run_daemon("-L")
    assert done.returncode == 0 and f"held by process {gate.pid}; nothing was changed" in done.stdout
    done = gate.run_daemon("-d")
    assert done.returncode == 1 and f"held by process {gate.pid}; nothing was changed" in done.stderr
    assert gate.rules() == before and gets_inside(world)


@pytest.mark.parametrize("option", ["-L", "-d"])
def test_beside_a_real_one_that_is_stopped(world, portcullis, option):
    """A stopped daemon would not notice changes of its rules, so the second start locks beside it. When the first one
    continues, it cleans up."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        os.kill(gate.pid, signal.SIGSTOP)
        wait_for(lambda: state_of(gate.pid) == "T", "stopped")
        done = gate.run_daemon(option)
        if option == "-L":
            assert done.returncode == 0 and "locked and verified" in done.stdout, done
        else:
            assert done.returncode == 1 and "its lock could not be verified; locked without it" in done.stderr, done
        assert has_lock(world, SECOND)
        assert not gets_inside(world, 0) and not gets_out(world, wire)
        os.kill(gate.pid, signal.SIGCONT)
        wait_for(lambda: f"inet {SECOND}" not in tables(world), lambda: gate.told("cleared up"), 3)
        gate.wait(gate="open")
        assert gets_inside(world) and not gets_out(world, wire)


def test_beside_one_whose_rules_are_not_whole(world, portcullis):
    """The other daemon was killed in the middle, or root has emptied its tables: what counts is which rules are there,
    not who owns them."""
    gate = portcullis().start_open()
    os.kill(gate.pid, signal.SIGSTOP)
    gate.kill()
    world.host.run("nft", "flush", "chain", "inet", "portcullis", "out")
    done = gate.run_daemon("-L")
    assert done.returncode == 0 and "locked and verified" in done.stdout
    assert "policy drop" in gate.rules() and gate.kernel_gate() == "locked"
