"""macOS's and FreeBSD's resolver ports with stand-ins for their tools: how the tools are called, and each way in which
they fail."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD", HERE.parents[1] / "build")).resolve()
KEY = "State:/Network/Service/6F72672E-706F-7274-6375-6C6C69732E31/"
TUNNEL = ("utun87", "10.8.0.1,fd00::1", "corp.example")
OF_TUNNEL = {KEY + "DNS": {"ServerAddresses": ["10.8.0.1", "fd00::1"], "SupplementalMatchDomains": ["", "corp.example"],
                           "SearchDomains": ["corp.example"]},
             KEY + "IPv4": {"InterfaceName": "utun87", "Addresses": ["10.8.0.2"]}}
OTHERS = {"State:/Network/Service/A0A0/DNS": {"ServerAddresses": ["192.168.1.1"]},
          "State:/Network/Service/A0A0/IPv4": {"InterfaceName": "en0", "Addresses": ["192.168.1.7"]}}

pytestmark = pytest.mark.skipif(not (BUILD / "test" / "dnstool-macos").exists(), reason="dnstool-macos is not built")


class Mac:
    """A folder of stand-ins, and dnstool-macos, which uses them."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copy2(HERE / "scutil_standin", folder / "scutil")
        for name in ("dscacheutil", "killall"):
            self.tool(name, "")
        self.write("store", OTHERS)

    def tool(self, name, does):
        (self.folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/flushed\n{does}\n', encoding="ascii")
        (self.folder / name).chmod(0o755)

    def write(self, name, value):
        (self.folder / name).write_text(json.dumps(value), encoding="ascii")

    def fail(self, call, how):
        (self.folder / "mode").write_text(f"{call} {how}", encoding="ascii")

    def store(self):
        """The entries of our service; those of others must be unchanged."""
        store = json.loads((self.folder / "store").read_text(encoding="ascii"))
        assert {key: value for key, value in store.items() if not key.startswith(KEY)} == OTHERS
        return {key: value for key, value in store.items() if key.startswith(KEY)}

    def calls(self):
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()] if path.exists() else []

    def flushed(self):
        path = self.folder / "flushed"
        return path.read_text(encoding="ascii").splitlines() if path.exists() else []

    def __call__(self, *arguments):
        """(result, line)"""
        done = subprocess.run([BUILD / "test" / "dnstool-macos", *arguments], capture_output=True, text=True, timeout=20,
                              check=True, env={**os.environ, "PORTCULLIS_STANDIN": str(self.folder)})
        result, _, line = done.stdout.rstrip("\n").partition(" ")
        assert "\n" not in line
        return int(result), line


@pytest.fixture(name="mac")
def a_mac(tmp_path):
    return Mac(tmp_path)


