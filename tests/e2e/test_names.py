"""Names while shut: a real DNS over TLS server (Python's ssl and scapy's DNS), good and bad, and what leaves the machine
meanwhile."""
import ipaddress
import os
import re
import signal
import subprocess
import time

import pytest

from daemon import OPENVPN_USER, USER, quote
from netns import wait_for
from test_attacks import TOKEN
from test_flow import gets_inside
from world import HERE, INTERNET4, NOBODY, ROOT, SERVER4, connect_tcp, send_udp

RESOLVER, NAME, HOST = "203.0.113.53", "dns.example.net", "vpn.example.net"
WRONG = "203.0.113.99"  # nobody has it


def issue(name, authority, host, *, begin=None, end=None):
    """A certificate for `host`, signed by that authority of the world's keys."""
    keys = f"{ROOT}/keys"
    if os.path.exists(f"{keys}/{name}.crt"):
        return
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=keys, check=True, capture_output=True)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    with open(f"{keys}/{name}.cnf", "w", encoding="ascii") as file:
        file.write("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
                   "policy=p\nunique_subject=no\nrand_serial=yes\n[p]\ncommonName=supplied\n"
                   f"[e]\nsubjectAltName=DNS:{host}\nbasicConstraints=critical,CA:FALSE\n")
    open(f"{keys}/index.txt", "a", encoding="ascii").close()
    dates = ["-startdate", begin, "-enddate", end] if begin else ["-days", "2"]
    openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-extensions", "e", "-cert", f"{authority}.crt", "-keyfile",
            f"{authority}.key", "-in", f"{name}.csr", "-out", f"{name}.crt", *dates)


