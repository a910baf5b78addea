"""The server is told when a session over UDP ends, so that it is not counted any longer."""
import socket
import time

import pytest
from netns import wait_for
from test_flow import gets_inside
from world import ROOT, management

pytestmark = pytest.mark.quiet  # it is measured how long things take

HEARD = "exit message received"


def goodbyes(server):
    with open(f"{ROOT}/server-{server}.log", encoding="utf-8", errors="replace") as log:
        return log.read().count(HEARD)


@pytest.mark.parametrize("how", ["down", "reconnect", "off", "pause", "stop"])
def test_the_server_is_told(world, portcullis, how):
    """Whatever orderly ends it, and without delay; nothing leaves in the clear meanwhile."""
    with world.wire("udp") as wire:
        gate = portcullis("udp").start_open()
        assert gets_inside(world)
        before, began = goodbyes("udp"), time.monotonic()
        if how == "stop":
            assert gate.stop() == 0
        elif how == "pause":
            gate.ctl("pause", "5", check=True)
        else:
            gate.ctl(how, check=True)
        wait_for(lambda: goodbyes("udp") == before + 1, "the goodbye at the server", 1.0)
        if how == "stop":
            assert time.monotonic() - began < 1.0
        elif how == "down":
            gate.wait(gate="locked", tunnel="down")
            assert time.monotonic() - began < 1.0
        elif how == "reconnect":
            gate.wait(gate="open")
            assert gets_inside(world)
        if how in ("down", "stop"):
            wire.assert_clean()


def test_a_kill_tells_nobody(world, portcullis):
    """The control: an openvpn that is killed has no time to."""
    gate = portcullis("udp").start_open()
    before = goodbyes("udp")
    gate.kill_openvpn()
    gate.wait(gate="open")
    assert gets_inside(world) and goodbyes("udp") == before


def test_a_session_of_limited_length(world, portcullis):
    """openvpn ends it, tells the server, and the next one begins at once. (In a profile a minute is the least.)"""
    gate = portcullis("udp", settings={"openvpn": '{ arguments = { "--session-timeout", "2" } }'}).start_open()
    before, first = goodbyes("udp"), gate.openvpn()
    wait_for(lambda: goodbyes("udp") > before, "the goodbye at the server", 4)
    gate.wait(gate="open", seconds=3)
    wait_for(lambda: gate.openvpns() not in ([], [first]), "the next openvpn", 3)
    assert gets_inside(world)


def kick(server, message):
    """The server ends the session of its only client, and says so to it."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw") as manager:
        connection.settimeout(10)
        connection.connect(management(server))
        manager.write("status 2\n")
        manager.flush()
        listed = next(line for line in manager if line.startswith("CLIENT_LIST,client,"))
        manager.write(f"client-kill {listed.split(',')[10]} {message}\n")
        manager.flush()
        assert any(line.startswith("SUCCESS: client-kill") for line in manager)


@pytest.mark.parametrize("message", ["RESTART", "HALT"])
def test_a_server_that_ends_the_session(world, portcullis, message):
    """It knows already: openvpn is not left a second to tell it."""
    gate = portcullis("udp").start_open()
    with gate.watch() as watch:
        began = time.monotonic()
        kick("udp", message)
        watch.until(gate={"locked", "dialling"})
        watch.until(gate="open")
        assert time.monotonic() - began < 1.0, gate.told()
    assert gets_inside(world)
