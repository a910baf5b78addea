"""What the gate verifies before it opens or serves: whose interface it is, what the child printed, and who asks."""
import errno
import os
import shutil
import signal
import socket
import struct

import pytest

from daemon import ADMIN_REQUEST, GROUP, OPENVPN_USER, WIRE_VERSION, programs_with
from netns import state_of, wait_for, wait_gone
from test_flow import gets_inside, gets_out
from world import INTERNET4, NOBODY, ROOT


# --- the interface belongs to the gate's own openvpn

# Says everything that a real openvpn would say; `holder` holds the tunnel's device.
FAKE = """#!/usr/bin/python3
import fcntl, os, socket, struct, sys
def hold():
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tun0", 0x1001))
    return tun
reading, writing = os.pipe()
if "@HOLDER@" in ("itself", "lets go"):
    tun = hold()
elif os.fork() == 0:
    hold()
    os.write(writing, b"x")
    with open("@PID@", "w") as file:
        file.write(str(os.getpid()))
    while True:
        __import__("signal").pause()
else:
    os.read(reading, 1)
argv = sys.argv
sock = socket.socket(socket.AF_UNIX)
sock.connect(argv[argv.index("--management") + 1])
sock.sendall(b">INFO:OpenVPN Management Interface Version 5 -- type\\r\\n>HOLD:Waiting for hold release:0\\r\\n"
             b">UPDOWN:UP\\r\\n>UPDOWN:ENV,ifconfig_local=10.66.0.2\\r\\n>UPDOWN:ENV,ifconfig_netmask=255.255.255.0\\r\\n"
             b">UPDOWN:ENV,tun_mtu=1500\\r\\n>UPDOWN:ENV,dev=tun0\\r\\n>UPDOWN:ENV,END\\r\\n"
             b">STATE:1700000000,CONNECTED,SUCCESS,10.66.0.2,203.0.113.10,1194,,\\r\\n")
if "@HOLDER@" == "lets go":
    open("@PID@").read()
    os.close(tun)
while sock.recv(65536):
    pass
"""


@pytest.mark.parametrize("holder", ["itself", "another"])
def test_interface_of_another_process(world, portcullis, holder):
    """The attempt's device has the right address, but another process than its openvpn holds it: the gate does not
    open. The control is the same program holding the device itself."""
    path, pid = f"{ROOT}/fake-{holder}", f"{ROOT}/tmp/holder"
    with open(path, "w", encoding="ascii") as file:
        file.write(FAKE.replace("@HOLDER@", holder).replace("@PID@", pid))
    os.chmod(path, 0o755)
    gate = portcullis(settings={"openvpn": f'{{ binary = "{path}" arguments = {{}} }}', "openvpn-user": '"root"'})
    refused = "the interface is not our openvpn's"
    with world.wire("udp") as wire:
        gate.start()
        wait_for(lambda: refused in gate.log() or gate.kernel_gate() == "open", lambda: gate.told("an answer"))
        assert (gate.kernel_gate() == "open") == (holder == "itself"), gate.told()
        assert (refused in gate.log()) == (holder == "another"), gate.told()
        assert not gets_out(world, wire)
        wire.assert_clean()


@pytest.mark.parametrize("how", ["openvpn closes it", "root takes its carrier"])
def test_device_that_nobody_holds_any_more(world, portcullis, how):
    """While open: openvpn is alive but has let go of the device, or the device has no carrier. The gate shuts, and
    gives the reason."""
    gate, path, told = portcullis(), f"{ROOT}/fake-lets-go", f"{ROOT}/tmp/let-go"
    if how == "openvpn closes it":
        with open(path, "w", encoding="ascii") as file:
            file.write(FAKE.replace("@HOLDER@", "lets go").replace("@PID@", told))
        os.chmod(path, 0o755)
        os.mkfifo(told)
        gate.configure(openvpn=f'{{ binary = "{path}" arguments = {{}} }}', openvpn_user='"root"')
    with world.wire("udp") as wire:
        gate.start_open()
        pids = gate.openvpns()
        if how == "openvpn closes it":
            with open(told, "w", encoding="ascii"):
                pass
            reason = "the interface is not our openvpn's"
        else:
            gate.host.ip("link set tun0 carrier off")
            reason = "tun0: no process holds it open"
        # The kernel reports one change of carrier a second, and ours came up less than a second ago.
        wait_for(lambda: gate.kernel_gate() != "open", lambda: gate.told("shut"), 2)
        wait_for(lambda: f"open -> locked: {reason}" in gate.log(), lambda: gate.told("the reason"), 2)
        assert not gets_out(world, wire)
        wire.assert_clean()
        if how == "root takes its carrier":
            gate.wait(gate="open")
            assert gate.openvpns() != pids


