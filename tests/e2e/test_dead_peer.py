"""A server that is silent for its limit is dead, and one that only has nothing to say is not."""
import os
import signal
import time

import pytest
from daemon import wakeups
from test_flow import gets_inside
from test_pushed_options import add_server, push, was_sent
from world import INTERNET4, NOBODY, SERVERS, ask_udp

pytestmark = pytest.mark.quiet  # it is measured how long things take


def pings(name, port, network, *options):
    add_server(name, port, network, [])
    SERVERS[name].extra = [*options, *SERVERS[name].extra]
    return name


def freeze(world, server, sig):
    os.kill(world.running[server].pid, sig)


def test_the_limit_that_the_server_pushes(world, portcullis):
    """Six seconds become ten: an idle tunnel lives on, while the driver hardly wakes up, and a dead server is noticed within
    its limit and four tenths."""
    server = pings("pings", 1207, 23, "--keepalive", "3", "6")
    gate = portcullis(server).start_open()
    assert "ping-restart 6" in was_sent(server), "control"
    with gate.watch() as watch:
        watch.until(gate="open")
        before = wakeups(gate.driver())
        assert watch.next(11.5) is None, gate.told("an idle tunnel does not live on")
        assert 0 < wakeups(gate.driver()) - before <= 8, "twice in four seconds, and a few more if a ping is late"
    freeze(world, server, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with gate.watch() as watch:
            watch.until(gate={"locked", "dialling"})
        silent = time.monotonic() - began
        assert 6.5 < silent < 14.5, f"{silent}: {gate.told()}"
        assert "nothing has come from the server for 10 s" in gate.log(), gate.log()
    finally:
        freeze(world, server, signal.SIGCONT)
    gate.wait(gate="open")
    assert gets_inside(world)


def test_a_server_that_never_pings(world, portcullis):
    """It is not watched, so that an idle tunnel to it is left alone; openvpn's own two minutes do not count."""
    server = pings("mute", 1208, 24, "--keepalive", "0", "0")
    gate = portcullis(server).start_open()
    assert "ping" not in was_sent(server), "control"
    assert gets_inside(world)
    with open(f"/proc/{gate.openvpn()}/cmdline", encoding="ascii") as file:
        assert "--ping-restart\0000\0" in file.read()
    with gate.watch() as watch:
        watch.until(gate="open")
        assert watch.next(2) is None, gate.told()


def test_the_limit_of_the_profile(world, portcullis):
    """The server says nothing of it: what the profile says counts, by whichever of its names."""
    server = pings("silent", 1209, 25, "--keepalive", "0", "0")
    gate = portcullis(server, extra=["keepalive 1 10"]).start_open()
    began = time.monotonic()
    with gate.watch() as watch:
        watch.until(gate={"locked", "dialling"})
    assert 8 < time.monotonic() - began < 15, gate.told()
    assert "nothing has come from the server for 10 s" in gate.log(), gate.log()


def test_programs_send_and_no_answer_comes(world, portcullis, sampled):
    """A server that sends no pings, and then is gone: noticed half a minute after the first thing that is sent, or 12 s
    later because the tunnel was idle, and the status tells meanwhile. As long as nobody sends it may be silent."""
    for _ in sampled(["half a minute"], 0):  # too long for every day
        server = pings("gone", 1210, 27, "--keepalive", "0", "0")
        gate = portcullis(server).start_open()
        assert gets_inside(world)
        freeze(world, server, signal.SIGSTOP)
        try:
            with gate.watch() as watch:
                watch.until(gate="open")
                assert watch.next(8) is None, gate.told("nobody sends")
            began, told = time.monotonic(), False
            while gate.status()["gate"] == "open":
                world.host.call(ask_udp, INTERNET4, 5300, b"INSIDE", 0.5, uid=NOBODY)
                told = told or "no answer from the server for" in gate.status()["reason"]
                assert time.monotonic() - began < 44, gate.told()
            assert time.monotonic() - began > 20 and told
            assert "programs send, and nothing has come from the server for 30 s" in gate.log(), gate.log()
        finally:
            freeze(world, server, signal.SIGCONT)
        gate.wait(gate="open")
        assert gets_inside(world)
