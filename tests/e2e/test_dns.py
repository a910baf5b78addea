"""The resolver port against a real systemd-resolved, and against tools that record, hang or fail."""

import os
import pathlib
import shutil
import subprocess
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()
TOOL = BUILD / "test" / "dnstool"
PACKAGE = ROOT / "build" / "deps" / "resolved"
BEHIND = ROOT / "tests" / "e2e" / "dns_behind_tunnel.py"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built"),
]
needs_resolved = pytest.mark.skipif(
    not PACKAGE.exists(), reason="no unpacked systemd-resolved: ./bootstrap deps")


def in_resolved(script, **environment):
    """Runs a shell script beside a real resolved. Returns what it prints."""
    done = subprocess.run(
        [ROOT / "tests/e2e/resolved.sh", PACKAGE, "sh", "-euc", f"dnstool={TOOL}\nbehind={BEHIND}\n"
         + textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_resolved
def test_set_and_restore():
    out = in_resolved("""
        resolvectl --no-pager dns tun0; resolvectl --no-pager domain tun0
        $dnstool set tun0 10.8.0.1,fd00::1 corp.example,other.example
        resolvectl --no-pager dns tun0; resolvectl --no-pager domain tun0
        resolvectl --no-pager default-route tun0
        $dnstool restore tun0
        resolvectl --no-pager dns tun0; resolvectl --no-pager domain tun0
        $dnstool restore tun0
    """).splitlines()
    assert out[:2] == ["Link 2 (tun0):", "Link 2 (tun0):"]
    assert out[2].startswith("0 dns: systemd-resolved uses 10.8.0.1 on tun0")
    assert out[3:6] == ["Link 2 (tun0): 10.8.0.1 fd00::1",
                        "Link 2 (tun0): ~. corp.example other.example", "Link 2 (tun0): yes"]
    assert out[6].startswith("0 ")
    assert out[7:9] == ["Link 2 (tun0):", "Link 2 (tun0):"]
    assert out[9].startswith("0 ")  # doing it twice changes nothing


@needs_resolved
def test_names_are_asked_inside_the_tunnel():
    out = in_resolved("""
        ip link delete tun0
        /usr/bin/python3 $behind >/run/behind.log & helper=$!
        for i in $(seq 200); do grep -q ready /run/behind.log && break; sleep 0.05; done
        ip link set tun0 up; ip address add 10.8.0.2/24 dev tun0
        timeout 3 resolvectl --no-pager query -4 before.example >/dev/null 2>&1 && echo reached
        $dnstool set tun0 10.8.0.1
        timeout 10 resolvectl --no-pager query -4 --legend=no after.example
        kill $helper
        cat /run/behind.log
    """)
    assert "reached" not in out
    assert "192.0.2.53" in out
    assert "asked after.example. 10.8.0.1" in out
    assert "asked before.example" not in out


@needs_resolved
def test_after_a_crash_the_name_is_enough():
    """After a crash, the link's name is enough to restore: whether the link still exists or not, nothing of ours is
    left."""
    out = in_resolved("""
        $dnstool set tun0 10.8.0.1 corp.example
        ip link delete tun0
        $dnstool restore tun0
        ip tuntap add tun0 mode tun; ip link set tun0 up
        echo now: $(resolvectl --no-pager dns tun0) $(resolvectl --no-pager domain)
        $dnstool set tun0 10.8.0.1 corp.example
        $dnstool restore tun0
        echo then: $(resolvectl --no-pager dns tun0)
    """)
    assert "10.8.0.1" not in out.split("now: ")[1].splitlines()[0]
    assert "corp.example" not in out.split("now: ")[1].splitlines()[0]
    assert "10.8.0.1" not in out.split("then: ")[1]
    assert "is gone, and systemd-resolved has forgotten it" in out


@needs_resolved
def test_tool_without_its_service():
    out = in_resolved("$dnstool set tun0 10.8.0.1; $dnstool restore tun0", WITHOUT_RESOLVED="yes")
    assert [line[:2] for line in out.splitlines()] == ["1 ", "1 "]
    assert "left alone" in out and "nothing to restore" in out


def with_tools(tmp_path, tools, *arguments):
    """Runs dnstool in namespaces where /usr/bin has the given scripts, by name. Returns what it prints."""
    tmp_path.chmod(0o755)
    (tmp_path / "bin").mkdir(exist_ok=True)
    for name, text in tools.items():
        path = tmp_path / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
    script = ('mount --make-rprivate / && mount -t overlay overlay -o "lowerdir=$1:/usr/bin" /usr/bin &&'
              'ip tuntap add tun0 mode tun && shift && exec "$@"')
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", script, "sh", tmp_path / "bin", TOOL, *arguments],
        capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"], "SECRET": "leak"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_there(tmp_path):
    if shutil.which("resolvectl") or shutil.which("resolvconf"):
        pytest.skip("this machine has a resolver tool of its own")
    assert with_tools(tmp_path, {}, "set", "tun0", "10.8.0.1").startswith("1 dns: neither")
    assert with_tools(tmp_path, {}, "restore", "tun0").startswith("1 dns: neither")


def test_resolvconf(tmp_path):
    record = tmp_path / "record"
    tools = {"resolvconf": f'{{ echo "args $*"; cat; env; ls -l /proc/self/fd | wc -l; }} >>{record}\n',
             "resolvectl": "echo no bus >&2; exit 1\n"}
    out = with_tools(tmp_path, tools, "set", "tun0", "10.8.0.1,fd00::1", "corp.example,$(reboot),-x,a.b")
    assert out.startswith("0 dns: resolvconf has 10.8.0.1")
    lines = record.read_text().splitlines()
    assert lines[:4] == ["args -a tun0.portcullis", "nameserver 10.8.0.1", "nameserver fd00::1",
                         "search corp.example a.b"]
    assert not [line for line in lines if "SECRET" in line]
    record.unlink()
    assert with_tools(tmp_path, tools, "restore", "tun0").startswith("0 ")
    assert record.read_text().splitlines()[0] == "args -d tun0.portcullis"


def test_a_resolvconf_that_is_resolvectl(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "resolvconf").symlink_to("resolvectl")
    out = with_tools(tmp_path, {"resolvectl": "exit 1\n"}, "set", "tun0", "10.8.0.1")
    assert out.startswith("1 dns: neither")


def test_arguments_are_checked(tmp_path):
    record = tmp_path / "record"
    tools = {"resolvectl": f'for a in "$@"; do printf "[%s]" "$a"; done >>{record}; echo >>{record}\n'}
    out = with_tools(tmp_path, tools, "set", "tun0", "10.8.0.1", "ok.example,a b,`id`,--help")
    assert out.startswith("0 ")
    assert record.read_text().splitlines() == [
        "[--no-pager][dns]", "[dns][tun0][10.8.0.1]", "[domain][tun0][~.][ok.example]",
        "[default-route][tun0][yes]"]
    record.unlink()
    assert with_tools(tmp_path, tools, "set", "-x", "10.8.0.1").startswith("-1 ")
    assert not record.exists()


def test_a_failing_tool_is_undone(tmp_path):
    record = tmp_path / "record"
    tools = {"resolvectl": f'echo "$*" >>{record}; [ "$1" != domain ] || {{ echo wrong word >&2; exit 1; }}\n'}
    out = with_tools(tmp_path, tools, "set", "tun0", "10.8.0.1")
    assert out.startswith("-1 dns: /usr/bin/resolvectl: exit 1: wrong word")
    assert record.read_text().splitlines()[-1] == "revert tun0"


def test_a_hanging_tool_is_killed(tmp_path):
    """It is killed together with its child, which would keep our pipe open."""
    pid = tmp_path / "pid"
    tools = {"resolvectl": f'[ "$1" = --no-pager ] && exit 0; sleep 600 & echo $! >{pid}; wait\n'}
    begun = time.monotonic()
    out = with_tools(tmp_path, tools, "set", "tun0", "10.8.0.1")
    took = time.monotonic() - begun
    assert out.startswith("-1 dns: /usr/bin/resolvectl: killed after")
    assert 1.5 < took < 5
    child = pathlib.Path(f"/proc/{pid.read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
        assert time.monotonic() < deadline, "the tool's child lives"


def test_a_daemon_left_behind_does_not_hold_us(tmp_path):
    tools = {"resolvectl": '[ "$1" = --no-pager ] && exit 0; setsid sleep 5 & exit 0\n'}
    begun = time.monotonic()
    assert with_tools(tmp_path, tools, "set", "tun0", "10.8.0.1").startswith("0 ")
    assert time.monotonic() - begun < 3
