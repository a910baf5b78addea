"""Netlink messages that a process with CAP_NET_ADMIN forges, sent to the daemon's sockets and multicast groups: none is
believed."""
import errno
import socket

from netadmin import (DELLINK, GROUP_LINK, GROUP_NFTABLES, NETLINK_NETFILTER, addresses_of, foreign_change, link, listener,
                      send)
from netns import wait_for


def test_nobody_writes_to_the_daemon(world, portcullis):
    """Messages to each of the daemon's netlink addresses are refused. The control: a socket that is not connected
    receives them."""
    gate = portcullis().start_open()
    index = socket_index(world)
    for protocol in (socket.NETLINK_ROUTE, NETLINK_NETFILTER):
        control = listener(world.host, protocol)
        data = link(DELLINK, index, b"tun0")
        assert send(world.host, protocol, data, address=control.getsockname()[0]) == 0
        assert control.recv(4096) == data
        control.close()
        addresses = addresses_of(gate.pid, protocol)
        assert len(addresses) >= 2
        for address in addresses:
            assert send(world.host, protocol, data, address=address) == errno.ECONNREFUSED, address
    assert gate.status()["gate"] == "open"


def test_nobody_speaks_for_the_kernel_in_its_groups(world, portcullis):
    """Forged notifications ("tun0 is gone", "your rules were changed") are sent to the multicast groups: other sockets
    receive them, and the daemon ignores them."""
    gate = portcullis().start_open()
    before = gate.status()
    fakes = [(socket.NETLINK_ROUTE, GROUP_LINK, link(DELLINK, socket_index(world), b"tun0"))]
    fakes += [(NETLINK_NETFILTER, GROUP_NFTABLES, data) for data in foreign_change(4711)]
    for protocol, group, data in fakes:
        control = listener(world.host, protocol, group)
        assert send(world.host, protocol, data, group=group) == 0
        assert control.recv(4096) == data
        control.close()
    # The daemon notices a real notification that came afterwards, so it has also read the forged ones before it.
    world.host.ip("link add after0 type veth peer name after1")
    wait_for(lambda: "link_" in gate.rules() and '"after0"' in gate.rules(), "the link that came last has its chain")
    after = gate.status()
    assert (after["gate"], after["since"], after["reason"]) == (before["gate"], before["since"], before["reason"])
    assert "somebody else changed" not in gate.log()


def socket_index(world):
    with world.host.inside():
        return socket.if_nametoindex("tun0")
