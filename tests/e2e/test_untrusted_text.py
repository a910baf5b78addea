"""Text from outside: what a profile and a server say about trust, floods of log lines, control characters, hostile
clients."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from netns import wait_for
from test_flow import gets_out
from wire import Endpoint
from world import ROOT, SERVER4, SERVERS, Server


def refused_for(gate, word):
    """The gate stays shut and the log says why."""
    gate.start()
    gate.wait(tunnel={"waiting", "stopped", "connecting"}, gate={"locked", "dialling"})
    with gate.watch() as watch:
        watch.until(tunnel="waiting")
    assert word in gate.log(), gate.told(word)
    assert gate.kernel_gate() != "open"


def test_field_that_names_the_server(world, portcullis):
    """verify-x509-name compares with the field that x509-username-field names: if that line were lost, a stranger's
    name would match."""
    extra = ["verify-x509-name server name"]
    gate = portcullis(extra=extra).start_open()  # control: the name alone matches
    assert gate.stop() == 0
    with world.wire("udp") as wire:
        gate.write(world.profile("udp", extra=[*extra, "x509-username-field emailAddress"]))
        refused_for(gate, "could not extract emailAddress")
        assert not gets_out(world, wire)


def test_server_that_does_not_encrypt(world, portcullis):
    """A keyword of OpenSSL's includes suites without encryption: the end of the list, which we add, takes them out
    again."""
    naked = ["--tls-version-max", "1.2", "--tls-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"]
    SERVERS.setdefault("naked", Server("naked", Endpoint(SERVER4, 1231, "udp"), 34, naked))
    bare = world.bare_vpn("naked", "--tls-cipher", "SHA1:@SECLEVEL=0", "--verb", "4")  # control: openvpn alone would accept it
    bare.kill()
    world.fresh_host()
    with world.wire("naked") as wire:
        gate = portcullis("naked", extra=["hand-window 1", "tls-cipher SHA1:@SECLEVEL=0"])
        refused_for(gate, "TLS")
        assert not gets_out(world, wire)
    done = gate.ctl("check", gate.profile)
    assert done.returncode == 0 and "weak cryptography" in done.stderr, done.stderr
    gate.write(world.profile("naked", extra=["tls-cipher COMPLEMENTOFALL:@SECLEVEL=0"]))
    done = gate.ctl("check", gate.profile)
    assert done.returncode == 1 and "known to encrypt" in done.stderr, done.stderr


LOOP = {
    "asks for credentials": ">PASSWORD:Need 'Auth' username/password",
    "fails": ">PASSWORD:Verification Failed: 'Auth'",
    "says much": ">LOG:1700000000,W,once more, and once more, and once more, and once more",
    "has no end of states": ">STATE:1700000000,AUTH,,,,,,\\r\\n>STATE:1700000000,GET_CONFIG,,,,,,",
    "comes again": None,
}
SIZE = 64 * 1024


def talker(what):
    """A program in openvpn's place that repeats one message without end, as fast as it is read."""
    path = f"{ROOT}/talker"
    loop = ("while True:\n    other = socket.socket(socket.AF_UNIX)\n    other.connect(path)\n    other.close()\n" if what is None else
            f"said = (\"{what}\\r\\n\" * 500).encode()\nwhile True:\n    os.write(sock.fileno(), said)\n")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/usr/bin/python3\nimport os, socket, sys, threading\npath = sys.argv[sys.argv.index('--management') + 1]\n"
                   "sock = socket.socket(socket.AF_UNIX)\nsock.connect(path)\n"
                   "def hear():\n    while sock.recv(65536):\n        pass\n    os._exit(0)\n"
                   "threading.Thread(target=hear).start()\n"
                   "sock.sendall(b'>INFO:OpenVPN Management Interface Version 5 -- type\\r\\n>HOLD:Waiting for hold release:0\\r\\n')\n"
                   + loop)
    os.chmod(path, 0o755)
    return path


def sizes(gate):
    return {name: os.path.getsize(f"{gate.directory}/{name}") for name in os.listdir(gate.directory) if name.startswith("portcullis.log")}


def bytes_written(pid):
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return int(re.search(r"wchar: (\d+)", file.read())[1])
    except OSError:
        return 0


@pytest.mark.parametrize("what", LOOP)
def test_openvpn_that_talks_without_end(world, portcullis, what):
    """A captured openvpn in a loop: a few lines a second are logged, and the log never exceeds log.size."""
    gate = portcullis()
    gate.configure(openvpn=f'{{ binary = "{talker(LOOP[what])}" arguments = {{}} }}', openvpn_user='"root"',
                   log=f'{{ file = "{gate.log_file}" level = "debug" size = "{SIZE}" }}',
                   credentials=f'{{ username = "joe" password-file = "{password_file(gate)}" }}')
    gate.start().wait(gate={"dialling", "locked"})
    began, biggest, written = time.monotonic(), 0, 0
    while time.monotonic() < began + 1.2:
        biggest = max([biggest, *sizes(gate).values()])
        written = max([written, *map(bytes_written, gate.host.pids("talker"))])
        gate.status()
    assert written > 100_000 or LOOP[what] is None, f"control: only {written} bytes were heard"
    assert 0 < biggest < SIZE, biggest
    assert gate.log().count("\n") < 400, "a flood"
    gate.ctl("down", "--wait", check=True)
    assert gate.kernel_gate() == "locked"