@pytest.fixture(name="port")
def a_responder():
    """A port of the loopback where every query is answered with its own bytes and the response bit."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def answer():
            while True:
                query, where = sock.recvfrom(512)
                if query == b"stop":
                    return
                sock.sendto(query[:2] + bytes([query[2] | 0x80]) + query[3:], where)
        thread = threading.Thread(target=answer)
        thread.start()
        yield sock.getsockname()[1]
        sock.sendto(b"stop", sock.getsockname())
        thread.join()


def of_loopback(port):
    return {KEY + "DNS": {"ServerAddresses": ["127.0.0.1"], "ServerPort": port, "InterfaceName": "*",
                          "SupplementalMatchDomains": ["", "captive.apple.com", "netcts.cdn-apple.com"]}}


def test_shut_set_restore(mac, port):
    assert mac("shut", str(port)) == (0, f"dns: names are looked up at 127.0.0.1 port {port}")
    assert mac.store() == of_loopback(port)
    assert mac("set", *TUNNEL) == (0, "dns: names are looked up at 10.8.0.1 port 53")
    assert mac.store() == OF_TUNNEL
    assert mac.flushed() == ["dscacheutil -flushcache", "killall -HUP mDNSResponder"] * 2
    assert mac("restore", "utun87") == (0, "dns: the system's own resolvers are used")
    assert mac.store() == {}
    assert mac("restore", "utun87")[0] == 0  # a second call changes nothing
    # What an earlier run has left, whatever its link was called.
    assert mac("shut", str(port))[0] == 0
    assert mac("restore", "utun99")[0] == 0
    assert mac.store() == {}


def test_a_server_that_names_no_resolver(mac, port):
    mac("shut", str(port))
    assert mac("set", "utun87") == (0, "dns: the server pushed no DNS server: the system's own resolver stays")
    assert mac.store() == {}


def test_check_tells_anew_what_was_changed(mac, port):
    for wanted, arguments in ((OF_TUNNEL, TUNNEL), (of_loopback(port), (str(port),)), ({}, ())):
        before = mac.store()
        assert mac("check", *arguments)[0] == (1 if before != wanted else 0)
        assert mac.store() == wanted
        calls = len(mac.calls())
        assert mac("check", *arguments) == (0, "")  # nothing was changed: one look, no message, nothing flushed
        assert len(mac.calls()) == calls + 1
        for change in ({}, {KEY + "DNS": {"ServerAddresses": ["192.0.2.9"]}}, {KEY + "DNS": "nonsense"}):
            mac.write("store", {**OTHERS, **change})
            result, _ = mac("check", *arguments)
            if change == {KEY + "DNS": "nonsense"}:
                assert result == -1  # not understood, and reported; the next call that sets it repairs it
                mac.write("store", {**OTHERS, **wanted})
            else:
                assert result == (0 if change == wanted else 1)
                assert mac.store() == wanted


def test_nobody_answers(mac, port):
    """The resolver is never set to a port that does not answer. If the port stops answering, the resolver is
    restored."""
    assert mac("shut", str(port))[0] == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        number = silent.getsockname()[1]
        result, line = mac("shut", str(number))
        assert (result, mac.store()) == (-1, {})
        assert line == f"dns: nothing answers at 127.0.0.1 port {number}: the system's own resolvers are used"
        mac("shut", str(port))
        assert mac("check", str(number))[0] == 1
        assert mac.store() == {}
        assert mac("check", str(number)) == (0, "")


@pytest.mark.parametrize("how", ["exit", "silent", "hang", "cut", "killed", "denied", "deaf"])
def test_each_call_of_scutil_fails_in_turn(mac, port, how):
    """One line, within the time limit, and the store has either the old or the new values; the next look repairs it."""
    steps = [("shut", str(port)), ("set", *TUNNEL), ("check", str(port)), ("restore", "utun87")]
    wanted = [of_loopback(port), OF_TUNNEL, of_loopback(port), {}]
    looks = [("check", str(port)), ("check", *TUNNEL), ("check", str(port)), ("check",)]
    before = {}
    for step, after, look in zip(steps, wanted, looks):
        if how == "hang" and step[0] in ("shut", "check"):
            before = after  # these make the same two calls as `set`, and each would take 2 s
            continue
        for call in (1, 2, 3):
            mac.write("store", {**OTHERS, **before})
            mac.fail(call, how)
            began = time.monotonic()
            result, line = mac(*step)
            left = int((mac.folder / "mode").read_text(encoding="ascii").split()[0])
            assert time.monotonic() - began < 4
            assert line.startswith("dns: ")
            assert mac.store() in (before, after, {**before, **after})
            if left > 0:  # there were fewer calls: nothing failed
                assert (result, mac.store()) == (1 if step[0] == "check" else 0, after)
                break
            if how == "cut" and result != -1:
                assert mac.store() == after  # no output, cut in half, is not a failure
            elif how in ("silent", "deaf") and result != -1:
                assert mac.store() == after
            else:
                assert result == -1, (step, call, line)
            (mac.folder / "mode").unlink()
            assert mac(*look)[0] in (0, 1)
            assert mac.store() == after
        before = after


@pytest.mark.parametrize("tool", ["dscacheutil", "killall"])
@pytest.mark.parametrize("does", ["exit 3", "kill -9 $$", None])
def test_a_flush_that_fails_is_only_said(mac, tool, does):
    if does is None:
        (mac.folder / tool).unlink()
    else:
        mac.tool(tool, does)
    result, line = mac("set", *TUNNEL)
    assert (result, mac.store()) == (0, OF_TUNNEL)
    assert line.startswith("dns: names are looked up at 10.8.0.1 port 53; not flushed: ") and tool in line
    mac.tool(tool, "")
    assert mac("set", *TUNNEL) == (0, "dns: names are looked up at 10.8.0.1 port 53")  # the control


def test_a_flush_that_hangs(mac):
    mac.tool("dscacheutil", "exec sleep 600")
    began = time.monotonic()
    result, line = mac("set", *TUNNEL)
    assert (result, mac.store()) == (0, OF_TUNNEL)
    assert "killed after" in line
    assert time.monotonic() - began < 4


def test_no_scutil(mac):
    (mac.folder / "scutil").unlink()
    for arguments in (("set", *TUNNEL), ("restore", "utun87"), ("check", *TUNNEL)):
        result, line = mac(*arguments)
        assert result == -1
        assert "scutil: exit 127: No such file" in line


# --- FreeBSD


def bsd(folder, *arguments):
    done = subprocess.run([BUILD / "test" / "dnstool-freebsd", *arguments], capture_output=True, text=True, timeout=20, check=True,
                          env={**os.environ, "PORTCULLIS_STANDIN": str(folder)})
    result, _, line = done.stdout.rstrip("\n").partition(" ")
    return int(result), line


def resolvconf(folder, does="exit 0"):
    (folder / "resolvconf").write_text(f'#!/bin/sh\n(echo "$*"; [ "$1" != -x ] || cat) >>{folder}/told\n{does}\n', encoding="ascii")
    (folder / "resolvconf").chmod(0o755)


def test_resolvconf_of_freebsd(tmp_path):
    """resolvconf(8) is called so that the VPN's servers are the only ones (exclusive), and so that a second call does
    no harm."""
    assert bsd(tmp_path, "set", "tun87", "10.8.0.1")[0] == 1
    resolvconf(tmp_path)
    assert bsd(tmp_path, "set", "tun87", "10.8.0.1,fd00::1", "corp.example") == (
        0, "dns: resolvconf has 10.8.0.1 for tun87, and no other")
    assert bsd(tmp_path, "restore", "tun87") == (0, "dns: resolvconf is as it was before tun87")
    assert (tmp_path / "told").read_text(encoding="ascii").splitlines() == [
        "-x -a tun87.portcullis", "nameserver 10.8.0.1", "nameserver fd00::1", "search corp.example",
        "-f -d tun87.portcullis"]
    assert bsd(tmp_path, "set", "tun87")[1] == "dns: the server pushed no DNS server: the system's own resolver stays"
    assert bsd(tmp_path, "check", "tun87", "10.8.0.1") == (0, "")


@pytest.mark.parametrize("does,said", [("exit 3", "exit 3"), ("kill -9 $$", "signal 9"), ("exec sleep 600", "killed after")])
def test_resolvconf_fails(tmp_path, does, said):
    resolvconf(tmp_path, does)
    for arguments in (("set", "tun87", "10.8.0.1"), ("restore", "tun87")):
        began = time.monotonic()
        result, line = bsd(tmp_path, *arguments)
        assert result == -1 and line.startswith("dns: ") and said in line
        assert time.monotonic() - began < 4
