"""The installed openvpn accepts what vetting lets through, up to its first hold; it never gets what vetting drops."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from daemon import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROFILES = sorted((ROOT / "tests/unit/data/profiles").glob("*.ovpn"))
EVERY_OPTION = ROOT / "tests/fuzz/seeds/profile/every-option"
OPENVPN = os.environ.get("OPENVPN", "/usr/sbin/openvpn")
# The options that an older openvpn is told to ignore when the gate starts it.
LEFT_OUT = re.search(r'"--ignore-unknown-option (.*?) ?"', (ROOT / "src/gate/spawn.c").read_text())[1].split()
NOBODY = "65534"
DEADLINE = 20

pytestmark = pytest.mark.skipif(not os.access(OPENVPN, os.X_OK), reason=f"no {OPENVPN}")


def vet(path):
    """The canonical form of a profile, by the vetting child itself."""
    with open(path, "rb") as profile:
        done = subprocess.run([os.path.join(BUILD, "portcullis-driver"), "--vet", NOBODY, NOBODY, str(path)],
                              stdin=profile, capture_output=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def start(directory, config, proto):
    """What openvpn first sends over the management connection, or how it ended."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / "m.sock"))
    listener.listen(1)
    with subprocess.Popen(
            [OPENVPN, "--ignore-unknown-option", *LEFT_OUT, "--config", str(config), "--dev", "null",
             "--remote", "192.0.2.1", "1", proto, "--nobind", "--script-security", "0", "--management", str(directory / "m.sock"), "unix",
             "--management-client", "--management-hold", "--management-query-passwords"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={}) as process:
        try:
            # Its exit closes none of our sockets, so wait for whichever comes first.
            listener.settimeout(0.05)
            peer = None
            for _ in range(DEADLINE * 20):
                if process.poll() is not None:
                    return "", process.stdout.read().decode()
                try:
                    peer, _address = listener.accept()
                    break
                except TimeoutError:
                    continue
            assert peer is not None, "openvpn neither ended nor came"
            peer.settimeout(DEADLINE)
            said = b""
            while b">HOLD:" not in said:
                more = peer.recv(4096)
                if not more:
                    break
                said += more
            peer.close()
            return said.decode(), ""
        finally:
            process.kill()
            listener.close()


@pytest.fixture(name="directory")
def short_directory(tmp_path):
    directory = tmp_path / "m"
    directory.mkdir(0o700)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize("path", [*PROFILES, EVERY_OPTION], ids=lambda path: path.stem)
def test_taken_by_openvpn(path, directory):
    code, canonical, complaint = vet(path)
    assert code == 0, complaint
    head, body = canonical.split("\n\n", 1)
    remotes = [line.split() for line in head.splitlines() if line.startswith("remote ")]
    assert remotes
    config = directory / "c.ovpn"
    config.write_text(body)
    said, ended = start(directory, config, "udp" if remotes[0][3] == "udp" else "tcp-client")
    assert ">HOLD:" in said, ended


def test_control_openvpn_refuses_other_lines(directory):
    """Started in the same way, openvpn does exit at once if a line is not one of its options."""
    config = directory / "c.ovpn"
    config.write_text(vet(PROFILES[0])[1].split("\n\n", 1)[1] + "no-such-option \"1\"\n")
    said, ended = start(directory, config, "udp")
    assert said == ""
    assert "no-such-option" in ended


def test_refused_by_line(directory):
    path = directory / "bad.ovpn"
    path.write_text("client\nremote 192.0.2.1\nsetenv opt plugin /x.so\n")
    code, canonical, complaint = vet(path)
    assert code == 1
    assert canonical == ""
    assert complaint == f"{path}:3: plugin: loads a shared object as root; instead: delete the line\n"


def test_profile_of_four_megabytes(directory):
    """The sandbox allows enough memory for the largest profile; one byte more is refused."""
    path = directory / "large.ovpn"
    lines = b"client\nremote 192.0.2.1\n"
    path.write_bytes(lines + b"#" * (4 * 1024 * 1024 - len(lines) - 1) + b"\n")
    assert vet(path)[0] == 0
    path.write_bytes(lines + b"#" * (4 * 1024 * 1024 - len(lines)) + b"\n")
    code, _, complaint = vet(path)
    assert code == 1
    assert "larger than 4 MiB" in complaint
