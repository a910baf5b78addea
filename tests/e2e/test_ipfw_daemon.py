"""portcullisd with ipfw: the whole daemon, a real openvpn, and a stand-in for ipfw that keeps the rules."""
import os
import signal

import pytest

from ipfw_world import BUILD, Kernel, holding, is_shut, passes
from netns import wait_for

PROGRAMS = os.path.join(BUILD, "test", "ipfw")


@pytest.fixture(name="kernel")
def make_kernel(tmp_path):
    os.chmod(tmp_path, 0o755)
    return Kernel(tmp_path)


@pytest.fixture(name="gate")
def make_gate(portcullis, kernel):
    return portcullis(programs=PROGRAMS, settings={"backend": '"auto"', "on-unprotected": '"report"'},
                      environment=kernel.environment)


def tunnel_passes(kernel):
    return any(rule[1] in holding(kernel.now()) and rule[3].startswith("allow ip from any to any out via tun0")
               for rule in kernel.now()["rules"])


def test_whole_flow(kernel, gate):
    assert not is_shut(kernel.now())  # control
    gate.start_open()
    assert tunnel_passes(kernel) and len(holding(kernel.now())) == 1
    gate.kill_openvpn()
    gate.wait(gate={"locked", "dialling"})
    wait_for(lambda: any("locked" in call["input"] for call in kernel.calls()), "locked again")
    gate.wait(gate="open")
    gate.ctl("down", check=True)
    gate.wait(gate="locked")
    assert not tunnel_passes(kernel) and passes(kernel.now(), "dhcp")
    assert gate.stop() == 0
    assert not tunnel_passes(kernel)
    steps = kernel.steps()
    shut = next(i for i, step in enumerate(steps) if is_shut(step))
    assert all(is_shut(step) for step in steps[shut:])
    armed = next(i for i, step in enumerate(steps) if " enable " in step["line"])
    assert all(len(holding(step)) == 1 for step in steps[armed:])


def test_lock_and_leave(kernel, gate):
    assert gate.run_daemon("-L").returncode == 0
    assert is_shut(kernel.now()) and passes(kernel.now(), "dhcp")
    kernel.fault("fail", 0, and_on=True)
    failed = gate.run_daemon("-L")
    assert failed.returncode == 1 and "ipfw" in failed.stderr, failed


def test_lock_beside_an_open_gate(kernel, gate):
    """The kernel does not name an owner of the rules, but the daemon's lockfile does."""
    gate.start_open()
    done = gate.run_daemon("-L")
    assert done.returncode == 0 and f"held by process {gate.pid}" in done.stdout, done
    assert tunnel_passes(kernel)
    gate.kill()
    assert "locked and verified" in gate.run_daemon("-L").stdout and not tunnel_passes(kernel)


def test_killed_while_open(kernel, gate):
    gate.start_open()
    gate.kill()
    assert is_shut(kernel.now())
    gate.start()
    gate.wait(gate="open")


def test_tool_that_fails_from_now_on_is_unprotected_and_said(kernel, gate):
    gate.start_open()
    kernel.fault("fail", 0, and_on=True)
    gate.wait(gate="unprotected")
    wait_for(lambda: not gate.openvpns(), "no openvpn while unprotected")
    kernel.fault(None)
    gate.wait(gate="open")
    assert "UNPROTECTED" in gate.log()


def test_flush_by_somebody_else_is_put_back(kernel, gate):
    gate.start_open()
    before = len(kernel.steps())
    kernel.manually("flush")
    wait_for(lambda: "restored and verified" in gate.log(), "noticed")
    assert tunnel_passes(kernel)
    assert all(is_shut(step) for step in kernel.steps()[before:])


def test_foreign_rule_before_ours_is_said(kernel, gate):
    kernel.manually(*"add 1 allow ip from any to any".split())
    gate.start()
    gate.wait(gate="unprotected")
    assert "00001 set 0 allow ip from any to any" in gate.status()["reason"]
    assert not gate.openvpns()
    kernel.manually("delete", "1")
    gate.wait(gate="open")


def test_a_pipe_is_named(kernel, gate):
    kernel.manually(*"add 900 pipe 1 ip from any to any out".split())
    gate.start_open()
    wait_for(lambda: "00900 set 0 pipe 1 ip from any to any out" in gate.log(), "named")
    looks = len(kernel.calls())
    wait_for(lambda: len(kernel.calls()) > looks + 1, "another look", 6)
    assert gate.log().count("dummynet") == 2, "once, in each of the two logs"
    assert "dummynet" in gate.run_daemon("-n").stdout


def test_killed_during_a_pause(kernel, gate):
    gate.start_open()
    gate.ctl("pause", "3s", check=True)
    gate.wait(gate="paused")
    assert not is_shut(kernel.now())
    gate.kill(signal.SIGKILL)
    wait_for(lambda: is_shut(kernel.now()) and passes(kernel.now(), "dhcp"), "locked by the watchdog", 10)
    assert not tunnel_passes(kernel)


def test_resumed_before_its_time(kernel, gate):
    gate.start_open()
    gate.ctl("pause", "10m", check=True)
    gate.wait(gate="paused")
    gate.ctl("resume", check=True)
    gate.wait(gate="open")
    assert is_shut(kernel.now())


@pytest.mark.parametrize("alive", [True, False])
def test_off_offline(kernel, gate, alive):
    kernel.manually(*"add 100 allow ip from any to any via lo0".split())
    theirs = kernel.now()
    gate.start_open()
    if not alive:
        gate.kill()
    done = gate.ctl("off", "--offline", env=gate.environment)
    # A living daemon sees the marker, and may be the first to remove its rules.
    said = ("the rules have been removed", "there were no rules") if alive else ("the rules have been removed",)
    assert done.returncode == 0 and any(words in done.stdout for words in said), done
    assert kernel.now() == theirs
    again = gate.ctl("off", "--offline", env=gate.environment)
    assert again.returncode == 0 and "there were no rules" in again.stdout, again
    gate.ctl("up", check=False)
