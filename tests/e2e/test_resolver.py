"""The system's resolver end to end: how a recording resolvconf is called when the gate opens, shuts, exits and
starts."""
import os
import signal
import subprocess

import pytest

from netns import wait_for
from test_pushed_options import hostile_server
from world import ROOT

# Where the tool is looked for, in this order (src/os/process/tool_unix.c); the last folder is private to these tests.
DIRECTORIES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin")
PRIVATE = "/run/current-system/sw/bin"


class Recorder:
    def __init__(self, path):
        self.path = path

    def calls(self):
        """[(arguments, what it read)], in order."""
        with open(self.path, encoding="ascii") as file:
            parts = file.read().split("ARGS ")[1:]
        return [(part.split("\n")[0], part.split("\n")[1:-1]) for part in parts]


@pytest.fixture
def resolvconf():
    """A resolvconf that records its calls, and hides the machine's real one."""
    record, program = f"{ROOT}/resolvconf.record", f"{ROOT}/resolvconf"
    with open(record, "w", encoding="ascii"):
        pass
    with open(program, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\nread=\n[ "$1" != -a ] || read=$(/bin/cat)\n'
                   f'printf "ARGS %s\\n%s\\n" "$*" "$read" >>{record}\n')
    os.chmod(program, 0o755)
    hidden = []
    for directory in DIRECTORIES:
        for name, instead in (("resolvconf", program), ("resolvectl", "/bin/false")):
            path = f"{directory}/{name}"
            if os.path.exists(path) and not os.path.islink(os.path.dirname(path)):
                subprocess.run(["mount", "--bind", instead, os.path.realpath(path)], check=True)
                hidden.append(os.path.realpath(path))
    os.makedirs(PRIVATE, exist_ok=True)
    if not os.path.exists(f"{PRIVATE}/resolvconf"):
        os.symlink(program, f"{PRIVATE}/resolvconf")
    yield Recorder(record)
    os.unlink(f"{PRIVATE}/resolvconf")
    for path in hidden:
        subprocess.run(["umount", "-l", path], check=True)


ADD, DELETE = "-a tun0.portcullis", "-d tun0.portcullis"


def test_resolver_follows_the_gate(portcullis, resolvconf):  # pylint: disable=redefined-outer-name
    """Set when the gate opens; restored when openvpn is killed, at down, at SIGTERM, and by the start after a
    SIGKILL."""
    gate = portcullis(settings={"dns": "{ manage = true }"})

    def told(*wanted):
        def fits():
            calls = [call for call, _ in resolvconf.calls()]
            return calls[seen:] == list(wanted)
        wait_for(fits, lambda: gate.told(f"wanted {wanted}, told {resolvconf.calls()[seen:]}"), 5)
        return len(resolvconf.calls())
    seen = 0
    gate.start_open()
    seen = told(ADD)
    assert resolvconf.calls()[0][1] == ["nameserver 10.8.0.1"]
    gate.kill_openvpn()
    gate.wait(gate="open")
    seen = told(DELETE, ADD)
    gate.ctl("down", "--wait", check=True)
    seen = told(DELETE)
    gate.ctl("up", "--wait", check=True)
    gate.wait(gate="open")
    seen = told(ADD)
    assert gate.stop() == 0
    assert [call for call, _ in resolvconf.calls()[seen:]] == [DELETE], "it is taken back before the daemon has left"
    seen += 1
    gate.start_open()
    seen = told(ADD)
    gate.kill(signal.SIGKILL)
    wait_for(lambda: not gate.openvpns(), "openvpn gone")
    assert len(resolvconf.calls()) == seen, "nobody is there to take it back"
    gate.start_open()
    seen = told(DELETE, ADD)
    gate.ctl("pause", "1h", check=True)
    gate.wait(gate="paused")
    seen = told(DELETE)


def test_resolver_is_left_alone(portcullis, resolvconf):  # pylint: disable=redefined-outer-name
    """manage = false: the tool is never run, but the status shows what was pushed."""
    gate = portcullis().start_open()
    assert gate.status()["dns"] == ["10.8.0.1"]
    gate.ctl("down", "--wait", check=True)
    assert gate.stop() == 0
    assert resolvconf.calls() == []


def test_resolver_is_told_addresses_only(portcullis, resolvconf):  # pylint: disable=redefined-outer-name
    """Whatever DNS settings a server pushes, the tool gets only literal addresses and plain names."""
    gate = portcullis(hostile_server(), settings={"dns": "{ manage = true }"}).start_open()
    wait_for(resolvconf.calls, lambda: gate.told("the tool run"))
    (call, read), = resolvconf.calls()
    assert call == ADD
    assert read == ["nameserver 10.8.0.1", "nameserver 10.20.0.53", "search good.example"], read