def password_file(gate):
    path = f"{gate.directory}/password"
    with open(path, "w", encoding="ascii") as file:
        file.write("secret\n")
    os.chmod(path, 0o600)
    return path


def test_log_has_a_size(world, portcullis):
    """Before the log is full, the gate starts a new one and keeps the previous one. While the gate is stopped, the log
    stays at its size, and the driver loses lines instead."""
    gate = portcullis()
    size = 8192
    gate.configure(log=f'{{ file = "{gate.log_file}" level = "debug" size = "{size}" }}')
    gate.start().wait(gate="open")
    for _ in range(6):
        gate.ctl("reconnect", "--wait", check=True)
        assert all(length <= size for length in sizes(gate).values()), sizes(gate)
    assert set(sizes(gate)) == {"portcullis.log", "portcullis.log.1"}, sizes(gate)
    with open(f"{gate.log_file}.1", encoding="ascii") as old, open(gate.log_file, encoding="ascii") as new:
        old, new = old.read(), new.read()
    assert old.endswith("\n") and re.match(r"\d{4}-", old) and re.match(r"\d{4}-", new), "whole lines"
    assert old[:20] <= new[:20]
    # Nobody can start a new log now: it stops growing at its size, and the driver continues.
    os.kill(gate.pid, signal.SIGSTOP)
    try:
        with open(gate.log_file, "a", encoding="ascii") as file:
            file.write("x" * (size - os.path.getsize(gate.log_file) - 60) + "\n")
        os.kill(gate.openvpn(), signal.SIGTERM)
        wait_for(lambda: json.loads(gate.ctl("status", "--json").stdout)["tunnel"] != "connected", "the driver notices")
        assert size - 60 <= os.path.getsize(gate.log_file) <= size
    finally:
        os.kill(gate.pid, signal.SIGCONT)
    gate.wait(gate="open")
    assert os.path.getsize(gate.log_file) < size
    assert gate.stop() == 0
    gate.configure(log=f'{{ file = "{gate.log_file}" level = "debug" size = "{size}" keep = 0 }}')
    os.unlink(f"{gate.log_file}.1")
    gate.start().wait(gate="open")
    gate.ctl("reconnect", "--wait", check=True)
    gate.ctl("reconnect", "--wait", check=True)
    assert set(sizes(gate)) == {"portcullis.log"}, sizes(gate)


FOREIGN = "a\x9b31mb\u202ec\x1b]0;x\x07d"


def no_foreign(*texts):
    for text in texts:
        found = [hex(ord(each)) for each in text if each != "\n" and (ord(each) < 32 or 0x7f <= ord(each) < 0xa0 or each in "\u202e\udc9b")]
        assert not found, (found, text)


def test_foreign_text_on_a_terminal(world, portcullis):
    """Control characters of C0 and C1, marks that change the writing direction, bytes that are not UTF-8: escaped
    everywhere."""
    gate = portcullis()
    said = FOREIGN.encode() + b"\xff"
    fake = f"{ROOT}/foreign"
    with open(fake, "w", encoding="ascii") as file:
        file.write("#!/usr/bin/python3\nimport socket, sys\nsock = socket.socket(socket.AF_UNIX)\n"
                   "sock.connect(sys.argv[sys.argv.index('--management') + 1])\n"
                   "sock.sendall(b'>INFO:OpenVPN Management Interface Version 5 -- type\\r\\n>HOLD:Waiting for hold release:0\\r\\n'\n"
                   f"             b\">PASSWORD:Verification Failed: 'Auth' ['\" + {FOREIGN.encode()!r} + b\"']\\r\\n\"\n"
                   f"             b'>LOG:1700000000,W,log ' + {said!r} + b'\\r\\n>STATE:1700000000,EXITING,auth-failure,,,,,\\r\\n')\n"
                   "while sock.recv(65536):\n    pass\n")
    os.chmod(fake, 0o755)
    gate.configure(openvpn=f'{{ binary = "{fake}" arguments = {{}} }}', openvpn_user='"root"')
    gate.start().wait(tunnel={"stopped", "waiting"})
    raw = gate.ctl("status", "--json").stdout
    assert raw.isascii() and FOREIGN in json.loads(raw)["reason"], raw
    with gate.watch() as watch:
        assert FOREIGN in watch.next()["reason"]
    told = gate.ctl("log", "-n", "100").stdout
    assert "log a" in told, told
    no_foreign(gate.ctl("status").stdout, told, gate.log())
    # Names of files, and their contents.
    path = f"{gate.directory}/{FOREIGN}.ovpn"
    missing = gate.ctl("check", path)
    with open(path, "wb") as file:
        file.write(b"client\ndev tun\nremote 203.0.113.10 1194\nsetenv " + said + b" x\n" + said + b" x\n")
    checked, imported = gate.ctl("check", path), gate.ctl("import", path, "x", "--to", gate.directory)
    wrong = gate.ctl(FOREIGN)
    for done in (missing, checked, imported, wrong):
        assert done.returncode == 1 and r"\xc2\x9b31m" in done.stderr, done
        no_foreign(done.stdout, done.stderr)
    gate.configure(profile='"' + path + '"')
    for done in (gate.run_daemon("-n"), gate.ctl("check", "-c", gate.file), gate.ctl("doctor")):
        no_foreign(done.stdout, done.stderr)


