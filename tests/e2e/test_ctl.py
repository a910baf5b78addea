"""The command line against a control socket of the test's own: exit codes, how long it waits, hostile answers."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

import pytest

from daemon import ADMIN_REQUEST, BUILD, WIRE_VERSION
from listener import Listener

PORTCULLIS = os.path.join(BUILD, "portcullis")
KEYS = {"version", "gate", "tunnel", "reason", "since", "profile", "remote", "interface", "addresses", "dns", "bytes", "question", "url",
        "blocked", "attempt", "retry_in", "boot_locked_at"}
NOTHING = {**dict.fromkeys(KEYS), "remote": dict.fromkeys(["host", "address", "port", "proto"]),
           "bytes": dict.fromkeys(["in", "out"]), "blocked": {"packets": None}}
UP, DOWN, RECONNECT, PAUSE, RESUME, OFF = range(1, 7)
GATES = ["locked", "dialling", "open", "paused", "off", "unprotected"]


def repr_short(value):
    return repr(value)[:20]


def status(gate, tunnel="connected", **more):
    return {**dict.fromkeys(KEYS), "gate": gate, "tunnel": tunnel, "since": "2026-11-23T11:22:33Z", **more}


def line(value):
    return json.dumps(value).encode() + b"\n"


class Server:
    """Answers in the daemon's place, by `handle(server, connection)`. `seen` has the requests."""

    def __init__(self, path, handle):
        self.handle, self.seen = handle, []
        self.listener = Listener(path, lambda connection: self.handle(self, connection))

    def question(self, connection):
        with connection.makefile("rb") as stream:
            self.seen.append(json.loads(stream.readline()))
        return self.seen[-1]

    def close(self):
        self.listener.close()
        os.unlink(self.listener.path)


@pytest.fixture
def serve(tmp_path):
    servers = []

    def make(handle, name="control.sock"):
        servers.append(Server(tmp_path / name, handle))
        return servers[-1]
    yield make
    for server in servers:
        server.listener.close()


@pytest.fixture
def run(tmp_path):
    def call(*words, environment=None, user=None):
        return subprocess.run([PORTCULLIS, "-s", str(tmp_path / "control.sock"), *words], timeout=20, text=True,
                              capture_output=True, check=False, user=user, env={**os.environ, **(environment or {})})
    return call


def answers(*values):
    """A server that answers each request with the same lines."""
    def handle(server, connection):
        server.question(connection)
        for value in values:
            connection.sendall(value if isinstance(value, bytes) else line(value))
    return handle


def one_line(text):
    assert text.count("\n") == 1 and text.endswith("\n"), text
    return text


@pytest.mark.parametrize("gate,code", [("open", 0), ("locked", 3), ("dialling", 3), ("paused", 5), ("off", 5),
                                       ("unprotected", 6)])
def test_status_says_the_gate(serve, run, gate, code):
    server = serve(answers(status(gate, new_key=1)))
    human, machine = run("status"), run("status", "--json")
    assert server.seen == [{"command": "status"}] * 2
    assert human.returncode == machine.returncode == code
    assert human.stdout.startswith(f"gate       {gate}: ") and "\033" not in human.stdout
    assert json.loads(one_line(machine.stdout)) == status(gate, new_key=1)


def test_status_without_a_daemon(run, tmp_path):
    human, machine = run("status"), run("status", "--json")
    assert human.returncode == machine.returncode == 4
    assert "no portcullisd answers" in one_line(human.stderr) and human.stdout == ""
    assert json.loads(one_line(machine.stdout)) == NOTHING
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "control.sock"))
    stale.close()
    assert run("status").returncode == 4
    for command in (["up"], ["down", "--wait"], ["watch"], ["log"], ["pause", "5m"], ["off"]):
        assert run(*command).returncode == 4, command


def test_status_waits_for_the_daemon_and_its_driver(serve, run, tmp_path):
    """As at boot: first there is no daemon, then a gate whose driver does not answer, then both."""
    path = str(tmp_path / "control.sock")
    with subprocess.Popen([PORTCULLIS, "-s", path, "status", "--wait=15s"], text=True, stdout=subprocess.PIPE) as waiting:
        with socket.socket(socket.AF_UNIX) as gate:
            gate.settimeout(10)
            gate.bind(path)
            gate.listen(8)
            first, second = gate.accept()[0], gate.accept()[0]  # the client has given up its first request
            assert waiting.poll() is None
            os.unlink(path)
            serve(answers(status("dialling"), status("open")))
            first.close()
            second.close()
        told = waiting.communicate(timeout=10)[0]
    assert waiting.returncode == 0 and told.startswith("gate       open: ")
    os.unlink(path)
    nobody = run("status", "--wait=1s")
    assert nobody.returncode == 4 and "no portcullisd answers" in one_line(nobody.stderr)