# --- the gate's own check of what the child printed

# What a captured child could add to what it prints, by sed.
PRINTS = {
    "plugin": "$a plugin \"/x.so\"", "up": "$a up \"/x\"", "script-security": "$a script-security \"2\"",
    "provider by path": "$a providers \"/x.so\"", "config": "$a config \"/etc/passwd\"",
    "management": "$a management \"127.0.0.1\" \"7505\"", "setenv": "$a setenv \"opt\" \"x\"",
    "user-pass file": "$a auth-user-pass \"/etc/shadow\"", "bare argument": "$a cipher AES-256-GCM",
    "open quote": "$a cipher \"AES-256-GCM",
    "a block that is none": "$a <connection>\\nremote 203.0.113.10\\n</connection>",
    "an option in a block": "s/^<ca>$/<ca>\\nplugin \"\\/x.so\"/", "a block left open": "s/^<\\/key>$//",
    "junk in a remote": "1a remote 203.0.113.10 1194 udp 203.0.113.10;id",
    "remote without a port": "1a remote 203.0.113.10 udp",
    "remote to ourselves": "1a remote 127.0.0.1 1194 udp 127.0.0.1", "an option before the remotes": "1i up \"/x\"",
    "tab": "$a cipher\\t\"AES-256-GCM\"", "no line end": "$a ping \"1\"\\x00",
}


def programs_that_print(name, script):
    """The programs, with a driver whose output for --vet is edited by sed."""
    path = f"{ROOT}/printer-{name}"
    with open(path, "w", encoding="ascii") as file:
        file.write('#!/bin/sh\n[ "$1" = --vet ] || exec "$0.real" "$@"\n"$0.real" "$@" | /bin/sed ' + f"'{script}'\n")
    os.chmod(path, 0o755)
    return programs_with(f"{ROOT}/printing-{name}", portcullis_driver=path)


def test_print_of_a_captured_child(world, portcullis):
    """Root checks what root executes: a child that prints anything but the closed form is refused, with -n and at the
    start, and the gate is locked."""
    gate = portcullis(programs=programs_that_print("same", ""))
    done = gate.run_daemon("-n")
    assert done.returncode == 0, "control: the same child, nothing added: " + done.stderr
    accepted = []
    for number, (what, script) in enumerate(PRINTS.items()):
        gate.programs = programs_that_print(f"{number}", script)
        done = gate.run_daemon("-n")
        if done.returncode != 1 or "canonical profile, line" not in done.stderr:
            accepted.append((what, done.returncode, done.stderr))
    assert not accepted, accepted
    assert gate.kernel_gate() == "none"
    for what in ("plugin", "junk in a remote"):
        gate.programs = programs_that_print(what.replace(" ", "-"), PRINTS[what])
        done = gate.run_daemon("-d")
        assert done.returncode == 1 and "canonical profile, line" in done.stderr, (what, done)
        assert gate.kernel_gate() == "locked" and not gate.openvpns()
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)
        wire.assert_clean()


# --- each end locks by itself

def test_driver_ends_while_openvpn_is_stopped(world, portcullis):
    """The end of the driver alone locks the gate, although openvpn is stopped and can't notice it, and no next driver
    reports it."""
    gate = portcullis(programs=programs_with(f"{ROOT}/one-driver")).start_open()
    openvpn, driver = gate.openvpn(), gate.driver()
    os.kill(openvpn, signal.SIGSTOP)
    wait_for(lambda: state_of(openvpn) == "T", "openvpn stopped")
    assert gate.kernel_gate() == "open", "control"
    os.rename(f"{gate.programs}/portcullis-driver", f"{gate.programs}/away")
    shutil.copy2("/bin/false", f"{gate.programs}/portcullis-driver")
    with world.wire("udp") as wire:
        os.kill(driver, signal.SIGKILL)
        wait_for(lambda: gate.kernel_gate() == "locked", lambda: gate.told("locked by the driver's end"), 1)
        wait_gone(openvpn, "the stopped openvpn ended", 2)
        os.replace(f"{gate.programs}/away", f"{gate.programs}/portcullis-driver")
        gate.wait(gate="open")
        assert gets_inside(world)
        wire.assert_clean()