WATCHERS = """
import socket, sys
held = []
while True:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(sys.argv[1])
    try:
        sock.sendall(b'{"command":"watch"}\\n')
    except BrokenPipeError:
        break
    if b'"error"' in sock.recv(65536):
        break
    held.append(sock)
print(len(held), flush=True)
sys.stdin.read()
"""


def test_one_client_too_many(world, portcullis):
    """All places that users other than root can have are taken: the next client gets an error, and root is still
    served."""
    group, users = 64010, range(64100, 64105)
    gate = portcullis()
    gate.configure(control="{ socket = " + f'"{gate.socket}" group = "{group}" }}')
    gate.start_open()

    def as_user(user):
        return ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]

    def status(user):
        return gate.host.run(*as_user(user), f"{gate.programs}/portcullis", "-s", gate.socket, "status", check=False)
    held = [gate.host.popen(*as_user(user), "/usr/bin/python3", "-c", WATCHERS, gate.socket,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for user in users]
    assert sum(int(each.stdout.readline()) for each in held) == 56
    refused = status(users[0])
    assert refused.returncode == 1 and "too many connections" in refused.stderr and "driver" not in refused.stderr, refused
    assert gate.status()["gate"] == "open"
    with gate.watch() as watch:
        assert watch.next()["gate"] == "open"
    for each in held:
        each.communicate()
    wait_for(lambda: status(users[0]).returncode == 0, "places are free again")


# In place of an openvpn that does not know the options that are new in 2.6: the installed one, which gets them under
# other names.
OLD = """#!/usr/bin/python3
import os, re, sys
names, strict = {names!r}, {strict}
argv = [re.sub("^(--)?(" + "|".join(names) + ")$", r"\\1not-\\2", word) for word in sys.argv]
if strict:
    at = argv.index("--ignore-unknown-option")
    del argv[at:at + 1 + next(i for i, word in enumerate(argv[at + 1:]) if word.startswith("--"))]
text = re.sub("^(</?)?(" + "|".join(names) + ")\\\\b", r"\\1not-\\2", sys.stdin.read(), flags=re.M)
file = os.memfd_create("profile", 0)
os.write(file, text.encode())
os.lseek(file, 0, 0)
os.dup2(file, 0)
os.execv("/usr/sbin/openvpn", argv)
"""
NEW_OPTIONS = ("compat-mode", "dns", "max-packet-size", "peer-fingerprint", "providers", "tun-mtu-max")


def old_openvpn(gate, strict=False):
    path = f"{gate.directory}/old-openvpn"
    with open(path, "w", encoding="ascii") as file:
        file.write(OLD.format(names=NEW_OPTIONS, strict=strict))
    os.chmod(path, 0o755)
    gate.configure(openvpn=f'{{ binary = "{path}" arguments = {{}} }}', openvpn_user='"root"')


def test_options_that_an_older_openvpn_does_not_know(world, portcullis):
    """An openvpn that does not know a harmless option starts without it. One that does not know a check of the server
    does not start, and the reason is logged."""
    gate = portcullis(extra=["compat-mode 2.5.0", "dns server 1 address 10.8.0.53", "max-packet-size 1400", "providers default",
                             "tun-mtu-max 1600"])
    user = gate.settings["openvpn-user"]
    old_openvpn(gate, strict=True)  # control: by itself it would not start
    refused_for(gate, "Unrecognized option")
    assert gate.stop() == 0
    old_openvpn(gate)
    gate.start_open()
    assert "not-compat-mode" in gate.log(), gate.told("control: it did not know them")
    assert gate.stop() == 0
    told = subprocess.run(["openssl", "x509", "-in", f"{world.keys}/server.crt", "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, text=True, check=True).stdout
    gate.write(world.profile("udp", extra=["peer-fingerprint " + told.split("=")[1].strip()]))
    refused_for(gate, "not-peer-fingerprint")
    assert "not-peer-fingerprint" in gate.status()["reason"]
    assert gate.stop() == 0
    gate.configure(openvpn=None, openvpn_user=user)
    gate.start_open()  # control: this one knows the option, and the fingerprint matches