class Resolver:
    def __init__(self, world, mode="good", *names, certificate="dot", address=RESOLVER):
        self.log = open(f"{ROOT}/dot.log", "w+", encoding="utf-8")
        self.process = world.srv.popen("/usr/bin/python3", "-B", f"{HERE}/dot_server.py", address, f"{world.keys}/{certificate}.crt",
                                       f"{world.keys}/{certificate}.key", mode, *names, stdout=self.log, stderr=self.log)
        wait_for(lambda: "ready" in self.told(), self.told)

    def told(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def count(self, words):
        return self.told().count(words)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def resolver(world):
    """Starts resolvers; one at a time."""
    issue("dot", "ca", NAME)
    world.srv.ip(f"address replace {RESOLVER}/32 dev lo")
    world.rtr.ip(f"route replace {RESOLVER}/32 via {SERVER4}")
    running = []

    def start(*arguments, **more):
        for each in running:
            each.stop()
        running[:] = [Resolver(world, *arguments, **more)]
        return running[0]
    yield start
    for each in running:
        each.stop()
    world.srv.ip(f"address del {RESOLVER}/32 dev lo")


def by_name(world, *kept):
    """A profile with one server's name; `kept`: the addresses that an import has found."""
    text = world.profile("udp").replace(f"remote {SERVER4} ", f"remote {HOST} ")
    return "".join(f"#@address {HOST} {address}\n" for address in kept) + text


def settings(world, **more):
    values = {"address": RESOLVER, "name": NAME, "ca-file": f"{world.keys}/ca.crt"}
    values.update({key.replace("_", "-"): value for key, value in more.items()})
    return {"resolver": "{ " + " ".join(f"{key} = {quote(value)}" for key, value in values.items()) + " }"}


def make(world, portcullis, *kept, **more):
    return portcullis(profile=by_name(world, *kept), settings=settings(world, **more))


def is_shut_for_resolver(gate):
    return not gate.set_members("resolver4") and not gate.set_members("resolver6")


# --- the way that it is meant

def test_name_is_asked_for_and_the_hole_is_closed(world, portcullis, resolver):
    """Never resolved, and no address in the profile: the resolver is asked, the tunnel opens, and nothing else is on the
    wire. Without a resolver the same profile stays shut (the control)."""
    gate = portcullis(profile=by_name(world)).start().wait(gate="locked", tunnel="waiting")
    assert "no server of the profile has a known address" in gate.status()["reason"]
    gate.stop()
    dot = resolver("good", f"{HOST}={SERVER4}")
    with world.wire("udp") as wire:
        watch_resolver(wire)
        gate = make(world, portcullis).start_open()
        assert gate.status()["remote"] == {"host": HOST, "address": SERVER4, "port": 1194, "proto": "udp"}
        assert is_shut_for_resolver(gate), gate.rules()
        assert gets_inside(world)
        world.fence(wire)
        wire.assert_clean()
        asked = [f for f in wire.frames if f.dport == 853]
        assert asked and not any(HOST.encode() in f.raw or b"vpn\x07example" in f.raw for f in wire.frames)
    assert sorted(re.findall(rf"asked {HOST} (\w+)", dot.told())) == ["A", "AAAA"]


# --- each way wrong

BAD = {
    "another name": dict(certificate="dot-othername"),
    "expired": dict(certificate="dot-expired"),
    "not yet valid": dict(certificate="dot-future"),
    "unknown authority": dict(certificate="dot-stranger"),
    "no such name": dict(mode="nxdomain"),
    "fails": dict(mode="servfail"),
    "no answer to it": dict(mode="garbage"),
    "breaks off": dict(mode="reset"),
    "no TLS": dict(mode="plain"),
    "silent after TLS": dict(mode="silent"),
    "silent before TLS": dict(mode="mute"),
    "nobody listens": None,
    "black hole": "drop",
}
TOLD = {
    "another name": "hostname mismatch", "expired": "certificate has expired", "not yet valid": "certificate is not yet valid",
    "unknown authority": "unable to get local issuer certificate", "no such name": f"{HOST} does not exist, says the resolver",
    "fails": f"no answer for {HOST} (code 2)", "no answer to it": "sends what is no answer",
    "breaks off": "has broken off the connection", "no TLS": "has broken off the connection",
    "silent after TLS": "has not answered in 8 s", "silent before TLS": "has not answered in 8 s",
    "nobody listens": "can't be reached: Connection refused", "black hole": "can't be reached: Connection timed out",
}


def certificates():
    issue("dot-othername", "ca", "dns.example.com")
    issue("dot-expired", "ca", NAME, begin="20200101000000Z", end="20200102000000Z")
    issue("dot-future", "ca", NAME, begin="20490101000000Z", end="20490102000000Z")
    issue("dot-stranger", "other-ca", NAME)


def test_bad_resolver(world, portcullis, resolver, sampled):
    """Whatever is wrong with the resolver: one line says so, the hole is closed, nothing else leaves, and the tunnel opens
    by the address that the import has found."""
    certificates()
    for way in sampled(BAD, 4):
        bad = BAD[way]
        if isinstance(bad, dict):
            more = dict(bad)
            resolver(more.pop("mode", "good"), f"{HOST}={WRONG}", **more)
        elif bad == "drop":
            world.srv.nft("table inet hole { chain i { type filter hook input priority -10; tcp dport 853 drop; } }")
        with world.wire("udp") as wire:
            watch_resolver(wire)
            gate = make(world, portcullis, SERVER4).start().wait(gate="open", seconds=25)
            lines = [line for line in gate.log().splitlines() if " warn gate: names: " in line]
            assert lines and TOLD[way] in lines[0], f"{way}: {gate.log()}"
            assert gate.status()["remote"]["address"] == SERVER4, way
            assert is_shut_for_resolver(gate), gate.rules()
            world.fence(wire)
            wire.assert_clean()
        assert gate.stop() == 0
        if bad == "drop":
            world.srv.run("nft", "delete", "table", "inet", "hole")
        for each in (resolver("good"),):
            each.stop()
        world.fresh_host()


def watch_resolver(wire):
    """Packets to the resolver are no leak while names are asked for: who sent them is for the rows below."""
    wire.outer.add((ipaddress.ip_address(RESOLVER), 853, 6))


@pytest.mark.parametrize("mode", ["cname", "slow", "huge"])
def test_odd_but_good(world, portcullis, resolver, mode):
    """Aliases, bytes that come one by one, a message of almost 64 KiB."""
    resolver(mode, f"{HOST}={SERVER4}")
    gate = make(world, portcullis).start_open()
    assert gate.status()["remote"]["address"] == SERVER4


def test_bad_resolver_without_any_address(world, portcullis, resolver):
    """Shut, and the reason says what to do."""
    resolver("nxdomain")
    gate = make(world, portcullis).start().wait(gate="locked", tunnel="waiting")
    assert f"{HOST} does not exist, says the resolver; instead: check the profile's remote" in gate.status()["reason"]


def test_poisoned_answer(world, portcullis, resolver):
    """Addresses that no server can have are left out, and one that is somebody else's only makes its dial fail: then
    comes the import's. It is never kept."""
    text = world.profile("tcp").replace(f"remote {SERVER4} ", f"remote {HOST} ")
    resolver("good", f"{HOST}=127.0.0.1", f"{HOST}=224.0.0.1", f"{HOST}=::1", f"{HOST}={INTERNET4}")
    with world.wire("tcp") as wire:
        watch_resolver(wire)
        wire.outer.add((ipaddress.ip_address(INTERNET4), 1194, 6))
        gate = portcullis(profile=f"#@address {HOST} {SERVER4}\n" + text, settings=settings(world)).start_open()
        assert gate.log().count("it can't be a server's") >= 3, gate.log()
        assert f"dialling {INTERNET4}:1194/tcp" in gate.log() and gate.status()["remote"]["address"] == SERVER4
        world.fence(wire)
        wire.assert_clean()
        assert any(str(f.destination) == INTERNET4 for f in wire.frames), "control: it was dialled"
    with open(f"{gate.state}/addresses", encoding="ascii") as file:
        assert re.fullmatch(rf"{HOST} {SERVER4} \d+\n", file.read())


# --- what is kept, and learnt

def test_last_good_address(world, portcullis, resolver):
    """An address that a tunnel was open with is kept over a restart of the daemon, and dialled when the resolver says
    nothing. Without it the same start stays shut (the control)."""
    dot = resolver("good", f"{HOST}={SERVER4}")
    gate = make(world, portcullis).start_open()
    path = f"{gate.state}/addresses"
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(path).st_uid == 0
    assert gate.stop() == 0
    dot.stop()
    gate.start_open()
    assert gate.status()["remote"] == {"host": HOST, "address": SERVER4, "port": 1194, "proto": "udp"}
    assert gate.stop() == 0
    os.unlink(path)
    gate.start().wait(gate="locked", tunnel="waiting")


@pytest.mark.parametrize("bytes_", [b"", b"\0" * 300, b"vpn.example.net\n" * 10, b"vpn.example.net 127.0.0.1 5\n",
                                    b"other.example.net 203.0.113.10 5\n", b"vpn.example.net 203.0.113.10 x\n", b"x" * 40000])
def test_what_is_kept_is_broken(world, portcullis, bytes_):
    gate = make(world, portcullis)
    os.makedirs(gate.state, 0o700)
    with open(f"{gate.state}/addresses", "wb") as file:
        file.write(bytes_)
    gate.start().wait(gate="locked", tunnel="waiting")


def test_names_are_learnt_inside_the_tunnel(world, portcullis, resolver):
    """While open the resolver is asked again, through the tunnel: on the wire is no packet to it."""
    gate = make(world, portcullis, SERVER4).start_open()
    assert "can't be reached" in gate.log()
    dot = resolver("good", f"{HOST}={SERVER4}")
    with world.wire("udp") as wire:
        wait_for(lambda: f"asked {HOST} AAAA" in dot.told(), lambda: gate.told(dot.told()), 12)
        assert "from 10.8.0.2" in dot.told()
        assert gate.status()["gate"] == "open"
        world.fence(wire)
        wire.assert_clean()
        assert not wire.seen(lambda f: str(f.destination) == RESOLVER)


# --- row 5

def asking(gate):
    wait_for(lambda: gate.set_members("resolver4"), gate.told)
    return gate


def test_row_5_lets_only_the_driver_s_user_pass(world, portcullis, resolver):
    """While a name is asked for: from the driver's user, to that address, by TCP to that port, and nothing else."""
    resolver("mute")
    world.srv.ip("address replace 203.0.113.54/32 dev lo")
    world.rtr.ip(f"route replace 203.0.113.54/32 via {SERVER4}")
    gate = make(world, portcullis)
    with world.wire() as wire:
        asking(gate.start())
        assert gate.status()["gate"] == "dialling" and gate.status()["tunnel"] == "resolving"
        assert world.host.call(connect_tcp, RESOLVER, 853, uid=USER)[0] == 0, "control"
        for uid, address, port in ((NOBODY, RESOLVER, 853), (0, RESOLVER, 853), (OPENVPN_USER, RESOLVER, 853),
                                   (USER, RESOLVER, 443), (USER, RESOLVER, 53), (USER, "203.0.113.54", 853),
                                   (USER, INTERNET4, 853), (USER, SERVER4, 1194)):
            assert world.host.call(connect_tcp, address, port, b"", "eth0", 0, 0.3, uid=uid)[0] != 0, (uid, address, port)
        assert gate.set_members("resolver4"), "control: the hole was open all the time"
        for port in (853, 53):
            world.host.call(send_udp, RESOLVER, port, TOKEN, "eth0", uid=USER)
        world.fence(wire)
        wire.drain()
        assert wire.clear, "control: the driver's user was captured"
        for frame in wire.clear:
            assert (str(frame.destination), frame.dport, frame.proto) == (RESOLVER, 853, 6), frame


def test_row_5_is_closed_at_its_time(world, portcullis, resolver):
    """The kernel itself ends the hole: also if the gate has been stopped. And the gate says nothing passes any more."""
    resolver("mute")
    gate = asking(make(world, portcullis).start())
    os.kill(gate.pid, signal.SIGSTOP)
    for pid in gate.drivers():
        os.kill(pid, signal.SIGSTOP)
    try:
        assert world.host.call(connect_tcp, RESOLVER, 853, uid=USER)[0] == 0, "control"
        wait_for(lambda: is_shut_for_resolver(gate), gate.rules, 11)
        with world.wire() as wire:
            assert world.host.call(connect_tcp, RESOLVER, 853, b"", "eth0", 0, 0.3, uid=USER)[0] != 0
            world.fence(wire)
            wire.assert_clean()
    finally:
        for pid in [*gate.drivers(), gate.pid]:
            os.kill(pid, signal.SIGCONT)
    gate.wait(gate="locked")


def test_row_5_is_closed_after_the_answer(world, portcullis, resolver):
    resolver("nxdomain")
    gate = make(world, portcullis).start().wait(gate="locked", tunnel="waiting")
    assert is_shut_for_resolver(gate)
    with world.wire() as wire:
        assert world.host.call(connect_tcp, RESOLVER, 853, b"", "eth0", 0, 0.3, uid=USER)[0] != 0
        world.fence(wire)
        wire.assert_clean()
    gate.assert_loaded()


@pytest.mark.parametrize("command,shown", [("down", "locked"), ("pause", "paused"), ("off", "off")])
def test_root_s_command_while_a_name_is_asked_for(world, portcullis, resolver, command, shown):
    """It does not wait for the resolver, and whoever asks is ended."""
    resolver("mute")
    gate = asking(make(world, portcullis).start())
    began = time.monotonic()
    gate.ctl(command, *(["60s"] if command == "pause" else []), check=True)
    gate.wait(gate=shown)
    assert time.monotonic() - began < 2
    wait_for(lambda: len(gate.drivers()) == 1, lambda: str(gate.drivers()))
    if shown == "locked":
        assert is_shut_for_resolver(gate)
    assert gate.stop() == 0
    assert not gate.drivers()


def test_flushed_while_a_name_is_asked_for(world, portcullis, resolver):
    """Rules that are built anew do not open the hole again."""
    resolver("mute")
    gate = asking(make(world, portcullis).start())
    world.host.run("nft", "flush", "ruleset", check=False)
    for family in ("inet", "netdev", "bridge"):
        world.host.run("nft", "delete", "table", family, "portcullis", check=False)
    gate.wait(gate="locked")
    gate.assert_loaded()
    assert is_shut_for_resolver(gate)