def test_tunnel_is_shut_before_openvpn_leaves(world, portcullis):
    """down: the tunnel's set is empty while openvpn is still running, and only the hole is left, for saying goodbye."""
    gate = portcullis().start_open()
    openvpn = gate.openvpn()
    os.kill(openvpn, signal.SIGSTOP)  # it will not exit when it is asked to
    gate.ctl("down", check=True)
    shut = wait_for(lambda: gate.set_members("tunnel_link") == [] and ("T" in state_of(openvpn) or "late"),
                    lambda: gate.told("the tunnel shut"), 3)
    assert shut is True, gate.told("the tunnel was open for as long as openvpn took to leave")
    gate.wait(gate="locked", tunnel="down")
    assert gate.kernel_gate() == "locked"


def tracked(world, address):
    """What the kernel's connection tracking has about an address."""
    out = world.host.run("conntrack", "-L", "-d", address, check=False).stdout
    return [line for line in out.splitlines() if address in line]


@pytest.mark.parametrize("end", ["resume", "by itself"])
def test_connections_of_a_pause_are_forgotten(world, portcullis, end):
    gate = portcullis().start_open()
    gate.ctl("pause", "1h" if end == "resume" else "3s", check=True)
    gate.wait(gate="paused")
    with world.host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        sock.connect((INTERNET4, 443))
        sock.sendall(b"PAUSED")
        assert sock.recv(100) == b"PAUSED"
        assert tracked(world, INTERNET4), "control: it is tracked"
        if end == "resume":
            gate.ctl("resume", check=True)
        gate.wait(gate="open")
        wait_for(lambda: not tracked(world, INTERNET4), lambda: gate.told(str(tracked(world, INTERNET4))), 2)


# --- openvpn as a user of its own

@pytest.fixture
def tun_of_root_alone():
    """/dev/net/tun that only root may open, as on machines without udev."""
    os.chmod("/dev/net/tun", 0o600)
    yield
    os.chmod("/dev/net/tun", 0o666)


def opens(path):
    try:
        os.close(os.open(path, os.O_RDWR))
        return 0
    except OSError as problem:
        return problem.errno


def test_tun_device_of_root_alone(world, portcullis, tun_of_root_alone):  # pylint: disable=unused-argument,redefined-outer-name
    """openvpn's user gets a second device node, which only openvpn's group may open; it is removed when the daemon
    ends."""
    beside = "/dev/net/portcullis"
    assert world.host.call(opens, "/dev/net/tun", uid=OPENVPN_USER, gid=GROUP) == errno.EACCES, "control"
    os.mknod(beside, 0o20600, os.makedev(1, 3))  # a leftover that is another device
    gate = portcullis().start_open()
    assert gets_inside(world)
    status = os.stat(beside)
    assert (status.st_uid, status.st_gid, status.st_mode, status.st_rdev) == (0, GROUP, 0o20660, os.makedev(10, 200))
    assert world.host.call(opens, beside, uid=NOBODY, gid=NOBODY) == errno.EACCES
    assert gate.stop() == 0 and not os.path.exists(beside)


def test_openvpn_user_root_is_named(world, portcullis):  # pylint: disable=unused-argument
    gate = portcullis(settings={"openvpn-user": '"root"'}).start_open()
    assert "openvpn-user is root: an openvpn that has been taken over can read and write root's files" in gate.log()
    gate.stop()
    gate.configure(openvpn_user='"64000"')
    done = gate.run_daemon("-n")
    assert done.returncode == 1 and "openvpn-user: is also the driver's user; instead: " in done.stderr, done


# --- who asks

def admin_request(path, verb):
    """The whole answer of gate.sock, b'' if it was closed without one, or the number of the error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(3)
        try:
            sock.connect(path)
            sock.sendall(struct.pack(ADMIN_REQUEST, WIRE_VERSION, verb, 0, 0))
            return sock.recv(1000)
        except ConnectionError:
            return b""
        except OSError as problem:
            return problem.errno


@pytest.mark.parametrize("uid,gid", [(NOBODY, NOBODY), (0, GROUP)])
def test_admin_socket_asks_the_kernel_who_it_is(world, portcullis, uid, gid):
    """File modes are not the only protection: even if anybody may open the admin socket, a process that is not root, or
    is in openvpn's group, gets no answer, and nothing is done."""
    gate = portcullis().start_open()
    os.chmod(gate.runtime, 0o755)
    os.chmod(gate.admin_socket, 0o666)
    off, reconnect = 6, 3
    assert gate.host.call(admin_request, gate.admin_socket, off, uid=uid, gid=gid) == b"", gate.told()
    gate.wait(gate="open")
    assert gate.kernel_gate() == "open"
    answer = gate.host.call(admin_request, gate.admin_socket, reconnect)
    assert len(answer) == 256 and struct.unpack_from("II", answer) == (WIRE_VERSION, 0), "control: root is heard"
    gate.wait(gate="open")
