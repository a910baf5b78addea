"""However a start goes, the machine is locked: any value of any key, few descriptors, small files, a hostile
environment."""
import os
import re
import resource
import signal

import pytest

from daemon import TOP
from netns import wait_for
from test_flow import gets_out

with open(os.path.join(TOP, "src/config/config.c"), encoding="ascii") as _config:
    KEYS = re.findall(r'^    \{"([a-z|-]+)", ', _config.read(), re.M)
RUBBISH = ('"eth0"', '"/proc/1/mem"', '"4294967296"', '{"tun0", "tun0"}', '"' + "y" * 300 + '"', "")
GATEWAYS = ("tun0", "eth0", "lo", "br*", "", "y" * 40)
SMALL = {"6 descriptors": (resource.RLIMIT_NOFILE, 6), "9 descriptors": (resource.RLIMIT_NOFILE, 9),
         "files of no size": (resource.RLIMIT_FSIZE, 0)}


def with_value(gate, key, value):
    """The configuration with this value for the key; nothing else is changed."""
    section, _, name = key.rpartition("|")
    lines = [f"{k} {v}" if v.startswith("{") else f"{k} = {v}" for k, v in gate.settings.items()
             if k not in (section, name) and v is not None]
    with open(gate.file, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + f"\n{section} {{\n {name} = {value}\n}}\n" if section else
                   "\n".join(lines) + f"\n{name} = {value}\n")


def assert_locked(gate, what):
    """The machine is locked by rules, not by links that were set down: the physical link is up."""
    assert gate.kernel_gate() in ("locked", "dialling"), what
    assert "state DOWN" not in gate.host.run("ip", "link", "show", "eth0").stdout, what


def forget(gate):
    gate.host.run("nft", "flush", "ruleset")
    assert gate.kernel_gate() == "none"


def start_and_kill(gate, what):
    """Runs -d until it has exited or the gate is locked, then kills it."""
    gate.start()
    wait_for(lambda: gate.process.poll() is not None or gate.kernel_gate() != "none", what)
    if gate.process.poll() is None:
        gate.kill()
        gate.host.kill_all()


@pytest.mark.parametrize("mode", ["-d", "-L"])
def test_any_value_of_any_key_leaves_a_lock(world, portcullis, mode):
    """-L exits with 0; -d locks, and then exits or runs; the next start with the good configuration opens."""
    gate = portcullis()
    with world.wire("udp") as wire:
        assert gets_out(world, wire), "nothing is stopped before"
    cases = [(key, RUBBISH[i % len(RUBBISH)]) for i, key in enumerate(KEYS)] + [("gateway|interfaces", f'{{"{name}"}}') for name in GATEWAYS]
    for key, value in cases:
        with_value(gate, key, value)
        if mode == "-L":
            done = gate.run_daemon("-L")
            assert done.returncode == 0, (key, value, done)
        else:
            start_and_kill(gate, (key, value))
        assert_locked(gate, (key, value))
        forget(gate)
    gate.configure()
    gate.start_open()


def test_what_can_t_be_locked_is_locked_bare_and_said(world, portcullis):
    """A configuration for which no lock can be built, because it names the tunnel as a gateway's LAN-side link: the
    lock is built without the configuration's values, and that is reported."""
    gate = portcullis()
    with_value(gate, "gateway|interfaces", '{"tun0"}')
    for mode in ("-d", "-L"):
        done = gate.run_daemon(mode)
        assert done.returncode == (0 if mode == "-L" else 1), done
        assert "locked without the configuration's values" in done.stderr and "tun0 is the tunnel" in done.stderr, done
        gate.assert_loaded()
        assert_locked(gate, mode)
        with world.wire("udp") as wire:
            assert not gets_out(world, wire)
        forget(gate)


@pytest.mark.parametrize("what", SMALL)
def test_a_start_that_lacks_what_a_daemon_needs_has_locked(world, portcullis, what):
    """There is no descriptor for the event loop, or no room for a file: the daemon says so, exits by itself (not by a
    signal), and leaves a lock."""
    gate = portcullis()
    which, most = SMALL[what]
    done = gate.host.run(f"{gate.programs}/portcullisd", "-d", "-c", gate.file, check=False,
                         preexec_fn=lambda: resource.setrlimit(which, (most, most)))
    assert done.returncode == 1 and done.stderr.strip(), done
    gate.assert_loaded()
    assert_locked(gate, what)
    with world.wire("udp") as wire:
        assert not gets_out(world, wire)


def test_libevent_follows_no_environment(world, portcullis):
    """The environment disables every method of libevent. If that counted, there would be no event loop and no
    daemon."""
    names = ("EPOLL", "POLL", "SELECT", "KQUEUE", "DEVPOLL")
    gate = portcullis(environment={f"EVENT_NO{name}": "1" for name in names} | {"EVENT_SHOW_METHOD": "1"})
    with world.wire("udp") as wire:
        gate.start_open()
        assert not gets_out(world, wire)
        assert gate.kill(signal.SIGTERM) == 0
        wire.assert_clean()


def test_interface_that_is_another_link(world, portcullis):
    """The uplink can't be the tunnel: the gate is locked, that is reported, and the link is left alone. A word such as
    `all` is not the name of a link."""
    gate = portcullis(settings={"interface": '"eth0"'})
    with world.wire("udp") as wire:
        gate.start().wait(gate="locked", tunnel="waiting")
        assert "eth0 exists and is not ours" in gate.status()["reason"], gate.told()
        assert_locked(gate, "eth0")
        assert not gets_out(world, wire)
        assert gate.stop() == 0
    for word in ("all", "any", "default", "lo0"):
        gate.configure(interface=f'"{word}"')
        done = gate.run_daemon("-n")
        assert done.returncode == 1 and f"interface: {word} is the name of loopback, or stands" in done.stderr, done
