"""Log-in attempts, counted at the server: a refused password is not tried again and again, whatever ends the daemon; and
the right one costs one log-in for each connection, no more."""
import os
import re
import signal

import pytest

from netns import wait_for
from test_flow import gets_inside, give_password
from world import ROOT

GIVEN = re.compile(r"TLS: Username/Password authentication succeeded for username|TLS Auth Error: Auth Username/Password verif")


def logins():
    """How many log-ins the server has judged since it was started."""
    with open(f"{ROOT}/server-password.log", encoding="utf-8", errors="replace") as log:
        return len(GIVEN.findall(log.read()))


def installed(world, portcullis, password):
    world.server("password")
    before = logins()
    gate = portcullis("password", extra=("auth-user-pass",))
    give_password(gate, password)
    return gate.start(), lambda: logins() - before


def restart(gate, how):
    if how in (signal.SIGTERM, signal.SIGKILL):
        gate.kill(how)
        wait_for(lambda: not gate.openvpns(), "openvpn ended with its daemon")
        gate.start()
    else:
        was = gate.driver()
        os.kill(was, signal.SIGKILL)
        wait_for(lambda: gate.drivers() not in ([], [was]), lambda: gate.told("a new driver"))


HOW = [signal.SIGTERM, signal.SIGKILL, "driver killed"]


@pytest.mark.parametrize("how", HOW, ids=["ended", "killed", "driver"])
def test_a_refused_password_is_not_given_again_after_a_restart(world, portcullis, how):
    gate, given = installed(world, portcullis, "wrong horse")
    gate.wait(tunnel={"waiting", "stopped"})
    assert given() == 1, gate.told("control: the server was asked once")
    for _ in range(4):
        restart(gate, how)
        gate.wait(tunnel={"waiting", "stopped"})
        assert gate.status()["gate"] == "locked"
    assert given() == 1, gate.told(f"{given()} log-ins")


@pytest.mark.parametrize("how", HOW, ids=["ended", "killed", "driver"])
def test_the_right_password_is_given_once_for_each_connection(world, portcullis, how):
    gate, given = installed(world, portcullis, "right horse")
    gate.wait(gate="open")
    assert given() == 1
    for number in range(2, 5):
        was = gate.openvpn()
        restart(gate, how)
        wait_for(lambda was=was: gate.openvpns() not in ([], [was]), lambda: gate.told("the next attempt"))
        gate.wait(gate="open")
        assert given() == number, gate.told(f"{given()} log-ins for {number} connections")
    assert gets_inside(world)


def test_a_killed_openvpn_costs_one_log_in(world, portcullis):
    gate, given = installed(world, portcullis, "right horse")
    gate.wait(gate="open")
    for number in range(2, 5):
        gate.kill_openvpn()
        wait_for(gate.openvpns, lambda: gate.told("the next attempt"))
        gate.wait(gate="open")
        assert given() == number, gate.told(f"{given()} log-ins for {number} connections")
