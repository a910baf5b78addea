"""The management library's example program against the installed openvpn, without a tunnel device."""
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from netns import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "openvpn-mgmt"
OPENVPN = os.environ.get("OPENVPN", "/usr/sbin/openvpn")
DEADLINE = 20

pytestmark = pytest.mark.skipif(not os.access(OPENVPN, os.X_OK), reason=f"no {OPENVPN}")


@pytest.fixture(scope="module", name="example")
def build_example(tmp_path_factory):
    program = tmp_path_factory.mktemp("mgmt") / "example"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
                    "-o", program, *sorted(LIBRARY.glob("*.c"))], check=True, timeout=120)
    return program


class Openvpn:
    """One openvpn in the initial hold that connects to our listening socket."""

    def __init__(self, directory, *options):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(directory / "m.sock"))
        self.listener.listen(1)
        self.listener.settimeout(DEADLINE)
        key = directory / "key"
        subprocess.run([OPENVPN, "--genkey", "secret", key], check=True, timeout=DEADLINE, capture_output=True)
        self.process = subprocess.Popen(
            [OPENVPN, "--dev", "null", "--secret", key, "--cipher", "AES-256-CBC", "--proto", "udp", "--nobind",
             "--remote", "127.0.0.1", "9", "--management", directory / "m.sock", "unix", "--management-client",
             "--management-hold", "--verb", "3", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]})
        self.peer, _ = self.listener.accept()

    def converse(self, program, *arguments):
        """The exit code and events of one run of the example on the open connection."""
        done = subprocess.run([program, *arguments], stdin=self.peer, stdout=self.peer, stderr=subprocess.PIPE,
                              timeout=DEADLINE, check=False)
        return done.returncode, done.stderr.decode().splitlines()

    def close(self):
        self.peer.close()
        self.listener.close()
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.communicate()


@pytest.fixture(name="openvpn")
def run_openvpn(tmp_path):
    directory = tmp_path / "m"
    directory.mkdir(0o700)
    process = Openvpn(directory)
    yield process
    process.close()
    shutil.rmtree(directory)


def replies(events):
    return [line for line in events if line.startswith("REPLY number")]


def test_every_shape(example, openvpn):
    """One reply of each shape, sent one after another: each is recognized as what it is."""
    code, events = openvpn.converse(
        example, "@HOLD", "pid", "version", "version 5", "state on all", "log all on", "hold", "hold off", "status",
        "test 3", "test 0", "help", "env-filter 1", "remote-entry-count", "forget-passwords", "verb 3", "pid")
    expected = [f"REPLY number=0 ok (pid) |pid={openvpn.process.pid}", "REPLY number=0 ok (version)",
                "REPLY number=0 ok (state on)", "REPLY number=0 ok (log all) |real-time log notification set to ON",
                "REPLY number=0 ok (hold) |hold=1", "REPLY number=0 ok (hold off) |hold flag set to OFF"]
    assert replies(events)[:6] == expected
    # in the hold there is no tunnel object yet: these two are refused, the others are not
    refused = [line for line in replies(events) if " - " in line]
    assert [line.split("(")[1].split(")")[0] for line in refused] == ["status", "remote-entry-count"]
    assert replies(events)[-1] == expected[0]
    assert len([line for line in events if "(test 3)" in line]) == 4
    assert not [line for line in events if line.startswith(("NOISE", "UNKNOWN", "OVERLONG"))], events
    assert code == 1  # because of the two that are refused


def test_hold_to_the_end(example, openvpn):
    """Release, states, a refused command, and the end by SIGTERM."""
    code, events = openvpn.converse(example, "@HOLD", "state on", "log on", "bytecount 1", "hold release",
                                    "@STATE", "status", "signal SIGTERM")
    assert code == 0, events
    states = [line.split("|")[1].strip() for line in events if line.startswith("STATE")]
    assert states, events
    assert [line for line in events if "(status)" in line and "OpenVPN STATISTICS" in line]
    assert replies(events)[-1] == "REPLY number=0 ok (signal SIGTERM) |signal SIGTERM thrown"
    wait_for(lambda: openvpn.process.poll() is not None, "openvpn's end")
    assert openvpn.process.returncode == 0


def test_a_word_with_every_quote(example, openvpn):
    """The control for the encoder: the daemon repeats the type that it was given."""
    code, events = openvpn.converse(example, "@HOLD", "needstr a\"b\\c'd#;e x", "auth-retry bogus", "pid")
    assert code == 1
    assert replies(events)[0].endswith("|no needstr-string is currently needed at this time")
    assert [line for line in events if line.startswith("NOISE")] == [
        "NOISE number=0 |--auth-retry method must be 'interact', 'nointeract', or 'none'"]
    assert replies(events)[-1].startswith("REPLY number=0 ok (pid)")