@pytest.mark.parametrize("answer", [b"hello\n", b"[1]\n", b"{}\n", b'{"gate": 7}\n', b"\n", b"\0\n", b'{"gate": "open"\n',
                                    b"x" * 200000 + b"\n"], ids=repr_short)
def test_garbage_is_one_clear_line(serve, run, answer):
    serve(answers(answer))
    human, machine = run("status"), run("status", "--json")
    assert human.returncode == machine.returncode == 1
    one_line(human.stderr)
    assert json.loads(one_line(machine.stdout))["gate"] is None
    assert json.loads(machine.stdout).keys() == KEYS


def test_an_error_is_told(serve, run):
    serve(answers({"error": "not for you\u001b[2J"}))
    result = run("status")
    assert result.returncode == 1
    assert one_line(result.stderr) == "portcullis: status: not for you\\xc2\\x9b\n".replace(
        "\\xc2\\x9b", "\\x1b[2J")


def test_a_hostile_status_can_not_steer_the_terminal(serve, run):
    serve(answers(status("open", reason="\u001b[2J\nfoo")))
    assert "\\x1b[2J\\x0afoo" in run("status").stdout


def test_a_respawn_is_waited_for(serve, run):
    """The driver exits twice without a word; the third one answers."""
    lives = []

    def handle(server, connection):
        server.question(connection)
        lives.append(1)
        if len(lives) > 2:
            connection.sendall(line(status("open")))
    serve(handle)
    assert run("status").returncode == 0
    assert len(lives) == 3


def test_a_slow_answer_is_waited_for(serve, run):
    """The listening socket survives a respawn; for a while nobody accepts."""
    release = threading.Event()

    def handle(server, connection):
        server.question(connection)
        release.wait(10)
        text = line(status("open"))
        connection.sendall(text[:10])
        connection.sendall(text[10:])
    serve(handle)
    began = time.monotonic()
    threading.Timer(0.7, release.set).start()
    assert run("status").returncode == 0
    assert time.monotonic() - began >= 0.7


def test_no_answer_ends_after_two_seconds(serve, run):
    serve(lambda server, connection: threading.Event().wait(20))
    began = time.monotonic()
    result = run("status", "--json")
    assert 1.9 <= time.monotonic() - began < 6
    assert result.returncode == 1 and "its driver does not answer (the gate is shut, " \
        "unless it was paused, off or unprotected" in one_line(result.stderr)
    assert json.loads(result.stdout)["gate"] is None
    assert "does not answer" in json.loads(result.stdout)["reason"]


