"""Reload: what root has changed is read anew while traffic flows; on any error the old stays; nothing is dialled in vain."""
import os
import signal
import subprocess
import threading

import pytest

from netns import wait_for
from test_flow import gets_inside, gets_out, give_password
from world import HERE, NOBODY, ROOT, ROUTER4, ask_udp


def handshakes(*names):
    """How many clients these servers have let in so far."""
    count = 0
    for name in names:
        with open(f"{ROOT}/server-{name}.log", encoding="utf-8", errors="replace") as log:
            count += log.read().count("Peer Connection Initiated")
    return count


class Live:
    """A gate with an open tunnel, and what must not change at a reload that needs no redial."""

    def __init__(self, gate, *servers):
        self.gate, self.servers = gate, servers or ("udp",)
        gate.start_open()
        self.note()

    def note(self):
        self.openvpn, self.driver = self.gate.openvpn(), self.gate.driver()
        self.count = handshakes(*self.servers)
        return self

    def assert_untouched(self):
        assert (self.gate.openvpn(), self.gate.driver(), handshakes(*self.servers)) == (self.openvpn, self.driver, self.count)
        assert self.gate.status()["gate"] == "open"

    def wait_redialled(self):
        """One openvpn more, one handshake more."""
        wait_for(lambda: self.gate.openvpns() not in ([], [self.openvpn]), lambda: self.gate.told("dialled again"))
        self.gate.wait(gate="open")
        assert handshakes(*self.servers) == self.count + 1
        return self.note()


def reload(gate, code=0):
    done = gate.ctl("reload")
    assert done.returncode == code, done
    return done.stdout + done.stderr


def notice(gate):
    return gate.status()["reason"] or ""


@pytest.fixture
def neighbour(world):
    """Does the router's echo answer on the local network?"""
    echo = world.rtr.popen("/usr/bin/python3", f"{HERE}/echo.py", ROUTER4, "5300", stdout=subprocess.PIPE, text=True)
    assert echo.stdout.readline() == "ready\n"
    yield lambda: world.host.call(ask_udp, ROUTER4, 5300, b"LOCAL", 0.5, uid=NOBODY) == b"LOCAL"
    echo.kill()
    echo.wait()


def test_nothing_has_changed(world, portcullis):
    """Neither a reload nor the same profile written again touches the tunnel."""
    live = Live(portcullis())
    gate = live.gate
    with world.wire("udp") as wire:
        assert "nothing has changed" in reload(gate)
        gate.process.send_signal(signal.SIGHUP)
        wait_for(lambda: gate.log().count("reload: nothing has changed") >= 2, lambda: gate.told("SIGHUP"))
        gate.write(world.profile("udp", extra=("# the same but for this",)))
        reload(gate)
        live.assert_untouched()
        assert gets_inside(world)
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_what_applies_at_once(world, portcullis, neighbour):
    """lan flips the rules both ways under a live tunnel; the log's level is another; the tunnel is not touched."""
    live = Live(portcullis())
    gate = live.gate
    with world.wire("udp") as wire:
        assert not neighbour()
        wire.assert_clean()
    gate.configure(lan="true", log=f'{{ file = "{gate.log_file}" level = "info" size = "1M" }}')
    said = reload(gate)
    assert "lan" in said and "log.level" in said, said
    assert neighbour(), gate.told("lan = true")
    gate.configure(lan="false")
    with world.wire("udp") as wire:
        assert "lan" in reload(gate)
        assert not neighbour(), gate.told("lan = false")
        assert not gets_out(world, wire)
        wire.assert_clean()
    gate.assert_loaded()
    live.assert_untouched()
    assert gets_inside(world)


def test_another_option_is_dialled_at_once(world, portcullis):
    """The profile's options have changed: the tunnel is shut, dialled once, and opens; nothing gets out meanwhile. The
    file alone is enough, without a command; so are openvpn's arguments, with one."""
    live = Live(portcullis())
    gate = live.gate
    with world.wire("udp") as wire:
        with gate.watch() as watch:
            gate.write(world.profile("udp", extra=("reneg-sec 7200",)))
            watch.until(gate={"dialling", "locked"})
            live.wait_redialled()
        gate.configure(openvpn='{ arguments = { "--sndbuf", "100000" } }')
        assert "openvpn.arguments" in reload(gate)
        live.wait_redialled()
        assert gets_inside(world)
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_other_servers(world, portcullis):
    """A server more: nothing happens until the next attempt, which knows it. The one in use is taken away: dialled again."""
    world.server("tcp")
    live = Live(portcullis("udp"), "udp", "tcp")
    gate = live.gate
    with world.wire("udp", "tcp") as wire:
        gate.write(world.profile("udp", "tcp"))
        assert "next attempt" in reload(gate)
        live.assert_untouched()
        gate.write(world.profile("tcp"))
        reload(gate)
        live.wait_redialled()
        assert gate.status()["remote"]["proto"] == "tcp"
        assert gets_inside(world)
        wire.assert_clean()


