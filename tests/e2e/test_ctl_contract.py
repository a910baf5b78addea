"""The command line as others rely on it: exit codes, --json, rules, check, help, hints."""
import json
import os
import select
import time

import pytest

from daemon import BUILD
from world import NOBODY, SERVER4

COMMANDS = ("status", "watch", "up", "down", "reconnect", "pause", "resume", "off", "rules", "log", "import", "check")


def ctl(world, *arguments, user=None, **more):
    extra = {"user": user, "group": user, "extra_groups": []} if user else {}
    return world.host.run(f"{BUILD}/portcullis", *arguments, check=False, **extra, **more)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(world, command):
    done = ctl(world, command, "--help")
    assert done.returncode == 0 and command in done.stdout, done


def test_a_mistyped_command_gets_a_hint(world):
    done = ctl(world, "statsu")
    assert done.returncode == 1 and "status" in done.stderr, done


def test_no_daemon(world, tmp_path):
    socket = f"{tmp_path}/none.sock"
    done = ctl(world, "-s", socket, "status", "--json")
    assert done.returncode == 4 and json.loads(done.stdout)["gate"] is None
    assert ctl(world, "-s", socket, "status").returncode == 4
    for command in ("up", "down", "reconnect", "resume"):
        done = ctl(world, "-s", socket, command)
        assert done.returncode == 4 and done.stderr, (command, done)


def test_status_exit_codes(world, portcullis):
    """status() compares the exit code with the word for the gate; this test sees to it that each word occurs."""
    gate = portcullis().start_open()
    assert gate.ctl("status").returncode == 0
    gate.ctl("down", "--wait", check=True)
    assert gate.ctl("status").returncode == 3 and gate.status()["gate"] == "locked"
    gate.ctl("up", "--wait", check=True)
    gate.ctl("pause", "1m", check=True)
    gate.wait(gate="paused")
    assert gate.ctl("status").returncode == 5
    gate.ctl("resume", check=True)
    gate.wait(gate="open")
    gate.ctl("off", check=True)
    gate.wait(gate="off")
    assert gate.ctl("status").returncode == 5


@pytest.mark.parametrize("duration", ["0", "", "5x", "-1s", "32d", "1e3", "99999999999"])
def test_bad_durations(world, portcullis, duration):
    gate = portcullis().start_open()
    done = gate.ctl("pause", duration)
    assert done.returncode == 1 and done.stderr.strip(), done
    assert gate.status()["gate"] == "open"


@pytest.mark.parametrize("backend", ["pf", "nft", "ipfw"])
@pytest.mark.parametrize("state", ["locked", "dialling", "open"])
def test_rules_are_for_everybody(world, backend, state):
    """They need neither root, nor a daemon, nor a configuration, and change nothing."""
    more = [] if state == "locked" else ["--remote", f"{SERVER4}:1194/udp"]
    done = ctl(world, "rules", "--backend", backend, "--state", state, *more, cwd="/", user=NOBODY)
    assert done.returncode == 0 and done.stdout, done
    assert (SERVER4 in done.stdout) == (state != "locked")
    assert world.host.run("nft", "list", "ruleset").stdout == ""


def test_printed_rules_load_and_lock(world):
    """nft loads what `rules` prints for it, and those rules alone lock a machine."""
    from world import INTERNET4, send_udp  # pylint: disable=import-outside-toplevel
    text = ctl(world, "rules", "--backend", "nft", "--state", "locked").stdout
    for name in ("_openvpn", "_portcullis"):
        text = text.replace(f'"{name}"', "64001").replace(f" {name} ", " 64001 ")
    with world.wire() as wire:
        world.host.call(send_udp, INTERNET4, 5300, b"CLEAR", "eth0")
        world.fence(wire)
        assert wire.seen(b"CLEAR"), "control"
    done = world.host.run("nft", "-f", "-", input=text)
    assert done.returncode == 0
    with world.wire() as wire:
        world.host.call(send_udp, INTERNET4, 5300, b"CLEAR", "eth0")
        world.fence(wire)
        assert not wire.seen(b"CLEAR")


def test_check_a_profile(world, tmp_path):
    good, bad = tmp_path / "good.ovpn", tmp_path / "bad.ovpn"
    good.write_text(world.profile("udp"), encoding="ascii")
    bad.write_text("client\nplugin /x.so\n" + world.profile("udp"), encoding="ascii")
    done = ctl(world, "check", str(good))
    assert done.returncode == 0, done
    done = ctl(world, "check", str(bad))
    assert done.returncode == 1 and f"{bad}:2: plugin: " in done.stdout + done.stderr, done


def test_watch_and_log_follow(world, portcullis):
    gate = portcullis().start_open()
    lines = gate.ctl("log", "-n", "3").stdout.splitlines()
    assert len(lines) == 3 and all(line[:4].isdigit() for line in lines), lines
    follow = world.host.popen(f"{BUILD}/portcullis", "-s", gate.socket, "log", "-f", "-n", "1", stdout=-1)
    told = follow.stdout.readline()  # from here on it follows the log
    gate.ctl("down", "--wait", check=True)
    while b"-> locked" not in told:
        ready, _, _ = select.select([follow.stdout], [], [], 5)
        chunk = os.read(follow.stdout.fileno(), 65536) if ready else b""
        assert chunk, f"the log's follower never told of the lock: {told}"
        told += chunk
    follow.kill()
    follow.wait()


def test_wait_returns_when_it_is_so(world, portcullis):
    gate = portcullis().start_open()
    gate.ctl("down", "--wait", check=True)
    assert gate.status()["gate"] == "locked" and gate.status()["tunnel"] == "down"
    gate.ctl("up", "--wait", check=True)
    assert gate.status()["gate"] == "open"


@pytest.mark.quiet
def test_hundred_connections_a_second(world, portcullis):
    from test_robust import connect_unix  # pylint: disable=import-outside-toplevel
    gate = portcullis().start_open()
    began, answered = time.monotonic(), 0
    for _ in range(100):
        with connect_unix(gate.socket) as sock:
            sock.sendall(b'{"command": "status"}\n')
            answered += b'"gate"' in sock.recv(65536)
    assert answered == 100 and time.monotonic() - began < 1.0


def test_status_is_not_for_everybody(world, portcullis):
    gate = portcullis().start_open()
    done = gate.ctl("status", user=NOBODY, group=NOBODY, extra_groups=[])
    assert done.returncode == 1 and done.stderr.strip(), done
