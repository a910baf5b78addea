"""How long an attempt lasts, which server is next, and what becomes of a refusal."""
import contextlib
import json
import os
import signal
import socket
import time

import pytest

from netns import wait_for
from test_flow import gets_inside
from world import ROOT, ROUTER4, SERVER4, SERVER6, SERVERS


def give_credentials(gate, user, password="right horse"):
    """The password file; it belongs to root."""
    secret = f"{gate.directory}/password"
    with open(secret, "w", encoding="ascii") as file:
        file.write(password + "\n")
    os.chmod(secret, 0o600)
    gate.configure(credentials=f'{{ username = "{user}" password-file = "{secret}" }}')


@pytest.fixture(name="asked")
def fixture_asked():
    """What the servers' scripts read and write: who was asked, whether to let us in, and a reason to refuse."""
    for name in ("asked", "asked.accept", "asked.reason"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{ROOT}/{name}")

    def put(name, text=""):
        with open(f"{ROOT}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    put("asked")
    return put


def times_asked():
    with open(f"{ROOT}/asked", encoding="ascii") as file:
        return file.read().count("asked")


@pytest.mark.usefixtures("asked")
def test_an_approval_takes_its_time(world, portcullis):
    """The server waits for somebody who approves: it is given the time that it asks for, and asks once."""
    gate = portcullis("approval", extra=("auth-user-pass", "hand-window 10"))
    give_credentials(gate, "12-60")
    gate.start().wait(tunnel="authenticating").wait(gate="open", seconds=25)
    assert times_asked() == 1
    assert gets_inside(world)


def test_an_approval_that_does_not_come(portcullis):
    """The control: without the approval the attempt ends after the time that the server has named."""
    gate = portcullis("approval", extra=("auth-user-pass",))
    give_credentials(gate, "3600-10")
    gate.start().wait(tunnel="authenticating")
    began = time.monotonic()
    with gate.watch() as watch:
        said = watch.until(tunnel="leaving", seconds=20)
    assert 8 < time.monotonic() - began < 16, said
    assert said["gate"] != "open"


# Servers that answer nothing, refuse, or can't be reached; each list stands before one that works.
SWALLOWED = [f"remote {SERVER4} {port} udp" for port in (1194, 1250, 1251, 1252)]
NOWHERE = [f"remote {SERVER6[:-2]}{number} 1194 udp6" for number in range(20, 24)]
REFUSED = [f"remote {SERVER4} {port} {proto}" for port in range(1240, 1244) for proto in ("udp", "tcp")]


def behind(world, first, name, *extra):
    """A profile with these remotes before that of the server."""
    return world.profile(name, extra=extra).replace("\nremote ", "\n" + "\n".join([*first, "remote "]), 1)


def swallow(world, what):
    world.rtr.nft(f"table inet swallowed {{ chain f {{ type filter hook forward priority 0; iif r0 {what} drop; }}; }}")


def no_ipv6(world):
    world.host.run("ip", "-6", "address", "flush", "dev", "eth0", "scope", "global")
    world.host.run("ip", "-6", "route", "flush", "default")


@pytest.mark.parametrize("kind", ["udp", "ipv6", "no ipv6", "refused"])
def test_the_next_server_at_once(world, portcullis, kind):
    """UDP is swallowed and TCP comes last; IPv6 leads nowhere, or there is none; the first ones refuse. The one that
    works has its turn after a short time for each silent one, and none for the others."""
    first, name, extra, seconds = {
        "udp": (SWALLOWED, "tcp", ["server-poll-timeout 2"], 4 * 2 + 4),
        "ipv6": (NOWHERE, "udp", ["server-poll-timeout 2"], 2 + 3),
        "no ipv6": (NOWHERE, "udp", [], 3),
        "refused": (REFUSED, "udp", [], 5)}[kind]
    gate = portcullis("udp", profile=behind(world, first, name, *extra))
    if kind == "no ipv6":
        no_ipv6(world)
    elif kind != "refused":
        swallow(world, "meta l4proto udp" if kind == "udp" else "meta nfproto ipv6")
    try:
        began = time.monotonic()
        gate.start().wait(gate="open", seconds=30)
        took = time.monotonic() - began
    finally:
        world.rtr.run("nft", "delete", "table", "inet", "swallowed", check=False)
    assert took < seconds, gate.told(f"open after {took} s")
    status = gate.status()
    assert status["remote"]["address"] == SERVER4 and status["attempt"] == {
        "udp": 5, "ipv6": 2, "no ipv6": 1, "refused": 9}[kind], status


def take_the_last_place(world, name):
    """Of a server that lets in one client."""
    if name == "full":  # killed without a goodbye, it stays a client for two minutes
        world.bare_vpn(name).kill()
        return contextlib.nullcontext()
    taken = world.rtr.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.connect((SERVER4, world.server(name).endpoint.port))
    return taken


@pytest.mark.parametrize("name", ["full", "full-tcp"])
def test_a_server_that_is_full(world, portcullis, name):
    """It stops in the middle of the handshake (UDP), or hangs up: the next one has its turn, and lets us in."""
    profile = world.profile(name, "udp", extra=["hand-window 4"])
    with take_the_last_place(world, name):
        gate = portcullis("udp", profile=profile).start().wait(gate="open", seconds=12)
        with open(f"{ROOT}/server-{name}.log", encoding="utf-8") as log:
            assert "would exceed maximum number of clients" in log.read(), "control"
        assert gate.status()["remote"]["port"] == 1194 and gets_inside(world)
    world.stop_server(name)


def test_nobody_is_there(world, portcullis):
    """No network at all and eight servers: each has its turn, and then there is a wait; never a busy loop."""
    gate = portcullis("udp", profile=behind(world, SWALLOWED + NOWHERE[:3], "udp"))
    no_ipv6(world)
    world.host.ip("link set eth0 down")
    gate.start().wait(tunnel="waiting", gate="locked", seconds=20)
    began, before = time.monotonic(), gate.status()["attempt"]
    with gate.watch() as watch:
        while time.monotonic() - began < 3:
            watch.next(0.5)
    assert gate.status()["attempt"] - before <= 10 * (time.monotonic() - began)
    world.host.ip("link set eth0 up", f"route add default via {ROUTER4}")
    gate.wait(gate="open", seconds=15)


class Swallowed:
    """Packets to one of the servers are swallowed and counted by the router."""

    def __init__(self, world, proto):
        self.router, self.counted = world.rtr, f"tcp flags syn tcp dport {SERVERS['tcp'].endpoint.port}" if proto == "tcp" \
            else f"udp dport {SERVERS['udp'].endpoint.port}"

    def __enter__(self):
        self.router.nft(f"table inet swallowed {{ chain f {{ type filter hook forward priority 0; "
                        f"ip daddr {SERVER4} {self.counted} counter drop; }}; }}")
        return self

    def __exit__(self, *_):
        self.router.run("nft", "delete", "table", "inet", "swallowed", check=False)

    def packets(self):
        listed = self.router.run("nft", "-j", "list", "table", "inet", "swallowed").stdout
        rules = [item["rule"] for item in json.loads(listed)["nftables"] if "rule" in item]
        return next(part["counter"]["packets"] for part in rules[0]["expr"] if "counter" in part)


@pytest.mark.parametrize("how", ["daemon ended", "daemon killed", "driver killed"])
def test_what_failed_is_tried_last_after_a_restart(world, portcullis, how):
    """The first of two servers is dead: whoever is restarted dials the good one at once, and the dead one gets no packet.
    If the good one dies, the other has its turn again. Without the file, or with strange bytes in it, all begins anew."""
    gate = portcullis("udp", "tcp", extra=["server-poll-timeout 2"])
    kept = f"{gate.state}/servers"

    def dialled_anew(servers):
        was = gate.openvpns()
        if how == "driver killed":
            os.kill(gate.driver(), signal.SIGKILL)
        else:
            gate.kill(signal.SIGKILL if "killed" in how else signal.SIGTERM)
            wait_for(lambda: not gate.openvpns(), "openvpn has ended with its daemon")
            gate.start()
        wait_for(lambda: gate.openvpns() not in ([], was), lambda: gate.told("the next attempt"))
        gate.wait(gate="open", seconds=20)
        status = gate.status()
        assert (status["attempt"], status["remote"]["proto"]) == servers, gate.told(str(status))

    with Swallowed(world, "udp") as udp:
        gate.start().wait(gate="open", seconds=20)
        assert gate.status()["attempt"] == 2 and udp.packets() > 0, "control: the dead one was first"
        before = udp.packets()
        dialled_anew((1, "tcp"))
        dialled_anew((1, "tcp"))
        assert udp.packets() == before
        for spoil in (lambda: os.remove(kept), lambda: damage(kept)):
            gate.stop()
            spoil()
            gate.start().wait(gate="open", seconds=20)
            assert gate.status()["attempt"] == 2, gate.told("nothing is known of it")
    with Swallowed(world, "tcp") as tcp:
        dialled_anew((2, "udp"))
        assert tcp.packets() > 0
    assert gets_inside(world)


def damage(path):
    with open(path, "r+b") as file:
        file.seek(40)
        file.write(b"\xff" * 8)


# --- refused

def test_a_refusal_costs_one_login(world, portcullis, asked):
    """Refused: one log-in, and then a minute, whatever the network does; the reason is told. `up` tries at once."""
    asked("asked.reason", "too many sessions of this account")
    gate = portcullis("refusing", extra=("auth-user-pass",))
    give_credentials(gate, "alice")
    gate.start().wait(tunnel="waiting", gate="locked")
    status = gate.status()
    assert "too many sessions" in status["reason"] and "1 min" in status["reason"] and 50 < status["retry_in"] <= 60, status
    world.host.ip("link set eth0 down")
    world.host.ip("link set eth0 up", f"route add default via {ROUTER4}")
    assert gate.status()["tunnel"] == "waiting" and times_asked() == 1
    asked("asked.accept")
    assert gate.ctl("up").returncode == 0
    gate.wait(gate="open")
    assert times_asked() == 2 and gets_inside(world)


@pytest.mark.parametrize("victim", ["daemon", "driver"])
def test_a_refusal_outlives_a_restart(portcullis, asked, victim):
    """Whoever is killed: no other log-in before its time. Other credentials, or `up`, begin anew."""
    asked("asked.reason", "too many sessions of this account")
    gate = portcullis("refusing", extra=("auth-user-pass",))
    give_credentials(gate, "alice")
    gate.start().wait(tunnel="waiting")
    for _ in range(3):
        if victim == "daemon":
            gate.kill()
            gate.start()
        else:
            was = gate.driver()
            os.kill(was, signal.SIGKILL)
            wait_for(lambda was=was: gate.drivers() not in ([], [was]), lambda: gate.told("a new driver"))
        gate.wait(tunnel="waiting", gate="locked")
        status = gate.status()
        assert "too many sessions" in status["reason"] and 20 < status["retry_in"] <= 60, status
        assert times_asked() == 1, gate.told("a log-in too many")
    gate.kill()
    give_credentials(gate, "alice", "another horse")
    asked("asked.accept")
    gate.start().wait(gate="open")
    assert times_asked() == 2
    # What is past counts no more.
    gate.kill()
    gate.start().wait(gate="open")
    assert times_asked() == 3


def test_a_torn_record_is_none(portcullis, asked):
    """Strange bytes in its place: as if nothing had been refused."""
    asked("asked.accept")
    gate = portcullis("refusing", extra=("auth-user-pass",))
    give_credentials(gate, "alice")
    os.makedirs(gate.state, 0o700)
    with open(f"{gate.state}/refused", "wb") as file:
        file.write(b"refused1" + b"\xff" * 280)
    gate.start().wait(gate="open")
    assert times_asked() == 1


def test_another_server_accepts(world, portcullis, asked):
    """Refused by the first: the others are asked at once, each once."""
    asked("asked.reason", "full")
    gate = portcullis("refusing", "welcoming", extra=("auth-user-pass",))
    give_credentials(gate, "alice")
    gate.start().wait(gate="open")
    assert gate.status()["remote"]["address"] == SERVER6
    assert times_asked() == 1 and gate.status()["attempt"] == 2
    assert gets_inside(world)


@pytest.mark.parametrize("flags, seconds", [("[backoff 4,advance no]", 4), ("[backoff 3]", 3)])
def test_a_temporary_refusal(portcullis, asked, flags, seconds):
    """A server that says TEMP is given the time that it asks for, and asked again."""
    asked("asked.reason", f"TEMP{flags}:overloaded")
    gate = portcullis("refusing", extra=("auth-user-pass",))
    give_credentials(gate, "alice")
    gate.start().wait(tunnel="waiting")
    began = time.monotonic()
    assert "overloaded" in gate.status()["reason"], gate.status()
    asked("asked.accept")
    gate.wait(gate="open", seconds=20)
    assert seconds - 1.5 < time.monotonic() - began < seconds + 3 and times_asked() == 2


def test_our_certificate_has_expired(world, portcullis):
    """No server takes it: stopped, with the reason."""
    gate = portcullis("udp", profile=world.profile("udp", certificate="expired"))
    gate.start().wait(tunnel="stopped", gate="locked", seconds=15)
    assert "this machine's certificate has expired" in gate.status()["reason"], gate.status()


def test_our_certificate_is_revoked(world, portcullis):
    """The server turns it away, and openvpn sends no word of it: after the handshake's time the reason names it."""
    gate = portcullis("revoked", extra=("hand-window 10",))
    with gate.start().wait(tunnel="authenticating").watch() as watch:
        said = watch.until(tunnel={"leaving", "waiting"}, seconds=15)
    assert "revoked" in said["reason"] and said["gate"] != "open", said
    assert "certificate revoked" in world.told()
