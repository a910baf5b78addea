"""The main flow: locked, dialling, open, and back; every command; every way in which the daemon starts and ends."""
import os
import re
import signal
import time

import pytest

from daemon import Portcullis, is_gone
from netadmin import hold_names
from netns import wait_for, wait_gone
from world import INTERNET4, INTERNET6, NOBODY, SERVER4, TUNNEL4, ask_udp, connect_tcp, send_udp

KEYS = {"version", "gate", "tunnel", "reason", "since", "profile", "remote", "interface", "addresses", "dns", "bytes",
        "blocked", "attempt", "retry_in", "boot_locked_at"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def gets_out(world, wire, token=b"CLEAR"):
    """Does a program's datagram to the internet leave in the clear?"""
    world.host.call(send_udp, INTERNET4, 5300, token, "eth0", uid=NOBODY)
    world.fence(wire)
    return bool(wire.seen(token))


def gets_inside(world, seconds=4.0):
    """Does a program get through the tunnel? It tries again if a datagram is lost or refused, as programs do."""
    def answered(address):
        return world.host.call(ask_udp, address, 5300, b"INSIDE", 0.8, uid=NOBODY) == b"INSIDE"
    end = time.monotonic() + seconds
    left = {INTERNET4, INTERNET6}
    while left:
        left = {address for address in left if not answered(address)}
        if time.monotonic() >= end:
            break
    return not left


def blackhole(world, on=True):
    """From now on nothing gets through between the wire and the server, and nobody gets an error."""
    world.rtr.run("nft", "delete", "table", "inet", "hole", check=False)
    if on:
        world.rtr.nft(f"table inet hole {{ chain f {{ type filter hook forward priority 0; ip daddr {SERVER4} drop; }} }}")


@pytest.fixture(autouse=True)
def no_blackhole(world):
    yield
    blackhole(world, False)


def test_main_flow(world, portcullis):
    """Locked at the start, then open, inside the VPN; openvpn is killed: shut at once; then open again."""
    with world.wire("udp") as wire:
        assert gets_out(world, wire), "control: without the gate a program gets out"
    with world.wire("udp") as wire:
        gate = portcullis()
        blackhole(world)
        gate.start()
        gate.wait(gate="dialling", tunnel="connecting")
        assert gate.kernel_gate() == "dialling"
        assert not gets_out(world, wire)
        blackhole(world, False)
        gate.wait(gate="open", tunnel="connected")
        assert gate.kernel_gate() == "open"
        assert gets_inside(world) and not wire.seen(b"INSIDE")
        # From now on the server is out of reach, so that the next states last.
        blackhole(world)
        gate.kill_openvpn()
        wait_for(lambda: gate.kernel_gate() in ("locked", "dialling"), "shut after the kill", 0.5)
        assert not gets_out(world, wire)
        assert not gets_inside(world, 0)
        blackhole(world, False)
        gate.wait(gate="open")
        assert gets_inside(world)
        wire.assert_clean()


@pytest.mark.quiet
def test_shut_at_once(world, portcullis):
    """From openvpn's death to the shut gate in the kernel: a few milliseconds, according to the driver's report."""
    gate = portcullis().start_open()
    with gate.watch() as watch:
        watch.until(gate="open")
        began = time.monotonic()
        os.kill(gate.openvpn(), signal.SIGKILL)
        watch.until(gate={"locked", "dialling"})
        shut = time.monotonic() - began
        watch.until(gate="open")
        back = time.monotonic() - began
    assert shut < 0.5 and back < 3, (shut, back)


def test_server_goes_away(world, portcullis):
    """Nothing arrives at the server any more: it gives up, and when it has been silent for ten seconds, the attempt
    ends, the gate shuts, and the VPN comes back."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        blackhole(world)
        gate.wait(gate={"locked", "dialling"}, seconds=25)
        assert not gets_out(world, wire)
        blackhole(world, False)
        gate.wait(gate="open", seconds=20)
        assert gets_inside(world)
        wire.assert_clean()


def test_tunnel_device_deleted(world, portcullis):
    """openvpn still reports CONNECTED, but its device is gone: the gate notices that itself."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        was = gate.openvpn()
        world.host.run("ip", "link", "del", "tun0")
        wait_gone(was, "the openvpn without a device")
        gate.wait(gate="open")
        assert gets_inside(world)
        wire.assert_clean()


def test_network_goes_and_comes(world, portcullis):
    """The cable is unplugged and plugged in again: the gate opens by itself, at once when the network is back."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        world.host.ip("link set eth0 down")
        gate.kill_openvpn()
        gate.wait(gate={"locked", "dialling"})
        world.host.run("ip", "address", "replace", "2001:db8:50::2/64", "dev", "eth0", "nodad")
        world.link_up()
        gate.wait(gate="open")
        assert gets_inside(world)
        wire.assert_clean()


@pytest.mark.parametrize("server", ["tcp", "port53", "udp6", "tcp6"])
def test_other_transports(world, portcullis, server):
    """TCP, a server on port 53, and IPv6 outside the tunnel."""
    with world.wire(server) as wire:
        gate = portcullis(server).start_open()
        assert gets_inside(world)
        gate.kill_openvpn()
        gate.wait(gate="open")
        assert gets_inside(world)
        gate.ctl("down", "--wait", check=True)
        world.fence(wire)
        wire.assert_clean()


def test_next_remote_when_one_is_dead(world, portcullis):
    """Several remotes: after a dead one the next is dialled."""
    profile = world.profile("udp").replace("remote 203.0.113.10 1194 udp",
                                           "remote 203.0.113.10 1209 tcp\nremote 203.0.113.10 1194 udp")
    gate = portcullis(profile=profile).start()
    gate.wait(gate="open", seconds=45)
    assert gate.status()["remote"]["port"] == 1194
    assert gate.status()["remote"]["address"] == SERVER4


# --- commands

def test_down_and_up_are_remembered(world, portcullis):
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        gate.ctl("down", "--wait", check=True)
        assert gate.status()["gate"] == "locked" and gate.status()["tunnel"] == "down"
        assert not gate.openvpns() and gate.kernel_gate() == "locked"
        assert gate.stop() == 0
        gate.start().wait(gate="locked", tunnel="down")
        assert not gate.openvpns()
        gate.kill()
        gate.start().wait(gate="locked", tunnel="down")
        gate.ctl("up", "--wait", check=True)
        gate.wait(gate="open")
        wire.assert_clean()


def test_commands_are_accepted_within_a_second(world, portcullis):
    gate = portcullis().start_open()
    for command, gates in (("down", "locked"), ("up", "open"), ("reconnect", "open")):
        began = time.monotonic()
        gate.ctl(command, check=True)
        assert time.monotonic() - began < 1.0, command
        gate.wait(gate=gates)


def test_reconnect_makes_a_new_openvpn(world, portcullis):
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        was = gate.openvpn()
        gate.ctl("reconnect", "--wait", check=True)
        wait_gone(was, "the old openvpn")
        gate.wait(gate="open")
        assert gate.openvpn() != was and gets_inside(world)
        wire.assert_clean()


def test_pause_and_resume(world, portcullis):
    gate = portcullis().start_open()
    gate.ctl("pause", "1h", check=True)
    gate.wait(gate="paused")
    assert not gate.openvpns(), "a pause takes the tunnel down"
    with world.wire("udp") as wire:
        assert gets_out(world, wire)
        assert world.host.call(connect_tcp, INTERNET4, 443, b"x")[0] == 0
        older = world.host.socket(2, 1)
        older.connect((INTERNET4, 443))
    with world.wire("udp") as wire:
        gate.ctl("resume", check=True)
        gate.wait(gate={"locked", "dialling", "open"})
        world.fence(wire)
    with world.wire("udp") as wire:
        try:
            older.sendall(b"CLEAR")  # a connection that was made in the pause does not outlive it
        except OSError:
            pass
        assert not gets_out(world, wire)
        gate.wait(gate="open")
        wire.assert_clean()
    older.close()


@pytest.mark.parametrize("daemon", ["alive", "killed"])
def test_pause_ends_by_itself(world, portcullis, daemon):
    """The kernel ends a pause, even if no daemon runs."""
    gate = portcullis().start_open()
    gate.ctl("pause", "2s", check=True)
    gate.wait(gate="paused")
    with world.wire("udp") as wire:
        assert gets_out(world, wire), "the pause does not let through"
    if daemon == "killed":
        gate.kill()
    with world.wire("udp") as wire:
        wait_for(lambda: not gets_out(world, wire, str(time.monotonic()).encode()), "the pause's end", 5)
    with world.wire("udp") as wire:
        if daemon == "killed":
            gate.start()
        gate.wait(gate="open")
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_restart_in_a_pause(world, portcullis):
    """The daemon is killed in a pause and started again before its end: it locks first, whatever the pause allowed."""
    gate = portcullis().start_open()
    gate.ctl("pause", "1h", check=True)
    gate.wait(gate="paused")
    gate.kill()
    with world.wire("udp") as wire:
        assert gets_out(world, wire)
    gate.start()
    gate.wait(gate={"locked", "dialling", "open"})
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        gate.wait(gate="open")
        wire.assert_clean()


def test_off_and_up(world, portcullis):
    """off: our rules are removed, and it stays off over a restart of the daemon, until up."""
    gate = portcullis().start_open()
    gate.ctl("off", check=True)
    gate.wait(gate="off")
    assert "portcullis" not in gate.rules() and not gate.openvpns()
    with world.wire("udp") as wire:
        assert gets_out(world, wire)
    assert gate.stop() == 0
    gate.start().wait(gate="off")
    assert "portcullis" not in gate.rules()
    gate.ctl("up", "--wait", check=True)
    gate.wait(gate="open")
    with world.wire("udp") as wire:
        assert not gets_out(world, wire) and gets_inside(world)
        wire.assert_clean()


@pytest.mark.parametrize("beside", ["live", "stopped", "crash-looping", "absent"])
def test_off_offline(world, portcullis, beside, tmp_path):
    """`off --offline` works without a daemon, beside one that is stopped or crashes in a loop, and without a
    configuration."""
    gate = portcullis()
    if beside == "crash-looping":
        # A supervisor that starts it again and again; a driver that crashes each time would do as well.
        script = f"while :; do timeout -s KILL 0.2 {gate.programs}/portcullisd -d -c {gate.file}; done"
        loop = world.host.popen("sh", "-c", script, stdout=gate.stderr, stderr=gate.stderr)
        wait_for(lambda: gate.kernel_gate() != "none", "the looping daemon's rules")
    else:
        gate.start_open()
        if beside == "stopped":
            os.kill(gate.pid, signal.SIGSTOP)
        elif beside == "absent":
            gate.kill()
    world.host.nft("table inet foreign { chain c { type filter hook input priority 0; policy accept; } }")
    command = [f"{gate.programs}/portcullis", "off", "--offline"]
    done = world.host.run(*command, check=False, timeout=15, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: "portcullis" not in gate.rules(), lambda: gate.told(gate.rules()), 3)
    assert "table inet foreign" in gate.rules(), "rules of somebody else are not ours to remove"
    if beside == "crash-looping":
        # It may be started again, and stays off.
        time_over = time.monotonic() + 1.0
        wait_for(lambda: "portcullis" in gate.rules() or time.monotonic() > time_over, "a second")
        assert "table inet portcullis" not in gate.rules(), gate.told("back although it is off")
        loop.kill()
    with world.wire("udp") as wire:
        assert gets_out(world, wire)
    again = world.host.run(*command, check=False, timeout=15)
    assert again.returncode == 0, "nothing to remove is no error: " + again.stderr


def test_off_is_for_root(world, portcullis):
    gate = portcullis().start_open()
    for arguments in (["off"], ["off", "--offline"], ["pause", "1h"], ["down"], ["reconnect"]):
        done = gate.ctl(*arguments, user=NOBODY, group=NOBODY, extra_groups=[])
        assert done.returncode == 1 and done.stderr.strip(), (arguments, done)
    assert gate.status()["gate"] == "open"


# --- starts and ends

def test_lock_and_leave(world, portcullis):
    """-L: locked, and no process is left; then the daemon takes over the same table."""
    gate = portcullis()
    done = gate.run_daemon("-L")
    assert done.returncode == 0, done.stderr
    assert gate.kernel_gate() == "locked" and not world.host.pids("portcullisd")
    handle = table_handle(gate)
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        gate.start_open()
        assert table_handle(gate) == handle, "the standing table was replaced"
        assert gate.status()["boot_locked_at"] is None or TIME.match(gate.status()["boot_locked_at"])
        wire.assert_clean()


def table_handle(gate):
    """Read from the text: nft 1.0.6 prints broken JSON for a flag that it does not know (persist)."""
    found = re.findall(r"table (\w+) portcullis .*# handle (\d+)", gate.rules())
    assert found
    return set(found)


@pytest.mark.parametrize("state", ["live", "stopped"])
def test_lock_beside_a_daemon(world, portcullis, state):
    """-L beside a live or stopped daemon: it may refuse or lock, but it opens nothing and breaks nothing."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        if state == "stopped":
            os.kill(gate.pid, signal.SIGSTOP)
        done = gate.run_daemon("-L")
        assert done.returncode in (0, 1), done
        gate.assert_loaded()
        os.kill(gate.pid, signal.SIGCONT)
        gate.wait(gate="open")
        assert not gets_out(world, wire) and gets_inside(world)
        wire.assert_clean()


def test_check_creates_nothing(world, portcullis):
    gate = portcullis()
    done = gate.run_daemon("-n")
    assert done.returncode == 0, done.stderr
    assert "portcullis" not in gate.rules()
    assert not os.path.exists(gate.runtime) and not os.path.exists(gate.state) and not os.path.exists(gate.log_file)


def test_second_start(world, portcullis):
    gate = portcullis().start_open()
    handle, openvpn = table_handle(gate), gate.openvpn()
    done = gate.run_daemon("-d")
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done
    assert gate.status()["gate"] == "open" and gate.openvpn() == openvpn and table_handle(gate) == handle


@pytest.mark.quiet
@pytest.mark.parametrize("state", ["open", "dialling", "down"])
def test_sigterm(world, portcullis, state):
    """Locked and verified, openvpn and the driver gone, exit code 0, within a second."""
    with world.wire("udp") as wire:
        gate = portcullis()
        if state == "dialling":
            blackhole(world)
            gate.start().wait(gate="dialling")
        else:
            gate.start_open()
        if state == "down":
            gate.ctl("down", "--wait", check=True)
        began = time.monotonic()
        assert gate.stop() == 0, gate.told()
        assert time.monotonic() - began < 1.0
        assert not gate.openvpns() and not gate.drivers()
        assert gate.kernel_gate() == "locked"
        gate.assert_loaded()
        assert gate.ctl("status", "--json").returncode == 4
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_restart_after_sigkill(world, portcullis):
    """The existing rules are taken over, not rebuilt; sockets are replaced, leftover processes ended."""
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        handle, old = table_handle(gate), gate.openvpns() + gate.drivers()
        gate.kill()
        gate.start_open()
        assert table_handle(gate) == handle
        assert all(is_gone(pid) for pid in old)
        assert gets_inside(world)
        wire.assert_clean()


def test_driver_respawned(world, portcullis):
    with world.wire("udp") as wire:
        gate = portcullis().start_open()
        driver = gate.driver()
        os.kill(driver, signal.SIGKILL)
        wait_gone(driver, "the driver")
        gate.wait(gate="open")
        assert gate.driver() != driver and gets_inside(world)
        wire.assert_clean()


def test_client_during_a_respawn(world, portcullis):
    """The control socket survives the driver: a client that comes in between is served by the next driver."""
    gate = portcullis().start_open()
    for _ in range(3):
        os.kill(gate.driver(), signal.SIGKILL)
        done = gate.ctl("status", "--json")
        assert done.returncode in (0, 3), done
        gate.wait(gate="open")


def test_two_daemons_one_after_the_other_with_other_directories(world, portcullis):
    """The configuration has moved: the new daemon finds the same table by its name."""
    first = portcullis().start_open()
    handle = table_handle(first)
    first.stop()
    second = portcullis().start_open()
    assert table_handle(second) == handle


# --- what status says

def test_status_object(world, portcullis):
    gate = portcullis().start_open()
    assert gets_inside(world)
    gate.wait(gate="open")
    status = gate.status()
    assert KEYS <= set(status)
    assert status["remote"] == {"host": SERVER4, "address": SERVER4, "port": 1194, "proto": "udp"}
    assert status["interface"] == "tun0" and TUNNEL4 in " ".join(status["addresses"])
    assert status["dns"] == ["10.8.0.1"] and status["profile"].endswith("home.ovpn")
    assert TIME.match(status["since"]) and status["retry_in"] is None
    assert isinstance(status["blocked"]["packets"], int) and isinstance(status["attempt"], int)
    gate.ctl("down", "--wait", check=True)
    before = gate.status()["blocked"]["packets"]
    world.host.call(send_udp, INTERNET4, 5300, b"x", "eth0", 5)
    wait_for(lambda: gate.status()["blocked"]["packets"] >= before + 5, "blocked packets counted")
    down = gate.status()
    assert KEYS <= set(down) and not any(down["remote"].values()) and down["addresses"] == [] and down["dns"] == []
    gate.stop()
    assert gate.status()["gate"] is None


def test_watch_tells_every_change(world, portcullis):
    gate = portcullis().start_open()
    with gate.watch() as watch:
        watch.until(gate="open")
        gate.ctl("down", check=True)
        watch.until(gate="locked", tunnel="down")
        gate.ctl("up", check=True)
        watch.until(gate="dialling")
        watch.until(gate="open", tunnel="connected")
        tunnels = [line["tunnel"] for line in watch.lines]
    for word in ("connecting", "configuring", "connected"):
        assert word in tunnels, tunnels


def give_password(gate, password):
    """alice's password file; it belongs to root."""
    secret = f"{gate.directory}/password"
    with open(secret, "w", encoding="ascii") as file:
        file.write(password + "\n")
    os.chmod(secret, 0o600)
    gate.configure(credentials=f'{{ username = "alice" password-file = "{secret}" }}')


def test_user_and_password(world, portcullis):
    """They are given over the management interface only: the right ones open the gate, wrong ones cost one log-in and
    a wait; neither is ever logged."""
    gate = portcullis("password", extra=("auth-user-pass",))
    give_password(gate, "wrong horse")
    gate.start().wait(tunnel="waiting", seconds=20)
    status = gate.status()
    assert status["gate"] == "locked" and not gate.openvpns() and 50 < status["retry_in"] <= 60, status
    assert "the credentials were refused" in status["reason"] and "in 1 min" in status["reason"], status
    assert gate.stop() == 0
    give_password(gate, "right horse")
    gate.start_open()
    assert gets_inside(world)
    told = gate.log() + str(gate.status())
    for pid in [gate.pid, gate.driver(), gate.openvpn()]:
        with open(f"/proc/{pid}/cmdline", encoding="ascii", errors="replace") as file:
            told += file.read()
        with open(f"/proc/{pid}/environ", encoding="ascii", errors="replace") as file:
            told += file.read()
    assert "right horse" not in told and "wrong horse" not in told


def test_route_error_does_not_open(world, portcullis):
    """CONNECTED,ROUTE_ERROR does not count as connected: the gate stays shut, and the reason says why."""
    world.bare_vpn("badroute")  # the control: openvpn itself continues as if all were well
    world.fresh_host()
    with world.wire("badroute") as wire:
        gate = portcullis("badroute").start()
        gate.wait(tunnel="waiting")
        with gate.watch() as watch:
            watch.until(tunnel="connecting")
            said = watch.until(tunnel="waiting")
        assert "open" not in {line["gate"] for line in watch.lines}
        assert "rout" in said["reason"].lower(), said["reason"]
        assert not gets_out(world, wire)


def test_no_redirect_gateway_gets_one(world, portcullis):
    """A server that pushes no default route: Portcullis adds it, because otherwise nothing would work."""
    with world.wire("noredirect") as wire:
        portcullis("noredirect").start_open()
        assert world.host.call(ask_udp, INTERNET4, 5300, b"INSIDE") == b"INSIDE"
        wire.assert_clean()


def test_unprotected_sets_the_links_down(world, portcullis):
    """The lock can't be committed: no openvpn runs, and after two failures the links are set down. They are up again
    once it can be committed."""
    holder = hold_names(world.host)
    assert "table inet portcullis" in world.host.run("nft", "list", "tables").stdout
    gate = portcullis().start()
    gate.wait(gate="unprotected")
    assert not gate.openvpns()

    def is_down():
        return "state DOWN" in world.host.run("ip", "link", "show", "eth0").stdout
    wait_for(is_down, lambda: gate.told("the physical link down"))
    holder.close()
    gate.wait(gate={"locked", "dialling", "open"}, seconds=30)
    wait_for(lambda: not is_down(), "the link up again")
    world.host.run("ip", "address", "replace", "2001:db8:50::2/64", "dev", "eth0", "nodad")
    world.link_up()
    gate.wait(gate="open", seconds=30)


def test_unfit_and_unprotected(world, portcullis):
    """A start that fails while the lock fails too: the daemon stays and keeps trying to lock. Once the machine is shut
    it exits, like any failed start."""
    holder = hold_names(world.host)
    gate = portcullis()
    gate.write("dev tap\n")
    gate.start()
    wait_for(lambda: "no driver: " in gate.told(""), lambda: gate.told("the reason"))
    assert gate.process.poll() is None and not gate.drivers()
    holder.close()
    assert gate.process.wait(30) == 1
    assert "table inet portcullis" in world.host.run("nft", "list", "tables").stdout
    assert world.host.call(ask_udp, INTERNET4, 5300, b"INSIDE") != b"INSIDE"


def test_a_failed_start_is_completed_once_the_lock_is_verified(world, portcullis):
    """Once the cause of the failure is gone, the tunnel comes up by itself, and nobody has to start anything."""
    holder = hold_names(world.host)
    gate = portcullis(settings={"on-unprotected": '"report"'})
    gate.write("dev tap\n")
    gate.start()
    wait_for(lambda: "no driver: " in gate.told(""), lambda: gate.told("the reason"))
    gate.write(world.profile("udp"))
    holder.close()
    gate.wait(gate="open", seconds=30)
    assert gate.process.poll() is None and gets_inside(world)


def test_off_while_unprotected(world, portcullis):
    """Root's `off` is carried out even if others hold tables of our names: only those stay, and the log says so."""
    holder = hold_names(world.host)
    gate = portcullis().start()
    gate.wait(gate="unprotected")
    gate.ctl("off", check=True)
    gate.wait(gate="off")
    assert "what is not ours stays" in gate.log()
    holder.close()
    assert "portcullis" not in world.host.run("nft", "list", "tables").stdout


def test_configurations_of_defaults(world, portcullis):
    """A configuration of one line is complete: everything else has a default that works."""
    gate = portcullis(settings={key: None for key in ("backend", "dns", "log", "user", "openvpn-user", "openvpn-group",
                                                      "control", "runtime-dir", "state-dir", "interface")})
    gate.configure(user='"64000"', openvpn_user='"64002"', openvpn_group='"64001"', dns="{ manage = false }")
    gate.socket = "/run/portcullis/control.sock"
    gate.start_open()
    assert isinstance(gate, Portcullis) and gets_inside(world)
