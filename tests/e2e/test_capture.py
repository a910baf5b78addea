"""The capture itself, without a gate: it sees what leaves in the clear, and nothing of what goes through the VPN."""
import os

import pytest

from daemon import BUILD
from world import INTERNET4, INTERNET6, NOBODY, ask_udp, connect_tcp


@pytest.mark.parametrize("address", [INTERNET4, INTERNET6])
def test_clear_traffic_is_seen(world, address):
    with world.wire() as wire:
        assert world.host.call(ask_udp, address, 5300, b"CONTROL", uid=NOBODY) == b"CONTROL"
        assert world.host.call(connect_tcp, address, 443, b"CONTROL", uid=NOBODY)[0] == 0
        world.fence(wire)
        assert len(wire.seen(b"CONTROL")) == 2
        assert len(wire.clear) > 2


@pytest.mark.parametrize("server", ["udp", "tcp", "port53", "udp6", "tcp6"])
def test_traffic_inside_a_bare_vpn_is_not(world, server):
    world.bare_vpn(server)
    with world.wire(server) as wire:
        for address in (INTERNET4, INTERNET6):
            assert world.host.call(ask_udp, address, 5300, b"INSIDE") == b"INSIDE"
        world.fence(wire)
        assert not wire.seen(b"INSIDE") and wire.counts["outer"] >= 2


def test_a_bare_vpn_leaks_when_it_is_killed(world):
    vpn = world.bare_vpn()
    vpn.kill()
    with world.wire("udp") as wire:
        assert world.host.call(ask_udp, INTERNET4, 5300, b"LEAK") == b"LEAK"
        world.fence(wire)
        assert wire.seen(b"LEAK")


def test_everybody_can_run_the_programs(world):
    """Wherever the tree is: a home that others can't enter must not make a test fail."""
    for name in ("portcullisd", "portcullis", "portcullis-driver", "test/portcullis"):
        assert world.host.call(os.access, f"{BUILD}/{name}", os.X_OK, uid=NOBODY)