def test_the_next_attempt_knows_the_new_server(world, portcullis):
    world.server("tcp")
    live = Live(portcullis("udp"), "udp", "tcp")
    gate = live.gate
    gate.write(world.profile("tcp", "udp"))
    assert "next attempt" in reload(gate)
    live.assert_untouched()
    before = live.driver
    gate.kill_openvpn()
    live.wait_redialled()
    assert live.driver != before, "the driver that dials is one that knows the new list"
    assert gate.status()["remote"]["proto"] == "tcp"


FIXED = {"interface": '"tun7"', "backend": '"auto"', "openvpn-user": "64005", "runtime-dir": '"/run/e2e/other"'}


@pytest.mark.parametrize("key", FIXED)
def test_what_needs_a_restart(world, portcullis, neighbour, key):
    """It is named, with the command; and what could have been taken is not taken either."""
    live = Live(portcullis())
    gate = live.gate
    gate.configure(lan="true", **{key: FIXED[key]})
    said = reload(gate, 1)
    assert key in said and "restart portcullis" in said and "lan" not in said.split("instead")[0], said
    assert key in notice(gate)
    with world.wire("udp") as wire:
        assert not neighbour()
        wire.assert_clean()
    live.assert_untouched()
    assert gate.stop() == 0


def break_it(gate, world, how):
    """Returns what undoes it."""
    good = world.profile("udp")
    if how == "syntax":
        gate.configure(lan="maybe")
        return lambda: gate.configure(lan="false")
    if how == "no binary":
        gate.configure(openvpn='{ binary = "/nonexistent" }')
        return lambda: gate.configure(openvpn=None)
    if how == "plugin":
        gate.write("plugin /x.so\n" + good)
    elif how == "half":
        gate.write(good[:len(good) // 2])
    elif how == "empty":
        gate.write("")
    elif how == "open":
        os.chmod(gate.profile, 0o666)
    elif how == "other owner":
        os.chown(gate.profile, NOBODY, NOBODY)
    elif how == "link":
        os.rename(gate.profile, gate.profile + ".real")
        os.symlink(gate.profile + ".real", gate.profile)
    elif how == "folder":
        os.unlink(gate.profile)
        os.mkdir(gate.profile)
    elif how == "fifo":
        os.unlink(gate.profile)
        os.mkfifo(gate.profile)
    else:
        os.unlink(gate.profile)

    def undo():
        if os.path.isdir(gate.profile):
            os.rmdir(gate.profile)
        with open(gate.profile + ".new", "w", encoding="ascii") as file:
            file.write(good)
        os.chmod(gate.profile + ".new", 0o600)
        os.rename(gate.profile + ".new", gate.profile)
    return undo


BROKEN = ["syntax", "no binary", "plugin", "half", "empty", "open", "other owner", "link", "folder", "fifo", "missing"]


def test_on_an_error_the_old_stays(world, portcullis, sampled):
    """By command and by the file alone: refused with the reason, in the answer, the log and the status, until it is right
    again. The tunnel goes on."""
    live = Live(portcullis())
    gate = live.gate
    with world.wire("udp") as wire:
        for how in sampled(BROKEN, 6):
            undo = break_it(gate, world, how)
            said = reload(gate, 1)
            assert len(said.strip().splitlines()) == 1, (how, said)
            gate.wait(gate="open")
            assert "not in use" in notice(gate), (how, notice(gate))
            live.assert_untouched()
            undo()
            if how in ("syntax", "no binary"):
                reload(gate)
            wait_for(lambda: "not in use" not in notice(gate), lambda: gate.told(how))  # pylint: disable=cell-var-from-loop
        live.assert_untouched()
        assert gets_inside(world)
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_a_file_alone_is_noticed(world, portcullis):
    """Half written, then whole: refused once, then taken. Removed with its folder, and put back."""
    live = Live(portcullis())
    gate = live.gate
    folder = f"{gate.directory}/profiles"
    os.mkdir(folder, 0o755)
    os.rename(gate.profile, f"{folder}/home.ovpn")
    gate.configure(profile=f'"{folder}/home.ovpn"')
    assert "profile" in reload(gate)
    live.assert_untouched()
    good = world.profile("udp", extra=("reneg-sec 7300",))
    with open(f"{folder}/home.ovpn", "w", encoding="ascii") as file:
        file.write(good[:-300])
        file.flush()
        wait_for(lambda: "not in use" in notice(gate), lambda: gate.told("half of it"))
        with open(gate.log_file, encoding="utf-8") as log:
            assert log.read().count("not read again") == 1
        live.assert_untouched()
        file.write(good[-300:])
    live.wait_redialled()
    assert "not in use" not in notice(gate)
    os.rename(folder, folder + ".away")
    wait_for(lambda: "not in use" in notice(gate), lambda: gate.told("the folder is away"))
    live.assert_untouched()
    os.mkdir(folder, 0o755)
    with open(f"{folder}/home.ovpn", "w", encoding="ascii") as file:
        file.write(world.profile("udp", extra=("reneg-sec 7400",)))
    os.chmod(f"{folder}/home.ovpn", 0o600)
    live.wait_redialled()


def wait_refused(gate):
    wait_for(lambda: "credentials were refused" in notice(gate), lambda: gate.told("refused"), 20)
    assert gate.status()["gate"] == "locked"


def test_a_refused_tunnel_tries_again(world, portcullis):
    """The password file is replaced, or written in place: no command is needed. One that others may read is not taken."""
    gate = portcullis("password", extra=("auth-user-pass",))
    secret = f"{gate.directory}/password"
    give_password(gate, "wrong horse")
    wait_refused(gate.start())
    os.chmod(secret, 0o644)
    wait_for(lambda: "not in use" in notice(gate), lambda: gate.told("others may read it"))
    assert gate.status()["gate"] == "locked"
    with open(secret + ".new", "w", encoding="ascii") as file:
        file.write("right horse\n")
    os.chmod(secret + ".new", 0o600)
    os.rename(secret + ".new", secret)
    gate.wait(gate="open")
    count, openvpn = handshakes("password"), gate.openvpn()
    with open(secret, "w", encoding="ascii") as file:
        file.write("wrong horse\n")
    wait_for(lambda: "next attempt" in gate.log(), lambda: gate.told("a password for later"))
    assert (handshakes("password"), gate.openvpn()) == (count, openvpn)
    gate.kill_openvpn()
    wait_refused(gate)
    with open(secret, "w", encoding="ascii") as file:
        file.write("right horse\n")
    gate.wait(gate="open")


def test_nobody_slips_a_profile_in(world, portcullis):
    """Somebody exchanges the profile as fast as they can, for a link, for one of another owner and for one with a plugin,
    while root reloads: only the good one ever dials, and the gate never opens to anything else."""
    live = Live(portcullis())
    gate = live.gate
    good, evil = world.profile("udp"), "remote 198.51.100.80 1194 udp\n" + world.profile("udp")
    for name, text, owner in (("good", good, 0), ("evil", evil, NOBODY), ("plugin", "plugin /x.so\n" + good, 0)):
        with open(f"{gate.directory}/{name}", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(f"{gate.directory}/{name}", 0o600)
        os.chown(f"{gate.directory}/{name}", owner, owner)
    over = threading.Event()

    def exchange():
        number = 0
        while not over.is_set():
            number += 1
            kind = ("good", "evil", "plugin", "link")[number % 4]
            fresh = f"{gate.directory}/fresh"
            if kind == "link":
                os.symlink(f"{gate.directory}/evil", fresh)
            else:
                os.link(f"{gate.directory}/{kind}", fresh)
            os.rename(fresh, gate.profile)
            if os.path.lexists(fresh):
                os.unlink(fresh)
    thread = threading.Thread(target=exchange)
    with world.wire("udp") as wire:
        thread.start()
        try:
            codes = {gate.ctl("reload").returncode for _ in range(60)}
        finally:
            over.set()
            thread.join()
        assert 1 in codes, "control: some were refused"
        live.assert_untouched()
        assert not gets_out(world, wire)
        wire.assert_clean()


def test_shut_off_and_paused(world, portcullis):
    """Without a tunnel a reload takes what it can, and opens nothing; off and paused stay what they are."""
    gate = portcullis().start_open()
    gate.ctl("down", "--wait", check=True)
    gate.configure(lan="true")
    reload(gate)
    gate.write(world.profile("udp", extra=("reneg-sec 7200",)))
    assert gate.status()["gate"] == "locked" and not gate.openvpns()
    gate.ctl("off", check=True)
    gate.configure(lan="false")
    reload(gate)
    assert gate.status()["gate"] == "off" and gate.kernel_gate() == "none"
    gate.ctl("up", "--wait", check=True)
    with world.wire("udp") as wire:
        assert not world.host.call(ask_udp, ROUTER4, 5300, b"LOCAL", 0.3, uid=NOBODY)
        wire.assert_clean()


def test_an_unconfirmed_machine_is_told_of(world, portcullis):
    """enable --confirm leaves a file: the status and the log say when it is taken back, and that it is confirmed. The
    daemon does nothing by it: no packet passes, whatever the time is."""
    mark = "/var/lib/portcullis/unconfirmed"
    gate = portcullis()
    os.makedirs(os.path.dirname(mark), 0o700, exist_ok=True)
    with world.wire("udp") as wire:
        try:
            with open(mark, "w", encoding="ascii") as file:
                file.write("1\n")
            gate.start_open()
            assert "NOT CONFIRMED: enable is taken back at 1970-01-01" in notice(gate)
            assert not gets_out(world, wire), "long over: it is not the daemon that takes it back"
            count = handshakes("udp")
            os.unlink(mark)
            wait_for(lambda: "NOT CONFIRMED" not in notice(gate), lambda: gate.told("confirmed"))
            with open(mark, "w", encoding="ascii") as file:
                file.write("4000000000\n")
            wait_for(lambda: "NOT CONFIRMED" in notice(gate), lambda: gate.told("not confirmed"))
            assert handshakes("udp") == count and gets_inside(world)
        finally:
            os.unlink(mark)
        wire.assert_clean()