def test_nobody_of_this_group_may_ask(serve, run, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    serve(answers(status("open")))
    for directory in (tmp_path, *tmp_path.parents):
        if str(directory).startswith(os.environ.get("TMPDIR", "/tmp")):
            os.chmod(directory, 0o755)
    os.chmod(tmp_path / "control.sock", 0o600)
    assert run("status").returncode == 0
    result = run("status", user=4009)
    assert result.returncode == 1 and "you may not use" in one_line(result.stderr)


def test_watch_prints_every_change(serve, run):
    """It prints the changes that one driver reports, then those of the next driver, until the daemon exits."""
    lives = []

    def handle(server, connection):
        server.question(connection)
        lives.append(1)
        if len(lives) == 1:
            connection.sendall(line(status("locked", "resolving")) + line(status("dialling", "connecting")))
        else:
            connection.sendall(line(status("open")))
            server.close()
    server = serve(handle)
    result = run("watch", "--json")
    assert result.returncode == 4
    assert [json.loads(text)["gate"] for text in result.stdout.splitlines()] == ["locked", "dialling", "open", None]
    assert server.seen == [{"command": "watch"}] * 2


def test_watch_in_words(serve, run):
    def handle(server, connection):
        server.question(connection)
        connection.sendall(line(status("open", reason="hello")))
        server.close()
    serve(handle)
    result = run("watch")
    assert result.stdout == "2026-11-23T11:22:33Z  open  connected  hello\n"
    assert result.returncode == 4


def test_log(serve, run):
    server = serve(answers({"line": "a"}, {"line": "b\u001b"}, {"end": True}))
    result = run("log", "-n", "2")
    assert (result.returncode, result.stdout) == (0, "a\nb\\x1b\n")
    assert server.seen == [{"command": "log", "lines": 2, "follow": False}]
    assert run("log", "-n", "x").returncode == 1


def test_log_follow_goes_on(serve, run):
    def handle(server, connection):
        question = server.question(connection)
        assert question["follow"] is True
        connection.sendall(line({"line": "old"}) + line({"end": True}) + line({"line": "new"}))
        server.close()
    serve(handle)
    result = run("log", "-f")
    assert result.stdout == "old\nnew\n"
    assert result.returncode == 4


def admin_socket(seen, gate="locked", refused="", version=WIRE_VERSION, after=None):
    """gate.sock: one request of fixed size, one answer."""
    def handle(_, connection):
        request = connection.recv(struct.calcsize(ADMIN_REQUEST), socket.MSG_WAITALL)
        seen.append(struct.unpack(ADMIN_REQUEST, request))
        connection.sendall(struct.pack("=IIII240s", version, 1 if refused else 0, GATES.index(gate), 0,
                                       refused.encode()))
        if after:
            after()
    return handle


@pytest.mark.parametrize("words,want", [
    (["up"], (WIRE_VERSION, UP, 0, 0)), (["down"], (WIRE_VERSION, DOWN, 0, 0)), (["reconnect"], (WIRE_VERSION, RECONNECT, 0, 0)),
    (["resume"], (WIRE_VERSION, RESUME, 0, 0))])
def test_the_gate_is_asked_on_the_admin_socket(serve, run, words, want):
    seen = []
    serve(admin_socket(seen), "gate.sock")
    began = time.monotonic()
    result = run(*words)
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - began < 1.9, "not after the limit of an answer"
    assert seen == [want]
    assert "accepted; the gate is locked" in one_line(result.stdout)


@pytest.mark.parametrize("words,want,gate", [
    (["pause", "15m"], (WIRE_VERSION, PAUSE, 900, 0), "paused"), (["pause", "90s"], (WIRE_VERSION, PAUSE, 90, 0), "paused"),
    (["off"], (WIRE_VERSION, OFF, 0, 0), "off"), (["off", "--persist"], (WIRE_VERSION, OFF, 0, 1), "off")])
def test_pause_and_off_return_when_done(serve, run, words, want, gate):
    """openvpn exits first, so the command returns only when traffic really passes in the clear."""
    seen, machine = [], Machine(status("open", "leaving"))
    serve(machine.handle)
    serve(admin_socket(seen, gate="open"), "gate.sock")
    threading.Timer(0.5, lambda: machine.say(status("locked", "leaving"), status(gate, "down"))).start()
    result = run(*words)
    assert result.returncode == 0, result.stderr
    assert seen == [want]
    assert f"  {gate}  down" in result.stdout.splitlines()[-1]


def test_a_refusal_is_told(serve, run):
    serve(admin_socket([], refused="the gate is off\n"), "gate.sock")
    result = run("pause", "5m")
    assert result.returncode == 1 and "the gate is off" in result.stderr


def test_another_version_is_told(serve, run):
    serve(admin_socket([], version=99), "gate.sock")
    assert "different versions" in one_line(run("up").stderr)


def test_another_version_with_shorter_answers_is_told(serve, run):
    def handle(_, connection):
        connection.recv(16, socket.MSG_WAITALL)
        connection.sendall(struct.pack("=II", 99, 0))
    serve(handle, "gate.sock")
    assert "different versions" in one_line(run("up").stderr)


def test_an_admin_socket_that_closes_or_is_silent(serve, run):
    server = serve(lambda _, connection: None, "gate.sock")
    result = run("up")
    assert result.returncode == 1
    one_line(result.stderr)
    server.close()
    serve(lambda _, connection: threading.Event().wait(20), "gate.sock")
    result = run("down")
    assert result.returncode == 1 and "off --offline" in one_line(result.stderr)


class Machine:
    """A control socket that sends its watchers what `say` is given."""

    def __init__(self, first):
        self.now, self.watchers, self.lock = first, [], threading.Lock()

    def handle(self, server, connection):
        server.question(connection)
        with self.lock:
            connection.sendall(line(self.now))
            self.watchers.append(connection)
        threading.Event().wait(20)

    def say(self, *states):
        with self.lock:
            for self.now in states:
                for watcher in self.watchers:
                    with contextlib.suppress(BrokenPipeError):  # a watcher that has left
                        watcher.sendall(line(self.now))


def test_wait_for_up(serve, run):
    machine, seen = Machine(status("locked", "down")), []
    serve(machine.handle)
    serve(admin_socket(seen, after=lambda: machine.say(status("dialling", "connecting"), status("open"))), "gate.sock")
    result = run("up", "--wait")
    assert result.returncode == 0 and " open  connected" in result.stdout.splitlines()[-1]
    machine.say(status("open"))
    assert run("up", "--wait").returncode == 0  # it is open already


def test_wait_for_up_with_bad_credentials(serve, run):
    machine = Machine(status("locked", "stopped"))
    serve(machine.handle)
    serve(admin_socket([], after=lambda: machine.say(status("dialling", "authenticating"),
                                             status("locked", "stopped", reason="auth failed"))), "gate.sock")
    result = run("up", "--wait")
    assert result.returncode == 3 and "auth failed" in one_line(result.stderr)


def test_wait_for_reconnect_needs_a_change(serve, run):
    machine = Machine(status("open"))
    serve(machine.handle)
    serve(admin_socket([], after=lambda: machine.say(status("open", blocked={"packets": 1}))), "gate.sock")
    result = run("reconnect", "--wait=1s")
    assert result.returncode == 1 and "not complete in the given time" in one_line(result.stderr)


def test_wait_for_reconnect(serve, run):
    machine = Machine(status("open"))
    serve(machine.handle)
    serve(admin_socket([], after=lambda: machine.say(status("locked", "leaving"), status("open", attempt=2))), "gate.sock")
    assert run("reconnect", "--wait").returncode == 0


def test_wait_for_down(serve, run):
    machine = Machine(status("open"))
    serve(machine.handle)
    serve(admin_socket([], after=lambda: machine.say(status("locked", "leaving"), status("locked", "down"))), "gate.sock")
    result = run("down", "--wait")
    assert result.returncode == 0 and result.stdout.splitlines()[-1].endswith("locked  down")


@pytest.mark.parametrize("words,hint", [
    (["stauts"], "did you mean status"), (["wathc"], "did you mean watch"), (["frobnicate"], "portcullis help"),
    (["status", "--jsn"], "did you mean --json"), (["status", "more"], "portcullis status --help"),
    (["pause"], "portcullis pause 15m"), (["pause", "5x"], "a number followed by s, m, h or d"),
    (["pause", "5m", "6m"], "one argument too many"), (["rules", "--backend", "ntf"], "did you mean nft"),
    (["rules", "--tunnel-index", "0"], "as `ip link` shows it"), (["import"], "portcullis import FILE.ovpn"),
    (["import", "--tunnelblick", "x"], "import one that it lists"),
    (["rules", "--state", "dialling", "--remote", "host:1/udp"], "with a numeric address"),
    (["-q"], "portcullis help")])
def test_mistakes_are_one_line_with_a_hint(run, words, hint):
    result = run(*words)
    assert result.returncode == 1 and result.stdout == ""
    assert hint in one_line(result.stderr)


def test_help_and_version(run):
    commands = [text.split()[0] for text in run("help").stdout.splitlines() if text.startswith("  ")]
    for command in [each for each in commands if not each.startswith("-") and each != "help"]:
        by_option, by_word = run(command, "--help"), run("help", command)
        assert by_option.returncode == by_word.returncode == 0
        assert by_option.stdout == by_word.stdout
        assert by_option.stdout.startswith(f"usage: portcullis [-s SOCKET] {command}")
    assert run("--version").stdout.startswith("portcullis ")
    assert subprocess.run([PORTCULLIS], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("backend", ["nft", "pf", "ipfw"])
def test_rules_need_nobody(run, backend):
    for words in ([], ["--state", "dialling", "--remote", "198.51.100.7:1194/udp"],
                  ["--state", "open", "--remote", "[2001:db8::7]:443/tcp"]):
        result = run("rules", "--backend", backend, "--link", "eth0", *words, user=4009)
        assert result.returncode == 0, result.stderr
        assert result.stdout.endswith("\n")
        assert "_openvpn" in result.stdout or not words or backend == "nft"


@pytest.mark.parametrize("backend", ["nft", "pf", "ipfw"])
@pytest.mark.parametrize("state", ["dialling", "open"])
def test_rules_without_a_server(run, backend, state):
    """Rules are printed even if no server is known, for an address that belongs to nobody; stderr and the text say
    so."""
    result, given = (run("rules", "--backend", backend, "--state", state, "--link", "eth0", *more)
                     for more in ([], ["--remote", "192.0.2.1:1194/udp"]))
    note = "# no --remote is given: 192.0.2.1:1194/udp is used in place of your server\n"
    assert result.returncode == given.returncode == 0
    assert result.stdout == note + given.stdout and "192.0.2.1" in given.stdout
    assert "no --remote is given" in result.stderr and "no --remote" not in given.stderr
    assert note not in run("rules", "--backend", backend).stdout


def test_the_tunnel_by_its_number(run):
    """The router may not have the interface yet; then nft can't look up its name."""
    words = ("rules", "--state", "open", "--remote", "192.0.2.1:1194/udp")
    assert 'elements = { "tun0" . "tun" }' in run(*words).stdout
    by_number = run(*words, "--tunnel-index", "7").stdout
    assert 'elements = { 7 . "tun" }' in by_number and '"tun0"' not in by_number


def test_unknown_users_are_printed_by_name(run):
    result = run("rules", "--state", "dialling", "--remote", "198.51.100.7:1194/udp", "--group", "no-such-group-x")
    assert result.returncode == 0 and "no-such-group-x" in result.stdout
    result = run("rules", "--state", "dialling", "--remote", "198.51.100.7:1194/udp", "--group", "4711")
    assert "4711" in result.stdout
    assert run("rules", "--group", "a;b").returncode == 1


def test_offline_is_roots(run):
    result = run("off", "--offline", user=4009)
    assert result.returncode == 1 and "only root may" in one_line(result.stderr)


def test_check_says_what_the_configured_profile_loses(run, tmp_path):
    profile, configuration = tmp_path / "home: fine, 1.ovpn", tmp_path / "p.conf"
    profile.write_text("client\nremote 192.0.2.1 1194 udp\nup /x.sh\n", encoding="ascii")
    configuration.write_text(f'user = 4001\nopenvpn-user = 4003\nopenvpn-group = 4002\nprofile = "{profile}"\n', encoding="ascii")
    result = run("check", "-c", str(configuration))
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"{configuration}: fine", f"{profile}: fine, 1 addresses to dial"]
    assert lines[-1] == "remote 192.0.2.1 port 1194/udp: 192.0.2.1"
    assert f"{profile}:3: note: up: scripts are never run" in result.stderr
    profile.write_text("client\nremote 192.0.2.1\nplugin /x.so\n", encoding="ascii")
    result = run("check", "-c", str(configuration))
    assert result.returncode == 1 and result.stdout == ""
    assert one_line(result.stderr) == f"{profile}:3: plugin: loads a shared object as root; instead: delete the line\n"
    configuration.write_text("lan = maybe\n", encoding="ascii")
    result = run("check", "-c", str(configuration))
    assert result.returncode == 1 and f"{configuration}:1: lan" in one_line(result.stderr)


MARKER = "/run/portcullis/off"


@pytest.fixture
def unmarked():
    """There is no marker of `off` before and after the test; /run is private to the tests."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(MARKER)
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(MARKER)


def test_off_that_fails_leaves_no_marker(run, unmarked):  # pylint: disable=unused-argument
    """If the rules can't be removed, no marker of `off` is written: the next start must lock."""
    words = [PORTCULLIS, "off", "--offline"]
    powerless = ["setpriv", "--bounding-set=-net_admin", *words]
    result = subprocess.run(powerless, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 1 and "only root may" in one_line(result.stderr)
    assert not os.path.exists(MARKER)
    assert run("off", "--offline").returncode == 0
    assert os.path.exists(MARKER), "control"
    assert subprocess.run(powerless, capture_output=True, check=False, timeout=20).returncode == 1
    assert os.path.exists(MARKER), "one that was there before stays"


def test_off_beside_rules_of_another(run, unmarked):  # pylint: disable=unused-argument
    """A table of our name that another program owns can't be removed, so there is no marker of `off`."""
    with subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as other:
        try:
            other.stdin.write("add table inet portcullis { flags owner; }\n")
            other.stdin.flush()
            deadline = time.monotonic() + 5
            while "portcullis" not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True,
                                                     check=True).stdout:
                assert time.monotonic() < deadline
            result = run("off", "--offline")
            assert result.returncode == 1 and result.stderr
            assert not os.path.exists(MARKER)
        finally:
            other.kill()
    assert run("off", "--offline").returncode == 0
    assert os.path.exists(MARKER), "control"


def test_colour_on_a_terminal_only(serve, tmp_path):
    serve(answers(status("open")))

    def on_terminal(environment):
        leader, follower = os.openpty()
        process = subprocess.Popen([PORTCULLIS, "-s", str(tmp_path / "control.sock"), "status"], stdout=follower,
                                   env={"TERM": "xterm", **environment})
        os.close(follower)
        text = b""
        while True:
            try:
                more = os.read(leader, 4096)
            except OSError:
                more = b""
            if not more:
                break
            text += more
        assert process.wait(10) == 0
        os.close(leader)
        return text
    assert b"\033[32mopen\033[0m" in on_terminal({})
    assert b"\033" not in on_terminal({"NO_COLOR": "1"})
    assert b"\033" not in on_terminal({"TERM": "dumb"})
