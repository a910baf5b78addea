"""A clock that is wrong is told by name, and there is no hole for time: it comes through the tunnel."""
import os
import time

import pytest

from netns import wait_for
from test_doctor import certificate
from test_flow import blackhole, gets_out
from world import INTERNET4, SERVERS, SERVER4, Endpoint, Server, ask_udp, send_udp

NTP_USER = 997  # a system user, as the time service has
ASKED = b"\x23" + bytes(47)  # an NTP client's question


@pytest.fixture(name="young")
def fixture_young(world):
    """A server whose certificate begins in 2080, and a profile that trusts it."""
    folder = f"{world.keys}/young"
    pem = certificate(folder, "20800101000000Z", "20810101000000Z")
    SERVERS["young"] = Server("young", Endpoint(SERVER4, 1232, "udp"), 35, ["--cert", f"{folder}/crt", "--key", f"{folder}/key"])
    profile = world.profile("young").replace("remote-cert-tls server\n", "")
    begin, end = profile.index("<ca>"), profile.index("</ca>")
    yield profile[:begin] + "<ca>\n" + pem.strip() + "\n" + profile[end:]
    world.stop_server("young")
    world.used.discard("young")
    del SERVERS["young"]


def test_a_certificate_that_is_not_valid_yet(world, portcullis, young):
    """The reason names the clock, and what to do; the gate stays shut."""
    gate = portcullis(profile=young)
    with world.wire("young") as wire:
        gate.start()
        wait_for(lambda: "not valid yet: the clock may be wrong; instead: " in (gate.status()["reason"] or ""),
                 lambda: gate.told("the clock"), 20)
        assert "peer-fingerprint" in gate.status()["reason"]
        assert gate.status()["gate"] != "open" and not gets_out(world, wire)
        wire.assert_clean()


def test_a_clock_before_the_last_time(world, portcullis):
    """It is told at the start and in the status. It keeps nothing from being dialled, and a server that is believed with
    it shows that it is right after all."""
    gate = portcullis()
    os.makedirs(gate.state, 0o700)
    with open(f"{gate.state}/seen", "w", encoding="ascii") as file:
        file.write("4000000000\n")
    blackhole(world)
    try:
        gate.start().wait(gate="dialling")
        wait_for(lambda: "it was 2096-10-02T07:06:40Z already" in (gate.status()["reason"] or ""), lambda: gate.told("the clock"))
        assert "warn gate: the clock says" in gate.log()
    finally:
        blackhole(world, False)
    gate.wait(gate="open", seconds=30)
    wait_for(lambda: "already" not in (gate.status()["reason"] or ""), lambda: gate.told("believed"))
    assert gate.stop() == 0
    with open(f"{gate.state}/seen", encoding="ascii") as file:
        assert abs(int(file.read()) - time.time()) < 120


def test_time_comes_through_the_tunnel(world, portcullis):
    """An NTP question of a system user: in the clear without the gate, nowhere while it is shut, and through the tunnel
    once it is open."""
    def leaves(wire):
        world.host.call(send_udp, INTERNET4, 123, ASKED, uid=NTP_USER)
        world.fence(wire)
        return bool(wire.seen(ASKED))
    with world.wire("udp") as wire:
        assert leaves(wire), "control: without the gate it leaves in the clear"
    with world.wire("udp") as wire:
        gate = portcullis()
        assert gate.run_daemon("-L").returncode == 0
        assert not leaves(wire)
        gate.start_open()
        assert world.host.call(ask_udp, INTERNET4, 123, ASKED, uid=NTP_USER) == ASKED
        gate.ctl("down", "--wait", check=True)
        assert not leaves(wire)
        wire.assert_clean()
