"""An upgrade from the previous version, in which openvpn had no user of its own, while a tunnel is up: shut throughout,
and the VPN comes back by itself.

The steps are the package's: the old daemon is replaced while its configuration names no openvpn-user, and the account
appears when systemd-sysusers runs."""
import subprocess

import pytest

from daemon import GROUP, OPENVPN_USER
from netns import wait_for
from test_attacks import FLOOD, Sender
from test_flow import gets_inside, gets_out
from world import INTERNET4, ROOT


@pytest.fixture
def accounts():
    """This test's own /etc/passwd and /etc/group: as they are, without _openvpn."""
    for name in ("passwd", "group"):
        with open(f"/etc/{name}", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("_openvpn:")]
        with open(f"{ROOT}/{name}", "w", encoding="utf-8") as file:
            file.writelines(lines)
        subprocess.run(["mount", "--bind", f"{ROOT}/{name}", f"/etc/{name}"], check=True)
    yield
    for name in ("passwd", "group"):
        subprocess.run(["umount", f"/etc/{name}"], check=True)


def add(name, line):
    with open(f"/etc/{name}", "a", encoding="utf-8") as file:
        file.write(line + "\n")


def test_upgrade_with_a_tunnel_up(world, portcullis, accounts, flood_program):  # pylint: disable=unused-argument,redefined-outer-name
    add("group", f"_openvpn:x:{GROUP}:")
    gate = portcullis(settings={"openvpn-user": '"root"', "openvpn-group": '"_openvpn"'})
    sender = Sender(world, flood_program, "-4", INTERNET4, "-b", "eth0", "-r", "2000")
    try:
        with world.wire("udp") as wire:
            wait_for(lambda: wire.drain().seen(FLOOD), "control: without a gate it leaves")
        gate.start_open()
        with world.wire("udp") as wire:
            # The new programs, the old configuration, no account yet: locked, and one line says what is missing.
            gate.configure(openvpn_user=None)
            assert gate.stop() == 0 and gate.kernel_gate() == "locked"
            for _ in range(3):
                done = gate.run_daemon("-d")
                assert done.returncode == 1 and gate.kernel_gate() == "locked"
                assert 'openvpn-user: "_openvpn" does not exist on this machine; instead: create it' in done.stderr, done
            assert not gets_out(world, wire)
            # What systemd-sysusers does; then the service manager's next try.
            add("passwd", f"_openvpn:x:{OPENVPN_USER}:{GROUP}::/:/usr/sbin/nologin")
            gate.start_open()
            assert gets_inside(world)
            assert not gets_out(world, wire)
            wire.assert_clean()
            with open(f"/proc/{gate.openvpn()}/status", encoding="ascii") as file:
                assert f"Uid:\t{OPENVPN_USER}\t" in file.read()
    finally:
        sender.stop()
